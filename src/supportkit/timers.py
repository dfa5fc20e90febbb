"""Turning the clock: fire the deadlines that are due, each exactly once whoever sweeps and however often."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import attrs

from supportkit.drafting import News
from supportkit.engine.decide import decide
from supportkit.engine.effects import CLOCKS, on_timer, state_timers
from supportkit.engine.escalating import STAY
from supportkit.engine.telling import LATE_AFTER
from supportkit.errors import (
    ConcurrentUpdate,
    LevelsOutdated,
    Refused,
    StorageUnavailable,
    SupportkitError,
    WorkflowError,
)
from supportkit.lookup import survivor
from supportkit.model.change import Change, Timer, TimerState
from supportkit.model.surveys import SURVEY_TIMERS
from supportkit.model.ticket import Ticket
from supportkit.races import again
from supportkit.runner import Runner
from supportkit.storage.port import UnitOfWork
from supportkit.windowing import WINDOW, warn

_log = logging.getLogger("supportkit.timers")
LEASE = dt.timedelta(seconds=60)
BATCH = 50
TRIES = 5
_BY_OTHERS = frozenset({WINDOW, STAY, *SURVEY_TIMERS})
"""Deadlines that are no command about the state of a ticket."""


@attrs.frozen(kw_only=True)
class TickReport:
    """What one call of `tick` did; every outcome is counted.

    Attributes:
        fired: Deadlines that became events.
        stale: Deadlines that had lost their point: the ticket had moved on.
        refused: Deadlines that the rules or a plug-in refused; they are settled, not repeated.
        failed: Deadlines that raised; they are tried again, and parked after five tries. One during which the database
            was not available counts here, but not as a try.
        parked: Of these, the ones given up.
        late: Of the fired ones, those that fired more than five minutes after they were due.
        more: Call again at once: something is still due.
        next_due: Nothing is due before this instant; `None` when nothing waits.
        oldest_due: Since when the oldest deadline that this call found was due; `None` where none was.
        problems: Ticket, deadline and error code of what failed or was refused.
    """

    fired: int = 0
    stale: int = 0
    refused: int = 0
    failed: int = 0
    parked: int = 0
    late: int = 0
    more: bool = False
    next_due: dt.datetime | None = None
    oldest_due: dt.datetime | None = None
    problems: tuple[tuple[str, str, str], ...] = ()


def tick(runner: Runner, now: dt.datetime, *, limit: int, stop: Callable[[], bool] | None = None) -> TickReport:
    """Fire up to *limit* deadlines that are due at *now*, in due order, until *stop* says so."""
    counts = dict.fromkeys(("fired", "stale", "refused", "failed", "parked", "late"), 0)
    problems: list[tuple[str, str, str]] = []
    untried: list[Timer] = []
    with runner.storage.begin(runner.tenant, write=False) as unit:
        runner.refresh(unit)
        backlog = unit.timer_backlog(now)
    if backlog.due == 0:
        return TickReport(next_due=backlog.next_due)
    for timer in _claimed(runner, now, limit, stop or _never):
        outcome, code = _fire(runner, timer, now)
        if code == StorageUnavailable.code:
            untried.append(timer)
        counts[outcome] += 1
        if code:
            problems.append((timer.ticket, timer.name, code))
        if outcome == "parked":
            counts["failed"] += 1
        if outcome == "fired" and timer.due_at is not None and now - timer.due_at > LATE_AFTER:
            counts["late"] += 1
    oldest_due = backlog.oldest_due
    _give_back(runner, untried)
    with runner.storage.begin(runner.tenant, write=False) as unit:
        backlog = unit.timer_backlog(now)
    return TickReport(
        **counts,
        more=backlog.due > 0,
        next_due=backlog.next_due,
        oldest_due=oldest_due,
        problems=tuple(problems),
    )


def _never() -> bool:
    return False


def _claimed(runner: Runner, now: dt.datetime, limit: int, stop: Callable[[], bool]) -> Iterator[Timer]:
    """Claim in small batches and yield each deadline while half of its lease is left; what waits longer is given back.

    So is what was not begun when *stop* says that it is time to go: the next worker need not wait for a lease.

    So a lease covers one call and never a batch that waits in line behind slow plug-ins, and nobody takes over what
    another worker is about to fire.
    """
    begun = runner.clock.now()
    while limit > 0 and not stop():
        at, size = runner.clock.now(), min(limit, BATCH)
        # *now* stands still in a sweep, the lease must not
        claimed = again(partial(_claim, runner, now, size, LEASE + max(at - begun, dt.timedelta(0))))
        for count, timer in enumerate(claimed):
            if count and (stop() or runner.clock.now() - at > LEASE / 2):
                _give_back(runner, claimed[count:])
                break
            limit -= 1
            yield timer
        else:
            if len(claimed) < size:
                return


def _claim(runner: Runner, now: dt.datetime, size: int, lease: dt.timedelta) -> Sequence[Timer]:
    with runner.storage.begin(runner.tenant) as unit:
        return unit.claim_timers(now, size, lease=lease)


def _fire(runner: Runner, timer: Timer, now: dt.datetime) -> tuple[str, str]:
    """Decide one deadline again and carry it out; return the outcome and the code of a problem."""
    try:
        outcome, told = _decide_and_save(runner, timer, now)
    except (ConcurrentUpdate, LevelsOutdated, StorageUnavailable) as error:
        if isinstance(error, LevelsOutdated):
            runner.reload()
        # Somebody moved the ticket or the levels meanwhile: the lease brings it back. And a database that is away says
        # nothing about this deadline: at the end of the sweep it is given back.
        return "failed", error.code
    except WorkflowError as error:
        if isinstance(error, Refused) and error.refusal.code == "plugin.failed":
            return _failed(runner, timer, error.refusal.code)  # a plug-in that broke said nothing about the matter
        _settle(runner, timer, TimerState.DONE)
        return "refused", error.code
    except SupportkitError as error:
        return _failed(runner, timer, error.code)
    except Exception as error:  # noqa: BLE001 - one bad deadline must not stop the others
        return _failed(runner, timer, type(error).__name__)
    runner.tell(told)
    return outcome, ""


def _decide_and_save(runner: Runner, timer: Timer, now: dt.datetime) -> tuple[str, News]:
    with runner.storage.begin(runner.tenant) as unit:
        ticket = unit.get(timer.ticket) if unit.settle_timer(timer, TimerState.DONE) else None
        if timer.name == CLOCKS:
            return _elapse(runner, unit, ticket, now)
        if ticket is None or timer.due_at is None:
            return "stale", ()
        if timer.name in _BY_OTHERS:
            return _by_others(runner, unit, ticket, timer, now)
        command = on_timer(timer, ticket, runner.rules)
        if command is None:  # where the rules were changed meanwhile it is due later, not never
            later = tuple(one for one in state_timers(None, ticket, runner.rules) if one.name == timer.name)
            if later:
                unit.save(Change(timers=later))
            return "stale", ()
        at = max(timer.due_at, ticket.state_since)
        draft = runner.draft(unit, command, max(now, at), at)
        events = decide(ticket, command, at, runner.rules)
        runner.ask_plugins(ticket, command)
        draft.add(runner.tenant, ticket, ticket.id, events)
        runner.complete(unit, draft)
        unit.save(draft.change(None))
        return "fired", draft.told


def _by_others(runner: Runner, unit: UnitOfWork, ticket: Ticket, timer: Timer, now: dt.datetime) -> tuple[str, News]:
    """Let a deadline do what its own subject says."""
    if timer.name == WINDOW:
        return warn(runner, unit, timer, survivor(unit, ticket.id), now)
    if timer.name == STAY:
        return _stay(runner, unit, ticket, timer, now)
    return ("stale", ()) if runner.surveyor is None else runner.surveyor.fire(runner, unit, timer, ticket, now)


def _elapse(runner: Runner, unit: UnitOfWork, ticket: Ticket | None, now: dt.datetime) -> tuple[str, News]:
    """Write down what time alone brought about on a ticket, each thing at its own instant, and look ahead."""
    if ticket is None:
        return "stale", ()
    draft = runner.draft(unit, None, now, now)
    has_news = draft.elapse(ticket)
    runner.complete(unit, draft)
    unit.save(draft.change(None))
    return ("fired" if has_news else "stale"), draft.told


def _stay(runner: Runner, unit: UnitOfWork, ticket: Ticket, timer: Timer, now: dt.datetime) -> tuple[str, News]:
    """Let the rules look at a ticket that has been in its line for so long."""
    draft = runner.draft(unit, None, now, now)
    if not draft.stay(ticket, timer):
        return "stale", ()
    runner.complete(unit, draft)
    unit.save(draft.change(None))
    return "fired", draft.told


def _failed(runner: Runner, timer: Timer, code: str) -> tuple[str, str]:
    _log.warning("deadline %s of ticket %s failed: %s", timer.name, timer.ticket, code)
    if timer.attempts < TRIES:
        return "failed", code  # the lease runs out, then somebody tries again
    _settle(runner, timer, TimerState.PARKED)
    return "parked", code


def _give_back(runner: Runner, untried: Sequence[Timer]) -> None:
    """Let deadlines wait as if nobody had claimed them."""
    if untried:
        with runner.storage.begin(runner.tenant) as unit:
            for timer in untried:
                unit.settle_timer(timer, TimerState.WAITING)


def _settle(runner: Runner, timer: Timer, state: TimerState) -> None:
    with runner.storage.begin(runner.tenant) as unit:
        unit.settle_timer(timer, state)
