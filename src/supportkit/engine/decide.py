"""`decide`: what a command does to a ticket, as events. Pure: no clock, no storage, no randomness.

One small function a command, found by a table (a chain of `match` cases would cost more than most decisions); a test
holds the table against the closed union. A function returns the events, an empty tuple where nothing is to do, or
raises `IllegalTransition` or `Refused`; then nothing has happened.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from supportkit.engine.deliveries import fail_delivery, retry_delivery, settle_delivery
from supportkit.engine.happenings import delete_message, edit_message, warn_window
from supportkit.engine.lines import acknowledge, move_tier, raise_signal, write_vendor
from supportkit.engine.rules import Limits, Rules
from supportkit.engine.steps import Events, known_tier, not_merged, step
from supportkit.engine.steps import refuse as refuse  # noqa: PLC0414 - the shell refuses in the same way
from supportkit.errors import LimitExceeded
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.fields import FieldValue
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import MAX_GENERATION, ClosingReason, LinkKind, StateCategory, Ticket

_NO_TICKETS: Mapping[str, Ticket] = {}


def decide(
    ticket: Ticket | None,
    command: cm.Command,
    now: dt.datetime,
    rules: Rules,
    others: Mapping[str, Ticket] = _NO_TICKETS,
) -> Events:
    """Return the events that *command* gives on *ticket* at *now*.

    Args:
        ticket: The ticket as it is; `None` for `Open` only.
        command: What is wanted.
        now: When it happens in the world (UTC).
        rules: What the desk has settled.
        others: Tickets that this one is linked to, by id, as far as the command looks at them.

    Raises:
        IllegalTransition: The lifecycle does not allow it in this state.
        Refused: A guard, a policy or a limit says no.
    """
    if isinstance(command, cm.Open):
        return _open(command, rules)
    if ticket is None:
        raise ValueError(f"{type(command).__name__} needs a ticket")
    return _DECIDERS[type(command)](ticket, command, now, rules, others)


# -- opening and talking ---------------------------------------------------------------------------------------------


def _open(command: cm.Open, rules: Rules) -> Events:
    policy = rules.tier_policy
    known_tier(command.tier, rules)
    if policy.birth is not None and command.tier > policy.birth:
        raise refuse("tier.birth", f"tickets start in tier {policy.birth} at the highest, not in tier {command.tier}")
    _check_tags(command.tags, rules.limits)
    _check_fields(command.fields, rules.limits)
    lifecycle = rules.lifecycle
    promised = rules.promises.choose(command)
    opened = ev.TicketOpened(
        number=command.number,
        reference=command.reference,
        subject=command.subject,
        customer=command.customer,
        state=lifecycle.initial,
        category=lifecycle.category(lifecycle.initial),
        channel=command.channel,
        priority=command.priority,
        tier=command.tier,
        team=command.team,
        assignee=command.assignee,
        tags=tuple(sorted(set(command.tags))),
        fields=command.fields,
        locale=command.locale,
        source=command.source,
        links=command.links,
        policy=promised.policy,
        revision=promised.revision,
        leg=command.leg,
    )
    if command.body is None:
        return (opened,)
    if command.author.kind is ActorKind.AGENT:
        queued = command.kind is MessageKind.REPLY and command.channel in rules.sends
        if queued:
            _not_public(command.channel, rules)
        return (
            opened,
            ev.ReplyAdded(
                message=command.message,
                author=command.author,
                kind=command.kind,
                channel=command.channel,
                queued=queued,
            ),
        )
    received = ev.MessageReceived(
        message=command.message, author=command.author, kind=command.kind, channel=command.channel
    )
    return (opened, received)


def _receive(
    ticket: Ticket, command: cm.Receive, now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    received = ev.MessageReceived(
        message=command.message,
        author=command.author,
        kind=command.kind,
        channel=command.channel or ticket.channel,
    )
    if not _counts_as_answer(command):
        return (received,)
    not_merged(ticket)
    switched: Events = ()
    if command.leg is not None and command.leg != ticket.leg and command.channel is not None:
        switched = (ev.ChannelSwitched(leg=command.leg, channel=command.channel),)
    if needs_follow_up(ticket, command, now, rules):
        raise refuse("closed.follow_up", f"ticket {ticket.number} was closed too long ago: open a follow-up")
    trigger = "reopen" if ticket.is_done else "customer_replied"
    if trigger not in rules.lifecycle.allowed(ticket.state):
        return (received, *switched)
    return (received, *switched, *step(ticket, trigger, command, rules))


def _counts_as_answer(command: cm.Receive) -> bool:
    """Tell whether a message is a person's: automatic ones and those of others change no state."""
    return command.author.kind is ActorKind.CUSTOMER and command.kind not in {MessageKind.AUTO, MessageKind.CAMPAIGN}


def needs_follow_up(ticket: Ticket, command: cm.Receive, now: dt.datetime, rules: Rules) -> bool:
    """Tell whether a message comes too late for its closed ticket, so that a new one is to be opened for it."""
    if ticket.category is not StateCategory.CLOSED or not _counts_as_answer(command):
        return False
    return not rules.after_close.reopens(ticket.closed_at, now)


def _reply(ticket: Ticket, command: cm.Reply, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]) -> Events:
    not_merged(ticket)
    started: Events = ()
    if ticket.category is StateCategory.NEW and "start" in rules.lifecycle.allowed(ticket.state):
        started = step(ticket, "start", command, rules)
    return (*started, _answer(ticket, command, command.kind, rules))


def _ask(ticket: Ticket, command: cm.Ask, now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]) -> Events:
    not_merged(ticket)
    _in_future(command.until, now)
    asked = step(ticket, "ask", command, rules, until=command.until)
    return (_answer(ticket, command, MessageKind.REPLY, rules), *asked)


def _answer(ticket: Ticket, command: cm.Reply | cm.Ask, kind: MessageKind, rules: Rules) -> ev.ReplyAdded:
    channel = command.channel or ticket.answers_on or ticket.channel
    if kind is not MessageKind.CALL:
        _not_public(channel, rules)
    return ev.ReplyAdded(
        message=command.message,
        author=command.actor,
        kind=kind,
        channel=channel,
        queued=kind is not MessageKind.CALL and channel in rules.sends,
    )


def _not_public(channel: str, rules: Rules) -> None:
    if channel in rules.public:
        raise refuse(
            "channel.public",
            f"everybody reads {channel!r}: use answer_in_public(), or move_to_private() and then reply()",
        )


def _public_reply(
    ticket: Ticket, command: cm.PublicReply, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    """Answer in public: a person's answer is a reply and starts a new ticket, an automatic one is neither."""
    not_merged(ticket)
    is_person = command.actor.kind is ActorKind.AGENT
    started: Events = ()
    if is_person and ticket.category is StateCategory.NEW and "start" in rules.lifecycle.allowed(ticket.state):
        started = step(ticket, "start", command, rules)
    added = ev.ReplyAdded(
        message=command.message,
        author=command.actor,
        kind=MessageKind.REPLY if is_person else MessageKind.AUTO,
        channel=command.channel,
        queued=command.channel in rules.sends,
    )
    return (*started, added)


def _add_note(_ticket: Ticket, command: cm.AddNote, *_unused: object) -> Events:
    return (ev.NoteAdded(note=command.note, mentions=command.mentions),)


def _switch_channel(ticket: Ticket, command: cm.SwitchChannel, *_unused: object) -> Events:
    not_merged(ticket)
    if command.leg == ticket.leg:
        return ()
    return (ev.ChannelSwitched(leg=command.leg, channel=command.channel),)


# -- states ----------------------------------------------------------------------------------------------------------


def _start(ticket: Ticket, command: cm.Start, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]) -> Events:
    return step(ticket, "start", command, rules)


def _hold(ticket: Ticket, command: cm.Hold, now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]) -> Events:
    _in_future(command.until, now)
    return step(ticket, "hold", command, rules, text=command.text, until=command.until)


def _resume(
    ticket: Ticket, command: cm.Resume, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    return step(ticket, "resume", command, rules)


def _resolve(
    ticket: Ticket, command: cm.Resolve, _now: dt.datetime, rules: Rules, others: Mapping[str, Ticket]
) -> Events:
    events = step(ticket, "resolve", command, rules, reason=_plain_reason(command.reason), text=command.text)
    if not command.text.strip():
        raise refuse("resolution.missing", "say how the matter was resolved: the resolution has no words")
    _no_open_blockers(ticket, others)
    return events


def _reopen(
    ticket: Ticket, command: cm.Reopen, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    not_merged(ticket)
    return step(ticket, "reopen", command, rules, text=command.text)


def _close(ticket: Ticket, command: cm.Close, _now: dt.datetime, rules: Rules, others: Mapping[str, Ticket]) -> Events:
    return _finish(ticket, "close", command, rules, others)


def _fire(ticket: Ticket, command: cm.Fire, now: dt.datetime, rules: Rules, others: Mapping[str, Ticket]) -> Events:
    dest = rules.lifecycle.category(rules.lifecycle.step(ticket.state, command.trigger))
    if dest.is_done and not (dest is StateCategory.RESOLVED and ticket.is_done):
        return _finish(ticket, command.trigger, command, rules, others)
    not_merged(ticket)
    _in_future(command.until, now)
    return step(ticket, command.trigger, command, rules, until=command.until)


def _finish(
    ticket: Ticket, trigger: str, command: cm.Close | cm.Fire, rules: Rules, others: Mapping[str, Ticket]
) -> Events:
    """End a ticket: what was not resolved before needs a reason."""
    reason = command.reason and _plain_reason(command.reason)
    events = step(ticket, trigger, command, rules, reason=reason)
    if reason is None and not ticket.is_done:
        reasons = ", ".join(reason for reason in ClosingReason if reason is not ClosingReason.MERGED)
        raise refuse("reason.missing", f"ticket {ticket.number} is not resolved: give a closing reason ({reasons})")
    if reason is ClosingReason.SOLVED and not ticket.is_done:
        _no_open_blockers(ticket, others)
    return events


def _plain_reason(reason: ClosingReason) -> ClosingReason:
    if reason is ClosingReason.MERGED:
        raise refuse("reason.merged", "a ticket gets the reason 'merged' by merging it, not by closing it")
    return reason


def _no_open_blockers(ticket: Ticket, others: Mapping[str, Ticket]) -> None:
    for link in ticket.links:
        if link.kind is LinkKind.BLOCKED_BY:
            other = others.get(link.ticket)
            if other is not None and not other.is_done:
                raise refuse("link.blocked", f"ticket {ticket.number} is blocked by ticket {other.number}, still open")


def _in_future(until: dt.datetime | None, now: dt.datetime) -> None:
    if until is not None and until <= now:
        raise refuse("until.past", f"{until.isoformat()} is not in the future of {now.isoformat()}")


# -- who, how urgent, which words ------------------------------------------------------------------------------------


def _assign(ticket: Ticket, command: cm.Assign, *_unused: object) -> Events:
    team = ticket.team if isinstance(command.team, cm.Keep) else command.team
    assignee = ticket.assignee if isinstance(command.assignee, cm.Keep) else command.assignee
    if (team, assignee) == (ticket.team, ticket.assignee):
        return ()
    return (ev.Assigned(team=team, assignee=assignee),)


def _return_assignment(ticket: Ticket, _command: cm.ReturnAssignment, *_unused: object) -> Events:
    if ticket.assignee is None or ticket.offered_at is None:
        return ()
    return (ev.AssignmentReturned(assignee=ticket.assignee),)


def _set_priority(ticket: Ticket, command: cm.SetPriority, *_unused: object) -> Events:
    if command.priority is ticket.priority:
        return ()
    return (ev.PriorityChanged(source=ticket.priority, priority=command.priority),)


def _set_subject(ticket: Ticket, command: cm.SetSubject, *_unused: object) -> Events:
    return () if command.subject == ticket.subject else (ev.SubjectChanged(subject=command.subject),)


def _set_customer(ticket: Ticket, command: cm.SetCustomer, *_unused: object) -> Events:
    return () if command.customer == ticket.customer else (ev.CustomerChanged(customer=command.customer),)


def _tag(ticket: Ticket, command: cm.Tag, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]) -> Events:
    added, removed = _difference(ticket.tags, command.add, command.remove)
    _check_tags((*ticket.tags, *added), rules.limits)
    return (ev.TagsChanged(added=added, removed=removed),) if added or removed else ()


def _follow(
    ticket: Ticket, command: cm.Follow, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    added, removed = _difference(ticket.followers, command.add, command.remove)
    _within("followers of a ticket", rules.limits.followers, len(ticket.followers) + len(added))
    return (ev.FollowersChanged(added=added, removed=removed),) if added or removed else ()


def _change_participants(
    ticket: Ticket, command: cm.ChangeParticipants, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    """Let people join in the order in which they are named; the requester takes part anyway."""
    not_merged(ticket)
    removed = tuple([one for one in ticket.participants if one in command.remove])
    known = {*ticket.participants, *command.remove, ticket.customer}
    added = tuple([one for one in dict.fromkeys(command.add) if one not in known])
    _within("participants of a ticket", rules.limits.participants, len(ticket.participants) + len(added) - len(removed))
    return (ev.ParticipantsChanged(added=added, removed=removed),) if added or removed else ()


def _revoke_tokens(ticket: Ticket, _command: cm.RevokeTokens, *_unused: object) -> Events:
    _within("generations of a ticket's signatures", MAX_GENERATION, ticket.generation + 1)
    return (ev.TokensRevoked(generation=ticket.generation + 1),)


def _set_fields(
    ticket: Ticket, command: cm.SetFields, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    after = ticket.fields.changed(command.changes)
    _check_fields(after, rules.limits)
    return () if after == ticket.fields else (ev.FieldsChanged(changes=command.changes),)


def _difference(
    before: tuple[str, ...], add: Iterable[str], remove: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what really comes and goes; what is both added and removed goes."""
    have, gone = set(before), set(remove)
    return tuple(sorted(set(add) - have - gone)), tuple(sorted(gone & have))


def _within(limit: str, allowed: int, got: int, unit: str = "") -> None:
    if got > allowed:
        raise LimitExceeded(limit, allowed, got, unit)


def _check_tags(tags: tuple[str, ...], limits: Limits) -> None:
    _within("tags of a ticket", limits.tags, len(tags))
    for tag in tags:
        _within("length of a tag", limits.tag_chars, len(tag), "characters")
        if not tag.strip():
            raise refuse("tag.empty", "a tag needs at least one visible character")


def _check_fields(fields: Mapping[str, FieldValue], limits: Limits) -> None:
    _within("custom fields of a ticket", limits.fields, len(fields))
    for name, value in fields.items():
        _within("length of a field name", limits.name_chars, len(name), "characters")
        if isinstance(value, str):
            _within("size of a custom field", limits.field_bytes, len(value.encode()), "bytes")


# -- promises --------------------------------------------------------------------------------------------------------


def _apply_policy(
    ticket: Ticket, _command: cm.ApplyPolicy, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    not_merged(ticket)
    promised = rules.promises.choose(ticket)
    return (ev.PolicyApplied(policy=promised.policy, revision=promised.revision),)


def _set_due(ticket: Ticket, command: cm.SetDue, *_unused: object) -> Events:
    not_merged(ticket)
    return (ev.DueSet(metric=command.metric, due=command.due),)


def _make_promise(
    ticket: Ticket, command: cm.MakePromise, now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    not_merged(ticket)
    _within("open promises of a ticket", rules.limits.promises, len(ticket.promises) + 1)
    _goal(command, now)
    return (ev.PromiseMade(promise=command.promise, text=command.text, due=command.due, within=command.within),)


def _move_promise(ticket: Ticket, command: cm.MovePromise, now: dt.datetime, *_unused: object) -> Events:
    _known_promise(ticket, command.promise)
    _goal(command, now)
    return (ev.PromiseMoved(promise=command.promise, due=command.due, within=command.within),)


def _keep_promise(ticket: Ticket, command: cm.KeepPromise, *_unused: object) -> Events:
    _known_promise(ticket, command.promise)
    return (ev.PromiseKept(promise=command.promise),)


def _cancel_promise(ticket: Ticket, command: cm.CancelPromise, *_unused: object) -> Events:
    _known_promise(ticket, command.promise)
    return (ev.PromiseCancelled(promise=command.promise),)


def _goal(command: cm.MakePromise | cm.MovePromise, now: dt.datetime) -> None:
    if (command.due is None) == (command.within is None):
        raise refuse("promise.due", "a promise needs either an instant or a span of open time")
    if command.due is not None and command.due <= now:
        raise refuse("promise.past", f"{command.due.isoformat()} is not in the future of {now.isoformat()}")
    if command.within is not None and command.within <= dt.timedelta(0):
        raise refuse("promise.past", f"a promise within {command.within} cannot be kept")


def _known_promise(ticket: Ticket, promise: str) -> None:
    not_merged(ticket)
    if promise not in ticket.promises:
        raise refuse("promise.unknown", f"ticket {ticket.number} has no such open promise")


def _hand_over(
    ticket: Ticket, command: cm.HandOver, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    not_merged(ticket)
    if command.vendor in ticket.vendors:
        return ()
    _within("other organisations on a ticket", rules.limits.vendors, len(ticket.vendors) + 1)
    return (ev.HandedOver(vendor=command.vendor),)


def _pause_vendor(ticket: Ticket, command: cm.PauseVendor, *_unused: object) -> Events:
    _known_vendor(ticket, command.vendor)
    return (ev.VendorPaused(vendor=command.vendor),)


def _resume_vendor(ticket: Ticket, command: cm.ResumeVendor, *_unused: object) -> Events:
    _known_vendor(ticket, command.vendor)
    return (ev.VendorResumed(vendor=command.vendor),)


def _take_back(ticket: Ticket, command: cm.TakeBack, *_unused: object) -> Events:
    _known_vendor(ticket, command.vendor)
    return (ev.TakenBack(vendor=command.vendor),)


def _known_vendor(ticket: Ticket, vendor: str) -> None:
    not_merged(ticket)
    if vendor not in ticket.vendors:
        has = ", ".join(ticket.vendors) or "nobody else"
        raise refuse("vendor.unknown", f"{vendor!r:.80} does not work on ticket {ticket.number}; there works: {has}")


def _clear_survey_flag(_ticket: Ticket, command: cm.ClearSurveyFlag, *_unused: object) -> Events:
    if command.actor.kind is not ActorKind.AGENT:
        raise refuse("survey.person", "only an agent may clear a flag of an answer")
    return (
        ev.SurveyFlagCleared(
            survey=command.survey,
            resolution=command.resolution,
            version=command.version,
            flag=command.flag,
            note=command.note,
        ),
    )


_DECIDERS: dict[type[Any], Callable[..., Events]] = {
    cm.Receive: _receive,
    cm.Reply: _reply,
    cm.PublicReply: _public_reply,
    cm.Ask: _ask,
    cm.AddNote: _add_note,
    cm.Start: _start,
    cm.Hold: _hold,
    cm.Resume: _resume,
    cm.Resolve: _resolve,
    cm.Reopen: _reopen,
    cm.Close: _close,
    cm.Fire: _fire,
    cm.Assign: _assign,
    cm.SetPriority: _set_priority,
    cm.SetSubject: _set_subject,
    cm.SetCustomer: _set_customer,
    cm.Tag: _tag,
    cm.SetFields: _set_fields,
    cm.Follow: _follow,
    cm.ChangeParticipants: _change_participants,
    cm.RevokeTokens: _revoke_tokens,
    cm.MoveTier: move_tier,
    cm.WriteVendor: write_vendor,
    cm.RaiseSignal: raise_signal,
    cm.AcknowledgeEscalation: acknowledge,
    cm.FailDelivery: fail_delivery,
    cm.RetryDelivery: retry_delivery,
    cm.SettleDelivery: settle_delivery,
    cm.SwitchChannel: _switch_channel,
    cm.ApplyPolicy: _apply_policy,
    cm.SetDue: _set_due,
    cm.MakePromise: _make_promise,
    cm.MovePromise: _move_promise,
    cm.KeepPromise: _keep_promise,
    cm.CancelPromise: _cancel_promise,
    cm.HandOver: _hand_over,
    cm.PauseVendor: _pause_vendor,
    cm.ResumeVendor: _resume_vendor,
    cm.TakeBack: _take_back,
    cm.ClearSurveyFlag: _clear_survey_flag,
    cm.ReturnAssignment: _return_assignment,
    cm.EditMessage: edit_message,
    cm.DeleteMessage: delete_message,
    cm.WarnWindow: warn_window,
}
