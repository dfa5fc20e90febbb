"""`supportkit kpi`: the numbers of a desk in a period, for people, for programs and for spreadsheets."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from supportkit.cli.app import DEFAULT_DATABASE, existing
from supportkit.cli.logs import bar
from supportkit.cli.sheets import Cell, sheet
from supportkit.cli.terminal import console, line, print_json
from supportkit.cli.times import length, moment, zone_of
from supportkit.clock import to_utc
from supportkit.measures import Interval, MetricResult, display_round
from supportkit.measures.results import Value
from supportkit.metrics import EVERYTHING, CohortFilter, Kpis, QuestionScore
from supportkit.metrics.definitions import definition_of
from supportkit.metrics.filters import CUSTOMERS

Where = Annotated[
    str,
    typer.Argument(metavar="DATABASE", envvar="SUPPORTKIT_DATABASE", help="Where the tickets are: a URL, or a file."),
]
Since = Annotated[str | None, typer.Option("--since", metavar="DAY", help="The first day or instant of the period.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DAY", help="The first day or instant after it.")]
Zone = Annotated[str, typer.Option("--zone", help="The IANA zone in which days begin.")]
At = Annotated[str | None, typer.Option("--at", metavar="INSTANT", help="When everything is judged; by default now.")]
Calendar = Annotated[
    str | None, typer.Option("--calendar", help="The calendar of the service levels that measures business time.")
]
TopicField = Annotated[
    str | None, typer.Option("--topic-field", help="The custom field that says what a ticket is about.")
]
Tenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="Whose desk it is.")]
All = Annotated[bool, typer.Option("--all", help="Leave nothing out: spam, merged and internal tickets count too.")]


def kpi(
    database: Where = DEFAULT_DATABASE,
    *,
    since: Since = None,
    until: Until = None,
    zone: Zone = "UTC",
    at: At = None,
    calendar: Calendar = None,
    topic_field: TopicField = None,
    everything: All = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
    tenant: Tenant = "default",
) -> None:
    """Show the numbers of a desk, each with its definition, n and interval."""
    if json and csv:
        raise typer.BadParameter("give --json or --csv, not both", param_hint="--csv")
    chosen = EVERYTHING if everything else CUSTOMERS
    kpis, scores = opened(database, since, until, zone, at, calendar, topic_field, chosen, tenant)
    if json:
        print_json({**plain(kpis), "scores": [_score(one) for one in scores]})
    elif csv:
        sys.stdout.write(sheet(HEAD, result_rows(_parts(kpis, scores))))
    else:
        _print(kpis, scores)


def opened(
    database: str,
    since: str | None,
    until: str | None,
    zone: str,
    at: str | None,
    calendar: str | None,
    topic_field: str | None,
    chosen: CohortFilter,
    tenant: str,
) -> tuple[Kpis, tuple[QuestionScore, ...]]:
    """Open the desk and return its KPIs and the scores of its surveys, with a bar of progress."""
    zone_of(zone)
    ends = [day(text, zone, hint) for text, hint in ((since, "--since"), (until, "--until"), (at, "--at"))]
    if ends[0] is not None and ends[1] is not None and ends[1] < ends[0]:
        raise typer.BadParameter("the period ends before it begins", param_hint="--until")
    with existing(as_url(database), tenant=tenant) as desk, bar("read") as move:
        scores = desk.reports.scores(ends[0], ends[1], zone=zone, at=ends[2])
        kpis = desk.reports.kpis(
            ends[0],
            ends[1],
            zone=zone,
            at=ends[2],
            calendar=calendar,
            topic_field=topic_field,
            filter=chosen,
            progress=lambda done, of: move(done, of, f"{done:,} tickets"),
        )
    return kpis, scores


def as_url(database: str) -> str:
    """Return the URL of a database that may be given as a file."""
    return database if "://" in database else f"sqlite:///{database}"


def day(text: str | None, zone: str, hint: str) -> dt.datetime | None:
    """Read a day, which begins in *zone*, or an instant; one without an offset is meant there too.

    Raises:
        typer.BadParameter: It is no time.
    """
    if text is None:
        return None
    from zoneinfo import ZoneInfo

    try:
        found = dt.datetime.fromisoformat(text)
        return to_utc(found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(zone)), "instant")
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text[:60]!r} is no time; write for example 2026-03-01", param_hint=hint) from None


# -- for spreadsheets and programs -------------------------------------------------------------------------------------

HEAD = ("part", "name", "definition", "unit", "value", "numerator", "denominator", "n", "low", "high", "confidence",
        "method", "basis", "since", "until", "now", "zone", "filter", "excluded", "warnings")  # fmt: skip


def _parts(kpis: Kpis, scores: Iterable[QuestionScore]) -> Iterator[tuple[str, str, MetricResult]]:
    for result in kpis.results:
        yield "all", "", result
    for group in kpis.groups:
        for result in group.results:
            yield group.dimension, group.name, result
    for score in scores:
        for result in score.results:
            yield "survey", score.question, result


def result_rows(parts: Iterable[tuple[str, str, MetricResult]]) -> Iterator[list[Cell]]:
    """Yield a row of `HEAD` for each result with the part of the tickets that it is about."""
    for part, name, result in parts:
        one = result_plain(result)
        cohort, reach = one["cohort"], one["interval"] or {}
        yield [
            part,
            name,
            *(one[key] for key in ("definition", "unit", "value", "numerator", "denominator", "n")),
            *(reach.get(key) for key in ("low", "high", "confidence", "method")),
            *(cohort[key] for key in ("basis", "start", "end", "now", "zone", "filter")),
            " ".join(f"{reason}={n}" for reason, n in cohort["excluded"].items()),
            " ".join(one["warnings"]),
        ]


def result_plain(result: MetricResult) -> dict[str, Any]:
    """Return a result as plain data; durations are seconds, and say so in the unit."""
    cohort, reach = result.cohort, result.interval
    return {
        "definition": result.definition,
        "unit": "seconds" if (unit := definition_of(result.definition).unit) == "time" else unit,
        "value": _number(result.value),
        "numerator": result.numerator,
        "denominator": result.denominator,
        "n": result.n,
        "interval": None
        if reach is None
        else {
            "low": _number(reach.low),
            "high": _number(reach.high),
            "confidence": reach.confidence,
            "method": reach.method,
        },
        "cohort": {
            "basis": cohort.basis,
            **{name: _iso(getattr(cohort, name)) for name in ("start", "end", "now")},
            "zone": cohort.zone,
            "filter": cohort.filter,
            "excluded": dict(cohort.excluded),
        },
        "warnings": list(result.warnings),
    }


def plain(kpis: Kpis) -> dict[str, Any]:
    """Return everything as plain data."""
    return {
        "tickets": kpis.tickets,
        "now": kpis.now.isoformat(),
        "results": [result_plain(result) for result in kpis.results],
        "groups": [
            {
                "dimension": group.dimension,
                "name": group.name,
                "results": [result_plain(result) for result in group.results],
                "endings": dict(group.endings),
            }
            for group in kpis.groups
        ],
        "step": kpis.step,
        "series": [
            {
                "start": point.start.isoformat(),
                "end": point.end.isoformat(),
                **{name: getattr(point, name) for name in ("created", "resolved", "reopened", "backlog")},
                "met": dict(point.met),
                "judged": dict(point.judged),
            }
            for point in kpis.series
        ],
    }


def _score(score: QuestionScore) -> dict[str, Any]:
    results = [result_plain(result) for result in score.results]
    return {"question": score.question, "results": results, "distribution": dict(score.distribution)}


def _number(value: Value | None) -> float | None:
    return value.total_seconds() if isinstance(value, dt.timedelta) else value


def _iso(at: dt.datetime | None) -> str | None:
    return None if at is None else at.isoformat()


# -- for people --------------------------------------------------------------------------------------------------------


def shown(value: Value | None, unit: str) -> str:
    """Return a value as people read it: shares in percent, durations in their two largest parts."""
    if value is None:
        return "-"
    if isinstance(value, dt.timedelta):
        return length(value.total_seconds())
    if unit == "share":
        return f"{display_round(100 * value, digits=1)} %"
    return f"{value:,}" if isinstance(value, int) else f"{display_round(value, digits=2)}"


def _reach(interval: Interval | None, unit: str) -> str:
    if interval is None:
        return ""
    return f"{shown(interval.low, unit)} .. {shown(interval.high, unit)}"


def _print(kpis: Kpis, scores: Iterable[QuestionScore]) -> None:
    out, period = console(), kpis.period
    since, until = ("" if end is None else moment(end, period.zone) for end in (period.since, period.until))
    told = (
        f"{since or 'the beginning'} to {until or 'now'} in {period.zone}, judged as of {moment(kpis.now, period.zone)}"
    )
    out.print(f"[bold]{kpis.tickets:,} tickets[/], {told}", soft_wrap=True)
    out.print(results_table(kpis.results))
    for score in scores:
        out.print(line(score.question), results_table(score.results))
    for name in ("channel", "topic"):
        for group in kpis.by(name):
            share = next((one for one in group.results if one.definition.endswith(".share/1")), None)
            if share is not None:
                out.print(line(f"{name} {group.name or 'none'}: {share.numerator} ({shown(share.value, 'share')})"))


def results_table(results: tuple[MetricResult, ...]) -> Table:
    """Return results as a table for people."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Definition", overflow="fold")
    for title in ("Value", "n", "95 %"):
        table.add_column(title, justify="right")
    table.add_column("Warnings", overflow="fold", style="dim")
    for one in results:
        unit = definition_of(one.definition).unit
        table.add_row(
            one.definition, shown(one.value, unit), f"{one.n:,}", _reach(one.interval, unit), ", ".join(one.warnings)
        )
    return table
