"""A plug-in with all three kinds of hooks at work: it refuses, it classifies, it observes.

A plug-in is a module or, as here, an object. `docs/plugins/first-plugin.md` shows how to install one as a package.
"""

from __future__ import annotations

from collections import Counter

import attrs

from supportkit import Classification, Customer, Desk, Priority, Refusal, Refused, Ticket, hookimpl
from supportkit.model.commands import Command, Open, PairCommand, Resolve
from supportkit.model.events import Recorded


@attrs.define
class HouseRules:
    """Money goes to the billing team, urgent tickets need an owner, and every event is counted."""

    seen: Counter[str] = attrs.field(factory=Counter)

    @hookimpl
    def supportkit_classify(self, command: Open, customer: Customer | None) -> Classification | None:
        """Sort new tickets by their subject; gold customers come first."""
        gold = customer is not None and customer.segment == "gold"
        if "invoice" not in command.subject.casefold():
            return Classification(priority=Priority.HIGH) if gold else None
        return Classification(team="billing", tags=("money",), priority=Priority.URGENT if gold else None)

    @hookimpl
    def supportkit_refuse(self, ticket: Ticket | None, command: Command | PairCommand) -> Refusal | None:
        """Refuse to resolve an urgent ticket that nobody owns."""
        if ticket is None or not isinstance(command, Resolve):
            return None
        if ticket.priority is Priority.URGENT and ticket.assignee is None:
            return Refusal("house.no_owner", "Urgent tickets need an owner: assign it first.")
        return None

    @hookimpl
    def supportkit_event_recorded(self, recorded: Recorded) -> None:
        """Count events; a hook may leave out arguments that it does not need."""
        self.seen[type(recorded.event).__name__] += 1


def main() -> None:
    """Run one ticket through the plug-in."""
    rules = HouseRules()
    with Desk("sqlite://", plugins=[rules]) as desk:
        ann = desk.customers.add("Ann", segment="gold")
        ticket = desk.open("Invoice 1017", "It is too high.", customer=ann.id)
        print(f"classified: team {ticket.team}, priority {ticket.priority.name}, tags {', '.join(ticket.tags)}")
        try:
            desk.resolve(ticket.id, "Corrected.", actor="agent:kim")
        except Refused as error:
            print(f"refused:    {error.refusal.code}: {error.refusal.sentence}")
        desk.assign(ticket.id, assignee="kim", actor="agent:kim")
        print(f"allowed:    {desk.resolve(ticket.id, 'Corrected.', actor='agent:kim').state}")
        print(f"observed:   {dict(rules.seen)}")


if __name__ == "__main__":
    main()
