"""A process that sweeps until nothing is due, at one instant after the other. No tests in here.

    python sweeper.py FILE LIMIT INSTANT...

It says `ready` on the standard output before the first sweep and the instant after each last one.
"""

from __future__ import annotations

import sys

from supportkit import Desk, ManualClock
from supportkit.storage.sql import SqlStorage


def main(file: str, limit: int, instants: list[str]) -> None:
    clock = ManualClock(instants[0])
    storage = SqlStorage(f"sqlite:///{file}", synchronous="normal")  # a kill cannot tell the difference
    desk = Desk(storage, clock=clock, close_resolved_after=None)
    print("ready", flush=True)  # noqa: T201 - the parent waits for it
    for instant in instants:
        clock.set(instant)
        while True:
            done = desk.tick(limit=limit)
            if done.problems:
                raise SystemExit(str(done.problems))
            if not done.more:
                break
        print(instant, flush=True)  # noqa: T201 - the parent reads it
    storage.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
