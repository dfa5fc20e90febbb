"""Reads and writes the texts of a calendar: wall times, windows and dates.

A window is kept as two canonical wall times, `("22:00", "06:00")`; everything that calculates works on seconds since
midnight of the window's own date, where an end beyond 86 400 lies on the next date.
"""

from __future__ import annotations

import datetime as dt
import re

from supportkit.errors import InvalidCalendar

DAY = 86_400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

WallWindow = tuple[str, str]
"""Start and end of a window as canonical texts: `HH:MM`, or `HH:MM:SS` where the seconds are not zero."""

Span = tuple[int, int]
"""Start and end in seconds since midnight, half-open."""

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?|24:00(?::00)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def to_seconds(time: str) -> int:
    """Return the seconds since midnight of a canonical wall *time*; `24:00` is 86 400."""
    hours, minutes, *rest = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + (int(rest[0]) if rest else 0)


def from_seconds(seconds: int) -> str:
    """Return the canonical wall time of *seconds* since midnight, 0 to 86 400."""
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{second:02}" if second else text


def to_span(window: WallWindow) -> Span:
    """Return the seconds of *window*; the end of one that crosses midnight is greater than 86 400."""
    start, end = to_seconds(window[0]), to_seconds(window[1])
    return (start, end) if start < end else (start, end + DAY)


def read_time(value: object, where: str) -> str:
    """Return *value*, a text `HH:MM[:SS]` or a `datetime.time`, as a canonical wall time.

    Raises:
        InvalidCalendar: It is neither, or it is finer than a second, or it carries a zone.
    """
    if isinstance(value, dt.time):
        if value.microsecond or value.tzinfo is not None:
            raise InvalidCalendar(f"{where}: {value!r} must be a plain wall time in whole seconds")
        value = value.isoformat("seconds")
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise InvalidCalendar(f"{where}: {_shown(value)} is not a wall time; write HH:MM or HH:MM:SS, 00:00 to 24:00")
    return from_seconds(to_seconds(value))


def read_window(value: object, where: str) -> WallWindow:
    """Return *value*, a pair of wall times, as a canonical window.

    An end of `00:00` becomes `24:00`: both say that the window lasts until midnight.

    Raises:
        InvalidCalendar: It is not a pair of wall times, starts at 24:00, or is empty.
    """
    start, end = _read_pair(value, where)
    if start == end:
        raise InvalidCalendar(f"{where}: the window {start}-{end} is empty; write 00:00-24:00 for a whole day")
    return (start, "24:00" if end == "00:00" else end)


def read_break(value: object, where: str) -> WallWindow:
    """Return *value* as a canonical window that ends on the date on which it starts.

    Raises:
        InvalidCalendar: It is not a pair of wall times, or its end is not after its start.
    """
    start, end = _read_pair(value, where)
    if to_seconds(end) <= to_seconds(start):
        raise InvalidCalendar(f"{where}: the break {start}-{end} must end after it starts, by 24:00 of its own date")
    return (start, end)


def read_date(value: object, where: str) -> dt.date:
    """Return *value*, a text `YYYY-MM-DD` or a `datetime.date`, as a plain date.

    Raises:
        InvalidCalendar: It is something else, a `datetime` among them: whose date that is depends on a zone.
    """
    if isinstance(value, dt.datetime):
        raise InvalidCalendar(f"{where}: {_shown(value)} is an instant; give a date")
    if isinstance(value, dt.date):
        return dt.date(value.year, value.month, value.day)
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError as error:
            raise InvalidCalendar(f"{where}: {value!r} is not in the calendar") from error
    raise InvalidCalendar(f"{where}: {_shown(value)} is not a date; write YYYY-MM-DD")


def _read_pair(value: object, where: str) -> WallWindow:
    if not isinstance(value, (tuple, list)) or len(value) != 2:  # noqa: PLR2004 - a pair
        raise InvalidCalendar(f"{where}: {_shown(value)} is not a window; write a pair of wall times")
    start, end = read_time(value[0], f"{where}.start"), read_time(value[1], f"{where}.end")
    if start == "24:00":
        raise InvalidCalendar(f"{where}: a window cannot start at 24:00; start it at 00:00 of the next date")
    return (start, end)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 64 else f"{text[:61]}..."  # noqa: PLR2004 - enough to recognise it
