"""CSI, the customer satisfaction index: satisfaction with attributes, weighted by their importance.

    raw = sum(I * S) / sum(I)      minmax = 100 (raw - lo) / (hi - lo)      percent_of_max = 100 raw / hi

The arithmetic is exact and rounded once, at the end, so that no index falls when an answer rises. The classic form is
`percent_of_max` (Aritonang 2005; N. Hill & J. Alexander, Handbook of Customer Satisfaction); its floor is not 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal

import attrs

from supportkit.measures.bootstrap import RESAMPLES, bootstrap, mean_of
from supportkit.measures.checks import Number, not_negative, number, same_length, share, total
from supportkit.measures.results import Cohort, MetricResult, codes_for
from supportkit.surveys.scales import mean, point_on, scale_of

Method = Literal["minmax", "percent_of_max", "raw"]
Row = Sequence[Number | None]
"""One person's numbers, an attribute each; `None` is a blank."""

ANSWERED = Cohort(basis="answered")


def _placed(raw: Fraction, lo: Number, hi: Number, method: Method) -> Fraction:
    match method:
        case "raw":
            return raw
        case "minmax":
            return 100 * (raw - Fraction(lo)) / (Fraction(hi) - Fraction(lo))
        case "percent_of_max":
            if hi <= 0:
                raise ValueError(f"percent_of_max needs a scale that ends above 0, not at {hi}")
            return 100 * raw / Fraction(hi)
    raise ValueError(f"the method of a CSI is 'minmax', 'percent_of_max' or 'raw', not {method!r}")


def _pairs(importance: Row, satisfaction: Row, lo: Number, hi: Number) -> list[tuple[Fraction, Fraction]]:
    """Return weight and answer of each attribute that has both, after looking at all of them."""
    same_length(importance, satisfaction, "importance and satisfaction")
    weights = [None if value is None else Fraction(not_negative(value, "an importance")) for value in importance]
    answers = [None if value is None else point_on(value, lo, hi, "a satisfaction") for value in satisfaction]
    given = [weight for weight in weights if weight is not None]
    if given and sum(given) == 0:
        raise ValueError("the weights of a CSI must not sum to 0")
    return [(w, a) for w, a in zip(weights, answers, strict=True) if w is not None and a is not None]


def _weighted(pairs: Sequence[tuple[Fraction, Fraction]]) -> Fraction | None:
    whole = sum((weight for weight, _answer in pairs), Fraction(0))
    return sum((weight * answer for weight, answer in pairs), Fraction(0)) / whole if whole else None


def csi(importance: Row, satisfaction: Row, *, lo: Number, hi: Number, method: Method = "minmax") -> float | None:
    """Return the index of attributes with these (mean) importances and satisfactions.

    An attribute without one of the two drops out, and the weights are renormalised over the rest.

    Args:
        importance: Weight of each attribute; only their proportions matter.
        satisfaction: Satisfaction with each attribute, on the scale.
        lo: The lowest answer.
        hi: The highest answer.
        method: `minmax`: a true 0..100. `percent_of_max`: the classic form. `raw`: on the scale itself.

    Returns:
        The index, `None` where no attribute is usable.

    Raises:
        ValueError: Lists of different length, a negative weight, weights summing to 0, an answer off the scale.
    """
    scale_of(lo, hi)
    raw = _weighted(_pairs(importance, satisfaction, lo, hi))
    _placed(Fraction(hi), lo, hi, method)  # a wrong method is an error with no data, too
    return None if raw is None else float(_placed(raw, lo, hi, method))


@attrs.frozen
class WeightScore:
    """What one attribute adds to the classic table.

    Attributes:
        weight_factor: 100 * importance / sum of importances.
        weight_score: Weight factor * satisfaction.
    """

    weight_factor: float
    weight_score: float


def weight_score(importance_mean: Number, importance_total: Number, satisfaction_mean: Number) -> WeightScore | None:
    """Return weight factor and weight score of an attribute, unrounded; `None` where the total is 0."""
    part, whole = (not_negative(value, "an importance") for value in (importance_mean, importance_total))
    if part > whole:
        raise ValueError(f"an importance of {part} is more than the total of {whole}")
    if whole == 0:
        return None
    factor = 100 * Fraction(part) / Fraction(whole)
    return WeightScore(float(factor), float(factor * Fraction(number(satisfaction_mean, "a satisfaction"))))


def csi_of_respondent(
    weights: Row, answers: Row, *, lo: Number, hi: Number, method: Method = "minmax", min_weight_share: float = 0.5
) -> float | None:
    """Return one person's index, `None` where less than *min_weight_share* of the weight is answered.

    Args:
        weights: The set weights, or that person's own importances.
        answers: Satisfaction with each attribute; blanks are left out and the weights renormalised.
        lo: The lowest answer.
        hi: The highest answer.
        method: As in `csi`.
        min_weight_share: Share of the weight that must be answered; exactly that much is enough.

    Raises:
        ValueError: As in `csi`.
    """
    scale_of(lo, hi)
    needed = Fraction(share(min_weight_share, "min_weight_share"))
    pairs = _pairs(weights, answers, lo, hi)
    answered = sum((weight for weight, _answer in pairs), Fraction(0))
    if not answered or answered < needed * total(weight for weight in weights if weight is not None):
        return None
    return csi(weights, answers, lo=lo, hi=hi, method=method)


def csi_respondents(
    importance: Sequence[Row] | Row,
    satisfaction: Sequence[Row],
    *,
    lo: Number,
    hi: Number,
    method: Method = "minmax",
    min_weight_share: float = 0.5,
    cohort: Cohort = ANSWERED,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    warnings: Iterable[str] = (),
) -> MetricResult:
    """Return `csi.<method>.respondent`: the mean of one index per person. The default where a company set the weights.

    Args:
        importance: One row of set weights for everybody, or one row of own importances per person. A person who
            called nothing important has no index.
        satisfaction: One row of answers per person.
        lo: The lowest answer.
        hi: The highest answer.
        method: As in `csi`.
        min_weight_share: As in `csi_of_respondent`.
        cohort: The people asked.
        confidence: Of the bootstrap interval, which resamples people.
        resamples: How many resamples; 0 leaves the interval out.
        warnings: Codes to add.

    Raises:
        ValueError: As in `csi`, or importance for another number of people than satisfaction.
    """
    rows, own = _rows_of(importance, len(satisfaction))
    same_length(rows, satisfaction, "the rows of importance and satisfaction")
    indexes: list[float] = []
    for weights, answers in zip(rows, satisfaction, strict=True):
        if own and not any(weights):
            same_length(weights, answers, "importance and satisfaction")
            continue
        found = csi_of_respondent(weights, answers, lo=lo, hi=hi, method=method, min_weight_share=min_weight_share)
        if found is not None:
            indexes.append(found)
    blank = len(satisfaction) - len(indexes)
    where = cohort.leaving_out({"blank": blank}) if blank else cohort
    interval = bootstrap(indexes, mean_of, confidence=confidence, resamples=resamples)
    found_mean = mean(indexes)
    scale = 100.0 if method != "raw" else float(hi - lo)
    return MetricResult(
        value=None if found_mean is None else float(found_mean),
        numerator=None if found_mean is None else math.fsum(indexes),
        denominator=len(indexes),
        n=len(indexes),
        definition=f"csi.{method}.respondent/1",
        cohort=where,
        interval=interval,
        warnings={*codes_for(len(indexes), interval, where, scale=scale), *warnings},
    )


def _rows_of(importance: Sequence[Row] | Row, people: int) -> tuple[list[Row], bool]:
    """Return a row of importance for each person, and whether the rows are their own."""
    rows: list[Row] = [row for row in importance if isinstance(row, Sequence)]
    if rows and len(rows) != len(importance):
        raise ValueError("importance is one row of weights, or one row per person, not a mixture")
    weights: Row = [weight for weight in importance if not isinstance(weight, Sequence)]
    return (rows, True) if rows or not people else ([weights] * people, False)


def csi_aggregate(
    importance: Sequence[Row],
    satisfaction: Sequence[Row],
    *,
    lo: Number,
    hi: Number,
    method: Method = "minmax",
    cohort: Cohort = ANSWERED,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    warnings: Iterable[str] = (),
) -> MetricResult:
    """Return `csi.<method>.aggregate`: the index of mean importances and mean satisfactions, each over its own answers.

    The default where customers were asked for importance, which is preferred: a company's own weights bias the index.
    The parameters are those of `csi_respondents`, with one row of importance per person.

    Raises:
        ValueError: As in `csi`, or rows of different length.
    """
    same_length(importance, satisfaction, "the rows of importance and satisfaction")
    for first, second in zip(importance, satisfaction, strict=True):
        same_length(first, second, "importance and satisfaction of a person")
        same_length(first, importance[0], "the rows of importance")
        for value in (*first, *second):
            if value is not None:
                number(value, "an answer")
        _check_on_scale(second, lo, hi)
    value = csi(_means(importance), _means(satisfaction), lo=lo, hi=hi, method=method)
    people = list(zip(importance, satisfaction, strict=True))
    n = sum(any(answer is not None for answer in row) for row in satisfaction)
    where = cohort.leaving_out({"blank": len(people) - n}) if n < len(people) else cohort

    def again(drawn: Sequence[tuple[Row, Row]]) -> float | None:
        raw = _quick(_quick_means([row for row, _other in drawn]), _quick_means([row for _other, row in drawn]))
        return None if raw is None else float(_placed(Fraction(raw), lo, hi, method))

    interval = bootstrap(people, again, confidence=confidence, resamples=resamples) if value is not None else None
    scale = 100.0 if method != "raw" else float(hi - lo)
    return MetricResult(
        value=value,
        n=n,
        definition=f"csi.{method}.aggregate/1",
        cohort=where,
        interval=interval,
        warnings={*codes_for(n, interval, where, scale=scale), *warnings},
    )


def _check_on_scale(row: Row, lo: Number, hi: Number) -> None:
    for value in row:
        if value is not None:
            point_on(value, lo, hi, "a satisfaction")


def _means(rows: Sequence[Row]) -> list[Fraction | None]:
    return [mean([value for value in column if value is not None]) for column in zip(*rows, strict=True)]


def _quick_means(rows: Sequence[Row]) -> list[float | None]:
    """Return column means in floats: a resample is noise, and exactness would cost thousands of fractions."""
    columns = ([value for value in column if value is not None] for column in zip(*rows, strict=True))
    return [float(sum(column)) / len(column) if column else None for column in columns]


def _quick(importance: Sequence[float | None], satisfaction: Sequence[float | None]) -> float | None:
    both = [(w, s) for w, s in zip(importance, satisfaction, strict=True) if w is not None and s is not None]
    whole = math.fsum(w for w, _s in both)
    return math.fsum(w * s for w, s in both) / whole if whole else None
