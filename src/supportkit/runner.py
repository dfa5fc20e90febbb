"""The one way in which a command becomes history: load, decide, save, tell; again after a race.

`Desk` puts words around it; nothing else in the library writes tickets.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import attrs

from supportkit import promising
from supportkit.channels.port import ChannelAdapter
from supportkit.clock import Clock, to_us
from supportkit.dispatching import Dispatcher
from supportkit.drafting import PLAIN, Draft, News, Options, Prepare, Ref, Shared
from supportkit.engine.decide import decide, needs_follow_up
from supportkit.engine.rules import Rules
from supportkit.errors import (
    CapabilityMissing,
    ConcurrentUpdate,
    IdempotencyConflict,
    LevelsOutdated,
    NotFound,
    PluginError,
    Refused,
    StorageCorrupt,
    StorageError,
    WorkflowError,
)
from supportkit.hooks.manager import Hooks
from supportkit.idempotency import fingerprint_of, first_result
from supportkit.ids import IdSource
from supportkit.lookup import expect, find, follow_up, from_customer, linked, person, spoken, survivor
from supportkit.model import commands as cm
from supportkit.model.change import Change, Receipt
from supportkit.model.events import Linked, Recorded
from supportkit.model.people import SYSTEM, Customer
from supportkit.model.ticket import Ticket
from supportkit.notifying import Teller
from supportkit.parting import divide
from supportkit.races import TRIES
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import JoinedUnit, JoiningStorage, Storage, UnitOfWork
from supportkit.windowing import hold_back
from supportkit.withdrawing import withdraw

if TYPE_CHECKING:
    from supportkit.surveying.surveyor import Surveyor

_UNSEEN = (
    "another transaction has used this idempotency key, and this one cannot see it: roll back and run it all again"
)
LOOK_AGAIN = dt.timedelta(seconds=30)
"""How long a process goes on with the service levels that it has read."""


@attrs.define
class Settled:
    """The rules of a desk; replaced in one assignment where another process recorded newer service levels."""

    rules: Rules
    looked_at: dt.datetime | None = None
    """When the database was last asked for newer service levels."""


@attrs.frozen
class Runner:
    """Carries out commands for one tenant; frozen, shared by a desk and the desks inside its transactions."""

    tenant: str
    storage: Storage
    hooks: Hooks
    settled: Settled
    clock: Clock
    ids: IdSource
    dispatcher: Dispatcher
    shared: Shared | None = None
    teller: Teller | None = None
    """Writes notices; `None` where no channel carries any."""
    limited: Mapping[str, ChannelAdapter] = attrs.field(factory=dict)
    """The channels with a limit on the length of a message."""
    surveyor: Surveyor | None = None
    """Decides whether customers are asked; `None` where the storage could not keep what that needs."""
    channels: Mapping[str, ChannelAdapter] = attrs.field(factory=dict, repr=False)
    """All channels of the desk."""
    has_windows: bool = False
    """One of them lets us answer for a while only."""

    @property
    def rules(self) -> Rules:
        """What the desk has settled, as far as this process knows."""
        return self.settled.rules

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
            expect(ticket, options)
            events = decide(ticket, command, draft.at, self.rules, linked(unit, ticket, command))
            if events:
                self.ask_plugins(ticket, command)
            return draft.add(self.tenant, ticket, ticket.id, withdraw(unit, ticket.id, events)) or ticket

        return self.carry_out(command, options, prepare, subject=ref)

    def receive(self, ref: Ref, command: cm.Receive, options: Options = PLAIN) -> Ticket:
        """Record a message that came in: on the ticket, on its survivor, or on a follow-up after a long silence."""

        def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
            named = find(unit, ref)
            ticket = named if named.merged_into is None else survivor(unit, named.merged_into)
            expect(ticket, options)
            # "The customer" is whose ticket was named: a merge may have brought two people's tickets together.
            heard = from_customer(command, ticket if named.customer is None else named)
            if needs_follow_up(ticket, heard, draft.at, self.rules):
                return self.opened(unit, draft, follow_up(ticket, heard), guarded=False)
            draft.command = heard
            return draft.add(self.tenant, ticket, ticket.id, decide(ticket, heard, draft.at, self.rules)) or ticket

        return self.carry_out(command, options, prepare, subject=ref)

    def open(self, command: cm.Open, options: Options = PLAIN) -> Ticket:
        """Open a ticket; the links of the command get their other end in the same commit."""
        return self.carry_out(command, options, lambda unit, draft: self.opened(unit, draft, command), subject=None)

    def opened(
        self,
        unit: UnitOfWork,
        draft: Draft,
        command: cm.Open,
        customer: Customer | None = None,
        *,
        guarded: bool = True,
    ) -> Ticket:
        """Draft the opening of a ticket; plug-ins may object, but not to a message that came in.

        Raises:
            NotFound: There is no such customer or linked ticket.
        """
        others = {link.ticket: find(unit, link.ticket) for link in command.links}
        if command.customer is not None and customer is None:
            customer = person(unit, command.customer)
            if customer is None:
                raise NotFound("customer", command.customer)
            if customer.id != command.customer:
                command = attrs.evolve(command, customer=customer.id)
        command = self._classified(spoken(command, customer), customer)
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
        if command.assignee is not None or draft.is_history:
            return opened
        routed = self.dispatcher.give_out(unit, draft, command, self.rules.promises, self.hooks)
        if routed is None:
            return opened
        opened = draft.add(self.tenant, opened, opened.id, (routed,), actor=SYSTEM) or opened
        draft.join()
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

    def ask_plugins(self, ticket: Ticket | None, command: cm.Command | cm.PairCommand | None) -> None:
        """Let plug-ins object; never to a message that comes in, which is recorded whatever they say."""
        if not self.hooks.guards or command is None or isinstance(command, cm.Receive):
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
            after, draft.is_history = ticket, True
            for draft.at, command in steps:
                draft.command = command
                if isinstance(command, cm.Open):
                    after = self.opened(unit, draft, command)
                elif after is not None:
                    events = decide(after, command, draft.at, self.rules, linked(unit, after, command))
                    if events:
                        self.ask_plugins(after, command)
                    after = draft.add(self.tenant, after, after.id, withdraw(unit, after.id, events))
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
            fingerprint = fingerprint_of(command, self._id_of(subject) if isinstance(subject, int) else subject)
        if self.shared is not None:
            return self._in_shared(self.shared, command, options, prepare, fingerprint)
        for attempt in range(1, TRIES + 1):
            try:
                with self.storage.begin(self.tenant) as unit:
                    _hold(unit, attempt, options)
                    last = attempt == TRIES
                    ticket, told = self._once(unit, command, options, prepare, fingerprint, is_last_try=last)
            except LevelsOutdated:
                if attempt == TRIES:
                    raise
                self.reload()
                continue
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
        if shared.joined is not None:
            return self._in_steps(shared.joined, shared, command, options, prepare, fingerprint)
        if options.key is not None:
            first = first_result(shared.unit, options.key, command, fingerprint)
            if first is not None:
                return first
        return self._in_transaction(shared, command, options, prepare, fingerprint)

    def _in_steps(
        self,
        unit: JoinedUnit,
        shared: Shared,
        command: cm.Command | cm.PairCommand,
        options: Options,
        prepare: Prepare,
        fingerprint: str,
    ) -> Ticket:
        """Carry out in the app's transaction, in a step of its own; again only where a repeat sees something new."""
        tries = TRIES if unit.reads_anew else 1
        for attempt in range(1, tries + 1):
            try:
                with unit.step():
                    _hold(unit, attempt, options)
                    ticket, told = self._once(unit, command, options, prepare, fingerprint)
            except LevelsOutdated:
                if attempt == tries:
                    raise
                self.settled.rules = promising.renewed(unit, self.rules)
                continue
            except (WorkflowError, ConcurrentUpdate, NotFound) as error:
                first = None if options.key is None else first_result(unit, options.key, command, fingerprint)
                if first is not None:
                    return first
                if isinstance(error, IdempotencyConflict):
                    raise ConcurrentUpdate("", 0, _UNSEEN) from error
                again = isinstance(error, ConcurrentUpdate) and options.expected_version is None and attempt < tries
                if not again:
                    raise
                continue
            shared.told.extend(told)
            return ticket
        raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises

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
        *,
        is_last_try: bool = True,
    ) -> tuple[Ticket, News]:
        now = self.clock.now()
        self.look_again(unit, now)
        draft = self.draft(unit, command, now, options.at or now)
        draft.is_last_try = is_last_try
        ticket = prepare(unit, draft)
        ticket = self.complete(unit, draft, ticket) or ticket
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
                if (
                    self.shared is not None and self.shared.joined is None
                ):  # half of it may be written: what was begun must not be committed
                    self.shared.broken = True
                raise
        return ticket, draft.told

    def complete(self, unit: UnitOfWork, draft: Draft, ticket: Ticket | None = None) -> Ticket | None:
        """Divide long answers and add the notices and surveys that follow from a draft; return *ticket* as it is then.

        Raises:
            LimitExceeded: An answer needs more parts than its channel allows.
        """
        if draft.rows.outbox:
            _name_accounts(unit, draft)
        if self.limited and draft.rows.outbox:
            divide(draft.rows, self.limited, {change.ticket.id: change.ticket.locale for change in draft.changes})
        if self.has_windows and draft.rows.outbox and not draft.is_history:
            hold_back(self, unit, draft)
            ticket = ticket and next((one.ticket for one in draft.changes if one.ticket.id == ticket.id), ticket)
        if not draft.changes:
            return ticket
        if self.teller is not None:
            ticket = self.teller.tell(self, unit, draft, ticket)
        if self.surveyor is not None:
            ticket = self.surveyor.follow(unit, draft, ticket)
        return ticket

    def save(self, change: Change) -> None:
        """Write a change that was not drafted: in a transaction of its own, or in the one that is open."""
        shared = self.shared
        if shared is None:
            with self.storage.begin(self.tenant) as unit:
                unit.save(change)
        elif shared.joined is None:
            shared.unit.save(change)
        else:
            with shared.joined.step():
                shared.joined.save(change)

    def draft(
        self, unit: UnitOfWork, command: cm.Command | cm.PairCommand | None, now: dt.datetime, at: dt.datetime
    ) -> Draft:
        """Return an empty draft of *command*, recorded *now*, that happens *at*; without a command time alone acts."""
        objects = self.hooks.refuse if self.hooks.guards else None
        return Draft(
            unit=unit,
            now=now,
            at=at,
            command_id=self.new_id(now),
            command=command,
            rules=self.rules,
            objects=objects,
        )

    def reload(self) -> None:
        """Read the service levels of the database anew."""
        with self.storage.begin(self.tenant, write=False) as unit:
            self.settled.rules = promising.renewed(unit, self.rules)

    def refresh(self, unit: UnitOfWork) -> None:
        """Read the service levels anew if another process has recorded newer ones."""
        self.settled.looked_at = self.clock.now()
        if unit.settings(promising.SUBJECT, after=self.rules.promises.generation):
            self.settled.rules = promising.renewed(unit, self.rules)

    def look_again(self, unit: UnitOfWork, now: dt.datetime) -> None:
        """Read the service levels anew from time to time: a process that only writes must hear of newer ones too."""
        last = self.settled.looked_at
        if last is None or not dt.timedelta(0) <= now - last < LOOK_AGAIN:
            self.refresh(unit)

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
            return first_result(unit, options.key, command, fingerprint)

    def tell(self, told: News | list[tuple[tuple[Recorded, ...], Ticket]]) -> None:
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
            self.refresh(unit)
            shared = Shared(unit)
            yield attrs.evolve(self, shared=shared)
            if shared.broken:
                raise StorageError("a command in this transaction failed while it was written: nothing was kept")
        self.tell(shared.told)

    @contextmanager
    def joining(self, connection: object) -> Iterator[Runner]:
        """Work in the transaction that is open on a *connection* of the app; it stays open."""
        if self.shared is not None:
            raise StorageError("a transaction of this desk is open already: one cannot hold another")
        if not self.storage.capabilities.joins:
            raise CapabilityMissing(
                type(self.storage).__name__, "joins", "use idempotency keys to keep two databases in step"
            )
        with cast("JoiningStorage", self.storage).join(self.tenant, connection) as unit:
            shared = Shared(unit, joined=unit)
            try:
                yield attrs.evolve(self, shared=shared)
            finally:
                shared.is_over = True

    def announce(self) -> int:
        """Tell observers what a joined transaction wrote, as far as it is committed; return the number of events."""
        shared = self.shared
        if shared is None or shared.joined is None:
            raise StorageError("only the desk that `joined()` gave has something to announce")
        if not shared.is_over:
            raise StorageError("nothing is committed yet: announce after the block and after the app's commit")
        told, shared.told = shared.told, []
        with self.storage.begin(self.tenant, write=False) as unit:
            kept = [(log, ticket) for log, ticket in told if _is_stored(unit, log)]
        self.tell(kept)
        return sum(len(log) for log, _ticket in kept)

    def outside(self, what: str) -> None:
        """Refuse what has transactions of its own inside a transaction of the desk.

        Raises:
            StorageError: This desk is one that `transaction()` or `joined()` gave.
        """
        if self.shared is not None:
            raise StorageError(
                f"{what} has transactions of its own: call it on the desk, outside `transaction()` and `joined()`"
            )

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        """Open a unit of work for reading; inside a transaction it is that transaction's own."""
        if self.shared is not None:
            yield self.shared.unit
        else:
            with self.storage.begin(self.tenant, write=False) as unit:
                yield unit


def _name_accounts(unit: UnitOfWork, draft: Draft) -> None:
    """Note on each delivery which of our accounts sends it, so that accounts take turns and one can be paused alone."""
    begun = {part.leg.id: part.leg for part in draft.received.legs}
    for place, row in enumerate(draft.rows.outbox):
        if row.leg is not None and not row.account:
            leg = begun.get(row.leg) or cast("ReceivingUnit", unit).leg(row.leg)
            if leg is not None and leg.account:
                draft.rows.outbox[place] = attrs.evolve(row, account=leg.account)


def _is_stored(unit: UnitOfWork, log: Sequence[Recorded]) -> bool:
    """Tell whether what a command wrote was committed; another one may stand in its place in the log."""
    last = log[-1]
    return any(found.seq == last.seq and found.command == last.command for found in reversed(unit.history(last.ticket)))


def _hold(unit: UnitOfWork, attempt: int, options: Options) -> None:
    """Let other writers of the ticket wait where a race was lost, or where losing one would be the caller's trouble."""
    if attempt > 1 or options.expected_version is not None:
        unit.hold()
