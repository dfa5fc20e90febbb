"""P12: all KPIs of a desk from its own log, against one pass that only decodes the events; and what a ticket keeps.

`python -m bench.reports 100000` measures a desk of that many tickets; `python -m bench P12` one of a thousand, whose
tickets are alike, so that the ratio is the same and the building takes seconds.
"""

from __future__ import annotations

import datetime as dt
import random
import sys

from bench.harness import Row, at_most, seconds, take_turns
from supportkit import Desk, ManualClock
from supportkit.ids import SequentialIds
from supportkit.storage.port import MAX_BATCH

TICKETS = 1_000
BAR_TIME, BAR_BYTES = 3.0, 300
START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
AGENTS = tuple(f"agent:a{number}" for number in range(20))
DAYS = ("mon", "tue", "wed", "thu", "fri")
LEVELS = {
    "policies": [
        {
            "id": "standard",
            "calendar": "office",
            "targets": [{"metric": "FIRST_RESPONSE", "target": "4h"}, {"metric": "RESOLUTION", "target": "16h"}],
            "fallback": True,
        }
    ],
    "calendars": {"office": {"timezone": "Europe/London", "hours": {day: [["08:00", "18:00"]] for day in DAYS}}},
}


def run(tickets: int = TICKETS) -> list[Row]:
    """Fold a desk of so many tickets of about ten events each."""
    with _desk(tickets) as desk:
        events = _decode(desk)
        turns = take_turns(lambda: seconds(desk.reports.kpis), lambda: seconds(lambda: _decode(desk)), rounds=5)
        table = desk.reports.table()
        told = {"tickets": tickets, "events": events}
        return [
            at_most(
                BAR_TIME,
                turns.ratios,
                spread=turns.spread,
                id="P12",
                work=f"all KPIs of {tickets:,} tickets, {events:,} events",
                reference="a pass that only decodes the events",
                **told,
            ),
            at_most(
                BAR_BYTES, [table.nbytes / tickets], digits=0, id="P12-memory", work="what is kept of a ticket",
                unit="B", **told,
            ),
        ]  # fmt: skip


def _desk(tickets: int) -> Desk:
    draw, clock = random.Random(12), ManualClock(START)
    desk = Desk("sqlite://", clock=clock, ids=SequentialIds(), levels=LEVELS, close_resolved_after=None)
    people = [desk.customers.add(f"P{number}").id for number in range(100)]
    for number in range(tickets):
        clock.set(START + dt.timedelta(minutes=11 * number))
        ticket = desk.open(
            "Printer jams",
            "Again.",
            customer=people[number % 100],
            channel=("email", "chat")[number % 2],
            tags=(("printer", "paper", "floor")[number % 3],),
        ).id
        agent = draw.choice(AGENTS)
        desk.assign(ticket, assignee=agent.removeprefix("agent:"), actor=agent)
        clock.advance(minutes=draw.randrange(5, 400))
        desk.reply(ticket, "Which tray?", actor=agent)
        clock.advance(minutes=draw.randrange(5, 400))
        desk.add_message(ticket, "The second one.")
        if number % 4 == 0:
            desk.move_tier(ticket, 2, "Hardware.", actor=agent)
        clock.advance(minutes=draw.randrange(5, 400))
        desk.reply(ticket, "It was not seated.", actor=agent)
        desk.resolve(ticket, "Seated.", actor=agent)
        if number % 10 == 0:
            clock.advance(minutes=draw.randrange(5, 4000))
            desk.add_message(ticket, "It jams again.")
    clock.set(START + dt.timedelta(minutes=11 * tickets, days=40))
    return desk


def _decode(desk: Desk) -> int:
    """Read every event once, as a follower does, and count them."""
    count, cursor = 0, None
    with desk.storage.begin(desk.tenant, write=False) as unit:
        while events := unit.events_after(cursor, MAX_BATCH):
            count += len(events)
            cursor = events[-1].cursor
    return count


if __name__ == "__main__":
    for row in run(int(sys.argv[1]) if len(sys.argv) > 1 else TICKETS):
        print(row)
