"""`supportkit queue` and `supportkit next`."""

from __future__ import annotations

import json

from supportkit import Desk


def test_the_queue_is_listed_with_dues_and_reasons(cli, url):
    result = cli("queue", "--database", url, COLUMNS="200")
    assert result.exit_code == 0, result.output
    (row,) = [text for text in result.output.splitlines() if text.lstrip().startswith("1")]
    assert "default" in row
    assert "L2" in row
    assert "gears" in row
    assert "Broken chain" in row


def test_the_queue_of_an_agent_has_what_is_his(cli, url):
    result = cli("queue", "--agent", "lee", "--json", "--database", url)
    found = json.loads(result.output)
    assert [(one["ticket"]["number"], one["why"]) for one in found] == [(1, "DEFAULT"), (2, "FIRST_RESPONSE")]
    assert found[0]["due_at"].startswith("2026-01-06T09:05")


def test_an_empty_queue_says_so(cli, url):
    assert cli("queue", "--team", "nobody", "--database", url).output == "Nothing waits.\n"
    assert json.loads(cli("queue", "--team", "nobody", "--json", "--database", url).output) == []


def test_next_takes_the_first_ticket_and_then_there_is_none(cli, url):
    result = cli("next", "--agent", "kim", "--database", url)
    assert result.output == "#1 Broken chain\n"
    with Desk(url) as desk:
        assert desk.get(1).assignee == "kim"
    assert cli("next", "--agent", "kim", "--database", url).output == "Nothing waits.\n"
    assert json.loads(cli("next", "--agent", "kim", "--json", "--database", url).output) is None


def test_next_shows_hostile_subjects_harmlessly(cli, url):
    with Desk(url) as desk:
        desk.resolve(1, "so", actor="agent:kim")
        desk.open("\x1b[2Jred [bold]text[/]", "x", author="customer:x")
    result = cli("next", "--agent", "kim", "--database", url)
    assert "\x1b" not in result.output
    assert "[bold]text" in result.output


def test_next_refuses_somebody_whom_the_desk_does_not_know(cli, url):
    with Desk(url) as desk:
        desk.agents.add("kim")
    result = cli("next", "--agent", "joe", "--database", url)
    assert result.exit_code == 1
    assert "joe" in result.output
