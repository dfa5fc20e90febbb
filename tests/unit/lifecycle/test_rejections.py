"""Every lifecycle that must not compile, by name, with the sentence that it gets."""

from __future__ import annotations

import attrs
import pytest

from supportkit.errors import InvalidLifecycle
from supportkit.lifecycle import BUILT_IN, Lifecycle, LifecycleSpec, State, Transition
from supportkit.model.ticket import StateCategory

NEW, OPEN, CLOSED = StateCategory.NEW, StateCategory.OPEN, StateCategory.CLOSED
START = State(name="start", category=NEW)
WORK = State(name="work", category=OPEN)
END = State(name="end", category=CLOSED)
GO = Transition(trigger="go", sources=("start",), dest="work")
FINISH = Transition(trigger="finish", sources=("work",), dest="end")
GOOD = LifecycleSpec(name="good", initial="start", states=(START, WORK, END), transitions=(GO, FINISH))


def rejected(match, **changes):
    with pytest.raises(InvalidLifecycle, match=match):
        Lifecycle.compile(attrs.evolve(GOOD, **changes))


def edge(trigger="go", sources=("start",), dest="work"):
    return Transition(trigger=trigger, sources=sources, dest=dest)


def test_the_lifecycle_that_all_these_tests_spoil_is_good():
    assert Lifecycle.compile(GOOD).step("start", "go") == "work"


def test_an_unknown_source_is_rejected_with_a_suggestion():
    rejected(
        "source of 'go' is the unknown state 'strat'; did you mean 'start'", transitions=(edge(sources=("strat",)),)
    )


def test_an_unknown_destination_is_rejected():
    rejected("destination of 'go' is the unknown state 'x'; there are: start, work, end", transitions=(edge(dest="x"),))


def test_an_unknown_initial_state_is_rejected_and_not_added():
    rejected("initial state is the unknown state 'begin'", initial="begin")


def test_an_ambiguous_step_is_rejected():
    rejected(
        "'go' is ambiguous in state 'start': it leads to 'work' and to 'end'",
        transitions=(GO, edge(dest="end"), FINISH),
    )


def test_a_wildcard_that_contradicts_a_named_source_is_rejected():
    rejected("'go' is ambiguous in state 'start'", transitions=(GO, edge(sources=("*",), dest="end"), FINISH))


def test_staying_and_leaving_on_the_same_trigger_is_rejected():
    rejected("'go' is ambiguous in state 'start'", transitions=(GO, edge(sources=("*",), dest="="), FINISH))


def test_duplicate_states_are_rejected_even_if_they_are_equal():
    rejected("more than once: work", states=(START, WORK, WORK, END))
    rejected("more than once: work", states=(START, WORK, State(name="work", category=NEW), END))


def test_unreachable_states_are_rejected():
    lost = State(name="lost", category=OPEN)
    rejected("no ticket can get from 'start' to: lost", states=(START, WORK, END, lost))


def test_a_state_that_only_reaches_itself_is_unreachable():
    island = State(name="island", category=OPEN)
    loop = edge("stay", ("island",), "=")
    rejected("to: island", states=(START, WORK, END, island), transitions=(GO, FINISH, loop))


def test_an_initial_state_that_is_not_new_is_rejected():
    rejected("initial state 'work' must have the category 'new', not 'open'", initial="work")


def test_a_lifecycle_without_a_closed_state_is_rejected():
    rejected("no state has the category 'closed'", states=(START, WORK, State(name="end", category=OPEN)))


def test_a_lifecycle_without_states_is_rejected():
    rejected("initial state is the unknown state 'start'; there are: none", states=(), transitions=())


BAD_NAMES = ["", "Open", "1st", "_open", "on-hold", "on hold", "open\n", "a.b", "*", "=", "é", "a" * 65, "x" * 10_000]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_are_not_plain_words_are_rejected(name):
    rejected("lifecycle name .* is not allowed", name=name)
    rejected("state name .* is not allowed", states=(START, WORK, END, State(name=name, category=OPEN)))
    rejected("trigger name .* is not allowed", transitions=(GO, FINISH, edge(trigger=name)))


def test_a_long_name_is_shortened_in_the_message():
    with pytest.raises(InvalidLifecycle) as caught:
        Lifecycle.compile(attrs.evolve(GOOD, name="x" * 10_000))
    assert len(str(caught.value)) < 250


def test_a_name_of_64_characters_is_accepted():
    name = "a" * 64
    assert Lifecycle.compile(attrs.evolve(GOOD, name=name, transitions=(GO, FINISH, edge(name)))).triggers[-1] == name


def test_a_transition_without_sources_is_rejected():
    rejected("'go' has no source", transitions=(edge(sources=()), FINISH))


def test_a_wildcard_beside_other_sources_is_rejected():
    rejected("stands alone or not at all", transitions=(edge(sources=("start", "*")), FINISH))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"name": 3}, "lifecycle must be a string, not int"),
        ({"initial": None}, "initial state must be a string, not NoneType"),
        ({"states": [START, WORK, END]}, "states must be a tuple of State"),
        ({"states": (START, "work", END)}, "states must be a tuple of State"),
        ({"states": (START, State(name="work", category="open"), END)}, "must be a StateCategory"),
        ({"states": (START, State(name=None, category=OPEN), END)}, "state must be a string, not NoneType"),
        ({"transitions": (("go", "start", "work"),)}, "transitions must be a tuple of Transition"),
        ({"transitions": (edge(trigger=None),)}, "trigger must be a string, not NoneType"),
        ({"transitions": (edge(sources="start"),)}, "sources of 'go' must be a tuple"),
        ({"transitions": (edge(sources=["start"]),)}, "sources of 'go' must be a tuple"),
        ({"transitions": (edge(sources=(None,)),)}, "sources of 'go' must be a tuple"),
        ({"transitions": (edge(dest=None),)}, "destination of 'go' must be a string, not NoneType"),
    ],
)
def test_values_of_the_wrong_type_in_a_spec_from_code_are_rejected(changes, match):
    rejected(match, **changes)


def test_more_than_200_states_are_rejected():
    many = tuple(State(name=f"s{n}", category=OPEN) for n in range(198))
    everywhere = tuple(edge(f"t{n}", ("*",), f"s{n}") for n in range(198))
    rejected("at most 200 are allowed, got 201", states=(START, WORK, END, *many))
    with pytest.raises(InvalidLifecycle, match="states: at most 200 are allowed, got 201"):
        LifecycleSpec.from_dict(attrs.evolve(GOOD, states=(START, WORK, END, *many)).to_dict())
    most = attrs.evolve(GOOD, states=(START, WORK, END, *many[:197]), transitions=(GO, FINISH, *everywhere[:197]))
    assert len(Lifecycle.compile(most).states) == 200


def test_more_than_2000_transitions_are_rejected():
    many = tuple(edge(f"t{n}") for n in range(1_998))
    assert len(Lifecycle.compile(attrs.evolve(GOOD, transitions=(GO, FINISH, *many))).triggers) == 2_000
    rejected("transitions: at most 2000 are allowed, got 2001", transitions=(GO, FINISH, GO, *many))
    with pytest.raises(InvalidLifecycle, match="transitions: at most 2000 are allowed, got 2001"):
        LifecycleSpec.from_dict(attrs.evolve(GOOD, transitions=(GO, FINISH, GO, *many)).to_dict())


def test_wildcards_that_would_blow_up_are_rejected():
    states = (START, WORK, END, *(State(name=f"s{n}", category=OPEN) for n in range(197)))
    everywhere = tuple(edge(f"t{n}", ("*",), "=") for n in range(201))
    rejected("at most 40000 pairs of state and trigger", states=states, transitions=(GO, FINISH, *everywhere))


def test_the_constructor_checks_as_much_as_compile():
    with pytest.raises(InvalidLifecycle, match="initial state"):
        Lifecycle(attrs.evolve(GOOD, initial="begin"))


def test_the_built_in_lifecycle_is_a_plain_spec():
    assert Lifecycle.compile(BUILT_IN).spec is BUILT_IN
