"""Backlog: how many tickets are not done at an instant, and how old they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import attrs

from supportkit.metrics.flow import Resolution


def _resolutions(value: Iterable[Resolution]) -> tuple[Resolution, ...]:
    return tuple(value)


@attrs.frozen(kw_only=True)
class Lifespan:
    """When a ticket was created, and when it was done and not done again."""

    created_at: dt.datetime
    resolutions: tuple[Resolution, ...] = attrs.field(default=(), converter=_resolutions)

    def is_open(self, at: dt.datetime) -> bool:
        """Tell whether it exists and is not done at an instant."""
        return self.created_at <= at and not any(
            one.resolved_at <= at and (one.reopened_at is None or at < one.reopened_at) for one in self.resolutions
        )

    def age(self, at: dt.datetime, *, since_reopening: bool) -> dt.timedelta:
        """Return its age, from creation or from its last reopening."""
        reopened = [
            one.reopened_at for one in self.resolutions if one.reopened_at is not None and one.reopened_at <= at
        ]
        return at - (max(reopened) if since_reopening and reopened else self.created_at)


def backlog_ages(
    tickets: Iterable[Lifespan], *, at: dt.datetime, since_reopening: bool = False
) -> tuple[dt.timedelta, ...]:
    """Return the ages of all tickets that are not done *at* an instant, ascending; their number is the backlog.

    Args:
        tickets: All tickets, done or not.
        at: The instant; a ticket resolved at it is done.
        since_reopening: Count the age from the last reopening, not from creation.
    """
    return tuple(sorted(one.age(at, since_reopening=since_reopening) for one in tickets if one.is_open(at)))


@attrs.frozen(kw_only=True)
class BacklogChange:
    """Why a backlog changed: end = start + created + reopened - resolved.

    Attributes:
        start: Backlog at the first instant.
        created: Tickets created after it and up to the second instant.
        reopened: Reopenings in that time.
        resolved: Resolutions in that time.
        end: Backlog at the second instant.
    """

    start: int
    created: int
    reopened: int
    resolved: int
    end: int


def backlog_change(tickets: Iterable[Lifespan], *, since: dt.datetime, until: dt.datetime) -> BacklogChange:
    """Return how the backlog of *since* became that of *until*.

    Raises:
        ValueError: *until* lies before *since*.
    """
    if until < since:
        raise ValueError(f"{until.isoformat()} lies before {since.isoformat()}")

    def inside(instant: dt.datetime | None) -> bool:
        return instant is not None and since < instant <= until

    spans = list(tickets)
    every = [one for span in spans for one in span.resolutions]
    return BacklogChange(
        start=sum(span.is_open(since) for span in spans),
        created=sum(inside(span.created_at) for span in spans),
        reopened=sum(inside(one.reopened_at) for one in every),
        resolved=sum(inside(one.resolved_at) for one in every),
        end=sum(span.is_open(until) for span in spans),
    )
