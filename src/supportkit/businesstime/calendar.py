"""The business calendar: an immutable value that says when a desk works, and counts working time.

It stands alone: give it wall-clock hours, holidays and one-off changes, and ask it on aware datetimes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any, Literal, Self
from zoneinfo import ZoneInfo

import attrs

from supportkit.businesstime import definition as read
from supportkit.businesstime.drawing import draw
from supportkit.businesstime.instants import duration_to_us, instant_to_us
from supportkit.businesstime.rules import Precedence, day_rules, rule_on
from supportkit.businesstime.timeline import Timeline
from supportkit.businesstime.windows import WEEKDAYS, from_seconds
from supportkit.businesstime.zonedata import zone_data_version
from supportkit.clock import MICROSECOND
from supportkit.errors import InvalidCalendar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supportkit.businesstime.rules import DayRules, Rule
    from supportkit.businesstime.windows import WallWindow

AddTie = Literal["earliest", "next_open"]
SubtractTie = Literal["latest", "prev_close"]

_DEFINITION = ("timezone", "hours", "holidays", "overrides", "breaks", "precedence", "name", "known_until")


def _read_precedence(value: object) -> Precedence:
    if value == "override":
        return "override"
    if value == "holiday":
        return "holiday"
    raise InvalidCalendar(f"precedence: {str(value)[:64]!r} is not known{read.suggest(value, ('override', 'holiday'))}")


def _read_name(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InvalidCalendar(f"name: a text is needed, not {type(value).__name__}")


@attrs.frozen(kw_only=True, repr=False, cache_hash=True)
class BusinessCalendar:
    """When a desk works.

    Two calendars are equal when they are defined alike. Instants go in as aware datetimes of any zone and come out in
    the zone of the calendar; every span is half-open, `[a, b)`, and every duration is elapsed time, exact to the
    microsecond.

    Args:
        timezone: IANA name of the zone whose wall clock the hours are written in.
        hours: For each weekday `mon` to `sun`, a list of windows such as `("09:00", "17:30")`. The end may be `24:00`;
            an end before the start lies on the next date. Windows may overlap or touch; time is counted once.
        holidays: Dates that are closed.
        overrides: For single dates, windows that replace the whole day; an empty list closes it.
        breaks: For single dates, windows that are taken away from whatever the date has.
        precedence: Which wins on a date that is both, the `"override"` or the `"holiday"`.
        name: What people call the calendar.
        known_until: The last date for which the holidays are known; a due date behind it is a guess.

    Raises:
        InvalidCalendar: A part is malformed, the zone is unknown, or the calendar never opens.

    >>> desk = BusinessCalendar.weekdays("Europe/Berlin", start="09:00", end="17:00")
    >>> friday = dt.datetime(2025, 4, 25, 15, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    >>> desk.add(friday, dt.timedelta(hours=3)).isoformat()
    '2025-04-28T10:00:00+02:00'
    """

    timezone: str = attrs.field()
    hours: read.Hours = attrs.field(converter=read.read_hours, default=())
    holidays: frozenset[dt.date] = attrs.field(converter=read.read_holidays, default=frozenset())
    overrides: read.Days = attrs.field(converter=read.read_overrides, default=())
    breaks: read.Days = attrs.field(converter=read.read_breaks, default=())
    precedence: Precedence = attrs.field(converter=_read_precedence, default="override")
    name: str | None = attrs.field(converter=_read_name, default=None)
    known_until: dt.date | None = attrs.field(converter=read.read_known_until, default=None)
    zone: ZoneInfo = attrs.field(init=False, eq=False)
    _line: Timeline = attrs.field(init=False, eq=False)
    _epoch: dt.datetime = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        # A frozen class is completed through `object`; these three follow from the fields above.
        zone = read.read_zone(self.timezone)
        object.__setattr__(self, "zone", zone)
        object.__setattr__(self, "_line", Timeline(zone, self._rules()))
        object.__setattr__(self, "_epoch", dt.datetime(1970, 1, 1, tzinfo=zone))

    # -- the value ---------------------------------------------------------------------------------------------------

    @classmethod
    def always_open(cls, tz: str = "UTC") -> Self:
        """Return the calendar that never closes: business time is absolute time."""
        return cls(timezone=tz, hours=dict.fromkeys(WEEKDAYS, (("00:00", "24:00"),)))

    @classmethod
    def weekdays(cls, tz: str, *, start: str = "00:00", end: str = "24:00") -> Self:
        """Return the calendar that is open from *start* to *end* on Monday to Friday."""
        return cls(timezone=tz, hours=dict.fromkeys(WEEKDAYS[:5], ((start, end),)))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the calendar that `to_dict` wrote, or that a configuration file describes.

        Raises:
            InvalidCalendar: As for the constructor, and for a key that is not known or missing.
        """
        try:
            given = dict(data)
        except (TypeError, ValueError) as error:
            raise InvalidCalendar(f"a calendar is a mapping, not {type(data).__name__}") from error
        for key in given:
            if key not in _DEFINITION:
                raise InvalidCalendar(f"{str(key)[:64]!r} is not a key of a calendar{read.suggest(key, _DEFINITION)}")
        if "timezone" not in given:
            raise InvalidCalendar("a calendar needs a 'timezone'")
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """Return the definition as plain dicts, lists and texts, ready for JSON or TOML."""
        data: dict[str, Any] = {
            "timezone": self.timezone,
            "hours": {day: _listed(windows) for day, windows in self.hours},
            "holidays": [date.isoformat() for date in sorted(self.holidays)],
            "overrides": {date.isoformat(): _listed(windows) for date, windows in self.overrides},
            "breaks": {date.isoformat(): _listed(windows) for date, windows in self.breaks},
            "precedence": self.precedence,
        }
        if self.name is not None:
            data["name"] = self.name
        if self.known_until is not None:
            data["known_until"] = self.known_until.isoformat()
        return data

    @property
    def revision(self) -> str:
        """The SHA-256 of the canonical JSON: two calendars have one revision exactly when they are defined alike."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def zone_data(self) -> str:
        """The version of the time-zone data that answers are computed with, such as `2025b`."""
        return zone_data_version(self.timezone)

    def rule_on(self, date: dt.date) -> Rule:
        """Return what governs *date*, before breaks: `"override"`, `"holiday"` or `"weekly"`."""
        return rule_on(date, self.holidays, dict(self.overrides), self.precedence)

    def windows_on(self, date: dt.date) -> tuple[WallWindow, ...]:
        """Return the open wall-clock windows of *date*, all rules applied, tails of the night before included."""
        spans = self._line.rules.spans_on(date.toordinal())
        return tuple((from_seconds(start), from_seconds(end)) for start, end in spans)

    def is_known(self, t: dt.datetime) -> bool:
        """Return whether the holidays are known at *t*, that is, its local date is not after `known_until`."""
        date = self._at(instant_to_us(t, "t", self._epoch)).date()
        return self.known_until is None or date <= self.known_until

    def draw(self, week: dt.date | None = None) -> str:
        """Return a text drawing of the ordinary week, or of the *week* that holds a date, one character a half-hour.

        `#` is open, `.` is closed, `+` is open for a part of the half-hour.
        """
        return draw(self.name or self.timezone, self._line.rules, week)

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name is not None else ""
        seconds = sum(end - start for spans in self._line.rules.week for start, end in spans)
        counts = [(len(self.holidays), "holidays"), (len(self.overrides), "overrides"), (len(self.breaks), "breaks")]
        more = "".join(f", {count} {what}" for count, what in counts if count)
        return f"<BusinessCalendar {name}{self.timezone}, {seconds / 3600:g} h a week{more}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the definition only; tables are made again where they are needed."""
        return (type(self).from_dict, (self.to_dict(),))

    def _rules(self) -> DayRules:
        return day_rules(self.hours, self.holidays, self.overrides, self.breaks, self.precedence)

    # -- questions, on aware datetimes -------------------------------------------------------------------------------

    def add(self, t: dt.datetime, d: dt.timedelta, *, tie: AddTie = "earliest") -> dt.datetime:
        """Return the instant at which *d* of open time has passed since *t*.

        Args:
            t: An aware instant.
            d: The duration, not negative.
            tie: At a closing time, where two instants are equally right: `"earliest"` is the closing itself (what
                people read as a due time), `"next_open"` the opening after it (the first instant that is late).

        Raises:
            TypeError: *t* is naive or not a datetime, or *d* is not a timedelta.
            ValueError: *d* is negative, or *tie* is not known.
            NoBusinessTime: There are no weekly hours, and the one-off openings do not suffice.
            OverflowError: The result lies after the year 9999.
        """
        zone, epoch = self.zone, self._epoch
        if type(t) is dt.datetime and type(d) is dt.timedelta and t.tzinfo is zone:
            # What the two functions below do, without calling them: due times are what desks ask for most.
            since = t - epoch - zone.utcoffset(t)  # type: ignore[operator]  # a zone knows its offset
            start = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
            length = (d.days * 86_400 + d.seconds) * 1_000_000 + d.microseconds
        else:
            start, length = instant_to_us(t, "t", epoch), duration_to_us(d, "d")
        return zone.fromutc(epoch + self.add_us(start, length, tie=tie) * MICROSECOND)

    def subtract(self, t: dt.datetime, d: dt.timedelta, *, tie: SubtractTie = "latest") -> dt.datetime:
        """Return the instant from which *d* of open time passes until *t*.

        Args:
            t: An aware instant.
            d: The duration, not negative.
            tie: `"latest"` is the last such instant, an opening where two are right; `"prev_close"` the last one that
                has open time just before it, the closing.

        Raises:
            TypeError: *t* is naive or not a datetime, or *d* is not a timedelta.
            ValueError: *d* is negative, or *tie* is not known.
            NoBusinessTime: There are no weekly hours, and the one-off openings before *t* do not suffice.
            OverflowError: The result lies before the year 1.
        """
        return self._at(self.subtract_us(instant_to_us(t, "t", self._epoch), duration_to_us(d, "d"), tie=tie))

    def between(self, a: dt.datetime, b: dt.datetime, *, signed: bool = False) -> dt.timedelta:
        """Return how much open time lies in `[a, b)`: nothing when *b* is not after *a*.

        Args:
            a: The aware instant to count from.
            b: The aware instant to count to.
            signed: Count a reversed range too, as a negative duration.

        Raises:
            TypeError: One of them is naive or not a datetime.
        """
        span = self.between_us(instant_to_us(a, "a", self._epoch), instant_to_us(b, "b", self._epoch), signed=signed)
        return span * MICROSECOND

    def is_open(self, t: dt.datetime) -> bool:
        """Return whether the desk works at *t*: true at an opening, false at a closing."""
        return self._line.is_open(instant_to_us(t, "t", self._epoch))

    def next_open(self, t: dt.datetime) -> dt.datetime:
        """Return the first open instant that is not before *t*; *t* itself when open.

        Raises:
            NoBusinessTime: There are no weekly hours and no later opening.
        """
        return self._at(self.add_us(instant_to_us(t, "t", self._epoch), 0, tie="next_open"))

    def next_close(self, t: dt.datetime) -> dt.datetime | None:
        """Return when the opening that holds *t*, else the next one, ends; None if the desk never closes again."""
        closing = self._line.next_close(instant_to_us(t, "t", self._epoch))
        return None if closing is None else self._at(closing)

    def intervals(self, a: dt.datetime, b: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
        """Return the open intervals of `[a, b)`, clipped to it, ascending, adjacent ones made one."""
        spans = self._line.intervals(instant_to_us(a, "a", self._epoch), instant_to_us(b, "b", self._epoch))
        return [(self._at(start), self._at(end)) for start, end in spans]

    def add_many(self, ts: Iterable[dt.datetime], d: dt.timedelta, *, tie: AddTie = "earliest") -> list[dt.datetime]:
        """Return `add(t, d, tie=tie)` for each of *ts*."""
        return [self.add(t, d, tie=tie) for t in ts]

    def between_many(self, pairs: Iterable[tuple[dt.datetime, dt.datetime]]) -> list[dt.timedelta]:
        """Return `between(a, b)` for each of *pairs*."""
        return [self.between(a, b) for a, b in pairs]

    # -- the same on integer microseconds since 1970 UTC ---------------------------------------------------------------
    # Each method answers from the table at hand when that suffices, which is nearly always; `Timeline` has the general
    # form, with growth, zero durations and errors. The short cut is what makes a due time cost two bisections.

    def add_us(self, t: int, d: int, *, tie: AddTie = "earliest") -> int:
        """Return `add` on microseconds since 1970-01-01 UTC; *d* in microseconds."""
        starts, ends, cum, shift, _, _, _, _ = self._line.table
        i = bisect_right(starts, t) - 1
        if i >= 0 and d > 0:
            end = ends[i]
            wanted = shift[i] + (t if t < end else end) + d  # noqa: FURB136 - a call of min() is a tenth of the work
            try:
                if tie == "earliest":
                    return wanted - shift[bisect_left(cum, wanted) - 1]
                if tie == "next_open":
                    return wanted - shift[bisect_right(cum, wanted) - 1]
            except IndexError:  # the answer, or t itself, lies behind the table
                pass
        return self._line.add(t, d, tie)

    def subtract_us(self, t: int, d: int, *, tie: SubtractTie = "latest") -> int:
        """Return `subtract` on microseconds since 1970-01-01 UTC; *d* in microseconds."""
        starts, ends, cum, shift, _, high, _, _ = self._line.table
        i = bisect_right(starts, t) - 1
        if i >= 0 and d > 0 and t < high:
            end = ends[i]
            wanted = shift[i] + (t if t < end else end) - d  # noqa: FURB136
            if wanted > 0:
                if tie == "latest":
                    return wanted - shift[bisect_right(cum, wanted) - 1]
                if tie == "prev_close":
                    return wanted - shift[bisect_left(cum, wanted) - 1]
        return self._line.subtract(t, d, tie)

    def between_us(self, a: int, b: int, *, signed: bool = False) -> int:
        """Return `between` on microseconds since 1970-01-01 UTC, in microseconds."""
        starts, ends, _, shift, _, high, _, _ = self._line.table
        i = bisect_right(starts, a) - 1
        if i >= 0 and a < b < high:
            k = bisect_right(starts, b) - 1
            first, last = ends[i], ends[k]
            return shift[k] + (b if b < last else last) - shift[i] - (a if a < first else first)  # noqa: FURB136
        if signed and b < a:
            return -self._line.between(b, a)
        return self._line.between(a, b)

    def _at(self, t: int) -> dt.datetime:
        return self.zone.fromutc(self._epoch + t * MICROSECOND)


def _listed(windows: tuple[WallWindow, ...]) -> list[list[str]]:
    return [list(window) for window in windows]
