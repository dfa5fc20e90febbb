"""Storages with one planted fault each, wrapped around a sound one: the contract has to find all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from sqlalchemy import select

from supportkit.errors import IdempotencyConflict
from supportkit.model.change import Change, OutboxState, Outgoing, Timer, TimerState
from supportkit.model.stored import Attempt
from supportkit.storage import schema
from supportkit.storage.sql import SqlStorage
from supportkit.storage.unit import SqlUnitOfWork


class Faulty:
    """Hands everything to a sound storage; `_wrap` puts the faulty unit of work around each one of it."""

    def __init__(self, sound: SqlStorage) -> None:
        self.sound = sound

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)

    @contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[Any]:
        with self.sound.begin(tenant, write=write) as unit:
            yield self._wrap(unit)

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        return unit


class Unit:
    """Hands everything to a sound unit of work; a subclass gets one method wrong."""

    def __init__(self, unit: SqlUnitOfWork, storage: Any) -> None:
        self.unit = unit
        self.storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unit, name)


class LosesOneWriteInAThousand(Faulty):
    count = 0

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Losing(Unit):
            def save(self, change: Change) -> None:
                self.storage.count += 1
                if self.storage.count % 1000:
                    self.unit.save(change)

        return Losing(unit, self)


class ReturnsAStaleRow(Faulty):
    """Keeps the first version of each ticket that it read, as a cache would that nobody empties."""

    def __init__(self, sound: SqlStorage) -> None:
        super().__init__(sound)
        self.cache: dict[tuple[str, str], Any] = {}

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Stale(Unit):
            def get(self, ticket_id: str) -> Any:
                ticket = self.unit.get(ticket_id)
                if ticket is None:
                    return None
                return self.storage.cache.setdefault((self.unit.tenant, ticket_id), ticket)

        return Stale(unit, self)


class ChecksNoVersion(Faulty):
    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Careless(Unit):
            def save(self, change: Change) -> None:
                parts = []
                for part in change.tickets:
                    stored = self.unit.get(part.ticket.id)
                    decided = part.before is not None and stored is not None
                    parts.append(attrs.evolve(part, before=stored) if decided else part)
                self.unit.save(attrs.evolve(change, tickets=tuple(parts)))

        return Careless(unit, self)


class SwallowsTheIdempotencyConflict(Faulty):
    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Swallowing(Unit):
            def save(self, change: Change) -> None:
                try:
                    self.unit.save(change)
                except IdempotencyConflict:
                    self.unit._broken = False

        return Swallowing(unit, self)


class TellsTwice(Faulty):
    """Has no unique key on what was told."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Repeating(Unit):
            def save(self, change: Change) -> None:
                known = {(firing.ticket, firing.id) for firing in change.firings} & {
                    (one.ticket, told) for one in change.firings for told in self.unit.fired(one.ticket)
                }
                fresh = tuple(firing for firing in change.firings if (firing.ticket, firing.id) not in known)
                self.unit.save(attrs.evolve(change, firings=fresh))

        return Repeating(unit, self)


class ForgetsTheNote(Faulty):
    """Does not keep what is noted about clocks when a ticket changes."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Forgetful(Unit):
            def save(self, change: Change) -> None:
                parts = [attrs.evolve(part, ticket=attrs.evolve(part.ticket, clocks="")) for part in change.tickets]
                self.unit.save(attrs.evolve(change, tickets=tuple(parts)))

        return Forgetful(unit, self)


class DoesNotRollBack(Faulty):
    @contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[Any]:
        raised: list[BaseException] = []
        with self.sound.begin(tenant, write=write) as unit:
            try:
                yield unit
            except BaseException as error:  # noqa: BLE001 - that is the fault
                unit._broken = False
                raised.append(error)
        if raised:
            raise raised[0]


class ClaimsTogether(Faulty):
    """Every claim is given out, and the next worker gets the same row."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Sharing(Unit):
            def claim_timers(self, now: dt.datetime, limit: int, *, lease: dt.timedelta) -> Any:
                found = self.unit.claim_timers(now, limit, lease=lease)
                done = [self.unit.settle_timer(timer, TimerState.WAITING) for timer in found[1:]]
                assert all(done)
                return found

            def claim_outbox(self, now: dt.datetime, **how: Any) -> Any:
                found = self.unit.claim_outbox(now, **how)
                if found is not None and found[0].attempts == 1:
                    self.unit.settle_outbox(found[0], state=OutboxState.PENDING, now=now)
                return found

        return Sharing(unit, self)


class HasNoFence(Faulty):
    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Fenceless(Unit):
            def settle_timer(self, timer: Timer, state: TimerState) -> bool:
                tries = [attrs.evolve(timer, fence=timer.fence + more) for more in range(5)]
                return any(self.unit.settle_timer(one, state) for one in tries)

            def settle_outbox(self, delivery: Outgoing, **values: Any) -> bool:
                tries = [attrs.evolve(delivery, fence=delivery.fence + more) for more in range(5)]
                return any(self.unit.settle_outbox(one, **values) for one in tries)

            def settle_arrival(self, arrival: Any, state: Any, **values: Any) -> bool:
                tries = [attrs.evolve(arrival, fence=arrival.fence + more) for more in range(5)]
                return any(self.unit.settle_arrival(one, state, **values) for one in tries)

            def decide_outbox(self, delivery: Outgoing, **values: Any) -> bool:
                tries = [attrs.evolve(delivery, fence=delivery.fence + more) for more in range(5)]
                return any(self.unit.decide_outbox(one, **values) for one in tries)

        return Fenceless(unit, self)


class KnowsNoTurns(Faulty):
    """Gives out what has waited longest, whosever it is."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Greedy(Unit):
            def claim_outbox(self, now: dt.datetime, **how: Any) -> Any:
                self.unit._cursor.execute("DELETE FROM supportkit_lane")
                return self.unit.claim_outbox(now, **how)

        return Greedy(unit, self)


class ClaimsByAnyChannel(Faulty):
    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Grasping(Unit):
            def claim_outbox(self, now: dt.datetime, **how: Any) -> Any:
                return self.unit.claim_outbox(now, **how | {"channels": None})

            def outbox_backlog(self, now: dt.datetime, **_how: Any) -> Any:
                return self.unit.outbox_backlog(now)

        return Grasping(unit, self)


class ForgetsTheWithdrawal(Faulty):
    """Cancels what waits, and lets a worker try again what he had in hand."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Forgetful(Unit):
            def withdraw_outbox(self, ticket: str, **how: Any) -> Any:
                cancelled = self.unit.withdraw_outbox(ticket, **how)
                mine = "supportkit_outbox.tenant = 'acme'"
                self.unit._cursor.execute(f"UPDATE supportkit_outbox SET withdrawn = NULL WHERE {mine}")
                return cancelled

        return Forgetful(unit, self)


def leaking(method: str) -> Callable[[SqlStorage], Faulty]:
    """Return a storage in which one *method* forgets the tenant and answers for the other one."""

    class Leaking(Faulty):
        def _wrap(self, unit: SqlUnitOfWork) -> Any:
            if unit.tenant != "acme":
                return unit

            class Open(Unit):
                def __getattr__(self, name: str) -> Any:
                    if name == method:
                        foreign = SqlUnitOfWork("globex", unit._link, unit._st, write=unit._write)
                        return getattr(foreign, name)
                    return getattr(self.unit, name)

            return Open(unit, self)

    return Leaking


class SkipsEvents(Faulty):
    """Reads positions without waiting for commits that come late: now and then one is missing."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Skipping(Unit):
            def events_after(self, cursor: str | None, limit: int) -> Any:
                found = self.unit.events_after(cursor, limit)
                return [one for one in found if one.seq % 20 != 7]

        return Skipping(unit, self)


class ForgetsTheOutbox(Faulty):
    """Commits the change and adds its deliveries in a transaction of their own."""

    @contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[Any]:
        late: list[Change] = []

        class Splitting(Unit):
            def save(self, change: Change) -> None:
                late.append(Change(outbox=change.outbox))
                self.unit.save(attrs.evolve(change, outbox=()))

        with self.sound.begin(tenant, write=write) as unit:
            yield Splitting(unit, self) if write else unit
        for change in late:
            with self.sound.begin(tenant) as unit:
                unit.save(change)


class PagesByOffset(Faulty):
    """A cursor that counts rows instead of naming the last one."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Counting(Unit):
            def find(self, query: Any) -> Any:
                skip = self.storage.offsets.get(query.cursor, 0)
                page = self.unit.find(attrs.evolve(query, cursor=None, limit=500))
                items = page.items[skip : skip + query.limit]
                after = page.items[skip + query.limit :]
                cursor = f"offset-{skip + query.limit}" if after else None
                self.storage.offsets[cursor] = skip + query.limit
                return attrs.evolve(page, items=items, next=cursor)

        return Counting(unit, self)

    def __init__(self, sound: SqlStorage) -> None:
        super().__init__(sound)
        self.offsets: dict[str | None, int] = {}


class DropsTheMicroseconds(Faulty):
    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Rounding(Unit):
            def get(self, ticket_id: str) -> Any:
                ticket = self.unit.get(ticket_id)
                if ticket is None:
                    return None
                return attrs.evolve(ticket, created_at=ticket.created_at.replace(microsecond=0))

        return Rounding(unit, self)


class DeletesWhatHasChanged(Faulty):
    """Deletes by the id alone."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Hasty(Unit):
            def delete_ticket(self, ticket: Any) -> None:
                self.unit.delete_ticket(self.unit.get(ticket.id) or ticket)

        return Hasty(unit, self)


class ForgetsTheWords(Faulty):
    """Deletes a ticket and leaves it in the index of the search."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Leaving(Unit):
            def delete_ticket(self, ticket: Any) -> None:
                term = schema.term
                rows = self.unit.select(
                    select(term).where(term.c.tenant == self.unit.tenant, term.c.ticket == ticket.id)
                )
                self.unit.delete_ticket(ticket)
                kept = [dict(zip(("tenant", "term", "ticket"), row, strict=True)) for row in rows]
                self.unit.insert(self.unit.statements.insert_term, kept)

        return Leaving(unit, self)


class DropsTooMuch(Faulty):
    """Takes one more second than it was asked for."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Greedy(Unit):
            def drop_expired(self, kind: Any, before: dt.datetime, limit: int) -> int:
                return self.unit.drop_expired(kind, before + dt.timedelta(seconds=1), limit)

        return Greedy(unit, self)


class ForgetsTheAttempts(Faulty):
    """Gives a dump without one kind of rows."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Short(Unit):
            def dump(self) -> Iterator[Any]:
                return (row for row in self.unit.dump() if not isinstance(row, Attempt))

        return Short(unit, self)


class HearsAgain(Faulty):
    """Has no unique key on what was heard."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Deaf(Unit):
            def save(self, change: Change) -> None:
                fresh = tuple(one for one in change.heard if not self.unit.heard(one.key))
                self.unit.save(attrs.evolve(change, heard=fresh))

        return Deaf(unit, self)


class GivesTheConversationAway(Faulty):
    """Lets every new leg be the newest one, whatever it was decided on."""

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Generous(Unit):
            def save(self, change: Change) -> None:
                legs = []
                for part in change.legs:
                    held = self.unit.conversation(part.key)
                    legs.append(attrs.evolve(part, replaces=None if held is None else held.id))
                self.unit.save(attrs.evolve(change, legs=tuple(legs)))

        return Generous(unit, self)


class GrantsOneTooMany(Faulty):
    """Grants once more than a budget has, as two would that look at what is left and then spend it."""

    def __init__(self, sound: SqlStorage) -> None:
        super().__init__(sound)
        self.spent: dict[Any, int] = {}

    def _wrap(self, unit: SqlUnitOfWork) -> Any:
        class Hasty(Unit):
            def spend(self, name: str, key: str, since: dt.datetime, limit: int) -> bool:
                spent = self.storage.spent.get((name, key, since), 0)
                self.storage.spent[name, key, since] = spent + 1
                return bool(spent <= limit)

        return Hasty(unit, self)
