"""Square-root staffing: N = A + beta sqrt(A). For explaining and pooling; final numbers come from the exact forms.

Source: S. Halfin, W. Whitt 1981 (Operations Research 29): P(wait) = 1 / (1 + beta Phi(beta) / phi(beta)).
"""

from __future__ import annotations

import math
from statistics import NormalDist

from supportkit.measures.checks import inner_share, number
from supportkit.staffing.erlang import load_of

STEEPEST = 37.0
"""Beyond this beta the chance of waiting is no longer a normal float."""


def delay_probability(beta: float) -> float:
    """Return the probability of waiting with a margin of *beta* square roots of the load.

    Raises:
        ValueError: *beta* is no finite number.
    """
    b = float(number(beta, "beta"))
    normal = NormalDist()
    density = normal.pdf(b)
    # 1 - Phi and Phi through erfc, so that neither tail is lost.
    below = math.erfc(-b / math.sqrt(2)) / 2
    return density / (density + b * below) if density else 0.0


def halfin_whitt_beta(p_wait: float) -> float:
    """Return the beta with that probability of waiting: 1.42 for 0.1, 0.506 for 0.5.

    Raises:
        ValueError: *p_wait* is not strictly between 0 and 1.
    """
    goal = inner_share(p_wait, "p_wait")
    low, high = 0.0, STEEPEST
    while (middle := (low + high) / 2) not in {low, high}:
        low, high = (middle, high) if delay_probability(middle) > goal else (low, middle)
    return high


def square_root_staffing(load: float, p_wait: float) -> int:
    """Return ceil(A + beta sqrt(A)) agents for a load in erlangs, at least one.

    Raises:
        ValueError: A negative load, or *p_wait* not strictly between 0 and 1.
    """
    erlangs = load_of(load)
    return max(1, math.ceil(erlangs + halfin_whitt_beta(p_wait) * math.sqrt(erlangs)))
