"""Contract: a change is stored whole or not at all (P2), and a key stands for one result (P5)."""

# ruff: noqa: S101, PLR2004, PT012 - these are tests, although they lie in the package

from __future__ import annotations

import attrs
import pytest

from supportkit.errors import ConcurrentUpdate, IdempotencyConflict, SupportkitError
from supportkit.model import events as ev
from supportkit.model.change import Change, TicketChange
from supportkit.model.message import MessageKind
from supportkit.storage.port import Storage, TicketQuery
from supportkit.testing.builders import (
    AGENT,
    TENANT,
    later,
    make_customer,
    make_message,
    make_note,
    make_outgoing,
    make_receipt,
    make_timer,
    opened,
    then,
)
from supportkit.testing.storage.kit import StorageKit, get, in_threads, save, snapshot


class Interrupted(Exception):
    """What an app might raise inside a unit of work."""


def whole(change: TicketChange, *, key: str = "key-1") -> Change:
    """Return a change with a row of every kind beside the one of the ticket."""
    ticket, seq = change.ticket, change.ticket.version
    return Change(
        tickets=(opened(ticket.number + 1000 * seq, tenant=ticket.tenant), change),
        messages=(make_message(ticket, f"message-{ticket.number}.{seq}", body="searchable"),),
        notes=(make_note(ticket, f"note-{ticket.number}.{seq}"),),
        outbox=(make_outgoing(ticket, seq),),
        timers=(make_timer(ticket),),
        customers=(make_customer(f"customer-{ticket.number}.{seq}"),),
        receipt=make_receipt(key, ticket=ticket.id, seq=seq),
    )


class ChangeTests(StorageKit):
    """Atomicity and idempotency."""

    def test_every_part_of_a_change_is_stored(self, storage: Storage) -> None:
        """Row, log, message, note, delivery, deadline, customer, key, words."""
        change = opened(1)
        save(storage, whole(change))
        now = snapshot(storage)
        assert [ticket.number for ticket in now["tickets"]] == [1, 1001]
        assert [len(now[name]) for name in ("messages", "notes", "customers", "outbox")] == [1, 1, 1, 1]
        assert now["receipts"] == [make_receipt(ticket="ticket-1")]
        assert now["timer backlog"].due == now["outbox backlog"].due == 1
        with storage.begin(TENANT, write=False) as unit:
            assert [found.number for found in unit.find(TicketQuery(text="searchable")).items] == [1]

    def test_nothing_of_a_change_is_stored_when_the_block_raises(self, storage: Storage) -> None:
        """Whatever it is that it raises."""
        save(storage, opened(1))
        before = snapshot(storage)
        for error in (Interrupted, KeyboardInterrupt):
            with pytest.raises(error), storage.begin(TENANT) as unit:
                unit.reserve_number()
                unit.save(whole(then(get(storage, "ticket-1"), ev.Assigned(team="east", assignee=None))))
                unit.set_follower("reports", str(before["events"][-1][1]))
                raise error
            assert snapshot(storage) == before

    def test_after_an_error_the_storage_works_as_before(self, storage: Storage) -> None:
        """A rolled back unit leaves nothing open."""
        with pytest.raises(Interrupted), storage.begin(TENANT) as unit:
            unit.save(Change(tickets=(opened(1),)))
            raise Interrupted
        save(storage, opened(1))
        assert get(storage, "ticket-1").number == 1

    def test_the_loser_of_a_race_leaves_nothing(self, storage: Storage) -> None:
        """The second of two changes that were decided on one version, with all that is in it and came before it."""
        first = opened(1)
        save(storage, first)
        one = then(first.ticket, ev.Assigned(team="east", assignee=None))
        two = then(first.ticket, ev.Assigned(team="west", assignee=None))
        save(storage, one)
        before = snapshot(storage)
        with pytest.raises(ConcurrentUpdate) as caught:
            save(storage, opened(2), whole(two))
        assert (caught.value.ticket, caught.value.expected) == ("ticket-1", 1)
        assert snapshot(storage) == before

    def test_a_stale_version_loses_even_where_its_seq_is_free(self, storage: Storage) -> None:
        """The version of the row decides, not only the key of the log."""
        first = opened(1)
        second = then(first.ticket, ev.Assigned(team="east", assignee=None))
        save(storage, first, second)
        third = then(second.ticket, ev.Assigned(team="west", assignee=None))
        before = snapshot(storage)
        with pytest.raises(ConcurrentUpdate):
            save(storage, attrs.evolve(third, before=first.ticket))
        assert snapshot(storage) == before

    def test_a_ticket_that_is_not_there_cannot_be_changed(self, storage: Storage) -> None:
        """Nor does it come into being by that."""
        with pytest.raises(ConcurrentUpdate):
            save(storage, then(opened(1).ticket, ev.Assigned(team="east", assignee=None)))
        assert snapshot(storage)["tickets"] == []

    def test_a_ticket_cannot_be_opened_twice(self, storage: Storage) -> None:
        """Neither under its id nor under its number."""
        save(storage, opened(1))
        before = snapshot(storage)
        for again in (opened(1, reference="OTHER"), opened(1, id="other", reference="OTHER")):
            with pytest.raises(ConcurrentUpdate):
                save(storage, again)
            assert snapshot(storage) == before

    def test_the_second_writer_of_a_customer_loses(self, storage: Storage) -> None:
        """Customers have versions too."""
        customer = make_customer()
        save(storage, Change(customers=(customer,)))
        save(storage, Change(customers=(attrs.evolve(customer, name="Ann", version=2),)))
        before = snapshot(storage)
        for late in (attrs.evolve(customer, name="Bob", version=2), attrs.evolve(customer, name="Bob")):
            with pytest.raises(ConcurrentUpdate):
                save(storage, Change(customers=(late,)))
            assert snapshot(storage) == before

    def test_a_key_cannot_stand_for_two_results(self, storage: Storage) -> None:
        """And nothing of the second change is stored."""
        save(storage, whole(opened(1)))
        before = snapshot(storage)
        with pytest.raises(IdempotencyConflict):
            save(storage, whole(then(get(storage, "ticket-1"), ev.Assigned(team="east", assignee=None))))
        assert snapshot(storage) == before

    def test_one_cause_and_rule_give_one_delivery(self, storage: Storage) -> None:
        """A second row of the same cause, rule, channel, recipient and part is refused with its whole change."""
        save(storage, Change(tickets=(opened(1),), outbox=(make_outgoing(),)))
        before = snapshot(storage)
        with pytest.raises(SupportkitError):
            save(storage, Change(tickets=(opened(2),), outbox=(make_outgoing(id="another"),)))
        assert snapshot(storage) == before

    def test_a_change_that_failed_cannot_be_kept_by_swallowing_its_error(self, storage: Storage) -> None:
        """The first rows of a change that failed half way must not be committed."""
        first = opened(1)
        save(storage, first)
        before = snapshot(storage)
        stale = then(then(first.ticket, ev.Assigned(team="east", assignee=None)).ticket, ev.TagsChanged(added=("a",)))
        with pytest.raises(SupportkitError), storage.begin(TENANT) as unit:
            with pytest.raises(ConcurrentUpdate):
                unit.save(Change(tickets=(opened(2), stale)))
            unit.get("ticket-1")
        assert snapshot(storage) == before

    def test_a_unit_of_work_ends_with_its_block(self, storage: Storage) -> None:
        """Whoever keeps it cannot write outside a transaction."""
        with storage.begin(TENANT) as unit:
            unit.save(Change(tickets=(opened(1),)))
        before = snapshot(storage)
        with pytest.raises(SupportkitError):
            unit.save(Change(tickets=(opened(2),)))
        with pytest.raises(SupportkitError):
            unit.get("ticket-1")
        with pytest.raises(SupportkitError):
            unit.find(TicketQuery())
        assert snapshot(storage) == before

    def test_numbers_count_up_and_come_back_after_a_rollback(self, storage: Storage) -> None:
        """Or stay unused; they are never given twice."""
        with storage.begin(TENANT) as unit:
            numbers = [unit.reserve_number(), unit.reserve_number()]
        with pytest.raises(Interrupted), storage.begin(TENANT) as unit:
            unit.reserve_number()
            raise Interrupted
        with storage.begin(TENANT) as unit:
            numbers.append(unit.reserve_number())
        assert numbers == sorted(set(numbers))
        assert numbers[0] >= 1

    def test_nobody_reads_half_a_change(self, storage: Storage) -> None:
        """Readers look all the time while changes of many parts are written."""
        save(storage, opened(1))
        stop = False

        def write(_thread: int) -> None:
            nonlocal stop
            try:
                for _ in range(40):
                    before = get(storage, "ticket-1")
                    seq = before.version + 1
                    reply = ev.ReplyAdded(
                        message=f"m-{seq}", author=AGENT, kind=MessageKind.REPLY, channel="app", queued=True
                    )
                    change = then(before, reply)
                    message = make_message(change.ticket, f"m-{seq}")
                    delivery = make_outgoing(change.ticket, seq, available_at=later(seq))
                    save(storage, Change(tickets=(change,), messages=(message,), outbox=(delivery,)))
            finally:
                stop = True

        def read(_thread: int) -> None:
            while not stop:
                with storage.begin(TENANT, write=False) as unit:
                    ticket = unit.get("ticket-1")
                    assert ticket is not None
                    replies = ticket.version - 1
                    assert len(unit.history(ticket.id)) == ticket.version
                    assert len(unit.messages([ticket.id])) == replies
                    assert len(unit.outbox(ticket=ticket.id, limit=500)) == replies

        in_threads(1 + self.workers, lambda thread: write(thread) if thread == 0 else read(thread))
        assert get(storage, "ticket-1").version == 41
