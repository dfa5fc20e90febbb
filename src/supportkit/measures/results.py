"""What a measure returns: a value that cannot be read without its definition, its n, its interval and its cohort."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from supportkit.clock import to_utc
from supportkit.measures.checks import count, inner_share

Value = float | dt.timedelta
"""A number (`int` included) or a duration."""

Basis = Literal["created", "first_resolved", "resolved", "deadline", "sent", "answered", "arrival", "instant"]
"""By which date a unit belongs to a period; a ratio never mixes two."""

WARNINGS = frozenset({
    "no_data", "hidden_small_n", "indicative", "wide_interval", "low_response", "low_coverage",
    "quantile_sample_too_small", "open_period", "short_baseline", "small_expected_count", "flagged_answers",
    "unknown_zone", "shares_exceed_100", "mixed_languages", "span_infeasible",
})  # fmt: skip
"""Every warning code that a result may carry."""

INDICATIVE_BELOW = 30
HIDDEN_BELOW = 10
WIDE_HALF_WIDTH = 0.10
LOW_RESPONSE_BELOW = 0.10

_DEFINITION = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*/[1-9][0-9]*")


@attrs.frozen(kw_only=True)
class Interval:
    """Where the value behind the sample may lie.

    Attributes:
        low: The lower limit, in the unit of the value; `None`: unbounded.
        high: The upper limit.
        confidence: For example 0.95, two-sided.
        method: How it was made, for example `wilson`.
    """

    low: Value | None
    high: Value | None
    confidence: float
    method: str

    @property
    def half_width(self) -> float | None:
        """Half of the width; `None` for durations and unbounded intervals."""
        if not isinstance(self.low, int | float) or not isinstance(self.high, int | float):
            return None
        return (self.high - self.low) / 2


def _instant(value: dt.datetime | None) -> dt.datetime | None:
    if value is None:
        return None
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise ValueError(f"the instants of a cohort are aware datetimes, not {value!r}")
    return to_utc(value, "instant of a cohort")


def _counts(value: Mapping[str, int] | Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    pairs = value.items() if isinstance(value, Mapping) else value
    return tuple(sorted((reason, count(n, f"excluded {reason!r}")) for reason, n in pairs))


@attrs.frozen(kw_only=True)
class Cohort:
    """Which units a value is about. A bare list of answers is a cohort without a period.

    Attributes:
        basis: The date that decides to which period a unit belongs.
        start: The first instant of the period, which is half-open; `None`: no limit.
        end: The first instant after it.
        now: The instant of the report.
        zone: IANA zone in which the borders of the period were built.
        filter: Id of the filter that left units out.
        excluded: What was left out, as pairs of reason and count (a mapping may be given): `blank`, `immature` ...
    """

    basis: Basis
    start: dt.datetime | None = attrs.field(default=None, converter=_instant)
    end: dt.datetime | None = attrs.field(default=None, converter=_instant)
    now: dt.datetime | None = attrs.field(default=None, converter=_instant)
    zone: str = "UTC"
    filter: str = "none/1"
    excluded: tuple[tuple[str, int], ...] = attrs.field(default=(), converter=_counts)

    def __attrs_post_init__(self) -> None:
        if self.basis not in get_args(Basis):
            raise ValueError(f"the basis of a cohort is one of {', '.join(get_args(Basis))}, not {self.basis!r}")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError(f"the cohort ends at {self.end.isoformat()}, before its start {self.start.isoformat()}")

    @classmethod
    def of_days(cls, basis: Basis, first: dt.date, last: dt.date, *, zone: str, now: dt.datetime) -> Self:
        """Return the cohort of whole calendar days, *first* to *last*, as they begin and end in an IANA zone.

        Raises:
            ValueError: *zone* is no IANA zone, or *last* lies before *first*.
        """
        try:
            where = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
            raise ValueError(f"{zone!r} is no IANA time zone") from None
        if last < first:
            raise ValueError(f"a period cannot end on {last}, before it begins on {first}")
        start, end = (
            dt.datetime.combine(day, dt.time(0), tzinfo=where) for day in (first, last + dt.timedelta(days=1))
        )
        return cls(basis=basis, start=start, end=end, now=now, zone=zone)

    def has(self, instant: dt.datetime) -> bool:
        """Tell whether *instant* lies in the period `[start, end)`."""
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)

    @property
    def is_open(self) -> bool:
        """Whether the period has not ended yet."""
        return self.end is not None and self.now is not None and self.end > self.now

    def left_out(self, reason: str) -> int:
        """Return how many units were left out for *reason*."""
        return dict(self.excluded).get(reason, 0)

    def leaving_out(self, reasons: Mapping[str, int]) -> Cohort:
        """Return the cohort with these counts added."""
        counts = dict(self.excluded)
        for reason, n in reasons.items():
            counts[reason] = counts.get(reason, 0) + n
        return attrs.evolve(self, excluded=counts)


def _codes(value: Iterable[str]) -> tuple[str, ...]:
    codes = tuple(sorted(set(value)))
    if unknown := [code for code in codes if code not in WARNINGS]:
        raise ValueError(f"unknown warning {unknown[0]!r}; the codes are {', '.join(sorted(WARNINGS))}")
    return codes


@attrs.frozen(kw_only=True)
class MetricResult:
    """One measured value with all that is needed to defend it. Missing data is `None`, never 0.

    Attributes:
        value: The value, never rounded: proportions 0..1, NPS -100..100, CSI and ACSI 0..100, durations.
        numerator: What was divided (NPS: promoters - detractors); `None` where nothing is divided, as in a median.
        denominator: By what it was divided.
        n: Units the value rests on.
        definition: Id of the exact definition with its version, for example `csat.top2_of_5/1`.
        cohort: Which units were counted, and what was left out.
        interval: Where the true value may lie; `None` where there is none.
        warnings: Codes of `WARNINGS`, sorted, each once.
    """

    value: Value | None
    numerator: float | None = None
    denominator: float | None = None
    n: int
    definition: str
    cohort: Cohort
    interval: Interval | None = None
    warnings: tuple[str, ...] = attrs.field(default=(), converter=_codes)

    def __attrs_post_init__(self) -> None:
        if not _DEFINITION.fullmatch(self.definition):
            raise ValueError(f"a definition is like 'csat.top2_of_5/1', not {self.definition!r}")


def codes_for(n: int, interval: Interval | None, cohort: Cohort, *, scale: float = 1.0) -> set[str]:
    """Return the warnings that follow from n, the interval and the period.

    Args:
        n: Units the value rests on.
        interval: Its interval.
        cohort: Its cohort.
        scale: What 100 % is in the unit of the value: 1 for shares, 100 for NPS and CSI.
    """
    codes = {"no_data"} if n == 0 else {"indicative"} if n < INDICATIVE_BELOW else set()
    half = interval.half_width if interval is not None else None
    if half is not None and half > WIDE_HALF_WIDTH * scale:
        codes.add("wide_interval")
    if cohort.is_open:
        codes.add("open_period")
    return codes


def per_person(result: MetricResult) -> MetricResult:
    """Return *result* as it may be shown beside a person's name: below n = 10 the value is withheld."""
    if result.n >= HIDDEN_BELOW:
        return result
    hidden = {"hidden_small_n", *result.warnings}
    return attrs.evolve(result, value=None, numerator=None, interval=None, warnings=hidden)


def confidence_of(value: object) -> float:
    """Return a confidence strictly between 0 and 1, else raise ValueError."""
    return inner_share(value, "confidence")
