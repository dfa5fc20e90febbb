"""`desk.reports`: the KPIs of a desk, folded from its own log ticket by ticket.

Each log is read, folded and forgotten; a table of whole numbers stays, under 300 bytes a ticket.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from supportkit.answers import answers_of
from supportkit.arguments import When
from supportkit.businesstime import BusinessCalendar
from supportkit.clock import to_us, to_utc
from supportkit.engine.evolve import fold
from supportkit.engine.promises import Promises
from supportkit.engine.telling import facts_of_log, facts_of_merged
from supportkit.errors import NotFound
from supportkit.measures.results import MetricResult
from supportkit.metrics.answers import QuestionScore, answer_scores
from supportkit.metrics.filters import CUSTOMERS, CohortFilter
from supportkit.metrics.flow import OpenTime, in_business_time, ticket_flow
from supportkit.metrics.kpis import Kpis, measure
from supportkit.metrics.period import Period
from supportkit.metrics.table import ClockResult, FlowTable, Standing, TicketEntry
from supportkit.model.clocks import Verdict
from supportkit.model.people import ActorKind
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner
from supportkit.sla import Clock, Fact
from supportkit.sla.attainment import is_promised
from supportkit.sla.clocks import clocks_at
from supportkit.sla.facts import Created, Messaged
from supportkit.storage.port import MAX_PAGE, TicketQuery, UnitOfWork

REMEMBERED = 10_000
"""Customers whose zone is kept at hand."""
Progress = Callable[[int, int], object]


@attrs.frozen
class Schedules:
    """A calendar over time: each stretch is measured with the hours that were in force in it."""

    _since: tuple[dt.datetime, ...]
    _calendars: tuple[BusinessCalendar, ...]

    @classmethod
    def of(cls, revisions: Sequence[tuple[dt.datetime, BusinessCalendar]]) -> Schedules:
        """Return the schedule of calendars and since when each holds; the first one holds before that too."""
        return cls(tuple(since for since, _one in revisions), tuple(one for _since, one in revisions))

    def between(self, a: dt.datetime, b: dt.datetime, /) -> dt.timedelta:
        """Return the open time in `[a, b)`."""
        if len(self._calendars) == 1:  # as nearly always
            return self._calendars[0].between(a, b)
        found = dt.timedelta(0)
        for number, calendar in enumerate(self._calendars):
            start = a if number == 0 else max(a, self._since[number])
            end = b if number + 1 == len(self._calendars) else min(b, self._since[number + 1])
            if start < end:
                found += calendar.between(start, end)
        return found

    def is_open(self, at: dt.datetime) -> bool:
        """Tell whether the desk was open at an instant."""
        return self._calendars[max(bisect_right(self._since, at) - 1, 0)].is_open(at)


@attrs.frozen
class Reports:
    """What is known in numbers: `desk.reports.kpis(...)`; `table` is what they are computed from."""

    _runner: Runner

    def kpis(
        self,
        since: When | None = None,
        until: When | None = None,
        *,
        zone: str = "UTC",
        at: When | None = None,
        filter: CohortFilter = CUSTOMERS,  # noqa: A002 - what it is called everywhere
        calendar: str | None = None,
        topic_field: str | None = None,
        top: int = 20,
        progress: Progress | None = None,
    ) -> Kpis:
        """Fold the log of the desk and return every KPI of a period.

        Args:
            since: The first instant of the period; everything by default.
            until: The first instant after it.
            zone: IANA zone in which days, weeks and months begin.
            at: The instant by which everything is judged; now by default.
            filter: Which tickets are no customers' tickets.
            calendar: The calendar of the service levels that measures business time and coverage; by default the only
                one that they have. Without one there is calendar time only.
            topic_field: A custom field that says what a ticket is about; by default its tags say it.
            top: How many topics get a row of their own.
            progress: Called after each ticket with how many are done and how many there are.

        Raises:
            NotFound: The service levels have no such calendar.
            ValueError: The period ends before it begins, or there is no such zone.
        """
        period = Period(since=_instant(since, "since"), until=_instant(until, "until"), zone=zone)
        hours = self._schedules(calendar)
        table = self._fold(at, filter, hours, topic_field, progress)
        return measure(table, period, is_open=None if hours is None else hours.is_open, top=top)

    def table(
        self,
        *,
        at: When | None = None,
        filter: CohortFilter = CUSTOMERS,  # noqa: A002 - what it is called everywhere
        calendar: str | None = None,
        topic_field: str | None = None,
        progress: Progress | None = None,
    ) -> FlowTable:
        """Fold the log of the desk into a table, from which `supportkit.metrics.measure` computes many periods.

        The arguments are those of `kpis`. Tables of several desks that were folded alike can be merged.

        Raises:
            NotFound: The service levels have no such calendar.
        """
        return self._fold(at, filter, self._schedules(calendar), topic_field, progress)

    def metric(self, definition: str, since: When | None = None, until: When | None = None, *,
               zone: str = "UTC", at: When | None = None) -> MetricResult:  # fmt: skip
        """Return one KPI of a period by the id of its definition.

        Raises:
            NotFound: Nothing of this id was measured.
        """
        found = self.kpis(since, until, zone=zone, at=at).get(definition)
        if found is None:
            raise NotFound("metric", definition)
        return found

    def scores(
        self, since: When | None = None, until: When | None = None, *, zone: str = "UTC", at: When | None = None
    ) -> tuple[QuestionScore, ...]:
        """Return the scores of every question of the desk's surveys that was answered in a period.

        An answer belongs to the period of its first version, and its last one counts. Suspicious answers are left out
        and counted, until a person clears the flag. Answers of anonymous surveys are in `desk.surveys.anonymous`.

        Raises:
            ValueError: The period ends before it begins, or there is no such zone.
        """
        period = Period(since=_instant(since, "since"), until=_instant(until, "until"), zone=zone)
        now = self._runner.clock.now() if at is None else to_utc(at, "at")
        with self._runner.reading() as unit:
            answers = answers_of(unit)
        return answer_scores(answers, cohort=period.cohort("answered", now, "none/1"))

    # -- reading -------------------------------------------------------------------------------------------------------

    def _schedules(self, name: str | None) -> Schedules | None:
        with self._runner.reading() as unit:
            self._runner.refresh(unit)
        promises = self._runner.rules.promises
        names = [known for known, _calendar in promises.current.calendars]
        if name is None:
            if len(names) != 1:
                return None
            name = names[0]
        if name not in names:
            raise NotFound("calendar", name)
        return Schedules.of(promises.schedules(name))

    def _fold(
        self,
        at: When | None,
        filter: CohortFilter,  # noqa: A002 - what it is called everywhere
        hours: Schedules | None,
        topic_field: str | None,
        progress: Progress | None,
    ) -> FlowTable:
        now = self._runner.clock.now() if at is None else to_utc(at, "at")
        table = FlowTable(now, filter=filter.id, has_business=hours is not None)
        with self._runner.reading() as unit:
            self._runner.refresh(unit)
            reader = _Reader(unit, self._runner.rules.promises, now, filter, hours, topic_field)
            total = sum(unit.counts().values())
            for done, ticket in enumerate(_tickets(unit, now), 1):
                entry = reader.entry(ticket)
                if entry is not None:
                    table.add(entry)
                if progress is not None:
                    progress(done, max(total, done))
        return table


def _instant(value: When | None, name: str) -> dt.datetime | None:
    return None if value is None else to_utc(value, name)


def _tickets(unit: UnitOfWork, now: dt.datetime) -> Iterator[Ticket]:
    query = TicketQuery(created_until=now + dt.timedelta(microseconds=1), limit=MAX_PAGE)
    while True:
        page = unit.find(query)
        yield from page.items
        if page.next is None:
            return
        query = attrs.evolve(query, cursor=page.next)


class _Reader:
    """Makes entries of tickets, one log after the other."""

    def __init__(
        self,
        unit: UnitOfWork,
        promises: Promises,
        now: dt.datetime,
        filter: CohortFilter,  # noqa: A002 - what it is called everywhere
        hours: OpenTime | None,
        topic_field: str | None,
    ) -> None:
        self._unit, self._promises, self._now, self._filter = unit, promises, now, filter
        self._hours, self._topic_field = hours, topic_field
        self._people: dict[str, tuple[str, str | None]] = {}

    def entry(self, ticket: Ticket) -> TicketEntry | None:
        """Return what the table takes of a ticket; `None` if it had not been created by then."""
        log = self._unit.history(ticket.id)
        facts = facts_of_log(log, self._promises, to_us(self._now), has_subjects=False)
        flow = ticket_flow(facts, now=self._now)
        if flow is None:
            return None
        if ticket.updated_at > self._now:  # the row knows what came after
            ticket = fold(one for one in log if one.occurred_at <= self._now) or ticket
        customer, zone = self._person(ticket.customer)
        return TicketEntry(
            flow=flow,
            business=None if self._hours is None else in_business_time(flow, self._hours),
            customer=customer,
            topics=self._topics(ticket),
            agent=ticket.assignee,
            reason=ticket.reason,
            excluded=self._filter.left_out(ticket),
            clocks=self._clocks(ticket, facts),
            contact_at=contact_of(facts, self._now),
            zone=zone,
        )

    def _topics(self, ticket: Ticket) -> tuple[str, ...]:
        if self._topic_field is None:
            return ticket.tags
        value = ticket.fields.get(self._topic_field)
        return () if value is None else (str(value),)

    def _person(self, customer: str | None) -> tuple[str | None, str | None]:
        """Return who a customer is after all merges, and the zone."""
        if customer is None:
            return None, None
        found = self._people.get(customer)
        if found is None:
            person = self._unit.customer(customer)
            while person is not None and person.merged_into is not None:
                person = self._unit.customer(person.merged_into)
            found = (customer, None) if person is None else (person.id, person.timezone)
            if len(self._people) >= REMEMBERED:
                self._people.clear()
            self._people[customer] = found
        return found

    def _clocks(self, ticket: Ticket, facts: list[Fact]) -> tuple[ClockResult, ...]:
        """Return the promises of a ticket; those of a merged one live on in its survivor."""
        if ticket.merged_into is not None:
            return ()
        others: Mapping[str, Sequence[Fact]] = facts_of_merged(
            facts, self._unit.history, self._promises, to_us(self._now), {ticket.id}
        )
        clocks = clocks_at(facts, self._promises.rules, self._now, others=others)
        return clock_results(clock for clock in clocks if is_promised(clock))


_STANDINGS: Mapping[Verdict | None, Standing] = {None: "running", Verdict.MET: "met", Verdict.BREACHED: "breached"}


def clock_results(clocks: Iterator[Clock]) -> tuple[ClockResult, ...]:
    """Return how promises stand. One that waits without a due counts by when it would be due if it went on now."""
    found = []
    for clock in clocks:
        verdict = _STANDINGS[clock.verdict]
        due = clock.due_at or clock.deadline or clock.projected_due_at or clock.breaches_at or clock.started_at
        found.append(ClockResult(clock=clock.metric.value.lower(), due_at=due, verdict=verdict))
    return tuple(found)


def contact_of(facts: Sequence[Fact], now: dt.datetime) -> dt.datetime | None:
    """Return when the customer's first message arrived; a ticket that a customer opened without one is one too."""
    found = [
        fact.occurred_at
        for fact in facts
        if isinstance(fact, Messaged) and fact.author is ActorKind.CUSTOMER and fact.occurred_at <= now
    ]
    found += [fact.occurred_at for fact in facts if isinstance(fact, Created) and fact.author is ActorKind.CUSTOMER]
    return min(found, default=None)
