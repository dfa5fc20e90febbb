"""`supportkit whatif`: the same history under several policies, side by side. Nothing is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from supportkit.cli.agreeing import print_refused
from supportkit.cli.logs import At, FormatName, Log, Mapping, bar, format_of, instant_of, levels_of
from supportkit.cli.terminal import console, line, percent, print_json
from supportkit.cli.times import length, moment
from supportkit.cli.whatif_json import plain
from supportkit.errors import ConfigurationError
from supportkit.model.ticket import Priority
from supportkit.replay import CATEGORIES, Histories, LogFormat, Progress, histories
from supportkit.sla import DIMENSIONS, Attainment, Attainments, Change, Comparison, Metric, Rules, Trial, compare
from supportkit.sla.terms import RESPONSES

_FEWEST = 2


def whatif(
    file: Log,
    *,
    format: FormatName,  # noqa: A002 - it is the option's name
    policy: Annotated[
        list[Path],
        typer.Option(help="A TOML file of policies; two or more, the first one is what others are held against."),
    ],
    map: Mapping = None,  # noqa: A002 - it is the option's name
    at: At = None,
    limit_changes: Annotated[
        int, typer.Option(min=0, max=100_000, help="How many changed verdicts are listed for each policy.")
    ] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON for programs.")] = False,
) -> None:
    """Show what other policies would have made of an event log: attainment side by side, and changed verdicts."""
    log_format = format_of(format, map)
    instant = instant_of(at, log_format)
    if len(policy) < _FEWEST:
        raise typer.BadParameter("give at least two policy files; the first is what the others are held against",
                                 param_hint="--policy")  # fmt: skip
    sides = [Rules(levels_of(one), categories=CATEGORIES) for one in policy]
    told = _read(file, log_format)
    judged_at = instant or told.at
    if judged_at is None:
        raise ConfigurationError(f"{file.name}: nothing happens in this log, so there is nothing to compare")
    comparison = _compare(told, sides, judged_at, limit_changes)
    names = _names(policy)
    # A log has no words, so nobody ever answers in it: a promise about answers would only seem broken.
    left_out = [metric for metric in Metric if metric in RESPONSES and any(metric in side.metrics for side in sides)]
    if json:
        print_json(plain(comparison, names, told.report, left_out))
        return
    _print(console(), comparison, names, told, log_format, left_out)


def _read(file: Path, log_format: LogFormat) -> Histories:
    with bar("read") as move:

        def forward(how_far: Progress) -> None:
            move(how_far.bytes_read, how_far.size, f"{how_far.rows:,} rows")

        return histories(file, log_format, progress=forward)


def _compare(told: Histories, sides: Sequence[Rules], at: dt.datetime, limit: int) -> Comparison:
    base, *tried = sides
    metrics = frozenset(Metric) - RESPONSES
    size = len(told.facts)
    with bar("compare") as move:
        return compare(
            told.facts,
            base,
            tried,
            at,
            metrics=metrics,
            limit=limit,
            progress=lambda done: move(done, size, f"{done:,} tickets"),
        )


def _names(policies: Sequence[Path]) -> list[str]:
    """Return a name for each file, with a number where two have the same."""
    names: list[str] = []
    for number, file in enumerate(policies, 1):
        name = file.name
        names.append(name if [other.name for other in policies].count(name) == 1 else f"{name} ({number})")
    return names


# -- for people --------------------------------------------------------------------------------------------------------


def _print(
    out: Console,
    comparison: Comparison,
    names: Sequence[str],
    told: Histories,
    log_format: LogFormat,
    left_out: Sequence[Metric],
) -> None:
    report, zone = told.report, log_format.zone
    judged = f"judged as of {moment(comparison.at, zone)} in {zone}"
    out.print(f"[bold]{report.rows:,} rows, {comparison.tickets:,} tickets[/] of {report.format}, {judged}")
    if report.refused:
        print_refused(out, report.refused_rows, report.refused)
    for metric in left_out:
        out.print(f"{metric} is left out: a log has no messages, so nobody answers in it")
    sides = [comparison.base, *(trial.attainments for trial in comparison.trials)]
    out.print(_attainments(sides, names))
    for name, trial in zip(names[1:], comparison.trials, strict=True):
        _print_trial(out, trial, names[0], name, zone)


def _attainments(sides: Sequence[Attainments], names: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Attainment: met of judged", title_justify="left")
    table.add_column("Promise", overflow="fold")
    for name in names:
        table.add_column(line(name), justify="right", overflow="fold")
    for row in _rows(sides):
        if row is None:
            table.add_section()
        else:
            what, several = row
            table.add_row(what, *(_counts(one) for one in several))
    return table


def _rows(sides: Sequence[Attainments]) -> Iterator[tuple[Text, list[Attainment]] | None]:
    """Yield the rows of the table: each metric, then its parts; `None` between two metrics."""
    totals = [side.totals() for side in sides]
    parts = [[side.by(dimension) for dimension in DIMENSIONS] for side in sides]
    for metric in (metric for metric in Metric if any(metric in total for total in totals)):
        yield Text(metric.value), [total.get(metric, Attainment()) for total in totals]
        for number, dimension in enumerate(DIMENSIONS):
            tables = [several[number] for several in parts]
            for key in sorted({key for table in tables for key in table if key[0] is metric}, key=lambda key: key[1]):
                yield Text(f"  {dimension} ") + line(_word(key[1])), [table.get(key, Attainment()) for table in tables]
        yield None


def _word(value: str | Priority | int) -> str:
    return value.name.lower() if isinstance(value, Priority) else str(value)


def _counts(one: Attainment) -> str:
    if not one.judged and not one.open:
        return "-"
    waiting = f", {one.open:,} open" if one.open else ""
    return f"{one.met:,} of {one.judged:,}{waiting}  {percent(one.met, one.judged):>8}"


def _print_trial(out: Console, trial: Trial, base: str, name: str, zone: str) -> None:
    out.print(line(f"{base} -> {name}"), style="bold")
    if not trial.changed:
        out.print("No verdict changes.\n")
        return
    for (before, after), count in trial.verdicts.items():
        out.print(f"  {before or 'nothing':<9} -> {after or 'nothing':<9}{count:>9,}")
    out.print(f"  in {trial.changed:,} tickets")
    if not trial.changes:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("Ticket", "Metric", "Verdict", "Used", "Due"):
        table.add_column(title, overflow="fold")
    for change in trial.changes:
        table.add_row(*_change(change, zone))
    out.print(table)
    rest = sum(trial.verdicts.values()) - len(trial.changes)
    if rest:
        out.print(f"... and {rest:,} more; --limit-changes says how many are listed\n")


def _change(change: Change, zone: str) -> tuple[Text | str, ...]:
    used = [None if one is None else length(one.total_seconds()) for one in change.used]
    dues = [None if one is None else moment(one, zone) for one in change.dues]
    which = f"{change.metric} {change.instance}/{change.cycle}"
    verdicts = [None if one is None else one.value for one in change.verdicts]
    return line(change.ticket), which, *(_pair(pair) for pair in (verdicts, used, dues))


def _pair(pair: Sequence[str | None]) -> str:
    before, after = (one or "-" for one in pair)
    return before if before == after else f"{before} -> {after}"
