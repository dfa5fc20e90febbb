"""Attainment: which clocks are counted, and under what: the ticket as it was when the clock started."""

from __future__ import annotations

import pytest
from tests.unit.sla.desk import Log, M, policy, rules, utc

from supportkit.model.ticket import Priority
from supportkit.sla import (
    Absorbed,
    Attainment,
    Attainments,
    Cell,
    ChannelSet,
    Merged,
    PrioritySet,
    PromiseCancelled,
    PromiseKept,
    PromiseMade,
    TierEntered,
    attainment,
)

NOON = utc("10 12:00")
LOW, NORMAL, HIGH = Priority.LOW, Priority.NORMAL, Priority.HIGH


def count(targets, *logs, at=NOON, **more):
    made = policy(targets) if isinstance(targets, dict) else targets
    return attainment({f"T{n}": log.facts for n, log in enumerate(logs)}, rules(made), at, **more)


def test_met_breached_and_open_are_told_apart():
    found = count(
        {"FIRST_RESPONSE": 4},
        Log("08 10:00").agent("08 13:00"),
        Log("08 10:00").agent("08 16:00"),
        Log("10 11:00"),
        Log("08 10:00"),
    )
    (counts,) = found.totals().values()
    assert counts == Attainment(met=1, breached=2, open=1)  # an open one that is late has its verdict
    assert (counts.judged, counts.rate) == (3, 1 / 3)


def test_an_answer_at_the_very_due_is_in_time():
    assert count({"FIRST_RESPONSE": 4}, Log("08 10:00").agent("08 14:00")).totals()[M.FIRST_RESPONSE].rate == 1


def test_without_verdicts_there_is_no_rate():
    assert count({"FIRST_RESPONSE": 4}, Log("10 11:00")).totals()[M.FIRST_RESPONSE].rate is None
    assert Attainment().rate is None
    assert count({"FIRST_RESPONSE": 4}) == Attainments()


def test_what_is_measured_without_a_target_is_not_counted():
    found = count(
        policy({"FIRST_RESPONSE": 4}, metrics={"RESOLUTION": {}}), Log("08 10:00").state("08 11:00", "resolved")
    )
    assert list(found.totals()) == [M.FIRST_RESPONSE]


def test_every_instance_and_cycle_counts():
    made = policy({"RESOLUTION": 2}, metrics={"RESOLUTION": {"reopen": "new_cycle"}})
    log = Log("08 10:00").state("08 11:00", "resolved").state("08 14:00", "open").state("09 10:00", "resolved")
    assert count(made, log).totals()[M.RESOLUTION] == Attainment(met=1, breached=1)


def test_a_ticket_is_counted_as_what_it_was_when_the_clock_started():
    made = policy({"FIRST_RESPONSE": 4, "NEXT_RESPONSE": 4})
    log = Log("08 10:00", priority=LOW).agent("08 11:00")
    log.tell(PrioritySet, "08 12:00", priority=HIGH).tell(ChannelSet, "08 12:30", channel="chat")
    log.tell(TierEntered, "08 12:40", tier=2)
    log.customer("08 13:00", channel="phone").tell(PrioritySet, "08 14:00", priority=LOW).agent("08 15:00")
    assert [cell for cell, _counts in count(made, log).cells] == [
        Cell(M.FIRST_RESPONSE, "email", LOW, 1),
        Cell(M.NEXT_RESPONSE, "chat", HIGH, 2),
    ]


def test_what_happens_at_the_instant_of_the_start_belongs_to_it():
    log = Log("08 10:00", priority=LOW).tell(PrioritySet, "08 10:00", priority=HIGH)
    assert [cell.priority for cell, _counts in count({"FIRST_RESPONSE": 4}, log).cells] == [HIGH]


def test_what_was_recorded_from_before_the_creation_takes_effect_at_it():
    log = Log("08 10:00", priority=LOW).tell(PrioritySet, "08 09:00", priority=HIGH)
    assert [cell.priority for cell, _counts in count({"FIRST_RESPONSE": 4}, log).cells] == [HIGH]


def test_the_visit_to_a_tier_is_counted_under_that_tier():
    log = Log("08 10:00").tell(TierEntered, "08 12:00", tier=2).tell(TierEntered, "08 12:00", tier=3)
    log.state("08 13:00", "resolved")
    assert [(cell.tier, counts.met) for cell, counts in count({"TIER": 4}, log).cells] == [(1, 1), (2, 1), (3, 1)]


def test_a_promise_for_an_instant_is_counted_too():
    made = policy({}, metrics={"PROMISE": {}})
    kept = Log("08 10:00").tell(PromiseMade, "08 11:00", promise="p", promised=utc("08 12:00"))
    kept.tell(PromiseKept, "08 11:30", promise="p")
    waits = Log("08 10:00").tell(PromiseMade, "08 11:00", promise="p", promised=utc("11 12:00"))
    assert count(made, kept, waits).totals()[M.PROMISE] == Attainment(met=1, open=1)


def test_what_ended_without_a_verdict_is_not_counted():
    made = policy({"RESOLUTION": 40}, metrics={"PROMISE": {}})
    cancelled = Log("08 10:00").tell(PromiseMade, "08 11:00", promise="p", promised=utc("11 12:00"))
    cancelled.tell(PromiseCancelled, "08 12:00", promise="p").state("08 12:00", "resolved")
    merged = Log("08 10:00", ticket="T1").tell(Merged, "08 12:00", into="T2")
    into = Log("08 09:00", ticket="T2").tell(Absorbed, "08 12:00", ticket="T1")
    found = attainment({"A": cancelled.facts, "T1": merged.facts, "T2": into.facts}, rules(made), NOON)
    assert found.totals() == {M.RESOLUTION: Attainment(met=1, open=1)}


def test_only_what_had_happened_by_then_counts():
    log = Log("08 10:00").agent("08 13:00").tell(PrioritySet, "08 10:30", priority=HIGH)
    assert count({"FIRST_RESPONSE": 4}, log, at=utc("08 12:00")).totals()[M.FIRST_RESPONSE] == Attainment(open=1)
    assert count({"FIRST_RESPONSE": 4}, log, at=utc("08 09:00")) == Attainments()


def test_only_the_metrics_that_were_asked_for_are_counted():
    log = Log("08 10:00").agent("08 11:00").state("08 12:00", "resolved")
    made = {"FIRST_RESPONSE": 4, "RESOLUTION": 4}
    assert list(count(made, log).totals()) == [M.FIRST_RESPONSE, M.RESOLUTION]
    assert list(count(made, log, metrics=[M.RESOLUTION]).totals()) == [M.RESOLUTION]


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("channel", {"chat": Attainment(met=1, breached=1), "email": Attainment(met=1)}),
        ("priority", {LOW: Attainment(met=1), NORMAL: Attainment(met=1), HIGH: Attainment(breached=1)}),
        ("tier", {1: Attainment(met=1, breached=1), 2: Attainment(met=1)}),
    ],
)
def test_parts_add_up_to_the_whole(dimension, expected):
    found = count(
        {"FIRST_RESPONSE": 4},
        Log("08 10:00", channel="chat", priority=HIGH).agent("08 16:00"),
        Log("08 10:00", channel="email", priority=LOW, tier=2).agent("08 11:00"),
        Log("08 10:00", channel="chat").agent("08 11:00"),
    )
    parts = found.by(dimension)
    assert parts == {(M.FIRST_RESPONSE, value): counts for value, counts in expected.items()}
    assert list(parts) == sorted(parts, key=lambda key: key[1])
    assert sum(parts.values(), Attainment()) == found.totals()[M.FIRST_RESPONSE]


def test_progress_is_told_after_each_ticket():
    told = []
    count({"FIRST_RESPONSE": 4}, *(Log("08 10:00") for _ in range(3)), progress=told.append)
    assert told == [1, 2, 3]


def test_counts_add_up():
    assert Attainment(met=1, breached=2, open=3) + Attainment(met=1) == Attainment(met=2, breached=2, open=3)
