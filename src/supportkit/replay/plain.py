"""Strict reading of plain data into a `LogFormat`: every surprise names its place and what could have been meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from supportkit.lifecycle.plain import instead, shown
from supportkit.replay.errors import InvalidLogFormat

__all__ = ["instead", "lines", "one_of", "shown", "table", "text", "texts"]

_MOST = 10_000


def table(where: str, value: object, keys: Iterable[str], *, needs: Sequence[str]) -> Mapping[str, Any]:
    """Return *value* as a mapping that has only *keys*, and all of *needs*."""
    known = tuple(keys)
    if not isinstance(value, Mapping):
        raise InvalidLogFormat(f"{where} must be a table with {', '.join(known)}, not {type(value).__name__}")
    for key in value:
        if not isinstance(key, str) or key not in known:
            raise InvalidLogFormat(f"{where}: key {shown(str(key))} is unknown; {instead(str(key), known)}")
    for key in needs:
        if key not in value:
            raise InvalidLogFormat(f"{where} has no {key!r}; it needs: {', '.join(needs)}")
    return value


def lines(top: Mapping[str, Any], key: str, *, where: str = "") -> list[tuple[str, Any]]:
    """Return the lines of the table *key*, whose keys are the log's own words or names that its author chose."""
    value, where = top.get(key, {}), where or key
    if not isinstance(value, Mapping) or not all(isinstance(word, str) for word in value):
        raise InvalidLogFormat(f"{where} must be a table from the log's words to ours")
    if len(value) > _MOST:
        raise InvalidLogFormat(f"{where}: at most {_MOST} lines are allowed, got {len(value)}")
    return list(value.items())


def text(where: str, value: object) -> str:
    """Return *value* if it is a string."""
    if not isinstance(value, str):
        raise InvalidLogFormat(f"{where} must be a string, not {type(value).__name__}")
    return value


def texts(where: str, value: object) -> tuple[str, ...]:
    """Return *value* if it is a list of strings."""
    if not isinstance(value, list | tuple):
        raise InvalidLogFormat(f"{where} must be a list of strings, not {type(value).__name__}")
    return tuple(text(where, item) for item in value)


def one_of(where: str, value: object, known: Iterable[str]) -> str:
    """Return *value* if it is one of the *known* words."""
    word, words = text(where, value), tuple(known)
    if word not in words:
        raise InvalidLogFormat(f"{where} {shown(word)} is unknown; {instead(word, words)}")
    return word
