"""Laws of the clocks on worlds with all 24 kinds of facts, all ten metrics and all options; see `sla_worlds`.

The numbers are those of the properties in `reliability.md` 9.10; the others are the laws of `sla.md` 4.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import typing

import attrs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.property.sla_worlds import (
    ALL,
    BACKWARD,
    CALENDARS,
    CELL,
    DONE,
    FORWARD,
    JOINING,
    STATE_KINDS,
    STATES,
    TALK,
    TARGETS,
    TICK,
    VENDOR,
    ZERO,
    anytime,
    histories,
    instants,
    others,
    rules,
)

from supportkit.errors import UnknownState
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import Priority
from supportkit.sla import (
    Absorbed,
    Cause,
    Created,
    DueKind,
    ExternalPaused,
    ExternalResumed,
    Fact,
    Kind,
    Merged,
    Messaged,
    Metric,
    PolicyApplied,
    PrioritySet,
    Released,
    Rules,
    Snapshot,
    StateEntered,
    Status,
    Unmerged,
    Verdict,
    Voided,
    advance,
    evaluate,
    explain,
    needs_history,
    replay,
    report,
    select,
    step,
    tick,
    upcoming,
    what_if,
)
from supportkit.sla.terms import ENDING

LIVE = {Status.RUNNING, Status.PAUSED, Status.HALTED}
WAYS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MONTH = dt.timedelta(days=30)


def look(facts, desk, at, **more):
    return evaluate(facts, desk, None, at, categories=STATES, **more)


def found_by(clocks):
    """Return all that was written down and warned of, by id."""
    records = {record.id: record for clock in clocks.clocks for record in clock.records}
    return records | {item.id: item for item in clocks.warnings}


# -- the fold: incremental is replay, polling and order do not matter --------------------------------------------------


@WAYS
@given(histories(ALL), rules(), others())
def test_a_snapshot_plus_one_more_fact_of_any_kind_is_the_replay_of_the_prefix(facts, desk, other):
    snapshot = None
    for count, fact in enumerate(facts, 1):
        whole = replay(facts[:count], desk, others=other)
        if needs_history(snapshot, fact):
            snapshot = whole
        else:
            done = step(snapshot, fact, desk)
            assert done.snapshot == advance(snapshot, fact, desk) == whole
            snapshot = done.snapshot
        if snapshot is not None:
            assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))) == snapshot


@WAYS
@given(histories(ALL), rules(), others(), st.randoms(use_true_random=False))
def test_a_worker_that_learns_of_facts_in_any_order_ends_with_the_same_snapshot(facts, desk, other, chance):
    late = facts[1:]
    chance.shuffle(late)
    snapshot, known = None, []
    for fact in [facts[0], *late]:
        known.append(fact)
        if needs_history(snapshot, fact):
            snapshot = replay(known, desk, others=other)
        elif snapshot is not None or isinstance(fact, Created):
            snapshot = advance(snapshot, fact, desk)

    assert snapshot == replay(facts, desk, others=other)


@WAYS
@given(histories(ALL), rules(), others(), st.randoms(use_true_random=False), anytime)
def test_the_order_of_telling_does_not_matter_for_any_kind_of_fact(facts, desk, other, chance, at):
    told, theirs = list(facts), list(other["S"])
    chance.shuffle(told)
    chance.shuffle(theirs)

    assert look(told, desk, at, others={"S": theirs}) == look(facts, desk, at, others=other)


@WAYS
@given(histories(ALL), rules(), others(), st.lists(anytime, min_size=1, max_size=6))
def test_looking_at_more_instants_with_the_same_rules_changes_nothing(facts, desk, other, moments):
    """Rules and calendars remember answers; no answer may depend on what was asked before."""
    fresh = [Rules(desk.policies, CALENDARS, categories=STATES) for _ in moments]
    apart = [look(facts, rule, at, others=other) for rule, at in zip(fresh, moments, strict=True)]

    assert [look(facts, desk, at, others=other) for at in reversed(moments)][::-1] == apart


@WAYS
@given(histories(ALL), rules(), others(), st.integers(0, 12), st.lists(st.integers(0, 60), min_size=13, max_size=13))
def test_what_is_learnt_later_than_known_at_does_not_count(facts, desk, other, place, delays):
    """`known_at`: the desk at that instant, as it would have told it then."""
    facts = [attrs.evolve(f, recorded_at=f.occurred_at + n * CELL) for f, n in zip(facts, delays, strict=False)]
    other = {"S": [attrs.evolve(f, recorded_at=f.occurred_at) for f in other["S"]]}
    at = facts[min(place, len(facts) - 1)].occurred_at + 10 * CELL
    known = [fact for fact in facts if fact.recorded_at <= at]

    then = look(facts, desk, at, known_at=at, others=other)

    assert then.clocks == look(known, desk, at, others=other).clocks
    assert then.warnings == look(known, desk, at, others=other).warnings


# -- 11 and 18 to 22: ticks ------------------------------------------------------------------------------------------


@WAYS
@given(histories(FORWARD), rules(), st.lists(anytime, max_size=8))
def test_19_each_record_and_warning_comes_once_for_every_set_and_order_of_ticks(facts, desk, ticks):
    """Ticks in the given order, also earlier ones and twice the same, interleaved with the facts (11, 19, 20, 22).

    A fact is never told after a tick of a later instant: that would be a late fact, which asks for a replay.
    """
    snapshot, found = None, []
    for fact, following in itertools.pairwise([*facts, None]):
        done = step(snapshot, fact, desk)
        snapshot = done.snapshot
        found += [*done.records, *done.warnings]
        for at in ticks:
            if following is not None and at >= following.occurred_at:
                continue
            if following is not None and at == fact.occurred_at:
                continue  # others of this very instant may follow
            done = tick(snapshot, desk, at)
            snapshot = done.snapshot
            found += [*done.records, *done.warnings]
    end = max([facts[-1].occurred_at, *ticks]) + MONTH
    done = tick(snapshot, desk, end)
    found += [*done.records, *done.warnings]

    assert len({item.id for item in found}) == len(found)
    assert {item.id: item for item in found} == found_by(look(facts, desk, end))


@WAYS
@given(histories(FORWARD), rules(), st.tuples(anytime, anytime, anytime))
def test_11_20_22_ticks_add_up_and_one_that_comes_late_or_twice_changes_nothing(facts, desk, moments):
    start = replay(facts, desk)
    first, second = (max(at, facts[-1].occurred_at) for at in sorted(moments)[::2])
    once = tick(start, desk, second)
    early = tick(start, desk, first)
    then = tick(early.snapshot, desk, second)

    assert set(early.records) | set(then.records) == set(once.records)
    assert set(early.warnings) | set(then.warnings) == set(once.warnings)
    for late in moments:  # earlier than the last tick, or the same
        again = tick(once.snapshot, desk, min(late, second))
        assert (again.records, again.warnings, again.snapshot) == ((), (), once.snapshot)
    assert report(then.snapshot, desk, second) == report(once.snapshot, desk, second)


@WAYS
@given(histories(FORWARD), rules(), st.lists(anytime, min_size=2, max_size=4))
def test_19_sweepers_that_start_from_one_snapshot_find_the_same_under_the_same_ids(facts, desk, moments):
    start = replay(facts, desk)
    by_id: dict[str, set] = {}
    for at in moments:
        done = tick(start, desk, at)
        for item in (*done.records, *done.warnings):
            by_id.setdefault(item.id, set()).add(item)

    assert all(len(same) == 1 for same in by_id.values())


@WAYS
@given(histories(FORWARD), rules(), st.tuples(anytime, anytime).map(sorted))
def test_18_what_was_met_or_breached_stays_so_as_long_as_nothing_happens(facts, desk, moments):
    first, second = (max(at, facts[-1].occurred_at) for at in moments)
    before, after = look(facts, desk, first), look(facts, desk, second)

    for clock in before.clocks:
        later = after.get(*clock.key)
        assert clock.verdict in (None, later.verdict)
        if clock.status not in LIVE:
            assert (later.used, later.records, later.due_at, later.stopped_at) == (
                clock.used, clock.records, clock.due_at, clock.stopped_at)  # fmt: skip


@WAYS
@given(histories(FORWARD), rules(), st.tuples(anytime, anytime).map(sorted))
def test_21_a_breach_is_written_at_the_instant_that_was_announced_however_late_it_is_found(facts, desk, moments):
    first, second = (max(at, facts[-1].occurred_at) for at in moments)
    second += MONTH
    before, after = look(facts, desk, first), look(facts, desk, second)

    for clock in before.clocks:
        new = [item for item in after.get(*clock.key).records if item not in clock.records]
        if clock.status in LIVE and clock.verdict is not Verdict.BREACHED and clock.breaches_at is not None:
            assert [(item.at, item.due_at, item.cause) for item in new] == (
                [(clock.breaches_at, clock.due_at, Cause.ELAPSED)] if clock.breaches_at < second else []
            )
        else:
            assert new == []


@WAYS
@given(histories(ALL), rules(), others(), anytime)
def test_25_the_next_due_and_breach_of_a_ticket_are_the_earliest_of_its_live_clocks(facts, desk, other, at):
    clocks = look(facts, desk, at, others=other)
    live = [clock for clock in clocks.clocks if clock.status in LIVE]
    breaching = [c.breaches_at for c in live if c.breaches_at is not None and c.verdict is not Verdict.BREACHED]

    assert clocks.due_at == min((c.due_at for c in live if c.due_at is not None), default=None)
    assert clocks.breaches_at == min(breaching, default=None)


# -- 25: what is upcoming --------------------------------------------------------------------------------------------


@WAYS
@given(histories(FORWARD), rules(), st.lists(st.integers(0, 4000), max_size=5))
def test_25_at_every_instant_of_a_fine_grid_exactly_what_was_upcoming_has_happened(facts, desk, cells):
    """The brute force: evaluate the history at instants around each due and at others, and compare what is there."""
    last = facts[-1].occurred_at
    snapshot = tick(replay(facts, desk), desk, last).snapshot
    dues = [due for due in upcoming(snapshot, desk) if due.kind is not DueKind.OVERRIDE]
    told = set(found_by(look(facts, desk, last)))
    grid = {due.certain_at + off for due in dues for off in (-CELL, -TICK, ZERO, TICK, CELL)}
    grid |= {last + cell * CELL for cell in cells}

    assert list(dues) == sorted(dues, key=lambda due: due.instant)
    for at in sorted(at for at in grid if at >= last):
        new = set(found_by(look(facts, desk, at))) - told
        assert new == {due.id for due in dues if due.certain_at <= at}


@WAYS
@given(histories(FORWARD), rules(), st.integers(0, 2000))
def test_25_a_snapshot_that_nobody_ticked_announces_the_same_as_one_that_was(facts, desk, cells):
    snapshot = replay(facts, desk)
    at = facts[-1].occurred_at + cells * CELL
    done = tick(snapshot, desk, at)
    found = {item.id for item in (*done.records, *done.warnings)}
    later = {due.id: due for due in upcoming(done.snapshot, desk)}

    assert {due.id: due for due in upcoming(snapshot, desk) if due.id not in found} == later


# -- R13: what a clock says of itself, at every instant --------------------------------------------------------------


@WAYS
@given(histories(ALL), rules(), others(), st.lists(anytime, max_size=3))
def test_15_a_clock_is_due_where_what_remains_ends_and_stands_still_while_it_is_paused(facts, desk, other, moments):
    for at in [*(fact.occurred_at for fact in facts), *moments]:
        for clock in look(facts, desk, at, others=other).clocks:
            if clock.deadline is not None or clock.target is None or clock.status not in LIVE:
                continue
            assert clock.remaining == clock.target - clock.used
            if clock.verdict is Verdict.BREACHED or clock.remaining <= ZERO:
                continue
            calendar = CALENDARS.get(clock.calendar_revision) or CALENDARS[clock.calendar]
            goal = (
                _later(calendar, at, clock.remaining, "earliest"),
                _later(calendar, at, clock.remaining, "next_open"),
            )
            assert clock.projected_due_at == goal[0]
            assert (clock.due_at, clock.breaches_at) == (goal if clock.status is Status.RUNNING else (None, None))


def _later(calendar, at, span, tie):
    try:
        return calendar.add(at, span, tie=tie).astimezone(dt.UTC)  # in a repeated hour only UTC compares
    except ValueError:  # one-off openings that are used up
        return None


@WAYS
@given(histories((*STATE_KINDS, *TALK, *VENDOR, "made"), size=14), rules(), st.lists(anytime, min_size=2, max_size=6))
def test_17_as_long_as_no_target_changes_a_due_only_moves_later(facts, desk, moments):
    """Pauses of every kind, halts and reopenings: none makes the due of a cycle earlier."""
    last: dict = {}
    for at in sorted([*moments, *(fact.occurred_at for fact in facts)]):
        for clock in look(facts, desk, at).clocks:
            due = clock.due_at or clock.projected_due_at
            if clock.status in LIVE and due is not None:
                assert last.get(clock.key, due) <= due
                last[clock.key] = due


@WAYS
@given(histories((*FORWARD, *JOINING)), rules(), others(), st.tuples(anytime, anytime).map(sorted))
def test_used_never_falls_and_records_only_grow_unless_history_is_corrected(facts, desk, other, moments):
    first, second = moments
    assume(not any(isinstance(f, Unmerged | Released) and first < f.occurred_at <= second for f in facts))
    before, after = (look(facts, desk, at, others=other) for at in moments)

    for clock in before.clocks:
        later = after.get(*clock.key)
        assert clock.used <= later.used
        assert later.records[: len(clock.records)] == clock.records
        assert later.warned[: len(clock.warned)] == clock.warned
    assert {item.id for item in before.warnings} <= {item.id for item in after.warnings}


@WAYS
@given(histories(ALL), rules(), others(), anytime)
def test_used_is_the_sum_of_explain_and_explain_tiles_the_span_whatever_happened(facts, desk, other, at):
    for clock in look(facts, desk, at, others=other).clocks:
        end = at if clock.stopped_at is None else min(at, clock.stopped_at)
        segments = explain(clock, at)

        assert ZERO <= clock.used <= max(end - clock.started_at, ZERO)
        assert sum((part.length for part in segments if part.kind is Kind.COUNTED), ZERO) == clock.used
        assert all(part.start < part.end for part in segments)
        assert [part.start for part in segments] == [clock.started_at, *(part.end for part in segments)][
            : len(segments)
        ]
        assert not segments or segments[-1].end == end
        assert bool(segments) == (clock.started_at < end)


@WAYS
@given(histories(ALL), rules(), others(), st.integers(0, 400))
def test_a_report_of_a_snapshot_of_any_history_agrees_with_the_history(facts, desk, other, cells):
    at = facts[-1].occurred_at + cells * CELL
    snapshot = replay(facts, desk, others=other)
    assume(snapshot is not None and snapshot.at <= (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // TICK)
    short, whole = report(snapshot, desk, at), look(facts, desk, at, others=other)

    assert (short.due_at, short.breaches_at, short.policy) == (whole.due_at, whole.breaches_at, whole.policy)
    assert all(clock == whole.get(*clock.key) for clock in short.clocks)
    assert {c.key for c in short.clocks} >= {c.key for c in whole.clocks if c.status in LIVE}


# -- 16 and what else must change nothing ----------------------------------------------------------------------------


def _state_after(facts, place):
    """Return the state after the fact at *place*, as the fold has it."""
    return next(f.state or "new" for f in reversed(facts[: place + 1]) if isinstance(f, StateEntered | Created))


@WAYS
@given(histories(FORWARD), rules(), st.integers(0, 12), anytime, st.data())
def test_16_quiet_facts_at_any_place_change_no_clock(facts, desk, place, at, data):
    """Automatic messages of anybody, pauses without length, pausing twice and the same state again."""
    place = min(place, len(facts) - 1)
    when, seq = facts[place].occurred_at, facts[place].seq
    state = _state_after(facts, place)
    more: list = []
    match data.draw(st.sampled_from(["automatic", "pause", "again", "vendor"])):
        case "automatic":
            kind = data.draw(st.sampled_from([MessageKind.AUTO, MessageKind.CAMPAIGN]))
            author = data.draw(st.sampled_from(ActorKind))
            more = [Messaged(occurred_at=when, seq=seq + 1, author=author, kind=kind, channel="email", by="kim")]
        case "pause" if STATES[state] not in DONE:
            stops = data.draw(st.lists(st.sampled_from(["pending", "vendor", "new", "open"]), min_size=1, max_size=3))
            names = [*stops, state]
            more = [StateEntered(occurred_at=when, seq=seq + n, state=name) for n, name in enumerate(names, 1)]
        case "vendor":
            held = replay(facts[: place + 1], desk)
            if any(c.metric is Metric.EXTERNAL and c.subject == "a" and not c.rare.is_held for c in held.clocks):
                more = [ExternalPaused(occurred_at=when, seq=seq + 1, vendor="a"),
                        ExternalPaused(occurred_at=when, seq=seq + 2, vendor="a"),
                        ExternalResumed(occurred_at=when, seq=seq + 3, vendor="a")]  # fmt: skip
        case _:
            more = [StateEntered(occurred_at=when, seq=seq + 1, state=state)]

    before, after = look(facts, desk, at), look([*facts, *more], desk, at)

    assert after.clocks == before.clocks
    assert after.warnings == before.warnings


# -- 23 and 24 -------------------------------------------------------------------------------------------------------

SHARES = {"33.3%": (333, 1000), "50%": (1, 2), "80%": (4, 5), "100%": (1, 1), "150%": (3, 2)}


def _point(threshold, target):
    if threshold in SHARES:
        top, bottom = SHARES[threshold]
        return max(ZERO, -(-target * top // bottom))
    return max(ZERO, target + dt.timedelta(seconds=float(threshold[:-1])))


@WAYS
@given(histories((*STATE_KINDS, *TALK, *VENDOR, "made"), size=14), rules(absolute=False), anytime)
def test_23_warnings_and_the_breach_come_in_the_order_of_their_points(facts, desk, at):
    """For clocks whose target never changes; a warning at its point of used time, exactly."""
    clocks = look(facts, desk, at + MONTH)
    fired = {item.id: item for item in clocks.warnings}
    for clock in clocks.clocks:
        if clock.target is None:
            continue
        mine = [item for item in fired.values() if (item.metric, item.instance, item.cycle) == clock.key]
        for item in mine:
            assert _used_before(clock, item.at, at + MONTH) == _point(item.threshold, clock.target)
        breach = [(record.at, clock.target) for record in clock.records if record.id.endswith("/100%")]
        points = sorted(
            [(_point(item.threshold, clock.target), item.at) for item in mine] + [(b, a) for a, b in breach]
        )
        assert [when for _, when in points] == sorted(when for _, when in points)


def _used_before(clock, at, end):
    counted = (part for part in explain(clock, end) if part.kind is Kind.COUNTED and part.start < at)
    return sum((min(part.end, at) - part.start for part in counted), ZERO)


@WAYS
@given(
    histories(FORWARD),
    rules(keyed=True, absolute=False),
    st.integers(0, 12),
    st.sampled_from([Priority.URGENT, Priority.LOW]),
)
def test_24_a_new_priority_keeps_what_is_used_and_counts_the_rest_from_now(facts, desk, place, priority):
    place = min(place, len(facts) - 1)
    facts = facts[: place + 1]
    at = facts[-1].occurred_at + 40 * CELL
    before = look(facts, desk, at)
    after = look([*facts, PrioritySet(occurred_at=at, seq=1000, priority=priority)], desk, at)

    assert [(c.key, c.used, c.started_at, c.status) for c in before.clocks] == [
        (c.key, c.used, c.started_at, c.status) for c in after.clocks
    ]
    for old, new in zip(before.clocks, after.clocks, strict=True):
        added = new.records[len(old.records) :]
        if new.status is not Status.RUNNING or new.target is None or old.deadline is not None:
            continue
        if old.verdict is Verdict.BREACHED:
            assert (added, new.due_at) == ((), old.due_at)
        elif new.used > new.target:
            assert [(r.at, r.due_at, r.cause, r.used) for r in added] == [(at, at, Cause.TARGET_CHANGED, new.used)]
        else:
            assert added == ()


# -- what if, merging, voids -----------------------------------------------------------------------------------------


def _looked_up(facts, desk, is_told):
    """Give each PolicyApplied the policy that its ticket would be given then, as a desk records it."""
    cell, found = {}, []
    for fact in facts:
        for name in ("channel", "priority", "tier"):
            if hasattr(fact, name) and not isinstance(fact, Messaged):
                cell[name] = getattr(fact, name)
        if isinstance(fact, PolicyApplied):
            policy = select(desk.policies, {**cell, "channel_class": desk.channel_class(cell["channel"])})
            subject = tuple(sorted(cell.items())) if is_told else ()
            found.append(attrs.evolve(fact, policy=policy.id, revision=policy.revision, subject=subject))
        else:
            found.append(fact)
    return found


@WAYS
@given(
    histories((*STATE_KINDS, *TALK, *TARGETS, "policy", "policy", *BACKWARD)), others(), rules(), anytime, st.booleans()
)
def test_what_if_with_the_recorded_policies_finds_no_difference_in_any_world(facts, other, desk, at, is_told):
    told = {"T": _looked_up(facts, desk, is_told), "S": _looked_up(other["S"], desk, is_told)}

    answer = what_if(told, desk.policies, CALENDARS, at, categories=STATES, recorded=desk)

    assert (answer.tickets, answer.differences, answer.newly_breached, answer.newly_met) == (2, (), 0, 0)


@WAYS
@given(histories(FORWARD), rules(), others(), st.tuples(anytime, anytime, anytime).map(sorted), st.booleans())
def test_merge_then_unmerge_is_as_if_neither_had_been(facts, desk, other, moments, as_source):
    """Facts go on between the two, and both tickets get their own clocks back."""
    merged, parted, at = (max(moment, facts[0].occurred_at) for moment in moments)
    if as_source:
        pair = [Merged(occurred_at=merged, seq=1000, into="Z"), Unmerged(occurred_at=parted, seq=1001, out_of="Z")]
    else:
        pair = [Absorbed(occurred_at=merged, seq=1000, ticket="S"), Released(occurred_at=parted, seq=1001, ticket="S")]
    apart = look(facts, desk, at)
    again = look([*facts, *pair], desk, at, others=other)

    assert (again.clocks, again.warnings, again.due_at) == (apart.clocks, apart.warnings, apart.due_at)
    assert replay([*facts, *pair], desk, others=other).clocks == replay(facts, desk).clocks


@WAYS
@given(
    histories((*STATE_KINDS, *TALK)),
    rules(),
    histories((*STATE_KINDS, *TALK), ticket="S").map(lambda facts: {"S": facts}),
    anytime,
)
def test_a_joined_clock_used_the_open_time_in_which_either_ran(facts, desk, other, merged):
    """R14, for clocks of one calendar: by explaining both apart and together."""
    merged = max(merged, facts[0].occurred_at)
    facts = [fact for fact in facts if fact.occurred_at <= merged]
    mine, theirs = look(facts, desk, merged), look(other["S"], desk, merged)
    joined = look([*facts, Absorbed(occurred_at=merged, seq=1000, ticket="S")], desk, merged, others=other)

    for metric in ENDING - {Metric.TIER}:
        one, two, both = (clocks.get(metric) for clocks in (mine, theirs, joined))
        if one is None or two is None or {one.status, two.status} - LIVE or one.calendar != two.calendar:
            continue
        counted = [p for c in (one, two) for p in explain(c, merged) if p.kind is Kind.COUNTED]
        assert both.started_at == min(one.started_at, two.started_at)
        assert both.used == _union(counted)


def _union(parts):
    total, end = ZERO, None
    for part in sorted(parts, key=lambda part: part.start):
        start = part.start if end is None else max(part.start, end)
        total += max(part.end - start, ZERO)
        end = part.end if end is None else max(part.end, end)
    return total


@WAYS
@given(histories(FORWARD), rules(), st.integers(1, 12), anytime)
def test_a_fact_that_was_voided_by_another_fact_never_was(facts, desk, place, at):
    place = min(place, len(facts) - 1)
    assume(place > 0)
    gone = facts[place]
    rest = [fact for fact in facts if fact is not gone]
    void = Voided(occurred_at=max(at, gone.occurred_at), seq=1000, voids=gone.seq)

    for moment in (void.occurred_at, void.occurred_at + MONTH):
        assert look([*facts, void], desk, moment).clocks == look(rest, desk, moment).clocks
    assert replay([*facts, void], desk).clocks == replay(rest, desk).clocks


@WAYS
@given(histories(ALL), rules(), others(), st.integers(0, 12), instants, st.sampled_from(["", "gone", "Open", "new "]))
def test_a_state_that_nobody_knows_is_a_typed_error_wherever_it_stands(facts, desk, other, place, at, name):
    place = min(place, len(facts) - 1)
    fact = StateEntered(occurred_at=facts[place].occurred_at, seq=facts[place].seq + 1, state=name)
    end = max(at, facts[-1].occurred_at)
    assume(not any(isinstance(f, Merged) for f in facts))
    snapshot = replay(facts[: place + 1], desk, others=other)

    for ask in (
        lambda: look([*facts, fact], desk, end, others=other),
        lambda: replay([*facts, fact], desk, others=other),
        lambda: advance(snapshot, fact, desk),
        lambda: what_if(
            {"T": [*facts, fact], **other}, desk.policies, CALENDARS, end, categories=STATES, recorded=desk
        ),
        lambda: look([attrs.evolve(facts[0], state=name)], desk, end),
    ):
        with pytest.raises(UnknownState):
            ask()


def test_the_worlds_hold_every_kind_of_fact():
    made = {*ALL}

    assert made == {*FORWARD, *BACKWARD}
    assert len(typing.get_args(Fact)) == 24
