"""The one way in which a command becomes history: load, decide, save, tell; again after a race.

`Desk` puts words around it; nothing else in the library writes tickets.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from supportkit.clock import Clock, to_us
from supportkit.engine.decide import decide, needs_follow_up, refuse
from supportkit.engine.effects import Effects, effects
from supportkit.engine.evolve import evolve, fold
from supportkit.engine.rules import Rules
from supportkit.errors import (
    ConcurrentUpdate,
    IdempotencyConflict,
    NotFound,
    PluginError,
    Refused,
    StorageCorrupt,
    StorageError,
    TicketNotFound,
    WorkflowError,
)
from supportkit.hooks.manager import Hooks
from supportkit.ids import IdSource
from supportkit.model import commands as cm
from supportkit.model.change import Change, Receipt, TicketChange
from supportkit.model.events import Event, Linked, Recorded
from supportkit.model.people import SYSTEM, Actor, ActorKind, Customer
from supportkit.model.ticket import Link, LinkKind, Ticket
from supportkit.storage.codec import codec_of, dumps
from supportkit.storage.port import Storage, UnitOfWork

TRIES = 5
_MADE: dict[type[Any], tuple[str, ...]] = {}


@attrs.frozen(kw_only=True)
class Options:
    """What every verb takes besides its own arguments."""

    key: str | None = None
    expected_version: int | None = None
    at: dt.datetime | None = None


PLAIN = Options()
Ref = str | int
Told = tuple[tuple[tuple[Recorded, ...], Ticket], ...]


@attrs.define
class Shared:
    """A transaction of several commands: what to tell after the commit, and whether it may still be committed."""

    unit: UnitOfWork
    told: list[tuple[tuple[Recorded, ...], Ticket]] = attrs.field(factory=list)
    broken: bool = False


@attrs.define
class Draft:
    """What one command is about to write."""

    now: dt.datetime
    at: dt.datetime
    command_id: str
    command: cm.Command | cm.PairCommand
    rules: Rules
    changes: list[TicketChange] = attrs.field(factory=list)
    rows: Effects = attrs.field(factory=Effects)
    moved: tuple[tuple[str, str], ...] = ()

    def add(self, tenant: str, before: Ticket | None, ticket_id: str, events: Iterable[Event]) -> Ticket | None:
        """Record *events* on a ticket; return the ticket after them."""
        after, log = before, []
        seq = 0 if before is None else before.version
        for event in events:
            seq += 1
            recorded = Recorded(
                tenant=tenant,
                ticket=ticket_id,
                seq=seq,
                occurred_at=self.at,
                recorded_at=self.now,
                actor=self.command.actor,
                event=event,
                command=self.command_id,
            )
            after = evolve(after, recorded)
            log.append(recorded)
        if log and after is not None:
            entries = tuple(log)
            self.changes.append(TicketChange(before=before, ticket=after, events=entries))
            effects(before, after, self.command, entries, self.rules, self.rows)
        return after

    def join(self) -> None:
        """Make one change of all changes of one ticket, so that several commands write its row once."""
        joined: dict[str, TicketChange] = {}
        for change in self.changes:
            first = joined.get(change.ticket.id)
            joined[change.ticket.id] = (
                change
                if first is None
                else TicketChange(before=first.before, ticket=change.ticket, events=first.events + change.events)
            )
        self.changes = list(joined.values())

    def change(self, receipt: Receipt | None) -> Change:
        """Return everything as one change."""
        rows = self.rows
        return Change(
            tickets=tuple(self.changes),
            messages=tuple(rows.messages),
            notes=tuple(rows.notes),
            moved=self.moved,
            outbox=tuple(rows.outbox),
            timers=tuple(rows.timers),
            receipt=receipt,
        )


Prepare = Callable[[UnitOfWork, Draft], Ticket]
"""Puts the events of one command into a draft and returns the ticket that the verb returns."""


@attrs.frozen
class Runner:
    """Carries out commands for one tenant; frozen, shared by a desk and the desks inside its transactions."""

    tenant: str
    storage: Storage
    hooks: Hooks
    rules: Rules
    clock: Clock
    ids: IdSource
    shared: Shared | None = None

    # -- verbs about one ticket --------------------------------------------------------------------------------------

    def run(self, ref: Ref, command: cm.Command, options: Options = PLAIN, *, follow_merges: bool = False) -> Ticket:
        """Carry out a command on the ticket *ref*; with *follow_merges* on the survivor if it was merged.

        Raises:
            TicketNotFound: There is no such ticket.
            IllegalTransition: The state does not allow it.
            Refused: A rule, a guard or a plug-in says no.
            ConcurrentUpdate: Five races were lost, or the ticket is not at `expected_version`.
            IdempotencyConflict: The key stands for something else.
        """

        def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
            ticket = survivor(unit, ref) if follow_merges else find(unit, ref)
            _expect(ticket, options)
            events = decide(ticket, command, draft.at, self.rules, _linked(unit, ticket, command))
            if events:
                self.ask_plugins(ticket, command)
            return draft.add(self.tenant, ticket, ticket.id, events) or ticket

        return self.carry_out(command, options, prepare, subject=ref)

    def receive(self, ref: Ref, command: cm.Receive, options: Options = PLAIN) -> Ticket:
        """Record a message that came in: on the ticket, on its survivor, or on a follow-up after a long silence."""

        def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
            ticket = survivor(unit, ref)
            _expect(ticket, options)
            heard = _from_customer(command, ticket)
            if needs_follow_up(ticket, heard, draft.at, self.rules):
                return self._opened(unit, draft, _follow_up(ticket, heard), guarded=False)
            draft.command = heard
            return draft.add(self.tenant, ticket, ticket.id, decide(ticket, heard, draft.at, self.rules)) or ticket

        return self.carry_out(command, options, prepare, subject=ref)

    def open(self, command: cm.Open, options: Options = PLAIN) -> Ticket:
        """Open a ticket; the links of the command get their other end in the same commit."""
        return self.carry_out(command, options, lambda unit, draft: self._opened(unit, draft, command), subject=None)

    def _opened(self, unit: UnitOfWork, draft: Draft, command: cm.Open, *, guarded: bool = True) -> Ticket:
        """Draft the opening of a ticket; plug-ins may object, but not to a message that came in.

        Raises:
            NotFound: There is no such customer or linked ticket.
        """
        others = {link.ticket: find(unit, link.ticket) for link in command.links}
        customer = None
        if command.customer is not None:
            customer = unit.customer(command.customer)
            if customer is None:
                raise NotFound("customer", command.customer)
        command = self._classified(_spoken(command, customer), customer)
        if guarded:
            self.ask_plugins(None, command)
        command = attrs.evolve(command, number=unit.reserve_number())
        draft.command = command
        opened = draft.add(self.tenant, None, command.ticket, decide(None, command, draft.at, self.rules))
        for other in others.values():
            ends = [
                Linked(kind=link.kind.inverse, ticket=command.ticket)
                for link in command.links
                if link.ticket == other.id
            ]
            draft.add(self.tenant, other, other.id, ends)
        if opened is None:
            raise StorageCorrupt("a ticket was opened without an event")
        return opened

    def _classified(self, command: cm.Open, customer: Customer | None) -> cm.Open:
        if not self.hooks.classifies:
            return command
        answer = self.hooks.classify(command, customer)
        if answer is None:
            return command
        return attrs.evolve(
            command,
            priority=answer.priority or command.priority,
            team=answer.team or command.team,
            tags=(*command.tags, *answer.tags),
        )

    def ask_plugins(self, ticket: Ticket | None, command: cm.Command | cm.PairCommand) -> None:
        """Let plug-ins object; never to a message that comes in, which is recorded whatever they say."""
        if not self.hooks.guards or isinstance(command, cm.Receive):
            return
        refusal = self.hooks.refuse(ticket, command)
        if refusal is not None:
            raise Refused(refusal)

    def run_many(
        self, ticket: Ticket | None, steps: Sequence[tuple[dt.datetime, cm.Command]], *, key: str, fingerprint: str
    ) -> Ticket:
        """Carry out several commands on one ticket as one, each at its own instant: all of them or none.

        Only inside a transaction; its caller has looked the key up.

        Args:
            ticket: The ticket as this transaction sees it; `None` if the first command opens it.
            steps: When and what. Without any only the key is recorded.
            key: The idempotency key of the whole.
            fingerprint: What the key stands for.

        Raises:
            WorkflowError: One of the commands is not allowed; nothing was written.
        """
        if self.shared is None:
            raise StorageError("several commands as one need a transaction: use `sharing()`")

        def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
            after = ticket
            for draft.at, command in steps:
                draft.command = command
                if isinstance(command, cm.Open):
                    after = self._opened(unit, draft, command)
                elif after is not None:
                    events = decide(after, command, draft.at, self.rules, _linked(unit, after, command))
                    if events:
                        self.ask_plugins(after, command)
                    after = draft.add(self.tenant, after, after.id, events)
            draft.join()
            if after is None:
                raise StorageError("several commands as one need a ticket, or `Open` first")
            return after

        blank = steps[0][1] if steps else cm.Tag(actor=SYSTEM)
        return self._in_transaction(self.shared, blank, Options(key=key), prepare, fingerprint)

    # -- the way of every command ------------------------------------------------------------------------------------

    def carry_out(
        self, command: cm.Command | cm.PairCommand, options: Options, prepare: Prepare, *, subject: Ref | None
    ) -> Ticket:
        """Run *prepare* and save what it drafted, again after a lost race; return its ticket."""
        if self.hooks.is_deciding:
            raise PluginError(
                self.hooks.deciding,
                "it called a verb of the desk from inside a decision hook; decide from the values you were given",
            )
        fingerprint = ""
        if options.key is not None:
            fingerprint = _fingerprint(command, self._id_of(subject) if isinstance(subject, int) else subject)
        if self.shared is not None:
            return self._in_shared(self.shared, command, options, prepare, fingerprint)
        for attempt in range(1, TRIES + 1):
            try:
                with self.storage.begin(self.tenant) as unit:
                    ticket, told = self._once(unit, command, options, prepare, fingerprint)
            except (WorkflowError, ConcurrentUpdate, NotFound) as error:
                first = self._first_result(options, command, fingerprint)
                if first is not None:
                    return first
                again = isinstance(error, ConcurrentUpdate) and options.expected_version is None and attempt < TRIES
                if not again:
                    raise
                continue
            self.tell(told)
            return ticket
        raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises

    def _in_shared(
        self,
        shared: Shared,
        command: cm.Command | cm.PairCommand,
        options: Options,
        prepare: Prepare,
        fingerprint: str,
    ) -> Ticket:
        """Carry out inside a transaction of several commands: keys are looked up first, nothing is repeated."""
        if options.key is not None:
            first = _repeat(shared.unit, options.key, command, fingerprint)
            if first is not None:
                return first
        return self._in_transaction(shared, command, options, prepare, fingerprint)

    def _in_transaction(
        self,
        shared: Shared,
        command: cm.Command | cm.PairCommand,
        options: Options,
        prepare: Prepare,
        fingerprint: str,
    ) -> Ticket:
        ticket, told = self._once(shared.unit, command, options, prepare, fingerprint)
        shared.told.extend(told)
        return ticket

    def _once(
        self,
        unit: UnitOfWork,
        command: cm.Command | cm.PairCommand,
        options: Options,
        prepare: Prepare,
        fingerprint: str,
    ) -> tuple[Ticket, Told]:
        now = self.clock.now()
        draft = self.draft(command, now, options.at or now)
        ticket = prepare(unit, draft)
        receipt = None
        if options.key is not None:
            receipt = Receipt(
                key=options.key,
                fingerprint=fingerprint,
                ticket=ticket.id,
                seq=ticket.version,
                outcome="applied" if draft.changes else "unchanged",
                created_at=now,
            )
        if draft.changes or receipt is not None:
            try:
                unit.save(draft.change(receipt))
            except BaseException:
                if self.shared is not None:  # half of it may be written: what was begun must not be committed
                    self.shared.broken = True
                raise
        return ticket, tuple((change.events, change.ticket) for change in draft.changes)

    def draft(self, command: cm.Command | cm.PairCommand, now: dt.datetime, at: dt.datetime) -> Draft:
        """Return an empty draft of *command*, recorded *now*, that happens *at*."""
        return Draft(now=now, at=at, command_id=self.new_id(now), command=command, rules=self.rules)

    def new_id(self, now: dt.datetime) -> str:
        """Return a new id for something made *now*."""
        return self.ids.new_id(to_us(now))

    def _id_of(self, number: int) -> Ref:
        """Return the id of a ticket, so that a key means the same whether the ticket is named by number or id."""
        with self.reading() as unit:
            ticket = unit.by_number(number)
        return number if ticket is None else ticket.id

    def _first_result(self, options: Options, command: cm.Command | cm.PairCommand, fingerprint: str) -> Ticket | None:
        """Return the first result of a repeated command, if this is one."""
        if options.key is None:
            return None
        with self.storage.begin(self.tenant, write=False) as unit:
            return _repeat(unit, options.key, command, fingerprint)

    def tell(self, told: Told | list[tuple[tuple[Recorded, ...], Ticket]]) -> None:
        """Tell observers what was committed."""
        if self.hooks.observes:
            for log, ticket in told:
                for recorded in log:
                    self.hooks.event_recorded(recorded, ticket)

    # -- transactions of several commands ----------------------------------------------------------------------------

    @contextmanager
    def sharing(self) -> Iterator[Runner]:
        """Open one transaction for several commands; observers are told after its commit."""
        if self.shared is not None:
            raise StorageError("a transaction of this desk is open already: one cannot hold another")
        with self.storage.begin(self.tenant) as unit:
            shared = Shared(unit)
            yield attrs.evolve(self, shared=shared)
            if shared.broken:
                raise StorageError("a command in this transaction failed while it was written: nothing was kept")
        self.tell(shared.told)

    def outside(self, what: str) -> None:
        """Refuse what has transactions of its own inside a transaction of the desk.

        Raises:
            StorageError: This desk is the one that `transaction()` gave.
        """
        if self.shared is not None:
            raise StorageError(f"{what} has transactions of its own: call it on the desk, outside `transaction()`")

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        """Open a unit of work for reading; inside a transaction it is that transaction's own."""
        if self.shared is not None:
            yield self.shared.unit
        else:
            with self.storage.begin(self.tenant, write=False) as unit:
                yield unit


# -- looking up ------------------------------------------------------------------------------------------------------


def find(unit: UnitOfWork, ref: Ref) -> Ticket:
    """Return the ticket with this id or number.

    Raises:
        TicketNotFound: There is none in this tenant.
    """
    ticket = unit.by_number(ref) if isinstance(ref, int) else unit.get(ref)
    if ticket is None:
        raise TicketNotFound(ref)
    return ticket


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


def _linked(unit: UnitOfWork, ticket: Ticket, command: cm.Command) -> Mapping[str, Ticket]:
    """Load the tickets that a command which ends the work has to look at."""
    if not ticket.links or not isinstance(command, cm.Resolve | cm.Close | cm.Fire):
        return {}
    blockers = [link.ticket for link in ticket.links if link.kind is LinkKind.BLOCKED_BY]
    return {found.id: found for found in map(unit.get, blockers) if found is not None}


def _from_customer(command: cm.Receive, ticket: Ticket) -> cm.Receive:
    """Put the ticket's customer in where the command only says "the customer"."""
    if command.author is not cm.THE_CUSTOMER:
        return command
    if ticket.customer is None:
        raise refuse("author.missing", f"ticket {ticket.number} has no customer: say with author= who wrote this")
    customer = Actor(ActorKind.CUSTOMER, ticket.customer)
    return attrs.evolve(command, author=customer, actor=customer)


def _follow_up(old: Ticket, command: cm.Receive) -> cm.Open:
    """Return the command that opens a follow-up of *old* with the message that came in."""
    return cm.Open(
        actor=command.actor,
        subject=old.subject,
        body=command.body,
        author=command.author,
        customer=old.customer,
        channel=command.channel or old.channel,
        priority=old.priority,
        locale=old.locale,
        external_id=command.external_id,
        links=(Link(LinkKind.FOLLOW_UP, old.id),),
        ticket=command.ticket,
        message=command.message,
        reference=command.reference,
    )


def _spoken(command: cm.Open, customer: Customer | None) -> cm.Open:
    """Take the language of the customer where the command names none."""
    if command.locale is not None or customer is None:
        return command
    return attrs.evolve(command, locale=customer.locale)


def _expect(ticket: Ticket, options: Options) -> None:
    if options.expected_version is not None and ticket.version != options.expected_version:
        raise ConcurrentUpdate(ticket.id, options.expected_version)


# -- idempotency -----------------------------------------------------------------------------------------------------


def _fingerprint(command: cm.Command | cm.PairCommand, subject: Ref | None) -> str:
    """Return SHA-256 over the canonical JSON of verb, ticket and arguments, without what the desk makes itself."""
    cls: Any = type(command)
    if cls not in _MADE:
        _MADE[cls] = tuple(field.name for field in attrs.fields(cls) if field.metadata.get("made"))
    plain = codec_of(cls).encode(command)
    for name in _MADE[cls]:
        plain.pop(name, None)
    canonical = dumps([cls.__name__, subject, {name: plain[name] for name in sorted(plain)}])
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _repeat(unit: UnitOfWork, key: str, command: cm.Command | cm.PairCommand, fingerprint: str) -> Ticket | None:
    """Return the result that *key* stands for, rebuilt from the log; `None` when the key is new.

    Raises:
        IdempotencyConflict: The key was used with other parameters.
    """
    receipt = unit.receipt(key)
    if receipt is None:
        return None
    if receipt.fingerprint != fingerprint:
        raise IdempotencyConflict(key, type(command).__name__)
    log = [recorded for recorded in unit.history(receipt.ticket) if recorded.seq <= receipt.seq]
    ticket = fold(log)
    if ticket is None:
        raise TicketNotFound(receipt.ticket)
    return ticket
