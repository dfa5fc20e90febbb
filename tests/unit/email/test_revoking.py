"""A new generation of a ticket's signatures: what was signed before opens no way to it any more."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from tests.unit.email.mails import KEYS, raw, seconds
from tests.unit.email.test_channel import KIM, OURS, Office, bounce, first, headers, office_with

from supportkit.channels.email import EmailChannel, own_id, parse_mail, signed_generation
from supportkit.channels.inbound import Payload
from supportkit.errors import LimitExceeded
from supportkit.model import events as ev
from supportkit.model.ticket import MAX_GENERATION

BO = "bo@customer.example"


@pytest.fixture(params=[True, False], ids=["plus", "tag"])
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    found = office_with(plus_addressing=request.param)
    yield found
    found.desk.close()


def revoked(office: Office, ticket: int = 1) -> int:
    return office.desk.revoke_tokens(ticket, actor=KIM).generation


def test_an_old_id_counts_as_absent_and_a_new_one_joins(office: Office) -> None:
    office.take(first())
    old = office.answer().message_id
    assert revoked(office) == 1
    assert [one.event for one in office.desk.history(1) if isinstance(one.event, ev.TokensRevoked)]
    report = office.take(raw("Hello?", in_reply_to=old, message_id="<2@customer.example>"))
    assert (report.opened, report.joined, report.claimed) == (1, 0, 0)
    new = office.answer().message_id
    assert new != old
    assert office.take(raw("Yes.", in_reply_to=new)).joined == 1


def test_an_old_token_or_tag_counts_as_absent_and_a_new_one_joins(office: Office) -> None:
    office.take(first())

    def pointing(said: str, sender: str = "ann@customer.example") -> bytes:
        answer = office.answer()
        to = headers(answer, "reply-to") or OURS
        return raw(said, from_=sender, to=str(to), subject=parse_mail(answer.content).subject)

    before = pointing("old")
    revoked(office)
    assert office.take(before).opened == 1
    assert office.take(pointing("new")).joined == 1


def test_who_takes_part_still_answers_a_mail_of_his_own(office: Office) -> None:
    office.take(first())
    old = office.answer().message_id
    revoked(office)
    mine = raw("Yes.", in_reply_to=old, references=f"<first@customer.example> {old}")
    stranger = raw("Me?", from_="eve@evil.example", in_reply_to=old, references=f"<first@customer.example> {old}")
    assert office.take(mine).joined == 1
    assert office.take(stranger).claimed == 1


def test_a_bounce_of_an_old_mail_is_still_one_of_ours(office: Office) -> None:
    office.take(first())
    old = office.answer().message_id
    revoked(office)
    assert office.take(bounce(old)).receipts == 1
    assert [one.state for one in office.desk.outbox(1)] == ["failed"]


def test_an_old_key_joins_until_its_generation_is_revoked(office: Office) -> None:
    office.take(first())
    old = office.answer().message_id
    turned = attrs.evolve(office.channel, keys=KEYS.rotated(2, b"2" * 32))
    (found,) = turned.receive(Payload(body=raw("x", in_reply_to=old)))
    assert [(one.kind, one.generation) for one in found.references] == [("message", 0)]  # type: ignore[union-attr]
    revoked(office)
    (found,) = turned.receive(Payload(body=raw("x", in_reply_to=office.answer().message_id)))
    assert [one.generation for one in found.references] == [1]  # type: ignore[union-attr]


def test_a_merged_ticket_is_revoked_with_its_survivor(office: Office) -> None:
    office.take(first(), raw("Two", from_=BO, message_id="<b@customer.example>"))
    old = office.answer(2).message_id
    office.desk.merge(2, 1, actor=KIM)
    assert revoked(office, 2) == 1
    assert [office.desk.get(number).generation for number in (1, 2)] == [1, 1]
    assert office.take(raw("Hello?", from_=BO, in_reply_to=old)).opened == 1


def test_an_old_link_is_worth_nothing_and_a_new_one_is(office: Office) -> None:
    from supportkit.continuing import ticket_of

    office.take(first())
    old = office.desk.continuation_link(1).token
    revoked(office)
    new = office.desk.continuation_link(1).token
    now = office.clock.now()
    found = [ticket_of(KEYS, "default", token, now, office.desk.get) for token in (old, new)]
    assert [one and one.number for one in found] == [None, 1]


def test_it_ends_somewhere_and_a_mail_full_of_wrong_signatures_is_soon_read(office: Office) -> None:
    office.take(first())
    for generation in range(1, MAX_GENERATION + 1):
        assert revoked(office) == generation
    with pytest.raises(LimitExceeded):
        revoked(office)
    last = office.answer().message_id
    named = own_id(last)
    assert named is not None
    assert signed_generation(named, KEYS, tenant="default") == MAX_GENERATION
    wrong = ", ".join(f"help+t.{number}.{'a' * 16}@corp.example" for number in range(2_000))
    forged = raw("x", to=[wrong[:60_000], wrong[60_000:]], references=" ".join([last[:-30] + "aaaa@x>"] * 500))
    channel = EmailChannel(addresses=OURS, keys=KEYS)
    assert seconds(lambda: channel.receive(Payload(body=forged))) < 1
