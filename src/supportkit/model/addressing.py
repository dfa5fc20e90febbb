"""The one function that makes addresses comparable: phones as E.164, domains in lower case, the rest as it is."""

from __future__ import annotations

import re
import unicodedata

PHONES = frozenset({"phone", "sms", "whatsapp"})
"""Families whose addresses are telephone numbers."""
MAX_ADDRESS = 320
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SEPARATORS = re.compile(r"[ \-./()\u00a0]")
_MAIL = "email"


def normalised(family: str, value: str) -> str:
    """Return the form of an address in which two of them are compared.

    A phone must be written with its country: none is guessed. Of a mail address the domain is lower-cased; `+tag` is
    kept. Anything else is opaque.

    Raises:
        ValueError: It is empty or too long, or a phone is not written as E.164 (a `+` and 7 to 15 digits).
    """
    value = unicodedata.normalize("NFC", value.strip())
    if not 1 <= len(value) <= MAX_ADDRESS:
        raise ValueError(f"an address has 1 to {MAX_ADDRESS} characters, this one has {len(value)}")
    if family in PHONES:
        number = _SEPARATORS.sub("", value)
        if not _E164.fullmatch(number):
            raise ValueError("a phone number is written with its country, such as +4915112345678")
        return number
    if family == _MAIL:
        local, at, domain = value.rpartition("@")
        return f"{local}@{domain.lower()}" if at else value
    return value


def is_mixed_script(value: str) -> bool:
    """Tell whether letters of several scripts stand in one word of an address, such as Latin and Cyrillic."""
    return any(
        len({_script(char) for char in word if char.isalpha()}) > 1
        for word in re.split(r"[@.\-_+\s]", value[:MAX_ADDRESS])
    )


def _script(char: str) -> str:
    """Return the first word of a letter's name, which for letters is that of their script."""
    return "LATIN" if char.isascii() else unicodedata.name(char, "?").split(" ", 1)[0]
