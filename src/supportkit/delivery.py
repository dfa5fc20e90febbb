"""Delivering the outbox: claim one, call the adapter outside any transaction, store the result under the fence."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, assert_never

import attrs

from supportkit.channels.port import Accepted, ChannelAdapter, Deferred, Delivery, Outbound, Reason, Rejected
from supportkit.engine.decide import decide
from supportkit.model import commands as cm
from supportkit.model.change import OutboxState, Outgoing
from supportkit.model.message import Message
from supportkit.model.people import SYSTEM, Customer
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner
from supportkit.text import clean

_log = logging.getLogger("supportkit.delivery")
MAX_ATTEMPTS = 10
MAX_AGE = dt.timedelta(hours=48)
FIRST_DELAY = 10.0
LONGEST_DELAY = 3600.0
Result = TypeVar("Result")


@attrs.frozen(kw_only=True)
class DeliveryReport:
    """What one call of `deliver_outbox` did; every outcome is counted.

    Attributes:
        late: Results that came after somebody else had taken the delivery over; they changed nothing.
        more: Call again at once: something is still due.
        next_due: Nothing is due before this instant; `None` when nothing waits.
        oldest_due: Since when the oldest delivery that this call found was due; `None` where none was.
        problems: Codes of what went wrong, by delivery id.
    """

    sent: int = 0
    failed: int = 0
    deferred: int = 0
    parked: int = 0
    unknown: int = 0
    cancelled: int = 0
    late: int = 0
    more: bool = False
    next_due: dt.datetime | None = None
    oldest_due: dt.datetime | None = None
    problems: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class _Verdict:
    """What becomes of a claimed delivery."""

    state: OutboxState
    reason: str | None = None
    external_id: str | None = None
    available_at: dt.datetime | None = None
    possible_duplicate: bool = False


def deliver(
    runner: Runner,
    channels: Mapping[str, ChannelAdapter],
    *,
    limit: int,
    lease: dt.timedelta,
    stop: Callable[[], bool] | None = None,
) -> DeliveryReport:
    """Deliver up to *limit* messages that are due, one lease a call, until *stop* says so."""
    counts: dict[str, int] = {}
    problems: list[tuple[str, str]] = []
    worker = f"{os.getpid()}:{threading.get_ident()}"
    oldest_due: dt.datetime | None = None
    emptied = False
    for _ in range(limit):
        if stop is not None and stop():
            break
        with runner.storage.begin(runner.tenant) as unit:
            claim = unit.claim_outbox(runner.clock.now(), lease=lease, worker=worker)
        if claim is None:
            emptied = True
            break
        delivery, taken_over = claim
        oldest_due = oldest_due or delivery.available_at  # what has waited longest is claimed first
        outcome = _deliver_one(runner, channels, delivery, taken_over=taken_over, lease=lease, problems=problems)
        counts[outcome] = counts.get(outcome, 0) + 1
    now = runner.clock.now()
    with runner.storage.begin(runner.tenant, write=False) as unit:
        backlog = unit.outbox_backlog(now)
    return DeliveryReport(
        **counts,
        more=backlog.due > 0 and not emptied,
        next_due=backlog.next_due,
        oldest_due=oldest_due or backlog.oldest_due,
        problems=tuple(problems),
    )


def _deliver_one(
    runner: Runner,
    channels: Mapping[str, ChannelAdapter],
    delivery: Outgoing,
    *,
    taken_over: bool,
    lease: dt.timedelta,
    problems: list[tuple[str, str]],
) -> str:
    adapter = channels.get(delivery.channel)
    verdict: _Verdict | None
    doubt = taken_over or delivery.reason == Reason.UNCERTAIN
    if adapter is None:  # a doubt stays one, for the worker that has the adapter
        verdict = _again(delivery, Reason.UNCERTAIN if doubt else "no_adapter", runner.clock.now(), None)
    else:
        verdict = _settle_doubt(adapter, delivery, runner.clock.now(), lease) if doubt else None
        if verdict is None:
            resend = doubt and not adapter.capabilities.dedupes_sends and not adapter.capabilities.finds_sends
            marked = attrs.evolve(delivery, possible_duplicate=delivery.possible_duplicate or resend)
            verdict = _send(runner, adapter, marked, lease)
    if verdict.reason:
        problems.append((delivery.id, verdict.reason))
    return _store(runner, delivery, verdict)


def _settle_doubt(
    adapter: ChannelAdapter, delivery: Outgoing, now: dt.datetime, lease: dt.timedelta
) -> _Verdict | None:
    """Decide about a delivery that an earlier try may have made; `None` means: send again.

    A look-up may take a quarter of the lease, so that the call that follows still ends within it.
    """
    able = adapter.capabilities
    if able.dedupes_sends:
        return None
    if able.finds_sends:
        try:
            lookup: Callable[[str], Accepted | None] = adapter.lookup  # type: ignore[attr-defined]  # declared
            found = within(min(able.timeout, lease.total_seconds() / 4), lambda: lookup(delivery.id))
            taken = None if found is None else _Verdict(state=OutboxState.SENT, external_id=found.external_id)
        except Exception as error:  # noqa: BLE001 - an adapter that raises is a bug of the adapter
            _log.warning("channel %s failed in lookup: %s", delivery.channel, type(error).__name__)
            return _again(delivery, Reason.UNCERTAIN, now, None)
        return taken
    if delivery.policy == "at_most_once" or delivery.possible_duplicate:
        return _Verdict(state=OutboxState.UNKNOWN, reason=Reason.UNCERTAIN)
    return None


def _send(runner: Runner, adapter: ChannelAdapter, delivery: Outgoing, lease: dt.timedelta) -> _Verdict:
    with runner.storage.begin(runner.tenant, write=False) as unit:
        ticket = unit.get(delivery.ticket)
        message = unit.message(delivery.message)
        customer = unit.customer(delivery.recipient) if delivery.recipient else None
    if ticket is None or message is None:
        return _Verdict(state=OutboxState.CANCELLED, reason="message_gone")
    seconds = min(adapter.capabilities.timeout, lease.total_seconds() / 2)
    address = _address(customer, adapter.capabilities.family)
    if address is None:
        return _Verdict(state=OutboxState.FAILED, reason=Reason.BAD_RECIPIENT)
    outbound = _outbound(delivery, ticket, message, address, seconds)
    try:
        answer = within(seconds, lambda: adapter.send(outbound))
        if not isinstance(answer, Accepted | Deferred | Rejected):
            _log.warning("channel %s answered with a %s", delivery.channel, type(answer).__name__)
            answer = Deferred(Reason.UNCERTAIN)
    except Exception as error:  # noqa: BLE001 - an adapter that raises is a bug; the provider may have taken it
        _log.warning("channel %s failed in send: %s", delivery.channel, type(error).__name__)
        answer = Deferred(Reason.UNCERTAIN)
    return _judge(answer, delivery, adapter, runner.clock.now())


def _address(customer: Customer | None, family: str) -> str | None:
    """Return where a channel of *family* reaches a customer; one of family `other` may know people by our own ids."""
    if customer is None:
        return None
    return customer.address(family) or (customer.id if family == "other" else None)


def _outbound(delivery: Outgoing, ticket: Ticket, message: Message, recipient: str, seconds: float) -> Outbound:
    return Outbound(
        id=delivery.id,
        recipient=recipient,
        body=message.body,
        subject=ticket.subject,
        attachments=message.attachments,
        part=delivery.part,
        kind=message.kind,
        locale=ticket.locale,
        possible_duplicate=delivery.possible_duplicate,
        timeout=seconds,
    )


def _judge(answer: Delivery, delivery: Outgoing, adapter: ChannelAdapter, now: dt.datetime) -> _Verdict:
    match answer:
        case Accepted():
            return _Verdict(
                state=OutboxState.SENT,
                external_id=answer.external_id,
                possible_duplicate=delivery.possible_duplicate,
            )
        case Rejected():
            return _Verdict(state=OutboxState.FAILED, reason=answer.reason)
        case Deferred(reason=Reason.UNCERTAIN):
            able = adapter.capabilities
            sure = able.dedupes_sends or able.finds_sends
            if not sure and (delivery.policy == "at_most_once" or delivery.possible_duplicate):
                return _Verdict(
                    state=OutboxState.UNKNOWN, reason=answer.reason, possible_duplicate=delivery.possible_duplicate
                )
            return _again(delivery, answer.reason, now, answer.retry_after)
        case Deferred():
            return _again(delivery, answer.reason, now, answer.retry_after)
        case _ as never:
            assert_never(never)


def _again(delivery: Outgoing, reason: str, now: dt.datetime, after: dt.timedelta | None) -> _Verdict:
    """Try again later, or park after too many tries."""
    if delivery.attempts >= MAX_ATTEMPTS or now - delivery.created_at >= MAX_AGE:
        return _Verdict(state=OutboxState.PARKED, reason=reason, possible_duplicate=delivery.possible_duplicate)
    if isinstance(after, dt.timedelta):
        wait = min(max(after, dt.timedelta(0)), MAX_AGE)
    else:
        wait = dt.timedelta(seconds=back_off(delivery.id, delivery.attempts))
    return _Verdict(
        state=OutboxState.PENDING,
        reason=reason,
        available_at=now + wait,
        possible_duplicate=delivery.possible_duplicate,
    )


def back_off(delivery_id: str, attempt: int) -> float:
    """Return the seconds to wait after *attempt* tries: 10 s x 2^n up to an hour, +-20 % from a hash.

    The hash makes it reproducible and still spreads the rows that failed together.
    """
    base = min(FIRST_DELAY * 2.0 ** max(0, attempt - 1), LONGEST_DELAY)
    digest = hashlib.sha256(f"{delivery_id}:{attempt}".encode()).digest()
    return base * (0.8 + 0.4 * int.from_bytes(digest[:4], "big") / 2**32)


def _store(runner: Runner, delivery: Outgoing, verdict: _Verdict) -> str:
    """Store the result and, for a delivery that will not arrive, the event on its ticket."""
    now = runner.clock.now()
    with runner.storage.begin(runner.tenant) as unit:
        mine = unit.settle_outbox(
            delivery,
            state=verdict.state,
            now=now,
            available_at=verdict.available_at,
            external_id=None if verdict.external_id is None else clean(str(verdict.external_id)),
            reason=verdict.reason,
            possible_duplicate=verdict.possible_duplicate,
        )
        told: Any = ()
        if mine and verdict.state is OutboxState.FAILED:
            command = cm.FailDelivery(
                actor=SYSTEM, message=delivery.message, channel=delivery.channel, reason=verdict.reason or ""
            )
            told = _record(runner, unit, delivery.ticket, command, now)
    runner.tell(told)
    if not mine:
        return "late"
    return "deferred" if verdict.state is OutboxState.PENDING else verdict.state.value


def _record(runner: Runner, unit: Any, ticket_id: str, command: cm.Command, now: dt.datetime) -> Any:
    ticket = unit.get(ticket_id)
    if ticket is None:
        return ()
    runner.refresh(unit)  # a result that was paid for must not be lost because levels are not known here yet
    draft = runner.draft(unit, command, now, now)
    draft.add(runner.tenant, ticket, ticket.id, decide(ticket, command, now, runner.rules))
    unit.save(draft.change(None))
    return draft.told


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Run *call* in a thread of its own and wait *seconds* for it; a call that hangs is left behind.

    Raises:
        TimeoutError: It took longer. Its late answer goes nowhere; the fence of its lease guards the row.
    """
    box: list[Result] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            box.append(call())
        except BaseException as error:  # noqa: BLE001 - carried to the thread that waits
            failed.append(error)

    thread = threading.Thread(target=work, name="supportkit-call", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not box:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return box[0]
