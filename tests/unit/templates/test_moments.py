"""Times in the customer's language and zone."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest

from supportkit.businesstime import BusinessCalendar
from supportkit.templates import Catalog, next_opening

CATALOG = Catalog()
DUE = dt.datetime(2026, 3, 4, 11, 59, 59, 999_999, tzinfo=dt.UTC)


def told(at=DUE, locale="en", timezone="UTC", now=None):
    values = {"ticket.reference": "K7", "due": at}
    return CATALOG.render(
        "promise_moved", locale=locale, values=values, timezone=timezone, now=now, channel_kind="chat"
    )


@pytest.mark.parametrize(
    ("locale", "timezone", "words"),
    [
        ("en", "UTC", "by Wednesday, 4 March 2026, 11:59 (UTC)."),
        ("en", "Europe/Berlin", "by Wednesday, 4 March 2026, 12:59 (Berlin time, UTC+1)."),
        ("en-GB", "Europe/London", "by Wednesday, 4 March 2026, 11:59 (London time, UTC)."),
        ("en-US", "America/New_York", "by Wednesday, March 4, 2026, 6:59 AM (New York time, UTC-5)."),
        ("en-US", "America/St_Johns", "8:29 AM (St. John’s time, UTC-3:30)."),
        ("en", "Etc/GMT+5", "06:59 (UTC-5)."),
        ("en", "America/Argentina/Buenos_Aires", "08:59 (Buenos Aires time, UTC-3)."),
        ("ru", "Europe/Moscow", "срок — среда, 4 марта 2026 г., 14:59 (Москва, UTC+3)."),
        ("ru", "Asia/Kathmandu", "17:44 (Катманду, UTC+5:45)."),
        ("zh", "Asia/Shanghai", "2026年3月4日星期三 19:59（上海时间，UTC+8）之前"),
        ("zh-Hant-TW", "Asia/Taipei", "2026年3月4日星期三 19:59（台北时间，UTC+8）之前"),
    ],
)
def test_a_time_is_told_with_date_and_zone(locale, timezone, words):
    assert words in told(locale=locale, timezone=timezone).body


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-03-04T00:10:00+03:00", "сегодня, 4 марта, 14:59"),
        ("2026-03-03T23:50:00+03:00", "завтра, 4 марта, 14:59"),
        ("2026-03-03T21:50:00+00:00", "сегодня, 4 марта, 14:59"),
        ("2026-03-02T12:00:00+03:00", "среда, 4 марта 2026 г., 14:59"),
        ("2026-03-05T12:00:00+03:00", "среда, 4 марта 2026 г., 14:59"),
    ],
)
def test_today_and_tomorrow_are_those_of_the_customer(now, words):
    assert words in told(locale="ru", timezone="Europe/Moscow", now=dt.datetime.fromisoformat(now)).body


@pytest.mark.parametrize("second", [0, 30, 59])
def test_a_promise_is_never_told_later_than_it_is(second):
    assert "11:59" in told(dt.datetime(2026, 3, 4, 11, 59, second, tzinfo=dt.UTC)).body


def test_clock_changes_are_those_of_the_zone():
    summer = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
    assert "14:00 (Berlin time, UTC+2)" in told(summer, timezone="Europe/Berlin").body


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "x" * 1_000, "\x00"])
def test_an_unknown_zone_is_told_in_utc_and_reported(zone):
    shown = told(timezone=zone)
    assert "11:59 (UTC)" in shown.body
    assert shown.problems == ("the time zone is unknown, so UTC is used",)


@pytest.mark.parametrize("at", [dt.datetime.max.replace(tzinfo=dt.UTC), dt.datetime.min.replace(tzinfo=dt.UTC)])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_ends_of_time_do_not_raise(at, zone):
    assert "UTC" in told(at, timezone=zone).body


@pytest.mark.parametrize("locale", ["en", "ru", "zh"])
def test_every_zone_can_be_told(locale):
    for zone in sorted(zoneinfo.available_timezones()):
        shown = told(locale=locale, timezone=zone)
        assert "UTC" in shown.body, zone
        assert "/" not in shown.body, zone


def test_the_next_opening_of_a_calendar():
    calendar = BusinessCalendar.weekdays("Europe/Berlin", start="09:00", end="17:00")
    friday_evening = dt.datetime(2026, 3, 6, 19, tzinfo=dt.UTC)
    opens = next_opening(calendar, friday_evening)
    assert opens == dt.datetime(2026, 3, 9, 8, tzinfo=dt.UTC)
    assert next_opening(calendar, opens) is None
    shown = CATALOG.render(
        "acknowledgement",
        locale="ru",
        values={"ticket.reference": "K7", "opens": opens},
        timezone="Asia/Novosibirsk",
        now=friday_evening,
    )
    assert "Начало работы — понедельник, 9 марта 2026 г., 15:00 (Новосибирск, UTC+7)." in shown.body


def test_a_desk_that_never_opens_again_has_no_next_opening():
    once = BusinessCalendar.from_dict(
        {"timezone": "UTC", "hours": {}, "overrides": {"2026-01-05": [["09:00", "10:00"]]}}
    )
    assert next_opening(once, dt.datetime(2026, 3, 6, 19, tzinfo=dt.UTC)) is None
