"""What clocks found, as events; and whole logs: their facts, what they told before, and what that corrects now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from supportkit.clock import from_us, to_us
from supportkit.engine.evolve import evolve
from supportkit.engine.promises import Promises
from supportkit.model import events as ev
from supportkit.model.clocks import Cause, Verdict
from supportkit.model.events import ClockEvent, Recorded
from supportkit.model.message import OutboxState
from supportkit.model.ticket import Ticket
from supportkit.sla import Absorbed, CalendarChanged, Created, Fact, PolicyApplied, Record, facts_of
from supportkit.sla.running import Finding, Running
from supportkit.sla.state import ClockState
from supportkit.sla.translate import subject_of

LATE_AFTER = dt.timedelta(minutes=5)
"""What is found later than this after its instant is marked as late."""

History = Callable[[str], Sequence[Recorded]]
"""Returns the log of a ticket by its id."""

Told = tuple[dt.datetime, ClockEvent]
"""An event about a clock and its own instant."""


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


def is_undelivered(event: ev.Event) -> bool:
    """Tell whether an event says that an answer did not reach the customer, and so never was a response."""
    match event:
        case ev.DeliveryFailed():
            return True
        case ev.DeliverySettled():
            return event.state in {OutboxState.FAILED, OutboxState.CANCELLED}
        case _:
            return False


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


def facts_of_log(
    log: Iterable[Recorded],
    promises: Promises | None = None,
    until: int | None = None,
    *,
    has_subjects: bool = True,
) -> list[Fact]:
    """Return the facts in a whole log, with what each policy was chosen by.

    With *promises* also the calendars that were in force when a policy was applied, and each change of them, up to
    *until* in microseconds. Without *has_subjects* what policies were chosen by is left out, which only a look-up of
    other policies asks for: then the ticket need not be folded.
    """
    facts: list[Fact] = []
    ticket: Ticket | None = None
    pinned: dict[str, dt.datetime] = {}
    for recorded in log:
        if has_subjects:
            ticket = evolve(ticket, recorded)
        for fact in facts_of(recorded):
            facts += _with_calendars(fact, ticket, promises, pinned)
    if promises is not None:
        facts += [
            change
            for _number, change in promises.changes
            if change.calendar in pinned
            and change.occurred_at > pinned[change.calendar]
            and (until is None or to_us(change.occurred_at) <= until)
        ]
    return facts


def _with_calendars(
    fact: Fact, ticket: Ticket | None, promises: Promises | None, pinned: dict[str, dt.datetime]
) -> Iterable[Fact]:
    """Yield a fact with what the log leaves out; note in *pinned* since when which calendar is looked at."""
    if isinstance(fact, Created):
        pins = () if promises is None else promises.pins(fact.policy, fact.revision, fact.occurred_at)
        pinned.update(dict.fromkeys((name for name, _revision in pins), fact.occurred_at))
        yield attrs.evolve(fact, pins=pins) if pins else fact
        return
    if isinstance(fact, PolicyApplied):
        pins = () if promises is None else promises.pins(fact.policy, fact.revision, fact.occurred_at)
        for name, revision in pins:
            if name not in pinned:
                pinned[name] = fact.occurred_at
                yield CalendarChanged(
                    occurred_at=fact.occurred_at, seq=fact.seq, calendar=name, revision=revision, previous=revision
                )
        if ticket is not None:
            fact = attrs.evolve(fact, subject=tuple(subject_of(ticket).items()))
    yield fact


def facts_of_merged(
    facts: Iterable[Fact], history: History, promises: Promises, until: int | None, seen: set[str]
) -> Mapping[str, list[Fact]]:
    """Return the facts of all tickets that were merged into this one, over any number of hops.

    Args:
        facts: Those of the survivor.
        history: Returns the log of a ticket.
        promises: What the desk promises.
        until: Changes of calendars count up to this instant, in microseconds.
        seen: Ids of tickets that are known already; this call adds to it.
    """
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        if isinstance(fact, Absorbed) and fact.ticket not in seen:
            seen.add(fact.ticket)
            found[fact.ticket] = facts_of_log(history(fact.ticket), promises, until)
            found.update(facts_of_merged(found[fact.ticket], history, promises, until, seen))
    return found


def told_until(log: Iterable[Recorded]) -> int:
    """Return the instant by which all is certain that the log has told of what time alone brought about."""
    told = [one.occurred_at for one in log if isinstance(one.event, ev.ClockWarned | ev.ClockBreached)]
    told += [one.event.at for one in log if isinstance(one.event, ev.ClockCorrected) and one.event.at is not None]
    return to_us(max(told)) + 1 if told else 0


def news(running: Running, log: Sequence[Recorded], at: int, now: dt.datetime) -> list[Told]:
    """Compare what a whole fold found with what the log has told before."""
    ever, told = _told_before(log)
    found: list[Told] = []
    for finding in running.found():
        before = told.pop(finding.id, None)
        if not isinstance(finding, Record):
            if finding.id not in ever:
                found.append(event_of(finding, at))
        elif finding.id not in ever:
            found.append(event_of(finding, at))
        elif finding.cause is Cause.OVERRIDE and before is not None:
            continue
        elif before is None or _differs(before, finding):
            found.append((now, correction(finding, None if before is None else before.verdict, finding.verdict)))
    gone = [one for one in told.values() if one.cause is not Cause.OVERRIDE or _was_met(one, running.states())]
    return [*found, *((now, correction(record, record.verdict, None)) for record in gone)]


def _was_met(missed: Record, clocks: Iterable[ClockState]) -> bool:
    """Tell whether a due that a person set, and that was told to be missed, was met as is known by now.

    One that was moved or taken back after it was missed stays missed.
    """
    due = None if missed.due_at is None else to_us(missed.due_at)
    for clock in clocks:
        if clock.key == (missed.metric, missed.instance, missed.cycle) and clock.rare.override == due:
            stopped = clock.rare.stopped
            return stopped is not None and due is not None and stopped <= due
    return False


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
