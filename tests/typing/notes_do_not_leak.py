"""Read by mypy only: a note is no message, and nothing that sends takes one."""

from __future__ import annotations

import datetime as dt

from supportkit import Desk, Message, Note, Outbound, Printer
from supportkit.channels.email import Mailbox, build_mail


def publish(message: Message) -> str:
    return message.body


def leaks(desk: Desk, printer: Printer, note: Note) -> None:
    publish(note)  # type: ignore[arg-type]
    printer.send(note)  # type: ignore[arg-type]
    Outbound(id="1", recipient="ann", body=note)  # type: ignore[arg-type]
    build_mail(note, sender=Mailbox(), message_id="<m@x>", date=dt.datetime.now(dt.UTC))  # type: ignore[arg-type]
    desk.reply(1, note, actor="agent:kim")  # type: ignore[arg-type]
    messages: list[Message] = list(desk.notes(1))  # type: ignore[arg-type]
    messages.append(note)  # type: ignore[arg-type]


def does_not_leak(desk: Desk) -> list[str]:
    return [publish(message) for message in desk.messages(1)]
