"""Waits of many tickets: medians and percentiles that count the unanswered, and the share within a limit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from supportkit.measures.bootstrap import bootstrap
from supportkit.measures.proportions import proportion
from supportkit.measures.quantiles import min_n_for_quantile, percentile
from supportkit.measures.results import Cohort, Interval, MetricResult, codes_for
from supportkit.metrics.survival import Observation, km_quantile

Waits = Sequence[Observation[dt.timedelta]]


def _place(q: float) -> str:
    return "median" if q == 0.5 else f"p{q * 100:g}".replace(".", "_")  # noqa: PLR2004 - the median


def wait_quantile(
    waits: Waits,
    q: float,
    *,
    metric: str,
    cohort: Cohort,
    confidence: float = 0.95,
    resamples: int = 0,
) -> MetricResult:
    """Return `<metric>.<median or p..>`: the Kaplan-Meier quantile, `None` where too many still wait.

    Args:
        waits: Ended and open ones.
        q: 0.5 for the median, 0.9 for the 90th percentile.
        metric: What is waited for, with the mode: `first_reply.calendar`.
        cohort: The tickets.
        confidence: Of the bootstrap interval.
        resamples: How many resamples; by default no interval is made.

    Raises:
        ValueError: *q* is not within 0..1, or a wait is negative.
    """
    interval = bootstrap(
        waits, lambda drawn: _seconds(km_quantile(drawn, q)), confidence=confidence, resamples=resamples
    )
    value = km_quantile(waits, q)
    return _quantile(value, len(waits), q, f"{metric}.{_place(q)}/1", cohort, interval)


def duration_quantile(
    durations: Iterable[dt.timedelta],
    q: float,
    *,
    metric: str,
    cohort: Cohort,
    confidence: float = 0.95,
    resamples: int = 0,
) -> MetricResult:
    """Return `<metric>.<median or p..>` of durations that have all ended; otherwise as `wait_quantile`."""
    ended = list(durations)
    interval = bootstrap(
        ended, lambda drawn: _seconds(percentile(drawn, q)), confidence=confidence, resamples=resamples
    )
    return _quantile(percentile(ended, q), len(ended), q, f"{metric}.{_place(q)}/1", cohort, interval)


def _seconds(value: dt.timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()


def _quantile(
    value: dt.timedelta | None, n: int, q: float, definition: str, cohort: Cohort, seconds: Interval | None
) -> MetricResult:
    warnings = codes_for(n, None, cohort)
    if 0 < q < 1 and 0 < n < min_n_for_quantile(q):
        warnings.add("quantile_sample_too_small")
    interval = None
    if seconds is not None:
        low, high = (
            dt.timedelta(seconds=limit) if isinstance(limit, int | float) else None
            for limit in (seconds.low, seconds.high)
        )
        interval = Interval(low=low, high=high, confidence=seconds.confidence, method=seconds.method)
    return MetricResult(value=value, n=n, definition=definition, cohort=cohort, interval=interval, warnings=warnings)


def share_within(
    waits: Waits, limit: dt.timedelta, *, metric: str, cohort: Cohort, confidence: float = 0.95
) -> MetricResult:
    """Return `<metric>.within`: waits that ended within *limit* / waits of which that is known.

    A wait that is still open after less than *limit* may end either way; it is counted as `undetermined`. Against a
    target of 0.5 this decides whether the median keeps the limit.

    Raises:
        ValueError: *limit* is negative.
    """
    if limit < dt.timedelta(0):
        raise ValueError(f"a limit must not be negative, and is {limit}")
    known = [wait for wait in waits if wait.observed or wait.time >= limit]
    good = sum(wait.observed and wait.time <= limit for wait in known)
    unknown = len(waits) - len(known)
    where = cohort.leaving_out({"undetermined": unknown}) if unknown else cohort
    return proportion(good, len(known), definition=f"{metric}.within/1", cohort=where, confidence=confidence)
