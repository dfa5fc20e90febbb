"""`supportkit migrate`: bring the tables of a database to the version of this release."""

from __future__ import annotations

import contextlib

from supportkit.cli.app import DEFAULT_DATABASE, Database, must_exist
from supportkit.cli.terminal import console
from supportkit.storage.schema import SCHEMA_VERSION
from supportkit.storage.sql import SqlStorage


def migrate(*, database: Database = DEFAULT_DATABASE) -> None:
    """Make the tables in the database of a server, or bring them to this release; files do that by themselves."""
    must_exist(database)
    with contextlib.closing(SqlStorage(database)) as storage:
        before = storage.version()
        storage.migrate()
    if before is None:
        console().print(f"The tables are made: schema {SCHEMA_VERSION}.")
    elif before == SCHEMA_VERSION:
        console().print(f"Nothing to do: schema {SCHEMA_VERSION} is in place.")
    else:
        console().print(f"Schema {before} is now {SCHEMA_VERSION}.")
