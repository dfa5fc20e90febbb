"""Scores at their edges: blanks, nothing at all, bad weights; what the golden cases leave out."""

from __future__ import annotations

import datetime as dt

import pytest

from supportkit.measures import Cohort
from supportkit.surveys import (
    Invitation,
    NpsCounts,
    Stratum,
    acsi,
    acsi_items,
    ces,
    csat,
    csat_distribution,
    csat_mean,
    csi,
    csi_aggregate,
    csi_of_respondent,
    csi_respondents,
    is_sampled,
    nps,
    nps_adjusted_wald,
    nps_bootstrap,
    nps_difference,
    nps_wald,
    post_stratified_rate,
    response_rate,
    weighted_nps,
)

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("importance", "satisfaction", "sentence"),
    [
        ([1], [1, 2], "of one length"),
        ([-1, 2], [3, 4], "must not be negative"),
        ([0, 0], [3, 4], "must not sum to 0"),
        ([1, 2], [0, 4], "scale 1..5"),
        ([True, 2], [3, 4], "must be a number"),
        ([1, 2], [3, float("nan")], "finite"),
        ([1, "2"], [3, 4], "must be a number"),
    ],
)
def test_a_bad_index_is_refused(importance, satisfaction, sentence):
    with pytest.raises(ValueError, match=sentence):
        csi(importance, satisfaction, lo=1, hi=5)


def test_a_wrong_method_is_refused_even_without_data():
    with pytest.raises(ValueError, match="'minmax', 'percent_of_max' or 'raw'"):
        csi([], [], lo=1, hi=5, method="percent")
    with pytest.raises(ValueError, match="ends above 0"):
        csi([1], [-1], lo=-2, hi=0, method="percent_of_max")


def test_weight_zero_contributes_nothing():
    assert csi([0, 2], [1, 5], lo=1, hi=5) == 100
    assert csi([0, 2], [1, None], lo=1, hi=5) is None


def test_exactly_half_of_the_weight_is_enough():
    assert csi_of_respondent([0.5, 0.5], [5, None], lo=1, hi=5) == 100
    assert csi_of_respondent([0.4, 0.6], [5, None], lo=1, hi=5) is None


def test_set_weights_and_own_importance():
    answers = [[5, 1], [1, 5], [None, None]]
    shared = csi_respondents([3, 1], answers, lo=1, hi=5, resamples=50)
    assert (shared.definition, shared.value, shared.n) == ("csi.minmax.respondent/1", 50.0, 2)
    assert shared.cohort.left_out("blank") == 1
    own = csi_respondents([[1, 0], [1, 0], [0, 0]], answers, lo=1, hi=5, resamples=0)
    assert (own.value, own.n, own.interval) == (50.0, 2, None)
    with pytest.raises(ValueError, match="not a mixture"):
        csi_respondents([3, [1]], answers, lo=1, hi=5)
    with pytest.raises(ValueError, match="of one length"):
        csi_respondents([[1, 2]], answers, lo=1, hi=5)
    assert csi_respondents([], [], lo=1, hi=5).value is None


def test_the_aggregate_index_resamples_people():
    found = csi_aggregate([[5, 3]] * 30, [[5, 1]] * 15 + [[3, 5]] * 15, lo=1, hi=5, resamples=200)
    assert found.definition == "csi.minmax.aggregate/1"
    assert found.interval.low <= found.value <= found.interval.high
    assert found.interval.method == "bootstrap_percentile"
    assert csi_aggregate([], [], lo=1, hi=5).warnings == ("no_data",)
    with pytest.raises(ValueError, match="rows"):
        csi_aggregate([[1, 2], [1]], [[1, 2], [1]], lo=1, hi=5)


def test_three_of_five_is_not_satisfied_and_other_scales_must_say():
    assert csat([3, 4]).value == 0.5
    assert csat([1, 2], scale_max=2).definition == "csat.top1_of_2/1"
    with pytest.raises(ValueError, match="give boxes"):
        csat([7], scale_max=7)
    with pytest.raises(ValueError, match="from 1 to 4"):
        csat([5], boxes=5)


def test_a_mean_goes_with_its_distribution():
    ratings = [5, 5, 1, None]
    assert csat_distribution(ratings) == (1, 0, 0, 0, 2)
    found = csat_mean(ratings, resamples=100)
    assert (found.value, found.n, found.definition) == (11 / 3, 3, "csat.mean_of_5/1")
    assert 1 <= found.interval.low < 11 / 3 < found.interval.high <= 5


def test_nothing_is_none_everywhere():
    assert nps([]).value is None
    assert nps([None]).warnings == ("no_data",)
    assert csat([]).value is None
    assert csat_mean([]).value is None
    assert acsi([None, 5, 5]) is None
    assert acsi_items([]).value is None
    none = NpsCounts(0, 0, 0)
    assert (none.variance, none.standard_error) == (None, None)
    assert [nps_wald(none), nps_adjusted_wald(none), nps_bootstrap(none)] == [None] * 3
    assert nps_difference(none, NpsCounts(1, 0, 0)) is None


def test_two_surveys_that_do_not_vary_have_no_test():
    found = nps_difference(NpsCounts(5, 0, 0), NpsCounts(9, 0, 0))
    assert (found.diff, found.standard_error, found.z, found.p_value) == (0, 0, None, None)


def test_the_drawn_bootstrap_is_close_to_the_exact_one():
    from supportkit.measures import bootstrap

    coded = [1] * 10 + [0] * 6 + [-1] * 4
    drawn = bootstrap(coded, lambda units: 100 * sum(units) / len(units))
    exact = nps_bootstrap(NpsCounts(10, 6, 4))
    assert abs(drawn.low - exact.low) <= 5
    assert abs(drawn.high - exact.high) <= 5


def test_a_small_score_is_only_indicative_and_its_interval_wide():
    assert nps([9, 10, 3]).warnings == ("indicative", "wide_interval")


def test_weights_of_a_survey():
    assert weighted_nps([10, 0, None], [3, 1, 5]).value == 50
    with pytest.raises(ValueError, match="negative"):
        weighted_nps([10], [-1])


def test_effort_of_the_first_generation_is_turned():
    found = ces([1, 1, 5, 3], scale=(1, 5), higher_is_easier=False, resamples=0)
    assert (found.mean.value, found.easy_share.value, found.net.value) == (3.5, 0.5, 25)
    assert found.net.interval.low < 25 < found.net.interval.high


def test_acsi_weights_are_named():
    found = acsi_items([[9, 8, 7]], weights=(0.3885, 0.319, 0.2925), weights_name="state_of_ohio", resamples=0)
    assert found.definition == "acsi.weighted.state_of_ohio.items/1"
    with pytest.raises(ValueError, match="named"):
        acsi_items([[9, 8, 7]], weights=(1, 1, 1))
    with pytest.raises(ValueError, match="three weights"):
        acsi([1, 2, 3], weights=(0, 0, 0))
    with pytest.raises(ValueError, match="three items"):
        acsi([1, 2])


def test_withdrawn_invitations_leave_both_sides_and_are_counted():
    cohort = Cohort(basis="sent", start=NOW - 90 * DAY, end=NOW, now=NOW)
    sent = NOW - 60 * DAY
    invitations = [
        Invitation(sent_at=sent, answered_at=sent + 14 * DAY),
        Invitation(sent_at=sent, withdrawn="bounced"),
        Invitation(sent_at=sent, withdrawn="cancelled"),
        Invitation(sent_at=NOW - 13 * DAY, answered_at=NOW - 12 * DAY),
        *[Invitation(sent_at=sent)] * 10,
    ]
    found = response_rate(invitations, window=14 * DAY, cohort=cohort)
    assert (found.numerator, found.denominator) == (1, 11)
    assert dict(found.cohort.excluded) == {"bounced": 1, "cancelled": 1, "immature": 1}
    assert "low_response" in found.warnings


def test_a_rate_by_another_date_is_refused():
    with pytest.raises(ValueError, match="'sent'"):
        response_rate([], window=DAY, cohort=Cohort(basis="answered", now=NOW))
    with pytest.raises(ValueError, match="now"):
        response_rate([], window=DAY, cohort=Cohort(basis="sent"))
    with pytest.raises(ValueError, match="before it was sent"):
        Invitation(sent_at=NOW, answered_at=NOW - DAY)


def test_a_silent_group_is_never_dropped():
    answered, silent = (Stratum(population=9, answered=3, satisfied=3), Stratum(population=1, answered=0, satisfied=0))
    found = post_stratified_rate([answered, silent])
    assert (found.value, found.warnings) == (None, ("indicative", "no_data"))


def test_sampling_is_the_published_one():
    asked = {f"T-{number}" for number in range(1, 21) if is_sampled(f"T-{number}", rate=0.2, salt="2026Q4")}
    assert asked == {"T-12", "T-15", "T-19", "T-20"}
    assert sum(is_sampled(f"T-{number}", rate=0.2, salt="2026Q4") for number in range(1, 100_001)) == 19_777


def test_the_index_of_items_resamples_people_and_not_items():
    responses = [[9, 8, 7], [5, None, 3]] * 20
    found = acsi_items(responses, resamples=300)
    assert found.interval.low < found.value < found.interval.high
    same = acsi_items([[9, 8, 7]] * 40, resamples=50)
    assert (same.interval.low, same.interval.high) == pytest.approx((same.value, same.value))
