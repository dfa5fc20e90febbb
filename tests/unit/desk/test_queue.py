"""The work queue: what comes first and why, the next ticket for somebody, and the law that nothing waits for ever."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supportkit.clock import ManualClock
from supportkit.desk import Desk
from supportkit.errors import CapabilityMissing, IdempotencyConflict, InvalidPolicy, NotFound
from supportkit.hooks import hookimpl
from supportkit.lifecycle import Refusal
from supportkit.model.change import Change, TicketChange
from supportkit.model.clocks import Metric
from supportkit.model.people import Agent
from supportkit.model.ticket import StateCategory, Ticket
from supportkit.queueing import Queued
from supportkit.routing.roster import Routing
from supportkit.sla import ServiceLevels, Status
from supportkit.storage.sql import SqlStorage

KIM, ANN = "agent:kim", "customer:ann"
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
LEVELS: dict[str, Any] = {
    "policies": [
        {
            "id": "all",
            "fallback": True,
            "calendar": "office",
            "metrics": {"RESOLUTION": {"pauses": ["waiting_customer"]}},
            "targets": [
                {"metric": "FIRST_RESPONSE", "target": "4h"},
                {"metric": "FIRST_RESPONSE", "priority": "urgent", "target": "30m"},
                {"metric": "NEXT_RESPONSE", "target": "2h"},
                {"metric": "RESOLUTION", "target": "20h"},
                {"metric": "EXTERNAL", "target": "1h"},
            ],
        }
    ],
    "calendars": {"office": {"timezone": "UTC", "hours": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed")}}},
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-01-05T09:00:00+00:00")


@pytest.fixture
def desk(clock: ManualClock) -> Iterator[Desk]:
    with Desk("sqlite://", clock=clock) as desk:
        yield desk


def numbers(found: Any) -> list[int]:
    return [one.ticket.number for one in found]


def without_levels(clock: ManualClock, **values: Any) -> Desk:
    return Desk("sqlite://", clock=clock, levels=ServiceLevels(policies=()), **values)


# -- order -----------------------------------------------------------------------------------------------------------


def test_what_is_due_first_comes_first_and_says_why(desk: Desk, clock: ManualClock) -> None:
    desk.open("mail", "x", author=ANN, channel="mail")
    chat = desk.open("chat", "x", author=ANN, channel="chat")
    first, second = desk.queue()
    assert (first.ticket, first.due_at, first.why) == (chat, clock.now() + HOUR / 2, "FIRST_RESPONSE")
    assert (second.due_at, second.why) == (clock.now() + 12 * HOUR, "FIRST_RESPONSE")


def test_of_equal_dues_the_higher_priority_comes_first_and_then_the_older_ticket(desk: Desk) -> None:
    for priority in ("low", "normal", "urgent", "normal", "high"):
        desk.open("x", "x", author=ANN, priority=priority)
    assert numbers(desk.queue()) == [3, 5, 2, 4, 1]


def test_a_ticket_that_nothing_is_promised_for_is_due_a_day_after_its_last_change_of_state(clock: ManualClock) -> None:
    with without_levels(clock) as desk:
        ticket = desk.open("x", "x", author=ANN)
        assert desk.queue() == (Queued(ticket=desk.get(1), due_at=clock.now() + DAY, why="DEFAULT"),)
        clock.set(clock.now() + HOUR)
        desk.set_priority(ticket, "low", actor=KIM)
        assert [one.due_at for one in desk.queue()] == [clock.now() + DAY - HOUR]
        desk.start(ticket, actor=KIM)
        assert [one.due_at for one in desk.queue()] == [clock.now() + DAY]


def test_an_answer_takes_a_ticket_back_in_the_queue_and_the_customers_next_word_forward(
    desk: Desk, clock: ManualClock
) -> None:
    ticket = desk.open("chat", "x", author=ANN, channel="chat")
    desk.open("mail", "x", author=ANN, channel="mail")
    desk.reply(ticket, "hello", actor=KIM)
    assert numbers(desk.queue()) == [2, 1]
    desk.add_message(ticket, "and?", author=ANN)
    assert [(one.ticket.number, one.why) for one in desk.queue()] == [(1, "NEXT_RESPONSE"), (2, "FIRST_RESPONSE")]


def test_what_waits_for_somebody_else_is_not_in_the_queue_until_it_comes_back(desk: Desk) -> None:
    asked, held = (desk.open(name, "x", author=ANN) for name in ("asked", "held"))
    desk.ask(asked, "which one?", actor=KIM)
    desk.hold(held, actor=KIM)
    desk.resolve(desk.open("done", "x", author=ANN), "so", actor=KIM)
    desk.end(desk.open("spam", "x", author=ANN), actor=KIM, reason="spam")
    assert desk.queue() == ()
    desk.add_message(asked, "this one", author=ANN)
    assert numbers(desk.queue()) == [1]
    desk.resume(held, actor=KIM)
    desk.reopen(3, actor=KIM)
    assert sorted(numbers(desk.queue())) == [1, 2, 3]


def test_a_promise_keeps_a_waiting_ticket_in_the_queue_until_it_is_kept(desk: Desk, clock: ManualClock) -> None:
    ticket = desk.ask(desk.open("x", "x", author=ANN), "which?", actor=KIM)
    promised = desk.promise(ticket, "I call you", clock.now() + HOUR, actor=KIM)
    assert [(one.due_at, one.why) for one in desk.queue()] == [(clock.now() + HOUR, "PROMISE")]
    desk.promises.keep(ticket, promised.promises[0], actor=KIM)
    assert desk.queue() == ()


def test_a_due_that_a_person_set_counts(desk: Desk, clock: ManualClock) -> None:
    ticket = desk.open("x", "x", author=ANN, channel="mail")
    desk.set_due(ticket, "FIRST_RESPONSE", clock.now() + HOUR, actor=KIM)
    assert [one.due_at for one in desk.queue()] == [clock.now() + HOUR]
    desk.set_due(ticket, "FIRST_RESPONSE", None, actor=KIM)
    assert [one.due_at for one in desk.queue()] == [clock.now() + 12 * HOUR]


def test_what_is_late_stays_at_the_front(desk: Desk, clock: ManualClock) -> None:
    desk.open("chat", "x", author=ANN, channel="chat")
    clock.set(clock.now() + HOUR)
    desk.tick()
    desk.open("chat", "x", author=ANN, channel="chat", priority="urgent")
    assert numbers(desk.queue()) == [1, 2]


def test_another_calendar_moves_tickets_that_nobody_touches(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock, levels=LEVELS) as desk:
        desk.open("x", "x", author=ANN)
        before = desk.queue()[0]
        assert before.due_at == clock.now() + 4 * HOUR
        later = attrs.evolve(desk.levels).to_dict()
        later["calendars"]["office"]["hours"]["mon"] = [["09:00", "10:00"], ["16:00", "17:00"]]
        clock.set(clock.now() + dt.timedelta(minutes=1))
        desk.set_levels(later)
        clock.set(clock.now() + dt.timedelta(minutes=1))
        desk.tick()
        after = desk.queue()[0]
        assert after.due_at > before.due_at
        assert after.due_at == desk.clocks(1).clocks[0].due_at
        assert after.ticket.version == before.ticket.version
        assert [one.code for one in desk.check(deep=True) if one.severity == "error"] == []


def test_a_check_finds_a_ticket_that_stands_elsewhere_in_the_queue(desk: Desk) -> None:
    ticket = desk.open("x", "x", author=ANN)

    def finding() -> str:
        return next(one.severity for one in desk.check(deep=True) if one.code == "log.queue")

    assert finding() == "ok"
    with desk.storage.begin("default") as unit:
        wrong = attrs.evolve(ticket, rank=(ticket.rank or 0) + 1)
        unit.save(Change(tickets=(TicketChange(before=ticket, ticket=wrong, events=()),)))
    assert finding() == "error"


def _owed(desk: Desk, ticket: Ticket) -> dt.datetime:
    """Say when a ticket is due, in the words of the public clocks."""
    dues = [
        due
        for clock in desk.clocks(ticket).clocks
        if clock.status is Status.RUNNING and clock.metric is not Metric.EXTERNAL
        for due in (clock.due_at, clock.override_due_at)
        if due is not None
    ]
    return min(dues, default=ticket.state_since + DAY)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_queue_is_in_the_order_that_sorting_by_the_earliest_running_deadline_gives(data: st.DataObject) -> None:
    clock = ManualClock("2026-01-05T09:00:00+00:00")
    verbs = ["open", "reply", "customer", "hold", "resume", "priority", "due", "vendor", "wait", "resolve"]
    with Desk("sqlite://", clock=clock, levels=LEVELS) as desk:
        for _ in range(data.draw(st.integers(1, 14))):
            there = desk.find(limit=500).items
            verb = data.draw(st.sampled_from(verbs)) if there else "open"
            ticket = data.draw(st.sampled_from(there)) if there else None
            clock.set(clock.now() + dt.timedelta(minutes=data.draw(st.sampled_from([0, 1, 90, 1500]))))
            _do(desk, clock, verb, ticket, data)
        open_ones = [
            ticket
            for ticket in desk.find(limit=500).items
            if ticket.category in {StateCategory.NEW, StateCategory.OPEN}
        ]
        wanted = sorted(open_ones, key=lambda ticket: (_owed(desk, ticket), -ticket.priority, ticket.number))
        assert numbers(desk.queue(limit=500)) == [ticket.number for ticket in wanted]
        assert [one.due_at for one in desk.queue(limit=500)] == [_owed(desk, ticket) for ticket in wanted]
        assert [one.sentence for one in desk.check(deep=True) if one.severity == "error"] == []


def _do(desk: Desk, clock: ManualClock, verb: str, ticket: Ticket | None, data: st.DataObject) -> None:
    if verb == "open" or ticket is None:
        desk.open("x", "x", author=ANN, priority=data.draw(st.sampled_from(["low", "normal", "urgent"])))
        return
    is_open = ticket.category in {StateCategory.NEW, StateCategory.OPEN}
    match verb:
        case "reply" if is_open:
            desk.reply(ticket, "hello", actor=KIM)
        case "customer":
            desk.add_message(ticket, "and?", author=ANN)
        case "hold" if is_open:
            desk.hold(ticket, actor=KIM)
        case "resume" if ticket.state == "on_hold":
            desk.resume(ticket, actor=KIM)
        case "resolve" if is_open:
            desk.resolve(ticket, "so", actor=KIM)
        case "priority":
            desk.set_priority(ticket, data.draw(st.sampled_from(["low", "urgent"])), actor=KIM)
        case "due" if not ticket.is_done:
            desk.set_due(ticket, "RESOLUTION", clock.now() + HOUR * data.draw(st.integers(1, 9)), actor=KIM)
        case "vendor" if "acme" not in ticket.vendors and not ticket.is_done:
            desk.vendors.hand_over(ticket, "acme", actor=KIM)
        case _:
            desk.tick()


def test_nothing_starves_while_one_person_can_do_what_comes_in(clock: ManualClock) -> None:
    """Urgent requests keep coming; what has time is overtaken by what is due before it, and by nothing else."""
    with Desk("sqlite://", clock=clock) as desk:
        patient = desk.open("a question about next year", "x", author=ANN, priority="low")
        served: list[Queued] = []
        for step in range(90):
            clock.set(clock.now() + dt.timedelta(minutes=20))
            desk.open(f"urgent {step}", "x", author=ANN, channel="chat", priority="urgent")
            first = desk.queue(limit=1)[0]
            taken = desk.next("kim")
            assert taken is not None
            assert taken.id == first.ticket.id
            desk.resolve(taken, "so", actor=KIM)
            served.append(first)
        place = next(place for place, one in enumerate(served) if one.ticket.id == patient.id)
        due = {one.ticket.id: one.due_at for one in served}
        assert all(due[one.ticket.id] <= due[patient.id] for one in served[:place])
        assert len(desk.queue()) <= 1
        # Each one was overtaken only by what was due before it.
        for place, one in enumerate(served):
            for later in served[place + 1 :]:
                assert later.ticket.created_at > one.ticket.created_at or later.due_at >= one.due_at


# -- views -----------------------------------------------------------------------------------------------------------


def people() -> Routing:
    return Routing(
        on_open=False,
        agents=(
            Agent(id="kim", teams=("pay",), languages=("en",)),
            Agent(id="lee", tier=2, skills=("vpn",), capacity={"chat": 1}),
        ),
    )


def test_a_view_has_one_team_one_line_or_both(desk: Desk) -> None:
    for team, tier in (("pay", 1), ("pay", 2), (None, 2), ("ops", 1)):
        desk.open("x", "x", author=ANN, team=team, tier=tier)
    assert numbers(desk.queue(team="pay")) == [1, 2]
    assert numbers(desk.queue(tier=2)) == [2, 3]
    assert numbers(desk.queue(team="pay", tier=2)) == [2]
    assert numbers(desk.queue(limit=3)) == [1, 2, 3]
    with pytest.raises(ValueError, match="limit must be between 1 and 500"):
        desk.queue(limit=0)


def test_the_view_of_an_agent_has_what_suits_him_and_what_is_his(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock, routing=people()) as desk:
        desk.open("for all", "x", author=ANN, channel="mail")
        desk.open("for pay", "x", author=ANN, team="pay", channel="chat")
        desk.open("for ops", "x", author=ANN, team="ops")
        desk.open("second line", "x", author=ANN, tier=2)
        desk.open("in Russian", "x", author=ANN, locale="ru")
        desk.open("his own", "x", author=ANN, team="ops", assignee="kim")
        desk.open("another's", "x", author=ANN, assignee="lee", tier=2)
        assert numbers(desk.queue(agent="kim")) == [2, 1, 6]
        assert numbers(desk.queue(agent="lee")) == [4, 7]
        assert numbers(desk.queue(agent="kim", team="pay")) == [2]
        assert numbers(desk.queue(agent="kim", limit=2)) == [2, 1]


def test_somebody_whom_the_desk_does_not_know_is_refused_where_it_knows_others(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock, routing=people()) as desk:
        desk.open("x", "x", author=ANN)
        for verb in (lambda: desk.next("joe"), lambda: desk.queue(agent="joe")):
            with pytest.raises(NotFound, match="joe"):
                verb()
        assert desk.get(1).assignee is None


# -- the next one ----------------------------------------------------------------------------------------------------


def test_the_next_ticket_is_the_first_one_and_belongs_to_who_asked(desk: Desk) -> None:
    desk.open("mail", "x", author=ANN, channel="mail")
    desk.open("chat", "x", author=ANN, channel="chat")
    taken = [desk.next("kim"), desk.next("lee"), desk.next("kim")]
    assert [ticket and (ticket.number, ticket.assignee) for ticket in taken] == [(2, "kim"), (1, "lee"), None]
    assert desk.queue() == ()
    last = desk.history(2)[-1]
    assert (last.actor.id, type(last.event).__name__) == ("kim", "Assigned")


def test_the_next_ticket_suits_who_asks(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock, routing=people()) as desk:
        desk.open("first line", "x", author=ANN, channel="chat")
        desk.open("needs what lee cannot do", "x", author=ANN, tier=2, tags=["skill:db"], channel="chat")
        desk.open("chat", "x", author=ANN, tier=2, channel="chat", tags=["skill:vpn"])
        desk.open("another chat", "x", author=ANN, tier=2, channel="chat")
        desk.open("mail", "x", author=ANN, tier=2, channel="mail")
        taken = [desk.next("lee") for _ in range(3)]
        assert [ticket and ticket.number for ticket in taken] == [3, 5, None]  # one chat at a time
        desk.resolve(3, "so", actor="agent:lee")
        ticket = desk.next("lee")
        assert ticket is not None
        assert ticket.number == 4


def test_the_next_ticket_can_be_asked_of_one_team_and_line(desk: Desk) -> None:
    for team, tier in ((None, 1), ("pay", 1), ("pay", 2)):
        desk.open("x", "x", author=ANN, team=team, tier=tier)
    ticket = desk.next("kim", team="pay", tier=2)
    assert ticket is not None
    assert (ticket.number, ticket.team) == (3, "pay")
    assert desk.next("kim", tier=2) is None


def test_a_plug_in_that_keeps_one_ticket_from_somebody_does_not_keep_the_others(clock: ManualClock) -> None:
    class Guard:
        @hookimpl
        def supportkit_refuse(self, ticket: Ticket | None) -> Refusal | None:
            return Refusal("own.matter", "not this one") if ticket is not None and ticket.number == 1 else None

    with Desk("sqlite://", clock=clock, plugins=[Guard()]) as desk:
        for _ in range(2):
            desk.open("x", "x", author=ANN)
        ticket = desk.next("kim")
        assert ticket is not None
        assert ticket.number == 2
        assert desk.next("kim") is None
        assert desk.get(1).assignee is None


def test_the_same_key_gives_the_same_ticket_again_and_only_for_the_same_agent(desk: Desk) -> None:
    for _ in range(2):
        desk.open("x", "x", author=ANN)
    first, again = (desk.next("kim", idempotency_key="k") for _ in range(2))
    assert first == again
    assert numbers(desk.queue()) == [2]
    with pytest.raises(IdempotencyConflict):
        desk.next("lee", idempotency_key="k")


def test_a_key_with_which_nothing_was_found_is_free(desk: Desk) -> None:
    assert desk.next("kim", idempotency_key="k") is None
    desk.open("x", "x", author=ANN)
    assert desk.next("kim", idempotency_key="k") is not None


def test_the_next_ticket_is_given_back_with_its_transaction(desk: Desk) -> None:
    desk.open("x", "x", author=ANN)
    with pytest.raises(ZeroDivisionError), desk.transaction() as inside:
        assert inside.next("kim") is not None
        assert inside.next("kim") is None
        assert 1 // 0
    assert numbers(desk.queue()) == [1]


def test_a_queue_longer_than_a_page_is_searched_to_its_end(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock, routing=people()) as desk:
        for _ in range(30):
            desk.open("x", "x", author=ANN, tier=2, tags=["skill:db"])
        desk.open("x", "x", author=ANN, tier=2)
        ticket = desk.next("lee")
        assert ticket is not None
        assert ticket.number == 31


def test_many_agents_at_once_never_get_the_same_ticket(tmp_path: Path) -> None:
    with Desk(f"sqlite:///{tmp_path / 'desk.db'}") as desk:
        for _ in range(24):
            desk.open("x", "x", author=ANN)
        taken: list[tuple[str, int]] = []

        def work(agent: str) -> None:
            while ticket := desk.next(agent):
                taken.append((agent, ticket.number))

        threads = [threading.Thread(target=work, args=(f"agent-{number}",)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert sorted(number for _, number in taken) == list(range(1, 25))
        assert {(desk.get(number).assignee, number) for number in range(1, 25)} == set(taken)


def test_a_storage_without_a_queue_says_so(clock: ManualClock) -> None:
    class Plain(SqlStorage):
        @property
        def capabilities(self) -> Any:
            return attrs.evolve(super().capabilities, queues=False)

    storage = Plain("sqlite://")
    storage.migrate()
    with Desk(storage, clock=clock) as desk:
        desk.open("x", "x", author=ANN)
        with pytest.raises(CapabilityMissing, match="queues"):
            desk.queue()
        with pytest.raises(CapabilityMissing, match="queues"):
            desk.next("kim")
        assert [one.code for one in desk.check(deep=True) if one.severity == "error"] == []
    storage.close()


def test_a_ticket_whose_policy_nobody_knows_still_has_a_place(clock: ManualClock, monkeypatch: Any) -> None:
    with Desk("sqlite://", clock=clock) as desk:
        ticket = desk.open("x", "x", author=ANN)
        lost = type(desk._runner.rules.promises.rules)

        def unknown(*_: Any) -> None:
            raise InvalidPolicy("nobody knows it")

        monkeypatch.setattr(lost, "policy", unknown)
        clock.set(clock.now() + HOUR)
        desk.set_priority(ticket, "high", actor=KIM)
        monkeypatch.undo()
        assert desk.get(1).rank is not None
        assert numbers(desk.queue()) == [1]
