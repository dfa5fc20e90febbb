"""The part of the storage port for what arrives by channels; a storage that has it declares `receives`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

from supportkit.model.change import Outgoing
from supportkit.model.conversation import Arrival, ArrivalState, Heard, Leg, StoredFile, Waiting
from supportkit.model.people import AddressStatus
from supportkit.storage.port import UnitOfWork


class ReceivingUnit(UnitOfWork, Protocol):
    """One transaction of one tenant, with the way in."""

    def add_arrival(self, arrival: Arrival) -> bool:
        """Store a raw delivery; false, and nothing is written, where the channel has one of this key already.

        Raises:
            ConcurrentUpdate: Another transaction stored one of this key at the same moment.
        """
        ...

    def claim_arrival(self, now: dt.datetime, *, lease: dt.timedelta, channels: Sequence[str]) -> Arrival | None:
        """Lease the raw delivery of these channels that has waited longest, `None` where nothing waits.

        The claim counts one try and one fence.
        """
        ...

    def settle_arrival(
        self, arrival: Arrival, state: ArrivalState, *, now: dt.datetime, reason: str | None = None
    ) -> bool:
        """Store what became of a claimed delivery; false under an old fence. `RECEIVED` gives it back."""
        ...

    def change_arrival(self, arrival: Arrival) -> bool:
        """Store a delivery that a person changed or wants to be read again; false where it was claimed meanwhile."""
        ...

    def arrival(self, arrival_id: str) -> Arrival | None:
        """Return one raw delivery, or `None`."""
        ...

    def arrivals(self, states: Sequence[ArrivalState], *, limit: int, after: str | None = None) -> Sequence[Arrival]:
        """Return raw deliveries in these states by id, which is by age, beginning after the id *after*."""
        ...

    def arrival_counts(self) -> Mapping[str, int]:
        """Return how many raw deliveries there are in each state."""
        ...

    def arrivals_by_channel(self) -> Mapping[tuple[str, str], int]:
        """Return how many raw deliveries there are, by channel and state."""
        ...

    def poll_cursor(self, channel: str) -> str | None:
        """Return where polling a channel goes on."""
        ...

    def set_poll_cursor(self, channel: str, cursor: str) -> None:
        """Store where polling a channel goes on."""
        ...

    def heard(self, key: str) -> Sequence[Heard]:
        """Return what was heard under a key: usually nothing, or one."""
        ...

    def leg(self, leg_id: str) -> Leg | None:
        """Return a leg, or `None`."""
        ...

    def legs(self, ticket_ids: Sequence[str]) -> Sequence[Leg]:
        """Return the legs of these tickets, the oldest first."""
        ...

    def conversation(self, key: str) -> Leg | None:
        """Return the newest leg of a conversation, by the hash of its channel, account and thread."""
        ...

    def sent_as(self, channel: str, external_ids: Sequence[str]) -> Sequence[Outgoing]:
        """Return the deliveries that a provider took under these ids."""
        ...

    def note_receipt(self, delivery: Outgoing, status: str) -> bool:
        """Store how far a delivery has come; false where it was as far, or farther, or has ended.

        The order is queued, sent, delivered, read; `failed` comes after any but read, and nothing after `failed`.
        """
        ...

    def mark_failed(self, delivery: Outgoing, reason: str) -> bool:
        """Store that a sent delivery did not arrive after all; false where it is not `SENT` any more."""
        ...

    def owners(self, family: str, value: str) -> Sequence[tuple[str, AddressStatus]]:
        """Return who has an address, in its normalised form: ids of customers, the one who proved it first."""
        ...

    def file(self, file_id: str) -> StoredFile | None:
        """Return the content of an attachment, or `None`."""
        ...

    def spend(self, name: str, key: str, since: dt.datetime, limit: int) -> bool:
        """Count one use of a budget in the window that began at *since*; false, and not counted, where it is spent.

        Raises:
            ConcurrentUpdate: Another transaction began the same window at the same moment.
        """
        ...

    def spent(self, name: str, key: str, after: dt.datetime) -> int:
        """Return how many uses of a budget were counted in the windows that began at *after* or later."""
        ...

    def add_waiting(self, waiting: Waiting) -> None:
        """Keep a receipt for a message that is not known yet; the same one again changes nothing."""
        ...

    def take_waiting(self, channel: str, external_id: str) -> Sequence[Waiting]:
        """Return the receipts that wait for a message, the oldest first, and forget them."""
        ...
