"""What somebody wants done: a closed union of imperative values, each with its actor.

Fields marked `made()` are filled by the desk (ids, numbers) before the rules see the command: a decision that is
repeated after a version race uses the same ones. They are no part of what an idempotency key stands for.
"""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Any

import attrs

from supportkit.model.clocks import Metric
from supportkit.model.fields import NO_FIELDS, Fields
from supportkit.model.message import Attachment, MessageKind, OutboxState
from supportkit.model.people import Actor, ActorKind
from supportkit.model.ticket import ClosingReason, Link, LinkKind, Priority


def made(default: Any = "") -> Any:
    """Declare a field that the desk fills; the rules read it, the caller never gives it."""
    return attrs.field(default=default, metadata={"made": True})


def _words(default: Any = attrs.NOTHING) -> Any:
    return attrs.field(default=default, repr=False)


class Keep(Enum):
    """The one value `KEEP`: leave as it is. `None` already means nobody."""

    KEEP = "keep"


KEEP = Keep.KEEP


@attrs.frozen(kw_only=True)
class Open:
    """Open a ticket, with or without a first message of *author*."""

    actor: Actor
    subject: str = _words()
    body: str | None = _words(None)
    author: Actor
    customer: str | None = None
    channel: str = "app"
    kind: MessageKind = MessageKind.REPLY
    priority: Priority = Priority.NORMAL
    tier: int = 1
    team: str | None = None
    assignee: str | None = None
    tags: tuple[str, ...] = ()
    fields: Fields = _words(NO_FIELDS)  # noqa: RUF009 - a field declaration
    locale: str | None = None
    source: str | None = None
    external_id: str | None = None
    links: tuple[Link, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    leg: str | None = None
    ticket: str = made()
    number: int = made(0)
    reference: str = made()
    message: str = made()


THE_CUSTOMER = Actor(ActorKind.CUSTOMER)
"""Stands for the customer of the ticket that a command is for; the desk puts the person in when it has loaded it."""


@attrs.frozen(kw_only=True)
class Receive:
    """Record a message that came in for a ticket; without a channel it is the ticket's own.

    *ticket* and *reference* are those of the follow-up that it opens where the ticket was closed too long
    ago.
    """

    actor: Actor
    body: str = _words()
    author: Actor
    channel: str | None = None
    kind: MessageKind = MessageKind.REPLY
    external_id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    leg: str | None = None
    message: str = made()
    ticket: str = made()
    reference: str = made()


@attrs.frozen(kw_only=True)
class EditMessage:
    """Record that whoever wrote a message out there changed it; *body* is how it reads now."""

    actor: Actor
    message: str
    body: str = _words()
    before: str = attrs.field(default="", repr=False, metadata={"made": True})


@attrs.frozen(kw_only=True)
class DeleteMessage:
    """Record that a message was taken back out there; *files* is how many were attached to it."""

    actor: Actor
    message: str
    before: str = attrs.field(default="", repr=False, metadata={"made": True})
    files: int = made(0)


@attrs.frozen(kw_only=True)
class WarnWindow:
    """Record that a question is open and its reply window closes soon, or has closed."""

    actor: Actor
    leg: str
    channel: str
    until: dt.datetime
    late: bool = False


@attrs.frozen(kw_only=True)
class Reply:
    """Answer the customer; on a new ticket this also starts it."""

    actor: Actor
    body: str = _words()
    kind: MessageKind = MessageKind.REPLY
    channel: str | None = None
    external_id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    message: str = made()


@attrs.frozen(kw_only=True)
class PublicReply:
    """Answer where everybody reads it: short, and nothing of the matter itself. An agent's is a response."""

    actor: Actor
    body: str = _words()
    leg: str | None = made(None)
    channel: str = made()
    message: str = made()


@attrs.frozen(kw_only=True)
class Ask:
    """Ask the customer something, in public, and wait for the answer."""

    actor: Actor
    body: str = _words()
    channel: str | None = None
    until: dt.datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    message: str = made()


@attrs.frozen(kw_only=True)
class AddNote:
    """Write an internal note."""

    actor: Actor
    body: str = _words()
    mentions: tuple[str, ...] = ()
    note: str = made()


@attrs.frozen(kw_only=True)
class Start:
    """Take a new ticket up."""

    actor: Actor


@attrs.frozen(kw_only=True)
class Hold:
    """Wait for a vendor or another department."""

    actor: Actor
    text: str = _words("")
    until: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class Resume:
    """Go on with a ticket that waited."""

    actor: Actor


@attrs.frozen(kw_only=True)
class Resolve:
    """Say that the matter is dealt with: a reason and the words of the resolution."""

    actor: Actor
    text: str = _words("")
    reason: ClosingReason = ClosingReason.SOLVED


@attrs.frozen(kw_only=True)
class Reopen:
    """Take a finished ticket up again."""

    actor: Actor
    text: str = _words("")


@attrs.frozen(kw_only=True)
class Close:
    """End a ticket; one that was not resolved needs a reason."""

    actor: Actor
    reason: ClosingReason | None = None


@attrs.frozen(kw_only=True)
class Fire:
    """Fire any trigger of the lifecycle by its name, without words: for own lifecycles and replays."""

    actor: Actor
    trigger: str
    reason: ClosingReason | None = None
    until: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class Assign:
    """Make a team and a person responsible; `None` takes the responsibility away."""

    actor: Actor
    team: str | Keep | None = KEEP
    assignee: str | Keep | None = KEEP


@attrs.frozen(kw_only=True)
class SetPriority:
    """Give the ticket another priority."""

    actor: Actor
    priority: Priority


@attrs.frozen(kw_only=True)
class SetSubject:
    """Give the ticket another subject."""

    actor: Actor
    subject: str = _words()


@attrs.frozen(kw_only=True)
class SetCustomer:
    """Say whose ticket it is."""

    actor: Actor
    customer: str | None


@attrs.frozen(kw_only=True)
class Tag:
    """Add and remove tags."""

    actor: Actor
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class SetFields:
    """Set custom fields; a value of `None` removes one."""

    actor: Actor
    changes: Fields = _words()  # noqa: RUF009 - a field declaration


@attrs.frozen(kw_only=True)
class Follow:
    """Begin or cease to follow a ticket."""

    actor: Actor
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ChangeParticipants:
    """Let customers take part in a ticket, or no more; a caller may also name them by their mail addresses."""

    actor: Actor
    add: tuple[str, ...] = _words(())
    remove: tuple[str, ...] = _words(())


@attrs.frozen(kw_only=True)
class RevokeTokens:
    """Let nothing that was signed for the ticket so far open a way to it any more."""

    actor: Actor


@attrs.frozen(kw_only=True)
class MoveTier:
    """Hand the ticket to another support line, to a vendor in it, or back with `returns`.

    *points* answer the checklist of that line; `None` where nobody was asked for them. *body* is for the *vendor*.
    """

    actor: Actor
    tier: int
    team: str | None = None
    summary: str = _words("")
    points: Fields | None = _words(None)  # noqa: RUF009 - a field declaration
    assignee: str | None = None
    vendor: str | None = None
    body: str = _words("")
    returns: bool = False
    message: str = made()
    channel: str = made()
    leg: str | None = made(None)


@attrs.frozen(kw_only=True)
class WriteVendor:
    """Write to another organisation that works on the ticket."""

    actor: Actor
    vendor: str
    body: str = _words()
    message: str = made()
    channel: str = made()
    leg: str | None = made(None)


@attrs.frozen(kw_only=True)
class RaiseSignal:
    """Say that something happened that escalation rules may wait for."""

    actor: Actor
    signal: str
    instance: str = ""


@attrs.frozen(kw_only=True)
class AcknowledgeEscalation:
    """Take note of an escalation, so that its later levels stay silent."""

    actor: Actor
    rule: str
    instance: str | None = None


@attrs.frozen(kw_only=True)
class FailDelivery:
    """Record that an answer will not reach the customer."""

    actor: Actor
    message: str
    channel: str
    reason: str


@attrs.frozen(kw_only=True)
class RetryDelivery:
    """Let a delivery that waits for a person begin anew."""

    actor: Actor
    delivery: str
    note: str = _words("")
    message: str = made()
    channel: str = made()
    source: OutboxState = made(OutboxState.UNKNOWN)  # noqa: RUF009 - a field declaration


@attrs.frozen(kw_only=True)
class SettleDelivery:
    """Say what became of a delivery that waits for a person; nobody will try it again."""

    actor: Actor
    delivery: str
    state: OutboxState
    note: str = _words("")
    external_id: str | None = None
    message: str = made()
    channel: str = made()
    source: OutboxState = made(OutboxState.UNKNOWN)  # noqa: RUF009 - a field declaration


@attrs.frozen(kw_only=True)
class SwitchChannel:
    """Let the conversation go on on another leg."""

    actor: Actor
    leg: str
    channel: str


@attrs.frozen(kw_only=True)
class ApplyPolicy:
    """Look anew which promises hold for the ticket as it is now."""

    actor: Actor


@attrs.frozen(kw_only=True)
class SetDue:
    """Set a due for one metric beside the policy's own; `None` takes it back."""

    actor: Actor
    metric: Metric
    due: dt.datetime | None


@attrs.frozen(kw_only=True)
class MakePromise:
    """Promise the customer something by an instant, or within so much open time."""

    actor: Actor
    text: str = _words()
    due: dt.datetime | None = None
    within: dt.timedelta | None = None
    promise: str = made()


@attrs.frozen(kw_only=True)
class MovePromise:
    """Give a promise another due."""

    actor: Actor
    promise: str
    due: dt.datetime | None = None
    within: dt.timedelta | None = None


@attrs.frozen(kw_only=True)
class KeepPromise:
    """Say that a promise was kept."""

    actor: Actor
    promise: str


@attrs.frozen(kw_only=True)
class CancelPromise:
    """Say that a promise is void."""

    actor: Actor
    promise: str


@attrs.frozen(kw_only=True)
class HandOver:
    """Let another organisation work on the ticket."""

    actor: Actor
    vendor: str


@attrs.frozen(kw_only=True)
class PauseVendor:
    """Let the clock of another organisation stand still while it waits."""

    actor: Actor
    vendor: str


@attrs.frozen(kw_only=True)
class ResumeVendor:
    """Let the clock of another organisation go on."""

    actor: Actor
    vendor: str


@attrs.frozen(kw_only=True)
class TakeBack:
    """End the work of another organisation on the ticket."""

    actor: Actor
    vendor: str


@attrs.frozen(kw_only=True)
class ReturnAssignment:
    """Let a ticket wait in the queue again, because whom the desk gave it to has not touched it."""

    actor: Actor


@attrs.frozen(kw_only=True)
class Merge:
    """End this ticket in *into*, which takes over its messages, tags and followers."""

    actor: Actor
    into: str


@attrs.frozen(kw_only=True)
class Unmerge:
    """Take a merged ticket out of the survivor again."""

    actor: Actor


@attrs.frozen(kw_only=True)
class AddLink:
    """Say that this ticket is *kind* of the other."""

    actor: Actor
    kind: LinkKind
    other: str


@attrs.frozen(kw_only=True)
class RemoveLink:
    """Take a link away."""

    actor: Actor
    kind: LinkKind
    other: str


@attrs.frozen(kw_only=True)
class Split:
    """Move messages of this ticket into a new one."""

    actor: Actor
    subject: str = _words()
    messages: tuple[str, ...]
    ticket: str = made()
    number: int = made(0)
    reference: str = made()


@attrs.frozen(kw_only=True)
class ClearSurveyFlag:
    """Say that a flag of the last answer of a survey means nothing."""

    actor: Actor
    survey: str
    flag: str
    note: str = _words("")
    resolution: int = made(0)
    version: int = made(0)


Command = (
    Open
    | Receive
    | Reply
    | PublicReply
    | Ask
    | AddNote
    | Start
    | Hold
    | Resume
    | Resolve
    | Reopen
    | Close
    | Fire
    | Assign
    | SetPriority
    | SetSubject
    | SetCustomer
    | Tag
    | SetFields
    | Follow
    | ChangeParticipants
    | RevokeTokens
    | MoveTier
    | WriteVendor
    | RaiseSignal
    | AcknowledgeEscalation
    | FailDelivery
    | RetryDelivery
    | SettleDelivery
    | SwitchChannel
    | ApplyPolicy
    | SetDue
    | MakePromise
    | MovePromise
    | KeepPromise
    | CancelPromise
    | HandOver
    | PauseVendor
    | ResumeVendor
    | TakeBack
    | ClearSurveyFlag
    | ReturnAssignment
    | EditMessage
    | DeleteMessage
    | WarnWindow
)
"""Commands that change one ticket."""

PairCommand = Merge | Unmerge | AddLink | RemoveLink | Split
"""Commands that change two tickets in one commit."""
