"""Decisions about support lines: moving a ticket with a hand-over, bringing it back, writing to another organisation.

Part of `decide`, in a module of its own; pure like the rest of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from supportkit.engine.rules import Rules
from supportkit.engine.steps import Events, known_tier, not_merged, refuse, step
from supportkit.errors import LimitExceeded
from supportkit.escalation.handover import SUMMARY, missing_points
from supportkit.escalation.vendors import Vendor
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.clocks import Metric
from supportkit.model.fields import NO_FIELDS, Fields
from supportkit.model.people import ActorKind
from supportkit.model.ticket import StateCategory, Ticket
from supportkit.sla.policy import ALWAYS_OPEN

MAX_POINTS = 50


def move_tier(
    ticket: Ticket, command: cm.MoveTier, now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    """Move a ticket to another line, with what that line must know."""
    source, dest = ticket.tier, command.tier
    known_tier(dest, rules)
    if dest == source:
        if command.team is None or command.team == ticket.team:
            return ()
        return (ev.Assigned(team=command.team, assignee=None),)
    _allowed(source, dest, rules)
    written = _handover(ticket, command, rules)
    # Only a move with a hand-over looks for the usual team: others keep the meaning that they always had.
    team = command.team or (_usual_team(dest, rules) if command.points is not None else None)
    moved = ev.TierMoved(source=source, dest=dest, team=team, summary=command.summary)
    assigned: Events = ()
    if command.assignee is not None:
        assigned = (ev.Assigned(team=team, assignee=command.assignee),)
    if command.vendor is not None:
        return (*written, moved, *assigned, *_hand_out(ticket, command, now, rules))
    return (*written, moved, *assigned, *(_bring_back(ticket, command, rules) if command.returns else ()))


def _allowed(source: int, dest: int, rules: Rules) -> None:
    policy = rules.tier_policy
    if dest < source and not policy.down:
        raise refuse("tier.down", f"tickets do not go down: {source} to {dest}")
    if dest > source + 1 and not policy.skip:
        raise refuse("tier.skip", f"tickets go up one tier at a time: {source} to {source + 1}, not to {dest}")


def _usual_team(level: int, rules: Rules) -> str | None:
    teams = rules.tier(level).teams
    return teams[0] if teams else None


def _handover(ticket: Ticket, command: cm.MoveTier, rules: Rules) -> Events:
    """Return the hand-over of a move up, held against the checklist; what moves by itself has nobody to ask."""
    tier = rules.tier(command.tier)
    points = command.points or NO_FIELDS
    if command.summary.strip() and SUMMARY not in points:
        points = Fields({**points, SUMMARY: command.summary})
    _check_points(points, tier.checklist, rules)
    is_asked = command.tier > ticket.tier and command.actor.kind is not ActorKind.SYSTEM
    missing = missing_points(tier, points) if is_asked else ()
    if missing:
        raise refuse(
            "handover.missing",
            f"line {tier.level} has to know more before it takes ticket {ticket.number}: say {', '.join(missing)}",
        )
    if command.points is None and not (tier.checklist and points):
        return ()
    return (ev.HandoverWritten(source=ticket.tier, dest=tier.level, points=points),)


def _check_points(points: Fields, checklist: tuple[str, ...], rules: Rules) -> None:
    if len(points) > MAX_POINTS:
        raise LimitExceeded("points of a hand-over", MAX_POINTS, len(points))
    for key, value in points.items():
        if checklist and key not in checklist and key != SUMMARY:
            raise refuse("handover.unknown", f"{key!r:.80} is not asked for; the checklist is: {', '.join(checklist)}")
        if not isinstance(value, str):
            raise refuse("handover.words", f"{key!r:.80} of a hand-over is text, not {type(value).__name__}")
        size = len(value.encode())
        if size > rules.limits.field_bytes:
            raise LimitExceeded("size of a point of a hand-over", rules.limits.field_bytes, size, "bytes")


# -- other organisations ---------------------------------------------------------------------------------------------


def _hand_out(ticket: Ticket, command: cm.MoveTier, now: dt.datetime, rules: Rules) -> Events:
    """Return what lets a vendor begin: its clock, the state that waits for it, and the message that tells it."""
    not_merged(ticket)
    name = command.vendor or ""
    vendor = _known(name, rules)
    if vendor.tier != command.tier:
        raise refuse("vendor.tier", f"{name!r:.80} is line {vendor.tier}, not line {command.tier}")
    events: list[ev.Event] = []
    if name not in ticket.vendors:
        if len(ticket.vendors) >= rules.limits.vendors:
            raise LimitExceeded("other organisations on a ticket", rules.limits.vendors, len(ticket.vendors) + 1)
        events.append(ev.HandedOver(vendor=name))
        if vendor.target is not None:
            events.append(ev.DueSet(metric=Metric.EXTERNAL, due=due_of(vendor, now, rules)))
    waits = ticket.category in {StateCategory.NEW, StateCategory.OPEN, StateCategory.WAITING_CUSTOMER}
    if waits and "hold" in rules.lifecycle.allowed(ticket.state):
        events += step(ticket, "hold", command, rules)
    events.append(_written(command, name))
    return tuple(events)


def due_of(vendor: Vendor, now: dt.datetime, rules: Rules) -> dt.datetime:
    """Return by when a vendor that gets a ticket *now* has to be done, in open time of its calendar."""
    calendar = rules.promises.rules.calendar(vendor.calendar or ALWAYS_OPEN, None)
    return calendar.add(now, vendor.target or dt.timedelta(0)).astimezone(dt.UTC)


def _known(name: str, rules: Rules) -> Vendor:
    vendor = rules.vendors.get(name)
    if vendor is None:
        has = ", ".join(rules.vendors) or "none"
        raise refuse("vendor.unreachable", f"the desk cannot write to {name!r:.80}; vendors with an address: {has}")
    return vendor


def _written(command: cm.MoveTier | cm.WriteVendor, vendor: str) -> ev.VendorWritten:
    return ev.VendorWritten(
        message=command.message, vendor=vendor, channel=command.channel, leg=command.leg, queued=True
    )


def write_vendor(
    ticket: Ticket, command: cm.WriteVendor, _now: dt.datetime, rules: Rules, _others: Mapping[str, Ticket]
) -> Events:
    """Write to a vendor that has the ticket."""
    not_merged(ticket)
    _known(command.vendor, rules)
    if command.vendor not in ticket.vendors:
        has = ", ".join(ticket.vendors) or "nobody else"
        raise refuse(
            "vendor.unknown", f"{command.vendor!r:.80} does not work on ticket {ticket.number}; there works: {has}"
        )
    return (_written(command, command.vendor),)


def _bring_back(ticket: Ticket, command: cm.MoveTier, rules: Rules) -> Events:
    """Return what ends the work of the vendors of the line that a ticket leaves, and lets the desk go on."""
    leaving = [
        name for name in ticket.vendors if (vendor := rules.vendors.get(name)) is None or vendor.tier > command.tier
    ]
    events: list[ev.Event] = [ev.TakenBack(vendor=name) for name in leaving]
    is_over = leaving and len(leaving) == len(ticket.vendors)
    waits = ticket.category is StateCategory.WAITING_EXTERNAL and "resume" in rules.lifecycle.allowed(ticket.state)
    if is_over and waits:
        events += step(ticket, "resume", command, rules)
    return tuple(events)


# -- what rules wait for, and who has seen it ------------------------------------------------------------------------


def raise_signal(ticket: Ticket, command: cm.RaiseSignal, *_unused: object) -> Events:
    """Record that something happened that rules may wait for."""
    not_merged(ticket)
    return (ev.SignalRaised(signal=command.signal, instance=command.instance or str(ticket.version + 1)),)


def acknowledge(ticket: Ticket, command: cm.AcknowledgeEscalation, *_unused: object) -> Events:
    """Record who has taken note of an escalation; the shell has looked up which one."""
    not_merged(ticket)
    if command.instance is None:
        raise refuse("escalation.unknown", f"rule {command.rule!r:.80} has not fired on ticket {ticket.number}")
    return (ev.EscalationAcknowledged(rule=command.rule, instance=command.instance),)
