"""The clocks of a ticket: evaluate a history at an instant, or advance a snapshot fact by fact. Both agree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import attrs

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import from_us, to_us, to_utc
from supportkit.model.ticket import StateCategory
from supportkit.sla import measure
from supportkit.sla.corrections import Correction, corrections_of
from supportkit.sla.facts import Fact
from supportkit.sla.fold import CATEGORY, Fold, Key, Mark, Passing
from supportkit.sla.history import WHOLE, Others, advance_fold, replay_fold
from supportkit.sla.levels import ServiceLevels
from supportkit.sla.policy import Policy
from supportkit.sla.records import Record, Warned, record_of, warned_of
from supportkit.sla.rules import Rules, Terms
from supportkit.sla.state import ClockState, Snapshot, instant
from supportkit.sla.terms import (
    BREACHED,
    HALTED,
    LIVE,
    MET,
    PAUSED,
    RUNNING,
    STOPPED,
    Metric,
    Status,
    Verdict,
    to_delta,
)


@attrs.frozen(kw_only=True)
class Clock:
    """One clock as it stands at an instant.

    Attributes:
        subject: The channel of NEXT_RESPONSE, the tier, the vendor or the promise.
        target: Open time that is promised; `None` without a target or with an absolute deadline.
        deadline: An absolute deadline, which knows no pauses.
        used: Open time in which the clock ran.
        remaining: What is left of it, negative when late.
        due_at: When it is due; `None` while it is paused or halted before its target.
        projected_due_at: When it would be due if it went on from now.
        breaches_at: The first instant at which more business time makes it late, or did.
        override_due_at: A due that a person set beside the policy's own.
        override_verdict: Whether that one was met.
        records: The verdicts in the order in which they came about.
        warned: Ids of the thresholds that it has passed.
        paused_by: What pauses it: categories, or `vendor`.
        flags: `clock_skew`, `beyond_known_holidays`.
        marks: What `explain` reads; `None` if the clock comes from a snapshot.
    """

    metric: Metric
    instance: int
    cycle: int
    status: Status
    subject: str
    started_at: dt.datetime
    stopped_at: dt.datetime | None
    target: dt.timedelta | None
    deadline: dt.datetime | None
    used: dt.timedelta
    remaining: dt.timedelta | None
    due_at: dt.datetime | None
    projected_due_at: dt.datetime | None
    breaches_at: dt.datetime | None
    verdict: Verdict | None
    override_due_at: dt.datetime | None
    override_verdict: Verdict | None
    records: tuple[Record, ...]
    warned: tuple[str, ...]
    paused_by: tuple[str, ...]
    calendar: str
    calendar_revision: str
    flags: frozenset[str]
    marks: tuple[Mark, ...] | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def key(self) -> Key:
        """Metric, instance and cycle."""
        return (self.metric, self.instance, self.cycle)


@attrs.frozen(kw_only=True)
class ClockSet:
    """The clocks of one ticket at an instant.

    Attributes:
        ticket: The id of the ticket, as its creation told it.
        at: The instant.
        policy: Id of the policy in force.
        policy_revision: Its revision.
        clocks: The clocks, those that started first at the front.
        due_at: The next due of all live clocks.
        breaches_at: The next breach of all live clocks that have not breached.
        warnings: The warnings that were due up to the instant; empty from a snapshot, which hands them out.
        corrections: Records that a corrected history changed; empty from a snapshot.
    """

    ticket: str
    at: dt.datetime
    policy: str | None
    policy_revision: str | None
    clocks: tuple[Clock, ...]
    due_at: dt.datetime | None
    breaches_at: dt.datetime | None
    warnings: tuple[Warned, ...] = ()
    corrections: tuple[Correction, ...] = ()

    def get(self, metric: Metric, instance: int | None = None, cycle: int | None = None) -> Clock | None:
        """Return a clock of *metric*, the last one unless instance and cycle are named; `None` if there is none."""
        found = [
            clock
            for clock in self.clocks
            if clock.metric is metric and instance in (None, clock.instance) and cycle in (None, clock.cycle)
        ]
        return max(found, key=lambda clock: (clock.instance, clock.cycle), default=None)

    def __getitem__(self, metric: Metric) -> Clock:
        found = self.get(metric)
        if found is None:
            raise KeyError(metric)
        return found

    @property
    def records(self) -> tuple[Record, ...]:
        """The verdicts of all clocks in the order of their instants."""
        found = [record for clock in self.clocks for record in clock.records]
        return tuple(sorted(found, key=lambda record: record.at))


@attrs.frozen(kw_only=True)
class Step:
    """What one fact, or the passing of time, changed.

    Attributes:
        snapshot: The clocks afterwards.
        records: The verdicts that were written down.
        warnings: The warnings that became due.
    """

    snapshot: Snapshot
    records: tuple[Record, ...] = ()
    warnings: tuple[Warned, ...] = ()


def evaluate(
    facts: Iterable[Fact],
    policies: ServiceLevels | Iterable[Policy] | Rules,
    calendars: Mapping[str, BusinessCalendar] | None,
    at: dt.datetime | str,
    *,
    categories: Mapping[str, StateCategory],
    known_at: dt.datetime | str | None = None,
    others: Others | None = None,
) -> ClockSet:
    """Return the clocks of one ticket as they stand *at* an instant: a pure function of what is given.

    Args:
        facts: The history of the ticket, in any order.
        policies: The policies in the order in which they are asked, or everything compiled as `Rules`.
        calendars: The calendars by name, and other revisions of them by revision.
        at: Only what had happened by then counts.
        categories: What each state means.
        known_at: Only what the desk had learnt by then counts; everything by default.
        others: Histories of the tickets that were merged into this one.

    Raises:
        TypeError: An instant is naive.
        UnknownState: A state has no category.
        InvalidPolicy: The history names a policy or a calendar that is not given.
        HistoryNeeded: The history of a merged ticket is missing.
    """
    rules = policies if isinstance(policies, Rules) else Rules(policies, calendars, categories=categories)
    now = to_utc(at, "at")
    known = None if known_at is None else to_utc(known_at, "known_at")
    history = list(facts)
    fold = replay_fold(history, rules, at=now, known_at=known, others=others)
    if fold is None:
        return ClockSet(ticket="", at=now, policy=None, policy_revision=None, clocks=(), due_at=None, breaches_at=None)
    corrections = corrections_of(history, rules, now, known, others)
    return _report(fold, now, corrections)


def clocks_at(
    facts: Iterable[Fact], rules: Rules, at: dt.datetime, *, others: Others | None = None
) -> tuple[Clock, ...]:
    """Return the clocks of `evaluate` alone, without what they once were taken for: for folds of many tickets."""
    history = list(facts)
    now = to_utc(at, "at")
    is_traced = not WHOLE.isdisjoint(map(type, history))
    fold = replay_fold(history, rules, at=now, others=others, is_traced=is_traced)
    return () if fold is None else _report(fold, now, ()).clocks


def replay(
    facts: Iterable[Fact], rules: Rules, *, at: dt.datetime | str | None = None, others: Others | None = None
) -> Snapshot | None:
    """Return the snapshot after a whole history, `None` if it holds no creation; equal to advancing fact by fact."""
    history = list(facts)
    is_traced = not WHOLE.isdisjoint(map(type, history))
    now = None if at is None else to_utc(at, "at")
    fold = replay_fold(history, rules, at=now, others=others, is_traced=is_traced)
    return None if fold is None else fold.freeze()


def step(snapshot: Snapshot | None, fact: Fact, rules: Rules) -> Step:
    """Return the snapshot one fact further, and what came about on the way.

    Breaches and warnings from before the fact that no `tick` has found are among the results, with their own instants.

    Raises:
        HistoryNeeded: The fact changes the past: `replay` the history. `needs_history` tells beforehand.
    """
    return step_of(advance_fold(snapshot, fact, rules))


def advance(snapshot: Snapshot | None, fact: Fact, rules: Rules) -> Snapshot:
    """Return the snapshot one fact further; `step` tells what came about, too.

    Raises:
        HistoryNeeded: The fact changes the past: `replay` the history.
    """
    return advance_fold(snapshot, fact, rules).freeze()


def report(snapshot: Snapshot, rules: Rules, at: dt.datetime | str) -> ClockSet:
    """Return the clocks that a *snapshot* holds as they stand *at* an instant, which is not before its last fact."""
    now = to_utc(at, "at")
    if to_us(now) < snapshot.at:
        raise ValueError(f"the snapshot was taken at {from_us(snapshot.at).isoformat()}: {now.isoformat()} is earlier")
    return _report(Fold.thaw(snapshot, rules), now, ())


def step_of(fold: Fold) -> Step:
    """Return where a fold stands and what it noted, in the order in which it came about."""
    ticket, records, passings = fold.ticket, fold.records, fold.passings
    records.sort(key=lambda item: item[2].at)
    passings.sort(key=lambda item: item.at)
    return Step(
        snapshot=fold.freeze(),
        records=tuple(record_of(ticket, key, number, state) for key, number, state in records),
        warnings=tuple(warned_of(ticket, passing) for passing in passings),
    )


def _report(fold: Fold, now: dt.datetime, corrections: tuple[Correction, ...]) -> ClockSet:
    at = to_us(now)
    clocks, passings = [], list(fold.passings)
    for state in (*(fold.archive or ()), *fold.clocks.values()):
        clock, passed = _clock(fold, state, at)
        clocks.append(clock)
        passings += passed
    clocks.sort(key=lambda clock: (clock.started_at, clock.metric, clock.instance, clock.cycle))
    live = [clock for clock in clocks if clock.status in LIVE]
    policy = fold.policy
    return ClockSet(
        ticket=fold.ticket,
        at=now,
        policy=None if policy is None else policy.id,
        policy_revision=None if policy is None else fold.rules.revision_of(policy),
        clocks=tuple(clocks),
        due_at=min((clock.due_at for clock in live if clock.due_at is not None), default=None),
        breaches_at=min(
            (clock.breaches_at for clock in live if clock.breaches_at is not None and clock.verdict is None),
            default=None,
        ),
        warnings=()
        if fold.marks is None
        else tuple(warned_of(fold.ticket, item) for item in sorted(passings, key=lambda item: item.at)),
        corrections=corrections,
    )


def _clock(fold: Fold, state: ClockState, at: int) -> tuple[Clock, list[Passing]]:
    calendar = fold.calendar(state.calendar)
    terms = fold.terms[state.metric]
    passed: list[Passing] = []
    if state.status in LIVE:
        points = _ripe(state, terms, calendar, at) if terms.thresholds else ()
        passed = [Passing(state.key, point, when) for point, when in points]
        fired = (*state.rare.fired, *(point for point, _ in points))
        state, _ = measure.settle(state, at, calendar, terms)
        if points:
            state = state.but(fired=fired)
    rare = state.rare
    due, projected, breaches = dues(state, at, calendar)
    return (
        Clock(
            metric=state.metric,
            instance=state.instance,
            cycle=state.cycle,
            status=state.status,
            subject=state.subject,
            started_at=from_us(state.started),
            stopped_at=instant(rare.stopped),
            target=None if state.target is None else to_delta(state.target),
            deadline=instant(rare.deadline),
            used=to_delta(state.used),
            remaining=_remaining(state, at),
            due_at=instant(due),
            projected_due_at=instant(projected),
            breaches_at=instant(breaches),
            verdict=_verdict(state),
            override_due_at=instant(rare.override),
            override_verdict=_override(state, at),
            records=tuple(record_of(fold.ticket, state.key, n, item) for n, item in enumerate(rare.records)),
            warned=rare.fired,
            paused_by=_paused_by(fold, state),
            calendar=state.calendar,
            calendar_revision=fold.rules.revision(calendar),
            flags=_flags(state, projected if due is None else due, calendar),
            marks=None if fold.marks is None else tuple(fold.marks.get(state.key, ())),
        ),
        passed,
    )


def _ripe(clock: ClockState, terms: Terms, calendar: BusinessCalendar, at: int) -> list[tuple[str, int]]:
    """Return the thresholds passed by *at*: a warning fires at its instant, while a breach needs a microsecond more."""
    points = [point for point in measure.upcoming_points(clock, terms, calendar, at + 1) if point[1] <= at]
    return sorted(points, key=lambda point: point[1])


def dues(clock: ClockState, at: int, calendar: BusinessCalendar) -> tuple[int | None, int | None, int | None]:
    """Return due, projected due and breaching instant of a clock that is settled at *at*."""
    rare, target = clock.rare, clock.target
    if rare.deadline is not None:
        return rare.deadline, rare.deadline, rare.deadline
    if target is None:
        return None, None, None
    left = max(0, target - clock.used)
    if clock.status not in LIVE:
        due = rare.records[-1].due if rare.records else None
        return due, due, rare.breached
    running = clock.status is RUNNING
    projected = rare.due if rare.due is not None else measure.later(calendar, at, left)
    breaches = rare.breached
    if breaches is None and running:
        breaches = measure.later(calendar, at, left, "next_open")
    return (projected if running else rare.due), projected, breaches


def _remaining(clock: ClockState, at: int) -> dt.timedelta | None:
    rare = clock.rare
    if rare.deadline is not None:
        return to_delta(rare.deadline - min(at, at if rare.stopped is None else rare.stopped))
    return None if clock.target is None else to_delta(clock.target - clock.used)


def _verdict(clock: ClockState) -> Verdict | None:
    if clock.rare.breached is not None:
        return BREACHED
    return clock.rare.records[-1].verdict if clock.rare.records and clock.status is STOPPED else None


def _override(clock: ClockState, at: int) -> Verdict | None:
    rare = clock.rare
    if rare.override is None:
        return None
    if min(at, at if rare.stopped is None else rare.stopped) > rare.override:
        return BREACHED
    return MET if clock.status is STOPPED else None


def _paused_by(fold: Fold, clock: ClockState) -> tuple[str, ...]:
    if clock.status not in (PAUSED, HALTED):
        return ()
    category = CATEGORY.get(fold.category, "")
    is_category = fold.category & fold.terms[clock.metric].pauses or clock.status is HALTED
    return (*((category,) if is_category else ()), *(("vendor",) if clock.rare.is_held else ()))


def _flags(clock: ClockState, due: int | None, calendar: BusinessCalendar) -> frozenset[str]:
    if not clock.rare.is_skewed and (due is None or calendar.known_until is None):
        return _NO_FLAGS
    flags = set()
    if clock.rare.is_skewed:
        flags.add("clock_skew")
    if due is not None and calendar.known_until is not None and not calendar.is_known(from_us(due)):
        flags.add("beyond_known_holidays")
    return frozenset(flags)


_NO_FLAGS: frozenset[str] = frozenset()
