"""Moving tickets between support lines and to other organisations: what is looked up before the rules decide."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

import attrs

from supportkit.channels.port import ChannelAdapter
from supportkit.drafting import Draft, Options, Ref
from supportkit.engine.decide import decide, refuse
from supportkit.engine.rules import Rules
from supportkit.errors import CapabilityMissing, InvalidEscalation
from supportkit.escalation.handover import SUMMARY, came_from
from supportkit.escalation.vendors import Vendor
from supportkit.intake import Intake, conversation_key
from supportkit.lookup import expect, find
from supportkit.model import commands as cm
from supportkit.model.addressing import normalised
from supportkit.model.conversation import Leg, LegChange
from supportkit.model.fields import Fields
from supportkit.model.people import Actor
from supportkit.model.ticket import Ticket
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import UnitOfWork
from supportkit.text import suggest

To = int | str
"""A line: its level, its name, or `up` for the next one."""
_Written = TypeVar("_Written", cm.MoveTier, cm.WriteVendor)
Complete = Callable[[UnitOfWork, Draft, Ticket], tuple[cm.MoveTier | cm.WriteVendor, LegChange | None]]


@attrs.frozen
class Lines:
    """The verbs about support lines of one desk."""

    intake: Intake
    channels: Mapping[str, ChannelAdapter]

    def escalate(
        self,
        ref: Ref,
        to: To,
        points: Fields,
        actor: Actor,
        *,
        team: str | None,
        assignee: str | None,
        vendor: str | None,
        body: str,
        options: Options,
    ) -> Ticket:
        """Move a ticket up with a hand-over; `Desk.escalate` says what may go wrong."""
        rules = self.intake.runner.rules
        wanted = 0 if to == "up" else _level(to, rules)
        given = cm.MoveTier(
            actor=actor, tier=wanted, team=team, points=points, assignee=assignee, vendor=vendor, body=body
        )

        def complete(unit: UnitOfWork, draft: Draft, ticket: Ticket) -> tuple[cm.MoveTier, LegChange | None]:
            tier = wanted or _next(ticket, rules)
            if tier <= ticket.tier:
                raise refuse(
                    "tier.not_up",
                    f"ticket {ticket.number} is in line {ticket.tier} already: to bring it back use deescalate()",
                )
            command = attrs.evolve(given, tier=tier, summary=str(points.get(SUMMARY) or ""))
            other = _vendor_of(tier, vendor, rules)
            if other is None:
                return command, None
            words = body.strip() or "\n".join(f"{key}: {points[key]}" for key in _order(points, tier, rules))
            return self._to_vendor(attrs.evolve(command, vendor=other.name, body=words), other, unit, draft, ticket)

        return self._run(ref, given, complete, options)

    def deescalate(self, ref: Ref, to: To | None, summary: str, actor: Actor, options: Options) -> Ticket:
        """Bring a ticket back to a lower line; `Desk.deescalate` says what may go wrong."""
        rules = self.intake.runner.rules
        wanted = 0 if to is None else _level(to, rules)
        given = cm.MoveTier(actor=actor, tier=wanted, summary=summary, returns=True)

        def complete(unit: UnitOfWork, _draft: Draft, ticket: Ticket) -> tuple[cm.MoveTier, LegChange | None]:
            origin = came_from(unit.history(ticket.id), wanted or None)
            tier = wanted or (origin.tier if origin is not None else _below(ticket, rules))
            if tier >= ticket.tier:
                raise refuse(
                    "tier.not_down", f"ticket {ticket.number} is in line {ticket.tier}: there is no lower line for it"
                )
            if origin is None:
                return attrs.evolve(given, tier=tier), None
            return attrs.evolve(given, tier=tier, team=origin.team, assignee=origin.assignee), None

        return self._run(ref, given, complete, options)

    def write(self, ref: Ref, vendor: str, body: str, actor: Actor, options: Options) -> Ticket:
        """Write to a vendor that has the ticket."""
        rules = self.intake.runner.rules
        given = cm.WriteVendor(actor=actor, vendor=vendor, body=body)

        def complete(unit: UnitOfWork, draft: Draft, ticket: Ticket) -> tuple[cm.WriteVendor, LegChange | None]:
            known = rules.vendors.get(vendor)
            if known is None:
                return given, None  # the rules refuse it
            return self._to_vendor(given, known, unit, draft, ticket)

        return self._run(ref, given, complete, options)

    def _run(self, ref: Ref, given: cm.MoveTier | cm.WriteVendor, complete: Complete, options: Options) -> Ticket:
        """Complete a command with what the ticket and its history say, and carry it out."""
        runner = self.intake.runner

        def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
            ticket = find(unit, ref)
            expect(ticket, options)
            command, leg = complete(unit, draft, ticket)
            draft.command = command
            events = decide(ticket, command, draft.at, runner.rules)
            if events:
                runner.ask_plugins(ticket, command)
                if leg is not None and leg.is_new:
                    draft.received.legs.append(leg)
            return draft.add(runner.tenant, ticket, ticket.id, events) or ticket

        return runner.carry_out(given, options, prepare, subject=ref)

    def _to_vendor(
        self, command: _Written, vendor: Vendor, unit: UnitOfWork, draft: Draft, ticket: Ticket
    ) -> tuple[_Written, LegChange]:
        """Add to a command the message to a vendor and the leg on which it goes out."""
        if not command.body.strip():
            raise refuse("vendor.words", f"{vendor.name!r:.80} has to be told what is asked: give words")
        leg = self._leg(vendor, unit, draft.now, ticket)
        message = self.intake.runner.new_id(draft.now)
        return attrs.evolve(command, message=message, channel=vendor.channel, leg=leg.leg.id), leg

    def _leg(self, vendor: Vendor, unit: UnitOfWork, now: dt.datetime, ticket: Ticket) -> LegChange:
        """Return the leg to a vendor: the one that this ticket has, or a new one."""
        adapter, runner = self.channels[vendor.channel], self.intake.runner
        if not runner.storage.capabilities.receives:
            raise CapabilityMissing("the storage", "receives", "use one that keeps conversations")
        receiving = cast("ReceivingUnit", unit)
        address = normalised(adapter.capabilities.address_kind, vendor.address)
        for leg in reversed(receiving.legs([ticket.id])):
            if leg.channel == adapter.name and leg.address == address:
                return LegChange(leg=leg, key="", is_new=False)
        key = conversation_key(self.intake.keys(), adapter.name, "", address)
        replaced = receiving.conversation(key)
        leg = Leg(
            id=runner.new_id(now),
            tenant=ticket.tenant,
            ticket=ticket.id,
            channel=adapter.name,
            thread=address,
            address=address,
            began_at=now,
        )
        return LegChange(leg=leg, key=key, replaces=None if replaced is None else replaced.id)


def _level(to: To, rules: Rules) -> int:
    if isinstance(to, str):
        for tier in rules.tiers:
            if tier.name == to:
                return tier.level
        raise ValueError(f"there is no line {to[:64]!r}{suggest(to, [tier.name for tier in rules.tiers])}")
    if isinstance(to, bool) or not isinstance(to, int):
        raise TypeError(f"a line is named by its level or its name, not by a {type(to).__name__}")
    if to not in rules.levels:
        has = ", ".join(str(known) for known in sorted(rules.levels))
        raise refuse("tier.unknown", f"there is no tier {to}; there are: {has}")
    return to


def _next(ticket: Ticket, rules: Rules) -> int:
    return min((level for level in rules.levels if level > ticket.tier), default=ticket.tier)


def _below(ticket: Ticket, rules: Rules) -> int:
    return max((level for level in rules.levels if level < ticket.tier), default=ticket.tier)


def _order(points: Fields, tier: int, rules: Rules) -> list[str]:
    return [key for key in dict.fromkeys((*rules.tier(tier).checklist, *points)) if key in points]


def _vendor_of(tier: int, name: str | None, rules: Rules) -> Vendor | None:
    """Return whom a move to a line goes to; an own line has no vendor."""
    if name is not None:
        found = rules.vendors.get(name)
        if found is None:
            has = ", ".join(rules.vendors) or "none"
            raise refuse("vendor.unreachable", f"the desk cannot write to {name!r:.80}; vendors with an address: {has}")
        return found
    there = [vendor for vendor in rules.vendors.values() if vendor.tier == tier]
    if not rules.tier(tier).external or not there:
        return None
    if len(there) > 1:
        names = ", ".join(vendor.name for vendor in there)
        raise refuse("vendor.ambiguous", f"line {tier} has several vendors, say which: {names}")
    return there[0]


def check_vendors(vendors: Mapping[str, Vendor], rules: Rules, channels: Mapping[str, ChannelAdapter]) -> None:
    """Refuse vendors that could never be written to.

    Raises:
        InvalidEscalation: A channel is missing, cannot send, waits to be written to first, or takes no such address.
    """
    for vendor in vendors.values():
        adapter = channels.get(vendor.channel)
        if adapter is None:
            hint = suggest(vendor.channel, sorted(channels)) if channels else ""
            raise InvalidEscalation(f"vendor {vendor.name!r}: the desk has no channel {vendor.channel!r}{hint}")
        able = adapter.capabilities
        if not able.outbound or not able.starts or able.public:
            raise InvalidEscalation(
                f"vendor {vendor.name!r}: channel {vendor.channel!r} cannot write to somebody first, and to him alone"
            )
        try:
            normalised(able.address_kind, vendor.address)
        except ValueError as error:
            raise InvalidEscalation(f"vendor {vendor.name!r}: {error}") from None
        if vendor.tier not in rules.levels:
            raise InvalidEscalation(f"vendor {vendor.name!r}: there is no line {vendor.tier}")
