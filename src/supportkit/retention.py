"""How long things are kept, and the purge that deletes what is older, in bounded steps."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from supportkit import pairing
from supportkit.drafting import Draft, News
from supportkit.engine.rules import AfterClose
from supportkit.errors import ConcurrentUpdate, ConfigurationError, LevelsOutdated, SupportkitError
from supportkit.model import events as ev
from supportkit.model.change import OutboxState
from supportkit.model.ticket import Link, StateCategory, Ticket
from supportkit.runner import Runner
from supportkit.storage.port import Expiring, UnitOfWork

_log = logging.getLogger("supportkit.retention")
KEEP_KEYS = dt.timedelta(days=8)
"""Longer than the longest time over which providers repeat a call, which is 7 days."""
SHORTEST = dt.timedelta(days=8)
_UNSETTLED = (OutboxState.PENDING, OutboxState.LEASED, OutboxState.PARKED, OutboxState.UNKNOWN)


@attrs.frozen(kw_only=True)
class Retention:
    """How long a desk keeps what it does not need any more.

    Attributes:
        deliveries: Settled deliveries and their attempts, counted from the due and the last try; at least 8 days. Those
            that are parked or unknown stay until a person settles them.
        closed: Closed tickets with every word of theirs, counted from their closing; `None`: for ever. Longer than the
            time in which a customer's message reopens them.
        arrivals: Raw deliveries of channels, counted from the instant at which they were routed or quarantined; at
            least 8 days. Those that nobody has read yet stay.

    Raises:
        ConfigurationError: A time is too short to be safe.
    """

    deliveries: dt.timedelta = attrs.field(default=dt.timedelta(days=90))
    closed: dt.timedelta | None = attrs.field(default=None)
    arrivals: dt.timedelta = attrs.field(default=dt.timedelta(days=30))

    @deliveries.validator
    @arrivals.validator
    def _long_enough(self, attribute: attrs.Attribute[dt.timedelta], value: dt.timedelta) -> None:
        if value < SHORTEST:
            raise ConfigurationError(f"{attribute.name} are kept for at least {SHORTEST.days} days, not {value}")

    @closed.validator
    def _sane(self, _attribute: object, value: dt.timedelta | None) -> None:
        if value is not None and value < dt.timedelta(days=1):
            raise ConfigurationError(f"closed tickets are kept for at least a day, not {value}")


@attrs.frozen(kw_only=True)
class Keeping:
    """What a desk was told about keeping, checked: idempotency keys and everything else.

    Hashes of what was heard are kept as long as their ticket; without one they, early receipts and spent budgets are
    kept as long as idempotency keys.

    Raises:
        ConfigurationError: A time is too short to be safe.
    """

    keys: dt.timedelta
    retention: Retention
    after_close: AfterClose

    def __attrs_post_init__(self) -> None:
        """Refuse what would break a promise of the desk."""
        if self.keys < KEEP_KEYS:
            raise ConfigurationError(f"keep_keys must be at least {KEEP_KEYS.days} days, not {self.keys}")
        closed, window = self.retention.closed, self.after_close.window
        if closed is not None and window is not None and closed <= window:
            raise ConfigurationError(
                f"closed tickets are reopened within {window}, so they must be kept for longer than that, not {closed}"
            )

    def ages(self, *, receives: bool) -> dict[Expiring, dt.timedelta]:
        """Return how long each kind is kept that goes by its age alone, of a storage that *receives* or does not."""
        ages = {Expiring.KEYS: self.keys, Expiring.DELIVERIES: self.retention.deliveries}
        if receives:
            ages[Expiring.ARRIVALS] = self.retention.arrivals
            ages |= dict.fromkeys((Expiring.HEARD, Expiring.RECEIPTS, Expiring.BUDGETS), self.keys)
        return ages


@attrs.frozen(kw_only=True)
class PurgeReport:
    """What one call of `purge` deleted; every outcome is counted.

    Attributes:
        keys: Idempotency keys.
        deliveries: Settled deliveries, each with its attempts.
        arrivals: Raw deliveries that were read, or lay in quarantine.
        heard: Hashes of messages from outside whose ticket is deleted, or that changed none.
        receipts: Receipts that came early and whose message never became known.
        budgets: Windows of budgets that are long over.
        tickets: Closed tickets, each with all that was its own; merged ones count as well.
        unlinked: Tickets that stay and lost a link to one of these; their logs say so.
        kept: Closed tickets that stay although their time is over: a ticket merged into one of them has a delivery
            that nobody has settled.
        failed: Closed tickets that could not be deleted now, because somebody changed them or an error was raised.
        more: Call again at once: something else is to be deleted.
        next_due: Always `None`: no instant is waited for, the next turn is soon enough.
        oldest_due: Always `None`: what is kept for longer makes nobody wait.
        problems: Ticket and error code of what failed.
    """

    keys: int = 0
    deliveries: int = 0
    arrivals: int = 0
    heard: int = 0
    receipts: int = 0
    budgets: int = 0
    tickets: int = 0
    unlinked: int = 0
    kept: int = 0
    failed: int = 0
    more: bool = False
    next_due: dt.datetime | None = None
    oldest_due: dt.datetime | None = None
    problems: tuple[tuple[str, str], ...] = ()


def purge(
    runner: Runner, keeping: Keeping, now: dt.datetime, *, limit: int, stop: Callable[[], bool] | None = None
) -> PurgeReport:
    """Delete what is older than *keeping* allows: at most *limit* of each kind, until *stop* says so."""
    ages = keeping.ages(receives=runner.storage.capabilities.receives)
    before = {kind: limits for kind, age in ages.items() if (limits := _ago(now, age)) is not None}
    closed = None if keeping.retention.closed is None else _ago(now, keeping.retention.closed)
    with runner.storage.begin(runner.tenant, write=False) as unit:
        expired = [kind for kind, instant in before.items() if unit.has_expired(kind, instant)]
        tickets = () if closed is None else unit.closed_before(closed, limit)
    counts: dict[str, Any] = dict.fromkeys(("tickets", "unlinked", "kept", "failed"), 0)
    more = False
    for kind in expired:
        if stop is not None and stop():
            return PurgeReport(**counts, more=True)
        with runner.storage.begin(runner.tenant) as unit:
            counts[kind.value] = unit.drop_expired(kind, before[kind], limit)
        more = more or counts[kind.value] == limit
    problems: list[tuple[str, str]] = []
    for ticket in tickets:
        if stop is not None and stop():
            more = True
            break
        problem = _delete(runner, ticket, closed or now, now, counts)
        if problem:
            counts["failed"] += 1
            problems.append((ticket.id, problem))
    # Where nothing could be deleted, calling again at once would find the same tickets.
    more = more or (len(tickets) == limit and counts["tickets"] > 0)
    return PurgeReport(**counts, more=more, problems=tuple(problems))


def _ago(now: dt.datetime, age: dt.timedelta) -> dt.datetime | None:
    """Return the instant before which things are too old; `None` where that lies before all calendars."""
    try:
        return now - age
    except OverflowError:
        return None


def _delete(runner: Runner, found: Ticket, before: dt.datetime, now: dt.datetime, counts: dict[str, int]) -> str:
    """Delete one ticket with those that were merged into it, in one transaction; return the code of a problem."""
    try:
        with runner.storage.begin(runner.tenant) as unit:
            root = unit.get(found.id)
            if root is None or not _is_over(root, before):
                return ""  # somebody else was faster, or it was opened again
            parts = [part for part in map(unit.get, pairing.family(unit, root)) if part is not None]
            if any(unit.outbox(ticket=part.id, states=_UNSETTLED, limit=1) for part in parts):
                counts["kept"] += 1
                return ""
            told = _unlink(runner, unit, parts, now)
            for part in parts:
                unit.delete_ticket(part)
    except (ConcurrentUpdate, LevelsOutdated) as error:
        if isinstance(error, LevelsOutdated):
            runner.reload()
        return error.code
    except SupportkitError as error:
        if error.retryable:
            raise
        _log.warning("ticket %s cannot be deleted: %s", found.id, error.code)
        return error.code
    counts["tickets"] += len(parts)
    counts["unlinked"] += len(told)
    runner.tell(told)
    return ""


def _is_over(ticket: Ticket, before: dt.datetime) -> bool:
    return (
        ticket.category is StateCategory.CLOSED
        and ticket.merged_into is None
        and ticket.closed_at is not None
        and ticket.closed_at < before
    )


def _unlink(runner: Runner, unit: UnitOfWork, parts: Sequence[Ticket], now: dt.datetime) -> News:
    """Take the links to tickets that go out of those that stay, as events in their logs."""
    going = {part.id for part in parts}
    links = [(part.id, link) for part in parts for link in part.links if link.ticket not in going]
    draft: Draft = runner.draft(unit, None, now, now)
    for name in dict.fromkeys(link.ticket for _part, link in links):
        other = unit.get(name)
        if other is None:
            continue
        ends = [(link.kind.inverse, part) for part, link in links if link.ticket == name]
        events = [ev.Unlinked(kind=kind, ticket=part) for kind, part in ends if Link(kind, part) in other.links]
        draft.add(runner.tenant, other, other.id, events)
    if draft.changes:
        unit.save(draft.change(None))
    return draft.told
