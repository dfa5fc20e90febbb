"""`supportkit work --once` in this process; its signals are tested with a real one."""

from __future__ import annotations

import pytest

from supportkit import Desk, StorageUnavailable

PLUGIN = """
from supportkit import Printer, hookimpl


@hookimpl
def supportkit_register_channels(register):
    register(Printer(name="chat"))
"""


@pytest.fixture
def channels(tmp_path, monkeypatch):
    """Put a module with a channel on the path."""
    (tmp_path / "chat_of_tests.py").write_text(PLUGIN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.fixture
def url(url):
    """Return a database where nothing of the past is due any more, but one answer waits."""
    with Desk(url) as desk:
        while desk.tick().more:
            pass
    return url


def test_a_plugin_that_is_named_brings_its_channels(cli, url, channels):
    result = cli("work", "--once", "--plugin", "chat_of_tests", "--database", url)
    assert (result.exit_code, result.stderr) == (0, "")
    printed, said = result.stdout.split("outbox:")
    assert "@ann" in printed
    assert said.startswith(" 1 sent; lag ")


def test_a_turn_that_did_nothing_prints_nothing(cli, url, channels):
    cli("work", "--once", "--plugin", "chat_of_tests", "--database", url)
    result = cli("work", "--once", "--plugin", "chat_of_tests", "--database", url)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_without_a_channel_it_says_that_answers_wait_and_leaves_them(cli, url):
    result = cli("work", "--once", "--no-discover", "--database", url)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "answers wait in the outbox" in result.stderr
    with Desk(url) as desk:
        assert [row.attempts for row in desk.outbox()] == [0]


def test_work_that_fails_is_a_sentence_and_ends_with_1(cli, url, monkeypatch):
    def tick(_desk, **_arguments):
        raise StorageUnavailable("the database is locked by somebody else: try again")

    monkeypatch.setattr(Desk, "tick", tick)
    result = cli("work", "--once", "--database", url)
    assert result.exit_code == 1
    assert "supportkit: timers: the database is locked by somebody else: try again\n" in result.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module_here", "ModuleNotFoundError"),
        ("supportkit.desk:nothing.here", "AttributeError"),
        (":", "ValueError"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named(cli, url, name, said):
    result = cli("work", "--once", "--plugin", name, "--database", url)
    assert result.exit_code == 1
    assert f"supportkit: plug-in {name!r}: it cannot be loaded: {said}" in result.stderr


def test_it_makes_no_database(cli, tmp_path):
    result = cli("work", "--once", "--database", f"sqlite:///{tmp_path}/nowhere.db")
    assert result.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_factory_that_is_named_makes_the_desk(cli, url, tmp_path, monkeypatch):
    made = f"Desk({url!r}, channels=[Printer(name='chat')])"
    code = f"from supportkit import Desk, Printer\n\ndef make():\n    return {made}\n"
    (tmp_path / "desk_of_tests.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = cli("work", "--once", "--desk", "desk_of_tests:make")
    assert (result.exit_code, result.stderr) == (0, "")
    assert " 1 sent" in result.stdout
    wrong = cli("work", "--once", "--desk", "json:dumps.__name__")
    assert wrong.exit_code == 1
    assert "gives a str, not a Desk" in wrong.stderr
    assert cli("work", "--desk", "desk_of_tests:make", "--plugin", "json").exit_code == 2
