"""Databases on real servers for tests: each is made with a random name and dropped again. No tests in here.

`SUPPORTKIT_TEST_POSTGRESQL` and `SUPPORTKIT_TEST_MARIADB` say where the servers are; the user must be allowed to create
databases. `SUPPORTKIT_TEST_REDIS` names a Redis. Without a server the tests are skipped, except where `CI` is `true`:
there they fail.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from supportkit.storage import schema
from supportkit.storage.sql import SqlStorage
from supportkit.storage.unit import SqlUnitOfWork

POSTGRESQL = "postgresql"
MARIADB = "mariadb"
_URLS = {
    POSTGRESQL: ("SUPPORTKIT_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"),
    MARIADB: ("SUPPORTKIT_TEST_MARIADB", "mariadb+pymysql://root@127.0.0.1:3306"),
}
_CREATE = {
    POSTGRESQL: "CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0",
    MARIADB: "CREATE DATABASE {} CHARACTER SET utf8mb4",
}
_DROP = {POSTGRESQL: "DROP DATABASE IF EXISTS {} WITH (FORCE)", MARIADB: "DROP DATABASE IF EXISTS {}"}


@contextmanager
def server(kind: str) -> Iterator[Connection]:
    """Give a connection to the server itself, without a transaction; skip where there is none."""
    engine = create_engine(url_of(kind), isolation_level="AUTOCOMMIT")
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        _missing(kind, _URLS[kind][0], error)
    try:
        yield connection
    finally:
        connection.close()
        engine.dispose()


def _missing(kind: str, variable: str, error: Exception) -> NoReturn:
    reason = f"no {kind} server can be reached; {variable} says where one is: {type(error).__name__}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def url_of(kind: str) -> URL:
    variable, default = _URLS[kind]
    return make_url(os.environ.get(variable, default))


@contextmanager
def empty_database(kind: str, create: str | None = None) -> Iterator[str]:
    """Give the URL of a new database without tables."""
    name = f"supportkit_test_{secrets.token_hex(6)}"
    with server(kind) as connection:
        connection.execute(text((create or _CREATE[kind]).format(name)))
        try:
            yield url_of(kind).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(text(_DROP[kind].format(name)))


@contextmanager
def database(kind: str) -> Iterator[str]:
    """Give the URL of a new database with the tables of supportkit."""
    with empty_database(kind) as url:
        storage = SqlStorage(url)
        storage.migrate()
        storage.close()
        yield url


@contextmanager
def redis_keys() -> Iterator[tuple[str, str]]:
    """Give the URL of a Redis and a prefix that nobody else uses; the keys that begin with it are deleted again."""
    from redis import Redis
    from redis.exceptions import RedisError

    variable = "SUPPORTKIT_TEST_REDIS"
    url, prefix = os.environ.get(variable, "redis://127.0.0.1:6379/0"), f"supportkit_test_{secrets.token_hex(6)}:"
    with Redis.from_url(url) as client:
        try:
            client.ping()
        except RedisError as error:
            _missing("redis", variable, error)
        try:
            yield url, prefix
        finally:
            for key in client.scan_iter(f"{prefix}*"):
                client.delete(key)


_OLDEST = text(
    "SELECT min(backend_xid::text::bigint) FROM pg_stat_activity"
    " WHERE datname IS DISTINCT FROM current_database() OR backend_type <> 'client backend'"
)
_NEWEST = text(
    "SELECT (SELECT coalesce(max(txid), 0) FROM supportkit_event)"  # the watch of tenants knows this part
    f" - (SELECT last_value FROM {schema.EPOCHS})"
)
_PATIENCE, _LOOK = 30.0, 0.02


def wait_for_others(engine: Engine) -> None:
    """Wait for half a minute at most until nobody else on the server has a transaction as old as the log's newest.

    The other connections to the database of *engine* do not count: a test may keep its own transactions open. On
    databases other than PostgreSQL followers wait for nobody, and so does this.
    """
    if engine.dialect.name != POSTGRESQL:
        return
    with contextlib.suppress(SQLAlchemyError), engine.connect() as connection:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            oldest = connection.execute(_OLDEST).scalar()
            if oldest is None or oldest > connection.execute(_NEWEST).scalar_one():
                return
            connection.rollback()  # what is asked about is kept as it was for the length of a transaction
            threading.Event().wait(_LOOK)


class Patient(SqlStorage):
    """A storage on PostgreSQL for tests that read the log at once.

    Followers read below the oldest transaction of the whole server, so whatever other tests do in other databases holds
    them up. Before a unit begins, this one waits for half a minute at most until no backend of another database has
    a transaction as old as the newest one in the log here.
    """

    @contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[SqlUnitOfWork]:
        wait_for_others(self._looker)
        with super().begin(tenant, write=write) as unit:
            yield unit

    @functools.cached_property
    def _looker(self) -> Engine:
        return create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def close(self) -> None:
        self._looker.dispose()
        super().close()


def opened(url: str) -> SqlStorage:
    """Return a storage whose followers see at once what was committed, whatever else its server does."""
    return Patient(url) if make_url(url).get_backend_name() == POSTGRESQL else SqlStorage(url)


def emptied(url: str) -> SqlStorage:
    """Return a storage on a migrated database, without rows."""
    storage = opened(url)
    with storage.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        for name in schema.metadata.tables:
            cursor.execute(f"DELETE FROM {name}")
        cursor.close()
    return storage


def driver_connection(url: str) -> Any:
    """Return a connection of the driver as an app would open it, outside autocommit mode."""
    parts = make_url(url).translate_connect_args(username="user", database="dbname")
    if make_url(url).get_backend_name() == POSTGRESQL:
        import psycopg

        return psycopg.connect(**parts)
    import pymysql
    from pymysql.constants import CLIENT

    parts["database"] = parts.pop("dbname")
    return pymysql.connect(**parts, charset="utf8mb4", client_flag=CLIENT.FOUND_ROWS)
