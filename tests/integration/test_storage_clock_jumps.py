"""A machine's clock that jumps, on every storage: nothing fires twice or too early, or is written by halves."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import delete
from tests.crash.days import KIM, desk_on
from tests.crash.outside import Nowhere, lines
from tests.crash.truth import examine

from supportkit import Desk, ManualClock
from supportkit.model.events import ClockBreached
from supportkit.storage import schema
from supportkit.storage.sql import SqlStorage
from supportkit.testing.storage.kit import snapshot

START = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def desk(crash_storage: SqlStorage, clock: ManualClock) -> Desk:
    with crash_storage.engine.begin() as connection:
        for table in schema.metadata.sorted_tables:
            connection.execute(delete(table))
    return desk_on(crash_storage, clock, lines(Nowhere()))


def opened(desk: Desk) -> str:
    customer = desk.customers.add("Ann", addresses={"chat": "@ann"})
    return desk.open("printer", "It smokes.", customer=customer, channel="idempotent").id


def breaches(desk: Desk, ticket: str) -> list[dt.datetime]:
    return [one.occurred_at for one in desk.history(ticket) if isinstance(one.event, ClockBreached)]


def test_a_turn_before_the_last_one_changes_nothing(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Wait.", actor=KIM)
    clock.set(START + DAY)
    assert desk.tick().fired > 0
    assert desk.deliver_outbox().sent == 1
    before = snapshot(desk.storage, desk.tenant)
    clock.set(START - DAY)
    assert desk.tick().fired == 0
    assert desk.deliver_outbox().sent == 0
    assert snapshot(desk.storage, desk.tenant) == before


def test_what_is_done_while_the_clock_is_behind_is_whole(
    desk: Desk, clock: ManualClock, crash_storage: SqlStorage
) -> None:
    ticket = opened(desk)
    clock.set(START - DAY)
    desk.add_message(ticket, "Well?")
    desk.reply(ticket, "Wait.", actor=KIM)
    other = opened(desk)
    desk.resolve(ticket, "New fuser.", actor=KIM)
    examine(desk, crash_storage)
    clock.set(START + DAY)
    desk.deliver_outbox()
    while desk.tick().more:
        pass
    found = examine(desk, crash_storage)
    assert breaches(desk, other)
    assert len(set(breaches(desk, other))) == len(breaches(desk, other))
    assert found.deliveries == 1


def test_a_lease_that_was_taken_before_a_jump_back_is_not_given_to_another(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.reply(ticket, "Wait.", actor=KIM)
    with desk.storage.begin(desk.tenant) as unit:
        claim = unit.claim_outbox(clock.now(), lease=dt.timedelta(seconds=60), worker="one")
    assert claim is not None
    clock.set(START - DAY)
    assert desk.deliver_outbox().sent == 0
    clock.set(START + dt.timedelta(seconds=61))
    assert desk.deliver_outbox().sent == 1


def test_a_jump_of_thirty_days_fires_each_deadline_once_at_its_own_instant(
    desk: Desk, clock: ManualClock, crash_storage: SqlStorage
) -> None:
    ticket = opened(desk)
    desk.promise(ticket, "a part", dt.timedelta(minutes=25), actor=KIM)
    clock.set(START + 30 * DAY)
    report = desk.tick()
    assert report.fired > 0
    again = desk.tick()
    assert (again.fired, again.more) == (0, False)
    at = breaches(desk, ticket)
    assert at == sorted(at)
    assert START + dt.timedelta(minutes=5) <= at[0]
    assert at[-1] < START + dt.timedelta(hours=2)
    assert examine(desk, crash_storage).breaches == len(at) == 3  # first response, the part, resolution
