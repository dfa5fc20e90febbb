"""CES, customer effort: three numbers with an id each, after turning the answers so that higher means easier."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from supportkit.measures.bootstrap import RESAMPLES, bootstrap, mean_of
from supportkit.measures.proportions import proportion
from supportkit.measures.results import Cohort, MetricResult, codes_for
from supportkit.surveys.nps import net_interval
from supportkit.surveys.scales import Scale, codes_on, scale_of

ANSWERED = Cohort(basis="answered")


@attrs.frozen(kw_only=True)
class EffortScores:
    """The three customer effort scores of one set of answers.

    Attributes:
        mean: `ces.mean`, on the scale of the answers, after turning.
        easy_share: `ces.easy_share`, the share above the middle of the scale.
        net: `ces.net` = 100 * (above - below) / n, in points.
    """

    mean: MetricResult
    easy_share: MetricResult
    net: MetricResult


def ces(
    ratings: Iterable[int | None],
    *,
    scale: Scale = (1, 7),
    higher_is_easier: bool,
    cohort: Cohort = ANSWERED,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    warnings: Iterable[str] = (),
) -> EffortScores:
    """Return the three effort scores; an answer in the middle of the scale is neither easy nor hard.

    Args:
        ratings: Codes on the scale; `None` is a blank.
        scale: The lowest and the highest code.
        higher_is_easier: False where high codes mean much effort (CES 1.0); each answer becomes `lo + hi - answer`.
        cohort: The people asked.
        confidence: Two-sided confidence: bootstrap for the mean, Wilson for the share, adjusted Wald for the net score.
        resamples: Of the bootstrap; 0 leaves that interval out.
        warnings: Codes to add.

    Raises:
        ValueError: An answer off the scale.
    """
    lo, hi = scale
    scale_of(lo, hi)
    given = list(ratings)
    codes = codes_on(given, lo, hi, "a rating")
    answers = codes if higher_is_easier else [lo + hi - code for code in codes]
    n, more = len(answers), set(warnings)
    where = cohort.leaving_out({"blank": len(given) - n}) if n < len(given) else cohort
    above = sum(2 * answer > lo + hi for answer in answers)
    below = sum(2 * answer < lo + hi for answer in answers)
    spread = bootstrap(answers, mean_of, confidence=confidence, resamples=resamples)
    reach = net_interval(above, n - above - below, below, confidence=confidence)
    return EffortScores(
        mean=MetricResult(
            value=sum(answers) / n if n else None,
            numerator=sum(answers),
            denominator=n,
            n=n,
            definition="ces.mean/1",
            cohort=where,
            interval=spread,
            warnings=codes_for(n, spread, where, scale=hi - lo) | more,
        ),
        easy_share=proportion(
            above, n, definition="ces.easy_share/1", cohort=where, confidence=confidence, warnings=more
        ),
        net=MetricResult(
            value=100 * (above - below) / n if n else None,
            numerator=above - below,
            denominator=n,
            n=n,
            definition="ces.net/1",
            cohort=where,
            interval=reach,
            warnings=codes_for(n, reach, where, scale=100) | more,
        ),
    )
