"""A compiled lifecycle is a value: immutable, equal by its spec, hashable, picklable."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest

from supportkit.lifecycle import BUILT_IN, Lifecycle, Refusal, built_in


def refuse_it(ticket, command):
    return Refusal("test.no", "No.")


OTHER = attrs.evolve(BUILT_IN, name="other")


def test_no_attribute_can_be_assigned_or_deleted():
    lifecycle = Lifecycle.compile(BUILT_IN)
    for name in ("spec", "initial", "states", "triggers", "_table", "new_one"):
        with pytest.raises(AttributeError, match=f"a Lifecycle never changes: cannot set '{name}'"):
            setattr(lifecycle, name, None)
        with pytest.raises(AttributeError, match=f"a Lifecycle never changes: cannot delete '{name}'"):
            delattr(lifecycle, name)
    assert lifecycle.initial == "new"
    assert lifecycle == built_in()


def test_specs_states_and_transitions_are_frozen():
    for value, name in ((BUILT_IN, "name"), (BUILT_IN.states[0], "name"), (BUILT_IN.transitions[0], "dest")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, name, "other")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Refusal("a", "b").code = "c"


def test_equal_specs_make_equal_lifecycles():
    again = Lifecycle.compile(BUILT_IN.to_dict())
    assert again == built_in()
    assert hash(again) == hash(built_in())
    assert Lifecycle.compile(OTHER) != built_in()
    assert built_in() != BUILT_IN


def test_guards_do_not_count_for_equality():
    assert Lifecycle.compile(BUILT_IN, guards={"close": [refuse_it]}) == built_in()


def test_a_pickled_lifecycle_comes_back_with_its_guards():
    lifecycle = Lifecycle.compile(OTHER, guards={"close": [refuse_it]})
    for back in (pickle.loads(pickle.dumps(lifecycle)), copy.deepcopy(lifecycle)):
        assert back == lifecycle
        assert back.step("open", "close") == "closed"
        assert back.check("open", "close", None, None) == Refusal("test.no", "No.")


def test_the_guards_given_can_change_later_without_effect():
    guards = {"close": [refuse_it]}
    lifecycle = Lifecycle.compile(BUILT_IN, guards=guards)
    guards["close"].clear()
    guards["start"] = [refuse_it]
    assert lifecycle.check("open", "close", None, None) is not None
    assert lifecycle.check("new", "start", None, None) is None


def test_the_built_in_lifecycle_is_compiled_once():
    assert built_in() is built_in()
    assert built_in().spec is BUILT_IN


def test_a_lifecycle_shows_its_name_and_size():
    assert repr(built_in()) == "<Lifecycle 'built_in': 6 states, 8 triggers>"
