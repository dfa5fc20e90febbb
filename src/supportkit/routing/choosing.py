"""Who should take a ticket: candidates in order with the reasons, and all others with what speaks against them.

Pure: the same people, needs and instant give the same answer; nothing here looks at a clock or at chance.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import attrs

from supportkit.routing.duty import Duty, PresenceState, second_of_week, zone_of


class Strategy(StrEnum):
    """Who comes first among those who can take a ticket."""

    LEAST_LOADED = "least_loaded"
    """Who has the fewest tickets; of equals, who got his last one longest ago."""
    ROUND_ROBIN = "round_robin"
    """Who got his last one longest ago."""
    STICKY = "sticky"
    """Who served this customer last; else as `LEAST_LOADED`."""
    WEIGHTED = "weighted"
    """Who has the fewest tickets for his weight."""


class Reason(StrEnum):
    """What speaks for a candidate."""

    OWNS_TOPIC = "owns_topic"
    IN_TEAM = "in_team"
    HAS_SKILLS = "has_skills"
    SPEAKS = "speaks"
    ON_SHIFT = "on_shift"
    BELOW_CAPACITY = "below_capacity"
    SERVED_BEFORE = "served_before"
    LEAST_LOADED = "least_loaded"
    HIS_TURN = "his_turn"


class Why(StrEnum):
    """What speaks against an agent; the first that does is told."""

    LEFT = "left"
    OTHER_TEAM = "other_team"
    OTHER_TIER = "other_tier"
    LACKS_SKILL = "lacks_skill"
    OTHER_LANGUAGE = "other_language"
    NOT_THIS_CHANNEL = "not_this_channel"
    OFF_SHIFT = "off_shift"
    OFF = "off"
    AWAY = "away"
    BUSY = "busy"
    FULL = "full"


class Candidate(NamedTuple):
    """Somebody who can take the ticket.

    Attributes:
        agent: His id.
        reasons: What speaks for him.
        load: How many tickets he has.
    """

    agent: str
    reasons: tuple[Reason, ...]
    load: int


class Rejected(NamedTuple):
    """Somebody who cannot take the ticket now.

    Attributes:
        detail: What exactly: the skill, the language, how many he has of how many.
    """

    agent: str
    why: Why
    detail: str


@attrs.frozen(kw_only=True)
class Needs:
    """What a ticket asks of the one who takes it.

    Attributes:
        channel_class: The class of the channel; a capacity may name either.
        owner: The agent to whom its topic belongs.
        languages: The customer's language, as the first part of its tag; `None` where nobody knows it.
    """

    channel: str = ""
    channel_class: str = "other"
    tier: int = 1
    team: str | None = None
    skills: frozenset[str] = frozenset()
    language: str | None = None
    owner: str | None = None


@attrs.frozen(kw_only=True)
class Moment:
    """How people stand when a ticket is given out.

    Attributes:
        now: When that is.
        presence: What they say about themselves; who says nothing is judged by his hours.
        loads: How many tickets they have, by person and channel.
        turns: When each was given something last, in microseconds.
        served: Who has served this customer, and when last, in microseconds.
        classes: The classes of channels; what is not there is `other`.
    """

    now: dt.datetime
    presence: Mapping[str, PresenceState] = attrs.field(factory=dict)
    loads: Mapping[tuple[str, str], int] = attrs.field(factory=dict)
    turns: Mapping[str, int] = attrs.field(factory=dict)
    served: Mapping[str, int] = attrs.field(factory=dict)
    classes: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Choice:
    """The answer: who could take a ticket, the best one first, and why the others could not."""

    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejected, ...]

    @property
    def best(self) -> str | None:
        """Who should take it; `None`: nobody can now."""
        return self.candidates[0].agent if self.candidates else None


_ONLINE = PresenceState.ONLINE
_SAYS_NO = {PresenceState.OFF: Why.OFF, PresenceState.AWAY: Why.AWAY, PresenceState.BUSY: Why.BUSY}
_LEFT, _OTHER_TEAM, _OTHER_TIER = Why.LEFT, Why.OTHER_TEAM, Why.OTHER_TIER
_OFF_SHIFT = (Why.OFF_SHIFT, "")
"""Members under names of their own: reading one from its class costs more than all that is asked of one agent."""
_NEVER = -(2**63)
_NEW: Any = tuple.__new__
"""Makes a named tuple in half the time that calling its class takes; there are hundreds in one answer."""
_Key = tuple[Any, ...]


def choose(people: Iterable[Duty], needs: Needs, moment: Moment, strategy: Strategy = Strategy.LEAST_LOADED) -> Choice:
    """Return who should take a ticket with these needs."""
    now, presence = moment.now, moment.presence.get if moment.presence else None
    loads, told, key = _Loads(needs, moment), _Told(needs, moment), _KEYS[strategy]
    walls: dict[str, int] = {}
    candidates: list[_Key] = []
    rejected: list[Rejected] = []
    team, tier, skills, language, owner = needs.team, needs.tier, needs.skills, needs.language, needs.owner
    for duty in people:
        agent, edges = duty.id, duty.edges
        # In one line what `obstacle` finds out, which is called only to say what is in the way; likewise the hours.
        if (
            duty.active
            and tier == duty.tier
            and (team is None or team in duty.teams)
            and (not skills or skills <= duty.skills)
            and (language is None or not duty.languages or language in duty.languages)
        ):
            wall = walls.get(duty.zone)
            if wall is None:
                wall = walls[duty.zone] = second_of_week(now.astimezone(zone_of(duty.zone)))
            says = presence(agent, _ONLINE) if presence is not None else _ONLINE
            if not (bisect_right(edges, wall) & 1 if edges else duty.is_on_duty(now, wall)):
                against: tuple[Why, str] | None = _OFF_SHIFT
            elif says is not _ONLINE:
                against = _SAYS_NO[says], ""
            else:
                against = loads.fullness(duty) if duty.capacity else None
        else:
            against = obstacle(duty, team, tier, skills, language)
        if against is None:
            load = loads.all.get(agent, 0)
            candidates.append((owner != agent, *key(duty, load, moment), agent, told.of(duty), load))
        else:
            rejected.append(_NEW(Rejected, (agent, *against)))
    candidates.sort()
    return Choice(candidates=_ranked(candidates, strategy), rejected=tuple(rejected))


def obstacle(
    duty: Duty, team: str | None, tier: int, skills: frozenset[str], language: str | None
) -> tuple[Why, str] | None:
    """Return what keeps an agent from such work at any time, `None` where nothing does.

    Who has no language recorded is taken to answer in any; a ticket of no team is anybody's.
    """
    if not duty.active:
        return _LEFT, ""
    if team is not None and team not in duty.teams:
        return _OTHER_TEAM, team
    if tier != duty.tier:
        return _OTHER_TIER, str(tier)
    if skills and not skills <= duty.skills:
        return Why.LACKS_SKILL, ", ".join(sorted(skills - duty.skills))
    if language is not None and duty.languages and language not in duty.languages:
        return Why.OTHER_LANGUAGE, language
    return None


def fullness(duty: Duty, needs: Needs, moment: Moment) -> tuple[Why, str] | None:
    """Return what an agent's capacity says against one more ticket of these needs, `None` where there is room."""
    return _Loads(needs, moment).fullness(duty) if duty.capacity else None


class _Loads:
    """How many tickets people have: in all, on the channel of the needs, and on the class of that channel."""

    def __init__(self, needs: Needs, moment: Moment) -> None:
        self._needs, self._given = needs, moment.loads
        self.all: dict[str, int] = {}
        self._alike: dict[str, int] = {}
        class_of, wanted, everything, alike = moment.classes.get, needs.channel_class, self.all, self._alike
        for (agent, channel), count in moment.loads.items():
            everything[agent] = everything.get(agent, 0) + count
            if class_of(channel, "other") == wanted:
                alike[agent] = alike.get(agent, 0) + count

    def fullness(self, duty: Duty) -> tuple[Why, str] | None:
        """Return what speaks against one more; the limit of the channel and that of its class both hold."""
        channel, wanted = self._needs.channel, self._needs.channel_class
        most = duty.capacity.get(channel)
        if most is not None and channel != wanted:
            held = self._given.get((duty.id, channel), 0)
            if held >= most:
                return _over(channel, held, most)
        most = duty.capacity.get(wanted)
        if most is not None:
            held = self._alike.get(duty.id, 0)
            if held >= most:
                return _over(wanted, held, most)
        return None


def _over(name: str, held: int, most: int) -> tuple[Why, str]:
    return (Why.FULL, f"{held} of {most}") if most else (Why.NOT_THIS_CHANNEL, name)


class _Told:
    """The reasons for candidates; many have the same ones, which are put together once."""

    def __init__(self, needs: Needs, moment: Moment) -> None:
        self._owner, self._served, self._speaks = needs.owner, moment.served, needs.language is not None
        self._common = tuple(
            [
                reason
                for reason, holds in ((Reason.IN_TEAM, needs.team is not None), (Reason.HAS_SKILLS, bool(needs.skills)))
                if holds
            ]
        )
        self._known: dict[tuple[bool, ...], tuple[Reason, ...]] = {}

    def of(self, duty: Duty) -> tuple[Reason, ...]:
        """Return what speaks for somebody who can take the ticket."""
        agent = duty.id
        key = (
            agent == self._owner,
            self._speaks and bool(duty.languages),
            duty.has_hours,
            bool(duty.capacity),
            agent in self._served,
        )
        found = self._known.get(key)
        if found is None:
            owns, *others = key
            words = (Reason.SPEAKS, Reason.ON_SHIFT, Reason.BELOW_CAPACITY, Reason.SERVED_BEFORE)
            more = [word for word, holds in zip(words, others, strict=True) if holds]
            found = self._known[key] = (*((Reason.OWNS_TOPIC,) if owns else ()), *self._common, *more)
        return found


def _least_loaded(duty: Duty, load: int, moment: Moment) -> _Key:
    return load, moment.turns.get(duty.id, _NEVER)


def _round_robin(duty: Duty, load: int, moment: Moment) -> _Key:
    return moment.turns.get(duty.id, _NEVER), load


def _sticky(duty: Duty, load: int, moment: Moment) -> _Key:
    served = moment.served.get(duty.id)
    return served is None, -(served or 0), load, moment.turns.get(duty.id, _NEVER)


def _weighted(duty: Duty, load: int, moment: Moment) -> _Key:
    return (load + 1) / duty.weight, moment.turns.get(duty.id, _NEVER)


_KEYS: Mapping[Strategy, Callable[[Duty, int, Moment], _Key]] = {
    Strategy.LEAST_LOADED: _least_loaded,
    Strategy.ROUND_ROBIN: _round_robin,
    Strategy.STICKY: _sticky,
    Strategy.WEIGHTED: _weighted,
}
_FIRST = {
    Strategy.LEAST_LOADED: Reason.LEAST_LOADED,
    Strategy.ROUND_ROBIN: Reason.HIS_TURN,
    Strategy.WEIGHTED: Reason.LEAST_LOADED,
}
"""What the first candidate has before the others."""


def _ranked(ordered: list[_Key], strategy: Strategy) -> tuple[Candidate, ...]:
    found = [_NEW(Candidate, row[-3:]) for row in ordered]
    if found and strategy in _FIRST:
        found[0] = found[0]._replace(reasons=(*found[0].reasons, _FIRST[strategy]))
    return tuple(found)
