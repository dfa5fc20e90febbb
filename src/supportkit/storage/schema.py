"""The tables, as SQLAlchemy metadata: an app can put it beside its own.

Tenant is the first column of every primary and unique key. Instants are microseconds since 1970-01-01 UTC. People's
words lie in `message`, `note`, `event_text`, `ticket` and `customer` only; `event` refers to them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

SCHEMA_VERSION = "0001"
VERSION_TABLE = "supportkit_version"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = String(64)
_NAME = String(255)
_SHORT = String(32)


def _table(
    name: str, *parts: Column[object] | PrimaryKeyConstraint | UniqueConstraint | Index, clustered: bool
) -> Table:
    """Declare a table of ours; *clustered* ones are looked up by their primary key only, so they need no row id."""
    return Table(
        f"supportkit_{name}",
        metadata,
        Column("tenant", _ID, nullable=False),
        *parts,
        sqlite_with_rowid=not clustered,
    )


def _text_column(name: str, *, nullable: bool = False, default: str | None = None) -> Column[object]:
    return Column(name, Text, nullable=nullable, server_default=default)


ticket = _table(
    "ticket",
    Column("id", _ID, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("reference", _SHORT, nullable=False),
    Column("subject", Text, nullable=False),
    Column("customer", _ID),
    Column("state", _ID, nullable=False),
    Column("category", _SHORT, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("channel", _NAME, nullable=False),
    Column("tier", Integer, nullable=False),
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
    Column("data", Text, nullable=False),
    Column("clocks", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "number"),
    UniqueConstraint("tenant", "reference"),
    Index(None, "tenant", "state", "number"),
    Index(None, "tenant", "assignee", "state", "number"),
    Index(None, "tenant", "team", "state", "number"),
    Index(None, "tenant", "customer", "number"),
    Index(None, "tenant", "updated_at", "number"),
    clustered=False,
)

event = _table(
    "event",
    Column("ticket", _ID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", String(320), nullable=False),
    Column("command", _ID, nullable=False),
    Column("type", _ID, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "ticket", "seq"),
    UniqueConstraint("tenant", "position"),
    clustered=True,
)

event_text = _table(
    "event_text",
    Column("ticket", _ID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "ticket", "seq"),
    clustered=True,
)

message = _table(
    "message",
    Column("id", _ID, nullable=False),
    Column("ticket", _ID, nullable=False),
    Column("author", String(320), nullable=False),
    Column("kind", _SHORT, nullable=False),
    Column("channel", _NAME, nullable=False),
    Column("body", Text, nullable=False),
    Column("attachments", Text, nullable=False),
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
    Column("author", String(320), nullable=False),
    Column("body", Text, nullable=False),
    Column("mentions", Text, nullable=False),
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
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    clustered=True,
)

term = _table(
    "term",
    Column("term", String(128), nullable=False),
    Column("ticket", _ID, nullable=False),
    PrimaryKeyConstraint("tenant", "term", "ticket"),
    clustered=True,
)

outbox = _table(
    "outbox",
    Column("id", String(128), nullable=False),
    Column("ticket", _ID, nullable=False),
    Column("cause", String(128), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("rule", _NAME, nullable=False),
    Column("channel", _NAME, nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("message", _ID, nullable=False),
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
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "cause", "rule", "channel", "recipient", "part"),
    Index(None, "tenant", "ticket", "channel", "seq"),
    Index(
        "ix_supportkit_outbox_due",
        "tenant",
        "available_at",
        "id",
        sqlite_where=text("state IN ('pending', 'leased')"),
        postgresql_where=text("state IN ('pending', 'leased')"),
    ),
    clustered=False,
)

attempt = _table(
    "attempt",
    Column("outbox", String(128), nullable=False),
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
    Column("instance", String(128), nullable=False),
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
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "subject", "number"),
    clustered=True,
)

idempotency = _table(
    "idempotency",
    Column("key", _NAME, nullable=False),
    Column("fingerprint", _ID, nullable=False),
    Column("ticket", _ID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("outcome", _SHORT, nullable=False),
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

version = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", _SHORT, nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
"""Alembic's own table, exactly as it would make it; apart, so that no app has it in its metadata."""
