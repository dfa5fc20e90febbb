"""What a message from outside brought besides its text: cleaned HTML, what the channel noticed, where answers go.

It lies in a file of the message, so it is exported, moved, erased and deleted with it, and is never served as one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, cast

import attrs

from supportkit.channels.inbound import Authenticity, Inbound, Mark
from supportkit.clock import from_us, to_us
from supportkit.errors import NotFound, StorageCorrupt
from supportkit.model.conversation import StoredFile
from supportkit.model.fields import NO_FIELDS, Fields
from supportkit.runner import Runner
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.codec import dumps, loads
from supportkit.text import clean

MEDIA_TYPE = "application/vnd.supportkit.original+json"
NAME = "original.json"
_SUFFIX = ".original"


@attrs.frozen(kw_only=True)
class Original:
    """What came with a message besides its text and its files. All of it is the sender's word, or the channel's.

    Attributes:
        message: The message.
        sender: The address that it came from, as addresses are compared.
        sender_name: What the sender calls himself; it proves nothing.
        html: Safe to show: without scripts, forms, styles and anything that loads from elsewhere; `cid:` images are
            files of the message. `None` where there was none, or where it could not be cleaned: then show the text.
        answer_to: Where the sender wants answers, if elsewhere; agents' answers go there.
        is_elsewhere: The sender wants answers in another domain than his own: look twice before something is told.
        sent_at: When the sender says it was sent.
        auth: Whether the sender is who the message says.
        marks: What the channel knows about it.
        details: What the channel noticed, by its own names.
    """

    message: str
    sender: str = attrs.field(default="", repr=False)
    sender_name: str | None = attrs.field(default=None, repr=False)
    html: str | None = attrs.field(default=None, repr=False)
    answer_to: str | None = attrs.field(default=None, repr=False)
    is_elsewhere: bool = False
    sent_at: dt.datetime | None = None
    auth: Authenticity = Authenticity.UNVERIFIED
    marks: frozenset[Mark] = frozenset()
    details: Fields = attrs.field(default=NO_FIELDS, repr=False)


def original_of(runner: Runner, message: str) -> Original:
    """Return what came with a message; `Desk.original` says what is refused."""
    found = None
    if runner.storage.capabilities.receives:
        with runner.reading() as unit:
            said = unit.message(message)
            found = None if said is None else stored_original(cast("ReceivingUnit", unit), message)
        if found is not None and said is not None and not said.body:  # its author took it back
            found = attrs.evolve(found, html=None)
    if found is None:
        raise NotFound("original", message)
    return found


def stored_original(unit: ReceivingUnit, message: str) -> Original | None:
    """Return what came with a message; `None` for one that came with nothing, or that we wrote."""
    found = unit.file(f"{message}{_SUFFIX}")
    return None if found is None or found.media_type != MEDIA_TYPE else _read(message, found.content)


def file_of(inbound: Inbound, *, tenant: str, ticket: str, message: str, sender: str, moves: bool) -> StoredFile | None:
    """Return the file with what came with a message; `None` where nothing did.

    Args:
        inbound: The message.
        tenant: Whose desk.
        ticket: The ticket that it goes to.
        message: Its id in the desk.
        sender: Its sender's address as addresses are compared.
        moves: The sender may say where answers go.
    """
    html = None if inbound.html is None else _cleaned(inbound.html)
    wanted = inbound.answer_to if inbound.answer_to != sender else None
    plain: dict[str, Any] = {
        "sender_name": inbound.sender_name and clean(inbound.sender_name),
        "html": html and clean(html),
        "answer_to": clean(wanted) if wanted and moves else None,
        "is_elsewhere": wanted is not None and not same_domain(wanted, sender),
        "sent_at": None if inbound.sent_at is None else to_us(inbound.sent_at),
        "marks": sorted(inbound.marks),
        "details": dict(inbound.details),
    }
    kept = {name: value for name, value in plain.items() if value}
    if not kept:
        return None
    kept |= {"sender": sender, "auth": inbound.auth.value}
    content = dumps(kept).encode("utf-8", "surrogatepass")
    return StoredFile(
        id=f"{message}{_SUFFIX}",
        tenant=tenant,
        ticket=ticket,
        message=message,
        name=NAME,
        media_type=MEDIA_TYPE,
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
    )


def _cleaned(html: str) -> str | None:
    from supportkit.channels.email.sanitize import sanitize_html  # the mail channel is much to load for a chat

    return sanitize_html(html)


def same_domain(one: str, other: str) -> bool:
    """Tell whether two mail addresses are of one domain; what is no mail address is of none."""
    domains = [address.rpartition("@")[2].lower() for address in (one, other) if "@" in address]
    return len(domains) == 2 and domains[0] == domains[1]  # noqa: PLR2004 - both


def _read(message: str, content: bytes) -> Original:
    try:
        plain = loads(content.decode("utf-8", "surrogatepass"))
        sent_at = plain.pop("sent_at", None)
        return Original(
            message=message,
            auth=Authenticity(plain.pop("auth")),
            marks=frozenset([Mark(mark) for mark in plain.pop("marks", ())]),
            details=Fields(plain.pop("details", {})),
            sent_at=None if sent_at is None else from_us(sent_at),
            **plain,
        )
    except (TypeError, ValueError, KeyError) as error:
        raise StorageCorrupt(f"the original of message {message} cannot be read: {type(error).__name__}") from error
