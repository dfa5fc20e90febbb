"""What a desk promises, over time: the service levels in force, and all earlier ones that tickets still name.

A ticket keeps the revision of the policy that was applied to it, and time before a change of a calendar is measured
with the calendar of then. So a desk knows every revision that its database has recorded.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from supportkit.clock import to_us
from supportkit.lifecycle import Lifecycle
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.ticket import Ticket
from supportkit.sla import ALWAYS_OPEN, CalendarChanged, Policy, Rules, ServiceLevels, select
from supportkit.sla.translate import subject_of


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


def fingerprint(levels: ServiceLevels) -> str:
    """Return SHA-256 over the canonical JSON of service levels."""
    canonical = json.dumps(levels.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


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
    _classes: Mapping[str, str]
    _revisions: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, current: ServiceLevels, lifecycle: Lifecycle, known: Iterable[Revision] = ()) -> Promises:
        """Compile *current* and all recorded revisions, the oldest first."""
        revisions = tuple(known)
        policies = {(policy.id, policy.revision): policy for policy in current.policies}
        calendars: dict[str, Any] = {}
        for revision in revisions:
            for name, calendar in revision.levels.calendars:
                calendars[calendar.revision] = calendar
                calendars[name] = calendar
            for policy in revision.levels.policies:
                policies.setdefault((policy.id, policy.revision), policy)
        calendars.update(current.calendars)
        rules = Rules(
            tuple(policies.values()),
            calendars,
            categories={state.name: state.category for state in lifecycle.states},
            channels=dict(current.channels),
        )
        generation = revisions[-1].number if revisions else 0
        by_name: dict[str, tuple[str, ...]] = {}
        for name, hash_ in policies:
            by_name[name] = (*by_name.get(name, ()), hash_)
        return cls(current, rules, generation, tuple(_changes(revisions)), dict(current.channels), by_name)

    def revision(self, policy: str, beginning: str) -> str:
        """Return the whole revision of a policy of which the *beginning* is given.

        Raises:
            ValueError: No such policy was ever promised here.
        """
        for revision in self._revisions.get(policy, ()):
            if revision.startswith(beginning):
                return revision
        raise ValueError("this policy is not known here")

    def choose(self, ticket: Ticket | cm.Open | ev.TicketOpened) -> Policy | None:
        """Return the policy that holds for such a ticket: the first of the present ones whose condition holds."""
        policies = self.current.policies
        if len(policies) == 1 and not policies[0].condition:  # most desks; conditions need the whole subject
            return policies[0]
        subject = subject_of(ticket)
        subject["channel_class"] = self._classes.get(ticket.channel, "other")
        return select(policies, subject)

    def facts(self, created: dt.datetime) -> list[CalendarChanged]:
        """Return what a ticket created at an instant has to know about calendars: those of then, and each change."""
        found: list[CalendarChanged] = []
        pinned: set[str] = set()
        for _number, change in self.changes:
            if change.occurred_at <= created:
                continue
            if change.calendar not in pinned and change.previous is not None:
                pinned.add(change.calendar)
                # Retroactive or not: when the ticket was made, this one held.
                found.append(
                    attrs.evolve(
                        change, occurred_at=created, recorded_at=None, revision=change.previous, retroactive=False
                    )
                )
            found.append(change)
        return found

    def since(self, generation: int, until_us: int) -> list[tuple[int, CalendarChanged]]:
        """Return the changes after *generation* that hold by an instant."""
        return [
            (number, change)
            for number, change in self.changes
            if number > generation and to_us(change.occurred_at) <= until_us
        ]


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
