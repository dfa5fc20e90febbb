"""`SqlUnitOfWork`: one transaction of one tenant, on the driver's own cursor."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.exc import DBAPIError

from supportkit.clock import from_us, to_us
from supportkit.errors import ConcurrentUpdate, IdempotencyConflict, InvalidCursor, StorageError
from supportkit.model import events as ev
from supportkit.model.change import (
    Change,
    OutboxState,
    Outgoing,
    Receipt,
    Settings,
    TicketChange,
    Timer,
    TimerState,
)
from supportkit.model.events import Recorded
from supportkit.model.message import Message, Note
from supportkit.model.people import Customer
from supportkit.model.ticket import Ticket
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.port import MAX_BATCH, MAX_PAGE, Backlog, Page, TicketQuery, check_limit, is_id
from supportkit.storage.rows import read_position
from supportkit.storage.search import find_statement, write_cursor
from supportkit.storage.sqlite import translate
from supportkit.storage.statements import Prepared, Row, Statements
from supportkit.storage.terms import terms_of

_INT64 = 2**63
_SPARE_POSITIONS = 8
"""Positions taken together with a ticket number: one statement less when a ticket is opened. Unused ones are gaps."""

_DUE_ORDER = itemgetter(4, 1, 2, 3)
"""Of a row of the timer table: its instant, then its key. What an update returns comes in no order."""

Values = dict[str, Any]


class SqlUnitOfWork:
    """Runs the prepared statements of one transaction.

    Args:
        tenant: Whose rows it sees.
        connection: The SQLAlchemy connection; its driver connection has an open transaction.
        statements: The prepared statements of the engine.
    """

    __slots__ = ("_broken", "_connection", "_cursor", "_ended", "_positions", "_st", "_write", "tenant")

    def __init__(self, tenant: str, connection: Connection, statements: Statements, *, write: bool = True) -> None:
        self.tenant = tenant
        self._connection = connection
        self._cursor: Any = connection.connection.cursor()
        self._st = statements
        self._write = write
        self._positions: tuple[int, int] = (0, 0)
        self._broken = False
        self._ended = False

    def confirm(self) -> None:
        """Refuse the commit after a write that failed: whoever swallowed its error would keep half a change.

        Raises:
            StorageError: A write of this unit failed.
        """
        if self._broken:
            raise StorageError("a write of this transaction failed before: nothing of it is kept")

    def end(self) -> None:
        """Make sure that nothing is run after the transaction."""
        self._cursor.close()
        self._ended = True
        self._write = False

    # -- running statements ------------------------------------------------------------------------------------------

    def _run(self, statement: Prepared, values: Values) -> Any:
        values["tenant"] = self.tenant
        try:
            return self._cursor.execute(statement.sql, statement.bind(values))
        except sqlite3.Error as error:
            self._broken = True  # the database may have rolled back by itself
            raise translate(error) from error

    def _one(self, statement: Prepared, values: Values) -> Row | None:
        row: Row | None = self._run(statement, values).fetchone()
        return row

    def _all(self, statement: Prepared, values: Values) -> Sequence[Row]:
        found: Sequence[Row] = self._run(statement, values).fetchall()
        return found

    def _insert(self, statement: Prepared, several: Sequence[Mapping[str, Any]]) -> None:
        if len(several) == 1:
            self._cursor.execute(statement.sql, statement.bind(several[0]))
        elif several:
            self._cursor.executemany(statement.sql, [statement.bind(values) for values in several])

    def _select(self, statement: Select[Any]) -> Sequence[Row]:
        if self._ended:
            raise StorageError("this unit of work has ended")
        try:
            found: Sequence[Row] = self._connection.execute(statement).fetchall()
        except (DBAPIError, sqlite3.Error) as error:
            self._broken = True
            raise translate(error) from error
        return found

    def _writes(self) -> None:
        """Refuse to write after an error, after the end, or where only reading was asked for."""
        self.confirm()
        if not self._write:
            raise StorageError("this unit of work is for reading, or has ended: open one with write=True")

    # -- reading -----------------------------------------------------------------------------------------------------

    def get(self, ticket_id: str) -> Ticket | None:
        """Return the ticket with this id, or `None`."""
        if not is_id(ticket_id):
            return None
        row = self._one(self._st.get, {"id": ticket_id})
        return None if row is None else rows.read_ticket(self.tenant, row)

    def by_number(self, number: int) -> Ticket | None:
        """Return the ticket with this number, or `None`."""
        if not isinstance(number, int) or isinstance(number, bool) or abs(number) >= _INT64:
            return None
        row = self._one(self._st.by_number, {"number": number})
        return None if row is None else rows.read_ticket(self.tenant, row)

    def find(self, query: TicketQuery) -> Page[Ticket]:
        """Return a page of tickets."""
        found = self._select(find_statement(self.tenant, query))
        tickets = tuple(rows.read_ticket(self.tenant, row) for row in found[: query.limit])
        if len(found) <= query.limit:
            return Page(tickets)
        last = tickets[-1]
        value = getattr(last, query.sort)
        return Page(
            tickets, write_cursor(query, to_us(value) if isinstance(value, dt.datetime) else value, last.number)
        )

    def counts(self) -> dict[tuple[str, int], int]:
        """Return the number of tickets by (state, tier)."""
        return {(state, tier): count for state, tier, count in self._all(self._st.counts, {})}

    def history(self, ticket_id: str) -> Sequence[Recorded]:
        """Return the whole log of a ticket."""
        if not is_id(ticket_id):
            return []
        return [rows.read_event(self.tenant, row) for row in self._all(self._st.history, {"ticket": ticket_id})]

    def events_after(self, cursor: str | None, limit: int) -> Sequence[Recorded]:
        """Return committed events after *cursor*; on SQLite positions are given in the order of commits."""
        values = {"position": read_position(cursor), "limit": check_limit(limit, MAX_BATCH)}
        return [rows.read_event(self.tenant, row) for row in self._all(self._st.events_after, values)]

    def messages(self, ticket_ids: Sequence[str]) -> Sequence[Message]:
        """Return the messages that lie in these tickets, by time."""
        m = t.message
        statement = (
            select(m)
            .where(m.c.tenant == self.tenant, m.c.ticket.in_([one for one in ticket_ids if is_id(one)]))
            .order_by(m.c.occurred_at, m.c.position)
        )
        return [rows.read_message(row) for row in self._select(statement)]

    def message(self, message_id: str) -> Message | None:
        """Return one message, or `None`."""
        if not is_id(message_id):
            return None
        row = self._one(self._st.message, {"id": message_id})
        return None if row is None else rows.read_message(row)

    def notes(self, ticket_ids: Sequence[str]) -> Sequence[Note]:
        """Return the internal notes of these tickets, by time."""
        n = t.note
        statement = (
            select(n)
            .where(n.c.tenant == self.tenant, n.c.ticket.in_([one for one in ticket_ids if is_id(one)]))
            .order_by(n.c.occurred_at, n.c.position)
        )
        return [rows.read_note(row) for row in self._select(statement)]

    def customer(self, customer_id: str) -> Customer | None:
        """Return a customer, or `None`."""
        if not is_id(customer_id):
            return None
        row = self._one(self._st.customer, {"id": customer_id})
        return None if row is None else rows.read_customer(self.tenant, row)

    def customers(self, limit: int, after: str | None = None) -> Sequence[Customer]:
        """Return customers by id."""
        if after is not None and not is_id(after):
            raise InvalidCursor("it is no id of a customer")
        values = {"after": after or "", "limit": check_limit(limit, MAX_PAGE)}
        return [rows.read_customer(self.tenant, row) for row in self._all(self._st.customers, values)]

    def receipt(self, key: str) -> Receipt | None:
        """Return what an idempotency key stands for, or `None`."""
        if not is_id(key):
            return None
        row = self._one(self._st.receipt, {"key": key})
        return None if row is None else rows.read_receipt(row)

    def fired(self, ticket_id: str) -> frozenset[str]:
        """Return the ids of the warnings and breaches of a ticket that were told."""
        if not is_id(ticket_id):
            return frozenset()
        return frozenset([row[0] for row in self._all(self._st.fired, {"ticket": ticket_id})])

    def settings(self, subject: str, after: int = 0) -> Sequence[Settings]:
        """Return the revisions of the settings of a subject with numbers above *after*, the oldest first."""
        if not is_id(subject):
            return []
        values = {"subject": subject, "after": after}
        return [rows.read_settings(row) for row in self._all(self._st.settings, values)]

    def follower(self, name: str) -> str | None:
        """Return where the follower *name* stands."""
        if not is_id(name):
            return None
        row = self._one(self._st.follower, {"name": name})
        return None if row is None else row[0]

    # -- writing -----------------------------------------------------------------------------------------------------

    def set_follower(self, name: str, cursor: str) -> None:
        """Store where the follower *name* stands."""
        self._writes()
        read_position(cursor)
        self._run(self._st.put_follower, {"name": name, "cursor": cursor})

    def add_settings(self, settings: Settings) -> None:
        """Store a revision of settings."""
        self._writes()
        if settings.tenant != self.tenant:
            raise StorageError(f"a unit of work of tenant {self.tenant!r} cannot write rows of {[settings.tenant]}")
        try:
            self._insert(self._st.insert_settings, [rows.settings_row(settings)])
        except sqlite3.IntegrityError:
            self._broken = True
            raise ConcurrentUpdate(settings.subject, settings.number - 1) from None
        except sqlite3.Error as error:
            self._broken = True
            raise translate(error) from error

    def reserve_number(self) -> int:
        """Return the next ticket number, and keep some positions for the events that follow."""
        self._writes()
        row = self._one(self._st.reserve, {"numbers": 1, "positions": _SPARE_POSITIONS})
        assert row is not None  # noqa: S101 - an upsert returns its row
        number, position = row
        self._positions = (position - _SPARE_POSITIONS, position)
        return int(number)

    def save(self, change: Change) -> None:
        """Write a change; after an error nothing of this transaction can be kept."""
        self._writes()
        if foreign := _foreign(change, self.tenant):
            raise StorageError(f"a unit of work of tenant {self.tenant!r} cannot write rows of {sorted(foreign)}")
        try:
            self._save(change)
        except sqlite3.Error as error:
            self._broken = True
            raise translate(error) from error
        except BaseException:
            self._broken = True
            raise

    def _save(self, change: Change) -> None:
        for part in change.tickets:
            self._save_ticket(part)
        at = self._save_events(change.tickets)
        if change.messages:
            self._insert(self._st.insert_message, [rows.message_row(new, at.get(new.id, 0)) for new in change.messages])
        if change.notes:
            self._insert(self._st.insert_note, [rows.note_row(new, at.get(new.id, 0)) for new in change.notes])
        if change.moved:
            moves = [{"tenant": self.tenant, "moved": message, "ticket": dest} for message, dest in change.moved]
            self._insert(self._st.move_message, moves)
        self._save_terms(change)
        if change.outbox:
            self._insert(self._st.insert_outbox, [rows.outgoing_row(delivery) for delivery in change.outbox])
        self._save_deadlines(change)
        for customer in change.customers:
            self._save_customer(customer)
        if change.receipt is not None:
            try:
                self._insert(self._st.insert_receipt, [rows.receipt_row(self.tenant, change.receipt)])
            except sqlite3.IntegrityError:
                raise IdempotencyConflict(change.receipt.key, "this command") from None

    def _save_deadlines(self, change: Change) -> None:
        """Write what is due, and what of it was told."""
        if change.firings:
            try:
                self._insert(self._st.insert_firing, [rows.firing_row(firing) for firing in change.firings])
            except sqlite3.IntegrityError:
                raise ConcurrentUpdate(change.firings[0].ticket, 0) from None
        if change.timers:
            self._insert(self._st.put_timer, [rows.timer_row(timer) for timer in change.timers])

    def _save_ticket(self, part: TicketChange) -> None:
        row = rows.ticket_row(part.ticket)
        if part.before is None:
            try:
                self._insert(self._st.insert_ticket, [row])
            except sqlite3.IntegrityError:
                raise ConcurrentUpdate(part.ticket.id, 0) from None
            return
        row["expected"] = part.expected
        self._cursor.execute(self._st.update_ticket.sql, self._st.update_ticket.bind(row))
        if self._cursor.rowcount != 1:
            raise ConcurrentUpdate(part.ticket.id, part.expected)

    def _save_events(self, parts: Sequence[TicketChange]) -> dict[str, int]:
        """Append to the log; return the positions of the events that brought messages and notes, by their ids."""
        brought: dict[str, int] = {}
        log = [recorded for part in parts for recorded in part.events]
        if not log:
            return brought
        position = self._take_positions(len(log))
        events, texts = [], []
        for offset, recorded in enumerate(log, start=1):
            row, text = rows.event_row(recorded, position + offset)
            events.append(row)
            if text is not None:
                texts.append(text)
            if isinstance(recorded.event, ev.MessageReceived | ev.ReplyAdded):
                brought[recorded.event.message] = position + offset
            elif isinstance(recorded.event, ev.NoteAdded):
                brought[recorded.event.note] = position + offset
        try:
            self._insert(self._st.insert_event, events)
        except sqlite3.IntegrityError:
            raise ConcurrentUpdate(parts[0].ticket.id, parts[0].expected) from None
        if texts:
            self._insert(self._st.insert_event_text, texts)
        return brought

    def _take_positions(self, count: int) -> int:
        """Return the position before the first one of *count* new ones."""
        start, end = self._positions
        if end - start < count:
            row = self._one(self._st.reserve, {"numbers": 0, "positions": count})
            assert row is not None  # noqa: S101 - an upsert returns its row
            end = int(row[1])
            start = end - count
        self._positions = (start + count, end)
        return start

    def _save_customer(self, customer: Customer) -> None:
        row = rows.customer_row(customer)
        if customer.version == 1:
            try:
                self._insert(self._st.insert_customer, [row])
            except sqlite3.IntegrityError:
                raise ConcurrentUpdate(customer.id, 0) from None
            return
        row["expected"] = customer.version - 1
        self._cursor.execute(self._st.update_customer.sql, self._st.update_customer.bind(row))
        if self._cursor.rowcount != 1:
            raise ConcurrentUpdate(customer.id, customer.version - 1)

    def _save_terms(self, change: Change) -> None:
        """Keep the token table: words that were written stay searchable, tags come and go with the ticket's."""
        m = t.message
        bodies: dict[str, str] = {}
        if change.moved:
            ids = [message for message, _dest in change.moved]
            found = self._select(select(m.c.id, m.c.body).where(m.c.tenant == self.tenant, m.c.id.in_(ids)))
            bodies.update({row[0]: row[1] for row in found})
        new, gone = terms_of(change, bodies)
        if new:
            values = [{"tenant": self.tenant, "term": term, "ticket": ticket} for term, ticket in new]
            self._insert(self._st.insert_term, values)
        if gone:
            values = [{"tenant": self.tenant, "term": term, "ticket": ticket} for term, ticket in gone]
            self._insert(self._st.delete_term, values)

    # -- outbox ------------------------------------------------------------------------------------------------------

    def claim_outbox(self, now: dt.datetime, *, lease: dt.timedelta, worker: str) -> tuple[Outgoing, bool] | None:
        """Lease the delivery that has waited longest; the attempt is written down before any call."""
        self._writes()
        at = to_us(now)
        row = self._one(self._st.due_outbox, {"now": at})
        if row is None:
            return None
        found = rows.read_outgoing(row)
        fence, attempts, until = found.fence + 1, found.attempts + 1, now + lease
        values = {
            "row": found.id,
            "fenced": found.fence,
            "fence": fence,
            "attempts": attempts,
            "lease_until": to_us(until),
            "now": at,
        }
        if self._run(self._st.claim_outbox, values).rowcount != 1:
            return None
        started = {
            "tenant": self.tenant,
            "outbox": found.id,
            "fence": fence,
            "worker": worker,
            "started_at": at,
            "finished_at": None,
            "result": None,
        }
        self._insert(self._st.insert_attempt, [started])
        leased = rows.outgoing_row(found) | {
            "state": OutboxState.LEASED.value,
            "fence": fence,
            "attempts": attempts,
            "lease_until": to_us(until),
        }
        claimed = rows.read_outgoing([leased[column.name] for column in t.outbox.columns])
        return claimed, found.state is OutboxState.LEASED

    def settle_outbox(
        self,
        delivery: Outgoing,
        *,
        state: OutboxState,
        now: dt.datetime,
        available_at: dt.datetime | None = None,
        external_id: str | None = None,
        reason: str | None = None,
        possible_duplicate: bool = False,
    ) -> bool:
        """Store the result of a claimed delivery; false, with the attempt marked late, under an old fence."""
        self._writes()
        values = {
            "row": delivery.id,
            "fence": delivery.fence,
            "state": state.value,
            "available_at": to_us(available_at or delivery.available_at),
            "external_id": external_id,
            "possible_duplicate": int(possible_duplicate or delivery.possible_duplicate),
            "reason": reason,
        }
        mine: bool = self._run(self._st.settle_outbox, values).rowcount == 1
        result = state.value if mine else "late_result"
        finished = {"row": delivery.id, "fence": delivery.fence, "finished_at": to_us(now), "result": result}
        self._run(self._st.settle_attempt, finished)
        return mine

    def outbox(
        self, *, ticket: str | None = None, states: Sequence[OutboxState] = (), limit: int
    ) -> Sequence[Outgoing]:
        """Return deliveries, oldest first."""
        if ticket is not None and not is_id(ticket):
            return []
        o = t.outbox
        statement = select(o).where(o.c.tenant == self.tenant)
        if ticket is not None:
            statement = statement.where(o.c.ticket == ticket)
        if states:
            statement = statement.where(o.c.state.in_([state.value for state in states]))
        statement = statement.order_by(o.c.created_at, o.c.ticket, o.c.seq, o.c.part)
        return [rows.read_outgoing(row) for row in self._select(statement.limit(check_limit(limit, MAX_PAGE)))]

    def outbox_backlog(self, now: dt.datetime) -> Backlog:
        """Return what waits in the outbox."""
        return self._backlog(self._st.outbox_backlog, self._st.outbox_next, now)

    # -- timers ------------------------------------------------------------------------------------------------------

    def claim_timers(self, now: dt.datetime, limit: int, *, lease: dt.timedelta) -> Sequence[Timer]:
        """Lease up to *limit* timers that are due, in due order."""
        self._writes()
        values = {"now": to_us(now), "limit": check_limit(limit, MAX_BATCH), "lease_until": to_us(now + lease)}
        together = self._st.claim_timers
        found = self._claim_one_by_one(values) if together is None else self._all(together, values)
        return [rows.read_timer(row) for row in sorted(found, key=_DUE_ORDER)]

    def _claim_one_by_one(self, values: Values) -> Sequence[Row]:
        """Lease what is due on a database that cannot return what it updates; the fence tells who was first."""
        claimed = []
        for row in self._all(self._st.due_timers, values):
            key = {"on": row[1], "called": row[2], "nth": row[3], "fenced": row[6]}
            if self._run(self._st.claim_timer, key | values).rowcount == 1:
                leased = TimerState.LEASED.value
                claimed.append((*row[:5], leased, row[6] + 1, row[7] + 1, values["lease_until"]))
        return claimed

    def settle_timer(self, timer: Timer, state: TimerState) -> bool:
        """Store what became of a claimed timer; false under an old fence. `WAITING` gives it back as never tried."""
        self._writes()
        key = {"on": timer.ticket, "called": timer.name, "nth": timer.instance, "fenced": timer.fence}
        values = {**key, "state": state.value, "untried": int(state is TimerState.WAITING)}
        return bool(self._run(self._st.settle_timer, values).rowcount == 1)

    def wake(self, name: str, at: dt.datetime) -> None:
        """Give every ticket that has a note about clocks a timer of this name that is due *at* an instant."""
        self._writes()
        self._run(self._st.wake, {"called": name, "now": to_us(at)})

    def timer_backlog(self, now: dt.datetime) -> Backlog:
        """Return which deadlines wait."""
        return self._backlog(self._st.timer_backlog, self._st.timer_next, now)

    def _backlog(self, counting: Prepared, following: Prepared, now: dt.datetime) -> Backlog:
        at = to_us(now)
        count, oldest = self._one(counting, {"now": at}) or (0, None)
        following_row = self._one(following, {"now": at})
        due = following_row[0] if following_row else None
        return Backlog(
            due=count,
            oldest_due=None if oldest is None else from_us(oldest),
            next_due=None if due is None else from_us(due),
        )


def _foreign(change: Change, tenant: str) -> set[str]:
    """Return the other tenants whose rows a change would write; plain loops, because every command runs them."""
    others: set[str] = set()
    for part in change.tickets:
        if part.ticket.tenant != tenant:
            others.add(part.ticket.tenant)
        for recorded in part.events:
            if recorded.tenant != tenant:
                others.add(recorded.tenant)
    for rows_of in (change.messages, change.notes, change.outbox, change.timers, change.firings, change.customers):
        for row in rows_of:
            if row.tenant != tenant:
                others.add(row.tenant)
    return others
