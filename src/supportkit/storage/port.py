"""The storage port: what a desk needs of a database. Third-party storages implement these two protocols.

A unit of work belongs to one tenant and is one transaction: it is stored whole when its `with` block ends, or not at
all when the block raises. Everything that it returns is frozen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

import attrs

from supportkit.clock import to_utc
from supportkit.errors import LimitExceeded
from supportkit.model.change import Change, OutboxState, Outgoing, Receipt, Settings, Timer, TimerState
from supportkit.model.events import Recorded
from supportkit.model.message import Message, Note
from supportkit.model.people import Customer
from supportkit.model.stored import Stored
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
        queues: It has the verbs of `storage.ranking`, so that a desk on it has a work queue.
        receives: It has the verbs of `storage.arriving`, so that a desk on it can receive by channels.
        keeps: It has the verbs of `storage.keeping`, so that a desk on it can keep agents, teams and whatever else is
            no ticket.
        erases: It has the verbs of `storage.erasing`, so that a desk on it can erase people.
    """

    durable: bool = True
    shared: bool = True
    joins: bool = False
    serial: bool = False
    receives: bool = False
    queues: bool = False
    keeps: bool = False
    erases: bool = False


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


class Expiring(StrEnum):
    """What is deleted by its age alone."""

    KEYS = "keys"
    """Idempotency keys, by the instant at which they were used."""
    DELIVERIES = "deliveries"
    """Settled deliveries (sent, failed, suppressed, cancelled) with their attempts: due and last tried before."""
    ARRIVALS = "arrivals"
    """Raw deliveries that arrived and were settled (routed or quarantined) before. Like those below they are asked for
    only where a storage declares `receives`; any other one says that it has none."""
    HEARD = "heard"
    """What was heard before and belongs to no ticket, or to one that was deleted."""
    RECEIPTS = "receipts"
    """Receipts from before that wait for their message."""
    BUDGETS = "budgets"
    """Budgets whose window began before."""


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

    def hold(self) -> None:
        """Let other writers of a ticket wait from `get` or `by_number` to the end of this unit, from now on.

        What it returns then is what is stored last, so that no race can be lost. Nothing needs to be done where
        writers take turns anyway.
        """
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

    def claim_outbox(
        self,
        now: dt.datetime,
        *,
        lease: dt.timedelta,
        worker: str,
        channels: Collection[str] | None = None,
        but: Collection[tuple[str, str]] = (),
    ) -> tuple[Outgoing, bool] | None:
        """Lease the delivery that has waited longest in the account whose turn it is; `None` when nothing is due.

        Only what goes out by one of *channels* (`None`: by any), and nothing of the accounts *but*, which are paused; a
        storage that does not keep records is never given any. Accounts, each a pair of channel and account, take
        turns: the one with the fewest recent claims comes first, so that a long queue of one holds up no other. Only
        the oldest unfinished delivery of a conversation and channel can be claimed. The claim counts one attempt
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
    ) -> OutboxState | None:
        """Store the result of a claimed delivery; return where it stands now, in one statement under its fence.

        That is *state*, except where the delivery was withdrawn while it was leased and would be `PENDING` again: then
        it is `CANCELLED` for the reason of the withdrawal, or `UNKNOWN` where *reason* is `uncertain`. Under an old
        fence nothing but a late result is noted, and the answer is `None`.
        """
        ...

    def decide_outbox(
        self, delivery: Outgoing, *, state: OutboxState, now: dt.datetime, external_id: str | None = None
    ) -> bool:
        """Store what a person decided about a delivery that is `UNKNOWN` or `PARKED`; each decision counts one fence.

        `PENDING` lets it begin anew *now*: without a reason, with no attempts counted, not withdrawn, and as a possible
        duplicate where it was unknown. False, and nothing stored, when the delivery has another fence or another state
        by now.
        """
        ...

    def withdraw_outbox(self, ticket: str, *, reason: str, but: Collection[str] = ()) -> Sequence[Outgoing]:
        """Cancel the pending deliveries of a ticket with *reason*, except those that the rules *but* made.

        Each counts one fence. What a worker holds is marked as `withdrawn` and keeps its fence. Returns those that were
        cancelled, as they were before.
        """
        ...

    def delivery(self, delivery_id: str) -> Outgoing | None:
        """Return one delivery, or `None`."""
        ...

    def outbox(
        self, *, ticket: str | None = None, states: Sequence[OutboxState] = (), limit: int
    ) -> Sequence[Outgoing]:
        """Return deliveries, oldest first."""
        ...

    def outbox_backlog(
        self, now: dt.datetime, *, channels: Collection[str] | None = None, but: Collection[tuple[str, str]] = ()
    ) -> Backlog:
        """Return what waits in the outbox to go out by one of *channels*, by any where it is `None`.

        Nothing of the accounts *but* is counted; a storage that does not keep records is never given any.
        """
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

    def has_expired(self, kind: Expiring, before: dt.datetime) -> bool:
        """Tell whether there is anything of this kind from before an instant."""
        ...

    def drop_expired(self, kind: Expiring, before: dt.datetime, limit: int) -> int:
        """Delete up to *limit* things of this kind from before an instant, the oldest first; return how many it was."""
        ...

    def closed_before(self, before: dt.datetime, limit: int) -> Sequence[Ticket]:
        """Return tickets that were closed before an instant, those that were closed first in front.

        Without merged ones, which belong to their survivors, and without those that have a delivery that is not
        settled.
        """
        ...

    def delete_ticket(self, ticket: Ticket) -> None:
        """Delete a ticket and all that is its own: log, messages, notes, search terms, deliveries, deadlines, firings.

        With them go its legs, the conversations that lead to these, and the files of the messages that lie in it.
        Idempotency keys that stand for it stay until their own time, and so does what was heard, without the ids of
        the ticket and of its messages: a provider that repeats a message must not open the ticket once more.

        Raises:
            ConcurrentUpdate: It is not at this version any more, or gone; the unit cannot be committed then.
        """
        ...

    def count_rows(self) -> int:
        """Return how many rows `dump` gives besides counter and followers, for whoever wants to tell how far it got."""
        ...

    def dump(self) -> Iterator[Stored]:
        """Yield every row of the tenant, in the order of `supportkit.model.stored`, without holding all of them.

        Nothing else may be asked of the unit until the iterator has ended.
        """
        ...

    def is_empty(self) -> bool:
        """Tell whether the tenant has no row at all."""
        ...

    def restore(self, rows: Iterable[tuple[int, Stored]]) -> None:
        """Write every row of a tenant that has none, each given with the number of the line that it came from.

        What `dump` gives afterwards is the same again; cursors are the storage's own.

        Raises:
            InvalidArchive: A row is twice, out of order, too long, or does not fit to the others. The unit cannot be
                committed then.
        """
        ...


class JoinedUnit(UnitOfWork, Protocol):
    """A unit of work inside a transaction that the app has opened, and that it commits or rolls back.

    What is read sees what the app has written, and writes are done in steps.
    """

    @property
    def reads_anew(self) -> bool:
        """Whether a statement sees what others have committed since the one before, so that repeating can help."""
        ...

    def step(self) -> AbstractContextManager[None]:
        """Open a step: all that is written in its block is kept in the app's transaction, or nothing if it raises.

        After an error the transaction goes on as it was before the step, unless the database has rolled it back.
        """
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


class JoiningStorage(Storage, Protocol):
    """A storage whose capabilities declare `joins`."""

    def join(self, tenant: str, connection: object) -> AbstractContextManager[JoinedUnit]:
        """Open a unit of work in the transaction that is open on a *connection* of the app; it is not ended here.

        Raises:
            CannotJoin: The connection is closed, has no open transaction, or is one to another database.
        """
        ...
