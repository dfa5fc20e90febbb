"""The fold: facts in their order make and change the clocks of one ticket. It reads no clock and does no I/O.

`Fold` is the one mutable thing of these rules and never leaves them: it is thawed from a snapshot, takes facts (see
`apply`), and is frozen again.
"""

from __future__ import annotations

from typing import NamedTuple

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import to_us
from supportkit.model.ticket import Priority
from supportkit.sla import measure
from supportkit.sla.facts import Fact
from supportkit.sla.policy import Policy
from supportkit.sla.rules import Rules, Target
from supportkit.sla.state import FRESH, NEW, SEVERAL, ClockState, RecordState, Snapshot
from supportkit.sla.terms import (
    BIT,
    ENDING,
    HALTED,
    HALTING,
    LIVE,
    NEXT_RESPONSE,
    PAUSED,
    RUNNING,
    STOPPED,
    Cause,
    Metric,
    Status,
)

CATEGORY = {bit: category.value for category, bit in BIT.items()}
"""What each bit of a category is called."""
Key = tuple[Metric, int, int]


class Mark(NamedTuple):
    """A change in what a clock does, for explaining it later: since when, what, measured with which calendar, why.

    *name* is that of the calendar, of which *calendar* is the revision.
    """

    at: int
    status: Status
    calendar: BusinessCalendar
    why: str
    name: str


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
        self.turns = rules.turns(None)
        self.terms = self.turns.terms
        self.handovers = self.promises = 0
        self.pins: dict[str, str] = {}
        self.merged: str | None = None
        self.measured = 0
        self.metrics: tuple[Metric, ...] = ()
        self.clocks: dict[str, ClockState] = {}
        self.archive: list[ClockState] | None = [] if is_traced else None
        self.marks: dict[Key, list[Mark]] | None = {} if is_traced else None
        self.set_out()

    # -- to and from snapshots ---------------------------------------------------------------------------------

    @classmethod
    def thaw(cls, snapshot: Snapshot, rules: Rules) -> Fold:
        """Return a fold that stands where *snapshot* was taken."""
        fold = cls.__new__(cls)
        fold.rules = rules
        (
            fold.ticket, fold.at, fold.seq, fold.created, fold.category, fold.channel, fold.priority, fold.tier,
            fold.owner, fold.owed, policy, revision, fold.handovers, fold.promises, pins, fold.merged, clocks,
            fold.measured,
        ) = snapshot[:]  # fmt: skip
        fold.metrics = rules.measured(fold.measured)
        fold.follow(None if policy is None else rules.policy(policy, revision))
        fold.pins = dict(pins)
        fold.clocks = {clock.slot if clock[0] in SEVERAL else clock[0]: clock for clock in clocks}
        fold.archive = fold.marks = None
        fold.set_out()
        return fold

    def set_out(self) -> None:
        """Begin with nothing found and no calendar looked at."""
        self.open: dict[str, BusinessCalendar] = {}
        self.span = ("", 0, 0, 0)
        self.records: list[tuple[Key, int, RecordState]] = []
        self.passings: list[Passing] = []

    def freeze(self) -> Snapshot:
        """Return where the fold stands."""
        held = self.policy
        policy, revision = (None, None) if held is None else (held.id, self.rules.revision_of(held))
        row = (
            self.ticket, self.at, self.seq, self.created, self.category, self.channel, self.priority, self.tier,
            self.owner, self.owed, policy, revision, self.handovers, self.promises, tuple(self.pins.items()),
            self.merged, tuple(self.clocks.values()), self.measured,
        )  # fmt: skip
        return NEW(Snapshot, row)

    def measure(self, bits: int) -> None:
        """Measure these metrics from now on."""
        self.measured = bits
        self.metrics = self.rules.measured(bits)

    def follow(self, policy: Policy | None) -> None:
        """Let a policy hold from now on: its terms, and by them what changes of category mean."""
        self.policy = policy
        self.turns = self.rules.turns(policy)
        self.terms = self.turns.terms

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
        self.span = ("", 0, 0, 0)

    def open_time(self, name: str, since: int, t: int) -> int:
        """Return the open time from *since* to *t*; the clocks of a ticket mostly ask for the same, one by one."""
        calendar, start, end, found = self.span
        if start != since or end != t or calendar != name:
            found = (self.open.get(name) or self.calendar(name)).between_us(since, t)
            self.span = (name, since, t, found)
        return found

    def status_of(self, metric: Metric, *, is_held: bool) -> Status:
        """Return what a live clock does in the present category."""
        terms, category = self.terms[metric], self.category
        if category & terms.ends and metric in HALTING:
            return HALTED
        return PAUSED if is_held or category & terms.pauses else RUNNING

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
            channel = subject if metric is NEXT_RESPONSE else self.channel
            target = self.rules.target(self.policy, metric, channel, self.priority, self.tier, subject)
        open_time, deadline, calendar = target
        rare = FRESH if deadline is None else FRESH._replace(deadline=deadline)
        status = self.status_of(metric, is_held=False)
        since = t if status is RUNNING else None
        row = (metric, instance or 1, cycle, status, t, 0, since, open_time, calendar, subject, rare)
        clock = self.clocks[key] = NEW(ClockState, row)
        if self.marks is not None:
            self.mark(clock, t)
        if self.category & self.terms[metric].ends and metric in ENDING:
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
        before, rare = self.clocks[key].rare, clock.rare
        self.clocks[key] = clock
        if before is rare:
            return
        known, now = before.records, rare.records
        for number in range(len(known), len(now)):
            self.records.append((clock[:3], number, now[number]))

    def rephase(self, key: str, clock: ClockState, t: int) -> None:
        """Let a live clock do what the present category asks for."""
        status = self.status_of(clock.metric, is_held=clock.rare.is_held)
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

    def switch(self, key: str, clock: ClockState, t: int, status: Status) -> None:
        """Pause or resume a live clock; what `rephase` does, in short, where there is nothing to be written down."""
        metric, instance, cycle, before, started, used, since, target, calendar, subject, rare = clock[:]
        if before is HALTED or (rare is not FRESH and (rare.deadline is not None or rare.is_held)):
            self.rephase(key, clock, t)
            return
        if since is not None:
            name, start, end, found = self.span
            if start == since and end == t and name == calendar:
                used += found
            else:
                used += self.open_time(calendar, since, t)
            if target is not None:
                thresholds = self.terms[metric].thresholds
                if used >= target or (thresholds and measure.is_passing(rare, thresholds, used, target)):
                    self.rephase(key, clock, t)
                    return
        since = t if status is RUNNING else None
        row = (metric, instance, cycle, status, started, used, since, target, calendar, subject, rare)
        clock = self.clocks[key] = NEW(ClockState, row)
        if self.marks is not None:
            self.mark(clock, t)

    def stop(self, key: str, t: int, fact: Fact | None = None) -> None:
        """Fulfil a live clock."""
        clock = self.settled(self.clocks[key], t)
        calendar = self.open[clock.calendar]
        # Only a fact from before the creation was not when it took effect.
        real = t if fact is None or t > self.created else min(t, to_us(fact.occurred_at))
        clock = measure.stop(clock, t, calendar, real)
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
        channel = clock.subject if clock.metric is NEXT_RESPONSE else self.channel
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
        status, name = clock.status, clock.calendar
        why = "" if status is RUNNING else "vendor" if clock.rare.is_held else CATEGORY[self.category]
        mark = NEW(Mark, (t, status, self.open.get(name) or self.calendar(name), why, name))
        key = clock[:3]
        known = self.marks.get(key)
        if known is None:
            self.marks[key] = [mark]
        else:
            known.append(mark)
