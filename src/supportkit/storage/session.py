"""`Session`: runs prepared statements in one transaction of one tenant, on the driver's own cursor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, Select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql.dml import Delete, Insert, Update

from supportkit.errors import StorageError
from supportkit.storage.database import Database, database_named
from supportkit.storage.floors import Floors
from supportkit.storage.statements import Prepared, Row, Statements

Values = dict[str, Any]
Writing = Insert | Update | Delete


def _driver_error(error: Exception) -> Exception:
    """Return the driver's own error out of the one that SQLAlchemy makes of it."""
    inner = getattr(error, "orig", None)
    return inner if isinstance(inner, Exception) else error


class Link(Protocol):
    """A connection of a driver with an open transaction."""

    @property
    def database(self) -> Database:
        """What is known of its database."""
        ...

    def cursor(self) -> Any:
        """Return a new cursor of the driver."""
        ...

    def select(self, statement: Select[Any]) -> Sequence[Row]:
        """Return the rows of a statement that was built for this once; errors of the driver come out as they are."""
        ...

    def stream(self, statement: Select[Any], values: Values, at_once: int) -> AbstractContextManager[Iterator[Row]]:
        """Give the rows of a statement as they are asked for, *at_once* from the server."""
        ...

    def write(self, statement: Writing, several: Sequence[Mapping[str, Any]]) -> int:
        """Run a writing statement that was built for this once, for each of *several* rows if there are any.

        Errors of the driver come out as they are. Returns how many rows were touched.
        """
        ...


class OwnLink:
    """A connection on which the storage itself has begun."""

    __slots__ = ("_connection", "database")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.database = database_named(connection.dialect.name)

    def cursor(self) -> Any:
        """Return a new cursor of the driver."""
        return self._connection.connection.cursor()

    def select(self, statement: Select[Any]) -> Sequence[Row]:
        """Return the rows of a statement; SQLAlchemy remembers how it compiled one of this shape."""
        found: Sequence[Row] = self._connection.execute(statement).fetchall()
        return found

    @contextmanager
    def stream(self, statement: Select[Any], values: Values, at_once: int) -> Iterator[Iterator[Row]]:
        """Give the rows of a statement as they are asked for."""
        with self._connection.execute(statement, values, execution_options={"yield_per": at_once}) as found:
            yield iter(found)

    def write(self, statement: Writing, several: Sequence[Mapping[str, Any]]) -> int:
        """Run a writing statement; SQLAlchemy remembers how it compiled one of this shape."""
        result = self._connection.execute(statement, [dict(values) for values in several] or None)
        return int(result.rowcount)


class Session:
    """One transaction, from its begin to its end.

    Args:
        tenant: Whose rows it sees.
        link: The connection; it has an open transaction.
        statements: The prepared statements of its dialect.
        write: Whether it may write.
        floors: What is known of the oldest rows that wait; nothing where that is not worth the trouble.
    """

    __slots__ = ("_broken", "_cursor", "_ended", "_link", "_st", "_write", "database", "floors", "tenant", "written")

    def __init__(
        self, tenant: str, link: Link, statements: Statements, *, write: bool = True, floors: Floors | None = None
    ) -> None:
        self.tenant = tenant
        self.database = link.database
        self._link = link
        self._cursor: Any = link.cursor()
        self._st = statements
        self._write = write
        self._broken = False
        self._ended = False
        self.floors = floors
        self.written: dict[str, int] = {}

    @property
    def statements(self) -> Statements:
        """The prepared statements."""
        return self._st

    def confirm(self) -> None:
        """Refuse the commit after a write that failed: whoever swallowed its error would keep half a change.

        Raises:
            StorageError: A write of this unit failed.
        """
        if self._broken:
            raise StorageError("a write of this transaction failed before: nothing of it is kept")

    def wrote(self, kind: str, due: int) -> None:
        """Take down that a row was written which is due at an instant, in microseconds."""
        if self.floors is not None:
            self.written[kind] = min(due, self.written.get(kind, due))

    def tell_floors(self) -> None:
        """Let the floors know what was committed."""
        if self.floors is not None:
            for kind, due in self.written.items():
                self.floors.written(self.tenant, kind, due)

    def end(self) -> None:
        """Make sure that nothing is run after the transaction."""
        self._cursor.close()
        self._ended = True
        self._write = False

    def require_write(self) -> None:
        """Refuse to write after an error, after the end, or where only reading was asked for.

        Raises:
            StorageError: It is so.
        """
        self.confirm()
        if not self._write:
            raise StorageError("this unit of work is for reading, or has ended: open one with write=True")

    def break_off(self) -> None:
        """Let nothing of this transaction be kept."""
        self._broken = True

    def run(self, statement: Prepared, values: Values) -> Any:
        """Run a statement of this tenant and return the cursor."""
        if self._ended:
            raise StorageError("this unit of work has ended")
        values["tenant"] = self.tenant
        try:
            self._cursor.execute(statement.sql, statement.bind(values))
        except self.database.driver.Error as error:
            self._broken = True  # the database may have rolled back by itself
            self.database.fail(error)
        return self._cursor

    def one(self, statement: Prepared, values: Values) -> Row | None:
        """Return the first row, or `None`."""
        row: Row | None = self.run(statement, values).fetchone()
        return row

    def all(self, statement: Prepared, values: Values) -> Sequence[Row]:
        """Return every row."""
        found: Sequence[Row] = self.run(statement, values).fetchall()
        return found

    def insert(self, statement: Prepared, several: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each of *several* rows; errors of the driver come out as they are."""
        if len(several) == 1:
            self._cursor.execute(statement.sql, statement.bind(several[0]))
        elif several:
            self._cursor.executemany(statement.sql, statement.bind_all(several))

    def changes_one(self, statement: Prepared, values: Mapping[str, Any]) -> bool:
        """Run an update and tell whether it found its row; errors of the driver come out as they are."""
        self._cursor.execute(statement.sql, statement.bind(values))
        return bool(self._cursor.rowcount == 1)

    def change_all(self, statement: Prepared, several: Sequence[Mapping[str, Any]]) -> int:
        """Run an update or a deletion once for each of *several* rows and return how many rows it found in all."""
        self.insert(statement, several)
        return int(self._cursor.rowcount) if several else 0

    def insert_events(self, several: Sequence[Mapping[str, Any]]) -> Sequence[int]:
        """Append to the log where the database gives the positions, and return those."""
        assert self.database.insert_numbered is not None  # noqa: S101 - whoever calls this has looked
        return self.database.insert_numbered(self._cursor, self._st.insert_event, several)

    def command(self, sql: str) -> None:
        """Run a statement without parameters that touches no table."""
        try:
            self._cursor.execute(sql)
        except self.database.driver.Error as error:
            self._broken = True
            self.database.fail(error)

    @contextmanager
    def stream(self, statement: Select[Any], values: Values, at_once: int) -> Iterator[Iterator[Row]]:
        """Give the rows of a statement as they are asked for, *at_once* from the server; errors come out as they are.

        Nothing else may be run in this session until the block has ended.
        """
        if self._ended:
            raise StorageError("this unit of work has ended")
        with self._link.stream(statement, values, at_once) as found:
            yield found

    def select(self, statement: Select[Any]) -> Sequence[Row]:
        """Return the rows of a statement that was built for this once."""
        if self._ended:
            raise StorageError("this unit of work has ended")
        try:
            return self._link.select(statement)
        except (DBAPIError, self.database.driver.Error) as error:
            self._broken = True
            self.database.fail(error)

    def write(
        self,
        statement: Writing,
        several: Sequence[Mapping[str, Any]] | None = None,
        taken: Exception | None = None,
    ) -> int:
        """Run a writing statement that was built for this once; return how many rows it touched.

        Args:
            statement: It binds the tenant.
            several: The rows of an insert.
            taken: What to raise where a key is there already.
        """
        if self._ended:
            raise StorageError("this unit of work has ended")
        try:
            return self._link.write(statement, several or ())
        except (IntegrityError, self.database.driver.IntegrityError) as error:
            self._broken = True
            if taken is not None:
                raise taken from None
            self.database.fail(_driver_error(error))
        except (DBAPIError, self.database.driver.Error) as error:
            self._broken = True
            self.database.fail(error)
