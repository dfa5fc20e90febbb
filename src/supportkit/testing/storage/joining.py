"""Contract: work inside a transaction of the app is the app's to commit or to roll back (capability `joins`)."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from supportkit.errors import CannotJoin, ConcurrentUpdate, ConfigurationError
from supportkit.model import events as ev
from supportkit.model.change import Change
from supportkit.storage.port import JoinedUnit, JoiningStorage, Storage
from supportkit.testing.builders import TENANT, opened, then
from supportkit.testing.storage.changes import whole
from supportkit.testing.storage.kit import OTHER, StorageKit, get, in_threads, save, snapshot

Connect = Callable[[], Any] | None


class _AppGivesUp(Exception):
    """What an app raises to leave a step."""


class JoiningTests(StorageKit):
    """Units of work in a transaction of the app."""

    @contextmanager
    def joined(self, storage: Storage, connect: Connect) -> Iterator[tuple[Any, JoinedUnit]]:
        """Open a connection of the app and join it."""
        connection = self.app_connection(storage, connect)
        try:
            with cast("JoiningStorage", storage).join(TENANT, connection) as unit:
                yield connection, unit
        finally:
            connection.close()

    def give_up(self, unit: JoinedUnit) -> None:
        """Write in a step and leave it by an error."""
        with unit.step():
            unit.save(Change(tickets=(opened(unit.reserve_number()),)))
            raise _AppGivesUp

    def test_what_was_written_is_kept_by_the_commit_of_the_app(self, storage: Storage, connect: Connect) -> None:
        """All of it, as if the storage had a transaction of its own; and nobody sees it before."""
        before = snapshot(storage)
        with self.joined(storage, connect) as (connection, unit):
            with unit.step():
                unit.save(whole(opened(unit.reserve_number())))
            assert unit.get("ticket-1") is not None
            assert [recorded.seq for recorded in unit.history("ticket-1")]
            assert snapshot(storage) == before
            connection.commit()
        after = snapshot(storage)
        assert "ticket-1" in [ticket.id for ticket in after["tickets"]]
        assert [len(log) for log in after["histories"]] == [ticket.version for ticket in after["tickets"]]

    def test_what_was_written_is_gone_after_a_rollback_of_the_app(self, storage: Storage, connect: Connect) -> None:
        """The number too: the next ticket gets it."""
        before = snapshot(storage)
        with self.joined(storage, connect) as (connection, unit):
            with unit.step():
                assert unit.reserve_number() == 1
                unit.save(whole(opened(1)))
            connection.rollback()
        assert snapshot(storage) == before
        with storage.begin(TENANT) as own:
            assert own.reserve_number() == 1

    def test_leaving_the_block_commits_nothing(self, storage: Storage, connect: Connect) -> None:
        """A connection that is closed without a commit has written nothing."""
        with self.joined(storage, connect) as (_connection, unit), unit.step():
            unit.save(whole(opened(1)))
        assert snapshot(storage)["tickets"] == []

    def test_a_step_that_raises_leaves_what_was_before_it(self, storage: Storage, connect: Connect) -> None:
        """And the transaction can go on."""
        with self.joined(storage, connect) as (connection, unit):
            with unit.step():
                unit.save(Change(tickets=(opened(unit.reserve_number()),)))
            with pytest.raises(_AppGivesUp):
                self.give_up(unit)
            with unit.step():
                unit.save(Change(tickets=(opened(unit.reserve_number()),)))
            connection.commit()
        assert [ticket.number for ticket in snapshot(storage)["tickets"]] == [1, 2]
        with storage.begin(TENANT, write=False) as own:
            positions = [recorded.cursor for number in (1, 2) for recorded in own.history(f"ticket-{number}")]
        assert positions
        assert len(set(positions)) == len(positions)

    def test_a_lost_race_does_not_spoil_the_transaction(self, storage: Storage, connect: Connect) -> None:
        """The step is undone, what came before it is kept."""
        save(storage, opened(1))
        stale = get(storage, "ticket-1")
        save(storage, then(stale, ev.Assigned(team="logistics", assignee=None)))
        with self.joined(storage, connect) as (connection, unit):
            with unit.step():
                unit.save(Change(tickets=(opened(2),)))
            with pytest.raises(ConcurrentUpdate), unit.step():
                unit.save(Change(tickets=(then(stale, ev.Assigned(team="billing", assignee=None)),)))
            found = unit.get("ticket-1")
            assert found is not None
            with unit.step():
                unit.save(Change(tickets=(then(found, ev.Assigned(team="support", assignee=None)),)))
            connection.commit()
        assert [ticket.team for ticket in snapshot(storage)["tickets"]] == ["support", None]

    def test_a_held_ticket_is_read_as_it_was_stored_last(self, storage: Storage, connect: Connect) -> None:
        """So nothing can come between reading and writing."""
        save(storage, opened(1))
        with self.joined(storage, connect) as (connection, unit):
            with unit.step():
                unit.hold()
                found = unit.get("ticket-1")
                assert found is not None
                unit.save(Change(tickets=(then(found, ev.Assigned(team="support", assignee=None)),)))
            connection.commit()
        assert get(storage, "ticket-1").team == "support"

    def test_positions_stay_single_when_the_app_undoes_a_part(self, storage: Storage, connect: Connect) -> None:
        """The app's own savepoint gives numbers and positions back, which the unit must not use afterwards."""
        with self.joined(storage, connect) as (connection, unit):
            cursor = connection.cursor()
            with unit.step():
                unit.save(Change(tickets=(opened(unit.reserve_number()),)))
            cursor.execute("SAVEPOINT app")
            with unit.step():
                unit.save(Change(tickets=(opened(unit.reserve_number()),)))
            cursor.execute("ROLLBACK TO SAVEPOINT app")
            found = unit.get("ticket-1")
            assert found is not None
            with unit.step():
                unit.save(Change(tickets=(then(found, ev.Assigned(team="support", assignee=None)),)))
            connection.commit()
        with storage.begin(TENANT) as own:
            number = own.reserve_number()
            own.save(Change(tickets=(opened(number), opened(number + 1))))
        found_after = snapshot(storage)
        assert [ticket.number for ticket in found_after["tickets"]] == [1, 2, 3]
        cursors = [recorded.cursor for log in found_after["histories"] for recorded in log]
        assert cursors
        assert len(cursors) == len(set(cursors))

    def test_a_follower_skips_no_event_of_a_slow_transaction(self, storage: Storage, connect: Connect) -> None:
        """Also where the events of a faster one are committed meanwhile."""
        with self.joined(storage, connect) as (connection, unit):
            with unit.step():
                unit.save(whole(opened(1)))
            if not storage.capabilities.serial:
                in_threads(1, lambda _number: save(storage, opened(2)))
            with storage.begin(TENANT, write=False) as own:
                seen = list(own.events_after(None, 100))
            connection.commit()
        with storage.begin(TENANT, write=False) as own:
            seen += own.events_after(seen[-1].cursor if seen else None, 100)
        after = snapshot(storage)
        assert len(seen) == sum(len(log) for log in after["histories"])

    def test_a_joined_unit_sees_its_own_tenant_only(self, storage: Storage, connect: Connect) -> None:
        """As every unit."""
        save(storage, opened(1, tenant=OTHER), tenant=OTHER)
        with self.joined(storage, connect) as (_connection, unit):
            assert unit.get("ticket-1") is None

    def test_another_writer_in_the_same_thread_is_refused(self, storage: Storage, connect: Connect) -> None:
        """It would wait for the app's commit, which cannot come."""
        with (
            self.joined(storage, connect),
            pytest.raises(ConfigurationError, match="joined"),
            storage.begin(TENANT) as own,
        ):
            own.reserve_number()
        with storage.begin(TENANT) as own:
            own.reserve_number()

    def test_what_is_no_open_connection_is_refused(self, storage: Storage, connect: Connect) -> None:
        """Before anything is read or written."""
        connection = self.app_connection(storage, connect)
        connection.close()
        for nothing in (connection, None, object()):
            with pytest.raises(CannotJoin), cast("JoiningStorage", storage).join(TENANT, nothing):
                pass
