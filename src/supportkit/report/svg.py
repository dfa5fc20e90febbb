"""Charts as inline SVG. Colours come from the page's style sheet, so that print and dark pages work."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

import attrs

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 480, 54, 12, 12, 26
Numbers = Sequence[float | None]


@attrs.frozen(kw_only=True)
class Line:
    """One line of a chart.

    Attributes:
        name: What the key says.
        values: A value for each place; `None` is a gap.
        style: Its class in the style sheet: `a`, `b`, `c`, or `limit`.
        marked: Places with a filled point.
        dots: Whether every place has a point.
    """

    name: str
    values: Numbers
    style: str = "a"
    marked: frozenset[int] = frozenset()
    dots: bool = False


@attrs.frozen(kw_only=True)
class Whisker:
    """A value with its interval, on a line of its own."""

    name: str
    value: float
    low: float | None
    high: float | None
    shown: str


@attrs.frozen
class _Scale:
    """From numbers to places on the paper."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.start + part * (self.end - self.start), 1)


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Return round numbers that cover a range."""
    span = max(high - low, 1e-9)
    rough = span / count
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    found = [round(first * step, 10)]
    while found[-1] < high - 1e-9:
        found.append(round((first + len(found)) * step, 10))
    return found


def lines_chart(
    title: str, labels: Sequence[str], lines: Sequence[Line], shown: Callable[[float], str], *, height: int = 220,
    whole: tuple[float, float] | None = None,
) -> str:  # fmt: skip
    """Return a chart of lines over the same places."""
    values = [value for line in lines for value in line.values if value is not None]
    if not values or not labels:
        return ""
    marks = ticks(*(whole or (min(0.0, *values), max(values))))
    y = _Scale(marks[0], marks[-1], height - BOTTOM, TOP)
    x = _Scale(0, max(len(labels) - 1, 1), LEFT, WIDTH - RIGHT)
    parts = [_grid(mark, y, shown) for mark in marks]
    every = max(1, math.ceil(len(labels) / 6))
    for place in range(0, len(labels), every):
        anchor = "start" if place == 0 else "end" if place == len(labels) - 1 else "middle"
        parts.append(_text(x(place), height - 8, labels[place], anchor))
    parts += [_drawn(line, x, y) for line in lines]
    return _svg(title, height, parts)


def _grid(mark: float, y: _Scale, shown: Callable[[float], str]) -> str:
    rule = f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(mark)}" y2="{y(mark)}"/>'
    return rule + _text(LEFT - 5, y(mark) + 4, shown(mark), "end")


def _drawn(line: Line, x: _Scale, y: _Scale) -> str:
    runs: list[list[str]] = [[]]
    points = []
    for place, value in enumerate(line.values):
        if value is None:
            runs.append([])
            continue
        runs[-1].append(f"{x(place)},{y(value)}")
        if line.dots or place in line.marked or len(line.values) == 1:
            kind = "hit" if place in line.marked else "dot"
            points.append(f'<circle class="{kind} {line.style}" cx="{x(place)}" cy="{y(value)}" r="3.2"/>')
    drawn = [f'<polyline class="line {line.style}" points="{" ".join(run)}"/>' for run in runs if len(run) > 1]
    return "".join(drawn + points)


def whisker_chart(title: str, rows: Sequence[Whisker], shown: Callable[[float], str], low: float, high: float) -> str:
    """Return values with their intervals, a row each, on one scale."""
    if not rows:
        return ""
    step, top = 42, 10
    height = top + step * len(rows) + 24
    x = _Scale(low, high, 14, WIDTH - 22)
    parts = []
    for mark in ticks(low, high):
        if low <= mark <= high:
            parts.append(f'<line class="grid" x1="{x(mark)}" x2="{x(mark)}" y1="{top}" y2="{height - 22}"/>')
            parts.append(_text(x(mark), height - 8, shown(mark), "middle"))
    for number, row in enumerate(rows):
        y = top + step * number + 30
        parts.append(_text(14, y - 13, row.name, "start", "name"))
        parts.append(_text(WIDTH - 14, y - 13, row.shown, "end", "name"))
        if row.low is not None and row.high is not None:
            parts.append(
                f'<line class="reach" x1="{x(max(row.low, low))}" x2="{x(min(row.high, high))}" y1="{y}" y2="{y}"/>'
            )
        parts.append(f'<circle class="hit a" cx="{x(row.value)}" cy="{y}" r="4.5"/>')
    return _svg(title, height, parts)


def bar_chart(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """Return horizontal bars: a name, a value and what it is shown as."""
    if not rows:
        return ""
    step, most = 34, max(value for _name, value, _shown in rows) or 1.0
    x = _Scale(0, most, 0, WIDTH - 28)
    parts = []
    for number, (name, value, said) in enumerate(rows):
        y = 6 + step * number
        parts.append(_text(14, y + 11, name, "start", "name"))
        parts.append(_text(WIDTH - 14, y + 11, said, "end", "name"))
        parts.append(f'<rect class="bar" x="14" y="{y + 17}" width="{max(x(value), 1)}" height="8" rx="2"/>')
    return _svg(title, 12 + step * len(rows), parts)


def funnel_chart(
    title: str, points: Sequence[tuple[str, int, float]], center: float, shown: Callable[[float], str]
) -> str:
    """Return shares by the number of cases, with the limits of two and three standard errors around the whole's."""
    if not points:
        return ""
    most = max(n for _name, n, _share in points) * 1.1
    height = 240
    x = _Scale(0, most, LEFT, WIDTH - RIGHT - 8)

    def reach(n: float, sigmas: int) -> float:
        return sigmas * math.sqrt(max(center * (1 - center), 0) / n)

    shares = [share for _name, _n, share in points]
    spread = min(1.0, max(0.1, 1.15 * max(abs(share - center) for share in shares), reach(most / 8, 3)))
    low, high = max(0.0, center - spread), min(1.0, center + spread)
    marks = ticks(low, high)
    y = _Scale(marks[0], min(marks[-1], 1.0) if marks[-1] <= 1 else marks[-1], height - BOTTOM - 12, TOP)
    parts = [_grid(mark, y, shown) for mark in marks if mark <= 1.0 + 1e-9]
    top, bottom = min(marks[-1], 1.0), marks[0]
    for sigmas, style in ((2, "limit inner"), (3, "limit")):
        for sign in (-1, 1):
            steps = [most * (at + 1) / 60 for at in range(60)]
            curve = [(n, center + sign * reach(n, sigmas)) for n in steps]
            seen = [f"{x(n)},{y(value)}" for n, value in curve if bottom <= value <= top]
            if len(seen) > 1:
                parts.append(f'<polyline class="line {style}" points="{" ".join(seen)}"/>')
    parts.append(f'<line class="center" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(center)}" y2="{y(center)}"/>')
    below = height - BOTTOM + 6
    parts += [_text(x(mark), below, f"{mark:g}", "middle") for mark in ticks(0, most) if mark <= most]
    for name, n, share in sorted(points):
        out = abs(share - center) > reach(n, 3)
        parts.append(f'<circle class="{"hit" if out else "dot"} a" cx="{x(n)}" cy="{y(share)}" r="4"/>')
        anchor = "end" if x(n) > WIDTH - 110 else "start"
        parts.append(_text(x(n) + (-7 if anchor == "end" else 7), y(share) + 4, name, anchor, "name"))
    return _svg(title, height, parts)


def heat_map(title: str, cells: dict[tuple[int, int], tuple[int, int]], days: Sequence[str]) -> str:
    """Return contacts by weekday and hour; a frame where most came while the desk was closed."""
    if not cells:
        return ""
    most = max(n for n, _closed in cells.values())
    size, left, top = 18, 40, 4
    parts = []
    for day, name in enumerate(days):
        parts.append(_text(left - 6, top + day * size + 13, name, "end"))
        for hour in range(24):
            n, closed = cells.get((day, hour), (0, 0))
            frame = " closed" if n and closed * 2 > n else ""
            shade = round(0.06 + 0.94 * n / most, 3) if n else 0.04
            parts.append(
                f'<rect class="cell{frame}" x="{left + hour * size + 1}" y="{top + day * size + 1}" width="{size - 3}"'
                f' height="{size - 3}" rx="2" fill-opacity="{shade}"/>'
            )
    parts += [_text(left + hour * size + 8, top + 7 * size + 14, f"{hour}", "middle") for hour in range(0, 24, 3)]
    return _svg(title, top + 7 * size + 20, parts)


def _text(x: float, y: float, text: str, anchor: str, style: str = "") -> str:
    named = f' class="{style}"' if style else ""
    cut = text if len(text) <= 44 else f"{text[:43]}…"  # noqa: PLR2004 - what fits into a row
    return f'<text{named} x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}">{escape(cut)}</text>'


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {round(height)}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
