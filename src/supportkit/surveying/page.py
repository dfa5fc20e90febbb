"""The page of a survey behind any web framework: a request as a value goes in, a response as a value comes out.

Only a POST of a form that this page has shown records an answer. What is refused, for whatever reason, gets one page
with one status, so that nobody learns from it which links there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl

import attrs

from supportkit.drafting import Draft
from supportkit.keys import Keys
from supportkit.model import events as ev
from supportkit.model.people import SYSTEM
from supportkit.model.ticket import Ticket
from supportkit.races import again
from supportkit.surveying.answering import Submitted, record
from supportkit.surveying.book import SurveyUnit, link_by_handle
from supportkit.surveying.nonces import Nonce, fresh, read_nonce
from supportkit.surveys.invitations import SurveyInvitation, invitation_of
from supportkit.surveys.pages import HEADERS, MAX_COMMENT, TRAP, Form, form_page, refusal_page, thanks_page
from supportkit.surveys.phrases import phrase
from supportkit.surveys.questions import read_answers
from supportkit.surveys.settings import Survey
from supportkit.surveys.suspicion import FASTEST_PRESS
from supportkit.surveys.tokens import Claim, read_token
from supportkit.text import clean

if TYPE_CHECKING:
    from supportkit.drafting import News
    from supportkit.runner import Runner
    from supportkit.surveying.surveyor import Surveyor

MAX_BODY: Final = 64 * 1024
"""Bytes of a form; more is not read."""
MAX_PATH: Final = 2_000
PER_LINK: Final = 30
"""Requests for one link within a minute."""
PER_ADDRESS: Final = 120
"""Requests from one address within a minute."""
OLDEST_FORM: Final = dt.timedelta(days=1)
REFUSED: Final = 404
PROBED: Final = "survey.head"
_MANY: Final = 1_000_000
_FIELDS: Final = 50
_METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST")


@attrs.frozen(kw_only=True)
class SurveyRequest:
    """A request for the page, as any framework can give it.

    Attributes:
        method: `GET`, `HEAD`, `OPTIONS` or `POST`.
        path: The path; its last part is the token of the link.
        query: What stands behind the question mark.
        body: The form, as the browser sends it; at most 64 KB are looked at.
        remote: The address of the client, for the limit of requests; it is stored as a keyed hash only.
        login: Who is logged in to the desk in this browser, if anybody is: colleagues cannot answer.
    """

    method: str
    path: str = attrs.field(repr=False)
    query: str = attrs.field(default="", repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    remote: str = attrs.field(default="", repr=False)
    login: str | None = None


@attrs.frozen(kw_only=True)
class SurveyResponse:
    """What to answer with."""

    status: int
    headers: tuple[tuple[str, str], ...] = HEADERS
    body: bytes = attrs.field(default=b"", repr=False)


def refusal() -> SurveyResponse:
    """Return the one answer to whatever is refused."""
    return _shown(refusal_page(), REFUSED)


def handle(runner: Runner, surveyor: Surveyor, request: SurveyRequest) -> SurveyResponse:
    """Answer a request; `Surveys.handle` says how."""
    runner.outside("handle")
    method = request.method.upper()
    if method == "OPTIONS":
        return SurveyResponse(status=204, headers=(("Allow", ", ".join(_METHODS)), *HEADERS[1:]))
    answer = refusal()
    too_long = len(request.body) > MAX_BODY or len(request.path) + len(request.query) > MAX_PATH
    if method in _METHODS and not request.login and not too_long:
        keys, now = surveyor.keys(), runner.clock.now()
        claim = read_token(request.path.rpartition("/")[2], keys.signing, now)
        if claim is not None:
            answer, told = again(partial(_one, runner, surveyor, keys, attrs.evolve(request, method=method), claim))
            runner.tell(told)
    return attrs.evolve(answer, body=b"") if method == "HEAD" else answer


def _shown(page: str, status: int = 200) -> SurveyResponse:
    return SurveyResponse(status=status, body=page.encode("utf-8", "replace"))


@attrs.frozen(kw_only=True)
class _Visit:
    """Somebody with a good link, and what it leads to."""

    runner: Runner
    unit: SurveyUnit
    keys: Keys
    now: dt.datetime
    request: SurveyRequest
    claim: Claim
    survey: Survey
    ticket: Ticket
    invitation: SurveyInvitation

    @property
    def locale(self) -> str:
        """The language of the page: that of the invitation."""
        return self.survey.language(self.invitation.locale)

    def page(
        self,
        *,
        status: int = 200,
        is_prefilled: bool = False,
        note: str | None = None,
        codes: Mapping[str, int | None] | None = None,
        comment: str = "",
        errors: Mapping[str, str] | None = None,
    ) -> SurveyResponse:
        """Return the form with a fresh nonce; without *codes* it shows the answer that is there."""
        answer = self.invitation.answer
        if codes is None and answer is not None:
            codes, comment = answer.codes, answer.comment
        form = Form(
            survey=self.survey,
            locale=self.locale,
            nonce=fresh(self.keys, self.runner.tenant, self.claim.handle, self.now, is_prefilled=is_prefilled),
            codes=codes or {},
            comment=comment,
            errors=errors or {},
            note=note,
            until=None if answer is None else self.invitation.locks_at(self.survey.edit_for),
        )
        return _shown(form_page(form), status)


def _one(
    runner: Runner, surveyor: Surveyor, keys: Keys, request: SurveyRequest, claim: Claim
) -> tuple[SurveyResponse, News]:
    """Answer a request with a good token, in one transaction."""
    with runner.storage.begin(runner.tenant) as opened:
        unit, now = cast("SurveyUnit", opened), runner.clock.now()
        if not _is_within_limits(unit, keys, request, claim, now):
            return refusal(), ()
        link = link_by_handle(unit, claim.handle)
        ticket = None if link is None else unit.get(link.ticket)
        survey = None if link is None else surveyor.surveys.get(link.survey)
        if link is None or ticket is None or survey is None or link.expires_at != claim.expires_at:
            return refusal(), ()
        runner.refresh(unit)
        invitation = invitation_of(unit.history(ticket.id), survey.id, link.resolution)
        if invitation is None or not invitation.takes_answers(now, survey.edit_for):
            return refusal(), ()
        visit = _Visit(
            runner=runner,
            unit=unit,
            keys=keys,
            now=now,
            request=request,
            claim=claim,
            survey=survey,
            ticket=ticket,
            invitation=invitation,
        )
        draft = runner.draft(unit, None, now, now)
        match request.method:
            case "POST":
                answer = _post(visit, draft)
            case "HEAD":
                unit.spend(PROBED, claim.handle, _day(now), _MANY)
                answer = SurveyResponse(status=200)
            case _:
                answer = _get(visit, draft)
        runner.complete(unit, draft)
        unit.save(draft.change(None))
        return answer, draft.told


def _is_within_limits(unit: SurveyUnit, keys: Keys, request: SurveyRequest, claim: Claim, now: dt.datetime) -> bool:
    minute = now.replace(second=0, microsecond=0)
    address = keys.digest("survey.remote", request.remote)[:32]
    return unit.spend("survey.link", claim.handle, minute, PER_LINK) and (
        not request.remote or unit.spend("survey.remote", address, minute, PER_ADDRESS)
    )


def _day(now: dt.datetime) -> dt.datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _get(visit: _Visit, draft: Draft) -> SurveyResponse:
    """Show the page. That it was shown is noted once, as evidence; it changes no answer, count or rate."""
    invitation, query = visit.invitation, dict(parse_qsl(visit.request.query, max_num_fields=_FIELDS))
    is_trap = TRAP in query
    if (is_trap and not invitation.was_trapped) or (not is_trap and invitation.viewed_at is None):
        viewed = ev.SurveyViewed(survey=visit.survey.id, resolution=invitation.resolution, honeypot=is_trap)
        draft.add(visit.ticket.tenant, visit.ticket, visit.ticket.id, (viewed,), actor=SYSTEM)
    is_open = visit.survey.rating_links and invitation.answer is None
    codes = _filled_in(visit.survey, query) if is_open else {}
    return visit.page(is_prefilled=bool(codes), codes=codes or None)


def _filled_in(survey: Survey, query: Mapping[str, str]) -> dict[str, int | None]:
    """Return the choices of a link that can be meant; anything else in it is passed over."""
    found: dict[str, int | None] = {}
    for question in survey.questions:
        if question.id in query:
            try:
                found[question.id] = question.read(query[question.id])
            except ValueError:
                continue
    return found


def _post(visit: _Visit, draft: Draft) -> SurveyResponse:
    """Take an answer, or show the page again: with what is wrong, or because no person can have pressed so fast."""
    try:
        pairs = parse_qsl(visit.request.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:  # more fields than any form of ours has
        return visit.page(note="again")
    form = dict(reversed(pairs))  # of a field that comes twice the first one counts
    nonce = read_nonce(visit.keys, visit.runner.tenant, visit.claim.handle, form.pop("nonce", ""))
    comment = clean(form.pop("comment", "").replace("\r\n", "\n")).strip() if visit.survey.comment else ""
    if not visit.survey.comment:
        form.pop("comment", None)
    answers = read_answers(visit.survey.questions, form)
    codes = dict(answers.codes)
    errors = _errors(visit, {name for name, _error in answers.errors}, codes, comment)
    if errors:
        return visit.page(status=422, codes=codes, comment=comment[:MAX_COMMENT], errors=errors)
    if not _is_fresh(nonce, visit.now):
        return visit.page(note="again", codes=codes, comment=comment)
    if nonce is None or not visit.unit.spend("survey.nonce", nonce.id, _day(nonce.shown_at), 1):
        return visit.page(note="again")  # a form that was sent before records nothing twice
    submitted = Submitted(
        codes=codes,
        comment=comment,
        is_prefilled=nonce.is_prefilled,
        locale=visit.locale,
        was_probed=visit.unit.spent(PROBED, visit.claim.handle, _day(visit.invitation.sent_at or visit.now)) > 0,
    )
    until = record(visit.runner, visit.unit, draft, visit.survey, visit.ticket, visit.invitation, submitted)
    return _shown(thanks_page(visit.locale, until))


def _errors(visit: _Visit, wrong: set[str], codes: Mapping[str, int | None], comment: str) -> dict[str, str]:
    names = {question.id for question in visit.survey.questions}
    found = {name: phrase(visit.locale, "wrong") for name in wrong & names}
    if wrong - names or (not found and all(code is None for code in codes.values())):
        found.setdefault(visit.survey.questions[0].id, phrase(visit.locale, "missing"))
    if len(comment) > MAX_COMMENT:
        found["comment"] = phrase(visit.locale, "long", most=MAX_COMMENT)
    return found


def _is_fresh(nonce: Nonce | None, now: dt.datetime) -> bool:
    return nonce is not None and FASTEST_PRESS <= now - nonce.shown_at <= OLDEST_FORM
