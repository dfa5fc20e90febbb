"""`Borrowed`: units of work on the app's engine; each takes a connection from its pool and gives it back as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from supportkit.errors import ConfigurationError, StorageError, StorageUnavailable
from supportkit.storage.connections import INSIDE, WRITER_SECONDS, Door, Transaction, is_the_world
from supportkit.storage.database import Database
from supportkit.storage.guests import Guest

_LOOKED_AT = "supportkit.looked_at"


class Borrowed:
    """The app's pool: the desk neither keeps a connection nor disposes of the engine.

    A connection is looked at once, before its first use. What a transaction needs is set before it and put back after.
    """

    def __init__(self, engine: Engine, database: Database, guest: Guest, synchronous: str) -> None:
        guest.check_engine(engine)
        self._door = Door(engine, engine.url, database)
        self._guest = guest
        self._synchronous = synchronous
        self._turn = threading.RLock()
        self._here = threading.local()

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        """Open a transaction; it is committed when the block ends and rolled back when it raises."""
        if not write:
            with self._lent() as connection, Transaction(connection, *self._guest.begin_reading):
                yield connection
            return
        if getattr(self._here, "writes", False):
            raise ConfigurationError(INSIDE)
        self._here.writes = True
        try:
            with self._turns(), self._lent() as connection, Transaction(connection, *self._guest.begin_writing):
                yield connection
        finally:
            self._here.writes = False

    @contextmanager
    def exclusively(self, *, write: bool) -> Iterator[Connection]:
        """Give a connection without a transaction."""
        del write
        with self._lent() as connection:
            yield connection

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """Give a connection on which the settings are those of a unit of work."""
        with self.transaction(write=False) as connection:
            yield connection

    @contextmanager
    def _turns(self) -> Iterator[None]:
        """Let the threads of this process queue up where only one can write anyway."""
        if not self._guest.takes_turns:
            yield
            return
        if not self._turn.acquire(timeout=WRITER_SECONDS):
            raise StorageUnavailable(f"another thread has been writing for {WRITER_SECONDS:.0f} s: try again")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _lent(self) -> Iterator[Connection]:
        connection = self._door.open()
        try:
            driver: Any = connection.connection.driver_connection
            found = self._enter(connection, driver)
            try:
                yield connection
            finally:
                self._leave(connection, driver, found)
        except StorageError as error:
            if is_the_world(error) and not connection.closed:
                connection.invalidate()
            raise
        finally:
            connection.close()

    def _enter(self, connection: Connection, driver: Any) -> Any:
        database, info = self._door.database, connection.info
        try:
            if _LOOKED_AT not in info:
                self._guest.look_at(driver)
                info[_LOOKED_AT] = True
            return self._guest.settle(driver, self._synchronous)
        except database.driver.Error as error:
            connection.invalidate()
            database.fail(error)

    def _leave(self, connection: Connection, driver: Any, found: Any) -> None:
        """Put everything back; a connection on which that fails must not be used again."""
        if connection.invalidated:
            return
        try:
            self._guest.put_back(driver, found)
        except (self._door.database.driver.Error, DBAPIError):
            connection.invalidate()

    def close(self) -> None:
        """Take no more connections; the engine stays as it is."""
        self._door.is_closed = True
