"""Two agents, one ticket: what was said after somebody looked at it, told before he answers on top of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supportkit.drafting import Ref
from supportkit.errors import NewerMessages
from supportkit.lookup import find, survivor
from supportkit.model import events as ev
from supportkit.model.message import Message
from supportkit.model.people import Actor
from supportkit.model.ticket import Ticket
from supportkit.pairing import family
from supportkit.storage.port import UnitOfWork

_SAID = (ev.MessageReceived, ev.ReplyAdded)


def newer_messages(unit: UnitOfWork, ref: Ref, seen: int, actor: Actor | None = None) -> Sequence[Message]:
    """Return what others said in a ticket after its version *seen*, by time.

    What a merge brought in after that version counts, and where the ticket itself was merged, all that the survivor
    has. What *actor* wrote himself does not: he knows it.

    Raises:
        TicketNotFound: There is no such ticket.
        ValueError: The ticket has no such version.
    """
    named = find(unit, ref)
    if isinstance(seen, bool) or not isinstance(seen, int) or not 1 <= seen <= named.version:
        raise ValueError(f"seen_version must be a version of the ticket, 1 to {named.version}, not {seen!r:.40}")
    if seen == named.version and named.merged_into is None:
        return ()
    kept = survivor(unit, named.id)
    fresh, joined = set[str](), set[str]()
    for recorded in unit.history(named.id)[seen:]:
        if isinstance(recorded.event, _SAID):
            fresh.add(recorded.event.message)
        elif isinstance(recorded.event, ev.TicketAbsorbed):
            joined.update(_with_parts(unit, recorded.event.part.ticket))
    whole = family(unit, kept)
    if kept.id != named.id:
        joined.update(set(whole) - set(family(unit, named)))
    return [
        message
        for message in unit.messages(whole)
        if (message.id in fresh or message.ticket in joined) and message.author != actor
    ]


def refuse_overtaken(unit: UnitOfWork, ref: Ref, ticket: Ticket, seen: int, actor: Actor) -> None:
    """Refuse an answer that does not know what others said meanwhile.

    Args:
        unit: Where to look.
        ref: The ticket as it was named.
        ticket: The one that the answer reaches.
        seen: The version of *ref* that whoever answers has read.
        actor: Who answers.

    Raises:
        NewerMessages: Others said something after that version.
    """
    messages = newer_messages(unit, ref, seen, actor)
    if messages:
        raise NewerMessages(ticket.id, ticket.number, seen, ticket.version, messages)


def _with_parts(unit: UnitOfWork, ticket: str) -> Iterator[str]:
    found = unit.get(ticket)
    if found is not None:
        yield from family(unit, found)
