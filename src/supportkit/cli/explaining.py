"""`supportkit explain`: the clocks of one ticket, what their time is made of, and why a due is where it is."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from supportkit.cli.app import DEFAULT_DATABASE, Database, existing
from supportkit.cli.telling_clocks import name_of
from supportkit.cli.terminal import console, line
from supportkit.cli.times import length, moment, zone_of
from supportkit.clock import to_utc
from supportkit.clocking import Explained
from supportkit.desk import Desk
from supportkit.sla import Clock, Kind, Verdict

_COLOURS = {Kind.COUNTED: "green", Kind.PAUSED: "yellow", Kind.HALTED: "dim", Kind.CLOSED: "dim", Kind.HOLIDAY: "cyan"}


def explain(
    ticket: Annotated[str, typer.Argument(metavar="N", help="Number or id of the ticket.")],
    *,
    at: Annotated[str | None, typer.Option(help="As it stood at this instant (ISO 8601 with an offset); now.")] = None,
    zone: Annotated[str, typer.Option(help="In which zone to tell the times.")] = "UTC",
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show each clock of a ticket: its due, and every stretch of time with the reason why it counts or not."""
    zone = zone_of(zone)
    ref = int(ticket) if ticket.isascii() and ticket.isdigit() and len(ticket) < 19 else ticket  # noqa: PLR2004
    try:
        instant = None if at is None else to_utc(at, "at")
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None
    with existing(database) as desk:
        print_clocks(console(), desk, ref, instant, zone)


def print_clocks(out: Console, desk: Desk, ticket: int | str, at: dt.datetime | None, zone: str) -> None:
    """Print each clock of a ticket with its segments and its picture."""
    clocks = desk.clocks(ticket, at)
    found = desk.get(ticket)
    title = Text(f"Ticket {found.number}  ", style="bold")
    title.append_text(line(found.subject))
    out.print(title)
    policy = f"policy {clocks.policy}" if clocks.policy else "no policy"
    out.print(line(f"{policy}, as it stands {moment(clocks.at, zone)}, times in {zone}"), style="dim")
    if not clocks.clocks:
        out.print("No clocks.")
    for one in desk.explain(ticket, at):
        out.print()
        print_clock(out, one, clocks.at, zone)


def print_clock(out: Console, one: Explained, at: dt.datetime, zone: str) -> None:
    """Print one clock as it stands *at* an instant, with its segments and their picture."""
    out.print(_head(one.clock))
    for name, text in _facts(one.clock, at, zone):
        out.print(Text(f"  {name:<11}", style="dim") + line(text))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("From", no_wrap=True)
    table.add_column("To", no_wrap=True)
    table.add_column("Length", justify="right", no_wrap=True)
    table.add_column("What", no_wrap=True)
    table.add_column("Why")
    for segment in one.segments:
        table.add_row(
            moment(segment.start, zone),
            moment(segment.end, zone),
            length(segment.length.total_seconds()),
            Text(segment.kind.value, style=_COLOURS[segment.kind]),
            line(segment.detail),
        )
    if one.segments:
        out.print(table)
        out.print(Text(one.picture()))
        out.print(Text("# counted  . closed  h holiday  = paused  - halted", style="dim"))


def _head(clock: Clock) -> Text:
    which = f" {clock.subject}" if clock.subject else ""
    count = "" if (clock.instance, clock.cycle) == (1, 1) else f" no. {clock.instance}" + _cycle(clock.cycle)
    verdict = "" if clock.verdict is None else f", {clock.verdict.lower()}"
    style = "bold red" if clock.verdict is Verdict.BREACHED else "bold"
    return Text(f"{name_of(clock.metric)}{which}{count}: {clock.status.value}{verdict}", style=style)


def _cycle(cycle: int) -> str:
    return "" if cycle == 1 else f", cycle {cycle}"


def _facts(clock: Clock, at: dt.datetime, zone: str) -> list[tuple[str, str]]:
    used = length(clock.used.total_seconds())
    facts = [("used", used if clock.target is None else f"{used} of {length(clock.target.total_seconds())}")]
    if clock.due_at is not None:
        facts.append(("due", moment(clock.due_at, zone)))
    elif clock.projected_due_at is not None:
        facts.append(
            ("due", f"none while it is {clock.status.value}; if it went on now: {moment(clock.projected_due_at, zone)}")
        )
    if clock.breaches_at is not None and clock.breaches_at != clock.due_at:
        word = "breached" if clock.breaches_at <= at else "late from"
        facts.append((word, moment(clock.breaches_at, zone)))
    if clock.override_due_at is not None:
        verdict = f", {clock.override_verdict.lower()}" if clock.override_verdict else ""
        facts.append(("own due", f"{moment(clock.override_due_at, zone)}{verdict}"))
    facts.append(("calendar", f"{clock.calendar}, revision {clock.calendar_revision[:12]}"))
    if clock.paused_by:
        facts.append(("paused by", ", ".join(clock.paused_by)))
    if clock.flags:
        facts.append(("note", ", ".join(sorted(flag.replace("_", " ") for flag in clock.flags))))
    return facts
