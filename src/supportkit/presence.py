"""`desk.presence`: what agents say about themselves, for a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import attrs

from supportkit.arguments import as_name
from supportkit.dispatching import PRESENCE, AgentPresence, presence_of
from supportkit.model.change import Change
from supportkit.model.record import RecordChange
from supportkit.records import Records
from supportkit.routing.duty import PresenceState
from supportkit.runner import Runner
from supportkit.storage.keeping import KeepingUnit

LONGEST = dt.timedelta(days=366)


@attrs.frozen
class Presence:
    """Who is there: `set`, `get`, `list`, `clear`.

    Who says nothing is judged by his hours alone.
    """

    _runner: Runner

    def set(self, agent: str, state: PresenceState | str, *, lasting: dt.timedelta | None = None) -> AgentPresence:
        """Note what an agent says about himself: `online`, `busy` (there, but wants nothing given), `away` or `off`.

        Args:
            agent: His id.
            state: What he says.
            lasting: How long it holds unless it is said again. After that he is `away`, so an app that says `online`
                every minute, for two minutes, need not tell when a browser was closed.

        Raises:
            ValueError: There is no such state, or *lasting* is not between nothing and 366 days.
            CapabilityMissing: The storage keeps no records.
        """
        agent, state = as_name(agent, "agent"), _state(state)
        if lasting is not None and not dt.timedelta(0) < lasting <= LONGEST:
            raise ValueError(f"lasting must be more than nothing and at most {LONGEST.days} days, not {lasting}")
        now = self._runner.clock.now()
        until = None if lasting is None else now + lasting
        record = self._records.new(agent, "{}", name=state.value, due_at=until)
        return presence_of(self._records.put(agent, lambda _before: record), now)

    def get(self, agent: str) -> AgentPresence | None:
        """Return what an agent says about himself now; `None` if he never said anything."""
        found = self._records.find(as_name(agent, "agent"))
        return None if found is None else presence_of(found, self._runner.clock.now())

    def list(self) -> Sequence[AgentPresence]:
        """Return what all agents say who said something, by id."""
        now = self._runner.clock.now()
        return tuple([presence_of(record, now) for record in self._records.all()])

    def clear(self, agent: str) -> None:
        """Forget what an agent said: his hours decide again. Nothing happens where he said nothing."""
        agent = as_name(agent, "agent")

        def once(unit: KeepingUnit) -> None:
            found = unit.record(PRESENCE, agent)
            if found is not None:
                unit.save(Change(records=(RecordChange(record=found, is_removed=True),)))

        self._records.in_one(once)

    @property
    def _records(self) -> Records:
        return Records(self._runner, PRESENCE)


def _state(state: PresenceState | str) -> PresenceState:
    try:
        return PresenceState(state)
    except ValueError:
        raise ValueError(f"there is no presence {state!r:.40}; there are: {', '.join(PresenceState)}") from None
