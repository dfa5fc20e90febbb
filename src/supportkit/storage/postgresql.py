"""PostgreSQL by psycopg 3: its engine, its settings (set on every connection and read back), what its errors mean."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from supportkit.errors import (
    ConcurrentUpdate,
    ConfigurationError,
    InvalidCursor,
    SchemaOutOfDate,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageUnavailable,
    SupportkitError,
    SupportkitWarning,
)
from supportkit.storage.database import CALL_MIGRATE, CLASH, Database
from supportkit.storage.grammar import CURRENT
from supportkit.storage.port import Finding
from supportkit.storage.schema import EPOCHS, SCHEMA_VERSION
from supportkit.storage.statements import Prepared

MINIMUM = 130_000
CONNECT_SECONDS = 10
SETTINGS = {
    "TimeZone": "UTC",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "1min",
}
"""What is asked for when a connection is opened, and read back as PostgreSQL writes it."""
SAFE = ("synchronous_commit", "fsync", "full_page_writes")
"""Settings of the server without which a power cut loses what was acknowledged."""

_LOCK = 0x737570706F7274
"""The advisory lock of migrations: the letters of "support"."""
_CURSOR = re.compile(r"p([0-9]{1,18})-([0-9]{1,18})")


# -- connections -----------------------------------------------------------------------------------------------------


def _engine(url: URL, synchronous: str) -> Engine:
    if synchronous != "full":
        raise ConfigurationError("synchronous= is for SQLite; PostgreSQL has synchronous_commit, which belongs on")
    given = url.query.get("options", "")
    asked = " ".join(f"-c {name}={_escaped(value)}" for name, value in SETTINGS.items())
    arguments: dict[str, Any] = {
        "autocommit": True,  # the transactions are ours, so the driver must not open any of its own
        "options": f"{given if isinstance(given, str) else ' '.join(given)} {asked}".strip(),
    }
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    engine = create_engine(
        url.difference_update_query(["options"]),
        hide_parameters=True,
        connect_args=arguments,
        paramstyle="format",
        skip_autocommit_rollback=True,
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: object) -> None:
        _look_at(connection)

    return engine


def _escaped(value: str) -> str:
    return value.replace(" ", r"\ ")


def _look_at(connection: psycopg.Connection[Any]) -> None:
    """Read every setting back from a new connection.

    Raises:
        ConfigurationError: The server is too old, keeps no UTF-8, or took a setting for another value.
    """
    check_server(connection)
    for name, got in _read(connection.cursor(), SETTINGS).items():
        if got != SETTINGS[name]:
            raise ConfigurationError(f"PostgreSQL: asked for {name}={SETTINGS[name]}, the database says {got!r}")
    warn_of_unsafe(connection.cursor())


def check_server(connection: psycopg.Connection[Any]) -> None:
    """Refuse what no setting of ours can mend.

    Raises:
        ConfigurationError: The server is too old, or the database or the connection keeps no UTF-8.
    """
    info = connection.info
    if info.server_version < MINIMUM:
        raise ConfigurationError(f"PostgreSQL {info.server_version // 10_000} is too old: 13 or newer is needed")
    if (encoding := info.parameter_status("server_encoding")) != "UTF8":
        raise ConfigurationError(f"the database is encoded in {encoding}, which cannot hold every text: UTF8 is needed")
    if info.encoding != "utf-8":
        raise ConfigurationError(
            f"the connection's client_encoding is {info.encoding}, which cannot hold every text: UTF8 is needed"
        )


def warn_of_unsafe(cursor: Any) -> None:
    """Warn of settings of the server with which a power cut loses what was acknowledged."""
    for name, got in _read(cursor, SAFE).items():
        if got == "off":
            warnings.warn(_unsafe(name), SupportkitWarning, stacklevel=2)


def _read(cursor: Any, names: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """Return what the database says some settings are."""
    calls = ", ".join(f"current_setting('{name}')" for name in names)
    row = cursor.execute(f"SELECT {calls}").fetchone()
    return dict(zip(names, row, strict=True))


def _unsafe(name: str) -> str:
    what = "damages the database" if name != "synchronous_commit" else "loses what was acknowledged last"
    return f"{name} is off: a power cut {what}"


def _check_url(url: URL) -> None:
    if not url.database:
        raise ConfigurationError("the URL names no database: write postgresql+psycopg://user@host/support")


def _run(driver: Any, sql: str) -> None:
    cursor = driver.execute(sql, prepare=False)
    if sql == "COMMIT" and cursor.statusmessage == "ROLLBACK":  # a statement had failed, and somebody went on
        raise StorageError("a statement of this transaction failed before: nothing of it is kept")


def _roll_back(driver: Any) -> None:
    if driver.closed or driver.info.transaction_status is TransactionStatus.IDLE:
        return
    try:
        driver.execute("ROLLBACK", prepare=False)
    except psycopg.Error:
        driver.close()


def _is_lost(driver: Any) -> bool:
    return bool(driver is None or driver.closed)


# -- errors ----------------------------------------------------------------------------------------------------------

_MEANINGS: tuple[tuple[tuple[str, ...], type[StorageError], str], ...] = (
    (("25006",), StorageFull, "the database is read-only, as a standby is: connect to the primary"),
    (("53100",), StorageFull, "the disk of the server is full: make room; nothing was written"),
    (("57014",), StorageUnavailable, "the server took too long and was stopped: try again"),
    (("53300",), StorageUnavailable, "the server has too many connections: try again"),
    (("08", "53", "57P", "58", "25P03"), StorageUnavailable, "the server is not available: try again"),
    (("XX001", "XX002"), StorageCorrupt, "the database is damaged: restore it from a backup"),
    (("22001",), StorageError, "a text is too long for its column"),
    (("42501",), StorageError, "this user may not do that: ask for rights on the tables of supportkit"),
    (("",), StorageError, "the database refused a statement"),
)
_CLASHES = ("40001", "40P01", "55P03")
_NO_ENTRY = ("authentication failed", "does not exist", "no pg_hba.conf entry", "is not permitted to log in")


def translate(error: Exception) -> SupportkitError:
    """Return the error of ours that an error of psycopg means; its values stay out of its text."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlstate", None) or ""
    if code in _CLASHES:
        return ConcurrentUpdate("", 0, f"{CLASH} [{code}]")
    if code in {"42P01", "42703"} and "supportkit_" in str(cause):
        return SchemaOutOfDate(found=None, wanted=SCHEMA_VERSION, advice=CALL_MIGRATE)
    if not code and isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return StorageUnavailable("the connection to the server is lost: try again")
    kind, sentence = next((kind, sentence) for starts, kind, sentence in _MEANINGS if code.startswith(starts))
    diagnosis = getattr(cause, "diag", None)
    where = [getattr(diagnosis, name, None) for name in ("table_name", "column_name", "constraint_name")]
    return kind(f"{sentence} [{' '.join([code or type(cause).__name__, *filter(None, where)])}]")


def _refused(error: Exception, _url: URL) -> SupportkitError:
    """Say why there is no connection; psycopg knows no codes there, so the words of the server decide."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.ProgrammingError):
        return ConfigurationError("the URL has an option that psycopg does not know")
    if getattr(cause, "sqlstate", None):
        return translate(error)
    if any(words in str(cause) for words in _NO_ENTRY):
        return ConfigurationError("PostgreSQL refuses the user, the password or the name of the database")
    return StorageUnavailable("PostgreSQL cannot be reached, or has no connection left: is it running on that host?")


# -- the log ---------------------------------------------------------------------------------------------------------


def _insert_numbered(cursor: Any, statement: Prepared, several: Sequence[Mapping[str, Any]]) -> Sequence[int]:
    if len(several) == 1:
        return [cursor.execute(statement.sql, statement.bind(several[0])).fetchone()[0]]
    cursor.executemany(statement.sql, [statement.bind(values) for values in several], returning=True)
    positions = [cursor.fetchone()[0]]
    while cursor.nextset():
        positions.append(cursor.fetchone()[0])
    return positions


def _behind(cursor: str | None) -> dict[str, Any]:
    """Return the transaction and position behind which a follower reads on."""
    if cursor is None:
        return {"txid": 0, "position": 0}
    found = _CURSOR.fullmatch(cursor) if isinstance(cursor, str) else None
    if found is None:
        raise InvalidCursor("it was not made by this follower")
    return {"txid": int(found[1]), "position": int(found[2])}


# -- looking after it ------------------------------------------------------------------------------------------------


@contextmanager
def _one_migration(connection: Connection) -> Iterator[None]:
    """Let one process at a time migrate; the lock ends with the transaction."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    yield
    connection.execute(text(_NEW_EPOCH))


_NEWEST = "(SELECT coalesce(max(txid), 0) FROM supportkit_event)"
_NEW_EPOCH = f"SELECT setval('{EPOCHS}', {_NEWEST} + 1) WHERE {_NEWEST} > {CURRENT}"
"""A dump that was restored elsewhere has events of transactions that are still to come there: add an epoch."""


def _findings(cursor: Any, _url: URL, _synchronous: str) -> list[Finding]:
    found = [
        Finding(
            code=f"postgresql.{name}",
            severity="ok" if got == SETTINGS[name] else "error",
            sentence=f"{name} is {got}" if got == SETTINGS[name] else f"{name} is {got}, not {SETTINGS[name]}",
        )
        for name, got in _read(cursor, SETTINGS).items()
    ]
    for name, got in _read(cursor, SAFE).items():
        if got == "off":
            found.append(Finding(code=f"postgresql.{name}", severity="warning", sentence=_unsafe(name)))
        else:
            found.append(Finding(code=f"postgresql.{name}", severity="ok", sentence=f"{name} is {got}"))
    if cursor.execute("SELECT to_regclass('supportkit_event') IS NOT NULL").fetchone()[0]:
        found.append(_epoch_finding(cursor))
    return found


def _epoch_finding(cursor: Any) -> Finding:
    if cursor.execute(f"SELECT {_NEWEST} > {CURRENT}").fetchone()[0]:
        sentence = "the database was restored from a dump, and followers stand still: run `supportkit migrate`"
        return Finding(code="postgresql.epoch", severity="error", sentence=sentence)
    return Finding(code="postgresql.epoch", severity="ok", sentence="followers read every event")


POSTGRESQL = Database(
    name="postgresql",
    driver=psycopg,
    is_server=True,
    check_url=_check_url,
    engine=_engine,
    # A unit that only reads sees one state of the database in all its queries; one that writes has the version check.
    begin_reading=("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    begin_writing=("BEGIN ISOLATION LEVEL READ COMMITTED",),
    run=_run,
    roll_back=_roll_back,
    is_lost=_is_lost,
    translate=translate,
    refused=_refused,
    shows_values=True,
    tables=(
        "SELECT relname FROM pg_class "
        "WHERE oid IN (to_regclass('supportkit_version'), to_regclass('supportkit_ticket'))"
    ),
    one_migration=_one_migration,
    findings=_findings,
    insert_numbered=_insert_numbered,
    behind=_behind,
    needs_floors=True,
    is_serial=False,
)
