"""Who gets a delivery: where the requester wants answers, who gets a copy, and whose an address is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from supportkit.channels.port import ChannelAdapter
from supportkit.engine.effects import REPLY
from supportkit.model.addressing import normalised
from supportkit.model.change import Outgoing
from supportkit.model.conversation import Leg
from supportkit.model.message import Message, MessageKind
from supportkit.model.people import ActorKind, Customer
from supportkit.model.ticket import Ticket
from supportkit.originals import stored_original
from supportkit.participants import copies_of
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import UnitOfWork

REFERENCES = 20
"""So many messages of before are looked at."""


def address_of(customer: Customer | None, family: str) -> str | None:
    """Return where a channel of *family* reaches a customer; one of family `other` may know people by our own ids."""
    if customer is None:
        return None
    return customer.address(family) or (customer.id if family == "other" else None)


def answers(message: Message, earlier: Message) -> bool:
    """Tell whether *earlier* came from outside by the channel of *message*, and before it.

    What customers wrote is no business of a vendor, nor the other way round.
    """
    reader = ActorKind.EXTERNAL if message.kind is MessageKind.EXTERNAL else ActorKind.CUSTOMER
    came = earlier.author.kind is reader and earlier.kind is not MessageKind.AUTO
    return came and earlier.channel == message.channel and earlier.recorded_at <= message.recorded_at


def wanted_at(unit: ReceivingUnit, before: Sequence[Message], delivery: Outgoing, leg: Leg | None) -> str | None:
    """Return where the requester, in his last mail on a leg, wanted answers; notices stay where he wrote from."""
    if leg is None or delivery.rule != REPLY:
        return None
    for message in reversed(before[-REFERENCES:]):
        if message.author.kind is ActorKind.CUSTOMER and message.channel == delivery.channel:
            original = stored_original(unit, message.id)
            if original is not None and original.sender == leg.address:
                return original.answer_to
    return None


def in_copy(
    unit: UnitOfWork,
    adapter: ChannelAdapter,
    delivery: Outgoing,
    ticket: Ticket | None,
    leg: Leg | None,
    customer: Customer | None,
) -> dict[str, str]:
    """Return who gets an agent's answer in copy, by address; nobody gets a notice but the requester."""
    able = adapter.capabilities
    if ticket is None or not ticket.participants or not able.copies or delivery.rule != REPLY:
        return {}
    recipient = address_of(customer, able.address_kind) if leg is None else leg.address
    return copies_of(unit, ticket, able.address_kind, recipient or "")


def whose(address: str, known: Mapping[str, str], kind: str) -> str | None:
    """Return whose an address is that a provider spells in its own way."""
    try:
        wanted = normalised(kind, address).lower()
    except ValueError:
        return None
    return next((who for one, who in known.items() if one.lower() == wanted), None)
