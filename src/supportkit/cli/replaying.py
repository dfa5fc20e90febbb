"""`supportkit replay`: a real history into a database."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from supportkit.cli.agreeing import plain_promises, print_promises, print_refused
from supportkit.cli.app import DEFAULT_DATABASE, Database
from supportkit.cli.logs import At, FormatName, Log, Mapping, bar, format_of, instant_of, levels_of
from supportkit.cli.terminal import console, line, print_json
from supportkit.cli.times import length
from supportkit.clock import monotonic
from supportkit.desk import Desk
from supportkit.engine.rules import STRICT_LINES, TierPolicy
from supportkit.replay import LogFormat, Progress, PromiseReport, ReplayReport, compare_promises
from supportkit.replay import replay as play
from supportkit.replay.reader import LogReader
from supportkit.replay.report import LISTED


def replay(
    file: Log,
    *,
    format: FormatName,  # noqa: A002 - it is the option's name
    map: Mapping = None,  # noqa: A002 - it is the option's name
    policy: Annotated[
        Path | None, typer.Option(help="A TOML file of policies: judge by them what the log says of its promises.")
    ] = None,
    at: At = None,
    strict_lines: Annotated[
        bool, typer.Option("--strict-lines", help="Refuse tickets that start above line 1, skip a line or come back.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Rows in one transaction.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON for programs.")] = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Play an event log through the desk. After an interruption, run it again: it goes on where it was."""
    log_format = format_of(format, map)
    instant = instant_of(at, log_format)
    levels = None if policy is None else levels_of(policy)
    # A slip in a file name makes no database, and neither does a log without what is asked of it.
    has_promises = _has_promises(file, log_format, is_asked=policy is not None)
    started = monotonic()
    # No timers: the history ends as the log ends, not as a worker would end it seven days later.
    lines = STRICT_LINES if strict_lines else TierPolicy()
    with Desk(database, close_resolved_after=None, tier_policy=lines) as desk:
        report = _with_bar(desk, file, log_format, batch)
    seconds = monotonic() - started
    promises = None
    if has_promises:
        with bar("promises") as move:
            promises = compare_promises(
                file, log_format, levels, at=instant, progress=lambda done, of: move(done, of, f"{done:,} cases")
            )
    if json:
        print_json(plain(report, promises))
        return
    out = console()
    _print(out, report, seconds)
    if promises is not None:
        print_promises(out, promises, log_format, policy)


def plain(report: ReplayReport, promises: PromiseReport | None = None) -> dict[str, Any]:
    """Return a report as plain data."""
    data = attrs.asdict(report)
    data["refused"] = report.refused
    data["level_changes"] = {f"L{a}>L{b}": count for (a, b), count in report.level_changes.items()}
    if promises is not None:
        data["promises"] = plain_promises(promises)
    return data


def _has_promises(file: Path, log_format: LogFormat, *, is_asked: bool) -> bool:
    """Tell whether a log says something about its promises that can be judged.

    Raises:
        ReplayError: The file cannot be read, or lacks a column that it needs.
        typer.BadParameter: There is a policy to judge by, and the format knows of no promises.
    """
    promise = log_format.promise
    if promise is None and is_asked:
        reason = f"format {log_format.name!r} does not say what its log promises; what-if compares policies on any log"
        raise typer.BadParameter(reason, param_hint="--policy")
    log = LogReader(file, log_format, also=promise.columns if promise is not None and is_asked else ())
    log.close()
    if promise is None or not set(promise.columns) <= set(log.header):
        return False
    return is_asked or promise.due is not None  # a label alone is judged by policies only


def _with_bar(desk: Desk, file: Path, log_format: LogFormat, batch: int) -> ReplayReport:
    with bar("replay") as move:

        def forward(how_far: Progress) -> None:
            move(how_far.bytes_read, how_far.size, f"{how_far.rows} rows")

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
    _print_lines(out, report)
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


def _print_lines(out: Console, report: ReplayReport) -> None:
    """Print how long tickets were in each line and how often they changed hands, with what these words mean."""
    out.print("[italic]Time in each line, without the time in which tickets were resolved or closed[/]")
    for tier, seconds in report.line_seconds.items():
        out.print(f"  L{tier:<7}{seconds:>14,.0f} s {seconds / 3600:>12,.3f} h   {length(seconds)}")
    out.print(
        _table(
            "Hand-overs between teams (ping-pong: A to B and back to A)",
            ("hand-overs", report.handovers),
            ("tickets that were handed over", report.handed_over),
            ("ping-pong", report.ping_pong),
            ("tickets with ping-pong", report.ping_ponged),
        )
    )


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
    by_reason = Counter(code for codes in report.refused_tickets.values() for code in codes)
    out.print(_table("Refused tickets by reason", ("tickets", len(report.refused_tickets)), *sorted(by_reason.items())))
    for case, codes in islice(report.refused_tickets.items(), LISTED):
        out.print(line(f"  {case}: {', '.join(codes)}"))
    if len(report.refused_tickets) > LISTED:
        out.print(f"  and {len(report.refused_tickets) - LISTED} more; --json names them all")
    print_refused(out, report.refused_rows, report.refused)
