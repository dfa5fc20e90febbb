"""Tables grow as they are needed; that neither shows in a result nor gets in the way of other threads."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import threading
import zoneinfo

import pytest

from supportkit.businesstime import BusinessCalendar, zone_data_version, zonedata
from supportkit.businesstime.compile import EMPTY
from supportkit.clock import to_us

HOUR_US = 3_600 * 1_000_000


def fresh() -> BusinessCalendar:
    return BusinessCalendar(
        timezone="Europe/Berlin",
        hours={"mon": [("09:00", "17:00")], "wed": [("22:00", "06:00")], "sun": [("00:00", "24:00")]},
        holidays=["2025-04-21"],
    )


def year(number: int) -> int:
    return to_us(dt.datetime(number, 6, 15, 10, 30, tzinfo=dt.UTC))


QUESTIONS = {
    "near": lambda c: c.add_us(year(2025), 5 * HOUR_US),
    "late": lambda c: c.add_us(year(2061), 5 * HOUR_US, tie="next_open"),
    "early": lambda c: c.subtract_us(year(1955), 5 * HOUR_US),
    "back": lambda c: c.subtract_us(year(2061), 5 * HOUR_US),
    "previous": lambda c: c.subtract_us(year(2025), 90_000 * HOUR_US, tie="prev_close"),
    "long": lambda c: c.add_us(year(2025), 90_000 * HOUR_US),
    "span": lambda c: c.between_us(year(1961), year(2044)),
}


@pytest.mark.parametrize("order", list(itertools.permutations(QUESTIONS))[::241])
def test_no_answer_depends_on_the_questions_before_it(order):
    alone = {name: ask(fresh()) for name, ask in QUESTIONS.items()}
    calendar = fresh()

    assert {name: QUESTIONS[name](calendar) for name in order} == alone


def test_nothing_is_compiled_before_the_first_question():
    assert fresh()._line.table is EMPTY


def test_a_table_that_suffices_is_not_replaced():
    calendar = fresh()
    calendar.add_us(year(2025), HOUR_US)
    table = calendar._line.table

    calendar.add_us(year(2025) + HOUR_US, HOUR_US)

    assert calendar._line.table is table


def test_growth_at_least_doubles_the_table():
    calendar = fresh()
    calendar.is_open(dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
    before = calendar._line.table

    calendar.is_open(dt.datetime(2027, 1, 2, tzinfo=dt.UTC))
    after = calendar._line.table

    assert after.stop_year - after.first_year >= 2 * (before.stop_year - before.first_year)
    assert before.stop_year == 2027  # the old value is as it was


def test_a_stray_instant_far_away_does_not_fill_the_years_between():
    calendar = fresh()
    calendar.add_us(year(2025), HOUR_US)
    table = calendar._line.table

    answers = [calendar.add_us(year(9000), 5 * HOUR_US), calendar.subtract_us(year(3), 5 * HOUR_US)]

    assert calendar._line.table is table
    assert answers == [fresh().add_us(year(9000), 5 * HOUR_US), fresh().subtract_us(year(3), 5 * HOUR_US)]


def test_many_threads_on_one_calendar_get_the_answers_of_one():
    chance = random.Random(5)
    asked = [
        (year(chance.randrange(1930, 2080)) + chance.randrange(10**12), chance.randrange(10**13)) for _ in range(400)
    ]
    expected = [fresh().add_us(t, d) for t, d in asked[:40]]
    single = fresh()
    expected += [single.add_us(t, d) for t, d in asked[40:]]
    calendar, ready, wrong = fresh(), threading.Barrier(8), []

    def ask(seed: int) -> None:
        order = list(range(len(asked)))
        random.Random(seed).shuffle(order)
        ready.wait()
        wrong.extend(n for n in order if calendar.add_us(*asked[n]) != expected[n])

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


class NoLock:
    """A stand-in for a lock that nobody may take."""

    def __enter__(self):
        raise AssertionError("a reader took a lock")


def test_readers_of_a_compiled_calendar_take_no_lock(monkeypatch):
    calendar = fresh()
    calendar.between_us(year(2000), year(2030))
    monkeypatch.setattr(threading, "Lock", NoLock)
    monkeypatch.setattr(threading, "RLock", NoLock)

    assert calendar.between_us(year(2001), year(2029)) > 0


# -- the version of the zone data ------------------------------------------------------------------------------------


def test_the_zone_data_of_the_system_comes_first(tmp_path, monkeypatch):
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").write_bytes(b"TZif")
    (tmp_path / "tzdata.zi").write_text("# version 1999z\nR A 1\n")
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path / "absent"), str(tmp_path)))

    assert zone_data_version("Europe/Berlin") == "1999z"


def test_a_system_may_name_its_version_in_another_file(tmp_path, monkeypatch):
    (tmp_path / "UTC").write_bytes(b"TZif")
    (tmp_path / "+VERSION").write_text("2001b\n")
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path),))

    assert zone_data_version("UTC") == "2001b"


def test_a_system_that_does_not_tell_is_unknown(tmp_path, monkeypatch):
    (tmp_path / "UTC").write_bytes(b"TZif")
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path),))

    assert zone_data_version("UTC") == zonedata.UNKNOWN


def test_without_the_zone_on_the_path_it_is_the_version_of_the_package(tmp_path, monkeypatch):
    import tzdata

    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path),))

    assert zone_data_version("Asia/Kathmandu") == tzdata.IANA_VERSION
