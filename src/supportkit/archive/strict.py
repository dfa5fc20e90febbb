"""JSON from anywhere, held against the classes that it shall become: sizes, depth, keys, types, ranges.

Nothing in a text of an error comes from the line, except names, which are cut.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import math
import re
import types
import typing
from collections.abc import Collection
from enum import Enum, IntEnum
from typing import Any, NoReturn

import attrs

from supportkit.clock import UTC, to_us
from supportkit.model.fields import Fields
from supportkit.model.people import Actor
from supportkit.text import clean

MAX_DEPTH = 64
MAX_DIGITS = 100
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_LONG_NUMBER = re.compile(rf"[0-9.eE+-]{{{MAX_DIGITS + 1},}}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_FIRST = to_us(dt.datetime(2, 1, 1, tzinfo=UTC))
_LAST = to_us(dt.datetime(9999, 1, 1, tzinfo=UTC)) - 1
_INT64 = 2**63


class Misfit(ValueError):
    """What is wrong with a line, before it is known which line it is."""


def read_json(line: str) -> Any:
    """Return the JSON of a line.

    Raises:
        Misfit: It is none, nested too deeply, has a key twice, or a number that JSON does not have.
    """
    if line.count("[") + line.count("{") > MAX_DEPTH or _LONG_NUMBER.search(line):
        _check_shape(_STRING.sub("", line))
    try:
        return json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except Misfit:
        raise
    except (ValueError, RecursionError):
        raise Misfit("it is no JSON") from None


def _check_shape(bare: str) -> None:
    """Look at a line without its strings."""
    depth = 0
    for one in bare:
        depth += (one in "[{") - (one in "]}")
        if depth > MAX_DEPTH:
            raise Misfit(f"it is nested more than {MAX_DEPTH} deep")
    if _LONG_NUMBER.search(bare):
        raise Misfit(f"a number has more than {MAX_DIGITS} digits")


def _refuse_constant(_name: str) -> NoReturn:
    raise Misfit("NaN and infinity are no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Misfit("a key is there twice")
    return made


# -- single values ---------------------------------------------------------------------------------------------------


def check_text(value: Any, where: str) -> None:
    """Refuse what is no clean text."""
    if not isinstance(value, str):
        raise Misfit(f"{where} is text")
    if clean(value) != value:
        raise Misfit(f"{where} has NUL characters or lone surrogates")


def check_whole(value: Any, where: str) -> None:
    """Refuse what is no whole number of 64 bits."""
    if type(value) is not int or not -_INT64 <= value < _INT64:
        raise Misfit(f"{where} is a whole number of at most 64 bits")


def check_instant(value: Any, where: str) -> None:
    """Refuse what are no microseconds of the years 2 to 9998."""
    if type(value) is not int or not _FIRST <= value <= _LAST:
        raise Misfit(f"{where} is an instant in microseconds since 1970, of the years 2 to 9998")


def check_keys(value: Any, known: Collection[str], needed: Collection[str], where: str) -> None:
    """Refuse what is no object with these keys."""
    if not isinstance(value, dict):
        raise Misfit(f"{where} is an object")
    if unknown := sorted(value.keys() - set(known)):
        raise Misfit(f"{where} has an unknown key {unknown[0][:40]!r}")
    if missing := sorted(set(needed) - value.keys()):
        raise Misfit(f"{where} lacks {missing[0]!r}")


def _check_fields(value: Any, where: str) -> None:
    if not isinstance(value, dict):
        raise Misfit(f"{where} is an object")
    for name, item in value.items():
        check_text(name, where)
        match item:
            case None | bool():
                pass
            case str():
                check_text(item, where)
            case int():
                check_whole(item, where)
            case float() if math.isfinite(item):
                pass
            case _:
                raise Misfit(f"{where} has values that are text, numbers, true, false or null")


# -- classes ---------------------------------------------------------------------------------------------------------


@functools.cache
def _shape(cls: Any) -> dict[str, tuple[Any, bool]]:
    """Return the annotation of each field of a class, and whether it must be there."""
    hints = typing.get_type_hints(cls)
    return {field.name: (hints[field.name], field.default is attrs.NOTHING) for field in attrs.fields(cls)}


def check_class(value: Any, cls: Any, where: str, names: Collection[str] | None = None) -> None:
    """Refuse what is not the plain form of a *cls*, or of those of its fields that *names* has."""
    shape = {name: one for name, one in _shape(cls).items() if names is None or name in names}
    check_keys(value, shape, [name for name, (_hint, needed) in shape.items() if needed], where)
    for name, item in value.items():
        _check(item, shape[name][0], f"{where}.{name}")


def _check(value: Any, hint: Any, where: str) -> None:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        kinds = [part for part in typing.get_args(hint) if part is not type(None)]
        if value is None and len(kinds) < len(typing.get_args(hint)):
            return
        if len(kinds) > 1:
            raise Misfit(f"{where} cannot be read by this release")  # no class has such a field
        hint = kinds[0]
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise Misfit(f"{where} is a list")
        for item in value:
            _check(item, typing.get_args(hint)[0], where)
    elif hint in _SINGLE:
        _SINGLE[hint](value, where)
    elif attrs.has(hint):
        check_class(value, hint, where)
    elif issubclass(hint, Enum):
        (check_whole if issubclass(hint, IntEnum) else check_text)(value, where)
    else:
        raise Misfit(f"{where} cannot be read by this release")


def _check_bool(value: Any, where: str) -> None:
    if not isinstance(value, bool):
        raise Misfit(f"{where} is true or false")


def _check_bytes(value: Any, where: str) -> None:
    if not isinstance(value, str) or not _BASE64.fullmatch(value):
        raise Misfit(f"{where} is bytes, as Base64")


_SINGLE: dict[Any, Any] = {
    str: check_text,
    int: check_whole,
    bool: _check_bool,
    bytes: _check_bytes,
    Actor: check_text,
    Fields: _check_fields,
    dt.datetime: check_instant,
    dt.timedelta: check_whole,
}
