"""What people decide about deliveries, and what becomes of them when their ticket is spam or merged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.unit.desk.test_delivery import Build, Dies, Provider, Rig, claim, rig, rig_for, take_then

from supportkit import Desk
from supportkit.channels.port import MAX_ATTEMPTS, Accepted, Deferred, Delivery, Outbound, Rejected
from supportkit.errors import ConcurrentUpdate, IdempotencyConflict, IllegalSettlement, NotFound, WorkflowError
from supportkit.model.change import Change, OutboxState
from supportkit.model.clocks import Metric, Verdict
from supportkit.model.events import ClockCorrected, DeliveryRetried, DeliverySettled
from supportkit.testing.builders import make_outgoing

__all__ = ["rig", "rig_for"]  # fixtures

LEE = "agent:lee"
UNCERTAIN = Deferred("uncertain")


def events(rig: Rig, ticket: int = 1) -> list[Any]:
    return [recorded.event for recorded in rig.desk.history(ticket)]


def make_unknown(rig: Rig) -> str:
    """Let the first answer end in doubt; return the id of its delivery."""
    rig.provider.script = [take_then(rig.provider, UNCERTAIN)] * 2
    rig.reply()
    rig.desk.deliver_outbox()
    rig.later()
    assert rig.row().state is OutboxState.UNKNOWN
    return rig.row().id


def make_parked(rig: Rig) -> str:
    rig.provider.script = [Deferred("unavailable")] * MAX_ATTEMPTS
    rig.reply()
    for _ in range(MAX_ATTEMPTS):
        rig.later(4400)
    assert rig.row().state is OutboxState.PARKED
    return rig.row().id


def healthy(rig: Rig) -> bool:
    return all(finding.severity != "error" for finding in rig.desk.check(deep=True))


# -- retry -----------------------------------------------------------------------------------------------------------


def test_a_parked_delivery_begins_anew_with_all_its_tries_and_its_two_days(rig: Rig) -> None:
    delivery = make_parked(rig)
    rig.clock.advance(days=9)
    ticket = rig.desk.outbox.retry(delivery, by=LEE, note="the provider is back")
    assert ticket == rig.desk.get(1)
    row = rig.desk.outbox.get(delivery)
    assert (row.state, row.attempts, row.possible_duplicate) == (OutboxState.PENDING, 0, False)
    assert row.retried_at == row.available_at == rig.clock.now()
    rig.provider.script = [Deferred("unavailable")] * (MAX_ATTEMPTS - 1)
    reports = [rig.later(4400) for _ in range(MAX_ATTEMPTS)]
    assert [report.deferred for report in reports] == [1] * (MAX_ATTEMPTS - 1) + [0]
    assert reports[-1].sent == 1
    assert healthy(rig)


def test_a_retried_delivery_is_parked_again_after_two_more_days(rig: Rig) -> None:
    delivery = make_parked(rig)
    rig.clock.advance(days=9)
    rig.desk.outbox.retry(delivery, by=LEE)
    rig.provider.script = [Deferred("unavailable")] * 2
    assert rig.later(47 * 3600).deferred == 1
    assert rig.later(3700).parked == 1


def test_a_retry_is_in_the_log_with_who_and_why(rig: Rig) -> None:
    delivery = make_parked(rig)
    rig.desk.outbox.retry(delivery, by=LEE, note="the provider is back")
    recorded = rig.desk.history(1)[-1]
    assert str(recorded.actor) == LEE
    assert recorded.event == DeliveryRetried(
        delivery=delivery,
        message=rig.row().message,
        channel="app",
        source=OutboxState.PARKED,
        note="the provider is back",
    )


@pytest.mark.parametrize("policy", ["at_least_once", "at_most_once"])
def test_an_unknown_delivery_that_is_retried_is_a_possible_duplicate(rig_for: Build, policy: str) -> None:
    rig = rig_for(policy=policy)
    delivery = make_unknown(rig)
    before = len(rig.provider.taken)
    rig.provider.script = []
    rig.desk.outbox.retry(delivery, by=LEE)
    assert rig.desk.deliver_outbox().sent == 1
    assert [message.possible_duplicate for message in rig.provider.taken[before:]] == [True]
    assert rig.row().possible_duplicate


@pytest.mark.parametrize("policy", ["at_least_once", "at_most_once"])
def test_an_unknown_delivery_that_is_retried_into_doubt_is_unknown_again(rig_for: Build, policy: str) -> None:
    rig = rig_for(policy=policy)
    delivery = make_unknown(rig)
    rig.provider.script = [UNCERTAIN]
    rig.desk.outbox.retry(delivery, by=LEE)
    assert rig.desk.deliver_outbox().unknown == 1


def test_a_provider_that_can_be_asked_is_asked_before_a_retry(rig_for: Build) -> None:
    rig = rig_for(finds_sends=True)
    rig.reply()
    dead = claim(rig)
    rig.provider.take(Outbound(id=dead.id, recipient="ann@chat", body="Hello"))
    with rig.desk.storage.begin("default") as unit:
        unit.settle_outbox(dead, state=OutboxState.UNKNOWN, now=rig.clock.now(), reason="uncertain")
    rig.desk.outbox.retry(dead.id, by=LEE)
    assert rig.desk.deliver_outbox().sent == 1
    assert len(rig.provider.taken) == 1
    assert rig.row().external_id == "ext-1"


def test_the_late_result_of_a_call_before_the_retry_counts_for_nothing(rig_for: Build) -> None:
    rig = rig_for(policy="at_most_once")
    rig.reply()
    zombie = claim(rig)
    rig.later(61)
    rig.desk.outbox.retry(zombie.id, by=LEE)
    before = rig.row()
    with rig.desk.storage.begin("default") as unit:
        assert unit.settle_outbox(zombie, state=OutboxState.SENT, now=rig.clock.now()) is None
    assert rig.row() == before


# -- settle ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [make_unknown, make_parked])
@pytest.mark.parametrize("state", ["sent", "failed", "cancelled"])
def test_a_person_says_how_a_delivery_ended(rig: Rig, make: Callable[[Rig], str], state: str) -> None:
    delivery = make(rig)
    source = rig.row().state
    rig.desk.outbox.settle(delivery, state, by=LEE, note="she called")
    assert rig.row().state == state
    settled = next(event for event in events(rig) if isinstance(event, DeliverySettled))
    assert (settled.source, settled.state, settled.reason, settled.note) == (source, state, "person", "she called")
    assert rig.later().sent == 0
    assert healthy(rig)


@pytest.mark.parametrize(("state", "corrected"), [("sent", False), ("failed", True), ("cancelled", True)])
def test_clocks_learn_of_what_never_arrived(rig: Rig, state: str, corrected: bool) -> None:
    delivery = make_unknown(rig)
    rig.desk.outbox.settle(delivery, state, by=LEE)
    found = [(one.metric, one.before, one.verdict) for one in events(rig) if isinstance(one, ClockCorrected)]
    assert found == ([(Metric.FIRST_RESPONSE, Verdict.MET, None)] if corrected else [])
    assert healthy(rig)


def test_what_was_sent_may_have_an_id_of_the_provider(rig: Rig) -> None:
    delivery = make_parked(rig)
    with pytest.raises(ValueError, match="goes with 'sent', not with 'failed'"):
        rig.desk.outbox.settle(delivery, "failed", by=LEE, external_id="x-1")
    rig.desk.outbox.settle(delivery, "sent", by=LEE, external_id="x-1")
    assert rig.row().external_id == "x-1"


def test_settled_as_pending_is_retried(rig: Rig) -> None:
    delivery = make_parked(rig)
    rig.desk.outbox.settle(delivery, "pending", by=LEE)
    assert isinstance(events(rig)[-1], DeliveryRetried)
    assert rig.desk.deliver_outbox().sent == 1


# -- what is refused -------------------------------------------------------------------------------------------------


def test_no_such_delivery(rig: Rig) -> None:
    for call in (
        lambda: rig.desk.outbox.get("nothing"),
        lambda: rig.desk.outbox.retry("nothing", by=LEE),
        lambda: rig.desk.outbox.settle("nothing", "sent", by=LEE),
    ):
        with pytest.raises(NotFound, match="no delivery 'nothing'"):
            call()


@pytest.mark.parametrize("verb", ["retry", "settle"])
@pytest.mark.parametrize("state", [one for one in OutboxState if one not in {"unknown", "parked"}])
def test_what_waits_for_nobody_is_refused_by_its_state(rig: Rig, state: OutboxState, verb: str) -> None:
    rig.reply()
    with rig.desk.storage.begin("default") as unit:
        claimed = unit.claim_outbox(rig.clock.now(), lease=dt.timedelta(seconds=60), worker="a")
        assert claimed is not None
        if state is not OutboxState.LEASED:
            unit.settle_outbox(claimed[0], state=state, now=rig.clock.now())
    before, log = rig.row(), rig.desk.history(1)
    more = () if verb == "retry" else ("sent",)
    with pytest.raises(WorkflowError, match=f"is {state} and cannot become") as caught:
        getattr(rig.desk.outbox, verb)(before.id, *more, by=LEE)
    assert isinstance(caught.value, IllegalSettlement)
    assert (caught.value.state, caught.value.allowed) == (state, ())
    assert (rig.row(), rig.desk.history(1)) == (before, log)


@pytest.mark.parametrize("state", ["leased", "suppressed", "unknown", "parked"])
def test_what_no_person_may_say_is_refused_with_what_may_be_said(rig: Rig, state: str) -> None:
    delivery = make_parked(rig)
    with pytest.raises(IllegalSettlement, match="possible: pending, sent, failed, cancelled") as caught:
        rig.desk.outbox.settle(delivery, state, by=LEE)
    assert caught.value.wanted == state


def test_a_state_that_is_none_is_a_mistake_of_the_caller(rig: Rig) -> None:
    with pytest.raises(ValueError, match="'lost'"):
        rig.desk.outbox.settle(make_parked(rig), "lost", by=LEE)


def test_the_second_of_two_people_is_told_that_it_is_decided(rig: Rig) -> None:
    delivery = make_unknown(rig)
    rig.desk.outbox.settle(delivery, "sent", by=LEE)
    with pytest.raises(IllegalSettlement, match="is sent and cannot become failed"):
        rig.desk.outbox.settle(delivery, "failed", by="agent:kim")


def test_a_decision_is_made_once_under_its_key(rig: Rig) -> None:
    delivery = make_parked(rig)
    first = rig.desk.outbox.retry(delivery, by=LEE, idempotency_key="k")
    rig.desk.deliver_outbox()
    count = len(rig.desk.history(1))
    assert rig.desk.outbox.retry(delivery, by=LEE, idempotency_key="k") == first
    assert len(rig.desk.history(1)) == count
    with pytest.raises(IdempotencyConflict):
        rig.desk.outbox.settle(delivery, "sent", by=LEE, idempotency_key="k")


def test_a_decision_may_expect_a_version(rig: Rig) -> None:
    delivery = make_parked(rig)
    with pytest.raises(ConcurrentUpdate):
        rig.desk.outbox.retry(delivery, by=LEE, expected_version=1)
    assert rig.row().state is OutboxState.PARKED


def test_a_decision_belongs_to_its_transaction(rig: Rig) -> None:
    delivery = make_parked(rig)
    with pytest.raises(KeyError), rig.desk.transaction() as desk:
        desk.outbox.retry(delivery, by=LEE)
        assert desk.outbox.get(delivery).state is OutboxState.PENDING
        raise KeyError
    assert rig.row().state is OutboxState.PARKED


def test_a_delivery_of_another_tenant_does_not_exist(rig: Rig) -> None:
    delivery = make_parked(rig)
    other = Desk(rig.desk.storage, tenant="other", clock=rig.clock)
    for call in (other.outbox.get, lambda one: other.outbox.retry(one, by=LEE)):
        with pytest.raises(NotFound, match="no delivery"):
            call(delivery)


# -- turns -----------------------------------------------------------------------------------------------------------


def test_a_dead_provider_with_a_long_queue_starves_no_other(rig: Rig) -> None:
    dead, live = Provider(name="dead"), Provider(name="live")
    desk = Desk(rig.desk.storage, clock=rig.clock, channels=[dead, live])
    customer = desk.get(1).customer
    for name, count in (("dead", 60), ("live", 10)):
        for _ in range(count):
            desk.reply(desk.open("Help", customer=customer, channel=name).number, "Soon", actor=LEE)
        rig.clock.advance(minutes=1)
    dead.script = [Deferred("unavailable")] * 60
    report = desk.deliver_outbox(limit=20)
    assert (report.sent, report.deferred, len(live.taken)) == (10, 10, 10)


# -- spam and merges -------------------------------------------------------------------------------------------------


def test_closing_as_spam_cancels_what_waits(rig: Rig) -> None:
    rig.reply("one")
    rig.reply("two")
    rig.desk.end(1, actor=LEE, reason="spam")
    assert [(row.state, row.reason) for row in rig.desk.outbox()] == [(OutboxState.CANCELLED, "spam")] * 2
    settled = [event for event in events(rig) if isinstance(event, DeliverySettled)]
    assert [(one.source, one.state, one.reason) for one in settled] == [("pending", "cancelled", "spam")] * 2
    assert rig.later().sent == 0
    assert rig.provider.taken == []
    assert healthy(rig)


def test_an_answer_that_spam_cancelled_was_no_response(rig: Rig) -> None:
    rig.reply()
    rig.desk.end(1, actor=LEE, reason="spam")
    corrected = [event for event in events(rig) if isinstance(event, ClockCorrected)]
    assert [(one.metric, one.verdict) for one in corrected] == [(Metric.FIRST_RESPONSE, None)]


def test_any_other_end_lets_answers_go_out(rig: Rig) -> None:
    rig.reply()
    rig.desk.end(1, actor=LEE, reason="not_ours")
    assert rig.desk.deliver_outbox().sent == 1


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (Accepted("ext"), OutboxState.SENT, None),
        (Rejected("blocked"), OutboxState.FAILED, "blocked"),
        (Deferred("throttled"), OutboxState.CANCELLED, "spam"),
        (UNCERTAIN, OutboxState.UNKNOWN, "uncertain"),
    ],
)
def test_what_a_worker_holds_is_marked_and_its_result_still_counts(
    rig: Rig, answer: Delivery, state: OutboxState, reason: str | None
) -> None:
    rig.reply()

    def meanwhile(_message: Outbound) -> Delivery:
        rig.desk.end(1, actor=LEE, reason="spam")
        assert rig.row().state is OutboxState.LEASED
        return answer

    rig.provider.script = [meanwhile]
    rig.desk.deliver_outbox()
    assert (rig.row().state, rig.row().reason) == (state, reason)
    assert rig.later().sent == 0
    assert len([event for event in events(rig) if isinstance(event, DeliverySettled)]) == (state == "cancelled")
    assert healthy(rig)


@pytest.mark.parametrize(
    ("more", "arrived", "state"),
    [
        ({}, True, OutboxState.UNKNOWN),
        ({"dedupes_sends": True}, True, OutboxState.UNKNOWN),
        ({"finds_sends": True}, True, OutboxState.SENT),
        ({"finds_sends": True}, False, OutboxState.CANCELLED),
    ],
)
def test_what_was_withdrawn_from_a_worker_that_died_is_never_sent_again(
    rig_for: Build, more: Any, arrived: bool, state: OutboxState
) -> None:
    rig = rig_for(**more)
    rig.reply()
    dead = claim(rig)
    if arrived:
        rig.provider.take(Outbound(id=dead.id, recipient="ann@chat", body="Hello"))
    rig.desk.end(1, actor=LEE, reason="spam")
    rig.later(61)
    assert rig.row().state is state
    assert len(rig.provider.taken) == arrived


def test_a_person_may_retry_what_was_withdrawn(rig: Rig) -> None:
    rig.reply()
    claim(rig)
    rig.desk.end(1, actor=LEE, reason="spam")
    assert rig.later(61).unknown == 1
    rig.desk.outbox.retry(rig.row().id, by=LEE, note="it was no spam")
    assert rig.row().withdrawn is None
    assert rig.desk.deliver_outbox().sent == 1


def queue_notice(rig: Rig, rule: str) -> None:
    """Queue a delivery of another rule about the first message of the first ticket."""
    ticket = rig.desk.get(1)
    row = make_outgoing(
        ticket, 2, rule=rule, message=rig.desk.messages(1)[0].id, recipient=str(ticket.customer),
        available_at=rig.clock.now(), created_at=rig.clock.now(),
    )  # fmt: skip
    with rig.desk.storage.begin("default") as unit:
        unit.save(Change(outbox=(row,)))


def test_a_merge_cancels_notices_of_the_source_and_lets_answers_go_out(rig: Rig) -> None:
    queue_notice(rig, "received")
    rig.reply("still goes out")
    other = rig.desk.open("Other", customer=rig.desk.get(1).customer)
    rig.desk.merge(1, other.id, actor=LEE)
    assert [(row.rule, row.state, row.reason) for row in rig.desk.outbox()] == [
        ("received", OutboxState.CANCELLED, "merged"),
        ("reply", OutboxState.PENDING, None),
    ]
    assert rig.desk.deliver_outbox().sent == 1
    assert [message.body for message in rig.provider.taken] == ["still goes out"]
    assert healthy(rig)


# -- clocks of survivors ---------------------------------------------------------------------------------------------


def merged(rig: Rig, hops: int = 1) -> list[int]:
    """Answer ticket 1 and merge it into one that was opened later; return the numbers of the survivors."""
    rig.reply()
    customer = rig.desk.get(1).customer
    source, survivors = 1, []
    for _ in range(hops):
        rig.clock.advance(minutes=5)
        survivor = rig.desk.open("Other", "Me again", customer=customer).number
        rig.clock.advance(minutes=5)
        rig.desk.merge(source, survivor, actor=LEE)
        survivors.append(survivor)
        source = survivor
    return survivors


def first_response(rig: Rig, ticket: int) -> Any:
    return next(clock for clock in rig.desk.clocks(ticket).clocks if clock.metric is Metric.FIRST_RESPONSE)


@pytest.mark.parametrize("hops", [1, 2])
def test_a_delivery_that_fails_after_the_merge_corrects_the_survivors(rig: Rig, hops: int) -> None:
    """R3, R14: it never was a response, so the customer has waited since the older ticket was opened."""
    begun = rig.clock.now()
    survivors = merged(rig, hops)
    assert first_response(rig, survivors[-1]).started_at > begun
    rig.provider.script = [Rejected("blocked")]
    assert rig.desk.deliver_outbox().failed == 1
    assert first_response(rig, survivors[-1]).started_at == begun
    assert healthy(rig)  # the notes beside the rows say what the logs say
    due = begun + dt.timedelta(hours=24)
    rig.clock.advance(days=2)
    rig.desk.tick()
    breached = [
        recorded.occurred_at
        for recorded in rig.desk.history(survivors[-1])
        if type(recorded.event).__name__ == "ClockBreached" and recorded.event.metric is Metric.FIRST_RESPONSE
    ]
    assert breached == [due]


@pytest.mark.parametrize("state", ["failed", "cancelled", "sent"])
def test_a_person_who_settles_after_the_merge_corrects_the_survivor_too(rig: Rig, state: str) -> None:
    begun = rig.clock.now()
    (survivor,) = merged(rig)
    rig.provider.script = [UNCERTAIN] * 2
    rig.desk.deliver_outbox()
    rig.later()
    rig.desk.outbox.settle(rig.row().id, state, by=LEE)
    assert (first_response(rig, survivor).started_at == begun) is (state != "sent")
    assert healthy(rig)


def test_a_failure_is_not_known_before_it_happened(rig: Rig) -> None:
    begun = rig.clock.now()
    (survivor,) = merged(rig)
    before = rig.clock.now()
    rig.clock.advance(minutes=5)
    rig.provider.script = [Rejected("blocked")]
    rig.desk.deliver_outbox()
    then = next(c for c in rig.desk.clocks(survivor, at=before).clocks if c.metric is Metric.FIRST_RESPONSE)
    assert then.started_at > begun
    assert first_response(rig, survivor).started_at == begun


class Races:
    """A storage on which somebody else changes the ticket first, some times."""

    def __init__(self, sound: Any, times: int) -> None:
        self.sound, self.times = sound, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)

    @contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[Any]:
        with self.sound.begin(tenant, write=write) as unit:
            yield _Racing(unit, self)


class _Racing:
    def __init__(self, unit: Any, storage: Races) -> None:
        self.unit, self.storage = unit, storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unit, name)

    def save(self, change: Change) -> None:
        if self.storage.times:
            self.storage.times -= 1
            raise ConcurrentUpdate("ticket", 1)
        self.unit.save(change)


def test_a_result_that_lost_a_race_on_its_ticket_is_stored_all_the_same(rig: Rig) -> None:
    """The provider was called: nobody else has that answer."""
    rig.provider.script = [Rejected("blocked")]
    rig.reply()
    storage: Any = Races(rig.desk.storage, 3)
    assert Desk(storage, clock=rig.clock, channels=[rig.provider]).deliver_outbox().failed == 1
    assert (rig.row().state, storage.times) == (OutboxState.FAILED, 0)


def test_the_lease_of_a_worker_that_dies_after_the_spam_is_taken_over_once(rig_for: Build) -> None:
    rig = rig_for()
    rig.reply()

    def dies(message: Outbound) -> Delivery:
        rig.provider.take(message)
        rig.desk.end(1, actor=LEE, reason="spam")
        raise Dies

    rig.provider.script = [dies]
    with pytest.raises(Dies):
        rig.desk.deliver_outbox()
    assert rig.later(61).unknown == 1
    assert len(rig.provider.taken) == 1
