"""How much may come in before a person has to look, and what a word such as STOP says about its sender."""

from __future__ import annotations

import datetime as dt

import attrs

from supportkit.channels.consent import consent_in
from supportkit.channels.inbound import SignalKind
from supportkit.errors import ConfigurationError
from supportkit.model.addressing import PHONES, normalised
from supportkit.model.people import Address, Customer
from supportkit.storage.arriving import ReceivingUnit


@attrs.frozen(kw_only=True)
class Budgets:
    """How much may come in, and go out by itself, before a person has to look. What is over goes to quarantine.

    Attributes:
        new_tickets: Tickets that one sender may open within an hour.
        messages: Messages of one sender within a minute.
        channel_messages: Messages of one channel within a minute; `None`: as many as come. All workers of the channel
            count in one row, so it costs speed where there are many of them.
        reopenings: How often messages may reopen one ticket within a day.
        files: Files of one message.
        file_bytes: Of all files of one message together.

    Raises:
        ConfigurationError: A budget is below 1.
    """

    new_tickets: int = 20
    messages: int = 300
    channel_messages: int | None = None
    reopenings: int = 5
    files: int = 100
    file_bytes: int = 50_000_000

    def __attrs_post_init__(self) -> None:
        """Refuse what would keep everything out: whoever wants that takes the channel away."""
        for field in attrs.fields(Budgets):
            value = getattr(self, field.name)
            if value is not None and value < 1:
                raise ConfigurationError(f"budgets are at least 1: {field.name} is {value}")


def over_budget(unit: ReceivingUnit, budgets: Budgets, channel: str, sender: str, now: dt.datetime) -> str | None:
    """Count a message; return the budget that is spent, if one is.

    Args:
        unit: The transaction that routes it.
        budgets: What may come in.
        channel: Its channel.
        sender: A keyed hash of who wrote it.
        now: When it is routed.
    """
    minute = now.replace(second=0, microsecond=0)
    if not unit.spend("messages", sender, minute, budgets.messages):
        return "budget.messages"
    if budgets.channel_messages is not None and not unit.spend("channel", channel, minute, budgets.channel_messages):
        return "budget.channel_messages"
    return None


def word_of(kind: str, body: str) -> SignalKind | None:
    """Return what a text message says about further ones; only where addresses are telephone numbers."""
    return consent_in(body) if kind in PHONES else None


def consenting(customer: Customer, kind: str, sender: str, *, is_out: bool) -> Customer:
    """Return a customer whose address takes no more messages, or takes them again; the same one where it did."""
    addresses = tuple(
        attrs.evolve(one, opted_out=is_out) if is_at(one, kind, sender) else one for one in customer.addresses
    )
    return customer if addresses == customer.addresses else attrs.evolve(customer, addresses=addresses)


def is_at(address: Address, kind: str, sender: str) -> bool:
    """Tell whether an address is this one, in its normalised form."""
    try:
        return address.family == kind and normalised(kind, address.value) == sender
    except ValueError:
        return False
