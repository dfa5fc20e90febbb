"""Attainment: how many promises were kept, by metric and by what the tickets were. Pure counting of clocks."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import attrs

from supportkit.clock import to_utc
from supportkit.model.ticket import Priority
from supportkit.sla.clocks import Clock, evaluate
from supportkit.sla.facts import ChannelSet, Created, Fact, PrioritySet, TierEntered
from supportkit.sla.history import counted
from supportkit.sla.rules import Rules
from supportkit.sla.terms import LIVE, Metric, Verdict

Dimension = Literal["channel", "priority", "tier"]
DIMENSIONS: tuple[Dimension, ...] = ("channel", "priority", "tier")


@attrs.frozen(kw_only=True)
class Attainment:
    """How many promises were kept.

    Attributes:
        met: Clocks with the verdict MET.
        breached: Clocks with the verdict BREACHED; an open one that is late is one of them.
        open: Clocks that still wait and are not late.
    """

    met: int = 0
    breached: int = 0
    open: int = 0

    @property
    def judged(self) -> int:
        """How many have a verdict."""
        return self.met + self.breached

    @property
    def rate(self) -> float | None:
        """Met / (met + breached); `None` while nothing is judged."""
        return self.met / self.judged if self.judged else None

    def __add__(self, other: Attainment) -> Attainment:
        return Attainment(
            met=self.met + other.met, breached=self.breached + other.breached, open=self.open + other.open
        )


class Cell(NamedTuple):
    """What a promise is counted under: its metric, and what the ticket was when the clock started."""

    metric: Metric
    channel: str
    priority: Priority
    tier: int


@attrs.frozen(kw_only=True)
class Attainments:
    """The promises of many tickets.

    Attributes:
        cells: The counts by cell, in the order of the metrics, then of channel, priority and tier.
    """

    cells: tuple[tuple[Cell, Attainment], ...] = ()

    def totals(self) -> dict[Metric, Attainment]:
        """Return the counts of each metric."""
        return {metric: counts for (metric, _none), counts in self._sums(lambda _cell: None).items()}

    def by(self, dimension: Dimension) -> dict[tuple[Metric, str | Priority | int], Attainment]:
        """Return the counts by metric and one of channel, priority and tier."""
        found = self._sums(lambda cell: getattr(cell, dimension))
        return dict(sorted(found.items(), key=lambda item: (_ORDER[item[0][0]], item[0][1])))

    def _sums(self, part: Callable[[Cell], Any]) -> dict[tuple[Metric, Any], Attainment]:
        sums: defaultdict[tuple[Metric, Any], Attainment] = defaultdict(Attainment)
        for cell, counts in self.cells:
            sums[cell.metric, part(cell)] += counts
        return dict(sums)


_ORDER = {metric: number for number, metric in enumerate(Metric)}


class Counting:
    """Adds up clocks, ticket by ticket, and keeps none of them."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counts: defaultdict[Cell, list[int]] = defaultdict(lambda: [0, 0, 0])

    def add(self, cell: Cell, clock: Clock) -> None:
        """Count a clock that `is_promised`."""
        place = {Verdict.MET: 0, Verdict.BREACHED: 1, None: 2}[clock.verdict]
        self._counts[cell][place] += 1

    def done(self) -> Attainments:
        """Return what was counted."""
        cells = sorted(self._counts.items(), key=lambda item: (_ORDER[item[0].metric], item[0][1:]))
        return Attainments(
            cells=tuple(
                (cell, Attainment(met=met, breached=late, open=waiting)) for cell, (met, late, waiting) in cells
            )
        )


def attainment(
    histories: Mapping[str, Sequence[Fact]],
    rules: Rules,
    at: dt.datetime | str,
    *,
    metrics: Iterable[Metric] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Attainments:
    """Return how many promises of *histories* were kept by the policies that they name.

    A clock is counted in the cell of its ticket's channel, priority and tier as they were when the clock started,
    after all that happened at that instant. Without a target or a deadline it is not counted, and neither is one that
    ended without a verdict: merged, cancelled or moved before it was late.

    Args:
        histories: Facts by ticket id; a merged ticket's history stands here under its own id.
        rules: The policies and calendars that the histories name.
        at: The instant at which the promises are judged; only what had happened by then counts.
        metrics: Which metrics are counted; all of them by default.
        progress: Called after each ticket with how many are done.
    """
    now = to_utc(at, "at")
    wanted = frozenset(Metric if metrics is None else metrics)
    counting = Counting()
    for number, facts in enumerate(histories.values(), 1):
        for cell, clock in promised(facts, rules, now, wanted, histories):
            counting.add(cell, clock)
        if progress is not None:
            progress(number)
    return counting.done()


def promised(
    facts: Sequence[Fact],
    rules: Rules,
    at: dt.datetime,
    metrics: frozenset[Metric],
    others: Mapping[str, Sequence[Fact]],
) -> Iterator[tuple[Cell, Clock]]:
    """Yield the clocks of one ticket that are counted, each with its cell."""
    clocks = evaluate(facts, rules, None, at, categories={}, others=others).clocks
    found = [clock for clock in clocks if clock.metric in metrics and is_promised(clock)]
    if found:
        course = _course(facts, at)
        for clock in found:
            yield _cell(clock, course), clock


def is_promised(clock: Clock) -> bool:
    """Tell whether something was promised and is kept, broken or still open."""
    if clock.verdict is not None:
        return True
    return clock.status in LIVE and (clock.target is not None or clock.deadline is not None)


Course = Sequence[tuple[dt.datetime, tuple[str, Priority, int]]]
"""What a ticket was from each instant on: channel, priority, tier."""


def _course(facts: Sequence[Fact], at: dt.datetime) -> Course:
    course: list[tuple[dt.datetime, tuple[str, Priority, int]]] = []
    channel, priority, tier = "", Priority.NORMAL, 1
    created: dt.datetime | None = None
    for fact in counted(facts, at):
        match fact:
            case Created():
                created = fact.occurred_at
                channel, priority, tier = fact.channel, fact.priority, fact.tier
            case ChannelSet():
                channel = fact.channel
            case PrioritySet():
                priority = fact.priority
            case TierEntered():
                tier = fact.tier
            case _:
                continue
        # What is from before the creation takes effect at it, for clocks too.
        course.append((max(fact.occurred_at, created or fact.occurred_at), (channel, priority, tier)))
    return course


def _cell(clock: Clock, course: Course) -> Cell:
    last = bisect_right(course, clock.started_at, key=lambda item: item[0])
    channel, priority, tier = course[max(last, 1) - 1][1]
    if clock.metric is Metric.TIER:
        tier = int(clock.subject)  # its visit may have ended at the very instant at which it began
    return Cell(clock.metric, channel, priority, tier)
