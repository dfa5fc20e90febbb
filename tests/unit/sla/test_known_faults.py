"""Faults that the laws found once, each as the smallest example."""

from __future__ import annotations

import pytest
from tests.unit.sla.desk import Log, M, h, policy, rules, utc

from supportkit.businesstime import BusinessCalendar
from supportkit.model.ticket import Priority
from supportkit.sla import (
    CalendarChanged,
    DueOverridden,
    InvalidPolicy,
    Metric,
    Policy,
    PrioritySet,
    ServiceLevels,
    TierEntered,
    Verdict,
    needs_history,
    replay,
    report,
    step,
    tick,
)


def test_the_next_breach_of_a_ticket_counts_a_clock_that_was_met_and_goes_on_after_a_reopening():
    log = Log("08 09:00").state("08 10:00", "resolved").state("08 11:00", "open")

    clocks = log.at("08 12:00", policy({"RESOLUTION": 8}))

    assert clocks[M.RESOLUTION].breaches_at == utc("09 10:00")
    assert clocks.breaches_at == utc("09 10:00")


def test_an_answer_that_is_recorded_after_a_tick_but_came_before_its_breach_is_in_time():
    desk = rules(policy({"FIRST_RESPONSE": 2}))
    log = Log("08 09:00")
    ticked = tick(replay(log.facts, desk), desk, utc("08 12:00")).snapshot  # a breach at 11:00 is found
    log.agent("08 10:30", recorded="08 12:05")
    late = log.facts[-1]

    snapshot = replay(log.facts, desk) if needs_history(ticked, late) else step(ticked, late, desk).snapshot

    assert log.at("08 13:00", desk)[M.FIRST_RESPONSE].verdict is Verdict.MET
    assert report(snapshot, desk, utc("08 13:00"))[M.FIRST_RESPONSE].verdict is Verdict.MET


def test_a_longer_target_while_the_ticket_is_resolved_moves_a_due_that_was_just_reached():
    targets = [
        {"metric": "FIRST_RESPONSE", "target": h(2)},
        {"metric": "FIRST_RESPONSE", "target": h(6), "priority": "low"},
    ]
    log = Log("08 09:00").state("08 11:00", "resolved").tell(PrioritySet, "08 12:00", priority=Priority.LOW)
    log.state("08 13:00", "open")

    clock = log.at("08 13:30", policy(targets))[M.FIRST_RESPONSE]

    assert (clock.used, clock.target) == (h(2.5), h(6))
    assert clock.due_at == utc("08 17:00")


def test_a_retroactive_calendar_measures_the_whole_clock_anew_after_an_earlier_change():
    long, middle, short = (
        BusinessCalendar.weekdays("UTC", start="09:00", end=end) for end in ("17:00", "16:00", "13:00")
    )
    calendars = {"days": short, **{calendar.revision: calendar for calendar in (long, middle, short)}}
    log = Log("08 09:00").tell(CalendarChanged, "08 09:00", calendar="days", revision=long.revision)
    log.tell(CalendarChanged, "09 08:00", calendar="days", revision=middle.revision)
    log.tell(CalendarChanged, "10 08:00", calendar="days", revision=short.revision, retroactive=True)

    clock = log.at("10 08:30", policy({"RESOLUTION": 40}), calendars)[M.RESOLUTION]

    assert clock.used == h(8)  # Monday and Tuesday, 09:00-13:00


def test_a_due_override_is_for_the_tier_that_holds_the_ticket_when_it_came_back():
    log = Log("08 09:00").tell(TierEntered, "08 10:00", tier=2).tell(TierEntered, "08 11:00", tier=1)
    log.tell(DueOverridden, "08 11:30", metric=Metric.TIER, instant=utc("08 12:00"))

    clocks = log.at("08 13:00", policy({"TIER": 8}, metrics={"TIER": {"cumulative": True}})).clocks

    assert {clock.subject: clock.override_due_at for clock in clocks} == {"1": utc("08 12:00"), "2": None}


@pytest.mark.parametrize(
    ("cls", "data"),
    [
        (Policy, {"id": "p", "metrics": ["RESOLUTION"]}),
        (Policy, {"id": "p", "metrics": [1]}),
        (ServiceLevels, {"calendars": (1,)}),
        (ServiceLevels, {"channels": ("chat",)}),
    ],
    ids=repr,
)
def test_a_list_in_the_place_of_a_mapping_is_an_invalid_policy(cls, data):
    with pytest.raises(InvalidPolicy):
        cls.from_dict(data)
