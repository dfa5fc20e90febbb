"""Laws of the e-mail channel that hold for any bytes and any text."""

from __future__ import annotations

import datetime as dt
import email
import email.policy

from hypothesis import given, settings
from hypothesis import strategies as st

from supportkit import Outbound
from supportkit.channels.email import (
    Evidence,
    Identity,
    KnownTicket,
    Mailbox,
    SpanKind,
    build_mail,
    candidates,
    classify_mail,
    clean_value,
    decide,
    html_to_text,
    is_signed,
    parse_mail,
    read_authentication,
    read_delivery_report,
    reply_view,
    safe_name,
    sign_message_id,
)
from supportkit.keys import Keys

KEYS = Keys(signing={1: b"1" * 32}, hashing=b"h" * 32)
NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
PIECES = [
    b"From: ",
    b"To: ",
    b"Subject: ",
    b"\n",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"--b\n",
    b"--b--\n",
    b"<",
    b">",
    b"@",
    b",",
    b";",
    b'"',
    b"(",
    b")",
    b"=?utf-8?q?",
    b"=?utf-8?b?",
    b"?=",
    b"=0D=0A",
    b"\0",
    b"\xff\xfe",
    b"\xd0\x9f",
    b"Content-Type: multipart/mixed; boundary=b\n",
    b"Content-Type: text/html; charset=",
    b"Content-Type: message/rfc822\n",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''",
    b"Authentication-Results: mx; dmarc=pass",
    b"Date: Mon, 1 Jan 2024",
    b"Final-Recipient: rfc822; a@b",
    b"koi8-r",
    b"> ",
    b"On 5 May 2025, A <a@b> wrote:",
    b"-- \n",
    b"ann@customer.example",
    b"a",
]
BYTES = st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
LINES = st.sampled_from(
    [
        "mine",
        "",
        "> quoted",
        "On 5 May 2025, at 10:12, Ann <a@b.example> wrote:",
        "-- ",
        "Sent from my iPhone",
        "_____",
        "From: Ann <a@b.example>",
        "Date: 5 May 2025 10:12",
        "Subject: x",
        "-----Original Message-----",
        "C> x",
        "| x",
        "\u200b",
    ]
)
TEXTS = st.one_of(st.text(max_size=300), st.lists(LINES, max_size=25).map("\n".join))


@settings(max_examples=300)
@given(BYTES)
def test_any_bytes_are_a_mail_and_reading_it_is_repeatable(raw):
    found = parse_mail(raw)
    verdict = classify_mail(found)
    read_delivery_report(found)
    decide(found, lambda _candidate: None, KEYS, tenant="t")

    assert parse_mail(raw) == found
    assert 1 <= len(found.key) <= 255
    assert verdict.may_acknowledge == (not verdict.reasons)
    assert "\0" not in found.text + found.subject + found.sender.address
    assert not set(found.subject) & set("\r\n")
    assert len({file.name for file in found.attachments}) == len(found.attachments)
    for text in (found.subject, found.text, found.sender.name, *(file.name for file in found.attachments)):
        text.encode()
    if found.sender_ambiguous:
        assert not verdict.may_acknowledge
        assert read_authentication(found, "mx").identity is not Identity.VERIFIED


@settings(max_examples=300)
@given(TEXTS)
def test_the_spans_of_a_view_cover_the_text_and_own_words_are_never_made_up(text):
    view = reply_view(text)
    assert "".join(text[span.start : span.end] for span in view.spans) == text
    assert all(one.kind is not two.kind for one, two in zip(view.spans, view.spans[1:], strict=False))
    shown = "".join(text[span.start : span.end] for span in view.spans if span.kind is SpanKind.NEW)
    assert len(view.text) <= len(shown)
    if text.strip() and any(letter.isalnum() for letter in text):
        assert view.text.strip()
    assert reply_view(text, keep_signature=True).text.count("\n") >= view.text.count("\n") or view.is_whole


@settings(max_examples=200)
@given(
    st.one_of(
        st.text(max_size=300),
        st.lists(
            st.sampled_from(
                [
                    "<div>",
                    "</div>",
                    "<!--",
                    "-->",
                    "<script>",
                    "</script>",
                    "<style>",
                    '<a href="',
                    "'",
                    '"',
                    ">",
                    "<",
                    "&",
                    "&#9;",
                    "&amp;",
                    "<pre>",
                    "<br>",
                    "<td>",
                    "<li>",
                    "<blockquote type=cite>",
                    "</blockquote>",
                    "word",
                    " ",
                    "\n",
                    "</",
                    "<!",
                    "<?",
                ]
            ),
            max_size=40,
        ).map("".join),
    )
)
def test_any_html_is_text_without_markup_of_known_kinds(html):
    text = html_to_text(html)
    assert text == html_to_text(html)
    assert "\0" not in text
    text.encode()


@given(
    st.text(st.characters(exclude_characters="<&\0\r\xa0 \t\n\f", exclude_categories=["Cs", "Zs", "Cc"]), min_size=1)
)
def test_words_without_markup_come_through_html(word):
    assert html_to_text(f"<p>{word}</p>") == word


@settings(max_examples=200)
@given(st.text(max_size=100), st.text(max_size=60), st.text(max_size=400))
def test_what_goes_out_is_read_as_it_was_meant(subject, name, body):
    message = Outbound(id="m", recipient="ann@customer.example", subject=subject, body=body)
    built = build_mail(message, sender=Mailbox(name, "help@corp.example"), message_id="<m@corp.example>", date=NOW)
    found = parse_mail(built.content)
    library = email.message_from_bytes(built.content, policy=email.policy.compat32)

    assert clean_value(clean_value(subject)) == clean_value(subject)
    assert found.subject == clean_value(subject)
    assert found.sender.address == "help@corp.example"
    assert not found.sender_ambiguous
    assert len(library.keys()) == len(set(library.keys())) == 8
    assert len(found.headers.fields) == 8


@given(st.text(max_size=200))
def test_a_safe_name_is_safe_and_stays_what_it_is(name):
    safe = safe_name(name)
    if safe is not None:
        assert not set(safe) & set('/\\\0<>:"|?*\r\n')
        assert ".." not in safe
        assert not safe.startswith(".")
        assert 1 <= len(safe) <= 150
        assert safe_name(safe) == safe


IDS = st.text("abcXYZ019_-", min_size=1, max_size=64)


@given(IDS, IDS, st.integers(0, 9), st.text(max_size=20), st.text(max_size=20), IDS)
def test_an_id_is_ours_for_its_tenant_ticket_and_generation_only(ticket, message, generation, tenant, other, another):
    signed = sign_message_id(
        KEYS, tenant=tenant, ticket=ticket, generation=generation, message=message, domain="x.example"
    )
    [candidate] = candidates(parse_mail(b"In-Reply-To: %s\n\n" % signed.encode()))
    known = KnownTicket(id=ticket, number=1, generation=generation)

    assert candidate.evidence is Evidence.OWN_ID
    assert is_signed(candidate, KEYS, tenant=tenant, ticket=known)
    assert is_signed(candidate, KEYS, tenant=other, ticket=known) == (other == tenant)
    assert not is_signed(
        candidate, KEYS, tenant=tenant, ticket=KnownTicket(id=ticket, number=1, generation=generation + 1)
    )
    assert is_signed(
        candidate, KEYS, tenant=tenant, ticket=KnownTicket(id=another, number=1, generation=generation)
    ) == (another == ticket)
