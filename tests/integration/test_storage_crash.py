"""Processes that write one file: what a verb returned is there, whole, and nothing is there by halves (P1, P2)."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import attrs

from supportkit import Desk
from supportkit.drafting import read_clocks
from supportkit.engine.evolve import fold
from supportkit.model import events as ev
from supportkit.model.ticket import StateCategory
from supportkit.storage.port import TicketQuery

WRITER = Path(__file__).parent / "writer.py"


@attrs.define
class Count:
    """What it came to: verbs that were acknowledged, and what was found in the file at the end."""

    acknowledged: int = 0
    tickets: int = 0
    events: int = 0
    deliveries: int = 0


def start(url: str, seed: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", str(WRITER), url, str(seed), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def inspect(path: Path, acknowledged: dict[str, int], count: Count) -> None:
    """Check every promise about a file."""
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
