"""What is said: messages, which customers may see, and notes, which they never do."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import attrs

from supportkit.model.people import Actor


class MessageKind(StrEnum):
    """What a message is: only a `REPLY` or a `CALL` by an agent is a response.

    An `EXTERNAL` one goes to another organisation that works on the ticket, or comes from it; customers never get it.
    """

    REPLY = "reply"
    CALL = "call"
    AUTO = "auto"
    CAMPAIGN = "campaign"
    EXTERNAL = "external"


class OutboxState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    PARKED = "parked"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Attachment:
    """A file that came with a message; the name is data, never a path.

    Attributes:
        size: Bytes.
        digest: SHA-256 of the content in hexadecimal digits.
    """

    id: str
    name: str = attrs.field(repr=False)
    media_type: str
    size: int
    digest: str


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"the content of a file is bytes, not {type(value).__name__}")
    return value


@attrs.frozen(kw_only=True)
class NewFile:
    """A file to send with an answer.

    Attributes:
        name: What it is called at the customer's: data, never a path.
        content: Its bytes.
        media_type: What it is, such as `application/pdf`.

    Raises:
        TypeError: The content is not bytes.
    """

    name: str = attrs.field(repr=False)
    content: bytes = attrs.field(converter=_bytes, repr=False)
    media_type: str = "application/octet-stream"


@attrs.frozen(kw_only=True)
class Message:
    """One public message of a ticket.

    Attributes:
        ticket: Id of the ticket that the message lies in now.
        author: Who wrote it.
        kind: Reply, call, automatic message or campaign.
        channel: The channel of this message; the channel of its ticket may be another.
        body: Plain text; empty after the person was erased.
        external_id: The provider's id of the message.
        occurred_at: When it was written or sent.
        recorded_at: When the desk learnt of it.
    """

    id: str
    tenant: str
    ticket: str
    author: Actor
    kind: MessageKind = MessageKind.REPLY
    channel: str
    body: str = attrs.field(repr=False)
    attachments: tuple[Attachment, ...] = ()
    external_id: str | None = None
    occurred_at: dt.datetime
    recorded_at: dt.datetime


@attrs.frozen(kw_only=True)
class Note:
    """An internal note. It is not a `Message`: nothing that sends accepts it, so a leak is a type error."""

    id: str
    tenant: str
    ticket: str
    author: Actor
    body: str = attrs.field(repr=False)
    mentions: tuple[str, ...] = ()
    occurred_at: dt.datetime
    recorded_at: dt.datetime
