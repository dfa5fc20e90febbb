"""Accounts that their provider does not let in: paused, told to an operator, tried again with one delivery at a time.

A wrong password must not bounce answers. While an account is paused its deliveries stay pending and no call is made;
when the pause is over, the delivery that is claimed first is the probe. A pause is a record, so every worker knows it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import cast

import attrs

from supportkit.clock import from_us, to_us
from supportkit.errors import NotFound
from supportkit.model.change import Change, Outgoing
from supportkit.model.record import Record, RecordChange
from supportkit.runner import Runner
from supportkit.storage.codec import dumps, loads
from supportkit.storage.keeping import KeepingUnit
from supportkit.storage.port import UnitOfWork

_log = logging.getLogger("supportkit.delivery")
KIND = "paused_account"
PAUSE = dt.timedelta(minutes=15)
"""How long nobody is called, where the adapter does not say: a person has to mend something first."""
SHORTEST = dt.timedelta(minutes=1)
LONGEST = dt.timedelta(hours=1)
Lane = tuple[str, str]


@attrs.frozen(kw_only=True)
class Pause:
    """An account whose provider refused our log-in, or showed a wrong certificate.

    Attributes:
        channel: The name of the adapter.
        account: Which of ours on it; empty for deliveries that name none.
        since: When it was first refused.
        until: Nobody is called before this instant; then one delivery tries.
        failures: How often it was refused since.
    """

    channel: str
    account: str
    since: dt.datetime
    until: dt.datetime
    failures: int = 1

    @property
    def lane(self) -> Lane:
        """What it holds up: the deliveries of one account of one channel."""
        return self.channel, self.account


@attrs.frozen
class Claimed:
    """A delivery to make.

    Attributes:
        delivery: Under a lease of ours.
        taken_over: Somebody else's lease ran out on it.
        is_probe: Its account is paused, and this one tries.
    """

    delivery: Outgoing
    taken_over: bool
    is_probe: bool = False


def claim(
    runner: Runner, unit: UnitOfWork, now: dt.datetime, *, lease: dt.timedelta, worker: str, channels: Collection[str]
) -> Claimed | None:
    """Lease a delivery of an account that is not paused; one of an account whose pause is over becomes its probe."""
    kept = _stored(runner, unit)
    paused = {lane for lane, (pause, _record) in kept.items() if pause.until > now}
    if paused:
        found = unit.claim_outbox(now, lease=lease, worker=worker, channels=channels, but=paused)
    else:  # a storage without records is never asked for more than it knows
        found = unit.claim_outbox(now, lease=lease, worker=worker, channels=channels)
    if found is None:
        return None
    delivery, taken_over = found
    over = kept.get((delivery.channel, delivery.account))
    if over is None:
        return Claimed(delivery, taken_over)
    # In the transaction of the claim: no other worker makes a second probe meanwhile.
    pause, record = over
    _write(unit, attrs.evolve(pause, until=now + PAUSE), record)
    return Claimed(delivery, taken_over, is_probe=True)


def begin(runner: Runner, unit: UnitOfWork, delivery: Outgoing, now: dt.datetime, after: dt.timedelta | None) -> bool:
    """Pause the account of a delivery that was not let in; false where the storage cannot keep that."""
    if not runner.storage.capabilities.keeps:
        return False
    wait = min(max(after or PAUSE, SHORTEST), LONGEST)
    record = cast("KeepingUnit", unit).record(KIND, _id_of((delivery.channel, delivery.account)))
    if record is None:
        pause = Pause(channel=delivery.channel, account=delivery.account, since=now, until=now + wait)
    else:
        before = _read(record)
        pause = attrs.evolve(before, until=max(now + wait, before.until), failures=before.failures + 1)
    _write(unit, pause, record)
    _log.error("channel %s is not let in by its provider: its account is paused", delivery.channel)
    return True


def lift(unit: UnitOfWork, lane: Lane) -> bool:
    """End the pause of an account; false where it has none."""
    record = cast("KeepingUnit", unit).record(KIND, _id_of(lane))
    if record is None:
        return False
    unit.save(Change(records=(RecordChange(record=record, is_removed=True),)))
    return True


def pauses(runner: Runner, unit: UnitOfWork) -> Sequence[Pause]:
    """Return the accounts that are paused, by channel and account."""
    return tuple([pause for _lane, (pause, _record) in sorted(_stored(runner, unit).items())])


def paused_now(runner: Runner, unit: UnitOfWork, now: dt.datetime, channels: Collection[str]) -> Sequence[Pause]:
    """Return the accounts of some channels that nobody calls at *now*."""
    return tuple([one for one in pauses(runner, unit) if one.channel in channels and one.until > now])


def resume(runner: Runner, lane: Lane) -> None:
    """Let the next worker try an account at once.

    Raises:
        NotFound: It is not paused.
    """
    runner.outside("resume")
    with runner.storage.begin(runner.tenant) as unit:
        if not runner.storage.capabilities.keeps or not lift(unit, lane):
            raise NotFound("paused account", " ".join(lane).strip())


def _stored(runner: Runner, unit: UnitOfWork) -> Mapping[Lane, tuple[Pause, Record]]:
    if not runner.storage.capabilities.keeps:
        return {}
    found = [(_read(record), record) for record in cast("KeepingUnit", unit).records(KIND)]
    return {pause.lane: (pause, record) for pause, record in found}


def _id_of(lane: Lane) -> str:
    """Return an id for a lane, whose names may be longer than ids are."""
    return hashlib.sha256("\0".join(lane).encode("utf-8", "surrogatepass")).hexdigest()


def _read(record: Record) -> Pause:
    plain = loads(record.data)
    since, until = from_us(plain["since"]), from_us(plain["until"])
    return Pause(
        channel=plain["channel"], account=plain["account"], since=since, until=until, failures=plain["failures"]
    )


def _write(unit: UnitOfWork, pause: Pause, before: Record | None) -> None:
    plain = {**attrs.asdict(pause), "since": to_us(pause.since), "until": to_us(pause.until)}
    record = Record(
        tenant=unit.tenant,
        kind=KIND,
        id=_id_of(pause.lane),
        data=dumps(plain),
        version=1 if before is None else before.version + 1,
    )
    unit.save(Change(records=(RecordChange(record=record),)))
