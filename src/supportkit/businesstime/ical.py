"""Reads holidays and breaks from an iCalendar feed.

Parsing is icalendar's, recurrence is recurring-ical-events' (extra `ical`): recurrence rules are not ours to write.
A feed comes from outside, so its size, its events and the work of expanding it are limited, and what is not taken
over is reported with the reason.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Literal

import attrs

from supportkit.businesstime.definition import read_zone
from supportkit.businesstime.windows import DAY, WallWindow, from_seconds
from supportkit.errors import ConfigurationError, InvalidCalendar, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo


MAX_CHARACTERS = 2_000_000
MAX_EVENTS = 5_000
MAX_RANGE_DAYS = 3_660
MAX_RULE_DAYS = 5_000_000
"""How many days all recurrence rules together may run through, each from its start to the end of the range."""
MAX_OCCURRENCES = 50_000

_RECURRENCE = ("RRULE", "RDATE", "RECURRENCE-ID")
_WITHIN_A_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")


@attrs.frozen(kw_only=True)
class SkippedEvent:
    """An event, or one occurrence of it, that was not taken over.

    Attributes:
        name: Its summary.
        date: The date of the occurrence; None if the event could not be read.
        reason: Why, in words.
    """

    name: str
    date: dt.date | None
    reason: str


@attrs.frozen(kw_only=True)
class IcalDays:
    """What a feed holds for a range of dates, in the form that `BusinessCalendar` takes.

    Attributes:
        holidays: The dates of all-day events, ascending.
        breaks: Windows by date, from timed events if these were asked for.
        skipped: Everything else in the range, with its reason.
    """

    holidays: tuple[dt.date, ...]
    breaks: tuple[tuple[dt.date, tuple[WallWindow, ...]], ...]
    skipped: tuple[SkippedEvent, ...]


def holidays_from_ical(
    text: str | bytes,
    start: dt.date,
    end: dt.date,
    *,
    include: Callable[[str, dt.date], bool] | None = None,
    timed: Literal["skip", "breaks"] = "skip",
    timezone: str | None = None,
) -> IcalDays:
    """Return the holidays of an iCalendar *text* in `[start, end)`.

    Args:
        text: The feed.
        start: The first date.
        end: The date after the last one.
        include: Asked with the summary and the date of each all-day occurrence; public feeds are full of days that
            are not holidays.
        timed: Whether events with times are skipped or become breaks.
        timezone: The zone on whose wall clock breaks are written, normally that of the calendar. Without it an event
            keeps the wall time that the feed states.

    Raises:
        InvalidCalendar: The text is not iCalendar, or *timezone* is unknown.
        LimitExceeded: The feed is too large, the range too long, or expanding it too much work.
        ConfigurationError: The extra `ical` is not installed.
        ValueError: *timed* is not known, or *end* lies before *start*.
    """
    if timed not in ("skip", "breaks"):
        raise ValueError(f"timed {timed!r} is not known; allowed: 'skip', 'breaks'")
    if end < start:
        raise ValueError(f"the range ends on {end}, before it starts on {start}")
    _limit("days of the range", MAX_RANGE_DAYS, (end - start).days)
    _limit("size of the feed", MAX_CHARACTERS, len(text))
    zone = None if timezone is None else read_zone(timezone)
    sorter = _Sorter(start, end, include, zone, breaks=timed == "breaks")
    rule_days = occurrences = 0
    for group, calendar in _groups(text):
        name = str(group[0].get("SUMMARY", ""))
        try:
            problem, days = _look_at_rules(group, end)
            rule_days += days
            _limit("days that recurrence rules run through", MAX_RULE_DAYS, rule_days)
            found = [] if problem else _expand(group, calendar, start, end)
        except LimitExceeded:
            raise
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            problem, found = f"it cannot be read: {error}", []
        if problem:
            sorter.skip(name, None, problem)
        occurrences += len(found)
        _limit("occurrences in the range", MAX_OCCURRENCES, occurrences)
        for event in found:
            sorter.take(event)
    return sorter.result()


class _Sorter:
    """Puts each occurrence where it belongs: holidays, breaks or skipped."""

    def __init__(
        self,
        start: dt.date,
        end: dt.date,
        include: Callable[[str, dt.date], bool] | None,
        zone: ZoneInfo | None,
        *,
        breaks: bool,
    ) -> None:
        self._start, self._end, self._include, self._zone, self._wants_breaks = start, end, include, zone, breaks
        self._holidays: set[dt.date] = set()
        self._breaks: dict[dt.date, set[WallWindow]] = {}
        self._skipped: dict[SkippedEvent, None] = {}

    def result(self) -> IcalDays:
        return IcalDays(
            holidays=tuple(sorted(self._holidays)),
            breaks=tuple((date, tuple(sorted(windows))) for date, windows in sorted(self._breaks.items())),
            skipped=tuple(self._skipped),
        )

    def skip(self, name: str, date: dt.date | None, reason: str) -> None:
        self._skipped[SkippedEvent(name=name, date=date, reason=reason)] = None

    def take(self, event: Any) -> None:
        name, opens, closes = str(event.get("SUMMARY", "")), event.start, event.end
        first = _date_of(opens)
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            self.skip(name, first, "it is cancelled")
        elif closes < opens:
            self.skip(name, first, "it ends before it starts")
        elif not isinstance(opens, dt.datetime):
            self._take_days(name, opens, closes)
        elif self._wants_breaks:
            self._take_break(name, opens, closes)
        else:
            self.skip(name, first, "it has a time; all-day events are holidays")

    def _take_days(self, name: str, first: dt.date, stop: dt.date) -> None:
        stop = max(stop, first + dt.timedelta(days=1))  # an end equal to the start is a common slip for one day
        for ordinal in range(max(first, self._start).toordinal(), min(stop, self._end).toordinal()):
            date = dt.date.fromordinal(ordinal)
            if self._include is None or self._include(name, date):
                self._holidays.add(date)
            else:
                self.skip(name, date, "it was not included")

    def _take_break(self, name: str, opens: dt.datetime, closes: dt.datetime) -> None:
        if self._zone is not None and opens.tzinfo is not None:
            opens, closes = opens.astimezone(self._zone), closes.astimezone(self._zone)
        first, last = opens.date(), closes.date()
        taken = False
        for ordinal in range(max(first, self._start).toordinal(), min(last, self._end).toordinal() + 1):
            date = dt.date.fromordinal(ordinal)
            start = _second_of_day(opens) if date == first else 0
            end = _second_of_day(closes) if date == last else DAY
            if start < end and date < self._end:
                self._breaks.setdefault(date, set()).add((from_seconds(start), from_seconds(end)))
                taken = True
        if not taken and self._start <= first < self._end:
            self.skip(name, first, "it takes no time on the wall clock")


def _date_of(when: dt.date | dt.datetime) -> dt.date:
    return when.date() if isinstance(when, dt.datetime) else when


def _second_of_day(wall: dt.datetime) -> int:
    return wall.hour * 3600 + wall.minute * 60 + wall.second


def _groups(text: str | bytes) -> Iterator[tuple[list[Any], Any]]:
    """Parse *text* and yield the events that share a UID, with a calendar of their own.

    One by one, so that a broken event costs only itself.
    """
    begin = b"BEGIN:VEVENT" if isinstance(text, bytes) else "BEGIN:VEVENT"
    _limit("events of the feed", MAX_EVENTS, text.upper().count(begin))  # type: ignore[arg-type]  # of the same kind
    icalendar, _ = _libraries()
    try:
        feed = icalendar.Calendar.from_ical(text)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidCalendar(f"the text is not an iCalendar feed: {error}") from error
    if feed.name != "VCALENDAR":
        raise InvalidCalendar(f"the text is not an iCalendar feed: it is a lone {feed.name}")
    events = feed.walk("VEVENT")
    _limit("events of the feed", MAX_EVENTS, len(events))  # again: a folded line hides from a search
    groups: dict[object, list[Any]] = {}
    for event in events:
        groups.setdefault(str(event["UID"]) if "UID" in event else id(event), []).append(event)
    zones = feed.walk("VTIMEZONE")
    for group in groups.values():
        calendar = icalendar.Calendar()
        for component in (*zones, *group):
            calendar.add_component(component)
        yield group, calendar


def _look_at_rules(group: list[Any], end: dt.date) -> tuple[str | None, int]:
    """Return why a group is not expanded, if so, and the number of days that its rules run through."""
    days = 0
    for event in group:
        if event.errors:
            return f"its {event.errors[0][0]} cannot be read", 0
        rules = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            frequency = str(rule.get("FREQ", [""])[0]).upper()
            if frequency not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY") or any(part in rule for part in _WITHIN_A_DAY):
                return "it repeats within a day", 0
            if int(rule.get("INTERVAL", [1])[0]) < 1:
                return "its rule makes no step", 0
            days += max(0, (end - _date_of(event.start)).days)
    return None, days


def _expand(group: list[Any], calendar: Any, start: dt.date, end: dt.date) -> list[Any]:
    """Return the occurrences of a group that touch `[start, end)`."""
    if start == end:
        return []
    if len(group) == 1 and not any(part in group[0] for part in _RECURRENCE):
        # Taken as it is: expansion would lose one that ends beyond the years which the library knows.
        first, last = (_date_of(when) for when in (group[0].start, group[0].end))
        return group if first < end and max(first, last) >= start else []
    _, recurring = _libraries()
    return list(recurring.of(calendar).between(start, end))


def _libraries() -> tuple[Any, Any]:
    try:
        import icalendar
        import recurring_ical_events  # type: ignore[import-untyped]  # it ships no types
    except ImportError as error:
        raise ConfigurationError("reading iCalendar needs two more packages: pip install 'supportkit[ical]'") from error
    return icalendar, recurring_ical_events


def _limit(what: str, allowed: int, got: int) -> None:
    if got > allowed:
        raise LimitExceeded(what, allowed, got)
