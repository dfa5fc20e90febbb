"""The verbs that change two tickets in one commit: how each one loads its tickets and drafts its events."""

from __future__ import annotations

import attrs

from supportkit.drafting import Draft, Options, Prepare, Ref
from supportkit.engine.pairs import Both, decide_link, decide_merge, decide_split, decide_unlink, decide_unmerge
from supportkit.errors import NotFound
from supportkit.lookup import expect, find, find_both, survivor
from supportkit.model import commands as cm
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner
from supportkit.storage.port import UnitOfWork
from supportkit.withdrawing import withdraw


def merging(runner: Runner, ticket: Ref, into: Ref, options: Options) -> Prepare:
    """Merge *ticket* into the survivor of *into*; the survivor is the result."""

    def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
        source, target = find(unit, ticket), survivor(unit, into)
        expect(source, options)
        runner.ask_plugins(source, draft.command)
        here, there = decide_merge(source, target, runner.rules)
        draft.add(runner.tenant, source, source.id, withdraw(unit, source.id, here))
        return draft.add(runner.tenant, target, target.id, there) or target

    return prepare


def unmerging(runner: Runner, ticket: Ref, options: Options) -> Prepare:
    """Take *ticket* out of its survivor; the ticket is the result."""

    def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
        source = find(unit, ticket)
        expect(source, options)
        kept = source if source.merged_into is None else find(unit, source.merged_into)
        runner.ask_plugins(source, draft.command)
        here, there = decide_unmerge(source, kept)
        draft.add(runner.tenant, kept, kept.id, there)
        return draft.add(runner.tenant, source, source.id, here) or source

    return prepare


def linking(runner: Runner, ticket: Ref, command: cm.AddLink | cm.RemoveLink, other: Ref, options: Options) -> Prepare:
    """Link or unlink two tickets; the first one is the result."""

    def decide_both(one: Ticket, two: Ticket) -> Both:
        if isinstance(command, cm.AddLink):
            return decide_link(one, two, command, runner.rules)
        return decide_unlink(one, two, command)

    def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
        one, two = find_both(unit, ticket, other)
        expect(one, options)
        runner.ask_plugins(one, draft.command)
        here, there = decide_both(one, two)
        draft.add(runner.tenant, two, two.id, there)
        return draft.add(runner.tenant, one, one.id, here) or one

    return prepare


def splitting(runner: Runner, ticket: Ref, command: cm.Split, options: Options) -> Prepare:
    """Move messages into a new ticket; the new one is the result."""

    def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
        source = find(unit, ticket)
        expect(source, options)
        lying_here = {message.id for message in unit.messages([source.id])}
        for message in command.messages:
            if message not in lying_here:
                raise NotFound("message", message)
        runner.ask_plugins(source, command)
        numbered = attrs.evolve(command, number=unit.reserve_number())
        draft.command = numbered
        here, there = decide_split(source, numbered, runner.rules)
        draft.moved = tuple((message, numbered.ticket) for message in numbered.messages)
        draft.add(runner.tenant, source, source.id, here)
        new = draft.add(runner.tenant, None, numbered.ticket, there)
        return new or source

    return prepare


def family(unit: UnitOfWork, ticket: Ticket) -> list[str]:
    """Return the ids of a ticket and of all that was merged into it, over any number of hops."""
    ids, waiting = [ticket.id], [part.ticket for part in ticket.merged]
    while waiting:
        part = unit.get(waiting.pop())
        if part is not None and part.id not in ids:
            ids.append(part.id)
            waiting.extend(piece.ticket for piece in part.merged)
    return ids
