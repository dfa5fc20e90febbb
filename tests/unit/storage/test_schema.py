"""The tables: tenant first in every key, one way to make them, whichever way they are made."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Table, UniqueConstraint, create_engine

from supportkit.errors import SchemaOutOfDate, StorageError
from supportkit.storage import migrations, schema
from supportkit.storage.connections import Transaction
from supportkit.storage.sql import SqlStorage

TABLES = list(schema.metadata.tables.values())


def master(path: Path) -> list[tuple[str, str, str, str | None]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    connection.close()
    return rows


def versions(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchall()
    connection.close()
    return [version for (version,) in rows]


def set_version(path: Path, version: str | None) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"DELETE FROM {schema.VERSION_TABLE}")
    if version is not None:
        connection.execute(f"INSERT INTO {schema.VERSION_TABLE} VALUES (?)", (version,))
    connection.commit()
    connection.close()


def create(path: Path) -> None:
    with contextlib.closing(SqlStorage(f"sqlite:///{path}")) as storage:
        storage.migrate()


def upgrade(path: Path, version: str | None = None) -> None:
    """Run Alembic as `migrate` does it, in one transaction of ours."""
    storage = SqlStorage(f"sqlite:///{path}")
    try:
        with storage._connections.exclusively(write=True) as connection, Transaction(connection, "BEGIN IMMEDIATE"):
            migrations.upgrade(connection, version)
    finally:
        storage.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "support.db"
    create(path)
    return path


# -- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_tenant_is_the_first_column_of_every_key(table: Table) -> None:
    keys = [table.primary_key, *(one for one in table.constraints if isinstance(one, UniqueConstraint)), *table.indexes]
    assert keys
    assert [next(iter(key.columns)).name for key in keys] == ["tenant"] * len(keys)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_of_ours_is_named_so(table: Table) -> None:
    assert table.name.startswith("supportkit_")


# -- two ways to one schema ------------------------------------------------------------------------------------------


def test_migrations_and_metadata_make_the_same_database(tmp_path: Path, database: Path) -> None:
    upgrade(tmp_path / "upgraded.db")
    assert master(tmp_path / "upgraded.db") == master(database)
    assert versions(tmp_path / "upgraded.db") == versions(database) == [schema.SCHEMA_VERSION]


def test_alembic_finds_nothing_to_change(tmp_path: Path) -> None:
    upgrade(tmp_path / "upgraded.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'upgraded.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": schema.VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_version_of_this_release() -> None:
    names = sorted(path.name for path in (migrations.LOCATION / "versions").glob("[0-9]*.py"))
    assert names[-1].startswith(f"{schema.SCHEMA_VERSION}_")


def test_the_tables_of_an_app_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    connection.execute("INSERT INTO orders VALUES (7)")
    connection.commit()
    connection.close()
    create(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT id FROM orders").fetchall() == [(7,)]
    connection.close()
    assert versions(path) == [schema.SCHEMA_VERSION]


# -- upgrades --------------------------------------------------------------------------------------------------------


def migration_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Put one more migration beside those of this release, in a copy of the folder."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for path in (migrations.LOCATION / "env.py", *(migrations.LOCATION / "versions").glob("0*.py")):
        (folder / path.relative_to(migrations.LOCATION)).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "versions" / "9000_second.py").write_text(
        'from alembic import op\n\nrevision = "9000"\n'
        f'down_revision = "{schema.SCHEMA_VERSION}"\n\n\ndef upgrade():\n{body}',
        encoding="utf-8",
    )
    monkeypatch.setattr(migrations, "LOCATION", folder)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", "9000")


def test_an_older_database_is_brought_to_this_release(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration_that(tmp_path, monkeypatch, '    op.execute("CREATE TABLE supportkit_new (tenant TEXT)")\n')
    create(database)
    assert versions(database) == ["9000"]
    assert "supportkit_new" in [name for _type, name, _table, _sql in master(database)]


def test_an_upgrade_that_fails_leaves_the_old_schema(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, released = master(database), schema.SCHEMA_VERSION
    lines = ['op.execute("CREATE TABLE supportkit_new (tenant TEXT)")', 'op.execute("INSERT INTO nowhere VALUES (1)")']
    migration_that(tmp_path, monkeypatch, "".join(f"    {line}\n" for line in lines))
    with pytest.raises(StorageError):
        create(database)
    assert master(database) == before
    assert versions(database) == [released]


@pytest.mark.parametrize(
    ("version", "advice"), [("9999", "newer release"), ("0000", "restore a backup"), (None, "does not say")]
)
def test_a_schema_that_this_release_does_not_know_is_refused_with_advice(
    database: Path, version: str | None, advice: str
) -> None:
    set_version(database, version)
    before = master(database)
    with pytest.raises(SchemaOutOfDate, match=advice) as caught:
        create(database)
    assert (caught.value.found, caught.value.wanted) == (version, schema.SCHEMA_VERSION)
    assert master(database) == before


def test_tables_without_a_version_are_not_touched(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute(f"DROP TABLE {schema.VERSION_TABLE}")
    connection.close()
    before = master(database)
    with pytest.raises(SchemaOutOfDate, match="does not say"):
        create(database)
    assert master(database) == before


def test_a_storage_that_was_not_migrated_says_what_to_call(tmp_path: Path) -> None:
    storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")
    with pytest.raises(SchemaOutOfDate, match=r"migrate\(\)"), storage.begin("acme", write=False) as unit:
        unit.get("ticket-1")
    storage.migrate()
    with storage.begin("acme", write=False) as unit:
        assert unit.get("ticket-1") is None
    storage.close()


def test_processes_that_create_one_file_at_once_all_succeed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    program = (
        "import sys\n"
        "from supportkit.storage.sql import SqlStorage\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        f"storage = SqlStorage({url!r})\n"
        "storage.migrate()\n"
        "with storage.begin('acme') as unit:\n"
        "    unit.reserve_number()\n"
        "storage.close()\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert errors == [""] * len(processes)
    storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")
    with storage.begin("acme") as unit:
        assert unit.reserve_number() == len(processes) + 1
    storage.close()
    assert versions(tmp_path / "support.db") == [schema.SCHEMA_VERSION]
