"""One TOML file says what a desk is: each table is a subject, read by that subject's own rules.

The file gives nothing but arguments of `Desk`; whatever it says can be said in code as well. All that is wrong with it
is told at once, each with its key and what was probably meant. A new subject is one line in `SECTIONS`.
"""

from __future__ import annotations

import datetime as dt
import difflib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs

from supportkit.engine.notices import Notices
from supportkit.engine.rules import FOLLOW_UP, REOPEN, AfterClose, Limits, TierPolicy
from supportkit.errors import ConfigurationError, InvalidConfiguration, SupportkitError
from supportkit.escalation.regulation import Duties
from supportkit.escalation.rules import EscalationRules
from supportkit.escalation.vendors import read_vendors
from supportkit.intake import Budgets
from supportkit.lifecycle import LifecycleSpec
from supportkit.model.people import Tier
from supportkit.retention import Retention
from supportkit.sla import ServiceLevels
from supportkit.sla.terms import read_duration
from supportkit.surveys.plain import surveys_from_dict
from supportkit.templates import read_folder

MAX_BYTES = 1_000_000
NEVER = "never"
Value = TypeVar("Value")
Read = Callable[[Any], Any]
"""Turns what TOML has into a value; refuses it with `TypeError`, `ValueError` or an error of ours."""


@attrs.frozen(kw_only=True)
class Config:
    """What a file says.

    Attributes:
        path: The file.
        storage: The database URL, if it names one.
        arguments: The other arguments of `Desk`, by name.
    """

    path: Path
    storage: str | None = attrs.field(default=None, repr=False)
    arguments: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.define
class Table:
    """One table of the file while it is read: it takes down what is wrong and goes on.

    Attributes:
        where: Its key, with dots; empty for the whole file.
        folder: Where the file lies; other files are named from there.
    """

    data: Mapping[str, Any]
    where: str
    folder: Path
    problems: list[str]

    def key(self, name: str) -> str:
        """Return the full key of a value in this table."""
        return f"{self.where}.{name}" if self.where else name

    def wrong(self, name: str, sentence: str) -> None:
        """Take down what is wrong with the value of a key."""
        self.problems.append(f"{self.key(name)}: {sentence}" if name else f"{self.where}: {sentence}")

    def only(self, known: Iterable[str]) -> None:
        """Take down every key that is not *known*."""
        names = tuple(known)
        for name in self.data:
            if name not in names:
                near = difflib.get_close_matches(str(name)[:64], names, n=1)
                self.wrong(
                    str(name)[:64],
                    "there is no such key; "
                    + (f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"),
                )

    def take(self, name: str, read: Callable[[Any], Value], default: Value) -> Value:
        """Return the value of a key as *read* makes it; *default* where it is not there, or wrong."""
        if name not in self.data:
            return default
        try:
            return read(self.data[name])
        except (SupportkitError, TypeError, ValueError) as error:
            self.wrong(name, str(error))
            return default

    def build(self, cls: Callable[..., Value], reads: Mapping[str, Read]) -> Value | None:
        """Return a value made of the keys of this table; `None` where something is wrong with it."""
        before = len(self.problems)
        self.only(reads)
        missing = object()
        given = {name: self.take(name, read, missing) for name, read in reads.items() if name in self.data}
        if len(self.problems) > before:
            return None
        try:
            return cls(**given)
        except (SupportkitError, TypeError, ValueError) as error:
            self.wrong("", str(error))
            return None


Section = Callable[[Table], Mapping[str, Any]]
"""Reads one table and returns arguments of `Desk`."""


# -- single values ---------------------------------------------------------------------------------------------------


def text(value: Any) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise TypeError("it is a text that is not empty")
    return value


def whether(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise TypeError("it is true or false")
    return value


def whole(value: Any) -> int:
    """Return a whole number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("it is a whole number from 0 on")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """Return several texts."""
    if not isinstance(value, list):
        raise TypeError('it is a list of texts, such as ["a", "b"]')
    return tuple(map(text, value))


def duration(value: Any) -> dt.timedelta:
    """Return a length of time, such as `30m`, `12h` or `7d`."""
    if isinstance(value, dt.timedelta):
        raise TypeError("it is a text such as '12h' or '7d'")
    try:
        return read_duration(value, "")
    except SupportkitError:
        raise ValueError(f"{str(value)[:40]!r} is no length of time; write '30m', '12h' or '7d'") from None


def perhaps_never(value: Any) -> dt.timedelta | None:
    """Return a length of time, or `None` for `never`."""
    return None if value == NEVER else duration(value)


# -- sections --------------------------------------------------------------------------------------------------------


def _found(name: str, value: object | None) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _desk(table: Table) -> Mapping[str, Any]:
    reads: dict[str, Read] = {
        "storage": text,
        "tenant": text,
        "synchronous": text,
        "join_across_channels": whether,
        "discover": whether,
        "keep_keys": duration,
    }
    return table.build(dict, reads) or {}


def _closing(table: Table) -> Mapping[str, Any]:
    reads: dict[str, Read] = {
        "after_close": _after_close,
        "close_resolved_after": perhaps_never,
        "resolve_pending_after": perhaps_never,
    }
    return table.build(dict, reads) or {}


def _after_close(value: Any) -> AfterClose:
    if value in {"reopen", "follow_up"}:
        return REOPEN if value == "reopen" else FOLLOW_UP
    try:
        return AfterClose(duration(value))
    except ValueError:
        raise ValueError("it is 'reopen', 'follow_up', or for how long a message reopens, such as '14d'") from None


def _of_file(table: Table) -> Mapping[str, Any] | None:
    """Return the content of the file that a table names, or of the table itself; `None` where it cannot be read."""
    if "file" not in table.data:
        return table.data
    if len(table.data) > 1:
        table.wrong("file", "either a file is named or everything stands here, not both")
        return None
    try:
        return read_toml(table.folder / text(table.data["file"]))
    except (TypeError, ConfigurationError) as error:
        table.wrong("file", str(error))
        return None


def _subject(name: str, read: Callable[[Mapping[str, Any]], object]) -> Section:
    """Return the section of a subject that reads its own dicts, here or in a file of its own."""

    def section(table: Table) -> Mapping[str, Any]:
        data = _of_file(table)
        if data is None:
            return {}
        try:
            return {name: read(data)}
        except (SupportkitError, TypeError, ValueError) as error:
            table.wrong("", str(error))
            return {}

    return section


def _moves(table: Table) -> Mapping[str, Any]:
    return _found("tier_policy", table.build(TierPolicy, {"skip": whether, "down": whether, "birth": whole}))


_LINE: Mapping[str, Read] = {
    "name": text,
    "external": whether,
    "teams": texts,
    "lead": text,
    "calendar": text,
    "checklist": texts,
}


def _vendors(data: Mapping[str, Any]) -> object:
    """Read vendors, each a table under its name: `[vendors.acme]`."""
    return read_vendors([{"name": name, **one} if isinstance(one, Mapping) else one for name, one in data.items()])


def _lines(table: Table) -> Mapping[str, Any]:
    """Read the support lines, each a table under its number: `[lines.1]`."""
    found = []
    for number, one in table.data.items():
        part = Table(one if isinstance(one, Mapping) else {}, table.key(number), table.folder, table.problems)
        if not number.isdecimal() or not number.isascii() or not 1 <= int(number[:3]) <= 99:  # noqa: PLR2004
            table.wrong(number[:64], "support lines are numbered from 1 to 99")
            continue
        level = int(number)
        line = part.build(lambda level=level, **given: Tier(level=level, **given), _LINE)
        found += [] if line is None else [line]
    return {"tiers": tuple(sorted(found, key=lambda line: line.level))} if found else {}


def _numbers(cls: type[Any], argument: str) -> Section:
    """Return the section of a class whose attributes are whole numbers."""
    reads: dict[str, Read] = {field.name: whole for field in attrs.fields(cls)}
    return lambda table: _found(argument, table.build(cls, reads))


def _retention(table: Table) -> Mapping[str, Any]:
    reads: dict[str, Read] = {"deliveries": duration, "arrivals": duration, "closed": perhaps_never}
    return _found("retention", table.build(Retention, reads))


def _notices(table: Table) -> Mapping[str, Any]:
    reads: dict[str, Read] = {
        "on": texts,
        "families": texts,
        "channels": texts,
        "to_addresses": whether,
        "default_locale": text,
        "desk_name": text,
        "tells_resolution": whether,
        "moved_by": duration,
        "texts": lambda folder: read_folder(table.folder / text(folder)),
    }

    def made(**given: Any) -> Notices:
        if "texts" in given:
            given["layers"] = given.pop("texts").layers
        return Notices(**given)

    return _found("notices", table.build(made, reads))


SECTIONS: Mapping[str, Section] = {
    "desk": _desk,
    "lifecycle": _subject("lifecycle", LifecycleSpec.from_dict),
    "levels": _subject("levels", ServiceLevels.from_dict),
    "closing": _closing,
    "lines": _lines,
    "moves": _moves,
    "escalations": _subject("escalations", EscalationRules.from_dict),
    "regulation": _subject("regulation", Duties.from_dict),
    "vendors": _subject("vendors", _vendors),
    "limits": _numbers(Limits, "limits"),
    "budgets": _numbers(Budgets, "budgets"),
    "retention": _retention,
    "notices": _notices,
    "surveys": _subject("surveys", surveys_from_dict),
}
"""The tables of a file, and what reads each."""


# -- files -----------------------------------------------------------------------------------------------------------


def load_config(path: str | Path, *, sections: Mapping[str, Section] = SECTIONS) -> Config:
    """Read a configuration file.

    Args:
        path: The file.
        sections: What reads each table; an app adds its own with `{**SECTIONS, "mine": read}`.

    Raises:
        InvalidConfiguration: Something is wrong with it; `problems` has everything, each with its key.
    """
    file = Path(path)
    problems: list[str] = []
    arguments: dict[str, Any] = {}
    whole_file = Table(read_toml(file), "", file.parent, problems)
    whole_file.only(sections)
    for name, read in sections.items():
        if name not in whole_file.data:
            continue
        data = whole_file.data[name]
        if not isinstance(data, Mapping):
            whole_file.wrong(name, f"it is a table: write [{name}]")
            continue
        arguments |= read(Table(data, name, file.parent, problems))
    if problems:
        raise InvalidConfiguration(file.name, problems)
    storage = arguments.pop("storage", None)
    return Config(path=file, storage=storage, arguments=arguments)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        InvalidConfiguration: It cannot be read, is too large, or no TOML.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidConfiguration(path.name, [f"it cannot be read: {error.strerror}"]) from None
    if len(raw) > MAX_BYTES:
        raise InvalidConfiguration(path.name, [f"a configuration file has at most {MAX_BYTES} bytes"])
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidConfiguration(path.name, ["it is no UTF-8"]) from None
    except RecursionError:
        raise InvalidConfiguration(path.name, ["it is nested too deeply"]) from None
    except ValueError as error:  # also an integer of thousands of digits
        raise InvalidConfiguration(path.name, [f"it is no TOML: {error}"]) from None
