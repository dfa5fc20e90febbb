"""What agents and teams have in common: both are records, and each has to fit to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import attrs

from supportkit.arguments import as_locale, as_name, as_timezone
from supportkit.errors import InvalidStaff, NotFound
from supportkit.model.change import Change
from supportkit.model.people import Agent, Team
from supportkit.model.record import Record, RecordChange
from supportkit.records import Records
from supportkit.runner import Runner
from supportkit.storage.codec import codec_of, dumps, loads
from supportkit.storage.keeping import KeepingUnit
from supportkit.storage.port import MAX_PAGE

AGENT, TEAM = "agent", "team"
"""Kinds of records."""
Person = TypeVar("Person", Agent, Team)
Result = TypeVar("Result")
_APART = ("id", "tenant", "version")


def to_record(kind: str, value: Agent | Team) -> Record:
    """Return the record of an agent or a team."""
    cls: Any = type(value)
    plain = codec_of(cls).encode(value)
    data = dumps({name: item for name, item in plain.items() if name not in _APART})
    return Record(tenant=value.tenant, kind=kind, id=value.id, data=data, version=value.version)


def from_record(cls: type[Person], record: Record) -> Person:
    """Return the agent or the team of a record."""
    made: Any = cls
    apart = {"id": record.id, "tenant": record.tenant, "version": record.version}
    found: Person = codec_of(made).decode(loads(record.data) | apart)
    return found


@attrs.frozen
class Staff:
    """All agents and teams as one transaction sees them; staff is few, so it is read whole."""

    unit: KeepingUnit
    agents: dict[str, Agent]
    teams: dict[str, Team]

    @classmethod
    def read(cls, unit: KeepingUnit) -> Staff:
        """Read them."""
        return cls(
            unit,
            {one.id: one for one in (from_record(Agent, record) for record in _all(unit, AGENT))},
            {one.id: one for one in (from_record(Team, record) for record in _all(unit, TEAM))},
        )

    def save(self, kind: str, value: Agent | Team) -> None:
        """Write one of them; its version says whether it is new."""
        self.unit.save(Change(records=(RecordChange(record=to_record(kind, value)),)))

    def remove(self, kind: str, value: Agent | Team) -> None:
        """Delete one of them."""
        self.unit.save(Change(records=(RecordChange(record=to_record(kind, value), is_removed=True),)))

    def agent(self, agent: str) -> Agent:
        """Return an agent.

        Raises:
            NotFound: There is none of this id.
        """
        return _named(self.agents, AGENT, agent)

    def team(self, team: str) -> Team:
        """Return a team.

        Raises:
            NotFound: There is none of this id.
        """
        return _named(self.teams, TEAM, team)

    def circle(self, agent: Agent) -> tuple[str, ...]:
        """Return the deputies that lead back to *agent*, beginning and ending with him; empty where none does."""
        chain, deputy = [agent.id], agent.deputy
        while deputy is not None and deputy not in chain:
            chain.append(deputy)
            deputy = self.agents[deputy].deputy if deputy in self.agents else None
        return (*chain, agent.id) if deputy == agent.id else ()


def reading(runner: Runner, work: Callable[[Staff], Result]) -> Result:
    """Look at the staff."""
    with Records(runner, AGENT).reading() as unit:
        return work(Staff.read(unit))


def changing(runner: Runner, work: Callable[[Staff], Result]) -> Result:
    """Change the staff in one transaction, again after a lost race."""
    return Records(runner, AGENT).in_one(lambda unit: work(Staff.read(unit)))


def checked(who: str, field: str, check: Callable[[], Result]) -> Result:
    """Return what *check* returns; where it refuses the value, say whose it is and which.

    Raises:
        InvalidStaff: It refused.
    """
    try:
        return check()
    except InvalidStaff:
        raise
    except (TypeError, ValueError) as error:
        raise InvalidStaff(who, field, str(error)) from None


def cleaned(who: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return attributes of an agent or a team with their texts cleaned.

    Raises:
        InvalidStaff: One of them cannot be.
    """
    return {
        name: checked(who, name, lambda name=name, value=value: _CLEAN.get(name, _same)(value))  # type: ignore[misc]
        for name, value in values.items()
    }


def known_fields(cls: type[Any], changes: Iterable[str]) -> None:
    """Refuse attributes that are not there, or that cannot be changed.

    Raises:
        TypeError: One of these is not.
    """
    known = {field.name for field in attrs.fields(cls)} - set(_APART)
    unknown = sorted(set(changes) - known)
    if unknown:
        raise TypeError(
            f"{cls.__name__.lower()}s have no {unknown[0]!r} to change; possible: {', '.join(sorted(known))}"
        )


def _all(unit: KeepingUnit, kind: str) -> list[Record]:
    found: list[Record] = []
    while page := unit.records(kind, after=found[-1].id if found else "", limit=MAX_PAGE):
        found += page
        if len(page) < MAX_PAGE:
            break
    return found


def _named(several: dict[str, Person], kind: str, name: str) -> Person:
    found = several.get(name) if isinstance(name, str) else None
    if found is None:
        raise NotFound(kind, name)
    return found


def _same(value: Any) -> Any:
    return value


def _optional(value: Any) -> Any:
    return None if value is None else as_name(value, "a name")


def _names(values: Any) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError("give several strings, not one")
    return tuple(dict.fromkeys(as_name(one, "a name") for one in values))


def _whether(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"it is true or false, not a {type(value).__name__}")
    return value


_CLEAN: dict[str, Callable[[Any], Any]] = {
    "name": lambda name: as_name(name, "name") if name else "",
    "teams": _names,
    "skills": _names,
    "languages": lambda tags: tuple(dict.fromkeys(as_locale(tag) for tag in tags)),
    "locale": as_locale,
    "timezone": as_timezone,
    "calendar": _optional,
    "shifts": tuple,
    "active": _whether,
    "deputy": _optional,
    "lead": _optional,
}
"""How attributes are cleaned."""
