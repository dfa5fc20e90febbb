"""P8: an event log played into a SQLite file, 100 rows a transaction, and the same log as a pure fold.

The log is made here: columns like those of a public incident log, values invented, many tickets open at the same time,
about nine rows each. What counts as memory is the peak of the resident set of a fresh process that plays the first
tenth of the log, and of one that plays all of it; the raw figures hold the peaks of what Python allocated, too, which
is stricter: it leaves out the interpreter and the libraries, which are most of the resident set. The fold keeps every
ticket in a dict, so its memory is told without a bar.
"""

from __future__ import annotations

import csv
import datetime as dt
import heapq
import json
import random
import resource
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from bench.harness import Row, at_least, at_most, insist, median_us, seconds, take_turns, told
from supportkit import Desk
from supportkit.clock import UTC
from supportkit.replay import built_in_format, fold_log, replay

ROWS = 20_000
SHORT = 1_500
MEMORY_BAR = 1.2
SPEED_BAR = 10.0
HEADER = ("SR Number", "Change Date+Time", "Status", "Sub Status", "ST Level", "Involved ST", "SR Latest Impact")

Line = tuple[str, ...]


def run() -> list[Row]:
    """Measure speed and memory."""
    with tempfile.TemporaryDirectory(prefix="supportkit-bench-") as folder:
        whole, tenth, short = (Path(folder, f"{name}.csv") for name in ("whole", "tenth", "short"))
        write(whole, ROWS)
        write(tenth, ROWS // 10)
        write(short, SHORT)
        return [
            insist(lambda: _speed(short, Path(folder))),
            insist(lambda: _memory("replay", tenth, whole)),
            _memory("fold", tenth, whole),
        ]


def _speed(log: Path, folder: Path) -> Row:
    """Say how many times as fast the fold is; a turn of the replay is the base here."""
    format_ = built_in_format("bpi2013")
    files = (folder / f"{number}.db" for number in range(1_000_000))

    def stored() -> float:
        file = next(files)
        with Desk(f"sqlite:///{file}", close_resolved_after=None) as desk:
            taken = seconds(lambda: replay(desk, log, format_))
        for ending in ("", "-wal", "-shm"):
            Path(f"{file}{ending}").unlink(missing_ok=True)
        return taken

    measured = take_turns(stored, lambda: seconds(lambda: fold_log(log, format_)), rounds=9)
    return at_least(
        SPEED_BAR,
        measured.ratios,
        spread=measured.spread,
        digits=1,
        id="P8",
        work=f"replay of {SHORT:,} rows as a fold",
        reference="into a SQLite file, 100 rows a commit",
        stored_us_a_row=median_us(measured.ours, SHORT),
        fold_us_a_row=median_us(measured.base, SHORT),
    )


def _memory(what: str, tenth: Path, whole: Path) -> Row:
    small, large = (_peaks(what, log, traced=False) for log in (tenth, whole))
    small_traced, large_traced = (_peaks(what, log, traced=True) for log in (tenth, whole))
    row: dict[str, Any] = {
        "id": f"P8-memory-{what}",
        "work": f"peak memory, {ROWS:,} rows, {'into SQLite' if what == 'replay' else 'fold'}",
        "reference": f"{ROWS // 10:,} rows",
        "resident_kb": [small, large],
        "python_kb": [small_traced, large_traced],
    }
    return at_most(MEMORY_BAR, [large / small], **row) if what == "replay" else told([large / small], **row)


# -- the log ---------------------------------------------------------------------------------------------------------


def write(path: Path, rows: int) -> None:
    """Write the first *rows* rows of the log."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(islice(log_lines(), rows))


def log_lines(*, seed: int = 8) -> Iterator[Line]:
    """Yield rows by time without end: a new ticket every twenty minutes, each with a course of its own."""
    dice = random.Random(seed)
    waiting: list[tuple[dt.datetime, int, int, list[Line]]] = []
    born, number, count = dt.datetime(2024, 1, 8, 7, 0, tzinfo=UTC), 0, 0
    while True:
        while waiting and waiting[0][0] <= born:
            at, _, ticket, course = heapq.heappop(waiting)
            status, sub, level, team, impact = course.pop(0)
            yield (f"1-{ticket:09}", at.isoformat(), status, sub, level, team, impact)
            if course:
                count += 1
                heapq.heappush(waiting, (at + dt.timedelta(minutes=dice.expovariate(1 / 90)), count, ticket, course))
        born += dt.timedelta(minutes=20)
        number, count = number + 1, count + 1
        heapq.heappush(waiting, (born, count, 700_000_000 + number, _course(dice)))


def _course(dice: random.Random) -> list[Line]:
    """Return what happens to one ticket: status, sub-status, line, team and impact of each row."""
    impact = dice.choice(("Low", "Medium", "Medium", "High"))
    level = 1
    course: list[Line] = []

    def then(status: str, sub: str) -> None:
        course.append((status, sub, f"L{level}", f"T{level}-{dice.randint(1, 9)}", impact))

    then("Queued", "Awaiting Assignment")
    then("Accepted", "In Progress")
    for _ in range(dice.randint(0, 3)):
        turn = dice.random()
        if turn < 0.4:
            then("Accepted", dice.choice(("Wait - User", "Wait - Vendor", "Wait")))
        elif turn < 0.7 and level < 3:
            level += 1
            then("Queued", "Awaiting Assignment")
        else:
            then("Accepted", "Assigned")
        then("Accepted", "In Progress")
    then("Completed", "Resolved")
    if dice.random() < 0.15:
        then("Accepted", "In Progress")
        then("Completed", "Resolved")
    then("Completed", "Closed")
    return course


# -- in a process of its own -----------------------------------------------------------------------------------------


def _peaks(what: str, log: Path, *, traced: bool) -> int:
    """Return the peak kilobytes of a process that plays *log*."""
    with tempfile.TemporaryDirectory(prefix="supportkit-bench-") as folder:
        command = [sys.executable, "-m", "bench.replay", what, str(log), folder, "traced" if traced else "resident"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(json.loads(done.stdout)["peak_kb"])


def _child(what: str, log: str, folder: str, how: str) -> None:
    format_ = built_in_format("bpi2013")
    with Desk(f"sqlite:///{Path(folder, 'desk.db')}", close_resolved_after=None, synchronous="normal") as desk:
        if how == "traced":
            tracemalloc.start()
        report = replay(desk, log, format_) if what == "replay" else fold_log(log, format_)
        peak = tracemalloc.get_traced_memory()[1] // 1024 if how == "traced" else _resident_kb()
    print(json.dumps({"peak_kb": peak, "rows": report.rows}))


def _resident_kb() -> int:
    """Return the peak of the resident set; what the system counts for the process may include its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    _child(*sys.argv[1:])
