"""`desk.teams`: who answers together, who leads whom, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from supportkit import staff
from supportkit.arguments import as_name
from supportkit.errors import InvalidStaff
from supportkit.model.people import Agent, Team
from supportkit.runner import Runner
from supportkit.staff import TEAM, Staff
from supportkit.storage.port import Finding

SPAN = (8, 15)
"""How many agents one lead can look after, at least and at most; a common rule of call centres."""


@attrs.frozen
class Teams:
    """Adds, finds and changes teams of one tenant, and says what does not fit."""

    _runner: Runner

    def add(
        self,
        team: str,
        name: str = "",
        *,
        lead: str | None = None,
        calendar: str | None = None,
        tier: int | None = None,
    ) -> Team:
        """Add a team and return it.

        Args:
            team: Its id, as in `Ticket.team`.
            name: As people call it.
            lead: Id of the agent who leads it; he may be added later.
            calendar: Name of a calendar of working hours.
            tier: The support line that it works on; `None`: several.

        Raises:
            InvalidStaff: There is one of this id, or an attribute cannot be as it was given.
            NotFound: There is no such lead.
        """
        named = as_name(team, "id of a team")
        given: dict[str, Any] = {"name": name, "lead": lead, "calendar": calendar, "tier": tier}

        def work(people: Staff) -> Team:
            if named in people.teams:
                raise InvalidStaff(_which(named), "id", "there is one of this id already")
            return self._save(people, Team(id=named, tenant=self._runner.tenant, **staff.cleaned(_which(named), given)))

        return staff.changing(self._runner, work)

    def get(self, team: str) -> Team:
        """Return a team.

        Raises:
            NotFound: There is none of this id in this tenant.
        """
        return staff.reading(self._runner, lambda people: people.team(team))

    def change(self, team: str, **changes: Any) -> Team:
        """Change attributes of a team by name and return it.

        Raises:
            NotFound: There is no such team or lead.
            InvalidStaff: An attribute cannot be as it was given.
            TypeError: There is no such attribute.
        """
        staff.known_fields(Team, changes)

        def work(people: Staff) -> Team:
            before = people.team(team)
            after = attrs.evolve(before, **staff.cleaned(_which(team), changes))
            return before if after == before else self._save(people, attrs.evolve(after, version=before.version + 1))

        return staff.changing(self._runner, work)

    def remove(self, team: str) -> Team:
        """Forget a team, and return it as it was; tickets keep its id.

        Raises:
            NotFound: There is no such team.
            InvalidStaff: Somebody works in it still.
        """

        def work(people: Staff) -> Team:
            found = people.team(team)
            members = _members(people, found)
            if members:
                names = ", ".join(repr(one.id) for one in members[:5])
                raise InvalidStaff(_which(team), "id", f"cannot be removed: {len(members)} work in it, such as {names}")
            people.remove(TEAM, found)
            return found

        return staff.changing(self._runner, work)

    def list(self) -> Sequence[Team]:
        """Return all teams by id."""
        return staff.reading(self._runner, lambda people: [*people.teams.values()])

    def members(self, team: str) -> Sequence[Agent]:
        """Return the agents of a team by id, those too who are not active.

        Raises:
            NotFound: There is no such team.
        """
        return staff.reading(self._runner, lambda people: _members(people, people.team(team)))

    def lint(self) -> Sequence[Finding]:
        """Return what does not fit together; an empty answer is a good one.

        Among the codes are `team.lead` (none, or gone), `team.span` (a lead with fewer than 8 or more than 15 agents),
        `team.empty`, `team.line` (members of another support line), `team.calendar` and `agent.calendar` (unknown to
        the service levels), `agent.team` (an active agent in none), `agent.deputy` (gone, not active, or in a circle).
        """
        calendars = frozenset(dict(self._runner.rules.promises.current.calendars))
        return staff.reading(self._runner, lambda people: [*_lint(people, calendars)])

    def _save(self, people: Staff, team: Team) -> Team:
        if team.lead is not None:
            people.agent(team.lead)
        levels = {tier.level for tier in self._runner.rules.tiers}
        if team.tier is not None and team.tier not in levels:
            known = ", ".join(map(str, sorted(levels)))
            raise InvalidStaff(_which(team.id), "tier", f"there is no support line {team.tier}; there are: {known}")
        people.save(TEAM, team)
        return team


def _which(team: str) -> str:
    return f"team {str(team)[:60]!r}"


def _members(people: Staff, team: Team) -> list[Agent]:
    return [agent for agent in people.agents.values() if team.id in agent.teams]


def _warn(code: str, sentence: str) -> Finding:
    return Finding(code=code, severity="warning", sentence=sentence)


def _lint(people: Staff, calendars: frozenset[str]) -> Iterator[Finding]:
    for team in people.teams.values():
        yield from _lint_team(people, team, calendars)
    yield from _lint_spans(people)
    for agent in people.agents.values():
        yield from _lint_agent(people, agent, calendars)


def _lint_team(people: Staff, team: Team, calendars: frozenset[str]) -> Iterator[Finding]:
    members = [agent for agent in _members(people, team) if agent.active]
    lead = people.agents.get(team.lead or "")
    if lead is None or not lead.active:
        yield _warn("team.lead", f"team {team.id!r} has no lead who is active")
    if not members:
        yield _warn("team.empty", f"nobody who is active works in team {team.id!r}")
    if team.calendar is not None and team.calendar not in calendars:
        yield _warn("team.calendar", f"team {team.id!r}: the service levels have no calendar {team.calendar!r}")
    others = [agent.id for agent in members if team.tier is not None and agent.tier != team.tier]
    if others:
        yield _warn("team.line", f"team {team.id!r} is of line {team.tier}, and these are not: {', '.join(others[:5])}")


def _lint_spans(people: Staff) -> Iterator[Finding]:
    """Look how many active agents each lead has, over all teams that he leads and without himself."""
    least, most = SPAN
    led: dict[str, set[str]] = {}
    for team in people.teams.values():
        if team.lead is not None:
            members = {agent.id for agent in _members(people, team) if agent.active}
            led.setdefault(team.lead, set()).update(members - {team.lead})
    for lead, agents in led.items():
        if not least <= len(agents) <= most:
            yield _warn("team.span", f"{lead!r} leads {len(agents)} agents; one lead is for {least} to {most}")


def _lint_agent(people: Staff, agent: Agent, calendars: frozenset[str]) -> Iterator[Finding]:
    if agent.active and not agent.teams:
        yield _warn("agent.team", f"agent {agent.id!r} is active and in no team")
    if agent.calendar is not None and agent.calendar not in calendars:
        yield _warn("agent.calendar", f"agent {agent.id!r}: the service levels have no calendar {agent.calendar!r}")
    if circle := people.circle(agent):
        yield _warn("agent.deputy", f"the deputies go round in a circle: {' -> '.join(circle)}")
    elif agent.deputy is not None and not (agent.deputy in people.agents and people.agents[agent.deputy].active):
        yield _warn("agent.deputy", f"the deputy of agent {agent.id!r} is gone or not active: {agent.deputy!r}")
