"""Work time: handle time from work logs, and the shares of paid time. Times are `timedelta`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import attrs

from supportkit.measures.checks import not_negative, positive
from supportkit.measures.results import Cohort, MetricResult

NOTHING = dt.timedelta(0)
LOW_COVERAGE = 0.8
ARRIVED = Cohort(basis="instant")


@attrs.frozen
class WorkInterval:
    """A stretch of work of one agent on one ticket.

    Raises:
        ValueError: It ends before it begins.
    """

    agent: str
    start: dt.datetime
    end: dt.datetime

    def __attrs_post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"work of {self.agent} ends at {self.end.isoformat()}, before {self.start.isoformat()}")


def handle_time(worklog: Iterable[WorkInterval]) -> dt.timedelta | None:
    """Return the union of the intervals of each agent, summed over agents; `None` without a log, never 0."""
    by_agent: dict[str, list[WorkInterval]] = {}
    for interval in worklog:
        by_agent.setdefault(interval.agent, []).append(interval)
    if not by_agent:
        return None
    worked = NOTHING
    for intervals in by_agent.values():
        intervals.sort(key=lambda interval: interval.start)
        until = intervals[0].start
        for interval in intervals:
            worked += max(interval.end - max(interval.start, until), NOTHING)
            until = max(until, interval.end)
    return worked


def average_handle_time(worklogs: Iterable[Sequence[WorkInterval]], *, cohort: Cohort = ARRIVED) -> MetricResult:
    """Return `aht`: handle time / tickets with a log. Those without one are counted as `no_log`.

    Logs for under 80 % of the tickets add the warning `low_coverage`.
    """
    times = [handle_time(worklog) for worklog in worklogs]
    known = [time for time in times if time is not None]
    whole = sum(known, NOTHING)
    warnings = {"no_data"} if not known else set()
    if times and len(known) / len(times) < LOW_COVERAGE:
        warnings.add("low_coverage")
    return MetricResult(
        value=whole / len(known) if known else None,
        numerator=whole.total_seconds(),
        denominator=len(known),
        n=len(known),
        definition="aht/1",
        cohort=cohort.leaving_out({"no_log": len(times) - len(known)}) if len(known) < len(times) else cohort,
        warnings=warnings,
    )


def _share(part: dt.timedelta, whole: dt.timedelta, definition: str, cohort: Cohort) -> MetricResult:
    if part < NOTHING or part > whole:
        raise ValueError(f"the numerator of {definition} must be part of its denominator: {part} of {whole}")
    return MetricResult(
        value=part / whole if whole else None,
        numerator=part.total_seconds(),
        denominator=whole.total_seconds(),
        n=1 if whole else 0,
        definition=definition,
        cohort=cohort,
        warnings=() if whole else ("no_data",),
    )


def _time(value: dt.timedelta, name: str) -> dt.timedelta:
    if not isinstance(value, dt.timedelta) or value < NOTHING:
        raise ValueError(f"{name} must be a duration of at least nothing, not {value!r}")
    return value


def occupancy(handling: dt.timedelta, available: dt.timedelta, *, cohort: Cohort = ARRIVED) -> MetricResult:
    """Return `occupancy`: handling / (handling + available); 6 of 8 h are 75 %."""
    busy = _time(handling, "handling")
    return _share(busy, busy + _time(available, "available"), "occupancy/1", cohort)


def utilisation(handling_and_available: dt.timedelta, paid: dt.timedelta, *, cohort: Cohort = ARRIVED) -> MetricResult:
    """Return `utilisation`: (handling + available) / paid; 7.5 of 9 h are 83.3 %. Never a synonym of occupancy."""
    return _share(_time(handling_and_available, "handling and available"), _time(paid, "paid"), "utilisation/1", cohort)


def shrinkage_rate(scheduled: dt.timedelta, available: dt.timedelta, *, cohort: Cohort = ARRIVED) -> MetricResult:
    """Return `shrinkage`: (scheduled - available) / scheduled."""
    whole = _time(scheduled, "scheduled")
    return _share(whole - _time(available, "available"), whole, "shrinkage/1", cohort)


def attrition(left: int, average_headcount: float, *, cohort: Cohort = ARRIVED) -> MetricResult:
    """Return `attrition`: people who left / average headcount. It may pass 1 in a year of much coming and going."""
    gone, people = not_negative(left, "left"), not_negative(average_headcount, "average_headcount")
    if gone and not people:
        positive(people, "average_headcount")
    return MetricResult(
        value=float(gone / people) if people else None,
        numerator=float(gone),
        denominator=float(people),
        n=round(people),
        definition="attrition/1",
        cohort=cohort,
        warnings=() if people else ("no_data",),
    )
