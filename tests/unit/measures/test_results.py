"""Results, targets and rounding: the sentences of the definitions, number by number."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from supportkit.measures import (
    Cohort,
    Interval,
    MetricResult,
    TargetStatus,
    bootstrap,
    display_round,
    meets_target,
    merge_proportions,
    min_n_for_quantile,
    newcombe,
    per_person,
    percent,
    percentile,
    proportion,
    ratio_interval,
    smallest_sample_reaching,
    target_status,
    wilson,
    wilson_bound,
)

NOW = dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
ANY = Cohort(basis="answered")


def rate(k: int, n: int, **more) -> MetricResult:
    return proportion(k, n, definition="x.y/1", cohort=more.pop("cohort", ANY), **more)


@pytest.mark.parametrize(
    ("target", "met"), [(0.85, [(22, 22), (92, 100), (354, 400)]), (0.90, [(35, 35), (96, 100), (372, 400)])]
)
def test_where_a_target_begins_to_be_met(target, met):
    for k, n in met:
        assert target_status(rate(k, n), target) is TargetStatus.MET
        assert target_status(rate(k - 1, n), target) is not TargetStatus.MET
    assert smallest_sample_reaching(target) == met[0][1]
    assert smallest_sample_reaching(target, limit=5) is None


def test_at_most_targets_swap_the_sides():
    assert target_status(rate(1, 400), 0.05, op="<=") is TargetStatus.MET
    assert target_status(rate(200, 400), 0.05, op="<=") is TargetStatus.MISSED
    assert target_status(rate(20, 400), 0.05, op="<=") is TargetStatus.UNDECIDED


def test_an_open_period_decides_nothing():
    cohort = Cohort(basis="created", start=NOW, end=NOW + dt.timedelta(days=5), now=NOW + dt.timedelta(days=1))
    found = rate(400, 400, cohort=cohort)
    assert found.warnings == ("open_period",)
    assert target_status(found, 0.5) is TargetStatus.UNDECIDED


def test_a_target_has_the_unit_of_its_value():
    with pytest.raises(ValueError, match="unit of the value"):
        target_status(rate(1, 2), dt.timedelta(minutes=2))
    with pytest.raises(ValueError, match="'>=' or '<='"):
        target_status(rate(1, 2), 0.5, op=">")


@pytest.mark.parametrize(
    ("k", "n", "target", "reached"), [(17, 20, 0.85, True), (849, 999, 0.85, False), (0, 0, 0.1, None)]
)
def test_a_target_is_compared_exactly(k, n, target, reached):
    assert meets_target(k, n, target) is reached


def test_what_is_shown_does_not_decide():
    assert f"{display_round(84.95, digits=1)}" == "85.0"
    assert meets_target(8495, 10000, 0.85) is False
    assert percent(0.8495) == "85.0 %"
    assert percent(0.285, digits=0) == "29 %"
    assert percent(None) == "-"


@pytest.mark.parametrize(
    ("value", "digits"), [(math.nan, 0), (math.inf, 0), (True, 0), ("1", 0), (1.0, 400), (1.0, True)]
)
def test_what_cannot_be_rounded_is_refused(value, digits):
    with pytest.raises(ValueError, match="must be"):
        display_round(value, digits=digits)


@pytest.mark.parametrize("value", [1e300, 5e-324, -1.7976931348623157e308])
def test_every_float_can_be_shown(value):
    assert float(display_round(value, digits=2)) == round(value, 2)


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2), (1.0, 2), (True, 2), (1, None)])
def test_a_numerator_is_part_of_its_denominator(k, n):
    for call in (wilson, rate):
        with pytest.raises(ValueError, match=r"numerator|denominator"):
            call(k, n)


@pytest.mark.parametrize("confidence", [0, 1, 1.5, math.nan, "0.95"])
def test_a_confidence_lies_between_0_and_1(confidence):
    with pytest.raises(ValueError, match="confidence"):
        wilson(1, 2, confidence=confidence)


def test_intervals_of_the_definitions():
    diff, ratio = newcombe((56, 48), (70, 80)), ratio_interval((340, 500), (5000, 5000))
    assert (diff.low, diff.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert (ratio.low, ratio.high) == pytest.approx((0.5959, 0.7760), abs=5e-5)
    assert ratio_interval((0, 5), (10, 10)) is None
    assert newcombe((0, 5), (0, 10)) is None
    assert wilson_bound(0, 0, side="upper") is None
    with pytest.raises(ValueError, match="'lower' or 'upper'"):
        wilson_bound(1, 2, side="left")


@pytest.mark.parametrize(("q", "n"), [(0.5, 5), (0.9, 29), (0.95, 59), (0.99, 299)])
def test_how_many_values_a_quantile_needs(q, n):
    assert min_n_for_quantile(q) == n


def test_durations_have_percentiles_too():
    waits = [dt.timedelta(minutes=m) for m in (30, 60, 90, 200)]
    assert percentile(waits, 0.9) == dt.timedelta(minutes=167)
    with pytest.raises(ValueError, match="finite"):
        percentile([1.0, math.nan], 0.5)


def test_a_person_is_not_judged_by_nine_answers():
    hidden = per_person(rate(9, 9))
    assert (hidden.value, hidden.numerator, hidden.interval, hidden.n) == (None, None, None, 9)
    assert "hidden_small_n" in hidden.warnings
    assert per_person(rate(10, 10)).value == 1


def test_results_of_different_definitions_are_never_merged():
    other = proportion(1, 2, definition="x.y/2", cohort=ANY)
    with pytest.raises(ValueError, match="never merged"):
        merge_proportions(rate(1, 2), other)
    with pytest.raises(ValueError, match="cohorts"):
        merge_proportions(rate(1, 2), rate(1, 2, cohort=Cohort(basis="sent")))
    median = MetricResult(value=1.0, n=3, definition="x.y/1", cohort=ANY)
    with pytest.raises(ValueError, match="not a rate"):
        merge_proportions(median, rate(1, 2))


def test_names_and_codes_are_checked():
    with pytest.raises(ValueError, match=r"csat.top2_of_5/1"):
        MetricResult(value=None, n=0, definition="CSAT", cohort=ANY)
    with pytest.raises(ValueError, match="unknown warning 'odd'"):
        rate(1, 2, warnings=["odd"])
    with pytest.raises(ValueError, match="basis"):
        Cohort(basis="asked")
    with pytest.raises(ValueError, match="aware"):
        Cohort(basis="sent", now=dt.datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="before its start"):
        Cohort(basis="sent", start=NOW, end=NOW - dt.timedelta(1))


def test_a_resample_without_a_value_is_unbounded():
    values = [None] * 5 + [1.0] * 5
    found = bootstrap(values, lambda drawn: None if drawn[0] is None else 1.0, resamples=100)
    assert (found.low, found.high) == (None, None)
    assert found.half_width is None
    assert bootstrap([], len) is None
    assert Interval(low=dt.timedelta(1), high=dt.timedelta(2), confidence=0.95, method="x").half_width is None


def test_a_period_is_open_until_its_end():
    ended = Cohort(basis="created", start=NOW, end=NOW, now=NOW)
    assert not ended.is_open
    assert Cohort(basis="created", end=NOW + dt.timedelta(microseconds=1), now=NOW).is_open


def test_another_zone_moves_the_borders_of_a_period_only():
    days = dt.date(2026, 3, 29), dt.date(2026, 3, 29)
    berlin, utc = (Cohort.of_days("created", *days, zone=zone, now=NOW) for zone in ("Europe/Berlin", "UTC"))
    assert berlin.end - berlin.start == dt.timedelta(hours=23)  # the clocks change
    assert utc.end - utc.start == dt.timedelta(hours=24)
    assert berlin.has(utc.start - dt.timedelta(hours=1))
    assert not berlin.has(berlin.end)
    with pytest.raises(ValueError, match="no IANA time zone"):
        Cohort.of_days("created", *days, zone="CET+1", now=NOW)
    with pytest.raises(ValueError, match="before it begins"):
        Cohort.of_days("created", days[0], days[0] - dt.timedelta(1), zone="UTC", now=NOW)
