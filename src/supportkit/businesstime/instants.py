"""Turns aware datetimes and timedeltas into whole microseconds, exactly, and refuses what is neither."""

from __future__ import annotations

import datetime as dt

from supportkit.clock import EPOCH


def instant_to_us(value: dt.datetime, name: str, local_epoch: dt.datetime) -> int:
    """Return the microseconds from 1970-01-01 UTC to *value*.

    Subtracting the epoch does not overflow at the ends of the calendar, which a conversion to UTC would. A value in
    the zone of *local_epoch*, midnight of 1970-01-01 there, is subtracted on the wall clock, which is quicker.

    Raises:
        TypeError: *value* is not a datetime, or is naive: its zone is never guessed.
    """
    if type(value) is not dt.datetime:
        value = _plain(value, name)
    try:
        if value.tzinfo is local_epoch.tzinfo:  # noqa: SIM108 - two subjects, two lines
            delta = value - local_epoch - value.utcoffset()  # type: ignore[operator]  # a zone knows its offset
        else:
            delta = value - EPOCH
    except TypeError:
        raise TypeError(
            f"{name} must be an aware datetime: {value.isoformat()} has no offset, and none is guessed"
        ) from None
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def duration_to_us(value: dt.timedelta, name: str) -> int:
    """Return the microseconds of *value*.

    Raises:
        TypeError: *value* is not a timedelta.
    """
    if type(value) is dt.timedelta:
        return (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    if isinstance(value, dt.timedelta):
        # Subclasses may give the parts another meaning (a month, a sign for each part); the stored ones are those of C.
        days, seconds, micros = (
            part.__get__(value) for part in (dt.timedelta.days, dt.timedelta.seconds, dt.timedelta.microseconds)
        )
        return int((days * 86_400 + seconds) * 1_000_000 + micros)
    raise TypeError(f"{name} must be a timedelta, not {type(value).__name__}")


def _plain(value: object, name: str) -> dt.datetime:
    """Return a subclass of datetime (pendulum's, pandas') as a plain one, so that its own arithmetic does not apply."""
    if not isinstance(value, dt.datetime):
        raise TypeError(f"{name} must be an aware datetime, not {type(value).__name__}")
    date, time = dt.datetime.date(value), dt.datetime.timetz(value)
    return dt.datetime.combine(date, time)
