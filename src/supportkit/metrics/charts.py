"""Control charts: is a point special, or is it the noise of every day?

p chart and Laney p' for shares, XmR for medians, volumes and scores, runs on one side of the centre. Sources: W. A.
Shewhart 1931; D. B. Laney 2002 (Quality Engineering 14); D. J. Wheeler, Understanding Variation; L. S. Nelson 1984.
The default rules, 3 sigma and a run of 8, raise a false alarm every 153 points on average; 3 sigma alone every 370.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import attrs

from supportkit.measures.checks import count, number, part_of, same_length

SIGMAS = 3
RUN = 8
SHORT_BASELINE = 12
SMALL_EXPECTED = 5
LANEY_D2 = 1.128

D2 = Literal["2/sqrt(pi)", "1.128", "2.66"]
_FACTORS: dict[str, float] = {"2/sqrt(pi)": 3 * math.sqrt(math.pi) / 2, "1.128": 3 / 1.128, "2.66": 2.66}
RANGE_LIMIT = 3.268


@attrs.frozen(kw_only=True)
class PChart:
    """Limits of a chart of shares.

    Attributes:
        center: The share over all points; `None` without data.
        lcl: Lower limit of each point, `None` where its size is 0.
        ucl: Upper limit of each point.
        out: 0-based indexes of the points outside of their limits.
        sigma_z: How much more the points vary than chance explains (Laney); 1 for the plain chart.
        warnings: `small_expected_count`, `short_baseline`, `no_data`.
    """

    center: float | None
    lcl: tuple[float | None, ...]
    ucl: tuple[float | None, ...]
    out: tuple[int, ...]
    sigma_z: float | None
    warnings: tuple[str, ...]


def p_chart(defects: Sequence[int], sizes: Sequence[int]) -> PChart:
    """Return limits p +- 3 sqrt(p (1 - p) / n) of each point, within 0..1.

    Args:
        defects: What was counted at each point.
        sizes: Of how many; a point of size 0 has no limits and does not count.

    Raises:
        ValueError: Counts that are none, or lists of different length.
    """
    return _chart(_points(defects, sizes), 1.0)


def laney_p_chart(defects: Sequence[int], sizes: Sequence[int]) -> PChart:
    """Return the p' chart for large volumes: the 3-sigma part times sigma_z = mean |z_i - z_(i-1)| / 1.128.

    With thousands a point the plain chart would flag ordinary days. Fewer than two points of some size, or a share of
    0 or 1, give no sigma_z and no limits. Parameters and errors are those of `p_chart`.
    """
    points = _points(defects, sizes)
    used = [(k, n) for k, n in points if n]
    center = _center(used)
    if center is None or not 0 < center < 1 or len(used) < 2:  # noqa: PLR2004 - a range needs two points
        return _chart(points, None)
    z = [(k / n - center) / math.sqrt(center * (1 - center) / n) for k, n in used]
    ranges = [abs(second - first) for first, second in pairwise(z)]
    return _chart(points, math.fsum(ranges) / len(ranges) / LANEY_D2)


def _points(defects: Sequence[int], sizes: Sequence[int]) -> list[tuple[int, int]]:
    same_length(defects, sizes, "defects and sizes")
    return [part_of(k, n, "a point") for k, n in zip(defects, sizes, strict=True)]


def _center(points: Sequence[tuple[int, int]]) -> float | None:
    whole = sum(n for _k, n in points)
    return sum(k for k, _n in points) / whole if whole else None


def _chart(points: Sequence[tuple[int, int]], sigma_z: float | None) -> PChart:
    center = _center(points)
    lcl: list[float | None] = []
    ucl: list[float | None] = []
    out = []
    warnings = {"no_data"} if center is None else set()
    if sum(1 for _k, n in points if n) < SHORT_BASELINE:
        warnings.add("short_baseline")
    for at, (k, n) in enumerate(points):
        if center is None or not n or sigma_z is None:
            lcl.append(None)
            ucl.append(None)
            continue
        reach = SIGMAS * sigma_z * math.sqrt(center * (1 - center) / n)
        low, high = max(center - reach, 0.0), min(center + reach, 1.0)
        lcl.append(low)
        ucl.append(high)
        if not low <= k / n <= high:
            out.append(at)
        if min(n * center, n * (1 - center)) < SMALL_EXPECTED:
            warnings.add("small_expected_count")
    return PChart(
        center=center,
        lcl=tuple(lcl),
        ucl=tuple(ucl),
        out=tuple(out),
        sigma_z=sigma_z,
        warnings=tuple(sorted(warnings)),
    )


@attrs.frozen(kw_only=True)
class XmrChart:
    """Limits of a chart of single values and their moving ranges.

    Attributes:
        mean: Mean of the values.
        mr_bar: Mean moving range.
        lnpl: Lower natural process limit.
        unpl: Upper natural process limit.
        url: Upper limit of the ranges.
        out: 0-based indexes of the values outside of the limits.
        warnings: `short_baseline` below 12 points.
    """

    mean: float
    mr_bar: float
    lnpl: float
    unpl: float
    url: float
    out: tuple[int, ...]
    warnings: tuple[str, ...]


def xmr_chart(values: Sequence[float], *, d2: D2 = "2/sqrt(pi)") -> XmrChart | None:
    """Return the mean +- 3 mR / d2, `None` for fewer than two values.

    Args:
        values: In order of time.
        d2: Which constant: exact, 1.128 of the tables, or Wheeler's factor 2.66 in place of 3 / d2.

    Raises:
        ValueError: A value that is no finite number, or a constant that is not known.
    """
    if d2 not in _FACTORS:
        raise ValueError(f"d2 is one of {', '.join(_FACTORS)}, not {d2!r}")
    found = [float(number(value, "a value")) for value in values]
    if len(found) < 2:  # noqa: PLR2004 - a range needs two points
        return None
    ranges = [abs(second - first) for first, second in pairwise(found)]
    mean, mr_bar = math.fsum(found) / len(found), math.fsum(ranges) / len(ranges)
    low, high = mean - _FACTORS[d2] * mr_bar, mean + _FACTORS[d2] * mr_bar
    return XmrChart(
        mean=mean,
        mr_bar=mr_bar,
        lnpl=low,
        unpl=high,
        url=RANGE_LIMIT * mr_bar,
        out=tuple(at for at, value in enumerate(found) if not low <= value <= high),
        warnings=("short_baseline",) if len(found) < SHORT_BASELINE else (),
    )


def runs(values: Sequence[float], center: float, *, length: int = RUN) -> tuple[int, ...]:
    """Return the 0-based index of every point that completes or extends a run on one side of *center*.

    A point on the line breaks a run.

    Args:
        values: In order of time.
        center: The centre line.
        length: How many points make a run (Nelson 9).

    Raises:
        ValueError: A value that is no finite number, or a length below 1.
    """
    line = number(center, "center")
    if count(length, "length") < 1:
        raise ValueError("a run has at least one point")
    found = []
    side = streak = 0
    for at, value in enumerate(values):
        now = (number(value, "a value") > line) - (value < line)
        streak = streak + 1 if now and now == side else abs(now)
        side = now
        if streak >= length:
            found.append(at)
    return tuple(found)
