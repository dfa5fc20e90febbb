"""Times of logs: twelve-hour clocks, hours that come twice, and hours that a jump of the clock leaves out."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportkit.replay.times import time_reader

CITY = "%m/%d/%Y %I:%M:%S %p"
BOSTON = time_reader((CITY,), "America/New_York")
EARLY, LATE, JUMPING = (dt.datetime.fromisoformat(day) for day in ("1990-01-01", "2040-01-01", "2015-03-08"))


def utc(*parts):
    return dt.datetime(*parts, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "hour"),
    [("12:00:00 AM", 0), ("01:02:03 am", 1), ("12:00:00 PM", 12), ("11:59:59 pM", 23), ("1:00:00 PM", 13)],
)
def test_a_twelve_hour_clock_begins_with_twelve(text, hour):
    assert time_reader((CITY,), "UTC")(f"7/4/2015 {text}").hour == hour


@pytest.mark.parametrize("text", ["7/4/2015 00:00:00 AM", "7/4/2015 13:00:00 PM", "7/4/2015 1:00:00", "7/4/2015", ""])
def test_what_no_such_clock_shows_is_no_time(text):
    assert BOSTON(text) is None


@given(st.datetimes(EARLY, LATE), st.sampled_from([CITY, "%d.%m.%Y %I:%M %p"]))
def test_a_plain_format_is_read_as_strptime_reads_it(when, form):
    text = when.strftime(form)
    assert time_reader((form,), "UTC")(text) == dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC)


def test_an_hour_that_comes_twice_is_the_first_one():
    assert BOSTON("11/01/2015 01:30:00 AM") == utc(2015, 11, 1, 5, 30)
    assert BOSTON("11/01/2015 02:00:00 AM") == utc(2015, 11, 1, 7)


@pytest.mark.parametrize("text", ["02:00:00 AM", "02:30:00 AM", "02:59:59 AM", "03:00:00 AM"])
def test_a_time_that_the_jump_leaves_out_is_the_instant_of_the_jump(text):
    assert BOSTON(f"03/08/2015 {text}") == utc(2015, 3, 8, 7)


def test_a_jump_need_not_be_an_hour_long():
    lord_howe = time_reader(("iso",), "Australia/Lord_Howe")
    assert lord_howe("2015-10-04T02:10:00") == lord_howe("2015-10-04T02:30:00") == utc(2015, 10, 3, 15, 30)


def test_times_around_a_jump_keep_their_order():
    minutes = [JUMPING + dt.timedelta(minutes=minute) for minute in range(24 * 60)]
    read = [BOSTON(minute.strftime(CITY)) for minute in minutes]
    assert read == sorted(read)
    assert len(set(read)) == 23 * 60


def test_an_offset_wins_over_the_zone_of_a_gap():
    assert time_reader(("iso",), "America/New_York")("2015-03-08T02:30:00+00:00") == utc(2015, 3, 8, 2, 30)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "1-1-1"])
def test_years_at_the_ends_of_time_are_no_times(text):
    assert time_reader(("iso",), "America/New_York")(text) is None
