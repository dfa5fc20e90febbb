"""`desk.quarantine`: deliveries that could not be read or routed, kept raw until a person has looked at them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import cast

import attrs

from supportkit.clock import to_utc
from supportkit.errors import NotFound, Refused
from supportkit.lifecycle import Refusal
from supportkit.model.conversation import Arrival, ArrivalState
from supportkit.runner import Runner
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import Expiring

KEEP = dt.timedelta(days=30)


@attrs.frozen(kw_only=True)
class Quarantined:
    """A delivery in quarantine, without its words.

    Attributes:
        size: Bytes.
        tries: How often somebody tried to read it.
    """

    id: str
    channel: str
    account: str
    received_at: dt.datetime
    reason: str
    tries: int
    size: int


@attrs.frozen
class Untrusted:
    """The raw bytes of a delivery. Whoever sent them chose every one: do not show them as HTML, do not run them."""

    body: bytes = attrs.field(repr=False)
    head: str = attrs.field(repr=False)


@attrs.frozen
class Quarantine:
    """Looks at, mends and reads again what nobody could read; a message that had its effect never has it twice."""

    _runner: Runner
    _process: Callable[[], object]

    def list(self, *, limit: int = 100, after: str | None = None) -> Sequence[Quarantined]:
        """Return up to *limit* deliveries by age, beginning after the id *after*."""
        with self._runner.reading() as unit:
            found = cast("ReceivingUnit", unit).arrivals([ArrivalState.QUARANTINED], limit=limit, after=after)
        return [_without_words(one) for one in found]

    def show(self, delivery: str) -> tuple[Quarantined, Untrusted]:
        """Return one delivery with its raw bytes.

        Raises:
            NotFound: There is none with this id in quarantine.
        """
        found = self._get(delivery)
        return _without_words(found), Untrusted(found.body, found.head)

    def export(self, delivery: str) -> bytes:
        """Return the raw bytes of a delivery, exactly as they arrived.

        Raises:
            NotFound: There is none with this id in quarantine.
        """
        return self._get(delivery).body

    def fix(self, delivery: str, body: bytes) -> Quarantined:
        """Put other bytes in the place of those that could not be read, which `reprocess` reads; return the delivery.

        Raises:
            NotFound: There is none with this id in quarantine.
            TypeError: *body* is not bytes.
        """
        if not isinstance(body, bytes):
            raise TypeError(f"the body of a delivery is bytes, not {type(body).__name__}")
        mended = attrs.evolve(self._get(delivery), body=body)
        self._change(mended)
        return _without_words(mended)

    def reprocess(self, delivery: str | None = None) -> int:
        """Read a delivery again, or all of them; return how many were given back.

        Raises:
            NotFound: There is none with this id in quarantine.
        """
        if delivery is not None:
            chosen: Sequence[Arrival] = [self._get(delivery)]
        else:
            chosen = self._all()
        for one in chosen:
            again = attrs.evolve(
                one, state=ArrivalState.RECEIVED, tries=0, lease_until=None, settled_at=None, reason=None
            )
            self._change(again)
        self._process()
        return len(chosen)

    def purge(self, before: dt.datetime | None = None, *, limit: int = 500) -> int:
        """Delete what was settled before an instant, 30 days ago by default; return how many deliveries."""
        instant = self._runner.clock.now() - KEEP if before is None else to_utc(before, "before")
        with self._runner.storage.begin(self._runner.tenant) as unit:
            return unit.drop_expired(Expiring.ARRIVALS, instant, limit)

    def _all(self) -> Sequence[Arrival]:
        found: list[Arrival] = []
        after = None
        while True:
            with self._runner.reading() as unit:
                page = cast("ReceivingUnit", unit).arrivals([ArrivalState.QUARANTINED], limit=100, after=after)
            if not page:
                return found
            found += page
            after = page[-1].id

    def _get(self, delivery: str) -> Arrival:
        with self._runner.reading() as unit:
            found = cast("ReceivingUnit", unit).arrival(delivery)
        if found is None or found.state is not ArrivalState.QUARANTINED:
            raise NotFound("delivery in quarantine", delivery)
        return found

    def _change(self, arrival: Arrival) -> None:
        with self._runner.storage.begin(self._runner.tenant) as unit:
            if not cast("ReceivingUnit", unit).change_arrival(arrival):
                raise Refused(Refusal("quarantine.busy", "somebody else is at work on this delivery: look again"))


def _without_words(arrival: Arrival) -> Quarantined:
    return Quarantined(
        id=arrival.id,
        channel=arrival.channel,
        account=arrival.account,
        received_at=arrival.received_at,
        reason=arrival.reason or "",
        tries=arrival.tries,
        size=len(arrival.body),
    )
