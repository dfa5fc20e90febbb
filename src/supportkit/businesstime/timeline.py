"""Answers questions about open time on integer microseconds, and lets the tables grow when a question needs more.

A table is a value; a grown one is published in a single assignment. So readers need no lock, two threads that grow at
once merely do the work twice, and no answer depends on the questions before it: each is read from a table that
covers everything the question is about, published or not.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from supportkit.businesstime.compile import EMPTY, build, compile_dates, compile_years, join
from supportkit.clock import EPOCH, from_us, to_us
from supportkit.errors import InvalidCalendar, NoBusinessTime

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from supportkit.businesstime.compile import Table
    from supportkit.businesstime.rules import DayRules

_FIRST_US = to_us(dt.datetime.min.replace(tzinfo=dt.UTC))
_LAST_US = to_us(dt.datetime.max.replace(tzinfo=dt.UTC))
_STRAY_YEARS = 200
_TWO_DAYS_US = 2 * 86_400 * 1_000_000


class Timeline:
    """The open time of one calendar.

    Attributes:
        table: What is compiled so far. Replaced as a whole, never changed.
    """

    __slots__ = ("rules", "table", "zone")

    def __init__(self, zone: ZoneInfo, rules: DayRules) -> None:
        """Prepare; nothing is compiled for a calendar with weekly hours until it is asked.

        Raises:
            InvalidCalendar: There is no open time at all.
        """
        self.zone = zone
        self.rules = rules
        self.table = EMPTY
        if not rules.has_week:
            # Openings are finite in number: one table holds all of them and never grows.
            starts, ends = compile_dates(zone, rules, sorted(rules.special))
            if not starts:
                raise InvalidCalendar(
                    "this calendar never opens: it has no weekly hours, and its overrides leave no time; "
                    "for round-the-clock service use BusinessCalendar.always_open()"
                )
            span = (_FIRST_US - _TWO_DAYS_US, _LAST_US + _TWO_DAYS_US)
            self.table = build(starts, ends, *span, (dt.MINYEAR, dt.MAXYEAR + 1))

    def add(self, t: int, d: int, tie: str) -> int:
        """Return the instant at which *d* more open time than at *t* has passed; see `BusinessCalendar.add`."""
        _check(d, tie, ("earliest", "next_open"))
        if d == 0 and tie == "earliest":
            return t
        if self.rules.has_week and t + d > _LAST_US:  # open time is never longer than time
            raise OverflowError(f"{d} microseconds of open time end after the year {dt.MAXYEAR}")
        table = self.covering(t, t)
        find = bisect_left if tie == "earliest" else bisect_right
        while True:
            wanted = open_before(table, t) + d
            j = find(table.cum, wanted)
            if j < len(table.cum):
                return wanted - table.shift[j - 1]
            table = self._later(table, t)

    def subtract(self, t: int, d: int, tie: str) -> int:
        """Return the instant from which *d* open time passes until *t*; see `BusinessCalendar.subtract`."""
        _check(d, tie, ("latest", "prev_close"))
        if d == 0 and tie == "latest":
            return t
        if self.rules.has_week and t - d < _FIRST_US:
            raise OverflowError(f"{d} microseconds of open time begin before the year {dt.MINYEAR}")
        table = self.covering(t, t)
        while True:
            wanted = open_before(table, t) - d
            if tie == "latest" and wanted >= 0:
                return wanted - table.shift[bisect_right(table.cum, wanted) - 1]
            if tie == "prev_close" and wanted > 0:
                return wanted - table.shift[bisect_left(table.cum, wanted) - 1]
            table = self._earlier(table, t)

    def between(self, a: int, b: int) -> int:
        """Return the open time in `[a, b)`, 0 when b <= a."""
        if b <= a:
            return 0
        table = self.covering(a, b)
        return open_before(table, b) - open_before(table, a)

    def is_open(self, t: int) -> bool:
        """Return whether *t* lies in an open interval `[start, end)`."""
        table = self.covering(t, t)
        i = bisect_right(table.starts, t) - 1
        return i >= 0 and t < table.ends[i]

    def next_close(self, t: int) -> int | None:
        """Return the end of the open interval that holds *t*, else of the next one; None if there is none."""
        table = self.covering(t, t)
        while True:
            i = bisect_right(table.ends, t)
            # An interval that ends where the table does may go on behind it.
            if i < len(table.ends) and table.ends[i] < table.high:
                return table.ends[i]
            if not self.rules.has_week or self._is_open_for_ever_after(table):
                return None
            table = self._later(table, t)

    def intervals(self, a: int, b: int) -> list[tuple[int, int]]:
        """Return the maximal open intervals of `[a, b)`, clipped and ascending."""
        if b <= a:
            return []
        table = self.covering(a, b)
        i, k = bisect_right(table.ends, a), bisect_left(table.starts, b)
        return [(max(start, a), min(end, b)) for start, end in zip(table.starts[i:k], table.ends[i:k], strict=True)]

    def covering(self, a: int, b: int) -> Table:
        """Return a table that holds the instants from *a* to *b*, and publish it if it is a new one.

        Raises:
            OverflowError: One of them lies outside the years 1 to 9999 of the zone.
        """
        table = self.table
        if table.low <= a and b < table.high:
            return table
        if a < _FIRST_US or b > _LAST_US:
            raise OverflowError(f"an instant lies outside the years {dt.MINYEAR} to {dt.MAXYEAR}")
        # A year of margin, because the zone may be a day away from UTC.
        first = max(dt.MINYEAR, from_us(a).year - 1)
        stop = min(dt.MAXYEAR, from_us(b).year + 1) + 1
        if table is EMPTY or first - table.stop_year > _STRAY_YEARS or table.first_year - stop > _STRAY_YEARS:
            # One wrong date far away must not make the table grow over all the years between.
            table = self._publish(compile_years(self.zone, self.rules, first, stop))
        if first < table.first_year:
            table = self._reach_back(table, first)
        if stop > table.stop_year:
            table = self._reach_out(table, stop)
        if not (table.low <= a and b < table.high):  # the last hours of 9999 in UTC may be 10000 in the zone
            raise OverflowError(f"an instant lies outside the years {dt.MINYEAR} to {dt.MAXYEAR} of {self.zone.key}")
        return table

    def _later(self, table: Table, t: int) -> Table:
        if not self.rules.has_week:
            raise NoBusinessTime(f"the calendar has no weekly hours and no later opening after {_shown(t)}")
        if table.stop_year > dt.MAXYEAR:
            raise OverflowError(f"the result lies after the year {dt.MAXYEAR}")
        return self._reach_out(table, table.stop_year + 1)

    def _earlier(self, table: Table, t: int) -> Table:
        if not self.rules.has_week:
            raise NoBusinessTime(f"the calendar has no weekly hours and no earlier opening before {_shown(t)}")
        if table.first_year <= dt.MINYEAR:
            raise OverflowError(f"the result lies before the year {dt.MINYEAR}")
        return self._reach_back(table, table.first_year - 1)

    def _reach_out(self, table: Table, stop: int) -> Table:
        """Publish a table to at least the year *stop*, at least twice as long: growth stays linear in the result."""
        doubled = table.stop_year + (table.stop_year - table.first_year)
        stop = min(dt.MAXYEAR + 1, max(stop, doubled))
        return self._publish(join(table, compile_years(self.zone, self.rules, table.stop_year, stop)))

    def _reach_back(self, table: Table, first: int) -> Table:
        doubled = table.first_year - (table.stop_year - table.first_year)
        first = max(dt.MINYEAR, min(first, doubled))
        return self._publish(join(compile_years(self.zone, self.rules, first, table.first_year), table))

    def _publish(self, table: Table) -> Table:
        """Return *table*; put it in the place of the present one if it holds all that this one does."""
        present = self.table
        if present is EMPTY or (table.low <= present.low and present.high <= table.high):
            self.table = table
        return table

    def _is_open_for_ever_after(self, table: Table) -> bool:
        return self.rules.is_full_week and self.rules.last_special < dt.date(table.stop_year - 1, 12, 31).toordinal()


def open_before(table: Table, t: int) -> int:
    """Return the open time of *table* before *t*: monotone, and all that durations are made of."""
    i = bisect_right(table.starts, t) - 1
    return table.shift[i] + min(t, table.ends[i]) if i >= 0 else 0


def _check(d: int, tie: str, ties: tuple[str, str]) -> None:
    if d < 0:
        raise ValueError(f"a negative duration ({d} microseconds): use the opposite operation")
    if tie not in ties:
        raise ValueError(f"tie {tie!r} is not known; allowed: {', '.join(map(repr, ties))}")


def _shown(t: int) -> str:
    try:
        return (EPOCH + dt.timedelta(microseconds=t)).isoformat()
    except OverflowError:
        return f"{t} microseconds"
