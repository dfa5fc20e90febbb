"""What the world does to a server: typed errors without secrets, nothing half written, and work goes on after."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import psycopg
import pymysql
import pytest
from sqlalchemy import event, text
from tests import servers
from tests.unit.storage.test_tenant_in_every_statement import names_the_tenant

from supportkit import Desk
from supportkit.errors import (
    ConcurrentUpdate,
    ConfigurationError,
    StorageError,
    StorageFull,
    StorageUnavailable,
    SupportkitError,
    SupportkitWarning,
)
from supportkit.model import events as ev
from supportkit.model.change import Change
from supportkit.storage import database
from supportkit.storage.grammar import EPOCH
from supportkit.storage.port import TicketQuery
from supportkit.storage.sql import SqlStorage
from supportkit.storage.statements import Prepared, Statements
from supportkit.testing.builders import TENANT, opened, then
from supportkit.testing.storage.kit import in_threads

KIM = "agent:kim"
KINDS = [servers.POSTGRESQL, servers.MARIADB]


@pytest.fixture(scope="module", params=KINDS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with servers.database(request.param) as url:
        yield url


@pytest.fixture
def storage(url: str) -> Iterator[SqlStorage]:
    storage = servers.emptied(url)
    yield storage
    storage.close()


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with servers.database(servers.POSTGRESQL) as url:
        yield url


@pytest.fixture
def postgresql(postgresql_url: str) -> Iterator[SqlStorage]:
    storage = servers.emptied(postgresql_url)
    yield storage
    storage.close()


def ask(storage: SqlStorage, sql: str) -> list[Any]:
    """Run a statement on a connection of its own."""
    with storage.engine.connect() as connection:
        found = connection.execute(text(sql))
        return [tuple(row) for row in found] if found.returns_rows else []


def save(storage: SqlStorage, *changes: Any) -> None:
    with storage.begin(TENANT) as unit:
        for change in changes:
            unit.save(Change(tickets=(change,)))


def save_in_thread(storage: SqlStorage, change: Any) -> None:
    in_threads(1, lambda _thread: save(storage, change))


def numbers(storage: SqlStorage) -> list[int]:
    with storage.begin(TENANT, write=False) as unit:
        return [ticket.number for ticket in unit.find(TicketQuery()).items]


# -- connections that are cut ----------------------------------------------------------------------------------------


def cut(storage: SqlStorage, unit: Any) -> None:
    """End the connection of a unit of work from outside, as an administrator or a restart does."""
    if storage._database.name == servers.POSTGRESQL:
        ask(
            storage,
            f"SELECT pg_terminate_backend({unit._link._connection.connection.driver_connection.info.backend_pid})",
        )
    else:
        ask(storage, f"KILL {unit._link._connection.connection.driver_connection.thread_id()}")


def test_a_connection_that_is_cut_in_the_middle_keeps_nothing_and_the_next_one_works(storage: SqlStorage) -> None:
    with pytest.raises(StorageUnavailable) as caught, storage.begin(TENANT) as unit:
        unit.save(Change(tickets=(opened(1),)))
        cut(storage, unit)
        unit.get("ticket-1")
    assert caught.value.retryable
    save(storage, opened(2))
    assert numbers(storage) == [2]


def test_a_connection_that_is_cut_before_the_commit_says_that_the_outcome_is_unknown(storage: SqlStorage) -> None:
    with pytest.raises(StorageUnavailable, match="idempotency key"), storage.begin(TENANT) as unit:
        unit.save(Change(tickets=(opened(1),)))
        cut(storage, unit)
    assert numbers(storage) == []


def test_connections_that_died_in_the_pool_are_not_noticed(storage: SqlStorage) -> None:
    with storage.begin(TENANT), storage.begin(TENANT, write=False):
        pass
    other = SqlStorage(storage.url)
    end_all_but(other)
    save(storage, opened(1))
    assert numbers(storage) == [1]
    other.close()


def end_all_but(mine: SqlStorage) -> None:
    """End every connection to this database but the one that asks."""
    if mine._database.name == servers.POSTGRESQL:
        ask(
            mine,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        return
    rows = ask(mine, "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
    for (thread,) in rows:
        ask(mine, f"KILL {thread}")


def test_a_connection_in_use_while_others_are_thrown_away_is_closed_in_the_end(storage: SqlStorage) -> None:
    with storage.begin(TENANT, write=False) as unit:
        driver: Any = unit._link._connection.connection.driver_connection
        with pytest.raises(StorageUnavailable), storage.begin(TENANT) as other:
            cut(storage, other)
            other.get("ticket-1")
    assert driver.closed if storage._database.name == servers.POSTGRESQL else not driver.open


# -- who waits for whom ----------------------------------------------------------------------------------------------


@contextmanager
def impatient(storage: SqlStorage) -> Iterator[SqlStorage]:
    """Give a second storage that waits for a lock, and for a statement, only a moment."""
    other = SqlStorage(storage.url)

    @event.listens_for(other.engine, "connect")
    def hurry(driver: Any, _record: object) -> None:
        if storage._database.name == servers.POSTGRESQL:
            driver.execute("SET lock_timeout = 50")
        else:
            driver.query("SET SESSION innodb_lock_wait_timeout = 1")

    yield other
    other.close()


def test_a_lock_that_is_held_too_long_is_a_lost_race(storage: SqlStorage) -> None:
    first = opened(1)
    save(storage, first)
    with impatient(storage) as other, storage.begin(TENANT) as unit:
        unit.save(Change(tickets=(then(first.ticket, ev.Assigned(team="east", assignee=None)),)))
        with pytest.raises(ConcurrentUpdate) as caught:
            save_in_thread(other, then(first.ticket, ev.Assigned(team="west", assignee=None)))
        assert caught.value.retryable
    assert numbers(storage) == [1]


def test_of_two_that_wait_for_each_other_one_loses(storage: SqlStorage) -> None:
    one, two = opened(1), opened(2)
    save(storage, one, two)
    barrier = threading.Barrier(2)
    lost: list[BaseException] = []

    def work(first: Any, second: Any) -> None:
        try:
            with storage.begin(TENANT) as unit:
                unit._cursor.execute("UPDATE supportkit_ticket SET tier = 2 WHERE id = %s", (first.ticket.id,))
                barrier.wait(10)
                unit.save(Change(tickets=(then(second.ticket, ev.Assigned(team="east", assignee=None)),)))
        except SupportkitError as error:
            lost.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [type(error) for error in lost] == [ConcurrentUpdate]


STRICT = {
    servers.POSTGRESQL: ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",),
    servers.MARIADB: (
        "ROLLBACK",
        "SET SESSION innodb_snapshot_isolation = ON",
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION",
    ),
}
"""What makes a transaction one that the server refuses when its snapshot is out of date."""


def test_a_transaction_that_cannot_be_serialized_is_a_lost_race(storage: SqlStorage) -> None:
    first = opened(1)
    save(storage, first)
    with pytest.raises(ConcurrentUpdate) as caught, storage.begin(TENANT) as unit:
        for statement in STRICT[storage._database.name]:
            unit._cursor.execute(statement)
        unit.get("ticket-1")
        save_in_thread(storage, then(first.ticket, ev.Assigned(team="east", assignee=None)))
        unit.save(Change(tickets=(then(first.ticket, ev.Assigned(team="west", assignee=None)),)))
    assert caught.value.retryable
    assert caught.value.ticket == ""  # the server said so, and not the check of the version
    with storage.begin(TENANT, write=False) as unit:
        kept = unit.get("ticket-1")
        assert kept is not None
        assert (kept.team, kept.version, len(unit.history("ticket-1"))) == ("east", 2, 2)


def test_a_write_inside_a_write_of_one_thread_is_refused(storage: SqlStorage) -> None:
    with storage.begin(TENANT) as unit:
        with pytest.raises(ConfigurationError, match="inside a unit of work"), storage.begin(TENANT):
            pass
        unit.save(Change(tickets=(opened(1),)))
    assert numbers(storage) == [1]


def test_a_unit_for_reading_sees_one_state_throughout_and_cannot_write(storage: SqlStorage) -> None:
    first = opened(1)
    save(storage, first)
    with storage.begin(TENANT, write=False) as unit:
        before = unit.get("ticket-1")
        save(storage, then(first.ticket, ev.Assigned(team="east", assignee=None)))
        assert unit.get("ticket-1") == before
        assert len(unit.history("ticket-1")) == 1
        with pytest.raises(StorageError, match="for reading"):
            unit.reserve_number()
    with pytest.raises(StorageFull, match="read-only"), storage.begin(TENANT, write=False) as unit:
        unit._write = True
        unit.save(Change(tickets=(opened(2),)))


# -- followers -------------------------------------------------------------------------------------------------------


def events(storage: SqlStorage, cursor: str | None = None) -> list[tuple[str, int]]:
    with storage.begin(TENANT, write=False) as unit:
        return [(one.ticket, one.seq) for one in unit.events_after(cursor, 100)]


def test_writers_of_different_tickets_do_not_wait_for_each_other(postgresql: SqlStorage) -> None:
    one, two = opened(1), opened(2)
    save(postgresql, one, two)
    with impatient(postgresql) as other, postgresql.begin(TENANT) as unit:
        unit.save(Change(tickets=(then(one.ticket, ev.Assigned(team="east", assignee=None)),)))
        save(other, then(two.ticket, ev.Assigned(team="west", assignee=None)))
    assert not postgresql.capabilities.serial


def test_an_event_that_is_committed_late_is_not_skipped(postgresql: SqlStorage) -> None:
    other = servers.opened(postgresql.url)
    with postgresql.begin(TENANT) as late:
        late.save(Change(tickets=(opened(1),)))
        save(other, opened(2))
        assert events(other) == []  # behind it the first one would be lost
    assert events(other) == [("ticket-1", 1), ("ticket-2", 1)]
    other.close()


def test_an_event_of_a_long_transaction_comes_behind_what_was_read_meanwhile(postgresql: SqlStorage) -> None:
    other = servers.opened(postgresql.url)
    with postgresql.begin(TENANT) as late:
        save(other, opened(2))  # the long one has not written anything yet
        with other.begin(TENANT, write=False) as unit:
            (seen,) = unit.events_after(None, 10)
        late.save(Change(tickets=(opened(1),)))
    assert events(other, seen.cursor) == [("ticket-1", 1)]
    other.close()


def test_followers_go_on_in_a_dump_that_was_restored_elsewhere(postgresql: SqlStorage) -> None:
    save(postgresql, opened(1))
    ask(postgresql, "UPDATE supportkit_event SET txid = txid + 1000000")  # as if the other server had been older
    ask(postgresql, "SELECT setval('supportkit_epoch', 0)")
    errors = [finding for finding in postgresql.check() if finding.severity == "error"]
    assert [finding.code for finding in errors] == ["postgresql.epoch"]
    assert "supportkit migrate" in errors[0].sentence
    postgresql.migrate()
    with postgresql.begin(TENANT, write=False) as unit:
        (seen,) = unit.events_after(None, 10)
    save(postgresql, opened(2))
    assert events(postgresql, seen.cursor) == [("ticket-2", 1)]
    assert [finding for finding in postgresql.check() if finding.severity == "error"] == []


def test_positions_are_given_in_turn_where_a_counter_gives_them() -> None:
    with servers.database(servers.MARIADB) as url:
        storage = SqlStorage(url)
        assert storage.capabilities.serial
        save(storage, opened(1), opened(2))
        assert events(storage) == [("ticket-1", 1), ("ticket-2", 1)]
        storage.close()


# -- settings --------------------------------------------------------------------------------------------------------


def test_a_setting_that_somebody_changed_is_found_by_the_check(storage: SqlStorage) -> None:
    assert {finding.severity for finding in storage.check()} == {"ok"}
    postgres = storage._database.name == servers.POSTGRESQL
    with storage.begin(TENANT) as unit:
        unit._cursor.execute("SET statement_timeout = 0" if postgres else "SET SESSION max_statement_time = 0")
    bad = [finding.code for finding in storage.check() if finding.severity == "error"]
    assert bad == ["postgresql.statement_timeout" if postgres else "mariadb.max_statement_time"]


def test_a_statement_that_takes_too_long_is_an_error_that_passes(storage: SqlStorage) -> None:
    postgres = storage._database.name == servers.POSTGRESQL
    with pytest.raises(StorageUnavailable, match="too long") as caught, storage.begin(TENANT) as unit:
        unit._cursor.execute("SET statement_timeout = 20" if postgres else "SET SESSION max_statement_time = 0.02")
        unit._st = slow(unit._st, "SELECT pg_sleep(5)" if postgres else "SELECT SLEEP(5) FROM supportkit_version")
        unit.counts()
    assert caught.value.retryable
    save(storage, opened(1))


def slow(statements: Statements, sql: str) -> Statements:
    return attrs.evolve(statements, counts=Prepared(sql, (), {}))


def test_a_server_that_would_lose_commits_is_a_warning() -> None:
    with servers.database(servers.POSTGRESQL) as url:
        name = url.rsplit("/", 1)[1]
        with servers.server(servers.POSTGRESQL) as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        storage = SqlStorage(url)
        with pytest.warns(SupportkitWarning, match="synchronous_commit is off: a power cut loses"):
            found = {finding.code: finding.severity for finding in storage.check()}
        assert found["postgresql.synchronous_commit"] == "warning"
        storage.close()


def test_a_database_that_cannot_hold_every_text_is_refused() -> None:
    ascii_only = "CREATE DATABASE {} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    with servers.empty_database(servers.POSTGRESQL, ascii_only) as url, pytest.raises(ConfigurationError, match="UTF8"):
        Desk(url)


def test_a_read_only_database_is_not_worth_a_retry() -> None:
    with servers.database(servers.POSTGRESQL) as url:
        name = url.rsplit("/", 1)[1]
        with servers.server(servers.POSTGRESQL) as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        with Desk(url, levels=None) as desk, pytest.raises(StorageFull, match="read-only") as caught:
            desk.open("printer", actor=KIM)
        assert not caught.value.retryable


# -- secrets ---------------------------------------------------------------------------------------------------------

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (f"postgresql+psycopg://ann:{SECRET}@127.0.0.1:1/support", StorageUnavailable),
        (f"mariadb+pymysql://ann:{SECRET}@127.0.0.1:1/support", StorageUnavailable),
        (f"mysql+pymysql://ann:{SECRET}@127.0.0.1:1/support", StorageUnavailable),
        (f"postgresql+psycopg://ann:{SECRET}@nowhere.invalid/support", StorageUnavailable),
        (f"mariadb+pymysql://ann:{SECRET}@nowhere.invalid/support", StorageUnavailable),
        (f"postgresql+psycopg://ann:{SECRET}@127.0.0.1", ConfigurationError),
        (f"mariadb+pymysql://ann:{SECRET}@127.0.0.1", ConfigurationError),
        (f"postgresql+psycopg://ann@127.0.0.1:1/support?pasword={SECRET}", ConfigurationError),
        (f"mariadb+pymysql://ann@127.0.0.1:1/support?pasword={SECRET}", ConfigurationError),
        (f"mariadb+pymysql://ann:{SECRET}@127.0.0.1:1/support?charset=latin1", ConfigurationError),
    ],
)
def test_a_server_that_cannot_be_reached_is_an_error_without_its_password(url: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        Desk(url)
    shown = "".join(traceback.format_exception(caught.value)).replace(f'"{url}"', "")
    assert SECRET not in shown
    assert SECRET not in f"{caught.value!r}"


def test_a_wrong_password_is_not_worth_a_retry_and_is_not_shown(storage: SqlStorage) -> None:
    wrong = storage.url.set(username="supportkit_nobody", password=SECRET)
    other = SqlStorage(wrong)
    assert SECRET not in repr(other)
    with pytest.raises(ConfigurationError, match="refuses the user") as caught:
        other.version()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_database_that_is_not_there_is_named_as_the_fault(storage: SqlStorage) -> None:
    with pytest.raises(ConfigurationError, match="name of the database"):
        Desk(storage.url.set(database="supportkit_nowhere").render_as_string(hide_password=False))


def test_errors_of_the_driver_show_no_row(storage: SqlStorage) -> None:
    with pytest.raises(SupportkitError) as caught, storage.begin(TENANT) as unit:
        unit.run(storage._st.put_follower, {"name": SECRET, "cursor": None})
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_synchronous_is_for_files(url: str) -> None:
    with pytest.raises(ConfigurationError, match="for SQLite"):
        SqlStorage(url, synchronous="normal")


# -- without a server ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_fixed_statement_names_the_tenant(kind: str) -> None:
    url = "postgresql+psycopg://x/y" if kind == servers.POSTGRESQL else "mariadb+pymysql://x/y"
    statements = SqlStorage(url)._st
    for field in attrs.fields(Statements):
        statement = getattr(statements, field.name)
        if statement is not None:
            assert "tenant" in statement.names, field.name
            sql = statement.sql.replace("`", "").replace(EPOCH, "")
            assert names_the_tenant(sql), statement.sql


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("40001", ConcurrentUpdate, True),
        ("40P01", ConcurrentUpdate, True),
        ("55P03", ConcurrentUpdate, True),
        ("08006", StorageUnavailable, True),
        ("57P01", StorageUnavailable, True),
        ("57P03", StorageUnavailable, True),
        ("57014", StorageUnavailable, True),
        ("53300", StorageUnavailable, True),
        ("53100", StorageFull, False),
        ("25006", StorageFull, False),
        ("22001", StorageError, False),
    ],
)
def test_codes_of_postgresql_mean_one_kind_of_error_each(code: str, kind: type[Exception], retryable: bool) -> None:
    found = database.database_named("postgresql").translate(psycopg.errors.lookup(code)("text"))
    assert type(found) is kind
    assert found.retryable is retryable


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        (1205, ConcurrentUpdate, True),
        (1213, ConcurrentUpdate, True),
        (2006, StorageUnavailable, True),
        (2013, StorageUnavailable, True),
        (1040, StorageUnavailable, True),
        (1969, StorageUnavailable, True),
        (1114, StorageFull, False),
        (1290, StorageFull, False),
        (1406, StorageError, False),
    ],
)
def test_codes_of_mariadb_mean_one_kind_of_error_each(code: int, kind: type[Exception], retryable: bool) -> None:
    found = database.database_named("mariadb").translate(pymysql.OperationalError(code, "text"))
    assert type(found) is kind
    assert found.retryable is retryable
