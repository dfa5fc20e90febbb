"""The verbs of `desk.escalations` and `desk.regulation`: signals, who has taken note, and why rules fired or not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Unpack

import attrs

from supportkit.arguments import How, as_actor, as_options, as_ticket
from supportkit.drafting import Draft, Ref, read_clocks
from supportkit.engine.decide import decide
from supportkit.engine.rules import Rules
from supportkit.errors import InvalidEscalation
from supportkit.escalation.explain import Explanation, Upcoming, explain
from supportkit.escalation.findings import Finding
from supportkit.escalation.handover import Handover, handovers
from supportkit.escalation.lint import lint
from supportkit.escalation.reading import identifier
from supportkit.escalation.regulation import Duties, Responsible
from supportkit.escalation.rules import BREACH, EscalationRules
from supportkit.escalation.table import About, Table
from supportkit.lookup import expect, find, person
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.clocks import Metric
from supportkit.model.people import Actor
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner
from supportkit.sla import upcoming
from supportkit.sla.lint import Severity
from supportkit.sla.thresholds import BREACH as WHOLE
from supportkit.storage.port import UnitOfWork
from supportkit.text import clean

_NO_RULES = Table.of(EscalationRules())
MAX_INSTANCE = 64


@attrs.frozen
class Escalations:
    """The escalation rules of a desk at work."""

    _runner: Runner

    @property
    def rules(self) -> EscalationRules:
        """The rules that hold."""
        return self._table.escalations

    @property
    def _table(self) -> Table:
        return self._runner.rules.escalations or _NO_RULES

    def lint(self) -> list[Finding]:
        """Return what is unwise about lines and rules; what is wrong was refused when the desk was made."""
        return findings(self._runner.rules)

    def explain(self, ticket: Ref | Ticket) -> tuple[Explanation, ...]:
        """Say of each level of each rule why it fired on a ticket, or did not.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        runner = self._runner
        with runner.reading() as unit:
            runner.refresh(unit)
            found = find(unit, as_ticket(ticket))
            log = unit.history(found.id)
            customer = None if found.customer is None else person(unit, found.customer)
        about = About(found, lambda: None if customer is None else customer.segment)
        return explain(self._table, about, log, _upcoming(runner, found))

    def handovers(self, ticket: Ref | Ticket) -> tuple[Handover, ...]:
        """Return the hand-overs of a ticket, the newest first: what whoever takes it reads first.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        with self._runner.reading() as unit:
            found = find(unit, as_ticket(ticket))
            return handovers(unit.history(found.id), self._runner.rules.tiers)

    def signal(
        self, ticket: Ref | Ticket, signal: str, *, actor: Actor | str, instance: str = "", **how: Unpack[How]
    ) -> Ticket:
        """Say that something happened that rules may wait for, such as `detractor` for an answer to a survey.

        Args:
            ticket: On which ticket.
            signal: Its name, as rules have it in `when.signal`.
            actor: Who says so.
            instance: Tells several of one name apart, such as the id of the answer; rules fire once for each.
        """
        told = clean(instance, "instance")
        if len(told) > MAX_INSTANCE:
            raise ValueError(f"instance has at most {MAX_INSTANCE} characters, not {len(told)}")
        command = cm.RaiseSignal(actor=as_actor(actor), signal=identifier(signal, "signal"), instance=told)
        return self._runner.run(as_ticket(ticket), command, as_options(how))

    def acknowledge(self, ticket: Ref | Ticket, rule: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Take note of what a rule said last on a ticket: its later levels stay silent for that instance.

        Raises:
            Refused: The rule has not fired on this ticket.
        """
        runner, options, ref = self._runner, as_options(how), as_ticket(ticket)
        given = cm.AcknowledgeEscalation(actor=as_actor(actor), rule=identifier(rule, "rule"))

        def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
            found = find(unit, ref)
            expect(found, options)
            command = attrs.evolve(given, instance=_last_instance(unit, found, given.rule))
            draft.command = command
            events = decide(found, command, draft.at, runner.rules)
            runner.ask_plugins(found, command)
            return draft.add(runner.tenant, found, found.id, events) or found

        return runner.carry_out(given, options, prepare, subject=ref)


@attrs.frozen
class Regulation:
    """Who is responsible for which topic on a desk."""

    _runner: Runner

    @property
    def table(self) -> Duties:
        """The table that holds."""
        return self._runner.rules.regulation or Duties()

    def responsible(self, ticket: Ref | Ticket, *, away: Collection[str] = ()) -> Responsible | None:
        """Return who is responsible for a ticket while some people are *away*; `None` where no row is about it.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        with self._runner.reading() as unit:
            return self.table.responsible(find(unit, as_ticket(ticket)), away=away)

    def lint(self, *, people: Collection[str] | None = None, topics: Iterable[str] = ()) -> list[Finding]:
        """Return what is wrong with the table: topics without owner, owners without deputy, circles, people who left.

        Args:
            people: Who works here now; without it nobody is taken for gone.
            topics: Topics that tickets have; those that rules ask for are looked at in any case.
        """
        rules = self._runner.rules
        asked = {
            topic
            for rule in (rules.escalations or _NO_RULES).escalations.rules
            for topic in dict(rule.when.filters).get("topic", ())
        }
        return self.table.lint(people=people, tiers=rules.tiers, topics=asked | set(topics))


def findings(rules: Rules) -> list[Finding]:
    """Return what the linter finds in the lines and rules of a desk."""
    table = rules.escalations or _NO_RULES
    return lint(
        table.escalations,
        rules.tiers,
        rules.promises.current,
        regulation=rules.regulation,
        vendors=rules.vendors.values(),
    )


def checked(rules: Rules) -> Rules:
    """Return *rules* if nothing is wrong with their lines and rules.

    Raises:
        InvalidEscalation: The linter finds an error.
    """
    wrong = [one for one in findings(rules) if one.severity is Severity.ERROR]
    if wrong:
        raise InvalidEscalation("; ".join(f"{one.code}, {one.where}: {one.sentence}" for one in wrong))
    return rules


def _last_instance(unit: UnitOfWork, ticket: Ticket, rule: str) -> str | None:
    """Return for which clock, visit or exchange a rule fired last."""
    fired = (one.event for one in reversed(unit.history(ticket.id)) if isinstance(one.event, ev.EscalationFired))
    return next((event.instance for event in fired if event.rule == rule), None)


def _upcoming(runner: Runner, ticket: Ticket) -> Upcoming:
    """Return when the clocks of a ticket will reach which points, the first one of each."""
    promises = runner.rules.promises
    kept = read_clocks(ticket, promises)
    found: dict[tuple[Metric, str], dt.datetime] = {}
    for due in () if kept is None else upcoming(kept.snapshot, promises.rules):
        point = BREACH if due.threshold == WHOLE or due.threshold.startswith("override") else due.threshold
        found.setdefault((due.metric, point), due.instant)
    return found
