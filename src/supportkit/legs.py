"""The ways on which a ticket is talked about: which one is used, which one could be, and what else belongs together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import attrs

from supportkit.channels.port import Capabilities, ChannelAdapter
from supportkit.channels.windows import Closed, window_at
from supportkit.drafting import Ref
from supportkit.errors import CapabilityMissing
from supportkit.lookup import find, person, vendor_legs
from supportkit.model.addressing import normalised
from supportkit.model.conversation import Leg
from supportkit.model.people import Address, AddressStatus, Customer
from supportkit.model.ticket import StateCategory, Ticket
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import TicketQuery

if TYPE_CHECKING:
    from supportkit.runner import Runner

_MOST = 50
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


@attrs.frozen(kw_only=True)
class LegState:
    """One way to the customer of a ticket, as it stands now.

    Attributes:
        id: Of the leg; `None` for one that has not begun: the customer has an address there.
        address: Where the customer is reached on it.
        verified: Whether the address was proved.
        heard_at: When the customer last wrote on it.
        open_until: When its reply window closes; `None` where it has none or is closed.
        is_current: Answers go there.
        is_public: Everybody reads along.
        problem: Why no answer can go there now: `no_adapter`, `no_outbound`, `window_closed`, `dead` or `opted_out`.
        is_proposed: The current one has a problem, and this one is the best of those that have none.
    """

    id: str | None
    channel: str
    account: str = ""
    address: str = attrs.field(repr=False)
    verified: bool = False
    heard_at: dt.datetime | None = None
    open_until: dt.datetime | None = None
    is_current: bool = False
    is_public: bool = False
    problem: str | None = None
    is_proposed: bool = False


@attrs.frozen(kw_only=True)
class Suggestion:
    """Something that seems to belong to a ticket; nothing is joined by it, a person decides.

    Attributes:
        kind: `ticket`: the same customer talks about something on another channel; `customer`: another customer has
            one of the addresses too.
        id: Of the other ticket or customer.
        channel: Where; for a customer the kind of address.
    """

    kind: str
    id: str
    channel: str


def legs_of(runner: Runner, channels: Mapping[str, ChannelAdapter], ref: Ref) -> tuple[LegState, ...]:
    """Return the legs of a ticket, the current one first, then those that could begin."""
    _require(runner)
    with runner.reading() as unit:
        return _proposing(ways(cast("ReceivingUnit", unit), channels, find(unit, ref), runner.clock.now()))


def ways(
    unit: ReceivingUnit, channels: Mapping[str, ChannelAdapter], ticket: Ticket, now: dt.datetime
) -> list[LegState]:
    """Return the ways to the customer of a ticket, the current one first, then those that could begin."""
    customer = None if ticket.customer is None else person(unit, ticket.customer)
    legs = unit.legs([ticket.id, *[part.ticket for part in ticket.merged]])
    others = vendor_legs(unit, ticket)
    legs = [leg for leg in legs if leg.id not in others]
    found = [_begun(leg, channels.get(leg.channel), customer, ticket, now) for leg in legs]
    there = {(one.channel, one.address) for one in found}
    for name, adapter in channels.items():
        able = adapter.capabilities
        if able.starts and able.outbound and not able.public:
            for one in customer.addresses if customer is not None else ():
                value = _value(able.address_kind, one)
                if value is not None and (name, value) not in there:
                    found.append(_possible(name, able, one, value))
    found.sort(key=lambda one: (not one.is_current, one.id is None))
    return found


def _require(runner: Runner) -> None:
    if not runner.storage.capabilities.receives:
        raise CapabilityMissing("the storage", "receives", "use one that keeps conversations")


def _begun(
    leg: Leg, adapter: ChannelAdapter | None, customer: Customer | None, ticket: Ticket, now: dt.datetime
) -> LegState:
    able = None if adapter is None else adapter.capabilities
    window = window_at(None if able is None else able.reply_window, leg.heard_at, now)
    address = None if able is None else _known(able.address_kind, leg.address, customer)
    problem = _problem(able, address)
    return LegState(
        id=leg.id,
        channel=leg.channel,
        account=leg.account,
        address=leg.address,
        verified=leg.verified,
        heard_at=leg.heard_at,
        open_until=None if isinstance(window, Closed) else window.until,
        is_current=leg.id == ticket.leg,
        is_public=able is not None and able.public,
        problem=problem or ("window_closed" if isinstance(window, Closed) else None),
    )


def _possible(channel: str, able: Capabilities, address: Address, value: str) -> LegState:
    is_shut = isinstance(window_at(able.reply_window, None, _NEVER), Closed)
    return LegState(
        id=None,
        channel=channel,
        address=value,
        verified=address.status is AddressStatus.VERIFIED,
        problem=_problem(able, address) or ("window_closed" if is_shut else None),
    )


def _problem(able: Capabilities | None, address: Address | None) -> str | None:
    if able is None:
        return "no_adapter"
    if not able.outbound:
        return "no_outbound"
    if address is not None and address.opted_out:
        return "opted_out"
    return "dead" if address is not None and address.is_dead else None


def _proposing(found: list[LegState]) -> tuple[LegState, ...]:
    """Mark the best way out where the current one is of no use: proved first, then where the customer last wrote."""
    current = next((one for one in found if one.is_current), None)
    if current is None or current.problem is None:
        return tuple(found)
    best = best_of(found)
    return tuple([attrs.evolve(one, is_proposed=one is best) for one in found])


def best_of(found: list[LegState]) -> LegState | None:
    """Return the way that is most likely to reach a customer: proved first, then where he last wrote."""
    useful = [one for one in found if one.problem is None and not one.is_public]
    return max(useful, key=lambda one: (one.verified, one.heard_at or _NEVER, one.id is not None), default=None)


def _value(kind: str, address: Address) -> str | None:
    try:
        return normalised(kind, address.value) if address.family == kind else None
    except ValueError:
        return None


def _known(kind: str, value: str, customer: Customer | None) -> Address | None:
    has = () if customer is None else customer.addresses
    return next((one for one in has if _value(kind, one) == value), None)


def suggestions_for(runner: Runner, ref: Ref) -> tuple[Suggestion, ...]:
    """Return what seems to belong to a ticket on other channels; only proved addresses count."""
    _require(runner)
    with runner.reading() as unit:
        receiving = cast("ReceivingUnit", unit)
        ticket = find(unit, ref)
        customer = None if ticket.customer is None else person(unit, ticket.customer)
        if customer is None:
            return ()
        found = [
            Suggestion(kind="ticket", id=other.id, channel=other.answers_on or other.channel)
            for other in other_tickets(receiving, customer.id, ticket.answers_on or ticket.channel)
            if other.id != ticket.id
        ]
        for address in customer.addresses:
            value = _value(address.family, address)
            if value is not None and address.status is AddressStatus.VERIFIED:
                owners = {owner for owner, _status in receiving.owners(address.family, value)} - {customer.id}
                found += [Suggestion(kind="customer", id=one, channel=address.family) for one in sorted(owners)]
    return tuple(found)


def other_tickets(unit: ReceivingUnit, customer: str, channel: str) -> list[Ticket]:
    """Return tickets of a customer that still run on another channel and began with a proved address."""
    page = unit.find(TicketQuery(customers=(customer,), sort="updated_at", descending=True, limit=_MOST))
    running = [
        one
        for one in page.items
        if one.category is not StateCategory.CLOSED and (one.answers_on or one.channel) != channel
    ]
    proved = {leg.ticket for leg in unit.legs([one.id for one in running]) if leg.verified}
    return [one for one in running if one.id in proved]
