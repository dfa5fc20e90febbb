"""Snapshots: the clocks of one ticket as a small frozen value that a storage can keep and a command can advance.

Instants and durations are whole microseconds here. All of it is tuples, because a clock is made at every pause of every
ticket, and a snapshot at every command; what most clocks never have lies in `Rare`, which they share.
"""

from __future__ import annotations

import datetime as dt
from sys import intern
from typing import Any, NamedTuple, Self

from supportkit.clock import from_us
from supportkit.model.ticket import Priority
from supportkit.sla.terms import LIVE, Cause, Metric, Status, Verdict

SCHEMA = 2
SEVERAL = frozenset({Metric.TIER, Metric.EXTERNAL, Metric.PROMISE})
"""Metrics of which a ticket can have several clocks at a time."""


class RecordState(NamedTuple):
    """A verdict as it was written down; see `Record`."""

    verdict: Verdict
    used: int
    target: int | None
    due: int | None
    at: int
    cause: Cause


class Rare(NamedTuple):
    """What few clocks have.

    Attributes:
        due: The due once it stands still, because used has reached the target.
        breached: When the clock breached.
        stopped: When it stopped.
        deadline: An absolute deadline.
        override: A due that a person set beside the policy's own.
        fired: Ids of the thresholds that used has passed.
        records: The verdicts, in the order in which they were written down.
        is_held: Whether the vendor itself paused.
        is_skewed: Whether something happened before the start.
    """

    due: int | None = None
    breached: int | None = None
    stopped: int | None = None
    deadline: int | None = None
    override: int | None = None
    fired: tuple[str, ...] = ()
    records: tuple[RecordState, ...] = ()
    is_held: bool = False
    is_skewed: bool = False


FRESH = Rare()
NEW = tuple.__new__
"""Makes a clock, and what it is made of, of a whole row in half the time that calling its class takes.

The other way round, `a, b, c = clock[:]` takes a quarter of the time of `a, b, c = clock`: only plain tuples, which a
slice is, are taken apart without an iterator.
"""


class ClockState(NamedTuple):
    """One clock.

    Attributes:
        used: Open time of all running spans before *since*.
        since: When the present running span was last measured; `None` unless it runs.
        target: Open time that is promised.
        calendar: The name of the calendar; which revision of it is for the snapshot to know.
        subject: The channel of NEXT_RESPONSE, the tier, the vendor or the promise.
    """

    metric: Metric
    instance: int
    cycle: int
    status: Status
    started: int
    used: int
    since: int | None
    target: int | None
    calendar: str
    subject: str
    rare: Rare

    @property
    def key(self) -> tuple[Metric, int, int]:
        """Metric, instance and cycle."""
        return (self.metric, self.instance, self.cycle)

    @property
    def slot(self) -> str:
        """The place of the clock in its fold: one a metric, or one a tier, vendor or promise."""
        return f"{self.metric}:{self.subject}" if self.metric in SEVERAL else self.metric

    def timed(self, status: Status, used: int, since: int | None) -> ClockState:
        """Return the clock in another status; the change that happens most, so without keywords."""
        metric, instance_, cycle, _, started, _, _, target, calendar, subject, rare = self[:]
        row = (metric, instance_, cycle, status, started, used, since, target, calendar, subject, rare)
        return NEW(ClockState, row)

    def but(self, **changes: Any) -> ClockState:
        """Return the clock with *changes* in its rare part."""
        return self.having(self.rare._replace(**changes))

    def having(self, rare: Rare) -> ClockState:
        """Return the clock with another rare part."""
        metric, instance_, cycle, status, started, used, since, target, calendar, subject, _ = self[:]
        return NEW(
            ClockState, (metric, instance_, cycle, status, started, used, since, target, calendar, subject, rare)
        )


class Snapshot(NamedTuple):
    """All that the next fact needs to know of a ticket's past.

    It holds the live clocks, and of each metric the last one that ended; verdicts of earlier instances are handed out
    by the step in which they come about.

    Attributes:
        ticket: The id of the ticket.
        at: When the last fact took effect, in microseconds.
        seq: The sequence number of the last fact.
        created: When the ticket was created.
        category: The bit of the present category.
        owed: 0 before the customer asked, 1 while the first response is owed, 2 afterwards.
        policy: The policy in force, and its revision.
        handovers: How many EXTERNAL clocks there were.
        promises: How many PROMISE clocks there were.
        pins: Revisions of calendars that the history names.
        merged: The ticket that this one ended in.
        clocks: The clocks, each in a slot of its own.
        measured: The metrics that are measured, as bits.
    """

    ticket: str
    at: int
    seq: int
    created: int
    category: int
    channel: str
    priority: Priority
    tier: int
    owner: str | None
    owed: int
    policy: str | None
    revision: str | None
    handovers: int
    promises: int
    pins: tuple[tuple[str, str], ...]
    merged: str | None
    clocks: tuple[ClockState, ...]
    measured: int

    @property
    def is_idle(self) -> bool:
        """Whether no clock is live, so that nothing can become due by time alone."""
        return not any(clock.status in LIVE for clock in self.clocks)

    def to_json(self) -> list[Any]:
        """Return the snapshot as nested lists of texts and whole numbers, ready for JSON."""
        row: list[Any] = [SCHEMA, *self]
        row[_PRIORITY] = self.priority._value_
        row[_PINS] = [list(pin) for pin in self.pins] if self.pins else []
        row[_CLOCKS] = [_plain_clock(clock) for clock in self.clocks]
        return row

    @classmethod
    def from_json(cls, data: list[Any]) -> Self:
        """Return the snapshot that `to_json` wrote.

        Raises:
            ValueError: It was written by another schema, or is no snapshot at all.
        """
        if not isinstance(data, list) or not data or data[0] != SCHEMA:
            raise ValueError(_FOREIGN)
        try:
            (
                _, ticket, at, seq, created, category, channel, priority, tier, owner, owed, policy, revision,
                handovers, promises, pins, merged, clocks, measured,
            ) = data  # fmt: skip
            row = (
                # Names that thousands of tickets share are kept once.
                ticket, at, seq, created, category, intern(channel), _PRIORITIES[priority], tier, owner, owed,
                policy and intern(policy), revision and intern(revision), handovers, promises,
                tuple([(name, pinned) for name, pinned in pins]), merged, tuple([_read_clock(one) for one in clocks]),
                measured,
            )  # fmt: skip
            return NEW(cls, row)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(_FOREIGN) from error


_FOREIGN = "this is no snapshot of clocks of this release; replay the history instead"
# Where the snapshot's parts that are not plain lie in its JSON, behind the number of the schema.
_PRIORITY, _PINS, _CLOCKS = (Snapshot._fields.index(name) + 1 for name in ("priority", "pins", "clocks"))
# Calling an enumeration to find a member takes ten times as long as looking it up.
_PRIORITIES = {member.value: member for member in Priority}
_METRICS = {member.value: member for member in Metric}
_STATUSES = {member.value: member for member in Status}
_VERDICTS = {member.value: member for member in Verdict}
_CAUSES = {member.value: member for member in Cause}
_RARE = Rare._fields


def _plain_clock(clock: ClockState) -> list[Any]:
    metric, instance_, cycle, status, started, used, since, target, calendar, subject, rare = clock[:]
    row: list[Any] = [
        metric._value_, instance_, cycle, status._value_, started, used, since, target, calendar, subject,
    ]  # fmt: skip
    if rare is not FRESH and rare != FRESH:
        parts = zip(_RARE, rare, FRESH, strict=True)
        changes: dict[str, Any] = {name: value for name, value, fresh in parts if value != fresh}
        if rare.records:
            changes["records"] = [
                [verdict._value_, used, target, due, at, cause._value_]
                for verdict, used, target, due, at, cause in rare.records
            ]
        row.append(changes)
    return row


def _read_clock(row: list[Any]) -> ClockState:
    metric, instance, cycle, status, started, used, since, target, calendar, subject, *more = row
    rare = FRESH
    if more:
        changes: dict[str, Any] = dict(more[0])
        if "fired" in changes:
            changes["fired"] = tuple(changes["fired"])
        if "records" in changes:
            changes["records"] = tuple([_read_record(item) for item in changes["records"]])
        rare = Rare(**changes)
    state = (
        _METRICS[metric], instance, cycle, _STATUSES[status], started, used, since, target, intern(calendar),
        intern(subject), rare,
    )  # fmt: skip
    return NEW(ClockState, state)


def _read_record(row: list[Any]) -> RecordState:
    verdict, used, target, due, at, cause = row
    return NEW(RecordState, (_VERDICTS[verdict], used, target, due, at, _CAUSES[cause]))


def instant(us: int | None) -> dt.datetime | None:
    """Return the instant of *us* microseconds, or `None`."""
    return None if us is None else from_us(us)
