"""Contract: raw deliveries are stored once, read by one worker at a time, and deleted when they are old."""

# ruff: noqa: S101, PLR2004, PT012 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import pytest

from supportkit.errors import ConcurrentUpdate, SupportkitError
from supportkit.model.change import Change, OutboxState
from supportkit.model.conversation import Arrival, ArrivalState, Leg, LegChange
from supportkit.races import again
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import Expiring, Storage
from supportkit.testing.builders import (
    TENANT,
    later,
    make_arrival,
    make_customer,
    make_file,
    make_heard,
    make_leg,
    make_message,
    make_outgoing,
    make_waiting,
    opened,
)
from supportkit.testing.storage.kit import OTHER, StorageKit, in_threads, receiving

LEASE = dt.timedelta(seconds=60)
AGEING = (Expiring.ARRIVALS, Expiring.HEARD, Expiring.RECEIPTS, Expiring.BUDGETS)
WRONG_IDS = ("nothing", "", "\ud800", "x" * 500)


def arrive(storage: Storage, *arrivals: Arrival, tenant: str = TENANT) -> list[bool]:
    """Store raw deliveries."""
    with receiving(storage, tenant) as unit:
        return [unit.add_arrival(one) for one in arrivals]


def claim(
    storage: Storage, at: float, channels: Sequence[str] = ("chat", "mail"), tenant: str = TENANT
) -> Arrival | None:
    """Claim a raw delivery as a worker would, which may lose a race."""

    def once() -> Arrival | None:
        with receiving(storage, tenant) as unit:
            return unit.claim_arrival(later(at), lease=LEASE, channels=channels)

    return again(once)


def must_claim(storage: Storage, at: float) -> Arrival:
    """Claim a raw delivery that must be there."""
    found = claim(storage, at)
    assert found is not None, "nothing could be claimed"
    return found


def settle(storage: Storage, arrival: Arrival, state: ArrivalState, at: float = 50, reason: str | None = None) -> bool:
    """Store what became of a raw delivery."""
    with receiving(storage) as unit:
        return unit.settle_arrival(arrival, state, now=later(at), reason=reason)


def stored(storage: Storage, arrival: str = "arrival-1", tenant: str = TENANT) -> Arrival | None:
    """Return a raw delivery as it is stored."""
    with receiving(storage, tenant, write=False) as unit:
        return unit.arrival(arrival)


def kept(unit: ReceivingUnit) -> list[str]:
    """Return every row of a tenant, in a form that tells every difference."""
    return [repr((type(row).__name__, attrs.asdict(row))) for row in unit.dump()]


def leg_of(leg: Leg, key: str = "conversation-1", **values: Any) -> LegChange:
    """Return the change that begins a leg as the newest one of a conversation."""
    return LegChange(leg=leg, key=key, **values)


def fill(storage: Storage, tenant: str) -> None:
    """Keep one row of every kind of what arrives."""
    ticket = opened(1, tenant=tenant).ticket
    change = Change(
        tickets=(opened(1, tenant=tenant),),
        messages=(make_message(ticket),),
        outbox=(make_outgoing(ticket, channel="chat", state=OutboxState.SENT, external_id="external-9"),),
        customers=(make_customer(tenant=tenant),),
        heard=(make_heard(ticket), make_heard(None, "heard-2", tenant=tenant)),
        legs=(leg_of(make_leg(ticket, heard_at=later(5), verified=True)),),
        files=(make_file(ticket, inline=True, content_id="<a@b>"),),
    )
    with receiving(storage, tenant) as unit:
        unit.save(change)
        for number in (1, 2):
            assert unit.add_arrival(make_arrival(number, tenant=tenant, signed="{}"))
        claimed = unit.claim_arrival(later(50), lease=LEASE, channels=["chat"])
        assert claimed is not None
        assert unit.settle_arrival(claimed, ArrivalState.QUARANTINED, now=later(51), reason="malformed")
        unit.set_poll_cursor("chat", "theirs")
        assert unit.spend("new", "ann", later(0), 5)
        unit.add_waiting(make_waiting(tenant=tenant, reason="blocked"))


RECEIVED_READS: Mapping[str, Callable[[ReceivingUnit], Any]] = {
    "arrival": lambda unit: unit.arrival("arrival-1"),
    "arrivals": lambda unit: list(unit.arrivals(list(ArrivalState), limit=9)),
    "arrival_counts": lambda unit: dict(unit.arrival_counts()),
    "arrivals_by_channel": lambda unit: dict(unit.arrivals_by_channel()),
    "poll_cursor": lambda unit: unit.poll_cursor("chat"),
    "heard": lambda unit: list(unit.heard("heard-1")),
    "leg": lambda unit: unit.leg("leg-1"),
    "legs": lambda unit: list(unit.legs(["ticket-1"])),
    "conversation": lambda unit: unit.conversation("conversation-1"),
    "sent_as": lambda unit: list(unit.sent_as("chat", ["external-9"])),
    "owners": lambda unit: list(unit.owners("email", "ann@example.com")),
    "file": lambda unit: unit.file("file-1"),
    "spent": lambda unit: unit.spent("new", "ann", later(0)),
    "has_expired": lambda unit: any(unit.has_expired(kind, later(10**6)) for kind in AGEING),
}
"""Each method that reads what arrives, asked for what `fill` keeps."""


class ArrivalTests(StorageKit):
    """What lies before it is read."""

    def test_a_raw_delivery_comes_back_byte_for_byte(self, storage: Storage) -> None:
        """Every byte, every text, and instants with their microseconds; what could be no id is not found."""
        one = make_arrival(body=bytes(range(256)) * 5000, head='{"url":"/снимок/\U0001f525"}')
        two = make_arrival(2, body=b"", account="+4930", signed='{"account":"+4930"}', reason="because", tries=2)
        assert arrive(storage, one, two) == [True, True]
        assert stored(storage) == one
        assert stored(storage, "arrival-2") == two
        assert [stored(storage, wrong) for wrong in WRONG_IDS] == [None] * 4

    def test_a_key_of_a_channel_is_stored_once(self, storage: Storage) -> None:
        """The first one stands; the key of another channel is another one."""
        assert arrive(storage, make_arrival()) == [True]
        again = make_arrival(2, key="key-1", body=b"again")
        assert arrive(storage, again) == [False]
        assert arrive(storage, attrs.evolve(again, channel="mail")) == [True]
        assert stored(storage) == make_arrival()

    def test_of_many_that_store_one_key_at_once_one_does(self, storage: Storage) -> None:
        """The others are told that it is there, or to look again."""
        won: list[int] = []

        def work(thread: int) -> None:
            try:
                if arrive(storage, make_arrival(thread, key="same")) == [True]:
                    won.append(thread)
            except ConcurrentUpdate:
                pass

        in_threads(self.workers, work)
        assert len(won) == 1
        with receiving(storage, write=False) as unit:
            assert unit.arrival_counts() == {"received": 1}

    def test_what_has_waited_longest_is_claimed_first(self, storage: Storage) -> None:
        """With one try and one fence counted, of the channels that the worker reads."""
        arrive(storage, make_arrival(3), make_arrival(1, channel="mail"), make_arrival(2))
        assert claim(storage, 10, []) is None
        assert claim(storage, 10, ["fax"]) is None
        chat = claim(storage, 10, ["chat"])
        assert chat == make_arrival(2, tries=1, fence=1, lease_until=later(70))
        assert stored(storage, "arrival-2") == chat
        assert [must_claim(storage, 10).id for _ in range(2)] == ["arrival-1", "arrival-3"]
        assert claim(storage, 69) is None

    def test_a_raw_delivery_is_claimed_by_one_worker(self, storage: Storage) -> None:
        """However many look at once; none is left over."""
        arrive(storage, *[make_arrival(number) for number in range(24)])
        claimed: list[str] = []

        def work(_thread: int) -> None:
            misses = 0
            while misses < 5:
                try:
                    found = claim(storage, 100)
                except SupportkitError as error:
                    if not error.retryable:
                        raise
                    continue
                misses += found is None
                if found is not None:
                    claimed.append(found.id)

        in_threads(self.workers, work)
        assert sorted(claimed) == sorted(f"arrival-{number}" for number in range(24))

    def test_a_raw_delivery_whose_lease_is_lost_is_claimed_again_under_a_new_fence(self, storage: Storage) -> None:
        """At the instant of its end; what the first worker says then changes nothing."""
        arrive(storage, make_arrival())
        first = must_claim(storage, 10)
        second = must_claim(storage, 70)
        assert (second.tries, second.fence) == (2, 2)
        assert not settle(storage, first, ArrivalState.QUARANTINED, reason="late")
        assert stored(storage) == second
        assert settle(storage, second, ArrivalState.ROUTED)

    @pytest.mark.parametrize("state", [ArrivalState.ROUTED, ArrivalState.QUARANTINED])
    def test_a_settled_delivery_is_not_read_again(self, storage: Storage, state: ArrivalState) -> None:
        """It is kept with its bytes, the instant and the reason."""
        arrive(storage, make_arrival())
        found = must_claim(storage, 10)
        assert settle(storage, found, state, 20, "because")
        expected = attrs.evolve(found, state=state, lease_until=None, settled_at=later(20), reason="because")
        assert stored(storage) == expected
        assert claim(storage, 1000) is None

    def test_a_delivery_that_is_given_back_is_free_at_once(self, storage: Storage) -> None:
        """Its tries stay counted."""
        arrive(storage, make_arrival())
        assert settle(storage, must_claim(storage, 10), ArrivalState.RECEIVED, reason="adapter")
        found = must_claim(storage, 10)
        assert (found.tries, found.fence, found.settled_at, found.reason) == (2, 2, None, "adapter")

    def test_a_claim_of_a_raw_delivery_that_is_rolled_back_leaves_it_free(self, storage: Storage) -> None:
        """Neither try nor fence is counted."""
        arrive(storage, make_arrival())
        with pytest.raises(LookupError), receiving(storage) as unit:
            assert unit.claim_arrival(later(10), lease=LEASE, channels=["chat"]) is not None
            raise LookupError
        assert must_claim(storage, 10).tries == 1

    def test_a_delivery_is_mended_unless_somebody_else_was_faster(self, storage: Storage) -> None:
        """Each change counts one fence."""
        arrive(storage, make_arrival())
        found = must_claim(storage, 10)
        assert settle(storage, found, ArrivalState.QUARANTINED, 20, "malformed")
        mended = attrs.evolve(found, body=b"mended", state=ArrivalState.RECEIVED, tries=0, lease_until=None)
        with receiving(storage) as unit:
            assert unit.change_arrival(mended)
            assert not unit.change_arrival(attrs.evolve(mended, body=b"too late"))
        assert stored(storage) == attrs.evolve(mended, fence=2)
        assert must_claim(storage, 30).body == b"mended"

    def test_deliveries_are_listed_and_counted_by_state(self, storage: Storage) -> None:
        """In pages, by id."""
        arrive(storage, *[make_arrival(number) for number in range(1, 6)])
        for state in (ArrivalState.ROUTED, ArrivalState.QUARANTINED, ArrivalState.QUARANTINED):
            assert settle(storage, must_claim(storage, 10), state)
        with receiving(storage, write=False) as unit:
            assert unit.arrival_counts() == {"received": 2, "routed": 1, "quarantined": 2}
            pages = [unit.arrivals([ArrivalState.QUARANTINED], limit=1)]
            pages.append(unit.arrivals([ArrivalState.QUARANTINED], limit=1, after=pages[0][0].id))
            pages.append(unit.arrivals([ArrivalState.QUARANTINED], limit=1, after=pages[1][0].id))
            assert [[one.id for one in page] for page in pages] == [["arrival-2"], ["arrival-3"], []]
            both = unit.arrivals([ArrivalState.RECEIVED, ArrivalState.ROUTED], limit=500)
            assert [one.id for one in both] == ["arrival-1", "arrival-4", "arrival-5"]

    def test_polling_goes_on_where_it_ended(self, storage: Storage) -> None:
        """Each channel at its own place, which is rolled back with what was fetched."""
        with receiving(storage) as unit:
            assert unit.poll_cursor("mail") is None
            unit.set_poll_cursor("mail", "1" * 2000)
            unit.set_poll_cursor("chat", "7")
        with receiving(storage) as unit:
            unit.set_poll_cursor("mail", "\U0001f525")
        with pytest.raises(LookupError), receiving(storage) as unit:
            unit.set_poll_cursor("mail", "lost")
            raise LookupError
        with receiving(storage, write=False) as unit:
            assert [unit.poll_cursor(name) for name in ("mail", "chat", "sms")] == ["\U0001f525", "7", None]

    def test_early_receipts_wait_for_their_message_once(self, storage: Storage) -> None:
        """The oldest first; a repeated one is one."""
        late = make_waiting(status="read", at=later(5), reason="seen")
        with receiving(storage) as unit:
            for one in (late, make_waiting(), make_waiting(at=later(9)), make_waiting("external-2")):
                unit.add_waiting(one)
        with receiving(storage) as unit:
            assert list(unit.take_waiting("mail", "external-1")) == []
            assert list(unit.take_waiting("chat", "external-1")) == [make_waiting(), late]
        with receiving(storage) as unit:
            assert list(unit.take_waiting("chat", "external-1")) == []
            assert list(unit.take_waiting("chat", "external-2")) == [make_waiting("external-2")]

    def test_a_budget_is_spent_within_its_window(self, storage: Storage) -> None:
        """Another window, another key and another name are other budgets; what is rolled back was not spent."""

        def spend(name: str = "new", key: str = "ann", since: float = 0, limit: int = 2) -> bool:
            with receiving(storage) as unit:
                return unit.spend(name, key, later(since), limit)

        with pytest.raises(LookupError), receiving(storage) as unit:
            assert unit.spend("new", "ann", later(0), 2)
            raise LookupError
        assert [spend() for _ in range(4)] == [True, True, False, False]
        assert [spend(since=1), spend(key="bob"), spend(name="old")] == [True, True, True]
        assert spend(limit=3)
        assert [spend(key="eve", limit=0), spend(limit=3)] == [False, False]

    def test_a_budget_is_never_overspent(self, storage: Storage) -> None:
        """However many spend at once; and what is left can be spent."""
        granted: list[int] = []

        def work(thread: int) -> None:
            for _ in range(8):
                while True:
                    try:
                        with receiving(storage) as unit:
                            is_granted = unit.spend("new", "ann", later(0), 13)
                    except SupportkitError as error:
                        if not error.retryable:
                            raise
                        continue
                    break
                if is_granted:
                    granted.append(thread)

        in_threads(4, work)
        assert len(granted) == 13

    # -- deleting ----------------------------------------------------------------------------------------------------

    def test_only_settled_raw_deliveries_go(self, storage: Storage) -> None:
        """By the instant at which they were settled, which is not before itself; what waits stays, however old."""
        arrive(storage, *[make_arrival(number) for number in range(1, 5)])
        for at, state in ((20, ArrivalState.ROUTED), (30, ArrivalState.QUARANTINED), (40, ArrivalState.ROUTED)):
            assert settle(storage, must_claim(storage, 10), state, at)
        with receiving(storage) as unit:
            assert not unit.has_expired(Expiring.ARRIVALS, later(20))
            assert unit.has_expired(Expiring.ARRIVALS, later(20.1))
            assert unit.drop_expired(Expiring.ARRIVALS, later(40), 1) == 1
        assert stored(storage) is None
        with receiving(storage) as unit:
            assert unit.drop_expired(Expiring.ARRIVALS, later(40), 10) == 1
            assert unit.arrival_counts() == {"received": 1, "routed": 1}
            assert unit.drop_expired(Expiring.ARRIVALS, later(1000), 10) == 1
            assert unit.arrival_counts() == {"received": 1}

    def test_what_was_heard_goes_with_age_unless_a_ticket_has_it(self, storage: Storage) -> None:
        """A message of a ticket must not have its effect twice for as long as there is the ticket."""
        with receiving(storage) as unit:
            rows = [make_heard(None, f"loose-{number}", at=later(number)) for number in range(3)]
            rows.append(make_heard(None, "loose-1", at=later(1), digest="1" * 64))
            unit.save(Change(tickets=(opened(1),), heard=(*rows, make_heard())))
        with receiving(storage) as unit:
            assert not unit.has_expired(Expiring.HEARD, later(0))
            assert unit.drop_expired(Expiring.HEARD, later(2), 2) == 2
            assert unit.drop_expired(Expiring.HEARD, later(2), 9) == 1
            assert [len(unit.heard(f"loose-{number}")) for number in range(3)] == [0, 0, 1]
            assert unit.drop_expired(Expiring.HEARD, later(10**6), 9) == 1
            assert list(unit.heard("heard-1")) == [make_heard()]

    def test_old_receipts_and_budgets_go(self, storage: Storage) -> None:
        """The oldest first, no more than asked for."""
        with receiving(storage) as unit:
            for number in range(3):
                unit.add_waiting(make_waiting(f"external-{number}", at=later(number)))
                assert unit.spend("new", "ann", later(number), 1)
        for kind in (Expiring.RECEIPTS, Expiring.BUDGETS):
            with receiving(storage) as unit:
                assert [unit.has_expired(kind, later(at)) for at in (0, 0.1)] == [False, True]
                assert [unit.drop_expired(kind, later(2), 1) for _ in range(3)] == [1, 1, 0]
        with receiving(storage) as unit:
            assert not unit.spend("new", "ann", later(2), 1)
            assert unit.spend("new", "ann", later(1), 1)
            assert len(unit.take_waiting("chat", "external-2")) == 1

    # -- tenants -----------------------------------------------------------------------------------------------------

    def test_what_arrived_for_another_tenant_is_not_seen(self, storage: Storage) -> None:
        """Each verb that reads answers as if there were nothing."""
        fill(storage, OTHER)
        with receiving(storage, OTHER, write=False) as unit:
            theirs = {name: read(unit) for name, read in RECEIVED_READS.items()}
        with receiving(storage, write=False) as unit:
            ours = {name: read(unit) for name, read in RECEIVED_READS.items()}
        assert {name for name, found in ours.items() if found} == set()
        assert {name for name, found in theirs.items() if not found} == set()

    def test_what_arrived_for_another_tenant_is_not_changed(self, storage: Storage) -> None:
        """Although the caller holds the very values that are stored."""
        fill(storage, OTHER)
        with receiving(storage, OTHER) as unit:
            held = unit.claim_arrival(later(100), lease=LEASE, channels=["chat"])
            (sent,) = unit.sent_as("chat", ["external-9"])
            before = kept(unit)
        assert held is not None
        with receiving(storage) as unit:
            assert unit.claim_arrival(later(10**6), lease=LEASE, channels=["chat"]) is None
            assert not unit.settle_arrival(held, ArrivalState.ROUTED, now=later(100))
            assert not unit.change_arrival(held)
            assert not unit.note_receipt(sent, "delivered")
            assert not unit.mark_failed(sent, "x")
            assert list(unit.take_waiting("chat", "external-1")) == []
            assert [unit.drop_expired(kind, later(10**6), 10) for kind in AGEING] == [0] * 4
            unit.set_poll_cursor("chat", "ours")
            assert unit.spend("new", "ann", later(0), 1)
        with receiving(storage, OTHER, write=False) as unit:
            assert kept(unit) == before

    def test_what_arrived_cannot_be_written_for_another_tenant(self, storage: Storage) -> None:
        """Whichever value claims to be theirs."""
        foreign: dict[str, Callable[[ReceivingUnit], object]] = {
            "arrival": lambda unit: unit.add_arrival(make_arrival(tenant=OTHER)),
            "waiting": lambda unit: unit.add_waiting(make_waiting(tenant=OTHER)),
            "heard": lambda unit: unit.save(Change(heard=(make_heard(None, tenant=OTHER),))),
            "file": lambda unit: unit.save(Change(files=(make_file(tenant=OTHER),))),
            "leg": lambda unit: unit.save(Change(legs=(leg_of(make_leg(tenant=OTHER)),))),
        }
        for name, write in foreign.items():
            with pytest.raises(SupportkitError), receiving(storage) as unit:
                write(unit)
            for tenant in (TENANT, OTHER):
                with receiving(storage, tenant, write=False) as unit:
                    assert kept(unit) == [], name
