"""Why each rule fired on a ticket, or did not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum

import attrs

from supportkit.clock import to_utc
from supportkit.escalation.rules import EscalationRule, Level, On, describe, point_of
from supportkit.escalation.table import About, Table
from supportkit.model import events as ev
from supportkit.model.clocks import Metric
from supportkit.model.events import Recorded


class Standing(StrEnum):
    """How a level of a rule stands."""

    FIRED = "fired"
    STOPPED = "stopped"
    ACKNOWLEDGED = "acknowledged"
    WAITING = "waiting"
    NOT_FOR_IT = "not_for_it"


@attrs.frozen(kw_only=True)
class Explanation:
    """Why a level of a rule fired, or did not.

    Attributes:
        standing: How it stands.
        instance: For which clock, visit or exchange it fired; empty where it did not.
        at: When it fired; for a clock that runs, when it is due to fire if nothing happens before.
        why: In words: what made it fire, or what is missing.
        late: It was found late.
    """

    rule: str
    level: int
    standing: Standing
    instance: str = ""
    at: dt.datetime | None = None
    why: str
    late: bool = False


Upcoming = Mapping[tuple[Metric, str], dt.datetime]
"""When clocks of a ticket will reach a point, by metric and point (`80%`, `breach`)."""


def explain(table: Table, about: About, log: Sequence[Recorded], upcoming: Upcoming) -> tuple[Explanation, ...]:
    """Return how each level of each rule stands on a ticket, in the order of the rules; one entry a firing."""
    fired = _fired(log)
    seen = [one.event for one in log if isinstance(one.event, ev.EscalationAcknowledged)]
    return tuple(
        found
        for rule in table.escalations.rules
        for number, level in enumerate(rule.levels, 1)
        for found in _one(rule, number, level, about, fired.get((rule.id, number), ()), seen, upcoming)
    )


def _fired(log: Sequence[Recorded]) -> dict[tuple[str, int], list[Explanation]]:
    found: dict[tuple[str, int], list[Explanation]] = {}
    for one in log:
        event = one.event
        if isinstance(event, ev.EscalationFired | ev.EscalationStopped):
            is_fired = isinstance(event, ev.EscalationFired)
            found.setdefault((event.rule, event.level), []).append(
                Explanation(
                    rule=event.rule,
                    level=event.level,
                    standing=Standing.FIRED if is_fired else Standing.STOPPED,
                    instance=event.instance,
                    at=to_utc(one.occurred_at),
                    why=event.why,
                    late=isinstance(event, ev.EscalationFired) and event.late,
                )
            )
    return found


def _one(
    rule: EscalationRule,
    number: int,
    level: Level,
    about: About,
    fired: Sequence[Explanation],
    seen: Sequence[ev.EscalationAcknowledged],
    upcoming: Upcoming,
) -> Sequence[Explanation]:
    if fired:
        return fired
    lacking = about.fits(rule)
    due = upcoming.get((rule.when.metric, point_of(level.at, "at"))) if rule.when.metric is not None else None
    if lacking is not None:
        wanted = sorted(map(str, dict(rule.when.filters)[lacking]))
        has = sorted(map(str, about.values(lacking))) or ["nothing"]
        standing, why = Standing.NOT_FOR_IT, f"{lacking} is {', '.join(has)}, not {' or '.join(wanted)}"
    elif any(one.rule == rule.id for one in seen) and due is None:
        standing, why = Standing.ACKNOWLEDGED, "somebody has taken note of an earlier level"
    elif rule.when.on is On.CLOCK and due is None:
        standing, why = Standing.WAITING, f"no clock of {rule.when.metric} comes to {level.at} by time alone"
    else:
        standing, why = Standing.WAITING, f"waits for {describe(rule, level)}"
    at = due if standing is Standing.WAITING else None
    return (Explanation(rule=rule.id, level=number, standing=standing, at=at, why=why),)
