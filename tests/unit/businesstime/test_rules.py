"""Which rule governs a date, and what becomes of windows that cross midnight."""

from __future__ import annotations

import datetime as dt

import pytest

from supportkit.businesstime import BusinessCalendar

FRIDAY, SATURDAY, SUNDAY = (dt.date(2025, 4, day) for day in (25, 26, 27))
NIGHT = [("22:00", "06:00")]
DAY = [("10:00", "14:00")]
TAIL = (("00:00", "06:00"),)


def desk(**parts: object) -> BusinessCalendar:
    return BusinessCalendar(timezone="Europe/Berlin", **{"hours": {"fri": NIGHT}, **parts})


def test_an_overnight_window_belongs_to_two_dates():
    assert desk().windows_on(FRIDAY) == (("22:00", "24:00"),)
    assert desk().windows_on(SATURDAY) == TAIL


def test_the_night_of_sunday_ends_on_monday():
    assert desk(hours={"sun": NIGHT}).windows_on(dt.date(2025, 4, 28)) == TAIL


def test_a_holiday_cuts_the_night_at_midnight_and_leaves_the_tail_to_the_next_date():
    closed = desk(holidays=[FRIDAY])

    assert closed.windows_on(FRIDAY) == ()
    assert closed.windows_on(SATURDAY) == TAIL


def test_a_holiday_closes_the_tail_of_the_night_before():
    closed = desk(holidays=[SATURDAY])

    assert closed.windows_on(FRIDAY) == (("22:00", "24:00"),)
    assert closed.windows_on(SATURDAY) == ()


def test_an_override_replaces_the_whole_day_with_the_tail_of_the_night_before():
    assert desk(overrides={SATURDAY: DAY}).windows_on(SATURDAY) == (("10:00", "14:00"),)


def test_an_override_of_the_evening_leaves_the_weekly_tail():
    moved = desk(overrides={FRIDAY: DAY})

    assert moved.windows_on(FRIDAY) == (("10:00", "14:00"),)
    assert moved.windows_on(SATURDAY) == TAIL


def test_an_override_that_crosses_midnight_adds_its_tail():
    late = desk(hours={"sun": DAY}, overrides={SATURDAY: [("20:00", "02:00")]})

    assert late.windows_on(SUNDAY) == (("00:00", "02:00"), ("10:00", "14:00"))


@pytest.mark.parametrize("more", [{"holidays": [SUNDAY]}, {"overrides": {SATURDAY: NIGHT, SUNDAY: DAY}}])
def test_the_tail_of_an_override_yields_to_a_holiday_and_to_another_override(more):
    late = desk(**{"overrides": {SATURDAY: NIGHT}, **more})

    assert late.windows_on(SUNDAY) == (() if "holidays" in more else (("10:00", "14:00"),))


def test_the_tail_of_an_override_yields_to_an_override_that_loses_to_its_holiday():
    late = desk(overrides={SATURDAY: NIGHT, SUNDAY: DAY}, holidays=[SUNDAY], precedence="holiday")

    assert late.windows_on(SUNDAY) == ()


def test_an_override_that_loses_to_a_holiday_adds_nothing():
    late = desk(overrides={SATURDAY: NIGHT}, holidays=[SATURDAY], precedence="holiday")

    assert late.windows_on(SATURDAY) == ()
    assert late.windows_on(SUNDAY) == ()


@pytest.mark.parametrize(
    ("precedence", "rule", "windows"), [("override", "override", (("10:00", "14:00"),)), ("holiday", "holiday", ())]
)
def test_precedence_decides_on_a_date_that_is_both(precedence, rule, windows):
    both = desk(overrides={FRIDAY: DAY}, holidays=[FRIDAY], precedence=precedence)

    assert both.rule_on(FRIDAY) == rule
    assert both.windows_on(FRIDAY) == windows


def test_a_date_without_a_rule_of_its_own_is_weekly():
    assert desk().rule_on(FRIDAY) == "weekly"
    assert desk(holidays=[FRIDAY]).rule_on(FRIDAY) == "holiday"


def test_breaks_are_cut_last_from_whatever_the_date_has():
    cuts = {FRIDAY: [("12:00", "23:00")], SATURDAY: [("05:00", "05:30"), ("05:30", "24:00")]}
    cut = desk(overrides={FRIDAY: [("10:00", "14:00"), ("22:00", "01:00")]}, breaks=cuts)

    assert cut.windows_on(FRIDAY) == (("10:00", "12:00"), ("23:00", "24:00"))
    # The weekly tail and that of the override overlap.
    assert cut.windows_on(SATURDAY) == (("00:00", "05:00"),)


def test_a_break_in_the_middle_makes_two_windows():
    cut = desk(hours={"fri": [("09:00", "17:00")]}, breaks={FRIDAY: [("12:00", "13:00")]})

    assert cut.windows_on(FRIDAY) == (("09:00", "12:00"), ("13:00", "17:00"))


def test_a_break_cannot_open_a_closed_date():
    assert desk(breaks={SUNDAY: [("10:00", "11:00")]}).windows_on(SUNDAY) == ()


def test_the_last_date_of_all_has_no_next_one():
    last = desk(overrides={dt.date.max: [("22:00", "06:00")]})

    assert last.windows_on(dt.date.max) == (("22:00", "24:00"),)
