"""Clocks beside a command: what its events mean for promises, and what time brought about before it.

`TicketClocks` is used once a ticket and command. It goes on from the note beside the ticket's row; where that is
missing or an event changes the past, it folds the whole log anew and says what that corrected.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import attrs

from supportkit.clock import from_us, to_us
from supportkit.engine.evolve import evolve
from supportkit.engine.promises import Promises
from supportkit.errors import HistoryNeeded, LevelsOutdated
from supportkit.model import events as ev
from supportkit.model.clocks import Cause, Verdict
from supportkit.model.events import ClockEvent, Recorded
from supportkit.model.ticket import Ticket
from supportkit.sla import Absorbed, Created, Fact, PolicyApplied, Record, Snapshot, facts_of
from supportkit.sla.running import Finding, Running
from supportkit.sla.translate import subject_of

LATE_AFTER = dt.timedelta(minutes=5)
"""What is found later than this after its instant is marked as late."""

History = Callable[[str], Sequence[Recorded]]
"""Returns the log of a ticket by its id."""

Told = tuple[dt.datetime, ClockEvent]
"""An event about a clock and its own instant."""


_TICKET, _POLICY, _REVISION = 1, 11, 12
"""Where these stand in the plain form of a snapshot; a test holds them."""
_PREFIX = 12


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

        Of the policy's revision only the beginning is written: it is a hash, and all revisions are known.
        """
        plain = self.snapshot.to_json()
        revision = plain[_REVISION]
        plain[_TICKET], plain[_REVISION] = "", revision and revision[:_PREFIX]
        return [self.generation, self.next, plain]

    @classmethod
    def from_plain(cls, plain: Any, ticket: str, promises: Promises) -> Kept:
        """Return what `to_plain` wrote about a *ticket*.

        Raises:
            ValueError: It is of another release, names an unknown policy, or is no such note at all.
        """
        generation, following, snapshot = plain
        if not isinstance(generation, int) or not isinstance(following, int | None) or not isinstance(snapshot, list):
            raise ValueError("this is no note about clocks")  # noqa: TRY004 - the caller asks what can be read
        snapshot[_TICKET] = ticket
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
        at: When the command happens, in microseconds.
    """

    def __init__(self, promises: Promises, ticket: str, kept: Kept | None, *, is_new: bool, at: int) -> None:
        if kept is not None and kept.generation > promises.generation:
            raise LevelsOutdated(promises.generation, kept.generation)
        self._promises = promises
        self._ticket = ticket
        self._at = at
        self._generation = promises.generation if kept is None else kept.generation
        self.before = None if kept is None else kept.next
        self._kept = kept
        self._found: Running | None = None
        self._is_lost = kept is None and not is_new
        self._next = self.before
        if kept is not None and kept.generation < promises.generation:
            self._catch_up(kept.snapshot)

    @property
    def _running(self) -> Running:
        """The clocks themselves, set going when they are asked for: most notes and tags do not touch them."""
        if self._found is None:
            self._found = Running(self._promises.rules, None if self._kept is None else self._kept.snapshot)
        return self._found

    def _catch_up(self, snapshot: Snapshot) -> None:
        """Let the changes of calendars hold that came since."""
        for number, change in self._promises.since(self._generation, self._at):
            if change.retroactive or to_us(change.occurred_at) < snapshot.at:
                self._is_lost = True
            elif not self._is_lost:
                self._running.take(change)
                self._next = self._running.next_us
            self._generation = max(self._generation, number)

    def elapsed(self, until: int) -> list[Told]:
        """Return what time alone brought about by *until* and nobody has found yet."""
        if self._is_lost:
            return []
        if self._next is None or self._next > until:
            return []
        self._running.elapse(until)
        self._running.miss_overrides(until)
        return self._told()

    def take(self, recorded: Recorded) -> list[Told]:
        """Take an event of the command; return what it brought about."""
        if self._is_lost:
            return []
        facts = facts_of(recorded)
        if not facts:
            return []
        try:
            for fact in facts:
                if isinstance(fact, PolicyApplied) and recorded.seq > 1:
                    self._is_lost = True  # the new policy may measure what nobody measured before
                    return []
                self._running.take(fact)
                if isinstance(fact, Created):
                    for change in self._promises.facts(fact.occurred_at):
                        if to_us(change.occurred_at) <= self._at:
                            self._running.take(change)
        except HistoryNeeded:
            self._is_lost = True
            return []
        return self._told()

    def _told(self) -> list[Told]:
        return [event_of(finding, self._at) for finding in self._running.found()]

    @property
    def is_lost(self) -> bool:
        """Whether the whole log has to be folded anew: `relearn` does it."""
        return self._is_lost

    def relearn(self, log: Sequence[Recorded], history: History, now: dt.datetime) -> list[Told]:
        """Fold the whole *log*, that of the command included; return what is new and what was corrected *now*."""
        facts = facts_of_log(log, self._promises, self._at)
        others = facts_of_merged(facts, history, self._promises, self._at, {self._ticket})
        self._found = Running.replayed(facts, self._promises.rules, others)
        self._generation = self._promises.generation
        until = max(self._at, self._running.fold.at, _told_until(log))
        self._running.elapse(until)
        self._running.miss_overrides(until)
        self._is_lost = False
        return _news(self._running.found(), log, self._at, now)

    def keep(self) -> Kept | None:
        """Return what is to be noted beside the row; `None` where nothing touched the clocks."""
        if self._found is None and self._kept is not None and self._generation == self._kept.generation:
            return None
        return Kept(self._generation, self._running.next_us, self._running.freeze())


def agrees(kept: Kept, log: Sequence[Recorded], history: History, promises: Promises) -> bool:
    """Tell whether the note beside a row says what folding the *log* of the ticket anew would note.

    Changes of calendars that the note has not heard of yet are left out.
    """
    heard = attrs.evolve(promises, changes=tuple(one for one in promises.changes if one[0] <= kept.generation))
    until = max(kept.snapshot.at, _told_until(log))
    facts = facts_of_log(log, heard, until)
    running = Running.replayed(
        facts, heard.rules, facts_of_merged(facts, history, heard, until, {kept.snapshot.ticket})
    )
    running.elapse(until)
    running.miss_overrides(until)
    return running.next_us == kept.next and running.freeze() == kept.snapshot


def event_of(finding: Finding, at: int) -> Told:
    """Return the event of something that came about, and its instant; *at* is when it is found."""
    if not isinstance(finding, Record):
        late = from_us(at) - finding.at > LATE_AFTER
        return finding.at, ev.ClockWarned(
            id=finding.id,
            metric=finding.metric,
            instance=finding.instance,
            cycle=finding.cycle,
            threshold=finding.threshold,
            late=late,
        )
    if finding.cause is Cause.FULFILLED:
        return finding.at, ev.ClockStopped(
            id=finding.id,
            metric=finding.metric,
            instance=finding.instance,
            cycle=finding.cycle,
            verdict=finding.verdict,
            used=finding.used,
            target=finding.target,
            due=finding.due_at,
        )
    return finding.at, ev.ClockBreached(
        id=finding.id,
        metric=finding.metric,
        instance=finding.instance,
        cycle=finding.cycle,
        used=finding.used,
        target=finding.target,
        due=finding.due_at,
        cause=finding.cause,
        late=from_us(at) - finding.at > LATE_AFTER,
    )


def correction(record: Record, before: Verdict | None, verdict: Verdict | None) -> ev.ClockCorrected:
    """Return the event that says that *record* is another one since the desk learnt more."""
    return ev.ClockCorrected(
        id=record.id,
        metric=record.metric,
        instance=record.instance,
        cycle=record.cycle,
        before=before,
        verdict=verdict,
        used=record.used,
        target=record.target,
        due=record.due_at,
        at=record.at,
    )


def broken_again(event: ev.ClockBreached, at: dt.datetime) -> ev.ClockCorrected:
    """Return what to say of a breach that was told, corrected away, and is one after all: a breach is told once."""
    return ev.ClockCorrected(
        id=event.id,
        metric=event.metric,
        instance=event.instance,
        cycle=event.cycle,
        before=None,
        verdict=Verdict.BREACHED,
        used=event.used,
        target=event.target,
        due=event.due,
        at=at,
    )


# -- whole logs ------------------------------------------------------------------------------------------------------


def facts_of_log(log: Iterable[Recorded], promises: Promises | None = None, at: int | None = None) -> list[Fact]:
    """Return the facts in a whole log, with what each policy was chosen by, and the changes of calendars up to *at*."""
    facts: list[Fact] = []
    ticket: Ticket | None = None
    for recorded in log:
        ticket = evolve(ticket, recorded)
        for fact in facts_of(recorded):
            if isinstance(fact, PolicyApplied) and not fact.subject:
                facts.append(attrs.evolve(fact, subject=tuple(subject_of(ticket).items())))
            else:
                facts.append(fact)
            if promises is not None and isinstance(fact, Created):
                changes = promises.facts(fact.occurred_at)
                facts += [change for change in changes if at is None or to_us(change.occurred_at) <= at]
    return facts


def facts_of_merged(
    facts: Iterable[Fact], history: History, promises: Promises, at: int, seen: set[str]
) -> Mapping[str, list[Fact]]:
    """Return the facts of all tickets that were merged into this one, over any number of hops.

    Args:
        facts: Those of the survivor.
        history: Returns the log of a ticket.
        promises: What the desk promises.
        at: Changes of calendars count up to this instant, in microseconds.
        seen: Ids of tickets that are known already; this call adds to it.
    """
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        if isinstance(fact, Absorbed) and fact.ticket not in seen:
            seen.add(fact.ticket)
            found[fact.ticket] = facts_of_log(history(fact.ticket), promises, at)
            found.update(facts_of_merged(found[fact.ticket], history, promises, at, seen))
    return found


def _told_until(log: Iterable[Recorded]) -> int:
    """Return the instant by which all is certain that the log has told of what time alone brought about."""
    told = [one.occurred_at for one in log if isinstance(one.event, ev.ClockWarned | ev.ClockBreached)]
    told += [one.event.at for one in log if isinstance(one.event, ev.ClockCorrected) and one.event.at is not None]
    return to_us(max(told)) + 1 if told else 0


def _news(findings: Iterable[Finding], log: Iterable[Recorded], at: int, now: dt.datetime) -> list[Told]:
    """Compare what a whole fold found with what the log has told before."""
    ever, told = _told_before(log)
    news: list[Told] = []
    for finding in findings:
        before = told.pop(finding.id, None)
        if not isinstance(finding, Record):
            if finding.id not in ever:
                news.append(event_of(finding, at))
        elif finding.id not in ever:
            news.append(event_of(finding, at))
        elif finding.cause is Cause.OVERRIDE:
            continue  # once missed it stays missed, whatever else was corrected
        elif before is None or _differs(before, finding):
            news.append((now, correction(finding, None if before is None else before.verdict, finding.verdict)))
    # A due that a person set may have been taken back after it was missed: that it was missed stays true.
    gone = [record for record in told.values() if record.cause is not Cause.OVERRIDE]
    return [*news, *((now, correction(record, record.verdict, None)) for record in gone)]


def _differs(before: Record, now: Record) -> bool:
    return (before.verdict, before.at, before.used, before.target) != (now.verdict, now.at, now.used, now.target)


def _told_before(log: Iterable[Recorded]) -> tuple[set[str], dict[str, Record]]:
    """Return the ids that were ever told, and the records that hold as far as the log knows."""
    ever: set[str] = set()
    holds: dict[str, Record] = {}
    for recorded in log:
        event = recorded.event
        if isinstance(event, ev.ClockWarned):
            ever.add(event.id)
        elif isinstance(event, ev.ClockBreached):
            ever.add(event.id)
            holds[event.id] = _record(event, Verdict.BREACHED, recorded.occurred_at, event.cause)
        elif isinstance(event, ev.ClockStopped):
            ever.add(event.id)
            holds[event.id] = _record(event, event.verdict, recorded.occurred_at, Cause.FULFILLED)
        elif isinstance(event, ev.ClockCorrected):
            ever.add(event.id)
            if event.verdict is None:
                holds.pop(event.id, None)
            else:
                cause = holds[event.id].cause if event.id in holds else Cause.ELAPSED
                holds[event.id] = _record(event, event.verdict, event.at or recorded.occurred_at, cause)
    return ever, holds


def _record(
    event: ev.ClockBreached | ev.ClockStopped | ev.ClockCorrected, verdict: Verdict, at: dt.datetime, cause: Cause
) -> Record:
    return Record(
        id=event.id,
        metric=event.metric,
        instance=event.instance,
        cycle=event.cycle,
        verdict=verdict,
        used=event.used or dt.timedelta(0),
        target=event.target,
        due_at=event.due,
        at=at,
        cause=cause,
    )
