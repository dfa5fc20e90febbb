"""Whatever is merged, unmerged, split and said in between, in any order: no message is lost, and none is doubled."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from supportkit.clock import ManualClock
from supportkit.desk import Desk
from supportkit.errors import IllegalTransition, Refused
from supportkit.ids import SequentialIds

KIM = "agent:kim"
COUNT = 5
WHICH = st.integers(1, COUNT)
STEP = st.one_of(
    st.tuples(st.just("merge"), WHICH, WHICH),
    st.tuples(st.just("unmerge"), WHICH),
    st.tuples(st.just("hear"), WHICH),
    st.tuples(st.just("answer"), WHICH),
    st.tuples(st.just("split"), WHICH),
)


def bodies(desk: Desk, ticket: int) -> list[str]:
    return [message.body for message in desk.messages(ticket)]


def tickets(desk: Desk) -> list[Any]:
    return list(desk.find(limit=100).items)


def take(desk: Desk, step: tuple[Any, ...], text: str) -> str | None:
    """Do a step; return the words that were said by it, `None` where none were or the rules say no."""
    verb, ticket, *rest = step
    try:
        match verb:
            case "merge":
                desk.merge(ticket, rest[0], actor=KIM)
            case "unmerge":
                desk.unmerge(ticket, actor=KIM)
            case "hear":
                desk.add_message(ticket, text, author="customer:ann")
                return text
            case "answer":
                desk.reply(ticket, text, actor=KIM)
                return text
            case "split":
                mine = [one.id for one in desk.messages(ticket) if one.ticket == desk.get(ticket).id]
                if len(mine) > 1:
                    desk.split(ticket, mine[-1:], "Split off", actor=KIM)
    except (IllegalTransition, Refused):
        return None
    return None


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, max_size=14))
@example(steps=[("merge", 1, 2), ("merge", 2, 3), ("hear", 1), ("unmerge", 1), ("unmerge", 2), ("merge", 3, 1)])
@example(steps=[("merge", 1, 2), ("split", 2), ("hear", 1), ("unmerge", 1), ("merge", 2, 1), ("unmerge", 2)])
def test_merging_and_unmerging_any_sequence_of_tickets_loses_no_message(steps: list[tuple[Any, ...]]) -> None:
    clock = ManualClock("2026-01-05T09:00:00+00:00")
    with Desk("sqlite://", clock=clock, ids=SequentialIds()) as desk:
        said = [f"first of {number}" for number in range(1, COUNT + 1)]
        for text in said:
            desk.open("Printer", text, author="customer:ann")
        for place, step in enumerate(steps):
            clock.advance(minutes=1)
            text = take(desk, step, f"{place}")
            said += [] if text is None else [text]
            standing = [ticket for ticket in tickets(desk) if ticket.merged_into is None]
            assert sorted(body for ticket in standing for body in bodies(desk, ticket.number)) == sorted(said)
            for ticket in tickets(desk):  # what lies in a merged one is read in the one that stands for it
                kept = ticket
                while kept.merged_into is not None:
                    kept = desk.get(kept.merged_into)
                assert set(bodies(desk, ticket.number)) <= set(bodies(desk, kept.number))
        for _ in range(COUNT):
            for ticket in tickets(desk):
                if ticket.merged_into is not None:
                    take(desk, ("unmerge", ticket.number), "")
        assert all(ticket.merged_into is None for ticket in tickets(desk))
        assert sorted(body for ticket in tickets(desk) for body in bodies(desk, ticket.number)) == sorted(said)
