"""Bytes of a mail become a frozen value. Nothing is raised, whatever the bytes are."""

from __future__ import annotations

import datetime as dt
import hashlib
import re

import attrs

from supportkit.channels.email import block, body
from supportkit.channels.email.address import Mailbox, mixes_scripts, read_mailboxes, read_sender
from supportkit.channels.email.attachments import Attachment, gather
from supportkit.channels.email.headers import Headers, header_charset, message_id, message_ids, read_date
from supportkit.channels.email.limits import DEFAULT_LIMITS, Limits
from supportkit.channels.email.structure import Builder, Part, is_bomb

_CHARSET = re.compile(rb"charset\s{0,3}=\s{0,3}\"?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_GUESS_WITHIN = 64_000
_FIRST_OF_A_BIG_ONE = 1_000_000


@attrs.frozen(kw_only=True)
class ParsedMail:
    """What a mail says. Everything in it is a claim of whoever wrote it.

    Attributes:
        subject: Decoded, on one line, of any length.
        sender: Who it says it is from; for display.
        sender_ambiguous: From can be read in several ways, or in none: the sender has no privileges.
        reply_to: Where an answer shall go; it moves the answer, never the identity.
        to: Recipients, at most so many as the limits allow; so is *cc*.
        date: When the sender says it was written, in UTC; no clock starts at it.
        message_id: With angle brackets, `None` if there is none.
        in_reply_to: Ids in their order; so are *references*.
        text: What a person reads, from the plain part or from the HTML; it may be empty.
        html: As it came, untrusted: show it through `sanitize_html` only.
        attachments: Files, attached mails and pictures.
        headers: Every field, for rules that need more.
        media_type: Of the whole mail.
        parameters: Pairs of its Content-Type.
        flags: What was noticed: `charset_guessed`, `header_repaired`, `mixed_script`, `sender_fallback`,
            `structure_bomb`, `too_big`, `truncated`, `unsigned_crypto`.
        digest: SHA-256 of the bytes as they came, in hexadecimal digits.
    """

    subject: str = attrs.field(repr=False)
    sender: Mailbox
    sender_ambiguous: bool
    reply_to: tuple[Mailbox, ...] = ()
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    date: dt.datetime | None = None
    message_id: str | None = attrs.field(default=None, repr=False)
    in_reply_to: tuple[str, ...] = attrs.field(default=(), repr=False)
    references: tuple[str, ...] = attrs.field(default=(), repr=False)
    text: str = attrs.field(default="", repr=False)
    html: str | None = attrs.field(default=None, repr=False)
    attachments: tuple[Attachment, ...] = ()
    headers: Headers = attrs.field(factory=Headers)
    media_type: str = "text/plain"
    parameters: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    flags: frozenset[str] = frozenset()
    digest: str

    @property
    def key(self) -> str:
        """What tells this mail from others of its mailbox, 1 to 255 characters: its Message-ID, else its digest."""
        usable = self.message_id is not None and len(self.message_id) <= 255  # noqa: PLR2004
        return str(self.message_id) if usable else f"sha256:{self.digest}"

    @property
    def is_empty(self) -> bool:
        """There is neither a header nor anything to read."""
        return not (self.headers.fields or self.text.strip() or self.attachments)


def parse_mail(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ParsedMail:
    """Return what the mail *raw* says; any bytes give a value, in linear time.

    Raises:
        TypeError: *raw* is not bytes.
    """
    if not isinstance(raw, bytes):
        raise TypeError(f"a mail is bytes, not {type(raw).__name__}")
    digest = hashlib.sha256(raw).hexdigest()
    flags: set[str] = set()
    data = block.whole(raw)
    too_big = len(raw) > limits.mail_bytes
    if too_big:
        flags |= {"too_big", "truncated"}
        data = data[:_FIRST_OF_A_BIG_ONE]
    fields, begin = block.split(data, limits, flags)
    declared = _CHARSET.search(data, 0, _GUESS_WITHIN)
    guess = header_charset(fields, declared[1].decode("ascii") if declared else None)
    builder = Builder(limits, flags, guess=guess)
    reader = body.Reader(limits, flags)
    if is_bomb(data, limits):
        flags.add("structure_bomb")
        tree = builder.build([field for field in fields if not field[0].startswith("content-")], b"")
        text, html = "", None
        files: list[Part] = [_as_file(raw)]
    else:
        tree = builder.build(fields, data[begin:])
        text, html = reader.read(tree)
        # The last file of a mail that was cut would be a torn one.
        files = [] if too_big else reader.files
    return _value(tree, text, html, files, digest, limits, flags)


def _value(
    tree: Part, text: str, html: str | None, files: list[Part], digest: str, limits: Limits, flags: set[str]
) -> ParsedMail:
    headers = tree.headers
    sender = read_sender(headers)
    if sender.fallback:
        flags.add("sender_fallback")
    if mixes_scripts(sender.mailbox.address):
        flags.add("mixed_script")
    if any(part.media_type.startswith("application/") and part.media_type.endswith(_CRYPTO) for part in files):
        flags.add("unsigned_crypto")
    lists = {}
    for name in ("reply-to", "to", "cc"):
        lists[name], _doubt = read_mailboxes(headers.raw(name), limits.recipients)
        if len(lists[name]) >= limits.recipients:
            flags.add("truncated")
    return ParsedMail(
        subject=headers.text("subject") or "",
        sender=sender.mailbox,
        sender_ambiguous=sender.ambiguous,
        reply_to=lists["reply-to"],
        to=lists["to"],
        cc=lists["cc"],
        date=read_date(headers.raw("date")),
        message_id=message_id(headers.raw("message-id")),
        in_reply_to=message_ids(_ids(headers, "in-reply-to"))[-limits.references :],
        references=message_ids(_ids(headers, "references"))[-limits.references :],
        text=text,
        html=html,
        attachments=gather(files, limits, flags),
        headers=headers,
        media_type=tree.media_type,
        parameters=tuple(tree.parameters.items()),
        flags=frozenset(flags),
        digest=digest,
    )


def _ids(headers: Headers, name: str) -> str | None:
    """Return a field of ids; some clients (Python's own among them) write long ones as encoded-words."""
    value = headers.raw(name)
    return headers.text(name) if value is not None and "=?" in value else value


_CRYPTO = ("pgp-signature", "pgp-encrypted", "pkcs7-signature", "pkcs7-mime")


def _as_file(raw: bytes) -> Part:
    return Part(
        headers=Headers(), media_type="message/rfc822", parameters={}, disposition="attachment",
        named={"filename": "message.eml"}, content=raw,
    )  # fmt: skip
