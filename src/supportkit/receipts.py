"""What providers say of messages of ours: matched to a delivery, or kept until there is one."""

from __future__ import annotations

import datetime as dt
from typing import cast

import attrs

from supportkit.channels.inbound import Receipt, ReceiptStatus
from supportkit.channels.port import ChannelAdapter, Reason
from supportkit.drafting import News
from supportkit.engine.decide import decide
from supportkit.lookup import person
from supportkit.model import commands as cm
from supportkit.model.addressing import normalised
from supportkit.model.change import Change, OutboxState, Outgoing
from supportkit.model.conversation import Waiting
from supportkit.model.events import DeliverySettled, RecipientRefused, Recorded
from supportkit.model.people import SYSTEM, Address, Customer
from supportkit.model.ticket import Ticket
from supportkit.proposing import proposed
from supportkit.runner import Runner
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import UnitOfWork
from supportkit.text import clean

HARD = frozenset({Reason.BAD_RECIPIENT.value, Reason.BLOCKED.value, Reason.NOT_FOUND.value})
"""Failures that say that nothing will ever arrive at an address."""
_BOUNCED = "bounce 5."
"""So begins the reason of a mail that came back for good (RFC 3463, class 5)."""


def _is_hard(reason: str | None) -> bool:
    return reason is not None and (reason in HARD or reason.startswith(_BOUNCED))


def record(
    runner: Runner, unit: UnitOfWork, ticket_id: str, command: cm.FailDelivery, now: dt.datetime, *, failed: Outgoing
) -> News:
    """Record on a ticket that an answer *failed* after all, and what is possible now.

    Also where levels are in force that were not read here yet.
    """
    ticket = unit.get(ticket_id)
    if ticket is None:
        return ()
    runner.refresh(unit)
    draft = runner.draft(unit, command, now, now)
    events = decide(ticket, command, now, runner.rules)
    events += proposed(runner, unit, ticket, failed, command.reason, whatever=True)
    draft.add(runner.tenant, ticket, ticket.id, events)
    unit.save(draft.change(None))
    return draft.told


def note_receipt(runner: Runner, adapter: ChannelAdapter, receipt: Receipt, at: dt.datetime) -> bool:
    """Let a receipt have its effect; false where its message is not known, or not settled, yet.

    A message that failed after it was sent no longer counts as a response; two in a row that failed for good make an
    address dead.
    """
    channel = adapter.name
    with runner.storage.begin(runner.tenant) as unit:
        receiving = cast("ReceivingUnit", unit)
        delivery = _delivery(receiving, channel, receipt)
        if delivery is None or delivery.state in {OutboxState.PENDING, OutboxState.LEASED}:
            external_id = receipt.external_id or receipt.message
            if external_id is not None:
                receiving.add_waiting(
                    Waiting(
                        tenant=runner.tenant,
                        channel=channel,
                        external_id=clean(external_id)[:255],
                        status=receipt.status.value,
                        at=at,
                        reason=receipt.reason and clean(receipt.reason)[:200],
                    )
                )
            return False
        kind = adapter.capabilities.address_kind
        if receipt.status is ReceiptStatus.FAILED and (other := _in_copy(receiving, delivery, receipt, kind)):
            told = record_refused(runner, receiving, delivery, other.id, (receipt.reason or "failed")[:200])
            if told and _is_hard(receipt.reason):
                _count(receiving, other, kind, receipt.recipient, is_hard=True)
            runner.tell(told)
            return True
        if not receiving.note_receipt(delivery, receipt.status.value):
            return True
        told = _apply(runner, receiving, delivery, receipt.status, receipt.reason)
        count_failure(receiving, delivery, kind, is_hard=_verdict(receipt))
    runner.tell(told)
    return True


def _in_copy(unit: ReceivingUnit, delivery: Outgoing, receipt: Receipt, kind: str) -> Customer | None:
    """Return who takes part in the ticket and did not get what its requester may well have got."""
    ticket = unit.get(delivery.ticket) if receipt.recipient else None
    if ticket is None or not ticket.participants:
        return None
    leg = None if delivery.leg is None else unit.leg(delivery.leg)
    if leg is not None and _is_same(kind, Address(family=kind, value=receipt.recipient or ""), leg.address):
        return None
    for one in ticket.participants:
        customer = person(unit, one)
        if customer is not None and any(_is_same(kind, has, receipt.recipient) for has in customer.addresses):
            return customer
    return None


def record_refused(runner: Runner, unit: UnitOfWork, delivery: Outgoing, customer: str, reason: str) -> News:
    """Record, once, that a message was taken and did not reach this customer."""
    ticket = unit.get(delivery.ticket)
    if ticket is None:
        return ()
    event = RecipientRefused(message=delivery.message, channel=delivery.channel, customer=customer, reason=reason)
    same = attrs.evolve(event, reason="")
    for recorded in reversed(unit.history(ticket.id)):
        told = recorded.event
        if isinstance(told, RecipientRefused) and attrs.evolve(told, reason="") == same:
            return ()
    runner.refresh(unit)
    now = runner.clock.now()
    draft = runner.draft(unit, None, now, now)
    draft.add(runner.tenant, ticket, ticket.id, (event,))
    unit.save(draft.change(None))
    return draft.told


def _delivery(unit: ReceivingUnit, channel: str, receipt: Receipt) -> Outgoing | None:
    if receipt.message is not None:
        found = unit.delivery(receipt.message)
        if found is not None and found.channel == channel:
            return found
    if receipt.external_id is not None:
        return next(iter(unit.sent_as(channel, [receipt.external_id])), None)
    return None


def _apply(runner: Runner, unit: ReceivingUnit, delivery: Outgoing, status: ReceiptStatus, reason: str | None) -> News:
    """Tell the ticket of an answer that failed after the provider had taken it; settle one that nobody was sure of."""
    if delivery.state is OutboxState.UNKNOWN and status is not ReceiptStatus.QUEUED:
        return _settle_doubt(runner, unit, delivery, status)
    if status is not ReceiptStatus.FAILED or delivery.state is not OutboxState.SENT:
        return ()
    why = (reason or "failed")[:200]
    if not unit.mark_failed(delivery, why):
        return ()
    command = cm.FailDelivery(actor=SYSTEM, message=delivery.message, channel=delivery.channel, reason=why)
    return record(runner, unit, delivery.ticket, command, runner.clock.now(), failed=delivery)


def _verdict(receipt: Receipt) -> bool | None:
    """Tell whether an address failed for good (`True`) or works (`False`); `None`: this says neither."""
    match receipt.status:
        case ReceiptStatus.FAILED:
            return True if _is_hard(receipt.reason) else None
        case ReceiptStatus.DELIVERED | ReceiptStatus.READ:
            return False
        case _:
            return None


def count_failure(unit: ReceivingUnit, delivery: Outgoing, kind: str, *, is_hard: bool | None) -> None:
    """Note on the customer that an address failed once more for good, or that it works again.

    Args:
        unit: The transaction; the customer is saved in it.
        delivery: What went there, or did not.
        kind: The kind of the channel's addresses.
        is_hard: It failed for good; `False`: it arrived; `None`: nothing is known of the address.
    """
    customer = person(unit, delivery.recipient) if is_hard is not None and delivery.recipient else None
    if customer is None:
        return
    leg = None if delivery.leg is None else unit.leg(delivery.leg)
    _count(unit, customer, kind, customer.address(kind) if leg is None else leg.address, is_hard=bool(is_hard))


def _count(unit: ReceivingUnit, customer: Customer, kind: str, reached: str | None, *, is_hard: bool) -> None:
    addresses = tuple(
        attrs.evolve(one, failures=one.failures + 1 if is_hard else 0) if _is_same(kind, one, reached) else one
        for one in customer.addresses
    )
    if addresses != customer.addresses:
        unit.save(Change(customers=(attrs.evolve(customer, addresses=addresses, version=customer.version + 1),)))


def _is_same(kind: str, address: Address, reached: str | None) -> bool:
    try:
        return address.family == kind and normalised(kind, address.value) == normalised(kind, reached or "")
    except ValueError:
        return False


def _settle_doubt(runner: Runner, unit: ReceivingUnit, delivery: Outgoing, status: ReceiptStatus) -> News:
    """Let the provider's word settle what nobody knew: whether it had taken a message."""
    state = OutboxState.FAILED if status is ReceiptStatus.FAILED else OutboxState.SENT
    now = runner.clock.now()
    ticket = unit.get(delivery.ticket)
    if not unit.decide_outbox(delivery, state=state, now=now, external_id=delivery.external_id) or ticket is None:
        return ()
    settled = DeliverySettled(
        delivery=delivery.id,
        message=delivery.message,
        channel=delivery.channel,
        source=delivery.state,
        state=state,
        reason="receipt",
    )
    runner.refresh(unit)
    draft = runner.draft(unit, None, now, now)
    draft.add(runner.tenant, ticket, ticket.id, (settled,))
    unit.save(draft.change(None))
    return draft.told


def settle_waiting(runner: Runner, unit: ReceivingUnit, delivery: Outgoing, external_id: str | None) -> News:
    """Let receipts have their effect that came before the result of a delivery was stored."""
    told: list[tuple[tuple[Recorded, ...], Ticket]] = []
    for known_as in (external_id and clean(str(external_id))[:255], delivery.id):
        if not known_as:
            continue
        for waiting in unit.take_waiting(delivery.channel, known_as):
            if unit.note_receipt(delivery, waiting.status):
                told += _apply(runner, unit, delivery, ReceiptStatus(waiting.status), waiting.reason)
    return tuple(told)
