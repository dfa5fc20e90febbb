"""The ticket: its current state as one frozen value, which the fold of its log gives again."""

from __future__ import annotations

import datetime as dt
from enum import IntEnum, StrEnum

import attrs

from supportkit.model.fields import NO_FIELDS, Fields


class StateCategory(StrEnum):
    """What a state means. Rules, clocks and metrics know categories only."""

    NEW = "new"
    OPEN = "open"
    WAITING_CUSTOMER = "waiting_customer"
    WAITING_EXTERNAL = "waiting_external"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def is_done(self) -> bool:
        """Whether the work is over: resolved or closed."""
        return self in _DONE


_DONE = frozenset({StateCategory.RESOLVED, StateCategory.CLOSED})


class Priority(IntEnum):
    """What comes first; never what is dropped."""

    LOW = 1
    NORMAL = 2
    HIGH = 3
    URGENT = 4

    @classmethod
    def parse(cls, value: Priority | str | int) -> Priority:
        """Read a priority from its name in any case, or from 1 (low) to 4 (urgent).

        Raises:
            ValueError: There is no such priority.
        """
        try:
            return cls[value.upper()] if isinstance(value, str) else cls(value)
        except (KeyError, ValueError):
            names = ", ".join(name.lower() for name in cls.__members__)
            raise ValueError(f"priority {value!r} is unknown; there are: {names}") from None


class ClosingReason(StrEnum):
    """Why a ticket ended. Spam and merged are reasons, not states."""

    SOLVED = "solved"
    NO_ANSWER = "no_answer"
    NOT_OURS = "not_ours"
    DUPLICATE = "duplicate"
    MERGED = "merged"
    SPAM = "spam"


class LinkKind(StrEnum):
    """How two tickets belong together, read from this ticket to the other."""

    RELATED = "related"
    PARENT = "parent"
    CHILD = "child"
    BLOCKS = "blocks"
    BLOCKED_BY = "blocked_by"
    DUPLICATE = "duplicate"
    DUPLICATED_BY = "duplicated_by"
    FOLLOW_UP = "follow_up"
    FOLLOWED_BY = "followed_by"
    CAUSED_BY = "caused_by"
    CAUSES = "causes"
    CLAIMS = "claims"
    CLAIMED_BY = "claimed_by"
    SPLIT_FROM = "split_from"
    SPLIT_INTO = "split_into"

    @property
    def inverse(self) -> LinkKind:
        """How the other ticket is linked to this one."""
        return _INVERSE[self]


_PAIRS = (
    (LinkKind.RELATED, LinkKind.RELATED),
    (LinkKind.PARENT, LinkKind.CHILD),
    (LinkKind.BLOCKS, LinkKind.BLOCKED_BY),
    (LinkKind.DUPLICATE, LinkKind.DUPLICATED_BY),
    (LinkKind.FOLLOW_UP, LinkKind.FOLLOWED_BY),
    (LinkKind.CAUSED_BY, LinkKind.CAUSES),
    (LinkKind.SPLIT_FROM, LinkKind.SPLIT_INTO),
    (LinkKind.CLAIMS, LinkKind.CLAIMED_BY),
)
_INVERSE = dict(_PAIRS) | {there: here for here, there in _PAIRS}


@attrs.frozen
class Link:
    """This ticket is *kind* of the other: `Link(LinkKind.CHILD, id)` says that this one is a child of *id*."""

    kind: LinkKind
    ticket: str


@attrs.frozen
class MergedPart:
    """What a merged ticket brought into the survivor, so that an unmerge can take exactly that out again.

    Attributes:
        ticket: Id of the merged ticket.
        tags: All its tags at the merge.
        followers: All its followers at the merge.
        new_tags: Those that the survivor did not have.
        new_followers: Those that the survivor did not have.
    """

    ticket: str
    tags: tuple[str, ...] = ()
    followers: tuple[str, ...] = ()
    new_tags: tuple[str, ...] = ()
    new_followers: tuple[str, ...] = ()


@attrs.frozen
class BeforeMerge:
    """Where a ticket stood before it was merged; an unmerge goes back to exactly this."""

    state: str
    category: StateCategory
    reason: ClosingReason | None
    state_since: dt.datetime
    resolved_at: dt.datetime | None
    closed_at: dt.datetime | None


MAX_GENERATION = 63
"""How often what was signed for one ticket may be revoked: who checks a signature tries every generation."""


@attrs.frozen(kw_only=True)
class Ticket:
    """The state of a ticket at one version.

    Attributes:
        number: Counts up within the tenant; for people inside the desk.
        reference: The public reference, random: it tells outsiders nothing and cannot be guessed.
        state: Name of the state in the lifecycle; `category` is what it means.
        channel: Where the ticket was born; never changes.
        tier: The support line that holds it, 1 to 5.
        source: Who made the ticket if no customer did (`survey`, `test` ...); `None` for a customer's ticket.
        reason: The closing reason of a resolved or closed ticket.
        resolution: The words of the resolution; empty after the person was erased.
        until: When a waiting ticket goes on by itself.
        merged: What merged tickets brought, in the order of merging.
        before_merge: Where a merged ticket stood before.
        reopenings: How often finished work was taken up again.
        messages: How many public messages lie in this ticket.
        promises: Ids of the promises to the customer that are still open.
        vendors: Other organisations that work on it.
        participants: Ids of the customers who take part besides the requester: they get answers in copy.
        generation: Of its signed ids, answer addresses, tags and links; a new one revokes those before it.
        leg: The leg on which it is talked about now: a channel, an account, a thread and an address.
        answers_on: The channel of that leg; where there is none, answers go to `channel`.
        offered_at: When the desk gave it to its assignee by itself; `None` once he has done something about it.
        erased: The version at which every word was taken out, because the customer was erased.
        version: Sequence number of the last event; the first event has 1.
        clocks: Where its clocks stand, as the desk notes it beside the row; no part of the ticket's value, and empty
            until a storage has kept it. Read it with `desk.clocks`.
        rank: Where it stands in the work queue, the smallest first; `None` while nobody has to work on it. Like the
            clocks it is noted beside the row and no part of the ticket's value. Read it with `desk.queue`.
    """

    id: str
    tenant: str
    number: int
    reference: str
    subject: str = attrs.field(repr=False)
    customer: str | None
    state: str
    category: StateCategory
    priority: Priority
    channel: str
    tier: int
    team: str | None = None
    assignee: str | None = None
    tags: tuple[str, ...] = ()
    followers: tuple[str, ...] = ()
    fields: Fields = attrs.field(default=NO_FIELDS, repr=False)
    locale: str | None = None
    source: str | None = None
    links: tuple[Link, ...] = ()
    reason: ClosingReason | None = None
    resolution: str = attrs.field(default="", repr=False)
    until: dt.datetime | None = None
    merged_into: str | None = None
    merged: tuple[MergedPart, ...] = ()
    before_merge: BeforeMerge | None = None
    reopenings: int = 0
    messages: int = 0
    promises: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    generation: int = 0
    leg: str | None = None
    answers_on: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime
    state_since: dt.datetime
    resolved_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    offered_at: dt.datetime | None = None
    erased: int | None = None
    version: int
    clocks: str = attrs.field(default="", eq=False, repr=False)
    rank: int | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def is_done(self) -> bool:
        """Whether the ticket is resolved or closed."""
        return self.category.is_done
