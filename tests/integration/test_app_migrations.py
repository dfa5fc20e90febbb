"""The tables of supportkit in an app's own Alembic migrations."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine, inspect, text
from sqlalchemy.engine import make_url
from tests import servers

from supportkit import Desk
from supportkit.errors import SchemaOutOfDate
from supportkit.storage import schema
from supportkit.storage.sql import SqlStorage
from supportkit.storage.tables import is_of_the_app, make_tables

ENV = """
from alembic import context
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, NullPool

from supportkit.storage.tables import is_of_the_app

metadata = MetaData()
Table("orders", metadata, Column("number", Integer, primary_key=True))

with create_engine(context.config.attributes["url"], poolclass=NullPool).connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, include_name=is_of_the_app)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = '''
"""Orders, and the tables of the support desk."""
from alembic import op
import sqlalchemy as sa

from supportkit.storage.tables import make_tables

revision, down_revision = "a1", None


def upgrade():
    op.create_table("orders", sa.Column("number", sa.Integer, primary_key=True))
    make_tables(op.get_bind())
'''


@pytest.fixture(params=["sqlite", servers.POSTGRESQL, servers.MARIADB])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'app.db'}"
        return
    with servers.empty_database(request.param) as url:
        yield url


@pytest.fixture
def config(url: str, tmp_path: Path) -> Config:
    folder = tmp_path / "alembic"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV, encoding="utf-8")
    (folder / "versions" / "a1.py").write_text(REVISION, encoding="utf-8")
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = make_url(url)
    return config


def test_a_revision_of_the_app_makes_the_tables_beside_its_own(url: str, config: Config) -> None:
    command.upgrade(config, "head")
    storage = SqlStorage(url)
    assert storage.version() == schema.SCHEMA_VERSION
    assert {"orders", "alembic_version", *schema.metadata.tables} <= set(inspect(storage.engine).get_table_names())
    with contextlib.closing(servers.opened(url)) as patient, Desk(patient) as desk:
        assert desk.open("printer", actor="agent:kim").number == 1
        assert len(list(desk.follow("reports"))) > 0
    storage.migrate()
    assert storage.version() == schema.SCHEMA_VERSION
    storage.close()


def test_alembic_proposes_nothing_about_these_tables(url: str, config: Config) -> None:
    command.upgrade(config, "head")
    command.check(config)
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE orders"))
    with pytest.raises(Exception, match="orders") as caught:
        command.check(config)
    assert "supportkit" not in str(caught.value)


def test_making_the_tables_twice_changes_nothing(url: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    for _ in range(2):
        with engine.begin() as connection:
            make_tables(connection)
    with Desk(url) as desk:
        assert desk.open("printer", actor="agent:kim").number == 1


def test_a_rollback_of_the_app_takes_the_tables_back_on_postgresql() -> None:
    with servers.empty_database(servers.POSTGRESQL) as url:
        engine = create_engine(url, poolclass=NullPool)
        with pytest.raises(KeyError), engine.begin() as connection:
            make_tables(connection)
            raise KeyError
        assert inspect(engine).get_table_names() == []


def test_tables_of_an_unknown_release_are_left_alone(url: str) -> None:
    engine = create_engine(url, poolclass=NullPool)

    def set_version(connection: Connection) -> None:
        connection.execute(schema.version.update().values(version_num="9999"))

    with engine.begin() as connection:
        make_tables(connection)
        set_version(connection)
    with engine.connect() as connection, pytest.raises(SchemaOutOfDate, match="newer release"):
        make_tables(connection)


@pytest.mark.parametrize(
    ("name", "is_the_apps"),
    [
        ("orders", True),
        (None, True),
        ("supportkit_ticket", False),
        ("supportkit_version", False),
        ("ix_supportkit_timer_due", False),
        ("uq_supportkit_ticket_tenant_number", False),
        ("ix_orders_supportkit_ticket", True),
    ],
)
def test_names_of_the_app_are_told_from_ours(name: str | None, is_the_apps: bool) -> None:
    assert is_of_the_app(name, "table", {}) is is_the_apps
