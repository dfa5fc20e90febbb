"""What surveys keep besides the logs of tickets: where a link leads, when people were asked, anonymous answers."""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol

import attrs

from supportkit.clock import from_us, to_us
from supportkit.ids import random_bytes
from supportkit.model.people import Customer
from supportkit.model.record import Record, RecordChange
from supportkit.model.surveys import Score
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.codec import codec_of, dumps, loads
from supportkit.storage.keeping import KeepingUnit
from supportkit.surveys.settings import MAX_QUARANTINE, Survey


class SurveyUnit(KeepingUnit, ReceivingUnit, Protocol):
    """One transaction with everything that surveys need: records, budgets and conversations."""


LINK = "survey.link"
"""Where a link leads: the id is its handle, the owner the ticket. Gone when the link is dead."""
ASKED = "survey.asked"
"""That a person was asked, and when: the owner is the customer. It names no ticket, so it may outlive an answer."""
ANSWER = "survey.answer"
"""An anonymous answer: the name is the survey, and nothing leads to anybody."""
QUOTA = "survey.quota"
"""How many invitations a survey has sent in a calendar month (UTC)."""


@attrs.frozen(kw_only=True)
class Link:
    """Where a link leads.

    Attributes:
        record: The record itself, for whoever deletes it.
    """

    handle: str
    ticket: str
    survey: str
    resolution: int
    expires_at: dt.datetime
    record: Record = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class AnonymousAnswer:
    """An answer from which nothing leads to a person, a ticket or an invitation.

    Attributes:
        month: The month in which it came, as `2026-03`.
        scores: The answer to each question.
        text: The version of the texts.
    """

    survey: str
    month: str
    tier: int
    channel: str
    locale: str
    scores: tuple[Score, ...]
    text: int
    flags: tuple[str, ...] = ()


def new_link(
    tenant: str, ticket: str, survey: str, resolution: int, expires_at: dt.datetime
) -> tuple[Link, RecordChange]:
    """Return a new link with a random handle, and what writes it."""
    data = dumps({"survey": survey, "resolution": resolution, "expires_at": to_us(expires_at)})
    record = Record(tenant=tenant, kind=LINK, id=random_bytes(8).hex(), owner=ticket, data=data)
    return _link(record), RecordChange(record=record)


def link_by_handle(unit: SurveyUnit, handle: str) -> Link | None:
    """Return where a handle leads, `None` where it is unknown or was revoked."""
    record = unit.record(LINK, handle)
    return None if record is None else _link(record)


def links_of(unit: SurveyUnit, ticket: str) -> list[Link]:
    """Return the living links of a ticket."""
    return [_link(record) for record in unit.records(LINK, owner=ticket)]


def _link(record: Record) -> Link:
    data: dict[str, Any] = loads(record.data)
    return Link(
        handle=record.id,
        ticket=record.owner,
        survey=data["survey"],
        resolution=data["resolution"],
        expires_at=from_us(data["expires_at"]),
        record=record,
    )


def asked_at(unit: SurveyUnit, person: Customer) -> list[dt.datetime]:
    """Return when a person was asked, under any of the ids that are one person by now."""
    return [from_us(loads(record.data)["at"]) for record in _bookings(unit, person)]


def book(unit: SurveyUnit, person: Customer, survey: str, now: dt.datetime) -> list[RecordChange]:
    """Return what notes that a person is asked *now*, and forgets what no quarantine reaches back to."""
    record = Record(
        tenant=person.tenant,
        kind=ASKED,
        id=random_bytes(16).hex(),
        owner=person.id,
        name=survey,
        data=dumps({"at": to_us(now)}),
    )
    old = [one for one in _bookings(unit, person) if now - from_us(loads(one.data)["at"]) > MAX_QUARANTINE]
    return [RecordChange(record=record), *[RecordChange(record=one, is_removed=True) for one in old]]


def _bookings(unit: SurveyUnit, person: Customer) -> list[Record]:
    owners = [person.id, *[part.customer for part in person.merged]]
    return [record for owner in owners for record in unit.records(ASKED, owner=owner)]


def keep_anonymous(tenant: str, answer: AnonymousAnswer) -> RecordChange:
    """Return what writes an anonymous answer: under a random id, which tells no order."""
    data = dumps(codec_of(AnonymousAnswer).encode(answer))
    record = Record(tenant=tenant, kind=ANSWER, id=random_bytes(16).hex(), name=answer.survey, data=data)
    return RecordChange(record=record)


def read_anonymous(record: Record) -> AnonymousAnswer:
    """Return the answer that a record holds."""
    found: AnonymousAnswer = codec_of(AnonymousAnswer).decode(loads(record.data))
    return found


def sent_this_month(unit: SurveyUnit, survey: Survey, now: dt.datetime) -> int:
    """Return how many invitations with a quota were sent in this month."""
    record = unit.record(QUOTA, _month(survey, now))
    return 0 if record is None else int(loads(record.data)["sent"])


def count_sent(unit: SurveyUnit, tenant: str, survey: Survey, now: dt.datetime) -> RecordChange:
    """Return what counts one more; of two that count at once one has to decide anew, so no quota is exceeded."""
    before = unit.record(QUOTA, _month(survey, now))
    if before is None:
        return RecordChange(
            record=Record(tenant=tenant, kind=QUOTA, id=_month(survey, now), name=survey.id, data=dumps({"sent": 1}))
        )
    data = dumps({"sent": int(loads(before.data)["sent"]) + 1})
    return RecordChange(record=attrs.evolve(before, data=data, version=before.version + 1))


def _month(survey: Survey, now: dt.datetime) -> str:
    return f"{survey.id}/{now:%Y-%m}"
