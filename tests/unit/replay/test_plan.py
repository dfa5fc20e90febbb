"""The plan: from the ticket as it is to what the row says, by the right triggers and without a word."""

from __future__ import annotations

import itertools

import attrs
import pytest
from tests.unit.replay.logs import FORMAT, HEADER, START, row

from supportkit.clock import EPOCH
from supportkit.engine.decide import decide
from supportkit.engine.evolve import evolve
from supportkit.engine.rules import Rules
from supportkit.lifecycle import built_in
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.events import Recorded
from supportkit.model.ticket import ClosingReason, Priority
from supportkit.replay.plan import REPLAYER, opening, plan
from supportkit.replay.rows import RowReader

RULES = Rules(lifecycle=built_in(), close_resolved_after=None)
READER = RowReader(FORMAT, tuple(HEADER.split(",")))
WORDS = {"New": "new", "Work": "open", "Ask": "pending", "Wait": "on_hold", "Done": "resolved", "End": "closed"}


def made(first):
    return opening(first, ticket="T", reference="R")


def play(*lines):
    """Return the ticket after some rows, and the commands of the last one."""
    ticket, steps = None, []
    for text in lines:
        steps = plan(READER.read(text.split(","), "A"), ticket, made)
        for at, command in steps:
            for event in decide(ticket, command, at, RULES):
                seq = 1 if ticket is None else ticket.version + 1
                ticket = evolve(
                    ticket,
                    Recorded(
                        tenant="t", ticket="T", seq=seq, occurred_at=at, recorded_at=EPOCH, actor=REPLAYER, event=event,
                        command="c",
                    ),
                )  # fmt: skip
    return ticket, [command for _at, command in steps]


def triggers(commands):
    return [command.trigger for command in commands if isinstance(command, cm.Fire)]


def test_a_ticket_is_born_where_the_first_row_says():
    ticket, commands = play(row("A", 0, "New", "3", "wheels", "kim", "top", "Phone", "Ann"))
    assert [type(command) for command in commands] == [cm.Open]
    assert (ticket.tier, ticket.team, ticket.assignee, ticket.priority) == (3, "wheels", "kim", Priority.URGENT)
    assert (ticket.channel, ticket.subject, ticket.state) == ("phone", "A", "new")
    assert ticket.customer is not None


def test_a_ticket_of_which_nothing_is_said_is_an_ordinary_one():
    ticket, _ = play(row("A", 0, "-"))
    assert (ticket.tier, ticket.priority, ticket.channel, ticket.state) == (1, Priority.NORMAL, "import", "new")


def test_a_ticket_is_created_when_it_was_opened_and_moves_when_the_row_says():
    opened = START.replace(hour=7).isoformat()
    ticket, _ = play(row("A", 30, "Work", born=opened))
    assert ticket.created_at.hour == 7
    assert (ticket.state_since - START).total_seconds() == 1800


def test_a_row_that_says_what_is_so_already_does_nothing():
    same = row("A", 0, "Work", "2", "wheels", "kim", "top", "phone", "Ann")
    assert play(same, same)[1] == []


@pytest.mark.parametrize(("first", "then"), list(itertools.product(WORDS, WORDS)))
def test_every_state_is_reached_from_every_other_one(first, then):
    ticket, commands = play(row("A", 0, first), row("A", 1, then))
    done_again = (first, then) == ("End", "Done")
    queued_again = then == "New" and first != "New"
    expected = "closed" if done_again else "open" if queued_again else WORDS[then]
    assert ticket.state == expected
    assert ticket.messages == 0
    assert all(isinstance(command, cm.Fire) for command in commands)
    if first == then or done_again:
        assert commands == []


def test_finished_work_that_goes_on_is_reopened_first():
    ticket, commands = play(row("A", 0, "End"), row("A", 1, "Wait", "2", "wheels"))
    assert triggers(commands) == ["reopen", "hold"]
    assert isinstance(commands[0], cm.Fire)
    assert (ticket.state, ticket.reopenings, ticket.tier) == ("on_hold", 1, 2)


def test_closing_what_was_not_resolved_gives_a_reason_and_after_resolving_none():
    ended, straight = play(row("A", 0, "Work"), row("A", 1, "End"))
    assert [command.reason for command in straight] == [ClosingReason.SOLVED]
    assert ended.resolved_at == ended.closed_at
    _, later = play(row("A", 0, "Done"), row("A", 1, "End"))
    assert [command.reason for command in later] == [None]


def test_the_format_may_say_why_a_ticket_ended():
    ticket, _ = play(row("A", 0, "Work"), row("A", 1, "Spam"))
    assert (ticket.state, ticket.reason) == ("closed", ClosingReason.SPAM)


def test_another_line_begins_without_the_person_of_the_old_one():
    ticket, commands = play(row("A", 0, "Work", "1", "wheels", "kim"), row("A", 1, "Work", "2", "gears"))
    assert [type(command) for command in commands] == [cm.MoveTier]
    assert (ticket.tier, ticket.team, ticket.assignee) == (2, "gears", None)
    ticket, commands = play(row("A", 0, "Work", "1", "wheels", "kim"), row("A", 1, "Work", "2", "gears", "lee"))
    assert [type(command) for command in commands] == [cm.MoveTier, cm.Assign]
    assert (ticket.tier, ticket.team, ticket.assignee) == (2, "gears", "lee")


@pytest.mark.parametrize(("line", "tiers"), [("up", [2, 3, 4, 5, 5]), ("down", [1, 1])])
def test_a_relative_level_stops_at_the_first_and_the_last_line(line, tiers):
    rows = [row("A", minute, "Work", line) for minute in range(len(tiers))]
    assert [play(*rows[: count + 1])[0].tier for count in range(len(rows))] == tiers


def test_levels_skip_and_come_down_again():
    ticket, commands = play(row("A", 0, "Work", "1"), row("A", 1, "Work", "3"), row("A", 2, "Work", "1"))
    assert [type(command) for command in commands] == [cm.MoveTier]
    assert ticket.tier == 1


def test_a_finished_ticket_still_moves_between_lines():
    ticket, commands = play(row("A", 0, "Done", "1"), row("A", 1, "Done", "2"))
    assert [type(command) for command in commands] == [cm.MoveTier]
    assert (ticket.tier, ticket.state, ticket.reopenings) == (2, "resolved", 0)


def test_what_a_row_does_not_say_stays_as_it_is():
    ticket, commands = play(row("A", 0, "Work", "2", "wheels", "kim", "top", "", "Ann"), row("A", 1, "Work"))
    assert commands == []
    assert (ticket.tier, ticket.team, ticket.assignee, ticket.priority) == (2, "wheels", "kim", Priority.URGENT)


def test_team_person_priority_and_customer_change_on_their_own():
    first = row("A", 0, "Work", "1", "wheels", "kim", "low", "", "Ann")
    for changed, kind in (
        (row("A", 1, "Work", "1", "gears", "kim", "low", "", "Ann"), cm.Assign),
        (row("A", 1, "Work", "1", "wheels", "lee", "low", "", "Ann"), cm.Assign),
        (row("A", 1, "Work", "1", "wheels", "kim", "top", "", "Ann"), cm.SetPriority),
        (row("A", 1, "Work", "1", "wheels", "kim", "low", "", "Bob"), cm.SetCustomer),
    ):
        assert [type(command) for command in play(first, changed)[1]] == [kind]
    assert play(first, row("A", 1, "Work", "1", "wheels", "kim", "same", "", "Ann"))[1] == []


def test_a_tag_is_added_once_and_the_state_stays():
    ticket, commands = play(row("A", 0, "Ask"), row("A", 1, "Look"))
    assert [type(command) for command in commands] == [cm.Tag]
    assert (ticket.state, ticket.tags) == ("pending", ("seen",))
    assert play(row("A", 0, "Ask"), row("A", 1, "Look"), row("A", 2, "Look"))[1] == []


def test_no_command_of_a_plan_brings_a_word():
    lines = [row("A", minute, word, "up", "t", "w", "top", "c", "p") for minute, word in enumerate((*WORDS, "Work"))]
    for count in range(1, len(lines) + 1):
        for command in play(*lines[:count])[1]:
            assert not isinstance(command, cm.Reply | cm.Receive | cm.Ask | cm.AddNote)
            assert not getattr(command, "body", None)
            assert getattr(command, "text", "") == ""


def test_a_state_of_an_own_lifecycle_is_tried_like_an_open_one():
    ticket, _ = play(row("A", 0, "Work"))
    strange = attrs.evolve(ticket, state="somewhere")
    steps = plan(READER.read(row("A", 1, "Done").split(","), "A"), strange, made)
    assert triggers([command for _at, command in steps]) == ["resolve"]


def test_resolving_is_one_event():
    ticket, _ = play(row("A", 0, "Work"))
    ((at, command),) = plan(READER.read(row("A", 1, "Done").split(","), "A"), ticket, made)
    (event,) = decide(ticket, command, at, RULES)
    assert isinstance(event, ev.StateChanged)
    assert (event.dest, event.text) == ("resolved", "")
