"""Contract: all rows of a tenant come out of a storage and go into an empty one, and it is the same desk."""

# ruff: noqa: S101, PLR2004 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from supportkit.errors import InvalidArchive, SupportkitError
from supportkit.model import events as ev
from supportkit.model.change import Change, OutboxState, Receipt, TimerState
from supportkit.model.conversation import Leg
from supportkit.model.message import Message
from supportkit.model.people import Actor, ActorKind
from supportkit.model.record import RecordChange
from supportkit.model.stored import KEPT, ORDER, RECEIVED, Attempt, Counter, Place, Stored
from supportkit.model.ticket import Ticket
from supportkit.storage.port import Storage, TicketQuery
from supportkit.testing.builders import (
    TENANT,
    later,
    make_arrival,
    make_file,
    make_heard,
    make_leg,
    make_message,
    make_record,
    make_settings,
    make_waiting,
    opened,
    then,
)
from supportkit.testing.storage.arrivals import leg_of
from supportkit.testing.storage.kit import OTHER, StorageKit, get, receiving, require_receiving, save
from supportkit.testing.storage.tenants import world

LEASE = dt.timedelta(seconds=60)


def filled(storage: Storage) -> list[Stored]:
    """Keep rows of every kind, some of them changed since, and return what the storage gives of them."""
    with storage.begin(TENANT) as unit:
        numbers = [unit.reserve_number() for _ in range(4)]
    for number in numbers[:3]:
        save(storage, world(TENANT, number))
    save(storage, world(OTHER, 1), tenant=OTHER)
    log = followed(storage, 3)
    with storage.begin(TENANT) as unit:
        unit.add_settings(make_settings())
        unit.set_follower("reports", str(log[1].cursor))
        claimed = unit.claim_outbox(later(10), lease=LEASE, worker="worker")
        assert claimed is not None
        unit.settle_outbox(claimed[0], state=OutboxState.SENT, now=later(11), external_id="x")
        assert unit.claim_outbox(later(12), lease=LEASE, worker="worker") is not None
        timers = unit.claim_timers(later(10), 2, lease=LEASE)
        unit.settle_timer(timers[0], TimerState.DONE)
    ticket = get(storage, "ticket-1")
    moved = ev.MessagesMoved(messages=("message-1",), source="ticket-1", dest="ticket-2")
    changed = then(ticket, ev.SubjectChanged(subject="umbra"), ev.TagsChanged(added=("sienna",)), moved)
    changed = attrs.evolve(changed, ticket=attrs.evolve(changed.ticket, clocks='{"a":1}'))
    save(storage, Change(tickets=(changed,), moved=(("message-1", "ticket-2"),)))
    if storage.capabilities.receives:
        received(storage)
    if storage.capabilities.keeps:
        records = make_record(owner="ticket-2", due_at=later(7)), make_record("agent-2", version=1, name="night")
        save(storage, Change(records=tuple([RecordChange(record=one) for one in records])))
    return everything(storage)


def received(storage: Storage) -> None:
    """Keep something of every kind that arrives."""
    legs = (leg_of(make_leg()), leg_of(make_leg("ticket-2", "leg-2", heard_at=later(3), verified=True), "other"))
    heard = (make_heard(), make_heard(None, "heard-2"))
    with receiving(storage) as unit:
        unit.save(Change(heard=heard, legs=legs, files=(make_file(), make_file(id="file-2", content=b""))))
        for number in range(6):
            unit.add_arrival(make_arrival(number, body=bytes(range(256)) * number))
        unit.claim_arrival(later(50), lease=LEASE, channels=["chat"])
        unit.set_poll_cursor("chat", "7")
        unit.spend("new", "ann", later(0), 5)
        unit.add_waiting(make_waiting(reason="blocked"))


def kinds_of(storage: Storage) -> list[type]:
    """Return the kinds of rows that a storage has."""
    able = storage.capabilities
    missing = (() if able.receives else RECEIVED) + (() if able.keeps else KEPT)
    return [kind for kind in ORDER if kind not in missing]


def followed(storage: Storage, count: int, after: str | None = None, tenant: str = TENANT) -> list[ev.Recorded]:
    """Return so many events of the log; whatever else the server is busy with may hold followers up for a while."""
    found: list[ev.Recorded] = []
    for _ in range(500):
        with storage.begin(tenant, write=False) as unit:
            found = list(unit.events_after(after, 10_000))
        if len(found) >= count:
            break
        threading.Event().wait(0.02)
    return found


def everything(storage: Storage, tenant: str = TENANT) -> list[Stored]:
    """Return every row of a tenant."""
    with storage.begin(tenant, write=False) as unit:
        return list(unit.dump())


def restore(storage: Storage, rows: Sequence[Stored], tenant: str) -> None:
    """Bring rows into a tenant."""
    with storage.begin(tenant) as unit:
        unit.restore((line, moved_to(tenant, row)) for line, row in enumerate(rows, start=2))


def restore_as_they_are(storage: Storage, rows: Sequence[Stored]) -> None:
    """Bring rows of another tenant into ours."""
    with storage.begin(TENANT) as unit:
        unit.restore(enumerate(rows, start=2))


def moved_to(tenant: str, row: Any) -> Any:
    """Return a row as one of another tenant; a cursor is the storage's own."""
    if isinstance(row, ev.Recorded):
        return attrs.evolve(row, tenant=tenant, cursor=None)
    return row if isinstance(row, Receipt) else attrs.evolve(row, tenant=tenant)


def bare(rows: Sequence[Stored]) -> list[str]:
    """Return rows in a form that tells every difference but that of tenants."""
    return [repr((type(row).__name__, attrs.asdict(moved_to("", row)))) for row in rows]


class WholeTests(StorageKit):
    """Out of one storage and into another."""

    def test_a_dump_has_every_kind_in_order(self, storage: Storage) -> None:
        """And nothing of another tenant."""
        rows = filled(storage)
        kinds = [type(row) for row in rows]
        assert list(dict.fromkeys(kinds)) == kinds_of(storage)
        assert {getattr(row, "tenant", TENANT) for row in rows} == {TENANT}
        with storage.begin(TENANT, write=False) as unit:
            apart = sum(isinstance(row, Counter | Place) for row in rows)
            assert unit.count_rows() == len(rows) - apart

    def test_a_dump_brings_what_the_other_verbs_read(self, storage: Storage) -> None:
        """Values as they are, and events in the order of followers."""
        rows = filled(storage)
        with storage.begin(TENANT, write=False) as unit:
            assert [row for row in rows if isinstance(row, Ticket)] == [unit.get(f"ticket-{n}") for n in (1, 2, 3)]
            log = [row for row in rows if isinstance(row, ev.Recorded)]
            assert Place(tenant=TENANT, name="reports", seen=2) in rows
            assert Counter(tenant=TENANT, number=4) in rows
        assert log == followed(storage, len(log))
        tries = [row for row in rows if isinstance(row, Attempt)]
        assert sorted((one.fence, one.worker, one.result or "") for one in tries) == [
            (1, "worker", ""),
            (1, "worker", "sent"),
        ]

    def test_what_was_dumped_can_be_restored_into_an_empty_tenant(self, storage: Storage) -> None:
        """Another dump gives the same rows, and the verbs read the same."""
        rows = filled(storage)
        restore(storage, rows, "initech")
        assert bare(everything(storage, "initech")) == bare(rows)
        with storage.begin("initech") as unit:
            for words, found in (("umbra", [1]), ("body", [1, 2, 3]), ("note", [1, 2, 3]), ("words", [1, 2, 3])):
                assert [ticket.number for ticket in unit.find(TicketQuery(text=words)).items] == found, words
            assert [ticket.number for ticket in unit.find(TicketQuery(tags="sienna")).items] == [1]
            assert unit.reserve_number() == 5
        count = sum(isinstance(row, ev.Recorded) for row in rows) - 2
        rest = []
        for tenant in (TENANT, "initech"):
            with storage.begin(tenant, write=False) as unit:
                cursor = unit.follower("reports")
            rest.append([(one.ticket, one.seq) for one in followed(storage, count, cursor, tenant)])
        assert rest[0] == rest[1]
        assert len(rest[0]) == count
        assert bare(everything(storage, TENANT)) == bare(rows)

    def test_a_desk_goes_on_after_it_was_restored(self, storage: Storage) -> None:
        """New events come behind the old ones, new messages behind old ones of the same instant."""
        restore(storage, filled(storage), "initech")
        ticket = get(storage, "ticket-2", "initech")
        change = then(ticket, ev.TagsChanged(added=("new",)))
        message = make_message(ticket, "message-99", body="later")
        with storage.begin("initech") as unit:
            unit.save(Change(tickets=(change,), messages=(message,)))
        with storage.begin("initech", write=False) as unit:
            assert [one.id for one in unit.messages(["ticket-2"])][-1] == "message-99"
            count = sum(len(unit.history(name)) for name in ("ticket-1", "ticket-2", "ticket-3"))
        assert followed(storage, count, tenant="initech")[-1].event == change.events[0].event

    def test_an_empty_tenant_gives_nothing_and_says_so(self, storage: Storage) -> None:
        """Whatever others have."""
        filled(storage)
        with storage.begin("initech", write=False) as unit:
            assert unit.is_empty()
            assert list(unit.dump()) == []
        with storage.begin(TENANT, write=False) as unit:
            assert not unit.is_empty()

    def test_a_tenant_is_restored_beside_others(self, storage: Storage) -> None:
        """It is empty whatever they have, gets the rows that are its own, and no others."""
        save(storage, world("initech", 0), world("initech", 1), tenant="initech")
        save(storage, world(OTHER, 1), tenant=OTHER)
        rows = everything(storage, "initech")
        before = bare(everything(storage, OTHER))
        with storage.begin(TENANT, write=False) as unit:
            assert unit.is_empty()
        with pytest.raises(SupportkitError):
            restore_as_they_are(storage, rows)
        assert everything(storage) == []
        restore(storage, [Counter(tenant=TENANT, number=1), *rows], TENANT)
        assert bare(everything(storage))[1:] == bare(rows)
        assert bare(everything(storage, OTHER)) == before

    def test_one_row_of_any_kind_is_enough_not_to_be_empty(self, storage: Storage) -> None:
        """Also a number that was reserved and not used."""
        with storage.begin("one") as unit:
            unit.reserve_number()
        with storage.begin("two") as unit:
            unit.add_settings(make_settings(tenant="two"))
        for tenant in ("one", "two"):
            with storage.begin(tenant, write=False) as unit:
                assert not unit.is_empty(), tenant

    @pytest.mark.parametrize("kind", ORDER, ids=lambda kind: kind.__name__)
    def test_a_row_that_is_there_twice_is_named_by_its_line(self, storage: Storage, kind: type) -> None:
        """And nothing at all is kept."""
        if kind not in kinds_of(storage):
            pytest.skip("the storage declares that it has no rows of this kind")
        rows = filled(storage)
        index = next(number for number, row in enumerate(rows) if isinstance(row, kind))
        last = max(number for number, row in enumerate(rows) if isinstance(row, kind))
        twice = [*rows[: last + 1], rows[index], *rows[last + 1 :]]
        with pytest.raises(InvalidArchive) as caught:
            restore(storage, twice, "initech")
        assert caught.value.line == last + 3
        assert everything(storage, "initech") == []

    def test_rows_out_of_order_are_refused(self, storage: Storage) -> None:
        """A ticket behind the log that is its own."""
        rows = filled(storage)
        kinds = [isinstance(row, Ticket) for row in rows]
        late = [*(row for row in rows if not isinstance(row, Ticket)), rows[kinds.index(True)]]
        with pytest.raises(InvalidArchive):
            restore(storage, late, "initech")
        assert everything(storage, "initech") == []

    @pytest.mark.parametrize("kind", [Ticket, ev.Recorded, Counter], ids=lambda kind: kind.__name__)
    def test_rows_that_lack_others_are_refused(self, storage: Storage, kind: type) -> None:
        """Tickets without a log, a log without tickets, numbers above the counter."""
        rows = [row for row in filled(storage) if not isinstance(row, kind | Place)]
        with pytest.raises(InvalidArchive):
            restore(storage, rows, "initech")
        assert everything(storage, "initech") == []

    @pytest.mark.parametrize("kind", [Leg, Message], ids=lambda kind: kind.__name__)
    def test_what_arrived_without_what_it_belongs_to_is_refused(self, storage: Storage, kind: type) -> None:
        """Conversations without legs, files without messages."""
        require_receiving(storage)
        rows = [row for row in filled(storage) if not isinstance(row, kind)]
        with pytest.raises(InvalidArchive):
            restore(storage, rows, "initech")
        assert everything(storage, "initech") == []

    def test_a_follower_beyond_the_log_is_refused(self, storage: Storage) -> None:
        """It cannot have seen what is not there."""
        rows = [attrs.evolve(row, seen=1000) if isinstance(row, Place) else row for row in filled(storage)]
        with pytest.raises(InvalidArchive):
            restore(storage, rows, "initech")
        assert everything(storage, "initech") == []

    def test_what_is_too_long_for_its_column_is_refused(self, storage: Storage) -> None:
        """On every database, with the line."""
        rows = filled(storage)
        index = next(number for number, row in enumerate(rows) if isinstance(row, ev.Recorded))
        event = rows[index]
        assert isinstance(event, ev.Recorded)
        rows[index] = attrs.evolve(event, actor=Actor(ActorKind.AGENT, "x" * 1000))
        with pytest.raises(InvalidArchive) as caught:
            restore(storage, rows, "initech")
        assert caught.value.line == index + 2
        assert everything(storage, "initech") == []

    def test_a_ticket_without_rows_of_its_own_is_kept(self, storage: Storage) -> None:
        """Nothing but its log belongs to it."""
        with storage.begin(TENANT) as unit:
            unit.reserve_number()
        save(storage, opened(1))
        rows = everything(storage)
        restore(storage, rows, "initech")
        assert bare(everything(storage, "initech")) == bare(rows)
