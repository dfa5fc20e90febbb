"""A worker: fires deadlines and delivers answers, sleeps until something is due, and ends when it is told to."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from supportkit import Accepted, Capabilities, Deferred, Desk, Outbound, Rejected
from supportkit.worker import Worker, WorkReport

_ABLE = Capabilities(inbound=False)


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


def work(desk: Desk) -> None:
    """Work until nothing waits any more. A real worker goes on until SIGTERM, or `worker.stop()`, tells it to end."""

    def tell(report: WorkReport) -> None:
        for kind, counts in report.outcomes.items():
            print(f"{kind}: {', '.join(f'{count} {outcome}' for outcome, count in counts.items())}")
        if not report.more and report.next_due is None:
            print("nothing waits")
            worker.stop()

    worker = Worker(desk, on_turn=tell)
    worker.run_forever()


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
            work(desk)
            print(desk.get(first.id).state, desk.get(second.id).state)


if __name__ == "__main__":
    main()
