"""Header values: encoded words (RFC 2047), parameters (RFC 2045, 2231), lists of ids, dates. All in linear time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from email.utils import parsedate_tz
from urllib.parse import unquote_to_bytes

import attrs

from supportkit.channels.email import block, charset, transfer
from supportkit.text import clean

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BREAKS = str.maketrans({"\r": " ", "\n": " ", "\0": None})
_ID = re.compile(r"<([^<>]*)>|([^\s,<>]+)")
_SEPARATORS = re.compile(r"[\s,]+")
_PARAMETER = re.compile(r"[\s;]*([^\s=;\"]{1,80})\s*=\s*(?:\"((?:[^\"\\]|\\.)*)(?:\"|\Z)|([^;]*))", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CONTINUED = re.compile(r"([^*]+)\*([0-9]{1,3})?(\*)?")
_DATE_CHARS = 120


@attrs.frozen
class Headers:
    """The fields of one header block, in their order.

    Attributes:
        fields: Pairs of lower-case name and value; a value is on one line, its encoded words as they came.
    """

    fields: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)

    def raw(self, name: str) -> str | None:
        """Return the first value of *name* (lower case) as it came, on one line."""
        for known, value in self.fields:
            if known == name:
                return value
        return None

    def text(self, name: str) -> str | None:
        """Return the first value of *name* (lower case), decoded."""
        value = self.raw(name)
        return None if value is None else decode_words(value)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of *name* (lower case) as it came, the topmost first."""
        return tuple([value for known, value in self.fields if known == name])


def header_charset(fields: Iterable[block.Field], guess: str | None) -> str | None:
    """Return the charset of bytes in raw *fields* that nothing declares: *guess* if it fits, else one look."""
    odd = b"\n".join([raw for _name, raw in fields if not raw.isascii()])
    if not odd or not charset.decode(odd, guess)[1]:
        return guess
    return charset.sniffed(odd) or guess


def read_headers(fields: Iterable[block.Field], guess: str | None = None) -> Headers:
    """Return raw *fields* as headers; *guess* is the charset tried first for bytes that nothing declares."""
    out = []
    for name, raw in fields:
        value = block.unfolded(raw)
        text = value.decode("ascii") if value.isascii() else charset.decode(value, guess)[0]
        out.append((name, text.translate(_BREAKS) if "\0" in text or "\r" in text or "\n" in text else text))
    return Headers(tuple(out))


def decode_words(value: str) -> str:
    """Return *value* with its encoded words decoded, on one line, without NULs.

    Neighbours of one charset are joined before they are decoded, because a character may be split between them.
    """
    if "=?" not in value:
        return clean(value)
    out: list[str] = []
    waiting: list[bytes] = []
    named = ""
    last = 0
    for match in _WORD.finditer(value):
        between = value[last : match.start()]
        name = match[1].partition("*")[0].lower()
        if waiting and (between.strip() or name != named):
            out.append(charset.decode(b"".join(waiting), named)[0])
            waiting = []
        if not (last and not between.strip()):
            out.append(between)
        named = name
        waiting.append(_word_bytes(match[2], match[3]))
        last = match.end()
    if waiting:
        out.append(charset.decode(b"".join(waiting), named)[0])
    out.append(value[last:])
    return clean("".join(out).replace("\r\n", " ").translate(_BREAKS))


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "bB":
        return transfer.base64_bytes(data)
    return transfer.quoted_bytes(data.replace(b"_", b" "))


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Return the main word of a value such as Content-Type, lower case, and its parameters.

    Continued and percent-encoded parameters (RFC 2231) are joined and decoded; so are encoded words, which do not
    belong there and are common. Of doubled names the first counts.
    """
    main, _, rest = value.partition(";")
    found: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    at = 0
    rest = rest[:64_000]
    while at < len(rest):
        match = _PARAMETER.match(rest, at)
        if match is None:
            at = rest.find(";", at + 1)
            if at < 0:
                break
            continue
        at = match.end()
        name = match[1].lower()
        text = match[3].strip() if match[2] is None else _ESCAPED.sub(r"\1", match[2])
        continued = _CONTINUED.fullmatch(name)
        if continued:
            pieces.setdefault(continued[1], []).append(
                (int(continued[2] or 0), bool(continued[3] or not continued[2]), text)
            )
        else:
            found.setdefault(name, decode_words(text))
    for name, several in pieces.items():
        found[name] = _joined(several) or found.get(name, "")
    return main.strip().lower(), found


def _joined(pieces: list[tuple[int, bool, str]]) -> str:
    """Return the value of a continued parameter: `charset'language'text`, percent-encoded where it says so."""
    named: str | None = None
    data = bytearray()
    for place, (_number, encoded, piece) in enumerate(sorted(pieces, key=lambda one: one[0])):
        text = piece
        if encoded and not place and text.count("'") >= 2:  # noqa: PLR2004 - the two apostrophes of RFC 2231
            named, _, text = text.split("'", 2)
        octets = text.encode("utf-8", "replace")
        data += unquote_to_bytes(octets) if encoded else octets
    return decode_words(charset.decode(bytes(data), named or None)[0])


def message_ids(value: str | None) -> tuple[str, ...]:
    """Return the ids of In-Reply-To or References in their order, with their angle brackets, each once.

    They are split at blanks and commas; what has an `@` and no brackets gets some.
    """
    if not value:
        return ()
    found: dict[str, None] = {}
    for match in _ID.finditer(value):
        if match[1] is None:
            pieces = [match[2]] if "@" in match[2] else []
        elif match[1].count("@") > 1:
            pieces = _SEPARATORS.split(match[1])
        else:
            pieces = ["".join(match[1].split())]
        found.update(dict.fromkeys([f"<{piece}>" for piece in pieces if piece]))
    return tuple(found)


def message_id(value: str | None) -> str | None:
    """Return the id of a Message-ID field with its angle brackets, `None` if there is none."""
    if not value:
        return None
    begin, end = value.find("<"), value.rfind(">")
    inner = value[begin + 1 : end] if 0 <= begin < end else value
    inner = "".join(inner.split())
    return clean(f"<{inner}>") if inner else None


def read_date(value: str | None) -> dt.datetime | None:
    """Return the instant of a Date field in UTC, `None` if it says nothing that can be. Clocks never start at it."""
    if not value:
        return None
    try:
        parts = parsedate_tz(value[:_DATE_CHARS])
        if parts is None:
            return None
        naive = dt.datetime(*parts[:6])  # noqa: DTZ001 - the offset is taken off in the next line
        return (naive - dt.timedelta(seconds=parts[9] or 0)).replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError, IndexError, TypeError, AttributeError):
        return None
