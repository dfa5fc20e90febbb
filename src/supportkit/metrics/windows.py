"""Maturity: a metric with a window counts a unit only when its whole window has been seen, whatever became of it."""

from __future__ import annotations

import datetime as dt

from supportkit.measures.results import Basis, Cohort


def now_of(cohort: Cohort, basis: Basis, *, window: dt.timedelta | None = None) -> dt.datetime:
    """Return the instant of the report, after a look at the cohort.

    Raises:
        ValueError: There is no `now`, the units are counted by another date, or the window is not above zero.
    """
    if cohort.now is None:
        raise ValueError("this metric needs the instant of the report: Cohort(now=...)")
    if cohort.basis != basis:
        raise ValueError(f"this metric counts by {basis!r}, and the cohort by {cohort.basis!r}")
    if window is not None and window <= dt.timedelta(0):
        raise ValueError(f"a window must be longer than nothing, not {window}")
    return cohort.now


def is_mature(start: dt.datetime, window: dt.timedelta, now: dt.datetime) -> bool:
    """Tell whether the window that began at *start* has been seen whole."""
    return now - start >= window


def happened(instant: dt.datetime | None, start: dt.datetime, window: dt.timedelta) -> bool:
    """Tell whether something happened within the window; its very end still counts."""
    return instant is not None and start <= instant <= start + window


def name_of(window: dt.timedelta) -> str:
    """Return a window as a part of a definition: `7d`, `36h`, `90s`."""
    seconds = window // dt.timedelta(seconds=1)
    if dt.timedelta(seconds=seconds) != window:
        return f"{window // dt.timedelta(microseconds=1)}us"
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
