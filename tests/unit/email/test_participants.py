"""Those in copy: who joins a ticket, who gets answers, who may write there, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.email.mails import raw
from tests.unit.email.test_channel import KIM, OURS, SERVER, Office, bounce, first, headers, office_with

from supportkit import Accepted
from supportkit.channels.email import parse_mail
from supportkit.errors import LimitExceeded, NotFound
from supportkit.model import events as ev
from supportkit.model.people import Address

ANN, BO, CY = "ann@customer.example", "bo@customer.example", "cy@partner.example"


@pytest.fixture
def office() -> Iterator[Office]:
    found = office_with(cc_joins=True, plus_addressing=True)
    yield found
    found.desk.close()


def joined(office: Office, ticket: int = 1) -> list[str | None]:
    return [one.address("email") for one in office.desk.participants.list(ticket)]


def changes(office: Office, ticket: int = 1) -> list[tuple[int, int]]:
    found = [one.event for one in office.desk.history(ticket)]
    return [(len(one.added), len(one.removed)) for one in found if isinstance(one, ev.ParticipantsChanged)]


def refused(office: Office) -> list[tuple[str | None, str]]:
    found = [one.event for one in office.desk.history(1) if isinstance(one.event, ev.RecipientRefused)]
    return [(office.desk.customers.get(one.customer).address("email"), one.reason) for one in found]


def test_by_default_nobody_joins_by_standing_in_copy() -> None:
    plain = office_with()
    plain.take(first(cc=BO))
    assert joined(plain) == []
    assert plain.answer().recipients == (ANN,)


def test_who_stands_in_copy_joins_and_gets_answers_in_one_mail(office: Office) -> None:
    office.take(first(to=f"{OURS}, {CY}", cc=f"Bo <{BO}>, {OURS}, help+t.1.aaaaaaaaaaaaaaaa@corp.example, {ANN}, {BO}"))
    assert joined(office) == [BO, CY]
    assert changes(office) == [(2, 0)]
    mail = office.answer()
    assert len(office.tray.mails) == 1
    assert mail.recipients == (ANN, BO, CY)
    assert (headers(mail, "to"), headers(mail, "cc"), headers(mail, "bcc")) == (ANN, f"{BO}, {CY}", None)
    assert parse_mail(mail.content).text.strip() == "Does it work now?", "a newcomer gets no quoted history"


def test_a_participant_writes_to_the_ticket_and_the_answers_still_go_to_the_requester(office: Office) -> None:
    office.take(first(cc=BO))
    ours = office.answer().message_id
    report = office.take(raw("I see it too.", from_=BO, in_reply_to=ours, message_id="<b@customer.example>"))
    assert (report.joined, report.claimed, office.bodies(1)[-1]) == (1, 0, "I see it too.")
    assert not [one for one in office.desk.history(1) if isinstance(one.event, ev.ChannelSwitched)]
    assert office.answer().recipients == (ANN, BO)
    assert office.take(raw("Me too", from_="eve@evil.example", in_reply_to=ours)).claimed == 1


def test_a_participant_who_reopens_too_late_has_a_follow_up_of_his_own(office: Office) -> None:
    office.take(first(cc=BO))
    ours = office.answer().message_id
    office.desk.end(1, actor=KIM, reason="solved")
    office.clock.advance(days=30)
    assert office.take(raw("Again!", from_=BO, in_reply_to=ours)).followed_up == 1
    assert office.desk.customers.get(str(office.desk.get(2).customer)).address("email") == BO


@pytest.mark.parametrize(
    "fields",
    [
        {"authentication_results": f"{SERVER}; dmarc=fail"},
        {"from_": f"{ANN}, eve@evil.example"},
        {"precedence": "bulk"},
        {"auto_submitted": "auto-generated"},
    ],
)
def test_nobody_joins_by_the_word_of_a_machine_or_of_one_who_is_not_who_he_says(office: Office, fields: Any) -> None:
    office.take(first(cc=BO, **fields))
    assert (joined(office), changes(office)) == ([], [])


def test_a_stranger_adds_nobody_whatever_token_he_has(office: Office) -> None:
    office.take(first())
    answer = office.answer()
    token = str(headers(answer, "reply-to")).strip("<> ")
    office.take(
        raw("Hello", from_="eve@evil.example", to=token, cc="mal@evil.example"),
        raw("Hello", from_="eve@evil.example", in_reply_to=answer.message_id, cc="mal@evil.example"),
    )
    assert joined(office) == []
    assert office.answer().recipients == (ANN,)
    assert (joined(office, 2), len(office.desk.find().items)) == ([], 2), "a claimed ticket adds nobody either"


def test_a_participant_may_bring_in_another_one_and_nobody_joins_twice(office: Office) -> None:
    office.take(first(cc=BO))
    ours = office.answer().message_id
    office.take(raw("Cy knows.", from_=BO, in_reply_to=ours, cc=f"{ANN}, {CY}, BO@CUSTOMER.example"))
    office.take(raw("Yes", in_reply_to=ours, cc=f"{BO}, {CY}"))
    assert office.answer().recipients == (ANN, BO, CY)
    assert changes(office) == [(1, 0), (1, 0)]


def test_a_mail_has_twenty_recipients_at_most(office: Office) -> None:
    office.take(first(cc=", ".join(f"p{number}@customer.example" for number in range(40))))
    assert len(joined(office)) == 19
    assert len(office.answer().recipients) == 20
    with pytest.raises(LimitExceeded):
        office.desk.participants.add(1, CY, actor=KIM)


def test_an_agent_adds_and_removes_participants(office: Office) -> None:
    office.take(first())
    cy = office.desk.customers.add("Cy", addresses={"email": CY})
    office.desk.participants.add(1, cy, BO, actor=KIM, idempotency_key="k")
    office.desk.participants.add(1, cy, BO, actor=KIM, idempotency_key="k")
    assert (joined(office), changes(office)) == ([CY, BO], [(2, 0)])
    office.desk.participants.add(1, ANN, BO, actor=KIM)
    assert changes(office) == [(2, 0)], "the requester takes part anyway"
    ours = office.answer().message_id
    ticket = office.desk.participants.remove(1, BO, actor=KIM)
    assert ticket.participants == (cy.id,)
    assert office.answer().recipients == (ANN, CY)
    assert office.take(raw("And me?", from_=BO, in_reply_to=ours)).claimed == 1
    for wrong in ("nobody", "nobody@customer.example"):
        with pytest.raises(NotFound):
            office.desk.participants.remove(1, wrong, actor=KIM)


def test_who_became_one_with_another_customer_still_takes_part(office: Office) -> None:
    office.take(first(cc=BO))
    ours = office.answer().message_id
    (bo,) = office.desk.participants.list(1)
    other = office.desk.customers.add("Bo", addresses={"chat": "bo"})
    office.desk.customers.merge(bo.id, other.id, actor=KIM)
    assert office.take(raw("Still me.", from_=BO, in_reply_to=ours)).joined == 1
    assert office.answer().recipients == (ANN, BO)
    assert office.desk.participants.remove(1, BO, actor=KIM).participants == ()


def test_who_wants_no_mail_gets_no_copy(office: Office) -> None:
    office.take(first(cc=BO))
    (bo,) = office.desk.participants.list(1)
    office.desk.customers.update(bo.id, addresses=[Address(family="email", value=BO, opted_out=True)])
    assert office.answer().recipients == (ANN,)


def test_an_address_that_no_mail_can_have_stops_no_answer(office: Office) -> None:
    office.take(first())
    office.desk.participants.add(1, "bö@customer.example", CY, actor=KIM)
    assert office.answer().recipients == (ANN, CY)


def test_a_copy_that_the_server_refuses_is_an_event_and_the_answer_is_sent(office: Office) -> None:
    office.take(first(cc=f"{BO}, {CY}"))
    office.tray.script = [Accepted("<x@corp.example>", (BO,))]
    office.answer()
    assert refused(office) == [(BO, "bad_recipient")]
    assert not [one for one in office.desk.history(1) if isinstance(one.event, ev.DeliveryFailed)]


def test_a_copy_that_comes_back_takes_no_response_back(office: Office) -> None:
    office.take(first(cc=BO))
    for number in range(2):
        back = bounce(office.answer().message_id).replace(ANN.encode(), BO.encode())
        office.take(back, back + b"\n")
        assert refused(office) == [(BO, "bounce 5.1.1")] * (number + 1)
    assert [one.state for one in office.desk.outbox(1)] == ["sent", "sent"]
    assert office.desk.customers.get(office.desk.participants.list(1)[0].id).addresses[0].is_dead
    assert office.answer().recipients == (ANN,), "an address that is dead gets nothing more"


def test_two_bounces_for_good_make_the_address_of_the_requester_dead(office: Office) -> None:
    office.take(first())
    for _ in range(2):
        office.take(bounce(office.answer().message_id))
    ticket = office.desk.get(1)
    assert office.desk.customers.get(str(ticket.customer)).addresses[0].is_dead
    assert [one.state for one in office.desk.outbox(1)] == ["failed", "failed"]


def test_a_notice_goes_to_the_requester_alone() -> None:
    from supportkit import Desk
    from supportkit.channels.inbound import Payload

    office = office_with(cc_joins=True)
    desk = Desk(channels=[office.channel], keys=office.channel.keys, clock=office.clock)
    desk.receive(
        "email", Payload(body=first(cc=BO, authentication_results=f"{SERVER}; dmarc=pass header.from=customer.example"))
    )
    desk.process_inbox()
    assert desk.deliver_outbox().sent == 1
    assert (office.tray.mails[-1].recipients, len(desk.participants.list(1))) == ((ANN,), 1)
