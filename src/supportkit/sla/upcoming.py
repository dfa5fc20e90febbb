"""What will become due by time alone, and what became due since: the part of the rules that timers and workers read."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import attrs

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import MICROSECOND, from_us, to_us, to_utc
from supportkit.sla import measure
from supportkit.sla.clocks import Step, step_of
from supportkit.sla.history import override_name
from supportkit.sla.records import Record, Warned, key_text
from supportkit.sla.rules import Rules, Terms
from supportkit.sla.running import Running
from supportkit.sla.state import ClockState, Snapshot
from supportkit.sla.terms import LIVE, Metric
from supportkit.sla.thresholds import BREACH


class DueKind(StrEnum):
    """What becomes due."""

    WARNING = "warning"
    BREACH = "breach"
    OVERRIDE = "override"


# Members under names of their own, as in `terms`.
_WARNING, _BREACH, _OVERRIDE = DueKind.WARNING, DueKind.BREACH, DueKind.OVERRIDE


@attrs.frozen(kw_only=True)
class Due:
    """Something that becomes due if nothing happens before.

    Attributes:
        id: The id that the warning or the record will have; `.../override/<seconds>` for a due that a person set.
        subject: The channel, tier, vendor or promise of the clock.
        threshold: The threshold; `100%` for a breach.
        instant: The first instant at which the clock runs, the calendar is open and used has reached the point.
        certain_at: From when on it is certain. A breach needs one microsecond more than its instant, because an
            answer exactly at the instant is in time; a timer set to this instant never finds itself too early.
    """

    id: str
    metric: Metric
    instance: int
    cycle: int
    subject: str
    kind: DueKind
    threshold: str
    instant: dt.datetime
    certain_at: dt.datetime


def upcoming(snapshot: Snapshot, rules: Rules) -> tuple[Due, ...]:
    """Return what becomes due by time alone, the first at the front.

    What is already behind the present and was found by no `tick` is still among it, with its own instant: a worker
    that comes late delivers late and drops nothing.
    """
    pins = dict(snapshot.pins)
    policy = None if snapshot.policy is None else rules.policy(snapshot.policy, snapshot.revision)
    terms = rules.turns(policy).terms
    found: list[Due] = []
    for clock in snapshot.clocks:
        if clock.status in LIVE:
            calendar = rules.calendar(clock.calendar, pins.get(clock.calendar))
            for kind, name, at in _points(clock, terms[clock.metric], calendar):
                found.append(_due(snapshot.ticket, clock, kind, name, at))
    found.sort(key=_order)
    return tuple(found)


def _order(due: Due) -> tuple[dt.datetime, bool, str]:
    """Return what dues are sorted by: of one instant the warnings come first."""
    return (due.instant, due.kind is not _WARNING, due.id)


def _points(clock: ClockState, terms: Terms, calendar: BusinessCalendar) -> list[tuple[DueKind, str, int]]:
    """Return what a live clock comes to if nothing happens before, and when."""
    points: list[tuple[DueKind, str, int]] = []
    if terms.thresholds:
        points += [(_WARNING, name, at) for name, at in measure.upcoming_points(clock, terms, calendar)]
    at = measure.breach_point(clock, calendar)
    if at is not None:
        points.append((_BREACH, BREACH, at))
    override = clock.rare.override
    if override is not None and override_name(override) not in clock.rare.fired:
        points.append((_OVERRIDE, override_name(override), override))
    return points


def _due(ticket: str, clock: ClockState, kind: DueKind, name: str, at: int) -> Due:
    instant = from_us(at)
    return Due(
        id=key_text(ticket, clock[:3], name),
        metric=clock.metric,
        instance=clock.instance,
        cycle=clock.cycle,
        subject=clock.subject,
        kind=kind,
        threshold=name,
        instant=instant,
        certain_at=instant if kind is _WARNING else instant + MICROSECOND,
    )


def tick(snapshot: Snapshot, rules: Rules, until: dt.datetime | str) -> Step:
    """Return the snapshot in which all that time alone brought about by *until* is written down, and what it was.

    Ticking twice, earlier, or not at all changes no later answer: facts find by themselves what no tick has found.
    """
    running = Running(rules, snapshot)
    running.elapse(to_us(to_utc(until, "until")))
    return step_of(running.fold)


def verdicts(
    snapshot: Snapshot, rules: Rules, until: dt.datetime | str, *, after: dt.datetime | str | None = None
) -> tuple[Record, ...]:
    """Return the breaches that became certain after *after* and by *until*; all that no tick has found by default."""
    start = None if after is None else to_utc(after, "after")
    return tuple(item for item in tick(snapshot, rules, until).records if start is None or item.at >= start)


def warnings(
    snapshot: Snapshot, rules: Rules, until: dt.datetime | str, *, after: dt.datetime | str | None = None
) -> tuple[Warned, ...]:
    """Return the warnings that became due after *after* and by *until*; all that no tick has found by default."""
    start = None if after is None else to_utc(after, "after")
    return tuple(item for item in tick(snapshot, rules, until).warnings if start is None or item.at > start)
