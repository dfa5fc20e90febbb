"""Which parts of a mail are its text, and which are files; the words of an attached mail are never the sender's."""

from __future__ import annotations

import html as escaping

import attrs

from supportkit.channels.email import charset
from supportkit.channels.email.limits import Limits
from supportkit.channels.email.structure import Part
from supportkit.channels.email.text import html_to_text

_MAX_SNIFFS = 5
"""Texts of one mail whose charset is guessed by looking long."""


@attrs.frozen
class Segment:
    """A stretch of the shown text, plain, as HTML or both."""

    text: str
    html: str


@attrs.define
class Reader:
    """Sorts the parts of one mail.

    Attributes:
        files: The parts that are not shown, in their order.
        flags: What was cut or guessed is told here.
        shown: Whether something was shown already: a named text after it is a file.
        sniffs: How many charsets were guessed.
    """

    limits: Limits
    flags: set[str]
    files: list[Part] = attrs.Factory(list)
    shown: bool = False
    sniffs: int = 0

    def read(self, mail: Part) -> tuple[str, str | None]:
        """Return the text of *mail* and its HTML, `None` if it has none."""
        segments = self._segments(mail)
        html = None
        if any(segment.html for segment in segments):
            html = "\n".join([segment.html or _escaped(segment.text) for segment in segments])
        texts = [segment.text if segment.text.strip() else html_to_text(segment.html) for segment in segments]
        text = "\n\n".join([text.strip("\r\n") for text in texts if text.strip()])
        return self._cut(text, self.limits.text_chars), html

    def _segments(self, part: Part) -> list[Segment]:
        if part.media_type.startswith("multipart/"):
            if not part.parts:
                return self._leaf(part, html=False)
            if part.media_type == "multipart/alternative":
                return self._alternative(part)
            return [segment for child in part.parts for segment in self._segments(child)]
        if part.media_type in {"text/plain", "text/html"} and not self._is_file(part):
            return self._leaf(part, html=part.media_type == "text/html")
        self.files.append(part)
        return []

    def _is_file(self, part: Part) -> bool:
        if part.disposition == "attachment":
            return True
        return self.shown and ("filename" in part.named or "name" in part.parameters)

    def _leaf(self, part: Part, *, html: bool) -> list[Segment]:
        sniff = self.sniffs < _MAX_SNIFFS
        text, guessed = charset.decode(part.data, part.parameters.get("charset"), html=html, sniff=sniff)
        if guessed:
            self.sniffs += 1
            self.flags.add("charset_guessed")
        text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
        if not text.strip():
            return []
        self.shown = True
        if html:
            return [Segment("", self._cut(text, self.limits.html_chars))]
        return [Segment(self._cut(text, self.limits.text_chars), "")]

    def _alternative(self, part: Part) -> list[Segment]:
        """Return the richest branch as HTML and the plain one as text, as one segment; a second text is kept too."""
        branches = [found for found in (self._segments(child) for child in part.parts) if found]
        plain = [branch for branch in branches if not any(segment.html for segment in branch)]
        rich = [branch for branch in branches if any(segment.html for segment in branch)]
        text = "\n\n".join(dict.fromkeys(segment.text for branch in plain for segment in branch))
        if not rich:
            return [Segment(text, "")] if text else []
        best = rich[-1]
        html = "\n".join([segment.html or _escaped(segment.text) for segment in best])
        return [Segment(text, html)]

    def _cut(self, text: str, limit: int) -> str:
        if len(text) > limit:
            self.flags.add("truncated")
            return text[:limit]
        return text


def _escaped(text: str) -> str:
    """Return plain *text* as a piece of HTML that looks like it."""
    return f"<pre>{escaping.escape(text)}</pre>"
