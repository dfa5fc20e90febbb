"""Automations: event or time, a condition, commands; each once, bounded, previewed, and told in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.channel_rig import Pigeon, delivery, message

from supportkit.clock import ManualClock
from supportkit.desk import Desk
from supportkit.engine.evolve import fold
from supportkit.engine.notices import Notices
from supportkit.errors import InvalidEscalation, NotFound
from supportkit.escalation.rules import EscalationRules
from supportkit.model import events as ev

ANN, KIM = "customer:ann", "agent:kim"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-01-05T09:00:00+00:00")


@pytest.fixture
def desk(clock: ManualClock) -> Callable[..., Desk]:
    def make(*rules: dict[str, Any]) -> Desk:
        return Desk("sqlite://", clock=clock, escalations={"rules": list(rules)})

    return make


def rule(when: dict[str, Any], *steps: dict[str, Any], id: str = "r", at: Any = None) -> dict[str, Any]:  # noqa: A002
    level: dict[str, Any] = {"actions": [{"do": list(steps)}]}
    return {"id": id, "when": when, "levels": [level | ({} if at is None else {"at": at})]}


def opened(desk: Desk, **more: Any) -> int:
    return desk.open("Printer", "It smokes", author=ANN, **more).number


def told(desk: Desk, ticket: int) -> list[str]:
    return [type(one.event).__name__ for one in desk.automations.log(ticket)]


def test_a_new_ticket_that_fits_is_answered_and_sorted_by_the_desk_itself(desk: Callable[..., Desk]) -> None:
    when = {"opened": True, "channel": "app"}
    steps = {"do": "reply", "body": "We have it"}, {"do": "tag", "add": ["seen"]}
    with desk(rule(when, *steps)) as one:
        ticket = opened(one)
        other = one.open("x", author=ANN, channel="phone").number
        after = one.get(ticket)
        assert (after.tags, after.state, after.messages) == (("seen",), "new", 2)
        [_, answer] = one.messages(ticket)
        assert (answer.body, answer.kind, str(answer.author)) == ("We have it", "auto", "system")
        assert (told(one, ticket), told(one, other)) == (["EscalationFired"], [])
        assert one.automations.log(ticket)[0].event.why == "a new ticket"  # type: ignore[union-attr]
        assert after == fold(one.history(ticket))


def test_each_message_of_a_customer_is_looked_at_once(desk: Callable[..., Desk]) -> None:
    with desk(rule({"received": True, "tag": "vip"}, {"do": "priority", "to": "urgent"})) as one:
        ticket = opened(one)
        assert told(one, ticket) == []
        one.tag(ticket, "vip", actor=KIM)
        one.add_message(ticket, "Hello?", author=ANN)
        one.add_message(ticket, "I am away", author=ANN, kind="auto")
        assert (one.get(ticket).priority.name, told(one, ticket)) == ("URGENT", ["EscalationFired"])


def test_a_state_that_is_entered_sets_a_rule_going_each_time(desk: Callable[..., Desk]) -> None:
    with desk(rule({"entered": "resolved"}, {"do": "note", "body": "look at it again"})) as one:
        ticket = opened(one)
        for _ in range(2):
            one.resolve(ticket, "so", actor=KIM)
            one.reopen(ticket, actor=KIM)
        assert [note.body for note in one.notes(ticket)] == ["look at it again"] * 2


def test_a_ticket_that_nobody_touches_is_seen_to_and_once_only(desk: Callable[..., Desk], clock: ManualClock) -> None:
    when = {"idle": True, "category": "waiting_customer"}
    steps = {"do": "reply", "body": "Are you there?"}, {"do": "tag", "add": ["nudged"]}
    with desk(rule(when, *steps, at="2d")) as one:
        ticket = opened(one)
        one.ask(ticket, "Which floor?", actor=KIM)
        clock.advance(days=1)
        one.note(ticket, "still waiting", actor=KIM)
        clock.advance(days=1, hours=23)
        one.tick()
        assert one.get(ticket).tags == ()
        clock.advance(hours=1)
        one.tick()
        assert (one.get(ticket).tags, one.messages(ticket)[-1].body) == (("nudged",), "Are you there?")
        for _ in range(5):  # what a rule does is no sign of life: it does not nag on
            clock.advance(days=2)
            one.tick()
        assert told(one, ticket) == ["EscalationFired"]
        one.add_message(ticket, "Yes", author=ANN)
        one.ask(ticket, "Which one?", actor=KIM)
        clock.advance(days=2)
        one.tick()
        assert told(one, ticket) == ["EscalationFired"] * 2


def test_a_saved_macro_is_carried_out_as_it_is_when_the_rule_fires(desk: Callable[..., Desk]) -> None:
    run = {"id": "r", "when": {"tag": "fire"}, "levels": [{"actions": [{"macro": "fire"}]}]}
    with desk(run) as one:
        first = opened(one)
        one.tag(first, "fire", actor=KIM)
        assert one.history(first)[-1].event == ev.EscalationRefused(
            rule="r", level=1, action="macro", code="automation.macro"
        )
        one.macros.save({"name": "fire", "steps": [{"do": "priority", "to": "urgent"}]})
        second = opened(one)
        one.tag(second, "fire", actor=KIM)
        assert one.get(second).priority.name == "URGENT"
        assert ev.MacroApplied(macro="fire", version=1) in [entry.event for entry in one.history(second)]


def test_where_one_step_is_not_possible_none_is_done_and_the_command_goes_on(desk: Callable[..., Desk]) -> None:
    steps = {"do": "reply", "body": "x"}, {"do": "tag", "add": ["y"]}, {"do": "resume"}
    with desk(rule({"opened": True}, *steps)) as one:
        ticket = opened(one)
        after = one.get(ticket)
        assert (after.tags, after.messages) == ((), 1)
        refused = one.automations.log(ticket)[-1].event
        assert refused == ev.EscalationRefused(rule="r", level=1, action="do", code="workflow.illegal_transition")


@pytest.mark.parametrize(("marks", "answers"), [(["bulk"], []), ([], ["We have it"])])
def test_what_nothing_may_answer_by_itself_is_not_answered(
    clock: ManualClock, marks: list[str], answers: list[str]
) -> None:
    rules = {"rules": [rule({"received": True}, {"do": "reply", "body": "We have it"})]}
    with Desk("sqlite://", clock=clock, channels=[Pigeon()], escalations=rules, notices=Notices(on=())) as one:
        assert one.receive("pigeon", delivery(message("m1", "ann", "Hello", marks=marks))).status == 200
        one.process_inbox()
        assert [said.body for said in one.messages(1)][1:] == answers
        last = one.automations.log(1)[-1].event
        assert getattr(last, "code", "") == ("automation.unanswerable" if marks else "")


def test_who_wants_no_notices_gets_no_answer_of_a_rule(clock: ManualClock) -> None:
    rules = {"rules": [rule({"received": True}, {"do": "reply", "body": "We have it"})]}
    with Desk("sqlite://", clock=clock, channels=[Pigeon()], escalations=rules, notices=Notices(on=())) as one:
        one.receive("pigeon", delivery(message("m1", "ann", "Hello")))
        one.process_inbox()
        one.customers.consent(one.get(1).customer or "", "notices", allowed=False)
        one.deliver_outbox()
        assert [(row.state, row.reason) for row in one.outbox()] == [("suppressed", "no_consent")]


def test_circles_are_found_when_the_desk_is_made(desk: Callable[..., Desk]) -> None:
    there = rule({"entered": "resolved"}, {"do": "reopen"}, id="a")
    back = rule({"entered": "open"}, {"do": "resolve", "text": "x"}, id="b")
    with pytest.raises(InvalidEscalation, match=r"X10, rule .*: a ticket would go round in a circle of states"):
        desk(there, back)
    desk(there).close()


def test_a_circle_that_lint_cannot_see_is_stopped_and_the_log_says_so(desk: Callable[..., Desk]) -> None:
    """The steps stand in macros, which may change at any time."""
    rules = [
        {"id": name, "when": {"entered": state}, "levels": [{"actions": [{"macro": name}]}]}
        for name, state in (("a", "resolved"), ("b", "open"))
    ]
    with desk(*rules) as one:
        one.macros.save({"name": "a", "steps": [{"do": "reopen"}]})
        one.macros.save({"name": "b", "steps": [{"do": "resolve", "text": "x"}]})
        ticket = opened(one)
        one.start(ticket, actor=KIM)
        assert told(one, ticket) == ["EscalationFired"] * 5 + ["EscalationStopped"]
        assert one.get(ticket) == fold(one.history(ticket))


def test_a_preview_is_what_the_rule_does_and_changes_nothing(desk: Callable[..., Desk]) -> None:
    with desk(rule({"tag": "fire"}, {"do": "reply", "body": "x"}, {"do": "priority", "to": "high"})) as one:
        ticket = opened(one)
        before = one.history(ticket)
        preview = [type(entry.event) for entry in one.automations.preview(ticket, "r")]
        assert (preview, one.history(ticket)) == ([ev.ReplyAdded, ev.PriorityChanged], before)
        one.tag(ticket, "fire", actor=KIM)
        assert [type(entry.event) for entry in one.history(ticket)][-2:] == preview
        for name, level in (("r", 2), ("r", 0), ("other", 1)):
            with pytest.raises(NotFound, match="level of a rule"):
                one.automations.preview(ticket, name, level=level)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (rule({"opened": "yes"}, {"do": "start"}), "opened is written opened = true"),
        (rule({"entered": "done"}, {"do": "start"}), "'done' is no category"),
        (rule({"idle": True}, {"do": "start"}), "at"),
        (rule({"opened": True}, {"do": "start"}, at="2d"), "no meaning for 'opened'"),
        (rule({"opened": True}, {"do": "explode"}), "step 1: there is no command 'explode'"),
        (rule({"opened": True}), "has 1 to 20 steps, not 0"),
    ],
)
def test_an_automation_that_cannot_be_is_refused(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidEscalation) as error:
        EscalationRules.from_dict({"rules": [wrong]})
    assert problem in str(error.value)


def test_rules_are_plain_data_there_and_back() -> None:
    data = {
        "rules": [
            rule({"idle": True}, {"do": "hold", "for": "2d"}, id="a", at="3d"),
            rule({"entered": "closed", "tag": ["x"]}, {"do": "note", "body": "y"}, id="b"),
            rule({"received": True}, {"do": "start"}, id="c"),
            {"id": "d", "when": {"opened": True}, "levels": [{"actions": [{"macro": "m"}]}]},
        ]
    }
    assert EscalationRules.from_dict(data).to_dict() == data
    assert EscalationRules.from_dict(data).rules[0].levels[0].at == "3d"
