"""`desk.viewing`: which agents look at a ticket now, and who of them is writing an answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum

import attrs

from supportkit.arguments import as_name, as_ticket
from supportkit.clock import to_utc
from supportkit.drafting import Ref
from supportkit.errors import ConcurrentUpdate
from supportkit.lookup import survivor
from supportkit.model.change import Change
from supportkit.model.record import Record, RecordChange
from supportkit.model.ticket import Ticket
from supportkit.records import Records, id_for
from supportkit.runner import Runner
from supportkit.storage.codec import dumps, loads
from supportkit.storage.keeping import KeepingUnit

VIEWING = "viewing"
"""Kind of the records."""
LOOKING_FOR = dt.timedelta(minutes=1)
TYPING_FOR = dt.timedelta(seconds=15)
LONGEST = dt.timedelta(hours=1)
SWEPT = 20
"""How many that are over are taken away by whoever looks at a ticket next."""


class ViewerState(StrEnum):
    """What somebody does on a ticket."""

    LOOKING = "looking"
    TYPING = "typing"


@attrs.frozen(kw_only=True)
class Viewer:
    """One agent on one ticket.

    Attributes:
        ticket: Id of the ticket.
        agent: Who.
        state: `looking` or `typing`; who typed and says no more is looking until `until`.
        since: When he came.
        until: When he counts as gone, if he says no more.
    """

    ticket: str
    agent: str
    state: ViewerState
    since: dt.datetime
    until: dt.datetime


@attrs.frozen
class Viewing:
    """Who is on a ticket: `look`, `typing`, `leave`, `list`.

    What is said holds for a time, so a browser that was closed is forgotten. On a merged ticket the survivor is meant.
    Nothing of it is in the log of the ticket.
    """

    _runner: Runner

    def look(self, ticket: Ref | Ticket, agent: str, *, lasting: dt.timedelta = LOOKING_FOR) -> Sequence[Viewer]:
        """Note that an agent looks at a ticket, and return who else is there.

        Args:
            ticket: Which one.
            agent: His id.
            lasting: How long it holds unless it is said again, up to an hour.

        Raises:
            TicketNotFound: There is no such ticket.
            ValueError: *lasting* is not more than nothing and at most an hour.
            CapabilityMissing: The storage keeps no records.
        """
        return self._note(ticket, agent, lasting, None)

    def typing(self, ticket: Ref | Ticket, agent: str, *, lasting: dt.timedelta = TYPING_FOR) -> Sequence[Viewer]:
        """Note that an agent is writing an answer, and return who else is there.

        When he stops he is still looking, for a minute or for what he said with `look` if that is longer. Arguments and
        errors are those of `look`.
        """
        return self._note(ticket, agent, lasting, lasting)

    def leave(self, ticket: Ref | Ticket, agent: str) -> None:
        """Note that an agent has gone; nothing happens where he was not there.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        named, agent = as_ticket(ticket), as_name(agent, "agent")

        def once(unit: KeepingUnit) -> None:
            found = unit.record(VIEWING, id_for(survivor(unit, named).id, agent))
            if found is not None:
                unit.save(Change(records=(RecordChange(record=found, is_removed=True),)))

        self._records.in_one(once)

    def list(self, ticket: Ref | Ticket) -> Sequence[Viewer]:
        """Return who is on a ticket now, who came first in front.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        with self._records.reading() as unit:
            return _there(unit, survivor(unit, as_ticket(ticket)).id, self._runner.clock.now())

    def _note(
        self, ticket: Ref | Ticket, agent: str, lasting: dt.timedelta, typing: dt.timedelta | None
    ) -> Sequence[Viewer]:
        named, agent = as_ticket(ticket), as_name(agent, "agent")
        if not dt.timedelta(0) < lasting <= LONGEST:
            raise ValueError(f"lasting must be more than nothing and at most an hour, not {lasting}")
        now = self._runner.clock.now()

        def once(unit: KeepingUnit) -> Sequence[Viewer]:
            kept = survivor(unit, named).id
            before = unit.record(VIEWING, id_for(kept, agent))
            record = self._record(before, kept, agent, now, lasting, typing)
            if before is not None:
                record = attrs.evolve(record, version=before.version + 1)
            unit.save(Change(records=(RecordChange(record=record),)))
            return [one for one in _there(unit, kept, now) if one.agent != agent]

        others = self._records.in_one(once)
        self._sweep(now)
        return others

    def _record(
        self,
        before: Record | None,
        ticket: str,
        agent: str,
        now: dt.datetime,
        lasting: dt.timedelta,
        typing: dt.timedelta | None,
    ) -> Record:
        """Return what is kept: since when he is there, until when, and until when he types."""
        until = now + (lasting if typing is None else max(lasting, LOOKING_FOR))
        since, typed = now, None if typing is None else now + typing
        if before is not None and before.due_at is not None and before.due_at > now:
            plain = loads(before.data)
            since = to_utc(plain["since"], "since")
            if typing is not None:  # whoever types does not look for a shorter time than he said
                until = max(until, before.due_at)
        data = {"agent": agent, "since": since.isoformat(), "typing": None if typed is None else typed.isoformat()}
        return self._records.new(id_for(ticket, agent), dumps(data), owner=ticket, due_at=until)

    def _sweep(self, now: dt.datetime) -> None:
        """Take some away that are over, of any ticket; another one who does the same is not waited for."""
        if self._runner.shared is not None:
            return

        def once(unit: KeepingUnit) -> None:
            over = unit.records_due(VIEWING, now, SWEPT)
            if over:
                unit.save(Change(records=tuple([RecordChange(record=one, is_removed=True) for one in over])))

        with suppress(ConcurrentUpdate):
            self._records.in_one(once)

    @property
    def _records(self) -> Records:
        return Records(self._runner, VIEWING)


def _there(unit: KeepingUnit, ticket: str, now: dt.datetime) -> Sequence[Viewer]:
    found = [_viewer(one, now) for one in unit.records(VIEWING, owner=ticket) if one.due_at and one.due_at > now]
    return sorted(found, key=lambda one: (one.since, one.agent))


def _viewer(record: Record, now: dt.datetime) -> Viewer:
    plain = loads(record.data)
    is_typing = plain["typing"] is not None and to_utc(plain["typing"], "typing") > now
    return Viewer(
        ticket=record.owner,
        agent=plain["agent"],
        state=ViewerState.TYPING if is_typing else ViewerState.LOOKING,
        since=to_utc(plain["since"], "since"),
        until=record.due_at or now,
    )
