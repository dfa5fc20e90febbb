"""`effects`: what follows from events besides the row and the log: messages, deliveries to make, deadlines.

Pure, and a function of command, events and rules alone: deciding again after a race gives the same rows.
"""

from __future__ import annotations

import datetime as dt

import attrs

from supportkit.engine.rules import Rules
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.change import Firing, Outgoing, Timer
from supportkit.model.events import Recorded
from supportkit.model.message import Message, MessageKind, Note
from supportkit.model.people import SYSTEM
from supportkit.model.ticket import ClosingReason, StateCategory, Ticket

CLOSE_RESOLVED = "close_resolved"
RESOLVE_PENDING = "resolve_pending"
RESUME = "resume"
RETURN = "return_assignment"
"""The deadline at which a ticket that nobody has touched goes back to the queue."""
REPLY = "reply"
"""The rule that makes deliveries of what agents write."""
PUBLIC = "public_reply"
"""The rule that makes deliveries of what everybody may read; nothing else goes out by a public channel."""
VENDOR = "vendor"
"""The rule that makes deliveries of what agents write to other organisations."""
CLOCKS = "clocks"
"""The deadline at which time alone brings about the next warning or breach of a ticket."""

# Tuples, because `A | B` builds a new union each time that `isinstance` is asked.
_BRINGS_A_MESSAGE = (ev.MessageReceived, ev.ReplyAdded)
_HAS_WORDS = (cm.Open, cm.Receive, cm.Reply, cm.PublicReply, cm.Ask)
_MOVES = (ev.StateChanged, ev.TicketMerged, ev.TicketUnmerged)


@attrs.define
class Effects:
    """Rows that go into the same transaction as the events."""

    messages: list[Message] = attrs.field(factory=list)
    notes: list[Note] = attrs.field(factory=list)
    outbox: list[Outgoing] = attrs.field(factory=list)
    timers: list[Timer] = attrs.field(factory=list)
    firings: list[Firing] = attrs.field(factory=list)


def effects(
    before: Ticket | None,
    after: Ticket,
    command: cm.Command | cm.PairCommand | None,
    log: tuple[Recorded, ...],
    rules: Rules,
    into: Effects,
) -> None:
    """Add to *into* what the events in *log* lead to.

    Args:
        before: The ticket before the command; `None` when it was opened by it.
        after: The ticket after the last event of *log*.
        command: The command; it holds the words that events leave out. `None` where time alone acted.
        log: The new events of this ticket.
        rules: What the desk has settled.
        into: Where the rows are collected.
    """
    moved = before is None or before.offered_at != after.offered_at
    for recorded in log:
        event = recorded.event
        if isinstance(event, _BRINGS_A_MESSAGE):
            into.messages.append(_message(after, command, event, recorded))
            if isinstance(event, ev.ReplyAdded) and event.queued:
                into.outbox.append(_outgoing(after, command, event, recorded, rules))
        elif isinstance(event, ev.VendorWritten):
            into.messages.append(_vendor_message(after, command, event, recorded))
            into.outbox.append(_to_vendor(after, event, recorded, rules))
        elif isinstance(event, ev.ColleaguesNotified):
            into.notes.append(_told(after, event, recorded))
        elif isinstance(event, ev.NoteAdded):
            into.notes.append(_note(after, command, event, recorded))
        elif isinstance(event, _MOVES):
            moved = True
    if moved:
        into.timers.extend(state_timers(before, after, rules))


def _message(
    ticket: Ticket,
    command: cm.Command | cm.PairCommand | None,
    event: ev.MessageReceived | ev.ReplyAdded,
    recorded: Recorded,
) -> Message:
    if not isinstance(command, _HAS_WORDS):
        raise TypeError(f"{type(command).__name__} brings no message")
    return Message(
        id=event.message,
        tenant=ticket.tenant,
        ticket=ticket.id,
        author=event.author,
        kind=event.kind,
        channel=event.channel,
        body=command.body or "",
        attachments=() if isinstance(command, cm.PublicReply) else command.attachments,
        external_id=None if isinstance(command, cm.Ask | cm.PublicReply) else command.external_id,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
    )


def _note(ticket: Ticket, command: cm.Command | cm.PairCommand | None, event: ev.NoteAdded, recorded: Recorded) -> Note:
    if not isinstance(command, cm.AddNote):
        raise TypeError(f"{type(command).__name__} brings no note")
    return Note(
        id=event.note,
        tenant=ticket.tenant,
        ticket=ticket.id,
        author=recorded.actor,
        body=command.body,
        mentions=event.mentions,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
    )


def _vendor_message(
    ticket: Ticket, command: cm.Command | cm.PairCommand | None, event: ev.VendorWritten, recorded: Recorded
) -> Message:
    if not isinstance(command, cm.MoveTier | cm.WriteVendor):
        raise TypeError(f"{type(command).__name__} brings no message for a vendor")
    return Message(
        id=event.message,
        tenant=ticket.tenant,
        ticket=ticket.id,
        author=recorded.actor,
        kind=MessageKind.EXTERNAL,
        channel=event.channel,
        body=command.body,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
    )


def _to_vendor(ticket: Ticket, event: ev.VendorWritten, recorded: Recorded, rules: Rules) -> Outgoing:
    """Return the delivery of a message to a vendor: on its own leg, and to no customer."""
    return Outgoing(
        id=f"{event.message}.1",
        tenant=ticket.tenant,
        ticket=ticket.id,
        cause=f"{ticket.id}:{recorded.seq}",
        seq=recorded.seq,
        rule=VENDOR,
        channel=event.channel,
        recipient="",
        message=event.message,
        leg=event.leg,
        policy=rules.sends[event.channel],
        available_at=recorded.recorded_at,
        created_at=recorded.recorded_at,
    )


def _told(ticket: Ticket, event: ev.ColleaguesNotified, recorded: Recorded) -> Note:
    """Return the internal note in which people find that they were told of an escalation."""
    return Note(
        id=event.note,
        tenant=ticket.tenant,
        ticket=ticket.id,
        author=recorded.actor,
        body=event.text,
        mentions=event.people,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
    )


def _outgoing(
    ticket: Ticket,
    command: cm.Command | cm.PairCommand | None,
    event: ev.ReplyAdded,
    recorded: Recorded,
    rules: Rules,
) -> Outgoing:
    public = command if isinstance(command, cm.PublicReply) else None
    here = ticket.leg if ticket.answers_on == event.channel else None
    return Outgoing(
        id=f"{event.message}.1",
        tenant=ticket.tenant,
        ticket=ticket.id,
        cause=f"{ticket.id}:{recorded.seq}",
        seq=recorded.seq,
        rule=REPLY if public is None else PUBLIC,
        channel=event.channel,
        recipient=ticket.customer or "",
        message=event.message,
        leg=here if public is None else public.leg,
        policy=rules.sends[event.channel],
        available_at=recorded.recorded_at,
        created_at=recorded.recorded_at,
    )


def state_timers(before: Ticket | None, after: Ticket, rules: Rules) -> list[Timer]:
    """Return the deadlines of the state that *after* is in, and cancellations of those that *before* had."""
    due = _deadlines(after, rules)
    if before is not None:
        for name in _deadlines(before, rules):
            due.setdefault(name, None)
    return [Timer(tenant=after.tenant, ticket=after.id, name=name, due_at=at) for name, at in due.items()]


def _deadlines(ticket: Ticket, rules: Rules) -> dict[str, dt.datetime | None]:
    match ticket.category:
        case StateCategory.RESOLVED if rules.close_resolved_after is not None:
            return {CLOSE_RESOLVED: ticket.state_since + rules.close_resolved_after}
        case StateCategory.WAITING_CUSTOMER | StateCategory.WAITING_EXTERNAL:
            due: dict[str, dt.datetime | None] = {}
            if ticket.until is not None:
                due[RESUME] = ticket.until
            if ticket.category is StateCategory.WAITING_CUSTOMER and rules.resolve_pending_after is not None:
                due[RESOLVE_PENDING] = ticket.state_since + rules.resolve_pending_after
            return due
        case StateCategory.NEW | StateCategory.OPEN if ticket.offered_at is not None:
            due_at = rules.returns_at(ticket.offered_at)
            return {} if due_at is None else {RETURN: due_at}
        case _:
            return {}


def on_timer(timer: Timer, ticket: Ticket, rules: Rules) -> cm.Command | None:
    """Return what a deadline makes of *ticket* as it is now; `None` when it has lost its point."""
    due = _deadlines(ticket, rules).get(timer.name)
    if due is None or timer.due_at is None or due > timer.due_at:
        return None
    match timer.name:
        case "close_resolved":
            return cm.Close(actor=SYSTEM)
        case "return_assignment":
            return cm.ReturnAssignment(actor=SYSTEM)
        case "resume":
            return cm.Resume(actor=SYSTEM)
        case "resolve_pending":
            return cm.Fire(actor=SYSTEM, trigger="resolve", reason=ClosingReason.NO_ANSWER)
        case _:
            return None
