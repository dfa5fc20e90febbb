"""What each fact does to the clocks: a table of one small function a fact, held against the closed union by a test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from supportkit.clock import to_us
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.sla import facts as fa
from supportkit.sla import measure
from supportkit.sla.facts import Fact
from supportkit.sla.fold import Fold
from supportkit.sla.rules import Target, Terms
from supportkit.sla.state import ClockState
from supportkit.sla.terms import (
    ENDING,
    FIRST_RESPONSE,
    HALTING,
    LIVE,
    NEXT_RESPONSE,
    PAUSED,
    PERIODIC_UPDATE,
    PROMISE,
    RUNNING,
    STOPPED,
    TIER,
    TIME_TO_OWN,
    Cause,
    Metric,
    Status,
)
from supportkit.sla.terms import to_us as delta_us

# Members under names of their own, as in `terms`.
_AGENT, _BOT, _CUSTOMER = ActorKind.AGENT, ActorKind.BOT, ActorKind.CUSTOMER
_ANSWERS = (MessageKind.REPLY, MessageKind.CALL)
_AT_CREATION = frozenset({Metric.RESOLUTION, Metric.REQUESTER_WAIT, Metric.AGENT_WORK})


def apply(fold: Fold, fact: Fact, t: int) -> None:
    """Take the next fact, which occurred at *t* microseconds.

    One from before the creation (two computers' clocks disagree) takes effect at it.
    """
    if t < fold.created:  # noqa: PLR1730 - max() is a call, and this is done for every fact
        t = fold.created
    if fold.merged is None:
        _APPLY[type(fact)](fold, fact, t)
    fold.at, fold.seq = t, fact.seq


def _created(fold: Fold, fact: fa.Created, t: int) -> None:
    """Begin with what the ticket is, and with what was promised for it."""
    fold.created, fold.ticket = t, fact.ticket
    fold.category = fold.rules.bit(fact.state, fact.category)
    fold.channel, fold.priority, fold.tier, fold.owner = fact.channel, fact.priority, fact.tier, fact.owner
    rules = fold.rules
    if fact.pins:
        fold.pins = dict(fact.pins)
    if fact.is_applied:
        policy = None if fact.policy is None else rules.policy(fact.policy, fact.revision)
        fold.measure(fold.measured | rules.bits_of(policy))
    else:
        policy = rules.choose(fact.channel, fact.priority, fact.tier)
        fold.measure(rules.bits)
    fold.follow(policy)
    fold.owed = 0 if fact.author is _AGENT else 1
    _begin(fold, fact, t)


def _begin(fold: Fold, fact: fa.Created, t: int) -> None:
    """Start the clocks of a new ticket."""
    for metric in fold.metrics:
        if metric in _AT_CREATION:
            fold.start(metric, t)
        elif metric is FIRST_RESPONSE:
            if fold.owed:
                fold.start(metric, t)
        elif metric is PERIODIC_UPDATE:
            if not fold.terms[metric].starts_late:
                fold.start(metric, t)
        elif metric is TIME_TO_OWN:
            fold.start(metric, t)
            if fact.owner is not None:
                fold.stop(metric, t)
        elif metric is TIER:
            _visit(fold, t)


def _messaged(fold: Fold, fact: fa.Messaged, t: int) -> None:
    """Take a message: a customer's starts what waits for answers, a response fulfils it."""
    if fact.kind not in _ANSWERS:
        return
    if fact.author is _CUSTOMER:
        _asked(fold, fact.channel, t)
    else:
        _answered(fold, fact, t)


def _asked(fold: Fold, channel: str, t: int) -> None:
    """Let the customer wait from *t* on, unless they wait already."""
    measured = fold.metrics
    if fold.owed == 0:
        fold.owed = 1
        if FIRST_RESPONSE in measured and FIRST_RESPONSE not in fold.clocks:
            fold.start(FIRST_RESPONSE, t)
    if NEXT_RESPONSE in measured and not fold.is_live(NEXT_RESPONSE):
        terms = fold.terms[NEXT_RESPONSE]
        if fold.owed == 2 or not terms.after_first:  # noqa: PLR2004 - the three steps of `owed`
            fold.start(NEXT_RESPONSE, t, subject=channel)
    update = fold.clocks.get(PERIODIC_UPDATE)
    if update is not None and fold.terms[PERIODIC_UPDATE].any_contact:
        fold.restart(PERIODIC_UPDATE, t)


def _answered(fold: Fold, fact: fa.Messaged, t: int) -> None:
    """Let a response fulfil the metrics for which it is one."""
    terms = fold.terms
    if fold.owed == 1 and is_response(fold, fact, terms[FIRST_RESPONSE]):
        fold.owed = 2
    for metric in (FIRST_RESPONSE, NEXT_RESPONSE):
        if fold.is_live(metric) and is_response(fold, fact, terms[metric]):
            fold.stop(metric, t, fact)
    if PERIODIC_UPDATE in fold.metrics and is_response(fold, fact, terms[PERIODIC_UPDATE]):
        fold.restart(PERIODIC_UPDATE, t)
    if fold.promises and terms[PROMISE].kept_by_response and is_response(fold, fact, terms[PROMISE]):
        for key, clock in tuple(fold.clocks.items()):
            if clock.metric is PROMISE:
                fold.end(key, t, fact)


def is_response(fold: Fold, fact: fa.Messaged, terms: Terms) -> bool:
    """Tell whether a message is a response under these terms; its kind is known to fit."""
    if fact.author is not _AGENT and not (terms.bots and fact.author is _BOT):
        return False
    return not terms.owner_only or (fold.owner is not None and fact.by == fold.owner)


def _state_entered(fold: Fold, fact: fa.StateEntered, t: int) -> None:
    """Pause, resume, halt, end or reopen what the new category concerns."""
    before, now = fold.category, fold.rules.bit(fact.state, fact.category)
    if before == now:
        return
    fold.category, turns = now, fold.turns[before, now]
    for key, clock in tuple(fold.clocks.items()):
        turn = turns.get(clock[0])
        if turn is None:
            continue  # the same to this clock: nothing to measure
        status = clock[3]
        if status not in LIVE:
            if turn == "reopen" and status is STOPPED:
                _reopen(fold, key, clock, t)
        elif turn == "pause":
            fold.switch(key, clock, t, PAUSED)
        elif turn == "resume":
            fold.switch(key, clock, t, RUNNING)
        elif turn == "end":
            fold.stop(key, t, fact)
        else:
            fold.rephase(key, clock, t)
    if turns.get(TIER) == "reopen" and f"{TIER}:{fold.tier}" not in fold.clocks:
        _visit(fold, t)  # the ticket changed hands while it was done


def _reopen(fold: Fold, key: str, clock: ClockState, t: int) -> None:
    """Take up a clock again, or begin a new cycle, as its options say."""
    terms, metric = fold.terms[clock.metric], clock.metric
    if metric is Metric.TIER and clock.subject != str(fold.tier):
        return
    if terms.reopen == "new_cycle" and (metric in ENDING or metric in HALTING):
        if metric in (Metric.NEXT_RESPONSE, Metric.PERIODIC_UPDATE):
            return
        fold.start(metric, t, key=key, subject=clock.subject, instance=clock.instance, cycle=clock.cycle + 1)
        if metric is Metric.TIME_TO_OWN and fold.owner is not None:
            fold.stop(metric, t)
    elif terms.reopen == "continue" and metric in ENDING:
        _go_on(fold, key, clock, t)


def _go_on(fold: Fold, key: str, clock: ClockState, t: int) -> None:
    """Let a clock that stopped count again, with the target of now."""
    fold.clocks[key] = clock.but(stopped=None)._replace(status=PAUSED)
    fold.retarget(key, fold.clocks[key], t, Cause.TARGET_CHANGED)
    fold.rephase(key, fold.clocks[key], t)
    if fold.clocks[key].status is PAUSED:
        fold.mark(fold.clocks[key], t)


def _owner_set(fold: Fold, fact: fa.OwnerSet, t: int) -> None:
    """Let the first owner fulfil TIME_TO_OWN."""
    fold.owner = fact.owner
    if fact.owner is not None and fold.is_live(Metric.TIME_TO_OWN):
        fold.stop(Metric.TIME_TO_OWN, t, fact)


def _tier_entered(fold: Fold, fact: fa.TierEntered, t: int) -> None:
    """End the visit to one tier and begin the next; other targets may name tiers."""
    if fact.tier == fold.tier:
        return
    if Metric.TIER in fold.metrics:
        for key, clock in tuple(fold.clocks.items()):
            if clock.metric is Metric.TIER and clock.status in LIVE:
                fold.stop(key, t, fact)
    fold.tier = fact.tier
    if Metric.TIER in fold.metrics and not fold.category & fold.terms[Metric.TIER].ends:
        _visit(fold, t)
    fold.retarget_all(t)


def _visit(fold: Fold, t: int) -> None:
    """Begin a visit to the present tier, or take up the earlier ones to it where they add up."""
    if Metric.TIER not in fold.metrics:
        return
    key, subject = f"{Metric.TIER}:{fold.tier}", str(fold.tier)
    visits = [(name, clock) for name, clock in fold.clocks.items() if clock.metric is Metric.TIER]
    before = fold.clocks.get(key)
    if fold.terms[Metric.TIER].cumulative:
        if before is not None:
            _go_on(fold, key, before, t)
            return
    else:
        for name, clock in visits:
            fold.drop(name, clock)
    instance = max((clock.instance for _, clock in visits), default=0) + 1
    fold.start(Metric.TIER, t, key=key, subject=subject, instance=instance)


def _external_started(fold: Fold, fact: fa.ExternalStarted, t: int) -> None:
    """Start the clock of a hand-over, unless the vendor has the ticket already."""
    key = f"{Metric.EXTERNAL}:{fact.vendor}"
    if key not in fold.clocks:
        fold.handovers += 1
        fold.start(Metric.EXTERNAL, t, key=key, subject=fact.vendor, instance=fold.handovers)


def _external_paused(fold: Fold, fact: fa.ExternalPaused, t: int) -> None:
    """Pause a vendor's clock."""
    _hold(fold, fact.vendor, t, is_held=True)


def _external_resumed(fold: Fold, fact: fa.ExternalResumed, t: int) -> None:
    """Let a vendor's clock go on."""
    _hold(fold, fact.vendor, t, is_held=False)


def _hold(fold: Fold, vendor: str, t: int, *, is_held: bool) -> None:
    """Set whether the vendor itself pauses; pausing twice is pausing once."""
    key = f"{Metric.EXTERNAL}:{vendor}"
    clock = fold.clocks.get(key)
    if clock is not None and clock.rare.is_held != is_held:
        fold.rephase(key, clock.but(is_held=is_held), t)


def _external_ended(fold: Fold, fact: fa.ExternalEnded, t: int) -> None:
    """End the clock of a hand-over."""
    fold.end(f"{Metric.EXTERNAL}:{fact.vendor}", t, fact)


def _promise_made(fold: Fold, fact: fa.PromiseMade | fa.PromiseMoved, t: int) -> None:
    """Start the clock of a promise."""
    key = f"{Metric.PROMISE}:{fact.promise}"
    if key in fold.clocks:
        fold.end(key, t, fact, Status.MOVED)
    fold.promises += 1
    calendar = fold.rules.target(fold.policy, Metric.PROMISE, fold.channel, fold.priority, fold.tier).calendar
    goal = fact.promised
    if isinstance(goal, dt.datetime):
        target = Target(None, to_us(goal), calendar)
    else:
        target = Target(delta_us(goal), None, calendar)
    fold.start(Metric.PROMISE, t, key=key, subject=fact.promise, instance=fold.promises, target=target)


def _promise_kept(fold: Fold, fact: fa.PromiseKept, t: int) -> None:
    """End the clock of a promise that was kept."""
    fold.end(f"{Metric.PROMISE}:{fact.promise}", t, fact)


def _promise_cancelled(fold: Fold, fact: fa.PromiseCancelled, t: int) -> None:
    """End the clock of a promise that is void."""
    fold.end(f"{Metric.PROMISE}:{fact.promise}", t, fact, Status.CANCELLED)


def _priority_set(fold: Fold, fact: fa.PrioritySet, t: int) -> None:
    """Let the targets of the new priority hold from now on."""
    fold.priority = fact.priority
    fold.retarget_all(t)


def _channel_set(fold: Fold, fact: fa.ChannelSet, t: int) -> None:
    """Let the targets of the new channel hold from now on."""
    fold.channel = fact.channel
    fold.retarget_all(t)


def _policy_applied(fold: Fold, fact: fa.PolicyApplied, t: int) -> None:
    """Let another policy hold from now on: its targets, pauses and calendars."""
    policy = None if fact.policy is None else fold.rules.policy(fact.policy, fact.revision)
    if policy is fold.policy:
        return  # as at nearly every creation, which has looked it up already
    fold.measure(fold.measured | fold.rules.bits_of(policy))
    for key, clock in tuple(fold.clocks.items()):
        if clock.status in LIVE:
            fold.keep(key, fold.settled(clock, t))  # what was passed until now was passed under the old warnings
    fold.follow(policy)
    fold.retarget_all(t)
    for key, clock in tuple(fold.clocks.items()):
        if clock.status in LIVE:
            fold.rephase(key, clock, t)


def _calendar_changed(fold: Fold, fact: fa.CalendarChanged, t: int) -> None:
    """Measure what came before with the old revision and what comes after with the new one."""
    for key, clock in tuple(fold.clocks.items()):
        if clock.calendar == fact.calendar and clock.status in LIVE:
            fold.keep(key, fold.settled(clock, t))
    fold.pin(fact.calendar, fact.revision)
    for key, clock in tuple(fold.clocks.items()):
        if clock.calendar == fact.calendar and clock.status in LIVE:
            if fact.retroactive and fold.marks is not None:
                fold.keep(key, _measured_anew(fold, clock, t))
            fold.mark(fold.clocks[key], t)


def _measured_anew(fold: Fold, clock: ClockState, t: int) -> ClockState:
    """Return a clock with all its running spans measured with the present revision of its calendar."""
    assert fold.marks is not None  # noqa: S101 - a snapshot cannot do this; `advance` refuses it
    calendar, marks = fold.calendar(clock.calendar), fold.marks[clock.key]
    marks[:] = [mark._replace(calendar=calendar) if mark.name == clock.calendar else mark for mark in marks]
    used = sum(
        mark.calendar.between_us(mark.at, end)
        for mark, end in zip(marks, [*(mark.at for mark in marks[1:]), t], strict=True)
        if mark.status is RUNNING
    )
    clock = clock._replace(used=used)
    if clock.rare.breached is not None:
        return clock
    return measure.outgrown(clock.but(due=None), t, Cause.CALENDAR_CHANGED)


def _due_overridden(fold: Fold, fact: fa.DueOverridden, _t: int) -> None:
    """Set a due beside the policy's own on the latest clock of a metric; of several, on that of the present tier."""
    instant = None if fact.instant is None else to_us(fact.instant)
    present = f"{Metric.TIER}:{fold.tier}"
    keys = [key for key, clock in fold.clocks.items() if clock.metric is fact.metric]
    if keys:
        key = present if present in keys else keys[-1]
        fold.clocks[key] = fold.clocks[key].but(override=instant)


def _merged(fold: Fold, fact: fa.Merged, t: int) -> None:
    """End all clocks, because the ticket goes on in another one."""
    for key, clock in tuple(fold.clocks.items()):
        if clock.status in LIVE:
            fold.conclude(key, clock, t, Status.MERGED)
    fold.merged = fact.into


def _nothing(fold: Fold, _fact: Fact, _t: int) -> None:
    """Do nothing: the fact is about the history as a whole and was dealt with before the fold."""


_APPLY: dict[type[Any], Callable[[Fold, Any, int], None]] = {
    fa.Created: _created,
    fa.Messaged: _messaged,
    fa.DeliveryFailed: _nothing,
    fa.StateEntered: _state_entered,
    fa.OwnerSet: _owner_set,
    fa.TierEntered: _tier_entered,
    fa.ExternalStarted: _external_started,
    fa.ExternalPaused: _external_paused,
    fa.ExternalResumed: _external_resumed,
    fa.ExternalEnded: _external_ended,
    fa.PromiseMade: _promise_made,
    fa.PromiseMoved: _promise_made,
    fa.PromiseKept: _promise_kept,
    fa.PromiseCancelled: _promise_cancelled,
    fa.PrioritySet: _priority_set,
    fa.ChannelSet: _channel_set,
    fa.PolicyApplied: _policy_applied,
    fa.CalendarChanged: _calendar_changed,
    fa.DueOverridden: _due_overridden,
    fa.Merged: _merged,
    fa.Unmerged: _nothing,
    fa.Absorbed: _nothing,
    fa.Released: _nothing,
    fa.Voided: _nothing,
}
