"""Steps that several decisions share: refusing, firing a trigger, and what no command may do. Pure."""

from __future__ import annotations

import datetime as dt

from supportkit.engine.rules import Rules
from supportkit.errors import Refused
from supportkit.lifecycle import Refusal
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.ticket import ClosingReason, Ticket

Events = tuple[ev.Event, ...]


def refuse(code: str, sentence: str) -> Refused:
    """Build the error of a refusal."""
    return Refused(Refusal(code, sentence))


def step(
    ticket: Ticket,
    trigger: str,
    command: cm.Command,
    rules: Rules,
    *,
    reason: ClosingReason | None = None,
    text: str = "",
    until: dt.datetime | None = None,
) -> Events:
    """Fire *trigger*; no event where the ticket stays in its state."""
    lifecycle = rules.lifecycle
    dest = lifecycle.step(ticket.state, trigger)
    refusal = lifecycle.check(ticket.state, trigger, ticket, command)
    if refusal is not None:
        raise Refused(refusal)
    if dest == ticket.state:
        return ()
    return (
        ev.StateChanged(
            trigger=trigger,
            source=ticket.state,
            dest=dest,
            category=lifecycle.category(dest),
            reason=reason,
            text=text,
            until=until,
        ),
    )


def not_merged(ticket: Ticket) -> None:
    """Refuse a ticket that has ended in another one."""
    if ticket.merged_into is not None:
        raise refuse("ticket.merged", f"ticket {ticket.number} was merged into {ticket.merged_into}: unmerge it first")


def known_tier(level: int, rules: Rules) -> None:
    """Refuse a line that the desk does not have."""
    if level not in rules.levels:
        has = ", ".join(str(known) for known in sorted(rules.levels))
        raise refuse("tier.unknown", f"there is no tier {level}; there are: {has}")
