"""SIGKILL at random moments: what a verb returned is in the file, whole, and nothing is there by halves (P1, P2)."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest

from supportkit import Desk
from supportkit.drafting import read_clocks
from supportkit.engine.evolve import fold
from supportkit.model import events as ev
from supportkit.model.ticket import StateCategory
from supportkit.storage.port import TicketQuery

WRITER = Path(__file__).parent / "writer.py"


@attrs.define
class Count:
    """What a series of kills came to: verbs that were acknowledged, and what was found in the file at the end."""

    kills: int = 0
    acknowledged: int = 0
    tickets: int = 0
    events: int = 0
    deliveries: int = 0


def start(url: str, seed: int, count: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", str(WRITER), url, str(seed), *([] if count is None else [str(count)])]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_while_it_writes(url: str, seed: int, count: Count) -> dict[str, int]:
    """Let a writer work for a while, kill it, and return the highest acknowledged version of each ticket."""
    luck = random.Random(seed)
    process = start(url, seed)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(luck.uniform(0.01, 0.3))
    process.send_signal(signal.SIGKILL)
    text, errors = process.communicate(timeout=60)
    assert errors == ""
    acknowledged: dict[str, int] = {}
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):  # the last one may be cut: it was not acknowledged
            ticket, version = line.split()
            acknowledged[ticket] = max(int(version), acknowledged.get(ticket, 0))
            count.acknowledged += 1
    count.kills += 1
    return acknowledged


def inspect(path: Path, acknowledged: dict[str, int], count: Count) -> None:
    """Check every promise about a file after a kill."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    with Desk(f"sqlite:///{path}") as desk, desk.storage.begin(desk.tenant, write=False) as unit:
        cursor, stored, noted = None, {}, {}
        replies, received = set(), set()
        while True:
            page = unit.find(TicketQuery(limit=500, cursor=cursor))
            for ticket in page.items:
                stored[ticket.id] = ticket.version
                log = unit.history(ticket.id)
                assert [recorded.seq for recorded in log] == list(range(1, ticket.version + 1))
                assert fold(log) == ticket
                kept = read_clocks(ticket, desk._runner.rules.promises)
                assert (kept is None) is (ticket.category is StateCategory.CLOSED)
                noted[ticket.id] = kept and kept.next
                count.events += len(log)
                for recorded in log:
                    if isinstance(recorded.event, ev.ReplyAdded):
                        replies.add((recorded.event.message, recorded.seq))
                    elif isinstance(recorded.event, ev.MessageReceived):
                        received.add(recorded.event.message)
            cursor = page.next
            if cursor is None:
                break
        messages = {message.id for message in unit.messages(list(stored))}
    assert messages == received | {message for message, _seq in replies}
    connection = sqlite3.connect(path)
    queued = connection.execute("SELECT message, seq FROM supportkit_outbox").fetchall()
    timers = connection.execute("SELECT count(*) FROM supportkit_timer WHERE name = 'close_resolved'").fetchone()[0]
    due = connection.execute(
        "SELECT ticket, due_at FROM supportkit_timer WHERE name = 'clocks' AND state IN ('waiting', 'leased')"
    ).fetchall()
    resolved = connection.execute(
        "SELECT count(DISTINCT ticket) FROM supportkit_event WHERE type = 'state_changed' AND data LIKE '%\"resolve\"%'"
    ).fetchone()[0]
    connection.close()
    assert set(queued) == replies
    assert len(queued) == len(replies)
    assert timers == resolved
    assert dict(due) == {ticket: at for ticket, at in noted.items() if at is not None}
    missing = {ticket: version for ticket, version in acknowledged.items() if stored.get(ticket, 0) < version}
    assert missing == {}
    count.tickets, count.deliveries = len(stored), len(queued)


def series(tmp_path: Path, seeds: range, *, inspect_every: int) -> Count:
    count, acknowledged = Count(), dict[str, int]()
    path = tmp_path / "support.db"
    Desk(f"sqlite:///{path}").close()
    for turn, seed in enumerate(seeds, start=1):
        for ticket, version in kill_while_it_writes(f"sqlite:///{path}", seed, count).items():
            acknowledged[ticket] = max(version, acknowledged.get(ticket, 0))
        if turn % inspect_every == 0 or turn == len(seeds):
            count.events = 0
            inspect(path, acknowledged, count)
    return count


def test_thirty_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    count = series(tmp_path, range(30), inspect_every=10)
    print(count)  # noqa: T201 - process tests print their counts
    assert count.kills == 30
    assert count.acknowledged > 30


@pytest.mark.stress
@pytest.mark.timeout(1800)
def test_three_hundred_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    count = series(tmp_path, range(1000, 1300), inspect_every=50)
    print(count)  # noqa: T201 - process tests print their counts
    assert count.kills == 300


def test_two_processes_that_write_one_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "support.db"
    writers = [start(f"sqlite:///{path}", seed, 150) for seed in (1, 2)]
    acknowledged: dict[str, int] = {}
    lines = 0
    for process in writers:
        text, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
        for line in text.splitlines()[1:]:
            ticket, version = line.split()
            acknowledged[ticket] = max(int(version), acknowledged.get(ticket, 0))
            lines += 1
    assert lines == 300
    count = Count(acknowledged=lines)
    inspect(path, acknowledged, count)
    print(count)  # noqa: T201 - process tests print their counts
    assert count.tickets == len(acknowledged)
    with Desk(f"sqlite:///{path}") as desk:
        assert [desk.get(ticket).version for ticket in acknowledged] == list(acknowledged.values())


def test_a_writer_and_a_reader_process_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A unit of work for reading stands open all the time; the writer's commits go through beside it."""
    path = tmp_path / "support.db"
    with Desk(f"sqlite:///{path}") as desk, desk.storage.begin(desk.tenant, write=False) as unit:
        assert unit.counts() == {}
        process = start(f"sqlite:///{path}", 3, 20)
        _text, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
        assert unit.counts() == {}  # its view is the one it began with
        assert sum(desk.counts().values()) > 0
