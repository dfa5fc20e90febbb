"""`desk.reports`: what is folded from a desk's own log, and what is not."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.survey_rig import KIM, rig_with, survey

from supportkit import Desk, ManualClock
from supportkit.errors import NotFound
from supportkit.metrics import CohortFilter

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
DAYS = ("mon", "tue", "wed", "thu", "fri")


def office(start: str) -> dict:
    return {
        "policies": [
            {"id": "all", "calendar": "office", "fallback": True, "targets": [{"metric": "RESOLUTION", "target": "8h"}]}
        ],
        "calendars": {"office": {"timezone": "UTC", "hours": {day: [[start, "18:00"]] for day in DAYS}}},
    }


@pytest.fixture
def clock():
    return ManualClock(START)


@pytest.fixture
def desk(clock):
    with Desk("sqlite://", clock=clock, levels=office("09:00")) as made:
        yield made


def opened(desk, **more):
    return desk.open("Invoice", "Wrong.", customer=desk.customers.add("Ann").id, channel="chat", **more).id


def test_business_time_is_the_hours_of_the_desk(desk, clock):
    ticket = opened(desk)
    clock.advance(hours=3)  # 08:00 to 11:00, of which the desk is open for two hours
    desk.resolve(ticket, "Done.", actor=KIM)

    kpis = desk.reports.kpis()

    assert kpis["first_resolution.calendar.median"].value == dt.timedelta(hours=3)
    assert kpis["first_resolution.business.median"].value == dt.timedelta(hours=2)
    assert kpis["sla.attainment.resolution"].value == 1.0


def test_each_stretch_is_measured_with_the_hours_that_were_in_force(clock):
    desk = Desk("sqlite://", clock=clock, levels=office("09:00"))
    ticket = opened(desk)
    clock.advance(days=1)
    with Desk(desk.storage, clock=clock, levels=office("17:00")) as later:  # from Tuesday on an hour a day
        clock.advance(days=1)
        later.resolve(ticket, "Done.", actor=KIM)
        found = later.reports.kpis()["first_resolution.business.median"].value
    desk.close()

    assert found == dt.timedelta(hours=9 + 1)


def test_a_promise_that_nobody_has_ticked_is_broken_when_its_time_is_over(desk, clock):
    opened(desk)
    clock.advance(days=3)

    found = desk.reports.metric("sla.attainment.resolution")

    assert (found.numerator, found.denominator) == (0, 1)


def test_a_promise_that_is_not_yet_due_is_on_neither_side(desk, clock):
    opened(desk)
    clock.advance(hours=2)
    found = desk.reports.metric("sla.attainment.resolution")
    assert (found.denominator, found.cohort.left_out("running")) == (0, 1)


def test_an_earlier_instant_knows_nothing_of_what_came_later(desk, clock):
    ticket = opened(desk)
    clock.advance(hours=2)
    before = clock.now()
    clock.advance(hours=1)
    desk.end(ticket, reason="spam", actor=KIM)

    assert desk.reports.kpis(at=before)["tickets.created"].value == 1
    assert desk.reports.kpis(at=before)["backlog.count"].value == 1
    assert desk.reports.kpis()["tickets.created"].value == 0
    assert desk.reports.kpis()["tickets.created"].cohort.left_out("spam") == 1


def test_internal_work_is_left_out_under_its_reason(desk):
    opened(desk, source="test")
    opened(desk, source="mystery")
    opened(desk, source="survey")
    friend = desk.customers.add("Kim").id
    desk.open("x", "y", customer=friend)
    found = desk.reports.kpis(filter=CohortFilter(id="ours/1", internal={friend}))["tickets.created"]

    assert found.value == 0
    assert dict(found.cohort.excluded) == {"internal": 2, "mystery_shopper": 1, "test": 1}
    assert found.cohort.filter == "ours/1"


def test_a_merged_ticket_is_counted_once(desk):
    one, two = opened(desk), opened(desk)
    desk.merge(two, one, actor=KIM)

    found = desk.reports.kpis()["tickets.created"]

    assert (found.value, found.cohort.left_out("merged")) == (1, 1)


def test_coverage_looks_at_the_hours_of_the_desk(desk, clock):
    opened(desk)  # at 08:00, before the desk opens
    clock.advance(hours=4)
    opened(desk)

    found = desk.reports.metric("coverage.outside_desk_hours")

    assert (found.numerator, found.denominator) == (1, 2)


def test_topics_are_tags_or_a_field(desk):
    opened(desk, tags=["parcel"], fields={"topic": "delivery"})

    assert [group.name for group in desk.reports.kpis().by("topic")] == ["parcel"]
    assert [group.name for group in desk.reports.kpis(topic_field="topic").by("topic")] == ["delivery"]


def test_first_contact_is_not_solved_when_the_customer_comes_again(desk, clock):
    ann = desk.customers.add("Ann").id
    for _time in range(2):
        ticket = desk.open("Invoice", "Wrong.", customer=ann, tags=["invoice"]).id
        desk.reply(ticket, "Sorry.", actor=KIM)
        desk.resolve(ticket, "Done.", actor=KIM)
        clock.advance(days=3)
    clock.advance(days=20)

    found = desk.reports.metric("fcr.7d")

    assert (found.numerator, found.denominator) == (1, 2)


def test_what_is_not_there_is_named(desk):
    with pytest.raises(NotFound, match="calendar"):
        desk.reports.kpis(calendar="moon")
    with pytest.raises(NotFound, match="happiness"):
        desk.reports.metric("happiness")
    with pytest.raises(ValueError, match="cannot end"):
        desk.reports.kpis("2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z")


def test_answers_of_surveys_are_scored_from_the_log():
    rig = rig_with(survey())
    _ticket, token = rig.asked()
    rig.answer(token, csat="5")

    (found,) = rig.desk.reports.scores()

    assert found.question.endswith(": csat")
    assert (found.results[0].definition, found.results[0].numerator) == ("csat.top2_of_5/1", 1)
    assert rig.desk.reports.scores(until="2020-01-01T00:00:00Z") == ()
