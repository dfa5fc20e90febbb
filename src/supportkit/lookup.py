"""What a command needs to know before it is decided: which ticket, which other tickets, whose message."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from supportkit.drafting import Options, Ref
from supportkit.engine.decide import refuse
from supportkit.errors import ConcurrentUpdate, StorageCorrupt, TicketNotFound
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.people import Actor, ActorKind, Customer
from supportkit.model.ticket import Link, LinkKind, Ticket
from supportkit.storage.port import UnitOfWork


def find(unit: UnitOfWork, ref: Ref) -> Ticket:
    """Return the ticket with this id or number.

    Raises:
        TicketNotFound: There is none in this tenant.
    """
    ticket = unit.by_number(ref) if isinstance(ref, int) else unit.get(ref)
    if ticket is None:
        raise TicketNotFound(ref)
    return ticket


def find_both(unit: UnitOfWork, one: Ref, two: Ref) -> tuple[Ticket, Ticket]:
    """Return two tickets; looked up in the same order for everybody, because a unit that holds them locks in it."""
    if (isinstance(two, int), two) < (isinstance(one, int), one):
        second = find(unit, two)
        return find(unit, one), second
    return find(unit, one), find(unit, two)


def survivor(unit: UnitOfWork, ref: Ref) -> Ticket:
    """Return the ticket at the end of the chain of merges that begins at *ref*."""
    ticket = find(unit, ref)
    seen = {ticket.id}
    while ticket.merged_into is not None:
        ticket = find(unit, ticket.merged_into)
        if ticket.id in seen:
            raise StorageCorrupt(f"the merges of ticket {ticket.number} go round in a circle")
        seen.add(ticket.id)
    return ticket


def person(unit: UnitOfWork, customer_id: str) -> Customer | None:
    """Return a customer, or whoever has taken over a merged one; `None` where there is no such customer."""
    customer, seen = unit.customer(customer_id), {customer_id}
    while customer is not None and customer.merged_into is not None:
        if customer.merged_into in seen:
            raise StorageCorrupt(f"the merges of customer {customer_id} go round in a circle")
        seen.add(customer.merged_into)
        customer = unit.customer(customer.merged_into)
    return customer


def linked(unit: UnitOfWork, ticket: Ticket, command: cm.Command) -> Mapping[str, Ticket]:
    """Load the tickets that a command which ends the work has to look at."""
    if not ticket.links or not isinstance(command, cm.Resolve | cm.Close | cm.Fire):
        return {}
    blockers = [link.ticket for link in ticket.links if link.kind is LinkKind.BLOCKED_BY]
    return {found.id: found for found in map(unit.get, blockers) if found is not None}


def vendor_legs(unit: UnitOfWork, ticket: Ticket) -> frozenset[str]:
    """Return the legs of a ticket that lead to other organisations; no answer to a customer may take one."""
    logs = (unit.history(ticket_id) for ticket_id in (ticket.id, *(part.ticket for part in ticket.merged)))
    log = (one for several in logs for one in several)
    return frozenset(
        one.event.leg for one in log if isinstance(one.event, ev.VendorWritten) and one.event.leg is not None
    )


def from_customer(command: cm.Receive, ticket: Ticket) -> cm.Receive:
    """Put the ticket's customer in where the command only says "the customer"."""
    if command.author is not cm.THE_CUSTOMER:
        return command
    if ticket.customer is None:
        raise refuse("author.missing", f"ticket {ticket.number} has no customer: say with author= who wrote this")
    customer = Actor(ActorKind.CUSTOMER, ticket.customer)
    return attrs.evolve(command, author=customer, actor=customer)


def follow_up(old: Ticket, command: cm.Receive) -> cm.Open:
    """Return the command that opens a follow-up of *old* with the message that came in."""
    return cm.Open(
        actor=command.actor,
        subject=old.subject,
        body=command.body,
        author=command.author,
        customer=old.customer,
        channel=command.channel or old.channel,
        kind=command.kind,
        priority=old.priority,
        locale=old.locale,
        external_id=command.external_id,
        links=(Link(LinkKind.FOLLOW_UP, old.id),),
        ticket=command.ticket,
        message=command.message,
        reference=command.reference,
    )


def spoken(command: cm.Open, customer: Customer | None) -> cm.Open:
    """Take the language of the customer where the command names none."""
    if command.locale is not None or customer is None:
        return command
    return attrs.evolve(command, locale=customer.locale)


def expect(ticket: Ticket, options: Options) -> None:
    """Make sure that the ticket is at the version that the caller expects, if he expects one.

    Raises:
        ConcurrentUpdate: It is not.
    """
    if options.expected_version is not None and ticket.version != options.expected_version:
        raise ConcurrentUpdate(ticket.id, options.expected_version)
