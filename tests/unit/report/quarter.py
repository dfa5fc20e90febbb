"""A quarter of a small desk, drawn by a seed: four people, two support lines, hostile names. No tests."""

from __future__ import annotations

import datetime as dt
import random

from supportkit import Desk, ManualClock
from supportkit.ids import SequentialIds
from supportkit.report import Report, Score
from supportkit.surveys import csat, csat_distribution, nps

START = dt.datetime(2026, 1, 5, 7, tzinfo=dt.UTC)
END = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
HOSTILE = '<img src=x onerror="alert(1)">'
HOSTILE_AGENT = "<script>alert('kim')</script>"
TOPICS = ("delivery", "Счёт", "退款", HOSTILE)
AGENTS = ("ann", "Олег", "王芳", HOSTILE_AGENT)
ZONES = ("Europe/London", "Europe/Moscow", "Asia/Shanghai")
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


def played(tickets: int = 160) -> Desk:
    """Return a desk at the end of the quarter."""
    draw = random.Random(7)
    clock = ManualClock(START)
    desk = Desk("sqlite://", clock=clock, ids=SequentialIds(), levels=LEVELS, close_resolved_after=None)
    people = [desk.customers.add(f"P{number}", timezone=ZONES[number % 3]).id for number in range(40)]
    gap = (END - START) / (tickets + 4)
    for number in range(tickets):
        clock.set(START + gap * number + dt.timedelta(minutes=draw.randrange(600)))
        one(desk, clock, draw, people, number)
    clock.set(END)
    desk.tick()
    return desk


def one(desk: Desk, clock: ManualClock, draw: random.Random, people: list[str], number: int) -> None:
    """Play a ticket from its opening to where it gets."""
    agent = AGENTS[draw.choices(range(4), weights=(50, 30, 16, 4))[0]]
    ticket = desk.open(f"{HOSTILE} {number}", "Help!", customer=draw.choice(people),
                       channel=draw.choice(("email", "chat", "phone")),
                       tags=draw.sample(TOPICS, k=draw.choice((0, 1, 1, 1, 2)))).id  # fmt: skip
    if number % 40 == 39:
        desk.end(ticket, reason="spam", actor="agent:ann")
        return
    actor = f"agent:{agent}" if agent != HOSTILE_AGENT else "agent:kim"
    desk.assign(ticket, assignee=agent, actor=actor)
    clock.advance(minutes=draw.randrange(5, 500))
    desk.reply(ticket, "We look into it.", actor=actor)
    if draw.random() < 0.25:
        desk.move_tier(ticket, 2, "It is hard.", actor=actor)
        desk.assign(ticket, assignee=agent, actor=actor)
        clock.advance(minutes=draw.randrange(60, 2000))
    if draw.random() < 0.9:
        clock.advance(minutes=draw.randrange(30, 1500))
        desk.resolve(ticket, "Done.", actor=actor)
    if draw.random() < 0.08:
        clock.advance(minutes=draw.randrange(60, 4000))
        desk.add_message(ticket, "It is back!")


def report(desk: Desk) -> Report:
    """Return what is known of the quarter."""
    draw = random.Random(3)
    ratings = [draw.choices((1, 2, 3, 4, 5), weights=(4, 5, 9, 30, 52))[0] for _ in range(140)]
    scores = [draw.choices(range(11), weights=(1, 1, 1, 1, 2, 4, 5, 12, 18, 30, 25))[0] for _ in range(140)]
    return Report(
        kpis=desk.reports.kpis(START, END, zone="Europe/London"),
        scores=(
            Score(name="CSAT", results=(csat(ratings),),
                  distribution=tuple((str(code), n) for code, n in enumerate(csat_distribution(ratings), 1))),
            Score(name="NPS", results=(nps(scores),)),
        ),
    )  # fmt: skip
