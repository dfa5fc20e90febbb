"""The laws of business time, on random calendars and on instants around clock changes."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from supportkit.businesstime import BusinessCalendar, InvalidCalendar
from supportkit.clock import from_us, to_us

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_US = 86_400 * 1_000_000

# Zones with a date on which their clock did something: jumps of an hour, of half an hour, of a day, at midnight,
# short summers around Ramadan, and none at all.
CHANGES = {
    "UTC": "2025-01-01",
    "Europe/Berlin": "2025-03-30",
    "Europe/Dublin": "2025-10-26",
    "America/New_York": "2025-11-02",
    "America/Sao_Paulo": "2018-11-04",
    "America/Havana": "2025-11-02",
    "America/St_Johns": "2011-03-13",
    "Africa/Casablanca": "2025-02-23",
    "Africa/Cairo": "2014-06-26",
    "Asia/Tehran": "2022-03-22",
    "Asia/Kathmandu": "2025-06-01",
    "Asia/Pyongyang": "2018-05-05",
    "Australia/Lord_Howe": "2025-10-05",
    "Pacific/Apia": "2011-12-30",
    "Pacific/Chatham": "2025-09-28",
    "Antarctica/Troll": "2025-03-30",
}

LAWS = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def clock_text(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@st.composite
def windows(draw, most=3):
    """Return up to *most* windows, mostly on the quarter of an hour; some cross midnight."""
    found = []
    for _ in range(draw(st.integers(0, most))):
        step = draw(st.sampled_from([900, 900, 900, 1]))
        start, end = (draw(st.integers(0, 86_400 // step)) * step for _ in range(2))
        if start != end and start < 86_400:
            found.append((clock_text(start), clock_text(end)))
    return found


@st.composite
def calendars(draw, weekly=True):
    zone = draw(st.sampled_from(sorted(CHANGES)))
    near = dt.date.fromisoformat(CHANGES[zone])
    dates = st.integers(-9, 9).map(lambda days: near + dt.timedelta(days=days))
    breaks = {
        date: [window for window in found if window[0] < window[1]]
        for date, found in draw(st.dictionaries(dates, windows(), max_size=3)).items()
    }
    hours = draw(st.dictionaries(st.sampled_from(DAYS), windows(), min_size=1)) if weekly else {}
    assume(any(hours.values()) == weekly)
    try:
        return BusinessCalendar(
            timezone=zone,
            hours=hours,
            holidays=draw(st.sets(dates, max_size=4)),
            overrides=draw(st.dictionaries(dates, windows(), max_size=4)),
            breaks=breaks,
            precedence=draw(st.sampled_from(["override", "holiday"])),
        )
    except InvalidCalendar:
        assume(False)


def micros(calendar: BusinessCalendar) -> st.SearchStrategy[int]:
    """Return instants within a fortnight of the clock change of the calendar's zone: anywhere, or on a boundary."""
    noon = dt.datetime.fromisoformat(CHANGES[calendar.timezone] + "T12:00+00:00")
    first, last = to_us(noon) - 10 * DAY_US, to_us(noon) + 10 * DAY_US
    anywhere = st.integers(first, last)
    edges = [edge for span in calendar.intervals(from_us(first), from_us(last)) for edge in map(to_us, span)]
    if not edges:
        return anywhere
    return anywhere | st.builds(lambda edge, off: edge + off, st.sampled_from(edges), st.sampled_from([-1, 0, 0, 1]))


durations = st.integers(0, 30 * DAY_US) | st.sampled_from([0, 1, 3_600 * 1_000_000, 28_800 * 1_000_000])


@LAWS
@given(st.data(), calendars())
def test_open_time_is_monotone_additive_and_never_longer_than_time(data, calendar):
    a, b, c = sorted(data.draw(micros(calendar)) for _ in range(3))

    assert 0 <= calendar.between_us(a, b) <= b - a
    assert calendar.between_us(a, b) + calendar.between_us(b, c) == calendar.between_us(a, c)
    assert calendar.between_us(a, b) <= calendar.between_us(a, c)
    assert calendar.between_us(c, a) == 0
    assert calendar.between_us(c, a, signed=True) == -calendar.between_us(a, c)


@LAWS
@given(st.data(), st.sampled_from(sorted(CHANGES)))
def test_a_desk_that_is_always_open_counts_all_time(data, zone):
    calendar = BusinessCalendar.always_open(zone)
    a, b = sorted(data.draw(micros(calendar)) for _ in range(2))

    assert calendar.between_us(a, b) == b - a
    assert calendar.add_us(a, b - a) == b
    assert calendar.subtract_us(b, b - a) == a


@LAWS
@given(st.data(), calendars(), durations, durations)
def test_adding_passes_exactly_that_time_and_can_be_done_in_parts(data, calendar, first, second):
    t = data.draw(micros(calendar))

    for tie in ("earliest", "next_open"):
        due = calendar.add_us(t, first, tie=tie)
        assert due >= t
        assert calendar.between_us(t, due) == first
        assert calendar.add_us(due, second, tie=tie) == calendar.add_us(t, first + second, tie=tie)


@LAWS
@given(st.data(), calendars(), durations, durations)
def test_subtracting_is_the_mirror_image(data, calendar, first, second):
    t = data.draw(micros(calendar))

    for tie in ("latest", "prev_close"):
        start = calendar.subtract_us(t, first, tie=tie)
        assert start <= t
        assert calendar.between_us(start, t) == first
        assert calendar.subtract_us(start, second, tie=tie) == calendar.subtract_us(t, first + second, tie=tie)


@LAWS
@given(st.data(), calendars(), durations)
def test_subtracting_takes_back_what_was_added_to_an_open_instant(data, calendar, d):
    t = data.draw(micros(calendar))
    assume(calendar.is_open(from_us(t)))

    assert calendar.subtract_us(calendar.add_us(t, d), d) == t
    assert calendar.subtract_us(calendar.add_us(t, d, tie="next_open"), d) == t


@LAWS
@given(st.data(), calendars())
def test_adding_the_time_between_leads_to_the_other_instant(data, calendar):
    t, u = sorted(data.draw(micros(calendar)) for _ in range(2))
    passed = calendar.between_us(t, u)

    if calendar.is_open(from_us(u)):
        assert calendar.add_us(t, passed, tie="next_open") == u
    if u == t or calendar.between_us(u - 1, u):
        assert calendar.add_us(t, passed) == u
    if u == t or calendar.is_open(from_us(t)):
        assert calendar.subtract_us(u, passed) == t


@LAWS
@given(st.data(), calendars(), durations)
def test_between_two_ties_lies_no_open_time(data, calendar, d):
    t = data.draw(micros(calendar))
    due, late = calendar.add_us(t, d), calendar.add_us(t, d, tie="next_open")
    closing, opening = calendar.subtract_us(t, d, tie="prev_close"), calendar.subtract_us(t, d)

    assert due <= late
    assert calendar.between_us(due, late) == 0
    assert calendar.is_open(from_us(late))
    assert closing <= opening
    assert calendar.between_us(closing, opening) == 0
    assert calendar.between_us(closing - 1, closing) == 1
    assert d == 0 or (calendar.between_us(due - 1, due) == 1 and calendar.is_open(from_us(opening)))


@LAWS
@given(st.data(), calendars())
def test_openings_and_closings_agree_with_the_intervals(data, calendar):
    t = from_us(data.draw(micros(calendar)))
    opening, closing = calendar.next_open(t), calendar.next_close(t)

    assert calendar.is_open(opening)
    assert calendar.between(t, opening) == dt.timedelta(0)
    assert calendar.is_open(t) == (to_us(opening) == to_us(t))
    if closing is None:
        assert not calendar.is_open(t) or all(calendar.hours)
    else:
        assert to_us(closing) > max(to_us(t), to_us(opening))
        assert not calendar.is_open(closing)
        assert calendar.between(opening, closing) == from_us(to_us(closing)) - from_us(to_us(opening))


@LAWS
@given(st.data(), calendars())
def test_intervals_are_maximal_ascending_and_sum_to_the_time_between(data, calendar):
    a, b = sorted(data.draw(micros(calendar)) for _ in range(2))
    spans = [(to_us(start), to_us(end)) for start, end in calendar.intervals(from_us(a), from_us(b))]

    assert all(a <= start < end <= b for start, end in spans)
    assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))
    assert sum(end - start for start, end in spans) == calendar.between_us(a, b)
    assert all(start == a or not calendar.is_open(from_us(start - 1)) for start, _ in spans)
    assert all(end == b or not calendar.is_open(from_us(end)) for _, end in spans)


@LAWS
@given(st.data(), calendars(), st.sampled_from([ZoneInfo(name) for name in sorted(CHANGES)]), durations)
def test_neither_the_zone_of_the_input_nor_the_kind_of_call_matters(data, calendar, zone, d):
    a, b = (data.draw(micros(calendar)) for _ in range(2))
    here, there, duration = from_us(a), from_us(a).astimezone(zone), dt.timedelta(microseconds=d)
    later = from_us(b).astimezone(zone)

    for t in (here, there, here.astimezone(calendar.zone)):
        for tie in ("earliest", "next_open"):
            assert to_us(calendar.add(t, duration, tie=tie)) == calendar.add_us(a, d, tie=tie)
            assert list(map(to_us, calendar.add_many([t, later], duration, tie=tie))) == [
                calendar.add_us(a, d, tie=tie),
                calendar.add_us(b, d, tie=tie),
            ]
        for tie in ("latest", "prev_close"):
            assert to_us(calendar.subtract(t, duration, tie=tie)) == calendar.subtract_us(a, d, tie=tie)
        assert calendar.between(t, later) == dt.timedelta(microseconds=calendar.between_us(a, b))
        assert calendar.between_many([(t, later), (later, t)]) == [
            calendar.between(t, later),
            calendar.between(later, t),
        ]


@LAWS
@given(st.data(), calendars(), durations)
def test_neither_query_order_nor_growth_matters(data, calendar, d):
    t = data.draw(micros(calendar))
    expected = (calendar.add_us(t, d), calendar.subtract_us(t, d), calendar.between_us(t, t + d))
    grown = BusinessCalendar.from_dict(calendar.to_dict())
    for years in data.draw(st.lists(st.integers(-40, 40), max_size=4)):
        grown.is_open(from_us(t + years * 365 * DAY_US))

    assert (grown.add_us(t, d), grown.subtract_us(t, d), grown.between_us(t, t + d)) == expected


@LAWS
@given(st.data(), calendars(weekly=False))
def test_one_off_openings_obey_the_same_laws(data, calendar):
    a, b = sorted(data.draw(micros(calendar)) for _ in range(2))
    passed = calendar.between_us(a, b)

    due = calendar.add_us(a, passed)

    assert calendar.between_us(a, due) == passed
    assert calendar.between_us(due, b) == 0
    assert calendar.between_us(calendar.subtract_us(b, passed), b) == passed


@LAWS
@given(calendars())
def test_the_dict_form_makes_an_equal_calendar(calendar):
    copy = BusinessCalendar.from_dict(calendar.to_dict())

    assert copy == calendar
    assert hash(copy) == hash(calendar)
    assert copy.to_dict() == calendar.to_dict()
    assert copy.revision == calendar.revision
