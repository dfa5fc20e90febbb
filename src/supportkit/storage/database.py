"""`Database`: what the SQL storage has to know of SQLite, PostgreSQL and MariaDB, one value each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn

import attrs
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from supportkit.errors import ConfigurationError, SupportkitError
from supportkit.storage.port import Finding
from supportkit.storage.rows import read_position
from supportkit.storage.statements import Prepared

DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql+psycopg": "postgresql",
    "mysql+pymysql": "mariadb",
    "mariadb+pymysql": "mariadb",
}
"""Which database the begin of a URL means."""

CLASH = "another transaction got in the way of this one: load and decide again"
CALL_MIGRATE = "call migrate() on the storage first"

_EXAMPLES = "sqlite:///support.db, postgresql+psycopg://user@host/support or mariadb+pymysql://user@host/support"


@contextmanager
def _alone(_connection: Connection) -> Iterator[None]:
    """Do nothing: the transaction itself is the only one that writes."""
    yield


def _counted(cursor: str | None) -> dict[str, Any]:
    return {"position": read_position(cursor)}


InsertNumbered = Callable[[Any, Prepared, Sequence[Mapping[str, Any]]], Sequence[int]]
"""Runs a statement for rows that get their positions from the database, and returns those."""


@attrs.frozen(kw_only=True, eq=False)
class Database:
    """One kind of database: how to reach it, its transactions, its errors.

    Attributes:
        name: `sqlite`, `postgresql` or `mariadb`.
        driver: The DB-API module; `Error` and `IntegrityError` of it are caught.
        is_server: Connections come from a pool and write at once; the schema is changed only when somebody asks for it.
        check_url: Refuses a URL that cannot be meant.
        engine: Makes the engine of a URL; its connections have every setting.
        begin_reading: What opens a transaction that sees one state of the database throughout.
        begin_writing: What opens a transaction that writes.
        run: Runs a statement without parameters on the driver's connection.
        roll_back: Ends whatever transaction the driver's connection has.
        is_lost: Tells whether the driver's connection is gone for good.
        translate: Returns the error of ours that one of the driver means, without values in its text.
        refused: The same where a connection could not be opened.
        shows_values: The texts of the driver's errors may hold what a row holds, so they are not kept as causes.
        tables: The query for the tables of ours by which it is seen whether there is a schema.
        one_migration: Wraps a migration: one process at a time, however many begin one.
        findings: What a check says of settings, from a cursor, the URL and the wanted `synchronous`.
        damage: What it says of the integrity of the data, which may take long.
        insert_numbered: Inserts events whose positions the database gives; `None` where a counter gives them.
        behind: The parameters of what comes behind a follower's cursor.
        needs_floors: Rows that are done with stay in the way of an index until somebody cleans up.
        is_serial: Positions come from a counter, so writers of one tenant take turns at the end of their transactions.
    """

    name: str
    driver: Any
    is_server: bool = False
    check_url: Callable[[URL], None]
    engine: Callable[[URL, str], Engine]
    begin_reading: tuple[str, ...]
    begin_writing: tuple[str, ...]
    run: Callable[[Any, str], object]
    roll_back: Callable[[Any], None]
    is_lost: Callable[[Any], bool] = lambda _driver: False
    translate: Callable[[Exception], SupportkitError]
    refused: Callable[[Exception, URL], SupportkitError]
    shows_values: bool = False
    tables: str
    one_migration: Callable[[Connection], AbstractContextManager[None]] = _alone
    findings: Callable[[Any, URL, str], list[Finding]]
    damage: Callable[[Any], list[Finding]] = lambda _cursor: []
    insert_numbered: InsertNumbered | None = None
    behind: Callable[[str | None], dict[str, Any]] = _counted
    needs_floors: bool = False
    is_serial: bool = True

    def fail(self, error: Exception) -> NoReturn:
        """Raise what an error of the driver means.

        Raises:
            SupportkitError: Always.
        """
        raise self.translate(error) from (None if self.shows_values else error)


@functools.cache
def database_named(name: str) -> Database:
    """Return the database of a SQLAlchemy dialect, by its name; its driver is imported by that.

    Raises:
        ConfigurationError: The driver is not installed.
    """
    try:
        match name:
            case "sqlite":
                from supportkit.storage.sqlite import SQLITE

                return SQLITE
            case "postgresql":
                from supportkit.storage.postgresql import POSTGRESQL

                return POSTGRESQL
            case _:
                from supportkit.storage.mariadb import MARIADB

                return MARIADB
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("supportkit"):
            raise
        raise ConfigurationError(
            f"the driver {error.name} is not installed: pip install 'supportkit[{name}]'"
        ) from None


def read_engine(engine: Engine) -> tuple[URL, Database]:
    """Return the URL of an engine that the app has made, and what is known of its database.

    Raises:
        ConfigurationError: It is for another database, or for another driver.
    """
    drivername = f"{engine.dialect.name}+{engine.dialect.driver}"
    name = DRIVERS.get(drivername)
    if name is None:
        possible = ", ".join(driver for driver in DRIVERS if "+" in driver)
        raise ConfigurationError(f"an engine of {drivername} cannot be used; possible: {possible}")
    return engine.url, database_named(name)


def read_url(url: str | URL) -> tuple[URL, Database]:
    """Return the parsed URL of a database and what is known of it; no error shows a part that may be a secret.

    Raises:
        ConfigurationError: The URL cannot be used.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"the database URL cannot be read; write for example {_EXAMPLES}") from None
    name = DRIVERS.get(parsed.drivername)
    if name is None:
        raise ConfigurationError(f"no storage for {parsed.drivername!r} databases; write for example {_EXAMPLES}")
    database = database_named(name)
    database.check_url(parsed)
    return parsed, database
