"""`evolve`: the fold. A ticket and one recorded event give the next ticket; the first event gives the first ticket.

Pure and total: it never refuses what is in a log. A table of one small function an event, because a chain of
`match` cases costs more than the whole step; a test holds the table against the closed union.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from supportkit.engine.copying import changed
from supportkit.model import events as ev
from supportkit.model.events import Recorded
from supportkit.model.fields import NO_FIELDS
from supportkit.model.people import ActorKind
from supportkit.model.ticket import BeforeMerge, ClosingReason, Link, MergedPart, StateCategory, Ticket


def evolve(ticket: Ticket | None, recorded: Recorded) -> Ticket:
    """Return the ticket after *recorded*.

    Args:
        ticket: The ticket before; `None` before the first event.
        recorded: The next event of its log.
    """
    event = recorded.event
    if ticket is None:
        if not isinstance(event, ev.TicketOpened):
            raise ValueError(f"the log of ticket {recorded.ticket} begins with {type(event).__name__}")
        return _opened(event, recorded)
    changes = _EVOLVERS[type(event)](ticket, event, recorded)
    if ticket.offered_at is not None and "offered_at" not in changes and _is_taken_up(ticket, recorded):
        changes["offered_at"] = None
    changes["version"] = recorded.seq
    if recorded.occurred_at > ticket.updated_at:
        changes["updated_at"] = recorded.occurred_at
    return changed(ticket, changes)


def _is_taken_up(ticket: Ticket, recorded: Recorded) -> bool:
    """Tell whether this was done by the one to whom the desk gave the ticket."""
    return recorded.actor.kind is ActorKind.AGENT and recorded.actor.id == ticket.assignee


def fold(log: Iterable[Recorded], ticket: Ticket | None = None) -> Ticket | None:
    """Return the ticket that a *log* gives, `None` for an empty one; *ticket* is where to begin."""
    for recorded in log:
        ticket = evolve(ticket, recorded)
    return ticket


def _opened(event: ev.TicketOpened, recorded: Recorded) -> Ticket:
    at = recorded.occurred_at
    return Ticket(
        id=recorded.ticket,
        tenant=recorded.tenant,
        number=event.number,
        reference=event.reference,
        subject=event.subject,
        customer=event.customer,
        state=event.state,
        category=event.category,
        priority=event.priority,
        channel=event.channel,
        tier=event.tier,
        team=event.team,
        assignee=event.assignee,
        tags=event.tags,
        fields=event.fields,
        locale=event.locale,
        source=event.source,
        links=event.links,
        leg=event.leg,
        answers_on=None if event.leg is None else event.channel,
        created_at=at,
        updated_at=at,
        state_since=at,
        version=recorded.seq,
    )


def _message_received(ticket: Ticket, _event: ev.MessageReceived, _recorded: Recorded) -> dict[str, Any]:
    return {"messages": ticket.messages + 1}


def _reply_added(ticket: Ticket, _event: ev.ReplyAdded, _recorded: Recorded) -> dict[str, Any]:
    return {"messages": ticket.messages + 1}


def _notice_queued(ticket: Ticket, event: ev.NoticeQueued, _recorded: Recorded) -> dict[str, Any]:
    return {"messages": ticket.messages + 1} if event.reason is None else {}


def _nothing(_ticket: Ticket, _event: ev.Event, _recorded: Recorded) -> dict[str, Any]:
    return {}


def _state_changed(ticket: Ticket, event: ev.StateChanged, recorded: Recorded) -> dict[str, Any]:
    at = recorded.occurred_at
    changes: dict[str, Any] = {
        "state": event.dest,
        "category": event.category,
        "state_since": at,
        "until": event.until,
    }
    was_done, is_done = ticket.category.is_done, event.category.is_done
    if was_done and not is_done:
        changes.update(reason=None, resolution="", resolved_at=None, closed_at=None, reopenings=ticket.reopenings + 1)
    elif is_done:
        if event.reason is not None:
            changes["reason"] = event.reason
        if event.text:
            changes["resolution"] = event.text
        if not was_done:
            changes["resolved_at"] = at
        changes["closed_at"] = at if event.category is StateCategory.CLOSED else None
    return changes


def _assigned(_ticket: Ticket, event: ev.Assigned, _recorded: Recorded) -> dict[str, Any]:
    return {"team": event.team, "assignee": event.assignee, "offered_at": None}


def _routed(_ticket: Ticket, event: ev.Routed, recorded: Recorded) -> dict[str, Any]:
    return {"assignee": event.assignee, "offered_at": recorded.occurred_at}


def _assignment_returned(_ticket: Ticket, _event: ev.AssignmentReturned, _recorded: Recorded) -> dict[str, Any]:
    return {"assignee": None, "offered_at": None}


def _priority_changed(_ticket: Ticket, event: ev.PriorityChanged, _recorded: Recorded) -> dict[str, Any]:
    return {"priority": event.priority}


def _subject_changed(_ticket: Ticket, event: ev.SubjectChanged, _recorded: Recorded) -> dict[str, Any]:
    return {"subject": event.subject}


def _customer_changed(_ticket: Ticket, event: ev.CustomerChanged, _recorded: Recorded) -> dict[str, Any]:
    return {"customer": event.customer}


def _with(before: tuple[str, ...], added: Iterable[str], removed: Iterable[str] = ()) -> tuple[str, ...]:
    return tuple(sorted((set(before) | set(added)) - set(removed)))


def _tags_changed(ticket: Ticket, event: ev.TagsChanged, _recorded: Recorded) -> dict[str, Any]:
    return {"tags": _with(ticket.tags, event.added, event.removed)}


def _fields_changed(ticket: Ticket, event: ev.FieldsChanged, _recorded: Recorded) -> dict[str, Any]:
    return {"fields": ticket.fields.changed(event.changes)}


def _followers_changed(ticket: Ticket, event: ev.FollowersChanged, _recorded: Recorded) -> dict[str, Any]:
    return {"followers": _with(ticket.followers, event.added, event.removed)}


def _participants_changed(ticket: Ticket, event: ev.ParticipantsChanged, _recorded: Recorded) -> dict[str, Any]:
    stay = [one for one in ticket.participants if one not in event.removed]
    return {"participants": (*stay, *[one for one in event.added if one not in stay])}


def _tokens_revoked(_ticket: Ticket, event: ev.TokensRevoked, _recorded: Recorded) -> dict[str, Any]:
    return {"generation": event.generation}


def _tier_moved(_ticket: Ticket, event: ev.TierMoved, _recorded: Recorded) -> dict[str, Any]:
    return {"tier": event.dest, "team": event.team, "assignee": None, "offered_at": None}


def _vendor_written(ticket: Ticket, _event: ev.VendorWritten, _recorded: Recorded) -> dict[str, Any]:
    return {"messages": ticket.messages + 1}


def _linked(ticket: Ticket, event: ev.Linked, _recorded: Recorded) -> dict[str, Any]:
    return {"links": (*ticket.links, Link(event.kind, event.ticket))}


def _unlinked(ticket: Ticket, event: ev.Unlinked, _recorded: Recorded) -> dict[str, Any]:
    gone = Link(event.kind, event.ticket)
    return {"links": tuple(link for link in ticket.links if link != gone)}


def _merged(ticket: Ticket, event: ev.TicketMerged, recorded: Recorded) -> dict[str, Any]:
    at = recorded.occurred_at
    before = BeforeMerge(
        ticket.state, ticket.category, ticket.reason, ticket.state_since, ticket.resolved_at, ticket.closed_at
    )
    return {
        "state": event.state,
        "category": event.category,
        "state_since": at,
        "reason": ClosingReason.MERGED,
        "resolved_at": ticket.resolved_at or at,
        "closed_at": at,
        "merged_into": event.into,
        "before_merge": before,
    }


def _unmerged(ticket: Ticket, event: ev.TicketUnmerged, recorded: Recorded) -> dict[str, Any]:
    before = ticket.before_merge or BeforeMerge(event.state, event.category, None, recorded.occurred_at, None, None)
    return {
        "state": event.state,
        "category": event.category,
        "state_since": before.state_since,
        "reason": before.reason,
        "resolved_at": before.resolved_at,
        "closed_at": before.closed_at,
        "merged_into": None,
        "before_merge": None,
    }


def _absorbed(ticket: Ticket, event: ev.TicketAbsorbed, _recorded: Recorded) -> dict[str, Any]:
    part = event.part
    return {
        "tags": _with(ticket.tags, part.new_tags),
        "followers": _with(ticket.followers, part.new_followers),
        "merged": (*ticket.merged, part),
    }


def _released(ticket: Ticket, event: ev.TicketReleased, _recorded: Recorded) -> dict[str, Any]:
    """Take out what the part brought, except what another part has too: that one is its bringer from now on."""
    gone = next((part for part in ticket.merged if part.ticket == event.ticket), MergedPart(event.ticket))
    tags, followers = set(gone.new_tags), set(gone.new_followers)
    rest: list[MergedPart] = []
    for part in ticket.merged:
        if part.ticket == event.ticket:
            continue
        heir_tags, heir_followers = tags & set(part.tags), followers & set(part.followers)
        tags -= heir_tags
        followers -= heir_followers
        rest.append(
            attrs.evolve(
                part,
                new_tags=_with(part.new_tags, heir_tags),
                new_followers=_with(part.new_followers, heir_followers),
            )
        )
    return {
        "tags": _with(ticket.tags, (), tags),
        "followers": _with(ticket.followers, (), followers),
        "merged": tuple(rest),
    }


def _messages_moved(ticket: Ticket, event: ev.MessagesMoved, _recorded: Recorded) -> dict[str, Any]:
    count = len(event.messages)
    return {"messages": ticket.messages + (count if event.dest == ticket.id else -count)}


def _person_erased(_ticket: Ticket, _event: ev.PersonErased, recorded: Recorded) -> dict[str, Any]:
    return {"subject": "", "resolution": "", "fields": NO_FIELDS, "erased": recorded.seq}


def _promise_made(ticket: Ticket, event: ev.PromiseMade, _recorded: Recorded) -> dict[str, Any]:
    return {"promises": _with(ticket.promises, (event.promise,))}


def _promise_ended(ticket: Ticket, event: ev.PromiseKept | ev.PromiseCancelled, _recorded: Recorded) -> dict[str, Any]:
    return {"promises": _with(ticket.promises, (), (event.promise,))}


def _channel_switched(_ticket: Ticket, event: ev.ChannelSwitched, _recorded: Recorded) -> dict[str, Any]:
    return {"leg": event.leg, "answers_on": event.channel}


def _handed_over(ticket: Ticket, event: ev.HandedOver, _recorded: Recorded) -> dict[str, Any]:
    return {"vendors": _with(ticket.vendors, (event.vendor,))}


def _taken_back(ticket: Ticket, event: ev.TakenBack, _recorded: Recorded) -> dict[str, Any]:
    return {"vendors": _with(ticket.vendors, (), (event.vendor,))}


_EVOLVERS: dict[type[Any], Callable[[Ticket, Any, Recorded], dict[str, Any]]] = {
    ev.TicketOpened: _nothing,
    ev.MessageReceived: _message_received,
    ev.ReplyAdded: _reply_added,
    ev.NoticeQueued: _notice_queued,
    ev.DeliveryFailed: _nothing,
    ev.DeliveryRetried: _nothing,
    ev.DeliverySettled: _nothing,
    ev.NoteAdded: _nothing,
    ev.StateChanged: _state_changed,
    ev.Assigned: _assigned,
    ev.Routed: _routed,
    ev.AssignmentReturned: _assignment_returned,
    ev.PriorityChanged: _priority_changed,
    ev.SubjectChanged: _subject_changed,
    ev.CustomerChanged: _customer_changed,
    ev.TagsChanged: _tags_changed,
    ev.FieldsChanged: _fields_changed,
    ev.FollowersChanged: _followers_changed,
    ev.ParticipantsChanged: _participants_changed,
    ev.RecipientRefused: _nothing,
    ev.TokensRevoked: _tokens_revoked,
    ev.TierMoved: _tier_moved,
    ev.HandoverWritten: _nothing,
    ev.VendorWritten: _vendor_written,
    ev.SignalRaised: _nothing,
    ev.EscalationFired: _nothing,
    ev.ColleaguesNotified: _nothing,
    ev.HookDue: _nothing,
    ev.EscalationRefused: _nothing,
    ev.EscalationStopped: _nothing,
    ev.EscalationAcknowledged: _nothing,
    ev.Linked: _linked,
    ev.Unlinked: _unlinked,
    ev.TicketMerged: _merged,
    ev.TicketAbsorbed: _absorbed,
    ev.TicketUnmerged: _unmerged,
    ev.TicketReleased: _released,
    ev.MessagesMoved: _messages_moved,
    ev.PersonErased: _person_erased,
    ev.PolicyApplied: _nothing,
    ev.DueSet: _nothing,
    ev.PromiseMade: _promise_made,
    ev.PromiseMoved: _nothing,
    ev.PromiseKept: _promise_ended,
    ev.PromiseCancelled: _promise_ended,
    ev.HandedOver: _handed_over,
    ev.VendorPaused: _nothing,
    ev.VendorResumed: _nothing,
    ev.TakenBack: _taken_back,
    ev.ClockWarned: _nothing,
    ev.ClockBreached: _nothing,
    ev.ClockStopped: _nothing,
    ev.ClockCorrected: _nothing,
    ev.ClocksRemeasured: _nothing,
    ev.ChannelSwitched: _channel_switched,
    ev.ResolutionAttributed: _nothing,
    ev.SurveyScheduled: _nothing,
    ev.SurveySuppressed: _nothing,
    ev.SurveySent: _nothing,
    ev.SurveyReminded: _nothing,
    ev.SurveyViewed: _nothing,
    ev.SurveyAnswered: _nothing,
    ev.SurveyTaken: _nothing,
    ev.SurveyFlagCleared: _nothing,
    ev.SurveyFollowedUp: _nothing,
    ev.SurveyCancelled: _nothing,
    ev.SurveyEnded: _nothing,
    ev.MessageEdited: _nothing,
    ev.MessageDeleted: _nothing,
    ev.ReplyWindowWarned: _nothing,
    ev.ChannelProposed: _nothing,
}
