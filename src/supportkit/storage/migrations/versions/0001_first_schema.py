"""The tables of the first release."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None

_MARIADB = ("mysql", "mariadb")
_INNODB: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in _MARIADB
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_nopad_bin"))
}


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), *_MARIADB)
_WHOLE = sa.Integer().with_variant(sa.BigInteger(), "postgresql", *_MARIADB)
_CAUSE = _text(128).with_variant(mysql.VARCHAR(128, charset="ascii", collation="ascii_nopad_bin"), *_MARIADB)
_RULE = _text(255).with_variant(mysql.VARCHAR(64), *_MARIADB)


def upgrade() -> None:
    """Make every table of an empty database."""
    op.create_table(
        "supportkit_attempt",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("outbox", _text(128), nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("worker", _text(255), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("result", _text(255)),
        sa.PrimaryKeyConstraint("tenant", "outbox", "fence", name=op.f("pk_supportkit_attempt")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_table(
        "supportkit_counter",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_supportkit_counter")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_table(
        "supportkit_customer",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("id", _text(64), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("data", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_customer")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_table(
        "supportkit_event",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("actor", _text(320), nullable=False),
        sa.Column("command", _text(64), nullable=False),
        sa.Column("type", _text(64), nullable=False),
        sa.Column("schema", sa.Integer, nullable=False),
        sa.Column("data", _TEXT, nullable=False),
        sa.Column("txid", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "ticket", "seq", name=op.f("pk_supportkit_event")),
        sa.UniqueConstraint("tenant", "position", name=op.f("uq_supportkit_event_tenant_position")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_index(
        op.f("ix_supportkit_event_tenant_txid_position"),
        "supportkit_event",
        ["tenant", "txid", "position"],
        unique=False,
        sqlite_where=sa.text("txid IS NOT NULL"),
    )
    op.create_table(
        "supportkit_event_text",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("data", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "ticket", "seq", name=op.f("pk_supportkit_event_text")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_table(
        "supportkit_firing",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.Column("id", _text(255), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "ticket", "id", name=op.f("pk_supportkit_firing")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_table(
        "supportkit_follower",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("name", _text(255), nullable=False),
        sa.Column("cursor", _text(255), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_supportkit_follower")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_table(
        "supportkit_idempotency",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("key", _text(255), nullable=False),
        sa.Column("fingerprint", _text(64), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("outcome", _text(255), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_supportkit_idempotency")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_index(
        op.f("ix_supportkit_idempotency_tenant_created_at"),
        "supportkit_idempotency",
        ["tenant", "created_at"],
        unique=False,
    )
    op.create_table(
        "supportkit_lane",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("channel", _text(255), nullable=False),
        sa.Column("account", _text(255), nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "channel", "account", name=op.f("pk_supportkit_lane")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_table(
        "supportkit_message",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("id", _text(64), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.Column("author", _text(320), nullable=False),
        sa.Column("kind", _text(32), nullable=False),
        sa.Column("channel", _text(255), nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.Column("attachments", _TEXT, nullable=False),
        sa.Column("external_id", _text(255)),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_message")),
        **_INNODB,
    )
    op.create_index(
        op.f("ix_supportkit_message_tenant_ticket_occurred_at"),
        "supportkit_message",
        ["tenant", "ticket", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "supportkit_note",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("id", _text(64), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.Column("author", _text(320), nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.Column("mentions", _TEXT, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_note")),
        **_INNODB,
    )
    op.create_index(
        op.f("ix_supportkit_note_tenant_ticket_occurred_at"),
        "supportkit_note",
        ["tenant", "ticket", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "supportkit_outbox",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("id", _text(128), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.Column("cause", _CAUSE, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("rule", _RULE, nullable=False),
        sa.Column("channel", _text(255), nullable=False),
        sa.Column("account", _text(255), nullable=False),
        sa.Column("recipient", _text(320), nullable=False),
        sa.Column("message", _text(64), nullable=False),
        sa.Column("leg", _text(64)),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("policy", _text(32), nullable=False),
        sa.Column("state", _text(32), nullable=False),
        sa.Column("available_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("external_id", _text(255)),
        sa.Column("possible_duplicate", sa.Integer, nullable=False),
        sa.Column("reason", _text(255)),
        sa.Column("retried_at", sa.BigInteger),
        sa.Column("withdrawn", _text(32)),
        sa.Column("receipt", _text(32)),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_outbox")),
        sa.UniqueConstraint(
            "tenant",
            "cause",
            "rule",
            "channel",
            "recipient",
            "part",
            name=op.f("uq_supportkit_outbox_tenant_cause_rule_channel_recipient_part"),
        ),
        **_INNODB,
    )
    op.create_index(
        "ix_supportkit_outbox_due",
        "supportkit_outbox",
        ["tenant", "channel", "account", "state", "available_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'leased')"),
        postgresql_where=sa.text("state IN ('pending', 'leased')"),
    )
    op.create_index(
        "ix_supportkit_outbox_external",
        "supportkit_outbox",
        ["tenant", "channel", "external_id"],
        unique=False,
        sqlite_where=sa.text("external_id IS NOT NULL"),
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index(
        "ix_supportkit_outbox_settled",
        "supportkit_outbox",
        ["tenant", "available_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('sent', 'failed', 'suppressed', 'cancelled')"),
        postgresql_where=sa.text("state IN ('sent', 'failed', 'suppressed', 'cancelled')"),
    )
    op.create_index(
        op.f("ix_supportkit_outbox_tenant_ticket_channel_seq"),
        "supportkit_outbox",
        ["tenant", "ticket", "channel", "seq"],
        unique=False,
    )
    op.create_table(
        "supportkit_settings",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("subject", _text(64), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("data", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", "number", name=op.f("pk_supportkit_settings")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_table(
        "supportkit_term",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("term", _text(128), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "term", "ticket", name=op.f("pk_supportkit_term")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_table(
        "supportkit_ticket",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("id", _text(64), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("reference", _text(32), nullable=False),
        sa.Column("subject", _TEXT, nullable=False),
        sa.Column("customer", _text(64)),
        sa.Column("state", _text(64), nullable=False),
        sa.Column("category", _text(32), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("channel", _text(255), nullable=False),
        sa.Column("tier", _WHOLE, nullable=False),
        sa.Column("team", _text(255)),
        sa.Column("assignee", _text(255)),
        sa.Column("source", _text(255)),
        sa.Column("reason", _text(32)),
        sa.Column("merged_into", _text(64)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("state_since", sa.BigInteger, nullable=False),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("data", _TEXT, nullable=False),
        sa.Column("clocks", _TEXT, nullable=False),
        sa.Column("rank", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_ticket")),
        sa.UniqueConstraint("tenant", "number", name=op.f("uq_supportkit_ticket_tenant_number")),
        sa.UniqueConstraint("tenant", "reference", name=op.f("uq_supportkit_ticket_tenant_reference")),
        **_INNODB,
    )
    op.create_index(
        op.f("ix_supportkit_ticket_tenant_assignee_state_number"),
        "supportkit_ticket",
        ["tenant", "assignee", "state", "number"],
        unique=False,
    )
    op.create_index(
        "ix_supportkit_ticket_closed",
        "supportkit_ticket",
        ["tenant", "closed_at", "number"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NOT NULL"),
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_supportkit_ticket_rank",
        "supportkit_ticket",
        ["tenant", "assignee", "rank", "number"],
        unique=False,
        sqlite_where=sa.text("rank IS NOT NULL"),
        postgresql_where=sa.text("rank IS NOT NULL"),
    )
    op.create_index(
        "ix_supportkit_ticket_line",
        "supportkit_ticket",
        ["tenant", "assignee", "team", "tier", "rank", "number"],
        unique=False,
        sqlite_where=sa.text("rank IS NOT NULL"),
        postgresql_where=sa.text("rank IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_supportkit_ticket_tenant_customer_number"),
        "supportkit_ticket",
        ["tenant", "customer", "number"],
        unique=False,
    )
    op.create_index(
        op.f("ix_supportkit_ticket_tenant_state_number"),
        "supportkit_ticket",
        ["tenant", "state", "number"],
        unique=False,
    )
    op.create_index(
        op.f("ix_supportkit_ticket_tenant_team_state_number"),
        "supportkit_ticket",
        ["tenant", "team", "state", "number"],
        unique=False,
    )
    op.create_index(
        op.f("ix_supportkit_ticket_tenant_updated_at_number"),
        "supportkit_ticket",
        ["tenant", "updated_at", "number"],
        unique=False,
    )
    op.create_table(
        "supportkit_timer",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.Column("name", _text(64), nullable=False),
        sa.Column("instance", _text(128), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("state", _text(32), nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "ticket", "name", "instance", name=op.f("pk_supportkit_timer")),
        **_INNODB,
    )
    op.create_index(
        "ix_supportkit_timer_due",
        "supportkit_timer",
        ["tenant", "due_at", "ticket"],
        unique=False,
        sqlite_where=sa.text("state IN ('waiting', 'leased')"),
        postgresql_where=sa.text("state IN ('waiting', 'leased')"),
    )
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute("CREATE SEQUENCE supportkit_position")
        op.execute("CREATE SEQUENCE supportkit_epoch MINVALUE 0 START 0")
    if dialect in _MARIADB:
        op.execute("CREATE INDEX ix_supportkit_timer_state ON supportkit_timer (tenant, state, due_at, ticket)")
