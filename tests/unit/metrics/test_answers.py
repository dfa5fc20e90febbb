"""Answers: the last version counts, suspicious ones are left out and counted, scales are never pooled."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from supportkit.measures import Cohort
from supportkit.metrics import Answer, answer_scores

DAY = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
MARCH = Cohort(basis="answered", start=DAY - dt.timedelta(days=1), end=DAY + dt.timedelta(days=30),
               now=DAY + dt.timedelta(days=60))  # fmt: skip


def rated(number, code, **more):
    return Answer(
        **{"invitation": f"T-{number}", "question": "csat", "code": code, "lo": 1, "hi": 5, "at": DAY, **more}
    )


def scored(answers, cohort=MARCH):
    (only,) = answer_scores(answers, cohort=cohort)
    return only


def test_satisfaction_is_scored_with_its_mean_and_distribution():
    found = scored([rated(1, 5), rated(2, 4), rated(3, 3), rated(4, None)])

    top, mean = found.results
    assert (top.definition, top.numerator, top.denominator) == ("csat.top2_of_5/1", 2, 3)
    assert top.cohort.left_out("blank") == 1
    assert mean.value == 4
    assert found.distribution == ((1, 0), (2, 0), (3, 1), (4, 1), (5, 1))


def test_the_last_version_counts_by_the_instant_of_the_first():
    late = DAY + dt.timedelta(days=40)
    versions = [rated(1, 1), rated(1, 5, version=2, at=late), rated(2, 5, at=late)]

    found = scored(versions[::-1])

    assert (found.results[0].numerator, found.results[0].denominator) == (1, 1)


def test_a_version_after_the_report_has_not_been_given():
    now = attrs.evolve(MARCH, now=DAY + dt.timedelta(days=31))
    found = scored([rated(1, 1), rated(1, 5, version=2, at=DAY + dt.timedelta(days=40))], now)
    assert found.results[0].numerator == 0


def test_an_answer_that_comes_twice_counts_once():
    assert scored([rated(1, 5), rated(1, 5)]).results[0].denominator == 1


def test_suspicious_answers_are_left_out_and_counted():
    found = scored([rated(1, 5), rated(2, 1, flagged=True)]).results[0]
    assert (found.value, found.cohort.left_out("flagged")) == (1.0, 1)
    assert "flagged_answers" in found.warnings


def test_pooled_languages_are_said():
    assert "mixed_languages" in scored([rated(1, 5, locale="en"), rated(2, 5, locale="ru")]).results[0].warnings


@pytest.mark.parametrize(
    ("scale", "definition"),
    [((0, 10), "nps.standard/1"), ((1, 7), "ces.easy_share/1"), ((1, 2), "csat.top1_of_2/1"), ((1, 4), None)],
)
def test_the_scale_says_what_is_scored(scale, definition):
    found = scored([rated(1, 1, lo=scale[0], hi=scale[1])])
    assert [one.definition for one in found.results][:1] == ([] if definition is None else [definition])
    assert sum(n for _code, n in found.distribution) == 1


def test_two_scales_of_one_question_are_never_pooled():
    with pytest.raises(ValueError, match="different scales"):
        scored([rated(1, 5), rated(2, 5, hi=10)])


def test_answers_count_by_when_they_were_given():
    with pytest.raises(ValueError, match="by 'answered'"):
        answer_scores([], cohort=Cohort(basis="created"))
