"""Every row of a tenant, one after the other, out of one snapshot; memory stays flat however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, Table, func, select
from sqlalchemy.exc import DBAPIError

from supportkit.clock import from_us
from supportkit.model.stored import Attempt, Counter, Place, Stored
from supportkit.storage import received_rows as received
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.grammar import grammar_of
from supportkit.storage.session import Session
from supportkit.storage.statements import Row, events, tickets

_AT_ONCE = 500
_LARGE = 4
"""Rows that may have many megabytes each are fetched a few at a time."""
_COUNTED = (
    t.settings, t.customer, t.ticket, t.event, t.message, t.note, t.outbox, t.attempt, t.timer, t.firing, t.idempotency,
    *received.TABLES.values(),
)  # fmt: skip


def _all(table: Table, *order: Any) -> Select[Any]:
    return select(table).order_by(*order)


class Dumping:
    """Reads all that one tenant has.

    Where a server sends rows as they are asked for, one result must be read to its end before the next one begins.
    """

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def count(self) -> int:
        """Return how many rows there are, without the few of followers and the counter."""
        session = self._session
        counts = [select(func.count()).select_from(x).where(x.c.tenant == session.tenant) for x in _COUNTED]
        return sum(int(session.select(count)[0][0]) for count in counts)

    def dump(self) -> Iterator[Stored]:
        """Yield every row, in the order of `model.stored`."""
        tenant = self._session.tenant
        for number in self._stream(select(t.counter.c.number).where(t.counter.c.tenant == tenant)):
            if number[0]:
                yield Counter(tenant=tenant, number=number[0])
        s, c, m, n, o = t.settings.c, t.customer.c, t.message.c, t.note.c, t.outbox.c
        yield from map(rows.read_settings, self._own(t.settings, s.subject, s.number))
        people = select(c.data, c.version, c.created_at, c.id).where(c.tenant == tenant).order_by(c.id)
        yield from (rows.read_customer(tenant, row) for row in self._stream(people))
        numbered = tickets().order_by(t.ticket.c.number)
        yield from (rows.read_ticket(tenant, row) for row in self._stream(numbered, tenant=tenant))
        yield from self._log()
        yield from map(rows.read_message, self._own(t.message, m.position, m.id))
        yield from map(rows.read_note, self._own(t.note, n.position, n.id))
        yield from map(rows.read_outgoing, self._own(t.outbox, o.id))
        yield from map(_attempt, self._own(t.attempt, t.attempt.c.outbox, t.attempt.c.fence))
        keys = t.timer.c.ticket, t.timer.c.name, t.timer.c.instance
        yield from map(rows.read_timer, self._own(t.timer, *keys))
        yield from map(rows.read_firing, self._own(t.firing, t.firing.c.ticket, t.firing.c.id))
        i = t.idempotency.c
        receipts = select(i.key, i.fingerprint, i.ticket, i.seq, i.outcome, i.created_at).where(i.tenant == tenant)
        yield from map(rows.read_receipt, self._stream(receipts.order_by(i.key)))
        yield from self._received()

    def _received(self) -> Iterator[Stored]:
        """Yield what arrived, and what is kept besides tickets."""
        c, h, f, a, p, b, w = (
            x.c for x in (t.conversation, t.heard, t.file, t.arrival, t.poll, t.budget, t.waiting)
        )  # fmt: skip
        yield from map(received.read_leg, self._own(t.leg, t.leg.c.id))
        yield from map(received.read_conversation, self._own(t.conversation, c.key))
        yield from map(received.read_heard, self._own(t.heard, h.key, h.digest))
        yield from map(received.read_file, self._own(t.file, f.id, at_once=_LARGE))
        yield from map(received.read_arrival, self._own(t.arrival, a.id, at_once=_LARGE))
        yield from map(received.read_poll, self._own(t.poll, p.channel))
        yield from map(received.read_spent, self._own(t.budget, b.name, b.key, b.since))
        yield from map(received.read_waiting, self._own(t.waiting, w.channel, w.external_id, w.status))
        yield from map(received.read_record, self._own(t.record, t.record.c.kind, t.record.c.id))

    def _own(self, table: Table, *order: Any, at_once: int = _AT_ONCE) -> Iterator[Row]:
        mine = _all(table, *order).where(table.c.tenant == self._session.tenant)
        return self._stream(mine, at_once)

    def _log(self) -> Iterator[Stored]:
        """Yield the log in the order of followers, then how many of its events each follower has seen."""
        session, f = self._session, t.follower.c
        grammar = grammar_of(session.database.name)
        found = session.select(select(f.name, f.cursor).where(f.tenant == session.tenant))
        waiting = sorted((self._place(cursor), name) for name, cursor in found)
        seen: dict[str, int] = {}
        count = 0
        for row in self._stream(events(grammar).order_by(*grammar.order), tenant=session.tenant):
            recorded = rows.read_event(session.tenant, row)
            while waiting and self._place(str(recorded.cursor)) > waiting[0][0]:
                seen[waiting.pop(0)[1]] = count
            yield recorded
            count += 1
        seen |= {name: count for _cursor, name in waiting}
        for name in sorted(seen):
            if seen[name]:
                yield Place(tenant=session.tenant, name=name, seen=seen[name])

    def _place(self, cursor: str) -> tuple[int, ...]:
        """Return a cursor as numbers that are in the order of followers."""
        numbers = self._session.database.behind(cursor)
        return tuple([numbers[name] for name in ("txid", "position") if name in numbers])

    def _stream(self, statement: Select[Any], at_once: int = _AT_ONCE, **values: Any) -> Iterator[Row]:
        """Yield rows as they are asked for."""
        session = self._session
        try:
            with session.stream(statement, values, at_once) as found:
                yield from found
        except (DBAPIError, session.database.driver.Error) as error:
            session.break_off()
            session.database.fail(error)


def _attempt(row: Row) -> Attempt:
    tenant, outbox, fence, worker, started, finished, result = row
    return Attempt(
        tenant=tenant,
        delivery=outbox,
        fence=fence,
        worker=worker,
        started_at=from_us(started),
        finished_at=None if finished is None else from_us(finished),
        result=result,
    )
