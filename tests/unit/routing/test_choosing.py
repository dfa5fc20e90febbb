"""Who should take a ticket: the reasons for each candidate, and what speaks against the others."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import UTC
from supportkit.errors import ConfigurationError, InvalidStaff
from supportkit.model.fields import Fields
from supportkit.model.people import Agent, Shift, Team
from supportkit.routing.choosing import Candidate, Moment, Needs, Reason, Rejected, Strategy, Why, choose, fullness
from supportkit.routing.duty import Duty, PresenceState, duty_of, primary, second_of_week
from supportkit.routing.roster import Roster, Routing

TUESDAY = dt.datetime(2026, 1, 6, 12, tzinfo=UTC)
OFFICE = Shift(days=(1, 2, 3, 4, 5), begins=dt.time(9), ends=dt.time(17))


def duty(id: str = "kim", **values: Any) -> Duty:  # noqa: A002 - as the attribute is called
    return duty_of(Agent(id=id, **values), {}, {})


def why(person: Duty, needs: Needs = Needs(), moment: Moment | None = None) -> tuple[Why, str]:  # noqa: B008
    choice = choose([person], needs, moment or Moment(now=TUESDAY))
    assert choice.candidates == ()
    assert choice.best is None
    (rejected,) = choice.rejected
    assert rejected.agent == person.id
    return rejected.why, rejected.detail


def order(people: list[Duty], strategy: Strategy, **moment: Any) -> list[str]:
    choice = choose(people, Needs(), Moment(now=TUESDAY, **moment), strategy)
    return [one.agent for one in choice.candidates]


def test_every_reason_that_holds_is_told() -> None:
    person = duty(teams=("pay",), skills=("refunds",), languages=("ru",), shifts=(OFFICE,), capacity={"chat": 2})
    needs = Needs(
        channel="chat", channel_class="chat", team="pay", skills=frozenset({"refunds"}), language="ru", owner="kim"
    )
    moment = Moment(now=TUESDAY, loads={("kim", "chat"): 1}, served={"kim": 5}, classes={"chat": "chat"})
    assert choose([person], needs, moment).candidates == (
        Candidate(
            "kim",
            (
                Reason.OWNS_TOPIC,
                Reason.IN_TEAM,
                Reason.HAS_SKILLS,
                Reason.SPEAKS,
                Reason.ON_SHIFT,
                Reason.BELOW_CAPACITY,
                Reason.SERVED_BEFORE,
                Reason.LEAST_LOADED,
            ),
            1,
        ),
    )


def test_who_has_nothing_recorded_takes_anything_at_any_hour() -> None:
    assert choose([duty()], Needs(language="ru"), Moment(now=TUESDAY)).candidates == (
        Candidate("kim", (Reason.LEAST_LOADED,), 0),
    )


def test_each_thing_that_speaks_against_somebody_is_told() -> None:
    assert why(duty(active=False)) == (Why.LEFT, "")
    assert why(duty(teams=("ops",)), Needs(team="pay")) == (Why.OTHER_TEAM, "pay")
    assert why(duty(tier=1), Needs(tier=2)) == (Why.OTHER_TIER, "2")
    assert why(duty(skills=("a",)), Needs(skills=frozenset({"a", "c", "b"}))) == (Why.LACKS_SKILL, "b, c")
    assert why(duty(languages=("de", "en-GB")), Needs(language="ru")) == (Why.OTHER_LANGUAGE, "ru")
    assert why(duty(shifts=(OFFICE,)), Needs(), Moment(now=TUESDAY.replace(hour=20))) == (Why.OFF_SHIFT, "")


@pytest.mark.parametrize(
    ("says", "reason"), [(PresenceState.OFF, Why.OFF), (PresenceState.AWAY, Why.AWAY), (PresenceState.BUSY, Why.BUSY)]
)
def test_who_says_that_he_is_not_there_gets_nothing(says: PresenceState, reason: Why) -> None:
    assert why(duty(), moment=Moment(now=TUESDAY, presence={"kim": says})) == (reason, "")


def test_who_says_that_he_is_there_gets_something() -> None:
    assert choose([duty()], Needs(), Moment(now=TUESDAY, presence={"kim": PresenceState.ONLINE})).best == "kim"


def test_a_capacity_of_nothing_keeps_a_channel_away_and_only_that_one() -> None:
    person = duty(capacity={"chat": 0})
    assert why(person, Needs(channel="chat", channel_class="chat")) == (Why.NOT_THIS_CHANNEL, "chat")
    assert choose([person], Needs(channel="mail", channel_class="email"), Moment(now=TUESDAY)).best == "kim"


def test_a_capacity_holds_for_a_channel_by_its_name_and_for_all_of_its_class() -> None:
    classes = {"telegram": "messenger", "sms": "messenger"}
    loads = {("kim", "telegram"): 1, ("kim", "sms"): 1, ("kim", "mail"): 9}
    moment = Moment(now=TUESDAY, loads=loads, classes=classes)
    needs = Needs(channel="telegram", channel_class="messenger")
    assert why(duty(capacity={"messenger": 2}), needs, moment) == (Why.FULL, "2 of 2")
    assert why(duty(capacity={"telegram": 1}), needs, moment) == (Why.FULL, "1 of 1")
    assert fullness(duty(capacity={"messenger": 3, "telegram": 2}), needs, moment) is None
    assert fullness(duty(), needs, moment) is None


def test_languages_are_compared_without_script_and_region() -> None:
    assert [primary(tag) for tag in ("zh-Hans-CN", "EN_gb", "ru")] == ["zh", "en", "ru"]
    assert choose([duty(languages=("zh-Hant",))], Needs(language="zh"), Moment(now=TUESDAY)).best == "kim"


# -- strategies ------------------------------------------------------------------------------------------------------


def test_the_least_loaded_comes_first_and_of_equals_the_one_who_waits_longest() -> None:
    people = [duty(one) for one in "abcd"]
    loads = {("a", "mail"): 2, ("b", "mail"): 1, ("b", "chat"): 1, ("c", "mail"): 1}
    assert order(people, Strategy.LEAST_LOADED, loads=loads, turns={"a": 9, "b": 3}) == ["d", "c", "b", "a"]


def test_round_robin_goes_by_the_last_turn_whatever_the_load() -> None:
    people = [duty(one) for one in "abc"]
    assert order(people, Strategy.ROUND_ROBIN, loads={("c", "mail"): 50}, turns={"a": 2, "b": 3}) == ["c", "a", "b"]


def test_sticky_prefers_who_served_the_customer_last_and_else_the_least_loaded() -> None:
    people = [duty(one) for one in "abcd"]
    loads = {("a", "mail"): 5, ("c", "mail"): 1}
    served = {"a": 100, "b": 200}
    assert order(people, Strategy.STICKY, loads=loads, served=served) == ["b", "a", "d", "c"]


def test_weighted_fills_people_up_in_proportion() -> None:
    people = [attrs.evolve(duty("part"), weight=1), attrs.evolve(duty("full"), weight=3)]
    loads: dict[tuple[str, str], int] = {}
    for _ in range(40):
        best = order(people, Strategy.WEIGHTED, loads=loads)[0]
        loads[best, "mail"] = loads.get((best, "mail"), 0) + 1
    assert loads == {("full", "mail"): 30, ("part", "mail"): 10}


@pytest.mark.parametrize("strategy", list(Strategy))
def test_the_owner_of_the_topic_comes_first_in_every_strategy(strategy: Strategy) -> None:
    people = [duty(one) for one in "abc"]
    moment = Moment(now=TUESDAY, loads={("c", "mail"): 9}, turns={"c": 9}, served={"a": 1})
    assert choose(people, Needs(owner="c"), moment, strategy).best == "c"


@given(
    st.permutations(["a", "b", "c", "d", "e"]),
    st.sampled_from(list(Strategy)),
    st.dictionaries(st.sampled_from("abcde"), st.integers(0, 3)),
)
def test_the_answer_does_not_depend_on_the_order_of_people(ids: list[str], strategy: Strategy, turns: Any) -> None:
    moment = Moment(now=TUESDAY, turns=turns, loads={("a", "mail"): 1})
    first, second = (
        choose([duty(one) for one in several], Needs(), moment, strategy) for several in (ids, sorted(ids))
    )
    assert first.candidates == second.candidates


@given(st.data())
def test_everybody_is_either_a_candidate_or_rejected_with_a_reason(data: st.DataObject) -> None:
    some = st.lists(st.sampled_from(["a", "b"]), unique=True).map(tuple)
    people = [
        duty(
            f"p{number}",
            teams=data.draw(some),
            skills=data.draw(some),
            tier=data.draw(st.integers(1, 2)),
            active=data.draw(st.booleans()),
            capacity={"chat": data.draw(st.integers(0, 2))},
        )
        for number in range(data.draw(st.integers(0, 6)))
    ]
    needs = Needs(team=data.draw(st.sampled_from(["a", None])), channel="chat", channel_class="chat")
    choice = choose(people, needs, Moment(now=TUESDAY, loads={("p0", "chat"): 1}, classes={"chat": "chat"}))
    named = [one.agent for one in choice.candidates] + [one.agent for one in choice.rejected]
    assert sorted(named) == [person.id for person in people]


# -- hours -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "begins", "ends"), [((1, 2, 3), 9, 17), ((5, 7), 22, 6), ((7,), 20, 20), ((1, 2, 3, 4, 5, 6, 7), 0, 0)]
)
def test_compiled_hours_say_what_the_shift_says_at_every_half_hour_of_a_week(
    days: tuple[int, ...], begins: int, ends: int
) -> None:
    agent = Agent(id="kim", shifts=(Shift(days=days, begins=dt.time(begins), ends=dt.time(ends)),))
    compiled = duty_of(agent, {}, {})
    monday = dt.datetime(2026, 1, 5, tzinfo=UTC)
    for half in range(2 * 24 * 7):
        at = monday + dt.timedelta(minutes=30 * half)
        assert compiled.is_on_duty(at, second_of_week(at)) == agent.is_on_shift(at), at


def test_a_shift_is_on_the_wall_clock_of_the_agent_also_when_clocks_change() -> None:
    person = duty(timezone="Europe/Berlin", shifts=(Shift(days=(7,), begins=dt.time(2), ends=dt.time(4)),))
    spring, autumn = dt.datetime(2026, 3, 29, tzinfo=UTC), dt.datetime(2026, 10, 25, tzinfo=UTC)

    def open_hours(day: dt.datetime) -> list[int]:
        found = []
        for hour in range(5):
            choice = choose([person], Needs(), Moment(now=day.replace(hour=hour)))
            found += [hour] if choice.best else []
        return found

    assert open_hours(spring) == [1]  # from 3:00 to 4:00, because 2:00 to 3:00 is skipped
    assert open_hours(autumn) == [0, 1, 2]  # 2:00 to 3:00 comes twice


def test_overlapping_shifts_are_refused_with_the_place() -> None:
    late = Shift(days=(3,), begins=dt.time(16, 30), ends=dt.time(20))
    with pytest.raises(InvalidStaff, match=r"agent 'kim', shifts: two of them overlap at Wednesday 16:30"):
        duty(shifts=(OFFICE, late))


def test_a_night_shift_over_sunday_overlaps_with_monday_morning() -> None:
    night = Shift(days=(7,), begins=dt.time(22), ends=dt.time(9, 30))
    with pytest.raises(InvalidStaff, match="Monday 09:00"):
        duty(shifts=(OFFICE, night))
    assert duty(shifts=(OFFICE, Shift(days=(7,), begins=dt.time(22), ends=dt.time(9)))).spans is not None


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidStaff, match="'Mars/Olympus' is no IANA time zone"):
        duty(timezone="Mars/Olympus")


def test_a_calendar_decides_where_there_are_no_shifts_and_that_of_the_team_where_there_is_neither() -> None:
    calendars = {
        "day": BusinessCalendar.weekdays("UTC", start="09:00", end="17:00"),
        "night": BusinessCalendar.weekdays("UTC", start="00:00", end="06:00"),
    }
    teams = {"pay": Team(id="pay", calendar="night")}
    own = duty_of(Agent(id="own", teams=("pay",), calendar="day"), teams, calendars)
    theirs = duty_of(Agent(id="theirs", teams=("pay",)), teams, calendars)
    by_shift = duty_of(Agent(id="shifts", calendar="night", shifts=(OFFICE,)), teams, calendars)
    choice = choose([own, theirs, by_shift], Needs(), Moment(now=TUESDAY))
    assert [one.agent for one in choice.candidates] == ["own", "shifts"]
    assert choice.rejected == (Rejected("theirs", Why.OFF_SHIFT, ""),)


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (TUESDAY, TUESDAY),
        (TUESDAY.replace(hour=16), dt.datetime(2026, 1, 7, 8, tzinfo=UTC)),
        (dt.datetime(2026, 1, 9, 20, tzinfo=UTC), dt.datetime(2026, 1, 12, 8, tzinfo=UTC)),
        (dt.datetime(2026, 3, 27, 20, tzinfo=UTC), dt.datetime(2026, 3, 30, 7, tzinfo=UTC)),  # summer time began
    ],
)
def test_work_resumes_when_the_next_shift_begins(now: dt.datetime, wanted: dt.datetime) -> None:
    assert duty(timezone="Europe/Berlin", shifts=(OFFICE,)).begins(now) == wanted


def test_who_has_a_calendar_that_never_opens_never_works_again() -> None:
    shut = BusinessCalendar(timezone="UTC", overrides={dt.date(2025, 1, 1): [("09:00", "10:00")]})
    person = duty_of(Agent(id="kim", calendar="shut"), {}, {"shut": shut})
    assert person.begins(TUESDAY) is None


def test_work_resumes_with_the_first_one_who_can_take_the_ticket() -> None:
    early = Shift(days=(3,), begins=dt.time(7), ends=dt.time(9))
    people = [
        Agent(id="kim", shifts=(OFFICE,)),
        Agent(id="lee", tier=2, shifts=(early,)),
        Agent(id="old", active=False),
    ]
    roster = Roster.of(people, (), {}, Routing())
    night = TUESDAY.replace(hour=22)
    assert roster.resumes(Needs(), night) == dt.datetime(2026, 1, 7, 9, tzinfo=UTC)
    assert roster.resumes(Needs(tier=2), night) == dt.datetime(2026, 1, 7, 7, tzinfo=UTC)
    assert roster.resumes(Needs(tier=3), night) is None
    assert roster.resumes(Needs(), TUESDAY) == TUESDAY


# -- configuration ---------------------------------------------------------------------------------------------------


def test_a_ticket_asks_for_the_skills_of_its_tags_and_its_topic_and_for_the_customers_language() -> None:
    routing = Routing(topic_skills={"money": ["refunds", "tax"]}, topic_owners={"money": "kim"})
    needs = routing.needs(
        channel="mail",
        channel_class="email",
        tier=2,
        team="pay",
        tags=("vip", "skill:vpn"),
        fields=Fields({"topic": "money"}),
        locale="zh-Hans",
    )
    assert needs == Needs(
        channel="mail",
        channel_class="email",
        tier=2,
        team="pay",
        skills=frozenset({"refunds", "tax", "vpn"}),
        language="zh",
        owner="kim",
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"strategy": "fastest"}, "there is no strategy 'fastest'; there are: least_loaded"),
        ({"return_after": "0s"}, "return_after must be positive"),
        ({"weights": {"kim": 0}}, "the weight of 'kim' is 1 to 1000"),
        ({"weights": {"kim": True}}, "the weight of 'kim'"),
        ({"skill_tag": ""}, "must not be empty"),
        ({"strategi": "sticky"}, "there is no key 'strategi', did you mean 'strategy'"),
        ({"topic_owners": 5}, "wrong form"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Routing.from_dict(values)


def test_a_configuration_survives_its_own_dict() -> None:
    routing = Routing(
        strategy="weighted",
        return_after="2h",
        topic_skills={"money": "refunds"},
        weights={"kim": 2},
    )
    assert Routing.from_dict(routing.to_dict()) == routing
    assert Routing.from_dict(Routing().to_dict()) == Routing()


def test_somebody_who_is_there_twice_is_refused() -> None:
    with pytest.raises(InvalidStaff, match="there is another one of this id"):
        Routing(agents=(Agent(id="kim"), Agent(id="kim", tier=2)))
    with pytest.raises(InvalidStaff, match="team 'pay'"):
        Routing(teams=(Team(id="pay"), Team(id="pay", tier=2)))
