"""Many writers of one ticket: the desk queues them up after the first race, so that none of them is sent away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from tests import servers

from supportkit import Desk
from supportkit.errors import ConcurrentUpdate
from supportkit.storage.sql import SqlStorage

KIM = "agent:kim"
WORKERS = 8
TURNS = 6
LONG = 150


@pytest.fixture(params=["sqlite", servers.POSTGRESQL, servers.MARIADB])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    if request.param == "sqlite":
        with Desk(f"sqlite:///{tmp_path_factory.mktemp('contention') / 'support.db'}") as desk:
            yield desk
        return
    with servers.database(request.param) as url, Desk(SqlStorage(url)) as desk:
        yield desk
        desk.storage.close()


def in_threads(work: Callable[[int], None]) -> list[BaseException]:
    """Run *work* in eight threads at once and return what they raised."""
    raised: list[BaseException] = []
    barrier = threading.Barrier(WORKERS)

    def run(number: int) -> None:
        try:
            barrier.wait(30)
            work(number)
        except BaseException as error:  # noqa: BLE001 - carried to the test
            raised.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(280)
        assert not thread.is_alive(), "a thread hangs"
    return raised


def test_writers_of_a_busy_ticket_are_never_sent_away(desk: Desk) -> None:
    ticket = desk.open("busy", actor=KIM)

    def work(number: int) -> None:
        for turn in range(TURNS):
            desk.note(ticket.id, f"note {number}.{turn}", actor=KIM)

    assert in_threads(work) == []
    assert len(desk.notes(ticket.id)) == WORKERS * TURNS
    assert [recorded.seq for recorded in desk.history(ticket.id)] == list(range(1, desk.get(ticket.id).version + 1))


def test_merges_and_links_of_two_busy_tickets_end(desk: Desk) -> None:
    one, two = (desk.open(name, actor=KIM) for name in ("one", "two"))

    def work(number: int) -> None:
        first, second = (one, two) if number % 2 else (two, one)
        for _turn in range(2):
            desk.link(first.id, "related", second.id, actor=KIM)
            desk.unlink(first.id, "related", second.id, actor=KIM)

    raised = in_threads(work)
    assert [error for error in raised if not isinstance(error, ConcurrentUpdate)] == []
    for ticket in (one, two):
        log = desk.history(ticket.id)
        assert [recorded.seq for recorded in log] == list(range(1, desk.get(ticket.id).version + 1))


def count_up(desk: Desk, turns: int) -> None:
    """Let eight workers add one to a field again and again, each on the version that it has read."""
    ticket = desk.open("counter", actor=KIM, fields={"count": 0})

    def work(_number: int) -> None:
        for _turn in range(turns):
            while True:
                now = desk.get(ticket.id)
                count = now.fields["count"]
                assert isinstance(count, int)
                try:
                    desk.set_fields(ticket.id, {"count": count + 1}, actor=KIM, expected_version=now.version)
                except ConcurrentUpdate:
                    continue
                break

    assert in_threads(work) == []
    assert desk.get(ticket.id).fields["count"] == WORKERS * turns


def test_increments_on_an_expected_version_are_not_lost(desk: Desk) -> None:
    count_up(desk, TURNS)


@pytest.mark.stress
def test_many_increments_on_an_expected_version_are_not_lost(desk: Desk) -> None:
    count_up(desk, LONG)
