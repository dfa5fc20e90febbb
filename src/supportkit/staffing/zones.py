"""Cover across time zones: shifts are local wall time, converted date by date, so that no offset is ever assumed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import attrs

from supportkit.clock import zone_of

UTC = dt.UTC


@attrs.frozen(kw_only=True)
class Shift:
    """A daily shift in the wall time of a zone; an end at or before the start means the next day.

    Attributes:
        zone: IANA name.
        start: First minute at work.
        end: First minute after it.
    """

    zone: str
    start: dt.time
    end: dt.time

    def __attrs_post_init__(self) -> None:
        zone_of(self.zone)
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("a shift is told in wall time; its zone is named apart")

    def on(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """Return the instants in UTC at which the shift of *day* begins and ends.

        A wall time that a clock change skips is read with the offset before the change, one that comes twice is the
        first.
        """
        zone = zone_of(self.zone)
        last = day if self.end > self.start else day + dt.timedelta(days=1)
        begin = dt.datetime.combine(day, self.start, tzinfo=zone).astimezone(UTC)
        return begin, dt.datetime.combine(last, self.end, tzinfo=zone).astimezone(UTC)

    def seen_from(self, day: dt.date, view: str) -> tuple[dt.datetime, dt.datetime]:
        """Return start and end of the shift of *day* in the wall time of the zone *view*.

        Raises:
            ValueError: *view* is no IANA zone.
        """
        begin, end = self.on(day)
        return begin.astimezone(zone_of(view)), end.astimezone(zone_of(view))


def local_day(day: dt.date, view: str) -> tuple[dt.datetime, dt.datetime]:
    """Return the instants in UTC between which *day* lasts in the zone *view*: 24 hours, or 23 or 25."""
    zone = zone_of(view)
    begin = dt.datetime.combine(day, dt.time(0), tzinfo=zone).astimezone(UTC)
    return begin, dt.datetime.combine(day + dt.timedelta(days=1), dt.time(0), tzinfo=zone).astimezone(UTC)


def coverage_gaps(day: dt.date, *, view: str, shifts: Iterable[Shift]) -> tuple[tuple[dt.timedelta, dt.timedelta], ...]:
    """Return when nobody is there on a calendar day, as elapsed time since its local midnight.

    Args:
        day: The day, as the viewer's calendar has it.
        view: The viewer's IANA zone.
        shifts: Shifts that are worked every day.

    Raises:
        ValueError: A zone that does not exist.
    """
    start, end = local_day(day, view)
    worked = sorted(
        (max(begin, start), min(stop, end))
        for shift in shifts
        for begin, stop in (shift.on(day + dt.timedelta(days=away)) for away in (-2, -1, 0, 1, 2))
        if begin < end and stop > start
    )
    gaps = []
    covered = start
    for begin, stop in worked:
        if begin > covered:
            gaps.append((covered - start, begin - start))
        covered = max(covered, stop)
    if covered < end:
        gaps.append((covered - start, end - start))
    return tuple(gaps)
