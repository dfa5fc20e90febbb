"""Points in the life of a change at which a process may kill itself. No tests in here."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from supportkit.storage.port import Finding, StorageCapabilities

KILL_POINTS = {
    "k0": "before cause",
    "k1": "after cause",
    "k2": "call",
    "k3": "accepted",
    "k4": "before result",
    "k5": "after result",
}
"""The kill points of `reliability.md`, section 2, by what is reached."""
TIMER_POINTS = ("before claims", "after claims", "before firing", "after firing")
_MEANINGS = (
    ("claim_outbox", "claim"),
    ("settle_outbox", "result"),
    ("claim_timers", "claims"),
    ("settle_timer", "firing"),
    ("save", "cause"),
)


class Points:
    """Kills its own process when it reaches a point for the n-th time; `step` is reached at each call of a storage."""

    def __init__(self, name: str = "", nth: int = 1) -> None:
        self._name = name
        self._left = nth

    def reach(self, name: str) -> None:
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class _WatchedUnit:
    """A unit of work that notes which of its methods were called."""

    def __init__(self, unit: Any, points: Points) -> None:
        self._unit = unit
        self._points = points
        self._called: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._unit, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._points.reach("step")
            self._called.add(name)
            return found(*arguments, **named)

        return call

    def meaning(self) -> str:
        return next((meaning for name, meaning in _MEANINGS if name in self._called), "nothing")


class Watched:
    """A storage that reaches a point before and after each commit."""

    def __init__(self, storage: Any, points: Points) -> None:
        self._storage = storage
        self._points = points

    @property
    def capabilities(self) -> StorageCapabilities:
        return self._storage.capabilities

    def migrate(self) -> None:
        self._storage.migrate()

    @contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[Any]:
        self._points.reach("step")
        with self._storage.begin(tenant, write=write) as unit:
            watched = _WatchedUnit(unit, self._points)
            yield watched
            self._points.reach("step")
            if write:
                self._points.reach(f"before {watched.meaning()}")
        self._points.reach("step")
        if write:
            self._points.reach(f"after {watched.meaning()}")

    def check(self) -> list[Finding]:
        return self._storage.check()

    def close(self) -> None:
        self._storage.close()
