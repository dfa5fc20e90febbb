"""How long things take: waits, resolutions and stays in support lines, over a selection of tickets."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from supportkit.measures.results import Cohort, MetricResult, codes_for
from supportkit.metrics.selection import Selection
from supportkit.metrics.survival import Observation
from supportkit.metrics.table import NONE, REPLIED, Mode, span_of
from supportkit.metrics.waits import duration_quantile, share_within, wait_quantile

Waits = list[Observation[dt.timedelta]]
MEDIAN, P90 = 0.5, 0.9


def times(selection: Selection, mode: Mode) -> Iterator[MetricResult]:
    """Yield every duration of a mode."""
    created = selection.cohort("created")
    for q in (MEDIAN, P90):
        yield wait_quantile(first_replies(selection, mode), q, metric=f"first_reply.{mode}", cohort=created)
    following, still_open = _next_replies(selection, mode)
    for q in (MEDIAN, P90):
        yield wait_quantile(following, q, metric=f"next_reply.{mode}", cohort=created)
    yield from _described(f"open_next_reply.{mode}", still_open, created)
    rows = selection.by("created")
    for name in ("requester_wait", "agent_wait", "on_hold"):
        spans = selection.durations(name, mode)
        yield from _described(f"{name}.{mode}", [span_of(spans[row]) for row in rows], created)
    yield from resolution_times(selection, mode)
    yield from _tier_times(selection, mode, created)


def resolution_times(selection: Selection, mode: Mode) -> Iterator[MetricResult]:
    """Yield creation to first and last resolution, and the Kaplan-Meier median that counts what is still open."""
    for name, basis in (("first_resolution", "first_resolved"), ("full_resolution", "resolved")):
        spans = selection.durations(name, mode)
        rows = selection.by(basis)  # type: ignore[arg-type]  # mypy forgets the literals of the pairs
        ended = [span_of(spans[row]) for row in rows if spans[row] != NONE]
        yield from _described(f"{name}.{mode}", ended, selection.cohort(basis))  # type: ignore[arg-type]
    if mode == "calendar":
        created = selection.cohort("created")
        yield wait_quantile(_resolutions(selection), MEDIAN, metric="first_resolution.calendar.km", cohort=created)


def first_replies(selection: Selection, mode: Mode) -> Waits:
    """Return the wait for the first reply of each ticket; without one it lasts until the resolution, or now."""
    waits, flags = selection.durations("reply", mode), selection.table.column("flags")
    return [Observation(span_of(waits[row]), observed=bool(flags[row] & REPLIED)) for row in selection.by("created")]


def reply_within(selection: Selection, limit: dt.timedelta, mode: Mode) -> MetricResult:
    """Return `first_reply.<mode>.within`: the share of first replies within *limit*."""
    cohort = selection.cohort("created")
    return share_within(first_replies(selection, mode), limit, metric=f"first_reply.{mode}", cohort=cohort)


def _next_replies(selection: Selection, mode: Mode) -> tuple[Waits, list[dt.timedelta]]:
    rows = selection.by("created")
    chosen = set(rows)
    answered = (wait for row, wait in selection.table.next_replies(mode) if row in chosen)
    waits = [Observation(span_of(wait), observed=True) for wait in answered]
    ages = selection.durations("open_next", mode)
    still_open = [span_of(ages[row]) for row in rows if ages[row] != NONE]
    return waits + [Observation(age, observed=False) for age in still_open], still_open


def _resolutions(selection: Selection) -> Waits:
    ends, now = selection.durations("first_resolution", "calendar"), selection.now
    found = []
    for row in selection.by("created"):
        if ends[row] != NONE:
            found.append(Observation(span_of(ends[row]), observed=True))
        else:
            created = selection.instant("created", row)
            found.append(Observation(now - (created or now), observed=False))
    return found


def _tier_times(selection: Selection, mode: Mode, cohort: Cohort) -> Iterator[MetricResult]:
    chosen = set(selection.by("created"))
    lengths: defaultdict[int, list[dt.timedelta]] = defaultdict(list)
    for row, tier, length in selection.table.visits(mode):
        if row in chosen:
            lengths[tier].append(span_of(length))
    last = selection.table.column("last_tier")
    open_visits = [last[row] for row in chosen]
    for tier in sorted({*lengths, *open_visits}):
        still = open_visits.count(tier)
        where = cohort.leaving_out({"open": still}) if still else cohort
        yield from _described(f"tier_time.tier_{tier}.{mode}", lengths[tier], where)


def _described(metric: str, spans: Sequence[dt.timedelta], cohort: Cohort) -> Iterator[MetricResult]:
    for q in (MEDIAN, P90):
        yield duration_quantile(spans, q, metric=metric, cohort=cohort)
    yield from sum_and_mean(metric, spans, cohort)


def sum_and_mean(metric: str, spans: Iterable[dt.timedelta], cohort: Cohort) -> Iterator[MetricResult]:
    """Yield `<metric>.mean` and `<metric>.sum` of durations."""
    known = list(spans)
    total, n = sum(known, dt.timedelta(0)), len(known)
    warnings = codes_for(n, None, cohort)
    seconds = total.total_seconds()
    yield MetricResult(
        value=total / n if n else None,
        numerator=seconds,
        denominator=n,
        n=n,
        definition=f"{metric}.mean/1",
        cohort=cohort,
        warnings=warnings,
    )
    yield MetricResult(
        value=total if n else None,
        numerator=seconds,
        n=n,
        definition=f"{metric}.sum/1",
        cohort=cohort,
        warnings=warnings,
    )
