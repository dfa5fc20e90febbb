"""Rows of what arrived, and records, to values and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from sqlalchemy import Table

from supportkit.clock import from_us, to_us
from supportkit.model.conversation import Arrival, ArrivalState, Heard, Leg, StoredFile, Waiting
from supportkit.model.record import Record
from supportkit.model.stored import Conversation, PollCursor, Spent
from supportkit.storage import schema as t
from supportkit.storage.rows import careful
from supportkit.storage.statements import Row

TABLES: Mapping[type, Table] = {
    Leg: t.leg,
    Conversation: t.conversation,
    Heard: t.heard,
    StoredFile: t.file,
    Arrival: t.arrival,
    PollCursor: t.poll,
    Spent: t.budget,
    Waiting: t.waiting,
    Record: t.record,
}
"""Where values of each class lie."""
_COLUMNS = {cls: tuple(column.name for column in table.columns) for cls, table in TABLES.items()}


def to_row(value: Any) -> dict[str, Any]:
    """Return the columns of a value of one of `TABLES`."""
    return {name: _plain(item) for name, item in attrs.asdict(value, recurse=False).items()}


def _plain(item: Any) -> Any:
    match item:
        case dt.datetime():
            return to_us(item)
        case bool():
            return int(item)
        case ArrivalState():
            return item.value
        case _:
            return item


def _reading(cls: type[Any], **readers: Callable[[Any], Any]) -> Callable[[Row], Any]:
    def read(row: Row) -> Any:
        values = dict(zip(_COLUMNS[cls], row, strict=True))
        for name, convert in readers.items():
            if values[name] is not None:
                values[name] = convert(values[name])
        return cls(**values)

    read.__name__ = f"read_{cls.__name__.lower()}"
    return careful(read)


read_leg: Callable[[Row], Leg] = _reading(Leg, began_at=from_us, heard_at=from_us, verified=bool)
read_conversation: Callable[[Row], Conversation] = _reading(Conversation)
read_heard: Callable[[Row], Heard] = _reading(Heard, at=from_us)
read_file: Callable[[Row], StoredFile] = _reading(StoredFile, content=bytes, inline=bool)
read_arrival: Callable[[Row], Arrival] = _reading(
    Arrival, body=bytes, received_at=from_us, lease_until=from_us, settled_at=from_us, state=ArrivalState
)
read_poll: Callable[[Row], PollCursor] = _reading(PollCursor)
read_spent: Callable[[Row], Spent] = _reading(Spent, since=from_us)
read_waiting: Callable[[Row], Waiting] = _reading(Waiting, at=from_us)
read_record: Callable[[Row], Record] = _reading(Record, due_at=from_us)
