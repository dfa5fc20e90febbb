"""A guest in MariaDB: variables of the session are set for one transaction and put back after it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pymysql
from pymysql.constants import CLIENT

from supportkit.errors import CannotJoin, ConfigurationError
from supportkit.storage.guests.guest import Guest, Put
from supportkit.storage.mariadb import MARIADB as OWN
from supportkit.storage.mariadb import SETTINGS, check_server, read_settings

_THEIRS = {"character_set_connection"}
"""What a guest does not set: PyMySQL must know it from the beginning."""
_STRICT = {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"}
_OPEN = "SELECT @@in_transaction, @@autocommit, @@session.tx_isolation, @@session.sql_mode"


def _fits(driver: Any) -> str:
    """Return why the connection cannot be used, or nothing: what is fixed when it is opened."""
    if driver.charset != "utf8mb4":
        return f"its charset is {driver.charset}, which cannot hold every text: open it with charset=utf8mb4"
    if not driver.client_flag & CLIENT.FOUND_ROWS:
        return "it counts changed rows instead of found ones: open it with client_flag=CLIENT.FOUND_ROWS"
    return ""


def _look_at(driver: Any) -> None:
    check_server(driver)
    if why := _fits(driver):
        raise ConfigurationError(f"MariaDB: the engine's connection cannot be used: {why}")


def _settle(driver: Any, _synchronous: str) -> Put:
    with _cursor(driver) as cursor:
        found = {
            name: got for name, got in read_settings(cursor).items() if name not in _THEIRS and got != SETTINGS[name][1]
        }
        if found:
            cursor.execute(f"SET SESSION {', '.join(f'{name} = {SETTINGS[name][0]}' for name in found)}")
    return found


def _put_back(driver: Any, found: Put) -> None:
    if found:
        with _cursor(driver) as cursor:
            cursor.execute(f"SET SESSION {', '.join(f'{name} = %s' for name in found)}", tuple(found.values()))


def _join(driver: Any) -> bool:
    if not driver.open:
        raise CannotJoin("the connection is closed")
    if why := _fits(driver):
        raise CannotJoin(why)
    with _cursor(driver) as cursor:
        cursor.execute(_OPEN)
        in_transaction, autocommit, isolation, mode = cursor.fetchone()
    if autocommit and not in_transaction:
        raise CannotJoin("it is in autocommit mode and no transaction is open: begin one first")
    if not _STRICT & set(mode.split(",")):
        raise CannotJoin("its sql_mode cuts texts to fit: add STRICT_TRANS_TABLES to it")
    return bool(isolation == "READ-COMMITTED")


def _cursor(driver: Any) -> Any:
    return driver.cursor(pymysql.cursors.Cursor)


def _identity(driver: Any) -> Hashable:
    with _cursor(driver) as cursor:
        cursor.execute("SELECT DATABASE(), @@hostname, @@port, @@datadir")
        found: Hashable = cursor.fetchone()
    return found


MARIADB = Guest(
    connection=pymysql.connections.Connection,
    look_at=_look_at,
    settle=_settle,
    put_back=_put_back,
    begin_reading=OWN.begin_reading,
    begin_writing=OWN.begin_writing,
    findings=OWN.findings,
    join=_join,
    cursor=_cursor,
    identity=_identity,
)
