"""What is possible after an answer did not arrive: what its channel still takes, and the next leg. Nothing moves."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, cast

from supportkit.channels.port import ChannelAdapter, Reason
from supportkit.channels.windows import Closed, window_at
from supportkit.engine.effects import PUBLIC, REPLY
from supportkit.legs import best_of, ways
from supportkit.model.change import Outgoing
from supportkit.model.conversation import Leg
from supportkit.model.events import ChannelProposed
from supportkit.model.ticket import Ticket
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import UnitOfWork

if TYPE_CHECKING:
    from supportkit.runner import Runner

ELSEWHERE = frozenset(
    {
        Reason.WINDOW_CLOSED.value,
        Reason.OPTED_OUT.value,
        Reason.BLOCKED.value,
        Reason.BAD_RECIPIENT.value,
        Reason.NOT_FOUND.value,
    }
)
"""Reasons that lie in the channel or the address, so that another way may help."""


def proposed(
    runner: Runner, unit: UnitOfWork, ticket: Ticket, delivery: Outgoing, reason: str, *, whatever: bool = False
) -> tuple[ChannelProposed, ...]:
    """Return the event that says what is possible.

    There is none where nothing is, for a notice, and where it was said for this message before.

    Args:
        runner: Of the desk.
        unit: The transaction that records the failure.
        ticket: The ticket of the answer.
        delivery: What did not arrive.
        reason: Why.
        whatever: Another way may help whatever the reason was: the provider had taken it.
    """
    if delivery.rule not in {REPLY, PUBLIC} or not (whatever or reason in ELSEWHERE):
        return ()
    if not runner.storage.capabilities.receives or not runner.channels or _was_said(unit, ticket, delivery.message):
        return ()
    receiving, now = cast("ReceivingUnit", unit), runner.clock.now()
    leg = None if delivery.leg is None else receiving.leg(delivery.leg)
    adapter = runner.channels.get(delivery.channel)
    allowed = () if adapter is None or leg is None else _allowed(adapter, leg, reason, now)
    others = [
        way
        for way in ways(receiving, runner.channels, ticket, now)
        if way.channel != delivery.channel or (leg is not None and way.address != leg.address)
    ]
    best = best_of(others)
    if best is None and not allowed:
        return ()
    return (
        ChannelProposed(
            message=delivery.message,
            reason=reason,
            allowed=allowed,
            channel=None if best is None else best.channel,
            leg=None if best is None else best.id,
        ),
    )


def _allowed(adapter: ChannelAdapter, leg: Leg, reason: str, now: dt.datetime) -> tuple[str, ...]:
    """Return what the channel of a leg still takes after its window, also where only the provider says it is over."""
    window, heard_at = adapter.capabilities.reply_window, leg.heard_at
    if window is not None and reason == Reason.WINDOW_CLOSED and heard_at is not None:
        heard_at = min(heard_at, now - window.length)
    found = window_at(window, heard_at, now)
    return found.allowed if isinstance(found, Closed) else ()


def _was_said(unit: UnitOfWork, ticket: Ticket, message: str) -> bool:
    return any(
        isinstance(one.event, ChannelProposed) and one.event.message == message for one in unit.history(ticket.id)
    )
