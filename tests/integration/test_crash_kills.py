"""SIGKILL on every storage: at random moments, at every kill point of sending, and at every step (P1 to P7)."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from tests.crash.days import BETWEEN_ROUNDS, Ahead, carry_out, desk_on
from tests.crash.nursery import Nursery
from tests.crash.outside import LINES, Outside, lines
from tests.crash.points import KILL_POINTS, TIMER_POINTS
from tests.crash.truth import Found, all_deliveries, examine, kept_words, obeys_section_two

from supportkit import Desk, ManualClock
from supportkit.model.change import OutboxState, Outgoing
from supportkit.storage.sql import SqlStorage
from supportkit.worker import run_due

WORKERS = 2
SECONDS = BETWEEN_ROUNDS.total_seconds()
SHORTEST, LONGEST = 0.01, 0.3


def clock_at(ahead: float) -> ManualClock:
    return ManualClock(Ahead(ahead).now())


def drain(desk: Desk, clock: Any) -> None:
    """Work until nothing is due, also after the leases of the dead and every back-off; the clock goes on meanwhile."""
    for _ in range(200):
        report = run_due(desk)
        assert report.errors == ()
        if report.more:
            continue
        if not desk.outbox(states=["pending", "leased"]):
            return
        clock.advance(minutes=2)
    raise AssertionError("it does not come to an end")


# -- at random moments -----------------------------------------------------------------------------------------------


@attrs.define
class Series:
    """A series of kills of a writer and two workers, all at one moment, each time after a while."""

    url: str
    outside: Outside
    born: Nursery
    name: str
    luck: random.Random
    customer: str = ""
    kills: int = 0

    def round(self) -> None:
        """Let them work from the first acknowledgement on for 10 to 300 ms, and kill them."""
        before = len(self.outside.words("ack"))
        common = {"url": self.url, "outside": self.outside.address, "ahead": self.kills * SECONDS}
        seed = f"{self.name}-{self.kills}"
        pids = [self.born.bear("worker", **common) for _ in range(WORKERS)]
        pids.append(self.born.bear("writer", **common, seed=seed, customer=self.customer, pending=self.pending()))
        self.outside.until(lambda: sum(kind == "ack" for kind, _data in self.outside.said) > before)
        time.sleep(self.luck.uniform(SHORTEST, LONGEST))
        self.born.kill(*pids)
        self.kills += 1
        self.outside.until_heard()

    def pending(self) -> list[dict[str, Any]]:
        """Return the orders that were begun, and of which nobody knows how they ended."""
        known = {word[0] for kind in ("ack", "refused") for word in self.outside.words(kind)}
        return [order for order in self.outside.words("begin") if order["key"] not in known]


def kill_at_random(url: str, storage: SqlStorage, outside: Outside, born: Nursery, kills: int, seed: int) -> Series:
    series = Series(url, outside, born, f"{seed}", random.Random(seed))
    clock = clock_at(0)
    with desk_on(url, clock) as desk:
        series.customer = desk.customers.add("Ann", addresses={"chat": "@ann"}).id
    for _ in range(kills):
        series.round()
    clock.set(Ahead(series.kills * SECONDS).now())
    with desk_on(url, clock, lines(outside)) as desk:
        examine(desk, storage)
        for order in series.pending():
            ticket = carry_out(desk, order)
            outside.said.append(("ack", [order["key"], ticket.id, ticket.version]))
        is_recovered_within_two_turns(desk, clock)
        drain(desk, clock)
        found = examine(desk, storage)
        nothing_acknowledged_is_lost(desk, outside)
        obeys_section_two(all_deliveries(storage, desk.tenant), outside.calls, found)
    assert outside.words("trouble") == []
    print(f"\n{url.split(':', maxsplit=1)[0]}: {kills} kills, {len(outside.words('ack'))} acknowledged, {found}")  # noqa: T201
    return series


def is_recovered_within_two_turns(desk: Desk, clock: ManualClock) -> None:
    """Two turns after the leases of the dead are over nothing that is due is older than two turns."""
    turn = dt.timedelta(seconds=30)
    for _ in range(2):
        while run_due(desk).more:
            pass
        clock.advance(turn)
    with desk.storage.begin(desk.tenant, write=False) as unit:
        for backlog in (unit.outbox_backlog(clock.now()), unit.timer_backlog(clock.now())):
            assert backlog.oldest_due is None or clock.now() - backlog.oldest_due < 2 * turn


def nothing_acknowledged_is_lost(desk: Desk, outside: Outside) -> None:
    orders = {order["key"]: order for order in outside.words("begin")}
    acknowledged = {key: (ticket, version) for key, ticket, version in outside.words("ack")}
    assert len(acknowledged) == len(outside.words("ack"))
    with desk.storage.begin(desk.tenant, write=False) as unit:
        for key, result in acknowledged.items():
            receipt = unit.receipt(key)
            assert receipt is not None, f"{orders[key]['verb']} was acknowledged and is lost"
            assert (receipt.ticket, receipt.seq) == result
            assert len(unit.history(receipt.ticket)) >= receipt.seq
    speaking = {key for key in acknowledged if orders[key]["verb"] in {"open", "reply", "receive", "note"}}
    assert kept_words(desk) == dict.fromkeys(speaking, 1)


def test_a_hundred_and_twenty_kills_lose_nothing_and_do_nothing_twice(
    crash_url: str, crash_storage: SqlStorage, outside: Outside, born: Nursery
) -> None:
    series = kill_at_random(crash_url, crash_storage, outside, born, 120, 1)
    assert len(outside.words("ack")) > series.kills
    assert len(outside.calls) > series.kills / 2


@pytest.mark.stress
@pytest.mark.timeout(3600)
def test_a_thousand_kills_lose_nothing_and_do_nothing_twice(
    crash_url: str, crash_storage: SqlStorage, outside: Outside, born: Nursery
) -> None:
    series = kill_at_random(crash_url, crash_storage, outside, born, 1000, 2)
    assert len(outside.words("ack")) > series.kills


# -- at every kill point ---------------------------------------------------------------------------------------------

REPLIES = 2


def script(line: str, customer: str) -> list[dict[str, Any]]:
    """Open tickets on a line and answer each."""
    orders: list[dict[str, Any]] = []
    for number in range(REPLIES):
        common = {"words": f"open-{number} It smokes.", "line": line}
        orders.append({"verb": "open", "key": f"open-{number}", "customer": customer, **common})
        orders.append(
            {"verb": "reply", "key": f"reply-{number}", "ticket": number + 1, "words": f"reply-{number} Wait."}
        )
    return orders


@attrs.frozen
class Scene:
    """A process that killed itself at a point, in a tenant of its own; and how things go on after it."""

    url: str
    storage: SqlStorage
    outside: Outside
    born: Nursery
    tenant: str
    clock: ManualClock

    def play(self, point: str, nth: int, orders: list[dict[str, Any]]) -> bool:
        """Let a process carry out *orders* and one turn; tell whether it killed itself on the way."""
        ahead = (self.clock.now() - Ahead(0).now()).total_seconds()
        arguments = {"url": self.url, "outside": self.outside.address, "tenant": self.tenant, "ahead": ahead}
        killed = self.born.was_killed(self.born.bear("scene", **arguments, point=point, nth=nth, orders=orders))
        self.outside.until_heard()
        self.clock.advance(BETWEEN_ROUNDS)
        return killed

    def recover(self, orders: list[dict[str, Any]]) -> tuple[Found, list[Outgoing]]:
        """Repeat every order with its key, work until nothing is due, and check everything."""
        before = {key: (ticket, version) for key, ticket, version in self.outside.words("ack")}
        with desk_on(self.url, self.clock, lines(self.outside), tenant=self.tenant) as desk:
            for order in orders:
                ticket = carry_out(desk, order)
                assert before.get(order["key"], (ticket.id, ticket.version)) == (ticket.id, ticket.version)
            drain(desk, self.clock)
            found = examine(desk, self.storage)
            words = kept_words(desk)
        assert words == {order["key"]: 1 for order in orders}
        rows = sorted(all_deliveries(self.storage, self.tenant), key=lambda row: row.created_at)
        obeys_section_two(rows, [call for call in self.outside.calls if call.id in {row.id for row in rows}])
        return found, rows


@pytest.fixture
def scene(crash_url: str, crash_storage: SqlStorage, born: Nursery) -> Iterator[Callable[[str], Scene]]:
    """Give a function that sets a scene: a tenant of a name."""
    worlds: list[Outside] = []

    def set_up(name: str) -> Scene:
        worlds.append(Outside())
        return Scene(crash_url, crash_storage, worlds[-1], born, name, clock_at(0))

    yield set_up
    for world in worlds:
        world.close()


def customer_of(scene: Scene) -> str:
    with desk_on(scene.url, scene.clock, tenant=scene.tenant) as desk:
        return desk.customers.add("Ann", addresses={"chat": "@ann"}).id


ONCE = (1, OutboxState.SENT, False)
"""How often the provider accepted it, how the row ends, and whether it says that it may be a duplicate."""
IN_DOUBT = {"least": (2, OutboxState.SENT, True), "most": (1, OutboxState.UNKNOWN, None)}
TABLE: dict[str, dict[str, tuple[int, OutboxState, bool | None]]] = {
    "k0": dict.fromkeys(LINES, ONCE),
    "k1": dict.fromkeys(LINES, ONCE),
    "k2": {
        "idempotent": (1, OutboxState.SENT, None),
        "reconcilable": (1, OutboxState.SENT, None),
        "least": (1, OutboxState.SENT, True),
        "most": (0, OutboxState.UNKNOWN, None),
    },
    "k3": {"idempotent": (2, OutboxState.SENT, None), "reconcilable": (1, OutboxState.SENT, None), **IN_DOUBT},
    "k4": {"idempotent": (2, OutboxState.SENT, None), "reconcilable": (1, OutboxState.SENT, None), **IN_DOUBT},
    "k5": dict.fromkeys(LINES, ONCE),
}
"""The table of section 2. `None`: a mark on a row that nobody was sent twice says nothing."""


@pytest.mark.parametrize("point", KILL_POINTS)
def test_after_a_kill_at_a_point_everything_ends_as_the_table_says(point: str, scene: Callable[[str], Scene]) -> None:
    for line in LINES:
        for nth in range(1, REPLIES + 1):
            here = scene(f"{point}-{line}-{nth}")
            orders = script(line, customer_of(here))
            # A cause is an opening or an answer, so the n-th answer is the second of its pair.
            assert here.play(KILL_POINTS[point], 2 * nth if point in {"k0", "k1"} else nth, orders), "it was not killed"
            _found, rows = here.recover(orders)
            assert len(rows) == REPLIES
            for number, row in enumerate(rows, start=1):
                calls, state, mark = TABLE[point][line] if number == nth else ONCE
                assert (here.outside.count(line)[row.id], row.state) == (calls, state), (line, nth, number)
                assert mark is None or row.possible_duplicate is mark, (line, nth, number)


@pytest.mark.parametrize(("point", "calls"), [("k2", 0), ("k3", 2)])
def test_a_resend_that_is_killed_as_well_is_left_to_a_person(
    point: str, calls: int, scene: Callable[[str], Scene]
) -> None:
    here = scene(f"{point}-twice")
    orders = script("least", customer_of(here))
    for _ in range(2):
        assert here.play(KILL_POINTS[point], 1, orders)
    _found, rows = here.recover(orders)
    assert (here.outside.count("least")[rows[0].id], rows[0].state) == (calls, OutboxState.UNKNOWN)
    assert (here.outside.count("least")[rows[1].id], rows[1].state) == (1, OutboxState.SENT)


@pytest.mark.parametrize("point", TIMER_POINTS)
def test_after_a_kill_among_deadlines_each_promise_is_broken_once(point: str, scene: Callable[[str], Scene]) -> None:
    here = scene(point)
    orders = script("idempotent", customer_of(here))
    assert not here.play("nowhere", 1, orders)
    here.clock.advance(minutes=30)  # half of the time for the resolution is over
    assert here.play(point, 1, []), "it was not killed"
    here.clock.advance(hours=2)
    found, _rows = here.recover(orders)
    assert (found.warnings, found.breaches) == (2 * REPLIES, REPLIES)  # 50 % and 75 % of the resolution, and its due


def kill_at_steps(scene: Callable[[str], Scene], line: str, every: int) -> int:
    """Kill a process at each *every*-th call of the storage until one comes through; return the number of steps."""
    for nth in itertools.count(1, every):
        here = scene(f"step-{line}-{nth}")
        orders = script(line, customer_of(here))
        killed = here.play("step", nth, orders)
        here.recover(orders)
        if not killed:
            return nth - every
    raise AssertionError("unreachable")


def test_a_kill_between_two_steps_of_the_storage_leaves_nothing_by_halves(scene: Callable[[str], Scene]) -> None:
    assert kill_at_steps(scene, "least", every=5) > 40


@pytest.mark.stress
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("line", LINES)
def test_a_kill_between_any_two_steps_leaves_nothing_by_halves(line: str, scene: Callable[[str], Scene]) -> None:
    assert kill_at_steps(scene, line, every=1) > 40
