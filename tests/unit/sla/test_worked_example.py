"""The worked example of the specification, line by line."""

from __future__ import annotations

import pytest
from tests.unit.sla.desk import EASTER, Log, M, berlin, h, policy

from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import Priority
from supportkit.sla import (
    Cause,
    Kind,
    PrioritySet,
    PromiseKept,
    PromiseMade,
    Status,
    Verdict,
    explain,
    picture,
)

POLICY = policy(
    [
        {"metric": M.FIRST_RESPONSE, "target": "4h"},
        {"metric": M.NEXT_RESPONSE, "target": "4h"},
        {"metric": M.RESOLUTION, "target": "24h"},
        {"metric": M.RESOLUTION, "target": "16h", "priority": "urgent"},
    ],
    metrics={"RESOLUTION": {"warnings": ["75%"]}},
)


@pytest.fixture
def log():
    return (
        Log("17 15:30", clock=berlin, state="new")
        .customer("17 15:30")
        .agent("17 16:00", kind=MessageKind.AUTO, author=ActorKind.SYSTEM)
        .agent("22 10:00")
        .state("22 10:00", "pending")
        .customer("23 19:00")
        .state("23 19:00", "open")
        .agent("24 12:30")
        .tell(PrioritySet, "25 10:00", priority=Priority.URGENT)
        .state("25 16:00", "resolved")
        .state("28 11:00", "open")
        .state("28 12:00", "resolved")
    )


def at(log, when):
    return log.at(when, POLICY, {"days": EASTER})


@pytest.mark.parametrize("when", ["17 15:30", "17 16:00"])
def test_after_the_first_mail_both_dues_stand_and_an_acknowledgement_changes_nothing(log, when):
    clocks = at(log, when)

    assert clocks[M.FIRST_RESPONSE].due_at == berlin("22 10:30")
    assert clocks[M.RESOLUTION].due_at == berlin("24 15:30")


def test_the_reply_meets_the_first_response_and_waiting_pauses_the_resolution(log):
    clocks = at(log, "22 10:00")
    first, resolution = clocks[M.FIRST_RESPONSE], clocks[M.RESOLUTION]

    assert (first.used, first.verdict, first.status) == (h(3.5), Verdict.MET, Status.STOPPED)
    assert (resolution.status, resolution.paused_by) == (Status.PAUSED, ("waiting_customer",))
    assert (resolution.used, resolution.remaining) == (h(3.5), h(20.5))
    assert (resolution.due_at, resolution.breaches_at) == (None, None)
    assert resolution.projected_due_at == berlin("24 15:30")


def test_the_pause_costs_exactly_its_business_part(log):
    clocks = at(log, "23 19:00")
    following = clocks[M.NEXT_RESPONSE]

    assert EASTER.between(berlin("22 10:00"), berlin("23 19:00")) == h(15)
    assert clocks[M.RESOLUTION].due_at == berlin("28 10:30")
    assert (following.due_at, following.breaches_at) == (berlin("24 13:00"), berlin("24 14:00"))


def test_the_second_reply_is_in_time(log):
    following = at(log, "24 12:30")[M.NEXT_RESPONSE]

    assert (following.used, following.verdict) == (h(3.5), Verdict.MET)


def test_a_reply_in_the_lunch_hour_after_the_due_is_in_time_too(log):
    log.facts = [fact for fact in log.facts if fact.occurred_at < berlin("24 12:30")]
    log.agent("24 13:30")
    following = at(log, "24 13:30")[M.NEXT_RESPONSE]

    assert (following.used, following.verdict) == (h(4), Verdict.MET)


def test_the_higher_priority_keeps_what_is_used_and_fires_the_warning(log):
    clocks = at(log, "25 10:00")
    resolution = clocks[M.RESOLUTION]

    assert (resolution.used, resolution.target) == (h(12.5), h(16))
    assert resolution.due_at == berlin("25 14:30")
    assert [(warned.id, warned.at) for warned in clocks.warnings] == [("T1/RESOLUTION/1/1/75%", berlin("25 10:00"))]


def test_it_breaches_when_the_target_is_reached_and_stops_late(log):
    resolution = at(log, "25 16:00")[M.RESOLUTION]

    assert [(record.verdict, record.at, record.cause) for record in resolution.records] == [
        (Verdict.BREACHED, berlin("25 14:30"), Cause.ELAPSED),
        (Verdict.BREACHED, berlin("25 16:00"), Cause.FULFILLED),
    ]
    assert resolution.used == h(17.5)


def test_the_resolved_span_does_not_count_and_the_breach_stays(log):
    resolution = at(log, "28 11:00")[M.RESOLUTION]

    assert EASTER.between(berlin("25 16:00"), berlin("28 11:00")) == h(7)
    assert (resolution.used, resolution.verdict, resolution.status) == (h(17.5), Verdict.BREACHED, Status.RUNNING)


def test_resolving_again_appends_a_third_record(log):
    resolution = at(log, "28 12:00")[M.RESOLUTION]

    assert (resolution.used, len(resolution.records)) == (h(18.5), 3)
    assert resolution.records[2].verdict is Verdict.BREACHED


def test_explain_tells_the_same_story(log):
    now = berlin("25 16:00")
    segments = explain(at(log, "25 16:00")[M.RESOLUTION], now)

    assert [(item.start, item.kind) for item in segments] == [
        (berlin("17 15:30"), Kind.COUNTED),
        (berlin("17 18:00"), Kind.CLOSED),
        (berlin("18 00:00"), Kind.HOLIDAY),
        (berlin("19 00:00"), Kind.CLOSED),
        (berlin("21 00:00"), Kind.HOLIDAY),
        (berlin("22 00:00"), Kind.CLOSED),
        (berlin("22 09:00"), Kind.COUNTED),
        (berlin("22 10:00"), Kind.PAUSED),
        (berlin("23 19:00"), Kind.CLOSED),
        (berlin("24 09:00"), Kind.COUNTED),
        (berlin("24 13:00"), Kind.CLOSED),
        (berlin("24 14:00"), Kind.COUNTED),
        (berlin("24 18:00"), Kind.CLOSED),
        (berlin("25 09:00"), Kind.COUNTED),
        (berlin("25 13:00"), Kind.CLOSED),
        (berlin("25 14:00"), Kind.COUNTED),
    ]
    counted = [item.length / h(1) for item in segments if item.kind is Kind.COUNTED]
    assert counted == [2.5, 1, 4, 4, 4, 2]
    assert segments[-1].end == now
    assert picture(segments, width=24) == ".hhh......hhh.====..#..#"


@pytest.mark.parametrize(
    ("kept", "verdict"), [("25 17:30", Verdict.MET), ("25 18:00", Verdict.MET), ("25 18:00:01", Verdict.BREACHED)]
)
def test_a_promise_for_an_instant_compares_instants(kept, verdict):
    log = Log("24 10:00", clock=berlin)
    log.tell(PromiseMade, "24 10:00", promise="call", promised=berlin("25 18:00"))
    log.tell(PromiseKept, kept, promise="call")

    assert at(log, "28 12:00")[M.PROMISE].verdict is verdict
