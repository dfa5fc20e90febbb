"""From the times of a log to instants: ISO 8601 or formats of `strptime`, with an offset or in the zone of the log.

Wall times mean what they mean to calendars: the first instant at which the clock of the zone shows them or later. So an
hour that comes twice is the first one, and a time that a jump of the clock leaves out is the instant of the jump.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from supportkit.businesstime.compile import first_instant
from supportkit.clock import EPOCH

ISO = "iso"
_DAY_SECONDS = 3600, 60, 1


def time_reader(times: tuple[str, ...], zone: str) -> Callable[[str], dt.datetime | None]:
    """Return a function from text to instant, `None` for no time. An offset in the text wins over the zone.

    Args:
        times: `iso`, or formats of `strptime`, tried in this order.
        zone: IANA zone of times without an offset.
    """
    place = None if zone == "UTC" else ZoneInfo(zone)
    readers: list[Callable[[str], dt.datetime]] = [
        dt.datetime.fromisoformat if form == ISO else _by_format(form) for form in times
    ]

    def read(text: str) -> dt.datetime | None:
        for reader in readers:
            try:
                value = reader(text.strip())
                if value.tzinfo is None:
                    value = value.replace(tzinfo=dt.UTC) if place is None else _first(value, place)
                if 1 < value.year < dt.MAXYEAR:  # as `to_utc` wants it
                    return value.astimezone(dt.UTC)
            except (ValueError, OverflowError):
                pass
        return None

    return read


def _first(wall: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the first instant at which the clock of *zone* shows *wall* or later."""
    local = wall.replace(tzinfo=zone)
    early, late = local.utcoffset(), local.replace(fold=1).utcoffset()
    assert early is not None  # noqa: S101 - a ZoneInfo always knows
    assert late is not None  # noqa: S101
    if early >= late:  # an ordinary time, or the first of two
        return local
    seconds = sum(part * size for part, size in zip((wall.hour, wall.minute, wall.second), _DAY_SECONDS, strict=True))
    return EPOCH + dt.timedelta(seconds=first_instant(zone, wall.toordinal(), seconds))


_DIRECTIVE = re.compile("%(.)")
_NUMBERS = {"Y": r"(\d{4})"}
_NUMBERS |= dict.fromkeys("mdHIMS", r"(\d\d?)") | {"p": "([AaPp][Mm])"}
_DATE_TIME = [sorted(text) for text in ("YmdHM", "YmdHMS", "YmdIMp", "YmdIMSp")]
_NOON = 12


def _by_format(form: str) -> Callable[[str], dt.datetime]:
    """Return a reader of one format; plain numbers are read four times as fast as by `strptime`."""
    plain = form.removesuffix(".%f")
    directives = _DIRECTIVE.findall(plain)
    if sorted(directives) not in _DATE_TIME or (plain != form and "p" in directives):
        return lambda text: dt.datetime.strptime(text, form)  # noqa: DTZ007 - the zone comes from the format
    pattern = "".join(_NUMBERS.get(piece, re.escape(piece)) for piece in _DIRECTIVE.split(plain))
    matches = re.compile(pattern + (r"\.(\d{1,6})" if plain != form else ""), re.ASCII).fullmatch
    places = [directives.index(name) for name in ("Y", "m", "d", "I" if "p" in directives else "H", "M")]
    second_at = directives.index("S") if "S" in directives else None
    half_at = directives.index("p") if "p" in directives else None

    def read(text: str) -> dt.datetime:
        found = matches(text)
        if found is None:
            raise ValueError(text)
        groups = found.groups()
        year, month, day, hour, minute = [int(groups[place]) for place in places]
        if half_at is not None:
            hour = _hour_of_day(hour, groups[half_at])
        second = 0 if second_at is None else int(groups[second_at])
        fraction = int(groups[-1].ljust(6, "0")) if plain != form else 0
        return dt.datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001 - the same

    return read


def _hour_of_day(hour: int, half: str) -> int:
    """Return 0 to 23 of an hour on a twelve-hour clock.

    Raises:
        ValueError: A twelve-hour clock does not show this hour.
    """
    if not 1 <= hour <= _NOON:
        raise ValueError(hour)
    return hour % _NOON + (_NOON if half[0] in "Pp" else 0)
