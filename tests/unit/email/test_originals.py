"""What comes with a mail besides its text, where its sender wants answers, and files that go out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.email.mails import raw
from tests.unit.email.test_channel import KIM, OURS, SERVER, Office, first, headers, office_with

from supportkit import Desk, ManualClock
from supportkit.channels.email import parse_mail
from supportkit.channels.inbound import Authenticity, Inbound
from supportkit.channels.port import Accepted, Capabilities, Outbound
from supportkit.engine.notices import SILENT
from supportkit.errors import CapabilityMissing, IdempotencyConflict, LimitExceeded, NotFound
from supportkit.model.message import NewFile
from supportkit.originals import Original

ANN, ELSEWHERE, NEAR = "ann@customer.example", "ann@elsewhere.example", "ann.home@customer.example"
PASSED = f"{SERVER}; dmarc=pass header.from=customer.example"
HTML = (
    b"From: Ann <ann@customer.example>\nTo: help@corp.example\nSubject: Hi\nMessage-ID: <h@customer.example>\n"
    b"Content-Type: text/html; charset=utf-8\n\n"
    b'<p onclick="x()">Hello <b>there</b></p><script>alert(1)</script><img src="https://t.example/pixel.gif">'
    b'<img src="cid:logo"><a href="javascript:x()">y</a>'
)


@pytest.fixture
def office() -> Iterator[Office]:
    found = office_with()
    yield found
    found.desk.close()


def original(office: Office, ticket: int = 1, place: int = -1) -> Original:
    return office.desk.original(office.desk.messages(ticket)[place].id)


# -- originals ---------------------------------------------------------------------------------------------------------


def test_the_html_of_a_mail_is_kept_clean_and_only_clean(office: Office) -> None:
    pytest.importorskip("nh3", reason="the cleaner is the extra `html`")
    office.take(HTML)
    html = str(original(office).html)
    assert "<b>there</b>" in html
    assert 'src="cid:logo"' in html
    for harm in ("script", "onclick", "pixel", "javascript"):
        assert harm not in html
    assert office.bodies(1) == ["Hello there\n\ny"]


def test_without_the_extra_there_is_text_and_never_raw_html(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nh3", None)
    office.take(HTML)
    assert (original(office).html, office.bodies(1)) == (None, ["Hello there\n\ny"])


def test_the_details_and_the_claims_of_a_mail_are_kept(office: Office) -> None:
    text = "It works.\n\nOn Mon, 2 Mar 2026 at 13:00, Help <help@corp.example> wrote:\n> Does it?\n"
    office.take(raw(text, authentication_results=PASSED, date="Mon, 2 Mar 2026 13:05:00 +0100"))
    found = original(office)
    begin, end = map(int, found.details["shown"].split()[0].split("-"))
    assert office.desk.messages(1)[0].body[begin:end].strip() == "It works."
    assert (found.auth, found.sender_name, found.sender) == (Authenticity.VERIFIED, "Ann", ANN)
    assert str(found.sent_at) == "2026-03-02 12:05:00+00:00"
    assert ANN not in repr(found)


def test_what_we_wrote_has_no_original_and_a_file_of_a_message_is_none(office: Office) -> None:
    office.take(first())
    office.answer()
    with pytest.raises(NotFound):
        original(office)
    with pytest.raises(NotFound):
        office.desk.original("nothing")
    assert office.desk.messages(1)[0].attachments == ()


def test_the_original_moves_with_its_message_and_is_deleted_with_it(office: Office) -> None:
    office.take(first())
    office.take(raw("PS", in_reply_to="<first@customer.example>", message_id="<2@customer.example>"))
    moved = office.desk.messages(1)[1].id
    office.desk.split(1, [moved], "PS", actor=KIM)
    kept = office.desk.messages(1)[0].id
    with office.desk.storage.begin("default") as unit:
        unit.delete_ticket(office.desk.get(1))
    assert office.desk.original(moved).sender == ANN
    with pytest.raises(NotFound):
        office.desk.original(kept)


# -- Reply-To ----------------------------------------------------------------------------------------------------------


def test_a_reply_to_moves_the_answer_and_never_the_identity(office: Office) -> None:
    office.take(first(reply_to=f"Ann <{ELSEWHERE}>"))
    mail = office.answer()
    assert (mail.recipients, headers(mail, "to")) == ((ELSEWHERE,), ELSEWHERE)
    customer = office.desk.customers.get(str(office.desk.get(1).customer))
    assert [one.value for one in customer.addresses] == [ANN]
    report = office.take(raw("Hello?", from_=ELSEWHERE, in_reply_to=mail.message_id))
    assert (report.joined, report.claimed) == (0, 1), "who sits there does not take part by that"


@pytest.mark.parametrize(("address", "is_elsewhere"), [(ELSEWHERE, True), (NEAR, False)])
def test_another_domain_there_is_shown(office: Office, address: str, is_elsewhere: bool) -> None:
    office.take(first(reply_to=address))
    found = original(office)
    assert (found.answer_to, found.is_elsewhere) == (address, is_elsewhere)
    assert found.details.get("answer_domain") == ("another" if is_elsewhere else None)


def test_the_newest_mail_of_the_requester_says_where_answers_go(office: Office) -> None:
    office.take(first(reply_to=NEAR))
    ours = office.answer().message_id
    assert office.tray.mails[-1].recipients == (NEAR,)
    office.take(raw("From here again.", in_reply_to=ours))
    assert office.answer().recipients == (ANN,)


@pytest.mark.parametrize(("proof", "answered"), [(PASSED, ELSEWHERE), ("none.example; none", ANN)])
def test_only_a_proved_sender_moves_what_runs_to_another_domain(office: Office, proof: str, answered: str) -> None:
    office.take(first())
    ours = office.answer().message_id
    office.take(raw("Please write here.", in_reply_to=ours, reply_to=ELSEWHERE, authentication_results=proof))
    assert office.answer().recipients == (answered,)
    assert original(office, place=-2).is_elsewhere


@pytest.mark.parametrize("wanted", [ANN.upper(), OURS, "help+t.1.aaaaaaaaaaaaaaaa@corp.example", "nobody", ""])
def test_a_reply_to_that_is_no_other_address_moves_nothing(office: Office, wanted: str) -> None:
    office.take(first(reply_to=wanted))
    assert office.answer().recipients == (ANN,)
    assert not original(office, place=0).is_elsewhere


def test_a_reply_to_of_one_in_copy_or_of_a_forger_moves_nothing() -> None:
    office = office_with(cc_joins=True)
    office.take(first(cc="bo@customer.example"))
    ours = office.answer().message_id
    office.take(raw("To me!", from_="bo@customer.example", reply_to="bo.home@customer.example", in_reply_to=ours))
    assert office.answer().recipients == (ANN, "bo@customer.example")
    office.take(raw("Hi", authentication_results=f"{SERVER}; dmarc=fail", reply_to="eve@evil.example"))
    office.desk.reply(2, "?", actor=KIM)
    office.desk.deliver_outbox()
    assert all("eve@evil.example" not in mail.recipients for mail in office.tray.mails)


def test_a_notice_goes_where_the_mail_came_from() -> None:
    from supportkit.channels.inbound import Payload

    office = office_with()
    with Desk(channels=[office.channel], keys=office.channel.keys, clock=office.clock) as desk:
        desk.receive("email", Payload(body=first(reply_to=ELSEWHERE, authentication_results=PASSED)))
        desk.process_inbox()
        assert desk.deliver_outbox().sent == 1
        assert office.tray.mails[-1].recipients == (ANN,)


# -- files -------------------------------------------------------------------------------------------------------------

PLAN = NewFile(name="plan.pdf", content=b"%PDF", media_type="application/pdf")


def test_a_mail_carries_the_files_of_an_answer(office: Office) -> None:
    office.take(first())
    office.desk.reply(1, "Here.", actor=KIM, files=[PLAN, NewFile(name="a.txt", content=b"a")])
    office.desk.deliver_outbox()
    found = parse_mail(office.tray.mails[-1].content).attachments
    assert [(one.name, one.media_type, one.content) for one in found] == [
        ("plan.pdf", "application/pdf", b"%PDF"),
        ("a.txt", "application/octet-stream", b"a"),
    ]
    (kept, _other) = office.desk.messages(1)[-1].attachments
    assert (kept.name, office.desk.file(kept.id).content) == ("plan.pdf", b"%PDF")


class Chat:
    """A chat that takes two files of ten bytes together."""

    name = "chat"

    def __init__(self, **able: Any) -> None:
        self.capabilities = Capabilities(family="chat", insecure=True, **able)
        self.sent: list[Outbound] = []

    def send(self, message: Outbound) -> Accepted:
        self.sent.append(message)
        return Accepted("1")


def chatting(chat: Chat) -> Desk:
    desk = Desk(channels=[chat], clock=ManualClock("2026-03-02T12:00:00+00:00"), notices=SILENT)
    ann = desk.customers.add("Ann", addresses={"chat": "ann"})
    desk.open("Help", "x", customer=ann, channel="chat")
    return desk


def test_a_chat_that_takes_files_gets_them() -> None:
    chat = Chat(max_attachment_bytes=10, max_attachments=2)
    with chatting(chat) as desk:
        desk.ask(1, "Is it this?", actor=KIM, files=[PLAN])
        assert desk.deliver_outbox().sent == 1
        (outbound,) = chat.sent
        assert [(one.name, outbound.files[one.id]) for one in outbound.attachments] == [("plan.pdf", b"%PDF")]


@pytest.mark.parametrize(
    ("able", "files", "error"),
    [
        ({}, [PLAN], CapabilityMissing),
        ({"max_attachment_bytes": 7}, [PLAN, PLAN], LimitExceeded),
        ({"max_attachment_bytes": 99, "max_attachments": 1}, [PLAN, PLAN], LimitExceeded),
    ],
)
def test_what_a_channel_does_not_take_is_refused_before_anything_is_queued(able: Any, files: Any, error: Any) -> None:
    with chatting(Chat(**able)) as desk:
        with pytest.raises(error):
            desk.reply(1, "Here.", actor=KIM, files=files)
        assert (len(desk.outbox()), len(desk.messages(1)), desk.get(1).state) == (0, 1, "new")


def test_a_key_stands_for_the_same_files() -> None:
    with chatting(Chat(max_attachment_bytes=10)) as desk:
        for _ in range(2):
            desk.reply(1, "Here.", actor=KIM, files=[PLAN], idempotency_key="k")
        assert len(desk.messages(1)) == 2
        with pytest.raises(IdempotencyConflict):
            desk.reply(1, "Here.", actor=KIM, files=[NewFile(name="plan.pdf", content=b"x")], idempotency_key="k")
    with pytest.raises(TypeError):
        NewFile(name="x", content="text")  # type: ignore[arg-type]


def test_an_inbound_says_where_answers_are_wanted(office: Office) -> None:
    from tests.unit.email.test_channel import read

    found = read(office, raw(reply_to=ELSEWHERE))
    assert isinstance(found, Inbound)
    assert found.answer_to == ELSEWHERE
    assert ELSEWHERE not in repr(found)
