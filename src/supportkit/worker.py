"""The worker: one turn of all the work that is due, and the loop around it.

It keeps nothing: what is to do stands in the database, so any number of workers may run at once, and one that dies is
replaced by the next. The desk's clock says what is due; how the pauses pass is an argument.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import attrs

from supportkit.delivery import DeliveryReport
from supportkit.desk import Desk
from supportkit.errors import SupportkitError
from supportkit.receiving import InboxReport
from supportkit.retention import PurgeReport
from supportkit.storage.port import MAX_BATCH, check_limit
from supportkit.timers import TickReport

_log = logging.getLogger("supportkit.worker")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
LONGEST_POLL = 3600.0
SHORTEST_PAUSE = 0.1
FIRST_BACK_OFF = 0.5

Stop = Callable[[], bool]


def _positive(_instance: object, attribute: Any, value: dt.timedelta) -> None:
    if value <= dt.timedelta(0):
        raise ValueError(f"{attribute.name} must be positive, not {value}")


def _batch(_instance: object, _attribute: object, value: int) -> None:
    check_limit(value, MAX_BATCH)


@attrs.frozen(kw_only=True)
class TurnLimits:
    """How much one turn does at most; what is left over is the next turn's.

    Attributes:
        deadlines: Deadlines that it fires.
        arrivals: Deliveries of channels that it reads.
        deliveries: Deliveries that it makes.
        deletions: Things of each kind that it deletes because they are too old.
        lease: How long a delivery is its own; one call to a channel may take half of it.
        span: For how long each kind of work begins new things, so that a slow provider holds up no deadline.

    Raises:
        ValueError: A number outside 1..10,000, or a time that is not positive.
    """

    deadlines: int = attrs.field(default=500, validator=_batch)
    arrivals: int = attrs.field(default=100, validator=_batch)
    deliveries: int = attrs.field(default=50, validator=_batch)
    deletions: int = attrs.field(default=500, validator=_batch)
    lease: dt.timedelta = attrs.field(default=dt.timedelta(seconds=60), validator=_positive)
    span: dt.timedelta = attrs.field(default=dt.timedelta(seconds=10), validator=_positive)


@attrs.frozen(kw_only=True)
class WorkReport:
    """What one turn did.

    Attributes:
        timers: The report about deadlines; an empty one where that failed.
        inbox: The report about what arrived; an empty one where that failed.
        outbox: The report about deliveries; an empty one where that failed.
        purge: The report about what was too old; an empty one where that failed.
        more: Go on at once: something is still due.
        next_due: Nothing is due before this instant; `None` when nothing waits.
        lag: The age of the oldest row that was due when the turn came to it; zero where nothing was due or could
            be read.
        errors: Kind of work, code and sentence of what stopped a kind of work in this turn.
    """

    timers: TickReport = attrs.field(factory=TickReport)
    inbox: InboxReport = attrs.field(factory=InboxReport)
    outbox: DeliveryReport = attrs.field(factory=DeliveryReport)
    purge: PurgeReport = attrs.field(factory=PurgeReport)
    more: bool = False
    next_due: dt.datetime | None = None
    lag: dt.timedelta = dt.timedelta(0)
    errors: tuple[tuple[str, str, str], ...] = ()

    @property
    def outcomes(self) -> Mapping[str, Mapping[str, int]]:
        """How often what happened, by kind of work; without what did not."""
        counted = {kind: _counts(getattr(self, kind)) for kind, _work in _KINDS}
        return {kind: counts for kind, counts in counted.items() if counts}


_Report = TickReport | InboxReport | DeliveryReport | PurgeReport


def _counts(report: _Report) -> dict[str, int]:
    plain = attrs.asdict(report, recurse=False)
    return {name: value for name, value in plain.items() if type(value) is int and value}


def _fire(desk: Desk, limits: TurnLimits, stop: Stop) -> TickReport:
    return desk.tick(limit=limits.deadlines, stop=stop)


def _take_in(desk: Desk, limits: TurnLimits, stop: Stop) -> InboxReport:
    return desk.process_inbox(limits.arrivals, lease=limits.lease, stop=stop)


def _deliver(desk: Desk, limits: TurnLimits, stop: Stop) -> DeliveryReport:
    """Deliver; a desk that can send nothing still tells how old the oldest row is that another worker must send."""
    if any(adapter.capabilities.outbound for adapter in desk.channels.values()):
        return desk.deliver_outbox(limits.deliveries, lease=limits.lease, stop=stop)
    with desk.storage.begin(desk.tenant, write=False) as unit:
        return DeliveryReport(oldest_due=unit.outbox_backlog(desk.now()).oldest_due)


def _purge(desk: Desk, limits: TurnLimits, stop: Stop) -> PurgeReport:
    return desk.purge(limit=limits.deletions, stop=stop)


_KINDS: tuple[tuple[str, Callable[[Desk, TurnLimits, Stop], _Report]], ...] = (
    ("timers", _fire),
    ("inbox", _take_in),
    ("outbox", _deliver),
    ("purge", _purge),
)
"""All kinds of work in the order of a turn. Another one joins here, with an attribute of its name in `WorkReport`."""


def run_due(desk: Desk, *, limits: TurnLimits = TurnLimits(), stop: Stop | None = None) -> WorkReport:
    """Do one turn: a bounded share of every kind of work that is due. Safe from any number of workers at once.

    A kind of work that fails is reported, and the others go on.

    Args:
        desk: Whose work it is.
        limits: How much is done at most.
        stop: Asked before each thing; when it says yes, nothing more is begun and unbegun claims are given back.
    """
    reports: dict[str, Any] = {}
    errors: list[tuple[str, str, str]] = []
    lag = dt.timedelta(0)
    for kind, work in _KINDS:
        begun = desk.now()
        try:
            report = work(desk, limits, _bounded(desk, begun + limits.span, stop))
        except Exception as error:  # noqa: BLE001 - one kind of work must not stop the others
            errors.append((kind, *_told(error)))
            _log.warning("%s: %s", kind, errors[-1][2])
            continue
        reports[kind] = report
        if report.oldest_due is not None:
            lag = max(lag, begun - report.oldest_due)
    return WorkReport(
        **reports,
        more=any(report.more for report in reports.values()),
        next_due=min((report.next_due for report in reports.values() if report.next_due is not None), default=None),
        lag=lag,
        errors=tuple(errors),
    )


def _bounded(desk: Desk, end: dt.datetime, stop: Stop | None) -> Stop:
    return lambda: (stop is not None and stop()) or desk.now() >= end


def _told(error: Exception) -> tuple[str, str]:
    """Return code and sentence; of a foreign error the name only, because its text may hold words of customers."""
    if isinstance(error, SupportkitError):
        return error.code, str(error)
    return type(error).__name__, f"stopped by {type(error).__name__}"


class Worker:
    """Does what is due, sleeps until something is, and does that until it is told to stop.

    As a thread: `with Worker(desk): ...`, or `start()` and `stop()`. As a process: `run_forever()`. An error never ends
    it: a turn in which something failed is followed by pauses that double, up to *poll*.

    Args:
        desk: Whose work it does. It may be shared with other threads.
        poll: Seconds that it sleeps at most, because others open tickets meanwhile; at most an hour.
        limits: How much one turn does at most.
        on_turn: Called with the report of each turn; what it raises is logged and passed over.
        sleep: Called with the seconds of a pause, for tests. The default one ends early on `stop()` and `nudge()`.

    Raises:
        ValueError: *poll* is not positive, or longer than an hour.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        poll: float = 30.0,
        limits: TurnLimits = TurnLimits(),
        on_turn: Callable[[WorkReport], object] | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        if not 0 < poll <= LONGEST_POLL:
            raise ValueError(f"poll must be more than 0 and at most {LONGEST_POLL:g} seconds, not {poll}")
        self._desk = desk
        self._poll = poll
        self._limits = limits
        self._on_turn = on_turn
        self._sleep = sleep or self._rest
        # A queue, because it is what a signal handler may safely write to while this very thread waits for it.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._last: WorkReport | None = None

    def __repr__(self) -> str:
        return f"Worker({self._desk!r}, poll={self._poll:g})"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def last(self) -> WorkReport | None:
        """The report of the last turn, for health checks; `None` before the first one has ended."""
        return self._last

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping

    # -- working -----------------------------------------------------------------------------------------------------

    def turn(self) -> WorkReport:
        """Do one turn now and return its report."""
        report = self._last = run_due(self._desk, limits=self._limits, stop=lambda: self._stopping)
        if self._on_turn is not None:
            try:
                self._on_turn(report)
            except Exception as error:  # noqa: BLE001 - who listens must not stop the work
                _log.warning("on_turn failed: %s", type(error).__name__)
        return report

    def run_until_idle(self, *, signals: bool = True) -> WorkReport:
        """Do turns until nothing is due any more, or one of them gets nowhere; return the report of the last one.

        *signals* is that of `run_forever`.
        """
        report = WorkReport()
        with self._listening(signals=signals):
            while not self._stopping:
                report = self.turn()
                if not (report.more and report.outcomes):
                    break
        return report

    def run_forever(self, *, signals: bool = True) -> None:
        """Work until it is told to stop, by `stop()` or by a signal.

        With *signals*, and in the main thread, SIGTERM and SIGINT are heard as long as it runs: the call in hand is
        finished, what was claimed and not begun is given back, then it returns. A second SIGINT interrupts.
        """
        failed = 0
        with self._listening(signals=signals):
            while not self._stopping:
                report = self.turn()
                failed = failed + 1 if report.errors else 0
                if self._stopping or (report.more and report.outcomes):
                    continue
                self._sleep(self._pause(report, failed))

    def _pause(self, report: WorkReport, failed: int) -> float:
        """Return the seconds until there is something to do: at most *poll*, and never so few that it is busy."""
        seconds = 0.0 if report.more else self._poll
        if report.next_due is not None:
            seconds = min(seconds, (report.next_due - self._desk.now()).total_seconds())
        if failed:
            seconds = min(seconds, FIRST_BACK_OFF * 2.0 ** min(failed - 1, 20))
        return min(max(seconds, SHORTEST_PAUSE), self._poll)

    def _rest(self, seconds: float) -> None:
        with contextlib.suppress(queue.Empty):
            self._bell.get(timeout=seconds)
            while True:  # however often it rang, one look is enough
                self._bell.get_nowait()

    # -- starting, stopping ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Work in a thread of its own. It ends with the process; call `stop()` so that it ends in an orderly way.

        Raises:
            RuntimeError: It works in a thread already.
        """
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("this worker has a thread already: make another worker, or stop this one first")
        self._stopping = False
        self._thread = threading.Thread(target=self.run_forever, name="supportkit-worker", daemon=True)
        self._thread.start()

    def stop(self, timeout: float | None = None) -> bool:
        """Let it end after the call in hand, and wait for the thread of `start()`; tell whether that has ended.

        Args:
            timeout: Seconds to wait; by default as long as it takes, which is the time-out of a channel at most.
        """
        self._ask_to_stop()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return thread is None
        thread.join(timeout)
        return not thread.is_alive()

    def nudge(self) -> None:
        """Look at once instead of sleeping on: say this after a verb, and its answer goes out without a delay."""
        self._bell.put(None)

    def _ask_to_stop(self) -> None:
        self._stopping = True
        self._bell.put(None)

    @contextlib.contextmanager
    def _listening(self, *, signals: bool) -> Iterator[None]:
        """Hear signals while the block runs; afterwards they mean what they meant before."""
        before: dict[signal.Signals, Any] = {}
        if signals and threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                meant = signal.getsignal(number)
                if number is signal.SIGINT and meant is signal.SIG_IGN:
                    continue  # the shell started us in the background and keeps Ctrl-C for others
                before[number] = signal.SIG_DFL if meant is None else meant
                signal.signal(number, self._heard)
        try:
            yield
        finally:
            for number, meant in before.items():
                signal.signal(number, meant)

    def _heard(self, number: int, _frame: object) -> None:
        if self._stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._ask_to_stop()
