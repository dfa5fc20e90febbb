"""Laws of the clocks, on random histories, policies, calendars and instants."""

from __future__ import annotations

import datetime as dt
import json

import attrs
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from supportkit.businesstime import BusinessCalendar
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import Priority, StateCategory
from supportkit.sla import (
    Absorbed,
    ChannelSet,
    Created,
    DeliveryFailed,
    DueOverridden,
    ExternalEnded,
    ExternalPaused,
    ExternalResumed,
    ExternalStarted,
    Kind,
    Messaged,
    Metric,
    OwnerSet,
    Policy,
    PolicyApplied,
    PrioritySet,
    PromiseCancelled,
    PromiseKept,
    PromiseMade,
    PromiseMoved,
    Released,
    Rules,
    Snapshot,
    StateEntered,
    Status,
    TierEntered,
    Verdict,
    Voided,
    advance,
    evaluate,
    explain,
    replay,
    report,
    step,
    tick,
    upcoming,
    what_if,
)

START = dt.datetime(2025, 3, 27, tzinfo=dt.UTC)  # three days before Berlin changes its clocks
MINUTE = dt.timedelta(minutes=1)
TICK = dt.timedelta(microseconds=1)
C = StateCategory
STATES = {"new": C.NEW, "open": C.OPEN, "pending": C.WAITING_CUSTOMER, "vendor": C.WAITING_EXTERNAL,
          "resolved": C.RESOLVED, "closed": C.CLOSED}  # fmt: skip
CALENDARS = {
    "days": BusinessCalendar(
        timezone="Europe/Berlin",
        hours=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("09:00", "13:00"), ("14:00", "18:00"))),
        holidays=["2025-03-31", "2025-04-02"],
    ),
    "nights": BusinessCalendar(
        timezone="Europe/Berlin", hours=dict.fromkeys(("fri", "sat", "sun"), (("22:00", "06:00"),))
    ),
    "round": BusinessCalendar.always_open(),
}
LIVE = {Status.RUNNING, Status.PAUSED, Status.HALTED}
METRICS = [metric for metric in Metric if metric not in (Metric.EXTERNAL, Metric.PROMISE)]

minutes = st.integers(0, 14 * 24 * 60 // 15).map(lambda n: START + n * 15 * MINUTE)
hours = st.integers(1, 60).map(lambda n: dt.timedelta(hours=n))


@st.composite
def policies(draw, name="p"):
    """A policy with targets for some metrics, by priority for some, with warnings and other options."""
    rows, metrics = [], {}
    for metric in draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=5, unique=True)):
        if draw(st.integers(0, 5)):
            rows.append({"metric": metric, "target": draw(hours)})
        if draw(st.booleans()):
            rows.append({"metric": metric, "target": draw(hours), "priority": "urgent"})
        if draw(st.booleans()):
            calendar = draw(st.sampled_from(sorted(CALENDARS)))
            rows.append({"metric": metric, "target": draw(hours), "tier": 2, "calendar": calendar})
        warnings = draw(
            st.lists(st.sampled_from(["50%", "80%", "-30m", "-2h", "+1h", "33.3%"]), unique=True, max_size=3)
        )
        options = {"warnings": warnings}
        if metric in (Metric.RESOLUTION, Metric.TIER, Metric.AGENT_WORK, Metric.FIRST_RESPONSE):
            options["reopen"] = draw(st.sampled_from(["continue", "new_cycle", "once"]))
            options["end"] = draw(st.sampled_from(["resolved", "closed"]))
        if draw(st.booleans()):
            options["pauses"] = draw(
                st.lists(st.sampled_from(["waiting_customer", "waiting_external", "new"]), unique=True)
            )
        if metric is Metric.TIER:
            options["cumulative"] = draw(st.booleans())
        if metric is Metric.NEXT_RESPONSE:
            options["after_first_response"] = draw(st.booleans())
        if metric is Metric.PERIODIC_UPDATE:
            options["restart_on"] = draw(st.sampled_from(["response", "any_contact"]))
            options["starts"] = draw(st.sampled_from(["creation", "first_response"]))
        metrics[metric] = options
    metrics[Metric.PROMISE] = {"kept_by": draw(st.sampled_from(["kept", "response"]))}
    calendar = draw(st.sampled_from(sorted(CALENDARS)))
    return Policy.from_dict({"id": name, "fallback": True, "calendar": calendar, "targets": rows, "metrics": metrics})


ENDLESS = st.sampled_from(["state", "state", "state", "customer", "agent", "priority", "tier", "channel", "owner",
                           "external", "promise", "policy", "override"])  # fmt: skip


def fact_of(draw, kind, when):  # noqa: PLR0911 - a table in the shape of a match
    vendor, promise = st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"])
    match kind:
        case "state":
            return StateEntered(**when, state=draw(st.sampled_from(sorted(STATES))))
        case "customer":
            return Messaged(**when, author=ActorKind.CUSTOMER, channel=draw(st.sampled_from(["email", "chat"])))
        case "agent":
            author = draw(st.sampled_from([ActorKind.AGENT, ActorKind.AGENT, ActorKind.BOT]))
            return Messaged(**when, author=author, channel="email", by="kim", message=f"m{when['seq']}")
        case "priority":
            return PrioritySet(**when, priority=draw(st.sampled_from(list(Priority))))
        case "tier":
            return TierEntered(**when, tier=draw(st.integers(1, 3)))
        case "channel":
            return ChannelSet(**when, channel=draw(st.sampled_from(["email", "chat"])))
        case "owner":
            return OwnerSet(**when, owner=draw(st.sampled_from([None, "kim"])))
        case "policy":
            return PolicyApplied(**when, policy=draw(st.sampled_from(["p", "q"])))
        case "override":
            return DueOverridden(**when, metric=draw(st.sampled_from(list(Metric))), instant=draw(minutes))
        case "external":
            made = draw(st.sampled_from([ExternalStarted, ExternalPaused, ExternalResumed, ExternalEnded]))
            return made(**when, vendor=draw(vendor))
        case _:
            made = draw(st.sampled_from([PromiseMade, PromiseMoved, PromiseKept, PromiseCancelled]))
            goal = {"promised": draw(st.one_of(hours, minutes))} if made in (PromiseMade, PromiseMoved) else {}
            return made(**when, promise=draw(promise), **goal)


@st.composite
def histories(draw, kinds=ENDLESS, ticket="T", size=14):
    """The facts of one ticket, in order, several at one instant now and then."""
    created = draw(st.integers(0, 300)) * 15 * MINUTE + START
    facts = [
        Created(
            occurred_at=created,
            seq=1,
            ticket=ticket,
            channel=draw(st.sampled_from(["email", "chat"])),
            author=draw(st.sampled_from([ActorKind.CUSTOMER, ActorKind.CUSTOMER, ActorKind.AGENT])),
            priority=draw(st.sampled_from(list(Priority))),
            state=draw(st.sampled_from(["new", "open", "pending"])),
        )
    ]
    at = created
    for seq in range(2, 2 + draw(st.integers(0, size))):
        at += draw(st.sampled_from([0, 1, 2, 7, 30, 90, 300])) * 15 * MINUTE
        facts.append(fact_of(draw, draw(kinds), {"occurred_at": at, "seq": seq}))
    return facts


@st.composite
def desks(draw):
    return Rules([draw(policies("p")), draw(policies("q"))], CALENDARS, categories=STATES)


def look(facts, rules, at, **more):
    return evaluate(facts, rules, None, at, categories=STATES, **more)


LAW = settings(max_examples=120, deadline=None)
FEW = settings(max_examples=60, deadline=None)


@LAW
@given(histories(), desks())
def test_the_replay_of_every_prefix_is_the_incremental_snapshot(facts, rules):
    snapshot = None
    for count, fact in enumerate(facts, 1):
        snapshot = advance(snapshot, fact, rules)

        assert snapshot == replay(facts[:count], rules)
    assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))) == snapshot


@LAW
@given(histories(), desks(), st.lists(minutes, max_size=4))
def test_looking_and_ticking_at_more_instants_changes_nothing(facts, rules, instants):
    """Properties 11, 19, 20 and 22: whatever the ticks, each record and warning comes once and is the same."""
    snapshot, records, warned = None, [], []
    for index, fact in enumerate(facts):
        done = step(snapshot, fact, rules)
        snapshot = done.snapshot
        records += done.records
        warned += done.warnings
        following = facts[index + 1].occurred_at if index + 1 < len(facts) else None
        for at in sorted(instants):
            # A tick at the very instant of a fact may come before it; here it stands strictly between two.
            if fact.occurred_at <= at and (following is None or at < following):
                done = tick(tick(snapshot, rules, at).snapshot, rules, at)
                assert (done.records, done.warnings) == ((), ())
                done = tick(snapshot, rules, at)
                snapshot = done.snapshot
                records += done.records
                warned += done.warnings
    end = max([facts[-1].occurred_at, *instants]) + dt.timedelta(days=30)
    done = tick(snapshot, rules, end)
    records += done.records
    warned += done.warnings
    whole = look(facts, rules, end)
    named = {record.id for clock in whole.clocks for record in clock.records}

    assert len({record.id for record in records}) == len(records)
    assert {record.id for record in records} == named
    assert len({item.id for item in warned}) == len(warned)
    assert sorted(warned, key=lambda item: item.id) == sorted(whole.warnings, key=lambda item: item.id)


@LAW
@given(histories(), desks(), st.randoms(use_true_random=False), minutes)
def test_the_order_of_telling_does_not_matter(facts, rules, chance, at):
    told = list(facts)
    chance.shuffle(told)

    assert look(told, rules, at) == look(facts, rules, at)


@LAW
@given(histories(), desks(), st.tuples(minutes, minutes).map(sorted))
def test_used_never_falls_and_records_only_grow(facts, rules, instants):
    """Property 18 too: a verdict that stands is never taken back by time."""
    first, second = instants
    before, after = look(facts, rules, first), look(facts, rules, second)
    for clock in before.clocks:
        later = after.get(*clock.key)

        assert clock.used <= later.used
        assert later.records[: len(clock.records)] == clock.records
        assert clock.verdict is not Verdict.BREACHED or later.verdict is Verdict.BREACHED
        assert set(clock.warned) <= set(later.warned)


@LAW
@given(histories(), desks(), minutes)
def test_used_is_within_the_span_and_is_the_sum_of_explain(facts, rules, at):
    for clock in look(facts, rules, at).clocks:
        end = at if clock.stopped_at is None else min(at, clock.stopped_at)
        segments = explain(clock, at)
        edges = [segment.start for segment in segments]

        assert dt.timedelta(0) <= clock.used <= max(end - clock.started_at, dt.timedelta(0))
        assert sum((s.length for s in segments if s.kind is Kind.COUNTED), dt.timedelta(0)) == clock.used
        if segments:
            assert edges == [clock.started_at, *(segment.end for segment in segments[:-1])]
            assert segments[-1].end == end


@LAW
@given(histories(), desks(), minutes)
def test_a_report_of_the_snapshot_agrees_with_the_history(facts, rules, at):
    facts = [fact for fact in facts if fact.occurred_at <= at]
    assume(facts)
    short = report(replay(facts, rules), rules, at)
    whole = look(facts, rules, at)

    assert (short.due_at, short.breaches_at) == (whole.due_at, whole.breaches_at)
    for clock in short.clocks:
        assert clock == whole.get(*clock.key)
    assert {c.key for c in short.clocks} >= {c.key for c in whole.clocks if c.status in LIVE}


QUIET = st.sampled_from(["auto", "campaign", "pause", "note"])


@LAW
@given(histories(), desks(), QUIET, st.integers(0, 20), minutes)
def test_automatic_messages_and_pauses_without_length_change_no_clock(facts, rules, kind, place, at):
    """Property 16. Notes are no facts at all."""
    place = min(place, len(facts) - 1)
    when = facts[place].occurred_at
    state = next((f.state for f in reversed(facts[: place + 1]) if isinstance(f, StateEntered | Created)), "new")
    # After the facts of one instant, so that the sequence numbers of the others keep their order.
    more = {
        "auto": [Messaged(occurred_at=when, seq=90, author=ActorKind.AGENT, kind=MessageKind.AUTO, channel="email")],
        "campaign": [
            Messaged(occurred_at=when, seq=90, author=ActorKind.AGENT, kind=MessageKind.CAMPAIGN, channel="x")
        ],
        "note": [],
        "pause": [],
    }[kind]
    later = [f for f in facts if f.occurred_at == when and f.seq > facts[place].seq]
    if kind == "pause" and STATES[state] not in (C.RESOLVED, C.CLOSED) and not later:
        more = [
            StateEntered(occurred_at=when, seq=90, state="pending"),
            StateEntered(occurred_at=when, seq=91, state="pending"),
            StateEntered(occurred_at=when, seq=92, state=state),
        ]

    assert look([*facts, *more], rules, at).clocks == look(facts, rules, at).clocks


@FEW
@given(st.dictionaries(st.sampled_from(["T", "U"]), histories(), min_size=1), desks(), minutes)
def test_what_if_with_the_recorded_policies_changes_nothing(told, rules, at):
    answer = what_if(told, rules.policies, CALENDARS, at, categories=STATES, recorded=rules)

    assert (answer.differences, answer.newly_breached, answer.newly_met) == ((), 0, 0)


@FEW
@given(histories(), histories(ticket="S"), desks(), minutes, minutes)
def test_merge_then_unmerge_is_the_identity(facts, other, rules, merged, at):
    merged = max(merged, facts[0].occurred_at)
    apart = look(facts, rules, at).clocks
    joined = [*facts, Absorbed(occurred_at=merged, seq=100, ticket="S")]
    again = [*joined, Released(occurred_at=merged, seq=101, ticket="S")]
    clocks = look(joined, rules, at, others={"S": other}).clocks

    assert look(again, rules, at, others={"S": other}).clocks == apart
    for clock in clocks:
        counted = (s.length for s in explain(clock, at) if s.kind is Kind.COUNTED)
        assert sum(counted, dt.timedelta(0)) == clock.used


@FEW
@given(histories(), desks(), st.integers(0, 14), minutes)
def test_a_voided_fact_never_was(facts, rules, place, at):
    place = min(place, len(facts) - 1)
    assume(place > 0)
    gone = facts[place]
    voided = [*facts, Voided(occurred_at=gone.occurred_at, seq=100, voids=gone.seq)]
    rest = [fact for fact in facts if fact is not gone]

    assert look(voided, rules, at).clocks == look(rest, rules, at).clocks


@FEW
@given(histories(), desks(), minutes)
def test_a_message_that_was_not_delivered_never_was(facts, rules, at):
    sent = [fact for fact in facts if isinstance(fact, Messaged) and fact.message]
    assume(sent)
    failed = [*facts, DeliveryFailed(occurred_at=sent[0].occurred_at, seq=100, message=sent[0].message)]
    rest = [fact for fact in facts if fact is not sent[0]]

    assert look(failed, rules, at).clocks == look(rest, rules, at).clocks


@LAW
@given(histories(), desks())
def test_nothing_fires_before_it_is_upcoming(facts, rules):
    """Properties 21 and 25: what is upcoming comes at its instant, not before, if nothing else happens."""
    snapshot = replay(facts, rules)
    snapshot = tick(snapshot, rules, facts[-1].occurred_at).snapshot
    for due in upcoming(snapshot, rules):
        at = max(due.certain_at, facts[-1].occurred_at)
        now, before = tick(snapshot, rules, at), tick(snapshot, rules, max(at - TICK, facts[-1].occurred_at))
        found = [item.id for item in (*now.records, *now.warnings)]
        early = [item.id for item in (*before.records, *before.warnings)]

        assert due.kind == "override" or due.id in found
        if at > facts[-1].occurred_at:
            assert due.id not in early
        for record in now.records:
            assert record.id != due.id or record.at == due.instant


PAUSES = st.sampled_from(["open", "pending", "vendor", "new"])


@LAW
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 3, 20, 200]), PAUSES), min_size=1, max_size=8),
    st.sampled_from(sorted(CALENDARS)),
    hours,
    minutes,
)
def test_remaining_stands_still_while_paused_and_the_due_moves_by_exactly_the_pause(moves, name, target, start):
    """Properties 15 and 17."""
    calendar = CALENDARS[name]
    rules = Rules(
        [
            Policy.from_dict(
                {"id": "p", "fallback": True, "calendar": name, "targets": [{"metric": "RESOLUTION", "target": target}]}
            )
        ],
        CALENDARS,
        categories=STATES,
    )
    facts: list = [Created(occurred_at=start, seq=1, channel="email", state="open")]
    at, ran, state, before = start, dt.timedelta(0), "open", None
    for seq, (gap, name_) in enumerate(moves, 2):
        following = at + gap * 15 * MINUTE
        if state in ("open", "new"):
            ran += calendar.between(at, following)
        at, state = following, name_
        facts.append(StateEntered(occurred_at=at, seq=seq, state=state))
        clock = look(facts, rules, at)[Metric.RESOLUTION]

        assert clock.used == ran
        assert clock.remaining == target - ran
        if clock.status is Status.RUNNING and ran < target:
            assert clock.due_at == calendar.add(at, target - ran)
            assert clock.breaches_at == calendar.add(at, target - ran, tie="next_open")
        if clock.projected_due_at is not None:
            assert before is None or clock.projected_due_at >= before
            before = clock.projected_due_at
        assert (clock.verdict is Verdict.BREACHED) == (ran > target)


@LAW
@given(histories(kinds=st.sampled_from(["state", "priority", "tier"])), desks(), st.integers(0, 14))
def test_a_change_of_priority_keeps_what_is_used(facts, rules, place):
    """Property 24: at the instant of the change nothing is gained or lost; within one calendar, ever after."""
    place = min(place, len(facts) - 1)
    at = facts[place].occurred_at
    before = look(facts, rules, at)
    changed = [*facts, PrioritySet(occurred_at=at, seq=100, priority=Priority.URGENT)]
    after = look(changed, rules, at)

    assert [(c.key, c.used) for c in before.clocks] == [(c.key, c.used) for c in after.clocks]


@LAW
@given(histories(), desks(), minutes)
def test_warnings_come_in_order_and_before_the_breach_if_their_points_lie_before_it(facts, rules, at):
    """Property 23, for clocks whose target never changed."""
    assume(not any(isinstance(fact, PrioritySet | TierEntered | ChannelSet | PolicyApplied) for fact in facts))
    clocks = look(facts, rules, at)
    fired = {item.id: item.at for item in clocks.warnings}
    for clock in clocks.clocks:
        breach = next((r.at for r in clock.records if r.id.endswith("/100%")), None)
        shares = [fired.get(f"T/{clock.metric}/{clock.instance}/{clock.cycle}/{share}") for share in ("50%", "80%")]
        assert None in shares or shares[0] <= shares[1]
        if breach is not None:
            assert all(share is None or share <= breach for share in shares)


def test_equal_inputs_give_equal_sets():
    rules = Rules([Policy.from_dict({"id": "p", "fallback": True, "metrics": {"RESOLUTION": {}}})], categories=STATES)
    facts = [Created(occurred_at=START, channel="email")]

    assert look(facts, rules, START) == look(facts, rules, START)
    assert hash(look(facts, rules, START)) == hash(look(facts, rules, START))
    assert attrs.asdict(look(facts, rules, START), recurse=False)["clocks"]
