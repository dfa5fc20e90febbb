"""Header lines on their way out: cleaned, encoded and folded here, so that no value can become a second header."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Sequence

from supportkit.channels.email.address import Mailbox, is_address
from supportkit.channels.email.headers import decode_words
from supportkit.errors import UnsendableMessage

MAX_VALUE = 255
"""Characters of a subject or a name."""
_DROPPED = {*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A),
            0x200B, 0x200E, 0x200F, 0xFEFF, 0x061C, *range(0xD800, 0xE000)}  # fmt: skip
_TABLE: dict[int, str | None] = {**dict.fromkeys(_DROPPED), 0x09: " ", 0x0A: " ", 0x0D: " ", 0x2028: " ", 0x2029: " "}
_PLAIN = re.compile(r"[ -~]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_TOKEN = re.compile(r"[!-~]{1,900}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_FOLD = 76
_WORD_BYTES = 42
_PASSES = 5


def clean_value(value: str) -> str:
    """Return *value* as text for a header: encoded words decoded, NFC, one line, no controls, at most 255 characters.

    What is hidden twice is uncovered too; after the last look nothing is left that a reader would decode again.
    """
    for _ in range(_PASSES):
        decoded = decode_words(value[: 20 * MAX_VALUE])
        if decoded == value:
            break
        value = decoded
    else:
        value = value.replace("=?", "= ?")
    value = unicodedata.normalize("NFC", value.translate(_TABLE))
    return " ".join(value.split())[:MAX_VALUE].strip()


def text_line(name: str, value: str) -> bytes:
    """Return the line of header *name* with a text *value*, cleaned, encoded and folded."""
    cleaned = clean_value(value)
    return _line(name, cleaned.split(" ") if _is_plain(cleaned) else _encoded(cleaned))


def address_line(name: str, boxes: Sequence[Mailbox]) -> bytes:
    """Return the line of header *name* with addresses.

    Raises:
        UnsendableMessage: An address is none, or its local part is not ASCII.
    """
    words: list[str] = []
    for place, box in enumerate(boxes):
        last = "" if place == len(boxes) - 1 else ","
        address = ascii_address(box.address)
        shown = clean_value(box.name)
        words += [*_phrase(shown), f"<{address}>{last}"] if shown else [f"{address}{last}"]
    return _line(name, words)


def token_line(name: str, tokens: Sequence[str]) -> bytes:
    """Return the line of header *name* with ids or other words of printable ASCII; what is none is left out."""
    return _line(name, [token for token in tokens if _TOKEN.fullmatch(token)])


def ascii_address(address: str) -> str:
    """Return *address* as it goes into a header or an envelope; a domain of other letters is put in its ASCII form.

    Raises:
        UnsendableMessage: It is no address, or its local part needs SMTPUTF8.
    """
    local, _, domain = address.rpartition("@")
    if not is_address(address):
        raise UnsendableMessage("bad_recipient", "an address is not one")
    if not local.isascii():
        raise UnsendableMessage("bad_recipient", "the local part of an address is not ASCII, which needs SMTPUTF8")
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise UnsendableMessage("bad_recipient", "the domain of an address has no ASCII form") from None
    if not _TOKEN.fullmatch(f"{local}@{ascii_domain}"):
        raise UnsendableMessage("bad_recipient", "an address has characters that no header may have")
    return f"{local}@{ascii_domain}"


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and "=?" not in text


def _phrase(name: str) -> list[str]:
    if not _is_plain(name):
        return _encoded(name)
    if _ATOMS.fullmatch(name):
        return name.split(" ")
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.split(" ")


def _encoded(text: str) -> list[str]:
    """Return *text* as encoded words of whole characters."""
    words: list[str] = []
    chunk = b""
    for letter in text:
        octets = letter.encode()
        if len(chunk) + len(octets) > _WORD_BYTES:
            words.append(_word(chunk))
            chunk = b""
        chunk += octets
    return [*words, _word(chunk)] if chunk else words


def _word(chunk: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(chunk).decode('ascii')}?="


def _line(name: str, words: Sequence[str]) -> bytes:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r:.80} is no name of a header")
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _FOLD and not lines[-1].endswith(":"):
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines).encode("ascii") + b"\r\n"
