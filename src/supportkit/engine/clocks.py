"""Clocks beside a command: what its events mean for promises, and what time brought about before it.

`TicketClocks` is used once a ticket and command. It goes on from the note beside the ticket's row; where that is
missing or an event changes the past, it folds the whole log anew and says what that corrected.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import attrs

from supportkit.clock import from_us, to_us
from supportkit.engine.promises import Promises
from supportkit.engine.telling import History, Told, event_of, facts_of_log, facts_of_merged, news, told_until
from supportkit.errors import HistoryNeeded
from supportkit.model.events import Recorded
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import Ticket
from supportkit.routing.standing import Standing, standing, unpromised
from supportkit.sla import CalendarChanged, Clock, Created, PolicyApplied, Snapshot, facts_of, report
from supportkit.sla.facts import Fact, Messaged, OwnerSet, PrioritySet, TierEntered
from supportkit.sla.fold import Fold
from supportkit.sla.history import told_until as found_until
from supportkit.sla.running import Running

_TICKET, _POLICY, _REVISION, _PINS = 1, 11, 12, 15
"""Where these stand in the plain form of a snapshot; a test holds them."""
_PREFIX = 12
_QUIET = frozenset({OwnerSet, PrioritySet, TierEntered})
"""Facts that set no clock of a closed ticket going; of messages `_is_quiet` tells."""


class Kept(NamedTuple):
    """What is noted beside the row of a ticket: a cache, which the log can always replace.

    Attributes:
        generation: The newest revision of the service levels that is in it.
        next: When time alone brings about the next thing, in microseconds.
        snapshot: Where the clocks stand.
    """

    generation: int
    next: int | None
    snapshot: Snapshot

    def to_plain(self) -> list[Any]:
        """Return it as lists of texts and numbers, ready for JSON, without what the row knows anyway.

        Of revisions only the beginning is written: they are hashes, and all of them are known.
        """
        plain = self.snapshot.to_json()
        revision = plain[_REVISION]
        plain[_TICKET], plain[_REVISION] = "", revision and revision[:_PREFIX]
        if plain[_PINS]:
            plain[_PINS] = [[name, pinned[:_PREFIX]] for name, pinned in plain[_PINS]]
        return [self.generation, self.next, plain]

    @classmethod
    def from_plain(cls, plain: Any, ticket: str, promises: Promises) -> Kept:
        """Return what `to_plain` wrote about a *ticket*.

        Raises:
            ValueError: It is of another release, names an unknown policy, or is no such note at all.
            LevelsOutdated: It was measured with service levels that this process has not read.
        """
        generation, following, snapshot = plain
        is_next = following is None or isinstance(following, int)
        if not isinstance(generation, int) or not is_next or not isinstance(snapshot, list):
            raise ValueError("this is no note about clocks")
        promises.expect(generation)
        snapshot[_TICKET] = ticket
        if snapshot[_PINS]:
            snapshot[_PINS] = [[name, promises.calendar_revision(name, pinned)] for name, pinned in snapshot[_PINS]]
        if snapshot[_REVISION] is not None:
            snapshot[_REVISION] = promises.revision(snapshot[_POLICY], snapshot[_REVISION])
        return cls(generation, following, Snapshot.from_json(snapshot))


class TicketClocks:
    """The clocks of one ticket while one command is carried out on it.

    Args:
        promises: What the desk promises.
        ticket: The id of the ticket.
        kept: Where its clocks stood before; `None` for a new ticket and where that is not known.
        is_new: Whether the command opens the ticket.
        is_closed: Whether the ticket was closed before: then nothing of it runs that is not noted.
        at: When the command happens, in microseconds.
        now: When it is recorded, in microseconds.
    """

    def __init__(
        self,
        promises: Promises,
        ticket: str,
        kept: Kept | None,
        *,
        is_new: bool,
        at: int,
        now: int | None = None,
        is_closed: bool = False,
    ) -> None:
        self._promises = promises
        self._ticket = ticket
        self._at = at
        self._horizon = at if now is None or now < at else now
        self._kept = kept
        self._found: Running | None = None
        self._is_lost = kept is None and not is_new
        self._is_asleep = self._is_lost and is_closed
        self.remeasured: list[CalendarChanged] = []
        self.before = self._next = None if kept is None else kept.next
        self._generation = self._heard() if kept is None else kept.generation
        if kept is not None and kept.generation < promises.generation:
            self._catch_up()

    def _heard(self) -> int:
        """Return the newest revision of the levels that can be known by now."""
        later = [number for number, change in self._promises.changes if to_us(change.occurred_at) > self._horizon]
        return min(later) - 1 if later else self._promises.generation

    @property
    def _running(self) -> Running:
        """The clocks themselves, set going when they are asked for: most notes and tags do not touch them."""
        if self._found is None:
            self._found = Running(self._promises.rules, None if self._kept is None else self._kept.snapshot)
        return self._found

    def _catch_up(self) -> None:
        """Let the changes of calendars hold that came since; all of them are heard of now."""
        fold = self._running.fold
        for _number, change in self._promises.since(self._generation, self._horizon):
            if change.calendar not in fold.pins:
                continue  # no policy of the ticket ever looked at it
            if change.retroactive:
                self.remeasured.append(change)
            if self._is_lost or change.retroactive or _is_past(to_us(change.occurred_at), fold):
                self._is_lost = True
                continue
            # Of one instant, whatever came first: no time lies between.
            self._running.take(attrs.evolve(change, seq=fold.seq))
        self._generation = self._heard()
        if not self._is_lost:
            self._next = self._running.next_us

    def elapsed(self, until: int) -> list[Told]:
        """Return what time alone brought about by *until* and nobody has found yet."""
        if self._is_lost:
            return []
        if self._next is not None and self._next <= until:
            self._running.elapse(until)
            self._running.miss_overrides(until)
        # A change of calendars that was caught up with may have found something by itself.
        return [] if self._found is None else self._told()

    def take(self, recorded: Recorded) -> list[Told]:
        """Take an event of the command; return what it brought about."""
        facts = facts_of(recorded)
        if not facts:
            return []
        if self._is_asleep and not all(map(_is_quiet, facts)):
            self._is_asleep = False
        if self._is_lost:
            return []
        running = self._running
        try:
            for fact in facts:
                if isinstance(fact, Created):
                    self._begin(fact)
                elif isinstance(fact, PolicyApplied) and recorded.seq > 1:
                    self._is_lost = True  # the new policy may measure what nobody measured before
                    return []
                else:
                    running.take(fact)
        except HistoryNeeded:
            self._is_lost = True
            return []
        return self._told()

    def _begin(self, created: Created) -> None:
        """Take the creation with the calendars that were in force, and what has become of them since."""
        pins = self._promises.pins(created.policy, created.revision, created.occurred_at)
        self._running.take(attrs.evolve(created, pins=pins) if pins else created)
        names = {name for name, _revision in pins}
        for _number, change in self._promises.since(0, self._horizon):
            if change.calendar in names and change.occurred_at > created.occurred_at:
                self._is_lost = True  # it is dated back to before a change

    def _told(self) -> list[Told]:
        found = self._running.found()
        return [event_of(finding, self._at) for finding in found] if found else []

    @property
    def is_lost(self) -> bool:
        """Whether the whole log has to be folded anew: `relearn` does it."""
        return self._is_lost and not self._is_asleep

    @property
    def is_asleep(self) -> bool:
        """Whether the ticket was closed and nothing has happened that could set a clock of it going."""
        return self._is_asleep

    @property
    def is_untouched(self) -> bool:
        """Whether the clocks stand as they are noted."""
        return self._found is None and self._kept is not None and self._generation == self._kept.generation

    def lose(self) -> None:
        """Let the whole history be folded anew: it has changed where this ticket's own log does not show it."""
        self._is_lost, self._is_asleep = True, False

    def relearn(self, log: Sequence[Recorded], history: History, now: dt.datetime) -> list[Told]:
        """Fold the whole *log*, that of the command included; return what is new and what was corrected *now*."""
        facts = facts_of_log(log, self._promises, self._horizon)
        others = facts_of_merged(facts, history, self._promises, self._horizon, {self._ticket})
        self._found = Running.replayed(facts, self._promises.rules, others)
        self._generation = self._heard()
        until = max(self._at, self._running.fold.at, told_until(log))
        self._running.elapse(until)
        self._running.miss_overrides(until)
        self._is_lost = False
        return news(self._running, log, self._at, now)

    def standing(self, ticket: Ticket) -> Standing | None:
        """Return where a ticket with these clocks stands in the work queue.

        Raises:
            InvalidPolicy: A calendar is named that is nowhere.
        """
        fold = self._running.fold
        return standing(ticket.category, ticket.state_since, fold.clocks.values(), fold.calendar)

    def keep(self) -> Kept | None:
        """Return what is to be noted beside the row; `None` where nothing touched the clocks."""
        if self.is_untouched:
            return None
        running = self._running
        return Kept(self._generation, running.next_us, running.freeze())


def noted_standing(ticket: Ticket, kept: Kept | None, promises: Promises) -> Standing | None:
    """Return where a ticket stands in the work queue by the note beside its row.

    Raises:
        InvalidPolicy: A calendar is named that is nowhere.
    """
    if kept is None:
        return unpromised(ticket.category, ticket.state_since)
    snapshot, rules = kept.snapshot, promises.rules
    pins = dict(snapshot.pins)
    return standing(
        ticket.category, ticket.state_since, snapshot.clocks, lambda name: rules.calendar(name, pins.get(name))
    )


def _is_quiet(fact: Fact) -> bool:
    """Tell whether a fact cannot touch a clock of a closed ticket; what answers may stop one that was broken before."""
    if isinstance(fact, Messaged):
        return fact.author is ActorKind.CUSTOMER or fact.kind in {MessageKind.AUTO, MessageKind.CAMPAIGN}
    return type(fact) in _QUIET


def _is_past(t: int, fold: Fold) -> bool:
    return t < fold.at or t <= found_until(fold)


def agrees(kept: Kept, log: Sequence[Recorded], history: History, promises: Promises) -> bool:
    """Tell whether the note beside a row says what folding the *log* of the ticket anew would say.

    Changes of calendars that the note has not heard of yet are left out.
    """
    heard = promises.heard(kept.generation)
    facts = facts_of_log(log, heard)
    others = facts_of_merged(facts, history, heard, None, {kept.snapshot.ticket})
    running = Running.replayed(facts, heard.rules, others)
    until = max(kept.snapshot.at, running.fold.at, told_until(log))
    running.elapse(until)
    sides = (kept.snapshot, running.freeze())
    noted, folded = ([_shown(clock) for clock in report(side, heard.rules, from_us(until)).clocks] for side in sides)
    return noted == folded


def _shown(clock: Clock) -> tuple[object, ...]:
    """Return what a clock says, without how it was found."""
    return (
        clock.key, clock.status, clock.subject, clock.started_at, clock.stopped_at, clock.target, clock.deadline,
        clock.used, clock.due_at, clock.breaches_at, clock.verdict, clock.override_due_at,
    )  # fmt: skip
