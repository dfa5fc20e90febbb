"""Mailboxes of From, To and Cc, and when it is ambiguous who a mail is from.

A small tolerant reader: quotes, comments and brackets are honoured, everything else is doubted. An ambiguous sender
has no privileges, so every doubt counts against the sender.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import attrs

from supportkit.channels.email.headers import Headers, decode_words
from supportkit.text import clean

_SPECIAL = re.compile(r"[\"(<>,;:)\\]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\Z)', re.DOTALL)
_LOCAL = r"[^\s\"(),:;<>@\[\\\]]{1,64}"
_DOMAIN = r"(?:[^\s\"(),:;<>@\[\\\]]{1,255}|\[[0-9A-Fa-f.:IPVv]{2,60}\])"
_ADDRESS = re.compile(rf"({_LOCAL}|\"[^\"\\<>@\r\n]{{1,62}}\")@({_DOMAIN})")
_LOOSE = re.compile(rf"(?<![^\s\"(),:;<>\[\\\]])({_LOCAL})@([^\s\"(),:;<>@\[\\\]]{{1,255}})")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_MAX_ADDRESS = 254


@attrs.frozen
class Mailbox:
    """An address with the name that stands beside it; both are claims.

    Attributes:
        name: Decoded, for display; it proves nothing.
        address: With its domain in lower case; empty if there is none.
    """

    name: str = attrs.field(default="", repr=False)
    address: str = attrs.field(default="", repr=False)

    @property
    def domain(self) -> str:
        """The part behind the `@`."""
        return self.address.rpartition("@")[2]


@attrs.frozen
class Sender:
    """Who a mail says it is from.

    Attributes:
        mailbox: For display.
        ambiguous: There is more than one way to read it, or none: no privileges.
        fallback: From has no address, another field gave this one.
    """

    mailbox: Mailbox
    ambiguous: bool
    fallback: bool = False


@attrs.define
class _Piece:
    """One mailbox of a list while it is read."""

    words: list[str] = attrs.Factory(list)
    quoted: list[str] = attrs.Factory(list)
    bracketed: list[str] = attrs.Factory(list)
    comments: list[str] = attrs.Factory(list)
    odd: bool = False

    def is_empty(self) -> bool:
        return not (self.bracketed or self.quoted or "".join(self.words).strip())


def address_key(address: str) -> str:
    """Return the form in which addresses are compared: ASCII letters in lower case, nothing else is changed."""
    return address.translate(_ASCII_LOWER)


def is_address(text: str) -> bool:
    """Tell whether *text* is one plain address."""
    return len(text) <= _MAX_ADDRESS and _ADDRESS.fullmatch(text) is not None


def mixes_scripts(address: str) -> bool:
    """Tell whether a label of the domain mixes Latin letters with those of another script, as look-alikes do."""
    if address.isascii():
        return False
    for label in address.rpartition("@")[2].split("."):
        scripts = {unicodedata.name(letter, "?").partition(" ")[0] for letter in label[:64] if letter.isalpha()}
        if len(scripts) > 1 and not scripts <= {"CJK", "HIRAGANA", "KATAKANA", "HANGUL"}:
            return True
    return False


def read_mailboxes(value: str | None, limit: int) -> tuple[tuple[Mailbox, ...], bool]:
    """Return the mailboxes of a header value, at most *limit* of them, and whether any of it is doubtful."""
    boxes: list[Mailbox] = []
    doubtful = False
    for piece in _pieces(value or ""):
        if len(boxes) >= limit:
            return tuple(boxes), True
        box, doubt = _mailbox(piece)
        doubtful = doubtful or doubt
        if box.address:
            boxes.append(box)
    return tuple(boxes), doubtful


def read_sender(headers: Headers) -> Sender:
    """Return who the mail says it is from."""
    values = headers.all("from")
    pieces = list(_pieces(values[0])) if values else []
    found = [_mailbox(piece) for piece in pieces[:100]]
    boxes = [box for box, _doubt in found if box.address]
    ambiguous = len(values) != 1 or len(found) != 1 or any(doubt for _box, doubt in found)
    if boxes:
        return Sender(boxes[0], ambiguous)
    name = found[0][0].name if found else ""
    if values and "=?" in values[0]:
        hidden, _doubt = read_mailboxes(decode_words(values[0]), 1)
        if hidden:
            return Sender(hidden[0], ambiguous=True)
    for field in ("reply-to", "return-path", "sender"):
        others, _doubt = read_mailboxes(headers.raw(field), 1)
        if others:
            return Sender(Mailbox(name or others[0].name, others[0].address), ambiguous=True, fallback=True)
    return Sender(Mailbox(name or decode_words(values[0] if values else "")[:200]), ambiguous=True)


def _pieces(value: str) -> Iterator[_Piece]:
    """Yield the mailboxes of a list, split at commas and semicolons outside quotes, comments and brackets."""
    piece = _Piece()
    at = 0
    closers_gone = False
    while at < len(value):
        match = _SPECIAL.search(value, at)
        if match is None:
            piece.words.append(value[at:])
            break
        piece.words.append(value[at : match.start()])
        at = match.end()
        match match[0]:
            case '"':
                quoted = _QUOTED.match(value, match.start())
                assert quoted is not None  # noqa: S101 - it begins with a quote
                piece.quoted.append(quoted[1])
                piece.words.append(" \0 ")
                at = quoted.end()
            case "(":
                at = _comment(value, at, piece)
            case "<":
                end = -1 if closers_gone else value.find(">", at)
                closers_gone = end < 0
                piece.odd = piece.odd or end < 0
                piece.bracketed.append(value[at:end] if end >= 0 else value[at : at + _MAX_ADDRESS])
                at = end + 1 if end >= 0 else at
            case "," | ";":
                if not piece.is_empty():
                    yield piece
                piece = _Piece()
            case ":":
                # The name of a group ends here.
                piece = _Piece(odd=True)
            case _:
                piece.odd = True
                piece.words.append(" ")
    if not piece.is_empty():
        yield piece


def _comment(value: str, at: int, piece: _Piece) -> int:
    """Read a comment up to its end, nested ones included; return where it ends."""
    depth, begin = 1, at
    while depth and at < len(value):
        character = value[at]
        if character == "\\":
            at += 1
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        at += 1
    if depth:
        piece.odd = True
        return len(value)
    piece.comments.append(value[begin : at - 1])
    return at


def _mailbox(piece: _Piece) -> tuple[Mailbox, bool]:
    """Return a piece as a mailbox, and whether it can be read in another way."""
    plain = "".join(piece.words)
    bare = plain.replace("\0", "").strip()
    inside = [text for text in (_trimmed(text) for text in piece.bracketed) if "@" in text]
    if inside:
        match = _ADDRESS.fullmatch(inside[0])
        doubt = piece.odd or len(piece.bracketed) > 1 or match is None or "@" in bare
        named = _name(piece, plain) or " ".join(piece.comments)
        return Mailbox(_shown(named), _normal(inside[0] if match is None else match[0])), doubt
    # An address without brackets; its local part may be quoted, and then the quote was taken out of the words.
    if piece.quoted and "@" in bare and bare.startswith("@"):
        bare = f'"{piece.quoted[0]}"{bare}'
    match = _ADDRESS.fullmatch(bare)
    if match:
        return Mailbox(_shown(" ".join(piece.comments)), _normal(match[0])), piece.odd
    loose = _LOOSE.findall(bare)
    if loose:
        return Mailbox(_shown(_name(piece, plain)), _normal("@".join(loose[-1]))), True
    return Mailbox(_shown(_name(piece, plain))), True


def _name(piece: _Piece, plain: str) -> str:
    quoted = iter(piece.quoted)
    words = [next(quoted, "").replace("\\", "") if word == "\0" else word for word in plain.split()]
    return " ".join(words)


def _shown(name: str) -> str:
    return " ".join(decode_words(name).split())[:200]


def _trimmed(text: str) -> str:
    text = text.strip()
    return text[7:].strip() if text[:7].lower() == "mailto:" else text


def _normal(address: str) -> str:
    local, _, domain = clean(address).rpartition("@")
    return f"{''.join(local.split())}@{''.join(domain.lower().split()).rstrip('.')}"[:_MAX_ADDRESS]
