"""`supportkit calendar` and `supportkit policy lint`."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sqlite3

import pytest

POLICIES = pathlib.Path(__file__).parents[3] / "examples" / "policies"
NIGHT = {"timezone": "Europe/Berlin", "hours": {"fri": [["22:00", "06:00"]]}, "holidays": ["2025-04-18"]}


def test_a_calendar_shows_its_week_its_months_and_its_holidays(cli, tmp_path):
    file = tmp_path / "night.json"
    file.write_text(json.dumps(NIGHT))
    result = cli("calendar", str(file), "--year", "2025")
    assert result.exit_code == 0
    assert "night: Europe/Berlin" in result.output
    assert "holidays of 2025: 2025-04-18" in result.output
    rows = {words[0]: words[1:] for words in map(str.split, result.output.splitlines()) if len(words) == 3}
    # Four Fridays, of which one is a holiday: its evening is gone, the morning after belongs to Saturday.
    assert rows["2025-04"] == ["7", "30:00"]
    # The clock goes forward in the night of Sunday 30 March, not in one of these.
    assert rows["2025-03"] == ["9", "38:00"]


def test_each_calendar_of_a_file_of_service_levels_is_shown(cli):
    result = cli("calendar", str(POLICIES / "two_lines.toml"), "--year", "2026")
    assert result.exit_code == 0
    assert "office: Europe/Berlin" in result.output
    assert "second_line: Europe/Berlin" in result.output
    assert "2036:00" in result.output


def test_holidays_that_are_not_known_any_more_are_told(cli):
    assert "known until 2016-01-15 only" in cli("calendar", str(POLICIES / "boston311.toml"), "--year", "2026").output


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", "timezone = ", "cannot be read"),
        ("a.json", "[" * 100_000, "cannot be read"),
        ("a.json", "[1]", "holds no table"),
        ("a.toml", "calendars = 7", "at least one calendar"),
        ("a.json", json.dumps({**NIGHT, "timezone": "Mars/Base"}), "Mars/Base"),
        ("a.json", json.dumps({"timezone": "UTC", "hours": {}}), "never opens"),
    ],
)
def test_a_file_without_a_calendar_is_one_sentence(cli, tmp_path, name, text, said):
    file = tmp_path / name
    file.write_text(text)
    result = cli("calendar", str(file))
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output


def test_advice_about_policies_ends_well(cli):
    result = cli("policy", "lint", str(POLICIES / "boston311.toml"))
    assert result.exit_code == 0
    assert "L15" in result.output


def test_policies_that_would_be_refused_end_with_1(cli, tmp_path):
    file = tmp_path / "p.toml"
    file.write_text(
        '[[policies]]\nid = "all"\nfallback = true\ntargets = [{ metric = "RESOLUTION", target = "8h" }]\n'
        '[[policies]]\nid = "late"\ncondition = { tags = ["vip"] }\n'
    )
    result = cli("policy", "lint", str(file))
    assert result.exit_code == 1
    assert "L01" in result.output


@pytest.mark.parametrize("text", ["policies = 7", "polices = []", "\x00", "a" * 2_000_000])
def test_a_file_that_is_no_policy_is_one_sentence(cli, tmp_path, text):
    file = tmp_path / "p.toml"
    file.write_text(text)
    result = cli("policy", "lint", str(file))
    assert result.exit_code == 1
    assert result.output.startswith("supportkit: ")
    assert "Traceback" not in result.output


# -- looking changes nothing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("tickets",), ("show", "1"), ("check",)])
def test_the_database_of_another_app_is_left_alone(cli, tmp_path, command):
    file = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE orders (x)")
        connection.commit()
    before = file.read_bytes()
    result = cli(*command, "--database", f"sqlite:///{file}")
    assert result.exit_code == 1
    assert "is no database of supportkit" in result.output
    assert file.read_bytes() == before


def test_a_misspelt_state_is_bad_usage(cli, url):
    result = cli("tickets", "--state", "opn", "--database", url)
    assert result.exit_code == 2
    assert "there is no state 'opn'" in result.output
