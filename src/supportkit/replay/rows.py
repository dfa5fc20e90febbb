"""From the cells of a record to a `Row` in our own terms, or to the reason why that cannot be done."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import attrs

from supportkit.errors import Refused
from supportkit.lifecycle import Refusal
from supportkit.model.fields import NO_FIELDS, Fields
from supportkit.model.ticket import Priority
from supportkit.replay.mapping import ANY, SAME, Level, LogFormat, Meaning
from supportkit.replay.plain import shown
from supportkit.replay.times import time_reader
from supportkit.text import MAX_NAME

UNKNOWN_VALUE = "replay.unknown_value"
BAD_TIME = "replay.bad_time"
NO_TICKET = "replay.no_ticket"
TOO_LONG = "replay.too_long"
ENDS = frozenset({"resolved", "closed"})
"""States in which the work is over."""
_SAID = ("team", "tier", "assignee", "priority", "channel", "customer")
_UNCHANGED = Meaning(to=SAME)
_REMEMBERED = 4096
Key = TypeVar("Key")
Value = TypeVar("Value")


@attrs.frozen(kw_only=True)
class Said:
    """What a row says about its ticket besides the time; `None` where the log does not say.

    Attributes:
        meaning: What the state value makes of the ticket.
        tier: A level, or `+1`, `-1`.
        customer: Id of the customer, made from the log's name, so that the same name is the same person.
        customer_name: The log's name of the customer.
        fields: Custom fields; those that the row leaves out are not there.
    """

    meaning: Meaning
    tier: Level | None = None
    priority: Priority | None = None
    team: str | None = None
    assignee: str | None = None
    channel: str | None = None
    customer: str | None = None
    customer_name: str | None = None
    fields: Fields = NO_FIELDS


class Row(NamedTuple):
    """One row of a log; a tuple, because one is made for every line.

    Attributes:
        case: The log's own id of the ticket.
        at: When it happened.
        said: What it says; rows that say the same share it.
        opened: When the case was opened; used when the row opens the ticket.
    """

    case: str
    at: dt.datetime
    said: Said
    opened: dt.datetime | None = None


class Words(dict[str, Value]):
    """A table of the log's words: exact ones, then patterns in their order; what was found is remembered."""

    def __init__(self, lines: tuple[tuple[str, Value], ...]) -> None:
        super().__init__((word, value) for word, value in lines if ANY not in word.split("/"))
        self._patterns = [(tuple(word.split("/")), value) for word, value in lines if ANY in word.split("/")]

    def __missing__(self, word: str) -> Value:
        parts = word.split("/")
        for pattern, value in self._patterns:
            if pattern == (ANY,) or (
                len(pattern) == len(parts) and all(one in {ANY, part} for one, part in zip(pattern, parts, strict=True))
            ):
                if len(self) < _REMEMBERED:
                    self[word] = value
                return value
        raise KeyError(word)


class Known(dict[Key, Value]):
    """Answers of a function, remembered while there are not too many."""

    def __init__(self, answer: Callable[[Key], Value]) -> None:
        super().__init__()
        self._answer = answer

    def __missing__(self, key: Key) -> Value:
        value = self._answer(key)
        if len(self) < _REMEMBERED:
            self[key] = value
        return value


class RowReader:
    """Reads records of one file with one format.

    Logs repeat themselves: what a row says besides case and time is worked out once for each combination of cells.

    Args:
        format: What the columns and words mean.
        header: The names of the columns in this file.
    """

    def __init__(self, format: LogFormat, header: tuple[str, ...]) -> None:  # noqa: A002 - what it is called everywhere
        columns = format.columns
        self._format = format
        self._ticket, self._time = header.index(columns.ticket), header.index(columns.time)
        self._opened = None if columns.opened is None else header.index(columns.opened)
        self._ended = None if columns.ended is None else header.index(columns.ended)
        self._missing = frozenset(format.missing) | {""}
        self._states, self._tiers = Words(format.states), Words(format.tiers)
        self._priorities = Words(format.priorities)
        self._instant = time_reader(format.times, format.zone)
        self._state_at = header.index(columns.state[0])
        named = attrs.asdict(columns, filter=attrs.filters.include(*_SAID))
        self._names = tuple(name for name, column in named.items() if column is not None)
        self._fields = tuple(name for name, _column in columns.fields)
        indexes = [header.index(column) for column in columns.state]
        indexes += [header.index(named[name]) for name in self._names]
        indexes += [header.index(column) for _name, column in columns.fields]
        self._pick: Callable[[list[str]], Any] = operator.itemgetter(*indexes)
        self._said: dict[Any, Said] = {}
        self._meanings: Known[tuple[str, ...], Meaning] = Known(self._meaning)
        self._cells = {name: Known(functools.partial(self._value, name)) for name in self._names}
        self._opening_instant = Known(self._instant)  # a case repeats on every row when it was opened

    def case(self, cells: list[str]) -> str:
        """Return the id of the case; empty where the row has none."""
        case = cells[self._ticket].strip()
        return "" if case in self._missing else case

    def state_word(self, cells: list[str]) -> str:
        """Return what the first state column says, as the log says it."""
        return cells[self._state_at].strip()

    def read(self, cells: list[str], case: str) -> Row:
        """Return the row of a case, which `case` has found.

        Raises:
            Refused: A value is unknown, too long or no time; `refusal.code` begins with `replay.`.
        """
        if not case:
            raise refused(NO_TICKET, "the row names no ticket")
        if len(case) > MAX_NAME:
            _short(case, "the id of the ticket")
        at = self._instant(cells[self._time])
        if at is None:
            raise self._no_time(cells[self._time], self._format.columns.time)
        said = self.said(cells)
        opened = None if self._opened is None else self._open_time(cells[self._opened])
        if self._ended is not None and said.meaning.to in ENDS:
            return Row(case, self._end_time(cells[self._ended], said), said, opened or at)
        return Row(case, at, said, opened)

    def said(self, cells: list[str]) -> Said:
        """Return what the cells of a record say besides case and time.

        Raises:
            Refused: A value is unknown or too long.
        """
        picked = self._pick(cells)
        said = self._said.get(picked)
        if said is None:
            said = self._work_out((picked,) if isinstance(picked, str) else picked)
            if len(self._said) < _REMEMBERED:
                self._said[picked] = said
        return said

    def _work_out(self, picked: tuple[str, ...]) -> Said:
        """Return what the picked cells say: those of the state, of the columns in `_names`, and of custom fields."""
        count, rest = len(self._format.columns.state), len(picked) - len(self._fields)
        values: dict[str, Any] = {"meaning": self._meanings[picked[:count]]}
        for name, cell in zip(self._names, picked[count:rest], strict=True):
            values[name] = self._cells[name][cell]
        if self._fields:
            cells = ((name, cell.strip()) for name, cell in zip(self._fields, picked[rest:], strict=True))
            values["fields"] = Fields({name: cell for name, cell in cells if cell not in self._missing})
        if (person := values.get("customer")) is not None:
            values["customer_name"], values["customer"] = person, customer_id(self._format.name, person)
        if (channel := values.get("channel")) is not None:
            values["channel"] = "_".join(channel.lower().split())
        return Said(**values)

    def _value(self, name: str, cell: str) -> Any:
        """Return what one cell says, `None` where it is missing or leaves things as they are."""
        word = cell.strip()
        if word in self._missing:
            return None
        value: Any
        match name:
            case "tier":
                value = _looked_up(self._tiers, word, name)
            case "priority":
                value = _looked_up(self._priorities, word, name)
            case _:
                return _short(word, f"the {name}")
        return None if value == SAME else value

    def _meaning(self, cells: tuple[str, ...]) -> Meaning:
        parts = [cell.strip() for cell in cells]
        if all(part in self._missing for part in parts):
            return _UNCHANGED
        return _looked_up(self._states, "/".join(parts), "state")

    def _open_time(self, text: str) -> dt.datetime | None:
        if text.strip() in self._missing:
            return None
        instant = self._opening_instant[text]
        if instant is None:
            raise self._no_time(text, self._format.columns.opened or "")
        return instant

    def _end_time(self, text: str, said: Said) -> dt.datetime:
        column = self._format.columns.ended or ""
        if text.strip() in self._missing:
            raise refused(BAD_TIME, f"the row is {said.meaning.to}, but column {column!r} does not say since when")
        instant = self._instant(text)
        if instant is None:
            raise self._no_time(text, column)
        return instant

    def _no_time(self, text: str, column: str) -> Refused:
        return refused(BAD_TIME, f"{shown(text)} in column {column!r} is no time of this format")


def customer_id(format_name: str, name: str) -> str:
    """Return the id of a customer of a log: a digest, because an id outlives the erasure of a name."""
    return f"replay-{hashlib.sha256(f'{format_name}:{name}'.encode()).hexdigest()[:32]}"


def refused(code: str, sentence: str) -> Refused:
    """Build the error of a row that cannot be taken."""
    return Refused(Refusal(code, sentence))


def _looked_up(words: Mapping[str, Value], word: str, what: str) -> Value:
    try:
        return words[word]
    except KeyError:
        raise refused(UNKNOWN_VALUE, f"the {what} {shown(word)} is not in the format") from None


def _short(name: str, what: str) -> str:
    if len(name) > MAX_NAME:
        raise refused(TOO_LONG, f"{what} has {len(name)} characters, at most {MAX_NAME} are allowed")
    return name
