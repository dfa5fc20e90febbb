"""Many at once on every storage, in threads and processes: nothing is lost, and nobody dead speaks for the living."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import delete
from tests.crash.days import KIM, Ahead, desk_on
from tests.crash.nursery import Nursery
from tests.crash.outside import LINES, Outside, lines
from tests.crash.truth import all_deliveries, examine, rows

from supportkit import Desk, ManualClock
from supportkit.model.change import OutboxState
from supportkit.model.events import ClockBreached, ClockWarned
from supportkit.storage import schema as t
from supportkit.storage.sql import SqlStorage

PROCESSES, THREADS = 4, 2
LEASE = 60.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(Ahead(0).now())


@pytest.fixture
def desk(crash_url: str, crash_storage: SqlStorage, outside: Outside, clock: ManualClock) -> Iterator[Desk]:
    """Give a desk on the empty tables."""
    with crash_storage.engine.begin() as connection:
        for table in t.metadata.sorted_tables:
            connection.execute(delete(table))
    with desk_on(crash_url, clock, lines(outside)) as desk:
        yield desk


def customer(desk: Desk) -> str:
    return desk.customers.add("Ann", addresses={"chat": "@ann"}).id


def crowd(url: str, outside: Outside, born: Nursery, work: str, **arguments: object) -> list[int]:
    """Let 8 workers in 4 processes begin at one moment; return what each says that it did."""
    outside.hold("start")
    common = {"url": url, "outside": outside.address, "threads": THREADS, "work": work}
    pids = [born.bear("crowd", **common, **arguments) for _ in range(PROCESSES)]
    outside.until(lambda: len([1 for kind, _data in outside.said if kind == "wait"]) == PROCESSES)
    outside.release()
    assert [born.wait(pid) for pid in pids] == [0] * PROCESSES
    outside.until_heard()
    said: list[int] = outside.words(work)
    assert len(said) == PROCESSES * THREADS
    return said


# -- races -----------------------------------------------------------------------------------------------------------


def no_increment_is_lost(desk: Desk, url: str, outside: Outside, born: Nursery, times: int) -> None:
    ticket = desk.open("counted", actor=KIM, fields={"count": 0})
    lost = crowd(url, outside, born, "increment", ahead=0, ticket=ticket.id, times=times)
    after = desk.get(ticket.id)
    total = PROCESSES * THREADS * times
    print(f"\n{url.split(':', maxsplit=1)[0]}: {total} increments, {sum(lost)} races lost")  # noqa: T201
    assert after.fields["count"] == total
    assert after.version == 1 + total
    assert sum(lost) > 0, "nobody was in anybody's way: the test shows nothing"


def test_of_twelve_hundred_increments_by_eight_workers_none_is_lost(
    desk: Desk, crash_url: str, crash_storage: SqlStorage, outside: Outside, born: Nursery
) -> None:
    no_increment_is_lost(desk, crash_url, outside, born, 150)
    examine(desk, crash_storage)


def test_eight_sweepers_tell_each_of_three_hundred_breaches_once(
    desk: Desk, crash_url: str, crash_storage: SqlStorage, outside: Outside, born: Nursery, clock: ManualClock
) -> None:
    whose = customer(desk)
    for number in range(300):
        desk.open(f"printer {number}", "It smokes.", customer=whose)
    fired = crowd(crash_url, outside, born, "sweep", ahead=600)
    told = Counter(
        (type(one.event), one.event.threshold if isinstance(one.event, ClockWarned) else "")
        for one in desk.follow("count")
        if isinstance(one.event, ClockWarned | ClockBreached)
    )
    assert set(told.values()) == {300}
    assert {kind for kind, _threshold in told} == {ClockWarned, ClockBreached}
    assert sum(1 for count in fired if count) > 1, "one sweeper did it all: the test shows nothing"
    clock.advance(minutes=10)
    found = examine(desk, crash_storage)
    assert (found.tickets, found.breaches) == (300, 300)


# -- zombies ---------------------------------------------------------------------------------------------------------


def test_a_late_result_of_a_stopped_worker_is_refused(
    desk: Desk, crash_url: str, crash_storage: SqlStorage, outside: Outside, born: Nursery
) -> None:
    """For each class and policy: A hangs in the call, is stopped past its lease, B takes over; then A goes on."""
    whose = customer(desk)
    for line in LINES:
        ticket = desk.open(line, "It smokes.", customer=whose, channel=line)
        desk.reply(ticket.id, "Wait.", actor=KIM)
    common = {"url": crash_url, "outside": outside.address, "ahead": 0.0, "lease": LEASE}
    outside.hold(*LINES)
    zombies: list[int] = []
    for _ in LINES:
        zombies.append(born.bear("deliverer", **common, limit=1))
        outside.until(lambda: len(outside.calls) == len(zombies))
        os.kill(zombies[-1], signal.SIGSTOP)
    outside.release()
    living = born.bear("deliverer", **(common | {"ahead": LEASE + 1.0}), limit=len(LINES))
    assert born.wait(living) == 0
    settled = sorted(all_deliveries(crash_storage, desk.tenant), key=lambda row: row.channel)
    assert {row.channel: row.state for row in settled} == {
        "idempotent": OutboxState.SENT,
        "reconcilable": OutboxState.SENT,
        "least": OutboxState.SENT,
        "most": OutboxState.UNKNOWN,
    }
    for pid in zombies:
        os.kill(pid, signal.SIGCONT)
    assert [born.wait(pid) for pid in zombies] == [0] * len(LINES)
    outside.until_heard()
    said = dict(outside.words("delivered"))
    assert [said[pid]["late"] for pid in zombies] == [1] * len(LINES)
    assert said[living] == {"late": 0, "sent": 3, "unknown": 1}
    assert sorted(all_deliveries(crash_storage, desk.tenant), key=lambda row: row.channel) == settled
    results = Counter(row.result for row in rows(crash_storage, desk.tenant, t.attempt))
    assert results == {"late_result": 4, "sent": 3, "unknown": 1}
    accepted = {line: [call.flagged for call in outside.calls if call.line == line] for line in LINES}
    assert accepted == {"idempotent": [False, False], "reconcilable": [False], "least": [False, True], "most": [False]}


def test_deadlines_that_a_stopped_worker_has_in_hand_are_fired_by_another_and_not_again(
    desk: Desk, crash_url: str, crash_storage: SqlStorage, outside: Outside, born: Nursery
) -> None:
    """A has claimed both and fired one; it is stopped past its lease, B fires the other; then A goes on."""
    whose = customer(desk)
    tickets = [desk.open(f"printer {number}", "It smokes.", customer=whose).id for number in range(2)]
    outside.hold(*tickets)
    zombie = born.bear("sleeper", url=crash_url, outside=outside.address, ahead=600.0)
    outside.until(lambda: len(outside.said) == 1)
    os.kill(zombie, signal.SIGSTOP)
    with desk_on(crash_url, ManualClock(Ahead(720.0).now())) as other:
        assert other.tick().fired == 1
        outside.release()
        os.kill(zombie, signal.SIGCONT)
        assert born.wait(zombie) == 0
        outside.until_heard()
        assert outside.words("ticked") == [{"fired": 1, "stale": 1, "failed": 0}]
        assert examine(other, crash_storage).breaches == 2
