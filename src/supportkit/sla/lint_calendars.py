"""What the linter looks up in calendars: open time that is left, jumps of the zone, windows that overlap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import from_us, to_us

_DAY = dt.timedelta(days=1)
_LAST_YEAR = 9998
_REPEATED = "the time {time} of {day} comes twice on {date}; the first one is taken"
_SKIPPED = "the time {time} of {day} does not exist on {date}; the instant of the jump is taken"


def remaining(calendar: BusinessCalendar, now: int) -> int | None:
    """Return the open time after *now*, in microseconds; `None` for a calendar with weekly hours: it never runs out."""
    if calendar.hours:
        return None
    return calendar.between_us(now, to_us(dt.datetime(_LAST_YEAR, 12, 31, tzinfo=dt.UTC)))


def overlapping(calendar: BusinessCalendar) -> Iterator[tuple[str, str, str]]:
    """Return the weekday or date and two windows of it that overlap; windows that merely touch do not."""
    dated = [(date.isoformat(), windows) for date, windows in calendar.overrides]
    for day, windows in [*calendar.hours, *dated]:
        spans = sorted((_seconds(start), _end(start, end), f"{start}-{end}") for start, end in windows)
        for (_, first_end, first), (second_start, _, second) in pairwise(spans):
            if second_start < first_end:
                yield day, first, second


def dst_edges(calendar: BusinessCalendar, now: dt.datetime, *, years: int) -> Iterator[str]:
    """Return a sentence for each window boundary inside a gap or a repeated hour of the zone."""
    zone = calendar.zone
    for jump in jumps(zone, now, now + dt.timedelta(days=366 * years)):
        before, after = ((jump + shift).astimezone(zone).utcoffset() for shift in (-dt.timedelta(seconds=1), _ZERO))
        if before is None or after is None or before == after:
            continue
        wall = (jump + min(before, after)).replace(tzinfo=None)
        until = (jump + max(before, after)).replace(tzinfo=None)
        sentence = _SKIPPED if after > before else _REPEATED
        for date in {wall.date(), until.date()}:
            for time in sorted({edge for window in calendar.windows_on(date) for edge in window}):
                at = dt.datetime.combine(date, dt.time()) + dt.timedelta(seconds=_seconds(time))
                inside = wall < at < until or (at == wall and after < before)
                # A day that is open all round has no boundary that anybody meant.
                if inside and (time, "24:00") not in calendar.windows_on(date):
                    yield sentence.format(time=time, day=date.strftime("%A"), date=date)


_ZERO = dt.timedelta(0)


def jumps(zone: ZoneInfo, start: dt.datetime, end: dt.datetime) -> Iterator[dt.datetime]:
    """Return the instants at which the offset of a zone changes, found by halving the days in which it does."""
    day = start
    while day < end:
        following = day + _DAY
        if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            low, high = to_us(day), to_us(following)
            while high - low > 1_000_000:  # noqa: PLR2004 - jumps lie on whole seconds
                middle = (low + high) // 2
                if from_us(middle).astimezone(zone).utcoffset() == day.astimezone(zone).utcoffset():
                    low = middle
                else:
                    high = middle
            yield from_us(high).replace(microsecond=0)
        day = following


def _seconds(time: str) -> int:
    """Return the seconds from midnight of a wall time."""
    hours, minutes, *seconds = (int(part) for part in time.split(":"))
    return hours * 3600 + minutes * 60 + (seconds[0] if seconds else 0)


def _end(start: str, end: str) -> int:
    first, last = _seconds(start), _seconds(end)
    return last if last > first else last + 86_400
