"""People as routing sees them: what an agent can do, compiled once, and how it stands at one moment."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import pairwise

import attrs

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import UTC
from supportkit.errors import InvalidStaff, NoBusinessTime
from supportkit.model.people import Agent, Team

_DAY = 24 * 3600
_WEEK = 7 * _DAY
_DAYS = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Span = tuple[int, int]
"""Two seconds of the week on a wall clock, counted from Monday; the second one is no longer in it."""


class PresenceState(StrEnum):
    """What an agent says about himself."""

    ONLINE = "online"
    """He takes whatever comes."""
    BUSY = "busy"
    """He is there, and wants nothing given to him."""
    AWAY = "away"
    OFF = "off"


@attrs.frozen(kw_only=True)
class Duty:
    """An agent, compiled for routing: sets instead of tuples, and his hours as spans of the week.

    Attributes:
        languages: First parts of his languages, such as `zh` of `zh-Hans`.
        spans: When he works, in his own zone, in order and apart; `None` where he has no hours of his own.
        calendars: Any of these being open means that he works; looked at where he has no spans.
        capacity: From channel, or class of channels, to how many conversations he holds at once.
        edges: Beginnings and ends of the spans in turn: after an odd number of them he works.
        has_hours: Whether there is anything to judge his hours by.
        weight: His share where work is given out by weight, 1 for most people.
    """

    id: str
    teams: frozenset[str] = frozenset()
    tier: int = 1
    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    zone: str = "UTC"
    spans: tuple[Span, ...] | None = None
    calendars: tuple[BusinessCalendar, ...] = ()
    capacity: Mapping[str, int] = attrs.field(factory=dict)
    weight: int = 1
    active: bool = True
    edges: tuple[int, ...] = attrs.field(init=False, eq=False, repr=False)
    has_hours: bool = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Look up once what every decision would look up again."""
        object.__setattr__(self, "edges", tuple([edge for span in self.spans or () for edge in span]))
        object.__setattr__(self, "has_hours", self.spans is not None or bool(self.calendars))

    def is_on_duty(self, at: dt.datetime, wall: int) -> bool:
        """Tell whether he works at an instant that is second *wall* of the week on his clock.

        Who has neither hours of his own nor a calendar is always on duty.
        """
        if self.spans is not None:
            return bisect_right(self.edges, wall) & 1 == 1  # between a beginning and an end
        return not self.calendars or any(one.is_open(at) for one in self.calendars)

    def begins(self, now: dt.datetime) -> dt.datetime | None:
        """Return when he works again: *now* where he does, `None` where he never does."""
        zone = zone_of(self.zone)
        if self.is_on_duty(now, second_of_week(now.astimezone(zone))):
            return now
        if self.spans is None:
            return min(_openings(self.calendars, now), default=None)
        local = now.astimezone(zone)
        monday = local.date() - dt.timedelta(days=local.weekday())
        # The span that runs on past Sunday night begins in this week, so two weeks hold every next beginning.
        starts = [
            _on_the_wall(monday + dt.timedelta(weeks=week), first, zone) for week in (0, 1) for first, _ in self.spans
        ]
        return min([start for start in starts if start > now], default=None)


def duty_of(
    agent: Agent, teams: Mapping[str, Team], calendars: Mapping[str, BusinessCalendar], weight: int = 1
) -> Duty:
    """Compile an agent.

    His own shifts come first, then his calendar, then those of his teams. A calendar that is not there leaves him
    without hours, that is, always on duty.

    Raises:
        InvalidStaff: Two of his shifts overlap, or his time zone is none.
    """
    zone_of(agent.timezone, agent.id)
    named = [agent.calendar] if agent.calendar else [teams[one].calendar for one in agent.teams if one in teams]
    return Duty(
        id=agent.id,
        teams=frozenset(agent.teams),
        tier=agent.tier,
        skills=frozenset(agent.skills),
        languages=frozenset([primary(tag) for tag in agent.languages]),
        zone=agent.timezone,
        spans=spans_of(agent) if agent.shifts else None,
        calendars=tuple([calendars[name] for name in named if name is not None and name in calendars]),
        capacity=dict(agent.capacity),
        weight=weight,
        active=agent.active,
    )


def spans_of(agent: Agent) -> tuple[Span, ...]:
    """Return the shifts of an agent as spans of the week, in order; one over Sunday night becomes two.

    Raises:
        InvalidStaff: Two of them overlap.
    """
    found: list[Span] = []
    for shift in agent.shifts:
        begins, ends = _second(shift.begins), _second(shift.ends)
        length = ends - begins if begins < ends else ends - begins + _DAY
        for day in shift.days:
            first = (day - 1) * _DAY + begins
            end = first + length
            found += [(first, end)] if end <= _WEEK else [(first, _WEEK), (0, end - _WEEK)]
    found.sort()
    for (_, end), (first, _) in pairwise(found):
        if first < end:
            day, second = divmod(first, _DAY)
            clock = f"{_DAYS[day + 1]} {second // 3600:02}:{second // 60 % 60:02}"
            raise InvalidStaff(f"agent {agent.id[:60]!r}", "shifts", f"two of them overlap at {clock}")
    return tuple(found)


def second_of_week(local: dt.datetime) -> int:
    """Return the second of the week that a wall clock shows; in the repeated hour of autumn twice the same."""
    return ((local.weekday() * 24 + local.hour) * 60 + local.minute) * 60 + local.second


def primary(tag: str) -> str:
    """Return the language of a BCP 47 tag, without script and region."""
    return tag.replace("_", "-").partition("-")[0].lower()


def zone_of(name: str, agent: str = "") -> zoneinfo.ZoneInfo:
    """Return a time zone.

    Raises:
        InvalidStaff: There is none of this name.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidStaff(f"agent {agent[:60]!r}", "timezone", f"{name[:60]!r} is no IANA time zone") from None


def _second(time: dt.time) -> int:
    return (time.hour * 60 + time.minute) * 60 + time.second


def _on_the_wall(monday: dt.date, second: int, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """Return the instant of a second of the week; one that the clocks skip in spring is as long after the jump."""
    midnight = dt.datetime.combine(monday, dt.time(), tzinfo=zone)
    return (midnight + dt.timedelta(seconds=second)).astimezone(UTC)


def _openings(calendars: Iterable[BusinessCalendar], now: dt.datetime) -> Iterable[dt.datetime]:
    for calendar in calendars:
        try:
            yield calendar.next_open(now)
        except NoBusinessTime:
            continue
