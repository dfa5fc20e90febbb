"""The words of service levels: metrics, statuses, verdicts, causes; and durations as people write them in files."""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum

from supportkit.clock import MICROSECOND
from supportkit.errors import InvalidPolicy
from supportkit.model.clocks import Cause, Metric, Verdict
from supportkit.model.ticket import StateCategory

__all__ = ["Cause", "Metric", "Status", "Verdict", "read_duration", "to_delta", "to_us", "write_duration"]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Status(StrEnum):
    """What a clock does."""

    NOT_STARTED = "not_started"
    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"
    STOPPED = "stopped"
    MERGED = "merged"
    CANCELLED = "cancelled"
    MOVED = "moved"

    __hash__ = str.__hash__  # as for `Metric`

    @property
    def is_live(self) -> bool:
        """Whether the clock still waits for what fulfils it."""
        return self in LIVE


# Members under names of their own: reading one from its class is a call in Python before 3.12, and the fold does little
# else.
FIRST_RESPONSE = Metric.FIRST_RESPONSE
NEXT_RESPONSE = Metric.NEXT_RESPONSE
PERIODIC_UPDATE = Metric.PERIODIC_UPDATE
TIME_TO_OWN = Metric.TIME_TO_OWN
TIER = Metric.TIER
PROMISE = Metric.PROMISE
RUNNING = Status.RUNNING
PAUSED = Status.PAUSED
HALTED = Status.HALTED
STOPPED = Status.STOPPED
MET = Verdict.MET
BREACHED = Verdict.BREACHED
ELAPSED = Cause.ELAPSED
FULFILLED = Cause.FULFILLED

LIVE = frozenset({RUNNING, PAUSED, HALTED})


HALTING = frozenset({Metric.FIRST_RESPONSE, Metric.NEXT_RESPONSE, Metric.PERIODIC_UPDATE, Metric.TIME_TO_OWN})
"""Metrics that stand still while the ticket is in an end category, and are not fulfilled by it."""

ENDING = frozenset({Metric.RESOLUTION, Metric.REQUESTER_WAIT, Metric.AGENT_WORK, Metric.TIER})
"""Metrics that the entry into the end category fulfils."""

RESPONSES = frozenset({Metric.FIRST_RESPONSE, Metric.NEXT_RESPONSE, Metric.PERIODIC_UPDATE})
"""Metrics that a response fulfils."""

BIT: dict[StateCategory, int] = {category: 1 << index for index, category in enumerate(StateCategory)}
"""Categories as bits: whether a category pauses a clock is one `&`."""

_SHORT = re.compile(r"(?:([0-9]{1,6})d)?(?:([0-9]{1,8})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_ISO = re.compile(r"P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,8})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})(?:\.([0-9]{1,6}))?S)?)?")


def read_duration(value: object, where: str) -> dt.timedelta:
    """Return the duration that *value* stands for: a timedelta, `"30m"`, `"1h30m"`, `"3d"` or ISO 8601 `"PT12H"`.

    A day is 24 hours of the calendar's open time, not a working day.

    Raises:
        InvalidPolicy: It is none of these, or too long to compute with.
    """
    if isinstance(value, dt.timedelta):
        return value
    if isinstance(value, str):
        text = value.strip()
        found = _SHORT.fullmatch(text) or _ISO.fullmatch(text)
        if found is not None and any(found.groups()):
            days, hours, minutes, seconds, *fraction = (part or "0" for part in found.groups())
            micros = int(fraction[0].ljust(6, "0")) if fraction else 0
            try:
                return dt.timedelta(int(days), int(seconds), micros, hours=int(hours), minutes=int(minutes))
            except OverflowError:
                pass
    shown = repr(value)[:64]
    raise InvalidPolicy(f"{where}: {shown} is no duration; write '30m', '12h', '3d' (days of 24 hours) or 'PT12H'")


def write_duration(value: dt.timedelta) -> str:
    """Return the shortest of the forms that `read_duration` reads."""
    us = to_us(value)
    sign = "-" if us < 0 else ""
    us = abs(us)
    for unit, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")):
        if us and us % unit == 0:
            return f"{sign}{us // unit}{letter}"
    return f"{sign}PT{us // SECOND}.{us % SECOND:06d}S" if us else "0s"


def to_us(value: dt.timedelta) -> int:
    """Return whole microseconds, exactly."""
    return (value.days * 86_400 + value.seconds) * SECOND + value.microseconds


def to_delta(us: int) -> dt.timedelta:
    """Return the timedelta of *us* microseconds."""
    return us * MICROSECOND
