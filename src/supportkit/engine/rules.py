"""What a desk has settled: one frozen value that every decision gets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import attrs

from supportkit.clock import UTC
from supportkit.engine.promises import Promises
from supportkit.errors import ConfigurationError, InvalidPolicy, NoBusinessTime
from supportkit.escalation import reading as read
from supportkit.escalation.regulation import Duties
from supportkit.escalation.table import Table
from supportkit.escalation.vendors import Vendor
from supportkit.lifecycle import Lifecycle
from supportkit.model.people import TIERS, Tier
from supportkit.model.ticket import StateCategory
from supportkit.sla import ALWAYS_OPEN, ServiceLevels


@attrs.frozen
class AfterClose:
    """What a customer's message does to a closed ticket.

    Attributes:
        window: How long after closing it still reopens; later it opens a follow-up. `None`: it always reopens; zero:
            it never does.
    """

    window: dt.timedelta | None = dt.timedelta(days=14)

    def reopens(self, closed_at: dt.datetime | None, now: dt.datetime) -> bool:
        """Tell whether a message at *now* reopens a ticket closed at *closed_at*; the last instant still does."""
        if self.window is None or closed_at is None:
            return True
        return bool(self.window) and now - closed_at <= self.window


REOPEN = AfterClose(None)
FOLLOW_UP = AfterClose(dt.timedelta(0))


def reopen_within(days: float) -> AfterClose:
    """Return the policy that reopens for *days* after closing and opens a follow-up later."""
    return AfterClose(dt.timedelta(days=days))


@attrs.frozen(kw_only=True)
class TierPolicy:
    """Which moves between support lines are allowed; by default all, because real tickets make all of them.

    Attributes:
        skip: A ticket may go up by more than one line at once.
        down: A ticket may go down again.
        birth: The highest line in which a ticket may be opened; `None`: any.
    """

    skip: bool = True
    down: bool = True
    birth: int | None = None

    @classmethod
    def from_dict(cls, data: Any) -> TierPolicy:
        """Return what `to_dict` wrote, or what a file describes.

        Raises:
            InvalidEscalation: A key is unknown, or a value has the wrong type.
        """
        known = read.table(data, "a policy of lines", ("skip", "down", "birth"))
        birth = known.get("birth")
        return cls(
            skip=read.flag(known.get("skip", True), "skip"),
            down=read.flag(known.get("down", True), "down"),
            birth=None if birth is None else read.level(birth, "birth"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, ready for JSON or TOML."""
        plain: dict[str, Any] = {"skip": self.skip, "down": self.down}
        return plain if self.birth is None else plain | {"birth": self.birth}


STRICT_LINES = TierPolicy(skip=False, down=False, birth=1)
"""Every ticket starts in line 1, goes up one line at a time and never comes down."""


@attrs.frozen(kw_only=True)
class Limits:
    """Caps on what a ticket may carry. Beyond a cap the command is refused.

    With its requester a ticket has 20 recipients at most, as one mail has.
    """

    tags: int = 200
    tag_chars: int = 100
    fields: int = 200
    field_bytes: int = 64 * 1024
    name_chars: int = 200
    text_bytes: int = 25 * 1024 * 1024
    followers: int = 500
    participants: int = 19
    promises: int = 50
    vendors: int = 20
    links: int = 1000


@attrs.frozen(kw_only=True)
class Rules:
    """Everything that decisions depend on besides the ticket, the command and the instant.

    Attributes:
        closed_state: The state of merged tickets: the first one of category CLOSED.
        close_resolved_after: A resolved ticket is closed after this time; `None`: never by itself.
        resolve_pending_after: A ticket that waits for the customer is resolved as `no_answer` after this time;
            `None` (default): never by itself.
        sends: Channels with an adapter that can send, each with its delivery policy.
        public: Channels on which everybody reads along.
        return_after: How long a ticket may stay untouched with somebody whom the desk gave it to; `None`: for ever.
        return_calendar: The calendar in which that is counted.
        escalations: The escalation rules, compiled; `None` where the desk has none, so that they cost nothing.
        regulation: Who is responsible for which topic.
        vendors: Other organisations that can be written to, by name.
        promises: The service levels; by default the built-in ones (24 h, 12 h by e-mail, 30 min in chats).
    """

    lifecycle: Lifecycle
    after_close: AfterClose = AfterClose()
    close_resolved_after: dt.timedelta | None = dt.timedelta(days=7)
    resolve_pending_after: dt.timedelta | None = None
    tiers: tuple[Tier, ...] = TIERS
    tier_policy: TierPolicy = TierPolicy()
    limits: Limits = Limits()
    sends: dict[str, str] = attrs.field(factory=dict)
    public: frozenset[str] = frozenset()
    return_after: dt.timedelta | None = None
    return_calendar: str = ALWAYS_OPEN
    escalations: Table | None = None
    regulation: Duties | None = None
    vendors: Mapping[str, Vendor] = attrs.field(factory=dict)
    promises: Promises = attrs.field()
    closed_state: str = attrs.field(init=False)
    levels: frozenset[int] = attrs.field(init=False)
    _tiers: Mapping[int, Tier] = attrs.field(init=False, repr=False)

    def returns_at(self, offered_at: dt.datetime) -> dt.datetime | None:
        """Return when a ticket that was given out at an instant goes back to the queue; `None`: never.

        Where the calendar is not there any more, time is counted around the clock.
        """
        if self.return_after is None:
            return None
        try:
            calendar = self.promises.rules.calendar(self.return_calendar, None)
            return calendar.add(offered_at, self.return_after).astimezone(UTC)
        except NoBusinessTime:
            return None
        except InvalidPolicy:
            return offered_at + self.return_after

    @promises.default
    def _built_in_promises(self) -> Promises:
        return Promises.of(ServiceLevels(), self.lifecycle)

    def __attrs_post_init__(self) -> None:
        """Look up once what every decision would look up again."""
        for name in ("close_resolved_after", "resolve_pending_after"):
            after = getattr(self, name)
            if after is not None and after < dt.timedelta(0):
                raise ConfigurationError(f"{name} must not be negative: {after}")
        levels = [tier.level for tier in self.tiers]
        if not levels or len(set(levels)) != len(levels) or min(levels) < 1:
            raise ConfigurationError(f"tiers need different levels from 1 upwards, got {levels}")
        closed = next(state.name for state in self.lifecycle.states if state.category is StateCategory.CLOSED)
        object.__setattr__(self, "closed_state", closed)
        object.__setattr__(self, "levels", frozenset(levels))
        object.__setattr__(self, "_tiers", {tier.level: tier for tier in self.tiers})

    def tier(self, level: int) -> Tier:
        """Return the line of a level that the desk has."""
        return self._tiers[level]

    def vendor_at(self, channel: str, address: str) -> Vendor | None:
        """Return the vendor that writes from an address of a channel."""
        return next((one for one in self.vendors.values() if one.writes_from(channel, address)), None)
