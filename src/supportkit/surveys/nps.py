"""NPS-style scores: promoters (9, 10) minus detractors (0 to 6), with intervals and a test of a difference.

The interval is the adjusted Wald interval (B. Rocks 2016, "Interval Estimation for the Net Promoter Score", The
American Statistician 70), which does not collapse to a point when everybody answers alike. Its centre is shrunk and is
never the score. NPS is a trademark: texts for customers say "NPS-style".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Self

import attrs

from supportkit.measures.checks import count, not_negative, same_length, total
from supportkit.measures.intervals import z_two_sided
from supportkit.measures.results import Cohort, Interval, MetricResult, codes_for, confidence_of
from supportkit.surveys.scales import code_on, codes_on

ANSWERED = Cohort(basis="answered")
PSEUDO = (0.75, 1.5, 0.75)
"""What the adjusted interval adds to promoters, passives and detractors."""
PROMOTER, PASSIVE = 9, 7


@attrs.frozen
class NpsCounts:
    """How many promoters, passives and detractors answered; two surveys of one question add up.

    Raises:
        ValueError: One of them is no count.
    """

    promoters: int
    passives: int
    detractors: int

    def __attrs_post_init__(self) -> None:
        for name in ("promoters", "passives", "detractors"):
            count(getattr(self, name), name)

    @classmethod
    def of(cls, scores: Iterable[int | None]) -> Self:
        """Count scores 0..10, without the blanks; anything else raises ValueError, 7.5, 11 and `True` too."""
        answers = codes_on(scores, 0, 10, "a score")
        promoters = sum(score >= PROMOTER for score in answers)
        passives = sum(PASSIVE <= score < PROMOTER for score in answers)
        return cls(promoters, passives, len(answers) - promoters - passives)

    @property
    def n(self) -> int:
        """How many answered."""
        return self.promoters + self.passives + self.detractors

    @property
    def value(self) -> float | None:
        """The score, -100..100, from counts and never from rounded shares."""
        return 100 * (self.promoters - self.detractors) / self.n if self.n else None

    @property
    def variance(self) -> float | None:
        """Variance of one answer coded +1, 0, -1, divisor n; a square of a proportion, not of points."""
        return _variance(self.promoters, self.passives, self.detractors) if self.n else None

    @property
    def standard_error(self) -> float | None:
        """Standard error as a proportion; times 100 it is in points."""
        return math.sqrt(self.variance / self.n) if self.variance is not None else None

    def __add__(self, other: NpsCounts) -> NpsCounts:
        return NpsCounts(
            self.promoters + other.promoters, self.passives + other.passives, self.detractors + other.detractors
        )


def _variance(plus: float, zero: float, minus: float) -> float:
    n = plus + zero + minus
    # (p + d) - (p - d)² in a form without the difference of two close numbers.
    return (4 * plus * minus + zero * (plus + minus)) / (n * n)


@attrs.frozen(kw_only=True)
class WaldInterval:
    """A Wald interval with what it was made of, in points.

    Attributes:
        centre: Its centre; for the adjusted form this is not the score.
        standard_error: The standard error.
        interval: The limits, within -100..100.
    """

    centre: float
    standard_error: float
    interval: Interval


def nps_wald(counts: NpsCounts, *, confidence: float = 0.95) -> WaldInterval | None:
    """Return the plain Wald interval, `None` of nothing. Without width where all answer alike: prefer the adjusted."""
    return _wald((counts.promoters, counts.passives, counts.detractors), confidence, "wald") if counts.n else None


def nps_adjusted_wald(
    counts: NpsCounts, *, confidence: float = 0.95, pseudo: tuple[float, float, float] = PSEUDO
) -> WaldInterval | None:
    """Return the adjusted Wald interval, `None` of nothing.

    Args:
        counts: Who answered how.
        confidence: Two-sided confidence.
        pseudo: What is added to promoters, passives and detractors.
    """
    if not counts.n:
        return None
    extra = [float(not_negative(value, "a pseudo count")) for value in pseudo]
    same_length(extra, PSEUDO, "pseudo counts and groups")
    plus, zero, minus = counts.promoters + extra[0], counts.passives + extra[1], counts.detractors + extra[2]
    return _wald((plus, zero, minus), confidence, "adjusted_wald")


def _wald(groups: tuple[float, float, float], confidence: float, method: str) -> WaldInterval:
    plus, zero, minus = groups
    n = plus + zero + minus
    centre = 100 * (plus - minus) / n
    error = 100 * math.sqrt(_variance(plus, zero, minus) / n)
    reach = z_two_sided(confidence) * error
    limits = Interval(
        low=max(centre - reach, -100.0), high=min(centre + reach, 100.0), confidence=confidence, method=method
    )
    return WaldInterval(centre=centre, standard_error=error, interval=limits)


def net_interval(above: int, middle: int, below: int, *, confidence: float = 0.95) -> Interval | None:
    """Return the adjusted Wald interval of a net score in points, `None` of nothing."""
    found = nps_adjusted_wald(NpsCounts(above, middle, below), confidence=confidence)
    return found.interval if found is not None else None


def nps(
    scores: Iterable[int | None] | NpsCounts,
    *,
    cohort: Cohort = ANSWERED,
    confidence: float = 0.95,
    warnings: Iterable[str] = (),
) -> MetricResult:
    """Return `nps.standard` with the adjusted Wald interval.

    Args:
        scores: Whole numbers 0..10, `None` for blanks, which are counted; or counts.
        cohort: The people asked.
        confidence: Two-sided confidence.
        warnings: Codes to add.

    Raises:
        ValueError: A score that is no whole number from 0 to 10.
    """
    blank = 0
    if isinstance(scores, NpsCounts):
        counts = scores
    else:
        given = list(scores)
        counts = NpsCounts.of(given)
        blank = len(given) - counts.n
    where = cohort.leaving_out({"blank": blank}) if blank else cohort
    reach = net_interval(counts.promoters, counts.passives, counts.detractors, confidence=confidence)
    return MetricResult(
        value=counts.value,
        numerator=counts.promoters - counts.detractors,
        denominator=counts.n,
        n=counts.n,
        definition="nps.standard/1",
        cohort=where,
        interval=reach,
        warnings={*codes_for(counts.n, reach, where, scale=100), *warnings},
    )


def weighted_nps(
    scores: Sequence[int | None], weights: Sequence[float], *, cohort: Cohort = ANSWERED, warnings: Iterable[str] = ()
) -> MetricResult:
    """Return `nps.weighted`: each answer counts by its survey weight. There is no interval: weights say nothing of n.

    Raises:
        ValueError: A score that is none, a negative weight, or lists of different length.
    """
    same_length(scores, weights, "scores and weights")
    used = [
        (code_on(score, 0, 10, "a score"), not_negative(weight, "a weight"))
        for score, weight in zip(scores, weights, strict=True)
        if score is not None
    ]
    whole = total(weight for _score, weight in used)
    net = total(weight for score, weight in used if score >= PROMOTER) - total(
        weight for score, weight in used if score < PASSIVE
    )
    blank = len(scores) - len(used)
    where = cohort.leaving_out({"blank": blank}) if blank else cohort
    return MetricResult(
        value=float(100 * net / whole) if whole else None,
        numerator=float(net),
        denominator=float(whole),
        n=len(used),
        definition="nps.weighted/1",
        cohort=where,
        warnings={*codes_for(len(used), None, where), *warnings},
    )


@attrs.frozen(kw_only=True)
class NpsDifference:
    """How two scores differ, first minus second.

    Attributes:
        diff: The difference in points.
        standard_error: Its standard error in points.
        z: Difference over standard error; `None` where neither survey varies.
        p_value: Two-sided; `None` with z.
    """

    diff: float
    standard_error: float
    z: float | None
    p_value: float | None


def nps_difference(first: NpsCounts, second: NpsCounts) -> NpsDifference | None:
    """Compare two surveys by a z test, `None` where one of them has no answers."""
    if first.standard_error is None or second.standard_error is None or first.value is None or second.value is None:
        return None
    error = 100 * math.hypot(first.standard_error, second.standard_error)
    diff = first.value - second.value
    if error == 0:
        return NpsDifference(diff=diff, standard_error=0.0, z=None, p_value=None)
    z = diff / error
    # erfc keeps small p values that 1 - cdf would round to 0.
    return NpsDifference(diff=diff, standard_error=error, z=z, p_value=math.erfc(abs(z) / math.sqrt(2)))


def nps_bootstrap(counts: NpsCounts, *, confidence: float = 0.95) -> Interval | None:
    """Return the percentile interval of the exact bootstrap distribution, `None` of nothing.

    No resample is drawn: the distribution of the sum of n answers is computed. It takes about n² steps, some seconds
    for three thousand answers.
    """
    tail = (1 - confidence_of(confidence)) / 2
    n = counts.n
    if not n:
        return None
    minus, zero, plus = counts.detractors / n, counts.passives / n, counts.promoters / n
    chances = [1.0]  # of the sums -k .. k after k answers
    for _ in range(n):
        padded = [0.0, 0.0, *chances, 0.0, 0.0]
        chances = [plus * padded[at] + zero * padded[at + 1] + minus * padded[at + 2] for at in range(len(chances) + 2)]
    low, high, below = None, None, 0.0
    for at, chance in enumerate(chances):
        below += chance
        score = 100 * (at - n) / n
        if low is None and below >= tail:
            low = score
        if high is None and below >= 1 - tail - 1e-12:
            high = score
    return Interval(low=low, high=high, confidence=confidence, method="bootstrap_exact")
