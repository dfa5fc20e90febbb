"""Schema versions, by Alembic. `upgrade` brings an open connection to the version of this release."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from supportkit.errors import SchemaOutOfDate
from supportkit.storage.schema import SCHEMA_VERSION

LOCATION = Path(__file__).parent


def upgrade(connection: Connection, version: str | None) -> None:
    """Run the migrations from *version* (`None`: an empty database) to the newest, in the caller's transaction.

    Raises:
        SchemaOutOfDate: The database has a version that this release does not know.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", LOCATION.as_posix().replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        newer = version > SCHEMA_VERSION
        raise SchemaOutOfDate(
            found=version,
            wanted=SCHEMA_VERSION,
            advice="it is from a newer release: install that one or restore a backup"
            if newer
            else "no release knows the way from there: restore a backup",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
