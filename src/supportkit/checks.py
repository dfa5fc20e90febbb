"""`desk.check()`: what an operator should know, as findings with codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import cast

import attrs

from supportkit import pauses
from supportkit.channels.port import ChannelAdapter
from supportkit.drafting import read_clocks
from supportkit.engine.clocks import agrees, noted_standing
from supportkit.engine.evolve import fold
from supportkit.engine.promises import Promises
from supportkit.errors import ConfigurationError, InvalidPolicy, StorageCorrupt
from supportkit.forgetting import read_ledger
from supportkit.model.change import OutboxState
from supportkit.model.conversation import ArrivalState
from supportkit.model.ticket import Ticket
from supportkit.routing.standing import rank_of, unpromised
from supportkit.runner import Runner
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import MAX_PAGE, Finding, TicketQuery, UnitOfWork

STUCK_AFTER = dt.timedelta(hours=1)
"""A delivery that nobody has read for so long is stuck."""


def check(runner: Runner, channels: Mapping[str, ChannelAdapter], *, deep: bool) -> Sequence[Finding]:
    """Return the findings of storage, plug-ins and outbox; with *deep*, also of every log against its row."""
    findings = list(runner.storage.check())
    findings += _plugins(runner)
    with runner.reading() as unit:
        findings += _outbox(unit, runner.clock.now(), channels)
        findings += _accounts(runner, unit)
        findings += _erasures(unit)
    findings += _channels(channels)
    if runner.storage.capabilities.receives:
        findings += _inbox(runner, channels)
    findings += _people(runner)
    if deep:
        findings += _logs(runner)
    return findings


def _erasures(unit: UnitOfWork) -> list[Finding]:
    """Tell whose erasure was begun and cut off; nothing where there is none."""
    open_ones = [one.customer for one in read_ledger(unit) if not one.is_done]
    if not open_ones:
        return []
    sentence = f"{len(open_ones)} erasures were begun and are not done: call desk.privacy.resume()"
    return [Finding(code="privacy", severity="error", sentence=sentence)]


def _plugins(runner: Runner) -> list[Finding]:
    hooks = runner.hooks
    if not hooks.failure_count:
        return [Finding(code="plugins", severity="ok", sentence=f"{len(hooks.names)} plug-ins, no failures")]
    last = hooks.failures[-1]
    sentence = f"{hooks.failure_count} failures of plug-ins; the last: {last.plugin} in {last.hook}: {last.error}"
    return [Finding(code="plugins", severity="error", sentence=sentence)]


def _outbox(unit: UnitOfWork, now: dt.datetime, channels: Mapping[str, ChannelAdapter]) -> list[Finding]:
    """Tell what waits for a person, and what is due for a channel that this desk does not send by."""
    stuck = unit.outbox(states=[OutboxState.PARKED, OutboxState.UNKNOWN], limit=MAX_PAGE)
    findings = [Finding(code="outbox", severity="ok", sentence="no delivery waits for a person")]
    if stuck:
        sentence = f"{len(stuck)} deliveries wait for a person's decision"
        findings = [Finding(code="outbox", severity="warning", sentence=sentence)]
    senders = {name for name, one in channels.items() if one.capabilities.outbound}
    if unit.outbox_backlog(now).due > unit.outbox_backlog(now, channels=senders).due:
        waiting = unit.outbox(states=[OutboxState.PENDING], limit=MAX_PAGE)
        alone = sorted({one.channel for one in waiting} - senders)
        named = ", ".join(alone) or "channels that it does not send by"
        sentence = f"deliveries are due that this desk cannot make: {named}; does a worker have these channels?"
        findings.append(Finding(code="outbox.channels", severity="warning", sentence=sentence))
    return findings


def _people(runner: Runner) -> list[Finding]:
    """Tell who gets no work, because he cannot be as he is recorded; nothing where the desk knows nobody."""
    with runner.reading() as unit:
        roster = runner.dispatcher.roster(unit, runner.rules.promises)
    if roster.problems:
        return [Finding(code="people", severity="error", sentence="; ".join(roster.problems))]
    if not roster.people:
        return []
    return [Finding(code="people", severity="ok", sentence=f"{len(roster.people)} agents can be given work")]


def _accounts(runner: Runner, unit: UnitOfWork) -> list[Finding]:
    """Tell which accounts their providers do not let in; everything that goes out by them waits."""
    found = pauses.pauses(runner, unit)
    if not found:
        return [Finding(code="accounts", severity="ok", sentence="no account is paused")]
    named = "; ".join(
        f"{one.channel} {one.account}".strip()
        + f" ({one.failures} times since {one.since.isoformat(timespec='seconds')}, "
        + f"next try at {one.until.isoformat(timespec='seconds')})"
        for one in found[:20]
    )
    return [
        Finding(
            code="accounts",
            severity="error",
            sentence=f"{len(found)} accounts are paused, their log-in or certificate is refused: {named}",
        )
    ]


def _channels(channels: Mapping[str, ChannelAdapter]) -> list[Finding]:
    """Tell which channels take what anybody pushes to them, unsigned."""
    receiving = {name: one for name, one in channels.items() if one.capabilities.inbound and hasattr(one, "receive")}
    open_ = sorted(name for name, one in receiving.items() if one.capabilities.insecure)
    if not open_:
        return [
            Finding(
                code="channels", severity="ok", sentence=f"{len(receiving)} channels receive, none of them insecure"
            )
        ]
    named = ", ".join(open_)
    return [
        Finding(code="channels", severity="warning", sentence=f"anybody may push messages to these, unsigned: {named}")
    ]


def _inbox(runner: Runner, channels: Mapping[str, ChannelAdapter]) -> list[Finding]:
    """Tell what waits for a person, what nobody reads, and which channels never proved a sender."""
    now = runner.clock.now()
    with runner.reading() as unit:
        receiving = cast("ReceivingUnit", unit)
        held = receiving.arrival_counts().get(ArrivalState.QUARANTINED.value, 0)
        waiting = receiving.arrivals([ArrivalState.RECEIVED], limit=MAX_PAGE)
    stuck = [one for one in waiting if now - one.received_at >= STUCK_AFTER]
    alone = sorted({one.channel for one in waiting} - set(channels))
    if held:
        findings = [
            Finding(
                code="quarantine", severity="warning", sentence=f"{held} deliveries lie in quarantine: look at them"
            )
        ]
    else:
        findings = [Finding(code="quarantine", severity="ok", sentence="no delivery lies in quarantine")]
    if stuck:
        oldest = min(one.received_at for one in stuck).isoformat(timespec="seconds")
        more = f"; this desk does not have: {', '.join(alone)}" if alone else ""
        sentence = f"{len(stuck)} deliveries wait to be read, the oldest since {oldest}: does a worker run?{more}"
        findings.append(Finding(code="inbox", severity="error", sentence=sentence))
    else:
        findings.append(Finding(code="inbox", severity="ok", sentence=f"{len(waiting)} deliveries wait to be read"))
    return findings


@attrs.frozen(kw_only=True)
class ChannelState:
    """What waits on one channel.

    Attributes:
        waiting: Deliveries that are stored and not read yet.
        quarantined: Deliveries that a person has to look at.
        cursor: Where polling goes on; `None` where it never polled.
    """

    channel: str
    waiting: int = 0
    quarantined: int = 0
    cursor: str | None = None


def channel_states(runner: Runner, channels: Mapping[str, ChannelAdapter]) -> tuple[ChannelState, ...]:
    """Return what waits on each channel of a desk, and on others that something arrived by."""
    if not runner.storage.capabilities.receives:
        return tuple([ChannelState(channel=name) for name in sorted(channels)])
    with runner.reading() as unit:
        receiving = cast("ReceivingUnit", unit)
        counts = receiving.arrivals_by_channel()
        names = sorted({*channels, *[channel for channel, _state in counts]})
        return tuple(
            [
                ChannelState(
                    channel=name,
                    waiting=counts.get((name, ArrivalState.RECEIVED.value), 0),
                    quarantined=counts.get((name, ArrivalState.QUARANTINED.value), 0),
                    cursor=receiving.poll_cursor(name),
                )
                for name in names
            ]
        )


def refuse_unsigned(channels: Mapping[str, ChannelAdapter]) -> None:
    """Refuse adapters to which anybody may push, where nobody said that this is meant.

    Raises:
        ConfigurationError: One receives, is not polled, and neither signs nor is marked as insecure.
    """
    for name, adapter in channels.items():
        able = adapter.capabilities
        is_pushed = able.inbound and hasattr(adapter, "receive") and not able.polls
        if is_pushed and not able.signed and not able.insecure:
            raise ConfigurationError(
                f"channel {name!r} receives what anybody pushes, and nobody signs it: "
                "let it verify (signed=True), poll, or say insecure=True in its capabilities"
            )


def _agrees(unit: UnitOfWork, ticket: Ticket) -> bool:
    """Tell whether the log of a ticket can be read, has no gap, and folds to its row."""
    try:
        log = unit.history(ticket.id)
        whole = [recorded.seq for recorded in log] == list(range(1, len(log) + 1))
        return whole and fold(log) == ticket
    except (StorageCorrupt, ValueError, TypeError):
        return False


def _note_agrees(unit: UnitOfWork, ticket: Ticket, promises: Promises) -> bool:
    """Tell whether the note about clocks beside a row, where there is one, is what the log says."""
    kept = read_clocks(ticket, promises)
    if kept is None:
        return True
    try:
        return agrees(kept, unit.history(ticket.id), unit.history, promises)
    except InvalidPolicy:
        return False


def _rank_agrees(ticket: Ticket, promises: Promises) -> bool:
    """Tell whether a ticket stands in the work queue where its clocks put it; without a note only whether it does."""
    kept = read_clocks(ticket, promises)
    if kept is None:
        return (ticket.rank is None) is ticket.category.is_done
    try:
        found = noted_standing(ticket, kept, promises)
    except InvalidPolicy:
        found = unpromised(ticket.category, ticket.state_since)
    return ticket.rank == (None if found is None else rank_of(found.due, ticket.priority))


def _logs(runner: Runner) -> list[Finding]:
    """Fold every log and compare it with its row, and with the note about clocks, a page of tickets at a time."""
    count, wrong, noted, misplaced, cursor = 0, [], [], [], None
    has_queue = runner.storage.capabilities.queues
    while True:
        with runner.reading() as unit:
            runner.refresh(unit)
            page = unit.find(TicketQuery(limit=MAX_PAGE, cursor=cursor))
            for ticket in page.items:
                count += 1
                if not _agrees(unit, ticket):
                    wrong.append(ticket.number)
                elif not _note_agrees(unit, ticket, runner.rules.promises):
                    noted.append(ticket.number)
                elif has_queue and not _rank_agrees(ticket, runner.rules.promises):
                    misplaced.append(ticket.number)
        cursor = page.next
        if cursor is None:
            break
    return [
        _sum("log.fold", count, wrong, "each row is the fold of its log", "differ from their logs"),
        _sum(
            "log.clocks", count, noted, "the clocks of each are those of its log", "have other clocks than their logs"
        ),
        *(
            [_sum("log.queue", count, misplaced, "each stands in the queue where its clocks say", "stand elsewhere")]
            if has_queue
            else []
        ),
    ]


def _sum(code: str, count: int, wrong: list[int], fine: str, bad: str) -> Finding:
    if not wrong:
        return Finding(code=code, severity="ok", sentence=f"{count} tickets, {fine}")
    named = ", ".join(str(number) for number in wrong[:20])
    return Finding(code=code, severity="error", sentence=f"{len(wrong)} of {count} tickets {bad}: {named}")
