"""P16 and P17: who should take a ticket among 500 agents, and the next ticket among 100,000 that wait.

P16 is `choose` with agents of four time zones, shifts, skills, languages and capacities: milliseconds of processor
time and, without a bar, as a multiple of a bare loop that only compares a team and counts. P17 is `desk.next` with all
that belongs to it, from the page of the queue to the commit: of an agent of two teams whom the first ticket suits. Most
of the tickets are of other teams and lines, and many of these are due before his. `bench/servers.py` has it on
PostgreSQL.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import attrs

from bench.harness import Row, alone, at_most, cpu_seconds, insist, seconds, take_turns, told
from supportkit import Desk, ManualClock
from supportkit.model.people import Agent, Shift, Team
from supportkit.model.ticket import Ticket
from supportkit.routing.choosing import Choice, Moment, Needs, choose
from supportkit.routing.roster import Roster, Routing
from supportkit.storage import rows, schema
from supportkit.storage.sql import SqlStorage

NOW = dt.datetime(2026, 1, 6, 12, tzinfo=dt.UTC)
AGENTS, DECISIONS, DECISION_MS = 500, 50, 1
TICKETS, TAKEN, NEXT_MS = 100_000, 20, 5
TEAMS = ("pay", "ops", None, "lab", "web")
_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Shanghai", "Europe/Moscow")


def run() -> list[Row]:
    """Measure decisions, and taking the next ticket on a file of SQLite."""
    found = [insist(_decision_row), _loop_row()]
    with _file() as storage:
        found += next_rows(storage, "SQLite")
    return found


def people() -> Roster:
    """Return five hundred agents, none like the other."""
    agents = [
        Agent(
            id=f"agent-{number:03}",
            teams=("pay", "ops") if number % 2 else ("pay",),
            skills=("refunds", "vpn")[: number % 3],
            languages=("en", "ru"),
            timezone=_ZONES[number % 4],
            shifts=(Shift(days=(1, 2, 3, 4, 5), begins=dt.time(8 + number % 4), ends=dt.time(17)),),
            capacity={"chat": 3},
        )
        for number in range(AGENTS)
    ]
    return Roster.of(agents, [Team(id="pay"), Team(id="ops")], {}, Routing())


def _moment() -> Moment:
    names = [f"agent-{number:03}" for number in range(AGENTS)]
    loads = {(name, "chat"): place % 4 for place, name in enumerate(names)}
    return Moment(now=NOW, loads=loads, turns=dict.fromkeys(names, 1), classes={"chat": "chat"})


def _decisions(roster: Roster, moment: Moment) -> float:
    needs = Needs(channel="chat", channel_class="chat", team="pay", language="ru")
    everybody = tuple(roster.people.values())

    def work() -> Choice | None:
        choice = None
        for _ in range(DECISIONS):
            choice = choose(everybody, needs, moment)
        return choice

    return cpu_seconds(work)


def _bare(roster: Roster, moment: Moment) -> float:
    everybody = tuple(roster.people.values())

    def work() -> None:
        for _ in range(DECISIONS):
            best, least = None, 10**9
            for duty in everybody:
                load = moment.loads.get((duty.id, "chat"), 0)
                if "pay" in duty.teams and load < least:
                    best, least = duty.id, load
            assert best is not None

    return cpu_seconds(work)


def _decision_row() -> Row:
    taken = alone(partial(_decisions, people(), _moment()))
    each = [one / DECISIONS * 1000 for one in taken]
    return at_most(DECISION_MS, each, id="P16", work=f"choose among {AGENTS} agents", unit="ms")


def _loop_row() -> Row:
    roster, moment = people(), _moment()
    measured = take_turns(partial(_decisions, roster, moment), partial(_bare, roster, moment))
    return told(measured.ratios, id="P16-loop", work="the same", reference="a bare loop over them", digits=1)


@contextmanager
def _file() -> Iterator[SqlStorage]:
    with tempfile.TemporaryDirectory(prefix="supportkit-bench-") as folder:
        storage = SqlStorage(f"sqlite:///{Path(folder, 'desk.db')}")
        storage.migrate()
        yield storage
        storage.close()


def next_rows(storage: SqlStorage, name: str) -> list[Row]:
    """Measure taking the next ticket on a storage that has none yet."""
    kim = Agent(id="kim", teams=("pay", "ops"), languages=("en",))
    with Desk(storage, clock=ManualClock(NOW), routing=Routing(on_open=False, agents=(kim,))) as desk:
        _fill(desk, storage)
        tags = iter(range(10**9))
        measured = take_turns(lambda: seconds(lambda: _take(desk)), lambda: seconds(lambda: _prioritise(desk, tags)))
        ratio = told(
            measured.ratios, id=f"P17-{name}-verb", work="the same", reference="another priority for a known ticket"
        )
        return [insist(lambda: _next_row(desk, name)), ratio]


def _take(desk: Desk) -> None:
    for _ in range(TAKEN):
        ticket = desk.next("kim")
        assert ticket is not None


def _prioritise(desk: Desk, tags: Iterator[int]) -> None:
    for _ in range(TAKEN):
        desk.set_priority(1, 1 + next(tags) % 4, actor="agent:kim")


def _next_row(desk: Desk, name: str) -> Row:
    each = [one / TAKEN * 1000 for one in alone(lambda: seconds(lambda: _take(desk)))]
    return at_most(NEXT_MS, each, id=f"P17-{name}", work=f"next of {TICKETS:,} open tickets, {name}", unit="ms")


def _fill(desk: Desk, storage: SqlStorage) -> None:
    """Let so many tickets wait; each is a copy of one that was opened, with a place of its own."""
    first = desk.open("the first one", "x", author="customer:ann", locale="en")
    many = [rows.ticket_row(_copy(first, number)) for number in range(2, TICKETS + 1)]
    with storage.engine.begin() as connection:
        for start in range(0, len(many), 5_000):
            connection.execute(schema.ticket.insert(), many[start : start + 5_000])


def _copy(ticket: Ticket, number: int) -> Ticket:
    return attrs.evolve(
        ticket,
        id=f"{ticket.id[:-8]}{number:08}",
        number=number,
        reference=f"copy-{number}",
        team=TEAMS[number % len(TEAMS)],
        tier=1 + number % 2,
        rank=(ticket.rank or 0) + (0 if TEAMS[number % len(TEAMS)] in {"lab", "web"} else 4 * number),
    )
