"""A process that has imported everything and forks others on demand, so that a kill costs milliseconds. No tests.

    python -m tests.crash.nursery

An order is one line of JSON on the standard input, `{"role": ..., ...}` or `{"wait": pid}`; the answer is one number:
the pid, or how the process ended (negative: by which signal).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


class Nursery:
    """The end of a test: bears processes, kills them, and tells how they ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.kills = 0

    def bear(self, role: str, **arguments: Any) -> int:
        """Start a process in a role (`tests.crash.roles`) and return its pid."""
        return self._order({"role": role, **arguments})

    def wait(self, pid: int) -> int:
        """Wait for the end of a process and return its exit code; negative: the signal that ended it."""
        return self._order({"wait": pid})

    def kill(self, *pids: int) -> None:
        """Kill processes at one moment and wait until they are gone."""
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            assert self.wait(pid) == -signal.SIGKILL, "it ended by itself before it could be killed"
        self.kills += 1

    def was_killed(self, pid: int) -> bool:
        """Wait for a process that kills itself; tell whether it came to that."""
        killed = self.wait(pid) == -signal.SIGKILL
        self.kills += killed
        return killed

    def _order(self, order: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the nursery has ended"
        return int(answer)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Open a nursery; at its end no process may have complained."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.crash.nursery"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Nursery(process)
        finally:
            _out, complaint = process.communicate(timeout=60)
    if complaint:
        raise AssertionError(complaint)


def _live(role: Any, arguments: dict[str, Any]) -> None:
    """Be somebody, in a process of one's own; never come back."""
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        role(**arguments)
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may get out of here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    from tests.crash.roles import ROLES, storage_of, warm_up

    warm_up()
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            print(os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1]), flush=True)  # noqa: T201
            continue
        role = ROLES[order.pop("role")]
        storage_of(order["url"])  # its statements are built once; a connection it has only after the fork
        pid = os.fork()
        if pid == 0:
            _live(role, order)
        print(pid, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
