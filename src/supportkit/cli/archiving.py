"""`supportkit export` and `supportkit import`: a whole desk as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from supportkit.archive.writing import ArchiveReport
from supportkit.cli.app import DEFAULT_DATABASE, Database, existing
from supportkit.cli.logs import bar
from supportkit.cli.terminal import console, line
from supportkit.desk import Desk

Tenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="Whose desk it is.")]


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write: JSON lines.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    tenant: Tenant = "default",
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Write everything that a desk has to a file, with every word of its customers."""
    if file.exists() and not force:
        raise typer.BadParameter("the file is there already: name another one, or give --force", param_hint="FILE")
    with existing(database, tenant=tenant) as desk, bar("export") as move:
        report = desk.export(file, progress=lambda done, of: move(done, of, f"{done:,} rows"))
    _tell("written to", file, report)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `supportkit export` wrote.")],
    *,
    tenant: Tenant = "default",
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Bring an export into a desk that has nothing yet: all of it or nothing."""
    with Desk(database, tenant=tenant) as desk, bar("import") as move:
        report = desk.import_(file, progress=lambda done, of: move(done, of, f"{done:,} rows"))
    _tell("read from", file, report)


def _tell(verb: str, file: Path, report: ArchiveReport) -> None:
    counts = ", ".join(f"{count:,} {kind}" for kind, count in report.rows.items())
    console().print(line(f"{report.total:,} rows {verb} {file.name}: {counts or 'an empty desk'}"), soft_wrap=True)
