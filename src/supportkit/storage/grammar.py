"""What SQL databases write differently, as pieces that `statements` puts together; no driver is needed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    and_,
    bindparam,
    insert,
    literal_column,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.sql.dml import Insert, ReturningInsert
from sqlalchemy.sql.elements import SQLColumnExpression

from supportkit.storage import schema as t

Changed = Callable[[Any], Mapping[str, Any]]
"""From the row that was to be inserted to what is set in the row that is there already."""


@attrs.frozen(kw_only=True, eq=False)
class Grammar:
    """The parts of statements that one database writes in its own way.

    Attributes:
        upsert: Insert a row, or change the one with this key.
        unless_there: Insert a row unless one with its key is there; every other error stays an error.
        insert_event: Append to the log. Where the database gives positions, it returns the one that it gave.
        place: What the cursor of an event is made from.
        behind: The condition of events behind a cursor that no event can be committed before any more.
        order: The order in which followers read.
        queued: What the partial index of the outbox asks for, to the letter; nothing where there are no such indexes.
        has_floors: What is due is looked for above a floor.
    """

    upsert: Callable[[Table, Sequence[str], Changed], Insert]
    unless_there: Callable[[Table], Insert]
    insert_event: Insert | ReturningInsert[Any]
    place: SQLColumnExpression[Any]
    behind: ColumnElement[bool]
    order: tuple[SQLColumnExpression[Any], ...]
    queued: ColumnElement[bool]
    has_floors: bool = False


def grammar_of(dialect: str) -> Grammar:
    """Return the grammar of a SQLAlchemy dialect, by its name."""
    return {"sqlite": SQLITE, "postgresql": POSTGRESQL}.get(dialect, MARIADB)


def _on_conflict(make: Callable[[Table], Any]) -> Callable[[Table, Sequence[str], Changed], Insert]:
    def upsert(table: Table, key: Sequence[str], changed: Changed) -> Insert:
        statement = make(table)
        done: Insert = statement.on_conflict_do_update(index_elements=key, set_=changed(statement.excluded))
        return done

    return upsert


def _on_duplicate_key(table: Table, _key: Sequence[str], changed: Changed) -> Insert:
    statement = mysql.insert(table)
    return statement.on_duplicate_key_update(dict(changed(statement.inserted)))


def _first_stays(table: Table) -> Insert:
    """Write the key over itself; `INSERT IGNORE` would turn every other error into a warning."""
    statement = mysql.insert(table)
    name = next(iter(table.primary_key.columns)).name
    return statement.on_duplicate_key_update({name: statement.inserted[name]})


def _event_values() -> dict[str, Any]:
    return {column.name: bindparam(column.name) for column in t.event.columns if column.name != "txid"}


_COUNTED: dict[str, Any] = {
    "insert_event": insert(t.event).values(_event_values()),
    "place": t.event.c.position,
    "behind": t.event.c.position > bindparam("position"),
    "order": (t.event.c.position,),
}
"""Where one writer after the other takes its positions from a counter, they are in the order of commits."""

_QUEUED: Any = text("supportkit_outbox.state IN ('pending', 'leased')")


SQLITE = Grammar(
    queued=_QUEUED,
    upsert=_on_conflict(sqlite.insert),
    unless_there=lambda table: sqlite.insert(table).on_conflict_do_nothing(),
    **_COUNTED,
)

MARIADB = Grammar(queued=true(), upsert=_on_duplicate_key, unless_there=_first_stays, **_COUNTED)

# Writers of PostgreSQL do not wait for each other, so an event may be committed after one with a higher position.
# Beside each event stands the number of its transaction, and followers read only what is below the oldest transaction
# that still runs. Numbers of transactions begin anew where a dump is restored: the epoch is added to them.
EPOCH = f"(SELECT last_value FROM {t.EPOCHS})"  # noqa: S608 - a constant
CURRENT = f"pg_current_xact_id()::text::bigint + {EPOCH}"
OLDEST = f"pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {EPOCH}"

POSTGRESQL = Grammar(
    queued=_QUEUED,
    upsert=_on_conflict(postgresql.insert),
    unless_there=lambda table: postgresql.insert(table).on_conflict_do_nothing(),
    insert_event=insert(t.event)
    .values(
        {
            **_event_values(),
            "position": literal_column(f"nextval('{t.POSITIONS}')"),
            "txid": literal_column(CURRENT),
        }
    )
    .returning(t.event.c.position),
    place=literal_column("supportkit_event.txid || '-' || supportkit_event.position"),
    behind=and_(
        tuple_(t.event.c.txid, t.event.c.position)
        > tuple_(bindparam("txid", type_=BigInteger()), bindparam("position", type_=BigInteger())),
        t.event.c.txid < literal_column(OLDEST),
    ),
    order=(t.event.c.txid, t.event.c.position),
    has_floors=True,
)
