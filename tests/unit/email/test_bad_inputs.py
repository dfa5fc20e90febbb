"""The hostile inputs of the shared list that concern mail, by the id that each has there."""

from __future__ import annotations

import datetime as dt
import json

import attrs
import pytest
from tests.shared_data import shared_file
from tests.unit.email.mails import KEYS, TICKET, mail, raw, seconds

from supportkit import Outbound
from supportkit.channels.email import (
    Identity,
    Mailbox,
    address_key,
    build_mail,
    choose_recipients,
    classify_mail,
    clean_value,
    decide,
    html_to_text,
    parse_mail,
    read_authentication,
    reply_view,
    safe_name,
    sanitize_html,
)
from supportkit.model.message import MessageKind

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def listed():
    rows = json.loads(shared_file("golden/bad_inputs.json").read_text(encoding="utf-8"))["inputs"]
    return {row["id"]: row for row in rows}


@pytest.fixture
def values(listed, request):
    """The values of the row that the test is named after."""
    name = request.function.__name__.removeprefix("test_")
    [row] = [row for key, row in listed.items() if name.startswith(key.replace("-", "_") + "_")]
    made = list(row.get("values", []))
    if "make" in row:
        found = eval(row["make"], {})
        made += found if isinstance(found, list) else [found]
    return made


def parsed(raw):
    """Parse within the time that the rows allow."""
    found = []
    assert seconds(lambda: found.append(parse_mail(raw))) < 1
    return found[0]


def test_email_parse_02_a_list_of_brackets_is_unparsable_text(values):
    found = parsed(values[0])
    assert (found.to, found.text) == ((), "x")


def test_email_parse_03_forty_thousand_parameters_are_capped(values):
    found = parsed(values[0])
    assert "truncated" in found.flags
    assert found.text == "x"


def test_email_parse_04_forty_thousand_recipients_are_capped(values):
    found = parsed(values[0])
    assert len(found.to) == 100
    assert "truncated" in found.flags


def test_email_parse_05_the_last_of_eighty_thousand_ids_are_kept(values):
    found = parsed(values[0])
    assert len(found.references) <= 1_000
    assert found.references[-1] == "<79999@e>"


def test_email_parse_07_an_unknown_charset_is_guessed(values):
    found = parsed(values[0])
    assert found.text == "hi"
    assert "charset_guessed" in found.flags


def test_email_parse_09_a_charset_with_a_nul_is_an_unknown_one(values):
    assert parsed(values[0]).text == "hi"


def test_email_parse_10_a_group_is_no_sender(values):
    found = parsed(values[0])
    assert found.sender_ambiguous
    assert not classify_mail(found).may_acknowledge


def test_email_parse_12_a_date_with_endless_seconds_is_none(values):
    found = parsed(values[0])
    assert found.date is None
    assert found.headers.raw("date") == "Mon, 1 Jan 2024 00:00:03333333333333333"


def test_email_parse_13_an_impossible_date_is_none(values):
    assert parsed(values[0]).date is None


def test_email_parse_14_a_date_of_another_decade_is_told_as_it_is(values):
    assert [found.date.year for found in map(parsed, values)] == [2016, 2036]


def test_email_parse_15_mails_of_nothing_are_values(values):
    found = [parsed(raw) for raw in values]
    assert [one.is_empty for one in found] == [True, True, True, False]
    assert all(one.sender_ambiguous and one.subject == one.text == "" for one in found)


def test_email_parse_16_two_addresses_in_one_are_ambiguous(values):
    found = parsed(values[0])
    assert found.sender_ambiguous
    assert found.sender.address != "alice@good.example"


def test_email_parse_19_two_from_headers_are_ambiguous(values):
    assert parsed(values[0]).sender_ambiguous


def test_email_parse_22_ten_thousand_links_are_text(values):
    found = parsed(values[0])
    assert found.text.count("https://e.example/") == 10_000
    assert seconds(lambda: reply_view(found.text)) < 1


def test_email_parse_23_nuls_are_dropped(values):
    found = parsed(values[0])
    assert (found.subject, found.text) == ("ab", "ab")


def test_email_parse_26_two_mails_with_one_id_are_told_apart(values):
    first, second = map(parsed, values)
    assert first.key == second.key == "<same@customer.example>"
    assert first.digest != second.digest


def test_email_identity_02_a_number_in_the_subject_leads_nowhere():
    decision = decide(mail(subject="Re: [#1042] hello"), lambda _candidate: TICKET, KEYS, tenant="t")
    assert (decision.ticket, decision.claims) == (None, None)


def test_email_identity_04_a_service_that_writes_to_a_ticket_is_a_stranger():
    found = mail(from_="no-reply@appleid.example", to="support+id1042@corp.example")
    decision = decide(found, lambda _candidate: TICKET, KEYS, tenant="t")
    assert decision.ticket is None
    assert not classify_mail(found).may_acknowledge


def test_email_identity_07_a_forged_result_verifies_nobody(values):
    found = parsed(values[0])
    assert read_authentication(found, "mx.corp.example").identity is Identity.UNVERIFIED
    assert read_authentication(found, None).identity is Identity.UNVERIFIED


def test_email_identity_08_our_own_address_is_no_customer():
    verdict = classify_mail(mail(from_="Support <support@corp.example>"), own_addresses={"Support@corp.example"})
    assert (verdict.kind, verdict.may_acknowledge) == ("own", False)


def test_email_identity_09_a_name_is_never_the_identity(values):
    found = parsed(values[0])
    assert found.sender == Mailbox("CEO <ceo@corp.example>", "x@evil.example")


def test_email_identity_10_a_look_alike_domain_is_another_one_and_flagged(values):
    cyrillic, latin = values
    assert address_key(cyrillic) != address_key(latin)
    assert "mixed_script" in mail(from_=f"<{cyrillic}>").flags
    assert "mixed_script" not in mail(from_=f"<{latin}>").flags


def test_mail_bomb_04_automatic_mail_is_not_acknowledged(values):
    assert [classify_mail(parsed(raw)).may_acknowledge for raw in values] == [False] * 4


def test_mail_bomb_07_a_zip_is_never_unpacked():
    content = b"PK\x03\x04" + bytes(40_000)
    found = mail(content, content_type="application/zip; name=bomb.zip")
    assert [(file.name, file.content) for file in found.attachments] == [("bomb.zip", content)]


def sent(**changes):
    message = attrs.evolve(Outbound(id="m-1", recipient="ann@customer.example", subject="hi", body="hello"), **changes)
    return build_mail(message, sender=Mailbox("Desk", "help@corp.example"), message_id="<m@corp.example>", date=NOW)


def test_header_injection_01_a_name_with_a_line_end_adds_no_recipient(values):
    built = build_mail(
        Outbound(id="m-1", recipient="ann@customer.example", body="hello"),
        sender=Mailbox(values[0], "help@corp.example"),
        message_id="<m@corp.example>",
        date=NOW,
    )
    assert built.recipients == ("ann@customer.example",)
    assert parse_mail(built.content).headers.raw("bcc") is None


def test_header_injection_02_an_answer_to_a_hidden_line_end_has_no_bcc(values):
    subject = parsed(values[0]).subject
    again = parse_mail(sent(subject=subject).content)
    assert subject == "hi Bcc: victim@x.y"
    assert (again.headers.raw("bcc"), again.subject) == (None, "hi Bcc: victim@x.y")


def test_html_05_markdown_is_text(values):
    assert html_to_text(values[0]) == values[0]
    assert "href" not in (sanitize_html(values[0]) or "")


def test_html_11_style_and_base_are_gone(values):
    cleaned = sanitize_html(values[0])
    assert cleaned is not None
    assert "style" not in cleaned
    assert "base" not in cleaned


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "..\\..\\boot.ini", "/etc/passwd"])
def test_attachment_01_a_path_is_no_name(listed, name):
    assert name in listed["attachment-01"]["values"]
    assert safe_name(name) in {"x", "boot.ini", "passwd"}


def test_attachment_02_nothing_hides_a_leading_dot(values):
    assert {safe_name(name) for name in values} == {"htaccess"}


def test_attachment_04_names_that_are_none_are_made_up(values):
    names = [
        mail("x", content_type="application/zip", content_disposition=f'attachment; filename="{name}"')
        .attachments[0]
        .name
        for name in values
    ]
    assert names[:-1] == ["attachment-1", "a_b", "a.txt", *["attachment-1"] * 3]
    assert len(names[-1]) == 150
    assert names[-1].endswith(".txt")


def test_attachment_05_html_stays_a_file():
    found = mail(
        "<script>", content_type="text/html; name=r.html", content_disposition="attachment; filename=resume.html"
    )
    assert (found.text, found.html) == ("", None)
    assert [file.name for file in found.attachments] == ["resume.html"]


def test_attachment_06_two_files_of_one_name_are_both_kept():
    part = b"--b\nContent-Type: application/x; name=a.bin\n\nONE\n"
    found = mail(part + part.replace(b"ONE", b"TWO") + b"--b--\n", content_type="multipart/mixed; boundary=b")
    assert [(file.name, file.content) for file in found.attachments] == [("a.bin", b"ONE"), ("a (2).bin", b"TWO")]


def test_attachment_09_a_type_is_a_claim():
    found = mail("<html>", content_type="image/png; name=a.png")
    assert [(file.media_type, file.inline) for file in found.attachments] == [("image/png", False)]


def test_redos_01_a_marker_that_explodes_is_text(values):
    assert quick(values[0]) == values[0]


def test_redos_02_an_intro_without_an_end_is_text(values):
    assert quick(values[0]) == values[0].strip()


def test_redos_03_many_half_intros_are_text(values):
    assert quick(values[0] * 100).split() == (values[0] * 100).split()


def test_redos_06_prose_is_never_cut(values):
    assert [quick(value) for value in values] == values


def quick(text):
    found = []
    assert seconds(lambda: found.append(reply_view(text))) < 1
    return found[0].text


def test_unicode_01_a_subject_of_any_length_is_whole(values):
    found = [parsed(raw(subject=value)) for value in values]
    assert [len(one.subject) for one in found] == [64_000 - 1, 10_001]


def test_unicode_03_direction_controls_are_stripped_from_headers(values):
    assert clean_value(values[0]) == "Anngnp.exe"


def test_limits_01_automatic_mail_has_the_marks_that_stop_loops():
    again = parse_mail(sent(kind=MessageKind.AUTO, in_reply_to="<q@customer.example>").content)
    assert classify_mail(again).kind == "auto_reply"
    assert choose_recipients("help@corp.example", own_addresses={"help@corp.example"}) == ()
