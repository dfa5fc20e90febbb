"""Contract: a queued delivery is claimed by one worker at a time, in the order of its conversation, under a fence."""

# ruff: noqa: S101, PLR2004 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import attrs
import pytest

from supportkit.model.change import Change, OutboxState, Outgoing
from supportkit.races import again
from supportkit.storage.port import Storage
from supportkit.testing.builders import START, TENANT, later, make_outgoing
from supportkit.testing.storage.kit import StorageKit, in_threads, save

LEASE = dt.timedelta(seconds=60)


def claim(storage: Storage, at: float) -> tuple[Outgoing, bool] | None:
    """Claim a delivery *at* so many seconds after the start."""

    def once() -> tuple[Outgoing, bool] | None:
        with storage.begin(TENANT) as unit:
            return unit.claim_outbox(later(at), lease=LEASE, worker="worker-1")

    return again(once)  # as the desk does it: a storage may let one of two claims lose


def must_claim(storage: Storage, at: float) -> Outgoing:
    """Claim a delivery that must be there and that nobody held before."""
    found = claim(storage, at)
    assert found is not None, "nothing could be claimed"
    assert not found[1]
    return found[0]


def settle(storage: Storage, delivery: Outgoing, state: OutboxState, at: float = 0, **values: Any) -> bool:
    """Store the result of a claimed delivery; tell whether it was taken."""
    with storage.begin(TENANT) as unit:
        return unit.settle_outbox(delivery, state=state, now=later(at), **values) is not None


def stored(storage: Storage) -> list[Outgoing]:
    """Return all deliveries."""
    with storage.begin(TENANT, write=False) as unit:
        return list(unit.outbox(limit=500))


class DeliveryTests(StorageKit):
    """The outbox."""

    def test_a_claim_counts_fence_and_attempt_and_carries_its_lease(self, storage: Storage) -> None:
        """Everything else is as it was queued."""
        delivery = make_outgoing()
        save(storage, Change(outbox=(delivery,)))
        leased = must_claim(storage, 0)
        assert leased == attrs.evolve(
            delivery, state=OutboxState.LEASED, fence=1, attempts=1, lease_until=START + LEASE
        )
        assert stored(storage) == [leased]

    def test_nothing_goes_out_before_its_time(self, storage: Storage) -> None:
        """And at the very microsecond it does."""
        save(storage, Change(outbox=(make_outgoing(available_at=later(10)),)))
        assert claim(storage, 9.999_999) is None
        assert must_claim(storage, 10).available_at == later(10)

    def test_what_has_waited_longest_goes_first(self, storage: Storage) -> None:
        """Over all tickets."""
        rows = [make_outgoing(f"ticket-{at}", available_at=later(at)) for at in (3, 1, 4, 2)]
        save(storage, Change(outbox=tuple(rows)))
        assert [must_claim(storage, 9).ticket for _ in range(4)] == [f"ticket-{at}" for at in (1, 2, 3, 4)]

    def test_a_conversation_goes_out_in_its_order(self, storage: Storage) -> None:
        """The second answer waits for the first one, also while that one is leased or deferred."""
        save(storage, Change(outbox=(make_outgoing(seq=2), make_outgoing(seq=5))))
        first = must_claim(storage, 0)
        assert first.seq == 2
        assert claim(storage, 0) is None
        assert settle(storage, first, OutboxState.PENDING, available_at=later(30), reason="throttled")
        assert claim(storage, 29) is None
        assert must_claim(storage, 30).seq == 2

    def test_the_next_one_goes_out_when_the_first_one_is_settled(self, storage: Storage) -> None:
        """However it ended: what waits for a person holds up nobody."""
        ends = [OutboxState.SENT, OutboxState.FAILED, OutboxState.CANCELLED, OutboxState.PARKED, OutboxState.UNKNOWN]
        for number, state in enumerate(ends, start=1):
            ticket = f"ticket-{number}"
            save(storage, Change(outbox=(make_outgoing(ticket, 2), make_outgoing(ticket, 5))))
            assert settle(storage, must_claim(storage, 0), state)
            second = must_claim(storage, 0)
            assert (second.ticket, second.seq) == (ticket, 5)
            assert settle(storage, second, OutboxState.SENT)

    def test_parts_of_one_text_go_out_in_their_order(self, storage: Storage) -> None:
        """A part that waits for a person holds up the later ones of its own text."""
        parts = [make_outgoing(id=f"part-{part}", part=part) for part in (2, 1)]
        save(storage, Change(outbox=(*parts, make_outgoing(seq=4))))
        first = must_claim(storage, 0)
        assert first.part == 1
        assert settle(storage, first, OutboxState.PARKED)
        found = claim(storage, 0)
        assert found is None or found[0].id != "part-2"

    def test_channels_and_tickets_do_not_wait_for_each_other(self, storage: Storage) -> None:
        """A dead provider holds up its own conversation only."""
        rows = (make_outgoing(), make_outgoing(seq=2, channel="email"), make_outgoing("ticket-2"))
        save(storage, Change(outbox=rows))
        assert {must_claim(storage, 0).id for _ in range(3)} == {row.id for row in rows}

    def test_a_delivery_is_claimed_by_one_worker(self, storage: Storage) -> None:
        """Threads that deliver at once share a hundred of them."""
        save(storage, Change(outbox=tuple(make_outgoing(f"ticket-{number}") for number in range(100))))
        claimed: list[str] = []
        lock = threading.Lock()

        def work(_thread: int) -> None:
            while found := claim(storage, 0):
                with lock:
                    claimed.append(found[0].ticket)

        in_threads(self.workers, work)
        assert sorted(claimed) == sorted(f"ticket-{number}" for number in range(100))

    def test_a_lost_lease_goes_to_the_next_worker_under_a_new_fence(self, storage: Storage) -> None:
        """He is told that the one before may have sent it."""
        save(storage, Change(outbox=(make_outgoing(),)))
        must_claim(storage, 0)
        assert claim(storage, 59.999_999) is None
        found = claim(storage, 60)
        assert found is not None
        theirs, taken_over = found
        assert taken_over
        assert (theirs.fence, theirs.attempts, theirs.lease_until) == (2, 2, later(120))

    def test_a_result_under_an_old_fence_changes_nothing(self, storage: Storage) -> None:
        """Neither while the next worker is at it nor after he is done."""
        save(storage, Change(outbox=(make_outgoing(),)))
        mine = must_claim(storage, 0)
        found = claim(storage, 60)
        assert found is not None
        before = stored(storage)
        assert not settle(storage, mine, OutboxState.SENT, 61, external_id="mine")
        assert stored(storage) == before
        assert settle(storage, found[0], OutboxState.UNKNOWN, 62, reason="uncertain")
        before = stored(storage)
        assert not settle(storage, mine, OutboxState.SENT, 63, external_id="mine")
        assert stored(storage) == before

    def test_a_second_result_of_one_claim_is_refused(self, storage: Storage) -> None:
        """The first one stands."""
        save(storage, Change(outbox=(make_outgoing(),)))
        mine = must_claim(storage, 0)
        assert settle(storage, mine, OutboxState.SENT, external_id="first")
        assert not settle(storage, mine, OutboxState.FAILED, reason="blocked")
        assert [(row.state, row.external_id, row.reason) for row in stored(storage)] == [
            (OutboxState.SENT, "first", None)
        ]

    def test_a_result_is_stored_with_all_that_it_says(self, storage: Storage) -> None:
        """Identifier, reason, the flag of a possible second message, the next try."""
        save(storage, Change(outbox=(make_outgoing(),)))
        mine = must_claim(storage, 0)
        values: dict[str, Any] = {"reason": "uncertain", "external_id": "7", "possible_duplicate": True}
        assert settle(storage, mine, OutboxState.PENDING, available_at=later(90), **values)
        (row,) = stored(storage)
        assert (row.state, row.lease_until) == (OutboxState.PENDING, None)
        assert (row.available_at, row.reason, row.external_id, row.possible_duplicate) == (
            later(90), "uncertain", "7", True
        )  # fmt: skip
        assert must_claim(storage, 90).attempts == 2

    def test_deliveries_are_found_by_ticket_and_state(self, storage: Storage) -> None:
        """Oldest first, as many as asked for."""
        rows = [make_outgoing(f"ticket-{n}", created_at=later(n), available_at=later(n)) for n in (3, 1, 2)]
        save(storage, Change(outbox=tuple(rows)))
        must_claim(storage, 5)
        with storage.begin(TENANT, write=False) as unit:
            assert [row.ticket for row in unit.outbox(limit=2)] == ["ticket-1", "ticket-2"]
            pending = unit.outbox(states=[OutboxState.PENDING], limit=10)
            assert [row.ticket for row in pending] == ["ticket-2", "ticket-3"]
            assert [row.ticket for row in unit.outbox(ticket="ticket-3", limit=10)] == ["ticket-3"]

    def test_a_limit_that_is_none_is_refused(self, storage: Storage) -> None:
        """No list may grow without bound."""
        wrong: list[Any] = [0, -1, 10**12, 2**63]
        for limit in wrong:
            with pytest.raises(ValueError, match="limit"), storage.begin(TENANT, write=False) as unit:
                unit.outbox(limit=limit)

    def test_the_backlog_says_what_could_be_sent_and_when_the_next_is(self, storage: Storage) -> None:
        """What waits behind another answer is not due: a worker that believed it would turn in circles."""
        save(storage, Change(outbox=(make_outgoing(), make_outgoing(seq=2))))
        with storage.begin(TENANT, write=False) as unit:
            early, now = unit.outbox_backlog(later(-1)), unit.outbox_backlog(later(0))
        assert (early.due, early.oldest_due, early.next_due) == (0, None, later(0))
        assert (now.due, now.oldest_due, now.next_due) == (1, later(0), later(0))
        mine = must_claim(storage, 0)
        with storage.begin(TENANT, write=False) as unit:
            leased, over = unit.outbox_backlog(later(0)), unit.outbox_backlog(later(60))
        assert (leased.due, leased.next_due) == (0, later(60))
        assert over.due == 1
        assert settle(storage, mine, OutboxState.PENDING, available_at=later(600))
        with storage.begin(TENANT, write=False) as unit:
            deferred = unit.outbox_backlog(later(0))
        assert (deferred.due, deferred.next_due) == (0, later(600))
