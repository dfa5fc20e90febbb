"""Text is cleaned once at the edge: whatever verb brings NUL and lone surrogates, none of them reach the storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from supportkit import Desk, ManualClock, Ticket
from supportkit.channels.port import Capabilities
from supportkit.errors import SupportkitError
from supportkit.model.people import Actor, ActorKind, Address
from supportkit.model.ticket import Link, LinkKind
from supportkit.testing.storage.kit import snapshot

KIM = "agent:kim"
DIRTY = "a\0b\ud800c"
CLEAN = "ab\ufffdc"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(clock=ManualClock("2026-01-05T09:00:00+00:00")) as desk:
        yield desk


@pytest.fixture
def ticket(desk: Desk) -> Ticket:
    customer = desk.customers.add("Ann")
    return desk.open("printer", "It smokes.", customer=customer.id)


Verb = Callable[[Desk, Ticket], Any]
KEPT: dict[str, Verb] = {
    "open subject": lambda desk, ticket: desk.open(DIRTY, actor=KIM),
    "open body": lambda desk, ticket: desk.open("x", DIRTY, actor=KIM),
    "open actor": lambda desk, ticket: desk.open("x", "y", actor=f"agent:{DIRTY}"),
    "open actor object": lambda desk, ticket: desk.open("x", "y", actor=Actor(ActorKind.AGENT, DIRTY)),
    "open author": lambda desk, ticket: desk.open("x", "y", author=f"customer:{DIRTY}"),
    "open author object": lambda desk, ticket: desk.open("x", "y", author=Actor(ActorKind.CUSTOMER, DIRTY)),
    "open channel": lambda desk, ticket: desk.open("x", "y", actor=KIM, channel=DIRTY),
    "open team": lambda desk, ticket: desk.open("x", actor=KIM, team=DIRTY),
    "open assignee": lambda desk, ticket: desk.open("x", actor=KIM, assignee=DIRTY),
    "open tags": lambda desk, ticket: desk.open("x", actor=KIM, tags=[DIRTY]),
    "open field name": lambda desk, ticket: desk.open("x", actor=KIM, fields={DIRTY: 1}),
    "open field value": lambda desk, ticket: desk.open("x", actor=KIM, fields={"f": DIRTY}),
    "open source": lambda desk, ticket: desk.open("x", actor=KIM, source=DIRTY),
    "open external_id": lambda desk, ticket: desk.open("x", "y", actor=KIM, external_id=DIRTY),
    "receive body": lambda desk, ticket: desk.add_message(ticket.id, DIRTY),
    "receive author": lambda desk, ticket: desk.add_message(ticket.id, "x", author=f"external:{DIRTY}"),
    "receive channel": lambda desk, ticket: desk.add_message(ticket.id, "x", channel=DIRTY),
    "receive external_id": lambda desk, ticket: desk.add_message(ticket.id, "x", external_id=DIRTY),
    "reply body": lambda desk, ticket: desk.reply(ticket.id, DIRTY, actor=KIM),
    "reply actor": lambda desk, ticket: desk.reply(ticket.id, "x", actor=f"agent:{DIRTY}"),
    "reply call channel": lambda desk, ticket: desk.reply(ticket.id, "x", actor=KIM, kind="call", channel=DIRTY),
    "ask body": lambda desk, ticket: desk.ask(ticket.id, DIRTY, actor=KIM),
    "note body": lambda desk, ticket: desk.note(ticket.id, DIRTY, actor=KIM),
    "note mentions": lambda desk, ticket: desk.note(ticket.id, "x", actor=KIM, mentions=[DIRTY]),
    "start actor": lambda desk, ticket: desk.start(ticket.id, actor=Actor(ActorKind.BOT, DIRTY)),
    "hold text": lambda desk, ticket: desk.hold(ticket.id, DIRTY, actor=KIM),
    "resolve text": lambda desk, ticket: desk.resolve(ticket.id, DIRTY, actor=KIM),
    "assign team": lambda desk, ticket: desk.assign(ticket.id, actor=KIM, team=DIRTY),
    "assign assignee": lambda desk, ticket: desk.assign(ticket.id, actor=KIM, assignee=DIRTY),
    "move_tier summary": lambda desk, ticket: desk.move_tier(ticket.id, 2, DIRTY, actor=KIM),
    "move_tier team": lambda desk, ticket: desk.move_tier(ticket.id, 2, actor=KIM, team=DIRTY),
    "set_subject": lambda desk, ticket: desk.set_subject(ticket.id, DIRTY, actor=KIM),
    "set_fields": lambda desk, ticket: desk.set_fields(ticket.id, {DIRTY: DIRTY}, actor=KIM),
    "tag": lambda desk, ticket: desk.tag(ticket.id, DIRTY, actor=KIM),
    "followers": lambda desk, ticket: desk.followers(ticket.id, DIRTY, actor=KIM),
    "split subject": lambda desk, ticket: desk.split(ticket.id, [desk.messages(ticket.id)[0].id], DIRTY, actor=KIM),
    "customer name": lambda desk, ticket: desk.customers.add(DIRTY),
    "customer address": lambda desk, ticket: desk.customers.add("x", addresses={"chat": DIRTY}),
    "customer family": lambda desk, ticket: desk.customers.add("x", addresses={DIRTY: "y"}),
    "customer address object": lambda desk, ticket: desk.customers.add(
        "x", addresses=[Address(family="chat", value=DIRTY)]
    ),
    "customer segment": lambda desk, ticket: desk.customers.add("x", segment=DIRTY),
    "customer tags": lambda desk, ticket: desk.customers.add("x", tags=[DIRTY]),
    "customer fields": lambda desk, ticket: desk.customers.add("x", fields={DIRTY: DIRTY}),
    "customer update": lambda desk, ticket: desk.customers.update(
        ticket.customer or "", name=DIRTY, segment=DIRTY, tags=[DIRTY], fields={"f": DIRTY}, addresses={"chat": DIRTY}
    ),
}
REFUSED: dict[str, Verb] = {
    "get": lambda desk, ticket: desk.get(DIRTY),
    "history": lambda desk, ticket: desk.history(DIRTY),
    "messages": lambda desk, ticket: desk.messages(DIRTY),
    "outbox": lambda desk, ticket: desk.outbox(DIRTY),
    "start": lambda desk, ticket: desk.start(DIRTY, actor=KIM),
    "start with a key": lambda desk, ticket: desk.start(DIRTY, actor=KIM, idempotency_key="k"),
    "open customer": lambda desk, ticket: desk.open("x", customer=DIRTY),
    "open customer with a key": lambda desk, ticket: desk.open("x", customer=DIRTY, idempotency_key="k"),
    "open links": lambda desk, ticket: desk.open("x", actor=KIM, links=[Link(LinkKind.CHILD, DIRTY)]),
    "open links with a key": lambda desk, ticket: desk.open(
        "x", actor=KIM, links=[Link(LinkKind.CHILD, DIRTY)], idempotency_key="k"
    ),
    "fire": lambda desk, ticket: desk.fire(ticket.id, DIRTY, actor=KIM),
    "fire with a key": lambda desk, ticket: desk.fire(ticket.id, DIRTY, actor=KIM, idempotency_key="k"),
    "set_customer": lambda desk, ticket: desk.set_customer(ticket.id, DIRTY, actor=KIM),
    "merge": lambda desk, ticket: desk.merge(ticket.id, DIRTY, actor=KIM),
    "merge with a key": lambda desk, ticket: desk.merge(ticket.id, DIRTY, actor=KIM, idempotency_key="k"),
    "link": lambda desk, ticket: desk.link(ticket.id, "child", DIRTY, actor=KIM),
    "split": lambda desk, ticket: desk.split(ticket.id, [DIRTY], "x", actor=KIM),
    "split with a key": lambda desk, ticket: desk.split(ticket.id, [DIRTY], "x", actor=KIM, idempotency_key="k"),
    "customer": lambda desk, ticket: desk.customers.get(DIRTY),
    "customer update": lambda desk, ticket: desk.customers.update(DIRTY, name="x"),
    "customers after": lambda desk, ticket: desk.customers.list(after=DIRTY),
}


@pytest.mark.parametrize("verb", KEPT)
def test_dirty_text_is_stored_clean(desk: Desk, ticket: Ticket, verb: str) -> None:
    KEPT[verb](desk, ticket)
    stored = str([everything(value) for value in snapshot(desk.storage, desk.tenant).values()])
    assert ascii(CLEAN)[1:-1] in ascii(stored)
    assert "\\x00" not in ascii(stored)
    assert "\\ud800" not in ascii(stored)


def everything(value: Any) -> Any:
    """Return a value with all its attributes as plain data, also those that its `repr` hides."""
    import attrs

    if isinstance(value, list | tuple):
        return [everything(one) for one in value]
    if attrs.has(type(value)):
        return {field.name: everything(getattr(value, field.name)) for field in attrs.fields(type(value))}
    return str(value)


@pytest.mark.parametrize("verb", REFUSED)
def test_an_id_that_cannot_be_one_is_a_typed_error_and_changes_nothing(desk: Desk, ticket: Ticket, verb: str) -> None:
    before = snapshot(desk.storage, desk.tenant)
    with pytest.raises(SupportkitError):
        REFUSED[verb](desk, ticket)
    assert snapshot(desk.storage, desk.tenant) == before


def test_a_search_is_cleaned_like_what_is_stored(desk: Desk, ticket: Ticket) -> None:
    desk.assign(ticket.id, actor=KIM, team=DIRTY)
    desk.tag(ticket.id, DIRTY, actor=KIM)
    assert [found.id for found in desk.find(teams=DIRTY).items] == [ticket.id]
    assert [found.id for found in desk.find(tags=[CLEAN]).items] == [ticket.id]
    assert desk.find(text=DIRTY).items == ()


def test_a_follower_of_an_odd_name_has_a_cursor_of_its_own(desk: Desk, ticket: Ticket) -> None:
    seen = len(list(desk.follow(DIRTY)))
    assert seen == ticket.version
    assert list(desk.follow(DIRTY)) == []


def test_what_a_provider_answers_is_stored_clean(ticket: Ticket, desk: Desk) -> None:
    from supportkit.channels.port import Accepted, Delivery, Outbound

    class Dirty:
        name = "app"
        capabilities = Capabilities()

        def send(self, message: Outbound) -> Delivery:
            return Accepted(DIRTY)

    with Desk(desk.storage, channels=[Dirty()], clock=ManualClock("2026-01-05T09:00:00+00:00")) as sending:
        sending.reply(ticket.id, "x", actor=KIM)
        assert sending.deliver_outbox().sent == 1
        assert [row.external_id for row in sending.outbox()] == [CLEAN]
