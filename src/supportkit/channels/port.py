"""The channel port: what an adapter declares and what it answers. This is its sending half.

An adapter is a small frozen class; its transport and its secrets are constructor arguments. It never raises to say
that something did not work: it returns a `Delivery`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol

import attrs

from supportkit.channels.windows import ReplyWindow
from supportkit.errors import ConfigurationError
from supportkit.model.message import Attachment, MessageKind

API = 1
"""The version of this port."""
MAX_ATTEMPTS = 10
"""Certain failures after which a delivery is parked, unless a channel says otherwise."""


class Policy(StrEnum):
    """What to do when it is unknown whether the provider took a message."""

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


def _types(given: Iterable[str]) -> frozenset[str]:
    return frozenset([one.lower() for one in given])


@attrs.frozen(kw_only=True)
class Capabilities:
    """What a channel can do. Basics default to yes, extras to no.

    Attributes:
        api: Version of the port that the adapter was written for.
        family: Class of the channel for promises: email, chat, messenger, social, other.
        inbound: It receives.
        outbound: It sends.
        starts: It may write first to somebody who has not written.
        dedupes_sends: The provider takes our id as a key and sends a repeat once.
        finds_sends: The adapter has `lookup`.
        policy: What to do in doubt where the provider can do neither.
        max_body_chars: Longest text of one message, in `length_unit`; `None`: no limit.
        length_unit: chars, utf16, bytes or segments.
        max_parts: Most parts that a text may be split into; 1 never splits.
        markup: Kinds of text that it takes: plain, html, markdown, slack.
        subject: It has a subject line.
        copies: One message may also go to others in copy: those who take part in a ticket.
        max_attachment_bytes: Of all files of one message together; 0: none.
        max_attachments: Their number; `None`: no limit.
        reply_window: How long we may answer; `None`: for ever.
        live: Somebody waits at the other end.
        public: Everybody can read along.
        insecure: Deliveries are pushed and nobody signs them; without this word such a channel is refused.
        addresses: What kind of address its senders have, where it is not that of the family: ids of two messengers
            must not be taken for each other.
        max_payload_bytes: Longest delivery that is looked at.
        content_types: Media types of its deliveries, such as `application/json`; others are refused unread with 415.
            Empty: all are taken.
        timeout: Seconds that one call may take.
        max_attempts: Certain failures after which a delivery is parked; it is parked after 48 hours in any case.
    """

    api: int = API
    family: str = "other"
    inbound: bool = True
    outbound: bool = True
    starts: bool = True
    signed: bool = False
    handshake: bool = False
    polls: bool = False
    dedupes_sends: bool = False
    finds_sends: bool = False
    policy: Policy = attrs.field(default=Policy.AT_LEAST_ONCE, converter=Policy)
    max_body_chars: int | None = None
    length_unit: str = "chars"
    max_parts: int = 5
    markup: frozenset[str] = frozenset({"plain"})
    subject: bool = False
    copies: bool = False
    max_attachment_bytes: int = 0
    max_attachments: int | None = None
    threads: bool = False
    delivery_receipts: bool = False
    read_receipts: bool = False
    edits: bool = False
    typing: bool = False
    reply_window: ReplyWindow | None = None
    live: bool = False
    public: bool = False
    insecure: bool = False
    addresses: str | None = None
    max_payload_bytes: int = 1_000_000
    content_types: frozenset[str] = attrs.field(default=frozenset(), converter=_types)
    timeout: float = 30.0
    max_attempts: int = MAX_ATTEMPTS

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ConfigurationError: An unknown family or unit, or a time-out that is not positive.
        """
        if self.family not in {"email", "chat", "messenger", "social", "other"}:
            raise ConfigurationError(f"channel family {self.family!r} is unknown")
        if self.length_unit not in {"chars", "utf16", "bytes", "segments"}:
            raise ConfigurationError(f"length_unit {self.length_unit!r} is unknown")
        if any(one.count("/") != 1 or ";" in one for one in self.content_types):
            raise ConfigurationError("content_types of a channel are media types without parameters: application/json")
        if self.max_payload_bytes < 1:
            raise ConfigurationError("max_payload_bytes of a channel must be positive")
        if self.timeout <= 0 or self.max_parts < 1 or self.max_attempts < 1:
            raise ConfigurationError("timeout, max_parts and max_attempts of a channel must be positive")

    @property
    def address_kind(self) -> str:
        """The kind of its senders' addresses: what it declares, else its family."""
        return self.addresses or self.family


@attrs.frozen(kw_only=True)
class Outbound:
    """A message on its way out. It is made from a `Message`; a `Note` does not fit.

    Attributes:
        id: Stable over retries: the key for providers that deduplicate.
        recipient: The customer's address on this channel.
        copies: Who else gets it, in copy; only where the channel can do that.
        part: Which part of how many (`parts`) a split text this is.
        possible_duplicate: An earlier try may have arrived.
        timeout: Seconds that the call may take.
        ticket: Id of its ticket, and *number* what people call it.
        generation: Under which generation references of ours to the ticket are signed.
        message: Id of the message in the desk.
        in_reply_to: The provider's id of the customer's last message.
        references: The provider's ids of what the customer wrote before, oldest first.
        files: Contents by the id of the attachment.
        created_at: When it was queued: the same at every try.
    """

    id: str
    recipient: str = attrs.field(repr=False)
    body: str = attrs.field(repr=False)
    copies: tuple[str, ...] = attrs.field(default=(), repr=False)
    account: str | None = None
    thread: str | None = None
    in_reply_to: str | None = None
    html: str | None = attrs.field(default=None, repr=False)
    subject: str | None = attrs.field(default=None, repr=False)
    attachments: tuple[Attachment, ...] = ()
    part: int = 1
    parts: int = 1
    kind: MessageKind = MessageKind.REPLY
    locale: str | None = None
    provider_template: str | None = None
    possible_duplicate: bool = False
    timeout: float = 30.0
    ticket: str | None = None
    number: int | None = None
    generation: int = 0
    message: str | None = None
    references: tuple[str, ...] = attrs.field(default=(), repr=False)
    files: Mapping[str, bytes] = attrs.field(factory=dict, repr=False)
    created_at: dt.datetime | None = None


class Reason(StrEnum):
    """Why something was deferred or rejected: one vocabulary for all providers."""

    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    AUTH = "auth"
    UNCERTAIN = "uncertain"
    BAD_RECIPIENT = "bad_recipient"
    BLOCKED = "blocked"
    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"
    WINDOW_CLOSED = "window_closed"
    TOO_LONG = "too_long"
    UNSUPPORTED = "unsupported"
    NOT_FOUND = "not_found"
    POLICY = "policy"


@attrs.frozen
class Accepted:
    """The provider took the message.

    Attributes:
        external_id: The provider's id of it, if it gives one.
        refused: Recipients that it did not take.
    """

    external_id: str | None = None
    refused: tuple[str, ...] = attrs.field(default=(), repr=False)


@attrs.frozen
class Deferred:
    """Not now. With reason `uncertain` the provider may have taken it; with any other it surely has not."""

    reason: Reason = attrs.field(converter=Reason)
    retry_after: dt.timedelta | None = None
    answer: str = attrs.field(default="", repr=False)


@attrs.frozen
class Rejected:
    """Never: trying again cannot help."""

    reason: Reason = attrs.field(converter=Reason)
    answer: str = attrs.field(default="", repr=False)


Delivery = Accepted | Deferred | Rejected


class ChannelAdapter(Protocol):
    """What every channel has; the receiving half comes with the inbound pipeline."""

    @property
    def name(self) -> str:
        """The name of this instance, unique in a desk."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; read by the desk before anything is queued."""
        ...

    def send(self, message: Outbound) -> Delivery:
        """Hand one message to the provider."""
        ...


class FindsSends(Protocol):
    """An adapter that can ask its provider about an earlier send (`Capabilities.finds_sends`)."""

    def lookup(self, message_id: str) -> Accepted | None:
        """Return what the provider took under this id, `None` if nothing."""
        ...
