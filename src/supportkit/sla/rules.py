"""Rules: policies, calendars and categories compiled into the look-ups that the fold makes.

Answers are remembered, so a desk keeps one `Rules` for as long as its policies stay the same; a new one gives the same
answers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import to_us
from supportkit.errors import InvalidPolicy, UnknownState
from supportkit.model.ticket import Priority, StateCategory
from supportkit.sla import terms as tm
from supportkit.sla.levels import DEFAULT_CHANNELS, ServiceLevels
from supportkit.sla.policy import ALWAYS_OPEN, Options, Policy, select
from supportkit.sla.terms import BIT, ENDING, Metric
from supportkit.sla.thresholds import BREACH, Threshold

_WC, _WE = BIT[StateCategory.WAITING_CUSTOMER], BIT[StateCategory.WAITING_EXTERNAL]
_PAUSES = {
    Metric.PERIODIC_UPDATE: _WC,
    Metric.RESOLUTION: _WC | _WE,
    Metric.REQUESTER_WAIT: _WC,
    Metric.AGENT_WORK: _WC | _WE,
    Metric.TIER: _WC | _WE,
}
_CLOSED = BIT[StateCategory.CLOSED]
_DONE = BIT[StateCategory.RESOLVED] | _CLOSED
_ON_REQUEST = frozenset({Metric.EXTERNAL, Metric.PROMISE})
"""Metrics with facts of their own: where there are such facts, they are measured, named by a policy or not."""


class Terms(NamedTuple):
    """The options of one metric as the fold reads them: categories as bits, words as flags."""

    pauses: int
    ends: int
    reopen: str
    thresholds: tuple[Threshold, ...]
    after_first: bool
    any_contact: bool
    starts_late: bool
    bots: bool
    owner_only: bool
    cumulative: bool
    kept_by_response: bool


Turn = Literal["pause", "resume", "end", "reopen", "rephase"]
"""What a change of category is to a clock: it ends it, leaves its end, or pauses, resumes or halts it."""


class Target(NamedTuple):
    """What is promised in one cell: open time or an instant, in microseconds, and the calendar's name."""

    open_time: int | None
    instant: int | None
    calendar: str


def compile_terms(metric: Metric, options: Options) -> Terms:
    """Return *options* of *metric* with the defaults of the metric filled in."""
    pauses = options.pauses
    once = metric in {Metric.FIRST_RESPONSE, Metric.TIME_TO_OWN}
    return Terms(
        pauses=_PAUSES.get(metric, 0) if pauses is None else sum(BIT[category] for category in pauses),
        ends=_CLOSED if options.end == "closed" else _DONE,
        reopen=options.reopen or ("once" if once else "continue"),
        thresholds=tuple({point.id: point for point in options.thresholds if point.id != BREACH}.values()),
        after_first=options.after_first_response,
        any_contact=options.restart_on == "any_contact",
        starts_late=options.starts == "first_response",
        bots=options.bots_count,
        owner_only=options.owner_only,
        cumulative=options.cumulative,
        kept_by_response=options.kept_by == "response",
    )


class Bound(NamedTuple):
    """A policy together with the classes of channels that were in force when it was promised.

    Attributes:
        revision: What histories name it by.
    """

    policy: Policy
    revision: str
    channels: Mapping[str, str]


class Turns(dict[tuple[int, int], dict[Metric, Turn]]):
    """What each change of category, from one bit to another, is to the clocks; without those to which it is the same.

    An entry is made when a history first asks for it; there are at most as many as pairs of categories.
    """

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[Metric, Terms]) -> None:
        """Take the terms of all metrics."""
        super().__init__()
        self.terms = terms

    def __missing__(self, change: tuple[int, int]) -> dict[Metric, Turn]:
        turns = {metric: turn_of(metric, terms, *change) for metric, terms in self.terms.items()}
        found = self[change] = {metric: turn for metric, turn in turns.items() if turn is not None}
        return found


def turn_of(metric: Metric, terms: Terms, before: int, now: int) -> Turn | None:
    """Return what a change of category is to the clocks of *metric*; `None` if it is the same to them."""
    ended, ends = before & terms.ends, now & terms.ends
    if ends:
        return "end" if metric in ENDING else "rephase"
    if ended:
        return "reopen"
    if bool(before & terms.pauses) is bool(now & terms.pauses):
        return None
    return "pause" if now & terms.pauses else "resume"


_DEFAULT = {metric: compile_terms(metric, Options()) for metric in Metric}


class Rules:
    """What the fold needs to know, compiled.

    Args:
        policies: In the order in which they are asked, or a `ServiceLevels`. Older revisions that histories still
            name may stand behind the present ones. A `Bound` one has classes of channels of its own.
        calendars: Calendars by name, and earlier or later revisions by revision. Defaults to those of *policies*.
        categories: What each state means.
        channels: Which class a channel name belongs to.
    """

    __slots__ = (
        "_bits", "_bound", "_calendars", "_chosen", "_classes", "_found", "_measured", "_named", "_revisions",
        "_targets", "_turns", "bits", "metrics", "policies",
    )  # fmt: skip

    def __init__(
        self,
        policies: ServiceLevels | Iterable[Policy | Bound],
        calendars: Mapping[str, BusinessCalendar] | None = None,
        *,
        categories: Mapping[str, StateCategory],
        channels: Mapping[str, str] | None = None,
    ) -> None:
        """Compile nothing yet: what a history asks for is looked up once and remembered."""
        if isinstance(policies, ServiceLevels):
            calendars = dict(policies.calendars) if calendars is None else calendars
            channels = dict(policies.channels) if channels is None else channels
            policies = policies.policies
        self._classes = dict(DEFAULT_CHANNELS) if channels is None else dict(channels)
        # By identity: one policy may be bound twice, and these rules keep it alive.
        self._bound: dict[int, Bound] = {}
        for item in policies:
            bound = item if isinstance(item, Bound) else Bound(item, item.revision, self._classes)
            self._bound[id(bound.policy)] = bound
        self.policies = tuple(bound.policy for bound in self._bound.values())
        self._found: dict[tuple[str, str | None], Policy] = {}
        self._chosen: dict[tuple[str, int, int], Policy | None] = {}
        self._named: dict[int, int] = {}
        self._measured: dict[int, tuple[Metric, ...]] = {}
        self._bits = {state: BIT[category] for state, category in categories.items()}
        self._calendars = dict(calendars or {})
        self._targets: dict[tuple[Any, ...], Target] = {}
        self._turns = {id(None): Turns(_DEFAULT)}
        self._revisions: dict[int, str] = {}
        self.bits = self.bits_of(*self.policies)
        self.metrics = self.measured(self.bits)

    def bit(self, state: str | None, category: StateCategory | None) -> int:
        """Return the category of a *state* as a bit.

        Raises:
            UnknownState: Neither is the category told, nor does the state have one.
        """
        if category is not None:
            return BIT[category]
        if state is None:
            return BIT[StateCategory.NEW]
        found = self._bits.get(state)
        if found is None:
            raise UnknownState(state, sorted(self._bits))
        return found

    def channel_class(self, channel: str) -> str:
        """Return the class of a channel name; `other` for a name that nobody told."""
        return self._classes.get(channel, "other")

    def bits_of(self, *policies: Policy | None) -> int:
        """Return which metrics *policies* name, as bits; those that have facts of their own need no name."""
        key = id(policies[0]) if len(policies) == 1 else 0
        found = self._named.get(key)
        if found is not None:
            return found
        named = {row.metric for policy in policies if policy is not None for row in policy.rows}
        named.update(metric for policy in policies if policy is not None for metric, _ in policy.metrics)
        bits = sum(1 << index for index, metric in enumerate(Metric) if metric in named and metric not in _ON_REQUEST)
        if key in self._bound:
            self._named[key] = bits
        return bits

    def measured(self, bits: int) -> tuple[Metric, ...]:
        """Return the metrics that *bits* stand for."""
        found = self._measured.get(bits)
        if found is None:
            found = self._measured[bits] = tuple(metric for index, metric in enumerate(Metric) if bits & (1 << index))
        return found

    def revision_of(self, policy: Policy) -> str:
        """Return what histories name the revision of a policy by."""
        bound = self._bound.get(id(policy))
        return policy.revision if bound is None else bound.revision

    def knows(self, revision: str) -> bool:
        """Tell whether this revision of a calendar is among those given by revision."""
        return revision in self._calendars

    def choose(self, channel: str, priority: Priority, tier: int) -> Policy | None:
        """Return the first policy for a ticket of which no more is known than this."""
        key = (channel, int(priority), tier)
        if key in self._chosen:
            return self._chosen[key]
        cell = {"channel": channel, "channel_class": self.channel_class(channel), "priority": priority, "tier": tier}
        found = self._chosen[key] = select(self.policies, cell)
        return found

    def policy(self, name: str, revision: str | None) -> Policy:
        """Return a policy that a history names.

        Raises:
            InvalidPolicy: It is not among those given.
        """
        found = self._found.get((name, revision))
        if found is not None:
            return found
        for policy, known_as, _channels in self._bound.values():
            if policy.id == name and (revision is None or revision == known_as):
                self._found[name, revision] = policy
                return policy
        which = f"revision {revision[:12]} of policy {name!r}" if revision else f"policy {name!r}"
        known = ", ".join(f"{policy.id} ({known_as[:12]})" for policy, known_as, _ in self._bound.values()) or "none"
        raise InvalidPolicy(f"the history names {which}, which is not among those given: {known}")

    def turns(self, policy: Policy | None) -> Turns:
        """Return the terms of all metrics under *policy*, and what changes of category are to their clocks."""
        found = self._turns.get(id(policy))
        if found is None:
            assert policy is not None  # noqa: S101 - `None` is there from the beginning
            own = {metric: compile_terms(metric, options) for metric, options in policy.metrics}
            found = self._turns[id(policy)] = Turns({**_DEFAULT, **own})
        return found

    def target(
        self, policy: Policy | None, metric: Metric, channel: str, priority: Priority, tier: int, vendor: str = ""
    ) -> Target:
        """Return what is promised for *metric* in one cell, and with which calendar it is measured."""
        # By the policy's identity, which these rules keep alive, and by plain numbers: hashing enums is slow.
        key = (id(policy), metric, channel, int(priority), tier, vendor)
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = self._look_up(policy, metric, channel, priority, tier, vendor)
        return found

    def _look_up(
        self, policy: Policy | None, metric: Metric, channel: str, priority: Priority, tier: int, vendor: str
    ) -> Target:
        if policy is None:
            return Target(None, None, ALWAYS_OPEN)
        bound = self._bound.get(id(policy))
        classes = self._classes if bound is None else bound.channels
        row = policy.row(metric, channel, classes.get(channel, "other"), priority, tier)
        own = None
        if metric is Metric.TIER:
            own = dict(policy.tiers).get(tier)
        elif metric is Metric.EXTERNAL:
            own = dict(policy.vendors).get(vendor)
        calendar = (row and row.calendar) or own or policy.options(metric).calendar or policy.calendar
        if row is None:
            return Target(None, None, calendar)
        if isinstance(row.target, dt.datetime):
            return Target(None, to_us(row.target), calendar)
        return Target(tm.to_us(row.target), None, calendar)

    def calendar(self, name: str, revision: str | None) -> BusinessCalendar:
        """Return the calendar of this name, in a *revision* if the history names one.

        Raises:
            InvalidPolicy: It is not among those given.
        """
        if revision is not None:
            found = self._calendars.get(revision)
            if found is not None:
                return found
        found = self._calendars.get(name)
        if found is None and name == ALWAYS_OPEN:
            found = self._calendars[name] = BusinessCalendar.always_open()
        if found is None:
            raise InvalidPolicy(f"there is no calendar {name!r}; given: {', '.join(self._calendars) or 'none'}")
        if revision is not None and self.revision(found) != revision:
            raise InvalidPolicy(f"revision {revision[:12]} of calendar {name!r} is not among the calendars given")
        return found

    def revision(self, calendar: BusinessCalendar) -> str:
        """Return the revision of a calendar that these rules hold; computed once."""
        found = self._revisions.get(id(calendar))
        if found is None:
            found = self._revisions[id(calendar)] = calendar.revision
        return found
