"""The lifecycle that a desk has if nobody brings another one."""

from __future__ import annotations

import functools

from supportkit.lifecycle.automaton import Lifecycle
from supportkit.lifecycle.spec import LifecycleSpec, State, Transition
from supportkit.model.ticket import StateCategory

BUILT_IN = LifecycleSpec(
    name="built_in",
    initial="new",
    states=(
        State(name="new", category=StateCategory.NEW),
        State(name="open", category=StateCategory.OPEN),
        State(name="pending", category=StateCategory.WAITING_CUSTOMER),
        State(name="on_hold", category=StateCategory.WAITING_EXTERNAL),
        State(name="resolved", category=StateCategory.RESOLVED),
        State(name="closed", category=StateCategory.CLOSED),
    ),
    transitions=(
        Transition(trigger="start", sources=("new",), dest="open"),
        Transition(trigger="ask", sources=("new", "open", "on_hold"), dest="pending"),
        Transition(trigger="hold", sources=("new", "open", "pending"), dest="on_hold"),
        Transition(trigger="resume", sources=("pending", "on_hold"), dest="open"),
        # A customer's message does not take up a new ticket, and the vendor still has the one on hold.
        Transition(trigger="customer_replied", sources=("new", "on_hold"), dest="="),
        Transition(trigger="customer_replied", sources=("open", "pending"), dest="open"),
        Transition(trigger="resolve", sources=("new", "open", "pending", "on_hold"), dest="resolved"),
        Transition(trigger="reopen", sources=("resolved", "closed"), dest="open"),
        # Whoever closes what was not resolved owes a closing reason; that is for the engine to ask.
        Transition(trigger="close", sources=("new", "open", "pending", "on_hold", "resolved"), dest="closed"),
    ),
)
"""The six states and eight triggers of an ordinary support desk."""


@functools.cache
def built_in() -> Lifecycle:
    """Return the compiled `BUILT_IN`, always the same object: it is immutable and nobody can configure it."""
    return Lifecycle(BUILT_IN)
