"""`supportkit replay` on logs that say what was promised: the section "Promises"."""

from __future__ import annotations

import json
import pathlib

import pytest
from tests.unit.cli.test_commands import LOG, MAP, harmful
from tests.unit.replay.city import CITY, HEADER, request
from tests.unit.replay.logs import write

from supportkit.cli.terminal import percent

POLICIES = pathlib.Path(__file__).parents[3] / "examples" / "policies"
BOSTON_HEADER = (
    "CASE_ENQUIRY_ID,OPEN_DT,TARGET_DT,CLOSED_DT,OnTime_Status,CASE_STATUS,SUBJECT,REASON,TYPE,QUEUE,Department,Source"
)
LAMP = "1,01/05/2015 10:00:00 AM,01/06/2015 10:00:00 AM,{closed},{flag},{state},S,R,CE Collection,Q,D,App"


def lamp(closed="", flag="ONTIME"):
    return LAMP.format(closed=closed, flag=flag, state="Closed" if closed else "Open")


@pytest.fixture
def city(tmp_path):
    """Return a mapping of the invented city as TOML, and its log."""
    plain = CITY.to_dict()
    lines = [f"{key} = {json.dumps(plain[key])}" for key in ("name", "times", "zone", "missing", "delimiter")]
    for table in ("columns", "states", "promise"):
        lines.append(f"[{table}]")
        for key, value in plain[table].items():
            shown = json.dumps(value) if not isinstance(value, dict) else "{ type = 'type' }"
            lines.append(f"{json.dumps(key)} = {shown}")
    mapping = tmp_path / "city.toml"
    mapping.write_text("\n".join(lines), encoding="utf-8")
    rows = (
        request("A", "05 10:00", "06 10:00", "06 10:00", "ok"),
        request("B", "05 10:00", "06 11:00", "06 10:00", "ok"),
        request("C", "05 10:00", "07 10:00", "", "\x1b[31modd"),
    )
    return str(mapping), str(write(tmp_path, *rows, header=HEADER))


def url(tmp_path):
    return f"sqlite:///{tmp_path}/desk.db"


def test_a_mapping_of_your_own_may_say_what_was_promised(cli, tmp_path, city):
    mapping, log = city
    result = cli("replay", log, "--format", "csv", "--map", mapping, "--database", url(tmp_path))
    assert result.exit_code == 0
    assert "Promises of 2 cases, as of Tue 6 Jan 2026 11:00 in America/New_York" in result.output
    rows = [line.split() for line in result.output.splitlines()]
    assert ["1", "2", "50.00", "%"] in [words[-4:] for words in rows]
    assert "line 4, C: the label" in result.output
    assert harmful(result.output) == []


def test_json_has_the_same_numbers(cli, tmp_path, city):
    mapping, log = city
    result = cli("replay", log, "--format", "csv", "--map", mapping, "--json", "--database", url(tmp_path))
    promises = json.loads(result.stdout)["promises"]
    assert promises["at"] == "2026-01-06T16:00:00+00:00"
    assert promises["due"] == promises["labelled"] == {
        "closed": {"same": 1, "of": 2}, "open": {"same": 0, "of": 0}, "late": 1,
    }  # fmt: skip
    assert (promises["cases"], promises["refusals"], promises["policy"]) == (2, {"replay.unknown_value": 1}, None)


def test_a_log_that_promises_nothing_has_no_such_section(cli, tmp_path):
    result = cli("replay", LOG, "--format", "csv", "--map", MAP, "--database", url(tmp_path))
    assert "Promises" not in result.output
    result = cli("replay", LOG, "--format", "csv", "--map", MAP, "--json", "--database", url(tmp_path))
    assert "promises" not in json.loads(result.stdout)


def test_a_policy_needs_a_log_that_promises_something(cli, tmp_path):
    policy = str(POLICIES / "uci.toml")
    result = cli("replay", LOG, "--format", "csv", "--map", MAP, "--policy", policy, "--database", url(tmp_path))
    assert result.exit_code == 2
    assert "does not say what its log promises" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("policy", "text", "said"),
    [
        ("none.toml", None, "none.toml: the file cannot be read"),
        ("bad.toml", "policies = [", "bad.toml: not a TOML file"),
        ("bad.toml", "polices = []", "bad.toml: 'polices' is not a key"),
        ("bad.toml", '[calendars.x]\ntimezone = "Mars/Base"', "bad.toml: "),
        ("bad.toml", "a = " + "[" * 100_000, "bad.toml: "),
        ("bad.toml", "#" * 1_000_001, "bad.toml: a file of policies has at most"),
    ],
)
def test_a_policy_that_cannot_be_read_is_one_sentence_and_makes_no_database(cli, tmp_path, policy, text, said):
    log = write(tmp_path, lamp(), header=BOSTON_HEADER)
    file = tmp_path / policy
    if text is not None:
        file.write_text(text, encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    result = cli("replay", str(log), "--format", "boston311", "--policy", str(file), "--database", url(tmp_path))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert said in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_log_without_the_columns_of_its_promises_is_played_without_the_section(cli, tmp_path):
    header, row = (",".join(text.split(",")[:2] + text.split(",")[3:]) for text in (BOSTON_HEADER, lamp()))
    log = str(write(tmp_path, row, header=header))
    result = cli("replay", log, "--format", "boston311", "--database", url(tmp_path))
    assert result.exit_code == 0
    assert "1 rows, 1 tickets of boston311" in result.output
    assert "Promises" not in result.output
    asked = cli(
        "replay",
        log,
        "--format",
        "boston311",
        "--policy",
        str(POLICIES / "boston311.toml"),
        "--database",
        url(tmp_path),
    )
    assert asked.exit_code == 1
    assert "no column 'TARGET_DT'" in asked.stderr


def open_ones(cli, tmp_path, *more):
    log = write(tmp_path, lamp(flag="OVERDUE"), header=BOSTON_HEADER)
    result = cli("replay", str(log), "--format", "boston311", "--json", "--database", url(tmp_path), *more)
    return json.loads(result.stdout)["promises"]


def test_open_requests_are_judged_when_the_file_of_2015_was_written(cli, tmp_path):
    assert open_ones(cli, tmp_path)["at"] == "2016-01-13T03:22:40+00:00"
    assert open_ones(cli, tmp_path)["due"]["open"] == {"same": 1, "of": 1}


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("01/06/2015 10:00:00 AM", 0),
        ("01/06/2015 10:00:01 AM", 1),
        ("2015-01-06T10:00:01", 1),
        ("2015-01-06T14:00:00+00:00", 0),
        ("2015-01-06T15:00:01Z", 1),
    ],
)
def test_another_instant_may_be_asked_for(cli, tmp_path, text, same):
    assert open_ones(cli, tmp_path, "--at", text)["due"]["open"]["same"] == same


def test_what_is_no_instant_is_bad_usage(cli, tmp_path):
    log = write(tmp_path, lamp(), header=BOSTON_HEADER)
    result = cli("replay", str(log), "--format", "boston311", "--at", "noon", "--database", url(tmp_path))
    assert result.exit_code == 2
    assert "'noon' is no time" in result.output


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "-"), (0, 3, "0.00 %"), (3, 3, "100.00 %"), (1, 3, "33.33 %"), (2, 3, "66.67 %"), (1, 8, "12.50 %"),
        (1, 20_000, "0.01 %"), (1190, 1197, "99.42 %"), (1044, 1046, "99.81 %"), (254, 255, "99.61 %"),
    ],
)  # fmt: skip
def test_shares_are_rounded_half_up(part, whole, text):
    assert percent(part, whole) == text


def test_a_log_of_labels_has_the_section_with_a_policy_only(cli, tmp_path):
    header = "number,incident_state,made_sla,opened_at,sys_updated_at,contact_type,priority,assignment_group,closed_at"
    row = "INC1,Closed,true,29/2/2016 09:02,7/3/2016 15:00,Phone,3 - Moderate,Group 70,7/3/2016 15:00"
    command = ("replay", str(write(tmp_path, row, header=header)), "--format", "uci", "--database", url(tmp_path))
    assert "Promises" not in cli(*command).output
    asked = " ".join(cli(*command, "--policy", str(POLICIES / "uci.toml")).output.split())
    assert "by uci.toml: closed (0 late) 1 1 100.00 %" in asked
    assert "by the due time of the log" not in asked
