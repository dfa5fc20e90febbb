"""From the log of a ticket to facts: what the model's events mean for clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.events import Recorded
from supportkit.model.message import OutboxState
from supportkit.model.ticket import Ticket
from supportkit.sla import facts as fa
from supportkit.sla.facts import Fact


def facts_of(recorded: Recorded) -> tuple[Fact, ...]:
    """Return the facts in one recorded event; none for what no clock knows, such as notes and tags.

    The facts of one event share its sequence number and stand in the order in which they take effect. What a policy
    was chosen by is not in its event: `subject_of` tells it from the ticket after the event.
    """
    translate = _FACTS.get(type(recorded.event))
    if translate is None:
        return ()
    return translate(recorded.event, recorded)


def _when(recorded: Recorded) -> dict[str, Any]:
    """Return what every fact has; the two most frequent ones are made without the dict."""
    return {"occurred_at": recorded.occurred_at, "recorded_at": recorded.recorded_at, "seq": recorded.seq}


def subject_of(ticket: Ticket | cm.Open | ev.TicketOpened) -> dict[str, Any]:
    """Return what conditions of policies may ask for: the custom fields, and over them the ticket's own."""
    return {
        **ticket.fields,
        "channel": ticket.channel,
        "priority": ticket.priority,
        "tier": ticket.tier,
        "team": ticket.team,
        "tags": ticket.tags,
        "customer": ticket.customer,
        "locale": ticket.locale,
        "source": ticket.source,
    }


def _opened(event: ev.TicketOpened, recorded: Recorded) -> tuple[Fact, ...]:
    return (
        fa.Created(
            **_when(recorded),
            channel=event.channel,
            priority=event.priority,
            tier=event.tier,
            author=recorded.actor.kind,
            state=event.state,
            category=event.category,
            owner=event.assignee,
            ticket=recorded.ticket,
            is_applied=True,
            policy=event.policy,
            revision=event.revision,
        ),
        fa.PolicyApplied(**_when(recorded), policy=event.policy, revision=event.revision),
    )


def _message(event: ev.MessageReceived | ev.ReplyAdded, recorded: Recorded) -> tuple[Fact, ...]:
    author = event.author
    return (
        fa.Messaged(
            occurred_at=recorded.occurred_at,
            recorded_at=recorded.recorded_at,
            seq=recorded.seq,
            message=event.message,
            author=author.kind,
            by=author.id,
            kind=event.kind,
            channel=event.channel,
        ),
    )


def _failed(event: ev.DeliveryFailed, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.DeliveryFailed(**_when(recorded), message=event.message),)


def _settled(event: ev.DeliverySettled, recorded: Recorded) -> tuple[Fact, ...]:
    if event.state in {OutboxState.FAILED, OutboxState.CANCELLED}:
        return (fa.DeliveryFailed(**_when(recorded), message=event.message),)
    return ()


def _state(event: ev.StateChanged, recorded: Recorded) -> tuple[Fact, ...]:
    return (
        fa.StateEntered(
            occurred_at=recorded.occurred_at,
            recorded_at=recorded.recorded_at,
            seq=recorded.seq,
            state=event.dest,
            category=event.category,
        ),
    )


def _assigned(event: ev.Assigned | ev.Routed, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.OwnerSet(**_when(recorded), owner=event.assignee),)


def _assignment_returned(_event: ev.AssignmentReturned, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.OwnerSet(**_when(recorded), owner=None),)


def _priority(event: ev.PriorityChanged, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.PrioritySet(**_when(recorded), priority=event.priority),)


def _tier(event: ev.TierMoved, recorded: Recorded) -> tuple[Fact, ...]:
    """Translate a move: another line holds the ticket, and nobody there owns it yet."""
    return (fa.TierEntered(**_when(recorded), tier=event.dest), fa.OwnerSet(**_when(recorded), owner=None))


def _merged(event: ev.TicketMerged, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.Merged(**_when(recorded), into=event.into),)


def _unmerged(event: ev.TicketUnmerged, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.Unmerged(**_when(recorded), out_of=event.out_of),)


def _absorbed(event: ev.TicketAbsorbed, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.Absorbed(**_when(recorded), ticket=event.part.ticket),)


def _released(event: ev.TicketReleased, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.Released(**_when(recorded), ticket=event.ticket),)


def _applied(event: ev.PolicyApplied, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.PolicyApplied(**_when(recorded), policy=event.policy, revision=event.revision),)


def _due_set(event: ev.DueSet, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.DueOverridden(**_when(recorded), metric=event.metric, instant=event.due),)


def _promised(event: ev.PromiseMade | ev.PromiseMoved, recorded: Recorded) -> tuple[Fact, ...]:
    goal = event.due if event.due is not None else event.within
    if goal is None:  # nothing that a clock could wait for
        return ()
    fact = fa.PromiseMade if isinstance(event, ev.PromiseMade) else fa.PromiseMoved
    return (fact(**_when(recorded), promise=event.promise, promised=goal),)


def _kept(event: ev.PromiseKept, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.PromiseKept(**_when(recorded), promise=event.promise),)


def _cancelled(event: ev.PromiseCancelled, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.PromiseCancelled(**_when(recorded), promise=event.promise),)


def _handed_over(event: ev.HandedOver, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.ExternalStarted(**_when(recorded), vendor=event.vendor),)


def _vendor_paused(event: ev.VendorPaused, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.ExternalPaused(**_when(recorded), vendor=event.vendor),)


def _vendor_resumed(event: ev.VendorResumed, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.ExternalResumed(**_when(recorded), vendor=event.vendor),)


def _taken_back(event: ev.TakenBack, recorded: Recorded) -> tuple[Fact, ...]:
    return (fa.ExternalEnded(**_when(recorded), vendor=event.vendor),)


_FACTS: dict[type[Any], Callable[[Any, Recorded], tuple[Fact, ...]]] = {
    ev.TicketOpened: _opened,
    ev.MessageReceived: _message,
    ev.ReplyAdded: _message,
    ev.DeliveryFailed: _failed,
    ev.DeliverySettled: _settled,
    ev.StateChanged: _state,
    ev.Assigned: _assigned,
    ev.Routed: _assigned,
    ev.AssignmentReturned: _assignment_returned,
    ev.PriorityChanged: _priority,
    ev.TierMoved: _tier,
    ev.TicketMerged: _merged,
    ev.TicketAbsorbed: _absorbed,
    ev.TicketUnmerged: _unmerged,
    ev.TicketReleased: _released,
    ev.PolicyApplied: _applied,
    ev.DueSet: _due_set,
    ev.PromiseMade: _promised,
    ev.PromiseMoved: _promised,
    ev.PromiseKept: _kept,
    ev.PromiseCancelled: _cancelled,
    ev.HandedOver: _handed_over,
    ev.VendorPaused: _vendor_paused,
    ev.VendorResumed: _vendor_resumed,
    ev.TakenBack: _taken_back,
}
