"""How much there is: backlog and its age, volumes, shares, and all of it over time."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import attrs

from supportkit.clock import from_us, to_us
from supportkit.measures.proportions import proportion
from supportkit.measures.results import Basis, MetricResult, codes_for
from supportkit.metrics.backlog import Lifespan, backlog_ages
from supportkit.metrics.period import Step, is_whole
from supportkit.metrics.selection import Selection, topics_of
from supportkit.metrics.waits import duration_quantile

UNTAGGED = ""
"""The topic of tickets without one."""


@attrs.frozen(kw_only=True)
class Point:
    """A stretch of a chart.

    Attributes:
        start: When it begins.
        end: The first instant after it.
        created: Tickets created in it.
        resolved: Changes to done in it.
        reopened: Reopenings in it.
        backlog: Tickets that are not done at its end.
        met: Promises of each clock that were due in it and kept.
        judged: Of how many.
        whole: Whether it is a whole day, week or month; the ends of a period may cut one.
    """

    start: dt.datetime
    end: dt.datetime
    created: int
    resolved: int
    reopened: int
    backlog: int
    met: tuple[tuple[str, int], ...]
    judged: tuple[tuple[str, int], ...]
    whole: bool = True


def stocks(selection: Selection) -> Iterator[MetricResult]:
    """Yield backlog and volumes."""
    yield from backlog(selection, selection.end)
    yield _count(selection, "volume", "arrival", len(selection.by("arrival")))
    yield _count(selection, "tickets.created", "created", len(selection.by("created")))
    inside = selection.inside()
    spells = [one for _row, several in selection.resolutions() for one in several]
    resolved = sum(inside(to_us(one.resolved_at)) for one in spells)
    yield _count(selection, "tickets.resolutions", "resolved", resolved)
    reopened = sum(one.reopened_at is not None and inside(to_us(one.reopened_at)) for one in spells)
    yield _count(selection, "tickets.reopenings", "resolved", reopened)


def _count(selection: Selection, name: str, basis: Basis, n: int) -> MetricResult:
    cohort = selection.cohort(basis)
    warnings = codes_for(n, None, cohort) - {"indicative", "no_data"}  # a count is no sample, and 0 is one
    return MetricResult(value=n, numerator=n, n=n, definition=f"{name}/1", cohort=cohort, warnings=warnings)


def backlog(selection: Selection, at: dt.datetime) -> Iterator[MetricResult]:
    """Yield what is not done at an instant: how many, and how old."""
    spans = [
        Lifespan(created_at=born, resolutions=several)
        for row, several in selection.resolutions()
        if (born := selection.instant("created", row)) is not None
    ]
    cohort = attrs.evolve(selection.cohort("instant"), start=at, end=None)
    for name, since in (("backlog.age", False), ("backlog.age.since_reopening", True)):
        ages = backlog_ages(spans, at=at, since_reopening=since)
        if name == "backlog.age":
            yield MetricResult(value=len(ages), numerator=len(ages), n=len(ages), definition="backlog.count/1",
                               cohort=cohort)  # fmt: skip
        for q in (0.5, 0.9):
            yield duration_quantile(ages, q, metric=name, cohort=cohort)
        yield MetricResult(value=ages[-1] if ages else None, n=len(ages), definition=f"{name}.max/1", cohort=cohort,
                           warnings=() if ages else ("no_data",))  # fmt: skip


def channel_rows(selection: Selection) -> dict[str, list[int]]:
    """Return the tickets by the channel in which they began."""
    names, column = selection.table.names("channel"), selection.table.column("channel")
    found: defaultdict[str, list[int]] = defaultdict(list)
    for row in selection.rows:
        found[str(names[column[row]])].append(row)
    return dict(found)


def topic_rows(selection: Selection) -> tuple[dict[str, list[int]], bool]:
    """Return the tickets by topic, and whether a ticket has several; those without one have the topic ``""``."""
    column, names = selection.table.column("topics"), selection.table.names("topics")
    found: defaultdict[str, list[int]] = defaultdict(list)
    several = False
    for row in selection.rows:
        topics = topics_of(names[column[row]])
        several = several or len(topics) > 1
        for topic in topics or (UNTAGGED,):
            found[topic].append(row)
    return dict(found), several


def agent_rows(selection: Selection) -> dict[str, list[int]]:
    """Return the tickets of each agent; those that nobody has are left out."""
    names, column = selection.table.names("agent"), selection.table.column("agent")
    found: defaultdict[str, list[int]] = defaultdict(list)
    for row in selection.rows:
        if (name := names[column[row]]) is not None:
            found[str(name)].append(row)
    return dict(found)


def share(selection: Selection, part: Sequence[int], name: str, *, overlapping: bool = False) -> MetricResult:
    """Return `<name>.share` of some tickets: their contacts / all contacts; of tickets where nobody wrote."""
    basis: Basis = "arrival" if selection.by("arrival") else "created"
    whole = selection.by(basis)
    k = len(set(whole) & set(part))
    warnings = ("shares_exceed_100",) if overlapping else ()
    cohort = selection.cohort(basis)
    return proportion(k, len(whole), definition=f"{name}.share/1", cohort=cohort, warnings=warnings)


def series(selection: Selection) -> tuple[Step, tuple[Point, ...]]:
    """Return the period cut into days, weeks or months."""
    created = sorted(selection.table.column("created")[row] for row in selection.rows)
    first = from_us(created[0]) if created else selection.end
    step, borders = selection.period.steps(min(first, selection.end), selection.now)
    edges = [to_us(border) for border in borders]
    spells = [one for _row, several in selection.resolutions() for one in several]
    resolved = sorted(to_us(one.resolved_at) for one in spells)
    reopened = sorted(to_us(one.reopened_at) for one in spells if one.reopened_at is not None)
    met, judged = _verdicts(selection, edges)
    return step, tuple(
        Point(
            start=from_us(start),
            end=from_us(end),
            created=_between(created, start, end),
            resolved=_between(resolved, start, end),
            reopened=_between(reopened, start, end),
            # backlog(t) = created - resolved + reopened up to and with t
            backlog=bisect_right(created, end) - bisect_right(resolved, end) + bisect_right(reopened, end),
            met=tuple(sorted(met[number].items())),
            judged=tuple(sorted(judged[number].items())),
            whole=is_whole(from_us(start), from_us(end), step),
        )
        for number, (start, end) in enumerate(pairwise(edges))
    )


def _between(instants: Sequence[int], start: int, end: int) -> int:
    return bisect_left(instants, end) - bisect_left(instants, start)


def _verdicts(selection: Selection, edges: Sequence[int]) -> tuple[list[Counter[str]], list[Counter[str]]]:
    met, judged = ([Counter[str]() for _edge in edges] for _side in range(2))
    for _row, clock, due, verdict in selection.clocks():
        place = bisect_right(edges, due) - 1
        if verdict != "running" and 0 <= place < len(edges) - 1:
            judged[place][clock] += 1
            met[place][clock] += verdict == "met"
    return met, judged
