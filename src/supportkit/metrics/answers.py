"""Answers of surveys as plain values, and the scores of each question in a period.

An answer may have versions: the last one of an invitation counts, by the instant of its first one. Suspicious answers
are left out and counted. Events of surveys are turned into these values by whoever reads them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator

import attrs

from supportkit.clock import to_utc
from supportkit.measures.results import Cohort, MetricResult
from supportkit.surveys.ces import ces
from supportkit.surveys.csat import TOP_BOXES, csat, csat_mean
from supportkit.surveys.nps import nps

NPS_SCALE, EFFORT = (0, 10), 7


def _instant(value: dt.datetime) -> dt.datetime:
    return to_utc(value, "at")


@attrs.frozen(kw_only=True)
class Answer:
    """What somebody answered to one question.

    Attributes:
        invitation: What tells invitations apart: a survey, a ticket and the number of a resolution.
        question: Its id.
        code: What was chosen; `None` for a blank.
        lo: The lowest code of the scale.
        hi: The highest one.
        higher_is_better: Whether the highest code is the best one.
        at: When this version was given.
        version: 1 for the first one.
        flagged: Whether it is suspicious.
        locale: The language in which the question was shown.
    """

    invitation: str
    question: str
    code: int | None
    lo: int
    hi: int
    higher_is_better: bool = True
    at: dt.datetime = attrs.field(converter=_instant)
    version: int = 1
    flagged: bool = False
    locale: str | None = None


@attrs.frozen(kw_only=True)
class QuestionScore:
    """The scores of one question.

    Attributes:
        question: Its id.
        results: Its numbers.
        distribution: How often each code was given, from the lowest one.
    """

    question: str
    results: tuple[MetricResult, ...]
    distribution: tuple[tuple[int, int], ...]


def answer_scores(answers: Iterable[Answer], *, cohort: Cohort) -> tuple[QuestionScore, ...]:
    """Return the scores of every question that was answered in the period, by the name of the question.

    0..10 is scored as NPS, 1..7 as effort, 1..2, 1..3 and 1..5 as satisfaction with mean; other scales by their
    distribution alone, because which of their answers are good nobody has said.

    Args:
        answers: All versions, in any order; one that comes twice counts once.
        cohort: The period by `answered`.

    Raises:
        ValueError: The cohort counts by another date, or one question has two scales.
    """
    if cohort.basis != "answered":
        raise ValueError(f"answers count by 'answered', and the cohort by {cohort.basis!r}")
    by_question: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in _last(answers, cohort):
        by_question[answer.question].append(answer)
    return tuple(_scored(name, several, cohort) for name, several in sorted(by_question.items()))


def _last(answers: Iterable[Answer], cohort: Cohort) -> Iterator[Answer]:
    """Yield the last version of each answer whose first one lies in the period, and that was given by then."""
    versions: defaultdict[tuple[str, str], dict[int, Answer]] = defaultdict(dict)
    for answer in answers:
        if cohort.now is None or answer.at <= cohort.now:
            versions[answer.invitation, answer.question][answer.version] = answer
    for several in versions.values():
        if cohort.has(several[min(several)].at):
            yield several[max(several)]


def _scored(question: str, answers: list[Answer], cohort: Cohort) -> QuestionScore:
    scales = {(one.lo, one.hi, one.higher_is_better) for one in answers}
    if len(scales) != 1:
        raise ValueError(f"question {question!r} has answers on different scales, which are never pooled")
    ((lo, hi, higher),) = scales
    flagged = sum(one.flagged for one in answers)
    codes = [one.code for one in answers if not one.flagged]
    where = cohort.leaving_out({"flagged": flagged}) if flagged else cohort
    warnings = ["flagged_answers"] if flagged else []
    if len({one.locale for one in answers if not one.flagged}) > 1:
        warnings.append("mixed_languages")
    results: tuple[MetricResult, ...] = ()
    if (lo, hi) == NPS_SCALE and higher:
        results = (nps(codes, cohort=where, warnings=warnings),)
    elif (lo, hi) == (1, EFFORT):
        effort = ces(codes, scale=(lo, hi), higher_is_easier=higher, cohort=where, resamples=0, warnings=warnings)
        results = (effort.easy_share, effort.net, effort.mean)
    elif lo == 1 and hi in TOP_BOXES and higher:
        mean = csat_mean(codes, scale_max=hi, cohort=where, resamples=0, warnings=warnings)
        results = (csat(codes, scale_max=hi, cohort=where, warnings=warnings), mean)
    given = [code for code in codes if code is not None]
    spread = tuple((code, given.count(code)) for code in range(lo, hi + 1))
    return QuestionScore(question=question, results=results, distribution=spread)
