"""Being a guest: how the desk uses connections that belong to the app, one module for each kind of database."""

from __future__ import annotations

import functools

from supportkit.storage.guests.guest import Guest

__all__ = ["Guest", "guest_of"]


@functools.cache
def guest_of(name: str) -> Guest:
    """Return how to be a guest of a database, by the name that `Database` gives it; its driver is imported by that."""
    match name:
        case "sqlite":
            from supportkit.storage.guests.sqlite import SQLITE

            return SQLITE
        case "postgresql":
            from supportkit.storage.guests.postgresql import POSTGRESQL

            return POSTGRESQL
        case _:
            from supportkit.storage.guests.mariadb import MARIADB

            return MARIADB
