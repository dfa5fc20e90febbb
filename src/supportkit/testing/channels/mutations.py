"""Everything that can be wrong with a delivery, one thing at a time, in a fixed order.

Random bytes never look like JSON, so every value of a delivery is replaced by every wrong one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import attrs

from supportkit.channels.inbound import Payload

_LEFT_OUT = object()
_SPELLED: tuple[tuple[str, str], ...] = (
    ("null", "null"),
    ("true", "true"),
    ("0", "0"),
    ("-1", "-1"),
    ("10**30", "1" + "0" * 30),
    ("1.5", "1.5"),
    ("1e999", "1e999"),
    ("NaN", "NaN"),
    ("empty text", '""'),
    ("10,000 characters", '"' + "x" * 10_000 + '"'),
    ("a lone surrogate", r'"\ud800"'),
    ("NUL", r'"a\u0000b"'),
    ("digits", '"' + "9" * 400 + '"'),
    ("other digits", r'"\u0661\u0662"'),
    ("[]", "[]"),
    ("{}", "{}"),
    ("nested", '{"a":[{"b":[null,{}]}]}'),
    ("list of lists", "[[],[[]],null,1]"),
)
WRONG: tuple[str, ...] = tuple(name for name, _spelling in _SPELLED)
"""The names of the wrong values; they are spelled in JSON, since two of them have no other form."""
_FORM_WRONG: tuple[tuple[str, str], ...] = (
    ("empty", ""),
    ("0", "0"),
    ("-1", "-1"),
    ("10**30", "1" + "0" * 30),
    ("10,000 characters", "x" * 10_000),
    ("no UTF-8", "%FF%FE"),
    ("a surrogate", "%ED%A0%80"),
    ("NUL", "a%00b"),
    ("other digits", "%D9%A1%D9%A2"),
    ("a broken escape", "%zz%"),
)
_STRANGE = (b"", b"\0", b"\xff" * 100, b'"\\ud800"', b"NaN", b"[]", b"{}", b"null", b"%", b"a=b&a=c;d")
_HOLE = "\x00hole\x00"
_SPELLED_HOLE = json.dumps(_HOLE)
Path = tuple[str | int, ...]


def as_json(payload: Payload) -> Any:
    """Return the body of a delivery as JSON values; `None` where it is none."""
    try:
        return json.loads(payload.body)
    except ValueError:
        return None


def is_form(payload: Payload) -> bool:
    """Tell whether a delivery is a form."""
    kinds = payload.header_values("Content-Type")
    return bool(kinds) and kinds[0].lower().startswith("application/x-www-form-urlencoded")


def with_body(payload: Payload, body: bytes) -> Payload:
    """Return the same delivery with another body."""
    return attrs.evolve(payload, body=body)


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Yield the place of every value inside *value*, the whole first."""
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*at, index))


def at_path(value: Any, path: Path) -> Any:
    """Return what stands at a place."""
    for step in path:
        value = value[step]
    return value


def _put(value: Any, path: Path, new: Any) -> Any:
    """Return a copy of *value* with *new* at a place, or with nothing there."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        if not rest and new is _LEFT_OUT:
            return {key: inner for key, inner in value.items() if key != step}
        return {key: _put(inner, rest, new) if key == step else inner for key, inner in value.items()}
    if not rest and new is _LEFT_OUT:
        return [inner for index, inner in enumerate(value) if index != step]
    return [_put(inner, rest, new) if index == step else inner for index, inner in enumerate(value)]


def replaced(payload: Payload, path: Path, new: Any) -> Payload:
    """Return a delivery with another JSON value at a place."""
    return with_body(payload, json.dumps(_put(as_json(payload), path, new)).encode())


def left_out(payload: Payload, path: Path) -> Payload:
    """Return a delivery without the value at a place."""
    return replaced(payload, path, _LEFT_OUT)


def broken_values(payload: Payload) -> Iterator[tuple[str, Payload]]:
    """Yield each delivery with one value replaced by a wrong one or left out, and what was done to it."""
    whole = as_json(payload)
    if whole is not None:
        for path in paths(whole):
            place = "/".join(map(str, path)) or "the whole"
            before, after = json.dumps(_put(whole, path, _HOLE)).split(_SPELLED_HOLE, 1)
            for name, spelling in _SPELLED:
                yield f"{place} = {name}", with_body(payload, (before + spelling + after).encode())
            if path:
                yield f"{place} left out", left_out(payload, path)
    elif is_form(payload):
        yield from _broken_fields(payload)


def _broken_fields(payload: Payload) -> Iterator[tuple[str, Payload]]:
    pairs = [f"{quote_plus(name)}={quote_plus(value)}" for name, value in form_pairs(payload)]
    for index, (name, _value) in enumerate(form_pairs(payload)):
        before, after = pairs[:index], pairs[index + 1 :]
        for wrong, spelling in _FORM_WRONG:
            fields = [*before, f"{quote_plus(name)}={spelling}", *after]
            yield f"{name} = {wrong}", with_body(payload, "&".join(fields).encode())
        yield f"{name} left out", with_body(payload, "&".join(before + after).encode())
        yield f"{name} twice", with_body(payload, "&".join([*pairs, f"{quote_plus(name)}=other"]).encode())


def form_pairs(payload: Payload) -> list[tuple[str, str]]:
    """Return the fields of a form."""
    return parse_qsl(payload.body.decode("utf-8", "replace"), keep_blank_values=True)


def broken_bytes(payload: Payload, most: int = 400) -> Iterator[tuple[str, Payload]]:
    """Yield a delivery cut off and with flipped bits, at up to *most* places each, and some bytes of no delivery."""
    body = payload.body
    places = range(0, len(body), max(1, len(body) // most))
    for at in places:
        yield f"cut at {at}", with_body(payload, body[:at])
        yield f"bit {at % 8} of byte {at}", with_body(payload, flipped(body, at, at % 8))
    deep = (b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000)
    near = (b"\xef\xbb\xbf" + body, body + b"}", body * 2)
    for one in (*_STRANGE, *deep, *near):
        yield f"{one[:20]!r} ({len(one)} bytes)", with_body(payload, one)
    yield "in UTF-16", with_body(payload, body.decode("utf-8", "replace").encode("utf-16"))


def flipped(body: bytes, at: int, bit: int) -> bytes:
    """Return *body* with one bit turned."""
    return body[:at] + bytes([body[at] ^ (1 << bit)]) + body[at + 1 :]


def with_text(payload: Payload, old: str, new: str) -> Payload | None:
    """Return a delivery in which each value that is *old* is *new*; `None` where there is none."""
    whole = as_json(payload)
    if whole is not None:
        places = [path for path in paths(whole) if at_path(whole, path) == old and path]
        for path in places:
            whole = _put(whole, path, new)
        return with_body(payload, json.dumps(whole).encode()) if places else None
    if is_form(payload) and old:
        pairs = form_pairs(payload)
        if any(value == old for _name, value in pairs):
            fields = [f"{quote_plus(name)}={quote_plus(new if value == old else value)}" for name, value in pairs]
            return with_body(payload, "&".join(fields).encode())
    return None
