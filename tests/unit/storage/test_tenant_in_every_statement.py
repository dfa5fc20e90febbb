"""Every statement on a table of ours binds the tenant: those that are fixed, and whatever a busy desk sends."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest
from sqlalchemy import text
from tests.channel_rig import Pigeon, delivery, message
from tests.tenant_watch import names_the_tenant, watching
from tests.unit.storage.counting import Calls, watched

from supportkit import Desk, ManualClock, Printer
from supportkit.storage.port import Expiring
from supportkit.storage.sql import SqlStorage
from supportkit.storage.statements import Statements

TENANT = "tenant-of-this-test"


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Statements)])
def test_a_fixed_statement_binds_the_tenant(name: str) -> None:
    statement = getattr(Statements.compile(SqlStorage("sqlite://").engine.dialect), name)
    assert statement.names is not None
    assert "tenant" in statement.names
    assert names_the_tenant(statement.sql), statement.sql


def busy_day(desk: Desk) -> None:
    """Call every verb and every question once."""
    kim = "agent:kim"
    customer = desk.customers.add("Ann", addresses={"chat": "@ann", "pigeon": "@ann"})
    desk.customers.update(customer.id, name="Anna")
    desk.customers.list()
    one = desk.open("printer", "It smokes.", customer=customer.id, tags=["a"], fields={"x": 1}, idempotency_key="k")
    two = desk.open("the same", customer=customer.id, links=[])
    desk.reply(one.id, "Please wait.", actor=kim)
    desk.ask(one.id, "Which one?", actor=kim, until="2026-01-06T09:00:00+00:00")
    desk.add_message(one.id, "That one.")
    desk.note(one.id, "again", actor=kim)
    desk.tag(one.id, "b", remove=["a"], actor=kim)
    desk.move_tier(one.id, 2, "hard", actor=kim)
    desk.link(one.id, "related", two.id, actor=kim)
    desk.merge(two.id, one.id, actor=kim)
    desk.unmerge(two.id, actor=kim)
    desk.split(one.id, [desk.messages(one.id)[0].id], "other", actor=kim)
    desk.resolve(one.id, "New fuser.", actor=kim)
    arrive(desk)
    desk.deliver_outbox()
    desk.tick("2026-03-01T09:00:00+00:00")
    desk.tick("2026-03-01T09:00:00+00:00")
    for criteria in ({"text": "printer \u5370"}, {"tags": "b"}, {"states": "open", "teams": "x"}, {"unassigned": True}):
        desk.find(**criteria)
    desk.find(limit=1, cursor=desk.find(limit=1).next)
    desk.counts()
    desk.history(one.id)
    desk.notes(one.id)
    desk.outbox(one.id, states=["sent"])
    list(desk.follow("reports"))
    desk.check(deep=True)


def arrive(desk: Desk) -> None:
    """Let something come in by every way, and look at it."""
    said = message("m1", "@ann", "Hello", thread="t1", reply_to=["out-1"], files=[("a.txt", "hello")])
    early = {"id": "early", "status": "failed"}
    for entry in (said, said | {"id": "m2"}, {"id": "m3", "from": "@bob"}, early):
        desk.receive("pigeon", delivery(entry))
    desk.process_inbox()
    desk.quarantine.fix(desk.quarantine.list()[0].id, b"{}")
    desk.quarantine.reprocess()
    ticket = desk.find(channels="pigeon").items[0]
    desk.reply(ticket, "Hello", actor="agent:kim")
    desk.deliver_outbox()
    desk.file(desk.messages(ticket)[0].attachments[0].id)
    desk.switch_channel(1, "pigeon", actor="agent:kim")
    with desk.storage.begin(desk.tenant) as unit:
        for kind in Expiring:
            unit.drop_expired(kind, desk.now() + dt.timedelta(days=1), 10)
        unit.delete_ticket(desk.get(ticket))


@pytest.fixture(scope="module")
def calls() -> Calls:
    storage, calls = watched("sqlite://")
    storage.migrate()
    calls.clear()
    clock = ManualClock("2026-01-05T09:00:00+00:00")
    busy_day(Desk(storage, tenant=TENANT, channels=[Printer(name="app", stream=open_nowhere()), Pigeon()], clock=clock))
    storage.close()
    return calls


def open_nowhere() -> Any:
    import io

    return io.StringIO()


def on_our_tables(calls: Calls) -> list[tuple[str, Any]]:
    return [(sql, values) for sql, values in calls.log if "supportkit_" in sql and "supportkit_version" not in sql]


def test_a_busy_day_sends_a_hundred_statements(calls: Calls) -> None:
    assert len(on_our_tables(calls)) > 100


def test_every_statement_of_a_busy_day_names_the_tenant(calls: Calls) -> None:
    assert [
        sql for sql, _values in on_our_tables(calls) if "sqlite_master" not in sql and not names_the_tenant(sql)
    ] == []


def test_every_statement_of_a_busy_day_binds_this_tenant(calls: Calls) -> None:
    rows = [
        (sql, row) for sql, values in on_our_tables(calls) for row in (values if isinstance(values, list) else [values])
    ]
    assert [sql for sql, row in rows if TENANT not in row] == []


# -- the watch of other tests ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT supportkit_ticket.id FROM supportkit_ticket WHERE supportkit_ticket.id = 'x'",
        "UPDATE supportkit_timer SET state = 'done'",
        "DELETE FROM supportkit_note WHERE supportkit_note.id = 'x'",
        "SELECT o.id FROM supportkit_outbox AS o JOIN supportkit_ticket AS t ON t.id = o.ticket WHERE o.tenant = 'a'",
    ],
)
def test_the_watch_sees_a_statement_without_a_tenant(sql: str) -> None:
    with watching() as wrong:
        storage = SqlStorage("sqlite://")
        storage.migrate()
        with storage.begin("acme") as unit:
            assert unit.get("x") is None
            unit._cursor.execute(sql)
            unit._link._connection.execute(text(sql))
        storage.close()
    assert wrong == [sql, sql]
