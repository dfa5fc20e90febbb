"""The work queue: what comes first, why, and the next ticket for somebody, which nobody else gets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import cast

import attrs

from supportkit.drafting import Draft, Options, read_clocks
from supportkit.engine.clocks import noted_standing
from supportkit.engine.decide import decide
from supportkit.errors import CapabilityMissing, InvalidPolicy, NotFound, Refused
from supportkit.lookup import linked
from supportkit.model import commands as cm
from supportkit.model.people import Actor
from supportkit.model.ticket import Ticket
from supportkit.routing.choosing import Moment, Needs, fullness, obstacle
from supportkit.routing.duty import Duty
from supportkit.routing.standing import BY_DEFAULT, due_of
from supportkit.runner import Runner
from supportkit.storage.port import MAX_PAGE, UnitOfWork
from supportkit.storage.ranking import Line, QueueQuery, RankedUnit

_FIRST_PAGE = 8
"""Most of those who ask take one of the first tickets."""
_GROWTH = 4
"""How much longer each further page is."""


@attrs.frozen(kw_only=True)
class Queued:
    """A ticket in the work queue.

    Attributes:
        due_at: By when something has to happen: the earliest deadline that runs.
        why: Which deadline that is: `FIRST_RESPONSE`, `PROMISE` ..., or `DEFAULT` where nothing is promised.
    """

    ticket: Ticket
    due_at: dt.datetime
    why: str


class _NothingWaits(Exception):
    """There is no ticket for whoever asked."""


@attrs.frozen(kw_only=True)
class _Asked:
    """Who asks for work, and for which."""

    agent: str | None = None
    duty: Duty | None = None
    team: str | None = None
    tier: int | None = None

    def lines(self, tiers: Sequence[int]) -> tuple[Line, ...] | None:
        """Return the pairs of team and tier that are looked at; `None`: all."""
        if self.duty is not None:
            wanted = (self.team,) if self.team is not None else (None, *sorted(self.duty.teams))
            return tuple([(team, self.duty.tier) for team in wanted if self.tier in {None, self.duty.tier}])
        if self.team is None:
            return None
        return tuple([(self.team, tier) for tier in tiers if self.tier in {None, tier}])

    def suits(self, ticket: Ticket, needs: Needs) -> bool:
        """Tell whether a ticket is among what is asked for."""
        if self.duty is None:
            return self.tier is None or ticket.tier == self.tier
        return obstacle(self.duty, needs.team, needs.tier, needs.skills, needs.language) is None


def queue(runner: Runner, *, team: str | None, agent: str | None, tier: int | None, limit: int) -> tuple[Queued, ...]:
    """Return what waits, first what is due first: what nobody has, and with *agent* also what he has."""
    with runner.reading() as plain:
        runner.refresh(plain)
        unit = ranked(plain, runner)
        asked = _asked(runner, plain, agent, team, tier)
        found: list[Ticket] = []
        for ticket in _waiting(runner, unit, asked, first_page=limit):
            found.append(ticket)
            if len(found) == limit:
                break
        if agent is not None:
            own = _pages(unit, QueueQuery(assignee=agent, limit=limit))
            found += _some(own, limit, team, tier)
            found.sort(key=_place)
        return tuple([_queued(runner, ticket) for ticket in found[:limit]])


def take_next(
    runner: Runner, agent: str, actor: Actor, options: Options, *, team: str | None, tier: int | None
) -> Ticket | None:
    """Give an agent the first ticket that suits him, in one transaction; `None` where there is none."""
    command = cm.Assign(actor=actor, assignee=agent, team=cm.KEEP if team is None else team)

    def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
        waiting = ranked(unit, runner)
        asked = _asked(runner, unit, agent, team, tier)
        room = _Room(runner, unit, asked, draft.now)
        for candidate in _waiting(runner, waiting, asked, first_page=_FIRST_PAGE):
            if not room.is_there_for(candidate):
                continue
            ticket = waiting.take(candidate.id)
            if ticket is None:
                continue  # somebody else has it by now, or is about to
            given = attrs.evolve(command, team=cm.KEEP)
            try:
                events = decide(ticket, given, draft.at, runner.rules, linked(unit, ticket, given))
                runner.ask_plugins(ticket, given)
            except Refused:
                continue  # a plug-in keeps this one from him; the next may be his
            draft.command = given
            return draft.add(runner.tenant, ticket, ticket.id, events) or ticket
        raise _NothingWaits

    try:
        return runner.carry_out(command, options, prepare, subject=None)
    except _NothingWaits:
        return None


def ranked(unit: UnitOfWork, runner: Runner) -> RankedUnit:
    """Return a unit of work as one that has the work queue.

    Raises:
        CapabilityMissing: The storage has none.
    """
    if not runner.storage.capabilities.queues:
        raise CapabilityMissing("the storage", "queues", "use one that keeps tickets in the order of their deadlines")
    return cast("RankedUnit", unit)


@attrs.define
class _Room:
    """Whether the one who asks has room for one more, looked up once where it matters."""

    runner: Runner
    unit: UnitOfWork
    asked: _Asked
    now: dt.datetime
    moment: Moment | None = None

    def is_there_for(self, ticket: Ticket) -> bool:
        duty = self.asked.duty
        if duty is None or not duty.capacity:
            return True
        dispatcher, promises = self.runner.dispatcher, self.runner.rules.promises
        if self.moment is None:
            self.moment = Moment(
                now=self.now,
                loads=dispatcher.loads(self.unit, [duty.id]),
                classes=dict(promises.current.channels),
            )
        return fullness(duty, dispatcher.needs(ticket, promises), self.moment) is None


def _asked(runner: Runner, unit: UnitOfWork, agent: str | None, team: str | None, tier: int | None) -> _Asked:
    """Look up who asks; a desk that knows no people at all lets anybody take anything.

    Raises:
        NotFound: The desk has agents, and this is none of them.
    """
    if agent is None:
        return _Asked(team=team, tier=tier)
    people = runner.dispatcher.roster(unit, runner.rules.promises).people
    duty = people.get(agent)
    if duty is None and people:
        raise NotFound("agent", agent)
    return _Asked(agent=agent, duty=duty, team=team, tier=tier)


def _waiting(runner: Runner, unit: RankedUnit, asked: _Asked, *, first_page: int) -> Iterator[Ticket]:
    """Yield what nobody has and suits the one who asks, in the order of the queue, page by page to its end."""
    lines = asked.lines(sorted(runner.rules.levels))
    promises, dispatcher = runner.rules.promises, runner.dispatcher
    for ticket in _pages(unit, QueueQuery(lines=lines, limit=min(first_page, MAX_PAGE))):
        if asked.suits(ticket, dispatcher.needs(ticket, promises)):
            yield ticket


def _pages(unit: RankedUnit, query: QueueQuery) -> Iterator[Ticket]:
    """Yield what a query finds, beyond its limit too; each page is longer than the one before."""
    while page := unit.ranked(query):
        yield from page
        if len(page) < query.limit:
            return
        query = attrs.evolve(query, after=_place(page[-1]), limit=min(MAX_PAGE, _GROWTH * query.limit))


def _some(tickets: Iterator[Ticket], limit: int, team: str | None, tier: int | None) -> Iterator[Ticket]:
    for ticket in tickets:
        if team in {None, ticket.team} and tier in {None, ticket.tier}:
            yield ticket
            limit -= 1
            if not limit:
                return


def _place(ticket: Ticket) -> tuple[int, int]:
    return ticket.rank or 0, ticket.number


def _queued(runner: Runner, ticket: Ticket) -> Queued:
    promises = runner.rules.promises
    try:
        found = noted_standing(ticket, read_clocks(ticket, promises), promises)
    except InvalidPolicy:
        found = None
    return Queued(ticket=ticket, due_at=due_of(ticket.rank or 0), why=BY_DEFAULT if found is None else found.why)
