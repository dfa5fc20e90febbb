"""A database of a few tickets, and the command line with and without a process of its own."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from typer.testing import CliRunner

from supportkit import Capabilities, Desk, ManualClock, Printer
from supportkit.cli.commands import app

MORNING = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
HOSTILE = "\x1b]0;owned\x07\x1b[2Jred [bold]text[/] :smile: \u202egnp.exe\x9b31m"


@pytest.fixture
def url(tmp_path):
    """Return the URL of a database with three tickets."""
    where = f"sqlite:///{tmp_path}/desk.db"
    clock = ManualClock(MORNING)
    chat = Printer(name="chat", stream=io.StringIO(), capabilities=Capabilities(family="chat"))
    with Desk(where, clock=clock, channels=[chat], discover=False) as desk:
        ann = desk.customers.add("Ann [red]Lee[/]", addresses={"chat": "@ann"})
        desk.open("Broken chain", HOSTILE, customer=ann.id, channel="chat", priority="high", tags=["wheels"])
        clock.advance(minutes=5)
        desk.reply(1, "We look\nat it.", actor="agent:kim")
        desk.note(1, "ask the vendor " + HOSTILE, actor="agent:kim", mentions=["lee"])
        desk.move_tier(1, 2, "the chain", actor="agent:kim", team="gears")
        desk.open("自行车坏了", "你好", author="customer:x", team="wheels", assignee="lee")
        desk.open(HOSTILE, actor="agent:kim")
        desk.resolve(3, "gone", actor="agent:kim")
    return where


@pytest.fixture
def cli():
    """Return a function that runs a command in this process."""
    runner = CliRunner()

    def run(*arguments, **environment):
        return runner.invoke(app, list(arguments), env={"SUPPORTKIT_DATABASE": None, "COLUMNS": None, **environment})

    return run
