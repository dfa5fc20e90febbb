"""Customer coverage: when do customers need help by their own clock, and is somebody there?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

import attrs

from supportkit.clock import to_utc, zone_of
from supportkit.measures.proportions import proportion
from supportkit.measures.results import Cohort, MetricResult

WEEKDAYS = frozenset(range(5))


@attrs.frozen(kw_only=True)
class Contact:
    """A contact: the arrival of a ticket's first customer message.

    Attributes:
        at: When it arrived.
        zone: The customer's IANA zone; `None`: not known, and never guessed from an offset or a phone code.
    """

    at: dt.datetime
    zone: str | None = None


@attrs.frozen(kw_only=True)
class Coverage:
    """How well the hours of a desk fit its customers.

    Attributes:
        outside_desk_hours: `coverage.outside_desk_hours`: contacts outside of the desk's hours / all.
        local_day_unserved: `coverage.local_day_unserved`: of the contacts in the customer's own day, those outside.
        by_local_hour: Counts as (weekday 0..6 or `None`, hour 0..23 or `None`, contacts, outside), Monday first, the
            row of unknown zones last.
    """

    outside_desk_hours: MetricResult
    local_day_unserved: MetricResult
    by_local_hour: tuple[tuple[int | None, int | None, int, int], ...]


def customer_coverage(
    contacts: Iterable[Contact],
    is_open: Callable[[dt.datetime], bool],
    *,
    cohort: Cohort,
    day_start: dt.time = dt.time(9),
    day_end: dt.time = dt.time(18),
    weekdays: frozenset[int] = WEEKDAYS,
) -> Coverage:
    """Compare the contacts with the hours of the desk and with the customer's own working day.

    Args:
        contacts: The contacts of one channel.
        is_open: Whether the desk is open at an instant, for example `BusinessCalendar.is_open`; closing is closed.
        cohort: The period by `arrival`.
        day_start: First minute of the customer's day, there.
        day_end: First minute after it.
        weekdays: Its days, Monday = 0.

    Raises:
        ValueError: A zone that does not exist, or a cohort with another basis.
    """
    if cohort.basis != "arrival":
        raise ValueError(f"coverage counts by 'arrival', and the cohort by {cohort.basis!r}")
    total = outside = in_day = unserved = 0
    table: dict[tuple[int | None, int | None], list[int]] = {}
    for contact in contacts:
        if not cohort.has(contact.at):
            continue
        closed = not is_open(to_utc(contact.at, "at"))
        total += 1
        outside += closed
        key: tuple[int | None, int | None] = (None, None)
        if contact.zone is not None:
            local = contact.at.astimezone(zone_of(contact.zone))
            key = (local.weekday(), local.hour)
            if local.weekday() in weekdays and day_start <= local.time() < day_end:
                in_day += 1
                unserved += closed
        cell = table.setdefault(key, [0, 0])
        cell[0] += 1
        cell[1] += closed
    unknown = table.get((None, None), [0, 0])[0]
    warnings = ["unknown_zone"] if unknown else []
    known = cohort.leaving_out({"unknown_zone": unknown}) if unknown else cohort
    ordered = sorted(table.items(), key=lambda item: (item[0][0] is None, item[0][0] or 0, item[0][1] or 0))
    return Coverage(
        outside_desk_hours=proportion(
            outside, total, definition="coverage.outside_desk_hours/1", cohort=cohort, warnings=warnings
        ),
        local_day_unserved=proportion(
            unserved, in_day, definition="coverage.local_day_unserved/1", cohort=known, warnings=warnings
        ),
        by_local_hour=tuple((weekday, hour, n, closed) for (weekday, hour), (n, closed) in ordered),
    )
