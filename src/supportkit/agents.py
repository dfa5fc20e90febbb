"""`desk.agents`: the people who answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from supportkit import staff
from supportkit.arguments import as_name
from supportkit.errors import InvalidStaff
from supportkit.model.people import Agent, Shift
from supportkit.runner import Runner
from supportkit.staff import AGENT, Staff


@attrs.frozen
class Agents:
    """Adds, finds and changes agents of one tenant.

    An agent is named in actors (`agent:kim`) and as `assignee` whether he stands here or not: what stands here is what
    routing, escalation and reports know of him.
    """

    _runner: Runner

    def add(
        self,
        agent: str,
        name: str = "",
        *,
        teams: Iterable[str] = (),
        tier: int = 1,
        skills: Iterable[str] = (),
        languages: Iterable[str] = (),
        locale: str = "en",
        timezone: str = "UTC",
        calendar: str | None = None,
        shifts: Iterable[Shift] = (),
        capacity: Mapping[str, int] | None = None,
        active: bool = True,
        deputy: str | None = None,
    ) -> Agent:
        """Add an agent and return him.

        Args:
            agent: His id, as in `agent:<id>`.
            name: As customers see it.
            teams: Ids of teams that there are.
            tier: The support line that he works on.
            skills: What he knows.
            languages: BCP 47 tags, the best one first.
            locale: The language in which the desk talks to him.
            timezone: The IANA zone in which he lives.
            calendar: Name of a calendar of working hours.
            shifts: His own hours; they come before any calendar.
            capacity: From channel to how many conversations he holds at once.
            active: Whether he is to get anything.
            deputy: Id of the agent who stands in for him.

        Raises:
            InvalidStaff: There is one of this id, or an attribute cannot be as it was given; it says which.
            NotFound: There is no such team or deputy.
        """
        given: dict[str, Any] = {
            "name": name,
            "teams": teams,
            "tier": tier,
            "skills": skills,
            "languages": languages,
            "locale": locale,
            "timezone": timezone,
            "calendar": calendar,
            "shifts": shifts,
            "capacity": capacity or {},
            "active": active,
            "deputy": deputy,
        }
        named = as_name(agent, "id of an agent")

        def work(people: Staff) -> Agent:
            if named in people.agents:
                raise InvalidStaff(_who(named), "id", "there is one of this id already")
            new = Agent(id=named, tenant=self._runner.tenant, **staff.cleaned(_who(named), given))
            return self._save(people, new)

        return staff.changing(self._runner, work)

    def get(self, agent: str) -> Agent:
        """Return an agent.

        Raises:
            NotFound: There is none of this id in this tenant.
        """
        return staff.reading(self._runner, lambda people: people.agent(agent))

    def change(self, agent: str, **changes: Any) -> Agent:
        """Change attributes of an agent by name and return him.

        Raises:
            NotFound: There is no such agent, team or deputy.
            InvalidStaff: An attribute cannot be as it was given.
            TypeError: There is no such attribute.
        """
        staff.known_fields(Agent, changes)

        def work(people: Staff) -> Agent:
            before = people.agent(agent)
            after = attrs.evolve(before, **staff.cleaned(_who(agent), changes))
            return before if after == before else self._save(people, attrs.evolve(after, version=before.version + 1))

        return staff.changing(self._runner, work)

    def remove(self, agent: str) -> Agent:
        """Forget an agent, and return him as he was; tickets keep his id.

        Raises:
            NotFound: There is no such agent.
            InvalidStaff: He leads a team or stands in for somebody; it says whom.
        """

        def work(people: Staff) -> Agent:
            found = people.agent(agent)
            needed = [f"leads team {one.id!r}" for one in people.teams.values() if one.lead == found.id]
            needed += [f"stands in for {one.id!r}" for one in people.agents.values() if one.deputy == found.id]
            if needed:
                raise InvalidStaff(_who(agent), "id", f"cannot be removed: {'; '.join(needed[:5])}")
            people.remove(AGENT, found)
            return found

        return staff.changing(self._runner, work)

    def list(self, *, team: str | None = None, active: bool | None = None) -> Sequence[Agent]:
        """Return all agents by id: those of a *team*, those who are *active* or not.

        Raises:
            NotFound: There is no such team.
        """

        def work(people: Staff) -> Sequence[Agent]:
            if team is not None:
                people.team(team)
            return [
                one
                for one in people.agents.values()
                if (team is None or team in one.teams) and (active is None or one.active is active)
            ]

        return staff.reading(self._runner, work)

    def _save(self, people: Staff, agent: Agent) -> Agent:
        """Write an agent who fits to the others."""
        for team in agent.teams:
            people.team(team)
        if agent.tier not in {tier.level for tier in self._runner.rules.tiers}:
            known = ", ".join(str(tier.level) for tier in self._runner.rules.tiers)
            raise InvalidStaff(_who(agent.id), "tier", f"there is no support line {agent.tier}; there are: {known}")
        if agent.deputy is not None:
            people.agent(agent.deputy)
        if circle := people.circle(agent):
            raise InvalidStaff(_who(agent.id), "deputy", f"the deputies go round in a circle: {' -> '.join(circle)}")
        people.save(AGENT, agent)
        return agent


def _who(agent: str) -> str:
    return f"agent {str(agent)[:60]!r}"
