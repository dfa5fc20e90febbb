"""What makes a lifecycle valid: every rejection except those that need the compiled table stands here.

Checked before `transitions` sees anything, because it is lenient by design: it adds an unknown initial state by itself
and looks up the other names only when a trigger fires.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from supportkit.errors import InvalidLifecycle
from supportkit.lifecycle.plain import instead, shown
from supportkit.lifecycle.spec import ANY, MAX_STATES, MAX_TRANSITIONS, SAME, State, Transition
from supportkit.model.ticket import StateCategory

if TYPE_CHECKING:
    from supportkit.lifecycle.guards import Guard
    from supportkit.lifecycle.spec import LifecycleSpec

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# 2,000 wildcards over 200 states would be 400,000 edges and hundreds of megabytes for a file of 100 kB.
MAX_EDGES = 40_000


def check_spec(spec: LifecycleSpec) -> None:
    """Reject a *spec* that cannot be compiled.

    Raises:
        InvalidLifecycle: With the name of what is wrong and what there is instead.
    """
    _check_name("lifecycle", spec.name)
    _check_size("states", spec.states, State, MAX_STATES)
    _check_size("transitions", spec.transitions, Transition, MAX_TRANSITIONS)
    names = _check_states(spec)
    for edge in spec.transitions:
        _check_transition(edge, names)
    edges = sum(len(names) if edge.sources == (ANY,) else len(edge.sources) for edge in spec.transitions)
    if edges > MAX_EDGES:
        raise InvalidLifecycle(f"at most {MAX_EDGES} pairs of state and trigger are allowed, got {edges}")


def check_reachable(spec: LifecycleSpec, table: Mapping[str, Mapping[str, str]]) -> None:
    """Reject a *spec* with states that no ticket can ever get into.

    Raises:
        InvalidLifecycle: With the names of the lost states.
    """
    reached = {spec.initial}
    waiting = [spec.initial]
    while waiting:
        for dest in table[waiting.pop()].values():
            if dest not in reached:
                reached.add(dest)
                waiting.append(dest)
    if lost := [state.name for state in spec.states if state.name not in reached]:
        raise InvalidLifecycle(f"no ticket can get from {spec.initial!r} to: {', '.join(lost)}; add a transition")


def check_guards(guards: Mapping[str, Sequence[Guard]], triggers: tuple[str, ...]) -> dict[str, tuple[Guard, ...]]:
    """Return the *guards* of each trigger that has any, frozen.

    Raises:
        InvalidLifecycle: A trigger is unknown, or its guards are not a list of callables.
    """
    if not isinstance(guards, Mapping):
        raise InvalidLifecycle(f"guards must be a mapping of triggers to lists of guards, not {type(guards).__name__}")
    frozen: dict[str, tuple[Guard, ...]] = {}
    for trigger, listed in guards.items():
        if trigger not in triggers:
            word = str(trigger)
            raise InvalidLifecycle(f"guards for the unknown trigger {shown(word)}; {instead(word, triggers)}")
        if not _is_list_of_functions(listed):
            raise InvalidLifecycle(f"guards of {trigger!r} must be a list of functions that take (ticket, command)")
        if listed:
            frozen[trigger] = tuple(listed)
    return frozen


def _is_list_of_functions(listed: object) -> bool:
    return isinstance(listed, Sequence) and all(callable(guard) for guard in listed)


def _check_name(kind: str, name: object) -> None:
    if not isinstance(name, str):
        raise InvalidLifecycle(f"the name of a {kind} must be a string, not {type(name).__name__}")
    if not NAME.fullmatch(name):
        raise InvalidLifecycle(
            f"{kind} name {shown(name)} is not allowed: a small letter first, then small letters, digits and "
            "underscores, at most 64"
        )


def _check_size(kind: str, items: object, item_type: type, most: int) -> None:
    if not isinstance(items, tuple) or not all(isinstance(item, item_type) for item in items):
        raise InvalidLifecycle(f"{kind} must be a tuple of {item_type.__name__}")
    if len(items) > most:
        raise InvalidLifecycle(f"{kind}: at most {most} are allowed, got {len(items)}")


def _check_states(spec: LifecycleSpec) -> dict[str, StateCategory]:
    for state in spec.states:
        _check_name("state", state.name)
        if not isinstance(state.category, StateCategory):
            raise InvalidLifecycle(f"the category of state {state.name!r} must be a StateCategory")
    counts = Counter(state.name for state in spec.states)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise InvalidLifecycle(f"states declared more than once: {', '.join(twice)}")
    names = {state.name: state.category for state in spec.states}
    _check_known("initial state", spec.initial, names)
    if names[spec.initial] is not StateCategory.NEW:
        raise InvalidLifecycle(
            f"the initial state {spec.initial!r} must have the category 'new', not {names[spec.initial].value!r}"
        )
    if StateCategory.CLOSED not in names.values():
        raise InvalidLifecycle("no state has the category 'closed': a ticket could never end")
    return names


def _check_transition(edge: Transition, names: Mapping[str, StateCategory]) -> None:
    _check_name("trigger", edge.trigger)
    _check_size(f"sources of {edge.trigger!r}", edge.sources, str, MAX_EDGES)
    if not edge.sources:
        raise InvalidLifecycle(f"{edge.trigger!r} has no source: name at least one state, or '*' alone for all")
    if edge.sources != (ANY,):
        if ANY in edge.sources:
            raise InvalidLifecycle(f"sources of {edge.trigger!r}: '*' stands alone or not at all")
        for source in edge.sources:
            _check_known(f"source of {edge.trigger!r}", source, names)
    if edge.dest != SAME:
        _check_known(f"destination of {edge.trigger!r}", edge.dest, names)


def _check_known(role: str, name: object, names: Mapping[str, StateCategory]) -> None:
    if not isinstance(name, str):
        raise InvalidLifecycle(f"the {role} must be a string, not {type(name).__name__}")
    if name not in names:
        raise InvalidLifecycle(f"the {role} is the unknown state {shown(name)}; {instead(name, names)}")
