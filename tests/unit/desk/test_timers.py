"""Deadlines: each fires once, at its true instant, whatever the workers do."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from supportkit.clock import ManualClock
from supportkit.desk import Desk
from supportkit.errors import StorageUnavailable
from supportkit.hooks import hookimpl
from supportkit.lifecycle import Refusal
from supportkit.model.change import Change, TimerState
from supportkit.model.events import Recorded
from supportkit.model.people import ActorKind
from supportkit.sla import ServiceLevels
from supportkit.storage.sql import SqlStorage
from supportkit.storage.unit import SqlUnitOfWork

KIM = "agent:kim"
WEEK = dt.timedelta(days=7)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-01-05T09:00:00+00:00")


@pytest.fixture
def desk(clock: ManualClock) -> Iterator[Desk]:
    with Desk("sqlite://", clock=clock, levels=ServiceLevels(policies=())) as desk:
        yield desk


def resolved(desk: Desk) -> str:
    ticket = desk.open("x", author="customer:ann")
    return desk.resolve(ticket.id, "done", actor=KIM).id


def test_a_resolved_ticket_closes_after_a_week_at_its_true_instant(desk: Desk, clock: ManualClock) -> None:
    ticket, due = resolved(desk), clock.now() + WEEK
    assert desk.tick().next_due == due
    clock.set(due - dt.timedelta(microseconds=1))
    assert desk.tick().fired == 0
    clock.set(due + dt.timedelta(hours=3))
    report = desk.tick()
    assert (report.fired, report.late, report.more, report.next_due) == (1, 1, False, None)
    closed = desk.history(ticket)[-1]
    assert (closed.occurred_at, closed.recorded_at, str(closed.actor)) == (due, clock.now(), "system")
    assert desk.get(ticket).closed_at == due


def test_a_ticket_that_was_reopened_does_not_close(desk: Desk, clock: ManualClock) -> None:
    ticket = resolved(desk)
    desk.add_message(ticket, "still broken", author="customer:ann")
    clock.advance(WEEK)
    assert desk.tick().fired == 0
    assert desk.get(ticket).state == "open"


def test_resolving_again_begins_a_new_week(desk: Desk, clock: ManualClock) -> None:
    ticket = resolved(desk)
    clock.advance(days=5)
    desk.add_message(ticket, "still broken", author="customer:ann")
    desk.resolve(ticket, "really done", actor=KIM)
    clock.advance(days=5)
    assert desk.tick().fired == 0
    clock.advance(days=2)
    assert desk.tick().fired == 1


def test_waiting_until_an_instant_goes_on_by_itself(desk: Desk, clock: ManualClock) -> None:
    ticket = desk.open("x", author="customer:ann")
    desk.ask(ticket.id, "Still there?", actor=KIM, until=dt.timedelta(hours=2))
    clock.advance(hours=2)
    assert desk.tick().fired == 1
    assert desk.get(ticket.id).state == "open"


def test_an_answer_before_the_instant_cancels_it(desk: Desk, clock: ManualClock) -> None:
    ticket = desk.open("x", author="customer:ann")
    desk.hold(ticket.id, actor=KIM, until=dt.timedelta(hours=2))
    desk.resume(ticket.id, actor=KIM)
    clock.advance(hours=3)
    assert desk.tick() == desk.tick()
    assert [recorded.event for recorded in desk.history(ticket.id)][-1].trigger == "resume"  # type: ignore[union-attr]


def test_unanswered_questions_are_resolved_only_where_asked_for(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock, resolve_pending_after=dt.timedelta(days=3)) as desk:
        ticket = desk.open("x", author="customer:ann")
        desk.ask(ticket.id, "Which printer?", actor=KIM)
        clock.advance(days=3)
        assert desk.tick().fired == 1
        done = desk.get(ticket.id)
        assert (done.state, done.reason) == ("resolved", "no_answer")


def test_a_tick_with_an_earlier_now_changes_nothing(desk: Desk, clock: ManualClock) -> None:
    ticket = resolved(desk)
    clock.advance(WEEK)
    desk.tick()
    before = desk.get(ticket)
    assert desk.tick(clock.now() - dt.timedelta(days=30)).fired == 0
    assert desk.get(ticket) == before


def test_many_small_ticks_give_what_one_big_tick_gives(clock: ManualClock) -> None:
    def day(steps: int) -> list[tuple[Any, ...]]:
        clock.set("2026-01-05T09:00:00+00:00")
        with Desk("sqlite://", clock=clock) as desk:
            for hours in (1, 5, 30):
                ticket = desk.open("x", author="customer:ann")
                desk.ask(ticket.id, "?", actor=KIM, until=dt.timedelta(hours=hours))
                resolved(desk)
            for _ in range(steps):
                clock.advance(dt.timedelta(days=10) / steps)
                desk.tick()
            return [
                (ticket.number, recorded.seq, recorded.occurred_at, type(recorded.event).__name__)
                for ticket in desk.find(limit=100).items
                for recorded in desk.history(ticket.id)
            ]

    assert day(1) == day(7) == day(100)


def test_a_tick_is_bounded_goes_in_due_order_and_says_when_there_is_more(desk: Desk, clock: ManualClock) -> None:
    for _ in range(5):
        resolved(desk)
        clock.advance(minutes=1)
    clock.advance(days=30)
    first = desk.tick(limit=2)
    assert (first.fired, first.more) == (2, True)
    assert [ticket.number for ticket in desk.find(states="closed").items] == [1, 2]
    assert desk.tick().fired == 3


def test_eight_sweepers_close_each_ticket_once(desk: Desk, clock: ManualClock) -> None:
    tickets = [resolved(desk) for _ in range(40)]
    clock.advance(WEEK)
    threads = [threading.Thread(target=desk.tick) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    closings = [
        sum(getattr(recorded.event, "dest", "") == "closed" for recorded in desk.history(ticket)) for ticket in tickets
    ]
    assert closings == [1] * 40


def test_a_plugin_that_refuses_a_deadline_is_reported_and_the_others_fire(clock: ManualClock) -> None:
    class Keep:
        shut = False

        @hookimpl
        def supportkit_refuse(self, ticket: Any) -> Refusal | None:
            return Refusal("audit", "under audit") if self.shut and ticket.number == 1 else None

    keep = Keep()
    with Desk("sqlite://", clock=clock, plugins=[keep]) as desk:
        resolved(desk), resolved(desk)
        keep.shut = True
        clock.advance(WEEK)
        report = desk.tick()
        assert (report.fired, report.refused) == (1, 1)
        assert report.problems[0][1:] == ("close_resolved", "workflow.refused")
        assert desk.tick().refused == 0


def test_a_deadline_of_a_ticket_that_cannot_be_read_is_parked_after_five_tries(desk: Desk, clock: ManualClock) -> None:
    ticket = resolved(desk)
    with desk.storage.begin("default") as unit:
        unit._cursor.execute("UPDATE supportkit_ticket SET category = 'nonsense' WHERE id = ?", (ticket,))  # type: ignore[attr-defined]
    resolved(desk)
    clock.advance(WEEK)
    outcomes = []
    for _ in range(6):
        report = desk.tick()
        outcomes.append((report.fired, report.failed, report.parked))
        clock.advance(minutes=2)
    assert outcomes == [(1, 1, 0), (0, 1, 0), (0, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 0)]


def test_the_lease_of_a_dead_worker_runs_out(desk: Desk, clock: ManualClock) -> None:
    resolved(desk)
    clock.advance(WEEK)
    with desk.storage.begin("default") as unit:
        (claimed,) = unit.claim_timers(clock.now(), 10, lease=dt.timedelta(seconds=60))
    assert desk.tick().fired == 0
    clock.advance(seconds=60)
    assert desk.tick().fired == 1
    with desk.storage.begin("default") as unit:
        assert not unit.settle_timer(claimed, TimerState.DONE)


class Slow:
    """An observer that takes its time after each event, and calls somebody meanwhile."""

    def __init__(self, clock: ManualClock, seconds: float, meanwhile: Callable[[], object] = list) -> None:
        self.clock, self.seconds, self.meanwhile = clock, seconds, meanwhile

    @hookimpl
    def supportkit_event_recorded(self, recorded: Recorded) -> None:
        if recorded.actor.kind is ActorKind.SYSTEM:
            self.clock.advance(seconds=self.seconds)
            self.meanwhile()


@pytest.mark.parametrize("seconds", [1, 20, 29, 31, 45, 59])
def test_nobody_takes_over_what_waits_in_line_of_a_slow_sweep(clock: ManualClock, seconds: float) -> None:
    others = []
    with Desk("sqlite://", clock=clock) as other:
        slow = Slow(clock, seconds, lambda: others.append(other.tick()))
        desk = Desk(other.storage, clock=clock, plugins=[slow])
        tickets = [resolved(desk) for _ in range(8)]
        clock.advance(WEEK)
        assert (desk.tick().fired, len(others)) == (8, 8)
        assert [report.fired for report in others] == [0] * 8
        assert {desk.get(ticket).state for ticket in tickets} == {"closed"}


def test_waiting_in_line_is_no_try(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock) as other:
        desk = Desk(other.storage, clock=clock, plugins=[Slow(clock, 45)])
        tickets = [resolved(desk) for _ in range(8)]
        with desk.storage.begin("default") as unit:
            unit._cursor.execute("UPDATE supportkit_ticket SET category = 'nonsense' WHERE id = ?", (tickets[-1],))  # type: ignore[attr-defined]
        clock.advance(WEEK)
        report = desk.tick()
        assert (report.fired, report.failed, report.parked) == (7, 1, 0)


def test_a_slow_sweep_is_as_bounded_as_a_fast_one(clock: ManualClock) -> None:
    with Desk("sqlite://", clock=clock) as other:
        desk = Desk(other.storage, clock=clock, plugins=[Slow(clock, 45)])
        for _ in range(5):
            resolved(desk)
        clock.advance(WEEK)
        assert [(report.fired, report.more) for report in (desk.tick(limit=3), desk.tick(limit=3))] == [
            (3, True),
            (2, False),
        ]


@pytest.mark.parametrize("limit", [1, 49, 50, 51, 100, 119, 120, 500])
def test_a_sweep_of_several_batches_fires_exactly_up_to_its_limit_in_due_order(clock: ManualClock, limit: int) -> None:
    with Desk("sqlite://", clock=clock) as desk:
        with desk.transaction() as inside:
            for _ in range(120):
                resolved(inside)
                clock.advance(seconds=1)
        clock.advance(WEEK)
        report = desk.tick(limit=limit)
        assert (report.fired, report.more) == (min(limit, 120), limit < 120)
        closed = [ticket.number for ticket in desk.find(states="closed", limit=200).items]
        assert closed == list(range(1, min(limit, 120) + 1))


def test_a_deadline_that_fails_is_tried_once_a_sweep(desk: Desk, clock: ManualClock) -> None:
    tickets = [resolved(desk) for _ in range(60)]
    with desk.storage.begin("default") as unit:
        unit._cursor.execute("UPDATE supportkit_ticket SET category = 'nonsense' WHERE id = ?", (tickets[0],))  # type: ignore[attr-defined]
    clock.advance(WEEK)
    report = desk.tick()
    assert (report.fired, report.failed, report.more) == (59, 1, False)
    assert report.next_due == clock.now() + dt.timedelta(seconds=60)


def test_a_naive_now_is_refused(desk: Desk) -> None:
    with pytest.raises(TypeError, match="now must be an aware datetime"):
        desk.tick(dt.datetime(2026, 1, 5))  # noqa: DTZ001


@pytest.mark.parametrize(("before", "after"), [(7, 3), (7, 30)])
def test_a_desk_with_other_rules_closes_by_its_own(clock: ManualClock, before: int, after: int) -> None:
    storage = SqlStorage("sqlite://")
    storage.migrate()
    ticket = resolved(Desk(storage, clock=clock, close_resolved_after=dt.timedelta(days=before)))
    desk = Desk(storage, clock=clock, close_resolved_after=dt.timedelta(days=after))
    clock.advance(days=min(before, after))
    desk.tick()
    clock.advance(days=max(before, after))
    desk.tick()
    assert desk.get(ticket).state == "closed"
    storage.close()


def test_a_deadline_outlives_a_plugin_that_breaks_once(clock: ManualClock) -> None:
    class Breaks:
        broken = False

        @hookimpl
        def supportkit_refuse(self) -> Refusal | None:
            if self.broken:
                raise RuntimeError
            return None

    plugin = Breaks()
    with Desk("sqlite://", clock=clock, plugins=[plugin]) as desk:
        ticket = resolved(desk)
        clock.advance(WEEK)
        plugin.broken = True
        assert desk.tick().failed == 1
        plugin.broken = False
        clock.advance(minutes=2)
        assert desk.tick().fired == 1
        assert desk.get(ticket).state == "closed"


class Away(SqlStorage):
    """A storage that is away whenever the ticket *hidden* is saved."""

    hidden = ""

    @contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[SqlUnitOfWork]:
        with super().begin(tenant, write=write) as unit:
            yield self._hiding(unit)

    def _hiding(self, unit: SqlUnitOfWork) -> Any:
        hidden = self.hidden

        class Hiding:
            def __getattr__(self, name: str) -> Any:
                return getattr(unit, name)

            def save(self, change: Change) -> None:
                if hidden in [part.ticket.id for part in change.tickets]:
                    raise StorageUnavailable("the server is not available: try again")
                unit.save(change)

        return Hiding()


def test_a_deadline_during_which_the_database_was_away_was_not_tried(clock: ManualClock) -> None:
    storage = Away()
    storage.migrate()
    desk = Desk(storage, clock=clock, levels=ServiceLevels(policies=()))
    first, second = resolved(desk), resolved(desk)
    clock.advance(WEEK)
    storage.hidden = first
    reports = [desk.tick() for _ in range(7)]
    assert [(report.fired, report.failed, report.parked) for report in reports] == [(1, 1, 0)] + [(0, 1, 0)] * 6
    assert reports[0].problems == ((first, "close_resolved", "storage.unavailable"),)
    assert all(report.more for report in reports)
    assert (desk.get(first).state, desk.get(second).state) == ("resolved", "closed")
    storage.hidden = ""
    assert desk.tick().fired == 1
    assert desk.get(first).state == "closed"
    storage.close()
