"""Mail on its way out: one message, the headers that were meant, and nothing that slips in."""

from __future__ import annotations

import datetime as dt
import email
import email.policy

import attrs
import pytest
from tests.unit.email.mails import KEYS, TICKET

from supportkit import Actor, Note, Outbound
from supportkit.channels.email import (
    Mailbox,
    answer_subject,
    build_mail,
    choose_recipients,
    classify_mail,
    clean_value,
    decide,
    parse_mail,
    sign_answer_address,
    sign_message_id,
)
from supportkit.errors import UnsendableMessage
from supportkit.model.message import Attachment, MessageKind
from supportkit.model.people import ActorKind

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
DESK = Mailbox("Help, Desk", "help@corp.example")
MESSAGE = Outbound(id="m-1", recipient="ann@customer.example", subject="Printer", body="Hello")


def build(message=MESSAGE, **more):
    return build_mail(message, **{"sender": DESK, "message_id": "<m@corp.example>", "date": NOW, **more})


def test_a_reply_has_the_headers_of_a_reply():
    built = build(attrs.evolve(MESSAGE, in_reply_to="<q@x>"), cc=["bob@customer.example"], references=["<first@x>"])
    found = parse_mail(built.content)
    assert found.sender == DESK
    assert [box.address for box in (*found.to, *found.cc)] == ["ann@customer.example", "bob@customer.example"]
    assert (found.subject, found.text, found.date) == ("Printer", "Hello", NOW)
    assert (found.message_id, found.in_reply_to, found.references) == (
        "<m@corp.example>",
        ("<q@x>",),
        ("<first@x>", "<q@x>"),
    )
    assert built.sender == "help@corp.example"
    assert not classify_mail(found).reasons
    assert found.headers.raw("bcc") is None


def test_an_acknowledgement_has_the_marks_that_keep_machines_quiet():
    built = build(attrs.evolve(MESSAGE, kind=MessageKind.AUTO, in_reply_to="<q@x>"))
    headers = parse_mail(built.content).headers
    assert built.sender == ""
    assert headers.raw("auto-submitted") == "auto-replied"
    assert headers.raw("x-auto-response-suppress") == "All"


def test_a_campaign_can_be_left_with_one_click():
    built = build(attrs.evolve(MESSAGE, kind=MessageKind.CAMPAIGN), unsubscribe_url="https://corp.example/u/1")
    headers = parse_mail(built.content).headers
    assert headers.raw("list-unsubscribe") == "<https://corp.example/u/1>"
    assert headers.raw("list-unsubscribe-post") == "List-Unsubscribe=One-Click"


HOSTILE = [
    "x\r\nBcc: v@x.example",
    "x\nBcc: v@x.example",
    "x\rBcc: v@x.example",
    "x\u2028Bcc: v@x.example",
    "x\x85Bcc: v",
    "x\x0bBcc: v",
    "=?utf-8?q?Hi=0D=0ABcc:_v=40x?=",
    "=?utf-8?b?SGkNCkJjYzogdkB4?=",
    "a\r\n\r\nbody",
    "\r\n Bcc: v",
    "=?utf-8?q?=3D=3Futf-8=3Fq=3FHi=3D0D=3D0ABcc=3A=5Fv=3F=3D?=",
    "x" * 5_000,
    "é" * 5_000,
    "\ud800",
    "\0",
    "\u202eBcc",
    "=?utf-8?q?" * 1_000,
    'a,b;c<d>@e"f\\g(h)',
    "Привет мир " * 40,
    "😀" * 300,
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("policy", [email.policy.compat32, email.policy.default], ids=["compat32", "default"])
def test_no_value_adds_a_header_in_any_reading(value, policy):
    message = attrs.evolve(MESSAGE, subject=value, in_reply_to=value)
    built = build(message, sender=Mailbox(value, "help@corp.example"), references=[value])
    plain = {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
        "In-Reply-To",
        "References",
    }
    assert set(email.message_from_bytes(built.content, policy=policy).keys()) <= plain
    assert max(map(len, built.content.split(b"\r\n"))) <= 998
    assert b"\n" not in built.content.replace(b"\r\n", b"")
    again = parse_mail(built.content)
    assert again.subject == clean_value(value)
    assert again.sender.address == "help@corp.example"
    assert not again.sender_ambiguous


def test_what_is_hidden_in_encoded_words_is_uncovered_and_cleaned():
    assert clean_value("=?utf-8?q?Hi=0D=0ABcc:_v=40x?=") == "Hi Bcc: v@x"
    assert clean_value("=?utf-8?q?=3D=3Futf-8=3Fq=3FHi=3D0ABcc=3F=3D?=") == "Hi Bcc"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "ann@",
        "@x",
        "a@b\r\nBcc: v@x",
        "a b@x.example",
        "анна@customer.example",
        "a@b@c",
        "a@x.example, b@y.example",
        "<a@b>",
        "a@" + "x" * 300,
    ],
)
def test_an_address_that_cannot_be_used_stops_the_mail(address):
    with pytest.raises(UnsendableMessage) as caught:
        build(attrs.evolve(MESSAGE, recipient=address))
    assert caught.value.reason == "bad_recipient"


def test_a_domain_of_other_letters_is_put_in_its_ascii_form():
    assert build(attrs.evolve(MESSAGE, recipient="ann@пример.example")).recipients == ("ann@xn--e1afmkfd.example",)


@pytest.mark.parametrize(
    "body",
    [
        "Hello",
        "Привет, мир",
        "a" * 3_000,
        "日本語" * 500,
        "é line\n" * 50,
        "trailing \n.\nFrom x\n",
        "\0\x01odd",
        "",
        "a\r\nb\rc",
    ],
)
def test_a_text_arrives_as_it_was(body):
    built = build(attrs.evolve(MESSAGE, body=body, html="<p>x</p>"))
    wanted = body.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    assert parse_mail(built.content).text.rstrip("\n") == (wanted.rstrip("\n") or "x")
    library = email.message_from_bytes(built.content, policy=email.policy.default).get_body(("plain",))
    assert library.get_content().replace("\r\n", "\n").rstrip("\n") == wanted.rstrip("\n")


def file(name="отчёт.pdf", media_type="application/pdf"):
    return Attachment(id="f-1", name=name, media_type=media_type, size=3, digest="0")


@pytest.mark.parametrize(
    ("name", "arrives"),
    [
        ("отчёт.pdf", "отчёт.pdf"),
        ("a\r\nBcc: v.pdf", "aBcc_ v.pdf"),
        ('q"uote.pdf', "q_uote.pdf"),
        ("../x.pdf", "x.pdf"),
    ],
)
def test_files_arrive_under_safe_names(name, arrives):
    built = build(attrs.evolve(MESSAGE, attachments=(file(name),)), files={"f-1": b"\x00\xffPDF"})
    [found] = parse_mail(built.content).attachments
    assert (found.name, found.content, found.media_type) == (arrives, b"\x00\xffPDF", "application/pdf")


def test_html_files_leave_as_downloads():
    built = build(attrs.evolve(MESSAGE, attachments=(file("a.html", "text/html"),)), files={"f-1": b"<script>"})
    [found] = parse_mail(built.content).attachments
    assert found.media_type == "application/octet-stream"


def test_a_missing_file_stops_the_mail():
    with pytest.raises(UnsendableMessage, match="the content of attachment 'f-1' was not given"):
        build(attrs.evolve(MESSAGE, attachments=(file(),)))


def test_a_note_is_a_type_error():
    note = Note(
        id="n", tenant="t", ticket="T", author=Actor(ActorKind.AGENT, "a"), body="x", occurred_at=NOW, recorded_at=NOW
    )
    with pytest.raises(TypeError, match="only an Outbound becomes a mail, not Note"):
        build(note)


def test_a_retry_is_the_same_bytes():
    assert build(attrs.evolve(MESSAGE, html="<p>x</p>")) == build(attrs.evolve(MESSAGE, html="<p>x</p>"))


def test_recipients_are_never_we_ourselves_nor_twice():
    own = {"help@corp.example"}
    found = choose_recipients(
        "ann@x.example", ["ANN@x.example", "help+t.1.abc@Corp.example", "bob@x.example"], own_addresses=own
    )
    assert found == ("ann@x.example", "bob@x.example")
    assert len(choose_recipients("a@x.example", [f"u{n}@x.example" for n in range(99)])) == 20


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("Printer", "Re: Printer [#1-x]"),
        ("RE: AW: Re: Printer [#1-x]", "Re: Printer [#1-x]"),
        ("", "Re: (no subject) [#1-x]"),
        ("回复：打印机", "Re: 打印机 [#1-x]"),
    ],
)
def test_subjects_get_one_re_and_one_tag(subject, answer):
    assert answer_subject(subject, tag="[#1-x]") == answer


def test_an_answer_to_our_mail_comes_home():
    ours = sign_message_id(KEYS, tenant="t", ticket="T-1", generation=0, message="M-1", domain="corp.example")
    address = sign_answer_address(KEYS, "help@corp.example", tenant="t", ticket=TICKET)
    sent = parse_mail(build(message_id=ours, answer_address=address).content)
    reply = b"From: ann@customer.example\nTo: %s\nIn-Reply-To: %s\n\nthanks" % (
        sent.reply_to[0].address.encode(),
        (sent.message_id or "").encode(),
    )
    assert decide(parse_mail(reply), lambda _candidate: TICKET, KEYS, tenant="t").ticket == "T-1"
