"""What makes an answer suspicious: it is stored, left out by default, and counted. Nothing is removed in silence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import attrs

FASTEST_ANSWER: Final = dt.timedelta(seconds=10)
"""Nobody reads a message and answers a survey within this time of its sending."""
FLIP_WITHIN: Final = dt.timedelta(seconds=45)
FASTEST_PRESS: Final = dt.timedelta(seconds=2)
"""A form that comes back sooner after it was shown was not pressed by a person."""


class Suspicion(StrEnum):
    """A flag of an answer.

    Attributes:
        TOO_FAST: It came within 10 s of the sending.
        FLIP: A different rating came within 45 s of it.
        HONEYPOT: A link was followed that no person sees.
        NO_PAGE_VIEW: The page was never asked for.
        HEAD_ONLY: The page was only probed (HEAD), never asked for.
    """

    TOO_FAST = "too_fast"
    FLIP = "flip"
    HONEYPOT = "honeypot"
    NO_PAGE_VIEW = "no_page_view"
    HEAD_ONLY = "head_only"


@attrs.frozen(kw_only=True)
class Evidence:
    """What is known of how an answer came about.

    Attributes:
        sent_at: When the invitation was sent.
        answered_at: When this answer came.
        codes: Its codes by question.
        before: The codes of the version before, and when that came.
    """

    sent_at: dt.datetime
    answered_at: dt.datetime
    codes: Mapping[str, int | None]
    before: tuple[Mapping[str, int | None], dt.datetime] | None = None
    was_viewed: bool = True
    was_probed: bool = False
    was_trapped: bool = False


def suspicions(evidence: Evidence) -> tuple[str, ...]:
    """Return the flags of an answer, sorted."""
    found: set[Suspicion] = set()
    if evidence.answered_at - evidence.sent_at < FASTEST_ANSWER:
        found.add(Suspicion.TOO_FAST)
    if evidence.before is not None:
        codes, at = evidence.before
        if dict(codes) != dict(evidence.codes) and evidence.answered_at - at <= FLIP_WITHIN:
            found.add(Suspicion.FLIP)
    if evidence.was_trapped:
        found.add(Suspicion.HONEYPOT)
    if not evidence.was_viewed:
        found.add(Suspicion.HEAD_ONLY if evidence.was_probed else Suspicion.NO_PAGE_VIEW)
    return tuple(sorted(one.value for one in found))
