"""Databases on real servers for tests: each is made with a random name and dropped again. No tests in here.

`SUPPORTKIT_TEST_POSTGRESQL` and `SUPPORTKIT_TEST_MARIADB` say where the servers are; the user must be allowed to create
databases. Without a server the tests are skipped, except where `CI` is `true`: there they fail.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from supportkit.storage import schema
from supportkit.storage.sql import SqlStorage

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
        reason = f"no {kind} server can be reached; {_URLS[kind][0]} says where one is: {type(error).__name__}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield connection
    finally:
        connection.close()
        engine.dispose()


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


def emptied(url: str) -> SqlStorage:
    """Return a storage on a migrated database, without rows."""
    storage = SqlStorage(url)
    with storage.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        for name in schema.metadata.tables:
            cursor.execute(f"DELETE FROM {name}")
        cursor.close()
    return storage
