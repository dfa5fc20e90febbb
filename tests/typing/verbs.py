"""Read by mypy only: what the verbs take and return."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import assert_type

from supportkit import Actor, ClosingReason, Customer, Desk, LinkKind, Message, Note, Priority, Ticket, TicketQuery
from supportkit.delivery import DeliveryReport
from supportkit.model.change import Outgoing
from supportkit.model.events import Recorded
from supportkit.model.people import ActorKind
from supportkit.queueing import Queued
from supportkit.routing.choosing import Choice
from supportkit.storage.port import Finding, Page
from supportkit.surveying.page import SurveyRequest, SurveyResponse
from supportkit.surveys import Survey, SurveyInvitation
from supportkit.timers import TickReport


def commands(desk: Desk) -> None:
    kim = Actor(ActorKind.AGENT, "kim")
    assert_type(desk.open("No sound", "Silent.", customer="1", priority="high", tags=["a"], fields={"a": 1}), Ticket)
    assert_type(desk.add_message(1, "Hello?", author="customer:ann", kind="auto"), Ticket)
    assert_type(desk.reply(1, "Hello!", actor=kim, channel="chat"), Ticket)
    assert_type(desk.ask("id", "Which?", actor="agent:kim", until=dt.timedelta(days=1)), Ticket)
    assert_type(desk.hold(1, actor=kim, until="2030-01-01T00:00:00+00:00"), Ticket)
    assert_type(desk.resolve(1, "Done.", actor=kim, reason=ClosingReason.SOLVED), Ticket)
    assert_type(desk.assign(1, actor=kim, assignee=None), Ticket)
    assert_type(desk.set_priority(1, Priority.HIGH, actor=kim, idempotency_key="k", expected_version=3), Ticket)
    assert_type(desk.link(1, LinkKind.CHILD, 2, actor=kim), Ticket)
    assert_type(desk.end(1, actor=kim, at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)), Ticket)


def mistakes(desk: Desk, ticket: Ticket) -> None:
    desk.reply(1, "Hello!")  # type: ignore[call-arg]
    desk.reply(1, "Hello!", "agent:kim")  # type: ignore[call-arg]
    desk.reply(1, "Hello!", actor="agent:kim", idempotency="k")  # type: ignore[call-arg]
    desk.reply(1.5, "Hello!", actor="agent:kim")  # type: ignore[arg-type]
    desk.move_tier(1, "two", actor="agent:kim")  # type: ignore[arg-type]
    ticket.state = "open"  # type: ignore[misc]


def reading(desk: Desk) -> None:
    assert_type(desk.get(1), Ticket)
    assert_type(desk.find(TicketQuery(states="open")), Page[Ticket])
    assert_type(desk.find().items, tuple[Ticket, ...])
    assert_type(desk.history(1), Sequence[Recorded])
    assert_type(desk.messages(1), Sequence[Message])
    assert_type(desk.notes(1), Sequence[Note])
    assert_type(desk.outbox(states=["parked"]), Sequence[Outgoing])
    assert_type(desk.follow("billing"), Iterator[Recorded])
    assert_type(desk.counts(), dict[tuple[str, int], int])
    assert_type(desk.queue(team="pay", tier=1), Sequence[Queued])
    assert_type(desk.next("kim", idempotency_key="k"), Ticket | None)
    assert_type(desk.candidates(1), Choice)
    desk.next("kim", teams="pay")  # type: ignore[call-arg]
    assert_type(desk.customers.add("Ann", addresses={"chat": "@ann"}), Customer)


def surveys(desk: Desk) -> None:
    assert_type(desk.surveys.add(Survey(id="after", url="https://a.example/", locales=["en"])), Survey)
    assert_type(desk.surveys.invitations(1), Sequence[SurveyInvitation])
    assert_type(desk.surveys.handle(SurveyRequest(method="GET", path="/x")), SurveyResponse)
    desk.surveys.clear_flag(1, "after", "flip")  # type: ignore[call-arg]
    Survey(id="after")  # type: ignore[call-arg]


def background(desk: Desk) -> None:
    assert_type(desk.tick(), TickReport)
    assert_type(desk.deliver_outbox(10), DeliveryReport)
    assert_type(desk.check(deep=True), Sequence[Finding])
    with desk as same:
        assert_type(same, Desk)
    with desk.transaction() as inside:
        assert_type(inside, Desk)
