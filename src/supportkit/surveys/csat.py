"""CSAT: the share of the best answers on a scale, its mean, and the distribution, which a mean never goes without."""

from __future__ import annotations

from collections.abc import Iterable

from supportkit.measures.bootstrap import RESAMPLES, bootstrap, mean_of
from supportkit.measures.proportions import proportion
from supportkit.measures.results import Cohort, MetricResult, codes_for
from supportkit.surveys.scales import codes_on

ANSWERED = Cohort(basis="answered")
TOP_BOXES = {2: 1, 3: 1, 5: 2}
"""How many of the best answers mean "satisfied"; other scales must say so."""


def _boxes(scale_max: int, boxes: int | None) -> int:
    if isinstance(scale_max, bool) or not isinstance(scale_max, int) or scale_max < 2:  # noqa: PLR2004 - one answer is no scale
        raise ValueError(f"a CSAT scale goes from 1 to a whole number of at least 2, not to {scale_max!r}")
    found = TOP_BOXES.get(scale_max) if boxes is None else boxes
    if found is None:
        raise ValueError(f"which answers on 1..{scale_max} mean satisfied? give boxes, the number of the best ones")
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found < scale_max:
        raise ValueError(f"boxes must be a whole number from 1 to {scale_max - 1}, not {boxes!r}")
    return found


def csat(
    ratings: Iterable[int | None],
    *,
    scale_max: int = 5,
    boxes: int | None = None,
    cohort: Cohort = ANSWERED,
    confidence: float = 0.95,
    warnings: Iterable[str] = (),
) -> MetricResult:
    """Return `csat.top<boxes>_of_<scale_max>`: the share of answers above *scale_max* - *boxes*, with an interval.

    Args:
        ratings: Codes 1..*scale_max*; `None` is a blank, which leaves numerator and denominator and is counted.
        scale_max: The best answer.
        boxes: How many of the best answers count; by default 1 of 2, 1 of 3 and 2 of 5: a 3 of 5 is not satisfied.
        cohort: The people asked.
        confidence: Two-sided confidence.
        warnings: Codes to add.

    Raises:
        ValueError: An answer off the scale, or a scale whose boxes are not known.
    """
    best = _boxes(scale_max, boxes)
    given = list(ratings)
    answers = codes_on(given, 1, scale_max, "a rating")
    blank = len(given) - len(answers)
    return proportion(
        sum(answer > scale_max - best for answer in answers),
        len(answers),
        definition=f"csat.top{best}_of_{scale_max}/1",
        cohort=cohort.leaving_out({"blank": blank}) if blank else cohort,
        confidence=confidence,
        warnings=warnings,
    )


def csat_mean(
    ratings: Iterable[int | None],
    *,
    scale_max: int = 5,
    cohort: Cohort = ANSWERED,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    warnings: Iterable[str] = (),
) -> MetricResult:
    """Return `csat.mean_of_<scale_max>`, to be shown beside `csat_distribution`; the interval is bootstrapped.

    Raises:
        ValueError: An answer off the scale.
    """
    _boxes(scale_max, 1)
    given = list(ratings)
    answers = codes_on(given, 1, scale_max, "a rating")
    blank = len(given) - len(answers)
    where = cohort.leaving_out({"blank": blank}) if blank else cohort
    interval = bootstrap(answers, mean_of, confidence=confidence, resamples=resamples)
    return MetricResult(
        value=sum(answers) / len(answers) if answers else None,
        numerator=sum(answers),
        denominator=len(answers),
        n=len(answers),
        definition=f"csat.mean_of_{scale_max}/1",
        cohort=where,
        interval=interval,
        warnings={*codes_for(len(answers), interval, where, scale=scale_max - 1), *warnings},
    )


def csat_distribution(ratings: Iterable[int | None], *, scale_max: int = 5) -> tuple[int, ...]:
    """Return how often each answer 1..*scale_max* was given, unused ones included."""
    _boxes(scale_max, 1)
    answers = codes_on(ratings, 1, scale_max, "a rating")
    return tuple(answers.count(code) for code in range(1, scale_max + 1))
