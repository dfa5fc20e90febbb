"""Rates of tickets: resolved, solved at first contact, reopened, in time. Each is one division of two counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import attrs

from supportkit.measures.checks import count
from supportkit.measures.proportions import proportion
from supportkit.measures.results import Cohort, MetricResult
from supportkit.metrics.flow import Resolution
from supportkit.metrics.windows import happened, is_mature, name_of, now_of
from supportkit.model.ticket import ClosingReason

WEEK = dt.timedelta(days=7)
MONTH = dt.timedelta(days=30)


class _Count:
    """A numerator, a denominator, and what was left out of both."""

    def __init__(self) -> None:
        self.good = self.n = 0
        self.left_out: dict[str, int] = {}

    def add(self, *, good: bool) -> None:
        self.n += 1
        self.good += good

    def leave_out(self, reason: str) -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1

    def result(self, definition: str, cohort: Cohort, confidence: float) -> MetricResult:
        where = cohort.leaving_out(self.left_out)
        return proportion(self.good, self.n, definition=definition, cohort=where, confidence=confidence)


def reopen_rate(
    resolutions: Iterable[Resolution], *, cohort: Cohort, window: dt.timedelta = WEEK, confidence: float = 0.95
) -> MetricResult:
    """Return `reopen.<window>`: reopened within the window of the first resolution / resolved and mature.

    Args:
        resolutions: The first resolution of each ticket, with the reopening after it.
        cohort: The period by `first_resolved`, and now. Younger tickets are counted as `immature`.
        window: How long a reopening counts.
        confidence: Two-sided confidence.

    Raises:
        ValueError: A cohort with another basis or without `now`, or a window that is not above zero.
    """
    now, found = now_of(cohort, "first_resolved", window=window), _Count()
    for one in resolutions:
        if not cohort.has(one.resolved_at) or one.resolved_at > now:
            continue
        if is_mature(one.resolved_at, window, now):
            found.add(good=happened(one.reopened_at, one.resolved_at, window))
        else:
            found.leave_out("immature")
    return found.result(f"reopen.{name_of(window)}/1", cohort, confidence)


@attrs.frozen(kw_only=True)
class FirstContact:
    """What is asked of a ticket for first contact resolution.

    Attributes:
        replies_at: When agents replied.
        resolved_at: The first resolution; `None`: never, and the ticket is not in the denominator.
        reopened_at: The reopening after it.
        escalated_at: The first move to a higher support line.
        repeated_at: The next ticket of the same customer and topic after the resolution.
    """

    replies_at: tuple[dt.datetime, ...] = ()
    resolved_at: dt.datetime | None
    reopened_at: dt.datetime | None = None
    escalated_at: dt.datetime | None = None
    repeated_at: dt.datetime | None = None

    def is_solved(self, end: dt.datetime) -> bool:
        """Tell whether the first contact was enough, as of *end*: one reply, and nothing came after it."""
        undone = (self.reopened_at, self.escalated_at, self.repeated_at)
        if any(instant is not None and instant <= end for instant in undone):
            return False
        return sum(reply <= end for reply in self.replies_at) == 1


def first_contact_resolution(
    tickets: Iterable[FirstContact], *, cohort: Cohort, window: dt.timedelta = WEEK, confidence: float = 0.95
) -> MetricResult:
    """Return `fcr.<window>`: solved with one reply, no escalation, reopening or new ticket / resolved and mature.

    Args:
        tickets: What happened to each.
        cohort: The period by `first_resolved`, and now. Unresolved tickets are counted as `unresolved`.
        window: How long after the resolution the customer must stay content.
        confidence: Two-sided confidence.

    Raises:
        ValueError: As in `reopen_rate`.
    """
    now, found = now_of(cohort, "first_resolved", window=window), _Count()
    for one in tickets:
        if one.resolved_at is None or one.resolved_at > now:
            found.leave_out("unresolved")
        elif cohort.has(one.resolved_at):
            if is_mature(one.resolved_at, window, now):
                found.add(good=one.is_solved(one.resolved_at + window))
            else:
                found.leave_out("immature")
    return found.result(f"fcr.{name_of(window)}/1", cohort, confidence)


@attrs.frozen(kw_only=True)
class Ended:
    """How a ticket ended within its window.

    Attributes:
        created_at: When it was created.
        resolutions: Its changes to done, with reopenings.
        reason: Why it ended last; `None`: it has not.
    """

    created_at: dt.datetime
    resolutions: tuple[Resolution, ...] = ()
    reason: ClosingReason | None = None


_AGAINST = frozenset({ClosingReason.NO_ANSWER, ClosingReason.NOT_OURS})


def resolution_rate(
    tickets: Iterable[Ended], *, cohort: Cohort, window: dt.timedelta = MONTH, confidence: float = 0.95
) -> MetricResult:
    """Return `resolution.within_<window>`: solved within the window and done at its end / mature tickets.

    `no_answer` and `not_ours` count against; tickets with other reasons (spam, merged, duplicate) leave both sides.

    Args:
        tickets: How each ended.
        cohort: The period by `created`, and now.
        window: How long a ticket has.
        confidence: Two-sided confidence.

    Raises:
        ValueError: As in `reopen_rate`.
    """
    now, found = now_of(cohort, "created", window=window), _Count()
    for one in tickets:
        if not cohort.has(one.created_at) or one.created_at > now:
            continue
        if one.reason not in {None, ClosingReason.SOLVED, *_AGAINST}:
            found.leave_out(str(one.reason))
        elif is_mature(one.created_at, window, now):
            end = one.created_at + window
            done = any(
                spell.resolved_at <= end and (spell.reopened_at is None or spell.reopened_at > end)
                for spell in one.resolutions
            )
            found.add(good=done and one.reason is ClosingReason.SOLVED)
        else:
            found.leave_out("immature")
    return found.result(f"resolution.within_{name_of(window)}/1", cohort, confidence)


@attrs.frozen(kw_only=True)
class Deadline:
    """A promise with a due time.

    Attributes:
        due_at: When it is due; an answer at that very instant is in time.
        done_at: When it was kept.
        excluded: Whether it leaves both sides, by a rule.
    """

    due_at: dt.datetime
    done_at: dt.datetime | None = None
    excluded: bool = False


def sla_attainment(
    deadlines: Iterable[Deadline], *, clock: str, cohort: Cohort, confidence: float = 0.95
) -> MetricResult:
    """Return `sla.attainment.<clock>`: met / (met + breached), as known at `now`.

    What is open and past due is breached, not unknown; what is open and not yet due is counted as `running` and is on
    neither side. A later `now` never turns one verdict into the other.

    Args:
        deadlines: The promises.
        clock: Which clock, for example `first_response`.
        cohort: The period by `deadline`, and now.
        confidence: Two-sided confidence.

    Raises:
        ValueError: A cohort with another basis or without `now`.
    """
    now, found = now_of(cohort, "deadline"), _Count()
    for one in deadlines:
        if not cohort.has(one.due_at):
            continue
        done = one.done_at if one.done_at is not None and one.done_at <= now else None
        if one.excluded:
            found.leave_out("excluded")
        elif done is not None:
            found.add(good=done <= one.due_at)
        elif now > one.due_at:
            found.add(good=False)
        else:
            found.leave_out("running")
    return found.result(f"sla.attainment.{clock.lower()}/1", cohort, confidence)


@attrs.frozen(kw_only=True)
class TierPath:
    """The support lines that a ticket went through.

    Attributes:
        tiers: In order; the same line twice in a row is one visit.
        resolved: Whether it is resolved, which its last line is credited with.
    """

    tiers: tuple[int, ...] = attrs.field(converter=tuple)
    resolved: bool

    def __attrs_post_init__(self) -> None:
        if not self.tiers:
            raise ValueError("a ticket is in some support line")
        for tier in self.tiers:
            count(tier, "a tier")


@attrs.frozen(kw_only=True)
class TierRates:
    """What became of the tickets that entered a support line; each ticket counts once per line.

    Attributes:
        entered: How many entered it.
        escalation: `escalation.tier_<k>`: of those, left upwards.
        resolution: `resolved_share.tier_<k>`: of those, resolved while in it.
    """

    entered: int
    escalation: MetricResult
    resolution: MetricResult


def tier_rates(paths: Iterable[TierPath], *, cohort: Cohort, confidence: float = 0.95) -> dict[int, TierRates]:
    """Return the rates of each support line that somebody entered. The resolved of all lines sum to the resolved."""
    entered: dict[int, int] = {}
    escalated: dict[int, int] = {}
    resolved: dict[int, int] = {}
    for path in paths:
        for tier in set(path.tiers):
            entered[tier] = entered.get(tier, 0) + 1
        for tier in {before for before, after in zip(path.tiers, path.tiers[1:], strict=False) if after > before}:
            escalated[tier] = escalated.get(tier, 0) + 1
        if path.resolved:
            resolved[path.tiers[-1]] = resolved.get(path.tiers[-1], 0) + 1
    return {
        tier: TierRates(
            entered=n,
            escalation=proportion(
                escalated.get(tier, 0),
                n,
                definition=f"escalation.tier_{tier}/1",
                cohort=cohort,
                confidence=confidence,
            ),
            resolution=proportion(
                resolved.get(tier, 0),
                n,
                definition=f"resolved_share.tier_{tier}/1",
                cohort=cohort,
                confidence=confidence,
            ),
        )
        for tier, n in sorted(entered.items())
    }


def containment(
    paths: Iterable[TierPath], *, cohort: Cohort, born_l1: bool = False, confidence: float = 0.95
) -> MetricResult:
    """Return `containment.l1`: tickets that never left tier 1 / all, or with *born_l1* / those created in tier 1."""
    of = [path for path in paths if not born_l1 or path.tiers[0] == 1]
    stayed = sum(set(path.tiers) == {1} for path in of)
    name = "containment.l1.born_l1/1" if born_l1 else "containment.l1/1"
    return proportion(stayed, len(of), definition=name, cohort=cohort, confidence=confidence)
