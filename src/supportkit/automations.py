"""`desk.automations`: escalation rules as automations, with a dry run and a log of what fired and why."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from supportkit.arguments import as_ticket
from supportkit.clock import to_us
from supportkit.drafting import Page, Ref
from supportkit.errors import NotFound
from supportkit.escalating import Escalating
from supportkit.escalation.rules import EscalationRules
from supportkit.lookup import find
from supportkit.model import events as ev
from supportkit.model.events import Recorded
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner

_TOLD = (ev.EscalationFired, ev.EscalationRefused, ev.EscalationStopped)


@attrs.frozen
class Automations:
    """What the desk does by itself: `rules`, `preview`, `log`.

    The rules are those of `Desk(escalations=...)`: an escalation is an automation that finds more help.
    """

    _runner: Runner

    @property
    def rules(self) -> EscalationRules:
        """The rules that hold."""
        table = self._runner.rules.escalations
        return EscalationRules() if table is None else table.escalations

    def preview(self, ticket: Ref | Ticket, rule: str, *, level: int = 1) -> Sequence[Recorded]:
        """Return the events that a level of a rule would write on a ticket if it fired now, and write nothing.

        An action that would not be possible is there as `EscalationRefused`. Whether the rule would fire at all is what
        `desk.escalations.explain` says; what other rules would make of these events is not followed.

        Args:
            ticket: On which ticket.
            rule: The id of the rule.
            level: Which level, from 1.

        Raises:
            TicketNotFound: There is no such ticket.
            NotFound: There is no such rule, or it has no such level.
        """
        table = self._runner.rules.escalations
        found = None if table is None else table.rule(rule)
        if found is None or not 1 <= level <= len(found.levels):
            raise NotFound("level of a rule", f"{rule:.60}, {level}")
        now = self._runner.clock.now()
        with self._runner.reading() as unit:
            named = find(unit, as_ticket(ticket))
            draft = self._runner.draft(unit, None, now, now)
            page = Page(draft, named.tenant, named, named.id, to_us(now))
            return Escalating(draft, page).preview(found, level)

    def log(self, ticket: Ref | Ticket) -> Sequence[Recorded]:
        """Return what rules did on a ticket: what fired and why, what could not be done, what was stopped.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        with self._runner.reading() as unit:
            history = unit.history(find(unit, as_ticket(ticket)).id)
        return [recorded for recorded in history if isinstance(recorded.event, _TOLD)]
