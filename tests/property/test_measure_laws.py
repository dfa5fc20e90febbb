"""Laws of the numbers: intervals, percentiles, survival, indexes, scores. What must hold for any data."""

from __future__ import annotations

import math
import statistics

import attrs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from supportkit.measures import (
    Cohort,
    TargetStatus,
    bootstrap,
    meets_target,
    merge_proportions,
    percentile,
    proportion,
    target_status,
    wilson,
)
from supportkit.metrics import Observation, agreement_table, cohen_kappa, km_quantile, xmr_chart
from supportkit.surveys import (
    NpsCounts,
    Stratum,
    acsi_items,
    acsi_respondents,
    csat,
    csi,
    csi_respondents,
    is_sampled,
    nps,
    nps_adjusted_wald,
    post_stratified_rate,
)

ANY = Cohort(basis="answered")
COUNTS = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
CONFIDENCE = st.floats(0.5, 0.999)
REAL = st.floats(-1e6, 1e6, allow_subnormal=False)
CODES = st.lists(st.integers(1, 10), min_size=1, max_size=6)
SETTINGS = settings(max_examples=60, deadline=None)
METHODS = st.sampled_from(["minmax", "percent_of_max", "raw"])


# -- proportions -----------------------------------------------------------------------------------------------------


@SETTINGS
@given(COUNTS, CONFIDENCE)
def test_wilson_holds_the_value_and_mirrors(counts, confidence):
    k, n = counts
    found, mirrored = wilson(k, n, confidence=confidence), wilson(n - k, n, confidence=confidence)
    assert 0 <= found.low <= k / n <= found.high <= 1
    assert (found.low == 0) >= (k == 0)
    assert (found.high == 1) >= (k == n)
    assert math.isclose(found.low, 1 - mirrored.high, abs_tol=1e-12)
    assert math.isclose(found.high, 1 - mirrored.low, abs_tol=1e-12)


@SETTINGS
@given(COUNTS, CONFIDENCE)
def test_wilson_narrows_with_data_and_widens_with_confidence(counts, confidence):
    k, n = counts
    width = wilson(k, n, confidence=confidence).half_width
    assert wilson(2 * k, 2 * n, confidence=confidence).half_width < width
    assert wilson(k, n, confidence=(1 + confidence) / 2).half_width > width


@SETTINGS
@given(COUNTS, st.integers(1, 99), st.sampled_from([">=", "<="]))
def test_met_implies_reached_and_missed_implies_not(counts, hundredths, op):
    k, n = counts
    target = hundredths / 100
    status = target_status(proportion(k, n, definition="x/1", cohort=ANY), target, op=op)
    if status is not TargetStatus.UNDECIDED:
        assert meets_target(k, n, target, op=op) is (status is TargetStatus.MET)


@SETTINGS
@given(st.lists(st.one_of(st.none(), st.integers(1, 5)), max_size=40), st.data())
def test_a_rate_of_parts_is_the_rate_of_the_whole(ratings, data):
    cut = data.draw(st.integers(0, len(ratings)))
    parts = csat(ratings[:cut]), csat(ratings[cut:])
    assert merge_proportions(*parts) == csat(ratings)
    assert csat(data.draw(st.permutations(ratings))) == csat(ratings)


@SETTINGS
@given(st.integers(1, 9), st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30)), min_size=1, max_size=5))
def test_post_stratification_of_proportional_answers_is_the_plain_rate(factor, groups):
    strata = [Stratum(population=factor * n, answered=n, satisfied=min(k, n)) for n, k in groups]
    plain = sum(one.satisfied for one in strata) / sum(one.answered for one in strata)
    assert post_stratified_rate(strata).value == pytest.approx(plain, abs=1e-12)


@SETTINGS
@given(st.text(max_size=12), st.floats(0, 1), st.floats(0, 1))
def test_sampling_sets_are_nested(ticket, first, second):
    low, high = sorted([first, second])
    assert is_sampled(ticket, rate=low, salt="s") <= is_sampled(ticket, rate=high, salt="s")
    assert not is_sampled(ticket, rate=0, salt="s")
    assert is_sampled(ticket, rate=1, salt="s")


# -- percentiles and survival ----------------------------------------------------------------------------------------


@SETTINGS
@given(st.lists(REAL, min_size=1, max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_percentiles_rise_and_stay_within_the_data(values, first, second):
    low, high = sorted([first, second])
    assert min(values) <= percentile(values, low) <= percentile(values, high) <= max(values)


@SETTINGS
@given(st.lists(st.integers(0, 50), min_size=1, max_size=25))
def test_without_open_waits_the_median_is_the_ordinary_one(times):
    waits = [Observation(float(time), True) for time in times]
    assert km_quantile(waits, 0.5) == pytest.approx(statistics.median(times), abs=1e-9)


@SETTINGS
@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=20),
    st.integers(0, 25),
    st.sampled_from([0.1, 0.25, 0.5, 0.9]),
)
def test_one_more_open_wait_never_lowers_a_quantile(waits, more, q):
    def high(value):
        return math.inf if value is None else value

    seen = [Observation(float(time), observed) for time, observed in waits]
    assert high(km_quantile([*seen, Observation(float(more), False)], q)) >= high(km_quantile(seen, q))


# -- survey scores ---------------------------------------------------------------------------------------------------


@SETTINGS
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 10)), min_size=1, max_size=6), st.data(), METHODS)
def test_csi_cares_for_proportions_of_weights_and_not_for_order(pairs, data, method):
    index = csi(*zip(*pairs, strict=True), lo=1, hi=10, method=method)
    factor = data.draw(st.sampled_from([0.5, 2, 4, 1024]))
    shuffled = data.draw(st.permutations(pairs))
    weights, answers = zip(*shuffled, strict=True)
    assert csi([factor * weight for weight in weights], answers, lo=1, hi=10, method=method) == index


@SETTINGS
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 10)), min_size=1, max_size=6), st.integers(-9, 9))
def test_csi_minmax_does_not_care_for_the_names_of_the_answers(pairs, shift):
    weights, answers = zip(*pairs, strict=True)
    index = csi(weights, answers, lo=1, hi=10)
    assert 0 <= index <= 100
    assert csi(weights, [3 * a + shift for a in answers], lo=3 + shift, hi=30 + shift) == index
    assert csi(weights, [11 - a for a in answers], lo=1, hi=10) == pytest.approx(100 - index, abs=1e-12)


@SETTINGS
@given(CODES, st.integers(1, 10))
def test_equal_answers_give_the_place_of_that_answer(weights, answer):
    assert csi(weights, [answer] * len(weights), lo=1, hi=10) == pytest.approx(100 * (answer - 1) / 9, abs=1e-12)


@SETTINGS
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=6), st.data(), METHODS)
def test_no_csi_falls_when_an_answer_rises(pairs, data, method):
    weights, answers = (list(column) for column in zip(*pairs, strict=True))
    place = data.draw(st.integers(0, len(answers) - 1))
    better = [*answers[:place], answers[place] + 1, *answers[place + 1 :]]
    how = {"lo": 1, "hi": 10, "method": method}
    assert csi(weights, better, **how) >= csi(weights, answers, **how)
    one = csi_respondents(weights, [answers, answers], resamples=0, **how).value
    assert csi_respondents(weights, [better, answers], resamples=0, **how).value >= one


@SETTINGS
@given(st.lists(st.tuples(*[st.integers(1, 10)] * 3), min_size=1, max_size=12))
def test_acsi_orders_agree_without_blanks(responses):
    items, people = acsi_items(responses, resamples=0), acsi_respondents(responses, resamples=0)
    assert items.value == pytest.approx(people.value, abs=1e-9)
    assert 0 <= items.value <= 100


@SETTINGS
@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400))
def test_nps_turns_round_when_promoters_and_detractors_change_places(plus, zero, minus):
    assume(plus + zero + minus)
    one, other = nps(NpsCounts(plus, zero, minus)), nps(NpsCounts(minus, zero, plus))
    assert one.value == -other.value
    assert one.interval.low == pytest.approx(-other.interval.high, abs=1e-9)
    assert (
        -100 <= one.interval.low <= nps_adjusted_wald(NpsCounts(plus, zero, minus)).centre <= one.interval.high <= 100
    )


@SETTINGS
@given(st.lists(st.one_of(st.none(), st.integers(0, 10)), max_size=40), st.data())
def test_nps_of_scores_is_nps_of_counts_in_any_order(scores, data):
    counts = NpsCounts.of(scores)
    from_scores = nps(data.draw(st.permutations(scores)))
    assert attrs.evolve(from_scores, cohort=ANY) == nps(counts)
    cut = data.draw(st.integers(0, len(scores)))
    assert NpsCounts.of(scores[:cut]) + NpsCounts.of(scores[cut:]) == counts


@given(st.integers(0, 99))
@settings(max_examples=5, deadline=None)
def test_a_bootstrap_with_one_seed_gives_one_interval(seed):
    values = [1.0, 2.0, 2.0, 5.0, 9.0]
    found = [bootstrap(values, statistics.fmean, resamples=200, seed=seed) for _ in range(2)]
    assert found[0] == found[1]
    assert 1 <= found[0].low <= found[0].high <= 9


# -- charts and raters -----------------------------------------------------------------------------------------------


@SETTINGS
@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=20), st.integers(-5000, 5000))
def test_xmr_limits_move_with_the_data(values, shift):
    before, after = xmr_chart(values), xmr_chart([value + shift for value in values])
    for name in ("mean", "unpl", "lnpl"):
        assert getattr(after, name) == pytest.approx(getattr(before, name) + shift, abs=1e-6)
    assert after.mr_bar == pytest.approx(before.mr_bar)


@SETTINGS
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=25),
    st.sampled_from([None, "linear", "quadratic"]),
)
def test_kappa_is_at_most_one_and_does_not_care_who_is_first(pairs, weights):
    one = cohen_kappa(agreement_table(pairs, range(1, 5)), weights=weights)
    other = cohen_kappa(agreement_table([(b, a) for a, b in pairs], range(1, 5)), weights=weights)
    assert one == other
    assert one is None or one <= 1
