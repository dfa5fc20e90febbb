"""`SqlUnitOfWork`: the verbs of the storage port in one transaction, for every SQL database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import select

from supportkit.clock import to_us
from supportkit.errors import ConcurrentUpdate, InvalidCursor, StorageError
from supportkit.model.change import Change, Receipt, Settings
from supportkit.model.events import Recorded
from supportkit.model.message import Message, Note
from supportkit.model.people import Customer
from supportkit.model.stored import Stored
from supportkit.model.ticket import Ticket
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.blanking import Erasing
from supportkit.storage.dumping import Dumping
from supportkit.storage.floors import Floors
from supportkit.storage.port import MAX_BATCH, MAX_PAGE, Expiring, Page, TicketQuery, check_limit, is_id
from supportkit.storage.purging import Purging
from supportkit.storage.restoring import Restoring
from supportkit.storage.saving import Saving
from supportkit.storage.search import find_statement, write_cursor
from supportkit.storage.session import Link
from supportkit.storage.statements import Statements

_INT64 = 2**63


class SqlUnitOfWork(Erasing):
    """A session with all the verbs of the port.

    Args:
        tenant: Whose rows it sees.
        link: The connection; it has an open transaction.
        statements: The prepared statements of its dialect.
        write: Whether it may write.
        floors: What is known of the oldest rows that wait; nothing where that is not worth the trouble.
    """

    __slots__ = ("_get", "_number", "_saving")

    def __init__(
        self, tenant: str, link: Link, statements: Statements, *, write: bool = True, floors: Floors | None = None
    ) -> None:
        super().__init__(tenant, link, statements, write=write, floors=floors)
        self._saving = Saving(self)
        self._get, self._number = statements.get, statements.by_number

    # -- reading -----------------------------------------------------------------------------------------------------

    def get(self, ticket_id: str) -> Ticket | None:
        """Return the ticket with this id, or `None`."""
        if not is_id(ticket_id):
            return None
        row = self.one(self._get, {"id": ticket_id})
        return None if row is None else rows.read_ticket(self.tenant, row)

    def by_number(self, number: int) -> Ticket | None:
        """Return the ticket with this number, or `None`."""
        if not isinstance(number, int) or isinstance(number, bool) or abs(number) >= _INT64:
            return None
        row = self.one(self._number, {"number": number})
        return None if row is None else rows.read_ticket(self.tenant, row)

    def hold(self) -> None:
        """Let other writers of a ticket wait from `get` or `by_number` to the end of this unit, from now on."""
        self.require_write()
        self._get, self._number = self._st.get_held, self._st.by_number_held

    def find(self, query: TicketQuery) -> Page[Ticket]:
        """Return a page of tickets."""
        found = self.select(find_statement(self.tenant, query))
        tickets = tuple(rows.read_ticket(self.tenant, row) for row in found[: query.limit])
        if len(found) <= query.limit:
            return Page(tickets)
        last = tickets[-1]
        value = getattr(last, query.sort)
        return Page(
            tickets, write_cursor(query, to_us(value) if isinstance(value, dt.datetime) else value, last.number)
        )

    def counts(self) -> dict[tuple[str, int], int]:
        """Return the number of tickets by (state, tier)."""
        return {(state, tier): count for state, tier, count in self.all(self._st.counts, {})}

    def history(self, ticket_id: str) -> Sequence[Recorded]:
        """Return the whole log of a ticket."""
        if not is_id(ticket_id):
            return []
        return [rows.read_event(self.tenant, row) for row in self.all(self._st.history, {"ticket": ticket_id})]

    def events_after(self, cursor: str | None, limit: int) -> Sequence[Recorded]:
        """Return committed events after *cursor*, in the order in which no event can come in between any more."""
        values = {**self.database.behind(cursor), "limit": check_limit(limit, MAX_BATCH)}
        return [rows.read_event(self.tenant, row) for row in self.all(self._st.events_after, values)]

    def messages(self, ticket_ids: Sequence[str]) -> Sequence[Message]:
        """Return the messages that lie in these tickets, by time."""
        m = t.message
        statement = (
            select(m)
            .where(m.c.tenant == self.tenant, m.c.ticket.in_([one for one in ticket_ids if is_id(one)]))
            .order_by(m.c.occurred_at, m.c.position)
        )
        return [rows.read_message(row) for row in self.select(statement)]

    def message(self, message_id: str) -> Message | None:
        """Return one message, or `None`."""
        if not is_id(message_id):
            return None
        row = self.one(self._st.message, {"id": message_id})
        return None if row is None else rows.read_message(row)

    def notes(self, ticket_ids: Sequence[str]) -> Sequence[Note]:
        """Return the internal notes of these tickets, by time."""
        n = t.note
        statement = (
            select(n)
            .where(n.c.tenant == self.tenant, n.c.ticket.in_([one for one in ticket_ids if is_id(one)]))
            .order_by(n.c.occurred_at, n.c.position)
        )
        return [rows.read_note(row) for row in self.select(statement)]

    def customer(self, customer_id: str) -> Customer | None:
        """Return a customer, or `None`."""
        if not is_id(customer_id):
            return None
        row = self.one(self._st.customer, {"id": customer_id})
        return None if row is None else rows.read_customer(self.tenant, row)

    def customers(self, limit: int, after: str | None = None) -> Sequence[Customer]:
        """Return customers by id."""
        if after is not None and not is_id(after):
            raise InvalidCursor("it is no id of a customer")
        values = {"after": after or "", "limit": check_limit(limit, MAX_PAGE)}
        return [rows.read_customer(self.tenant, row) for row in self.all(self._st.customers, values)]

    def receipt(self, key: str) -> Receipt | None:
        """Return what an idempotency key stands for, or `None`."""
        if not is_id(key):
            return None
        row = self.one(self._st.receipt, {"key": key})
        return None if row is None else rows.read_receipt(row)

    def fired(self, ticket_id: str) -> frozenset[str]:
        """Return the ids of the warnings and breaches of a ticket that were told."""
        if not is_id(ticket_id):
            return frozenset()
        return frozenset([row[0] for row in self.all(self._st.fired, {"ticket": ticket_id})])

    def settings(self, subject: str, after: int = 0) -> Sequence[Settings]:
        """Return the revisions of the settings of a subject with numbers above *after*, the oldest first."""
        if not is_id(subject):
            return []
        values = {"subject": subject, "after": after}
        return [rows.read_settings(row) for row in self.all(self._st.settings, values)]

    def follower(self, name: str) -> str | None:
        """Return where the follower *name* stands."""
        if not is_id(name):
            return None
        row = self.one(self._st.follower, {"name": name})
        return None if row is None else row[0]

    # -- writing -----------------------------------------------------------------------------------------------------

    def set_follower(self, name: str, cursor: str) -> None:
        """Store where the follower *name* stands."""
        self.require_write()
        self.database.behind(cursor)
        self.run(self._st.put_follower, {"name": name, "cursor": cursor})

    def add_settings(self, settings: Settings) -> None:
        """Store a revision of settings."""
        self.require_write()
        if settings.tenant != self.tenant:
            raise StorageError(f"a unit of work of tenant {self.tenant!r} cannot write rows of {[settings.tenant]}")
        try:
            self.insert(self._st.insert_settings, [rows.settings_row(settings)])
        except self.database.driver.IntegrityError:
            self._broken = True
            raise ConcurrentUpdate(settings.subject, settings.number - 1) from None
        except self.database.driver.Error as error:
            self._broken = True
            self.database.fail(error)

    def reserve_number(self) -> int:
        """Return the next ticket number."""
        self.require_write()
        return self._saving.reserve_number()

    def save(self, change: Change) -> None:
        """Write a change; after an error nothing of this transaction can be kept."""
        self.require_write()
        self._saving.save(change)

    # -- deleting ----------------------------------------------------------------------------------------------------

    def has_expired(self, kind: Expiring, before: dt.datetime) -> bool:
        """Tell whether there is anything of this kind from before an instant."""
        return Purging(self).has_expired(kind, before)

    def drop_expired(self, kind: Expiring, before: dt.datetime, limit: int) -> int:
        """Delete up to *limit* things of this kind from before an instant."""
        self.require_write()
        return Purging(self).drop_expired(kind, before, check_limit(limit, MAX_BATCH))

    def closed_before(self, before: dt.datetime, limit: int) -> Sequence[Ticket]:
        """Return tickets that were closed before an instant and that nothing keeps."""
        values = {"before": to_us(before), "limit": check_limit(limit, MAX_BATCH)}
        return [rows.read_ticket(self.tenant, row) for row in self.all(self._st.closed_before, values)]

    def delete_ticket(self, ticket: Ticket) -> None:
        """Delete a ticket and all that is its own."""
        self.require_write()
        if ticket.tenant != self.tenant:
            raise StorageError(f"a unit of work of tenant {self.tenant!r} cannot write rows of {[ticket.tenant]}")
        Purging(self).delete_ticket(ticket, self.history(ticket.id))

    def erase_words(self, ticket: Ticket) -> None:
        """Take every word out of what belongs to a ticket; the ticket itself is `save`'s."""
        self.blank_ticket(ticket, self.history(ticket.id))

    # -- everything --------------------------------------------------------------------------------------------------

    def count_rows(self) -> int:
        """Return about how many rows `dump` gives."""
        return Dumping(self).count()

    def dump(self) -> Iterator[Stored]:
        """Yield every row of the tenant, in the order of `model.stored`."""
        return Dumping(self).dump()

    def is_empty(self) -> bool:
        """Tell whether the tenant has no row at all."""
        return Restoring(self).is_empty()

    def restore(self, rows: Iterable[tuple[int, Stored]]) -> None:
        """Write every row of a tenant that has none."""
        self.require_write()
        try:
            Restoring(self).restore(rows)
        except BaseException:
            self.break_off()
            raise
