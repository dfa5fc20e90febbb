"""How many answers are needed."""

from __future__ import annotations

import math

from supportkit.measures.checks import count, inner_share, positive, share
from supportkit.measures.intervals import z_one_sided, z_two_sided


def sample_size(p: float, margin: float, *, confidence: float = 0.95, population: int | None = None) -> int:
    """Return how many answers show a share near *p* to within *margin*, rounded up.

    z² p (1 - p) / m²; of a finite population N, n0 / (1 + (n0 - 1) / N). 85 % +-5 points: 196; 50 % +-5: 385.

    Args:
        p: The share expected; 0.5 is the safe choice.
        margin: Half the width of the interval, as a share.
        confidence: Two-sided confidence.
        population: How many there are at all.

    Raises:
        ValueError: A number out of range.
    """
    expected, half = float(share(p, "p")), inner_share(margin, "margin")
    z = z_two_sided(confidence)
    needed = z * z * expected * (1 - expected) / (half * half)
    if population is not None:
        whole = count(population, "population")
        if whole == 0:
            raise ValueError("a population of nobody has no sample")
        needed = needed / (1 + (needed - 1) / whole) if needed > 0 else 0.0
    return max(0, math.ceil(needed - 1e-9))


def sample_size_for_change(base: float, change: float, *, significance: float = 0.05, power: float = 0.8) -> int:
    """Return how many customers each of two periods needs to show that a rate changed by the part *change* of it.

    2 (z_alpha + z_beta)² / h² with Cohen's h, the distance of the two rates on the arcsine scale (J. Cohen 1988,
    Statistical Power Analysis). To show -15 % at a base of 5 %, 10 % and 20 %: 12 291, 5848 and 2626.

    Args:
        base: The rate before.
        change: The relative change, for example -0.15.
        significance: Two-sided.
        power: The chance of showing a change that is there.

    Raises:
        ValueError: No change, a rate or a changed rate that is not between 0 and 1, or a probability out of range.
    """
    before = inner_share(base, "base")
    after = inner_share(before * (1 + change), "the changed rate")
    if change == 0:
        raise ValueError("a change of 0 can never be shown")
    reach = z_two_sided(1 - inner_share(significance, "significance")) + z_one_sided(power)
    h = 2 * math.asin(math.sqrt(before)) - 2 * math.asin(math.sqrt(after))
    return math.ceil(2 * (float(positive(reach, "what significance and power ask for")) / h) ** 2 - 1e-9)
