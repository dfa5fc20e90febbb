"""Writing in a transaction that the app has opened: its commit and its rollback are the app's, ours are savepoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler

from supportkit.errors import CannotJoin, ConcurrentUpdate
from supportkit.storage.database import Database
from supportkit.storage.guests import Guest, guest_of
from supportkit.storage.saving import Saving
from supportkit.storage.session import Values, Writing
from supportkit.storage.statements import Row, Statements
from supportkit.storage.unit import SqlUnitOfWork

_SAVEPOINT = "supportkit"
_GONE = "the database rolled the whole transaction back: begin it again"


def driver_of(connection: object, database: Database) -> Any:
    """Return the driver's connection of what an app hands over: one of SQLAlchemy, or the driver's own.

    Raises:
        CannotJoin: It is closed, not begun, or not one of this kind of database.
    """
    driver: Any = connection
    if isinstance(connection, Connection):
        if connection.closed or connection.invalidated:
            raise CannotJoin("the connection is closed")
        if not connection.in_transaction():
            raise CannotJoin("no transaction is open on it: begin one first")
        driver = connection.connection.driver_connection
    elif isinstance(connection, PoolProxiedConnection):
        driver = connection.driver_connection
    kind = guest_of(database.name).connection
    if not isinstance(driver, kind):
        raise CannotJoin(
            f"it is a {type(driver).__module__}.{type(driver).__name__}; this desk joins a SQLAlchemy `Connection` "
            f"or a {kind.__module__}.{kind.__name__}"
        )
    return driver


class AppLink:
    """Runs statements on the driver's connection of the app, without SQLAlchemy's book-keeping."""

    def __init__(self, driver: Any, database: Database, dialect: Dialect) -> None:
        self.database = database
        self._guest: Guest = guest_of(database.name)
        self._driver = driver
        self._dialect = dialect

    def cursor(self) -> Any:
        """Return a new cursor whose rows are tuples."""
        return self._guest.cursor(self._driver)

    def select(self, statement: Select[Any]) -> Sequence[Row]:
        """Return the rows of a statement that was built for this once."""
        compiled = statement.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - for the type checker
        values = compiled.construct_params()
        cursor = self.cursor()
        try:
            cursor.execute(str(compiled), tuple([values[name] for name in compiled.positiontup or ()]))
            found: Sequence[Row] = cursor.fetchall()
        finally:
            cursor.close()
        return found

    @contextmanager
    def stream(self, statement: Select[Any], values: Values, at_once: int) -> Iterator[Iterator[Row]]:
        """Give the rows of a statement, read all at once: a transaction of the app is no place for a whole desk."""
        del at_once
        yield iter(self.select(statement.params(**values)))

    def write(self, statement: Writing, several: Sequence[Mapping[str, Any]]) -> int:
        """Run a writing statement that was built for this once."""
        names = list(several[0]) if several else None
        compiled = statement.compile(
            dialect=self._dialect, column_keys=names, compile_kwargs={"render_postcompile": True}
        )
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - for the type checker
        touched, cursor = 0, self.cursor()
        try:
            for row in several or ({},):
                values = compiled.construct_params(dict(row))
                cursor.execute(str(compiled), tuple([values[name] for name in compiled.positiontup or ()]))
                touched += cursor.rowcount
        finally:
            cursor.close()
        return touched

    def run(self, sql: str) -> None:
        """Run a statement without parameters; errors of the driver come out as they are."""
        self.database.run(self._driver, sql)

    def roll_back_to(self, savepoint: str) -> bool:
        """Undo what came after a savepoint; false where the database has undone more than that by itself."""
        try:
            self.run(f"ROLLBACK TO SAVEPOINT {savepoint}")
            self.run(f"RELEASE SAVEPOINT {savepoint}")
        except self.database.driver.Error:
            return False
        return True


class SqlJoinedUnit(SqlUnitOfWork):
    """A unit of work inside the app's transaction.

    Attributes:
        reads_anew: A statement sees what others have committed since the one before, so that repeating can help.
    """

    __slots__ = ("_app", "reads_anew")

    def __init__(self, tenant: str, link: AppLink, statements: Statements, *, reads_anew: bool) -> None:
        super().__init__(tenant, link, statements)
        self._app = link
        self.reads_anew = reads_anew

    @contextmanager
    def step(self) -> Iterator[None]:
        """Keep all of a block or nothing of it; what the transaction held before stays in any case.

        Raises:
            ConcurrentUpdate: A deadlock, after which the database has rolled back the whole transaction.
        """
        self.require_write()
        self._start_afresh()
        try:
            self._app.run(f"SAVEPOINT {_SAVEPOINT}")
        except self.database.driver.Error as error:
            self.database.fail(error)
        try:
            yield
            self.confirm()
        except BaseException as error:
            self._start_afresh()
            self._broken = not self._app.roll_back_to(_SAVEPOINT)
            if self._broken and isinstance(error, ConcurrentUpdate):
                raise ConcurrentUpdate(error.ticket, error.expected, _GONE) from error
            raise
        try:
            self._app.run(f"RELEASE SAVEPOINT {_SAVEPOINT}")
        except self.database.driver.Error as error:
            self._broken = True
            self.database.fail(error)

    def _start_afresh(self) -> None:
        """Forget positions of the log that were taken: a savepoint, also one of the app, may have given them back."""
        self._saving = Saving(self)
        self._get, self._number = self._st.get, self._st.by_number
