"""What one command is about to write, and what a transaction of several commands keeps in mind. No I/O of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

import attrs

from supportkit.engine.effects import Effects, effects
from supportkit.engine.evolve import evolve
from supportkit.engine.rules import Rules
from supportkit.model import commands as cm
from supportkit.model.change import Change, Receipt, TicketChange
from supportkit.model.events import Event, Recorded
from supportkit.model.ticket import Ticket
from supportkit.storage.port import UnitOfWork


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

    @property
    def told(self) -> Told:
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
            receipt=receipt,
        )


Prepare = Callable[[UnitOfWork, Draft], Ticket]
"""Puts the events of one command into a draft and returns the ticket that the verb returns."""
