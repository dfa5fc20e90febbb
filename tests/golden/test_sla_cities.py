"""Clocks against what two real desks wrote down: a city's on-time flags and due times, a shop's `made_sla`."""

from __future__ import annotations

import csv
import datetime as dt
from zoneinfo import ZoneInfo

import attrs
import pytest
from tests.shared_data import ROOT, shared_file

from supportkit.model.ticket import Priority, StateCategory
from supportkit.sla import (
    Created,
    DueOverridden,
    Metric,
    PolicyApplied,
    Rules,
    ServiceLevels,
    StateEntered,
    Verdict,
    evaluate,
    select,
)

BOSTON = ZoneInfo("America/New_York")
STATES = {"new": StateCategory.NEW, "closed": StateCategory.CLOSED}
COUNTED_AT = dt.datetime(2016, 1, 12, 22, 22, 40, tzinfo=BOSTON)
LATER = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
RESOLUTION = Metric.RESOLUTION


def levels(name: str) -> ServiceLevels:
    return ServiceLevels.from_toml((ROOT / "examples/policies" / name).read_text(encoding="utf-8"))


CITY = levels("boston311.toml")
CITY_RULES = Rules(CITY, categories=STATES)


def rows(name: str) -> list[dict[str, str]]:
    with shared_file(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def local(text: str) -> dt.datetime | None:
    return dt.datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=BOSTON) if text else None


def history(row: dict[str, str], *, is_overridden: bool) -> list:
    opened, target, closed = (local(row[name]) for name in ("OPEN_DT", "TARGET_DT", "CLOSED_DT"))
    policy = select(CITY.policies, {"type": row["TYPE"]})
    facts = [
        Created(occurred_at=opened, seq=1, channel=row["Source"], state="new"),
        PolicyApplied(occurred_at=opened, seq=2, policy=policy.id, revision=policy.revision),
    ]
    if is_overridden and target is not None:
        facts.append(DueOverridden(occurred_at=opened, seq=3, metric=RESOLUTION, instant=target))
    if closed is not None:
        facts.append(StateEntered(occurred_at=closed, seq=4, state="closed"))
    return facts


def clock_of(facts, at, rules=CITY_RULES):
    return evaluate(facts, rules, None, at, categories=STATES)[RESOLUTION]


@pytest.fixture(scope="module")
def city() -> list[dict[str, str]]:
    return rows("data/boston311_dev.csv")


def test_a_due_override_gives_the_citys_flag_on_every_closed_request(city):
    late, same, skewed, without = 0, 0, 0, 0
    closed = [row for row in city if row["CLOSED_DT"]]
    for row in closed:
        clock = clock_of(history(row, is_overridden=True), LATER)
        skewed += "clock_skew" in clock.flags
        if row["OnTime_Status"] and row["TARGET_DT"]:
            is_late = clock.override_verdict is Verdict.BREACHED
            late += is_late
            same += is_late == (row["OnTime_Status"] == "OVERDUE")
        elif row["OnTime_Status"]:
            without += clock.override_verdict is None and row["OnTime_Status"] == "ONTIME"

    assert (same, late, without) == (3978, 987, 1099)
    assert same + without == sum(bool(row["OnTime_Status"]) for row in closed) == 5077
    assert sum(not row["OnTime_Status"] for row in closed) == 2
    assert skewed == 6


def test_open_requests_are_overdue_where_the_city_says_so(city):
    waiting = [row for row in city if not row["CLOSED_DT"] and row["TARGET_DT"]]
    same = sum(
        (clock_of(history(row, is_overridden=True), COUNTED_AT).override_verdict is Verdict.BREACHED)
        == (row["OnTime_Status"] == "OVERDUE")
        for row in waiting
    )

    assert (same, len(waiting)) == (732, 732)


TYPES = {
    "CE Collection": (250, 250),
    "Electrical": (68, 68),
    "General Comments For a Program or Policy": (232, 232),
    "Empty Litter Basket": (143, 144),
    "Pick up Dead Animal": (97, 97),
    "Sign Repair": (254, 255),
}


@pytest.mark.parametrize(("kind", "expected"), TYPES.items(), ids=TYPES)
def test_breaching_instants_are_the_due_times_of_the_city(city, kind, expected):
    some = [row for row in city if row["TYPE"] == kind and row["TARGET_DT"]]
    hits = 0
    for row in some:
        opened = local(row["OPEN_DT"])
        clock = clock_of(history({**row, "CLOSED_DT": ""}, is_overridden=False), opened)
        hits += abs(clock.breaches_at - local(row["TARGET_DT"])) <= dt.timedelta(seconds=60)

    assert (hits, len(some)) == expected


def test_used_against_target_alone_gives_the_flag_too(city):
    labelled = [row for row in city if row["TYPE"] in TYPES and row["CLOSED_DT"] and row["TARGET_DT"]]
    labelled = [row for row in labelled if row["OnTime_Status"]]
    same = sum(
        (clock_of(history(row, is_overridden=False), LATER).verdict is Verdict.BREACHED)
        == (row["OnTime_Status"] == "OVERDUE")
        for row in labelled
    )

    assert (same, len(labelled)) == (911, 912)


def test_a_due_in_a_year_without_holidays_is_flagged(city):
    calendar = dict(CITY.calendars)["city_hall"]
    known = attrs.evolve(calendar, known_until="2015-12-31")
    row = {
        "TYPE": "Sign Repair",
        "Source": "phone",
        "OPEN_DT": "12/29/2015 10:00:00 AM",
        "TARGET_DT": "",
        "CLOSED_DT": "",
    }
    facts = history(row, is_overridden=False)
    at = local(row["OPEN_DT"])

    assert "beyond_known_holidays" in clock_of(facts, at, Rules(CITY, {"city_hall": known}, categories=STATES)).flags
    assert clock_of(facts, at).flags == frozenset()


def test_made_sla_of_priority_3_is_the_verdict_on_weekdays(uci):
    shop = Rules(levels("uci.toml"), categories=STATES)
    same, total = 0, 0
    for row in uci:
        if not row["priority"].startswith("3"):
            continue
        opened, closed = (
            dt.datetime.strptime(row[name], "%d/%m/%Y %H:%M").replace(tzinfo=dt.UTC)
            for name in ("opened_at", "closed_at")
        )
        facts = [
            Created(occurred_at=opened, seq=1, channel=row["contact_type"], priority=Priority.NORMAL, state="new"),
            StateEntered(occurred_at=closed, seq=2, state="closed"),
        ]
        total += 1
        same += (clock_of(facts, LATER, shop).verdict is Verdict.MET) == (row["made_sla"] == "true")

    assert (same, total) == (1190, 1197)
    assert same / total >= 0.99


@pytest.fixture(scope="module")
def uci() -> list[dict[str, str]]:
    """The last row of each incident."""
    last = {row["number"]: row for row in rows("data/uci_incident_dev.csv")}
    assert len(last) == 1269
    return list(last.values())
