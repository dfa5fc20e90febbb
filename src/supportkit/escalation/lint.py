"""The linter of lines and rules: what can never work, what nobody would get, and what goes round in a circle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

import attrs

from supportkit.escalation.actions import AssignTo, MoveTo, Notify
from supportkit.escalation.findings import Finding
from supportkit.escalation.regulation import Duties
from supportkit.escalation.rules import BREACH, EscalationRule, EscalationRules, Level, On, point_of
from supportkit.escalation.vendors import Vendor
from supportkit.model.clocks import Metric
from supportkit.model.people import Tier
from supportkit.sla import ServiceLevels
from supportkit.sla.lint import Severity
from supportkit.sla.policy import ALWAYS_OPEN

_AGAIN = frozenset({Metric.TIER, Metric.EXTERNAL})
"""Clocks that begin anew whenever a ticket is moved."""


@attrs.frozen(kw_only=True)
class _World:
    escalations: EscalationRules
    tiers: tuple[Tier, ...]
    levels: ServiceLevels
    regulation: Duties | None
    vendors: tuple[Vendor, ...]
    by_level: Mapping[int, Tier]


Check = Callable[[_World], Iterator[Finding]]


def lint(
    escalations: EscalationRules,
    tiers: Iterable[Tier],
    levels: ServiceLevels,
    *,
    regulation: Duties | None = None,
    vendors: Iterable[Vendor] = (),
) -> list[Finding]:
    """Return what is wrong (errors, refused at configuration) or unwise, in the order of the codes.

    Args:
        escalations: The rules.
        tiers: The lines of the desk.
        levels: What the desk promises: the clocks that rules wait for.
        regulation: Who is responsible for which topic.
        vendors: Other organisations that can be written to.
    """
    lines = tuple(tiers)
    world = _World(
        escalations=escalations,
        tiers=lines,
        levels=levels,
        regulation=regulation,
        vendors=tuple(vendors),
        by_level={tier.level: tier for tier in lines},
    )
    return [finding for check in _CHECKS for finding in check(world)]


def _clocks(world: _World) -> Iterator[Finding]:
    """X01: a rule waits for a clock that no policy sets a target for, or for a warning that no policy gives."""
    has_due = {row.metric for policy in world.levels.policies for row in policy.rows} | {Metric.PROMISE}
    if any(vendor.target is not None for vendor in world.vendors):
        has_due.add(Metric.EXTERNAL)
    for rule, number, level in _levels(world):
        metric = rule.when.metric
        if metric is None:
            continue
        where, point = _where(rule, number), point_of(level.at, "at")
        if metric not in has_due:
            yield _error("X01", f"no policy has a target for {metric}, so it can be neither near nor late", where)
        elif point != BREACH:
            thresholds = {one.id for policy in world.levels.policies for one in policy.options(metric).thresholds}
            if point not in thresholds:
                yield _error(
                    "X01", f"no policy warns of {metric} at {level.at}: add it to the warnings of this metric", where
                )


def _lines(world: _World) -> Iterator[Finding]:
    """X02: a line that is not there. X03: nobody works in it. X04: another organisation needs words of a person."""
    for rule, number, level in _levels(world):
        for action in level.actions:
            if isinstance(action, MoveTo):
                for dest in sorted(_dests(action, rule, world)):
                    yield from _move(action, dest, _where(rule, number), world)
    for rule in world.escalations.rules:
        for dimension, wanted in rule.when.filters:
            if dimension == "tier":
                for level_number in sorted(wanted - set(world.by_level)):
                    yield _error("X02", f"there is no line {level_number}", f"rule {rule.id}")


def _move(action: MoveTo, dest: int, where: str, world: _World) -> Iterator[Finding]:
    tier = world.by_level.get(dest)
    if tier is None:
        yield _error("X02", f"there is no line {dest}", where)
    elif tier.external:
        yield _error("X04", f"line {dest} is another organisation: a person has to write to it", where)
    elif not tier.teams and action.team is None and any(one.teams for one in world.tiers):
        yield _error("X03", f"nobody works in line {dest}: give it teams, or the move a team", where)


def _people(world: _World) -> Iterator[Finding]:
    """X05: nobody would be told. X06: nobody is responsible, because there is no regulation."""
    has_lead = any(tier.lead for tier in world.tiers)
    for rule, number, level in _levels(world):
        for action in level.actions:
            where = _where(rule, number)
            if isinstance(action, Notify) and "lead" in action.whom and not has_lead:
                yield _warning("X05", "no line has a lead, so nobody would be told", where)
            named = isinstance(action, Notify) and "responsible" in action.whom
            if (named or (isinstance(action, AssignTo) and action.responsible)) and world.regulation is None:
                yield _error("X06", "nobody is responsible for anything: the desk has no regulation", where)


def _circles(world: _World) -> Iterator[Finding]:
    """X07: rules that wait for time in a line move a ticket round and round."""
    edges: dict[int, dict[int, str]] = {}
    for rule, number, level in _levels(world):
        is_again = rule.when.on is On.TIME_IN_TIER or rule.when.metric in _AGAIN
        if not is_again:
            continue
        for action in level.actions:
            if isinstance(action, MoveTo):
                for source in _sources(rule, world):
                    for dest in _dests(action, rule, world, source):
                        if dest != source:
                            edges.setdefault(source, {})[dest] = _where(rule, number)
    told: set[frozenset[int]] = set()
    for start in sorted(edges):
        path = _way_back(start, edges)
        if path is not None and frozenset(path) not in told:
            told.add(frozenset(path))
            words = " > ".join(str(one) for one in (*path, start))
            yield _error("X07", f"a ticket would go round in a circle of lines: {words}", edges[path[-1]][start])


def _way_back(start: int, edges: Mapping[int, Mapping[int, str]]) -> list[int] | None:
    """Return the shortest way from a line back to itself."""
    ways, seen = [[start]], set[int]()
    while ways:
        way = ways.pop(0)
        for dest in sorted(edges.get(way[-1], {})):
            if dest == start:
                return way
            if dest not in seen:
                seen.add(dest)
                ways.append([*way, dest])
    return None


def _calendars(world: _World) -> Iterator[Finding]:
    """X08: a line or a vendor works by a calendar that is not there."""
    known = {ALWAYS_OPEN, *(name for name, _calendar in world.levels.calendars)}
    for tier in world.tiers:
        if tier.calendar is not None and tier.calendar not in known:
            yield _error("X08", f"there is no calendar {tier.calendar!r}", f"line {tier.level}")
    for vendor in world.vendors:
        if vendor.calendar is not None and vendor.calendar not in known:
            yield _error("X08", f"there is no calendar {vendor.calendar!r}", f"vendor {vendor.name}")


def _targets(world: _World) -> Iterator[Finding]:
    """X09: a line has people and no target of its own, so nobody sees that a ticket lies there."""
    named = {row.tier for policy in world.levels.policies for row in policy.rows if row.metric is Metric.TIER}
    if None in named:
        return
    for tier in world.tiers:
        if tier.teams and not tier.external and tier.level not in named:
            yield _warning("X09", f"no policy has a TIER target for line {tier.level}", f"line {tier.level}")


_CHECKS: tuple[Check, ...] = (_clocks, _lines, _people, _circles, _calendars, _targets)


def _levels(world: _World) -> Iterator[tuple[EscalationRule, int, Level]]:
    for rule in world.escalations.rules:
        for number, level in enumerate(rule.levels, 1):
            yield rule, number, level


def _sources(rule: EscalationRule, world: _World) -> Collection[int]:
    """Return the lines in which a rule can fire."""
    return dict(rule.when.filters).get("tier", frozenset(world.by_level))


def _dests(action: MoveTo, rule: EscalationRule, world: _World, source: int | None = None) -> set[int]:
    """Return the lines to which an action can move a ticket that the rule is for."""
    if isinstance(action.to, int):
        return {action.to}
    found = set()
    for here in _sources(rule, world) if source is None else (source,):
        if action.to == "up":
            above = [tier.level for tier in world.tiers if tier.level > here and not tier.external]
            found.update([min(above)] if above else [])
        else:
            below = [level for level in world.by_level if level < here]
            found.update([max(below)] if below else [])
    return found


def _where(rule: EscalationRule, number: int) -> str:
    return f"rule {rule.id}, level {number}"


def _error(code: str, sentence: str, where: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, sentence=sentence, where=where)


def _warning(code: str, sentence: str, where: str) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, sentence=sentence, where=where)
