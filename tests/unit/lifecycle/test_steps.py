"""Every state x trigger pair of three lifecycles: against a live machine, and the built-in one against its table."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest
from tests.unit.lifecycle.live import Cursor, assert_agrees, machine_of
from transitions import MachineError

from supportkit.errors import IllegalTransition, NotFound
from supportkit.lifecycle import BUILT_IN, Lifecycle, LifecycleSpec, State, Transition, built_in
from supportkit.model.ticket import StateCategory

REPAIR_SHOP = LifecycleSpec.from_toml(
    (pathlib.Path(__file__).parents[3] / "examples/lifecycles/repair_shop.toml").read_text(encoding="utf-8")
)
LIBRARY_DESK = LifecycleSpec(
    name="library_desk",
    initial="asked",
    states=(
        State(name="asked", category=StateCategory.NEW),
        State(name="searching", category=StateCategory.OPEN),
        State(name="other_library", category=StateCategory.WAITING_EXTERNAL),
        State(name="done", category=StateCategory.CLOSED),
    ),
    transitions=(
        Transition(trigger="search", sources=("*",), dest="searching"),
        Transition(trigger="borrow", sources=("searching",), dest="other_library"),
        Transition(trigger="note", sources=("*",), dest="="),
        Transition(trigger="remind", sources=("asked", "other_library"), dest="="),
        # The same edge twice is a repetition, not an ambiguity.
        Transition(trigger="remind", sources=("asked",), dest="asked"),
        # Names that a machine would trip over if they became attributes of something.
        Transition(trigger="state", sources=("asked",), dest="="),
        Transition(trigger="trigger", sources=("asked",), dest="="),
        Transition(trigger="finish", sources=("asked", "searching", "other_library"), dest="done"),
    ),
)

# The table of the specification, written out by hand: rows are states, "-" is illegal.
TRIGGERS = ("start", "ask", "hold", "resume", "customer_replied", "resolve", "reopen", "close")
TABLE = {
    "new": ("open", "pending", "on_hold", "-", "new", "resolved", "-", "closed"),
    "open": ("-", "pending", "on_hold", "-", "open", "resolved", "-", "closed"),
    "pending": ("-", "-", "on_hold", "open", "open", "resolved", "-", "closed"),
    "on_hold": ("-", "pending", "-", "open", "on_hold", "resolved", "-", "closed"),
    "resolved": ("-", "-", "-", "-", "-", "-", "open", "closed"),
    "closed": ("-", "-", "-", "-", "-", "-", "open", "-"),
}
PAIRS = [
    (state, trigger, dest)
    for state, row in TABLE.items()
    for trigger, dest in zip(TRIGGERS, row, strict=True)
]  # fmt: skip


@pytest.mark.parametrize("spec", [BUILT_IN, REPAIR_SHOP, LIBRARY_DESK], ids=lambda spec: spec.name)
def test_every_pair_of_state_and_trigger_agrees_with_a_live_machine(spec):
    assert_agrees(Lifecycle.compile(spec))


@pytest.mark.parametrize(("state", "trigger", "dest"), PAIRS)
def test_the_built_in_lifecycle_is_the_table_of_the_specification(state, trigger, dest):
    lifecycle = built_in()
    if dest != "-":
        assert lifecycle.step(state, trigger) == dest
        return
    with pytest.raises(IllegalTransition) as caught:
        lifecycle.step(state, trigger)
    assert caught.value.allowed == tuple(t for t, to in zip(TRIGGERS, TABLE[state], strict=True) if to != "-")


def test_a_live_machine_refuses_what_the_table_refuses():
    cursor = Cursor()
    cursor.where = "closed"
    with pytest.raises(MachineError):
        machine_of(BUILT_IN).events["ask"].trigger(cursor)
    with pytest.raises(IllegalTransition):
        built_in().step("closed", "ask")


def test_the_life_of_a_ticket_with_every_wrong_turn():
    desk = built_in()
    state = desk.initial
    assert state == "new"

    state = desk.step(state, "customer_replied")  # nobody has taken it up: it stays new
    assert state == "new"
    with pytest.raises(IllegalTransition):
        desk.step(state, "resume")
    assert state == "new"

    state = desk.step(state, "start")
    state = desk.step(state, "ask")
    assert state == "pending"
    with pytest.raises(IllegalTransition):
        desk.step(state, "ask")
    assert state == "pending"

    state = desk.step(state, "customer_replied")
    assert state == "open"
    state = desk.step(state, "hold")
    state = desk.step(state, "customer_replied")  # the vendor still has it
    assert state == "on_hold"

    state = desk.step(state, "resolve")
    state = desk.step(state, "close")
    assert state == "closed"
    with pytest.raises(IllegalTransition):
        desk.step(state, "close")
    assert desk.step(state, "reopen") == "open"


def test_allowed_triggers_stand_in_the_order_of_the_spec():
    assert built_in().triggers == TRIGGERS
    assert built_in().allowed("on_hold") == ("ask", "resume", "customer_replied", "resolve", "close")


def test_an_illegal_step_says_what_is_possible_instead():
    with pytest.raises(IllegalTransition, match="'ask' is not possible in state 'closed'; possible: reopen") as caught:
        built_in().step("closed", "ask")
    assert (caught.value.state, caught.value.trigger, caught.value.allowed) == ("closed", "ask", ("reopen",))
    assert caught.value.__suppress_context__


def test_an_unknown_trigger_is_an_illegal_step():
    with pytest.raises(IllegalTransition) as caught:
        built_in().step("closed", "explode")
    assert caught.value.allowed == ("reopen",)


def test_an_unknown_state_allows_nothing():
    with pytest.raises(IllegalTransition) as caught:
        built_in().step("limbo", "ask")
    assert caught.value.allowed == ()
    assert built_in().allowed("limbo") == ()


def test_a_state_has_the_category_that_the_spec_gave_it():
    for state in BUILT_IN.states:
        assert built_in().category(state.name) is state.category


def test_the_category_of_an_unknown_state_is_a_typed_error():
    with pytest.raises(NotFound, match="no state 'limbo'"):
        built_in().category("limbo")


def test_a_machine_without_a_destination_stays_where_it_is():
    from transitions import Machine

    from supportkit.lifecycle.compiler import _read_back

    machine = Machine(model=None, states=["a"], initial="a", auto_transitions=False)
    machine.add_transition("look", "a", None)
    assert _read_back(machine) == {"a": {"look": "a"}}


def test_importing_the_package_does_not_import_transitions_but_compiling_does():
    code = (
        "import sys, supportkit.lifecycle as lifecycle; assert 'transitions' not in sys.modules;"
        "lifecycle.LifecycleSpec.from_dict(lifecycle.BUILT_IN.to_dict()); assert 'transitions' not in sys.modules;"
        "lifecycle.built_in(); assert 'transitions' in sys.modules;"
        "assert 'transitions.extensions' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_step_imports_anything():
    code = (
        "import sys, pickle, supportkit.lifecycle as lifecycle; desk = lifecycle.built_in(); before = set(sys.modules);"
        "desk.step('new', 'start'); desk.check('new', 'start', None, None); desk.category('new'); desk.allowed('new');"
        "assert set(sys.modules) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
