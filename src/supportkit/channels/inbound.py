"""The receiving half of the channel port: what arrives, and what an adapter makes of it.

An adapter turns a `Payload` into values and does nothing else: no clock, no network, no storage. What it cannot read is
`MalformedPayload`, or `Unparsed` where the rest of a batch can be read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol

import attrs

from supportkit.channels.port import Accepted
from supportkit.clock import to_utc
from supportkit.model.fields import NO_FIELDS, Fields
from supportkit.model.message import MessageKind
from supportkit.text import clean

MAX_EXTERNAL_ID = 255


class Mark(StrEnum):
    """What a channel knows about a message besides its words."""

    ECHO = "echo"
    OWN = "own"
    BULK = "bulk"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    BOT = "bot"


class Authenticity(StrEnum):
    """Whether the sender is who the message says."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    FAILED = "failed"


class SignalKind(StrEnum):
    """What happens on a channel without a message."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    JOINED = "joined"
    LEFT = "left"
    TYPING = "typing"
    SEEN = "seen"
    MIGRATED = "migrated"
    EDITED = "edited"
    DELETED = "deleted"


class ReceiptStatus(StrEnum):
    """How far a message has come; it only moves forward."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


def _external_id(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"an external id is a str, not {type(value).__name__}")
    if not 1 <= len(value) <= MAX_EXTERNAL_ID:
        raise ValueError(f"an external id has 1 to {MAX_EXTERNAL_ID} characters, not {len(value)}")
    return clean(value, "external id")


def _body(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"the body of a payload is bytes as they arrived, not {type(value).__name__}")
    return value


def _pairs(value: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = value.items() if isinstance(value, Mapping) else value
    return tuple([(str(name), str(content)) for name, content in pairs])


def _optional_id(value: object) -> str | None:
    return None if value is None else _external_id(value)


def _instant(value: dt.datetime | None) -> dt.datetime | None:
    return None if value is None else to_utc(value, "an instant of a delivery")


def _texts(value: Iterable[str]) -> tuple[str, ...]:
    return tuple(value)


def _marks(value: Iterable[Mark | str]) -> frozenset[Mark]:
    return frozenset([Mark(mark) for mark in value])


def _references(value: Iterable[Reference]) -> tuple[Reference, ...]:
    return tuple(value)


def _files(value: Iterable[InboundFile]) -> tuple[InboundFile, ...]:
    return tuple(value)


def _deliveries(value: Iterable[tuple[str, Payload]]) -> tuple[tuple[str, Payload], ...]:
    return tuple(value)


def _details(value: Mapping[str, Any]) -> Fields:
    return Fields(value) if value else NO_FIELDS


@attrs.frozen(kw_only=True)
class Payload:
    """One delivery as it arrived: a web request, or one message that was polled.

    Attributes:
        body: The raw bytes; signatures are over these.
        headers: Pairs as received, duplicates kept; names are compared without case.
        method: The method of the request.
        url: The public address that was called, from configuration, never from a header.
        query: The pairs of the query.
        received_at: When it arrived, by the desk's clock; the desk puts it in.
        remote: Where it came from, as the app says.

    Raises:
        TypeError: The body is text or a mapping, or the instant is naive.
    """

    body: bytes = attrs.field(converter=_body, repr=False)
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_pairs, repr=False)
    method: str = "POST"
    url: str | None = None
    query: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_pairs, repr=False)
    received_at: dt.datetime | None = attrs.field(default=None, converter=_instant)
    remote: str | None = attrs.field(default=None, repr=False)

    def header_values(self, name: str) -> tuple[str, ...]:
        """Return the values of a header, in order; its name is compared without case."""
        wanted = name.lower()
        return tuple([value for one, value in self.headers if one.lower() == wanted])

    def query_value(self, name: str) -> str | None:
        """Return the first value of a parameter of the query."""
        return next((value for one, value in self.query if one == name), None)


@attrs.frozen(kw_only=True)
class InboundFile:
    """A file that came with a message.

    Attributes:
        name: What the sender calls it: data, never a path.
        media_type: What the sender says it is; never trusted for showing it.
        inline: It belongs into the text, for example a picture.
    """

    name: str = attrs.field(repr=False)
    content: bytes = attrs.field(converter=_body, repr=False)
    media_type: str = "application/octet-stream"
    inline: bool = False
    content_id: str | None = None


class ReferenceKind(StrEnum):
    """What of ours came back, signed: the strongest first."""

    TOKEN = "token"  # noqa: S105 - a word, no secret
    MESSAGE = "message"
    TAG = "tag"


@attrs.frozen(kw_only=True)
class Reference:
    """Something of ours that came back and names a ticket; the channel has checked its signature.

    Attributes:
        kind: A token joins whoever sends it; a message or a tag only a sender who takes part.
        id: The ticket, by its id.
        number: The ticket, by its number, where there is no id.
        message: Which message of ours came back, by its id in the desk, where that is signed too.
        generation: Of the signature; under another one than the ticket's own it is worth nothing any more.
    """

    kind: ReferenceKind = attrs.field(converter=ReferenceKind)
    id: str = ""
    number: int = 0
    message: str = ""
    generation: int = 0


@attrs.frozen(kw_only=True)
class Inbound:
    """A message of somebody out there.

    Attributes:
        external_id: The provider's id of it, 1 to 255 characters.
        account: Which of ours it came to: number, page, bot, mailbox.
        sender: The address it came from, in the terms of the channel.
        thread: The provider's conversation.
        reply_to: External ids of messages that this one answers, the likeliest first.
        token: A signed reference of ours that came back.
        references: What else of ours came back, each checked by the channel.
        answer_to: Where the sender wants answers, if elsewhere: it moves agents' answers, never the identity.
        participants: Further people who are to take part, for example those in copy: they join the ticket if the sender
            may write there and the channel declares `copies`.
        sent_at: When the sender says it was sent; shown, never used by a clock.
        auth: Whether the sender is who the message says.
        details: What has no field here.

    Raises:
        ValueError: The external id is empty or too long.
        TypeError: The external id is no text, or an instant is naive.
    """

    external_id: str = attrs.field(converter=_external_id)
    account: str
    sender: str = attrs.field(repr=False)
    body: str = attrs.field(repr=False)
    sender_name: str | None = attrs.field(default=None, repr=False)
    thread: str | None = None
    reply_to: tuple[str, ...] = attrs.field(default=(), converter=_texts, repr=False)
    token: str | None = attrs.field(default=None, repr=False)
    references: tuple[Reference, ...] = attrs.field(default=(), converter=_references)
    subject: str | None = attrs.field(default=None, repr=False)
    html: str | None = attrs.field(default=None, repr=False)
    attachments: tuple[InboundFile, ...] = attrs.field(default=(), converter=_files)
    answer_to: str | None = attrs.field(default=None, repr=False)
    participants: tuple[str, ...] = attrs.field(default=(), converter=_texts, repr=False)
    sent_at: dt.datetime | None = attrs.field(default=None, converter=_instant)
    kind: MessageKind = attrs.field(default=MessageKind.REPLY, converter=MessageKind)
    auth: Authenticity = attrs.field(default=Authenticity.UNVERIFIED, converter=Authenticity)
    marks: frozenset[Mark] = attrs.field(default=frozenset(), converter=_marks)
    locale: str | None = None
    details: Fields = attrs.field(default=NO_FIELDS, converter=_details, repr=False)


@attrs.frozen(kw_only=True)
class Receipt:
    """What a provider says became of a message of ours.

    Attributes:
        external_id: The provider's id of the message.
        message: Our own id of it, where the provider gives that back; one of the two is needed.
        at: When it became so, as the provider says.
        reason: Why it failed, as one word of `Reason` or the provider's own.
    """

    status: ReceiptStatus = attrs.field(converter=ReceiptStatus)
    account: str = ""
    external_id: str | None = attrs.field(default=None, converter=_optional_id)
    message: str | None = None
    recipient: str | None = attrs.field(default=None, repr=False)
    at: dt.datetime | None = attrs.field(default=None, converter=_instant)
    reason: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a receipt for nothing.

        Raises:
            ValueError: Neither id is given.
        """
        if self.external_id is None and self.message is None:
            raise ValueError("a receipt names the message: external_id or message")


@attrs.frozen(kw_only=True)
class Signal:
    """Something that happened on a channel without a message.

    Attributes:
        sender: Who did it.
        thread: The conversation; for `migrated` the old one.
        external_id: Which message was edited or deleted.
        value: The new thread, or the new text.
    """

    kind: SignalKind = attrs.field(converter=SignalKind)
    account: str
    sender: str = attrs.field(default="", repr=False)
    thread: str | None = None
    external_id: str | None = attrs.field(default=None, converter=_optional_id)
    value: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Unparsed:
    """One entry of a batch that could not be read; the others are.

    Attributes:
        index: Which entry, from 0.
        reason: Why, without the words of the entry.
    """

    index: int
    reason: str


Arrived = Inbound | Receipt | Signal | Unparsed


@attrs.frozen(kw_only=True)
class Verified:
    """A signature was right.

    Attributes:
        account: Whose delivery it is, where the signature says so.
        delivery_id: The provider's id of the delivery, the key against repeats.
        signed_at: When it was signed, where the scheme has a time.
    """

    account: str | None = None
    delivery_id: str | None = None
    signed_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class Answer:
    """What the web request is answered with."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@attrs.frozen(kw_only=True)
class Polled:
    """What a poll brought.

    Attributes:
        payloads: Pairs of a delivery's own id at the source and the delivery.
        cursor: What to poll with next; the source may flag everything up to it only when it is handed in again.
        more: There was more than could be taken at once.
        gap: Deliveries that the source counts and did not hand over.
    """

    payloads: tuple[tuple[str, Payload], ...] = attrs.field(default=(), converter=_deliveries)
    cursor: str | None = None
    more: bool = False
    gap: int = 0


class Receives(Protocol):
    """An adapter of a channel that receives (`Capabilities.inbound`)."""

    def receive(self, payload: Payload) -> Iterable[Arrived]:
        """Return what a delivery says.

        Raises:
            MalformedPayload: It cannot be read at all.
        """
        ...


class Verifies(Protocol):
    """An adapter whose provider signs (`Capabilities.signed`)."""

    def verify(self, payload: Payload) -> Verified:
        """Check the signature of a delivery.

        Raises:
            SignatureMismatch: It is not as it should be; the kind says why.
        """
        ...


class Answers(Protocol):
    """An adapter whose provider asks whether we are there (`Capabilities.handshake`)."""

    def answer(self, payload: Payload) -> Answer | None:
        """Return the answer to a challenge; `None` for everything that is none."""
        ...


class Polls(Protocol):
    """An adapter that fetches (`Capabilities.polls`)."""

    def poll(self, cursor: str | None) -> Polled:
        """Fetch what came after *cursor*; what it covers is committed here and may be flagged at the source."""
        ...


class Finds(Protocol):
    """An adapter that can ask its provider about an earlier send (`Capabilities.finds_sends`)."""

    def lookup(self, message_id: str) -> Accepted | None:
        """Return what the provider took under this id, `None` if nothing."""
        ...
