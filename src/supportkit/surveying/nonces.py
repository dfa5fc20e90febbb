"""Nonces of forms: signed, bound to a link and to the page that showed them, and worth one answer."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import attrs

from supportkit.clock import from_us, to_us
from supportkit.ids import random_bytes
from supportkit.keys import Keys

PURPOSE: Final = "survey.page"
_SHAPE = re.compile(r"([0-9a-f]{1,14})\.([0-9a-f]{16})\.([01])\.([a-z2-7]{16})", re.ASCII)


@attrs.frozen(kw_only=True)
class Nonce:
    """A form that was shown.

    Attributes:
        id: Tells it from any other; it can be used up once.
        shown_at: When.
        is_prefilled: A choice was filled in by the link.
    """

    id: str
    shown_at: dt.datetime
    is_prefilled: bool


def fresh(keys: Keys, tenant: str, handle: str, now: dt.datetime, *, is_prefilled: bool) -> str:
    """Return a new nonce for the form of a link."""
    parts = (f"{to_us(now):x}", random_bytes(8).hex(), str(int(is_prefilled)))
    return ".".join([*parts, keys.sign(PURPOSE, tenant, handle, *parts)])


def read_nonce(keys: Keys, tenant: str, handle: str, given: str) -> Nonce | None:
    """Return what a nonce says, `None` for one that this desk did not give for this link."""
    match = _SHAPE.fullmatch(given)
    if match is None:
        return None
    shown, random, prefilled, mac = match.groups()
    if keys.verify(mac, PURPOSE, tenant, handle, shown, random, prefilled) is None:
        return None
    return Nonce(id=f"{handle}.{random}", shown_at=from_us(int(shown, 16)), is_prefilled=prefilled == "1")
