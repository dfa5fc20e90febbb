"""Macros: several commands as one, checked when they are saved, all of them done or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from supportkit.clock import ManualClock
from supportkit.desk import Desk
from supportkit.engine.evolve import fold
from supportkit.errors import (
    ConcurrentUpdate,
    IdempotencyConflict,
    IllegalTransition,
    InvalidMacro,
    MacroRefused,
    NotFound,
    Refused,
    TicketNotFound,
)
from supportkit.hooks import hookimpl
from supportkit.lifecycle import Refusal
from supportkit.macro import Macro, Step
from supportkit.model.commands import SetPriority
from supportkit.model.events import MacroApplied

ANN, KIM = "customer:ann", "agent:kim"
EVERY: list[dict[str, Any]] = [
    {"do": "reply", "body": "Leave the room"},
    {"do": "note", "body": "it burns", "mentions": ["lee"]},
    {"do": "ask", "body": "Are you out?", "for": "2h"},
    {"do": "resume"},
    {"do": "hold", "text": "the fire brigade", "for": "1d"},
    {"do": "assign", "team": "safety", "assignee": None},
    {"do": "priority", "to": "urgent"},
    {"do": "tag", "add": ["fire"], "remove": ["printer"]},
    {"do": "fields", "set": {"floor": 4, "dark": True}},
    {"do": "follow", "add": ["mo"]},
    {"do": "move_tier", "to": 2, "team": "safety", "summary": "it burns"},
    {"do": "resolve", "text": "it is out", "reason": "solved"},
    {"do": "reopen", "text": "not yet"},
    {"do": "resolve", "text": "now it is"},
    {"do": "close"},
]
FIRE = {"name": "fire", "title": "Something burns", "steps": EVERY}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-01-05T09:00:00+00:00")


@pytest.fixture
def desk(clock: ManualClock) -> Iterator[Desk]:
    with Desk("sqlite://", clock=clock) as desk:
        yield desk


def opened(desk: Desk) -> int:
    return desk.open("Printer", "It smokes", author=ANN, tags=["printer"]).number


def save(desk: Desk, *steps: dict[str, Any], name: str = "m") -> Macro:
    return desk.macros.save({"name": name, "steps": list(steps)})


# -- doing it --------------------------------------------------------------------------------------------------------


def test_every_command_that_a_macro_can_have_is_carried_out_in_order(desk: Desk) -> None:
    desk.macros.save(FIRE)
    ticket = opened(desk)
    after = desk.macros.apply(ticket, "fire", actor=KIM)
    assert (after.state, after.team, after.assignee, after.priority.name) == ("closed", "safety", None, "URGENT")
    assert (after.tags, dict(after.fields), after.followers) == (("fire",), {"floor": 4, "dark": True}, ("mo",))
    assert (after.tier, after.resolution, after.reopenings) == (2, "now it is", 1)
    assert [message.body for message in desk.messages(ticket)] == ["It smokes", "Leave the room", "Are you out?"]
    assert [note.body for note in desk.notes(ticket)] == ["it burns"]
    log = desk.history(ticket)
    assert desk.get(ticket) == after == fold(log)
    assert [one.event for one in log if isinstance(one.event, MacroApplied)] == [MacroApplied(macro="fire", version=1)]
    assert len({one.command for one in log[2:]}) == 1


def test_the_outcome_is_that_of_the_single_verbs(desk: Desk) -> None:
    save(desk, {"do": "reply", "body": "so"}, {"do": "tag", "add": ["x"]}, {"do": "resolve", "text": "done"})
    one, two = opened(desk), opened(desk)
    desk.macros.apply(one, "m", actor=KIM)
    desk.reply(two, "so", actor=KIM)
    desk.tag(two, "x", actor=KIM)
    desk.resolve(two, "done", actor=KIM)
    first, second = ([one.event for one in desk.history(ticket)] for ticket in (one, two))
    assert [type(one) for one in first if not isinstance(one, MacroApplied)] == [type(one) for one in second]
    verdicts = [[(str(one.metric), one.verdict) for one in desk.clocks(ticket).clocks] for ticket in (one, two)]
    assert verdicts[0] == verdicts[1]


def test_where_one_step_is_not_possible_nothing_is_done(desk: Desk) -> None:
    save(desk, {"do": "reply", "body": "so"}, {"do": "resume"})
    before = desk.get(ticket := opened(desk))
    with pytest.raises(MacroRefused, match=r"macro 'm', step 2 \(resume\): 'resume' is not possible") as error:
        desk.macros.apply(ticket, "m", actor=KIM)
    assert isinstance(error.value.reason, IllegalTransition)
    assert (error.value.step, desk.get(ticket), len(desk.messages(ticket))) == (2, before, 1)


def test_a_veto_against_one_step_stops_all() -> None:
    class Veto:
        @hookimpl
        def supportkit_refuse(self, ticket: Any, command: Any) -> Refusal | None:
            del ticket
            return Refusal("app.no", "Not today.") if isinstance(command, SetPriority) else None

    with Desk("sqlite://", plugins=[Veto()]) as desk:
        save(desk, {"do": "tag", "add": ["x"]}, {"do": "priority", "to": "high"})
        with pytest.raises(MacroRefused, match="Not today") as error:
            desk.macros.apply(opened(desk), "m", actor=KIM)
        assert isinstance(error.value.reason, Refused)
        assert desk.get(1).tags == ("printer",)


def test_a_key_gives_the_first_result_again(desk: Desk) -> None:
    save(desk, {"do": "reply", "body": "so"})
    save(desk, {"do": "reply", "body": "other"}, name="n")
    ticket = opened(desk)
    first = desk.macros.apply(ticket, "m", actor=KIM, idempotency_key="k")
    desk.macros.save({"name": "m", "steps": [{"do": "reply", "body": "changed meanwhile"}]})
    assert desk.macros.apply(ticket, "m", actor=KIM, idempotency_key="k") == first
    with pytest.raises(IdempotencyConflict):
        desk.macros.apply(ticket, "n", actor=KIM, idempotency_key="k")
    assert len(desk.messages(ticket)) == 2


def test_an_expected_version_holds_for_the_whole(desk: Desk) -> None:
    save(desk, {"do": "tag", "add": ["x"]}, {"do": "tag", "add": ["y"]})
    ticket = opened(desk)
    with pytest.raises(ConcurrentUpdate):
        desk.macros.apply(ticket, "m", actor=KIM, expected_version=1)
    assert desk.macros.apply(ticket, "m", actor=KIM, expected_version=desk.get(ticket).version).tags[-2:] == ("x", "y")


def test_a_preview_writes_nothing_and_says_what_will_be_written(desk: Desk) -> None:
    desk.macros.save(FIRE)
    ticket = opened(desk)
    before = desk.get(ticket), desk.history(ticket)
    expected = [type(one.event) for one in desk.macros.preview(ticket, "fire", actor=KIM)]
    assert (desk.get(ticket), desk.history(ticket)) == before
    desk.macros.apply(ticket, "fire", actor=KIM)
    assert [type(one.event) for one in desk.history(ticket)[len(before[1]) :]] == expected
    with pytest.raises(MacroRefused):
        desk.macros.preview(ticket, "fire", actor=KIM)


def test_what_is_not_there_is_told(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no macro 'm'"):
        desk.macros.apply(opened(desk), "m", actor=KIM)
    save(desk, {"do": "start"})
    with pytest.raises(TicketNotFound):
        desk.macros.apply(99, "m", actor=KIM)


# -- saving it -------------------------------------------------------------------------------------------------------


def test_a_macro_is_kept_with_versions(desk: Desk) -> None:
    first = desk.macros.save(FIRE, expected_version=0)
    assert (first.version, desk.macros.save(FIRE).version) == (1, 1)
    second = desk.macros.save(Macro(name="fire", steps=(Step.from_dict({"do": "start"}),)), expected_version=1)
    assert (second.version, desk.macros.get("fire"), [one.name for one in desk.macros.list()]) == (2, second, ["fire"])
    with pytest.raises(ConcurrentUpdate, match="'fire' is at version 2, not 1"):
        desk.macros.save(FIRE, expected_version=1)
    assert desk.macros.remove("fire") == second
    with pytest.raises(NotFound):
        desk.macros.get("fire")
    assert Macro.from_dict(first.to_dict()).steps == first.steps


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"do": "explode"}, "no command 'explode'; there are: reply"),
        ({"body": "x"}, "no command 'None'"),
        ("reply", "a step is a table, not str"),
        ({"do": "reply"}, "reply needs body"),
        ({"do": "reply", "body": " "}, "body: it is a text of 1 to 100000"),
        ({"do": "reply", "body": "x", "to": "all"}, "reply has no argument 'to'; it has: body, channel"),
        ({"do": "reply", "body": "x", "channel": "pigeon"}, "no channel 'pigeon' that sends; there are: none"),
        ({"do": "assign"}, "assign needs team or assignee"),
        ({"do": "hold", "for": "soon"}, "for"),
        ({"do": "hold", "for": "-1h"}, "for"),
        ({"do": "close", "reason": "bored"}, "'bored' is not a valid ClosingReason"),
        ({"do": "priority", "to": "huge"}, "priority 'huge' is unknown"),
        ({"do": "tag", "add": "x"}, "it is a list of names"),
        ({"do": "tag", "add": []}, "a list of 1 to 100 names"),
        ({"do": "fields", "set": {"x": [1]}}, "not list"),
        ({"do": "move_tier", "to": 9}, "no support line 9; there are: 1, 2"),
        ({"do": "move_tier", "to": True}, "number of a support line"),
    ],
)
def test_a_step_that_cannot_be_is_refused_by_its_number(desk: Desk, step: Any, problem: str) -> None:
    with pytest.raises(InvalidMacro) as error:
        save(desk, {"do": "start"}, step)
    assert problem in str(error.value)
    assert (error.value.macro, error.value.step) == ("m", 2)
    assert list(desk.macros.list()) == []


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"name": "", "steps": [{"do": "start"}]},
        {"name": "a b", "steps": [{"do": "start"}]},
        {"name": "a", "steps": []},
        {"name": "a"},
        {"name": "a", "steps": [{"do": "start"}] * 21},
        {"name": "a", "steps": [{"do": "start"}], "code": "x"},
        {"name": "a", "steps": [{"do": "start"}], "title": "x" * 201},
    ],
)
def test_a_macro_that_cannot_be_is_refused(desk: Desk, data: Any) -> None:
    with pytest.raises(InvalidMacro):
        desk.macros.save(data)
    assert list(desk.macros.list()) == []
