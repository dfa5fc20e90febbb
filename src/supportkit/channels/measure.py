"""How long a text is for a channel: in characters, UTF-16 units, bytes or SMS segments."""

from __future__ import annotations

from collections.abc import Callable

from supportkit.errors import ConfigurationError

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO = frozenset("^{}\\[~]|€\f")
"""What needs an escape before it, so two units. Source: GSM 03.38, the default alphabet and its extension table."""
_LAST_OF_PLANE_0 = 0xFFFF
GSM_ONE, GSM_MANY, UCS2_ONE, UCS2_MANY = 160, 153, 70, 67
"""Units of a message that fits into one segment, and of each segment of a longer one."""


def segments(text: str) -> int:
    """Return how many SMS segments *text* takes; no segment of many cuts a character in two.

    >>> segments("hello"), segments("a" * 161), segments("привет" * 12)
    (1, 2, 2)
    """
    if not text:
        return 0
    if all(char in _GSM or char in _GSM_TWO for char in text):
        units, one, many = [2 if char in _GSM_TWO else 1 for char in text], GSM_ONE, GSM_MANY
    else:
        units, one, many = [2 if ord(char) > _LAST_OF_PLANE_0 else 1 for char in text], UCS2_ONE, UCS2_MANY
    if sum(units) <= one:
        return 1
    count, used = 1, 0
    for width in units:
        if used + width > many:
            count, used = count + 1, 0
        used += width
    return count


def _utf16(text: str) -> int:
    return len(text) + sum(ord(char) > _LAST_OF_PLANE_0 for char in text)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


MEASURES: dict[str, Callable[[str], int]] = {"chars": len, "utf16": _utf16, "bytes": _bytes, "segments": segments}
MOST_CHARS = {"chars": 1, "utf16": 1, "bytes": 1, "segments": GSM_ONE}
"""How many characters one unit can hold at most."""


def measure(text: str, unit: str) -> int:
    """Return the length of *text* in a `Capabilities.length_unit`.

    Raises:
        ConfigurationError: The unit is unknown.
    """
    if unit not in MEASURES:
        raise ConfigurationError(f"length_unit {unit!r} is unknown; possible: {', '.join(MEASURES)}")
    return MEASURES[unit](text)
