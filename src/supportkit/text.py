"""Text from outside: cleaned once at the edge, so that every storage answers alike; and the one function for keys."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_NAME = 200
"""Characters of a name, a team, an agent, a channel."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def clean(text: str, name: str = "text") -> str:
    """Return *text* without NUL characters, with lone surrogates replaced by U+FFFD.

    Raises:
        TypeError: *text* is not a `str`; bytes are decoded by whoever knows their encoding.
    """
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {type(text).__name__}")
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    if "\0" in text:
        text = text.replace("\0", "")
    return _SURROGATE.sub("\ufffd", text)


def fold_key(text: str) -> str:
    """Return the form in which names are compared: NFKC, casefolded, NFKC again, outer white space gone."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


def suggest(given: object, allowed: Iterable[str]) -> str:
    """Return the end of a sentence that names what is allowed, the likely one first."""
    import difflib

    words = tuple(allowed)
    near = difflib.get_close_matches(str(given)[:64], words, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(words)}"


def check_key(key: str) -> str:
    """Return an idempotency *key* unchanged if it may be used.

    Raises:
        ValueError: It is not 1 to 255 printable ASCII characters.
    """
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        length = len(key) if isinstance(key, str) else 0
        raise ValueError(f"an idempotency key is 1 to 255 printable ASCII characters, not these {length} characters")
    return key
