"""`desk.customers`: the people who ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from supportkit.arguments import as_fields, as_locale, as_name, as_optional_name, as_tags, as_timezone
from supportkit.errors import ConcurrentUpdate, NotFound
from supportkit.model.change import Change
from supportkit.model.fields import FieldValue
from supportkit.model.people import Address, Customer
from supportkit.runner import TRIES, Runner
from supportkit.text import clean

MAX_PAGE = 500


@attrs.frozen
class Customers:
    """Adds, finds and changes customers of one tenant."""

    _runner: Runner

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
        known = {field.name for field in attrs.fields(Customer)} - {"id", "tenant", "created_at", "version"}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise TypeError(f"customers have no {unknown[0]!r} to change; possible: {', '.join(sorted(known))}")
        changes = {name: _CLEAN[name](value) if name in _CLEAN else value for name, value in changes.items()}
        for attempt in range(1, TRIES + 1):
            before = self.get(customer)
            after = attrs.evolve(before, **changes, version=before.version + 1)
            try:
                self._save(after)
            except ConcurrentUpdate:
                if attempt == TRIES:
                    raise
            else:
                return after
        raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises

    def list(self, *, limit: int = 100, after: str | None = None) -> Sequence[Customer]:
        """Return up to *limit* customers by id, beginning after the id *after*."""
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"limit must be between 1 and {MAX_PAGE}")
        with self._runner.reading() as unit:
            return unit.customers(limit, after)

    def _save(self, customer: Customer) -> None:
        change = Change(customers=(customer,))
        if self._runner.shared is not None:
            self._runner.shared.unit.save(change)
            return
        with self._runner.storage.begin(self._runner.tenant) as unit:
            unit.save(change)


def _called(name: str) -> str:
    return as_name(name, "name") if name else ""


def _addresses(given: Iterable[Address] | Mapping[str, str]) -> tuple[Address, ...]:
    if isinstance(given, Mapping):
        given = [Address(family=family, value=value) for family, value in given.items()]
    return tuple(
        attrs.evolve(one, family=clean(one.family, "family"), value=clean(one.value, "address")) for one in given
    )


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
