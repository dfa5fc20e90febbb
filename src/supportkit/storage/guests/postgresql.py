"""A guest in PostgreSQL: settings hold for one transaction, by `SET LOCAL` in the same round trip as its begin."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from supportkit.errors import CannotJoin
from supportkit.storage.guests.guest import Guest, Put
from supportkit.storage.postgresql import POSTGRESQL as OWN
from supportkit.storage.postgresql import SETTINGS, check_server, warn_of_unsafe

_THEIRS = {"client_encoding"}
"""What a guest does not set: psycopg must know it from the beginning."""
_LOCAL = "".join(f"; SET LOCAL {name} = '{value}'" for name, value in SETTINGS.items() if name not in _THEIRS)
_IDENTITY = """
SELECT current_database()::text, to_regclass('supportkit_event')::oid::bigint, pg_postmaster_start_time()::text
"""


def _look_at(driver: psycopg.Connection[Any]) -> None:
    was, driver.autocommit = driver.autocommit, True
    try:
        check_server(driver)
        warn_of_unsafe(_cursor(driver))
    finally:
        driver.autocommit = was


def _settle(driver: Any, _synchronous: str) -> Put:
    found = {"autocommit": driver.autocommit}
    driver.autocommit = True  # the transactions are ours, so the driver must not open any of its own
    return found


def _put_back(driver: Any, found: Put) -> None:
    driver.autocommit = found["autocommit"]


def _join(driver: Any) -> bool:
    if driver.closed:
        raise CannotJoin("the connection is closed")
    status = driver.info.transaction_status
    if status is TransactionStatus.INERROR:
        raise CannotJoin("a statement of its transaction failed: roll back first")
    if status is TransactionStatus.IDLE and driver.autocommit:
        raise CannotJoin("it is in autocommit mode and no transaction is open: begin one first")
    if status not in {TransactionStatus.IDLE, TransactionStatus.INTRANS}:
        raise CannotJoin("it is busy with a statement, or lost")
    if driver.info.encoding != "utf-8":
        raise CannotJoin(f"its client_encoding is {driver.info.encoding}, which cannot hold every text: UTF8 is needed")
    (isolation,) = _cursor(driver).execute("SHOW transaction_isolation").fetchone()
    return bool(isolation == "read committed")


def _cursor(driver: Any) -> Any:
    return psycopg.Cursor(driver, row_factory=tuple_row)


def _identity(driver: Any) -> Hashable:
    found: Hashable = _cursor(driver).execute(_IDENTITY).fetchone()
    return found


POSTGRESQL = Guest(
    connection=psycopg.Connection,
    look_at=_look_at,
    settle=_settle,
    put_back=_put_back,
    begin_reading=(OWN.begin_reading[0] + _LOCAL,),
    begin_writing=(OWN.begin_writing[0] + _LOCAL,),
    findings=OWN.findings,
    join=_join,
    cursor=_cursor,
    identity=_identity,
)
