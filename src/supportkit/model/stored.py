"""What a storage holds of one tenant, row by row: the values that an export writes and an import reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import attrs

from supportkit.model.change import Firing, Outgoing, Receipt, Settings, Timer
from supportkit.model.conversation import Arrival, Heard, Leg, StoredFile, Waiting
from supportkit.model.events import Recorded
from supportkit.model.message import Message, Note
from supportkit.model.people import Customer
from supportkit.model.record import Record
from supportkit.model.ticket import Ticket


@attrs.frozen(kw_only=True)
class Counter:
    """The number of the last ticket."""

    tenant: str
    number: int


@attrs.frozen(kw_only=True)
class Place:
    """How far a follower got.

    Attributes:
        seen: How many events of the log, as it is now, lie at or before its cursor; at least 1.
    """

    tenant: str
    name: str
    seen: int


@attrs.frozen(kw_only=True)
class Attempt:
    """One try of a delivery.

    Attributes:
        delivery: Id of the delivery.
        fence: That of its claim.
        result: The state that it led to, or `late_result`; `None` while it runs, or where nobody came back.
    """

    tenant: str
    delivery: str
    fence: int
    worker: str
    started_at: dt.datetime
    finished_at: dt.datetime | None = None
    result: str | None = None


@attrs.frozen(kw_only=True)
class Conversation:
    """Which leg of a conversation is the newest one, by the hash of its channel, account and thread."""

    tenant: str
    key: str
    leg: str


@attrs.frozen(kw_only=True)
class PollCursor:
    """Where polling a channel goes on."""

    tenant: str
    channel: str
    cursor: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Spent:
    """How much of a budget is spent in the window that began at *since*."""

    tenant: str
    name: str
    key: str
    since: dt.datetime
    spent: int


Stored = (
    Counter
    | Settings
    | Customer
    | Ticket
    | Recorded
    | Place
    | Message
    | Note
    | Outgoing
    | Attempt
    | Timer
    | Firing
    | Receipt
    | Leg
    | Conversation
    | Heard
    | StoredFile
    | Arrival
    | PollCursor
    | Spent
    | Waiting
    | Record
)
"""One row of a tenant."""

_KEYS: Mapping[type, tuple[str, ...] | None] = {
    Counter: (),
    Settings: ("subject", "number"),
    Customer: ("id",),
    Ticket: ("number",),
    Recorded: None,
    Place: ("name",),
    Message: None,
    Note: None,
    Outgoing: ("id",),
    Attempt: ("delivery", "fence"),
    Timer: ("ticket", "name", "instance"),
    Firing: ("ticket", "id"),
    Receipt: ("key",),
    Leg: ("id",),
    Conversation: ("key",),
    Heard: ("key", "digest"),
    StoredFile: ("id",),
    Arrival: ("id",),
    PollCursor: ("channel",),
    Spent: ("name", "key", "since"),
    Waiting: ("channel", "external_id", "status"),
    Record: ("kind", "id"),
}
ORDER = tuple(_KEYS)
"""The order in which a storage gives them, and wants them back."""
RECEIVED = (Leg, Conversation, Heard, StoredFile, Arrival, PollCursor, Spent, Waiting)
"""Those of what arrives: only a storage that declares `receives` has them."""
KEPT = (Record,)
"""Those of a storage that declares `keeps`."""


def sort_key(row: Stored) -> tuple[str | int | dt.datetime, ...] | None:
    """Return what rows of one kind are sorted by, no two alike; `None` where the order itself says something.

    That is so for events (the order of followers), messages and notes (the order in which they came).
    """
    names = _KEYS[type(row)]
    return None if names is None else tuple([getattr(row, name) for name in names])
