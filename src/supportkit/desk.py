"""`Desk`: the verbs that an app calls.

Longer than a module of this project should be: it is one class whose verbs stand one after the other, each a few lines
that clean the arguments, build a command and hand it to the `Runner`. Cutting it up would need inheritance for reuse.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, Unpack, cast

import attrs

from supportkit import (
    checks,
    clocking,
    continuing,
    delivery,
    enclosing,
    pairing,
    promising,
    publicly,
    receiving,
    revoking,
    switching,
    timers,
)
from supportkit.agents import Agents
from supportkit.archive.reading import import_desk
from supportkit.archive.writing import ArchiveReport, export
from supportkit.arguments import (
    How,
    When,
    as_actor,
    as_author,
    as_customer,
    as_fields,
    as_locale,
    as_metric,
    as_name,
    as_names,
    as_optional_name,
    as_options,
    as_tags,
    as_text,
    as_ticket,
    as_words,
)
from supportkit.automations import Automations
from supportkit.channels.inbound import Answer, Payload
from supportkit.channels.port import ChannelAdapter
from supportkit.clock import Clock, SystemClock, to_utc
from supportkit.commitments import Promises, Vendors
from supportkit.customers import Customers
from supportkit.dispatching import Dispatcher
from supportkit.drafting import Options, Prepare, Ref
from supportkit.drafts import Drafts
from supportkit.engine.notices import Notices
from supportkit.engine.promises import Promises as PromisedLevels
from supportkit.engine.rules import AfterClose, Limits, Rules, TierPolicy
from supportkit.errors import ConfigurationError, NotFound, UnknownChannel
from supportkit.escalation.regulation import Duties
from supportkit.escalation.rules import EscalationRules
from supportkit.escalation.table import Table
from supportkit.escalation.tiers import read_tiers
from supportkit.escalation.vendors import Vendor, read_vendors
from supportkit.escalations import Escalations, Regulation, checked
from supportkit.hooks.manager import Hooks
from supportkit.ids import IdSource, SystemIds
from supportkit.incidents import Incidents
from supportkit.intake import Budgets, Intake
from supportkit.keyring import kept_keys
from supportkit.keys import Keys
from supportkit.legs import LegState, Suggestion, legs_of, suggestions_for
from supportkit.lifecycle import Lifecycle, LifecycleSpec, built_in
from supportkit.lines import Lines, check_vendors
from supportkit.lookup import find, person
from supportkit.macros import Macros
from supportkit.model import commands as cm
from supportkit.model.clocks import Metric
from supportkit.model.commands import THE_CUSTOMER
from supportkit.model.conversation import StoredFile
from supportkit.model.events import Recorded
from supportkit.model.fields import FieldValue
from supportkit.model.message import Message, MessageKind, NewFile, Note
from supportkit.model.people import TIERS, Actor, ActorKind, Customer, Tier
from supportkit.model.ticket import ClosingReason, Link, LinkKind, Priority, Ticket
from supportkit.notifying import teller_of
from supportkit.originals import Original, original_of
from supportkit.outbox import Outbox
from supportkit.participants import Participants
from supportkit.portal import Portal
from supportkit.presence import Presence
from supportkit.privacy import Privacy
from supportkit.promising import Levels
from supportkit.quarantine import Quarantine
from supportkit.queueing import Queued, queue, take_next
from supportkit.reporting import Reports
from supportkit.retention import KEEP_KEYS, Keeping, PurgeReport, Retention, purge
from supportkit.routing.choosing import Choice
from supportkit.routing.roster import Routing
from supportkit.runner import Runner, Settled
from supportkit.sla import ALWAYS_OPEN, ClockSet, Comparison, ServiceLevels
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.opening import Source, known_channels, open_storage
from supportkit.storage.port import MAX_BATCH, MAX_PAGE, Finding, Page, Storage, TicketQuery, check_limit
from supportkit.surveying.service import Surveys, check_survey, require
from supportkit.surveying.surveyor import Surveyor
from supportkit.surveys.settings import Survey
from supportkit.teams import Teams
from supportkit.text import clean
from supportkit.viewing import Viewing
from supportkit.wording import public_answer, texts_of

MAX_TENANT = 64
AHEAD = dt.timedelta(minutes=5)
"""How far ahead of this desk's clock another machine's may be when it says when something happened."""


class Desk:
    """A support desk of one tenant.

    Args:
        storage: A database URL (`sqlite:///support.db`, `sqlite://` for memory, `postgresql+psycopg://...` or
            `mariadb+pymysql://...` for a server), a SQLAlchemy `Engine` of the app, or a storage.
        tenant: Whose tickets these are; a desk sees its own rows and nothing else.
        channels: Adapters that messages go out by, each with a name of its own.
        lifecycle: An own lifecycle; the built-in one has new, open, pending, on_hold, resolved, closed.
        after_close: What a customer's message does to a closed ticket; by default it reopens within 14 days.
        close_resolved_after: When a resolved ticket closes by itself; 7 days, `None` for never.
        resolve_pending_after: When a ticket that waits for its customer is resolved as unanswered; never by default.
        tiers: The support lines.
        tier_policy: Which moves between them are allowed.
        escalations: Rules that move tickets and tell people by themselves; a value, or the dicts of a file.
        regulation: Which team and person is responsible for which topic; a value, or the dicts of a file.
        vendors: Other organisations that the desk writes to, and by which channel.
        limits: Caps on what a ticket may carry.
        levels: What the desk promises: `ServiceLevels`, or the dicts of a configuration file. They are recorded in the
            database; by default those that it recorded last hold, else the built-in ones (first and next response
            within 24 h, 12 h by e-mail, 30 min in chats, messengers and social networks).
        keep_keys: How long an idempotency key stands for its first result; at least 8 days.
        retention: How long everything else is kept; closed tickets for ever by default.
        clock: Where the time comes from.
        ids: Where ids come from.
        plugins: Modules or objects with hooks.
        keys: What signs references that go out and hashes what is compared. By default keys are made once and kept in
            the database; give your own to keep them elsewhere.
        budgets: How much may come in by channels before a person has to look.
        join_across_channels: Let a message of somebody who proved who he is join the one ticket of his that runs on
            another channel; by default it opens a ticket, and `suggestions` shows the other one.
        notices: What customers are told by themselves: that a request has arrived and by when it is answered, that
            a promised time has moved, that the request is solved, closed or open again.
        surveys: What customers are asked after a resolution, and when and how often.
        routing: How work is given out: `Routing`, or the dict of a configuration file. By default nobody is given
            anything: a ticket waits in the queue until somebody takes it with `next` or it is assigned.
        discover: Also load the installed plug-ins of the entry point group `supportkit.plugins`.
        synchronous: For SQLite: `full`, or `normal` (see `docs/explanation/durability.md`).

    Raises:
        ConfigurationError: Something above cannot be used; the subclass and the text say what.
        SchemaOutOfDate: The tables are of another release; those of a server also when there are none.
        StorageUnavailable: The database cannot be opened.
    """

    def __init__(
        self,
        storage: Source = "sqlite://",
        *,
        tenant: str = "default",
        channels: Iterable[ChannelAdapter] = (),
        lifecycle: Lifecycle | LifecycleSpec | None = None,
        after_close: AfterClose = AfterClose(),  # noqa: B008 - a frozen value
        close_resolved_after: dt.timedelta | None = dt.timedelta(days=7),
        resolve_pending_after: dt.timedelta | None = None,
        tiers: Iterable[Tier] = TIERS,
        tier_policy: TierPolicy = TierPolicy(),  # noqa: B008 - a frozen value
        escalations: EscalationRules | Mapping[str, Any] | None = None,
        regulation: Duties | Mapping[str, Any] | None = None,
        vendors: Iterable[Vendor | Mapping[str, Any]] = (),
        limits: Limits = Limits(),  # noqa: B008 - a frozen value
        levels: Levels | None = None,
        keep_keys: dt.timedelta = KEEP_KEYS,
        retention: Retention = Retention(),  # noqa: B008 - a frozen value
        clock: Clock | None = None,
        ids: IdSource | None = None,
        plugins: Iterable[object] = (),
        keys: Keys | None = None,
        budgets: Budgets = Budgets(),  # noqa: B008 - a frozen value
        join_across_channels: bool = False,
        notices: Notices = Notices(),  # noqa: B008 - a frozen value
        surveys: Iterable[Survey] = (),
        routing: Routing | Mapping[str, Any] | None = None,
        discover: bool = False,
        synchronous: str = "full",
    ) -> None:
        clock = clock or SystemClock()
        if not tenant.strip() or len(tenant) > MAX_TENANT or clean(tenant, "tenant") != tenant:
            raise ConfigurationError(f"tenant must be 1 to {MAX_TENANT} characters without NUL")
        self._keeping = Keeping(keys=keep_keys, retention=retention, after_close=after_close)
        hooks = Hooks(plugins, discover=discover, clock=clock)
        self._channels: Mapping[str, ChannelAdapter] = known_channels(hooks, channels)
        checks.refuse_unsigned(self._channels)
        given_out = routing if isinstance(routing, Routing | None) else Routing.from_dict(routing)
        rules = Rules(
            lifecycle=_compiled(lifecycle),
            after_close=after_close,
            close_resolved_after=close_resolved_after,
            resolve_pending_after=resolve_pending_after,
            tiers=read_tiers(tiers),
            tier_policy=tier_policy,
            escalations=_table(escalations),
            regulation=_regulation(regulation),
            vendors={vendor.name: vendor for vendor in read_vendors(vendors)},
            limits=limits,
            sends={
                name: adapter.capabilities.policy.value
                for name, adapter in self._channels.items()
                if adapter.capabilities.outbound
            },
            public=frozenset(name for name, adapter in self._channels.items() if adapter.capabilities.public),
            return_after=None if given_out is None else given_out.return_after,
            return_calendar=ALWAYS_OPEN if given_out is None else given_out.calendar,
        )
        check_vendors(rules.vendors, rules, self._channels)
        if levels is not None:  # before there is a database: what is refused makes none
            levels = promising.checked(promising.as_levels(levels), rules.lifecycle, clock.now())
            checked(attrs.evolve(rules, promises=PromisedLevels.of(levels, rules.lifecycle)))
        texts = texts_of(notices, self._channels, hooks)
        self._in_public = partial(public_answer, notices, texts)
        asked: dict[str, Survey] = {}
        for survey in surveys:
            check_survey(asked, survey)
        teller = teller_of(notices, self._channels, texts)
        opened = open_storage(storage, hooks, synchronous=synchronous)
        self._owns_storage = opened is not storage
        try:
            if asked:
                require(opened)
            promised = promising.promises(opened, tenant, rules, levels, clock.now())
            rules = checked(attrs.evolve(rules, promises=promised))
        except BaseException:
            if self._owns_storage:
                opened.close()
            raise
        found = kept_keys(opened, tenant, clock) if keys is None else lambda: keys
        self._runner = Runner(
            tenant=tenant,
            storage=opened,
            hooks=hooks,
            settled=Settled(rules, clock.now()),
            clock=clock,
            ids=ids or SystemIds(),
            teller=teller,
            dispatcher=Dispatcher(given_out, opened.capabilities),
            channels=self._channels,
            has_windows=any(one.capabilities.reply_window is not None for one in self._channels.values()),
            surveyor=Surveyor(
                surveys=asked, channels=self._channels, catalog=texts, keys=found, desk_name=notices.desk_name
            ),
            limited={
                name: adapter
                for name, adapter in self._channels.items()
                if adapter.capabilities.outbound and adapter.capabilities.max_body_chars is not None
            },
        )
        self._intake = Intake(self._runner, found, budgets, join_across_channels)
        self._lines = Lines(self._intake, self._channels)
        if rules.vendors:  # made now, because writing to one is a transaction in which none can be made
            found()

    @classmethod
    def from_config(cls, path: str | Path, storage: Source | None = None, **arguments: Any) -> Self:
        """Open the desk that a configuration file describes.

        Args:
            path: A TOML file; see the how-to about configuration files.
            storage: Where the tickets are, instead of what the file says.
            arguments: Further arguments of `Desk`, such as `channels=`; they come before those of the file.

        Raises:
            InvalidConfiguration: Something is wrong with the file; `problems` has everything.
            ConfigurationError: As for the constructor.
        """
        from supportkit.config import load_config

        config = load_config(path)
        return cls(storage or config.storage or "sqlite://", **{**config.arguments, **arguments})

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
        """People who ask: `add`, `get`, `update`, `list`, `card`, `consent`, `merge`, `unmerge` and more."""
        return Customers(self._runner, self._intake.keys)

    @property
    def promises(self) -> Promises:
        """What was promised to customers by hand: `make`, `move`, `keep`, `cancel`."""
        return Promises(self._runner)

    @property
    def vendors(self) -> Vendors:
        """Other organisations that work on tickets: `hand_over`, `write`, `pause`, `resume`, `take_back`."""
        return Vendors(self._runner, self._lines)

    @property
    def escalations(self) -> Escalations:
        """The escalation rules at work: `explain`, `handovers`, `signal`, `acknowledge`, `lint`."""
        return Escalations(self._runner)

    @property
    def regulation(self) -> Regulation:
        """Who is responsible for which topic: `responsible`, `lint`."""
        return Regulation(self._runner)

    @property
    def participants(self) -> Participants:
        """Who takes part in a ticket besides its requester: `list`, `add`, `remove`."""
        return Participants(self._runner)

    @property
    def outbox(self) -> Outbox:
        """Deliveries: call it to list them (`desk.outbox(ticket)`), or `get`, `retry`, `settle` one."""
        return Outbox(self._runner)

    @property
    def surveys(self) -> Surveys:
        """What customers are asked: `add`, `list`, `get`, `invitations`, `anonymous`, `clear_flag`, `handle`."""
        return Surveys(self._runner)

    @property
    def quarantine(self) -> Quarantine:
        """Deliveries that nobody could read or route: `list`, `show`, `export`, `fix`, `reprocess`, `purge`."""
        return Quarantine(self._runner, self.process_inbox)

    @property
    def reports(self) -> Reports:
        """What is known in numbers: `kpis`, `scores`, `table`, `metric`."""
        return Reports(self._runner)

    @property
    def presence(self) -> Presence:
        """What agents say about themselves: `set`, `get`, `list`, `clear`."""
        return Presence(self._runner)

    @property
    def viewing(self) -> Viewing:
        """Who is on a ticket now: `look`, `typing`, `leave`, `list`."""
        return Viewing(self._runner)

    @property
    def drafts(self) -> Drafts:
        """Answers that are not sent yet: `save`, `get`, `list`, `newer`, `send`, `discard`."""
        return Drafts(self._runner)

    @property
    def macros(self) -> Macros:
        """Several commands under one name: `save`, `get`, `list`, `remove`, `preview`, `apply`."""
        return Macros(self._runner)

    @property
    def automations(self) -> Automations:
        """What the desk does by itself: `rules`, `preview`, `log`."""
        return Automations(self._runner)

    @property
    def incidents(self) -> Incidents:
        """One incident, many tickets: `add`, `tickets`, `answer`, `resolve`."""
        return Incidents(self._runner)

    @property
    def agents(self) -> Agents:
        """People who answer: `add`, `get`, `change`, `remove`, `list`."""
        return Agents(self._runner)

    @property
    def teams(self) -> Teams:
        """People who answer together: `add`, `get`, `change`, `remove`, `list`, `members`, `lint`."""
        return Teams(self._runner)

    @property
    def portal(self) -> Portal:
        """What customers may see of their own: `issue`, `open`, `tickets`, `ticket`, `revoke`."""
        return Portal(self._runner, self._intake.keys)

    @property
    def privacy(self) -> Privacy:
        """People and what is theirs: `erase`, `resume`, `ledger`, `reapply`, `export`."""
        return Privacy(self._runner, self._channels)

    @property
    def levels(self) -> ServiceLevels:
        """What this desk promises for tickets that are opened now."""
        return self._runner.rules.promises.current

    def now(self) -> dt.datetime:
        """Return the instant of this desk's clock."""
        return self._runner.clock.now()

    # -- opening and talking -----------------------------------------------------------------------------------------

    def open(
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
        """Open a ticket and return it.

        Args:
            subject: What it is about.
            body: The first message; `None` for a ticket without one.
            kind: What kind of message the body is.
            priority: A `Priority`, its name, or 1 to 4.
            team: The team that is responsible first.
            assignee: The agent who is responsible first.
            tags: Tags to begin with.
            locale: BCP 47 tag of the language; the customer's by default.
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
        customer = as_customer(customer)
        writer = as_author(author, customer, actor)
        command = cm.Open(
            actor=as_actor(actor) if actor is not None else writer,
            subject=self._text(subject, "subject"),
            body=None if body is None else self._text(body, "body"),
            author=writer,
            customer=customer,
            channel=as_name(channel, "channel"),
            kind=MessageKind(kind),
            priority=Priority.parse(priority),
            tier=tier,
            team=as_optional_name(team, "team"),
            assignee=as_optional_name(assignee, "assignee"),
            tags=as_tags(tags),
            fields=as_fields(fields),
            locale=None if locale is None else as_locale(locale),
            source=as_optional_name(source, "source"),
            external_id=as_optional_name(external_id, "external_id"),
            links=tuple(links),
            ticket=self._new_id(),
            message=self._new_id(),
            reference=self._runner.ids.reference(),
        )
        return self._runner.open(command, self._options(how))

    def add_message(
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
        """Record a message that came in by another way than a channel of the desk; return the ticket it now lies in.

        A customer's message takes a waiting or finished ticket up again; an automatic one (`kind="auto"`) never does.
        On a ticket that was closed too long ago it opens a follow-up, linked to the old one, and returns that. On a
        merged ticket it reaches the survivor.
        """
        writer = THE_CUSTOMER if author is None else as_actor(author)
        command = cm.Receive(
            actor=writer,
            body=self._text(body, "body"),
            author=writer,
            channel=as_optional_name(channel, "channel"),
            kind=MessageKind(kind),
            external_id=as_optional_name(external_id, "external_id"),
            message=self._new_id(),
            ticket=self._new_id(),
            reference=self._runner.ids.reference(),
        )
        return self._runner.receive(as_ticket(ticket), command, self._options(how))

    def reply(
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
        """Answer the customer in public; on a new ticket this also starts it.

        The answer is queued for the ticket's channel, or for *channel*. `kind="call"` records a call instead. Where the
        ticket's own channel has no adapter in this desk the answer is recorded only, and its event says so.

        *files* go out with it, where the channel takes files. With *seen_version*, the version of the ticket that the
        agent has read, an answer that others have overtaken is refused.

        Raises:
            UnknownChannel: *channel* was named and this desk has no such adapter.
            CapabilityMissing: There are files, and the channel takes none, or the storage keeps none.
            LimitExceeded: The files are more, or larger, than the channel takes.
            NewerMessages: Others said something after *seen_version*; the error has what.
        """
        kind = MessageKind(kind)
        command = cm.Reply(
            actor=as_actor(actor),
            body=self._words(body, "body"),
            kind=kind,
            channel=as_optional_name(channel, "channel") if kind is MessageKind.CALL else self._sender(channel),
            message=self._new_id(),
        )
        return enclosing.answer(
            self._runner, self._channels, as_ticket(ticket), command, files, self._options(how), seen_version
        )

    def ask(
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
        """Ask the customer something, in public, and wait for the answer; with *until*, go on by itself then.

        *files* and *seen_version* are as for `reply`.
        """
        command = cm.Ask(
            actor=as_actor(actor),
            body=self._words(body, "body"),
            channel=self._sender(channel),
            until=self._instant(until),
            message=self._new_id(),
        )
        return enclosing.answer(
            self._runner, self._channels, as_ticket(ticket), command, files, self._options(how), seen_version
        )

    def note(
        self, ticket: Ref | Ticket, body: str, *, actor: Actor | str, mentions: Iterable[str] = (), **how: Unpack[How]
    ) -> Ticket:
        """Write an internal note. Customers never see it."""
        command = cm.AddNote(
            actor=as_actor(actor),
            body=self._words(body, "note"),
            mentions=as_names(mentions, "mention"),
            note=self._new_id(),
        )
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    # -- states ------------------------------------------------------------------------------------------------------

    def start(self, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Take a new ticket up."""
        return self._runner.run(as_ticket(ticket), cm.Start(actor=as_actor(actor)), self._options(how))

    def hold(
        self,
        ticket: Ref | Ticket,
        text: str = "",
        *,
        actor: Actor | str,
        until: When | dt.timedelta | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Wait for a vendor or another department; with *until*, go on by itself then."""
        command = cm.Hold(actor=as_actor(actor), text=self._text(text, "text"), until=self._instant(until))
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def resume(self, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Go on with a ticket that waited."""
        return self._runner.run(as_ticket(ticket), cm.Resume(actor=as_actor(actor)), self._options(how))

    def resolve(
        self,
        ticket: Ref | Ticket,
        text: str,
        *,
        actor: Actor | str,
        reason: ClosingReason | str = ClosingReason.SOLVED,
        **how: Unpack[How],
    ) -> Ticket:
        """Say that the matter is dealt with, and how."""
        command = cm.Resolve(actor=as_actor(actor), text=self._text(text, "resolution"), reason=ClosingReason(reason))
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def reopen(self, ticket: Ref | Ticket, text: str = "", *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Take a finished ticket up again."""
        command = cm.Reopen(actor=as_actor(actor), text=self._text(text, "text"))
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def end(
        self, ticket: Ref | Ticket, *, actor: Actor | str, reason: ClosingReason | str | None = None, **how: Unpack[How]
    ) -> Ticket:
        """Close a ticket, not the desk; one that was not resolved needs a *reason*."""
        command = cm.Close(actor=as_actor(actor), reason=None if reason is None else ClosingReason(reason))
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def fire(
        self,
        ticket: Ref | Ticket,
        trigger: str,
        *,
        actor: Actor | str,
        reason: ClosingReason | str | None = None,
        until: When | dt.timedelta | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Fire any trigger of the lifecycle by its name; for own lifecycles."""
        command = cm.Fire(
            actor=as_actor(actor),
            trigger=trigger,
            reason=None if reason is None else ClosingReason(reason),
            until=self._instant(until),
        )
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    # -- who and what ------------------------------------------------------------------------------------------------

    def assign(
        self,
        ticket: Ref | Ticket,
        *,
        actor: Actor | str,
        assignee: str | cm.Keep | None = cm.KEEP,
        team: str | cm.Keep | None = cm.KEEP,
        **how: Unpack[How],
    ) -> Ticket:
        """Make a person or a team responsible; `None` means nobody, what is left out stays as it is."""
        command = cm.Assign(
            actor=as_actor(actor),
            team=team if isinstance(team, cm.Keep) else as_optional_name(team, "team"),
            assignee=assignee if isinstance(assignee, cm.Keep) else as_optional_name(assignee, "assignee"),
        )
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def move_tier(
        self,
        ticket: Ref | Ticket,
        tier: int,
        summary: str = "",
        *,
        actor: Actor | str,
        team: str | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Hand the ticket to another support line; *summary* is what the next person reads first."""
        if isinstance(tier, bool) or not isinstance(tier, int):
            raise TypeError(f"tier must be a whole number, not a {type(tier).__name__}")
        command = cm.MoveTier(
            actor=as_actor(actor),
            tier=tier,
            team=as_optional_name(team, "team"),
            summary=self._text(summary, "summary"),
        )
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def escalate(
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
        """Hand the ticket to a higher line, with a hand-over that the next person reads first.

        Args:
            ticket: Which one.
            actor: Who hands it over.
            to: The level or the name of the line; by default the next one.
            handover: The answers to the checklist of that line (`summary`, `tried`, `asked`).
            team: The team that gets it; by default the first one of the line.
            assignee: The person who gets it.
            vendor: Whom to write to in a line that is another organisation; needed where it has several.
            message: What the vendor is told; by default the hand-over.

        Raises:
            Refused: A point of the checklist is missing, the policy forbids the move, or nobody can be written to.
        """
        return self._lines.escalate(
            as_ticket(ticket),
            to,
            as_fields(handover),
            as_actor(actor),
            team=as_optional_name(team, "team"),
            assignee=as_optional_name(assignee, "assignee"),
            vendor=as_optional_name(vendor, "vendor"),
            body=self._text(message, "message"),
            options=self._options(how),
        )

    def deescalate(
        self,
        ticket: Ref | Ticket,
        summary: str = "",
        *,
        actor: Actor | str,
        to: int | str | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Bring the ticket back to the line, team and person that it came from, with all that was said.

        The work of vendors of the line that it leaves ends, and a ticket that waited for them is open again.

        Raises:
            Refused: There is no lower line, or the policy forbids to come down.
        """
        words = self._text(summary, "summary")
        return self._lines.deescalate(as_ticket(ticket), to, words, as_actor(actor), self._options(how))

    def set_priority(
        self, ticket: Ref | Ticket, priority: Priority | str | int, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Give the ticket another priority."""
        command = cm.SetPriority(actor=as_actor(actor), priority=Priority.parse(priority))
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def set_subject(self, ticket: Ref | Ticket, subject: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Give the ticket another subject."""
        command = cm.SetSubject(actor=as_actor(actor), subject=self._text(subject, "subject"))
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def set_customer(
        self, ticket: Ref | Ticket, customer: str | Customer | None, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Say whose ticket it is.

        Raises:
            NotFound: There is no such customer.
        """
        customer = as_customer(customer)
        if customer is not None:
            with self._runner.reading() as unit:
                found = person(unit, customer)
            if found is None:
                raise NotFound("customer", customer)
            customer = found.id
        return self._runner.run(
            as_ticket(ticket), cm.SetCustomer(actor=as_actor(actor), customer=customer), self._options(how)
        )

    def set_fields(
        self, ticket: Ref | Ticket, changes: Mapping[str, FieldValue], *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Set custom fields; a value of `None` removes one."""
        command = cm.SetFields(actor=as_actor(actor), changes=as_fields(changes))
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def tag(
        self, ticket: Ref | Ticket, *add: str, remove: Iterable[str] = (), actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Add and remove tags."""
        command = cm.Tag(actor=as_actor(actor), add=as_tags(add), remove=as_tags(remove))
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def followers(
        self, ticket: Ref | Ticket, *add: str, remove: Iterable[str] = (), actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Add and remove people who follow the ticket."""
        command = cm.Follow(actor=as_actor(actor), add=as_names(add, "follower"), remove=as_names(remove, "follower"))
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    # -- the work queue ----------------------------------------------------------------------------------------------

    def queue(
        self, *, team: str | None = None, agent: str | None = None, tier: int | None = None, limit: int = 50
    ) -> Sequence[Queued]:
        """Return what waits for somebody, first what is due first; of equals the higher priority, then the older one.

        A ticket is due at the earliest of its deadlines that run. Where none does it is due a day after it came into
        its state, so that nothing waits for ever. What waits for customers and vendors is not in the queue, except for
        promises and periodic updates.

        Args:
            team: Only that of one team.
            agent: Only what suits one agent, and what he has already.
            tier: Only that of one support line.
            limit: At most so many, 1 to 500.

        Raises:
            NotFound: The desk has agents, and *agent* is none of them.
            CapabilityMissing: The storage has no work queue.
        """
        check_limit(limit, MAX_PAGE)
        return queue(self._runner, team=team, agent=agent, tier=tier, limit=limit)

    def next(
        self,
        agent: str,
        *,
        actor: Actor | str | None = None,
        team: str | None = None,
        tier: int | None = None,
        **how: Unpack[How],
    ) -> Ticket | None:
        """Give an agent the first ticket of the queue that suits him and that nobody has, and return it.

        Two agents never get the same ticket. Suitable is what his team, support line, skills, languages and capacity
        allow; a desk that knows no agents lets anybody take anything.

        Args:
            agent: His id.
            actor: Who asks; the agent by default.
            team: Only of this team.
            tier: Only of this support line.

        Returns:
            The ticket, assigned; `None` where nothing suits him.

        Raises:
            NotFound: The desk has agents, and *agent* is none of them.
            CapabilityMissing: The storage has no work queue.
        """
        agent = as_name(agent, "agent")
        asking = Actor(ActorKind.AGENT, agent) if actor is None else as_actor(actor)
        return take_next(
            self._runner,
            agent,
            asking,
            self._options(how),
            team=as_optional_name(team, "team"),
            tier=tier,
        )

    def candidates(self, ticket: Ref | Ticket) -> Choice:
        """Return who could take a ticket now, the best one first with the reasons, and why the others could not.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        with self._runner.reading() as unit:
            self._runner.refresh(unit)
            found = find(unit, as_ticket(ticket))
            return self._runner.dispatcher.choose(unit, found, self._runner.rules.promises, self.now())

    # -- promises ----------------------------------------------------------------------------------------------------

    def promise(
        self, ticket: Ref | Ticket, text: str, due: When | dt.timedelta, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Promise the customer something by an instant, or within so much open time; see `desk.promises`."""
        return self.promises.make(ticket, text, due, actor=actor, **how)

    def set_due(
        self, ticket: Ref | Ticket, metric: Metric | str, due: When | None, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Set a due for one metric of a ticket beside the policy's own; `None` takes it back.

        It knows no pauses and replaces nothing: the clock gets a second due and a second verdict. Where the ticket has
        no clock of that metric nothing waits for it.
        """
        command = cm.SetDue(
            actor=as_actor(actor), metric=as_metric(metric), due=None if due is None else to_utc(due, "due")
        )
        return self._runner.run(as_ticket(ticket), command, self._options(how))

    def apply_policy(self, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Look anew which policy holds for a ticket as it is now: its tags or fields, or the levels, have changed.

        What is used stays used; what was missed stays missed.
        """
        return self._runner.run(as_ticket(ticket), cm.ApplyPolicy(actor=as_actor(actor)), self._options(how))

    def set_levels(self, levels: Levels, *, retroactive: bool = False) -> ServiceLevels:
        """Promise something else from now on, and record it.

        Tickets keep the policy that was applied to them until `apply_policy`. Where a calendar changed, time before is
        measured with the old revision and time after it with the new one; with *retroactive* clocks that run are
        measured anew from their start.

        Raises:
            InvalidPolicy: A policy is malformed.
            InvalidCalendar: A calendar is malformed.
        """
        self._runner.outside("set_levels")
        return promising.replace(self._runner, promising.as_levels(levels), retroactive=retroactive)

    def clocks(self, ticket: Ref | Ticket, at: When | None = None) -> ClockSet:
        """Return the clocks of a ticket as they stand now, or as they stood at an instant.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        now = self.now() if at is None else to_utc(at, "at")
        with self._runner.reading() as unit:
            self._runner.refresh(unit)
            return clocking.clock_set(self._runner, unit, find(unit, as_ticket(ticket)), now)

    def explain(self, ticket: Ref | Ticket, at: When | None = None) -> tuple[clocking.Explained, ...]:
        """Return each clock of a ticket with the stretches of its time: counted, closed, holiday, paused, halted."""
        return clocking.explained(self.clocks(ticket, at))

    def what_if(
        self,
        levels: Levels | Sequence[Levels],
        *,
        since: When | None = None,
        until: When | None = None,
        limit: int = 1000,
        progress: Callable[[int, int], None] | None = None,
    ) -> Comparison:
        """Tell how the tickets of a window would have gone under other service levels; nothing is written.

        Args:
            levels: What would have been promised; several to hold against the present ones side by side.
            since: The first instant of creation of the tickets that are looked at; all by default.
            until: The first instant of creation that no longer is.
            limit: How many tickets that change are listed by name; all are counted.
            progress: Called after each ticket with how many are done and how many there are.

        Returns:
            Attainments as they were promised (`base`) and for each of *levels* (`trials`), and what changes.

        Raises:
            InvalidPolicy: A policy is malformed.
            InvalidCalendar: A calendar is malformed.
        """
        several = [levels] if isinstance(levels, ServiceLevels | Mapping) else list(levels)
        return clocking.what_if(
            self._runner,
            [promising.as_levels(one) for one in several],
            since=None if since is None else to_utc(since, "since"),
            until=None if until is None else to_utc(until, "until"),
            at=self.now(),
            limit=limit,
            progress=progress,
        )

    # -- two tickets -------------------------------------------------------------------------------------------------

    def merge(self, ticket: Ref | Ticket, into: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """End *ticket* in *into* (or in what that was merged into) and return the survivor.

        Raises:
            Refused: They are one already, or a circle would arise.
        """
        target = as_ticket(into)
        command = cm.Merge(actor=as_actor(actor), into=str(target))
        return self._two(
            command,
            how,
            pairing.merging(self._runner, as_ticket(ticket), target, self._options(how)),
            as_ticket(ticket),
        )

    def unmerge(self, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Take a merged ticket out of its survivor again, as it was, and return it."""
        command = cm.Unmerge(actor=as_actor(actor))
        return self._two(
            command, how, pairing.unmerging(self._runner, as_ticket(ticket), self._options(how)), as_ticket(ticket)
        )

    def link(
        self, ticket: Ref | Ticket, kind: LinkKind | str, other: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Say that *ticket* is *kind* of *other* (`link(a, "child", b)`: a is a child of b); b gets the inverse."""
        command = cm.AddLink(actor=as_actor(actor), kind=LinkKind(kind), other=str(as_ticket(other)))
        prepare = pairing.linking(self._runner, as_ticket(ticket), command, as_ticket(other), self._options(how))
        return self._two(command, how, prepare, as_ticket(ticket))

    def unlink(
        self, ticket: Ref | Ticket, kind: LinkKind | str, other: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Take a link away, at both ends."""
        command = cm.RemoveLink(actor=as_actor(actor), kind=LinkKind(kind), other=str(as_ticket(other)))
        prepare = pairing.linking(self._runner, as_ticket(ticket), command, as_ticket(other), self._options(how))
        return self._two(command, how, prepare, as_ticket(ticket))

    def split(
        self, ticket: Ref | Ticket, messages: Sequence[str], subject: str, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Move some messages of a ticket into a new one, linked to it, and return the new ticket.

        Raises:
            NotFound: A message does not lie in this ticket.
        """
        command = cm.Split(
            actor=as_actor(actor),
            subject=self._text(subject, "subject"),
            messages=tuple(dict.fromkeys(messages)),
            ticket=self._new_id(),
            reference=self._runner.ids.reference(),
        )
        return self._two(
            command,
            how,
            pairing.splitting(self._runner, as_ticket(ticket), command, self._options(how)),
            as_ticket(ticket),
        )

    def _two(self, command: cm.PairCommand, how: How, prepare: Prepare, subject: Ref) -> Ticket:
        return self._runner.carry_out(command, self._options(how), prepare, subject=subject)

    # -- reading -----------------------------------------------------------------------------------------------------

    def get(self, ticket: Ref | Ticket) -> Ticket:
        """Return a ticket by its id or its number.

        Raises:
            TicketNotFound: There is none in this tenant.
        """
        with self._runner.reading() as unit:
            return find(unit, as_ticket(ticket))

    def find(self, query: TicketQuery | None = None, **criteria: Any) -> Page[Ticket]:
        """Return a page of tickets that meet all criteria of *query*, or of keywords named like its attributes."""
        if query is not None and criteria:
            raise TypeError("give either a query or criteria, not both")
        query = query or TicketQuery(**criteria)
        known = [state.name for state in self.lifecycle.states]
        for state in query.states:
            if state not in known:
                raise ValueError(f"there is no state {state!r:.40} in this lifecycle; there are: {', '.join(known)}")
        with self._runner.reading() as unit:
            return unit.find(query)

    def history(self, ticket: Ref | Ticket) -> Sequence[Recorded]:
        """Return the whole log of a ticket, in order."""
        with self._runner.reading() as unit:
            return unit.history(find(unit, as_ticket(ticket)).id)

    def messages(self, ticket: Ref | Ticket) -> Sequence[Message]:
        """Return the public messages of a ticket and of the tickets merged into it, by time."""
        with self._runner.reading() as unit:
            return unit.messages(pairing.family(unit, find(unit, as_ticket(ticket))))

    def notes(self, ticket: Ref | Ticket) -> Sequence[Note]:
        """Return the internal notes of a ticket and of the tickets merged into it, by time."""
        with self._runner.reading() as unit:
            return unit.notes(pairing.family(unit, find(unit, as_ticket(ticket))))

    def counts(self) -> dict[tuple[str, int], int]:
        """Return the number of tickets by (state, tier)."""
        with self._runner.reading() as unit:
            return unit.counts()

    def follow(self, name: str, *, batch: int = 100) -> Iterator[Recorded]:
        """Yield the events that the follower *name* has not seen, in the order of commits, and remember how far it got.

        At least once: an event counts as seen when the next one is asked for. The iterator ends where the log ends
        now; call again for what comes later.
        """
        self._runner.outside("follow")
        name = as_name(name, "name of a follower")
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

    def tick(
        self, now: When | None = None, *, limit: int = 500, stop: Callable[[], bool] | None = None
    ) -> timers.TickReport:
        """Fire the deadlines that are due, at most *limit*; safe from any number of threads and processes at once.

        *stop* is asked before each deadline: when it says yes, nothing more is begun, and what was claimed is given
        back, so that the next worker can have it at once.
        """
        self._runner.outside("tick")
        check_limit(limit, MAX_BATCH)
        at = self._runner.clock.now() if now is None else to_utc(now, "now")
        return timers.tick(self._runner, at, limit=limit, stop=stop)

    def deliver_outbox(
        self,
        limit: int = 50,
        *,
        lease: dt.timedelta = dt.timedelta(seconds=60),
        stop: Callable[[], bool] | None = None,
    ) -> delivery.DeliveryReport:
        """Hand queued answers to their channels, at most *limit*; safe from any number of workers at once.

        Answers that go out by a channel which this desk does not have are left for a worker that has it.

        *stop* is asked before each delivery: when it says yes, no other one is claimed.
        """
        self._runner.outside("deliver_outbox")
        if limit < 1 or lease <= dt.timedelta(0):
            raise ValueError(f"limit and lease must be positive, not {limit} and {lease}")
        return delivery.deliver(self._runner, self._channels, limit=limit, lease=lease, stop=stop)

    def receive(self, channel: str, payload: Payload) -> Answer:
        """Take a delivery of a channel's provider and return what the web request is to be answered with.

        It is checked, stored raw and answered; `process_inbox` reads it. A repeated delivery gets the same answer.

        Args:
            channel: The name of the adapter.
            payload: The request: its bytes, headers, method, query and the public address.

        Returns:
            200 when it is stored, also where it was before; 401 for a wrong signature and 500 where no secret is
            configured, with one text for all; 405 and 413 for a method or a size that cannot be; 503 when the
            database is away, so that the provider tries again.

        Raises:
            UnknownChannel: The desk has no such channel.
            CapabilityMissing: The channel only sends, or the storage keeps no deliveries.
        """
        return receiving.receive(self._runner, self._channels, channel, payload)

    def process_inbox(
        self,
        limit: int = 100,
        *,
        lease: dt.timedelta = dt.timedelta(seconds=60),
        stop: Callable[[], bool] | None = None,
    ) -> receiving.InboxReport:
        """Fetch from channels that are polled and read up to *limit* stored deliveries; each has its effect once.

        What cannot be read or routed goes to `desk.quarantine`, and the others go on. *stop* is asked before each
        delivery: when it says yes, no other one is claimed.
        """
        self._runner.outside("process_inbox")
        if limit < 1 or lease <= dt.timedelta(0):
            raise ValueError(f"limit and lease must be positive, not {limit} and {lease}")
        return receiving.process_inbox(self._intake, self._channels, limit=limit, lease=lease, stop=stop)

    def file(self, file: str) -> StoredFile:
        """Return the content of an attachment; its name and type are the sender's words, so serve it as a download.

        Raises:
            NotFound: There is none with this id in this tenant.
        """
        if not self._runner.storage.capabilities.receives:
            raise NotFound("file", file)
        with self._runner.reading() as unit:
            found = cast("ReceivingUnit", unit).file(file)
        if found is None:
            raise NotFound("file", file)
        return found

    def original(self, message: str) -> Original:
        """Return what a message from outside brought besides its text: cleaned HTML, details, where answers go.

        Raises:
            NotFound: The message brought nothing else, or there is none with this id.
        """
        return original_of(self._runner, message)

    def switch_channel(
        self, ticket: Ref | Ticket, to: str, *, actor: Actor | str, address: str | None = None, **how: Unpack[How]
    ) -> Ticket:
        """Let the conversation go on by another channel; history, person, support line and clocks stay as they are.

        Args:
            ticket: Which ticket.
            to: The name of the channel.
            actor: Who switches.
            address: Where on it; by default the customer's address of its kind.

        Raises:
            UnknownChannel: The desk has no such channel.
            Refused: There is no address, or the customer did not give or prove this one; the text names what is
                possible.
            CapabilityMissing: The channel does not send, or may not begin.
        """
        return switching.switch(
            self._intake, self._channels, as_ticket(ticket), to, as_actor(actor), address, self._options(how)
        )

    def answer_in_public(
        self, ticket: Ref | Ticket, text: str | None = None, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Answer where everybody reads it: the post or comment that a ticket began with.

        An agent's answer is a response and starts a new ticket; one of a bot or of the system is neither, and a thread
        gets one of these at most. Neither resolves. After the end one closing line may be sent.

        Args:
            ticket: Which ticket.
            text: What to say; by default the desk's text `public_answer` (own, of a plug-in, or shipped) in the
                ticket's language: an apology, thanks, and where to go on. At most 280 characters, or what the channel
                takes.
            actor: Who answers.

        Raises:
            Refused: The ticket has no public leg, the text is too long or says what must not be public (mail
                addresses, phones, numbers of orders and tickets, references, amounts, names beyond the public handle,
                links of a desk; the sentence names what it found), or there was an answer that may be only one.
        """
        words = None if text is None else self._words(text, "text")
        return publicly.answer(
            self._intake, self._channels, as_ticket(ticket), words, as_actor(actor), self._options(how), self._in_public
        )

    def move_to_private(
        self, ticket: Ref | Ticket, *, actor: Actor | str, to: str | None = None, **how: Unpack[How]
    ) -> publicly.MovedToPrivate:
        """Go on in private with a ticket that began in public; it stays the same ticket.

        By default on the best private way there is (`legs`): a direct message, or another channel on which the customer
        gave an address. Where there is none the result has a continuation link to hand to the customer.

        Args:
            ticket: Which ticket.
            actor: Who moves it.
            to: The name of a private channel.

        Raises:
            UnknownChannel: The desk has no such channel.
            Refused: *to* is public, or the customer cannot be reached there.
            CapabilityMissing: The channel does not send, or may not begin.
        """
        return publicly.move_to_private(
            self._intake, self._channels, as_ticket(ticket), to, as_actor(actor), self._options(how)
        )

    def continuation_link(
        self,
        ticket: Ref | Ticket,
        *,
        valid_for: dt.timedelta = continuing.VALID_FOR,
        url: str | None = None,
    ) -> continuing.ContinuationLink:
        """Return a signed link with which the customer goes on with a ticket on another channel.

        A message that comes with its token joins the ticket, until the link expires, and only for the one who used it
        first. It lets somebody add to the ticket; it shows nothing of it.

        Args:
            ticket: Which ticket; of a merged one the survivor.
            valid_for: How long, a minute to 30 days.
            url: A page of yours that hands the token in; the link gets it as `ticket=`.

        Raises:
            TicketNotFound: There is no such ticket.
            ValueError: *valid_for* or *url* cannot be.
        """
        return continuing.make_link(self._runner, self._intake.keys(), as_ticket(ticket), valid_for, url)

    def revoke_tokens(self, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Let nothing that was signed for a ticket so far open a way to it any more, and return the ticket.

        For when a mail of ours has come into wrong hands: ids of our mails, answer addresses, subject tags and
        continuation links count as absent from now on; what goes out afterwards is signed anew. Who takes part may
        still answer a mail that is his own. Of a merged ticket the survivor and all that was merged with it.

        Raises:
            TicketNotFound: There is no such ticket.
            LimitExceeded: That was done 63 times.
        """
        return revoking.revoke(self._runner, as_ticket(ticket), as_actor(actor), self._options(how))

    def legs(self, ticket: Ref | Ticket) -> Sequence[LegState]:
        """Return the ways to the customer of a ticket, the current one first, then those that could begin.

        Where the current one is dead, closed or opted out, the best other one is marked as proposed.

        Raises:
            TicketNotFound: There is no such ticket.
            CapabilityMissing: The storage keeps no conversations.
        """
        return legs_of(self._runner, self._channels, as_ticket(ticket))

    def suggestions(self, ticket: Ref | Ticket) -> Sequence[Suggestion]:
        """Return other tickets and customers that seem to belong to a ticket, by proved addresses alone.

        Raises:
            TicketNotFound: There is no such ticket.
            CapabilityMissing: The storage keeps no conversations.
        """
        return suggestions_for(self._runner, as_ticket(ticket))

    def purge(
        self, now: When | None = None, *, limit: int = 500, stop: Callable[[], bool] | None = None
    ) -> PurgeReport:
        """Delete what is older than this desk keeps it: at most *limit* idempotency keys, deliveries and tickets each.

        Safe from any number of threads and processes at once. A ticket goes with its words, its log and all its rows in
        one transaction, together with the tickets that were merged into it; of tickets that stay, the links to it are
        taken away, and their logs say so. *stop* is asked before each step.

        Raises:
            ValueError: *now* lies in the future: what is deleted cannot be brought back.
        """
        self._runner.outside("purge")
        check_limit(limit, MAX_BATCH)
        clock = self._runner.clock.now()
        at = clock if now is None else to_utc(now, "now")
        if at > clock + AHEAD:
            raise ValueError(f"now={at.isoformat()} lies in the future: nothing is deleted before its time")
        return purge(self._runner, self._keeping, at, limit=limit, stop=stop)

    def export(
        self, target: str | Path | IO[bytes], *, progress: Callable[[int, int], object] | None = None
    ) -> ArchiveReport:
        """Write everything that this desk has to *target*, as JSON lines: a path, or a file open for writing bytes.

        It is one state of the desk, however many write meanwhile. The file holds every word of every customer.
        *progress* is told how many rows were written, and of how many.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        self._runner.outside("export")
        return export(self._runner, target, progress=progress)

    def import_(
        self, source: str | Path | IO[bytes], *, progress: Callable[[int, int], object] | None = None
    ) -> ArchiveReport:
        """Bring everything that `export` wrote into this desk, whose tenant has nothing yet: all of it or nothing.

        The ids and numbers stay, the tenant is this desk's. Followers go on where they stood.

        Raises:
            InvalidArchive: The file was cut, changed or made up; the error names the line.
            DeskNotEmpty: The tenant has rows already.
            ConfigurationError: The file cannot be read.
        """
        self._runner.outside("import_")
        return import_desk(self._runner, source, progress=progress)

    @contextmanager
    def transaction(self) -> Iterator[Desk]:
        """Yield a desk whose commands are one transaction: all of them are kept, or none.

        Observers are told after the commit. Do not use the outer desk for writing inside the block.
        """
        with self._runner.sharing() as runner:
            yield self._inside(runner)

    @contextmanager
    def joined(self, connection: object) -> Iterator[Desk]:
        """Yield a desk that works inside the transaction which the app has open on *connection*.

        Commit and rollback are the app's: a ticket is there exactly if the app's own rows of that transaction are. Each
        verb is a savepoint, so after an error (`Refused`, `ConcurrentUpdate`) the app may go on. Reading sees what the
        transaction has written. Followers see it after the commit; observers are told by `announce()` or not at all.

        Args:
            connection: A SQLAlchemy `Connection` (`session.connection()`), or one of the driver: `sqlite3`, psycopg 3
                or PyMySQL (`django.db.connection.connection`). It must lead to the database of this desk.

        Raises:
            CannotJoin: It is closed, has no open transaction, or leads to another database.
            CapabilityMissing: The storage cannot join.
        """
        with self._runner.joining(connection) as runner:
            yield self._inside(runner)

    def announce(self) -> int:
        """Tell observers what was written in the block of `joined()` that gave this desk, after the app's commit.

        Only what is found in the database is told, so after a rollback it tells nothing.

        Returns:
            How many events were told; each is told once.

        Raises:
            StorageError: The desk is another one, or the block has not ended.
        """
        return self._runner.announce()

    def _inside(self, runner: Runner) -> Desk:
        inside = object.__new__(Desk)
        inside._runner = runner
        inside._channels = self._channels
        inside._in_public = self._in_public
        inside._keeping = self._keeping
        inside._intake = attrs.evolve(self._intake, runner=runner)
        inside._owns_storage = False
        return inside

    def channel_states(self) -> Sequence[checks.ChannelState]:
        """Return what waits on each channel, how much lies in quarantine, and where polling goes on, by name."""
        return checks.channel_states(self._runner, self._channels)

    def check(self, *, deep: bool = False) -> Sequence[Finding]:
        """Look at the database, its settings, the plug-ins, the channels and what waits; with *deep* fold every log."""
        return checks.check(self._runner, self._channels, deep=deep)

    # -- small things ------------------------------------------------------------------------------------------------

    def _new_id(self) -> str:
        return self._runner.new_id(self._runner.clock.now())

    def _options(self, how: How) -> Options:
        options = as_options(how)
        if options.at is not None and options.at > self._runner.clock.now() + AHEAD:
            raise ValueError(
                f"at={options.at.isoformat()} lies in the future: what has not happened cannot be recorded"
            )
        return options

    def _text(self, text: str, name: str) -> str:
        return as_text(text, name, self._runner.rules.limits.text_bytes)

    def _words(self, text: str, name: str) -> str:
        return as_words(text, name, self._runner.rules.limits.text_bytes)

    def _sender(self, channel: str | None) -> str | None:
        if channel is not None and channel not in self._runner.rules.sends:
            raise UnknownChannel(channel, sorted(self._runner.rules.sends))
        return channel

    def _instant(self, until: When | dt.timedelta | None) -> dt.datetime | None:
        if isinstance(until, dt.timedelta):
            try:
                return self._runner.clock.now() + until
            except OverflowError:
                raise ValueError(f"until={until} lies beyond the calendar") from None
        return None if until is None else to_utc(until, "until")


def _table(given: EscalationRules | Mapping[str, Any] | None) -> Table | None:
    rules = given if isinstance(given, EscalationRules) or given is None else EscalationRules.from_dict(given)
    return None if rules is None or not rules.rules else Table.of(rules)


def _regulation(given: Duties | Mapping[str, Any] | None) -> Duties | None:
    return given if isinstance(given, Duties) or given is None else Duties.from_dict(given)


def _compiled(given: Lifecycle | LifecycleSpec | None) -> Lifecycle:
    if given is None:
        return built_in()
    return given if isinstance(given, Lifecycle) else Lifecycle.compile(given)
