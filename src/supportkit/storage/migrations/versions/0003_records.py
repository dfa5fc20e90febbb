"""The table of records: agents, teams, drafts and whatever else is no ticket."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

revision = "0003"
down_revision = "0002"

_MARIADB = ("mysql", "mariadb")
_INNODB: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in _MARIADB
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_nopad_bin"))
}


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "supportkit_record",
        sa.Column("tenant", _text(64), nullable=False),
        sa.Column("kind", _text(64), nullable=False),
        sa.Column("id", _text(128), nullable=False),
        sa.Column("owner", _text(64), nullable=False),
        sa.Column("name", _text(255), nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("data", sa.Text().with_variant(mysql.LONGTEXT(), *_MARIADB), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "id", name=op.f("pk_supportkit_record")),
        **_INNODB,
    )
    for columns in (("owner", "kind", "id"), ("kind", "name", "id")):
        op.create_index(
            op.f(f"ix_supportkit_record_tenant_{'_'.join(columns)}"),
            "supportkit_record",
            ["tenant", *columns],
            unique=False,
        )
    op.create_index(
        "ix_supportkit_record_due",
        "supportkit_record",
        ["tenant", "kind", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
