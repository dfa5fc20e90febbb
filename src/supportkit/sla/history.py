"""Whole histories: which facts count, in which order, and the replay of all of them.

Some facts change the past: a message that was not delivered never was a response, a void takes its fact away, a merge
joins two histories. A snapshot cannot follow them, so `needs_history` tells when to replay instead of advancing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from supportkit.clock import to_us
from supportkit.errors import HistoryNeeded
from supportkit.sla import facts as fa
from supportkit.sla.apply import apply
from supportkit.sla.facts import Fact
from supportkit.sla.fold import Fold
from supportkit.sla.merge import join
from supportkit.sla.rules import Rules
from supportkit.sla.state import FRESH, Snapshot

Others = Mapping[str, Sequence[Fact]]

_BACKWARDS: frozenset[type[Any]] = frozenset({fa.DeliveryFailed, fa.Voided, fa.Unmerged, fa.Released})
_WHOLE = _BACKWARDS | {fa.Absorbed}
WHOLE: frozenset[type[Any]] = _WHOLE | {fa.CalendarChanged}
"""Facts that may need the spans of clocks, which only a traced fold keeps."""


def needs_history(snapshot: Snapshot | None, fact: Fact) -> bool:
    """Tell whether *fact* changes the past of *snapshot*, so that only a replay of the whole history can take it.

    True for a fact that lies before the last one or before a breach that a tick has written down, and for failed
    deliveries, voids, merges into this ticket and their undoing, and retroactive changes of calendars.
    """
    if type(fact) in _WHOLE or (isinstance(fact, fa.CalendarChanged) and fact.retroactive):
        return True
    return snapshot is not None and is_backwards(fact, to_us(fact.occurred_at), snapshot)


def is_backwards(fact: Fact, t: int, here: Snapshot | Fold) -> bool:
    """Tell whether *fact*, which occurred at *t* microseconds, changes the past of clocks that stand *here*."""
    kind = type(fact)
    if kind in _WHOLE or (kind is fa.CalendarChanged and fact.retroactive):  # type: ignore[union-attr]
        return True
    if t < here.created:  # noqa: PLR1730 - as in `apply`
        t = here.created
    at = here.at
    return t < at or (t == at and fact.seq < here.seq) or t <= told_until(here)


def told_until(here: Snapshot | Fold) -> int:
    """Return the instant of the last breach that time alone brought about since the last fact, and a tick wrote down.

    What happened before it and is learnt only now may take it back.
    """
    clocks = here.clocks.values() if isinstance(here, Fold) else here.clocks
    last = 0
    for clock in clocks:
        rare = clock.rare
        if rare is FRESH:
            continue
        if rare.breached is not None and rare.breached > here.at and rare.breached > last:
            last = rare.breached
        missed = rare.override
        if missed is not None and missed > here.at and missed > last and override_name(missed) in rare.fired:
            last = missed
    return last


def override_name(due: int) -> str:
    """Return the last part of the id of a due that a person set: moving it makes another one."""
    return f"override/{due // 1_000_000}"


def advance_fold(snapshot: Snapshot | None, fact: Fact, rules: Rules) -> Fold:
    """Return the fold one fact further.

    Raises:
        HistoryNeeded: The fact changes the past.
        ValueError: The first fact is not the creation.
    """
    if needs_history(snapshot, fact):
        raise HistoryNeeded(f"{type(fact).__name__} changes what came before it: replay the history of the ticket")
    if snapshot is None:
        if not isinstance(fact, fa.Created):
            raise ValueError(f"the history of a ticket begins with Created, not with {type(fact).__name__}")
        fold = Fold(rules)
    else:
        fold = Fold.thaw(snapshot, rules)
    apply(fold, fact, to_us(fact.occurred_at))
    return fold


def counted(facts: Iterable[Fact], at: dt.datetime | None = None, known_at: dt.datetime | None = None) -> list[Fact]:
    """Return the facts that had happened *at* an instant and were known at another, in order, the creation first."""
    found = list(facts)
    if at is not None:
        found = [fact for fact in found if fact.occurred_at <= at]
    if known_at is not None:
        found = [fact for fact in found if (fact.recorded_at or fact.occurred_at) <= known_at]
    if not _BACKWARDS.isdisjoint(map(type, found)):
        found = _undone(found)
    # By the second key first: two stable sorts by one thing each take less than one sort by pairs.
    found.sort(key=_seq)
    found.sort(key=_occurred)
    if found and type(found[0]) is fa.Created:  # as nearly always
        return found
    first = next((index for index, fact in enumerate(found) if type(fact) is fa.Created), None)
    if first is None:
        return []
    created = found.pop(first)
    # What came before the creation takes effect at it, in the order of recording.
    found.sort(key=lambda fact: (max(fact.occurred_at, created.occurred_at), fact.seq))
    found.insert(0, created)
    return found


_occurred: Callable[[Fact], dt.datetime] = attrgetter("occurred_at")
_seq: Callable[[Fact], int] = attrgetter("seq")
_order: Callable[[Fact], tuple[dt.datetime, int]] = attrgetter("occurred_at", "seq")


def _undone(facts: list[Fact]) -> list[Fact]:
    """Return *facts* without those that were voided, were never delivered, or belong to a merge that was undone."""
    facts = _delivered(_unvoided(facts))
    undone: set[int] = set()
    for index, fact in sorted(enumerate(facts), key=lambda pair: _order(pair[1])):
        if isinstance(fact, fa.Unmerged | fa.Released):
            undone.add(index)
            undone.update(_merge_before(facts, fact, undone))
    return [fact for index, fact in enumerate(facts) if index not in undone]


def _unvoided(facts: list[Fact]) -> list[Fact]:
    voided = {fact.voids for fact in facts if isinstance(fact, fa.Voided)}
    return [fact for fact in facts if fact.seq not in voided or isinstance(fact, fa.Voided)]


def _delivered(facts: list[Fact]) -> list[Fact]:
    failed = {fact.message for fact in facts if isinstance(fact, fa.DeliveryFailed)}
    return [fact for fact in facts if not (isinstance(fact, fa.Messaged) and fact.message in failed)]


def _merge_before(facts: list[Fact], fact: fa.Unmerged | fa.Released, gone: set[int]) -> set[int]:
    """Return the index of the merge that *fact* undoes: the last one before it."""
    found = [
        (_order(other), index)
        for index, other in enumerate(facts)
        if index not in gone
        and _order(other) <= _order(fact)
        and (
            isinstance(other, fa.Merged)
            if isinstance(fact, fa.Unmerged)
            else isinstance(other, fa.Absorbed) and other.ticket == fact.ticket
        )
    ]
    return {max(found)[1]} if found else set()


def replay_fold(
    facts: Iterable[Fact],
    rules: Rules,
    *,
    at: dt.datetime | None = None,
    known_at: dt.datetime | None = None,
    others: Others | None = None,
    is_traced: bool = True,
) -> Fold | None:
    """Return the fold of all *facts* that count, `None` if the ticket did not exist yet.

    Raises:
        HistoryNeeded: The history of a ticket that was merged into this one is not among *others*.
        ValueError: Tickets are merged in a circle.
    """
    return _replay(facts, rules, at, _Seen(at, known_at, others or {}), is_traced=is_traced)


class _Seen(NamedTuple):
    """What is known about all tickets that a fold joins: by when, and their histories."""

    at: dt.datetime | None
    known_at: dt.datetime | None
    others: Others

    def of(self, ticket: str) -> list[Fact]:
        """Return the facts of another ticket, without what by now is known never to have been.

        An answer whose delivery failed after the merge was no response before it either.
        """
        facts = self.others[ticket]
        known = [
            fact
            for fact in facts
            if (self.at is None or fact.occurred_at <= self.at)
            and (self.known_at is None or (fact.recorded_at or fact.occurred_at) <= self.known_at)
        ]
        return _delivered(_unvoided(known))


def _replay(
    facts: Iterable[Fact],
    rules: Rules,
    at: dt.datetime | None,
    seen: _Seen,
    *,
    is_traced: bool,
    above: frozenset[str] = frozenset(),
) -> Fold | None:
    history = counted(facts, at, seen.known_at)
    if not history:
        return None
    fold = Fold(rules, is_traced=is_traced)
    for fact in history:
        if type(fact) is fa.PolicyApplied and fact.policy is not None:
            # What any policy of the ticket names is measured from the beginning.
            fold.measured |= rules.bits_of(rules.policy(fact.policy, fact.revision))
    for fact in history:
        apply(fold, fact, to_us(fact.occurred_at))
        if type(fact) is fa.Absorbed:
            source = _source(fact, fold, rules, seen, above | {fold.ticket})
            if source is not None:
                theirs = counted(seen.of(fact.ticket), fact.occurred_at, seen.known_at)
                join(fold, source, history, theirs, fold.at)
    return fold


def _source(
    fact: fa.Absorbed,
    fold: Fold,
    rules: Rules,
    seen: _Seen,
    above: frozenset[str],
) -> Fold | None:
    """Return the fold of the ticket that is merged, at the merge, with its clocks still live."""
    if fact.ticket in above:
        raise ValueError(f"tickets {fold.ticket!r} and {fact.ticket!r} are merged in a circle")
    if fact.ticket not in seen.others:
        raise HistoryNeeded(f"ticket {fact.ticket!r} was merged into {fold.ticket!r}: give its facts among the others")
    alive = [other for other in seen.of(fact.ticket) if not isinstance(other, fa.Merged)]
    return _replay(alive, rules, fact.occurred_at, seen, is_traced=True, above=above)
