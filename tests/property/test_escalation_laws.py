"""Laws 26 to 28 of escalation: once, nobody else, and taking note stops the later levels; in any order of things."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from supportkit import Desk, ManualClock
from supportkit.engine.evolve import fold
from supportkit.errors import ConcurrentUpdate, IllegalTransition, Refused
from supportkit.ids import SequentialIds
from supportkit.model import events as ev
from supportkit.model.people import Tier

START = "2026-01-05T09:00:00+00:00"
KIM = "agent:kim"
TIERS = tuple(
    Tier(level=number, name=f"line {number}", teams=(f"t{number}",), lead=f"lead{number}") for number in (1, 2, 3)
)
LEVELS: dict[str, Any] = {
    "policies": [
        {
            "id": "all",
            "fallback": True,
            "metrics": {"RESOLUTION": {"warnings": ["50%"], "reopen": "new_cycle"}, "TIER": {"warnings": ["80%"]}},
            "targets": [{"metric": "RESOLUTION", "target": "10h"}, {"metric": "TIER", "target": "5h"}],
        }
    ]
}
RULES = {
    "rules": [
        {
            "id": "slow",
            "when": {"clock": "RESOLUTION"},
            "levels": [
                {"at": "50%", "actions": [{"notify": "lead"}]},
                {"at": "breach", "actions": [{"move": "up"}, {"priority": "up"}]},
            ],
        },
        {"id": "stuck", "when": {"clock": "TIER"}, "levels": [{"at": "80%", "actions": [{"notify": "lead"}]}]},
        {
            "id": "long",
            "when": {"time_in_tier": True, "tier": [1, 2]},
            "levels": [{"at": "3h", "actions": [{"tag": "long"}]}, {"at": "6h", "actions": [{"move": "up"}]}],
        },
        {"id": "deaf", "when": {"unanswered": True}, "levels": [{"at": 2, "actions": [{"notify": "lead"}]}]},
        {"id": "again", "when": {"reopened": True}, "levels": [{"at": 1, "actions": [{"priority": "urgent"}]}]},
        {"id": "hot", "when": {"priority": "urgent"}, "levels": [{"actions": [{"notify": ["lead", "assignee"]}]}]},
    ]
}
PEOPLE = {"lead1", "lead2", "lead3", "kim"}
STEPS = ["tick", "wait", "write", "reply", "resolve", "reopen", "up", "down", "urgent", "seen", "note", "assign"]


def desk_and_clock(storage: Any = "sqlite://") -> tuple[Desk, ManualClock]:
    clock = ManualClock(START)
    desk = Desk(storage, clock=clock, ids=SequentialIds(), tiers=TIERS, levels=LEVELS, escalations=RULES)
    return desk, clock


def act(desk: Desk, clock: ManualClock, step: str, hours: int) -> None:  # noqa: PLR0912 - one short case a step
    try:
        match step:
            case "tick":
                desk.tick()
            case "wait":
                clock.advance(hours=hours)
            case "write":
                desk.add_message(1, "hello?", author="customer:ann")
            case "reply":
                desk.reply(1, "yes", actor=KIM)
            case "resolve":
                desk.resolve(1, "done", actor=KIM)
            case "reopen":
                desk.reopen(1, actor=KIM)
            case "up":
                desk.escalate(1, actor=KIM)
            case "down":
                desk.deescalate(1, actor=KIM)
            case "urgent":
                desk.set_priority(1, "urgent", actor=KIM)
            case "seen":
                desk.escalations.acknowledge(1, "slow", actor=KIM)
            case "note":
                desk.note(1, "hm", actor=KIM)
            case "assign":
                desk.assign(1, assignee="kim", actor=KIM)
    except (Refused, IllegalTransition):
        pass


def firings(desk: Desk) -> list[tuple[str, int, str]]:
    found = [one.event for one in desk.history(1) if isinstance(one.event, ev.EscalationFired)]
    return [(one.rule, one.level, one.instance) for one in found]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 12)), max_size=25))
def test_each_level_fires_once_for_an_instance_in_any_order_of_sweeps_and_commands(steps):
    desk, clock = desk_and_clock()
    desk.open("it burns", "please", author="customer:ann")
    for step, hours in steps:
        act(desk, clock, step, hours)
    desk.tick()
    assert not [one for one, times in Counter(firings(desk)).items() if times > 1]
    log = desk.history(1)
    assert fold(log) == desk.get(1)
    told = {person for one in log if isinstance(one.event, ev.ColleaguesNotified) for person in one.event.people}
    assert told <= PEOPLE
    taken = {(one.event.instance, one.seq) for one in log if isinstance(one.event, ev.EscalationAcknowledged)}
    after = {(one.event.instance, one.seq) for one in log
             if isinstance(one.event, ev.EscalationFired) and one.event.rule == "slow"}  # fmt: skip
    assert not any(same == instance and later > seq for instance, seq in taken for same, later in after)
    desk.close()


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_many_small_sweeps_fire_what_one_big_sweep_fires(waits):
    """The clocks of a ticket that nobody touches: the same levels at the same instants, whoever looks and when."""
    found = []
    for is_small in (True, False):
        desk, clock = desk_and_clock()
        desk.open("it burns", "please", author="customer:ann")
        for hours in waits:
            clock.advance(hours=hours)
            while is_small and desk.tick().more:
                pass
        while desk.tick().more:
            pass
        found.append(
            {
                (one.event.level, one.event.instance, one.occurred_at)
                for one in desk.history(1)
                if isinstance(one.event, ev.EscalationFired) and one.event.rule == "slow"
            }
        )
        desk.close()
    assert found[0] == found[1]


def test_eight_sweepers_fire_each_level_of_many_tickets_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    desk, clock = desk_and_clock(url)
    tickets = [desk.open(f"number {number}", "please", author="customer:ann").id for number in range(12)]
    clock.advance(dt.timedelta(hours=20))

    def sweep(_number: int) -> None:
        with Desk(url, clock=clock, tiers=TIERS, escalations=RULES) as own:
            for _ in range(50):
                if own.find(limit=1).items:
                    try:
                        if not own.tick(limit=5).more:
                            return
                    except ConcurrentUpdate:
                        continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sweep, range(8)))
    desk.tick()
    for ticket in tickets:
        found = [one.event for one in desk.history(ticket) if isinstance(one.event, ev.EscalationFired)]
        counts = Counter((one.rule, one.level, one.instance) for one in found)
        assert set(counts.values()) == {1}
        assert {("slow", 1), ("slow", 2), ("long", 1)} <= {(rule, level) for rule, level, _instance in counts}
    desk.close()
