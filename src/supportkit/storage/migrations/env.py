"""Alembic's entry: migrate the connection that `upgrade` was given, in its transaction."""

from __future__ import annotations

from alembic import context

from supportkit.storage.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
# Not inside `context.begin_transaction()`: that would commit, and the transaction is the caller's.
context.run_migrations()
