"""Deleting for good: what has grown too old, and whole tickets with every word of theirs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, select, tuple_, update

from supportkit.clock import to_us
from supportkit.errors import ConcurrentUpdate
from supportkit.model import events as ev
from supportkit.model.events import Recorded
from supportkit.model.ticket import Ticket
from supportkit.storage import schema as t
from supportkit.storage.port import Expiring
from supportkit.storage.session import Session
from supportkit.storage.statements import Prepared, Row
from supportkit.storage.terms import BODY_CHARS, SUBJECT_CHARS, index_terms, tag_term

_AT_ONCE = 500
_AGEING: Mapping[Expiring, tuple[Table, ColumnElement[int], tuple[ColumnElement[bool], ...]]] = {
    Expiring.ARRIVALS: (
        t.arrival,
        t.arrival.c.received_at,  # by which it is indexed; it was settled later
        (t.arrival.c.state.in_(["routed", "quarantined"]),),
    ),
    Expiring.HEARD: (t.heard, t.heard.c.at, (t.heard.c.ticket.is_(None),)),
    Expiring.RECEIPTS: (t.waiting, t.waiting.c.at, ()),
    Expiring.BUDGETS: (t.budget, t.budget.c.since, ()),
}
"""Where what arrived lies, how its age is told, and what else must be true of it."""


class Purging:
    """What one session deletes."""

    __slots__ = ("_session", "_st")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._st = session.statements

    def has_expired(self, kind: Expiring, before: dt.datetime) -> bool:
        """Tell whether there is anything of this kind from before an instant."""
        if kind in _AGEING:
            return bool(self._ageing(kind, to_us(before), 1))
        return bool(self._session.all(self._expired(kind), {"before": to_us(before), "limit": 1}))

    def drop_expired(self, kind: Expiring, before: dt.datetime, limit: int) -> int:
        """Delete up to *limit* things from before an instant; return how many it was this transaction that did."""
        if kind in _AGEING:
            return self._drop_ageing(kind, to_us(before), limit)
        found = self._session.all(self._expired(kind), {"before": to_us(before), "limit": limit})
        if kind is Expiring.KEYS:
            return self._change(self._st.drop_key, [{"key": row[0]} for row in found])
        ids = [{"row": row[0]} for row in found]
        dropped = 0
        for one in ids:  # one by one: only those that were still settled lose their attempts
            if self._change(self._st.drop_delivery, [one]):
                self._change(self._st.drop_attempts, [one])
                dropped += 1
        return dropped

    def _is_old(self, kind: Expiring, before: int) -> tuple[ColumnElement[bool], ...]:
        table, at, more = _AGEING[kind]
        settled = (table.c.settled_at < before,) if kind is Expiring.ARRIVALS else ()
        return (table.c.tenant == self._session.tenant, at < before, *settled, *more)

    def _ageing(self, kind: Expiring, before: int, limit: int) -> Sequence[Row]:
        table, at, _more = _AGEING[kind]
        old = select(*_key(table)).where(*self._is_old(kind, before))
        return self._session.select(old.order_by(at, *_key(table)).limit(limit))

    def _drop_ageing(self, kind: Expiring, before: int, limit: int) -> int:
        """Delete by key what is old, and still is: a person may have asked meanwhile to read it again."""
        table, _at, _more = _AGEING[kind]
        dropped, found = 0, self._ageing(kind, before, limit)
        for start in range(0, len(found), _AT_ONCE):
            keys = [tuple(row) for row in found[start : start + _AT_ONCE]]
            mine = tuple_(*_key(table)).in_(keys)
            dropped += self._session.write(delete(table).where(*self._is_old(kind, before), mine))
        return dropped

    def _expired(self, kind: Expiring) -> Prepared:
        return self._st.expired_keys if kind is Expiring.KEYS else self._st.expired_deliveries

    def _change(self, statement: Prepared, several: Sequence[dict[str, Any]]) -> int:
        session = self._session
        try:
            return session.change_all(statement, [values | {"tenant": session.tenant} for values in several])
        except session.database.driver.Error as error:
            session.break_off()
            session.database.fail(error)

    def delete_ticket(self, ticket: Ticket, log: Sequence[Recorded]) -> None:
        """Delete a ticket, if it is at its version still, and all that is its own; *log* is its history.

        Raises:
            ConcurrentUpdate: Somebody changed or deleted it first.
        """
        if self._change(self._st.drop_ticket, [{"ticket": ticket.id, "expected": ticket.version}]) != 1:
            self._session.break_off()
            raise ConcurrentUpdate(ticket.id, ticket.version)
        self.drop_terms(ticket, log)
        self._drop_received(ticket.id)
        r, tenant = t.record, self._session.tenant
        self._session.write(delete(r).where(r.c.tenant == tenant, r.c.owner == ticket.id))
        st = self._st
        for statement in (
            st.drop_events,
            st.drop_event_texts,
            st.drop_messages,
            st.drop_notes,
            st.drop_ticket_attempts,  # before the deliveries, by which they are found
            st.drop_outbox,
            st.drop_timers,
            st.drop_firings,
        ):
            self._change(statement, [{"ticket": ticket.id}])

    def _drop_received(self, ticket: str) -> None:
        """Delete legs, what leads to them, and files; what was heard stays without the ids of the ticket."""
        session, tenant = self._session, self._session.tenant
        c, f, g, h, m = t.conversation, t.file, t.leg, t.heard, t.message
        legs = [row[0] for row in session.select(select(g.c.id).where(g.c.tenant == tenant, g.c.ticket == ticket))]
        for start in range(0, len(legs), _AT_ONCE):
            some = legs[start : start + _AT_ONCE]
            session.write(delete(c).where(c.c.tenant == tenant, c.c.leg.in_(some)))
            session.write(delete(g).where(g.c.tenant == tenant, g.c.id.in_(some)))
        messages = session.select(select(m.c.id).where(m.c.tenant == tenant, m.c.ticket == ticket))
        for start in range(0, len(messages), _AT_ONCE):
            lying = [row[0] for row in messages[start : start + _AT_ONCE]]
            session.write(delete(f).where(f.c.tenant == tenant, f.c.message.in_(lying)))
        session.write(update(h).where(h.c.tenant == tenant, h.c.ticket == ticket).values(ticket=None, message=None))

    def drop_terms(self, ticket: Ticket, log: Sequence[Recorded]) -> None:
        """Take a ticket out of the token table.

        The table is sorted by term, so its rows are found by the words that were ever written to the ticket. Only where
        some of these lie elsewhere by now, and were deleted there, the whole table of the tenant is read.
        """
        moved = {name for one in log if isinstance(one.event, ev.MessagesMoved) for name in one.event.messages}
        m, n, tenant = t.message, t.note, self._session.tenant
        lying = select(m.c.id, m.c.body).where(m.c.tenant == tenant, m.c.ticket == ticket.id)
        gone = select(m.c.id, m.c.body).where(m.c.tenant == tenant, m.c.id.in_(sorted(moved)))
        bodies = {row[0]: row[1] for row in self._session.select(lying)}
        if moved:
            bodies |= {row[0]: row[1] for row in self._session.select(gone)}
        if moved - bodies.keys():
            self._change(self._st.drop_terms, [{"ticket": ticket.id}])
            return
        notes = self._session.select(select(n.c.body).where(n.c.tenant == tenant, n.c.ticket == ticket.id))
        subjects = {ticket.subject, *_subjects(log)}
        terms = {
            *index_terms([subject[:SUBJECT_CHARS] for subject in subjects]),
            *index_terms([body[:BODY_CHARS] for body in bodies.values()]),
            *index_terms([row[0][:BODY_CHARS] for row in notes], prefix="n:"),
            *(tag_term(tag) for tag in ticket.tags),
        }
        self._change(self._st.delete_term, [{"term": term, "ticket": ticket.id} for term in sorted(terms)])


def _key(table: Table) -> list[ColumnElement[Any]]:
    return [column for column in table.primary_key.columns if column.name != "tenant"]


def _subjects(log: Iterable[Recorded]) -> set[str]:
    return {one.event.subject for one in log if isinstance(one.event, ev.TicketOpened | ev.SubjectChanged)}
