"""From the log of a ticket to facts: what the model's events mean for clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from supportkit.model import events as ev
from supportkit.model.events import Recorded
from supportkit.sla import facts as fa
from supportkit.sla.facts import Fact


def facts_of(recorded: Recorded) -> tuple[Fact, ...]:
    """Return the facts in one recorded event; none for what no clock knows, such as notes and tags.

    The facts of one event share its sequence number and stand in the order in which they take effect.
    """
    translate = _FACTS.get(type(recorded.event))
    if translate is None:
        return ()
    when = {"occurred_at": recorded.occurred_at, "recorded_at": recorded.recorded_at, "seq": recorded.seq}
    return translate(recorded.event, recorded, when)


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
        ),
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
}
