"""Machine mail: every sign of the table gives its kind, and none of them is ever acknowledged."""

from __future__ import annotations

import pytest
from tests.unit.email.mails import KEYS, mail

from supportkit.channels.email import classify_mail, read_delivery_report, sign_message_id

REPORT = "multipart/report; report-type={}; boundary=b"
STATUS = (
    b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n%s\n"
    b"--b\nContent-Type: message/rfc822\n\n%s\n--b--\n"
)
FAILED = (
    b"Final-Recipient: rfc822; <bob@gone.example>\nAction: Failed\nStatus: 5.1.1\n"
    b"Diagnostic-Code: smtp; 550 no such user\n"
)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("bounce", {"content_type": REPORT.format("delivery-status")}),
        ("bounce", {"x_failed_recipients": "bob@gone.example"}),
        ("bounce", {"from_": "MAILER-DAEMON@x.example"}),
        ("bounce", {"from_": "Postmaster <postmaster@x.example>"}),
        ("bounce", {"from_": "bounces+12@x.example"}),
        ("bounce", {"from_": "Mail Delivery System <x@x.example>"}),
        ("bounce", {"return_path": "<>", "subject": "Undelivered Mail Returned to Sender"}),
        ("bounce", {"return_path": "<>", "subject": "=?utf-8?b?0J3QtSDQtNC+0YHRgtCw0LLQu9C10L3Qvg==?="}),
        ("complaint", {"content_type": REPORT.format("feedback-report")}),
        ("receipt", {"content_type": REPORT.format("disposition-notification")}),
        ("auto_reply", {"auto_submitted": "AUTO-REPLIED (vacation); owner=x"}),
        ("auto_reply", {"x_autoreply": "yes"}),
        ("auto_reply", {"x_vacation": "1", "precedence": "bulk"}),
        ("auto_reply", {"subject": "Automatic reply: printer"}),
        ("auto_reply", {"subject": "Out of Office"}),
        ("auto_reply", {"subject": "Abwesenheitsnotiz: Drucker"}),
        ("auto_reply", {"subject": "=?utf-8?b?0JDQstGC0L7QvtGC0LLQtdGCOiDQv9GA0LjQvdGC0LXRgA==?="}),
        ("auto_reply", {"subject": "自动回复: 打印机"}),
        ("bulk", {"auto_submitted": "auto-generated"}),
        ("bulk", {"x_auto_response_suppress": "DR, OOF"}),
        ("bulk", {"precedence": "List"}),
        ("bulk", {"list_id": "<a.example>"}),
        ("bulk", {"list_unsubscribe": "<https://a.example>"}),
        ("bulk", {"x_loop": "x"}),
        ("own", {"from_": "Support@Corp.Example"}),
        ("person", {"return_path": "<>"}),
        ("person", {"subject": "Fw: Delivery failure, what now?"}),
        ("person", {"from_": "no-reply@shop.example"}),
        ("person", {"reply_to": "do-not-reply@shop.example"}),
        ("person", {"from_": None}),
    ],
)
def test_a_sign_gives_its_kind_and_no_acknowledgement(kind, fields):
    verdict = classify_mail(mail(**fields), own_addresses={"support@corp.example"})
    assert verdict.kind == kind
    assert not verdict.may_acknowledge
    assert verdict.reasons


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"auto_submitted": "no"},
        {"x_autoreply": "No"},
        {"x_auto_response_suppress": "None"},
        {"feedback_id": "1:2:3"},
        {"precedence": "first-class"},
        {"subject": "Re: Automatic reply: printer"},
        {"subject": "Out of officially supported versions?"},
        {"subject": "Abwesend? Nein!"},
        {"return_path": "<ann@customer.example>"},
        {"from_": "norbert@customer.example"},
        {"disposition_notification_to": "ann@customer.example"},
    ],
)
def test_a_person_is_acknowledged(fields):
    verdict = classify_mail(mail(**fields), own_addresses={"support@corp.example"})
    assert (verdict.kind, verdict.reasons, verdict.may_acknowledge) == ("person", (), True)


def test_our_own_message_is_known_by_its_id():
    ours = sign_message_id(KEYS, tenant="t", ticket="T-1", generation=0, message="M-1", domain="corp.example")
    assert classify_mail(mail(message_id=ours), is_own_id=lambda found: found == ours).kind == "own"


@pytest.mark.parametrize(
    ("kind", "is_event"), [("bounce", True), ("auto_reply", True), ("bulk", False), ("person", False)]
)
def test_only_lists_and_people_open_tickets(kind, is_event):
    fields = {
        "bounce": {"x_failed_recipients": "a@b.example"},
        "auto_reply": {"auto_submitted": "auto-replied"},
        "bulk": {"list_id": "x"},
        "person": {},
    }[kind]
    assert classify_mail(mail(**fields)).is_event is is_event


def bounced(status=FAILED, returned=b"Message-ID: <ours@corp.example>\n\nhello"):
    return mail(STATUS % (status, returned), content_type=REPORT.format("delivery-status"))


def test_a_report_names_recipient_status_and_mail():
    report = read_delivery_report(bounced())
    [recipient] = report.recipients
    assert (recipient.address, recipient.action, recipient.status) == ("bob@gone.example", "failed", "5.1.1")
    assert recipient.diagnostic == "550 no such user"
    assert report.message_id == "<ours@corp.example>"
    assert report.is_permanent


def test_a_delayed_mail_is_not_lost():
    report = read_delivery_report(bounced(FAILED.replace(b"Failed", b"delayed").replace(b"5.1.1", b"4.4.7")))
    assert not report.is_permanent


def test_every_address_of_a_report_is_told():
    report = read_delivery_report(bounced(FAILED + b"\n" + FAILED.replace(b"bob", b"eve")))
    assert [recipient.address for recipient in report.recipients] == ["bob@gone.example", "eve@gone.example"]


def test_a_report_in_plain_words_is_read_too():
    text = "It failed: 550 5.1.1\n\n  bob@gone.example\n\n--- copy ---\n\nMessage-Id:\n <ours@corp.example>\n"
    report = read_delivery_report(mail(text, x_failed_recipients="bob@gone.example"))
    assert [(one.address, one.status) for one in report.recipients] == [("bob@gone.example", "5.1.1")]
    assert report.message_id == "<ours@corp.example>"


def test_a_mail_that_reports_nothing_gives_none():
    assert read_delivery_report(mail("hello there")) is None
