"""The token of a link: 39 characters that name an invitation, until when, and nothing else.

Base64url without padding (RFC 4648, section 5) of 29 bytes: one byte with the version (high half) and the number of the
key (low half), the expiry in Unix seconds (4 bytes, big-endian), a handle of 8 random bytes, and the first 16 bytes of
HMAC-SHA-256 (RFC 2104) over a label and the 13 bytes before.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

import attrs

from supportkit.clock import from_us, to_us
from supportkit.secret import Secret

LABEL: Final = b"supportkit.survey.v1\0"
"""What is signed begins with this, so that no signature for another purpose fits."""
VERSION: Final = 1
KEY_NUMBERS: Final = 16
"""So many keys can be told apart; a number is used again only after its key was retired."""
LENGTH: Final = 39
_BYTES: Final = 29
_SIGNED: Final = 13
_HANDLE: Final = 8
_SECOND: Final = 1_000_000
_SHAPE = re.compile(r"[A-Za-z0-9_-]{39}", re.ASCII)


@attrs.frozen(kw_only=True)
class Claim:
    """What a token says, once its signature was found good.

    Attributes:
        handle: Under which the invitation is found: 16 hexadecimal digits.
        expires_at: The first instant at which it is worth nothing.
        key: The number of the key that signed it.
    """

    handle: str
    expires_at: dt.datetime
    key: int


def make_token(secret: Secret | bytes, *, number: int, handle: str, expires_at: dt.datetime) -> str:
    """Return the token of an invitation.

    Args:
        secret: The signing key.
        number: Its number, 0 to 15.
        handle: 16 hexadecimal digits.
        expires_at: The end of its life; whole seconds.

    Raises:
        ValueError: The number, the handle or the expiry does not fit.
    """
    if not 0 <= number < KEY_NUMBERS:
        raise ValueError(f"keys of survey links have numbers from 0 to {KEY_NUMBERS - 1}, not {number}")
    raw = bytes.fromhex(handle)
    if len(raw) != _HANDLE:
        raise ValueError(f"a handle has {_HANDLE} bytes, this one has {len(raw)}")
    seconds = to_us(expires_at) // _SECOND
    if not 0 <= seconds < 2**32:
        raise ValueError(f"expires_at={expires_at.isoformat()} does not fit into four bytes of seconds")
    signed = bytes([VERSION << 4 | number]) + seconds.to_bytes(4, "big") + raw
    return base64.urlsafe_b64encode(signed + _mac(secret, signed)).rstrip(b"=").decode("ascii")


def read_token(token: str, secrets: Mapping[int, Secret | bytes], now: dt.datetime) -> Claim | None:
    """Return what a *token* claims, `None` for one that is forged, damaged, retired or expired.

    The caller shows one page for all of these, and for a handle that is unknown or revoked.

    Args:
        token: The characters of the link, and not one more.
        secrets: The keys that are not retired, by number; numbers are compared modulo 16.
        now: The instant at which it was received; at the expiry itself it is over.
    """
    if not isinstance(token, str) or not _SHAPE.fullmatch(token):
        return None
    try:
        raw = base64.urlsafe_b64decode(token + "=")
    except (binascii.Error, ValueError):  # pragma: no cover - the shape was checked
        return None
    if len(raw) != _BYTES or base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != token:
        return None  # the last character has spare bits: only one spelling counts
    signed, mac = raw[:_SIGNED], raw[_SIGNED:]
    if signed[0] >> 4 != VERSION:
        return None
    found = None
    for number, secret in secrets.items():
        if number % KEY_NUMBERS == signed[0] & 15 and hmac.compare_digest(_mac(secret, signed), mac):
            found = number
    expires_at = from_us(int.from_bytes(signed[1:5], "big") * _SECOND)
    if found is None or now >= expires_at:
        return None
    return Claim(handle=signed[5:].hex(), expires_at=expires_at, key=found)


def _mac(secret: Secret | bytes, signed: bytes) -> bytes:
    key = secret.reveal() if isinstance(secret, Secret) else secret
    return hmac.new(key, LABEL + signed, hashlib.sha256).digest()[:16]
