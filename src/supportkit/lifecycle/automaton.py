"""The automaton at run time: one nested dict, looked up."""

# Rules of this file
# ------------------
#
# * Pure: no I/O, no clock, no module-level state. A Lifecycle never changes after __init__.
# * `transitions` is the compiler, never the runtime: nothing here imports it.
# * step() and check() are on the path of every command. They do dict look-ups and nothing else; what can be decided
#   when compiling is decided there.
# * The lifecycle does not know what a ticket or a command is. Guards get them handed through.
#
# The automaton
# -------------
#
# A ticket is in exactly one state. Something happens to it -- an agent resolves it, the customer answers, a timer runs
# out -- and has a name, the trigger. State and trigger together decide where the ticket goes; if the pair is not in the
# table, the step is illegal and nothing has happened. That is all there is:
#
#     table[state][trigger] == dest          for example   table["pending"]["customer_replied"] == "open"
#
# A step may lead back to where it began (a customer's message on a ticket that waits for a vendor: it stays on hold).
# Such a step is legal and is in the table like any other; "no change" and "not allowed" are different things.
#
# Names of states belong to the shop. What they mean to everybody else is their category, of which there are six, fixed:
# clocks stop in WAITING_CUSTOMER, not in a state that happens to be called "pending". Every lifecycle starts in a NEW
# state and has a CLOSED one, and every state can be reached; the compiler refuses anything else.
#
# Not in the automaton, on purpose: escalation (the tier is a dimension of its own), spam and merged (reasons for
# closing), and whether a particular step is wise right now. The last one is for the guards, which can only say no:
#
#     step:   may tickets in this state do this at all, and where does it lead?     -> IllegalTransition
#     check:  is there something about this ticket or command that speaks against?  -> Refusal
#
# A caller asks for the step first: a person should not be told to tick a checklist for something that cannot be done.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from supportkit.errors import IllegalTransition, NotFound
from supportkit.lifecycle.compiler import compile_table, draw
from supportkit.lifecycle.guards import Refusal
from supportkit.lifecycle.lint import check_guards, check_reachable, check_spec
from supportkit.lifecycle.spec import LifecycleSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supportkit.lifecycle.guards import Guard
    from supportkit.lifecycle.spec import State
    from supportkit.model.ticket import StateCategory


class Lifecycle:
    """A compiled lifecycle: immutable, hashable and equal by its spec, safe to share between threads.

    Guards do not count for equality: two lifecycles are equal if they have the same states and steps.

    Attributes:
        spec: What it was compiled from.
        initial: The state of a new ticket.
        states: In the order of the spec.
        triggers: In the order in which the spec first names them.

    >>> from supportkit.lifecycle import built_in
    >>> built_in().step("pending", "customer_replied")
    'open'
    """

    __slots__ = ("_allowed", "_categories", "_guards", "_table", "initial", "spec", "states", "triggers")

    spec: LifecycleSpec
    initial: str
    states: tuple[State, ...]
    triggers: tuple[str, ...]
    _table: dict[str, dict[str, str]]
    _allowed: dict[str, tuple[str, ...]]
    _categories: dict[str, StateCategory]
    _guards: dict[str, tuple[Guard, ...]]

    def __init__(self, spec: LifecycleSpec, *, guards: Mapping[str, Sequence[Guard]] | None = None) -> None:
        check_spec(spec)
        table = compile_table(spec)
        check_reachable(spec, table)
        triggers = tuple(dict.fromkeys(edge.trigger for edge in spec.transitions))
        frozen = check_guards(guards or {}, triggers)

        fix = object.__setattr__  # our own __setattr__ refuses
        fix(self, "spec", spec)
        fix(self, "initial", spec.initial)
        fix(self, "states", spec.states)
        fix(self, "triggers", triggers)
        fix(self, "_table", table)
        fix(self, "_allowed", {state: tuple(steps) for state, steps in table.items()})
        fix(self, "_categories", {state.name: state.category for state in spec.states})
        fix(self, "_guards", frozen)

    @classmethod
    def compile(
        cls, spec: LifecycleSpec | Mapping[str, Any], *, guards: Mapping[str, Sequence[Guard]] | None = None
    ) -> Lifecycle:
        """Compile a *spec*, or the plain data of one.

        Args:
            spec: A `LifecycleSpec`, or a mapping for `LifecycleSpec.from_dict`.
            guards: Functions that may refuse, by trigger, asked in this order. Only code can pass them.

        Raises:
            InvalidLifecycle: The lifecycle has unknown, duplicate or unreachable states, ambiguous steps, bad names, no
                NEW state at the start, no CLOSED state, or guards for a trigger that it does not have.
        """
        return cls(spec if isinstance(spec, LifecycleSpec) else LifecycleSpec.from_dict(spec), guards=guards)

    def step(self, state: str, trigger: str) -> str:
        """Return the state that *trigger* leads to from *state*, which may be *state* itself.

        Raises:
            IllegalTransition: The pair is not in the table; `allowed` is empty if there is no such state.
        """
        try:
            return self._table[state][trigger]
        except KeyError:
            self._refuse(state, trigger)

    def _refuse(self, state: str, trigger: str) -> NoReturn:
        # `from None`: the KeyError is how we found out, not why.
        raise IllegalTransition(state, trigger, self.allowed(state)) from None

    def check(self, state: str, trigger: str, ticket: Any, command: Any) -> Refusal | None:  # noqa: ARG002
        """Ask the guards of *trigger* in their order and return the first refusal.

        *state* is not looked at: whether the step exists is the question of `step`.

        Raises:
            TypeError: A guard returned something that is neither `None` nor a `Refusal`.
        """
        guards = self._guards.get(trigger)
        if guards is None:
            return None
        for guard in guards:
            refusal = guard(ticket, command)
            if refusal is not None:
                if not isinstance(refusal, Refusal):
                    # True and False read as "yes" in one shop and as "refused" in the next.
                    raise TypeError(f"guard {guard!r} of {trigger!r} must return a Refusal or None, not {refusal!r}")
                return refusal
        return None

    def allowed(self, state: str) -> tuple[str, ...]:
        """Return the triggers of *state* in the order of the spec; none if there is no such state."""
        return self._allowed.get(state, ())

    def category(self, state: str) -> StateCategory:
        """Return what *state* means.

        Raises:
            NotFound: There is no such state in this lifecycle.
        """
        try:
            return self._categories[state]
        except KeyError:
            raise NotFound("state", state) from None

    def mermaid(self) -> str:
        """Return the text of a Mermaid `stateDiagram-v2`; the same lifecycle always gives the same text."""
        return draw(self.spec)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Lifecycle):
            return self.spec == other.spec
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.spec)

    def __repr__(self) -> str:
        return f"<Lifecycle {self.spec.name!r}: {len(self.states)} states, {len(self.triggers)} triggers>"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Lifecycle never changes: cannot set {name!r}; compile another one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Lifecycle never changes: cannot delete {name!r}; compile another one")

    def __reduce__(self) -> tuple[Any, ...]:
        # Compiled again on the other side, so that a table that was never checked cannot come out of a pickle.
        return (_compile, (self.spec, self._guards))


def _compile(spec: LifecycleSpec, guards: Mapping[str, Sequence[Guard]]) -> Lifecycle:
    return Lifecycle(spec, guards=guards)
