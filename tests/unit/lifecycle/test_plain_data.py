"""Lifecycles from TOML and JSON: plain data in, a spec or `InvalidLifecycle` out, whatever the data."""

from __future__ import annotations

import json
import time

import pytest

from supportkit.errors import InvalidLifecycle
from supportkit.lifecycle import BUILT_IN, Lifecycle, LifecycleSpec

CODE_KEYS = [
    "conditions", "unless", "before", "after", "prepare", "on_enter", "on_exit", "timeout", "on_timeout", "on_final",
    "on_exception", "prepare_event", "finalize_event", "before_state_change", "after_state_change", "model",
    "send_event",
]  # fmt: skip

SMALL = """
name = "small"
initial = "start"
states = [{name = "start", category = "new"}, {name = "end", category = "closed"}]
[[transitions]]
trigger = "finish"
sources = ["start"]
dest = "end"
"""


def places(data):
    return {"the lifecycle": data, "states[1]": data["states"][1], "transitions[2]": data["transitions"][2]}


def refused(data):
    with pytest.raises(InvalidLifecycle) as caught:
        LifecycleSpec.from_dict(data)
    return str(caught.value)


def test_to_dict_is_plain_json_and_from_dict_reads_it_back():
    data = json.loads(json.dumps(BUILT_IN.to_dict()))
    assert LifecycleSpec.from_dict(data) == BUILT_IN
    assert data["states"][2] == {"name": "pending", "category": "waiting_customer"}
    assert data["transitions"][0] == {"trigger": "start", "sources": ["new"], "dest": "open"}
    assert type(BUILT_IN.to_dict()["states"][0]["category"]) is str


def test_toml_is_the_same_data():
    spec = LifecycleSpec.from_toml(SMALL)
    assert spec.name == "small"
    assert Lifecycle.compile(spec).step("start", "finish") == "end"


@pytest.mark.parametrize("where", ["the lifecycle", "states[1]", "transitions[2]"])
@pytest.mark.parametrize("key", CODE_KEYS)
def test_a_key_that_could_carry_code_is_rejected_by_its_name(key, where):
    data = BUILT_IN.to_dict()
    places(data)[where][key] = "os.system"
    message = refused(data)
    assert message.startswith(f"{where}: key '{key}' is not allowed, because a lifecycle as data names")
    assert "os.system" not in message


@pytest.mark.parametrize(
    ("where", "key", "near"),
    [
        ("the lifecycle", "state", "states"),
        ("states[1]", "categori", "category"),
        ("transitions[2]", "source", "sources"),
    ],
)
def test_an_unknown_key_is_rejected_with_a_suggestion(where, key, near):
    data = BUILT_IN.to_dict()
    places(data)[where][key] = "x"
    assert refused(data) == f"{where}: key '{key}' is unknown; did you mean '{near}'?"


def test_an_unknown_key_like_no_other_gets_the_list():
    data = BUILT_IN.to_dict() | {"zzz": 1}
    assert refused(data) == "the lifecycle: key 'zzz' is unknown; there are: name, initial, states, transitions"


@pytest.mark.parametrize("key", ["name", "initial", "states", "transitions"])
def test_a_missing_key_is_rejected_by_its_name(key):
    data = BUILT_IN.to_dict()
    del data[key]
    assert f"has no '{key}'" in refused(data)


def test_missing_keys_inside_rows_are_rejected_with_their_place():
    data = BUILT_IN.to_dict()
    del data["states"][3]["category"]
    assert refused(data) == "states[3] has no 'category'; it needs: name, category"
    data = BUILT_IN.to_dict()
    del data["transitions"][0]["dest"]
    assert refused(data) == "transitions[0] has no 'dest'; it needs: trigger, sources, dest"


def test_an_unknown_category_is_rejected_with_a_suggestion():
    data = BUILT_IN.to_dict()
    data["states"][2]["category"] = "waiting_custmer"
    assert refused(data) == "states[2].category 'waiting_custmer' is unknown; did you mean 'waiting_customer'?"


def test_a_string_is_not_a_list_of_sources():
    data = BUILT_IN.to_dict()
    data["transitions"][0]["sources"] = "new"
    assert refused(data) == "transitions[0].sources must be a list, not str"


WRONG = [None, 3, 2.5, True, b"new", {"a": 1}, [[]], {3: 4}, {1, 2}, object(), lambda: None, print, type, float("nan")]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
def test_values_of_the_wrong_type_are_rejected_in_every_place(wrong):
    assert refused(wrong)
    for key in ("name", "initial", "states", "transitions"):
        assert refused(BUILT_IN.to_dict() | {key: wrong})
    for rows, row in (("states", 1), ("transitions", 2)):
        data = BUILT_IN.to_dict()
        data[rows][row] = wrong
        assert refused(data)
        for key in BUILT_IN.to_dict()[rows][row]:
            data = BUILT_IN.to_dict()
            data[rows][row][key] = wrong
            assert refused(data)
    data = BUILT_IN.to_dict()
    data["transitions"][0]["sources"] = [wrong]
    assert refused(data)


def test_nothing_in_the_data_is_ever_called():
    called = []
    data = BUILT_IN.to_dict()
    data["transitions"][0]["dest"] = lambda *_: called.append(1)
    refused(data)
    data = BUILT_IN.to_dict() | {"on_enter": lambda *_: called.append(1)}
    refused(data)
    assert called == []


def test_too_many_sources_in_one_transition_are_rejected():
    data = BUILT_IN.to_dict()
    data["transitions"][0]["sources"] = ["new"] * 201
    assert refused(data) == "transitions[0].sources: at most 200 are allowed, got 201"


def deep(levels):
    nested = []
    for _ in range(levels):
        nested = [nested]
    return nested


HOSTILE = {
    "not toml": "states = [",
    "empty": "",
    "array too deep": "x = " + "[" * 100_000,
    "tables too deep": "x = " + "{a = " * 100_000,
    "decimal digits": "name = " + "9" * 5_000,
    "hex digits": "name = 0x" + "f" * 50_000,
    "dotted key": "a." * 400_000 + "a = 1",
    "dotted header": "[" + "a." * 400_000 + "a]",
    "dotted key behind a hash": '"#".' + "a." * 400_000 + "a = 1",
    "huge": "# filler\n" * 200_000,
    "code": SMALL.replace('dest = "end"', 'dest = "end"\nconditions = "os.system"'),
    "nested key": SMALL + '[[transitions]]\ntrigger.before = "x"\nsources = ["start"]\ndest = "end"\n',
    "null byte": SMALL.replace("small", "sm\0all"),
    "date": SMALL.replace('"small"', "2026-01-01"),
    "infinity": SMALL.replace('"small"', "inf"),
    "key twice": SMALL + 'dest = "start"\n',
    "two thousand and one": SMALL + '[[transitions]]\ntrigger = "x"\nsources = ["*"]\ndest = "="\n' * 2_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_toml_is_rejected_quickly_with_a_short_message(text):
    begun = time.monotonic()
    with pytest.raises(InvalidLifecycle) as caught:
        Lifecycle.compile(LifecycleSpec.from_toml(text))
    assert len(str(caught.value)) < 400
    assert time.monotonic() - begun < 20  # generous: it guards against quadratic work, not against a slow machine


@pytest.mark.parametrize("wrong", [None, b"name = 1", 3, {}])
def test_toml_that_is_not_text_is_rejected(wrong):
    with pytest.raises(InvalidLifecycle, match="the TOML text must be a string"):
        LifecycleSpec.from_toml(wrong)


def test_a_good_lifecycle_in_too_large_a_text_is_rejected():
    filler = "# filler\n"
    room = (1_000_000 - len(SMALL)) // len(filler)
    assert LifecycleSpec.from_toml(SMALL + filler * room).name == "small"
    with pytest.raises(InvalidLifecycle, match="at most 1000000 characters"):
        LifecycleSpec.from_toml(SMALL + filler * (room + 1))


def test_a_comment_may_hold_as_many_dots_as_it_likes():
    assert LifecycleSpec.from_toml("  # " + "." * 500 + SMALL).name == "small"


def test_nested_junk_is_rejected():
    assert refused(BUILT_IN.to_dict() | {"states": deep(10_000)})
    assert refused(BUILT_IN.to_dict() | {"transitions": [BUILT_IN.to_dict()]})


def test_a_huge_key_is_shortened_in_the_message():
    assert len(refused(BUILT_IN.to_dict() | {"k" * 1_000_000: 1})) < 300
