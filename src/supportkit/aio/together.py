"""The services of an `AsyncDesk` for agents who work together, awaitable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

import attrs

from supportkit.aio.threads import Threads
from supportkit.arguments import How
from supportkit.automations import Automations
from supportkit.drafting import Ref
from supportkit.drafts import Drafts, SavedDraft
from supportkit.escalation.rules import EscalationRules
from supportkit.incidents import CausedTicket, IncidentReport, Incidents
from supportkit.macro import Macro
from supportkit.macros import Macros
from supportkit.model.events import Recorded
from supportkit.model.message import Message
from supportkit.model.people import Actor
from supportkit.model.ticket import ClosingReason, Ticket
from supportkit.viewing import LOOKING_FOR, TYPING_FOR, Viewer, Viewing


@attrs.frozen
class AsyncViewing:
    """The verbs of `Viewing`, awaitable."""

    _threads: Threads
    _viewing: Viewing

    async def look(self, ticket: Ref | Ticket, agent: str, *, lasting: dt.timedelta = LOOKING_FOR) -> Sequence[Viewer]:
        """See `Viewing.look`."""
        return await self._threads.run(self._viewing.look, ticket, agent, lasting=lasting)

    async def typing(self, ticket: Ref | Ticket, agent: str, *, lasting: dt.timedelta = TYPING_FOR) -> Sequence[Viewer]:
        """See `Viewing.typing`."""
        return await self._threads.run(self._viewing.typing, ticket, agent, lasting=lasting)

    async def leave(self, ticket: Ref | Ticket, agent: str) -> None:
        """See `Viewing.leave`."""
        return await self._threads.run(self._viewing.leave, ticket, agent)

    async def list(self, ticket: Ref | Ticket) -> Sequence[Viewer]:
        """See `Viewing.list`."""
        return await self._threads.run(self._viewing.list, ticket)


@attrs.frozen
class AsyncDrafts:
    """The verbs of `Drafts`, awaitable."""

    _threads: Threads
    _drafts: Drafts

    async def save(
        self,
        ticket: Ref | Ticket,
        agent: str,
        body: str,
        *,
        seen_version: int | None = None,
        expected_version: int | None = None,
    ) -> SavedDraft:
        """See `Drafts.save`."""
        return await self._threads.run(
            self._drafts.save, ticket, agent, body, seen_version=seen_version, expected_version=expected_version
        )

    async def get(self, ticket: Ref | Ticket, agent: str) -> SavedDraft | None:
        """See `Drafts.get`."""
        return await self._threads.run(self._drafts.get, ticket, agent)

    async def list(self, ticket: Ref | Ticket) -> Sequence[SavedDraft]:
        """See `Drafts.list`."""
        return await self._threads.run(self._drafts.list, ticket)

    async def newer(self, ticket: Ref | Ticket, agent: str) -> Sequence[Message]:
        """See `Drafts.newer`."""
        return await self._threads.run(self._drafts.newer, ticket, agent)

    async def discard(self, ticket: Ref | Ticket, agent: str) -> None:
        """See `Drafts.discard`."""
        return await self._threads.run(self._drafts.discard, ticket, agent)

    async def send(
        self,
        ticket: Ref | Ticket,
        agent: str,
        *,
        actor: Actor | str | None = None,
        channel: str | None = None,
        seen_version: int | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Drafts.send`."""
        return await self._threads.run(
            self._drafts.send, ticket, agent, actor=actor, channel=channel, seen_version=seen_version, **how
        )


@attrs.frozen
class AsyncMacros:
    """The verbs of `Macros`, awaitable."""

    _threads: Threads
    _macros: Macros

    async def save(self, macro: Macro | Mapping[str, Any], *, expected_version: int | None = None) -> Macro:
        """See `Macros.save`."""
        return await self._threads.run(self._macros.save, macro, expected_version=expected_version)

    async def get(self, name: str) -> Macro:
        """See `Macros.get`."""
        return await self._threads.run(self._macros.get, name)

    async def list(self) -> Sequence[Macro]:
        """See `Macros.list`."""
        return await self._threads.run(self._macros.list)

    async def remove(self, name: str) -> Macro:
        """See `Macros.remove`."""
        return await self._threads.run(self._macros.remove, name)

    async def apply(self, ticket: Ref | Ticket, name: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Macros.apply`."""
        return await self._threads.run(self._macros.apply, ticket, name, actor=actor, **how)

    async def preview(self, ticket: Ref | Ticket, name: str, *, actor: Actor | str) -> Sequence[Recorded]:
        """See `Macros.preview`."""
        return await self._threads.run(self._macros.preview, ticket, name, actor=actor)


@attrs.frozen
class AsyncAutomations:
    """The verbs of `Automations`, awaitable."""

    _threads: Threads
    _automations: Automations

    @property
    def rules(self) -> EscalationRules:
        """The rules that hold."""
        return self._automations.rules

    async def preview(self, ticket: Ref | Ticket, rule: str, *, level: int = 1) -> Sequence[Recorded]:
        """See `Automations.preview`."""
        return await self._threads.run(self._automations.preview, ticket, rule, level=level)

    async def log(self, ticket: Ref | Ticket) -> Sequence[Recorded]:
        """See `Automations.log`."""
        return await self._threads.run(self._automations.log, ticket)


@attrs.frozen
class AsyncIncidents:
    """The verbs of `Incidents`, awaitable."""

    _threads: Threads
    _incidents: Incidents

    async def add(
        self, incident: Ref | Ticket, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Incidents.add`."""
        return await self._threads.run(self._incidents.add, incident, ticket, actor=actor, **how)

    async def tickets(self, incident: Ref | Ticket) -> Sequence[CausedTicket]:
        """See `Incidents.tickets`."""
        return await self._threads.run(self._incidents.tickets, incident)

    async def answer(
        self,
        incident: Ref | Ticket,
        text: str,
        *,
        actor: Actor | str,
        key: str | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> IncidentReport:
        """See `Incidents.answer`."""
        return await self._threads.run(self._incidents.answer, incident, text, actor=actor, key=key, stop=stop)

    async def resolve(
        self,
        incident: Ref | Ticket,
        text: str,
        *,
        actor: Actor | str,
        answer: str | None = None,
        reason: ClosingReason | str = ClosingReason.SOLVED,
        key: str | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> IncidentReport:
        """See `Incidents.resolve`."""
        return await self._threads.run(
            self._incidents.resolve, incident, text, actor=actor, answer=answer, reason=reason, key=key, stop=stop
        )
