"""`flow_table`: a log of another desk as a table of tickets, from which every KPI is computed. Nothing is stored."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import attrs

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import EPOCH
from supportkit.metrics import EVERYTHING, ClockResult, CohortFilter, FlowTable, TicketEntry
from supportkit.metrics.flow import in_business_time, ticket_flow
from supportkit.metrics.table import Standing
from supportkit.model.ticket import Ticket
from supportkit.replay.facts import end_of_log
from supportkit.replay.fold import Played, fold_log
from supportkit.replay.mapping import LogFormat
from supportkit.replay.promise_rows import PromisedCase, promised_cases
from supportkit.replay.report import Progress
from supportkit.sla.facts import Created, Fact
from supportkit.sla.translate import facts_of

RECORDED = "recorded"
"""The clock of verdicts that a log gives without saying when they were due; they count by the end of the case."""


def flow_table(
    path: Path | str,
    format: LogFormat,  # noqa: A002 - what it is called everywhere
    *,
    at: dt.datetime | None = None,
    filter: CohortFilter = EVERYTHING,  # noqa: A002 - what it is called everywhere
    calendar: BusinessCalendar | None = None,
    topic_field: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> FlowTable:
    """Play a log in memory and return its tickets for `supportkit.metrics.measure`.

    What the log promised is judged as its own rules say: by its due times, `resolution`; where it has verdicts alone,
    by these, `recorded`.

    Args:
        path: The CSV file.
        format: What its columns and words mean.
        at: The instant by which everything is judged; the end of the log by default.
        filter: Which tickets are left out; none by default.
        calendar: Measures business time, if it is given.
        topic_field: The field that says what a case is about; by default its tags say it.
        progress: Called every 1000 rows and at the end.

    Raises:
        ReplayError: The file is broken; the text names the line and what to do.
    """
    collected = _Collected()
    fold_log(path, format, seen=collected.take, progress=progress)
    now = at or end_of_log(format, collected.last) or EPOCH
    promises = _promises(path, format, now)
    table = FlowTable(now, filter=filter.id, has_business=calendar is not None, has_replies=False)
    for name, ticket in collected.tickets.items():
        flow = ticket_flow(collected.facts[name], now=now)
        if flow is None:
            continue
        value = None if topic_field is None else ticket.fields.get(topic_field)
        topics = ticket.tags if topic_field is None else () if value is None else (str(value),)
        table.add(
            TicketEntry(
                flow=flow,
                business=None if calendar is None else in_business_time(flow, calendar),
                topics=topics,
                agent=ticket.assignee,
                reason=ticket.reason,
                excluded=filter.left_out(ticket),
                clocks=tuple(promises.get(name, ())),
                # A row of a log that begins a case is the contact: nobody kept the message.
                contact_at=flow.created_at,
            )
        )
    return table


@attrs.define
class _Collected:
    """The facts of all tickets while the rows go by, and what each ticket is at the end."""

    facts: defaultdict[str, list[Fact]] = attrs.Factory(lambda: defaultdict(list))
    tickets: dict[str, Ticket] = attrs.Factory(dict)
    last: dt.datetime | None = None

    def take(self, played: Played) -> None:
        """Take in what one row did."""
        for entry, ticket in played:
            at = entry.occurred_at
            self.last = at if self.last is None else max(self.last, at)
            self.tickets[entry.ticket] = ticket
            for fact in facts_of(entry):
                one = attrs.evolve(fact, ticket=entry.ticket) if isinstance(fact, Created) else fact
                self.facts[entry.ticket].append(one)


def _promises(path: Path | str, format: LogFormat, now: dt.datetime) -> dict[str, list[ClockResult]]:  # noqa: A002
    promise = format.promise
    if promise is None:
        return {}
    found: defaultdict[str, list[ClockResult]] = defaultdict(list)
    for case in promised_cases(path, format, promise, lambda _line, _case, _refusal: None):
        if case.due is not None:
            found[case.name].append(ClockResult(clock="resolution", due_at=case.due, verdict=_verdict(case, now)))
        elif promise.due is None and case.is_late is not None and case.closed is not None:
            said: Standing = "breached" if case.is_late else "met"
            found[case.name].append(ClockResult(clock=RECORDED, due_at=case.closed, verdict=said))
    return found


def _verdict(case: PromisedCase, now: dt.datetime) -> Standing:
    """Judge a due time as a clock does: done at that very instant is in time, open and past due is late."""
    if case.due is None:
        return "running"
    if case.closed is not None and case.closed <= now:
        return "met" if case.closed <= case.due else "breached"
    return "breached" if now > case.due else "running"
