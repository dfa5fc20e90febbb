"""Delivering the outbox: claim one, call the adapter outside any transaction, store the result under the fence."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar, assert_never, cast

import attrs

from supportkit import pauses
from supportkit.addressees import REFERENCES, address_of, answers, in_copy, wanted_at, whose
from supportkit.channels.port import Accepted, ChannelAdapter, Deferred, Delivery, Outbound, Reason, Rejected
from supportkit.channels.windows import Closed, window_at
from supportkit.drafting import News
from supportkit.engine.decide import decide
from supportkit.engine.effects import PUBLIC
from supportkit.keys import Keys
from supportkit.lookup import person
from supportkit.model import commands as cm
from supportkit.model.change import OutboxState, Outgoing
from supportkit.model.conversation import Leg
from supportkit.model.events import Event, NoticeQueued
from supportkit.model.message import Message, MessageKind
from supportkit.model.people import SYSTEM, Customer
from supportkit.model.ticket import Ticket
from supportkit.parting import texts_of
from supportkit.proposing import proposed
from supportkit.races import again
from supportkit.receipts import HARD, count_failure, record_refused, settle_waiting
from supportkit.runner import Runner
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import UnitOfWork
from supportkit.templates.notices import Notice
from supportkit.text import clean
from supportkit.windowing import close_window
from supportkit.withdrawing import cancelled

_log = logging.getLogger("supportkit.delivery")
MAX_AGE = dt.timedelta(hours=48)
FIRST_DELAY = 10.0
LONGEST_DELAY = 3600.0
SURVEY = Notice.SURVEY_INVITATION.value
"""The rule of invitations to surveys, whose link is put in when they go out."""
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
        paused: Accounts that their providers do not let in, as pairs of channel and account: what goes out by them
            waits, until somebody has mended that.
    """

    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    deferred: int = 0
    parked: int = 0
    unknown: int = 0
    cancelled: int = 0
    late: int = 0
    more: bool = False
    next_due: dt.datetime | None = None
    oldest_due: dt.datetime | None = None
    problems: tuple[tuple[str, str], ...] = ()
    paused: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class _Verdict:
    """What becomes of a claimed delivery."""

    state: OutboxState
    reason: str | None = None
    external_id: str | None = None
    available_at: dt.datetime | None = None
    possible_duplicate: bool = False
    pause: dt.timedelta | None = None
    """The provider did not let us in: nobody calls it for the account for so long."""
    refused: tuple[str, ...] = ()
    """Customers for whom the provider did not take what it took for others."""
    ends_pause: bool = False
    """The provider has let us in."""


def deliver(
    runner: Runner,
    channels: Mapping[str, ChannelAdapter],
    *,
    limit: int,
    lease: dt.timedelta,
    stop: Callable[[], bool] | None = None,
) -> DeliveryReport:
    """Deliver up to *limit* messages that are due, one lease a call, until *stop* says so.

    Only those of *channels* that send: what goes out by another one is left for a worker that has it.
    """
    senders = {name: adapter for name, adapter in channels.items() if adapter.capabilities.outbound}
    counts: dict[str, int] = {}
    problems: list[tuple[str, str]] = []
    worker = f"{os.getpid()}:{threading.get_ident()}"
    oldest_due: dt.datetime | None = None
    emptied = False
    for _ in range(limit):
        if stop is not None and stop():
            break
        claim = again(partial(_claim, runner, lease, worker, senders))
        if claim is None:
            emptied = True
            break
        due_at = claim.delivery.available_at
        oldest_due = due_at if oldest_due is None else min(oldest_due, due_at)
        adapter = senders[claim.delivery.channel]
        outcome = _deliver_one(runner, adapter, claim, lease=lease, problems=problems)
        counts[outcome] = counts.get(outcome, 0) + 1
    now = runner.clock.now()
    with runner.storage.begin(runner.tenant, write=False) as unit:
        held = pauses.paused_now(runner, unit, now, senders.keys())
        but = {"but": [pause.lane for pause in held]} if held else {}
        backlog = unit.outbox_backlog(now, channels=senders.keys(), **but)
    following = [one for one in (backlog.next_due, *[pause.until for pause in held]) if one is not None]
    return DeliveryReport(
        **counts,
        more=backlog.due > 0 and not emptied,
        next_due=min(following, default=None),
        oldest_due=oldest_due or backlog.oldest_due,
        problems=tuple(problems),
        paused=tuple([pause.lane for pause in held]),
    )


def _claim(
    runner: Runner, lease: dt.timedelta, worker: str, senders: Mapping[str, ChannelAdapter]
) -> pauses.Claimed | None:
    with runner.storage.begin(runner.tenant) as unit:
        return pauses.claim(runner, unit, runner.clock.now(), lease=lease, worker=worker, channels=senders.keys())


def _deliver_one(
    runner: Runner,
    adapter: ChannelAdapter,
    claim: pauses.Claimed,
    *,
    lease: dt.timedelta,
    problems: list[tuple[str, str]],
) -> str:
    able, delivery = adapter.capabilities, claim.delivery
    doubt = claim.taken_over or delivery.reason == Reason.UNCERTAIN
    # What a person retried is in no doubt any more, but where the provider can be asked it is asked before.
    asks = able.finds_sends and delivery.possible_duplicate
    verdict = _settle_doubt(adapter, delivery, runner.clock.now(), lease) if doubt or asks else None
    if verdict is None:
        resend = doubt and not able.dedupes_sends and not able.finds_sends
        marked = attrs.evolve(delivery, possible_duplicate=delivery.possible_duplicate or resend)
        verdict = _send(runner, adapter, marked, lease)
    if verdict.reason:
        problems.append((delivery.id, verdict.reason))
    if verdict.state in {OutboxState.SENT, OutboxState.FAILED} and claim.is_probe:
        verdict = attrs.evolve(verdict, ends_pause=True)
    return _store(runner, delivery, verdict, able.address_kind)


def _settle_doubt(  # noqa: PLR0911 - one short answer a case
    adapter: ChannelAdapter, delivery: Outgoing, now: dt.datetime, lease: dt.timedelta
) -> _Verdict | None:
    """Decide about a delivery that an earlier try may have made; `None` means: send again.

    A look-up may take a quarter of the lease, so that the call that follows still ends within it. What was withdrawn
    meanwhile is never sent again.
    """
    able = adapter.capabilities
    if able.dedupes_sends and delivery.withdrawn is None:
        return None
    if able.finds_sends:
        try:
            lookup: Callable[[str], Accepted | None] = adapter.lookup  # type: ignore[attr-defined]  # declared
            found = within(min(able.timeout, lease.total_seconds() / 4), lambda: lookup(delivery.id))
            if found is not None:
                return _Verdict(state=OutboxState.SENT, external_id=found.external_id)
        except Exception as error:  # noqa: BLE001 - an adapter that raises is a bug of the adapter
            _log.warning("channel %s failed in lookup: %s", delivery.channel, type(error).__name__)
            return _again(delivery, Reason.UNCERTAIN, now, None, able.max_attempts)
        if delivery.withdrawn is not None:
            return _Verdict(state=OutboxState.CANCELLED, reason=delivery.withdrawn)
        return None
    if delivery.withdrawn is not None or delivery.policy == "at_most_once" or delivery.possible_duplicate:
        return _Verdict(state=OutboxState.UNKNOWN, reason=Reason.UNCERTAIN)
    return None


def _send(runner: Runner, adapter: ChannelAdapter, delivery: Outgoing, lease: dt.timedelta) -> _Verdict:
    keys = _keys_for(runner, delivery)
    with runner.storage.begin(runner.tenant, write=False) as unit:
        ticket = unit.get(delivery.ticket)
        message = unit.message(delivery.message)
        customer = person(unit, delivery.recipient) if delivery.recipient else None
        leg = cast("ReceivingUnit", unit).leg(delivery.leg) if delivery.leg is not None else None
        told = None
        if message is not None and message.kind is MessageKind.AUTO:
            told = _notice(unit, message)
        copies = in_copy(unit, adapter, delivery, ticket, leg, customer)
        before = unit.messages([delivery.ticket]) if adapter.capabilities.family == "email" else ()
        wanted = wanted_at(cast("ReceivingUnit", unit), before, delivery, leg)
        files = _files(cast("ReceivingUnit", unit), message)
        message = _with_link(runner, unit, ticket, message, keys) if delivery.rule == SURVEY else message
    if ticket is None or message is None:
        return _Verdict(state=OutboxState.CANCELLED, reason="message_gone")
    able = adapter.capabilities
    seconds = min(able.timeout, lease.total_seconds() / 2)
    address = address_of(customer, able.address_kind) if leg is None else leg.address
    if not address:  # an erased leg has none
        return _Verdict(state=OutboxState.FAILED, reason=Reason.BAD_RECIPIENT)
    if able.public and delivery.rule != PUBLIC:
        return _Verdict(state=OutboxState.SUPPRESSED, reason=Reason.POLICY)
    forbidden = _forbidden(adapter, customer, leg, address, runner.clock.now())
    purpose = "surveys" if delivery.rule == SURVEY else "notices"
    if message.kind is MessageKind.AUTO and customer is not None and customer.consent(purpose) is False:
        forbidden = Reason.NO_CONSENT
    if forbidden is not None:
        return _Verdict(state=OutboxState.SUPPRESSED, reason=forbidden)
    parts = texts_of(message.body, adapter, ticket.locale if told is None else told.locale)
    if delivery.part > len(parts):
        return _Verdict(state=OutboxState.FAILED, reason=Reason.TOO_LONG)
    subject = ticket.subject if message.kind is not MessageKind.AUTO else _subject(told, ticket)
    ids = tuple([one.external_id for one in before if one.external_id and answers(message, one)][-REFERENCES:])
    outbound = attrs.evolve(
        _outbound(delivery, ticket, message, wanted or address, seconds, leg),
        copies=tuple(copies),
        body=parts[delivery.part - 1],
        parts=len(parts),
        subject=subject,
        attachments=message.attachments if delivery.part == 1 else (),
        references=ids[:-1],
        in_reply_to=ids[-1] if ids else None,
        files=files if delivery.part == 1 else {},
    )
    answer = _call(adapter, outbound, seconds)
    verdict = _judge(answer, delivery, adapter, runner.clock.now())
    if isinstance(answer, Accepted) and answer.refused:
        missed = [
            whose(one, {**copies, wanted or address: delivery.recipient}, able.address_kind) for one in answer.refused
        ]
        verdict = attrs.evolve(verdict, refused=tuple(dict.fromkeys([one for one in missed if one])))
    return verdict


def _call(adapter: ChannelAdapter, outbound: Outbound, seconds: float) -> Accepted | Deferred | Rejected:
    """Let the adapter send; one that raises has a bug, and its provider may have taken the message."""
    try:
        answer = within(seconds, lambda: adapter.send(outbound))
    except Exception as error:  # noqa: BLE001 - see above
        _log.warning("channel %s failed in send: %s", adapter.name, type(error).__name__)
        return Deferred(Reason.UNCERTAIN)
    if isinstance(answer, Accepted | Deferred | Rejected):
        return answer
    _log.warning("channel %s answered with a %s", adapter.name, type(answer).__name__)
    return Deferred(Reason.UNCERTAIN)


def _keys_for(runner: Runner, delivery: Outgoing) -> Keys | None:
    """Return what signs the link of an invitation; the keys may have to be read, so before a transaction begins."""
    return runner.surveyor.keys() if delivery.rule == SURVEY and runner.surveyor is not None else None


def _with_link(
    runner: Runner, unit: UnitOfWork, ticket: Ticket | None, message: Message | None, keys: Keys | None
) -> Message | None:
    """Return an invitation with the link that its text leaves out; `None` where it has lost its point."""
    if ticket is None or message is None or runner.surveyor is None or keys is None:
        return None
    body = runner.surveyor.filled_in(unit, keys, ticket.id, message.id, message.body)
    return None if body is None else attrs.evolve(message, body=body)


def _forbidden(
    adapter: ChannelAdapter, customer: Customer | None, leg: Leg | None, address: str, now: dt.datetime
) -> str | None:
    """Return the reason why nothing may be sent by now, if there is one."""
    able = adapter.capabilities
    for one in () if customer is None else customer.addresses:
        if one.family == able.address_kind and one.opted_out and one.value == address:
            return Reason.OPTED_OUT
    if leg is not None and isinstance(window_at(able.reply_window, leg.heard_at, now), Closed):
        return Reason.WINDOW_CLOSED
    return None


def _notice(unit: UnitOfWork, message: Message) -> NoticeQueued | None:
    """Return the notice that a message is, as its ticket's log has it; the log may have it elsewhere after a split."""
    for recorded in reversed(unit.history(message.ticket)):
        if isinstance(recorded.event, NoticeQueued) and recorded.event.message == message.id:
            return recorded.event
    return None


def _subject(told: NoticeQueued | None, ticket: Ticket) -> str:
    """Return the subject of an automatic message: never the requester's words, which may not be the reader's."""
    return (told.subject if told is not None else "") or ticket.reference


def _outbound(
    delivery: Outgoing, ticket: Ticket, message: Message, recipient: str, seconds: float, leg: Leg | None
) -> Outbound:
    return Outbound(
        id=delivery.id,
        recipient=recipient,
        account=None if leg is None else leg.account,
        thread=None if leg is None else leg.thread,
        body=message.body,
        subject=ticket.subject,
        attachments=message.attachments,
        part=delivery.part,
        kind=message.kind,
        locale=ticket.locale,
        possible_duplicate=delivery.possible_duplicate,
        timeout=seconds,
        ticket=ticket.id,
        number=ticket.number,
        generation=ticket.generation,
        message=message.id,
        created_at=delivery.created_at,
    )


def _files(unit: ReceivingUnit, message: Message | None) -> dict[str, bytes]:
    """Return the contents of what is attached to a message."""
    found = [unit.file(one.id) for one in message.attachments] if message is not None else []
    return {one.id: one.content for one in found if one is not None}


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
            return _again(delivery, answer.reason, now, answer.retry_after, able.max_attempts)
        case Deferred(reason=Reason.AUTH):
            return _paused(delivery, now, answer.retry_after)
        case Deferred():
            return _again(delivery, answer.reason, now, answer.retry_after, adapter.capabilities.max_attempts)
        case _ as never:
            assert_never(never)


def _again(
    delivery: Outgoing, reason: str, now: dt.datetime, after: dt.timedelta | None, max_attempts: int
) -> _Verdict:
    """Try again later, or park after too many tries."""
    if delivery.attempts >= max_attempts or now - delivery.begun_at >= MAX_AGE:
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


def _paused(delivery: Outgoing, now: dt.datetime, after: dt.timedelta | None) -> _Verdict:
    """Wait with the whole account; never parked for it, because no delivery is to blame for a wrong password."""
    wait = after if isinstance(after, dt.timedelta) else pauses.PAUSE
    return _Verdict(
        state=OutboxState.PENDING,
        reason=Reason.AUTH,
        available_at=now + min(max(wait, pauses.SHORTEST), pauses.LONGEST),
        possible_duplicate=delivery.possible_duplicate,
        pause=wait,
    )


def back_off(delivery_id: str, attempt: int) -> float:
    """Return the seconds to wait after *attempt* tries: 10 s x 2^n up to an hour, +-20 % from a hash.

    The hash makes it reproducible and still spreads the rows that failed together.
    """
    base = min(FIRST_DELAY * 2.0 ** max(0, attempt - 1), LONGEST_DELAY)
    digest = hashlib.sha256(f"{delivery_id}:{attempt}".encode()).digest()
    return base * (0.8 + 0.4 * int.from_bytes(digest[:4], "big") / 2**32)


def _store(runner: Runner, delivery: Outgoing, verdict: _Verdict, kind: str) -> str:
    """Store the result and, for a delivery that will not arrive, the event on its ticket.

    Again after a lost race: it was paid for, and nobody else has it.
    """

    def once() -> tuple[OutboxState | None, News]:
        with runner.storage.begin(runner.tenant) as unit:
            state, told = _settle(runner, unit, delivery, verdict)
            if state is OutboxState.FAILED and verdict.reason in HARD and runner.storage.capabilities.receives:
                count_failure(cast("ReceivingUnit", unit), delivery, kind, is_hard=True)
        return state, told

    state, told = again(once)
    runner.tell(told)
    if state is None:
        return "late"
    return "deferred" if state is OutboxState.PENDING else state.value


def _settle(runner: Runner, unit: UnitOfWork, delivery: Outgoing, verdict: _Verdict) -> tuple[OutboxState | None, News]:
    now, available_at = runner.clock.now(), verdict.available_at
    if verdict.pause is not None and pauses.begin(runner, unit, delivery, now, verdict.pause):
        available_at = delivery.available_at  # the pause holds it, and where that is lifted it goes at once
    if verdict.ends_pause:
        pauses.lift(unit, (delivery.channel, delivery.account))
    state = unit.settle_outbox(
        delivery,
        state=verdict.state,
        now=now,
        available_at=available_at,
        external_id=None if verdict.external_id is None else clean(str(verdict.external_id)),
        reason=verdict.reason,
        possible_duplicate=verdict.possible_duplicate,
    )
    if state is OutboxState.SENT and runner.storage.capabilities.receives:
        sent = attrs.evolve(delivery, state=OutboxState.SENT)
        missed = [record_refused(runner, unit, sent, one, Reason.BAD_RECIPIENT.value) for one in verdict.refused]
        told = settle_waiting(runner, cast("ReceivingUnit", unit), sent, verdict.external_id)
        return state, (*[entry for news in missed for entry in news], *told)
    if state not in {OutboxState.FAILED, OutboxState.CANCELLED, OutboxState.SUPPRESSED}:
        return state, ()
    ticket = unit.get(delivery.ticket)
    if ticket is None:
        return state, ()
    runner.refresh(unit)  # a result that was paid for must not be lost because levels are not known here yet
    command: cm.Command | None = None
    events: tuple[Event, ...]
    if state is not OutboxState.CANCELLED:
        command = cm.FailDelivery(
            actor=SYSTEM, message=delivery.message, channel=delivery.channel, reason=verdict.reason or ""
        )
        events = decide(ticket, command, now, runner.rules)
        events += proposed(runner, unit, ticket, delivery, verdict.reason or "")
        if verdict.reason == Reason.WINDOW_CLOSED and state is OutboxState.FAILED:  # the provider disagrees, and wins
            close_window(unit, runner.channels[delivery.channel], delivery, now)
    else:
        stored = unit.delivery(delivery.id)
        events = (cancelled(delivery, (stored or delivery).reason or ""),)
    draft = runner.draft(unit, command, now, now)
    draft.add(runner.tenant, ticket, ticket.id, events)
    unit.save(draft.change(None))
    return state, draft.told


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
