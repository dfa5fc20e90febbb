"""What one command is about to write, and what a transaction of several commands keeps in mind."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable

import attrs

from supportkit.clock import from_us, to_us
from supportkit.engine.clocks import Kept, TicketClocks
from supportkit.engine.copying import changed, note_clocks, note_rank
from supportkit.engine.effects import CLOCKS, Effects, effects
from supportkit.engine.evolve import evolve
from supportkit.engine.promises import Promises
from supportkit.engine.rules import Rules
from supportkit.engine.telling import Told, broken_again, is_undelivered
from supportkit.errors import InvalidPolicy
from supportkit.escalating import Escalating, stayed
from supportkit.escalation.table import Trigger
from supportkit.lifecycle import Refusal
from supportkit.model import commands as cm
from supportkit.model.change import Change, Firing, Receipt, TicketChange, Timer
from supportkit.model.conversation import Heard, LegChange, StoredFile
from supportkit.model.events import ClockBreached, ClocksRemeasured, ClockWarned, Event, Recorded
from supportkit.model.message import Message
from supportkit.model.people import SYSTEM, Actor, Customer
from supportkit.model.record import RecordChange
from supportkit.model.ticket import StateCategory, Ticket
from supportkit.routing.standing import rank_of, unpromised
from supportkit.storage.codec import dumps, loads
from supportkit.storage.port import JoinedUnit, UnitOfWork


@attrs.frozen(kw_only=True)
class Options:
    """What every verb takes besides its own arguments."""

    key: str | None = None
    expected_version: int | None = None
    at: dt.datetime | None = None


_log = logging.getLogger("supportkit.clocks")
PLAIN = Options()
_ONCE = (ClockWarned, ClockBreached)  # a tuple: see `effects`
Ref = str | int
News = tuple[tuple[tuple[Recorded, ...], Ticket], ...]
"""What observers are told after a commit."""


def read_clocks(ticket: Ticket, promises: Promises) -> Kept | None:
    """Return what is noted beside the row of a ticket; `None` for what another release wrote, or nobody."""
    if not ticket.clocks:
        return None
    try:
        return Kept.from_plain(loads(ticket.clocks), ticket.id, promises)
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def write_clocks(ticket: Ticket, kept: Kept) -> str:
    """Return the text that is noted beside the row of a ticket.

    Nothing for a closed one that waits for nothing: there are more and more of these, and the log knows it all.
    """
    if kept.next is None and ticket.category is StateCategory.CLOSED:
        return ""
    return dumps(kept.to_plain())


@attrs.define
class Shared:
    """A transaction of several commands: what to tell after the commit, and whether it may still be committed."""

    unit: UnitOfWork
    told: list[tuple[tuple[Recorded, ...], Ticket]] = attrs.field(factory=list)
    broken: bool = False
    joined: JoinedUnit | None = None
    """The unit again, where the transaction is the app's."""
    is_over: bool = False
    """The block of a joined transaction has ended; whether the app committed is another question."""


@attrs.define
class Page:
    """The entries that a draft adds to the log of one ticket; its clocks look on while they are written.

    Clocks that cannot be read, because a policy is named that is nowhere, never keep a command from being recorded.
    """

    draft: Draft
    tenant: str
    before: Ticket | None
    ticket: str
    at: int
    after: Ticket | None = attrs.field(init=False)
    log: list[Recorded] = attrs.field(factory=list)
    clocks: TicketClocks | None = None

    def __attrs_post_init__(self) -> None:
        """Take up the clocks as the row has them."""
        self.after = self.before
        promises = self.draft.rules.promises
        kept = None if self.before is None else read_clocks(self.before, promises)
        at = self.at
        try:
            self.clocks = TicketClocks(
                promises,
                self.ticket,
                kept,
                is_new=self.before is None,
                at=at,
                now=at if self.draft.now is self.draft.at else to_us(self.draft.now),
                is_closed=self.before is not None and self.before.category is StateCategory.CLOSED,
            )
        except InvalidPolicy as error:
            self.lose(error)

    def lose(self, error: InvalidPolicy) -> None:
        """Go on without clocks."""
        _log.warning("the clocks of ticket %s cannot be read: %s", self.ticket, error.code)
        self.clocks = None

    def ask(self, question: Callable[[TicketClocks], list[Told]], *, is_whole: bool = False) -> None:
        """Record what the clocks answer."""
        if self.clocks is None:
            return
        try:
            told = question(self.clocks)
        except InvalidPolicy as error:
            self.lose(error)
            return
        if told:
            self.tell(told, is_whole=is_whole)

    def write(self, event: Event, at: dt.datetime, actor: Actor) -> Recorded:
        """Record one event."""
        draft = self.draft
        recorded = Recorded(
            tenant=self.tenant,
            ticket=self.ticket,
            seq=1 if self.after is None else self.after.version + 1,
            occurred_at=at,
            recorded_at=draft.now,
            actor=actor,
            event=event,
            command=draft.command_id,
        )
        self.after = evolve(self.after, recorded)
        self.log.append(recorded)
        return recorded

    def enter(self, event: Event, at: dt.datetime, actor: Actor) -> None:
        """Record an event of the command, and what the clocks make of it."""
        recorded = self.write(event, at, actor)
        self.ask(lambda clocks: clocks.take(recorded))

    def tell(self, told: list[Told], *, is_whole: bool = False) -> None:
        """Record what is to be told about clocks: each warning and each breach once, whoever finds it again."""
        known: set[str] | None = None
        for at, event in told:
            if isinstance(event, _ONCE):
                if known is None:
                    known = self.draft.fired(self.ticket)
                if event.id in known:
                    if isinstance(event, ClockBreached) and not is_whole:
                        self.write(broken_again(event, at), self.draft.now, SYSTEM)
                    continue
                known.add(event.id)
                recorded = self.write(event, at, SYSTEM)
                self.draft.rows.firings.append(
                    Firing(tenant=self.tenant, ticket=self.ticket, id=event.id, seq=recorded.seq)
                )
            else:
                self.write(event, at, SYSTEM)


@attrs.define
class Received:
    """Rows that come with a message from outside, into the same transaction.

    Attributes:
        unanswerable: Why nothing may answer that message by itself: `bulk`, `bounce` ...
    """

    customers: list[Customer] = attrs.field(factory=list)
    heard: list[Heard] = attrs.field(factory=list)
    legs: list[LegChange] = attrs.field(factory=list)
    files: list[StoredFile] = attrs.field(factory=list)
    rewritten: list[Message] = attrs.field(factory=list)
    unanswerable: str | None = None


@attrs.define
class Draft:
    """What one command is about to write.

    It reads only where an event changes the past of clocks, or one of them was passed: from *unit*.
    """

    unit: UnitOfWork
    now: dt.datetime
    at: dt.datetime
    command_id: str
    command: cm.Command | cm.PairCommand | None
    rules: Rules
    changes: list[TicketChange] = attrs.field(factory=list)
    rows: Effects = attrs.field(factory=Effects)
    moved: tuple[tuple[str, str], ...] = ()
    received: Received = attrs.field(factory=Received)
    records: list[RecordChange] = attrs.field(factory=list)
    is_last_try: bool = False
    """After this one nothing is tried again: what is nice to have is not worth losing a race."""
    is_history: bool = False
    """It brings in what happened elsewhere: nobody is told."""
    objects: Callable[[Ticket, cm.Command], Refusal | None] | None = None
    """Asks the plug-ins about what a rule wants to do; `None` where none of them wants to be asked."""

    def add(
        self,
        tenant: str,
        before: Ticket | None,
        ticket_id: str,
        events: Iterable[Event],
        *,
        actor: Actor | None = None,
    ) -> Ticket | None:
        """Record *events* on a ticket, and what they and the time before them mean for its clocks.

        They are what the actor of the command did, unless another *actor* is named.

        Returns the ticket after them.
        """
        events = tuple(events)
        if not events:
            return before
        at = to_us(self.at)
        page = Page(self, tenant, before, ticket_id, at)
        page.ask(lambda clocks: clocks.elapsed(at - 1))
        if actor is None:
            actor = SYSTEM if self.command is None else self.command.actor
        for event in events:
            page.enter(event, self.at, actor)
        after = self._close(page)
        if before is not None and before.merged_into is not None and any(map(is_undelivered, events)):
            self._reconsider(before.merged_into)
        return after

    def _reconsider(self, survivor: str | None) -> None:
        """Measure the tickets anew whose clocks are joined to one in which an answer turned out not to have arrived."""
        seen: set[str] = set()
        while survivor is not None and survivor not in seen:
            seen.add(survivor)
            ticket = self.unit.get(survivor)
            if ticket is None:
                return
            page = Page(self, ticket.tenant, ticket, ticket.id, to_us(self.at))
            if page.clocks is not None:
                page.clocks.lose()
            after = self._close(page, always=True)
            # Nothing to tell, and yet another note.
            if after is not None and not page.log and after.rank == ticket.rank:
                self.changes.append(TicketChange(before=ticket, ticket=after, events=()))
            survivor = ticket.merged_into

    def elapse(self, ticket: Ticket) -> bool:
        """Record what time alone brought about on a ticket by `at`; tell whether there was anything.

        The deadline of its clocks is set anew in any case.
        """
        at = to_us(self.at)
        page = Page(self, ticket.tenant, ticket, ticket.id, at)
        page.ask(lambda clocks: clocks.elapsed(at))
        after = self._close(page, always=True)
        return after is not None and after.version > ticket.version

    def stay(self, ticket: Ticket, timer: Timer) -> bool:
        """Record that a ticket has been in its line for so long as a rule waits for; tell whether anything came of it.

        What time brought about on its clocks is left to their own deadline.
        """
        page = Page(self, ticket.tenant, ticket, ticket.id, to_us(self.at))
        trigger = stayed(timer, self.history_of(page), self.now)
        if trigger is None:
            return False
        page.ask(lambda clocks: clocks.elapsed(to_us(self.at) - 1))
        after = self._close(page, extra=trigger)
        return after is not None and after.version > ticket.version

    def _close(self, page: Page, *, always: bool = False, extra: Trigger | None = None) -> Ticket | None:
        """Put what was written on a page into the draft, with the note and the deadline of the clocks."""
        self._relearn(page)
        rules = self.rules
        if (rules.escalations is not None or rules.regulation is not None) and not self.is_history and page.after:
            escalating = Escalating(self, page)
            escalating.run(extra)
            while page.clocks is not None and page.clocks.is_lost:  # an action changed what came before it
                self._relearn(page)
                escalating.run()
        after = page.after
        if after is None:
            return None
        if after is page.before:  # time brought about nothing: only the deadline is set anew
            after = changed(after, {})
        self._rank(page, after)
        if page.clocks is None:  # somebody who knows the policy has to look at it
            note_clocks(after, "")
            self.rows.timers.append(Timer(tenant=after.tenant, ticket=after.id, name=CLOCKS, due_at=self.now))
        elif not page.clocks.is_asleep:
            kept = page.clocks.keep()
            following = page.clocks.before if kept is None else kept.next
            if kept is not None:
                note_clocks(after, write_clocks(after, kept))
            if always or following != page.clocks.before:
                due = None if following is None else from_us(following)
                self.rows.timers.append(Timer(tenant=after.tenant, ticket=after.id, name=CLOCKS, due_at=due))
        self._take_over(page, after)
        return after

    def _take_over(self, page: Page, after: Ticket) -> None:
        """Put what was written on a page into the changes, with what follows from it."""
        if page.log:
            entries = tuple(page.log)
            self.changes.append(TicketChange(before=page.before, ticket=after, events=entries))
            effects(page.before, after, self.command, entries, self.rules, self.rows)
        elif (
            page.before is not None and after.rank != page.before.rank
        ):  # a calendar changed: it is due at another time
            self.changes.append(TicketChange(before=page.before, ticket=after, events=()))

    def _rank(self, page: Page, after: Ticket) -> None:
        """Note where a ticket stands in the work queue now."""
        before, clocks = page.before, page.clocks
        if (
            before is not None
            and clocks is not None
            and clocks.is_untouched
            and before.state_since is after.state_since
            and before.priority is after.priority
            and before.rank is not None
        ):
            return
        found = None
        if not after.category.is_done:
            try:
                found = unpromised(after.category, after.state_since) if clocks is None else clocks.standing(after)
            except InvalidPolicy as error:
                page.lose(error)
                found = unpromised(after.category, after.state_since)
        note_rank(after, None if found is None else rank_of(found.due, after.priority))

    def _relearn(self, page: Page) -> None:
        """Fold the whole log anew where an event changed the past of the clocks."""
        if page.clocks is None or not page.clocks.is_lost:
            return
        for change in page.clocks.remeasured:
            remeasured = ClocksRemeasured(calendar=change.calendar, revision=change.revision, since=change.occurred_at)
            page.write(remeasured, self.now, SYSTEM)
        page.clocks.remeasured = []
        log = self.history_of(page)
        page.ask(lambda clocks: clocks.relearn(log, self._history, self.now), is_whole=True)

    def history_of(self, page: Page) -> list[Recorded]:
        """Return the log of a ticket with what a page adds to it."""
        return [*self._history(page.ticket), *page.log]

    def objection(self, ticket: Ticket, command: cm.Command) -> Refusal | None:
        """Return why plug-ins do not want what a rule wants to do."""
        return None if self.objects is None else self.objects(ticket, command)

    def _history(self, ticket_id: str) -> list[Recorded]:
        """Return the log of a ticket with what this draft adds to it."""
        log = list(self.unit.history(ticket_id))
        for change in self.changes:
            if change.ticket.id == ticket_id:
                log += change.events
        return log

    def fired(self, ticket_id: str) -> set[str]:
        """Return the ids of the warnings and breaches of a ticket that were told before."""
        return {
            *self.unit.fired(ticket_id),
            *(firing.id for firing in self.rows.firings if firing.ticket == ticket_id),
        }

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

    @property
    def told(self) -> News:
        """What observers are told after the commit: the new events of each ticket and the ticket after them."""
        return tuple((change.events, change.ticket) for change in self.changes)

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
            firings=tuple(rows.firings),
            customers=tuple(self.received.customers),
            heard=tuple(self.received.heard),
            legs=tuple(self.received.legs),
            files=tuple(self.received.files),
            records=tuple(self.records),
            rewritten=tuple(self.received.rewritten),
            receipt=receipt,
        )


Prepare = Callable[[UnitOfWork, Draft], Ticket]
"""Puts the events of one command into a draft and returns the ticket that the verb returns."""
