"""Working together on every database: agents at once, macros that write rows twice, idle times, incidents."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import servers

from supportkit import Desk, ManualClock
from supportkit.engine.evolve import fold
from supportkit.errors import NewerMessages

KIM = "agent:kim"
RULES = {
    "rules": [
        {
            "id": "idle",
            "when": {"idle": True},
            "levels": [
                {"at": "2d", "actions": [{"do": [{"do": "reply", "body": "Hello?"}, {"do": "note", "body": "n"}]}]}
            ],
        }
    ]
}


@pytest.fixture(params=["file", servers.POSTGRESQL, servers.MARIADB])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        if request.param == "file":
            yield f"sqlite:///{tmp_path / 'support.db'}"
        else:
            yield stack.enter_context(servers.database(request.param))


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Call all of them in threads that begin together; return results and errors."""
    start, found = threading.Barrier(len(calls)), list[object]([None] * len(calls))

    def call(place: int) -> None:
        start.wait()
        try:
            found[place] = calls[place]()
        except Exception as error:  # noqa: BLE001 - an outcome like any other
            found[place] = error

    threads = [threading.Thread(target=call, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def three_answers(desk: Desk, ticket: str) -> list[object]:
    return at_once(
        lambda: desk.reply(ticket, "from kim", actor=KIM, seen_version=2),
        lambda: desk.reply(ticket, "from lee", actor="agent:lee", seen_version=2),
        lambda: desk.drafts.send(ticket, "mo"),
    )


def test_of_agents_who_answer_at_once_one_is_heard_and_the_others_are_told(url: str) -> None:
    with Desk(url, clock=ManualClock("2026-01-05T09:00:00+00:00")) as desk:
        for _ in range(3):
            ticket = desk.open("Printer", "It smokes", author="customer:ann").id
            desk.drafts.save(ticket, "mo", "from mo")
            assert sum(isinstance(one, NewerMessages) for one in three_answers(desk, ticket)) == 2
            assert len(desk.messages(ticket)) == 2
            heard = desk.messages(ticket)[1].body
            assert len(desk.drafts.list(ticket)) == (0 if heard == "from mo" else 1)


def test_agents_look_and_leave_at_once(url: str) -> None:
    clock = ManualClock("2026-01-05T09:00:00+00:00")
    with Desk(url, clock=clock) as desk:
        ticket = desk.open("Printer", "It smokes", author="customer:ann").id
        names = ["kim", "lee", "mo"]
        looks = [lambda name=name: desk.viewing.look(ticket, name) for name in names]
        assert [one for one in at_once(*looks, *looks) if isinstance(one, Exception)] == []
        assert sorted(one.agent for one in desk.viewing.list(ticket)) == names
        clock.advance(minutes=5)
        assert at_once(*[lambda: desk.viewing.look(ticket, "kim")] * 3)
        assert [one.agent for one in desk.viewing.list(ticket)] == ["kim"]


def test_macros_idle_times_and_incidents_do_the_same_everywhere(url: str) -> None:
    clock = ManualClock("2026-01-05T09:00:00+00:00")
    with Desk(url, clock=clock, escalations=RULES) as desk:
        incident = desk.open("Mail is down", author="agent:lead")
        tickets = [desk.open("No mail", "Where?", author=f"customer:{one}") for one in range(3)]
        desk.macros.save(
            {
                "name": "m",
                "steps": [{"do": "reply", "body": "so"}, {"do": "tag", "add": ["x"]}, {"do": "note", "body": "y"}],
            }
        )
        for ticket in tickets:
            desk.incidents.add(incident, ticket, actor=KIM)
            desk.macros.apply(ticket, "m", actor=KIM, idempotency_key=f"m-{ticket.id}")
        clock.advance(days=2)
        while desk.tick().more:
            continue
        assert [desk.messages(ticket)[-1].body for ticket in tickets] == ["Hello?"] * 3
        found = at_once(*[lambda: desk.incidents.resolve(incident, "done", actor=KIM, answer="ok")] * 2)
        assert [one for one in found if isinstance(one, Exception)] == []
        for ticket in tickets:
            assert [message.body for message in desk.messages(ticket)] == ["Where?", "so", "Hello?", "ok"]
            assert desk.get(ticket) == fold(desk.history(ticket))
        assert {desk.get(one).state for one in (incident, *tickets)} == {"resolved"}
