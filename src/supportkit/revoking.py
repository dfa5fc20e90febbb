"""Revoking what was signed for a ticket: ids of our mails, answer addresses, subject tags, continuation links."""

from __future__ import annotations

from supportkit.drafting import Draft, Options, Ref
from supportkit.engine.decide import decide
from supportkit.lookup import expect, find, survivor
from supportkit.model import commands as cm
from supportkit.model.people import Actor
from supportkit.model.ticket import Ticket
from supportkit.pairing import family
from supportkit.runner import Runner
from supportkit.storage.port import UnitOfWork


def revoke(runner: Runner, ref: Ref, actor: Actor, options: Options) -> Ticket:
    """Begin a new generation of signatures of a ticket and of all that was merged with it; return the survivor."""
    command = cm.RevokeTokens(actor=actor)

    def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
        ticket = survivor(unit, find(unit, ref).id)
        expect(ticket, options)
        runner.ask_plugins(ticket, command)
        # The merged ones too: their mails lead to the survivor.
        after = ticket
        for one in [find(unit, each) for each in family(unit, ticket)]:
            changed = draft.add(runner.tenant, one, one.id, decide(one, command, draft.at, runner.rules))
            after = changed if one.id == ticket.id and changed is not None else after
        return after

    return runner.carry_out(command, options, prepare, subject=ref)
