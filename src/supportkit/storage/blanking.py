"""Taking the words of a person out of rows that stay."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Table, delete, insert, or_, select, update

from supportkit.model.events import Recorded
from supportkit.model.message import Message
from supportkit.model.ticket import Ticket
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.purging import Purging
from supportkit.storage.recording import Recording
from supportkit.storage.terms import BODY_CHARS, SUBJECT_CHARS, index_terms, tag_term

_AT_ONCE = 500
_NOTHING = "0" * 64
"""A fingerprint that no command has."""


class Erasing(Recording):
    """A session with the verbs that take words out."""

    __slots__ = ()

    def blank_ticket(self, ticket: Ticket, log: Sequence[Recorded]) -> None:
        """Take every word out of what belongs to a ticket; *log* is its history, with its words."""
        self.require_write()
        self._require_own(ticket.tenant)
        Purging(self).drop_terms(ticket, log)
        self._index(ticket.id, {tag_term(tag) for tag in ticket.tags})
        self._drop_files(self._ids(t.message, ticket.id))
        self.write(delete(t.event_text).where(*_of(t.event_text, self.tenant, ticket.id)))
        bodies = {"body": "", "attachments": "[]", "external_id": None}
        self.write(update(t.message).where(*_of(t.message, self.tenant, ticket.id)).values(bodies))
        self.write(update(t.note).where(*_of(t.note, self.tenant, ticket.id)).values(body=""))
        self._blank_legs(self._ids(t.leg, ticket.id))
        h, i, o = t.heard, t.idempotency, t.outbox
        self.write(update(h).where(*_of(h, self.tenant, ticket.id)).values(ticket=None, message=None))
        self.write(update(i).where(*_of(i, self.tenant, ticket.id)).values(fingerprint=_NOTHING))
        # Recipients are part of a unique key, so each is replaced by something of its own.
        self.write(update(o).where(*_of(o, self.tenant, ticket.id)).values(recipient=o.c.id, external_id=None))

    def messages_by(self, author: str, *, limit: int, after: str = "") -> Sequence[Message]:
        """Return messages of an author that have words or attachments still, by id, beginning after *after*."""
        m = t.message
        full = or_(m.c.body != "", m.c.attachments != "[]", m.c.external_id.is_not(None))
        his = select(m).where(m.c.tenant == self.tenant, m.c.author == author, m.c.id > after, full)
        return [rows.read_message(row) for row in self.select(his.order_by(m.c.id).limit(limit))]

    def erase_messages(self, messages: Sequence[Message]) -> None:
        """Empty single messages, and let the search find their tickets by the rest."""
        self.require_write()
        m = t.message
        for some in _chunks([message.id for message in messages]):
            mine = (m.c.tenant == self.tenant, m.c.id.in_(some))
            self.write(update(m).where(*mine).values(body="", attachments="[]", external_id=None))
            self._drop_files(some)
            h = t.heard
            self.write(update(h).where(h.c.tenant == self.tenant, h.c.message.in_(some)).values(message=None))
        for ticket in sorted({message.ticket for message in messages}):
            self._index_anew(ticket)

    def erase_places(self, places: Collection[str]) -> int:
        """Take addresses out of legs and deliveries of whatever ticket."""
        self.require_write()
        g, o = t.leg, t.outbox
        found = 0
        for some in _chunks(sorted(places)):
            there = or_(g.c.address.in_(some), g.c.thread.in_(some))
            legs = [row[0] for row in self.select(select(g.c.id).where(g.c.tenant == self.tenant, there))]
            self._blank_legs(legs)
            to_him = (o.c.tenant == self.tenant, o.c.recipient.in_(some))
            found += len(legs) + self.write(update(o).where(*to_him).values(recipient=o.c.id))
        return found

    # -- parts -------------------------------------------------------------------------------------------------------

    def _ids(self, table: Table, ticket: str) -> list[str]:
        return [row[0] for row in self.select(select(table.c.id).where(*_of(table, self.tenant, ticket)))]

    def _drop_files(self, messages: Sequence[str]) -> None:
        f = t.file
        for some in _chunks(messages):
            self.write(delete(f).where(f.c.tenant == self.tenant, f.c.message.in_(some)))

    def _blank_legs(self, legs: Sequence[str]) -> None:
        c, g = t.conversation, t.leg
        for some in _chunks(legs):
            self.write(delete(c).where(c.c.tenant == self.tenant, c.c.leg.in_(some)))
            self.write(update(g).where(g.c.tenant == self.tenant, g.c.id.in_(some)).values(thread="", address=""))

    def _index_anew(self, ticket_id: str) -> None:
        """Write the search terms of a ticket from what it still says."""
        ticket = self._ticket(ticket_id)
        if ticket is None:
            return
        m, n, w = t.message, t.note, t.term
        bodies = self.select(select(m.c.body).where(*_of(m, self.tenant, ticket_id)))
        notes = self.select(select(n.c.body).where(*_of(n, self.tenant, ticket_id)))
        self.write(delete(w).where(*_of(w, self.tenant, ticket_id)))
        self._index(
            ticket_id,
            {tag_term(tag) for tag in ticket.tags}
            | index_terms([ticket.subject[:SUBJECT_CHARS], *[row[0][:BODY_CHARS] for row in bodies]])
            | index_terms([row[0][:BODY_CHARS] for row in notes], prefix="n:"),
        )

    def _ticket(self, ticket_id: str) -> Ticket | None:
        row = self.one(self._st.get, {"id": ticket_id})
        return None if row is None else rows.read_ticket(self.tenant, row)

    def _index(self, ticket_id: str, terms: set[str]) -> None:
        if terms:
            made = [{"tenant": self.tenant, "term": term, "ticket": ticket_id} for term in sorted(terms)]
            self.write(insert(t.term), made)


def _of(table: Table, tenant: str, ticket: str) -> tuple[Any, Any]:
    return table.c.tenant == tenant, table.c.ticket == ticket


def _chunks(several: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(several), _AT_ONCE):
        yield several[start : start + _AT_ONCE]
