"""The tables, as SQLAlchemy metadata: an app can put it beside its own.

Tenant is the first column of every primary and unique key. Instants are microseconds since 1970-01-01 UTC. People's
words lie in `message`, `note`, `event_text`, `ticket` and `customer` only; `event` refers to them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy import event as hooks
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

SCHEMA_VERSION = "0003"
VERSION_TABLE = "supportkit_version"
POSITIONS = "supportkit_position"
"""The sequence that gives positions of the log on PostgreSQL."""
EPOCHS = "supportkit_epoch"
"""The sequence that holds what is added to the numbers of transactions on PostgreSQL."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

MARIADB = ("mysql", "mariadb")
"""The names under which SQLAlchemy knows MariaDB."""
COLLATION = "utf8mb4_nopad_bin"
"""Byte by byte, and a space at the end counts: the collation of all columns on MariaDB."""
_INNODB: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in MARIADB
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", COLLATION))
}


def _short_text(length: int) -> TypeEngine[str]:
    """Return the type of texts that are compared: by code points, whatever the database does otherwise."""
    return String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


PREFIX = "supportkit_"
"""Every table, sequence and index of supportkit has it in its name."""
_ID = _short_text(64)
_LONG_ID = _short_text(128)
_NAME = _short_text(255)
_ADDRESS = _short_text(320)
_SHORT = _short_text(32)
_TEXT = Text().with_variant(mysql.LONGTEXT(), *MARIADB)
_BYTES = LargeBinary().with_variant(mysql.LONGBLOB(), *MARIADB)
_WHOLE = Integer().with_variant(BigInteger(), "postgresql", *MARIADB)
"""A whole number of up to 64 bits; SQLite calls it INTEGER."""
# The longest key of InnoDB has 3072 bytes, and its characters count four each: that of the outbox needs short columns.
_CAUSE = _LONG_ID.with_variant(mysql.VARCHAR(128, charset="ascii", collation="ascii_nopad_bin"), *MARIADB)
_RULE = _NAME.with_variant(mysql.VARCHAR(64), *MARIADB)


def _table(
    name: str, *parts: Column[object] | PrimaryKeyConstraint | UniqueConstraint | Index, clustered: bool
) -> Table:
    """Declare a table of ours; *clustered* ones are looked up by their primary key only, so they need no row id."""
    return Table(
        f"{PREFIX}{name}",
        metadata,
        Column("tenant", _ID, nullable=False),
        *parts,
        sqlite_with_rowid=not clustered,
        **_INNODB,
    )


ticket = _table(
    "ticket",
    Column("id", _ID, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("reference", _SHORT, nullable=False),
    Column("subject", _TEXT, nullable=False),
    Column("customer", _ID),
    Column("state", _ID, nullable=False),
    Column("category", _SHORT, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("channel", _NAME, nullable=False),
    Column("tier", _WHOLE, nullable=False),
    Column("team", _NAME),
    Column("assignee", _NAME),
    Column("source", _NAME),
    Column("reason", _SHORT),
    Column("merged_into", _ID),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("state_since", BigInteger, nullable=False),
    Column("resolved_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("version", BigInteger, nullable=False),
    Column("data", _TEXT, nullable=False),
    Column("clocks", _TEXT, nullable=False),
    Column("rank", BigInteger),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "number"),
    UniqueConstraint("tenant", "reference"),
    Index(None, "tenant", "state", "number"),
    Index(None, "tenant", "assignee", "state", "number"),
    Index(None, "tenant", "team", "state", "number"),
    Index(None, "tenant", "customer", "number"),
    Index(None, "tenant", "updated_at", "number"),
    Index(
        "ix_supportkit_ticket_closed",
        "tenant",
        "closed_at",
        "number",
        sqlite_where=text("closed_at IS NOT NULL"),
        postgresql_where=text("closed_at IS NOT NULL"),
    ),
    Index(
        "ix_supportkit_ticket_rank",
        "tenant",
        "assignee",
        "rank",
        "number",
        sqlite_where=text("rank IS NOT NULL"),
        postgresql_where=text("rank IS NOT NULL"),
    ),
    Index(
        "ix_supportkit_ticket_line",
        "tenant",
        "assignee",
        "team",
        "tier",
        "rank",
        "number",
        sqlite_where=text("rank IS NOT NULL"),
        postgresql_where=text("rank IS NOT NULL"),
    ),
    clustered=False,
)

event = _table(
    "event",
    Column("ticket", _ID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", _ADDRESS, nullable=False),
    Column("command", _ID, nullable=False),
    Column("type", _ID, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("data", _TEXT, nullable=False),
    Column("txid", BigInteger),  # on PostgreSQL only, see `grammar`
    PrimaryKeyConstraint("tenant", "ticket", "seq"),
    UniqueConstraint("tenant", "position"),
    Index(None, "tenant", "txid", "position", sqlite_where=text("txid IS NOT NULL")),
    clustered=True,
)

event_text = _table(
    "event_text",
    Column("ticket", _ID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("data", _TEXT, nullable=False),
    PrimaryKeyConstraint("tenant", "ticket", "seq"),
    clustered=True,
)

message = _table(
    "message",
    Column("id", _ID, nullable=False),
    Column("ticket", _ID, nullable=False),
    Column("author", _ADDRESS, nullable=False),
    Column("kind", _SHORT, nullable=False),
    Column("channel", _NAME, nullable=False),
    Column("body", _TEXT, nullable=False),
    Column("attachments", _TEXT, nullable=False),
    Column("external_id", _NAME),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "ticket", "occurred_at"),
    clustered=False,
)

note = _table(
    "note",
    Column("id", _ID, nullable=False),
    Column("ticket", _ID, nullable=False),
    Column("author", _ADDRESS, nullable=False),
    Column("body", _TEXT, nullable=False),
    Column("mentions", _TEXT, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "ticket", "occurred_at"),
    clustered=False,
)

customer = _table(
    "customer",
    Column("id", _ID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("data", _TEXT, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    clustered=True,
)

term = _table(
    "term",
    Column("term", _LONG_ID, nullable=False),
    Column("ticket", _ID, nullable=False),
    PrimaryKeyConstraint("tenant", "term", "ticket"),
    clustered=True,
)

outbox = _table(
    "outbox",
    Column("id", _LONG_ID, nullable=False),
    Column("ticket", _ID, nullable=False),
    Column("cause", _CAUSE, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("rule", _RULE, nullable=False),
    Column("channel", _NAME, nullable=False),
    Column("account", _NAME, nullable=False),
    Column("recipient", _ADDRESS, nullable=False),
    Column("message", _ID, nullable=False),
    Column("leg", _ID),
    Column("part", Integer, nullable=False),
    Column("policy", _SHORT, nullable=False),
    Column("state", _SHORT, nullable=False),
    Column("available_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("lease_until", BigInteger),
    Column("external_id", _NAME),
    Column("possible_duplicate", Integer, nullable=False),
    Column("reason", _NAME),
    Column("retried_at", BigInteger),
    Column("withdrawn", _SHORT),
    Column("receipt", _SHORT),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "cause", "rule", "channel", "recipient", "part"),
    Index(None, "tenant", "ticket", "channel", "seq"),
    Index(
        "ix_supportkit_outbox_due",
        "tenant",
        "channel",
        "account",
        "state",
        "available_at",
        "id",
        sqlite_where=text("state IN ('pending', 'leased')"),
        postgresql_where=text("state IN ('pending', 'leased')"),
    ),
    Index(
        "ix_supportkit_outbox_external",
        "tenant",
        "channel",
        "external_id",
        sqlite_where=text("external_id IS NOT NULL"),
        postgresql_where=text("external_id IS NOT NULL"),
    ),
    Index(
        "ix_supportkit_outbox_settled",
        "tenant",
        "available_at",
        "id",
        sqlite_where=text("state IN ('sent', 'failed', 'suppressed', 'cancelled')"),
        postgresql_where=text("state IN ('sent', 'failed', 'suppressed', 'cancelled')"),
    ),
    clustered=False,
)

lane = _table(
    "lane",
    Column("channel", _NAME, nullable=False),
    Column("account", _NAME, nullable=False),
    Column("turn", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "channel", "account"),
    clustered=True,
)
"""When each account of each channel had its last turn, counted, so that a long queue of one starves no other."""

attempt = _table(
    "attempt",
    Column("outbox", _LONG_ID, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("worker", _NAME, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("result", _NAME),
    PrimaryKeyConstraint("tenant", "outbox", "fence"),
    clustered=True,
)

timer = _table(
    "timer",
    Column("ticket", _ID, nullable=False),
    Column("name", _ID, nullable=False),
    Column("instance", _LONG_ID, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("state", _SHORT, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", BigInteger),
    PrimaryKeyConstraint("tenant", "ticket", "name", "instance"),
    Index(
        "ix_supportkit_timer_due",
        "tenant",
        "due_at",
        "ticket",
        sqlite_where=text("state IN ('waiting', 'leased')"),
        postgresql_where=text("state IN ('waiting', 'leased')"),
    ),
    clustered=False,
)

firing = _table(
    "firing",
    Column("ticket", _ID, nullable=False),
    Column("id", _NAME, nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "ticket", "id"),
    clustered=True,
)

settings = _table(
    "settings",
    Column("subject", _ID, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("data", _TEXT, nullable=False),
    PrimaryKeyConstraint("tenant", "subject", "number"),
    clustered=True,
)

idempotency = _table(
    "idempotency",
    Column("key", _NAME, nullable=False),
    Column("fingerprint", _ID, nullable=False),
    Column("ticket", _ID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("outcome", _NAME, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "key"),
    Index(None, "tenant", "created_at"),
    clustered=True,
)

follower = _table(
    "follower",
    Column("name", _NAME, nullable=False),
    Column("cursor", _NAME, nullable=False),
    PrimaryKeyConstraint("tenant", "name"),
    clustered=True,
)

counter = _table(
    "counter",
    Column("number", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant"),
    clustered=True,
)

# -- what arrives -----------------------------------------------------------------------------------------------------

arrival = _table(
    "arrival",
    Column("id", _ID, nullable=False),
    Column("channel", _NAME, nullable=False),
    Column("account", _NAME, nullable=False),
    Column("key", _LONG_ID, nullable=False),
    Column("body", _BYTES, nullable=False),
    Column("head", _TEXT, nullable=False),
    Column("signed", _TEXT),
    Column("received_at", BigInteger, nullable=False),
    Column("state", _SHORT, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("lease_until", BigInteger),
    Column("settled_at", BigInteger),
    Column("reason", _NAME),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "channel", "key"),
    Index(None, "tenant", "state", "received_at"),
    clustered=False,
)

poll = _table(
    "poll",
    Column("channel", _NAME, nullable=False),
    Column("cursor", _TEXT, nullable=False),
    PrimaryKeyConstraint("tenant", "channel"),
    clustered=True,
)

heard = _table(
    "heard",
    Column("key", _ID, nullable=False),
    Column("digest", _ID, nullable=False),
    Column("ticket", _ID),
    Column("message", _ID),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "key", "digest"),
    Index(None, "tenant", "ticket", "at"),
    clustered=True,
)

leg = _table(
    "leg",
    Column("id", _ID, nullable=False),
    Column("ticket", _ID, nullable=False),
    Column("channel", _NAME, nullable=False),
    Column("account", _NAME, nullable=False),
    Column("thread", _ADDRESS, nullable=False),
    Column("address", _ADDRESS, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("heard_at", BigInteger),
    Column("verified", Integer, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "ticket", "began_at"),
    clustered=False,
)

conversation = _table(
    "conversation",
    Column("key", _ID, nullable=False),
    Column("leg", _ID, nullable=False),
    PrimaryKeyConstraint("tenant", "key"),
    Index(None, "tenant", "leg"),
    clustered=True,
)

address = _table(
    "address",
    Column("family", _ID, nullable=False),
    Column("value", _ADDRESS, nullable=False),
    Column("owner", _ID, nullable=False),
    Column("customer", _ID, nullable=False),
    PrimaryKeyConstraint("tenant", "family", "value", "owner"),
    Index(None, "tenant", "customer"),
    clustered=True,
)

file = _table(
    "file",
    Column("id", _ID, nullable=False),
    Column("ticket", _ID, nullable=False),
    Column("message", _ID, nullable=False),
    Column("name", _TEXT, nullable=False),
    Column("media_type", _NAME, nullable=False),
    Column("content", _BYTES, nullable=False),
    Column("digest", _ID, nullable=False),
    Column("inline", Integer, nullable=False),
    Column("content_id", _TEXT),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "message"),
    clustered=False,
)

budget = _table(
    "budget",
    Column("name", _ID, nullable=False),
    Column("key", _ID, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "name", "key", "since"),
    Index(None, "tenant", "since"),
    clustered=True,
)

waiting = _table(
    "waiting",
    Column("channel", _NAME, nullable=False),
    Column("external_id", _NAME, nullable=False),
    Column("status", _SHORT, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", _NAME),
    PrimaryKeyConstraint("tenant", "channel", "external_id", "status"),
    Index(None, "tenant", "at"),
    clustered=True,
)

record = _table(
    "record",
    Column("kind", _ID, nullable=False),
    Column("id", _LONG_ID, nullable=False),
    Column("owner", _ID, nullable=False),
    Column("name", _NAME, nullable=False),
    Column("due_at", BigInteger),
    Column("data", _TEXT, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "kind", "id"),
    Index(None, "tenant", "owner", "kind", "id"),
    Index(None, "tenant", "kind", "name", "id"),
    Index(
        "ix_supportkit_record_due",
        "tenant",
        "kind",
        "due_at",
        "id",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    clustered=False,
)
"""What is no ticket: each subject has a kind of its own."""

RECEIVED = (address, leg, conversation, heard, file, arrival, poll, budget, waiting)
"""The tables of what arrives."""
PLAIN = (*RECEIVED, record)
"""The tables whose rows are the fields of one value each."""

version = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
"""Alembic's own table, exactly as it would make it; apart, so that no app has it in its metadata."""


# -- what only one database has ---------------------------------------------------------------------------------------

_AFTERWARDS = (
    (event, "postgresql", f"CREATE SEQUENCE {POSITIONS}"),
    (event, "postgresql", f"CREATE SEQUENCE {EPOCHS} MINVALUE 0 START 0"),
    # MariaDB has no partial indexes: there what is due is found by its state.
    *(
        (timer, name, f"CREATE INDEX ix_{timer.name}_state ON {timer.name} (tenant, state, due_at, ticket)")
        for name in MARIADB
    ),
)
for _of, _dialect, _statement in _AFTERWARDS:
    hooks.listen(_of, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
