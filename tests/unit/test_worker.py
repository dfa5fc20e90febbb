"""The worker: one turn of everything, how long it sleeps, how it stops, and what it does when something fails."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from supportkit import hookimpl
from supportkit.channels.port import Accepted, Capabilities, Deferred, Delivery, Outbound
from supportkit.clock import ManualClock
from supportkit.delivery import DeliveryReport
from supportkit.desk import Desk
from supportkit.errors import StorageUnavailable
from supportkit.ids import SequentialIds
from supportkit.model.change import OutboxState
from supportkit.model.events import StateChanged
from supportkit.timers import TickReport
from supportkit.worker import FIRST_BACK_OFF, SHORTEST_PAUSE, TurnLimits, Worker, WorkReport, run_due

START = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
KIM = "agent:kim"
SOON = dt.timedelta(minutes=10)


@attrs.define
class Provider:
    """A channel in this process; *during* is called in the middle of each send."""

    name: str = "app"
    capabilities: Capabilities = attrs.field(factory=lambda: Capabilities(family="chat"))
    answers: list[Delivery] = attrs.field(factory=list)
    taken: list[str] = attrs.field(factory=list)
    during: Callable[[], Any] = lambda: None

    def send(self, message: Outbound) -> Delivery:
        self.during()
        self.taken.append(message.body)
        return self.answers.pop(0) if self.answers else Accepted(message.id)


class Observer:
    """Calls *during* while a deadline fires."""

    def __init__(self) -> None:
        self.during: Callable[[], Any] = lambda: None

    @hookimpl
    def supportkit_event_recorded(self, recorded: Any) -> None:
        if type(recorded.event).__name__ == "StateChanged" and recorded.actor.kind.value == "system":
            self.during()


@attrs.define
class Rig:
    clock: ManualClock
    provider: Provider
    observer: Observer
    desk: Desk
    pauses: list[float] = attrs.field(factory=list)

    def waiting(self, count: int = 1) -> None:
        """Open tickets that wait for their customer until `SOON`; each has an answer in the outbox."""
        for number in range(count):
            ticket = self.desk.open(f"Printer {number}", "It smokes.", customer=self.ann())
            self.desk.ask(ticket, f"Which one, {number}?", actor=KIM, until=SOON)

    def ann(self) -> str:
        people = self.desk.customers.list()
        return (people[0] if people else self.desk.customers.add("Ann", addresses={"chat": "@ann"})).id

    def sleep_until(self, turns: int, worker: list[Worker]) -> Callable[[float], None]:
        """Return a sleep that notes its pauses, moves the clock instead, and stops the worker after some of them."""

        def sleep(seconds: float) -> None:
            self.pauses.append(seconds)
            self.clock.advance(seconds=seconds)
            if len(self.pauses) >= turns:
                worker[0].stop()

        return sleep

    def work(self, *, pauses: int, **arguments: Any) -> Worker:
        """Let a worker run until it has paused some times."""
        box: list[Worker] = []
        box.append(Worker(self.desk, sleep=self.sleep_until(pauses, box), **arguments))
        box[0].run_forever()
        return box[0]


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Hear SIGINT, also where the tests themselves run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def rig() -> Iterator[Rig]:
    clock, provider, observer = ManualClock(START), Provider(), Observer()
    with Desk("sqlite://", clock=clock, channels=[provider], plugins=[observer], ids=SequentialIds()) as desk:
        yield Rig(clock, provider, observer, desk)


def failing(error: Exception, times: int = 10**6) -> Callable[..., Any]:
    """Return a verb that raises *error* some times and then reports that nothing is to do."""
    left = [times]

    def verb(*_args: Any, **_kwargs: Any) -> TickReport:
        if left[0] <= 0:
            return TickReport()
        left[0] -= 1
        raise error

    return verb


# -- one turn ----------------------------------------------------------------------------------------------------------


def test_a_turn_fires_deadlines_and_delivers_answers(rig: Rig) -> None:
    rig.waiting()
    rig.clock.advance(SOON)
    report = run_due(rig.desk)
    assert (report.timers.fired, report.outbox.sent) == (1, 1)
    assert report.outcomes == {"timers": {"fired": 1}, "outbox": {"sent": 1}}
    assert rig.desk.get(1).state == "open"


def test_a_turn_without_work_says_so(rig: Rig) -> None:
    assert run_due(rig.desk) == WorkReport()


def test_a_turn_is_bounded_and_tells_of_the_rest(rig: Rig) -> None:
    rig.waiting(5)
    rig.clock.advance(SOON)
    report = run_due(rig.desk, limits=TurnLimits(deadlines=2, deliveries=3))
    assert (report.timers.fired, report.outbox.sent, report.more) == (2, 3, True)
    report = run_due(rig.desk, limits=TurnLimits(deadlines=3, deliveries=3))
    assert (report.timers.fired, report.outbox.sent, report.more) == (3, 2, False)


def test_either_kind_of_work_can_ask_for_more(rig: Rig) -> None:
    rig.waiting(2)
    assert run_due(rig.desk, limits=TurnLimits(deliveries=1)).more
    rig.clock.advance(SOON)
    assert run_due(rig.desk, limits=TurnLimits(deadlines=1)).more
    assert not run_due(rig.desk).more


def test_the_next_due_is_the_earlier_of_both(rig: Rig) -> None:
    rig.provider.answers = [Deferred("throttled", dt.timedelta(minutes=2)), Deferred("throttled", 3 * SOON)]
    rig.waiting()
    assert run_due(rig.desk).next_due == START + dt.timedelta(minutes=2)
    rig.clock.advance(minutes=2)
    assert run_due(rig.desk).next_due == START + SOON


def test_the_lag_is_the_age_of_the_oldest_row_that_was_due(rig: Rig) -> None:
    rig.waiting()
    rig.clock.advance(minutes=3)
    assert run_due(rig.desk).lag == dt.timedelta(minutes=3)  # the answer has waited since it was written
    rig.clock.advance(minutes=12)
    assert run_due(rig.desk).lag == dt.timedelta(minutes=5)  # the deadline was due ten minutes after it
    assert run_due(rig.desk).lag == dt.timedelta(0)


def test_the_lag_is_that_of_the_kind_of_work_that_is_further_behind(rig: Rig) -> None:
    rig.waiting()
    run_due(rig.desk)
    rig.clock.advance(SOON + dt.timedelta(minutes=5))
    rig.waiting()
    rig.clock.advance(minutes=1)
    assert run_due(rig.desk).lag == dt.timedelta(minutes=6)


@pytest.mark.parametrize("broken", ["tick", "deliver_outbox"])
def test_one_kind_of_work_that_fails_does_not_stop_the_other(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    rig.waiting()
    rig.clock.advance(SOON)
    monkeypatch.setattr(rig.desk, broken, failing(StorageUnavailable("the database is locked")))
    report = run_due(rig.desk)
    kind = {"tick": "timers", "deliver_outbox": "outbox"}[broken]
    assert report.errors == ((kind, "storage.unavailable", "the database is locked"),)
    assert report.timers.fired + report.outbox.sent == 1


def test_of_a_foreign_error_only_its_name_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.desk, "tick", failing(KeyError("ann@example.org")))
    assert run_due(rig.desk).errors == (("timers", "KeyError", "stopped by KeyError"),)


def test_a_slow_provider_leaves_time_for_the_deadlines(rig: Rig) -> None:
    rig.waiting(4)
    rig.provider.during = lambda: rig.clock.advance(seconds=4)
    report = run_due(rig.desk, limits=TurnLimits(span=dt.timedelta(seconds=10)))
    assert (report.outbox.sent, report.more) == (3, True)  # begun at 0, 4 and 8 s


def test_slow_plugins_leave_time_for_the_deliveries_and_give_deadlines_back(rig: Rig) -> None:
    rig.waiting(4)
    rig.clock.advance(SOON)
    rig.observer.during = lambda: rig.clock.advance(seconds=6)
    report = run_due(rig.desk, limits=TurnLimits(span=dt.timedelta(seconds=10)))
    assert (report.timers.fired, report.outbox.sent, report.more) == (2, 4, True)
    assert run_due(rig.desk).timers.fired == 2  # at once, without waiting for a lease


@pytest.mark.parametrize(
    "wrong", [{"deadlines": 0}, {"deliveries": 10_001}, {"lease": dt.timedelta(0)}, {"span": -SOON}], ids=str
)
def test_limits_of_a_turn_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        TurnLimits(**wrong)


# -- channels that this worker does not have ---------------------------------------------------------------------------


def test_a_desk_that_can_send_nothing_leaves_deliveries_to_others(rig: Rig) -> None:
    rig.waiting()
    mute = Provider(name="log", capabilities=Capabilities(outbound=False))
    bare = Desk(rig.desk.storage, clock=rig.clock, channels=[mute])
    rig.clock.advance(SOON)
    report = run_due(bare)
    assert (report.timers.fired, report.outbox, report.more) == (1, DeliveryReport(oldest_due=START), False)
    assert report.lag == SOON
    (row,) = rig.desk.outbox()
    assert (row.state, row.attempts, row.available_at) == (OutboxState.PENDING, 0, START)
    assert run_due(rig.desk).outbox.sent == 1


def test_a_worker_without_channels_is_not_kept_busy_by_deliveries(rig: Rig) -> None:
    rig.waiting()
    bare = Rig(rig.clock, rig.provider, rig.observer, Desk(rig.desk.storage, clock=rig.clock))
    bare.work(pauses=2, poll=30)
    assert bare.pauses == [30, 30]


def test_deliveries_without_an_adapter_keep_no_worker_busy(rig: Rig) -> None:
    rig.waiting()
    other = Desk(rig.desk.storage, clock=rig.clock, channels=[Provider(name="other")])
    some = Rig(rig.clock, rig.provider, rig.observer, other)
    some.work(pauses=1, poll=30)
    assert some.pauses[0] >= 8


# -- the loop ----------------------------------------------------------------------------------------------------------


def test_it_sleeps_until_something_is_due(rig: Rig) -> None:
    rig.waiting()
    worker = rig.work(pauses=2, poll=3600)
    assert rig.pauses[0] == SOON.total_seconds()
    assert rig.desk.get(1).state == "open"
    assert worker.last is not None
    assert worker.last.timers.fired == 1


def test_it_sleeps_no_longer_than_poll(rig: Rig) -> None:
    rig.waiting()
    rig.work(pauses=3, poll=20)
    assert rig.pauses == [20, 20, 20]


def test_a_poll_that_is_shorter_than_any_pause_is_the_pause(rig: Rig) -> None:
    rig.work(pauses=2, poll=0.01)
    assert rig.pauses == [0.01, 0.01]


def test_it_does_not_sleep_while_there_is_more(rig: Rig) -> None:
    rig.waiting(5)
    turns: list[WorkReport] = []
    rig.work(pauses=1, poll=20, limits=TurnLimits(deliveries=2), on_turn=turns.append)
    assert [turn.outbox.sent for turn in turns] == [2, 2, 1]


def test_a_due_that_nobody_can_work_off_keeps_it_not_busy(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.desk, "tick", lambda **_: TickReport(more=True, next_due=START - SOON))
    rig.work(pauses=3, poll=20)
    assert rig.pauses == [SHORTEST_PAUSE] * 3


def test_pauses_double_up_to_poll_while_the_storage_is_unavailable(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = failing(StorageUnavailable("nobody there"))
    monkeypatch.setattr(rig.desk, "tick", gone)
    monkeypatch.setattr(rig.desk, "deliver_outbox", gone)
    worker = rig.work(pauses=6, poll=5)
    assert rig.pauses == [FIRST_BACK_OFF, 1, 2, 4, 5, 5]
    assert worker.last is not None
    assert [code for _kind, code, _sentence in worker.last.errors] == ["storage.unavailable"] * 2


def test_it_does_its_work_when_the_storage_is_there_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.waiting()
    begin, left = rig.desk.storage.begin, [4]

    def begin_later(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise StorageUnavailable("not yet")
        return begin(*args, **kwargs)

    monkeypatch.setattr(rig.desk.storage, "begin", begin_later)
    rig.work(pauses=3, poll=60)
    assert rig.provider.taken == ["Which one, 0?"]
    assert rig.pauses == [FIRST_BACK_OFF, 1, 60]


def test_a_listener_that_raises_does_not_stop_the_work(rig: Rig) -> None:
    rig.waiting()

    def listen(_report: WorkReport) -> None:
        raise OSError("the pipe is gone")

    rig.work(pauses=1, on_turn=listen)
    assert rig.provider.taken == ["Which one, 0?"]


def test_run_until_idle_does_everything_that_is_due_and_no_more(rig: Rig) -> None:
    rig.waiting(5)
    rig.clock.advance(SOON)
    worker = Worker(rig.desk, limits=TurnLimits(deadlines=2, deliveries=1))
    report = worker.run_until_idle()
    assert not report.more
    assert [ticket.state for ticket in rig.desk.find().items] == ["open"] * 5
    assert len(rig.provider.taken) == 5


def test_run_until_idle_ends_where_it_gets_nowhere(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.desk, "tick", lambda **_: TickReport(more=True))
    assert Worker(rig.desk).run_until_idle().more


@pytest.mark.parametrize("poll", [0, -1, 3601, float("nan")])
def test_a_poll_that_means_nothing_is_refused(rig: Rig, poll: float) -> None:
    with pytest.raises(ValueError, match="poll must be"):
        Worker(rig.desk, poll=poll)


# -- stopping ----------------------------------------------------------------------------------------------------------


def test_a_stop_finishes_the_delivery_in_hand_and_claims_no_other(rig: Rig) -> None:
    rig.waiting(3)
    worker = Worker(rig.desk)
    rig.provider.during = worker.stop
    worker.run_forever()
    assert rig.provider.taken == ["Which one, 0?"]
    rows = [(row.state, row.attempts) for row in rig.desk.outbox()]
    assert rows == [(OutboxState.SENT, 1), (OutboxState.PENDING, 0), (OutboxState.PENDING, 0)]


def test_a_stop_gives_deadlines_back_that_were_not_begun(rig: Rig) -> None:
    rig.waiting(4)
    rig.desk.deliver_outbox()
    rig.clock.advance(SOON)
    worker = Worker(rig.desk)
    rig.observer.during = worker.stop
    worker.run_forever()
    assert [ticket.state for ticket in rig.desk.find().items] == ["open", "pending", "pending", "pending"]
    with rig.desk.storage.begin(rig.desk.tenant) as unit:
        free = unit.claim_timers(rig.clock.now(), 10, lease=SOON)
    assert [timer.attempts for timer in free] == [1, 1, 1]  # this claim is their first


def test_a_stop_before_the_start_is_not_lost(rig: Rig) -> None:
    rig.waiting()
    worker = Worker(rig.desk)
    assert worker.stop()
    worker.run_forever()
    assert worker.run_until_idle() == WorkReport()
    assert rig.provider.taken == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_call_in_hand(rig: Rig, number: signal.Signals) -> None:
    rig.waiting(2)
    rig.provider.during = lambda: os.kill(os.getpid(), number)
    before = signal.getsignal(number)
    Worker(rig.desk).run_forever()
    assert rig.provider.taken == ["Which one, 0?"]
    assert signal.getsignal(number) is before


def test_an_interrupt_that_was_ignored_stays_ignored(rig: Rig) -> None:
    rig.waiting(2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rig.provider.during = lambda: os.kill(os.getpid(), signal.SIGINT)
    Worker(rig.desk).run_until_idle()
    assert len(rig.provider.taken) == 2


def test_a_signal_wakes_it_from_its_sleep(rig: Rig) -> None:
    worker = Worker(rig.desk, poll=3600, on_turn=lambda _report: timer.start())
    timer = threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGTERM])
    worker.run_forever()
    timer.join()
    assert worker.is_stopping


def test_a_second_interrupt_interrupts(rig: Rig) -> None:
    rig.waiting()
    worker = Worker(rig.desk, on_turn=lambda _report: os.kill(os.getpid(), signal.SIGINT))
    worker.stop()
    with pytest.raises(KeyboardInterrupt), worker._listening(signals=True):
        os.kill(os.getpid(), signal.SIGINT)


def test_signals_are_left_alone_where_they_are_not_wanted(rig: Rig) -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[Any] = []
    worker = Worker(rig.desk, on_turn=lambda _report: seen.append(signal.getsignal(signal.SIGTERM)))
    worker.run_until_idle(signals=False)
    assert seen == [before]


# -- threads -----------------------------------------------------------------------------------------------------------


def test_as_a_thread_it_works_while_the_block_runs(rig: Rig) -> None:
    rig.waiting()
    done = threading.Event()
    with Worker(rig.desk, poll=3600, on_turn=lambda _report: done.set()) as worker:
        assert done.wait(60)
    assert rig.provider.taken == ["Which one, 0?"]
    assert worker.is_stopping


def test_a_nudge_wakes_it(rig: Rig) -> None:
    idle, sent = threading.Event(), threading.Event()

    def listen(report: WorkReport) -> None:
        (sent if report.outbox.sent else idle).set()

    with Worker(rig.desk, poll=3600, on_turn=listen) as worker:
        assert idle.wait(60)
        rig.waiting()
        worker.nudge()
        assert sent.wait(60)


def test_it_can_be_started_again_but_not_twice(rig: Rig) -> None:
    worker = Worker(rig.desk, poll=3600)
    worker.start()
    with pytest.raises(RuntimeError, match="has a thread already"):
        worker.start()
    assert worker.stop()
    worker.start()
    assert not worker.is_stopping
    assert worker.stop()


def test_a_stop_with_a_timeout_tells_that_the_call_in_hand_goes_on(rig: Rig) -> None:
    rig.waiting()
    inside, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        inside.set()
        go_on.wait(60)

    rig.provider.during = hang
    worker = Worker(rig.desk)
    worker.start()
    assert inside.wait(60)
    assert not worker.stop(timeout=0)
    go_on.set()
    assert worker.stop()
    assert rig.desk.outbox()[0].state is OutboxState.SENT


def test_several_workers_at_once_do_everything_once(tmp_path: Any) -> None:
    clock, provider = ManualClock(START), Provider()
    with Desk(f"sqlite:///{tmp_path}/desk.db", clock=clock, channels=[provider]) as desk:
        Rig(clock, provider, Observer(), desk).waiting(30)
        clock.advance(SOON)
        workers = [Worker(desk, limits=TurnLimits(deadlines=3, deliveries=2)) for _ in range(4)]
        threads = [threading.Thread(target=worker.run_until_idle) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(provider.taken) == sorted(f"Which one, {number}?" for number in range(30))
        for number in range(1, 31):
            states = [one.event.dest for one in desk.history(number) if isinstance(one.event, StateChanged)]
            assert states == ["pending", "open"]
