"""Who answers: response rates of mature invitations, what non-response does to a share, and who is asked at all."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from fractions import Fraction

import attrs

from supportkit.clock import to_utc
from supportkit.measures.checks import exact, part_of, share
from supportkit.measures.proportions import proportion
from supportkit.measures.results import LOW_RESPONSE_BELOW, Cohort, MetricResult, codes_for


@attrs.frozen(kw_only=True)
class Invitation:
    """An invitation that was sent.

    Attributes:
        sent_at: When it was sent.
        answered_at: When it was first answered, if it was.
        withdrawn: `bounced` or `cancelled`: it leaves both sides of the rate and is counted.
    """

    sent_at: dt.datetime
    answered_at: dt.datetime | None = None
    withdrawn: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.withdrawn not in {None, "bounced", "cancelled"}:
            raise ValueError(f"an invitation is withdrawn as 'bounced' or 'cancelled', not {self.withdrawn!r}")
        sent = to_utc(self.sent_at, "sent_at")
        if self.answered_at is not None and to_utc(self.answered_at, "answered_at") < sent:
            raise ValueError("an invitation cannot be answered before it was sent")


def response_rate(
    invitations: Iterable[Invitation], *, window: dt.timedelta, cohort: Cohort, confidence: float = 0.95
) -> MetricResult:
    """Return `response.sent`: answered within *window* / invitations sent in the period and mature.

    An invitation is mature when its whole window has passed, whatever became of it: early answers of younger ones
    would make the rate too high, their silence too low. Those are counted as `immature`.

    Args:
        invitations: What was sent.
        window: How long an answer counts; one at its very end still does.
        cohort: The period, by date of sending (basis `sent`), and `now`.
        confidence: Two-sided confidence.

    Raises:
        ValueError: A cohort without `now` or with another basis, or a window that is not above zero.
    """
    now = _now(cohort, "sent")
    if window <= dt.timedelta(0):
        raise ValueError(f"a window must be longer than nothing, not {window}")
    left_out: dict[str, int] = {}
    sent = answered = 0
    for one in invitations:
        if not cohort.has(one.sent_at):
            continue
        reason = one.withdrawn or ("immature" if now - one.sent_at < window else None)
        if reason is not None:
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        sent += 1
        answered += one.answered_at is not None and one.answered_at - one.sent_at <= window
    low = sent > 0 and answered / sent < LOW_RESPONSE_BELOW
    return proportion(
        answered,
        sent,
        definition="response.sent/1",
        cohort=cohort.leaving_out(left_out),
        confidence=confidence,
        warnings=["low_response"] if low else [],
    )


def _now(cohort: Cohort, basis: str) -> dt.datetime:
    if cohort.now is None:
        raise ValueError("a metric with a window needs the instant of the report: Cohort(now=...)")
    if cohort.basis != basis:
        raise ValueError(f"this metric counts by {basis!r}, and the cohort by {cohort.basis!r}")
    return cohort.now


@attrs.frozen(kw_only=True)
class Stratum:
    """One group of customers: a tier, a channel, a topic.

    Attributes:
        population: How many there are.
        answered: How many of them answered.
        satisfied: How many of those said yes.
    """

    population: int
    answered: int
    satisfied: int

    def __attrs_post_init__(self) -> None:
        part_of(self.answered, self.population, "a stratum's answers")
        part_of(self.satisfied, self.answered, "a stratum's rate")


def post_stratified_rate(
    strata: Iterable[Stratum], *, definition: str = "csat.post_stratified/1", cohort: Cohort | None = None
) -> MetricResult:
    """Return sum(N * k / n) / sum(N): the rate as if every group had answered equally often.

    A group with people but without an answer makes the value `None`; it is never dropped in silence. With answers
    proportional to the groups the result is the plain rate.
    """
    groups = list(strata)
    where = cohort if cohort is not None else Cohort(basis="answered")
    people = sum(one.population for one in groups)
    silent = any(one.population and not one.answered for one in groups)
    value = None
    weighted = Fraction(0)
    if people and not silent:
        for one in groups:
            if one.population:
                weighted += Fraction(one.population * one.satisfied, one.answered)
        value = float(weighted / people)
    n = sum(one.answered for one in groups)
    return MetricResult(
        value=value,
        numerator=float(weighted) if value is not None else None,
        denominator=people,
        n=n,
        definition=definition,
        cohort=where,
        warnings=codes_for(n, None, where) | ({"no_data"} if value is None else set()),
    )


def is_sampled(ticket_id: str, *, rate: float | str, salt: str) -> bool:
    """Tell whether a ticket is among those that are asked. Nobody can influence it, and a rerun asks the same.

    The first eight bytes of SHA-256 of `salt:ticket_id`, read as a number, lie below *rate* of the whole range. So
    whoever is asked at 10 % is asked at 20 % too.

    Raises:
        ValueError: *rate* is not within 0..1.
    """
    part = exact(rate, "rate")
    share(part, "rate")
    drawn = int.from_bytes(hashlib.sha256(f"{salt}:{ticket_id}".encode()).digest()[:8], "big")
    return drawn < int(part * 2**64)
