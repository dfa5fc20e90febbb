"""SQLite: the engine, its settings (set on every connection and read back) and what its errors mean."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from supportkit.errors import (
    ConfigurationError,
    SchemaOutOfDate,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageUnavailable,
    SupportkitError,
)
from supportkit.storage.schema import SCHEMA_VERSION

BUSY_MILLISECONDS = 5000
_WAL_TRIES = 100
_WAL_PAUSE = BUSY_MILLISECONDS / 1000 / _WAL_TRIES
MINIMUM = (3, 35, 0)
SYNCHRONOUS = {"full": 2, "normal": 1}


def wanted_settings(*, memory: bool, synchronous: str) -> dict[str, tuple[str, Any]]:
    """Return for each pragma what is set and what must be read back.

    Raises:
        ConfigurationError: An unknown value of *synchronous*.
    """
    if synchronous not in SYNCHRONOUS:
        raise ConfigurationError(f"synchronous={synchronous!r} is unknown; possible: {', '.join(SYNCHRONOUS)}")
    wanted: dict[str, tuple[str, Any]] = {
        "busy_timeout": (str(BUSY_MILLISECONDS), BUSY_MILLISECONDS),
        "foreign_keys": ("ON", 1),
        "secure_delete": ("ON", 1),
    }
    if not memory:
        wanted["journal_mode"] = ("WAL", "wal")
        wanted["synchronous"] = (synchronous.upper(), SYNCHRONOUS[synchronous])
        if sys.platform == "darwin":  # pragma: no cover - only there the plain flush does not reach the disk
            wanted["fullfsync"] = ("ON", 1)
            wanted["checkpoint_fullfsync"] = ("ON", 1)
    return wanted


def sqlite_engine(url: URL, wanted: Mapping[str, tuple[str, Any]]) -> Engine:
    """Return an engine whose connections all have the *wanted* settings.

    Raises:
        ConfigurationError: SQLite is too old.
    """
    if sqlite3.sqlite_version_info < MINIMUM:
        raise ConfigurationError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed")
    # The transactions are ours (BEGIN IMMEDIATE), so the driver must not open any of its own.
    arguments = {"check_same_thread": False, "isolation_level": None, "timeout": BUSY_MILLISECONDS / 1000}
    if is_memory(url):
        engine = create_engine(url, hide_parameters=True, connect_args=arguments, poolclass=StaticPool)
    else:
        engine = create_engine(url, hide_parameters=True, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: object) -> None:
        apply_settings(connection, wanted)

    return engine


def is_memory(url: URL) -> bool:
    """Tell whether a URL names a database that ends with the process."""
    return url.database in {None, "", ":memory:"}


def apply_settings(connection: Any, wanted: Mapping[str, tuple[str, Any]]) -> None:
    """Set every pragma and read it back.

    Raises:
        ConfigurationError: The database answers with something else.
    """
    cursor = connection.cursor()
    try:
        for name, (value, _answer) in wanted.items():
            _set(cursor, name, value)
        for name, (value, answer) in wanted.items():
            got = read_setting(cursor, name)
            if got != answer:
                raise ConfigurationError(f"SQLite: asked for {name}={value}, the database says {got!r}")
    finally:
        cursor.close()


def _set(cursor: Any, name: str, value: str) -> None:
    """Set a pragma. SQLite does not wait for others while it turns a new file into a WAL one, so we do."""
    for tries in range(1, _WAL_TRIES + 1):
        try:
            cursor.execute(f"PRAGMA {name}={value}").fetchall()
        except sqlite3.OperationalError as error:
            if tries == _WAL_TRIES or not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise
            time.sleep(_WAL_PAUSE)
        else:
            return


def read_setting(cursor: Any, name: str) -> Any:
    """Return what the database says a pragma is."""
    cursor.execute(f"PRAGMA {name}")
    row = cursor.fetchone()
    return row[0] if row else None


_MEANINGS: tuple[tuple[tuple[str, ...], type[StorageError], str], ...] = (
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"),
        StorageUnavailable,
        "the database is locked by somebody else: try again",
    ),
    (
        ("SQLITE_FULL",),
        StorageFull,
        "the disk or the database is full: make room, then try again; nothing was written",
    ),
    (
        ("SQLITE_READONLY",),
        StorageFull,
        "the database is read-only: check the permissions of its file and folder",
    ),
    (
        ("SQLITE_CANTOPEN",),
        StorageUnavailable,
        "the database file cannot be opened: check that its folder exists and that this user may write there",
    ),
    (
        ("SQLITE_CORRUPT", "SQLITE_NOTADB"),
        StorageCorrupt,
        "the file is damaged or no database of supportkit: restore it from a backup",
    ),
    (("SQLITE_IOERR",), StorageUnavailable, "the disk did not answer"),
    (("",), StorageError, "the database refused a statement"),
)


def translate(error: Exception) -> SupportkitError:
    """Return the error of ours that an error of the driver means; paths and parameters stay out of its text."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(cause, "sqlite_errorname", "") or ""
    if name == "SQLITE_ERROR" and "no such table: supportkit_" in str(cause):
        return SchemaOutOfDate(found=None, wanted=SCHEMA_VERSION, advice="call migrate() on the storage first")
    kind, sentence = next((kind, sentence) for starts, kind, sentence in _MEANINGS if name.startswith(starts))
    return kind(f"{sentence} [{name or type(cause).__name__}]")
