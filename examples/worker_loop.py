"""A worker: fires deadlines and delivers answers until nothing waits, and sleeps until the reports say so."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from supportkit import Accepted, Capabilities, Deferred, Desk, Outbound, Rejected

SHORTEST_PAUSE = 0.02
LONGEST_PAUSE = 60.0
_ABLE = Capabilities(inbound=False)


def turn(desk: Desk) -> dt.datetime | None:
    """Do everything that is due now and return when something is due next; `None` when nothing waits."""
    while True:
        deadlines = desk.tick()
        deliveries = desk.deliver_outbox()
        print(f"fired {deadlines.fired}, sent {deliveries.sent}, deferred {deliveries.deferred}")
        if not deadlines.more and not deliveries.more:
            break
    return min((due for due in (deadlines.next_due, deliveries.next_due) if due is not None), default=None)


def work(desk: Desk, *, turns: int) -> None:
    """Work for at most *turns* turns. A real worker loops until it is told to stop."""
    for _ in range(turns):
        due = turn(desk)
        if due is None:
            print("nothing waits")
            return
        wait = (due - desk.now()).total_seconds()
        # Not longer than a minute, because another process may open tickets meanwhile; never in a busy loop.
        time.sleep(max(SHORTEST_PAUSE, min(wait, LONGEST_PAUSE)))


@attrs.define
class BusyLine:
    """A channel that is busy at the first call."""

    name: str = "line"
    capabilities: Capabilities = _ABLE
    calls: int = 0

    def send(self, message: Outbound) -> Accepted | Deferred | Rejected:
        """Defer the first call, take every later one."""
        self.calls += 1
        if self.calls == 1:
            return Deferred("throttled", dt.timedelta(seconds=0.2))
        return Accepted(message.id)


def main() -> None:
    """Queue an answer and two deadlines that are due within half a second, and let the worker do the rest."""
    soon = dt.timedelta(seconds=0.3)
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'support.db'}"
        with Desk(url, channels=[BusyLine()], close_resolved_after=soon) as desk:
            ann = desk.customers.add("Ann").id
            first = desk.open("No sound", "The headset is silent.", customer=ann, channel="line")
            desk.ask(first.id, "Which model is it?", actor="agent:kim", until=soon)
            second = desk.open("Thanks", "It works again.", author="customer:bo", channel="line")
            desk.resolve(second.id, "Nothing to do.", actor="agent:kim")
            work(desk, turns=50)
            print(desk.get(first.id).state, desk.get(second.id).state)


if __name__ == "__main__":
    main()
