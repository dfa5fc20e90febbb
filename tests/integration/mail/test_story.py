"""One conversation by mail, with real servers on both ends: from the first mail to the answer to the answer."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import attrs
import pytest
from tests.mailbox_server import Mailbox, Post, mailbox, post
from tests.unit.email.mails import KEYS

from supportkit import Desk, ManualClock
from supportkit.channels.email import EmailChannel, ParsedMail, parse_mail, reply_view
from supportkit.engine.notices import SILENT
from supportkit.model.ticket import LinkKind

KIM = "agent:kim"
OURS = "help@corp.example"
ANN = "ann@customer.example"
SERVER = "mx.corp.example"


@attrs.define
class Office:
    """A desk whose mail server delivers into a real mailbox, and the customers' mail server."""

    desk: Desk
    box: Mailbox
    inward: Post
    outward: Post
    clock: ManualClock

    def mail(self, text: str, sender: str = ANN, **fields: str) -> Any:
        """Send a mail to us with a real client, and let the desk fetch it."""
        message = EmailMessage()
        given = {"From": sender, "To": OURS, "Subject": "Printer", "Authentication-Results": self.verdict(sender)}
        for name, value in {**given, **{key.replace("_", "-"): one for key, one in fields.items()}}.items():
            message[name] = value
        message.set_content(text)
        with smtplib.SMTP("127.0.0.1", self.inward.port) as client:
            client.send_message(message, sender, [OURS])
        return self.desk.process_inbox()

    @staticmethod
    def verdict(sender: str) -> str:
        return f"{SERVER}; dmarc=pass header.from={sender.rpartition('@')[2]}"

    def answered(self, text: str = "Is it switched on?") -> ParsedMail:
        """Let an agent answer; return the mail as it arrived at the customer's."""
        self.desk.reply(1, text, actor=KIM)
        assert self.desk.deliver_outbox().sent == 1
        return parse_mail(self.outward.taken[-1][2])


@pytest.fixture
def office() -> Iterator[Office]:
    with mailbox() as box, post(data_size_limit=None) as inward, post() as outward:
        inward.forward = box.deliver
        clock = ManualClock("2026-03-02T12:00:00+00:00")
        channel = EmailChannel(
            addresses=OURS,
            keys=KEYS,
            smtp=outward.transport(),
            imap=box.imap(),
            authserv_id=SERVER,
            plus_addressing=True,
        )
        with Desk(channels=[channel], keys=KEYS, clock=clock, notices=SILENT) as desk:
            yield Office(desk, box, inward, outward, clock)


def thread_of(mail: ParsedMail, *, references: bool = True) -> dict[str, str]:
    fields = {"In_Reply_To": str(mail.message_id), "Subject": f"Re: {mail.subject}"}
    return {**fields, "References": " ".join([*mail.references, str(mail.message_id)])} if references else fields


QUOTED = "\n".join(f"> {line}" for line in ("Is it switched on?", "", "Kim"))
AS_WRITTEN = {
    "gmail": f"Yes, it is.\n\nOn Mon, Mar 2, 2026 at 1:05 PM <{OURS}> wrote:\n\n{QUOTED}\n",
    "outlook": (
        f"Yes, it is.\n\n________________________________\nFrom: {OURS} <{OURS}>\nSent: Monday, March 2, 2026 1:05 PM\n"
        f"To: {ANN} <{ANN}>\nSubject: Re: Printer\n\nIs it switched on?\n"
    ),
    "apple": f"Yes, it is.\n\n> On 2 Mar 2026, at 13:05, {OURS} wrote:\n> \n{QUOTED}\n",
    "yandex": f'Yes, it is.\n\n02.03.2026, 13:05, "{OURS}" <{OURS}>:\n{QUOTED}\n',
}


def test_a_mail_becomes_a_ticket_and_its_clocks_run(office: Office) -> None:
    assert office.mail("The printer jams.").opened == 1
    ticket = office.desk.get(1)
    assert (ticket.subject, ticket.channel, ticket.created_at) == ("Printer", "email", office.clock.now())
    assert office.desk.customers.get(ticket.customer).addresses[0].status == "verified"
    assert office.desk.clocks(1).at == office.clock.now()


@pytest.mark.parametrize("client", AS_WRITTEN)
def test_an_answer_to_our_answer_joins_as_each_client_writes_it(office: Office, client: str) -> None:
    office.mail("The printer jams.", Message_ID="<first@customer.example>")
    ours = office.answered()
    assert office.outward.taken[-1][1] == (ANN,)
    # Outlook leaves References out where it can, and answers to Reply-To like all of them.
    report = office.mail(AS_WRITTEN[client], **thread_of(ours, references=client != "outlook"))
    assert (report.joined, report.opened) == (1, 0)
    newest = office.desk.messages(1)[-1]
    assert newest.body.splitlines() == AS_WRITTEN[client].splitlines()
    assert reply_view(newest.body).text.strip() == "Yes, it is."


def test_our_answer_names_what_it_answers_and_where_to_write(office: Office) -> None:
    office.mail("The printer jams.", Message_ID="<first@customer.example>")
    ours = office.answered()
    assert ours.in_reply_to == ("<first@customer.example>",)
    assert ours.reply_to[0].address.startswith("help+t.1.")
    assert (ours.subject, ours.text.strip()) == ("Re: Printer", "Is it switched on?")


def test_a_spoofed_answer_opens_a_linked_ticket_of_its_own(office: Office) -> None:
    office.mail("The printer jams.")
    ours = office.answered()
    fields = thread_of(ours) | {"Authentication_Results": f"{SERVER}; dmarc=fail header.from=customer.example"}
    message = office.mail("Send the invoice to another address.", **fields)
    assert (message.joined, message.claimed) == (0, 1)
    assert [link.kind for link in office.desk.get(2).links] == [LinkKind.CLAIMS]
    assert len(office.desk.messages(1)) == 2


def test_an_out_of_office_changes_neither_state_nor_clocks(office: Office) -> None:
    office.mail("The printer jams.")
    ours = office.answered()
    office.desk.resolve(1, "done", actor=KIM)
    before, clocks = office.desk.get(1), office.desk.clocks(1)
    office.mail("I am away.", **thread_of(ours), Auto_Submitted="auto-replied")
    assert (office.desk.get(1).state, office.desk.clocks(1)) == (before.state, clocks)


def test_an_answer_reopens_what_was_resolved(office: Office) -> None:
    office.mail("The printer jams.")
    ours = office.answered()
    office.desk.resolve(1, "done", actor=KIM)
    assert office.mail("No, it is not.", **thread_of(ours)).joined == 1
    assert office.desk.get(1).state == "open"
