"""Draws a week of a calendar as text: for a terminal, a log, or a reviewer who wants to see what was configured."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from supportkit.businesstime.windows import DAY, WEEKDAYS

if TYPE_CHECKING:
    from supportkit.businesstime.rules import DayRules, Spans

_CELL = 1800
_STOP = dt.date.max.toordinal() + 1


def draw(title: str, rules: DayRules, week: dt.date | None) -> str:
    """Return the drawing: a title, a scale of hours, and a line for each weekday.

    Args:
        title: What stands in the first line.
        rules: The windows of each date.
        week: Any date of the week to draw; None draws the ordinary week, without its exceptions.
    """
    scale = "".join(f"{hour:<6}" for hour in range(0, 24, 3)) + "24"
    if week is None:
        lines = [f"{day:<10}  {_bar(spans)}" for day, spans in zip(WEEKDAYS, rules.week, strict=True)]
    else:
        monday = week.toordinal() - week.weekday()
        dates = [dt.date.fromordinal(ordinal) for ordinal in range(monday, min(monday + 7, _STOP))]
        lines = [
            f"{WEEKDAYS[date.weekday()]} {date:%m-%d}   {_bar(rules.spans_on(date.toordinal()))}" for date in dates
        ]
    return "\n".join([title, " " * 12 + scale, *lines])


def _bar(spans: Spans) -> str:
    cells = []
    for start in range(0, DAY, _CELL):
        seconds = sum(max(0, min(end, start + _CELL) - max(begin, start)) for begin, end in spans)
        cells.append("." if seconds == 0 else "#" if seconds == _CELL else "+")
    return "".join(cells)
