"""`Survey`: what is asked, of whom, when and how often. A value that refuses what cannot be meant when it is made."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs

from supportkit.errors import ConfigurationError
from supportkit.model.surveys import Score
from supportkit.model.ticket import ClosingReason, Ticket
from supportkit.surveys.questions import Question
from supportkit.surveys.texts import CSAT

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
LANGUAGES: Final = ("en", "ru", "zh")
"""The languages that the page of a survey speaks."""
MINUTE: Final = dt.timedelta(minutes=1)
DAY: Final = dt.timedelta(days=1)
MAX_QUESTIONS: Final = 20
MAX_EXPIRY: Final = dt.timedelta(days=90)
MAX_QUARANTINE: Final = dt.timedelta(days=366)
MAX_URL: Final = 150
_SOURCES: Final = {"mystery": "mystery", "test": "test"}
_UNHAPPY: Final = {"nps": 6, "ces": 3}
"""Up to which answer somebody is unhappy, after the direction is turned; elsewhere it is the lowest one."""


def _names(given: Iterable[str]) -> frozenset[str]:
    if isinstance(given, str):
        raise ConfigurationError(f"give several names, not the one text {given!r:.40}")
    return frozenset(given)


def _texts(given: Iterable[str]) -> tuple[str, ...]:
    return (*given,)


def _questions(given: Iterable[Question]) -> tuple[Question, ...]:
    return (*given,)


def _exclusions(given: Iterable[Exclusion]) -> tuple[Exclusion, ...]:
    return (*given,)


@attrs.frozen(kw_only=True)
class Exclusion:
    """A rule that keeps tickets out of a survey: it applies where all that it names is met.

    Attributes:
        id: Its name, which is stored with the decision.
        tags: The ticket has one of these.
        channels: It came by one of these.
        teams: One of these is responsible.
        segments: The customer belongs to one of these.
    """

    id: str
    tags: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    channels: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    teams: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    segments: frozenset[str] = attrs.field(default=frozenset(), converter=_names)

    def __attrs_post_init__(self) -> None:
        """Refuse a rule without a name, and one that would apply to every ticket."""
        if not _KEY.fullmatch(self.id):
            raise ConfigurationError(f"the id of an exclusion is 1 to 40 of a-z, 0-9, _ and -, not {self.id!r:.60}")
        if not (self.tags or self.channels or self.teams or self.segments):
            raise ConfigurationError(f"exclusion {self.id!r} names nothing, so it would exclude every ticket")

    def applies(self, ticket: Ticket, segment: str | None) -> bool:
        """Tell whether it keeps a ticket out."""
        return (
            (not self.tags or not self.tags.isdisjoint(ticket.tags))
            and (not self.channels or ticket.channel in self.channels)
            and (not self.teams or ticket.team in self.teams)
            and (not self.segments or segment in self.segments)
        )


@attrs.frozen(kw_only=True)
class Survey:
    """A survey that follows the resolution of a ticket.

    Attributes:
        id: Its name in data.
        url: Where the page is: `https://help.example.com/survey/`; the token of the link is put behind it.
        questions: What is asked, in this order.
        version: The version of the texts; raise it whenever a wording changes.
        locales: The languages in which every question must have a text.
        default_locale: The language of people whose own has no texts.
        comment: Whether there is a field for the customer's own words.
        delay: How long after the resolution it is sent.
        quiet: How long nobody may have written or noted anything by then; else it waits.
        expiry: How long after sending an answer is taken.
        edit_for: How long after the first answer it may be changed; by default until the expiry.
        remind_after: When those are reminded, once, who have not answered; never by default.
        quarantine: How long after an invitation of any survey a person is left alone.
        max_per_30_days: How often a person is asked within 30 days, by all surveys.
        quota: How many invitations may be sent in a calendar month (UTC).
        rate: The share of tickets that is asked about, 0 to 1.
        salt: What the sample is drawn with; by default the id.
        exclude: Rules that keep tickets out.
        staff: Addresses of colleagues, or whole domains as `@example.com`: they are not asked.
        ask_automatic: Ask also where time or a rule resolved the ticket.
        rating_links: Links may carry a choice (`?csat=5`), which is filled in and never sent by itself.
        anonymous: Destroy the way from an answer to its person, ticket and invitation; no comment, no editing and no
            follow-up then.
        follow_up: By when somebody looks after an unhappy answer; `None`: nobody does.
        unhappy: Up to which code an answer is unhappy, by question, after turning scales whose low end is the good one;
            by default NPS 6, CES 3, and the lowest of any other.
        leads: Who gets the follow-ups of a team; by default who leads it (`desk.teams`). Never the one who was rated.
        follow_up_team: The team of follow-ups; by default that of the ticket.
        topic_field: The custom field of a ticket that names its topic.

    Raises:
        ConfigurationError: A value cannot be meant.
        ValueError: A question lacks a text in one of the languages.
    """

    id: str
    url: str
    questions: tuple[Question, ...] = attrs.field(default=(CSAT,), converter=_questions)
    version: int = 1
    locales: tuple[str, ...] = attrs.field(default=LANGUAGES, converter=_texts)
    default_locale: str = "en"
    anonymous: bool = False
    comment: bool = attrs.field(default=attrs.Factory(lambda self: not self.anonymous, takes_self=True))
    delay: dt.timedelta = DAY
    quiet: dt.timedelta = dt.timedelta(hours=4)
    expiry: dt.timedelta = dt.timedelta(days=14)
    edit_for: dt.timedelta | None = None
    remind_after: dt.timedelta | None = None
    quarantine: dt.timedelta = dt.timedelta(days=30)
    max_per_30_days: int = 2
    quota: int | None = None
    rate: float | str = 1.0
    salt: str = attrs.field(default=attrs.Factory(lambda self: self.id, takes_self=True))
    exclude: tuple[Exclusion, ...] = attrs.field(default=(), converter=_exclusions)
    staff: frozenset[str] = attrs.field(default=frozenset(), converter=_names, repr=False)
    ask_automatic: bool = False
    rating_links: bool = False
    follow_up: dt.timedelta | None = DAY
    unhappy: Mapping[str, int] = attrs.field(factory=dict)
    leads: Mapping[str, str] = attrs.field(factory=dict)
    follow_up_team: str | None = None
    topic_field: str = "topic"

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant: when a survey is saved, not when somebody waits for it."""
        if not _KEY.fullmatch(self.id):
            raise ConfigurationError(f"the id of a survey is 1 to 40 of a-z, 0-9, _ and -, not {self.id!r:.60}")
        self._check_questions()
        self._check_times()
        self._check_numbers()
        if self.anonymous and self.comment:
            raise ConfigurationError(f"survey {self.id!r} is anonymous: a comment could tell who wrote it")
        parts = urlsplit(self.url)
        if parts.scheme not in {"https", "http"} or not parts.netloc or parts.query or parts.fragment:
            raise ConfigurationError(f"survey {self.id!r}: url is the http(s) address of the page, without a query")
        if len(self.url) > MAX_URL or not self.url.endswith("/"):
            raise ConfigurationError(f"survey {self.id!r}: url ends with / and has at most {MAX_URL} characters")

    def _check_questions(self) -> None:
        names = [question.id for question in self.questions]
        if not 1 <= len(names) <= MAX_QUESTIONS or len(set(names)) != len(names):
            raise ConfigurationError(f"survey {self.id!r} needs 1 to {MAX_QUESTIONS} questions with different ids")
        for question in self.questions:
            question.check_locales({*self.locales, self.default_locale})
            if not _KEY.fullmatch(question.id):
                raise ConfigurationError(f"question {question.id!r:.60}: an id is 1 to 40 of a-z, 0-9, _ and -")
        if stray := sorted(set(self.unhappy) - set(names)):
            raise ConfigurationError(f"survey {self.id!r}: unhappy names {stray[0]!r}, which is none of its questions")
        if isinstance(self.version, bool) or not isinstance(self.version, int) or self.version < 1:
            raise ConfigurationError(f"survey {self.id!r}: version is a whole number from 1, not {self.version!r}")

    def _check_times(self) -> None:
        for name in ("delay", "quiet", "quarantine"):
            if getattr(self, name) < dt.timedelta(0):
                raise ConfigurationError(f"survey {self.id!r}: {name} must not be negative")
        if self.quarantine > MAX_QUARANTINE:
            raise ConfigurationError(f"survey {self.id!r}: quarantine is at most {MAX_QUARANTINE.days} days")
        if not MINUTE <= self.expiry <= MAX_EXPIRY:
            raise ConfigurationError(f"survey {self.id!r}: expiry lies between a minute and {MAX_EXPIRY.days} days")
        for name in ("edit_for", "follow_up"):
            value = getattr(self, name)
            if value is not None and value < dt.timedelta(0):
                raise ConfigurationError(f"survey {self.id!r}: {name} must not be negative")
        if self.remind_after is not None and not dt.timedelta(0) < self.remind_after < self.expiry:
            raise ConfigurationError(f"survey {self.id!r}: remind_after lies between sending and expiry")

    def _check_numbers(self) -> None:
        if self.max_per_30_days < 1 or (self.quota is not None and self.quota < 0):
            raise ConfigurationError(f"survey {self.id!r}: max_per_30_days is at least 1 and quota at least 0")
        try:
            rate = float(self.rate)
        except ValueError:
            rate = -1.0
        if isinstance(self.rate, bool) or not 0 <= rate <= 1:
            raise ConfigurationError(f"survey {self.id!r}: rate lies between 0 and 1, not {self.rate!r:.20}")

    def exclusion(self, ticket: Ticket, segment: str | None) -> str | None:
        """Return the id of what keeps a ticket out: `spam`, `mystery`, `test`, `internal`, or an own rule."""
        if ticket.reason is ClosingReason.SPAM:
            return "spam"
        if ticket.source is not None:
            return _SOURCES.get(ticket.source, "internal")
        return next((rule.id for rule in self.exclude if rule.applies(ticket, segment)), None)

    def is_staff(self, address: str) -> bool:
        """Tell whether an address is a colleague's."""
        given = address.strip().casefold()
        return any(
            given.endswith(one.casefold()) if one.startswith("@") else given == one.casefold() for one in self.staff
        )

    def is_unhappy(self, scores: Iterable[Score]) -> bool:
        """Tell whether one of the answers is that of somebody to look after."""
        for score in scores:
            if score.code is None:
                continue
            code = score.code if score.higher_is_better else score.lo + score.hi - score.code
            if code <= self.unhappy.get(score.question, _UNHAPPY.get(score.question, score.lo)):
                return True
        return False

    def language(self, *wanted: str | None) -> str:
        """Return the language to speak: the first wanted one that all questions have, else the default."""
        for locale in wanted:
            if locale is None:
                continue
            parts = locale.replace("_", "-").split("-")
            for end in range(len(parts), 0, -1):
                name = "-".join(parts[:end])
                if name in self.locales:
                    return name
        return self.default_locale
