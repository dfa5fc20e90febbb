"""Policies as values and files: what is read, what is written, what is refused with which suggestion."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from tests.unit.sla.desk import policy

from supportkit.errors import ConfigurationError, InvalidPolicy
from supportkit.model.ticket import Priority
from supportkit.sla import (
    DEFAULT_POLICY,
    Metric,
    Policy,
    Row,
    ServiceLevels,
    read_duration,
    select,
    write_duration,
)
from supportkit.sla.thresholds import read_threshold

MISSPELT = """
[[policies]]
id = "p"
calendar = "offise"
[calendars.office]
timezone = "UTC"
[calendars.office.hours]
mon = [["09:00", "10:00"]]
"""
EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples/policies").glob("*.toml"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30m", 1800), ("12h", 43200), ("3d", 259200), ("90s", 90), ("1h30m", 5400), ("PT12H", 43200), ("P1DT1H", 90000),
     ("PT0.5S", 0.5), (" 2h ", 7200)],
)  # fmt: skip
def test_durations_are_read_and_written(text, seconds):
    duration = read_duration(text, "target")

    assert duration == dt.timedelta(seconds=seconds)
    assert read_duration(write_duration(duration), "target") == duration


@pytest.mark.parametrize("text", ["", "h", "12", "P", "PT", "1.5h", "-1h", "1y", "٣h", 12, None, True, "9" * 40 + "d"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InvalidPolicy, match="is no duration"):
        read_duration(text, "target")


@pytest.mark.parametrize(
    ("text", "id_", "point"),
    [("80%", "80%", 2880), ("080%", "80%", 2880), ("12.50%", "12.5%", 450), ("-30m", "-1800s", 1800),
     ("+1h", "+3600s", 7200), ("-2h", "-7200s", 0)],
)  # fmt: skip
def test_thresholds_are_points_on_an_hour(text, id_, point):
    threshold = read_threshold(text, "warnings")

    assert (threshold.id, threshold.point(3_600_000_000)) == (id_, point * 1_000_000)


def test_a_share_is_rounded_up_to_the_microsecond():
    assert read_threshold("33.3%", "warnings").point(10) == 4


@pytest.mark.parametrize("text", ["80", "0%", "-", "30m", "%", 80, "1e2%"])
def test_what_is_no_threshold_is_refused(text):
    with pytest.raises(InvalidPolicy):
        read_threshold(text, "warnings")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_files_dicts_and_values_are_inverse(path):
    levels = ServiceLevels.from_toml(path.read_text(encoding="utf-8"))

    assert ServiceLevels.from_dict(levels.to_dict()) == levels
    assert [Policy.from_dict(item.to_dict()).revision for item in levels.policies] == [
        item.revision for item in levels.policies
    ]


def test_the_built_in_policy_is_its_own_dict():
    assert Policy.from_dict(DEFAULT_POLICY.to_dict()) == DEFAULT_POLICY


def test_the_revision_follows_the_content():
    assert policy({"RESOLUTION": 1}).revision == policy({"RESOLUTION": 1}).revision
    assert policy({"RESOLUTION": 1}).revision != policy({"RESOLUTION": 2}).revision


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"calender": "x"}, "did you mean 'calendar'"),
        ({"metrics": {"RESOLUTON": {}}}, "did you mean 'RESOLUTION'"),
        ({"metrics": {"RESOLUTION": {"pause": []}}}, "did you mean 'pauses'"),
        ({"metrics": {"RESOLUTION": {"pauses": ["waiting_costumer"]}}}, "did you mean 'waiting_customer'"),
        ({"metrics": {"RESOLUTION": {"reopen": "cycle"}}}, "did you mean 'new_cycle'"),
        ({"metrics": {"RESOLUTION": {"end": "done"}}}, "allowed: resolved, closed"),
        ({"metrics": {"RESOLUTION": {"kept_by": "response"}}}, "does nothing for RESOLUTION"),
        ({"metrics": {"RESOLUTION": {"bots_count": 1}}}, "true or false"),
        ({"metrics": {"RESOLUTION": {"warnings": "80%"}}}, "a list is needed"),
        ({"metrics": {"RESOLUTION": {"warnings": ["soon"]}}}, "is no threshold"),
        ({"targets": [{"metric": "RESOLUTION"}]}, "needs 'target'"),
        ({"targets": [{"metric": "RESOLUTION", "target": "0s"}]}, "is not positive"),
        ({"targets": [{"metric": "RESOLUTION", "target": "1h", "priority": "high-ish"}]}, "there are: low"),
        ({"targets": [{"metric": "RESOLUTION", "target": "1h", "tier": 0}]}, "tier"),
        (
            {"targets": [{"metric": "RESOLUTION", "target": "1h", "channel": "a", "channel_class": "chat"}]},
            "one of them",
        ),
        ({"targets": [{"metric": "RESOLUTION", "target": "2024-01-01T00:00:00"}]}, "no offset"),
        ({"condition": {"tags": []}}, "without a value it never holds"),
        ({"condition": {"tags": [1.5]}}, "texts and whole numbers only"),
        ({"tiers": {"x": "days"}}, "a number from 1 on"),
        ({"id": ""}, "a name of 1 to"),
        ({"calendar": None}, "a name of 1 to"),
    ],
)
def test_what_is_wrong_is_refused_with_a_hint(change, sentence):
    with pytest.raises(InvalidPolicy, match=sentence):
        Policy.from_dict({"id": "p", **change})


def test_the_error_is_one_of_configuration():
    assert issubclass(InvalidPolicy, ConfigurationError)
    assert issubclass(InvalidPolicy, ValueError)
    assert InvalidPolicy.code == "configuration.policy"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("policies = 3", "a list is needed"),
        (MISSPELT, "did you mean 'office'"),
        ("policy = []", "did you mean 'policies'"),
        ("= nonsense", "not a TOML file"),
        ("[channels]\nfax = 'paper'", "allowed: email, chat"),
        ("[[policies]]\nid = 'p'\n[[policies]]\nid = 'p'", "given twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_refused_with_a_hint(text, sentence):
    with pytest.raises(InvalidPolicy, match=sentence):
        ServiceLevels.from_toml(text)


def test_the_first_policy_whose_condition_holds_is_chosen():
    vip = policy({}, id="vip", condition={"tags": ["vip"], "priority": ["high", "urgent"]})
    rest = policy({}, id="rest")

    def chosen(**subject):
        return select([vip, rest], subject).id

    assert chosen(tags=("new", "vip"), priority=Priority.URGENT) == "vip"
    assert chosen(tags=("vip",), priority=Priority.LOW) == "rest"
    assert chosen(priority=Priority.URGENT) == "rest"
    assert select([vip], {}) is None


def test_a_row_may_be_written_in_words():
    row = Row(metric="resolution", target="2h", priority="high")

    assert (row.metric, row.target, row.priority) == (Metric.RESOLUTION, dt.timedelta(hours=2), Priority.HIGH)
    assert str(row) == "RESOLUTION (high)"


def test_service_levels_know_the_classes_of_channels():
    levels = ServiceLevels()

    assert [levels.channel_class(name) for name in ("email", "telegram", "pigeon")] == ["email", "messenger", "other"]
    assert levels.policies == (DEFAULT_POLICY,)
