"""Targets: reached is a plain fact about the counts, met and missed need the interval, and the rest is undecided."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Literal

from supportkit.measures.checks import exact, part_of
from supportkit.measures.results import MetricResult

Op = Literal[">=", "<="]


class TargetStatus(StrEnum):
    """What can be said about a target."""

    MET = "met"
    MISSED = "missed"
    UNDECIDED = "undecided"


def _op(op: str) -> None:
    if op not in {">=", "<="}:
        raise ValueError(f"a target is '>=' or '<=', not {op!r}")


def meets_target(successes: int, n: int, target: float | str, *, op: Op = ">=") -> bool | None:
    """Tell whether *successes* / *n* reaches *target*, exactly: 17 of 20 meets 0.85. `None` for n = 0.

    The counts are compared as whole numbers with the decimal that was written down, so neither binary fractions nor a
    rounded display decide.
    """
    _op(op)
    k, whole = part_of(successes, n, "a target")
    goal = exact(target, "target")
    if whole == 0:
        return None
    left, right = k * goal.denominator, goal.numerator * whole
    return left >= right if op == ">=" else left <= right


def target_status(result: MetricResult, target: float | dt.timedelta, *, op: Op = ">=") -> TargetStatus:
    """Compare the interval of *result* with *target*.

    At least: MET when the lower limit reaches it, MISSED when the upper limit lies below; at most: the other way round.
    UNDECIDED is the rest, and every value without an interval or of a period that has not ended.

    Raises:
        ValueError: *op* is none, or the target has another unit than the value.
    """
    _op(op)
    interval = result.interval
    if interval is None or "open_period" in result.warnings:
        return TargetStatus.UNDECIDED
    at_least = op == ">="
    good, bad = (interval.low, interval.high) if at_least else (interval.high, interval.low)
    if good is not None and (_not_above(target, good) if at_least else _not_above(good, target)):
        return TargetStatus.MET
    if bad is not None and not (_not_above(target, bad) if at_least else _not_above(bad, target)):
        return TargetStatus.MISSED
    return TargetStatus.UNDECIDED


def _not_above(first: float | dt.timedelta, second: float | dt.timedelta) -> bool:
    if isinstance(first, dt.timedelta) and isinstance(second, dt.timedelta):
        return first <= second
    if isinstance(first, dt.timedelta) or isinstance(second, dt.timedelta):
        raise ValueError(f"a target has the unit of the value: {first!r} and {second!r} cannot be compared")
    return first <= second
