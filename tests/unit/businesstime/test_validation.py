"""Every calendar that must be refused, and what a valid one becomes."""

from __future__ import annotations

import datetime as dt
import json
import pickle

import attrs
import pytest

from supportkit.businesstime import BusinessCalendar, InvalidCalendar, NoBusinessTime
from supportkit.errors import ConfigurationError, SupportkitError

NINE_TO_FIVE = [["09:00", "17:00"]]
EXAMPLE = {
    "timezone": "Europe/Berlin",
    "hours": {"mon": [["09:00", "13:00"], ["14:00", "18:00"]], "fri": [["22:00", "06:00"]]},
    "holidays": ["2025-04-18"],
    "overrides": {"2025-04-26": [["10:00", "14:00"]], "2025-12-24": []},
    "breaks": {"2025-04-24": [["15:00", "15:30"]]},
    "precedence": "override",
}


def calendar(**changes: object) -> BusinessCalendar:
    return BusinessCalendar.from_dict({"timezone": "UTC", "hours": {"mon": NINE_TO_FIVE}, **changes})


@pytest.mark.parametrize(
    "zone",
    [
        "Mars/Base",
        "",
        "europe berlin",
        "../../etc/passwd",
        "/etc/passwd",
        "Europe",
        "a\0b",
        "\ud800",
        "localtime",
        "right/UTC",
        "UTC+2",
        "x" * 10_000,
        None,
        3,
        dt.UTC,
    ],
)
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(InvalidCalendar, match="timezone"):
        calendar(timezone=zone)


@pytest.mark.parametrize(
    "time",
    [
        "9:00",
        "09",
        "0900",
        "24:01",
        "25:00",
        "09:60",
        "09:00:60",
        "09:00:00.5",
        "-1:00",
        " 09:00",
        "09:00\n",
        "",
        "\u0660\u0669:\u0660\u0660",
        None,
        9,
        9.5,
        ["09:00"],
        dt.time(9, 0, 0, 1),
        dt.time(9, tzinfo=dt.UTC),
        "24:00:01",
    ],
)
def test_a_malformed_time_is_refused_on_either_side(time):
    with pytest.raises(InvalidCalendar, match="wall time"):
        calendar(hours={"mon": [[time, "17:30"]]})
    with pytest.raises(InvalidCalendar, match="wall time"):
        calendar(hours={"mon": [["08:30", time]]})


@pytest.mark.parametrize(
    "window", ["09:00-17:00", "ab", [], ["09:00"], ["09:00", "12:00", "13:00"], None, 5, {"09:00": "17:00"}]
)
def test_a_window_is_a_pair(window):
    with pytest.raises(InvalidCalendar, match="not a window"):
        calendar(hours={"mon": [window]})


@pytest.mark.parametrize("window", [["09:00", "09:00"], ["00:00", "00:00"], ["09:00:00", "09:00"]])
def test_a_window_with_start_equal_to_end_is_refused(window):
    with pytest.raises(InvalidCalendar, match="is empty"):
        calendar(hours={"mon": [window]})


@pytest.mark.parametrize("end", ["06:00", "24:00"])
def test_a_start_of_24_is_refused(end):
    with pytest.raises(InvalidCalendar, match="cannot start at 24:00"):
        calendar(hours={"mon": [["24:00", end]]})


@pytest.mark.parametrize(
    "date",
    [
        "2025-02-30",
        "2025-2-3",
        "20250203",
        "2025-W05-1",
        "2025-02-03T00:00:00",
        "0000-01-01",
        "03.02.2025",
        "",
        None,
        20250203,
        dt.datetime(2025, 2, 3, tzinfo=dt.UTC),
    ],
)
def test_a_malformed_date_is_refused_wherever_it_stands(date):
    for changes in ({"holidays": [date]}, {"overrides": {date: []}}, {"breaks": {date: NINE_TO_FIVE}}):
        with pytest.raises(InvalidCalendar):
            calendar(**changes)


@pytest.mark.parametrize("day", ["Mon", "monday", "mo", "", 0, None, "sun "])
def test_a_malformed_weekday_is_refused(day):
    with pytest.raises(InvalidCalendar, match="weekday"):
        calendar(hours={day: NINE_TO_FIVE})


def test_an_unknown_key_is_refused_with_a_suggestion():
    with pytest.raises(InvalidCalendar, match="did you mean 'holidays'"):
        calendar(holiday=["2025-01-01"])


def test_a_missing_zone_is_refused():
    with pytest.raises(InvalidCalendar, match="needs a 'timezone'"):
        BusinessCalendar.from_dict({"hours": {"mon": NINE_TO_FIVE}})


@pytest.mark.parametrize("data", [None, 5, "UTC", [1, 2]])
def test_what_is_no_mapping_is_refused(data):
    with pytest.raises(InvalidCalendar, match="mapping"):
        BusinessCalendar.from_dict(data)


@pytest.mark.parametrize("window", [["15:00", "14:00"], ["15:00", "15:00"], ["23:00", "00:00"]])
def test_a_break_whose_end_is_not_after_its_start_is_refused(window):
    with pytest.raises(InvalidCalendar, match="must end after it starts"):
        calendar(breaks={"2025-04-24": [window]})


@pytest.mark.parametrize(
    "changes",
    [
        {"hours": []},
        {"hours": None},
        {"hours": "mon"},
        {"hours": {"mon": None}},
        {"hours": {"mon": "09:00-17:00"}},
        {"hours": {"mon": {"09:00": "17:00"}}},
        {"holidays": None},
        {"holidays": "2025-01-01"},
        {"holidays": 5},
        {"overrides": ["2025-01-01"]},
        {"overrides": {"2025-01-01": None}},
        {"breaks": 5},
        {"precedence": "both"},
        {"precedence": None},
        {"name": 5},
        {"known_until": "soon"},
        {"hours": (("mon", NINE_TO_FIVE), ("mon", []))},
        {"overrides": {"2025-01-01": [], dt.date(2025, 1, 1): NINE_TO_FIVE}},
    ],
)
def test_a_part_of_another_shape_is_refused(changes):
    with pytest.raises(InvalidCalendar):
        calendar(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hours": {"mon": []}},
        {"overrides": {"2025-01-01": []}},
        {"overrides": {"2025-01-01": NINE_TO_FIVE}, "breaks": {"2025-01-01": [["08:00", "18:00"]]}},
        {"overrides": {"2025-01-01": NINE_TO_FIVE}, "holidays": ["2025-01-01"], "precedence": "holiday"},
        # On the wall clock this opens for half an hour, but on that night the half-hour does not happen.
        {"timezone": "Europe/Berlin", "overrides": {"2025-03-30": [["02:15", "02:45"]]}},
        {"timezone": "Pacific/Apia", "overrides": {"2011-12-30": NINE_TO_FIVE}},
    ],
)
def test_a_calendar_that_never_opens_is_refused(changes):
    with pytest.raises(InvalidCalendar, match="never opens"):
        BusinessCalendar.from_dict({"timezone": "UTC", **changes})


def test_the_tail_of_an_override_alone_is_open_time():
    # Only the part after midnight is left: the break takes the evening.
    night = BusinessCalendar.from_dict(
        {
            "timezone": "UTC",
            "overrides": {"2025-01-01": [["22:00", "06:00"]]},
            "breaks": {"2025-01-01": [["00:00", "24:00"]]},
        }
    )

    assert night.windows_on(dt.date(2025, 1, 2)) == (("00:00", "06:00"),)


def test_the_errors_say_whose_fault_it_is():
    assert {ConfigurationError, ValueError} < set(InvalidCalendar.__mro__)
    assert {SupportkitError, ValueError} < set(NoBusinessTime.__mro__)
    assert (InvalidCalendar.code, NoBusinessTime.code) == ("configuration.calendar", "no_business_time")
    assert not issubclass(NoBusinessTime, ConfigurationError)


# -- what a valid one becomes ----------------------------------------------------------------------------------------


def test_the_dict_form_goes_through_json_and_back_unchanged():
    assert BusinessCalendar.from_dict(json.loads(json.dumps(EXAMPLE))).to_dict() == EXAMPLE


def test_name_and_known_until_are_part_of_the_dict_form():
    given = {**EXAMPLE, "name": "Support", "known_until": "2025-12-31"}

    assert BusinessCalendar.from_dict(given).to_dict() == given


def test_calendars_that_are_defined_alike_are_equal_and_hash_alike():
    typed = BusinessCalendar(
        timezone="Europe/Berlin",
        hours={"fri": [(dt.time(22), dt.time(6))], "mon": [("14:00", "18:00:00"), ("09:00", "13:00")], "tue": []},
        holidays={dt.date(2025, 4, 18)},
        overrides={dt.date(2025, 12, 24): [], "2025-04-26": [("10:00", "14:00")]},
        breaks={dt.date(2025, 4, 24): [("15:00", "15:30")], "2025-04-25": []},
    )
    other = BusinessCalendar.from_dict(EXAMPLE)

    assert typed == other
    assert hash(typed) == hash(other)
    assert typed.revision == other.revision


@pytest.mark.parametrize(
    "changes",
    [
        {"timezone": "Europe/Vienna"},
        {"hours": {"mon": NINE_TO_FIVE}},
        {"holidays": []},
        {"overrides": {}},
        {"breaks": {}},
        {"precedence": "holiday"},
        {"name": "Support"},
        {"known_until": "2025-12-31"},
    ],
)
def test_every_part_of_the_definition_makes_another_revision(changes):
    one, other = BusinessCalendar.from_dict(EXAMPLE), BusinessCalendar.from_dict({**EXAMPLE, **changes})

    assert one != other
    assert one.revision != other.revision


def test_a_calendar_cannot_be_changed():
    desk = BusinessCalendar.from_dict(EXAMPLE)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        desk.timezone = "UTC"
    assert desk.to_dict() == EXAMPLE


def test_a_changed_copy_is_a_calendar_of_its_own():
    desk = BusinessCalendar.from_dict(EXAMPLE)

    closed = attrs.evolve(desk, holidays=[*desk.holidays, "2025-04-21"])

    assert closed.to_dict() == {**EXAMPLE, "holidays": ["2025-04-18", "2025-04-21"]}
    assert closed.windows_on(dt.date(2025, 4, 21)) == ()


def test_a_calendar_survives_pickling():
    desk = BusinessCalendar.from_dict(EXAMPLE)

    copy = pickle.loads(pickle.dumps(desk))

    assert copy == desk
    assert copy.next_open(dt.datetime(2025, 4, 19, tzinfo=dt.UTC)) == desk.next_open(
        dt.datetime(2025, 4, 19, tzinfo=dt.UTC)
    )


def test_an_end_of_midnight_is_the_end_of_the_day():
    assert calendar(hours={"mon": [["09:00", "00:00"]]}) == calendar(hours={"mon": [["09:00", "24:00"]]})


def test_windows_that_overlap_or_touch_count_once():
    desk = calendar(hours={"mon": [["09:00", "12:00"], ["11:00", "13:00"], ["13:00", "14:00"], ["10:00", "10:30"]]})

    assert desk.windows_on(dt.date(2025, 1, 6)) == (("09:00", "14:00"),)


def test_seconds_are_kept():
    desk = calendar(hours={"mon": [["09:00:30", "09:01:15"]]})

    assert desk.to_dict()["hours"] == {"mon": [["09:00:30", "09:01:15"]]}
    start = dt.datetime(2025, 1, 6, tzinfo=dt.UTC)
    assert desk.between(start, start + dt.timedelta(days=1)) == dt.timedelta(seconds=45)


def test_the_short_forms():
    week = BusinessCalendar.weekdays("Europe/Berlin", start="09:00", end="17:00")

    assert BusinessCalendar.always_open().to_dict()["hours"]["sun"] == [["00:00", "24:00"]]
    assert BusinessCalendar.always_open().timezone == "UTC"
    assert list(week.to_dict()["hours"]) == ["mon", "tue", "wed", "thu", "fri"]
    assert BusinessCalendar.weekdays("UTC").windows_on(dt.date(2025, 1, 6)) == (("00:00", "24:00"),)


def test_the_repr_says_what_matters_in_a_line():
    assert repr(BusinessCalendar.from_dict({**EXAMPLE, "name": "Support"})) == (
        "<BusinessCalendar 'Support', Europe/Berlin, 16 h a week, 1 holidays, 2 overrides, 1 breaks>"
    )


def test_the_drawing_of_a_week_shows_its_hours():
    drawing = BusinessCalendar.from_dict(EXAMPLE).draw().splitlines()

    assert drawing[0] == "Europe/Berlin"
    assert drawing[2] == "mon         " + "." * 18 + "#" * 8 + ".." + "#" * 8 + "." * 12
    assert drawing[7] == "sat         " + "#" * 12 + "." * 36


def test_the_drawing_of_a_date_shows_the_exceptions_of_its_week():
    drawing = BusinessCalendar.from_dict(EXAMPLE).draw(dt.date(2025, 4, 26)).splitlines()

    # The override of Saturday replaces the tail of Friday night too.
    assert drawing[7] == "sat 04-26   " + "." * 20 + "#" * 8 + "." * 20


def test_a_part_of_a_half_hour_is_drawn_as_one():
    assert (
        calendar(hours={"mon": [["09:10", "10:00"]]}).draw().splitlines()[2]
        == "mon         " + "." * 18 + "+#" + "." * 28
    )
