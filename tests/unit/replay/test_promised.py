"""The tables `fields` and `promise` of a format, and the column that says when a case was over."""

from __future__ import annotations

import copy

import pytest
from tests.unit.replay.logs import FORMAT, PLAIN

from supportkit.replay import InvalidLogFormat, LogFormat, RecordedPromise, built_in_format

PROMISE = {
    "closed": "shut",
    "due": "until",
    "label": "flag",
    "on_time": ["ok", "fine"],
    "late": ["late"],
    "kind": "type",
    "as_of": "2026-02-01T00:00:00",
}


def with_(promise=None, **columns):
    plain = copy.deepcopy(PLAIN)
    plain["columns"] |= columns
    if promise is not None:
        plain["promise"] = promise
    return LogFormat.from_dict(plain)


def test_a_promise_is_read_and_written_back():
    found = with_(PROMISE)
    assert found.promise == RecordedPromise(
        closed="shut",
        due="until",
        label="flag",
        on_time=("ok", "fine"),
        late=("late",),
        kind="type",
        as_of="2026-02-01T00:00:00",
    )
    assert found.to_dict()["promise"] == PROMISE
    assert LogFormat.from_dict(found.to_dict()) == found
    assert found.promise.columns == ("shut", "until", "flag", "type")


def test_a_format_without_promises_has_none():
    assert FORMAT.promise is None
    assert "promise" not in FORMAT.to_dict()


def test_the_column_that_ends_a_case_also_says_when_its_promise_was_kept():
    assert with_({"due": "until"}, ended="shut").promise.closed == "shut"
    assert with_({"due": "until", "closed": "other"}, ended="shut").promise.closed == "other"


@pytest.mark.parametrize(
    ("promise", "said"),
    [
        ({"due": "until"}, "promise.closed is missing"),
        ({"closed": "shut"}, "a column `due`, a column `label`, or both"),
        ({"closed": "shut", "label": "flag"}, "a label needs the words"),
        ({"closed": "shut", "label": "flag", "late": ["late"]}, "a label needs the words"),
        ({"closed": "shut", "label": "flag", "on_time": ["ok"], "late": []}, "a label needs the words"),
        ({"closed": "shut", "due": "until", "on_time": ["ok"], "late": ["late"]}, "these words need a label"),
        ({"closed": "shut", "due": "until", "late": ["late"]}, "these words need a label"),
        ({**PROMISE, "late": ["ok"]}, "'ok' cannot mean both"),
        ({**PROMISE, "late": "late"}, "promise.late must be a list of strings"),
        ({**PROMISE, "due": 7}, "promise.due must be a string, not int"),
        ({**PROMISE, "dew": "x"}, "key 'dew' is unknown; did you mean 'due'"),
        ({**PROMISE, "as_of": "yesterday"}, "promise.as_of 'yesterday' fits none of the formats"),
        ("due", "promise must be a table"),
    ],
)
def test_a_slip_in_a_promise_is_told(promise, said):
    with pytest.raises(InvalidLogFormat, match=said):
        with_(promise)


def test_custom_fields_are_read_and_written_back():
    found = with_(fields={"type": "TYPE", "why": "REASON"}, ended="shut")
    assert found.columns.fields == (("type", "TYPE"), ("why", "REASON"))
    assert found.columns.ended == "shut"
    assert {"TYPE", "REASON", "shut"} <= set(found.columns.all)
    assert LogFormat.from_dict(found.to_dict()) == found


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"": "TYPE"}, "'' is no name of a custom field"),
        ({" type": "TYPE"}, "is no name of a custom field"),
        ({"a\x1bb": "TYPE"}, "is no name of a custom field"),
        ({"t" * 201: "TYPE"}, "is no name of a custom field"),
        ({"type": 7}, "columns.fields.type must be a string"),
        (["type"], "columns.fields must be a table"),
    ],
)
def test_a_slip_in_the_fields_is_told(fields, said):
    with pytest.raises(InvalidLogFormat, match=said):
        with_(fields=fields)


def test_the_promises_of_the_built_in_formats():
    assert built_in_format("bpi2013").promise is None
    assert built_in_format("boston311").promise.due == "TARGET_DT"
    assert (built_in_format("uci").promise.due, built_in_format("uci").promise.late) == (None, ("false",))
