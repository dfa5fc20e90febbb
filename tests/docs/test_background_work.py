"""The recipes of the page on background work are short, and those that are no Python run as well."""

from __future__ import annotations

import configparser
import datetime as dt
import os
import re
import shlex
import subprocess
import sys

import pytest
from tests.docs import pages

from supportkit import Desk, ManualClock

PAGE = pages.DOCS / "how-to" / "background-work.md"
BLOCKS = pages.blocks(PAGE)
LONGEST = 12
RECIPES = {
    "support.timer",
    "support.service",
    "shop_dramatiq.py",
    "shop_rq.py",
    "shop_taskiq.py",
    "shop_django_tasks.py",
    "shop_scheduler.py",
}


def titled(title):
    (found,) = [block.text for block in BLOCKS if block.title == title]
    return found


def cron():
    (found,) = [block.text for block in BLOCKS if block.text.startswith("* * * * *")]
    return found


def service():
    unit = configparser.ConfigParser()
    unit.optionxform = str
    unit.read_string(titled("support.service"))
    return unit["Service"]


def test_every_recipe_is_there():
    assert {block.title for block in BLOCKS} >= RECIPES
    assert cron().count("\n") == 1


@pytest.mark.parametrize("title", sorted(RECIPES))
def test_a_recipe_is_short(title):
    assert len([line for line in titled(title).splitlines() if line.strip()]) <= LONGEST


def test_the_timer_fires_each_minute():
    timer = configparser.ConfigParser()
    timer.read_string(titled("support.timer"))
    assert timer["Timer"]["OnCalendar"] == "minutely"
    assert service()["Type"] == "oneshot"


def cron_command():
    place, command = cron().removeprefix("* * * * *").split("&&")
    assert place.split() == ["cd", "/opt/shop"]
    return command


def systemd_command():
    assert service()["WorkingDirectory"] == "/opt/shop"
    return f"{service()['Environment']} {service()['ExecStart']}"


@pytest.mark.parametrize("command", [cron_command(), systemd_command()], ids=["cron", "systemd"])
def test_the_command_of_a_recipe_does_what_is_due(command, tmp_path):
    """Run it as in /opt/shop: only the place of the library is added to the path that the recipe gives."""
    (tmp_path / "shop_desk.py").write_text(titled("shop_desk.py"), encoding="utf-8")
    url = f"sqlite:///{tmp_path}/support.db"
    with Desk(url, clock=ManualClock(dt.datetime.now(dt.UTC) - dt.timedelta(days=1))) as desk:
        ticket = desk.open("Printer", "It smokes.", author="customer:bo")
        desk.ask(ticket, "Which one?", actor="agent:kim", until=dt.timedelta(hours=1))
    path, program, *arguments = shlex.split(command)
    assert re.fullmatch(r"(/opt/shop/)?venv/bin/supportkit", program)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "supportkit.cli", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([path.removeprefix("PYTHONPATH="), str(pages.ROOT / "src")])},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with Desk(url) as desk:
        assert desk.get(1).state == "open"
