"""A desk on PostgreSQL and on MariaDB: a day of work, the schema, and what each verb costs."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import psycopg
import pymysql
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, inspect
from tests import servers
from tests.tenant_watch import watching

from supportkit import Desk, ManualClock, Printer, Ticket
from supportkit.cli.commands import app
from supportkit.errors import SchemaOutOfDate
from supportkit.storage import migrations, schema
from supportkit.storage.connections import Transaction
from supportkit.storage.database import database_named
from supportkit.storage.sql import SqlStorage

KIM = "agent:kim"
KINDS = [servers.POSTGRESQL, servers.MARIADB]


@pytest.fixture(scope="module", params=KINDS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with servers.database(request.param) as url:
        yield url


@pytest.fixture
def storage(url: str) -> Iterator[SqlStorage]:
    with watching() as wrong:
        storage = servers.emptied(url)
        yield storage
        storage.close()
    assert wrong == []


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest) -> Iterator[str]:
    with servers.empty_database(request.param) as url:
        yield url


def desk_on(storage: str | SqlStorage) -> Desk:
    clock = ManualClock("2026-01-05T09:00:00+00:00")
    return Desk(storage, channels=[Printer(name="app", stream=io.StringIO())], clock=clock)


# -- a day of work ---------------------------------------------------------------------------------------------------


def test_a_day_of_work_leaves_rows_that_are_the_fold_of_their_logs(url: str, storage: SqlStorage) -> None:
    with desk_on(url) as desk:
        ann = desk.customers.add("Ann", addresses={"chat": "@ann"})
        one = desk.open(
            "Drucker brennt \U0001f525", "It smokes.", customer=ann.id, tags=["打印机"], idempotency_key="k"
        )
        two = desk.open("the same", "still smoking", customer=ann.id)
        assert [one.number, two.number] == [1, 2]
        desk.reply(one.id, "Please wait.", actor=KIM)
        assert desk.deliver_outbox().sent == 1
        desk.add_message(one.id, "I wait.")
        desk.note(one.id, "the vendor knows", actor=KIM)
        desk.merge(two.id, one.id, actor=KIM)
        desk.resolve(one.id, "New fuser.", actor=KIM)
        assert desk.tick("2026-03-01T09:00:00+00:00").fired > 0
        assert desk.get(one.id).state == "closed"
        assert [ticket.number for ticket in desk.find(text="still smoking").items] == [2]
        assert [ticket.number for ticket in desk.find(tags=["打印机"]).items] == [1]
        assert (
            desk.open("Drucker brennt \U0001f525", "It smokes.", customer=ann.id, tags=["打印机"], idempotency_key="k")
            == one
        )
        servers.wait_for_others(storage.engine)
        seen = list(desk.follow("reports"))
        assert len(seen) == sum(len(desk.history(ticket.id)) for ticket in desk.find().items)
        assert {finding.severity for finding in desk.check(deep=True)} == {"ok"}
    assert "supportkit_test" in repr(storage)


def test_commands_of_one_transaction_are_kept_together(storage: SqlStorage) -> None:
    desk = desk_on(storage)
    with desk.transaction() as inside:
        one = inside.open("printer", actor=KIM)
        inside.reply(one.id, "Please wait.", actor=KIM)
        inside.open("scanner", actor=KIM)
    with pytest.raises(KeyError), desk.transaction() as inside:
        inside.end(one.id, actor=KIM, reason="spam")
        raise KeyError
    assert [ticket.state for ticket in desk.find().items] == ["open", "new"]
    assert {finding.severity for finding in desk.check(deep=True)} == {"ok"}


def test_threads_that_write_on_one_ticket_lose_nothing(storage: SqlStorage) -> None:
    desk = desk_on(storage)
    ticket = desk.open("printer", actor=KIM)
    raised: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                desk.note(ticket.id, f"note {number}.{turn}", actor=KIM)
        except BaseException as error:  # noqa: BLE001 - carried to the test
            raised.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert raised == []
    assert len(desk.notes(ticket.id)) == 15
    assert [recorded.seq for recorded in desk.history(ticket.id)] == list(range(1, 17))


def test_what_differs_in_case_or_in_a_space_at_the_end_is_another_key(storage: SqlStorage) -> None:
    desk = desk_on(storage)
    keys = ["key", "KEY", "key ", "key  "]
    opened = [desk.open("printer", actor=KIM, idempotency_key=key) for key in keys]
    assert [ticket.number for ticket in opened] == [1, 2, 3, 4]
    assert [desk.open("printer", actor=KIM, idempotency_key=key) for key in keys] == opened


# -- the schema ------------------------------------------------------------------------------------------------------


def tables_of(url: str) -> list[str]:
    storage = SqlStorage(url)
    names = inspect(storage.engine).get_table_names()
    storage.close()
    return sorted(names)


def test_a_desk_makes_no_tables_on_a_server(empty: str) -> None:
    with pytest.raises(SchemaOutOfDate, match="supportkit migrate") as caught:
        Desk(empty)
    assert (caught.value.found, caught.value.wanted) == (None, schema.SCHEMA_VERSION)
    assert tables_of(empty) == []


@pytest.mark.parametrize(("version", "advice"), [("0000", "supportkit migrate"), ("9999", "newer release")])
def test_a_desk_changes_no_tables_on_a_server(storage: SqlStorage, url: str, version: str, advice: str) -> None:
    def set_version(to: str) -> None:
        with storage.engine.connect() as connection:
            connection.execute(schema.version.update().values(version_num=to))

    set_version(version)
    try:
        with pytest.raises(SchemaOutOfDate, match=advice) as caught:
            Desk(url)
        assert caught.value.found == version
        with pytest.raises(SchemaOutOfDate):
            storage.migrate()
        assert storage.version() == version
    finally:
        set_version(schema.SCHEMA_VERSION)


def test_a_unit_of_work_without_tables_says_what_to_call(empty: str) -> None:
    storage = SqlStorage(empty)
    with pytest.raises(SchemaOutOfDate, match=r"migrate\(\)"), storage.begin("acme", write=False) as unit:
        unit.get("ticket-1")
    storage.close()


def test_the_command_line_makes_the_tables(empty: str) -> None:
    from typer.testing import CliRunner

    runs = [CliRunner().invoke(app, ["migrate", "--database", empty]) for _ in range(2)]
    assert [(run.exit_code, run.stdout.split(":")[0]) for run in runs] == [
        (0, "The tables are made"),
        (0, "Nothing to do"),
    ]
    with Desk(empty) as desk:
        assert desk.open("printer", actor=KIM).number == 1


def test_processes_that_migrate_at_once_all_succeed(empty: str) -> None:
    program = (
        "import sys\n"
        "from supportkit.storage.sql import SqlStorage\n"
        "storage = SqlStorage(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "storage.migrate()\n"
        "with storage.begin('acme') as unit:\n"
        "    unit.reserve_number()\n"
        "storage.close()\n"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-W", "error", "-c", program, empty]
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in processes] == [""] * 3
    storage = SqlStorage(empty)
    with storage.begin("acme") as unit:
        assert unit.reserve_number() == 4
    storage.close()


def test_migrations_and_metadata_make_the_same_tables(empty: str) -> None:
    storage = SqlStorage(empty)
    database = storage._database
    with (
        storage._connections.exclusively(write=True) as connection,
        Transaction(connection, *database.begin_writing),
        database.one_migration(connection),
    ):
        migrations.upgrade(connection, None)
    with storage.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
        ours = [change for change in compare_metadata(context, schema.metadata) if "_state" not in str(change)]
    assert ours == []
    with servers.database(database.name) as made:
        other = SqlStorage(made)
        assert shape(storage) == shape(other)
        other.close()
    storage.close()


def shape(storage: SqlStorage) -> dict[str, Any]:
    """Return the columns, keys and indexes of every table, as the server tells them."""
    found = inspect(storage.engine)
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
            found.get_pk_constraint(name)["constrained_columns"],
            sorted((index["name"] or "", index["column_names"]) for index in found.get_indexes(name)),
            sorted((key["name"] or "", key["column_names"]) for key in found.get_unique_constraints(name)),
            found.get_table_options(name),
        )
        for name in found.get_table_names()
    } | {"sequences": found.get_sequence_names() if found.dialect.name == "postgresql" else []}


# -- what a verb costs -----------------------------------------------------------------------------------------------


@attrs.define
class Calls:
    log: list[str] = attrs.field(factory=list)


@pytest.fixture
def watched(url: str) -> Iterator[tuple[Desk, Calls]]:
    """Give a desk whose connections write down what is sent in cursors."""
    servers.emptied(url).close()
    calls = Calls()

    class PostgresqlCursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *values: Any, **options: Any) -> Any:
            calls.log.append(query)
            return super().execute(query, *values, **options)

        def executemany(self, query: Any, *values: Any, **options: Any) -> Any:
            calls.log.append(query)
            return super().executemany(query, *values, **options)

    class MariadbCursor(pymysql.cursors.Cursor):
        def execute(self, query: Any, args: Any = None) -> Any:
            calls.log.append(query if isinstance(query, str) else bytes(query).decode())
            return super().execute(query, args)

    storage = SqlStorage(url)

    @event.listens_for(storage.engine, "connect")
    def watch(driver: Any, _record: object) -> None:
        if storage._database is database_named("postgresql"):
            driver.cursor_factory = PostgresqlCursor
        else:
            driver.cursorclass = MariadbCursor

    yield desk_on(storage), calls
    storage.close()


VERBS: dict[str, Callable[[Desk, Ticket], object]] = {
    "open": lambda desk, ticket: desk.open(
        "printer", "It smokes.", customer=ticket.customer, tags=["a", "b"], fields={"x": 1}, idempotency_key="k"
    ),
    "reply": lambda desk, ticket: desk.reply(ticket.id, "Please wait.", actor=KIM, idempotency_key="k"),
    "receive": lambda desk, ticket: desk.add_message(ticket.id, "Well?", idempotency_key="k"),
    "resolve": lambda desk, ticket: desk.resolve(ticket.id, "New fuser.", actor=KIM, idempotency_key="k"),
    "tag": lambda desk, ticket: desk.tag(ticket.id, "vip", actor=KIM, idempotency_key="k"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_a_few_statements(watched: tuple[Desk, Calls], verb: str) -> None:
    desk, calls = watched
    customer = desk.customers.add("Ann", addresses={"chat": "@ann"})
    ticket = desk.open("printer", "It does not print.", customer=customer.id)
    calls.log.clear()
    VERBS[verb](desk, ticket)
    sent = [sql for sql in calls.log if "supportkit_" in sql]
    assert len(sent) <= 9, "\n".join(sent)
    assert len([sql for sql in calls.log if sql == "COMMIT"]) <= 1
