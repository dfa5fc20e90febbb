"""Decisions about what channels bring about: messages changed and taken back, windows that close. Part of `decide`."""

from __future__ import annotations

from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.ticket import Ticket

Events = tuple[ev.Event, ...]


def edit_message(_ticket: Ticket, command: cm.EditMessage, *_unused: object) -> Events:
    """Let a message read otherwise; the same words again change nothing."""
    if command.body == command.before:
        return ()
    return (ev.MessageEdited(message=command.message, before=command.before),)


def delete_message(_ticket: Ticket, command: cm.DeleteMessage, *_unused: object) -> Events:
    """Hide a message; one that is hidden already stays as it is."""
    if not command.before and not command.files:
        return ()
    return (ev.MessageDeleted(message=command.message, files=command.files, before=command.before),)


def warn_window(ticket: Ticket, command: cm.WarnWindow, *_unused: object) -> Events:
    """Warn about the end of a reply window, while answers go out by it and the work is not over."""
    if ticket.is_done or ticket.leg != command.leg:
        return ()
    return (ev.ReplyWindowWarned(leg=command.leg, channel=command.channel, until=command.until, late=command.late),)
