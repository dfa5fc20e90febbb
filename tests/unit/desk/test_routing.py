"""Work is given out when a ticket is opened, to whom it suits, and comes back when he does not touch it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from supportkit.clock import UTC, ManualClock
from supportkit.desk import Desk
from supportkit.engine.evolve import fold
from supportkit.errors import ConfigurationError
from supportkit.hooks import hookimpl
from supportkit.hooks.specs import Route
from supportkit.model import events as ev
from supportkit.model.change import Change
from supportkit.model.commands import Open
from supportkit.model.people import Agent, Shift
from supportkit.model.record import Record, RecordChange
from supportkit.model.ticket import Ticket
from supportkit.routing.choosing import Choice, Reason, Rejected, Strategy, Why
from supportkit.routing.roster import Routing
from supportkit.sla import ServiceLevels

ANN, KIM = "customer:ann", "agent:kim"
HOUR = dt.timedelta(hours=1)
OFFICE = Shift(days=(1, 2, 3, 4, 5), begins=dt.time(9), ends=dt.time(17))
PEOPLE = (Agent(id="kim"), Agent(id="lee"), Agent(id="mo", tier=2, languages=("ru",)))
LEVELS: dict[str, Any] = {
    "policies": [{"id": "all", "fallback": True, "calendar": "office"}],
    "calendars": {
        "office": {"timezone": "UTC", "hours": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu")}}
    },
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-01-05T09:00:00+00:00")


def a_desk(
    clock: ManualClock, *, plugins: Any = (), levels: Any = LEVELS, url: str = "sqlite://", **values: Any
) -> Desk:
    values.setdefault("agents", PEOPLE)
    return Desk(url, clock=clock, levels=levels, routing=Routing(**values), plugins=plugins)


@pytest.fixture
def desk(clock: ManualClock) -> Iterator[Desk]:
    with a_desk(clock, return_after="2h") as desk:
        yield desk


def opened(desk: Desk, **values: Any) -> Ticket:
    return desk.open("x", "x", author=ANN, **values)


def events(desk: Desk, ticket: Ticket) -> list[str]:
    return [type(recorded.event).__name__ for recorded in desk.history(ticket)]


# -- given out -------------------------------------------------------------------------------------------------------


def test_a_new_ticket_is_given_to_somebody_whom_it_suits_and_the_log_says_why(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk, tier=2, locale="ru")
    assert (ticket.assignee, ticket.offered_at) == ("mo", clock.now())
    routed = desk.history(ticket)[-1]
    assert routed.event == ev.Routed(assignee="mo", strategy="least_loaded", reasons=("speaks", "least_loaded"))
    assert str(routed.actor) == "system"
    assert desk.get(ticket) == ticket == fold(desk.history(ticket))


def test_the_least_loaded_gets_the_next_one(desk: Desk, clock: ManualClock) -> None:
    assert [opened(desk).assignee for _ in range(4)] == ["kim", "lee", "kim", "lee"]
    for number in (1, 3):
        desk.resolve(number, "so", actor=KIM)
    assert [opened(desk).assignee for _ in range(2)] == ["kim", "kim"]
    clock.set(clock.now() + HOUR)
    assert [opened(desk).assignee for _ in range(2)] == ["kim", "lee"]  # of equals who waits longer


def test_round_robin_goes_round_also_when_tickets_are_done_at_once(clock: ManualClock) -> None:
    with a_desk(clock, strategy="round_robin") as desk:
        got = []
        for _ in range(5):
            clock.set(clock.now() + HOUR)
            ticket = opened(desk)
            got.append(ticket.assignee)
            desk.resolve(ticket, "so", actor=f"agent:{ticket.assignee}")
        assert got == ["kim", "lee", "kim", "lee", "kim"]


def test_a_customer_gets_the_agent_who_served_him_last(clock: ManualClock) -> None:
    with a_desk(clock, strategy=Strategy.STICKY) as desk:
        ann, bob = (desk.customers.add(name).id for name in ("Ann", "Bob"))
        first = desk.open("x", "x", customer=ann)
        assert first.assignee == "kim"
        assert desk.open("x", "x", customer=bob).assignee == "lee"
        again = desk.open("x", "x", customer=ann)
        assert again.assignee == "kim"
        routed = desk.history(again)[-1].event
        assert isinstance(routed, ev.Routed)
        assert Reason.SERVED_BEFORE in routed.reasons


def test_who_is_full_away_or_off_shift_gets_nothing_and_the_ticket_waits(clock: ManualClock) -> None:
    people = (Agent(id="kim", capacity={"chat": 1}), Agent(id="lee", shifts=(OFFICE,)), Agent(id="mo"))
    with a_desk(clock, agents=people) as desk:
        desk.presence.set("mo", "away")
        clock.set(clock.now().replace(hour=20))
        assert [opened(desk, channel="chat").assignee for _ in range(2)] == ["kim", None]
        assert desk.candidates(2) == Choice(
            candidates=(),
            rejected=(
                Rejected("kim", Why.FULL, "1 of 1"),
                Rejected("lee", Why.OFF_SHIFT, ""),
                Rejected("mo", Why.AWAY, ""),
            ),
        )
        assert [one.ticket.number for one in desk.queue()] == [2]
        assert events(desk, desk.get(2)) == ["TicketOpened", "MessageReceived"]


def test_a_ticket_that_is_opened_for_somebody_stays_with_him(desk: Desk) -> None:
    ticket = opened(desk, assignee="zoe")
    assert (ticket.assignee, ticket.offered_at) == ("zoe", None)


def test_a_desk_without_routing_gives_nothing_out(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock) as desk:
        assert opened(desk).assignee is None
    with a_desk(clock, on_open=False) as desk:
        assert opened(desk).assignee is None


def test_routing_can_be_the_dict_of_a_configuration_file(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock, routing={"strategy": "sticky", "return_after": "2h"}) as desk:
        assert opened(desk).assignee is None
    with pytest.raises(ConfigurationError, match="did you mean 'strategy'"):
        Desk("sqlite://", routing={"strateg": "sticky"})


def test_what_is_recorded_afterwards_is_given_to_nobody_at_its_own_time(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk, at=clock.now() - 3 * HOUR)
    assert ticket.assignee == "kim"
    assert desk.history(ticket)[-1].recorded_at == clock.now()


def test_agents_of_the_database_are_read_anew_when_they_change(desk: Desk) -> None:
    def put(data: str, version: int, *, gone: bool = False) -> None:
        record = Record(tenant="default", kind="agent", id="ann", data=data, version=version)
        with desk.storage.begin("default") as unit:
            unit.save(Change(records=(RecordChange(record=record, is_removed=gone),)))

    put('{"tier": 3, "skills": ["db"]}', 1)
    assert opened(desk, tier=3, tags=["skill:db"]).assignee == "ann"
    put('{"tier": 3, "active": false}', 2)
    assert opened(desk, tier=3).assignee is None
    put('{"tier": 3, "active": false}', 2, gone=True)
    assert "ann" not in [one.agent for one in desk.candidates(1).rejected]


def test_somebody_who_cannot_be_as_he_is_recorded_is_left_out_and_a_check_says_so(desk: Desk) -> None:
    broken = [("a", '{"timezone": "Mars"}'), ("b", '{"tier": 0}'), ("c", "[]"), ("d", "{}")]
    changes = [RecordChange(record=Record(tenant="default", kind="agent", id=id_, data=data)) for id_, data in broken]
    with desk.storage.begin("default") as unit:
        unit.save(Change(records=tuple(changes)))
    assert opened(desk).assignee == "d"
    (finding,) = [one for one in desk.check() if one.code == "people"]
    assert finding.severity == "error"
    assert "'Mars' is no IANA time zone" in finding.sentence
    assert "agent 'b', tier" in finding.sentence


# -- given back ------------------------------------------------------------------------------------------------------


def test_a_ticket_that_nobody_touches_goes_back_to_the_queue(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    assert desk.queue() == ()
    due = clock.now() + 2 * HOUR
    clock.set(due - dt.timedelta(microseconds=1))
    desk.tick()
    assert desk.get(ticket).assignee == "kim"
    clock.set(due)
    desk.tick()
    after = desk.get(ticket)
    assert (after.assignee, after.offered_at) == (None, None)
    assert [one.ticket.number for one in desk.queue()] == [1]
    last = desk.history(ticket)[-1]
    assert (last.event, last.occurred_at) == (ev.AssignmentReturned(assignee="kim"), due)
    assert after == fold(desk.history(ticket))
    clock.set(due + 9 * HOUR)
    desk.tick()
    assert desk.history(ticket)[-1] == last


def test_the_time_to_touch_it_is_business_time(clock: ManualClock) -> None:
    with a_desk(clock, return_after="2h", calendar="office") as desk:
        clock.set("2026-01-05T16:00:00+00:00")
        ticket = opened(desk)
        clock.set("2026-01-06T09:59:59+00:00")
        desk.tick()
        assert desk.get(ticket).assignee == "kim"
        clock.set("2026-01-06T10:00:00+00:00")
        desk.tick()
        assert desk.get(ticket).assignee is None


@pytest.mark.parametrize("verb", ["reply", "note", "start", "hold", "tag"])
def test_what_his_agent_touches_in_any_way_stays_with_him(desk: Desk, clock: ManualClock, verb: str) -> None:
    ticket = opened(desk)
    if verb in {"reply", "note"}:
        getattr(desk, verb)(ticket, "hm", actor=KIM)
    elif verb == "tag":
        desk.tag(ticket, "seen", actor=KIM)
    else:
        getattr(desk, verb)(ticket, actor=KIM)
    assert desk.get(ticket).offered_at is None
    clock.set(clock.now() + 99 * HOUR)
    desk.tick()
    assert desk.get(ticket).assignee == "kim"


def test_what_others_do_does_not_keep_it_with_him(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.add_message(ticket, "hello?", author=ANN)
    desk.tag(ticket, "seen", actor="agent:lee")
    clock.set(clock.now() + 3 * HOUR)
    desk.tick()
    assert desk.get(ticket).assignee is None


def test_who_gets_it_by_hand_keeps_it(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.assign(ticket, assignee="lee", actor="agent:lead")
    clock.set(clock.now() + 99 * HOUR)
    desk.tick()
    assert desk.get(ticket).assignee == "lee"


def test_what_ended_meanwhile_does_not_come_back(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.resolve(ticket, "so", actor="agent:lead")
    clock.set(clock.now() + 3 * HOUR)
    desk.tick()
    assert desk.get(ticket).assignee == "kim"


def test_a_calendar_that_is_gone_is_counted_around_the_clock(clock: ManualClock) -> None:
    with a_desk(clock, return_after="2h", calendar="nowhere", levels=ServiceLevels()) as desk:
        ticket = opened(desk)
        clock.set(clock.now() + 2 * HOUR)
        desk.tick()
        assert desk.get(ticket).assignee is None


# -- plug-ins --------------------------------------------------------------------------------------------------------


class Router:
    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.seen: list[tuple[str, str | None]] = []

    @hookimpl
    def supportkit_route(self, command: Open, choice: Choice) -> Any:
        self.seen.append((command.subject, choice.best))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_supportkit_route_says_who_gets_a_ticket(clock: ManualClock) -> None:
    router = Router(Route(assignee="zoe"))
    with a_desk(clock, plugins=[router]) as desk:
        ticket = opened(desk)
        assert ticket.assignee == "zoe"
        assert desk.history(ticket)[-1].event == ev.Routed(assignee="zoe", strategy="plugin")
        assert router.seen == [("x", "kim")]


def test_supportkit_route_may_let_a_ticket_wait_or_have_no_opinion(clock: ManualClock) -> None:
    with a_desk(clock, plugins=[Router(Route())]) as desk:
        assert opened(desk).assignee is None
    with a_desk(clock, plugins=[Router(None)]) as desk:
        assert opened(desk).assignee == "kim"


@pytest.mark.parametrize("answer", [ZeroDivisionError(), "kim", Route(assignee=""), Route(assignee="x" * 999)])
def test_a_plug_in_that_fails_in_supportkit_route_is_passed_over_and_counted(
    clock: ManualClock, answer: object
) -> None:
    with a_desk(clock, plugins=[Router(answer)]) as desk:
        assert opened(desk).assignee == "kim"
        assert [failure.hook for failure in desk.hooks.failures] == ["supportkit_route"]


def test_supportkit_route_is_asked_on_a_desk_without_routing_too(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock, plugins=[Router(Route(assignee="zoe"))]) as desk:
        assert opened(desk).assignee == "zoe"


# -- presence --------------------------------------------------------------------------------------------------------


def test_presence_holds_for_its_time_and_then_he_is_away(desk: Desk, clock: ManualClock) -> None:
    said = desk.presence.set("kim", "online", lasting=HOUR)
    assert (said.state.value, said.until) == ("online", clock.now() + HOUR)
    desk.presence.set("lee", "busy")
    assert opened(desk).assignee == "kim"
    clock.set(clock.now() + HOUR)
    assert [(one.agent, one.state.value) for one in desk.presence.list()] == [("kim", "away"), ("lee", "busy")]
    assert opened(desk).assignee is None
    desk.presence.clear("kim")
    desk.presence.clear("kim")
    assert desk.presence.get("kim") is None
    assert opened(desk).assignee == "kim"


def test_who_said_that_he_is_off_is_off_until_he_says_something_else(desk: Desk, clock: ManualClock) -> None:
    desk.presence.set("kim", "off", lasting=HOUR)
    clock.set(clock.now() + 2 * HOUR)
    found = desk.presence.get("kim")
    assert found is not None
    assert found.state.value == "off"


@pytest.mark.parametrize(("state", "lasting"), [("asleep", None), ("online", dt.timedelta(0)), ("online", HOUR * 9999)])
def test_a_presence_that_cannot_be_meant_is_refused(desk: Desk, state: str, lasting: dt.timedelta | None) -> None:
    with pytest.raises(ValueError, match=r"there is no presence|lasting must be"):
        desk.presence.set("kim", state, lasting=lasting)
    assert desk.presence.list() == ()


# -- many at once ----------------------------------------------------------------------------------------------------


def test_many_tickets_opened_at_once_are_all_given_out_evenly(tmp_path: Path) -> None:
    clock = ManualClock(dt.datetime(2026, 1, 5, 9, tzinfo=UTC))
    with a_desk(clock, url=f"sqlite:///{tmp_path / 'desk.db'}") as desk:
        threads = [threading.Thread(target=lambda: [opened(desk) for _ in range(3)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        owners = [ticket.assignee for ticket in desk.find(limit=100).items]
        assert sorted(owners, key=str) == ["kim"] * 6 + ["lee"] * 6
        assert [one.sentence for one in desk.check(deep=True) if one.severity == "error"] == []
