"""Reply windows of a desk: asked before an answer is queued, warned about while a question is open, closed by a word.

A window is a rule of the channel, counted from the customer's last message on a leg. It is asked again before each call
of the provider (`delivery.py`); where the provider disagrees, he is right.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import attrs

from supportkit.channels.port import ChannelAdapter, Reason
from supportkit.channels.windows import WARN_BEFORE, Closed, warns_at, window_at
from supportkit.drafting import Draft
from supportkit.engine.decide import decide
from supportkit.engine.effects import REPLY
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.change import Change, OutboxState, Outgoing, Timer
from supportkit.model.conversation import Leg, LegChange
from supportkit.model.message import MessageKind
from supportkit.model.people import SYSTEM, ActorKind
from supportkit.model.ticket import Ticket
from supportkit.proposing import proposed
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import UnitOfWork

if TYPE_CHECKING:
    from supportkit.drafting import News
    from supportkit.runner import Runner

WINDOW = "reply_window"
"""The deadline at which an open question is warned about; its instance is the leg."""
_RESPONSES = frozenset({MessageKind.REPLY, MessageKind.CALL})


def watch(draft: Draft, adapter: ChannelAdapter, leg: Leg) -> None:
    """Set the deadline for the end of the window that a customer's message has opened on a leg."""
    window = adapter.capabilities.reply_window
    if window is not None and leg.heard_at is not None:
        due = warns_at(window, leg.heard_at)
        draft.rows.timers.append(Timer(tenant=leg.tenant, ticket=leg.ticket, name=WINDOW, instance=leg.id, due_at=due))


def warn(runner: Runner, unit: UnitOfWork, timer: Timer, ticket: Ticket, now: dt.datetime) -> tuple[str, News]:
    """Record that a window closes soon, where the question is open and answers still go out by its leg."""
    leg = cast("ReceivingUnit", unit).leg(timer.instance)
    if leg is None or timer.due_at is None or not is_open_question(unit.history(ticket.id)):
        return "stale", ()
    adapter = runner.channels.get(leg.channel)
    window = None if adapter is None else adapter.capabilities.reply_window
    until = timer.due_at + WARN_BEFORE  # all that a worker knows that does not have the channel
    if window is not None and leg.heard_at is not None:
        until = leg.heard_at + window.length
    at = max(timer.due_at, ticket.state_since)
    command = cm.WarnWindow(actor=SYSTEM, leg=leg.id, channel=leg.channel, until=until, late=now >= until)
    events = decide(ticket, command, at, runner.rules)
    if not events:
        return "stale", ()
    draft = runner.draft(unit, command, max(now, at), at)
    draft.add(runner.tenant, ticket, ticket.id, events)
    runner.complete(unit, draft)
    unit.save(draft.change(None))
    return "fired", draft.told


def is_open_question(log: Iterable[ev.Recorded]) -> bool:
    """Tell whether the customer waits for an answer: nothing that an agent said since has arrived, or may arrive."""
    entries = [recorded.event for recorded in log]
    lost = {event.message for event in entries if isinstance(event, ev.DeliveryFailed)}
    for event in reversed(entries):
        match event:
            case ev.ReplyAdded() if event.author.kind is ActorKind.AGENT and event.kind in _RESPONSES:
                if event.message not in lost:
                    return False
            case ev.MessageReceived() if event.author.kind is ActorKind.CUSTOMER and event.kind in _RESPONSES:
                return True
            case _:
                pass
    return False


def hold_back(runner: Runner, unit: UnitOfWork, draft: Draft) -> None:
    """Let answers to a closed window be suppressed before they are queued, and say what is possible instead."""
    for index, row in enumerate(draft.rows.outbox):
        if row.rule != REPLY or row.leg is None or row.state is not OutboxState.PENDING:
            continue
        if not _is_closed(runner, cast("ReceivingUnit", unit), draft, row):
            continue
        reason = Reason.WINDOW_CLOSED.value
        draft.rows.outbox[index] = attrs.evolve(row, state=OutboxState.SUPPRESSED, reason=reason)
        ticket = next(change.ticket for change in reversed(draft.changes) if change.ticket.id == row.ticket)
        events: tuple[ev.Event, ...] = (ev.DeliveryFailed(message=row.message, channel=row.channel, reason=reason),)
        if row.part == 1:
            events += proposed(runner, unit, ticket, row, reason)
        draft.add(ticket.tenant, ticket, ticket.id, events, actor=SYSTEM)
    draft.join()


def _is_closed(runner: Runner, unit: ReceivingUnit, draft: Draft, row: Outgoing) -> bool:
    adapter = runner.channels.get(row.channel)
    window = None if adapter is None else adapter.capabilities.reply_window
    if window is None or any(part.leg.id == row.leg for part in draft.received.legs):
        return False
    leg = unit.leg(row.leg or "")
    return leg is not None and isinstance(window_at(window, leg.heard_at, draft.now), Closed)


def close_window(unit: UnitOfWork, adapter: ChannelAdapter, delivery: Outgoing, now: dt.datetime) -> None:
    """Believe a provider who says that a window is closed: the leg counts as heard a whole window ago."""
    window = adapter.capabilities.reply_window
    leg = None if delivery.leg is None else cast("ReceivingUnit", unit).leg(delivery.leg)
    if leg is None or window is None or isinstance(window_at(window, leg.heard_at, now), Closed):
        return
    shut = attrs.evolve(leg, heard_at=now - window.length)
    unit.save(Change(legs=(LegChange(leg=shut, key="", replaces=leg.id, is_new=False),)))
