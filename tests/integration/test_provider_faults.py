"""What a provider does wrong on the wire, for each class of adapter, and what becomes of the answer (9.6)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.contract.sound_channel import Sound

from supportkit import Desk
from supportkit.channels.port import Capabilities
from supportkit.clock import ManualClock
from supportkit.model.change import Outgoing
from supportkit.testing.fakes import Fake, Plain, Taken

KIM = "agent:kim"
IDEMPOTENT, RECONCILABLE, NONE, ONCE = "idempotent", "reconcilable", "none, at least once", "none, at most once"
CLASSES: dict[str, dict[str, Any]] = {
    IDEMPOTENT: {"dedupes_sends": True},
    RECONCILABLE: {"finds_sends": True},
    NONE: {},
    ONCE: {"policy": "at_most_once"},
}
IN_DOUBT = {IDEMPOTENT: ("sent", 1), RECONCILABLE: ("sent", 1), NONE: ("sent", 2), ONCE: ("unknown", 1)}
"""Where the answer ends that the provider took and nobody was told of, and how many messages he has then."""
NOT_TAKEN = {IDEMPOTENT: ("sent", 1), RECONCILABLE: ("sent", 1), NONE: ("sent", 1), ONCE: ("sent", 1)}
NEVER_KNOWN = NOT_TAKEN | {ONCE: ("unknown", 0)}
GONE = dict.fromkeys(CLASSES, ("failed", 0))
TIMEOUT = 0.15


LONG = 30.0


def throttled(provider: Fake) -> None:
    provider.fail_next(429, retry_after=90)


FAULTS: dict[str, tuple[Callable[[Fake], None], dict[str, tuple[str, int]]]] = {
    "accepted, then time-out": (lambda provider: provider.slow(LONG), IN_DOUBT),
    "reset after accept": (Fake.accept_then_drop, IN_DOUBT),
    "accepted, then 500": (lambda provider: provider.accept_then_fail(500), IN_DOUBT),
    "429 with Retry-After": (throttled, NOT_TAKEN),
    "500": (lambda provider: provider.fail_next(500), NEVER_KNOWN),
    "503": (lambda provider: provider.fail_next(503), NOT_TAKEN),
    "410": (lambda provider: provider.fail_next(410), GONE),
    "hang": (Fake.hang, NEVER_KNOWN),
    "garbage answer": (Fake.garbage, IN_DOUBT),
    "success twice": (Fake.answer_twice, NOT_TAKEN),
}


@attrs.frozen
class Rig:
    desk: Desk
    clock: ManualClock
    provider: Fake

    def row(self) -> Outgoing:
        return self.desk.outbox()[0]

    def drain(self) -> None:
        """Deliver until the answer has ended or waits for a person, past every pause."""
        for _ in range(5):
            self.desk.deliver_outbox()
            self.clock.advance(minutes=10)


@pytest.fixture
def rig_for(tmp_path: Path) -> Iterator[Callable[[str], Rig]]:
    opened: list[Any] = []

    def build(able: str) -> Rig:
        plain = Plain(dedupes=able == IDEMPOTENT, finds=able == RECONCILABLE)
        provider = Fake(plain, log=tmp_path / "taken")
        clock = ManualClock("2026-01-05T09:00:00+00:00")
        limits: dict[str, Any] = {"max_body_chars": 2000, "timeout": TIMEOUT * 3}
        able_to = Capabilities(family="chat", inbound=False, **limits, **CLASSES[able])
        sound = Sound(api=provider.url, token=plain.token, secrets=(plain.secret,), name="app", capabilities=able_to)
        desk = Desk(clock=clock, channels=[sound])
        opened.extend([desk, provider])
        ann = desk.customers.add("Ann", addresses={"chat": "ann@chat"})
        desk.open("Printer", "It smokes", customer=ann.id)
        desk.reply(1, "Unplug it", actor=KIM)
        return Rig(desk, clock, provider)

    yield build
    for one in opened:
        one.__exit__(None, None, None)


@pytest.mark.parametrize("able", CLASSES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_provider_ends_as_its_class_promises(
    rig_for: Callable[[str], Rig], fault: str, able: str, tmp_path: Path
) -> None:
    rig = rig_for(able)
    script, ends = FAULTS[fault]
    script(rig.provider)
    rig.drain()
    state, messages = ends[able]
    taken = rig.provider.arrived()
    assert (rig.row().state, len(taken)) == (state, messages)
    assert len({message.key for message in taken}) <= 1
    assert rig.row().possible_duplicate or messages < 2
    log = tmp_path / "taken"
    written = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    assert [Taken(**one) for one in written] == taken
    failed = [type(recorded.event).__name__ for recorded in rig.desk.history(1)].count("DeliveryFailed")
    assert failed == (state == "failed")


@pytest.mark.parametrize("fault", [name for name, (_script, ends) in FAULTS.items() if ends is IN_DOUBT])
def test_a_class_without_help_gets_one_repeat_and_no_second_one(rig_for: Callable[[str], Rig], fault: str) -> None:
    rig = rig_for(NONE)
    for _ in range(5):
        FAULTS[fault][0](rig.provider)
    rig.drain()
    assert (rig.row().state, len(rig.provider.arrived())) == ("unknown", 2)


@pytest.mark.parametrize(("header", "seconds"), [("90", 90), ("0", 0), ("Fri, 31 Dec 1999 23:59:59 GMT", 0)])
def test_the_provider_says_when_to_come_back(rig_for: Callable[[str], Rig], header: str, seconds: int) -> None:
    rig = rig_for(ONCE)
    rig.provider.fail_next(429, retry_after=header)
    assert rig.desk.deliver_outbox(limit=1).deferred == 1
    assert rig.row().available_at == rig.clock.now() + dt.timedelta(seconds=seconds)
    assert rig.row().reason == "throttled"


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "٣", "9" * 40, "Fri, 31 Dec 1999"])
def test_what_cannot_be_read_as_a_time_leaves_the_usual_pause(
    rig_for: Callable[[str], Rig], header: str | None
) -> None:
    rig = rig_for(NONE)
    encoded = None if header is None else header.encode().decode("latin-1")
    rig.provider.fail_next(503, retry_after=encoded)
    rig.desk.deliver_outbox()
    assert dt.timedelta(seconds=8) <= rig.row().available_at - rig.clock.now() <= dt.timedelta(seconds=12)


def test_a_provider_that_is_not_there_surely_took_nothing(rig_for: Callable[[str], Rig]) -> None:
    rig = rig_for(ONCE)
    rig.provider.close()
    report = rig.desk.deliver_outbox()
    assert (report.deferred, rig.row().reason) == (1, "unavailable")


def test_a_look_up_that_fails_leaves_the_doubt(rig_for: Callable[[str], Rig]) -> None:
    rig = rig_for(RECONCILABLE)
    rig.provider.accept_then_drop()
    rig.desk.deliver_outbox()
    rig.provider.close()
    rig.clock.advance(minutes=10)
    assert rig.desk.deliver_outbox().deferred == 1
    assert rig.row().reason == "uncertain"
