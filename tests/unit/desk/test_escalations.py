"""Escalation rules on a desk: each level fires once, does what it says, and says why."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from supportkit import Desk, ManualClock
from supportkit.engine.rules import TierPolicy
from supportkit.errors import InvalidEscalation, Refused
from supportkit.escalation.explain import Standing
from supportkit.hooks import hookimpl
from supportkit.ids import SequentialIds
from supportkit.lifecycle import Refusal
from supportkit.model import events as ev
from supportkit.model.people import Tier
from supportkit.model.ticket import Priority

START = "2026-01-05T09:00:00+00:00"
KIM = "agent:kim"
TIERS = (
    Tier(level=1, name="help desk", teams=("desk",), lead="lena"),
    Tier(level=2, name="specialists", teams=("accounts", "printers"), lead="otto", calendar="office"),
    Tier(level=3, name="experts", teams=("core",), lead="vera"),
    Tier(level=4, name="vendor", external=True),
)
WEEK = ["mon", "tue", "wed", "thu", "fri"]
LEVELS: dict[str, Any] = {
    "calendars": {"office": {"timezone": "UTC", "hours": {day: [["09:00", "17:00"]] for day in WEEK}}},
    "policies": [
        {
            "id": "all",
            "fallback": True,
            "metrics": {"RESOLUTION": {"warnings": ["80%", "+1h"]}},
            "targets": [
                {"metric": "RESOLUTION", "target": "10h"},
                {"metric": "TIER", "target": "4h", "tier": 2},
            ],
        }
    ],
}


def rule(name: str, when: dict[str, Any], *levels: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "when": when, "levels": list(levels)}


def level(*actions: dict[str, Any], at: Any = None) -> dict[str, Any]:
    return {"actions": list(actions)} | ({} if at is None else {"at": at})


SLOW = rule(
    "slow",
    {"clock": "RESOLUTION"},
    level({"notify": ["lead"]}, at="80%"),
    level({"move": "up"}, {"priority": "up"}, at="breach"),
    level({"notify": ["agent:boss"]}, {"tag": ["late"]}, at="+1h"),
)


def desk_with(*rules: dict[str, Any], **more: Any) -> tuple[Desk, ManualClock]:
    clock = ManualClock(START)
    given = {"tiers": TIERS, "levels": LEVELS} | more
    return Desk("sqlite://", clock=clock, ids=SequentialIds(), escalations={"rules": list(rules)}, **given), clock


def fired(desk: Desk, ticket: Any) -> list[tuple[str, int, str, bool]]:
    return [
        (one.event.rule, one.event.level, one.event.instance, one.event.late)
        for one in desk.history(ticket)
        if isinstance(one.event, ev.EscalationFired)
    ]


def events(desk: Desk, ticket: Any, kind: type[Any]) -> list[Any]:
    return [one.event for one in desk.history(ticket) if isinstance(one.event, kind)]


def open_one(desk: Desk, subject: str = "it burns", **more: Any) -> str:
    return desk.open(subject, "please help", author="customer:ann", **more).id


# -- clocks ----------------------------------------------------------------------------------------------------------


def test_levels_of_a_clock_fire_in_time_and_do_what_they_say():
    desk, clock = desk_with(SLOW)
    one = open_one(desk)
    clock.advance(hours=8)
    desk.tick()
    assert fired(desk, one) == [("slow", 1, "RESOLUTION/1/1", False)]
    assert [told.people for told in events(desk, one, ev.ColleaguesNotified)] == [("lena",)]
    clock.advance(hours=2, microseconds=1)
    desk.tick()
    ticket = desk.get(one)
    assert (ticket.tier, ticket.team, ticket.priority) == (2, "accounts", Priority.HIGH)
    clock.advance(hours=1)
    desk.tick()
    assert [number for _rule, number, _instance, _late in fired(desk, one)] == [1, 2, 3]
    assert desk.get(one).tags == ("late",)


def test_a_second_sweep_changes_nothing():
    desk, clock = desk_with(SLOW)
    one = open_one(desk)
    clock.advance(days=2)
    desk.tick()
    before = desk.history(one)
    desk.tick()
    assert desk.history(one) == before
    assert len(fired(desk, one)) == 3


def test_what_is_found_late_fires_all_the_same_and_says_so():
    desk, clock = desk_with(SLOW)
    one = open_one(desk)
    clock.advance(days=30)
    desk.tick()
    assert fired(desk, one) == [("slow", number, "RESOLUTION/1/1", True) for number in (1, 2, 3)]
    at = [rec.occurred_at for rec in desk.history(one) if isinstance(rec.event, ev.EscalationFired)]
    start = dt.datetime.fromisoformat(START)
    assert at == [start + dt.timedelta(hours=8), start + dt.timedelta(hours=10), start + dt.timedelta(hours=11)]


def test_a_command_finds_what_no_sweep_has_found():
    desk, clock = desk_with(SLOW)
    one = open_one(desk)
    clock.advance(hours=9)
    desk.note(one, "I look at it", actor=KIM)
    assert [number for _rule, number, _instance, _late in fired(desk, one)] == [1]


def test_the_people_who_are_told_find_a_note():
    desk, clock = desk_with(SLOW)
    one = open_one(desk)
    clock.advance(hours=8)
    desk.tick()
    (note,) = desk.notes(one)
    assert note.mentions == ("lena",)
    assert "80% of the target is used" in note.body


def test_taking_note_stops_exactly_the_later_levels():
    other = rule("other", {"clock": "RESOLUTION"}, level({"tag": ["other"]}, at="breach"))
    desk, clock = desk_with(SLOW, other)
    one = open_one(desk)
    clock.advance(hours=8)
    desk.tick()
    desk.escalations.acknowledge(one, "slow", actor="agent:lena")
    clock.advance(hours=9)
    desk.tick()
    assert [(name, number) for name, number, _instance, _late in fired(desk, one)] == [("slow", 1), ("other", 1)]
    assert desk.get(one).tier == 1


def test_nobody_can_take_note_of_what_has_not_fired():
    desk, _clock = desk_with(SLOW)
    one = open_one(desk)
    with pytest.raises(Refused) as caught:
        desk.escalations.acknowledge(one, "slow", actor=KIM)
    assert caught.value.refusal.code == "escalation.unknown"


# -- time in a line --------------------------------------------------------------------------------------------------

LONG = rule("long", {"time_in_tier": True, "tier": 2}, level({"notify": "lead"}, at="4h"), level({"move": 3}, at="6h"))


def test_time_in_a_line_is_open_time_of_that_line():
    desk, clock = desk_with(LONG)
    one = open_one(desk)
    clock.advance(hours=5)  # 14:00, the office closes at 17:00
    desk.move_tier(one, 2, actor=KIM)
    clock.set("2026-01-06T09:59:00+00:00")
    desk.tick()
    assert fired(desk, one) == []
    clock.set("2026-01-06T10:00:00+00:00")
    desk.tick()
    moved = next(rec.seq for rec in desk.history(one) if isinstance(rec.event, ev.TierMoved))
    assert fired(desk, one) == [("long", 1, f"line/{moved}", False)]
    clock.set("2026-01-06T12:00:00+00:00")
    desk.tick()
    assert desk.get(one).tier == 3


def test_a_ticket_that_left_the_line_is_left_alone_and_the_next_visit_counts_anew():
    desk, clock = desk_with(LONG)
    one = open_one(desk)
    desk.move_tier(one, 2, actor=KIM)
    clock.advance(hours=3)
    desk.move_tier(one, 1, actor=KIM)
    clock.advance(hours=3)
    desk.tick()
    assert fired(desk, one) == []
    desk.move_tier(one, 2, actor=KIM)
    clock.advance(days=2)
    desk.tick()
    assert [number for _rule, number, _instance, _late in fired(desk, one)] == [1, 2]


def test_a_stay_that_is_found_after_the_ticket_moved_on_is_told_late_and_moves_nothing():
    desk, clock = desk_with(
        rule("long", {"time_in_tier": True, "tier": 1}, level({"move": "up"}, {"tag": "x"}, at="4h"))
    )
    one = open_one(desk)
    clock.advance(hours=5)
    desk.move_tier(one, 2, actor=KIM)
    desk.tick()
    assert [(number, late) for _rule, number, _instance, late in fired(desk, one)] == [(1, True)]
    assert [refused.code for refused in events(desk, one, ev.EscalationRefused)] == ["ticket.moved"]
    assert (desk.get(one).tier, desk.get(one).tags) == (2, ("x",))


# -- what people do --------------------------------------------------------------------------------------------------


def test_reopening_for_the_second_time_fires():
    desk, _clock = desk_with(rule("again", {"reopened": True}, level({"priority": "urgent"}, at=2)))
    one = open_one(desk)
    for times in (1, 2):
        desk.resolve(one, "done", actor=KIM)
        desk.reopen(one, actor=KIM)
        assert len(fired(desk, one)) == (1 if times == 2 else 0)
    assert desk.get(one).priority is Priority.URGENT


def test_unanswered_messages_are_counted_for_each_exchange():
    desk, _clock = desk_with(rule("deaf", {"unanswered": True}, level({"notify": "lead"}, at=2)))
    one = open_one(desk)
    desk.add_message(one, "automatic", author="customer:ann", kind="auto")
    assert fired(desk, one) == []
    desk.add_message(one, "hello?", author="customer:ann")
    desk.add_message(one, "anybody?", author="customer:ann")
    assert len(fired(desk, one)) == 1
    desk.reply(one, "yes", actor=KIM)
    desk.add_message(one, "and now?", author="customer:ann")
    desk.add_message(one, "again?", author="customer:ann")
    assert len(fired(desk, one)) == 2


@pytest.mark.parametrize(
    ("said", "fires"),
    [
        ("I will see my LAWYER about it", True),
        ("my lawyers", False),
        ("want the  money\nback", True),
        ("我要退款了", True),
        ("nothing of that", False),
    ],
)
def test_keywords_are_whole_words_in_any_case(said, fires):
    desk, _clock = desk_with(rule("legal", {"keywords": ["lawyer", "Money back", "退款"]}, level({"tag": ["legal"]})))
    one = open_one(desk)
    desk.add_message(one, said, author="customer:ann")
    assert bool(fired(desk, one)) is fires


def test_what_agents_write_has_no_keywords():
    desk, _clock = desk_with(rule("legal", {"keywords": ["lawyer"]}, level({"tag": ["legal"]})))
    one = open_one(desk)
    desk.reply(one, "no lawyer needed", actor=KIM)
    assert fired(desk, one) == []


def test_a_signal_fires_once_for_each_instance():
    desk, _clock = desk_with(rule("sad", {"signal": "detractor"}, level({"notify": "lead"})))
    one = open_one(desk)
    for answer in ("answer-1", "answer-1", "answer-2"):
        desk.escalations.signal(one, "detractor", actor="system", instance=answer)
    assert [instance for _rule, _number, instance, _late in fired(desk, one)] == [
        "detractor/answer-1",
        "detractor/answer-2",
    ]


def test_a_ticket_that_comes_to_fit_fires_once():
    desk, _clock = desk_with(
        rule(
            "vip",
            {"segment": "gold", "topic": ["billing", "tax"], "priority": "high"},
            level({"assign": {"team": "core"}}),
        )
    )
    gold = desk.customers.add("Ann", segment="gold")
    one = desk.open("invoice", "wrong", customer=gold.id, tags=["tax"])
    assert fired(desk, one) == []
    desk.set_priority(one, "high", actor=KIM)
    assert desk.get(one.id).team == "core"
    desk.set_priority(one, "low", actor=KIM)
    desk.set_priority(one, "high", actor=KIM)
    assert len(fired(desk, one)) == 1


def test_a_custom_field_can_be_asked_for():
    desk, _clock = desk_with(rule("big", {"field": {"seats": [500, 1000]}}, level({"tag": ["big"]})))
    one, other = open_one(desk, fields={"seats": 500}), open_one(desk, fields={"seats": 5})
    assert (desk.get(one).tags, desk.get(other).tags) == (("big",), ())


# -- what actions may not do -----------------------------------------------------------------------------------------


def test_what_a_policy_forbids_is_written_down_and_the_rest_is_done():
    jump = rule("jump", {"priority": "urgent"}, level({"move": 3}, {"tag": ["seen"]}))
    desk, _clock = desk_with(jump, tier_policy=TierPolicy(skip=False))
    one = open_one(desk, priority="urgent")
    (refused,) = events(desk, one, ev.EscalationRefused)
    assert (refused.action, refused.code) == ("move", "tier.skip")
    assert (desk.get(one).tier, desk.get(one).tags) == (1, ("seen",))


def test_a_plug_in_may_object_to_what_a_rule_wants():
    class NoMoves:
        @hookimpl
        def supportkit_refuse(self, command):
            return Refusal("own.no", "no moves today") if type(command).__name__ == "MoveTier" else None

    jump = rule("jump", {"priority": "urgent"}, level({"move": 2}))
    desk, _clock = desk_with(jump, plugins=[NoMoves()])
    one = open_one(desk, priority="urgent")
    assert [one.code for one in events(desk, one, ev.EscalationRefused)] == ["own.no"]
    assert desk.get(one).tier == 1


def test_supportkit_escalated_is_called_after_the_commit():
    calls = []

    class Pager:
        @hookimpl
        def supportkit_escalated(self, hook, recorded, ticket):
            calls.append((hook, recorded.event.rule, ticket.number))

    desk, _clock = desk_with(rule("page", {"priority": "urgent"}, level({"hook": "pager"})), plugins=[Pager()])
    open_one(desk, priority="urgent")
    assert calls == [("pager", "page", 1)]


def test_a_hook_that_raises_is_counted_and_harms_nothing():
    class Broken:
        @hookimpl
        def supportkit_escalated(self, hook):
            raise RuntimeError(hook)

    desk, _clock = desk_with(rule("page", {"priority": "urgent"}, level({"hook": "pager"})), plugins=[Broken()])
    one = open_one(desk, priority="urgent")
    assert desk.get(one).version > 0
    assert desk.hooks.failure_count == 1


def test_a_role_that_nobody_has_falls_to_the_lead_of_the_next_line():
    tiers = (Tier(level=1, name="one"), Tier(level=2, name="two"), Tier(level=3, name="three", lead="vera"))
    desk, _clock = desk_with(
        rule("tell", {"priority": "urgent"}, level({"notify": ["lead", "assignee"]})), tiers=tiers, levels=None
    )
    one = open_one(desk, priority="urgent")
    assert [told.people for told in events(desk, one, ev.ColleaguesNotified)] == [("vera",)]


def test_followers_are_told_and_nobody_else():
    desk, _clock = desk_with(rule("tell", {"priority": "urgent"}, level({"notify": "followers"})))
    one = open_one(desk)
    desk.followers(one, "mo", "lee", actor=KIM)
    desk.set_priority(one, "urgent", actor=KIM)
    assert [told.people for told in events(desk, one, ev.ColleaguesNotified)] == [("lee", "mo")]


def test_rules_that_set_each_other_going_are_bounded():
    chain = [rule(f"r{number}", {"tag": f"t{number}"}, level({"tag": [f"t{number + 1}"]})) for number in range(10)]
    desk, _clock = desk_with(*chain)
    one = open_one(desk, tags=["t0"])
    assert [name for name, *_rest in fired(desk, one)] == ["r0", "r1", "r2", "r3", "r4"]
    (stopped,) = events(desk, one, ev.EscalationStopped)
    assert stopped.rule == "r5"


def test_a_circle_over_time_is_stopped_with_an_event():
    up = rule("up", {"clock": "RESOLUTION"}, level({"notify": "lead"}, at="breach"))
    ping = rule("ping", {"signal": "again"}, level({"tag": ["x"]}))
    desk, _clock = desk_with(up, ping)
    one = open_one(desk)
    for number in range(23):
        desk.escalations.signal(one, "again", actor="system", instance=str(number))
    assert len(fired(desk, one)) == 20
    assert len(events(desk, one, ev.EscalationStopped)) == 1


def test_a_finished_ticket_is_not_moved_but_people_are_told():
    late = rule("late", {"signal": "sad"}, level({"move": "up"}, {"notify": "lead"}))
    desk, _clock = desk_with(late)
    one = open_one(desk)
    desk.resolve(one, "done", actor=KIM)
    desk.escalations.signal(one, "sad", actor="system")
    assert desk.get(one).tier == 1
    assert [refused.code for refused in events(desk, one, ev.EscalationRefused)] == ["ticket.done"]
    assert len(events(desk, one, ev.ColleaguesNotified)) == 1


# -- why -------------------------------------------------------------------------------------------------------------


def test_explain_says_of_each_level_why_it_fired_or_not():
    vip = rule("vip", {"segment": "gold"}, level({"tag": ["vip"]}))
    desk, clock = desk_with(SLOW, vip)
    one = open_one(desk)
    clock.advance(hours=8)
    desk.tick()
    found = {(each.rule, each.level): each for each in desk.escalations.explain(one)}
    assert found["slow", 1].standing is Standing.FIRED
    assert found["slow", 1].why == "RESOLUTION: 80% of the target is used"
    assert found["slow", 2].standing is Standing.WAITING
    assert found["slow", 2].at == dt.datetime.fromisoformat(START) + dt.timedelta(hours=10)
    assert found["vip", 1].standing is Standing.NOT_FOR_IT
    assert found["vip", 1].why == "segment is nothing, not gold"


def test_explain_of_an_answered_clock_names_what_is_missing():
    desk, _clock = desk_with(SLOW)
    one = open_one(desk)
    desk.resolve(one, "done", actor=KIM)
    assert {each.why for each in desk.escalations.explain(one)} == {
        "no clock of RESOLUTION comes to 80% by time alone",
        "no clock of RESOLUTION comes to breach by time alone",
        "no clock of RESOLUTION comes to +1h by time alone",
    }


# -- configuration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([rule("a", {"clock": "PERIODIC_UPDATE"}, level({"tag": ["x"]}, at="breach"))], "X01"),
        ([rule("a", {"clock": "RESOLUTION"}, level({"tag": ["x"]}, at="50%"))], "X01"),
        ([rule("a", {"priority": "high"}, level({"move": 9}))], "X02"),
        ([rule("a", {"priority": "high"}, level({"move": 4}))], "X04"),
        ([rule("a", {"priority": "high"}, level({"assign": "responsible"}))], "X06"),
        (
            [
                rule("a", {"time_in_tier": True, "tier": 2}, level({"move": "up"}, at="1h")),
                rule("b", {"time_in_tier": True, "tier": 3}, level({"move": "down"}, at="1h")),
            ],
            "X07",
        ),
    ],
)
def test_what_can_never_work_is_refused_when_the_desk_is_made(rules, code):
    with pytest.raises(InvalidEscalation, match=code):
        desk_with(*rules)


def test_a_line_without_people_is_refused():
    tiers = (*TIERS[:2], Tier(level=3, name="experts"))
    with pytest.raises(InvalidEscalation, match="X03"):
        desk_with(rule("a", {"priority": "high"}, level({"move": 3})), tiers=tiers)


def test_a_line_with_an_unknown_calendar_is_refused():
    tiers = (Tier(level=1, name="one", calendar="nowhere"),)
    with pytest.raises(InvalidEscalation, match="X08"):
        desk_with(tiers=tiers)


def test_a_desk_that_is_refused_makes_no_database(tmp_path):
    with pytest.raises(InvalidEscalation):
        Desk(
            f"sqlite:///{tmp_path / 'x.db'}",
            levels=LEVELS,
            escalations={"rules": [rule("a", {"tier": 9}, level({"tag": "x"}))]},
        )
    assert list(tmp_path.iterdir()) == []
