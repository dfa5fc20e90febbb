"""What processes do until they are killed: orders that can be repeated with their keys. No tests in here."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import attrs
from tests.crash.outside import LINES

from supportkit import Desk, Ticket
from supportkit.channels.port import ChannelAdapter
from supportkit.clock import UTC
from supportkit.storage.port import Storage

KIM = "agent:kim"
BETWEEN_ROUNDS = dt.timedelta(minutes=10)
"""How far the clock is moved on after a kill: leases of the dead are over, and promises are broken."""
LEVELS: dict[str, Any] = {
    "policies": [
        {
            "id": "hasty",
            "fallback": True,
            "calendar": "always_open",
            "metrics": {"FIRST_RESPONSE": {"warnings": ["50%"]}, "RESOLUTION": {"warnings": ["50%", "75%"]}},
            "targets": [
                {"metric": "FIRST_RESPONSE", "target": "5m"},
                {"metric": "NEXT_RESPONSE", "target": "15m"},
                {"metric": "RESOLUTION", "target": "1h"},
            ],
        }
    ]
}


@attrs.frozen
class Ahead:
    """The system's clock, moved on by some seconds."""

    seconds: float

    def now(self) -> dt.datetime:
        return dt.datetime.now(UTC) + dt.timedelta(seconds=self.seconds)


def desk_on(storage: Storage | str, clock: Any, channels: list[ChannelAdapter] | tuple[()] = (), **more: Any) -> Desk:
    """Return a desk that promises much and closes soon."""
    soon = dt.timedelta(minutes=30)
    return Desk(storage, clock=clock, channels=channels, levels=LEVELS, close_resolved_after=soon, **more)


def order(luck: random.Random, key: str, customer: str, tickets: list[str]) -> dict[str, Any]:
    """Think of something to do; it stands in the order alone, so that it can be repeated with its key."""
    words = f"{key} " + "x" * luck.choice([1, 90, 900, 6000])
    common = {"key": key, "words": words}
    if not tickets or luck.random() < 0.3:
        return {"verb": "open", "customer": customer, "line": luck.choice(list(LINES)), **common}
    verbs = ("reply", "reply", "reply", "receive", "note", "resolve", "fields", "promise")
    return {"verb": luck.choice(verbs), "ticket": luck.choice(tickets[-20:]), **common}


def carry_out(desk: Desk, order: dict[str, Any]) -> Ticket:  # noqa: PLR0911 - one verb a line
    """Do what an order says, with its key."""
    key, words, ref = order["key"], order["words"], order.get("ticket", "")
    match order["verb"]:
        case "open":
            made = {"customer": order["customer"], "channel": order["line"]}
            return desk.open("It smokes", words, tags=["a", "b"], idempotency_key=key, **made)
        case "reply":
            return desk.reply(ref, words, actor=KIM, idempotency_key=key)
        case "receive":
            return desk.add_message(ref, words, idempotency_key=key)
        case "note":
            return desk.note(ref, words, actor=KIM, idempotency_key=key)
        case "resolve":
            return desk.resolve(ref, words, actor=KIM, idempotency_key=key)
        case "fields":
            return desk.set_fields(ref, {"last": key}, actor=KIM, idempotency_key=key)
        case "promise":
            return desk.promise(ref, key, dt.timedelta(minutes=25), actor=KIM, idempotency_key=key)
        case other:
            raise AssertionError(other)
