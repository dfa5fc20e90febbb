"""The sections of a report as plain values for the template: headings, charts, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import attrs

from supportkit.measures.results import MetricResult
from supportkit.metrics.charts import laney_p_chart, p_chart, runs, xmr_chart
from supportkit.metrics.definitions import definition_of
from supportkit.metrics.kpi_stocks import UNTAGGED
from supportkit.metrics.kpis import OTHERS, Dimension, Group, Kpis
from supportkit.report import svg
from supportkit.report.model import Report, Score
from supportkit.report.showing import Shown
from supportkit.report.words import Words

_TIER = re.compile(r"tier_([0-9]+)")
LARGE = 1000
"""From how many cases a point the plain chart of shares would flag ordinary days, so that Laney's is drawn."""
NOTHING = "\N{EN DASH}"
BARS = 12
BY_FILTER = {"spam", "merged", "duplicate", "test", "mystery_shopper", "internal"}
"""What the filter leaves out stands in the heading once, not in each line."""
TIMES = ("first_reply", "next_reply", "requester_wait", "agent_wait", "on_hold", "first_resolution", "full_resolution")
ENDS = ("resolution.within_30d", "fcr.7d", "reopen.7d", "one_touch", "escalation.any", "containment.l1")
CARDS = (
    "tickets.created",
    "backlog.count",
    "sla.attainment.first_response",
    "sla.attainment.resolution",
    "first_resolution.calendar.median",
    "resolution.within_30d",
    "fcr.7d",
    "reopen.7d",
)


@attrs.frozen(kw_only=True)
class Card:
    """A number at the top."""

    label: str
    value: str
    interval: str
    n: int
    definition: str


@attrs.frozen(kw_only=True)
class Row:
    """A line of a table of measures."""

    label: str
    value: str
    n: str
    interval: str
    definition: str
    notes: tuple[str, ...] = ()


@attrs.frozen
class Cell:
    """A value in a table of parts, with its interval and n."""

    value: str
    detail: str = ""


@attrs.frozen(kw_only=True)
class Grid:
    """A table with a column for each measure, and a line for each part of the tickets.

    Attributes:
        head: The name of each column, and the id of its definition.
        lines: The cells of each part; the first one is its name.
    """

    head: tuple[tuple[str, str], ...]
    lines: tuple[tuple[Cell, ...], ...]


@attrs.frozen(kw_only=True)
class Section:
    """A part of the page."""

    id: str
    title: str
    about: str = ""
    charts: tuple[tuple[str, str], ...] = ()
    rows: tuple[Row, ...] = ()
    grid: Grid | None = None


_SCALES = {"share": (0.0, 1.0), "points": (-100.0, 100.0), "index": (0.0, 100.0)}


def _limits(result: MetricResult) -> tuple[float | None, float | None]:
    """Return the limits of a number's interval; none for durations."""
    reach = result.interval
    if reach is None:
        return None, None
    low, high = reach.low, reach.high
    return (low if isinstance(low, int | float) else None), (high if isinstance(high, int | float) else None)


class Writer:
    """Makes the sections of one report."""

    def __init__(self, report: Report, words: Words, shown: Shown) -> None:
        self.report, self.words, self.shown = report, words, shown

    # -- pieces --------------------------------------------------------------------------------------------------------

    def label(self, result: MetricResult) -> str:
        """Return the name of a measure with what tells it from its kind: median, tier, business time."""
        words, name = self.words, result.definition.partition("/")[0]
        parts = name.split(".")
        more = [words(part) for part in parts[1:] if part in {"median", "p90", "mean", "max", "business"}]
        tier = next((seen[1] for part in parts if (seen := _TIER.fullmatch(part))), None)
        found = words.label(result.definition)
        if name.startswith("csat.mean"):
            more = []
        if tier is not None:
            found = f"{words('tier', k=tier)}: {found}"
        return ", ".join([found, *more])

    def row(self, result: MetricResult, label: str | None = None) -> Row:
        """Return a line of a table."""
        unit = definition_of(result.definition).unit
        words = self.words
        notes = [words.known(f"warning.{code}", code) for code in result.warnings]
        notes += [
            f"{words.known(f'reason.{reason}', reason)}: {n}"
            for reason, n in result.cohort.excluded
            if reason not in BY_FILTER
        ]
        interval = self.shown.interval(result.interval, unit)
        return Row(
            label=self.label(result) if label is None else label,
            value=self.shown.value(result.value, unit),
            n=self.shown.number(result.n),
            interval=interval or (words("exact") if unit == "count" else ""),
            definition=result.definition,
            notes=tuple(notes),
        )

    def cards(self) -> list[Card]:
        """Return the numbers at the top: those that are there."""
        found = []
        kpis = self.report.kpis
        results = [one for name in CARDS if kpis is not None and (one := kpis.get(name)) is not None]
        results += [score.results[0] for score in self.report.scores if score.results]
        for one in results:
            if one.value is None:
                continue
            row = self.row(one)
            reach = self.shown.interval(one.interval, definition_of(one.definition).unit)
            found.append(Card(label=row.label, value=row.value, interval=reach, n=one.n, definition=one.definition))
        return found

    def sections(self) -> list[Section]:
        """Return the sections that have something to say."""
        kpis = self.report.kpis
        made: list[Section | None] = []
        if kpis is not None:
            made += [self._promises(kpis), self._volumes(kpis), self._times(kpis), self._ends(kpis), self._tiers(kpis)]
        made.append(self._scores())
        if kpis is not None:
            made += [self._parts(kpis, "channel"), self._parts(kpis, "topic"), self._people(kpis), self._coverage(kpis)]
        return [section for section in made if section is not None]

    def used(self) -> Iterator[tuple[str, str]]:
        """Yield every definition that the page has, with its text."""
        kpis = self.report.kpis
        results = [one for score in self.report.scores for one in score.results]
        if kpis is not None:
            results += [*kpis.results, *(one for group in kpis.groups for one in group.results)]
        for definition in sorted({one.definition for one in results}):
            yield definition, definition_of(definition).text

    # -- sections ------------------------------------------------------------------------------------------------------

    def _promises(self, kpis: Kpis) -> Section | None:
        found = [one for one in kpis.results if one.definition.startswith("sla.attainment.")]
        judged = [one for one in found if isinstance(one.value, int | float)]
        if not found:
            return None
        chart = self._whiskers(self.words("promises"), judged)
        charts = [("", chart)] if chart else []
        charts += [pair for one in judged if (pair := self._control(kpis, one)) is not None]
        return Section(
            id="promises",
            title=self.words("promises"),
            about=self.words("promises_about"),
            charts=tuple(charts),
            rows=tuple(self.row(one) for one in found),
        )

    def _whiskers(self, title: str, results: Sequence[MetricResult]) -> str:
        rows = []
        for one in results:
            if not isinstance(one.value, int | float):
                continue
            low, high = _limits(one)
            shown = self.row(one).value
            rows.append(svg.Whisker(name=self.label(one), value=one.value, low=low, high=high, shown=shown))
        return svg.whisker_chart(title, rows, lambda value: self.shown.percent(value, 0), 0.0, 1.0)

    def _control(self, kpis: Kpis, result: MetricResult) -> tuple[str, str] | None:
        """Return the control chart of a promise over time: p, or Laney's where the points are large."""
        clock = result.definition.split(".")[2].partition("/")[0]
        met = [dict(point.met).get(clock, 0) for point in kpis.series]
        judged = [dict(point.judged).get(clock, 0) for point in kpis.series]
        if sum(1 for n in judged if n) < 3:  # noqa: PLR2004 - two points are no course
            return None
        chart = (laney_p_chart if max(judged) >= LARGE else p_chart)(met, judged)
        if chart.center is None:
            return None
        shares = [k / n if n else None for k, n in zip(met, judged, strict=True)]
        known = [place for place, share in enumerate(shares) if share is not None]
        streak = runs([share for share in shares if share is not None], chart.center)
        marked = frozenset({*chart.out, *(known[at] for at in streak)})
        lines = (
            svg.Line(name="", values=chart.lcl, style="limit"),
            svg.Line(name="", values=chart.ucl, style="limit"),
            svg.Line(name="", values=[chart.center] * len(shares), style="center"),
            svg.Line(name="", values=shares, marked=marked, dots=True),
        )
        title = self.words("over_time", name=self.words.label(result.definition))
        drawn = svg.lines_chart(
            title, self._labels(kpis), lines, lambda value: self.shown.percent(value, 0), whole=(0.0, 1.0)
        )
        return title, drawn

    def _labels(self, kpis: Kpis) -> list[str]:
        return [self.shown.border(point.start, kpis.step) for point in kpis.series]

    def _volumes(self, kpis: Kpis) -> Section:
        words, points = self.words, [point for point in kpis.series if point.whole]  # half a week is no dip
        pairs = (
            ("created", svg.Line(name=words("created"), values=[float(one.created) for one in points])),
            ("resolved", svg.Line(name=words("resolved"), values=[float(one.resolved) for one in points], style="b")),
        )
        labels = [self.shown.border(point.start, kpis.step) for point in points]

        def count(value: float) -> str:
            return self.shown.number(value, 0 if value == int(value) else 1)

        title = f"{words('created')} / {words('resolved')}"
        charts = [(title, svg.lines_chart(title, labels, [line for _name, line in pairs], count))]
        backlog = svg.Line(name=words("backlog"), values=[float(one.backlog) for one in points], style="c")
        charts.append((words("backlog"), svg.lines_chart(words("backlog"), labels, [backlog], count)))
        control = self._steady([float(one.created) for one in points], labels, words("created"))
        names = (
            "tickets.created",
            "volume",
            "tickets.resolutions",
            "tickets.reopenings",
            "backlog.count",
            "backlog.age.median",
            "backlog.age.p90",
            "backlog.age.max",
        )
        found = [one for name in names if (one := kpis.get(name)) is not None]
        return Section(
            id="volumes",
            title=words("volumes"),
            about=words("control") if control else "",
            charts=tuple(pair for pair in (*charts, *control) if pair[1]),
            rows=tuple(self.row(one) for one in found),
        )

    def _steady(self, values: Sequence[float], labels: Sequence[str], name: str) -> list[tuple[str, str]]:
        """Return the XmR chart of a series."""
        chart = xmr_chart(values)
        if chart is None or len(values) < 6:  # noqa: PLR2004 - fewer points say nothing
            return []
        size = len(values)
        marked = frozenset({*chart.out, *runs(values, chart.mean)})
        lines = (
            svg.Line(name="", values=[max(chart.lnpl, 0.0)] * size, style="limit"),
            svg.Line(name="", values=[chart.unpl] * size, style="limit"),
            svg.Line(name="", values=[chart.mean] * size, style="center"),
            svg.Line(name="", values=values, marked=marked, dots=True),
        )
        title = self.words("over_time", name=name) + " (XmR)"
        return [(title, svg.lines_chart(title, labels, lines, self.shown.number))]

    def _times(self, kpis: Kpis) -> Section | None:
        found = [
            one
            for mode in ("calendar", "business")
            for name in TIMES
            for place in ("median", "p90")
            if (one := kpis.get(f"{name}.{mode}.{place}")) is not None and one.n
        ]
        rows = tuple(self.row(one) for one in found)
        return Section(id="times", title=self.words("times"), rows=rows) if rows else None

    def _ends(self, kpis: Kpis) -> Section | None:
        found = [one for name in ENDS if (one := kpis.get(name)) is not None]
        chart = self._whiskers(self.words("solutions"), found)
        rows = tuple(self.row(one) for one in found)
        return Section(id="solutions", title=self.words("solutions"), charts=(("", chart),) if chart else (), rows=rows)

    def _tiers(self, kpis: Kpis) -> Section | None:
        names = ("escalation.tier_", "resolved_share.tier_", "tier_time.tier_")
        found = [
            one
            for one in kpis.results
            if one.definition.startswith(names) and not one.definition.endswith((".sum/1", ".mean/1"))
        ]
        if not found:
            return None
        shares = [one for one in found if one.definition.startswith("resolved_share.")]
        chart = self._whiskers(self.words("tiers"), shares)
        return Section(
            id="tiers", title=self.words("tiers"), charts=(("", chart),), rows=tuple(self.row(one) for one in found)
        )

    def _scores(self) -> Section | None:
        scores = self.report.scores
        if not scores:
            return None
        charts = [pair for score in scores for pair in self._score_charts(score)]
        rows = [self.row(one, f"{score.name}: {self.label(one)}") for score in scores for one in score.results]
        return Section(id="scores", title=self.words("scores"), charts=tuple(charts), rows=tuple(rows))

    def _score_charts(self, score: Score) -> Iterator[tuple[str, str]]:
        for one in score.results[:1]:
            scale = _SCALES.get(definition_of(one.definition).unit)
            if isinstance(one.value, int | float) and scale is not None:
                yield score.name, self._score_chart(score.name, one, one.value, scale)
        if score.distribution:
            whole = sum(n for _name, n in score.distribution) or 1
            bars = [
                (name, float(n), f"{self.shown.number(n)} ({self.shown.percent(n / whole)})")
                for name, n in score.distribution
            ]
            yield score.name, svg.bar_chart(score.name, bars)

    def _score_chart(self, title: str, one: MetricResult, value: float, scale: tuple[float, float]) -> str:
        unit = definition_of(one.definition).unit
        low, high = _limits(one)
        whisker = svg.Whisker(name=self.label(one), value=value, low=low, high=high, shown=self.row(one).value)

        def mark(at: float) -> str:
            return self.shown.percent(at, 0) if unit == "share" else self.shown.number(at)

        return svg.whisker_chart(title, [whisker], mark, *scale)

    def _name(self, group: Group) -> str:
        if group.dimension == "topic" and group.name in {UNTAGGED, OTHERS}:
            return self.words("untagged" if group.name == UNTAGGED else "others")
        return group.name

    def _parts(self, kpis: Kpis, dimension: Dimension) -> Section | None:
        groups = kpis.by(dimension)
        if not groups or (len(groups) == 1 and groups[0].name == UNTAGGED):
            return None
        words, key = self.words, f"{dimension}s"
        bars = []
        for group in groups[:BARS]:
            share = group.get(f"{dimension}.share")
            if share is not None and isinstance(share.value, int | float):
                bars.append((self._name(group), float(share.value), self.row(share).value))
        names = (
            f"{dimension}.share",
            "first_reply.calendar.median",
            "full_resolution.calendar.median",
            "resolution.within_30d",
            "fcr.7d",
            "reopen.7d",
            "escalation.any",
        )
        grid = Grid(
            head=((words("name"), ""), *(self._head(name) for name in names), (words("endings"), "")),
            lines=tuple(
                (Cell(self._name(group)), *(self._cell(group, name) for name in names), self._endings(group))
                for group in groups
            ),
        )
        chart = svg.bar_chart(words(key), bars)
        return Section(id=key, title=words(key), charts=(("", chart),) if chart else (), grid=grid)

    def _head(self, name: str) -> tuple[str, str]:
        if name.endswith(".share"):
            return self.words("contacts"), f"{name}/1"
        label = self.words.label(f"{name}/1")
        return (f"{label}, {self.words('median')}" if name.endswith(".median") else label), f"{name}/1"

    def _cell(self, group: Group, name: str) -> Cell:
        one = group.get(name)
        if one is None or one.value is None:
            return Cell(NOTHING)
        row = self.row(one)
        reach = f"{row.interval}, " if one.interval is not None else ""
        return Cell(row.value, f"{reach}n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{row.n}")

    def _endings(self, group: Group) -> Cell:
        return Cell("", ", ".join(f"{self.words.known(f'reason.{reason}', reason)} {n}" for reason, n in group.endings))

    def _people(self, kpis: Kpis) -> Section | None:
        groups = kpis.by("agent")
        clocks = ("sla.attainment.resolution", "sla.attainment.first_response", "reopen.7d")
        measure = next(
            (name for name in clocks if any((one := group.get(name)) and one.value is not None for group in groups)),
            None,
        )
        if not groups:
            return None
        words = self.words
        chart = ""
        whole = None if measure is None else kpis.get(measure)
        if measure is not None and whole is not None and isinstance(whole.value, int | float):
            points = [
                (group.name, one.n, one.value)
                for group in groups
                if (one := group.get(measure)) is not None and isinstance(one.value, int | float)
            ]
            title = f"{words.label(f'{measure}/1')} / {words('cases')}"
            chart = svg.funnel_chart(title, points, whole.value, lambda value: self.shown.percent(value, 0))
        names = [name for name in (*clocks, "fcr.7d") if kpis.get(name) is not None]
        grid = Grid(
            head=((words("name"), ""), *(self._head(name) for name in names)),
            lines=tuple((Cell(group.name), *(self._person(group, name) for name in names)) for group in groups),
        )
        named = "" if measure is None else f"{words.label(f'{measure}/1')} / {words('cases')}"
        return Section(
            id="agents",
            title=words("agents"),
            about=words("agents_about"),
            charts=((named, chart),) if chart else (),
            grid=grid,
        )

    def _person(self, group: Group, name: str) -> Cell:
        one = group.get(name)
        if one is not None and "hidden_small_n" in one.warnings:
            return Cell(NOTHING, self.words("warning.hidden_small_n"))
        return self._cell(group, name)

    def _coverage(self, kpis: Kpis) -> Section | None:
        if kpis.coverage is None or not kpis.coverage.outside_desk_hours.n:
            return None
        cells = {
            (day, hour): (n, closed)
            for day, hour, n, closed in kpis.coverage.by_local_hour
            if day is not None and hour is not None
        }
        days = [self.words(f"day.{day}") for day in range(7)]
        chart = svg.heat_map(self.words("coverage"), cells, days)
        both = (kpis.coverage.outside_desk_hours, kpis.coverage.local_day_unserved)
        return Section(
            id="coverage",
            title=self.words("coverage"),
            about=self.words("coverage_about"),
            charts=(("", chart),) if chart else (),
            rows=tuple(self.row(one) for one in both),
        )
