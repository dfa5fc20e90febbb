"""The number of notices is a function of the events: whoever folds the log anew finds the same ones."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channel_rig import Pigeon, delivery, message

from supportkit import Desk, ManualClock
from supportkit.engine.evolve import evolve
from supportkit.engine.notices import USUAL, notices_due
from supportkit.errors import WorkflowError
from supportkit.model.events import NoticeQueued, Recorded
from supportkit.model.ticket import Ticket
from supportkit.templates import Notice

KIM = "agent:kim"
STEPS = st.lists(
    st.sampled_from(["message", "reply", "resolve", "reopen", "end", "spam", "urgent", "note", "hour"]), max_size=8
)
FOLDED = USUAL - {Notice.PROMISE_MOVED}
"""Whether a promise moved is for the clocks to say."""


def expected(log: list[Recorded]) -> list[str]:
    """Return the notices that a log leads to, command by command."""
    found: list[str] = []
    ticket: Ticket | None = None
    while log:
        command = [one for one in log if one.command == log[0].command]
        before, log = ticket, log[len(command) :]
        for one in command:
            ticket = evolve(ticket, one)
        assert ticket is not None
        found += [due.notice.value for due in notices_due(before, ticket, command, FOLDED)]
    return found


def step(desk: Desk, clock: ManualClock, name: str, number: int) -> None:
    match name:
        case "message":
            desk.receive("pigeon", delivery(message(f"m{number}", "ann", "more", thread="t")))
            desk.process_inbox()
        case "reply":
            desk.reply(1, "Here.", actor=KIM)
        case "resolve":
            desk.resolve(1, "done", actor=KIM)
        case "reopen":
            desk.reopen(1, actor=KIM)
        case "end":
            desk.end(1, actor=KIM, reason="not_ours")
        case "spam":
            desk.end(1, actor=KIM, reason="spam")
        case "urgent":
            desk.set_priority(1, "urgent", actor=KIM)
        case "note":
            desk.note(1, "hm", actor=KIM)
        case _:
            clock.advance(hours=1)


@settings(max_examples=30, deadline=None)
@given(STEPS)
def test_the_log_tells_which_notices_there_are_and_each_has_its_row(steps: list[str]) -> None:
    clock = ManualClock("2026-03-02T12:00:00+00:00")
    with Desk(channels=[Pigeon()], clock=clock) as desk:
        step(desk, clock, "message", -1)
        for number, name in enumerate(steps):
            try:
                step(desk, clock, name, number)
            except WorkflowError:
                continue
        log = list(desk.history(1))
        told = [one.event for one in log if isinstance(one.event, NoticeQueued)]
        assert [one.notice for one in told if one.notice != Notice.PROMISE_MOVED] == expected(log)
        rows = {row.message: row for row in desk.outbox(1) if row.rule != "reply"}
        assert set(rows) == {one.message for one in told}
        assert all(one.reason is None or rows[one.message].reason == one.reason for one in told)
        assert desk.get(1).messages == len(desk.messages(1))
