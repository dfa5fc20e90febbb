"""`Reading`: the verbs of the storage port that only read."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from collections import Counter as Tally
from collections.abc import Collection, Iterator, Sequence

import attrs

from supportkit.errors import InvalidCursor, LimitExceeded
from supportkit.model.change import OutboxState, Outgoing, Receipt, Settings, TimerState
from supportkit.model.events import Recorded
from supportkit.model.message import Message, Note
from supportkit.model.people import Customer
from supportkit.model.stored import Counter, Place, Stored, sort_key
from supportkit.model.ticket import StateCategory, Ticket
from supportkit.storage.port import MAX_BATCH, MAX_PAGE, Backlog, Expiring, Page, TicketQuery, check_limit, is_id
from supportkit.storage.terms import query_terms, tag_term
from supportkit_jsonl.tables import Tables

_CURSOR = re.compile(r"p[0-9]{1,18}")
_WAITING = (OutboxState.PENDING, OutboxState.LEASED)
RESTING = (OutboxState.PARKED, OutboxState.UNKNOWN)
_MOST_TERMS = 50


class Reading:
    """Looks at the tables of one tenant."""

    def __init__(self, tenant: str, tables: Tables) -> None:
        self.tenant = tenant
        self.tables = tables

    def get(self, ticket_id: str) -> Ticket | None:
        return self.tables.tickets.get(ticket_id)

    def by_number(self, number: int) -> Ticket | None:
        if type(number) is not int:  # True and 1.0 are equal to 1
            return None
        return next((one for one in self.tables.tickets.values() if one.number == number), None)

    def counts(self) -> dict[tuple[str, int], int]:
        return dict(Tally((ticket.state, ticket.tier) for ticket in self.tables.tickets.values()))

    def history(self, ticket_id: str) -> Sequence[Recorded]:
        return [self.tables.log[position] for position in self.tables.logs.get(ticket_id, ())]

    def events_after(self, cursor: str | None, limit: int) -> Sequence[Recorded]:
        check_limit(limit, MAX_BATCH)
        behind = position_of(cursor)
        return [recorded for position, recorded in self.tables.log.items() if position > behind][:limit]

    def messages(self, ticket_ids: Sequence[str]) -> Sequence[Message]:
        wanted = set(ticket_ids)
        return sorted((one for one in self.tables.messages.values() if one.ticket in wanted), key=_when)

    def message(self, message_id: str) -> Message | None:
        return self.tables.messages.get(message_id)

    def notes(self, ticket_ids: Sequence[str]) -> Sequence[Note]:
        wanted = set(ticket_ids)
        return sorted((one for one in self.tables.notes.values() if one.ticket in wanted), key=_when)

    def customer(self, customer_id: str) -> Customer | None:
        return self.tables.customers.get(customer_id)

    def customers(self, limit: int, after: str | None = None) -> Sequence[Customer]:
        if after is not None and not is_id(after):
            raise InvalidCursor("it is no id of a customer")
        check_limit(limit, MAX_PAGE)
        found = sorted((one for one in self.tables.customers.values() if one.id > (after or "")), key=_id)
        return found[:limit]

    def receipt(self, key: str) -> Receipt | None:
        return self.tables.receipts.get(key)

    def fired(self, ticket_id: str) -> frozenset[str]:
        return frozenset(row.id for row in self.tables.firings.values() if row.ticket == ticket_id)

    def settings(self, subject: str, after: int = 0) -> Sequence[Settings]:
        mine = [row for row in self.tables.settings.values() if row.subject == subject and row.number > after]
        return sorted(mine, key=lambda row: row.number)

    def follower(self, name: str) -> str | None:
        position = self.tables.followers.get(name)
        return None if position is None else f"p{position}"

    # -- finding -----------------------------------------------------------------------------------------------------

    def find(self, query: TicketQuery) -> Page[Ticket]:
        exact, prefixes = query_terms(query.text)
        if len(exact) + len(prefixes) > _MOST_TERMS:
            raise LimitExceeded("words of a search", _MOST_TERMS, len(exact) + len(prefixes))
        found = [one for one in self.tables.tickets.values() if _meets(one, query) and self._has_words(one, query)]
        found.sort(key=lambda one: _place(one, query), reverse=query.descending)
        if query.cursor is not None:
            place = _read_cursor(query)
            places = [(_place(one, query), one) for one in found]
            found = [one for here, one in places if (here < place if query.descending else here > place)]
        page = tuple(found[: query.limit])
        return Page(page, _write_cursor(query, page[-1]) if len(found) > query.limit else None)

    def _has_words(self, ticket: Ticket, query: TicketQuery) -> bool:
        terms = self.tables.terms.get(ticket.id, frozenset())
        if any(tag_term(tag) not in terms for tag in query.tags):
            return False
        exact, prefixes = query_terms(query.text)
        if query.text and not exact and not prefixes:
            return False
        return all(f"w:{word}" in terms or f"n:{word}" in terms for word in exact) and all(
            any(term.startswith((f"w:{char}", f"n:{char}")) for term in terms) for char in prefixes
        )

    # -- what is to do -----------------------------------------------------------------------------------------------

    def outbox(
        self, *, ticket: str | None = None, states: Sequence[OutboxState] = (), limit: int
    ) -> Sequence[Outgoing]:
        check_limit(limit, MAX_PAGE)
        rows = [
            row
            for row in self.tables.outbox.values()
            if (ticket is None or row.ticket == ticket) and (not states or row.state in states)
        ]
        return sorted(rows, key=lambda row: (row.created_at, row.ticket, row.seq, row.part))[:limit]

    def delivery(self, delivery_id: str) -> Outgoing | None:
        return self.tables.outbox.get(delivery_id)

    def queued(self, channels: Collection[str] | None) -> list[Outgoing]:
        """Return what waits to go out by some channels, or by any."""
        rows = (row for row in self.tables.outbox.values() if row.state in _WAITING)
        return [row for row in rows if channels is None or row.channel in channels]

    def due_deliveries(self, now: dt.datetime, channels: Collection[str] | None) -> list[Outgoing]:
        """Return what may be claimed: of the account whose turn it is first, then by how long it has waited."""
        rows = [row for row in self.queued(channels) if _frees(row) <= now and not self._is_blocked(row)]
        return sorted(rows, key=lambda row: (*self._turn(row), row.available_at, row.id))

    def _turn(self, row: Outgoing) -> tuple[int, str, str]:
        return self.tables.turns.get((row.channel, row.account), -1), row.channel, row.account

    def _is_blocked(self, row: Outgoing) -> bool:
        return any(
            (other.state in _WAITING and (other.seq, other.part) < (row.seq, row.part))
            or (other.state in RESTING and other.message == row.message and other.part < row.part)
            for other in self.tables.outbox.values()
            if (other.ticket, other.channel) == (row.ticket, row.channel)
        )

    def outbox_backlog(self, now: dt.datetime, *, channels: Collection[str] | None = None) -> Backlog:
        due = self.due_deliveries(now, channels)
        live = [row for row in self.queued(channels) if not self._is_blocked(row)]
        return Backlog(
            due=len(due),
            oldest_due=min((row.available_at for row in due), default=None),
            next_due=min((_frees(row) for row in live), default=None),
        )

    def timer_backlog(self, now: dt.datetime) -> Backlog:
        live = {}
        for key, row in self.tables.timers.items():
            if row.state is TimerState.WAITING:
                live[key] = (row.due_at or now, row.due_at or now)
            elif row.state is TimerState.LEASED:
                live[key] = (row.lease_until or now, row.due_at or now)
        due = [instant for free, instant in live.values() if free <= now and instant <= now]
        return Backlog(
            due=len(due),
            oldest_due=min(due, default=None),
            next_due=min((free for free, _ in live.values()), default=None),
        )

    def has_expired(self, kind: Expiring, before: dt.datetime) -> bool:
        return bool(self.expired(kind, before))

    def expired(self, kind: Expiring, before: dt.datetime) -> list[str]:
        """Return the keys of what is older, the oldest first; there is nothing of what arrives."""
        if kind is Expiring.KEYS:
            keys = [(row.created_at, row.key) for row in self.tables.receipts.values()]
            return [key for at, key in sorted(keys) if at < before]
        if kind is not Expiring.DELIVERIES:
            return []
        tried = {row.delivery for row in self.tables.attempts.values() if row.started_at >= before}
        rows = [row for row in self.tables.outbox.values() if row.state not in (*_WAITING, *RESTING)]
        old = [row for row in rows if row.available_at < before and row.id not in tried]
        return [row.id for row in sorted(old, key=lambda row: row.available_at)]

    def closed_before(self, before: dt.datetime, limit: int) -> Sequence[Ticket]:
        check_limit(limit, MAX_BATCH)
        busy = {row.ticket for row in self.tables.outbox.values() if row.state in (*_WAITING, *RESTING)}
        found = [
            (one.closed_at, one.number, one)
            for one in self.tables.tickets.values()
            if one.category is StateCategory.CLOSED and one.merged_into is None and one.id not in busy
            if one.closed_at is not None and one.closed_at < before
        ]
        return [one for _at, _number, one in sorted(found, key=lambda row: row[:2])][:limit]

    # -- everything --------------------------------------------------------------------------------------------------

    def is_empty(self) -> bool:
        return self.tables.is_empty

    def count_rows(self) -> int:
        return sum(not isinstance(row, Counter | Place) for row in self.dump())

    def dump(self) -> Iterator[Stored]:
        t = self.tables
        if t.number:
            yield Counter(tenant=self.tenant, number=t.number)
        yield from _sorted(t.settings.values())
        yield from _sorted(t.customers.values())
        yield from _sorted(t.tickets.values())
        yield from t.log.values()
        for name in sorted(t.followers):
            if seen := sum(position <= t.followers[name] for position in t.log):
                yield Place(tenant=self.tenant, name=name, seen=seen)
        yield from t.messages.values()
        yield from t.notes.values()
        for rows in (t.outbox, t.attempts, t.timers, t.firings, t.receipts):
            yield from _sorted(rows.values())


def _sorted(rows: object) -> list[Stored]:
    return sorted(rows, key=sort_key)  # type: ignore[call-overload,no-any-return]


def _when(row: Message | Note) -> dt.datetime:
    return row.occurred_at


def _id(row: Customer) -> str:
    return row.id


def _frees(row: Outgoing) -> dt.datetime:
    return row.lease_until or row.available_at if row.state is OutboxState.LEASED else row.available_at


def position_of(cursor: str | None) -> int:
    """Return the position of a cursor, 0 for none.

    Raises:
        InvalidCursor: The text is no cursor.
    """
    if cursor is None:
        return 0
    if not isinstance(cursor, str) or not _CURSOR.fullmatch(cursor):
        raise InvalidCursor("it was not made by this follower")
    return int(cursor[1:])


def _meets(ticket: Ticket, query: TicketQuery) -> bool:
    wanted = (
        (ticket.state, query.states),
        (ticket.category, query.categories),
        (ticket.team, query.teams),
        (ticket.assignee, query.assignees),
        (ticket.customer, query.customers),
        (ticket.channel, query.channels),
        (ticket.priority, query.priorities),
        (ticket.tier, query.tiers),
    )
    bounds = (
        (ticket.created_at, query.created_from, query.created_until),
        (ticket.updated_at, query.updated_from, query.updated_until),
    )
    return (
        all(not values or value in values for value, values in wanted)
        and not (query.unassigned and ticket.assignee is not None)
        and all((start is None or at >= start) and (end is None or at < end) for at, start, end in bounds)
    )


def _place(ticket: Ticket, query: TicketQuery) -> tuple[float, int]:
    value = getattr(ticket, query.sort)
    return (value.timestamp() if isinstance(value, dt.datetime) else float(value), ticket.number)


def _mark(query: TicketQuery) -> str:
    plain = repr(attrs.evolve(query, cursor=None, limit=1)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(plain).hexdigest()[:16]


def _write_cursor(query: TicketQuery, last: Ticket) -> str:
    return base64.urlsafe_b64encode(json.dumps([_mark(query), *_place(last, query)]).encode()).decode()


def _read_cursor(query: TicketQuery) -> tuple[float, int]:
    try:
        mark, value, number = json.loads(base64.urlsafe_b64decode(str(query.cursor)[:400]))
        place = (float(value), int(number))
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise InvalidCursor from None
    if mark != _mark(query):
        raise InvalidCursor
    return place
