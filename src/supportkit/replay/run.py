"""`replay`: a log played through a desk into its storage.

Every row is one atomic thing under one idempotency key: its commands and the key are stored together or not at all.
So a replay that was killed is finished by running it again, and nothing is ever done twice.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from supportkit.errors import IdempotencyConflict, NotFound, WorkflowError
from supportkit.model import commands as cm
from supportkit.model.change import Change, Receipt
from supportkit.model.people import Customer
from supportkit.model.ticket import Ticket
from supportkit.replay.cases import Case, fingerprint, refusal_code, row_key
from supportkit.replay.mapping import LogFormat
from supportkit.replay.plan import opening, plan
from supportkit.replay.reader import LogReader
from supportkit.replay.report import Course, Progress, ReplayReport, RowTally, TicketTally, report
from supportkit.replay.rows import NO_TICKET, Row, RowReader
from supportkit.runner import Runner
from supportkit.storage.port import UnitOfWork

if TYPE_CHECKING:
    from supportkit.desk import Desk

APPLIED = "applied"
_REFUSED = "!"
"""Before the code in the outcome of a row that the rules refused."""
_REMEMBERED = 10_000
_TOGETHER = 500


@attrs.frozen
class _Record:
    """A record of the file, numbered within its case."""

    line: int
    cells: list[str]
    case: str
    number: int


def replay(
    desk: Desk,
    path: Path | str,
    format: LogFormat,  # noqa: A002 - what it is called everywhere
    *,
    batch: int = 100,
    progress: Callable[[Progress], None] | None = None,
) -> ReplayReport:
    """Play a log through *desk* and return what it came to.

    Args:
        desk: Where the tickets go. With `close_resolved_after=None` its timers leave the history as the log tells it.
        path: The CSV file.
        format: What its columns and words mean.
        batch: Rows in one transaction, at most.
        progress: Called after every transaction.

    Raises:
        ReplayError: The file is broken; the text names the line and what to do. Earlier rows are kept.
        ValueError: *batch* is not positive.
    """
    if batch < 1:
        raise ValueError(f"batch must be at least 1, not {batch}")
    log = LogReader(path, format)
    try:
        run = _Run(desk, log, format)
        records = run.records()
        while several := list(islice(records, batch)):
            run.store(several)
            if progress is not None:
                progress(Progress(rows=run.rows.rows, bytes_read=log.bytes_read, size=log.size))
    finally:
        log.close()
    return report(format.name, run.rows, run.look_back())


class _Run:
    """One pass over a file."""

    def __init__(self, desk: Desk, log: LogReader, format: LogFormat) -> None:  # noqa: A002
        # The replay is a part of the shell like the worker: it needs several commands in one commit, which no verb is.
        self._runner: Runner = desk._runner  # noqa: SLF001
        self._log, self._format = log, format
        self._reader = RowReader(format, log.header)
        self._cases: defaultdict[str, Case] = defaultdict(Case)
        self._tickets: OrderedDict[str, str] = OrderedDict()
        self._known_customers: set[str] = set()
        self.rows = RowTally()

    def records(self) -> Iterator[_Record]:
        """Yield the records, numbered within their cases."""
        for cells in self._log:
            case = self._reader.case(cells)
            number = 0
            if case:
                counter = self._cases[case]
                counter.rows = number = counter.rows + 1
            yield _Record(self._log.line, cells, case, number)

    def store(self, records: list[_Record]) -> None:
        """Store some rows in one transaction."""
        with self._runner.sharing() as runner:
            assert runner.shared is not None  # noqa: S101 - that is what `sharing` gives
            for record in records:
                self.rows.rows += 1
                self._one(runner, runner.shared.unit, record)

    # -- one row -----------------------------------------------------------------------------------------------------

    def _one(self, runner: Runner, unit: UnitOfWork, record: _Record) -> None:
        if not record.case:
            self.rows.refuse(record.line, "", NO_TICKET, "the row names no ticket")
            return
        case = self._cases[record.case]
        key, mark = row_key(self._format.name, record.case, record.number), fingerprint(record.cells)
        receipt = unit.receipt(key)
        if receipt is None:
            self._new(runner, unit, record, case, key, mark)
        elif receipt.fingerprint != mark:
            sentence = f"the database has another row under the key {key!r}"
            self.rows.refuse(record.line, record.case, IdempotencyConflict.code, sentence)
        else:
            self._there(record, case, receipt)

    def _there(self, record: _Record, case: Case, receipt: Receipt) -> None:
        """Count a row that an earlier run recorded."""
        self.rows.already_there += 1
        if not case.opening:
            self._remember(record, case, receipt.ticket)
        if receipt.outcome.startswith(_REFUSED):
            code = receipt.outcome.removeprefix(_REFUSED)
            self.rows.refuse(record.line, record.case, code, "refused by an earlier run")
            return
        self._count(record, case, self._reader.read(record.cells, record.case), applied=receipt.outcome == APPLIED)

    def _new(self, runner: Runner, unit: UnitOfWork, record: _Record, case: Case, key: str, mark: str) -> None:
        """Carry a row out and record it under its key, also if it is refused."""
        ticket = self._ticket(unit, record, case)
        try:
            row = self._reader.read(record.cells, record.case)
            if row.said.customer is not None:
                self._meet(runner, unit, row)
            steps = plan(row, ticket, lambda first: self._opening(runner, first))
            after = runner.run_many(ticket, steps, key=key, fingerprint=mark)
        except (WorkflowError, NotFound) as error:
            code = refusal_code(error)
            self.rows.refuse(record.line, record.case, code, str(error))
            if ticket is not None:  # else a second run would judge the row by what came after it
                unit.save(Change(receipt=_refusal(key, mark, ticket, code, runner)))
            return
        if ticket is None:
            self._remember(record, case, after.id)
        self._count(record, case, row, applied=ticket is None or after.version > ticket.version)

    def _count(self, record: _Record, case: Case, row: Row, *, applied: bool) -> None:
        if not applied:
            self.rows.unchanged += 1
            return
        self.rows.applied += 1
        if case.follow(row):
            self.rows.reopened_to[self._reader.state_word(record.cells)] += 1

    def _opening(self, runner: Runner, row: Row) -> cm.Open:
        now = runner.clock.now()
        return opening(row, ticket=runner.new_id(now), reference=runner.ids.reference(), message=runner.new_id(now))

    def _meet(self, runner: Runner, unit: UnitOfWork, row: Row) -> None:
        """Make sure that the customer of a row is there."""
        known, name = row.said.customer, row.said.customer_name
        if known is None or known in self._known_customers:
            return
        if unit.customer(known) is None:
            person = Customer(id=known, tenant=runner.tenant, name=name or "", created_at=runner.clock.now())
            unit.save(Change(customers=(person,)))
        if len(self._known_customers) < _REMEMBERED:
            self._known_customers.add(known)

    # -- which ticket a case is --------------------------------------------------------------------------------------

    def _remember(self, record: _Record, case: Case, ticket: str) -> None:
        case.opening = record.number
        self._tickets[record.case] = ticket
        if len(self._tickets) > _REMEMBERED:
            self._tickets.popitem(last=False)

    def _ticket(self, unit: UnitOfWork, record: _Record, case: Case) -> Ticket | None:
        """Return the ticket of a case: the one that the key of its first row stands for."""
        if not case.opening:
            return None
        known = self._tickets.get(record.case) or self._first_ticket(unit, record.case, case)
        return None if known is None else unit.get(known)

    def _first_ticket(self, unit: UnitOfWork, name: str, case: Case) -> str | None:
        receipt = unit.receipt(row_key(self._format.name, name, case.opening))
        return None if receipt is None else receipt.ticket

    # -- what it came to ---------------------------------------------------------------------------------------------

    def look_back(self) -> TicketTally:
        """Count the tickets of this log as they are stored."""
        tally = TicketTally()
        cases = iter(self._cases.items())
        while several := list(islice(cases, _TOGETHER)):
            with self._runner.reading() as unit:
                for name, case in several:
                    if case.opening:
                        self._look_at(unit, name, case, tally)
        return tally

    def _look_at(self, unit: UnitOfWork, name: str, case: Case, tally: TicketTally) -> None:
        known = self._tickets.get(name) or self._first_ticket(unit, name, case)
        ticket = None if known is None else unit.get(known)
        if ticket is None:
            return
        course = Course()
        for recorded in unit.history(ticket.id):
            tally.see(course, recorded.event, recorded.occurred_at)
        tally.end(course, ticket)


def _refusal(key: str, mark: str, ticket: Ticket, code: str, runner: Runner) -> Receipt:
    return Receipt(
        key=key,
        fingerprint=mark,
        ticket=ticket.id,
        seq=ticket.version,
        outcome=f"{_REFUSED}{code}",
        created_at=runner.clock.now(),
    )
