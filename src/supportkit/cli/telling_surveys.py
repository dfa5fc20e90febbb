"""Events about surveys in plain English."""

from __future__ import annotations

from typing import assert_never

from supportkit.model import events as ev
from supportkit.model.surveys import SurveyEvent


def told_survey(event: SurveyEvent) -> str:  # noqa: C901, PLR0911, PLR0912 - one short case an event
    """Return what became of a survey; scores by their codes, never the words of the customer."""
    match event:
        case ev.ResolutionAttributed():
            who = ", ".join(f"{one.agent} {one.replies}" for one in event.contributors) or "nobody"
            return f"resolution {event.resolution} by L{event.tier}, answers of {who}"
        case ev.SurveyScheduled():
            return f"survey {event.survey} is due {event.due:%Y-%m-%d %H:%M} UTC"
        case ev.SurveySuppressed():
            rule = f" ({event.rule})" if event.rule else ""
            until = f", until {event.until:%Y-%m-%d %H:%M} UTC" if event.until else ""
            return f"survey {event.survey} is not sent: {event.reason}{rule}{until}"
        case ev.SurveySent():
            return f"survey {event.survey} by {event.channel}, open until {event.expires_at:%Y-%m-%d %H:%M} UTC"
        case ev.SurveyReminded():
            return f"reminder of survey {event.survey}"
        case ev.SurveyViewed():
            return f"page of survey {event.survey} was shown{' to a machine' if event.honeypot else ''}"
        case ev.SurveyAnswered():
            codes = ", ".join(f"{one.question} {'-' if one.code is None else one.code}" for one in event.scores)
            flags = f" ({', '.join(event.flags)})" if event.flags else ""
            return f"survey {event.survey} answered, version {event.version}: {codes}{flags}"
        case ev.SurveyTaken():
            return f"survey {event.survey} answered anonymously"
        case ev.SurveyFlagCleared():
            return f"flag {event.flag} of survey {event.survey} means nothing"
        case ev.SurveyFollowedUp():
            return f"unhappy answer to survey {event.survey} is looked after in {event.ticket}"
        case ev.SurveyCancelled():
            return f"survey {event.survey} is cancelled: {event.reason}"
        case ev.SurveyEnded():
            return f"survey {event.survey} is {event.state}"
        case _:
            assert_never(event)
