"""The tables of what arrives: raw deliveries, conversations, addresses, files, budgets."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"

_MARIADB = ("mysql", "mariadb")
_INNODB: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in _MARIADB
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_nopad_bin"))
}


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), *_MARIADB)
_BYTES = sa.LargeBinary().with_variant(mysql.LONGBLOB(), *_MARIADB)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "supportkit_address",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("family", _text(64), nullable=False),
        sa.Column("value", _text(320), nullable=False),
        sa.Column("owner", _text(64), nullable=False),
        sa.Column("customer", _text(64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "family", "value", "owner", name=op.f("pk_supportkit_address")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_index(
        op.f("ix_supportkit_address_tenant_customer"), "supportkit_address", ["tenant", "customer"], unique=False
    )
    op.create_table(
        "supportkit_arrival",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("id", _text(64), nullable=False),
        sa.Column("channel", _text(255), nullable=False),
        sa.Column("account", _text(255), nullable=False),
        sa.Column("key", _text(128), nullable=False),
        sa.Column("body", _BYTES, nullable=False),
        sa.Column("head", _TEXT, nullable=False),
        sa.Column("signed", _TEXT),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("state", _text(32), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("reason", _text(255)),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_arrival")),
        sa.UniqueConstraint("tenant", "channel", "key", name=op.f("uq_supportkit_arrival_tenant_channel_key")),
        **_INNODB,
    )
    op.create_index(
        op.f("ix_supportkit_arrival_tenant_state_received_at"),
        "supportkit_arrival",
        ["tenant", "state", "received_at"],
        unique=False,
    )
    op.create_table(
        "supportkit_budget",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("name", _text(64), nullable=False),
        sa.Column("key", _text(64), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("spent", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", "key", "since", name=op.f("pk_supportkit_budget")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_index(op.f("ix_supportkit_budget_tenant_since"), "supportkit_budget", ["tenant", "since"], unique=False)
    op.create_table(
        "supportkit_conversation",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("key", _text(64), nullable=False),
        sa.Column("leg", _text(64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_supportkit_conversation")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_index(
        op.f("ix_supportkit_conversation_tenant_leg"), "supportkit_conversation", ["tenant", "leg"], unique=False
    )
    op.create_table(
        "supportkit_file",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("id", _text(64), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.Column("message", _text(64), nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("media_type", _text(255), nullable=False),
        sa.Column("content", _BYTES, nullable=False),
        sa.Column("digest", _text(64), nullable=False),
        sa.Column("inline", sa.Integer, nullable=False),
        sa.Column("content_id", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_file")),
        **_INNODB,
    )
    op.create_index(op.f("ix_supportkit_file_tenant_message"), "supportkit_file", ["tenant", "message"], unique=False)
    op.create_table(
        "supportkit_heard",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("key", _text(64), nullable=False),
        sa.Column("digest", _text(64), nullable=False),
        sa.Column("ticket", _text(64)),
        sa.Column("message", _text(64)),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", "digest", name=op.f("pk_supportkit_heard")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_index(
        op.f("ix_supportkit_heard_tenant_ticket_at"), "supportkit_heard", ["tenant", "ticket", "at"], unique=False
    )
    op.create_table(
        "supportkit_leg",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("id", _text(64), nullable=False),
        sa.Column("ticket", _text(64), nullable=False),
        sa.Column("channel", _text(255), nullable=False),
        sa.Column("account", _text(255), nullable=False),
        sa.Column("thread", _text(320), nullable=False),
        sa.Column("address", _text(320), nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("heard_at", sa.BigInteger),
        sa.Column("verified", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_supportkit_leg")),
        **_INNODB,
    )
    op.create_index(
        op.f("ix_supportkit_leg_tenant_ticket_began_at"),
        "supportkit_leg",
        ["tenant", "ticket", "began_at"],
        unique=False,
    )
    op.create_table(
        "supportkit_poll",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("channel", _text(255), nullable=False),
        sa.Column("cursor", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "channel", name=op.f("pk_supportkit_poll")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_table(
        "supportkit_waiting",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("channel", _text(255), nullable=False),
        sa.Column("external_id", _text(255), nullable=False),
        sa.Column("status", _text(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reason", _text(255)),
        sa.PrimaryKeyConstraint("tenant", "channel", "external_id", "status", name=op.f("pk_supportkit_waiting")),
        sqlite_with_rowid=False,
        **_INNODB,
    )
    op.create_index(op.f("ix_supportkit_waiting_tenant_at"), "supportkit_waiting", ["tenant", "at"], unique=False)
