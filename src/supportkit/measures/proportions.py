"""Rates: one division of two counts, with Wilson's interval; and how two rates become one."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from supportkit.measures.checks import part_of
from supportkit.measures.intervals import wilson
from supportkit.measures.results import Cohort, MetricResult, codes_for


def proportion(
    successes: int,
    n: int,
    *,
    definition: str,
    cohort: Cohort,
    confidence: float = 0.95,
    warnings: Iterable[str] = (),
) -> MetricResult:
    """Return *successes* / *n* as a result, without a value when n is 0.

    Args:
        successes: What the numerator counts; part of what the denominator counts.
        n: What the denominator counts.
        definition: Id of the definition, with its version.
        cohort: The units it is about.
        confidence: Two-sided confidence of the interval.
        warnings: Codes to add to those that follow from the numbers.

    Raises:
        ValueError: The counts are no counts, or the numerator is not part of the denominator.
    """
    k, whole = part_of(successes, n, definition)
    interval = wilson(k, whole, confidence=confidence)
    return MetricResult(
        value=k / whole if whole else None,
        numerator=k,
        denominator=whole,
        n=whole,
        definition=definition,
        cohort=cohort,
        interval=interval,
        warnings={*codes_for(whole, interval, cohort), *warnings},
    )


def merge_proportions(first: MetricResult, second: MetricResult, *, confidence: float = 0.95) -> MetricResult:
    """Return the rate of two parts together: numerators, denominators and what was left out add up.

    Raises:
        ValueError: The definitions or the cohorts differ, or one of them is not a rate of two counts.
    """
    if first.definition != second.definition:
        raise ValueError(f"{first.definition} and {second.definition} are never merged")
    if attrs.evolve(first.cohort, excluded=()) != attrs.evolve(second.cohort, excluded=()):
        raise ValueError(f"two cohorts of {first.definition} are never merged")
    (k1, n1), (k2, n2) = _counts(first), _counts(second)
    return proportion(
        k1 + k2,
        n1 + n2,
        definition=first.definition,
        cohort=first.cohort.leaving_out(dict(second.cohort.excluded)),
        confidence=confidence,
        warnings={*first.warnings, *second.warnings} - {"no_data", "indicative", "wide_interval"},
    )


def _counts(result: MetricResult) -> tuple[int, int]:
    k, n = result.numerator, result.denominator
    if not isinstance(k, int) or not isinstance(n, int):
        raise ValueError(f"{result.definition} is not a rate of two counts, so it cannot be merged")
    return k, n
