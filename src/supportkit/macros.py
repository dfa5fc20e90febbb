"""`desk.macros`: several commands under one name, carried out as one: all of them or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import attrs

from supportkit.arguments import How, as_actor, as_name, as_options, as_ticket
from supportkit.drafting import Draft, Ref
from supportkit.engine.decide import decide
from supportkit.engine.rules import Rules
from supportkit.errors import ConcurrentUpdate, InvalidMacro, LimitExceeded, MacroRefused, NotFound, WorkflowError
from supportkit.lookup import expect, find, linked
from supportkit.macro import Macro
from supportkit.model import commands as cm
from supportkit.model.change import Change
from supportkit.model.events import Recorded
from supportkit.model.people import Actor
from supportkit.model.record import Record, RecordChange
from supportkit.model.ticket import Ticket
from supportkit.records import Records, keeping
from supportkit.runner import Runner
from supportkit.storage.codec import dumps, loads
from supportkit.storage.keeping import KeepingUnit
from supportkit.storage.port import UnitOfWork
from supportkit.withdrawing import withdraw

MACRO = "macro"
"""Kind of the records."""
MAX_MACROS = 500


@attrs.frozen
class Macros:
    """Commands under one name: `save`, `get`, `list`, `remove`, `preview`, `apply`."""

    _runner: Runner

    def save(self, macro: Macro | Mapping[str, Any], *, expected_version: int | None = None) -> Macro:
        """Keep a macro under its name, in place of the one that had it, and return it with its version.

        Args:
            macro: A value, or a table such as `{"name": "refund", "steps": [{"do": "tag", "add": ["refund"]}]}`.
            expected_version: The version that it replaces, 0 for none.

        Raises:
            InvalidMacro: A step is unknown or malformed, or names a channel or support line that this desk lacks.
            ConcurrentUpdate: The macro is not at *expected_version*.
            LimitExceeded: The desk has 500 macros.
            CapabilityMissing: The storage keeps no records.
        """
        known = Macro.from_dict(macro.to_dict() if isinstance(macro, Macro) else macro)
        _check(known, self._runner.rules)

        def once(unit: KeepingUnit) -> Macro:
            before = unit.record(MACRO, known.name)
            version = 0 if before is None else before.version
            if expected_version not in {None, version}:
                raise ConcurrentUpdate(
                    "", version, f"the macro {known.name!r} is at version {version}, not {expected_version}"
                )
            if before is None and len(unit.records(MACRO, limit=MAX_MACROS)) >= MAX_MACROS:
                raise LimitExceeded("macros of a desk", MAX_MACROS, MAX_MACROS + 1)
            record = attrs.evolve(self._records.new(known.name, dumps(known.to_dict())), version=version + 1)
            if before is not None and before.data == record.data:
                return _macro(before)
            unit.save(Change(records=(RecordChange(record=record),)))
            return _macro(record)

        return self._records.in_one(once)

    def get(self, name: str) -> Macro:
        """Return a macro.

        Raises:
            NotFound: There is none of this name.
        """
        return _macro(self._records.get(as_name(name, "name of a macro")))

    def list(self) -> Sequence[Macro]:
        """Return all macros by name."""
        return [_macro(record) for record in self._records.all()]

    def remove(self, name: str) -> Macro:
        """Forget a macro, and return it as it was; what it did stays done.

        Raises:
            NotFound: There is none of this name.
        """
        return _macro(self._records.remove(as_name(name, "name of a macro")))

    def apply(self, ticket: Ref | Ticket, name: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Carry out the steps of a macro on a ticket in one transaction, and return the ticket.

        Each step is decided on the ticket as the one before left it. The log has `MacroApplied` first, then what the
        steps did, all by *actor*; customers get what they would get from the single verbs.

        Raises:
            TicketNotFound: There is no such ticket.
            NotFound: There is no such macro.
            MacroRefused: A step is not possible; nothing was done.
        """
        command = cm.ApplyMacro(actor=as_actor(actor), macro=as_name(name, "name of a macro"))
        options, ref = as_options(how), as_ticket(ticket)

        def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
            found = find(unit, ref)
            expect(found, options)
            after = carry_out_macro(self._runner, unit, draft, found, command)
            draft.join()
            return after

        return self._runner.carry_out(command, options, prepare, subject=ref)

    def preview(self, ticket: Ref | Ticket, name: str, *, actor: Actor | str) -> Sequence[Recorded]:
        """Return the events that `apply` would write on the ticket now, and write nothing.

        Notices and surveys that follow from them are not among them, nor deliveries that they would cancel.

        Raises:
            MacroRefused: A step would not be possible.
        """
        command = cm.ApplyMacro(actor=as_actor(actor), macro=as_name(name, "name of a macro"))
        now = self._runner.clock.now()
        with self._runner.reading() as unit:
            draft = self._runner.draft(unit, command, now, now)
            found = find(unit, as_ticket(ticket))
            carry_out_macro(self._runner, unit, draft, found, command, is_dry=True)
        return [recorded for change in draft.changes for recorded in change.events]

    @property
    def _records(self) -> Records:
        return Records(self._runner, MACRO)


def carry_out_macro(
    runner: Runner, unit: UnitOfWork, draft: Draft, ticket: Ticket, command: cm.ApplyMacro, *, is_dry: bool = False
) -> Ticket:
    """Draft the steps of a macro on a ticket, and return the ticket after them.

    Raises:
        MacroRefused: A step is not possible.
    """
    record = keeping(unit, runner).record(MACRO, command.macro)
    if record is None:
        raise NotFound("macro", command.macro)
    macro = _macro(record)
    steps: list[cm.Command] = [attrs.evolve(command, version=macro.version)]
    steps += [step.command(command.actor, draft.at, lambda: runner.new_id(draft.now)) for step in macro.steps]
    for number, one in enumerate(steps):
        try:
            draft.command = one
            events = decide(ticket, one, draft.at, draft.rules, linked(unit, ticket, one))
            if events:
                runner.ask_plugins(ticket, one)
        except WorkflowError as error:
            do = macro.steps[number - 1].do if number else "begin"
            raise MacroRefused(macro.name, number, do, error) from error
        if not is_dry:
            events = withdraw(unit, ticket.id, events)
        ticket = draft.add(runner.tenant, ticket, ticket.id, events) or ticket
    return ticket


def _check(macro: Macro, rules: Rules) -> None:
    """Refuse steps that this desk could never carry out."""
    for number, step in enumerate(macro.steps, 1):
        channel = step.values.get("channel")
        if channel is not None and channel not in rules.sends:
            has = ", ".join(sorted(rules.sends)) or "none"
            raise InvalidMacro(macro.name, number, f"no channel {channel!r:.80} that sends; there are: {has}")
        if step.do == "move_tier" and step.values["to"] not in rules.levels:
            has = ", ".join(map(str, sorted(rules.levels)))
            raise InvalidMacro(macro.name, number, f"no support line {step.values['to']}; there are: {has}")


def _macro(record: Record) -> Macro:
    return Macro.from_dict(loads(record.data), version=record.version)
