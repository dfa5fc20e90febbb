"""What a ticket is about: its tags, and the custom field `topic`."""

from __future__ import annotations

from supportkit.model.ticket import Ticket

TOPIC = "topic"
"""The custom field that names the topic of a ticket."""


def topics_of(ticket: Ticket) -> tuple[str, ...]:
    """Return the topics of a ticket, that of the field first."""
    named = ticket.fields.get(TOPIC)
    return (named, *ticket.tags) if isinstance(named, str) and named not in ticket.tags else ticket.tags
