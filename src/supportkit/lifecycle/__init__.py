"""Lifecycles: states in categories, triggers, guards; compiled once, then looked up. Only importer of `transitions`."""

from __future__ import annotations

from supportkit.lifecycle.automaton import Lifecycle
from supportkit.lifecycle.builtin import BUILT_IN, built_in
from supportkit.lifecycle.guards import Guard, Refusal
from supportkit.lifecycle.spec import LifecycleSpec, State, Transition

__all__ = [
    "BUILT_IN",
    "Guard",
    "Lifecycle",
    "LifecycleSpec",
    "Refusal",
    "State",
    "Transition",
    "built_in",
]
