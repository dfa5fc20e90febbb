"""A guest in SQLite: pragmas are set for one transaction and put back; the journal is the app's to choose, as WAL."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import StaticPool

from supportkit.errors import CannotJoin, ConfigurationError
from supportkit.storage.guests.guest import Guest, Put
from supportkit.storage.port import Finding
from supportkit.storage.sqlite import (
    MINIMUM,
    check_setting,
    is_memory,
    read_setting,
    wanted_settings,
)

_THEIRS = {"foreign_keys", "journal_mode"}
"""What a guest does not set: the tables of supportkit have no foreign keys, and a journal mode is that of the file."""


def _check_engine(engine: Engine) -> None:
    if is_memory(engine.url) and not isinstance(engine.pool, StaticPool):
        raise ConfigurationError(
            "each thread of this engine has a database in memory of its own: make it with poolclass=StaticPool"
        )


def _look_at(driver: Any) -> None:
    if sqlite3.sqlite_version_info < MINIMUM:
        raise ConfigurationError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed")
    if getattr(driver, "autocommit", None) is False:
        raise ConfigurationError(
            "the engine's connections have autocommit=False, so a transaction is always open: take that out of "
            "connect_args"
        )
    if _path(driver) and (mode := read_setting(driver.cursor(), "journal_mode")) != "wal":
        raise ConfigurationError(
            f"SQLite: journal_mode is {mode!r} in the app's file, and readers would wait for writers: execute "
            "PRAGMA journal_mode=WAL on it once"
        )


def _settle(driver: Any, synchronous: str) -> Put:
    if not _path(driver):
        return {}
    cursor, found = driver.cursor(), {}
    for name, (value, answer) in wanted_settings(memory=False, synchronous=synchronous).items():
        if name in _THEIRS:
            continue
        got = read_setting(cursor, name)
        if got != answer and not (name == "synchronous" and got > answer):  # EXTRA is safe as well
            cursor.execute(f"PRAGMA {name}={value}").fetchall()
            found[name] = got
    cursor.close()
    return found


def _put_back(driver: Any, found: Put) -> None:
    for name, value in found.items():
        driver.execute(f"PRAGMA {name}={value}").fetchall()


def _findings(cursor: Any, url: URL, synchronous: str) -> list[Finding]:
    memory = is_memory(url)
    wanted = {} if memory else wanted_settings(memory=False, synchronous=synchronous)
    found = [
        check_setting(name, read_setting(cursor, name), *expected, synchronous)
        for name, expected in wanted.items()
        if name != "foreign_keys"
    ]
    if memory:
        found.append(Finding(code="sqlite.memory", severity="warning", sentence="the database ends with the process"))
    return found


# -- the app's own transaction ---------------------------------------------------------------------------------------


def _join(driver: Any) -> bool:
    try:
        is_open = driver.in_transaction
    except sqlite3.ProgrammingError as error:
        raise CannotJoin(f"the connection is closed, or of another thread: {error}") from None
    if not is_open:
        if driver.isolation_level is None or getattr(driver, "autocommit", None) is True:
            raise CannotJoin("it is in autocommit mode and no transaction is open: begin one first")
        # The driver itself begins one only at the first statement that writes, and then not as a writer.
        driver.execute("BEGIN IMMEDIATE")
    return False


def _cursor(driver: Any) -> Any:
    cursor = driver.cursor()
    cursor.row_factory = None
    return cursor


def _path(driver: Any) -> str:
    cursor = _cursor(driver)
    rows = cursor.execute("PRAGMA database_list").fetchall()
    cursor.close()
    return next((path or "" for _number, name, path in rows if name == "main"), "")


def _identity(driver: Any) -> Hashable:
    path = _path(driver)
    if not path:
        return id(driver)
    file = Path(path).stat()
    return file.st_dev, file.st_ino


SQLITE = Guest(
    connection=sqlite3.Connection,
    check_engine=_check_engine,
    look_at=_look_at,
    settle=_settle,
    put_back=_put_back,
    begin_reading=("BEGIN",),
    begin_writing=("BEGIN IMMEDIATE",),
    takes_turns=True,
    findings=_findings,
    join=_join,
    cursor=_cursor,
    identity=_identity,
)
