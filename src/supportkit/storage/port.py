"""The storage port: what a desk needs of a database. Third-party storages implement these two protocols.

A unit of work belongs to one tenant and is one transaction: it is stored whole when its `with` block ends, or not at
all when the block raises. Everything that it returns is frozen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, TypeVar

import attrs

from supportkit.clock import to_utc
from supportkit.errors import LimitExceeded
from supportkit.model.change import Change, OutboxState, Outgoing, Receipt, Settings, Timer, TimerState
from supportkit.model.events import Recorded
from supportkit.model.message import Message, Note
from supportkit.model.people import Customer
from supportkit.model.ticket import Priority, StateCategory, Ticket
from supportkit.text import clean

Item = TypeVar("Item")

MAX_PAGE = 500
MAX_BATCH = 10_000
MAX_CRITERIA = 200
MAX_TEXT = 1_000
SORTS = ("created_at", "updated_at", "number", "priority")


def check_limit(limit: int, most: int) -> int:
    """Return *limit* if it is a number from 1 to *most*.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= most:
        raise ValueError(f"limit must be between 1 and {most}")
    return limit


def is_id(value: object) -> bool:
    """Tell whether *value* could be the id of something at all; what could not is simply not found."""
    return isinstance(value, str) and clean(value) == value


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    """Return the wanted values of one criterion, cleaned like what is stored."""
    names = (value,) if isinstance(value, str) else tuple(value)
    if len(names) > MAX_CRITERIA:
        raise LimitExceeded("values of one criterion", MAX_CRITERIA, len(names))
    return tuple([clean(name, "a criterion") for name in names])


def _several(value: Any) -> list[Any]:
    """Return one value, or several, as a list of at most as many as can be meant."""
    values = [value] if isinstance(value, str | int) else list(value)
    if len(values) > MAX_CRITERIA:
        raise LimitExceeded("values of one criterion", MAX_CRITERIA, len(values))
    return values


def _categories(value: StateCategory | str | Iterable[StateCategory | str]) -> tuple[StateCategory, ...]:
    return tuple([StateCategory(one) for one in _several(value)])


def _priorities(value: Priority | str | int | Iterable[Priority | str | int]) -> tuple[Priority, ...]:
    return tuple([Priority.parse(one) for one in _several(value)])


def _tiers(value: int | Iterable[int]) -> tuple[int, ...]:
    for one in (tiers := _several(value)):
        if not isinstance(one, int) or isinstance(one, bool):
            raise TypeError(f"a tier is a whole number, not a {type(one).__name__}")
    return tuple(tiers)


def _instant(value: dt.datetime | str | None) -> dt.datetime | None:
    return None if value is None else to_utc(value, "a bound of time")


def _text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise LimitExceeded("length of a search", MAX_TEXT, len(value), "characters")
    return clean(value, "text") or ("" if value == "" else " ")  # what was given and is nothing finds nothing


@attrs.frozen(kw_only=True)
class TicketQuery:
    """Which tickets are wanted, in which order; an empty criterion does not restrict.

    Attributes:
        text: Words that must all occur in the subject, the messages or the notes; compared after NFKC and casefold.
        tags: Tags that a ticket must have, all of them.
        created_from: First instant of creation; `created_until` is the first one no longer wanted.
        sort: One of `created_at`, `updated_at`, `number`, `priority`; ties are ordered by number.
        limit: Tickets a page, 1 to 500.
        cursor: `Page.next` of the page before; it belongs to one query in one order.

    Raises:
        ValueError: An unknown sort field, a limit outside 1..500, or more criteria than can be meant.
        TypeError: A naive instant, or a criterion that is no text.
    """

    states: tuple[str, ...] = attrs.field(default=(), converter=_names)
    categories: tuple[StateCategory, ...] = attrs.field(default=(), converter=_categories)
    teams: tuple[str, ...] = attrs.field(default=(), converter=_names)
    assignees: tuple[str, ...] = attrs.field(default=(), converter=_names)
    customers: tuple[str, ...] = attrs.field(default=(), converter=_names)
    channels: tuple[str, ...] = attrs.field(default=(), converter=_names)
    tags: tuple[str, ...] = attrs.field(default=(), converter=_names)
    priorities: tuple[Priority, ...] = attrs.field(default=(), converter=_priorities)
    tiers: tuple[int, ...] = attrs.field(default=(), converter=_tiers)
    text: str = attrs.field(default="", converter=_text)
    unassigned: bool = False
    created_from: dt.datetime | None = attrs.field(default=None, converter=_instant)
    created_until: dt.datetime | None = attrs.field(default=None, converter=_instant)
    updated_from: dt.datetime | None = attrs.field(default=None, converter=_instant)
    updated_until: dt.datetime | None = attrs.field(default=None, converter=_instant)
    sort: str = attrs.field(default="number")
    descending: bool = False
    limit: int = attrs.field(default=50)
    cursor: str | None = None

    @sort.validator
    def _known_sort(self, _attribute: object, value: str) -> None:
        if value not in SORTS:
            raise ValueError(f"tickets cannot be sorted by {str(value)[:40]!r}; possible: {', '.join(SORTS)}")

    @limit.validator
    def _bounded(self, _attribute: object, value: int) -> None:
        check_limit(value, MAX_PAGE)


@attrs.frozen
class Page(Generic[Item]):
    """Some of the results, and where to go on; `next` is `None` on the last page."""

    items: tuple[Item, ...]
    next: str | None = None


@attrs.frozen(kw_only=True)
class StorageCapabilities:
    """What a storage can do besides the basics; the contract tests and the desk read it.

    Attributes:
        durable: What was committed survives the death of the process.
        shared: Several processes may use one database at once.
        joins: The storage can work inside a transaction of the app.
        serial: Positions of the log come from one counter a tenant, so its writers take turns: each holds the counter
            from the writing of its events to the end of its transaction.
    """

    durable: bool = True
    shared: bool = True
    joins: bool = False
    serial: bool = False


@attrs.frozen(kw_only=True)
class Finding:
    """One line of a check: a code, how bad it is (`ok`, `warning`, `error`) and a sentence."""

    code: str
    severity: str
    sentence: str


@attrs.frozen(kw_only=True)
class Backlog:
    """How much work waits: rows that are due now, and when the next one is.

    Where very much is due a storage may stop counting at 1,000.
    """

    due: int
    oldest_due: dt.datetime | None
    next_due: dt.datetime | None


class UnitOfWork(Protocol):
    """One transaction of one tenant."""

    @property
    def tenant(self) -> str:
        """The tenant whose rows this unit sees."""
        ...

    def get(self, ticket_id: str) -> Ticket | None:
        """Return the ticket with this id, or `None`."""
        ...

    def by_number(self, number: int) -> Ticket | None:
        """Return the ticket with this number, or `None`; also for numbers beyond 64 bits."""
        ...

    def find(self, query: TicketQuery) -> Page[Ticket]:
        """Return a page of tickets.

        Raises:
            InvalidCursor: The cursor is not of this query.
        """
        ...

    def counts(self) -> dict[tuple[str, int], int]:
        """Return the number of tickets by (state, tier)."""
        ...

    def history(self, ticket_id: str) -> Sequence[Recorded]:
        """Return the whole log of a ticket in order; empty for an unknown one."""
        ...

    def events_after(self, cursor: str | None, limit: int) -> Sequence[Recorded]:
        """Return up to *limit* committed events after *cursor* (`None`: from the beginning), each with its cursor.

        No event is skipped, however late its transaction commits.

        Raises:
            InvalidCursor: The text is no cursor.
        """
        ...

    def messages(self, ticket_ids: Sequence[str]) -> Sequence[Message]:
        """Return the messages that lie in these tickets, by time."""
        ...

    def message(self, message_id: str) -> Message | None:
        """Return one message, or `None`."""
        ...

    def notes(self, ticket_ids: Sequence[str]) -> Sequence[Note]:
        """Return the internal notes of these tickets, by time."""
        ...

    def customer(self, customer_id: str) -> Customer | None:
        """Return a customer, or `None`."""
        ...

    def customers(self, limit: int, after: str | None = None) -> Sequence[Customer]:
        """Return customers by id, beginning after the id *after*."""
        ...

    def receipt(self, key: str) -> Receipt | None:
        """Return what an idempotency key stands for, or `None`."""
        ...

    def fired(self, ticket_id: str) -> frozenset[str]:
        """Return the ids of the warnings and breaches of a ticket that were told."""
        ...

    def settings(self, subject: str, after: int = 0) -> Sequence[Settings]:
        """Return the revisions of the settings of a subject with numbers above *after*, the oldest first."""
        ...

    def add_settings(self, settings: Settings) -> None:
        """Store a revision.

        Raises:
            ConcurrentUpdate: There is one of this number already.
        """
        ...

    def wake(self, name: str, at: dt.datetime) -> None:
        """Give every ticket that has a note about clocks a timer of this name that is due *at* an instant.

        One that waits and is due earlier stays as it is, and so does one that is leased.
        """
        ...

    def reserve_number(self) -> int:
        """Return the next ticket number of the tenant; it may stay unused if the unit is rolled back."""
        ...

    def save(self, change: Change) -> None:
        """Write a change.

        `Ticket.clocks` is kept with the row as it is given. A ticket may come without new events; then its version
        stays the same.

        After an error the unit cannot be committed any more, also where the caller goes on: leaving its block raises.

        Raises:
            ConcurrentUpdate: A ticket is not at the expected version, or an event of that number or a firing of that
                id exists.
            IdempotencyConflict: The receipt's key is there already.
            StorageError: A row belongs to another tenant, or breaks a unique key.
        """
        ...

    def claim_outbox(self, now: dt.datetime, *, lease: dt.timedelta, worker: str) -> tuple[Outgoing, bool] | None:
        """Lease the delivery that has waited longest; `None` when nothing is due.

        Only the oldest unfinished delivery of a conversation and channel can be claimed. The claim counts one attempt
        and one fence; where an earlier try is in doubt (its lease ran out, or its reason is `uncertain`) it also
        stores `possible_duplicate`, while what it returns has the flag as it was before. The second value tells that a
        lease of somebody else ran out, so that it is unknown whether his call went through.
        """
        ...

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
        """Store the result of a claimed delivery; false, and nothing but a late result noted, under an old fence."""
        ...

    def outbox(
        self, *, ticket: str | None = None, states: Sequence[OutboxState] = (), limit: int
    ) -> Sequence[Outgoing]:
        """Return deliveries, oldest first."""
        ...

    def outbox_backlog(self, now: dt.datetime) -> Backlog:
        """Return what waits in the outbox."""
        ...

    def claim_timers(self, now: dt.datetime, limit: int, *, lease: dt.timedelta) -> Sequence[Timer]:
        """Lease up to *limit* timers that are due, in due order; each claim counts one fence and one attempt."""
        ...

    def settle_timer(self, timer: Timer, state: TimerState) -> bool:
        """Store what became of a claimed timer; false under an old fence.

        `WAITING` gives it back before it was tried: it is free at once, and its attempt does not count.
        """
        ...

    def timer_backlog(self, now: dt.datetime) -> Backlog:
        """Return which deadlines wait."""
        ...

    def follower(self, name: str) -> str | None:
        """Return where the follower *name* stands."""
        ...

    def set_follower(self, name: str, cursor: str) -> None:
        """Store where the follower *name* stands."""
        ...


class Storage(Protocol):
    """A database with the tables of supportkit in it."""

    @property
    def capabilities(self) -> StorageCapabilities:
        """What this storage can do."""
        ...

    def migrate(self) -> None:
        """Bring the schema to the version of this release; safe to call again and from several processes.

        Raises:
            SchemaOutOfDate: The database is from a newer release.
        """
        ...

    def begin(self, tenant: str, *, write: bool = True) -> AbstractContextManager[UnitOfWork]:
        """Open a unit of work; it is committed when its block ends and rolled back when it raises.

        Raises:
            StorageUnavailable: The database cannot be reached, or is locked.
        """
        ...

    def check(self) -> Sequence[Finding]:
        """Look at settings and integrity; every setting is read back from the database."""
        ...

    def close(self) -> None:
        """Give back connections. The storage cannot be used afterwards."""
        ...
