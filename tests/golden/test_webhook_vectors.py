"""Deliveries of many providers, each with the verdict wanted; and what no delivery may do."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportkit.channels.inbound import Payload, Verifies
from supportkit.channels.signing import (
    BodyDigest,
    Hub,
    Mailgun,
    SendGrid,
    SharedToken,
    Slack,
    StandardWebhook,
    Stripe,
    Twilio,
    Zendesk,
    hub_challenge,
)
from supportkit.errors import SignatureMismatch
from supportkit.secret import Secret

FILE = Path(__file__).parents[2].parent / "shared" / "golden" / "webhook_vectors.json"
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["vectors"] if FILE.exists() else []
BY_NAME = {
    "slack": Slack,
    "twilio": Twilio,
    "meta": Hub,
    "github": Hub,
    "telegram": SharedToken,
    "zendesk": Zendesk,
    "standard-webhooks": StandardWebhook,
    "stripe": Stripe,
    "mailgun": Mailgun,
    "generic-hmac": BodyDigest,
}


def payload_of(vector: dict[str, Any]) -> Payload:
    headers = dict(vector["headers"])
    if "form" in vector:
        body = urlencode([tuple(pair) for pair in vector["form"]]).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    elif "fields" in vector:
        body = json.dumps({"signature": vector["fields"]}).encode()
    else:
        body = vector.get("body", "").encode("utf-8", "surrogatepass")
    if "digest_hex" in vector:
        headers["X-Signature"] = vector["digest_hex"]
    now = vector["now"]
    return Payload(
        body=body,
        headers=headers,
        method=vector["method"],
        url=vector.get("url"),
        query=vector.get("query", {}),
        received_at=dt.datetime.fromtimestamp(0 if now is None else now, dt.UTC),
    )


def verifier_of(vector: dict[str, Any]) -> Verifies:
    if vector["provider"] == "sendgrid":
        return SendGrid(vector["public_key"])
    secret = vector.get("secret", vector.get("public_key"))
    if vector["provider"] == "standard-webhooks" and "public_key" in vector:
        secret = "whpk_" + secret.removeprefix("whpk_")
    return BY_NAME[vector["provider"]](secret)  # type: ignore[abstract,no-any-return]


def test_the_vectors_are_there() -> None:
    if not FILE.exists():
        pytest.skip("../shared/golden is not beside the project")
    assert len(VECTORS) >= 39


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_delivery_gets_the_verdict_wanted(vector: dict[str, Any]) -> None:
    payload = payload_of(vector)
    if vector["expect"] == "accept":
        verifier_of(vector).verify(payload)
        return
    if vector["expect"] == "respond":
        wanted = vector["response"]
        if "verify_token" not in vector:
            pytest.fail(f"nobody answers the handshake of {vector['provider']}")
        try:
            found = hub_challenge(payload, Secret(vector["verify_token"]))
        except SignatureMismatch:
            assert wanted["status"] >= 400
        else:
            assert (200, found) == (wanted["status"], wanted["body"])
        return
    with pytest.raises(SignatureMismatch) as refused:
        verifier_of(vector).verify(payload)
    assert refused.value.kind in vector["error"]


ACCEPTED = [vector for vector in VECTORS if vector["expect"] == "accept"]


@pytest.mark.parametrize("vector", ACCEPTED, ids=lambda vector: vector["id"])
@given(data=st.data())
def test_no_changed_delivery_is_accepted_and_none_raises_anything_else(
    vector: dict[str, Any], data: st.DataObject
) -> None:
    payload = payload_of(vector)
    body, headers = bytearray(payload.body), list(payload.headers)
    where = data.draw(st.sampled_from(["body", "header", "gone", "twice"] if headers and body else ["header", "gone"]))
    if where == "body":
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] ^= 1 << data.draw(st.integers(0, 7))
        if vector["provider"] in {"telegram", "twilio"}:
            return  # nothing is signed of the body; forms are compared by their fields
    signed = [index for index, (name, _) in enumerate(headers) if name != "Content-Type"]
    index = data.draw(st.sampled_from(signed))
    name, value = headers[index]
    if where == "gone":
        del headers[index]
    elif where == "twice":
        headers.append((name.upper(), value + "0"))
    elif where == "header":
        headers[index] = (name, data.draw(st.text(max_size=80)))
    changed = Payload(
        body=bytes(body), headers=headers, method=payload.method, url=payload.url, received_at=payload.received_at
    )
    if changed == payload or (where == "header" and name.lower() == "webhook-signature" and value in headers[index][1]):
        return
    with pytest.raises(SignatureMismatch):
        verifier_of(vector).verify(changed)


@pytest.mark.parametrize("provider", sorted(set(BY_NAME)))
def test_without_a_secret_nothing_is_let_in(provider: str) -> None:
    vector = next((one for one in ACCEPTED if one["provider"] == provider and "secret" in one), None)
    if vector is None:
        verifier: Verifies = BY_NAME[provider](())  # type: ignore[abstract]
        with pytest.raises(SignatureMismatch):
            verifier.verify(Payload(body=b"{}", received_at=dt.datetime(2026, 1, 5, tzinfo=dt.UTC)))
        return
    with pytest.raises(SignatureMismatch) as refused:
        BY_NAME[provider](()).verify(payload_of(vector))  # type: ignore[abstract]
    assert refused.value.kind == "misconfigured"


@pytest.mark.parametrize("vector", ACCEPTED, ids=lambda vector: vector["id"])
def test_every_secret_of_a_rotation_is_tried(vector: dict[str, Any]) -> None:
    if "secret" not in vector:
        pytest.skip("a public key is not rotated by a list")
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    provider = BY_NAME[vector["provider"]]
    provider((other, vector["secret"])).verify(payload_of(vector))  # type: ignore[abstract]
    with pytest.raises(SignatureMismatch):
        provider((other,)).verify(payload_of(vector))  # type: ignore[abstract]


@pytest.mark.parametrize("vector", ACCEPTED, ids=lambda vector: vector["id"])
def test_no_secret_shows(vector: dict[str, Any]) -> None:
    if "secret" in vector:
        verifier = verifier_of(vector)
        assert vector["secret"] not in repr(verifier)
        assert "***" in repr(verifier)
