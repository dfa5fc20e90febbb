"""The same numbers from scipy and statsmodels, which share no code with this project."""

from __future__ import annotations

import math

import pytest

from supportkit.measures import newcombe, percentile, wilson
from supportkit.metrics import cohen_kappa, fleiss_kappa, sample_size_for_change
from supportkit.staffing import erlang_a, erlang_b, erlang_c, halfin_whitt_beta
from supportkit.surveys import NpsCounts, nps_difference


@pytest.fixture(scope="module")
def scipy_stats():
    return pytest.importorskip("scipy.stats", reason="scipy is an oracle of the group `test`")


@pytest.fixture(scope="module")
def scipy_special():
    return pytest.importorskip("scipy.special", reason="scipy is an oracle of the group `test`")


@pytest.fixture(scope="module")
def proportions():
    return pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is an oracle of the group `test`")


CASES = [(k, n, confidence) for n in (1, 7, 30, 1000) for k in {0, 1, n // 2, n} for confidence in (0.8, 0.95, 0.99)]


@pytest.mark.parametrize(("k", "n", "confidence"), CASES)
def test_wilson_agrees_with_two_libraries(scipy_stats, proportions, k, n, confidence):
    found = wilson(k, n, confidence=confidence)
    theirs = scipy_stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    others = proportions.proportion_confint(k, n, alpha=1 - confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx([float(limit) for limit in others], abs=1e-12)


@pytest.mark.parametrize("counts", [(56, 70, 48, 80), (1, 30, 5, 31), (9, 10, 3, 10)])
def test_newcombe_agrees_with_statsmodels(proportions, counts):
    k1, n1, k2, n2 = counts
    found = newcombe((k1, k2), (n1, n2))
    theirs = proportions.confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx([float(limit) for limit in theirs], abs=1e-9)


@pytest.mark.parametrize(("base", "wanted"), [(0.05, 12_291), (0.10, 5_848), (0.20, 2_626)])
def test_samples_to_show_less_churn(base, wanted):
    assert sample_size_for_change(base, -0.15) == wanted


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_kappas_agree_with_statsmodels(weights):
    raters = pytest.importorskip("statsmodels.stats.inter_rater", reason="statsmodels is an oracle of the group `test`")
    table = [[11, 3, 0, 1], [2, 9, 4, 0], [0, 1, 8, 2], [1, 0, 0, 6]]
    theirs = raters.cohens_kappa(table, wt=weights).kappa
    assert cohen_kappa(table, weights=weights) == pytest.approx(float(theirs), abs=1e-12)
    subjects = [[3, 1, 0], [0, 4, 0], [2, 1, 1], [0, 0, 4]]
    assert fleiss_kappa(subjects) == pytest.approx(float(raters.fleiss_kappa(subjects)), abs=1e-12)


def test_percentiles_agree_with_numpy():
    numpy = pytest.importorskip("numpy", reason="numpy is an oracle of the group `test`")
    values = [3.5, -1.0, 12.0, 7.25, 7.25, 0.1]
    for q in (0.0, 0.1, 0.25, 0.5, 0.77, 0.9, 1.0):
        assert percentile(values, q) == pytest.approx(float(numpy.quantile(values, q)), abs=1e-12)


def test_the_difference_of_two_scores_agrees_with_the_normal_distribution(scipy_stats):
    found = nps_difference(NpsCounts(100, 50, 50), NpsCounts(40, 60, 100))
    assert found.p_value == pytest.approx(2 * float(scipy_stats.norm.sf(abs(found.z))), rel=1e-9)


@pytest.mark.parametrize(("agents", "load"), [(1, 0.3), (14, 10.0), (120, 100.0), (400, 390.0)])
def test_erlang_agrees_with_the_poisson_distribution(scipy_stats, agents, load):
    poisson = scipy_stats.poisson(load)
    blocking = float(math.exp(poisson.logpmf(agents) - poisson.logcdf(agents)))
    assert erlang_b(agents, load) == pytest.approx(blocking, rel=1e-9)
    waiting = blocking / (1 - load / agents * (1 - blocking))
    assert erlang_c(agents, load) == pytest.approx(waiting, rel=1e-9)


@pytest.mark.parametrize(
    ("agents", "lam", "mu", "theta", "threshold"),
    [(3, 4.0, 1.0, 0.5, 0.4), (20, 18.0, 1.0, 0.2, 0.5), (10, 30.0, 1.0, 2.0, 0.1), (50, 48.0, 1.0, 0.5, 1 / 3)],
)
def test_erlang_a_agrees_with_the_balance_of_its_states(scipy_special, agents, lam, mu, theta, threshold):
    weights = [1.0]
    for state in range(1, 800):
        weights.append(weights[-1] * lam / (min(state, agents) * mu + max(state - agents, 0) * theta))
    total = math.fsum(weights)
    found = erlang_a(agents, lam, mu, theta, threshold=threshold)
    assert found.p_wait == pytest.approx(math.fsum(weights[agents:]) / total, rel=1e-9)
    queue = math.fsum(j * w for j, w in enumerate(weights[agents:])) / total
    assert found.mean_queue == pytest.approx(queue, rel=1e-9)
    c, x = agents * mu / theta, math.exp(-theta * threshold)
    served = [
        w * c / (c + j + 1) * float(1 - scipy_special.betainc(c + 1, j + 1, x)) for j, w in enumerate(weights[agents:])
    ]
    level = (math.fsum(weights[:agents]) + math.fsum(served)) / total
    assert found.service_level == pytest.approx(level, rel=1e-9)


def test_the_square_root_margin_agrees_with_the_normal_distribution(scipy_stats):
    for chance in (0.05, 0.2, 0.5, 0.8):
        beta = halfin_whitt_beta(chance)
        ratio = beta * float(scipy_stats.norm.cdf(beta) / scipy_stats.norm.pdf(beta))
        assert 1 / (1 + ratio) == pytest.approx(chance, rel=1e-9)
