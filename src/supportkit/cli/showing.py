"""`supportkit show`: what happened to one ticket, from its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Annotated, TypeGuard

import attrs
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from supportkit.cli.app import DEFAULT_DATABASE, Database, existing
from supportkit.cli.telling import told
from supportkit.cli.terminal import console, line, words
from supportkit.cli.times import age, moment, zone_of
from supportkit.desk import Desk
from supportkit.model.events import Event, MessageReceived, NoteAdded, NoticeQueued, Recorded, ReplyAdded
from supportkit.model.ticket import Ticket
from supportkit.storage.port import MAX_PAGE


def show(
    ticket: Annotated[str, typer.Argument(metavar="N", help="Number or id of the ticket.")],
    *,
    zone: Annotated[str, typer.Option(help="In which zone to tell the times.")] = "UTC",
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show the timeline of one ticket."""
    zone = zone_of(zone)
    ref = int(ticket) if ticket.isascii() and ticket.isdigit() and len(ticket) < 19 else ticket  # noqa: PLR2004
    with existing(database) as desk:
        found = desk.get(ref)
        out = console()
        print_head(out, desk, found, zone)
        print_timeline(out, desk, found, zone)


def print_head(out: Console, desk: Desk, ticket: Ticket, zone: str) -> None:
    """Print what a ticket is now."""
    title = Text(f"Ticket {ticket.number}  ", style="bold")
    title.append_text(line(ticket.subject))
    out.print(title)
    facts = [
        ("state", ticket.state + (f" ({ticket.reason})" if ticket.reason is not None else "")),
        ("priority", ticket.priority.name.lower()),
        ("tier", f"L{ticket.tier}"),
        ("team", ticket.team or "-"),
        ("assignee", ticket.assignee or "-"),
        ("channel", ticket.channel),
        ("customer", _customer(desk, ticket)),
        ("tags", ", ".join(ticket.tags) or "-"),
    ]
    out.print(Text("  ").join(Text(f"{name} ", style="dim") + line(value) for name, value in facts))
    opened = f"opened {moment(ticket.created_at, zone)} ({age(ticket.created_at, desk.now())}), times in {zone}"
    out.print(Text(opened, style="dim"))


def print_timeline(out: Console, desk: Desk, ticket: Ticket, zone: str) -> None:
    """Print what happened, one command a row; internal notes are marked."""
    told_by = _Words(
        said={message.id: message.body for message in desk.messages(ticket.id)},
        noted={note.id: note.body for note in desk.notes(ticket.id)},
        # The outbox gives one page; on a ticket with more answers the states of the later ones are not shown.
        sent={delivery.message: delivery.state.value for delivery in desk.outbox(ticket.id, limit=MAX_PAGE)},
    )
    who = {} if ticket.customer is None else {f"customer:{ticket.customer}": _customer(desk, ticket)}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Time", justify="right", no_wrap=True)
    table.add_column("Who", overflow="fold")
    table.add_column("What", overflow="fold")
    day = ""
    for (_command, at), group in groupby(desk.history(ticket.id), lambda one: (one.command, one.occurred_at)):
        events = list(group)
        today, time = moment(at, zone).rsplit(" ", 1)
        actor = str(events[0].actor)
        table.add_row(time if today == day else f"{today} {time}", line(who.get(actor, actor)), told_by.about(events))
        day = today
    out.print(table)


@attrs.frozen(kw_only=True)
class _Words:
    """The words that events leave out: of messages, notes, and of what became of deliveries."""

    said: Mapping[str, str]
    noted: Mapping[str, str]
    sent: Mapping[str, str]

    def about(self, events: Sequence[Recorded]) -> Text:
        """Return what one command did: its sentences, then the words that came with it."""
        text = line("; ".join(self._sentence(recorded.event) for recorded in events))
        for recorded in events:
            event = recorded.event
            if isinstance(event, NoteAdded):
                text.stylize("yellow")
                text.append_text(words(f"\n{self.noted.get(event.note, '(erased)')}", "yellow"))
            elif isinstance(event, MessageReceived | ReplyAdded) or is_told(event):
                text.append_text(words(f"\n{self.said.get(event.message, '(erased, or in another ticket)')}", "bold"))
        return text

    def _sentence(self, event: Event) -> str:
        if isinstance(event, NoteAdded):
            return f"[internal] {told(event)}"
        if isinstance(event, ReplyAdded | NoticeQueued) and event.message in self.sent:
            return f"{told(event)} ({self.sent[event.message]})"
        return told(event)


def is_told(event: Event) -> TypeGuard[NoticeQueued]:
    """Tell whether an event is a notice that went out, so that there are words."""
    return isinstance(event, NoticeQueued) and event.reason is None


def _customer(desk: Desk, ticket: Ticket) -> str:
    if ticket.customer is None:
        return "-"
    return desk.customers.get(ticket.customer).name or ticket.customer
