"""What every engine is given: a run for a tenant, and the plug-in that asks for one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from supportkit import Accepted, Capabilities, Desk, ManualClock
from supportkit.channels.port import Delivery, Outbound
from supportkit.errors import ConfigurationError, StorageUnavailable
from supportkit.integrations import turns
from supportkit.integrations.turns import LONGEST, SILENCE, Nudge, Outcomes, work
from supportkit.storage.sql import SqlStorage
from supportkit.worker import TurnLimits

KIM = "agent:kim"


@attrs.define
class Line:
    """A provider that takes its time: *during* is called in the middle of each send."""

    name: str = "line"
    capabilities: Capabilities = attrs.field(factory=lambda: Capabilities(family="chat", inbound=False))
    during: Callable[[], Any] = lambda: None
    taken: list[str] = attrs.field(factory=list)

    def send(self, message: Outbound) -> Delivery:
        self.during()
        self.taken.append(message.body)
        return Accepted(message.id)


@attrs.define
class Shop:
    """Desks on one storage and one clock."""

    storage: SqlStorage
    clock: ManualClock = attrs.field(factory=lambda: ManualClock(dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)))
    line: Line = attrs.field(factory=Line)
    made: list[str] = attrs.field(factory=list)

    def make_desk(self, tenant: str, **arguments: Any) -> Desk:
        self.made.append(tenant)
        return Desk(self.storage, tenant=tenant, clock=self.clock, channels=[self.line], **arguments)

    def answers(self, tenant: str, count: int) -> None:
        with self.make_desk(tenant) as desk:
            ann = desk.customers.add("Ann", addresses={"chat": "@ann"}).id
            ticket = desk.open("No sound", "Silent.", customer=ann, channel="line")
            for number in range(count):
                desk.reply(ticket, f"{tenant} {number}", actor=KIM)
        self.made.clear()


@pytest.fixture
def shop() -> Shop:
    storage = SqlStorage("sqlite://")
    storage.migrate()
    return Shop(storage)


def test_a_run_does_what_is_due_for_its_tenant_and_for_no_other(shop: Shop) -> None:
    shop.answers("north", 2)
    shop.answers("south", 1)
    assert work(shop.make_desk, "north") == {"outbox": {"sent": 2}}
    assert (shop.made, shop.line.taken) == (["north"], ["north 0", "north 1"])


def test_a_run_without_work_says_nothing(shop: Shop) -> None:
    assert work(shop.make_desk, "north") == {}


def test_a_run_takes_as_many_turns_as_there_is_work(shop: Shop) -> None:
    shop.answers("north", 7)
    assert work(shop.make_desk, "north", TurnLimits(deliveries=2)) == {"outbox": {"sent": 7}}


def test_a_run_ends_after_a_minute_and_the_next_one_goes_on(shop: Shop) -> None:
    shop.answers("north", 10)
    shop.line.during = lambda: shop.clock.advance(seconds=20)
    begun = shop.clock.now()
    assert work(shop.make_desk, "north") == {"outbox": {"sent": 3}}
    assert shop.clock.now() - begun == LONGEST
    assert work(shop.make_desk, "north") == {"outbox": {"sent": 3}}


def test_a_run_that_gets_nowhere_ends(shop: Shop) -> None:
    shop.answers("north", 2)

    def make_desk(tenant: str) -> Desk:
        desk = shop.make_desk(tenant)
        failing(desk, "deliver_outbox", 10**6)
        return desk

    assert work(make_desk, "north") == {"errors": {"storage.unavailable": 1}}


def failing(desk: Desk, verb: str, times: int) -> None:
    left = [times]
    real = getattr(desk, verb)

    def fail(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            return real(*args, **kwargs)
        raise StorageUnavailable("the database is locked")

    setattr(desk, verb, fail)


def test_a_factory_that_gives_another_tenants_desk_is_found_before_anything_is_done(shop: Shop) -> None:
    shop.answers("default", 1)
    with pytest.raises(ConfigurationError, match="the desk for the tenant 'north' is that of 'default'"):
        work(lambda _tenant: shop.make_desk("default"), "north")
    assert shop.line.taken == []


def test_the_desk_of_a_run_is_closed_after_it_whatever_happens(tmp_path: Any) -> None:
    closed = []

    class Watched(Desk):
        def close(self) -> None:
            closed.append(self.tenant)
            super().close()

    work(lambda tenant: Watched(f"sqlite:///{tmp_path}/desk.db", tenant=tenant), "north")
    with pytest.raises(ConfigurationError):
        work(lambda _tenant: Watched(f"sqlite:///{tmp_path}/desk.db"), "north")
    assert closed == ["north", "default"]


@pytest.mark.parametrize("name", ["celery", "dbos", "procrastinate"])
def test_an_integration_has_sixty_lines_at_most(name: str) -> None:
    source = Path(turns.__file__).with_name(f"{name}.py")
    assert len(source.read_text(encoding="utf-8").splitlines()) <= 60


# -- nudges ------------------------------------------------------------------------------------------------------------


def test_a_command_asks_for_one_run_for_its_tenant(shop: Shop) -> None:
    asked: list[str] = []
    with shop.make_desk("north", plugins=[Nudge(asked.append)]) as desk:
        ticket = desk.open("Printer", "It smokes.", author="customer:bo")
        assert len(desk.history(ticket)) > 1  # several events, and yet
        assert asked == ["north"]
        desk.note(ticket, "Called.", actor=KIM)
        assert asked == ["north", "north"]


def test_a_command_that_was_rolled_back_asks_for_nothing(shop: Shop) -> None:
    asked: list[str] = []
    with shop.make_desk("north", plugins=[Nudge(asked.append)]) as desk:
        with pytest.raises(ZeroDivisionError), desk.transaction() as inside:
            inside.open("Printer", "It smokes.", author="customer:bo")
            raise ZeroDivisionError
        assert asked == []


def test_what_a_worker_does_itself_asks_for_nothing(shop: Shop) -> None:
    asked: list[str] = []

    def make_desk(tenant: str) -> Desk:
        return shop.make_desk(tenant, plugins=[Nudge(asked.append)])

    with shop.make_desk("north") as desk:
        desk.ask(desk.open("Printer", "It smokes.", author="customer:bo"), "Which?", actor=KIM, until=LONGEST)
    shop.clock.advance(hours=1)
    done: Outcomes = work(make_desk, "north")
    assert done["timers"]["fired"] == 1
    assert asked == []


def test_an_engine_that_is_away_costs_the_verb_nothing(shop: Shop) -> None:
    def away(tenant: str) -> None:
        raise ConnectionError(tenant)

    with shop.make_desk("north", plugins=[Nudge(away)]) as desk:
        assert desk.open("Printer", "It smokes.", author="customer:bo").number == 1
        assert desk.hooks.failure_count == 1


def test_an_engine_that_is_away_is_left_alone_for_a_while(shop: Shop) -> None:
    asked: list[str] = []

    def away_at_first(tenant: str) -> None:
        asked.append(tenant)
        if len(asked) == 1:
            raise ConnectionError(tenant)

    with shop.make_desk("north", plugins=[Nudge(away_at_first)]) as desk:
        ticket = desk.open("Printer", "It smokes.", author="customer:bo")
        shop.clock.advance(SILENCE - dt.timedelta(microseconds=1))
        desk.note(ticket, "Called.", actor=KIM)
        assert len(asked) == 1
        shop.clock.advance(microseconds=1)
        for _ in range(2):
            desk.note(ticket, "Called again.", actor=KIM)
        assert len(asked) == 3
