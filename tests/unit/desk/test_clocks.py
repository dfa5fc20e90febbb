"""Promises kept by the desk itself: warnings, breaches and verdicts as events, each once, at their own instants."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from supportkit import Desk, ManualClock, Printer, Refused, Ticket
from supportkit.channels.port import Rejected
from supportkit.engine.telling import facts_of_log
from supportkit.errors import InvalidPolicy
from supportkit.hooks import hookimpl
from supportkit.model import events as ev
from supportkit.model.change import Change, TicketChange
from supportkit.model.clocks import Cause, Metric, Verdict
from supportkit.sla import ServiceLevels, Status
from supportkit.storage.sql import SqlStorage
from supportkit.storage.unit import SqlUnitOfWork

KIM = "agent:kim"
ANN = "customer:ann"
HOUR = dt.timedelta(hours=1)
START = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)  # a Monday

OFFICE = {"timezone": "UTC", "hours": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}


def levels(*, target: str = "8h", hours: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Resolution in office hours with a warning at 75 %, first and next response within two hours."""
    return {
        "calendars": {"office": hours or OFFICE},
        "policies": [
            *more.get("before", ()),
            {
                "id": "usual",
                "fallback": True,
                "calendar": "office",
                "metrics": {"RESOLUTION": {"warnings": ["75%"]}},
                "targets": [
                    {"metric": "FIRST_RESPONSE", "target": "2h"},
                    {"metric": "NEXT_RESPONSE", "target": "2h"},
                    {"metric": "RESOLUTION", "target": target},
                    {"metric": "RESOLUTION", "target": "4h", "priority": "urgent"},
                ],
            },
        ],
    }


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def desk(clock: ManualClock) -> Iterator[Desk]:
    with Desk("sqlite://", clock=clock, levels=levels(), close_resolved_after=None) as desk:
        yield desk


def opened(desk: Desk, **more: Any) -> str:
    return desk.open("x", "Hello", author=ANN, **more).id


def told(desk: Desk, ticket: str) -> list[tuple[str, str, dt.timedelta]]:
    """Return the events about clocks: what, which threshold, how long after the start."""
    return [
        (type(one.event).__name__, one.event.id.split("/", 1)[1], one.occurred_at - START)
        for one in desk.history(ticket)
        if isinstance(one.event, ev.ClockEvent)
    ]


def sound(desk: Desk) -> None:
    """Check that rows are what their logs say."""
    assert [finding for finding in desk.check(deep=True) if finding.severity == "error"] == []


# -- out of the box --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "promised"),
    [("app", 24 * HOUR), ("phone", 24 * HOUR), ("email", 12 * HOUR), ("chat", HOUR / 2), ("telegram", HOUR / 2)],
)
def test_a_new_desk_promises_an_answer_in_24_hours_12_by_email_and_30_minutes_in_chats(
    clock: ManualClock, channel: str, promised: dt.timedelta
) -> None:
    with Desk("sqlite://", clock=clock) as desk:
        ticket = desk.open("x", "Hello", author=ANN, channel=channel)
        clocks = desk.clocks(ticket)
        assert (clocks.policy, clocks.due_at) == ("default", START + promised)
        clock.set(START + promised)
        assert desk.tick().fired == 0  # an answer at the due itself is in time
        clock.advance(dt.timedelta(microseconds=1))
        assert desk.tick().fired == 1
        assert told(desk, ticket.id) == [("ClockBreached", "FIRST_RESPONSE/1/1/100%", promised)]
        assert desk.clocks(ticket)[Metric.FIRST_RESPONSE].verdict is Verdict.BREACHED


def test_a_desk_that_promises_nothing_has_no_clocks_and_no_deadlines(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock, levels=ServiceLevels(policies=())) as desk:
        ticket = desk.open("x", "Hello", author=ANN, channel="chat")
        assert desk.clocks(ticket).clocks == ()
        assert desk.tick().next_due is None


# -- warnings and breaches -------------------------------------------------------------------------------------------


def test_a_warning_and_a_breach_fire_by_themselves_once_and_at_their_instants(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    assert desk.tick().next_due == START + 6 * HOUR
    clock.set(START + 6 * HOUR)
    assert desk.tick().fired == 1
    assert desk.tick().fired == 0
    clock.set(START + 26 * HOUR)  # Tuesday 11:00; the eight hours were used on Monday 17:00, late from Tuesday 9:00
    assert desk.tick().fired == 1
    assert desk.tick(START + 300 * HOUR).fired == 0
    assert told(desk, ticket) == [
        ("ClockStopped", "FIRST_RESPONSE/1/1/stop/1", 0 * HOUR),
        ("ClockWarned", "RESOLUTION/1/1/75%", 6 * HOUR),
        ("ClockBreached", "RESOLUTION/1/1/100%", 24 * HOUR),
    ]
    breach = desk.history(ticket)[-1]
    assert isinstance(breach.event, ev.ClockBreached)
    assert (breach.event.due, breach.event.used, breach.event.cause) == (START + 8 * HOUR, 8 * HOUR, Cause.ELAPSED)
    assert (breach.recorded_at, str(breach.actor), breach.event.late) == (START + 26 * HOUR, "system", True)
    sound(desk)


def test_a_turn_in_time_is_not_late(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    clock.set(START + 2 * HOUR + dt.timedelta(minutes=4))
    assert desk.tick().late == 0
    assert desk.history(ticket)[-1].event.late is False  # type: ignore[union-attr]


def test_one_late_turn_tells_all_that_was_missed_in_order(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    clock.advance(days=30)
    report = desk.tick()
    assert (report.fired, report.late, report.more, report.next_due) == (1, 1, False, None)
    assert told(desk, ticket) == [
        ("ClockBreached", "FIRST_RESPONSE/1/1/100%", 2 * HOUR),
        ("ClockWarned", "RESOLUTION/1/1/75%", 6 * HOUR),
        ("ClockBreached", "RESOLUTION/1/1/100%", 24 * HOUR),
    ]


def test_a_turn_with_an_earlier_instant_changes_nothing(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    clock.set(START + 3 * HOUR)
    desk.tick()
    before = desk.get(ticket), desk.tick().next_due
    assert desk.tick(START).fired == 0
    assert (desk.get(ticket), desk.tick().next_due) == before


def test_a_command_finds_what_no_turn_has_found(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    clock.set(START + 7 * HOUR)
    after = desk.reply(ticket, "Sorry", actor=KIM)
    assert told(desk, ticket) == [
        ("ClockBreached", "FIRST_RESPONSE/1/1/100%", 2 * HOUR),
        ("ClockWarned", "RESOLUTION/1/1/75%", 6 * HOUR),
        ("ClockStopped", "FIRST_RESPONSE/1/1/stop/2", 7 * HOUR),
    ]
    kinds = [type(one.event).__name__ for one in desk.history(ticket)]
    assert kinds.index("ClockBreached") < kinds.index("ClockWarned") < kinds.index("StateChanged")
    assert after.version == len(kinds)
    assert desk.tick().fired == 0


def test_observers_are_told_of_warnings_and_breaches(clock: ManualClock) -> None:
    heard: list[str] = []

    class Bell:
        @hookimpl
        def supportkit_event_recorded(self, recorded: Any, ticket: Ticket) -> None:
            if isinstance(recorded.event, ev.ClockWarned | ev.ClockBreached):
                heard.append(f"{recorded.event.metric} {type(recorded.event).__name__} {ticket.number}")

    with Desk("sqlite://", clock=clock, levels=levels(), plugins=[Bell()]) as desk:
        opened(desk)
        clock.advance(hours=6)
        desk.tick()
        assert heard == ["FIRST_RESPONSE ClockBreached 1", "RESOLUTION ClockWarned 1"]


def test_a_follower_gets_them_too(desk: Desk, clock: ManualClock) -> None:
    opened(desk)
    assert len(list(desk.follow("bell"))) == 2
    clock.advance(hours=3)
    desk.tick()
    assert [type(one.event).__name__ for one in desk.follow("bell")] == ["ClockBreached"]


# -- pauses ----------------------------------------------------------------------------------------------------------


def test_the_clock_stands_still_while_the_customer_thinks(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    clock.advance(hours=1)
    desk.ask(ticket, "Which one?", actor=KIM)
    paused = desk.clocks(ticket)[Metric.RESOLUTION]
    assert (paused.status, paused.due_at, paused.remaining) == (Status.PAUSED, None, 7 * HOUR)
    assert desk.tick().next_due is None
    clock.advance(days=7)
    assert desk.tick().fired == 0
    desk.add_message(ticket, "That one", author=ANN)
    going = desk.clocks(ticket)[Metric.RESOLUTION]
    assert (going.status, going.due_at) == (Status.RUNNING, clock.now() + 7 * HOUR)


def test_another_priority_changes_the_due_and_keeps_what_is_used(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    clock.advance(hours=3)
    desk.set_priority(ticket, "urgent", actor=KIM)
    clocks = desk.clocks(ticket)
    assert clocks.due_at == START + 4 * HOUR
    assert clocks[Metric.RESOLUTION].used == 3 * HOUR
    clock.advance(hours=2)
    assert desk.tick().fired == 1
    assert [what[:2] for what in told(desk, ticket)[-2:]] == [
        ("ClockWarned", "RESOLUTION/1/1/75%"),
        ("ClockBreached", "RESOLUTION/1/1/100%"),
    ]


# -- corrections -----------------------------------------------------------------------------------------------------


def test_an_answer_that_is_recorded_late_takes_the_breach_back(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    clock.set(START + 3 * HOUR)
    desk.tick()
    desk.reply(ticket, "We talked", actor=KIM, kind="call", at=START + HOUR)
    assert desk.clocks(ticket)[Metric.FIRST_RESPONSE].verdict is Verdict.MET
    assert told(desk, ticket) == [
        ("ClockBreached", "FIRST_RESPONSE/1/1/100%", 2 * HOUR),
        ("ClockStopped", "FIRST_RESPONSE/1/1/stop/1", HOUR),
        ("ClockCorrected", "FIRST_RESPONSE/1/1/100%", 3 * HOUR),
    ]
    event = desk.history(ticket)[-1].event
    assert isinstance(event, ev.ClockCorrected)
    assert (event.before, event.verdict) == (Verdict.BREACHED, None)
    clock.advance(days=1)
    desk.tick()
    assert [what[1] for what in told(desk, ticket)].count("FIRST_RESPONSE/1/1/100%") == 2
    sound(desk)


def test_an_answer_that_did_not_arrive_was_none(clock: ManualClock) -> None:
    @attrs.frozen
    class Broken(Printer):
        def send(self, _message: Any) -> Any:
            return Rejected("blocked")

    with Desk("sqlite://", clock=clock, levels=levels(), channels=[Broken(name="app")]) as desk:
        ann = desk.customers.add("Ann", addresses={"chat": "@ann"})
        ticket = desk.open("x", "Hello", customer=ann.id).id
        clock.advance(hours=1)
        desk.reply(ticket, "Hello", actor=KIM)
        assert desk.clocks(ticket)[Metric.FIRST_RESPONSE].verdict is Verdict.MET
        desk.deliver_outbox()
        assert desk.clocks(ticket)[Metric.FIRST_RESPONSE].verdict is None
        clock.set(START + 2 * HOUR + dt.timedelta(seconds=1))
        assert desk.tick().fired == 1
        desk.reply(ticket, "Hello again", actor=KIM, kind="call")
        assert [what[:2] for what in told(desk, ticket)] == [
            ("ClockStopped", "FIRST_RESPONSE/1/1/stop/1"),
            ("ClockCorrected", "FIRST_RESPONSE/1/1/stop/1"),
            ("ClockBreached", "FIRST_RESPONSE/1/1/100%"),
            ("ClockStopped", "FIRST_RESPONSE/1/1/stop/2"),
        ]


def test_a_breach_that_was_taken_back_and_comes_after_all_is_told_as_a_correction(
    desk: Desk, clock: ManualClock
) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    clock.set(START + 25 * HOUR)
    desk.tick()  # missed at Tuesday 9:00
    desk.hold(ticket, "vendor", actor=KIM, at=START + 7 * HOUR)
    assert desk.clocks(ticket)[Metric.RESOLUTION].verdict is None
    desk.resume(ticket, actor=KIM)
    clock.set(START + 30 * HOUR)
    desk.tick()
    assert [what for what in told(desk, ticket) if what[1] == "RESOLUTION/1/1/100%"] == [
        ("ClockBreached", "RESOLUTION/1/1/100%", 24 * HOUR),
        ("ClockCorrected", "RESOLUTION/1/1/100%", 25 * HOUR),
        ("ClockCorrected", "RESOLUTION/1/1/100%", 30 * HOUR),
    ]
    last = [one.event for one in desk.history(ticket) if isinstance(one.event, ev.ClockCorrected)][-1]
    assert (last.before, last.verdict, last.at) == (None, Verdict.BREACHED, START + 26 * HOUR)


# -- two tickets -----------------------------------------------------------------------------------------------------


def test_a_merge_joins_the_clocks_and_an_unmerge_parts_them(desk: Desk, clock: ManualClock) -> None:
    first = opened(desk)
    desk.ask(first, "Which one?", actor=KIM)
    clock.advance(hours=1)
    second = opened(desk)
    clock.advance(hours=1)
    alone = [(one.metric, one.used, one.status) for one in desk.clocks(second).clocks]
    desk.merge(second, into=first, actor=KIM)
    assert {one.status for one in desk.clocks(second).clocks} == {Status.MERGED}
    joined = desk.clocks(first)[Metric.RESOLUTION]
    assert (joined.used, joined.started_at) == (HOUR, START)  # the second one ran while the first one waited
    desk.unmerge(second, actor=KIM)
    assert [(one.metric, one.used, one.status) for one in desk.clocks(second).clocks] == alone
    assert desk.clocks(first)[Metric.RESOLUTION].used == 0 * HOUR
    clock.advance(hours=2)
    desk.tick()
    assert ("ClockBreached", "FIRST_RESPONSE/1/1/100%", 3 * HOUR) in told(desk, second)
    sound(desk)


def test_a_merged_ticket_has_no_deadline_of_its_own(desk: Desk, clock: ManualClock) -> None:
    first, second = opened(desk), opened(desk)
    desk.merge(second, into=first, actor=KIM)
    clock.advance(days=3)
    assert desk.tick().fired == 1
    assert told(desk, second) == []


# -- by hand ---------------------------------------------------------------------------------------------------------


def test_a_due_set_by_hand_stands_beside_the_policys_own(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    desk.set_due(ticket, "resolution", START + 2 * HOUR, actor=KIM)
    assert desk.tick().next_due == START + 2 * HOUR + dt.timedelta(microseconds=1)
    clock.advance(hours=3)
    assert desk.tick().fired == 1
    breach = desk.history(ticket)[-1]
    assert isinstance(breach.event, ev.ClockBreached)
    assert (breach.occurred_at, breach.event.cause) == (START + 2 * HOUR, Cause.OVERRIDE)
    resolution = desk.clocks(ticket)[Metric.RESOLUTION]
    assert (resolution.verdict, resolution.override_verdict) == (None, Verdict.BREACHED)
    desk.set_due(ticket, Metric.RESOLUTION, START + 5 * HOUR, actor=KIM)
    clock.advance(hours=1)
    desk.resolve(ticket, "done", actor=KIM)
    clock.advance(days=1)
    desk.tick()
    assert [what[0] for what in told(desk, ticket)] == ["ClockStopped", "ClockBreached", "ClockStopped"]


def test_a_promise_is_kept_moved_or_broken(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    (first,) = desk.promise(ticket, "we call you", START + HOUR, actor=KIM).promises
    desk.promises.move(ticket, first, START + 2 * HOUR, actor=KIM)
    clock.set(START + 2 * HOUR)
    desk.promises.keep(ticket, first, actor=KIM)
    (second,) = desk.promise(ticket, "we write", HOUR, actor=KIM).promises
    clock.set(START + 4 * HOUR)
    desk.tick()
    desk.promises.cancel(ticket, second, actor=KIM)
    assert desk.get(ticket).promises == ()
    assert [what for what in told(desk, ticket) if what[1].startswith("PROMISE")] == [
        ("ClockStopped", "PROMISE/2/1/stop/1", 2 * HOUR),
        ("ClockBreached", "PROMISE/3/1/100%", 3 * HOUR),
    ]
    with pytest.raises(Refused, match="no such open promise"):
        desk.promises.keep(ticket, second, actor=KIM)


@pytest.mark.parametrize("due", [START, START - HOUR, -HOUR, 0 * HOUR])
def test_a_promise_of_the_past_is_refused(desk: Desk, due: Any) -> None:
    ticket = opened(desk)
    before = desk.get(ticket)
    with pytest.raises(Refused):
        desk.promise(ticket, "we call you", due, actor=KIM)
    assert desk.get(ticket) == before


def test_a_vendor_has_a_clock_that_only_the_vendor_pauses(clock: ManualClock) -> None:
    usual = levels()
    usual["policies"][0]["targets"].append({"metric": "EXTERNAL", "target": "3h"})
    with Desk("sqlite://", clock=clock, levels=usual) as desk:
        ticket = opened(desk)
        desk.reply(ticket, "Hello", actor=KIM)
        assert desk.vendors.hand_over(ticket, "fuser works", actor=KIM).vendors == ("fuser works",)
        clock.advance(hours=1)
        desk.vendors.pause(ticket, "fuser works", actor=KIM)
        clock.advance(hours=1)
        desk.vendors.resume(ticket, "fuser works", actor=KIM)
        assert desk.clocks(ticket)[Metric.EXTERNAL].due_at == START + 4 * HOUR
        clock.set(START + 5 * HOUR)
        desk.tick()
        assert desk.vendors.take_back(ticket, "fuser works", actor=KIM).vendors == ()
        assert [what for what in told(desk, ticket) if what[1].startswith("EXTERNAL")] == [
            ("ClockBreached", "EXTERNAL/1/1/100%", 4 * HOUR),
            ("ClockStopped", "EXTERNAL/1/1/stop/2", 5 * HOUR),
        ]
        with pytest.raises(Refused, match="does not work on ticket 1"):
            desk.vendors.pause(ticket, "fuser works", actor=KIM)


# -- levels ----------------------------------------------------------------------------------------------------------


def test_levels_are_recorded_and_hold_for_a_desk_that_names_none(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(url, clock=clock, levels=levels()) as desk:
        ticket = opened(desk)
    with Desk(url, clock=clock) as desk:
        assert desk.levels == ServiceLevels.from_dict(levels())
        assert desk.clocks(ticket).due_at == START + 2 * HOUR
        assert desk.clocks(opened(desk)).policy == "usual"


def test_a_ticket_keeps_its_policy_until_it_is_applied_anew(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    clock.advance(hours=1)
    desk.set_levels(levels(target="6h"))
    assert desk.clocks(ticket)[Metric.RESOLUTION].target == 8 * HOUR
    assert desk.clocks(opened(desk))[Metric.RESOLUTION].target == 6 * HOUR
    clock.advance(hours=1)
    desk.apply_policy(ticket, actor=KIM)
    resolution = desk.clocks(ticket)[Metric.RESOLUTION]
    assert (resolution.target, resolution.used, resolution.due_at) == (6 * HOUR, 2 * HOUR, START + 6 * HOUR)


def test_a_policy_is_chosen_by_what_the_ticket_is(clock: ManualClock) -> None:
    vip = {"id": "vip", "condition": {"tags": ["vip"]}, "targets": [{"metric": "RESOLUTION", "target": "1h"}]}
    plan = {"id": "plan", "condition": {"plan": ["gold"]}, "targets": [{"metric": "RESOLUTION", "target": "2h"}]}
    with Desk("sqlite://", clock=clock, levels=levels(before=[vip, plan])) as desk:
        tickets = [opened(desk), opened(desk, tags=["vip"]), opened(desk, fields={"plan": "gold"})]
        assert [desk.clocks(ticket).policy for ticket in tickets] == ["usual", "vip", "plan"]
        desk.tag(tickets[0], "vip", actor=KIM)
        assert desk.clocks(tickets[0]).policy == "usual"
        desk.apply_policy(tickets[0], actor=KIM)
        assert desk.clocks(tickets[0])[Metric.RESOLUTION].target == HOUR


def test_time_before_a_new_calendar_is_measured_with_the_old_one(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    clock.advance(hours=4)  # 13:00
    longer = {**OFFICE, "hours": {**OFFICE["hours"], "mon": [["09:00", "20:00"]]}}  # type: ignore[dict-item]
    desk.set_levels(levels(hours=longer))
    assert desk.clocks(ticket).due_at == START + 8 * HOUR
    assert desk.tick().stale == 1  # every deadline is looked at again
    shut = {**OFFICE, "hours": {**OFFICE["hours"], "mon": [["09:00", "14:00"]]}}  # type: ignore[dict-item]
    desk.set_levels(levels(hours=shut))
    resolution = desk.clocks(ticket)[Metric.RESOLUTION]
    assert (resolution.used, resolution.due_at) == (4 * HOUR, START + 27 * HOUR)  # one hour today, three tomorrow
    desk.note(ticket, "noted", actor=KIM)
    assert desk.clocks(ticket)[Metric.RESOLUTION].due_at == START + 27 * HOUR
    sound(desk)


def test_a_due_that_comes_nearer_with_a_new_calendar_fires_in_time(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    clock.set(START + 7 * HOUR)
    desk.tick()
    always = {"timezone": "UTC", "hours": {day: [["00:00", "24:00"]] for day in OFFICE["hours"]}}
    desk.set_levels(levels(hours=always))
    assert desk.tick().next_due == START + 8 * HOUR + dt.timedelta(microseconds=1)
    clock.set(START + 9 * HOUR)
    assert desk.tick().fired == 1
    assert told(desk, ticket)[-1] == ("ClockBreached", "RESOLUTION/1/1/100%", 8 * HOUR)


def test_a_retroactive_calendar_measures_running_clocks_anew(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    clock.advance(hours=4)
    late = {**OFFICE, "hours": {**OFFICE["hours"], "mon": [["11:00", "17:00"]]}}  # type: ignore[dict-item]
    desk.set_levels(levels(hours=late), retroactive=True)
    assert desk.clocks(ticket)[Metric.RESOLUTION].used == 2 * HOUR
    desk.tick()
    desk.note(ticket, "noted", actor=KIM)
    assert desk.clocks(ticket)[Metric.RESOLUTION].used == 2 * HOUR
    (told_once,) = [one for one in desk.history(ticket) if isinstance(one.event, ev.ClocksRemeasured)]
    assert (told_once.event.calendar, told_once.event.since) == ("office", clock.now())  # type: ignore[union-attr]


def test_two_desks_on_one_database_agree_on_newer_levels(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(url, clock=clock, levels=levels()) as old, Desk(url, clock=clock) as other:
        ticket = opened(old)
        shut = {**OFFICE, "hours": {**OFFICE["hours"], "mon": [["09:00", "10:00"]]}}  # type: ignore[dict-item]
        clock.advance(minutes=1)
        other.set_levels(levels(hours=shut))
        clock.advance(minutes=1)
        other.note(ticket, "measured with the newer calendar", actor=KIM)
        old.note(ticket, "by a desk that has not heard of it", actor=KIM)
        assert old.levels == other.levels
        assert old.clocks(ticket) == other.clocks(ticket)
        assert old.clocks(ticket).due_at == START + 25 * HOUR


def test_a_turn_reads_newer_levels_too(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(url, clock=clock, levels=levels()) as worker, Desk(url, clock=clock) as other:
        ticket = opened(other)
        shut = {**OFFICE, "hours": {**OFFICE["hours"], "mon": [["09:00", "10:00"]]}}  # type: ignore[dict-item]
        clock.advance(minutes=1)
        other.set_levels(levels(hours=shut))
        clock.advance(hours=4)
        assert worker.tick().fired == 0
        assert worker.tick().next_due == START + 25 * HOUR + dt.timedelta(microseconds=1)
        assert told(worker, ticket) == []


def test_tickets_of_the_built_in_policy_keep_it_when_levels_are_set_for_the_first_time(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock) as desk:
        ticket = desk.open("x", "Hello", author=ANN, channel="chat").id
        desk.set_levels(levels())
        assert desk.clocks(ticket).policy == "default"
        clock.advance(hours=1)
        assert desk.tick().fired == 1
        desk.apply_policy(ticket, actor=KIM)
        assert desk.clocks(ticket).policy == "usual"
        sound(desk)


def test_a_desk_that_has_not_heard_of_newer_levels_can_read_clocks_measured_by_them(
    tmp_path: Path, clock: ManualClock
) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(url, clock=clock, levels=levels()) as old, Desk(url, clock=clock) as other:
        other.set_levels(levels(target="1h"))
        ticket = opened(other)
        assert old.clocks(ticket)[Metric.RESOLUTION].target == HOUR
        assert old.clocks(opened(old))[Metric.RESOLUTION].target == HOUR


def test_an_idle_turn_hears_of_newer_levels(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(url, clock=clock, levels=levels()) as old, Desk(url, clock=clock) as other:
        other.set_levels(levels(target="1h"))
        old.tick()
        assert old.levels == other.levels


def test_levels_with_an_error_are_refused_by_the_code_of_the_linter(desk: Desk, tmp_path: Path) -> None:
    twice = levels()
    twice["policies"].append({**twice["policies"][0], "id": "never"})
    with pytest.raises(InvalidPolicy, match="L03"):
        desk.set_levels(twice)
    with pytest.raises(InvalidPolicy, match="L03"):
        Desk(f"sqlite:///{tmp_path / 'none.db'}", levels=twice)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InvalidPolicy, match=r"read by ServiceLevels\.from_toml"):
        desk.set_levels("levels.toml")  # type: ignore[arg-type]


def test_the_same_levels_again_are_no_new_revision(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    for _ in range(3):
        Desk(url, clock=clock, levels=levels()).close()
    with Desk(url, clock=clock) as desk, desk.storage.begin("default", write=False) as unit:
        assert [row.number for row in unit.settings("levels")] == [1]


def test_malformed_levels_are_refused_and_nothing_is_made(tmp_path: Path) -> None:
    file = tmp_path / "support.db"
    with pytest.raises(InvalidPolicy, match="did you mean"):
        Desk(f"sqlite:///{file}", levels={"policys": []})
    assert not file.exists()


# -- the note beside the row -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("note", ["", "[]", "[1,2,3]", "nonsense", '{"a":1}', "[0,null,[99]]"])
def test_a_note_that_is_lost_or_unreadable_is_made_anew_from_the_log(desk: Desk, clock: ManualClock, note: str) -> None:
    ticket = opened(desk)
    clock.advance(hours=1)
    with desk.storage.begin("default") as unit:
        row = unit.get(ticket)
        assert row is not None
        unit.save(Change(tickets=(TicketChange(before=row, ticket=attrs.evolve(row, clocks=note), events=()),)))
    clock.advance(hours=2)
    assert desk.tick().fired == 1
    desk.reply(ticket, "Sorry", actor=KIM)
    assert [what[:2] for what in told(desk, ticket)] == [
        ("ClockBreached", "FIRST_RESPONSE/1/1/100%"),
        ("ClockStopped", "FIRST_RESPONSE/1/1/stop/2"),
    ]


def test_a_policy_that_nobody_knows_keeps_no_message_from_being_recorded(
    desk: Desk, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    ticket = opened(desk)
    with Desk(desk.storage, clock=clock) as other:
        stranger = other._runner.settled.rules
        empty = Desk("sqlite://", levels=ServiceLevels(policies=()))._runner.rules.promises
        other._runner.settled.rules = attrs.evolve(stranger, promises=attrs.evolve(empty, generation=1))
        after = other.add_message(ticket, "Still there?", author=ANN)
    assert after.messages == 2
    assert after.clocks == ""
    assert "the clocks of ticket" in caplog.text
    assert desk.clocks(ticket).due_at == START + 2 * HOUR


# -- several at once -------------------------------------------------------------------------------------------------


def test_several_commands_of_one_transaction_share_the_clocks(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    clock.advance(hours=1)
    with desk.transaction() as inside:
        inside.reply(ticket, "Hello", actor=KIM)
        inside.ask(ticket, "Which one?", actor=KIM)
        inside.set_priority(ticket, "urgent", actor=KIM)
    assert told(desk, ticket) == [("ClockStopped", "FIRST_RESPONSE/1/1/stop/1", HOUR)]
    assert desk.clocks(ticket)[Metric.RESOLUTION].remaining == 3 * HOUR
    sound(desk)


def test_eight_sweepers_tell_each_breach_once(tmp_path: Path, clock: ManualClock) -> None:
    storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}", synchronous="normal")
    storage.migrate()
    desk = Desk(storage, clock=clock, levels=levels(), close_resolved_after=None)
    tickets = [opened(desk) for _ in range(60)]
    clock.advance(days=2)
    barrier = threading.Barrier(8)

    def sweep() -> None:
        barrier.wait(30)
        while desk.tick(limit=7).more:
            pass

    threads = [threading.Thread(target=sweep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    wanted = ["FIRST_RESPONSE/1/1/100%", "RESOLUTION/1/1/75%", "RESOLUTION/1/1/100%"]
    assert [[what[1] for what in told(desk, ticket)] for ticket in tickets] == [wanted] * 60
    storage.close()


def test_a_closed_ticket_has_no_note_and_its_clocks_go_on_when_it_is_reopened(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    clock.advance(hours=1)
    desk.resolve(ticket, "done", actor=KIM)
    assert desk.get(ticket).clocks
    assert desk.end(ticket, actor=KIM).clocks == ""
    clock.advance(hours=1)
    assert desk.add_message(ticket, "Not yet", author=ANN).clocks
    assert desk.clocks(ticket)[Metric.RESOLUTION].remaining == 7 * HOUR
    assert desk.tick().next_due == START + 4 * HOUR + dt.timedelta(microseconds=1)


def test_a_deep_check_finds_a_note_that_the_log_does_not_bear_out(desk: Desk, clock: ManualClock) -> None:
    ticket, other = opened(desk), opened(desk)
    sound(desk)
    with desk.storage.begin("default") as unit:
        row, foreign = unit.get(ticket), unit.get(other)
        assert row is not None
        assert foreign is not None
        moved = foreign.clocks.replace("28800000000", "28800000001")
        assert moved != foreign.clocks
        unit.save(Change(tickets=(TicketChange(before=row, ticket=attrs.evolve(row, clocks=moved), events=()),)))
    found = [finding.sentence for finding in desk.check(deep=True) if finding.code == "log.clocks"]
    assert found == ["1 of 2 tickets have other clocks than their logs: 1"]


def test_the_note_says_what_the_log_says(desk: Desk, clock: ManualClock) -> None:
    """After each command of a day the note equals what a new fold of the log would note."""
    from supportkit.drafting import read_clocks
    from supportkit.sla import replay

    ticket = opened(desk)
    steps: list[Callable[[], Any]] = [
        lambda: desk.assign(ticket, assignee="kim", actor=KIM),
        lambda: desk.ask(ticket, "Which one?", actor=KIM),
        lambda: desk.add_message(ticket, "That one", author=ANN),
        lambda: desk.move_tier(ticket, 2, "hard", actor=KIM),
        lambda: desk.reply(ticket, "Done", actor=KIM),
        lambda: desk.resolve(ticket, "Done", actor=KIM),
        lambda: desk.add_message(ticket, "No", author=ANN),
        lambda: desk.resolve(ticket, "Now", actor=KIM),
    ]
    for step in steps:
        clock.advance(minutes=20)
        step()
        kept_by = desk._runner.rules.promises
        kept = read_clocks(desk.get(ticket), kept_by)
        assert kept is not None
        assert kept.snapshot == replay(facts_of_log(desk.history(ticket), kept_by), kept_by.rules)


# -- what if ---------------------------------------------------------------------------------------------------------


def test_what_if_tells_what_another_target_would_have_changed(desk: Desk, clock: ManualClock) -> None:
    tickets = []
    for hours in (1, 5, 7):
        clock.set(START)
        tickets.append(opened(desk))
        desk.reply(tickets[-1], "Hello", actor=KIM)
        clock.set(START + hours * HOUR)
        desk.resolve(tickets[-1], "done", actor=KIM)
    before = desk.history(tickets[0])
    done: list[tuple[int, int]] = []
    found = desk.what_if([levels(), levels(target="6h")], progress=lambda *count: done.append(count))
    same, shorter = found.trials
    assert (found.tickets, same.changed, shorter.changed) == (3, 0, 1)
    (change,) = shorter.changes
    assert (change.ticket, change.metric) == (tickets[2], Metric.RESOLUTION)
    assert change.verdicts == (Verdict.MET, Verdict.BREACHED)
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert desk.history(tickets[0]) == before
    assert desk.what_if(levels(target="6h"), until=START).tickets == 0
    assert desk.what_if(levels(target="6h"), since=START).tickets == 3


def test_what_if_takes_the_policies_that_were_applied_for_what_was_promised(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.set_levels(levels(target="1h"))
    clock.advance(hours=2)
    desk.resolve(ticket, "done", actor=KIM)
    (trial,) = desk.what_if(desk.levels).trials
    assert [change.verdicts for change in trial.changes] == [(Verdict.MET, Verdict.BREACHED)]


def test_what_if_joins_merged_tickets(desk: Desk, clock: ManualClock) -> None:
    first, second = opened(desk), opened(desk)
    clock.advance(hours=1)
    desk.merge(second, into=first, actor=KIM)
    clock.advance(hours=1)
    desk.resolve(first, "done", actor=KIM)
    assert desk.what_if(levels()).trials[0].changed == 0


# -- levels that change under tickets --------------------------------------------------------------------------------

ALWAYS = {"timezone": "UTC", "hours": {day: [["00:00", "24:00"]] for day in OFFICE["hours"]}}
SHUT = {"timezone": "UTC", "hours": {"thu": [["09:00", "17:00"]]}}


def test_a_calendar_that_changes_makes_no_breach_of_time_that_was_closed(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    desk.set_levels(levels(target="16h"))
    desk.apply_policy(ticket, actor=KIM)
    clock.set(START + 20 * HOUR)  # eight hours were used on Monday
    desk.set_levels(levels(target="16h", hours=ALWAYS))
    desk.tick()
    desk.set_priority(ticket, "high", actor=KIM)
    assert [what for what in told(desk, ticket) if what[0] == "ClockBreached"] == []
    assert desk.clocks(ticket)[Metric.RESOLUTION].due_at == START + 28 * HOUR
    clock.set(START + 29 * HOUR)
    desk.tick()
    assert told(desk, ticket)[-1] == ("ClockBreached", "RESOLUTION/1/1/100%", 28 * HOUR)
    sound(desk)


def test_levels_that_change_at_the_instant_of_a_command_stop_no_later_one(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.set_levels(levels(hours=ALWAYS))
    clock.advance(hours=1)
    desk.reply(ticket, "Hello", actor=KIM)
    assert desk.add_message(ticket, "And now?", author=ANN).messages == 3
    assert desk.tick().failed == 0
    sound(desk)


@pytest.mark.parametrize(
    "later",
    [
        {"channels": {"line": "messenger"}},
        {"policies": [{"id": "usual", "fallback": True, "targets": [{"metric": "TIER", "target": "1m"}]}]},
        {
            "policies": [
                {
                    "id": "usual",
                    "fallback": True,
                    "targets": [{"metric": "PERIODIC_UPDATE", "target": "1h"}],
                    "metrics": {"PERIODIC_UPDATE": {"starts": "first_response"}},
                }
            ]
        },
    ],
    ids=["classes", "metrics", "options"],
)
def test_later_levels_do_not_rewrite_what_was_promised_before(
    desk: Desk, clock: ManualClock, later: dict[str, Any]
) -> None:
    ticket = opened(desk, channel="line")
    before = desk.clocks(ticket)
    desk.set_levels(later)
    assert desk.clocks(ticket) == before
    clock.advance(hours=1)
    desk.assign(ticket, assignee="kim", actor=KIM)
    desk.assign(ticket, assignee="lee", actor=KIM, at=START + HOUR / 2)
    assert told(desk, ticket) == []
    sound(desk)


def test_a_desk_with_old_levels_loses_no_breach_of_a_ticket_under_newer_ones(
    tmp_path: Path, clock: ManualClock
) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(url, clock=clock, levels=levels()) as worker, Desk(url, clock=clock) as web:
        worker.set_levels(levels(target="1h"))
        ticket = opened(worker)
        worker.reply(ticket, "Hello", actor=KIM)
        web.add_message(ticket, "And now?", author=ANN)
        clock.advance(hours=3)
        while worker.tick().more:
            pass
        assert [what[1] for what in told(worker, ticket) if what[0] == "ClockBreached"] == [
            "RESOLUTION/1/1/100%",
            "NEXT_RESPONSE/1/1/100%",
        ]
        sound(worker)


def test_a_desk_that_only_writes_hears_of_newer_levels_within_half_a_minute(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(url, clock=clock, levels=levels()) as web, Desk(url, clock=clock) as other:
        other.set_levels(levels(target="1h"))
        with web.transaction() as inside:
            assert inside.clocks(opened(inside))[Metric.RESOLUTION].target == HOUR
        other.set_levels(levels(target="3h"))
        clock.advance(seconds=30)
        assert web.open("x", "Hello", author=ANN).id
        assert web._runner.rules.promises.generation == 3


def test_what_if_with_the_levels_of_now_changes_nothing_after_a_calendar_changed(
    desk: Desk, clock: ManualClock
) -> None:
    ticket = opened(desk)
    clock.advance(hours=4)
    desk.set_levels(levels(hours=ALWAYS))
    clock.advance(hours=1)
    desk.resolve(ticket, "done", actor=KIM)
    same, shut = desk.what_if([desk.levels, levels(hours=SHUT)]).trials
    assert (same.changed, shut.changed) == (0, 1)


def test_a_command_dated_back_to_before_a_change_of_a_calendar_measures_both_sides_of_it(
    desk: Desk, clock: ManualClock
) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    clock.advance(hours=4)
    desk.set_levels(levels(hours=SHUT))  # until Thursday
    clock.advance(hours=1)
    desk.assign(ticket, assignee="kim", actor=KIM, at=START + 2 * HOUR)
    clock.advance(days=20)
    while desk.tick().more:
        pass
    breach = next(one for one in desk.history(ticket) if isinstance(one.event, ev.ClockBreached))
    assert breach.occurred_at == dt.datetime(2026, 1, 8, 13, tzinfo=dt.UTC)
    sound(desk)


def test_clocks_that_had_no_more_open_time_are_woken_by_a_calendar_that_has_some(clock: ManualClock) -> None:
    once = {"timezone": "UTC", "overrides": {"2026-01-05": [["09:00", "17:00"]]}}
    with Desk("sqlite://", clock=clock, levels=levels(hours=once)) as desk:
        clock.advance(hours=1)
        ticket = opened(desk)
        desk.reply(ticket, "Hello", actor=KIM)
        clock.set(START + 10 * HOUR)  # seven hours were used, and there are no more
        while desk.tick().more:
            pass
        assert desk.tick().next_due is None
        desk.set_levels(levels(hours=ALWAYS))
        clock.advance(hours=2)
        desk.tick()
        assert told(desk, ticket)[-1] == ("ClockBreached", "RESOLUTION/1/1/100%", 11 * HOUR)


def test_an_answer_to_a_closed_ticket_stops_the_clock_that_was_broken_before(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    clock.advance(days=3)
    desk.tick()
    desk.end(ticket, actor=KIM, reason="spam")
    desk.reply(ticket, "Not spam after all.", actor=KIM)
    stopped = [one.event.metric for one in desk.history(ticket) if isinstance(one.event, ev.ClockStopped)]
    assert Metric.FIRST_RESPONSE in stopped


def test_a_retroactive_calendar_tells_of_paused_clocks_too(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    clock.advance(hours=20)  # by the office: eight hours
    desk.ask(ticket, "Which one?", actor=KIM)
    clock.advance(hours=1)
    desk.set_levels(levels(hours=ALWAYS), retroactive=True)
    desk.tick()
    event = [one.event for one in desk.history(ticket) if isinstance(one.event, ev.ClockBreached)][-1]
    assert (event.metric, event.cause, event.used) == (Metric.RESOLUTION, Cause.CALENDAR_CHANGED, 20 * HOUR)
    sound(desk)


def test_a_due_set_by_hand_that_was_met_as_is_known_later_is_corrected(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Hello", actor=KIM)
    desk.set_due(ticket, "resolution", START + 2 * HOUR, actor=KIM)
    clock.advance(hours=3)
    desk.tick()
    desk.resolve(ticket, "done", actor=KIM, at=START + HOUR)
    event = desk.history(ticket)[-1].event
    assert isinstance(event, ev.ClockCorrected)
    assert (event.before, event.verdict, "/override/" in event.id) == (Verdict.BREACHED, None, True)


def test_messages_to_a_closed_ticket_cost_no_more_the_longer_its_log_is(
    desk: Desk, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = opened(desk)
    desk.resolve(ticket, "done", actor=KIM)
    desk.end(ticket, actor=KIM)
    read: list[str] = []
    kept = SqlUnitOfWork.history
    monkeypatch.setattr(SqlUnitOfWork, "history", lambda unit, one: (read.append(one), kept(unit, one))[1])
    for _ in range(3):
        desk.add_message(ticket, "I am away", author=ANN, kind="auto")
        desk.note(ticket, "mail loop", actor=KIM)
    assert read == []


def test_names_that_no_text_can_hold_are_refused(desk: Desk) -> None:
    bad = levels()
    bad["policies"][0]["id"] = "a\ud800"
    with pytest.raises(InvalidPolicy, match="characters that no text can hold"):
        desk.set_levels(bad)
