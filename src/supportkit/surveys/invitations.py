"""The life of an invitation: a table of states and steps, and the fold that reads it from the log of a ticket.

One invitation a survey, ticket and resolution. The fold is total: what the table does not allow is passed over, because
a log is never refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import attrs

from supportkit.model import events as ev
from supportkit.model.events import Recorded
from supportkit.model.message import OutboxState
from supportkit.model.surveys import ResolutionAttributed, Score


class InvitationState(StrEnum):
    """Where an invitation stands."""

    SCHEDULED = "scheduled"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    SENT = "sent"
    BOUNCED = "bounced"
    VIEWED = "viewed"
    ANSWERED = "answered"
    EXPIRED = "expired"
    LOCKED = "locked"


class Step(StrEnum):
    """What happens to an invitation."""

    SCHEDULE = "schedule"
    SUPPRESS = "suppress"
    SEND = "send"
    CANCEL = "cancel"
    BOUNCE = "bounce"
    VIEW = "view"
    ANSWER = "answer"
    EXPIRE = "expire"
    LOCK = "lock"


_S, _E = InvitationState, Step
STEPS: Final[Mapping[tuple[InvitationState | None, Step], InvitationState]] = {
    (None, _E.SCHEDULE): _S.SCHEDULED,
    (None, _E.SUPPRESS): _S.SUPPRESSED,
    (_S.SCHEDULED, _E.SUPPRESS): _S.SUPPRESSED,
    (_S.SCHEDULED, _E.SEND): _S.SENT,
    (_S.SCHEDULED, _E.CANCEL): _S.CANCELLED,
    (_S.SENT, _E.CANCEL): _S.CANCELLED,
    (_S.SENT, _E.BOUNCE): _S.BOUNCED,
    (_S.SENT, _E.VIEW): _S.VIEWED,
    (_S.SENT, _E.ANSWER): _S.ANSWERED,
    (_S.SENT, _E.EXPIRE): _S.EXPIRED,
    (_S.VIEWED, _E.CANCEL): _S.CANCELLED,
    (_S.VIEWED, _E.ANSWER): _S.ANSWERED,
    (_S.VIEWED, _E.EXPIRE): _S.EXPIRED,
    (_S.ANSWERED, _E.ANSWER): _S.ANSWERED,
    (_S.ANSWERED, _E.LOCK): _S.LOCKED,
}
"""The automaton. What does not stand here does not happen: an answer is never taken back, and the dead stay dead."""
OPEN: Final = frozenset({_S.SENT, _S.VIEWED, _S.ANSWERED})
"""Where the page takes an answer."""


@attrs.frozen(kw_only=True)
class GivenAnswer:
    """One version of an answer.

    Attributes:
        cleared: Flags that a person said mean nothing.
    """

    version: int
    at: dt.datetime
    scores: tuple[Score, ...]
    locale: str
    text: int
    flags: tuple[str, ...] = ()
    cleared: frozenset[str] = frozenset()
    prefilled: bool = False
    comment: str = attrs.field(default="", repr=False)

    @property
    def is_flagged(self) -> bool:
        """Whether it is left out by default."""
        return not self.cleared.issuperset(self.flags)

    @property
    def codes(self) -> dict[str, int | None]:
        """The codes by question."""
        return {score.question: score.code for score in self.scores}


@attrs.frozen(kw_only=True)
class SurveyInvitation:
    """What became of one resolution in one survey.

    Attributes:
        resolution: 1 for the first time that the ticket was done.
        due: When it is to be sent.
        reason: Why it was suppressed or cancelled; *rule* and *until* say more.
        message: The message that carries it.
        expires_at: The first instant at which no answer is taken.
        viewed_at: When the page was first shown; evidence, which counts nowhere.
        was_trapped: A link was followed that no person sees.
        answers: All versions; the last one counts. Empty for an anonymous survey.
        follow_up: The ticket of the task that an unhappy answer made.
        credit: Who had a part in the resolution.
    """

    survey: str
    resolution: int
    state: InvitationState
    due: dt.datetime | None = None
    reason: str | None = None
    rule: str | None = None
    until: dt.datetime | None = None
    message: str | None = None
    channel: str | None = None
    locale: str | None = None
    version: int | None = None
    sent_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    reminder: str | None = None
    viewed_at: dt.datetime | None = None
    was_trapped: bool = False
    answered_at: dt.datetime | None = None
    answers: tuple[GivenAnswer, ...] = ()
    follow_up: str | None = None
    credit: ResolutionAttributed | None = None

    @property
    def answer(self) -> GivenAnswer | None:
        """The answer that counts."""
        return self.answers[-1] if self.answers else None

    def locks_at(self, edit_for: dt.timedelta | None) -> dt.datetime | None:
        """Return the first instant at which the answer cannot be changed any more."""
        if edit_for is None or self.answered_at is None or self.expires_at is None:
            return self.expires_at
        return min(self.expires_at, self.answered_at + edit_for)

    def takes_answers(self, now: dt.datetime, edit_for: dt.timedelta | None) -> bool:
        """Tell whether the page takes an answer *now*: before the expiry and before the lock."""
        locks_at = self.locks_at(edit_for)
        return self.state in OPEN and locks_at is not None and now < locks_at


Key = tuple[str, int]


def invitations_of(log: Iterable[Recorded]) -> tuple[SurveyInvitation, ...]:
    """Return the invitations that the log of a ticket tells of, in the order of their decisions."""
    found: dict[Key, SurveyInvitation] = {}
    carried: dict[str, Key] = {}
    credit: dict[int, ResolutionAttributed] = {}
    for recorded in log:
        event = recorded.event
        match event:
            case ev.ResolutionAttributed(resolution=resolution):
                credit[resolution] = event
            case ev.DeliveryFailed(message=message) if message in carried:
                _step(found, carried[message], Step.BOUNCE)
            case ev.DeliverySettled(message=message, state=OutboxState.FAILED) if message in carried:
                _step(found, carried[message], Step.BOUNCE)
            case ev.SurveySent(message=message):
                carried[message] = event.survey, event.resolution
                _take(found, event, recorded)
            case _ if isinstance(event, _OURS):
                _take(found, event, recorded)
            case _:
                continue
    return tuple([attrs.evolve(one, credit=credit.get(one.resolution)) for one in found.values()])


def invitation_of(log: Iterable[Recorded], survey: str, resolution: int) -> SurveyInvitation | None:
    """Return the one invitation of a survey about a resolution, `None` where nothing was decided."""
    return next((one for one in invitations_of(log) if (one.survey, one.resolution) == (survey, resolution)), None)


_OURS = (
    ev.SurveyScheduled,
    ev.SurveySuppressed,
    ev.SurveyReminded,
    ev.SurveyViewed,
    ev.SurveyAnswered,
    ev.SurveyTaken,
    ev.SurveyFlagCleared,
    ev.SurveyFollowedUp,
    ev.SurveyCancelled,
    ev.SurveyEnded,
)


def _step(found: dict[Key, SurveyInvitation], key: Key, step: Step, **changes: object) -> None:
    """Take a step if the table has it."""
    before = found.get(key)
    state = STEPS.get((None if before is None else before.state, step))
    if state is None:
        return
    if before is None:
        before = SurveyInvitation(survey=key[0], resolution=key[1], state=state)
    found[key] = attrs.evolve(before, state=state, **changes)  # type: ignore[arg-type]  # names of fields


def _take(found: dict[Key, SurveyInvitation], event: ev.Event, recorded: Recorded) -> None:  # noqa: C901 - a case an event
    at = recorded.occurred_at
    match event:
        case ev.SurveyScheduled():
            _step(found, (event.survey, event.resolution), Step.SCHEDULE, due=event.due)
        case ev.SurveySuppressed():
            more = {"reason": event.reason, "rule": event.rule, "until": event.until}
            _step(found, (event.survey, event.resolution), Step.SUPPRESS, **more)
        case ev.SurveySent():
            _step(
                found,
                (event.survey, event.resolution),
                Step.SEND,
                message=event.message,
                channel=event.channel,
                locale=event.locale,
                version=event.version,
                sent_at=at,
                expires_at=event.expires_at,
            )
        case ev.SurveyCancelled():
            _step(found, (event.survey, event.resolution), Step.CANCEL, reason=event.reason)
        case ev.SurveyViewed():
            _viewed(found, event, at)
        case ev.SurveyAnswered():
            _answered(found, event, at)
        case ev.SurveyTaken():
            _step(found, (event.survey, event.resolution), Step.ANSWER, answered_at=at)
            _step(found, (event.survey, event.resolution), Step.LOCK)
        case ev.SurveyEnded():
            step = Step.LOCK if event.state == InvitationState.LOCKED else Step.EXPIRE
            _step(found, (event.survey, event.resolution), step)
        case ev.SurveyReminded():
            _note(found, (event.survey, event.resolution), reminder=event.message)
        case ev.SurveyFollowedUp():
            _note(found, (event.survey, event.resolution), follow_up=event.ticket)
        case ev.SurveyFlagCleared():
            _cleared(found, event)
        case _:
            return


def _note(found: dict[Key, SurveyInvitation], key: Key, **changes: object) -> None:
    if key in found:
        found[key] = attrs.evolve(found[key], **changes)  # type: ignore[arg-type]  # names of fields


def _viewed(found: dict[Key, SurveyInvitation], event: ev.SurveyViewed, at: dt.datetime) -> None:
    key = event.survey, event.resolution
    if event.honeypot:
        _note(found, key, was_trapped=True)
    elif key in found and found[key].viewed_at is None:
        _note(found, key, viewed_at=at)
    _step(found, key, Step.VIEW)


def _answered(found: dict[Key, SurveyInvitation], event: ev.SurveyAnswered, at: dt.datetime) -> None:
    key = event.survey, event.resolution
    before = found.get(key)
    given = GivenAnswer(
        version=event.version,
        at=at,
        scores=event.scores,
        locale=event.locale,
        text=event.text,
        flags=event.flags,
        prefilled=event.prefilled,
        comment=event.comment,
    )
    versions = (*(() if before is None else before.answers), given)
    first = at if before is None or before.answered_at is None else before.answered_at
    _step(found, key, Step.ANSWER, answers=versions, answered_at=first)


def _cleared(found: dict[Key, SurveyInvitation], event: ev.SurveyFlagCleared) -> None:
    key = event.survey, event.resolution
    if key not in found:
        return
    versions = tuple(
        [
            attrs.evolve(one, cleared=one.cleared | {event.flag}) if one.version == event.version else one
            for one in found[key].answers
        ]
    )
    _note(found, key, answers=versions)
