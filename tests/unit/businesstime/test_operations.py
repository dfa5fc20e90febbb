"""The worked facts: clock changes, ties, boundaries, and what a call refuses."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from supportkit.businesstime import BusinessCalendar, NoBusinessTime

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
ZERO = dt.timedelta(0)


def berlin(day: str, time: str = "00:00", *, fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=BERLIN, fold=fold)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def same_instant(left: dt.datetime, right: dt.datetime) -> bool:
    return left.astimezone(dt.UTC) == right.astimezone(dt.UTC)


def opens(zone: str, **hours: tuple[str, str]) -> BusinessCalendar:
    return BusinessCalendar(timezone=zone, hours={day: [window] for day, window in hours.items()})


def every_night() -> BusinessCalendar:
    return opens(
        "Europe/Berlin", **dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("22:00", "06:00"))
    )


# The calendar of the worked example: split days, Easter, a Saturday that is worked.
DESK = BusinessCalendar(
    timezone="Europe/Berlin",
    hours={
        **dict.fromkeys(("mon", "tue", "wed", "thu"), (("09:00", "13:00"), ("14:00", "18:00"))),
        "fri": [("09:00", "13:00"), ("14:00", "17:00")],
    },
    holidays=["2025-04-18", "2025-04-21"],
    overrides={"2025-04-26": [("10:00", "14:00")]},
)
ONE_OFF = BusinessCalendar(
    timezone="UTC", overrides={"2025-01-01": [("09:00", "17:00")], "2030-06-01": [("09:00", "10:00")]}
)

# -- from wall clock to instants -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("evening", "hours"), [("2025-03-29", 7), ("2025-10-25", 9), ("2025-06-14", 8)])
def test_a_night_shift_lasts_as_long_as_the_night(evening, hours):
    start = berlin(evening, "12:00")

    assert every_night().between(start, start + dt.timedelta(days=1)) == hours * HOUR


def test_a_window_that_begins_in_the_gap_opens_at_the_jump():
    sundays = opens("Europe/Berlin", sun=("02:30", "03:30"))

    assert sundays.between(berlin("2025-03-30"), berlin("2025-03-31")) == 30 * MINUTE
    assert sundays.next_open(berlin("2025-03-30")).isoformat() == "2025-03-30T03:00:00+02:00"


def test_a_window_that_begins_in_the_repeated_hour_opens_the_first_time():
    sundays = opens("Europe/Berlin", sun=("02:30", "03:30"))

    assert sundays.between(berlin("2025-10-26"), berlin("2025-10-27")) == 120 * MINUTE
    assert sundays.next_open(berlin("2025-10-26")).isoformat() == "2025-10-26T02:30:00+02:00"


def test_a_window_that_ends_in_the_repeated_hour_stays_closed_in_the_second_pass():
    sundays = opens("Europe/Berlin", sun=("01:30", "02:30"))

    assert sundays.between(berlin("2025-10-26"), berlin("2025-10-27")) == 60 * MINUTE
    assert sundays.is_open(berlin("2025-10-26", "02:15"))
    assert not sundays.is_open(berlin("2025-10-26", "02:15", fold=1))


def test_a_result_in_the_second_pass_has_its_fold():
    sundays = opens("Europe/Berlin", sun=("02:30", "03:30"))

    due = sundays.add(berlin("2025-10-26"), 45 * MINUTE)

    assert due.isoformat() == "2025-10-26T02:15:00+01:00"
    assert due.fold == 1


def test_the_second_pass_of_an_instant_in_the_zone_of_the_calendar_is_kept():
    always = BusinessCalendar.always_open("Europe/Berlin")
    second = berlin("2025-10-26", "02:15", fold=1)

    assert always.add(second, HOUR).isoformat() == "2025-10-26T03:15:00+01:00"
    assert always.add(berlin("2025-10-26", "02:15"), HOUR).isoformat() == "2025-10-26T02:15:00+01:00"
    assert always.subtract(second, HOUR).isoformat() == "2025-10-26T02:15:00+02:00"
    assert always.between(berlin("2025-10-26"), second) == dt.timedelta(hours=3, minutes=15)


def test_a_window_inside_the_gap_is_empty_on_that_day():
    sundays = opens("Europe/Berlin", sun=("02:15", "02:45"))

    assert sundays.between(berlin("2025-03-30"), berlin("2025-03-31")) == ZERO
    assert sundays.next_open(berlin("2025-03-30")) == berlin("2025-04-06", "02:15")


def test_a_jump_of_half_an_hour_is_found():
    sundays = opens("Australia/Lord_Howe", sun=("02:15", "03:00"))
    start = dt.datetime(2025, 10, 5, tzinfo=ZoneInfo("Australia/Lord_Howe"))

    # At 02:00 the clock jumps to 02:30.
    assert sundays.next_open(start).isoformat() == "2025-10-05T02:30:00+11:00"
    assert sundays.between(start, start + dt.timedelta(days=1)) == 30 * MINUTE


def test_a_skipped_day_is_empty():
    apia = BusinessCalendar.weekdays("Pacific/Apia", start="09:00", end="17:00")

    # Friday 2011-12-30 did not happen on Samoa.
    assert apia.between(utc("2011-12-29T10:00"), utc("2012-01-01T10:00")) == 8 * HOUR
    assert apia.windows_on(dt.date(2011, 12, 30)) == (("09:00", "17:00"),)


def test_a_day_whose_midnight_is_skipped_begins_at_the_jump():
    days = opens("America/Sao_Paulo", sun=("00:00", "02:00"))

    assert days.next_open(utc("2018-11-04T00:00")).isoformat() == "2018-11-04T01:00:00-02:00"
    assert days.between(utc("2018-11-04T00:00"), utc("2018-11-05T00:00")) == HOUR


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Apia", "Asia/Tehran", "Africa/Casablanca"])
def test_round_the_clock_is_absolute_time(zone):
    always, start, end = BusinessCalendar.always_open(zone), utc("2009-02-03T04:05:06"), utc("2026-07-08T09:10:11")

    assert always.between(start, end) == end - start
    assert same_instant(always.add(start, end - start), end)
    assert len(always.intervals(start, end)) == 1


# -- ties ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "time", "hours", "earliest", "next_open"),
    [
        ("2025-04-24", "10:00", 3, "2025-04-24T13:00:00+02:00", "2025-04-24T14:00:00+02:00"),
        ("2025-04-25", "15:00", 2, "2025-04-25T17:00:00+02:00", "2025-04-26T10:00:00+02:00"),
        ("2025-04-17", "15:30", 4, "2025-04-22T10:30:00+02:00", "2025-04-22T10:30:00+02:00"),
        ("2025-04-17", "15:30", 24, "2025-04-24T15:30:00+02:00", "2025-04-24T15:30:00+02:00"),
        ("2025-04-23", "19:00", 20.5, "2025-04-28T10:30:00+02:00", "2025-04-28T10:30:00+02:00"),
        ("2025-04-23", "19:00", 4, "2025-04-24T13:00:00+02:00", "2025-04-24T14:00:00+02:00"),
    ],
)
def test_a_due_time_and_the_first_late_instant(day, time, hours, earliest, next_open):
    start = berlin(day, time)

    assert DESK.add(start, hours * HOUR).isoformat() == earliest
    assert DESK.add(start, hours * HOUR, tie="next_open").isoformat() == next_open


def test_going_back_to_an_opening_or_to_the_closing_before_it():
    start = berlin("2025-04-24", "15:00")

    assert DESK.subtract(start, HOUR) == berlin("2025-04-24", "14:00")
    assert DESK.subtract(start, HOUR, tie="prev_close") == berlin("2025-04-24", "13:00")


@pytest.mark.parametrize("time", ["08:00", "10:00", "13:00", "13:30", "20:00"])
def test_adding_or_subtracting_nothing_stays(time):
    start = berlin("2025-04-24", time)

    assert DESK.add(start, ZERO) == start
    assert DESK.subtract(start, ZERO) == start


@pytest.mark.parametrize(
    ("time", "following", "previous"),
    [
        ("10:00", "10:00", "10:00"),
        ("13:00", "14:00", "13:00"),
        ("13:30", "14:00", "13:00"),
        ("14:00", "14:00", "13:00"),
    ],
)
def test_nothing_with_a_tie_is_the_next_opening_or_the_previous_closing(time, following, previous):
    start = berlin("2025-04-24", time)

    assert DESK.add(start, ZERO, tie="next_open") == DESK.next_open(start) == berlin("2025-04-24", following)
    assert DESK.subtract(start, ZERO, tie="prev_close") == berlin("2025-04-24", previous)


# -- the other questions ---------------------------------------------------------------------------------------------


def test_an_opening_is_open_and_a_closing_is_closed():
    assert DESK.is_open(berlin("2025-04-24", "09:00"))
    assert not DESK.is_open(berlin("2025-04-24", "13:00"))
    assert DESK.is_open(berlin("2025-04-24", "12:59:59.999999"))


def test_a_reversed_range_is_empty_or_negative():
    early, late = berlin("2025-04-24", "10:00"), berlin("2025-04-24", "12:00")

    assert DESK.between(late, early) == ZERO
    assert DESK.between(late, early, signed=True) == -2 * HOUR
    assert DESK.between(early, late, signed=True) == 2 * HOUR


def test_next_close_is_the_end_of_this_opening_or_of_the_next():
    assert DESK.next_close(berlin("2025-04-24", "09:00")) == berlin("2025-04-24", "13:00")
    assert DESK.next_close(berlin("2025-04-24", "13:00")) == berlin("2025-04-24", "18:00")


def test_next_close_is_none_when_the_desk_never_closes_again():
    always = BusinessCalendar.always_open("Europe/Berlin")
    closed_once = BusinessCalendar.from_dict({**always.to_dict(), "holidays": ["2031-05-01"]})

    assert always.next_close(utc("2025-01-01")) is None
    assert closed_once.next_close(utc("2025-01-01")) == berlin("2031-05-01")
    assert closed_once.next_close(berlin("2031-05-01", "12:00")) is None


def test_next_close_is_none_after_the_last_one_off_opening():
    assert ONE_OFF.next_close(utc("2030-06-01T09:30")) == utc("2030-06-01T10:00")
    assert ONE_OFF.next_close(utc("2030-06-01T10:00")) is None


def test_an_opening_over_new_year_is_one_interval():
    # The tables hold whole years; no seam between two of them may show.
    always = BusinessCalendar.always_open("Europe/Berlin")
    closed = BusinessCalendar.from_dict({**always.to_dict(), "holidays": ["2020-01-01", "2035-01-01"]})

    assert closed.next_close(utc("2025-12-31T12:00")) == berlin("2035-01-01")
    assert closed.intervals(utc("2019-12-01"), utc("2036-01-01")) == [
        (berlin("2019-12-01", "01:00"), berlin("2020-01-01")),
        (berlin("2020-01-02"), berlin("2035-01-01")),
        (berlin("2035-01-02"), berlin("2036-01-01", "01:00")),
    ]


def test_intervals_are_clipped_and_sum_to_the_open_time():
    start, end = berlin("2025-04-25", "10:00"), berlin("2025-04-28", "09:30")

    spans = DESK.intervals(start, end)

    assert spans == [
        (start, berlin("2025-04-25", "13:00")),
        (berlin("2025-04-25", "14:00"), berlin("2025-04-25", "17:00")),
        (berlin("2025-04-26", "10:00"), berlin("2025-04-26", "14:00")),
        (berlin("2025-04-28", "09:00"), end),
    ]
    assert sum((b - a for a, b in spans), ZERO) == DESK.between(start, end)
    assert DESK.intervals(end, start) == []


def test_results_come_out_in_the_zone_of_the_calendar():
    due = DESK.add(utc("2025-04-24T08:00"), HOUR)

    assert due.tzinfo is DESK.zone
    assert due.isoformat() == "2025-04-24T11:00:00+02:00"


def test_known_until_is_the_last_local_date_that_is_known():
    known = BusinessCalendar.from_dict({**DESK.to_dict(), "known_until": "2025-12-31"})

    assert known.is_known(utc("2025-12-31T22:59:59"))
    assert not known.is_known(utc("2025-12-31T23:00"))
    assert DESK.is_known(utc("2099-01-01"))


def test_the_version_of_the_zone_data_is_told():
    assert DESK.zone_data == BusinessCalendar.always_open("Europe/Berlin").zone_data
    assert DESK.zone_data


# -- what a call refuses ---------------------------------------------------------------------------------------------

NAIVE = dt.datetime(2025, 4, 24, 10)  # noqa: DTZ001 - on purpose
AWARE = utc("2025-04-24T10:00")


@pytest.mark.parametrize("wrong", [NAIVE, "2025-04-24T10:00Z", 1745488800, None, dt.date(2025, 4, 24)])
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("t", lambda t: DESK.add(t, HOUR)),
        ("t", lambda t: DESK.subtract(t, HOUR)),
        ("a", lambda t: DESK.between(t, AWARE)),
        ("b", lambda t: DESK.between(AWARE, t)),
        ("t", DESK.is_open),
        ("t", DESK.next_open),
        ("t", DESK.next_close),
        ("a", lambda t: DESK.intervals(t, AWARE)),
        ("b", lambda t: DESK.intervals(AWARE, t)),
        ("t", DESK.is_known),
        ("t", lambda t: DESK.add_many([AWARE, t], HOUR)),
        ("a", lambda t: DESK.between_many([(t, AWARE)])),
    ],
)
def test_what_is_no_aware_datetime_is_refused_by_name(name, call, wrong):
    with pytest.raises(TypeError, match=f"^{name} must be an aware datetime"):
        call(wrong)


class Undecided(dt.tzinfo):
    """A zone that does not know its offset."""

    def utcoffset(self, when):
        return None


def test_a_zone_without_an_offset_is_as_good_as_none():
    with pytest.raises(TypeError, match="no offset"):
        DESK.is_open(NAIVE.replace(tzinfo=Undecided()))


@pytest.mark.parametrize("wrong", [3600, 1.5, "PT1H", None, dt.time(1)])
def test_a_duration_is_a_timedelta(wrong):
    with pytest.raises(TypeError, match="d must be a timedelta"):
        DESK.add(AWARE, wrong)
    with pytest.raises(TypeError, match="d must be a timedelta"):
        DESK.subtract(AWARE, wrong)


def test_a_negative_duration_is_refused_with_the_way_out():
    for call in (DESK.add, DESK.subtract):
        with pytest.raises(ValueError, match="use the opposite operation"):
            call(AWARE, -HOUR)


@pytest.mark.parametrize("duration", [ZERO, HOUR])
def test_a_tie_of_another_operation_is_refused(duration):
    with pytest.raises(ValueError, match="'earliest', 'next_open'"):
        DESK.add(AWARE, duration, tie="latest")
    with pytest.raises(ValueError, match="'latest', 'prev_close'"):
        DESK.subtract(AWARE, duration, tie="earliest")


def test_ties_and_signed_are_given_by_name_only():
    with pytest.raises(TypeError):
        DESK.add(AWARE, HOUR, "next_open")
    with pytest.raises(TypeError):
        DESK.between(AWARE, AWARE, True)


class OddDuration(dt.timedelta):
    """A subclass whose parts mean something else, as those of some libraries do."""

    days = property(lambda self: 999)


class OddInstant(dt.datetime):
    """A subclass with an arithmetic of its own."""

    def __sub__(self, other):
        return "nonsense"


def test_subclasses_are_taken_for_what_they_hold():
    instant = OddInstant(2025, 4, 24, 10, tzinfo=dt.UTC)

    assert DESK.add(instant, OddDuration(hours=1)) == berlin("2025-04-24", "13:00")
    assert type(DESK.add(instant, HOUR)) is dt.datetime


def test_the_second_pass_of_a_subclass_is_kept():
    instant = OddInstant(2025, 10, 26, 2, 15, tzinfo=BERLIN, fold=1)

    assert not opens("Europe/Berlin", sun=("01:30", "02:30")).is_open(instant)


# -- questions that have no answer -----------------------------------------------------------------------------------


def test_openings_that_are_used_up_are_no_business_time():
    late = utc("2030-06-01T10:00")

    with pytest.raises(NoBusinessTime, match="no later opening"):
        ONE_OFF.add(late, MINUTE)
    with pytest.raises(NoBusinessTime, match="no later opening"):
        ONE_OFF.next_open(late)
    with pytest.raises(NoBusinessTime, match="no later opening"):
        ONE_OFF.add(utc("2025-01-01"), 9 * HOUR, tie="next_open")
    with pytest.raises(NoBusinessTime, match="no earlier opening"):
        ONE_OFF.subtract(utc("2025-01-01T09:00"), MINUTE)
    with pytest.raises(NoBusinessTime, match="no earlier opening"):
        ONE_OFF.subtract(utc("2025-01-01T10:00"), HOUR, tie="prev_close")


def test_openings_that_just_suffice_are_an_answer():
    assert ONE_OFF.add(utc("2020-01-01"), 9 * HOUR) == utc("2030-06-01T10:00")
    assert ONE_OFF.subtract(utc("2040-01-01"), 9 * HOUR) == utc("2025-01-01T09:00")
    assert ONE_OFF.between(utc("0002-01-01"), utc("9998-01-01")) == 9 * HOUR
    assert ONE_OFF.add(utc("2040-01-01"), ZERO) == utc("2040-01-01")


def test_a_result_outside_the_years_is_an_overflow():
    always = BusinessCalendar.always_open()

    with pytest.raises(OverflowError):
        always.add(utc("9999-12-31T23:00"), 2 * HOUR)
    with pytest.raises(OverflowError):
        always.subtract(utc("0001-01-01T01:00"), 2 * HOUR)
    for call in (DESK.add, DESK.subtract):
        with pytest.raises(OverflowError):
            call(AWARE, dt.timedelta.max)
    with pytest.raises(OverflowError):
        DESK.next_open(utc("9999-12-31T22:00"))  # a Friday evening: the next opening has no date


def test_the_ends_of_the_calendar_can_be_used():
    always = BusinessCalendar.always_open()

    assert always.add(utc("9999-12-31T00:00"), HOUR) == utc("9999-12-31T01:00")
    assert always.subtract(utc("0001-01-01T03:00"), HOUR) == utc("0001-01-01T02:00")
    assert DESK.between(utc("9999-12-30T00:00"), utc("9999-12-31T00:00")) == 8 * HOUR
