"""Makes calendars out of lists of holidays that others keep: dates of every year, and the `holidays` package."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Protocol

from supportkit.businesstime.calendar import BusinessCalendar
from supportkit.businesstime.definition import read_hours, read_overrides, suggest
from supportkit.businesstime.windows import WEEKDAYS, read_date
from supportkit.errors import InvalidCalendar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from supportkit.businesstime.definition import DatesLike, DaysLike, HoursLike

_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_LEAP_YEAR = 2024


class HolidaySource(Protocol):
    """What is used of an object of the `holidays` package: a collection of dates that fills a year when asked for it.

    Its `weekend_workdays`, where it has them, are the weekend dates that people work to make up for a bridge day.
    """

    def __contains__(self, key: Any, /) -> bool: ...
    def __iter__(self) -> Iterator[Any]: ...


def yearly(month_days: Iterable[str], years: Iterable[int]) -> tuple[dt.date, ...]:
    """Return the dates of *month_days*, each `MM-DD`, in each of *years*, ascending; 02-29 in leap years only.

    Raises:
        InvalidCalendar: A text is not a day that some year has.

    >>> yearly(["12-25", "02-29"], [2023, 2024])
    (datetime.date(2023, 12, 25), datetime.date(2024, 2, 29), datetime.date(2024, 12, 25))
    """
    days = [_month_day(text) for text in month_days]
    return tuple(
        sorted(
            {
                dt.date(year, month, day)
                for year in years
                for month, day in days
                if (month, day) != (2, 29) or calendar.isleap(year)
            }
        )
    )


def from_holidays(
    source: HolidaySource,
    years: Iterable[int],
    *,
    timezone: str,
    hours: HoursLike,
    workday_like: str = "mon",
    short_days: DaysLike = (),
    holidays: DatesLike = (),
    overrides: DaysLike = (),
    known_until: dt.date | str | None = None,
    **more: Any,
) -> BusinessCalendar:
    """Return a calendar with the holidays of an object of the `holidays` package.

    Its working days that were moved to a weekend become overrides.

    Args:
        source: The object, such as `holidays.country_holidays("RU")`.
        years: The years to take over; nothing is known about any other.
        timezone: As for `BusinessCalendar`.
        hours: As for `BusinessCalendar`.
        workday_like: The weekday whose windows a moved working day has.
        short_days: Dates with windows of their own, such as the eve of a holiday.
        holidays: More dates that are closed.
        overrides: More overrides; they win over the others on their dates.
        known_until: The last date for which holidays are known, by default the end of the last year.
        **more: The other arguments of `BusinessCalendar`.

    Raises:
        InvalidCalendar: As for `BusinessCalendar`; also when no year is given, the source cannot fill one, or
            *workday_like* has no hours while there are moved working days.
    """
    wanted = sorted(set(years))
    if not wanted:
        raise InvalidCalendar("years: at least one year is needed")
    for year in wanted:
        _fill(source, year)
    closed = [date for date in map(_date, source) if date.year in wanted]
    # Read only now: the source finds these out while it fills a year.
    workdays = [date for date in map(_date, getattr(source, "weekend_workdays", ())) if date.year in wanted]
    merged = {
        **dict.fromkeys(workdays, _windows_of(hours, workday_like, needed=bool(workdays))),
        **dict(read_overrides(short_days)),
        **dict(read_overrides(overrides)),
    }
    return BusinessCalendar(
        timezone=timezone,
        hours=hours,
        holidays=[*closed, *holidays],
        overrides=merged,
        known_until=dt.date(wanted[-1], 12, 31) if known_until is None else known_until,
        **more,
    )


def _month_day(text: object) -> tuple[int, int]:
    found = _MONTH_DAY.fullmatch(text) if isinstance(text, str) else None
    if found is None or int(found[2]) > calendar.monthrange(_LEAP_YEAR, int(found[1]))[1]:
        raise InvalidCalendar(f"{str(text)[:64]!r} is not a day of the year; write MM-DD")
    return int(found[1]), int(found[2])


def _fill(source: HolidaySource, year: int) -> None:
    """Ask *source* for a date of *year*, which makes it compute the year, and see that it did."""
    _ = dt.date(year, 1, 1) in source
    filled = getattr(source, "years", None)
    if filled is not None and year not in filled:
        raise InvalidCalendar(f"the source of holidays has no year {year} and does not compute it; it has {filled}")


def _date(value: object) -> dt.date:
    return read_date(value, "holidays")


def _windows_of(hours: HoursLike, day: str, *, needed: bool) -> tuple[tuple[str, str], ...]:
    if day not in WEEKDAYS:
        raise InvalidCalendar(f"workday_like: {day!r} is not a weekday{suggest(day, WEEKDAYS)}")
    windows = dict(read_hours(hours)).get(day, ())
    if needed and not windows:
        raise InvalidCalendar(f"workday_like: {day!r} has no hours that a moved working day could have")
    return windows
