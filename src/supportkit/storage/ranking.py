"""The part of the storage port for the work queue; a storage that has it declares `queues`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from supportkit.model.ticket import Ticket
from supportkit.storage.port import MAX_CRITERIA, MAX_PAGE, UnitOfWork, check_limit

Line = tuple[str | None, int]
"""Where a ticket waits: a team, or `None` for no team in particular, and a tier."""


@attrs.frozen(kw_only=True)
class QueueQuery:
    """Which tickets of the work queue are wanted: those with a rank, the smallest first, of equals the oldest.

    Attributes:
        assignee: Whose; `None` for those that nobody has taken.
        lines: Teams and tiers of what nobody has, at most 200; `None` for all.
        after: Rank and number of the ticket after which to go on.
        limit: How many, 1 to 500.

    Raises:
        ValueError: A limit or a number of lines that cannot be.
    """

    assignee: str | None = None
    lines: tuple[Line, ...] | None = attrs.field(default=None)
    after: tuple[int, int] | None = None
    limit: int = attrs.field(default=50)

    @lines.validator
    def _few(self, _attribute: object, value: tuple[Line, ...] | None) -> None:
        if value is not None and len(value) > MAX_CRITERIA:
            raise ValueError(f"a queue is asked for {len(value)} pairs of team and tier; at most {MAX_CRITERIA}")

    def __attrs_post_init__(self) -> None:
        """Refuse what no storage need know."""
        if self.assignee is not None and self.lines is not None:
            raise ValueError("lines are those of tickets that nobody has: give either lines or an assignee")

    @limit.validator
    def _bounded(self, _attribute: object, value: int) -> None:
        check_limit(value, MAX_PAGE)


class RankedUnit(UnitOfWork, Protocol):
    """One transaction of one tenant, with the work queue."""

    def ranked(self, query: QueueQuery) -> Sequence[Ticket]:
        """Return tickets of the work queue, in its order; found by index, however many wait."""
        ...

    def take(self, ticket_id: str) -> Ticket | None:
        """Return a ticket of the queue that nobody has, for this unit alone to give to somebody.

        `None` where somebody has it by now, it is not in the queue any more, or another transaction is about to write
        it: whoever takes work goes on to the next ticket and does not wait.
        """
        ...

    def loads(self, assignees: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """Return how many tickets of the queue these people have, by person and channel."""
        ...
