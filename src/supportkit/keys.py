"""Keys that sign what goes out and comes back: numbered, with purpose labels, and one key for hashes that stays.

A signature is HMAC-SHA256 (RFC 2104) over the purpose and the parts, each with its length before it, so that no two
lists of parts can look alike. The first key signs, all of them verify: to rotate, put a new one first and drop the old
one when nothing that it signed matters any more. The hash key never rotates, because stored hashes are compared with
new ones.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping

import attrs

from supportkit.errors import ConfigurationError
from supportkit.secret import Secret

MIN_SECRET_BYTES = 32
"""A shorter secret is weaker than the hash that it feeds."""
MAC_BITS = 80
"""Bits of a signature that travel in mail addresses and links: 16 characters of base 32."""
_MAC_BYTES = MAC_BITS // 8


def _mac(secret: Secret, purpose: str, parts: Iterable[str]) -> bytes:
    """Return HMAC-SHA256 of *purpose* and *parts*: 32 bytes."""
    return hmac.new(secret.reveal(), _joined(purpose, parts), hashlib.sha256).digest()


def _joined(purpose: str, parts: Iterable[str]) -> bytes:
    encoded = [part.encode("utf-8", "surrogatepass") for part in (purpose, *parts)]
    return b"".join([len(part).to_bytes(4, "big") + part for part in encoded])


def _secret(value: bytes | str | Secret) -> Secret:
    return Secret(value, min_bytes=MIN_SECRET_BYTES)


def _numbered(keys: Mapping[int, bytes | str | Secret]) -> dict[int, Secret]:
    return {number: _secret(value) for number, value in keys.items()}


@attrs.frozen(kw_only=True)
class Keys:
    """The keys of one desk.

    Attributes:
        signing: Secrets by number, the one that signs first; all of them verify.
        hashing: The secret of stored hashes; it never changes.
    """

    signing: Mapping[int, Secret] = attrs.field(converter=_numbered)
    hashing: Secret = attrs.field(converter=_secret)

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ConfigurationError: No signing key, a number that is none, or one secret for both uses.
        """
        if not self.signing:
            raise ConfigurationError("at least one signing key is needed")
        if any(not isinstance(number, int) or isinstance(number, bool) or number < 0 for number in self.signing):
            raise ConfigurationError(f"signing keys have numbers from 0 on, not {sorted(map(repr, self.signing))}")
        if self.hashing in self.signing.values():
            raise ConfigurationError("the hash key must not be one of the signing keys: those are rotated")

    def sign(self, purpose: str, *parts: str) -> str:
        """Return the signature of *parts* for *purpose* by the first key: 16 characters of lower-case base 32."""
        return _spelled(_mac(next(iter(self.signing.values())), purpose, parts))

    def verify(self, mac: str, purpose: str, *parts: str) -> int | None:
        """Return the number of the key that signed *parts*, `None` if *mac* is not a signature of them.

        The case of *mac* does not matter. Every key is tried and the comparison takes the same time wherever they
        differ.
        """
        given = mac.lower().encode("utf-8", "replace")
        found = None
        for number, secret in self.signing.items():
            if hmac.compare_digest(given, _spelled(_mac(secret, purpose, parts)).encode()):
                found = number if found is None else found
        return found

    def digest(self, purpose: str, *parts: str) -> str:
        """Return a keyed hash of *parts* for *purpose* that stays the same for ever: 64 hexadecimal digits."""
        return _mac(self.hashing, purpose, parts).hex()

    def rotated(self, number: int, secret: bytes | str | Secret) -> Keys:
        """Return these keys with a new one, *number*, that signs from now on.

        Raises:
            ConfigurationError: The number is taken.
        """
        if number in self.signing:
            raise ConfigurationError(f"there is a signing key {number} already")
        return Keys(signing={number: secret, **self.signing}, hashing=self.hashing)


def _spelled(mac: bytes) -> str:
    return base64.b32encode(mac[:_MAC_BYTES]).decode("ascii").lower()
