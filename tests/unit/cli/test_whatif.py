"""`supportkit whatif`: two policies over one log."""

from __future__ import annotations

import json

import pytest
from tests.docs import pages
from tests.unit.cli.test_commands import LOG, MAP, harmful
from tests.unit.replay.logs import write

WORKSHOP = ("--format", "csv", "--map", MAP)
DAYS = """
[[policies]]
id = "days"
fallback = true
targets = [{{ metric = "{metric}", target = "{target}" }}]
"""


@pytest.fixture
def policy(tmp_path):
    """Return a function that writes a policy and returns its option."""

    def write_policy(name, target="24h", metric="RESOLUTION", folder="."):
        (tmp_path / folder).mkdir(exist_ok=True)
        file = tmp_path / folder / name
        file.write_text(DAYS.format(metric=metric, target=target), encoding="utf-8")
        return "--policy", str(file)

    return write_policy


def test_two_policies_stand_side_by_side(cli, policy):
    result = cli("whatif", LOG, *WORKSHOP, *policy("long.toml", "1000d"), *policy("short.toml", "1m"))
    assert result.exit_code == 0
    assert "15 rows, 3 tickets of workshop, judged as of" in result.output
    assert "long.toml -> short.toml" in result.output
    rows = [line.split() for line in result.output.splitlines()]
    assert ["RESOLUTION", "3", "of", "3", "100.00", "%", "0", "of", "3", "0.00", "%"] in rows
    assert ["MET", "->", "BREACHED", "3"] in rows
    assert ["in", "3", "tickets"] in rows
    assert any(words[:4] == ["R-1", "RESOLUTION", "1/1", "MET"] for words in rows)


def test_json_has_the_same_numbers(cli, policy):
    result = cli("whatif", LOG, *WORKSHOP, *policy("long.toml", "1000d"), *policy("short.toml", "1m"), "--json")
    told = json.loads(result.stdout)
    assert (told["rows"], told["refused"], told["tickets"], told["left_out"]) == (15, 0, 3, [])
    assert told["base"]["policy"] == "long.toml"
    assert told["base"]["attainment"] == [{"metric": "RESOLUTION", "met": 3, "breached": 0, "open": 0, "rate": 1.0}]
    (tried,) = told["tried"]
    assert (tried["policy"], tried["met_to_breached"], tried["breached_to_met"]) == ("short.toml", 3, 0)
    assert (tried["changed_tickets"], len(tried["changes"])) == (3, 3)
    assert tried["verdicts"] == [{"before": "MET", "after": "BREACHED", "count": 3}]
    change = tried["changes"][0]
    assert (change["ticket"], change["metric"], change["instance"], change["cycle"]) == ("R-1", "RESOLUTION", 1, 1)
    assert (change["before"]["verdict"], change["after"]["verdict"]) == ("MET", "BREACHED")
    assert change["before"]["used"] == change["after"]["used"] > 0
    assert change["after"]["due"] < change["before"]["due"]
    for part in ("by_channel", "by_priority", "by_tier"):
        assert sum(row["met"] for row in told["base"][part]) == 3
    assert {row["priority"] for row in tried["by_priority"]} <= {"low", "normal", "high", "urgent"}


def test_the_same_file_twice_makes_no_difference(cli, policy):
    option = policy("same.toml", "1h")
    result = cli("whatif", LOG, *WORKSHOP, *option, *option)
    assert result.exit_code == 0
    assert "same.toml (1) -> same.toml (2)" in result.output
    assert "No verdict changes." in result.output


def test_more_than_two_are_each_held_against_the_first(cli, policy):
    options = [*policy("a.toml", "1000d"), *policy("b.toml", "1m"), *policy("a.toml", "1000d", folder="other")]
    told = json.loads(cli("whatif", LOG, *WORKSHOP, *options, "--json").stdout)
    assert [told["base"]["policy"], *(one["policy"] for one in told["tried"])] == ["a.toml (1)", "b.toml", "a.toml (3)"]
    assert [one["met_to_breached"] for one in told["tried"]] == [3, 0]


def test_the_list_of_changes_has_a_limit(cli, policy):
    options = [*policy("a.toml", "1000d"), *policy("b.toml", "1m"), "--limit-changes"]
    some = cli("whatif", LOG, *WORKSHOP, *options, "1").output
    assert "... and 2 more; --limit-changes says how many are listed" in some
    none = cli("whatif", LOG, *WORKSHOP, *options, "0").output
    assert "R-1" not in none
    assert "in 3 tickets" in none


def test_answers_are_left_out_because_logs_have_none(cli, policy):
    options = [*policy("a.toml"), *policy("b.toml", "1h", metric="FIRST_RESPONSE")]
    result = cli("whatif", LOG, *WORKSHOP, *options)
    assert "FIRST_RESPONSE is left out: a log has no messages" in result.output
    told = json.loads(cli("whatif", LOG, *WORKSHOP, *options, "--json").stdout)
    assert told["left_out"] == ["FIRST_RESPONSE"]
    assert told["tried"][0]["attainment"] == []


def test_open_tickets_are_judged_at_the_instant_that_was_asked_for(cli, policy, tmp_path):
    log = write(
        tmp_path, "R-1,01.02.2026 10:00,brought in,w,k,no,A", header="Order,When,Step,Bench,Mechanic,Rush,Owner"
    )
    options = [*policy("a.toml", "1h"), *policy("b.toml", "2h")]

    def counts(*more):
        told = json.loads(cli("whatif", str(log), *WORKSHOP, *options, "--json", *more).stdout)
        return [side["attainment"][0]["breached"] for side in (told["base"], told["tried"][0])]

    assert counts() == [0, 0]
    assert counts("--at", "01.02.2026 11:30") == [1, 0]
    assert counts("--at", "2026-02-01T12:30:00+01:00") == [1, 1]


def test_rows_that_cannot_be_read_are_named(cli, policy, tmp_path):
    log = write(
        tmp_path,
        "R-1,01.02.2026 10:00,brought in,w,k,no,A",
        "R-1,01.02.2026 10:00,\x1b[31mlost [b]it,w,k,no,A",
        header="Order,When,Step,Bench,Mechanic,Rush,Owner",
    )
    result = cli("whatif", str(log), *WORKSHOP, *policy("a.toml"), *policy("b.toml"))
    assert result.exit_code == 0
    assert "line 3, R-1: the state" in result.output
    assert harmful(result.output) == []


def test_nothing_is_stored(cli, policy, tmp_path):
    options = [*policy("a.toml"), *policy("b.toml")]
    before = sorted(tmp_path.iterdir())
    cli("whatif", LOG, *WORKSHOP, *options, SUPPORTKIT_DATABASE=f"sqlite:///{tmp_path}/desk.db")
    assert sorted(tmp_path.iterdir()) == before


def test_the_page_shows_what_the_command_prints(cli, tmp_path):
    page = pages.DOCS / "how-to/what-if.md"
    blocks = pages.blocks(page)
    for block in blocks:
        if block.title is not None:
            (tmp_path / block.title).write_text(block.text, encoding="utf-8")
    (command,) = [block.text for block in blocks if block.text.startswith("supportkit whatif")]
    _program, *words = command.split()
    printed = cli(*(str(tmp_path / word) if "." in word else word for word in words)).output
    (shown,) = [block.text for block in blocks if block.language == "text" and not block.is_output]
    told = [line.split() for line in printed.splitlines()]
    assert [line for line in shown.splitlines() if "─" not in line and line.split() not in told] == []


# -- how it ends when it is called wrongly ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing option"),
        (("a.toml",), "give at least two policy files"),
        (("a.toml", "b.toml", "--at", "noon"), "'noon' is no time"),
        (("a.toml", "b.toml", "--limit-changes", "-1"), "--limit-changes"),
        (("a.toml", "b.toml", "--map", MAP), "only --format csv takes a mapping"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_bad_usage_ends_with_2(cli, policy, arguments, said):
    given = [part for name in arguments if name.endswith(".toml") and name != MAP for part in policy(name)]
    rest = [part for part in arguments if part == MAP or not part.endswith(".toml")]
    kind = ("--format", "bpi2013") if MAP in arguments else WORKSHOP
    result = cli("whatif", LOG, *kind, *given, *rest)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("log", "second", "said"),
    [
        ("none.csv", "b.toml", "none.csv: the file cannot be read"),
        (LOG, "none.toml", "none.toml: the file cannot be read"),
        (MAP, "b.toml", "replay_mapping.toml"),
    ],
)
def test_an_error_is_one_sentence_and_ends_with_1(cli, policy, tmp_path, log, second, said):
    first, _ = policy("a.toml"), policy("b.toml")
    result = cli("whatif", log, *WORKSHOP, *first, "--policy", str(tmp_path / second))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert said in result.stderr


def test_a_log_in_which_nothing_happens_is_told(cli, policy, tmp_path):
    log = write(tmp_path, header="Order,When,Step,Bench,Mechanic,Rush,Owner")
    result = cli("whatif", str(log), *WORKSHOP, *policy("a.toml"), *policy("b.toml"))
    assert result.exit_code == 1
    assert "nothing happens in this log" in result.stderr
