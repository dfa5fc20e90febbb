"""`SqlStorage`: the tables of supportkit in SQLite, PostgreSQL or MariaDB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL

from supportkit.errors import SchemaOutOfDate
from supportkit.storage import schema
from supportkit.storage.connections import OneWriter, Pooled, Transaction
from supportkit.storage.database import read_url
from supportkit.storage.port import Finding, StorageCapabilities
from supportkit.storage.sqlite import is_memory
from supportkit.storage.statements import Statements
from supportkit.storage.unit import SqlUnitOfWork

_VERSION = re.compile("[0-9]{4}")


class SqlStorage:
    """Keeps tickets in a SQL database.

    On SQLite one connection of the process writes, under a lock; readers have connections of their own and never wait
    for it. A database in memory has one connection for everything. On a server each unit of work has a connection from
    a pool; a thread that reads inside its own write does so beside it and does not see what is not committed.

    Args:
        url: `sqlite:///support.db` for a file, `sqlite://` for memory, `postgresql+psycopg://user@host/support` or
            `mariadb+pymysql://user@host/support` for a server.
        synchronous: For SQLite. `full` (default): a power cut loses nothing that was acknowledged. `normal` may lose
            the last seconds, never more, and shows up in `check()`.

    Raises:
        ConfigurationError: The URL cannot be used, the driver is not installed, or the database refuses a setting.
        StorageUnavailable: The file cannot be opened.
    """

    def __init__(self, url: str | URL = "sqlite://", *, synchronous: str = "full") -> None:
        self.url, self._database = read_url(url)
        self._synchronous = synchronous
        self._engine: Engine = self._database.engine(self.url, synchronous)
        self._st = Statements.compile(self._engine.dialect)
        kind = Pooled if self._database.is_server else OneWriter
        self._connections = kind(self._engine, self.url, self._database)

    def __repr__(self) -> str:
        return f"SqlStorage({self.url.render_as_string(hide_password=True)!r})"

    @property
    def capabilities(self) -> StorageCapabilities:
        """What this storage can do."""
        lasts = self._database.is_server or not is_memory(self.url)
        return StorageCapabilities(durable=lasts, shared=lasts, serial=self._database.is_serial)

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
        with self._connections.transaction(write=write) as connection:
            unit = SqlUnitOfWork(tenant, connection, self._st, write=write)
            try:
                yield unit
                unit.confirm()
            finally:
                unit.end()

    # -- schema ------------------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Create the tables, or bring them to the version of this release."""
        database = self._database
        with self._connections.exclusively(write=True) as connection:
            if not database.is_server and self._version(connection) == schema.SCHEMA_VERSION:
                return
            with Transaction(connection, *database.begin_writing), database.one_migration(connection):
                self._migrate(connection)

    def _migrate(self, connection: Connection) -> None:
        version = self._version(connection)
        if version is None:
            schema.metadata.create_all(connection, checkfirst=False)
            schema.version.create(connection, checkfirst=False)
            connection.execute(schema.version.insert().values(version_num=schema.SCHEMA_VERSION))
        elif version != schema.SCHEMA_VERSION:
            from supportkit.storage.migrations import upgrade

            upgrade(connection, version)

    def version(self) -> str | None:
        """Return the version of the schema in the database; `None` when it has no tables of ours.

        Raises:
            SchemaOutOfDate: The tables do not say of which version they are.
        """
        with self._connections.transaction(write=False) as connection:
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
        """Return the schema version in the database; `None` when it has no tables of ours."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._database.tables)
            found = {row[0] for row in cursor.fetchall()}
            if not found:
                return None
            if schema.VERSION_TABLE in found:
                cursor.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}")  # noqa: S608 - a constant
                row = cursor.fetchone()
                if row is not None:
                    return str(row[0])
        except self._database.driver.Error as error:
            self._database.fail(error)
        finally:
            cursor.close()
        raise SchemaOutOfDate(
            found=None,
            wanted=schema.SCHEMA_VERSION,
            advice=f"its tables are there, but {schema.VERSION_TABLE} does not say of which version they are",
        )

    # -- looking after it --------------------------------------------------------------------------------------------

    def check(self) -> Sequence[Finding]:
        """Read every setting back from the database and look at its integrity."""
        with self._connections.exclusively(write=False) as connection:
            cursor = connection.connection.cursor()
            try:
                return [self._schema_finding(connection), *self._database.findings(cursor, self.url, self._synchronous)]
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

    def close(self) -> None:
        """Give back connections."""
        self._connections.close()
