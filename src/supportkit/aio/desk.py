"""`AsyncDesk`: the same verbs as `Desk`, awaitable.

Each verb hands its arguments to the verb of that name in a worker thread and does nothing else. What it means stands in
`Desk` only; `tests/unit/test_aio_parity.py` holds the two together. Longer than a module of this project should be, for
the reason that `Desk` is: one class whose verbs stand one after the other, each with its whole signature for editors.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypedDict, Unpack, cast

from supportkit import checks, clocking, continuing, delivery, publicly, receiving, timers
from supportkit.aio.lines import AsyncEscalations, AsyncRegulation
from supportkit.aio.people import AsyncAgents, AsyncPortal, AsyncPresence, AsyncPrivacy, AsyncTeams
from supportkit.aio.reports import AsyncReports
from supportkit.aio.services import (
    AsyncCustomers,
    AsyncOutbox,
    AsyncParticipants,
    AsyncPromises,
    AsyncQuarantine,
    AsyncSurveys,
    AsyncVendors,
)
from supportkit.aio.threads import Pool, Threads
from supportkit.aio.together import AsyncAutomations, AsyncDrafts, AsyncIncidents, AsyncMacros, AsyncViewing
from supportkit.aio.worker import work
from supportkit.archive.writing import ArchiveReport
from supportkit.arguments import How, When
from supportkit.channels.inbound import Answer, Payload
from supportkit.channels.port import ChannelAdapter
from supportkit.clock import Clock
from supportkit.desk import Desk
from supportkit.drafting import Ref
from supportkit.engine.notices import Notices
from supportkit.engine.rules import AfterClose, Limits, TierPolicy
from supportkit.errors import StorageError
from supportkit.escalation.regulation import Duties
from supportkit.escalation.rules import EscalationRules
from supportkit.escalation.vendors import Vendor
from supportkit.hooks.manager import Hooks
from supportkit.ids import IdSource
from supportkit.intake import Budgets
from supportkit.keys import Keys
from supportkit.legs import LegState, Suggestion
from supportkit.lifecycle import Lifecycle, LifecycleSpec
from supportkit.model import commands as cm
from supportkit.model.clocks import Metric
from supportkit.model.conversation import StoredFile
from supportkit.model.events import Recorded
from supportkit.model.fields import FieldValue
from supportkit.model.message import Message, MessageKind, NewFile, Note
from supportkit.model.people import Actor, Customer, Tier
from supportkit.model.ticket import ClosingReason, Link, LinkKind, Priority, Ticket
from supportkit.originals import Original
from supportkit.promising import Levels
from supportkit.queueing import Queued
from supportkit.retention import PurgeReport, Retention
from supportkit.routing.choosing import Choice
from supportkit.routing.roster import Routing
from supportkit.sla import ClockSet, Comparison, ServiceLevels
from supportkit.storage.opening import Source
from supportkit.storage.port import Finding, Page, Storage, TicketQuery
from supportkit.surveys.settings import Survey


class DeskArguments(TypedDict, total=False):
    """What `Desk` takes by keyword, with the defaults that it has there."""

    tenant: str
    channels: Iterable[ChannelAdapter]
    lifecycle: Lifecycle | LifecycleSpec | None
    after_close: AfterClose
    close_resolved_after: dt.timedelta | None
    resolve_pending_after: dt.timedelta | None
    tiers: Iterable[Tier]
    tier_policy: TierPolicy
    escalations: EscalationRules | Mapping[str, Any] | None
    regulation: Duties | Mapping[str, Any] | None
    vendors: Iterable[Vendor | Mapping[str, Any]]
    limits: Limits
    levels: Levels | None
    keep_keys: dt.timedelta
    retention: Retention
    clock: Clock | None
    ids: IdSource | None
    keys: Keys | None
    budgets: Budgets
    join_across_channels: bool
    notices: Notices
    surveys: Iterable[Survey]
    routing: Routing | Mapping[str, Any] | None
    plugins: Iterable[object]
    discover: bool
    synchronous: str


class AsyncDesk:
    """A support desk for asyncio: what `Desk` does, in worker threads and never on the event loop.

    `async with AsyncDesk("sqlite:///support.db") as desk` opens the database in a thread and closes it again.
    `AsyncDesk(desk)` uses a `Desk` that is open already, and leaves it open.

    A task that is cancelled while it waits for a verb goes on at once. A verb that had begun is finished by its thread,
    one that had not is dropped. Which of both it was cannot be told; with an `idempotency_key` the verb may be called
    again.

    Args:
        storage: A database URL or a storage, as for `Desk`; or a `Desk`.
        threads: How many calls run at once; others wait their turn.
        arguments: The other arguments of `Desk`; none beside a `Desk`.

    Raises:
        TypeError: Arguments were given beside a `Desk`, which has its own.
    """

    def __init__(
        self, storage: Source | Desk = "sqlite://", *, threads: int = 8, **arguments: Unpack[DeskArguments]
    ) -> None:
        self._threads = Threads(Pool(threads))
        self._desk: Desk | None = None
        self._make: Callable[[], Desk] | None = None
        if not isinstance(storage, Desk):
            self._make = partial(Desk, storage, **arguments)
        elif arguments:
            raise TypeError(f"a desk that is open has its arguments already: {', '.join(sorted(arguments))}")
        else:
            self._take(storage)

    @classmethod
    def from_config(cls, path: str | Path, storage: Source | None = None, **arguments: Any) -> Self:
        """See `Desk.from_config`; the file is read when the desk is opened, in a thread."""
        made = cls()
        made._make = partial(Desk.from_config, path, storage, **arguments)
        return made

    def __repr__(self) -> str:
        return f"AsyncDesk({self._desk or 'not open'})"

    async def __aenter__(self) -> Self:
        if self._desk is None:
            try:
                await self._threads.finish(self._open)
            except BaseException:
                await self.close()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _open(self) -> None:
        if self._make is not None:
            self._take(self._make())

    def _take(self, desk: Desk) -> None:
        self._desk, self._threads.storage = desk, desk.storage

    async def close(self) -> None:
        """Wait for the calls that were made, end the threads, and close the desk if it was opened here.

        Raises:
            StorageError: The task that calls it is inside a transaction of this desk.
        """
        if self._threads.lane is not None:  # the desk of a transaction, which is closed with its block
            return
        if self._threads.lane_here() is not None:
            raise StorageError("this task is inside a transaction of the desk: close it after the block")
        await asyncio.to_thread(self._shut)

    def _shut(self) -> None:
        self._threads.pool.close()
        if self._make is not None and self._desk is not None:
            self._desk.close()

    @property
    def desk(self) -> Desk:
        """The desk itself, for code that runs in a thread.

        Raises:
            StorageError: It is not open yet.
        """
        if self._desk is None:
            raise StorageError("the desk is not open: write `async with AsyncDesk(...) as desk`")
        return self._desk

    @property
    def tenant(self) -> str:
        """Whose desk this is."""
        return self.desk.tenant

    @property
    def storage(self) -> Storage:
        """Where the tickets are."""
        return self.desk.storage

    @property
    def hooks(self) -> Hooks:
        """The plug-ins and their failures."""
        return self.desk.hooks

    @property
    def lifecycle(self) -> Lifecycle:
        """The states and triggers of this desk."""
        return self.desk.lifecycle

    @property
    def channels(self) -> Mapping[str, ChannelAdapter]:
        """The adapters by name."""
        return self.desk.channels

    @property
    def customers(self) -> AsyncCustomers:
        """People who ask: `add`, `get`, `update`, `list`."""
        return AsyncCustomers(self._threads, self.desk.customers)

    @property
    def agents(self) -> AsyncAgents:
        """People who answer: `add`, `get`, `change`, `remove`, `list`."""
        return AsyncAgents(self._threads, self.desk.agents)

    @property
    def teams(self) -> AsyncTeams:
        """People who answer together: `add`, `get`, `change`, `remove`, `list`, `members`, `lint`."""
        return AsyncTeams(self._threads, self.desk.teams)

    @property
    def portal(self) -> AsyncPortal:
        """What customers may see of their own: `issue`, `open`, `tickets`, `ticket`, `revoke`."""
        return AsyncPortal(self._threads, self.desk.portal)

    @property
    def privacy(self) -> AsyncPrivacy:
        """People and what is theirs: `erase`, `resume`, `ledger`, `reapply`, `export`."""
        return AsyncPrivacy(self._threads, self.desk.privacy)

    @property
    def participants(self) -> AsyncParticipants:
        """Who takes part in a ticket besides its requester: `list`, `add`, `remove`."""
        return AsyncParticipants(self._threads, self.desk.participants)

    @property
    def presence(self) -> AsyncPresence:
        """What agents say about themselves: `set`, `get`, `list`, `clear`."""
        return AsyncPresence(self._threads, self.desk.presence)

    @property
    def viewing(self) -> AsyncViewing:
        """Who is on a ticket now: `look`, `typing`, `leave`, `list`."""
        return AsyncViewing(self._threads, self.desk.viewing)

    @property
    def drafts(self) -> AsyncDrafts:
        """Answers that are not sent yet: `save`, `get`, `list`, `newer`, `send`, `discard`."""
        return AsyncDrafts(self._threads, self.desk.drafts)

    @property
    def macros(self) -> AsyncMacros:
        """Several commands under one name: `save`, `get`, `list`, `remove`, `preview`, `apply`."""
        return AsyncMacros(self._threads, self.desk.macros)

    @property
    def automations(self) -> AsyncAutomations:
        """What the desk does by itself: `rules`, `preview`, `log`."""
        return AsyncAutomations(self._threads, self.desk.automations)

    @property
    def incidents(self) -> AsyncIncidents:
        """One incident, many tickets: `add`, `tickets`, `answer`, `resolve`."""
        return AsyncIncidents(self._threads, self.desk.incidents)

    @property
    def promises(self) -> AsyncPromises:
        """What was promised to customers by hand: `make`, `move`, `keep`, `cancel`."""
        return AsyncPromises(self._threads, self.desk.promises)

    @property
    def vendors(self) -> AsyncVendors:
        """Other organisations that work on tickets: `hand_over`, `write`, `pause`, `resume`, `take_back`."""
        return AsyncVendors(self._threads, self.desk.vendors)

    @property
    def reports(self) -> AsyncReports:
        """What is known in numbers: `kpis`, `scores`, `table`, `metric`."""
        return AsyncReports(self._threads, self.desk.reports)

    @property
    def escalations(self) -> AsyncEscalations:
        """The escalation rules at work: `explain`, `handovers`, `signal`, `acknowledge`, `lint`."""
        return AsyncEscalations(self._threads, self.desk.escalations)

    @property
    def regulation(self) -> AsyncRegulation:
        """Who is responsible for which topic: `responsible`, `lint`."""
        return AsyncRegulation(self._threads, self.desk.regulation)

    @property
    def outbox(self) -> AsyncOutbox:
        """Deliveries: call it to list them (`await desk.outbox(ticket)`), or `get`, `retry`, `settle` one."""
        return AsyncOutbox(self._threads, self.desk.outbox)

    @property
    def surveys(self) -> AsyncSurveys:
        """What customers are asked: `add`, `list`, `get`, `invitations`, `anonymous`, `clear_flag`, `handle`."""
        return AsyncSurveys(self._threads, self.desk.surveys)

    @property
    def quarantine(self) -> AsyncQuarantine:
        """Deliveries that nobody could read or route: `list`, `show`, `export`, `fix`, `reprocess`, `purge`."""
        return AsyncQuarantine(self._threads, self.desk.quarantine)

    @property
    def levels(self) -> ServiceLevels:
        """What this desk promises for tickets that are opened now."""
        return self.desk.levels

    def now(self) -> dt.datetime:
        """See `Desk.now`. It looks at the clock only, so it is not awaited."""
        return self.desk.now()

    # -- opening and talking -------------------------------------------------------------------------------------------

    async def open(
        self,
        subject: str,
        body: str | None = None,
        *,
        customer: str | Customer | None = None,
        author: Actor | str | None = None,
        actor: Actor | str | None = None,
        channel: str = "app",
        kind: MessageKind | str = MessageKind.REPLY,
        priority: Priority | str | int = Priority.NORMAL,
        tier: int = 1,
        team: str | None = None,
        assignee: str | None = None,
        tags: Iterable[str] = (),
        fields: Mapping[str, FieldValue] | None = None,
        locale: str | None = None,
        source: str | None = None,
        external_id: str | None = None,
        links: Iterable[Link] = (),
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.open`."""
        return await self._threads.run(
            self.desk.open,
            subject,
            body,
            customer=customer,
            author=author,
            actor=actor,
            channel=channel,
            kind=kind,
            priority=priority,
            tier=tier,
            team=team,
            assignee=assignee,
            tags=tags,
            fields=fields,
            locale=locale,
            source=source,
            external_id=external_id,
            links=links,
            **how,
        )

    async def add_message(
        self,
        ticket: Ref | Ticket,
        body: str,
        *,
        author: Actor | str | None = None,
        channel: str | None = None,
        kind: MessageKind | str = MessageKind.REPLY,
        external_id: str | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.add_message`."""
        return await self._threads.run(
            self.desk.add_message,
            ticket,
            body,
            author=author,
            channel=channel,
            kind=kind,
            external_id=external_id,
            **how,
        )

    async def receive(self, channel: str, payload: Payload) -> Answer:
        """See `Desk.receive`."""
        return await self._threads.run(self.desk.receive, channel, payload)

    async def process_inbox(
        self,
        limit: int = 100,
        *,
        lease: dt.timedelta = dt.timedelta(seconds=60),
        stop: Callable[[], bool] | None = None,
    ) -> receiving.InboxReport:
        """See `Desk.process_inbox`."""
        return await self._threads.run(self.desk.process_inbox, limit, lease=lease, stop=stop)

    async def file(self, file: str) -> StoredFile:
        """See `Desk.file`."""
        return await self._threads.run(self.desk.file, file)

    async def original(self, message: str) -> Original:
        """See `Desk.original`."""
        return await self._threads.run(self.desk.original, message)

    async def switch_channel(
        self, ticket: Ref | Ticket, to: str, *, actor: Actor | str, address: str | None = None, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.switch_channel`."""
        return await self._threads.run(self.desk.switch_channel, ticket, to, actor=actor, address=address, **how)

    async def reply(
        self,
        ticket: Ref | Ticket,
        body: str,
        *,
        actor: Actor | str,
        channel: str | None = None,
        kind: MessageKind | str = MessageKind.REPLY,
        files: Iterable[NewFile] = (),
        seen_version: int | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.reply`."""
        return await self._threads.run(
            self.desk.reply,
            ticket,
            body,
            actor=actor,
            channel=channel,
            kind=kind,
            files=files,
            seen_version=seen_version,
            **how,
        )

    async def ask(
        self,
        ticket: Ref | Ticket,
        body: str,
        *,
        actor: Actor | str,
        channel: str | None = None,
        until: When | dt.timedelta | None = None,
        files: Iterable[NewFile] = (),
        seen_version: int | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.ask`."""
        return await self._threads.run(
            self.desk.ask,
            ticket,
            body,
            actor=actor,
            channel=channel,
            until=until,
            files=files,
            seen_version=seen_version,
            **how,
        )

    async def note(
        self, ticket: Ref | Ticket, body: str, *, actor: Actor | str, mentions: Iterable[str] = (), **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.note`."""
        return await self._threads.run(self.desk.note, ticket, body, actor=actor, mentions=mentions, **how)

    # -- states --------------------------------------------------------------------------------------------------------

    async def start(self, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Desk.start`."""
        return await self._threads.run(self.desk.start, ticket, actor=actor, **how)

    async def hold(
        self,
        ticket: Ref | Ticket,
        text: str = "",
        *,
        actor: Actor | str,
        until: When | dt.timedelta | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.hold`."""
        return await self._threads.run(self.desk.hold, ticket, text, actor=actor, until=until, **how)

    async def resume(self, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Desk.resume`."""
        return await self._threads.run(self.desk.resume, ticket, actor=actor, **how)

    async def resolve(
        self,
        ticket: Ref | Ticket,
        text: str,
        *,
        actor: Actor | str,
        reason: ClosingReason | str = ClosingReason.SOLVED,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.resolve`."""
        return await self._threads.run(self.desk.resolve, ticket, text, actor=actor, reason=reason, **how)

    async def reopen(self, ticket: Ref | Ticket, text: str = "", *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Desk.reopen`."""
        return await self._threads.run(self.desk.reopen, ticket, text, actor=actor, **how)

    async def end(
        self, ticket: Ref | Ticket, *, actor: Actor | str, reason: ClosingReason | str | None = None, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.end`."""
        return await self._threads.run(self.desk.end, ticket, actor=actor, reason=reason, **how)

    async def fire(
        self,
        ticket: Ref | Ticket,
        trigger: str,
        *,
        actor: Actor | str,
        reason: ClosingReason | str | None = None,
        until: When | dt.timedelta | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.fire`."""
        return await self._threads.run(self.desk.fire, ticket, trigger, actor=actor, reason=reason, until=until, **how)

    # -- who and what --------------------------------------------------------------------------------------------------

    async def assign(
        self,
        ticket: Ref | Ticket,
        *,
        actor: Actor | str,
        assignee: str | cm.Keep | None = cm.KEEP,
        team: str | cm.Keep | None = cm.KEEP,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.assign`."""
        return await self._threads.run(self.desk.assign, ticket, actor=actor, assignee=assignee, team=team, **how)

    async def move_tier(
        self,
        ticket: Ref | Ticket,
        tier: int,
        summary: str = "",
        *,
        actor: Actor | str,
        team: str | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.move_tier`."""
        return await self._threads.run(self.desk.move_tier, ticket, tier, summary, actor=actor, team=team, **how)

    async def escalate(
        self,
        ticket: Ref | Ticket,
        *,
        actor: Actor | str,
        to: int | str = "up",
        handover: Mapping[str, str] | None = None,
        team: str | None = None,
        assignee: str | None = None,
        vendor: str | None = None,
        message: str = "",
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.escalate`."""
        return await self._threads.run(
            self.desk.escalate,
            ticket,
            actor=actor,
            to=to,
            handover=handover,
            team=team,
            assignee=assignee,
            vendor=vendor,
            message=message,
            **how,
        )

    async def deescalate(
        self,
        ticket: Ref | Ticket,
        summary: str = "",
        *,
        actor: Actor | str,
        to: int | str | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """See `Desk.deescalate`."""
        return await self._threads.run(self.desk.deescalate, ticket, summary, actor=actor, to=to, **how)

    async def set_priority(
        self, ticket: Ref | Ticket, priority: Priority | str | int, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.set_priority`."""
        return await self._threads.run(self.desk.set_priority, ticket, priority, actor=actor, **how)

    async def set_subject(
        self, ticket: Ref | Ticket, subject: str, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.set_subject`."""
        return await self._threads.run(self.desk.set_subject, ticket, subject, actor=actor, **how)

    async def set_customer(
        self, ticket: Ref | Ticket, customer: str | Customer | None, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.set_customer`."""
        return await self._threads.run(self.desk.set_customer, ticket, customer, actor=actor, **how)

    async def set_fields(
        self, ticket: Ref | Ticket, changes: Mapping[str, FieldValue], *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.set_fields`."""
        return await self._threads.run(self.desk.set_fields, ticket, changes, actor=actor, **how)

    async def tag(
        self, ticket: Ref | Ticket, *add: str, remove: Iterable[str] = (), actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.tag`."""
        return await self._threads.run(self.desk.tag, ticket, *add, remove=remove, actor=actor, **how)

    async def followers(
        self, ticket: Ref | Ticket, *add: str, remove: Iterable[str] = (), actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.followers`."""
        return await self._threads.run(self.desk.followers, ticket, *add, remove=remove, actor=actor, **how)

    # -- the work queue ------------------------------------------------------------------------------------------------

    async def queue(
        self, *, team: str | None = None, agent: str | None = None, tier: int | None = None, limit: int = 50
    ) -> Sequence[Queued]:
        """See `Desk.queue`."""
        return await self._threads.run(self.desk.queue, team=team, agent=agent, tier=tier, limit=limit)

    async def next(
        self,
        agent: str,
        *,
        actor: Actor | str | None = None,
        team: str | None = None,
        tier: int | None = None,
        **how: Unpack[How],
    ) -> Ticket | None:
        """See `Desk.next`."""
        return await self._threads.run(self.desk.next, agent, actor=actor, team=team, tier=tier, **how)

    async def candidates(self, ticket: Ref | Ticket) -> Choice:
        """See `Desk.candidates`."""
        return await self._threads.run(self.desk.candidates, ticket)

    # -- promises ------------------------------------------------------------------------------------------------------

    async def promise(
        self, ticket: Ref | Ticket, text: str, due: When | dt.timedelta, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.promise`."""
        return await self._threads.run(self.desk.promise, ticket, text, due, actor=actor, **how)

    async def set_due(
        self, ticket: Ref | Ticket, metric: Metric | str, due: When | None, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.set_due`."""
        return await self._threads.run(self.desk.set_due, ticket, metric, due, actor=actor, **how)

    async def apply_policy(self, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Desk.apply_policy`."""
        return await self._threads.run(self.desk.apply_policy, ticket, actor=actor, **how)

    async def set_levels(self, levels: Levels, *, retroactive: bool = False) -> ServiceLevels:
        """See `Desk.set_levels`."""
        return await self._threads.run(self.desk.set_levels, levels, retroactive=retroactive)

    async def clocks(self, ticket: Ref | Ticket, at: When | None = None) -> ClockSet:
        """See `Desk.clocks`."""
        return await self._threads.run(self.desk.clocks, ticket, at)

    async def explain(self, ticket: Ref | Ticket, at: When | None = None) -> tuple[clocking.Explained, ...]:
        """See `Desk.explain`."""
        return await self._threads.run(self.desk.explain, ticket, at)

    async def what_if(
        self,
        levels: Levels | Sequence[Levels],
        *,
        since: When | None = None,
        until: When | None = None,
        limit: int = 1000,
        progress: Callable[[int, int], None] | None = None,
    ) -> Comparison:
        """See `Desk.what_if`."""
        return await self._threads.run(
            self.desk.what_if, levels, since=since, until=until, limit=limit, progress=progress
        )

    # -- two tickets ---------------------------------------------------------------------------------------------------

    async def merge(
        self, ticket: Ref | Ticket, into: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.merge`."""
        return await self._threads.run(self.desk.merge, ticket, into, actor=actor, **how)

    async def unmerge(self, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Desk.unmerge`."""
        return await self._threads.run(self.desk.unmerge, ticket, actor=actor, **how)

    async def link(
        self, ticket: Ref | Ticket, kind: LinkKind | str, other: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.link`."""
        return await self._threads.run(self.desk.link, ticket, kind, other, actor=actor, **how)

    async def unlink(
        self, ticket: Ref | Ticket, kind: LinkKind | str, other: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.unlink`."""
        return await self._threads.run(self.desk.unlink, ticket, kind, other, actor=actor, **how)

    async def split(
        self, ticket: Ref | Ticket, messages: Sequence[str], subject: str, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.split`."""
        return await self._threads.run(self.desk.split, ticket, messages, subject, actor=actor, **how)

    # -- reading -------------------------------------------------------------------------------------------------------

    async def get(self, ticket: Ref | Ticket) -> Ticket:
        """See `Desk.get`."""
        return await self._threads.run(self.desk.get, ticket)

    async def find(self, query: TicketQuery | None = None, **criteria: Any) -> Page[Ticket]:
        """See `Desk.find`."""
        return await self._threads.run(self.desk.find, query, **criteria)

    async def history(self, ticket: Ref | Ticket) -> Sequence[Recorded]:
        """See `Desk.history`."""
        return await self._threads.run(self.desk.history, ticket)

    async def messages(self, ticket: Ref | Ticket) -> Sequence[Message]:
        """See `Desk.messages`."""
        return await self._threads.run(self.desk.messages, ticket)

    async def notes(self, ticket: Ref | Ticket) -> Sequence[Note]:
        """See `Desk.notes`."""
        return await self._threads.run(self.desk.notes, ticket)

    async def counts(self) -> dict[tuple[str, int], int]:
        """See `Desk.counts`."""
        return await self._threads.run(self.desk.counts)

    def follow(self, name: str, *, batch: int = 100) -> AsyncGenerator[Recorded, None]:
        """See `Desk.follow`."""
        events = cast("Generator[Recorded, None, None]", self.desk.follow(name, batch=batch))
        return self._threads.each(events)

    # -- work in the background ----------------------------------------------------------------------------------------

    async def tick(
        self, now: When | None = None, *, limit: int = 500, stop: Callable[[], bool] | None = None
    ) -> timers.TickReport:
        """See `Desk.tick`."""
        return await self._threads.run(self.desk.tick, now, limit=limit, stop=stop)

    async def deliver_outbox(
        self,
        limit: int = 50,
        *,
        lease: dt.timedelta = dt.timedelta(seconds=60),
        stop: Callable[[], bool] | None = None,
    ) -> delivery.DeliveryReport:
        """See `Desk.deliver_outbox`."""
        return await self._threads.run(self.desk.deliver_outbox, limit, lease=lease, stop=stop)

    async def answer_in_public(
        self, ticket: Ref | Ticket, text: str | None = None, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """See `Desk.answer_in_public`."""
        return await self._threads.run(self.desk.answer_in_public, ticket, text, actor=actor, **how)

    async def move_to_private(
        self, ticket: Ref | Ticket, *, actor: Actor | str, to: str | None = None, **how: Unpack[How]
    ) -> publicly.MovedToPrivate:
        """See `Desk.move_to_private`."""
        return await self._threads.run(self.desk.move_to_private, ticket, actor=actor, to=to, **how)

    async def continuation_link(
        self,
        ticket: Ref | Ticket,
        *,
        valid_for: dt.timedelta = continuing.VALID_FOR,
        url: str | None = None,
    ) -> continuing.ContinuationLink:
        """See `Desk.continuation_link`."""
        return await self._threads.run(self.desk.continuation_link, ticket, valid_for=valid_for, url=url)

    async def revoke_tokens(self, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """See `Desk.revoke_tokens`."""
        return await self._threads.run(self.desk.revoke_tokens, ticket, actor=actor, **how)

    async def legs(self, ticket: Ref | Ticket) -> Sequence[LegState]:
        """See `Desk.legs`."""
        return await self._threads.run(self.desk.legs, ticket)

    async def suggestions(self, ticket: Ref | Ticket) -> Sequence[Suggestion]:
        """See `Desk.suggestions`."""
        return await self._threads.run(self.desk.suggestions, ticket)

    async def purge(
        self, now: When | None = None, *, limit: int = 500, stop: Callable[[], bool] | None = None
    ) -> PurgeReport:
        """See `Desk.purge`."""
        return await self._threads.run(self.desk.purge, now, limit=limit, stop=stop)

    async def export(
        self, target: str | Path | IO[bytes], *, progress: Callable[[int, int], object] | None = None
    ) -> ArchiveReport:
        """See `Desk.export`."""
        return await self._threads.run(self.desk.export, target, progress=progress)

    async def import_(
        self, source: str | Path | IO[bytes], *, progress: Callable[[int, int], object] | None = None
    ) -> ArchiveReport:
        """See `Desk.import_`."""
        return await self._threads.run(self.desk.import_, source, progress=progress)

    async def run_forever(self, *, poll: dt.timedelta = dt.timedelta(seconds=1)) -> None:
        """Fire deadlines, deliver answers and delete what is too old as it becomes due, until the task is cancelled.

        A call that runs when the task is cancelled is finished first; each looks at few rows. Where the world fails for
        a while (`retryable` errors) the worker says so in the log `supportkit.aio` and goes on; other errors end it.

        Args:
            poll: The longest pause. Somebody else may open tickets or write answers meanwhile.

        Raises:
            ValueError: *poll* is not positive.
        """
        await work(self._threads, self.desk, poll)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncDesk, None]:
        """See `Desk.transaction`.

        All calls of the block run in one thread, one after the other. When the block is left by an error, also by a
        cancellation, what was done in it is undone before the error goes on.
        """
        async with self._threads.inside(self.desk.transaction()) as (desk, threads):
            inside = object.__new__(AsyncDesk)
            inside._desk, inside._threads, inside._make = desk, threads, None
            yield inside

    async def channel_states(self) -> Sequence[checks.ChannelState]:
        """See `Desk.channel_states`."""
        return await self._threads.run(self.desk.channel_states)

    async def check(self, *, deep: bool = False) -> Sequence[Finding]:
        """See `Desk.check`."""
        return await self._threads.run(self.desk.check, deep=deep)
