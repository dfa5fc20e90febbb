"""A mail taken apart: a tree of parts, by searching for boundaries, within caps on depth and number.

Not the parser of `email`: that one decodes the whole mail to text, walks it line by line through a stack of
predicates and recurses, so that a mail within all size caps could hold a worker for half a minute. Here every level
costs one search of its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from supportkit.channels.email import block, transfer
from supportkit.channels.email.headers import Headers, parameters, read_headers
from supportkit.channels.email.limits import Limits

_STRUCTURE = re.compile(rb"^content-type:[ \t]*\r?\n?[ \t]*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_MAX_BOUNDARY = 200
_LINE_REST = re.compile(rb"(--)?[ \t]*(?:\r?\n|\r|\Z)")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}")


@attrs.frozen(kw_only=True)
class Part:
    """One part of a mail.

    Attributes:
        headers: Its own fields.
        media_type: Lower case, `text/plain` where nothing better is known.
        parameters: Of its Content-Type.
        disposition: attachment, inline or empty; lower case.
        named: Parameters of its Content-Disposition.
        content: Its bytes as they came, transfer encoding and all; empty for a multipart with parts.
        parts: Of a multipart.
    """

    headers: Headers
    media_type: str
    parameters: dict[str, str] = attrs.field(repr=False)
    disposition: str = ""
    named: dict[str, str] = attrs.field(factory=dict, repr=False)
    content: bytes = attrs.field(default=b"", repr=False)
    parts: tuple[Part, ...] = ()

    @property
    def data(self) -> bytes:
        """The content without its transfer encoding."""
        encoding = self.headers.raw("content-transfer-encoding") or ""
        return transfer.decoded(self.content, encoding.partition(";")[0].strip().strip('"').lower())

    def leaves(self) -> Iterator[Part]:
        """Yield the parts that have no parts, in their order; the depth is capped when the tree is built."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


def is_bomb(raw: bytes, limits: Limits) -> bool:
    """Tell whether a mail claims more multiparts and attached mails than any honest one."""
    return sum(1 for _ in _STRUCTURE.finditer(raw)) > limits.structures


@attrs.define
class Builder:
    """Builds the tree of one mail.

    Attributes:
        flags: What was cut or repaired is told here.
        guess: The charset tried first for header bytes that nothing declares.
    """

    limits: Limits
    flags: set[str]
    guess: str | None = None
    count: int = 0

    def build(self, fields: list[block.Field], body: bytes) -> Part:
        """Return the mail with header *fields* and *body* as a tree."""
        return self._part(fields, body, 0, "text/plain")

    def _part(self, fields: list[block.Field], body: bytes, depth: int, default: str) -> Part:
        self.count += 1
        headers = read_headers(fields, self.guess)
        declared, params = parameters(headers.raw("content-type") or default)
        media_type = declared if _TYPE.fullmatch(declared) else default
        disposition, named = parameters(headers.raw("content-disposition") or "")
        parts: tuple[Part, ...] = ()
        if media_type.startswith("multipart/"):
            inner = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
            parts = self._parts(body, params.get("boundary", ""), depth, inner)
        return Part(
            headers=headers,
            media_type=media_type,
            parameters=params,
            disposition=disposition,
            named=named,
            content=b"" if parts else body,
            parts=parts,
        )

    def _parts(self, body: bytes, boundary: str, depth: int, default: str) -> tuple[Part, ...]:
        if not boundary or len(boundary) > _MAX_BOUNDARY:
            return ()
        if depth >= self.limits.depth:
            self.flags.add("truncated")
            return ()
        delimiter = b"--" + boundary.encode("utf-8", "replace")
        parts = []
        for chunk in _chunks(body, delimiter):
            if self.count >= self.limits.parts:
                self.flags.add("truncated")
                break
            fields, begin = block.split(chunk, self.limits, self.flags)
            parts.append(self._part(fields, chunk[begin:], depth + 1, default))
        return tuple(parts)


def _chunks(body: bytes, delimiter: bytes) -> Iterator[bytes]:
    """Yield what lies between the lines with *delimiter*; a missing last one ends with the body."""
    begin: int | None = None
    at = 0
    while True:
        found = body.find(delimiter, at)
        if found < 0:
            break
        at = found + len(delimiter)
        if found and body[found - 1] not in b"\r\n":
            continue
        rest = _LINE_REST.match(body, at)
        if rest is None:
            continue
        if begin is not None:
            yield _without_last_line_end(body[begin:found])
        begin, at = rest.end(), rest.end()
        if rest[1]:
            return
    if begin is not None and begin < len(body):
        yield body[begin:]


def _without_last_line_end(chunk: bytes) -> bytes:
    if chunk.endswith(b"\r\n"):
        return chunk[:-2]
    return chunk[:-1] if chunk.endswith((b"\n", b"\r")) else chunk
