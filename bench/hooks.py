"""P10: what it costs to tell plug-ins of one event: with 0, 1, 5 and 20 of them, against calling them directly.

The figure of a row with plug-ins is microseconds a plug-in and holds everything: the loop, the `try`, the call and the
plug-in itself, which does nothing. The raw figures hold the direct calls too.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Callable
from typing import Any

from bench.harness import Row, at_most, insist, seconds, take_turns
from supportkit import Actor, SystemClock, Ticket, hookimpl
from supportkit.clock import UTC
from supportkit.engine.evolve import evolve
from supportkit.hooks.manager import Hooks
from supportkit.lifecycle import built_in
from supportkit.model.events import Recorded, TicketOpened
from supportkit.model.people import ActorKind

CALLS = 20_000
EACH_BAR_US = 3.0
NONE_BAR_US = 1.5


class Watcher:
    """A plug-in that does nothing with what it is told."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    @hookimpl
    def supportkit_event_recorded(self, recorded: Recorded, ticket: Ticket) -> None:
        pass


def run() -> list[Row]:
    """Measure each number of plug-ins."""
    return [insist(lambda count=count: _row(count)) for count in (0, 1, 5, 20)]  # type: ignore[misc]


def _row(count: int) -> Row:
    plugins = [Watcher(f"watcher-{number}") for number in range(count)]
    hooks = Hooks(plugins, clock=SystemClock())
    recorded, ticket = _event()
    calls = CALLS // max(1, count // 2)
    measured = take_turns(
        lambda: seconds(_through(hooks, recorded, ticket, calls)),
        lambda: seconds(_directly(plugins, recorded, ticket, calls)),
    )
    bar = EACH_BAR_US if count else NONE_BAR_US
    return at_most(
        bar,
        [taken / calls / max(1, count) * 1e6 for taken in measured.ours],
        spread=measured.spread,
        digits=3,
        id=f"P10-{count}",
        work=f"one event, {count} plug-ins, each" if count else "one event, no plug-in",
        reference="direct calls",
        unit="us",
        direct_us=round(statistics.median(measured.base) / calls / max(1, count) * 1e6, 3),
    )


def _through(hooks: Hooks, recorded: Recorded, ticket: Ticket, calls: int) -> Callable[[], None]:
    def work() -> None:
        for _ in range(calls):
            hooks.event_recorded(recorded, ticket)

    return work


def _directly(plugins: list[Any], recorded: Recorded, ticket: Ticket, calls: int) -> Callable[[], None]:
    functions = [plugin.supportkit_event_recorded for plugin in plugins]

    def work() -> None:
        for _ in range(calls):
            for function in functions:
                function(recorded, ticket)

    return work


def _event() -> tuple[Recorded, Ticket]:
    lifecycle = built_in()
    opened = TicketOpened(
        number=1,
        reference="K7QM-2X9D-B4TA",
        subject="Printer jams",
        customer=None,
        state=lifecycle.initial,
        category=lifecycle.category(lifecycle.initial),
        channel="app",
    )
    at = dt.datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    recorded = Recorded(
        tenant="default",
        ticket="t-1",
        seq=1,
        occurred_at=at,
        recorded_at=at,
        actor=Actor(ActorKind.CUSTOMER, "c-1"),
        event=opened,
        command="c-1",
    )
    return recorded, evolve(None, recorded)
