"""Corrections: what a corrected history changed in records that were written down before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import attrs

from supportkit.clock import to_us
from supportkit.sla import facts as fa
from supportkit.sla import measure
from supportkit.sla.facts import Fact
from supportkit.sla.fold import Key
from supportkit.sla.history import Others, needs_history, replay_fold
from supportkit.sla.records import Record, record_of
from supportkit.sla.rules import Rules
from supportkit.sla.terms import LIVE, Metric

_JOINING: tuple[type[Fact], ...] = (fa.Absorbed, fa.Merged)


@attrs.frozen(kw_only=True)
class Correction:
    """A record that is another one since the desk learnt more.

    Attributes:
        known_at: When the desk learnt it.
        old: The record as it was; `None` if there was none.
        new: The record as it is; `None` if it should never have been written.
    """

    metric: Metric
    instance: int
    cycle: int
    known_at: dt.datetime
    old: Record | None
    new: Record | None


def _known(fact: Fact) -> dt.datetime:
    return fact.recorded_at or fact.occurred_at


def corrections_of(
    facts: Sequence[Fact], rules: Rules, at: dt.datetime, known_at: dt.datetime | None, others: Others | None
) -> tuple[Correction, ...]:
    """Return what was corrected up to *at*: facts known late, out of order, voided or undelivered.

    Facts that became known at one instant are one piece of knowledge, so a log that was imported in order at once
    corrects nothing.
    """
    last: dt.datetime | None = None
    ordered = True
    for fact in facts:
        known = _known(fact)
        if known != fact.occurred_at or (last is not None and known < last) or needs_history(None, fact):
            ordered = False
            break
        last = known
    if ordered:
        return ()
    limit = at if known_at is None else known_at
    moments = sorted({_known(fact) for fact in facts if fact.occurred_at <= at})
    found: list[Correction] = []
    for moment in moments:
        news = [fact for fact in facts if _known(fact) == moment and fact.occurred_at <= at]
        if moment > limit and known_at is not None:
            break
        if not any(_corrects(fact, facts, moment) for fact in news):
            continue
        earlier = [fact for fact in facts if _known(fact) < moment]
        if not any(isinstance(fact, fa.Created) for fact in earlier):
            continue  # nothing was known, so nothing was written down
        seen = min(at, moment)
        before = _records(earlier, rules, seen, others)
        after = _records([*earlier, *news], rules, seen, others)
        found += _differences(before, after, moment)
    return tuple(found)


def _corrects(fact: Fact, facts: Sequence[Fact], moment: dt.datetime) -> bool:
    if type(fact) in _JOINING or isinstance(fact, fa.CalendarChanged):
        return False
    if needs_history(None, fact) or fact.occurred_at < moment:
        return True
    order = (fact.occurred_at, fact.seq)
    return any(_known(other) < moment and (other.occurred_at, other.seq) > order for other in facts)


def _records(facts: Iterable[Fact], rules: Rules, at: dt.datetime, others: Others | None) -> dict[Key, list[Record]]:
    fold = replay_fold(facts, rules, at=at, others=others)
    if fold is None:
        return {}
    t = to_us(at)
    found = {}
    for clock in (*(fold.archive or ()), *fold.clocks.values()):
        state = clock
        if state.status in LIVE:
            state, _ = measure.settle(state, t, fold.calendar(state.calendar), fold.terms[state.metric])
        if state.rare.records:
            found[state.key] = [record_of(fold.ticket, state.key, n, item) for n, item in enumerate(state.rare.records)]
    return found


def _differences(
    before: dict[Key, list[Record]], after: dict[Key, list[Record]], moment: dt.datetime
) -> Iterable[Correction]:
    """Return the records that differ; a record that is merely new at this moment corrects nothing."""
    for key, old in before.items():
        new = after.get(key, [])
        gone = [record for record in old if record not in new]
        fresh = [record for record in new if record not in old]
        for index, record in enumerate(gone):
            yield Correction(
                metric=key[0],
                instance=key[1],
                cycle=key[2],
                known_at=moment,
                old=record,
                new=fresh[index] if index < len(fresh) else None,
            )
    for key, new in after.items():
        old = before.get(key, [])
        if any(record not in new for record in old):
            continue
        for record in new:
            if record not in old and record.at < moment:
                yield Correction(metric=key[0], instance=key[1], cycle=key[2], known_at=moment, old=None, new=record)
