"""Where a ticket stands in the work queue: the earliest deadline first, then the priority, then the age.

The order is one whole number that a database can keep in an index: the due in microseconds, times four, and the
priority in the two bits below it. Tickets of one number are ordered by their own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import NamedTuple

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import from_us, to_us
from supportkit.model.clocks import Metric
from supportkit.model.ticket import Priority, StateCategory
from supportkit.sla.measure import due_point
from supportkit.sla.state import FRESH, ClockState
from supportkit.sla.terms import LIVE, RUNNING

UNPROMISED = dt.timedelta(hours=24)
"""When a ticket that nothing is promised for is due, counted from its last change of state: as the built-in policy
promises an answer, so that it has a place in the queue that nobody can move back."""
BY_DEFAULT = "DEFAULT"
"""What such a due is called instead of a metric."""

_DEFAULT_US = UNPROMISED // dt.timedelta(microseconds=1)
_URGENT = int(Priority.URGENT)
_EXTERNAL = Metric.EXTERNAL
_WORKED_ON = frozenset({StateCategory.NEW, StateCategory.OPEN})
_OWED_ANYWAY = frozenset({Metric.PROMISE, Metric.PERIODIC_UPDATE})
"""What the desk owes the customer whoever else a ticket waits for."""

Calendars = Callable[[str], BusinessCalendar]


class Standing(NamedTuple):
    """When a ticket is due, and why then.

    Attributes:
        due: The instant, in microseconds.
        why: The metric of the clock that is due first, or `DEFAULT`.
    """

    due: int
    why: str


def standing(
    category: StateCategory, since: dt.datetime, clocks: Iterable[ClockState], calendar: Calendars
) -> Standing | None:
    """Return when a ticket is due; `None` where nobody of the desk has to work on it.

    Only clocks that run count. What other organisations owe does not. While the ticket waits for somebody else, only
    promises and periodic updates keep it in the queue.

    Args:
        category: What its state means.
        since: Since when it is in that state.
        clocks: Its clocks.
        calendar: Gives a calendar by its name, in the revision that holds for the ticket.
    """
    is_worked_on = category in _WORKED_ON
    if not is_worked_on and category.is_done:
        return None
    first: int | None = None
    why = BY_DEFAULT
    for clock in clocks:
        metric, status, rare = clock[0], clock[3], clock[10]
        if status not in LIVE or metric is _EXTERNAL or (status is not RUNNING and rare is FRESH):
            continue
        if not is_worked_on and metric not in _OWED_ANYWAY:
            continue
        due = due_point(clock, calendar(clock[8]))
        if due is not None and (first is None or due < first):
            first, why = due, metric._value_
    if first is not None:
        return Standing(first, why)
    return unpromised(category, since)


def unpromised(category: StateCategory, since: dt.datetime) -> Standing | None:
    """Return when a ticket is due that no clock of the desk runs for."""
    return Standing(to_us(since) + _DEFAULT_US, BY_DEFAULT) if category in _WORKED_ON else None


def rank_of(due: int, priority: Priority) -> int:
    """Return the place of a ticket that is due at an instant, in microseconds; smaller comes first."""
    return due * 4 + (_URGENT - priority)


def due_of(rank: int) -> dt.datetime:
    """Return the instant at which a ticket of this rank is due."""
    return from_us(rank >> 2)
