"""`Macro`: several commands under one name, as plain data; what they mean on a ticket is for the desk."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import attrs

from supportkit.errors import InvalidMacro, InvalidPolicy
from supportkit.model import commands as cm
from supportkit.model.fields import Fields
from supportkit.model.people import Actor
from supportkit.model.ticket import ClosingReason, Priority
from supportkit.sla.terms import read_duration
from supportkit.text import clean

MAX_STEPS = 20
MAX_TEXT = 100_000
MAX_NAME = 200
MAX_ITEMS = 100
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@attrs.frozen(kw_only=True)
class Step:
    """One command of a macro.

    Attributes:
        do: Which: `reply`, `ask`, `note`, `start`, `hold`, `resume`, `resolve`, `reopen`, `close`, `assign`,
            `priority`, `tag`, `fields`, `follow`, `move_tier`.
        values: Its arguments, as `from_dict` reads them.
    """

    do: str
    values: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Any, macro: str = "", number: int = 0) -> Self:
        """Return a step from a table such as `{"do": "tag", "add": ["printer"]}`.

        Raises:
            InvalidMacro: It is none.
        """

        def wrong(problem: str) -> InvalidMacro:
            return InvalidMacro(macro, number, problem)

        if not isinstance(data, Mapping):
            raise wrong(f"a step is a table, not {type(data).__name__}")
        do = data.get("do")
        if not isinstance(do, str) or do not in _STEPS:
            raise wrong(f"there is no command {str(do)[:40]!r}; there are: {', '.join(_STEPS)}")
        readers, required, _make = _STEPS[do]
        values: dict[str, Any] = {}
        for key, value in data.items():
            if key == "do":
                continue
            if key not in readers:
                raise wrong(f"{do} has no argument {str(key)[:40]!r}; it has: {', '.join(readers) or 'none'}")
            try:
                values[key] = readers[key](value)
            except (InvalidPolicy, TypeError, ValueError) as error:
                raise wrong(f"{do}, {key}: {error}") from None
        if required and not any(key in values for key in required):
            raise wrong(f"{do} needs {' or '.join(required)}")
        return cls(do=do, values=values)

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads."""
        return {"do": self.do, **self.values}

    def command(self, actor: Actor, now: dt.datetime, new_id: Callable[[], str]) -> cm.Command:
        """Return the command that this step is for *actor* at *now*."""
        return _STEPS[self.do][2](actor, self.values, now, new_id)


@attrs.frozen(kw_only=True)
class Macro:
    """Several commands as one.

    Attributes:
        name: 1 to 64 letters, digits, `_`, `.` or `-`.
        steps: What is done, in this order: all of it or nothing.
        title: As people call it.
        version: 1 when it is saved first, then one more for each change.

    Raises:
        InvalidMacro: The name, the title or the number of steps cannot be.
    """

    name: str
    steps: tuple[Step, ...]
    title: str = ""
    version: int = 0

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be saved."""
        if not isinstance(self.name, str) or not _ID.fullmatch(self.name):
            named = str(self.name)[:64]
            raise InvalidMacro(named, 0, "a name is 1 to 64 letters, digits, '_', '.' or '-'")
        if not 1 <= len(self.steps) <= MAX_STEPS:
            raise InvalidMacro(self.name, 0, f"a macro has 1 to {MAX_STEPS} steps, not {len(self.steps)}")
        if not isinstance(self.title, str) or len(self.title) > MAX_NAME or clean(self.title, "title") != self.title:
            raise InvalidMacro(self.name, 0, f"title is a text of at most {MAX_NAME} characters")

    @classmethod
    def from_dict(cls, data: Any, *, version: int = 0) -> Self:
        """Return what `to_dict` wrote, or what a person wrote.

        Raises:
            InvalidMacro: Something in it is unknown, missing or malformed; the error names the step.
        """
        if not isinstance(data, Mapping):
            raise InvalidMacro("", 0, f"a macro is a table, not {type(data).__name__}")
        name = str(data.get("name", ""))[:64]
        for key in data:
            if key not in ("name", "title", "steps"):
                raise InvalidMacro(name, 0, f"a macro has no {str(key)[:40]!r}; it has: name, title, steps")
        steps = data.get("steps")
        if not isinstance(steps, list | tuple) or len(steps) > MAX_STEPS:
            raise InvalidMacro(name, 0, f"steps is a list of 1 to {MAX_STEPS} tables")
        return cls(
            name=data.get("name", ""),
            title=data.get("title", ""),
            steps=tuple([Step.from_dict(one, name, number) for number, one in enumerate(steps, 1)]),
            version=version,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads."""
        return {"name": self.name, "title": self.title, "steps": [step.to_dict() for step in self.steps]}


# -- reading arguments: each returns plain data that JSON keeps ------------------------------------------------------


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
        raise ValueError(f"it is a text of 1 to {MAX_TEXT} characters")
    return clean(value, "text")


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME:
        raise ValueError(f"it is a name of 1 to {MAX_NAME} characters")
    return clean(value, "name")


def _nobody(value: Any) -> str | None:
    return None if value is None else _name(value)


def _names(value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError("it is a list of names")
    found = [_name(one) for one in value]
    if not 1 <= len(found) <= MAX_ITEMS:
        raise ValueError(f"it is a list of 1 to {MAX_ITEMS} names")
    return found


def _span(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("it is a span such as '2d'")
    if read_duration(value, "it") <= dt.timedelta(0):
        raise ValueError("it is more than nothing")
    return value


def _reason(value: Any) -> str:
    return ClosingReason(value).value


def _priority(value: Any) -> str:
    return Priority.parse(value).name.lower()


def _level(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("it is the number of a support line")
    return value


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not 1 <= len(value) <= MAX_ITEMS:
        raise ValueError(f"it is a table of 1 to {MAX_ITEMS} custom fields")
    for one in value.values():
        if not (one is None or isinstance(one, str | int | float | bool)):
            raise TypeError(f"a custom field is text, a number, true or false, not {type(one).__name__}")
    return {_name(name): clean(one, "field") if isinstance(one, str) else one for name, one in value.items()}


# -- what the commands are -------------------------------------------------------------------------------------------

Values = Mapping[str, Any]
Make = Callable[[Actor, Values, dt.datetime, Callable[[], str]], cm.Command]


def _until(values: Values, now: dt.datetime) -> dt.datetime | None:
    return now + read_duration(values["for"], "for") if "for" in values else None


def _closing(values: Values) -> ClosingReason | None:
    return ClosingReason(values["reason"]) if "reason" in values else None


def _kept(values: Values, key: str) -> Any:
    return values.get(key, cm.KEEP)


_STEPS: Mapping[str, tuple[Mapping[str, Callable[[Any], Any]], tuple[str, ...], Make]] = {
    "reply": (
        {"body": _text, "channel": _name},
        ("body",),
        lambda a, v, _, new: cm.Reply(actor=a, body=v["body"], channel=v.get("channel"), message=new()),
    ),
    "ask": (
        {"body": _text, "channel": _name, "for": _span},
        ("body",),
        lambda a, v, now, new: cm.Ask(
            actor=a, body=v["body"], channel=v.get("channel"), until=_until(v, now), message=new()
        ),
    ),
    "note": (
        {"body": _text, "mentions": _names},
        ("body",),
        lambda a, v, _, new: cm.AddNote(actor=a, body=v["body"], mentions=tuple(v.get("mentions", ())), note=new()),
    ),
    "start": ({}, (), lambda a, *_: cm.Start(actor=a)),
    "hold": (
        {"text": _text, "for": _span},
        (),
        lambda a, v, now, _: cm.Hold(actor=a, text=v.get("text", ""), until=_until(v, now)),
    ),
    "resume": ({}, (), lambda a, *_: cm.Resume(actor=a)),
    "resolve": (
        {"text": _text, "reason": _reason},
        ("text",),
        lambda a, v, *_: cm.Resolve(actor=a, text=v["text"], reason=_closing(v) or ClosingReason.SOLVED),
    ),
    "reopen": ({"text": _text}, (), lambda a, v, *_: cm.Reopen(actor=a, text=v.get("text", ""))),
    "close": ({"reason": _reason}, (), lambda a, v, *_: cm.Close(actor=a, reason=_closing(v))),
    "assign": (
        {"team": _nobody, "assignee": _nobody},
        ("team", "assignee"),
        lambda a, v, *_: cm.Assign(actor=a, team=_kept(v, "team"), assignee=_kept(v, "assignee")),
    ),
    "priority": (
        {"to": _priority},
        ("to",),
        lambda a, v, *_: cm.SetPriority(actor=a, priority=Priority.parse(v["to"])),
    ),
    "tag": (
        {"add": _names, "remove": _names},
        ("add", "remove"),
        lambda a, v, *_: cm.Tag(actor=a, add=tuple(v.get("add", ())), remove=tuple(v.get("remove", ()))),
    ),
    "fields": ({"set": _table}, ("set",), lambda a, v, *_: cm.SetFields(actor=a, changes=Fields(v["set"]))),
    "follow": (
        {"add": _names, "remove": _names},
        ("add", "remove"),
        lambda a, v, *_: cm.Follow(actor=a, add=tuple(v.get("add", ())), remove=tuple(v.get("remove", ()))),
    ),
    "move_tier": (
        {"to": _level, "team": _name, "summary": _text},
        ("to",),
        lambda a, v, *_: cm.MoveTier(actor=a, tier=v["to"], team=v.get("team"), summary=v.get("summary", "")),
    ),
}
