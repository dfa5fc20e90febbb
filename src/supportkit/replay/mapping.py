"""`LogFormat`: what the columns and words of a foreign log mean, as a value that TOML can hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import attrs

from supportkit.lifecycle import built_in
from supportkit.model.ticket import ClosingReason, Priority
from supportkit.replay import plain
from supportkit.replay.errors import InvalidLogFormat
from supportkit.replay.promised import RecordedPromise, read_promise
from supportkit.replay.times import ISO, time_reader
from supportkit.text import MAX_NAME

SAME: Final = "="
"""Leave it as it is."""
ANY: Final = "*"
"""In a table: every value that has no line of its own. In a joined state: every value of that column."""
MAX_TOML_BYTES = 1_000_000
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_RELATIVE = re.compile(r"[+-][1-9]")
_TIERS = range(1, 6)


@attrs.frozen(kw_only=True)
class Columns:
    """Where in the file things stand: names of the header.

    Attributes:
        ticket: The id of the case.
        time: When it happened.
        state: One column, or several whose values are joined with `/`.
        opened: When the case was opened, if that is not the time of its first row.
        ended: When the case was over: the time of a row whose state is resolved or closed. So one row can tell a whole
            case.
        fields: Custom fields of the ticket by name, and the columns that hold them.
    """

    ticket: str
    time: str
    state: tuple[str, ...]
    opened: str | None = None
    ended: str | None = None
    team: str | None = None
    tier: str | None = None
    assignee: str | None = None
    priority: str | None = None
    channel: str | None = None
    customer: str | None = None
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every column that is read."""
        named = attrs.asdict(self)
        state, fields = named.pop("state"), dict(named.pop("fields"))
        return (*(name for name in named.values() if name is not None), *state, *fields.values())


@attrs.frozen(kw_only=True)
class Meaning:
    """What a state value of the log makes of a ticket.

    Attributes:
        to: A state of the built-in lifecycle, or `=`.
        reason: The closing reason, if the ticket ends by it.
        tag: A tag that the ticket gets.
    """

    to: str
    reason: ClosingReason | None = None
    tag: str | None = None


Level = int | str
"""1 to 5, `+1` or `-1` for up and down from where the ticket is, or `=`."""
Urgency = Priority | Literal["="]


@attrs.frozen(kw_only=True)
class LogFormat:
    """A kind of log.

    Attributes:
        name: Part of the keys under which rows are recorded.
        times: `iso`, or formats of `strptime`, tried in this order.
        zone: IANA zone of times that have no offset of their own.
        missing: Values that mean "not known".
        states: From state value to meaning; looked up exactly, then by the patterns with `*` in their order.
        tiers: From tier value to level.
        priorities: From priority value to priority.
        promise: What the log says about its own promises, if it does.
    """

    name: str
    columns: Columns
    times: tuple[str, ...] = (ISO,)
    zone: str = "UTC"
    missing: tuple[str, ...] = ("",)
    delimiter: str = ","
    states: tuple[tuple[str, Meaning], ...]
    tiers: tuple[tuple[str, Level], ...] = ()
    priorities: tuple[tuple[str, Urgency], ...] = ()
    promise: RecordedPromise | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` reads back into an equal value."""
        columns = {name: value for name, value in attrs.asdict(self.columns).items() if value not in (None, ())}
        columns["state"] = list(self.columns.state)
        if self.columns.fields:
            columns["fields"] = dict(self.columns.fields)
        promise = {} if self.promise is None else {"promise": self.promise.to_dict()}
        return {
            "name": self.name,
            "times": list(self.times),
            "zone": self.zone,
            "missing": list(self.missing),
            "delimiter": self.delimiter,
            "columns": columns,
            "states": {value: _plain_meaning(meaning) for value, meaning in self.states},
            "tiers": dict(self.tiers),
            "priorities": {
                value: urgency.name.lower() if isinstance(urgency, Priority) else urgency
                for value, urgency in self.priorities
            },
            **promise,
        }

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> LogFormat:
        """Read the plain data that `to_dict` writes; all but name, columns and states may be left out.

        Raises:
            InvalidLogFormat: Something is unknown, missing or of the wrong type; the text says where.
        """
        top = plain.table("the format", mapping, attrs.fields_dict(cls), needs=("name", "columns", "states"))
        name = plain.text("name", top["name"])
        if not _NAME.fullmatch(name):
            raise InvalidLogFormat("name: write 1 to 32 of a-z, 0-9, - and _, a letter first")
        delimiter = plain.text("delimiter", top.get("delimiter", ","))
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
            raise InvalidLogFormat("delimiter must be one ASCII character, for example ','")
        columns = _columns(top["columns"])
        times = plain.texts("times", top.get("times", (ISO,)))
        zone = _zone(plain.text("zone", top.get("zone", "UTC")))
        promise = read_promise(top["promise"], columns.ended) if "promise" in top else None
        if promise is not None and promise.as_of is not None and time_reader(times, zone)(promise.as_of) is None:
            raise InvalidLogFormat(f"promise.as_of {plain.shown(promise.as_of)} fits none of the formats in `times`")
        return cls(
            name=name,
            columns=columns,
            times=times,
            zone=zone,
            missing=plain.texts("missing", top.get("missing", ("",))),
            delimiter=delimiter,
            states=tuple((value, _meaning(f"states.{value}", row)) for value, row in plain.lines(top, "states")),
            tiers=tuple((value, _level(f"tiers.{value}", row)) for value, row in plain.lines(top, "tiers")),
            priorities=tuple(
                (value, _urgency(f"priorities.{value}", row)) for value, row in plain.lines(top, "priorities")
            ),
            promise=promise,
        )

    @classmethod
    def from_toml(cls, text: str) -> LogFormat:
        """Read a format from TOML.

        Raises:
            InvalidLogFormat: It is not TOML, too large, or no format (see `from_dict`).
        """
        import tomllib

        if len(text) > MAX_TOML_BYTES:
            raise InvalidLogFormat(f"a format has at most {MAX_TOML_BYTES} characters, this text has {len(text)}")
        try:
            data = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            what = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
            raise InvalidLogFormat(f"the format is not TOML: {what}") from None
        return cls.from_dict(data)


BUILT_IN = ("bpi2013", "boston311", "helpdesk", "uci")
"""The formats that come with the library."""


def built_in_format(name: str) -> LogFormat:
    """Return one of the formats that come with the library.

    Raises:
        InvalidLogFormat: There is none of this name.
    """
    if name not in BUILT_IN:
        raise InvalidLogFormat(f"format {plain.shown(name)} is unknown; {plain.instead(name, BUILT_IN)}")
    text = resources.files("supportkit.replay").joinpath("formats", f"{name}.toml").read_text(encoding="utf-8")
    return LogFormat.from_toml(text)


# -- reading the parts -----------------------------------------------------------------------------------------------


def _plain_meaning(meaning: Meaning) -> str | dict[str, str]:
    if meaning.reason is None and meaning.tag is None:
        return meaning.to
    parts = {"to": meaning.to, "reason": meaning.reason and meaning.reason.value, "tag": meaning.tag}
    return {name: value for name, value in parts.items() if value is not None}


def _columns(value: object) -> Columns:
    data = dict(plain.table("columns", value, attrs.fields_dict(Columns), needs=("ticket", "time", "state")))
    state = data.pop("state")
    names = (plain.text("columns.state", state),) if isinstance(state, str) else plain.texts("columns.state", state)
    if not names:
        raise InvalidLogFormat("columns.state must name at least one column")
    fields = tuple(
        (_field(name), plain.text(f"columns.fields.{name}", column))
        for name, column in plain.lines(data, "fields", where="columns.fields")
    )
    data.pop("fields", None)
    named = {name: plain.text(f"columns.{name}", column) for name, column in data.items()}
    return Columns(state=names, fields=fields, **named)


def _field(name: str) -> str:
    if not name.strip() or name != name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidLogFormat(f"columns.fields: {plain.shown(name)} is no name of a custom field")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        raise InvalidLogFormat(f"zone {plain.shown(name)} cannot be read; write an IANA name: Europe/Rome") from None
    except KeyError:
        raise InvalidLogFormat(f"there is no zone {plain.shown(name)}; write an IANA name: Europe/Rome") from None
    return name


def _meaning(where: str, row: object) -> Meaning:
    data = {"to": row} if isinstance(row, str) else plain.table(where, row, attrs.fields_dict(Meaning), needs=("to",))
    states = (*(state.name for state in built_in().states), SAME)
    to = plain.one_of(f"{where}.to", data["to"], states)
    tag = plain.text(f"{where}.tag", data["tag"]) if "tag" in data else None
    if tag is not None and not tag.strip():
        raise InvalidLogFormat(f"{where}.tag must not be empty")
    if "reason" not in data:
        return Meaning(to=to, tag=tag)
    reasons = [reason.value for reason in ClosingReason if reason is not ClosingReason.MERGED]
    reason = ClosingReason(plain.one_of(f"{where}.reason", data["reason"], reasons))
    if to not in {"resolved", "closed"}:
        raise InvalidLogFormat(f"{where}: a reason needs to = resolved or closed, not {to}")
    return Meaning(to=to, reason=reason, tag=tag)


def _level(where: str, row: object) -> Level:
    if isinstance(row, int) and not isinstance(row, bool) and row in _TIERS:
        return row
    if isinstance(row, str) and (row == SAME or _RELATIVE.fullmatch(row)):
        return row
    raise InvalidLogFormat(f"{where} must be a tier from 1 to 5, '+1' or '-1', or '='")


def _urgency(where: str, row: object) -> Urgency:
    name = plain.one_of(where, row, [*(priority.name.lower() for priority in Priority), SAME])
    return "=" if name == SAME else Priority.parse(name)
