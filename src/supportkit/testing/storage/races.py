"""Contract: no update is lost and no number of a log is missing, however many write at once (P3)."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

from collections.abc import Callable

import pytest

from supportkit.model import events as ev
from supportkit.model.change import Change
from supportkit.model.fields import Fields
from supportkit.model.ticket import Ticket
from supportkit.storage.port import Storage
from supportkit.testing.builders import TENANT, opened, then
from supportkit.testing.storage.kit import StorageKit, add, get, in_threads, save, snapshot

INCREMENTS = 25
HELD = 5


def increment(ticket: Ticket) -> list[ev.Event]:
    """Count a custom field up by one."""
    count = ticket.fields["count"]
    assert isinstance(count, int)
    return [ev.FieldsChanged(changes=Fields({"count": count + 1}))]


class RaceTests(StorageKit):
    """Writers at once."""

    def test_no_increment_of_a_field_is_lost(self, storage: Storage) -> None:
        """Each thread reads, decides, saves, and does it again after `ConcurrentUpdate`."""
        save(storage, opened(1, fields={"count": 0}))

        def work(_thread: int) -> None:
            for _ in range(INCREMENTS):
                add(storage, "ticket-1", increment)

        in_threads(self.writers, work)
        assert get(storage, "ticket-1").fields["count"] == self.writers * INCREMENTS

    def test_who_holds_a_ticket_loses_no_race(self, storage: Storage) -> None:
        """The others wait, so that nobody has to do anything again."""
        save(storage, opened(1, fields={"count": 0}))

        def work(_thread: int) -> None:
            for _ in range(HELD):
                with storage.begin(TENANT) as unit:
                    unit.hold()
                    before = unit.get("ticket-1")
                    assert before is not None
                    unit.save(Change(tickets=(then(before, *increment(before)),)))

        in_threads(self.writers, work)
        assert get(storage, "ticket-1").fields["count"] == self.writers * HELD

    def test_the_log_counts_from_one_without_gaps(self, storage: Storage) -> None:
        """With several threads on each of several tickets."""
        save(storage, *[opened(number) for number in range(1, 5)])

        def work(thread: int) -> None:
            for turn in range(INCREMENTS):
                team = f"team-{thread}-{turn}"
                ticket = f"ticket-{1 + (thread + turn) % 4}"
                add(storage, ticket, lambda _ticket, team=team: [ev.Assigned(team=team, assignee=None)])  # type: ignore[misc]

        in_threads(self.writers, work)
        now = snapshot(storage)
        for ticket, log in zip(now["tickets"], now["histories"], strict=True):
            assert [recorded.seq for recorded in log] == list(range(1, ticket.version + 1))
        assert sum(ticket.version - 1 for ticket in now["tickets"]) == self.writers * INCREMENTS

    def test_no_number_is_given_twice(self, storage: Storage) -> None:
        """To threads that open tickets at once."""

        def work(_thread: int) -> None:
            for _ in range(INCREMENTS):
                with storage.begin(TENANT) as unit:
                    number = unit.reserve_number()
                save(storage, opened(number))

        in_threads(self.writers, work)
        assert len(snapshot(storage)["tickets"]) == self.writers * INCREMENTS

    def test_two_storages_on_one_database_lose_nothing(
        self, storage: Storage, reopen: Callable[[], Storage] | None
    ) -> None:
        """As two processes would be."""
        if not storage.capabilities.shared:
            pytest.skip("the storage declares that only one process may use it")
        other = self.opener(storage, reopen)()
        try:
            save(storage, opened(1, fields={"count": 0}))

            def work(thread: int) -> None:
                for _ in range(INCREMENTS):
                    add(storage if thread % 2 else other, "ticket-1", increment)

            in_threads(2, work)
            assert get(other, "ticket-1") == get(storage, "ticket-1")
            assert get(other, "ticket-1").fields["count"] == 2 * INCREMENTS
        finally:
            other.close()
