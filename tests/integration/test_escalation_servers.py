"""Exactly one firing of each level on the server databases, with sweepers and people at work at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests import servers
from tests.property.test_escalation_laws import LEVELS, RULES, TIERS, desk_and_clock

from supportkit import Desk
from supportkit.errors import ConcurrentUpdate
from supportkit.model import events as ev

KINDS = ("postgresql", "mariadb")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with servers.database(request.param) as found:
        servers.emptied(found).close()
        yield found


def test_sweepers_and_commands_fire_each_level_once(url: str) -> None:
    desk, clock = desk_and_clock(url)
    tickets = [desk.open(f"number {number}", "please", author="customer:ann").id for number in range(8)]
    clock.advance(hours=20)

    def sweep(number: int) -> None:
        with Desk(url, clock=clock, tiers=TIERS, levels=LEVELS, escalations=RULES) as own:
            for ticket in tickets if number % 2 else ():
                own.note(ticket, "I look at it", actor="agent:kim")
            while True:
                try:
                    if not own.tick(limit=5).more:
                        return
                except ConcurrentUpdate:
                    continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sweep, range(4)))
    clock.advance(minutes=2)  # what lost a race comes back when its lease is over
    while desk.tick().more:
        pass
    for ticket in tickets:
        fired = [one.event for one in desk.history(ticket) if isinstance(one.event, ev.EscalationFired)]
        counts = Counter((one.rule, one.level, one.instance) for one in fired)
        assert set(counts.values()) == {1}
        assert {("slow", 1), ("slow", 2), ("long", 1)} <= {(rule, level) for rule, level, _instance in counts}
    desk.close()
