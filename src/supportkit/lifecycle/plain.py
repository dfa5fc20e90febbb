"""Strict reading of plain data (what TOML and JSON give): every surprise is an `InvalidLifecycle` that names its place.

The data may be hostile. So no message repeats a value of the wrong type, strings are shown shortened, and nothing here
calls anything that the data brings along.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from supportkit.errors import InvalidLifecycle

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 64
_LISTED = 12

# Keys that machine libraries use for callbacks. They get a sentence of their own instead of "unknown key".
_CODE_KEYS = frozenset(
    {
        "conditions", "condition", "unless", "prepare", "before", "after", "on_enter", "on_exit", "on_final",
        "on_timeout", "on_exception", "timeout", "prepare_event", "finalize_event", "before_state_change",
        "after_state_change", "guard", "guards", "callback", "callbacks", "model", "send_event", "machine",
    }
)  # fmt: skip


def shown(word: str) -> str:
    """Return *word* quoted and short enough for a message."""
    return repr(word if len(word) <= _SHOWN else word[:_SHOWN] + "...")


def instead(word: str, known: Iterable[str]) -> str:
    """Say what could have been meant by *word*: the nearest of the *known* names, else all of them."""
    import difflib

    names = list(known)
    if near := difflib.get_close_matches(word[:_SHOWN], names, n=1):
        return f"did you mean {near[0]!r}?"
    more = ", ..." if len(names) > _LISTED else ""
    return f"there are: {', '.join(names[:_LISTED]) or 'none'}{more}"


def table(where: str, value: object, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """Return *value* as a mapping that has exactly these *keys*."""
    if not isinstance(value, Mapping):
        raise InvalidLifecycle(f"{where} must be a table with {', '.join(keys)}, not {type(value).__name__}")
    for key in value:
        _check_key(where, key, keys)
    for key in keys:
        if key not in value:
            raise InvalidLifecycle(f"{where} has no {key!r}; it needs: {', '.join(keys)}")
    return value


def _check_key(where: str, key: object, keys: tuple[str, ...]) -> None:
    if not isinstance(key, str):
        raise InvalidLifecycle(f"{where}: keys must be strings, not {type(key).__name__}")
    if key in keys:
        return
    if key in _CODE_KEYS:
        raise InvalidLifecycle(
            f"{where}: key {key!r} is not allowed, because a lifecycle as data names states and triggers, never code; "
            "pass guards to Lifecycle.compile(spec, guards=...)"
        )
    raise InvalidLifecycle(f"{where}: key {shown(key)} is unknown; {instead(key, keys)}")


def text(where: str, value: object) -> str:
    """Return *value* if it is a string."""
    if not isinstance(value, str):
        raise InvalidLifecycle(f"{where} must be a string, not {type(value).__name__}")
    return value


def rows(where: str, value: object, most: int) -> list[Any] | tuple[Any, ...]:
    """Return *value* if it is a list of at most *most* items."""
    if not isinstance(value, list | tuple):
        raise InvalidLifecycle(f"{where} must be a list, not {type(value).__name__}")
    if len(value) > most:
        raise InvalidLifecycle(f"{where}: at most {most} are allowed, got {len(value)}")
    return value
