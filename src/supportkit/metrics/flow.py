"""What happened to one ticket, in time: a fold of the facts of `supportkit.sla` into waits, visits and resolutions.

A *reply* is a message or call by a human agent whose delivery did not fail; bots, automatic answers, campaigns and
notes are none. A ticket that an agent opened is outbound: its first message is no reply. *Done* is RESOLVED or CLOSED,
and one resolution may pass through both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import assert_never

import attrs

from supportkit.businesstime.calendar import BusinessCalendar
from supportkit.clock import to_utc
from supportkit.metrics.survival import Observation
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import StateCategory
from supportkit.sla.facts import Created, Fact, Messaged, StateEntered, TierEntered
from supportkit.sla.history import counted

NOTHING = dt.timedelta(0)
REQUESTER_WAITS = frozenset({StateCategory.NEW, StateCategory.OPEN, StateCategory.WAITING_EXTERNAL})
_REPLIES = frozenset({MessageKind.REPLY, MessageKind.CALL})


@attrs.frozen
class Stay:
    """A stretch of time in one category.

    Attributes:
        category: The category.
        start: When it was entered.
        end: When it was left, or the instant of the report.
    """

    category: StateCategory
    start: dt.datetime
    end: dt.datetime


@attrs.frozen
class TierVisit:
    """A visit of the ticket to one support line.

    Attributes:
        tier: The line.
        entered_at: When it came.
        left_at: When it went on; `None`: it is there.
    """

    tier: int
    entered_at: dt.datetime
    left_at: dt.datetime | None


@attrs.frozen
class Resolution:
    """One change to done, and the reopening that ended it, if there was one."""

    resolved_at: dt.datetime
    reopened_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class TicketFlow:
    """What is measured of one ticket, in calendar time or in business time. Made by `ticket_flow`.

    Attributes:
        ticket: Its id.
        channel: The channel in which it began.
        created_at: When.
        now: The instant of the report.
        mode: `calendar` or `business`, the last part of the ids of durations.
        stays: Time by category, in order, without gaps from creation to now.
        visits: Visits to support lines, in order; a move inside a line is none.
        resolutions: Changes to done, in order.
        replies_at: When agents replied.
        first_reply: Creation to first reply; `None` while there is none.
        next_replies: From the oldest unanswered customer message after the first agent message to the next reply.
        open_next_reply: Age of such a run that is still unanswered.
        requester_wait: Time in NEW, OPEN and WAITING_EXTERNAL.
        agent_wait: Time in WAITING_CUSTOMER.
        on_hold: Time in WAITING_EXTERNAL.
        done_time: Time in RESOLVED and CLOSED.
        first_resolution: Creation to the first change to done.
        full_resolution: Creation to the last one; `None` when the ticket is not done now.
        age: Creation to now.
    """

    ticket: str
    channel: str
    created_at: dt.datetime
    now: dt.datetime
    mode: str
    stays: tuple[Stay, ...]
    visits: tuple[TierVisit, ...]
    resolutions: tuple[Resolution, ...]
    replies_at: tuple[dt.datetime, ...]
    first_reply: dt.timedelta | None
    next_replies: tuple[dt.timedelta, ...]
    open_next_reply: dt.timedelta | None
    requester_wait: dt.timedelta
    agent_wait: dt.timedelta
    on_hold: dt.timedelta
    done_time: dt.timedelta
    first_resolution: dt.timedelta | None
    full_resolution: dt.timedelta | None
    age: dt.timedelta

    @property
    def is_done(self) -> bool:
        """Whether it is resolved or closed now."""
        return self.stays[-1].category.is_done

    @property
    def replies(self) -> int:
        """How many replies it got."""
        return len(self.replies_at)

    @property
    def reopens(self) -> int:
        """How often it was reopened."""
        return sum(one.reopened_at is not None for one in self.resolutions)

    @property
    def tiers(self) -> tuple[int, ...]:
        """The support lines it went through."""
        return tuple(visit.tier for visit in self.visits)

    @property
    def level_changes(self) -> int:
        """How often it changed the support line."""
        return max(len(self.visits) - 1, 0)

    @property
    def escalations(self) -> int:
        """How often it moved to a higher line; a move down is none."""
        return sum(after > before for before, after in pairwise(self.tiers))

    @property
    def is_one_touch(self) -> bool:
        """`one_touch`: done now, with exactly one reply."""
        return self.is_done and self.replies == 1

    @property
    def is_below_two_touches(self) -> bool:
        """`one_touch.lt2`: done now with fewer than two replies, as Zendesk counts; tickets closed in silence too."""
        return self.is_done and self.replies <= 1

    @property
    def first_reply_wait(self) -> Observation[dt.timedelta]:
        """The wait for the first reply, cut off at the resolution or now where there was none."""
        if self.first_reply is not None:
            return Observation(self.first_reply, observed=True)
        return Observation(self.full_resolution if self.full_resolution is not None else self.age, observed=False)


@attrs.define
class _Fold:
    """Where a ticket stands between two facts."""

    category: StateCategory
    since: dt.datetime
    stays: list[Stay] = attrs.Factory(list)
    tiers: list[tuple[int, dt.datetime]] = attrs.Factory(list)
    resolutions: list[Resolution] = attrs.Factory(list)
    replies: list[dt.datetime] = attrs.Factory(list)
    runs: list[tuple[dt.datetime, dt.datetime]] = attrs.Factory(list)
    waiting_since: dt.datetime | None = None
    is_outbound: bool = False
    has_agent_spoken: bool = False

    def enter(self, category: StateCategory, at: dt.datetime) -> None:
        if category is self.category:
            return
        self.stays.append(Stay(self.category, self.since, at))
        was_done, self.category, self.since = self.category.is_done, category, at
        if category.is_done:
            self.waiting_since = None
            if not was_done:
                self.resolutions.append(Resolution(at))
        elif was_done:
            self.resolutions[-1] = attrs.evolve(self.resolutions[-1], reopened_at=at)

    def hear(self, message: Messaged) -> None:
        match message.author:
            case ActorKind.CUSTOMER:
                if self.has_agent_spoken and self.waiting_since is None:
                    self.waiting_since = message.occurred_at
            case ActorKind.AGENT:
                if message.kind in _REPLIES:
                    self._answer(message.occurred_at)
            case ActorKind.BOT | ActorKind.SYSTEM | ActorKind.EXTERNAL:
                pass
            case never:
                assert_never(never)

    def _answer(self, at: dt.datetime) -> None:
        opening = self.is_outbound and not self.has_agent_spoken
        self.has_agent_spoken = True
        if opening:
            return
        self.replies.append(at)
        if self.waiting_since is not None:
            self.runs.append((self.waiting_since, at))
            self.waiting_since = None

    def move(self, tier: int, at: dt.datetime) -> None:
        if not self.tiers or self.tiers[-1][0] != tier:
            self.tiers.append((tier, at))


def ticket_flow(
    facts: Iterable[Fact],
    *,
    now: dt.datetime,
    calendar: BusinessCalendar | None = None,
    categories: Mapping[str, StateCategory] | None = None,
) -> TicketFlow | None:
    """Fold the facts of one ticket, `None` if it had not been created by *now*.

    The order of *facts* does not matter, those after *now* have not happened, and one that comes twice counts once:
    give messages ids, or facts their `seq`, to tell two that are alike apart.

    Args:
        facts: What happened, for example from `supportkit.sla.facts_of`.
        now: The instant of the report.
        calendar: Measures durations in business time; by default they are calendar time.
        categories: Categories of states, for facts that do not carry theirs.

    Raises:
        ValueError: A state whose category is not known.
        TypeError: *now* is not an aware datetime.
    """
    at = to_utc(now, "now")
    history = list(dict.fromkeys(counted(facts, at=at)))
    if not history or not isinstance(history[0], Created):
        return None
    created = history[0]
    fold = _Fold(category=_category(created, categories), since=created.occurred_at)
    fold.is_outbound = created.author is ActorKind.AGENT
    fold.move(created.tier, created.occurred_at)
    for fact in history[1:]:
        when = max(fact.occurred_at, created.occurred_at)
        if isinstance(fact, StateEntered):
            fold.enter(_category(fact, categories), when)
        elif isinstance(fact, Messaged):
            fold.hear(fact)
        elif isinstance(fact, TierEntered):
            fold.move(fact.tier, when)
    fold.stays.append(Stay(fold.category, fold.since, at))
    return _measured(created, fold, at, calendar)


def _category(fact: Created | StateEntered, categories: Mapping[str, StateCategory] | None) -> StateCategory:
    if fact.category is not None:
        return fact.category
    if fact.state is None:
        return StateCategory.NEW
    if categories is None or fact.state not in categories:
        raise ValueError(f"the category of the state {fact.state!r} is not known; give it in categories")
    return categories[fact.state]


def _measured(created: Created, fold: _Fold, now: dt.datetime, calendar: BusinessCalendar | None) -> TicketFlow:
    def between(start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        return end - start if calendar is None else calendar.between(start, end)

    def time_in(*categories: StateCategory) -> dt.timedelta:
        return sum((between(stay.start, stay.end) for stay in fold.stays if stay.category in categories), NOTHING)

    born = created.occurred_at
    leaving = [*(entered for _tier, entered in fold.tiers[1:]), None]
    done = fold.resolutions
    return TicketFlow(
        ticket=created.ticket,
        channel=created.channel,
        created_at=born,
        now=now,
        mode="calendar" if calendar is None else "business",
        stays=tuple(fold.stays),
        visits=tuple(TierVisit(tier, at, left) for (tier, at), left in zip(fold.tiers, leaving, strict=True)),
        resolutions=tuple(done),
        replies_at=tuple(fold.replies),
        first_reply=between(born, fold.replies[0]) if fold.replies else None,
        next_replies=tuple(between(start, end) for start, end in fold.runs),
        open_next_reply=None if fold.waiting_since is None else between(fold.waiting_since, now),
        requester_wait=time_in(*REQUESTER_WAITS),
        agent_wait=time_in(StateCategory.WAITING_CUSTOMER),
        on_hold=time_in(StateCategory.WAITING_EXTERNAL),
        done_time=time_in(StateCategory.RESOLVED, StateCategory.CLOSED),
        first_resolution=between(born, done[0].resolved_at) if done else None,
        full_resolution=between(born, done[-1].resolved_at) if fold.category.is_done and done else None,
        age=between(born, now),
    )
