"""The rows of one tenant in memory, and the one way in which a row gets in: live, from the file, or from an export."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import attrs

from supportkit.model import events as ev
from supportkit.model.change import Firing, Outgoing, Receipt, Settings, Timer
from supportkit.model.events import Recorded
from supportkit.model.message import Message, Note
from supportkit.model.people import Customer
from supportkit.model.stored import Attempt, Counter, Place, Stored
from supportkit.model.ticket import Ticket
from supportkit.storage.terms import BODY_CHARS, SUBJECT_CHARS, index_terms, tag_term


class Taken(Exception):
    """The key of a row is there already."""


@attrs.define
class Tables:
    """Rows by their keys; dicts keep the order in which rows came."""

    number: int = 0
    position: int = 0
    tickets: dict[str, Ticket] = attrs.field(factory=dict)
    log: dict[int, Recorded] = attrs.field(factory=dict)
    """Events by position, which only grows."""
    logs: dict[str, tuple[int, ...]] = attrs.field(factory=dict)
    """Positions of the events of each ticket."""
    messages: dict[str, Message] = attrs.field(factory=dict)
    notes: dict[str, Note] = attrs.field(factory=dict)
    customers: dict[str, Customer] = attrs.field(factory=dict)
    settings: dict[tuple[str, int], Settings] = attrs.field(factory=dict)
    outbox: dict[str, Outgoing] = attrs.field(factory=dict)
    attempts: dict[tuple[str, int], Attempt] = attrs.field(factory=dict)
    timers: dict[tuple[str, str, str], Timer] = attrs.field(factory=dict)
    firings: dict[tuple[str, str], Firing] = attrs.field(factory=dict)
    receipts: dict[str, Receipt] = attrs.field(factory=dict)
    followers: dict[str, int] = attrs.field(factory=dict)
    """The position of the last event that each has seen."""
    turns: dict[tuple[str, str], int] = attrs.field(factory=dict)
    """When each account of each channel had its last turn, counted."""
    terms: dict[str, frozenset[str]] = attrs.field(factory=dict)
    """Words of each ticket; what was written stays, tags come and go."""
    moved: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    """Tickets in which a message lay before."""

    def copy(self) -> Self:
        """Return tables that can be changed without a change of these; rows themselves never change."""
        made = type(self)()
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            setattr(made, field.name, dict(value) if isinstance(value, dict) else value)
        return made

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        return self == type(self)()

    def put(self, row: Stored, *, new: bool = False) -> None:
        """Keep a row; with *new* its key must be free.

        Raises:
            Taken: It is not.
        """
        match row:
            case Ticket():
                clash = any(
                    one.id != row.id and (one.number == row.number or one.reference == row.reference)
                    for one in (self.tickets.values() if new else ())
                )
                if clash:
                    raise Taken
                self._keep(self.tickets, row.id, row, new=new)
                tags = {tag_term(tag) for tag in row.tags}
                others = {term for term in self.terms.get(row.id, ()) if not term.startswith("t:")}
                self.terms[row.id] = frozenset(others | tags | index_terms([row.subject[:SUBJECT_CHARS]]))
            case Recorded():
                self._append(row)
            case Message():
                self._keep(self.messages, row.id, row, new=new)
                for ticket in {row.ticket, *self.moved.get(row.id, ())}:
                    self._learn(ticket, index_terms([row.body[:BODY_CHARS]]))
            case Note():
                self._keep(self.notes, row.id, row, new=new)
                self._learn(row.ticket, index_terms([row.body[:BODY_CHARS]], prefix="n:"))
            case Counter():
                self.number = row.number
            case Place():
                self.followers[row.name] = list(self.log)[row.seen - 1]
            case _:
                table, key = self._plain(row)
                self._keep(table, key, row, new=new)

    def _plain(self, row: Stored) -> tuple[dict[Any, Any], Any]:  # noqa: PLR0911 - one line a kind
        match row:
            case Customer():
                return self.customers, row.id
            case Settings():
                return self.settings, (row.subject, row.number)
            case Outgoing():
                return self.outbox, row.id
            case Attempt():
                return self.attempts, (row.delivery, row.fence)
            case Timer():
                return self.timers, (row.ticket, row.name, row.instance)
            case Firing():
                return self.firings, (row.ticket, row.id)
            case Receipt():
                return self.receipts, row.key
            case _:
                raise TypeError(type(row).__name__)

    @staticmethod
    def _keep(table: dict[Any, Any], key: Any, row: object, *, new: bool) -> None:
        if new and key in table:
            raise Taken
        table[key] = row

    def _append(self, row: Recorded) -> None:
        mine = self.logs.get(row.ticket, ())
        if any(self.log[position].seq == row.seq for position in mine):
            raise Taken
        self.position += 1
        self.log[self.position] = attrs.evolve(row, cursor=f"p{self.position}")
        self.logs[row.ticket] = (*mine, self.position)
        match row.event:
            case ev.TicketOpened(subject=subject) | ev.SubjectChanged(subject=subject):
                self._learn(row.ticket, index_terms([subject[:SUBJECT_CHARS]]))
            case ev.MessagesMoved(messages=messages, source=source) if source == row.ticket:
                for message in messages:
                    self.moved[message] = (*self.moved.get(message, ()), source)
            case _:
                pass

    def _learn(self, ticket: str, terms: Iterable[str]) -> None:
        self.terms[ticket] = self.terms.get(ticket, frozenset()) | frozenset(terms)

    # -- deleting ----------------------------------------------------------------------------------------------------

    def drop_ticket(self, ticket: str) -> None:
        """Take out a ticket with all that is its own."""
        for position in self.logs.pop(ticket, ()):
            del self.log[position]
        self.tickets.pop(ticket, None)
        self.terms.pop(ticket, None)
        for delivery in [row.id for row in self.outbox.values() if row.ticket == ticket]:
            self.drop_delivery(delivery)
        self.messages = {key: row for key, row in self.messages.items() if row.ticket != ticket}
        self.notes = {key: row for key, row in self.notes.items() if row.ticket != ticket}
        self.timers = {key: row for key, row in self.timers.items() if row.ticket != ticket}
        self.firings = {key: row for key, row in self.firings.items() if row.ticket != ticket}

    def drop_delivery(self, delivery: str) -> None:
        """Take out a delivery with its attempts."""
        self.outbox.pop(delivery, None)
        self.attempts = {key: row for key, row in self.attempts.items() if row.delivery != delivery}

    def drop_key(self, key: str) -> None:
        """Take out an idempotency key."""
        self.receipts.pop(key, None)
