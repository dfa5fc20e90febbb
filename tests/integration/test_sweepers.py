"""Sweepers in threads and processes, killed and among commands: each warning and breach once, and none is missing."""

from __future__ import annotations

import datetime as dt
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.property.desk_days import Said, told

from supportkit import ConcurrentUpdate, Desk, ManualClock, Refused
from supportkit.model import events as ev
from supportkit.model.clocks import Metric
from supportkit.storage.sql import SqlStorage

SWEEPER = Path(__file__).parent / "sweeper.py"
KIM = "agent:kim"
ANN = "customer:ann"
HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)
START = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)  # a Monday
OFFICE = {"timezone": "UTC", "hours": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}
LEVELS = {
    "calendars": {"office": OFFICE},
    "policies": [
        {
            "id": "usual",
            "fallback": True,
            "calendar": "office",
            "metrics": {"RESOLUTION": {"warnings": ["75%"]}},
            "targets": [{"metric": "FIRST_RESPONSE", "target": "2h"}, {"metric": "RESOLUTION", "target": "8h"}],
        }
    ],
}
WANTED = {
    "FIRST_RESPONSE/1/1/100%": 2 * HOUR,
    "RESOLUTION/1/1/75%": 6 * HOUR,
    "RESOLUTION/1/1/100%": 24 * HOUR,  # used up on Monday 17:00, late from Tuesday 9:00
}
ROUNDS = (3 * HOUR, 6 * HOUR, 30 * HOUR)
TICKETS = 300


@contextmanager
def opened(file: Path, clock: ManualClock, **more: Any) -> Iterator[Desk]:
    storage = SqlStorage(f"sqlite:///{file}", synchronous="normal")
    storage.migrate()
    yield Desk(storage, clock=clock, close_resolved_after=None, **more)
    storage.close()


def filled(file: Path, count: int = TICKETS) -> list[str]:
    """Make a file with tickets that nobody answers, opened within the first second; return their ids."""
    with opened(file, ManualClock(START), levels=LEVELS) as desk, desk.transaction() as inside:
        return [inside.open("x", "Hello", author=ANN).id for _ in range(count)]


def fired(desk: Desk, ticket: str) -> list[tuple[str, dt.timedelta, int]]:
    """Return the warnings and breaches in a log: id, how long after the start, sequence number."""
    return [
        (one.event.id.split("/", 1)[1], one.occurred_at - START, one.seq)
        for one in desk.history(ticket)
        if isinstance(one.event, ev.ClockWarned | ev.ClockBreached)
    ]


def inspect(file: Path, tickets: Sequence[str], wanted: dict[str, dt.timedelta], at: dt.datetime) -> None:
    """Check that each ticket has told what is wanted, once, at its instant; that rows, notes and firings agree."""
    with opened(file, ManualClock(at)) as desk:
        assert desk.tick().fired == 0
        assert [one for one in desk.check(deep=True) if one.severity == "error"] == []
        firings = set()
        for ticket in tickets:
            told_ = fired(desk, ticket)
            assert [(name, after) for name, after, _seq in told_] == list(wanted.items())
            firings |= {(ticket, f"{ticket}/{name}", seq) for name, _after, seq in told_}
            assert [one.seq for one in desk.history(ticket)] == list(range(1, desk.get(ticket).version + 1))
    connection = sqlite3.connect(file)
    stored = connection.execute("SELECT ticket, id, seq FROM supportkit_firing").fetchall()
    waiting = connection.execute(
        "SELECT count(*) FROM supportkit_timer WHERE state IN ('waiting', 'leased')"
    ).fetchone()
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert sorted(stored) == sorted(firings)
    assert waiting == (0,)


def together(*works: Callable[[], None]) -> None:
    """Run all at once in threads; what one raises is raised."""
    barrier, failures = threading.Barrier(len(works)), []

    def run(work: Callable[[], None]) -> None:
        barrier.wait(30)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - carried to the thread of the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert failures == []
    assert not any(thread.is_alive() for thread in threads)


# -- many sweepers -----------------------------------------------------------------------------------------------------


def test_eight_sweeping_threads_tell_each_warning_and_breach_of_three_hundred_tickets_once(tmp_path: Path) -> None:
    file = tmp_path / "support.db"
    tickets, clock = filled(file), ManualClock(START)
    counts: Counter[str] = Counter()
    with opened(file, clock) as desk:

        def sweep() -> None:
            while True:
                done = desk.tick(limit=7)
                assert done.problems == ()
                counts.update(fired=done.fired, stale=done.stale)
                if not done.more:
                    return

        for after in ROUNDS:
            clock.set(START + after)
            together(*[sweep] * 8)
        print(counts)  # noqa: T201 - tests of races print their counts
        assert counts["fired"] == TICKETS * len(ROUNDS)
    inspect(file, tickets, WANTED, START + ROUNDS[-1])


def start(file: Path, instants: Sequence[dt.datetime], limit: int = 7) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", str(SWEEPER), str(file), str(limit), *(at.isoformat() for at in instants)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_four_sweeping_processes_tell_each_warning_and_breach_of_three_hundred_tickets_once(tmp_path: Path) -> None:
    file = tmp_path / "support.db"
    tickets = filled(file)
    instants = [START + after for after in ROUNDS]
    sweepers = [start(file, instants) for _ in range(4)]
    for process in sweepers:
        _text, errors = process.communicate(timeout=240)
        assert (process.returncode, errors) == (0, "")
    inspect(file, tickets, WANTED, instants[-1])


# -- sweepers that are killed ------------------------------------------------------------------------------------------


def count_firings(connection: sqlite3.Connection) -> int:
    """Return how many warnings and breaches were told by now."""
    return int(connection.execute("SELECT count(*) FROM supportkit_firing").fetchone()[0])


def survive(file: Path, kills: int, seed: int) -> None:
    """Kill a sweeping process again and again when it has told so much; a minute later each time: leases run out."""
    tickets, chance = filled(file), random.Random(seed)
    begun = START + 48 * HOUR
    whole = TICKETS * len(WANTED)
    told_before, in_the_middle = 0, 0
    for kill in range(kills):
        at = begun + kill * 61 * SECOND
        process = start(file, [at], limit=chance.choice([1, 7, 50]))
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        enough = told_before + chance.randint(0, 2 * whole // kills)
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            while count_firings(connection) < enough and process.poll() is None:
                time.sleep(chance.uniform(0, 0.001))
        process.send_signal(signal.SIGKILL)
        _text, errors = process.communicate(timeout=60)
        assert errors == ""
        with closing(sqlite3.connect(file)) as connection:
            count = count_firings(connection)
        in_the_middle += told_before < count < whole
        assert count >= told_before
        told_before = count
    end = begun + kills * 61 * SECOND
    last = start(file, [end])
    _text, errors = last.communicate(timeout=240)
    assert (last.returncode, errors) == (0, "")
    print(f"{kills} kills, {in_the_middle} in the middle of a sweep, {told_before} told before the last")  # noqa: T201
    assert in_the_middle >= kills // 4
    inspect(file, tickets, WANTED, end)


def test_a_sweeper_that_is_killed_twenty_times_tells_each_warning_and_breach_once(tmp_path: Path) -> None:
    survive(tmp_path / "support.db", kills=20, seed=20260105)


@pytest.mark.stress
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(10))
def test_a_sweeper_that_is_killed_three_hundred_times_tells_each_warning_and_breach_once(
    tmp_path: Path, seed: int
) -> None:
    survive(tmp_path / "support.db", kills=30, seed=seed)


# -- sweepers among commands -------------------------------------------------------------------------------------------


def work_and_sweep(file: Path, tickets: int, commands: int, seed: int) -> None:
    """Let four threads sweep while three work on the same tickets and one lets time pass."""
    ids, clock, done = filled(file, tickets), ManualClock(START), threading.Event()
    notes: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    lock = threading.Lock()
    with opened(file, clock) as desk:

        def count(ticket: str) -> None:
            while True:
                row = desk.get(ticket)
                try:
                    n = int(row.fields.get("n") or 0)
                    desk.set_fields(ticket, {"n": n + 1}, actor=KIM, expected_version=row.version)
                except ConcurrentUpdate:
                    continue
                with lock:
                    numbers[ticket] += 1
                return

        def work(seed: int) -> None:
            chance = random.Random(seed)
            for _ in range(commands):
                ticket = chance.choice(ids)
                try:
                    match chance.randrange(6):
                        case 0:
                            count(ticket)
                        case 1:
                            desk.reply(ticket, "Well", actor=KIM)
                        case 2:
                            desk.add_message(ticket, "Well?", author=ANN)
                        case 3:
                            desk.set_priority(ticket, chance.choice(["low", "high"]), actor=KIM)
                        case 4:
                            desk.set_due(ticket, Metric.RESOLUTION, clock.now() + HOUR, actor=KIM)
                        case _:
                            desk.note(ticket, "hm", actor=KIM)
                            with lock:
                                notes[ticket] += 1
                except (ConcurrentUpdate, Refused):
                    continue

        def sweep() -> None:
            while not done.is_set():
                desk.tick(limit=5)

        def pass_time() -> None:
            workers = [threading.Thread(target=work, args=(seed + number,)) for number in range(3)]
            for worker in workers:
                worker.start()
            while any(worker.is_alive() for worker in workers):
                clock.advance(minutes=10)
                for worker in workers:
                    worker.join(0.005)
            done.set()

        together(pass_time, *[sweep] * 4)
        clock.set(max(clock.now(), START + 48 * HOUR) + 61 * SECOND)  # leases of races that were lost run out
        while desk.tick().more:
            pass
        assert [one for one in desk.check(deep=True) if one.severity == "error"] == []
        for ticket in ids:
            log = desk.history(ticket)
            assert sum(isinstance(one.event, ev.NoteAdded) for one in log) == notes[ticket]
            assert (desk.get(ticket).fields.get("n") or 0) == numbers[ticket]
            names = [name for name, _after, _seq in fired(desk, ticket)]
            assert len(names) == len(set(names))
            said = {one.id: Said(one.verdict, one.at, one.used, one.target) for one in desk.clocks(ticket).records}
            assert told(log) == said
        print(f"{sum(notes.values())} notes, {sum(numbers.values())} counts, until {clock.now()}")  # noqa: T201


def test_commands_among_sweepers_lose_nothing_and_each_breach_is_told_once(tmp_path: Path) -> None:
    work_and_sweep(tmp_path / "support.db", tickets=40, commands=80, seed=1)


@pytest.mark.stress
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(5))
def test_many_commands_among_sweepers_lose_nothing_and_each_breach_is_told_once(tmp_path: Path, seed: int) -> None:
    work_and_sweep(tmp_path / "support.db", tickets=60, commands=1500, seed=100 * seed)
