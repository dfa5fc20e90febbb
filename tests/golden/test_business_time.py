"""Published facts about business time: the golden cases, and a year of a city's own due times."""

from __future__ import annotations

import csv
import datetime as dt
import json
from zoneinfo import ZoneInfo

import pytest
from tests.shared_data import SHARED, shared_file

from supportkit.businesstime import BusinessCalendar, InvalidCalendar, NoBusinessTime

NO_CALENDAR = "error:no_business_time"


def golden_cases() -> list[dict]:
    path = SHARED / "golden/sla_cases.json"
    if not path.exists():
        return []
    return [case for case in json.loads(path.read_text(encoding="utf-8"))["cases"] if case["kind"] != "clock"]


CASES = golden_cases()


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def answer(case: dict) -> object:
    calendar, given = BusinessCalendar.from_dict(case["calendar"]), case["inputs"]
    match case["kind"]:
        case "due":
            move = calendar.subtract if given.get("direction") == "before" else calendar.add
            ties = {"tie": given["tie"]} if "tie" in given else {}
            return move(at(given["start"]), dt.timedelta(seconds=given["seconds"]), **ties).astimezone(dt.UTC)
        case "elapsed":
            return calendar.between(at(given["start"]), at(given["end"]))
        case "open":
            return calendar.is_open(at(given["at"]))


def wanted(case: dict) -> object:
    match case["kind"]:
        case "due":
            return at(case["expected"])
        case "elapsed":
            return dt.timedelta(seconds=case["expected"])
        case "open":
            return case["expected"]


def test_all_golden_cases_are_there():
    shared_file("golden/sla_cases.json")

    assert len(CASES) == 316


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_golden_case_holds_to_the_second(case):
    # A calendar without any window is refused at construction, whatever is asked.
    if case["expected"] == NO_CALENDAR or not (case["calendar"]["hours"] or case["calendar"].get("overrides")):
        with pytest.raises((InvalidCalendar, NoBusinessTime)):
            answer(case)
    else:
        assert answer(case) == wanted(case)


# -- Boston 311: the city computes its due times in business days of 8.5 hours ---------------------------------------

BOSTON = ZoneInfo("America/New_York")
HOLIDAYS = [
    "2015-01-01",
    "2015-01-19",
    "2015-02-16",
    "2015-04-20",
    "2015-05-25",
    "2015-09-07",
    "2015-10-12",
    "2015-11-11",
    "2015-11-26",
    "2015-12-25",
    "2016-01-01",
]
BUSINESS_DAYS = {
    "CE Collection": 1,
    "Electrical": 5,
    "General Comments For a Program or Policy": 10,
    "Empty Litter Basket": 1,
    "Pick up Dead Animal": 1,
    "Sign Repair": 10,
}


def city_hall(holidays: list[str]) -> BusinessCalendar:
    hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("08:30", "17:00"),))
    return BusinessCalendar(timezone="America/New_York", hours=hours, holidays=holidays)


def city_times(kind: str) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return when each request of a *kind* was opened and when the city says it is due."""

    def local(text: str) -> dt.datetime:
        return dt.datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=BOSTON)

    with shared_file("data/boston311_dev.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["TYPE"] == kind and row["TARGET_DT"]]
    return [(local(row["OPEN_DT"]), local(row["TARGET_DT"])) for row in rows]


def hits(calendar: BusinessCalendar, kind: str, tie: str) -> tuple[int, int]:
    target = dt.timedelta(hours=8.5) * BUSINESS_DAYS[kind]
    times = city_times(kind)
    misses = [abs(calendar.add(opened, target, tie=tie) - due) for opened, due in times]
    return sum(miss <= dt.timedelta(seconds=60) for miss in misses), len(times)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("CE Collection", (250, 250)),
        ("Electrical", (68, 68)),
        ("General Comments For a Program or Policy", (232, 232)),
        ("Empty Litter Basket", (143, 144)),
        ("Pick up Dead Animal", (97, 97)),
        ("Sign Repair", (254, 255)),
    ],
)
def test_due_times_are_those_of_the_city(kind, expected):
    right, total = hits(city_hall(HOLIDAYS), kind, "next_open")

    assert (right, total) == expected
    assert right / total >= 0.99


def test_without_the_holiday_of_the_next_year_due_times_are_wrong():
    assert sum(hits(city_hall(HOLIDAYS[:-1]), kind, "next_open")[0] for kind in BUSINESS_DAYS) == 1028


def test_the_city_prints_the_next_opening_and_not_the_closing():
    assert sum(hits(city_hall(HOLIDAYS), kind, "earliest")[0] for kind in BUSINESS_DAYS) == 630
