"""P6 and P15: claiming due deadlines among many that wait, an idle tick, and a tick over what was settled long ago.

Against the same with fewer rows, in the same run. A claim is one `claim_timers` of a thousand with its commit; settling
is `settle_timer` for each of them with a commit of its own, as `tick` does it. The due rows lie scattered over the
table, as if no two tickets had waited equally long. That is the worst case: at 10 k many of them share a page, at 1 M
each has a page of its own. Files are in WAL mode with synchronous=NORMAL, because the flush of FULL would hide the
differences. Between two rounds the rows are put back and the log is written home; that stays out of the figures, since
it falls into any commit that comes along. The row `P6-home` has it in, for both sides.
P15 is meant for PostgreSQL, where settled rows stay in the way until a vacuum (`bench/servers.py`); its row here is the
same on SQLite.
"""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from sqlalchemy import event

from bench.harness import Row, alone, at_most, insist, median_us, seconds, take_turns
from supportkit import Desk, ManualClock
from supportkit.clock import to_us
from supportkit.ids import SystemIds
from supportkit.model.change import Outgoing, Timer, TimerState
from supportkit.storage import rows, schema
from supportkit.storage.sql import SqlStorage
from supportkit.storage.statements import prepare

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
LEASE = dt.timedelta(seconds=60)
TENANT = "default"
SIZES = (10_000, 100_000, 1_000_000)
DUE = 1_000
SETTLED = 100_000
IDLE = 200
"""Idle ticks of one round: one alone is too short to measure."""
GROWTH_BAR, IDLE_MS_BAR, SETTLED_BAR = 3, 2, 1.5
DAY_US = 86_400_000_000


def run() -> list[Row]:
    """Measure claims, settling and idle ticks at each size, and an idle tick over settled rows."""
    with ExitStack() as stack:
        few, more, many = (stack.enter_context(_Heap.opened(size)) for size in SIZES)
        claim = f"claim {DUE:,} due deadlines"
        kinds = (
            ("P6-100k", claim, _Heap.claim_seconds, more),
            ("P6-1M", claim, _Heap.claim_seconds, many),
            ("P6-home", f"{claim} and write the log home", _Heap.claim_home_seconds, many),
            ("P6-settle", f"settle {DUE:,} deadlines, a commit each,", _Heap.settle_seconds, many),
        )
        found = [insist(partial(_growth_row, *kind, few)) for kind in kinds]
        found.append(insist(lambda: _idle_row(many, few)))
    with ExitStack() as stack:
        fresh, used = (stack.enter_context(_Heap.opened(0)) for _ in range(2))
        used.wear_out()
        return [*found, insist(lambda: _settled_row(used, fresh))]


@attrs.frozen
class _Heap:
    """A desk on a file of its own, in which so many deadlines wait and a thousand are due."""

    waiting: int
    path: Path
    storage: SqlStorage
    desk: Desk
    due: tuple[tuple[str, str, str, str], ...] = ()

    @classmethod
    @contextmanager
    def opened(cls, waiting: int) -> Iterator[_Heap]:
        with tempfile.TemporaryDirectory(prefix="supportkit-bench-") as folder:
            path = Path(folder, "desk.db")
            storage = SqlStorage(f"sqlite:///{path}", synchronous="normal")
            event.listen(storage.engine, "connect", _keep_the_log)
            storage.migrate()
            heap = cls(waiting, path, storage, Desk(storage, tenant=TENANT, clock=ManualClock(NOW)))
            if waiting:
                heap._insert(schema.timer, deadlines(waiting))
                due = [(TENANT, timer.ticket, timer.name, timer.instance) for timer in heap.claim()]
                heap = attrs.evolve(heap, due=tuple(due))
                heap.put_back()
            yield heap
            storage.close()

    @contextmanager
    def _driver(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that writes fast and takes no care, for what is not measured."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA cache_size=-200000")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()

    def _insert(self, table: Any, several: Iterable[dict[str, Any]]) -> None:
        statement = prepare(table.insert(), self.storage.engine.dialect)
        with self._driver() as connection:
            connection.executemany(statement.sql, (statement.bind(values) for values in several))

    def claim(self) -> Sequence[Timer]:
        with self.storage.begin(TENANT) as unit:
            claimed = unit.claim_timers(NOW, DUE, lease=LEASE)
        assert len(claimed) == DUE
        return claimed

    def put_back(self) -> None:
        """Let the claimed rows wait again, on the connection that claimed them, so that its cache stays warm."""
        sql = (
            f"UPDATE {schema.timer.name} SET state = 'waiting', fence = 0, attempts = 0, lease_until = NULL"
            " WHERE tenant = ? AND ticket = ? AND name = ? AND instance = ?"
        )
        with self.storage.begin(TENANT) as unit:
            unit._cursor.executemany(sql, self.due)
        self.write_home()

    def write_home(self) -> None:
        """Move what the log holds into the database."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.close()

    def claim_seconds(self) -> float:
        taken = seconds(self.claim)
        self.put_back()
        return taken

    def claim_home_seconds(self) -> float:
        def work() -> None:
            self.claim()
            self.write_home()

        taken = seconds(work)
        self.put_back()
        return taken

    def settle_seconds(self) -> float:
        """Settle what is claimed, each in a transaction of its own, as `tick` does."""
        claimed = self.claim()

        def settle() -> None:
            for timer in claimed:
                with self.storage.begin(TENANT) as unit:
                    assert unit.settle_timer(timer, TimerState.DONE)

        taken = seconds(settle)
        self.put_back()
        return taken

    def idle_seconds(self) -> float:
        """Tick a day before the first of them is due."""
        early = NOW - dt.timedelta(days=2)
        assert self.desk.tick(early).next_due is not None

        def ticks() -> None:
            for _ in range(IDLE):
                self.desk.tick(early)

        return seconds(ticks)

    def turn_seconds(self) -> float:
        """Tick and deliver, with nothing to do for either."""
        assert (self.desk.tick(NOW).next_due, self.desk.deliver_outbox().next_due) == (None, None)

        def turns() -> None:
            for _ in range(IDLE):
                self.desk.tick(NOW)
                self.desk.deliver_outbox()

        return seconds(turns)

    def wear_out(self) -> None:
        """Let deadlines and deliveries live through their states up to the last one."""
        self._insert(schema.timer, deadlines(SETTLED, due=0, start=-2 * DAY_US))
        self._insert(schema.outbox, deliveries(SETTLED))
        with self._driver() as connection:
            for table, done in ((schema.timer, "done"), (schema.outbox, "sent")):
                for state in ("leased", done):
                    connection.execute(f"UPDATE {table.name} SET state = ?", (state,))


def _keep_the_log(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA wal_autocheckpoint=0")


def deadlines(waiting: int, *, due: int = DUE, start: int = 1_000_000) -> Iterator[dict[str, Any]]:
    """Yield rows for a month to come from *start* on, with *due* ones of the day before scattered among them."""
    dice, ids, now = random.Random(waiting), SystemIds(), to_us(NOW)
    length = 30 * DAY_US if start > 0 else DAY_US
    at = set(dice.sample(range(waiting + due), due))
    created = now - 40 * DAY_US
    step = 30 * DAY_US // (waiting + due)
    for number in range(waiting + due):
        instant = now - dice.randrange(DAY_US) if number in at else now + start + dice.randrange(length)
        yield {
            "tenant": TENANT,
            "ticket": ids.new_id(created + number * step),
            "name": "close_resolved",
            "instance": "3",
            "due_at": instant,
            "state": "waiting",
            "fence": 0,
            "attempts": 0,
            "lease_until": None,
        }


def deliveries(count: int) -> Iterator[dict[str, Any]]:
    ids, at = SystemIds(), to_us(NOW) - 40 * DAY_US
    for number in range(count):
        ticket = ids.new_id(at + number * 1000)
        yield rows.outgoing_row(
            Outgoing(
                id=f"{ticket}:2:reply",
                tenant=TENANT,
                ticket=ticket,
                cause=f"{ticket}:2",
                seq=2,
                rule="reply",
                channel="chat",
                recipient="@ann",
                message=f"m-{number}",
                available_at=NOW - dt.timedelta(days=1),
                created_at=NOW - dt.timedelta(days=1),
            )
        )


def _growth_row(id: str, text: str, of: Callable[[_Heap], float], many: _Heap, few: _Heap) -> Row:  # noqa: A002
    measured = take_turns(lambda: of(many), lambda: of(few))
    return at_most(
        GROWTH_BAR,
        measured.ratios,
        spread=measured.spread,
        id=id,
        work=f"{text} among {_short(many)} that wait",
        reference=f"among {_short(few)}",
        many_us_each=median_us(measured.ours, DUE),
        few_us_each=median_us(measured.base, DUE),
    )


def _idle_row(many: _Heap, few: _Heap) -> Row:
    taken, fewer = alone(many.idle_seconds), alone(few.idle_seconds)
    return at_most(
        IDLE_MS_BAR,
        [round_ / IDLE * 1000 for round_ in taken],
        id="P6-idle",
        work=f"an idle tick where {_short(many)} deadlines wait",
        unit="ms",
        digits=3,
        times_few=round(statistics.median(taken) / statistics.median(fewer), 2),
    )


def _settled_row(used: _Heap, fresh: _Heap) -> Row:
    measured = take_turns(used.turn_seconds, fresh.turn_seconds)
    return at_most(
        SETTLED_BAR,
        measured.ratios,
        spread=measured.spread,
        id="P15-sqlite",
        work=f"an idle turn after {SETTLED:,} settled deadlines and deliveries each",
        reference="fresh tables",
        used_us=median_us(measured.ours, IDLE),
        fresh_us=median_us(measured.base, IDLE),
    )


def _short(heap: _Heap) -> str:
    return f"{heap.waiting // 1_000_000}M" if heap.waiting >= 1_000_000 else f"{heap.waiting // 1000}k"
