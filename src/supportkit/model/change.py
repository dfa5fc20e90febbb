"""What is written in one transaction: ticket rows, events, messages, deliveries to make, deadlines, keys."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import attrs

from supportkit.model.conversation import Heard, LegChange, StoredFile
from supportkit.model.events import Recorded
from supportkit.model.message import Message, Note
from supportkit.model.message import OutboxState as OutboxState  # noqa: PLC0414 - belongs to `Outgoing` as well
from supportkit.model.people import Customer
from supportkit.model.record import RecordChange
from supportkit.model.ticket import Ticket


@attrs.frozen(kw_only=True)
class TicketChange:
    """The new row of one ticket and the events that lead to it.

    Attributes:
        before: The ticket on which the change was decided; the stored one must be at its version. `None`: it is new.
    """

    before: Ticket | None
    ticket: Ticket
    events: tuple[Recorded, ...]

    @property
    def expected(self) -> int:
        """The version that the stored ticket must have; 0 for a new one."""
        return 0 if self.before is None else self.before.version


@attrs.frozen(kw_only=True)
class Outgoing:
    """A delivery to make: one row of the outbox.

    Attributes:
        id: Stable over all tries; what a provider that can deduplicate is given as its key.
        cause: `ticket:seq` of the event that caused it.
        seq: The number of that event; deliveries of one conversation go out in its order.
        rule: What made it (`reply`, the name of a notice ...).
        leg: Where the conversation was when it was queued; `None`: the customer's address of the channel's family.
        part: Number of the part when a text is split, from 1.
        account: Which of our numbers, bots or mailboxes of the channel sends it; accounts take turns.
        policy: `at_least_once` or `at_most_once`, as the channel declared when it was queued.
        attempts: How often it was claimed, since a person retried it if one did.
        fence: Counts the claims and what people decide; a result is stored only under the fence of its claim.
        retried_at: When a person let it begin anew.
        withdrawn: Why it must not go out any more (`merged`, `spam`), where a worker held it when that was decided.
        receipt: How far the provider says that it has come: `queued`, `sent`, `delivered`, `read` or `failed`.
    """

    id: str
    tenant: str
    ticket: str
    cause: str
    seq: int
    rule: str
    channel: str
    account: str = ""
    recipient: str = attrs.field(repr=False)
    message: str
    leg: str | None = None
    part: int = 1
    policy: str = "at_least_once"
    state: OutboxState = OutboxState.PENDING
    available_at: dt.datetime
    created_at: dt.datetime
    attempts: int = 0
    fence: int = 0
    lease_until: dt.datetime | None = None
    external_id: str | None = None
    possible_duplicate: bool = False
    reason: str | None = None
    retried_at: dt.datetime | None = None
    withdrawn: str | None = None
    receipt: str | None = None

    @property
    def begun_at(self) -> dt.datetime:
        """When its tries began: at a person's retry, else when it was queued."""
        return self.retried_at or self.created_at


class TimerState(StrEnum):
    """Where a deadline stands."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    CANCELLED = "cancelled"
    PARKED = "parked"


@attrs.frozen(kw_only=True)
class Timer:
    """A deadline of a ticket: one row, unique by tenant, ticket, name and instance.

    Attributes:
        name: What fires (`close_resolved`, `resume` ...).
        instance: Tells apart several deadlines of one name; for state timers the version that set it.
        due_at: When it fires; `None` cancels it.
    """

    tenant: str
    ticket: str
    name: str
    instance: str = ""
    due_at: dt.datetime | None
    state: TimerState = TimerState.WAITING
    fence: int = 0
    attempts: int = 0
    lease_until: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class Firing:
    """A warning or a breach that is told now, and never again: one row, unique by tenant, ticket and id.

    Attributes:
        id: Which one, as in `ClockWarned.id` and `ClockBreached.id`.
        seq: The event that tells it.
    """

    tenant: str
    ticket: str
    id: str
    seq: int


@attrs.frozen(kw_only=True)
class Settings:
    """What a desk was configured with for one subject, from an instant on; one row a revision.

    Attributes:
        subject: What it is about, for example `levels`.
        number: 1 for the first one, without gaps.
        since: From when on it holds.
        data: JSON.
    """

    tenant: str
    subject: str
    number: int
    since: dt.datetime
    data: str


@attrs.frozen(kw_only=True)
class Receipt:
    """What an idempotency key stands for: the verb's fingerprint and where its result lies in the log.

    Attributes:
        fingerprint: SHA-256 over the canonical JSON of verb, actor and arguments, without `now`.
        ticket: The ticket that the verb returned.
        seq: The version of that ticket in the result.
        outcome: What became of the command: `applied`, or `unchanged` where nothing was to do.
    """

    key: str
    fingerprint: str
    ticket: str
    seq: int
    outcome: str = "applied"
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class Change:
    """Everything that one command writes: stored whole or not at all."""

    tickets: tuple[TicketChange, ...] = ()
    messages: tuple[Message, ...] = ()
    notes: tuple[Note, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    """Pairs of message id and the ticket that it goes to."""
    rewritten: tuple[Message, ...] = ()
    """Messages that are stored and read otherwise from now on: their body and what is attached to them."""
    outbox: tuple[Outgoing, ...] = ()
    timers: tuple[Timer, ...] = ()
    firings: tuple[Firing, ...] = ()
    customers: tuple[Customer, ...] = ()
    receipt: Receipt | None = None
    heard: tuple[Heard, ...] = ()
    legs: tuple[LegChange, ...] = ()
    files: tuple[StoredFile, ...] = ()
    records: tuple[RecordChange, ...] = ()
