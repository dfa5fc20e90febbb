"""The survey of San Francisco's airport: codes that mean "no answer" are the fault this data is for."""

from __future__ import annotations

import csv

import pytest
from tests.shared_data import shared_file

from supportkit.measures import TargetStatus, meets_target, target_status
from supportkit.surveys import (
    NpsCounts,
    Question,
    csat,
    csat_distribution,
    csat_mean,
    nps,
    nps_adjusted_wald,
    weighted_nps,
)

NETPRO = Question(id="NETPRO", lo=0, hi=10, blank_codes={11, ""})
Q7ALL = Question(id="Q7ALL", lo=1, hi=5, blank_codes={"Blank"})


@pytest.fixture(scope="module")
def rows():
    with shared_file("data/sfo2017_nps_csat_dev.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_rows_are_those_that_the_numbers_are_about(rows):
    assert len(rows) == len({row["RESPNUM"] for row in rows}) == 2831


def test_nps_of_a_real_survey(rows):
    found = nps([NETPRO.read(row["NETPRO"]) for row in rows])
    assert (found.n, found.numerator, found.denominator) == (2746, 1094, 2746)
    assert found.value == 100 * 1094 / 2746 == pytest.approx(39.840, abs=5e-4)
    assert found.cohort.left_out("blank") == 85
    assert (found.interval.low, found.interval.high) == pytest.approx((37.182, 42.410), abs=5e-4)
    assert found.warnings == ()
    counts = NpsCounts.of(NETPRO.read(row["NETPRO"]) for row in rows)
    assert counts == NpsCounts(1436, 968, 342)
    assert nps_adjusted_wald(counts).centre < found.value  # the centre is shrunk, and is not the score


def test_weighted_nps_of_a_real_survey(rows):
    scores = [NETPRO.read(row["NETPRO"]) for row in rows]
    assert weighted_nps(scores, [float(row["WEIGHT"]) for row in rows]).value == pytest.approx(40.398, abs=5e-4)


def test_satisfaction_of_a_real_survey(rows):
    ratings = [Q7ALL.read(row["Q7ALL"]) for row in rows]
    found = csat(ratings)
    assert (found.definition, found.n, found.numerator) == ("csat.top2_of_5/1", 2688, 2206)
    assert found.value == 2206 / 2688 == pytest.approx(0.82068, abs=5e-6)
    assert found.cohort.left_out("blank") == 143
    assert (found.interval.low, found.interval.high) == pytest.approx((0.80573, 0.83473), abs=5e-6)
    assert target_status(found, 0.85) is TargetStatus.MISSED
    assert meets_target(2206, 2688, 0.85) is False
    mean = csat_mean(ratings, resamples=0)
    assert (mean.numerator, mean.denominator, mean.value) == (10925, 2688, pytest.approx(4.0644, abs=5e-5))
    assert sum(csat_distribution(ratings)) == 2688


@pytest.mark.parametrize(("column", "lo", "hi"), [("NETPRO", 0, 10), ("Q7ALL", 1, 5)])
def test_a_blank_that_was_not_declared_is_refused(rows, column, lo, hi):
    question = Question(id=column, lo=lo, hi=hi)
    with pytest.raises(ValueError, match=f"{column}.*whole numbers from {lo} to {hi}"):
        nps([question.read(row[column]) for row in rows])
