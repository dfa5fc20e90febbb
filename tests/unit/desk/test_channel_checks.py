"""What an operator should know of the channels of a desk, and what a desk refuses to be made with."""

from __future__ import annotations

import attrs
import pytest
from tests.channel_rig import ABLE, Pigeon, delivery, message

from supportkit import Desk, ManualClock
from supportkit.channels.port import Capabilities
from supportkit.engine.notices import SILENT
from supportkit.errors import ConfigurationError

NOON = "2026-03-02T12:00:00+00:00"
UNSIGNED = attrs.evolve(ABLE, signed=False)


def found(desk: Desk) -> dict[str, str]:
    return {one.code: one.severity for one in desk.check() if one.code in {"channels", "inbox", "quarantine"}}


def test_a_channel_to_which_anybody_may_push_needs_the_word_insecure() -> None:
    with pytest.raises(ConfigurationError, match=r"'pigeon'.*insecure=True"):
        Desk(channels=[Pigeon(capabilities=UNSIGNED)])
    Desk(channels=[Pigeon(capabilities=attrs.evolve(UNSIGNED, polls=True))]).close()
    with Desk(channels=[Pigeon(capabilities=attrs.evolve(UNSIGNED, insecure=True))]) as desk:
        assert found(desk)["channels"] == "warning"


def test_a_channel_that_only_sends_needs_no_signature() -> None:
    @attrs.frozen
    class Deaf:
        name: str = "deaf"
        capabilities: Capabilities = Capabilities()  # noqa: RUF009 - a frozen value

        def send(self, outbound: object) -> object:
            raise NotImplementedError

    with Desk(channels=[Deaf()]) as desk:  # type: ignore[list-item]  # half an adapter
        assert found(desk)["channels"] == "ok"


def test_what_lies_in_quarantine_or_is_read_by_nobody_is_found() -> None:
    clock = ManualClock(NOON)
    with Desk(channels=[Pigeon()], clock=clock) as desk:
        assert found(desk) == {"channels": "ok", "inbox": "ok", "quarantine": "ok"}
        desk.receive("pigeon", delivery({"id": "m1"}))
        desk.process_inbox()
        desk.receive("pigeon", delivery(message("m2", "ann", "Hello")))
        assert found(desk) == {"channels": "ok", "inbox": "ok", "quarantine": "warning"}
        clock.advance(hours=1)
        assert found(desk)["inbox"] == "error"
        stuck = next(one for one in Desk(desk.storage, clock=clock).check() if one.code == "inbox")
        assert "does not have: pigeon" in stuck.sentence


def test_what_goes_out_by_a_channel_that_a_desk_does_not_have_is_named() -> None:
    clock = ManualClock(NOON)
    with Desk(channels=[Pigeon()], clock=clock, notices=SILENT) as desk:
        desk.receive("pigeon", delivery(message("m1", "ann", "Hello")))
        desk.process_inbox()
        ticket = desk.find().items[0]
        desk.reply(ticket.id, "Coo.", actor="agent:kim")
        assert "outbox.channels" not in {one.code for one in desk.check()}
        without = Desk(desk.storage, clock=clock)
        warned = next(one for one in without.check() if one.code == "outbox.channels")
        assert warned.severity == "warning"
        assert "pigeon" in warned.sentence
        assert desk.deliver_outbox().sent == 1
        assert "outbox.channels" not in {one.code for one in without.check()}
