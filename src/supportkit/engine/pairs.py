"""Decisions about two tickets at once: merge, unmerge, link, split. Pure, like `decide`.

Each function returns the events of the ticket that the command is for and those of the other one; both lists are
stored in one commit or not at all.
"""

from __future__ import annotations

from supportkit.engine.rules import Rules
from supportkit.engine.steps import Events, refuse
from supportkit.errors import LimitExceeded
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.ticket import Link, LinkKind, MergedPart, Ticket

Both = tuple[Events, Events]


def decide_merge(ticket: Ticket, survivor: Ticket, rules: Rules) -> Both:
    """Return the events of merging *ticket* into *survivor*, which must stand at the end of its own chain.

    Raises:
        Refused: The two are one (directly or because the survivor was merged into this ticket before), or this
            ticket was merged already.
    """
    if ticket.id == survivor.id:
        raise refuse("merge.circle", f"ticket {ticket.number} would be merged into itself")
    if ticket.merged_into is not None:
        raise refuse("merge.already", f"ticket {ticket.number} was merged already: unmerge it first")
    if survivor.merged_into is not None:
        raise refuse("merge.target", f"ticket {survivor.number} was merged itself: merge into its survivor")
    part = MergedPart(
        ticket.id,
        tags=ticket.tags,
        followers=ticket.followers,
        new_tags=tuple(tag for tag in ticket.tags if tag not in survivor.tags),
        new_followers=tuple(name for name in ticket.followers if name not in survivor.followers),
    )
    closed = rules.closed_state
    ended = ev.TicketMerged(into=survivor.id, state=closed, category=rules.lifecycle.category(closed))
    return (ended,), (ev.TicketAbsorbed(part=part),)


def decide_unmerge(ticket: Ticket, survivor: Ticket) -> Both:
    """Return the events of taking *ticket* out of *survivor* again.

    Raises:
        Refused: The ticket is not merged, or the survivor was merged further in the meantime.
    """
    if ticket.merged_into is None or ticket.before_merge is None:
        raise refuse("unmerge.not_merged", f"ticket {ticket.number} is not merged")
    if survivor.merged_into is not None:
        raise refuse("unmerge.nested", f"ticket {survivor.number} was merged further: unmerge that one first")
    before = ticket.before_merge
    alone = ev.TicketUnmerged(out_of=survivor.id, state=before.state, category=before.category)
    return (alone,), (ev.TicketReleased(ticket=ticket.id),)


def decide_link(ticket: Ticket, other: Ticket, command: cm.AddLink, rules: Rules) -> Both:
    """Return the events of linking two tickets; none where they are linked so already.

    Raises:
        Refused: A ticket cannot be linked to itself, nor be its own parent, blocker or cause over the other.
    """
    kind = command.kind
    if ticket.id == other.id:
        raise refuse("link.self", f"ticket {ticket.number} cannot be linked to itself")
    if Link(kind, other.id) in ticket.links:
        return (), ()
    if kind is not LinkKind.RELATED and Link(kind.inverse, other.id) in ticket.links:
        raise refuse("link.circle", f"tickets {ticket.number} and {other.number} are linked the other way round")
    for one in (ticket, other):
        if len(one.links) >= rules.limits.links:
            raise LimitExceeded("links of a ticket", rules.limits.links, len(one.links) + 1)
    return (ev.Linked(kind=kind, ticket=other.id),), (ev.Linked(kind=kind.inverse, ticket=ticket.id),)


def decide_unlink(ticket: Ticket, other: Ticket, command: cm.RemoveLink) -> Both:
    """Return the events of taking a link away; none where there is no such link."""
    if Link(command.kind, other.id) not in ticket.links:
        return (), ()
    here = ev.Unlinked(kind=command.kind, ticket=other.id)
    return (here,), (ev.Unlinked(kind=command.kind.inverse, ticket=ticket.id),)


def decide_split(ticket: Ticket, command: cm.Split, rules: Rules) -> Both:
    """Return the events of moving messages into a new ticket: those of *ticket*, then those of the new one.

    Raises:
        Refused: No message is named, or the ticket was merged.
    """
    if not command.messages:
        raise refuse("split.nothing", "name the messages that go into the new ticket")
    if ticket.merged_into is not None:
        raise refuse("ticket.merged", f"ticket {ticket.number} was merged: split the survivor")
    lifecycle = rules.lifecycle
    promised = rules.promises.choose(ticket)
    moved = ev.MessagesMoved(messages=command.messages, source=ticket.id, dest=command.ticket)
    opened = ev.TicketOpened(
        number=command.number,
        reference=command.reference,
        subject=command.subject,
        customer=ticket.customer,
        state=lifecycle.initial,
        category=lifecycle.category(lifecycle.initial),
        channel=ticket.channel,
        priority=ticket.priority,
        tier=ticket.tier,
        team=ticket.team,
        locale=ticket.locale,
        links=(Link(LinkKind.SPLIT_FROM, ticket.id),),
        policy=promised.policy,
        revision=promised.revision,
    )
    return (moved, ev.Linked(kind=LinkKind.SPLIT_INTO, ticket=command.ticket)), (opened, moved)
