"""Events about promises and clocks in plain English."""

from __future__ import annotations

import datetime as dt
from typing import assert_never

from supportkit.cli.times import length
from supportkit.model import events as ev
from supportkit.model.clocks import Cause, Metric
from supportkit.model.events import ClockEvent

PromiseEvent = (
    ev.PolicyApplied
    | ev.DueSet
    | ev.PromiseMade
    | ev.PromiseMoved
    | ev.PromiseKept
    | ev.PromiseCancelled
    | ev.HandedOver
    | ev.VendorPaused
    | ev.VendorResumed
    | ev.TakenBack
)

_WORDS = {
    Metric.FIRST_RESPONSE: "first response",
    Metric.NEXT_RESPONSE: "next response",
    Metric.PERIODIC_UPDATE: "update",
    Metric.RESOLUTION: "resolution",
    Metric.REQUESTER_WAIT: "waiting of the customer",
    Metric.AGENT_WORK: "work",
    Metric.TIME_TO_OWN: "time to own",
    Metric.TIER: "time in the line",
    Metric.EXTERNAL: "work of the vendor",
    Metric.PROMISE: "promise",
}
_CAUSES = {
    Cause.TARGET_CHANGED: ", because the target changed",
    Cause.CALENDAR_CHANGED: ", because the calendar changed",
    Cause.MERGED: ", because tickets were merged",
    Cause.OVERRIDE: ", by the due that was set by hand",
}


def name_of(metric: Metric) -> str:
    """Return a metric in words."""
    return _WORDS[metric]


def told_promise(event: PromiseEvent) -> str:  # noqa: C901, PLR0911 - one short case an event
    """Return what was promised, or who works on it."""
    match event:
        case ev.PolicyApplied():
            return f"policy {event.policy}" if event.policy else "no policy any more"
        case ev.DueSet():
            metric = name_of(event.metric)
            return f"due for {metric}: {_at(event.due)}" if event.due else f"no own due for {metric} any more"
        case ev.PromiseMade():
            sentence = f"promised {_goal(event)}"
            return f"{sentence}: {event.text}" if event.text else sentence
        case ev.PromiseMoved():
            return f"promise moved, now {_goal(event)}"
        case ev.PromiseKept():
            return "promise kept"
        case ev.PromiseCancelled():
            return "promise cancelled"
        case ev.HandedOver():
            return f"handed over to {event.vendor}"
        case ev.VendorPaused():
            return f"{event.vendor} waits"
        case ev.VendorResumed():
            return f"{event.vendor} goes on"
        case ev.TakenBack():
            return f"taken back from {event.vendor}"
        case _:
            assert_never(event)


def told_clock(event: ClockEvent) -> str:
    """Return what a clock found."""
    metric = name_of(event.metric)
    match event:
        case ev.ClockWarned():
            return f"WARNING: {metric}, {threshold(event.threshold)}{_late(late=event.late)}"
        case ev.ClockBreached():
            promised = f" of {_length(event.target)}" if event.target is not None else ""
            return f"BREACH: {metric}{promised} missed{_CAUSES.get(event.cause, '')}{_late(late=event.late)}"
        case ev.ClockStopped():
            target = f" of {_length(event.target)}" if event.target is not None else ""
            return f"{metric}: {event.verdict.lower()}, {_length(event.used)}{target}"
        case ev.ClockCorrected():
            before, after = (str(one or "no verdict").lower() for one in (event.before, event.verdict))
            return f"{metric} corrected: {before} -> {after}"
        case _:
            assert_never(event)


def threshold(text: str) -> str:
    """Return a threshold in words: `80%`, or seconds before or after the due."""
    if text.endswith("%"):
        return f"{text} of the target used"
    seconds = int(text.removesuffix("s"))
    return f"{length(abs(seconds))} {'before' if seconds < 0 else 'after'} the due"


def _goal(event: ev.PromiseMade | ev.PromiseMoved) -> str:
    if event.due is not None:
        return f"by {_at(event.due)}"
    return f"within {_length(event.within)}" if event.within is not None else "without a due"


def _at(instant: dt.datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _length(duration: dt.timedelta) -> str:
    return length(duration.total_seconds())


def _late(*, late: bool) -> str:
    return ", found late" if late else ""
