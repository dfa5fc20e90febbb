"""Hand-overs: what must be said when a ticket goes to another line, who said it, and where a ticket came from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import attrs

from supportkit.model import events as ev
from supportkit.model.events import Recorded
from supportkit.model.fields import NO_FIELDS, Fields
from supportkit.model.people import Actor, Tier

SUMMARY = "summary"
"""The point of a checklist that the summary of a move is."""


@attrs.frozen(kw_only=True)
class Handover:
    """What one line told the next one.

    Attributes:
        points: The answers to the checklist, by key; `points_in_order` gives them as they are to be read.
        checklist: The keys in the order of reading, as the line has them now.
    """

    source: int
    dest: int
    team: str | None
    actor: Actor
    at: dt.datetime
    points: Fields = attrs.field(default=NO_FIELDS, repr=False)
    checklist: tuple[str, ...] = ()

    @property
    def points_in_order(self) -> tuple[tuple[str, str], ...]:
        """The points as the next person reads them: those of the checklist first."""
        keys = dict.fromkeys((*self.checklist, *self.points))
        return tuple((key, str(self.points[key])) for key in keys if key in self.points)


@attrs.frozen
class CameFrom:
    """Where a ticket was before it came to its present line."""

    tier: int
    team: str | None
    assignee: str | None


def missing_points(tier: Tier, points: Mapping[str, object]) -> tuple[str, ...]:
    """Return the keys of a line's checklist that a hand-over leaves out or leaves empty."""
    return tuple(key for key in tier.checklist if not str(points.get(key) or "").strip())


def handovers(log: Iterable[Recorded], tiers: Iterable[Tier]) -> tuple[Handover, ...]:
    """Return the hand-overs of a ticket, the newest first."""
    checklists = {tier.level: tier.checklist for tier in tiers}
    found: list[Handover] = []
    written: ev.HandoverWritten | None = None
    for recorded in log:
        event = recorded.event
        if isinstance(event, ev.HandoverWritten):
            written = event
        elif isinstance(event, ev.TierMoved):
            points = written.points if written is not None and written.dest == event.dest else NO_FIELDS
            if event.summary and SUMMARY not in points:
                points = points.changed({SUMMARY: event.summary})
            found.append(
                Handover(
                    source=event.source,
                    dest=event.dest,
                    team=event.team,
                    actor=recorded.actor,
                    at=recorded.occurred_at,
                    points=points,
                    checklist=checklists.get(event.dest, ()),
                )
            )
            written = None
    return tuple(reversed(found))


def came_from(log: Iterable[Recorded], to: int | None = None) -> CameFrom | None:
    """Return the lower line from which a ticket came to where it is, with its team and person; `None`: from nowhere.

    With *to* it is that line, if the ticket was in it on its way up.
    """
    path: list[CameFrom] = []
    here = CameFrom(1, None, None)
    for recorded in log:
        event = recorded.event
        if isinstance(event, ev.TicketOpened):
            here = CameFrom(event.tier, event.team, event.assignee)
        elif isinstance(event, ev.Assigned):
            here = CameFrom(here.tier, event.team, event.assignee)
        elif isinstance(event, ev.TierMoved):
            path = [one for one in [*path, here] if one.tier < event.dest]
            here = CameFrom(event.dest, event.team, None)
    return next((one for one in reversed(path) if to in {None, one.tier}), None)
