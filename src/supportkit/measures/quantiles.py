"""Percentiles: linear between order statistics (R type 7, Excel PERCENTILE.INC)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from typing import TypeVar

from supportkit.measures.checks import inner_share, number, share

T = TypeVar("T", float, dt.timedelta)


def percentile(values: Iterable[T], q: float) -> T | None:
    """Return the *q* quantile of numbers or durations, `None` of nothing.

    The place is h = (n - 1) q; between two order statistics the value lies on the line between them. It rises with
    *q* and never leaves the data.

    Raises:
        ValueError: *q* is not within 0..1, or a value is no finite number.
    """
    place = float(share(q, "q"))
    ordered = sorted(values)
    for value in ordered:
        if not isinstance(value, dt.timedelta):
            number(value, "a value")
    if not ordered:
        return None
    h = (len(ordered) - 1) * place
    below = math.floor(h)
    part = h - below
    if part == 0:
        return ordered[below]
    low, high = ordered[below], ordered[below + 1]
    if low == high:
        return low
    # Both forms meet their own end exactly, so that the quantile never falls when q rises.
    found = low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)  # noqa: PLR2004 - the half
    return min(max(found, low), high)


def min_n_for_quantile(q: float, *, confidence: float = 0.95) -> int:
    """Return the smallest n with 1 - q^n >= confidence: 5 for the median, 29 for 0.9, 59 for 0.95, 299 for 0.99.

    With fewer values the quantile is only the largest value seen.
    """
    goal, place = inner_share(confidence, "confidence"), inner_share(q, "q")
    n = max(1, math.ceil(math.log1p(-goal) / math.log(place) - 1e-9))
    while n > 1 and 1 - place ** (n - 1) >= goal:
        n -= 1
    while 1 - place**n < goal:
        n += 1
    return n
