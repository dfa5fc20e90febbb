"""What has happened to a ticket: a closed union of past-tense values.

A field marked `private()` holds words of a person. Storages keep it apart from the event, so that a person can be
erased while the log stays whole; afterwards the field reads as empty.
"""

from __future__ import annotations

import datetime as dt

import attrs

from supportkit.model.clocks import Cause, Metric, Verdict
from supportkit.model.fields import NO_FIELDS, Fields
from supportkit.model.message import MessageKind, OutboxState
from supportkit.model.people import Actor
from supportkit.model.private import private as private  # noqa: PLC0414 - how events declare such a field
from supportkit.model.surveys import ResolutionAttributed as ResolutionAttributed  # noqa: PLC0414 - events as well
from supportkit.model.surveys import SurveyAnswered as SurveyAnswered  # noqa: PLC0414
from supportkit.model.surveys import SurveyCancelled as SurveyCancelled  # noqa: PLC0414
from supportkit.model.surveys import SurveyEnded as SurveyEnded  # noqa: PLC0414
from supportkit.model.surveys import SurveyFlagCleared as SurveyFlagCleared  # noqa: PLC0414
from supportkit.model.surveys import SurveyFollowedUp as SurveyFollowedUp  # noqa: PLC0414
from supportkit.model.surveys import SurveyReminded as SurveyReminded  # noqa: PLC0414
from supportkit.model.surveys import SurveyScheduled as SurveyScheduled  # noqa: PLC0414
from supportkit.model.surveys import SurveySent as SurveySent  # noqa: PLC0414
from supportkit.model.surveys import SurveySuppressed as SurveySuppressed  # noqa: PLC0414
from supportkit.model.surveys import SurveyTaken as SurveyTaken  # noqa: PLC0414
from supportkit.model.surveys import SurveyViewed as SurveyViewed  # noqa: PLC0414
from supportkit.model.ticket import ClosingReason, Link, LinkKind, MergedPart, Priority, StateCategory


@attrs.frozen(kw_only=True)
class TicketOpened:
    """A ticket was opened; always the first event of a log.

    *policy* and *revision* name the promises that hold for it; `None` where no policy is for such a ticket. *leg* is
    where the conversation began; `None` where it came in by no channel of the desk.
    """

    number: int
    reference: str
    subject: str = private()
    customer: str | None
    state: str
    category: StateCategory
    channel: str
    priority: Priority = Priority.NORMAL
    tier: int = 1
    team: str | None = None
    assignee: str | None = None
    tags: tuple[str, ...] = ()
    fields: Fields = private(NO_FIELDS)  # noqa: RUF009 - a field declaration
    locale: str | None = None
    source: str | None = None
    links: tuple[Link, ...] = ()
    policy: str | None = None
    revision: str | None = None
    leg: str | None = None


@attrs.frozen(kw_only=True)
class ChannelSwitched:
    """The conversation goes on elsewhere: answers go out on this leg from now on."""

    leg: str
    channel: str


@attrs.frozen(kw_only=True)
class MessageReceived:
    """A message came in: from the customer, a bot or another organisation. Automatic ones have kind `auto`."""

    message: str
    author: Actor
    kind: MessageKind
    channel: str


@attrs.frozen(kw_only=True)
class MessageEdited:
    """Whoever wrote a message changed it on its channel; *before* is what it said until then."""

    message: str
    before: str = private("")


@attrs.frozen(kw_only=True)
class MessageDeleted:
    """A message was taken back on its channel and is hidden; *before* is what it said, with *files* attached."""

    message: str
    files: int = 0
    before: str = private("")


@attrs.frozen(kw_only=True)
class ReplyWindowWarned:
    """A question is open, and the channel lets us answer freely until *until* only; *late*: it has closed."""

    leg: str
    channel: str
    until: dt.datetime
    late: bool = False


@attrs.frozen(kw_only=True)
class ChannelProposed:
    """An answer did not arrive, and this is what is possible; nothing has moved.

    *allowed* is what its channel still takes (`template`, `human_agent`). *channel* is where the conversation could go
    on, `None` where the desk knows no other way; *leg* is the leg there, if one has begun.
    """

    message: str
    reason: str
    allowed: tuple[str, ...] = ()
    channel: str | None = None
    leg: str | None = None


@attrs.frozen(kw_only=True)
class ReplyAdded:
    """An answer went out; `queued` is false where the desk has no adapter for the channel and only records it."""

    message: str
    author: Actor
    kind: MessageKind
    channel: str
    queued: bool


@attrs.frozen(kw_only=True)
class NoticeQueued:
    """The desk tells the customer something by itself: an automatic message, never a response.

    *notice* names the text, *due* is the answer time that it names. With a *reason* nothing goes out and there is no
    message: it says why (`automatic`, `opted_out`, `muted`, `budget.address` ...).
    """

    message: str
    notice: str
    channel: str
    locale: str | None = None
    due: dt.datetime | None = None
    reason: str | None = None
    subject: str = private("")


@attrs.frozen(kw_only=True)
class DeliveryFailed:
    """A queued answer will not reach the customer: it no longer counts as a response."""

    message: str
    channel: str
    reason: str


@attrs.frozen(kw_only=True)
class DeliveryRetried:
    """A person lets a delivery that was `unknown` or `parked` begin anew.

    *delivery* is its id, *source* where it stood; from `unknown` the customer may get the answer twice.
    """

    delivery: str
    message: str
    channel: str
    source: OutboxState
    note: str = private("")


@attrs.frozen(kw_only=True)
class DeliverySettled:
    """A delivery ended without a worker: somebody said how, or the ticket was merged or closed as spam.

    *delivery* is its id, *source* where it stood. Settled as `failed` or `cancelled` the answer never was a response.
    *reason* is a code: `person`, `merged`, `spam`, `receipt`, or `answered` where the customer answered that message.
    """

    delivery: str
    message: str
    channel: str
    source: OutboxState
    state: OutboxState
    reason: str
    note: str = private("")


@attrs.frozen(kw_only=True)
class NoteAdded:
    """An internal note was written."""

    note: str
    mentions: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class StateChanged:
    """The ticket went from one state to another (or stayed: `new` after a customer's message) by *trigger*."""

    trigger: str
    source: str
    dest: str
    category: StateCategory
    reason: ClosingReason | None = None
    text: str = private("")
    until: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class Assigned:
    """A team and a person are responsible now; `None` means nobody."""

    team: str | None
    assignee: str | None


@attrs.frozen(kw_only=True)
class Routed:
    """The desk gave the ticket to somebody.

    Attributes:
        strategy: By which rule: a strategy, or `plugin`.
        reasons: What spoke for him, the codes of `supportkit.routing`.
    """

    assignee: str
    strategy: str
    reasons: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class AssignmentReturned:
    """Whom the desk gave the ticket to has not touched it in time: it waits in the queue again."""

    assignee: str


@attrs.frozen(kw_only=True)
class PriorityChanged:
    """The priority is another one now."""

    source: Priority
    priority: Priority


@attrs.frozen(kw_only=True)
class SubjectChanged:
    """The ticket has another subject."""

    subject: str = private()


@attrs.frozen(kw_only=True)
class CustomerChanged:
    """The ticket belongs to another customer."""

    customer: str | None


@attrs.frozen(kw_only=True)
class TagsChanged:
    """Tags came or went."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class FieldsChanged:
    """Custom fields got new values; `None` removes one."""

    changes: Fields = private()  # noqa: RUF009 - a field declaration


@attrs.frozen(kw_only=True)
class FollowersChanged:
    """Agents began or ceased to follow the ticket."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ParticipantsChanged:
    """Customers take part in the ticket from now on, or no more: they get answers in copy and may write there."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class RecipientRefused:
    """An answer was taken, but not for this customer: his server refused it, or it came back."""

    message: str
    channel: str
    customer: str
    reason: str


@attrs.frozen(kw_only=True)
class TokensRevoked:
    """What was signed for the ticket before is worth nothing any more: ids of mails, answer addresses, tags, links."""

    generation: int


@attrs.frozen(kw_only=True)
class TierMoved:
    """Another support line holds the ticket; `summary` is the hand-over that the next person reads first."""

    source: int
    dest: int
    team: str | None = None
    summary: str = private("")


@attrs.frozen(kw_only=True)
class HandoverWritten:
    """What the next line has to know was written down; the move itself follows. *points* answer its checklist."""

    source: int
    dest: int
    points: Fields = private(NO_FIELDS)  # noqa: RUF009 - a field declaration


@attrs.frozen(kw_only=True)
class VendorWritten:
    """Another organisation was written to; its customer never gets this message."""

    message: str
    vendor: str
    channel: str
    leg: str | None = None
    queued: bool = False


@attrs.frozen(kw_only=True)
class SignalRaised:
    """Something happened that rules may wait for, such as the answer of a detractor; *instance* tells several apart."""

    signal: str
    instance: str


@attrs.frozen(kw_only=True)
class MacroApplied:
    """A macro was carried out, at this version of it; what its steps did stands in the events that follow."""

    macro: str
    version: int


@attrs.frozen(kw_only=True)
class EscalationFired:
    """A level of a rule fired, once for this instance; `occurred_at` is when what it waits for came about.

    *late* tells that nobody found it within five minutes. What was done about it stands in the events that follow.
    """

    rule: str
    level: int
    instance: str
    why: str
    late: bool = False


@attrs.frozen(kw_only=True)
class ColleaguesNotified:
    """People of the desk were told of an escalation; *note* is the internal note that they find."""

    rule: str
    level: int
    people: tuple[str, ...]
    note: str
    text: str = ""


@attrs.frozen(kw_only=True)
class HookDue:
    """A level of a rule calls plug-ins by a name; they are called after the commit."""

    rule: str
    level: int
    hook: str


@attrs.frozen(kw_only=True)
class EscalationRefused:
    """Something that a rule wanted to do was not possible; the rest of it was done."""

    rule: str
    level: int
    action: str
    code: str


@attrs.frozen(kw_only=True)
class EscalationStopped:
    """Rules set each other going without end, so this one was stopped on this ticket."""

    rule: str
    level: int
    instance: str
    why: str


@attrs.frozen(kw_only=True)
class EscalationAcknowledged:
    """Somebody has taken note: the later levels of the rule stay silent for this instance."""

    rule: str
    instance: str


@attrs.frozen(kw_only=True)
class Linked:
    """This ticket is *kind* of the other one now."""

    kind: LinkKind
    ticket: str


@attrs.frozen(kw_only=True)
class Unlinked:
    """A link is gone."""

    kind: LinkKind
    ticket: str


@attrs.frozen(kw_only=True)
class TicketMerged:
    """This ticket ended in another one, the survivor."""

    into: str
    state: str
    category: StateCategory


@attrs.frozen(kw_only=True)
class TicketAbsorbed:
    """This ticket, the survivor, took in another one."""

    part: MergedPart


@attrs.frozen(kw_only=True)
class TicketUnmerged:
    """This ticket stands alone again, in the state that it had before."""

    out_of: str
    state: str
    category: StateCategory


@attrs.frozen(kw_only=True)
class TicketReleased:
    """This ticket gave back what a merged ticket had brought."""

    ticket: str


@attrs.frozen(kw_only=True)
class MessagesMoved:
    """Messages went from ticket *source* to ticket *dest*; recorded in both logs."""

    messages: tuple[str, ...]
    source: str
    dest: str


@attrs.frozen(kw_only=True)
class PersonErased:
    """Every word in the ticket was taken out for good, because *customer*, its customer, was erased."""

    customer: str


@attrs.frozen(kw_only=True)
class PolicyApplied:
    """Other promises hold for the ticket from now on; `None`: no policy is for such a ticket any more."""

    policy: str | None
    revision: str | None


@attrs.frozen(kw_only=True)
class DueSet:
    """A person set a due for one metric, beside the policy's own; `None` takes it back."""

    metric: Metric
    due: dt.datetime | None


@attrs.frozen(kw_only=True)
class PromiseMade:
    """Somebody promised the customer something: by an instant, or within so much open time."""

    promise: str
    text: str = private("")
    due: dt.datetime | None = None
    within: dt.timedelta | None = None


@attrs.frozen(kw_only=True)
class PromiseMoved:
    """A promise has another due; the earlier one is no longer waited for."""

    promise: str
    due: dt.datetime | None = None
    within: dt.timedelta | None = None


@attrs.frozen(kw_only=True)
class PromiseKept:
    """A promise was kept."""

    promise: str


@attrs.frozen(kw_only=True)
class PromiseCancelled:
    """A promise is void."""

    promise: str


@attrs.frozen(kw_only=True)
class HandedOver:
    """Another organisation works on the ticket now."""

    vendor: str


@attrs.frozen(kw_only=True)
class VendorPaused:
    """The other organisation waits for something; its clock stands still."""

    vendor: str


@attrs.frozen(kw_only=True)
class VendorResumed:
    """The other organisation goes on."""

    vendor: str


@attrs.frozen(kw_only=True)
class TakenBack:
    """The other organisation is done, or was relieved of the ticket."""

    vendor: str


@attrs.frozen(kw_only=True)
class ClockWarned:
    """A promise comes near its due: a clock has used so much of its target.

    Its instant is `occurred_at`; *id* is the same however often and by whomever it is found.
    """

    id: str
    metric: Metric
    instance: int
    cycle: int
    threshold: str
    late: bool = False


@attrs.frozen(kw_only=True)
class ClockBreached:
    """A promise was broken; `occurred_at` is the first instant at which more business time makes it late.

    *late* tells that nobody found it within five minutes. *due* is what people were told; with *cause* `override` it
    is the due that a person had set.
    """

    id: str
    metric: Metric
    instance: int
    cycle: int
    used: dt.timedelta
    target: dt.timedelta | None
    due: dt.datetime | None
    cause: Cause
    late: bool = False


@attrs.frozen(kw_only=True)
class ClockStopped:
    """What was promised has been done; the verdict is written down and never edited."""

    id: str
    metric: Metric
    instance: int
    cycle: int
    verdict: Verdict
    used: dt.timedelta
    target: dt.timedelta | None
    due: dt.datetime | None


@attrs.frozen(kw_only=True)
class ClocksRemeasured:
    """A calendar was changed with effect for the past, so all clocks of the ticket were measured anew.

    What became of verdicts stands in `ClockCorrected`. *since* is when the change was recorded.
    """

    calendar: str
    revision: str
    since: dt.datetime


@attrs.frozen(kw_only=True)
class ClockCorrected:
    """A verdict is another one since the desk learnt more: a late entry, a delivery that failed, a merge undone.

    *before* is what had been written down under this *id*, *verdict* what holds now; `None`: there is no such record.
    """

    id: str
    metric: Metric
    instance: int
    cycle: int
    before: Verdict | None
    verdict: Verdict | None
    used: dt.timedelta | None = None
    target: dt.timedelta | None = None
    due: dt.datetime | None = None
    at: dt.datetime | None = None


Event = (
    TicketOpened
    | MessageReceived
    | ReplyAdded
    | NoticeQueued
    | DeliveryFailed
    | DeliveryRetried
    | DeliverySettled
    | NoteAdded
    | StateChanged
    | Assigned
    | Routed
    | AssignmentReturned
    | PriorityChanged
    | SubjectChanged
    | CustomerChanged
    | TagsChanged
    | FieldsChanged
    | FollowersChanged
    | ParticipantsChanged
    | RecipientRefused
    | TokensRevoked
    | TierMoved
    | HandoverWritten
    | VendorWritten
    | SignalRaised
    | MacroApplied
    | EscalationFired
    | ColleaguesNotified
    | HookDue
    | EscalationRefused
    | EscalationStopped
    | EscalationAcknowledged
    | Linked
    | Unlinked
    | TicketMerged
    | TicketAbsorbed
    | TicketUnmerged
    | TicketReleased
    | MessagesMoved
    | PersonErased
    | PolicyApplied
    | DueSet
    | PromiseMade
    | PromiseMoved
    | PromiseKept
    | PromiseCancelled
    | HandedOver
    | VendorPaused
    | VendorResumed
    | TakenBack
    | ClockWarned
    | ClockBreached
    | ClockStopped
    | ClockCorrected
    | ClocksRemeasured
    | ChannelSwitched
    | ResolutionAttributed
    | SurveyScheduled
    | SurveySuppressed
    | SurveySent
    | SurveyReminded
    | SurveyViewed
    | SurveyAnswered
    | SurveyTaken
    | SurveyFlagCleared
    | SurveyFollowedUp
    | SurveyCancelled
    | SurveyEnded
    | MessageEdited
    | MessageDeleted
    | ReplyWindowWarned
    | ChannelProposed
)

ClockEvent = ClockWarned | ClockBreached | ClockStopped | ClockCorrected
"""Events that no command decides: the desk finds them by itself, and no clock learns anything from them."""


@attrs.frozen(kw_only=True)
class Recorded:
    """An event in the log of a ticket.

    Attributes:
        seq: 1 for the first event of the ticket, without gaps.
        occurred_at: When it happened in the world.
        recorded_at: When the desk learnt of it; later than *occurred_at* in a replay.
        command: Id of the command that gave it; events of one command share it.
        cursor: Where a follower stands after this event; `None` before it is stored.
    """

    tenant: str
    ticket: str
    seq: int
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    actor: Actor
    event: Event
    command: str
    cursor: str | None = attrs.field(default=None, eq=False)
