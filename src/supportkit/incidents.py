"""`desk.incidents`: one cause, many tickets; they are answered and resolved together, each exactly once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from typing import Unpack

import attrs

from supportkit.arguments import How, as_actor, as_optional_name, as_options, as_ticket, as_words
from supportkit.drafting import Draft, Options, Ref
from supportkit.engine.decide import decide, refuse
from supportkit.errors import IdempotencyConflict, WorkflowError
from supportkit.lookup import find, linked, survivor
from supportkit.model import commands as cm
from supportkit.model.people import Actor
from supportkit.model.ticket import ClosingReason, LinkKind, StateCategory, Ticket
from supportkit.pairing import linking
from supportkit.runner import Runner
from supportkit.storage.codec import dumps
from supportkit.storage.port import UnitOfWork
from supportkit.withdrawing import withdraw

_OVER = "incident.done"


class Outcome(StrEnum):
    """What became of one ticket in one call."""

    ANSWERED = "answered"
    RESOLVED = "resolved"
    OVER = "over"
    REFUSED = "refused"


@attrs.frozen(kw_only=True)
class TicketOutcome:
    """What became of one ticket.

    Attributes:
        ticket: Its id; of a merged one that of the survivor, which is looked at once.
        number: Its number.
        outcome: `answered` or `resolved`, by this call or by an earlier one with the same key; `over`: it had been
            resolved or closed already, and nothing was done; `refused`: a rule or a plug-in says no.
        code: Of the refusal.
    """

    ticket: str
    number: int
    outcome: Outcome
    code: str = ""


@attrs.frozen(kw_only=True)
class IncidentReport:
    """What one call did.

    Attributes:
        incident: The incident after it.
        tickets: What became of each ticket that was looked at, by number.
        left: How many were not looked at because *stop* said so; call again with the same arguments.
    """

    incident: Ticket
    tickets: tuple[TicketOutcome, ...]
    left: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left and nothing was refused."""
        return self.left == 0 and all(one.outcome is not Outcome.REFUSED for one in self.tickets)


@attrs.frozen(kw_only=True)
class CausedTicket:
    """A ticket of an incident as it stands now; of a merged one the survivor."""

    ticket: str
    number: int
    state: str
    category: StateCategory
    customer: str | None


@attrs.frozen
class Incidents:
    """One incident, many tickets: `add`, `tickets`, `answer`, `resolve`.

    An incident is any ticket that others are linked to as `caused_by`. Each of them is a transaction of its own with an
    idempotency key of its own: after a crash, or where *stop* said so, the same call goes on where it was.
    """

    _runner: Runner

    def add(self, incident: Ref | Ticket, ticket: Ref | Ticket, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Say that a ticket is caused by an incident, and return the ticket.

        Raises:
            TicketNotFound: One of the two is not there.
            Refused: They are one, or linked the other way round.
            LimitExceeded: The incident has 1000 links, or what the limits of the desk allow.
        """
        ref, other, options = as_ticket(ticket), as_ticket(incident), as_options(how)
        command = cm.AddLink(actor=as_actor(actor), kind=LinkKind.CAUSED_BY, other=str(other))
        return self._runner.carry_out(
            command, options, linking(self._runner, ref, command, other, options), subject=ref
        )

    def tickets(self, incident: Ref | Ticket) -> Sequence[CausedTicket]:
        """Return the tickets that an incident caused as they stand now, by number.

        Raises:
            TicketNotFound: There is no such incident.
        """
        with self._runner.reading() as unit:
            return [
                CausedTicket(
                    ticket=one.id, number=one.number, state=one.state, category=one.category, customer=one.customer
                )
                for one in _caused(unit, find(unit, as_ticket(incident)))
            ]

    def answer(
        self,
        incident: Ref | Ticket,
        text: str,
        *,
        actor: Actor | str,
        key: str | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> IncidentReport:
        """Tell every customer of an incident the same, each once; tickets that are over are left alone.

        Args:
            incident: Which one; it gets a note with the words.
            text: What to say.
            actor: Who says it.
            key: What this answer is called. The same words are said once unless they get another key.
            stop: Asked before each ticket: when it says yes, no other one is begun.

        Raises:
            TicketNotFound: There is no such incident.
            IdempotencyConflict: The key stands for other words.
        """
        body = as_words(text, "answer", self._runner.rules.limits.text_bytes)
        by, named = as_actor(actor), as_optional_name(key, "key") or _digest(body)
        self._runner.outside("incidents.answer")
        found = self._found(incident)
        told = cm.AddNote(actor=by, body=body, note=self._new_id())
        options = Options(key=_key(found.id, "note", named, found.id))
        self._runner.run(found.id, told, options)

        def say(ticket: Ticket) -> None:
            command = cm.Reply(actor=by, body=body, message=self._new_id())
            self._carry_out(ticket, (command,), _key(found.id, "answer", named, ticket.id))

        return self._each(found, say, Outcome.ANSWERED, stop)

    def resolve(
        self,
        incident: Ref | Ticket,
        text: str,
        *,
        actor: Actor | str,
        answer: str | None = None,
        reason: ClosingReason | str = ClosingReason.SOLVED,
        key: str | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> IncidentReport:
        """Resolve every ticket of an incident, and at last the incident itself if none is left and none was refused.

        Args:
            incident: Which one.
            text: The resolution.
            actor: Who resolves.
            answer: What each customer is told in the same transaction, besides the notices of the desk.
            reason: Why they end.
            key: What this resolution is called; by default its words. Another one is for when tickets were reopened.
            stop: Asked before each ticket: when it says yes, no other one is begun.

        Raises:
            TicketNotFound: There is no such incident.
            IdempotencyConflict: The key stands for other words.
        """
        allowed = self._runner.rules.limits.text_bytes
        body = as_words(text, "resolution", allowed)
        said = None if answer is None else as_words(answer, "answer", allowed)
        by, named = as_actor(actor), as_optional_name(key, "key") or _digest(body)
        resolve = cm.Resolve(actor=by, text=body, reason=ClosingReason(reason))
        self._runner.outside("incidents.resolve")
        found = self._found(incident)

        def end(ticket: Ticket) -> None:
            commands: tuple[cm.Command, ...] = (resolve,)
            if said is not None:
                commands = (cm.Reply(actor=by, body=said, message=self._new_id()), resolve)
            self._carry_out(ticket, commands, _key(found.id, "resolve", named, ticket.id))

        report = self._each(found, end, Outcome.RESOLVED, stop)
        if not report.is_whole or found.is_done:
            return report
        options = Options(key=_key(found.id, "resolve", named, found.id))
        return attrs.evolve(report, incident=self._runner.run(found.id, resolve, options))

    def _each(
        self,
        incident: Ticket,
        work: Callable[[Ticket], None],
        outcome: Outcome,
        stop: Callable[[], bool] | None,
    ) -> IncidentReport:
        with self._runner.reading() as unit:
            waiting = list(_caused(unit, incident))
        done: list[TicketOutcome] = []
        for ticket in waiting:
            if stop is not None and stop():
                break
            done.append(_tried(ticket, work, outcome))
        return IncidentReport(incident=self._found(incident.id), tickets=tuple(done), left=len(waiting) - len(done))

    def _carry_out(self, ticket: Ticket, commands: Sequence[cm.Command], key: str) -> None:
        """Carry out commands on one ticket as one; the last one is what the key stands for."""
        prepare = partial(self._prepare, named=ticket.id, commands=commands)
        self._runner.carry_out(commands[-1], Options(key=key), prepare, subject=ticket.id)

    def _prepare(self, unit: UnitOfWork, draft: Draft, named: str, commands: Sequence[cm.Command]) -> Ticket:
        runner, ticket = self._runner, survivor(unit, named)
        if ticket.is_done:  # where that was this very call before, its key gives the first result
            raise refuse("incident.done", f"ticket {ticket.number} is {ticket.state} already")
        for command in commands:
            draft.command = command
            events = decide(ticket, command, draft.at, draft.rules, linked(unit, ticket, command))
            if events:
                runner.ask_plugins(ticket, command)
            ticket = draft.add(runner.tenant, ticket, ticket.id, withdraw(unit, ticket.id, events)) or ticket
        draft.join()
        return ticket

    def _found(self, incident: Ref | Ticket) -> Ticket:
        with self._runner.reading() as unit:
            return find(unit, as_ticket(incident))

    def _new_id(self) -> str:
        return self._runner.new_id(self._runner.clock.now())


def _tried(ticket: Ticket, work: Callable[[Ticket], None], outcome: Outcome) -> TicketOutcome:
    code = ""
    try:
        work(ticket)
    except IdempotencyConflict:
        raise
    except WorkflowError as error:
        refusal = getattr(error, "refusal", None)
        code = error.code if refusal is None else refusal.code
        outcome = Outcome.REFUSED
    if code == _OVER:
        outcome, code = Outcome.OVER, ""
    return TicketOutcome(ticket=ticket.id, number=ticket.number, outcome=outcome, code=code)


def _caused(unit: UnitOfWork, incident: Ticket) -> Iterator[Ticket]:
    """Yield the tickets that an incident caused, survivors of merges once, by number; never the incident itself."""
    found = {
        kept.id: kept
        for link in incident.links
        if link.kind is LinkKind.CAUSES
        for kept in (survivor(unit, link.ticket),)
        if kept.id != incident.id
    }
    yield from sorted(found.values(), key=lambda ticket: ticket.number)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _key(incident: str, verb: str, name: str, ticket: str) -> str:
    return f"incident-{_digest(dumps([incident, verb, name, ticket]))}"
