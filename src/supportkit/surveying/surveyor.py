"""`Surveyor`: what resolutions and deadlines lead to. A decision is written in the transaction of its cause."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import attrs

from supportkit.channels.port import ChannelAdapter
from supportkit.drafting import Draft, News
from supportkit.keys import Keys
from supportkit.model import events as ev
from supportkit.model.change import Change, TicketChange, Timer
from supportkit.model.events import Event, Recorded
from supportkit.model.people import SYSTEM
from supportkit.model.record import RecordChange
from supportkit.model.surveys import SURVEY_TIMERS
from supportkit.model.ticket import Ticket
from supportkit.storage.port import UnitOfWork
from supportkit.surveying.book import SurveyUnit, book, count_sent, links_of, new_link
from supportkit.surveying.reaching import Reach, last_activity, reach_of, situation
from supportkit.surveying.sending import BLANK, queue, rendered, token_of
from supportkit.surveys.attribution import attributed
from supportkit.surveys.invitations import (
    OPEN,
    InvitationState,
    SurveyInvitation,
    invitation_of,
    invitations_of,
)
from supportkit.surveys.settings import Survey
from supportkit.surveys.suppressing import Refusal, suppression
from supportkit.templates.catalog import Catalog

if TYPE_CHECKING:
    from supportkit.runner import Runner

SEND, REMIND, END = SURVEY_TIMERS
UNKNOWN_LATER = dt.timedelta(hours=1)
"""A process that does not know a survey leaves its deadlines to one that does, and looks again after this time."""
_PENDING = frozenset({InvitationState.SCHEDULED, InvitationState.SENT, InvitationState.VIEWED})
_PERSON = "survey.person"
_ENOUGH = 1_000_000
_RESOLVED, _REOPENED, _MERGED = "resolved", "reopened", "merged"


@attrs.frozen(kw_only=True)
class Surveyor:
    """Decides about surveys for one desk.

    Attributes:
        surveys: By id; `desk.surveys.add` puts more in.
        channels: The channels that invitations go out by.
        catalog: Gives the texts.
        keys: Signs links.
        desk_name: What invitations are signed with.
    """

    surveys: dict[str, Survey]
    channels: Mapping[str, ChannelAdapter]
    catalog: Callable[[], Catalog]
    keys: Callable[[], Keys]
    desk_name: str = ""

    # -- what follows from a command ---------------------------------------------------------------------------------

    def follow(self, unit: UnitOfWork, draft: Draft, ticket: Ticket | None) -> Ticket | None:
        """Add the decisions that follow from a draft to it; return *ticket* as it is after them.

        History that is brought in leads to none: what was resolved elsewhere is not asked about here.
        """
        if not self.surveys or draft.is_history:
            return ticket
        for change in tuple(draft.changes):
            turns = list(_turns(change))
            if not turns:
                continue
            after = self._decide(cast("SurveyUnit", unit), draft, change, turns)
            draft.join()
            if ticket is not None and ticket.id == after.id:
                ticket = after
        return ticket

    def _decide(
        self, unit: SurveyUnit, draft: Draft, change: TicketChange, turns: list[tuple[str, Recorded]]
    ) -> Ticket:
        before = list(unit.history(change.ticket.id))
        log = [*before, *change.events]
        events: list[Event] = []
        last = max([one.event.resolution for one in log if isinstance(one.event, ev.ResolutionAttributed)], default=0)
        for what, recorded in turns:
            upto = [one for one in log if one.seq <= recorded.seq]
            if what == _RESOLVED:
                last = max(last + 1, _reopenings(upto) + 1)
                events += self._resolved(unit, draft, change.ticket, upto, last, recorded.occurred_at)
            else:
                cancelled = _cancelled(log, events, what)
                events += cancelled
                _revoke(unit, draft, change.ticket, cancelled)
        return draft.add(change.ticket.tenant, change.ticket, change.ticket.id, events, actor=SYSTEM) or change.ticket

    def _resolved(
        self, unit: SurveyUnit, draft: Draft, ticket: Ticket, log: Sequence[Recorded], number: int, at: dt.datetime
    ) -> Iterator[Event]:
        """Yield the snapshot of a resolution and one decision a survey."""
        field = next(iter(self.surveys.values())).topic_field
        yield attributed(log, ticket, number, topic_field=field)
        reach = reach_of(unit, ticket, self.channels)
        for survey in self.surveys.values():
            known = [one for one in invitations_of(log) if (one.survey, one.resolution) == (survey.id, number)]
            facts = situation(unit, survey, ticket, log, reach, known, draft.now)
            refused = suppression(facts)
            if refused is not None:
                yield _suppressed(survey, number, refused)
                continue
            due = max(at + survey.delay, (last_activity(log) or at) + survey.quiet)
            yield ev.SurveyScheduled(survey=survey.id, resolution=number, due=due)
            draft.rows.timers.append(_timer(ticket, SEND, survey.id, number, due))

    # -- what follows from a deadline --------------------------------------------------------------------------------

    def fire(
        self, runner: Runner, unit: UnitOfWork, timer: Timer, ticket: Ticket, now: dt.datetime
    ) -> tuple[str, News]:
        """Do what a deadline of an invitation is for, all rules tested anew; return the outcome and what to tell."""
        name, _, number = timer.instance.rpartition("/")
        survey = self.surveys.get(name)
        if survey is None and timer.name != END:
            unit.save(Change(timers=(_timer(ticket, timer.name, name, int(number), now + UNKNOWN_LATER),)))
            return "stale", ()
        ours = cast("SurveyUnit", unit)
        log = list(unit.history(ticket.id))
        invitation = invitation_of(log, name, int(number))
        if invitation is None:
            return "stale", ()
        draft = runner.draft(unit, None, now, now)
        if timer.name == END:
            self._end(ours, draft, ticket, invitation, survey)
        elif survey is not None and timer.name == SEND:
            self._send(runner, ours, draft, ticket, log, invitation, survey)
        elif survey is not None:
            self._remind(runner, ours, draft, ticket, invitation, survey)
        has_news = bool(draft.changes)
        unit.save(draft.change(None))
        return ("fired" if has_news else "stale"), draft.told

    def _send(
        self,
        runner: Runner,
        unit: SurveyUnit,
        draft: Draft,
        ticket: Ticket,
        log: Sequence[Recorded],
        invitation: SurveyInvitation,
        survey: Survey,
    ) -> None:
        if invitation.state is not InvitationState.SCHEDULED:
            return
        now, number = draft.now, invitation.resolution
        reach = reach_of(unit, ticket, self.channels)
        if reach is not None:  # two tickets of one person take turns here, so that one invitation is seen by the other
            unit.spend(_PERSON, reach.customer.id, now.replace(hour=0, minute=0, second=0, microsecond=0), _ENOUGH)
        others = [
            one
            for one in invitations_of(log)
            if (one.survey, one.resolution) == (survey.id, number) and one.state is not InvitationState.SCHEDULED
        ]
        refused = suppression(situation(unit, survey, ticket, log, reach, others, now))
        if refused is not None or reach is None:
            events = () if refused is None else (_suppressed(survey, number, refused),)
            draft.add(ticket.tenant, ticket, ticket.id, events, actor=SYSTEM)
            return
        active = last_activity(log)
        if active is not None and active + survey.quiet > now:
            draft.rows.timers.append(_timer(ticket, SEND, survey.id, number, active + survey.quiet))
            return
        self._invite(runner, unit, draft, ticket, reach, survey, number)

    def _invite(
        self, runner: Runner, unit: SurveyUnit, draft: Draft, ticket: Ticket, reach: Reach, survey: Survey, number: int
    ) -> None:
        now = draft.now
        expires_at = (now + survey.expiry).replace(microsecond=0)
        link, written = new_link(ticket.tenant, ticket.id, survey.id, number, expires_at)
        text = rendered(survey, ticket, reach, self.catalog(), self.desk_name, now)
        message = runner.new_id(now)
        sent = ev.SurveySent(
            survey=survey.id,
            resolution=number,
            message=message,
            channel=reach.adapter.name,
            locale=survey.language(ticket.locale, reach.customer.locale),
            version=survey.version,
            expires_at=link.expires_at,
        )
        queue(draft, ticket, reach, text, message, sent)
        draft.records += [written, *book(unit, reach.customer, survey.id, now)]
        if survey.quota is not None:
            draft.records.append(count_sent(unit, ticket.tenant, survey, now))
        draft.rows.timers.append(_timer(ticket, END, survey.id, number, expires_at))
        if survey.remind_after is not None:
            draft.rows.timers.append(_timer(ticket, REMIND, survey.id, number, now + survey.remind_after))

    def _remind(
        self,
        runner: Runner,
        unit: SurveyUnit,
        draft: Draft,
        ticket: Ticket,
        invitation: SurveyInvitation,
        survey: Survey,
    ) -> None:
        """Remind once, only those who have not answered, and only where nothing but the sample stands against it."""
        is_waiting = invitation.state in {InvitationState.SENT, InvitationState.VIEWED}
        if not is_waiting or invitation.reminder is not None or not ticket.is_done:
            return
        if invitation.expires_at is None or draft.now >= invitation.expires_at:
            return
        reach = reach_of(unit, ticket, self.channels)
        if reach is None or reach.has_opted_out or reach.is_dead:
            return
        facts = situation(unit, survey, ticket, (), reach, (), draft.now)
        if facts.is_window_closed or facts.rule is not None:
            return
        text = rendered(survey, ticket, reach, self.catalog(), self.desk_name, draft.now)
        message = runner.new_id(draft.now)
        told = ev.SurveyReminded(survey=survey.id, resolution=invitation.resolution, message=message)
        queue(draft, ticket, reach, text, message, told)

    def _end(
        self,
        unit: SurveyUnit,
        draft: Draft,
        ticket: Ticket,
        invitation: SurveyInvitation,
        survey: Survey | None,
    ) -> None:
        if invitation.state in OPEN:
            over = invitation.locks_at(None if survey is None else survey.edit_for)
            if over is not None and draft.now < over:
                draft.rows.timers.append(_timer(ticket, END, invitation.survey, invitation.resolution, over))
                return
            is_answered = invitation.state is InvitationState.ANSWERED
            state = InvitationState.LOCKED if is_answered else InvitationState.EXPIRED
            ended = ev.SurveyEnded(survey=invitation.survey, resolution=invitation.resolution, state=state.value)
            draft.add(ticket.tenant, ticket, ticket.id, (ended,), actor=SYSTEM)
        for link in links_of(unit, ticket.id):
            if (link.survey, link.resolution) == (invitation.survey, invitation.resolution):
                draft.records.append(RecordChange(record=link.record, is_removed=True))

    # -- what goes out -----------------------------------------------------------------------------------------------

    def filled_in(self, unit: UnitOfWork, keys: Keys, ticket: str, message: str, body: str) -> str | None:
        """Return the text of an invitation with its link in it; `None` where it has lost its point by now."""
        for one in invitations_of(unit.history(ticket)):
            if message not in {one.message, one.reminder}:
                continue
            if one.state not in {InvitationState.SENT, InvitationState.VIEWED}:
                return None
            links = links_of(cast("SurveyUnit", unit), ticket)
            link = next((x for x in links if (x.survey, x.resolution) == (one.survey, one.resolution)), None)
            return None if link is None else body.replace(BLANK, token_of(keys, link))
        return None


def _timer(ticket: Ticket, name: str, survey: str, number: int, due: dt.datetime | None) -> Timer:
    return Timer(tenant=ticket.tenant, ticket=ticket.id, name=name, instance=f"{survey}/{number}", due_at=due)


def end_timer(ticket: Ticket, survey: str, number: int, due: dt.datetime | None) -> Timer:
    """Return the deadline at which an invitation is over; `None` cancels it."""
    return _timer(ticket, END, survey, number, due)


def _suppressed(survey: Survey, number: int, refused: Refusal) -> ev.SurveySuppressed:
    return ev.SurveySuppressed(
        survey=survey.id, resolution=number, reason=refused.reason.value, rule=refused.rule, until=refused.until
    )


def _turns(change: TicketChange) -> Iterator[tuple[str, Recorded]]:
    """Yield where a ticket became done or was taken up again.

    A ticket that is merged before it was done was not resolved, but goes on elsewhere.
    """
    was_done = change.before is not None and change.before.is_done
    for recorded in change.events:
        event = recorded.event
        if isinstance(event, ev.StateChanged):
            if event.category.is_done is not was_done:
                yield (_REOPENED if was_done else _RESOLVED), recorded
            was_done = event.category.is_done
        elif isinstance(event, ev.TicketMerged):
            yield _MERGED, recorded
            was_done = True
        elif isinstance(event, ev.TicketUnmerged):
            was_done = event.category.is_done


def _reopenings(log: Sequence[Recorded]) -> int:
    """Return how often a ticket was taken up again by the end of a log."""
    count, was_done = 0, False
    for recorded in log:
        if isinstance(recorded.event, ev.StateChanged):
            count += was_done and not recorded.event.category.is_done
            was_done = recorded.event.category.is_done
    return count


def _cancelled(log: Sequence[Recorded], drafted: Sequence[Event], reason: str) -> list[ev.SurveyCancelled]:
    """Return what ends the invitations that nobody has answered, with those that this same draft has scheduled."""
    over = {(one.survey, one.resolution) for one in drafted if isinstance(one, ev.SurveyCancelled)}
    open_ones = [(one.survey, one.resolution) for one in invitations_of(log) if one.state in _PENDING]
    open_ones += [(one.survey, one.resolution) for one in drafted if isinstance(one, ev.SurveyScheduled)]
    return [
        ev.SurveyCancelled(survey=survey, resolution=number, reason=reason)
        for survey, number in open_ones
        if (survey, number) not in over
    ]


def _revoke(unit: SurveyUnit, draft: Draft, ticket: Ticket, cancelled: Sequence[ev.SurveyCancelled]) -> None:
    """Let the links of cancelled invitations lead nowhere, and take their deadlines back."""
    gone = {(one.survey, one.resolution) for one in cancelled}
    for survey, number in sorted(gone):
        draft.rows.timers += [_timer(ticket, name, survey, number, None) for name in SURVEY_TIMERS]
    for link in links_of(unit, ticket.id) if gone else ():
        if (link.survey, link.resolution) in gone:
            draft.records.append(RecordChange(record=link.record, is_removed=True))
