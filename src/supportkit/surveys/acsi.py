"""ACSI-style index: three items 1..10 in one number 0..100. The official weights are proprietary and not part of this.

    unweighted = 100 (x1 + x2 + x3 - 3) / 27        weighted = 100 sum(w (x - 1)) / (9 sum(w))

Source: C. Fornell et al. 1996 (Journal of Marketing 60). A score without official weights is called "ACSI-style,
unweighted"; a set of weights is named in the definition, for example .3885/.3190/.2925 (State of Ohio).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

from supportkit.measures.bootstrap import RESAMPLES, bootstrap, mean_of
from supportkit.measures.checks import Number, not_negative
from supportkit.measures.results import Cohort, Interval, MetricResult, codes_for
from supportkit.surveys.scales import mean, point_on

ANSWERED = Cohort(basis="answered")
LO, HI, ITEMS = 1, 10, 3
Items = Sequence[Number | None]
"""Satisfaction, confirmation of expectations, closeness to the ideal; `None` is a blank."""


def _weights(weights: Sequence[Number] | None) -> list[Fraction]:
    if weights is None:
        return [Fraction(1)] * ITEMS
    found = [Fraction(not_negative(weight, "a weight")) for weight in weights]
    if len(found) != ITEMS or not sum(found):
        raise ValueError(f"ACSI takes three weights that do not sum to 0, not {weights!r}")
    return found


def acsi(items: Items, *, weights: Sequence[Number] | None = None) -> float | None:
    """Return the index of three answers or means, `None` unless all three are there.

    Args:
        items: Satisfaction, expectancy and ideal, each 1..10.
        weights: Three weights, renormalised; by default all alike.

    Raises:
        ValueError: Not three items, one off the scale, or bad weights.
    """
    if len(items) != ITEMS:
        raise ValueError(f"ACSI has three items, not {len(items)}")
    used = _weights(weights)
    points = [None if item is None else point_on(item, LO, HI, "an item") for item in items]
    whole = [point for point in points if point is not None]
    if len(whole) < ITEMS:
        return None
    value = sum((weight * (point - LO) for weight, point in zip(used, whole, strict=True)), Fraction(0))
    return float(100 * value / (sum(used) * (HI - LO)))


def _name(weights: Sequence[Number] | None, weights_name: str | None) -> str:
    if weights is None:
        return "unweighted"
    if weights_name is None or not re.fullmatch(r"[a-z0-9_]+", weights_name):
        raise ValueError(f"weights are named in the result: weights_name='state_of_ohio', not {weights_name!r}")
    return f"weighted.{weights_name}"


def acsi_items(
    responses: Sequence[Items],
    *,
    weights: Sequence[Number] | None = None,
    weights_name: str | None = None,
    cohort: Cohort = ANSWERED,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    warnings: Iterable[str] = (),
) -> MetricResult:
    """Return `acsi.<weights>.items`, the default: the index of item means, each over its own answers.

    Args:
        responses: Three items per person.
        weights: As in `acsi`.
        weights_name: How the set of weights is called; needed with *weights*.
        cohort: The people asked.
        confidence: Of the bootstrap interval, which resamples people.
        resamples: How many resamples; 0 leaves the interval out.
        warnings: Codes to add.

    Raises:
        ValueError: As in `acsi`.
    """
    name = _name(weights, weights_name)
    for response in responses:
        acsi(response, weights=weights)
    people = [response for response in responses if any(item is not None for item in response)]

    columns = ([item for row in people if (item := row[at]) is not None] for at in range(ITEMS))
    value = acsi([mean(column) for column in columns], weights=weights)
    parts = [float(weight) for weight in _weights(weights)]

    def again(rows: Sequence[Items]) -> float | None:
        """Compute in floats: a resample is noise, and exactness would cost thousands of fractions."""
        found = 0.0
        for at in range(ITEMS):
            answers = [item for row in rows if (item := row[at]) is not None]
            if not answers:
                return None
            found += parts[at] * (float(sum(answers)) / len(answers) - LO)
        return 100 * found / (sum(parts) * (HI - LO))

    interval = bootstrap(people, again, confidence=confidence, resamples=resamples) if value is not None else None
    return _result(value, people, responses, f"acsi.{name}.items/1", cohort, interval, warnings)


def acsi_respondents(
    responses: Sequence[Items],
    *,
    weights: Sequence[Number] | None = None,
    weights_name: str | None = None,
    cohort: Cohort = ANSWERED,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    warnings: Iterable[str] = (),
) -> MetricResult:
    """Return `acsi.<weights>.respondent`: the mean of the index of everybody who answered all three items.

    The parameters and errors are those of `acsi_items`.
    """
    name = _name(weights, weights_name)
    indexes = [found for row in responses if (found := acsi(row, weights=weights)) is not None]
    value = mean(indexes)
    interval = bootstrap(indexes, mean_of, confidence=confidence, resamples=resamples)
    definition = f"acsi.{name}.respondent/1"
    return _result(None if value is None else float(value), indexes, responses, definition, cohort, interval, warnings)


def _result(
    value: float | None,
    used: Sequence[object],
    asked: Sequence[object],
    definition: str,
    cohort: Cohort,
    interval: Interval | None,
    warnings: Iterable[str],
) -> MetricResult:
    blank = len(asked) - len(used)
    where = cohort.leaving_out({"blank": blank}) if blank else cohort
    return MetricResult(
        value=value,
        n=len(used),
        definition=definition,
        cohort=where,
        interval=interval,
        warnings={*codes_for(len(used), interval, where, scale=100), *warnings},
    )
