"""Hostile deliveries, phones and texts of the shared list, by the id that each has there: rules without a desk."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.hostile import in_time, inputs, rows

from supportkit.channels.consent import consent_in
from supportkit.channels.inbound import Payload, SignalKind, Verifies
from supportkit.channels.measure import measure
from supportkit.channels.reading import MAX_DEPTH, MAX_DIGITS, read_json, read_object
from supportkit.channels.signing import Slack, StandardWebhook, Stripe, Twilio, Zendesk
from supportkit.channels.transport import http_call
from supportkit.errors import MalformedPayload, SignatureMismatch
from supportkit.model.addressing import PHONES, normalised
from supportkit.testing.fakes import Fake, Plain

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
SECRET = "a-secret-that-is-long-enough"
BODY = b'{"text": "hi"}'


def mac(message: bytes, key: bytes = SECRET.encode()) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def slack(stamp: str) -> Payload:
    signature = "v0=" + mac(b"v0:" + stamp.encode() + b":" + BODY).hex()
    return received({"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature})


def stripe(stamp: str) -> Payload:
    return received({"Stripe-Signature": f"t={stamp},v1={mac(stamp.encode() + b'.' + BODY).hex()}"})


def standard(stamp: str, id_: str = "msg_1") -> Payload:
    signature = "v1," + base64.b64encode(mac(f"{id_}.{stamp}.".encode() + BODY)).decode()
    return received({"webhook-id": id_, "webhook-timestamp": stamp, "webhook-signature": signature})


def zendesk(stamp: str) -> Payload:
    signature = base64.b64encode(mac(stamp.encode() + BODY)).decode()
    return received({"X-Zendesk-Webhook-Signature-Timestamp": stamp, "X-Zendesk-Webhook-Signature": signature})


def received(headers: dict[str, str]) -> Payload:
    return Payload(body=BODY, headers=headers, received_at=NOW)


WHSEC = "whsec_" + base64.b64encode(SECRET.encode()).decode()
UNIX: dict[str, tuple[Verifies, Callable[[str], Payload]]] = {
    "slack": (Slack(SECRET), slack),
    "stripe": (Stripe(SECRET), stripe),
    "standard webhooks": (StandardWebhook(WHSEC), standard),
}


def refused(verifier: Verifies, payload: Payload) -> str:
    """Return why a delivery is not let in."""
    with pytest.raises(SignatureMismatch) as caught:
        verifier.verify(payload)
    return caught.value.kind


@pytest.mark.parametrize("provider", UNIX)
@pytest.mark.parametrize("side", [-1, 1], ids=["old", "of the future"])
def test_webhook_04_a_signature_counts_for_five_minutes_on_both_sides(provider: str, side: int) -> None:
    assert "301 s" in rows()["webhook-04"]["input"]
    verifier, signed = UNIX[provider]
    at = int(NOW.timestamp())
    verifier.verify(signed(str(at + side * 300)))
    assert refused(verifier, signed(str(at + side * 301))) == "stale"


@pytest.mark.parametrize("side", [-1, 1], ids=["old", "of the future"])
def test_webhook_04_also_where_the_time_is_written_out(side: int) -> None:
    verifier = Zendesk(SECRET)
    verifier.verify(zendesk((NOW + side * dt.timedelta(seconds=300)).isoformat().replace("+00:00", "Z")))
    late = (NOW + side * dt.timedelta(seconds=301)).isoformat().replace("+00:00", "Z")
    assert refused(verifier, zendesk(late)) == "stale"


@pytest.mark.parametrize("provider", UNIX)
def test_webhook_05_a_time_is_ascii_digits_and_nothing_else(provider: str) -> None:
    verifier, signed = UNIX[provider]
    for stamp in inputs("webhook-05"):
        with in_time("webhook-05"):
            assert refused(verifier, signed(stamp)) in ({"malformed", "missing"} if not stamp else {"malformed"}), stamp


@pytest.mark.parametrize("body", ["{}", {}, [], None, bytearray(b"{}"), 1])
def test_webhook_08_only_the_raw_bytes_are_a_body(body: Any) -> None:
    with pytest.raises(TypeError, match="bytes as they arrived"):
        Payload(body=body)


def test_webhook_08_a_body_that_was_written_anew_has_no_valid_signature() -> None:
    body = b'{"b": "\\u00e9", "a": 1}'
    good = received({"webhook-id": "m", "webhook-timestamp": str(int(NOW.timestamp()))})
    signature = "v1," + base64.b64encode(mac(f"m.{int(NOW.timestamp())}.".encode() + body)).decode()
    headers = (*good.headers, ("webhook-signature", signature))
    StandardWebhook(WHSEC).verify(Payload(body=body, headers=headers, received_at=NOW))
    for other in (json.dumps(json.loads(body)).encode(), json.dumps(json.loads(body), ensure_ascii=False).encode()):
        if other != body:
            assert refused(StandardWebhook(WHSEC), Payload(body=other, headers=headers, received_at=NOW)) == "mismatch"


def test_webhook_12_the_address_that_is_signed_is_the_configured_one() -> None:
    public, inside = "https://desk.example/hooks/sms", "http://internal:8080/hooks/sms"
    signature = base64.b64encode(hmac.new(SECRET.encode(), (public + "Bodyhi").encode(), "sha1").digest()).decode()
    headers = {
        "X-Twilio-Signature": signature,
        "Content-Type": "application/x-www-form-urlencoded",
        "Host": "internal:8080",
        "X-Forwarded-Host": "evil.example",
    }
    Twilio(SECRET).verify(Payload(body=b"Body=hi", headers=headers, url=public, received_at=NOW))
    misled = Payload(body=b"Body=hi", headers={**headers, "Host": "desk.example"}, url=inside, received_at=NOW)
    assert refused(Twilio(SECRET), misled) == "mismatch"


@pytest.mark.parametrize("text", ["null", "[]", "1", '"x"', "true"])
def test_webhook_18_json_that_is_no_object_is_malformed(text: str) -> None:
    assert text in inputs("webhook-18")
    with pytest.raises(MalformedPayload, match="not a JSON object"):
        read_object(Payload(body=text.encode()))


def test_webhook_19_a_stop_in_an_id_is_refused() -> None:
    at = str(int(NOW.timestamp()))
    for id_ in inputs("webhook-19"):
        assert refused(StandardWebhook(WHSEC), standard(at, id_)) == "malformed"


@pytest.mark.parametrize("name", ["storage-09", "storage-10"])
def test_storage_09_and_10_json_that_breaks_parsers_is_malformed(name: str) -> None:
    for text in inputs(name):
        with in_time(name), pytest.raises(MalformedPayload):
            read_json(Payload(body=text.encode()))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        '{"a":' * 200_000,
        "[{" * 300_000,
        '"' + '\\"' * 400_000,
        '["' * 300_000,
        "[],{}," * 150_000,
        "NaN",
        "[Infinity]",
        '{"a": -Infinity}',
        "1" * (MAX_DIGITS + 1),
        "[0." + "1" * MAX_DIGITS + "]",
        "\ufeff{}",
        "",
        "{",
        '{"a": 1,}',
    ],
    ids=lambda text: text[:8],
)
def test_storage_09_other_json_that_is_none_ends_in_time(text: str) -> None:
    with in_time("storage-09"), pytest.raises(MalformedPayload):
        read_json(Payload(body=text.encode()))


def test_storage_09_what_is_deep_and_long_but_allowed_is_read() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert json.dumps(read_json(Payload(body=deep.encode()))) == deep
    assert read_json(Payload(body=b"1" * MAX_DIGITS)) == int("1" * MAX_DIGITS)
    wide = json.dumps(["[[[[" * 50, "{" * 100, '\\"['] * 100)
    assert read_json(Payload(body=wide.encode())) == json.loads(wide)
    for body in (b"\xff\xfe", "{}".encode("utf-16")):
        with pytest.raises(MalformedPayload, match="UTF-8"):
            read_json(Payload(body=body))


def test_storage_11_of_a_key_that_comes_twice_the_last_one_counts() -> None:
    (text,) = inputs("storage-11")
    assert read_object(Payload(body=text.encode())) == {"a": 2}


def test_unicode_05_segments_are_counted_as_the_network_does() -> None:
    assert [measure(text, "segments") for text in inputs("unicode-05")] == [3, 2, 1, 2]
    assert [measure(text, "segments") for text in ("a" * 306, "a" * 307, "€" * 80, "€" * 81, "ж" * 70)] == [
        2,
        3,
        1,
        2,
        1,
    ]


def test_unicode_06_a_line_separator_is_a_character_like_others() -> None:
    for text in inputs("unicode-06"):
        assert read_object(Payload(body=text.encode()))["text"] == "a\u2028b"


def test_header_injection_05_a_value_with_a_line_end_is_refused_before_anything_is_sent() -> None:
    with Fake(Plain()) as fake:
        for value in ("a\nb", "a\r\nX: b", "a\rb", "a\n b", "a\r\n\tb", "a\0b", "\n", "a\x0bb", "a\x7fb"):
            for headers in ({"X-Ticket": value}, {f"X-{value}": "1"}):
                with pytest.raises(ValueError, match="header"):
                    http_call("POST", fake.url, headers=headers, body=b"", timeout=5)
        assert fake.requests == 0


@pytest.mark.parametrize("family", sorted(PHONES))
def test_phone_numbers_are_strict_and_no_country_is_guessed(family: str) -> None:
    """`reliability.md` 10, row "phone"."""
    assert normalised(family, " +49 (151) 123-456.78 ") == "+4915112345678"
    for wrong in (
        "015112345678",
        "0049 151 12345678",
        "15112345678",
        "+0151123456",
        "+49",
        "+123456",
        "+1234567890123456",
        "+49151x234567",
        "+\uff14\uff1915112345678",
        "+\u0664\u0669\u0661\u0665\u0661\u0661\u0662\u0663\u0664",
        "+49151123\u200b45678",
        "tel:+4915112345678",
        "+4915112345678;ext=1",
        "++4915112345678",
        "+",
        "",
    ):
        with pytest.raises(ValueError, match=r"with its country|has 1 to 320"):
            normalised(family, wrong)


def test_phone_02_stop_words_in_any_spelling_are_heard() -> None:
    spelled = [*inputs("phone-02"), "stop", " Stop! ", "STOPALL", "unsubscribe", "Arret", "СТОП", "стоп.", "退订", "TD"]
    assert [consent_in(text) for text in spelled] == [SignalKind.OPT_OUT] * len(spelled)
    assert [consent_in(text) for text in ("START", "unstop", "Старт")] == [SignalKind.OPT_IN] * 3
    for text in ("", "please stop the printer", "stop it now", "Stopping", "s t o p", "x" * 100_000, "STOP\nPrinter"):
        with in_time("phone-02"):
            assert consent_in(text) is None
