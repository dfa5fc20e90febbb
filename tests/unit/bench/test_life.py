"""P1 compares like with like: what is repeated by plain `sqlite3` leaves the same rows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bench.core import carry_out, mix
from bench.life import COMMANDS, Core, record

from supportkit import Desk, StateCategory

TABLES = ("ticket", "event", "event_text", "message", "term", "timer", "counter")


def counts(file: Path) -> dict[str, int]:
    connection = sqlite3.connect(file)
    found = {name: connection.execute(f"SELECT count(*) FROM supportkit_{name}").fetchone()[0] for name in TABLES}
    connection.close()
    return found


def test_the_recorded_statements_leave_the_same_rows(tmp_path: Path) -> None:
    steps = record(tmp_path, 3)
    repeated = tmp_path / "repeated.db"
    Desk(f"sqlite:///{repeated}").close()
    connection = sqlite3.connect(repeated, isolation_level=None)
    for sql, parameters, many in steps:
        (connection.executemany if many else connection.execute)(sql, parameters).fetchall()
    connection.close()
    recorded = counts(tmp_path / "recorded.db")
    assert counts(repeated) == recorded
    assert recorded["ticket"] == 3


def test_the_reference_side_commits_once_a_command_and_reads_nothing(tmp_path: Path) -> None:
    words = [sql.split()[0] for sql, _parameters, _many in record(tmp_path, 2)]
    assert words.count("COMMIT") == words.count("BEGIN") == 2 * COMMANDS
    assert set(words) <= {"BEGIN", "COMMIT", "INSERT", "UPDATE", "DELETE"}


def test_the_core_lives_the_same_lives() -> None:
    core = Core()
    core.live(2)
    assert {ticket.category for ticket in core.tickets.values()} == {StateCategory.CLOSED}
    assert [ticket.messages for ticket in core.tickets.values()] == [3, 3]


def test_every_command_of_the_mix_is_legal() -> None:
    steps = list(mix(50))
    assert {ticket.category for ticket in carry_out(steps).values()} == {StateCategory.CLOSED}
    assert len({type(command) for _ticket, command in steps}) >= 14
