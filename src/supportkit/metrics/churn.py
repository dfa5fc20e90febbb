"""Churn: customers who left, how two periods differ, and what dissatisfaction may cost by a stated assumption.

Outcomes are associations, not effects, and tickets are not customers; a report says both.
"""

from __future__ import annotations

from fractions import Fraction

import attrs

from supportkit.measures.checks import exact, part_of, share
from supportkit.measures.intervals import ratio_interval
from supportkit.measures.proportions import proportion
from supportkit.measures.results import Cohort, Interval, MetricResult, codes_for
from supportkit.measures.targets import TargetStatus, target_status

STARTED = Cohort(basis="created")


def churn_rate(lost: int, at_start: int, *, cohort: Cohort = STARTED) -> MetricResult:
    """Return `churn.rate`: customers at the start of a period who are none at its end / customers at its start.

    Newcomers are in neither count.
    """
    return proportion(lost, at_start, definition="churn.rate/1", cohort=cohort)


def churn_change(
    before: tuple[int, int], after: tuple[int, int], *, cohort: Cohort = STARTED, confidence: float = 0.95
) -> MetricResult:
    """Return `churn.relative_change`: (r1 - r0) / r0 between two periods of equal length.

    Args:
        before: Lost and at the start, in the first period.
        after: The same in the second.
        cohort: The customers.
        confidence: Of the interval, which is that of the ratio r1 / r0, less 1.

    Raises:
        ValueError: Counts that are none, or not part of each other.
    """
    (k0, n0), (k1, n1) = (part_of(*counts, "churn") for counts in (before, after))
    ratio = ratio_interval((k1, k0), (n1, n0), confidence=confidence)
    interval = None
    if ratio is not None and isinstance(ratio.low, float) and isinstance(ratio.high, float):
        interval = Interval(low=ratio.low - 1, high=ratio.high - 1, confidence=confidence, method=ratio.method)
    value = float(Fraction(k1 * n0, n1 * k0) - 1) if n1 and k0 else None
    n = min(n0, n1)
    return MetricResult(
        value=value,
        n=n,
        definition="churn.relative_change/1",
        cohort=cohort,
        interval=interval,
        warnings=codes_for(n, interval, cohort) | ({"no_data"} if value is None else set()),
    )


def churn_goal(change: MetricResult, *, by: float = 0.15) -> TargetStatus:
    """Tell whether churn fell by the part *by*: met when the upper limit of r1 / r0 is at most 1 - by."""
    return target_status(change, -float(share(by, "by")), op="<=")


@attrs.frozen(kw_only=True)
class ChurnEstimate:
    """What dissatisfaction may cost. Tickets, not customers.

    Attributes:
        unhappy_per_day: Tickets * (1 - satisfaction).
        lost_per_day: Of those, who leave by assumption.
        lost_per_month: In the number of days given.
    """

    unhappy_per_day: float
    lost_per_day: float
    lost_per_month: float


def churn_estimate(
    tickets_per_day: float, satisfaction: float, *, leave_share: float | str, days: int = 30
) -> ChurnEstimate:
    """Estimate losses: 100 tickets at 75 % with 13/25 leaving are 13 a day, 390 in 30 days.

    Args:
        tickets_per_day: How many come.
        satisfaction: Share of the satisfied.
        leave_share: Share of the unhappy who leave, such as "13/25": an assumption that only the caller can make.
        days: Length of the month.

    Raises:
        ValueError: A negative number, or a share outside of 0..1.
    """
    tickets, content, leaving, length = _assumed(tickets_per_day, satisfaction, leave_share, days)
    unhappy = tickets * (1 - content)
    return ChurnEstimate(
        unhappy_per_day=float(unhappy),
        lost_per_day=float(unhappy * leaving),
        lost_per_month=float(unhappy * leaving * length),
    )


@attrs.frozen(kw_only=True)
class ChurnSaving:
    """What better satisfaction may save.

    Attributes:
        saved: Fewer lost per month.
        share: Of the former loss; `None` where nothing was lost.
    """

    saved: float
    share: float | None


def churn_saving(
    tickets_per_day: float, before: float, after: float, *, leave_share: float | str, days: int = 30
) -> ChurnSaving:
    """Return what a satisfaction of *after* in place of *before* saves, by the assumptions of `churn_estimate`."""
    tickets, was, leaving, length = _assumed(tickets_per_day, before, leave_share, days)
    becomes = exact(share(after, "after"), "after")
    return ChurnSaving(
        saved=float(tickets * (becomes - was) * leaving * length),
        share=float((becomes - was) / (1 - was)) if was < 1 and tickets and leaving and length else None,
    )


def _assumed(tickets: float, satisfaction: float, leave: float | str, days: int) -> tuple[Fraction, ...]:
    found = (
        exact(tickets, "tickets_per_day"),
        exact(share(satisfaction, "satisfaction"), "satisfaction"),
        exact(leave, "leave_share"),
        exact(days, "days"),
    )
    share(found[2], "leave_share")
    if found[0] < 0 or found[3] < 0:
        raise ValueError("tickets and days must not be negative")
    return found
