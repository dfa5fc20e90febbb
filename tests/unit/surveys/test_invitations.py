"""The life of an invitation: every state, every step, and the fold that reads it from a log."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from supportkit.model import events as ev
from supportkit.model.message import OutboxState
from supportkit.model.people import SYSTEM
from supportkit.model.surveys import Score
from supportkit.surveys import STEPS, InvitationState, Step, invitation_of, invitations_of

AT = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
NAMED = {"survey": "after", "resolution": 1}
EXPIRES = AT + dt.timedelta(days=14)
SCHEDULED = ev.SurveyScheduled(**NAMED, due=AT)
SENT = ev.SurveySent(**NAMED, message="m", channel="email", locale="en", version=1, expires_at=EXPIRES)
VIEWED = ev.SurveyViewed(**NAMED)
SUPPRESSED = ev.SurveySuppressed(**NAMED, reason="sampled_out")
CANCELLED = ev.SurveyCancelled(**NAMED, reason="reopened")
BOUNCED = ev.DeliveryFailed(message="m", channel="email", reason="blocked")
EXPIRED = ev.SurveyEnded(**NAMED, state="expired")
LOCKED = ev.SurveyEnded(**NAMED, state="locked")


def answered(version: int = 1, code: int = 4, **more: object) -> ev.SurveyAnswered:
    score = Score(question="csat", code=code, lo=1, hi=5)
    return ev.SurveyAnswered(**NAMED, version=version, scores=(score,), locale="en", text=1, **more)


STEP_EVENTS: dict[Step, ev.Event] = {
    Step.SCHEDULE: SCHEDULED, Step.SUPPRESS: SUPPRESSED, Step.SEND: SENT, Step.CANCEL: CANCELLED,
    Step.BOUNCE: BOUNCED, Step.VIEW: VIEWED, Step.ANSWER: answered(), Step.EXPIRE: EXPIRED, Step.LOCK: LOCKED,
}  # fmt: skip
WAY_TO: dict[InvitationState | None, list[ev.Event]] = {
    None: [],
    InvitationState.SCHEDULED: [SCHEDULED],
    InvitationState.SUPPRESSED: [SUPPRESSED],
    InvitationState.CANCELLED: [SCHEDULED, CANCELLED],
    InvitationState.SENT: [SCHEDULED, SENT],
    InvitationState.BOUNCED: [SCHEDULED, SENT, BOUNCED],
    InvitationState.VIEWED: [SCHEDULED, SENT, VIEWED],
    InvitationState.ANSWERED: [SCHEDULED, SENT, answered()],
    InvitationState.EXPIRED: [SCHEDULED, SENT, EXPIRED],
    InvitationState.LOCKED: [SCHEDULED, SENT, answered(), LOCKED],
}


def log(*events: ev.Event) -> list[ev.Recorded]:
    return [
        ev.Recorded(
            tenant="t",
            ticket="T",
            seq=seq,
            occurred_at=AT + dt.timedelta(minutes=seq),
            recorded_at=AT,
            actor=SYSTEM,
            event=event,
            command="c",
        )
        for seq, event in enumerate(events, 1)
    ]


def state(*events: ev.Event) -> InvitationState | None:
    found = invitation_of(log(*events), "after", 1)
    return None if found is None else found.state


@pytest.mark.parametrize("before", [None, *InvitationState])
@pytest.mark.parametrize("step", Step)
def test_every_step_from_every_state_leads_where_the_table_says_or_nowhere(
    before: InvitationState | None, step: Step
) -> None:
    assert state(*WAY_TO[before]) is before
    assert state(*WAY_TO[before], STEP_EVENTS[step]) is STEPS.get((before, step), before)


def test_the_table_is_that_of_the_specification() -> None:
    told = {
        (None, "scheduled"), (None, "suppressed"),
        ("scheduled", "suppressed"), ("scheduled", "sent"), ("scheduled", "cancelled"),
        ("sent", "cancelled"), ("sent", "bounced"), ("sent", "viewed"), ("sent", "answered"), ("sent", "expired"),
        ("viewed", "cancelled"), ("viewed", "answered"), ("viewed", "expired"),
        ("answered", "answered"), ("answered", "locked"),
    }  # fmt: skip
    assert {(before and before.value, after.value) for (before, _step), after in STEPS.items()} == told


def test_nothing_takes_an_answer_back() -> None:
    everything = [event for step, event in STEP_EVENTS.items() if step is not Step.ANSWER]
    for two in itertools.permutations(everything, 2):
        found = invitation_of(log(*WAY_TO[InvitationState.ANSWERED], *two), "after", 1)
        assert found is not None
        assert found.state in {InvitationState.ANSWERED, InvitationState.LOCKED}
        assert [one.codes for one in found.answers] == [{"csat": 4}]


def test_all_versions_and_their_times_are_kept_and_the_last_one_counts() -> None:
    found = invitation_of(log(SCHEDULED, SENT, VIEWED, answered(1, 2), answered(2, 5)), "after", 1)
    assert found is not None
    assert found.answer is not None
    assert [(one.version, one.codes["csat"]) for one in found.answers] == [(1, 2), (2, 5)]
    assert found.answer.codes == {"csat": 5}
    assert found.answers[0].at < found.answers[1].at
    assert found.answered_at == found.answers[0].at


def test_a_message_that_a_person_settles_as_failed_bounces_the_invitation() -> None:
    settled = ev.DeliverySettled(
        delivery="m.1", message="m", channel="email", source=OutboxState.UNKNOWN, state=OutboxState.FAILED, reason="x"
    )
    assert state(SCHEDULED, SENT, settled) is InvitationState.BOUNCED


def test_the_failure_of_another_message_is_no_bounce() -> None:
    assert state(SCHEDULED, SENT, ev.DeliveryFailed(message="x", channel="email", reason="b")) is InvitationState.SENT


def test_an_answer_is_taken_until_the_expiry_and_changed_until_the_lock() -> None:
    found = invitation_of(log(SCHEDULED, SENT, answered()), "after", 1)
    assert found is not None
    assert found.answered_at is not None
    hour = dt.timedelta(hours=1)
    assert found.locks_at(None) == EXPIRES
    assert found.locks_at(hour) == found.answered_at + hour
    assert found.locks_at(dt.timedelta(days=99)) == EXPIRES
    assert found.takes_answers(found.answered_at + hour - dt.timedelta.resolution, hour)
    assert not found.takes_answers(found.answered_at + hour, hour)
    assert not found.takes_answers(EXPIRES, None)


def test_resolutions_and_surveys_are_kept_apart() -> None:
    second = ev.SurveyScheduled(survey="after", resolution=2, due=AT)
    other = ev.SurveySuppressed(survey="other", resolution=1, reason="quarantined", until=EXPIRES)
    found = invitations_of(log(SCHEDULED, other, CANCELLED, second))
    assert [(one.survey, one.resolution, one.state.value) for one in found] == [
        ("after", 1, "cancelled"), ("other", 1, "suppressed"), ("after", 2, "scheduled"),
    ]  # fmt: skip
    assert found[1].until == EXPIRES


def test_an_anonymous_answer_is_locked_at_once_and_says_nothing() -> None:
    found = invitation_of(log(SCHEDULED, SENT, ev.SurveyTaken(**NAMED)), "after", 1)
    assert found is not None
    assert (found.state, found.answers, found.answered_at) == (
        InvitationState.LOCKED, (), AT + dt.timedelta(minutes=3),
    )  # fmt: skip


def test_a_cleared_flag_counts_for_its_version_alone() -> None:
    flagged = answered(1, 2, flags=("flip", "too_fast"))
    cleared = [ev.SurveyFlagCleared(**NAMED, version=1, flag=flag) for flag in ("flip", "too_fast")]
    (one,) = invitations_of(log(SCHEDULED, SENT, flagged, cleared[0]))
    assert one.answers[0].is_flagged
    (one,) = invitations_of(log(SCHEDULED, SENT, flagged, *cleared, answered(2, 3, flags=("flip",))))
    assert [version.is_flagged for version in one.answers] == [False, True]
