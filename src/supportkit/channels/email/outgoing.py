"""A message of ours becomes the bytes of a mail. Every header is made here, and the finished bytes are read again."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import email.utils
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import quote

import attrs

from supportkit.channels.email import block
from supportkit.channels.email.address import Mailbox, address_key
from supportkit.channels.email.attachments import safe_name, unique
from supportkit.channels.email.headerlines import address_line, ascii_address, clean_value, text_line, token_line
from supportkit.channels.email.limits import DEFAULT_LIMITS
from supportkit.channels.port import Outbound
from supportkit.errors import UnsendableMessage
from supportkit.model.message import Attachment as StoredAttachment
from supportkit.model.message import MessageKind
from supportkit.text import clean

MAX_RECIPIENTS = 20
MAX_ATTACHMENT_BYTES = 20_000_000
_MAX_REFERENCES = 20
_MAX_LINE = 998
_MEDIA_TYPE = re.compile(r"[a-zA-Z0-9!#$&^_.+-]{1,80}/[a-zA-Z0-9!#$&^_.+-]{1,80}")
_ACTIVE = {"text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml"}
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_MOSTLY_HIGH = 6


@attrs.frozen(kw_only=True)
class BuiltMail:
    """A mail that is ready to be sent.

    Attributes:
        sender: Of the envelope; empty for what must not be answered by machines.
        recipients: Of the envelope.
        content: The bytes, lines ended by CR LF.
        message_id: With angle brackets.
    """

    sender: str
    recipients: tuple[str, ...] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)
    message_id: str


def choose_recipients(
    requester: str, participants: Collection[str] = (), *, own_addresses: Collection[str] = frozenset()
) -> tuple[str, ...]:
    """Return who gets an answer: the requester first, then participants, each once, never we ourselves, at most 20."""
    own = {address_key(address) for address in own_addresses}
    chosen: dict[str, str] = {}
    for address in (requester, *participants):
        plain = address_key(address)
        # Our answer addresses bear a token behind the plus.
        local, _, domain = plain.rpartition("@")
        if plain not in own and f"{local.partition('+')[0]}@{domain}" not in own:
            chosen.setdefault(plain, address)
    return tuple(chosen.values())[:MAX_RECIPIENTS]


def answer_subject(subject: str, *, tag: str = "") -> str:
    """Return *subject* with one `Re: ` before it, cleaned, and *tag* once behind it."""
    plain = clean_value(subject)
    bare = re.sub(
        r"^(?:(?:re|aw|antw|sv|vs|odp|res|回复|答复|ответ|отв)\s?[:\uff1a]\s*){1,10}", "", plain, flags=re.IGNORECASE
    )
    bare = bare.replace(tag, "").strip() if tag else bare
    return " ".join(part for part in ("Re:", bare[: 250 - len(tag)] or "(no subject)", tag) if part)


def build_mail(
    message: Outbound,
    *,
    sender: Mailbox,
    message_id: str,
    date: dt.datetime,
    cc: Sequence[str] = (),
    answer_address: str | None = None,
    references: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
    bounce_address: str | None = None,
    unsubscribe_url: str | None = None,
) -> BuiltMail:
    """Return *message* as a mail.

    An automatic message has the marks that keep machines from answering, and an empty envelope sender; an agent's reply
    has none of them. A campaign with *unsubscribe_url* can be left with one click (RFC 8058).

    Parameters:
        sender: Our mailbox and the name that stands there.
        message_id: Signed and stable over retries, with angle brackets.
        date: When it is sent, aware.
        cc: Participants.
        answer_address: Goes into Reply-To.
        references: Ids of the conversation, the oldest first; `in_reply_to` of the message is added.
        files: Contents of the attachments by their ids.
        bounce_address: Envelope sender of replies, the mailbox if it is not given.
        unsubscribe_url: An https address.

    Raises:
        UnsendableMessage: An address cannot be used, a file is missing or too big, or the finished bytes would be read
            as other headers than were meant.
        TypeError: *message* is no `Outbound`; a note is none.
    """
    if not isinstance(message, Outbound):
        raise TypeError(f"only an Outbound becomes a mail, not {type(message).__name__}")
    to = ascii_address(message.recipient)
    copies = [ascii_address(address) for address in choose_recipients(to, cc)[1:]]
    automatic = message.kind is MessageKind.AUTO
    lines: list[bytes] = [
        address_line("From", [sender]),
        address_line("To", [Mailbox("", to)]),
        *([address_line("Cc", [Mailbox("", address) for address in copies])] if copies else []),
        *([address_line("Reply-To", [Mailbox("", answer_address)])] if answer_address else []),
        text_line("Subject", message.subject or ""),
        token_line("Date", email.utils.format_datetime(_utc(date)).split(" ")),
        token_line("Message-ID", [message_id]),
        *_thread_lines(message.in_reply_to, references),
        *_kind_lines(message, unsubscribe_url),
        b"MIME-Version: 1.0\r\n",
    ]
    begun, content = _content(message, files or {}, message_id)
    lines += begun
    raw = b"".join([*lines, b"\r\n", content])
    _check(raw, [line.partition(b":")[0].decode("ascii").lower() for line in lines])
    return BuiltMail(
        sender="" if automatic else ascii_address(bounce_address or sender.address),
        recipients=(to, *copies),
        content=raw,
        message_id=message_id,
    )


def _utc(date: dt.datetime) -> dt.datetime:
    if date.tzinfo is None:
        raise TypeError(f"date must be aware, not {date.isoformat()}")
    return date.astimezone(dt.UTC)


def _thread_lines(in_reply_to: str | None, references: Sequence[str]) -> list[bytes]:
    ids = list(dict.fromkeys([*references, *([in_reply_to] if in_reply_to else [])]))
    if len(ids) > _MAX_REFERENCES:
        # The first id holds a conversation together, the last ones say where in it we are.
        ids = [ids[0], *ids[1 - _MAX_REFERENCES :]]
    lines = [token_line("In-Reply-To", [in_reply_to])] if in_reply_to else []
    return [*lines, token_line("References", ids)] if ids else lines


def _kind_lines(message: Outbound, unsubscribe_url: str | None) -> list[bytes]:
    match message.kind:
        case MessageKind.AUTO:
            word = "auto-replied" if message.in_reply_to else "auto-generated"
            return [token_line("Auto-Submitted", [word]), token_line("X-Auto-Response-Suppress", ["All"])]
        case MessageKind.CAMPAIGN:
            lines = [token_line("Auto-Submitted", ["auto-generated"]), token_line("Precedence", ["bulk"])]
            if unsubscribe_url is None:
                return lines
            if not re.fullmatch(r"https://[!-;=?-~]{1,800}", unsubscribe_url):
                raise UnsendableMessage("policy", "the unsubscribe address is not a plain https one")
            one_click = token_line("List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"])
            return [*lines, token_line("List-Unsubscribe", [f"<{unsubscribe_url}>"]), one_click]
        case _:
            return []


# -- content ---------------------------------------------------------------------------------------------------------


def _content(message: Outbound, files: Mapping[str, bytes], seed: str) -> tuple[list[bytes], bytes]:
    """Return the fields that describe the content, and the content."""
    fields, body = _text("plain", message.body)
    if message.html is not None:
        fields, body = _multipart("alternative", [(fields, body), _text("html", message.html)], seed)
    if message.attachments:
        taken: set[str] = set()
        parts = [_file(attachment, files, taken) for attachment in message.attachments]
        if sum(len(files[attachment.id]) for attachment in message.attachments) > MAX_ATTACHMENT_BYTES:
            raise UnsendableMessage("too_long", f"the files together have more than {MAX_ATTACHMENT_BYTES} bytes")
        fields, body = _multipart("mixed", [(fields, body), *parts], seed)
    return fields, body


def _text(subtype: str, text: str) -> tuple[list[bytes], bytes]:
    lines = _LINE_ENDS.split(clean(text))
    octets = "\r\n".join(lines).encode()
    kind = f"Content-Type: text/{subtype}; charset=utf-8\r\n".encode()
    if octets.isascii() and max(map(len, lines)) <= _MAX_LINE and not _has_odd_controls(octets):
        return [kind, b"Content-Transfer-Encoding: 7bit\r\n"], octets + b"\r\n"
    high = sum(1 for octet in octets if octet >= 0x80)  # noqa: PLR2004
    if high * _MOSTLY_HIGH > len(octets):
        return [kind, b"Content-Transfer-Encoding: base64\r\n"], _base64(octets)
    quoted = binascii.b2a_qp(octets, istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return [kind, b"Content-Transfer-Encoding: quoted-printable\r\n"], quoted + b"\r\n"


def _has_odd_controls(octets: bytes) -> bool:
    return any(octet < 0x20 and octet not in b"\t\r\n" for octet in octets)  # noqa: PLR2004


def _base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


def _file(attachment: StoredAttachment, files: Mapping[str, bytes], taken: set[str]) -> tuple[list[bytes], bytes]:
    if attachment.id not in files:
        raise UnsendableMessage("not_found", f"the content of attachment {attachment.id!r:.80} was not given")
    name = unique(safe_name(attachment.name) or f"attachment-{len(taken) + 1}", taken)
    kind = attachment.media_type.lower()
    if not _MEDIA_TYPE.fullmatch(kind) or kind in _ACTIVE or kind.startswith(("multipart/", "message/")):
        kind = "application/octet-stream"
    percent = quote(name.encode("utf-8", "replace"), safe="")
    plain = name if name.isascii() else re.sub(r"[^ -~]", "_", name)
    plain = plain.replace("\\", "_").replace('"', "_")
    disposition = f"Content-Disposition: attachment;\r\n filename=\"{plain}\";\r\n filename*=utf-8''{percent}\r\n"
    fields = [
        f"Content-Type: {kind}\r\n".encode(),
        b"Content-Transfer-Encoding: base64\r\n",
        disposition.encode("ascii"),
    ]
    return fields, _base64(files[attachment.id])


def _multipart(kind: str, parts: Sequence[tuple[list[bytes], bytes]], seed: str) -> tuple[list[bytes], bytes]:
    """Return *parts* as one; the boundary is in none of them and the same at every retry."""
    count = 0
    while True:
        boundary = hashlib.sha256(f"{kind} {count} {seed}".encode("utf-8", "replace")).hexdigest()[:32].encode()
        if not any(boundary in body for _fields, body in parts):
            break
        count += 1
    pieces = [b"--" + boundary + b"\r\n" + b"".join(fields) + b"\r\n" + body for fields, body in parts]
    head = [f'Content-Type: multipart/{kind};\r\n boundary="{boundary.decode()}"\r\n'.encode()]
    return head, b"\r\n".join(pieces) + b"\r\n--" + boundary + b"--\r\n"


def _check(raw: bytes, meant: list[str]) -> None:
    """Read the finished bytes and compare their headers with those that were meant."""
    flags: set[str] = set()
    fields, _begin = block.split(raw, DEFAULT_LIMITS, flags)
    if [name for name, _value in fields] != meant or flags:
        raise UnsendableMessage("policy", "its headers would be read as others than were meant")
