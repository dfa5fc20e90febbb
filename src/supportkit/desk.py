"""`Desk`: the verbs that an app calls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

import attrs

from supportkit import checks, delivery, timers
from supportkit.channels.port import ChannelAdapter
from supportkit.clock import Clock, SystemClock, to_utc
from supportkit.customers import Customers
from supportkit.engine.pairs import decide_link, decide_merge, decide_split, decide_unlink, decide_unmerge
from supportkit.engine.rules import AfterClose, Limits, Rules, TierPolicy
from supportkit.errors import ConfigurationError, LimitExceeded, NotFound
from supportkit.hooks.manager import Hooks
from supportkit.ids import IdSource, SystemIds
from supportkit.lifecycle import Lifecycle, LifecycleSpec, built_in
from supportkit.model import commands as cm
from supportkit.model.change import OutboxState, Outgoing
from supportkit.model.events import Recorded
from supportkit.model.fields import Fields, FieldValue
from supportkit.model.message import Message, MessageKind, Note
from supportkit.model.people import TIERS, Actor, ActorKind, Tier
from supportkit.model.ticket import ClosingReason, Link, LinkKind, Priority, Ticket
from supportkit.runner import Options, Ref, Runner, find, survivor
from supportkit.storage.opening import known_channels, open_storage
from supportkit.storage.port import Finding, Page, Storage, TicketQuery, UnitOfWork
from supportkit.text import check_key, clean

When = dt.datetime | str


class How(TypedDict, total=False):
    """What every verb takes besides its own arguments.

    Attributes:
        idempotency_key: The same key with the same arguments gives the first result again and changes nothing.
        expected_version: The ticket must be at this version, else `ConcurrentUpdate` at once.
        at: When it happened in the world; now by default.
    """

    idempotency_key: str | None
    expected_version: int | None
    at: When | None


class Desk:
    """A support desk of one tenant.

    Args:
        storage: A database URL (`sqlite:///support.db`, `sqlite://` for memory) or a storage.
        tenant: Whose tickets these are; a desk sees its own rows and nothing else.
        channels: Adapters that messages go out by, each with a name of its own.
        lifecycle: An own lifecycle; the built-in one has new, open, pending, on_hold, resolved, closed.
        after_close: What a customer's message does to a closed ticket; by default it reopens within 14 days.
        close_resolved_after: When a resolved ticket closes by itself; 7 days, `None` for never.
        resolve_pending_after: When a ticket that waits for its customer is resolved as unanswered; never by default.
        tiers: The support lines.
        tier_policy: Which moves between them are allowed.
        limits: Caps on what a ticket may carry.
        clock: Where the time comes from.
        ids: Where ids come from.
        plugins: Modules or objects with hooks.
        discover: Also load the installed plug-ins of the entry point group `supportkit.plugins`.
        synchronous: For SQLite: `full`, or `normal` (see `docs/explanation/durability.md`).

    Raises:
        ConfigurationError: Something above cannot be used; the subclass and the text say what.
        StorageUnavailable: The database cannot be opened.
    """

    def __init__(
        self,
        storage: str | Storage = "sqlite://",
        *,
        tenant: str = "default",
        channels: Iterable[ChannelAdapter] = (),
        lifecycle: Lifecycle | LifecycleSpec | None = None,
        after_close: AfterClose = AfterClose(),  # noqa: B008 - a frozen value
        close_resolved_after: dt.timedelta | None = dt.timedelta(days=7),
        resolve_pending_after: dt.timedelta | None = None,
        tiers: Iterable[Tier] = TIERS,
        tier_policy: TierPolicy = TierPolicy(),  # noqa: B008 - a frozen value
        limits: Limits = Limits(),  # noqa: B008 - a frozen value
        clock: Clock | None = None,
        ids: IdSource | None = None,
        plugins: Iterable[object] = (),
        discover: bool = False,
        synchronous: str = "full",
    ) -> None:
        clock = clock or SystemClock()
        if not tenant or len(tenant) > 64 or clean(tenant) != tenant:  # noqa: PLR2004 - the width of the column
            raise ConfigurationError("tenant must be 1 to 64 characters without NUL")
        hooks = Hooks(plugins, discover=discover, clock=clock)
        self._channels: Mapping[str, ChannelAdapter] = known_channels(hooks, channels)
        rules = Rules(
            lifecycle=_lifecycle(lifecycle),
            after_close=after_close,
            close_resolved_after=close_resolved_after,
            resolve_pending_after=resolve_pending_after,
            tiers=tuple(tiers),
            tier_policy=tier_policy,
            limits=limits,
            sends={
                name: adapter.capabilities.policy.value
                for name, adapter in self._channels.items()
                if adapter.capabilities.outbound
            },
        )
        self._runner = Runner(
            tenant=tenant,
            storage=open_storage(storage, hooks, synchronous=synchronous),
            hooks=hooks,
            rules=rules,
            clock=clock,
            ids=ids or SystemIds(),
        )
        self._owns_storage = isinstance(storage, str)

    def __repr__(self) -> str:
        return f"Desk({self._runner.storage!r}, tenant={self._runner.tenant!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the database connections that this desk opened."""
        if self._owns_storage and self._runner.shared is None:
            self._runner.storage.close()

    @property
    def tenant(self) -> str:
        """Whose desk this is."""
        return self._runner.tenant

    @property
    def storage(self) -> Storage:
        """Where the tickets are."""
        return self._runner.storage

    @property
    def hooks(self) -> Hooks:
        """The plug-ins and their failures."""
        return self._runner.hooks

    @property
    def lifecycle(self) -> Lifecycle:
        """The states and triggers of this desk."""
        return self._runner.rules.lifecycle

    @property
    def channels(self) -> Mapping[str, ChannelAdapter]:
        """The adapters by name."""
        return self._channels

    @property
    def customers(self) -> Customers:
        """People who ask: `add`, `get`, `update`, `list`."""
        return Customers(self._runner)

    def now(self) -> dt.datetime:
        """Return the instant of this desk's clock."""
        return self._runner.clock.now()

    # -- opening and talking -----------------------------------------------------------------------------------------

    def open(
        self,
        subject: str,
        body: str | None = None,
        *,
        customer: str | None = None,
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
        """Open a ticket and return it.

        Args:
            subject: What it is about.
            body: The first message; `None` for a ticket without one.
            customer: Id of the customer (`desk.customers.add`); `None` while it is not known whose it is.
            author: Who wrote the body; the customer by default, else the actor.
            actor: Who opens it; the author by default.
            channel: Where it came from; answers go there if this desk has an adapter of that name.
            tier: The support line that gets it first.
            fields: Custom fields.
            source: Set for internal work (`survey`, `test`); such tickets are no customers' tickets in the numbers.
            external_id: The provider's id of the message.
            links: Other tickets that this one belongs to.

        Raises:
            NotFound: There is no such customer or linked ticket.
            Refused: A rule or a plug-in says no.
            LimitExceeded: Something is larger than the limits allow.
        """
        writer = _author(author, customer, actor)
        now = self._runner.clock.now()
        command = cm.Open(
            actor=_actor(actor) if actor is not None else writer,
            subject=self._text(subject, "subject"),
            body=None if body is None else self._text(body, "body"),
            author=writer,
            customer=customer,
            channel=_name(channel, "channel"),
            kind=MessageKind(kind),
            priority=Priority.parse(priority),
            tier=tier,
            team=team,
            assignee=assignee,
            tags=_tags(tags),
            fields=_fields(fields),
            locale=locale,
            source=source,
            external_id=external_id,
            links=tuple(links),
            ticket=self._new_id(now),
            message=self._new_id(now),
            reference=self._runner.ids.reference(),
        )
        return self._runner.open(command, _options(how))

    def receive(
        self,
        ticket: Ref,
        body: str,
        *,
        author: Actor | str | None = None,
        channel: str | None = None,
        kind: MessageKind | str = MessageKind.REPLY,
        external_id: str | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Record a message that came in and return the ticket that it now lies in.

        A customer's message takes a waiting or finished ticket up again; an automatic one (`kind="auto"`) never does.
        On a ticket that was closed too long ago it opens a follow-up, linked to the old one, and returns that. On a
        merged ticket it reaches the survivor.
        """
        runner, words = self._runner, self._text(body, "body")
        with runner.reading() as unit:
            current = survivor(unit, ticket)
        writer = _author(author, current.customer, None)
        options = _options(how)
        when = options.at or runner.clock.now()
        if self._needs_follow_up(current, writer, MessageKind(kind), when):
            return self._follow_up(current, words, writer, channel, external_id, how)
        command = cm.Receive(
            actor=writer,
            body=words,
            author=writer,
            channel=channel,
            kind=MessageKind(kind),
            external_id=external_id,
            message=self._new_id(when),
        )
        return runner.run(ticket, command, options, follow_merges=True)

    def _needs_follow_up(self, ticket: Ticket, author: Actor, kind: MessageKind, when: dt.datetime) -> bool:
        return (
            ticket.closed_at is not None
            and author.kind is ActorKind.CUSTOMER
            and kind not in {MessageKind.AUTO, MessageKind.CAMPAIGN}
            and not self._runner.rules.after_close.reopens(ticket.closed_at, when)
        )

    def _follow_up(
        self, old: Ticket, body: str, author: Actor, channel: str | None, external_id: str | None, how: How
    ) -> Ticket:
        return self.open(
            old.subject,
            body,
            customer=old.customer,
            author=author,
            channel=channel or old.channel,
            priority=old.priority,
            locale=old.locale,
            external_id=external_id,
            links=[Link(LinkKind.FOLLOW_UP, old.id)],
            **how,
        )

    def reply(
        self,
        ticket: Ref,
        body: str,
        *,
        actor: Actor | str,
        channel: str | None = None,
        kind: MessageKind | str = MessageKind.REPLY,
        **how: Unpack[How],
    ) -> Ticket:
        """Answer the customer in public; on a new ticket this also starts it.

        The answer is queued for the ticket's channel, or for *channel*. `kind="call"` records a call instead.
        """
        command = cm.Reply(
            actor=_actor(actor),
            body=self._text(body, "body"),
            kind=MessageKind(kind),
            channel=channel,
            message=self._new_id(self._runner.clock.now()),
        )
        return self._runner.run(ticket, command, _options(how), follow_merges=True)

    def ask(
        self,
        ticket: Ref,
        body: str,
        *,
        actor: Actor | str,
        channel: str | None = None,
        until: When | dt.timedelta | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Ask the customer something, in public, and wait for the answer; with *until*, go on by itself then."""
        command = cm.Ask(
            actor=_actor(actor),
            body=self._text(body, "body"),
            channel=channel,
            until=self._instant(until),
            message=self._new_id(self._runner.clock.now()),
        )
        return self._runner.run(ticket, command, _options(how), follow_merges=True)

    def note(
        self, ticket: Ref, body: str, *, actor: Actor | str, mentions: Iterable[str] = (), **how: Unpack[How]
    ) -> Ticket:
        """Write an internal note. Customers never see it."""
        command = cm.AddNote(
            actor=_actor(actor),
            body=self._text(body, "note"),
            mentions=tuple(mentions),
            note=self._new_id(self._runner.clock.now()),
        )
        return self._runner.run(ticket, command, _options(how))

    # -- states ------------------------------------------------------------------------------------------------------

    def start(self, ticket: Ref, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Take a new ticket up."""
        return self._runner.run(ticket, cm.Start(actor=_actor(actor)), _options(how))

    def hold(
        self,
        ticket: Ref,
        text: str = "",
        *,
        actor: Actor | str,
        until: When | dt.timedelta | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Wait for a vendor or another department; with *until*, go on by itself then."""
        command = cm.Hold(actor=_actor(actor), text=self._text(text, "text"), until=self._instant(until))
        return self._runner.run(ticket, command, _options(how))

    def resume(self, ticket: Ref, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Go on with a ticket that waited."""
        return self._runner.run(ticket, cm.Resume(actor=_actor(actor)), _options(how))

    def resolve(
        self,
        ticket: Ref,
        text: str,
        *,
        actor: Actor | str,
        reason: ClosingReason | str = ClosingReason.SOLVED,
        **how: Unpack[How],
    ) -> Ticket:
        """Say that the matter is dealt with, and how."""
        command = cm.Resolve(actor=_actor(actor), text=self._text(text, "resolution"), reason=ClosingReason(reason))
        return self._runner.run(ticket, command, _options(how))

    def reopen(self, ticket: Ref, text: str = "", *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Take a finished ticket up again."""
        command = cm.Reopen(actor=_actor(actor), text=self._text(text, "text"))
        return self._runner.run(ticket, command, _options(how))

    def end(
        self, ticket: Ref, *, actor: Actor | str, reason: ClosingReason | str | None = None, **how: Unpack[How]
    ) -> Ticket:
        """Close a ticket; one that was not resolved needs a *reason*. (`close` gives back the database.)"""
        command = cm.Close(actor=_actor(actor), reason=None if reason is None else ClosingReason(reason))
        return self._runner.run(ticket, command, _options(how))

    def fire(
        self,
        ticket: Ref,
        trigger: str,
        *,
        actor: Actor | str,
        reason: ClosingReason | str | None = None,
        until: When | dt.timedelta | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Fire any trigger of the lifecycle by its name; for own lifecycles."""
        command = cm.Fire(
            actor=_actor(actor),
            trigger=trigger,
            reason=None if reason is None else ClosingReason(reason),
            until=self._instant(until),
        )
        return self._runner.run(ticket, command, _options(how))

    # -- who and what ------------------------------------------------------------------------------------------------

    def assign(
        self,
        ticket: Ref,
        *,
        actor: Actor | str,
        assignee: str | cm.Keep | None = cm.KEEP,
        team: str | cm.Keep | None = cm.KEEP,
        **how: Unpack[How],
    ) -> Ticket:
        """Make a person or a team responsible; `None` means nobody, what is left out stays as it is."""
        command = cm.Assign(actor=_actor(actor), team=team, assignee=assignee)
        return self._runner.run(ticket, command, _options(how))

    def move_tier(
        self,
        ticket: Ref,
        tier: int,
        summary: str = "",
        *,
        actor: Actor | str,
        team: str | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Hand the ticket to another support line; *summary* is what the next person reads first."""
        command = cm.MoveTier(actor=_actor(actor), tier=tier, team=team, summary=self._text(summary, "summary"))
        return self._runner.run(ticket, command, _options(how))

    def set_priority(
        self, ticket: Ref, priority: Priority | str | int, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Give the ticket another priority."""
        command = cm.SetPriority(actor=_actor(actor), priority=Priority.parse(priority))
        return self._runner.run(ticket, command, _options(how))

    def set_subject(self, ticket: Ref, subject: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Give the ticket another subject."""
        command = cm.SetSubject(actor=_actor(actor), subject=self._text(subject, "subject"))
        return self._runner.run(ticket, command, _options(how))

    def set_customer(self, ticket: Ref, customer: str | None, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Say whose ticket it is.

        Raises:
            NotFound: There is no such customer.
        """
        if customer is not None:
            self.customers.get(customer)
        return self._runner.run(ticket, cm.SetCustomer(actor=_actor(actor), customer=customer), _options(how))

    def set_fields(
        self, ticket: Ref, changes: Mapping[str, FieldValue], *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Set custom fields; a value of `None` removes one."""
        command = cm.SetFields(actor=_actor(actor), changes=_fields(changes))
        return self._runner.run(ticket, command, _options(how))

    def tag(self, ticket: Ref, *add: str, remove: Iterable[str] = (), actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Add and remove tags."""
        command = cm.Tag(actor=_actor(actor), add=_tags(add), remove=_tags(remove))
        return self._runner.run(ticket, command, _options(how))

    def followers(
        self, ticket: Ref, *add: str, remove: Iterable[str] = (), actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Add and remove people who follow the ticket."""
        command = cm.Follow(actor=_actor(actor), add=tuple(add), remove=tuple(remove))
        return self._runner.run(ticket, command, _options(how))

    # -- two tickets -------------------------------------------------------------------------------------------------

    def merge(self, ticket: Ref, into: Ref, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """End *ticket* in *into* (or in what that was merged into) and return the survivor.

        Raises:
            Refused: They are one already, or a circle would arise.
        """
        rules, tenant = self._runner.rules, self._runner.tenant

        def prepare(unit: UnitOfWork, draft: Any) -> Ticket:
            source, target = find(unit, ticket), survivor(unit, into)
            self._runner.ask_plugins(source, draft.command)
            here, there = decide_merge(source, target, rules)
            draft.add(tenant, source, source.id, here)
            kept: Ticket = draft.add(tenant, target, target.id, there)
            return kept

        return self._two(cm.Merge(actor=_actor(actor), into=str(into)), how, prepare, ticket)

    def unmerge(self, ticket: Ref, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Take a merged ticket out of its survivor again, as it was, and return it."""
        tenant = self._runner.tenant

        def prepare(unit: UnitOfWork, draft: Any) -> Ticket:
            source = find(unit, ticket)
            kept = source if source.merged_into is None else find(unit, source.merged_into)
            self._runner.ask_plugins(source, draft.command)
            here, there = decide_unmerge(source, kept)
            draft.add(tenant, kept, kept.id, there)
            alone: Ticket = draft.add(tenant, source, source.id, here)
            return alone

        return self._two(cm.Unmerge(actor=_actor(actor)), how, prepare, ticket)

    def link(self, ticket: Ref, kind: LinkKind | str, other: Ref, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Say that *ticket* is *kind* of *other* (`link(a, "child", b)`: a is a child of b); b gets the inverse."""
        rules = self._runner.rules
        command = cm.AddLink(actor=_actor(actor), kind=LinkKind(kind), other=str(other))
        return self._two(
            command, how, self._linking(ticket, other, lambda a, b: decide_link(a, b, command, rules)), ticket
        )

    def unlink(
        self, ticket: Ref, kind: LinkKind | str, other: Ref, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Take a link away, at both ends."""
        command = cm.RemoveLink(actor=_actor(actor), kind=LinkKind(kind), other=str(other))
        return self._two(command, how, self._linking(ticket, other, lambda a, b: decide_unlink(a, b, command)), ticket)

    def _linking(self, ticket: Ref, other: Ref, decision: Callable[[Ticket, Ticket], Any]) -> Any:
        def prepare(unit: UnitOfWork, draft: Any) -> Ticket:
            one, two = find(unit, ticket), find(unit, other)
            self._runner.ask_plugins(one, draft.command)
            here, there = decision(one, two)
            draft.add(self.tenant, two, two.id, there)
            linked: Ticket = draft.add(self.tenant, one, one.id, here)
            return linked

        return prepare

    def split(
        self, ticket: Ref, messages: Sequence[str], subject: str, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Move some messages of a ticket into a new one, linked to it, and return the new ticket.

        Raises:
            NotFound: A message does not lie in this ticket.
        """
        rules, tenant, ids = self._runner.rules, self._runner.tenant, self._runner.ids
        command = cm.Split(
            actor=_actor(actor),
            subject=self._text(subject, "subject"),
            messages=tuple(dict.fromkeys(messages)),
            ticket=self._new_id(self._runner.clock.now()),
            reference=ids.reference(),
        )

        def prepare(unit: UnitOfWork, draft: Any) -> Ticket:
            source = find(unit, ticket)
            here_now = {message.id for message in unit.messages([source.id])}
            for message in command.messages:
                if message not in here_now:
                    raise NotFound("message", message)
            self._runner.ask_plugins(source, command)
            numbered = attrs.evolve(command, number=unit.reserve_number())
            draft.command = numbered
            here, there = decide_split(source, numbered, rules)
            draft.moved = tuple((message, numbered.ticket) for message in numbered.messages)
            draft.add(tenant, source, source.id, here)
            new: Ticket = draft.add(tenant, None, numbered.ticket, there)
            return new

        return self._two(command, how, prepare, ticket)

    def _two(self, command: cm.PairCommand, how: How, prepare: Any, subject: Ref) -> Ticket:
        return self._runner.carry_out(command, _options(how), prepare, subject=subject)

    # -- reading -----------------------------------------------------------------------------------------------------

    def get(self, ticket: Ref) -> Ticket:
        """Return a ticket by its id or its number.

        Raises:
            TicketNotFound: There is none in this tenant.
        """
        with self._runner.reading() as unit:
            return find(unit, ticket)

    def find(self, query: TicketQuery | None = None, **criteria: Any) -> Page[Ticket]:
        """Return a page of tickets that meet all criteria of *query*, or of keywords named like its attributes."""
        if query is not None and criteria:
            raise TypeError("give either a query or criteria, not both")
        with self._runner.reading() as unit:
            return unit.find(query or TicketQuery(**criteria))

    def history(self, ticket: Ref) -> Sequence[Recorded]:
        """Return the whole log of a ticket, in order."""
        with self._runner.reading() as unit:
            return unit.history(find(unit, ticket).id)

    def messages(self, ticket: Ref) -> Sequence[Message]:
        """Return the public messages of a ticket and of the tickets merged into it, by time."""
        with self._runner.reading() as unit:
            return unit.messages(_family(unit, find(unit, ticket)))

    def notes(self, ticket: Ref) -> Sequence[Note]:
        """Return the internal notes of a ticket and of the tickets merged into it, by time."""
        with self._runner.reading() as unit:
            return unit.notes(_family(unit, find(unit, ticket)))

    def outbox(self, ticket: Ref | None = None, *, states: Iterable[str] = (), limit: int = 100) -> Sequence[Outgoing]:
        """Return deliveries, oldest first: of one ticket, in some states, or all."""
        with self._runner.reading() as unit:
            one = None if ticket is None else find(unit, ticket).id
            return unit.outbox(ticket=one, states=[OutboxState(state) for state in states], limit=limit)

    def counts(self) -> dict[tuple[str, int], int]:
        """Return the number of tickets by (state, tier)."""
        with self._runner.reading() as unit:
            return unit.counts()

    def follow(self, name: str, *, batch: int = 100) -> Iterator[Recorded]:
        """Yield the events that the follower *name* has not seen, in the order of commits, and remember how far it got.

        At least once: an event counts as seen when the next one is asked for. The iterator ends where the log ends
        now; call again for what comes later.
        """
        with self._runner.reading() as unit:
            cursor = unit.follower(name)
        done = cursor
        try:
            while True:
                with self._runner.reading() as unit:
                    events = unit.events_after(cursor, batch)
                for recorded in events:
                    yield recorded
                    done = recorded.cursor
                if not events:
                    return
                cursor = done
                self._remember(name, done)
        finally:
            if done != cursor:
                self._remember(name, done)

    def _remember(self, name: str, cursor: str | None) -> None:
        if cursor is not None:
            with self._runner.storage.begin(self.tenant) as unit:
                unit.set_follower(name, cursor)

    # -- work in the background --------------------------------------------------------------------------------------

    def tick(self, now: When | None = None, *, limit: int = 500) -> timers.TickReport:
        """Fire the deadlines that are due, at most *limit*; safe from any number of threads and processes at once."""
        return timers.tick(self._runner, self._runner.clock.now() if now is None else to_utc(now, "now"), limit=limit)

    def deliver_outbox(
        self, limit: int = 50, *, lease: dt.timedelta = dt.timedelta(seconds=60)
    ) -> delivery.DeliveryReport:
        """Hand queued answers to their channels, at most *limit*; safe from any number of workers at once."""
        return delivery.deliver(self._runner, self._channels, limit=limit, lease=lease)

    @contextmanager
    def transaction(self) -> Iterator[Desk]:
        """Yield a desk whose commands are one transaction: all of them are kept, or none.

        Observers are told after the commit. Do not use the outer desk for writing inside the block.
        """
        with self._runner.sharing() as runner:
            inside = object.__new__(Desk)
            inside._runner = runner
            inside._channels = self._channels
            inside._owns_storage = False
            yield inside

    def check(self, *, deep: bool = False) -> Sequence[Finding]:
        """Look at the database, its settings, the plug-ins and what waits; with *deep* fold every log as well."""
        return checks.check(self._runner, deep=deep)

    # -- small things ------------------------------------------------------------------------------------------------

    def _new_id(self, now: dt.datetime) -> str:
        return self._runner.ids.new_id(int(now.timestamp() * 1_000_000))

    def _text(self, text: str, name: str) -> str:
        allowed = self._runner.rules.limits.text_bytes
        if isinstance(text, str) and len(text) > allowed // 4:
            size = len(text.encode("utf-8", "surrogatepass"))
            if size > allowed:
                raise LimitExceeded(f"size of {name}", allowed, size, "bytes")
        return clean(text, name)

    def _instant(self, until: When | dt.timedelta | None) -> dt.datetime | None:
        if isinstance(until, dt.timedelta):
            return self._runner.clock.now() + until
        return None if until is None else to_utc(until, "until")


def _lifecycle(given: Lifecycle | LifecycleSpec | None) -> Lifecycle:
    if given is None:
        return built_in()
    return given if isinstance(given, Lifecycle) else Lifecycle.compile(given)


def _actor(actor: Actor | str) -> Actor:
    return actor if isinstance(actor, Actor) else Actor.parse(clean(actor, "actor"))


def _author(author: Actor | str | None, customer: str | None, actor: Actor | str | None) -> Actor:
    if author is not None:
        return _actor(author)
    if customer is not None:
        return Actor(ActorKind.CUSTOMER, customer)
    return _actor(actor) if actor is not None else Actor(ActorKind.CUSTOMER, "unknown")


def _options(how: How) -> Options:
    at, key = how.get("at"), how.get("idempotency_key")
    return Options(
        key=None if key is None else check_key(key),
        expected_version=how.get("expected_version"),
        at=None if at is None else to_utc(at, "at"),
    )


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    if isinstance(tags, str):
        raise TypeError("tags must be several strings, not one")
    return tuple(clean(tag, "tag") for tag in tags)


def _fields(fields: Mapping[str, FieldValue] | None) -> Fields:
    """Return clean custom fields; numbers must survive JSON on every database."""
    cleaned: dict[str, FieldValue] = {}
    for name, value in (fields or {}).items():
        if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124
            raise ValueError(f"custom field {name[:40]!r}: NaN and infinity are refused")
        if not (value is None or isinstance(value, str | int | float | bool)):
            raise TypeError(
                f"custom field {name[:40]!r} must be text, a number, true or false, not {type(value).__name__}"
            )
        cleaned[clean(name, "field name")] = clean(value) if isinstance(value, str) else value
    return Fields(cleaned)


def _name(name: str, what: str) -> str:
    cleaned = clean(name, what)
    if not cleaned or len(cleaned) > 200:  # noqa: PLR2004 - reliability.md section 11
        raise ValueError(f"{what} must be 1 to 200 characters")
    return cleaned


def _family(unit: UnitOfWork, ticket: Ticket) -> list[str]:
    """Return the ids of a ticket and of all that was merged into it, over any number of hops."""
    ids, waiting = [ticket.id], [part.ticket for part in ticket.merged]
    while waiting:
        part = unit.get(waiting.pop())
        if part is not None and part.id not in ids:
            ids.append(part.id)
            waiting.extend(piece.ticket for piece in part.merged)
    return ids
