"""P1 and P2: the life of a ticket on SQLite, against the same writes by plain `sqlite3` and against the core on a dict.

P1. A life is open, agent's reply, customer's reply, resolve, close; one commit a command. The reference side is not
written by hand: one run of the desk is recorded through a tracing cursor, every statement with its parameters, and
plain `sqlite3` repeats the transactions that write, without the statements that only read, on an empty file with the
same schema and settings. So both sides store the same rows in the same commits, and what the desk reads first, and
makes of it, is all ours.

P2. The reference side makes the same command values (with counters for ids) and puts what the pure core gives into a
dict of tickets, a dict of clocks and a list of events: `decide`, `evolve`, and the clocks of the built-in promises.
Both sides wait for nothing, so processor time is compared.
"""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bench.harness import Row, at_most, cpu_seconds, insist, median_us, seconds, take_turns
from supportkit import Actor, Desk, Ticket
from supportkit.clock import UTC, to_us
from supportkit.engine.clocks import Kept, TicketClocks
from supportkit.engine.decide import decide
from supportkit.engine.evolve import evolve
from supportkit.engine.rules import Rules
from supportkit.lifecycle import built_in
from supportkit.model import commands as cm
from supportkit.model.events import Event, Recorded
from supportkit.model.people import ActorKind
from supportkit.storage.sql import SqlStorage

COMMANDS = 5
LIVES = {"full": 40, "normal": 60, "memory": 40}
"""Short turns and many of them: what disturbs the machine then disturbs both sides of a round."""
TURNS = {"full": 9, "normal": 15, "memory": 25}
CORE_LIVES = 400
P1_BAR = 2.5
P2_BAR = 15.0

SUBJECT = "Printer jams on page two"
PROBLEM = "Every time I print more than one page, the second one gets stuck in the rear tray. What can I do?"
ANSWER = "Please open the rear cover, take the tray out and put it back in until it clicks. Then print a test page."
THANKS = "That did it, thank you very much. The test page came out fine."
RESOLUTION = "Tray was not seated; customer reseated it."
CUSTOMER, AGENT = Actor(ActorKind.CUSTOMER, "c-1"), Actor(ActorKind.AGENT, "kim")

Step = tuple[str, Any, bool]
"""A statement, its parameters, and whether it is one of `executemany`."""


def live(desk: Desk, lives: int) -> None:
    """Let some tickets live, one after the other."""
    for _ in range(lives):
        ticket = desk.open(SUBJECT, PROBLEM, author=CUSTOMER).id
        desk.reply(ticket, ANSWER, actor=AGENT)
        desk.add_message(ticket, THANKS, author=CUSTOMER)
        desk.resolve(ticket, RESOLUTION, actor=AGENT)
        desk.end(ticket, actor=AGENT)


def run() -> list[Row]:
    """Measure P1 at both settings, and P2."""
    return [
        insist(lambda: _file_row("full")),
        insist(lambda: _file_row("normal")),
        insist(_memory_row),
    ]


# -- P1 --------------------------------------------------------------------------------------------------------------


def _file_row(synchronous: str) -> Row:
    lives = LIVES[synchronous]
    with tempfile.TemporaryDirectory(prefix="supportkit-bench-") as folder:
        steps = record(Path(folder), lives)
        empty = Path(folder, "empty.db")
        Desk(f"sqlite:///{empty}").close()
        files = (Path(folder, f"{number}.db") for number in itertools.count())
        measured = take_turns(
            lambda: _desk_side(next(files), synchronous, lives),
            lambda: _raw_side(empty, next(files), synchronous, steps),
            rounds=TURNS[synchronous],
        )
    return at_most(
        P1_BAR,
        measured.ratios,
        spread=measured.spread,
        id="P1" if synchronous == "full" else "P1-normal",
        work=f"life of a ticket, SQLite file, synchronous={synchronous.upper()}",
        reference="sqlite3: the same writes and commits",
        ours_us=median_us(measured.ours, lives * COMMANDS),
        base_us=median_us(measured.base, lives * COMMANDS),
    )


class TracingCursor(sqlite3.Cursor):
    """Writes down what it is asked to do."""

    steps: list[Step]

    def execute(self, sql: str, parameters: Any = ()) -> TracingCursor:
        self.steps.append((sql, parameters, False))
        super().execute(sql, parameters)
        return self

    def executemany(self, sql: str, several: Iterable[Any]) -> TracingCursor:
        rows = list(several)
        self.steps.append((sql, rows, True))
        super().executemany(sql, rows)
        return self


def record(folder: Path, lives: int) -> list[Step]:
    """Return the writing transactions of *lives* lives on a new file."""
    steps: list[Step] = []

    class Tracing(sqlite3.Connection):
        def cursor(self, *_arguments: Any) -> TracingCursor:  # type: ignore[override]
            cursor = super().cursor(TracingCursor)
            cursor.steps = steps
            return cursor

        def execute(self, sql: str, parameters: Any = ()) -> TracingCursor:
            return self.cursor().execute(sql, parameters)

    storage = SqlStorage(f"sqlite:///{folder / 'recorded.db'}", synchronous="normal")

    @event.listens_for(storage.engine, "do_connect")
    def _connect(_dialect: object, _record: object, arguments: Any, keywords: Any) -> sqlite3.Connection:
        return sqlite3.connect(*arguments, factory=Tracing, **keywords)

    storage.migrate()
    desk = Desk(storage)
    steps.clear()
    live(desk, lives)
    storage.close()
    return list(_writing(steps))


def _writing(steps: Iterable[Step]) -> Iterator[Step]:
    """Leave out statements that only read, and transactions of nothing else."""
    block: list[Step] = []
    for step in steps:
        word = step[0].split(None, 1)[0].upper()
        if word == "BEGIN":
            block = [step]
        elif word == "COMMIT":
            if len(block) > 1:
                yield from (*block, step)
        elif word in {"INSERT", "UPDATE", "DELETE"}:
            block.append(step)


def _desk_side(file: Path, synchronous: str, lives: int) -> float:
    desk = Desk(f"sqlite:///{file}", synchronous=synchronous)
    taken = seconds(lambda: live(desk, lives))
    desk.close()
    _remove(file)
    return taken


def _raw_side(empty: Path, file: Path, synchronous: str, steps: Iterable[Step]) -> float:
    shutil.copy(empty, file)
    connection = sqlite3.connect(file, isolation_level=None)
    for setting in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {setting}").fetchall()
    cursor = connection.cursor()

    def repeat() -> None:
        for sql, parameters, many in steps:
            if many:
                cursor.executemany(sql, parameters)
            else:
                cursor.execute(sql, parameters)
                if "RETURNING" in sql:
                    cursor.fetchone()

    taken = seconds(repeat)
    connection.close()
    _remove(file)
    return taken


def _remove(file: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)


# -- P2 --------------------------------------------------------------------------------------------------------------


def _memory_row() -> Row:
    lives = LIVES["memory"]
    measured = take_turns(lambda: _memory_side(lives), lambda: _core_side(lives), rounds=TURNS["memory"])
    return at_most(
        P2_BAR,
        measured.ratios,
        spread=measured.spread,
        id="P2",
        work="life of a ticket, SQLite in memory",
        reference="the pure core on dicts",
        ours_us=median_us(measured.ours, lives * COMMANDS),
        base_us=median_us(measured.base, lives * COMMANDS),
    )


def _memory_side(lives: int) -> float:
    with Desk("sqlite://") as desk:
        return cpu_seconds(lambda: live(desk, lives))


def _core_side(lives: int) -> float:
    """Let more tickets live than the other side, whose turns would be too short to measure otherwise."""
    return cpu_seconds(lambda: Core().live(CORE_LIVES)) * lives / CORE_LIVES


class Core:
    """The least that keeps tickets: a dict and a list."""

    def __init__(self) -> None:
        self.rules = Rules(lifecycle=built_in())
        self.tickets: dict[str, Ticket] = {}
        self.clocks: dict[str, Kept] = {}
        self.log: list[Recorded] = []
        self.numbers = itertools.count(1)

    def live(self, lives: int) -> None:
        """Let some tickets live, by the same commands as those of the desk."""
        for number in range(1, lives + 1):
            ticket = f"t-{number}"
            opening = cm.Open(
                actor=CUSTOMER,
                subject=SUBJECT,
                body=PROBLEM,
                author=CUSTOMER,
                ticket=ticket,
                number=number,
                reference=f"r-{number}",
                message=f"m-{next(self.numbers)}",
            )
            self.carry_out(ticket, opening)
            self.carry_out(ticket, cm.Reply(actor=AGENT, body=ANSWER, message=f"m-{next(self.numbers)}"))
            received = cm.Receive(actor=CUSTOMER, body=THANKS, author=CUSTOMER, message=f"m-{next(self.numbers)}")
            self.carry_out(ticket, received)
            self.carry_out(ticket, cm.Resolve(actor=AGENT, text=RESOLUTION))
            self.carry_out(ticket, cm.Close(actor=AGENT))

    def carry_out(self, ticket_id: str, command: cm.Command) -> None:
        """Decide, evolve, keep."""
        now = dt.datetime.now(UTC)
        ticket = self.tickets.get(ticket_id)
        command_id = f"c-{next(self.numbers)}"
        at = to_us(now)
        kept = self.clocks.get(ticket_id)
        clocks = TicketClocks(self.rules.promises, ticket_id, kept, is_new=ticket is None, at=at)
        for event_ in decide(ticket, command, now, self.rules):
            told: list[tuple[dt.datetime, Event]] = [(now, event_)]
            for number, (instant, one) in enumerate(told):
                recorded = Recorded(
                    tenant="default",
                    ticket=ticket_id,
                    seq=1 if ticket is None else ticket.version + 1,
                    occurred_at=instant,
                    recorded_at=now,
                    actor=command.actor,
                    event=one,
                    command=command_id,
                )
                ticket = evolve(ticket, recorded)
                self.log.append(recorded)
                if number == 0:
                    told += clocks.take(recorded)
        if ticket is not None:
            self.tickets[ticket_id] = ticket
            kept = clocks.keep()
            if kept is not None:
                self.clocks[ticket_id] = kept
