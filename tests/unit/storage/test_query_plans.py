"""How SQLite means to answer: by index, whatever a desk has grown to (`performance.md` P6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from sqlalchemy import Connection

from supportkit.model.ticket import Priority
from supportkit.storage import schema
from supportkit.storage.port import TicketQuery
from supportkit.storage.search import find_statement, write_cursor
from supportkit.storage.sql import SqlStorage
from supportkit.storage.statements import Statements

TIMER = "ix_supportkit_timer_due"
OUTBOX = "ix_supportkit_outbox_due"
NAMES = [field.name for field in attrs.fields(Statements)]


@pytest.fixture(scope="module")
def storage() -> Iterator[SqlStorage]:
    storage = SqlStorage("sqlite://")
    storage.migrate()
    yield storage
    storage.close()


def plan_of(connection: Connection, sql: str) -> list[str]:
    driver: Any = connection.connection.driver_connection
    steps = driver.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?")).fetchall()
    return [step[3] for step in steps]


def plan(storage: SqlStorage, name: str) -> list[str]:
    with storage.engine.connect() as connection:
        return plan_of(connection, getattr(storage._st, name).sql)


def finding(storage: SqlStorage, **criteria: Any) -> list[str]:
    statement = find_statement("acme", TicketQuery(**criteria))
    sql = str(statement.compile(storage.engine, compile_kwargs={"render_postcompile": True}))
    with storage.engine.connect() as connection:
        return plan_of(connection, sql)


@pytest.mark.parametrize("name", NAMES)
def test_no_statement_reads_a_whole_table(storage: SqlStorage, name: str) -> None:
    tables = "|".join([*schema.metadata.tables, "older"])
    assert [step for step in plan(storage, name) if re.match(rf"SCAN ({tables})\b", step)] == []


@pytest.fixture(params=["empty", "a thousand wait", "most are settled"])
def with_timers(request: pytest.FixtureRequest, storage: SqlStorage) -> Iterator[SqlStorage]:
    """A table about which SQLite knows nothing, and two of which it has statistics: plans must not depend on them."""
    with storage.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if request.param != "empty":
            driver.execute("BEGIN")
            put_timers(driver, 1000)
            if request.param == "most are settled":
                driver.execute("UPDATE supportkit_timer SET state = 'done' WHERE due_at > 1010")
            driver.execute("COMMIT")
            driver.execute("ANALYZE")
        yield storage
        if request.param != "empty":
            driver.execute("DELETE FROM supportkit_timer")
            driver.execute("DELETE FROM sqlite_stat1")
            driver.execute("ANALYZE sqlite_schema")


def put_timers(driver: Any, count: int, *, name: str = "resume", due: int = 1000, state: str = "waiting") -> None:
    row = f"INSERT INTO supportkit_timer VALUES ('acme', ?, '{name}', '', ?, '{state}', 0, 0, NULL)"
    driver.executemany(row, [(f"ticket-{number:06}", due + number) for number in range(count)])


@pytest.mark.parametrize("name", ["due_timers", "claim_timers", "timer_backlog"])
def test_due_deadlines_are_a_range_of_the_partial_index(with_timers: SqlStorage, name: str) -> None:
    steps = plan(with_timers, name)
    assert any(f"{TIMER} (tenant=? AND due_at<?)" in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps
    assert not any("SCAN supportkit_timer" in step for step in steps), steps


@pytest.mark.parametrize("name", ["claim_timers", "claim_timer", "settle_timer"])
def test_a_deadline_is_updated_by_its_key(with_timers: SqlStorage, name: str) -> None:
    steps = plan(with_timers, name)
    assert any("(tenant=? AND ticket=? AND name=? AND instance=?)" in step for step in steps), steps


def test_an_idle_tick_looks_at_the_begin_of_the_partial_index(with_timers: SqlStorage) -> None:
    steps = [step for step in plan(with_timers, "timer_next") if "supportkit_timer" in step]
    assert len(steps) == 2
    assert all(f"USING INDEX {TIMER} (tenant=?" in step for step in steps), steps


def work_of(storage: SqlStorage, name: str, values: dict[str, Any], fill: Callable[[Any], None]) -> int:
    """Return how long SQLite works on a statement over what *fill* puts into the table, in steps of its machine."""
    with storage.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN")
        fill(driver)
        steps: list[int] = []
        statement = getattr(storage._st, name)
        driver.set_progress_handler(lambda: steps.append(1), 1)
        driver.execute(statement.sql, statement.bind({"tenant": "acme", **values})).fetchall()
        driver.set_progress_handler(None, 0)
        driver.execute("ROLLBACK")
    return len(steps)


@pytest.mark.parametrize("name", ["timer_backlog", "timer_next"])
def test_an_idle_tick_costs_the_same_whether_ten_wait_or_ten_thousand(storage: SqlStorage, name: str) -> None:
    few, many = (work_of(storage, name, {"now": 5}, lambda driver, n=n: put_timers(driver, n)) for n in (10, 10_000))
    assert few == many


@pytest.mark.parametrize("name", ["timer_backlog", "timer_next"])
def test_an_idle_tick_costs_the_same_after_ten_thousand_that_are_settled(storage: SqlStorage, name: str) -> None:
    def few(driver: Any) -> None:
        put_timers(driver, 10, due=90_000)

    def many(driver: Any) -> None:
        few(driver)
        for state in ("done", "cancelled", "parked"):
            put_timers(driver, 10_000, name=state, state=state)

    at = {"now": 50_000}
    assert work_of(storage, name, at, few) == work_of(storage, name, at, many)


@pytest.mark.parametrize("name", ["due_timers", "claim_timers"])
def test_a_claim_costs_the_same_whatever_else_is_due_or_waits(storage: SqlStorage, name: str) -> None:
    values = {"now": 6000, "limit": 10, "lease_until": 9000}
    few, many = (work_of(storage, name, values, lambda driver, n=n: put_timers(driver, n)) for n in (20, 10_000))
    assert few == many


def test_an_idle_tick_finds_the_first_of_a_thousand(storage: SqlStorage) -> None:
    with storage.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN")
        put_timers(driver, 1000)
        statement = storage._st.timer_next
        assert driver.execute(statement.sql, statement.bind({"tenant": "acme", "now": 5})).fetchone() == (1000,)
        driver.execute("ROLLBACK")


def put_deliveries(driver: Any, count: int, *, ticket: str = "t", due: int = 1000, state: str = "pending") -> None:
    """Queue deliveries of as many tickets, each due a microsecond after the one before."""
    columns = [column.name for column in schema.outbox.columns]
    fixed: dict[str, Any] = {
        "tenant": "acme", "seq": 1, "rule": "reply", "channel": "app", "account": "", "recipient": "c", "part": 1,
        "policy": "at_least_once", "state": state, "created_at": 0, "attempts": 0, "fence": 0, "possible_duplicate": 0,
    }  # fmt: skip
    each = [f"{ticket}-{number:06}" for number in range(count)]
    rows = [
        fixed | {"id": name, "ticket": name, "cause": name, "message": name, "available_at": due + number}
        for number, name in enumerate(each)
    ]
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO supportkit_outbox ({', '.join(columns)}) VALUES ({marks})"
    driver.executemany(statement, [[row.get(name) for name in columns] for row in rows])


@pytest.fixture(params=["empty", "a thousand wait", "most are settled"])
def with_deliveries(request: pytest.FixtureRequest, storage: SqlStorage) -> Iterator[SqlStorage]:
    with storage.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if request.param != "empty":
            driver.execute("BEGIN")
            put_deliveries(driver, 1000)
            if request.param == "most are settled":
                driver.execute("UPDATE supportkit_outbox SET state = 'sent' WHERE available_at > 1010")
            driver.execute("COMMIT")
            driver.execute("ANALYZE")
        yield storage
        if request.param != "empty":
            driver.execute("DELETE FROM supportkit_outbox")
            driver.execute("DELETE FROM sqlite_stat1")
            driver.execute("ANALYZE sqlite_schema")


LANE = "tenant=? AND channel=? AND account=? AND state=?"


@pytest.mark.parametrize(
    ("name", "range_"),
    [
        ("due_outbox", f"{LANE} AND available_at<?"),
        ("lost_outbox", f"{LANE} AND available_at>?"),
        ("outbox_backlog", f"{LANE} AND available_at<?"),
        ("outbox_next", f"{LANE} AND available_at>?"),
        ("next_channel", "tenant=? AND channel>?"),
        ("next_account", "tenant=? AND channel=? AND account>?"),
    ],
)
def test_the_queue_of_an_account_is_a_range_of_the_partial_index(
    with_deliveries: SqlStorage, name: str, range_: str
) -> None:
    steps = plan(with_deliveries, name)
    assert any(f"INDEX {OUTBOX} ({range_})" in step for step in steps), steps
    assert not any("SCAN supportkit_outbox" in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps if name != "lost_outbox"), steps
    assert name.startswith("next") or any(
        "SEARCH older USING" in step and "tenant=? AND ticket=? AND channel=?" in step for step in steps
    ), steps


PLACE = {"channel": "app", "account": ""}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("due_outbox", {**PLACE, "now": 99_000}),
        ("lost_outbox", {**PLACE, "now": 99_000}),
        ("outbox_next", {**PLACE, "now": 5}),
        ("outbox_backlog", {**PLACE, "now": 5}),
        ("next_channel", {"channel": "app"}),
        ("next_account", PLACE),
    ],
)
def test_a_claim_and_an_idle_turn_cost_the_same_whether_ten_wait_or_ten_thousand(
    storage: SqlStorage, name: str, values: dict[str, Any]
) -> None:
    few, many = (
        work_of(storage, name, dict(values), lambda driver, n=n: put_deliveries(driver, n)) for n in (10, 10_000)
    )
    assert few == many


@pytest.mark.parametrize("name", ["due_outbox", "lost_outbox", "outbox_next", "outbox_backlog"])
def test_a_claim_and_an_idle_turn_cost_the_same_after_ten_thousand_that_are_settled(
    storage: SqlStorage, name: str
) -> None:
    def few(driver: Any) -> None:
        put_deliveries(driver, 10, due=90_000)

    def many(driver: Any) -> None:
        few(driver)
        for state in ("sent", "failed", "parked"):
            put_deliveries(driver, 10_000, ticket=state, state=state)

    at = {**PLACE, "now": 50_000}
    assert work_of(storage, name, dict(at), few) == work_of(storage, name, dict(at), many)


def test_counting_what_is_due_ends_at_a_thousand(storage: SqlStorage) -> None:
    values = {**PLACE, "now": 99_000}
    some, many = (
        work_of(storage, "outbox_backlog", dict(values), lambda driver, n=n: put_deliveries(driver, n))
        for n in (1_000, 10_000)
    )
    assert many <= some + 10


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("get", "tenant=? AND id=?"),
        ("by_number", "tenant=? AND number=?"),
        ("history", "tenant=? AND ticket=?"),
        ("events_after", "tenant=? AND position>?"),
        ("receipt", "tenant=? AND key=?"),
        ("update_ticket", "tenant=? AND id=?"),
        ("claim_outbox", "tenant=? AND id=?"),
        ("delivery", "tenant=? AND id=?"),
        ("decide_outbox", "tenant=? AND id=?"),
        ("cancel_outbox", "tenant=? AND id=?"),
        ("withdraw_outbox", "tenant=? AND id=?"),
        ("unsettled", "tenant=? AND ticket=?"),
    ],
)
def test_single_things_are_looked_up_by_their_key(storage: SqlStorage, name: str, key: str) -> None:
    assert any(key in step for step in plan(storage, name)), plan(storage, name)


@pytest.mark.parametrize(
    ("criteria", "key"),
    [
        ({"states": "open"}, "tenant=? AND state=?"),
        ({"assignees": "kim"}, "tenant=? AND assignee=?"),
        ({"assignees": "kim", "states": "open"}, "tenant=? AND assignee=? AND state=?"),
        ({"teams": "east"}, "tenant=? AND team=?"),
        ({"customers": "ann"}, "tenant=? AND customer=?"),
        ({"states": ("open", "new"), "priorities": (Priority.HIGH,)}, "tenant=? AND state=?"),
        ({"states": "open", "sort": "priority"}, "tenant=? AND state=?"),
        ({"unassigned": True}, "tenant=? AND assignee=?"),
        ({"tags": "vip"}, "tenant=? AND term=?"),
        ({"text": "printer"}, "tenant=? AND term=?"),
        ({"text": "\u5370"}, "tenant=? AND term>? AND term<?"),
        ({"sort": "updated_at", "descending": True}, "ix_supportkit_ticket_tenant_updated_at"),
    ],
)
def test_tickets_are_found_by_an_index(storage: SqlStorage, criteria: Any, key: str) -> None:
    steps = finding(storage, **criteria)
    assert any(key in step for step in steps), steps


@pytest.mark.parametrize(
    "criteria", [{}, {"descending": True}, {"sort": "updated_at"}, {"states": "open"}, {"customers": "ann"}]
)
def test_a_page_of_tickets_needs_no_sorting(storage: SqlStorage, criteria: Any) -> None:
    assert not any("TEMP B-TREE" in step for step in finding(storage, **criteria))


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["number", "updated_at"])
def test_a_later_page_begins_where_the_one_before_ended(storage: SqlStorage, sort: str, descending: bool) -> None:
    query = TicketQuery(sort=sort, descending=descending)
    cursor = write_cursor(query, 5, 5)
    steps = finding(storage, sort=sort, descending=descending, cursor=cursor)
    assert any(f"tenant=? AND {sort}{'<' if descending else '>'}?" in step for step in steps), steps
