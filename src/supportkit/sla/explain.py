"""Explaining a clock: the segments that its time is made of, and a picture of them in one line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from enum import StrEnum

import attrs

from supportkit.clock import from_us, to_us
from supportkit.sla.clocks import Clock
from supportkit.sla.fold import Mark
from supportkit.sla.terms import Status


class Kind(StrEnum):
    """What a stretch of time was for a clock."""

    COUNTED = "counted"
    CLOSED = "closed"
    HOLIDAY = "holiday"
    PAUSED = "paused"
    HALTED = "halted"


_SIGNS = {Kind.COUNTED: "#", Kind.CLOSED: ".", Kind.HOLIDAY: "h", Kind.PAUSED: "=", Kind.HALTED: "-"}


@attrs.frozen(kw_only=True)
class Segment:
    """A stretch `[start, end)` of one kind.

    Attributes:
        detail: Why: the category or `vendor` that paused it, the date of a holiday; empty otherwise.
    """

    start: dt.datetime
    end: dt.datetime
    kind: Kind
    detail: str = ""

    @property
    def length(self) -> dt.timedelta:
        """How long it is."""
        return self.end - self.start


def explain(clock: Clock, at: dt.datetime) -> tuple[Segment, ...]:
    """Return the segments that tile `[started_at, min(at, stopped_at))`; the counted ones sum to *used*.

    Args:
        clock: A clock of a `ClockSet` that `evaluate` gave.
        at: The instant of that `ClockSet`.

    Raises:
        ValueError: The clock comes from a snapshot, which does not remember how it got there.
    """
    if clock.marks is None:
        raise ValueError("a snapshot does not remember how its clocks got there: evaluate the history instead")
    end = at if clock.stopped_at is None else min(at, clock.stopped_at)
    found: list[Segment] = []
    for segment in _segments(clock.marks, to_us(end)):
        if found and (found[-1].kind, found[-1].detail) == (segment.kind, segment.detail):
            segment = attrs.evolve(segment, start=found.pop().start)  # noqa: PLW2901 - one stretch, not two
        found.append(segment)
    return tuple(found)


def _segments(marks: tuple[Mark, ...], end: int) -> Iterator[Segment]:
    ends = [*(mark.at for mark in marks[1:]), end]
    for mark, stop in zip(marks, ends, strict=True):
        start, stop = mark.at, min(stop, end)  # noqa: PLW2901
        if start >= stop:
            continue
        if mark.status is Status.RUNNING:
            yield from _running(mark, start, stop)
        else:
            kind = Kind.PAUSED if mark.status is Status.PAUSED else Kind.HALTED
            yield Segment(start=from_us(start), end=from_us(stop), kind=kind, detail=mark.why)


def _running(mark: Mark, start: int, stop: int) -> Iterator[Segment]:
    at = start
    for opened, closed in mark.calendar.intervals(from_us(start), from_us(stop)):
        yield from _closed(mark, at, to_us(opened))
        at = to_us(closed)
        yield Segment(start=from_us(to_us(opened)), end=from_us(at), kind=Kind.COUNTED)
    yield from _closed(mark, at, stop)


def _closed(mark: Mark, start: int, stop: int) -> Iterator[Segment]:
    """Cut a closed stretch where the dates of holidays begin and end."""
    calendar, at = mark.calendar, start
    if start >= stop:
        return
    first, last = (from_us(us).astimezone(calendar.zone).date() for us in (start, stop - 1))
    for date in sorted(date for date in calendar.holidays if first <= date <= last):
        if calendar.rule_on(date) != "holiday":
            continue
        begins = max(start, _midnight(mark, date))
        ends = min(stop, _midnight(mark, date + dt.timedelta(days=1)))
        if at < begins:
            yield Segment(start=from_us(at), end=from_us(begins), kind=Kind.CLOSED)
        if begins < ends:
            yield Segment(start=from_us(begins), end=from_us(ends), kind=Kind.HOLIDAY, detail=date.isoformat())
            at = ends
    if at < stop:
        yield Segment(start=from_us(at), end=from_us(stop), kind=Kind.CLOSED)


def _midnight(mark: Mark, date: dt.date) -> int:
    """Return the first instant of a local date; a midnight that is skipped begins with the jump."""
    return to_us(dt.datetime.combine(date, dt.time(), tzinfo=mark.calendar.zone))


def picture(segments: tuple[Segment, ...], *, width: int = 72) -> str:
    """Return one line in which each sign is an equal share of the time: `#` counted, `.` closed, `h` holiday,
    `=` paused, `-` halted. A sign shows what most of its share was."""  # noqa: D205, D209 - one sentence
    if not segments:
        return ""
    start, end = to_us(segments[0].start), to_us(segments[-1].end)
    signs = []
    for index in range(width):
        left = start + (end - start) * index // width
        right = start + (end - start) * (index + 1) // width
        shares = dict.fromkeys(Kind, 0)
        for segment in segments:
            shares[segment.kind] += max(0, min(right, to_us(segment.end)) - max(left, to_us(segment.start)))
        signs.append(_SIGNS[max(shares, key=lambda kind: shares[kind])])
    return "".join(signs)
