"""Values for texts: checked against what a text may have, cleaned, and turned into plain data for Liquid.

Whatever comes from outside is a value here and never becomes a template. No object is handed on: text is copied into
exact `str`, counts into exact `int`.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from supportkit.errors import LimitExceeded
from supportkit.templates.notices import Fields, Kind
from supportkit.text import MAX_NAME, clean

MAX_TEXT_BYTES = 64 * 1024
MAX_LINES = 100
# Controls but tab and line feed; soft hyphen and what has no width or turns the direction of writing; separators of
# lines; the tags block, which nobody sees. In a customer's name they can only deceive.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def suggest(given: object, allowed: Iterable[str]) -> str:
    """Return the end of a sentence: the likely one of *allowed*, else all of them."""
    words = tuple(allowed)
    near = difflib.get_close_matches(str(given)[:64], words, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(words) or 'none'}"


def seen(text: str) -> str:
    """Return *text* as an exact `str` in NFC with plain line ends, without characters that nobody sees."""
    text = clean(text).replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return str.__str__(unicodedata.normalize("NFC", _UNSEEN.sub("", text)))


def one_line(text: str) -> str:
    """Return *text* on one line, with single blanks."""
    return " ".join(seen(text).split())


def plain_values(
    fields: Fields, values: Mapping[str, Any], what: str, moment: Callable[[dt.datetime], str]
) -> dict[str, Any]:
    """Return what Liquid gets: nested dicts with an entry for each field, `None` where there is nothing to say.

    Raises:
        ValueError: A name is not among the fields, or one that is needed is absent or empty.
        TypeError: A value is of another type than its kind says.
        LimitExceeded: A text or list is too long.
    """
    for name in values:
        if name not in fields.values:
            raise ValueError(f"{what} has no value {str(name)[:64]!r}{suggest(name, fields.values)}")
    found = {name: _plain(name, kind, values.get(name), moment) for name, kind in fields.values.items()}
    for name in fields.needed:
        if found[name] is None:
            raise ValueError(f"{what} needs the value {name!r}; it must not be absent or empty")
    return nested(found)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with dotted names as dicts of dicts; no name is both a value and the root of one."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        root, _, leaf = name.partition(".")
        if leaf:
            found.setdefault(root, {})[leaf] = value
        else:
            found[root] = value
    return found


def _plain(name: str, kind: Kind, value: Any, moment: Callable[[dt.datetime], str]) -> Any:
    if value is None:
        return None
    match kind, value:
        case Kind.LINE, str():
            return _shortened(one_line(value)) or None
        case Kind.TEXT, str():
            size = len(value.encode("utf-8", "replace"))
            if size > MAX_TEXT_BYTES:
                raise LimitExceeded(name, MAX_TEXT_BYTES, size, "bytes")
            return seen(value).strip() or None
        case Kind.COUNT, int() if not isinstance(value, bool) and 0 <= value < 10**12:
            return int(value)
        case Kind.MOMENT, dt.datetime() if value.utcoffset() is not None:
            return moment(value)
        case Kind.LINES, tuple() | list():
            if len(value) > MAX_LINES:
                raise LimitExceeded(name, MAX_LINES, len(value), "lines")
            return [_plain(name, Kind.LINE, item, moment) or "" for item in value] or None
    wanted = _WANTED[kind]
    raise TypeError(f"the value {name!r} must be {wanted}, not {type(value).__name__}")


_WANTED = {
    Kind.LINE: "a str",
    Kind.TEXT: "a str",
    Kind.COUNT: "an int from 0 on",
    Kind.MOMENT: "a datetime with a time zone",
    Kind.LINES: "a tuple of str",
}


def _shortened(line: str) -> str:
    """Return *line*, at most 200 characters; one that was longer says so by its ellipsis."""
    return line if len(line) <= MAX_NAME else line[: MAX_NAME - 1].rstrip() + "…"
