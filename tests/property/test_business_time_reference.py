"""Business time against a slow second implementation that knows no intervals, no tables and no wall-time arithmetic.

It walks in cells of a few minutes and asks for each: what is the greatest wall clock that the zone has shown so far,
and does that lie in a window of its date? All definitions then follow from counting cells.
"""

from __future__ import annotations

import datetime as dt
import random
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest

from supportkit.businesstime import BusinessCalendar, InvalidCalendar, NoBusinessTime

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UTC = dt.UTC

# Zone, a date on which its clock changes (or not), minutes of a cell: offsets and windows are multiples of it.
PLACES = [
    ("UTC", "2025-03-01", 15),
    ("Europe/Berlin", "2025-03-30", 15),
    ("Europe/Berlin", "2025-10-26", 5),
    ("Europe/Dublin", "2025-10-26", 15),
    ("Europe/London", "1971-10-31", 15),
    ("Europe/Moscow", "2014-10-26", 15),
    ("Europe/Istanbul", "2016-03-27", 15),
    ("America/New_York", "2025-03-09", 15),
    ("America/New_York", "2025-11-02", 15),
    ("America/Sao_Paulo", "2018-11-04", 15),
    ("America/Sao_Paulo", "2018-02-18", 15),
    ("America/Havana", "2025-03-09", 15),
    ("America/Havana", "2025-11-02", 15),
    ("America/St_Johns", "2011-03-13", 1),
    ("America/Caracas", "2007-12-09", 15),
    ("America/Santiago", "2025-09-07", 15),
    ("America/Asuncion", "2010-10-03", 15),
    ("Africa/Casablanca", "2025-02-23", 15),
    ("Africa/Casablanca", "2025-04-06", 15),
    ("Africa/Cairo", "2014-06-26", 15),
    ("Africa/Monrovia", "1972-01-07", 0.5),
    ("Asia/Tehran", "2022-03-22", 15),
    ("Asia/Tehran", "2022-09-22", 15),
    ("Asia/Kathmandu", "1986-01-01", 15),
    ("Asia/Pyongyang", "2018-05-05", 15),
    ("Asia/Kolkata", "2025-05-01", 15),
    ("Asia/Sakhalin", "2016-03-27", 15),
    ("Asia/Amman", "2022-02-25", 15),
    ("Asia/Gaza", "2011-08-01", 15),
    ("Asia/Singapore", "1981-12-31", 15),
    ("Australia/Lord_Howe", "2025-04-06", 15),
    ("Australia/Lord_Howe", "2025-10-05", 15),
    ("Australia/Adelaide", "2025-10-05", 15),
    ("Australia/Eucla", "2008-10-26", 15),
    ("Pacific/Apia", "2011-12-30", 15),
    ("Pacific/Kwajalein", "1993-08-21", 15),
    ("Pacific/Chatham", "2025-09-28", 15),
    ("Pacific/Kiritimati", "1994-12-31", 15),
    ("Antarctica/Troll", "2025-03-30", 15),
    ("America/Juneau", "1983-10-30", 15),
    ("Europe/Lisbon", "1992-09-27", 15),
    ("Pacific/Norfolk", "2015-10-04", 15),
]

QUERIES = 260
"""For each place; together more than ten thousand."""


def random_windows(chance: random.Random, minutes: float, most: int) -> list[tuple[str, str]]:
    cells = int(1440 / minutes)
    found = []
    for _ in range(chance.randint(0, most)):
        start, end = chance.sample(range(cells + 1), 2)
        if start < cells:
            found.append((text(start * minutes), text(end * minutes)))
    return found


def text(minutes: float) -> str:
    seconds = int(minutes * 60)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def seconds(time: str) -> int:
    hours, minutes, *rest = map(int, time.split(":"))
    return hours * 3600 + minutes * 60 + sum(rest)


def random_definition(chance: random.Random, zone: str, near: dt.date, minutes: float) -> dict:
    def dates(most: int) -> list[str]:
        return [str(near + dt.timedelta(days=chance.randint(-3, 3))) for _ in range(chance.randint(0, most))]

    breaks = {date: [w for w in random_windows(chance, minutes, 2) if w[0] < w[1]] for date in dates(2)}
    return {
        "timezone": zone,
        "hours": {day: random_windows(chance, minutes, 2) for day in DAYS},
        "holidays": dates(2),
        "overrides": {date: random_windows(chance, minutes, 2) for date in dates(3)},
        "breaks": breaks,
        "precedence": chance.choice(["override", "holiday"]),
    }


def wall_is_open(definition: dict, wall: dt.datetime) -> bool:
    """Say whether a wall time lies in a window of its date: the rules of dates, read off one by one."""
    date, yesterday = str(wall.date()), str(wall.date() - dt.timedelta(days=1))
    second = wall.hour * 3600 + wall.minute * 60 + wall.second
    if any(seconds(a) <= second < seconds(b) for a, b in definition["breaks"].get(date, [])):
        return False
    overrides, holidays = definition["overrides"], definition["holidays"]

    def governs(day: str) -> bool:
        return day in overrides and not (definition["precedence"] == "holiday" and day in holidays)

    if governs(date):
        return any(today(window, second) for window in overrides[date])
    if date in holidays:
        return False
    weekday = wall.weekday()
    hours = definition["hours"]
    if any(today(window, second) for window in hours[DAYS[weekday]]):
        return True
    if any(overnight(window, second) for window in hours[DAYS[weekday - 1]]):
        return True
    # Here the date is neither a holiday nor overridden, unless its override loses, and then it is a holiday.
    return governs(yesterday) and any(overnight(window, second) for window in overrides[yesterday])


def today(window: tuple[str, str], second: int) -> bool:
    start, end = map(seconds, window)
    return start <= second and (second < end or end < start)


def overnight(window: tuple[str, str], second: int) -> bool:
    start, end = map(seconds, window)
    return end < start and second < end


class Walk:
    """Three weeks around a date, cell by cell."""

    def __init__(self, definition: dict, near: dt.date, minutes: float) -> None:
        days = 10 if minutes >= 5 else 3
        zone = ZoneInfo(definition["timezone"])
        self.size = int(minutes * 60 * 1_000_000)
        begin = dt.datetime(near.year, near.month, near.day, tzinfo=UTC) - dt.timedelta(days=days)
        self.first = int(begin.timestamp()) * 1_000_000
        step = dt.timedelta(microseconds=self.size)
        greatest = dt.datetime.min  # noqa: DTZ901 - a wall clock has no zone
        for back in range(96):  # two days before, only to know the greatest wall clock at the beginning
            shown = (begin - dt.timedelta(minutes=30 * (back + 1))).astimezone(zone).replace(tzinfo=None)
            greatest = max(greatest, shown)
        self.open: list[bool] = []
        when = begin
        for _ in range(int(2 * days * 86_400_000_000 / self.size)):
            greatest = max(greatest, when.astimezone(zone).replace(tzinfo=None))
            self.open.append(wall_is_open(definition, greatest))
            when += step
        # How many cells before a cell are open: all counting that there is.
        self.count = list(accumulate(self.open, initial=0))

    def is_open(self, t: int) -> bool:
        return self.open[(t - self.first) // self.size]

    def before(self, t: int) -> int:
        cell, rest = divmod(t - self.first, self.size)
        return self.count[cell] * self.size + (rest if rest and self.open[cell] else 0)

    def between(self, a: int, b: int) -> int:
        return max(0, self.before(b) - self.before(a))

    def add(self, t: int, d: int, tie: str) -> int | None:
        """Walk on until *d* has passed, and for next_open on to an open instant; None beyond the walk."""
        while True:
            cell, rest = divmod(t - self.first, self.size)
            if cell >= len(self.open):
                return None
            if d == 0 and (tie == "earliest" or self.open[cell]):
                return t
            left = self.size - rest
            if self.open[cell]:
                if d < left:
                    return t + d
                d -= left
            t += left

    def subtract(self, t: int, d: int, tie: str) -> int | None:
        while True:
            cell, rest = divmod(t - self.first - 1, self.size)  # the cell that ends at t or holds it
            rest += 1
            if cell < 0:
                return None
            if d == 0 and tie == "prev_close" and self.open[cell]:
                return t
            if d == 0 and tie == "latest":
                return t
            if self.open[cell]:
                if d < rest:
                    return t - d
                d -= rest
            t -= rest


@pytest.mark.parametrize(("zone", "date", "minutes"), PLACES, ids=[f"{zone} {date}" for zone, date, _ in PLACES])
def test_no_query_disagrees_with_the_walk(zone, date, minutes):
    chance, near = random.Random(f"{zone} {date}"), dt.date.fromisoformat(date)
    asked = 0
    while asked < QUERIES:
        definition = random_definition(chance, zone, near, minutes)
        try:
            calendar = BusinessCalendar.from_dict(definition)
        except InvalidCalendar:
            assert not any(definition["hours"].values())
            continue
        walk = Walk(definition, near, minutes)
        last = walk.first + len(walk.open) * walk.size
        grid = range(walk.first + walk.size, last, walk.size)
        for _ in range(52):
            a, b = (chance.choice(grid) + chance.choice([0, 0, 0, -1, 1, chance.randrange(walk.size)]) for _ in "ab")
            compare(calendar, walk, min(a, last - 1), min(b, last - 1), chance.choice([0, 1, 1, 2, 9]) * walk.size)
            asked += 1


def compare(calendar: BusinessCalendar, walk: Walk, a: int, b: int, d: int) -> None:
    assert calendar._line.is_open(a) == walk.is_open(a)
    assert calendar.between_us(a, b) == walk.between(a, b)
    for duration in (d, walk.between(a, b), d + b % 7):
        for method, ties in (("add", ("earliest", "next_open")), ("subtract", ("latest", "prev_close"))):
            for tie in ties:
                expected = getattr(walk, method)(a, duration, tie)
                if expected is None:  # it lies outside the walk
                    continue
                try:
                    found = getattr(calendar, f"{method}_us")(a, duration, tie=tie)
                except NoBusinessTime:
                    found = None
                assert found == expected, (method, tie, a, duration)


def test_there_are_enough_queries_and_zones():
    assert len(PLACES) * QUERIES >= 10_000
    assert len({zone for zone, _, _ in PLACES}) >= 20
