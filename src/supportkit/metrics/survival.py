"""Waits that have not ended: Kaplan-Meier, so that unanswered tickets count as longer, not as missing.

    S(t) = product over the event times <= t of (1 - d / at risk)

Source: E. L. Kaplan, P. Meier 1958 (JASA 53). Medians over answered tickets alone flatter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Generic, TypeVar

import attrs

from supportkit.measures.checks import number, share

T = TypeVar("T", float, dt.timedelta)
TIE = 1e-12


@attrs.frozen
class Observation(Generic[T]):
    """A wait that ended after *time*, or that had lasted *time* when it was last seen.

    Attributes:
        time: How long.
        observed: Whether it ended; false where it was cut off (still open, or resolved without a reply).
    """

    time: T
    observed: bool


def survival(observations: Iterable[Observation[T]]) -> tuple[tuple[T, float], ...]:
    """Return each time at which a wait ended, with the share that waits longer than it.

    All with a time of at least t are at risk at t, those that were cut off at t included.

    Raises:
        ValueError: A time that is negative or no finite number.
    """
    waits = list(observations)
    for wait in waits:
        if isinstance(wait.time, dt.timedelta):
            if wait.time < dt.timedelta(0):
                raise ValueError(f"a wait must not be negative, and is {wait.time}")
        elif number(wait.time, "a wait") < 0:
            raise ValueError(f"a wait must not be negative, and is {wait.time}")
    ended: dict[T, int] = {}
    left: dict[T, int] = {}
    for wait in waits:
        left[wait.time] = left.get(wait.time, 0) + 1
        ended[wait.time] = ended.get(wait.time, 0) + bool(wait.observed)
    at_risk, still, steps = len(waits), 1.0, []
    for time in sorted(left):
        if ended[time]:
            still *= 1 - ended[time] / at_risk
            steps.append((time, still))
        at_risk -= left[time]
    return tuple(steps)


def km_quantile(observations: Iterable[Observation[T]], q: float) -> T | None:
    """Return the *q* quantile of waits of which some are still open, `None` where it is never reached.

    The first time with S < 1 - q; where S equals 1 - q over a stretch, the middle between its ends, so that without
    open waits the median is the ordinary one.

    Args:
        observations: Waits, ended or cut off.
        q: 0.5 for the median.

    Raises:
        ValueError: *q* is not within 0..1, or a wait is negative.
    """
    goal = 1 - float(share(q, "q"))
    steps = survival(observations)
    for at, (time, still) in enumerate(steps):
        if abs(still - goal) <= TIE:
            if at + 1 == len(steps):
                return time if goal <= TIE else None
            following = steps[at + 1][0]
            return time + (following - time) / 2
        if still < goal:
            return time
    return None
