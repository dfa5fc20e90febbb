"""The fold: facts in their order make and change the clocks of one ticket. It reads no clock and does no I/O.

`Fold` is the one mutable thing of these rules and never leaves them: it is thawed from a snapshot, takes facts, and is
frozen again. A table of one small method a fact, as in the engine; a test holds it against the closed union.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import to_us
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import Priority
from supportkit.sla import facts as fa
from supportkit.sla import measure
from supportkit.sla.facts import Fact
from supportkit.sla.policy import Policy
from supportkit.sla.rules import Rules, Target, Terms
from supportkit.sla.state import FRESH, ClockState, RecordState, Snapshot
from supportkit.sla.terms import BIT, ENDING, HALTING, LIVE, Cause, Metric, Status
from supportkit.sla.terms import to_us as delta_us

_ANSWERS = frozenset({MessageKind.REPLY, MessageKind.CALL})
_STARTED_AT_CREATION = (Metric.RESOLUTION, Metric.REQUESTER_WAIT, Metric.AGENT_WORK)
_CATEGORY = {bit: category.value for category, bit in BIT.items()}
Key = tuple[Metric, int, int]


class Mark(NamedTuple):
    """A change in what a clock does, for explaining it later: since when, what, measured with which calendar, why."""

    at: int
    status: Status
    calendar: BusinessCalendar
    why: str


class Passing(NamedTuple):
    """A warning that became due: which clock, which threshold, when."""

    key: Key
    threshold: str
    at: int


class Fold:
    """The clocks of one ticket while facts are being applied.

    Args:
        rules: The compiled policies, calendars and categories.
        is_traced: Whether to keep what explaining needs: all clocks that ended, and the marks of each.
    """

    def __init__(self, rules: Rules, *, is_traced: bool = False) -> None:
        """Begin before the first fact."""
        self.rules = rules
        self.ticket = ""
        self.at = self.seq = self.created = 0
        self.category = 0
        self.channel = ""
        self.owner: str | None = None
        self.owed = 0
        self.tier = 1
        self.priority = Priority.NORMAL
        self.policy: Policy | None = None
        self.terms = rules.terms(None)
        self.counts = [0, 0]
        self.pins: dict[str, str] = {}
        self.merged: str | None = None
        self.clocks: dict[str, ClockState] = {}
        self.archive: list[ClockState] | None = [] if is_traced else None
        self.marks: dict[Key, list[Mark]] | None = {} if is_traced else None
        self.records: list[tuple[Key, int, RecordState]] = []
        self.passings: list[Passing] = []

    # -- to and from snapshots -----------------------------------------------------------------------------------------

    @classmethod
    def thaw(cls, snapshot: Snapshot, rules: Rules) -> Fold:
        """Return a fold that stands where *snapshot* was taken."""
        fold = cls(rules)
        fold.ticket, fold.at, fold.seq, fold.created = snapshot.ticket, snapshot.at, snapshot.seq, snapshot.created
        fold.category, fold.channel, fold.owner = snapshot.category, snapshot.channel, snapshot.owner
        fold.owed, fold.tier, fold.priority = snapshot.owed, snapshot.tier, snapshot.priority
        fold.policy = None if snapshot.policy is None else rules.policy(snapshot.policy, snapshot.revision)
        fold.terms = rules.terms(fold.policy)
        fold.counts, fold.pins, fold.merged = list(snapshot.counts), dict(snapshot.pins), snapshot.merged
        fold.clocks = dict(snapshot.clocks)
        return fold

    def freeze(self) -> Snapshot:
        """Return where the fold stands."""
        policy = self.policy
        return Snapshot(
            ticket=self.ticket,
            at=self.at,
            seq=self.seq,
            created=self.created,
            category=self.category,
            channel=self.channel,
            priority=self.priority,
            tier=self.tier,
            owner=self.owner,
            owed=self.owed,
            policy=None if policy is None else policy.id,
            revision=None if policy is None else policy.revision,
            counts=(self.counts[0], self.counts[1]),
            pins=tuple(self.pins.items()),
            merged=self.merged,
            clocks=tuple(self.clocks.items()),
        )

    # -- one fact --------------------------------------------------------------------------------------------------------

    def apply(self, fact: Fact) -> None:
        """Take the next fact. One from before the creation (two computers' clocks disagree) takes effect at it."""
        t = to_us(fact.occurred_at)
        if t < self.created:
            t = self.created
        if self.merged is None or isinstance(fact, fa.Unmerged):
            _APPLY[type(fact)](self, fact, t)
        self.at, self.seq = t, fact.seq

    def created_(self, fact: fa.Created, t: int) -> None:
        """Start the clocks that start with the ticket."""
        self.created, self.ticket = t, fact.ticket
        self.category = self.rules.bit(fact.state, fact.category)
        self.channel, self.priority, self.tier, self.owner = fact.channel, fact.priority, fact.tier, fact.owner
        self.policy = self.rules.choose(fact.channel, fact.priority, fact.tier)
        self.terms = self.rules.terms(self.policy)
        self.owed = 0 if fact.author is ActorKind.AGENT else 1
        for metric in self.rules.metrics:
            match metric:
                case Metric.FIRST_RESPONSE:
                    if self.owed:
                        self.start(metric, t)
                case Metric.PERIODIC_UPDATE:
                    if not self.terms[metric].starts_late:
                        self.start(metric, t)
                case Metric.TIME_TO_OWN:
                    self.start(metric, t)
                    if fact.owner is not None:
                        self.stop(metric, t)
                case Metric.TIER:
                    self.visit(t)
                case Metric.RESOLUTION | Metric.REQUESTER_WAIT | Metric.AGENT_WORK:
                    self.start(metric, t)

    def messaged(self, fact: fa.Messaged, t: int) -> None:
        """Take a message: a customer's starts what waits for answers, a response fulfils it (R3 to R6)."""
        if fact.kind not in _ANSWERS:
            return
        if fact.author is ActorKind.CUSTOMER:
            self.asked(fact.channel, t)
        else:
            self.answered(fact, t)

    def asked(self, channel: str, t: int) -> None:
        """Let the customer wait from *t* on, unless they wait already."""
        measured = self.rules.metrics
        if self.owed == 0:
            self.owed = 1
            if Metric.FIRST_RESPONSE in measured and Metric.FIRST_RESPONSE not in self.clocks:
                self.start(Metric.FIRST_RESPONSE, t)
        if Metric.NEXT_RESPONSE in measured and not self.is_live(Metric.NEXT_RESPONSE):
            terms = self.terms[Metric.NEXT_RESPONSE]
            if self.owed == 2 or not terms.after_first:  # noqa: PLR2004 - the three steps of `owed`
                self.start(Metric.NEXT_RESPONSE, t, subject=channel)
        update = self.clocks.get(Metric.PERIODIC_UPDATE)
        if update is not None and self.terms[Metric.PERIODIC_UPDATE].any_contact:
            self.restart(Metric.PERIODIC_UPDATE, t)

    def answered(self, fact: fa.Messaged, t: int) -> None:
        """Let a response fulfil the metrics for which it is one."""
        terms = self.terms
        if self.owed == 1 and self.is_response(fact, terms[Metric.FIRST_RESPONSE]):
            self.owed = 2
        for metric in (Metric.FIRST_RESPONSE, Metric.NEXT_RESPONSE):
            if self.is_live(metric) and self.is_response(fact, terms[metric]):
                self.stop(metric, t, fact)
        if Metric.PERIODIC_UPDATE in self.rules.metrics and self.is_response(fact, terms[Metric.PERIODIC_UPDATE]):
            self.restart(Metric.PERIODIC_UPDATE, t)
        if self.counts[1] and terms[Metric.PROMISE].kept_by_response and self.is_response(fact, terms[Metric.PROMISE]):
            for key, clock in tuple(self.clocks.items()):
                if clock.metric is Metric.PROMISE:
                    self.end(key, t, fact)

    def is_response(self, fact: fa.Messaged, terms: Terms) -> bool:
        """Tell whether a message is a response under these terms (R3); its kind is known to fit."""
        if fact.author is not ActorKind.AGENT and not (terms.bots and fact.author is ActorKind.BOT):
            return False
        return not terms.owner_only or (self.owner is not None and fact.by == self.owner)

    def state_entered(self, fact: fa.StateEntered, t: int) -> None:
        """Pause, resume, halt, end or reopen what the new category concerns."""
        before, self.category = self.category, self.rules.bit(fact.state, fact.category)
        now = self.category
        if before == now:
            return
        for key, clock in tuple(self.clocks.items()):
            terms = self.terms[clock.metric]
            ended, ends = before & terms.ends, now & terms.ends
            if clock.status in LIVE:
                if ends and clock.metric in ENDING:
                    self.stop(key, t, fact)
                else:
                    self.rephase(key, clock, t)
            elif ended and not ends and clock.status is Status.STOPPED:
                self.reopen(key, clock, t)
        ends = self.terms[Metric.TIER].ends
        if before & ends and not now & ends and Metric.TIER in self.rules.metrics:
            if f"{Metric.TIER}:{self.tier}" not in self.clocks:
                self.visit(t)  # the ticket changed hands while it was done

    def reopen(self, key: str, clock: ClockState, t: int) -> None:
        """Take up a clock again, or begin a new cycle, as its options say (R9)."""
        terms, metric = self.terms[clock.metric], clock.metric
        if metric is Metric.TIER and clock.subject != str(self.tier):
            return
        if terms.reopen == "new_cycle" and (metric in ENDING or metric in HALTING):
            if metric in (Metric.NEXT_RESPONSE, Metric.PERIODIC_UPDATE):
                return
            self.start(metric, t, key=key, subject=clock.subject, instance=clock.instance, cycle=clock.cycle + 1)
            if metric is Metric.TIME_TO_OWN and self.owner is not None:
                self.stop(metric, t)
        elif terms.reopen == "continue" and metric in ENDING:
            self.go_on(key, clock, t)

    def go_on(self, key: str, clock: ClockState, t: int) -> None:
        """Let a clock that stopped count again, with the target of now."""
        self.clocks[key] = clock.but(stopped=None)._replace(status=Status.PAUSED)
        self.retarget(key, self.clocks[key], t, Cause.TARGET_CHANGED)
        self.rephase(key, self.clocks[key], t)
        if self.clocks[key].status is Status.PAUSED:
            self.mark(self.clocks[key], t)

    def owner_set(self, fact: fa.OwnerSet, t: int) -> None:
        """Let the first owner fulfil TIME_TO_OWN."""
        self.owner = fact.owner
        if fact.owner is not None and self.is_live(Metric.TIME_TO_OWN):
            self.stop(Metric.TIME_TO_OWN, t, fact)

    def tier_entered(self, fact: fa.TierEntered, t: int) -> None:
        """End the visit to one tier and begin the next; other targets may name tiers."""
        if fact.tier == self.tier:
            return
        if Metric.TIER in self.rules.metrics:
            for key, clock in tuple(self.clocks.items()):
                if clock.metric is Metric.TIER and clock.status in LIVE:
                    self.stop(key, t, fact)
        self.tier = fact.tier
        if Metric.TIER in self.rules.metrics and not self.category & self.terms[Metric.TIER].ends:
            self.visit(t)
        self.retarget_all(t)

    def visit(self, t: int) -> None:
        """Begin a visit to the present tier, or take up the earlier ones to it where they add up (R8)."""
        key, subject = f"{Metric.TIER}:{self.tier}", str(self.tier)
        visits = [(name, clock) for name, clock in self.clocks.items() if clock.metric is Metric.TIER]
        before = self.clocks.get(key)
        if self.terms[Metric.TIER].cumulative:
            if before is not None:
                self.go_on(key, before, t)
                return
        else:
            for name, clock in visits:
                self.drop(name, clock)
        instance = max((clock.instance for _, clock in visits), default=0) + 1
        self.start(Metric.TIER, t, key=key, subject=subject, instance=instance)

    def external_started(self, fact: fa.ExternalStarted, t: int) -> None:
        """Start the clock of a hand-over, unless the vendor has the ticket already."""
        key = f"{Metric.EXTERNAL}:{fact.vendor}"
        if key not in self.clocks:
            self.counts[0] += 1
            self.start(Metric.EXTERNAL, t, key=key, subject=fact.vendor, instance=self.counts[0])

    def external_paused(self, fact: fa.ExternalPaused, t: int) -> None:
        """Pause a vendor's clock."""
        self.hold(fact.vendor, t, is_held=True)

    def external_resumed(self, fact: fa.ExternalResumed, t: int) -> None:
        """Let a vendor's clock go on."""
        self.hold(fact.vendor, t, is_held=False)

    def hold(self, vendor: str, t: int, *, is_held: bool) -> None:
        """Set whether the vendor itself pauses; pausing twice is pausing once."""
        key = f"{Metric.EXTERNAL}:{vendor}"
        clock = self.clocks.get(key)
        if clock is not None and clock.rare.is_held != is_held:
            self.rephase(key, clock.but(is_held=is_held), t)

    def external_ended(self, fact: fa.ExternalEnded, t: int) -> None:
        """End the clock of a hand-over."""
        self.end(f"{Metric.EXTERNAL}:{fact.vendor}", t, fact)

    def promise_made(self, fact: fa.PromiseMade | fa.PromiseMoved, t: int) -> None:
        """Start the clock of a promise."""
        key = f"{Metric.PROMISE}:{fact.promise}"
        if key in self.clocks:
            self.end(key, t, fact, Status.MOVED)
        self.counts[1] += 1
        calendar = self.rules.target(self.policy, Metric.PROMISE, self.channel, self.priority, self.tier).calendar
        goal = fact.promised
        if isinstance(goal, dt.datetime):
            target = Target(None, to_us(goal), calendar)
        else:
            target = Target(delta_us(goal), None, calendar)
        self.start(Metric.PROMISE, t, key=key, subject=fact.promise, instance=self.counts[1], target=target)

    def promise_kept(self, fact: fa.PromiseKept, t: int) -> None:
        """End the clock of a promise that was kept."""
        self.end(f"{Metric.PROMISE}:{fact.promise}", t, fact)

    def promise_cancelled(self, fact: fa.PromiseCancelled, t: int) -> None:
        """End the clock of a promise that is void."""
        self.end(f"{Metric.PROMISE}:{fact.promise}", t, fact, Status.CANCELLED)

    def priority_set(self, fact: fa.PrioritySet, t: int) -> None:
        """Let the targets of the new priority hold from now on (R10)."""
        self.priority = fact.priority
        self.retarget_all(t)

    def channel_set(self, fact: fa.ChannelSet, t: int) -> None:
        """Let the targets of the new channel hold from now on (R10)."""
        self.channel = fact.channel
        self.retarget_all(t)

    def policy_applied(self, fact: fa.PolicyApplied, t: int) -> None:
        """Let another policy hold from now on: its targets, pauses and calendars."""
        self.policy = self.rules.policy(fact.policy, fact.revision)
        self.terms = self.rules.terms(self.policy)
        self.retarget_all(t)
        for key, clock in tuple(self.clocks.items()):
            if clock.status in LIVE:
                self.rephase(key, clock, t)

    def calendar_changed(self, fact: fa.CalendarChanged, t: int) -> None:
        """Measure what came before with the old revision and what comes after with the new one (R12)."""
        for key, clock in tuple(self.clocks.items()):
            if clock.calendar == fact.calendar and clock.status in LIVE:
                self.keep(key, self.settled(clock, t))
        self.pins[fact.calendar] = fact.revision
        for key, clock in tuple(self.clocks.items()):
            if clock.calendar == fact.calendar and clock.status in LIVE:
                if fact.retroactive and self.marks is not None:
                    self.keep(key, self.measured_anew(clock, t))
                self.mark(self.clocks[key], t)

    def measured_anew(self, clock: ClockState, t: int) -> ClockState:
        """Return a clock with all its running spans measured with the present revision of its calendar."""
        assert self.marks is not None  # noqa: S101 - a snapshot cannot do this; `advance` refuses it
        calendar, marks = self.calendar(clock.calendar), self.marks[clock.key]
        old = marks[-1].calendar
        marks[:] = [mark._replace(calendar=calendar) if mark.calendar is old else mark for mark in marks]
        used = sum(
            mark.calendar.between_us(mark.at, end)
            for mark, end in zip(marks, [*(mark.at for mark in marks[1:]), t], strict=True)
            if mark.status is Status.RUNNING
        )
        clock = clock._replace(used=used)
        if clock.rare.breached is not None:
            return clock
        return measure.outgrown(clock.but(due=None), t, Cause.CALENDAR_CHANGED)

    def due_overridden(self, fact: fa.DueOverridden, _t: int) -> None:
        """Set a due beside the policy's own on the latest clock of a metric."""
        instant = None if fact.instant is None else to_us(fact.instant)
        for key, clock in reversed(self.clocks.items()):
            if clock.metric is fact.metric:
                self.clocks[key] = clock.but(override=instant)
                return

    def merged_(self, fact: fa.Merged, t: int) -> None:
        """End all clocks, because the ticket goes on in another one (R14)."""
        for key, clock in tuple(self.clocks.items()):
            if clock.status in LIVE:
                self.conclude(key, clock, t, Status.MERGED)
        self.merged = fact.into

    def nothing(self, _fact: Fact, _t: int) -> None:
        """Do nothing: the fact is about the history as a whole and was dealt with before the fold."""

    # -- clocks ------------------------------------------------------------------------------------------------------------

    def is_live(self, metric: Metric) -> bool:
        """Tell whether the one clock of *metric* waits to be fulfilled."""
        clock = self.clocks.get(metric)
        return clock is not None and clock.status in LIVE

    def calendar(self, name: str) -> BusinessCalendar:
        """Return the revision of a calendar that is in force."""
        return self.rules.calendar(name, self.pins.get(name))

    def status_of(self, clock: ClockState) -> Status:
        """Return what a live clock does in the present category."""
        terms = self.terms[clock.metric]
        if self.category & terms.ends and clock.metric in HALTING:
            return Status.HALTED
        if self.category & terms.pauses or clock.rare.is_held:
            return Status.PAUSED
        return Status.RUNNING

    def start(
        self,
        metric: Metric,
        t: int,
        *,
        key: str = "",
        subject: str = "",
        instance: int = 0,
        cycle: int = 1,
        target: Target | None = None,
    ) -> None:
        """Start a clock; the one before it under the same key is done with."""
        key = key or metric
        before = self.clocks.get(key)
        if before is not None:
            self.drop(key, before)
            instance = instance or before.instance + 1
        if target is None:
            channel = subject if metric is Metric.NEXT_RESPONSE else self.channel
            target = self.rules.target(self.policy, metric, channel, self.priority, self.tier, subject)
        rare = FRESH if target.instant is None else FRESH._replace(deadline=target.instant)
        clock = ClockState(
            metric, instance or 1, cycle, Status.RUNNING, t, 0, t, target.open_time, target.calendar, subject, rare
        )
        status = self.status_of(clock)
        if status is not Status.RUNNING:
            clock = clock.timed(status, 0, None)
        self.clocks[key] = clock
        if self.marks is not None:
            self.mark(clock, t)
        if metric in ENDING and self.category & self.terms[metric].ends:
            self.stop(key, t)

    def restart(self, metric: Metric, t: int) -> None:
        """Fulfil the present instance and start the next one."""
        if self.is_live(metric):
            self.stop(metric, t)
        self.start(metric, t)

    def settled(self, clock: ClockState, t: int) -> ClockState:
        """Return a clock measured up to *t*, and note the thresholds that it passed."""
        calendar = self.calendar(clock.calendar)
        clock, passed = measure.settle(clock, t, calendar, self.terms[clock.metric])
        for item in passed:
            self.passings.append(Passing(clock.key, item.id, item.at))
        return clock

    def keep(self, key: str, clock: ClockState) -> None:
        """Put a changed clock in its place, and note its new records."""
        before = self.clocks[key]
        self.clocks[key] = clock
        known, now = before.rare.records, clock.rare.records
        if len(now) > len(known):
            self.records += [(clock.key, number, now[number]) for number in range(len(known), len(now))]

    def rephase(self, key: str, clock: ClockState, t: int) -> None:
        """Let a live clock do what the present category asks for."""
        status = self.status_of(clock)
        if status is clock.status:
            self.clocks[key] = clock
            return
        if clock.since is not None:
            clock = self.settled(clock, t)
        was_halted = clock.status is Status.HALTED
        clock = clock.timed(status, clock.used, t if status is Status.RUNNING else None)
        if was_halted:
            clock = measure.outgrown(clock, t, Cause.TARGET_CHANGED)
        self.keep(key, clock)
        if self.marks is not None:
            self.mark(clock, t)

    def stop(self, key: str, t: int, fact: Fact | None = None) -> None:
        """Fulfil a live clock."""
        clock = self.settled(self.clocks[key], t)
        real = t if fact is None else min(t, to_us(fact.occurred_at))
        clock = measure.stop(clock, t, self.calendar(clock.calendar), real)
        self.keep(key, clock)
        if self.marks is not None:
            self.mark(clock, t)

    def end(self, key: str, t: int, fact: Fact, status: Status = Status.STOPPED) -> None:
        """End a clock of which there may be several, if it is there, and be done with it."""
        clock = self.clocks.get(key)
        if clock is None:
            return
        if status is Status.STOPPED:
            self.stop(key, t, fact)
        else:
            self.conclude(key, clock, t, status)
        self.drop(key, self.clocks[key])

    def conclude(self, key: str, clock: ClockState, t: int, status: Status) -> None:
        """End a clock without a verdict of its own: what it has breached stays breached."""
        clock = self.settled(clock, t)
        self.keep(key, clock.timed(status, clock.used, None).but(stopped=t))
        self.mark(self.clocks[key], t)

    def drop(self, key: str, clock: ClockState) -> None:
        """Take a clock that ended out of the snapshot; its records were handed out."""
        del self.clocks[key]
        if self.archive is not None:
            self.archive.append(clock)

    def retarget_all(self, t: int) -> None:
        """Look up the targets of all live clocks anew."""
        for key, clock in tuple(self.clocks.items()):
            if clock.status in LIVE and clock.metric is not Metric.PROMISE:
                self.retarget(key, clock, t, Cause.TARGET_CHANGED)

    def retarget(self, key: str, clock: ClockState, t: int, cause: Cause) -> None:
        """Give a live clock the target and the calendar of now, if they are others."""
        channel = clock.subject if clock.metric is Metric.NEXT_RESPONSE else self.channel
        target = self.rules.target(self.policy, clock.metric, channel, self.priority, self.tier, clock.subject)
        if clock.metric is Metric.TIER and clock.subject != str(self.tier):
            return
        is_same_goal = clock.target == target.open_time and clock.rare.deadline == target.instant
        if is_same_goal and clock.calendar == target.calendar:
            return
        clock = self.settled(clock, t)
        if not is_same_goal:
            clock = measure.retarget(clock, t, target.open_time, target.instant, cause)
        self.keep(key, clock)
        if clock.calendar != target.calendar:
            clock = self.clocks[key] = clock._replace(calendar=target.calendar)
            self.mark(clock, t)

    def mark(self, clock: ClockState, t: int) -> None:
        """Note what a clock does from *t* on, where the fold is traced."""
        if self.marks is None:
            return
        why = "" if clock.status is Status.RUNNING else _CATEGORY[self.category]
        if clock.rare.is_held:
            why = "vendor"
        self.marks.setdefault(clock.key, []).append(Mark(t, clock.status, self.calendar(clock.calendar), why))


_APPLY: dict[type[Any], Callable[[Fold, Any, int], None]] = {
    fa.Created: Fold.created_,
    fa.Messaged: Fold.messaged,
    fa.DeliveryFailed: Fold.nothing,
    fa.StateEntered: Fold.state_entered,
    fa.OwnerSet: Fold.owner_set,
    fa.TierEntered: Fold.tier_entered,
    fa.ExternalStarted: Fold.external_started,
    fa.ExternalPaused: Fold.external_paused,
    fa.ExternalResumed: Fold.external_resumed,
    fa.ExternalEnded: Fold.external_ended,
    fa.PromiseMade: Fold.promise_made,
    fa.PromiseMoved: Fold.promise_made,
    fa.PromiseKept: Fold.promise_kept,
    fa.PromiseCancelled: Fold.promise_cancelled,
    fa.PrioritySet: Fold.priority_set,
    fa.ChannelSet: Fold.channel_set,
    fa.PolicyApplied: Fold.policy_applied,
    fa.CalendarChanged: Fold.calendar_changed,
    fa.DueOverridden: Fold.due_overridden,
    fa.Merged: Fold.merged_,
    fa.Unmerged: Fold.nothing,
    fa.Absorbed: Fold.nothing,
    fa.Released: Fold.nothing,
    fa.Voided: Fold.nothing,
}
