"""`EmailChannel`: mail as a channel of a desk. What arrives becomes values; what goes out becomes one mail each."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

import attrs

from supportkit.channels.email.address import Mailbox, address_key, is_address
from supportkit.channels.email.authresults import Identity, read_authentication
from supportkit.channels.email.headerlines import ascii_address
from supportkit.channels.email.incoming import NOBODY, Reader
from supportkit.channels.email.limits import DEFAULT_LIMITS, Limits
from supportkit.channels.email.outgoing import (
    MAX_ATTACHMENT_BYTES,
    BuiltMail,
    answer_subject,
    build_mail,
    choose_recipients,
)
from supportkit.channels.email.parse import ParsedMail, parse_mail
from supportkit.channels.email.thread import KnownTicket, sign_answer_address, sign_message_id, sign_tag
from supportkit.channels.inbound import Arrived, Payload, Polled
from supportkit.channels.port import Capabilities, Delivery, Outbound, Policy, Reason, Rejected
from supportkit.errors import CapabilityMissing, ConfigurationError, MalformedPayload, UnsendableMessage
from supportkit.keys import Keys
from supportkit.model.message import MessageKind

_log = logging.getLogger("supportkit.email")
MAX_PAYLOAD_BYTES = 100_000_000
"""Of a mail that is looked at; of one beyond `Limits.mail_bytes` only the beginning is read."""
MAX_ATTEMPTS = 10_000
"""Mail servers may be away for a weekend: only the 48 hours of the outbox end the tries."""


class SendsMail(Protocol):
    """What hands a finished mail to a server; `SmtpTransport` does."""

    def deliver(self, mail: BuiltMail, *, timeout: float) -> Delivery:
        """Hand over one mail and say what became of it; nothing is raised."""
        ...


class FetchesMail(Protocol):
    """What fetches mail from a mailbox; `ImapMailbox` does."""

    def poll(self, cursor: str | None) -> Polled:
        """Return what came after *cursor*, and flag what it covers."""
        ...


def _addresses(value: Iterable[str] | str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen(kw_only=True)
class EmailChannel:
    """Mail in and out.

    Attributes:
        addresses: Of our mailbox, the one that answers come from first.
        keys: What signs our Message-IDs and answer addresses; give the same to `Desk(keys=...)`.
        smtp: Sends; without it the channel only receives.
        imap: Fetches; without it mail comes by `desk.receive`.
        domain: Behind the `@` of our Message-IDs; that of the first address by default.
        display_name: What stands before the address in From.
        tenant: That of the desk.
        authserv_id: The name under which our own mail server writes Authentication-Results; without it no sender is
            ever verified.
        plus_addressing: `support+anything@` reaches us: answers come back to an address with a token. Without it the
            subject bears a signed tag.
        cc_joins: Who stands in To or Cc of a mail takes part in its ticket from then on, where the sender is who he
            says, takes part himself and is no machine: he gets answers in copy and may write there. Off by default.
        limits: What is read of one mail.

    Raises:
        ConfigurationError: An address is none.
    """

    addresses: tuple[str, ...] = attrs.field(converter=_addresses)
    keys: Keys = attrs.field(repr=False)
    smtp: SendsMail | None = None
    imap: FetchesMail | None = None
    domain: str = ""
    display_name: str = ""
    tenant: str = "default"
    authserv_id: str | None = None
    plus_addressing: bool = False
    cc_joins: bool = False
    limits: Limits = DEFAULT_LIMITS
    name: str = "email"

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant."""
        wrong = [address for address in self.addresses if not is_address(address)]
        if wrong or not self.addresses:
            named = f"{wrong[0]!r:.80} is none" if wrong else "there is none"
            raise ConfigurationError(f"an e-mail channel has at least one address of ours: {named}")

    @property
    def capabilities(self) -> Capabilities:
        """What mail can do; it never dares to send twice in doubt."""
        return Capabilities(
            family="email",
            outbound=self.smtp is not None,
            polls=self.imap is not None,
            insecure=self.imap is None,
            policy=Policy.AT_MOST_ONCE,
            max_body_chars=1_000_000,
            max_parts=1,
            subject=True,
            copies=True,
            threads=True,
            max_attachment_bytes=MAX_ATTACHMENT_BYTES,
            max_payload_bytes=MAX_PAYLOAD_BYTES,
            max_attempts=MAX_ATTEMPTS,
        )

    @property
    def accounts(self) -> tuple[str, ...]:
        """Our addresses as they are compared."""
        return tuple(address_key(address) for address in self.addresses)

    def receive(self, payload: Payload) -> Iterable[Arrived]:
        """Return what a mail says: a message, or what became of one of ours.

        Raises:
            MalformedPayload: There is neither a header nor anything to read.
        """
        mail = parse_mail(payload.body, limits=self.limits)
        if mail.is_empty:
            raise MalformedPayload("the mail has neither a header nor a text")
        reader = Reader(keys=self.keys, tenant=self.tenant, addresses=self.accounts, cc_joins=self.cc_joins)
        return reader.read(mail, identity=self._identity(mail))

    def _identity(self, mail: ParsedMail) -> Identity:
        if mail.sender_ambiguous:
            return Identity.FAILED  # whoever it is, it is not surely the one whom a reader sees
        return read_authentication(mail, self.authserv_id).identity

    def poll(self, cursor: str | None) -> Polled:
        """Fetch new mail; what *cursor* covers is stored, and flagged on the server now.

        Raises:
            CapabilityMissing: The channel has no mailbox.
            OSError: The server cannot be reached, or does not let us in.
        """
        if self.imap is None:
            raise CapabilityMissing(self.name, "polls", "give the channel a mailbox: EmailChannel(imap=...)")
        return self.imap.poll(cursor)

    def send(self, message: Outbound) -> Delivery:
        """Hand one mail to the server; `Accepted.external_id` is its Message-ID."""
        if self.smtp is None:
            return Rejected(Reason.UNSUPPORTED, "the channel has no server to send by")
        if address_key(message.recipient) in {*self.accounts, NOBODY}:
            return Rejected(Reason.BAD_RECIPIENT, "this is no address of a customer")
        try:
            built = self.build(message)
        except UnsendableMessage as error:
            return Rejected(Reason(error.reason), str(error)[:200])
        except ValueError as error:
            _log.warning("a mail could not be built: %s", type(error).__name__)
            return Rejected(Reason.POLICY, type(error).__name__)
        return self.smtp.deliver(built, timeout=message.timeout)

    def build(self, message: Outbound) -> BuiltMail:
        """Return *message* as a mail; the same message gives the same bytes at every try.

        Raises:
            UnsendableMessage: It cannot be put into the form of a mail.
            ValueError: It belongs to no ticket, or has no date.
        """
        if message.ticket is None or message.number is None or message.message is None or message.created_at is None:
            raise ValueError("a mail belongs to a message of a ticket and has a date")
        ticket = KnownTicket(id=message.ticket, number=message.number, generation=message.generation)
        ours = message.account if message.account in self.accounts else self.addresses[0]
        message_id = sign_message_id(
            self.keys,
            tenant=self.tenant,
            ticket=ticket.id,
            generation=ticket.generation,
            message=message.message,
            domain=self.domain or ours.rpartition("@")[2],
        )
        answer = (
            sign_answer_address(self.keys, ours, tenant=self.tenant, ticket=ticket) if self.plus_addressing else None
        )
        tag = "" if answer else sign_tag(self.keys, tenant=self.tenant, ticket=ticket)
        references = [one for one in message.references if _is_message_id(one)]
        answered = message.in_reply_to if message.in_reply_to and _is_message_id(message.in_reply_to) else None
        subject = message.subject or ""
        spelled = attrs.evolve(
            message,
            subject=subject if message.kind is MessageKind.CAMPAIGN else answer_subject(subject, tag=tag),
            in_reply_to=answered,
        )
        # Some providers put a Message-ID of their own: in References ours survives (email.md R4).
        return build_mail(
            spelled,
            sender=Mailbox(self.display_name, ours),
            message_id=message_id,
            date=message.created_at,
            cc=self._copies(message),
            answer_address=answer,
            references=[*references, *([answered] if answered else []), message_id],
            files=message.files,
        )

    def _copies(self, message: Outbound) -> tuple[str, ...]:
        """Return who gets a copy: each once, never we ourselves, and nobody to whom no mail can be addressed."""
        usable = []
        for address in message.copies:
            try:
                usable.append(ascii_address(address))
            except UnsendableMessage:
                _log.warning("a participant of ticket %s has an address that cannot be written to", message.ticket)
        return choose_recipients(message.recipient, usable, own_addresses=self.accounts)[1:]


def _is_message_id(value: str) -> bool:
    return value.startswith("<") and value.endswith(">") and "@" in value and value.isascii() and " " not in value
