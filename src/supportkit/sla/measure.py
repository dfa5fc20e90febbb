"""Measuring one clock: pure functions on a `ClockState` and a calendar, in whole microseconds.

A clock breaches when *more* than its target is used: at the first open, running instant at which used equals the
target it is still in time, one microsecond later it is late.
"""

from __future__ import annotations

from typing import NamedTuple

from supportkit.businesstime import AddTie, BusinessCalendar
from supportkit.errors import NoBusinessTime
from supportkit.sla.rules import Terms
from supportkit.sla.state import FRESH, NEW, ClockState, Rare, RecordState
from supportkit.sla.terms import BREACHED, ELAPSED, FULFILLED, HALTED, LIVE, MET, STOPPED, Cause
from supportkit.sla.thresholds import Threshold


class Passed(NamedTuple):
    """A threshold that a clock passed, and when."""

    id: str
    at: int


def later(calendar: BusinessCalendar, t: int, d: int, tie: AddTie = "earliest") -> int | None:
    """Return when *d* of open time has passed since *t*; `None` if the calendar has no more of it."""
    try:
        return calendar.add_us(t, d, tie=tie)
    except (NoBusinessTime, OverflowError):
        return None


def settle(clock: ClockState, t: int, calendar: BusinessCalendar, terms: Terms) -> tuple[ClockState, list[Passed]]:
    """Measure a clock up to *t*: what it used, whether it breached, which thresholds it passed before *t*."""
    metric, instance, cycle, status, started, before, since, target, name, subject, rare = clock[:]
    if since is None or t <= since:
        return (clock if rare.deadline is None else _overdue(clock, t)), []
    used = before + calendar.between_us(since, t)
    passed: list[Passed] = []
    if terms.thresholds and (target is not None or rare.deadline is not None):
        passed = _passed(clock, terms, t, calendar)
        if passed:
            rare = rare._replace(fired=(*rare.fired, *(item.id for item in passed)))
    if rare.deadline is not None:
        rare = _overdue(clock.having(rare), t).rare
    elif target is not None and used >= target:
        rare = _reached(rare, since, before, used, target, calendar)
    row = (metric, instance, cycle, status, started, used, t, target, name, subject, rare)
    return NEW(ClockState, row), passed


def _reached(rare: Rare, since: int, before: int, used: int, target: int, calendar: BusinessCalendar) -> Rare:
    """Freeze the due of a clock that has used its target, and write down the breach once it used more.

    Args:
        rare: What few clocks have, and this one.
        since: Since when the clock runs.
        before: What it had used then.
        used: What it has used now.
        target: What is promised.
        calendar: What it is measured with.
    """
    left = target - before if before < target else 0
    due = rare.due if rare.due is not None else calendar.add_us(since, left)
    if used > target and rare.breached is None:
        at = calendar.add_us(since, left, tie="next_open")
        return _broken(rare, max(before, target), target, due, at, ELAPSED)
    return rare if rare.due == due else rare._replace(due=due)


def _broken(rare: Rare, used: int, target: int | None, due: int, at: int, cause: Cause) -> Rare:
    """Write a breach down."""
    _, _, stopped, deadline, override, fired, records, is_held, is_skewed = rare[:]
    records += (NEW(RecordState, (BREACHED, used, target, due, at, cause)),)
    return NEW(Rare, (due, at, stopped, deadline, override, fired, records, is_held, is_skewed))


def _overdue(clock: ClockState, t: int) -> ClockState:
    """Write down that an absolute deadline has passed, if it has; pauses and calendars do not matter to it."""
    rare = clock.rare
    if rare.deadline is None or rare.breached is not None or t <= rare.deadline or clock.status not in LIVE:
        return clock
    return clock.having(_broken(rare, clock.used, None, rare.deadline, rare.deadline, ELAPSED))


def is_passing(rare: Rare, thresholds: tuple[Threshold, ...], used: int, target: int) -> bool:
    """Tell whether a clock with this use has a threshold behind it that it has not passed yet."""
    return any(point.point(target) < used and point.id not in rare.fired for point in thresholds)


def _passed(clock: ClockState, terms: Terms, t: int, calendar: BusinessCalendar) -> list[Passed]:
    found = [
        Passed(point, at)
        for point, at in upcoming_points(clock, terms, calendar, t)
        if at < t  # a fact at t takes effect first: whether the clock still runs at t is for the next span to say
    ]
    return sorted(found, key=lambda item: item.at)


def upcoming_points(
    clock: ClockState, terms: Terms, calendar: BusinessCalendar, until: int | None = None
) -> list[tuple[str, int]]:
    """Return the thresholds that a running clock has not passed, and the instants at which it will.

    With *until*, thresholds that cannot be passed by then may be left out.
    """
    since, target, rare = clock.since, clock.target, clock.rare
    if since is None:
        return []
    found: list[tuple[str, int]] = []
    for threshold in terms.thresholds:  # mostly none
        if threshold.id in rare.fired:
            continue
        if rare.deadline is not None:
            # A share is one of the open time until the deadline, an offset one of open time around it.
            span = calendar.between_us(clock.started, rare.deadline)
            point = threshold.point(span)
            at = later(calendar, clock.started, point, "next_open")
        elif target is not None:
            left = threshold.point(target) - clock.used
            if until is not None and left > until - since:
                continue
            at = later(calendar, since, max(0, left), "next_open")
        else:
            continue
        if at is not None:
            found.append((threshold.id, max(at, since)))
    return found


def breach_point(clock: ClockState, calendar: BusinessCalendar) -> int | None:
    """Return the instant at which a live clock breaches if nothing happens before, `None` if it has or never does."""
    _, _, _, _, _, used, since, target, _, _, rare = clock[:]
    if rare is not FRESH:
        if rare.breached is not None:
            return None
        if rare.deadline is not None:
            return rare.deadline
    if since is None or target is None:
        return None
    return later(calendar, since, target - used if used < target else 0, "next_open")


def due_point(clock: ClockState, calendar: BusinessCalendar) -> int | None:
    """Return the last instant at which a live clock is in time as it stands; `None` while it does not run.

    An absolute deadline and a due that a person set know no pauses.
    """
    _, _, _, _, _, used, since, target, _, _, rare = clock[:]
    due = rare.deadline
    if due is None and since is not None and target is not None:
        due = rare.due
        if due is None:
            due = later(calendar, since, target - used if used < target else 0)
    if rare.override is not None and (due is None or rare.override < due):
        return rare.override
    return due


def retarget(clock: ClockState, t: int, target: int | None, deadline: int | None, cause: Cause) -> ClockState:
    """Give a settled clock another target at *t*: what it used stays used, and a breach stays a breach."""
    clock = clock._replace(target=target)
    rare = clock.rare
    if rare.deadline != deadline:
        clock = clock.but(deadline=deadline)
    if rare.breached is not None:
        return clock  # a breached clock keeps its due
    if rare.due is not None and (target is None or clock.used < target or clock.status is not HALTED):
        clock = clock.but(due=None)
    if clock.status is HALTED:
        return clock  # nothing becomes due while it is halted
    return outgrown(clock, t, cause)


def outgrown(clock: ClockState, t: int, cause: Cause) -> ClockState:
    """Let a clock breach at *t* because it has used more than its target by a change and not by time."""
    target, rare = clock.target, clock.rare
    if rare.deadline is not None:
        return _overdue(clock, t)
    if target is None or rare.breached is not None or clock.used < target:
        return clock
    if clock.used == target:
        return clock if rare.due is not None else clock.but(due=t)
    return clock.having(_broken(rare, clock.used, target, t, t, cause))


def stop(clock: ClockState, t: int, calendar: BusinessCalendar, real: int) -> ClockState:
    """End a settled clock at *t* because its promise was fulfilled, and write the verdict down.

    *real* is when it was fulfilled in the world; earlier than the start where two computers' clocks disagree.
    """
    metric, instance, cycle, _, started, used, _, target, name, subject, rare = clock[:]
    due, breached, _, deadline, override, fired, records, is_held, is_skewed = rare[:]
    if deadline is not None:
        due = deadline
        records += (_final(breached is not None or real > deadline, used, None, due, real),)
    elif target is not None:
        final = later(calendar, t, max(0, target - used)) if due is None else due
        records += (_final(breached is not None or used > target, used, target, final, real),)
    skewed = is_skewed or real < started
    rare = NEW(Rare, (due, breached, real, deadline, override, fired, records, is_held, skewed))
    row = (metric, instance, cycle, STOPPED, started, used, None, target, name, subject, rare)
    return NEW(ClockState, row)


def _final(late: bool, used: int, target: int | None, due: int | None, at: int) -> RecordState:  # noqa: FBT001 - private
    return NEW(RecordState, (BREACHED if late else MET, used, target, due, at, FULFILLED))
