"""Instants in the words and the zone of a customer; the only place of this room that converts zones.

A time is always told with its date and zone, so that a mail that is read a day later still says the right thing.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from zoneinfo import ZoneInfo

from supportkit.businesstime import BusinessCalendar
from supportkit.errors import NoBusinessTime

UTC = ZoneInfo("UTC")
_BLANKS = re.compile("[\u00a0\u202f\u2009]")


def zone_of(name: str) -> ZoneInfo | None:
    """Return the zone *name*, or `None` if there is none; what customers claim as their zone never raises."""
    import pendulum

    try:
        return pendulum.timezone(name) if isinstance(name, str) and 0 < len(name) <= 64 else None  # noqa: PLR2004
    except (KeyError, ValueError, OSError):
        return None


def next_opening(calendar: BusinessCalendar, now: dt.datetime) -> dt.datetime | None:
    """Return when a desk that is closed at *now* opens again; `None` while it is open, or if it never does again."""
    try:
        return None if calendar.is_open(now) else calendar.next_open(now)
    except NoBusinessTime:
        return None


def words_of(instant: dt.datetime, zone: ZoneInfo, now: dt.datetime | None, babel: str) -> tuple[str, dict[str, str]]:
    """Return which pattern tells *instant* (`today`, `tomorrow`, `another_day`) and the words for it.

    Seconds are dropped, never rounded up: a promise must not be told later than it is.
    """
    from babel.dates import format_date, format_skeleton, format_time

    try:
        local = instant.astimezone(zone)
    except OverflowError:  # the first or last day of time, in a zone beyond it
        local, zone = instant.astimezone(UTC), UTC
    day = "another_day" if now is None else _day(local, now.astimezone(zone))
    date = (
        format_date(local, "full", locale=babel)
        if day == "another_day"
        else format_skeleton("MMMMd", local, locale=babel)
    )
    city = _city(zone.key, babel)
    words = {"date": date, "time": format_time(local, "short", locale=babel), "city": city, "utc": _offset(local)}
    return day, {name: _BLANKS.sub(" ", word) for name, word in words.items()}


@functools.lru_cache(maxsize=512)
def _city(zone: str, babel: str) -> str:
    """Return the city of a zone in the language; empty for zones that are no places, such as `UTC`."""
    from babel import Locale
    from babel.core import get_global
    from babel.dates import get_timezone_location

    if "/" not in zone or zone.startswith("Etc/"):
        return ""
    # CLDR files a city under the name that its zone had first (Asia/Calcutta), the zones have moved on (Asia/Kolkata).
    cities = Locale.parse(babel).time_zones
    for name in (zone, *sorted(old for old, new in get_global("zone_aliases").items() if new == zone)):
        if "city" in cities.get(name, {}):
            return str(cities[name]["city"])
    return get_timezone_location(zone, locale=babel, return_city=True).rpartition("/")[2]


def _day(local: dt.datetime, now: dt.datetime) -> str:
    match (local.date() - now.date()).days:
        case 0:
            return "today"
        case 1:
            return "tomorrow"
        case _:
            return "another_day"


def _offset(local: dt.datetime) -> str:
    """Return `UTC`, `UTC+3`, `UTC-3:30`; Babel's own words for half hours west of Greenwich are an hour off."""
    minutes = round((local.utcoffset() or dt.timedelta(0)).total_seconds() / 60)
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}{f':{rest:02}' if rest else ''}"
