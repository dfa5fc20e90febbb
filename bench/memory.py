"""P13: how much memory one ticket takes, as a storage returns it.

Counted is `sys.getsizeof` of two hundred tickets held together and of everything that can be reached from them, each
object once, divided by their number: slots, instants, texts, the tuples of tags and followers, the custom fields with
their keys. So what tickets share is counted once. Classes, members of enumerations, booleans, `None` and the time zone
UTC are not counted. The raw figures hold what `tracemalloc` sees when the same tickets are read, as a cross-check.
"""

from __future__ import annotations

import datetime as dt
import sys
import tracemalloc
from collections.abc import Sequence
from enum import Enum
from typing import Any

import attrs

from bench.harness import Row, at_most
from supportkit import Desk, Ticket
from supportkit.clock import UTC
from supportkit.model.fields import Fields

BAR_BYTES = 2_000
TICKETS = 200


def run() -> list[Row]:
    """Weigh tickets in the middle of their lives, and finished ones."""
    with Desk("sqlite://") as desk:
        for number in range(TICKETS):
            opened = desk.open(
                f"Printer {number} jams on page two whenever it is warm",
                "It has done so since Monday.",
                author=f"customer:c-{number}",
                channel=("email", "chat", "app")[number % 3],
                tags=["printer", f"floor-{number % 9}", "paper"],
                fields={"product": f"P-{number % 20}", "serial": f"S{number:06}", "seats": number + 1000},
                locale=("en-GB", "ru", "zh-Hans")[number % 3],
            )
            desk.assign(opened.id, assignee=f"kim-{number % 20}", team="hardware", actor="agent:kim")
            desk.followers(opened.id, "ada", "li", actor="agent:kim")
        working = _row("P13", "memory of a ticket, open, 3 tags, 3 fields", desk)
        for number in range(1, TICKETS + 1):
            desk.resolve(number, f"Tray {number} was not seated; the customer put it back in.", actor="agent:kim")
            desk.end(number, actor="agent:kim")
        return [working, _row("P13-closed", "memory of a ticket, closed", desk)]


def _row(id: str, text: str, desk: Desk) -> Row:  # noqa: A002
    numbers = range(1, TICKETS + 1)
    tracemalloc.start()
    tickets = [desk.get(number) for number in numbers]
    traced, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    each = deep_size(tickets) / TICKETS
    return at_most(BAR_BYTES, [each], digits=0, id=id, work=text, unit="B", traced=round(traced / TICKETS))


def deep_size(tickets: Sequence[Ticket]) -> int:
    """Return the bytes of tickets and of all that they hold, each object once."""
    seen: set[int] = set()
    waiting: list[Any] = list(tickets)
    size = 0
    while waiting:
        item = waiting.pop()
        if id(item) in seen or item is None or item is UTC or isinstance(item, bool | Enum | type):
            continue
        seen.add(id(item))
        size += sys.getsizeof(item)
        waiting += parts(item)
    return size


def parts(item: Any) -> list[Any]:
    """Return what an object refers to."""
    match item:
        case str() | int() | float() | dt.datetime():
            return []
        case tuple():
            return list(item)
        case dict():
            return [*item, *item.values()]
        case Fields():
            return [item._items]
        case _:
            return [getattr(item, field.name) for field in attrs.fields(type(item))]
