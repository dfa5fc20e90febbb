"""The clock: the only reader of the operating system's time, and the only maker of instants.

Inside the library an instant is an aware `datetime` in UTC; storages keep it as integer microseconds since 1970.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

UTC = dt.UTC
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = dt.timedelta(microseconds=1)


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> dt.datetime:
        """Return the current instant as an aware `datetime` in UTC."""
        ...


@attrs.frozen
class SystemClock:
    """The clock of the operating system."""

    def now(self) -> dt.datetime:
        """Return the current instant as an aware `datetime` in UTC."""
        return dt.datetime.now(UTC)


def _as_now(value: dt.datetime | str) -> dt.datetime:
    return to_utc(value, "now")


@attrs.define
class ManualClock:
    """A clock that stands still until told otherwise: for tests, demos and replays.

    >>> clock = ManualClock("2026-01-05T09:00:00+00:00")
    >>> clock.advance(hours=2)
    datetime.datetime(2026, 1, 5, 11, 0, tzinfo=datetime.timezone.utc)
    """

    _now: dt.datetime = attrs.field(converter=_as_now, default=EPOCH)

    def now(self) -> dt.datetime:
        """Return the instant at which this clock stands."""
        return self._now

    def set(self, instant: dt.datetime | str) -> dt.datetime:
        """Put the clock at *instant*, earlier or later, and return it in UTC."""
        self._now = to_utc(instant, "instant")
        return self._now

    def advance(self, delta: dt.timedelta | None = None, **parts: float) -> dt.datetime:
        """Move the clock by *delta*, or by the parts of a `timedelta` (`hours=2`), and return the new instant."""
        self._now += delta if delta is not None else dt.timedelta(**parts)
        return self._now


def zone_of(name: str) -> ZoneInfo:
    """Return an IANA zone.

    Raises:
        ValueError: There is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise ValueError(f"{name!r} is no IANA time zone") from None


def to_utc(value: dt.datetime | str, name: str = "instant") -> dt.datetime:
    """Turn an aware `datetime` or an ISO 8601 text with an offset into a plain UTC `datetime`.

    Args:
        value: The instant. A subclass of `datetime` (pendulum's, pandas') comes out as a plain one.
        name: What to call the value in an error.

    Raises:
        TypeError: *value* is naive (no offset), or neither a `datetime` nor a text. A naive time is never guessed.
        ValueError: The text is not ISO 8601, or the instant lies in the years 1 or 9999, where UTC arithmetic
            overflows.
    """
    if isinstance(value, str):
        text = value
        try:
            value = dt.datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(f"{name}: {text[:64]!r} is not an ISO 8601 instant") from error
    if type(value) is dt.datetime and value.tzinfo is UTC and 1 < value.year < dt.MAXYEAR:
        return value  # as nearly all of them are
    if not isinstance(value, dt.datetime):
        raise TypeError(f"{name} must be an aware datetime, not {type(value).__name__}")
    offset = value.utcoffset()
    if offset is None:
        raise TypeError(f"{name} must be an aware datetime: {value.isoformat()} has no offset, and none is guessed")
    if not 1 < value.year < dt.MAXYEAR:
        raise ValueError(f"{name}: the year {value.year} is outside 2..9998")
    naive = dt.datetime(  # noqa: DTZ001 - the offset is taken off on the next line
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond
    )
    return (naive - offset).replace(tzinfo=UTC)


def to_us(instant: dt.datetime) -> int:
    """Return whole microseconds since 1970-01-01 UTC of an aware *instant*; exact, no float on the way."""
    delta = instant - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_us(microseconds: int) -> dt.datetime:
    """Return the UTC instant that lies *microseconds* after 1970-01-01; the inverse of `to_us`."""
    return EPOCH + microseconds * MICROSECOND  # a third faster than making a timedelta of a number


def monotonic() -> float:
    """Return seconds on a clock that never jumps; for time-outs and throughput, never for what is stored."""
    return time.monotonic()


def thread_seconds() -> float:
    """Return the processor seconds of this thread; a budget in them does not depend on how busy the machine is."""
    return time.thread_time()
