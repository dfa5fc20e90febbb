"""The card of a customer, and what he agreed to or refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from tests.survey_rig import rig_with

from supportkit import Accepted, Capabilities, Desk, ManualClock, Notices
from supportkit.errors import NotFound
from supportkit.model.events import PromiseMade

KIM = "agent:kim"
ABLE = Capabilities(family="chat", inbound=False)


@attrs.frozen
class Line:
    """A channel that takes everything."""

    name: str = "chat"
    capabilities: Capabilities = ABLE
    sent: list[Any] = attrs.field(factory=list)

    def send(self, message: Any) -> Any:
        self.sent.append(message)
        return Accepted()


@pytest.fixture
def desk() -> Iterator[Desk]:
    notices = Notices(to_addresses=True)
    with Desk(clock=ManualClock("2026-01-05T09:00:00+00:00"), channels=[Line()], notices=notices) as desk:
        yield desk


def test_a_card_has_the_newest_tickets_in_pages(desk: Desk) -> None:
    ann, bob = desk.customers.add("Ann"), desk.customers.add("Bob")
    for number in range(5):
        desk.open(f"ticket {number}", customer=ann if number != 2 else bob)
    card = desk.customers.card(ann, limit=3)
    assert (card.customer, [ticket.number for ticket in card.tickets.items]) == (ann, [5, 4, 2])
    card = desk.customers.card(ann, limit=3, cursor=card.tickets.next)
    assert ([ticket.number for ticket in card.tickets.items], card.tickets.next) == ([1], None)
    assert (card.ratings, card.goodwill) == ((), ())
    with pytest.raises(NotFound, match="no customer 'nobody'"):
        desk.customers.card("nobody")


def test_a_card_has_the_promises_that_are_open_as_they_were_moved(desk: Desk) -> None:
    ann = desk.customers.add("Ann")
    desk.open("printer", "broken", customer=ann)
    for text in ("call back", "send parts", "refund"):
        desk.promises.make(1, text, "2026-01-06T09:00:00+00:00", actor=KIM)
    first, second, _third = (one.event.promise for one in desk.history(1) if isinstance(one.event, PromiseMade))
    desk.promises.keep(1, first, actor=KIM)
    desk.promises.move(1, second, "2026-01-09T09:00:00+00:00", actor=KIM)
    found = [(one.number, one.text, one.due and one.due.day) for one in desk.customers.card(ann).promises]
    assert found == [(1, "send parts", 9), (1, "refund", 6)]


def test_the_card_of_a_merged_customer_is_that_of_the_survivor(desk: Desk) -> None:
    ann, anna = desk.customers.add("Ann"), desk.customers.add("Anna")
    desk.open("printer", customer=anna)
    survivor = desk.customers.merge(ann, anna, actor=KIM)
    for one in (ann, anna):
        card = desk.customers.card(one)
        assert (card.customer.id, len(card.tickets.items)) == (survivor.id, 1)


def test_answers_to_surveys_are_on_the_card_and_in_the_export_and_go_with_the_person() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    assert rig.answer(token, csat="2", comment="zyxcanary, ask bob@example.net").status == 200
    desk, customer = rig.desk, ticket.customer or ""
    [rating] = desk.customers.card(customer).ratings
    assert (rating.number, rating.scores, rating.comment) == (1, (("csat", 2),), "zyxcanary, ask bob@example.net")
    assert "zyxcanary" not in repr(rating)
    [answer] = desk.privacy.export(customer)["tickets"][0]["answers"]
    assert (answer["scores"], answer["comment"]) == ({"csat": 2}, "zyxcanary, ask [address of somebody else]")
    desk.privacy.erase(customer, actor=KIM)
    [rating] = desk.customers.card(customer).ratings
    assert (rating.scores, rating.comment) == ((("csat", 2),), "")


# -- consent ---------------------------------------------------------------------------------------------------------


def test_the_last_word_on_a_purpose_counts_and_a_refusal_of_everything_comes_first(desk: Desk) -> None:
    ann = desk.customers.add("Ann")
    assert ann.consent("marketing") is None
    desk.customers.consent(ann, "marketing", allowed=False)
    assert desk.customers.consent(ann, "marketing", allowed=True, source="form 7").consent("marketing") is True
    after = desk.customers.consent(ann, "everything", allowed=False, source="call")
    assert [after.consent(purpose) for purpose in ("marketing", "surveys", "everything")] == [False, False, False]
    after = desk.customers.consent(ann, "everything", allowed=True)
    assert [after.consent(purpose) for purpose in ("marketing", "surveys")] == [True, True]
    assert [(one.purpose, one.source, one.at) for one in after.consents] == [
        ("everything", "", desk.now()),
        ("marketing", "form 7", desk.now()),
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_the_strictest_holds_for_two_who_become_one_and_when_they_part_again(desk: Desk, turned: bool) -> None:
    ann, anna = desk.customers.add("Ann"), desk.customers.add("Anna")
    desk.customers.consent(ann, "surveys", allowed=True)
    desk.customers.consent(anna, "surveys", allowed=False)
    desk.customers.consent(anna, "marketing", allowed=True)
    survivor = desk.customers.merge(*((ann, anna) if turned else (anna, ann)), actor=KIM)
    assert (survivor.consent("surveys"), survivor.consent("marketing")) == (False, True)
    desk.customers.consent(survivor, "announcements", allowed=False)
    source = anna if survivor.id == ann.id else ann
    parted = desk.customers.unmerge(source, actor=KIM)
    for one in (parted, desk.customers.get(survivor.id)):
        assert [one.consent(purpose) for purpose in ("surveys", "announcements")] == [False, False]


def test_consent_cannot_be_slipped_in_by_an_update(desk: Desk) -> None:
    ann = desk.customers.add("Ann")
    with pytest.raises(TypeError, match="no 'consents' to change"):
        desk.customers.update(ann.id, consents=())


@pytest.mark.parametrize("purpose", ["notices", "everything"])
def test_whoever_refused_notices_gets_none_and_still_gets_answers(desk: Desk, purpose: str) -> None:
    ann = desk.customers.add("Ann", addresses={"chat": "ann"})
    desk.customers.consent(ann, purpose, allowed=False)
    desk.open("printer", "broken", customer=ann, channel="chat")
    desk.reply(1, "we look", actor=KIM)
    desk.deliver_outbox()
    line: Any = desk.channels["chat"]
    assert [message.body for message in line.sent] == ["we look"]
    assert [(one.state, one.reason) for one in desk.outbox() if one.rule != "reply"] == [("suppressed", "no_consent")]


def test_a_notice_that_waits_is_not_sent_to_whoever_refuses_meanwhile(desk: Desk) -> None:
    ann = desk.customers.add("Ann", addresses={"chat": "ann"})
    desk.open("printer", "broken", customer=ann, channel="chat")
    assert [one.state for one in desk.outbox()] == ["pending"]
    desk.customers.consent(ann, "notices", allowed=False)
    desk.deliver_outbox()
    assert [(one.state, one.reason) for one in desk.outbox()] == [("suppressed", "no_consent")]
