"""The e-mail channel: mail of an IMAP mailbox becomes tickets, answers go out by SMTP.

Only `SmtpTransport` and `ImapMailbox` touch a network; all the rest is pure.

- `EmailChannel` is what a desk is given: `Desk(channels=[EmailChannel(...)], keys=keys)`.
- `parse_mail` reads any bytes as a `ParsedMail`; it never raises on bytes, and its time is linear.
- `html_to_text` and `sanitize_html` make HTML readable and harmless.
- `reply_view` tells what is new in an answer, `classify_mail` what a machine wrote, `read_delivery_report` what came
  back.
- `decide` finds the ticket of a mail by signed ids, tokens and tags, and says whether its sender may write there;
  `candidates`, `is_signed` and `may_join` are its steps, `read_authentication` says what our mail server knows.
- `sign_message_id`, `sign_answer_address` and `sign_tag` make what is found later, with `supportkit.keys.Keys`.
- `build_mail` makes the bytes of an outgoing mail with headers that nothing can slip into.
"""

from __future__ import annotations

from supportkit.channels.email.address import Mailbox, address_key
from supportkit.channels.email.attachments import Attachment, safe_name
from supportkit.channels.email.authresults import Authentication, Identity, read_authentication
from supportkit.channels.email.channel import EmailChannel
from supportkit.channels.email.headerlines import clean_value
from supportkit.channels.email.headers import Headers
from supportkit.channels.email.imap import ImapMailbox
from supportkit.channels.email.limits import Limits
from supportkit.channels.email.machine import MachineKind, MachineVerdict, answer_address, classify_mail
from supportkit.channels.email.outgoing import BuiltMail, answer_subject, build_mail, choose_recipients
from supportkit.channels.email.parse import ParsedMail, parse_mail
from supportkit.channels.email.reply import ReplyView, Span, SpanKind, reply_view
from supportkit.channels.email.report import DeliveryReport, ReportedRecipient, read_delivery_report
from supportkit.channels.email.sanitize import sanitize_html
from supportkit.channels.email.smtp import Encryption, SmtpTransport
from supportkit.channels.email.text import html_to_text
from supportkit.channels.email.thread import (
    Candidate,
    Decision,
    Evidence,
    KnownTicket,
    Permission,
    candidates,
    decide,
    is_signed,
    may_join,
    own_id,
    sign_answer_address,
    sign_message_id,
    sign_tag,
    signed_generation,
    signed_references,
)

__all__ = [
    "Attachment",
    "Authentication",
    "BuiltMail",
    "Candidate",
    "Decision",
    "DeliveryReport",
    "EmailChannel",
    "Encryption",
    "Evidence",
    "Headers",
    "Identity",
    "ImapMailbox",
    "KnownTicket",
    "Limits",
    "MachineKind",
    "MachineVerdict",
    "Mailbox",
    "ParsedMail",
    "Permission",
    "ReplyView",
    "ReportedRecipient",
    "SmtpTransport",
    "Span",
    "SpanKind",
    "address_key",
    "answer_address",
    "answer_subject",
    "build_mail",
    "candidates",
    "choose_recipients",
    "classify_mail",
    "clean_value",
    "decide",
    "html_to_text",
    "is_signed",
    "may_join",
    "own_id",
    "parse_mail",
    "read_authentication",
    "read_delivery_report",
    "reply_view",
    "safe_name",
    "sanitize_html",
    "sign_answer_address",
    "sign_message_id",
    "sign_tag",
    "signed_generation",
    "signed_references",
]
