"""The section "Promises" of `supportkit replay`: what a log says about its promises against what the clocks say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from rich import box
from rich.console import Console
from rich.table import Table

from supportkit.cli.terminal import line, percent
from supportkit.cli.times import moment
from supportkit.replay import Agreement, Flags, LogFormat, PromiseReport, RefusedRow

_SHOWN = 20
"""As many as fit on a screen."""


def plain_promises(report: PromiseReport) -> dict[str, Any]:
    """Return a report as plain data."""
    data = attrs.asdict(report)
    data["at"] = None if report.at is None else report.at.isoformat()
    data["all_dues"] = attrs.asdict(report.all_dues)
    if report.labelled is not None:
        data["labelled"] = attrs.asdict(report.labelled)
    return data


def print_promises(out: Console, report: PromiseReport, log_format: LogFormat, policy: Path | None) -> None:
    """Print how often the clocks agree with the log."""
    when = "" if report.at is None else f", as of {moment(report.at, log_format.zone)} in {log_format.zone}"
    out.print(f"[bold]Promises[/] of {report.cases:,} cases{when}")
    counts = [
        ("without a label", report.unlabelled),
        ("closed before it was opened", report.skewed),
        ("opened later than that", report.later),
        ("that cannot be read", sum(report.refusals.values())),
    ]
    for name, count in counts:
        if count:
            out.print(f"  {name:<28}{count:>7,}")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("The log and the clocks agree on", overflow="fold")
    for name in ("same", "of", "share"):
        table.add_column(name, justify="right")
    if report.due is not None and report.undue is not None and report.labelled is not None:
        _add(table, "whether it was in time, by the due time of the log", report.due)
        _add(table, "whether it was in time, without a due time", report.undue)
        _add(table, "whether it was in time, in all", report.labelled)
    if report.policy is not None:
        _add(table, f"whether it was in time, by {'the policy' if policy is None else policy.name}", report.policy)
    if report.dues:
        table.add_section()
        for kind, agreement in report.dues.items():
            _row(table, f"the due time within 60 s: {kind or '-'}", agreement)
        _row(table, "the due time within 60 s, together", report.all_dues)
    out.print(table)
    print_refused(out, report.refused_rows, sum(report.refusals.values()))


def print_refused(out: Console, rows: Sequence[RefusedRow], total: int) -> None:
    """Print the first of the rows that could not be taken, and how many there are more."""
    for row in rows[:_SHOWN]:
        out.print(line(f"line {row.line}, {row.case or '?'}: {row.sentence}"))
    if total > _SHOWN:
        out.print(f"... and {total - _SHOWN:,} more")


def _add(table: Table, what: str, flags: Flags) -> None:
    _row(table, f"{what}: closed ({flags.late:,} late)", flags.closed)
    if flags.open.of:
        _row(table, f"{what}: open", flags.open)


def _row(table: Table, what: str, agreement: Agreement) -> None:
    share = percent(agreement.same, agreement.of)
    table.add_row(line(what), f"{agreement.same:,}", f"{agreement.of:,}", share)
