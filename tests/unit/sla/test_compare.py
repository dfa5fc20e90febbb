"""Compare: the same tickets under several policies, what changes, and which policy each ticket gets."""

from __future__ import annotations

import pytest
from tests.unit.sla.desk import CATEGORIES, UTC_DAYS, Log, M, h, policy, rules, utc

from supportkit.model.ticket import Priority
from supportkit.sla import (
    Absorbed,
    Attainment,
    Merged,
    PolicyApplied,
    PrioritySet,
    Verdict,
    attainment,
    compare,
    what_if,
)
from supportkit.sla.attainment import promised
from supportkit.sla.compare import _Trying

NOON = utc("12 12:00")
MET, LATE = Verdict.MET, Verdict.BREACHED
MILD, STRICT = policy({"FIRST_RESPONSE": 4}), policy({"FIRST_RESPONSE": 2}, id="strict")


def ask(logs, *sides, at=NOON, **more):
    base, *tried = (rules(*side) if isinstance(side, tuple) else rules(side) for side in sides)
    return compare({name: log.facts for name, log in logs.items()}, base, tried, at, **more)


def answered(*hours):
    return {f"T{hour}": Log("08 10:00").agent(f"08 {10 + hour}:00") for hour in hours}


def test_the_same_policies_make_no_difference():
    found = ask(answered(1, 3, 5), MILD, MILD)
    (trial,) = found.trials
    assert found.base == trial.attainments
    assert (trial.verdicts, trial.changed, trial.changes) == ({}, 0, ())
    assert (found.tickets, found.at) == (3, NOON)


def test_a_stricter_policy_breaches_what_was_met():
    found = ask(answered(1, 3, 5), MILD, STRICT)
    (trial,) = found.trials
    assert found.base.totals() == {M.FIRST_RESPONSE: Attainment(met=2, breached=1)}
    assert trial.attainments.totals() == {M.FIRST_RESPONSE: Attainment(met=1, breached=2)}
    assert (trial.newly_breached, trial.newly_met, trial.changed) == (1, 0, 1)
    (change,) = trial.changes
    assert (change.ticket, change.metric, change.instance, change.cycle) == ("T3", M.FIRST_RESPONSE, 1, 1)
    assert (change.verdicts, change.used) == ((MET, LATE), (h(3), h(3)))
    assert change.dues == (utc("08 14:00"), utc("08 12:00"))


def test_a_milder_policy_meets_what_was_breached():
    (trial,) = ask(answered(1, 3, 5), STRICT, MILD).trials
    assert (trial.newly_breached, trial.newly_met) == (0, 1)
    assert trial.verdicts == {(LATE, MET): 1}


def test_each_of_several_is_held_against_the_first():
    middle = policy({"FIRST_RESPONSE": 3}, id="middle")
    found = ask(answered(1, 3, 5), MILD, STRICT, middle, MILD)
    assert [trial.newly_breached for trial in found.trials] == [1, 0, 0]
    assert [trial.changed for trial in found.trials] == [1, 0, 0]


def test_a_promise_on_one_side_only_is_a_change_to_nothing():
    bare = policy({"RESOLUTION": 4}, id="bare")
    (trial,) = ask(answered(1), MILD, bare).trials
    assert trial.verdicts == {(MET, None): 1, (None, LATE): 1}
    assert trial.changed == 1
    first, second = trial.changes
    assert (first.dues[1], first.used[1], second.used[0]) == (None, None, None)
    assert (trial.newly_breached, trial.newly_met) == (0, 0)


def test_the_list_is_bounded_and_flips_stand_at_its_front():
    bare = policy({"FIRST_RESPONSE": 2, "RESOLUTION": 100}, id="bare")
    logs = {name: log.state("08 17:00", "resolved") for name, log in answered(1, 3, 4).items()}
    (trial,) = ask(logs, MILD, bare, limit=3).trials
    assert trial.verdicts == {(MET, LATE): 2, (None, MET): 3}
    assert [(change.ticket, change.metric) for change in trial.changes] == [
        ("T3", M.FIRST_RESPONSE),
        ("T4", M.FIRST_RESPONSE),
        ("T1", M.RESOLUTION),
    ]
    assert ask(logs, MILD, bare, limit=1).trials[0].changes == trial.changes[:1]
    assert ask(logs, MILD, bare, limit=0).trials[0].changes == ()


def test_the_due_of_a_paused_clock_is_the_projected_one():
    mild, strict = policy({"RESOLUTION": 40}), policy({"RESOLUTION": 1}, id="strict")
    log = Log("08 10:00").state("08 12:00", "pending")
    (change,) = ask({"T": log}, mild, strict).trials[0].changes
    assert change.verdicts == (None, LATE)
    assert change.dues == (utc("19 10:00"), utc("08 11:00"))  # 38 h of Fri 12:00, as if it went on from there


def test_without_an_applied_policy_the_creation_chooses():
    vip = policy({"FIRST_RESPONSE": 1}, id="vip", condition={"priority": "urgent"})
    logs = {
        "normal": Log("08 10:00").agent("08 13:00"),
        "urgent": Log("08 10:00", priority=Priority.URGENT).agent("08 13:00"),
        "raised": Log("08 10:00").tell(PrioritySet, "08 10:30", priority=Priority.URGENT).agent("08 13:00"),
    }
    (trial,) = ask(logs, MILD, (vip, MILD)).trials
    assert [change.ticket for change in trial.changes] == ["urgent"]


def test_applied_policies_are_chosen_again_by_the_recorded_subject():
    roads = policy({"FIRST_RESPONSE": 1}, id="roads", condition={"type": ["Road"]})
    logs = {}
    for kind in ("Road", "Lamp"):
        logs[kind] = Log("08 10:00").tell(PolicyApplied, "08 10:00", policy=None, subject=(("type", kind),))
        logs[kind].agent("08 13:00")
    found = ask(logs, MILD, (roads, MILD))
    assert [change.ticket for change in found.trials[0].changes] == ["Road"]
    assert found.base.totals() == {M.FIRST_RESPONSE: Attainment(met=2)}


def test_a_policy_that_is_applied_later_holds_from_then_on():
    roads = policy({"RESOLUTION": 3}, id="roads", condition={"type": ["Road"]})
    none = policy({}, id="none", metrics={"RESOLUTION": {}})
    log = Log("08 10:00").tell(PolicyApplied, "08 12:00", policy=None, subject=(("type", "Road"),))
    log.state("08 13:00", "resolved")
    found = ask({"T": log}, (roads, none), (policy({"RESOLUTION": 2}, id="fast"),))
    assert found.trials[0].changes[0].verdicts == (MET, LATE)


def test_the_recorded_policies_may_be_kept_for_the_base():
    recorded = policy({"FIRST_RESPONSE": 4}, id="vip", condition={"tags": "vip"})
    log = Log("08 10:00").tell(PolicyApplied, "08 10:00", policy="vip", revision=recorded.revision, subject=(("a", 1),))
    log.agent("08 13:00")
    sides = ((STRICT, recorded), (STRICT, recorded))
    assert ask({"T": log}, *sides).trials[0].changed == 0
    found = ask({"T": log}, *sides, as_recorded=True)
    assert found.trials[0].verdicts == {(MET, LATE): 1}
    assert found.base == attainment({"T": log.facts}, rules(STRICT, recorded), NOON)


def test_a_merged_ticket_goes_on_in_the_other_one_on_both_sides():
    source = Log("08 09:00", ticket="S").tell(Merged, "08 12:00", into="T")
    target = Log("08 10:00", ticket="T").tell(Absorbed, "08 12:00", ticket="S").agent("08 12:30")
    found = ask({"S": source, "T": target}, MILD, policy({"FIRST_RESPONSE": 3}, id="three"))
    (change,) = found.trials[0].changes  # the joined clock started with the earlier of the two
    assert (change.ticket, change.used, change.verdicts) == ("T", (h(3.5), h(3.5)), (MET, LATE))


def test_only_the_metrics_that_were_asked_for_are_compared():
    one, two = (policy({"FIRST_RESPONSE": a, "RESOLUTION": b}, id="x") for a, b in ((4, 9), (2, 1)))
    logs = {name: log.state("08 13:00", "resolved") for name, log in answered(3).items()}
    found = ask(logs, one, two, metrics=[M.RESOLUTION])
    assert {change.metric for change in found.trials[0].changes} == {M.RESOLUTION}
    assert list(found.base.totals()) == [M.RESOLUTION]


def test_progress_is_told_after_each_ticket():
    told = []
    ask(answered(1, 2, 3), MILD, STRICT, progress=told.append)
    assert told == [1, 2, 3]


def test_no_history_is_no_difference():
    found = ask({}, MILD, STRICT)
    assert (found.tickets, found.base.cells, found.trials[0].verdicts) == (0, (), {})


def test_it_agrees_with_what_if():
    logs = answered(1, 2, 3, 4, 5)
    old = what_if(
        {name: log.facts for name, log in logs.items()},
        [STRICT],
        {"days": UTC_DAYS},
        NOON,
        categories=CATEGORIES,
        recorded=rules(MILD),
    )
    (trial,) = ask(logs, MILD, STRICT).trials
    assert (trial.newly_breached, trial.newly_met) == (old.newly_breached, old.newly_met) == (2, 0)


def test_a_naive_instant_is_refused():
    with pytest.raises(TypeError, match="no offset"):
        ask(answered(1), MILD, STRICT, at=NOON.replace(tzinfo=None))


def test_a_merged_ticket_gets_its_policy_anew_as_well():
    source = Log("08 09:00", ticket="S")
    source.tell(PolicyApplied, "08 09:00", policy="gone", revision="0", subject=(("tier", 1),))
    source.tell(Merged, "08 12:00", into="T")
    target = Log("08 10:00", ticket="T").tell(Absorbed, "08 12:00", ticket="S").agent("08 12:30")
    assert ask({"S": source, "T": target}, MILD, STRICT).trials[0].newly_breached == 1


def test_no_more_changes_are_kept_than_are_listed():
    trying = _Trying(2)
    for log in answered(3, 4, 3, 4, 3).values():
        sides = [list(promised(log.facts, rules(side), NOON, frozenset(M), {})) for side in (MILD, STRICT)]
        for _ in range(3):
            trying.see("T", *sides)
    assert len(trying._flips) == 2
