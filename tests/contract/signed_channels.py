"""Two receiving adapters whose signatures differ: JSON with a signed time, forms signed with their address."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import parse_qsl

import attrs

from supportkit.channels.inbound import Arrived, Authenticity, Inbound, Payload, Verified
from supportkit.channels.port import Accepted, Capabilities, Delivery, Outbound, Reason, Rejected
from supportkit.channels.signing import Slack, Twilio
from supportkit.errors import MalformedPayload
from supportkit.model.message import Attachment
from supportkit.secret import Secret, as_secrets
from supportkit.testing import Rig, Sample
from supportkit.testing.fakes import Slack as SlackProvider
from supportkit.testing.fakes import Twilio as TwilioProvider

HEARS = Capabilities(family="chat", addresses="slack", outbound=False, signed=True)
HEARS_TEXTS = Capabilities(family="messenger", addresses="sms", outbound=False, signed=True)
CARRIES = Capabilities(inbound=False, max_attachment_bytes=1000)


@attrs.frozen(kw_only=True)
class Events:
    """Reads events of Slack."""

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)
    name: str = "slack"
    capabilities: Capabilities = HEARS

    def verify(self, payload: Payload) -> Verified:
        return Slack(self.secrets).verify(payload)

    def receive(self, payload: Payload) -> list[Arrived]:
        try:
            told = json.loads(payload.body)
            event = told["event"]
            parts = told["event_id"], event["channel"], event["user"], event["text"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise MalformedPayload("no event") from None
        if not all(isinstance(part, str) and part for part in parts) or len(parts[0]) > 255:
            raise MalformedPayload("no event")
        id_, channel, user, text = parts
        return [Inbound(external_id=id_, account="T1", sender=user, thread=channel, body=text)]


@attrs.frozen(kw_only=True)
class Texts:
    """Reads text messages of Twilio."""

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)
    name: str = "sms"
    capabilities: Capabilities = HEARS_TEXTS

    def verify(self, payload: Payload) -> Verified:
        return Twilio(self.secrets).verify(payload)

    def receive(self, payload: Payload) -> list[Arrived]:
        try:
            fields = dict(parse_qsl(payload.body.decode(), keep_blank_values=True, max_num_fields=100))
            id_, sender, account, text = (fields[name] for name in ("MessageSid", "From", "To", "Body"))
        except (ValueError, KeyError):
            raise MalformedPayload("no message") from None
        if not 1 <= len(id_) <= 255 or not sender:
            raise MalformedPayload("no message")
        auth = Authenticity.VERIFIED
        return [Inbound(external_id=id_, account=account, sender=sender, body=text, auth=auth)]


SLACK, TWILIO = SlackProvider(), TwilioProvider()
EVENT = {"type": "message", "channel": "C1", "user": "U1", "text": "The printer is on fire"}
TEXT = {"From": "+4915112345678", "To": "+4930123456", "Body": "The printer is on fire"}


def at_arrival(payload: Payload) -> Payload:
    return attrs.evolve(payload, received_at=dt.datetime(2026, 3, 2, 9, 0, 30, tzinfo=dt.UTC))


EVENTS = (
    Sample(
        payload=at_arrival(SLACK.delivery(EVENT)),
        expect=Inbound(external_id="Ev00000001", account="T1", sender="U1", thread="C1", body=EVENT["text"]),
    ),
)
TEXTS = (
    Sample(
        payload=TWILIO.delivery(TEXT),
        expect=Inbound(
            external_id="SM9" + "0" * 30 + "1",
            account="+4930123456",
            sender="+4915112345678",
            body=TEXT["Body"],
            auth=Authenticity.VERIFIED,
        ),
    ),
)


def events_rig(cls: type[Events] = Events) -> Rig:
    def build(secrets: tuple[str, ...]) -> Events:
        return cls(secrets=secrets)

    secret = SLACK.signing_secret
    return Rig(adapter=build((secret,)), secrets=(secret, "another-secret"), with_secrets=build)


def texts_rig(cls: type[Texts] = Texts) -> Rig:
    def build(secrets: tuple[str, ...]) -> Texts:
        return cls(secrets=secrets)

    return Rig(adapter=build((TWILIO.token,)), secrets=(TWILIO.token, "another-token"), with_secrets=build)


@attrs.define
class Parcels:
    """A provider in this process that takes files; the adapter finds their content by their ids."""

    most: int = 1000
    contents: dict[str, bytes] = attrs.field(factory=dict)
    taken: list[Any] = attrs.field(factory=list)

    def attach(self, size: int) -> Attachment:
        self.contents[f"file-{size}"] = b"x" * size
        return Attachment(id=f"file-{size}", name="a.bin", media_type="application/octet-stream", size=size, digest="")

    def arrived(self) -> list[Any]:
        return self.taken


@attrs.frozen(kw_only=True)
class Carrier:
    """Sends files."""

    provider: Parcels = attrs.field(repr=False)
    name: str = "carrier"
    capabilities: Capabilities = CARRIES

    def send(self, message: Outbound) -> Delivery:
        files = [self.provider.contents[one.id] for one in message.attachments]
        if sum(map(len, files)) > self.provider.most:
            return Rejected(Reason.TOO_LONG)
        self.provider.taken.append((message.body, files))
        return Accepted(message.id)
