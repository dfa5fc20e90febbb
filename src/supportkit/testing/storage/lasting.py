"""Contract: nothing that was stored gets lost, neither among thousands nor over a restart (P1)."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

from collections.abc import Callable

import pytest

from supportkit.engine.evolve import fold
from supportkit.errors import SupportkitError
from supportkit.model import events as ev
from supportkit.model.ticket import Ticket
from supportkit.storage.port import Storage
from supportkit.testing.builders import TENANT, opened, then
from supportkit.testing.storage.changes import whole
from supportkit.testing.storage.kit import OTHER, StorageKit, all_tickets, save, snapshot

PER_TICKET = 20
PER_UNIT = 50


class LastingTests(StorageKit):
    """Counting and reopening."""

    def test_thousands_of_writes_are_all_there(self, storage: Storage) -> None:
        """Counted one by one: a storage that loses one in a thousand is found out."""
        count = self.writes // PER_TICKET
        tickets: dict[int, Ticket] = {}
        for turn in range(PER_TICKET):
            for start in range(1, count + 1, PER_UNIT):
                numbers = range(start, min(start + PER_UNIT, count + 1))
                event = ev.Assigned(team=f"team {turn}", assignee=None)
                changes = [then(tickets[number], event) if turn else opened(number) for number in numbers]
                save(storage, *changes)
                tickets.update((change.ticket.number, change.ticket) for change in changes)
        with storage.begin(TENANT, write=False) as unit:
            assert all_tickets(unit) == [tickets[number] for number in range(1, count + 1)]
            assert sum(unit.counts().values()) == count
            assert len(unit.events_after(None, 10_000)) == count * PER_TICKET
            for ticket in tickets.values():
                log = unit.history(ticket.id)
                assert len(log) == PER_TICKET
                assert fold(log) == ticket

    def test_what_was_committed_is_there_when_the_database_is_opened_again(
        self, storage: Storage, reopen: Callable[[], Storage] | None
    ) -> None:
        """All of it, of every tenant."""
        opening = self.opener(storage, reopen)
        save(storage, whole(opened(1)))
        save(storage, opened(2, tenant=OTHER), tenant=OTHER)
        with storage.begin(TENANT) as unit:
            unit.set_follower("reports", str(unit.events_after(None, 1)[0].cursor))
        before = snapshot(storage), snapshot(storage, OTHER)
        storage.close()
        again = opening()
        try:
            assert (snapshot(again), snapshot(again, OTHER)) == before
        finally:
            again.close()

    def test_migrating_again_changes_nothing(self, storage: Storage) -> None:
        """It is called at every start."""
        save(storage, whole(opened(1)))
        before = snapshot(storage)
        storage.migrate()
        assert snapshot(storage) == before

    def test_a_check_finds_no_error(self, storage: Storage) -> None:
        """Every setting is as it should be."""
        findings = storage.check()
        assert findings
        assert [finding for finding in findings if finding.severity == "error"] == []

    def test_a_closed_storage_says_so(self, storage: Storage) -> None:
        """It does not open a connection by itself."""
        storage.close()
        with pytest.raises(SupportkitError), storage.begin(TENANT) as unit:
            unit.save(whole(opened(1)))
        with pytest.raises(SupportkitError), storage.begin(TENANT, write=False) as unit:
            unit.get("ticket-1")
