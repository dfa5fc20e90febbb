"""What happened to one ticket, in time: a fold of the facts of `supportkit.sla` into waits, visits and resolutions.

A *reply* is a message or call by a human agent whose delivery did not fail; bots, automatic answers, campaigns and
notes are none. A ticket that an agent opened is outbound: its first message is no reply. *Done* is RESOLVED or CLOSED,
and one resolution may pass through both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol, assert_never

import attrs

from supportkit.clock import to_utc
from supportkit.metrics.survival import Observation
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import StateCategory
from supportkit.sla.facts import Created, Fact, Messaged, StateEntered, TierEntered
from supportkit.sla.history import counted

NOTHING = dt.timedelta(0)
_REPLIES = frozenset({MessageKind.REPLY, MessageKind.CALL})


class OpenTime(Protocol):
    """What measures business time: a `BusinessCalendar`, or the schedules that were in force one after the other."""

    def between(self, a: dt.datetime, b: dt.datetime, /) -> dt.timedelta:
        """Return the open time in `[a, b)`."""
        ...


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
        runs: The same runs as pairs of instants.
        open_run_since: When the unanswered run began.
        requester_wait: Time in NEW, OPEN and WAITING_EXTERNAL.
        agent_wait: Time in WAITING_CUSTOMER.
        on_hold: Time in WAITING_EXTERNAL.
        done_time: Time in RESOLVED and CLOSED.
        visit_times: How long each ended visit to a support line took.
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
    runs: tuple[tuple[dt.datetime, dt.datetime], ...] = ()
    open_run_since: dt.datetime | None = None
    requester_wait: dt.timedelta
    agent_wait: dt.timedelta
    on_hold: dt.timedelta
    done_time: dt.timedelta
    visit_times: tuple[dt.timedelta, ...] = ()
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

    def hear(self, message: Messaged, at: dt.datetime) -> None:
        match message.author:
            case ActorKind.CUSTOMER:
                if self.has_agent_spoken and self.waiting_since is None:
                    self.waiting_since = at
            case ActorKind.AGENT:
                if message.kind in _REPLIES:
                    self._answer(at)
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
    calendar: OpenTime | None = None,
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
    history = counted(facts, at=at)
    # A fact that comes twice has one number and one class twice; to hash whole facts takes longer than to fold them.
    if len({(fact.seq, type(fact)) for fact in history}) < len(history):
        history = list(dict.fromkeys(history))
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
            fold.hear(fact, when)
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


def _measured(created: Created, fold: _Fold, now: dt.datetime, calendar: OpenTime | None) -> TicketFlow:
    leaving = [*(entered for _tier, entered in fold.tiers[1:]), None]
    visits = tuple([TierVisit(tier, at, left) for (tier, at), left in zip(fold.tiers, leaving, strict=True)])
    flow = TicketFlow(
        ticket=created.ticket,
        channel=created.channel,
        created_at=created.occurred_at,
        now=now,
        mode="calendar",
        stays=tuple(fold.stays),
        visits=visits,
        resolutions=tuple(fold.resolutions),
        replies_at=tuple(fold.replies),
        runs=tuple(fold.runs),
        open_run_since=fold.waiting_since,
        **_durations(
            fold.stays,
            visits,
            fold.replies,
            fold.runs,
            fold.waiting_since,
            fold.resolutions,
            created.occurred_at,
            now,
            _elapsed,
        ),
    )
    return flow if calendar is None else in_business_time(flow, calendar)


def in_business_time(flow: TicketFlow, calendar: OpenTime) -> TicketFlow:
    """Return the same ticket with every duration measured in the open time of *calendar*."""
    return attrs.evolve(
        flow,
        mode="business",
        **_durations(
            flow.stays,
            flow.visits,
            flow.replies_at,
            flow.runs,
            flow.open_run_since,
            flow.resolutions,
            flow.created_at,
            flow.now,
            calendar.between,
        ),
    )


def _elapsed(start: dt.datetime, end: dt.datetime) -> dt.timedelta:
    return end - start


def _durations(
    stays: Sequence[Stay],
    visits: Iterable[TierVisit],
    replies: Sequence[dt.datetime],
    runs: Iterable[tuple[dt.datetime, dt.datetime]],
    waiting_since: dt.datetime | None,
    done: Sequence[Resolution],
    born: dt.datetime,
    now: dt.datetime,
    between: Callable[[dt.datetime, dt.datetime], dt.timedelta],
) -> dict[str, Any]:
    time = dict.fromkeys(StateCategory, NOTHING)
    for stay in stays:
        time[stay.category] += between(stay.start, stay.end)
    is_done = stays[-1].category.is_done
    on_hold = time[StateCategory.WAITING_EXTERNAL]
    return {
        "first_reply": between(born, replies[0]) if replies else None,
        "next_replies": tuple([between(start, end) for start, end in runs]),
        "open_next_reply": None if waiting_since is None else between(waiting_since, now),
        "requester_wait": time[StateCategory.NEW] + time[StateCategory.OPEN] + on_hold,
        "agent_wait": time[StateCategory.WAITING_CUSTOMER],
        "on_hold": on_hold,
        "done_time": time[StateCategory.RESOLVED] + time[StateCategory.CLOSED],
        "visit_times": tuple([between(one.entered_at, one.left_at) for one in visits if one.left_at is not None]),
        "first_resolution": between(born, done[0].resolved_at) if done else None,
        "full_resolution": between(born, done[-1].resolved_at) if is_done and done else None,
        "age": between(born, now),
    }
