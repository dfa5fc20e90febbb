"""The ruler is measured before it measures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import pytest
from bench.harness import Row, alone, at_least, at_most, insist, take_turns, told


def row(values: list[float], *, bar: float = 2.0, spread: float = 1.0) -> Row:
    return at_most(bar, values, spread=spread, id="P0", work="nothing")


def test_the_sides_take_turns_and_each_is_first_in_every_other_round() -> None:
    order: list[str] = []

    def ours() -> float:
        order.append("ours")
        return 2.0

    def base() -> float:
        order.append("base")
        return 1.0

    measured = take_turns(ours, base, rounds=3)
    assert order[2:] == ["base", "ours", "ours", "base", "base", "ours"]
    assert measured.ratios == (2.0, 2.0, 2.0)


def test_the_first_round_does_not_count() -> None:
    first: Iterator[float] = iter([99.0, 1.0, 1.0])
    assert alone(lambda: next(first), rounds=2) == (1.0, 1.0)


def test_a_ratio_is_that_of_one_round() -> None:
    mine, theirs = cycle([1.0, 2.0, 20.0]), cycle([1.0, 1.0, 10.0])
    measured = take_turns(lambda: next(mine), lambda: next(theirs), rounds=2)
    assert measured.ratios == (2.0, 2.0)
    assert measured.spread == pytest.approx(10.0)


def test_the_median_is_what_is_judged() -> None:
    judged = row([1.0, 1.9, 9.0])
    assert (judged["ratio"], judged["low"], judged["high"], judged["ok"]) == (1.9, 1.0, 9.0, True)
    assert row([1.0, 2.1, 2.2])["ok"] is False


def test_a_bar_is_met_by_reaching_it() -> None:
    assert row([2.0])["ok"]
    assert at_least(2.0, [2.0], id="P0", work="nothing")["ok"]
    assert not at_least(2.0, [1.9], id="P0", work="nothing")["ok"]


def test_rounding_does_not_lift_a_row_over_its_bar() -> None:
    judged = row([2.001])
    assert (judged["ratio"], judged["ok"]) == (2.0, False)


def test_a_run_whose_base_varied_is_void() -> None:
    assert row([1.0], spread=2.6)["void"]
    assert not row([1.0], spread=2.5)["void"]


def test_a_row_without_a_bar_passes() -> None:
    judged = told([5.0], id="P0", work="nothing")
    assert (judged["bar"], judged["ok"]) == ("", True)


def test_a_bar_that_is_met_at_once_is_measured_once() -> None:
    rows = iter([row([1.0])])
    assert insist(lambda: next(rows))["runs"] == 1


def test_a_missed_bar_is_measured_three_times() -> None:
    rows = iter([row([3.0]), row([4.0]), row([5.0])])
    kept = insist(lambda: next(rows))
    assert (kept["runs"], kept["ok"]) == (3, False)


def test_one_good_run_of_three_meets_the_bar() -> None:
    rows = iter([row([3.0]), row([1.0])])
    kept = insist(lambda: next(rows))
    assert (kept["runs"], kept["ratio"], kept["ok"]) == (2, 1.0, True)


def test_a_void_run_is_measured_again_even_if_it_met_the_bar() -> None:
    rows = iter([row([1.0], spread=9.0), row([1.5])])
    kept = insist(lambda: next(rows))
    assert (kept["ratio"], kept["void"]) == (1.5, False)


def test_a_run_that_counts_is_kept_over_a_void_one() -> None:
    rows = iter([row([3.0]), row([1.0], spread=9.0), row([1.0], spread=9.0)])
    assert insist(lambda: next(rows))["ratio"] == 3.0
