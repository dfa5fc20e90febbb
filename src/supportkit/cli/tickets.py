"""`supportkit tickets`: which tickets there are."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from supportkit.cli.app import DEFAULT_DATABASE, Database, existing
from supportkit.cli.terminal import console, line, print_json
from supportkit.cli.times import age
from supportkit.errors import SupportkitError
from supportkit.model.ticket import Priority, Ticket
from supportkit.storage.port import MAX_PAGE, TicketQuery

URGENCY = {Priority.LOW: "dim", Priority.NORMAL: "", Priority.HIGH: "yellow", Priority.URGENT: "bold red"}


def tickets(
    *,
    state: Annotated[list[str] | None, typer.Option(help="Only this state; may be given several times.")] = None,
    team: Annotated[list[str] | None, typer.Option(help="Only this team.")] = None,
    assignee: Annotated[list[str] | None, typer.Option(help="Only what this person has.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only with this tag; several: with all of them.")] = None,
    text: Annotated[str, typer.Option(help="Only with these words in subject, messages or notes.")] = "",
    customer: Annotated[list[str] | None, typer.Option(help="Only of the customer with this id.")] = None,
    priority: Annotated[list[str] | None, typer.Option(help="Only low, normal, high or urgent.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many at most.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """List tickets, by number."""
    query = TicketQuery(
        states=state or (),
        teams=team or (),
        assignees=assignee or (),
        tags=tag or (),
        text=text,
        customers=customer or (),
        priorities=tuple(_priority(name) for name in priority or ()),
        limit=limit,
    )
    with existing(database) as desk:
        try:
            page, now = desk.find(query), desk.now()
        except ValueError as error:  # a state that the lifecycle does not have
            if isinstance(error, SupportkitError):
                raise
            raise typer.BadParameter(str(error), param_hint="--state") from None
    if json:
        print_json([plain_ticket(ticket) for ticket in page.items])
        return
    out = console()
    if not page.items:
        out.print("No tickets.")
        return
    out.print(_table(page.items, now))
    if page.next is not None:
        out.print(f"There are more; these are the first {limit}. Raise --limit, or ask for less.")


def _priority(name: str) -> Priority:
    try:
        return Priority.parse(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--priority") from None


def _table(items: tuple[Ticket, ...], now: dt.datetime) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("No.", justify="right", no_wrap=True, min_width=3)
    for name in ("State", "Priority", "Tier", "Team", "Assignee"):
        table.add_column(name, no_wrap=True)
    table.add_column("Subject", no_wrap=True, overflow="ellipsis", min_width=12)
    table.add_column("Opened", no_wrap=True)
    for ticket in items:
        style = "dim" if ticket.is_done else URGENCY[ticket.priority]
        table.add_row(
            str(ticket.number),
            line(ticket.state),
            ticket.priority.name.lower(),
            f"L{ticket.tier}",
            line(ticket.team or "-"),
            line(ticket.assignee or "-"),
            line(ticket.subject),
            age(ticket.created_at, now),
            style=style,
        )
    return table


def plain_ticket(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket as plain data for programs."""
    names = (
        "id number reference subject customer state category channel tier team assignee source locale reason version"
    )
    plain = {name: getattr(ticket, name) for name in names.split()}
    plain["priority"] = ticket.priority.name.lower()
    plain["tags"] = list(ticket.tags)
    plain["fields"] = dict(ticket.fields)
    for name in ("created_at", "updated_at", "resolved_at", "closed_at"):
        instant = getattr(ticket, name)
        plain[name] = None if instant is None else instant.isoformat()
    return plain
