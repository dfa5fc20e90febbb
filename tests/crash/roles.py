"""What a process of the nursery may be: each role is a function that is called after the fork. No tests in here."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import logging
import os
import random
import time
from collections.abc import Callable
from typing import Any

from tests.crash.days import KIM, Ahead, carry_out, desk_on, order
from tests.crash.outside import Nowhere, Wire, lines
from tests.crash.points import Points, Watched

from supportkit import Desk, ManualClock, hookimpl
from supportkit.errors import ConcurrentUpdate, StorageUnavailable, WorkflowError
from supportkit.model.events import Recorded
from supportkit.storage.sql import SqlStorage
from supportkit.testing.storage.kit import in_threads
from supportkit.worker import TurnLimits, run_due

logging.getLogger("supportkit").addHandler(logging.NullHandler())  # what failed is said in the reports
IDLE = 0.003
LIMITS = TurnLimits(lease=dt.timedelta(seconds=60))


@functools.cache
def storage_of(url: str) -> SqlStorage:
    return SqlStorage(url)


def writer(*, url: str, outside: str, seed: str, ahead: float, customer: str, pending: list[dict[str, Any]]) -> None:
    """Say what it is going to do, do it, and say that it is done, for ever; what was *pending* comes first."""
    wire, luck = Wire(outside), random.Random(seed)
    desk = desk_on(storage_of(url), Ahead(ahead), lines(wire))
    tickets = [ticket.id for ticket in desk.find(limit=20, descending=True).items]
    for number in range(10**9):
        if number < len(pending):
            todo = pending[number]
        else:
            todo = order(luck, f"{seed}-{number}", customer, tickets)
            wire.say("begin", todo)
        while True:
            try:
                ticket = carry_out(desk, todo)
            except (ConcurrentUpdate, StorageUnavailable):
                continue
            except WorkflowError as error:
                wire.say("refused", [todo["key"], error.code])
            else:
                wire.say("ack", [todo["key"], ticket.id, ticket.version])
                if todo["verb"] == "open":
                    tickets.append(ticket.id)
            break


def worker(*, url: str, outside: str, ahead: float) -> None:
    """Do what is due, for ever."""
    wire = Wire(outside)
    desk = desk_on(storage_of(url), Ahead(ahead), lines(wire))
    while True:
        report = run_due(desk, limits=LIMITS)
        for _kind, code, sentence in report.errors:
            wire.say("trouble", [code, sentence])
        if not report.more:
            time.sleep(IDLE)


def scene(
    *, url: str, outside: str, tenant: str, ahead: float, point: str, nth: int, orders: list[dict[str, Any]]
) -> None:
    """Carry out *orders*, then one turn of a worker; kill itself at the n-th time that a point is reached."""
    points = Points(point, nth)
    with Wire(outside) as wire:
        desk = desk_on(Watched(storage_of(url), points), Ahead(ahead), lines(wire, points.reach), tenant=tenant)
        for todo in orders:
            ticket = carry_out(desk, todo)
            wire.say("ack", [todo["key"], ticket.id, ticket.version])
        run_due(desk, limits=LIMITS)


def deliverer(*, url: str, outside: str, ahead: float, lease: float, limit: int) -> None:
    """Deliver some messages, and say what became of them."""
    with Wire(outside) as wire:
        desk = desk_on(storage_of(url), Ahead(ahead), lines(wire))
        report = desk.deliver_outbox(limit, lease=dt.timedelta(seconds=lease))
        wire.say("delivered", [os.getpid(), {"late": report.late, "sent": report.sent, "unknown": report.unknown}])


class Watcher:
    """A plug-in that is held up outside at the first event that it sees."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._seen = 0

    @hookimpl
    def supportkit_event_recorded(self, recorded: Recorded) -> None:
        self._seen += 1
        if self._seen == 1:
            self._wire.ask("wait", recorded.ticket)


def sleeper(*, url: str, outside: str, ahead: float) -> None:
    """Fire what is due, but wait outside after the first deadline with the others in hand."""
    with Wire(outside) as wire:
        report = desk_on(storage_of(url), Ahead(ahead), plugins=[Watcher(wire)]).tick()
        wire.say("ticked", {"fired": report.fired, "stale": report.stale, "failed": report.failed})


def crowd(*, url: str, outside: str, ahead: float, threads: int, work: str, **arguments: Any) -> None:
    """Let several threads of one desk do the same work at once, when everybody is there."""
    with Wire(outside) as wire:
        desk = desk_on(storage_of(url), Ahead(ahead))
        wire.ask("wait", "start")
        in_threads(threads, lambda _number: wire.say(work, WORK[work](desk, **arguments)))


def increment(desk: Desk, *, ticket: str, times: int) -> int:
    """Read a field and set it to one more, again after each lost race; return how many races were lost."""
    lost = 0
    for _ in range(times):
        while True:
            now = desk.get(ticket)
            count = now.fields["count"]
            assert isinstance(count, int)
            try:
                desk.set_fields(ticket, {"count": count + 1}, actor=KIM, expected_version=now.version)
            except (ConcurrentUpdate, StorageUnavailable):
                lost += 1
            else:
                break
    return lost


def sweep(desk: Desk) -> int:
    """Fire what is due until nothing is; return how much that was."""
    fired = 0
    while True:
        try:
            report = desk.tick(limit=20)
        except (ConcurrentUpdate, StorageUnavailable):
            continue
        fired += report.fired
        if not report.more:
            return fired


WORK: dict[str, Callable[..., int]] = {"increment": increment, "sweep": sweep}


def warm_up() -> None:
    """Do a little of everything in memory: what is imported and built at its first use is there for all processes."""
    clock, luck = ManualClock(Ahead(0).now()), random.Random(0)
    with desk_on("sqlite://", clock, lines(Nowhere())) as desk:
        customer = desk.customers.add("Ann", addresses={"chat": "@ann"}).id
        for number in range(30):
            tickets = [ticket.id for ticket in desk.find().items]
            with contextlib.suppress(WorkflowError):
                carry_out(desk, order(luck, f"{number}", customer, tickets))
        clock.advance(hours=2)
        run_due(desk)


ROLES: dict[str, Callable[..., None]] = {
    "writer": writer,
    "worker": worker,
    "scene": scene,
    "deliverer": deliverer,
    "sleeper": sleeper,
    "crowd": crowd,
}
