"""`ReplayReport`: what a log came to. Counted from what is stored, so that a resumed replay reports the same."""

from __future__ import annotations

import datetime as dt
from array import array
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from supportkit.clock import to_us
from supportkit.model import events as ev
from supportkit.model.ticket import Ticket

LISTED = 100
"""Refused rows that a report names one by one; all are counted."""
_SECOND = 1_000_000


@attrs.frozen(kw_only=True)
class Progress:
    """How far a log is played; `bytes_read` of `size` bytes of the file."""

    rows: int
    bytes_read: int
    size: int


@attrs.frozen(kw_only=True)
class RefusedRow:
    """A row that was not taken, and why."""

    line: int
    case: str
    code: str
    sentence: str


@attrs.frozen(kw_only=True)
class FirstResolution:
    """Creation to the first resolution in calendar seconds, of the tickets that were resolved.

    Attributes:
        p90: 90th percentile by linear interpolation.
    """

    count: int = 0
    sum: float = 0.0
    mean: float | None = None
    median: float | None = None
    p90: float | None = None


@attrs.frozen(kw_only=True)
class ReplayReport:
    """What became of a log; `applied + unchanged + refused == rows`.

    Attributes:
        applied: Rows that changed a ticket.
        unchanged: Rows that said what was so already.
        already_there: Of these, the rows that an earlier run had recorded.
        refusals: Refused rows by code.
        refused_rows: The first 100 of them.
        states: Tickets by state now; `born` by first tier, `highest` by highest one.
        level_changes: Moves by (from, to); `moved_tickets` had any.
        never_left_l1: Tickets that were never in another tier than 1.
        line_seconds: Time in each line: from entering it to leaving it or to the ticket's last event, in calendar
            seconds, without the time in which the ticket was resolved or closed.
        handovers: Changes of the team that has a ticket, between lines or within one; `handed_over` had any.
        ping_pong: Hand-overs back to the team that had the ticket before, A to B to A; `ping_ponged` had any.
        refused_tickets: Tickets of which rows were refused: case and codes of the reasons, in the order of the log.
        resolutions: Entries to resolved or closed; `reopenings` are the exits.
        reopened_to: Reopenings by the log's own word.
    """

    format: str
    rows: int = 0
    applied: int = 0
    unchanged: int = 0
    already_there: int = 0
    refusals: Mapping[str, int] = attrs.field(factory=dict)
    refused_rows: tuple[RefusedRow, ...] = ()
    tickets: int = 0
    states: Mapping[str, int] = attrs.field(factory=dict)
    born: Mapping[int, int] = attrs.field(factory=dict)
    highest: Mapping[int, int] = attrs.field(factory=dict)
    never_left_l1: int = 0
    level_changes: Mapping[tuple[int, int], int] = attrs.field(factory=dict)
    moved_tickets: int = 0
    line_seconds: Mapping[int, float] = attrs.field(factory=dict)
    handovers: int = 0
    handed_over: int = 0
    ping_pong: int = 0
    ping_ponged: int = 0
    refused_tickets: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    resolutions: int = 0
    reopenings: int = 0
    reopened_tickets: int = 0
    reopened_to: Mapping[str, int] = attrs.field(factory=dict)
    first_resolution: FirstResolution = FirstResolution()

    @property
    def refused(self) -> int:
        """Rows that were not taken."""
        return sum(self.refusals.values())

    def counts(self) -> dict[str, Any]:
        """Return everything that does not depend on how many runs it took."""
        plain = attrs.asdict(self)
        del plain["already_there"], plain["refused_rows"]
        return plain


@attrs.define
class Course:
    """What has to be remembered of one ticket while its events go by."""

    born: int = 1
    tier: int = 1
    highest: int = 1
    done: bool = False
    moved: bool = False
    reopened: bool = False
    created: dt.datetime | None = None
    resolved: bool = False
    since: dt.datetime | None = None
    teams: list[str] = attrs.field(factory=list)
    ping_pongs: int = 0

    def take(self, team: str | None) -> None:
        """Note that a team has the ticket."""
        if team is None or (self.teams and self.teams[-1] == team):
            return
        if len(self.teams) > 1 and self.teams[-2] == team:
            self.ping_pongs += 1
        self.teams.append(team)


@attrs.define
class RowTally:
    """What became of the rows."""

    rows: int = 0
    applied: int = 0
    unchanged: int = 0
    already_there: int = 0
    refusals: Counter[str] = attrs.field(factory=Counter)
    refused_rows: list[RefusedRow] = attrs.field(factory=list)
    reopened_to: Counter[str] = attrs.field(factory=Counter)
    refused_cases: dict[str, dict[str, None]] = attrs.field(factory=dict)

    def refuse(self, line: int, case: str, code: str, sentence: str) -> None:
        """Count a row that was not taken."""
        self.refusals[code] += 1
        if case:
            self.refused_cases.setdefault(case, {})[code] = None
        if len(self.refused_rows) < LISTED:
            self.refused_rows.append(RefusedRow(line=line, case=case, code=code, sentence=sentence))


@attrs.define
class TicketTally:
    """What became of the tickets; memory of eight bytes a ticket."""

    tickets: int = 0
    moved: int = 0
    reopened: int = 0
    resolutions: int = 0
    reopenings: int = 0
    states: Counter[str] = attrs.field(factory=Counter)
    born: Counter[int] = attrs.field(factory=Counter)
    highest: Counter[int] = attrs.field(factory=Counter)
    moves: Counter[tuple[int, int]] = attrs.field(factory=Counter)
    first: array[int] = attrs.field(factory=lambda: array("q"))
    in_line: Counter[int] = attrs.field(factory=Counter)
    handovers: int = 0
    handed_over: int = 0
    ping_pong: int = 0
    ping_ponged: int = 0

    def see(self, course: Course, event: ev.Event, at: dt.datetime) -> None:
        """Take in the next event of a ticket."""
        if course.since is not None and not course.done:
            self.in_line[course.tier] += max(0, to_us(at) - to_us(course.since))
        course.since = at
        # In the order of frequency: this runs for every event of a log.
        if isinstance(event, ev.StateChanged):
            self._state(course, event.category.is_done, at)
        elif isinstance(event, ev.TierMoved):
            self.moves[event.source, event.dest] += 1
            course.moved = True
            course.tier = event.dest
            course.highest = max(course.highest, event.dest)
            course.take(event.team)
        elif isinstance(event, ev.Assigned):
            course.take(event.team)
        elif isinstance(event, ev.TicketOpened):
            course.created = at
            course.born = course.tier = course.highest = event.tier
            course.done = event.category.is_done
            course.take(event.team)
        elif isinstance(event, ev.TicketMerged | ev.TicketUnmerged):
            self._state(course, event.category.is_done, at)

    def _state(self, course: Course, done: bool, at: dt.datetime) -> None:  # noqa: FBT001 - called for every event
        if done and not course.done:
            self.resolutions += 1
            if not course.resolved and course.created is not None:
                course.resolved = True
                self.first.append(max(0, to_us(at) - to_us(course.created)))  # two clocks may disagree
        elif course.done and not done:
            self.reopenings += 1
            course.reopened = True
        course.done = done

    def end(self, course: Course, ticket: Ticket) -> None:
        """Take in the end of a ticket's log."""
        self.tickets += 1
        self.states[ticket.state] += 1
        self.born[course.born] += 1
        self.highest[course.highest] += 1
        self.moved += course.moved
        self.reopened += course.reopened
        times = max(0, len(course.teams) - 1)
        self.handovers += times
        self.handed_over += times > 0
        self.ping_pong += course.ping_pongs
        self.ping_ponged += course.ping_pongs > 0


def report(format_name: str, rows: RowTally, tickets: TicketTally) -> ReplayReport:
    """Put the two tallies together."""
    return ReplayReport(
        format=format_name,
        rows=rows.rows,
        applied=rows.applied,
        unchanged=rows.unchanged,
        already_there=rows.already_there,
        refusals=dict(sorted(rows.refusals.items())),
        refused_rows=tuple(rows.refused_rows),
        tickets=tickets.tickets,
        states=dict(sorted(tickets.states.items())),
        born=dict(sorted(tickets.born.items())),
        highest=dict(sorted(tickets.highest.items())),
        never_left_l1=tickets.highest[1],
        level_changes=dict(sorted(tickets.moves.items())),
        moved_tickets=tickets.moved,
        line_seconds={line: us / _SECOND for line, us in sorted(tickets.in_line.items())},
        handovers=tickets.handovers,
        handed_over=tickets.handed_over,
        ping_pong=tickets.ping_pong,
        ping_ponged=tickets.ping_ponged,
        refused_tickets={case: tuple(sorted(codes)) for case, codes in rows.refused_cases.items()},
        resolutions=tickets.resolutions,
        reopenings=tickets.reopenings,
        reopened_tickets=tickets.reopened,
        reopened_to=dict(sorted(rows.reopened_to.items())),
        first_resolution=_first_resolution(tickets.first),
    )


def _first_resolution(microseconds: array[int]) -> FirstResolution:
    if not microseconds:
        return FirstResolution()
    ordered = sorted(microseconds)
    total = sum(ordered)
    return FirstResolution(
        count=len(ordered),
        sum=total / _SECOND,
        mean=total / len(ordered) / _SECOND,
        median=_quantile(ordered, 1, 2),
        p90=_quantile(ordered, 9, 10),
    )


def _quantile(ordered: list[int], numerator: int, denominator: int) -> float:
    """Interpolate linearly at numerator / denominator of the way from the first value to the last one."""
    below, rest = divmod((len(ordered) - 1) * numerator, denominator)
    if rest == 0:
        return ordered[below] / _SECOND
    return (ordered[below] + (ordered[below + 1] - ordered[below]) * rest / denominator) / _SECOND
