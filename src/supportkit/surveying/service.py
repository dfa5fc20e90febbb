"""`desk.surveys`: what is asked after a resolution, what became of it, and the page that takes the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack, cast

import attrs

from supportkit.arguments import How, as_actor, as_options, as_text, as_ticket
from supportkit.drafting import Draft, Ref
from supportkit.engine.decide import decide
from supportkit.errors import CapabilityMissing, ConfigurationError, NotFound
from supportkit.lookup import expect, find
from supportkit.model import commands as cm
from supportkit.model.people import Actor
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner
from supportkit.storage.port import MAX_PAGE, Storage, UnitOfWork
from supportkit.surveying.book import ANSWER, AnonymousAnswer, SurveyUnit, read_anonymous
from supportkit.surveying.page import SurveyRequest, SurveyResponse, handle
from supportkit.surveying.surveyor import Surveyor
from supportkit.surveys.invitations import SurveyInvitation, invitations_of
from supportkit.surveys.settings import Survey
from supportkit.surveys.suspicion import Suspicion


def check_survey(surveys: dict[str, Survey], survey: Survey) -> None:
    """Put a survey into *surveys*.

    Raises:
        ConfigurationError: There is another one of this id, or it is none.
    """
    if not isinstance(survey, Survey):
        raise ConfigurationError(f"surveys are `Survey` values, not {type(survey).__name__}")
    if surveys.get(survey.id, survey) != survey:
        raise ConfigurationError(f"there is another survey {survey.id!r} already: one desk, one survey of an id")
    surveys[survey.id] = survey


@attrs.frozen
class Surveys:
    """Surveys of one desk: which there are, what became of each resolution, and the page."""

    _runner: Runner

    def add(self, survey: Survey) -> Survey:
        """Ask with one more survey from now on: in this process; give every process of the desk the same ones.

        Raises:
            ConfigurationError: There is another one of this id.
            CapabilityMissing: The storage cannot keep what surveys need.
        """
        require(self._runner.storage)
        check_survey(self._surveyor.surveys, survey)
        return survey

    def list(self) -> Sequence[Survey]:
        """Return the surveys of this desk, in the order in which they are asked."""
        return tuple(self._surveyor.surveys.values())

    def get(self, survey: str) -> Survey:
        """Return one survey.

        Raises:
            NotFound: There is none with this id.
        """
        found = self._surveyor.surveys.get(survey)
        if found is None:
            raise NotFound("survey", survey)
        return found

    def invitations(self, ticket: Ref | Ticket) -> Sequence[SurveyInvitation]:
        """Return what became of each resolution of a ticket in each survey, in the order of the decisions.

        Each holds the versions of its answer. Links are nowhere in it.
        """
        with self._runner.reading() as unit:
            return invitations_of(unit.history(find(unit, as_ticket(ticket)).id))

    def anonymous(self, survey: str) -> Sequence[AnonymousAnswer]:
        """Return the answers of an anonymous survey; before they are shown by group, ask `surveys.hidden_groups`."""
        return tuple(self._anonymous(survey))

    def _anonymous(self, survey: str) -> Iterator[AnonymousAnswer]:
        require(self._runner.storage)
        after = ""
        with self._runner.reading() as unit:
            while page := cast("SurveyUnit", unit).records(ANSWER, name=survey, after=after):
                yield from map(read_anonymous, page)
                if len(page) < MAX_PAGE:
                    return
                after = page[-1].id

    def clear_flag(
        self,
        ticket: Ref | Ticket,
        survey: str,
        flag: Suspicion | str,
        *,
        actor: Actor | str,
        note: str = "",
        **how: Unpack[How],
    ) -> Ticket:
        """Say that a flag of the last answer of a survey means nothing: the answer counts then. The log says who did.

        Args:
            ticket: Which ticket.
            survey: The id of the survey.
            flag: A `Suspicion`, or its name.
            actor: The agent who looked at it.
            note: Why.

        Raises:
            NotFound: There is no answer with this flag.
            Refused: Only a person may do this.
        """
        command = cm.ClearSurveyFlag(
            actor=as_actor(actor),
            survey=survey,
            flag=Suspicion(flag).value,
            note=as_text(note, "note", self._runner.rules.limits.text_bytes),
        )
        options = as_options(how)

        def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
            found = find(unit, as_ticket(ticket))
            expect(found, options)
            meant = _flagged(invitations_of(unit.history(found.id)), command)
            if meant is None:
                return found
            events = decide(found, meant, draft.at, self._runner.rules)
            self._runner.ask_plugins(found, meant)
            return draft.add(self._runner.tenant, found, found.id, events) or found

        return self._runner.carry_out(command, options, prepare, subject=as_ticket(ticket))

    def handle(self, request: SurveyRequest) -> SurveyResponse:
        """Answer a request for the page of a survey; it belongs to no framework, and raises for nothing in a request.

        GET shows the page, HEAD and OPTIONS show less, and only a POST of the form that the page showed records an
        answer. Everything that is refused gets one and the same page.

        Raises:
            StorageUnavailable: The database cannot be reached; answer with 503.
        """
        require(self._runner.storage)
        return handle(self._runner, self._surveyor, request)

    @property
    def _surveyor(self) -> Surveyor:
        if self._runner.surveyor is None:  # pragma: no cover - a desk always has one
            raise ConfigurationError("this desk has no surveys")
        return self._runner.surveyor


def require(storage: Storage) -> None:
    """Raise `CapabilityMissing` where the storage cannot keep what surveys need."""
    able = storage.capabilities
    for name in ("keeps", "receives"):
        if not getattr(able, name):
            raise CapabilityMissing("the storage", name, "surveys need one that keeps records and budgets")


def _flagged(invitations: Sequence[SurveyInvitation], command: cm.ClearSurveyFlag) -> cm.ClearSurveyFlag | None:
    """Return the command with the answer that it is about; `None` where the flag is cleared already."""
    for one in reversed(invitations):
        answer = one.answer
        if one.survey == command.survey and answer is not None and command.flag in answer.flags:
            if command.flag in answer.cleared:
                return None
            return attrs.evolve(command, resolution=one.resolution, version=answer.version)
    raise NotFound("flagged answer", command.survey)
