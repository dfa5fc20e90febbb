"""`supportkit lifecycle`, `plugins` and `check`: how a desk is made and whether it is well."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from supportkit.cli.app import DEFAULT_DATABASE, Database, existing, read_text
from supportkit.cli.terminal import console, line
from supportkit.desk import Desk
from supportkit.lifecycle import Lifecycle, LifecycleSpec, built_in

_COLOURS = {"ok": "green", "warning": "yellow", "error": "bold red"}


def lifecycle(
    *,
    file: Annotated[Path | None, typer.Option(help="A TOML file with a lifecycle of your own.")] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print the text of a Mermaid diagram.")] = False,
) -> None:
    """Show a lifecycle: its states, what they mean, and what leads where."""
    compiled = built_in() if file is None else Lifecycle.compile(LifecycleSpec.from_toml(read_text(file)))
    if mermaid:
        sys.stdout.write(compiled.mermaid().rstrip("\n") + "\n")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"Lifecycle {compiled.spec.name}", title_justify="left")
    for name in ("State", "Category", "Triggers"):
        table.add_column(name)
    for state in compiled.states:
        steps = [f"{trigger} -> {compiled.step(state.name, trigger)}" for trigger in compiled.allowed(state.name)]
        table.add_row(line(state.name), state.category.value, line(", ".join(steps) or "-"))
    console().print(table)


def plugins(
    *,
    discover: Annotated[bool, typer.Option(help="Also load the installed plug-ins.")] = True,
) -> None:
    """List the plug-ins, their hooks, and what failed while they were loaded."""
    out = console()
    with Desk("sqlite://", discover=discover) as desk:
        hooks = desk.hooks
    if not hooks.names:
        out.print("No plug-ins.")
    else:
        table = Table("Plug-in", "Hooks", box=box.SIMPLE_HEAD, pad_edge=False)
        for name in hooks.names:
            table.add_row(line(name), line(", ".join(hooks.hooks_of(name)) or "-"))
        out.print(table)
    for failure in hooks.failures:
        out.print(line(f"{failure.plugin} failed in {failure.hook}: {failure.error}"), style="red")


def check(
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Also fold every log and compare it with its row.")] = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Look at the database, its settings and what waits; end with 1 if something is wrong."""
    with existing(database, discover=True) as desk:
        findings = desk.check(deep=deep)
    table = Table("", "What", "Finding", box=box.SIMPLE_HEAD, pad_edge=False)
    for finding in findings:
        colour = _COLOURS.get(finding.severity, "")
        table.add_row(f"[{colour}]{finding.severity}[/]", line(finding.code), line(finding.sentence))
    console().print(table)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
