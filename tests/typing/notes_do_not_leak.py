"""Read by mypy only: a note is no message, and nothing that sends takes one."""

from __future__ import annotations

from supportkit import Desk, Message, Note, Outbound, Printer


def publish(message: Message) -> str:
    return message.body


def leaks(desk: Desk, printer: Printer, note: Note) -> None:
    publish(note)  # type: ignore[arg-type]
    printer.send(note)  # type: ignore[arg-type]
    Outbound(id="1", recipient="ann", body=note)  # type: ignore[arg-type]
    desk.reply(1, note, actor="agent:kim")  # type: ignore[arg-type]
    messages: list[Message] = list(desk.notes(1))  # type: ignore[arg-type]
    messages.append(note)  # type: ignore[arg-type]


def does_not_leak(desk: Desk) -> list[str]:
    return [publish(message) for message in desk.messages(1)]
