"""The hostile inputs of the shared list that concern calendars, by the id that each has there."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
import sys

import pytest

from supportkit.businesstime import BusinessCalendar, InvalidCalendar, NoBusinessTime
from supportkit.errors import ConfigurationError

HOUR = dt.timedelta(hours=1)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def sundays(window: str) -> BusinessCalendar:
    windows = [window.split("-")] if window else []
    return BusinessCalendar(timezone="Europe/Berlin", hours={"sun": windows})


def test_time_01_a_naive_datetime_is_a_type_error_that_names_the_parameter():
    with pytest.raises(TypeError, match=r"^t must be an aware datetime"):
        BusinessCalendar.always_open().add(dt.datetime(2025, 1, 1), HOUR)  # noqa: DTZ001 - naive on purpose


def test_time_05_hours_that_cross_midnight():
    night = sundays("22:00-06:00")

    assert night.between(utc("2025-06-01T00:00"), utc("2025-06-03T00:00")) == 8 * HOUR


def test_time_05_hours_round_the_clock_are_the_wall_clock():
    day = sundays("00:00-24:00")

    # The Sundays on which the clock changes have 23 and 25 hours.
    assert day.between(utc("2025-03-29T12:00"), utc("2025-03-31T12:00")) == 23 * HOUR
    assert day.between(utc("2025-10-25T12:00"), utc("2025-10-27T12:00")) == 25 * HOUR


def test_time_05_a_window_inside_the_gap_is_empty_on_that_day():
    assert sundays("02:15-02:45").between(utc("2025-03-30T00:00"), utc("2025-03-31T00:00")) == 0 * HOUR


@pytest.mark.parametrize("window", ["", "09:00-09:00"])
def test_time_05_an_empty_week_and_an_empty_window_are_refused(window):
    with pytest.raises(InvalidCalendar):
        sundays(window)


@pytest.mark.timeout(10)
def test_time_08_no_open_hour_for_years_is_found_without_an_endless_loop():
    closed = [str(dt.date(2025, 1, 1) + dt.timedelta(days=day)) for day in range(6 * 366)]
    waiting = BusinessCalendar.from_dict({**sundays("09:00-17:00").to_dict(), "holidays": closed})
    over = BusinessCalendar(timezone="UTC", overrides={"2024-12-31": [("09:00", "10:00")]})

    assert waiting.next_open(utc("2025-01-01T00:00")).isoformat() == "2031-01-12T09:00:00+01:00"
    with pytest.raises(NoBusinessTime):
        over.next_open(utc("2025-01-01T00:00"))
    with pytest.raises(InvalidCalendar):
        BusinessCalendar.from_dict({**over.to_dict(), "overrides": {"2024-12-31": []}})


def test_time_11_an_unknown_zone_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="Mars/Base") as caught:
        BusinessCalendar.always_open("Mars/Base")

    assert isinstance(caught.value, InvalidCalendar)


# -- hostile calendars never hang ------------------------------------------------------------------------------------

HOSTILE = {
    "a second a week": {"hours": {"mon": [["00:00:00", "00:00:01"]]}},
    "only in the gap": {"timezone": "Europe/Berlin", "hours": {"sun": [["02:00", "02:00:01"]]}},
    "every day a holiday for 30 years": {
        "hours": {"mon": [["09:00", "17:00"]]},
        "holidays": [str(dt.date(2025, 1, 1) + dt.timedelta(days=day)) for day in range(30 * 366)],
    },
    "every day closed by an override": {
        "hours": {"mon": [["09:00", "17:00"]]},
        "overrides": {str(dt.date(2025, 1, 1) + dt.timedelta(days=day)): [] for day in range(10 * 366)},
    },
    "every Monday eaten by breaks": {
        "hours": {"mon": [["09:00", "17:00"]]},
        "breaks": {str(dt.date(2025, 1, 6) + dt.timedelta(weeks=week)): [["00:00", "24:00"]] for week in range(1000)},
    },
    "one opening in the year 1": {"overrides": {"0001-01-01": [["09:00", "17:00"]]}},
    "one opening in the year 9999": {
        "timezone": "Pacific/Kiritimati",
        "overrides": {"9999-12-31": [["23:00", "24:00"]]},
    },
    "the opposite zone": {"timezone": "Etc/GMT+12", "overrides": {"9999-12-31": [["23:00", "24:00"]]}},
    "open but for a second": {
        "hours": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), (("00:00:01", "24:00"),))
    },
    "never closed again": {
        "hours": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), (("00:00", "24:00"),)),
        "holidays": ["9998-12-31"],
    },
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("instant", ["0001-01-01T00:00", "2025-01-01T00:00", "9999-12-31T23:59:59"])
@pytest.mark.parametrize("hours", [0, 1, 10])
def test_every_call_on_a_hostile_calendar_ends_with_an_answer_or_a_declared_error(name, instant, hours):
    calendar = BusinessCalendar.from_dict({"timezone": "UTC", **HOSTILE[name]})
    t, d = utc(instant), hours * HOUR

    for call in (
        lambda: calendar.add(t, d),
        lambda: calendar.add(t, d, tie="next_open"),
        lambda: calendar.subtract(t, d),
        lambda: calendar.subtract(t, d, tie="prev_close"),
        lambda: calendar.between(t, t + HOUR),
        lambda: calendar.is_open(t),
        lambda: calendar.next_open(t),
        lambda: calendar.intervals(t, t + HOUR),
        lambda: calendar.draw(t.date()),
    ):
        with contextlib.suppress(NoBusinessTime, OverflowError):
            call()


def test_importing_business_time_loads_neither_its_extras_nor_pandas_or_pendulum():
    code = "import sys, supportkit.businesstime; print(*sys.modules, sep='\\n')"

    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()

    assert not {
        "icalendar",
        "recurring_ical_events",
        "holidays",
        "pendulum",
        "pandas",
        "numpy",
        "pytz",
        "dateutil",
    } & set(loaded)
