"""The notices, and what may stand in each: keys, parts, and names of values with their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import attrs


class Notice(StrEnum):
    """A text that a desk sends by itself.

    Attributes:
        ACKNOWLEDGEMENT: The request has arrived; when it is answered, or when we open again.
        ACKNOWLEDGEMENT_UNVERIFIED: The same to an address that is only claimed: fixed words and the reference alone.
        STARTED: Somebody is working on it.
        HANDED_OVER_LINE: Another support line has it now.
        HANDED_OVER_VENDOR: Another organisation has it now.
        WAITING_FOR_CUSTOMER: A reminder: we wait for an answer.
        PROMISE_MOVED: The promised time has changed.
        DELAYED: We are late and say sorry; with a new time if there is one.
        SOLVED: The result.
        REOPENED: The request is open again.
        CLOSED: The request is closed; thanks.
        MERGED: Two requests go on as one.
        FOLLOW_UP: A new request, because the old one is closed.
        SURVEY_INVITATION: The frame of an invitation to a survey.
        MAINTENANCE: Work is planned, or something is out of order.
        MAINTENANCE_OVER: It is done.
        PUBLIC_ANSWER: A first answer that everybody can read: no reference, no names, at most 280 characters.
    """

    ACKNOWLEDGEMENT = "acknowledgement"
    ACKNOWLEDGEMENT_UNVERIFIED = "acknowledgement_unverified"
    STARTED = "started"
    HANDED_OVER_LINE = "handed_over_line"
    HANDED_OVER_VENDOR = "handed_over_vendor"
    WAITING_FOR_CUSTOMER = "waiting_for_customer"
    PROMISE_MOVED = "promise_moved"
    DELAYED = "delayed"
    SOLVED = "solved"
    REOPENED = "reopened"
    CLOSED = "closed"
    MERGED = "merged"
    FOLLOW_UP = "follow_up"
    SURVEY_INVITATION = "survey_invitation"
    MAINTENANCE = "maintenance"
    MAINTENANCE_OVER = "maintenance_over"
    PUBLIC_ANSWER = "public_answer"


class Kind(StrEnum):
    """What a value is, and so how it is cleaned and written.

    Attributes:
        LINE: A `str` on one line, at most 200 characters; longer ones end in an ellipsis.
        TEXT: A `str` with line ends, at most 64 KB.
        COUNT: An `int` from 0 on.
        MOMENT: An aware `datetime`, written as date, time and zone of the customer.
        LINES: A tuple or list of at most 100 such lines, for loops.
    """

    LINE = "line"
    TEXT = "text"
    COUNT = "count"
    MOMENT = "moment"
    LINES = "lines"


@attrs.frozen(kw_only=True)
class Fields:
    """What may stand in one kind of text.

    Attributes:
        values: Names of values and their kinds.
        needed: Those that a caller must give; every other one may be absent, and then counts as false.
        parts: The parts that a text must have.
    """

    values: Mapping[str, Kind]
    needed: frozenset[str] = frozenset()
    parts: tuple[str, ...] = ("subject", "body")


PARTS: Final = ("subject", "short", "body", "html")

COMMON: Final = {
    "ticket.reference": Kind.LINE,
    "ticket.subject": Kind.LINE,
    "customer.name": Kind.LINE,
    "agent.name": Kind.LINE,
    "desk.name": Kind.LINE,
}
_DUE: Final = {"due": Kind.MOMENT}
_OPENS: Final = {"opens": Kind.MOMENT}
_QUEUE: Final = {"queue.place": Kind.COUNT}


def _about_ticket(more: Mapping[str, Kind], *needed: str) -> Fields:
    return Fields(values={**COMMON, **more}, needed=frozenset({"ticket.reference", *needed}))


_SURVEY: Final = {"survey.url": Kind.LINE, "survey.questions": Kind.COUNT, "survey.minutes": Kind.COUNT}
_WORK: Final = {"customer.name": Kind.LINE, "desk.name": Kind.LINE, "maintenance.what": Kind.LINE}

FIELDS: Final[dict[Notice, Fields]] = {
    Notice.ACKNOWLEDGEMENT: _about_ticket(_DUE | _OPENS | _QUEUE),
    # Whoever owns the address may never have written: nothing that the requester could choose stands in it.
    Notice.ACKNOWLEDGEMENT_UNVERIFIED: Fields(
        values={"ticket.reference": Kind.LINE, "desk.name": Kind.LINE}, needed=frozenset({"ticket.reference"})
    ),
    Notice.STARTED: _about_ticket(_DUE),
    Notice.HANDED_OVER_LINE: _about_ticket({**_DUE, "line.name": Kind.LINE}),
    Notice.HANDED_OVER_VENDOR: _about_ticket({**_DUE, "vendor.name": Kind.LINE}),
    Notice.WAITING_FOR_CUSTOMER: _about_ticket({"closes": Kind.MOMENT}),
    Notice.PROMISE_MOVED: _about_ticket(_DUE, "due"),
    Notice.DELAYED: _about_ticket(_DUE),
    Notice.SOLVED: _about_ticket({"resolution": Kind.TEXT, "reopen_days": Kind.COUNT}),
    Notice.REOPENED: _about_ticket(_DUE | _OPENS),
    Notice.CLOSED: _about_ticket({"reopen_days": Kind.COUNT}),
    Notice.MERGED: _about_ticket({"survivor.reference": Kind.LINE}, "survivor.reference"),
    Notice.FOLLOW_UP: _about_ticket(
        {**_DUE, **_OPENS, **_QUEUE, "previous.reference": Kind.LINE}, "previous.reference"
    ),
    Notice.SURVEY_INVITATION: _about_ticket(_SURVEY, "survey.url"),
    Notice.MAINTENANCE: Fields(
        values={**_WORK, "maintenance.starts": Kind.MOMENT, "maintenance.ends": Kind.MOMENT},
        needed=frozenset({"maintenance.what", "maintenance.starts"}),
    ),
    Notice.MAINTENANCE_OVER: Fields(values=_WORK, needed=frozenset({"maintenance.what"})),
    Notice.PUBLIC_ANSWER: Fields(values={"desk.name": Kind.LINE, "contact": Kind.LINE}, parts=("body",)),
}

MOMENTS: Final = ("today", "tomorrow", "another_day")
"""How a locale puts a date, a time and a zone together."""
MOMENT_FIELDS: Final = Fields(
    values={"date": Kind.LINE, "time": Kind.LINE, "city": Kind.LINE, "utc": Kind.LINE},
    needed=frozenset({"date", "time", "utc"}),
    parts=(),
)
REPLY_FIELDS: Final = Fields(values={**COMMON, "due": Kind.MOMENT, "opens": Kind.MOMENT}, parts=("body",))
"""What may stand in a reply that an agent picks."""
