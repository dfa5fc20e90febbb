"""What the parts of the contract share: fixtures, and a few functions that use nothing but the port."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings

from supportkit.errors import ConcurrentUpdate, StorageUnavailable
from supportkit.model.change import Change, TicketChange
from supportkit.model.events import Event
from supportkit.model.ticket import Ticket
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.keeping import KeepingUnit
from supportkit.storage.port import MAX_PAGE, Storage, TicketQuery, UnitOfWork
from supportkit.testing.builders import TENANT, later, then

OTHER = "globex"
"""The second tenant."""


class StorageKit:
    """The fixtures and settings of the contract."""

    writes = 5_000
    writers = 8
    workers = 4
    examples = 60

    @pytest.fixture
    def storage(self) -> Storage:
        """Give an empty storage whose schema is in place."""
        raise NotImplementedError("a storage contract needs a fixture `storage`: an empty storage, migrated")

    @pytest.fixture
    def reopen(self) -> Callable[[], Storage] | None:
        """Give a function that opens the database of `storage` once more; none by default."""
        return None

    @pytest.fixture
    def connect(self) -> Callable[[], Any] | None:
        """Give a function that opens a connection of the app's own, outside autocommit mode; none by default.

        It leads to the database of `storage` and has `commit`, `rollback` and `close`, as the DB-API says.
        """
        return None

    def app_connection(self, storage: Storage, connect: Callable[[], Any] | None) -> Any:
        """Return a connection of the app's own, or skip where the storage does not join."""
        if not storage.capabilities.joins:
            pytest.skip("the storage declares that it joins no transaction of the app")
        assert connect is not None, "the storage declares `joins`, so its contract needs a fixture `connect`"
        return connect()

    def generated(self) -> settings:
        """Return settings for generated cases that are the same in every run."""
        return settings(
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=self.examples,
            phases=(Phase.explicit, Phase.generate),  # the database keeps what came before: shrinking would lie
            suppress_health_check=list(HealthCheck),
        )

    def opener(self, storage: Storage, reopen: Callable[[], Storage] | None) -> Callable[[], Storage]:
        """Return *reopen*, or skip where the storage does not keep anything."""
        if not storage.capabilities.durable:
            pytest.skip("the storage declares that it is not durable")
        if reopen is None:
            pytest.skip("the contract has no fixture `reopen`")
        return reopen


def require_receiving(storage: Storage) -> None:
    """Skip where the storage has nothing of the way in."""
    if not storage.capabilities.receives:
        pytest.skip("the storage declares that it keeps nothing of what arrives")


@contextmanager
def receiving(storage: Storage, tenant: str = TENANT, *, write: bool = True) -> Iterator[ReceivingUnit]:
    """Open a unit of work with the way in, or skip where the storage has none."""
    require_receiving(storage)
    with storage.begin(tenant, write=write) as unit:
        yield cast("ReceivingUnit", unit)


@contextmanager
def keeping(storage: Storage, tenant: str = TENANT, *, write: bool = True) -> Iterator[KeepingUnit]:
    """Open a unit of work with records, or skip where the storage has none."""
    if not storage.capabilities.keeps:
        pytest.skip("the storage declares that it keeps no records")
    with storage.begin(tenant, write=write) as unit:
        yield cast("KeepingUnit", unit)


def save(storage: Storage, *changes: Change | TicketChange, tenant: str = TENANT) -> None:
    """Store changes, all in one unit of work."""
    with storage.begin(tenant) as unit:
        for change in changes:
            unit.save(Change(tickets=(change,)) if isinstance(change, TicketChange) else change)


def get(storage: Storage, ticket: str, tenant: str = TENANT) -> Ticket:
    """Return a ticket that must be there."""
    with storage.begin(tenant, write=False) as unit:
        found = unit.get(ticket)
    assert found is not None, f"ticket {ticket} is not there"
    return found


def add(storage: Storage, ticket: str, decide: Callable[[Ticket], Sequence[Event]]) -> None:
    """Read a ticket, decide and save, again after every lost race."""
    while True:
        before = get(storage, ticket)
        try:
            save(storage, then(before, *decide(before)))
        except (ConcurrentUpdate, StorageUnavailable):
            continue
        return


def all_tickets(unit: UnitOfWork, query: TicketQuery | None = None) -> list[Ticket]:
    """Return what a query finds, page by page."""
    query = query or TicketQuery(limit=MAX_PAGE)
    found: list[Ticket] = []
    while True:
        page = unit.find(query)
        found += page.items
        if page.next is None:
            return found
        query = attrs.evolve(query, cursor=page.next)


def snapshot(storage: Storage, tenant: str = TENANT, *, keys: Iterable[str] = ("key-1",)) -> dict[str, Any]:
    """Return everything that a tenant can read, as plain values that can be compared."""
    with storage.begin(tenant, write=False) as unit:
        tickets = all_tickets(unit)
        ids = [ticket.id for ticket in tickets]
        events = unit.events_after(None, 10_000)
        return {
            "tickets": tickets,
            "histories": [list(unit.history(ticket)) for ticket in ids],
            "events": [(recorded, recorded.cursor) for recorded in events],
            "messages": list(unit.messages(ids)),
            "notes": list(unit.notes(ids)),
            "customers": list(unit.customers(MAX_PAGE)),
            "receipts": [unit.receipt(key) for key in keys],
            "outbox": list(unit.outbox(limit=MAX_PAGE)),
            "outbox backlog": unit.outbox_backlog(later(10**6)),
            "timer backlog": unit.timer_backlog(later(10**6)),
            "follower": unit.follower("reports"),
            "counts": unit.counts(),
        }


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run *work* in several threads that begin at once, and raise what the first of them raised."""
    barrier = threading.Barrier(count)
    raised: list[BaseException] = []

    def run(number: int) -> None:
        try:
            barrier.wait(30)
            work(number)
        except BaseException as error:  # noqa: BLE001 - carried to the test
            raised.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "a thread hangs"
    if raised:
        raise raised[0]
