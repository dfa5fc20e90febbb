"""`desk.check()`: what an operator should know, as findings with codes."""

from __future__ import annotations

from collections.abc import Sequence

from supportkit.drafting import read_clocks
from supportkit.engine.clocks import agrees
from supportkit.engine.evolve import fold
from supportkit.engine.promises import Promises
from supportkit.errors import InvalidPolicy, StorageCorrupt
from supportkit.model.change import OutboxState
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner
from supportkit.storage.port import MAX_PAGE, Finding, TicketQuery, UnitOfWork


def check(runner: Runner, *, deep: bool) -> Sequence[Finding]:
    """Return the findings of storage, plug-ins and outbox; with *deep*, also of every log against its row."""
    findings = list(runner.storage.check())
    findings += _plugins(runner)
    with runner.reading() as unit:
        findings += _outbox(unit)
    if deep:
        findings += _logs(runner)
    return findings


def _plugins(runner: Runner) -> list[Finding]:
    hooks = runner.hooks
    if not hooks.failure_count:
        return [Finding(code="plugins", severity="ok", sentence=f"{len(hooks.names)} plug-ins, no failures")]
    last = hooks.failures[-1]
    sentence = f"{hooks.failure_count} failures of plug-ins; the last: {last.plugin} in {last.hook}: {last.error}"
    return [Finding(code="plugins", severity="error", sentence=sentence)]


def _outbox(unit: UnitOfWork) -> list[Finding]:
    stuck = unit.outbox(states=[OutboxState.PARKED, OutboxState.UNKNOWN], limit=MAX_PAGE)
    if not stuck:
        return [Finding(code="outbox", severity="ok", sentence="no delivery waits for a person")]
    return [
        Finding(code="outbox", severity="warning", sentence=f"{len(stuck)} deliveries wait for a person's decision")
    ]


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


def _logs(runner: Runner) -> list[Finding]:
    """Fold every log and compare it with its row, and with the note about clocks, a page of tickets at a time."""
    count, wrong, noted, cursor = 0, [], [], None
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
        cursor = page.next
        if cursor is None:
            break
    return [
        _sum("log.fold", count, wrong, "each row is the fold of its log", "differ from their logs"),
        _sum(
            "log.clocks", count, noted, "the clocks of each are those of its log", "have other clocks than their logs"
        ),
    ]


def _sum(code: str, count: int, wrong: list[int], fine: str, bad: str) -> Finding:
    if not wrong:
        return Finding(code=code, severity="ok", sentence=f"{count} tickets, {fine}")
    named = ", ".join(str(number) for number in wrong[:20])
    return Finding(code=code, severity="error", sentence=f"{len(wrong)} of {count} tickets {bad}: {named}")
