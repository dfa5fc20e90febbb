"""Giving work out: who is there and how loaded, read for one decision, and the decision itself.

People come from the desk's records of the kinds `agent` and `team`, and from the configuration.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

import attrs

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import to_us
from supportkit.drafting import Draft
from supportkit.engine.promises import Promises
from supportkit.errors import InvalidStaff, StorageCorrupt
from supportkit.hooks.manager import Hooks
from supportkit.model import commands as cm
from supportkit.model.events import Routed
from supportkit.model.people import Agent, Team
from supportkit.model.record import Record, RecordChange
from supportkit.model.ticket import Ticket
from supportkit.routing.choosing import Choice, Moment, Needs, Strategy, choose
from supportkit.routing.duty import PresenceState, duty_of
from supportkit.routing.roster import Roster, Routing
from supportkit.storage.codec import codec_of, loads
from supportkit.storage.keeping import KeepingUnit
from supportkit.storage.port import MAX_PAGE, StorageCapabilities, TicketQuery, UnitOfWork
from supportkit.storage.ranking import RankedUnit

_log = logging.getLogger("supportkit.routing")
AGENT, TEAM, TURN = "agent", "team", "turn"
"""The kinds of the records of people, and of when each was given something last."""
_REMEMBERED = 50
"""In how many of a customer's tickets is looked for who served him."""
PRESENCE = "presence"
"""The kind of the records of presence: the state is the name, and it holds until it is due."""
Who = TypeVar("Who", Agent, Team)


@attrs.frozen(kw_only=True)
class AgentPresence:
    """What an agent said about himself.

    Attributes:
        state: What holds now; `away` once *until* has passed, because nobody has heard of him since.
        until: How long what he said holds; `None`: until he says something else.
    """

    agent: str
    state: PresenceState
    until: dt.datetime | None = None


def presence_of(record: Record, now: dt.datetime) -> AgentPresence:
    """Return what a record says at an instant."""
    said = PresenceState(record.name)
    is_over = record.due_at is not None and record.due_at <= now and said is not PresenceState.OFF
    return AgentPresence(agent=record.id, state=PresenceState.AWAY if is_over else said, until=record.due_at)


@attrs.define
class _Known:
    """People as they were read last; compiled anew when a record has changed."""

    people: tuple[Record, ...] = ()
    levels: object = None
    roster: Roster | None = None


@attrs.frozen
class Dispatcher:
    """Decides who gets what.

    Attributes:
        routing: How the desk gives work out; `None`: it does not, and `next` takes whoever asks.
        able: What the storage can do.
    """

    routing: Routing | None
    able: StorageCapabilities
    _known: _Known = attrs.field(factory=_Known, eq=False, repr=False)

    @property
    def rules(self) -> Routing:
        """How work is given out; what holds without a configuration gives nothing out by itself."""
        return self.routing or _PULL

    # -- people ------------------------------------------------------------------------------------------------------

    def roster(self, unit: UnitOfWork, promises: Promises) -> Roster:
        """Return the people of the desk; compiled once as long as nobody changes them."""
        known, levels = self._known, promises.current
        records = tuple(self._records(unit, AGENT)) + tuple(self._records(unit, TEAM))
        roster = known.roster
        if roster is None or known.levels is not levels or known.people != records:
            roster = self._compiled(records, dict(levels.calendars))
            known.people, known.levels, known.roster = records, levels, roster
        return roster

    def _compiled(self, records: tuple[Record, ...], calendars: Mapping[str, BusinessCalendar]) -> Roster:
        """Compile everybody who can be compiled; one who cannot keeps nobody else from working."""
        routing, problems = self.rules, []
        stored: list[Agent] = []
        theirs: list[Team] = []
        for record in records:
            try:
                if record.kind == TEAM:
                    theirs.append(_read(Team, record))
                else:
                    agent = _read(Agent, record)
                    duty_of(agent, {}, {})
                    stored.append(agent)
            except (InvalidStaff, StorageCorrupt) as error:
                problems.append(str(error))
                _log.warning("%s %s is left out: %s", record.kind, record.id, error.code)
        agents, teams = {one.id for one in stored}, {one.id for one in theirs}
        roster = Roster.of(
            [*stored, *[one for one in routing.agents if one.id not in agents]],
            [*theirs, *[one for one in routing.teams if one.id not in teams]],
            calendars,
            routing,
        )
        return attrs.evolve(roster, problems=tuple(problems))

    def _records(self, unit: UnitOfWork, kind: str) -> Iterator[Record]:
        if not self.able.keeps:
            return
        after = ""
        while page := cast("KeepingUnit", unit).records(kind, after=after, limit=MAX_PAGE):
            yield from page
            if len(page) < MAX_PAGE:
                return
            after = page[-1].id

    # -- what a ticket asks for --------------------------------------------------------------------------------------

    def needs(self, ticket: Ticket | cm.Open, promises: Promises) -> Needs:
        """Return what a ticket asks of the one who takes it."""
        return self.rules.needs(
            channel=ticket.channel,
            channel_class=promises.current.channel_class(ticket.channel),
            tier=ticket.tier,
            team=ticket.team,
            tags=ticket.tags,
            fields=ticket.fields,
            locale=ticket.locale,
        )

    def resumes(self, unit: UnitOfWork, ticket: Ticket, promises: Promises, now: dt.datetime) -> dt.datetime | None:
        """Return when somebody who could take a ticket works again, where nobody does now; else `None`.

        Only where work is given out, and nobody has the ticket.
        """
        if not self.rules.on_open or ticket.assignee is not None:
            return None
        found = self.roster(unit, promises).resumes(self.needs(ticket, promises), now)
        return None if found is None or found <= now else found

    # -- a decision --------------------------------------------------------------------------------------------------

    def choose(self, unit: UnitOfWork, ticket: Ticket | cm.Open, promises: Promises, now: dt.datetime) -> Choice:
        """Return who should take a ticket, as things stand in this transaction."""
        roster, needs = self.roster(unit, promises), self.needs(ticket, promises)
        able = [duty.id for duty in roster.able(needs)]
        customer = ticket.customer if self.rules.strategy is Strategy.STICKY else None
        moment = Moment(
            now=now,
            presence=self.presence(unit, now),
            loads=self.loads(unit, able),
            turns={record.id: int(record.name) for record in self._records(unit, TURN)},
            served=_served(unit, customer),
            classes=dict(promises.current.channels),
        )
        return choose(roster.people.values(), needs, moment, self.rules.strategy)

    def give_out(
        self, unit: UnitOfWork, draft: Draft, command: cm.Open, promises: Promises, hooks: Hooks
    ) -> Routed | None:
        """Return who gets a ticket that is being opened; `None`: it waits in the queue."""
        if not (self.rules.on_open or hooks.routes):
            return None
        choice = self.choose(unit, command, promises, draft.now)
        answer = hooks.route(command, choice) if hooks.routes else None
        if answer is not None:
            by_plugin = None if answer.assignee is None else Routed(assignee=answer.assignee, strategy="plugin")
            return self._turned(unit, draft, by_plugin)
        if not self.rules.on_open or choice.best is None:
            return None
        first = choice.candidates[0]
        reasons = tuple([reason.value for reason in first.reasons])
        given = Routed(assignee=first.agent, strategy=self.rules.strategy.value, reasons=reasons)
        return self._turned(unit, draft, given)

    def _turned(self, unit: UnitOfWork, draft: Draft, given: Routed | None) -> Routed | None:
        """Note that it was somebody's turn, where a lost race can be run again."""
        if given is None or draft.is_last_try or not self.able.keeps:
            return given
        keeping = cast("KeepingUnit", unit)
        before = keeping.record(TURN, given.assignee)
        record = Record(
            tenant=unit.tenant,
            kind=TURN,
            id=given.assignee,
            name=str(to_us(draft.now)),
            version=1 if before is None else before.version + 1,
        )
        draft.records.append(RecordChange(record=record))
        return given

    def presence(self, unit: UnitOfWork, now: dt.datetime) -> dict[str, PresenceState]:
        """Return what agents say about themselves."""
        return {record.id: presence_of(record, now).state for record in self._records(unit, PRESENCE)}

    def loads(self, unit: UnitOfWork, agents: list[str]) -> Mapping[tuple[str, str], int]:
        """Return how many tickets these agents have to work on, by agent and channel."""
        return cast("RankedUnit", unit).loads(agents) if self.able.queues and agents else {}


_PULL = Routing(on_open=False)


def _served(unit: UnitOfWork, customer: str | None) -> dict[str, int]:
    """Return who has served a customer, and when last."""
    if customer is None:
        return {}
    query = TicketQuery(customers=customer, sort="updated_at", descending=True, limit=_REMEMBERED)
    found: dict[str, int] = {}
    for ticket in unit.find(query).items:
        if ticket.assignee is not None:
            found.setdefault(ticket.assignee, to_us(ticket.updated_at))
    return found


def _read(cls: type[Who], record: Record) -> Who:
    """Return the person or team of a record.

    Raises:
        StorageCorrupt: The record cannot be read.
        InvalidStaff: Nobody can be like that.
    """
    made: Any = cls
    apart = {"id": record.id, "tenant": record.tenant, "version": record.version}
    try:
        found: Who = codec_of(made).decode(loads(record.data) | apart)
    except InvalidStaff:
        raise
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise StorageCorrupt(f"a record of kind {record.kind} cannot be read: {type(error).__name__}") from error
    return found
