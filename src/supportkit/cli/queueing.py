"""`supportkit queue` and `supportkit next`: what comes first, and taking it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from supportkit.cli.app import DEFAULT_DATABASE, Database, existing
from supportkit.cli.terminal import console, line, print_json
from supportkit.cli.tickets import URGENCY, plain_ticket
from supportkit.cli.times import age
from supportkit.queueing import Queued
from supportkit.storage.port import MAX_PAGE

Team = Annotated[str | None, typer.Option(help="Only this team.")]
Line = Annotated[int | None, typer.Option(min=1, help="Only this support line.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def queue(
    *,
    team: Team = None,
    agent: Annotated[str | None, typer.Option(help="Only what suits this agent, and what he has already.")] = None,
    tier: Line = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many at most.")] = 20,
    json: AsJson = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """List what waits for somebody, first what is due first, with the reason."""
    with existing(database) as desk:
        found, now = desk.queue(team=team, agent=agent, tier=tier, limit=limit), desk.now()
    if json:
        print_json([_plain(one) for one in found])
        return
    console().print(_table(found, now) if found else "Nothing waits.")


def take_next(
    *,
    agent: Annotated[str, typer.Option(help="Who takes it.")],
    team: Team = None,
    tier: Line = None,
    json: AsJson = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Give an agent the first ticket that suits him; nobody else gets the same."""
    with existing(database) as desk:
        ticket = desk.next(agent, team=team, tier=tier)
    if json:
        print_json(None if ticket is None else plain_ticket(ticket))
        return
    console().print("Nothing waits." if ticket is None else line(f"#{ticket.number} {ticket.subject}"))


def _table(found: Sequence[Queued], now: dt.datetime) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("No.", justify="right", no_wrap=True, min_width=3)
    for name in ("Due", "Because of", "Priority", "Tier", "Team", "Assignee"):
        table.add_column(name, no_wrap=True)
    table.add_column("Subject", no_wrap=True, overflow="ellipsis", min_width=12)
    for one in found:
        ticket = one.ticket
        table.add_row(
            str(ticket.number),
            age(one.due_at, now),
            one.why.lower().replace("_", " "),
            ticket.priority.name.lower(),
            f"L{ticket.tier}",
            line(ticket.team or "-"),
            line(ticket.assignee or "-"),
            line(ticket.subject),
            style="bold red" if one.due_at < now else URGENCY[ticket.priority],
        )
    return table


def _plain(one: Queued) -> dict[str, Any]:
    return {"due_at": one.due_at.isoformat(), "why": one.why, "ticket": plain_ticket(one.ticket)}
