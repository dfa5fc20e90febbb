"""Do raters agree? Raw share, Cohen's kappa, Fleiss' kappa and PABAK.

Sources: J. Cohen 1960 and 1968; J. L. Fleiss 1971; T. Byrt et al. 1993. Tables are built on the declared scale, unused
levels included: leaving one out changes a weighted kappa. Raw agreement of 90 % can be a kappa of 0.44, so show both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal

from supportkit.measures.checks import count

Weights = Literal["linear", "quadratic"]
Table = Sequence[Sequence[int]]
MIN_PAIRS = 30
ALARM_BELOW = 0.6


def agreement_table(pairs: Iterable[tuple[object, object]], levels: Sequence[object]) -> tuple[tuple[int, ...], ...]:
    """Return how often the first rater said one level (row) and the second another (column).

    Args:
        pairs: The two ratings of each unit.
        levels: The whole declared scale, in order.

    Raises:
        ValueError: A rating that is not on the scale, or a level that stands there twice.
    """
    place = {level: at for at, level in enumerate(levels)}
    if len(place) != len(levels):
        raise ValueError("a level stands twice on the scale")
    table = [[0] * len(levels) for _ in levels]
    for first, second in pairs:
        for rating in (first, second):
            if rating not in place:
                raise ValueError(f"{rating!r} is not on the declared scale")
        table[place[first]][place[second]] += 1
    return tuple(tuple(row) for row in table)


def _square(table: Table) -> int:
    size = len(table)
    if size < 2:  # noqa: PLR2004 - one level cannot be disagreed about
        raise ValueError("an agreement table has at least two levels")
    if any(len(row) != size for row in table):
        raise ValueError("an agreement table is square: a row and a column for each level of the scale")
    return sum(count(cell, "a cell") for row in table for cell in row)


def raw_agreement(table: Table) -> float | None:
    """Return the share of units that both rated alike, `None` of nothing."""
    n = _square(table)
    return sum(table[at][at] for at in range(len(table))) / n if n else None


def pabak(table: Table) -> float | None:
    """Return 2 * agreement - 1, kappa adjusted for prevalence and bias; `None` of nothing."""
    n = _square(table)
    return (2 * sum(table[at][at] for at in range(len(table))) - n) / n if n else None


def cohen_kappa(table: Table, *, weights: Weights | None = None) -> float | None:
    """Return Cohen's kappa of two raters; `None` where chance alone would agree always, or of nothing.

    Args:
        table: Counts, a row and a column for each level of the declared scale.
        weights: `linear` or `quadratic` for ordered levels; by default every disagreement counts alike.

    Raises:
        ValueError: A table that is not square, with fewer than two levels or with cells that are no counts.
    """
    if weights not in {None, "linear", "quadratic"}:
        raise ValueError(f"weights are 'linear', 'quadratic' or None, not {weights!r}")
    n = _square(table)
    size = len(table)
    power = {None: 0, "linear": 1, "quadratic": 2}[weights]
    rows = [sum(row) for row in table]
    columns = [sum(row[at] for row in table) for at in range(size)]
    seen = expected = 0
    for first in range(size):
        for second in range(size):
            apart = abs(first - second) ** power if first != second else 0
            seen += apart * table[first][second]
            expected += apart * rows[first] * columns[second]
    return float(1 - Fraction(n * seen, expected)) if expected else None


def fleiss_kappa(counts: Table) -> float | None:
    """Return Fleiss' kappa of three or more raters; `None` where chance alone would agree always, or of nothing.

    Args:
        counts: A row for each subject with, for each category, how many raters chose it; rows sum to the raters.

    Raises:
        ValueError: Rows of different length or sum, fewer than two raters, or cells that are no counts.
    """
    if not counts:
        return None
    raters = sum(count(cell, "a cell") for cell in counts[0])
    for row in counts:
        if len(row) != len(counts[0]):
            raise ValueError("every row has a column for each category of the declared scale")
        if sum(count(cell, "a cell") for cell in row) != raters:
            raise ValueError(f"every subject is rated by the same number of raters, {raters}")
    if raters < 2:  # noqa: PLR2004 - nobody agrees alone
        raise ValueError("agreement needs at least two raters")
    subjects = len(counts)
    alike = Fraction(sum(cell * (cell - 1) for row in counts for cell in row), subjects * raters * (raters - 1))
    shares = [Fraction(sum(column), subjects * raters) for column in zip(*counts, strict=True)]
    chance = sum((part * part for part in shares), Fraction(0))
    return float((alike - chance) / (1 - chance)) if chance != 1 else None


def raters_disagree(table: Table, *, weights: Weights | None = None) -> bool | None:
    """Tell whether kappa is below 0.6 on 30 pairs or more; `None` where there are too few, or no kappa."""
    kappa = cohen_kappa(table, weights=weights)
    return kappa < ALARM_BELOW if kappa is not None and _square(table) >= MIN_PAIRS else None
