"""Reading the clocks of tickets: where they stand, and why, and where they would stand under other promises."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from supportkit.clock import to_us
from supportkit.engine.promises import Promises
from supportkit.engine.telling import facts_of_log, facts_of_merged
from supportkit.lifecycle import Lifecycle
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner
from supportkit.sla import (
    Clock,
    ClockSet,
    Comparison,
    Fact,
    Rules,
    Segment,
    ServiceLevels,
    compare,
    evaluate,
    explain,
    picture,
)
from supportkit.storage.port import MAX_PAGE, TicketQuery, UnitOfWork


@attrs.frozen(kw_only=True)
class Explained:
    """A clock and what its time is made of.

    Attributes:
        clock: Where it stands.
        segments: Stretches that tile the time from its start to its end, or to now; the counted ones sum to `used`.
    """

    clock: Clock
    segments: tuple[Segment, ...]

    def picture(self, *, width: int = 72) -> str:
        """Return one line: `#` counted, `.` closed, `h` holiday, `=` paused, `-` halted."""
        return picture(self.segments, width=width)


def history(
    unit: UnitOfWork, ticket: Ticket, promises: Promises, at: dt.datetime
) -> tuple[list[Fact], Mapping[str, Sequence[Fact]]]:
    """Return the facts of a ticket, and those of all tickets that were merged into it."""
    facts = facts_of_log(unit.history(ticket.id), promises, to_us(at))
    return facts, facts_of_merged(facts, unit.history, promises, to_us(at), {ticket.id})


def clock_set(runner: Runner, unit: UnitOfWork, ticket: Ticket, at: dt.datetime) -> ClockSet:
    """Return all clocks of a ticket as they stand at an instant.

    Raises:
        InvalidPolicy: Its log names a policy that the database does not know.
    """
    promises = runner.rules.promises
    facts, others = history(unit, ticket, promises, at)
    return evaluate(facts, promises.rules, None, at, categories={}, others=others)


def explained(clocks: ClockSet) -> tuple[Explained, ...]:
    """Return each clock with its segments."""
    return tuple(Explained(clock=clock, segments=explain(clock, clocks.at)) for clock in clocks.clocks)


class _Recorded(Mapping[str, Sequence[Fact]]):
    """The histories of a desk by ticket id, read when they are asked for; the last one is kept at hand."""

    def __init__(self, unit: UnitOfWork, promises: Promises, at: dt.datetime, tickets: Sequence[str]) -> None:
        self._unit, self._promises, self._at, self._tickets = unit, promises, to_us(at), tickets
        self._last: tuple[str, list[Fact]] | None = None

    def __getitem__(self, ticket: str) -> Sequence[Fact]:
        if self._last is None or self._last[0] != ticket:
            facts = facts_of_log(self._unit.history(ticket), self._promises, self._at)
            if not facts:
                raise KeyError(ticket)
            self._last = (ticket, facts)
        return self._last[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tickets)

    def __len__(self) -> int:
        return len(self._tickets)


def _tried(levels: ServiceLevels, promises: Promises, lifecycle: Lifecycle) -> Rules:
    """Compile what is tried. Calendars that stay as they are keep their history; others hold from the beginning."""
    recorded = promises.past_calendars(levels)
    return Promises.of(levels, lifecycle, calendars=recorded).rules


def what_if(
    runner: Runner,
    levels: Sequence[ServiceLevels],
    *,
    since: dt.datetime | None,
    until: dt.datetime | None,
    at: dt.datetime,
    limit: int,
    progress: Callable[[int, int], None] | None,
) -> Comparison:
    """Fold the histories of tickets created in a window as they were promised, and under other service levels."""
    with runner.reading() as unit:
        runner.refresh(unit)
        promises = runner.rules.promises
        tried = [_tried(one, promises, runner.rules.lifecycle) for one in levels]
        tickets: list[str] = []
        query = TicketQuery(created_from=since, created_until=until, limit=MAX_PAGE)
        while True:
            page = unit.find(query)
            tickets += [ticket.id for ticket in page.items]
            if page.next is None:
                break
            query = attrs.evolve(query, cursor=page.next)
        count = len(tickets)
        return compare(
            _Recorded(unit, promises, at, tickets),
            promises.rules,
            tried,
            at,
            as_recorded=True,
            limit=limit,
            progress=None if progress is None else (lambda done: progress(done, count)),
        )
