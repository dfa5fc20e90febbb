"""Property 13: whatever the calendar and the question, an answer or a declared error comes, and soon.

A question that takes longer than `PATIENCE` fails by Hypothesis' deadline; one that never ends, by the time-out of the
test. Both are many times what the slowest question here needs.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.test_business_time_laws import DAYS, clock_text

from supportkit.businesstime import BusinessCalendar, InvalidCalendar, NoBusinessTime
from supportkit.clock import from_us, to_us

PATIENCE = dt.timedelta(seconds=10)
HOSTILE = settings(deadline=PATIENCE, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
MICRO = 1_000_000
HOUR = 3_600 * MICRO
FIRST = to_us(dt.datetime.min.replace(tzinfo=dt.UTC))
LAST = to_us(dt.datetime.max.replace(tzinfo=dt.UTC))

# Zones with a past, and a date on which it shows: days that were skipped or lived twice, summers that are "standard"
# time, jumps of odd seconds at odd times of the day, offsets of more than twelve hours.
ODD = {
    "Pacific/Apia": "2011-12-30",
    "Pacific/Kiritimati": "1994-12-31",
    "Pacific/Kwajalein": "1993-08-21",
    "Asia/Manila": "1844-12-31",
    "America/Sitka": "1867-10-18",
    "Australia/Lord_Howe": "2025-10-05",
    "Africa/Monrovia": "1972-01-07",
    "Europe/Dublin": "1971-10-31",
    "Africa/Casablanca": "2025-02-23",
    "Africa/El_Aaiun": "2025-04-06",
    "America/Toronto": "1919-03-30",
    "Europe/Amsterdam": "1937-07-01",
    "Asia/Pyongyang": "2018-05-05",
    "Antarctica/Troll": "2025-03-30",
    "America/Sao_Paulo": "2018-11-04",
    "Etc/GMT+12": "2025-01-01",
    "Etc/GMT-14": "2025-01-01",
}
NEVER = 1_000 * 366 * 24 * HOUR
"""A thousand years: more than anything here takes; so what overflows began as near the end of the era."""

YEARS = (1, 2, 4, 1582, 1900, 1972, 2000, 2025, 2038, 2500, 7000, 9998, 9999)


def day(year: int, month: int = 1, number: int = 1) -> dt.date:
    return dt.date(year, month, number)


def consecutive(first: dt.date, count: int, step: int = 1) -> list[dt.date]:
    start = first.toordinal()
    stop = min(start + count * step, dt.date.max.toordinal() + 1)
    return [dt.date.fromordinal(ordinal) for ordinal in range(start, stop, step)]


@st.composite
def slivers(draw):
    """A window of one second to one minute, now and then over midnight."""
    start = draw(st.sampled_from([0, 1, 7200, 8999, 43_200, 82_800, 86_398, 86_399]) | st.integers(0, 86_399))
    length = draw(st.sampled_from([1, 60]))
    return (clock_text(start), clock_text((start + length) % 86_400))


@st.composite
def hostile(draw) -> BusinessCalendar:
    zone = draw(st.sampled_from(sorted(ODD)))
    change = dt.date.fromisoformat(ODD[zone])
    dates = st.sampled_from(YEARS).flatmap(lambda year: st.dates(day(year), day(year, 12, 31)))
    dates |= st.integers(-2, 2).map(lambda off: change + dt.timedelta(days=off))
    dates |= st.sampled_from([dt.date.min, dt.date.max])
    fields: dict[str, Any]
    match draw(st.sampled_from(["far apart", "a minute a year", "thousands", "a second is left", "a second a week"])):
        case "far apart":
            windows = st.lists(slivers(), min_size=1, max_size=3)
            fields = {"overrides": draw(st.dictionaries(dates, windows, min_size=1, max_size=6))}
        case "a minute a year":
            first, month = draw(st.sampled_from([1, 1800, 1990, 9000])), draw(st.integers(1, 12))
            opening = draw(slivers())
            fields = {"overrides": {day(year, month, 28): [opening] for year in range(first, first + 999)}}
        case "thousands":
            closed = consecutive(draw(dates), draw(st.sampled_from([3000, 9000])))
            kinds = {"overrides": dict.fromkeys(closed, ()), "holidays": closed,
                     "breaks": dict.fromkeys(closed, (("00:00", "12:00"), ("12:00", "24:00")))}  # fmt: skip
            kind = draw(st.sampled_from(sorted(kinds)))
            fields = {"hours": {draw(st.sampled_from(DAYS)): [draw(slivers())]}, kind: kinds[kind]}
        case "a second is left":
            second = draw(st.integers(0, 86_399))
            around = [("00:00", clock_text(second)), (clock_text(second + 1), "24:00")]
            opened = draw(st.sets(dates, min_size=1, max_size=4))
            fields = {
                "overrides": dict.fromkeys(opened, (("00:00", "24:00"),)),
                "breaks": dict.fromkeys(opened, tuple(window for window in around if window[0] < window[1])),
            }
        case _:
            fields = {"hours": {draw(st.sampled_from(DAYS)): [draw(slivers())]}, "holidays": draw(st.sets(dates))}
    fields["precedence"] = draw(st.sampled_from(["override", "holiday"]))
    try:
        return BusinessCalendar(timezone=zone, **fields)
    except InvalidCalendar:  # the gap swallowed its only openings: a calendar after all, and an ordinary one
        return BusinessCalendar.weekdays(zone, start="23:59:59")


@st.composite
def instants(draw, calendar: BusinessCalendar) -> int:
    """Instants at the ends of the era, beside the special dates, and anywhere."""
    near = [to_us(dt.datetime.combine(date, dt.time(), tzinfo=dt.UTC)) for date, _ in calendar.overrides[:3]]
    near.append(to_us(dt.datetime.fromisoformat(ODD[calendar.timezone] + "T00:00+00:00")))
    base = draw(st.sampled_from([FIRST, LAST, 0, *near]))
    off = draw(st.sampled_from([-30 * 24 * HOUR, -12 * HOUR, -1, 0, 1, 12 * HOUR, 30 * 24 * HOUR]))
    return min(max(base + off, FIRST), LAST)


spans = st.sampled_from([0, 1, MICRO - 1, MICRO, 60 * MICRO, 61 * MICRO, 600 * MICRO]) | st.integers(0, 900 * MICRO)


def ask(call: Any, *args: Any, **more: Any) -> Any:
    """Return the answer, or the class of the declared error."""
    try:
        return call(*args, **more)
    except (NoBusinessTime, OverflowError) as error:
        return type(error)


@pytest.mark.timeout(120)
@HOSTILE
@given(st.data(), hostile(), spans)
def test_13_every_question_to_a_hostile_calendar_is_answered_or_refused_soon_and_truly(data, calendar, d):
    t = data.draw(instants(calendar))
    u = (
        data.draw(instants(calendar))
        if not calendar.hours
        else min(t + data.draw(st.sampled_from([1, 9, 9000])) * HOUR, LAST)
    )
    at_the_edge = t < FIRST + 24 * HOUR or t > LAST - 24 * HOUR  # where a zone may be in the year 0 or 10000
    left = gone = NEVER
    if not calendar.hours:  # openings are finite in number, so what is left of them is known
        left, gone = calendar.between_us(t, LAST), calendar.between_us(FIRST, t)

    for tie, enough in (("earliest", d), ("next_open", d + 1)):
        due = ask(calendar.add_us, t, d, tie=tie)
        if isinstance(due, int):
            assert due >= t
            assert at_the_edge or due > LAST or calendar.between_us(t, due) == d
        else:
            assert due is (OverflowError if calendar.hours else NoBusinessTime)
            assert left < enough or at_the_edge or (calendar.hours and t + NEVER > LAST)
    for tie, enough in (("latest", d), ("prev_close", d + 1)):
        start = ask(calendar.subtract_us, t, d, tie=tie)
        if isinstance(start, int):
            assert start <= t
            assert at_the_edge or start < FIRST or calendar.between_us(start, t) == d
        else:
            assert start is (OverflowError if calendar.hours else NoBusinessTime)
            assert gone < enough or at_the_edge or (calendar.hours and t - NEVER < FIRST)
    closing = ask(calendar.next_close, from_us(t))
    assert closing in (None, OverflowError) or to_us(closing) > t
    passed = ask(calendar.between_us, t, u)
    assert at_the_edge or u > LAST - 24 * HOUR or 0 <= passed <= max(u - t, 0)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("breaks", [1_000, 20_000])
def test_13_tens_of_thousands_of_breaks_on_one_date_are_cut_in_one_pass(breaks):
    every_other = [(clock_text(2 * second), clock_text(2 * second + 1)) for second in range(breaks)]

    calendar = BusinessCalendar(timezone="UTC", hours={"mon": [("00:00", "24:00")]}, breaks={"2025-01-06": every_other})

    assert len(calendar.windows_on(dt.date(2025, 1, 6))) == breaks
    assert (
        calendar.between_us(*(to_us(dt.datetime(2025, 1, d, tzinfo=dt.UTC)) for d in (6, 7)))
        == (86_400 - breaks) * MICRO
    )


@pytest.mark.timeout(120)
def test_13_a_second_a_week_is_found_in_the_far_future_and_not_beyond_it():
    rare = BusinessCalendar(timezone="Africa/Casablanca", hours={"mon": [("00:00", "00:00:01")]})
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)

    assert rare.add(start, dt.timedelta(seconds=3600)).year == 2093
    with pytest.raises(OverflowError):
        rare.add(start.replace(year=9990), dt.timedelta(seconds=3600))


def test_a_midnight_inside_a_gap_neither_doubles_time_nor_opens_in_the_gap():
    """Toronto put its clocks forward at 23:30 of 1919-03-30: neither 23:40 nor the midnight was ever shown."""
    zone, sunday = "America/Toronto", {"timezone": "America/Toronto"}
    evening = BusinessCalendar(**sunday, hours={"sun": [("23:00", "24:00")], "mon": [("00:00", "02:00")]})
    inside = BusinessCalendar(**sunday, hours={"sun": [("23:40", "24:00")]})
    noon = to_us(dt.datetime(1919, 3, 30, 17, tzinfo=dt.UTC))
    always = BusinessCalendar.always_open(zone)

    assert always.between_us(noon, noon + 48 * HOUR) == 48 * HOUR
    assert evening.between_us(noon, noon + 48 * HOUR) == 2 * HOUR  # half an hour of Sunday, one and a half of Monday
    assert inside.between_us(noon, noon + 48 * HOUR) == 0


# -- whatever is written into a calendar -----------------------------------------------------------------------------

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4) | st.dates()
    | st.times() | st.datetimes() | st.timedeltas()
    | st.sampled_from(["mon", "09:00", "24:00", "24:00:00", "23:59:60", "2025-02-30", "0000-01-01", "10000-01-01",
                       "\uff19:00",
                       "UTC", "Mars/Base", "../UTC", "/etc/passwd", "UTC\0", "\ud800", "a" * 5000, "override"]),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(
        st.text(max_size=3) | st.sampled_from(["mon", "2025-01-01"]) | st.dates(), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
FIELDS = ("timezone", "hours", "holidays", "overrides", "breaks", "precedence", "name", "known_until")
SOUND = {
    "timezone": "Europe/Dublin",
    "hours": {"mon": [["09:00", "17:00"]]},
    "breaks": {"2025-01-06": [["12:00", "13:00"]]},
}


@pytest.mark.timeout(120)
@settings(deadline=PATIENCE, max_examples=300)
@given(st.dictionaries(st.sampled_from([*FIELDS, "holliday"]), junk, max_size=3))
def test_whatever_is_written_makes_a_calendar_or_is_invalid(changes):
    try:
        calendar = BusinessCalendar.from_dict({**SOUND, **changes})
    except InvalidCalendar as refusal:
        assert 0 < len(str(refusal)) < 1000, "a reason, and not the whole input again"  # noqa: PT017 - or it is a value
        return

    assert BusinessCalendar.from_dict(calendar.to_dict()) == calendar
    assert isinstance(calendar.between(from_us(-HOUR), from_us(0)), dt.timedelta)


@settings(deadline=PATIENCE, max_examples=150)
@given(st.sampled_from(["add", "subtract", "between", "is_open", "next_open", "next_close", "intervals", "is_known"]),
       junk, junk, junk)  # fmt: skip
def test_whatever_is_asked_is_answered_or_refused_by_a_declared_error(name, first, second, tie):
    calendar = BusinessCalendar.from_dict(SOUND)
    two = name in {"add", "subtract", "between", "intervals"}
    more = {"tie": tie} if name in {"add", "subtract"} else {}

    with pytest.raises((TypeError, ValueError)):  # naive or no instant at all: never an answer
        getattr(calendar, name)(*((first, second) if two else (first,)), **more)
