"""One row and one line of JSON: how each kind is written, and how it is read from a line that anybody may have made."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from supportkit.archive.strict import Misfit, check_class, check_instant, check_keys, check_text, check_whole
from supportkit.clock import from_us, to_us
from supportkit.errors import StorageCorrupt
from supportkit.model.change import Firing, Outgoing, Receipt, Settings, Timer
from supportkit.model.conversation import Arrival, Heard, Leg, StoredFile, Waiting
from supportkit.model.events import Recorded
from supportkit.model.message import Message, Note
from supportkit.model.people import Actor, Customer
from supportkit.model.record import Record
from supportkit.model.stored import Attempt, Conversation, Counter, Place, PollCursor, Spent, Stored
from supportkit.model.ticket import Ticket
from supportkit.storage.codec import EVENT_CLASSES, SCHEMA, Plain, codec_of, decode_event, encode_event

KINDS: Mapping[str, type[Any]] = {
    "counter": Counter,
    "settings": Settings,
    "customer": Customer,
    "ticket": Ticket,
    "event": Recorded,
    "follower": Place,
    "message": Message,
    "note": Note,
    "delivery": Outgoing,
    "attempt": Attempt,
    "timer": Timer,
    "firing": Firing,
    "key": Receipt,
    "leg": Leg,
    "conversation": Conversation,
    "heard": Heard,
    "file": StoredFile,
    "arrival": Arrival,
    "poll": PollCursor,
    "budget": Spent,
    "receipt": Waiting,
    "record": Record,
}
_NAMES = {cls: name for name, cls in KINDS.items()}
_EVENT_KEYS = ("ticket", "seq", "occurred_at", "recorded_at", "actor", "command", "type", "schema", "data")


def kind_of(row: Stored) -> str:
    """Return the name of the kind of a row."""
    return _NAMES[type(row)]


@functools.cache
def _names_of(cls: type[Any]) -> frozenset[str]:
    return frozenset({field.name for field in attrs.fields(cls)} - {"tenant", "cursor"})


def to_plain(row: Stored) -> Plain:
    """Return a row as plain data: its kind, and what differs from the defaults; without the tenant."""
    if isinstance(row, Recorded):
        return {"event": _event_to_plain(row)}
    cls: Any = type(row)
    return {_NAMES[cls]: codec_of(cls).only(_names_of(cls)).encode(row)}


def _event_to_plain(recorded: Recorded) -> Plain:
    name, schema, public, private = encode_event(recorded.event)
    return {
        "ticket": recorded.ticket,
        "seq": recorded.seq,
        "occurred_at": to_us(recorded.occurred_at),
        "recorded_at": to_us(recorded.recorded_at),
        "actor": str(recorded.actor),
        "command": recorded.command,
        "type": name,
        "schema": schema,
        "data": public | private,
    }


def from_plain(plain: Any, tenant: str) -> Stored:
    """Return the row that *plain* describes, as one of *tenant*.

    Raises:
        Misfit: It describes none; the text says what is wrong without showing it.
    """
    if not isinstance(plain, dict) or len(plain) != 1:
        raise Misfit("a line is an object with one key, the kind of its row")
    kind, data = next(iter(plain.items()))
    if kind not in KINDS:
        raise Misfit(f"there is no kind {kind[:40]!r}; there are: {', '.join(KINDS)}")
    try:
        return _read(kind, data, tenant)
    except Misfit:
        raise
    except StorageCorrupt as error:
        raise Misfit(str(error)[:200]) from None
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise Misfit(f"a row of kind {kind} cannot be read: {type(error).__name__}") from None


def _read(kind: str, data: Any, tenant: str) -> Stored:
    cls: Any = KINDS[kind]
    if cls is Recorded:
        return _read_event(data, tenant)
    check_class(data, cls, kind, _names_of(cls))
    values = codec_of(cls).only(_names_of(cls))
    given = {name: _convert(read, data[name]) for name, _default, _write, read in values.fields if name in data}
    if cls is not Receipt:
        given["tenant"] = tenant
    row: Stored = cls(**given)
    if isinstance(row, Place) and row.seen < 1:
        raise Misfit("a follower that has seen nothing has no row")
    return row


def _convert(read: Callable[[Any], Any] | None, item: Any) -> Any:
    return item if read is None or item is None else read(item)


def _read_event(data: Any, tenant: str) -> Recorded:
    check_keys(data, _EVENT_KEYS, _EVENT_KEYS, "event")
    for name in ("ticket", "actor", "command", "type"):
        check_text(data[name], f"event.{name}")
    for name in ("seq", "schema"):
        check_whole(data[name], f"event.{name}")
    for name in ("occurred_at", "recorded_at"):
        check_instant(data[name], f"event.{name}")
    if data["seq"] < 1 or data["schema"] < 1:
        raise Misfit("event.seq and event.schema count from 1")
    cls = EVENT_CLASSES.get(data["type"])
    if cls is None:
        raise Misfit(f"there is no event {data['type'][:40]!r}")
    if data["schema"] == SCHEMA:
        check_class(data["data"], cls, f"event.{data['type']}")
    elif not isinstance(data["data"], dict):
        raise Misfit("event.data is an object")
    return Recorded(
        tenant=tenant,
        ticket=data["ticket"],
        seq=data["seq"],
        occurred_at=from_us(data["occurred_at"]),
        recorded_at=from_us(data["recorded_at"]),
        actor=Actor.parse(data["actor"]),
        event=decode_event(data["type"], data["schema"], data["data"], None),
        command=data["command"],
    )
