"""A sound adapter of the provider `fakes.Plain`: signed batches, receipts, keys and look-ups. No tests in here."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import attrs

from supportkit.channels.http import delivery_from_http
from supportkit.channels.inbound import Answer, Arrived, Authenticity, Inbound, Payload, Receipt, Unparsed, Verified
from supportkit.channels.port import Accepted, Capabilities, Delivery, Outbound, Reason, Rejected
from supportkit.channels.signing import Hub
from supportkit.channels.transport import HttpAnswer, Transport, http_call
from supportkit.clock import SystemClock
from supportkit.errors import MalformedPayload
from supportkit.secret import Secret, as_secrets
from supportkit.testing import Rig, Sample
from supportkit.testing.fakes import Fake, Plain

ABLE = Capabilities(
    family="messenger",
    addresses="plain",
    signed=True,
    handshake=True,
    max_body_chars=2000,
    delivery_receipts=True,
    timeout=10,
)
OTHER = "another-secret"
LATEST = 253_402_300_799
"""The last second of the year 9999."""


@attrs.frozen(kw_only=True)
class Sound:
    """Speaks with `fakes.Plain`."""

    api: str
    token: Secret = attrs.field(converter=Secret)
    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)
    call: Transport = http_call
    name: str = "plain"
    capabilities: Capabilities = ABLE

    def receive(self, payload: Payload) -> Iterable[Arrived]:
        try:
            entries = json.loads(payload.body)["entries"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise MalformedPayload("not a batch of entries") from None
        if not isinstance(entries, list):
            raise MalformedPayload("not a batch of entries")
        return [self._entry(index, entry) for index, entry in enumerate(entries)]

    def _entry(self, index: int, entry: Any) -> Arrived:
        try:
            if "status" in entry:
                return Receipt(
                    status=entry["status"],
                    external_id=text(entry["about"]),
                    at=self.instant(entry["at"]),
                    reason=None if entry.get("reason") is None else text(entry["reason"]),
                )
            return Inbound(
                external_id=text(entry["id"]),
                account="shop",
                sender=text(entry["from"]),
                body=text(entry["text"]),
                sent_at=self.instant(entry["at"]),
                auth=Authenticity.VERIFIED,
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return Unparsed(index, "not an entry")

    def instant(self, value: Any) -> dt.datetime:
        if type(value) is not int or not 0 <= value <= LATEST:
            raise ValueError("no time")
        return dt.datetime.fromtimestamp(value, dt.UTC)

    def verify(self, payload: Payload) -> Verified:
        return Hub(self.secrets, delivery_header="X-Delivery").verify(payload)

    def answer(self, payload: Payload) -> Answer | None:
        challenge = payload.query_value("challenge")
        return None if challenge is None else Answer(body=challenge.encode())

    def send(self, message: Outbound) -> Delivery:
        if len(message.body) > (self.capabilities.max_body_chars or 0):
            return Rejected(Reason.TOO_LONG)
        said = json.dumps({"to": message.recipient, "text": message.body, "key": message.id}).encode()
        answer = self._call("POST", "/messages", said, message.timeout)
        return self.judge(answer)

    def judge(self, answer: HttpAnswer) -> Delivery:
        now = SystemClock().now()
        return delivery_from_http(answer.status, answer.headers, answer.body, read_id=read_id, now=now)

    def lookup(self, message_id: str) -> Accepted | None:
        answer = self._call("GET", f"/messages/{quote(message_id, safe='')}", None, 5.0)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise ConnectionError(f"the provider answered {answer.status}")
        return Accepted(read_id(answer.body))

    def _call(self, method: str, path: str, body: bytes | None, timeout: float) -> HttpAnswer:
        headers = {"Authorization": f"Bearer {self.token.reveal().decode()}", "Content-Type": "application/json"}
        return self.call(method, self.api + path, headers=headers, body=body, timeout=timeout)


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value


def read_id(body: bytes) -> str:
    return text(json.loads(body)["id"])


PROVIDER = Plain()
HELLO = {"id": "in-1", "from": "17", "text": "The printer is on fire", "at": 1_772_442_000}
AGAIN = {"id": "in-2", "from": "18", "text": "And the fax too, by now", "at": 1_772_442_001}
TAKEN = {"about": "m-1", "status": "delivered", "at": 1_772_442_002}


def said(entry: dict[str, Any]) -> Inbound:
    return Inbound(
        external_id=entry["id"],
        account="shop",
        sender=entry["from"],
        body=entry["text"],
        sent_at=dt.datetime.fromtimestamp(entry["at"], dt.UTC),
        auth=Authenticity.VERIFIED,
    )


DELIVERED = Receipt(status="delivered", external_id="m-1", at=dt.datetime.fromtimestamp(1_772_442_002, dt.UTC))
FAILED = Receipt(status="failed", external_id="m-1", at=DELIVERED.at, reason="gone")
SAMPLES = (
    Sample(name="one message", payload=PROVIDER.delivery(HELLO), expect=said(HELLO)),
    Sample(
        name="a batch", payload=PROVIDER.delivery(HELLO, AGAIN, TAKEN), expect=(said(HELLO), said(AGAIN), DELIVERED)
    ),
    Sample(
        name="a failure",
        payload=PROVIDER.delivery({**TAKEN, "status": "failed", "reason": "gone"}),
        expect=FAILED,
    ),
    Sample(
        name="challenge", payload=Payload(body=b"", method="GET", query={"challenge": "42"}), answer=Answer(body=b"42")
    ),
)


def sound_rig(fake: Fake, cls: type[Any] = Sound, **more: Any) -> Rig:
    """Return a rig around an adapter of *cls*."""
    provider = fake.provider
    assert isinstance(provider, Plain)
    able = attrs.evolve(ABLE, dedupes_sends=provider.dedupes, finds_sends=provider.finds)

    def build(secrets: tuple[str, ...]) -> Any:
        return cls(api=fake.url, token=provider.token, secrets=secrets, capabilities=able, **more)

    def receipt(external_id: str, status: str) -> Payload:
        return provider.delivery({"about": external_id, "status": status, "at": 1_772_442_009, "reason": "why"})

    return Rig(
        adapter=build((provider.secret,)),
        provider=fake,
        secrets=(provider.secret, OTHER),
        with_secrets=build,
        sign=lambda payload: provider.delivery(*json.loads(payload.body)["entries"]),
        hidden=(provider.token,),
        receipt=receipt,
    )
