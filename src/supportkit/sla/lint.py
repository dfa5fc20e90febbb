"""The linter: what is wrong or unwise in policies, found before a customer finds it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

import attrs

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import to_us, to_utc
from supportkit.model.ticket import Priority, StateCategory
from supportkit.sla import terms as tm
from supportkit.sla.levels import CHANNEL_CLASSES, DEFAULT_CHANNELS, ServiceLevels
from supportkit.sla.lint_calendars import dst_edges, overlapping, remaining
from supportkit.sla.policy import ALWAYS_OPEN, Policy, Row
from supportkit.sla.rules import Rules, compile_terms
from supportkit.sla.terms import BIT, RESPONSES, Metric
from supportkit.sla.thresholds import BREACH

_TIERS = range(1, 6)


class Severity(StrEnum):
    """Whether the policy is refused, or works and may not do what is meant."""

    ERROR = "E"
    WARNING = "W"


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that the linter found.

    Attributes:
        code: `L01` to `L19`.
        sentence: What is wrong, for people.
        where: The policy, row or calendar.
    """

    code: str
    severity: Severity
    sentence: str
    where: str


@attrs.frozen(kw_only=True)
class _Desk:
    """What the checks look at."""

    policies: tuple[Policy, ...]
    calendars: Mapping[str, BusinessCalendar]
    channels: Mapping[str, str]
    categories: Mapping[str, StateCategory]
    auto_close: dt.timedelta | None
    now: dt.datetime
    rules: Rules


Check = Callable[[_Desk], Iterator[Finding]]


def lint(
    policies: ServiceLevels | Iterable[Policy],
    calendars: Mapping[str, BusinessCalendar] | None,
    lifecycle: Mapping[str, StateCategory],
    *,
    now: dt.datetime | str,
    channels: Mapping[str, str] | None = None,
    auto_close: dt.timedelta | None = None,
) -> list[Finding]:
    """Return what is wrong or unwise, in the order of the policies and codes.

    Args:
        policies: The ordered policies.
        calendars: The calendars by name; by default those of a `ServiceLevels`.
        lifecycle: The category of each state.
        now: From when on calendars are looked at.
        channels: The classes of channel names.
        auto_close: After how long a resolved ticket closes by itself, if it does.
    """
    if isinstance(policies, ServiceLevels):
        calendars = dict(policies.calendars) if calendars is None else calendars
        channels = dict(policies.channels) if channels is None else channels
        policies = policies.policies
    known = {ALWAYS_OPEN: BusinessCalendar.always_open(), **(calendars or {})}
    listed = tuple(policies)
    desk = _Desk(
        policies=listed,
        calendars=known,
        channels=dict(DEFAULT_CHANNELS) if channels is None else channels,
        categories=lifecycle,
        auto_close=auto_close,
        now=to_utc(now, "now"),
        rules=Rules(listed, known, categories=lifecycle, channels=channels),
    )
    return [finding for check in _CHECKS for finding in check(desk)]


def _error(code: str, sentence: str, where: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, sentence=sentence, where=where)


def _advice(code: str, sentence: str, where: str) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, sentence=sentence, where=where)


# -- the list of policies --------------------------------------------------------------------------------------


def _l01(desk: _Desk) -> Iterator[Finding]:
    for index, later in enumerate(desk.policies):
        for earlier in desk.policies[:index]:
            mine = dict(later.condition)
            if all(field in mine and mine[field] <= values for field, values in earlier.condition):
                yield _error("L01", f"it is never applied: {earlier.id!r} before it matches all it matches", later.id)
                break


def _l02(desk: _Desk) -> Iterator[Finding]:
    if not any(policy.fallback for policy in desk.policies):
        yield _advice("L02", "no policy is the fallback, so some tickets have no targets", "policies")


def _l03(desk: _Desk) -> Iterator[Finding]:
    for policy in desk.policies:
        if not policy.condition and not policy.fallback:
            yield _error("L03", "it has no condition and is not marked as the fallback", policy.id)
        if policy.fallback and (policy is not desk.policies[-1] or policy.condition):
            yield _error("L03", "a fallback is the last policy and has no condition", policy.id)


def _l04(desk: _Desk) -> Iterator[Finding]:
    # A `Policy` refuses both at construction; this is for those who made one otherwise.
    for policy in desk.policies:
        keys = [row.key for row in policy.rows]
        for row in policy.rows:
            if isinstance(row.target, dt.timedelta) and row.target <= dt.timedelta(0):
                yield _error("L04", f"the target of {row} is not positive", policy.id)
            if keys.count(row.key) > 1:
                yield _error("L04", f"two targets for {row}", policy.id)


def _l05(desk: _Desk) -> Iterator[Finding]:
    for policy in desk.policies:
        for row in policy.rows:
            if row.channel is not None and row.channel not in desk.channels:
                yield _advice("L05", f"the channel {row.channel!r} is not known", f"{policy.id}: {row}")
            if row.channel_class is not None and row.channel_class not in CHANNEL_CLASSES:
                yield _advice("L05", f"the class {row.channel_class!r} is not known", f"{policy.id}: {row}")
            if row.tier is not None and row.tier not in _TIERS:
                yield _advice("L05", f"there is no tier {row.tier}", f"{policy.id}: {row}")


# -- the matrix of targets -------------------------------------------------------------------------------------

Cell = tuple[str, Priority, int]


def _cells(policy: Policy, desk: _Desk) -> Iterator[Cell]:
    """Return the cells in which rows of a policy could differ: one channel of each class and those named."""
    named = [row.channel for row in policy.rows if row.channel is not None]
    by_class = {kind: name for name, kind in sorted(desk.channels.items(), reverse=True)}
    channels = sorted({*named, *by_class.values()}) or ["email"]
    tiers = sorted({1, *(row.tier for row in policy.rows if row.tier is not None)})
    return ((channel, priority, tier) for channel in channels for priority in Priority for tier in tiers)


def _target(policy: Policy, metric: Metric, cell: Cell, desk: _Desk) -> int | None:
    return desk.rules.target(policy, metric, *cell).open_time


def _shown(cell: Cell) -> str:
    channel, priority, tier = cell
    return f"{channel}, {priority.name.lower()}, tier {tier}"


def _hours(us: int) -> str:
    return tm.write_duration(tm.to_delta(us))


def _metrics(policy: Policy) -> list[Metric]:
    return sorted({row.metric for row in policy.rows})


def _l06(desk: _Desk) -> Iterator[Finding]:
    for policy in desk.policies:
        for metric in _metrics(policy):
            channels = desk.rules.channel_class
            bare = [
                cell
                for cell in _cells(policy, desk)
                if policy.row(metric, cell[0], channels(cell[0]), cell[1], cell[2]) is None
            ]
            if bare:
                yield _advice(
                    "L06", f"{len(bare)} cells have no target for {metric}, the first: {_shown(bare[0])}", policy.id
                )


def _l07(desk: _Desk) -> Iterator[Finding]:
    for policy in desk.policies:
        for metric in _metrics(policy):
            for channel, priority, tier in _cells(policy, desk):
                if priority is Priority.URGENT:
                    continue
                low = _target(policy, metric, (channel, priority, tier), desk)
                high = _target(policy, metric, (channel, Priority(priority + 1), tier), desk)
                if low is not None and high is not None and high > low:
                    name = Priority(priority + 1).name.lower()
                    sentence = f"{metric} takes {_hours(high)} for {name}, {_hours(low)} for {priority.name.lower()}"
                    yield _advice("L07", sentence, f"{policy.id}: {channel}, tier {tier}")
                    break


def _longer(desk: _Desk, code: str, first: Metric, second: Metric) -> Iterator[Finding]:
    """Find the first cell of each policy in which *first* has a longer target than *second*."""
    for policy in desk.policies:
        for cell in _cells(policy, desk):
            one, other = _target(policy, first, cell, desk), _target(policy, second, cell, desk)
            if one is not None and other is not None and one > other:
                sentence = f"{first} takes {_hours(one)}, {second} only {_hours(other)}"
                yield _advice(code, sentence, f"{policy.id}: {_shown(cell)}")
                break


def _l08(desk: _Desk) -> Iterator[Finding]:
    yield from _longer(desk, "L08", Metric.FIRST_RESPONSE, Metric.RESOLUTION)


def _l09(desk: _Desk) -> Iterator[Finding]:
    for finding in _longer(desk, "L09", Metric.FIRST_RESPONSE, Metric.PERIODIC_UPDATE):
        policy = next(item for item in desk.policies if finding.where.startswith(f"{item.id}: "))
        if policy.options(Metric.PERIODIC_UPDATE).starts == "creation":
            yield finding


def _l10(desk: _Desk) -> Iterator[Finding]:
    for policy in desk.policies:
        for metric, options in policy.metrics:
            if {StateCategory.NEW, StateCategory.OPEN} <= (options.pauses or frozenset()):
                yield _error("L10", f"{metric} pauses in both NEW and OPEN, so it cannot run", policy.id)


def _l11(desk: _Desk) -> Iterator[Finding]:
    waiting = BIT[StateCategory.WAITING_EXTERNAL]
    for policy in desk.policies:
        if compile_terms(Metric.RESOLUTION, policy.options(Metric.RESOLUTION)).pauses & waiting:
            continue
        for cell in _cells(policy, desk):
            vendor = _target(policy, Metric.EXTERNAL, cell, desk)
            whole = _target(policy, Metric.RESOLUTION, cell, desk)
            if vendor is not None and whole is not None and vendor >= whole:
                sentence = f"EXTERNAL may take {_hours(vendor)}, and RESOLUTION, which runs meanwhile, {_hours(whole)}"
                yield _advice("L11", sentence, f"{policy.id}: {_shown(cell)}")
                break


def _l12(desk: _Desk) -> Iterator[Finding]:
    for policy in desk.policies:
        path = sorted({row.tier for row in policy.rows if row.metric is Metric.TIER and row.tier is not None})
        for channel, priority, tier in _cells(policy, desk):
            whole = _target(policy, Metric.RESOLUTION, (channel, priority, tier), desk)
            parts = [_target(policy, Metric.TIER, (channel, priority, step), desk) or 0 for step in path]
            if tier == 1 and path and whole is not None and sum(parts) > whole:
                sentence = f"the TIER targets add up to {_hours(sum(parts))}, RESOLUTION has {_hours(whole)}"
                yield _advice("L12", sentence, f"{policy.id}: {channel}, {priority.name.lower()}")
                break


def _l13(desk: _Desk) -> Iterator[Finding]:
    for policy in desk.policies:
        for metric, options in policy.metrics:
            targets = {_target(policy, metric, cell, desk) for cell in _cells(policy, desk)}
            for target in sorted(target for target in targets if target is not None):
                points = [(point.id, point.point(target)) for point in options.thresholds]
                points += [(f"{BREACH} (the breach)", target)]
                for name, point in points:
                    if point <= 0:
                        sentence = f"the warning {name} of {metric} fires at the start of {_hours(target)}"
                        yield _advice("L13", sentence, policy.id)
                values = [point for _, point in points if point > 0]
                for value in sorted({value for value in values if values.count(value) > 1}):
                    names = ", ".join(name for name, point in points if point == value)
                    yield _advice("L13", f"{names} of {metric} are one point of {_hours(target)}", policy.id)


def _l14(desk: _Desk) -> Iterator[Finding]:
    for policy in desk.policies:
        for row, calendar in _measured(policy, desk):
            left = remaining(calendar, to_us(desk.now))
            if isinstance(row.target, dt.timedelta) and left is not None and tm.to_us(row.target) > left:
                sentence = f"the calendar has {_hours(left)} left, the target is {tm.write_duration(row.target)}"
                yield _error("L14", sentence, f"{policy.id}: {row}")


def _measured(policy: Policy, desk: _Desk) -> Iterator[tuple[Row, BusinessCalendar]]:
    """Return each row with the calendar that it is measured with."""
    for row in policy.rows:
        own = dict(policy.tiers).get(row.tier or 0) if row.metric is Metric.TIER else None
        name = row.calendar or own or policy.options(row.metric).calendar or policy.calendar
        calendar = desk.calendars.get(name)
        if calendar is not None:
            yield row, calendar


def _l15(desk: _Desk) -> Iterator[Finding]:
    for policy in desk.policies:
        longest: dict[str, tuple[dt.timedelta, BusinessCalendar]] = {}
        for row, calendar in _measured(policy, desk):
            name = next(key for key, value in desk.calendars.items() if value is calendar)
            if isinstance(row.target, dt.timedelta) and row.target > longest.get(name, (dt.timedelta(0), None))[0]:
                longest[name] = (row.target, calendar)
        for name, (target, calendar) in longest.items():
            left = remaining(calendar, to_us(desk.now))
            if calendar.known_until is None or (left is not None and tm.to_us(target) > left):
                continue
            if not calendar.is_known(calendar.add(desk.now, target)):
                sentence = f"its holidays are known until {calendar.known_until}, a target of {policy.id!r} goes beyond"
                yield _advice("L15", sentence, f"calendar {name}")


def _l16(desk: _Desk) -> Iterator[Finding]:
    for name, calendar in desk.calendars.items():
        for day, first, second in overlapping(calendar):
            yield _advice("L16", f"on {day} the windows {first} and {second} overlap", f"calendar {name}")
        for edge in dst_edges(calendar, desk.now, years=2):
            yield _advice("L16", edge, f"calendar {name}")


# -- options ---------------------------------------------------------------------------------------------------


def _l17(desk: _Desk) -> Iterator[Finding]:
    known = set(desk.categories.values())
    for policy in desk.policies:
        for metric, options in policy.metrics:
            for category in sorted((options.pauses or frozenset()) - known):
                yield _advice("L17", f"{metric} pauses in {category}, which no state of the lifecycle is in", policy.id)


def _l18(desk: _Desk) -> Iterator[Finding]:
    if desk.auto_close is None:
        return
    for policy in desk.policies:
        for metric, options in policy.metrics:
            resolved = compile_terms(metric, options).pauses & BIT[StateCategory.RESOLVED]
            if options.end != "closed" or metric not in tm.ENDING or resolved:
                continue
            targets = {_target(policy, metric, cell, desk) for cell in _cells(policy, desk)} - {None}
            shortest = min((target for target in targets if target is not None), default=None)
            if shortest is not None and tm.to_us(desk.auto_close) > shortest:
                sentence = f"{metric} ends at closing, which comes by itself only after {desk.auto_close}"
                yield _advice("L18", f"{sentence}; the target is {_hours(shortest)}", policy.id)


def _l19(desk: _Desk) -> Iterator[Finding]:
    for policy in desk.policies:
        for metric, options in policy.metrics:
            if options.bots_count and metric in RESPONSES and any(row.metric is metric for row in policy.rows):
                yield _advice("L19", f"a bot's reply fulfils {metric}, so its figures say nothing of people", policy.id)


_CHECKS: tuple[Check, ...] = (
    _l01, _l02, _l03, _l04, _l05, _l06, _l07, _l08, _l09, _l10, _l11, _l12, _l13, _l14, _l15, _l16, _l17, _l18, _l19,
)  # fmt: skip
