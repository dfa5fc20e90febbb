"""Compare: the same histories under several sets of policies, side by side; memory does not grow with the tickets."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import attrs

from supportkit.clock import to_utc
from supportkit.sla.attainment import Attainments, Cell, Counting, promised
from supportkit.sla.clocks import Clock
from supportkit.sla.facts import Fact
from supportkit.sla.fold import Key
from supportkit.sla.rules import Rules
from supportkit.sla.terms import Metric, Verdict
from supportkit.sla.whatif import looked_up

LISTED = 1000
"""Changes that a comparison names one by one unless it is told another number; all are counted."""
Verdicts = tuple[Verdict | None, Verdict | None]


@attrs.frozen(kw_only=True)
class Change:
    """A promise that would have ended with another verdict; `None` on a side where nothing is promised.

    Attributes:
        verdicts: As it is and as it would be.
        used: Open time used on both sides.
        dues: The due on both sides; the projected one of a clock that is paused.
    """

    ticket: str
    metric: Metric
    instance: int
    cycle: int
    verdicts: Verdicts
    used: tuple[dt.timedelta | None, dt.timedelta | None]
    dues: tuple[dt.datetime | None, dt.datetime | None]


@attrs.frozen(kw_only=True)
class Trial:
    """What one set of policies comes to, beside the first set.

    Attributes:
        attainments: Its own counts.
        verdicts: How many promises go from which verdict to which; those that stay the same are left out.
        changed: The tickets in which a verdict changes, counted.
        changes: The first changes in the order of the tickets; those between MET and BREACHED stand before those that
            have a verdict on one side only.
    """

    attainments: Attainments
    verdicts: Mapping[Verdicts, int]
    changed: int
    changes: tuple[Change, ...]

    @property
    def newly_breached(self) -> int:
        """How many would go from MET to BREACHED."""
        return self.verdicts.get((Verdict.MET, Verdict.BREACHED), 0)

    @property
    def newly_met(self) -> int:
        """How many would go from BREACHED to MET."""
        return self.verdicts.get((Verdict.BREACHED, Verdict.MET), 0)


@attrs.frozen(kw_only=True)
class Comparison:
    """The same tickets under several sets of policies.

    Attributes:
        tickets: How many histories were folded.
        at: The instant at which the promises were judged.
        base: What the first set of policies comes to.
        trials: What each of the others comes to.
    """

    tickets: int
    at: dt.datetime
    base: Attainments
    trials: tuple[Trial, ...]


def compare(
    histories: Mapping[str, Sequence[Fact]],
    base: Rules,
    tried: Sequence[Rules],
    at: dt.datetime | str,
    *,
    as_recorded: bool = False,
    metrics: Iterable[Metric] | None = None,
    limit: int = LISTED,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Fold *histories* under *base* and under each of *tried*, and return the attainments and what differs.

    A pure function: it writes nothing. The policies are looked up anew at the instants at which one was applied, by
    the fields of the ticket that were recorded then; a ticket to which none was applied gets the policy that its
    channel, priority and tier choose when it is created. Clocks are counted in cells as `attainment` says. One ticket
    is folded at a time, so what is kept are the counts and at most *limit* changes a set.

    Args:
        histories: Facts by ticket id; a merged ticket's history stands here under its own id.
        base: The policies and calendars that the others are held against.
        tried: The other sets.
        at: The instant at which the promises are judged; only what had happened by then counts.
        as_recorded: For *base*, take the policies that the histories name, as they were applied.
        metrics: Which metrics are compared; all of them by default.
        limit: How many changes are listed for each set; all are counted.
        progress: Called after each ticket with how many are done.
    """
    now = to_utc(at, "at")
    wanted = frozenset(Metric if metrics is None else metrics)
    sides = [histories if as_recorded else _Anew(histories, base), *(_Anew(histories, rules) for rules in tried)]
    countings = [Counting() for _ in sides]
    trials = [_Trying(limit) for _ in tried]
    for number, ticket in enumerate(histories, 1):
        found = [
            list(promised(side[ticket], rules, now, wanted, side))
            for side, rules in zip(sides, (base, *tried), strict=True)
        ]
        for counting, clocks in zip(countings, found, strict=True):
            for cell, clock in clocks:
                counting.add(cell, clock)
        for trial, clocks in zip(trials, found[1:], strict=True):
            trial.see(ticket, found[0], clocks)
        if progress is not None:
            progress(number)
    first, *rest = (counting.done() for counting in countings)
    return Comparison(
        tickets=len(histories),
        at=now,
        base=first,
        trials=tuple(trial.done(counts) for trial, counts in zip(trials, rest, strict=True)),
    )


class _Anew(Mapping[str, Sequence[Fact]]):
    """Histories with the policies that would have been applied, worked out when they are asked for."""

    def __init__(self, histories: Mapping[str, Sequence[Fact]], rules: Rules) -> None:
        self._histories, self._rules = histories, rules

    def __getitem__(self, ticket: str) -> Sequence[Fact]:
        return tuple(looked_up(self._histories[ticket], self._rules))

    def __iter__(self) -> Iterator[str]:
        return iter(self._histories)

    def __len__(self) -> int:
        return len(self._histories)


class _Trying:
    """Collects what one set of policies changes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._verdicts: Counter[Verdicts] = Counter()
        self._changed = 0
        self._flips: list[Change] = []
        self._others: list[Change] = []

    def see(self, ticket: str, before: list[tuple[Cell, Clock]], after: list[tuple[Cell, Clock]]) -> None:
        """Hold the clocks of one ticket against each other."""
        left = {clock.key: clock for _cell, clock in before}
        right = {clock.key: clock for _cell, clock in after}
        has_changed = False
        for key in {**left, **right}:
            change = _change(ticket, key, left.get(key), right.get(key))
            if change.verdicts[0] is change.verdicts[1]:
                continue
            has_changed = True
            self._verdicts[change.verdicts] += 1
            listed = self._others if None in change.verdicts else self._flips
            if len(listed) < self._limit:
                listed.append(change)
        self._changed += has_changed

    def done(self, attainments: Attainments) -> Trial:
        """Return what was collected."""
        verdicts = dict(sorted(self._verdicts.items(), key=lambda item: [str(verdict) for verdict in item[0]]))
        changes = (*self._flips, *self._others)[: self._limit]
        return Trial(attainments=attainments, verdicts=verdicts, changed=self._changed, changes=changes)


def _change(ticket: str, key: Key, before: Clock | None, after: Clock | None) -> Change:
    metric, instance, cycle = key
    return Change(
        ticket=ticket,
        metric=metric,
        instance=instance,
        cycle=cycle,
        verdicts=(None if before is None else before.verdict, None if after is None else after.verdict),
        used=(None if before is None else before.used, None if after is None else after.used),
        dues=(_due(before), _due(after)),
    )


def _due(clock: Clock | None) -> dt.datetime | None:
    return None if clock is None else clock.due_at or clock.projected_due_at
