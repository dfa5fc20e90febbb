"""The Mermaid diagram: every edge of the table and no other, the same text every time."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from tests.unit.lifecycle.test_steps import LIBRARY_DESK, REPAIR_SHOP

from supportkit.lifecycle import BUILT_IN, Lifecycle, built_in

BUILT_IN_EDGES = {
    ("new", "open"): {"start"},
    ("new", "pending"): {"ask"},
    ("new", "on_hold"): {"hold"},
    ("new", "new"): {"customer_replied"},
    ("new", "resolved"): {"resolve"},
    ("new", "closed"): {"close"},
    ("open", "pending"): {"ask"},
    ("open", "on_hold"): {"hold"},
    ("open", "open"): {"customer_replied"},
    ("open", "resolved"): {"resolve"},
    ("open", "closed"): {"close"},
    ("pending", "open"): {"resume", "customer_replied"},
    ("pending", "on_hold"): {"hold"},
    ("pending", "resolved"): {"resolve"},
    ("pending", "closed"): {"close"},
    ("on_hold", "open"): {"resume"},
    ("on_hold", "pending"): {"ask"},
    ("on_hold", "on_hold"): {"customer_replied"},
    ("on_hold", "resolved"): {"resolve"},
    ("on_hold", "closed"): {"close"},
    ("resolved", "open"): {"reopen"},
    ("resolved", "closed"): {"close"},
    ("closed", "open"): {"reopen"},
}


def edges_of(text):
    found = re.findall(r"^ +(\w+) --> (\w+): (.+)$", text, flags=re.MULTILINE)
    return {(source, dest): set(label.split(" | ")) for source, dest, label in found}


def test_the_diagram_of_the_built_in_lifecycle_has_exactly_its_edges():
    assert edges_of(built_in().mermaid()) == BUILT_IN_EDGES


@pytest.mark.parametrize("spec", [BUILT_IN, REPAIR_SHOP, LIBRARY_DESK], ids=lambda spec: spec.name)
def test_a_diagram_shows_every_step_of_its_lifecycle(spec):
    lifecycle = Lifecycle.compile(spec)
    text = lifecycle.mermaid()
    table = {}
    for state in spec.states:
        for trigger in lifecycle.allowed(state.name):
            table.setdefault((state.name, lifecycle.step(state.name, trigger)), set()).add(trigger)
    assert edges_of(text) == table
    assert [line for line in text.splitlines() if "[*]" in line] == [f"  [*] --> {spec.initial}"]
    assert re.findall(r'^  state "(\w+)" as \1$', text, flags=re.MULTILINE) == [state.name for state in spec.states]


def test_a_diagram_starts_with_its_title_and_kind_and_has_no_loose_ends():
    lines = built_in().mermaid().split("\n")
    assert lines[:5] == ["---", 'title: "built_in"', "---", "stateDiagram-v2", "  direction LR"]
    assert lines[-1] == ""
    assert all(line and line == line.rstrip() for line in lines[:-1])


def test_a_diagram_is_the_same_text_in_every_process():
    code = "from supportkit.lifecycle import built_in; import sys; sys.stdout.write(built_in().mermaid())"
    texts = {
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    assert texts == {built_in().mermaid()}
