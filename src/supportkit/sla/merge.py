"""Merging: what becomes of the clocks of a ticket that takes in another one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from supportkit.clock import to_us
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.sla import facts as fa
from supportkit.sla import measure
from supportkit.sla.apply import is_response
from supportkit.sla.facts import Fact
from supportkit.sla.fold import Fold, Mark
from supportkit.sla.state import ClockState
from supportkit.sla.terms import LIVE, Cause, Metric, Status

_ALONE = frozenset({Metric.EXTERNAL, Metric.PROMISE})
"""Metrics of which there may be several; they end with the ticket that they belong to."""

_ANSWERS = frozenset({MessageKind.REPLY, MessageKind.CALL})


def join(into: Fold, source: Fold, ours: Iterable[Fact], theirs: Iterable[Fact], t: int) -> None:
    """Join the live clocks of *source* to those of *into* at *t*; both folds are traced.

    A clock counts as paused only where both were, and a ticket that did not exist yet counts as paused; so what is
    used is the open time in which at least one of them ran.
    """
    for key, clock in tuple(into.clocks.items()):
        theirs_too = source.clocks.get(key)
        if clock.metric in _ALONE or clock.status not in LIVE:
            continue
        if theirs_too is not None and theirs_too.status in LIVE:
            _join_one(into, key, clock, source, theirs_too, t)
    waiting = source.clocks.get(Metric.NEXT_RESPONSE) or source.clocks.get(Metric.FIRST_RESPONSE)
    if Metric.NEXT_RESPONSE not in into.metrics or waiting is None or into.is_live(Metric.NEXT_RESPONSE):
        return
    if into.owed < 2 and into.terms[Metric.NEXT_RESPONSE].after_first:  # noqa: PLR2004 - the three steps of `owed`
        return
    asked = _oldest_unanswered([*ours, *theirs], into, t)
    if asked is not None:
        _take_over(into, source, asked, t)


def _oldest_unanswered(stream: list[Fact], into: Fold, t: int) -> tuple[int, str] | None:
    """Return since when the customer waits in the joined stream up to *t*, and in which channel.

    What counts as a response is for the survivor's policy to say, and its owner of now to have written where only the
    owner's responses count.
    """
    terms = into.terms[Metric.NEXT_RESPONSE]
    waiting: tuple[int, str] | None = None
    for fact in sorted(stream, key=lambda item: (item.occurred_at, item.seq)):
        if not isinstance(fact, fa.Messaged) or fact.kind not in _ANSWERS or to_us(fact.occurred_at) > t:
            continue
        if is_response(into, fact, terms):
            waiting = None
        elif fact.author is ActorKind.CUSTOMER and waiting is None:
            waiting = (to_us(fact.occurred_at), fact.channel)
    return waiting


def _take_over(into: Fold, source: Fold, asked: tuple[int, str], t: int) -> None:
    """Go on with the customer's waiting that only the other ticket knew of."""
    since, channel = asked
    into.start(Metric.NEXT_RESPONSE, t, subject=channel)
    clock = into.clocks[Metric.NEXT_RESPONSE]
    for metric in (Metric.NEXT_RESPONSE, Metric.FIRST_RESPONSE):
        theirs = source.clocks.get(metric)
        if theirs is not None and theirs.status in LIVE:
            marks = source.marks or {}
            _adopt(into, Metric.NEXT_RESPONSE, clock, [], _clipped(_spans(marks.get(theirs.key, ()), t), since), t)
            return


def _join_one(into: Fold, key: str, clock: ClockState, source: Fold, other: ClockState, t: int) -> None:
    clock = into.settled(clock, t)
    into.keep(key, clock)
    assert into.marks is not None  # noqa: S101 - merges are folded from whole histories, which are traced
    assert source.marks is not None  # noqa: S101
    mine, theirs = _spans(into.marks[clock.key], t), _spans(source.marks[other.key], t)
    _adopt(into, key, clock, mine, theirs, t)


Span = tuple[int, int, Mark]


def _spans(marks: Iterable[Mark], t: int) -> list[Span]:
    known = list(marks)
    ends = [*(mark.at for mark in known[1:]), t]
    return [(mark.at, end, mark) for mark, end in zip(known, ends, strict=True) if mark.at < end]


def _clipped(spans: list[Span], since: int) -> list[Span]:
    return [(max(start, since), end, mark) for start, end, mark in spans if end > since]


def _adopt(into: Fold, key: str, clock: ClockState, mine: list[Span], theirs: list[Span], t: int) -> None:
    """Give a clock the union of two histories of running."""
    edges = sorted({edge for start, end, _ in (*mine, *theirs) for edge in (start, end)})
    present = into.calendar(clock.calendar)
    marks: list[Mark] = []
    used = 0
    for start, end in pairwise(edges):
        both = [_at(mine, start), _at(theirs, start)]
        running = next((mark for mark in both if mark is not None and mark.status is Status.RUNNING), None)
        if running is not None:
            used += running.calendar.between_us(start, end)
        mark = running or next((mark for mark in both if mark is not None), None)
        if mark is None:
            mark = Mark(start, Status.PAUSED, present, "merged", clock.calendar)
        marks.append(mark._replace(at=start))
    started = edges[0] if edges else clock.started
    since = t if clock.status is Status.RUNNING else None
    clock = clock._replace(started=min(started, clock.started), used=used, since=since)
    if clock.rare.breached is None:
        clock = measure.outgrown(clock, t, Cause.MERGED)
    into.keep(key, clock)
    assert into.marks is not None  # noqa: S101
    into.marks[clock.key] = marks
    into.mark(clock, t)


def _at(spans: list[Span], t: int) -> Mark | None:
    return next((mark for start, end, mark in spans if start <= t < end), None)
