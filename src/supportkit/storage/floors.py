"""`Floors`: below which instant nothing waits any more, so that a look at what is due need not begin at the beginning.

Settled rows leave entries behind in PostgreSQL's index of what is due until a vacuum comes. All of them lie before now,
and each look would walk over all of them. So the oldest row that still waits is remembered, less an hour for those that
are being written. It is a guess in one case: a row may come in that was due long ago. What this process wrote so is
known; for what others wrote every sixtieth look, and one a minute, begins at the beginning.
"""

from __future__ import annotations

import threading

import attrs

ANYTHING = -(2**62)
"""Before everything that can be due."""
SLACK_US = 3_600_000_000
LONGEST_US = 60_000_000
LOOKS = 60


@attrs.define
class _Floor:
    since: int
    looked_at: int
    uses: int = 0


class Floors:
    """The floors of one storage: for each tenant and each kind of row."""

    def __init__(self) -> None:
        self._floors: dict[tuple[str, str], _Floor] = {}
        self._lock = threading.Lock()

    def since(self, tenant: str, kind: str, now: int) -> int:
        """Return where a claim at *now* may begin, in microseconds; it does not count as a look."""
        floor = self._floors.get((tenant, kind))
        if floor is None or not 0 <= now - floor.looked_at < LONGEST_US:
            return ANYTHING
        return floor.since

    def look(self, tenant: str, kind: str, now: int) -> int:
        """Return where a look at *now* begins, and count it."""
        with self._lock:
            since = self.since(tenant, kind, now)
            if since == ANYTHING:
                return ANYTHING
            floor = self._floors[tenant, kind]
            floor.uses += 1
            return since if floor.uses <= LOOKS else ANYTHING

    def found(self, tenant: str, kind: str, now: int, oldest: int | None) -> None:
        """Remember the *oldest* row that a look from the beginning has found waiting at *now*."""
        since = min(now, now if oldest is None else oldest) - SLACK_US
        with self._lock:
            self._floors[tenant, kind] = _Floor(since, now)

    def written(self, tenant: str, kind: str, due: int) -> None:
        """Forget a floor when a row below it was committed."""
        with self._lock:
            floor = self._floors.get((tenant, kind))
            if floor is not None and due < floor.since:
                del self._floors[tenant, kind]
