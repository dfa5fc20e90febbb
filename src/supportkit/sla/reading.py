"""Turns what people write in policies into canonical values, and back, or refuses it with a suggestion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from supportkit.clock import to_utc
from supportkit.errors import InvalidPolicy
from supportkit.model.ticket import Priority, StateCategory
from supportkit.sla.terms import Metric, read_duration, write_duration
from supportkit.text import clean, suggest

T = TypeVar("T")
MAX_NAME = 200


def build(cls: type[T], data: Any, what: str, renamed: Mapping[str, str] | None = None) -> T:
    """Return a *cls* of the keys of *data*.

    Raises:
        InvalidPolicy: It is no mapping, or a key is unknown or missing.
    """
    if not isinstance(data, Mapping):
        raise InvalidPolicy(f"{what} is a mapping, not {type(data).__name__}")
    fields: Any = attrs.fields(cls)  # type: ignore[arg-type]  # every cls here is an attrs class
    names = {old: new for new, old in (renamed or {}).items()}
    by_key = {names.get(field.name, field.name): field for field in fields if field.init}
    for key in data:
        if key not in by_key:
            raise InvalidPolicy(f"{str(key)[:64]!r} is not a key of {what}{suggest(key, by_key)}")
    for key, field in by_key.items():
        if field.default is attrs.NOTHING and key not in data:
            raise InvalidPolicy(f"{what} needs {key!r}")
    return cls(**{by_key[key].name: value for key, value in data.items()})


def write(value: Any) -> dict[str, Any]:
    """Return the fields of an attrs value that differ from their defaults, as plain data."""
    found = {}
    for field in attrs.fields(type(value)):
        item = getattr(value, field.name)
        if item != field.default:
            found[field.name] = plain(item)
    return found


def plain(item: Any) -> Any:  # noqa: PLR0911 - a table in the shape of a match
    """Return one value as JSON and TOML know it."""
    match item:
        case Priority():
            return item.name.lower()
        case StateCategory() | Metric():
            return item.value
        case dt.timedelta():
            return write_duration(item)
        case dt.datetime():
            return item.isoformat()
        case frozenset():
            return write_values(item)
        case tuple():
            return [plain(part) for part in item]
        case _:
            return item


def write_values(values: Iterable[Any]) -> list[Any]:
    """Return *values* in an order that does not depend on the process."""
    return sorted((plain(value) for value in values), key=lambda value: (type(value).__name__, value))


def items(value: Any, where: str) -> list[Any]:
    """Return *value* as a list; a text or a mapping is none."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise InvalidPolicy(f"{where}: a list is needed, not {type(value).__name__}")
    return list(value)


def name(value: Any, where: str) -> str:
    """Return a name of 1 to 200 characters."""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME:
        raise InvalidPolicy(f"{where}: a name of 1 to {MAX_NAME} characters is needed, not {str(value)[:64]!r}")
    if clean(value) != value:
        raise InvalidPolicy(f"{where}: {value[:64]!a} has characters that no text can hold")
    return value


def optional_name(value: Any, where: str) -> str | None:
    """Return a name, or `None`."""
    return None if value is None else name(value, where)


def names(value: Any, where: str) -> tuple[str, ...]:
    """Return several names."""
    return tuple(name(item, where) for item in items(value, where))


def flag(value: Any, where: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise InvalidPolicy(f"{where}: true or false is needed, not {str(value)[:64]!r}")
    return value


def word(value: Any, where: str, allowed: tuple[str, ...]) -> Any:
    """Return one of the words that are *allowed*."""
    if value not in allowed:
        raise InvalidPolicy(f"{where}: {str(value)[:64]!r} is not known{suggest(value, allowed)}")
    return value


def optional_word(value: Any, where: str, allowed: tuple[str, ...]) -> Any:
    """Return one of the words that are *allowed*, or `None`."""
    return None if value is None else word(value, where, allowed)


def metric(value: Any) -> Metric:
    """Return the metric of this name, in any case."""
    known = [member.value for member in Metric]
    if isinstance(value, str) and value.upper() in known:
        return Metric(value.upper())
    raise InvalidPolicy(f"metric {str(value)[:64]!r} is not known{suggest(str(value).upper(), known)}")


def category(value: Any) -> StateCategory:
    """Return the category of this name."""
    known = [member.value for member in StateCategory]
    if isinstance(value, str) and value.lower() in known:
        return StateCategory(value.lower())
    raise InvalidPolicy(f"category {str(value)[:64]!r} is not known{suggest(value, known)}")


def pauses(value: Any) -> frozenset[StateCategory] | None:
    """Return a set of categories, or `None` for the default of the metric."""
    return None if value is None else frozenset(category(item) for item in items(value, "pauses"))


def optional_priority(value: Any) -> Priority | None:
    """Return a priority, or `None` for any."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidPolicy(f"priority: {str(value)[:64]!r} is not known")
    try:
        return Priority.parse(value)
    except ValueError as error:
        raise InvalidPolicy(str(error)) from error


def optional_tier(value: Any) -> int | None:
    """Return the number of a support line, or `None` for any."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise InvalidPolicy(f"tier: a number from 1 on is needed, not {str(value)[:64]!r}")


def target(value: Any) -> dt.timedelta | dt.datetime:
    """Return a target: a duration, or an instant with an offset."""
    if isinstance(value, dt.timedelta):
        return value
    if isinstance(value, dt.datetime) or (isinstance(value, str) and value[:4].isdigit() and value[4:5] == "-"):
        try:
            return to_utc(value, "target")
        except (TypeError, ValueError) as error:
            raise InvalidPolicy(str(error)) from error
    return read_duration(value, "target")


def tier_calendars(value: Any) -> tuple[tuple[int, str], ...]:
    """Return the calendars of tiers, whose numbers are texts in files."""
    found = {}
    for key, calendar in _pairs(value, "tiers"):
        number = int(key) if isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 10 else key  # noqa: PLR2004
        tier = optional_tier(number)
        if tier is None:
            raise InvalidPolicy("tiers: a number from 1 on is needed")
        found[tier] = name(calendar, "tiers")
    return tuple(sorted(found.items()))


def vendor_calendars(value: Any) -> tuple[tuple[str, str], ...]:
    """Return the calendars of vendors."""
    return tuple(sorted((name(key, "vendors"), name(item, "vendors")) for key, item in _pairs(value, "vendors")))


def condition(value: Any) -> tuple[tuple[str, frozenset[Any]], ...]:
    """Return a condition: for each field the values that match; a single value may stand alone."""
    found = {}
    for key, given in _pairs(value, "condition"):
        field = name(key, "condition")
        values = [given] if isinstance(given, str | int) else items(given, f"condition.{field}")
        for item in values:
            if not isinstance(item, str | int) or isinstance(item, float):
                raise InvalidPolicy(f"condition.{field}: texts and whole numbers only, not {type(item).__name__}")
        if not values:
            raise InvalidPolicy(f"condition.{field}: without a value it never holds; leave the field out instead")
        found[field] = frozenset(optional_priority(item) if field == "priority" else item for item in values)
    return tuple(sorted(found.items()))


def has_any(value: Any, wanted: frozenset[Any]) -> bool:
    """Tell whether a field has one of the values *wanted*; a field with several values needs one of them."""
    if isinstance(value, tuple | list | set | frozenset):
        return any(item in wanted for item in value)
    return value in wanted


def pairs(value: Any, where: str) -> list[tuple[Any, Any]]:
    """Return the pairs of a mapping, or of a tuple or list of pairs."""
    return _pairs(value, where)


def _pairs(value: Any, where: str) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, tuple | list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):  # noqa: PLR2004
        return list(value)
    raise InvalidPolicy(f"{where}: a mapping is needed, not {type(value).__name__}")


def _for(reader: Callable[..., Any], *more: Any) -> Callable[[Any], Any]:
    return lambda value: reader(value, *more)


_READERS: dict[str, Callable[[Any], Any]] = {
    "metric": metric,
    "target": target,
    "priority": optional_priority,
    "tier": optional_tier,
    "pauses": pauses,
    "tiers": tier_calendars,
    "vendors": vendor_calendars,
    "condition": condition,
    "id": _for(name, "id"),
    "channel": _for(optional_name, "channel"),
    "channel_class": _for(optional_name, "channel_class"),
    "calendar": _for(optional_name, "calendar"),
    "warnings": _for(names, "warnings"),
    "reopen": _for(optional_word, "reopen", ("continue", "new_cycle", "once")),
    "end": _for(word, "end", ("resolved", "closed")),
    "restart_on": _for(word, "restart_on", ("response", "any_contact")),
    "starts": _for(word, "starts", ("creation", "first_response")),
    "kept_by": _for(word, "kept_by", ("kept", "response")),
    **{key: _for(flag, key) for key in ("after_first_response", "bots_count", "owner_only", "cumulative", "fallback")},
}


def converted(_cls: type[Any], fields: list[Any]) -> list[Any]:
    """Give the fields of an attrs class the readers of their names, so that a file and a program are read alike.

    The constructor is typed for programs; what it checks at run time is what files need.
    """
    return [
        field.evolve(converter=_READERS[field.name]) if field.converter is None and field.name in _READERS else field
        for field in fields
    ]
