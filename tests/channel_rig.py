"""A small messenger for tests: it signs, sends batches and receipts, and can misbehave. No tests in here."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

import attrs

from supportkit.channels.inbound import (
    Answer,
    Arrived,
    Authenticity,
    Inbound,
    InboundFile,
    Payload,
    Polled,
    Receipt,
    Signal,
    Unparsed,
    Verified,
)
from supportkit.channels.port import Accepted, Capabilities, Delivery, Outbound
from supportkit.channels.signing import Hub
from supportkit.errors import MalformedPayload

SECRET = "a-secret-of-the-messenger"
ABLE = Capabilities(family="messenger", addresses="pigeon", signed=True, handshake=True, threads=True)


def delivery(*entries: dict[str, Any], secret: str = SECRET, headers: dict[str, str] | None = None) -> Payload:
    """Return a signed delivery of the provider."""
    body = json.dumps({"entries": entries}).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Payload(body=body, headers={"X-Hub-Signature-256": signature, **(headers or {})})


def message(id_: str, sender: str, text: str, **more: Any) -> dict[str, Any]:
    """Return an entry with a message."""
    return {"id": id_, "from": sender, "text": text, **more}


@attrs.define
class Pigeon:
    """The adapter: JSON with a list of entries, each a message, a receipt or a signal."""

    name: str = "pigeon"
    capabilities: Capabilities = ABLE
    accounts: tuple[str, ...] | None = None
    secrets: tuple[str, ...] = (SECRET,)
    sent: list[Outbound] = attrs.field(factory=list)
    waiting: list[tuple[str, Payload]] = attrs.field(factory=list)
    breaks: int = 0

    def receive(self, payload: Payload) -> Iterable[Arrived]:
        if self.breaks:
            self.breaks -= 1
            raise RuntimeError("a bug of the adapter")
        try:
            entries = json.loads(payload.body)["entries"]
        except (ValueError, TypeError, KeyError):
            raise MalformedPayload("this is not what the messenger sends") from None
        return [self._entry(index, entry) for index, entry in enumerate(entries)]

    def _entry(self, index: int, entry: dict[str, Any]) -> Arrived:
        if "status" in entry:
            return Receipt(status=entry["status"], external_id=entry["id"], reason=entry.get("reason"))
        if "signal" in entry:
            rest = {"sender": entry.get("from", ""), "thread": entry.get("thread"), "value": entry.get("value")}
            rest |= {"external_id": entry.get("id")}
            return Signal(kind=entry["signal"], account="shop", **rest)
        if "text" not in entry:
            return Unparsed(index, "no text")
        return Inbound(
            external_id=entry["id"],
            account=entry.get("account", "shop"),
            sender=entry["from"],
            sender_name=entry.get("name"),
            body=entry["text"],
            subject=entry.get("subject"),
            thread=entry.get("thread"),
            reply_to=entry.get("reply_to", ()),
            token=entry.get("token"),
            auth=entry.get("auth", Authenticity.VERIFIED),
            marks=entry.get("marks", ()),
            kind=entry.get("kind", "reply"),
            attachments=[InboundFile(name=name, content=content.encode()) for name, content in entry.get("files", ())],
        )

    def verify(self, payload: Payload) -> Verified:
        return Hub(self.secrets, delivery_header="X-Delivery").verify(payload)

    def answer(self, payload: Payload) -> Answer | None:
        challenge = payload.query_value("challenge")
        return None if challenge is None else Answer(body=challenge.encode())

    def poll(self, _cursor: str | None) -> Polled:
        found, self.waiting = self.waiting, []
        return Polled(payloads=found, cursor=found[-1][0] if found else None)

    def send(self, outbound: Outbound) -> Delivery:
        self.sent.append(outbound)
        return Accepted(f"out-{len(self.sent)}")
