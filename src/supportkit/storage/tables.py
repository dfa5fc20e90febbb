"""The tables of supportkit in an app's own migrations: make or upgrade them, and tell them from the app's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from supportkit.errors import SchemaOutOfDate
from supportkit.storage import schema
from supportkit.storage.database import Database, database_named


def make_tables(connection: Connection) -> None:
    """Make the tables of this release, or upgrade those of an earlier one, in the transaction of *connection*.

    For an Alembic revision of the app: `make_tables(op.get_bind())`, as its last line. Safe to call again, and from
    several processes at once. It does not commit, except that MariaDB commits with every change of a table.

    Raises:
        SchemaOutOfDate: The tables are from a newer release, or do not say from which one.
    """
    database = database_named(connection.dialect.name)
    with database.one_migration(connection):
        version = version_of(connection, database)
        if version is None:
            schema.metadata.create_all(connection, checkfirst=False)
            schema.version.create(connection, checkfirst=False)
            connection.execute(schema.version.insert().values(version_num=schema.SCHEMA_VERSION))
        elif version != schema.SCHEMA_VERSION:
            from supportkit.storage.migrations import upgrade

            upgrade(connection, version)


def is_of_the_app(name: str | None, _kind: str, _parents: Mapping[str, Any]) -> bool:
    """Tell Alembic which names are the app's: an `include_name` for `context.configure`.

    With it `alembic revision --autogenerate` does not propose to drop the tables of supportkit.
    """
    return name is None or not name.removeprefix("ix_").removeprefix("uq_").startswith(schema.PREFIX)


def version_of(connection: Connection, database: Database) -> str | None:
    """Return the schema version in a database; `None` when it has no tables of ours.

    Raises:
        SchemaOutOfDate: There are tables, but nothing says from which release.
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute(database.tables)
        found = {row[0] for row in cursor.fetchall()}
        if not found:
            return None
        if schema.VERSION_TABLE in found:
            cursor.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}")  # noqa: S608 - a constant
            row = cursor.fetchone()
            if row is not None:
                return str(row[0])
    except database.driver.Error as error:
        database.fail(error)
    finally:
        cursor.close()
    raise SchemaOutOfDate(
        found=None,
        wanted=schema.SCHEMA_VERSION,
        advice=f"its tables are there, but {schema.VERSION_TABLE} does not say of which version they are",
    )
