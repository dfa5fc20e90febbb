"""What clocks are made of: the closed union of facts about one ticket.

Each fact has `occurred_at`, when it took effect, `recorded_at`, when the desk learnt of it (`None`: at once), and
`seq`, which orders facts of one instant. Instants are aware datetimes or ISO 8601 texts with an offset.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs

from supportkit.clock import UTC, to_utc
from supportkit.errors import InvalidPolicy
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import Priority, StateCategory
from supportkit.sla.terms import Metric, read_duration


def _occurred(value: Any) -> dt.datetime:
    if type(value) is dt.datetime and value.tzinfo is UTC and 1 < value.year < dt.MAXYEAR:
        return value  # as what a desk has recorded is; `to_utc` would say the same
    return to_utc(value, "occurred_at")


def _recorded(value: Any) -> dt.datetime | None:
    if value is None or (type(value) is dt.datetime and value.tzinfo is UTC and 1 < value.year < dt.MAXYEAR):
        return value
    return to_utc(value, "recorded_at")


def _instant(value: Any) -> dt.datetime | None:
    return None if value is None else to_utc(value, "instant")


def _goal(value: Any) -> dt.datetime | dt.timedelta:
    """Read what is promised: an instant, or a duration of business time."""
    if isinstance(value, dt.datetime):
        return to_utc(value, "promised")
    if isinstance(value, str):
        try:
            return read_duration(value, "promised")
        except InvalidPolicy:
            return to_utc(value, "promised")
    if isinstance(value, dt.timedelta):
        return value
    raise TypeError(f"promised must be an aware datetime or a timedelta, not {type(value).__name__}")


@attrs.frozen(kw_only=True)
class Created:
    """The ticket was created; clocks begin here.

    Attributes:
        author: Who opened it; an agent's ticket owes no first response before the customer writes.
        state: The first state; new when it is not told.
        category: The category of the state as it was recorded; looked up when it is not told.
        owner: The first owner, if there is one at once.
        ticket: The id of the ticket; the first part of the ids of warnings and records.
        is_applied: Whether *policy* and *revision* say what was applied; otherwise channel, priority and tier choose.
        policy: The policy that was applied; `None` where none is for such a ticket.
        revision: Its revision.
        pins: The revisions of calendars that were in force, by name; those that are not named are the ones given.
    """

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    channel: str
    priority: Priority = Priority.NORMAL
    tier: int = 1
    author: ActorKind = ActorKind.CUSTOMER
    state: str | None = None
    category: StateCategory | None = None
    owner: str | None = None
    ticket: str = ""
    is_applied: bool = False
    policy: str | None = None
    revision: str | None = None
    pins: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class Messaged:
    """A message that the customer wrote or can see. Internal notes are no facts.

    Attributes:
        by: The id of the author, which `owner_only` compares with the owner.
    """

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    message: str = ""
    author: ActorKind
    by: str = ""
    kind: MessageKind = MessageKind.REPLY
    channel: str


@attrs.frozen(kw_only=True)
class DeliveryFailed:
    """The message did not reach the customer, so it never was a response."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    message: str


@attrs.frozen(kw_only=True)
class StateEntered:
    """The ticket is in this state now.

    Attributes:
        category: The category of the state as it was recorded; looked up when it is not told.
    """

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    state: str
    category: StateCategory | None = None


@attrs.frozen(kw_only=True)
class OwnerSet:
    """This person owns the ticket now; `None` is nobody."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    owner: str | None


@attrs.frozen(kw_only=True)
class TierEntered:
    """This support line holds the ticket now."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    tier: int


@attrs.frozen(kw_only=True)
class ExternalStarted:
    """The ticket was handed over to a vendor."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    vendor: str


@attrs.frozen(kw_only=True)
class ExternalPaused:
    """The vendor's clock was paused."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    vendor: str


@attrs.frozen(kw_only=True)
class ExternalResumed:
    """The vendor's clock goes on."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    vendor: str


@attrs.frozen(kw_only=True)
class ExternalEnded:
    """The vendor gave the ticket back."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    vendor: str


@attrs.frozen(kw_only=True)
class PromiseMade:
    """Somebody promised the customer something.

    Attributes:
        promised: An instant, which knows no pauses, or a duration of business time.
    """

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    promise: str
    promised: dt.datetime | dt.timedelta = attrs.field(converter=_goal)


@attrs.frozen(kw_only=True)
class PromiseMoved:
    """A promise was replaced by another one before it was kept."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    promise: str
    promised: dt.datetime | dt.timedelta = attrs.field(converter=_goal)


@attrs.frozen(kw_only=True)
class PromiseKept:
    """A promise was kept."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    promise: str


@attrs.frozen(kw_only=True)
class PromiseCancelled:
    """A promise is void."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    promise: str


@attrs.frozen(kw_only=True)
class PrioritySet:
    """The priority is this one now."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    priority: Priority


@attrs.frozen(kw_only=True)
class ChannelSet:
    """The ticket goes on in this channel."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    channel: str


@attrs.frozen(kw_only=True)
class PolicyApplied:
    """This policy holds from now on; without a revision, the one of this id that is given.

    Attributes:
        policy: Its id; `None` where no policy is for the ticket.
        subject: The fields of the ticket by which it was chosen; `what_if` chooses by them again.
    """

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    policy: str | None
    revision: str | None = None
    subject: tuple[tuple[str, Any], ...] = ()


@attrs.frozen(kw_only=True)
class CalendarChanged:
    """A calendar has a new revision.

    Attributes:
        calendar: The name under which policies know it.
        revision: `BusinessCalendar.revision` of what holds from now on.
        previous: The revision that held before, where the name alone no longer tells it.
        retroactive: Measure the running clocks anew from their start.
    """

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    calendar: str
    revision: str
    previous: str | None = None
    retroactive: bool = False


@attrs.frozen(kw_only=True)
class DueOverridden:
    """A person set a due for a metric beside the policy's own; `None` takes it back."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    metric: Metric
    instant: dt.datetime | None = attrs.field(converter=_instant)


@attrs.frozen(kw_only=True)
class Merged:
    """This ticket ended in another one."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    into: str


@attrs.frozen(kw_only=True)
class Unmerged:
    """This ticket stands alone again; its merge is void."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    out_of: str = ""


@attrs.frozen(kw_only=True)
class Absorbed:
    """This ticket took in another one."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    ticket: str


@attrs.frozen(kw_only=True)
class Released:
    """This ticket gave another one back; that merge is void."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    ticket: str


@attrs.frozen(kw_only=True)
class Voided:
    """The fact with this sequence number was a mistake."""

    occurred_at: dt.datetime = attrs.field(converter=_occurred)
    recorded_at: dt.datetime | None = attrs.field(default=None, converter=_recorded)
    seq: int = 0
    voids: int


Fact = (
    Created
    | Messaged
    | DeliveryFailed
    | StateEntered
    | OwnerSet
    | TierEntered
    | ExternalStarted
    | ExternalPaused
    | ExternalResumed
    | ExternalEnded
    | PromiseMade
    | PromiseMoved
    | PromiseKept
    | PromiseCancelled
    | PrioritySet
    | ChannelSet
    | PolicyApplied
    | CalendarChanged
    | DueOverridden
    | Merged
    | Unmerged
    | Absorbed
    | Released
    | Voided
)
