"""A server that is stopped under load, and other ills of servers of a test's own: nothing acknowledged is lost."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import attrs
import psycopg
import pymysql
import pytest
from tests import servers
from tests.crash.days import KIM, carry_out, desk_on, order
from tests.crash.outside import Nowhere, lines
from tests.crash.own_servers import Cluster, Daemon, own_server, small_disk
from tests.crash.truth import examine, kept_words

from supportkit import Desk, ManualClock
from supportkit.errors import StorageError, StorageFull, StorageUnavailable, WorkflowError
from supportkit.storage.sql import SqlStorage

START = "2026-01-05T09:00:00+00:00"
WRITERS = 3
STOPS = 12


@pytest.fixture(scope="module", params=[servers.POSTGRESQL, servers.MARIADB])
def server(request: pytest.FixtureRequest) -> Iterator[Cluster | Daemon]:
    with own_server(request.param) as server:
        yield server


@pytest.fixture
def storage(server: Cluster | Daemon) -> Iterator[SqlStorage]:
    """Give a storage on a new database `support`."""
    server.run("DROP DATABASE support", "CREATE DATABASE support")
    storage = SqlStorage(server.url("support"))
    storage.migrate()
    yield storage
    storage.close()


# -- stopped under load ----------------------------------------------------------------------------------------------


@attrs.define
class Load:
    """Threads that write through one desk; what is not available is tried again with its key."""

    desk: Desk
    customer: str
    acknowledged: dict[str, tuple[str, int]] = attrs.field(factory=dict)
    orders: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    unavailable: int = 0
    wrong: list[BaseException] = attrs.field(factory=list)
    stop: threading.Event = attrs.field(factory=threading.Event)

    def work(self, number: int) -> None:
        try:
            luck, tickets = random.Random(number), list[str]()
            for nth in range(10**9):
                if self.stop.is_set():
                    return
                todo = order(luck, f"{number}-{nth}", self.customer, tickets)
                self.orders[todo["key"]] = todo
                try:
                    ticket = self.insist(todo)
                except WorkflowError:
                    continue
                self.acknowledged[todo["key"]] = (ticket.id, ticket.version)
                if todo["verb"] == "open":
                    tickets.append(ticket.id)
        except BaseException as error:  # noqa: BLE001 - carried to the test
            self.wrong.append(error)

    def insist(self, todo: dict[str, Any]) -> Any:
        while True:
            try:
                return carry_out(self.desk, todo)
            except StorageUnavailable:
                self.unavailable += 1
                time.sleep(0.02)


def stop_under_load(server: Cluster | Daemon, storage: SqlStorage, stops: int) -> None:
    with desk_on(storage, ManualClock(START), lines(Nowhere())) as desk:
        load = Load(desk, desk.customers.add("Ann", addresses={"chat": "@ann"}).id)
        threads = [threading.Thread(target=load.work, args=(number,)) for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        luck = random.Random(stops)
        try:
            for _ in range(stops):
                goes_on(load, 30)
                time.sleep(luck.uniform(0.0, 0.1))
                server.crash()
                server.start()
            goes_on(load, 30)
        finally:
            load.stop.set()
            for thread in threads:
                thread.join(60)
        assert load.wrong == []
        assert load.unavailable >= stops
        for key, result in load.acknowledged.items():
            with storage.begin(desk.tenant, write=False) as unit:
                receipt = unit.receipt(key)
            assert receipt is not None, f"{key} was acknowledged and is lost"
            assert (receipt.ticket, receipt.seq) == result
        speaking = {
            key for key, todo in load.orders.items() if todo["verb"] in {"open", "reply", "receive", "note"}
        } & set(load.acknowledged)
        assert kept_words(desk) == dict.fromkeys(speaking, 1)
        found = examine(desk, storage)
    print(f"\n{server.kind}: {stops} stops, {len(load.acknowledged)} acknowledged, {found}")  # noqa: T201


def goes_on(load: Load, verbs: int) -> None:
    """Wait until the same desk has carried out some more."""
    before, end = len(load.acknowledged), time.monotonic() + 60
    while len(load.acknowledged) < before + verbs:
        assert load.wrong == []
        assert time.monotonic() < end, "the desk does not recover"
        time.sleep(0.005)


def test_a_server_that_is_stopped_twelve_times_loses_nothing_that_was_acknowledged(
    server: Cluster | Daemon, storage: SqlStorage
) -> None:
    stop_under_load(server, storage, STOPS)


@pytest.mark.stress
@pytest.mark.timeout(1800)
def test_a_server_that_is_stopped_a_hundred_times_loses_nothing_that_was_acknowledged(
    server: Cluster | Daemon, storage: SqlStorage
) -> None:
    stop_under_load(server, storage, 100)


# -- other ills ------------------------------------------------------------------------------------------------------


def is_whole(desk: Desk, opened: int) -> None:
    assert sum(desk.counts().values()) == opened
    assert [one for one in desk.check(deep=True) if one.severity == "error"] == []


def test_a_server_without_a_connection_left_is_an_error_that_passes(
    server: Cluster | Daemon, storage: SqlStorage
) -> None:
    desk = Desk(storage)
    desk.open("printer", actor=KIM)
    storage.engine.dispose()
    if isinstance(server, Daemon):
        server.run("SET GLOBAL max_connections = 10")
    with ExitStack() as taken:
        while True:
            try:
                connection = server.connection("support")
            except (psycopg.OperationalError, pymysql.OperationalError):
                break
            taken.callback(connection.close)
        for verb in (lambda: desk.open("scanner", actor=KIM), lambda: Desk(server.url("support"))):
            with pytest.raises(StorageUnavailable) as caught:
                verb()
            assert caught.value.retryable
    if isinstance(server, Daemon):
        server.run("SET GLOBAL max_connections = 100")
    assert desk.open("scanner", actor=KIM).number == 2
    is_whole(desk, 2)


def test_a_server_that_is_down_is_an_error_that_passes_and_a_desk_needs_no_new_start(
    server: Cluster | Daemon, storage: SqlStorage
) -> None:
    desk = Desk(storage)
    ticket = desk.open("printer", actor=KIM)
    server.crash()
    calls = [
        lambda: desk.open("scanner", actor=KIM),
        lambda: desk.reply(ticket.id, "Wait.", actor=KIM),
        lambda: desk.get(ticket.id),
        desk.tick,
        desk.deliver_outbox,
        desk.check,
        lambda: list(desk.follow("reports")),
        lambda: Desk(server.url("support")),
    ]
    try:
        for call in calls:
            with pytest.raises(StorageUnavailable) as caught:
                call()
            assert caught.value.retryable
    finally:
        server.start()
    assert desk.get(ticket.id) == ticket
    assert desk.open("scanner", actor=KIM).number == 2
    is_whole(desk, 2)


def test_a_replica_can_be_read_and_is_not_worth_a_retry_for_writing(
    server: Cluster | Daemon, storage: SqlStorage
) -> None:
    with Desk(server.url("support")) as desk:
        ticket = desk.open("printer", actor=KIM)
    if isinstance(server, Daemon):
        server.run("SET GLOBAL read_only = 1")
        try:
            can_only_be_read(Desk(server.url("support", user="plain")), ticket.id)
        finally:
            server.run("SET GLOBAL read_only = 0")
        return
    shutil.rmtree(server.folder / "standby", ignore_errors=True)
    standby = server.copy()
    standby.start()
    try:
        desk = Desk(standby.url("support"))
        can_only_be_read(desk, ticket.id)
        standby.promote()
        assert desk.open("scanner", actor=KIM).number == 2
        is_whole(desk, 2)
        desk.close()
    finally:
        standby.crash()


def can_only_be_read(desk: Desk, ticket: str) -> None:
    before = desk.get(ticket)
    assert len(list(desk.history(ticket))) == before.version
    for verb in (lambda: desk.open("scanner", actor=KIM), lambda: desk.reply(ticket, "Wait.", actor=KIM)):
        with pytest.raises(StorageFull, match="read-only") as caught:
            verb()
        assert not caught.value.retryable
    assert desk.get(ticket) == before


def test_a_server_whose_disk_is_full_keeps_what_was_acknowledged_and_nothing_else(server: Cluster | Daemon) -> None:
    with ExitStack() as stack:
        if isinstance(server, Daemon):
            grow = stack.enter_context(small_disk(server.data / "full", 8, server.user))
            stack.callback(server.start)
            stack.callback(server.crash)  # it has files open there
        else:
            grow = stack.enter_context(small_disk(server.folder / "full", 24, server.user))
            server.run(
                f"CREATE TABLESPACE small LOCATION '{server.folder / 'full'}'",
                "CREATE DATABASE full_disk TABLESPACE small",
            )
            stack.callback(server.run, "DROP DATABASE full_disk WITH (FORCE)", "DROP TABLESPACE small")
        storage = SqlStorage(server.url("full" if isinstance(server, Daemon) else "full_disk"))
        stack.callback(storage.close)
        storage.migrate()
        desk, opened = Desk(storage), 0
        with pytest.raises(StorageError) as caught:
            for opened in range(5000):
                desk.open(f"printer {opened}", f"{random.Random(opened).randbytes(3000).hex()}", actor=KIM)
        assert isinstance(caught.value, StorageFull), caught.value
        assert not caught.value.retryable
        assert opened > 5
        is_whole(desk, opened)
        grow(64)
        assert desk.open("printer", actor=KIM).version > 0
        is_whole(desk, opened + 1)
