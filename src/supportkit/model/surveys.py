"""What has happened to the surveys of a ticket: events in its log, each about one survey and one resolution.

A resolution has a number: 1 for the first time that the ticket was done, one more after each reopening.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import attrs

from supportkit.model.private import private

SURVEY_TIMERS: Final = ("survey.send", "survey.remind", "survey.end")
"""Names of the deadlines of invitations; the instance of each is the survey and the number of the resolution."""


@attrs.frozen(kw_only=True)
class Contribution:
    """How often an agent answered the customer before a resolution, in public and not by a machine."""

    agent: str
    replies: int


@attrs.frozen(kw_only=True)
class Score:
    """The answer to one question, with all that is needed to count it.

    Attributes:
        question: Its id, for example `csat`.
        code: What was chosen; `None` for a blank.
        lo: The lowest code of the scale.
        hi: The highest code.
        higher_is_better: False where the lowest code is the best one.
    """

    question: str
    code: int | None = None
    lo: int
    hi: int
    higher_is_better: bool = True


@attrs.frozen(kw_only=True)
class ResolutionAttributed:
    """Who had a part in a resolution; scores are read from here, so a later reassignment moves none.

    Attributes:
        assignee: Who was responsible.
        replier: Who answered the customer last, in public.
        resolver: Who resolved it, if that was an agent.
        contributors: All agents who answered, each with the number of answers.
        bot_replies: Answers of bots.
        tier: The support line at the end, *highest* the highest one, *tiers* all that it went through.
    """

    resolution: int
    assignee: str | None = None
    replier: str | None = None
    resolver: str | None = None
    contributors: tuple[Contribution, ...] = ()
    bot_replies: int = 0
    tier: int = 1
    highest: int = 1
    tiers: tuple[int, ...] = ()
    team: str | None = None
    topic: str | None = None
    channel: str
    locale: str | None = None


@attrs.frozen(kw_only=True)
class SurveyScheduled:
    """The customer is to be asked, at *due*; all rules are tested again then."""

    survey: str
    resolution: int
    due: dt.datetime


@attrs.frozen(kw_only=True)
class SurveySuppressed:
    """The customer is not asked about this resolution, and will not be.

    Attributes:
        reason: The first rule that said so: a value of `supportkit.surveys.Suppression`.
        rule: Which exclusion, where the reason is `excluded_by_rule`.
        until: Until when the person is left alone, where the reason is `quarantined`.
    """

    survey: str
    resolution: int
    reason: str
    rule: str | None = None
    until: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class SurveySent:
    """The invitation was queued; *message* is what it says, without the link, which only its reader gets to see."""

    survey: str
    resolution: int
    message: str
    channel: str
    locale: str
    version: int
    expires_at: dt.datetime


@attrs.frozen(kw_only=True)
class SurveyReminded:
    """The one reminder of an invitation that nobody had answered was queued."""

    survey: str
    resolution: int
    message: str


@attrs.frozen(kw_only=True)
class SurveyViewed:
    """The page was shown: evidence, which changes no number. With *honeypot* a link was followed that nobody sees."""

    survey: str
    resolution: int
    honeypot: bool = False


@attrs.frozen(kw_only=True)
class SurveyAnswered:
    """The customer answered, or changed the answer: then there is another version, and the last one counts.

    Attributes:
        version: 1 for the first answer.
        scores: The answer to each question.
        locale: The language that the questions were shown in.
        text: The version of their texts.
        flags: What makes the answer suspicious: values of `supportkit.surveys.Suspicion`.
        prefilled: The page was opened with a choice filled in.
        comment: The customer's words.
    """

    survey: str
    resolution: int
    version: int
    scores: tuple[Score, ...]
    locale: str
    text: int
    flags: tuple[str, ...] = ()
    prefilled: bool = False
    comment: str = private("")


@attrs.frozen(kw_only=True)
class SurveyTaken:
    """An anonymous survey was answered; what was said is kept apart, and nothing leads from here to there."""

    survey: str
    resolution: int


@attrs.frozen(kw_only=True)
class SurveyFlagCleared:
    """A person says that a flag of an answer means nothing."""

    survey: str
    resolution: int
    version: int
    flag: str
    note: str = private("")


@attrs.frozen(kw_only=True)
class SurveyFollowedUp:
    """An unhappy answer became a task: the ticket *ticket*."""

    survey: str
    resolution: int
    ticket: str


@attrs.frozen(kw_only=True)
class SurveyCancelled:
    """An invitation lost its point before it was answered; its link is dead. *reason*: `reopened` or `merged`."""

    survey: str
    resolution: int
    reason: str


@attrs.frozen(kw_only=True)
class SurveyEnded:
    """The time of an invitation is over: *state* is `expired`, or `locked` where there is an answer."""

    survey: str
    resolution: int
    state: str


SurveyEvent = (
    ResolutionAttributed
    | SurveyScheduled
    | SurveySuppressed
    | SurveySent
    | SurveyReminded
    | SurveyViewed
    | SurveyAnswered
    | SurveyTaken
    | SurveyFlagCleared
    | SurveyFollowedUp
    | SurveyCancelled
    | SurveyEnded
)
"""Events about surveys: no clock counts them, and the ticket stays as it is."""
