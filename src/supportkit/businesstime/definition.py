"""Turns what people write for the fields of a calendar into its canonical values, or refuses it.

The canonical values are made of tuples, texts and dates, and each reader accepts its own result, so that
`attrs.evolve` works.
"""

from __future__ import annotations

import difflib
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from supportkit.businesstime.windows import WEEKDAYS, WallWindow, read_break, read_date, read_window, to_span
from supportkit.errors import InvalidCalendar

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

Windows = tuple[WallWindow, ...]
Hours = tuple[tuple[str, Windows], ...]
Days = tuple[tuple["dt.date", Windows], ...]

# What the constructor takes: the canonical form, or the dicts and lists of a configuration file.
HoursLike = Mapping[str, Iterable[Any]] | Iterable[tuple[str, Iterable[Any]]]
DaysLike = Mapping[Any, Iterable[Any]] | Iterable[tuple[Any, Iterable[Any]]]
DatesLike = Iterable[Any]

# Zone files that hold no zone of IANA: the machine's own choice, and copies that count leap seconds.
_NO_ZONES = ("localtime", "posixrules", "posix/", "right/")


def read_zone(name: object) -> zoneinfo.ZoneInfo:
    """Return the zone that *name* stands for.

    Raises:
        InvalidCalendar: This machine's zone data has no such zone, or *name* is no name at all.
    """
    if not isinstance(name, str):
        raise InvalidCalendar(f"timezone: a name such as 'Europe/Berlin' is needed, not {type(name).__name__}")
    cause: Exception | None = None
    if not name.startswith(_NO_ZONES):
        try:
            return zoneinfo.ZoneInfo(name)
        except (LookupError, ValueError, OSError) as error:  # no such key, a path upwards, a null byte, a folder
            cause = error
    raise InvalidCalendar(
        f"timezone: this machine's time-zone data has no zone {name[:64]!r}; use an IANA name such as 'Europe/Berlin'"
    ) from cause


def read_hours(value: object) -> Hours:
    """Return the weekly hours, Monday first, without the weekdays that have no window."""
    found: dict[str, Windows] = {}
    for day, windows in _pairs(value, "hours"):
        if day not in WEEKDAYS:
            raise InvalidCalendar(f"hours: {str(day)[:64]!r} is not a weekday{suggest(day, WEEKDAYS)}")
        if day in found:
            raise InvalidCalendar(f"hours: {day!r} is given twice")
        found[day] = _windows(windows, f"hours.{day}", read_window)
    return tuple((day, found[day]) for day in WEEKDAYS if found.get(day))


def read_overrides(value: object) -> Days:
    """Return the overrides by date, ascending; a date without windows is a closed one."""
    return _days(value, "overrides", read_window)


def read_breaks(value: object) -> Days:
    """Return the breaks by date, ascending, without the dates that have none."""
    return tuple((date, windows) for date, windows in _days(value, "breaks", read_break) if windows)


def read_holidays(value: object) -> frozenset[dt.date]:
    """Return the dates of *value*, a list or another collection."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidCalendar(f"holidays: a list of dates is needed, not {type(value).__name__}")
    return frozenset(read_date(date, "holidays") for date in value)


def read_known_until(value: object) -> dt.date | None:
    """Return the last date for which the holidays are known, or None."""
    return None if value is None else read_date(value, "known_until")


def suggest(word: object, allowed: Iterable[str]) -> str:
    """Return the end of a sentence that names what is allowed, the likely one first."""
    words = tuple(allowed)
    near = difflib.get_close_matches(str(word)[:64], words, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(words)}"


def _days(value: object, where: str, read: Callable[[object, str], WallWindow]) -> Days:
    found: dict[dt.date, Windows] = {}
    for key, windows in _pairs(value, where):
        date = read_date(key, where)
        if date in found:
            raise InvalidCalendar(f"{where}: {date} is given twice")
        found[date] = _windows(windows, f"{where}.{date}", read)
    return tuple(sorted(found.items()))


def _windows(value: object, where: str, read: Callable[[object, str], WallWindow]) -> Windows:
    if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
        raise InvalidCalendar(f"{where}: a list of windows is needed, not {type(value).__name__}")
    windows = {read(window, f"{where}[{index}]") for index, window in enumerate(value)}
    return tuple(sorted(windows, key=to_span))


def _pairs(value: object, where: str) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, (tuple, list)) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):  # noqa: PLR2004
        return list(value)
    raise InvalidCalendar(f"{where}: a mapping to lists of windows is needed, not {type(value).__name__}")
