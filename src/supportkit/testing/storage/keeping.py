"""Contract: what is too old is deleted, that and nothing else, and nothing of it is left."""

# ruff: noqa: S101, PLR2004, PT012 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from supportkit.errors import ConcurrentUpdate, SupportkitError
from supportkit.model import events as ev
from supportkit.model.change import Change, OutboxState
from supportkit.model.ticket import StateCategory, Ticket
from supportkit.storage.port import Expiring, Storage, TicketQuery
from supportkit.testing.builders import (
    TENANT,
    later,
    make_firing,
    make_message,
    make_note,
    make_outgoing,
    make_receipt,
    make_timer,
    opened,
    then,
)
from supportkit.testing.storage.kit import OTHER, StorageKit, get, in_threads, save, snapshot

LEASE = dt.timedelta(seconds=60)
FINISHED = (OutboxState.SENT, OutboxState.FAILED, OutboxState.SUPPRESSED, OutboxState.CANCELLED)


def closed(storage: Storage, number: int, at: float, tenant: str = TENANT) -> Ticket:
    """Keep a ticket that was closed *at* so many seconds after the start, with a row of every kind."""
    change = opened(number, tenant=tenant, subject=f"vermilion {number}", tags=["crimson"])
    ticket = change.ticket
    whole = Change(
        tickets=(change,),
        messages=(make_message(ticket, f"message-{number}", body=f"scarlet {number}"),),
        notes=(make_note(ticket, f"note-{number}", body=f"maroon {number}"),),
        outbox=(make_outgoing(ticket, state=OutboxState.SENT),),
        timers=(make_timer(ticket),),
        firings=(make_firing(ticket, id=f"{ticket.id}/RESOLUTION/1/1/100%"),),
        receipt=make_receipt(f"key-{number}", ticket=ticket.id),
    )
    ended = ev.StateChanged(trigger="end", source="new", dest="closed", category=StateCategory.CLOSED)
    with storage.begin(tenant) as unit:
        unit.save(whole)
        unit.save(Change(tickets=(then(ticket, ended, at=later(at)),)))
    return get(storage, ticket.id, tenant)


class KeepingTests(StorageKit):
    """What is deleted by its age, and what with its ticket."""

    def test_old_keys_go_and_younger_ones_stay(self, storage: Storage) -> None:
        """The instant itself is not before itself; the oldest goes first, and no more than asked for."""
        for number in range(5):
            save(storage, Change(receipt=make_receipt(f"key-{number}", created_at=later(number))))
        with storage.begin(TENANT) as unit:
            assert unit.has_expired(Expiring.KEYS, later(0.5))
            assert not unit.has_expired(Expiring.KEYS, later(0))
            assert unit.drop_expired(Expiring.KEYS, later(3), 2) == 2
        with storage.begin(TENANT) as unit:
            assert [unit.receipt(f"key-{number}") is None for number in range(5)] == [True, True, False, False, False]
            assert unit.drop_expired(Expiring.KEYS, later(3), 100) == 1
            assert unit.drop_expired(Expiring.KEYS, later(3), 100) == 0

    @pytest.mark.parametrize("state", OutboxState)
    def test_only_settled_deliveries_go(self, storage: Storage, state: OutboxState) -> None:
        """What waits, is under way, or rests until a person settles it stays, however old it is."""
        save(storage, Change(tickets=(opened(1),), outbox=(make_outgoing(state=state),)))
        with storage.begin(TENANT) as unit:
            assert unit.has_expired(Expiring.DELIVERIES, later(10)) is (state in FINISHED)
            assert unit.drop_expired(Expiring.DELIVERIES, later(10), 10) == int(state in FINISHED)
            assert len(unit.outbox(limit=10)) == int(state not in FINISHED)

    def test_young_deliveries_stay(self, storage: Storage) -> None:
        """By the instant at which they were due last."""
        rows = tuple(
            make_outgoing(id=f"delivery-{number}", part=number, state=OutboxState.SENT, available_at=later(number))
            for number in range(1, 4)
        )
        save(storage, Change(tickets=(opened(1),), outbox=rows))
        with storage.begin(TENANT) as unit:
            assert unit.drop_expired(Expiring.DELIVERIES, later(3), 10) == 2
            assert [delivery.id for delivery in unit.outbox(limit=10)] == ["delivery-3"]

    def test_a_delivery_that_was_tried_lately_stays(self, storage: Storage) -> None:
        """However long it had waited for that."""
        save(storage, Change(tickets=(opened(1),), outbox=(make_outgoing(),)))
        with storage.begin(TENANT) as unit:
            claimed = unit.claim_outbox(later(50), lease=LEASE, worker="worker")
            assert claimed is not None
            assert unit.settle_outbox(claimed[0], state=OutboxState.SENT, now=later(51))
            assert unit.drop_expired(Expiring.DELIVERIES, later(50), 10) == 0
            assert unit.drop_expired(Expiring.DELIVERIES, later(50.1), 10) == 1

    def test_closed_tickets_are_found_by_the_instant_of_their_closing(self, storage: Storage) -> None:
        """The one that was closed first stands in front; open and merged ones are none."""
        for number, at in ((1, 30), (2, 10), (3, 20), (4, 50)):
            closed(storage, number, at)
        save(storage, opened(5))
        merged = opened(6)
        ended = ev.TicketMerged(into="ticket-1", state="closed", category=StateCategory.CLOSED)
        save(storage, merged, then(merged.ticket, ended, at=later(1)))
        with storage.begin(TENANT, write=False) as unit:
            assert [ticket.number for ticket in unit.closed_before(later(50), 10)] == [2, 3, 1]
            assert [ticket.number for ticket in unit.closed_before(later(50), 2)] == [2, 3]
            assert list(unit.closed_before(later(10), 10)) == []

    @pytest.mark.parametrize("state", OutboxState)
    def test_a_delivery_that_is_not_settled_keeps_its_ticket(self, storage: Storage, state: OutboxState) -> None:
        """Somebody waits for it still."""
        closed(storage, 1, 10)
        save(storage, Change(outbox=(make_outgoing(id="another", part=2, state=state),)))
        with storage.begin(TENANT, write=False) as unit:
            assert len(unit.closed_before(later(50), 10)) == int(state in FINISHED)

    def test_a_deleted_ticket_leaves_nothing_but_its_key(self, storage: Storage) -> None:
        """Neither what can be read by its id, nor what can be found by its words; the next ones are as they were."""
        ticket = closed(storage, 1, 10)
        closed(storage, 2, 10)
        closed(storage, 1, 10, OTHER)
        other = snapshot(storage, OTHER)
        with storage.begin(TENANT) as unit:
            unit.delete_ticket(ticket)
        with storage.begin(TENANT, write=False) as unit:
            assert unit.get("ticket-1") is None
            assert unit.by_number(1) is None
            assert list(unit.history("ticket-1")) == []
            assert list(unit.messages(["ticket-1"])) == []
            assert unit.message("message-1") is None
            assert list(unit.notes(["ticket-1"])) == []
            assert list(unit.outbox(ticket="ticket-1", limit=10)) == []
            assert unit.fired("ticket-1") == frozenset()
            assert unit.timer_backlog(later(100)).due == 1
            assert unit.receipt("key-1") is not None
            assert {recorded.ticket for recorded in unit.events_after(None, 100)} <= {"ticket-2"}
            assert sum(unit.counts().values()) == 1
            for words in ("vermilion", "scarlet", "maroon"):
                assert [found.number for found in unit.find(TicketQuery(text=words)).items] == [2]
        assert snapshot(storage, OTHER) == other

    def test_words_of_a_deleted_ticket_are_not_found_when_its_id_comes_back(self, storage: Storage) -> None:
        """Also those that it had before: an old subject, an old tag, a message that lies elsewhere by now."""
        ticket = closed(storage, 1, 10)
        closed(storage, 2, 10)
        changed = then(ticket, ev.SubjectChanged(subject="azure"), ev.TagsChanged(added=("teal",)))
        moved = ev.MessagesMoved(messages=("message-1",), source="ticket-1", dest="ticket-2")
        moving = then(changed.ticket, moved)
        with storage.begin(TENANT) as unit:
            unit.save(Change(tickets=(changed,)))
            unit.save(Change(tickets=(moving,), moved=(("message-1", "ticket-2"),)))
        with storage.begin(TENANT) as unit:
            unit.delete_ticket(get(storage, "ticket-1"))
        save(storage, opened(1, subject="plain"))
        with storage.begin(TENANT, write=False) as unit:
            for words in ("vermilion", "azure", "scarlet", "maroon"):
                assert 1 not in [found.number for found in unit.find(TicketQuery(text=words)).items], words
            for tag in ("crimson", "teal"):
                assert 1 not in [found.number for found in unit.find(TicketQuery(tags=tag)).items], tag
            assert unit.message("message-1") is not None

    def test_words_that_lay_elsewhere_and_are_gone_leave_nothing_either(self, storage: Storage) -> None:
        """The ticket that a message went to is deleted first, with the message."""
        ticket = closed(storage, 1, 10)
        closed(storage, 2, 10)
        moved = ev.MessagesMoved(messages=("message-1",), source="ticket-1", dest="ticket-2")
        save(storage, Change(tickets=(then(ticket, moved),), moved=(("message-1", "ticket-2"),)))
        for name in ("ticket-2", "ticket-1"):
            with storage.begin(TENANT) as unit:
                unit.delete_ticket(get(storage, name))
        save(storage, opened(1, subject="plain"))
        with storage.begin(TENANT, write=False) as unit:
            assert list(unit.find(TicketQuery(text="scarlet")).items) == []

    def test_a_ticket_that_changed_meanwhile_is_not_deleted(self, storage: Storage) -> None:
        """Nor is one that is gone; and nothing of the transaction is kept."""
        ticket = closed(storage, 1, 10)
        save(storage, then(ticket, ev.TagsChanged(added=("wanted",))))
        before = snapshot(storage)
        with pytest.raises(ConcurrentUpdate), storage.begin(TENANT) as unit:
            unit.save(Change(tickets=(opened(7),)))
            unit.delete_ticket(ticket)
        with pytest.raises(ConcurrentUpdate), storage.begin(TENANT) as unit:
            unit.delete_ticket(attrs.evolve(ticket, id="ticket-9"))
        assert snapshot(storage) == before

    def test_a_ticket_of_another_tenant_is_not_deleted(self, storage: Storage) -> None:
        """Neither by the value itself nor by one that claims to be ours."""
        ticket = closed(storage, 1, 10, OTHER)
        before = snapshot(storage, OTHER)
        for claimed in (ticket, attrs.evolve(ticket, tenant=TENANT)):
            with pytest.raises(SupportkitError), storage.begin(TENANT) as unit:
                unit.delete_ticket(claimed)
        with storage.begin(TENANT) as unit:
            assert not unit.has_expired(Expiring.KEYS, later(100))
            assert unit.drop_expired(Expiring.KEYS, later(100), 10) == 0
            assert unit.drop_expired(Expiring.DELIVERIES, later(100), 10) == 0
            assert list(unit.closed_before(later(100), 10)) == []
        assert snapshot(storage, OTHER) == before

    def test_several_that_delete_at_once_count_each_thing_once(self, storage: Storage) -> None:
        """What one of them deleted is not in the count of another."""
        for number in range(40):
            save(storage, Change(receipt=make_receipt(f"key-{number}", created_at=later(number))))
        counts: list[int] = []

        def delete(_number: int) -> None:
            for _ in range(4):
                try:
                    with storage.begin(TENANT) as unit:
                        dropped = unit.drop_expired(Expiring.KEYS, later(100), 10)
                except ConcurrentUpdate:
                    continue
                counts.append(dropped)

        in_threads(self.workers, delete)
        with storage.begin(TENANT) as unit:
            counts.append(unit.drop_expired(Expiring.KEYS, later(100), 100))
        assert sum(counts) == 40
