"""Whom an invitation reaches, and what stands against it now: the facts that `surveys.suppression` judges."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import attrs

from supportkit.channels.port import ChannelAdapter
from supportkit.channels.windows import Closed, window_at
from supportkit.lookup import person
from supportkit.model import events as ev
from supportkit.model.addressing import normalised
from supportkit.model.conversation import Leg
from supportkit.model.events import Recorded
from supportkit.model.people import ActorKind, Address, AddressStatus, Customer
from supportkit.model.ticket import ClosingReason, Ticket
from supportkit.surveying.book import SurveyUnit, asked_at, sent_this_month
from supportkit.surveys.invitations import SurveyInvitation
from supportkit.surveys.responses import is_sampled
from supportkit.surveys.settings import Survey
from supportkit.surveys.suppressing import Situation, quarantined_until

_NOT_AGAINST = frozenset({None, ClosingReason.SOLVED, ClosingReason.MERGED, ClosingReason.SPAM})
"""Merged and spam have reasons of their own."""
PURPOSE = "surveys"
"""What a customer may have agreed to, or refused."""
_WRITES = (ev.MessageReceived, ev.ReplyAdded, ev.NoteAdded)


@attrs.frozen(kw_only=True)
class Reach:
    """Where a customer gets an invitation.

    Attributes:
        is_proved: The address is known to be theirs: only then what the requester wrote is repeated.
        is_dead: Nothing arrives there.
    """

    adapter: ChannelAdapter
    customer: Customer
    leg: Leg | None
    address: str = attrs.field(repr=False)
    is_proved: bool
    has_opted_out: bool
    is_dead: bool


def reach_of(unit: SurveyUnit, ticket: Ticket, channels: Mapping[str, ChannelAdapter]) -> Reach | None:
    """Return the way to the customer of a ticket on the channel it is talked about on; `None` where there is none."""
    adapter = channels.get(ticket.answers_on or ticket.channel)
    customer = None if ticket.customer is None else person(unit, ticket.customer)
    if adapter is None or customer is None or not adapter.capabilities.outbound or adapter.capabilities.public:
        return None
    kind = adapter.capabilities.address_kind
    leg = None if ticket.leg is None else unit.leg(ticket.leg)
    if leg is not None:
        address, is_proved = leg.address, leg.verified
    elif adapter.capabilities.starts:
        found = customer.address(kind)
        if found is None:
            return None
        address, is_proved = found, False
    else:
        return None
    if not address:  # that of an erased leg
        return None
    mine = [one for one in customer.addresses if one.family == kind and _same(one, address)]
    return Reach(
        adapter=adapter,
        customer=customer,
        leg=leg,
        address=address,
        is_proved=is_proved or any(one.status is AddressStatus.VERIFIED for one in mine),
        has_opted_out=any(one.opted_out for one in mine) or customer.consent(PURPOSE) is False,
        is_dead=any(one.is_dead for one in mine),
    )


def _same(one: Address, address: str) -> bool:
    try:
        return normalised(one.family, one.value) == normalised(one.family, address)
    except ValueError:
        return one.value == address


def situation(
    unit: SurveyUnit,
    survey: Survey,
    ticket: Ticket,
    log: Sequence[Recorded],
    reach: Reach | None,
    before: Iterable[SurveyInvitation],
    now: dt.datetime,
) -> Situation:
    """Return what is known about asking for a resolution.

    Args:
        unit: The transaction in which it is decided.
        survey: What would be asked.
        ticket: As it is now.
        log: Its log.
        reach: The way to the customer.
        before: Other invitations of this survey about this resolution.
        now: The instant of the decision.
    """
    customer = None if reach is None else reach.customer
    segment = None if customer is None else customer.segment
    until = None
    if customer is not None:
        asked = asked_at(unit, customer)
        until = quarantined_until(asked, now, quarantine=survey.quarantine, most=survey.max_per_30_days)
    leg = None if reach is None else reach.leg
    is_closed = (
        reach is not None
        and leg is not None
        and isinstance(window_at(reach.adapter.capabilities.reply_window, leg.heard_at, now), Closed)
    )
    return Situation(
        is_solved=ticket.reason in _NOT_AGAINST,
        is_done=ticket.is_done,
        is_merged=ticket.merged_into is not None,
        rule=survey.exclusion(ticket, segment),
        is_automatic=not survey.ask_automatic and _is_automatic(log),
        is_internal=_is_internal(survey, customer, reach),
        has_opted_out=reach is not None and reach.has_opted_out,
        has_address=reach is not None and not reach.is_dead,
        is_asked_already=any(True for _ in before),
        quarantined_until=until,
        is_quota_reached=survey.quota is not None and sent_this_month(unit, survey, now) >= survey.quota,
        is_window_closed=is_closed,
        is_sampled=is_sampled(ticket.id, rate=survey.rate, salt=survey.salt),
    )


def _is_internal(survey: Survey, customer: Customer | None, reach: Reach | None) -> bool:
    if customer is None or reach is None:
        return False
    return any(survey.is_staff(one) for one in (reach.address, *[one.value for one in customer.addresses]))


def _is_automatic(log: Sequence[Recorded]) -> bool:
    """Tell whether nobody resolved it: time, or a rule of the desk."""
    was_done = False
    by_system = False
    for recorded in log:
        event = recorded.event
        if isinstance(event, ev.StateChanged):
            if event.category.is_done and not was_done:
                by_system = recorded.actor.kind is ActorKind.SYSTEM
            was_done = event.category.is_done
    return by_system


def last_activity(log: Iterable[Recorded]) -> dt.datetime | None:
    """Return when somebody last wrote or noted something; what the desk says by itself is no activity."""
    found = None
    for recorded in log:
        if isinstance(recorded.event, _WRITES) and recorded.actor.kind is not ActorKind.SYSTEM:
            found = recorded.occurred_at if found is None else max(found, recorded.occurred_at)
    return found
