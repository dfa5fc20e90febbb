"""One incident, many tickets: answered and resolved together, each once, whatever was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from supportkit.clock import ManualClock
from supportkit.desk import Desk
from supportkit.errors import IdempotencyConflict, Refused, StorageError, StorageUnavailable, TicketNotFound
from supportkit.hooks import hookimpl
from supportkit.incidents import IncidentReport
from supportkit.lifecycle import Refusal
from supportkit.model.commands import Resolve
from supportkit.model.ticket import LinkKind

KIM = "agent:kim"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk("sqlite://", clock=ManualClock("2026-01-05T09:00:00+00:00")) as desk:
        yield desk


def world(desk: Desk, count: int = 3) -> tuple[int, list[int]]:
    """Open an incident with some tickets that it caused."""
    incident = desk.open("Mail is down", author="agent:lead").number
    tickets = [desk.open("No mail", "Where is it?", author=f"customer:{one}").number for one in range(count)]
    for ticket in tickets:
        desk.incidents.add(incident, ticket, actor=KIM)
    return incident, tickets


def outcomes(report: IncidentReport) -> list[tuple[int, str]]:
    return [(one.number, one.outcome.value) for one in report.tickets]


def said(desk: Desk, ticket: int) -> list[str]:
    return [message.body for message in desk.messages(ticket)][1:]


def test_all_are_told_once_and_the_incident_has_a_note(desk: Desk) -> None:
    incident, tickets = world(desk)
    report = desk.incidents.answer(incident, "We are on it", actor=KIM)
    assert (outcomes(report), report.left, report.is_whole) == (
        [(2, "answered"), (3, "answered"), (4, "answered")],
        0,
        True,
    )
    before = [desk.get(ticket) for ticket in (incident, *tickets)]
    assert outcomes(desk.incidents.answer(incident, "We are on it", actor=KIM)) == outcomes(report)
    assert [desk.get(ticket) for ticket in (incident, *tickets)] == before
    assert [said(desk, ticket) for ticket in tickets] == [["We are on it"]] * 3
    assert [note.body for note in desk.notes(incident)] == ["We are on it"]


def test_the_same_words_with_another_key_are_said_again(desk: Desk) -> None:
    incident, tickets = world(desk, 1)
    for key in ("one", "two", "two"):
        desk.incidents.answer(incident, "Still on it", actor=KIM, key=key)
    assert said(desk, tickets[0]) == ["Still on it"] * 2
    with pytest.raises(IdempotencyConflict):
        desk.incidents.answer(incident, "Other words", actor=KIM, key="two")
    assert said(desk, tickets[0]) == ["Still on it"] * 2


def test_all_are_resolved_with_an_answer_and_the_incident_comes_last(desk: Desk) -> None:
    incident, tickets = world(desk)
    desk.resolve(tickets[1], "found it", actor=KIM)
    report = desk.incidents.resolve(incident, "Disk replaced", actor=KIM, answer="Mail works again")
    assert outcomes(report) == [(2, "resolved"), (3, "over"), (4, "resolved")]
    assert [desk.get(ticket).resolution for ticket in tickets] == ["Disk replaced", "found it", "Disk replaced"]
    assert [said(desk, ticket) for ticket in tickets] == [["Mail works again"], [], ["Mail works again"]]
    assert (report.incident.state, report.incident) == ("resolved", desk.get(incident))
    states = [(one.number, one.state) for one in desk.incidents.tickets(incident)]
    assert states == [(2, "resolved"), (3, "resolved"), (4, "resolved")]


def test_what_was_stopped_goes_on_where_it_was(desk: Desk) -> None:
    incident, tickets = world(desk)
    asked = iter([False, False, True])
    first = desk.incidents.resolve(incident, "done", actor=KIM, answer="ok", stop=lambda: next(asked))
    assert (outcomes(first), first.left) == ([(2, "resolved"), (3, "resolved")], 1)
    assert (first.incident.is_done, desk.get(tickets[2]).is_done) == (False, False)
    second = desk.incidents.resolve(incident, "done", actor=KIM, answer="ok")
    assert (outcomes(second), second.incident.state) == ([(n, "resolved") for n in tickets], "resolved")
    assert [said(desk, ticket) for ticket in tickets] == [["ok"]] * 3


def test_a_crash_in_between_repeats_nothing(desk: Desk) -> None:
    incident, tickets = world(desk)
    answered: list[int] = []

    def crash() -> bool:
        if len(answered) == 2:
            raise StorageUnavailable("the power is gone")
        answered.append(1)
        return False

    with pytest.raises(StorageUnavailable):
        desk.incidents.answer(incident, "We are on it", actor=KIM, stop=crash)
    assert [said(desk, ticket) for ticket in tickets] == [["We are on it"], ["We are on it"], []]
    desk.incidents.answer(incident, "We are on it", actor=KIM)
    assert [said(desk, ticket) for ticket in tickets] == [["We are on it"]] * 3


def test_a_refusal_of_one_does_not_keep_the_others_and_the_incident_stays_open() -> None:
    class Veto:
        stands = True

        @hookimpl
        def supportkit_refuse(self, ticket: Any, command: Any) -> Refusal | None:
            is_it = self.stands and isinstance(command, Resolve) and ticket.number == 3
            return Refusal("app.no", "Ask the lead first.") if is_it else None

    veto = Veto()
    with Desk("sqlite://", plugins=[veto]) as desk:
        incident, tickets = world(desk)
        report = desk.incidents.resolve(incident, "done", actor=KIM, answer="ok")
        assert outcomes(report) == [(2, "resolved"), (3, "refused"), (4, "resolved")]
        assert (report.tickets[1].code, report.is_whole, report.incident.is_done) == ("app.no", False, False)
        assert said(desk, tickets[1]) == []
        veto.stands = False
        again = desk.incidents.resolve(incident, "done", actor=KIM, answer="ok")
        assert (outcomes(again), again.incident.state) == ([(n, "resolved") for n in tickets], "resolved")
        assert [said(desk, ticket) for ticket in tickets] == [["ok"]] * 3


def test_merged_tickets_are_one(desk: Desk) -> None:
    incident, tickets = world(desk)
    desk.merge(tickets[0], tickets[1], actor=KIM)
    desk.merge(tickets[2], incident, actor=KIM)
    report = desk.incidents.answer(incident, "We are on it", actor=KIM)
    assert outcomes(report) == [(3, "answered")]
    assert [message.body for message in desk.messages(tickets[1])].count("We are on it") == 1


def test_an_incident_is_linked_both_ways_and_never_to_itself(desk: Desk) -> None:
    incident, tickets = world(desk, 1)
    assert [link.kind for link in desk.get(tickets[0]).links] == [LinkKind.CAUSED_BY]
    assert [link.kind for link in desk.get(incident).links] == [LinkKind.CAUSES]
    with pytest.raises(Refused, match="cannot be linked to itself"):
        desk.incidents.add(incident, incident, actor=KIM)
    with pytest.raises(TicketNotFound):
        desk.incidents.answer(99, "x", actor=KIM)


def test_it_has_transactions_of_its_own(desk: Desk) -> None:
    incident, tickets = world(desk, 1)
    with desk.transaction() as inside, pytest.raises(StorageError, match=r"incidents.answer has transactions"):
        inside.incidents.answer(incident, "x", actor=KIM)
    assert said(desk, tickets[0]) == []
