"""Clocks against a second, slow reading of the rules: a walk by quarters of an hour that knows no spans and no dues.

For each quarter it asks what category the ticket is in, and whether the wall clock of the zone lies in a window. All
facts, windows and targets lie on quarters of an hour, so counting is exact.
"""

from __future__ import annotations

import datetime as dt
import functools
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.sla_worlds import CALENDARS, CELL, DONE, NAMED, START, STATES, histories, spans
from tests.property.sla_worlds import C as Category
from tests.property.test_business_time_reference import DAYS, wall_is_open

from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.sla import (
    Created,
    Messaged,
    Metric,
    OwnerSet,
    Policy,
    Rules,
    StateEntered,
    Status,
    Verdict,
    evaluate,
)

CELLS = 60 * 96
FACTS = ("state", "state", "state", "agent", "customer", "auto", "owner")
PAUSES = [Category.NEW, Category.OPEN, Category.WAITING_CUSTOMER, Category.WAITING_EXTERNAL]


@functools.cache
def open_cells(name: str) -> tuple[bool, ...]:
    """Say for each quarter of an hour from START on whether a calendar is open."""
    definition = CALENDARS[name].to_dict()
    definition["hours"] = dict.fromkeys(DAYS, ()) | definition["hours"]
    zone, greatest, found = ZoneInfo(definition["timezone"]), dt.datetime(1, 1, 1), []  # noqa: DTZ001 - a wall clock
    for cell in range(-96, CELLS):
        greatest = max(greatest, (START + cell * CELL).astimezone(zone).replace(tzinfo=None))
        found.append(wall_is_open(definition, greatest))
    return tuple(found[96:])


def walk(facts, at, metric, options, target, calendar):
    """Return used, when it stopped and when it breached, in quarters of an hour from START on."""
    ends = {Category.CLOSED} if options["end"] == "closed" else DONE
    created = (facts[0].occurred_at - START) // CELL
    used, breached, stopped = 0, None, None
    for cell in range(created, (at - START) // CELL + 1):
        now = START + cell * CELL
        known = [fact for fact in facts if fact.occurred_at <= now]
        categories = [STATES[fact.state or "new"] for fact in known if isinstance(fact, Created | StateEntered)]
        new = [fact for fact in known if fact.occurred_at == now]
        if metric is Metric.RESOLUTION and options["reopen"] == "continue":
            stopped = last_end(known, ends)
        elif metric is Metric.RESOLUTION:
            stopped = cell if stopped is None and any(category in ends for category in categories) else stopped
        elif stopped is None and any(map(fulfils[metric], new)):
            stopped = cell
        if now == at or (stopped is not None and options["reopen"] != "continue"):
            break
        runs = stopped is None and categories[-1] not in options["pauses"] | ends
        if runs and open_cells(calendar)[cell]:
            if used == target and breached is None:
                breached = cell
            used += 1
    return used, stopped, breached


def last_end(known, ends):
    """Return the quarter in which the end was entered that still lasts."""
    entered = None
    for fact in known:
        if isinstance(fact, Created | StateEntered):
            if STATES[fact.state or "new"] not in ends:
                entered = None
            elif entered is None:
                entered = (fact.occurred_at - START) // CELL
    return entered


def is_answer(fact):
    return (
        isinstance(fact, Messaged)
        and fact.author is ActorKind.AGENT
        and fact.kind in (MessageKind.REPLY, MessageKind.CALL)
    )


fulfils = {
    Metric.FIRST_RESPONSE: is_answer,
    Metric.TIME_TO_OWN: lambda fact: isinstance(fact, OwnerSet | Created) and fact.owner is not None,
}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    histories(FACTS, size=14).filter(lambda facts: facts[0].author is ActorKind.CUSTOMER),
    st.sampled_from([Metric.RESOLUTION, Metric.FIRST_RESPONSE, Metric.TIME_TO_OWN]),
    st.fixed_dictionaries(
        {
            "end": st.sampled_from(["resolved", "closed"]),
            "pauses": st.sets(st.sampled_from(PAUSES)),
            "reopen": st.sampled_from(["continue", "once"]),
        }
    ),
    spans,
    st.sampled_from(sorted(NAMED)),
    st.integers(0, 2000),
)
def test_the_walk_by_quarters_of_an_hour_finds_the_same_clock(facts, metric, options, target, calendar, cells):
    if metric is not Metric.RESOLUTION:
        options["reopen"] = "once"
    policy = Policy.from_dict(
        {"id": "p", "fallback": True, "calendar": calendar, "targets": [{"metric": metric, "target": target}],
         "metrics": {metric: {**options, "warnings": ["50%"]}}}
    )  # fmt: skip
    desk = Rules([policy], CALENDARS, categories=STATES)
    late = facts[0].occurred_at + cells * CELL
    clock = evaluate(facts, desk, None, late, categories=STATES)[metric]
    dues = {at for at in (clock.due_at, clock.breaches_at) if at is not None and at <= START + (CELLS - 1) * CELL}
    for at in (late, *dues):  # at its due a clock is still in time
        agree(facts, desk, at, metric, options, target // CELL, calendar)


def agree(facts, desk, at, metric, options, target, calendar):
    clock = evaluate(facts, desk, None, at, categories=STATES)[metric]

    used, stopped, breached = walk(facts, at, metric, options, target, calendar)

    assert clock.used == used * CELL
    assert clock.stopped_at == (None if stopped is None else START + stopped * CELL)
    assert (clock.status is Status.STOPPED) == (stopped is not None)
    verdict = Verdict.BREACHED if breached is not None else Verdict.MET if stopped is not None else None
    assert clock.verdict is verdict
    first = next((record.at for record in clock.records if record.id.endswith("/100%")), None)
    assert first == (None if breached is None else START + breached * CELL)
