"""Formats of logs as data: what is written can be read back, and every slip is told with its place."""

from __future__ import annotations

import copy
import pathlib

import attrs
import pytest
from tests.unit.replay.logs import FORMAT, PLAIN

from supportkit.errors import ConfigurationError
from supportkit.model.ticket import ClosingReason, Priority
from supportkit.replay import BUILT_IN, InvalidLogFormat, LogFormat, Meaning, built_in_format

EXAMPLE = pathlib.Path(__file__).parents[3] / "examples" / "replay_mapping.toml"


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_format_survives_the_way_through_plain_data(name):
    known = built_in_format(name)
    assert known.name == name
    assert LogFormat.from_dict(known.to_dict()) == known


def test_the_example_file_is_a_format():
    example = LogFormat.from_toml(EXAMPLE.read_text(encoding="utf-8"))
    assert LogFormat.from_dict(example.to_dict()) == example
    assert example.zone == "Europe/Vienna"


def test_a_format_is_frozen_and_compared_by_value():
    assert LogFormat.from_dict(copy.deepcopy(PLAIN)) == FORMAT
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        FORMAT.name = "other"


def test_one_state_column_may_be_written_without_a_list():
    assert FORMAT.columns.state == ("state",)


def test_what_is_left_out_has_a_default():
    bare = LogFormat.from_dict({"name": "bare", "columns": {"ticket": "a", "time": "b", "state": ["c"]}, "states": {}})
    assert (bare.times, bare.zone, bare.missing, bare.delimiter) == (("iso",), "UTC", ("",), ",")
    assert (bare.states, bare.tiers, bare.priorities) == ((), (), ())


def test_meanings_levels_and_priorities_are_read_into_our_own_words():
    assert dict(FORMAT.states)["Spam"] == Meaning(to="closed", reason=ClosingReason.SPAM)
    assert dict(FORMAT.states)["Look"] == Meaning(to="=", tag="seen")
    assert dict(FORMAT.tiers) == {"1": 1, "2": 2, "3": 3, "up": "+1", "down": "-1"}
    assert dict(FORMAT.priorities)["top"] is Priority.URGENT


def test_an_unknown_built_in_format_is_told_with_the_nearest_one():
    with pytest.raises(InvalidLogFormat, match="did you mean 'bpi2013'"):
        built_in_format("bpi2012")


def changed(path, value):
    plain = copy.deepcopy(PLAIN)
    *way, last = path
    inner = plain
    for step in way:
        inner = inner[step]
    inner[last] = value
    return plain


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("stats",), {}, "key 'stats' is unknown; did you mean 'states'"),
        (("columns", "tickett"), "x", "columns: key 'tickett' is unknown; did you mean 'ticket'"),
        (("columns", "state"), [], "at least one column"),
        (("columns", "state"), 7, "columns.state must be a list of strings, not int"),
        (("columns", "team"), None, "columns.team must be a string, not NoneType"),
        (("columns",), "id", "columns must be a table"),
        (("states",), [], "states must be a table"),
        (("states", "New"), "neww", "states.New.to 'neww' is unknown; did you mean 'new'"),
        (("states", "New"), {"too": "new"}, "states.New: key 'too' is unknown; did you mean 'to'"),
        (("states", "New"), {"tag": "x"}, "states.New has no 'to'"),
        (("states", "Done"), {"to": "resolved", "reason": "solve"}, "did you mean 'solved'"),
        (("states", "Done"), {"to": "resolved", "reason": "merged"}, "reason 'merged' is unknown"),
        (("states", "New"), {"to": "new", "reason": "spam"}, "a reason needs to = resolved or closed, not new"),
        (("states", "New"), {"to": "new", "tag": " "}, "states.New.tag must not be empty"),
        (("tiers", "1"), 6, "tiers.1 must be a tier from 1 to 5"),
        (("tiers", "1"), True, "tiers.1 must be a tier"),
        (("tiers", "1"), "+0", "tiers.1 must be a tier"),
        (("priorities", "low"), "lowest", "priorities.low 'lowest' is unknown; did you mean 'low'"),
        (("zone",), "Europe/Atlantis", "there is no zone 'Europe/Atlantis'"),
        (("zone",), "../etc", "zone '../etc' cannot be read"),
        (("delimiter",), "", "delimiter must be one ASCII character"),
        (("delimiter",), '"', "delimiter must be one ASCII character"),
        (("name",), "With Space", "1 to 32 of a-z"),
        (("name",), 3, "name must be a string, not int"),
        (("times",), "iso", "times must be a list of strings"),
    ],
)
def test_a_slip_is_told_with_its_place(path, value, said):
    with pytest.raises(InvalidLogFormat) as caught:
        LogFormat.from_dict(changed(path, value))
    assert said in str(caught.value)
    assert caught.value.code == "replay.format"


@pytest.mark.parametrize("key", ["name", "columns", "states"])
def test_what_a_format_needs_is_asked_for(key):
    plain = copy.deepcopy(PLAIN)
    del plain[key]
    with pytest.raises(InvalidLogFormat, match=f"has no '{key}'"):
        LogFormat.from_dict(plain)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "not TOML"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("#" * 1_000_001, "has 1000001"),
        ("n = 1" + "0" * 5000, "not TOML"),
    ],
)
def test_a_text_that_is_no_format_is_refused(text, said):
    with pytest.raises(ConfigurationError, match=said):
        LogFormat.from_toml(text)
