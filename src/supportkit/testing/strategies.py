"""Hypothesis strategies for the values of the library, made from their classes: a new field joins by itself."""

from __future__ import annotations

import datetime as dt
import types
import typing
from enum import Enum
from typing import Any

import attrs
from hypothesis import strategies as st

from supportkit.clock import UTC
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.change import TicketChange
from supportkit.model.events import Event
from supportkit.model.fields import Fields
from supportkit.model.people import Actor, ActorKind
from supportkit.model.ticket import Ticket
from supportkit.testing.builders import opened, then

_INT64 = 2**63
_EARLIEST = dt.datetime(2, 1, 1)  # noqa: DTZ001 - Hypothesis wants naive bounds beside a time zone
_LATEST = dt.datetime(9998, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001 - the same


def texts(*, max_size: int | None = 40) -> st.SearchStrategy[str]:
    """Text of all planes of Unicode as it leaves the desk's edge: without NUL and lone surrogates."""
    return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=max_size)


def names() -> st.SearchStrategy[str]:
    """Text that is not empty."""
    return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


def instants() -> st.SearchStrategy[dt.datetime]:
    """Aware UTC instants with microseconds."""
    return st.datetimes(_EARLIEST, _LATEST, timezones=st.just(UTC))


def lengths() -> st.SearchStrategy[dt.timedelta]:
    """Durations of up to a century, with microseconds."""
    return st.timedeltas(dt.timedelta(-36_525), dt.timedelta(36_525))


def actors() -> st.SearchStrategy[Actor]:
    """Every kind of actor, each with an id."""
    return st.builds(Actor, st.sampled_from(ActorKind), names())


def custom_fields() -> st.SearchStrategy[Fields]:
    """Custom fields with every kind of value."""
    numbers = st.integers(-_INT64, _INT64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    return st.dictionaries(names(), texts() | numbers | st.booleans() | st.none(), max_size=4).map(Fields)


def events() -> st.SearchStrategy[Event]:
    """Events of every class."""
    return st.one_of([_built(cls) for cls in typing.get_args(ev.Event)])


def commands() -> st.SearchStrategy[cm.Command | cm.PairCommand]:
    """Commands of every class, with whatever their types allow."""
    return st.one_of([_built(cls) for cls in (*typing.get_args(cm.Command), *typing.get_args(cm.PairCommand))])


@st.composite
def logs(draw: st.DrawFn, *, number: int = 1, tenant: str = "acme", max_size: int = 6) -> list[TicketChange]:
    """Changes of one ticket, each with one event, from its opening on."""
    first = draw(_built(ev.TicketOpened))
    values = {field.name: getattr(first, field.name) for field in attrs.fields(ev.TicketOpened)}
    changes = [opened(tenant=tenant, **values | {"number": number, "reference": f"REF-{number}"}, at=draw(instants()))]
    later = st.one_of([_built(cls) for cls in typing.get_args(ev.Event) if cls is not ev.TicketOpened])
    for event in draw(st.lists(later, max_size=max_size)):
        changes.append(then(changes[-1].ticket, event, at=draw(instants()), actor=draw(actors())))
    return changes


def tickets() -> st.SearchStrategy[Ticket]:
    """Tickets as their logs give them."""
    return logs().map(lambda changes: changes[-1].ticket)


# -- from annotations ------------------------------------------------------------------------------------------------


def _built(cls: Any) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(cls)
    return st.builds(cls, **{field.name: _of(hints[field.name]) for field in attrs.fields(cls) if field.init})


def _of(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return st.one_of([_of(part) for part in typing.get_args(kind)])
    if typing.get_origin(kind) is tuple:
        return st.lists(_of(typing.get_args(kind)[0]), max_size=3).map(tuple)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    plain = _PLAIN.get(kind)
    return plain if plain is not None else _built(kind)


_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: texts(),
    int: st.integers(-_INT64, _INT64 - 1),
    bool: st.booleans(),
    type(None): st.none(),
    dt.datetime: instants(),
    dt.timedelta: lengths(),
    Actor: actors(),
    Fields: custom_fields(),
}
