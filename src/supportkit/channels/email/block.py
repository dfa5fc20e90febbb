"""The header block of a mail or a part: found, repaired and capped before anything in it is understood."""

from __future__ import annotations

import re

from supportkit.channels.email.limits import Limits

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_KNOWN = re.compile(
    rb"^(?:from|to|cc|subject|date|message-id|received|mime-version|content-type|content-transfer-encoding|reply-to"
    rb"|return-path|references|in-reply-to|sender|delivered-to|dkim-signature|x-mailer|user-agent|list-id):",
    re.IGNORECASE | re.MULTILINE,
)
_TAIL_MATTERS = {"references", "in-reply-to"}
_MBOX = re.compile(rb">?From [^\r\n]{0,500}(?:\r?\n|\Z)")

Field = tuple[str, bytes]


def whole(raw: bytes) -> bytes:
    """Return a mail without the first line of mailbox files and blank lines before it; CR-only mail gets LF."""
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    raw = raw.lstrip(b"\r\n") if raw[:1] in {b"\r", b"\n"} else raw
    match = _MBOX.match(raw)
    return raw[match.end() :] if match else raw


def split(data: bytes, limits: Limits, flags: set[str]) -> tuple[list[Field], int]:
    """Return the fields of the header block at the start of *data*, and where the body begins.

    Names are lower case, values are raw and still folded. What was cut or repaired is told in *flags*.
    """
    spans: list[tuple[str, int, int]] = []
    known: list[int] | None = None
    at = kept = 0
    size = len(data)
    while at < size:
        if kept > limits.header_bytes or at > 4 * limits.header_bytes + limits.value_bytes:
            flags.add("truncated")
            at = _after_blank_line(data, at)
            break
        end = data.find(b"\n", at) + 1 or size
        first = data[at]
        if first == 10 or (first == 13 and end - at == 2):  # noqa: PLR2004 - a line with nothing but its end
            at = end
            break
        match = None if first in b" \t" else _FIELD.match(data, at, end)
        if match:
            spans.append((match[1].decode("ascii").lower(), match.end(), end))
        elif spans and first in b" \t":
            spans[-1] = (*spans[-1][:2], end)
        else:
            if known is None:
                known = _known_lines(data, at, limits)
            if not (spans and len(known) > 1 and known[-2] > at):
                break
            spans[-1] = (*spans[-1][:2], end)
            flags.add("header_repaired")
        kept += min(end - at, limits.value_bytes)
        at = end
    return [(name, _capped(data, name, begin, end, limits, flags)) for name, begin, end in spans], at


def _capped(data: bytes, name: str, begin: int, end: int, limits: Limits, flags: set[str]) -> bytes:
    if end - begin > limits.value_bytes:
        flags.add("truncated")
        if name in _TAIL_MATTERS:
            begin = end - limits.value_bytes
        else:
            end = begin + limits.value_bytes
    return data[begin:end]


def _after_blank_line(data: bytes, at: int) -> int:
    match = _BLANK_LINE.search(data, max(0, at - 2))
    return match.end() if match else len(data)


def _known_lines(data: bytes, at: int, limits: Limits) -> list[int]:
    """Return where lines with known names begin, from *at* to the next blank line."""
    stop = min(_after_blank_line(data, at), at + limits.header_bytes)
    return [match.start() for match in _KNOWN.finditer(data, at, stop)]


def unfolded(raw: bytes) -> bytes:
    """Return a raw value on one line, outer blanks gone."""
    if b"\n" in raw or b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"").replace(b"\r", b" ")
    return raw.strip(b" \t")
