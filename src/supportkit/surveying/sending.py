"""Invitations and reminders as messages: written with a blank where the link belongs, which delivery fills in.

So nobody who reads a ticket ever sees a link: neither agents nor plug-ins, nor whoever reads the database without keys.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from supportkit.drafting import Draft
from supportkit.keys import Keys
from supportkit.model.events import Event, NoticeQueued
from supportkit.model.people import SYSTEM
from supportkit.model.ticket import Ticket
from supportkit.parting import parts_of
from supportkit.posting import post, say
from supportkit.surveying.book import Link
from supportkit.surveying.reaching import Reach
from supportkit.surveys.settings import Survey
from supportkit.surveys.tokens import KEY_NUMBERS, make_token
from supportkit.templates.catalog import Catalog, Rendered
from supportkit.templates.notices import Notice

BLANK: Final = "only-the-customer-sees-the-whole-link--"
"""Stands where the token belongs, and is as long, so that a text is divided the same way with either."""


def rendered(
    survey: Survey, ticket: Ticket, reach: Reach, catalog: Catalog, desk_name: str, now: dt.datetime
) -> Rendered:
    """Return the text of an invitation, with a blank for the token."""
    customer = reach.customer
    values: dict[str, Any] = {
        "ticket.reference": ticket.reference,
        "survey.url": survey.url + BLANK,
        "survey.questions": len(survey.questions),
    }
    if desk_name:
        values["desk.name"] = desk_name
    if reach.is_proved:  # whoever has an address that is only claimed may never have written
        values |= {name: value for name, value in _own_words(ticket, reach).items() if value}
    return catalog.render(
        Notice.SURVEY_INVITATION,
        locale=ticket.locale or customer.locale or catalog.default_locale,
        values=values,
        timezone=customer.timezone,
        now=now,
        channel_kind=reach.adapter.capabilities.family,
    )


def _own_words(ticket: Ticket, reach: Reach) -> dict[str, str]:
    return {"ticket.subject": ticket.subject, "customer.name": reach.customer.name}


def queue(draft: Draft, ticket: Ticket, reach: Reach, text: Rendered, message: str, event: Event) -> Ticket:
    """Put a message with its deliveries and the *event* that tells of it into a draft; return the ticket after it.

    Raises:
        LimitExceeded: The channel does not take a text of that length.
    """
    count = len(parts_of(text.body, reach.adapter, text.locale))
    channel = reach.adapter.name
    notice = NoticeQueued(
        message=message,
        notice=Notice.SURVEY_INVITATION.value,
        channel=channel,
        locale=text.locale,
        subject=text.subject,
    )
    after = draft.add(ticket.tenant, ticket, ticket.id, (notice, event), actor=SYSTEM) or ticket
    say(draft, ticket, message, channel, text.body)
    post(
        draft,
        ticket,
        message,
        adapter=reach.adapter,
        leg=reach.leg,
        rule=Notice.SURVEY_INVITATION.value,
        seq=after.version,
        parts=count,
    )
    return after


def token_of(keys: Keys, link: Link) -> str:
    """Return the token of a link, signed by the key that signs now."""
    number, secret = next(iter(keys.signing.items()))
    return make_token(secret, number=number % KEY_NUMBERS, handle=link.handle, expires_at=link.expires_at)
