"""Two customers who are one person become one, and can be taken apart again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import attrs

from supportkit.drafting import Draft
from supportkit.engine.decide import decide, refuse
from supportkit.errors import NotFound
from supportkit.lookup import person
from supportkit.model import commands as cm
from supportkit.model.addressing import normalised
from supportkit.model.people import Actor, ActorKind, Address, AddressStatus, Consent, Customer, MergedPerson
from supportkit.model.ticket import Ticket
from supportkit.races import again
from supportkit.runner import Runner
from supportkit.storage.port import MAX_PAGE, TicketQuery, UnitOfWork

Result = TypeVar("Result")
Place = tuple[str, str]


def merge(runner: Runner, a: str, b: str, actor: Actor) -> Customer:
    """Join two customers; `Customers.merge` says how."""

    def work(unit: UnitOfWork, draft: Draft) -> Customer:
        named = [_found(unit, one) for one in (a, b)]
        if named[0].id == named[1].id:
            raise refuse("customer.self", f"customer {a} cannot be merged with himself")
        one, two = (person(unit, found.id) or found for found in named)
        if one.id == two.id:
            return one  # it was done before
        _allowed(actor, one, two)
        survivor, source = sorted((one, two), key=_rank)
        tickets = _tickets(unit, source.id)
        joined = _joined(survivor.addresses, source.addresses)
        part = MergedPerson(
            customer=source.id,
            own=source.addresses,
            before=survivor.addresses,
            joined=joined,
            tickets=tuple([ticket.id for ticket in tickets]),
        )
        after = _next(survivor, addresses=joined, merged=(*survivor.merged, part), consents=strictest(survivor, source))
        # The one who loses addresses is written first: a proved address belongs to one customer at any time.
        draft.received.customers += [_next(source, addresses=(), proofs=(), merged_into=survivor.id), after]
        _hand_over(runner, draft, tickets, actor, survivor.id)
        return after

    return _in_one(runner, actor, work)


def unmerge(runner: Runner, customer: str, actor: Actor) -> Customer:
    """Take a merged customer out of the survivor; `Customers.unmerge` says how."""

    def work(unit: UnitOfWork, draft: Draft) -> Customer:
        source = _found(unit, customer)
        if source.merged_into is None:
            raise refuse("customer.alone", f"customer {customer} was not merged into another one")
        if actor.kind is not ActorKind.AGENT:
            raise refuse("customer.actor", f"customers are taken apart by agents, not by {actor.kind.value}")
        survivor = _found(unit, source.merged_into)
        if survivor.merged_into is not None:
            raise refuse("customer.merged", f"customer {survivor.id} was merged himself: unmerge that one first")
        part = survivor.merged[-1]
        if part.customer != source.id:
            raise refuse("customer.order", f"customer {part.customer} was merged later: unmerge that one first")
        kept, given = _parted(survivor.addresses, part)
        # Nobody knows any more whose refusal it was, so it holds for both.
        after = _next(source, addresses=given, merged_into=None, consents=strictest(source, survivor))
        draft.received.customers += [_next(survivor, addresses=kept, merged=survivor.merged[:-1]), after]
        tickets = [ticket for ticket in map(unit.get, part.tickets) if ticket and ticket.customer == survivor.id]
        _hand_over(runner, draft, tickets, actor, source.id)
        return after

    return _in_one(runner, actor, work)


def _in_one(runner: Runner, actor: Actor, work: Callable[[UnitOfWork, Draft], Customer]) -> Customer:
    """Do it in one transaction, again after a lost race."""
    runner.outside("joining customers")
    command = cm.SetCustomer(actor=actor, customer=None)

    def once() -> tuple[Customer, Draft]:
        with runner.storage.begin(runner.tenant) as unit:
            runner.refresh(unit)
            now = runner.clock.now()
            draft = runner.draft(unit, command, now, now)
            result = work(unit, draft)
            if draft.received.customers:
                unit.save(draft.change(None))
        return result, draft

    result, draft = again(once)
    runner.tell(draft.told)
    return result


def _found(unit: UnitOfWork, customer: str) -> Customer:
    found = unit.customer(customer)
    if found is None:
        raise NotFound("customer", customer)
    return found


def _next(customer: Customer, **changes: object) -> Customer:
    return attrs.evolve(customer, **changes, version=customer.version + 1)  # type: ignore[arg-type]  # names of fields


def _rank(customer: Customer) -> tuple[bool, object, str]:
    """Order by who survives: whoever has proved an address, then who came first."""
    return (not _proved(customer), customer.created_at, customer.id)


def _proved(customer: Customer) -> set[Place]:
    return {_place(one) for one in customer.addresses if one.status is AddressStatus.VERIFIED}


def _allowed(actor: Actor, one: Customer, two: Customer) -> None:
    if actor.kind is ActorKind.AGENT:
        return
    if actor.kind is not ActorKind.SYSTEM:
        raise refuse("customer.actor", f"customers are merged by agents or by the system, not by {actor.kind.value}")
    if not _proved(one) & _proved(two):
        raise refuse(
            "customer.unproved", "the system merges only customers who both hold one proved address: ask an agent"
        )


def _place(address: Address) -> Place:
    """Return what tells two addresses apart."""
    try:
        return address.family, normalised(address.family, address.value)
    except ValueError:
        return address.family, address.value


def _strictest(one: Address, two: Address) -> Address:
    is_proved = AddressStatus.VERIFIED in {one.status, two.status}
    return attrs.evolve(
        one,
        status=AddressStatus.VERIFIED if is_proved else one.status,
        opted_out=one.opted_out or two.opted_out,
        failures=max(one.failures, two.failures),
    )


def strictest(one: Customer, two: Customer) -> tuple[Consent, ...]:
    """Return for each purpose what holds for both: a refusal before an agreement, then what was said last."""
    found: dict[str, Consent] = {}
    for consent in (*one.consents, *two.consents):
        before = found.get(consent.purpose)
        if before is None or (before.allowed, consent.at) > (consent.allowed, before.at):
            found[consent.purpose] = consent
    return tuple([found[purpose] for purpose in sorted(found)])


def _joined(mine: Iterable[Address], others: Iterable[Address]) -> tuple[Address, ...]:
    found: dict[Place, Address] = {}
    for address in (*mine, *others):
        place = _place(address)
        found[place] = _strictest(found[place], address) if place in found else address
    return tuple(found.values())


def _parted(now: tuple[Address, ...], part: MergedPerson) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """Return what the survivor keeps and what goes back; what changed since the merge holds for both."""
    present = {_place(one): one for one in now}
    changed = set(now) - set(part.joined)

    def back(before: tuple[Address, ...]) -> list[Address]:
        latest = [(one, present.get(_place(one))) for one in before]
        return [found if found in changed else one for one, found in latest if found is not None]

    had = {_place(one) for one in (*part.before, *part.own)}
    fresh = [one for one in now if _place(one) not in had]
    return (*back(part.before), *fresh), tuple(back(part.own))


def _tickets(unit: UnitOfWork, customer: str) -> list[Ticket]:
    found: list[Ticket] = []
    cursor = None
    while True:
        page = unit.find(TicketQuery(customers=(customer,), limit=MAX_PAGE, cursor=cursor))
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def _hand_over(runner: Runner, draft: Draft, tickets: Iterable[Ticket], actor: Actor, to: str) -> None:
    command = cm.SetCustomer(actor=actor, customer=to)
    for ticket in tickets:
        runner.ask_plugins(ticket, command)
        draft.command = command
        draft.add(runner.tenant, ticket, ticket.id, decide(ticket, command, draft.at, runner.rules))
