"""What if: the same histories under other policies and calendars."""

from __future__ import annotations

from tests.unit.sla.desk import CATEGORIES, UTC_DAYS, Log, M, h, policy, rules, utc

from supportkit.sla import Created, PolicyApplied, Verdict, evaluate, what_if

HELD = policy({"FIRST_RESPONSE": 4})
STRICT = policy({"FIRST_RESPONSE": 2}, id="strict")


def ask(logs, tried, recorded=None, calendars=None):
    return what_if(
        {name: log.facts for name, log in logs.items()},
        tried,
        calendars or {"days": UTC_DAYS},
        utc("12 12:00"),
        categories=CATEGORIES,
        recorded=recorded or rules(HELD),
    )


def test_a_stricter_policy_breaches_what_was_met():
    answer = ask({"a": Log("08 10:00").agent("08 13:00"), "b": Log("08 10:00").agent("08 11:00")}, [STRICT])
    first, second = answer.differences

    assert (answer.tickets, answer.newly_breached, answer.newly_met) == (2, 1, 0)
    assert (first.ticket, first.metric, first.verdicts) == ("a", M.FIRST_RESPONSE, (Verdict.MET, Verdict.BREACHED))
    assert first.dues == (utc("08 14:00"), utc("08 12:00"))
    assert (second.verdicts, second.used) == ((Verdict.MET, Verdict.MET), (h(1), h(1)))


def test_a_milder_policy_meets_what_was_breached():
    answer = ask({"a": Log("08 10:00").agent("08 13:00")}, [HELD], recorded=rules(STRICT))

    assert (answer.newly_breached, answer.newly_met) == (0, 1)


def test_another_calendar_alone_makes_a_difference():
    answer = ask({"a": Log("08 16:00").agent("09 11:00")}, [HELD], calendars={"days": UTC_DAYS.always_open()})

    assert [difference.used for difference in answer.differences] == [(h(3), h(19))]


def test_policies_are_chosen_again_by_what_the_ticket_was():
    applied = policy({"FIRST_RESPONSE": 4}, id="vip", condition={"tags": "vip"})
    log = Log("08 10:00")
    log.tell(PolicyApplied, "08 10:00", policy="vip", revision=applied.revision, subject=(("tags", ("vip",)),))
    log.agent("08 13:00")
    stricter = policy({"FIRST_RESPONSE": 1}, id="gold", condition={"tags": ["gold", "vip"]})
    answer = ask({"a": log}, [stricter, HELD], recorded=rules(applied, HELD))

    assert answer.newly_breached == 1


def test_without_what_it_was_the_policy_of_the_same_name_stays():
    applied = policy({"FIRST_RESPONSE": 4}, id="vip", condition={"tags": "vip"})
    revised = policy({"FIRST_RESPONSE": 1}, id="vip", condition={"tags": "vip"})
    log = Log("08 10:00").tell(PolicyApplied, "08 10:00", policy="vip", revision=applied.revision).agent("08 13:00")

    assert ask({"a": log}, [revised, HELD], recorded=rules(applied, HELD)).newly_breached == 1


def test_nothing_that_was_recorded_is_touched():
    log = Log("08 10:00").agent("08 13:00")
    before = list(log.facts)
    ask({"a": log}, [STRICT])

    assert log.facts == before
    assert isinstance(log.facts[0], Created)
    clock = evaluate(log.facts, [HELD], {"days": UTC_DAYS}, utc("12 12:00"), categories=CATEGORIES)[M.FIRST_RESPONSE]
    assert clock.verdict is Verdict.MET


def test_a_policy_applied_at_the_creation_is_no_reason_to_choose_the_creations_own_anew():
    first = policy({"PERIODIC_UPDATE": 4}, id="first", condition={"tier": 1})
    then = policy({"FIRST_RESPONSE": 2}, id="then")
    log = Log("08 10:00")
    log.tell(PolicyApplied, "08 10:00", policy="then", revision=then.revision)
    log.state("08 10:00", "closed")

    answer = ask({"a": log}, [first, then], recorded=rules(first, then))

    assert answer.differences == ()
