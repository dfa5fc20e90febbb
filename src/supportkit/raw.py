"""Whose words a raw delivery has, as far as anybody can tell without routing it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from supportkit.channels.inbound import Inbound, Signal
from supportkit.channels.port import ChannelAdapter
from supportkit.model.addressing import normalised
from supportkit.model.conversation import Arrival
from supportkit.receiving import payload_of

_ESCAPE = re.compile(rb"(?:\\u[0-9a-f]{4}|%[0-9a-f]{2}|\\[bfnrt])\Z")
"""What JSON and forms write for a character, which may end in a letter or a digit."""
SHORTEST = 5
"""Addresses that are shorter than this are not looked for in bytes: too much would have them by chance."""


def speaks_of(arrival: Arrival, channels: Mapping[str, ChannelAdapter], places: frozenset[str]) -> bool:
    """Tell whether a delivery comes from one of *places*, or has one of them in its bytes, headers or address."""
    senders = _senders(arrival, channels)
    if senders is not None and senders & places:
        return True
    hay = (arrival.body + arrival.head.encode() + (arrival.signed or "").encode()).lower()
    return any(_stands(needle, hay) for place in places if len(place) >= SHORTEST for needle in _spelled(place))


def is_only_his(arrival: Arrival, channels: Mapping[str, ChannelAdapter], places: frozenset[str]) -> bool:
    """Tell whether nobody else speaks in a delivery; one that cannot be read is taken for his alone."""
    senders = _senders(arrival, channels)
    return senders is None or senders <= places


def _senders(arrival: Arrival, channels: Mapping[str, ChannelAdapter]) -> set[str] | None:
    """Return who speaks in a delivery, in every form; `None` where its adapter is not there or cannot read it."""
    adapter: Any = channels.get(arrival.channel)
    if adapter is None or not hasattr(adapter, "receive"):
        return None
    try:
        arrived = list(adapter.receive(payload_of(arrival)))
    except Exception:  # noqa: BLE001 - what nobody can read is the very thing that is looked at here
        return None
    return set(_forms(adapter.capabilities.address_kind, arrived))


def _forms(kind: str, arrived: Iterable[object]) -> Iterable[str]:
    for one in arrived:
        if isinstance(one, Inbound | Signal) and one.sender:
            yield _normal(kind, one.sender)


def _normal(kind: str, value: str) -> str:
    try:
        return normalised(kind, value)
    except ValueError:
        return value


def _stands(needle: bytes, hay: bytes) -> bool:
    """Tell whether an address stands in some bytes as a whole: that of Joann has the one of Ann in it."""
    at = hay.find(needle)
    while at >= 0:
        before, after = hay[max(at - 6, 0) : at], hay[at + len(needle) : at + len(needle) + 1]
        is_begin = not before[-1:].isalnum() or _ESCAPE.search(before) is not None
        if is_begin and not after.isalnum():
            return True
        at = hay.find(needle, at + 1)
    return False


def _spelled(place: str) -> set[bytes]:
    """Return the ways in which an address may stand in JSON, in a form or in a mail, in lower case."""
    plain = place.lower()
    digits = plain[1:] if plain[:1] == "+" and plain[1:].isdigit() else plain
    forms = {plain, digits, quote(plain, safe=""), quote(plain), json.dumps(plain)[1:-1]}
    return {form.encode("utf-8", "surrogatepass") for form in forms}
