"""Policies: what is promised to whom, as values. Conditions are data, rows are a table, nothing is code."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import attrs

from supportkit.errors import InvalidPolicy
from supportkit.model.ticket import Priority, StateCategory
from supportkit.sla import reading as read
from supportkit.sla.terms import ENDING, RESPONSES, Metric
from supportkit.sla.thresholds import Threshold, read_threshold

ALWAYS_OPEN = "always_open"
"""The name of the calendar that never closes; every desk has it."""

Reopen = Literal["continue", "new_cycle", "once"]
Condition = tuple[tuple[str, frozenset[Any]], ...]


@attrs.frozen(kw_only=True, field_transformer=read.converted)
class Row:
    """A target for a metric; what a row leaves out it does not care about.

    Attributes:
        metric: What the target is for.
        target: Open time of the calendar, or an instant, which knows no pauses.
        channel: Name of the channel.
        channel_class: Class of the channel: email, chat, messenger, social, other.
        priority: Priority of the ticket.
        tier: Support line that holds the ticket.
        calendar: Name of the calendar to measure with; by default that of the tier, vendor, metric or policy.
    """

    metric: Metric
    target: dt.timedelta | dt.datetime
    channel: str | None = None
    channel_class: str | None = None
    priority: Priority | None = None
    tier: int | None = None
    calendar: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.channel is not None and self.channel_class is not None:
            raise InvalidPolicy(f"a row for {self.metric} names a channel and a class of channels; give one of them")

    @property
    def key(self) -> tuple[Any, ...]:
        """What the row is for; two rows of a policy never share it."""
        return (self.metric, self.channel, self.channel_class, self.priority, self.tier)

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """How specific the row is: the tier first, then the channel (by name before by class), then the priority."""
        channel = 2 if self.channel is not None else 1 if self.channel_class is not None else 0
        return (self.tier is not None, channel, self.priority is not None)

    def matches(self, channel: str, channel_class: str, priority: Priority, tier: int) -> bool:
        """Tell whether the row speaks of such a ticket."""
        return (
            self.tier in (None, tier)
            and self.channel in (None, channel)
            and self.channel_class in (None, channel_class)
            and self.priority in (None, priority)
        )

    def __str__(self) -> str:
        named = [self.channel, self.channel_class, self.priority and self.priority.name.lower()]
        cell = [str(word) for word in named if word] + ([f"tier {self.tier}"] if self.tier is not None else [])
        return f"{self.metric} ({', '.join(cell) or 'any ticket'})"


@attrs.frozen(kw_only=True, field_transformer=read.converted)
class Options:
    """How a metric is measured; `None` means the default of the metric.

    Attributes:
        pauses: Categories in which the clock is paused.
        reopen: What a reopening does: `continue`, `new_cycle` or `once`.
        end: Which category ends the work: `resolved` or `closed`.
        calendar: Name of the calendar of this metric.
        warnings: Thresholds: `"80%"`, `"-30m"`, `"+1h"`.
        after_first_response: NEXT_RESPONSE: whether it waits for the first response.
        restart_on: PERIODIC_UPDATE: `response`, or `any_contact` for customer messages too.
        starts: PERIODIC_UPDATE: `creation` or `first_response`.
        bots_count: Whether a bot's reply is a response.
        owner_only: Whether only the owner's reply is a response.
        cumulative: TIER: whether the visits to one tier add up.
        kept_by: PROMISE: `kept`, or `response` for the next response too.
    """

    pauses: frozenset[StateCategory] | None = None
    reopen: Reopen | None = None
    end: Literal["resolved", "closed"] = "resolved"
    calendar: str | None = None
    warnings: tuple[str, ...] = ()
    after_first_response: bool = True
    restart_on: Literal["response", "any_contact"] = "response"
    starts: Literal["creation", "first_response"] = "creation"
    bots_count: bool = False
    owner_only: bool = False
    cumulative: bool = False
    kept_by: Literal["kept", "response"] = "kept"

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """The warnings as points on the used time."""
        return tuple(read_threshold(text, "warnings") for text in self.warnings)


# Options that only some metrics have; every other one fits all metrics.
_ONLY: dict[str, frozenset[Metric]] = {
    "reopen": ENDING | {Metric.FIRST_RESPONSE, Metric.TIME_TO_OWN},
    "after_first_response": frozenset({Metric.NEXT_RESPONSE}),
    "restart_on": frozenset({Metric.PERIODIC_UPDATE}),
    "starts": frozenset({Metric.PERIODIC_UPDATE}),
    "bots_count": RESPONSES | {Metric.PROMISE},
    "owner_only": RESPONSES | {Metric.PROMISE},
    "cumulative": frozenset({Metric.TIER}),
    "kept_by": frozenset({Metric.PROMISE}),
}


def _rows(value: Any) -> tuple[Row, ...]:
    return tuple(row if isinstance(row, Row) else read.build(Row, row, "a target") for row in read.items(value, "rows"))


def _options(value: Any) -> tuple[tuple[Metric, Options], ...]:
    found: dict[Metric, Options] = {}
    for name, options in read.pairs(value, "metrics"):
        metric = read.metric(name)
        found[metric] = options if isinstance(options, Options) else read.build(Options, options, f"metrics.{metric}")
    return tuple(sorted(found.items()))


@attrs.frozen(kw_only=True, field_transformer=read.converted)
class Policy:
    """A named set of targets, and the tickets it is for.

    Attributes:
        id: Its name; stored with every ticket that it is applied to.
        rows: The targets. The matching row that is most specific wins.
        metrics: Options of single metrics. A metric that is named here without a row is measured without a target.
        calendar: Name of the calendar that rules unless a row, tier, vendor or metric has its own.
        tiers: Names of the calendars of single support lines; they rule TIER.
        vendors: Names of the calendars of vendors; they rule EXTERNAL.
        condition: For which tickets: names of fields with the values that match; all of them must.
        fallback: Whether this is the last policy, for every ticket that no other one is for.

    Raises:
        InvalidPolicy: A part is malformed, two rows share a key, or an option does not fit its metric.
    """

    id: str
    rows: tuple[Row, ...] = attrs.field(default=(), converter=_rows)
    metrics: tuple[tuple[Metric, Options], ...] = attrs.field(default=(), converter=_options)
    calendar: str = ALWAYS_OPEN
    tiers: tuple[tuple[int, str], ...] = ()
    vendors: tuple[tuple[str, str], ...] = ()
    condition: Condition = ()
    fallback: bool = False
    revision: str = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._check()
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        object.__setattr__(self, "revision", hashlib.sha256(canonical.encode()).hexdigest())

    def _check(self) -> None:
        read.name(self.id, "id")
        read.name(self.calendar, f"policy {self.id!r}, calendar")
        seen = set()
        for row in self.rows:
            if row.key in seen:
                raise InvalidPolicy(f"policy {self.id!r}: two targets for {row}")
            if isinstance(row.target, dt.timedelta) and row.target <= dt.timedelta(0):
                raise InvalidPolicy(f"policy {self.id!r}: the target of {row} is not positive")
            seen.add(row.key)
        blank = Options()
        for metric, options in self.metrics:
            for name, fits in _ONLY.items():
                if metric not in fits and getattr(options, name) != getattr(blank, name):
                    where = ", ".join(sorted(fits))
                    raise InvalidPolicy(f"policy {self.id!r}: {name!r} does nothing for {metric}; it is for {where}")
            for text in options.warnings:
                read_threshold(text, f"policy {self.id!r}, warnings of {metric}")

    def options(self, metric: Metric) -> Options:
        """Return the options of *metric*."""
        return next((options for name, options in self.metrics if name is metric), _BLANK)

    def row(self, metric: Metric, channel: str, channel_class: str, priority: Priority, tier: int) -> Row | None:
        """Return the most specific row for such a ticket, `None` where nothing is promised."""
        matching = [row for row in self.rows if row.metric is metric]
        matching = [row for row in matching if row.matches(channel, channel_class, priority, tier)]
        return max(matching, key=lambda row: row.rank, default=None)

    def matches(self, subject: Mapping[str, Any]) -> bool:
        """Tell whether the condition holds: each of its fields has one of the values it names."""
        return all(read.has_any(subject.get(field), values) for field, values in self.condition)

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as plain dicts, lists and texts, ready for JSON or TOML."""
        data: dict[str, Any] = {"id": self.id, "calendar": self.calendar}
        if self.fallback:
            data["fallback"] = True
        if self.condition:
            data["condition"] = {field: read.write_values(values) for field, values in self.condition}
        if self.tiers:
            data["tiers"] = {str(tier): calendar for tier, calendar in self.tiers}
        if self.vendors:
            data["vendors"] = dict(self.vendors)
        if self.metrics:
            data["metrics"] = {metric.value: read.write(options) for metric, options in self.metrics}
        if self.rows:
            data["targets"] = [read.write(row) for row in self.rows]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the policy that `to_dict` wrote, or that a configuration file describes.

        Raises:
            InvalidPolicy: As for the constructor, and for a key that is not known or missing.
        """
        return read.build(cls, data, "a policy", {"targets": "rows"})


_BLANK = Options()


def select(policies: Iterable[Policy], subject: Mapping[str, Any]) -> Policy | None:
    """Return the first of *policies* whose condition holds for *subject*, `None` if none does.

    Args:
        policies: In the order in which they are asked.
        subject: Fields of the ticket: channel, channel_class, priority, tier, tags, and whatever the desk knows.
    """
    return next((policy for policy in policies if policy.matches(subject)), None)


DEFAULT_POLICY = Policy(
    id="default",
    fallback=True,
    rows=_rows(
        [
            {"metric": metric, "target": target, **({"channel_class": name} if name else {})}
            for metric in (Metric.FIRST_RESPONSE, Metric.NEXT_RESPONSE)
            for name, target in (
                (None, "24h"),
                ("email", "12h"),
                ("chat", "30m"),
                ("messenger", "30m"),
                ("social", "30m"),
            )
        ]
    ),
)
"""First and next response within 24 hours on any channel, 12 for e-mail, 30 minutes for chat, messengers, social.

Tickets name the revision that was applied to them: a release that changes this one has to keep it as an earlier one.
"""
