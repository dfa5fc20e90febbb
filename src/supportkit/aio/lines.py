"""The services about support lines of an `AsyncDesk`: the verbs of `desk.escalations` and `desk.regulation`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Unpack

import attrs

from supportkit.aio.threads import Threads
from supportkit.arguments import How
from supportkit.drafting import Ref
from supportkit.escalation.explain import Explanation
from supportkit.escalation.findings import Finding
from supportkit.escalation.handover import Handover
from supportkit.escalation.regulation import Duties, Responsible
from supportkit.escalation.rules import EscalationRules
from supportkit.escalations import Escalations, Regulation
from supportkit.model.people import Actor
from supportkit.model.ticket import Ticket


@attrs.frozen
class AsyncEscalations:
    """The verbs of `Escalations`, awaitable."""

    _threads: Threads
    _escalations: Escalations

    @property
    def rules(self) -> EscalationRules:
        """The rules that hold."""
        return self._escalations.rules

    async def lint(self) -> list[Finding]:
        """See `Escalations.lint`."""
        return await self._threads.run(self._escalations.lint)

    async def explain(self, ticket: Ref | Ticket) -> tuple[Explanation, ...]:
        """See `Escalations.explain`."""
        return await self._threads.run(self._escalations.explain, ticket)

    async def handovers(self, ticket: Ref | Ticket) -> tuple[Handover, ...]:
        """See `Escalations.handovers`."""
        return await self._threads.run(self._escalations.handovers, ticket)

    async def signal(
        self, ticket: Ref | Ticket, signal: str, *, actor: Actor | str, instance: str = "", **how: Unpack[How]
    ) -> Ticket:
        """See `Escalations.signal`."""
        return await self._threads.run(self._escalations.signal, ticket, signal, actor=actor, instance=instance, **how)

    async def acknowledge(self, ticket: Ref | Ticket, rule: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Escalations.acknowledge`."""
        return await self._threads.run(self._escalations.acknowledge, ticket, rule, actor=actor, **how)


@attrs.frozen
class AsyncRegulation:
    """The verbs of `Regulation`, awaitable."""

    _threads: Threads
    _regulation: Regulation

    @property
    def table(self) -> Duties:
        """The table that holds."""
        return self._regulation.table

    async def responsible(self, ticket: Ref | Ticket, *, away: Collection[str] = ()) -> Responsible | None:
        """See `Regulation.responsible`."""
        return await self._threads.run(self._regulation.responsible, ticket, away=away)

    async def lint(self, *, people: Collection[str] | None = None, topics: Iterable[str] = ()) -> list[Finding]:
        """See `Regulation.lint`."""
        return await self._threads.run(self._regulation.lint, people=people, topics=topics)
