"""Decisions about deliveries: one that fails, and those that a person decides. Pure, a part of `decide`."""

from __future__ import annotations

from supportkit.errors import IllegalSettlement
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.message import OutboxState
from supportkit.model.ticket import Ticket

Events = tuple[ev.Event, ...]
SETTLED_AS = (OutboxState.PENDING, OutboxState.SENT, OutboxState.FAILED, OutboxState.CANCELLED)
"""What a person may make of a delivery that waits for one."""
FOR_PEOPLE = (OutboxState.UNKNOWN, OutboxState.PARKED)
"""Where a delivery waits for a person."""


def fail_delivery(_ticket: Ticket, command: cm.FailDelivery, *_unused: object) -> Events:
    """Say that an answer will not arrive."""
    return (ev.DeliveryFailed(message=command.message, channel=command.channel, reason=command.reason),)


def retry_delivery(_ticket: Ticket, command: cm.RetryDelivery, *_unused: object) -> Events:
    """Let a delivery begin anew.

    Raises:
        IllegalSettlement: It does not wait for a person.
    """
    _for_people(command, OutboxState.PENDING)
    return (_retried(command),)


def settle_delivery(_ticket: Ticket, command: cm.SettleDelivery, *_unused: object) -> Events:
    """Say what became of a delivery.

    Raises:
        IllegalSettlement: It does not wait for a person, or cannot become that.
    """
    _for_people(command, command.state)
    if command.state is OutboxState.PENDING:
        return (_retried(command),)
    return (
        ev.DeliverySettled(
            delivery=command.delivery,
            message=command.message,
            channel=command.channel,
            source=command.source,
            state=command.state,
            reason="person",
            note=command.note,
        ),
    )


def _retried(command: cm.RetryDelivery | cm.SettleDelivery) -> ev.DeliveryRetried:
    return ev.DeliveryRetried(
        delivery=command.delivery,
        message=command.message,
        channel=command.channel,
        source=command.source,
        note=command.note,
    )


def _for_people(command: cm.RetryDelivery | cm.SettleDelivery, wanted: OutboxState) -> None:
    allowed = SETTLED_AS if command.source in FOR_PEOPLE else ()
    if wanted not in allowed:
        raise IllegalSettlement(command.delivery, command.source, wanted, allowed)
