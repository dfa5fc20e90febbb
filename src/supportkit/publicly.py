"""What is said where everybody reads it: one short answer, and the way to go on in private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import attrs

from supportkit.channels.measure import measure
from supportkit.channels.port import ChannelAdapter
from supportkit.channels.public import MAX_CHARS, exposed_in
from supportkit.continuing import VALID_FOR, ContinuationLink, make_link
from supportkit.drafting import Draft, Options, Ref
from supportkit.engine.decide import decide, refuse
from supportkit.errors import CapabilityMissing
from supportkit.intake import Intake
from supportkit.legs import LegState, legs_of
from supportkit.lookup import expect, person, survivor
from supportkit.model import commands as cm
from supportkit.model.conversation import Heard, Leg
from supportkit.model.people import Actor, ActorKind
from supportkit.model.ticket import Ticket
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import UnitOfWork
from supportkit.switching import switch

Words = Callable[[str | None, str], str]
_ONCE = "once"


@attrs.frozen(kw_only=True)
class MovedToPrivate:
    """Where a conversation goes on that had begun in public.

    Attributes:
        ticket: The ticket after it.
        link: What to hand to the customer where no private channel reaches him; `None` where one does.
    """

    ticket: Ticket
    link: ContinuationLink | None = None


def answer(
    intake: Intake,
    channels: Mapping[str, ChannelAdapter],
    ref: Ref,
    text: str | None,
    actor: Actor,
    options: Options,
    words: Words,
) -> Ticket:
    """Answer on the public leg of a ticket; `Desk.answer_in_public` says what may go wrong.

    *words* gives what to say where there is no *text*, from the language of the ticket and the family of the channel.
    """
    runner = intake.runner
    if not runner.storage.capabilities.receives:
        raise CapabilityMissing("the storage", "receives", "use one that keeps conversations")
    if text is None:  # read before anything is locked
        words(None, "social")
    blank = cm.PublicReply(actor=actor, body=text or "")

    def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
        receiving = cast("ReceivingUnit", unit)
        ticket = survivor(unit, ref)
        expect(ticket, options)
        leg = _public_leg(receiving, channels, ticket)
        adapter = channels[leg.channel]
        body = words(ticket.locale, adapter.capabilities.family) if text is None else text
        _check(receiving, adapter, ticket, leg, body)
        made = runner.new_id(draft.now)
        command = cm.PublicReply(actor=actor, body=body, leg=leg.id, channel=leg.channel, message=made)
        draft.command = command
        events = decide(ticket, command, draft.at, runner.rules)
        runner.ask_plugins(ticket, command)
        _once(intake, receiving, draft, ticket, leg, actor)
        return draft.add(runner.tenant, ticket, ticket.id, events) or ticket

    return runner.carry_out(blank, options, prepare, subject=ref)


def _public_leg(unit: ReceivingUnit, channels: Mapping[str, ChannelAdapter], ticket: Ticket) -> Leg:
    """Return the newest public leg of a ticket."""
    for leg in reversed(unit.legs([ticket.id, *[part.ticket for part in ticket.merged]])):
        adapter = channels.get(leg.channel)
        if adapter is not None and adapter.capabilities.public and adapter.capabilities.outbound:
            return leg
    raise refuse("public.none", f"ticket {ticket.number} is not talked about in public: use reply()")


def _check(unit: ReceivingUnit, adapter: ChannelAdapter, ticket: Ticket, leg: Leg, body: str) -> None:
    able = adapter.capabilities
    limit = min(MAX_CHARS, able.max_body_chars or MAX_CHARS)
    length = max(len(body), measure(body, able.length_unit)) if able.length_unit != "segments" else len(body)
    if length > limit:
        raise refuse("public.length", f"a public answer has at most {limit} characters, this one has {length}")
    customer = None if ticket.customer is None else person(unit, ticket.customer)
    found = exposed_in(
        body,
        handle=leg.address,
        names=() if customer is None else (customer.name,),
        references=(ticket.reference,),
    )
    if found:
        named = ", ".join(f"{one.kind} {one.text!r}" for one in found)
        raise refuse("public.private", f"this must not be said in public: {named}; say it after move_to_private()")


def _once(intake: Intake, unit: ReceivingUnit, draft: Draft, ticket: Ticket, leg: Leg, actor: Actor) -> None:
    """Let an automatic answer be the only one of its thread, and an answer after the end the only one of that end."""
    keys, wanted = intake.keys(), []
    if actor.kind is not ActorKind.AGENT:
        key = keys.digest("public automatic", leg.channel, leg.account, leg.thread)
        refusal = refuse("public.once", "this thread has had its automatic public answer: a person has to go on")
        wanted.append((key, refusal))
    if ticket.is_done:
        key = keys.digest("public closing", ticket.id, str(ticket.reopenings))
        refusal = refuse("public.closed", f"ticket {ticket.number} is over and has had its closing line in public")
        wanted.append((key, refusal))
    for key, refusal in wanted:
        if unit.heard(key):
            raise refusal
        draft.received.heard.append(Heard(tenant=ticket.tenant, key=key, digest=_ONCE, ticket=ticket.id, at=draft.now))


def move_to_private(
    intake: Intake,
    channels: Mapping[str, ChannelAdapter],
    ref: Ref,
    to: str | None,
    actor: Actor,
    options: Options,
) -> MovedToPrivate:
    """Open a private way for a ticket; `Desk.move_to_private` says which."""
    with intake.runner.reading() as unit:
        ticket = survivor(unit, ref)
    if to is not None and to in channels and channels[to].capabilities.public:
        raise refuse("public.private", f"everybody reads {to!r}: name a private channel")
    ways = [one for one in legs_of(intake.runner, channels, ticket.id) if not one.is_public and one.problem is None]
    if to is None and not ways:
        return MovedToPrivate(ticket=ticket, link=make_link(intake.runner, intake.keys(), ticket.id, VALID_FOR, None))
    best = None if to is not None else max(ways, key=_preference)
    channel = to if best is None else best.channel
    address = None if best is None else best.address
    return MovedToPrivate(ticket=switch(intake, channels, ticket.id, channel or "", actor, address, options))


def _preference(way: LegState) -> tuple[bool, bool, bool]:
    return way.is_current, way.verified, way.id is not None
