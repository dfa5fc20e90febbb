"""On PostgreSQL looks at what is due begin at a floor; deadlines that come in below it are found all the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from tests import servers

from supportkit import Desk, ManualClock
from supportkit.sla import ServiceLevels
from supportkit.storage.floors import LOOKS

KIM = "agent:kim"
NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
LONG_AGO = NOW - dt.timedelta(days=30)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with servers.database(servers.POSTGRESQL) as url:
        yield url


def desk_on(url: str) -> Desk:
    return Desk(url, clock=ManualClock(NOW), levels=ServiceLevels(policies=()))


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    servers.emptied(url).close()
    with desk_on(url) as desk:
        assert desk.tick().next_due is None
        yield desk


def resolve_long_ago(desk: Desk) -> None:
    """Record now what happened a month ago: the ticket should have been closed three weeks ago."""
    ticket = desk.open("printer", actor=KIM, at=LONG_AGO)
    desk.resolve(ticket.id, "done", actor=KIM, at=LONG_AGO)


def test_what_this_process_writes_late_is_found_at_once(desk: Desk) -> None:
    desk.open("now", actor=KIM)
    desk.tick()
    resolve_long_ago(desk)
    assert desk.tick().fired == 1


def test_what_another_process_writes_late_is_found_after_a_few_looks(desk: Desk, url: str) -> None:
    with desk_on(url) as other:
        resolve_long_ago(other)
    assert sum(desk.tick().fired for _ in range(LOOKS + 1)) == 1


def test_what_another_process_writes_late_is_found_after_a_minute(desk: Desk, url: str) -> None:
    with desk_on(url) as other:
        resolve_long_ago(other)
    assert desk.tick(NOW + dt.timedelta(minutes=1)).fired == 1


def test_an_old_deadline_whose_worker_died_is_found_when_its_lease_is_over(desk: Desk) -> None:
    resolve_long_ago(desk)
    with desk.storage.begin(desk.tenant) as unit:
        [claimed] = unit.claim_timers(NOW, 10, lease=dt.timedelta(seconds=30))
    assert claimed.due_at == LONG_AGO + dt.timedelta(days=7)
    assert [desk.tick().fired for _ in range(2)] == [0, 0]
    assert desk.tick(NOW + dt.timedelta(seconds=31)).fired == 1
