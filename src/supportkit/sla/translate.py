"""From the log of a ticket to facts: what the model's events mean for clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.events import Recorded
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
    when = {"occurred_at": recorded.occurred_at, "recorded_at": recorded.recorded_at, "seq": recorded.seq}
    return translate(recorded.event, recorded, when)


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


def _opened(event: ev.TicketOpened, recorded: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (
        fa.Created(
            **when,
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
        fa.PolicyApplied(**when, policy=event.policy, revision=event.revision),
    )


def _message(event: ev.MessageReceived | ev.ReplyAdded, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    author = event.author
    return (
        fa.Messaged(
            **when, message=event.message, author=author.kind, by=author.id, kind=event.kind, channel=event.channel
        ),
    )


def _failed(event: ev.DeliveryFailed, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.DeliveryFailed(**when, message=event.message),)


def _state(event: ev.StateChanged, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.StateEntered(**when, state=event.dest, category=event.category),)


def _assigned(event: ev.Assigned, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.OwnerSet(**when, owner=event.assignee),)


def _priority(event: ev.PriorityChanged, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.PrioritySet(**when, priority=event.priority),)


def _tier(event: ev.TierMoved, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    """Translate a move: another line holds the ticket, and nobody there owns it yet."""
    return (fa.TierEntered(**when, tier=event.dest), fa.OwnerSet(**when, owner=None))


def _merged(event: ev.TicketMerged, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.Merged(**when, into=event.into),)


def _unmerged(event: ev.TicketUnmerged, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.Unmerged(**when, out_of=event.out_of),)


def _absorbed(event: ev.TicketAbsorbed, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.Absorbed(**when, ticket=event.part.ticket),)


def _released(event: ev.TicketReleased, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.Released(**when, ticket=event.ticket),)


def _applied(event: ev.PolicyApplied, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.PolicyApplied(**when, policy=event.policy, revision=event.revision),)


def _due_set(event: ev.DueSet, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.DueOverridden(**when, metric=event.metric, instant=event.due),)


def _promised(event: ev.PromiseMade | ev.PromiseMoved, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    goal = event.due if event.due is not None else event.within
    if goal is None:  # nothing that a clock could wait for
        return ()
    fact = fa.PromiseMade if isinstance(event, ev.PromiseMade) else fa.PromiseMoved
    return (fact(**when, promise=event.promise, promised=goal),)


def _kept(event: ev.PromiseKept, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.PromiseKept(**when, promise=event.promise),)


def _cancelled(event: ev.PromiseCancelled, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.PromiseCancelled(**when, promise=event.promise),)


def _handed_over(event: ev.HandedOver, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.ExternalStarted(**when, vendor=event.vendor),)


def _vendor_paused(event: ev.VendorPaused, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.ExternalPaused(**when, vendor=event.vendor),)


def _vendor_resumed(event: ev.VendorResumed, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.ExternalResumed(**when, vendor=event.vendor),)


def _taken_back(event: ev.TakenBack, _: Recorded, when: dict[str, Any]) -> tuple[Fact, ...]:
    return (fa.ExternalEnded(**when, vendor=event.vendor),)


_FACTS: dict[type[Any], Callable[[Any, Recorded, dict[str, Any]], tuple[Fact, ...]]] = {
    ev.TicketOpened: _opened,
    ev.MessageReceived: _message,
    ev.ReplyAdded: _message,
    ev.DeliveryFailed: _failed,
    ev.StateChanged: _state,
    ev.Assigned: _assigned,
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
