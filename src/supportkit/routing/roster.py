"""`Routing`: how a desk gives work out; `Roster`: its people, compiled; and what a ticket asks of them."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Self

import attrs

from supportkit.businesstime import BusinessCalendar
from supportkit.errors import ConfigurationError, InvalidStaff
from supportkit.model.fields import Fields
from supportkit.model.people import Agent, Team
from supportkit.routing.choosing import Needs, Strategy, obstacle
from supportkit.routing.duty import Duty, duty_of, primary
from supportkit.sla.policy import ALWAYS_OPEN
from supportkit.sla.terms import read_duration, write_duration

MOST_WEIGHT = 1000


def _words(given: Mapping[str, Iterable[str] | str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    pairs = given.items() if isinstance(given, Mapping) else given
    return tuple(sorted((key, (one,) if isinstance(one, str) else tuple(one)) for key, one in pairs))


def _pairs(given: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(given.items() if isinstance(given, Mapping) else given))


def _strategy(given: Strategy | str) -> Strategy:
    try:
        return Strategy(given)
    except ValueError:
        there = ", ".join(Strategy)
        raise ConfigurationError(f"routing: there is no strategy {given!r:.40}; there are: {there}") from None


def _agents(given: Iterable[Agent]) -> tuple[Agent, ...]:
    return tuple(given)


def _teams(given: Iterable[Team]) -> tuple[Team, ...]:
    return tuple(given)


def _duration(given: object) -> dt.timedelta | None:
    return None if given is None else read_duration(given, "routing.return_after")


@attrs.frozen(kw_only=True)
class Routing:
    """How a desk gives work out.

    Attributes:
        strategy: Who comes first among those who can take a ticket.
        on_open: Give a new ticket to somebody when it is opened; else it waits until somebody asks for the next one.
        return_after: A ticket that was given to somebody who has not touched it for so long goes back to the queue;
            `None`: never.
        calendar: The calendar of the service levels in which that time is counted.
        topic_field: The custom field that names the topic of a ticket.
        skill_tag: What a tag begins with that asks for a skill: `skill:refunds` asks for `refunds`.
        topic_skills: From topic to the skills that it asks for.
        topic_owners: From topic to the agent whose it is; he comes first where he can take it.
        by_language: The customer's language must be one of the agent's, where both are known.
        weights: From agent to his share, 1 to 1000, for `weighted`; 1 where none is given.
        agents: People who are known from the configuration, beside those that the database has.
        teams: Likewise, teams.

    Raises:
        ConfigurationError: A value that cannot be meant.
        InvalidStaff: An agent or a team twice, two shifts that overlap, or a time zone that is none.
    """

    strategy: Strategy = attrs.field(default=Strategy.LEAST_LOADED, converter=_strategy)
    on_open: bool = True
    return_after: dt.timedelta | None = attrs.field(default=None, converter=_duration)
    calendar: str = ALWAYS_OPEN
    topic_field: str = "topic"
    skill_tag: str = "skill:"
    topic_skills: tuple[tuple[str, tuple[str, ...]], ...] = attrs.field(default=(), converter=_words)
    topic_owners: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_pairs)
    by_language: bool = True
    weights: tuple[tuple[str, int], ...] = attrs.field(default=(), converter=_pairs)
    agents: tuple[Agent, ...] = attrs.field(default=(), converter=_agents)
    teams: tuple[Team, ...] = attrs.field(default=(), converter=_teams)

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.return_after is not None and self.return_after <= dt.timedelta(0):
            raise ConfigurationError(f"routing: return_after must be positive, not {self.return_after}")
        for agent, weight in self.weights:
            if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= MOST_WEIGHT:
                raise ConfigurationError(
                    f"routing: the weight of {agent[:60]!r} is 1 to {MOST_WEIGHT}, a whole number, not {weight!r:.40}"
                )
        if not self.skill_tag or not self.topic_field:
            raise ConfigurationError("routing: skill_tag and topic_field must not be empty")
        Roster.of(self.agents, self.teams, {}, self)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for a configuration file; people are not part of it."""
        return {
            "strategy": self.strategy.value,
            "on_open": self.on_open,
            **({} if self.return_after is None else {"return_after": write_duration(self.return_after)}),
            "calendar": self.calendar,
            "topic_field": self.topic_field,
            "skill_tag": self.skill_tag,
            "topic_skills": {topic: list(skills) for topic, skills in self.topic_skills},
            "topic_owners": dict(self.topic_owners),
            "by_language": self.by_language,
            "weights": dict(self.weights),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `to_dict` wrote, or what a configuration file describes.

        Raises:
            ConfigurationError: As for the constructor, and for a key that is not known.
        """
        known = [field.name for field in attrs.fields(cls) if field.name not in {"agents", "teams"}]
        for key in data:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f", did you mean {near[0]!r}?" if near else f"; there are: {', '.join(known)}"
                raise ConfigurationError(f"routing: there is no key {key!r:.40}{hint}")
        try:
            return cls(**data)
        except (TypeError, ValueError, AttributeError) as error:
            if isinstance(error, ConfigurationError | InvalidStaff):
                raise
            raise ConfigurationError(f"routing: a value has the wrong form: {type(error).__name__}") from error

    def needs(
        self,
        *,
        channel: str,
        channel_class: str,
        tier: int,
        team: str | None,
        tags: Iterable[str],
        fields: Fields,
        locale: str | None,
    ) -> Needs:
        """Return what a ticket asks of the one who takes it."""
        mark = self.skill_tag
        skills = {tag[len(mark) :] for tag in tags if tag.startswith(mark)}
        topic = fields.get(self.topic_field)
        skills |= set(dict(self.topic_skills).get(topic, ())) if isinstance(topic, str) else set()
        return Needs(
            channel=channel,
            channel_class=channel_class,
            tier=tier,
            team=team,
            skills=frozenset(skills),
            language=primary(locale) if self.by_language and locale else None,
            owner=dict(self.topic_owners).get(topic) if isinstance(topic, str) else None,
        )


@attrs.frozen
class Roster:
    """The people of a desk, compiled for routing.

    Attributes:
        people: Each by his id.
        problems: Sentences about those who are left out, because they cannot be as they are recorded.
    """

    people: Mapping[str, Duty] = attrs.field(factory=dict)
    problems: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        agents: Iterable[Agent],
        teams: Iterable[Team],
        calendars: Mapping[str, BusinessCalendar],
        routing: Routing,
    ) -> Self:
        """Compile people.

        Raises:
            InvalidStaff: Somebody or a team is there twice, or cannot be as given.
        """
        by_team: dict[str, Team] = {}
        for team in teams:
            if by_team.setdefault(team.id, team) is not team:
                raise InvalidStaff(f"team {team.id[:60]!r}", "id", "there is another one of this id")
        weights = dict(routing.weights)
        people: dict[str, Duty] = {}
        for agent in agents:
            duty = duty_of(agent, by_team, calendars, weights.get(agent.id, 1))
            if people.setdefault(agent.id, duty) is not duty:
                raise InvalidStaff(f"agent {agent.id[:60]!r}", "id", "there is another one of this id")
        return cls(dict(sorted(people.items())))

    def able(self, needs: Needs) -> list[Duty]:
        """Return those who could take a ticket when they are on duty and have room."""
        return [
            duty
            for duty in self.people.values()
            if obstacle(duty, needs.team, needs.tier, needs.skills, needs.language) is None
        ]

    def resumes(self, needs: Needs, now: dt.datetime) -> dt.datetime | None:
        """Return when somebody who can take such a ticket works again; *now* where somebody does, `None` if never."""
        return min([begins for duty in self.able(needs) if (begins := duty.begins(now)) is not None], default=None)
