"""The services of an `AsyncDesk` about people: `desk.agents`, `teams`, `privacy` and `portal`, awaitable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from supportkit.agents import Agents
from supportkit.aio.threads import Threads
from supportkit.dispatching import AgentPresence
from supportkit.forgetting import Erased
from supportkit.model.people import SYSTEM, Actor, Agent, Customer, Shift, Team
from supportkit.portal import VALID_FOR, Portal, PublicTicket
from supportkit.presence import Presence
from supportkit.privacy import ErasureReport, Privacy
from supportkit.routing.duty import PresenceState
from supportkit.storage.port import Finding
from supportkit.teams import Teams


@attrs.frozen
class AsyncAgents:
    """The verbs of `Agents`, awaitable."""

    _threads: Threads
    _agents: Agents

    async def add(
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
        """See `Agents.add`."""
        return await self._threads.run(
            self._agents.add,
            agent,
            name,
            teams=teams,
            tier=tier,
            skills=skills,
            languages=languages,
            locale=locale,
            timezone=timezone,
            calendar=calendar,
            shifts=shifts,
            capacity=capacity,
            active=active,
            deputy=deputy,
        )

    async def get(self, agent: str) -> Agent:
        """See `Agents.get`."""
        return await self._threads.run(self._agents.get, agent)

    async def change(self, agent: str, **changes: Any) -> Agent:
        """See `Agents.change`."""
        return await self._threads.run(self._agents.change, agent, **changes)

    async def remove(self, agent: str) -> Agent:
        """See `Agents.remove`."""
        return await self._threads.run(self._agents.remove, agent)

    async def list(self, *, team: str | None = None, active: bool | None = None) -> Sequence[Agent]:
        """See `Agents.list`."""
        return await self._threads.run(self._agents.list, team=team, active=active)


@attrs.frozen
class AsyncTeams:
    """The verbs of `Teams`, awaitable."""

    _threads: Threads
    _teams: Teams

    async def add(
        self,
        team: str,
        name: str = "",
        *,
        lead: str | None = None,
        calendar: str | None = None,
        tier: int | None = None,
    ) -> Team:
        """See `Teams.add`."""
        return await self._threads.run(self._teams.add, team, name, lead=lead, calendar=calendar, tier=tier)

    async def get(self, team: str) -> Team:
        """See `Teams.get`."""
        return await self._threads.run(self._teams.get, team)

    async def change(self, team: str, **changes: Any) -> Team:
        """See `Teams.change`."""
        return await self._threads.run(self._teams.change, team, **changes)

    async def remove(self, team: str) -> Team:
        """See `Teams.remove`."""
        return await self._threads.run(self._teams.remove, team)

    async def list(self) -> Sequence[Team]:
        """See `Teams.list`."""
        return await self._threads.run(self._teams.list)

    async def members(self, team: str) -> Sequence[Agent]:
        """See `Teams.members`."""
        return await self._threads.run(self._teams.members, team)

    async def lint(self) -> Sequence[Finding]:
        """See `Teams.lint`."""
        return await self._threads.run(self._teams.lint)


@attrs.frozen
class AsyncPrivacy:
    """The verbs of `Privacy`, awaitable."""

    _threads: Threads
    _privacy: Privacy

    async def erase(self, customer: str | Customer, *, actor: Actor | str) -> ErasureReport:
        """See `Privacy.erase`."""
        return await self._threads.run(self._privacy.erase, customer, actor=actor)

    async def resume(self, *, actor: Actor | str = SYSTEM) -> Sequence[ErasureReport]:
        """See `Privacy.resume`."""
        return await self._threads.run(self._privacy.resume, actor=actor)

    async def ledger(self) -> Sequence[Erased]:
        """See `Privacy.ledger`."""
        return await self._threads.run(self._privacy.ledger)

    async def reapply(
        self, ledger: Iterable[Erased] | None = None, *, actor: Actor | str = SYSTEM
    ) -> Sequence[ErasureReport]:
        """See `Privacy.reapply`."""
        return await self._threads.run(self._privacy.reapply, ledger, actor=actor)

    async def export(self, customer: str | Customer, *, notes: bool = False) -> dict[str, Any]:
        """See `Privacy.export`."""
        return await self._threads.run(self._privacy.export, customer, notes=notes)


@attrs.frozen
class AsyncPortal:
    """The verbs of `Portal`, awaitable."""

    _threads: Threads
    _portal: Portal

    async def issue(self, customer: str | Customer, *, valid_for: dt.timedelta = VALID_FOR, once: bool = False) -> str:
        """See `Portal.issue`."""
        return await self._threads.run(self._portal.issue, customer, valid_for=valid_for, once=once)

    async def open(self, token: str) -> Customer:
        """See `Portal.open`."""
        return await self._threads.run(self._portal.open, token)

    async def tickets(self, token: str, *, limit: int = 50) -> Sequence[PublicTicket]:
        """See `Portal.tickets`."""
        return await self._threads.run(self._portal.tickets, token, limit=limit)

    async def ticket(self, token: str, reference: str) -> PublicTicket:
        """See `Portal.ticket`."""
        return await self._threads.run(self._portal.ticket, token, reference)

    async def revoke(self, customer: str | Customer) -> int:
        """See `Portal.revoke`."""
        return await self._threads.run(self._portal.revoke, customer)


@attrs.frozen
class AsyncPresence:
    """The verbs of `Presence`, awaitable."""

    _threads: Threads
    _presences: Presence

    async def set(
        self, agent: str, state: PresenceState | str, *, lasting: dt.timedelta | None = None
    ) -> AgentPresence:
        """See `Presence.set`."""
        return await self._threads.run(self._presences.set, agent, state, lasting=lasting)

    async def get(self, agent: str) -> AgentPresence | None:
        """See `Presence.get`."""
        return await self._threads.run(self._presences.get, agent)

    async def list(self) -> Sequence[AgentPresence]:
        """See `Presence.list`."""
        return await self._threads.run(self._presences.list)

    async def clear(self, agent: str) -> None:
        """See `Presence.clear`."""
        return await self._threads.run(self._presences.clear, agent)
