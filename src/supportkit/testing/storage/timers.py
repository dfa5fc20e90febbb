"""Contract: a deadline is one row, claimed by one worker at a time, in due order (P4)."""

# ruff: noqa: S101, PLR2004, PT012 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest

from supportkit.model.change import Change, Timer, TimerState
from supportkit.races import again
from supportkit.storage.port import Storage
from supportkit.testing.builders import START, TENANT, later, make_timer, opened
from supportkit.testing.storage.kit import StorageKit, in_threads, save

LEASE = dt.timedelta(seconds=60)


def claim(storage: Storage, at: float, limit: int = 500) -> list[Timer]:
    """Claim deadlines *at* so many seconds after the start."""

    def once() -> list[Timer]:
        with storage.begin(TENANT) as unit:
            return list(unit.claim_timers(later(at), limit, lease=LEASE))

    return again(once)


def settle(storage: Storage, timer: Timer, state: TimerState = TimerState.DONE) -> bool:
    """Settle a claimed deadline."""
    with storage.begin(TENANT) as unit:
        return unit.settle_timer(timer, state)


class TimerTests(StorageKit):
    """Deadlines."""

    def test_nothing_fires_before_its_time(self, storage: Storage) -> None:
        """And at the very microsecond it does."""
        save(storage, Change(tickets=(opened(1),), timers=(make_timer(due_at=later(10)),)))
        assert claim(storage, 9.999_999) == []
        assert [timer.due_at for timer in claim(storage, 10)] == [later(10)]

    def test_a_claimed_deadline_counts_fence_and_attempt_and_carries_its_lease(self, storage: Storage) -> None:
        """So that a late result can be told from a good one."""
        save(storage, Change(timers=(make_timer(instance="3"),)))
        (timer,) = claim(storage, 0)
        assert (timer.name, timer.instance, timer.due_at) == ("resume", "3", START)
        assert (timer.state, timer.fence, timer.attempts) == (TimerState.LEASED, 1, 1)
        assert timer.lease_until == START + LEASE

    def test_a_sweep_is_bounded_and_goes_in_due_order(self, storage: Storage) -> None:
        """However they were put in."""
        due = [(number * 7) % 25 for number in range(25)]
        save(storage, Change(timers=tuple(make_timer(f"ticket-{at}", due_at=later(at)) for at in due)))
        for start in (0, 10, 20):
            found = [timer.due_at for timer in claim(storage, 100, limit=10)]
            assert found == [later(at) for at in range(start, min(start + 10, 25))]
        assert claim(storage, 100) == []

    def test_a_sweep_without_a_sensible_limit_is_refused(self, storage: Storage) -> None:
        """No sweep may grow without bound."""
        wrong: list[Any] = [0, -1, 10**12, 2**63]
        for limit in wrong:
            with pytest.raises(ValueError, match="limit"):
                claim(storage, 0, limit)

    def test_a_deadline_put_again_is_still_one(self, storage: Storage) -> None:
        """It is at its new time only; another instance is another one."""
        save(storage, Change(timers=(make_timer(due_at=later(10)),)))
        save(storage, Change(timers=(make_timer(due_at=later(20)), make_timer(instance="2", due_at=later(30)))))
        assert claim(storage, 19) == []
        assert [(timer.instance, timer.due_at) for timer in claim(storage, 99)] == [("", later(20)), ("2", later(30))]

    def test_a_cancelled_deadline_never_fires(self, storage: Storage) -> None:
        """Nor does one that was never put."""
        save(storage, Change(timers=(make_timer(), make_timer(name="close_resolved"))))
        save(storage, Change(timers=(make_timer(due_at=None), make_timer("ticket-2", due_at=None))))
        assert [timer.name for timer in claim(storage, 99)] == ["close_resolved"]

    def test_a_settled_deadline_never_fires_again(self, storage: Storage) -> None:
        """Done or parked; unless it is put anew."""
        save(storage, Change(timers=(make_timer(), make_timer("ticket-2"))))
        first, second = claim(storage, 0)
        assert settle(storage, first)
        assert settle(storage, second, TimerState.PARKED)
        assert claim(storage, 10**6) == []
        save(storage, Change(timers=(make_timer(),)))
        assert [timer.ticket for timer in claim(storage, 10**6)] == ["ticket-1"]

    def test_a_deadline_is_claimed_by_one_worker(self, storage: Storage) -> None:
        """Threads that sweep at once share a hundred of them."""
        save(storage, Change(timers=tuple(make_timer(f"ticket-{n}", due_at=later(n % 10)) for n in range(100))))
        claimed: list[str] = []
        lock = threading.Lock()

        def work(_thread: int) -> None:
            while found := claim(storage, 100, limit=7):
                with lock:
                    claimed.extend(timer.ticket for timer in found)

        in_threads(self.workers, work)
        assert sorted(claimed) == sorted(f"ticket-{n}" for n in range(100))

    def test_a_deadline_whose_lease_is_lost_goes_to_the_next_worker_under_a_new_fence(self, storage: Storage) -> None:
        """And not one moment earlier."""
        save(storage, Change(timers=(make_timer(),)))
        (mine,) = claim(storage, 0)
        assert claim(storage, 59.999_999) == []
        (theirs,) = claim(storage, 60)
        assert (theirs.fence, theirs.attempts, theirs.lease_until) == (2, 2, later(120))
        assert not settle(storage, mine)
        assert settle(storage, theirs)

    def test_a_deadline_settled_under_an_old_fence_stays_as_it_is(self, storage: Storage) -> None:
        """The row stays as the next worker left it."""
        save(storage, Change(timers=(make_timer(),)))
        (mine,) = claim(storage, 0)
        (theirs,) = claim(storage, 60)
        assert not settle(storage, mine, TimerState.PARKED)
        assert claim(storage, 119) == []
        assert [timer.fence for timer in claim(storage, 120)] == [theirs.fence + 1]

    def test_a_deadline_that_is_given_back_is_free_at_once_and_was_never_tried(self, storage: Storage) -> None:
        """As often as you like; who claimed it before has lost it."""
        save(storage, Change(timers=(make_timer(),)))
        (mine,) = claim(storage, 0)
        assert settle(storage, mine, TimerState.WAITING)
        assert not settle(storage, mine)
        for fence in (2, 3, 4):
            (again,) = claim(storage, 1)
            assert (again.fence, again.attempts, again.lease_until) == (fence, 1, later(61))
            assert settle(storage, again, TimerState.WAITING)
        claim(storage, 1)
        assert [timer.attempts for timer in claim(storage, 61)] == [2]

    def test_a_sweep_takes_lost_leases_and_new_deadlines_together(self, storage: Storage) -> None:
        """By the time at which they were due, whoever had them before."""
        save(storage, Change(timers=(make_timer("ticket-1", due_at=later(5)), make_timer("ticket-2", due_at=later(3)))))
        claim(storage, 5)
        save(storage, Change(timers=(make_timer("ticket-3", due_at=later(4)), make_timer("ticket-4", due_at=later(6)))))
        found = [(timer.ticket, timer.fence, timer.attempts) for timer in claim(storage, 65)]
        assert found == [("ticket-2", 2, 2), ("ticket-3", 1, 1), ("ticket-1", 2, 2), ("ticket-4", 1, 1)]

    def test_a_deadline_that_was_put_again_does_not_take_an_old_result(self, storage: Storage) -> None:
        """Its new time counts."""
        save(storage, Change(timers=(make_timer(),)))
        (mine,) = claim(storage, 0)
        save(storage, Change(timers=(make_timer(due_at=later(10)),)))
        assert not settle(storage, mine)
        assert [timer.due_at for timer in claim(storage, 10)] == [later(10)]

    def test_a_claim_that_is_rolled_back_leaves_the_deadline_free(self, storage: Storage) -> None:
        """A worker that dies before its commit has claimed nothing."""
        save(storage, Change(timers=(make_timer(),)))
        with pytest.raises(KeyboardInterrupt), storage.begin(TENANT) as unit:
            unit.claim_timers(later(0), 10, lease=LEASE)
            raise KeyboardInterrupt
        assert [timer.fence for timer in claim(storage, 0)] == [1]

    def test_the_backlog_says_what_is_due_and_when_the_next_is(self, storage: Storage) -> None:
        """`next_due` is never later than a real one, and a leased deadline comes back with its lease."""
        save(storage, Change(timers=(make_timer(), make_timer("ticket-2", due_at=later(10)))))
        with storage.begin(TENANT, write=False) as unit:
            early, now, both = (unit.timer_backlog(later(at)) for at in (-1, 0, 10))
        assert (early.due, early.oldest_due, early.next_due) == (0, None, later(0))
        assert (now.due, now.oldest_due, now.next_due) == (1, later(0), later(0))
        assert (both.due, both.oldest_due, both.next_due) == (2, later(0), later(0))
        (mine,) = claim(storage, 0)
        with storage.begin(TENANT, write=False) as unit:
            leased, later_on, over = (unit.timer_backlog(later(at)) for at in (0, 20, 60))
        assert (leased.due, leased.next_due) == (0, later(10))
        assert (later_on.due, later_on.next_due) == (1, later(10))
        assert over.due == 2
        claim(storage, 20)
        settle(storage, mine)
        with storage.begin(TENANT, write=False) as unit:
            assert (unit.timer_backlog(later(20)).due, unit.timer_backlog(later(20)).next_due) == (0, later(80))
