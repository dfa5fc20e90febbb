"""What each verb costs: at most nine statements and exactly one commit (`performance.md` P1), counted at the driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.storage.counting import Calls, watched

from supportkit import Desk, ManualClock, Printer, Ticket

KIM = "agent:kim"
MOST = 9


@pytest.fixture(params=["file", "memory"])
def desk_and_calls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Desk, Calls]]:
    storage, calls = watched("sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'support.db'}")
    storage.migrate()
    yield Desk(storage, channels=[Printer(name="app")], clock=ManualClock("2026-01-05T09:00:00+00:00")), calls
    storage.close()


def opened(desk: Desk, subject: str = "printer") -> Ticket:
    customer = desk.customers.add("Ann", addresses={"chat": "@ann"})
    return desk.open(subject, "It does not print.", customer=customer.id)


VERBS: dict[str, Callable[[Desk, Ticket], object]] = {
    "open": lambda desk, ticket: desk.open(
        "printer", "It smokes.", customer=ticket.customer, tags=["a", "b"], fields={"x": 1}, idempotency_key="k"
    ),
    "reply": lambda desk, ticket: desk.reply(ticket.id, "Please wait.", actor=KIM, idempotency_key="k"),
    "receive": lambda desk, ticket: desk.add_message(ticket.id, "Well?", idempotency_key="k"),
    "ask": lambda desk, ticket: desk.ask(ticket.id, "Which one?", actor=KIM, idempotency_key="k"),
    "note": lambda desk, ticket: desk.note(ticket.id, "again", actor=KIM, idempotency_key="k"),
    "start": lambda desk, ticket: desk.start(ticket.id, actor=KIM, idempotency_key="k"),
    "hold": lambda desk, ticket: desk.hold(ticket.id, "vendor", actor=KIM, idempotency_key="k"),
    "resolve": lambda desk, ticket: desk.resolve(ticket.id, "New fuser.", actor=KIM, idempotency_key="k"),
    "end": lambda desk, ticket: desk.end(ticket.id, actor=KIM, reason="spam", idempotency_key="k"),
    "assign": lambda desk, ticket: desk.assign(ticket.id, actor=KIM, assignee="lee", idempotency_key="k"),
    "move_tier": lambda desk, ticket: desk.move_tier(ticket.id, 2, "hard", actor=KIM, idempotency_key="k"),
    "set_priority": lambda desk, ticket: desk.set_priority(ticket.id, "high", actor=KIM, idempotency_key="k"),
    "set_subject": lambda desk, ticket: desk.set_subject(ticket.id, "scanner", actor=KIM, idempotency_key="k"),
    "set_fields": lambda desk, ticket: desk.set_fields(ticket.id, {"x": 1}, actor=KIM, idempotency_key="k"),
    "tag": lambda desk, ticket: desk.tag(ticket.id, "vip", actor=KIM, idempotency_key="k"),
    "followers": lambda desk, ticket: desk.followers(ticket.id, "lee", actor=KIM, idempotency_key="k"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_a_few_statements_and_one_commit(desk_and_calls: tuple[Desk, Calls], verb: str) -> None:
    desk, calls = desk_and_calls
    ticket = opened(desk)
    calls.clear()
    VERBS[verb](desk, ticket)
    assert len(calls.like("BEGIN IMMEDIATE")) == 1
    assert calls.log[-1][0] == "COMMIT"
    assert len(calls.statements) <= MOST, "\n".join(calls.statements)


@pytest.mark.parametrize(
    ("addresses", "writes"),
    [({}, 0), ({"chat": "@ann"}, 1), ({"chat": "@ann", "email": "ann@example.com", "sms": "+4930123456"}, 1)],
)
def test_a_customer_costs_one_statement_more_for_all_his_addresses(
    desk_and_calls: tuple[Desk, Calls], addresses: dict[str, str], writes: int
) -> None:
    """They are kept findable in a table of their own; a change also takes the old ones out of it."""
    desk, calls = desk_and_calls
    calls.clear()
    customer = desk.customers.add("Ann", addresses=addresses)
    assert [sql.split()[2] for sql in calls.like("INSERT")] == ["supportkit_customer"] + ["supportkit_address"] * writes
    assert (calls.like("DELETE"), len(calls.like("COMMIT"))) == ([], 1)
    calls.clear()
    desk.customers.update(customer.id, name="Anna")
    assert len(calls.like("DELETE")) == len(calls.like("BEGIN IMMEDIATE")) == 1
    assert len(calls.like("INSERT")) == writes


@pytest.mark.parametrize("verb", ["merge", "unmerge", "link"])
def test_a_verb_about_two_tickets_is_one_commit_too(desk_and_calls: tuple[Desk, Calls], verb: str) -> None:
    desk, calls = desk_and_calls
    one, two = opened(desk), opened(desk, "the same")
    if verb == "unmerge":
        desk.merge(two.id, one.id, actor=KIM)
    calls.clear()
    if verb == "link":
        desk.link(one.id, "related", two.id, actor=KIM, idempotency_key="k")
    else:
        getattr(desk, verb)(two.id, *([one.id] if verb == "merge" else []), actor=KIM, idempotency_key="k")
    assert len(calls.like("COMMIT")) == len(calls.like("BEGIN IMMEDIATE")) == 1
    logs = 0 if verb == "link" else 2  # whose clocks are joined or parted, their logs are read
    assert len(calls.statements) <= MOST + logs, "\n".join(calls.statements)


def test_a_split_costs_the_same_for_one_message_and_for_twenty(desk_and_calls: tuple[Desk, Calls]) -> None:
    desk, calls = desk_and_calls
    costs = []
    for count in (1, 20):
        ticket = opened(desk)
        for _ in range(count):
            desk.reply(ticket.id, "one more thing", actor=KIM)
        messages = [message.id for message in desk.messages(ticket.id)][1:]
        calls.clear()
        desk.split(ticket.id, messages, "other", actor=KIM)
        costs.append(len(calls.statements))
    assert costs[0] == costs[1] <= MOST + 1  # it also reads the messages that it moves


def test_a_command_that_changes_nothing_writes_nothing(desk_and_calls: tuple[Desk, Calls]) -> None:
    desk, calls = desk_and_calls
    ticket = opened(desk)
    calls.clear()
    desk.set_priority(ticket.id, "normal", actor=KIM)
    assert calls.like("INSERT", "UPDATE", "DELETE") == []


def test_an_idle_tick_is_one_short_read(desk_and_calls: tuple[Desk, Calls]) -> None:
    desk, calls = desk_and_calls
    opened(desk)
    desk.tick()  # opens the connection that reads
    calls.clear()
    desk.tick()
    assert [sql.split()[0] for sql, _values in calls.log] == ["BEGIN", "SELECT", "SELECT", "SELECT", "COMMIT"]
    assert calls.like("BEGIN") == ["BEGIN"]


def test_a_sweep_claims_fifty_deadlines_in_one_statement(desk_and_calls: tuple[Desk, Calls]) -> None:
    desk, calls = desk_and_calls
    for _ in range(52):
        desk.resolve(opened(desk).id, "New fuser.", actor=KIM)
    calls.clear()
    assert desk.tick("2026-02-05T09:00:00+00:00").fired == 52
    claims = [values for sql, values in calls.log if sql.startswith("WITH due AS")]
    assert len(claims) == 2
    assert len(calls.like("BEGIN IMMEDIATE")) == 52 + 2


def test_an_idle_delivery_writes_nothing(desk_and_calls: tuple[Desk, Calls]) -> None:
    desk, calls = desk_and_calls
    opened(desk)
    calls.clear()
    desk.deliver_outbox()
    assert calls.like("INSERT", "UPDATE", "DELETE") == []


def test_one_repeated_command_costs_no_write(desk_and_calls: tuple[Desk, Calls]) -> None:
    desk, calls = desk_and_calls
    ticket = opened(desk)
    first = desk.note(ticket.id, "again", actor=KIM, idempotency_key="k")
    calls.clear()
    assert desk.note(ticket.id, "again", actor=KIM, idempotency_key="k") == first
    assert calls.like("COMMIT")[1:] == []
