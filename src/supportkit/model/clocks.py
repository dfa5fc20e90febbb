"""The words of promises that events carry: what is measured, how it ended, and why."""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """What is promised and measured (`docs/reference/sla.md`)."""

    FIRST_RESPONSE = "FIRST_RESPONSE"
    NEXT_RESPONSE = "NEXT_RESPONSE"
    PERIODIC_UPDATE = "PERIODIC_UPDATE"
    RESOLUTION = "RESOLUTION"
    REQUESTER_WAIT = "REQUESTER_WAIT"
    AGENT_WORK = "AGENT_WORK"
    TIME_TO_OWN = "TIME_TO_OWN"
    TIER = "TIER"
    EXTERNAL = "EXTERNAL"
    PROMISE = "PROMISE"

    __hash__ = str.__hash__  # that of Enum is a function in Python, and clocks are looked up by metric all the time


class Verdict(StrEnum):
    """Whether the promise was kept."""

    MET = "MET"
    BREACHED = "BREACHED"


class Cause(StrEnum):
    """What led to a record."""

    ELAPSED = "elapsed"
    FULFILLED = "fulfilled"
    TARGET_CHANGED = "target_changed"
    CALENDAR_CHANGED = "calendar_changed"
    MERGED = "merged"
    OVERRIDE = "override"
