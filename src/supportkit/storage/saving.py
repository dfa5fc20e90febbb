"""Writing a change: the row, its log, and all that goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import select

from supportkit.errors import ConcurrentUpdate, IdempotencyConflict, StorageError
from supportkit.model import events as ev
from supportkit.model.change import Change, TicketChange
from supportkit.model.people import Customer
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.recording import Recording
from supportkit.storage.statements import Prepared
from supportkit.storage.terms import terms_of

_ticket_id = attrgetter("ticket.id")
_SPARE_POSITIONS = 8
"""Positions taken together with a ticket number: one statement less when a ticket is opened. Unused ones are gaps."""
_BRINGS_A_MESSAGE = (ev.MessageReceived, ev.ReplyAdded, ev.NoticeQueued)
"""A tuple, because `A | B` builds a new union each time that `isinstance` is asked."""


class Saving:
    """What one session writes; it keeps the positions of the log that were taken and not used yet.

    The log is written last, because where positions come from a counter other writers of the tenant wait from there on.
    """

    __slots__ = ("_positions", "_session", "_st")

    def __init__(self, session: Recording) -> None:
        self._session = session
        self._st = session.statements
        self._positions: tuple[int, int] = (0, 0)

    def reserve_number(self) -> int:
        """Return the next ticket number, and keep some positions for the events that follow."""
        spare = _SPARE_POSITIONS if self._session.database.is_serial else 0
        row = self._session.one(self._st.reserve, {"numbers": 1, "positions": spare})
        assert row is not None  # noqa: S101 - an upsert returns its row
        number, position = row
        self._positions = (position - spare, position)
        return int(number)

    def save(self, change: Change) -> None:
        """Write a change; after an error nothing of this transaction can be kept.

        Raises:
            ConcurrentUpdate: A ticket, a customer, a record or a firing is not as it was when the change was decided.
            IdempotencyConflict: The receipt's key is there already.
            StorageError: A row belongs to another tenant, or the database refuses it.
        """
        tenant = self._session.tenant
        if foreign := _foreign(change, tenant):
            raise StorageError(f"a unit of work of tenant {tenant!r} cannot write rows of {sorted(foreign)}")
        try:
            self._save(change)
        except self._session.database.driver.Error as error:
            self._session.break_off()
            self._session.database.fail(error)
        except BaseException:
            self._session.break_off()
            raise

    def _save(self, change: Change) -> None:
        session = self._session
        # In the same order for everybody, so that commands on the same two tickets cannot lock each other out.
        for part in sorted(change.tickets, key=_ticket_id) if len(change.tickets) > 1 else change.tickets:
            self._save_ticket(part)
        self._save_terms(change)
        if change.outbox:
            deliveries = [rows.outgoing_row(delivery) for delivery in change.outbox]
            session.insert(self._st.insert_outbox, deliveries)
            session.wrote("outbox", min(row["available_at"] for row in deliveries))
        self._save_deadlines(change)
        for customer in change.customers:
            self._save_customer(customer)
        if change.receipt is not None:
            clash = IdempotencyConflict(change.receipt.key, "this command")
            self._insert_new(self._st.insert_receipt, [rows.receipt_row(session.tenant, change.receipt)], clash)
        if change.heard or change.legs or change.files:
            session.save_received(change)
        if change.records:
            session.save_records(change.records)
        self._save_words(change, self._save_events(change.tickets))

    def _save_words(self, change: Change, at: Mapping[str, int]) -> None:
        """Write what was said; *at* are the positions of the events that brought it."""
        session = self._session
        if change.messages:
            session.insert(
                self._st.insert_message, [rows.message_row(new, at.get(new.id, 0)) for new in change.messages]
            )
        if change.notes:
            session.insert(self._st.insert_note, [rows.note_row(new, at.get(new.id, 0)) for new in change.notes])
        if change.moved:
            moves = [{"tenant": session.tenant, "moved": message, "ticket": dest} for message, dest in change.moved]
            session.insert(self._st.move_message, moves)
        if change.rewritten:
            session.insert(self._st.rewrite_message, [rows.rewriting(message) for message in change.rewritten])

    def _insert_new(self, statement: Prepared, several: Sequence[Mapping[str, Any]], clash: Exception) -> None:
        """Insert rows whose keys must be free; where one is not, raise *clash*."""
        try:
            self._session.insert(statement, several)
        except self._session.database.driver.IntegrityError:
            raise clash from None

    def _save_deadlines(self, change: Change) -> None:
        """Write what is due, and what of it was told."""
        if change.firings:
            clash = ConcurrentUpdate(change.firings[0].ticket, 0)
            self._insert_new(self._st.insert_firing, [rows.firing_row(firing) for firing in change.firings], clash)
        if change.timers:
            timers = [rows.timer_row(timer) for timer in change.timers]
            self._session.insert(self._st.put_timer, timers)
            self._session.wrote("timer", min(row["due_at"] for row in timers))

    def _save_ticket(self, part: TicketChange) -> None:
        row = rows.ticket_row(part.ticket)
        if part.before is None:
            self._insert_new(self._st.insert_ticket, [row], ConcurrentUpdate(part.ticket.id, 0))
            return
        row["expected"] = part.expected
        if not self._session.changes_one(self._st.update_ticket, row):
            raise ConcurrentUpdate(part.ticket.id, part.expected)

    def _save_events(self, parts: Sequence[TicketChange]) -> dict[str, int]:
        """Append to the log; return the positions of the events that brought messages and notes, by their ids."""
        log = [recorded for part in parts for recorded in part.events]
        if not log:
            return {}
        counted = self._session.database.insert_numbered is None
        first = 1 + self._take_positions(len(log)) if counted else 0
        events, texts = [], []
        for position, recorded in enumerate(log, start=first):
            row, text = rows.event_row(recorded, position)
            events.append(row)
            if text is not None:
                texts.append(text)
        try:
            if counted:
                self._session.insert(self._st.insert_event, events)
                positions: Sequence[int] = range(first, first + len(log))
            else:
                positions = self._session.insert_events(events)
        except self._session.database.driver.IntegrityError:
            raise ConcurrentUpdate(parts[0].ticket.id, parts[0].expected) from None
        if texts:
            self._session.insert(self._st.insert_event_text, texts)
        brought: dict[str, int] = {}
        for position, recorded in zip(positions, log, strict=True):
            if isinstance(recorded.event, _BRINGS_A_MESSAGE):
                brought[recorded.event.message] = position
            elif isinstance(recorded.event, ev.NoteAdded):
                brought[recorded.event.note] = position
        return brought

    def _take_positions(self, count: int) -> int:
        """Return the position before the first one of *count* new ones."""
        start, end = self._positions
        if end - start < count:
            row = self._session.one(self._st.reserve, {"numbers": 0, "positions": count})
            assert row is not None  # noqa: S101 - an upsert returns its row
            end = int(row[1])
            start = end - count
        self._positions = (start + count, end)
        return start

    def _save_customer(self, customer: Customer) -> None:
        row = rows.customer_row(customer)
        if customer.version == 1:
            self._insert_new(self._st.insert_customer, [row], ConcurrentUpdate(customer.id, 0))
            self._session.save_addresses(customer)
            return
        row["expected"] = customer.version - 1
        if not self._session.changes_one(self._st.update_customer, row):
            raise ConcurrentUpdate(customer.id, customer.version - 1)
        self._session.save_addresses(customer)

    def _save_terms(self, change: Change) -> None:
        """Keep the token table: words that were written stay searchable, tags come and go with the ticket's."""
        m, tenant = t.message, self._session.tenant
        bodies: dict[str, str] = {}
        if change.moved:
            ids = [message for message, _dest in change.moved]
            found = self._session.select(select(m.c.id, m.c.body).where(m.c.tenant == tenant, m.c.id.in_(ids)))
            bodies.update({row[0]: row[1] for row in found})
        texts = {one.ticket: self._texts(one.ticket) for one in change.rewritten}
        new, gone = terms_of(change, bodies, texts)
        if new:
            values = [{"tenant": tenant, "term": term, "ticket": ticket} for term, ticket in new]
            self._session.insert(self._st.insert_term, values)
        if gone:
            values = [{"tenant": tenant, "term": term, "ticket": ticket} for term, ticket in gone]
            self._session.insert(self._st.delete_term, values)

    def _texts(self, ticket: str) -> dict[str, str]:
        """Return the texts of a ticket that are searched, as they are stored: messages by id, and its subject."""
        m, tenant = t.message, self._session.tenant
        found = self._session.select(select(m.c.id, m.c.body).where(m.c.tenant == tenant, m.c.ticket == ticket))
        subject = self._session.select(
            select(t.ticket.c.subject).where(t.ticket.c.tenant == tenant, t.ticket.c.id == ticket)
        )
        texts = {row[0]: row[1] for row in found}
        texts.update(("", row[0]) for row in subject)
        return texts


def _foreign(change: Change, tenant: str) -> set[str]:
    """Return the other tenants whose rows a change would write; plain loops, because every command runs them."""
    others: set[str] = set()
    for part in change.tickets:
        if part.ticket.tenant != tenant:
            others.add(part.ticket.tenant)
        for recorded in part.events:
            if recorded.tenant != tenant:
                others.add(recorded.tenant)
    for rows_of in (
        change.messages,
        change.rewritten,
        change.notes,
        change.outbox,
        change.timers,
        change.firings,
        change.customers,
    ):
        for row in rows_of:
            if row.tenant != tenant:
                others.add(row.tenant)
    inner = [part.leg for part in change.legs], [part.record for part in change.records]
    for several in (change.heard, change.files, *inner):
        others.update(row.tenant for row in several if row.tenant != tenant)
    return others
