"""P3: the pure core, `decide` and `evolve` over a realistic mix of commands: no storage, no plug-ins, no ids made.

The commands of many tickets are made beforehand, as an app hands them in. What counts is deciding each one, putting
its events into `Recorded`, and evolving the ticket. The mix: every ticket is opened, answered, tagged, assigned,
resolved and closed; some are asked about, held, moved between tiers, reopened. The 99th percentile is that of single
commands, each with its own reading of the clock and with the garbage collector at work.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
import statistics
import time
from collections.abc import Iterator, Sequence

from bench.harness import Row, alone, at_least, at_most, insist, seconds
from supportkit import Actor, Priority, Ticket
from supportkit.clock import UTC
from supportkit.engine.decide import decide
from supportkit.engine.evolve import evolve
from supportkit.engine.rules import Rules
from supportkit.lifecycle import built_in
from supportkit.model import commands as cm
from supportkit.model.events import Recorded
from supportkit.model.fields import Fields
from supportkit.model.people import ActorKind

TICKETS = 1_500
RATE_BAR = 60_000
P99_BAR_US = 40.0
BODY = "The second page gets stuck in the rear tray whenever I print more than one. " * 4
CUSTOMER, AGENT = Actor(ActorKind.CUSTOMER, "c-1"), Actor(ActorKind.AGENT, "kim")
NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULES = Rules(lifecycle=built_in())

Steps = Sequence[tuple[str, cm.Command]]


def run() -> list[Row]:
    """Measure the rate and the 99th percentile."""
    steps = list(mix(TICKETS))
    return [insist(lambda: _rate(steps)), insist(lambda: _percentile(steps))]


def _rate(steps: Steps) -> Row:
    taken = alone(lambda: seconds(lambda: carry_out(steps)))
    return at_least(
        RATE_BAR,
        [len(steps) / one for one in taken],
        spread=max(taken) / min(taken),
        digits=0,
        id="P3",
        work=f"pure core, {len(steps):,} commands of a mix",
        unit="/s",
    )


def _percentile(steps: Steps) -> Row:
    each = [_p99(steps) for _ in range(8)][1:]
    return at_most(P99_BAR_US, each, id="P3-p99", work="pure core, 99th percentile of a command", unit="us")


def carry_out(steps: Steps) -> dict[str, Ticket]:
    """Decide and evolve every command."""
    tickets: dict[str, Ticket] = {}
    for ticket_id, command in steps:
        tickets[ticket_id] = one(tickets.get(ticket_id), ticket_id, command)
    return tickets


def one(ticket: Ticket | None, ticket_id: str, command: cm.Command) -> Ticket:
    """Carry out one command."""
    seq = 0 if ticket is None else ticket.version
    for event in decide(ticket, command, NOW, RULES):
        seq += 1
        recorded = Recorded(
            tenant="default",
            ticket=ticket_id,
            seq=seq,
            occurred_at=NOW,
            recorded_at=NOW,
            actor=command.actor,
            event=event,
            command="c",
        )
        ticket = evolve(ticket, recorded)
    assert ticket is not None
    return ticket


def _p99(steps: Steps) -> float:
    tickets: dict[str, Ticket] = {}
    taken = []
    clock = time.perf_counter_ns
    for ticket_id, command in steps:
        before = tickets.get(ticket_id)
        begun = clock()
        after = one(before, ticket_id, command)
        taken.append(clock() - begun)
        tickets[ticket_id] = after
    return statistics.quantiles(taken, n=100)[98] / 1000


# -- the mix ---------------------------------------------------------------------------------------------------------


def mix(tickets: int, *, seed: int = 1) -> Iterator[tuple[str, cm.Command]]:
    """Yield ticket ids and commands; every command is legal where it stands."""
    dice = random.Random(seed)
    names = (f"m-{count}" for count in itertools.count(1))
    for number in range(1, tickets + 1):
        for command in _ticket(number, dice, names):
            yield f"t-{number}", command


def _ticket(number: int, dice: random.Random, names: Iterator[str]) -> Iterator[cm.Command]:
    yield cm.Open(
        actor=CUSTOMER,
        subject="Printer jams on page two",
        body=BODY,
        author=CUSTOMER,
        customer="c-1",
        fields=Fields({"product": "P-200", "seats": 3}),
        tags=("printer",),
        ticket=f"t-{number}",
        number=number,
        reference=f"r-{number}",
        message=next(names),
    )
    yield cm.Assign(actor=AGENT, assignee="kim", team="hardware")
    if dice.random() < 0.5:
        yield cm.Tag(actor=AGENT, add=("paper", f"floor-{number % 9}"))
    if dice.random() < 0.3:
        yield cm.SetPriority(actor=AGENT, priority=dice.choice((Priority.LOW, Priority.HIGH, Priority.URGENT)))
    for _ in range(dice.randint(1, 3)):
        yield cm.Reply(actor=AGENT, body=BODY, message=next(names))
        if dice.random() < 0.4:
            yield cm.AddNote(actor=AGENT, body=BODY, note=next(names))
        yield cm.Receive(actor=CUSTOMER, body=BODY, author=CUSTOMER, message=next(names))
    if dice.random() < 0.4:
        yield cm.Ask(actor=AGENT, body=BODY, message=next(names))
        yield cm.Receive(actor=CUSTOMER, body=BODY, author=CUSTOMER, message=next(names))
    if dice.random() < 0.3:
        yield cm.MoveTier(actor=AGENT, tier=2, team="specialists", summary=BODY)
        yield cm.SetFields(actor=AGENT, changes=Fields({"serial": f"S{number}"}))
    if dice.random() < 0.2:
        yield cm.Hold(actor=AGENT, text="waits for a part", until=NOW + dt.timedelta(days=3))
        yield cm.Resume(actor=AGENT)
    yield cm.Resolve(actor=AGENT, text="Tray reseated.")
    if dice.random() < 0.1:
        yield cm.Reopen(actor=AGENT)
        yield cm.Resolve(actor=AGENT, text="Tray replaced.")
    yield cm.Close(actor=AGENT)
