"""`supportkit channels` and `supportkit quarantine`."""

from __future__ import annotations

import json
import sys

import pytest
from tests.channel_rig import ABLE, Pigeon, delivery, message

from supportkit import Desk

FACTORY = """
from tests.channel_rig import Pigeon

from supportkit import Desk


def make():
    return Desk({url!r}, channels=[Pigeon()])
"""


@pytest.fixture
def held(url, tmp_path, monkeypatch):
    """Return a function that runs a command on a desk with one delivery in quarantine, and its id."""
    (tmp_path / "receiving_desk_of_tests.py").write_text(FACTORY.format(url=url), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "receiving_desk_of_tests", raising=False)
    with Desk(url, channels=[Pigeon()]) as desk:
        desk.receive("pigeon", delivery({"id": "m1", "note": "\x1b[2Jred"}))
        desk.process_inbox()
        desk.receive("pigeon", delivery(message("m2", "ann", "Hello")))
        return desk.quarantine.list()[0].id


def test_channels_are_listed_with_what_waits(cli, url, held):
    shown = cli("channels", "--desk", "receiving_desk_of_tests:make")
    assert shown.exit_code == 0
    assert "messenger, inbound, outbound, signed" in shown.stdout
    rows = json.loads(cli("channels", "--json", "--desk", "receiving_desk_of_tests:make").stdout)
    assert [(row["channel"], row["waiting"], row["quarantined"], row["cursor"]) for row in rows] == [
        ("pigeon", 1, 1, None)
    ]
    (row,) = json.loads(cli("channels", "--json", "--database", url).stdout)
    assert row["can"] == ["not in this desk"]
    assert ABLE.signed


def test_what_lies_in_quarantine_is_listed_shown_and_exported(cli, url, held, tmp_path):
    assert "unparsed: no text" in cli("quarantine", "list", "--database", url).stdout
    (row,) = json.loads(cli("quarantine", "list", "--json", "--database", url).stdout)
    assert (row["id"], row["channel"]) == (held, "pigeon")
    shown = cli("quarantine", "show", held, "--database", url)
    assert '"id": "m1"' in shown.stdout
    assert "\x1b" not in shown.stdout
    file = tmp_path / "raw.json"
    assert cli("quarantine", "export", held, str(file), "--database", url).exit_code == 0
    assert json.loads(file.read_bytes())["entries"][0]["id"] == "m1"
    again = cli("quarantine", "export", held, str(file), "--database", url)
    assert (again.exit_code, "cannot be written" in again.stderr) == (1, True)
    assert cli("quarantine", "show", "missing", "--database", url).exit_code == 1


def test_a_delivery_is_mended_read_again_and_purged(cli, url, held, tmp_path):
    file = tmp_path / "mended.json"
    file.write_bytes(delivery(message("m1", "bo", "Mended")).body)
    assert cli("quarantine", "fix", held, str(file), "--database", url).exit_code == 0
    read = cli("quarantine", "reprocess", held, "--desk", "receiving_desk_of_tests:make")
    assert read.stdout == "1 given back to be read.\n"
    with Desk(url) as desk:
        assert {"Mended", "Hello"} <= {ticket.subject for ticket in desk.find().items}
    assert cli("quarantine", "list", "--database", url).stdout == "Nothing lies in quarantine.\n"
    assert cli("quarantine", "purge", "--database", url).stdout == "Nothing is too old.\n"
    assert cli("quarantine", "purge", "--days", "0", "--database", url).stdout == "Deleted: 2 deliveries.\n"
    assert cli("quarantine", "fix", held, str(tmp_path / "no"), "--database", url).exit_code == 1
