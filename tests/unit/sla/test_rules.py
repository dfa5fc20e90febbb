"""One test, or a few, for each rule R1 to R16 of the clocks."""

from __future__ import annotations

import datetime as dt
import json

import attrs
import pytest
from tests.unit.sla.desk import CATEGORIES, UTC_DAYS, Log, M, h, policy, rules, utc

from supportkit.businesstime import BusinessCalendar
from supportkit.errors import HistoryNeeded, InvalidPolicy, UnknownState
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import Priority
from supportkit.sla import (
    DEFAULT_POLICY,
    Absorbed,
    CalendarChanged,
    Cause,
    ChannelSet,
    DeliveryFailed,
    DueOverridden,
    ExternalEnded,
    ExternalPaused,
    ExternalResumed,
    ExternalStarted,
    Kind,
    Merged,
    OwnerSet,
    PolicyApplied,
    PrioritySet,
    PromiseCancelled,
    PromiseKept,
    PromiseMade,
    PromiseMoved,
    Released,
    Snapshot,
    Status,
    TierEntered,
    Unmerged,
    Verdict,
    Voided,
    advance,
    explain,
    needs_history,
    replay,
    report,
    step,
    tick,
    upcoming,
    verdicts,
    warnings,
)

BOTH = policy({"FIRST_RESPONSE": 4, "NEXT_RESPONSE": 4, "RESOLUTION": 24})


# -- R1, R2: a pure fold, in the order of instants -------------------------------------------------------------------


def busy() -> Log:
    return (
        Log("08 10:00", state="new")
        .customer("08 10:00")
        .agent("08 11:00")
        .state("08 11:00", "pending")
        .customer("09 12:00")
        .state("09 12:00", "open")
        .agent("09 15:30")
        .state("10 09:00", "resolved")
    )


def test_r1_advancing_fact_by_fact_gives_the_snapshot_of_the_replay_of_every_prefix():
    facts, compiled, snapshot = busy().facts, rules(BOTH), None
    for count, fact in enumerate(facts, 1):
        snapshot = advance(snapshot, fact, compiled)

        assert snapshot == replay(facts[:count], compiled)


def test_r1_a_snapshot_survives_json_and_stays_small():
    snapshot = replay(busy().facts[:-1], rules(DEFAULT_POLICY))
    text = json.dumps(snapshot.to_json(), separators=(",", ":"))

    assert Snapshot.from_json(json.loads(text)) == snapshot
    assert len(text) < 600


def test_r1_a_snapshot_of_another_schema_is_refused():
    with pytest.raises(ValueError, match="replay the history"):
        Snapshot.from_json([99])


@pytest.mark.parametrize("where", [(7,), (17, 0, 0), (17, 0, 3), (17, 0)])
def test_r1_a_snapshot_with_a_word_that_nobody_knows_is_refused(where):
    part = data = replay(busy().facts[:-1], rules(DEFAULT_POLICY)).to_json()
    for index in where[:-1]:
        part = part[index]
    part[where[-1]] = "nobody knows"
    with pytest.raises(ValueError, match="replay the history"):
        Snapshot.from_json(data)


def test_r1_only_what_had_happened_and_was_known_counts():
    log = Log("08 10:00").agent("08 11:00", recorded="08 12:00")

    assert log.at("08 11:30", BOTH, known_at=utc("08 11:30"))[M.FIRST_RESPONSE].status is Status.RUNNING
    assert log.at("08 12:30", BOTH)[M.FIRST_RESPONSE].stopped_at == utc("08 11:00")
    assert log.at("08 09:00", BOTH).clocks == ()


def test_r2_the_order_of_telling_does_not_matter():
    log = busy()
    forwards = log.at("11 12:00", BOTH)
    log.facts.reverse()

    assert log.at("11 12:00", BOTH) == forwards


def test_r2_naive_instants_are_refused_by_name():
    with pytest.raises(TypeError, match="at must be an aware datetime"):
        Log("08 10:00").at(dt.datetime(2024, 1, 8), BOTH)  # noqa: DTZ001
    with pytest.raises(TypeError, match="occurred_at must be an aware datetime"):
        Log(dt.datetime(2024, 1, 8))  # noqa: DTZ001


def test_r2_a_stop_before_the_start_uses_nothing_and_is_flagged():
    log = Log("08 10:00").state("08 09:59:10", "resolved")
    clock = log.at("08 12:00", BOTH)[M.RESOLUTION]

    assert (clock.used, clock.verdict, clock.stopped_at) == (h(0), Verdict.MET, utc("08 09:59:10"))
    assert clock.flags == {"clock_skew"}
    assert explain(clock, utc("08 12:00")) == ()


def test_r2_an_unknown_state_is_an_error_and_no_guess():
    with pytest.raises(UnknownState, match="'limbo' has no category"):
        Log("08 10:00").state("08 11:00", "limbo").at("08 12:00", BOTH)


def test_r2_a_late_fact_needs_the_history():
    log = Log("08 10:00").agent("08 12:00")
    compiled = rules(BOTH)
    snapshot = replay(log.facts, compiled)
    log.customer("08 11:00")

    assert needs_history(snapshot, log.facts[-1])
    with pytest.raises(HistoryNeeded):
        advance(snapshot, log.facts[-1], compiled)


def test_a_history_begins_with_the_creation():
    with pytest.raises(ValueError, match="begins with Created"):
        advance(None, Log("08 10:00").agent("08 11:00").facts[1], rules(BOTH))


# -- R3 to R6: responses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "is_response"),
    [
        ({}, True),
        ({"kind": MessageKind.CALL}, True),
        ({"kind": MessageKind.AUTO}, False),
        ({"kind": MessageKind.CAMPAIGN}, False),
        ({"author": ActorKind.BOT}, False),
        ({"author": ActorKind.SYSTEM}, False),
        ({"author": ActorKind.EXTERNAL}, False),
    ],
)
def test_r3_only_an_agents_reply_or_call_is_a_response(more, is_response):
    clock = Log("08 10:00").agent("08 11:00", **more).at("08 12:00", BOTH)[M.FIRST_RESPONSE]

    assert (clock.status is Status.STOPPED) == is_response


def test_r3_a_bot_counts_only_on_request():
    counting = policy({"FIRST_RESPONSE": 4}, metrics={"FIRST_RESPONSE": {"bots_count": True}})
    clock = Log("08 10:00").agent("08 11:00", author=ActorKind.BOT).at("08 12:00", counting)[M.FIRST_RESPONSE]

    assert clock.status is Status.STOPPED


def test_r3_with_owner_only_the_reply_of_another_agent_is_none():
    mine = policy({"FIRST_RESPONSE": 4}, metrics={"FIRST_RESPONSE": {"owner_only": True}})
    log = Log("08 10:00", owner="kim").agent("08 11:00", by="lee").agent("08 11:30", by="kim")

    assert log.at("08 12:00", mine)[M.FIRST_RESPONSE].stopped_at == utc("08 11:30")


def test_r3_a_failed_delivery_never_was_a_response():
    log = Log("08 10:00").agent("08 11:00", message="m1").tell(DeliveryFailed, "08 11:05", message="m1")

    assert log.at("08 11:01", BOTH)[M.FIRST_RESPONSE].status is Status.STOPPED
    assert log.at("08 11:05", BOTH)[M.FIRST_RESPONSE].status is Status.RUNNING


def test_r3_automatic_messages_of_a_customer_start_nothing():
    log = Log("08 10:00").agent("08 11:00").customer("08 11:01", kind=MessageKind.AUTO)

    assert log.at("08 12:00", BOTH).get(M.NEXT_RESPONSE) is None


def test_r4_a_ticket_that_an_agent_opened_owes_a_response_to_the_first_customer_message():
    log = Log("08 10:00", author=ActorKind.AGENT).agent("08 10:05")
    assert log.at("08 10:30", BOTH).get(M.FIRST_RESPONSE) is None

    log.customer("08 11:00").agent("08 12:00")
    clocks = log.at("08 13:00", BOTH)

    assert (clocks[M.FIRST_RESPONSE].started_at, clocks[M.FIRST_RESPONSE].used) == (utc("08 11:00"), h(1))
    assert clocks.get(M.NEXT_RESPONSE) is None


def test_r4_a_new_first_response_after_each_reopening_on_request():
    again = policy({"FIRST_RESPONSE": 4}, metrics={"FIRST_RESPONSE": {"reopen": "new_cycle"}})
    log = Log("08 10:00").agent("08 11:00").state("08 12:00", "resolved").state("08 14:00", "open")

    assert [c.cycle for c in log.at("08 15:00", again).clocks] == [1, 2]
    assert [c.cycle for c in log.at("08 15:00", BOTH).clocks if c.metric is M.FIRST_RESPONSE] == [1]


def test_r5_the_next_response_starts_at_the_oldest_unanswered_message():
    log = (
        Log("08 10:00").agent("08 10:30").customer("08 11:00").customer("08 12:00").agent("08 13:00").agent("08 14:00")
    )
    clocks = log.at("08 15:00", BOTH)

    assert [(c.instance, c.used) for c in clocks.clocks if c.metric is M.NEXT_RESPONSE] == [(1, h(2))]


def test_r5_the_exchange_before_the_first_response_counts_on_request():
    early = policy({"NEXT_RESPONSE": 4}, metrics={"NEXT_RESPONSE": {"after_first_response": False}})
    log = Log("08 10:00").customer("08 10:00")

    assert log.at("08 11:00", early)[M.NEXT_RESPONSE].used == h(1)
    assert log.at("08 11:00", BOTH).get(M.NEXT_RESPONSE) is None


def test_r6_each_response_ends_an_update_and_starts_the_next():
    updates = policy({"PERIODIC_UPDATE": 2})
    log = Log("08 10:00").agent("08 11:00").customer("08 11:30").agent("08 14:00")
    clocks = log.at("08 15:00", updates).clocks

    assert [(c.instance, c.used, c.verdict) for c in clocks] == [
        (1, h(1), Verdict.MET),
        (2, h(3), Verdict.BREACHED),
        (3, h(1), None),
    ]


def test_r6_updates_may_restart_on_any_contact_or_wait_for_the_first_response():
    any_contact = policy({"PERIODIC_UPDATE": 2}, metrics={"PERIODIC_UPDATE": {"restart_on": "any_contact"}})
    later = policy({"PERIODIC_UPDATE": 2}, metrics={"PERIODIC_UPDATE": {"starts": "first_response"}})
    log = Log("08 10:00").customer("08 10:30").agent("08 11:00")

    assert [c.started_at for c in log.at("08 12:00", any_contact).clocks] == [
        utc(f"08 {m}") for m in ("10:00", "10:30", "11:00")
    ]
    assert [c.started_at for c in log.at("08 12:00", later).clocks] == [utc("08 11:00")]


# -- R7 to R9: pauses, the other metrics, reopening ------------------------------------------------------------------


def test_r7_ending_straight_from_a_pause_counts_the_pause_as_one():
    log = Log("08 10:00").state("08 11:00", "pending").state("09 12:00", "resolved")
    clock = log.at("10 12:00", BOTH)[M.RESOLUTION]

    assert (clock.used, clock.verdict) == (h(1), Verdict.MET)


def test_r7_end_closed_makes_resolved_an_ordinary_category():
    late = policy({"RESOLUTION": 24}, metrics={"RESOLUTION": {"end": "closed", "pauses": []}})
    log = Log("08 10:00").state("08 11:00", "resolved").state("08 13:00", "closed")

    assert log.at("08 15:00", late)[M.RESOLUTION].used == h(3)


def test_r7_requester_wait_goes_on_at_the_vendor_and_agent_work_does_not():
    measured = policy({"REQUESTER_WAIT": 8, "AGENT_WORK": 8})
    log = Log("08 10:00").state("08 11:00", "vendor").state("08 13:00", "pending").state("08 14:00", "resolved")
    clocks = log.at("08 15:00", measured)

    assert (clocks[M.REQUESTER_WAIT].used, clocks[M.AGENT_WORK].used) == (h(3), h(1))


def test_r8_each_visit_to_a_tier_has_its_own_target_and_calendar():
    tiers = policy(
        [{"metric": "TIER", "target": "1h", "tier": 1}, {"metric": "TIER", "target": "3h", "tier": 2}],
        tiers={2: "always_open"},
    )
    log = Log("08 16:00").tell(TierEntered, "08 18:00", tier=2).tell(TierEntered, "08 20:00", tier=1)
    clocks = log.at("09 10:30", tiers).clocks

    assert [(c.subject, c.used, c.verdict, c.instance) for c in clocks] == [
        ("1", h(1), Verdict.MET, 1),
        ("2", h(2), Verdict.MET, 2),
        ("1", h(1.5), Verdict.BREACHED, 3),
    ]


def test_r8_visits_to_one_tier_add_up_on_request():
    adding = policy({"TIER": 3}, metrics={"TIER": {"cumulative": True}})
    log = Log("08 10:00").tell(TierEntered, "08 12:00", tier=2).tell(TierEntered, "08 13:00", tier=1)
    clocks = log.at("08 14:30", adding).clocks
    first = next(c for c in clocks if c.subject == "1")

    assert (len(clocks), first.used, first.verdict, first.status) == (2, h(3.5), Verdict.BREACHED, Status.RUNNING)


def test_r8_a_ticket_that_changed_hands_while_it_was_done_visits_the_new_tier_when_reopened():
    log = Log("08 10:00").state("08 11:00", "resolved").tell(TierEntered, "08 12:00", tier=2).state("08 13:00", "open")
    clocks = log.at("08 14:00", policy({"TIER": 8})).clocks

    assert [(c.subject, c.started_at) for c in clocks] == [("1", utc("08 10:00")), ("2", utc("08 13:00"))]


def test_r8_a_vendor_pauses_only_its_own_clock_and_goes_on_while_resolved():
    vendors = policy({"EXTERNAL": 8})
    log = (
        Log("08 10:00")
        .tell(ExternalStarted, "08 10:00", vendor="acme")
        .state("08 10:00", "vendor")
        .tell(ExternalPaused, "08 11:00", vendor="acme")
        .tell(ExternalPaused, "08 11:30", vendor="acme")
        .tell(ExternalResumed, "08 12:00", vendor="acme")
        .state("08 13:00", "resolved")
        .tell(ExternalEnded, "08 14:00", vendor="acme")
    )

    assert log.at("08 11:45", vendors)[M.EXTERNAL].paused_by == ("vendor",)
    assert log.at("08 15:00", vendors)[M.EXTERNAL].used == h(3)


def test_r8_a_promise_that_is_moved_ends_its_instance_and_starts_the_next():
    log = (
        Log("08 10:00")
        .tell(PromiseMade, "08 10:00", promise="a", promised=h(2))
        .tell(PromiseMoved, "08 11:00", promise="a", promised=h(1))
        .tell(PromiseMoved, "08 13:00", promise="a", promised=h(1))
        .tell(PromiseKept, "08 13:30", promise="a")
        .tell(PromiseMade, "08 14:00", promise="b", promised=h(1))
        .tell(PromiseCancelled, "08 14:30", promise="b")
    )
    clocks = [c for c in log.at("08 15:00", BOTH).clocks if c.metric is M.PROMISE]

    assert [(c.status, c.verdict) for c in clocks] == [
        (Status.MOVED, None),
        (Status.MOVED, Verdict.BREACHED),
        (Status.STOPPED, Verdict.MET),
        (Status.CANCELLED, None),
    ]


def test_r8_a_response_keeps_a_promise_on_request():
    by_response = policy({}, metrics={"PROMISE": {"kept_by": "response"}})
    log = Log("08 10:00").tell(PromiseMade, "08 10:00", promise="a", promised=h(2)).agent("08 11:00")

    assert log.at("08 12:00", by_response)[M.PROMISE].verdict is Verdict.MET
    assert log.at("08 12:00", BOTH)[M.PROMISE].status is Status.RUNNING


def test_r8_the_first_owner_fulfils_time_to_own():
    owning = policy({"TIME_TO_OWN": 2})
    log = Log("08 10:00").tell(OwnerSet, "08 10:30", owner=None).tell(OwnerSet, "08 11:00", owner="kim")

    assert log.at("08 12:00", owning)[M.TIME_TO_OWN].used == h(1)
    assert Log("08 10:00", owner="kim").at("08 12:00", owning)[M.TIME_TO_OWN].used == h(0)


@pytest.mark.parametrize(
    ("reopen", "expected"),
    [
        ("continue", [(1, h(4), Status.STOPPED)]),
        ("new_cycle", [(1, h(2), Status.STOPPED), (2, h(2), Status.STOPPED)]),
        ("once", [(1, h(2), Status.STOPPED)]),
    ],
)
def test_r9_reopening(reopen, expected):
    reopening = policy({"RESOLUTION": 24}, metrics={"RESOLUTION": {"reopen": reopen}})
    log = Log("08 10:00").state("08 12:00", "resolved").state("08 14:00", "open").state("08 16:00", "closed")
    clocks = log.at("09 10:00", reopening).clocks

    assert [(c.cycle, c.used, c.status) for c in clocks] == expected


def test_r9_an_end_halts_what_waits_for_an_answer_and_does_not_fulfil_it():
    log = Log("08 10:00").state("08 11:00", "resolved").state("08 15:00", "open")
    halted = log.at("08 14:00", BOTH)[M.FIRST_RESPONSE]
    again = log.at("08 16:00", BOTH)[M.FIRST_RESPONSE]

    assert (halted.status, halted.used, halted.verdict, halted.due_at) == (Status.HALTED, h(1), None, None)
    assert halted.projected_due_at == utc("08 17:00")
    assert (again.status, again.used) == (Status.RUNNING, h(2))


# -- R10 to R12: changes ---------------------------------------------------------------------------------------------

URGENT = policy(
    [
        {"metric": "RESOLUTION", "target": "8h"},
        {"metric": "RESOLUTION", "target": "4h", "priority": "high"},
        {"metric": "RESOLUTION", "target": "2h", "priority": "urgent"},
    ]
)


def test_r10_a_change_carries_over_what_is_used():
    log = Log("08 10:00").tell(PrioritySet, "08 13:00", priority=Priority.HIGH)
    clock = log.at("08 13:00", URGENT)[M.RESOLUTION]

    assert (clock.used, clock.remaining, clock.due_at) == (h(3), h(1), utc("08 14:00"))


def test_r10_pauses_are_carried_over_too():
    log = Log("08 09:00").state("08 10:00", "pending").state("08 12:00", "open")
    log.tell(PrioritySet, "08 13:00", priority=Priority.HIGH)

    assert log.at("08 13:00", URGENT)[M.RESOLUTION].due_at == utc("08 15:00")


def test_r10_more_used_than_the_new_target_breaches_at_the_change():
    log = Log("08 10:00").tell(PrioritySet, "08 13:00", priority=Priority.URGENT).state("08 15:00", "resolved")
    clock = log.at("08 16:00", URGENT)[M.RESOLUTION]

    assert [(r.verdict, r.at, r.cause) for r in clock.records] == [
        (Verdict.BREACHED, utc("08 13:00"), Cause.TARGET_CHANGED),
        (Verdict.BREACHED, utc("08 15:00"), Cause.FULFILLED),
    ]
    assert clock.due_at == utc("08 13:00")


def test_r10_a_deadline_that_was_replaced_in_time_leaves_no_trace():
    log = Log("08 10:00", priority=Priority.HIGH).tell(PrioritySet, "08 14:00", priority=Priority.NORMAL)
    clock = log.at("08 16:00", URGENT)[M.RESOLUTION]

    assert (clock.records, clock.due_at) == ((), utc("09 10:00"))


def test_r10_a_deadline_that_was_missed_stays_missed_and_keeps_its_due():
    log = Log("08 10:00", priority=Priority.URGENT).tell(PrioritySet, "08 13:00", priority=Priority.LOW)
    clock = log.state("08 14:00", "resolved").at("08 16:00", URGENT)[M.RESOLUTION]

    assert (clock.verdict, clock.due_at, len(clock.records)) == (Verdict.BREACHED, utc("08 12:00"), 2)


def test_r10_another_policy_brings_its_targets_and_pauses():
    patient = policy(
        {"RESOLUTION": 16}, id="q", metrics={"RESOLUTION": {"pauses": ["open"]}}, condition={"tags": "vip"}
    )
    log = Log("08 10:00", state="open").tell(PolicyApplied, "08 12:00", policy="q")
    clock = log.at("08 16:00", [patient, URGENT])[M.RESOLUTION]

    assert (clock.target, clock.used, clock.status) == (h(16), h(2), Status.PAUSED)


def test_r10_a_policy_that_is_not_given_is_an_error():
    log = Log("08 10:00").tell(PolicyApplied, "08 10:00", policy="gone", revision="abc")

    with pytest.raises(InvalidPolicy, match="revision abc of policy 'gone'"):
        log.at("08 11:00", BOTH)


MATRIX = policy(
    [
        {"metric": "FIRST_RESPONSE", "target": "9h"},
        {"metric": "FIRST_RESPONSE", "target": "8h", "priority": "high"},
        {"metric": "FIRST_RESPONSE", "target": "7h", "channel_class": "messenger"},
        {"metric": "FIRST_RESPONSE", "target": "6h", "channel_class": "messenger", "priority": "high"},
        {"metric": "FIRST_RESPONSE", "target": "5h", "channel": "telegram"},
        {"metric": "FIRST_RESPONSE", "target": "4h", "channel": "telegram", "priority": "high"},
        {"metric": "FIRST_RESPONSE", "target": "3h", "tier": 2},
    ]
)


@pytest.mark.parametrize(
    ("channel", "priority", "tier", "hours"),
    [
        ("fax", Priority.LOW, 1, 9),
        ("fax", Priority.HIGH, 1, 8),
        ("whatsapp", Priority.LOW, 1, 7),
        ("whatsapp", Priority.HIGH, 1, 6),
        ("telegram", Priority.LOW, 1, 5),
        ("telegram", Priority.HIGH, 1, 4),
        ("telegram", Priority.HIGH, 2, 3),
    ],
)
def test_r11_the_most_specific_row_wins(channel, priority, tier, hours):
    clock = Log("08 10:00", channel=channel, priority=priority, tier=tier).at("08 10:00", MATRIX)[M.FIRST_RESPONSE]

    assert clock.target == h(hours)


def test_r11_two_rows_with_one_key_are_an_error():
    with pytest.raises(InvalidPolicy, match="two targets for FIRST_RESPONSE"):
        policy([{"metric": "FIRST_RESPONSE", "target": "1h"}, {"metric": "FIRST_RESPONSE", "target": "2h"}])


def test_r11_a_running_exchange_keeps_the_channel_of_its_oldest_message():
    log = Log("08 10:00", channel="chat").agent("08 10:01").customer("08 10:05", channel="chat")
    log.tell(ChannelSet, "08 10:10", channel="email").customer("08 10:12", channel="email")
    clocks = log.at("08 10:20", DEFAULT_POLICY)

    assert clocks[M.NEXT_RESPONSE].target == dt.timedelta(minutes=30)


@pytest.mark.parametrize(
    ("channel", "hours"), [("email", 12), ("chat", 0.5), ("telegram", 0.5), ("facebook", 0.5), ("pigeon", 24)]
)
def test_r11_the_built_in_policy(channel, hours):
    clocks = Log("08 03:00", channel=channel).at("08 03:00", DEFAULT_POLICY)

    assert clocks[M.FIRST_RESPONSE].due_at == utc("08 03:00") + h(hours)


def test_r11_the_calendar_is_the_rows_else_the_metrics_else_the_policys():
    calendars = {"days": UTC_DAYS, "round": BusinessCalendar.always_open()}
    rows = [
        {"metric": "RESOLUTION", "target": "2h", "priority": "urgent", "calendar": "round"},
        {"metric": "RESOLUTION", "target": "2h"},
        {"metric": "FIRST_RESPONSE", "target": "2h"},
    ]
    mixed = policy(rows, metrics={"FIRST_RESPONSE": {"calendar": "round"}})

    def calendar_of(metric, priority):
        return Log("08 16:00", priority=priority).at("08 16:00", mixed, calendars)[metric].calendar

    assert calendar_of(M.RESOLUTION, Priority.URGENT) == "round"
    assert calendar_of(M.RESOLUTION, Priority.LOW) == "days"
    assert calendar_of(M.FIRST_RESPONSE, Priority.LOW) == "round"


SHORT = BusinessCalendar.weekdays("UTC", start="09:00", end="13:00")


@pytest.mark.parametrize(("retroactive", "used"), [(False, h(7 + 2)), (True, h(3 + 2))])
def test_r12_a_new_calendar_holds_from_its_event_or_measures_anew(retroactive, used):
    log = Log("08 10:00").tell(
        CalendarChanged, "08 20:00", calendar="days", revision=SHORT.revision, retroactive=retroactive
    )
    calendars = {"days": UTC_DAYS, SHORT.revision: SHORT}
    clock = log.at("09 11:00", BOTH, calendars)[M.RESOLUTION]

    assert (clock.used, clock.calendar_revision) == (used, SHORT.revision)
    segments = explain(clock, utc("09 11:00"))
    assert sum((s.length for s in segments if s.kind is Kind.COUNTED), h(0)) == used


def test_r12_verdicts_stand_when_time_is_measured_anew():
    log = Log("08 09:00").tell(CalendarChanged, "08 20:00", calendar="days", revision=SHORT.revision, retroactive=True)
    calendars = {"days": UTC_DAYS, SHORT.revision: SHORT}
    clock = log.at("08 21:00", policy({"RESOLUTION": 6}), calendars)[M.RESOLUTION]

    assert (clock.used, clock.verdict, clock.due_at) == (h(4), Verdict.BREACHED, utc("08 15:00"))


# -- R13: measuring and verdicts -------------------------------------------------------------------------------------


def test_r13_an_answer_exactly_at_the_due_is_in_time_and_a_microsecond_later_is_not():
    in_time = Log("08 10:00").agent("08 14:00").at("09 10:00", BOTH)[M.FIRST_RESPONSE]
    late = Log("08 10:00").agent(utc("08 14:00") + dt.timedelta(microseconds=1)).at("09 10:00", BOTH)[M.FIRST_RESPONSE]

    assert (in_time.verdict, late.verdict) == (Verdict.MET, Verdict.BREACHED)


def test_r13_a_due_at_closing_breaches_only_at_the_next_opening():
    log = Log("12 15:00")
    two = policy({"FIRST_RESPONSE": 2})
    saturday = log.at("13 12:00", two)[M.FIRST_RESPONSE]
    opening = log.at("15 09:00", two)[M.FIRST_RESPONSE]
    after = log.at(utc("15 09:00") + dt.timedelta(microseconds=1), two)[M.FIRST_RESPONSE]

    assert (saturday.due_at, saturday.breaches_at, saturday.verdict) == (utc("12 17:00"), utc("15 09:00"), None)
    assert opening.verdict is None
    assert (after.verdict, after.records[0].at, after.records[0].due_at) == (
        Verdict.BREACHED,
        utc("15 09:00"),
        utc("12 17:00"),
    )


def test_r13_a_pause_outside_business_hours_moves_nothing():
    night = Log("08 16:00").state("08 18:00", "pending").state("09 08:00", "open")

    assert night.at("09 08:00", BOTH)[M.RESOLUTION].due_at == Log("08 16:00").at("09 08:00", BOTH)[M.RESOLUTION].due_at


def test_r13_pauses_collapse():
    twice = Log("08 10:00").state("08 11:00", "pending").state("08 12:00", "vendor").state("08 13:00", "open")

    assert twice.at("08 14:00", BOTH)[M.RESOLUTION].used == h(2)


def test_r13_a_due_override_stands_beside_the_policys_own():
    log = Log("08 10:00").tell(DueOverridden, "08 10:00", metric=M.RESOLUTION, instant=utc("08 12:00"))
    clock = log.state("08 13:00", "resolved").at("08 14:00", BOTH)[M.RESOLUTION]

    assert (clock.verdict, clock.override_verdict) == (Verdict.MET, Verdict.BREACHED)
    assert clock.override_due_at == utc("08 12:00")


def test_r13_an_absolute_target_compares_instants():
    absolute = policy([{"metric": "RESOLUTION", "target": "2024-01-08T20:00:00+00:00"}])
    log = Log("08 10:00").state("08 11:00", "pending")

    assert log.at("08 20:00", absolute)[M.RESOLUTION].verdict is None
    assert log.at("08 20:00:01", absolute)[M.RESOLUTION].verdict is Verdict.BREACHED


def test_r13_without_a_target_a_metric_is_measured_all_the_same():
    clock = Log("08 10:00").at("08 12:00", policy({}, metrics={"RESOLUTION": {}}))[M.RESOLUTION]

    assert (clock.used, clock.target, clock.due_at, clock.verdict) == (h(2), None, None, None)


def test_r13_a_late_fact_corrects_a_record_and_is_reported():
    log = Log("08 10:00").agent("08 13:00", recorded="08 16:00")
    clocks = log.at("08 17:00", BOTH)
    (correction,) = clocks.corrections

    assert clocks[M.FIRST_RESPONSE].verdict is Verdict.MET
    assert correction.known_at == utc("08 16:00")
    assert (correction.old.verdict, correction.old.at) == (Verdict.BREACHED, utc("08 14:00"))
    assert correction.new.verdict is Verdict.MET


def test_r13_a_voided_reply_and_a_failed_delivery_are_corrections_too():
    voided = Log("08 10:00").agent("08 11:00").tell(Voided, "08 16:00", voids=2).at("08 17:00", BOTH)
    failed = Log("08 10:00").agent("08 11:00", message="m").tell(DeliveryFailed, "08 16:00", message="m")

    assert voided[M.FIRST_RESPONSE].verdict is Verdict.BREACHED
    assert [(c.old.verdict, c.new.verdict) for c in voided.corrections] == [(Verdict.MET, Verdict.BREACHED)]
    assert [c.old.verdict for c in failed.at("08 17:00", BOTH).corrections] == [Verdict.MET]


def test_r13_a_log_imported_at_once_corrects_nothing():
    log = Log("08 10:00", recorded="20 10:00").agent("08 11:00", recorded="20 10:00")

    assert log.at("20 11:00", BOTH).corrections == ()


def test_a_calendar_that_runs_out_has_no_due_and_does_not_fail():
    once = BusinessCalendar(timezone="UTC", overrides={"2024-01-08": [("09:00", "12:00")]})
    log = Log("08 10:00").agent("08 11:00")
    clocks = log.at("08 11:00", BOTH, {"days": once})

    assert (clocks[M.FIRST_RESPONSE].used, clocks[M.FIRST_RESPONSE].due_at) == (h(1), None)
    assert (clocks[M.RESOLUTION].due_at, clocks[M.RESOLUTION].breaches_at) == (None, None)


# -- R14: merging ----------------------------------------------------------------------------------------------------


def two_tickets():
    old = (
        Log("08 09:00", ticket="S")
        .customer("08 09:00")
        .state("08 10:00", "pending")
        .state("08 12:00", "open")
        .tell(Merged, "08 16:00", into="T")
    )
    new = (
        Log("08 11:00", ticket="T")
        .customer("08 11:00")
        .state("08 13:00", "pending")
        .tell(Absorbed, "08 16:00", ticket="S")
    )
    return old, new


def test_r14_the_sources_clocks_end_as_merged():
    old, _new = two_tickets()

    assert {c.status for c in old.at("09 10:00", BOTH).clocks} == {Status.MERGED}
    assert old.at("09 10:00", BOTH)[M.RESOLUTION].used == h(5)


def test_r14_the_survivors_clocks_start_earlier_and_pause_only_where_both_did():
    old, new = two_tickets()
    clock = new.at("08 16:00", BOTH, others={"S": old.facts})[M.RESOLUTION]

    # 9 to 10 S alone, 10 to 11 paused in S before T existed, 11 to 13 T, 13 to 16 S.
    assert (clock.started_at, clock.used, clock.status) == (utc("08 09:00"), h(6), Status.PAUSED)
    segments = explain(clock, utc("08 16:00"))
    assert sum((s.length for s in segments if s.kind is Kind.COUNTED), h(0)) == h(6)
    assert segments[0].start == utc("08 09:00")


def test_r14_more_used_than_the_target_breaches_at_the_merge():
    old, new = two_tickets()
    clock = new.at("08 17:00", policy({"FIRST_RESPONSE": 6}), others={"S": old.facts})[M.FIRST_RESPONSE]

    assert [(r.at, r.cause) for r in clock.records] == [(utc("08 16:00"), Cause.MERGED)]


def test_r14_a_customer_who_waited_in_the_source_goes_on_waiting():
    old = Log("08 09:00", ticket="S").agent("08 09:30").customer("08 10:00").tell(Merged, "08 12:00", into="T")
    new = Log("08 09:00", ticket="T").agent("08 09:40").tell(Absorbed, "08 12:00", ticket="S")
    clock = new.at("08 13:00", BOTH, others={"S": old.facts})[M.NEXT_RESPONSE]

    assert (clock.started_at, clock.used) == (utc("08 10:00"), h(3))


def test_r14_unmerge_voids_the_merge():
    old, new = two_tickets()
    apart_old, apart_new = two_tickets()
    old.tell(Unmerged, "09 09:00", out_of="T")
    new.tell(Released, "09 09:00", ticket="S")
    apart_old.facts.pop()
    apart_new.facts.pop()

    assert old.at("09 10:00", BOTH).clocks == apart_old.at("09 10:00", BOTH).clocks
    assert new.at("09 10:00", BOTH, others={"S": old.facts}).clocks == apart_new.at("09 10:00", BOTH).clocks


def test_r14_circles_are_refused_and_a_missing_history_is_named():
    old, new = two_tickets()
    old.tell(Absorbed, "08 15:00", ticket="T")

    with pytest.raises(ValueError, match="in a circle"):
        new.at("09 10:00", BOTH, others={"S": old.facts, "T": new.facts})
    with pytest.raises(HistoryNeeded, match="'S' was merged into 'T'"):
        new.at("09 10:00", BOTH)


# -- R15: warnings ---------------------------------------------------------------------------------------------------

WARNING = policy({"RESOLUTION": 4}, metrics={"RESOLUTION": {"warnings": ["50%", "-30m", "+1h", "100%"]}})


def test_r15_warnings_are_points_on_the_used_time_with_ids():
    log = Log("08 15:00")

    assert [(w.id, w.at) for w in log.at("10 12:00", WARNING).warnings] == [
        ("T1/RESOLUTION/1/1/50%", utc("09 09:00")),
        ("T1/RESOLUTION/1/1/-1800s", utc("09 10:30")),
        ("T1/RESOLUTION/1/1/+3600s", utc("09 12:00")),
    ]
    assert [w.threshold for w in log.at("09 09:00", WARNING).warnings] == ["50%"]
    assert log.at("09 08:59:59", WARNING).warnings == ()


def test_r15_a_warning_does_not_fire_while_the_clock_is_paused():
    log = Log("08 15:00").state("08 17:00", "pending").state("09 11:00", "open")

    assert [w.at for w in log.at("09 12:00", WARNING).warnings] == [utc("09 11:00")]


def test_r15_a_stop_at_the_very_instant_of_a_warning_comes_first():
    stopped = Log("08 15:00").state("09 09:00", "resolved")
    later = Log("08 15:00").state(utc("09 09:00") + dt.timedelta(microseconds=1), "resolved")

    assert stopped.at("09 12:00", WARNING).warnings == ()
    assert [w.threshold for w in later.at("09 12:00", WARNING).warnings] == ["50%"]


def test_r15_upcoming_tells_what_time_alone_will_bring():
    compiled = rules(WARNING)
    dues = upcoming(replay(Log("08 15:00").facts, compiled), compiled)

    assert [(d.id, d.kind, d.instant) for d in dues] == [
        ("T1/RESOLUTION/1/1/50%", "warning", utc("09 09:00")),
        ("T1/RESOLUTION/1/1/-1800s", "warning", utc("09 10:30")),
        ("T1/RESOLUTION/1/1/100%", "breach", utc("09 11:00")),
        ("T1/RESOLUTION/1/1/+3600s", "warning", utc("09 12:00")),
    ]
    assert dues[2].certain_at == utc("09 11:00") + dt.timedelta(microseconds=1)
    assert dues[0].certain_at == dues[0].instant


def test_r15_a_tick_finds_each_once_and_with_its_own_instant():
    compiled = rules(WARNING)
    snapshot = replay(Log("08 15:00").facts, compiled)
    late = tick(snapshot, compiled, utc("20 12:00"))

    assert [w.threshold for w in late.warnings] == ["50%", "-1800s", "+3600s"]
    assert [(r.id, r.at) for r in late.records] == [("T1/RESOLUTION/1/1/100%", utc("09 11:00"))]
    again = tick(late.snapshot, compiled, utc("21 12:00"))
    assert (again.records, again.warnings, again.snapshot) == ((), (), late.snapshot)
    assert upcoming(late.snapshot, compiled) == ()


def test_r15_a_worker_that_slept_for_a_month_finds_everything_in_its_order():
    several = policy({"RESOLUTION": 4, "TIME_TO_OWN": 2, "FIRST_RESPONSE": 8})
    compiled = rules(several)
    found = tick(replay(Log("08 09:00").facts, compiled), compiled, utc("08 09:00") + dt.timedelta(days=30)).records

    assert [(r.metric, r.at) for r in found] == [
        (M.TIME_TO_OWN, utc("08 11:00")),
        (M.RESOLUTION, utc("08 13:00")),
        (M.FIRST_RESPONSE, utc("09 09:00")),
    ]


def test_r15_a_clock_that_was_set_back_fires_nothing_and_takes_nothing_back():
    compiled = rules(WARNING)
    ticked = tick(replay(Log("08 15:00").facts, compiled), compiled, utc("09 12:00")).snapshot
    earlier = tick(ticked, compiled, utc("08 14:00"))

    assert (earlier.snapshot, earlier.records, earlier.warnings) == (ticked, (), ())


def test_r15_what_a_tick_found_no_fact_finds_again():
    log = Log("08 15:00")
    compiled = rules(WARNING)
    ticked = tick(replay(log.facts, compiled), compiled, utc("09 11:30")).snapshot
    log.state("09 13:00", "resolved")
    result = step(ticked, log.facts[-1], compiled)

    assert [w.threshold for w in result.warnings] == ["+3600s"]
    assert [r.id for r in result.records] == ["T1/RESOLUTION/1/1/stop/2"]
    assert result.snapshot == replay(log.facts, compiled)


def test_r15_a_step_hands_out_what_no_tick_has_found():
    log = Log("08 15:00").state("09 13:00", "resolved")
    compiled = rules(WARNING)
    result = step(replay(log.facts[:1], compiled), log.facts[-1], compiled)

    assert [r.id for r in result.records] == ["T1/RESOLUTION/1/1/100%", "T1/RESOLUTION/1/1/stop/2"]
    assert [w.threshold for w in result.warnings] == ["50%", "-1800s", "+3600s"]


def test_r15_between_two_instants():
    compiled = rules(WARNING)
    snapshot = replay(Log("08 15:00").facts, compiled)

    assert [w.threshold for w in warnings(snapshot, compiled, utc("09 12:00"), after=utc("09 09:00"))] == [
        "-1800s",
        "+3600s",
    ]
    assert verdicts(snapshot, compiled, utc("09 11:00")) == ()
    assert len(verdicts(snapshot, compiled, utc("09 11:00:01"), after=utc("09 11:00"))) == 1


def test_r15_a_due_override_is_upcoming_too():
    log = Log("08 15:00").tell(DueOverridden, "08 15:00", metric=M.RESOLUTION, instant=utc("08 20:00"))
    compiled = rules(BOTH)
    first = upcoming(replay(log.facts, compiled), compiled)[0]

    assert (first.id, first.instant) == (
        f"T1/RESOLUTION/1/1/override/{int(utc('08 20:00').timestamp())}",
        utc("08 20:00"),
    )


def test_r15_a_promise_for_an_instant_can_warn():
    warned = policy({}, metrics={"PROMISE": {"warnings": ["-1h"]}})
    log = Log("08 10:00").tell(PromiseMade, "08 10:00", promise="a", promised=utc("08 15:00"))
    compiled = rules(warned)

    assert [(d.threshold, d.instant) for d in upcoming(replay(log.facts, compiled), compiled)] == [
        ("-3600s", utc("08 14:00")),
        ("100%", utc("08 15:00")),
    ]


# -- R16 and the rest ------------------------------------------------------------------------------------------------


def test_r16_halted_wins_and_the_resolved_span_is_halted():
    log = Log("08 10:00").state("08 12:00", "resolved").state("09 10:00", "open")
    segments = explain(log.at("09 11:00", BOTH)[M.RESOLUTION], utc("09 11:00"))

    assert [(s.kind, s.start) for s in segments] == [
        (Kind.COUNTED, utc("08 10:00")),
        (Kind.HALTED, utc("08 12:00")),
        (Kind.COUNTED, utc("09 10:00")),
    ]


def test_r16_a_snapshot_cannot_explain():
    compiled = rules(BOTH)
    clock = report(replay(Log("08 10:00").facts, compiled), compiled, utc("08 11:00"))[M.RESOLUTION]

    with pytest.raises(ValueError, match="evaluate the history"):
        explain(clock, utc("08 11:00"))


def test_a_report_of_a_snapshot_is_that_of_the_history():
    log, compiled = busy(), rules(BOTH)
    snapshot = replay(log.facts[:6], compiled)
    log.facts = log.facts[:6]
    whole = log.at("09 14:00", compiled)

    assert report(snapshot, compiled, utc("09 14:00")) == attrs.evolve(whole, warnings=())
    with pytest.raises(ValueError, match="is earlier"):
        report(snapshot, compiled, utc("08 14:00"))


def test_the_next_due_and_breach_of_all_clocks():
    clocks = Log("12 15:00").at("12 16:00", policy({"FIRST_RESPONSE": 2, "RESOLUTION": 24}))

    assert (clocks.due_at, clocks.breaches_at) == (utc("12 17:00"), utc("15 09:00"))


def test_every_kind_of_fact_is_known_to_the_fold():
    from typing import get_args

    from supportkit.sla import Fact
    from supportkit.sla.apply import _APPLY

    assert set(_APPLY) == set(get_args(Fact))
    assert CATEGORIES
