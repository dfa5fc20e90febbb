"""`SqlStorage`: the tables of supportkit in SQLite, PostgreSQL or MariaDB."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Dialect, Engine
from sqlalchemy.engine import URL

from supportkit.errors import CannotJoin, ConfigurationError, SchemaOutOfDate
from supportkit.storage import schema
from supportkit.storage.borrowing import Borrowed
from supportkit.storage.connections import INSIDE, OneWriter, Pooled, Transaction
from supportkit.storage.database import DRIVERS, Database, read_engine, read_url
from supportkit.storage.floors import Floors
from supportkit.storage.guests import guest_of
from supportkit.storage.joining import AppLink, SqlJoinedUnit, driver_of
from supportkit.storage.port import Finding, StorageCapabilities
from supportkit.storage.session import OwnLink
from supportkit.storage.sqlite import is_memory
from supportkit.storage.statements import Statements
from supportkit.storage.tables import make_tables, version_of
from supportkit.storage.unit import SqlUnitOfWork

_VERSION = re.compile("[0-9]{4}")


class _Here(threading.local):
    """What the current thread is doing."""

    joined = 0
    """In how many joined transactions it is."""


class SqlStorage:
    """Keeps tickets in a SQL database.

    On SQLite one connection of the process writes, under a lock; readers have connections of their own and never wait
    for it. A database in memory has one connection for everything. On a server each unit of work has a connection from
    a pool; a thread that reads inside its own write does so beside it and does not see what is not committed.

    Args:
        url: `sqlite:///support.db` for a file, `sqlite://` for memory, `postgresql+psycopg://user@host/support` or
            `mariadb+pymysql://user@host/support` for a server; or an `Engine` of the app, whose pool is used and which
            is never disposed of.
        synchronous: For SQLite. `full` (default): a power cut loses nothing that was acknowledged. `normal` may lose
            the last seconds, never more, and shows up in `check()`.

    Raises:
        ConfigurationError: The URL cannot be used, the driver is not installed, or the database refuses a setting.
        StorageUnavailable: The file cannot be opened.
    """

    def __init__(self, url: str | URL | Engine = "sqlite://", *, synchronous: str = "full") -> None:
        self._synchronous = synchronous
        self._owns_engine = not isinstance(url, Engine)
        self.url, self._database = read_engine(url) if isinstance(url, Engine) else read_url(url)
        self._engine = url if isinstance(url, Engine) else self._database.engine(self.url, synchronous)
        # An engine of the app may write its parameters in another way, and so may the driver that it hands over.
        self._dialect = self._engine.dialect if self._owns_engine else _plain_dialect(self._database)
        self._st = Statements.compile(self._dialect)
        self._guest = guest_of(self._database.name)
        self._connections = self._opened(self._engine)
        self._identity: Hashable = None
        self._here = _Here()
        self._floors = Floors() if self._database.needs_floors else None

    def _opened(self, engine: Engine) -> OneWriter | Pooled | Borrowed:
        if not self._owns_engine:
            borrowed = Borrowed(engine, self._database, self._guest, self._synchronous)
            if self._database.is_server or not is_memory(self.url):
                return borrowed
        if self._database.is_server:
            return Pooled(engine, self.url, self._database)
        return OneWriter(engine, self.url, self._database, owned=self._owns_engine)

    def __repr__(self) -> str:
        shown = self.url.set(query={})  # a driver takes a password there, too
        return f"SqlStorage({shown.render_as_string(hide_password=True)!r})"

    @property
    def capabilities(self) -> StorageCapabilities:
        """What this storage can do."""
        lasts = self._database.is_server or not is_memory(self.url)
        return StorageCapabilities(
            durable=lasts,
            shared=lasts,
            joins=lasts or not self._owns_engine,
            serial=self._database.is_serial,
            receives=True,
            queues=True,
            keeps=True,
            erases=True,
        )

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for queries of the app's own."""
        return self._engine

    @property
    def migrates_itself(self) -> bool:
        """Whether a desk may migrate when it opens the database: a file yes, a server only when somebody asks."""
        return not self._database.is_server

    @contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[SqlUnitOfWork]:
        """Open a unit of work; it is committed when its block ends and rolled back when it raises."""
        if write and self._here.joined:
            raise ConfigurationError(INSIDE)
        with self._connections.transaction(write=write) as connection:
            unit = SqlUnitOfWork(tenant, OwnLink(connection), self._st, write=write, floors=self._floors)
            try:
                yield unit
                unit.confirm()
            finally:
                unit.end()
        unit.tell_floors()

    @contextmanager
    def join(self, tenant: str, connection: object) -> Iterator[SqlJoinedUnit]:
        """Open a unit of work in the transaction that is open on a *connection* of the app.

        Args:
            tenant: Whose rows it sees.
            connection: A SQLAlchemy `Connection`, or one of `sqlite3`, psycopg 3 or PyMySQL.

        Raises:
            CannotJoin: It is closed, has no open transaction, or leads to another database than this storage.
        """
        driver = driver_of(connection, self._database)
        try:
            reads_anew = self._guest.join(driver)
            self._require_same(driver)
            unit = SqlJoinedUnit(
                tenant, AppLink(driver, self._database, self._dialect), self._st, reads_anew=reads_anew
            )
        except self._database.driver.Error as error:
            self._database.fail(error)
        self._here.joined += 1
        try:
            yield unit
        finally:
            self._here.joined -= 1
            unit.end()

    def _require_same(self, driver: Any) -> None:
        """Refuse a connection to another database; a server that was started anew counts as the same again."""
        theirs = self._guest.identity(driver)
        if theirs == self._identity:
            return
        with self._connections.looking() as connection:
            self._remember_identity(connection)
        if theirs != self._identity:
            raise CannotJoin("it leads to another database than this desk")

    def _remember_identity(self, connection: Connection) -> None:
        self._identity = self._guest.identity(connection.connection.driver_connection)

    # -- schema ------------------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Create the tables, or bring them to the version of this release."""
        database = self._database
        with self._connections.exclusively(write=True) as connection:
            if not database.is_server and self._version(connection) == schema.SCHEMA_VERSION:
                self._remember_identity(connection)
                return
            with Transaction(connection, *database.begin_writing):
                make_tables(connection)
            self._remember_identity(connection)

    def version(self) -> str | None:
        """Return the version of the schema in the database; `None` when it has no tables of ours.

        Raises:
            SchemaOutOfDate: The tables do not say of which version they are.
        """
        with self._connections.transaction(write=False) as connection:
            self._remember_identity(connection)
            return self._version(connection)

    def require_schema(self) -> None:
        """Make sure that the tables are those of this release, without changing any.

        Raises:
            SchemaOutOfDate: They are not; the text says what to do.
            StorageUnavailable: The database cannot be reached.
        """
        found = self.version()
        if found == schema.SCHEMA_VERSION:
            return
        if found is not None and _VERSION.fullmatch(found) and found > schema.SCHEMA_VERSION:
            advice = "it is from a newer release: install that one or restore a backup"
        else:
            advice = "run `supportkit migrate --database URL`, or call migrate() on the storage"
        raise SchemaOutOfDate(found=found, wanted=schema.SCHEMA_VERSION, advice=advice)

    def _version(self, connection: Connection) -> str | None:
        return version_of(connection, self._database)

    # -- looking after it --------------------------------------------------------------------------------------------

    def check(self) -> Sequence[Finding]:
        """Read every setting back from the database and look at its integrity; no writer waits for the latter."""
        of_settings = self._database.findings if self._owns_engine else self._guest.findings

        def settings(connection: Connection, cursor: Any) -> list[Finding]:
            return [self._schema_finding(connection), *of_settings(cursor, self.url, self._synchronous)]

        writing = self._connections.exclusively if self._owns_engine else self._connections.transaction
        found = self._asked(writing(write=False), settings)
        return found + self._asked(
            self._connections.looking(), lambda _connection, cursor: self._database.damage(cursor)
        )

    def _asked(
        self,
        lent: AbstractContextManager[Connection],
        question: Callable[[Connection, Any], list[Finding]],
    ) -> list[Finding]:
        """Put a question to a connection."""
        with lent as connection:
            cursor = connection.connection.cursor()
            try:
                return question(connection, cursor)
            except self._database.driver.Error as error:
                self._database.fail(error)
            finally:
                cursor.close()

    def _schema_finding(self, connection: Connection) -> Finding:
        version = self._version(connection)
        fine = version == schema.SCHEMA_VERSION
        return Finding(
            code="schema.version",
            severity="ok" if fine else "error",
            sentence=f"schema {version}" if fine else f"schema {version}, this release needs {schema.SCHEMA_VERSION}",
        )

    def scrub(self) -> bool:
        """Empty the write-ahead log of a SQLite file; a server cleans up by itself, at its vacuum or purge."""
        if self._database.is_server or is_memory(self.url):
            return True
        with self._connections.exclusively(write=True) as connection:
            cursor = connection.connection.cursor()
            try:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                is_busy = bool(cursor.fetchall()[0][0])
            except self._database.driver.Error as error:
                self._database.fail(error)
            finally:
                cursor.close()
        return not is_busy

    def close(self) -> None:
        """Give back connections; an engine of the app stays as it is."""
        self._connections.close()


def _plain_dialect(database: Database) -> Dialect:
    """Return the dialect in which an engine of our own would write."""
    drivername = next(driver for driver, name in reversed(DRIVERS.items()) if name == database.name)
    return URL.create(drivername).get_dialect()(**({"paramstyle": "format"} if database.is_server else {}))
