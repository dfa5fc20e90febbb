"""What arrives, in the database: raw deliveries under leases, what was heard, legs, addresses, files, budgets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import delete, func, insert, or_, select, update

from supportkit.clock import to_us
from supportkit.errors import ConcurrentUpdate, StorageError
from supportkit.model.addressing import normalised
from supportkit.model.change import Change, OutboxState, Outgoing
from supportkit.model.conversation import Arrival, ArrivalState, Heard, Leg, LegChange, StoredFile, Waiting
from supportkit.model.people import AddressStatus, Customer
from supportkit.storage import received_rows as received
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.port import MAX_PAGE, check_limit, is_id
from supportkit.storage.ranked import Ranked
from supportkit.storage.statements import Prepared, Row

_BEFORE = {
    "queued": (),
    "sent": ("queued",),
    "delivered": ("queued", "sent"),
    "read": ("queued", "sent", "delivered"),
    "failed": ("queued", "sent", "delivered"),
}
"""Which receipts each one may follow."""
_FEW = 4
"""So many ids are looked up one by one, by a statement that was built before."""


class Receiving(Ranked):
    """A session with the verbs of the way in."""

    __slots__ = ()

    # -- raw deliveries ----------------------------------------------------------------------------------------------

    def add_arrival(self, arrival: Arrival) -> bool:
        """Store a raw delivery; false, and nothing is written, where the channel has one of this key already."""
        self.require_write()
        self._require_own(arrival.tenant)
        if self.one(self._st.known_arrival, {"channel": arrival.channel, "key": arrival.key}) is not None:
            return False
        self._write_new(
            self._st.insert_arrival,
            [received.to_row(arrival)],
            ConcurrentUpdate(arrival.id, 0, "another delivery of this key was stored at the same moment"),
        )
        return True

    def claim_arrival(self, now: dt.datetime, *, lease: dt.timedelta, channels: Sequence[str]) -> Arrival | None:
        """Lease the raw delivery that has waited longest, of these channels; the claim counts one try and one fence."""
        self.require_write()
        found = self._due_arrival(channels, to_us(now))
        if found is None:
            return None
        row = received.read_arrival(found)
        claimed = attrs.evolve(row, tries=row.tries + 1, fence=row.fence + 1, lease_until=now + lease)
        values = {"row": row.id, "fenced": row.fence, "tries": claimed.tries, "fence": claimed.fence}
        values["lease_until"] = to_us(now + lease)
        return claimed if self.run(self._st.claim_arrival, values).rowcount == 1 else None

    def _due_arrival(self, channels: Sequence[str], at: int) -> Row | None:
        """Return the row that has waited longest; a statement for any number of channels is built each time."""
        if len(channels) == 1:
            return self.one(self._st.due_arrival, {"channel": channels[0], "now": at})
        a = t.arrival
        due = select(a).where(
            a.c.tenant == self.tenant,
            a.c.state == ArrivalState.RECEIVED.value,
            a.c.channel.in_(channels),
            or_(a.c.lease_until.is_(None), a.c.lease_until <= at),
        )
        found = self.select(due.order_by(a.c.received_at, a.c.id).limit(1).with_for_update(skip_locked=True))
        return found[0] if found else None

    def settle_arrival(
        self, arrival: Arrival, state: ArrivalState, *, now: dt.datetime, reason: str | None = None
    ) -> bool:
        """Store what became of a claimed delivery; false under an old fence. `RECEIVED` gives it back."""
        self.require_write()
        is_done = state is not ArrivalState.RECEIVED
        values = {
            "row": arrival.id,
            "fenced": arrival.fence,
            "state": state.value,
            "reason": reason,
            "settled_at": to_us(now) if is_done else None,
        }
        return bool(self.run(self._st.settle_arrival, values).rowcount == 1)

    def change_arrival(self, arrival: Arrival) -> bool:
        """Store a delivery that a person changed or wants to be read again; false where it was claimed meanwhile."""
        self.require_write()
        a = t.arrival
        mine = (a.c.tenant == self.tenant, a.c.id == arrival.id, a.c.fence == arrival.fence)
        return (
            self.write(update(a).where(*mine).values(received.to_row(attrs.evolve(arrival, fence=arrival.fence + 1))))
            == 1
        )

    def arrival(self, arrival_id: str) -> Arrival | None:
        """Return one raw delivery, or `None`."""
        if not is_id(arrival_id):
            return None
        found = self.select(select(t.arrival).where(t.arrival.c.tenant == self.tenant, t.arrival.c.id == arrival_id))
        return received.read_arrival(found[0]) if found else None

    def arrivals(self, states: Sequence[ArrivalState], *, limit: int, after: str | None = None) -> Sequence[Arrival]:
        """Return raw deliveries in these states by id, which is by age, beginning after the id *after*."""
        a = t.arrival
        wanted = [state.value for state in states]
        statement = select(a).where(a.c.tenant == self.tenant, a.c.state.in_(wanted), a.c.id > (after or ""))
        return [
            received.read_arrival(row)
            for row in self.select(statement.order_by(a.c.id).limit(check_limit(limit, MAX_PAGE)))
        ]

    def arrival_counts(self) -> Mapping[str, int]:
        """Return how many raw deliveries there are in each state."""
        a = t.arrival
        statement = select(a.c.state, func.count()).where(a.c.tenant == self.tenant).group_by(a.c.state)
        return {row[0]: row[1] for row in self.select(statement)}

    def arrivals_by_channel(self) -> Mapping[tuple[str, str], int]:
        """Return how many raw deliveries there are, by channel and state."""
        a = t.arrival
        mine = select(a.c.channel, a.c.state, func.count()).where(a.c.tenant == self.tenant)
        return {(row[0], row[1]): row[2] for row in self.select(mine.group_by(a.c.channel, a.c.state))}

    def poll_cursor(self, channel: str) -> str | None:
        """Return where polling a channel goes on."""
        p = t.poll
        found = self.select(select(p.c.cursor).where(p.c.tenant == self.tenant, p.c.channel == channel))
        return found[0][0] if found else None

    def set_poll_cursor(self, channel: str, cursor: str) -> None:
        """Store where polling a channel goes on."""
        self.require_write()
        p = t.poll
        mine = (p.c.tenant == self.tenant, p.c.channel == channel)
        if self.poll_cursor(channel) is None:
            self.write(insert(p).values(tenant=self.tenant, channel=channel, cursor=cursor))
        else:
            self.write(update(p).where(*mine).values(cursor=cursor))

    # -- what was heard, and where it belongs ------------------------------------------------------------------------

    def heard(self, key: str) -> Sequence[Heard]:
        """Return what was heard under a key: usually nothing, or one."""
        return [received.read_heard(row) for row in self.all(self._st.heard, {"key": key})]

    def leg(self, leg_id: str) -> Leg | None:
        """Return a leg, or `None`."""
        if not is_id(leg_id):
            return None
        found = self.one(self._st.leg, {"row": leg_id})
        return None if found is None else received.read_leg(found)

    def legs(self, ticket_ids: Sequence[str]) -> Sequence[Leg]:
        """Return the legs of these tickets, the oldest first."""
        g = t.leg
        wanted = [one for one in ticket_ids if is_id(one)]
        if len(wanted) == 1:
            return [received.read_leg(row) for row in self.all(self._st.legs, {"ticket": wanted[0]})]
        mine = select(g).where(g.c.tenant == self.tenant, g.c.ticket.in_(wanted))
        return [received.read_leg(row) for row in self.select(mine.order_by(g.c.began_at, g.c.id))]

    def conversation(self, key: str) -> Leg | None:
        """Return the newest leg of a conversation, by the hash of its channel, account and thread."""
        found = self.one(self._st.conversation, {"key": key})
        return None if found is None else received.read_leg(found)

    def sent_as(self, channel: str, external_ids: Sequence[str]) -> Sequence[Outgoing]:
        """Return the deliveries that a provider took under these ids."""
        o = t.outbox
        known = [one for one in external_ids if is_id(one)]
        if len(known) <= _FEW:
            found = [self.all(self._st.sent_as, {"channel": channel, "external_id": one}) for one in known]
            return [rows.read_outgoing(row) for some in found for row in some]
        statement = select(o).where(o.c.tenant == self.tenant, o.c.channel == channel, o.c.external_id.in_(known))
        return [rows.read_outgoing(row) for row in self.select(statement)]

    def note_receipt(self, delivery: Outgoing, status: str) -> bool:
        """Store how far a delivery has come; false where it was as far, or farther, or has ended."""
        self.require_write()
        o = t.outbox
        before = _BEFORE[status]
        mine = (o.c.tenant == self.tenant, o.c.id == delivery.id, or_(o.c.receipt.is_(None), o.c.receipt.in_(before)))
        return self.write(update(o).where(*mine).values(receipt=status)) == 1

    def mark_failed(self, delivery: Outgoing, reason: str) -> bool:
        """Store that a sent delivery did not arrive after all; false where it is not `SENT` any more."""
        self.require_write()
        o = t.outbox
        sent = (o.c.tenant == self.tenant, o.c.id == delivery.id, o.c.state == OutboxState.SENT.value)
        return self.write(update(o).where(*sent).values(state=OutboxState.FAILED.value, reason=reason)) == 1

    def owners(self, family: str, value: str) -> Sequence[tuple[str, AddressStatus]]:
        """Return who has an address: ids of customers, the one who proved it first."""
        found = self.all(self._st.owners, {"family": family, "value": value})
        return [(row[0], AddressStatus.CLAIMED if row[1] else AddressStatus.VERIFIED) for row in found]

    def file(self, file_id: str) -> StoredFile | None:
        """Return the content of an attachment, or `None`."""
        if not is_id(file_id):
            return None
        found = self.one(self._st.file, {"row": file_id})
        return None if found is None else received.read_file(found)

    # -- budgets and early receipts ----------------------------------------------------------------------------------

    def spend(self, name: str, key: str, since: dt.datetime, limit: int) -> bool:
        """Count one use of a budget in the window that began at *since*; false, and not counted, where it is spent."""
        self.require_write()
        mine = {"called": name, "owner": key, "begun": to_us(since)}
        if self.run(self._st.spend, {**mine, "limit": limit}).rowcount == 1:
            return True
        if self.one(self._st.has_budget, dict(mine)) is not None or limit < 1:
            return False
        values = {"name": name, "key": key, "since": to_us(since), "spent": 1}
        self._write_new(
            self._st.insert_budget,
            [values],
            ConcurrentUpdate(name, 0, f"the budget {name} was begun by another process"),
        )
        return True

    def spent(self, name: str, key: str, after: dt.datetime) -> int:
        """Return how many uses of a budget were counted in the windows that began at *after* or later."""
        found = self.one(self._st.spent, {"called": name, "owner": key, "begun": to_us(after)})
        return 0 if found is None else int(found[0])

    def add_waiting(self, waiting: Waiting) -> None:
        """Keep a receipt for a message that is not known yet; the same one again changes nothing."""
        self.require_write()
        self._require_own(waiting.tenant)
        w = t.waiting
        mine = (w.c.tenant == self.tenant, w.c.channel == waiting.channel, w.c.external_id == waiting.external_id)
        if not self.select(select(w.c.at).where(*mine, w.c.status == waiting.status)):
            self._write_new(
                self._st.insert_waiting,
                [received.to_row(waiting)],
                ConcurrentUpdate(waiting.external_id, 0, "another process kept this receipt"),
            )

    def take_waiting(self, channel: str, external_id: str) -> Sequence[Waiting]:
        """Return the receipts that wait for a message, and forget them."""
        self.require_write()
        w = t.waiting
        mine = (w.c.tenant == self.tenant, w.c.channel == channel, w.c.external_id == external_id)
        found = self.select(select(w).where(*mine).order_by(w.c.at))
        if found:
            self.write(delete(w).where(*mine))
        return [received.read_waiting(row) for row in found]

    # -- inside a change ---------------------------------------------------------------------------------------------

    def save_received(self, change: Change) -> None:
        """Write the parts of a change that come with what arrived; errors are those of `save`."""
        if change.heard:
            taken = ConcurrentUpdate(change.heard[0].ticket or "", 0, "this message was taken by another process")
            self._write_new(self._st.insert_heard, [received.to_row(one) for one in change.heard], taken)
        for part in change.legs:
            self._save_leg(part)
        if change.files:
            self._write_new(self._st.insert_file, [received.to_row(one) for one in change.files], None)

    def _save_leg(self, part: LegChange) -> None:
        taken = ConcurrentUpdate(
            part.leg.ticket, 0, "this conversation was begun by another process: load and decide again"
        )
        g, c = t.leg, t.conversation
        if part.is_new:
            self._write_new(self._st.insert_leg, [received.to_row(part.leg)], taken)
        else:
            mine = (g.c.tenant == self.tenant, g.c.id == part.leg.id)
            if self.write(update(g).where(*mine).values(received.to_row(part.leg))) != 1:
                raise taken  # its ticket was deleted meanwhile
        if part.replaces is None:
            self._write_new(self._st.insert_conversation, [{"key": part.key, "leg": part.leg.id}], taken)
        elif part.replaces != part.leg.id:
            held = (c.c.tenant == self.tenant, c.c.key == part.key, c.c.leg == part.replaces)
            if self.write(update(c).where(*held).values(leg=part.leg.id)) != 1:
                raise taken

    def save_addresses(self, customer: Customer) -> None:
        """Keep the addresses of a customer findable; one that somebody else has proved stays his.

        Raises:
            ConcurrentUpdate: Somebody else proved one of them at the same moment.
        """
        a = t.address
        if customer.version > 1:
            self.write(delete(a).where(a.c.tenant == self.tenant, a.c.customer == customer.id))
        if found := address_rows(customer, self._is_proved):
            taken = ConcurrentUpdate(
                customer.id, customer.version - 1, "an address of this customer was proved by another one"
            )
            self._write_new(self._st.insert_address, found, taken)

    def _is_proved(self, family: str, value: str) -> bool:
        return any(status is AddressStatus.VERIFIED for _customer, status in self.owners(family, value))

    # -- statements --------------------------------------------------------------------------------------------------

    def _require_own(self, tenant: str) -> None:
        if tenant != self.tenant:
            raise StorageError(f"a unit of work of tenant {self.tenant!r} cannot write rows of {[tenant]}")

    def _write_new(self, statement: Prepared, several: Sequence[Mapping[str, Any]], taken: Exception | None) -> None:
        """Insert rows whose keys must be free; where one is not, raise *taken*."""
        driver = self.database.driver
        try:
            self.insert(statement, [{**values, "tenant": self.tenant} for values in several])
        except driver.Error as error:
            self.break_off()
            if taken is not None and isinstance(error, driver.IntegrityError):
                raise taken from None
            self.database.fail(error)


def address_rows(customer: Customer, is_proved: Callable[[str, str], bool]) -> list[dict[str, Any]]:
    """Return what makes the addresses of a customer findable; *is_proved* tells whether somebody else proved one."""
    found = {}
    for address in customer.addresses:
        try:
            value = normalised(address.family, address.value)
        except ValueError:
            continue  # nobody can write from it
        is_his = address.status is AddressStatus.VERIFIED and not is_proved(address.family, value)
        owner = "" if is_his else customer.id
        found[address.family, value, owner] = {
            "tenant": customer.tenant,
            "family": address.family,
            "value": value,
            "owner": owner,
            "customer": customer.id,
        }
    return list(found.values())
