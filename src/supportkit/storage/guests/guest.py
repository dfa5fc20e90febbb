"""`Guest`: what has to be known to use a connection of the app and to leave it as it was found."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import attrs
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from supportkit.storage.port import Finding

Put = Mapping[str, Any]
"""What was found in a connection and has to be put back, by names that only the module of its database knows."""


@attrs.frozen(kw_only=True, eq=False)
class Guest:
    """How one kind of database lends connections. All functions take the driver's connection.

    Attributes:
        connection: The class of the driver's connections.
        check_engine: Refuses an engine with whose pool a desk cannot work.
        look_at: Refuses a connection whose settings cannot be changed for one transaction, before its first use.
        settle: Sets for one transaction what can be set, and returns what to put back.
        put_back: Restores the connection.
        begin_reading: What opens a transaction that sees one state of the database throughout.
        begin_writing: What opens a transaction that writes.
        takes_turns: One writer at a time, so that the threads of one process had better queue up.
        findings: What a check says of the settings, from a cursor in such a transaction, the URL and *synchronous*.
        join: Looks at the app's open transaction: it is refused with `CannotJoin`, or told whether a statement sees
            what others have committed since the one before.
        cursor: Makes a cursor whose rows are tuples, whatever the app has set.
        identity: Tells which database this is; equal for two connections to one of them.
    """

    connection: type
    check_engine: Callable[[Engine], None] = lambda _engine: None
    look_at: Callable[[Any], None]
    settle: Callable[[Any, str], Put]
    put_back: Callable[[Any, Put], None]
    begin_reading: tuple[str, ...]
    begin_writing: tuple[str, ...]
    takes_turns: bool = False
    findings: Callable[[Any, URL, str], list[Finding]]
    join: Callable[[Any], bool]
    cursor: Callable[[Any], Any]
    identity: Callable[[Any], Hashable]
