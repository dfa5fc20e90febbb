"""`supportkit work` as a real process: signals in the middle of its work, and what another worker finds afterwards."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import re
import signal
import subprocess
import sys

import pytest

from supportkit import Accepted, Capabilities, Desk, ManualClock, Printer
from supportkit.model.change import OutboxState
from supportkit.model.events import StateChanged
from supportkit.worker import run_due

KIM = "agent:kim"
LINE = Capabilities(family="chat", inbound=False)
# A provider that takes as long as the test wants: it says that it was called, and answers when it is told to.
SLOW = """
import os
from supportkit import Accepted, Capabilities, hookimpl


class Line:
    name = "line"
    capabilities = Capabilities(family="chat", inbound=False)

    def send(self, message):
        print("sending", message.body, flush=True)
        os.read(0, 1)
        return Accepted("slow-" + message.body)


class Plugin:
    @hookimpl
    def supportkit_register_channels(self, register):
        register(Line())


plugin = Plugin()
"""

# Says at each event that it has happened.
WATCHER = """
from supportkit import hookimpl


@hookimpl
def supportkit_event_recorded(recorded):
    print(recorded.ticket, flush=True)
"""


class Line:
    """The same channel in this process, quick."""

    name = "line"
    capabilities = LINE

    def send(self, message):
        return Accepted("quick-" + message.body)


@pytest.fixture(autouse=True)
def _interruptible():
    """Hear SIGINT, also where the tests themselves run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/desk.db"


def long_ago(url, *, resolved=0, answers=0):
    """Make tickets that should have been closed weeks ago, and one with answers that wait."""
    clock = ManualClock(dt.datetime.now(dt.UTC) - dt.timedelta(days=30))
    with Desk(url, clock=clock, channels=[Printer(name="line", stream=io.StringIO(), capabilities=LINE)]) as desk:
        for number in range(resolved):
            desk.open(f"Printer {number}", "It smokes.", author="customer:bo")
            desk.resolve(number + 1, "Unplugged.", actor=KIM)
        if answers:
            ann = desk.customers.add("Ann", addresses={"chat": "@ann"}).id
            clock.set(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1))
            ticket = desk.open("No sound", "The headset is silent.", customer=ann, channel="line")
            for number in range(answers):
                desk.reply(ticket, f"Answer {number}", actor=KIM)


@contextlib.contextmanager
def working(folder, url, *arguments):
    """Run the command; whatever happens, it is gone afterwards."""
    unwanted = ("SUPPORTKIT", "PYTHONUNBUFFERED")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    paths = os.pathsep.join(filter(None, [str(folder), clean.get("PYTHONPATH")]))
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "supportkit.cli", "work", "--database", url, *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": paths, "PYTHONUTF8": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def install(folder, *, entry_point):
    """Put the slow channel where the process finds it."""
    (folder / "slow_line.py").write_text(SLOW, encoding="utf-8")
    if entry_point:
        info = folder / "slow_line-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-line\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text("[supportkit.plugins]\nslow = slow_line:plugin\n", encoding="utf-8")


def closings(url, count):
    """Return how often each ticket was closed."""
    with Desk(url) as desk:
        return [
            sum(isinstance(one.event, StateChanged) and one.event.dest == "closed" for one in desk.history(number))
            for number in range(1, count + 1)
        ]


def test_it_fires_what_is_due_once_and_ends_cleanly_on_sigterm(tmp_path, url):
    long_ago(url, resolved=60)
    with working(tmp_path, url, "--poll", "3600") as process:
        said = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest, complaint = process.communicate()
    assert re.fullmatch(r"timers: 60 fired, 60 late; lag 23 d\n", re.sub(r" \d+ (h|min)\n", "\n", said)), said
    assert (process.returncode, rest, complaint) == (0, "", "")
    assert closings(url, 60) == [1] * 60


def test_sigint_ends_it_as_cleanly(tmp_path, url):
    long_ago(url, resolved=1)
    with working(tmp_path, url, "--poll", "3600") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.communicate() == ("", "")
    assert process.returncode == 0


def test_two_processes_at_once_fire_each_deadline_once(tmp_path, url):
    long_ago(url, resolved=120)
    with working(tmp_path, url, "--once") as one, working(tmp_path, url, "--once") as other:
        said = [process.communicate() for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], said
    assert sum(int(found) for out, _error in said for found in re.findall(r"timers: (\d+) fired", out)) == 120
    assert closings(url, 120) == [1] * 120


def test_sigterm_in_the_middle_of_a_delivery_finishes_it_and_begins_no_other(tmp_path, url):
    long_ago(url, answers=2)
    install(tmp_path, entry_point=False)
    with working(tmp_path, url, "--plugin", "slow_line:plugin") as process:
        assert process.stdout.readline() == "sending Answer 0\n"
        process.send_signal(signal.SIGTERM)
        out, complaint = process.communicate("x")
    assert (process.returncode, complaint) == (0, "")
    assert re.fullmatch(r"outbox: 1 sent; lag \d+ \w+( \d+ s)?\n", out), out
    with Desk(url, channels=[Line()]) as desk:
        rows = [(row.state, row.attempts, row.external_id) for row in desk.outbox()]
        assert rows == [(OutboxState.SENT, 1, "slow-Answer 0"), (OutboxState.PENDING, 0, None)]
        assert run_due(desk).outbox.sent == 1  # it is free at once


def test_after_sigkill_in_the_middle_of_a_delivery_another_worker_finishes_when_the_lease_is_over(tmp_path, url):
    long_ago(url, answers=2)
    install(tmp_path, entry_point=True)
    with working(tmp_path, url) as process:
        assert process.stdout.readline() == "sending Answer 0\n"
        process.kill()
        process.wait()
    clock = ManualClock(dt.datetime.now(dt.UTC))
    with Desk(url, channels=[Line()], clock=clock) as desk:
        early = run_due(desk)
        assert (early.outbox.sent, early.more) == (0, False)  # the dead one still holds it, and the next is behind it
        assert early.next_due is not None
        assert early.next_due <= clock.now() + dt.timedelta(seconds=60)
        clock.advance(seconds=61)
        assert run_due(desk).outbox.sent == 2
        first, second = desk.outbox()
    assert (first.state, first.external_id, first.possible_duplicate) == (OutboxState.SENT, "quick-Answer 0", True)
    assert (second.state, second.external_id, second.possible_duplicate) == (OutboxState.SENT, "quick-Answer 1", False)


def test_a_worker_killed_among_its_deadlines_loses_none(tmp_path, url):
    long_ago(url, resolved=300)
    (tmp_path / "watcher.py").write_text(WATCHER, encoding="utf-8")
    with working(tmp_path, url, "--plugin", "watcher") as process:
        process.stdout.readline()
        process.kill()
        process.wait()
    assert 0 < sum(closings(url, 300)) < 300
    clock = ManualClock(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=61))
    with Desk(url, clock=clock) as desk:
        while run_due(desk).more:
            pass
    assert closings(url, 300) == [1] * 300
