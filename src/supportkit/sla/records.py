"""What is written down about clocks: verdicts and warnings, each with an id that makes it exactly one."""

from __future__ import annotations

import datetime as dt

import attrs

from supportkit.clock import from_us
from supportkit.sla.fold import Key, Passing
from supportkit.sla.state import RecordState, instant
from supportkit.sla.terms import FULFILLED, Cause, Metric, Verdict, to_delta
from supportkit.sla.thresholds import BREACH


@attrs.frozen(kw_only=True)
class Record:
    """A verdict: one is appended when a clock breaches and one when it stops; none is ever edited.

    Attributes:
        id: `ticket/METRIC/instance/cycle/100%` for a breach by time or by a change; `.../stop/n` for the n-th stop.
        used: Open time used when it was written down.
        target: Open time promised then; `None` for an absolute deadline.
        due_at: The due as it stood then; `None` if the calendar never has so much time.
        at: When the clock breached or stopped.
        cause: What led to it.
    """

    id: str
    metric: Metric
    instance: int
    cycle: int
    verdict: Verdict
    used: dt.timedelta
    target: dt.timedelta | None
    due_at: dt.datetime | None
    at: dt.datetime
    cause: Cause


@attrs.frozen(kw_only=True)
class Warned:
    """A warning that became due.

    Attributes:
        id: `ticket/METRIC/instance/cycle/threshold`, so that it is delivered once however often it is found.
        threshold: `80%`, or the offset in seconds: `-1800s`.
        at: The instant; whoever delivers it later does so with a late flag and never drops it.
    """

    id: str
    metric: Metric
    instance: int
    cycle: int
    threshold: str
    at: dt.datetime


def key_text(ticket: str, key: Key, last: str) -> str:
    """Return the id of something about a clock."""
    metric, instance_, cycle = key
    return f"{ticket}/{metric}/{instance_}/{cycle}/{last}"


def record_of(ticket: str, key: Key, number: int, state: RecordState) -> Record:
    """Return the record of what a snapshot keeps; *number* counts the records of the clock from 0."""
    last = f"stop/{number + 1}" if state.cause is FULFILLED else BREACH
    return Record(
        id=key_text(ticket, key, last),
        metric=key[0],
        instance=key[1],
        cycle=key[2],
        verdict=state.verdict,
        used=to_delta(state.used),
        target=None if state.target is None else to_delta(state.target),
        due_at=instant(state.due),
        at=from_us(state.at),
        cause=state.cause,
    )


def warned_of(ticket: str, passing: Passing) -> Warned:
    """Return the warning of a threshold that was passed."""
    metric, instance_, cycle = passing.key
    return Warned(
        id=key_text(ticket, passing.key, passing.threshold),
        metric=metric,
        instance=instance_,
        cycle=cycle,
        threshold=passing.threshold,
        at=from_us(passing.at),
    )
