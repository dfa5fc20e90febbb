"""The commands: what they print, how they end, and that an error is one sentence."""

from __future__ import annotations

import json
import pathlib
import sqlite3
import unicodedata

import pytest
from tests.unit.cli.conftest import HOSTILE

from supportkit import Desk

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples"
LOG, MAP = str(EXAMPLES / "replay_log.csv"), str(EXAMPLES / "replay_mapping.toml")
COMMANDS = (
    "demo",
    "replay",
    "whatif",
    "tickets",
    "show",
    "explain",
    "lifecycle",
    "plugins",
    "check",
    "calendar",
    "policy",
    "work",
    "escalations",
    "regulation",
)


def harmful(text):
    return [c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf"}]


# -- help and usage ----------------------------------------------------------------------------------------------------


def test_help_names_every_command(cli):
    shown = cli("--help").output
    assert [name for name in COMMANDS if name not in shown] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(cli, name):
    result = cli(name, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing",),
        ("tickets", "--limit", "0"),
        ("tickets", "--priority", "soon"),
        ("replay", LOG),
        ("replay", LOG, "--format", "xes"),
        ("replay", LOG, "--format", "csv"),
        ("replay", LOG, "--format", "bpi2013", "--map", MAP),
        ("replay", LOG, "--format", "csv", "--map", MAP, "--batch", "0"),
        ("work", "--poll", "0"),
        ("work", "--poll", "soon"),
        ("show",),
        ("show", "1", "--zone", "Nowhere"),
    ],
    ids=" ".join,
)
def test_bad_usage_ends_with_2(cli, url, arguments):
    result = cli(*arguments, SUPPORTKIT_DATABASE=url)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "99"), "no ticket 99"),
        (("show", "9" * 40), "no ticket"),
        (("show", "nobody"), "no ticket 'nobody'"),
        (("lifecycle", "--file", "none.toml"), "none.toml: the file cannot be read: No such file"),
        (("lifecycle", "--file", LOG), "the lifecycle is not TOML"),
        (("replay", "none.csv", "--format", "uci"), "none.csv: the file cannot be read: No such file"),
        (("replay", LOG, "--format", "uci"), "the header has no column 'number'"),
        (("replay", LOG, "--format", "csv", "--map", LOG), "the format is not TOML"),
        (("tickets", "--database", "oracle://x"), "no storage for 'oracle' databases"),
        (("tickets", "--database", "nonsense"), "the database URL cannot be read"),
        (("check", "--database", "sqlite:///nowhere/desk.db"), "there is no database 'desk.db'"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_an_error_of_ours_is_one_sentence_and_ends_with_1(cli, url, arguments, said):
    result = cli(*arguments, SUPPORTKIT_DATABASE=url)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


def test_looking_at_a_database_that_is_not_there_makes_none(cli, tmp_path):
    assert cli("tickets", "--database", f"sqlite:///{tmp_path}/typo.db").exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_slip_in_the_name_of_a_log_makes_no_database(cli, tmp_path):
    cli("replay", "none.csv", "--format", "uci", "--database", f"sqlite:///{tmp_path}/new.db")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_told(cli, tmp_path):
    (tmp_path / "desk.db").write_bytes(b"no database at all" * 100)
    result = cli("check", "--database", f"sqlite:///{tmp_path}/desk.db")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


# -- tickets -----------------------------------------------------------------------------------------------------------


def test_tickets_are_listed_in_one_line_each(cli, url):
    result = cli("tickets", "--database", url)
    assert result.exit_code == 0
    assert "Broken chain" in result.stdout
    assert "自行车坏了" in result.stdout
    assert harmful(result.stdout) == []
    assert "[bold]text[/] :smile:" in result.stdout


def test_the_database_may_come_from_the_environment(cli, url):
    assert "Broken chain" in cli("tickets", SUPPORTKIT_DATABASE=url).stdout


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ((), [1, 2, 3]),
        (("--state", "new"), [2]),
        (("--state", "new", "--state", "resolved"), [2, 3]),
        (("--team", "gears"), [1]),
        (("--assignee", "lee"), [2]),
        (("--tag", "wheels"), [1]),
        (("--text", "chain"), [1]),
        (("--text", "自行车"), [2]),
        (("--priority", "HIGH"), [1]),
        (("--customer", "nobody"), []),
        (("--limit", "2"), [1, 2]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_filters_choose_tickets(cli, url, filters, numbers):
    result = cli("tickets", *filters, "--json", "--database", url)
    assert [ticket["number"] for ticket in json.loads(result.stdout)] == numbers
    assert harmful(result.stdout) == []


def test_json_says_what_a_ticket_is(cli, url):
    ticket = json.loads(cli("tickets", "--json", "--database", url).stdout)[2]
    assert (ticket["subject"], ticket["state"], ticket["reason"]) == (HOSTILE, "resolved", "solved")
    assert ticket["resolved_at"] == "2026-01-05T09:05:00+00:00"


def test_a_full_page_says_that_there_is_more(cli, url):
    assert "There are more" in cli("tickets", "--limit", "1", "--database", url).stdout
    assert "There are more" not in cli("tickets", "--database", url).stdout


def test_no_tickets_are_no_table(cli, url):
    assert cli("tickets", "--state", "pending", "--database", url).stdout == "No tickets.\n"


# -- show --------------------------------------------------------------------------------------------------------------


def test_show_tells_what_happened(cli, url):
    result = cli("show", "1", "--database", url)
    assert result.exit_code == 0
    shown = result.stdout
    for part in (
        "Ticket 1  Broken chain",
        "customer Ann [red]Lee[/]",
        "Mon 5 Jan 2026 09:00",
        "opened by chat, high, L1; message by chat",
        "start: new -> open; answer by chat (pending)",
        "[internal] note for lee",
        "ask the vendor",
        "handed up from L1 to L2, team gears: the chain",
    ):
        assert part in shown
    assert harmful(shown) == []


def test_show_tells_the_times_in_a_zone(cli, url):
    assert "Mon 5 Jan 2026 17:00" in cli("show", "1", "--zone", "Asia/Shanghai", "--database", url).stdout


def test_show_takes_an_id_too(cli, url):
    with Desk(url) as desk:
        known = desk.get(2).id
    assert "Ticket 2" in cli("show", known, "--database", url).stdout


# -- lifecycle, plugins, check -----------------------------------------------------------------------------------------


def test_the_built_in_lifecycle_is_shown(cli):
    shown = cli("lifecycle").stdout
    assert "waiting_customer" in shown
    assert "reopen -> open" in shown


def test_a_lifecycle_from_a_file_is_drawn(cli):
    own = next((EXAMPLES / "lifecycles").glob("*.toml"))
    result = cli("lifecycle", "--file", str(own), "--mermaid")
    assert result.exit_code == 0
    assert "stateDiagram-v2" in result.stdout


@pytest.mark.parametrize("option", ["--discover", "--no-discover"])
def test_plug_ins_are_listed(cli, option):
    result = cli("plugins", option)
    assert result.exit_code == 0
    assert "lug-in" in result.stdout


def test_a_sound_database_passes_the_check(cli, url):
    result = cli("check", "--deep", "--database", url)
    assert result.exit_code == 0
    assert "3 tickets, each row is the fold of its log" in result.stdout


def test_a_ticket_that_differs_from_its_log_fails_the_check(cli, url):
    with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
        raw.execute("UPDATE supportkit_ticket SET state = 'closed' WHERE number = 2")
    raw.close()
    assert cli("check", "--database", url).exit_code == 0
    result = cli("check", "--deep", "--database", url)
    assert result.exit_code == 1
    assert "1 of 3 tickets differ from their logs: 2" in result.stdout


# -- replay ------------------------------------------------------------------------------------------------------------


def test_the_example_log_is_played_by_its_mapping(cli, tmp_path):
    where = f"sqlite:///{tmp_path}/desk.db"
    result = cli("replay", LOG, "--format", "csv", "--map", MAP, "--database", where)
    assert result.exit_code == 0
    assert "15 rows, 3 tickets of workshop" in result.stdout
    assert "reopened to on the bench" in result.stdout
    again = json.loads(cli("replay", LOG, "--format", "csv", "--map", MAP, "--json", "--database", where).stdout)
    assert (again["rows"], again["already_there"], again["refused"]) == (15, 15, 0)
    assert again["states"] == {"closed": 1, "resolved": 2}
    assert (again["resolutions"], again["reopenings"]) == (4, 1)
    assert again["level_changes"] == {"L1>L2": 1}


def test_refused_rows_are_counted_and_named(cli, tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(
        "Order,When,Step,Bench,Mechanic,Rush,Owner\n"
        "R-9,01.02.2026 10:00,brought in,w,k,no,A\n"
        "R-9,01.02.2026 11:00,\x1b[31mlost [b]it,w,k,no,A\n",
        encoding="utf-8",
    )
    where = f"sqlite:///{tmp_path}/desk.db"
    result = cli("replay", str(log), "--format", "csv", "--map", MAP, "--database", where)
    assert result.exit_code == 0
    assert "replay.unknown_value" in result.stdout
    assert "line 3, R-9: the state" in result.stdout
    assert harmful(result.stdout) == []


def test_a_broken_log_names_file_and_line(cli, tmp_path):
    log = tmp_path / "cut.csv"
    log.write_text("Order,When,Step,Bench,Mechanic,Rush,Owner\nR-9,01.02.2026", encoding="utf-8")
    result = cli("replay", str(log), "--format", "csv", "--map", MAP, "--database", f"sqlite:///{tmp_path}/desk.db")
    assert result.exit_code == 1
    assert "cut.csv, line 2: 2 cells where the header has 7" in result.stderr


# -- demo --------------------------------------------------------------------------------------------------------------


def test_the_demo_is_always_the_same_and_short_enough_to_read(cli):
    first = cli("demo")
    assert first.exit_code == 0
    assert first.stdout == cli("demo").stdout
    assert 40 <= first.stdout.count("\n") <= 100
    for part in (
        "Ann",
        "Иван",
        "李雷",
        "мы получили Ваше обращение",
        "[chat] to @lilei:",
        "handed up from L1 to L2",
        "escalation late-answer, level 1 tells lee, nora",
        "[email] to desk@carrier.example:",
        "reopen",
        "merged",
    ):
        assert part in first.stdout


def test_the_demo_shows_a_warning_a_breach_a_pause_and_an_explanation(cli):
    said = cli("demo").stdout
    for part in (
        "09:44  WARNING: next response, 80% of the target used, ticket 2",
        "09:50  BREACH: next response of 30 min missed, ticket 2",
        "8 min   paused    waiting_customer",
        "resolution: stopped, met",
        "# counted  . closed  h holiday  = paused  - halted",
    ):
        assert part in said


def test_wide_characters_keep_the_table_straight(cli):
    from rich.cells import cell_len

    lines = cli("demo").stdout.splitlines()
    start = next(index for index, text in enumerate(lines) if text.startswith(" No."))
    assert len({cell_len(text) for text in lines[start : start + 6]}) == 1


# -- support lines -----------------------------------------------------------------------------------------------------


def test_the_rules_of_a_file_are_shown_and_checked(cli):
    shown = cli("escalations", str(EXAMPLES / "lines" / "support-lines.toml"))
    assert shown.exit_code == 0
    assert [part for part in ("silent-vendor", "hierarchical", "Nothing is wrong.") if part not in shown.output] == []


def test_a_rule_that_cannot_work_is_named_and_the_command_ends_with_one(cli, tmp_path):
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\nid = "a"\nwhen = { priority = "high" }\nlevels = [{ actions = [{ move = 9 }] }]\n')
    shown = cli("escalations", str(file))
    assert shown.exit_code == 1
    assert "X02" in shown.output


def test_why_a_rule_fired_on_a_ticket_is_told(cli, tmp_path):
    file, url = tmp_path / "rules.toml", f"sqlite:///{tmp_path / 'desk.db'}"
    file.write_text('[[rules]]\nid = "hot"\nwhen = {priority = "high"}\nlevels = [{actions = [{tag = "x"}]}]\n')
    rule = {"id": "hot", "when": {"priority": "high"}, "levels": [{"actions": [{"tag": "x"}]}]}
    with Desk(url, escalations={"rules": [rule]}) as desk:
        desk.open("it burns", "please", author="customer:ann", priority="high")
    shown = cli("escalations", str(file), "--ticket", "1", "--database", url)
    assert shown.exit_code == 0
    assert "fired" in shown.output


def test_the_regulation_is_shown_and_what_is_wrong_ends_with_one(cli, tmp_path):
    example = str(EXAMPLES / "lines" / "support-lines.toml")
    assert cli("regulation", example).exit_code == 0
    gone = cli("regulation", example, "--person", "lee")
    assert gone.exit_code == 1
    assert "R04" in gone.output


@pytest.mark.parametrize("text", ["rules = 3", "[[rules]]", "colour = 1", "[broken"])
def test_a_file_of_rules_that_is_malformed_is_one_sentence(cli, tmp_path, text):
    file = tmp_path / "rules.toml"
    file.write_text(text)
    shown = cli("escalations", str(file))
    assert (shown.exit_code, shown.stderr.count("\n")) == (1, 1)


def test_a_strict_replay_names_the_tickets_that_it_refused(cli, tmp_path):
    shown = cli(
        *("replay", LOG, "--format", "csv", "--map", MAP, "--strict-lines", "--json"),
        *("--database", f"sqlite:///{tmp_path / 'desk.db'}"),
    )
    assert shown.exit_code == 0
    report = json.loads(shown.output)
    assert {"line_seconds", "handovers", "ping_pong", "refused_tickets"} <= report.keys()
