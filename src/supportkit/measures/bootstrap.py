"""The percentile bootstrap: intervals where no formula is offered, by resampling people, with a seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from supportkit.ids import seeded
from supportkit.measures.checks import count
from supportkit.measures.quantiles import percentile
from supportkit.measures.results import Interval, confidence_of

T = TypeVar("T")

RESAMPLES = 2000
"""How many resamples are drawn by default."""


def bootstrap(
    units: Sequence[T],
    statistic: Callable[[Sequence[T]], float | None],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """Return the percentile interval of *statistic* over resamples of *units*, `None` of nothing.

    Args:
        units: People, with all of their answers: resampling answers would take one person for several.
        statistic: Computes the value of a sample; a sample without a value (`None`) counts as unbounded on both sides.
        confidence: Two-sided confidence.
        resamples: How many samples to draw; 0 returns `None`.
        seed: The same seed gives the same interval.

    Raises:
        ValueError: A confidence outside of 0..1, or a negative number of resamples.
    """
    tail = (1 - confidence_of(confidence)) / 2
    if not units or count(resamples, "resamples") == 0:
        return None
    random = seeded(seed)
    drawn = [statistic(random.choices(units, k=len(units))) for _ in range(resamples)]
    return Interval(
        low=_limit([-math.inf if value is None else value for value in drawn], tail),
        high=_limit([math.inf if value is None else value for value in drawn], 1 - tail),
        confidence=confidence,
        method="bootstrap_percentile",
    )


def _limit(values: list[float], q: float) -> float | None:
    """Return a quantile of values of which some may be infinite; `None` where it is."""
    ordered = sorted(values)
    h = (len(ordered) - 1) * q
    pair = ordered[math.floor(h) : math.ceil(h) + 1]
    if any(math.isinf(value) for value in pair):
        return None
    return percentile(pair, h - math.floor(h))


def mean_of(values: Sequence[float]) -> float | None:
    """Return the mean of floats, summed without loss; `None` of nothing."""
    return math.fsum(values) / len(values) if values else None
