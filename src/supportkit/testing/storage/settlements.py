"""Contract: accounts take turns, workers claim only what they can send, and people end what workers could not."""

# ruff: noqa: S101, PLR2004 - these are tests, although they lie in the package

from __future__ import annotations

from collections.abc import Collection

import attrs
import pytest

from supportkit.model.change import Change, OutboxState, Outgoing
from supportkit.storage.port import Storage
from supportkit.testing.builders import TENANT, later, make_outgoing
from supportkit.testing.storage.deliveries import LEASE, must_claim, settle, stored
from supportkit.testing.storage.kit import StorageKit, in_threads, save

_FOR_PEOPLE = (OutboxState.UNKNOWN, OutboxState.PARKED)
_ENDS = (OutboxState.PENDING, OutboxState.SENT, OutboxState.FAILED, OutboxState.CANCELLED)


def claim_by(storage: Storage, channels: Collection[str] | None, at: float = 0) -> Outgoing | None:
    """Claim a delivery as a worker that has these channels."""
    with storage.begin(TENANT) as unit:
        found = unit.claim_outbox(later(at), lease=LEASE, worker="worker-1", channels=channels)
    return None if found is None else found[0]


def one(storage: Storage, delivery: str) -> Outgoing:
    """Return a delivery that must be there."""
    with storage.begin(TENANT, write=False) as unit:
        found = unit.delivery(delivery)
    assert found is not None, f"delivery {delivery} is not there"
    return found


def decide(storage: Storage, delivery: Outgoing, state: OutboxState, at: float = 0, **values: str) -> bool:
    """Store what a person decided."""
    with storage.begin(TENANT) as unit:
        return unit.decide_outbox(delivery, state=state, now=later(at), **values)


def stuck(storage: Storage, state: OutboxState) -> Outgoing:
    """Queue a delivery, let a worker leave it in *state*, and return it as it is stored."""
    save(storage, Change(outbox=(make_outgoing(),)))
    assert settle(storage, must_claim(storage, 0), state, reason="uncertain", external_id="ext-1")
    return one(storage, "ticket-1.1")


class TurnTests(StorageKit):
    """Whose turn it is."""

    def test_a_worker_claims_by_its_channels_only(self, storage: Storage) -> None:
        """What it cannot send is left as it was, without a try counted."""
        rows = (make_outgoing(channel="sms"), make_outgoing("ticket-2", channel="chat", available_at=later(5)))
        save(storage, Change(outbox=rows))
        assert claim_by(storage, ["fax", "email"], 9) is None
        assert claim_by(storage, [], 9) is None
        found = claim_by(storage, ["chat", "email"], 9)
        assert found is not None
        assert found.channel == "chat"
        assert claim_by(storage, ["chat", "email"], 9) is None
        assert one(storage, rows[0].id) == rows[0]
        assert claim_by(storage, None, 9) is not None

    def test_the_backlog_counts_the_channels_of_the_worker_only(self, storage: Storage) -> None:
        """Neither what is due nor when to look again depends on what it cannot send."""
        rows = [make_outgoing(channel="sms"), make_outgoing("ticket-2", channel="chat", available_at=later(5))]
        save(storage, Change(outbox=tuple(rows)))
        with storage.begin(TENANT, write=False) as unit:
            chat, sms, fax, every = (
                unit.outbox_backlog(later(0), channels=x) for x in (["chat"], ["sms"], ["fax"], None)
            )
        assert (chat.due, chat.oldest_due, chat.next_due) == (0, None, later(5))
        assert (sms.due, sms.oldest_due, sms.next_due) == (1, later(0), later(0))
        assert (fax.due, fax.oldest_due, fax.next_due) == (0, None, None)
        assert (every.due, every.oldest_due, every.next_due) == (1, later(0), later(0))

    def test_a_long_queue_of_one_account_starves_no_other(self, storage: Storage) -> None:
        """A thousand wait at a dead provider; the ten of another one all go out within the next twenty calls."""
        dead = [make_outgoing(f"dead-{number}", account="dead") for number in range(1000)]
        live = [make_outgoing(f"live-{number}", account="live", available_at=later(60)) for number in range(10)]
        save(storage, Change(outbox=(*dead, *live)))
        served = []
        for _ in range(20):
            found = claim_by(storage, ["app"], 100)
            assert found is not None
            served.append(found.account)
            state = OutboxState.SENT if found.account == "live" else OutboxState.PENDING
            assert settle(storage, found, state, 100, available_at=later(130))
        assert served.count("live") == 10

    def test_turns_go_round_all_accounts_and_channels(self, storage: Storage) -> None:
        """Also while the clock stands still, or goes back."""
        names = [("chat", ""), ("chat", "b"), ("sms", "a")]
        rows = [
            make_outgoing(f"{channel}{account}-{number}", channel=channel, account=account, available_at=later(-9))
            for channel, account in names
            for number in range(4)
        ]
        save(storage, Change(outbox=tuple(rows)))
        rounds = []
        for at in (0, 0, -1, -5):
            found = [claim_by(storage, None, at) for _ in names]
            rounds.append(sorted((row.channel, row.account) for row in found if row is not None))
        assert rounds == [names] * 4

    def test_an_account_with_nothing_due_gives_its_turn_away(self, storage: Storage) -> None:
        """Nobody waits for it."""
        rows = [make_outgoing(f"a-{n}", account="a") for n in range(3)]
        save(storage, Change(outbox=(*rows, make_outgoing("b-1", account="b", available_at=later(50)))))
        assert [(claim_by(storage, None) or rows[0]).ticket for _ in range(3)] == ["a-0", "a-1", "a-2"]
        assert claim_by(storage, None) is None


class DecisionTests(StorageKit):
    """What a person decides, and what a ticket withdraws."""

    def test_one_delivery_is_found_by_its_id(self, storage: Storage) -> None:
        """And what could be no id is not found."""
        row = make_outgoing(account="+4930", reason="throttled", retried_at=later(3), withdrawn="spam")
        save(storage, Change(outbox=(row,)))
        assert one(storage, row.id) == row
        with storage.begin(TENANT, write=False) as unit:
            assert [unit.delivery(wrong) for wrong in ("nothing", "", "\ud800", "x" * 500)] == [None] * 4

    @pytest.mark.parametrize("state", _FOR_PEOPLE)
    def test_a_retry_begins_anew(self, storage: Storage, state: OutboxState) -> None:
        """Under a new fence, at once, without tries; a possible duplicate where it was unknown."""
        row = stuck(storage, state)
        assert decide(storage, row, OutboxState.PENDING, 500)
        expected = attrs.evolve(
            row,
            state=OutboxState.PENDING,
            fence=row.fence + 1,
            attempts=0,
            available_at=later(500),
            retried_at=later(500),
            reason=None,
            possible_duplicate=state is OutboxState.UNKNOWN,
        )
        assert one(storage, row.id) == expected
        again = must_claim(storage, 500)
        assert (again.attempts, again.fence, again.possible_duplicate) == (1, 3, expected.possible_duplicate)

    @pytest.mark.parametrize("state", _FOR_PEOPLE)
    @pytest.mark.parametrize("end", _ENDS[1:])
    def test_a_person_ends_a_delivery(self, storage: Storage, state: OutboxState, end: OutboxState) -> None:
        """The rest of the row stays."""
        row = stuck(storage, state)
        assert decide(storage, row, end, 500)
        assert one(storage, row.id) == attrs.evolve(row, state=end, fence=row.fence + 1)
        assert claim_by(storage, None, 10**6) is None

    def test_a_decision_may_bring_the_providers_id(self, storage: Storage) -> None:
        """It takes the place of the one that was there."""
        row = stuck(storage, OutboxState.UNKNOWN)
        assert decide(storage, row, OutboxState.SENT, external_id="ext-2")
        assert one(storage, row.id).external_id == "ext-2"

    def test_only_one_of_two_decisions_counts(self, storage: Storage) -> None:
        """However the first one ended: the second person looked at something that is no longer so."""
        for number, end in enumerate(_ENDS, start=1):
            save(storage, Change(outbox=(make_outgoing(f"ticket-{number}"),)))
            assert settle(storage, must_claim(storage, 0), OutboxState.UNKNOWN)
            row = one(storage, f"ticket-{number}.1")
            assert decide(storage, row, end)
            after = one(storage, row.id)
            assert not decide(storage, row, OutboxState.SENT)
            assert one(storage, row.id) == after
            if end is OutboxState.PENDING:
                assert settle(storage, must_claim(storage, 0), OutboxState.SENT)

    def test_a_decision_about_an_earlier_doubt_is_refused(self, storage: Storage) -> None:
        """It is unknown again, but since another try that the person has not seen."""
        row = stuck(storage, OutboxState.UNKNOWN)
        assert decide(storage, row, OutboxState.PENDING)
        assert settle(storage, must_claim(storage, 0), OutboxState.UNKNOWN)
        before = stored(storage)
        assert not decide(storage, row, OutboxState.FAILED)
        assert stored(storage) == before

    def test_of_many_people_at_once_one_decides(self, storage: Storage) -> None:
        """The others are told."""
        row = stuck(storage, OutboxState.PARKED)
        won: list[int] = []

        def work(thread: int) -> None:
            if decide(storage, row, OutboxState.PENDING, thread):
                won.append(thread)

        in_threads(self.workers, work)
        assert len(won) == 1
        assert one(storage, row.id).retried_at == later(won[0])

    @pytest.mark.parametrize("state", [state for state in OutboxState if state not in _FOR_PEOPLE])
    def test_what_waits_for_nobody_cannot_be_decided(self, storage: Storage, state: OutboxState) -> None:
        """Least of all what a worker holds."""
        save(storage, Change(outbox=(make_outgoing(),)))
        held = must_claim(storage, 0)
        if state is not OutboxState.LEASED:
            assert settle(storage, held, state)
        before = stored(storage)
        for end in _ENDS:
            assert not decide(storage, before[0], end)
        assert stored(storage) == before

    def test_a_result_that_comes_after_the_decision_changes_nothing(self, storage: Storage) -> None:
        """The worker that left it parked, and any other one that still believes to have it."""
        save(storage, Change(outbox=(make_outgoing(),)))
        mine = must_claim(storage, 0)
        assert settle(storage, mine, OutboxState.PARKED)
        assert decide(storage, one(storage, mine.id), OutboxState.PENDING)
        before = stored(storage)
        assert not settle(storage, mine, OutboxState.SENT, external_id="late")
        assert stored(storage) == before

    def test_withdrawing_cancels_what_waits_and_marks_what_is_held(self, storage: Storage) -> None:
        """Of this ticket alone; what has ended stays as it is, and so does what an excepted rule made."""
        rows = [make_outgoing(seq=number, channel=f"channel-{number}") for number in (1, 2, 3)]
        kept = make_outgoing(seq=4, channel="channel-4", rule="notice")
        other = make_outgoing("ticket-2", available_at=later(60))
        save(storage, Change(outbox=(*rows, kept, other)))
        sent = claim_by(storage, ["channel-1"])
        assert sent is not None
        assert settle(storage, sent, OutboxState.SENT)
        held = claim_by(storage, ["channel-2"])
        assert held is not None
        before = {row.id: row for row in stored(storage)}
        with storage.begin(TENANT) as unit:
            assert list(unit.withdraw_outbox("ticket-1", reason="spam", but=("notice",))) == [before[rows[2].id]]
        assert one(storage, rows[2].id) == attrs.evolve(rows[2], state=OutboxState.CANCELLED, fence=1, reason="spam")
        assert one(storage, held.id) == attrs.evolve(held, withdrawn="spam")
        for untouched in (sent.id, kept.id, other.id):
            assert one(storage, untouched) == before[untouched]

    @pytest.mark.parametrize(
        ("result", "reason", "end", "why"),
        [
            (OutboxState.SENT, None, OutboxState.SENT, None),
            (OutboxState.FAILED, "blocked", OutboxState.FAILED, "blocked"),
            (OutboxState.PENDING, "throttled", OutboxState.CANCELLED, "merged"),
            (OutboxState.PENDING, "uncertain", OutboxState.UNKNOWN, "uncertain"),
            (OutboxState.UNKNOWN, "uncertain", OutboxState.UNKNOWN, "uncertain"),
        ],
    )
    def test_the_result_of_a_withdrawn_delivery_is_stored_but_it_is_not_tried_again(
        self, storage: Storage, result: OutboxState, reason: str | None, end: OutboxState, why: str | None
    ) -> None:
        """The worker had it in hand: what he says counts."""
        save(storage, Change(outbox=(make_outgoing(),)))
        held = must_claim(storage, 0)
        with storage.begin(TENANT) as unit:
            assert list(unit.withdraw_outbox("ticket-1", reason="merged")) == []
            assert unit.settle_outbox(held, state=result, now=later(1), reason=reason) is end
        row = one(storage, held.id)
        assert (row.state, row.reason, row.withdrawn) == (end, why, "merged")
        assert claim_by(storage, None, 10**6) is None
