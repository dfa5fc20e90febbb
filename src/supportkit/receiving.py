"""The way in: a delivery is stored raw before it is answered, and read afterwards, as often as needed, with one effect.

`receive` is what a web request calls; `process_inbox` fetches from channels that are polled and reads what was stored.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import attrs

from supportkit.channels.inbound import (
    Answer,
    Arrived,
    Inbound,
    Payload,
    Polled,
    Receipt,
    Signal,
    Unparsed,
    Verified,
)
from supportkit.channels.port import Capabilities, ChannelAdapter
from supportkit.delivery import within
from supportkit.errors import (
    CapabilityMissing,
    ConcurrentUpdate,
    LimitExceeded,
    MalformedPayload,
    SignatureMismatch,
    StorageUnavailable,
    UnknownChannel,
    WorkflowError,
)
from supportkit.heeding import heed
from supportkit.intake import Intake, Outcome, Quarantine
from supportkit.model.conversation import Arrival, ArrivalState
from supportkit.races import again
from supportkit.receipts import note_receipt
from supportkit.runner import Runner
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.codec import dumps, loads
from supportkit.text import clean

_log = logging.getLogger("supportkit.inbox")
TRIES = 3
LEASE = dt.timedelta(seconds=60)
UNSIGNED = b"the request is not signed as it should be"
_NO_CONTENT = Answer()


@attrs.frozen(kw_only=True)
class InboxReport:
    """What one call of `process_inbox` did; every outcome is counted.

    Attributes:
        polled: Deliveries that were fetched and stored.
        routed: Deliveries that were read and had their effect.
        opened: Messages that opened a ticket; `claimed` of them only claim to belong to another one.
        joined: Messages that were added to a ticket.
        followed_up: Messages that opened a follow-up of a ticket closed too long ago.
        duplicates: Messages that had had their effect before.
        flagged: Messages that came under the id of another one and say something else; they are kept too.
        ignored: Messages of our own that came back.
        receipts: What providers said of messages of ours.
        signals: Things that happened without a message.
        unmatched: Receipts and signals about messages that are not known; the receipts wait until they are.
        quarantined: Deliveries that a person has to look at.
        failed: Deliveries that could not be read this time; they are tried again, three times in all.
        more: Call again at once: something is still waiting.
        next_due: What failed is read again at this instant; what is polled is looked at whenever this is called.
        oldest_due: When the oldest delivery that this call read had arrived; `None` where there was none.
        problems: Channel and reason, of what was quarantined or failed.
    """

    polled: int = 0
    routed: int = 0
    opened: int = 0
    claimed: int = 0
    joined: int = 0
    followed_up: int = 0
    duplicates: int = 0
    flagged: int = 0
    ignored: int = 0
    receipts: int = 0
    signals: int = 0
    unmatched: int = 0
    quarantined: int = 0
    failed: int = 0
    more: bool = False
    next_due: dt.datetime | None = None
    oldest_due: dt.datetime | None = None
    problems: tuple[tuple[str, str], ...] = ()


_COUNTS = {
    Outcome.OPENED: "opened",
    Outcome.CLAIMED: "claimed",
    Outcome.JOINED: "joined",
    Outcome.FOLLOWED_UP: "followed_up",
    Outcome.DUPLICATE: "duplicates",
    Outcome.IGNORED: "ignored",
}


def receive(  # noqa: PLR0911 - one return a row of the table
    runner: Runner, channels: Mapping[str, ChannelAdapter], name: str, payload: Payload
) -> Answer:
    """Check, store and answer one web request; nothing is read yet.

    Raises:
        UnknownChannel: The desk has no such channel.
        CapabilityMissing: The channel does not receive, or the storage cannot.
        TypeError: *payload* is no `Payload`.
    """
    adapter = _receiver(runner, channels, name)
    if not isinstance(payload, Payload):
        raise TypeError(f"what arrived is handed in as a Payload, not as a {type(payload).__name__}")
    able, method = adapter.capabilities, payload.method.upper()
    if (refused := _refused_unread(able, payload, method)) is not None:
        return refused
    payload = attrs.evolve(payload, received_at=runner.clock.now())
    try:
        if method == "GET":
            return _challenge(adapter, payload) or Answer(status=405, headers=(("Allow", "POST"),))
        verified = _verified(adapter, payload)
        if able.handshake and (answer := _challenge(adapter, payload)) is not None:
            return answer
    except SignatureMismatch as error:
        _log.warning("channel %s refused a delivery: %s", name, error.kind)
        return Answer(status=500 if error.kind == "misconfigured" else 401, body=UNSIGNED)
    except Exception as error:  # noqa: BLE001 - an adapter that raises is a bug of the adapter; nothing is let in by it
        _log.warning("channel %s failed to verify: %s", name, type(error).__name__)
        return Answer(status=500, body=UNSIGNED)
    arrival = _arrival(runner, name, payload, verified, None if verified is None else verified.delivery_id)
    try:
        with runner.storage.begin(runner.tenant) as unit:
            cast("ReceivingUnit", unit).add_arrival(arrival)
    except ConcurrentUpdate:
        return _NO_CONTENT  # stored at the same moment by another process: it is there
    except StorageUnavailable:
        return Answer(status=503)
    return _NO_CONTENT


def _refused_unread(able: Capabilities, payload: Payload, method: str) -> Answer | None:
    """Return the answer to a request whose size, method or media type nobody looks at; `None` for all others."""
    if len(payload.body) > able.max_payload_bytes:
        return Answer(status=413)
    if method != "POST" and not (able.handshake and method == "GET"):
        return Answer(status=405, headers=(("Allow", "GET, POST" if able.handshake else "POST"),))
    if method == "POST" and able.content_types and _media_type(payload) not in able.content_types:
        return Answer(status=415)
    return None


def _media_type(payload: Payload) -> str:
    """Return the media type of a delivery without its parameters; several that differ are none."""
    types = {value.partition(";")[0].strip().lower() for value in payload.header_values("Content-Type")}
    return types.pop() if len(types) == 1 else ""


def _receiver(runner: Runner, channels: Mapping[str, ChannelAdapter], name: str) -> ChannelAdapter:
    adapter = channels.get(name)
    if adapter is None:
        raise UnknownChannel(name, sorted(channels))
    if not adapter.capabilities.inbound or not hasattr(adapter, "receive"):
        raise CapabilityMissing(name, "inbound", "this channel only sends")
    _require(runner)
    return adapter


def _require(runner: Runner) -> None:
    if not runner.storage.capabilities.receives:
        raise CapabilityMissing("the storage", "receives", "use one that keeps what arrives")
    runner.outside("receiving")


def _verified(adapter: Any, payload: Payload) -> Verified | None:
    if not adapter.capabilities.signed:
        return None
    found = adapter.verify(payload)
    if not isinstance(found, Verified):
        raise TypeError(f"verify() must return Verified, not {type(found).__name__}")
    return found


def _polled(adapter: Any, cursor: str | None) -> Polled:
    found = adapter.poll(cursor)
    if not isinstance(found, Polled):
        raise TypeError(f"poll() must return Polled, not {type(found).__name__}")
    return found


def _challenge(adapter: Any, payload: Payload) -> Answer | None:
    found = adapter.answer(payload)
    return found if isinstance(found, Answer) else None


def _arrival(runner: Runner, channel: str, payload: Payload, verified: Verified | None, key: str | None) -> Arrival:
    at = payload.received_at or runner.clock.now()
    if key is None:
        spelled = dumps([payload.method, payload.query]).encode("utf-8", "surrogatepass")
        key = hashlib.sha256(spelled + b"\0" + payload.body).hexdigest()
    elif len(key) > 100 or clean(key) != key:  # noqa: PLR2004 - the column is a little wider
        key = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    head = {
        "headers": [[clean(name), clean(value)] for name, value in payload.headers],
        "method": payload.method,
        "url": payload.url,
        "query": [[clean(name), clean(value)] for name, value in payload.query],
        "remote": payload.remote,
    }
    signed = None
    if verified is not None:
        signed = dumps({"account": verified.account, "delivery_id": verified.delivery_id})
    return Arrival(
        id=runner.new_id(at),
        tenant=runner.tenant,
        channel=channel,
        account=(verified.account or "") if verified is not None else "",
        key=key,
        body=payload.body,
        head=dumps(head),
        signed=signed,
        received_at=at,
    )


def payload_of(arrival: Arrival) -> Payload:
    """Return a stored delivery as it arrived."""
    head = loads(arrival.head)
    return Payload(
        body=arrival.body,
        headers=[(name, value) for name, value in head.get("headers", ())],
        method=head.get("method", "POST"),
        url=head.get("url"),
        query=[(name, value) for name, value in head.get("query", ())],
        received_at=arrival.received_at,
        remote=head.get("remote"),
    )


def process_inbox(
    intake: Intake,
    channels: Mapping[str, ChannelAdapter],
    *,
    limit: int,
    lease: dt.timedelta = LEASE,
    stop: Callable[[], bool] | None = None,
) -> InboxReport:
    """Fetch from channels that are polled, then read up to *limit* stored deliveries, each under a lease of its own."""
    runner = intake.runner
    receiving = {name: one for name, one in channels.items() if one.capabilities.inbound and hasattr(one, "receive")}
    if not receiving or not runner.storage.capabilities.receives:
        return InboxReport()
    _require(runner)
    turn = _Turn(intake, receiving, lease)
    for name, adapter in receiving.items():
        if adapter.capabilities.polls and not (stop is not None and stop()):
            turn.poll(name, adapter)
    emptied = False
    for left in reversed(range(limit)):
        if turn.ahead is None and stop is not None and stop():
            break
        turn.left, turn.stop = left, stop
        if not turn.take_one():
            emptied = True
            break
    return InboxReport(
        **turn.counts,
        more=turn.is_more or not emptied,
        next_due=turn.next_due,
        oldest_due=turn.oldest_due,
        problems=tuple(turn.problems),
    )


class _Turn:
    """One turn of reading what arrived."""

    def __init__(self, intake: Intake, channels: Mapping[str, ChannelAdapter], lease: dt.timedelta) -> None:
        self.intake, self.runner, self.channels, self.lease = intake, intake.runner, channels, lease
        self.counts: dict[str, int] = {}
        self.problems: list[tuple[str, str]] = []
        self.is_more = False
        self.next_due: dt.datetime | None = None
        self.oldest_due: dt.datetime | None = None
        self.settled: bool | None = False
        self.ahead: Arrival | None = None
        """Claimed by the transaction that routed the one before it: one commit less for each."""
        self.left = 0
        """How many deliveries may be claimed in this turn after the present one."""
        self.stop: Callable[[], bool] | None = None

    def count(self, what: str, by: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + by

    def poll(self, name: str, adapter: Any) -> None:
        """Fetch once; raw deliveries and the place to go on are stored in one transaction."""
        with self.runner.storage.begin(self.runner.tenant, write=False) as reading:
            cursor = cast("ReceivingUnit", reading).poll_cursor(name)
        try:
            polled = within(self.lease.total_seconds() / 2, lambda: _polled(adapter, cursor))
        except Exception as error:  # noqa: BLE001 - a source that is away is looked at again next time
            _log.warning("channel %s could not be polled: %s", name, type(error).__name__)
            self.count("failed")
            self.problems.append((name, f"poll: {type(error).__name__}"))
            return
        try:
            self.count("polled", self._store(name, polled, cursor))
        except ConcurrentUpdate:  # another worker fetched the same at this moment: look again next time
            self.count("failed")
            self.problems.append((name, "poll: storage.concurrent"))
            return
        if polled.gap:
            _log.warning("channel %s: the source did not hand over %d of its messages", name, polled.gap)
            self.problems.append((name, f"poll: gap of {polled.gap}"))
        self.is_more |= polled.more

    def _store(self, name: str, polled: Polled, cursor: str | None) -> int:
        """Store what was fetched and where to go on, in one transaction; return how many were new."""
        now, stored = self.runner.clock.now(), 0
        with self.runner.storage.begin(self.runner.tenant) as unit:
            writing = cast("ReceivingUnit", unit)
            for place, (key, payload) in enumerate(polled.payloads):
                # A microsecond apart, so that what came at once is read in the order in which it lay there.
                arrived = attrs.evolve(payload, received_at=now + dt.timedelta(microseconds=place))
                stored += writing.add_arrival(_arrival(self.runner, name, arrived, None, key))
            if polled.cursor is not None and polled.cursor != cursor:
                writing.set_poll_cursor(name, polled.cursor)
        return stored

    def _claim(self) -> Arrival | None:
        with self.runner.storage.begin(self.runner.tenant) as unit:
            return self._next(cast("ReceivingUnit", unit))

    def _next(self, unit: ReceivingUnit) -> Arrival | None:
        return unit.claim_arrival(self.runner.clock.now(), lease=self.lease, channels=sorted(self.channels))

    def take_one(self) -> bool:
        """Read the delivery that has waited longest; false where none waits."""
        arrival, self.ahead = self.ahead or again(self._claim), None
        if arrival is None:
            return False
        self.oldest_due = self.oldest_due or arrival.received_at
        if arrival.tries > TRIES:  # whoever read it died, three times
            self._settle(arrival, ArrivalState.QUARANTINED, arrival.reason or "tries")
            return True
        adapter = self.channels[arrival.channel]
        try:
            items = self._read(adapter, arrival)
        except MalformedPayload:
            self._settle(arrival, ArrivalState.QUARANTINED, "malformed")
            return True
        except Exception as error:  # noqa: BLE001 - an adapter that raises is a bug; the others go on
            self._fail(arrival, f"adapter: {type(error).__name__}")
            return True
        reasons = []
        # A delivery with one message is settled by the transaction that routes it: one commit less.
        self.settled = None if len(items) == 1 else False
        for item in items:
            try:
                reason = self._take(adapter, item, arrival)
            except ConcurrentUpdate:
                self._fail(arrival, "storage.concurrent")
                return True
            if reason is not None:
                reasons.append(reason)
        if reasons:
            self._settle(arrival, ArrivalState.QUARANTINED, reasons[0])
        elif self.settled:
            self.count("routed")
        else:
            self._settle(arrival, ArrivalState.ROUTED, None)
        return True

    def _read(self, adapter: Any, arrival: Arrival) -> list[Arrived]:
        payload = payload_of(arrival)

        def read() -> list[Arrived]:
            return list(adapter.receive(payload))

        items = within(self.lease.total_seconds() / 2, read)
        for item in items:
            if not isinstance(item, Inbound | Receipt | Signal | Unparsed):
                raise TypeError(f"receive() must give Inbound, Receipt, Signal or Unparsed, not {type(item).__name__}")
        return items

    def _take(self, adapter: ChannelAdapter, item: Arrived, arrival: Arrival) -> str | None:
        """Let one entry have its effect; return why it needs a person, if it does."""
        match item:
            case Unparsed():
                return f"unparsed: {item.reason}"[:200]
            case Receipt():
                is_known = note_receipt(self.runner, adapter, item, arrival.received_at)
                self.count("receipts")
                self.count("unmatched", not is_known)
                return None
            case Signal():
                self.count("signals")
                try:
                    self.count("unmatched", not heed(self.intake, adapter, item))
                except LimitExceeded as error:
                    return error.code
                return None
            case _:
                return self._route(adapter, item, arrival)

    def _route(self, adapter: ChannelAdapter, item: Inbound, arrival: Arrival) -> str | None:
        accounts: Iterable[str] | None = getattr(adapter, "accounts", None)
        if accounts is not None and item.account not in accounts:
            return "unknown_account"

        def settle(unit: ReceivingUnit) -> None:
            self.settled = unit.settle_arrival(arrival, ArrivalState.ROUTED, now=self.runner.clock.now())
            goes_on = self.left > 0 and not (self.stop is not None and self.stop())
            self.ahead = self._next(unit) if goes_on else None

        also = settle if self.settled is None else None
        try:
            routed = self.intake.route(adapter, item, arrival.received_at, also=also)
        except BaseException as error:
            self.ahead = None  # what was claimed was rolled back with the rest
            match error:
                case Quarantine():
                    return error.reason
                case WorkflowError():
                    return error.code
            raise
        if routed.outcome in {Outcome.DUPLICATE, Outcome.IGNORED}:
            # Also where a try before this one had got further, and was lost.
            self.settled, self.ahead = False, None
        self.count(_COUNTS[routed.outcome])
        self.count("flagged", routed.flagged)
        return None

    def _fail(self, arrival: Arrival, reason: str) -> None:
        """Leave a delivery for the next try, after its lease; after the third one a person has to look at it."""
        self.problems.append((arrival.channel, reason))
        if arrival.tries >= TRIES:
            self._settle(arrival, ArrivalState.QUARANTINED, reason, told=True)
        else:
            self.count("failed")
            due = arrival.lease_until
            self.next_due = due if self.next_due is None or due is None else min(self.next_due, due)

    def _settle(self, arrival: Arrival, state: ArrivalState, reason: str | None, *, told: bool = False) -> None:
        with self.runner.storage.begin(self.runner.tenant) as unit:
            mine = cast("ReceivingUnit", unit).settle_arrival(
                arrival, state, now=self.runner.clock.now(), reason=reason
            )
        if not mine:
            return
        self.count("routed" if state is ArrivalState.ROUTED else "quarantined")
        if reason is not None and not told:
            self.problems.append((arrival.channel, reason))
