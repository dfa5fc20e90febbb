"""Laws of staffing: what must hold for any load, patience, deadline and clock."""

from __future__ import annotations

import datetime as dt
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supportkit.staffing import (
    Goal,
    Job,
    Shift,
    coverage_gaps,
    delay_probability,
    erlang_a,
    erlang_b,
    erlang_c,
    halfin_whitt_beta,
    local_day,
    min_capacity_for_deadlines,
    queue,
    required_agents,
    required_agents_impatient,
    scheduled_agents,
)

SETTINGS = settings(max_examples=50, deadline=None)
LOADS = st.floats(0.05, 300)
ZONES = st.sampled_from(["Europe/Berlin", "Asia/Sakhalin", "America/St_Johns", "Asia/Kathmandu", "UTC", "Pacific/Apia"])


@SETTINGS
@given(st.integers(1, 300), LOADS)
def test_blocking_and_waiting_fall_with_agents_and_rise_with_load(agents, load):
    for chance in (erlang_b, erlang_c):
        assert chance(agents + 1, load) <= chance(agents, load) <= chance(agents, 1.1 * load)
    assert erlang_b(agents, load) <= erlang_c(agents, load) <= 1


@SETTINGS
@given(st.integers(1, 300), LOADS, st.floats(1, 900), st.floats(0, 600))
def test_service_level_rises_with_patience_and_agents(agents, load, aht, threshold):
    found = queue(agents, load, aht)
    assert found.service_level(threshold) <= found.service_level(threshold + 10)
    assert found.service_level(threshold) <= queue(agents + 1, load, aht).service_level(threshold)
    assert found.service_level(0) == pytest.approx(1 - found.p_wait)
    if found.is_stable:
        for q in (0.5, 0.9):
            wait = found.wait_quantile(q)
            assert found.service_level(wait) >= q - 1e-9


@SETTINGS
@given(st.floats(0, 300), st.floats(10, 900), st.floats(0.05, 0.99), st.floats(0, 600))
def test_what_is_required_is_enough_and_one_less_is_not(load, aht, level, threshold):
    found = required_agents(load, aht, Goal(service_level=level, threshold=threshold))
    assert queue(found.agents, load, aht).service_level(threshold) >= level
    fewer = found.agents - 1
    assert fewer == 0 or queue(fewer, load, aht).service_level(threshold) < level


RATES = st.tuples(st.integers(1, 120), st.floats(0.1, 60), st.floats(0.2, 3), st.floats(0.02, 3))


@SETTINGS
@given(RATES)
def test_a_queue_with_impatience_is_in_balance(rates):
    agents, lam, mu, theta = rates
    found = erlang_a(agents, lam, mu, theta, threshold=0)
    assert found.service_level == pytest.approx(1 - found.p_wait, abs=1e-9)
    assert theta * found.mean_queue == pytest.approx(lam * found.p_abandon, rel=1e-9)
    for threshold in (1e3, 1e6):
        long = erlang_a(agents, lam, mu, theta, threshold=threshold)
        assert long.service_level == pytest.approx(1 - found.p_abandon, abs=1e-9)
    assert 0 <= found.p_abandon <= 1
    assert found.occupancy <= 1 + 1e-9


@SETTINGS
@given(st.integers(1, 60), st.floats(0.05, 0.9))
def test_endless_patience_is_erlang_c(agents, part):
    found = erlang_a(agents, part * agents, 1.0, 1e-9, threshold=0.5)
    expected = queue(agents, part * agents, 1.0)
    assert found.p_wait == pytest.approx(expected.p_wait, rel=1e-5, abs=1e-9)
    assert found.mean_wait == pytest.approx(expected.asa, rel=1e-4, abs=1e-9)
    assert found.service_level == pytest.approx(expected.service_level(0.5), rel=1e-5)


@SETTINGS
@given(st.floats(0.1, 40), st.floats(0.1, 2), st.floats(0.05, 2), st.floats(0.1, 0.95), st.floats(0, 3))
def test_required_with_impatience_is_enough_and_one_less_is_not(lam, mu, theta, level, threshold):
    agents = required_agents_impatient(lam, mu, theta, service_level=level, threshold=threshold)
    assert erlang_a(agents, lam, mu, theta, threshold=threshold).service_level >= level
    assert agents == 1 or erlang_a(agents - 1, lam, mu, theta, threshold=threshold).service_level < level


@SETTINGS
@given(st.floats(0.001, 0.999))
def test_the_margin_gives_back_the_chance_of_waiting(chance):
    assert delay_probability(halfin_whitt_beta(chance)) == pytest.approx(chance, rel=1e-9)


JOBS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 10), st.integers(0, 12)).map(lambda j: Job(j[0], j[0] + j[1], j[2])),
    min_size=1,
    max_size=7,
)


def misses(jobs: list[Job], capacity: Fraction) -> bool:
    """Work the earliest deadline first, exactly, and tell whether something was late."""
    left = {index: Fraction(job.work) for index, job in enumerate(jobs) if job.work}
    now = Fraction(0)
    while left:
        ready = [index for index in left if jobs[index].release <= now]
        if not ready:
            now = Fraction(min(jobs[index].release for index in left))
            continue
        first = min(ready, key=lambda index: jobs[index].deadline)
        coming = [Fraction(jobs[index].release) for index in left if jobs[index].release > now]
        end = min([now + left[first] / capacity, *coming])
        left[first] -= (end - now) * capacity
        now = end
        if not left[first]:
            del left[first]
            if now > jobs[first].deadline:
                return True
    return False


@SETTINGS
@given(JOBS, JOBS)
def test_the_smallest_capacity_misses_nothing_and_less_misses_something(jobs, more):
    bound = min_capacity_for_deadlines(jobs)
    assert min_capacity_for_deadlines([Job(j.release, j.deadline, 4 * j.work) for j in jobs]) == 4 * bound
    assert min_capacity_for_deadlines([*jobs, *more]) >= bound
    if bound:
        assert not misses(jobs, Fraction(bound) * (1 + Fraction(1, 10**12)))
        assert misses(jobs, Fraction(bound) * Fraction(999, 1000))


@SETTINGS
@given(st.floats(0, 1000), st.lists(st.floats(0, 0.5), max_size=4))
def test_what_is_scheduled_leaves_what_is_needed(base, parts):
    found = scheduled_agents(base, parts)
    assert found * math.prod(1 - part for part in parts) == pytest.approx(base)


CLOCK = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@SETTINGS
@given(st.dates(dt.date(2015, 1, 2), dt.date(2027, 12, 30)), ZONES, ZONES, CLOCK, CLOCK)
def test_gaps_and_work_fill_the_day_minute_by_minute(day, view, zone, start, end):
    shift = Shift(zone=zone, start=start, end=end)
    gaps = coverage_gaps(day, view=view, shifts=[shift])
    begin, finish = local_day(day, view)
    assert (finish - begin) in {dt.timedelta(hours=hours) for hours in (0, 23, 24, 25)} or view == "Pacific/Apia"
    spells = [shift.on(day + dt.timedelta(days=away)) for away in range(-3, 4)]
    at = begin
    while at < finish:
        # An instant of the day, walked over with nothing but the two ends of each shift.
        worked = any(first <= at < last for first, last in spells)
        assert worked is not any(a <= at - begin < b for a, b in gaps)
        at += dt.timedelta(minutes=37)


def test_two_zones_are_not_always_the_same_hours_apart() -> None:
    shift = Shift(zone="Asia/Sakhalin", start=dt.time(9), end=dt.time(18))
    seen = [shift.seen_from(dt.date(year, 1, 15), "Europe/Moscow")[0].hour for year in (2015, 2026)]
    assert seen == [2, 1]
