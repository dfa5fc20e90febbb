"""`supportkit replay`: a real history into a database."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from supportkit.cli.app import DEFAULT_DATABASE, Database, read_text
from supportkit.cli.terminal import console, line, print_json
from supportkit.cli.times import length
from supportkit.clock import monotonic
from supportkit.desk import Desk
from supportkit.replay import LogFormat, ReplayReport, built_in_format
from supportkit.replay import Progress as HowFar
from supportkit.replay import replay as play
from supportkit.replay.reader import LogReader


class Format(StrEnum):
    """The formats by name; `csv` is one of your own."""

    BPI2013 = "bpi2013"
    HELPDESK = "helpdesk"
    UCI = "uci"
    CSV = "csv"


def replay(
    file: Annotated[Path, typer.Argument(help="The event log, a CSV file.")],
    *,
    format: Annotated[Format, typer.Option(help="What kind of log it is.")],  # noqa: A002 - it is the option's name
    map: Annotated[  # noqa: A002 - it is the option's name
        Path | None, typer.Option(help="With --format csv: a TOML file that says what columns and words mean.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Rows in one transaction.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON for programs.")] = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Play an event log through the desk. After an interruption, run it again: it goes on where it was."""
    log_format = _format(format, map)
    LogReader(file, log_format).close()  # a slip in the file name makes no database
    started = monotonic()
    # No timers: the history ends as the log ends, not as a worker would end it seven days later.
    with Desk(database, close_resolved_after=None) as desk:
        report = _with_bar(desk, file, log_format, batch)
    seconds = monotonic() - started
    if json:
        print_json(plain(report))
        return
    _print(console(), report, seconds)


def plain(report: ReplayReport) -> dict[str, Any]:
    """Return a report as plain data."""
    data = attrs.asdict(report)
    data["refused"] = report.refused
    data["level_changes"] = {f"L{a}>L{b}": count for (a, b), count in report.level_changes.items()}
    return data


def _format(name: Format, mapping: Path | None) -> LogFormat:
    if name is not Format.CSV:
        if mapping is not None:
            raise typer.BadParameter("only --format csv takes a mapping", param_hint="--map")
        return built_in_format(name.value)
    if mapping is None:
        raise typer.BadParameter("--format csv needs --map mapping.toml", param_hint="--format")
    return LogFormat.from_toml(read_text(mapping))


def _with_bar(desk: Desk, file: Path, log_format: LogFormat, batch: int) -> ReplayReport:
    columns = (TextColumn("replay"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]} rows"))
    err = console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("replay", total=None, rows=0)

        def forward(how_far: HowFar) -> None:
            bar.update(task, total=how_far.size, completed=how_far.bytes_read, rows=how_far.rows)

        return play(desk, file, log_format, batch=batch, progress=forward)


# -- the report ------------------------------------------------------------------------------------------------------


def _print(out: Console, report: ReplayReport, seconds: float) -> None:
    speed = f"{report.rows / seconds:,.0f} rows/s" if seconds > 0 else "at once"
    out.print(
        f"[bold]{report.rows:,} rows, {report.tickets:,} tickets[/] of {report.format} in {seconds:.1f} s, {speed}"
    )
    out.print(
        _table(
            "Rows",
            ("applied", report.applied),
            ("unchanged", report.unchanged),
            ("refused", report.refused),
            ("of all these already there", report.already_there),
        )
    )
    out.print(_table("Tickets by state", *report.states.items()))
    out.print(
        _table(
            "Support lines",
            *((f"born in L{tier}", count) for tier, count in report.born.items()),
            ("never left L1", report.never_left_l1),
            *((f"highest line L{tier}", count) for tier, count in report.highest.items()),
            *((f"moved L{a} > L{b}", count) for (a, b), count in report.level_changes.items()),
            ("moves in all", sum(report.level_changes.values())),
            ("tickets that moved", report.moved_tickets),
        )
    )
    out.print(
        _table(
            "Resolutions",
            ("resolutions", report.resolutions),
            ("reopenings", report.reopenings),
            ("reopened tickets", report.reopened_tickets),
            *((f"reopened to {word}", count) for word, count in report.reopened_to.items()),
        )
    )
    _print_times(out, report)
    _print_refusals(out, report)


def _table(title: str, *rows: tuple[str, int]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_header=False, title=title, title_justify="left", min_width=44)
    table.add_column("what")
    table.add_column("count", justify="right")
    for name, count in rows:
        table.add_row(line(name), f"{count:,}")
    return table


def _print_times(out: Console, report: ReplayReport) -> None:
    first = report.first_resolution
    if first.median is None or first.mean is None or first.p90 is None:
        out.print("No ticket was resolved.")
        return
    out.print("[italic]Time to first resolution[/]")
    for name, seconds in (("median", first.median), ("mean", first.mean), ("90 %", first.p90)):
        out.print(f"  {name:<8}{seconds:>14,.0f} s {seconds / 3600:>12,.3f} h   {length(seconds)}")
    out.print(f"  {'sum':<8}{first.sum:>14,.0f} s   of {first.count:,} tickets")


def _print_refusals(out: Console, report: ReplayReport) -> None:
    if not report.refused:
        return
    out.print(_table("Refused rows by reason", *report.refusals.items()))
    for row in report.refused_rows[:20]:
        out.print(line(f"line {row.line}, {row.case or '?'}: {row.sentence}"))
    if report.refused > 20:  # noqa: PLR2004 - as many as fit on a screen
        out.print(f"... and {report.refused - 20:,} more")
