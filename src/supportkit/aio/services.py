"""The services of an `AsyncDesk`: the verbs of `desk.customers`, `desk.promises` and `desk.vendors`, awaitable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

import attrs

from supportkit.aio.threads import Threads
from supportkit.arguments import How, When
from supportkit.commitments import Promises, Vendors
from supportkit.customers import Customers
from supportkit.drafting import Ref
from supportkit.model.fields import FieldValue
from supportkit.model.people import Actor, Address, Customer
from supportkit.model.ticket import Ticket


@attrs.frozen
class AsyncCustomers:
    """The verbs of `Customers`, awaitable."""

    _threads: Threads
    _customers: Customers

    async def add(
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
        """See `Customers.add`."""
        return await self._threads.run(
            self._customers.add,
            name,
            addresses=addresses,
            locale=locale,
            timezone=timezone,
            segment=segment,
            tags=tags,
            fields=fields,
        )

    async def get(self, customer: str) -> Customer:
        """See `Customers.get`."""
        return await self._threads.run(self._customers.get, customer)

    async def update(self, customer: str, **changes: Any) -> Customer:
        """See `Customers.update`."""
        return await self._threads.run(self._customers.update, customer, **changes)

    async def list(self, *, limit: int = 100, after: str | None = None) -> Sequence[Customer]:
        """See `Customers.list`."""
        return await self._threads.run(self._customers.list, limit=limit, after=after)


@attrs.frozen
class AsyncPromises:
    """The verbs of `Promises`, awaitable."""

    _threads: Threads
    _promises: Promises

    async def make(
        self, ticket: Ref | Ticket, text: str, due: When | dt.timedelta, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Promises.make`."""
        return await self._threads.run(self._promises.make, ticket, text, due, actor=actor, **how)

    async def move(
        self, ticket: Ref | Ticket, promise: str, due: When | dt.timedelta, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Promises.move`."""
        return await self._threads.run(self._promises.move, ticket, promise, due, actor=actor, **how)

    async def keep(self, ticket: Ref | Ticket, promise: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Promises.keep`."""
        return await self._threads.run(self._promises.keep, ticket, promise, actor=actor, **how)

    async def cancel(self, ticket: Ref | Ticket, promise: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Promises.cancel`."""
        return await self._threads.run(self._promises.cancel, ticket, promise, actor=actor, **how)


@attrs.frozen
class AsyncVendors:
    """The verbs of `Vendors`, awaitable."""

    _threads: Threads
    _vendors: Vendors

    async def hand_over(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Vendors.hand_over`."""
        return await self._threads.run(self._vendors.hand_over, ticket, vendor, actor=actor, **how)

    async def pause(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Vendors.pause`."""
        return await self._threads.run(self._vendors.pause, ticket, vendor, actor=actor, **how)

    async def resume(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Vendors.resume`."""
        return await self._threads.run(self._vendors.resume, ticket, vendor, actor=actor, **how)

    async def take_back(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Vendors.take_back`."""
        return await self._threads.run(self._vendors.take_back, ticket, vendor, actor=actor, **how)
