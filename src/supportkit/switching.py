"""One conversation on another channel: the current leg of a ticket moves, and nothing else changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import cast

from supportkit.channels.port import ChannelAdapter
from supportkit.channels.windows import Closed, window_at
from supportkit.drafting import Draft, Options, Ref
from supportkit.engine.decide import decide, refuse
from supportkit.errors import CapabilityMissing, UnknownChannel
from supportkit.intake import Intake, conversation_key
from supportkit.lookup import expect, find, vendor_legs
from supportkit.model import commands as cm
from supportkit.model.addressing import normalised
from supportkit.model.conversation import Leg, LegChange
from supportkit.model.people import Actor, AddressStatus
from supportkit.model.ticket import Ticket
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import UnitOfWork
from supportkit.text import clean


def switch(
    intake: Intake,
    channels: Mapping[str, ChannelAdapter],
    ref: Ref,
    to: str,
    actor: Actor,
    address: str | None,
    options: Options,
) -> Ticket:
    """Move the current leg of a ticket; `Desk.switch_channel` says what may go wrong."""
    adapter = channels.get(to)
    if adapter is None:
        raise UnknownChannel(to, sorted(channels))
    if not adapter.capabilities.outbound:
        raise CapabilityMissing(to, "outbound", "this channel does not send")
    runner = intake.runner
    if not runner.storage.capabilities.receives:
        raise CapabilityMissing("the storage", "receives", "use one that keeps conversations")

    def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
        receiving = cast("ReceivingUnit", unit)
        ticket = find(unit, ref)
        expect(ticket, options)
        change = _leg(intake, receiving, adapter, ticket, address, draft.now)
        command = cm.SwitchChannel(actor=actor, leg=change.leg.id, channel=to)
        draft.command = command
        events = decide(ticket, command, draft.at, runner.rules)
        if events:
            runner.ask_plugins(ticket, command)
            if change.is_new:
                draft.received.legs.append(change)
        return draft.add(runner.tenant, ticket, ticket.id, events) or ticket

    intake.keys()  # made before the transaction, in which none can be made
    fingerprint = cm.SwitchChannel(actor=actor, leg=address or "", channel=to)
    return runner.carry_out(fingerprint, options, prepare, subject=ref)


def _leg(
    intake: Intake, unit: ReceivingUnit, adapter: ChannelAdapter, ticket: Ticket, address: str | None, now: dt.datetime
) -> LegChange:
    """Return the leg to go on by: one that the ticket has, or a new one to an address that the customer gave."""
    kind, legs, others = adapter.capabilities.address_kind, unit.legs([ticket.id]), vendor_legs(unit, ticket)
    there = [leg for leg in legs if leg.channel == adapter.name and leg.id not in others]
    wanted = None if address is None else _normalised(kind, address)
    for leg in reversed(there):
        if wanted is None or leg.address == wanted:
            _in_window(adapter, leg, now)
            return LegChange(leg=leg, key="", is_new=False)
    given, status = _given(unit, ticket, kind, wanted)
    if not adapter.capabilities.starts:
        raise CapabilityMissing(adapter.name, "starts", "the customer has to write there first")
    leg = Leg(
        id=intake.runner.new_id(now),
        tenant=ticket.tenant,
        ticket=ticket.id,
        channel=adapter.name,
        thread=given,
        address=given,
        began_at=now,
        verified=status is AddressStatus.VERIFIED,
    )
    _in_window(adapter, leg, now)
    key = conversation_key(intake.keys(), adapter.name, "", given)
    replaced = unit.conversation(key)
    return LegChange(leg=leg, key=key, replaces=None if replaced is None else replaced.id)


def _normalised(kind: str, address: str) -> str:
    try:
        return normalised(kind, clean(address, "address"))
    except ValueError as error:
        raise refuse("channel.address", str(error)) from None


def _given(unit: ReceivingUnit, ticket: Ticket, kind: str, wanted: str | None) -> tuple[str, AddressStatus]:
    """Return an address that the customer of a ticket gave or proved."""
    customer = None if ticket.customer is None else unit.customer(ticket.customer)
    has = [] if customer is None else [one for one in customer.addresses if one.family == kind and not one.opted_out]
    has.sort(key=lambda one: one.status is not AddressStatus.VERIFIED)
    for one in has:
        value = _normalised(kind, one.value)
        if wanted is None or value == wanted:
            return value, one.status
    kinds = sorted({one.family for one in customer.addresses if not one.opted_out}) if customer is not None else []
    possible = f"; the customer has addresses of: {', '.join(kinds)}" if kinds else "; the customer has no addresses"
    raise refuse("channel.address", f"the customer gave no such address of kind {kind!r}{possible}")


def _in_window(adapter: ChannelAdapter, leg: Leg, now: dt.datetime) -> None:
    state = window_at(adapter.capabilities.reply_window, leg.heard_at, now)
    if isinstance(state, Closed):
        allowed = f"; still allowed: {', '.join(state.allowed)}" if state.allowed else ""
        raise refuse("channel.window", f"the reply window of {adapter.name} is closed{allowed}")
