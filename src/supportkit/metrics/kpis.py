"""`measure`: every KPI of a table of tickets in a period; overall, by channel, topic, support line and agent."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import attrs

from supportkit.measures.results import MetricResult, per_person
from supportkit.metrics.coverage import Coverage
from supportkit.metrics.kpi_rates import coverage, escalated_share, outcomes, promises, rates
from supportkit.metrics.kpi_stocks import (
    Point,
    agent_rows,
    channel_rows,
    series,
    share,
    stocks,
    topic_rows,
)
from supportkit.metrics.kpi_times import first_replies, resolution_times, times
from supportkit.metrics.period import Period, Step
from supportkit.metrics.selection import Repeats, Selection
from supportkit.metrics.table import REASONS, FlowTable
from supportkit.metrics.waits import wait_quantile

Dimension = Literal["channel", "topic", "agent"]
TOP = 20
"""How many topics have a row of their own."""
OTHERS = "*"
"""The name of the row that has all other topics together."""


@attrs.frozen(kw_only=True)
class Group:
    """The numbers of a part of the tickets.

    Attributes:
        dimension: What it is a part by.
        name: Which part; ``""`` are tickets without a topic, `*` the tail of rare topics together.
        results: Its numbers, with the definitions that the whole has.
        endings: How its tickets ended, as pairs of closing reason and count, the most frequent first.
    """

    dimension: Dimension
    name: str
    results: tuple[MetricResult, ...]
    endings: tuple[tuple[str, int], ...] = ()

    def get(self, definition: str) -> MetricResult | None:
        """Return a result by its id, with or without the version."""
        return _get(self.results, definition)


@attrs.frozen(kw_only=True)
class Kpis:
    """Everything that is measured of a period.

    Attributes:
        period: Which one.
        now: The instant of the measurement.
        tickets: How many tickets were looked at, those that the filter left out too.
        results: The numbers of the whole.
        groups: Those of its parts: channels and topics by size, agents by name.
        step: Into what the period is cut for charts.
        series: The stretches.
        coverage: How the contacts lie by the customers' own clocks; `None` where the hours of the desk are not known.
    """

    period: Period
    now: dt.datetime
    tickets: int
    results: tuple[MetricResult, ...]
    groups: tuple[Group, ...]
    step: Step
    series: tuple[Point, ...]
    coverage: Coverage | None = None

    def get(self, definition: str) -> MetricResult | None:
        """Return a result of the whole by its id, with or without the version."""
        return _get(self.results, definition)

    def __getitem__(self, definition: str) -> MetricResult:
        found = self.get(definition)
        if found is None:
            raise KeyError(definition)
        return found

    def by(self, dimension: Dimension) -> tuple[Group, ...]:
        """Return the parts of one dimension."""
        return tuple(group for group in self.groups if group.dimension == dimension)


def _get(results: Sequence[MetricResult], definition: str) -> MetricResult | None:
    wanted = definition if "/" in definition else f"{definition}/1"
    return next((result for result in results if result.definition == wanted), None)


def measure(
    table: FlowTable,
    period: Period = Period(),  # noqa: B008 - a frozen value
    *,
    is_open: Callable[[dt.datetime], bool] | None = None,
    top: int = TOP,
) -> Kpis:
    """Compute every KPI of a period.

    Args:
        table: The tickets.
        period: From when to when; everything by default.
        is_open: Whether the desk is open at an instant, for coverage.
        top: How many topics get a row; the others are one row.
    """
    selection = Selection(table, period)
    repeats = Repeats.of(selection)
    found = [*stocks(selection), *promises(selection), *rates(selection, repeats)]
    for mode in table.modes:
        found += times(selection, mode)
    hours = None if is_open is None else coverage(selection, is_open)
    if hours is not None:
        found += [hours.outside_desk_hours, hours.local_day_unserved]
    step, points = series(selection)
    return Kpis(
        period=period,
        now=table.now,
        tickets=len(table),
        results=_known(table, found),
        groups=tuple(_groups(selection, repeats, top)),
        step=step,
        series=points,
        coverage=hours,
    )


_ABOUT_REPLIES = ("first_reply.", "next_reply.", "open_next_reply.", "fcr.", "one_touch", "replies.")


def _known(table: FlowTable, results: Iterable[MetricResult]) -> tuple[MetricResult, ...]:
    """Return what can be known: of a log without messages nothing about replies, not even that there were none."""
    return tuple(one for one in results if table.has_replies or not one.definition.startswith(_ABOUT_REPLIES))


def _groups(selection: Selection, repeats: Repeats, top: int) -> Iterator[Group]:
    for name, rows in _by_size(channel_rows(selection)):
        yield _group("channel", name, selection, rows, repeats, share(selection, rows, "channel"))
    topics, overlapping = topic_rows(selection)
    several = _by_size(topics)
    rare = {row for _name, rows in several[top:] for row in rows}
    for name, rows in [*several[:top], *([(OTHERS, sorted(rare))] if rare else [])]:
        part = share(selection, rows, "topic", overlapping=overlapping)
        yield _group("topic", name, selection, rows, repeats, part)
    for name, rows in sorted(agent_rows(selection).items()):  # by name: people are never ranked
        group = _group("agent", name, selection, rows, repeats, None)
        yield attrs.evolve(group, results=tuple(per_person(result) for result in group.results))


def _by_size(parts: dict[str, list[int]]) -> list[tuple[str, list[int]]]:
    return sorted(parts.items(), key=lambda item: (-len(item[1]), item[0]))


def _group(
    dimension: Dimension,
    name: str,
    selection: Selection,
    rows: Sequence[int],
    repeats: Repeats,
    part: MetricResult | None,
) -> Group:
    some = selection.narrowed(rows)
    waits, created = first_replies(some, "calendar"), some.cohort("created")
    results = [
        *([] if part is None else [part]),
        *(wait_quantile(waits, q, metric="first_reply.calendar", cohort=created) for q in (0.5, 0.9)),
        *outcomes(some, repeats),
        escalated_share(some),
        *promises(some),
        *(one for one in resolution_times(some, "calendar") if one.definition.endswith((".median/1", ".p90/1"))),
    ]
    return Group(dimension=dimension, name=name, results=_known(selection.table, results), endings=_endings(some))


def _endings(selection: Selection) -> tuple[tuple[str, int], ...]:
    reasons = selection.table.column("reason")
    counts = Counter(str(REASONS[reasons[row]] or "open") for row in selection.by("created"))
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
