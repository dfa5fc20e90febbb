"""Escalation as pure functions: what an event sets going, and what the actions of a rule mean on a ticket.

Which levels fired before, and writing it all down, is for the shell (`supportkit.escalating`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from supportkit.clock import MICROSECOND
from supportkit.engine.rules import Rules
from supportkit.escalation.actions import AddTags, AssignTo, CallHook, MoveTo, Notify, Raise
from supportkit.escalation.table import Trigger
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.events import Recorded
from supportkit.model.message import MessageKind
from supportkit.model.people import SYSTEM, ActorKind
from supportkit.model.ticket import Priority, Ticket
from supportkit.sla.policy import ALWAYS_OPEN
from supportkit.sla.terms import write_duration

STAY = "stay"
"""The deadline at which a ticket has been in its line for so long as some rule waits for."""
MAX_DEPTH = 5
"""How many escalations in a row may lead to each other within one command."""
MAX_TIMES = 20
"""How often a level may fire on one ticket, over all instances; rules that move a ticket in a circle end here."""
AGENT = "agent:"


# -- what an event sets going ----------------------------------------------------------------------------------------


def triggers_of(recorded: Recorded, ticket: Ticket, rules: Rules, depth: int = 0) -> list[Trigger]:
    """Return what rules may wait for in an event; unanswered messages and keywords are for the shell to look up."""
    make = _TRIGGERS.get(type(recorded.event))
    return [] if make is None else [one._replace(depth=depth) for one in make(recorded, ticket, rules)]


def _warned(recorded: Recorded, _ticket: Ticket, _rules: Rules) -> list[Trigger]:
    event: Any = recorded.event
    key = ("warned", event.metric, event.threshold)
    return [
        Trigger(key, _clock(event), f"{event.metric}: {_reached(event.threshold)}", recorded.occurred_at, event.late)
    ]


def _breached(recorded: Recorded, _ticket: Ticket, _rules: Rules) -> list[Trigger]:
    event: Any = recorded.event
    why = f"{event.metric} was breached"
    return [Trigger(("breached", event.metric), _clock(event), why, recorded.occurred_at, event.late)]


def _clock(event: ev.ClockWarned | ev.ClockBreached) -> str:
    return f"{event.metric}/{event.instance}/{event.cycle}"


def _reached(threshold: str) -> str:
    if threshold.endswith("%"):
        return f"{threshold} of the target is used"
    span = write_duration(dt.timedelta(seconds=abs(float(threshold[:-1]))))
    return f"due in {span} of open time" if threshold.startswith("-") else f"{span} of open time late"


def _matches(recorded: Recorded, _ticket: Ticket, _rules: Rules) -> list[Trigger]:
    return [Trigger(("match",), "ticket", "a ticket of this kind", recorded.occurred_at)]


def _changed_state(recorded: Recorded, ticket: Ticket, rules: Rules) -> list[Trigger]:
    event: Any = recorded.event
    found = _matches(recorded, ticket, rules)
    if rules.lifecycle.category(event.source).is_done and not event.category.is_done:
        times = ticket.reopenings
        why = f"reopened {times} times" if times > 1 else "reopened"
        found.append(Trigger(("reopened", times), "reopened", why, recorded.occurred_at))
    return found


def _signalled(recorded: Recorded, _ticket: Ticket, _rules: Rules) -> list[Trigger]:
    event: Any = recorded.event
    why = f"the signal {event.signal!r}"
    return [Trigger(("signal", event.signal), f"{event.signal}/{event.instance}", why, recorded.occurred_at)]


_TRIGGERS: Mapping[type[Any], Callable[[Recorded, Ticket, Rules], list[Trigger]]] = {
    ev.ClockWarned: _warned,
    ev.ClockBreached: _breached,
    ev.SignalRaised: _signalled,
    ev.StateChanged: _changed_state,
    ev.TicketOpened: _matches,
    ev.PriorityChanged: _matches,
    ev.TagsChanged: _matches,
    ev.FieldsChanged: _matches,
    ev.TierMoved: _matches,
    ev.Assigned: _matches,
    ev.CustomerChanged: _matches,
}


def is_from_customer(event: ev.Event) -> bool:
    """Tell whether an event is a message that a customer wrote himself."""
    return (
        isinstance(event, ev.MessageReceived)
        and event.author.kind is ActorKind.CUSTOMER
        and event.kind not in {MessageKind.AUTO, MessageKind.CAMPAIGN}
    )


def unanswered(log: Iterable[Recorded]) -> tuple[int, int]:
    """Return how many messages of the customer wait for an answer, and the event of the oldest one."""
    count = first = 0
    for recorded in log:
        event = recorded.event
        if is_from_customer(event):
            count, first = count + 1, first or recorded.seq
        elif isinstance(event, ev.ReplyAdded) and event.author.kind is ActorKind.AGENT:
            count = first = 0
    return count, first


def stays_due(spans: Iterable[dt.timedelta], entered: dt.datetime, tier: int, rules: Rules) -> dict[int, dt.datetime]:
    """Return when a ticket that *entered* a line has been there for each span of its open time, by microseconds."""
    name = rules.tier(tier).calendar if tier in rules.levels else None
    calendar = rules.promises.rules.calendar(name or ALWAYS_OPEN, None)
    return {span // MICROSECOND: calendar.add(entered, span, tie="next_open").astimezone(dt.UTC) for span in spans}


def line_at(log: Iterable[Recorded], visit: int, at: dt.datetime) -> int | None:
    """Return the line that a ticket came to by the event *visit*; `None` if it had left by *at*, or was finished."""
    line: int | None = None
    is_done = False
    for recorded in log:
        event = recorded.event
        if isinstance(event, ev.TicketOpened | ev.TierMoved):
            if recorded.seq == visit:
                line = event.tier if isinstance(event, ev.TicketOpened) else event.dest
            elif recorded.seq > visit and recorded.occurred_at <= at:
                return None
        elif isinstance(event, ev.StateChanged | ev.TicketMerged | ev.TicketUnmerged) and recorded.occurred_at <= at:
            is_done = event.category.is_done
    return None if is_done else line


# -- what an action means --------------------------------------------------------------------------------------------


def command_of(
    action: MoveTo | AssignTo | Raise | AddTags, ticket: Ticket, rules: Rules, why: str
) -> cm.Command | None:
    """Return the command that an action is on a ticket; `None` where nothing is to do."""
    match action:
        case MoveTo():
            return _move(action, ticket, rules, why)
        case AssignTo():
            return _assign(action, ticket, rules)
        case Raise():
            top = max(Priority)
            wanted = Priority(min(ticket.priority + 1, top)) if action.priority == "up" else action.priority
            return cm.SetPriority(actor=SYSTEM, priority=wanted) if wanted > ticket.priority else None
        case AddTags():
            return cm.Tag(actor=SYSTEM, add=action.tags)


def _move(action: MoveTo, ticket: Ticket, rules: Rules, why: str) -> cm.Command | None:
    if action.to == "up":
        above = [tier.level for tier in rules.tiers if tier.level > ticket.tier and not tier.external]
        to = min(above, default=ticket.tier)
    elif action.to == "down":
        to = max((level for level in rules.levels if level < ticket.tier), default=ticket.tier)
    else:
        to = action.to
    if to == ticket.tier:
        return None
    teams = rules.tier(to).teams if to in rules.levels else ()
    team = action.team or (teams[0] if teams else None)
    return cm.MoveTier(actor=SYSTEM, tier=to, team=team, summary=why)


def _assign(action: AssignTo, ticket: Ticket, rules: Rules) -> cm.Command | None:
    if not action.responsible:
        return cm.Assign(
            actor=SYSTEM,
            team=cm.KEEP if action.team is None else action.team,
            assignee=cm.KEEP if action.person is None else action.person,
        )
    found = None if rules.regulation is None else rules.regulation.responsible(ticket)
    if found is None:
        return None
    return cm.Assign(
        actor=SYSTEM,
        team=found.duty.team or cm.KEEP,
        assignee=found.acting or cm.KEEP,
    )


def people_of(action: Notify, ticket: Ticket, rules: Rules) -> tuple[str, ...]:
    """Return who is told; where a role is nobody's it is the lead of the line, else of the next one that has a lead."""
    found: dict[str, None] = {}
    for one in action.whom:
        people = _role(one, ticket, rules) or _role("lead", ticket, rules)
        found.update(dict.fromkeys(people or _leads_above(ticket.tier, rules)))
    return tuple(found)


def _role(one: str, ticket: Ticket, rules: Rules) -> tuple[str, ...]:
    if one.startswith(AGENT):
        return (one.removeprefix(AGENT),)
    if one == "followers":
        return ticket.followers
    if one == "assignee":
        return () if ticket.assignee is None else (ticket.assignee,)
    if one == "responsible":
        who = None if rules.regulation is None else rules.regulation.responsible(ticket)
        return () if who is None or who.acting is None else (who.acting,)
    lead = rules.tier(ticket.tier).lead if ticket.tier in rules.levels else None
    return () if lead is None else (lead,)


def _leads_above(level: int, rules: Rules) -> tuple[str, ...]:
    above = sorted((tier for tier in rules.tiers if tier.level > level), key=lambda tier: tier.level)
    return next(((tier.lead,) for tier in above if tier.lead is not None), ())


def is_command(action: Any) -> bool:
    """Tell whether an action changes the ticket."""
    return not isinstance(action, Notify | CallHook)
