"""Contract: a tenant sees and changes its own rows and nothing else (P10)."""

# ruff: noqa: S101, PLR2004 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from supportkit.errors import SupportkitError
from supportkit.model import events as ev
from supportkit.model.change import Change, OutboxState, TimerState
from supportkit.storage.port import Storage, TicketQuery, UnitOfWork
from supportkit.testing.builders import (
    TENANT,
    later,
    make_customer,
    make_firing,
    make_message,
    make_note,
    make_outgoing,
    make_receipt,
    make_settings,
    make_timer,
    opened,
    then,
)
from supportkit.testing.storage.kit import OTHER, StorageKit, save, snapshot

LEASE = dt.timedelta(seconds=60)


def world(tenant: str, number: int) -> Change:
    """Return a change with one row of every kind; the ids are the number's."""
    change = opened(number, tenant=tenant, subject=f"words of {tenant}", tags=["shared"], team="team", customer="c")
    ticket = change.ticket
    return Change(
        tickets=(change,),
        messages=(make_message(ticket, f"message-{number}", body=f"body of {tenant}"),),
        notes=(make_note(ticket, f"note-{number}", body=f"note of {tenant}"),),
        outbox=(make_outgoing(ticket),),
        timers=(make_timer(ticket),),
        firings=(make_firing(ticket, id=f"{ticket.id}/RESOLUTION/1/1/100%"),),
        customers=(make_customer(f"customer-{number}", tenant=tenant, name=tenant),),
        receipt=make_receipt(f"key-{number}", ticket=ticket.id),
    )


READS: dict[str, Callable[[UnitOfWork], Any]] = {
    "get": lambda unit: unit.get("ticket-2"),
    "by_number": lambda unit: unit.by_number(2),
    "find": lambda unit: [ticket.id for ticket in unit.find(TicketQuery()).items],
    "find by tag": lambda unit: [ticket.id for ticket in unit.find(TicketQuery(tags="shared")).items],
    "find by text": lambda unit: [ticket.id for ticket in unit.find(TicketQuery(text=f"words {OTHER}")).items],
    "counts": lambda unit: unit.counts(),
    "history": lambda unit: list(unit.history("ticket-2")),
    "events_after": lambda unit: [recorded.ticket for recorded in unit.events_after(None, 100)],
    "messages": lambda unit: list(unit.messages(["ticket-2"])),
    "message": lambda unit: unit.message("message-2"),
    "notes": lambda unit: list(unit.notes(["ticket-2"])),
    "customer": lambda unit: unit.customer("customer-2"),
    "customers": lambda unit: [customer.id for customer in unit.customers(100)],
    "receipt": lambda unit: unit.receipt("key-2"),
    "outbox": lambda unit: [delivery.ticket for delivery in unit.outbox(limit=100)],
    "outbox of a ticket": lambda unit: list(unit.outbox(ticket="ticket-2", limit=100)),
    "outbox_backlog": lambda unit: unit.outbox_backlog(later(100)),
    "outbox_backlog of a channel": lambda unit: unit.outbox_backlog(later(100), channels=["app"]),
    "delivery": lambda unit: unit.delivery("ticket-2.1"),
    "timer_backlog": lambda unit: unit.timer_backlog(later(100)),
    "follower": lambda unit: unit.follower("reports"),
    "fired": lambda unit: unit.fired("ticket-2"),
    "settings": lambda unit: list(unit.settings("levels")),
    "dump": lambda unit: [repr(row) for row in unit.dump()],
    "count_rows": lambda unit: unit.count_rows(),
}
"""Each method that reads, asked for what only the second tenant has, or for everything."""


class TenantTests(StorageKit):
    """Two tenants in one database: the first has ticket 1, the second tickets 1 and 2."""

    @staticmethod
    def _fill(storage: Storage) -> None:
        save(storage, world(TENANT, 1))
        save(storage, world(OTHER, 1), world(OTHER, 2), tenant=OTHER)
        with storage.begin(OTHER) as unit:
            unit.set_follower("reports", str(unit.events_after(None, 1)[0].cursor))
            unit.add_settings(make_settings(tenant=OTHER))

    @pytest.mark.parametrize("method", READS)
    def test_reading_never_gives_a_row_of_another_tenant(self, storage: Storage, method: str) -> None:
        """The answer is the same before and after the other tenant has anything."""
        save(storage, world(TENANT, 1))
        with storage.begin(TENANT, write=False) as unit:
            alone = READS[method](unit)
        save(storage, world(OTHER, 1), world(OTHER, 2), tenant=OTHER)
        with storage.begin(OTHER) as unit:
            unit.set_follower("reports", str(unit.events_after(None, 1)[0].cursor))
            unit.add_settings(make_settings(tenant=OTHER))
            assert READS[method](unit) != alone
        with storage.begin(TENANT, write=False) as unit:
            assert unit.tenant == TENANT
            assert READS[method](unit) == alone

    def test_the_same_ids_are_different_things_in_two_tenants(self, storage: Storage) -> None:
        """Ids, numbers, references, keys and names belong to their tenant."""
        self._fill(storage)
        for tenant in (TENANT, OTHER):
            with storage.begin(tenant, write=False) as unit:
                ticket, message, customer = unit.get("ticket-1"), unit.message("message-1"), unit.customer("customer-1")
                assert ticket is not None
                assert message is not None
                assert customer is not None
                assert (ticket.tenant, message.tenant, customer.tenant) == (tenant, tenant, tenant)
                assert ticket.subject == f"words of {tenant}"
                assert [recorded.tenant for recorded in unit.history("ticket-1")] == [tenant]

    def test_claims_take_only_what_belongs_to_the_tenant(self, storage: Storage) -> None:
        """Each tenant finds its own work, and nobody else's is leased by that."""
        self._fill(storage)
        before = snapshot(storage, OTHER)
        with storage.begin(TENANT) as unit:
            assert [timer.ticket for timer in unit.claim_timers(later(100), 100, lease=LEASE)] == ["ticket-1"]
            claimed = unit.claim_outbox(later(100), lease=LEASE, worker="worker")
            assert claimed is not None
            assert (claimed[0].tenant, claimed[0].ticket) == (TENANT, "ticket-1")
            assert unit.claim_outbox(later(100), lease=LEASE, worker="worker") is None
        assert snapshot(storage, OTHER) == before
        with storage.begin(OTHER) as unit:
            assert len(unit.claim_timers(later(100), 100, lease=LEASE)) == 2

    def test_a_claim_of_another_tenant_cannot_be_settled(self, storage: Storage) -> None:
        """Although the caller holds the very value that the other one claimed."""
        self._fill(storage)
        with storage.begin(OTHER) as unit:
            timers = unit.claim_timers(later(100), 100, lease=LEASE)
            claimed = unit.claim_outbox(later(100), lease=LEASE, worker="worker")
        assert claimed is not None
        before = snapshot(storage, OTHER)
        with storage.begin(TENANT) as unit:
            assert not unit.settle_outbox(claimed[0], state=OutboxState.SENT, now=later(100))
            assert [unit.settle_timer(timer, TimerState.DONE) for timer in timers] == [False, False]
        assert snapshot(storage, OTHER) == before
        with storage.begin(OTHER) as unit:
            assert unit.settle_outbox(claimed[0], state=OutboxState.SENT, now=later(100))
            assert [unit.settle_timer(timer, TimerState.DONE) for timer in timers] == [True, True]

    def test_a_delivery_of_another_tenant_cannot_be_decided(self, storage: Storage) -> None:
        """Although the caller holds the very value that is stored."""
        self._fill(storage)
        with storage.begin(OTHER) as unit:
            claimed = unit.claim_outbox(later(100), lease=LEASE, worker="worker")
            assert claimed is not None
            assert unit.settle_outbox(claimed[0], state=OutboxState.UNKNOWN, now=later(100))
            row = unit.delivery(claimed[0].id)
        assert row is not None
        before = snapshot(storage, OTHER)
        with storage.begin(TENANT) as unit:
            assert not unit.decide_outbox(row, state=OutboxState.SENT, now=later(100))
        assert snapshot(storage, OTHER) == before

    def test_deliveries_of_another_tenant_cannot_be_withdrawn(self, storage: Storage) -> None:
        """Not even for a ticket of the same id."""
        self._fill(storage)
        before = snapshot(storage, OTHER)
        with storage.begin(TENANT) as unit:
            withdrawn = [row for ticket in ("ticket-1", "ticket-2") for row in unit.withdraw_outbox(ticket, reason="x")]
        assert [(row.tenant, row.ticket) for row in withdrawn] == [(TENANT, "ticket-1")]
        assert snapshot(storage, OTHER) == before

    def test_rows_of_another_tenant_cannot_be_written(self, storage: Storage) -> None:
        """Neither new ones nor changes of old ones, whichever part of the change they are."""
        self._fill(storage)
        before = snapshot(storage, TENANT), snapshot(storage, OTHER)
        foreign = opened(3, tenant=OTHER)
        parts: list[dict[str, Any]] = [
            {"tickets": (foreign,)},
            {"tickets": (then(world(OTHER, 1).tickets[0].ticket, ev.Assigned(team="x", assignee=None)),)},
            {"messages": (make_message(foreign.ticket, "message-9"),)},
            {"notes": (make_note(foreign.ticket, "note-9"),)},
            {"outbox": (make_outgoing(foreign.ticket),)},
            {"timers": (make_timer(foreign.ticket),)},
            {"firings": (make_firing(foreign.ticket),)},
            {"customers": (make_customer("customer-9", tenant=OTHER),)},
        ]
        for part in parts:
            with pytest.raises(SupportkitError):
                save(storage, Change(**part))
            assert (snapshot(storage, TENANT), snapshot(storage, OTHER)) == before, part

    def test_settings_of_another_tenant_cannot_be_added(self, storage: Storage) -> None:
        """Nor can they be by the value alone."""
        self._fill(storage)
        with pytest.raises(SupportkitError), storage.begin(TENANT) as unit:
            unit.add_settings(make_settings(2, tenant=OTHER))
        with storage.begin(OTHER, write=False) as unit:
            assert list(unit.settings("levels")) == [make_settings(tenant=OTHER)]

    def test_only_tickets_of_the_tenant_are_woken(self, storage: Storage) -> None:
        """The other tenant's deadlines stay where they are."""
        for tenant in (TENANT, OTHER):
            change = opened(7, tenant=tenant)
            change = attrs.evolve(change, ticket=attrs.evolve(change.ticket, clocks="[]"))
            save(
                storage,
                Change(tickets=(change,), timers=(make_timer(change.ticket, "clocks", due_at=later(100)),)),
                tenant=tenant,
            )
        with storage.begin(TENANT) as unit:
            unit.wake("clocks", later(1))
        with storage.begin(OTHER) as unit:
            assert unit.timer_backlog(later(50)).next_due == later(100)
        with storage.begin(TENANT) as unit:
            assert unit.timer_backlog(later(50)).due == 1

    def test_whatever_one_tenant_does_the_rows_of_the_other_stay(self, storage: Storage) -> None:
        """Writing, moving, claiming, following, counting."""
        self._fill(storage)
        before = snapshot(storage, OTHER)
        with storage.begin(TENANT) as unit:
            ticket = unit.get("ticket-1")
            assert ticket is not None
            change = then(ticket, ev.TagsChanged(removed=("shared",)), ev.Assigned(team="x", assignee=None))
            customer = attrs.evolve(make_customer("customer-1"), version=2)
            unit.save(Change(tickets=(change,), customers=(customer,), timers=(make_timer(due_at=None),)))
            unit.save(Change(moved=(("message-2", "ticket-1"), ("message-1", "ticket-1"))))
            unit.set_follower("reports", str(unit.events_after(None, 100)[-1].cursor))
            for _ in range(5):
                unit.reserve_number()
        assert snapshot(storage, OTHER) == before
        with storage.begin(TENANT, write=False) as unit:
            assert unit.message("message-2") is None

    def test_each_tenant_counts_its_own_numbers(self, storage: Storage) -> None:
        """How many tickets others have cannot be read from them."""
        with storage.begin(TENANT) as unit:
            numbers = [unit.reserve_number() for _ in range(5)]
        with storage.begin(OTHER) as unit:
            assert unit.reserve_number() == numbers[0]
