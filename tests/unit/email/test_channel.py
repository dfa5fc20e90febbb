"""`EmailChannel` in a desk: where a mail goes, who may write there, and what goes out."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import attrs
import pytest
from tests.shared_data import shared_file
from tests.unit.email.mails import KEYS, raw

from supportkit import Accepted, Deferred, Desk, ManualClock, Rejected
from supportkit.channels.email import BuiltMail, EmailChannel, parse_mail
from supportkit.channels.inbound import Authenticity, Inbound, Mark, Payload, Receipt
from supportkit.channels.port import Delivery, Outbound
from supportkit.engine.notices import SILENT
from supportkit.errors import ConfigurationError, MalformedPayload
from supportkit.intake import Budgets
from supportkit.model import events as ev
from supportkit.model.ticket import LinkKind

KIM = "agent:kim"
OURS = "help@corp.example"
NOON = "2026-03-02T12:00:00+00:00"
SERVER = "mx.corp.example"


@attrs.define
class Tray:
    """Takes mails and keeps them; answers by script."""

    mails: list[BuiltMail] = attrs.field(factory=list)
    script: list[Delivery] = attrs.field(factory=list)

    def deliver(self, mail: BuiltMail, *, timeout: float) -> Delivery:
        assert timeout > 0
        self.mails.append(mail)
        return self.script.pop(0) if self.script else Accepted(mail.message_id)


@attrs.define
class Office:
    """A desk with one mailbox."""

    desk: Desk
    tray: Tray
    channel: EmailChannel
    clock: ManualClock

    def take(self, *raws: bytes) -> Any:
        for one in raws:
            assert self.desk.receive("email", Payload(body=one)).status == 200
        return self.desk.process_inbox()

    def answer(self, ticket: int = 1, text: str = "Does it work now?") -> BuiltMail:
        """Let an agent answer, and return the mail that went out."""
        self.desk.reply(ticket, text, actor=KIM)
        assert self.desk.deliver_outbox().sent == 1
        return self.tray.mails[-1]

    def bodies(self, ticket: int) -> list[str]:
        return [one.body.strip() for one in self.desk.messages(ticket)]


def office_with(**more: Any) -> Office:
    clock, tray = ManualClock(NOON), Tray()
    budgets = more.pop("budgets", Budgets())
    channel = EmailChannel(addresses=OURS, keys=KEYS, smtp=tray, display_name="Help", authserv_id=SERVER, **more)
    return Office(
        Desk(channels=[channel], keys=KEYS, clock=clock, budgets=budgets, notices=SILENT), tray, channel, clock
    )


@pytest.fixture
def office() -> Any:
    found = office_with()
    yield found
    found.desk.close()


def first(**fields: object) -> bytes:
    return raw("The printer jams.", **{"message_id": "<first@customer.example>", "subject": "Printer", **fields})


def headers(mail: BuiltMail, name: str) -> str | None:
    return parse_mail(mail.content).headers.raw(name)


def read(office: Office, mail: bytes) -> Any:
    (found,) = office.channel.receive(Payload(body=mail))
    return found


# -- what a mail becomes -----------------------------------------------------------------------------------------------


def test_a_mail_becomes_a_ticket_with_a_customer_and_its_files(office: Office) -> None:
    assert office.take(first(from_="Ann Lee <ann@customer.example>")).opened == 1
    ticket = office.desk.get(1)
    customer = office.desk.customers.get(ticket.customer)
    assert (ticket.subject, ticket.channel, customer.name) == ("Printer", "email", "Ann Lee")
    assert customer.address("email") == "ann@customer.example"
    assert office.bodies(1) == ["The printer jams."]
    assert office.desk.messages(1)[0].external_id == "<first@customer.example>"


def test_the_whole_text_is_kept_and_the_details_say_what_is_new(office: Office) -> None:
    text = "It works.\n\nOn Mon, 2 Mar 2026 at 13:00, Help <help@corp.example> wrote:\n> Does it?\n"
    found = read(office, raw(text))
    assert isinstance(found, Inbound)
    assert found.body.strip() == text.strip()
    shown = [tuple(map(int, span.split("-"))) for span in found.details["shown"].split()]
    assert "".join(text[begin:end] for begin, end in shown).strip() == "It works."


def test_a_mail_that_is_nothing_is_malformed(office: Office) -> None:
    for nothing in (b"", b"\0\0\0"):
        with pytest.raises(MalformedPayload):
            list(office.channel.receive(Payload(body=nothing)))


def test_our_own_server_alone_verifies_a_sender(office: Office) -> None:
    passed = f"{SERVER}; dmarc=pass header.from=customer.example"
    assert read(office, raw(authentication_results=passed)).auth is Authenticity.VERIFIED
    assert read(office, raw(authentication_results="mx.evil.example; dmarc=pass")).auth is Authenticity.UNVERIFIED
    assert read(office, raw(authentication_results=f"{SERVER}; dmarc=fail")).auth is Authenticity.FAILED
    assert read(office, raw()).auth is Authenticity.UNVERIFIED


@pytest.mark.parametrize(
    ("fields", "marks"),
    [
        ({}, set()),
        ({"auto_submitted": "auto-replied"}, {Mark.AUTO_REPLY}),
        ({"precedence": "bulk"}, {Mark.BULK}),
        ({"from_": "noreply@customer.example"}, {Mark.BULK}),
        ({"from_": "MAILER-DAEMON@mx.example"}, {Mark.BOUNCE}),
        ({"from_": OURS}, {Mark.OWN}),
    ],
)
def test_what_a_machine_wrote_is_marked(office: Office, fields: dict[str, object], marks: set[Mark]) -> None:
    assert read(office, raw(**fields)).marks == marks


def test_an_address_that_is_none_is_refused_when_the_channel_is_made() -> None:
    for wrong in ((), ("help",), ("a@b.example\r\nBcc: x@y.example",)):
        with pytest.raises(ConfigurationError):
            EmailChannel(addresses=wrong, keys=KEYS)


def test_no_secret_shows_itself(office: Office) -> None:
    assert "1" * 8 not in repr(office.channel)


# -- threads -----------------------------------------------------------------------------------------------------------


def test_an_answer_joins_by_our_signed_id(office: Office) -> None:
    office.take(first())
    ours = office.answer().message_id
    report = office.take(raw("Yes.", message_id="<2@customer.example>", in_reply_to=ours))
    assert (report.joined, office.bodies(1)[-1]) == (1, "Yes.")


def test_an_answer_whose_id_some_provider_rewrote_joins_by_references(office: Office) -> None:
    office.take(first())
    ours = office.answer().message_id
    answer = raw("Yes.", in_reply_to="<0100@email.provider.example>", references=f"<first@customer.example> {ours}")
    assert office.take(answer).joined == 1


def test_an_answer_whose_client_encoded_our_long_id_joins(office: Office) -> None:
    office.take(first())
    ours = office.answer().message_id
    encoded = "=?utf-8?q?" + "".join(f"={octet:02X}" for octet in ours[:60].encode()) + "?=\n "
    encoded += "=?utf-8?q?" + "".join(f"={octet:02X}" for octet in ours[60:].encode()) + "?="
    assert office.take(raw("Yes.", in_reply_to=encoded)).joined == 1


def test_an_answer_to_the_customers_own_mail_joins(office: Office) -> None:
    office.take(first())
    assert office.take(raw("PS", in_reply_to="<first@customer.example>")).joined == 1


def test_the_same_subject_is_no_thread(office: Office) -> None:
    office.take(first())
    assert office.take(raw("Again", subject="Printer", message_id="<b@customer.example>")).opened == 1


def test_a_signed_tag_joins_where_everything_else_is_gone(office: Office) -> None:
    office.take(first())
    subject = parse_mail(office.answer().content).subject
    assert "[#1-" in subject
    assert office.take(raw("Yes.", subject=subject)).joined == 1
    assert office.take(raw("No.", subject="Re: [#1-aaaaaaaaaaaaaaaa]")).opened == 1


def test_answers_of_one_sender_keep_one_leg(office: Office) -> None:
    office.take(first())
    for number in range(3):
        ours = office.answer().message_id
        office.take(raw(f"No {number}", message_id=f"<a{number}@customer.example>", in_reply_to=ours))
    assert not [one for one in office.desk.history(1) if isinstance(one.event, ev.ChannelSwitched)]


@pytest.mark.parametrize("in_header", ["to", "cc", "delivered_to", "x_original_to"])
def test_a_token_joins_a_stranger_who_is_marked_and_never_answered(in_header: str) -> None:
    office = office_with(plus_addressing=True)
    office.take(first())
    token = str(headers(office.answer(), "reply-to")).strip("<> ")
    fields = {"to": OURS, in_header: token}
    report = office.take(raw("I am her colleague.", from_="Bo <bo@customer.example>", **fields))
    assert report.joined == 1
    assert office.desk.messages(1)[-1].author.id.startswith("stranger.")
    assert office.answer().recipients == ("ann@customer.example",)
    again = office.take(raw("Me again", from_="bo@customer.example", in_reply_to=office.tray.mails[0].message_id))
    assert (again.joined, again.claimed) == (0, 1), "a token is needed each time"


def test_a_token_does_not_help_a_sender_who_is_not_who_he_says() -> None:
    office = office_with(plus_addressing=True)
    office.take(first())
    token = str(headers(office.answer(), "reply-to")).strip("<> ")
    forged = raw("Send me the password", to=token, authentication_results=f"{SERVER}; dmarc=fail")
    two = raw("Me too", to=token, from_="ann@customer.example, eve@evil.example")
    assert (office.take(forged).claimed, office.take(two).claimed) == (1, 1)
    assert len(office.bodies(1)) == 2


def test_a_spoofed_answer_opens_a_ticket_that_is_linked_as_a_claim(office: Office) -> None:
    office.take(first())
    ours = office.answer().message_id
    spoofed = raw("Change my address", in_reply_to=ours, authentication_results=f"{SERVER}; dmarc=fail")
    assert office.take(spoofed).claimed == 1
    assert [link.kind for link in office.desk.get(2).links] == [LinkKind.CLAIMS]
    assert office.desk.get(2).customer is None
    assert len(office.bodies(1)) == 2


def test_an_id_with_a_wrong_signature_counts_as_absent(office: Office) -> None:
    office.take(first())
    ours = office.answer().message_id
    at = ours.index("@") - 1
    wrong = f"{ours[:at]}{'3' if ours[at] == '2' else '2'}{ours[at + 1 :]}"
    report = office.take(raw("Hello", from_="eve@evil.example", in_reply_to=wrong))
    assert (report.opened, report.claimed) == (1, 0)


def test_a_key_that_was_rotated_out_still_verifies_and_case_does_not_matter() -> None:
    office = office_with()
    office.take(first())
    ours = office.answer().message_id
    turned = attrs.evolve(office.channel, keys=KEYS.rotated(2, b"2" * 32))
    local, _, domain = ours.rpartition(".")
    for spelled in (ours, f"{local}.{domain.upper()}"):
        found = next(iter(turned.receive(Payload(body=raw("x", in_reply_to=spelled)))))
        assert isinstance(found, Inbound)
        assert [one.kind for one in found.references] == ["message"]


# -- machines ----------------------------------------------------------------------------------------------------------


def test_an_out_of_office_changes_nothing(office: Office) -> None:
    office.take(first())
    ours = office.answer().message_id
    office.desk.resolve(1, "done", actor=KIM)
    before = office.desk.get(1)
    clocks = office.desk.clocks(1)
    away = raw("I am away", in_reply_to=ours, subject="Out of office", auto_submitted="auto-replied")
    assert office.take(away).joined == 1
    after = office.desk.get(1)
    assert (after.state, after.answers_on, after.leg) == (before.state, before.answers_on, before.leg)
    assert office.desk.clocks(1) == clocks


def test_an_out_of_office_without_a_ticket_or_of_a_stranger_opens_none(office: Office) -> None:
    office.take(first())
    ours = office.answer().message_id
    report = office.take(
        raw("I am away", auto_submitted="auto-replied"),
        raw("So am I", auto_submitted="auto-replied", from_="bo@evil.example", in_reply_to=ours),
    )
    assert (report.quarantined, len(office.desk.find().items)) == (2, 1)


def bounce(original: str, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\nTo: help@corp.example\nSubject: Undelivered mail\n"
        "Message-ID: <bounce@mx.example>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nSorry.\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; ann@customer.example\nAction: {action}\nStatus: {status}\n\n"
        f"--b\nContent-Type: message/rfc822\n\nMessage-ID: {original}\nSubject: Re: Printer\n\nDoes it?\n--b--\n"
    ).encode()


def test_a_bounce_of_our_mail_takes_the_response_back(office: Office) -> None:
    office.take(first())
    ours = office.answer().message_id
    assert isinstance(read(office, bounce(ours)), Receipt)
    assert office.take(bounce(ours)).receipts == 1
    failed = [one.event for one in office.desk.history(1) if isinstance(one.event, ev.DeliveryFailed)]
    assert [one.reason for one in failed] == ["bounce 5.1.1"]


def test_a_late_bounce_changes_nothing(office: Office) -> None:
    office.take(first())
    ours = office.answer().message_id
    version = office.desk.get(1).version
    assert office.take(bounce(ours, action="delayed", status="4.4.1")).receipts == 1
    assert office.desk.get(1).version == version


def test_a_bounce_of_a_mail_that_we_never_sent_is_kept_for_a_person(office: Office) -> None:
    report = office.take(bounce("<sk.T.M.aaaaaaaaaaaaaaaa@corp.example>"))
    assert (report.quarantined, report.problems) == (1, (("email", "bounce"),))


def test_a_bounce_settles_what_nobody_knew(office: Office) -> None:
    office.take(first())
    office.tray.script = [Deferred("uncertain")]
    office.desk.reply(1, "Hello?", actor=KIM)
    assert office.desk.deliver_outbox().unknown == 1
    office.take(bounce(office.tray.mails[-1].message_id))
    assert [one.state for one in office.desk.outbox(1)] == ["failed"]


@pytest.mark.parametrize(("sender", "state"), [("ann@customer.example", "sent"), ("eve@evil.example", "unknown")])
def test_an_answer_of_who_takes_part_settles_what_nobody_knew(office: Office, sender: str, state: str) -> None:
    office.take(first())
    office.tray.script = [Deferred("uncertain")]
    office.desk.reply(1, "Hello?", actor=KIM)
    assert office.desk.deliver_outbox().unknown == 1
    office.take(raw("Yes?", from_=sender, in_reply_to=office.tray.mails[-1].message_id))
    assert [one.state for one in office.desk.outbox(1)] == [state]
    settled = [one.event.reason for one in office.desk.history(1) if isinstance(one.event, ev.DeliverySettled)]
    assert settled == (["answered"] if state == "sent" else [])
    assert office.desk.deliver_outbox().sent == 0, "no second copy"


def test_our_own_mail_that_comes_back_is_ignored(office: Office) -> None:
    office.take(first())
    report = office.take(office.answer().content, raw("hi", from_=OURS))
    assert (report.ignored, len(office.desk.find().items), len(office.bodies(1))) == (2, 1, 2)


# -- the way out -------------------------------------------------------------------------------------------------------


def test_an_answer_has_a_signed_id_the_thread_and_no_marks_of_a_machine(office: Office) -> None:
    office.take(first())
    mail = office.answer()
    assert (mail.sender, mail.recipients) == (OURS, ("ann@customer.example",))
    assert headers(mail, "in-reply-to") == "<first@customer.example>"
    assert str(headers(mail, "references")).split() == ["<first@customer.example>", mail.message_id]
    assert headers(mail, "auto-submitted") is None
    assert headers(mail, "from") == "Help <help@corp.example>"
    assert office.desk.outbox(1)[0].external_id == mail.message_id


def test_every_try_has_the_same_bytes(office: Office) -> None:
    office.take(first())
    office.tray.script = [Deferred("unavailable", dt.timedelta(minutes=5))]
    office.desk.reply(1, "Hello", actor=KIM)
    for _ in range(2):
        office.desk.deliver_outbox()
        office.clock.advance(minutes=6)
    assert len(office.tray.mails) == 2
    assert office.tray.mails[0] == office.tray.mails[1]


def test_a_server_that_is_away_for_a_day_costs_no_answer_and_for_two_days_a_person_is_asked(office: Office) -> None:
    office.take(first())
    office.desk.reply(1, "Hello", actor=KIM)
    office.tray.script = [Deferred("unavailable", dt.timedelta(hours=1))] * 100
    for _ in range(47):
        assert office.desk.deliver_outbox().deferred == 1
        office.clock.advance(hours=1)
    office.clock.advance(hours=2)
    assert office.desk.deliver_outbox().parked == 1


def test_nothing_is_sent_to_ourselves_or_to_nobody(office: Office) -> None:
    for recipient in (OURS, "unknown-sender@mail.invalid"):
        out = Outbound(
            id="1", recipient=recipient, body="x", ticket="T", number=1, message="M", created_at=office.clock.now()
        )
        assert office.channel.send(out) == Rejected("bad_recipient", "this is no address of a customer")


# -- hostile mail, by the id that each has in the shared list ----------------------------------------------------------


@pytest.fixture(scope="session")
def listed() -> dict[str, Any]:
    rows = json.loads(shared_file("golden/bad_inputs.json").read_text(encoding="utf-8"))["inputs"]
    return {row["id"]: row for row in rows}


def made(listed: dict[str, Any], name: str) -> list[bytes]:
    found = eval(listed[name]["make"], {})
    return found if isinstance(found, list) else [found]


EMAIL_PARSE = [f"email-parse-{number:02}" for number in (2, 3, 4, 5, 7, 9, 10, 12, 13, 14, 15, 16, 19, 22, 23, 26)]


@pytest.mark.parametrize("name", EMAIL_PARSE)
def test_whatever_is_in_a_mail_it_ends_as_a_ticket_or_in_quarantine(
    office: Office, listed: dict[str, Any], name: str
) -> None:
    raws = made(listed, name)
    for one in raws:
        report = office.take(one, first(message_id=f"<{len(one)}@good.example>", from_="good@customer.example"))
        assert report.failed == 0
        assert report.opened + report.joined + report.quarantined + report.duplicates + report.ignored >= 1
    assert any(ticket.subject == "Printer" for ticket in office.desk.find().items)


def test_email_parse_14_a_clock_never_starts_at_the_date_of_the_sender(office: Office, listed: dict[str, Any]) -> None:
    office.take(*made(listed, "email-parse-14"))
    assert {ticket.created_at for ticket in office.desk.find().items} == {office.clock.now()}


def test_email_parse_21_a_mail_that_hangs_its_reader_is_quarantined_and_the_others_go_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = EmailChannel.receive

    def slow(channel: EmailChannel, payload: Payload) -> Any:
        if b"poison" in payload.body:
            raise TimeoutError
        return real(channel, payload)

    monkeypatch.setattr(EmailChannel, "receive", slow)
    report = office.take(first(), raw("poison"), first(message_id="<2@customer.example>"))
    assert (report.opened, report.failed) == (2, 1)
    for _ in range(2):
        office.clock.advance(seconds=61)
        report = office.desk.process_inbox()
    assert report.quarantined == 1
    monkeypatch.undo()
    assert office.desk.quarantine.reprocess() == 1
    assert len(office.desk.find().items) == 3


def test_email_parse_26_two_mails_under_one_id_are_both_kept(office: Office, listed: dict[str, Any]) -> None:
    report = office.take(*made(listed, "email-parse-26"))
    assert (report.flagged, sorted(office.bodies(1))) == (1, ["first", "second"])
    assert office.take(*made(listed, "email-parse-26")).duplicates == 0, "the very same bytes are one delivery"


def test_email_identity_02_a_number_in_a_subject_opens_no_door(office: Office) -> None:
    office.take(first())
    office.take(raw("Let me in", subject="Re: [#1] Printer", from_="eve@evil.example"))
    assert len(office.bodies(1)) == 1
    assert office.desk.get(2).links == ()


def test_email_identity_04_a_mail_of_some_service_never_joins_by_a_token() -> None:
    office = office_with(plus_addressing=True)
    office.take(first())
    token = str(headers(office.answer(), "reply-to")).strip("<> ")
    report = office.take(raw("Your code is 123456", to=token, from_="no-reply@service.example"))
    assert (report.joined, report.claimed, len(office.bodies(1))) == (0, 1, 2)


def test_email_identity_07_a_forged_verdict_verifies_nobody(office: Office, listed: dict[str, Any]) -> None:
    office.take(*made(listed, "email-identity-07"))
    customer = office.desk.customers.get(office.desk.get(1).customer)
    assert customer.addresses[0].status == "claimed"


def test_email_identity_08_mail_from_our_own_address_is_no_customers(office: Office) -> None:
    assert office.take(raw(from_=OURS)).ignored == 1
    assert office.desk.find().items == ()


def test_email_identity_09_a_display_name_decides_nothing(office: Office, listed: dict[str, Any]) -> None:
    office.desk.customers.add("CEO", addresses={"email": "ceo@corp.example"})
    office.take(*made(listed, "email-identity-09"))
    assert office.desk.customers.get(office.desk.get(1).customer).address("email") == "x@evil.example"


def test_email_identity_10_look_alikes_are_two_customers(office: Office, listed: dict[str, Any]) -> None:
    for number, address in enumerate(listed["email-identity-10"]["values"]):
        office.take(raw(from_=address.encode(), message_id=f"<{number}@x.example>"))
    customers = {ticket.customer for ticket in office.desk.find().items}
    assert len(customers) == 2


def test_mail_bomb_01_more_tickets_than_the_budget_wait_in_quarantine_and_none_is_lost() -> None:
    office = office_with(budgets=Budgets(new_tickets=5))
    report = office.take(*[raw("x", message_id=f"<{n}@v.example>", from_="victim@x.example") for n in range(30)])
    assert (report.opened, report.quarantined) == (5, 25)
    assert {one.reason for one in office.desk.quarantine.list()} == {"budget.new_tickets"}


def test_mail_bomb_04_bulk_mail_opens_a_ticket_and_bears_the_mark(office: Office, listed: dict[str, Any]) -> None:
    for one in made(listed, "mail-bomb-04"):
        assert Mark.BULK in read(office, one).marks
        assert office.take(one).opened == 1


def test_mail_bomb_07_files_are_never_unpacked(office: Office) -> None:
    zipped = raw(
        "x", mime_version="1.0", content_type="application/zip; name=bomb.zip", content_transfer_encoding="base64"
    )
    office.take(zipped.replace(b"\n\nx", b"\n\nUEsDBAoAAAAAAA=="))
    (message,) = office.desk.messages(1)
    assert [one.name for one in message.attachments] == ["bomb.zip"]


def test_header_injection_01_a_name_and_a_subject_make_no_header(office: Office, listed: dict[str, Any]) -> None:
    (name,) = listed["header-injection-01"]["values"]
    spelled = "=?utf-8?q?" + name.replace("\r", "=0D").replace("\n", "=0A").replace(" ", "_") + "?="
    office.take(first(from_=f"{spelled} <ann@customer.example>", subject=spelled))
    mail = office.answer()
    assert (headers(mail, "bcc"), mail.recipients) == (None, ("ann@customer.example",))


def test_a_stranger_learns_nothing_of_the_ticket_that_he_claims(office: Office) -> None:
    office.take(first())
    office.answer(text="The code of the door is 4711.")
    report = office.take(raw("And?", from_="eve@evil.example", references="<first@customer.example>"))
    assert report.claimed == 1
    mail = office.answer(2, "Who are you?")
    assert mail.recipients == ("eve@evil.example",)
    assert b"4711" not in mail.content
    assert b"first@customer.example" not in mail.content
