"""Who may have a connection when: one writer for SQLite, a pool for servers. Every transaction begins and ends here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import Pool

from supportkit.errors import ConfigurationError, StorageCorrupt, StorageError, StorageFull, StorageUnavailable
from supportkit.storage.database import Database, database_named
from supportkit.storage.sqlite import is_memory

WRITER_SECONDS = 60.0
INSIDE = (
    "this thread is already inside a unit of work: use the desk that `desk.transaction()` or `desk.joined()` gave you"
)


class Transaction:
    """Runs a block between *begin* and COMMIT on the driver; errors of the driver come out as ours.

    A class and no generator, because every command opens one.
    """

    __slots__ = ("_begin", "_connection", "_database", "_driver")

    def __init__(self, connection: Connection, *begin: str) -> None:
        self._connection = connection
        self._begin = begin
        self._driver: Any = connection.connection.driver_connection
        self._database = database_named(connection.dialect.name)

    def begin(self) -> None:
        """Open it.

        Raises:
            StorageError: The database refuses, or is gone.
        """
        try:
            for statement in self._begin:
                self._database.run(self._driver, statement)
        except self._database.driver.Error as error:
            self._database.fail(error)

    def __enter__(self) -> None:
        self.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        database = self._database
        try:
            if error is None:
                self._commit()
                return
            database.roll_back(self._driver)
            if isinstance(error, DBAPIError | database.driver.Error):
                database.fail(error)
        finally:
            if self._connection.in_transaction():
                self._connection.rollback()  # SQLAlchemy's own book-keeping; the driver has nothing open any more

    def _commit(self) -> None:
        database = self._database
        try:
            database.run(self._driver, "COMMIT")
        except database.driver.Error as error:
            if database.is_lost(self._driver):
                raise StorageUnavailable(
                    "the connection broke during the commit: whether the change is stored is unknown; "
                    "repeat it with its idempotency key"
                ) from None
            database.roll_back(self._driver)
            database.fail(error)


class Door:
    """Opens connections of an engine, until it is closed; an engine of the app is never disposed of."""

    def __init__(self, engine: Engine, url: URL, database: Database, *, owned: bool = True) -> None:
        self.engine = engine
        self.owned = owned
        self.url = url
        self.database = database
        self.is_closed = False

    def open(self) -> Connection:
        """Return a connection.

        Raises:
            StorageError: The storage is closed, or the database does not let us in.
        """
        if self.is_closed:
            raise StorageError("the storage is closed")
        try:
            return self.engine.connect()
        except (DBAPIError, self.database.driver.Error) as error:
            raise self.database.refused(error, self.url) from (None if self.database.shows_values else error)
        except PoolTimeout as error:
            raise StorageUnavailable("too many threads are at it at once: try again") from error
        except (InvalidRequestError, TypeError, ValueError):
            raise ConfigurationError(
                f"this is no {self.database.name} server, or the URL has an option that the driver does not know"
            ) from None

    def dispose(self) -> None:
        """Cut the connections that wait in the pool, if it is ours."""
        if self.owned:
            self.engine.dispose()


def is_the_world(error: StorageError) -> bool:
    """Tell whether it is the file, the disk or the server that failed, not a race or a caller."""
    return isinstance(error, StorageFull | StorageCorrupt | StorageUnavailable)


class OneWriter:
    """SQLite: one connection of the process writes, under a lock; readers have connections of their own.

    A database in memory has one connection for everything.
    """

    def __init__(self, engine: Engine, url: URL, database: Database, *, owned: bool = True) -> None:
        self._door = Door(engine, url, database, owned=owned)
        self._memory = is_memory(url)
        self._lock = threading.RLock()
        self._writer: Connection | None = None
        self._busy = False

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        """Open a transaction; it is committed when the block ends and rolled back when it raises."""
        database = self._door.database
        if not write and not self._memory:
            with self._reader() as connection, Transaction(connection, *database.begin_reading):
                yield connection
            return
        with self.exclusively(write=write) as connection:
            if self._busy:  # a read inside the write of the same thread, in memory
                yield connection
                return
            self._busy = True
            try:
                with Transaction(connection, *(database.begin_writing if write else database.begin_reading)):
                    yield connection
            finally:
                self._busy = False

    @contextmanager
    def exclusively(self, *, write: bool) -> Iterator[Connection]:
        """Give the connection that writes, without a transaction."""
        if not self._lock.acquire(timeout=WRITER_SECONDS):
            raise StorageUnavailable(f"another thread has been writing for {WRITER_SECONDS:.0f} s: try again")
        try:
            if write and self._busy:
                raise ConfigurationError(INSIDE)
            if self._writer is None:
                self._writer = self._door.open()
            yield self._writer
        except StorageError as error:
            if is_the_world(error) and not self._memory and not self._busy:
                self._drop_writer()
            raise
        finally:
            self._lock.release()

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """Give a connection on which nobody waits; in memory there is only one."""
        with self.exclusively(write=False) if self._memory else self._reader() as connection:
            yield connection

    def _drop_writer(self) -> None:
        """Forget idle connections: the next one opens the file anew, as it is by then. A read-only one stays so."""
        if self._writer is not None:
            self._writer.invalidate()
            self._writer.close()
            self._writer = None
            self._door.dispose()

    @contextmanager
    def _reader(self) -> Iterator[Connection]:
        connection = self._door.open()
        try:
            yield connection
        except StorageError as error:
            if is_the_world(error):
                connection.invalidate()
            raise
        finally:
            connection.close()

    def close(self) -> None:
        """Give back connections."""
        with self._lock:
            self._door.is_closed = True
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._door.dispose()


class Pooled:
    """A server: every unit of work has a connection of its own, and the database decides who waits for whom."""

    def __init__(self, engine: Engine, url: URL, database: Database) -> None:
        self._door = Door(engine, url, database)
        self._here = threading.local()

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        """Open a transaction; it is committed when the block ends and rolled back when it raises."""
        if not write:
            with self._begun(self._door.database.begin_reading) as connection:
                yield connection
            return
        if getattr(self._here, "writes", False):
            raise ConfigurationError(INSIDE)
        self._here.writes = True
        try:
            with self._begun(self._door.database.begin_writing) as connection:
                yield connection
        finally:
            self._here.writes = False

    @contextmanager
    def _begun(self, begin: tuple[str, ...]) -> Iterator[Connection]:
        pool = self._door.engine.pool
        connection, transaction = self._begin(begin)
        try:
            with ExitStack() as stack:
                stack.push(transaction)
                yield connection
        except StorageError as error:
            if is_the_world(error):
                self._forget(connection)
            raise
        finally:
            self._give_back(connection, pool)

    @contextmanager
    def exclusively(self, *, write: bool) -> Iterator[Connection]:
        """Give a connection without a transaction; a server has no other meaning of it."""
        del write
        pool = self._door.engine.pool
        connection = self._door.open()
        try:
            yield connection
        except StorageError:
            self._forget(connection)
            raise
        finally:
            self._give_back(connection, pool)

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """Give a connection on which nobody waits."""
        with self.exclusively(write=False) as connection:
            yield connection

    def _begin(self, begin: tuple[str, ...]) -> tuple[Connection, Transaction]:
        """Begin on a connection that lives; one that waited in the pool may have died there, and nothing was sent."""
        for last in (False, True):
            connection = self._door.open()
            transaction = Transaction(connection, *begin)
            try:
                transaction.begin()
            except BaseException as error:
                self._forget(connection)
                connection.close()
                if last or not isinstance(error, StorageUnavailable):
                    raise
            else:
                return connection, transaction
        raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises

    def _forget(self, connection: Connection) -> None:
        """Throw a connection away; when it was cut, those that wait in the pool are cut as well."""
        lost = self._door.database.is_lost(connection.connection.driver_connection)
        connection.invalidate()
        if lost:
            self._door.dispose()

    def _give_back(self, connection: Connection, pool: Pool) -> None:
        """Close a connection; where its pool was thrown away meanwhile, nobody would ever close it there."""
        if pool is not self._door.engine.pool and not connection.invalidated:
            connection.detach()
        connection.close()

    def close(self) -> None:
        """Give back connections."""
        self._door.is_closed = True
        self._door.dispose()
