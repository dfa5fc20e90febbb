"""P4: one lifecycle step by the compiled table, against a shared `transitions` machine that is driven with a cursor.

Both sides walk the same tickets through the same triggers. With guards, each step of ours is `check` and `step`, each
step of theirs has the same function as a condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transitions import Machine

from bench.harness import Row, at_least, insist, seconds, take_turns
from supportkit.lifecycle import BUILT_IN, Lifecycle, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 9
WALKS = 400
# Back to "new" is not possible, so a walk starts there and visits every trigger.
WALK = (
    "customer_replied", "start", "ask", "customer_replied", "hold", "customer_replied", "resume", "resolve", "reopen",
    "ask", "resume", "resolve", "close", "reopen", "close",
)  # fmt: skip
WITHOUT_GUARDS = 20
WITH_GUARDS = 10


class Cursor:
    """What the machine moves: as little as it accepts."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


def refuse_nothing(ticket: Any, command: Any) -> Refusal | None:
    """Let everything pass, after one comparison."""
    return Refusal("bench.never", "Never happens.") if ticket is command else None


def is_allowed(ticket: Any, command: Any) -> bool:
    """Say the same as `refuse_nothing`, in the words of the other side."""
    return ticket is not command


def run() -> list[Row]:
    """Measure both rows of P4."""
    machine, guarded_machine = _machine(()), _machine((is_allowed,))
    lifecycle = Lifecycle.compile(BUILT_IN)
    guarded = Lifecycle.compile(BUILT_IN, guards=dict.fromkeys(lifecycle.triggers, (refuse_nothing,)))
    return [
        _row("P4", "lifecycle step, no guards", _table_walk(lifecycle), _machine_walk(machine), WITHOUT_GUARDS),
        _row(
            "P4-guards",
            "lifecycle step with one guard",
            _guarded_table_walk(guarded),
            _machine_walk(guarded_machine, "ticket", "command"),
            WITH_GUARDS,
        ),
    ]


def _machine(conditions: tuple[Callable[[Any, Any], bool], ...]) -> Machine:
    return Machine(
        model=None,
        states=[state.name for state in BUILT_IN.states],
        initial=BUILT_IN.initial,
        transitions=[
            {"trigger": edge.trigger, "source": list(edge.sources), "dest": edge.dest, "conditions": list(conditions)}
            for edge in BUILT_IN.transitions
        ],
        auto_transitions=False,
    )


def _table_walk(lifecycle: Lifecycle) -> Callable[[], str]:
    def walk() -> str:
        step = lifecycle.step
        state = ""
        for _ in range(WALKS):
            state = "new"
            for trigger in WALK:
                state = step(state, trigger)
        return state

    return walk


def _guarded_table_walk(lifecycle: Lifecycle) -> Callable[[], str]:
    def walk() -> str:
        step, check = lifecycle.step, lifecycle.check
        state = ""
        for _ in range(WALKS):
            state = "new"
            for trigger in WALK:
                dest = step(state, trigger)
                if check(state, trigger, "ticket", "command") is None:
                    state = dest
        return state

    return walk


def _machine_walk(machine: Machine, *arguments: str) -> Callable[[], str]:
    def walk() -> str:
        events = machine.events
        cursor = Cursor("new")
        for _ in range(WALKS):
            cursor.state = "new"
            for trigger in WALK:
                events[trigger].trigger(cursor, *arguments)
        return cursor.state

    return walk


def _row(id: str, work: str, ours: Callable[[], str], theirs: Callable[[], str], bar: int) -> Row:  # noqa: A002
    if ours() != theirs():
        raise RuntimeError("the two sides do not do the same work")

    def measure() -> Row:
        measured = take_turns(lambda: seconds(ours), lambda: seconds(theirs), rounds=ROUNDS)
        faster = [1 / ratio for ratio in measured.ratios]
        return at_least(
            bar, faster, spread=measured.spread, digits=1, id=id, work=work, reference="a shared machine of transitions"
        )

    return insist(measure)
