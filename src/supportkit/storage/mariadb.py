"""MariaDB by PyMySQL: the engine, its settings (set on every connection and read back) and what its errors mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from supportkit.errors import (
    ConcurrentUpdate,
    ConfigurationError,
    SchemaOutOfDate,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageUnavailable,
    SupportkitError,
)
from supportkit.storage.database import CALL_MIGRATE, CLASH, Database
from supportkit.storage.port import Finding
from supportkit.storage.schema import COLLATION, SCHEMA_VERSION, VERSION_TABLE

MINIMUM = (10, 6)
CONNECT_SECONDS = 10
MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,SIMULTANEOUS_ASSIGNMENT"
"""Nothing is cut to fit; and all assignments of an `UPDATE` see the row as it was, which is SQL but not the default."""
SETTINGS: dict[str, tuple[str, Any]] = {
    "tx_isolation": ("'READ-COMMITTED'", "READ-COMMITTED"),
    "sql_mode": (f"'{MODE}'", MODE),
    "time_zone": ("'+00:00'", "+00:00"),
    "character_set_connection": ("'utf8mb4'", "utf8mb4"),
    "innodb_lock_wait_timeout": ("10", 10),
    "max_statement_time": ("30", 30),
    "idle_transaction_timeout": ("60", 60),
}
"""For each variable of the session what is set and what must be read back."""
FLUSH = "innodb_flush_log_at_trx_commit"

_LOCK = "supportkit.migrate"
_LOCK_SECONDS = 3600
_VERSION = re.compile(r"(?:5\.5\.5-)?([0-9]+)\.([0-9]+)\.[0-9]+-MariaDB", re.IGNORECASE)


# -- connections -----------------------------------------------------------------------------------------------------


def _engine(url: URL, synchronous: str) -> Engine:
    if synchronous != "full":
        raise ConfigurationError(f"synchronous= is for SQLite; MariaDB has {FLUSH}, which belongs on 1")
    sets = ", ".join(f"{name} = {value}" for name, (value, _answer) in SETTINGS.items())
    arguments: dict[str, Any] = {"autocommit": True, "init_command": f"SET SESSION {sets}"}
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    engine = create_engine(
        url.set(drivername="mariadb+pymysql").update_query_dict({"charset": "utf8mb4"}),
        hide_parameters=True,
        connect_args=arguments,
        paramstyle="format",
        skip_autocommit_rollback=True,
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: object) -> None:
        _look_at(connection)

    return engine


def _look_at(connection: Any) -> None:
    """Read every setting back from a new connection.

    Raises:
        ConfigurationError: The server is no MariaDB or too old, or took a setting for another value.
    """
    check_server(connection)
    with connection.cursor() as cursor:
        for name, got in read_settings(cursor).items():
            if got != SETTINGS[name][1]:
                raise ConfigurationError(f"MariaDB: asked for {name}={SETTINGS[name][1]}, the server says {got!r}")


def check_server(connection: Any) -> None:
    """Refuse what no setting of ours can mend.

    Raises:
        ConfigurationError: The server is no MariaDB, or too old.
    """
    found = _VERSION.match(connection.get_server_info())
    if found is None or (int(found[1]), int(found[2])) < MINIMUM:
        raise ConfigurationError("MariaDB 10.6 or newer is needed; this server is older, or another database")


def read_settings(cursor: Any) -> dict[str, Any]:
    """Return what the server says the variables of this session are."""
    cursor.execute(f"SELECT {', '.join(f'@@session.{name}' for name in SETTINGS)}")
    return dict(zip(SETTINGS, cursor.fetchone(), strict=True))


def _check_url(url: URL) -> None:
    if not url.database:
        raise ConfigurationError("the URL names no database: write mariadb+pymysql://user@host/support")
    if taken := {"charset", "init_command", "autocommit", "sql_mode", "client_flag"} & set(url.query):
        raise ConfigurationError(f"the URL must not set {', '.join(sorted(taken))}: supportkit does")


def _roll_back(driver: Any) -> None:
    if not driver.open:
        return
    try:
        driver.query("ROLLBACK")
    except pymysql.Error:
        driver._force_close()  # noqa: SLF001 - `close` would speak to a server that does not listen


def _is_lost(driver: Any) -> bool:
    return bool(driver is None or not driver.open)


# -- errors ----------------------------------------------------------------------------------------------------------

_CLASHES = {1020, 1205, 1213}
_NO_ENTRY = {1044, 1045, 1049, 1698}
_MEANINGS: tuple[tuple[frozenset[int], type[StorageError], str], ...] = (
    (
        frozenset({0, 1040, 1053, 1158, 1159, 1160, 1161, 1203, 1226, 1927, 2002, 2003, 2006, 2013, 2055, 4166}),
        StorageUnavailable,
        "the server is not available: try again",
    ),
    (frozenset({1317, 1969}), StorageUnavailable, "the server took too long and was stopped: try again"),
    (frozenset({3, 1021, 1114}), StorageFull, "the disk of the server is full: make room; nothing was written"),
    (frozenset({1290, 1792, 1836}), StorageFull, "the database is read-only, as a replica is: connect to the primary"),
    (frozenset({1034, 1194, 1195, 1712}), StorageCorrupt, "a table is damaged: restore it from a backup"),
    (frozenset({1153}), StorageError, "a text is longer than the server's max_allowed_packet"),
    (frozenset({1406}), StorageError, "a text is too long for its column"),
    (frozenset({1142, 1143}), StorageError, "this user may not do that: ask for rights on the tables of supportkit"),
)


def _code(error: Exception) -> int:
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = cause.args[0] if cause is not None and cause.args else 0
    return code if isinstance(code, int) else -1


def translate(error: Exception) -> SupportkitError:
    """Return the error of ours that an error of PyMySQL means; its values stay out of its text."""
    code = _code(error)
    if code in _CLASHES:
        return ConcurrentUpdate("", 0, f"{CLASH} [{code}]")
    if code in {1146, 1054} and "supportkit_" in str(error):
        return SchemaOutOfDate(found=None, wanted=SCHEMA_VERSION, advice=CALL_MIGRATE)
    for codes, kind, sentence in _MEANINGS:
        if code in codes:
            return kind(f"{sentence} [{code}]")
    return StorageError(f"the database refused a statement [{code}]")


def _refused(error: Exception, _url: URL) -> SupportkitError:
    if _code(error) in _NO_ENTRY:
        return ConfigurationError("MariaDB refuses the user, the password or the name of the database")
    found = translate(error)
    if isinstance(found, StorageUnavailable):
        return StorageUnavailable("MariaDB cannot be reached, or has no connection left: is it running on that host?")
    return found


# -- looking after it ------------------------------------------------------------------------------------------------


@contextmanager
def _one_migration(connection: Connection) -> Iterator[None]:
    """Let one process at a time migrate. The lock is that of the connection: each change of a table commits here."""
    names = ("max_statement_time", "idle_transaction_timeout")
    before = connection.execute(text(f"SELECT {', '.join(f'@@session.{name}' for name in names)}")).one()
    connection.execute(text("SET SESSION max_statement_time = 0, idle_transaction_timeout = 0"))
    database = connection.execute(text("SELECT DATABASE()")).scalar_one()
    name = {"name": f"{_LOCK}.{database}"[:64], "seconds": _LOCK_SECONDS}
    if connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), name).scalar_one() != 1:
        raise StorageUnavailable("another process has been migrating this database for an hour: try again")
    try:
        connection.execute(text("COMMIT"))  # what was seen before the lock may be out of date
        yield
    finally:
        connection.execute(text("DO RELEASE_LOCK(:name)"), name)
        back = ", ".join(f"{name} = {float(value):g}" for name, value in zip(names, before, strict=True))
        connection.execute(text(f"SET SESSION {back}"))


_TABLES = """
SELECT table_name, engine, table_collation FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_name LIKE 'supportkit\\_%'
"""


def _findings(cursor: Any, _url: URL, _synchronous: str) -> list[Finding]:
    found = [
        Finding(
            code=f"mariadb.{name}",
            severity="ok" if got == SETTINGS[name][1] else "error",
            sentence=f"{name} is {got}" if got == SETTINGS[name][1] else f"{name} is {got}, not {SETTINGS[name][1]}",
        )
        for name, got in read_settings(cursor).items()
    ]
    cursor.execute(f"SELECT @@global.{FLUSH}")
    (flush,) = cursor.fetchone()
    fine = flush == 1
    sentence = f"{FLUSH} is {flush}" + ("" if fine else ": a power cut loses what was acknowledged last")
    found.append(Finding(code=f"mariadb.{FLUSH}", severity="ok" if fine else "warning", sentence=sentence))
    found.append(_tables_finding(cursor))
    return found


def _tables_finding(cursor: Any) -> Finding:
    cursor.execute(_TABLES)
    wrong = sorted(
        name
        for name, engine, collation in cursor.fetchall()
        if engine != "InnoDB" or (collation != COLLATION and name != VERSION_TABLE)
    )
    if wrong:
        sentence = f"not InnoDB with {COLLATION}: {', '.join(wrong)}"
        return Finding(code="mariadb.tables", severity="error", sentence=sentence)
    return Finding(code="mariadb.tables", severity="ok", sentence=f"every table is InnoDB with {COLLATION}")


MARIADB = Database(
    name="mariadb",
    driver=pymysql,
    is_server=True,
    check_url=_check_url,
    engine=_engine,
    # A unit that only reads sees one state of the database in all its queries; one that writes has the version check.
    begin_reading=(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    begin_writing=("START TRANSACTION",),
    run=lambda driver, sql: driver.query(sql),
    roll_back=_roll_back,
    is_lost=_is_lost,
    translate=translate,
    refused=_refused,
    shows_values=True,
    tables=(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND table_name IN ('supportkit_version', 'supportkit_ticket')"
    ),
    one_migration=_one_migration,
    findings=_findings,
)
