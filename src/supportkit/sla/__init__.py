"""Service levels: promises as data, clocks as a pure fold of what happened, and explanations of both.

Usable alone: facts, policies and calendars go in, clocks come out. Nothing here reads a clock or does I/O.
"""

from __future__ import annotations

from supportkit.errors import HistoryNeeded, InvalidPolicy, UnknownState
from supportkit.sla.attainment import DIMENSIONS, Attainment, Attainments, Cell, attainment
from supportkit.sla.clocks import Clock, ClockSet, Step, advance, evaluate, replay, report, step
from supportkit.sla.compare import Change, Comparison, Trial, compare
from supportkit.sla.corrections import Correction
from supportkit.sla.explain import Kind, Segment, explain, picture
from supportkit.sla.facts import (
    Absorbed,
    CalendarChanged,
    ChannelSet,
    Created,
    DeliveryFailed,
    DueOverridden,
    ExternalEnded,
    ExternalPaused,
    ExternalResumed,
    ExternalStarted,
    Fact,
    Merged,
    Messaged,
    OwnerSet,
    PolicyApplied,
    PrioritySet,
    PromiseCancelled,
    PromiseKept,
    PromiseMade,
    PromiseMoved,
    Released,
    StateEntered,
    TierEntered,
    Unmerged,
    Voided,
)
from supportkit.sla.history import needs_history
from supportkit.sla.levels import CHANNEL_CLASSES, DEFAULT_CHANNELS, ServiceLevels
from supportkit.sla.lint import Finding, Severity, lint
from supportkit.sla.policy import ALWAYS_OPEN, DEFAULT_POLICY, Options, Policy, Row, select
from supportkit.sla.records import Record, Warned
from supportkit.sla.rules import Rules
from supportkit.sla.state import Snapshot
from supportkit.sla.terms import Cause, Metric, Status, Verdict, read_duration, write_duration
from supportkit.sla.translate import facts_of
from supportkit.sla.upcoming import Due, DueKind, tick, upcoming, verdicts, warnings
from supportkit.sla.whatif import Difference, WhatIf, what_if

__all__ = [
    "ALWAYS_OPEN",
    "CHANNEL_CLASSES",
    "DEFAULT_CHANNELS",
    "DEFAULT_POLICY",
    "DIMENSIONS",
    "Absorbed",
    "Attainment",
    "Attainments",
    "CalendarChanged",
    "Cause",
    "Cell",
    "Change",
    "ChannelSet",
    "Clock",
    "ClockSet",
    "Comparison",
    "Correction",
    "Created",
    "DeliveryFailed",
    "Difference",
    "Due",
    "DueKind",
    "DueOverridden",
    "ExternalEnded",
    "ExternalPaused",
    "ExternalResumed",
    "ExternalStarted",
    "Fact",
    "Finding",
    "HistoryNeeded",
    "InvalidPolicy",
    "Kind",
    "Merged",
    "Messaged",
    "Metric",
    "Options",
    "OwnerSet",
    "Policy",
    "PolicyApplied",
    "PrioritySet",
    "PromiseCancelled",
    "PromiseKept",
    "PromiseMade",
    "PromiseMoved",
    "Record",
    "Released",
    "Row",
    "Rules",
    "Segment",
    "ServiceLevels",
    "Severity",
    "Snapshot",
    "StateEntered",
    "Status",
    "Step",
    "TierEntered",
    "Trial",
    "UnknownState",
    "Unmerged",
    "Verdict",
    "Voided",
    "Warned",
    "WhatIf",
    "advance",
    "attainment",
    "compare",
    "evaluate",
    "explain",
    "facts_of",
    "lint",
    "needs_history",
    "picture",
    "read_duration",
    "replay",
    "report",
    "select",
    "step",
    "tick",
    "upcoming",
    "verdicts",
    "warnings",
    "what_if",
    "write_duration",
]
