"""`fold_log`: the same plan as `replay`, played through `decide` and `evolve` on a dict, without any storage."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import attrs

from supportkit.clock import EPOCH
from supportkit.engine.decide import decide
from supportkit.engine.evolve import evolve
from supportkit.engine.rules import Rules
from supportkit.errors import WorkflowError
from supportkit.lifecycle import built_in
from supportkit.model import commands as cm
from supportkit.model.events import Recorded
from supportkit.model.ticket import Ticket
from supportkit.replay.cases import Case, refusal_code
from supportkit.replay.mapping import LogFormat
from supportkit.replay.plan import REPLAYER, opening, plan
from supportkit.replay.reader import LogReader
from supportkit.replay.report import Course, ReplayReport, RowTally, TicketTally, report
from supportkit.replay.rows import Row, RowReader


@attrs.define
class _Folded:
    """One ticket in the dict."""

    case: Case = attrs.field(factory=Case)
    course: Course = attrs.field(factory=Course)
    ticket: Ticket | None = None


def fold_log(path: Path | str, format: LogFormat, *, rules: Rules | None = None) -> ReplayReport:  # noqa: A002
    """Play a log in memory and return what it comes to, as `replay` would report it.

    Args:
        path: The CSV file.
        format: What its columns and words mean.
        rules: What the desk has settled; by default the built-in lifecycle and no timers.

    Raises:
        ReplayError: The file is broken; the text names the line and what to do.
    """
    rules = rules or Rules(lifecycle=built_in(), close_resolved_after=None)
    log = LogReader(path, format)
    rows, tickets = RowTally(), TicketTally()
    folded: defaultdict[str, _Folded] = defaultdict(_Folded)
    try:
        reader = RowReader(format, log.header)
        for cells in log:
            case = reader.case(cells)
            one = folded[case] if case else _Folded()
            try:
                row = reader.read(cells, case)
                changed = _play(row, one, tickets, rules)
            except WorkflowError as error:
                rows.refuse(log.line, case, refusal_code(error), str(error))
                continue
            if not changed:
                rows.unchanged += 1
                continue
            rows.applied += 1
            if one.case.follow(row):
                rows.reopened_to[reader.state_word(cells)] += 1
    finally:
        log.close()
    rows.rows = rows.applied + rows.unchanged + sum(rows.refusals.values())
    for one in folded.values():
        if one.ticket is not None:
            tickets.end(one.course, one.ticket)
    return report(format.name, rows, tickets)


def _play(row: Row, one: _Folded, tickets: TicketTally, rules: Rules) -> bool:
    """Decide and fold one row; the dict and the tally change only if all of its commands are taken."""
    ticket = one.ticket
    seq = 0 if ticket is None else ticket.version
    recorded: list[Recorded] = []
    for at, command in plan(row, ticket, _made):
        for event in decide(ticket, command, at, rules):
            seq += 1
            entry = Recorded(
                tenant="fold",
                ticket=row.case,
                seq=seq,
                occurred_at=at,
                recorded_at=EPOCH,
                actor=REPLAYER,
                event=event,
                command="",
            )
            ticket = evolve(ticket, entry)
            recorded.append(entry)
    if not recorded:
        return False
    for entry in recorded:
        tickets.see(one.course, entry.event, entry.occurred_at)
    one.ticket = ticket
    return True


def _made(row: Row) -> cm.Open:
    return opening(row, ticket=row.case, reference="")
