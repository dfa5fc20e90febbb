"""What an escalation does: functional actions find who can solve, hierarchical ones tell who must know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Literal

import attrs

from supportkit.errors import InvalidEscalation, InvalidMacro
from supportkit.escalation import reading as read
from supportkit.macro import MAX_STEPS, Step
from supportkit.model.ticket import Priority
from supportkit.text import suggest

ROLES = ("lead", "assignee", "followers", "responsible")
"""Whom `Notify` can name without naming a person; a person is written `agent:kim`."""


class ActionKind(StrEnum):
    """What an action is for."""

    FUNCTIONAL = "functional"
    HIERARCHICAL = "hierarchical"
    OTHER = "other"


@attrs.frozen(kw_only=True)
class MoveTo:
    """Move the ticket to another line: a level, `up` or `down`."""

    to: int | Literal["up", "down"]
    team: str | None = None


@attrs.frozen(kw_only=True)
class AssignTo:
    """Make a team or a person responsible; with *responsible* those whom the regulation names."""

    team: str | None = None
    person: str | None = None
    responsible: bool = False


@attrs.frozen(kw_only=True)
class Notify:
    """Tell people: roles (`lead`, `assignee`, `followers`, `responsible`) or persons (`agent:kim`)."""

    whom: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Raise:
    """Set a priority, or raise it by one step (`up`); it is never lowered by this."""

    priority: Priority | Literal["up"]


@attrs.frozen(kw_only=True)
class AddTags:
    """Add tags."""

    tags: tuple[str, ...]


@attrs.frozen(kw_only=True)
class CallHook:
    """Call `supportkit_escalated` with this name after the commit."""

    name: str


@attrs.frozen(kw_only=True)
class RunSteps:
    """Carry out commands as one, as a macro would: all of them or none."""

    steps: tuple[Step, ...]


@attrs.frozen(kw_only=True)
class RunMacro:
    """Carry out the macro that is saved under this name when the rule fires."""

    name: str


Action = MoveTo | AssignTo | Notify | Raise | AddTags | CallHook | RunSteps | RunMacro


def kind_of(action: Action) -> ActionKind:
    """Tell what an action is for."""
    match action:
        case MoveTo() | AssignTo():
            return ActionKind.FUNCTIONAL
        case Notify():
            return ActionKind.HIERARCHICAL
        case _:
            return ActionKind.OTHER


def word_of(action: Action) -> str:
    """Return the key under which an action stands in a file."""
    return _WORDS[type(action)]


_WORDS: Mapping[type[Any], str] = {
    MoveTo: "move",
    AssignTo: "assign",
    Notify: "notify",
    Raise: "priority",
    AddTags: "tag",
    CallHook: "hook",
    RunSteps: "do",
    RunMacro: "macro",
}


def read_action(value: Any, what: str) -> Action:
    """Return the action of a table with one key: `move`, `assign`, `notify`, `priority`, `tag`, `hook`, `do`, `macro`.

    Raises:
        InvalidEscalation: It is none of these.
    """
    data = read.table(value, what, (*_READERS, "team"))
    words = [word for word in _READERS if word in data]
    if len(words) != 1:
        raise InvalidEscalation(f"{what} has one of the keys {', '.join(_READERS)}, not {len(words)} of them")
    if "team" in data and words != ["move"]:
        raise InvalidEscalation(f"{what}: 'team' belongs to 'move'; write assign = {{team = ...}} to assign only")
    return _READERS[words[0]](data, f"{what}, {words[0]}")


def _move(data: Mapping[str, Any], what: str) -> Action:
    to = data["move"]
    level = to if to in ("up", "down") else read.level(to, what)
    return MoveTo(to=level, team=read.optional_name(data.get("team"), what))


def _assign(data: Mapping[str, Any], what: str) -> Action:
    given = data["assign"]
    if given == "responsible":
        return AssignTo(responsible=True)
    who = read.table(given, what, ("team", "person"))
    if not who:
        raise InvalidEscalation(f"{what} needs a team or a person, or is the word 'responsible'")
    return AssignTo(team=read.optional_name(who.get("team"), what), person=read.optional_name(who.get("person"), what))


def _notify(data: Mapping[str, Any], what: str) -> Action:
    whom = read.names(data["notify"], what)
    for one in whom:
        if one not in ROLES and not (one.startswith("agent:") and one != "agent:"):
            raise InvalidEscalation(f"{what}: nobody is called {one[:64]!r}{suggest(one, (*ROLES, 'agent:<id>'))}")
    if not whom:
        raise InvalidEscalation(f"{what} names nobody")
    return Notify(whom=whom)


def _raise(data: Mapping[str, Any], what: str) -> Action:
    to = data["priority"]
    return Raise(priority="up" if to == "up" else read.priority(to, what))


def _tag(data: Mapping[str, Any], what: str) -> Action:
    return AddTags(tags=read.names(data["tag"], what))


def _hook(data: Mapping[str, Any], what: str) -> Action:
    return CallHook(name=read.identifier(data["hook"], what))


def _steps(data: Mapping[str, Any], what: str) -> Action:
    given = read.items(data["do"], what)
    if not 1 <= len(given) <= MAX_STEPS:
        raise InvalidEscalation(f"{what} has 1 to {MAX_STEPS} steps, not {len(given)}")
    try:
        return RunSteps(steps=tuple([Step.from_dict(one, "", number) for number, one in enumerate(given, 1)]))
    except InvalidMacro as error:
        raise InvalidEscalation(f"{what}, step {error.step}: {error.problem}") from None


def _macro(data: Mapping[str, Any], what: str) -> Action:
    return RunMacro(name=read.identifier(data["macro"], what))


_READERS: Mapping[str, Callable[[Mapping[str, Any], str], Action]] = {
    "move": _move,
    "assign": _assign,
    "notify": _notify,
    "priority": _raise,
    "tag": _tag,
    "hook": _hook,
    "do": _steps,
    "macro": _macro,
}


def plain_action(action: Action) -> dict[str, Any]:  # noqa: PLR0911 - one short case an action
    """Return what `read_action` reads."""
    match action:
        case MoveTo():
            return {"move": action.to} | ({} if action.team is None else {"team": action.team})
        case AssignTo(responsible=True):
            return {"assign": "responsible"}
        case AssignTo():
            who = {"team": action.team, "person": action.person}
            return {"assign": {key: value for key, value in who.items() if value is not None}}
        case Notify():
            return {"notify": list(action.whom)}
        case Raise():
            return {"priority": "up" if action.priority == "up" else action.priority.name.lower()}
        case AddTags():
            return {"tag": list(action.tags)}
        case CallHook():
            return {"hook": action.name}
        case RunSteps():
            return {"do": [step.to_dict() for step in action.steps]}
        case RunMacro():
            return {"macro": action.name}
