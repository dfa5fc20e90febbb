"""The services of an `AsyncDesk`: the verbs of `desk.customers`, `promises`, `vendors`, `outbox` ..., awaitable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

import attrs

from supportkit.aio.threads import Threads
from supportkit.arguments import How, When
from supportkit.cards import CustomerCard
from supportkit.commitments import Promises, Vendors
from supportkit.customers import Customers
from supportkit.drafting import Ref
from supportkit.escalation.vendors import Vendor
from supportkit.model.change import OutboxState, Outgoing
from supportkit.model.fields import FieldValue
from supportkit.model.people import Actor, Address, Customer
from supportkit.model.ticket import Ticket
from supportkit.outbox import Outbox
from supportkit.participants import Participants
from supportkit.pauses import Pause
from supportkit.quarantine import Quarantine, Quarantined, Untrusted
from supportkit.surveying.book import AnonymousAnswer
from supportkit.surveying.page import SurveyRequest, SurveyResponse
from supportkit.surveying.service import Surveys
from supportkit.surveys.invitations import SurveyInvitation
from supportkit.surveys.settings import Survey
from supportkit.surveys.suspicion import Suspicion


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

    async def card(self, customer: str | Customer, *, limit: int = 20, cursor: str | None = None) -> CustomerCard:
        """See `Customers.card`."""
        return await self._threads.run(self._customers.card, customer, limit=limit, cursor=cursor)

    async def consent(self, customer: str | Customer, purpose: str, *, allowed: bool, source: str = "") -> Customer:
        """See `Customers.consent`."""
        return await self._threads.run(self._customers.consent, customer, purpose, allowed=allowed, source=source)

    async def merge(self, a: str | Customer, b: str | Customer, *, actor: Actor | str) -> Customer:
        """See `Customers.merge`."""
        return await self._threads.run(self._customers.merge, a, b, actor=actor)

    async def unmerge(self, customer: str | Customer, *, actor: Actor | str) -> Customer:
        """See `Customers.unmerge`."""
        return await self._threads.run(self._customers.unmerge, customer, actor=actor)

    async def start_verification(self, customer: str | Customer, address: Address) -> str:
        """See `Customers.start_verification`."""
        return await self._threads.run(self._customers.start_verification, customer, address)

    async def confirm(self, customer: str | Customer, address: Address, code: str) -> Customer:
        """See `Customers.confirm`."""
        return await self._threads.run(self._customers.confirm, customer, address, code)


@attrs.frozen
class AsyncParticipants:
    """The verbs of `Participants`, awaitable."""

    _threads: Threads
    _participants: Participants

    async def list(self, ticket: Ref | Ticket) -> Sequence[Customer]:
        """See `Participants.list`."""
        return await self._threads.run(self._participants.list, ticket)

    async def add(self, ticket: Ref | Ticket, *who: str | Customer, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Participants.add`."""
        return await self._threads.run(self._participants.add, ticket, *who, actor=actor, **how)

    async def remove(
        self, ticket: Ref | Ticket, *who: str | Customer, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Participants.remove`."""
        return await self._threads.run(self._participants.remove, ticket, *who, actor=actor, **how)


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

    @property
    def known(self) -> tuple[Vendor, ...]:
        """The vendors that the desk can write to."""
        return self._vendors.known

    async def write(
        self, ticket: Ref | Ticket, vendor: str, body: str, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Vendors.write`."""
        return await self._threads.run(self._vendors.write, ticket, vendor, body, actor=actor, **how)

    async def pause(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Vendors.pause`."""
        return await self._threads.run(self._vendors.pause, ticket, vendor, actor=actor, **how)

    async def resume(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Vendors.resume`."""
        return await self._threads.run(self._vendors.resume, ticket, vendor, actor=actor, **how)

    async def take_back(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Vendors.take_back`."""
        return await self._threads.run(self._vendors.take_back, ticket, vendor, actor=actor, **how)


@attrs.frozen
class AsyncOutbox:
    """The verbs of `Outbox`, awaitable."""

    _threads: Threads
    _outbox: Outbox

    async def __call__(
        self, ticket: Ref | Ticket | None = None, *, states: Iterable[str] = (), limit: int = 100
    ) -> Sequence[Outgoing]:
        """See `Outbox.__call__`."""
        return await self._threads.run(self._outbox, ticket, states=states, limit=limit)

    async def get(self, delivery: str) -> Outgoing:
        """See `Outbox.get`."""
        return await self._threads.run(self._outbox.get, delivery)

    async def retry(self, delivery: str, *, by: Actor | str, note: str = "", **how: Unpack[How]) -> Ticket:
        """See `Outbox.retry`."""
        return await self._threads.run(self._outbox.retry, delivery, by=by, note=note, **how)

    async def settle(
        self,
        delivery: str,
        state: OutboxState | str,
        *,
        by: Actor | str,
        note: str = "",
        external_id: str | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Outbox.settle`."""
        return await self._threads.run(
            self._outbox.settle, delivery, state, by=by, note=note, external_id=external_id, **how
        )

    async def pauses(self) -> Sequence[Pause]:
        """See `Outbox.pauses`."""
        return await self._threads.run(self._outbox.pauses)

    async def resume(self, channel: str, account: str = "") -> None:
        """See `Outbox.resume`."""
        return await self._threads.run(self._outbox.resume, channel, account)


@attrs.frozen
class AsyncQuarantine:
    """The verbs of `Quarantine`, awaitable."""

    _threads: Threads
    _quarantine: Quarantine

    async def list(self, *, limit: int = 100, after: str | None = None) -> Sequence[Quarantined]:
        """See `Quarantine.list`."""
        return await self._threads.run(self._quarantine.list, limit=limit, after=after)

    async def show(self, delivery: str) -> tuple[Quarantined, Untrusted]:
        """See `Quarantine.show`."""
        return await self._threads.run(self._quarantine.show, delivery)

    async def export(self, delivery: str) -> bytes:
        """See `Quarantine.export`."""
        return await self._threads.run(self._quarantine.export, delivery)

    async def fix(self, delivery: str, body: bytes) -> Quarantined:
        """See `Quarantine.fix`."""
        return await self._threads.run(self._quarantine.fix, delivery, body)

    async def reprocess(self, delivery: str | None = None) -> int:
        """See `Quarantine.reprocess`."""
        return await self._threads.run(self._quarantine.reprocess, delivery)

    async def purge(self, before: dt.datetime | None = None, *, limit: int = 500) -> int:
        """See `Quarantine.purge`."""
        return await self._threads.run(self._quarantine.purge, before, limit=limit)


@attrs.frozen
class AsyncSurveys:
    """The verbs of `Surveys`, awaitable."""

    _threads: Threads
    _surveys: Surveys

    async def add(self, survey: Survey) -> Survey:
        """See `Surveys.add`."""
        return await self._threads.run(self._surveys.add, survey)

    async def list(self) -> Sequence[Survey]:
        """See `Surveys.list`."""
        return await self._threads.run(self._surveys.list)

    async def get(self, survey: str) -> Survey:
        """See `Surveys.get`."""
        return await self._threads.run(self._surveys.get, survey)

    async def invitations(self, ticket: Ref | Ticket) -> Sequence[SurveyInvitation]:
        """See `Surveys.invitations`."""
        return await self._threads.run(self._surveys.invitations, ticket)

    async def anonymous(self, survey: str) -> Sequence[AnonymousAnswer]:
        """See `Surveys.anonymous`."""
        return await self._threads.run(self._surveys.anonymous, survey)

    async def clear_flag(
        self,
        ticket: Ref | Ticket,
        survey: str,
        flag: Suspicion | str,
        *,
        actor: Actor | str,
        note: str = "",
        **how: Unpack[How],
    ) -> Ticket:
        """See `Surveys.clear_flag`."""
        return await self._threads.run(self._surveys.clear_flag, ticket, survey, flag, actor=actor, note=note, **how)

    async def handle(self, request: SurveyRequest) -> SurveyResponse:
        """See `Surveys.handle`."""
        return await self._threads.run(self._surveys.handle, request)
