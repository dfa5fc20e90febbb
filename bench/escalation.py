"""P19: looking for the rules that an event is for, with 1,000 rules against 10: what matches counts, not all.

Every rule waits for the breach of one clock on tickets of a topic of its own, so one rule of all matches. Beside it
a whole command that no rule waits for, which has to cost the same with 1,000 rules as with 10.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from bench.harness import Row, at_most, insist, seconds, take_turns
from supportkit import Desk, ManualClock
from supportkit.escalation.rules import EscalationRules
from supportkit.escalation.table import About, Table, Trigger
from supportkit.ids import SequentialIds
from supportkit.model.clocks import Metric
from supportkit.testing.builders import make_ticket

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
FEW, MANY = 10, 1_000
LOOKS, NOTES = 20_000, 150
BAR = 1.5


def run() -> list[Row]:
    """Measure a look in the table, and a command."""
    return [insist(_look_row), insist(_command_row)]


def rules(count: int) -> dict[str, Any]:
    """Return rules that wait for one clock, each for a topic of its own."""
    return {
        "rules": [
            {
                "id": f"rule-{number}",
                "when": {"clock": "FIRST_RESPONSE", "topic": f"topic-{number}"},
                "levels": [{"at": "breach", "actions": [{"tag": "late"}]}],
            }
            for number in range(count)
        ]
    }


def _look_row() -> Row:
    few, many = (Table.of(EscalationRules.from_dict(rules(count))) for count in (FEW, MANY))
    about = About(make_ticket(tags=("topic-7",)))
    trigger = Trigger(("breached", Metric.FIRST_RESPONSE), "FIRST_RESPONSE/1/1", "breached", NOW)
    found = [len(table.matching(trigger, about)) for table in (few, many)]
    if found != [1, 1]:
        raise AssertionError(f"one rule matches, not {found}")
    measured = take_turns(lambda: seconds(_looks(many, trigger, about)), lambda: seconds(_looks(few, trigger, about)))
    return _row(measured, "P19-look", "find the rules of an event among 1,000")


def _looks(table: Table, trigger: Trigger, about: About) -> Callable[[], None]:
    def work() -> None:
        for _ in range(LOOKS):
            table.matching(trigger, about)

    return work


def _command_row() -> Row:
    desks = [Desk(clock=ManualClock(NOW), ids=SequentialIds(), escalations=rules(count)) for count in (FEW, MANY)]
    tickets = [desk.open("it burns", "please", author="customer:ann", tags=["topic-7"]).id for desk in desks]
    few, many = ((desk, ticket) for desk, ticket in zip(desks, tickets, strict=True))
    measured = take_turns(lambda: seconds(_notes(*many)), lambda: seconds(_notes(*few)))
    return _row(measured, "P19-verb", "a command on a desk with 1,000 rules")


def _notes(desk: Desk, ticket: str) -> Callable[[], None]:
    def work() -> None:
        for number in range(NOTES):
            desk.set_priority(ticket, "high" if number % 2 else "low", actor="agent:kim")

    return work


def _row(measured: Any, name: str, work: str) -> Row:
    return at_most(BAR, measured.ratios, spread=measured.spread, id=name, work=work, reference="with 10 rules")
