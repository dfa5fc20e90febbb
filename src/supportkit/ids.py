"""Ids and tokens: the only reader of the operating system's randomness.

Ids are UUIDs of version 7 (RFC 9562): they sort by the millisecond in which they were made, so that indexes grow at
one end, and they cannot be guessed (74 random bits).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from random import Random

# Crockford's base 32 without the letters that are mistaken for digits when read aloud.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Two bits of a digit are random, the other two are the variant of RFC 9562.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class IdSource(Protocol):
    """Makes the ids of one desk."""

    def new_id(self, now_us: int) -> str:
        """Return a new id for something made at *now_us* (microseconds since 1970)."""
        ...

    def reference(self) -> str:
        """Return a new public reference of a ticket, such as `K7QM-2X9D-B4TA`; it tells nothing and is not guessed."""
        ...


def _uuid7(now_us: int, noise: str) -> str:
    """Format *now_us* and 19 hexadecimal digits of *noise* as a UUID of version 7 (two bits of the fourth are used)."""
    head = f"{now_us // 1000:012x}"
    return f"{head[:8]}-{head[8:]}-7{noise[:3]}-{_VARIANT[noise[3]]}{noise[4:7]}-{noise[7:19]}"


def _reference(number: int) -> str:
    """Spell 60 bits of *number* as three groups of four characters."""
    text = "".join([_ALPHABET[(number >> shift) & 31] for shift in range(0, 60, 5)])
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


@attrs.frozen
class SystemIds:
    """Ids from the randomness of the operating system."""

    def new_id(self, now_us: int) -> str:
        """Return a new UUID of version 7."""
        return _uuid7(now_us, os.urandom(10).hex())

    def reference(self) -> str:
        """Return a new public reference: 60 random bits."""
        return _reference(int.from_bytes(os.urandom(8), "big"))


@attrs.define
class SequentialIds:
    """Ids that count: the same calls give the same ids. For tests and demos, never for real tickets."""

    _count: int = 0

    def new_id(self, now_us: int) -> str:
        """Return the next id."""
        self._count += 1
        return _uuid7(now_us, f"{self._count:019x}")

    def reference(self) -> str:
        """Return the next reference; a multiplication spreads the digits."""
        self._count += 1
        return _reference(self._count * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFF)


def random_bytes(count: int) -> bytes:
    """Return *count* random bytes for a key or a token."""
    return os.urandom(count)


def seeded(seed: int) -> Random:
    """Return a generator of repeatable numbers, for statistics that resample; it has no randomness of the machine."""
    from random import Random

    return Random(seed)  # noqa: S311 - repeatable on purpose, never for secrets
