"""Many agents at once on every database: each ticket is taken by one, and nobody waits for anybody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests import servers

from supportkit import Desk
from supportkit.model.people import Agent
from supportkit.routing.roster import Routing
from supportkit.storage.sql import SqlStorage

ANN = "customer:ann"
AGENTS = 6
TICKETS = 30
ROUND = Routing(strategy="round_robin", agents=tuple([Agent(id=f"agent-{number}") for number in range(3)]))


@pytest.fixture(params=["sqlite", servers.POSTGRESQL, servers.MARIADB])
def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStorage]:
    if request.param == "sqlite":
        storage = SqlStorage(f"sqlite:///{tmp_path_factory.mktemp('queue') / 'support.db'}")
        storage.migrate()
        yield storage
        storage.close()
        return
    with servers.database(request.param) as url:
        storage = SqlStorage(url)
        yield storage
        storage.close()


def in_threads(work: Callable[[int], None]) -> None:
    raised: list[BaseException] = []
    barrier = threading.Barrier(AGENTS)

    def run(number: int) -> None:
        try:
            barrier.wait(30)
            work(number)
        except BaseException as error:  # noqa: BLE001 - carried to the test
            raised.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(AGENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "a thread hangs"
    assert raised == []


def test_agents_who_ask_at_once_never_get_the_same_ticket(storage: SqlStorage) -> None:
    with Desk(storage) as desk:
        for number in range(TICKETS):
            desk.open("x", "x", author=ANN, team=("east", None)[number % 2])
        taken: list[tuple[str, int]] = []

        def work(number: int) -> None:
            while ticket := desk.next(f"agent-{number}"):
                taken.append((f"agent-{number}", ticket.number))

        in_threads(work)
        # Who passed a ticket by because somebody held it for a moment may have left it: it still waits.
        left = [one.ticket.number for one in desk.queue()]
        assert sorted([number for _, number in taken] + left) == list(range(1, TICKETS + 1))
        assert len(taken) >= TICKETS - AGENTS
        assert {(str(desk.get(number).assignee), number) for _, number in taken} == set(taken)
        assert [
            one.sentence for one in desk.check(deep=True) if one.code.startswith("log.") and one.severity != "ok"
        ] == []


def test_a_customers_word_and_an_agent_who_asks_do_not_get_in_each_others_way(storage: SqlStorage) -> None:
    with Desk(storage) as desk:
        tickets = [desk.open("x", "x", author=ANN).id for _ in range(6)]

        def work(number: int) -> None:
            if number % 2:
                for ticket in tickets:
                    desk.add_message(ticket, f"and {number}?", author=ANN)
            else:
                desk.next(f"agent-{number}")

        in_threads(work)
        for ticket in tickets:
            assert len(desk.messages(ticket)) == 1 + AGENTS // 2
        assert sum(desk.get(ticket).assignee is not None for ticket in tickets) == AGENTS // 2


def test_tickets_that_are_opened_at_once_go_round(storage: SqlStorage) -> None:
    with Desk(storage, routing=ROUND) as desk:

        def work(_number: int) -> None:
            for _ in range(2):
                desk.open("x", "x", author=ANN)

        in_threads(work)
        owners = [ticket.assignee for ticket in desk.find(limit=100).items]
        assert len(owners) == 2 * AGENTS
        assert None not in owners
        # Whoever loses every race gives a ticket out without noting the turn: about even, and nobody is left out.
        assert set(owners) == {"agent-0", "agent-1", "agent-2"}


@pytest.mark.parametrize("name", ["queue_free", "queue_team", "queue_no_team", "queue_own"])
def test_the_queue_is_read_by_its_index(storage: SqlStorage, name: str) -> None:
    """In its order: nothing is sorted, whatever number waits."""
    with Desk(storage) as desk:
        for number in range(40):
            desk.open("x", "x", author=ANN, team=("east", None)[number % 2])
    statement: Any = getattr(storage._st, name)
    values = {"tenant": "default", "rank": 0, "number": 0, "limit": 5, "team": "east", "tier": 1, "assignee": "kim"}
    with storage.engine.connect() as connection:
        cursor: Any = connection.connection.cursor()
        if storage.engine.dialect.name == "postgresql":
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("SET enable_bitmapscan = off")
        explain = "EXPLAIN QUERY PLAN" if storage.engine.dialect.name == "sqlite" else "EXPLAIN"
        cursor.execute(f"{explain} {statement.sql}", statement.bind(values))
        plan = str(cursor.fetchall())
        cursor.close()
    assert not any(word in plan for word in ("Sort", "filesort", "TEMP B-TREE")), plan
    wanted = "ix_supportkit_ticket_line" if "team" in name else "ix_supportkit_ticket_rank"
    assert wanted in plan, plan
