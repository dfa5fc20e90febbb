"""Score intervals of proportions, their differences and ratios. Plain Wald is not offered: it lies for small n.

Sources: E. B. Wilson 1927 (JASA 22); R. G. Newcombe 1998 (Statistics in Medicine 17, method 10); D. Katz et al. 1978
(Biometrics 34) for the logarithm of a ratio.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

from supportkit.measures.checks import count, inner_share, part_of
from supportkit.measures.results import Interval, confidence_of


def z_two_sided(confidence: float) -> float:
    """Return how many standard errors a two-sided interval reaches: 1.959964 for 0.95."""
    return NormalDist().inv_cdf(0.5 + inner_share(confidence, "confidence") / 2)


def z_one_sided(confidence: float) -> float:
    """Return how many standard errors a one-sided bound reaches: 1.644854 for 0.95."""
    return NormalDist().inv_cdf(inner_share(confidence, "confidence"))


def _wilson(k: int, n: int, z: float) -> tuple[float, float]:
    p, square = k / n, z * z
    centre = p + square / (2 * n)
    reach = z * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
    scale = 1 + square / n
    # The ends are exact by algebra, and rounding may not push a limit across the value or off the scale.
    low = 0.0 if k == 0 else min(max((centre - reach) / scale, 0.0), p)
    high = 1.0 if k == n else max(min((centre + reach) / scale, 1.0), p)
    return low, high


def wilson(successes: int, n: int, *, confidence: float = 0.95) -> Interval | None:
    """Return Wilson's score interval of a proportion, `None` for n = 0.

    The low limit is exactly 0 for no success and the high one exactly 1 for nothing but successes.

    Raises:
        ValueError: Not 0 <= *successes* <= *n* in whole numbers, or a confidence outside of 0..1.
    """
    k, whole = part_of(successes, n, "a proportion")
    z = z_two_sided(confidence)
    if whole == 0:
        return None
    low, high = _wilson(k, whole, z)
    return Interval(low=low, high=high, confidence=confidence, method="wilson")


def wilson_bound(successes: int, n: int, *, side: Literal["lower", "upper"], confidence: float = 0.95) -> float | None:
    """Return a one-sided Wilson bound, `None` for n = 0: "the share is at least this, with 95 % confidence"."""
    if side not in {"lower", "upper"}:
        raise ValueError(f"side is 'lower' or 'upper', not {side!r}")
    k, whole = part_of(successes, n, "a proportion")
    z = z_one_sided(confidence)
    if whole == 0:
        return None
    # Below 50 % confidence z is negative; the bound then lies on the other side of the value.
    low, high = _wilson(k, whole, abs(z))
    return low if (side == "lower") == (z >= 0) else high


def newcombe(successes: tuple[int, int], n: tuple[int, int], *, confidence: float = 0.95) -> Interval | None:
    """Return Newcombe's score interval of p1 - p2, `None` where one group is empty; 56/70 and 48/80: 0.0524..0.3339.

    Args:
        successes: Successes of the first and of the second group.
        n: Their sizes.
        confidence: Two-sided confidence.
    """
    (k1, n1), (k2, n2) = (part_of(k, whole, "a proportion") for k, whole in zip(successes, n, strict=True))
    z = z_two_sided(confidence)
    if n1 == 0 or n2 == 0:
        return None
    p1, p2 = k1 / n1, k2 / n2
    (l1, u1), (l2, u2) = _wilson(k1, n1, z), _wilson(k2, n2, z)
    low = p1 - p2 - math.hypot(p1 - l1, u2 - p2)
    high = p1 - p2 + math.hypot(u1 - p1, p2 - l2)
    return Interval(low=max(low, -1.0), high=min(high, 1.0), confidence=confidence, method="newcombe")


def ratio_interval(successes: tuple[int, int], n: tuple[int, int], *, confidence: float = 0.95) -> Interval | None:
    """Return the log interval of p1 / p2, `None` where a count is zero; 340/5000 over 500/5000: 0.5959..0.7760.

    Args:
        successes: Successes of the group above the line and of the one below.
        n: Their sizes.
        confidence: Two-sided confidence.
    """
    (k1, n1), (k2, n2) = (part_of(k, whole, "a proportion") for k, whole in zip(successes, n, strict=True))
    z = z_two_sided(confidence)
    if k1 == 0 or k2 == 0:
        return None
    ratio = (k1 * n2) / (n1 * k2)
    # 1/k - 1/n is (n - k) / (k n), which cannot come out below zero.
    factor = math.exp(z * math.sqrt((n1 - k1) / (k1 * n1) + (n2 - k2) / (k2 * n2)))
    return Interval(low=ratio / factor, high=ratio * factor, confidence=confidence, method="log_ratio")


def smallest_sample_reaching(target: float, *, confidence: float = 0.95, limit: int = 100_000) -> int | None:
    """Return the smallest n that shows *target* with n successes: 22 for 0.85, 35 for 0.90; `None` above *limit*."""
    goal = inner_share(target, "target")
    z = z_two_sided(confidence_of(confidence))
    # With k = n the lower Wilson limit is n / (n + z²).
    needed = math.ceil(goal * z * z / (1 - goal) - 1e-9)
    return max(needed, 1) if needed <= count(limit, "limit") else None
