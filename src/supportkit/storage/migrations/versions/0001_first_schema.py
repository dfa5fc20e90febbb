"""The tables of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table of an empty database."""
    op.create_table(
        "supportkit_attempt",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("outbox", sa.String(length=128), nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("result", sa.String(length=255)),
        sa.PrimaryKeyConstraint("tenant", "outbox", "fence", name=op.f("pk_supportkit_attempt")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "supportkit_counter",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_supportkit_counter")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "supportkit_customer",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_customer")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "supportkit_event",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(length=320), nullable=False),
        sa.Column("command", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("schema", sa.Integer, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "ticket", "seq", name=op.f("pk_supportkit_event")),
        sa.UniqueConstraint("tenant", "position", name=op.f("uq_supportkit_event_tenant_position")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "supportkit_event_text",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "ticket", "seq", name=op.f("pk_supportkit_event_text")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "supportkit_firing",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "ticket", "id", name=op.f("pk_supportkit_firing")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "supportkit_follower",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("cursor", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_supportkit_follower")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "supportkit_idempotency",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_supportkit_idempotency")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_supportkit_idempotency_tenant_created_at"),
        "supportkit_idempotency",
        ["tenant", "created_at"],
        unique=False,
    )
    op.create_table(
        "supportkit_message",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=320), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("attachments", sa.Text, nullable=False),
        sa.Column("external_id", sa.String(length=255)),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_message")),
    )
    op.create_index(
        op.f("ix_supportkit_message_tenant_ticket_occurred_at"),
        "supportkit_message",
        ["tenant", "ticket", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "supportkit_note",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=320), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("mentions", sa.Text, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_note")),
    )
    op.create_index(
        op.f("ix_supportkit_note_tenant_ticket_occurred_at"),
        "supportkit_note",
        ["tenant", "ticket", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "supportkit_outbox",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("rule", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("policy", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("available_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("external_id", sa.String(length=255)),
        sa.Column("possible_duplicate", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(length=255)),
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
    )
    op.create_index(
        "ix_supportkit_outbox_due",
        "supportkit_outbox",
        ["tenant", "available_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'leased')"),
        postgresql_where=sa.text("state IN ('pending', 'leased')"),
    )
    op.create_index(
        op.f("ix_supportkit_outbox_tenant_ticket_channel_seq"),
        "supportkit_outbox",
        ["tenant", "ticket", "channel", "seq"],
        unique=False,
    )
    op.create_table(
        "supportkit_settings",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", "number", name=op.f("pk_supportkit_settings")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "supportkit_term",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("term", sa.String(length=128), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "term", "ticket", name=op.f("pk_supportkit_term")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "supportkit_ticket",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("customer", sa.String(length=64)),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("tier", sa.Integer, nullable=False),
        sa.Column("team", sa.String(length=255)),
        sa.Column("assignee", sa.String(length=255)),
        sa.Column("source", sa.String(length=255)),
        sa.Column("reason", sa.String(length=32)),
        sa.Column("merged_into", sa.String(length=64)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("state_since", sa.BigInteger, nullable=False),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("clocks", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_ticket")),
        sa.UniqueConstraint("tenant", "number", name=op.f("uq_supportkit_ticket_tenant_number")),
        sa.UniqueConstraint("tenant", "reference", name=op.f("uq_supportkit_ticket_tenant_reference")),
    )
    op.create_index(
        op.f("ix_supportkit_ticket_tenant_assignee_state_number"),
        "supportkit_ticket",
        ["tenant", "assignee", "state", "number"],
        unique=False,
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
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("instance", sa.String(length=128), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "ticket", "name", "instance", name=op.f("pk_supportkit_timer")),
    )
    op.create_index(
        "ix_supportkit_timer_due",
        "supportkit_timer",
        ["tenant", "due_at", "ticket"],
        unique=False,
        sqlite_where=sa.text("state IN ('waiting', 'leased')"),
        postgresql_where=sa.text("state IN ('waiting', 'leased')"),
    )
