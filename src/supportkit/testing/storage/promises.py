"""Contract: the note about clocks beside a row, what was told once and never again, and revisions of settings (P4)."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from supportkit.errors import ConcurrentUpdate
from supportkit.model.change import Change, TicketChange, TimerState
from supportkit.storage.port import Storage
from supportkit.testing.builders import TENANT, later, make_firing, make_settings, make_timer, opened
from supportkit.testing.storage.kit import StorageKit, get, save

NOTE = '[1,null,["T1",1767603600123456,"чат 打印机 😀"]]'


class PromiseTests(StorageKit):
    """What a desk keeps so that promises are told once."""

    def test_the_note_about_clocks_is_kept_with_the_row(self, storage: Storage) -> None:
        """As it was given, and with a change that has no events too: then the version stays."""
        change = opened(1)
        save(storage, attrs.evolve(change, ticket=attrs.evolve(change.ticket, clocks=NOTE)))
        kept = get(storage, "ticket-1")
        assert kept.clocks == NOTE
        save(storage, TicketChange(before=kept, ticket=attrs.evolve(kept, clocks=NOTE * 30), events=()))
        after = get(storage, "ticket-1")
        assert (after.clocks, after.version) == (NOTE * 30, kept.version)

    def test_what_was_told_is_known(self, storage: Storage) -> None:
        """By its ticket; another ticket has its own."""
        save(
            storage,
            Change(
                tickets=(opened(1), opened(2)),
                firings=(make_firing(), make_firing(id="ticket-1/b"), make_firing("ticket-2", id="ticket-2/a")),
            ),
        )
        with storage.begin(TENANT, write=False) as unit:
            assert unit.fired("ticket-1") == {"ticket-1/RESOLUTION/1/1/100%", "ticket-1/b"}
            assert unit.fired("ticket-3") == frozenset()

    def test_nothing_is_told_twice(self, storage: Storage) -> None:
        """The second one loses, and nothing of its change is kept."""
        save(storage, Change(tickets=(opened(1),), firings=(make_firing(),)))
        with pytest.raises(ConcurrentUpdate):
            save(storage, Change(tickets=(opened(2),), firings=(make_firing(seq=2),)))
        with storage.begin(TENANT, write=False) as unit:
            assert unit.get("ticket-2") is None

    def test_settings_come_back_in_their_order(self, storage: Storage) -> None:
        """Each subject counts its own revisions."""
        first, second = make_settings(), make_settings(2, since=later(3600), data='{"words":"чат 打印机"}')
        other = make_settings(subject="surveys")
        with storage.begin(TENANT) as unit:
            for one in (first, other, second):
                unit.add_settings(one)
        with storage.begin(TENANT, write=False) as unit:
            assert list(unit.settings("levels")) == [first, second]
            assert list(unit.settings("surveys")) == [other]
            assert list(unit.settings("levels", after=1)) == [second]
            assert list(unit.settings("levels", after=2)) == []
            assert list(unit.settings("nothing")) == []

    def test_the_second_revision_of_a_number_loses(self, storage: Storage) -> None:
        """So that two processes that start at once do not both believe that theirs holds."""
        with storage.begin(TENANT) as unit:
            unit.add_settings(make_settings())
        with pytest.raises(ConcurrentUpdate), storage.begin(TENANT) as unit:
            unit.add_settings(make_settings(data='{"other":1}'))
        with storage.begin(TENANT, write=False) as unit:
            assert list(unit.settings("levels")) == [make_settings()]

    def test_every_ticket_with_a_note_is_woken(self, storage: Storage) -> None:
        """With a deadline that is due then, unless it is due before, or somebody is working on it."""
        changes = [opened(number) for number in range(1, 7)]
        noted = [attrs.evolve(one, ticket=attrs.evolve(one.ticket, clocks=NOTE)) for one in changes[:5]]
        timers = (
            make_timer("ticket-1", "clocks", due_at=later(100)),
            make_timer("ticket-2", "clocks", due_at=later(1)),
            make_timer("ticket-3", "clocks", due_at=later(3)),
            make_timer("ticket-4", "resume", due_at=later(100)),
            make_timer("ticket-5", "clocks", due_at=None),
        )
        save(storage, Change(tickets=(*noted, changes[5]), timers=timers))
        lease = dt.timedelta(seconds=500)
        with storage.begin(TENANT) as unit:
            (leased,) = unit.claim_timers(later(1), 10, lease=lease)
        assert leased.ticket == "ticket-2"
        with storage.begin(TENANT) as unit:
            unit.wake("clocks", later(10))
        with storage.begin(TENANT) as unit:
            found = unit.claim_timers(later(50), 10, lease=lease)
        assert [(timer.ticket, timer.due_at) for timer in found] == [
            ("ticket-3", later(3)),
            *((f"ticket-{number}", later(10)) for number in (1, 4, 5)),
        ]
        with storage.begin(TENANT) as unit:
            assert unit.settle_timer(leased, TimerState.DONE)
