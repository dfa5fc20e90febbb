"""Automatic messages: what the desk says by itself, written into a draft together with its deliveries."""

from __future__ import annotations

from supportkit.channels.port import ChannelAdapter
from supportkit.drafting import Draft
from supportkit.model.change import OutboxState, Outgoing
from supportkit.model.conversation import Leg
from supportkit.model.message import Message, MessageKind
from supportkit.model.people import SYSTEM
from supportkit.model.ticket import Ticket

__all__ = ["post", "say"]


def say(draft: Draft, ticket: Ticket, message: str, channel: str, body: str) -> None:
    """Write a message of the system into a draft."""
    draft.rows.messages.append(
        Message(
            id=message,
            tenant=ticket.tenant,
            ticket=ticket.id,
            author=SYSTEM,
            kind=MessageKind.AUTO,
            channel=channel,
            body=body,
            occurred_at=draft.at,
            recorded_at=draft.now,
        )
    )


def post(
    draft: Draft,
    ticket: Ticket,
    message: str,
    *,
    adapter: ChannelAdapter,
    leg: Leg | None,
    rule: str,
    seq: int,
    parts: int,
    reason: str | None = None,
) -> None:
    """Write the deliveries of a message into a draft, one a part.

    Args:
        draft: What is about to be written.
        ticket: Whose customer gets it.
        message: Its id.
        adapter: By which channel it goes out.
        leg: Where the conversation is; `None`: at the customer's address.
        rule: What made it.
        seq: The number of the event that caused it.
        parts: In how many parts it goes out.
        reason: Why it must not go out: then the deliveries are suppressed from the beginning.
    """
    for part in range(1, parts + 1):
        draft.rows.outbox.append(
            Outgoing(
                id=f"{message}.{part}",
                tenant=ticket.tenant,
                ticket=ticket.id,
                cause=f"{ticket.id}:{seq}",
                seq=seq,
                rule=rule,
                channel=adapter.name,
                account="" if leg is None else leg.account,
                recipient=ticket.customer or "",
                message=message,
                leg=None if leg is None else leg.id,
                part=part,
                policy=adapter.capabilities.policy.value,
                state=OutboxState.PENDING if reason is None else OutboxState.SUPPRESSED,
                available_at=draft.now,
                created_at=draft.now,
                reason=reason,
            )
        )
