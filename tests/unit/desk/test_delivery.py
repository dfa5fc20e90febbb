"""The outbox: what becomes of an answer, for each thing that a provider can do to it (reliability.md 2 and 3)."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from supportkit.channels.port import (
    MAX_ATTEMPTS,
    Accepted,
    Capabilities,
    Deferred,
    Delivery,
    Outbound,
    Policy,
    Reason,
    Rejected,
)
from supportkit.clock import ManualClock
from supportkit.delivery import LONGEST_DELAY, DeliveryReport, back_off, within
from supportkit.desk import Desk
from supportkit.errors import UnknownChannel
from supportkit.model.change import OutboxState, Outgoing
from supportkit.model.clocks import Metric, Verdict
from supportkit.model.events import ClockCorrected, DeliveryFailed, ReplyAdded

KIM = "agent:kim"
LEASE = dt.timedelta(seconds=60)


@attrs.define
class Provider:
    """A provider in this process: answers by script, remembers what it took."""

    capabilities: Capabilities = attrs.field(factory=lambda: Capabilities(family="chat"))
    name: str = "app"
    script: list[Any] = attrs.field(factory=list)
    taken: list[Outbound] = attrs.field(factory=list)
    known: dict[str, str] = attrs.field(factory=dict)
    asked: Callable[[str], Any] | None = None

    def send(self, message: Outbound) -> Delivery:
        answer = self.script.pop(0) if self.script else Accepted(f"ext-{len(self.taken)}")
        if callable(answer):
            answer = answer(message)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Accepted):
            self.take(message)
        return answer  # type: ignore[no-any-return]

    def take(self, message: Outbound) -> None:
        if self.capabilities.dedupes_sends and message.id in self.known:
            return
        self.taken.append(message)
        self.known[message.id] = f"ext-{len(self.taken)}"

    def lookup(self, message_id: str) -> Accepted | None:
        if self.asked is not None:
            return self.asked(message_id)  # type: ignore[no-any-return]
        found = self.known.get(message_id)
        return None if found is None else Accepted(found)


def take_then(provider: Provider, answer: Any) -> Callable[[Outbound], Any]:
    def send(message: Outbound) -> Any:
        provider.take(message)
        return answer

    return send


@attrs.define
class Rig:
    clock: ManualClock
    provider: Provider
    desk: Desk

    def reply(self, body: str = "Hello", ticket: int = 1) -> None:
        self.desk.reply(ticket, body, actor=KIM)

    def row(self) -> Outgoing:
        return self.desk.outbox()[0]

    def later(self, seconds: float = 4000) -> Any:
        self.clock.advance(seconds=seconds)
        return self.desk.deliver_outbox()


Build = Callable[..., Rig]


@pytest.fixture
def rig_for() -> Iterator[Build]:
    desks: list[Desk] = []

    def build(**more: Any) -> Rig:
        clock = ManualClock("2026-01-05T09:00:00+00:00")
        provider = Provider(capabilities=Capabilities(family="chat", **more))
        desk = Desk("sqlite://", clock=clock, channels=[provider])
        desks.append(desk)
        ann = desk.customers.add("Ann", addresses={"chat": "ann@chat"})
        desk.open("Printer", "It smokes", customer=ann.id)
        return Rig(clock, provider, desk)

    yield build
    for desk in desks:
        desk.close()


@pytest.fixture
def rig(rig_for: Build) -> Rig:
    return rig_for()


def test_an_answer_is_delivered_to_the_customers_address(rig: Rig) -> None:
    rig.reply("Unplug it")
    assert rig.desk.deliver_outbox().sent == 1
    (message,) = rig.provider.taken
    assert (message.recipient, message.body, message.subject) == ("ann@chat", "Unplug it", "Printer")
    row = rig.row()
    assert (row.state, row.external_id, row.attempts, row.fence) == (OutboxState.SENT, "ext-0", 1, 1)
    assert rig.desk.deliver_outbox().sent == 0


def test_a_note_never_reaches_the_outbox(rig: Rig) -> None:
    rig.desk.note(1, "the customer is difficult", actor=KIM)
    assert rig.desk.outbox() == []


def test_a_call_is_recorded_and_not_sent(rig: Rig) -> None:
    rig.desk.reply(1, "We talked", actor=KIM, kind="call")
    assert rig.desk.outbox() == []


def test_an_answer_on_a_channel_without_adapter_is_recorded_and_says_so(rig: Rig) -> None:
    number = rig.desk.open("Printer", author="customer:ann", channel="fax").number
    rig.desk.reply(number, "Hello", actor=KIM)
    assert rig.desk.outbox() == []
    (answer,) = [entry.event for entry in rig.desk.history(number) if isinstance(entry.event, ReplyAdded)]
    assert answer.queued is False


def test_an_answer_on_a_channel_that_is_named_and_absent_is_refused(rig: Rig) -> None:
    before = rig.desk.get(1)
    with pytest.raises(UnknownChannel, match="no channel 'fax' in this desk; it has: app"):
        rig.desk.reply(1, "Hello", actor=KIM, channel="fax")
    assert rig.desk.get(1) == before


def test_an_answer_to_somebody_without_an_address_fails_before_the_provider_is_called(rig: Rig) -> None:
    nobody = rig.desk.customers.add("No address")
    number = rig.desk.open("x", "y", customer=nobody.id).number
    rig.reply("Hello", number)
    assert rig.desk.deliver_outbox().failed == 1
    assert rig.provider.taken == []
    assert rig.row().reason == "bad_recipient"
    assert "DeliveryFailed" in [type(entry.event).__name__ for entry in rig.desk.history(number)]


def test_a_worker_without_the_adapter_leaves_an_answer_alone(rig: Rig) -> None:
    rig.reply()
    before = rig.row()
    receives_only = Provider(capabilities=Capabilities(outbound=False))
    for channels in ([], [Provider(name="fax")], [receives_only]):
        report = Desk(rig.desk.storage, clock=rig.clock, channels=channels).deliver_outbox()
        assert report == DeliveryReport()
    assert rig.row() == before
    assert rig.desk.deliver_outbox().sent == 1


def test_a_rejected_answer_fails_and_the_ticket_says_so(rig: Rig) -> None:
    rig.provider.script = [Rejected("blocked")]
    rig.reply()
    assert rig.desk.deliver_outbox().failed == 1
    assert (rig.row().state, rig.row().reason) == (OutboxState.FAILED, "blocked")
    failed, corrected = (entry.event for entry in rig.desk.history(1)[-2:])
    assert isinstance(failed, DeliveryFailed)
    assert (failed.message, failed.reason) == (rig.row().message, "blocked")
    assert isinstance(corrected, ClockCorrected)  # what did not arrive was no first response
    assert (corrected.metric, corrected.before, corrected.verdict) == (Metric.FIRST_RESPONSE, Verdict.MET, None)


def test_a_deferred_answer_waits_as_long_as_the_provider_says(rig: Rig) -> None:
    rig.provider.script = [Deferred("throttled", dt.timedelta(seconds=90))]
    rig.reply()
    report = rig.desk.deliver_outbox()
    assert (report.deferred, report.more) == (1, False)
    assert report.next_due == rig.clock.now() + dt.timedelta(seconds=90)
    assert rig.later(89).sent == 0
    assert rig.later(1).sent == 1


def test_a_delivery_is_parked_after_ten_certain_failures(rig: Rig) -> None:
    rig.provider.script = [Deferred("unavailable")] * 20
    rig.reply()
    reports = [rig.later(4400) for _ in range(MAX_ATTEMPTS)]
    assert [report.deferred for report in reports] == [1] * 9 + [0]
    assert reports[-1].parked == 1
    assert rig.later().parked == 0
    assert len(rig.provider.script) == 10
    assert any(finding.code == "outbox" and finding.severity == "warning" for finding in rig.desk.check())


def test_a_delivery_is_parked_after_two_days(rig: Rig) -> None:
    rig.provider.script = [Deferred("unavailable")] * 20
    rig.reply()
    rig.desk.deliver_outbox()
    assert rig.later(48 * 3600).parked == 1


def test_back_off_doubles_spreads_and_can_be_repeated() -> None:
    for attempt in range(1, 12):
        base = min(10 * 2 ** (attempt - 1), LONGEST_DELAY)
        assert 0.8 * base <= back_off("a", attempt) <= 1.2 * base
    assert back_off("a", 3) == back_off("a", 3)
    assert len({back_off(name, 3) for name in "abcdef"}) == 6


# -- doubt -----------------------------------------------------------------------------------------------------------

DOUBTS = [Deferred(Reason.UNCERTAIN), TimeoutError(), RuntimeError("a bug"), "garbage"]


@pytest.mark.parametrize("doubt", DOUBTS, ids=["uncertain", "timeout", "raises", "garbage"])
def test_in_doubt_at_least_once_sends_one_flagged_repeat_then_gives_up(rig_for: Build, doubt: Any) -> None:
    rig = rig_for()
    rig.provider.script = [take_then(rig.provider, doubt), take_then(rig.provider, doubt)]
    rig.reply()
    assert rig.desk.deliver_outbox().deferred == 1
    assert rig.later().unknown == 1
    assert rig.later().sent == 0
    assert [message.possible_duplicate for message in rig.provider.taken] == [False, True]
    assert len({message.id for message in rig.provider.taken}) == 1
    assert (rig.row().state, rig.row().possible_duplicate) == (OutboxState.UNKNOWN, True)


@pytest.mark.parametrize("doubt", DOUBTS, ids=["uncertain", "timeout", "raises", "garbage"])
def test_in_doubt_at_most_once_sends_nothing_again(rig_for: Build, doubt: Any) -> None:
    rig = rig_for(policy=Policy.AT_MOST_ONCE)
    rig.provider.script = [take_then(rig.provider, doubt)]
    rig.reply()
    first = rig.desk.deliver_outbox()
    assert first.unknown + rig.later().unknown == 1
    assert len(rig.provider.taken) == 1
    assert rig.row().state is OutboxState.UNKNOWN


def test_in_doubt_a_provider_that_deduplicates_gets_it_again_and_keeps_one(rig_for: Build) -> None:
    rig = rig_for(dedupes_sends=True)
    rig.provider.script = [take_then(rig.provider, TimeoutError())]
    rig.reply()
    assert rig.desk.deliver_outbox().deferred == 1
    assert rig.later().sent == 1
    assert len(rig.provider.taken) == 1


@pytest.mark.parametrize("arrived", [True, False])
def test_in_doubt_a_provider_that_can_be_asked_is_asked(rig_for: Build, *, arrived: bool) -> None:
    rig = rig_for(finds_sends=True)
    rig.provider.script = [take_then(rig.provider, TimeoutError()) if arrived else TimeoutError()]
    rig.reply()
    assert rig.desk.deliver_outbox().deferred == 1
    assert rig.later().sent == 1
    assert len(rig.provider.taken) == 1
    assert rig.row().external_id is not None


# -- leases ----------------------------------------------------------------------------------------------------------


def claim(rig: Rig) -> Outgoing:
    with rig.desk.storage.begin("default") as unit:
        claimed = unit.claim_outbox(rig.clock.now(), lease=LEASE, worker="a")
    assert claimed is not None
    return claimed[0]


def test_a_leased_delivery_is_nobody_elses(rig_for: Build) -> None:
    rig = rig_for()
    rig.reply()
    claim(rig)
    assert rig.desk.deliver_outbox().sent == 0


@pytest.mark.parametrize(
    ("more", "state", "sends"),
    [
        ({}, OutboxState.SENT, 2),
        ({"policy": "at_most_once"}, OutboxState.UNKNOWN, 1),
        ({"dedupes_sends": True}, OutboxState.SENT, 1),
        ({"finds_sends": True}, OutboxState.SENT, 1),
    ],
)
def test_a_worker_that_died_after_the_provider_took_it(
    rig_for: Build, more: Any, state: OutboxState, sends: int
) -> None:
    rig = rig_for(**more)
    rig.reply()
    dead = claim(rig)
    rig.provider.take(Outbound(id=dead.id, recipient="ann@chat", body="Hello"))
    rig.later(61)
    assert rig.row().state is state
    assert len(rig.provider.taken) == sends
    assert rig.row().possible_duplicate is (sends == 2)


def test_plugin_04_a_late_result_is_noted_and_changes_nothing(rig_for: Build) -> None:
    rig = rig_for(dedupes_sends=True)
    rig.reply()
    zombie = claim(rig)
    rig.later(61)
    settled = rig.row()
    with rig.desk.storage.begin("default") as unit:
        assert not unit.settle_outbox(zombie, state=OutboxState.FAILED, now=rig.clock.now(), reason="late")
    assert rig.row() == settled


def test_plugin_02_a_call_that_hangs_is_left_behind_and_its_late_answer_counts_for_nothing(rig_for: Build) -> None:
    rig = rig_for(dedupes_sends=True, timeout=0.05)
    release, answered = threading.Event(), threading.Event()

    def hang(_message: Outbound) -> Delivery:
        release.wait(10)
        answered.set()
        return Accepted("late")

    rig.provider.script = [hang]
    rig.reply()
    assert rig.desk.deliver_outbox().deferred == 1
    release.set()
    assert answered.wait(10)
    assert rig.row().external_id is None
    assert rig.later().sent == 1


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), MemoryError(), RecursionError()], ids=repr)
def test_plugin_01_an_adapter_that_raises_stops_no_other_delivery(rig_for: Build, error: Exception) -> None:
    rig = rig_for()
    rig.desk.open("Other", "Mine too", customer=rig.desk.get(1).customer)
    rig.reply("one", 1)
    rig.clock.advance(seconds=1)
    rig.reply("two", 2)
    rig.provider.script = [error]
    report = rig.desk.deliver_outbox()
    assert (report.deferred, report.sent) == (1, 1)
    assert report.problems == ((rig.row().id, "uncertain"),)


def test_plugin_01_what_is_no_exception_goes_through_and_leaves_the_lease(rig: Rig) -> None:
    rig.reply()
    rig.provider.script = [lambda _message: _die()]
    with pytest.raises(Dies):
        rig.desk.deliver_outbox()
    assert (rig.row().state, rig.row().attempts) == (OutboxState.LEASED, 1)
    assert rig.later(61).sent == 1


def test_plugin_04_a_failure_after_a_success_is_ignored_and_recorded(rig: Rig) -> None:
    rig.reply()
    mine = claim(rig)
    with rig.desk.storage.begin("default") as unit:
        assert unit.settle_outbox(mine, state=OutboxState.SENT, now=rig.clock.now()) is OutboxState.SENT
    for state in (OutboxState.SENT, OutboxState.FAILED):
        with rig.desk.storage.begin("default") as unit:
            assert unit.settle_outbox(mine, state=state, now=rig.clock.now()) is None
    assert rig.row().state is OutboxState.SENT


def test_the_late_rejection_of_a_zombie_is_counted_and_marks_no_failure(rig_for: Build) -> None:
    rig = rig_for(dedupes_sends=True)
    rig.reply()

    def slow(message: Outbound) -> Delivery:
        rig.clock.advance(seconds=61)
        assert rig.desk.deliver_outbox().sent == 1
        return Rejected("blocked")

    rig.provider.script = [slow]
    assert rig.desk.deliver_outbox().late == 1
    assert rig.row().state is OutboxState.SENT
    assert "DeliveryFailed" not in {type(recorded.event).__name__ for recorded in rig.desk.history(1)}


def test_a_call_within_its_time_gives_its_result_or_its_error() -> None:
    assert within(5, lambda: 7) == 7
    with pytest.raises(KeyError):
        within(5, lambda: {}["absent"])


# -- order -----------------------------------------------------------------------------------------------------------


def test_answers_of_one_conversation_go_out_in_order(rig_for: Build) -> None:
    rig = rig_for()
    for word in ("one", "two", "three"):
        rig.reply(word)
    rig.provider.script = [Deferred("throttled")]
    rig.desk.deliver_outbox()
    assert rig.provider.taken == []
    rig.later()
    assert [message.body for message in rig.provider.taken] == ["one", "two", "three"]


def test_a_dead_conversation_holds_up_no_other(rig_for: Build) -> None:
    rig = rig_for()
    rig.desk.open("Other", "Mine too", customer=rig.desk.get(1).customer)
    rig.reply("one", 1)
    rig.clock.advance(seconds=1)
    rig.reply("two", 2)
    rig.provider.script = [Deferred("throttled")]
    assert rig.desk.deliver_outbox().sent == 1
    assert [message.body for message in rig.provider.taken] == ["two"]


def test_a_failed_delivery_lets_the_next_one_pass(rig_for: Build) -> None:
    rig = rig_for()
    rig.reply("one")
    rig.reply("two")
    rig.provider.script = [Rejected("blocked")]
    report = rig.desk.deliver_outbox()
    assert (report.failed, report.sent) == (1, 1)


def test_delivering_is_bounded_and_says_when_there_is_more(rig_for: Build) -> None:
    rig = rig_for()
    for word in ("one", "two", "three"):
        rig.reply(word)
    report = rig.desk.deliver_outbox(limit=2)
    assert (report.sent, report.more) == (2, True)
    assert rig.desk.deliver_outbox(limit=2).more is False


def test_four_workers_send_each_message_once(rig_for: Build) -> None:
    rig = rig_for()
    for number in range(12):
        rig.desk.open(f"T{number}", customer=rig.desk.get(1).customer)
        rig.reply(f"answer {number}", number + 2)
    threads = [threading.Thread(target=rig.desk.deliver_outbox) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(message.body for message in rig.provider.taken) == sorted(f"answer {number}" for number in range(12))


def test_a_merge_keeps_the_answers_that_wait(rig_for: Build) -> None:
    rig = rig_for()
    other = rig.desk.open("Other", customer=rig.desk.get(1).customer)
    rig.reply("still goes out")
    rig.desk.merge(1, other.id, actor=KIM)
    assert rig.desk.deliver_outbox().sent == 1


# -- what a review found ---------------------------------------------------------------------------------------------


class Dies(BaseException):
    """The process ends in the middle of a call."""


def _die() -> Delivery:
    raise Dies


def test_a_worker_that_dies_in_its_repeat_is_not_repeated_again(rig_for: Build) -> None:
    rig = rig_for()
    rig.provider.script = [take_then(rig.provider, Dies()) for _ in range(9)]

    def deadly(message: Outbound) -> Delivery:
        rig.provider.take(message)
        raise Dies

    rig.provider.script = [deadly] * 9
    rig.reply()
    for _ in range(6):
        try:
            rig.later(61)
        except Dies:
            continue
    assert [message.possible_duplicate for message in rig.provider.taken] == [False, True]
    assert rig.row().state is OutboxState.UNKNOWN


def test_a_worker_without_the_adapter_does_not_forget_the_doubt(rig_for: Build) -> None:
    rig = rig_for(policy=Policy.AT_MOST_ONCE)
    rig.reply()
    dead = claim(rig)
    rig.provider.take(Outbound(id=dead.id, recipient="ann@chat", body="Hello"))
    rig.clock.advance(seconds=61)
    assert Desk(rig.desk.storage, clock=rig.clock).deliver_outbox() == DeliveryReport()
    assert rig.later().unknown == 1
    assert len(rig.provider.taken) == 1


def test_a_slow_look_up_is_left_behind_within_a_quarter_of_the_lease(rig_for: Build) -> None:
    rig = rig_for(finds_sends=True)
    rig.provider.script = [TimeoutError()]
    rig.reply()
    rig.desk.deliver_outbox()
    rig.clock.advance(seconds=4000)
    release = threading.Event()
    rig.provider.asked = lambda _id: release.wait(20) and None
    assert rig.desk.deliver_outbox(lease=dt.timedelta(seconds=0.2)).deferred == 1
    release.set()
    assert rig.provider.taken == []


@pytest.mark.parametrize(
    "answer",
    [Deferred("throttled", 30), Deferred("throttled", dt.timedelta.max), Deferred("throttled", dt.timedelta(days=-1))],  # type: ignore[arg-type]
)
def test_a_wait_that_cannot_be_meant_stops_no_turn(rig: Rig, answer: Delivery) -> None:
    rig.provider.script = [answer]
    rig.reply()
    assert rig.desk.deliver_outbox(limit=1).deferred == 1
    assert rig.row().state is OutboxState.PENDING


def test_a_look_up_that_answers_with_garbage_leaves_the_doubt(rig_for: Build) -> None:
    rig = rig_for(finds_sends=True)
    rig.provider.script = [take_then(rig.provider, TimeoutError())]
    rig.reply()
    rig.desk.deliver_outbox()
    rig.provider.asked = lambda _id: True
    assert rig.later().deferred == 1
    assert rig.row().reason == "uncertain"
    assert len(rig.provider.taken) == 1


def test_a_refused_log_in_holds_up_one_account_and_every_worker_knows(rig: Rig) -> None:
    other = Provider(name="fax")
    here = Desk(rig.desk.storage, channels=[rig.provider, other], clock=rig.clock)
    there = Desk(rig.desk.storage, channels=[rig.provider, other], clock=rig.clock)
    ann = here.customers.list()[0].id
    for channel in ("app", "app", "fax"):
        here.reply(here.open("Help", "x", channel=channel, customer=ann), "Here.", actor=KIM)
    rig.provider.script = [Deferred(Reason.AUTH, dt.timedelta(minutes=5)), Deferred(Reason.UNAVAILABLE)]
    report = here.deliver_outbox()
    assert (report.deferred, report.sent, report.paused) == (1, 1, (("app", ""),))
    assert there.deliver_outbox().paused == (("app", ""),)
    rig.clock.advance(minutes=5)
    assert there.deliver_outbox().deferred == 1, "one probe; a provider that is away says nothing of the log-in"
    assert (len(rig.provider.script), len(here.outbox.pauses())) == (0, 1)
    rig.clock.advance(minutes=20)
    assert (here.deliver_outbox().sent, here.outbox.pauses()) == (2, ())
