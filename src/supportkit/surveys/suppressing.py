"""Why somebody is not asked: the reasons in the order in which they are tested. The first that applies is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from enum import StrEnum

import attrs


class Suppression(StrEnum):
    """Why a resolution is not asked about, in the order of the tests; sampling is last: "would have been asked".

    Attributes:
        NOT_SOLVED: It ended unanswered, as not ours or as a duplicate.
        REOPENED: It is not done any more.
        MERGED: It went on in another ticket.
        EXCLUDED_BY_RULE: Spam, a test, a mystery shopper, or a rule of the survey.
        AUTO_RESOLVED: Time alone resolved it, or a rule of the desk.
        INTERNAL_REQUESTER: A colleague asked.
        OPTED_OUT: The address wants nothing of us.
        NO_ADDRESS: There is no customer, or no way to reach one.
        DUPLICATE: There is an invitation about this resolution already.
        QUARANTINED: The person was asked lately.
        QUOTA_REACHED: The survey has sent as many as it may in this month.
        CHANNEL_WINDOW_CLOSED: The channel forbids a message now.
        SAMPLED_OUT: The ticket is not in the sample.
    """

    NOT_SOLVED = "not_solved"
    REOPENED = "reopened"
    MERGED = "merged"
    EXCLUDED_BY_RULE = "excluded_by_rule"
    AUTO_RESOLVED = "auto_resolved"
    INTERNAL_REQUESTER = "internal_requester"
    OPTED_OUT = "opted_out"
    NO_ADDRESS = "no_address"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    QUOTA_REACHED = "quota_reached"
    CHANNEL_WINDOW_CLOSED = "channel_window_closed"
    SAMPLED_OUT = "sampled_out"


@attrs.frozen(kw_only=True)
class Situation:
    """What is known when it is decided whether to ask; by default nothing stands against it.

    Attributes:
        rule: The id of the exclusion that applies, if one does.
        quarantined_until: Until when the person is left alone.
    """

    is_solved: bool = True
    is_done: bool = True
    is_merged: bool = False
    rule: str | None = None
    is_automatic: bool = False
    is_internal: bool = False
    has_opted_out: bool = False
    has_address: bool = True
    is_asked_already: bool = False
    quarantined_until: dt.datetime | None = None
    is_quota_reached: bool = False
    is_window_closed: bool = False
    is_sampled: bool = True


@attrs.frozen
class Refusal:
    """Why nobody is asked, with the exclusion or the end of the quarantine."""

    reason: Suppression
    rule: str | None = None
    until: dt.datetime | None = None


def suppression(situation: Situation) -> Refusal | None:
    """Return the first reason that stands against an invitation; `None`: the customer is asked."""
    facts = (
        (Suppression.NOT_SOLVED, not situation.is_solved),
        (Suppression.REOPENED, not situation.is_done),
        (Suppression.MERGED, situation.is_merged),
        (Suppression.EXCLUDED_BY_RULE, situation.rule is not None),
        (Suppression.AUTO_RESOLVED, situation.is_automatic),
        (Suppression.INTERNAL_REQUESTER, situation.is_internal),
        (Suppression.OPTED_OUT, situation.has_opted_out),
        (Suppression.NO_ADDRESS, not situation.has_address),
        (Suppression.DUPLICATE, situation.is_asked_already),
        (Suppression.QUARANTINED, situation.quarantined_until is not None),
        (Suppression.QUOTA_REACHED, situation.is_quota_reached),
        (Suppression.CHANNEL_WINDOW_CLOSED, situation.is_window_closed),
        (Suppression.SAMPLED_OUT, not situation.is_sampled),
    )
    reason = next((reason for reason, applies in facts if applies), None)
    if reason is None:
        return None
    return Refusal(
        reason,
        rule=situation.rule if reason is Suppression.EXCLUDED_BY_RULE else None,
        until=situation.quarantined_until if reason is Suppression.QUARANTINED else None,
    )


WINDOW = dt.timedelta(days=30)
"""Within this time a person is asked at most so many times."""


def quarantined_until(
    sent: Iterable[dt.datetime], now: dt.datetime, *, quarantine: dt.timedelta, most: int
) -> dt.datetime | None:
    """Return until when a person is left alone, `None` for one who may be asked *now*.

    Args:
        sent: When the person was asked before, by any survey and at any address.
        now: When it is decided.
        quarantine: How long after the last time nobody is asked again; at its end they are.
        most: How often within 30 days.
    """
    before = sorted(one for one in sent if one <= now)
    ends = [before[-1] + quarantine] if before else []
    lately = [one for one in before if now - one < WINDOW]
    if len(lately) >= most:
        ends.append(lately[-most] + WINDOW)
    until = max(ends, default=now)
    return until if until > now else None
