"""Escalation in the transaction of its cause: each level that is due fires once, and what it does is written at once.

`escalate` looks over what a draft adds to the log of one ticket, and over what its own actions add to it in turn. That
a level fires once whatever the workers do is held by the `firing` rows, unique by tenant, ticket and id.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, assert_never

import attrs

from supportkit.clock import MICROSECOND
from supportkit.engine.decide import decide
from supportkit.engine.escalating import (
    IDLE,
    MAX_DEPTH,
    MAX_TIMES,
    STAY,
    command_of,
    is_activity,
    is_from_customer,
    line_at,
    people_of,
    stays_due,
    triggers_of,
    unanswered,
)
from supportkit.engine.evolve import evolve
from supportkit.engine.telling import LATE_AFTER
from supportkit.errors import Refused, WorkflowError
from supportkit.escalation.actions import (
    Action,
    AddTags,
    AssignTo,
    CallHook,
    MoveTo,
    Notify,
    Raise,
    RunMacro,
    RunSteps,
    word_of,
)
from supportkit.escalation.rules import EscalationRule, EscalationRules
from supportkit.escalation.table import About, Table, Trigger, Wait, spoken
from supportkit.lifecycle import Refusal
from supportkit.macro import Macro, Step
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.change import Firing, Timer
from supportkit.model.events import Event, Recorded
from supportkit.model.message import MessageKind
from supportkit.model.people import SYSTEM
from supportkit.model.ticket import Ticket
from supportkit.sla.terms import write_duration
from supportkit.storage.codec import loads
from supportkit.withdrawing import withdraw

if TYPE_CHECKING:
    from supportkit.drafting import Draft, Page

_NO_RULES = Table.of(EscalationRules())
_DONE = "ticket.done"
"""Why a rule does not move or assign a ticket that is finished; it still tells people."""
_UNANSWERABLE = "automation.unanswerable"
"""Why a rule does not answer: what came in is bulk mail, a bounce or the like."""
_NO_MACRO = "automation.macro"
"""Why a rule carries out nothing: no macro is saved under its name."""
_MOVED = "ticket.moved"
"""Why a rule that waits for time in a line does not move a ticket that has left that line meanwhile."""


def firing_id(rule: str, level: int, instance: str) -> str:
    """Return under which id a level fires for an instance."""
    return f"rule/{rule}/{level}/{instance}"


def _acknowledged_id(rule: str, instance: str) -> str:
    return f"seen/{rule}/{instance}"


class Escalating:
    """The escalations of one ticket while a command, or time alone, is written down."""

    def __init__(self, draft: Draft, page: Page) -> None:
        self._draft, self._page = draft, page
        self._table = draft.rules.escalations or _NO_RULES
        self._looked = 0
        self._depths: dict[int, int] = {}
        self._fired: set[str] | None = None
        self._is_dry = False

    def run(self, extra: Trigger | None = None) -> None:
        """Look at everything that was written since the last call, and at *extra*; carry out what is due."""
        start = self._looked
        if extra is not None:
            self._set_going(extra)
        while self._looked < len(self._page.log):
            recorded = self._page.log[self._looked]
            self._looked += 1
            self._look(recorded)
        self._wait_idle(self._page.log[start:])

    @property
    def _ticket(self) -> Ticket:
        after = self._page.after
        assert after is not None  # noqa: S101 - nothing is looked at before the first event
        return after

    @property
    def _known(self) -> set[str]:
        """What fired before on this ticket; read when something is about to fire."""
        if self._fired is None:
            self._fired = self._draft.fired(self._page.ticket)
        return self._fired

    # -- what has happened -------------------------------------------------------------------------------------------

    def _look(self, recorded: Recorded) -> None:
        event, depth = recorded.event, self._depths.get(recorded.seq, 0)
        if isinstance(event, ev.EscalationAcknowledged):
            self._note(_acknowledged_id(event.rule, event.instance), recorded.seq)
        if isinstance(event, ev.TicketOpened | ev.TierMoved):
            self._wait_in_line(recorded)
        if isinstance(event, ev.TicketOpened | ev.TagsChanged | ev.FieldsChanged):
            self._find_responsible()
        for trigger in triggers_of(recorded, self._ticket, self._draft.rules, depth):
            self._set_going(trigger)
        if is_from_customer(event):
            self._listen(recorded)

    def _wait_in_line(self, recorded: Recorded) -> None:
        """Set a deadline for each span in this line after which a rule wants to look."""
        event = recorded.event
        tier = event.tier if isinstance(event, ev.TicketOpened) else self._ticket.tier
        spans = self._table.spans(tier)
        if not spans:
            return
        for span, due in stays_due(spans, recorded.occurred_at, tier, self._draft.rules).items():
            self._draft.rows.timers.append(
                Timer(
                    tenant=recorded.tenant,
                    ticket=recorded.ticket,
                    name=STAY,
                    instance=f"{recorded.seq}/{span}",
                    due_at=due,
                )
            )

    def _wait_idle(self, log: list[Recorded]) -> None:
        """Set the deadlines anew after which rules want to know that nobody did anything any more."""
        last = next((one for one in reversed(log) if is_activity(one)), None) if self._table.idles else None
        if last is None:
            return
        for span in sorted(self._table.idles):
            self._draft.rows.timers.append(
                Timer(
                    tenant=last.tenant,
                    ticket=last.ticket,
                    name=IDLE,
                    instance=str(span // MICROSECOND),
                    due_at=last.occurred_at + span,
                )
            )

    def _find_responsible(self) -> None:
        """Give a ticket that nobody has to the team that the regulation names for its topic."""
        ticket, regulation = self._ticket, self._draft.rules.regulation
        if regulation is None or ticket.team is not None or ticket.assignee is not None:
            return
        duty = regulation.duty_of(ticket)
        if duty is not None and duty.team is not None:
            self._page.enter(ev.Assigned(team=duty.team, assignee=None), self._draft.at, SYSTEM)

    def _listen(self, recorded: Recorded) -> None:
        """Let rules look at a message, count those without an answer, and look for keywords where a rule wants it."""
        self._set_going(
            Trigger(("received",), f"received/{recorded.seq}", "a message of the customer", recorded.occurred_at)
        )
        if self._table.counts_unanswered:
            log = self._draft.history_of(self._page)
            count, first = unanswered(one for one in log if one.seq <= recorded.seq)
            self._set_going(
                Trigger(
                    ("unanswered", count),
                    f"unanswered/{first}",
                    f"{count} messages of the customer without an answer",
                    recorded.occurred_at,
                )
            )
        command = self._draft.command
        if self._table.reads_messages and isinstance(command, cm.Open | cm.Receive):
            subject = command.subject if isinstance(command, cm.Open) else ""
            self._set_going(
                Trigger(
                    ("said",),
                    f"message/{recorded.seq}",
                    "a keyword in a message of the customer",
                    recorded.occurred_at,
                    text=spoken(subject, command.body or ""),
                )
            )

    # -- what is due -------------------------------------------------------------------------------------------------

    def _set_going(self, trigger: Trigger) -> None:
        if trigger.key[0] != "said" and not self._table.waits_for(trigger.key):
            return
        ticket = self._ticket
        if ticket.merged_into is not None:
            return
        if trigger.line is not None and trigger.line != ticket.tier:  # it has left since, and the rule asks about then
            ticket = attrs.evolve(ticket, tier=trigger.line)
        for wait in self._table.matching(trigger, About(ticket, self._segment)):
            self._fire(wait, trigger)

    def _segment(self) -> str | None:
        customer = self._ticket.customer
        if customer is None:
            return None
        new = (one for one in reversed(self._draft.received.customers) if one.id == customer)
        person = next(new, None) or self._draft.unit.customer(customer)
        return None if person is None else person.segment

    def _fire(self, wait: Wait, trigger: Trigger) -> None:
        """Fire a level, unless it has fired for this instance, somebody has taken note, or it goes in a circle."""
        rule, number = wait.rule.id, wait.number
        own = firing_id(rule, number, trigger.instance)
        if own in self._known or _acknowledged_id(rule, trigger.instance) in self._known:
            return
        times = sum(1 for one in self._known if one.startswith(firing_id(rule, number, "")))
        if trigger.depth >= MAX_DEPTH or times >= MAX_TIMES:
            self._stop(wait, trigger, own, is_deep=trigger.depth >= MAX_DEPTH)
            return
        fired = ev.EscalationFired(
            rule=rule, level=number, instance=trigger.instance, why=trigger.why, late=trigger.late
        )
        self._note(own, self._page.write(fired, trigger.at, SYSTEM).seq)
        start = len(self._page.log)
        for action in wait.level.actions:
            self._do(wait, action, trigger)
        for recorded in self._page.log[start:]:
            self._depths[recorded.seq] = trigger.depth + 1

    def _stop(self, wait: Wait, trigger: Trigger, own: str, *, is_deep: bool) -> None:
        """Write down once that a level was stopped; for a circle over time once a ticket."""
        rule, number = wait.rule.id, wait.number
        mark = own if is_deep else f"stop/{rule}/{number}"
        if mark in self._known:
            return
        why = f"{MAX_DEPTH} escalations led to each other" if is_deep else f"it fired {MAX_TIMES} times on this ticket"
        stopped = ev.EscalationStopped(rule=rule, level=number, instance=trigger.instance, why=why)
        self._note(mark, self._page.write(stopped, self._draft.at, SYSTEM).seq)

    def _note(self, firing: str, seq: int) -> None:
        if firing in self._known:
            return
        self._known.add(firing)
        page = self._page
        self._draft.rows.firings.append(Firing(tenant=page.tenant, ticket=page.ticket, id=firing, seq=seq))

    # -- what is done ------------------------------------------------------------------------------------------------

    def _do(self, wait: Wait, action: Action, trigger: Trigger) -> None:
        match action:
            case Notify():
                self._notify(wait, action, trigger)
            case CallHook():
                event = ev.HookDue(rule=wait.rule.id, level=wait.number, hook=action.name)
                self._page.write(event, self._draft.at, SYSTEM)
            case MoveTo() | AssignTo() | Raise() | AddTags():
                self._change(wait, action, trigger)
            case RunSteps() | RunMacro():
                self._run_steps(wait, action)
            case _:
                assert_never(action)

    def preview(self, rule: EscalationRule, number: int) -> list[Recorded]:
        """Carry out the actions of a level, for a draft that nobody saves; return what they write."""
        self._is_dry = True
        start, now = len(self._page.log), self._draft.at
        trigger = Trigger(("preview",), "preview", "a preview", now)
        for action in rule.levels[number - 1].actions:
            self._do(Wait(rule, number, rule.levels[number - 1]), action, trigger)
        return self._page.log[start:]

    def _run_steps(self, wait: Wait, action: RunSteps | RunMacro) -> None:
        """Carry out commands as one: where one of them is not possible none is done, and the log says why."""
        applied: tuple[Event, ...] = ()
        if isinstance(action, RunMacro):
            macro = self._macro(action.name)
            if macro is None:
                self._refused(wait, action, _NO_MACRO)
                return
            steps, applied = macro.steps, (ev.MacroApplied(macro=macro.name, version=macro.version),)
        else:
            steps = action.steps
        try:
            plan = self._planned(steps)
        except WorkflowError as error:
            refusal = getattr(error, "refusal", None)
            self._refused(wait, action, error.code if refusal is None else refusal.code)
            return
        for event in applied:
            self._page.write(event, self._draft.at, SYSTEM)
        for command, events in plan:
            done = events if self._is_dry else withdraw(self._draft.unit, self._page.ticket, events)
            for event in done:
                self._page.said[self._ticket.version + 1] = command
                self._page.enter(event, self._draft.at, SYSTEM)

    def _macro(self, name: str) -> Macro | None:
        find = getattr(self._draft.unit, "record", None)  # a storage that keeps no records has no macros
        record = None if find is None else find("macro", name)
        return None if record is None else Macro.from_dict(loads(record.data), version=record.version)

    def _planned(self, steps: tuple[Step, ...]) -> list[tuple[cm.Command, tuple[Event, ...]]]:
        """Return the events of each step, decided on the ticket as the steps before it leave it.

        Raises:
            WorkflowError: A step is not possible, or must not be done by itself.
        """
        from supportkit.lookup import linked

        draft, ticket = self._draft, self._ticket
        plan: list[tuple[cm.Command, tuple[Event, ...]]] = []
        for number, step in enumerate(steps, 1):
            named = f"{draft.command_id}.{self._ticket.version + 1}.{number}"
            command = step.command(SYSTEM, draft.at, lambda named=named: named)  # type: ignore[misc]
            if isinstance(command, cm.Reply | cm.Ask) and draft.received.unanswerable is not None:
                raise Refused(Refusal(_UNANSWERABLE, "Nothing may answer this message by itself."))
            if isinstance(command, cm.Reply):
                command = attrs.evolve(command, kind=MessageKind.AUTO)
            events = decide(ticket, command, draft.at, draft.rules, linked(draft.unit, ticket, command))
            if isinstance(command, cm.Reply):  # what the desk says by itself is no start of the work
                events = tuple(one for one in events if isinstance(one, ev.ReplyAdded))
            objection = draft.objection(ticket, command) if events else None
            if objection is not None:
                raise Refused(objection)
            for event in events:
                ticket = evolve(ticket, self._imagined(ticket, event))
            plan.append((command, events))
        return plan

    def _imagined(self, ticket: Ticket, event: Event) -> Recorded:
        draft = self._draft
        return Recorded(
            tenant=ticket.tenant,
            ticket=ticket.id,
            seq=ticket.version + 1,
            occurred_at=draft.at,
            recorded_at=draft.now,
            actor=SYSTEM,
            event=event,
            command=draft.command_id,
        )

    def _notify(self, wait: Wait, action: Notify, trigger: Trigger) -> None:
        people = people_of(action, self._ticket, self._draft.rules)
        if not people:
            self._refused(wait, action, "escalation.nobody")
            return
        text = f"Escalation {wait.rule.id}, level {wait.number}: {trigger.why}"
        note = f"{self._draft.command_id}.{self._ticket.version + 1}"
        told = ev.ColleaguesNotified(rule=wait.rule.id, level=wait.number, people=people, note=note, text=text)
        self._page.write(told, self._draft.at, SYSTEM)

    def _change(self, wait: Wait, action: MoveTo | AssignTo | Raise | AddTags, trigger: Trigger) -> None:
        ticket, rules = self._ticket, self._draft.rules
        if ticket.is_done and isinstance(action, MoveTo | AssignTo):
            self._refused(wait, action, _DONE)
            return
        if trigger.line not in {None, ticket.tier} and isinstance(action, MoveTo):
            self._refused(wait, action, _MOVED)
            return
        why = f"{wait.rule.id}, level {wait.number}: {trigger.why}"
        command = command_of(action, ticket, rules, why)
        if command is None:
            return
        try:
            events: tuple[Event, ...] = decide(ticket, command, self._draft.at, rules)
        except WorkflowError as error:
            refusal = getattr(error, "refusal", None)
            self._refused(wait, action, error.code if refusal is None else refusal.code)
            return
        objection = self._draft.objection(ticket, command) if events else None
        if objection is not None:
            self._refused(wait, action, objection.code)
            return
        for event in events:
            self._page.enter(event, self._draft.at, SYSTEM)

    def _refused(self, wait: Wait, action: Action, code: str) -> None:
        refused = ev.EscalationRefused(rule=wait.rule.id, level=wait.number, action=word_of(action), code=code)
        self._page.write(refused, self._draft.at, SYSTEM)


def stayed(timer: Timer, log: list[Recorded], now: dt.datetime) -> Trigger | None:
    """Return what a deadline of a stay means; `None` where the ticket had left the line by then, or was finished.

    What came after it changes nothing: a deadline that is found late is told late, in whatever order they are found.
    """
    seq, _, span = timer.instance.partition("/")
    if timer.due_at is None or not (seq.isdigit() and span.isdigit()):
        return None
    line = line_at(log, int(seq), timer.due_at)
    if line is None:
        return None
    length = dt.timedelta(microseconds=int(span))
    return Trigger(
        ("stayed", int(span)),
        f"line/{seq}",
        f"{write_duration(length)} of open time in line {line}",
        timer.due_at,
        now - timer.due_at > LATE_AFTER,
        line=line,
    )


def idled(timer: Timer, log: list[Recorded], now: dt.datetime) -> Trigger | None:
    """Return what a deadline of idleness means; `None` where somebody did something meanwhile."""
    last = next((one for one in reversed(log) if is_activity(one)), None)
    if timer.due_at is None or last is None or not timer.instance.isdigit():
        return None
    length = dt.timedelta(microseconds=int(timer.instance))
    if last.occurred_at + length > timer.due_at:
        return None
    why = f"nobody did anything for {write_duration(length)}"
    late = now - timer.due_at > LATE_AFTER
    return Trigger(("idle", int(timer.instance)), f"idle/{last.seq}", why, timer.due_at, late)
