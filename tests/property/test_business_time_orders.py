"""What more closed time, more open time, a later start or a longer duration do to a due; by number of the property."""

from __future__ import annotations

import datetime as dt
import itertools

import attrs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.property.test_business_time_laws import CHANGES, DAY_US, DAYS, calendars, durations, micros, windows

from supportkit.businesstime import BusinessCalendar, InvalidCalendar, NoBusinessTime
from supportkit.clock import from_us, to_us

NEVER = 10**20
"""Later than any instant: what a calendar without that much open time answers, and earlier when negated."""

ORDERS = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
any_calendar = calendars() | calendars(weekly=False)


def due(calendar: BusinessCalendar, t: int, d: int, tie: str) -> int:
    try:
        return calendar.add_us(t, d, tie=tie)
    except NoBusinessTime:
        return NEVER


def start(calendar: BusinessCalendar, t: int, d: int, tie: str) -> int:
    try:
        return calendar.subtract_us(t, d, tie=tie)
    except NoBusinessTime:
        return -NEVER


def near(calendar: BusinessCalendar) -> st.SearchStrategy[dt.date]:
    change = dt.date.fromisoformat(CHANGES[calendar.timezone])
    return st.integers(-10, 10).map(lambda days: change + dt.timedelta(days=days))


def compare(less: BusinessCalendar, more: BusinessCalendar, t: int, u: int, d: int) -> None:
    """Assert that *more* is open whenever *less* is, as far as queries can tell."""
    t, u = min(t, u), max(t, u)
    assert less.between_us(t, u) <= more.between_us(t, u)
    assert less.is_open(from_us(t)) <= more.is_open(from_us(t))
    for tie in ("earliest", "next_open"):
        assert due(more, t, d, tie) <= due(less, t, d, tie)
    for tie in ("latest", "prev_close"):
        assert start(more, t, d, tie) >= start(less, t, d, tie)


# -- 4, 5 and 7: add and between are one another's adjoints, and monotone --------------------------------------------


@ORDERS
@given(st.data(), any_calendar, durations.filter(bool))
def test_4_as_much_time_has_passed_exactly_from_the_due_on(data, calendar, d):
    a = data.draw(micros(calendar))
    end = due(calendar, a, d, "earliest")
    found = data.draw(micros(calendar))
    near_due = [end + off for off in (-DAY_US, -1, 0, 1, DAY_US)] if end < NEVER else []
    for x in (*near_due, found):
        assert x < a or (calendar.between_us(a, x) >= d) == (x >= end)


@ORDERS
@given(st.data(), any_calendar)
def test_5_adding_the_time_between_never_leads_beyond_and_leads_there_after_open_time(data, calendar):
    a, x = sorted(data.draw(micros(calendar)) for _ in range(2))
    back = calendar.add_us(a, calendar.between_us(a, x))

    assert back <= x
    assert (back == x) == (x == a or calendar.between_us(x - 1, x) == 1)


@ORDERS
@given(st.data(), any_calendar, durations, durations)
def test_7_a_later_start_and_a_longer_duration_never_make_a_due_earlier(data, calendar, d, more):
    a, b = sorted(data.draw(micros(calendar)) for _ in range(2))

    for tie in ("earliest", "next_open"):
        assert due(calendar, a, d, tie) <= due(calendar, b, d, tie)
        assert due(calendar, a, d, tie) <= due(calendar, a, d + more, tie)
    for tie in ("latest", "prev_close"):
        assert start(calendar, a, d, tie) <= start(calendar, b, d, tie)
        assert start(calendar, b, d + more, tie) <= start(calendar, b, d, tie)


@ORDERS
@given(st.data(), any_calendar, durations)
def test_8_the_zone_in_which_an_instant_is_written_does_not_matter_in_a_repeated_hour_either(data, calendar, d):
    t = data.draw(micros(calendar))
    local = from_us(t).astimezone(calendar.zone)

    assert to_us(local) == t
    assert calendar.is_open(local) == calendar.is_open(from_us(t))
    assert calendar.between(local, from_us(t) + dt.timedelta(microseconds=d)) == dt.timedelta(
        microseconds=calendar.between_us(t, t + d)
    )


# -- 9 and 12: less and more open time -------------------------------------------------------------------------------


@ORDERS
@given(st.data(), any_calendar, durations)
def test_9_a_further_holiday_never_makes_a_due_earlier(data, calendar, d):
    more = data.draw(st.sets(near(calendar), min_size=1, max_size=3))
    try:
        closed = attrs.evolve(calendar, holidays=calendar.holidays | more)
    except InvalidCalendar:  # it was open on these dates only
        return
    t, u = (data.draw(micros(calendar)) for _ in range(2))

    compare(closed, calendar, t, u, d)


@ORDERS
@given(st.data(), any_calendar, durations)
def test_9_a_further_break_or_a_closed_override_never_makes_a_due_earlier(data, calendar, d):
    date = data.draw(near(calendar))
    holes = [window for window in data.draw(windows()) if window[0] < window[1]]
    breaks = {**dict(calendar.breaks), date: [*dict(calendar.breaks).get(date, ()), *holes]}
    overrides = dict(calendar.overrides)
    if data.draw(st.booleans()):
        overrides[date] = ()
    try:
        closed = attrs.evolve(calendar, breaks=breaks, overrides=overrides)
    except InvalidCalendar:
        return
    t, u = (data.draw(micros(calendar)) for _ in range(2))

    compare(closed, calendar, t, u, d)


@ORDERS
@given(st.data(), any_calendar, durations, st.sampled_from(["week", "week", "override", "break", "holiday"]))
def test_12_more_opening_hours_never_make_a_due_later(data, calendar, d, what):
    hours, overrides = dict(calendar.hours), dict(calendar.overrides)
    match what:
        case "week":  # a window more on a weekday
            day = data.draw(st.sampled_from(sorted(hours) or DAYS))
            start, end = max(hours.get(day, ()), default=("00:00", "24:00"))
            inside = [("12:00", "12:30")] if start < "12:00" and end > "12:30" else []  # adds nothing, takes nothing
            hours[day] = [*hours.get(day, ()), *data.draw(windows()), *inside]
            longer = attrs.evolve(calendar, hours=hours)
        case "override":  # a window more on a date that is replaced anyway
            assume(overrides)
            date = data.draw(st.sampled_from(sorted(overrides)))
            overrides[date] = [*overrides[date], *data.draw(windows())]
            longer = attrs.evolve(calendar, overrides=overrides)
        case "break":
            longer = attrs.evolve(calendar, breaks=calendar.breaks[1:])
        case _:
            longer = attrs.evolve(calendar, holidays=sorted(calendar.holidays)[1:])
    t, u = (data.draw(micros(calendar)) for _ in range(2))

    compare(calendar, longer, t, u, d)


# -- 14 --------------------------------------------------------------------------------------------------------------


@ORDERS
@given(any_calendar, st.integers(-400, 400), st.integers(1, 900))
def test_14_open_intervals_are_disjoint_ascending_and_not_empty_over_years_too(calendar, first, days):
    a = to_us(dt.datetime.fromisoformat(CHANGES[calendar.timezone] + "T00:00+00:00")) + first * DAY_US
    spans = calendar._line.intervals(a, a + days * DAY_US)

    assert all(start < end for start, end in spans)
    assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))


# -- 10 --------------------------------------------------------------------------------------------------------------


@ORDERS
@given(st.data(), st.sampled_from(sorted(CHANGES)), durations, st.sampled_from(["00:00", "09:00", "23:59:59"]))
def test_10_hours_that_leave_nothing_out_are_absolute_time_however_they_are_written(data, zone, d, cut):
    week = {"00:00": [("00:00", "24:00")]}.get(cut, [("00:00", cut), (cut, "24:00")])
    nights = [(cut, "00:00"), ("00:00", cut)] if cut != "00:00" else [("00:00", "12:00"), ("12:00", "00:00")]
    calendar = BusinessCalendar(timezone=zone, hours={day: (week, nights)[i % 2] for i, day in enumerate(DAYS)})
    t = data.draw(micros(calendar))

    assert calendar.add_us(t, d) == calendar.add_us(t, d, tie="next_open") == t + d
    assert calendar.subtract_us(t, d) == t - d
    assert calendar.between_us(t, t + d) == d
