"""SQLite: its engine, its settings (set on every connection and read back), its checks and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Mapping
from pathlib import Path
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
from supportkit.storage.database import CALL_MIGRATE, Database
from supportkit.storage.port import Finding
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
        return SchemaOutOfDate(found=None, wanted=SCHEMA_VERSION, advice=CALL_MIGRATE)
    kind, sentence = next((kind, sentence) for starts, kind, sentence in _MEANINGS if name.startswith(starts))
    return kind(f"{sentence} [{name or type(cause).__name__}]")


def refused(error: Exception, url: URL) -> SupportkitError:
    """Say that the folder is read-only where SQLite only says that it could not open the file."""
    found = translate(error)
    if isinstance(found, StorageUnavailable) and "cannot be opened" in str(found):
        folder = Path(url.database or "").parent
        if folder.is_dir() and not os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            return StorageFull("the folder of the database is read-only: SQLite needs to write beside its file")
    return found


def check_url(url: URL) -> None:
    """Refuse a URL that names no SQLite database.

    Raises:
        ConfigurationError: It has parts that a file has not, or names a folder that is not there.
    """
    if url.host or url.username or url.password or url.port:
        raise ConfigurationError(
            "a SQLite URL has no host, port or user; write sqlite:///support.db with three slashes"
        )
    if url.query or (url.database or "").startswith("file:") or "\0" in (url.database or ""):
        raise ConfigurationError("a SQLite URL is sqlite:/// and a path, without options or a file: prefix")
    if not is_memory(url):
        folder = Path(url.database or "").parent
        if not folder.is_dir():
            raise ConfigurationError(f"the folder {folder.as_posix()!r} of the database does not exist")


# -- what a check finds ----------------------------------------------------------------------------------------------


def _findings(cursor: Any, url: URL, synchronous: str) -> list[Finding]:
    wanted = wanted_settings(memory=is_memory(url), synchronous=synchronous)
    found = [
        check_setting(name, read_setting(cursor, name), *expected, synchronous) for name, expected in wanted.items()
    ]
    if is_memory(url):
        found.append(Finding(code="sqlite.memory", severity="warning", sentence="the database ends with the process"))
    return found


def check_setting(name: str, got: Any, value: str, wanted: Any, synchronous: str) -> Finding:
    """Say whether a pragma is as it was asked for."""
    if got != wanted:
        return Finding(code=f"sqlite.{name}", severity="error", sentence=f"{name} is {got!r}, not {value}")
    if name == "synchronous" and synchronous != "full":
        sentence = "synchronous is NORMAL: a power cut loses what was acknowledged since the last checkpoint"
        return Finding(code="sqlite.synchronous", severity="warning", sentence=sentence)
    return Finding(code=f"sqlite.{name}", severity="ok", sentence=f"{name} is {value}")


def _integrity(cursor: Any) -> Finding:
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


# -- the database ----------------------------------------------------------------------------------------------------


def _roll_back(driver: Any) -> None:
    if driver.in_transaction:
        try:
            driver.execute("ROLLBACK")
        except sqlite3.Error:  # the database rolled back by itself, as it does when the disk is full
            return


def _engine(url: URL, synchronous: str) -> Engine:
    return sqlite_engine(url, wanted_settings(memory=is_memory(url), synchronous=synchronous))


SQLITE = Database(
    name="sqlite",
    driver=sqlite3,
    check_url=check_url,
    engine=_engine,
    begin_reading=("BEGIN",),
    begin_writing=("BEGIN IMMEDIATE",),
    run=lambda driver, sql: driver.execute(sql),
    roll_back=_roll_back,
    translate=translate,
    refused=refused,
    tables=(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('supportkit_version', 'supportkit_ticket')"
    ),
    findings=_findings,
    damage=lambda cursor: [_integrity(cursor)],
)
