"""Contract: followers get every committed event, in order, and go on where they stood (P8)."""

# ruff: noqa: S101, PT012 - these are tests, although they lie in the package

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from supportkit.errors import InvalidCursor
from supportkit.model import events as ev
from supportkit.model.change import Change
from supportkit.model.events import Recorded
from supportkit.storage.port import Storage
from supportkit.testing.builders import TENANT, opened, then
from supportkit.testing.storage.changes import Interrupted
from supportkit.testing.storage.kit import StorageKit, add, get, in_threads, save, snapshot


def follow(storage: Storage, cursor: str | None = None, *, limit: int = 3) -> list[Recorded]:
    """Return all events after *cursor*, a few at a time."""
    seen: list[Recorded] = []
    while True:
        with storage.begin(TENANT, write=False) as unit:
            events = unit.events_after(cursor, limit)
        if not events:
            return seen
        assert len(events) <= limit
        seen += events
        cursor = events[-1].cursor


class FollowerTests(StorageKit):
    """`events_after` and stored cursors."""

    def test_events_come_in_the_order_of_their_commits(self, storage: Storage) -> None:
        """Each once, with a cursor."""
        changes = [opened(number) for number in range(1, 6)]
        for change in changes:
            save(storage, change)
        save(storage, then(changes[0].ticket, ev.Assigned(team="east", assignee=None), ev.TagsChanged(added=("a",))))
        seen = follow(storage)
        assert [(one.ticket, one.seq) for one in seen] == [
            *[(f"ticket-{number}", 1) for number in range(1, 6)],
            ("ticket-1", 2),
            ("ticket-1", 3),
        ]
        assert all(one.cursor for one in seen)

    def test_a_follower_resumes_behind_every_event(self, storage: Storage) -> None:
        """Also in the middle of a change."""
        change = opened(1)
        save(
            storage, change, then(change.ticket, ev.Assigned(team="east", assignee=None), ev.TagsChanged(added=("a",)))
        )
        seen = follow(storage)
        for place, recorded in enumerate(seen, start=1):
            assert follow(storage, recorded.cursor) == seen[place:]

    def test_a_stored_cursor_comes_back(self, storage: Storage) -> None:
        """Each follower has its own."""
        save(storage, opened(1), opened(2))
        first, second = (recorded.cursor for recorded in follow(storage))
        with storage.begin(TENANT) as unit:
            unit.set_follower("reports", str(first))
            unit.set_follower("billing", str(first))
            unit.set_follower("billing", str(second))
        with storage.begin(TENANT, write=False) as unit:
            assert (unit.follower("reports"), unit.follower("billing"), unit.follower("other")) == (first, second, None)

    def test_what_was_rolled_back_is_never_seen(self, storage: Storage) -> None:
        """And what comes after it is."""
        save(storage, opened(1))
        with pytest.raises(Interrupted), storage.begin(TENANT) as unit:
            unit.save(Change(tickets=(opened(2),)))
            raise Interrupted
        save(storage, opened(3))
        assert [recorded.ticket for recorded in follow(storage)] == ["ticket-1", "ticket-3"]

    def test_no_event_is_skipped_while_others_write(self, storage: Storage) -> None:
        """A follower that reads all the time sees each event once, and each log in order."""
        save(storage, *[opened(number) for number in range(1, 5)])
        seen: list[Recorded] = []
        running = [True] * self.workers

        def write(thread: int) -> None:
            try:
                for turn in range(25):
                    ticket = f"ticket-{1 + (thread + turn) % 4}"
                    add(storage, ticket, lambda _ticket: [ev.Assigned(team="east", assignee=None)])
            finally:
                running[thread] = False

        def read() -> None:
            cursor = None
            while True:
                last = not any(running)
                with storage.begin(TENANT, write=False) as unit:
                    events = unit.events_after(cursor, 7)
                seen.extend(events)
                if events:
                    cursor = events[-1].cursor
                elif last:
                    return

        in_threads(self.workers + 1, lambda thread: write(thread) if thread < self.workers else read())
        assert [(one.ticket, one.seq) for one in seen] == [(one.ticket, one.seq) for one in follow(storage)]
        for number in range(1, 5):
            log = [one.seq for one in seen if one.ticket == f"ticket-{number}"]
            assert log == list(range(1, get(storage, f"ticket-{number}").version + 1))

    def test_a_cursor_that_is_none_is_refused(self, storage: Storage) -> None:
        """It is an error of the caller, not a scan from the beginning."""
        save(storage, opened(1))
        wrong: list[Any] = ["AAAA", "", " ", "\0", "-1", "' OR 1=1 --", "9" * 400, "\u0663", "\ud800", 7, b"p1"]
        for cursor in wrong:
            with pytest.raises(InvalidCursor), storage.begin(TENANT, write=False) as unit:
                unit.events_after(cursor, 10)
            with pytest.raises(InvalidCursor), storage.begin(TENANT) as unit:
                unit.set_follower("reports", cursor)
        assert snapshot(storage)["follower"] is None

    def test_a_page_of_events_is_bounded(self, storage: Storage) -> None:
        """No limit and a negative one are refused."""
        save(storage, opened(1))
        wrong: list[Any] = [0, -1, 10**12, 2**63, None, "1"]
        for limit in wrong:
            with pytest.raises(ValueError, match="limit"), storage.begin(TENANT, write=False) as unit:
                unit.events_after(None, limit)

    def test_a_follower_resumes_after_the_database_was_opened_again(
        self, storage: Storage, reopen: Callable[[], Storage] | None
    ) -> None:
        """Its cursor holds for ever."""
        opening = self.opener(storage, reopen)
        save(storage, opened(1), opened(2), opened(3))
        seen = follow(storage)
        with storage.begin(TENANT) as unit:
            unit.set_follower("reports", str(seen[0].cursor))
        storage.close()
        again = opening()
        try:
            with again.begin(TENANT, write=False) as unit:
                cursor = unit.follower("reports")
            assert follow(again, cursor) == seen[1:]
        finally:
            again.close()
