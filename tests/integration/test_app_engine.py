"""`Desk(engine)`: the app's own engine is used, left as it was, and refused where its settings would spoil the desk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, StaticPool, create_engine, event, text
from tests import servers

from supportkit import ConfigurationError, Desk
from supportkit.errors import StorageError
from supportkit.storage.sql import SqlStorage

KIM = "agent:kim"
SQLITE = "sqlite"
SHOWN = {
    SQLITE: [f"PRAGMA {name}" for name in ("busy_timeout", "synchronous", "secure_delete", "foreign_keys")],
    servers.POSTGRESQL: [
        f"SELECT current_setting('{name}')"
        for name in ("TimeZone", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    ],
    servers.MARIADB: [
        f"SELECT @@session.{name}"
        for name in ("sql_mode", "time_zone", "tx_isolation", "innodb_lock_wait_timeout", "autocommit")
    ],
}
OWN_WAY = {
    SQLITE: [
        "PRAGMA busy_timeout=123",
        "PRAGMA synchronous=NORMAL",
        "PRAGMA secure_delete=OFF",
        "PRAGMA foreign_keys=OFF",
    ],
    servers.POSTGRESQL: ["SET TimeZone = 'Asia/Tokyo'", "SET statement_timeout = '7s'", "SET lock_timeout = '3s'"],
    servers.MARIADB: [
        "SET SESSION sql_mode = 'ANSI_QUOTES'",
        "SET SESSION time_zone = '+09:00'",
        "SET SESSION innodb_lock_wait_timeout = 3",
        "SET SESSION tx_isolation = 'SERIALIZABLE'",
    ],
}
"""Settings of an app that cares for other things than a desk does."""


@pytest.fixture(scope="module", params=[SQLITE, servers.POSTGRESQL, servers.MARIADB])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Give the kind and the URL of a database with the tables of supportkit."""
    if request.param == SQLITE:
        url = f"sqlite:///{tmp_path_factory.mktemp('engine') / 'app.db'}"
        SqlStorage(url).migrate()
        yield SQLITE, url
        return
    with servers.database(request.param) as url:
        yield request.param, url


@pytest.fixture
def engine(place: tuple[str, str]) -> Iterator[Engine]:
    kind, url = place
    servers.emptied(url).close()
    engine = create_engine(url, pool_size=2, max_overflow=0, pool_timeout=5)

    @event.listens_for(engine, "connect")
    def set_up(driver: Any, _record: object) -> None:
        cursor = driver.cursor()
        for statement in OWN_WAY[kind]:
            cursor.execute(statement)
        driver.commit()
        cursor.close()

    yield engine
    engine.dispose()


def shown(engine: Engine, kind: str) -> list[Any]:
    """Return what an app sees of its settings on each connection of its pool."""
    with engine.connect() as one, engine.connect() as two:
        return [connection.exec_driver_sql(sql).scalar() for connection in (one, two) for sql in SHOWN[kind]]


def test_a_desk_works_on_the_engine_of_the_app(engine: Engine) -> None:
    with Desk(engine) as desk:
        ann = desk.customers.add("Ann")
        ticket = desk.open("Drucker \U0001f525", "It smokes.", customer=ann.id, tags=["a"], idempotency_key="k")
        desk.reply(ticket.id, "Please wait.", actor=KIM)
        desk.resolve(ticket.id, "New fuser.", actor=KIM)
        assert desk.tick("2099-01-01T00:00:00+00:00").fired > 0
        assert [found.id for found in desk.find(tags=["a"]).items] == [ticket.id]
        servers.wait_for_others(engine)
        assert len(list(desk.follow("reports"))) == len(desk.history(ticket.id))
        with pytest.raises(KeyError), desk.transaction() as inside:
            inside.open("lost", actor=KIM)
            raise KeyError
        assert desk.counts() == {("closed", 1): 1}
        assert [finding for finding in desk.check(deep=True) if finding.severity == "error"] == []


def test_the_connections_come_back_as_they_were(engine: Engine, place: tuple[str, str]) -> None:
    kind, _url = place
    before = shown(engine, kind)
    with Desk(engine) as desk:
        ticket = desk.open("printer", actor=KIM)
        with pytest.raises(KeyError), desk.transaction():
            raise KeyError
        desk.check()
        assert desk.get(ticket.id).number == 1
    assert shown(engine, kind) == before
    with engine.connect() as connection:  # and the app's own transactions are what they were
        connection.execute(text("DELETE FROM supportkit_counter"))
        connection.rollback()
        assert connection.execute(text("SELECT count(*) FROM supportkit_counter")).scalar_one() == 1


def test_every_connection_is_given_back_and_the_engine_lives_on(engine: Engine) -> None:
    desk = Desk(engine)
    for _ in range(5):
        desk.open("printer", actor=KIM)
        with pytest.raises(StorageError), desk.storage.begin("default", write=False) as unit:
            unit.reserve_number()
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    pool = engine.pool
    desk.close()
    assert engine.pool is pool
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM supportkit_ticket")).scalar_one() == 5
    with pytest.raises(StorageError, match="closed"):
        desk.open("printer", actor=KIM)


def test_threads_share_the_pool(engine: Engine) -> None:
    desk = Desk(engine)
    raised: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                desk.open("printer", actor=KIM)
        except BaseException as error:  # noqa: BLE001 - carried to the test
            raised.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert raised == []
    assert sorted(ticket.number for ticket in desk.find().items) == list(range(1, 11))


def test_the_settings_of_a_unit_are_those_of_the_desk(engine: Engine, place: tuple[str, str]) -> None:
    kind, _url = place
    storage = SqlStorage(engine)
    with storage._connections.transaction(write=True) as connection:
        got = [connection.exec_driver_sql(sql).scalar() for sql in SHOWN[kind]]
    assert (
        got[:3]
        == {
            SQLITE: [5000, 2, 1],
            servers.POSTGRESQL: ["UTC", "30s", "10s"],
            servers.MARIADB: [
                "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,SIMULTANEOUS_ASSIGNMENT",
                "+00:00",
                "READ-COMMITTED",
            ],
        }[kind]
    )


# -- what is refused -------------------------------------------------------------------------------------------------


def _old_journal(folder: Path) -> Engine:
    sqlite3.connect(folder / "app.db").close()
    return create_engine(f"sqlite:///{folder / 'app.db'}", poolclass=NullPool)


REFUSED: dict[str, tuple[Callable[[Path], Engine], str]] = {
    "a journal of the old kind": (_old_journal, "PRAGMA journal_mode=WAL"),
    "memory apart for each thread": (lambda _folder: create_engine("sqlite://"), "poolclass=StaticPool"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_engine_of_sqlite_is_refused_with_advice(what: str, tmp_path: Path) -> None:
    make, advice = REFUSED[what]
    engine = make(tmp_path)
    with pytest.raises(ConfigurationError, match=advice):
        Desk(engine)
    engine.dispose()


def test_an_engine_without_utf8_is_refused_with_advice() -> None:
    with servers.database(servers.MARIADB) as url:
        engine = create_engine(f"{url}?charset=latin1", poolclass=NullPool)
        with pytest.raises(ConfigurationError, match="charset=utf8mb4"):
            Desk(engine)
    with servers.database(servers.POSTGRESQL) as url:
        engine = create_engine(url, poolclass=NullPool, connect_args={"client_encoding": "latin1"})
        with pytest.raises(ConfigurationError, match="UTF8"):
            Desk(engine)


def test_the_journal_of_a_file_is_set_once_and_stays(tmp_path: Path) -> None:
    engine = _old_journal(tmp_path)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    with Desk(engine) as desk:
        assert desk.open("printer", actor=KIM).number == 1


def test_an_engine_in_memory_has_one_connection(tmp_path: Path) -> None:
    del tmp_path
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with Desk(engine) as desk:
        assert desk.open("printer", actor=KIM).number == 1
        assert "sqlite.memory" in {finding.code for finding in desk.check()}
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM supportkit_ticket")).scalar_one() == 1
    engine.dispose()


def test_an_engine_of_another_driver_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"pysqlcipher cannot be used; possible: sqlite\+pysqlite"):
        SqlStorage(_foreign_engine())


def _foreign_engine() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    engine.dialect.driver = "pysqlcipher"
    return engine
