"""A SQLite driver that writes down every call: what a verb costs, without a mock of our own code. No tests in here."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import attrs
from sqlalchemy import event

from supportkit.storage.sql import SqlStorage


@attrs.define
class Calls:
    """The statements that were sent to the driver, with their parameters, one entry a call."""

    log: list[tuple[str, Any]] = attrs.field(factory=list)

    def clear(self) -> None:
        self.log.clear()

    def like(self, *beginnings: str) -> list[str]:
        return [sql for sql, _values in self.log if sql.startswith(beginnings)]

    @property
    def statements(self) -> list[str]:
        """Everything but the frame of transactions."""
        frame = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")
        return [sql for sql, _values in self.log if not sql.startswith(frame)]


def watched(url: str) -> tuple[SqlStorage, Calls]:
    """Return a storage and what its connections will be asked."""
    calls = Calls()

    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
            calls.log.append((sql, values))
            return super().execute(sql, values)

        def executemany(self, sql: str, several: Sequence[Any]) -> sqlite3.Cursor:  # type: ignore[override]
            calls.log.append((sql, list(several)))
            return super().executemany(sql, several)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
            calls.log.append((sql, values))
            return super().cursor().execute(sql, values)

    storage = SqlStorage(url)

    @event.listens_for(storage.engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> sqlite3.Connection:
        return sqlite3.connect(*arguments, factory=Connection, **options)

    return storage, calls
