"""Answers with files: checked against what the channel takes before anything is queued, kept with the message."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import attrs

from supportkit.channels.port import ChannelAdapter
from supportkit.drafting import Draft, Options, Ref
from supportkit.engine.decide import decide
from supportkit.errors import CapabilityMissing, LimitExceeded
from supportkit.lookup import expect, find, survivor
from supportkit.model import commands as cm
from supportkit.model.conversation import StoredFile
from supportkit.model.events import ReplyAdded
from supportkit.model.message import Attachment, NewFile
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner
from supportkit.storage.port import UnitOfWork
from supportkit.text import clean


def answer(
    runner: Runner,
    channels: Mapping[str, ChannelAdapter],
    ref: Ref,
    command: cm.Reply | cm.Ask,
    files: Iterable[NewFile],
    options: Options,
) -> Ticket:
    """Carry out an answer that may have files; `Desk.reply` says what is refused."""
    given = tuple(files)
    if not given:
        return runner.run(ref, command, options, follow_merges=True)
    if not runner.storage.capabilities.receives:
        raise CapabilityMissing("the storage", "receives", "use one that keeps files")
    # Without ids, which are made anew for each call: an idempotency key stands for the same names and contents.
    named = attrs.evolve(command, attachments=tuple([_named(file) for file in given]))

    def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
        ticket = survivor(unit, find(unit, ref).id)
        expect(ticket, options)
        attachments = tuple(
            [attrs.evolve(one, id=f"{command.message}.{place}") for place, one in enumerate(named.attachments, 1)]
        )
        known = attrs.evolve(named, attachments=attachments)
        draft.command = known
        events = decide(ticket, known, draft.at, runner.rules)
        for event in events:
            if isinstance(event, ReplyAdded) and event.queued:
                _check(channels[event.channel], attachments)
        runner.ask_plugins(ticket, known)
        draft.received.files += [
            _stored(runner.tenant, ticket, command.message, one, file)
            for one, file in zip(attachments, given, strict=True)
        ]
        return draft.add(runner.tenant, ticket, ticket.id, events) or ticket

    return runner.carry_out(named, options, prepare, subject=ref)


def _named(file: NewFile) -> Attachment:
    return Attachment(
        id="",
        name=clean(file.name, "name of a file")[:255],
        media_type=clean(file.media_type, "media type")[:255],
        size=len(file.content),
        digest=hashlib.sha256(file.content).hexdigest(),
    )


def _check(adapter: ChannelAdapter, attachments: tuple[Attachment, ...]) -> None:
    """Refuse what the channel does not take."""
    able = adapter.capabilities
    if able.max_attachment_bytes == 0:
        raise CapabilityMissing(adapter.name, "max_attachment_bytes", "it takes no files: send a link, or another way")
    if able.max_attachments is not None and len(attachments) > able.max_attachments:
        raise LimitExceeded("files of one answer", able.max_attachments, len(attachments))
    size = sum(one.size for one in attachments)
    if size > able.max_attachment_bytes:
        raise LimitExceeded("files of one answer together", able.max_attachment_bytes, size, "bytes")


def _stored(tenant: str, ticket: Ticket, message: str, attachment: Attachment, file: NewFile) -> StoredFile:
    return StoredFile(
        id=attachment.id,
        tenant=tenant,
        ticket=ticket.id,
        message=message,
        name=attachment.name,
        media_type=attachment.media_type,
        content=file.content,
        digest=attachment.digest,
    )
