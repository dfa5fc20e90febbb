"""The files of a mail and their names, which are data: never a path, never random, safe to show and to store."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

import attrs

from supportkit.channels.email import block
from supportkit.channels.email.headers import decode_words, read_headers
from supportkit.channels.email.limits import Limits
from supportkit.channels.email.structure import Part

MAX_NAME = 150
"""Characters of a file name."""
_SEPARATORS = re.compile(r"[/\\\u2044\u2215\u29f8\u29f5\u2216\ufe68\uff0f\uff3c]|%2[fF]|%5[cC]")
_NUL_ESCAPE = re.compile("%00")
_UNWANTED = re.compile(r"[<>:\"|?*]")
_DOTS = re.compile(r"\.{2,}")
_EXTENSION = re.compile(r"\.[^.\s]{1,15}\Z")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_NAME_LIKE = re.compile(r"[^\s@<>]{1,100}\.[A-Za-z0-9]{1,5}")
_EXTENSIONS = {"text/plain": "txt", "text/html": "html", "image/jpeg": "jpg", "text/calendar": "ics",
               "message/delivery-status": "txt", "application/pgp-signature": "asc"}  # fmt: skip


@attrs.frozen(kw_only=True)
class Attachment:
    """One file of a mail.

    Attributes:
        name: Safe, and different from every other name in the mail.
        media_type: As declared; never trusted for showing the file inline.
        content: The bytes, never unpacked or run.
        sha256: Of the content, in hexadecimal digits.
        inline: It is part of the HTML, such as an image.
        content_id: What `cid:` links in the HTML call it, without brackets.
    """

    name: str = attrs.field(repr=False)
    media_type: str
    content: bytes = attrs.field(repr=False)
    sha256: str
    inline: bool = False
    content_id: str | None = attrs.field(default=None, repr=False)


def safe_name(name: str) -> str | None:
    """Return *name* as a file name that can do no harm, `None` if nothing of it is left.

    NFC; control and format characters are dropped first; then the last element behind any kind of slash; runs of dots
    become one, outer dots and blanks go; at most 150 characters, the extension is kept.
    """
    name = _NUL_ESCAPE.sub("", name)
    name = "".join(
        [letter for letter in name[:8_000] if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    )
    name = _SEPARATORS.split(unicodedata.normalize("NFC", name).rstrip("/\\ "))[-1]
    # A look-alike of the dot counts as one, so that it cannot hide the first one of a name.
    name = _DOTS.sub(".", name.replace("\uff0e", ".").replace("\u2024", "."))
    name = _UNWANTED.sub("_", " ".join(name.split())).strip(". ")
    if not name.strip("._ ") or _RESERVED.fullmatch(name):
        return None
    if len(name) > MAX_NAME:
        extension = _EXTENSION.search(name)
        tail = extension[0] if extension else ""
        name = name[: MAX_NAME - len(tail)].rstrip(". ") + tail
    return name


def gather(parts: Iterable[Part], limits: Limits, flags: set[str]) -> tuple[Attachment, ...]:
    """Return *parts* as files, at most so many as *limits* allow."""
    files: list[Attachment] = []
    taken: set[str] = set()
    for number, part in enumerate(parts, start=1):
        if len(files) >= limits.attachments:
            flags.add("truncated")
            break
        content = part.data
        content_id = (part.headers.text("content-id") or "").strip().strip("<>") or None
        files.append(
            Attachment(
                name=unique(name_of(part, number), taken),
                media_type=part.media_type,
                content=content,
                sha256=hashlib.sha256(content).hexdigest(),
                inline=bool(content_id) and part.disposition != "attachment" and part.media_type.startswith("image/"),
                content_id=content_id,
            )
        )
    return tuple(files)


def name_of(part: Part, number: int) -> str:
    """Return a safe name for the file that *part* is, the *number*-th one of its mail."""
    given = part.named.get("filename") if "filename" in part.named else part.parameters.get("name")
    if given is not None:
        return safe_name(given) or f"attachment-{number}"
    if part.media_type == "message/rfc822":
        return _mail_name(part)
    location = part.headers.text("content-location")
    if location and (found := safe_name(location.partition("?")[0])):
        return found
    called = _NAME_LIKE.match((part.headers.text("content-id") or "").strip().strip("<>").partition("@")[0])
    if called and (found := safe_name(called[0])):
        return found
    return _type_name(part.media_type)


def _mail_name(part: Part) -> str:
    data = block.whole(part.data)
    fields, _begin = block.split(data, Limits(), set())
    subject = read_headers(fields).raw("subject")
    called = safe_name(decode_words(subject)) if subject else None
    return f"{called[: MAX_NAME - 4]}.eml" if called else "Mail.eml"


def _type_name(media_type: str) -> str:
    kind, _, subtype = media_type.partition("/")
    if media_type in _EXTENSIONS:
        return f"{kind if kind in {'text', 'image'} else 'file'}.{_EXTENSIONS[media_type]}"
    if kind in {"image", "audio", "video"} and subtype.isalnum():
        return f"{kind}.{subtype}"
    return "file"


def unique(name: str, taken: set[str]) -> str:
    """Return *name*, numbered if it is in *taken*, and add it there."""
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    found, count = name, 1
    while found.casefold() in taken:
        count += 1
        found = f"{stem[: MAX_NAME - 20]} ({count}){dot}{extension}"
    taken.add(found.casefold())
    return found
