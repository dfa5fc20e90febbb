"""Looks at every statement that goes to a database while a test runs: on a table of ours it has to name the tenant."""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from supportkit.storage import schema

_PLACE = re.compile(
    r"\b(?:FROM|JOIN|UPDATE|INTO)\s+((?:supportkit_\w+(?:\s+AS\s+\w+)?)(?:\s*,\s*supportkit_\w+(?:\s+AS\s+\w+)?)*)"
)
_DATA = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_SEQUENCES = {schema.POSITIONS, schema.EPOCHS}
_EPOCH = "(SELECT coalesce(max(txid), 0) FROM supportkit_event)"
"""What the epoch of a restored PostgreSQL database is held against: a number of a transaction, which is no tenant's."""
_NOTHING = re.compile(r"\bWHERE (?:0 = 1|1 != 1|false)\b")
"""What is asked where nothing can be found."""
_EMPTYING = re.compile(r"DELETE FROM supportkit_\w+")
"""How tests empty a database between two of them."""


def places(sql: str) -> Iterator[str]:
    """Yield the tables of a statement, each under the name that it has there."""
    for match in _PLACE.finditer(sql):
        for part in match[1].split(","):
            if part.split()[0] not in _SEQUENCES:
                yield part.split()[-1]


@functools.cache
def names_the_tenant(sql: str) -> bool:
    """Tell whether every table of ours in a statement is bound to a tenant."""
    if sql.startswith("INSERT"):
        if "(tenant," not in sql and "(tenant)" not in sql:
            return False
        if "VALUES" in sql:
            return True
        sql = sql[sql.index("SELECT") :]
    found = set(places(sql))
    return bool(found) and all(re.search(rf"\b{place}\.tenant\b", sql) for place in found)


@functools.cache
def _is_wrong(sql: str) -> bool:
    if not _DATA.match(sql) or "supportkit_" not in sql or _EMPTYING.fullmatch(sql) or _NOTHING.search(sql):
        return False
    if _EPOCH in sql:
        return False
    if "supportkit_version" in sql or "sqlite_master" in sql or "information_schema" in sql:
        return False
    return bool(set(places(sql))) and not names_the_tenant(sql)


@contextmanager
def watching() -> Iterator[list[str]]:
    """Give the list of statements without a tenant that were sent since the block began."""
    wrong: list[str] = []

    def look(sql: Any) -> None:
        if isinstance(sql, str) and _is_wrong(sql):
            wrong.append(sql)

    def watched(cls: Any) -> Any:
        class Cursor(cls):  # type: ignore[misc]
            def execute(self, sql: Any, *args: Any, **kwargs: Any) -> Any:
                look(sql)
                return super().execute(sql, *args, **kwargs)

            def executemany(self, sql: Any, *args: Any, **kwargs: Any) -> Any:
                look(sql)
                return super().executemany(sql, *args, **kwargs)

        return Cursor

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = None) -> Any:
            return super().cursor(factory or watched(sqlite3.Cursor))

    def connect(dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
        return sqlite3.connect(*arguments, factory=Connection, **options) if dialect.name == "sqlite" else None

    def connected(driver: Any, _record: Any) -> None:
        if hasattr(driver, "cursor_factory"):  # psycopg
            driver.cursor_factory = watched(driver.cursor_factory)
        elif hasattr(driver, "cursorclass"):  # PyMySQL
            driver.cursorclass = watched(driver.cursorclass)

    event.listen(Engine, "do_connect", connect)
    event.listen(Engine, "connect", connected)
    try:
        yield wrong
    finally:
        event.remove(Engine, "do_connect", connect)
        event.remove(Engine, "connect", connected)
