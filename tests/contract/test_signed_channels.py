"""The channel contract over signatures with a time, signed forms and files; and the faults that only they can have."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest
from tests.contract.signed_channels import EVENTS, TEXTS, Carrier, Events, Parcels, Texts, events_rig, texts_rig

from supportkit.channels.inbound import Arrived, Payload, Verified
from supportkit.channels.port import Delivery, Outbound
from supportkit.errors import SignatureMismatch
from supportkit.testing import ChannelContract, Rig

LAST = dt.timedelta(seconds=300)


class TestEvents(ChannelContract):
    samples = EVENTS

    @pytest.fixture
    def rig(self) -> Rig:
        return events_rig()


class TestTexts(ChannelContract):
    samples = TEXTS

    @pytest.fixture
    def rig(self) -> Rig:
        return texts_rig()


def shifted(payload: Payload, seconds: int) -> Payload:
    assert payload.received_at is not None
    return attrs.evolve(payload, received_at=payload.received_at + dt.timedelta(seconds=seconds))


@attrs.frozen(kw_only=True)
class TakesTheFuture(Events):
    """Asks only whether a signature is too old."""

    def verify(self, payload: Payload) -> Verified:
        stamp = int(payload.header_values("X-Slack-Request-Timestamp")[0])
        assert payload.received_at is not None
        ahead = stamp - int(payload.received_at.timestamp())
        return Events.verify(self, shifted(payload, ahead) if ahead > 0 else payload)


@attrs.frozen(kw_only=True)
class TakesTheOld(Events):
    """Never looks at the clock."""

    def verify(self, payload: Payload) -> Verified:
        stamp = int(payload.header_values("X-Slack-Request-Timestamp")[0])
        at = dt.datetime.fromtimestamp(stamp, dt.UTC)
        return Events.verify(self, attrs.evolve(payload, received_at=at))


@attrs.frozen(kw_only=True)
class RefusesTheLastSecond(Events):
    """Says `<` where `<=` is meant."""

    def verify(self, payload: Payload) -> Verified:
        found = Events.verify(self, payload)
        if found.signed_at is not None and abs(found.signed_at - (payload.received_at or found.signed_at)) >= LAST:
            raise SignatureMismatch("stale")
        return found


@attrs.frozen(kw_only=True)
class LeaksUnicodeErrors(Texts):
    def receive(self, payload: Payload) -> list[Arrived]:
        payload.body.decode("ascii")
        for field in payload.body.split(b"&"):
            int(field.partition(b"=")[2] or b"0", 36) if field.startswith(b"MessageSid") else None
        return Texts.receive(self, payload)


@pytest.mark.parametrize(
    ("fault", "said"),
    [(TakesTheFuture, "-301 s: let in"), (TakesTheOld, "301 s: let in"), (RefusesTheLastSecond, "stale")],
)
def test_a_window_with_a_gap_is_found(fault: type[Events], said: str) -> None:
    class Kit(ChannelContract):
        __test__ = False
        samples = EVENTS

    with pytest.raises((Exception, pytest.fail.Exception), match=said) as raised:
        Kit().test_the_window_of_a_signature_has_two_sides(events_rig(fault))
    assert not isinstance(raised.value, pytest.skip.Exception)


def test_wrong_fields_of_a_form_are_tried_too() -> None:
    class Kit(ChannelContract):
        __test__ = False
        samples = TEXTS

    with pytest.raises(pytest.fail.Exception, match=r"MessageSid = .*receive\(\) raised ValueError"):
        Kit().test_every_value_of_every_sample_replaced_by_every_wrong_one(texts_rig(LeaksUnicodeErrors))


def files_rig(cls: type[Carrier] = Carrier, **more: Any) -> Rig:
    provider: Any = Parcels(**more)
    return Rig(adapter=cls(provider=provider), provider=provider, attach=provider.attach)


@attrs.frozen(kw_only=True)
class DropsFiles(Carrier):
    def send(self, message: Outbound) -> Delivery:
        big = [one for one in message.attachments if one.size > 1000]
        return Carrier.send(self, attrs.evolve(message, attachments=()) if big else message)


def test_files_up_to_the_size_promised_are_tried() -> None:
    ChannelContract().test_attachments_up_to_the_size_promised(files_rig())
    with pytest.raises(AssertionError, match="1000 bytes"):
        ChannelContract().test_attachments_up_to_the_size_promised(files_rig(most=999))
    with pytest.raises(AssertionError, match="one byte more than promised"):
        ChannelContract().test_attachments_up_to_the_size_promised(files_rig(DropsFiles))
