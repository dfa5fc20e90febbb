"""All rows of a tenant at once into a database that has none of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import String, Table, exists, func, select

from supportkit.clock import to_us
from supportkit.errors import InvalidArchive, StorageError
from supportkit.model import events as ev
from supportkit.model.change import Firing, Outgoing, Receipt, Settings, Timer
from supportkit.model.conversation import Arrival, StoredFile
from supportkit.model.events import Recorded
from supportkit.model.message import Message, Note
from supportkit.model.people import Customer
from supportkit.model.stored import ORDER, Attempt, Counter, Place, Stored, sort_key
from supportkit.model.ticket import Ticket
from supportkit.storage import received_rows as received
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.grammar import grammar_of
from supportkit.storage.receiving import address_rows
from supportkit.storage.session import Session
from supportkit.storage.statements import Prepared
from supportkit.storage.terms import BODY_CHARS, SUBJECT_CHARS, index_terms, tag_term

_AT_ONCE = 500
_LARGE = 4
"""Rows that may have many megabytes each are written a few at a time."""
_BEFORE_ALL = -(2**62)
"""Where the order of messages and notes begins that come from elsewhere: before everything that is written here."""
_RANK = {cls: rank for rank, cls in enumerate(ORDER)}
_BELONGING = (t.event, t.message, t.note, t.outbox, t.timer, t.firing, t.leg)

Lines = Sequence[tuple[int, Any]]
Rows = Sequence[Mapping[str, Any]]


class Restoring:
    """What one session writes when a whole desk is brought back."""

    __slots__ = ("_moved", "_numbers", "_proved", "_session", "_st")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._st = session.statements
        self._moved: dict[str, set[str]] = {}
        self._numbers = itertools.count(_BEFORE_ALL)
        self._proved: set[tuple[str, str]] = set()

    def is_empty(self) -> bool:
        """Tell whether the tenant has no row at all."""
        tenant = self._session.tenant
        found = (
            self._session.select(select(table.c.tenant).where(table.c.tenant == tenant).limit(1))
            for table in t.metadata.tables.values()
        )
        return not any(found)

    def restore(self, several: Iterable[tuple[int, Stored]]) -> None:
        """Write rows, each with the number of its line; they come in the order of `model.stored`.

        Raises:
            InvalidArchive: A row is twice, out of order, or does not fit to the others.
        """
        batch: list[tuple[int, Stored]] = []
        last: Stored | None = None
        for line, row in several:
            if getattr(row, "tenant", self._session.tenant) != self._session.tenant:
                raise StorageError(f"line {line}: a row of another tenant cannot be written")
            _check_order(line, last, row)
            most = _LARGE if isinstance(row, Arrival | StoredFile) else _AT_ONCE
            if batch and (len(batch) >= most or type(row) is not type(batch[0][1])):
                self._write(batch)
                batch = []
            batch.append((line, row))
            last = row
        if batch:
            self._write(batch)
        self._check_whole()

    def _write(self, batch: Lines) -> None:
        """Write rows of one kind; where the database refuses them, find the first one that it does not take."""
        driver = self._session.database.driver
        refused = (driver.IntegrityError, driver.DataError)
        self._session.command("SAVEPOINT supportkit_batch")
        try:
            self._write_kind(batch)
        except refused:
            self._session.command("ROLLBACK TO SAVEPOINT supportkit_batch")
            for line, row in batch:
                try:
                    self._write_kind([(line, row)])
                except refused:
                    raise InvalidArchive(line, "the database refuses it: its key is there already") from None
                except driver.Error as error:
                    self._session.database.fail(error)
            raise InvalidArchive(batch[-1][0], "the database refuses it") from None  # pragma: no cover - they agree
        except driver.Error as error:
            self._session.database.fail(error)

    def _write_kind(self, batch: Lines) -> None:
        match batch[0][1]:
            case Counter():
                self._session.one(self._st.reserve, {"numbers": batch[0][1].number, "positions": 0})
            case Recorded():
                self._append(batch)
            case Place():
                for line, row in batch:
                    self._stand(line, row)
            case _:
                self._insert(batch)
                self._index_words(batch)
                self._index_addresses(batch)

    def _insert(self, batch: Lines) -> None:
        """Write rows that are kept as they are."""
        st = self._st
        to_row: Callable[[Any], Mapping[str, Any]]
        match batch[0][1]:
            case Settings():
                table, statement, to_row = t.settings, st.insert_settings, rows.settings_row
            case Customer():
                table, statement, to_row = t.customer, st.insert_customer, rows.customer_row
            case Ticket():
                table, statement, to_row = t.ticket, st.insert_ticket, rows.ticket_row
            case Message():
                table, statement, to_row = t.message, st.insert_message, self._message
            case Note():
                table, statement, to_row = t.note, st.insert_note, self._note
            case _:
                table, statement, to_row = self._work(batch[0][1])
        made = [to_row(row) for _line, row in batch]
        _check_lengths(table, batch, made)
        self._session.insert(statement, made)

    def _work(self, first: Any) -> tuple[Table, Prepared, Callable[[Any], Mapping[str, Any]]]:
        """Return how rows about deliveries, deadlines and keys are written."""
        st = self._st
        match first:
            case Outgoing():
                return t.outbox, st.insert_outbox, rows.outgoing_row
            case Attempt():
                return t.attempt, st.insert_attempt, _attempt_row
            case Timer():
                return t.timer, st.insert_timer, _timer_row
            case Firing():
                return t.firing, st.insert_firing, rows.firing_row
            case Receipt():
                return t.idempotency, st.insert_receipt, partial(rows.receipt_row, self._session.tenant)
            case _:
                table = received.TABLES[type(first)]
                return table, getattr(st, f"insert_{table.name.removeprefix(t.PREFIX)}"), received.to_row

    def _index_words(self, batch: Lines) -> None:
        match batch[0][1]:
            case Ticket():
                self._index((row.id, _words_of(row)) for _line, row in batch)
            case Message():
                for _line, row in batch:
                    terms = index_terms([row.body[:BODY_CHARS]])
                    self._index((ticket, terms) for ticket in {row.ticket, *self._moved.get(row.id, ())})
            case Note():
                self._index((row.ticket, index_terms([row.body[:BODY_CHARS]], prefix="n:")) for _line, row in batch)
            case _:
                pass

    def _index_addresses(self, batch: Lines) -> None:
        """Make addresses findable; one that two say they proved is the older customer's."""
        for line, row in batch:
            if not isinstance(row, Customer) or not row.addresses:
                continue
            made = address_rows(row, lambda family, value: (family, value) in self._proved)
            _check_lengths(t.address, [(line, row)] * len(made), made)
            self._session.insert(self._st.insert_address, made)
            self._proved |= {(one["family"], one["value"]) for one in made if not one["owner"]}

    def _note(self, note: Note) -> Mapping[str, Any]:
        return rows.note_row(note, next(self._numbers))

    def _message(self, message: Message) -> Mapping[str, Any]:
        return rows.message_row(message, next(self._numbers))

    def _index(self, found: Iterable[tuple[str, Iterable[str]]]) -> None:
        tenant = self._session.tenant
        pairs = sorted({(term, ticket) for ticket, terms in found for term in terms})
        if pairs:
            values = [{"tenant": tenant, "term": term, "ticket": ticket} for term, ticket in pairs]
            self._session.insert(self._st.insert_term, values)

    def _append(self, batch: Lines) -> None:
        """Append to the log, which gets positions of its own here."""
        session = self._session
        counted = session.database.insert_numbered is None
        first = 0
        if counted:
            taken = session.one(self._st.reserve, {"numbers": 0, "positions": len(batch)})
            assert taken is not None  # noqa: S101 - an upsert returns its row
            first = int(taken[1]) - len(batch) + 1
        made = [rows.event_row(row, position) for position, (_line, row) in enumerate(batch, start=first)]
        events = [event for event, _text in made]
        _check_lengths(t.event, batch, events)
        if counted:
            session.insert(self._st.insert_event, events)
        else:
            session.insert_events(events)
        session.insert(self._st.insert_event_text, [text for _event, text in made if text is not None])
        self._learn(batch)

    def _learn(self, batch: Lines) -> None:
        """Index what the log says of subjects, and note which messages lay elsewhere before."""
        subjects: list[tuple[str, Iterable[str]]] = []
        for _line, row in batch:
            match row.event:
                case ev.TicketOpened(subject=subject) | ev.SubjectChanged(subject=subject):
                    subjects.append((row.ticket, index_terms([subject[:SUBJECT_CHARS]])))
                case ev.MessagesMoved(messages=messages, source=source) if source == row.ticket:
                    for message in messages:
                        self._moved.setdefault(message, set()).add(source)
                case _:
                    pass
        self._index(subjects)

    def _stand(self, line: int, place: Place) -> None:
        """Let a follower stand behind the event of that number, by the cursor that this one has here."""
        grammar, e = grammar_of(self._session.database.name), t.event
        ordered = select(grammar.place).select_from(e).where(e.c.tenant == self._session.tenant)
        found = self._session.select(ordered.order_by(*grammar.order).offset(place.seen - 1).limit(1))
        if not found:
            raise InvalidArchive(line, f"the log has no {place.seen} events")
        cursor = rows.to_cursor(found[0][0])
        self._session.run(self._st.put_follower, {"name": place.name, "cursor": cursor})

    def _check_whole(self) -> None:
        """Make sure that what belongs together came together.

        Raises:
            InvalidArchive: It did not.
        """
        tenant, k, e = self._session.tenant, t.ticket, t.event
        for table in _BELONGING:
            there = exists().where(k.c.tenant == table.c.tenant, k.c.id == table.c.ticket)
            if self._session.select(select(table.c.ticket).where(table.c.tenant == tenant, ~there).limit(1)):
                kind = table.name.removeprefix("supportkit_")
                raise InvalidArchive(None, f"a row of kind {kind} names a ticket that is not in it")
        self._check_received()
        log = (
            select(e.c.ticket, func.count().label("count"), func.max(e.c.seq).label("last"))
            .where(e.c.tenant == tenant)
            .group_by(e.c.ticket)
            .subquery()
        )
        joined = k.outerjoin(log, log.c.ticket == k.c.id)
        short = func.coalesce(log.c.count, 0) != k.c.version, func.coalesce(log.c.last, 0) != k.c.version
        broken = select(k.c.number).select_from(joined).where(k.c.tenant == tenant, short[0] | short[1]).limit(1)
        if found := self._session.select(broken):
            raise InvalidArchive(None, f"the log of ticket {found[0][0]} has gaps, or does not lead to its version")
        newest = select(func.max(k.c.number)).where(k.c.tenant == tenant)
        last = select(t.counter.c.number).where(t.counter.c.tenant == tenant)
        numbers = self._session.select(newest)[0][0] or 0, (self._session.select(last) or [(0,)])[0][0]
        if numbers[0] > numbers[1]:
            raise InvalidArchive(
                None, f"ticket {numbers[0]} has a number above the counter, which stands at {numbers[1]}"
            )

    def _check_received(self) -> None:
        """Make sure that conversations have their legs, and files their messages."""
        tenant, c, g, f, m = self._session.tenant, t.conversation, t.leg, t.file, t.message
        leg = exists().where(g.c.tenant == c.c.tenant, g.c.id == c.c.leg)
        if self._session.select(select(c.c.key).where(c.c.tenant == tenant, ~leg).limit(1)):
            raise InvalidArchive(None, "a conversation names a leg that is not in it")
        message = exists().where(m.c.tenant == f.c.tenant, m.c.id == f.c.message)
        if self._session.select(select(f.c.id).where(f.c.tenant == tenant, ~message).limit(1)):
            raise InvalidArchive(None, "a file names a message that is not in it")


def _check_order(line: int, last: Stored | None, row: Stored) -> None:
    if last is None:
        return
    before, now = _RANK[type(last)], _RANK[type(row)]
    if now < before:
        raise InvalidArchive(line, "rows of this kind stand before those of the line above")
    if now == before:
        key, previous = sort_key(row), sort_key(last)
        if key is not None and previous is not None and key <= previous:
            raise InvalidArchive(line, "it is there twice" if key == previous else "it is out of order")


def _check_lengths(table: Table, batch: Lines, made: Rows) -> None:
    """Refuse what does not fit into a column, also where the database would take it."""
    columns = [(x.name, x.type.length) for x in table.columns if isinstance(x.type, String) and x.type.length]
    for (line, _row), values in zip(batch, made, strict=True):
        for name, length in columns:
            value = values.get(name)
            if value is not None and len(value) > length:
                raise InvalidArchive(line, f"{name} has {len(value)} characters, at most {length} are possible")


def _words_of(ticket: Ticket) -> set[str]:
    return {*index_terms([ticket.subject[:SUBJECT_CHARS]]), *(tag_term(tag) for tag in ticket.tags)}


def _timer_row(timer: Timer) -> dict[str, Any]:
    row = rows.timer_row(timer)
    until = None if timer.lease_until is None else to_us(timer.lease_until)
    return row | {"state": timer.state.value, "fence": timer.fence, "attempts": timer.attempts, "lease_until": until}


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    return {
        "tenant": attempt.tenant,
        "outbox": attempt.delivery,
        "fence": attempt.fence,
        "worker": attempt.worker,
        "started_at": to_us(attempt.started_at),
        "finished_at": None if attempt.finished_at is None else to_us(attempt.finished_at),
        "result": attempt.result,
    }
