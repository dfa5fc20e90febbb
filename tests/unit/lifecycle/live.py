"""The oracle: a live `transitions.Machine` with a cursor, set up here and not by the code under test."""

from __future__ import annotations

from transitions import Machine, MachineError

from supportkit.errors import IllegalTransition


class Cursor:
    where = ""


def machine_of(spec):
    steps = [
        {"trigger": edge.trigger, "source": "*" if edge.sources == ("*",) else list(edge.sources), "dest": edge.dest}
        for edge in spec.transitions
    ]
    names = [state.name for state in spec.states]
    return Machine(
        model=None,
        states=names,
        initial=spec.initial,
        transitions=steps,
        auto_transitions=False,
        model_attribute="where",
    )


def drive(machine, state, trigger):
    """Return where a real machine goes from *state* on *trigger*, or None if it refuses."""
    cursor = Cursor()
    cursor.where = state
    try:
        machine.events[trigger].trigger(cursor)
    except MachineError:
        assert cursor.where == state
        return None
    return cursor.where


def assert_agrees(lifecycle):
    """Compare every state x trigger pair of *lifecycle* with a live machine."""
    machine = machine_of(lifecycle.spec)
    assert tuple(machine.events) == lifecycle.triggers
    for state in (state.name for state in lifecycle.spec.states):
        lives = {trigger: drive(machine, state, trigger) for trigger in machine.events}
        legal = tuple(trigger for trigger, dest in lives.items() if dest is not None)
        assert lifecycle.allowed(state) == legal
        for trigger, dest in lives.items():
            if dest is not None:
                assert lifecycle.step(state, trigger) == dest
                continue
            try:
                went = lifecycle.step(state, trigger)
            except IllegalTransition as error:
                assert (error.state, error.trigger, error.allowed) == (state, trigger, legal)  # noqa: PT017
            else:
                raise AssertionError(f"{trigger!r} in {state!r} must be illegal, but leads to {went!r}")
