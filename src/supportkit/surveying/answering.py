"""What an answer leads to: a version in the log or an anonymous record, flags, a task where somebody is unhappy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from supportkit.drafting import Draft
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.events import Event
from supportkit.model.people import SYSTEM, Actor, ActorKind, Team
from supportkit.model.record import RecordChange
from supportkit.model.surveys import Score
from supportkit.model.ticket import Link, LinkKind, Ticket
from supportkit.staff import TEAM, from_record
from supportkit.surveying.book import AnonymousAnswer, SurveyUnit, keep_anonymous, links_of
from supportkit.surveying.surveyor import end_timer
from supportkit.surveys.attribution import Credit, credits_of
from supportkit.surveys.invitations import SurveyInvitation
from supportkit.surveys.settings import Survey
from supportkit.surveys.suspicion import Evidence, suspicions

if TYPE_CHECKING:
    from supportkit.runner import Runner

SOURCE = "survey"
"""The source of tickets that look after an unhappy answer: internal work, left out of customers' numbers."""


@attrs.frozen(kw_only=True)
class Submitted:
    """What came in by the page.

    Attributes:
        codes: By question.
        is_prefilled: The page was opened with a choice filled in.
        was_probed: Somebody looked at the link without showing the page.
    """

    codes: Mapping[str, int | None]
    comment: str = attrs.field(default="", repr=False)
    is_prefilled: bool = False
    locale: str = "en"
    was_probed: bool = False


def record(
    runner: Runner,
    unit: SurveyUnit,
    draft: Draft,
    survey: Survey,
    ticket: Ticket,
    invitation: SurveyInvitation,
    given: Submitted,
) -> dt.datetime | None:
    """Put an answer into a draft; return until when it may be changed, `None` where it may not."""
    scores = tuple(
        [
            Score(
                question=question.id,
                code=given.codes.get(question.id),
                lo=question.lo,
                hi=question.hi,
                higher_is_better=question.higher_is_better,
            )
            for question in survey.questions
        ]
    )
    flags = _flags(invitation, given, draft.now)
    if survey.anonymous:
        _record_apart(unit, draft, survey, ticket, invitation, given, scores, flags)
        return None
    events: list[Event] = [
        ev.SurveyAnswered(
            survey=survey.id,
            resolution=invitation.resolution,
            version=len(invitation.answers) + 1,
            scores=scores,
            locale=given.locale,
            text=survey.version,
            flags=flags,
            prefilled=given.is_prefilled,
            comment=given.comment,
        )
    ]
    is_to_follow = survey.follow_up is not None and invitation.follow_up is None and not flags
    if is_to_follow and survey.is_unhappy(scores):
        task, ticket = _task(runner, unit, draft, survey, ticket, invitation)
        events.append(ev.SurveyFollowedUp(survey=survey.id, resolution=invitation.resolution, ticket=task))
    author = SYSTEM if ticket.customer is None else Actor(ActorKind.CUSTOMER, ticket.customer)
    draft.add(ticket.tenant, ticket, ticket.id, events, actor=author)
    draft.join()
    answered = attrs.evolve(invitation, answered_at=invitation.answered_at or draft.now)
    until = answered.locks_at(survey.edit_for)
    draft.rows.timers.append(end_timer(ticket, survey.id, invitation.resolution, until))
    return until if until is not None and until > draft.now else None


def _flags(invitation: SurveyInvitation, given: Submitted, now: dt.datetime) -> tuple[str, ...]:
    last = invitation.answer
    return suspicions(
        Evidence(
            sent_at=invitation.sent_at or now,
            answered_at=now,
            codes=given.codes,
            before=None if last is None else (last.codes, last.at),
            was_viewed=invitation.viewed_at is not None,
            was_probed=given.was_probed,
            was_trapped=invitation.was_trapped,
        )
    )


def _record_apart(
    unit: SurveyUnit,
    draft: Draft,
    survey: Survey,
    ticket: Ticket,
    invitation: SurveyInvitation,
    given: Submitted,
    scores: tuple[Score, ...],
    flags: tuple[str, ...],
) -> None:
    """Keep an answer from which nothing leads anywhere; that the person was asked was booked when it was sent."""
    credit = invitation.credit
    answer = AnonymousAnswer(
        survey=survey.id,
        month=f"{draft.now:%Y-%m}",
        tier=ticket.tier if credit is None else credit.tier,
        channel=ticket.channel,
        locale=given.locale,
        scores=scores,
        text=survey.version,
        flags=flags,
    )
    draft.records.append(keep_anonymous(ticket.tenant, answer))
    taken = ev.SurveyTaken(survey=survey.id, resolution=invitation.resolution)
    draft.add(ticket.tenant, ticket, ticket.id, (taken,), actor=SYSTEM)
    draft.rows.timers.append(end_timer(ticket, survey.id, invitation.resolution, None))
    for link in links_of(unit, ticket.id):
        if (link.survey, link.resolution) == (survey.id, invitation.resolution):
            draft.records.append(RecordChange(record=link.record, is_removed=True))


def _task(
    runner: Runner, unit: SurveyUnit, draft: Draft, survey: Survey, ticket: Ticket, invitation: SurveyInvitation
) -> tuple[str, Ticket]:
    """Open the ticket for the team lead, linked; return its id and the rated ticket after the link.

    It carries a promise with the due time, which a service level may lack; its outcome is its resolution. The rated
    agent never gets it.
    """
    team = survey.follow_up_team or ticket.team
    lead = None if team is None else survey.leads.get(team) or _lead_of(unit, team)
    rated = () if invitation.credit is None else credits_of(invitation.credit, Credit.PRIMARY)
    command = cm.Open(
        actor=SYSTEM,
        subject=f"Unhappy answer to the survey {survey.id} about {ticket.reference}",
        author=SYSTEM,
        channel=SOURCE,
        team=team,
        assignee=lead if lead not in rated else None,
        tags=(SOURCE,),
        source=SOURCE,
        links=(Link(LinkKind.RELATED, ticket.id),),
        ticket=runner.new_id(draft.now),
        message=runner.new_id(draft.now),
        reference=runner.ids.reference(),
    )
    opened = runner.opened(unit, draft, command, guarded=False)
    draft.command = None
    if survey.follow_up is not None:
        promise = ev.PromiseMade(
            promise=runner.new_id(draft.now), text="Look after this customer.", due=draft.now + survey.follow_up
        )
        draft.add(ticket.tenant, opened, opened.id, (promise,), actor=SYSTEM)
    rated_ticket = next(one.ticket for one in reversed(draft.changes) if one.ticket.id == ticket.id)
    return opened.id, rated_ticket


def _lead_of(unit: SurveyUnit, team: str) -> str | None:
    """Return who leads a team, as the desk knows it."""
    record = unit.record(TEAM, team)
    return None if record is None else from_record(Team, record).lead
