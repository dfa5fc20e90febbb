"""Events in plain English: one sentence each, without anybody's words except names."""

from __future__ import annotations

from supportkit.cli.telling_clocks import told_clock, told_promise
from supportkit.cli.telling_lines import told_escalation
from supportkit.cli.telling_surveys import told_survey
from supportkit.model import events as ev


def told(event: ev.Event) -> str:  # noqa: C901, PLR0911, PLR0912, PLR0915 - one short case an event
    """Return what happened."""
    match event:
        case ev.StateChanged():
            return _state(event)
        case ev.MessageReceived():
            kind = "" if event.kind == "reply" else f" ({event.kind})"
            return f"message by {event.channel}{kind}"
        case ev.ReplyAdded():
            what = "call" if event.kind == "call" else "answer"
            return f"{what} by {event.channel}" + ("" if event.queued else ", recorded only")
        case ev.NoticeQueued():
            why = "" if event.reason is None else f", not sent: {event.reason}"
            return f"notice {event.notice} by {event.channel}{why}"
        case ev.DeliveryFailed():
            return f"the answer did not get through by {event.channel}: {event.reason}"
        case ev.DeliveryRetried():
            return f"the answer by {event.channel} is tried again; it was {event.source}"
        case ev.DeliverySettled():
            return f"the answer by {event.channel} was {event.source} and is settled as {event.state}: {event.reason}"
        case ev.ClocksRemeasured():
            return f"all clocks were measured anew: calendar {event.calendar} was changed for the past"
        case ev.ChannelSwitched():
            return f"the conversation goes on by {event.channel}"
        case ev.MessageEdited():
            return "a message was changed by whoever wrote it"
        case ev.MessageDeleted():
            return "a message was taken back"
        case ev.ReplyWindowWarned():
            ends = "closed" if event.late else "closes"
            return f"a question is open: the reply window of {event.channel} {ends} {event.until:%Y-%m-%d %H:%M} UTC"
        case ev.ChannelProposed():
            ways = [*event.allowed, *([] if event.channel is None else [f"go on by {event.channel}"])]
            return f"possible after {event.reason}: {', '.join(ways) or 'nothing that the desk knows'}"
        case ev.NoteAdded():
            return "note" + (f" for {', '.join(event.mentions)}" if event.mentions else "")
        case ev.TierMoved():
            up = "up" if event.dest > event.source else "down"
            team = f", team {event.team}" if event.team else ""
            return _with(f"handed {up} from L{event.source} to L{event.dest}{team}", event.summary)
        case ev.TicketOpened():
            return f"opened by {event.channel}, {event.priority.name.lower()}, L{event.tier}"
        case ev.Assigned():
            return f"assigned to {event.assignee or 'nobody'}, team {event.team or '-'}"
        case ev.Routed():
            return f"given to {event.assignee} ({event.strategy}: {', '.join(event.reasons) or 'no reason told'})"
        case ev.AssignmentReturned():
            return f"{event.assignee} did not touch it in time: back in the queue"
        case ev.PriorityChanged():
            return f"priority {event.source.name.lower()} -> {event.priority.name.lower()}"
        case ev.SubjectChanged():
            return f"new subject: {event.subject}"
        case ev.CustomerChanged():
            return f"customer is {event.customer or 'nobody'} now"
        case ev.TagsChanged():
            return _plus_minus("tags", event.added, event.removed)
        case ev.FieldsChanged():
            return f"fields changed: {', '.join(event.changes)}"
        case ev.FollowersChanged():
            return _plus_minus("followers", event.added, event.removed)
        case ev.ParticipantsChanged():
            return _plus_minus("participants", event.added, event.removed)
        case ev.RecipientRefused():
            return f"{event.customer} did not get an answer: {event.reason}"
        case ev.TokensRevoked():
            return f"signatures revoked, generation {event.generation}"
        case ev.Linked():
            return f"linked: {event.kind} of {event.ticket}"
        case ev.Unlinked():
            return f"no longer {event.kind} of {event.ticket}"
        case ev.TicketMerged():
            return f"merged into {event.into}"
        case ev.TicketAbsorbed():
            return f"took in {event.part.ticket}"
        case ev.TicketUnmerged():
            return f"taken out of {event.out_of} again"
        case ev.TicketReleased():
            return f"gave {event.ticket} back"
        case ev.MessagesMoved():
            return f"{len(event.messages)} messages moved from {event.source} to {event.dest}"
        case ev.PersonErased():
            return "every word was erased with the customer"
        case ev.PolicyApplied() | ev.DueSet() | ev.PromiseMade() | ev.PromiseMoved() | ev.PromiseKept():
            return told_promise(event)
        case ev.PromiseCancelled() | ev.HandedOver() | ev.VendorPaused() | ev.VendorResumed() | ev.TakenBack():
            return told_promise(event)
        case ev.ClockWarned() | ev.ClockBreached() | ev.ClockStopped() | ev.ClockCorrected():
            return told_clock(event)
        case ev.HandoverWritten() | ev.VendorWritten() | ev.SignalRaised() | ev.EscalationFired():
            return told_escalation(event)
        case ev.ColleaguesNotified() | ev.HookDue() | ev.EscalationRefused() | ev.EscalationStopped():
            return told_escalation(event)
        case ev.EscalationAcknowledged():
            return told_escalation(event)
        case _:
            return told_survey(event)


def _state(event: ev.StateChanged) -> str:
    reason = f", {event.reason}" if event.reason is not None else ""
    until = f", until {event.until:%Y-%m-%d %H:%M} UTC" if event.until is not None else ""
    return _with(f"{event.trigger}: {event.source} -> {event.dest}{reason}{until}", event.text)


def _with(sentence: str, text: str) -> str:
    return f"{sentence}: {text}" if text else sentence


def _plus_minus(what: str, added: tuple[str, ...], removed: tuple[str, ...]) -> str:
    return f"{what} " + " ".join([*(f"+{name}" for name in added), *(f"-{name}" for name in removed)])
