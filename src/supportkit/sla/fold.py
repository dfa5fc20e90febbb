"""The fold: facts in their order make and change the clocks of one ticket. It reads no clock and does no I/O.

`Fold` is the one mutable thing of these rules and never leaves them: it is thawed from a snapshot, takes facts (see
`apply`), and is frozen again.
"""

from __future__ import annotations

from typing import NamedTuple

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import to_us
from supportkit.model.message import MessageKind
from supportkit.model.ticket import Priority
from supportkit.sla import measure
from supportkit.sla.facts import Fact
from supportkit.sla.policy import Policy
from supportkit.sla.rules import Rules, Target
from supportkit.sla.state import FRESH, ClockState, RecordState, Snapshot
from supportkit.sla.terms import BIT, ENDING, HALTED, HALTING, LIVE, PAUSED, RUNNING, STOPPED, Cause, Metric, Status

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
        self.handovers = self.promises = 0
        self.pins: dict[str, str] = {}
        self.open: dict[str, BusinessCalendar] = {}
        self.merged: str | None = None
        self.clocks: dict[str, ClockState] = {}
        self.archive: list[ClockState] | None = [] if is_traced else None
        self.marks: dict[Key, list[Mark]] | None = {} if is_traced else None
        self.records: list[tuple[Key, int, RecordState]] = []
        self.passings: list[Passing] = []

    # -- to and from snapshots ---------------------------------------------------------------------------------

    @classmethod
    def thaw(cls, snapshot: Snapshot, rules: Rules) -> Fold:
        """Return a fold that stands where *snapshot* was taken."""
        fold = cls(rules)
        fold.ticket, fold.at, fold.seq, fold.created = snapshot.ticket, snapshot.at, snapshot.seq, snapshot.created
        fold.category, fold.channel, fold.owner = snapshot.category, snapshot.channel, snapshot.owner
        fold.owed, fold.tier, fold.priority = snapshot.owed, snapshot.tier, snapshot.priority
        fold.policy = None if snapshot.policy is None else rules.policy(snapshot.policy, snapshot.revision)
        fold.terms = rules.terms(fold.policy)
        fold.handovers, fold.promises = snapshot.handovers, snapshot.promises
        fold.pins, fold.merged = dict(snapshot.pins), snapshot.merged
        fold.clocks = {clock.slot: clock for clock in snapshot.clocks}
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
            handovers=self.handovers,
            promises=self.promises,
            pins=tuple(self.pins.items()),
            merged=self.merged,
            clocks=tuple(self.clocks.values()),
        )

    # -- clocks ------------------------------------------------------------------------------------------------

    def is_live(self, metric: Metric) -> bool:
        """Tell whether the one clock of *metric* waits to be fulfilled."""
        clock = self.clocks.get(metric)
        return clock is not None and clock.status in LIVE

    def calendar(self, name: str) -> BusinessCalendar:
        """Return the revision of a calendar that is in force; remembered until a fact names another one."""
        found = self.open.get(name)
        if found is None:
            found = self.open[name] = self.rules.calendar(name, self.pins.get(name))
        return found

    def pin(self, name: str, revision: str) -> None:
        """Let another revision of a calendar be in force."""
        self.pins[name] = revision
        self.open.pop(name, None)

    def status_of(self, clock: ClockState) -> Status:
        """Return what a live clock does in the present category."""
        terms, metric = self.terms[clock[0]], clock[0]
        if self.category & terms.ends and metric in HALTING:
            return HALTED
        if self.category & terms.pauses or clock.rare.is_held:
            return PAUSED
        return RUNNING

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
            metric, instance or 1, cycle, RUNNING, t, 0, t, target.open_time, target.calendar, subject, rare
        )
        status = self.status_of(clock)
        if status is not RUNNING:
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
        before = self.clocks[key].rare
        self.clocks[key] = clock
        if before is clock.rare:
            return
        known, now = before.records, clock.rare.records
        if len(now) > len(known):
            self.records += [(clock.key, number, now[number]) for number in range(len(known), len(now))]

    def rephase(self, key: str, clock: ClockState, t: int) -> None:
        """Let a live clock do what the present category asks for."""
        status = self.status_of(clock)
        if status is clock.status:
            self.clocks[key] = clock
            return
        since = t if status is RUNNING else None
        was_halted = clock.status is HALTED
        clock = self.settled(clock, t)
        clock = clock.timed(status, clock.used, since)
        if was_halted:
            clock = measure.outgrown(clock, t, Cause.TARGET_CHANGED)
        self.keep(key, clock)
        if self.marks is not None:
            self.mark(clock, t)

    def switch(self, key: str, clock: ClockState, t: int, *, is_paused: bool) -> bool:
        """Pause or resume a clock where nothing is to be written down, as at nearly every pause; tell if so."""
        used = None if clock.rare.is_held else self.plain_use(clock, t)
        if used is None:
            return False
        clock = clock.timed(PAUSED, used, None) if is_paused else clock.timed(RUNNING, used, t)
        self.clocks[key] = clock
        if self.marks is not None:
            self.mark(clock, t)
        return True

    def plain_use(self, clock: ClockState, t: int) -> int | None:
        """Return what a clock has used at *t* if that is all there is to settle, as at nearly every pause."""
        _, _, _, status, _, used, since, target, calendar, _, rare = clock
        if status is HALTED or rare.deadline is not None or self.terms[clock[0]].thresholds:
            return None
        if since is None:
            return used
        used += (self.open.get(calendar) or self.calendar(calendar)).between_us(since, t)
        return used if target is None or used < target else None

    def stop(self, key: str, t: int, fact: Fact | None = None) -> None:
        """Fulfil a live clock."""
        clock = self.settled(self.clocks[key], t)
        real = t if fact is None else min(t, to_us(fact.occurred_at))
        clock = measure.stop(clock, t, self.calendar(clock.calendar), real)
        self.keep(key, clock)
        if self.marks is not None:
            self.mark(clock, t)

    def end(self, key: str, t: int, fact: Fact, status: Status = STOPPED) -> None:
        """End a clock of which there may be several, if it is there, and be done with it."""
        clock = self.clocks.get(key)
        if clock is None:
            return
        if status is STOPPED:
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
        why = "" if clock.status is RUNNING else "vendor" if clock.rare.is_held else _CATEGORY[self.category]
        mark = Mark(t, clock.status, self.calendar(clock.calendar), why)
        key = clock[:3]
        known = self.marks.get(key)
        if known is None:
            self.marks[key] = [mark]
        else:
            known.append(mark)
