"""`SqlStorage`: the tables of supportkit in SQLite, in a file or in memory."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from supportkit.errors import (
    ConfigurationError,
    SchemaOutOfDate,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageUnavailable,
    SupportkitError,
)
from supportkit.storage import schema
from supportkit.storage.port import Finding, StorageCapabilities
from supportkit.storage.sqlite import is_memory, read_setting, sqlite_engine, translate, wanted_settings
from supportkit.storage.statements import Statements
from supportkit.storage.unit import SqlUnitOfWork

_WRITER_SECONDS = 60.0


class SqlStorage:
    """Keeps tickets in SQLite.

    One connection of the process writes, under a lock; readers have connections of their own and never wait for it.
    A database in memory has one connection for everything.

    Args:
        url: `sqlite:///support.db` for a file, `sqlite://` for memory.
        synchronous: `full` (default): a power cut loses nothing that was acknowledged. `normal` may lose the last
            seconds, never more, and shows up in `check()`.

    Raises:
        ConfigurationError: The URL cannot be used, or the database refuses a setting.
        StorageUnavailable: The file cannot be opened.
    """

    def __init__(self, url: str | URL = "sqlite://", *, synchronous: str = "full") -> None:
        self.url = _parse(url)
        self._memory = is_memory(self.url)
        self._settings = wanted_settings(memory=self._memory, synchronous=synchronous)
        self._synchronous = synchronous
        self._engine: Engine = sqlite_engine(self.url, self._settings)
        self._st = Statements.compile(self._engine.dialect)
        self._lock = threading.RLock()
        self._writer: Connection | None = None
        self._busy = False
        self._closed = False

    def __repr__(self) -> str:
        return f"SqlStorage({self.url.render_as_string(hide_password=True)!r})"

    @property
    def capabilities(self) -> StorageCapabilities:
        """What this storage can do."""
        return StorageCapabilities(durable=not self._memory, shared=not self._memory)

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for queries of the app's own."""
        return self._engine

    # -- transactions ------------------------------------------------------------------------------------------------

    @contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[SqlUnitOfWork]:
        """Open a unit of work; it is committed when its block ends and rolled back when it raises."""
        if not write and not self._memory:
            with self._connect() as connection, self._unit(tenant, connection, write=False) as unit:
                yield unit
            return
        with self._exclusively(write=write) as connection:
            if self._busy:  # a read inside the write of the same thread, in memory
                inner = SqlUnitOfWork(tenant, connection, self._st, write=False)
                try:
                    yield inner
                finally:
                    inner.end()
                return
            self._busy = True
            try:
                with self._unit(tenant, connection, write=write) as unit:
                    yield unit
            finally:
                self._busy = False

    @contextmanager
    def _unit(self, tenant: str, connection: Connection, *, write: bool) -> Iterator[SqlUnitOfWork]:
        with _Transaction(connection, "BEGIN IMMEDIATE" if write else "BEGIN"):
            unit = SqlUnitOfWork(tenant, connection, self._st, write=write)
            try:
                yield unit
                unit.confirm()
            finally:
                unit.end()

    @contextmanager
    def _exclusively(self, *, write: bool) -> Iterator[Connection]:
        if not self._lock.acquire(timeout=_WRITER_SECONDS):
            raise StorageUnavailable(f"another thread has been writing for {_WRITER_SECONDS:.0f} s: try again")
        try:
            if write and self._busy:
                raise ConfigurationError(
                    "this thread is already inside a unit of work: use the desk that `desk.transaction()` gave you"
                )
            if self._writer is None:
                self._writer = self._open()
            yield self._writer
        except StorageError as error:
            if _is_the_world(error) and not self._memory and not self._busy:
                self._drop_writer()
            raise
        finally:
            self._lock.release()

    def _drop_writer(self) -> None:
        """Forget idle connections: the next one opens the file anew, as it is by then. A read-only one stays so."""
        if self._writer is not None:
            self._writer.invalidate()
            self._writer.close()
            self._writer = None
            self._engine.dispose()

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        connection = self._open()
        try:
            yield connection
        except StorageError as error:
            if _is_the_world(error):
                connection.invalidate()
            raise
        finally:
            connection.close()

    def _open(self) -> Connection:
        if self._closed:
            raise StorageError("the storage is closed")
        try:
            return self._engine.connect()
        except (DBAPIError, sqlite3.Error) as error:
            raise self._refused(translate(error)) from error
        except PoolTimeout as error:
            raise StorageUnavailable("too many threads read at once: try again") from error

    def _refused(self, error: SupportkitError) -> SupportkitError:
        """Say that the folder is read-only where SQLite only says that it could not open the file."""
        if isinstance(error, StorageUnavailable) and "cannot be opened" in str(error):
            folder = Path(self.url.database or "").parent
            if folder.is_dir() and not os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
                return StorageFull("the folder of the database is read-only: SQLite needs to write beside its file")
        return error

    # -- schema ------------------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Create the tables, or bring them to the version of this release."""
        with self._exclusively(write=True) as connection:
            if self._version(connection) == schema.SCHEMA_VERSION:
                return
            with _Transaction(connection, "BEGIN IMMEDIATE"):
                version = self._version(connection)
                if version == schema.SCHEMA_VERSION:
                    return
                if version is None:
                    schema.metadata.create_all(connection, checkfirst=False)
                    schema.version.create(connection, checkfirst=False)
                    connection.execute(schema.version.insert().values(version_num=schema.SCHEMA_VERSION))
                    return
                from supportkit.storage.migrations import upgrade

                upgrade(connection, version)

    def _version(self, connection: Connection) -> str | None:
        """Return the schema version in the database; `None` when it has no tables of ours."""
        cursor = connection.connection.cursor()
        try:
            names = (schema.VERSION_TABLE, schema.ticket.name)
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name IN (?, ?)", names)
            found = {name for (name,) in cursor.fetchall()}
            if not found:
                return None
            if schema.VERSION_TABLE in found:
                cursor.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}")  # noqa: S608 - a constant
                row = cursor.fetchone()
                if row is not None:
                    return str(row[0])
        except sqlite3.Error as error:
            raise translate(error) from error
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
        with self._exclusively(write=False) as connection:
            cursor = connection.connection.cursor()
            try:
                found = [self._schema_finding(connection)]
                found += [self._setting_finding(name, read_setting(cursor, name)) for name in self._settings]
                found.append(_integrity_finding(cursor))
            except sqlite3.Error as error:
                raise translate(error) from error
            finally:
                cursor.close()
        if self._memory:
            found.append(
                Finding(code="sqlite.memory", severity="warning", sentence="the database ends with the process")
            )
        return found

    def _schema_finding(self, connection: Connection) -> Finding:
        version = self._version(connection)
        fine = version == schema.SCHEMA_VERSION
        return Finding(
            code="schema.version",
            severity="ok" if fine else "error",
            sentence=f"schema {version}" if fine else f"schema {version}, this release needs {schema.SCHEMA_VERSION}",
        )

    def _setting_finding(self, name: str, got: Any) -> Finding:
        value, wanted = self._settings[name]
        if got != wanted:
            return Finding(code=f"sqlite.{name}", severity="error", sentence=f"{name} is {got!r}, not {value}")
        if name == "synchronous" and self._synchronous != "full":
            sentence = "synchronous is NORMAL: a power cut loses what was acknowledged since the last checkpoint"
            return Finding(code="sqlite.synchronous", severity="warning", sentence=sentence)
        return Finding(code=f"sqlite.{name}", severity="ok", sentence=f"{name} is {value}")

    def close(self) -> None:
        """Give back connections."""
        with self._lock:
            self._closed = True
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._engine.dispose()


class _Transaction:
    """Runs a block between *begin* and COMMIT on the driver; errors of the driver come out as ours.

    A class and no generator, because every command opens one.
    """

    __slots__ = ("_begin", "_connection", "_driver")

    def __init__(self, connection: Connection, begin: str) -> None:
        self._connection = connection
        self._begin = begin
        self._driver: Any = connection.connection.driver_connection

    def __enter__(self) -> None:
        try:
            self._driver.execute(self._begin)
        except sqlite3.Error as error:
            raise translate(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._driver.execute("COMMIT")
                return
            _roll_back(self._driver)
            if isinstance(error, DBAPIError | sqlite3.Error):
                raise translate(error) from error
        except sqlite3.Error as refused:
            _roll_back(self._driver)
            raise translate(refused) from refused
        finally:
            if self._connection.in_transaction():
                self._connection.rollback()  # SQLAlchemy's own book-keeping; the driver has nothing open any more


def _roll_back(driver: Any) -> None:
    if driver.in_transaction:
        try:
            driver.execute("ROLLBACK")
        except sqlite3.Error:  # the database rolled back by itself, as it does when the disk is full
            return


def _parse(url: str | URL) -> URL:
    """Return the URL of a SQLite database; no error shows any part of it that may be a secret."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError("the database URL cannot be read; write for example sqlite:///support.db") from None
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise ConfigurationError(
            f"no storage for {parsed.drivername!r} databases; write for example sqlite:///support.db"
        )
    if parsed.host or parsed.username or parsed.password or parsed.port:
        raise ConfigurationError(
            "a SQLite URL has no host, port or user; write sqlite:///support.db with three slashes"
        )
    if parsed.query or (parsed.database or "").startswith("file:") or "\0" in (parsed.database or ""):
        raise ConfigurationError("a SQLite URL is sqlite:/// and a path, without options or a file: prefix")
    if not is_memory(parsed):
        folder = Path(parsed.database or "").parent
        if not folder.is_dir():
            raise ConfigurationError(f"the folder {folder.as_posix()!r} of the database does not exist")
    return parsed


def _is_the_world(error: StorageError) -> bool:
    """Tell whether it is the file or the disk that failed, not a race or a caller."""
    return isinstance(error, StorageFull | StorageCorrupt | StorageUnavailable)


def _integrity_finding(cursor: Any) -> Finding:
    """Let SQLite look through the file; damage that stops it half way is a finding as well."""
    try:
        cursor.execute("PRAGMA integrity_check(5)")
        problems = [str(row[0]) for row in cursor.fetchall()]
    except sqlite3.DatabaseError as error:
        if not isinstance(translate(error), StorageCorrupt):
            raise
        problems = [error.sqlite_errorname]
    fine = problems == ["ok"]
    sentence = "the file is sound" if fine else f"the file is damaged: {'; '.join(problems)[:500]}"
    return Finding(code="sqlite.integrity", severity="ok" if fine else "error", sentence=sentence)
