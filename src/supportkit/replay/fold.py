"""`fold_log`: the same plan as `replay`, played through `decide` and `evolve` on a dict, without any storage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
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
from supportkit.replay.report import Course, Progress, ReplayReport, RowTally, TicketTally, report
from supportkit.replay.rows import Row, RowReader

Played = Sequence[tuple[Recorded, Ticket]]
"""What one row did: each event with the ticket after it."""
_TOLD_EVERY = 1000


@attrs.define
class _Folded:
    """One ticket in the dict."""

    case: Case = attrs.field(factory=Case)
    course: Course = attrs.field(factory=Course)
    ticket: Ticket | None = None


def fold_log(
    path: Path | str,
    format: LogFormat,  # noqa: A002 - what it is called everywhere
    *,
    rules: Rules | None = None,
    seen: Callable[[Played], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ReplayReport:
    """Play a log in memory and return what it comes to, as `replay` would report it.

    Args:
        path: The CSV file.
        format: What its columns and words mean.
        rules: What the desk has settled; by default the built-in lifecycle and no timers.
        seen: Called with what each row did that changed a ticket; the ids of tickets are those of the cases.
        progress: Called every 1000 rows and at the end.

    Raises:
        ReplayError: The file is broken; the text names the line and what to do.
    """
    rules = rules or Rules(lifecycle=built_in(), close_resolved_after=None)
    log = LogReader(path, format)
    try:
        fold = _Fold(RowReader(format, log.header), rules, seen)
        for cells in log:
            fold.take(log.line, cells)
            if progress is not None and fold.rows.rows % _TOLD_EVERY == 0:
                progress(Progress(rows=fold.rows.rows, bytes_read=log.bytes_read, size=log.size))
        if progress is not None:
            progress(Progress(rows=fold.rows.rows, bytes_read=log.bytes_read, size=log.size))
    finally:
        log.close()
    return report(format.name, fold.rows, fold.look_back())


class _Fold:
    """One pass over a file: the tickets, and what became of the rows."""

    def __init__(self, reader: RowReader, rules: Rules, seen: Callable[[Played], None] | None) -> None:
        self._reader, self._rules, self._seen = reader, rules, seen
        self._folded: defaultdict[str, _Folded] = defaultdict(_Folded)
        self._tickets = TicketTally()
        self.rows = RowTally()

    def take(self, line: int, cells: list[str]) -> None:
        """Take the next record."""
        rows, reader = self.rows, self._reader
        rows.rows += 1
        case = reader.case(cells)
        one = self._folded[case] if case else _Folded()
        try:
            row = reader.read(cells, case)
            played = _play(row, one, self._rules)
        except WorkflowError as error:
            rows.refuse(line, case, refusal_code(error), str(error))
            return
        if not played:
            rows.unchanged += 1
            return
        rows.applied += 1
        for entry, _ticket in played:
            self._tickets.see(one.course, entry.event, entry.occurred_at)
        if self._seen is not None:
            self._seen(played)
        if one.case.follow(row):
            rows.reopened_to[reader.state_word(cells)] += 1

    def look_back(self) -> TicketTally:
        """Count the tickets as they are at the end."""
        for one in self._folded.values():
            if one.ticket is not None:
                self._tickets.end(one.course, one.ticket)
        return self._tickets


def _play(row: Row, one: _Folded, rules: Rules) -> list[tuple[Recorded, Ticket]]:
    """Decide and fold one row; the dict changes only if all of its commands are taken."""
    ticket = one.ticket
    seq = 0 if ticket is None else ticket.version
    played: list[tuple[Recorded, Ticket]] = []
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
            played.append((entry, ticket))
    if played:
        one.ticket = ticket
    return played


def _made(row: Row) -> cm.Open:
    return opening(row, ticket=row.case, reference="")
