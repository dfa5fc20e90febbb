"""Turns what people write in files about lines, rules and duties into clean values, or refuses it with a suggestion."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any

from supportkit.errors import InvalidEscalation, InvalidPolicy
from supportkit.model.clocks import Metric
from supportkit.model.ticket import Priority
from supportkit.sla.terms import read_duration
from supportkit.text import clean, suggest

MAX_NAME = 200
MAX_ITEMS = 10_000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def table(value: Any, what: str, allowed: Iterable[str]) -> Mapping[str, Any]:
    """Return a mapping that has no other keys than those that are *allowed*."""
    if not isinstance(value, Mapping):
        raise InvalidEscalation(f"{what} is a table, not {type(value).__name__}")
    known = tuple(allowed)
    for key in value:
        if key not in known:
            raise InvalidEscalation(f"{str(key)[:64]!r} is not a key of {what}{suggest(key, known)}")
    return value


def items(value: Any, what: str) -> list[Any]:
    """Return the members of a list that is not longer than anybody would write by hand."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise InvalidEscalation(f"{what} is a list, not {type(value).__name__}")
    found = list(value)
    if len(found) > MAX_ITEMS:
        raise InvalidEscalation(f"{what} has {len(found)} entries, allowed are {MAX_ITEMS}")
    return found


def several(value: Any, what: str) -> list[Any]:
    """Return the members of a list; what stands alone is a list of one."""
    return [value] if isinstance(value, str | int) else items(value, what)


def name(value: Any, what: str) -> str:
    """Return a clean name that is neither empty nor too long."""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME or clean(value, what) != value:
        raise InvalidEscalation(f"{what} is a text of 1 to {MAX_NAME} characters, not {str(value)[:64]!r}")
    return value


def optional_name(value: Any, what: str) -> str | None:
    """Return a clean name, or `None`."""
    return None if value is None else name(value, what)


def names(value: Any, what: str) -> tuple[str, ...]:
    """Return several clean names, in their order, each once."""
    return tuple(dict.fromkeys(name(one, what) for one in several(value, what)))


def identifier(value: Any, what: str) -> str:
    """Return an id that can stand in ids of events: letters, digits, `_`, `.` and `-`, at most 64 of them."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidEscalation(f"{what} is 1 to 64 letters, digits, '_', '.' or '-', not {str(value)[:64]!r}")
    return value


def level(value: Any, what: str) -> int:
    """Return the level of a support line."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidEscalation(f"{what} is a whole number from 1 upwards, not {str(value)[:64]!r}")
    return value


def flag(value: Any, what: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise InvalidEscalation(f"{what} is true or false, not {str(value)[:64]!r}")
    return value


def metric(value: Any, what: str) -> Metric:
    """Return the metric of a name in any case."""
    try:
        return Metric(str(value).upper())
    except ValueError:
        raise InvalidEscalation(f"{what}: there is no metric {str(value)[:40]!r}{suggest(value, Metric)}") from None


def priority(value: Any, what: str) -> Priority:
    """Return the priority of a name."""
    try:
        return Priority.parse(value)
    except (ValueError, TypeError) as error:
        raise InvalidEscalation(f"{what}: {error}") from None


def duration(value: Any, what: str) -> dt.timedelta:
    """Return a positive span such as `"4h"`."""
    try:
        found = read_duration(value, what)
    except InvalidPolicy as error:
        raise InvalidEscalation(str(error)) from None
    if found <= dt.timedelta(0):
        raise InvalidEscalation(f"{what} is not positive: {found}")
    return found
