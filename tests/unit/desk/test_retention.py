"""Purging: what is too old goes, by bounded steps; what others need stays, or they are told."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from supportkit import Accepted, AfterClose, Capabilities, ConfigurationError, Desk, ManualClock, TicketNotFound
from supportkit.errors import StorageError
from supportkit.model import events as ev
from supportkit.model.change import OutboxState
from supportkit.retention import Retention
from supportkit.worker import run_due

KIM = "agent:kim"
YEAR = dt.timedelta(days=365)
CANARY = "xylophonecanary"


class Sends:
    """A channel that takes everything."""

    name = "chat"
    capabilities = Capabilities(outbound=True)

    def send(self, message: object) -> Accepted:
        return Accepted("external")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-01-05T09:00:00+00:00")


@pytest.fixture
def desk(clock: ManualClock, tmp_path: Path) -> Iterator[Desk]:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(
        url, clock=clock, channels=[Sends()], retention=Retention(closed=YEAR), close_resolved_after=None
    ) as desk:
        yield desk


def closed(desk: Desk, subject: str = "printer", **values: Any) -> str:
    ticket = desk.open(subject, "It smokes.", actor="customer:ann", channel="chat", **values)
    desk.note(ticket.id, "again", actor=KIM)
    desk.reply(ticket.id, "Please wait.", actor=KIM)
    desk.deliver_outbox()
    desk.end(ticket.id, actor=KIM, reason="solved")
    return ticket.id


def left(path: Path) -> dict[str, int]:
    """Return how many rows each table has."""
    connection = sqlite3.connect(path)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'supportkit%'")
    counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in tables.fetchall()}
    connection.close()
    return {name.removeprefix("supportkit_"): count for name, count in counts.items() if count}


# -- what goes -------------------------------------------------------------------------------------------------------


def test_a_closed_ticket_goes_when_its_time_is_over_and_not_before(desk: Desk, clock: ManualClock) -> None:
    ticket = closed(desk)
    clock.advance(YEAR)
    assert desk.purge().tickets == 0
    clock.advance(dt.timedelta(microseconds=1))
    assert desk.purge().tickets == 1
    with pytest.raises(TicketNotFound):
        desk.get(ticket)
    assert desk.purge().tickets == 0


def test_nothing_of_a_deleted_ticket_is_left_in_the_file(desk: Desk, clock: ManualClock, tmp_path: Path) -> None:
    closed(desk, CANARY, tags=[CANARY], fields={"x": CANARY}, external_id=CANARY)
    ticket = desk.open(CANARY, CANARY, actor="customer:ann")
    desk.note(ticket.id, CANARY, actor=KIM)
    desk.set_subject(ticket.id, f"{CANARY} again", actor=KIM)
    desk.split(ticket.id, [desk.messages(ticket.id)[0].id], CANARY, actor=KIM)
    for one in desk.find(categories=["new", "open"]).items:
        desk.end(one.id, actor=KIM, reason="solved")
    clock.advance(YEAR * 2)
    assert desk.purge().tickets == 3
    desk.close()
    connection = sqlite3.connect(tmp_path / "support.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert left(tmp_path / "support.db") == {"counter": 1, "version": 1}
    assert CANARY.encode() not in (tmp_path / "support.db").read_bytes()


def test_open_and_resolved_tickets_stay_for_ever(desk: Desk, clock: ManualClock) -> None:
    desk.open("open", actor="customer:ann")
    desk.resolve(desk.open("resolved", actor="customer:ann").id, "done", actor=KIM)
    clock.advance(YEAR * 50)
    assert desk.purge().tickets == 0
    assert sum(desk.counts().values()) == 2


def test_closed_tickets_stay_for_ever_by_default(clock: ManualClock) -> None:
    with Desk(clock=clock, channels=[Sends()]) as desk:
        closed(desk)
        clock.advance(YEAR * 50)
        report = desk.purge()
        assert (report.tickets, report.deliveries) == (0, 1)
        assert sum(desk.counts().values()) == 1


def test_a_key_holds_for_eight_days_and_then_stands_for_nothing(desk: Desk, clock: ManualClock) -> None:
    first = desk.open("printer", actor="customer:ann", idempotency_key="k")
    clock.advance(dt.timedelta(days=8))
    assert desk.purge().keys == 0
    assert desk.open("printer", actor="customer:ann", idempotency_key="k").id == first.id
    clock.advance(dt.timedelta(microseconds=1))
    assert desk.purge().keys == 1
    assert desk.open("printer", actor="customer:ann", idempotency_key="k").id != first.id


def test_deliveries_that_are_not_settled_stay_and_keep_their_ticket(desk: Desk, clock: ManualClock) -> None:
    ticket = desk.open("printer", actor="customer:ann", channel="chat")
    desk.reply(ticket.id, "Please wait.", actor=KIM)
    desk.end(ticket.id, actor=KIM, reason="solved")
    clock.advance(YEAR * 2)
    report = desk.purge()
    assert (report.deliveries, report.tickets) == (0, 0)
    assert desk.outbox(states=[OutboxState.PENDING])
    desk.deliver_outbox()
    assert desk.purge().tickets == 1


# -- what refers to each other ---------------------------------------------------------------------------------------


def test_merged_tickets_go_with_their_survivor_only(desk: Desk, clock: ManualClock) -> None:
    first, second = closed(desk), desk.open("the same", actor="customer:ann").id
    desk.reopen(first, actor=KIM)
    desk.merge(first, second, actor=KIM)
    clock.advance(YEAR * 2)
    assert desk.purge().tickets == 0  # the survivor is open, and shows the messages of the other
    desk.end(second, actor=KIM, reason="solved")
    clock.advance(YEAR * 2)
    assert desk.purge().tickets == 2
    assert sum(desk.counts().values()) == 0


def test_a_ticket_that_stays_is_told_in_its_log_that_a_link_is_gone(desk: Desk, clock: ManualClock) -> None:
    old, other = closed(desk), desk.open("the same", actor="customer:ann").id
    desk.link(old, "parent", other, actor=KIM)
    desk.link(old, "related", other, actor=KIM)
    clock.advance(YEAR * 2)
    report = desk.purge()
    assert (report.tickets, report.unlinked) == (1, 1)
    assert desk.get(other).links == ()
    told = [recorded for recorded in desk.history(other) if isinstance(recorded.event, ev.Unlinked)]
    assert [(one.event.ticket, str(one.actor), one.occurred_at) for one in told] == [(old, "system", desk.now())] * 2
    assert [finding for finding in desk.check(deep=True) if finding.severity == "error"] == []


def test_tickets_that_link_to_each_other_all_go(desk: Desk, clock: ManualClock) -> None:
    one, two = closed(desk), closed(desk)
    desk.link(one, "related", two, actor=KIM)
    clock.advance(YEAR * 2)
    assert desk.purge().tickets == 2


def test_a_merged_part_with_an_unsettled_delivery_keeps_the_whole_family(desk: Desk, clock: ManualClock) -> None:
    part, whole = desk.open("one", actor="customer:ann", channel="chat").id, closed(desk)
    desk.reply(part, "Please wait.", actor=KIM)
    desk.merge(part, whole, actor=KIM)
    clock.advance(YEAR * 2)
    report = desk.purge()
    assert (report.tickets, report.kept, report.more) == (0, 1, False)
    desk.deliver_outbox()
    assert desk.purge().tickets == 2


# -- bounded, honest, many at once -----------------------------------------------------------------------------------


def test_a_call_is_bounded_and_says_whether_there_is_more(desk: Desk, clock: ManualClock) -> None:
    for number in range(5):
        closed(desk, idempotency_key=f"k{number}")
    clock.advance(YEAR * 2)
    seen = []
    while True:
        report = desk.purge(limit=2)
        seen.append((report.keys, report.tickets, report.more))
        if not report.more:
            break
    assert seen == [(2, 2, True), (2, 2, True), (1, 1, False)]


def test_stopping_is_asked_for_before_each_step(desk: Desk, clock: ManualClock) -> None:
    for _ in range(3):
        closed(desk)
    clock.advance(YEAR * 2)
    asked = iter([False, False, True])
    report = desk.purge(stop=lambda: next(asked))
    assert (report.deliveries, report.tickets, report.more) == (3, 1, True)


def test_an_earlier_now_deletes_nothing_more_and_a_later_one_is_refused(desk: Desk, clock: ManualClock) -> None:
    closed(desk)
    clock.advance(YEAR * 2)
    assert desk.purge("2026-01-06T09:00:00+00:00").tickets == 0
    with pytest.raises(ValueError, match="future"):
        desk.purge(clock.now() + dt.timedelta(hours=1))
    assert desk.purge().tickets == 1


def test_a_message_that_comes_in_the_middle_saves_the_ticket(desk: Desk, clock: ManualClock) -> None:
    ticket = closed(desk)
    clock.advance(YEAR * 2)
    storage, begin = desk.storage, desk.storage.begin
    calls = iter(range(100))

    def slow(tenant: str, *, write: bool = True) -> Any:
        if write and next(calls) == 1:  # the deliveries are deleted, the ticket is found and not yet deleted
            with begin(tenant) as unit:
                found = unit.get(ticket)
                assert found is not None
            storage.begin = begin  # type: ignore[method-assign]
            desk.reopen(ticket, actor=KIM)
        return begin(tenant, write=write)

    storage.begin = slow  # type: ignore[assignment,method-assign]
    report = desk.purge()
    assert (report.tickets, report.failed) == (0, 0)
    assert desk.get(ticket).category.value == "open"


def test_many_that_purge_at_once_delete_each_thing_once(desk: Desk, clock: ManualClock, tmp_path: Path) -> None:
    for number in range(12):
        closed(desk, idempotency_key=f"k{number}")
    clock.advance(YEAR * 2)
    reports = []

    def work() -> None:
        while True:
            report = desk.purge(limit=3)
            reports.append(report)
            if not report.more:
                return

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    reports.append(desk.purge())
    assert [sum(getattr(report, name) for report in reports) for name in ("keys", "tickets")] == [12] * 2
    assert left(tmp_path / "support.db").keys() == {"counter", "version"}


def test_a_turn_of_the_worker_purges(desk: Desk, clock: ManualClock) -> None:
    closed(desk)
    clock.advance(YEAR * 2)
    report = run_due(desk)
    assert report.errors == ()
    assert report.outcomes["purge"] == {"deliveries": 1, "tickets": 1}
    assert report.lag == dt.timedelta(0)


def test_inside_a_transaction_nothing_is_purged(desk: Desk) -> None:
    with desk.transaction() as inside, pytest.raises(StorageError, match="outside"):
        inside.purge()


# -- what can be asked for -------------------------------------------------------------------------------------------


def test_keys_are_kept_for_eight_days_at_least() -> None:
    with pytest.raises(ConfigurationError, match="8 days"):
        Desk(keep_keys=dt.timedelta(days=7))


@pytest.mark.parametrize(
    "values", [{"deliveries": dt.timedelta(days=7)}, {"closed": dt.timedelta(0)}, {"closed": dt.timedelta(days=-1)}]
)
def test_a_retention_that_is_too_short_is_refused(values: dict[str, dt.timedelta]) -> None:
    with pytest.raises(ConfigurationError):
        Retention(**values)


def test_a_ticket_that_a_message_would_reopen_must_be_kept() -> None:
    with pytest.raises(ConfigurationError, match="reopened"):
        Desk(retention=Retention(closed=dt.timedelta(days=14)))
    Desk(retention=Retention(closed=dt.timedelta(days=14)), after_close=AfterClose(dt.timedelta(days=13))).close()


def test_an_age_beyond_the_calendar_keeps_everything(clock: ManualClock) -> None:
    for_ever = Retention(deliveries=dt.timedelta.max, closed=dt.timedelta.max)
    with Desk(clock=clock, keep_keys=dt.timedelta.max, retention=for_ever, channels=[Sends()]) as desk:
        closed(desk, idempotency_key="k")
        assert attrs.evolve(desk.purge()) == attrs.evolve(desk.purge(limit=1))
        assert desk.purge().tickets == 0
