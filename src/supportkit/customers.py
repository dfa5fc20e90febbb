"""`desk.customers`: the people who ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from supportkit import cards, proving, uniting
from supportkit.arguments import (
    as_actor,
    as_customer,
    as_fields,
    as_locale,
    as_name,
    as_optional_name,
    as_tags,
    as_timezone,
)
from supportkit.cards import CustomerCard
from supportkit.errors import NotFound
from supportkit.keys import Keys
from supportkit.model.change import Change
from supportkit.model.fields import FieldValue
from supportkit.model.people import Actor, Address, Consent, Customer
from supportkit.races import again
from supportkit.runner import Runner
from supportkit.text import clean

MAX_PAGE = 500


@attrs.frozen
class Customers:
    """Adds, finds and changes customers of one tenant, joins two who are one person, and proves addresses."""

    _runner: Runner
    _keys: Callable[[], Keys]

    def add(
        self,
        name: str = "",
        *,
        addresses: Iterable[Address] | Mapping[str, str] = (),
        locale: str = "en",
        timezone: str = "UTC",
        segment: str | None = None,
        tags: Iterable[str] = (),
        fields: Mapping[str, FieldValue] | None = None,
    ) -> Customer:
        """Add a customer and return it.

        Args:
            name: As the person wants to be called.
            addresses: Addresses, or a mapping from channel family to address (claimed, not verified).
            locale: BCP 47 tag of the language to answer in.
            timezone: IANA zone in which times are told.
            segment: What kind of customer it is, in the app's own words.
            tags: Tags of the person, not of tickets.
            fields: Custom fields.

        Raises:
            LimitExceeded: The name is longer than the limits allow.
        """
        runner = self._runner
        now = runner.clock.now()
        customer = Customer(
            id=runner.new_id(now),
            tenant=runner.tenant,
            name=_called(name),
            addresses=_addresses(addresses),
            locale=as_locale(locale),
            timezone=as_timezone(timezone),
            segment=as_optional_name(segment, "segment"),
            tags=as_tags(tags),
            fields=as_fields(fields),
            created_at=now,
        )
        self._save(customer)
        return customer

    def get(self, customer: str) -> Customer:
        """Return a customer.

        Raises:
            NotFound: There is none with this id in this tenant.
        """
        with self._runner.reading() as unit:
            found = unit.customer(customer)
        if found is None:
            raise NotFound("customer", customer)
        return found

    def update(self, customer: str, **changes: Any) -> Customer:
        """Change attributes of a customer by name and return it; a lost race is repeated.

        Raises:
            NotFound: There is no such customer.
            TypeError: There is no such attribute, or it cannot be changed.
        """
        known = {field.name for field in attrs.fields(Customer)} - _FIXED
        unknown = sorted(set(changes) - known)
        if unknown:
            raise TypeError(f"customers have no {unknown[0]!r} to change; possible: {', '.join(sorted(known))}")
        changes = {name: _CLEAN[name](value) if name in _CLEAN else value for name, value in changes.items()}

        def once() -> Customer:
            before = self.get(customer)
            after = attrs.evolve(before, **changes, version=before.version + 1)
            self._save(after)
            return after

        return again(once)

    def list(self, *, limit: int = 100, after: str | None = None) -> Sequence[Customer]:
        """Return up to *limit* customers by id, beginning after the id *after*."""
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"limit must be between 1 and {MAX_PAGE}")
        with self._runner.reading() as unit:
            return unit.customers(limit, after)

    def card(self, customer: str | Customer, *, limit: int = 20, cursor: str | None = None) -> CustomerCard:
        """Return what an agent wants to know before he says a word: who it is, past tickets, open promises.

        Args:
            customer: Who; a merged one stands for the survivor.
            limit: Tickets a page, 1 to 500, the newest first.
            cursor: `card.tickets.next` of the page before.

        Raises:
            NotFound: There is no such customer.
        """
        return cards.card(self._runner, as_customer(customer) or "", limit=limit, cursor=cursor)

    def consent(self, customer: str | Customer, purpose: str, *, allowed: bool, source: str = "") -> Customer:
        """Note what a customer said about being written to, and return him; the last word on a purpose counts.

        A refusal of `everything` means: do not contact. Where two customers become one, a refusal of either holds.

        Args:
            customer: Who.
            purpose: `everything`, `notices`, `surveys`, `announcements`, `marketing`, or one of the app's own.
            allowed: Agreed or refused.
            source: How it is known: a form, a call, a letter.

        Raises:
            NotFound: There is no such customer.
        """
        named, now = as_name(purpose, "purpose"), self._runner.clock.now()
        new = Consent(purpose=named, allowed=bool(allowed), at=now, source=as_name(source, "source") if source else "")

        def once() -> Customer:
            before = self.get(as_customer(customer) or "")
            others = [one for one in before.consents if one.purpose != named]
            kept = tuple(sorted([*others, new], key=lambda one: one.purpose))
            after = attrs.evolve(before, consents=kept, version=before.version + 1)
            self._save(after)
            return after

        return again(once)

    def merge(self, a: str | Customer, b: str | Customer, *, actor: Actor | str) -> Customer:
        """Make one customer of two who are one person, and return the survivor.

        Addresses, open codes aside, and tickets go over; the log of each ticket says `CustomerChanged`. Where both have
        an address, what was proved of it holds, and so does an opt-out of either. Name, language, tags and fields of
        each stay his own. Survivor is the one who has proved an address where the other has not; else who has been here
        longer. Customers who are one already are returned as they are.

        Args:
            a: One of them, by id.
            b: The other one.
            actor: An agent; or `system`, which may join only two who both hold one proved address.

        Raises:
            NotFound: There is no such customer in this tenant.
            Refused: They are the same one, or the actor may not do this.
        """
        return uniting.merge(self._runner, as_customer(a) or "", as_customer(b) or "", as_actor(actor))

    def unmerge(self, customer: str | Customer, *, actor: Actor | str) -> Customer:
        """Take a merged customer out of the survivor again, with what he had brought, and return him.

        Addresses and tickets are as they were before; what was learnt of an address since then (an opt-out, a proof)
        holds for both, and what came newly stays with the survivor.

        Raises:
            NotFound: There is no such customer.
            Refused: He was not merged, the survivor was merged himself, or took over somebody else later.
        """
        return uniting.unmerge(self._runner, as_customer(customer) or "", as_actor(actor))

    def start_verification(self, customer: str | Customer, address: Address) -> str:
        """Make a one-time code for an address of a customer, and return it: send it there, and nowhere else.

        It has 8 digits, is worth something for 15 minutes and 5 tries, and replaces an earlier one. Only a keyed hash
        is stored.

        Raises:
            NotFound: There is no such customer.
            Refused: He has no such address, or 5 codes were made for it within this hour.
        """
        return proving.start(self._runner, self._keys(), as_customer(customer) or "", address)

    def confirm(self, customer: str | Customer, address: Address, code: str) -> Customer:
        """Mark an address as proved by the code that was sent there, and return the customer; a code works once.

        Raises:
            NotFound: There is no such customer.
            Refused: The code is wrong, too old or was tried too often, or another customer has proved the address.
        """
        return proving.confirm(self._runner, self._keys(), as_customer(customer) or "", address, code)

    def _save(self, customer: Customer) -> None:
        self._runner.save(Change(customers=(customer,)))


def _called(name: str) -> str:
    return as_name(name, "name") if name else ""


def _addresses(given: Iterable[Address] | Mapping[str, str]) -> tuple[Address, ...]:
    if isinstance(given, Mapping):
        given = [Address(family=family, value=value) for family, value in given.items()]
    return tuple(
        attrs.evolve(one, family=clean(one.family, "family"), value=clean(one.value, "address")) for one in given
    )


_FIXED = frozenset(
    {"id", "tenant", "created_at", "version", "merged_into", "merged", "proofs", "consents", "erased_at"}
)
"""What `update` may not change."""
_CLEAN: dict[str, Callable[[Any], Any]] = {
    "name": _called,
    "addresses": _addresses,
    "locale": as_locale,
    "timezone": as_timezone,
    "segment": lambda segment: as_optional_name(segment, "segment"),
    "tags": as_tags,
    "fields": as_fields,
}
"""How the attributes that `update` may change are cleaned."""
