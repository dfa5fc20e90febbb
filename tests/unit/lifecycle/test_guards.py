"""Guards can only say no; the first one that does is heard."""

from __future__ import annotations

import pytest

from supportkit.errors import InvalidLifecycle
from supportkit.lifecycle import BUILT_IN, Lifecycle, LifecycleSpec, Refusal, built_in

FIRST = Refusal("test.first", "The first guard says no.")
SECOND = Refusal("test.second", "The second guard says no.")


def test_the_first_refusal_wins_and_later_guards_are_not_asked():
    asked = []

    def passes(ticket, command):
        asked.append("passes")

    def first(ticket, command):
        asked.append("first")
        return FIRST

    def second(ticket, command):
        asked.append("second")
        return SECOND

    lifecycle = Lifecycle.compile(BUILT_IN, guards={"resolve": [passes, first, second]})
    assert lifecycle.check("open", "resolve", "ticket", "command") is FIRST
    assert asked == ["passes", "first"]


def test_a_guard_gets_the_ticket_and_the_command():
    got = []
    lifecycle = Lifecycle.compile(BUILT_IN, guards={"resolve": [lambda *both: got.append(both)]})
    assert lifecycle.check("open", "resolve", "the ticket", "the command") is None
    assert got == [("the ticket", "the command")]


def test_guards_of_one_trigger_do_not_touch_another():
    lifecycle = Lifecycle.compile(BUILT_IN, guards={"resolve": [lambda _t, _c: FIRST], "close": []})
    assert lifecycle.check("open", "ask", None, None) is None
    assert lifecycle.check("open", "close", None, None) is None
    assert built_in().check("open", "resolve", None, None) is None


def test_a_refusing_guard_does_not_change_what_is_legal():
    lifecycle = Lifecycle.compile(BUILT_IN, guards={"resolve": [lambda _t, _c: FIRST]})
    assert lifecycle.step("open", "resolve") == "resolved"
    assert "resolve" in lifecycle.allowed("open")


@pytest.mark.parametrize("answer", [True, False, "no", 0])
def test_a_guard_that_answers_with_anything_else_is_a_bug_that_shows(answer):
    lifecycle = Lifecycle.compile(BUILT_IN, guards={"resolve": [lambda _t, _c: answer]})
    with pytest.raises(TypeError, match="must return a Refusal or None"):
        lifecycle.check("open", "resolve", None, None)


def test_guards_for_an_unknown_trigger_are_rejected_with_a_suggestion():
    with pytest.raises(InvalidLifecycle, match="unknown trigger 'resolv'; did you mean 'resolve'"):
        Lifecycle.compile(BUILT_IN, guards={"resolv": [lambda _t, _c: None]})
    with pytest.raises(InvalidLifecycle, match="unknown trigger '3'"):
        Lifecycle.compile(BUILT_IN, guards={3: []})


@pytest.mark.parametrize(
    "guards", [{"close": lambda _t, _c: None}, {"close": ["os.system"]}, {"close": "os"}, ["close"]]
)
def test_guards_that_are_not_lists_of_functions_are_rejected(guards):
    with pytest.raises(InvalidLifecycle, match="guards"):
        Lifecycle.compile(BUILT_IN, guards=guards)


@pytest.mark.parametrize("key", ["guards", "guard", "conditions"])
@pytest.mark.parametrize("place", ["top", "state", "transition"])
def test_a_lifecycle_from_data_can_never_hold_a_guard(key, place):
    data = BUILT_IN.to_dict()
    target = {"top": data, "state": data["states"][0], "transition": data["transitions"][0]}[place]
    target[key] = {"close": [lambda _t, _c: FIRST]}
    with pytest.raises(InvalidLifecycle, match=f"'{key}' is not allowed"):
        Lifecycle.compile(data)
    with pytest.raises(InvalidLifecycle, match=f"'{key}' is not allowed"):
        LifecycleSpec.from_dict(data)


def test_a_compiled_file_has_no_guards_at_all():
    assert Lifecycle.compile(BUILT_IN.to_dict())._guards == {}
