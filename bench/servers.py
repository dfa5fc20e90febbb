"""P7, P15 and P17 on PostgreSQL: the life of a ticket against psycopg 3 alone, and an idle turn over what was settled.

P7. One run of the desk is recorded through a tracing cursor: every statement with its parameters, also those that read.
The reference side sends them again on a database with the same schema and empty tables, by the same calls
(`executemany` stays `executemany`) and with the same begins and commits; tickets carry the same ids, so both sides
store the same rows. Four workers are four processes on four connections, each with tickets of its own: what four do in
the time of one.

P15. 100,000 deadlines and deliveries live through their states on tables that no vacuum visits; then turns with nothing
to do are compared with those on fresh tables. Every sixtieth look begins at the beginning, and that is in the figures.

`SUPPORTKIT_TEST_POSTGRESQL` says where the server is. Without one the rows are left out, and a line says so.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import attrs
import psycopg
from sqlalchemy import event, make_url

from bench.harness import Row, at_least, at_most, insist, median_us, seconds, take_turns
from bench.life import COMMANDS, live
from bench.routing import next_rows
from bench.timers import DAY_US, NOW, SETTLED, deadlines, deliveries
from supportkit import Desk, ManualClock
from supportkit.storage import schema
from supportkit.storage.postgresql import SETTINGS
from supportkit.storage.sql import SqlStorage

LIVES = 20
TURNS = 7
WORKERS = 4
P7_BAR = 1.7
SCALING_BAR = 1.4
SETTLED_BAR = 1.5
IDLE = 120
"""Idle turns of one round: twice as many as there are between two looks from the beginning."""
SERVER = os.environ.get("SUPPORTKIT_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")

Step = tuple[str, Any, bool]
"""A statement, its parameters, and whether it is one of `executemany`."""


def run() -> list[Row]:
    """Measure the write path by one connection and by four; nothing where there is no server."""
    if (why := missing()) is not None:
        print(f"P7, P15-postgresql and P17-PostgreSQL are left out: {why}", file=sys.stderr)
        return []
    with database() as url:
        found = [insist(lambda: _one_row(url)), insist(lambda: _four_row(url)), insist(lambda: _scaling_row(url))]
    with database() as used, database() as fresh:
        wear_out(used)
        found.append(insist(lambda: _settled_row(used, fresh)))
    with database() as url:
        storage = SqlStorage(url)
        found += next_rows(storage, "PostgreSQL")
        storage.close()
    return found


def missing() -> str | None:
    """Return why there is no server to measure on, or nothing."""
    try:
        psycopg.connect(_conninfo(SERVER), connect_timeout=3).close()
    except psycopg.OperationalError as error:
        return f"no PostgreSQL server can be reached: {type(error).__name__}"
    return None


@contextmanager
def database() -> Iterator[str]:
    """Give the URL of a new database with the tables of supportkit."""
    name = f"supportkit_bench_{secrets.token_hex(6)}"
    url = make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(_conninfo(SERVER), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        try:
            storage = SqlStorage(url)
            storage.migrate()
            storage.close()
            yield url
        finally:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


def _empty(url: str) -> None:
    with psycopg.connect(_conninfo(url), autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(schema.metadata.tables)}")


# -- one connection --------------------------------------------------------------------------------------------------


def _one_row(url: str) -> Row:
    steps = record(url, "default", LIVES)
    measured = take_turns(lambda: _desk_side(url), lambda: _raw_side(url, steps), rounds=TURNS)
    return at_most(
        P7_BAR,
        measured.ratios,
        spread=measured.spread,
        id="P7",
        work="life of a ticket, PostgreSQL, one connection",
        reference="psycopg: the same statements",
        ours_us=median_us(measured.ours, LIVES * COMMANDS),
        base_us=median_us(measured.base, LIVES * COMMANDS),
        statements_per_command=round(len(steps) / LIVES / COMMANDS, 2),
    )


def _desk_side(url: str) -> float:
    _empty(url)
    with Desk(url) as desk:
        return seconds(lambda: live(desk, LIVES))


def _raw_side(url: str, steps: Iterable[Step]) -> float:
    _empty(url)
    with _connected(url) as connection:
        return seconds(lambda: repeat(connection, steps))


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    options = " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in SETTINGS.items())
    with psycopg.connect(_conninfo(url), autocommit=True, options=options) as connection:
        yield connection


def repeat(connection: psycopg.Connection[Any], steps: Iterable[Step]) -> None:
    """Send the statements again; one cursor for all of them."""
    cursor = connection.cursor()
    for sql, parameters, many in steps:
        if many:
            cursor.executemany(sql, parameters, returning="RETURNING" in sql)
        elif parameters is None:
            cursor.execute(sql, prepare=False)
        else:
            cursor.execute(sql, parameters)
        if cursor.description is not None:
            cursor.fetchall()


def record(url: str, tenant: str, lives: int) -> list[Step]:
    """Return what the desk sends for some lives on empty tables."""
    steps: list[Step] = []

    class Tracing(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            steps.append((query, params, False))
            return super().execute(query, params, **options)

        def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
            several = list(params_seq)
            steps.append((query, several, True))
            super().executemany(query, several, **options)

    _empty(url)
    storage = SqlStorage(url)

    @event.listens_for(storage.engine, "connect")
    def _trace(driver: Any, _record: object) -> None:
        driver.cursor_factory = Tracing

    desk = Desk(storage, tenant=tenant)
    steps.clear()
    live(desk, lives)
    storage.close()
    return list(steps)


# -- four connections ------------------------------------------------------------------------------------------------


def _four_row(url: str) -> Row:
    steps = {f"w-{number}": record(url, f"w-{number}", LIVES) for number in range(WORKERS)}
    with _Workers(url, steps) as workers:
        measured = take_turns(lambda: workers.together("desk"), lambda: workers.together("raw"), rounds=TURNS)
    return at_most(
        P7_BAR,
        measured.ratios,
        spread=measured.spread,
        id="P7-four",
        work=f"life of a ticket, PostgreSQL, {WORKERS} processes at once",
        reference="psycopg: the same statements",
        ours_us=median_us(measured.ours, LIVES * COMMANDS * WORKERS),
        base_us=median_us(measured.base, LIVES * COMMANDS * WORKERS),
    )


def _scaling_row(url: str) -> Row:
    steps: dict[str, list[Step]] = {f"w-{number}": [] for number in range(WORKERS)}
    with _Workers(url, steps) as workers:
        measured = take_turns(lambda: workers.together("desk"), lambda: workers.alone("desk"), rounds=TURNS)
    return at_least(
        SCALING_BAR,
        [WORKERS / ratio for ratio in measured.ratios],
        spread=measured.spread,
        id="P7-scaling",
        work=f"lives a second, {WORKERS} processes",
        reference="one process",
        four_us=median_us(measured.ours, LIVES * COMMANDS * WORKERS),
        one_us=median_us(measured.base, LIVES * COMMANDS),
    )


@attrs.define
class _Workers:
    """Processes that wait for an order and do it at the same time."""

    url: str
    steps: dict[str, list[Step]]
    pipes: list[Any] = attrs.field(factory=list)
    processes: list[Any] = attrs.field(factory=list)

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        for tenant, steps in self.steps.items():
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(self.url, tenant, steps, there), daemon=True)
            process.start()
            self.pipes.append(here)
            self.processes.append(process)
        return self

    def __exit__(self, *_error: object) -> None:
        for pipe in self.pipes:
            pipe.send("stop")
        for process in self.processes:
            process.join(30)

    def together(self, what: str) -> float:
        return self._order(self.pipes, what)

    def alone(self, what: str) -> float:
        return self._order(self.pipes[:1], what)

    def _order(self, pipes: list[Any], what: str) -> float:
        _empty(self.url)
        for pipe in pipes:
            pipe.send(f"prepare {what}")
        for pipe in pipes:
            pipe.recv()
        begun = time.perf_counter()
        for pipe in pipes:
            pipe.send("go")
        for pipe in pipes:
            pipe.recv()
        return time.perf_counter() - begun


def _work(url: str, tenant: str, steps: list[Step], pipe: Any) -> None:
    """Do what is ordered until there is nothing more."""
    while (order := pipe.recv()) != "stop":
        if order == "prepare desk":
            with Desk(url, tenant=tenant) as desk:
                _when_told(pipe, lambda desk=desk: live(desk, LIVES))
        else:
            with _connected(url) as connection:
                _when_told(pipe, lambda connection=connection: repeat(connection, steps))


def _when_told(pipe: Any, work: Any) -> None:
    pipe.send("ready")
    pipe.recv()
    work()
    pipe.send("done")


# -- settled rows ----------------------------------------------------------------------------------------------------


def wear_out(url: str) -> None:
    """Let deadlines and deliveries live through their states up to the last one, without a vacuum."""
    rows: dict[Any, Iterable[dict[str, Any]]] = {
        schema.timer: deadlines(SETTLED, due=0, start=-2 * DAY_US),
        schema.outbox: deliveries(SETTLED),
    }
    with psycopg.connect(_conninfo(url), autocommit=True) as connection:
        for table, several in rows.items():
            connection.execute(f"ALTER TABLE {table.name} SET (autovacuum_enabled = false)")
            names = [column.name for column in table.columns]
            with connection.cursor().copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
                for row in several:
                    copy.write_row([row[name] for name in names])
            for state in ("leased", "done" if table is schema.timer else "sent"):
                connection.execute(f"UPDATE {table.name} SET state = %s", (state,))


def _settled_row(used: str, fresh: str) -> Row:
    with Desk(used, clock=ManualClock(NOW)) as worn, Desk(fresh, clock=ManualClock(NOW)) as new:
        measured = take_turns(lambda: _turns(worn), lambda: _turns(new), rounds=TURNS)
    return at_most(
        SETTLED_BAR,
        measured.ratios,
        spread=measured.spread,
        id="P15-postgresql",
        work=f"an idle turn after {SETTLED:,} settled deadlines and deliveries each, before a vacuum",
        reference="fresh tables",
        used_us=median_us(measured.ours, IDLE),
        fresh_us=median_us(measured.base, IDLE),
    )


def _turns(desk: Desk) -> float:
    assert (desk.tick(NOW).next_due, desk.deliver_outbox().next_due) == (None, None)

    def turns() -> None:
        for _ in range(IDLE):
            desk.tick(NOW)
            desk.deliver_outbox()

    return seconds(turns)
