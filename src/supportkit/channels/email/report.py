"""Delivery reports: who could not be reached, why, and which mail it was (RFC 3464, and what came before it)."""

from __future__ import annotations

import re

import attrs

from supportkit.channels.email import block
from supportkit.channels.email.attachments import Attachment
from supportkit.channels.email.headers import Headers, message_id, read_headers
from supportkit.channels.email.limits import DEFAULT_LIMITS
from supportkit.channels.email.parse import ParsedMail

_STATUS_TYPES = {"message/delivery-status", "message/global-delivery-status"}
_MAIL_TYPES = {"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
               "message/global-headers", "message/partial"}  # fmt: skip
_STATUS = re.compile(r"(?<![0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']{1,64}@[^\s<>()\[\],;:\"']{1,255}")
_ID_LINE = re.compile(r"^[> \t|]{0,8}(?:X-Original-)?Message-ID:[ \t]{0,8}\n?[ \t]{0,8}(<[^<>\n]{1,300}>)",
                      re.IGNORECASE | re.MULTILINE)  # fmt: skip
_FAILED_LINE = re.compile(
    r"^[> \t]{0,8}<?([^\s<>()\[\],;:\"']{1,64}@[^\s<>()\[\],;:\"']{1,255}?)>?:?[ \t]{0,20}(?:\.\.\.|$)", re.MULTILINE
)
_BLANK_LINES = re.compile(rb"\r?\n[ \t]*\r?\n")
_MAX_RECIPIENTS = 100
_READ_BYTES = 500_000
_DIAGNOSTIC_CHARS = 500


@attrs.frozen(kw_only=True)
class ReportedRecipient:
    """What a report says about one address.

    Attributes:
        address: Empty where the report hides it.
        action: failed, delayed, delivered, relayed or expanded; empty where it is not told.
        status: Three numbers such as 5.1.1 (RFC 3463); empty where there are none.
        diagnostic: The words of the other server, at most 500 characters.
    """

    address: str = attrs.field(default="", repr=False)
    action: str = ""
    status: str = ""
    diagnostic: str = attrs.field(default="", repr=False)

    @property
    def is_permanent(self) -> bool:
        """The address cannot be reached: class 5, or failed without a number."""
        return self.status.startswith("5") or (not self.status and self.action == "failed")


@attrs.frozen(kw_only=True)
class DeliveryReport:
    """What a mail says about the delivery of another one. It is a claim until its id proves to be ours.

    Attributes:
        recipients: In their order.
        message_id: Of the mail that could not be delivered, with angle brackets; `None` if it is not told.
        found_ids: Every Message-ID in the returned part, the own one may be any of them.
    """

    recipients: tuple[ReportedRecipient, ...] = ()
    message_id: str | None = attrs.field(default=None, repr=False)
    found_ids: tuple[str, ...] = attrs.field(default=(), repr=False)

    @property
    def is_permanent(self) -> bool:
        """At least one address cannot be reached."""
        return any(recipient.is_permanent for recipient in self.recipients)


def read_delivery_report(mail: ParsedMail) -> DeliveryReport | None:
    """Return what *mail* reports about a delivery, `None` if it reports nothing.

    The fields of RFC 3464 come first; without them X-Failed-Recipients and the text are read.
    """
    recipients: list[ReportedRecipient] = []
    ids: list[str] = []
    for attachment in mail.attachments:
        if attachment.media_type in _STATUS_TYPES:
            found, original = _read_status(attachment)
            recipients += found
            ids += original
    for attachment in mail.attachments:
        if attachment.media_type in _MAIL_TYPES or attachment.media_type.startswith("text/"):
            ids += _returned_ids(attachment)
    ids += [found for found in map(message_id, mail.headers.all("x-original-message-id")) if found]
    ids += [found for found in map(message_id, _ID_LINE.findall(mail.text)) if found]
    if not recipients:
        recipients = _from_words(mail)
    if not recipients and not ids:
        return None
    ids = list(dict.fromkeys(ids))
    return DeliveryReport(
        recipients=tuple(recipients[:_MAX_RECIPIENTS]),
        message_id=ids[0] if ids else None,
        found_ids=tuple(ids[:_MAX_RECIPIENTS]),
    )


def _blocks(data: bytes) -> list[Headers]:
    """Return the groups of fields of a delivery status."""
    out = []
    for piece in _BLANK_LINES.split(data[:_READ_BYTES].strip())[: _MAX_RECIPIENTS + 2]:
        fields, _begin = block.split(piece.lstrip(b"\r\n \t") + b"\n\n", DEFAULT_LIMITS, set())
        if fields:
            out.append(read_headers(fields))
    return out


def _read_status(attachment: Attachment) -> tuple[list[ReportedRecipient], list[str]]:
    recipients, ids = [], []
    for fields in _blocks(attachment.content):
        original = message_id(fields.raw("original-message-id") or fields.raw("x-original-message-id"))
        if original:
            ids.append(original)
        final = fields.raw("final-recipient") or fields.raw("original-recipient")
        if final is None and fields.raw("action") is None and fields.raw("status") is None:
            continue
        diagnostic = fields.text("diagnostic-code") or ""
        recipients.append(
            ReportedRecipient(
                address=_address(fields.raw("final-recipient")) or _address(fields.raw("original-recipient")),
                action=(fields.raw("action") or "").partition("(")[0].strip().lower()[:20],
                status=_status(fields.raw("status") or "") or _status(diagnostic),
                diagnostic=diagnostic.partition(";")[2].strip()[:_DIAGNOSTIC_CHARS] or diagnostic[:_DIAGNOSTIC_CHARS],
            )
        )
    return recipients, ids


def _address(value: str | None) -> str:
    """Return the address of `rfc822; someone@example.org`, also without its type."""
    match = _ADDRESS.search((value or "")[:1_000].rpartition(";")[2])
    return match[0].rstrip(".") if match else ""


def _status(value: str) -> str:
    match = _STATUS.search(value[:1_000])
    return match[1] if match else ""


def _returned_ids(attachment: Attachment) -> list[str]:
    """Return the Message-IDs of a returned mail: that of its header, then those in its text."""
    data = attachment.content[:_READ_BYTES]
    fields, _begin = block.split(block.whole(data), DEFAULT_LIMITS, set())
    own = message_id(read_headers([field for field in fields if field[0] == "message-id"]).raw("message-id"))
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    found = [message_id(line) for line in _ID_LINE.findall(text)]
    return [one for one in (own, *found) if one]


def _from_words(mail: ParsedMail) -> list[ReportedRecipient]:
    """Return the addresses that a report without a delivery status names, with the first number in its text."""
    status = _status_in(mail.text)
    named = mail.headers.raw("x-failed-recipients")
    addresses = _ADDRESS.findall(named) if named else _FAILED_LINE.findall(mail.text[:20_000])[:1]
    return [ReportedRecipient(address=found, status=status) for found in dict.fromkeys(addresses)]


def _status_in(text: str) -> str:
    match = _STATUS.search(text[:20_000])
    return match[1] if match else ""
