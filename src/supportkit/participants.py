"""`desk.participants`: who takes part in a ticket besides its requester, gets answers in copy and may write there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack, cast

import attrs

from supportkit.arguments import How, as_actor, as_customer, as_options, as_ticket
from supportkit.drafting import Draft, Ref
from supportkit.engine.decide import decide
from supportkit.errors import CapabilityMissing, NotFound
from supportkit.lookup import expect, find, person, survivor
from supportkit.model import commands as cm
from supportkit.model.addressing import normalised
from supportkit.model.people import Actor, Address, AddressStatus, Customer
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import UnitOfWork
from supportkit.text import clean

MAIL = "email"


@attrs.frozen
class Participants:
    """People who take part in a ticket besides its requester: `list`, `add`, `remove`.

    An answer by e-mail goes to the requester and, in copy, to them; what they write joins the ticket.
    """

    _runner: Runner

    def list(self, ticket: Ref | Ticket) -> Sequence[Customer]:
        """Return who takes part, in the order of joining; of a merged ticket those of the survivor.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        with self._runner.reading() as unit:
            found = [person(unit, one) for one in survivor(unit, find(unit, as_ticket(ticket)).id).participants]
        return tuple([one for one in found if one is not None])

    def add(self, ticket: Ref | Ticket, *who: str | Customer, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Let people take part; on a merged ticket in the survivor. The requester himself is left out.

        Args:
            ticket: Which ticket.
            who: Customers or their ids, or mail addresses: an address that nobody has becomes a customer who claims it.
            actor: Who adds them.

        Raises:
            NotFound: There is no such customer.
            LimitExceeded: They would be more than `Limits.participants`.
            ValueError: A mail address is none.
        """
        return self._change(ticket, cm.ChangeParticipants(actor=as_actor(actor), add=_named(who)), how)

    def remove(self, ticket: Ref | Ticket, *who: str | Customer, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Let people take part no more: they get no copies, and what they write opens a ticket of their own.

        Args:
            ticket: Which ticket.
            who: Customers or their ids, or mail addresses.
            actor: Who removes them.

        Raises:
            NotFound: There is no such customer.
        """
        return self._change(ticket, cm.ChangeParticipants(actor=as_actor(actor), remove=_named(who)), how)

    def _change(self, ref: Ref | Ticket, command: cm.ChangeParticipants, how: How) -> Ticket:
        runner, options, subject = self._runner, as_options(how), as_ticket(ref)

        def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
            ticket = survivor(unit, find(unit, subject).id)
            expect(ticket, options)
            add = [self._found(unit, draft, one, is_new=True) for one in command.add]
            remove = [self._found(unit, draft, one, is_new=False) for one in command.remove]
            # Under the id that the ticket has him by: he may have been merged into another customer since.
            gone = [one for one in ticket.participants if one in remove or _now(unit, one) in remove]
            known = attrs.evolve(command, add=tuple(add), remove=tuple(gone))
            draft.command = known
            events = decide(ticket, known, draft.at, runner.rules)
            if events:
                runner.ask_plugins(ticket, known)
            return draft.add(runner.tenant, ticket, ticket.id, events) or ticket

        return runner.carry_out(command, options, prepare, subject=subject)

    def _found(self, unit: UnitOfWork, draft: Draft, who: str, *, is_new: bool) -> str:
        """Return the id of somebody who is named by his id or by a mail address."""
        if "@" not in who:
            customer = person(unit, who)
            if customer is None:
                raise NotFound("customer", who)
            return customer.id
        if not self._runner.storage.capabilities.receives:
            raise CapabilityMissing("the storage", "receives", "name the customer by his id")
        value = normalised(MAIL, clean(who, "mail address"))
        found = owner_of(cast("ReceivingUnit", unit), MAIL, value)
        if found is not None:
            return found
        if not is_new:
            raise NotFound("customer", "with this mail address")
        customer = newcomer(self._runner, draft, MAIL, value)
        return customer.id


def newcomer(runner: Runner, draft: Draft, kind: str, value: str) -> Customer:
    """Put somebody of whom nothing is known but an address, which he only claims, into a draft."""
    found = (one for one in draft.received.customers if any(address.value == value for address in one.addresses))
    known = next(found, None)
    if known is not None:
        return known
    customer = Customer(
        id=runner.new_id(draft.now),
        tenant=runner.tenant,
        addresses=(Address(family=kind, value=value, status=AddressStatus.CLAIMED),),
        created_at=draft.now,
    )
    draft.received.customers.append(customer)
    return customer


def owner_of(unit: ReceivingUnit, kind: str, value: str) -> str | None:
    """Return whose address it is: of the one who proved it, else of the first who claims it."""
    return next((owner for owner, _status in unit.owners(kind, value)), None)


def taking_part(unit: UnitOfWork, ticket: Ticket) -> frozenset[str]:
    """Return the ids of those who take part in a ticket, as they are now after merges of customers."""
    return frozenset([*ticket.participants, *[_now(unit, one) for one in ticket.participants]])


def copies_of(unit: UnitOfWork, ticket: Ticket, kind: str, recipient: str) -> dict[str, str]:
    """Return where an answer goes in copy: normalised addresses and whose they are, without *recipient*."""
    found: dict[str, str] = {}
    for one in ticket.participants:
        customer = person(unit, one)
        address = None if customer is None else _address(customer, kind)
        if customer is not None and address is not None and address != _plain(kind, recipient):
            found.setdefault(address, customer.id)
    return found


def _address(customer: Customer, kind: str) -> str | None:
    """Return where somebody is reached who neither wants to hear nothing nor cannot be reached any more."""
    for one in customer.addresses:
        value = _plain(kind, one.value) if one.family == kind else None
        if value and not one.opted_out and not one.is_dead:
            return value
    return None


def _plain(kind: str, value: str) -> str:
    try:
        return normalised(kind, value)
    except ValueError:
        return ""


def _now(unit: UnitOfWork, customer_id: str) -> str:
    customer = person(unit, customer_id)
    return customer_id if customer is None else customer.id


def _named(who: Sequence[str | Customer]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([name for name in map(as_customer, who) if name is not None]))
