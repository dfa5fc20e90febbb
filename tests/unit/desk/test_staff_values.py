"""Agents, teams and shifts as values: what they refuse, and when somebody is on duty."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from supportkit.errors import InvalidStaff
from supportkit.model.people import Agent, Shift, Team
from supportkit.storage.codec import codec_of

NIGHT = Shift(days=(5, 7), begins=dt.time(22), ends=dt.time(6))
BERLIN = ZoneInfo("Europe/Berlin")


def local(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 6, day, hour, minute)  # noqa: DTZ001 - a time on the wall; June 1 is a Monday


@pytest.mark.parametrize(
    ("when", "on"),
    [
        (local(5, 21, 59), False),
        (local(5, 22), True),
        (local(6, 5, 59), True),
        (local(6, 6), False),
        (local(6, 22), False),
        (local(7, 22), True),
        (local(8, 5), True),  # the night from Sunday to Monday
        (local(1, 5), True),
        (local(2, 5), False),
    ],
)
def test_a_night_shift_belongs_to_the_day_on_which_it_begins(when: dt.datetime, on: bool) -> None:
    assert NIGHT.covers(when) is on


def test_the_shifts_of_an_agent_are_hours_of_his_own_zone_in_summer_and_in_winter() -> None:
    kim = Agent(
        id="kim",
        timezone="Europe/Berlin",
        shifts=(Shift(days=(1, 2, 3, 4, 5), begins=dt.time(9), ends=dt.time(17)),),
    )
    assert kim.is_on_shift(dt.datetime(2026, 7, 6, 7, tzinfo=dt.UTC)) is True
    assert kim.is_on_shift(dt.datetime(2026, 1, 5, 7, tzinfo=dt.UTC)) is False
    assert kim.is_on_shift(dt.datetime(2026, 1, 5, 9, tzinfo=BERLIN)) is True


def test_without_shifts_a_calendar_decides() -> None:
    assert Agent(id="kim").is_on_shift(dt.datetime(2026, 1, 5, tzinfo=dt.UTC)) is None


def test_a_channel_without_a_capacity_has_no_limit() -> None:
    kim = Agent(id="kim", capacity={"chat": 3, "phone": 0})
    assert [kim.capacity_on(channel) for channel in ("chat", "phone", "email")] == [3, 0, None]


def test_the_order_in_which_capacities_are_given_does_not_matter() -> None:
    assert Agent(id="kim", capacity={"chat": 3, "a": 1}) == Agent(id="kim", capacity=(("a", 1), ("chat", 3)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tier": 0}, "tier"),
        ({"tier": True}, "tier"),
        ({"capacity": {"chat": -1}}, "capacity"),
        ({"capacity": {"chat": 1.5}}, "capacity"),
        ({"deputy": "kim"}, "deputy"),
    ],
)
def test_an_agent_who_cannot_be_is_refused_with_the_name_of_the_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidStaff) as caught:
        Agent(id="kim", **changes)  # type: ignore[arg-type]
    assert (caught.value.field, caught.value.code) == (field, "workflow.staff")


@pytest.mark.parametrize("days", [(), (0,), (8,)])
def test_a_shift_without_a_weekday_of_the_calendar_is_refused(days: tuple[int, ...]) -> None:
    with pytest.raises(InvalidStaff, match="weekdays"):
        Shift(days=days, begins=dt.time(9), ends=dt.time(17))


def test_the_times_of_a_shift_have_no_zone_of_their_own() -> None:
    with pytest.raises(InvalidStaff, match="zone"):
        Shift(days=(1,), begins=dt.time(9, tzinfo=dt.UTC), ends=dt.time(17))


def test_a_team_works_on_a_line_that_counts_from_one_or_on_several() -> None:
    assert Team(id="t").tier is None
    with pytest.raises(InvalidStaff, match="tier"):
        Team(id="t", tier=0)


@pytest.mark.parametrize(
    "value",
    [
        Agent(
            id="kim",
            tenant="t",
            name="Kim",
            teams=("first",),
            tier=2,
            skills=("billing",),
            languages=("en", "ru"),
            locale="ru",
            timezone="Asia/Shanghai",
            calendar="office",
            shifts=(NIGHT,),
            capacity={"chat": 3},
            active=False,
            deputy="lee",
            version=4,
        ),
        Team(id="first", tenant="t", name="First line", lead="kim", calendar="office", tier=1, version=2),
    ],
)
def test_what_is_stored_of_them_reads_back_as_it_was(value: Agent | Team) -> None:
    made: Any = type(value)
    codec = codec_of(made)
    assert codec.decode(codec.encode(value)) == value


def test_names_of_people_stay_out_of_what_is_printed() -> None:
    assert "Canary" not in repr(Agent(id="kim", name="Canary"))
