"""Holidays from other people's lists: iCalendar feeds, month-days, and the holidays package."""

from __future__ import annotations

import datetime as dt
import sys

import holidays as holidays_package
import pytest

from supportkit.businesstime import (
    BusinessCalendar,
    InvalidCalendar,
    SkippedEvent,
    from_holidays,
    holidays_from_ical,
    ical,
    yearly,
)
from supportkit.errors import ConfigurationError, LimitExceeded

START, END = dt.date(2025, 1, 1), dt.date(2026, 1, 1)


def feed(*events: str) -> str:
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{body}END:VCALENDAR\n"


def all_day(name: str, date: str, more: str = "") -> str:
    return f"UID:{name}\nSUMMARY:{name}\nDTSTART;VALUE=DATE:{date}\n{more}"


def days(*texts: str) -> tuple[dt.date, ...]:
    return tuple(dt.date.fromisoformat(text) for text in texts)


# -- iCalendar -------------------------------------------------------------------------------------------------------


def test_an_all_day_event_is_a_holiday():
    found = holidays_from_ical(feed(all_day("Labour Day", "20250501")), START, END)

    assert found.holidays == days("2025-05-01")
    assert (found.breaks, found.skipped) == ((), ())


def test_bytes_are_read_like_text():
    assert holidays_from_ical(feed(all_day("Ōmisoka", "20251231")).encode(), START, END).holidays == days("2025-12-31")


def test_the_end_of_an_event_of_several_days_is_exclusive():
    text = feed(all_day("Easter", "20250418", "DTEND;VALUE=DATE:20250422"))

    assert holidays_from_ical(text, START, END).holidays == days("2025-04-18", "2025-04-19", "2025-04-20", "2025-04-21")


def test_an_end_equal_to_the_start_is_one_day():
    text = feed(all_day("Slip", "20250418", "DTEND;VALUE=DATE:20250418"))

    assert holidays_from_ical(text, START, END).holidays == days("2025-04-18")


def test_recurrence_with_exceptions_and_additions_is_expanded():
    yearly_day = all_day("A", "20200101", "RRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20250101\nRDATE;VALUE=DATE:20250107")
    thanksgiving = all_day("B", "20001123", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH")

    assert holidays_from_ical(feed(yearly_day, thanksgiving), START, END).holidays == days("2025-01-07", "2025-11-27")


def test_a_single_occurrence_may_be_moved():
    rule = all_day("A", "20240310", "RRULE:FREQ=YEARLY")
    moved = all_day("A", "20250311", "RECURRENCE-ID;VALUE=DATE:20250310")

    assert holidays_from_ical(feed(rule, moved), START, END).holidays == days("2025-03-11")


def test_nothing_is_expanded_beyond_the_range():
    text = feed(
        all_day("A", "20241230", "DTEND;VALUE=DATE:20250103"),
        all_day("B", "20251231", "DTEND;VALUE=DATE:99991231"),
        all_day("C", "20260101"),
        all_day("D", "19700101", "RRULE:FREQ=DAILY;INTERVAL=20089"),  # 2025-01-01 is day 20,089 of the count
    )

    assert holidays_from_ical(text, START, END).holidays == days("2025-01-01", "2025-01-02", "2025-12-31")
    assert holidays_from_ical(text, START, START).holidays == ()


def test_events_outside_the_range_are_not_even_reported():
    text = feed(
        all_day("Gone", "20240501", "STATUS:CANCELLED"), all_day("Later", "20260501", "STATUS:CANCELLED"), PARTY
    )

    found = holidays_from_ical(text, START, dt.date(2025, 5, 5))

    assert (found.holidays, found.breaks, found.skipped) == ((), (), ())


def test_recurrence_goes_on_beyond_2038():
    text = feed(all_day("A", "20200310", "RRULE:FREQ=YEARLY"), all_day("B", "20450101"))

    found = holidays_from_ical(text, dt.date(2045, 1, 1), dt.date(2046, 1, 1))

    assert found.holidays == days("2045-01-01", "2045-03-10")


def test_a_cancelled_event_is_reported_and_left_out():
    found = holidays_from_ical(feed(all_day("Gone", "20250501", "STATUS:CANCELLED")), START, END)

    assert found.holidays == ()
    assert found.skipped == (SkippedEvent(name="Gone", date=dt.date(2025, 5, 1), reason="it is cancelled"),)


def test_a_filter_decides_and_what_it_leaves_out_is_reported():
    text = feed(all_day("Mother's Day", "20250511"), all_day("Ascension", "20250529"))

    found = holidays_from_ical(text, START, END, include=lambda name, date: name == "Ascension" and date.month == 5)

    assert found.holidays == days("2025-05-29")
    assert found.skipped == (
        SkippedEvent(name="Mother's Day", date=dt.date(2025, 5, 11), reason="it was not included"),
    )


PARTY = "UID:p\nSUMMARY:Party\nDTSTART;TZID=Europe/Berlin:20250505T150000\nDTEND;TZID=Europe/Berlin:20250505T163000"
NIGHT = "UID:n\nSUMMARY:Move\nDTSTART:20250630T220000Z\nDTEND:20250702T020000Z"


def test_timed_events_are_skipped_with_a_reason():
    found = holidays_from_ical(feed(PARTY), START, END)

    assert found.holidays == ()
    assert found.skipped[0].reason == "it has a time; all-day events are holidays"


def test_timed_events_become_breaks_on_request():
    found = holidays_from_ical(feed(PARTY, NIGHT), START, END, timed="breaks")

    assert dict(found.breaks) == {
        dt.date(2025, 5, 5): (("15:00", "16:30"),),
        dt.date(2025, 6, 30): (("22:00", "24:00"),),
        dt.date(2025, 7, 1): (("00:00", "24:00"),),
        dt.date(2025, 7, 2): (("00:00", "02:00"),),
    }


def test_breaks_are_written_on_the_wall_clock_of_the_calendar():
    found = holidays_from_ical(feed(PARTY), START, END, timed="breaks", timezone="America/New_York")

    assert dict(found.breaks) == {dt.date(2025, 5, 5): (("09:00", "10:30"),)}


def test_a_break_without_length_is_reported():
    found = holidays_from_ical(feed(PARTY.replace("163000", "150000")), START, END, timed="breaks")

    assert found.breaks == ()
    assert found.skipped[0].reason == "it takes no time on the wall clock"


def test_what_was_found_goes_into_a_calendar():
    found = holidays_from_ical(feed(all_day("Labour Day", "20250501"), PARTY), START, END, timed="breaks")
    hours = {"mon": [("09:00", "17:00")], "thu": [("09:00", "17:00")]}

    desk = BusinessCalendar(timezone="Europe/Berlin", hours=hours, holidays=found.holidays, breaks=found.breaks)

    assert desk.windows_on(dt.date(2025, 5, 1)) == ()
    assert desk.windows_on(dt.date(2025, 5, 5)) == (("09:00", "15:00"), ("16:30", "17:00"))


@pytest.mark.parametrize("text", ["", "hello", "BEGIN:VEVENT\nEND:VEVENT", "BEGIN:VCALENDAR", b"\xff\xfe"])
def test_what_is_no_feed_is_refused(text):
    with pytest.raises(InvalidCalendar, match="not an iCalendar feed"):
        holidays_from_ical(text, START, END)


@pytest.mark.parametrize(
    "broken",
    [
        "SUMMARY:No start",
        all_day("X", "2025"),
        all_day("X", "20250230"),
        all_day("X", "20250101", "RRULE:FREQ=FOO"),
        all_day("X", "20250101", "RRULE:FREQ=SECONDLY"),
        all_day("X", "20250101", "RRULE:FREQ=DAILY;BYHOUR=1,2,3"),
        all_day("X", "20250101", "RRULE:FREQ=DAILY;INTERVAL=0"),
    ],
)
def test_a_broken_event_costs_only_itself_and_is_reported(broken):
    found = holidays_from_ical(feed(broken, all_day("Good", "20250501")), START, END)

    assert dt.date(2025, 5, 1) in found.holidays
    assert [event.date for event in found.skipped] == [None] or len(found.holidays) > 1
    assert all(event.reason for event in found.skipped)


def test_the_size_of_a_feed_is_limited_before_it_is_parsed():
    with pytest.raises(LimitExceeded, match="size of the feed"):
        holidays_from_ical("x" * (ical.MAX_CHARACTERS + 1), START, END)


def test_the_number_of_events_is_limited_before_it_is_parsed():
    with pytest.raises(LimitExceeded, match="events of the feed"):
        holidays_from_ical("begin:vevent\n" * (ical.MAX_EVENTS + 1), START, END)


def test_the_range_is_limited():
    with pytest.raises(LimitExceeded, match="days of the range"):
        holidays_from_ical(feed(), START, dt.date(9999, 1, 1))


def test_the_work_of_recurrence_rules_is_limited():
    eternal = [all_day(f"E{n}", "00010101", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30") for n in range(8)]

    with pytest.raises(LimitExceeded, match="days that recurrence rules run through"):
        holidays_from_ical(feed(*eternal), START, END)


def test_the_number_of_occurrences_is_limited(monkeypatch):
    monkeypatch.setattr(ical, "MAX_OCCURRENCES", 100)

    with pytest.raises(LimitExceeded, match="occurrences in the range"):
        holidays_from_ical(feed(all_day("Daily", "20250101", "RRULE:FREQ=DAILY")), START, END)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="'skip', 'breaks'"):
        holidays_from_ical(feed(), START, END, timed="holidays")
    with pytest.raises(ValueError, match="before it starts"):
        holidays_from_ical(feed(), END, START)
    with pytest.raises(InvalidCalendar, match="timezone"):
        holidays_from_ical(feed(), START, END, timezone="Mars/Base")


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "icalendar", None)

    with pytest.raises(ConfigurationError, match=r"supportkit\[ical\]"):
        holidays_from_ical(feed(), START, END)


# -- month-days ------------------------------------------------------------------------------------------------------


def test_month_days_are_expanded_over_the_years():
    assert yearly(["12-25", "01-01"], [2025, 2026]) == days("2025-01-01", "2025-12-25", "2026-01-01", "2026-12-25")


def test_the_leap_day_exists_in_leap_years_only():
    assert yearly(["02-29"], range(1896, 1913)) == days("1896-02-29", "1904-02-29", "1908-02-29", "1912-02-29")


@pytest.mark.parametrize("text", ["02-30", "04-31", "13-01", "1-1", "2025-01-01", "", None, 101])
def test_what_is_no_day_of_the_year_is_refused(text):
    with pytest.raises(InvalidCalendar, match="MM-DD"):
        yearly([text], [2025])


# -- the holidays package --------------------------------------------------------------------------------------------

WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("09:00", "18:00"),))


def russia(**more: object) -> BusinessCalendar:
    source = holidays_package.country_holidays("RU")
    return from_holidays(source, [2024], timezone="Europe/Moscow", hours=WEEK, **more)


def test_russia_in_2024():
    desk = russia()

    assert len(desk.holidays) == 19
    for worked in days("2024-04-27", "2024-11-02", "2024-12-28"):
        assert desk.windows_on(worked) == (("09:00", "18:00"),)
    for closed in days("2024-04-29", "2024-12-30"):
        assert desk.windows_on(closed) == ()
    assert desk.windows_on(dt.date(2024, 4, 20)) == ()


def test_the_holidays_are_known_until_the_end_of_the_last_year_unless_told():
    assert russia().known_until == dt.date(2024, 12, 31)
    assert russia(known_until="2024-06-30").known_until == dt.date(2024, 6, 30)


def test_short_days_and_own_changes_win_over_the_source():
    desk = russia(
        short_days={"2024-03-07": [("09:00", "17:00")], "2024-11-02": [("09:00", "17:00")]},
        overrides={"2024-12-28": []},
        holidays=["2024-08-01"],
        name="Moscow",
    )

    assert desk.windows_on(dt.date(2024, 3, 7)) == (("09:00", "17:00"),)
    assert desk.windows_on(dt.date(2024, 11, 2)) == (("09:00", "17:00"),)
    assert desk.windows_on(dt.date(2024, 12, 28)) == ()
    assert desk.windows_on(dt.date(2024, 8, 1)) == ()
    assert desk.name == "Moscow"


def test_a_moved_working_day_has_the_hours_of_the_day_that_is_named():
    friday = {**WEEK, "fri": (("09:00", "15:00"),)}
    source = holidays_package.country_holidays("RU")

    desk = from_holidays(source, [2024], timezone="Europe/Moscow", hours=friday, workday_like="fri")

    assert desk.windows_on(dt.date(2024, 4, 27)) == (("09:00", "15:00"),)


def test_years_that_were_not_asked_for_are_left_out():
    source = holidays_package.country_holidays("RU", years=[2023, 2024, 2025])

    desk = from_holidays(source, [2024], timezone="Europe/Moscow", hours=WEEK)

    assert {date.year for date in desk.holidays} == {2024}
    assert {date.year for date, _ in desk.overrides} == {2024}


def test_a_plain_collection_of_dates_is_a_source_too():
    desk = from_holidays({dt.date(2024, 5, 1): "Labour Day"}, [2024], timezone="UTC", hours=WEEK)

    assert desk.holidays == {dt.date(2024, 5, 1)}


def test_a_source_that_cannot_fill_a_year_is_refused():
    fixed = holidays_package.country_holidays("RU", years=2023, expand=False)

    with pytest.raises(InvalidCalendar, match="2024"):
        from_holidays(fixed, [2024], timezone="Europe/Moscow", hours=WEEK)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"years": []}, "at least one year"),
        ({"workday_like": "sun"}, "no hours"),
        ({"workday_like": "monday"}, "weekday"),
    ],
)
def test_wrong_arguments_are_refused(more, problem):
    source = holidays_package.country_holidays("RU")

    with pytest.raises(InvalidCalendar, match=problem):
        from_holidays(source, **{"years": [2024], "timezone": "Europe/Moscow", "hours": WEEK, **more})
