"""What will become due by time alone, and what became due since: the part of the rules that timers and workers read."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import attrs

from supportkit.clock import from_us, to_us, to_utc
from supportkit.sla import measure
from supportkit.sla.clocks import Step, step_of
from supportkit.sla.fold import Fold
from supportkit.sla.history import override_name
from supportkit.sla.records import Record, Warned, key_text
from supportkit.sla.rules import Rules
from supportkit.sla.running import Running, breach_point
from supportkit.sla.state import ClockState, Snapshot
from supportkit.sla.terms import LIVE, Metric
from supportkit.sla.thresholds import BREACH


class DueKind(StrEnum):
    """What becomes due."""

    WARNING = "warning"
    BREACH = "breach"
    OVERRIDE = "override"


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
    fold = Fold.thaw(snapshot, rules)
    found: list[Due] = []
    for clock in fold.clocks.values():
        if clock.status in LIVE:
            found += _dues(fold, clock)
    return tuple(sorted(found, key=lambda due: (due.instant, due.kind is not DueKind.WARNING, due.id)))


def _dues(fold: Fold, clock: ClockState) -> list[Due]:
    ahead = measure.upcoming_points(clock, fold.terms[clock.metric], fold.calendar(clock.calendar))
    points = [(DueKind.WARNING, name, at) for name, at in ahead]
    at = breach_point(fold, clock)
    if at is not None:
        points.append((DueKind.BREACH, BREACH, at))
    override = clock.rare.override
    if override is not None and override_name(override) not in clock.rare.fired:
        points.append((DueKind.OVERRIDE, override_name(override), override))
    return [
        Due(
            id=key_text(fold.ticket, clock.key, name),
            metric=clock.metric,
            instance=clock.instance,
            cycle=clock.cycle,
            subject=clock.subject,
            kind=kind,
            threshold=name,
            instant=from_us(at),
            certain_at=from_us(at if kind is DueKind.WARNING else at + 1),
        )
        for kind, name, at in points
    ]


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
