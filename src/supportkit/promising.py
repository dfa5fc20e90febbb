"""Service levels of a desk over time: read what the database recorded, record what the app gives, tell the clocks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from supportkit.engine.effects import CLOCKS
from supportkit.engine.promises import Promises, Revision, canonical, has_new_calendars
from supportkit.engine.rules import Rules
from supportkit.errors import ConcurrentUpdate, InvalidPolicy, StorageCorrupt
from supportkit.lifecycle import Lifecycle
from supportkit.model.change import Settings
from supportkit.sla import ServiceLevels, Severity, lint
from supportkit.storage.codec import dumps, loads
from supportkit.storage.port import Storage, TicketQuery, UnitOfWork

if TYPE_CHECKING:
    from supportkit.runner import Runner

SUBJECT = "levels"
Levels = ServiceLevels | Mapping[str, Any]


def as_levels(given: Levels) -> ServiceLevels:
    """Return service levels of a value or of the dicts of a configuration file.

    Raises:
        InvalidPolicy: A policy is malformed.
        InvalidCalendar: A calendar is malformed.
    """
    if isinstance(given, ServiceLevels):
        return given
    if isinstance(given, Mapping):
        return ServiceLevels.from_dict(given)
    raise InvalidPolicy(
        f"levels must be ServiceLevels or a mapping, not {type(given).__name__}; "
        "the text of a file is read by ServiceLevels.from_toml"
    )


def checked(levels: ServiceLevels, lifecycle: Lifecycle, now: dt.datetime) -> ServiceLevels:
    """Return *levels* if nothing is wrong with them; what is merely unwise is for `supportkit policy lint` to say.

    Raises:
        InvalidPolicy: The linter finds an error.
    """
    categories = {state.name: state.category for state in lifecycle.states}
    wrong = [one for one in lint(levels, None, categories, now=now) if one.severity is Severity.ERROR]
    if wrong:
        raise InvalidPolicy("; ".join(f"{one.code}, {one.where}: {one.sentence}" for one in wrong))
    return levels


def recorded(unit: UnitOfWork) -> tuple[Revision, ...]:
    """Return every revision of the service levels that the database has, the oldest first."""
    return tuple(_read(row) for row in unit.settings(SUBJECT))


def _read(row: Settings) -> Revision:
    try:
        data = loads(row.data)
        levels = ServiceLevels.from_dict(data["levels"])
        return Revision(number=row.number, since=row.since, levels=levels, retroactive=bool(data.get("retroactive")))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StorageCorrupt(f"revision {row.number} of the service levels cannot be read: {error}") from error


def promises(storage: Storage, tenant: str, rules: Rules, given: Levels | None, now: dt.datetime) -> Promises:
    """Return what a desk promises: what the app gives, which is recorded, else what was recorded last.

    Without either it is the built-in policy, and nothing is written.
    """
    with storage.begin(tenant, write=False) as unit:
        known = recorded(unit)
    if given is not None:
        known = record(storage, tenant, checked(as_levels(given), rules.lifecycle, now), known, now)
    current = known[-1].levels if known else ServiceLevels()
    return Promises.of(current, rules.lifecycle, known)


def record(
    storage: Storage,
    tenant: str,
    levels: ServiceLevels,
    known: tuple[Revision, ...],
    now: dt.datetime,
    *,
    retroactive: bool = False,
) -> tuple[Revision, ...]:
    """Record *levels* if they are not what was recorded last; return all revisions.

    Where there are tickets already and nothing was recorded before, the built-in policy was applied to them: it becomes
    the first revision. Where calendars changed, the clocks of every ticket that has a note of them are looked at again:
    what is due earlier now, or at all, must not wait.
    """
    while True:
        if known and canonical(known[-1].levels) == canonical(levels):
            return known
        try:
            with storage.begin(tenant) as unit:
                before = known
                if not known and unit.find(TicketQuery(limit=1)).items:
                    before = (_added(unit, Revision(number=1, since=now, levels=ServiceLevels())),)
                number = before[-1].number + 1 if before else 1
                since = max(now, before[-1].since) if before else now
                new = Revision(number=number, since=since, levels=levels, retroactive=retroactive)
                after = (*before, _added(unit, new))
                if has_new_calendars(after):
                    unit.wake(CLOCKS, since)
        except ConcurrentUpdate:  # another process was first: perhaps with the same
            with storage.begin(tenant, write=False) as unit:
                known = recorded(unit)
        else:
            return after


def _added(unit: UnitOfWork, revision: Revision) -> Revision:
    data = {"levels": revision.levels.to_dict()} | ({"retroactive": True} if revision.retroactive else {})
    row = Settings(tenant=unit.tenant, subject=SUBJECT, number=revision.number, since=revision.since, data=dumps(data))
    unit.add_settings(row)
    return revision


def renewed(unit: UnitOfWork, rules: Rules) -> Rules:
    """Return rules with the service levels that the database has now."""
    known = recorded(unit)
    current = known[-1].levels if known else rules.promises.current
    return attrs.evolve(rules, promises=Promises.of(current, rules.lifecycle, known))


def replace(runner: Runner, levels: ServiceLevels, *, retroactive: bool) -> ServiceLevels:
    """Record other service levels and let them hold from now on."""
    checked(levels, runner.rules.lifecycle, runner.clock.now())
    with runner.storage.begin(runner.tenant, write=False) as unit:
        known = recorded(unit)
    record(runner.storage, runner.tenant, levels, known, runner.clock.now(), retroactive=retroactive)
    runner.reload()
    return levels
