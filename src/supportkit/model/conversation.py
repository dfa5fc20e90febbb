"""What arrived and where it belongs: raw deliveries, what was heard before, and the legs of a conversation."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import attrs


class ArrivalState(StrEnum):
    """Where a stored delivery stands."""

    RECEIVED = "received"
    ROUTED = "routed"
    QUARANTINED = "quarantined"


@attrs.frozen(kw_only=True)
class Arrival:
    """One delivery of a channel as it arrived: raw bytes, stored before anybody reads them.

    Attributes:
        channel: The name of the adapter that reads it.
        key: What tells it apart from others of the channel: the provider's id of the delivery, or a hash of its bytes.
        body: The bytes; empty after a purge or an erasure.
        head: Headers, method, address and query, as JSON.
        signed: What its signature proved, as JSON; `None` for a channel that does not sign.
        tries: How often somebody began to read it.
        fence: Counts the claims; what became of it is stored only under the fence of its claim.
        reason: Why it lies in quarantine.
    """

    id: str
    tenant: str
    channel: str
    account: str = ""
    key: str = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    head: str = attrs.field(default="{}", repr=False)
    signed: str | None = attrs.field(default=None, repr=False)
    received_at: dt.datetime
    state: ArrivalState = ArrivalState.RECEIVED
    tries: int = 0
    fence: int = 0
    lease_until: dt.datetime | None = None
    settled_at: dt.datetime | None = None
    reason: str | None = None


@attrs.frozen(kw_only=True)
class Heard:
    """A message from outside that had its effect: it never has it twice.

    Attributes:
        key: A keyed hash of channel, account and the provider's id.
        digest: A keyed hash of what it said; another one under the same key is another message.
        ticket: Where it went; `None` where it changed no ticket.
        message: The message that it became.
    """

    tenant: str
    key: str
    digest: str
    ticket: str | None = None
    message: str | None = None
    at: dt.datetime


@attrs.frozen(kw_only=True)
class Leg:
    """One way on which a ticket is talked about: a channel, an account of ours, a thread, an address.

    Attributes:
        thread: The provider's conversation; where it has none, the address stands for it.
        address: Where the customer is reached on it.
        heard_at: When the customer last wrote on it; opens its reply window.
        verified: Whether the address was proved when the leg began.
    """

    id: str
    tenant: str
    ticket: str
    channel: str
    account: str = ""
    thread: str = attrs.field(repr=False)
    address: str = attrs.field(repr=False)
    began_at: dt.datetime
    heard_at: dt.datetime | None = None
    verified: bool = False


@attrs.frozen(kw_only=True)
class LegChange:
    """A leg that begins, or on which the customer wrote again.

    Attributes:
        key: A hash of channel, account and thread: under it the newest leg of a conversation is found.
        replaces: The id of the leg that the conversation had until now; `None` where it is a new conversation. Where
            another process was first, the change is refused as `ConcurrentUpdate`.
        is_new: The leg begins now.
    """

    leg: Leg
    key: str
    replaces: str | None = None
    is_new: bool = True


@attrs.frozen(kw_only=True)
class StoredFile:
    """The content of an attachment, under an id of ours.

    Attributes:
        digest: SHA-256 of the content in hexadecimal digits.
    """

    id: str
    tenant: str
    ticket: str
    message: str
    name: str = attrs.field(repr=False)
    media_type: str
    content: bytes = attrs.field(repr=False)
    digest: str
    inline: bool = False
    content_id: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class Waiting:
    """A receipt for a message that is not known yet, or not sent yet."""

    tenant: str
    channel: str
    external_id: str
    status: str
    at: dt.datetime
    reason: str | None = None
