"""What happens on a channel without a message: somebody leaves, has read, edits or takes back what he wrote.

Who types, comes or goes is counted and has no effect: nothing of it is true any more when somebody looks.
"""

from __future__ import annotations

from typing import cast

import attrs

from supportkit.admitting import consenting
from supportkit.channels.inbound import ReceiptStatus, Signal, SignalKind
from supportkit.channels.port import ChannelAdapter
from supportkit.drafting import News
from supportkit.engine.decide import decide
from supportkit.errors import LimitExceeded
from supportkit.intake import Intake, conversation_key, heard_key
from supportkit.model import commands as cm
from supportkit.model.addressing import normalised
from supportkit.model.change import Change, OutboxState
from supportkit.model.conversation import LegChange
from supportkit.model.message import Message
from supportkit.model.people import SYSTEM
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import MAX_PAGE
from supportkit.text import clean


def heed(intake: Intake, adapter: ChannelAdapter, signal: Signal) -> bool:
    """Let a signal have its effect; false where it is about a message that was never heard.

    Raises:
        LimitExceeded: The new text of a message is too long.
        ConcurrentUpdate: Somebody changed the same ticket at this moment.
    """
    match signal.kind:
        case SignalKind.OPT_OUT | SignalKind.OPT_IN:
            _opt(intake, adapter, signal, is_out=signal.kind is SignalKind.OPT_OUT)
        case SignalKind.MIGRATED if signal.thread and signal.value:
            _migrate(intake, adapter, signal, signal.thread, signal.value)
        case SignalKind.SEEN:
            _seen(intake, adapter, signal)
        case SignalKind.EDITED | SignalKind.DELETED:
            return _rewrite(intake, adapter, signal)
        case _:
            pass
    return True


def _seen(intake: Intake, adapter: ChannelAdapter, signal: Signal) -> None:
    """Mark what was sent on a conversation as read: a receipt without the id of a message."""
    thread = clean(signal.thread or signal.sender)[:320]
    key = conversation_key(intake.keys(), adapter.name, signal.account, thread)
    with intake.runner.storage.begin(intake.runner.tenant) as unit:
        receiving = cast("ReceivingUnit", unit)
        leg = receiving.conversation(key)
        if leg is not None:
            for one in receiving.outbox(ticket=leg.ticket, states=[OutboxState.SENT], limit=MAX_PAGE):
                if one.leg == leg.id:
                    receiving.note_receipt(one, ReceiptStatus.READ.value)


def _opt(intake: Intake, adapter: ChannelAdapter, signal: Signal, *, is_out: bool) -> None:
    """Note on every customer who has this address that nothing is to be sent to it any more, or that it may."""
    kind = adapter.capabilities.address_kind
    try:
        sender = normalised(kind, clean(signal.sender))
    except ValueError:
        return
    with intake.runner.storage.begin(intake.runner.tenant) as unit:
        receiving = cast("ReceivingUnit", unit)
        changed = []
        for owner, _status in receiving.owners(kind, sender):
            customer = receiving.customer(owner)
            after = None if customer is None else consenting(customer, kind, sender, is_out=is_out)
            if customer is not None and after is not None and after is not customer:
                changed.append(attrs.evolve(after, version=customer.version + 1))
        if changed:
            receiving.save(Change(customers=tuple(changed)))


def _migrate(intake: Intake, adapter: ChannelAdapter, signal: Signal, old: str, new: str) -> None:
    """Let a conversation go on under its provider's new name for it."""
    keys = intake.keys()
    with intake.runner.storage.begin(intake.runner.tenant) as unit:
        receiving = cast("ReceivingUnit", unit)
        leg = receiving.conversation(conversation_key(keys, adapter.name, signal.account, old))
        key = conversation_key(keys, adapter.name, signal.account, new)
        if leg is not None and receiving.conversation(key) is None:
            moved = attrs.evolve(leg, thread=clean(new)[:320])
            receiving.save(Change(legs=(LegChange(leg=moved, key=key, is_new=False),)))


def _rewrite(intake: Intake, adapter: ChannelAdapter, signal: Signal) -> bool:
    """Let a message read as its author left it; what it said before goes into the log, apart and erasable."""
    if signal.external_id is None:
        return False
    runner = intake.runner
    key = heard_key(intake.keys(), adapter.name, signal.account, signal.external_id)
    with runner.storage.begin(runner.tenant) as unit:
        receiving = cast("ReceivingUnit", unit)
        known = [one.message for one in receiving.heard(key) if one.message is not None]
        message = receiving.message(known[-1]) if known else None
        told = () if message is None else _rewritten(intake, receiving, message, signal)
    runner.tell(told)
    return message is not None


def _rewritten(intake: Intake, unit: ReceivingUnit, message: Message, signal: Signal) -> News:
    runner = intake.runner
    ticket = unit.get(message.ticket)
    if ticket is None:
        return ()
    actor = message.author if signal.sender else SYSTEM
    command: cm.EditMessage | cm.DeleteMessage
    if signal.kind is SignalKind.DELETED:
        command = cm.DeleteMessage(actor=actor, message=message.id, before=message.body, files=len(message.attachments))
        after = attrs.evolve(message, body="", attachments=())
    else:
        body, limit = clean(signal.value or "", "body"), runner.rules.limits.text_bytes
        if len(body.encode("utf-8", "surrogatepass")) > limit:
            raise LimitExceeded("text of a message", limit, len(body), "bytes")
        if not message.body and not message.attachments:
            return ()  # taken back, or its author was erased: nothing brings it back
        command = cm.EditMessage(actor=actor, message=message.id, body=body, before=message.body)
        after = attrs.evolve(message, body=body)
    runner.refresh(unit)
    now = runner.clock.now()
    draft = runner.draft(unit, command, now, now)
    events = decide(ticket, command, now, runner.rules)
    if not events:
        return ()
    draft.add(runner.tenant, ticket, ticket.id, events)
    draft.received.rewritten.append(after)
    unit.save(draft.change(None))
    return draft.told
