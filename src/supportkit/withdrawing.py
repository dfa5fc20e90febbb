"""Taking deliveries back that have lost their point: the ticket was merged, or closed as spam."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from supportkit.engine.effects import REPLY
from supportkit.model.change import OutboxState, Outgoing
from supportkit.model.events import DeliverySettled, Event, StateChanged, TicketMerged
from supportkit.model.ticket import ClosingReason
from supportkit.storage.port import UnitOfWork


def withdraw(unit: UnitOfWork, ticket: str, events: Iterable[Event]) -> tuple[Event, ...]:
    """Return *events* of a ticket and an event for each delivery that they cancel; in storage it is cancelled then.

    A merge cancels notices; what agents wrote still goes out. Spam cancels everything. What a worker holds is marked:
    its result still counts, and it is not tried again.
    """
    found = tuple(events)
    for event in found:
        match event:
            case TicketMerged():
                return (*found, *_cancel(unit, ticket, "merged", but=(REPLY,)))
            case StateChanged(reason=ClosingReason.SPAM):
                return (*found, *_cancel(unit, ticket, "spam"))
            case _:
                continue
    return found


def _cancel(unit: UnitOfWork, ticket: str, reason: str, but: Collection[str] = ()) -> tuple[Event, ...]:
    return tuple(cancelled(delivery, reason) for delivery in unit.withdraw_outbox(ticket, reason=reason, but=but))


def cancelled(delivery: Outgoing, reason: str) -> DeliverySettled:
    """Return the event that says that a *delivery* will not be made after all."""
    return DeliverySettled(
        delivery=delivery.id,
        message=delivery.message,
        channel=delivery.channel,
        source=delivery.state,
        state=OutboxState.CANCELLED,
        reason=reason,
    )
