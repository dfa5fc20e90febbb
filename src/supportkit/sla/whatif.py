"""What if: the same fold over recorded histories with other policies or calendars. It writes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from supportkit.businesstime import BusinessCalendar
from supportkit.model.ticket import StateCategory
from supportkit.sla.clocks import Clock, ClockSet, evaluate
from supportkit.sla.facts import CalendarChanged, ChannelSet, Created, Fact, PolicyApplied, PrioritySet, TierEntered
from supportkit.sla.fold import Key
from supportkit.sla.levels import ServiceLevels
from supportkit.sla.policy import Policy, select
from supportkit.sla.rules import Rules
from supportkit.sla.terms import Metric, Verdict

Policies = ServiceLevels | Iterable[Policy]


@attrs.frozen(kw_only=True)
class Difference:
    """One clock that would have gone differently; `None` on a side where there is no such clock."""

    ticket: str
    metric: Metric
    instance: int
    cycle: int
    before: Clock | None
    after: Clock | None

    @property
    def verdicts(self) -> tuple[Verdict | None, Verdict | None]:
        """The verdict as it is and as it would be."""
        return (
            None if self.before is None else self.before.verdict,
            None if self.after is None else self.after.verdict,
        )

    @property
    def used(self) -> tuple[dt.timedelta | None, dt.timedelta | None]:
        """What was used and what would be."""
        return (
            None if self.before is None else self.before.used,
            None if self.after is None else self.after.used,
        )

    @property
    def dues(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """The due as it is and as it would be."""
        return (
            None if self.before is None else self.before.due_at,
            None if self.after is None else self.after.due_at,
        )


@attrs.frozen(kw_only=True)
class WhatIf:
    """What other policies or calendars would change.

    Attributes:
        tickets: How many histories were folded.
        differences: The clocks that differ, by ticket, metric, instance and cycle.
        newly_breached: How many would go from MET to BREACHED.
        newly_met: How many would go from BREACHED to MET.
    """

    tickets: int
    differences: tuple[Difference, ...]
    newly_breached: int
    newly_met: int


def what_if(
    histories: Mapping[str, Sequence[Fact]],
    policies: Policies,
    calendars: Mapping[str, BusinessCalendar] | None,
    at: dt.datetime | str,
    *,
    categories: Mapping[str, StateCategory],
    recorded: Rules,
) -> WhatIf:
    """Fold *histories* with what holds and with what could, and return what differs.

    Args:
        histories: Facts by ticket id; a merged ticket's history stands here under its own id.
        policies: The policies to try; they are looked up anew at the instants at which one was applied.
        calendars: The calendars to try.
        at: The instant of the comparison.
        categories: What each state means.
        recorded: What holds: the policies and calendars that the histories name.
    """
    tried = Rules(policies, calendars, categories=categories)
    anew = {ticket: tuple(looked_up(facts, tried)) for ticket, facts in histories.items()}
    differences: list[Difference] = []
    for ticket, facts in histories.items():
        before = evaluate(facts, recorded, None, at, categories=categories, others=histories)
        after = evaluate(anew[ticket], tried, None, at, categories=categories, others=anew)
        differences += _compare(ticket, before, after)
    pairs = [difference.verdicts for difference in differences]
    return WhatIf(
        tickets=len(histories),
        differences=tuple(differences),
        newly_breached=pairs.count((Verdict.MET, Verdict.BREACHED)),
        newly_met=pairs.count((Verdict.BREACHED, Verdict.MET)),
    )


def looked_up(facts: Sequence[Fact], tried: Rules) -> Iterator[Fact]:
    """Yield *facts*, by their instants, with the policies that would have been applied.

    A policy is chosen by what the ticket was at the fact that applied one; where no fact did, the creation chooses by
    channel, priority and tier.
    """
    cell: dict[str, Any] = {}
    ordered = sorted(facts, key=lambda item: (item.occurred_at, item.seq))
    for number, fact in enumerate(ordered):
        match fact:
            case Created():
                cell |= {"channel": fact.channel, "priority": fact.priority, "tier": fact.tier}
                after = ordered[number + 1] if number + 1 < len(ordered) else None
                yield _opened(fact, after, cell, tried)
                continue
            case CalendarChanged():
                if tried.knows(fact.revision):
                    yield fact
                continue
            case ChannelSet():
                cell["channel"] = fact.channel
            case PrioritySet():
                cell["priority"] = fact.priority
            case TierEntered():
                cell["tier"] = fact.tier
            case PolicyApplied():
                policy = _policy(fact, cell, tried)
                name, revision = (None, None) if policy is None else (policy.id, tried.revision_of(policy))
                yield attrs.evolve(fact, policy=name, revision=revision)
                continue
            case _:
                pass
        yield fact


def _opened(created: Created, after: Fact | None, cell: Mapping[str, Any], tried: Rules) -> Created:
    """Return a creation with the policy that would have been applied, and only calendars that are among the tried."""
    pins = tuple(pin for pin in created.pins if tried.knows(pin[1]))
    is_first = isinstance(after, PolicyApplied) and after.occurred_at == created.occurred_at
    if not (created.is_applied and is_first and isinstance(after, PolicyApplied)):
        return attrs.evolve(created, is_applied=False, policy=None, revision=None, pins=pins)
    policy = _policy(after, cell, tried)
    name, revision = (None, None) if policy is None else (policy.id, tried.revision_of(policy))
    return attrs.evolve(created, is_applied=True, policy=name, revision=revision, pins=pins)


def _policy(fact: PolicyApplied, cell: Mapping[str, Any], tried: Rules) -> Policy | None:
    """Return what would be applied: chosen by what the ticket was then, if that is recorded.

    If it is not, conditions may have asked for what nobody knows any more: then the policy of the same name stays.
    """
    if not fact.subject:
        same = [policy for policy in tried.policies if policy.id == fact.policy]
        exact = [policy for policy in same if tried.revision_of(policy) == fact.revision]
        if same:
            return (exact or same)[0]
    channel = str(cell.get("channel", ""))
    return select(tried.policies, {**cell, "channel_class": tried.channel_class(channel), **dict(fact.subject)})


def _compare(ticket: str, before: ClockSet, after: ClockSet) -> Iterator[Difference]:
    """Return the clocks whose verdict, use or due differs."""
    left = {clock.key: clock for clock in before.clocks}
    right = {clock.key: clock for clock in after.clocks}
    for key in {**left, **right}:
        difference = _difference(ticket, key, left.get(key), right.get(key))
        pairs = (difference.verdicts, difference.used, difference.dues)
        if any(old != new for old, new in pairs):
            yield difference


def _difference(ticket: str, key: Key, before: Clock | None, after: Clock | None) -> Difference:
    metric, instance, cycle = key
    return Difference(ticket=ticket, metric=metric, instance=instance, cycle=cycle, before=before, after=after)
