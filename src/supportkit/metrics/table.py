"""`FlowTable`: what is kept of each ticket to compute every KPI, in columns of whole numbers, and mergeable.

A ticket takes under 300 bytes, however long its log is. Instants and durations are microseconds. Tables of different
tickets add up: whatever is computed from the sum equals what one fold of all tickets gives.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

import attrs

from supportkit.clock import to_us
from supportkit.metrics.flow import TicketFlow
from supportkit.model.ticket import ClosingReason

Mode = Literal["calendar", "business"]
Standing = Literal["met", "breached", "running"]
NONE = -(2**63)
"""Stands for no value."""
_MICROSECOND = dt.timedelta(microseconds=1)
REASONS = (None, *ClosingReason)
VERDICTS: tuple[Standing, ...] = ("met", "breached", "running")

_TIMES = ("created", "resolved", "reopened", "escalated", "done", "contact", "second_reply")
_SPANS = ("reply", "requester_wait", "agent_wait", "on_hold", "open_next", "first_resolution", "full_resolution")
_SMALL = {
    "customer": "q",
    "topics": "i",
    "channel": "i",
    "agent": "i",
    "zone": "i",
    "excluded": "i",
    "reason": "b",
    "flags": "B",
    "replies": "i",
    "reopens": "h",
    "moves": "h",
    "born_tier": "b",
    "last_tier": "b",
    "entered": "I",
    "left_up": "I",
}
REPLIED, DONE = 1, 2


@attrs.frozen(kw_only=True)
class ClockResult:
    """How a promise stands: its clock, when it is due, and its verdict."""

    clock: str
    due_at: dt.datetime
    verdict: Standing


@attrs.frozen(kw_only=True)
class TicketEntry:
    """One ticket as the table takes it.

    Attributes:
        flow: What happened, in calendar time.
        business: The same in business time; `None` where no schedule is known.
        customer: Whose it is; only a hash is kept.
        topics: What it is about.
        agent: Whom the numbers of people count it for.
        reason: Why it ended.
        excluded: Why the filter leaves it out.
        clocks: Its promises.
        contact_at: When the customer's first message arrived; `None`: it began with an agent.
        zone: The customer's IANA zone.
    """

    flow: TicketFlow
    business: TicketFlow | None = None
    customer: str | None = None
    topics: tuple[str, ...] = ()
    agent: str | None = None
    reason: ClosingReason | None = None
    excluded: str | None = None
    clocks: tuple[ClockResult, ...] = ()
    contact_at: dt.datetime | None = None
    zone: str | None = None


class Names:
    """Names by number, in the order in which they came."""

    def __init__(self, names: Iterable[object] = ()) -> None:
        self._numbers: dict[object, int] = {}
        for name in names:
            self.number(name)

    def number(self, name: object) -> int:
        """Return the number of a name; a new name gets the next one."""
        return self._numbers.setdefault(name, len(self._numbers))

    def list(self) -> list[object]:
        """Return the names by number."""
        return list(self._numbers)


class FlowTable:
    """The tickets of a desk, or of some part of it. Add tickets with `add`, tables with `merge`.

    Attributes:
        now: The instant by which everything was folded.
        modes: `calendar`, and `business` where durations were measured with a schedule.
        filter: Id of the filter that said which tickets are left out.
        has_replies: Whether the logs have messages; without any, nothing about replies is measured.
    """

    def __init__(
        self,
        now: dt.datetime,
        *,
        filter: str = "none/1",  # noqa: A002 - what it is called everywhere
        has_business: bool = False,
        has_replies: bool = True,
    ) -> None:
        self.now = now
        self.filter = filter
        self.has_replies = has_replies
        self.modes: tuple[Mode, ...] = ("calendar", "business") if has_business else ("calendar",)
        self._columns: dict[str, array[int]] = {name: array("q") for name in _TIMES}
        # Creation to first and last resolution in calendar time follow from the instants, so they are not kept twice.
        for mode in self.modes:
            spans = _SPANS if mode == "business" else _SPANS[:5]
            self._columns.update({f"{name}.{mode}": array("q") for name in spans})
        self._columns.update({name: array(kind) for name, kind in _SMALL.items()})
        self._names = {name: Names() for name in ("topics", "channel", "agent", "zone", "excluded", "clock")}
        self._visits = _Extra({"ticket": "i", "tier": "b", **dict.fromkeys(self.modes, "q")})
        self._next = _Extra({"ticket": "i", **dict.fromkeys(self.modes, "q")})
        self._again = _Extra({"ticket": "i", "resolved": "q", "reopened": "q"})
        self._clocks = _Extra({"ticket": "i", "clock": "b", "due": "q", "verdict": "b"})

    def __len__(self) -> int:
        return len(self._columns["created"])

    @property
    def nbytes(self) -> int:
        """How much memory the numbers take, names apart."""
        extra = [column for table in self._extras() for column in table.columns.values()]
        return sum(column.itemsize * len(column) for column in [*self._columns.values(), *extra])

    def add(self, entry: TicketEntry) -> None:
        """Take in a ticket."""
        flow, put = entry.flow, self._put
        ticket = len(self)
        first = flow.resolutions[0] if flow.resolutions else None
        put("created", to_us(flow.created_at))
        put("resolved", _instant(None if first is None else first.resolved_at))
        put("reopened", _instant(None if first is None else first.reopened_at))
        put("escalated", _instant(_escalated(flow)))
        put("done", to_us(flow.resolutions[-1].resolved_at) if flow.is_done and flow.resolutions else NONE)
        put("contact", _instant(entry.contact_at))
        put("second_reply", to_us(flow.replies_at[1]) if flow.replies > 1 else NONE)
        put("customer", _hashed(entry.customer))
        put("topics", self._names["topics"].number(entry.topics))
        put("channel", self._names["channel"].number(flow.channel))
        put("agent", self._names["agent"].number(entry.agent))
        put("zone", self._names["zone"].number(entry.zone))
        put("excluded", self._names["excluded"].number(entry.excluded))
        put("reason", REASONS.index(entry.reason))
        put("flags", REPLIED * bool(flow.replies) | DONE * flow.is_done)
        put("replies", flow.replies)
        put("reopens", min(flow.reopens, 32_767))
        put("moves", min(flow.level_changes, 32_767))
        tiers = flow.tiers
        put("born_tier", tiers[0])
        put("last_tier", tiers[-1])
        put("entered", _mask(tiers))
        put("left_up", _mask(before for before, after in pairwise(tiers) if after > before))
        for one in flow.resolutions[1:]:
            self._again.add(ticket, to_us(one.resolved_at), _instant(one.reopened_at))
        for clock in entry.clocks:
            number = self._names["clock"].number(clock.clock)
            self._clocks.add(ticket, number, to_us(clock.due_at), VERDICTS.index(clock.verdict))
        self._spans(ticket, [flow] if len(self.modes) == 1 else [flow, _given(entry.business)])

    def _spans(self, ticket: int, flows: Sequence[TicketFlow]) -> None:
        for flow in flows:
            wait = flow.first_reply_wait.time
            spans: tuple[dt.timedelta | None, ...] = (
                wait,
                flow.requester_wait,
                flow.agent_wait,
                flow.on_hold,
                flow.open_next_reply,
            )
            if flow.mode == "business":
                spans = (*spans, flow.first_resolution, flow.full_resolution)
            for name, span in zip(_SPANS, spans, strict=False):
                self._put(f"{name}.{flow.mode}", _length(span))
        for several in zip(*(flow.next_replies for flow in flows), strict=True):
            self._next.add(ticket, *map(_length, several))
        visits = [visit for visit in flows[0].visits if visit.left_at is not None]
        for number, visit in enumerate(visits):
            times = (flow.visit_times[number] for flow in flows)
            self._visits.add(ticket, visit.tier, *map(_length, times))

    def _put(self, name: str, value: int) -> None:
        self._columns[name].append(value)

    def merge(self, other: FlowTable) -> None:
        """Take in the tickets of another table.

        Raises:
            ValueError: It was folded by another instant, with another filter or in other modes.
        """
        if self._folded() != other._folded():
            raise ValueError("tables of another instant, another filter or other modes are never merged")
        before = len(self)
        renumbered = {
            name: [mine.number(one) for one in other._names[name].list()] for name, mine in self._names.items()
        }
        for name, column in self._columns.items():
            theirs = other._columns[name]
            column.extend(theirs if name not in renumbered else (renumbered[name][number] for number in theirs))
        for mine, extra in zip(self._extras(), other._extras(), strict=True):
            mine.extend(extra, before, renumbered["clock"])

    def _folded(self) -> tuple[object, ...]:
        return self.now, self.filter, self.modes, self.has_replies

    def _extras(self) -> tuple[_Extra, ...]:
        return self._visits, self._next, self._again, self._clocks

    # -- reading -------------------------------------------------------------------------------------------------------

    def column(self, name: str) -> array[int]:
        """Return a column, a value for each ticket; do not change it."""
        return self._columns[name]

    def names(self, name: str) -> list[object]:
        """Return the names that the numbers of a column stand for."""
        return self._names[name].list()

    def durations(self, name: str, mode: Mode) -> Sequence[int]:
        """Return a duration of every ticket in microseconds, `NONE` where there is none."""
        if mode == "calendar" and name in {"first_resolution", "full_resolution"}:
            ends = self._columns["resolved" if name == "first_resolution" else "done"]
            created = self._columns["created"]
            return [NONE if end == NONE else end - start for start, end in zip(created, ends, strict=True)]
        return self._columns[f"{name}.{mode}"]

    def visits(self, mode: Mode) -> Iterator[tuple[int, int, int]]:
        """Yield ticket, tier and length of each ended visit."""
        return zip(self._visits["ticket"], self._visits["tier"], self._visits[mode], strict=True)

    def next_replies(self, mode: Mode) -> Iterator[tuple[int, int]]:
        """Yield ticket and wait of each answered run of messages."""
        return zip(self._next["ticket"], self._next[mode], strict=True)

    def later_resolutions(self) -> Iterator[tuple[int, int, int]]:
        """Yield ticket, resolution and reopening of every resolution but the first ones."""
        return zip(self._again["ticket"], self._again["resolved"], self._again["reopened"], strict=True)

    def clocks(self) -> Iterator[tuple[int, str, int, Standing]]:
        """Yield ticket, clock, due and verdict of each promise."""
        names = [str(name) for name in self.names("clock")]
        rows = zip(*(self._clocks[name] for name in ("ticket", "clock", "due", "verdict")), strict=True)
        return ((ticket, names[clock], due, VERDICTS[verdict]) for ticket, clock, due, verdict in rows)


class _Extra:
    """Rows of which a ticket has any number."""

    def __init__(self, columns: dict[str, str]) -> None:
        self.columns: dict[str, array[int]] = {name: array(kind) for name, kind in columns.items()}
        self._put = [column.append for column in self.columns.values()]

    def __getitem__(self, name: str) -> array[int]:
        return self.columns[name]

    def add(self, *values: int) -> None:
        for put, value in zip(self._put, values, strict=True):
            put(value)

    def extend(self, other: _Extra, before: int, clocks: Sequence[int]) -> None:
        for name, column in self.columns.items():
            theirs = other.columns[name]
            if name == "ticket":
                column.extend(number + before for number in theirs)
            else:
                column.extend(theirs if name != "clock" else (clocks[number] for number in theirs))


def _given(flow: TicketFlow | None) -> TicketFlow:
    if flow is None:
        raise ValueError("this table measures business time too: give the ticket in business time")
    return flow


def _instant(at: dt.datetime | None) -> int:
    return NONE if at is None else to_us(at)


def _length(span: dt.timedelta | None) -> int:
    return NONE if span is None else (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def span_of(length: int) -> dt.timedelta:
    """Return a duration of the table."""
    return length * _MICROSECOND


def _escalated(flow: TicketFlow) -> dt.datetime | None:
    return next((after.entered_at for before, after in pairwise(flow.visits) if after.tier > before.tier), None)


def _mask(tiers: Iterable[int]) -> int:
    found = 0
    for tier in tiers:
        found |= 1 << tier
    return found


def _hashed(customer: str | None) -> int:
    if customer is None:
        return NONE
    return int.from_bytes(hashlib.blake2b(customer.encode(), digest_size=8).digest(), "big", signed=True) | 1
