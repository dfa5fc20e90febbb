"""Staffing at its edges: nobody, nothing, overload, and what is refused."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from supportkit.staffing import (
    Goal,
    Job,
    Shift,
    agents_to_clear,
    backlog_path,
    coverage_gaps,
    erlang_a,
    erlang_b,
    erlang_c,
    fte_for_seats,
    halfin_whitt_beta,
    load_for_blocking,
    min_capacity_for_deadlines,
    queue,
    required_agents,
    required_agents_impatient,
    scheduled_agents,
    square_root_staffing,
    team_leads,
)


def test_nothing_to_do():
    idle = queue(3, 0, 60)
    assert (idle.p_wait, idle.asa, idle.occupancy, idle.length, idle.service_level(0)) == (0, 0, 0, 0, 1)
    assert required_agents(0, 60, Goal(asa=1)).agents == 1
    assert erlang_a(1, 0, 1, 1, threshold=1).service_level == 1
    assert square_root_staffing(0, 0.2) == 1


@pytest.mark.parametrize("agents", [0, 9, 10])
def test_an_overloaded_queue_never_empties(agents):
    full = queue(agents, 10, 60)
    assert (full.p_wait, full.asa, full.service_level(1e9), full.wait_quantile(0.1)) == (1, math.inf, 0, math.inf)
    assert full.occupancy == 1


@pytest.mark.parametrize("call", [erlang_b, erlang_c])
@pytest.mark.parametrize(
    ("agents", "load"), [(1, -1), (-1, 1), (1.5, 1), (True, 1), (1, math.nan), (1, "1"), (10**9, 1)]
)
def test_a_queue_that_cannot_be_is_refused(call, agents, load):
    with pytest.raises(ValueError, match="must"):
        call(agents, load)


def test_thousands_of_agents_do_not_overflow():
    assert 0 < erlang_b(5000, 4900) < 1
    assert erlang_a(5000, 20_000, 1, 0.01, threshold=1e4).p_abandon == pytest.approx(0.75)
    assert erlang_a(2000, 1, 1, 1, threshold=0).service_level == 1


def test_goals_may_be_combined():
    both = required_agents(20, 180, Goal(service_level=0.8, threshold=20, occupancy=0.75))
    assert both.agents == 27
    assert required_agents(20, 180, Goal(asa=10)).agents == 25


@pytest.mark.parametrize(
    "goal",
    [
        {},
        {"service_level": 0.8},
        {"threshold": 20},
        {"service_level": 1.2, "threshold": 20},
        {"service_level": 1, "threshold": 20},
        {"p_wait": 0},
        {"asa": 0},
        {"asa": -1},
        {"occupancy": 0},
    ],
)
def test_a_goal_that_cannot_be_is_refused(goal):
    with pytest.raises(ValueError, match=r"goal|threshold|must|no number"):
        Goal(**goal)


def test_impatience_must_be_above_zero():
    with pytest.raises(ValueError, match="abandon_rate must be above 0"):
        erlang_a(1, 1, 1, 0)
    with pytest.raises(ValueError, match="at least one agent"):
        erlang_a(0, 1, 1, 1)
    with pytest.raises(ValueError, match="service_level"):
        required_agents_impatient(1, 1, 1, service_level=1, threshold=1)
    with pytest.raises(ValueError, match="p_wait"):
        halfin_whitt_beta(0)
    with pytest.raises(ValueError, match="without a server"):
        load_for_blocking(0, 0.1)


def test_deferred_work():
    assert backlog_path(0, [], []) == ()
    assert agents_to_clear(0, target_days=1, daily_inflow=0, productive_hours=6, aht_minutes=10) == 0
    assert agents_to_clear(0, target_days=1, daily_inflow=6, productive_hours=0.1, aht_minutes=0.1) == 1
    assert min_capacity_for_deadlines([]) is None
    for call in (
        lambda: backlog_path(0, [1], []),
        lambda: backlog_path(-1, [], []),
        lambda: agents_to_clear(1, target_days=0, daily_inflow=0, productive_hours=6, aht_minutes=10),
        lambda: Job(2, 2, 1),
        lambda: Job(0, 1, -1),
        lambda: min_capacity_for_deadlines([Job(0, 1, 1)] * 5001),
    ):
        with pytest.raises(ValueError, match=r"must|released|at most"):
            call()


def test_people():
    assert scheduled_agents(100, [0.1, 0.1]) == pytest.approx(100 / 0.81)
    assert scheduled_agents(7, [0.3]) == 10
    assert (fte_for_seats(168), fte_for_seats(168, shrinkage=0.3)) == (4.2, 6.0)
    for call in (lambda: scheduled_agents(1, [1]), lambda: fte_for_seats(168, shrinkage=1), lambda: fte_for_seats(169)):
        with pytest.raises(ValueError, match=r"no working time|168 hours"):
            call()


@pytest.mark.parametrize(
    ("agents", "least", "most", "feasible"),
    [
        (0, 0, 0, True),
        (1, 1, 1, False),
        (7, 1, 1, False),
        (8, 1, 1, True),
        (15, 1, 1, True),
        (16, 2, 2, True),
        (100, 7, 12, True),
    ],
)
def test_leads_of_a_team(agents, least, most, feasible):
    found = team_leads(agents)
    assert (found.least, found.most, found.feasible) == (least, most, feasible)
    assert found.warnings == (() if feasible else ("span_infeasible",))


def test_a_day_has_23_or_25_hours_twice_a_year():
    def uncovered(day):
        gaps = coverage_gaps(dt.date.fromisoformat(day), view="Europe/Berlin", shifts=[])
        return gaps[0][1] / dt.timedelta(hours=1)

    assert [uncovered(day) for day in ("2026-03-29", "2026-07-01", "2026-10-25")] == [23, 24, 25]


def test_a_shift_around_the_clock_has_no_gap():
    shift = Shift(zone="Asia/Kathmandu", start=dt.time(7), end=dt.time(7))
    assert coverage_gaps(dt.date(2026, 5, 5), view="America/Lima", shifts=[shift]) == ()


def test_a_zone_must_exist():
    with pytest.raises(ValueError, match="no IANA time zone"):
        Shift(zone="Mars/Olympus", start=dt.time(9), end=dt.time(18))
    with pytest.raises(ValueError, match="no IANA time zone"):
        coverage_gaps(dt.date(2026, 5, 5), view="../etc", shifts=[])
    with pytest.raises(ValueError, match="wall time"):
        Shift(zone="UTC", start=dt.time(9, tzinfo=dt.UTC), end=dt.time(18))
