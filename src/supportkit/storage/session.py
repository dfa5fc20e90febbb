"""`Session`: runs prepared statements in one transaction of one tenant, on the driver's own cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.exc import DBAPIError

from supportkit.errors import StorageError
from supportkit.storage.database import database_named
from supportkit.storage.statements import Prepared, Row, Statements

Values = dict[str, Any]


class Session:
    """One transaction, from its begin to its end.

    Args:
        tenant: Whose rows it sees.
        connection: The SQLAlchemy connection; its driver connection has an open transaction.
        statements: The prepared statements of the engine.
        write: Whether it may write.
    """

    __slots__ = ("_broken", "_connection", "_cursor", "_ended", "_st", "_write", "database", "tenant")

    def __init__(self, tenant: str, connection: Connection, statements: Statements, *, write: bool = True) -> None:
        self.tenant = tenant
        self.database = database_named(connection.dialect.name)
        self._connection = connection
        self._cursor: Any = connection.connection.cursor()
        self._st = statements
        self._write = write
        self._broken = False
        self._ended = False

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
            self._cursor.executemany(statement.sql, [statement.bind(values) for values in several])

    def changes_one(self, statement: Prepared, values: Mapping[str, Any]) -> bool:
        """Run an update and tell whether it found its row; errors of the driver come out as they are."""
        self._cursor.execute(statement.sql, statement.bind(values))
        return bool(self._cursor.rowcount == 1)

    def insert_events(self, several: Sequence[Mapping[str, Any]]) -> Sequence[int]:
        """Append to the log where the database gives the positions, and return those."""
        assert self.database.insert_numbered is not None  # noqa: S101 - whoever calls this has looked
        return self.database.insert_numbered(self._cursor, self._st.insert_event, several)

    def select(self, statement: Select[Any]) -> Sequence[Row]:
        """Return the rows of a statement that was built for this once."""
        if self._ended:
            raise StorageError("this unit of work has ended")
        try:
            found: Sequence[Row] = self._connection.execute(statement).fetchall()
        except (DBAPIError, self.database.driver.Error) as error:
            self._broken = True
            self.database.fail(error)
        return found
