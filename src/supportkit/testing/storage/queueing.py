"""Contract: the work queue is in its order, found by line and person, and a ticket is taken by one at a time."""

# ruff: noqa: S101, PLR2004 - these are tests, although they lie in the package

from __future__ import annotations

from functools import partial
from typing import Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportkit.errors import StorageError
from supportkit.model import events as ev
from supportkit.model.change import Change, TicketChange
from supportkit.races import again
from supportkit.storage.port import Storage
from supportkit.storage.ranking import QueueQuery, RankedUnit
from supportkit.testing.builders import TENANT, opened, then
from supportkit.testing.storage.kit import OTHER, StorageKit, get, in_threads, save


def require_queue(storage: Storage) -> None:
    """Skip where the storage has no work queue."""
    if not storage.capabilities.queues:
        pytest.skip("the storage declares that it has no work queue")


def waiting(number: int, rank: int | None, tenant: str = TENANT, **values: Any) -> TicketChange:
    """Return the opening of a ticket that has a place in the queue."""
    change = opened(number, tenant=tenant, id=f"{tenant}-{number}", **values)
    return attrs.evolve(change, ticket=attrs.evolve(change.ticket, rank=rank))


def queue(storage: Storage, tenant: str = TENANT, **query: Any) -> list[int]:
    """Return the numbers of the tickets that a query finds."""
    with storage.begin(tenant, write=False) as unit:
        return [ticket.number for ticket in cast("RankedUnit", unit).ranked(QueueQuery(**query))]


def take(storage: Storage, ticket: str, agent: str) -> bool:
    """Give a ticket to somebody, as a desk would; tell whether it was to be had."""
    with storage.begin(TENANT) as unit:
        found = cast("RankedUnit", unit).take(ticket)
        if found is None:
            return False
        unit.save(Change(tickets=(then(found, ev.Assigned(team=found.team, assignee=agent)),)))
    return True


class QueueTests(StorageKit):
    """The work queue, where a storage has one."""

    def test_the_queue_is_in_the_order_of_ranks_and_numbers(self, storage: Storage) -> None:
        """What has no rank is not in it."""
        require_queue(storage)
        save(storage, waiting(1, 30), waiting(2, 10), waiting(3, None), waiting(4, 10), waiting(5, 2**62))
        assert queue(storage) == [2, 4, 1, 5]
        assert queue(storage, limit=2) == [2, 4]

    def test_the_rank_is_kept_and_changes_with_the_row(self, storage: Storage) -> None:
        """Also where the row is written without a new event."""
        require_queue(storage)
        save(storage, waiting(1, 30), waiting(2, 10))
        before = get(storage, f"{TENANT}-1")
        assert before.rank == 30
        save(storage, TicketChange(before=before, ticket=attrs.evolve(before, rank=-5), events=()))
        assert queue(storage) == [1, 2]
        before = get(storage, f"{TENANT}-1")
        save(storage, TicketChange(before=before, ticket=attrs.evolve(before, rank=None), events=()))
        assert queue(storage) == [2]

    def test_the_queue_goes_on_after_a_ticket(self, storage: Storage) -> None:
        """Tickets of one rank are told apart by their numbers."""
        require_queue(storage)
        save(storage, *[waiting(number, 10 * (number % 2)) for number in range(1, 8)])
        whole = queue(storage)
        assert whole == [2, 4, 6, 1, 3, 5, 7]
        found, after = [], None
        while page := queue(storage, after=after, limit=2):
            found += page
            after = (10 * (page[-1] % 2), page[-1])
        assert found == whole

    def test_lines_are_pairs_of_a_team_or_none_and_a_tier(self, storage: Storage) -> None:
        """Several are put together in the order of the queue."""
        require_queue(storage)
        save(
            storage,
            waiting(1, 4, team="east", tier=1),
            waiting(2, 3, team="east", tier=2),
            waiting(3, 2, team=None, tier=1),
            waiting(4, 1, team="west", tier=1),
        )
        assert queue(storage, lines=(("east", 1),)) == [1]
        assert queue(storage, lines=((None, 1),)) == [3]
        assert queue(storage, lines=(("east", 1), ("east", 2), (None, 1))) == [3, 2, 1]
        assert queue(storage, lines=(("east", 1), ("east", 1))) == [1]
        assert queue(storage, lines=(("north", 1),)) == []
        assert queue(storage, lines=()) == []
        assert queue(storage, lines=(("east", 1), ("west", 1)), after=(1, 4)) == [1]

    def test_what_somebody_has_is_in_his_queue_only(self, storage: Storage) -> None:
        """And of no other tenant."""
        require_queue(storage)
        save(storage, waiting(1, 2, assignee="kim"), waiting(2, 1, assignee="lee"), waiting(3, 3))
        save(storage, waiting(1, 0, tenant=OTHER), tenant=OTHER)
        assert queue(storage) == [3]
        assert queue(storage, assignee="kim") == [1]
        assert queue(storage, assignee="nobody") == []
        assert queue(storage, assignee="\ud800") == []
        assert queue(storage, OTHER) == [1]

    def test_loads_count_what_people_have_to_work_on(self, storage: Storage) -> None:
        """By channel, without what is not in the queue."""
        require_queue(storage)
        save(
            storage,
            waiting(1, 1, assignee="kim", channel="chat"),
            waiting(2, 2, assignee="kim", channel="chat"),
            waiting(3, None, assignee="kim", channel="chat"),
            waiting(4, 4, assignee="kim", channel="mail"),
            waiting(5, 5, assignee="lee", channel="mail"),
            waiting(6, 6),
        )
        with storage.begin(TENANT, write=False) as unit:
            ranked = cast("RankedUnit", unit)
            assert dict(ranked.loads(["kim", "nobody"])) == {("kim", "chat"): 2, ("kim", "mail"): 1}
            assert dict(ranked.loads([])) == {}

    def test_a_ticket_can_be_taken_only_while_nobody_has_it_and_it_is_in_the_queue(self, storage: Storage) -> None:
        """Ids of nothing are taken by nobody."""
        require_queue(storage)
        save(storage, waiting(1, 1), waiting(2, 2, assignee="kim"), waiting(3, None))
        with storage.begin(TENANT) as unit:
            ranked = cast("RankedUnit", unit)
            found = ranked.take(f"{TENANT}-1")
            assert found is not None
            assert (found.number, found.rank) == (1, 1)
            assert [ranked.take(f"{TENANT}-{number}") for number in (2, 3, 4)] == [None, None, None]
            assert ranked.take("\ud800") is None
        with storage.begin(TENANT, write=False) as unit, pytest.raises(StorageError):
            cast("RankedUnit", unit).take(f"{TENANT}-1")

    def test_each_ticket_is_taken_by_one_however_many_want_it(self, storage: Storage) -> None:
        """Whoever loses sees that somebody has it."""
        require_queue(storage)
        save(storage, *[waiting(number, number) for number in range(1, 9)])

        taken: list[int] = []

        def work(worker: int) -> None:
            mine = f"agent-{worker}"
            taken.extend([one for one in range(1, 9) if again(partial(take, storage, f"{TENANT}-{one}", mine))])

        in_threads(self.workers, work)
        # A lock that another one holds may have made everybody pass a ticket by: then it still waits.
        assert sorted(taken + queue(storage)) == list(range(1, 9))
        owners = [get(storage, f"{TENANT}-{number}").assignee for number in taken]
        assert None not in owners

    def test_the_queue_is_what_sorting_would_give(self, storage: Storage) -> None:
        """With any teams, tiers and ranks."""
        require_queue(storage)
        case = {"number": 0}

        @self.generated()
        @given(
            st.lists(
                st.tuples(
                    st.none() | st.integers(-3, 3),
                    st.sampled_from(["east", "west", None]),
                    st.integers(1, 2),
                    st.sampled_from(["kim", None]),
                ),
                max_size=12,
            ),
            st.sets(st.tuples(st.sampled_from(["east", "west", None]), st.integers(1, 2)), min_size=1),
        )
        def check(rows: list[Any], lines: set[Any]) -> None:
            case["number"] += 1
            tenant = f"sorted-{case['number']}"
            changes = [
                waiting(number, rank, tenant=tenant, team=team, tier=tier, assignee=assignee)
                for number, (rank, team, tier, assignee) in enumerate(rows, start=1)
            ]
            save(storage, *changes, tenant=tenant)
            free = [one.ticket for one in changes if one.ticket.rank is not None and one.ticket.assignee is None]
            free.sort(key=lambda ticket: (ticket.rank, ticket.number))
            assert queue(storage, tenant) == [ticket.number for ticket in free]
            wanted = [ticket.number for ticket in free if (ticket.team, ticket.tier) in lines]
            assert queue(storage, tenant, lines=tuple(lines)) == wanted

        check()
