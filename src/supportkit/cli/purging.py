"""`supportkit purge`: delete what is older than it has to be kept."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import attrs
import typer

from supportkit.cli.app import DEFAULT_DATABASE, Database, existing
from supportkit.cli.terminal import complain, console, print_json
from supportkit.cli.working import made
from supportkit.desk import Desk
from supportkit.retention import PurgeReport, Retention

_DELETED = ("keys", "deliveries", "arrivals", "heard", "receipts", "budgets", "tickets", "unlinked")
_COUNTS = (*_DELETED, "kept", "failed")


def purge(
    *,
    closed_after: Annotated[
        int | None, typer.Option(min=1, metavar="DAYS", help="Also delete tickets that were closed so long ago.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Things of each kind in one step.")] = 500,
    desk: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FACTORY", help="Call this for the desk: it knows how long your code keeps things."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON for programs.")] = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Delete old keys, settled deliveries, what arrived, and closed tickets where you say so; as a worker does."""
    if desk is not None and closed_after is not None:
        raise typer.BadParameter("a desk that your code makes has its own retention", param_hint="--closed-after")
    kept = Retention(closed=None if closed_after is None else dt.timedelta(days=closed_after))
    with existing(database, retention=kept) if desk is None else made(desk) as opened:
        total = _until_done(opened, batch)
    for ticket, code in total.problems:
        complain(f"ticket {ticket} cannot be deleted: {code}")
    counts = {name: getattr(total, name) for name in _COUNTS}
    if json:
        print_json(counts)
    else:
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        console().print(f"Deleted: {told}." if told else "Nothing is too old.")
    if total.failed:
        raise typer.Exit(1)


def _until_done(desk: Desk, batch: int) -> PurgeReport:
    """Call `purge` until nothing more is to be done; return the sums, with what the last call could not do."""
    total = PurgeReport()
    while True:
        report = desk.purge(limit=batch)
        sums = {name: getattr(total, name) + getattr(report, name) for name in _DELETED}
        total = attrs.evolve(report, **sums)
        if not report.more:
            return total
