"""Decides which wall-clock windows a date has: override, holiday, weekly hours, then breaks.

Each rule governs the wall clock of its own date only. Here windows no longer cross midnight: what lies beyond it has
become part of the next date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, assert_never

import attrs

from supportkit.businesstime.windows import DAY, WEEKDAYS, Span, to_span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supportkit.businesstime.definition import Days, Hours, Windows

Spans = tuple[Span, ...]
Precedence = Literal["override", "holiday"]
Rule = Literal["override", "holiday", "weekly"]


@attrs.frozen
class DayRules:
    """The wall-clock windows of every date, in seconds since midnight.

    Attributes:
        week: The weekly hours of Monday to Sunday, disjoint and ascending, tails of the day before included.
        special: The windows of the dates on which the week does not say all, by ordinal.
    """

    week: tuple[Spans, ...]
    special: Mapping[int, Spans] = attrs.field(eq=False)

    def spans_on(self, ordinal: int) -> Spans:
        """Return the windows of the date with *ordinal*; day 1 of the era was a Monday."""
        spans = self.special.get(ordinal)
        return self.week[(ordinal - 1) % 7] if spans is None else spans

    @property
    def has_week(self) -> bool:
        """Whether there are weekly hours at all; without them openings are finite in number."""
        return any(self.week)

    @property
    def last_special(self) -> int:
        """The ordinal of the last date that is not an ordinary one, 0 if there is none."""
        return max(self.special, default=0)

    @property
    def is_full_week(self) -> bool:
        """Whether the week has no closed second: such a calendar is open for ever after its last special date."""
        return all(spans == ((0, DAY),) for spans in self.week)


def day_rules(
    hours: Hours, holidays: frozenset[dt.date], overrides: Days, breaks: Days, precedence: Precedence
) -> DayRules:
    """Return the windows of every date under the rules of the calendar's fields."""
    week = _week(dict(hours))
    replaced, cuts = dict(overrides), dict(breaks)
    tails = _tails(replaced, holidays, precedence)
    special = {}
    for date in holidays | replaced.keys() | cuts.keys() | tails.keys():
        match rule_on(date, holidays, replaced, precedence):
            case "override":
                spans = [head(to_span(window)) for window in replaced[date]]
            case "holiday":
                spans = []
            case "weekly":
                spans = [*week[date.weekday()], *tails.get(date, ())]
            case never:
                assert_never(never)
        special[date.toordinal()] = cut(merge(spans), [to_span(window) for window in cuts.get(date, ())])
    return DayRules(week, special)


def rule_on(
    date: dt.date, holidays: frozenset[dt.date], overrides: Mapping[dt.date, Windows], precedence: Precedence
) -> Rule:
    """Return which rule governs *date*; breaks are cut whatever it is."""
    if date in holidays and (precedence == "holiday" or date not in overrides):
        return "holiday"
    return "override" if date in overrides else "weekly"


def merge(spans: Iterable[Span]) -> Spans:
    """Return *spans* ascending, with those that overlap or touch made one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def cut(spans: Spans, holes: Iterable[Span]) -> Spans:
    """Return *spans*, which are disjoint and ascending, without the seconds that lie in *holes*.

    One pass over both: a date may have tens of thousands of breaks, and cutting one after the other is quadratic.
    """
    left: list[Span] = []
    ordered = merge(holes)
    first = 0
    for start, end in spans:
        while first < len(ordered) and ordered[first][1] <= start:
            first += 1
        at, hole = start, first
        while hole < len(ordered) and ordered[hole][0] < end:
            if at < ordered[hole][0]:
                left.append((at, ordered[hole][0]))
            at = ordered[hole][1]
            hole += 1
        if at < end:
            left.append((at, end))
    return tuple(left)


def head(span: Span) -> Span:
    """Return the part of *span* on its own date."""
    return (span[0], min(span[1], DAY))


def _week(hours: Mapping[str, Windows]) -> tuple[Spans, ...]:
    days: list[list[Span]] = [[] for _ in WEEKDAYS]
    for number, day in enumerate(WEEKDAYS):
        for span in map(to_span, hours.get(day, ())):
            days[number].append(head(span))
            if span[1] > DAY:
                days[(number + 1) % 7].append((0, span[1] - DAY))
    return tuple(merge(spans) for spans in days)


def _tails(
    overrides: Mapping[dt.date, Windows], holidays: frozenset[dt.date], precedence: Precedence
) -> dict[dt.date, list[Span]]:
    """Return what overrides add to the dates after theirs: never to a holiday or to another override."""
    tails: dict[dt.date, list[Span]] = {}
    for date, windows in overrides.items():
        if date == dt.date.max or (date in holidays and precedence == "holiday"):
            continue
        following = date + dt.timedelta(days=1)
        if following in overrides:  # a holiday takes no tails either, but that is decided where the tails are used
            continue
        spans = [(0, end - DAY) for _, end in map(to_span, windows) if end > DAY]
        if spans:
            tails[following] = spans
    return tails
