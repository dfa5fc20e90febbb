"""What a desk promises, over time: the service levels in force, and all earlier ones that tickets still name.

A ticket keeps the revision of the policy that was applied to it, with the classes of channels and the calendars of
then; time before a change of a calendar is measured with the calendar of then. So a desk knows every revision that its
database has recorded.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import attrs

from supportkit.businesstime import BusinessCalendar
from supportkit.clock import EPOCH, from_us, to_us
from supportkit.errors import LevelsOutdated
from supportkit.lifecycle import Lifecycle
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.ticket import Ticket
from supportkit.sla import ALWAYS_OPEN, DEFAULT_CHANNELS, CalendarChanged, Rules, ServiceLevels, select
from supportkit.sla.levels import calendars_of
from supportkit.sla.rules import Bound
from supportkit.sla.translate import subject_of

_USUAL = dict(DEFAULT_CHANNELS)


@attrs.frozen(kw_only=True)
class Revision:
    """Service levels as they were recorded.

    Attributes:
        number: 1 for the first one of the tenant, without gaps.
        since: From when on they hold.
        retroactive: Whether clocks that run are measured anew with the calendars that changed.
    """

    number: int
    since: dt.datetime
    levels: ServiceLevels
    retroactive: bool = False


class Applied(NamedTuple):
    """What is applied to a ticket: a policy by its name, and what its revision is known by."""

    policy: str | None
    revision: str | None


class Held(NamedTuple):
    """A revision of a calendar, and since when it holds, in microseconds."""

    since: int
    revision: str


def canonical(levels: ServiceLevels) -> str:
    """Return service levels as JSON in which equal ones are equal texts."""
    return _canonical(levels.to_dict())


def _canonical(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def bound(levels: ServiceLevels) -> list[Bound]:
    """Return the policies of *levels*, each with the classes of channels beside it.

    Its revision is the policy's own; where the classes are not the usual ones it is that of both together.
    """
    channels = dict(levels.channels)
    if channels == _USUAL:
        return [Bound(policy, policy.revision, channels) for policy in levels.policies]
    words = _canonical(channels)
    return [
        Bound(attrs.evolve(policy), hashlib.sha256((policy.revision + words).encode()).hexdigest(), channels)
        for policy in levels.policies
    ]


@attrs.frozen
class Promises:
    """Everything that has been promised, compiled.

    Attributes:
        current: What holds for tickets that are opened now.
        rules: All policies and calendars that the database knows; the present ones come first.
        generation: The number of the newest revision; 0 where none was recorded.
        changes: When calendars changed, each with the number of the revision that changed it.
    """

    current: ServiceLevels
    rules: Rules
    generation: int
    changes: tuple[tuple[int, CalendarChanged], ...]
    _present: tuple[Bound, ...]
    _known: Mapping[str, Mapping[str, Bound]]
    _held: Mapping[str, tuple[Held, ...]]

    @classmethod
    def of(
        cls,
        current: ServiceLevels,
        lifecycle: Lifecycle,
        known: Iterable[Revision] = (),
        calendars: Mapping[str, Any] | None = None,
    ) -> Promises:
        """Compile *current* and all recorded revisions, the oldest first.

        Args:
            current: What holds now.
            lifecycle: The states that clocks look at.
            known: What the database has recorded.
            calendars: Further calendars that histories may name, by revision.
        """
        revisions = tuple(known)
        present = tuple(bound(current))
        policies: dict[str, dict[str, Bound]] = {}
        everything = [*present, *(one for revision in reversed(revisions) for one in bound(revision.levels))]
        for one in everything:
            policies.setdefault(one.policy.id, {}).setdefault(one.revision, one)
        by_name: dict[str, Any] = dict(calendars or {})
        held: dict[str, tuple[Held, ...]] = {}
        for revision in revisions:
            for name, calendar in revision.levels.calendars:
                by_name[calendar.revision] = by_name[name] = calendar
                if name not in held or held[name][-1].revision != calendar.revision:
                    held[name] = (*held.get(name, ()), Held(to_us(revision.since), calendar.revision))
        by_name.update(current.calendars)
        rules = Rules(
            [one for several in policies.values() for one in several.values()],
            by_name,
            categories={state.name: state.category for state in lifecycle.states},
            channels=dict(current.channels),
        )
        generation = revisions[-1].number if revisions else 0
        return cls(current, rules, generation, tuple(_changes(revisions)), present, policies, held)

    def revision(self, policy: str, beginning: str) -> str:
        """Return the whole revision of a policy of which the *beginning* is given.

        Raises:
            ValueError: No such policy was ever promised here.
        """
        for revision in self._known.get(policy, ()):
            if revision.startswith(beginning):
                return revision
        raise ValueError("this policy is not known here")

    def calendar_revision(self, name: str, beginning: str) -> str:
        """Return the whole revision of a calendar of which the *beginning* is given.

        Raises:
            ValueError: No calendar of this name ever had such a revision here.
        """
        for held in self._held.get(name, ()):
            if held.revision.startswith(beginning):
                return held.revision
        raise ValueError("this calendar is not known here")

    def expect(self, generation: int) -> None:
        """Refuse what was measured with service levels that this process has not read.

        Raises:
            LevelsOutdated: *generation* is newer than what is known here.
        """
        if generation > self.generation:
            raise LevelsOutdated(self.generation, generation)

    def choose(self, ticket: Ticket | cm.Open | ev.TicketOpened) -> Applied:
        """Return what holds for such a ticket: the first of the present policies whose condition holds."""
        present = self._present
        if len(present) == 1 and not present[0].policy.condition:  # most desks; conditions need the whole subject
            return Applied(present[0].policy.id, present[0].revision)
        subject = subject_of(ticket)
        for policy, revision, channels in present:
            subject["channel_class"] = channels.get(ticket.channel, "other")
            if select((policy,), subject) is not None:
                return Applied(policy.id, revision)
        return Applied(None, None)

    def pins(self, policy: str | None, revision: str | None, at: dt.datetime) -> tuple[tuple[str, str], ...]:
        """Return the revisions of the calendars of a policy that are in force at an instant."""
        found = self._known.get(policy or "", {}).get(revision or "")
        if found is None or not self._held:
            return ()
        t = to_us(at)
        names = dict.fromkeys(name for name in calendars_of(found.policy) if name != ALWAYS_OPEN and name in self._held)
        return tuple((name, _in_force(self._held[name], t)) for name in names)

    def since(self, generation: int, until: int) -> list[tuple[int, CalendarChanged]]:
        """Return the changes after *generation* that hold by an instant, in microseconds."""
        return [
            (number, change)
            for number, change in self.changes
            if number > generation and to_us(change.occurred_at) <= until
        ]

    def past_calendars(self, levels: ServiceLevels) -> dict[str, Any]:
        """Return the recorded revisions of those calendars that are in *levels* as they are now, by revision."""
        found: dict[str, Any] = {}
        for name, calendar in levels.calendars:
            held = self._held.get(name, ())
            if held and held[-1].revision == calendar.revision:
                found.update({one.revision: self.rules.calendar(name, one.revision) for one in held})
        return found

    def schedules(self, name: str) -> list[tuple[dt.datetime, BusinessCalendar]]:
        """Return what a calendar was over time: each revision of it, and since when it holds."""
        held = self._held.get(name, ())
        if not held:
            return [(EPOCH, dict(self.current.calendars)[name])]
        return [(from_us(one.since), self.rules.calendar(name, one.revision)) for one in held]

    def heard(self, generation: int) -> Promises:
        """Return the promises as they were before anything after *generation* was heard."""
        return attrs.evolve(self, changes=tuple(one for one in self.changes if one[0] <= generation))


def _in_force(held: tuple[Held, ...], t: int) -> str:
    """Return the revision that holds at *t*; before the first one was recorded, that one."""
    return next((one.revision for one in reversed(held) if one.since <= t), held[0].revision)


def has_new_calendars(revisions: Iterable[Revision]) -> bool:
    """Tell whether the last one of *revisions* changed a calendar that an earlier one had."""
    known = tuple(revisions)
    return any(number == known[-1].number for number, _change in _changes(known))


def _changes(revisions: Iterable[Revision]) -> Iterable[tuple[int, CalendarChanged]]:
    held: dict[str, str] = {}
    for revision in revisions:
        for name, calendar in revision.levels.calendars:
            now, before = calendar.revision, held.get(name)
            if before is not None and before != now and name != ALWAYS_OPEN:
                yield (
                    revision.number,
                    CalendarChanged(
                        occurred_at=revision.since,
                        calendar=name,
                        revision=now,
                        previous=before,
                        retroactive=revision.retroactive,
                    ),
                )
            held[name] = now
