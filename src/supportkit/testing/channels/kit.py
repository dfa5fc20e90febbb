"""What the parts of the channel contract share: fixtures, and a few functions that use nothing but the port."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings

from supportkit.channels.inbound import Arrived, Inbound, Payload, Receipt, Signal, Unparsed
from supportkit.channels.port import Accepted, Capabilities, Deferred, Delivery, Outbound, Rejected
from supportkit.errors import MalformedPayload
from supportkit.testing.channels.rig import Provided, Rig, Sample
from supportkit.testing.fakes.wire import Taken

ARRIVAL = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
"""When a sample arrives that does not say when."""
TEXTS: Mapping[str, str] = {
    "Latin": "Grüße aus Århus, „très bien“ ß",
    "Cyrillic": "Принтер не печатает, ёлки",
    "Chinese": "打印机坏了。请尽快处理",
    "Arabic": "الطابعة لا تعمل ١٢٣",
    "emoji": "👩‍👩‍👧‍👦 🇩🇪 👍🏽 😀",
    "markup": "<b>a</b> & 'b' \"c\" *d* _e_ `f` [g](h) {i} {{j}} $k \\n %s &amp;",
    "lines": "one\ntwo\n\n\tthree",
}
SLACK = 3.0
"""Seconds that a call may take beyond its time-out on a busy machine."""


class ChannelKit:
    """The fixtures and settings of the contract.

    Attributes:
        samples: Deliveries of the provider; at least one for each kind of delivery.
        examples: How many random bodies are tried.
        unmistakable_ids: Why ids of this provider's people cannot be taken for those of another one; empty where
            `Capabilities.addresses` names a kind of its own.
    """

    samples: Sequence[Sample] = ()
    examples: int = 200
    unmistakable_ids: str = ""

    @pytest.fixture
    def rig(self) -> Rig:
        """Give an adapter and its provider, fresh for each test."""
        raise NotImplementedError("a channel contract needs a fixture `rig`: an adapter and its provider")

    def generated(self) -> settings:
        """Return settings for generated cases that are the same in every run."""
        return settings(
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=self.examples,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )

    def inbound_samples(self, rig: Rig) -> list[tuple[str, Sample]]:
        """Return the samples of deliveries and their names, or skip where the channel does not receive."""
        declared(rig, "inbound")
        found = [(one.name or f"sample {index}", one) for index, one in enumerate(self.samples) if one.answer is None]
        if not found:
            pytest.fail("a channel that receives needs `samples`: real deliveries, and what they say")
        return found

    def signed_samples(self, rig: Rig) -> list[tuple[str, Sample]]:
        """Return the samples whose signature counts, or skip where the provider signs nothing."""
        declared(rig, "signed")
        return [(name, arrived(sample)) for name, sample in self.inbound_samples(rig)]


def able(rig: Rig) -> Capabilities:
    """Return what the adapter declares."""
    found: Capabilities = rig.adapter.capabilities
    return found


def declared(rig: Rig, capability: str) -> None:
    """Skip unless the adapter declares a capability."""
    if not getattr(able(rig), capability):
        pytest.skip(f"the channel declares {capability}=False")


def sending(rig: Rig) -> Provided:
    """Return the provider of a channel that sends; skip where it does not."""
    declared(rig, "outbound")
    if rig.provider is None:
        pytest.fail("a channel that sends needs `Rig.provider`, where its messages arrive")
    return rig.provider


def arrived(sample: Sample) -> Sample:
    """Return a sample whose delivery has arrived at some instant."""
    if sample.payload.received_at is not None:
        return sample
    return attrs.evolve(sample, payload=attrs.evolve(sample.payload, received_at=ARRIVAL))


def read(rig: Rig, payload: Payload) -> list[Arrived]:
    """Return what the adapter makes of a delivery."""
    return list(rig.adapter.receive(payload))


def read_or_refused(rig: Rig, payload: Payload, what: str) -> list[Arrived] | None:
    """Return sound values, `None` for `MalformedPayload`; anything else is a failure that says *what* was tried."""
    try:
        values = read(rig, payload)
    except MalformedPayload:
        return None
    except Exception as error:  # noqa: BLE001 - carried into the sentence
        pytest.fail(f"{what}: receive() raised {type(error).__name__}: {str(error)[:200]}")
    for value in values:
        wrong = unsound(value)
        assert not wrong, f"{what}: {wrong}"
    return values


_TEXTS: dict[type, tuple[str, ...]] = {
    Inbound: ("account", "sender", "body"),
    Receipt: ("account",),
    Signal: ("account", "sender"),
    Unparsed: ("reason",),
}
_PERHAPS: dict[type, tuple[str, ...]] = {
    Inbound: ("sender_name", "thread", "token", "subject", "html", "locale"),
    Receipt: ("message", "recipient", "reason"),
    Signal: ("thread", "value"),
    Unparsed: (),
}


def unsound(value: object) -> str:
    """Return what is wrong with a value that an adapter gave, as a sentence; empty where nothing is."""
    kind = type(value)
    if kind not in _TEXTS:
        return f"receive() gave a {kind.__name__}, not Inbound, Receipt, Signal or Unparsed"
    return next(_complaints(value, kind), "")


def _complaints(value: object, kind: type) -> Iterator[str]:
    for name in (*_TEXTS[kind], *_PERHAPS[kind]):
        field = getattr(value, name)
        if not isinstance(field, str) and (field is not None or name in _TEXTS[kind]):
            yield f"{kind.__name__}.{name} is a {type(field).__name__}, not text"
    if isinstance(value, Inbound):
        if not value.sender:
            yield "Inbound.sender is empty"
        for name in ("reply_to", "participants"):
            if not all(isinstance(one, str) for one in getattr(value, name)):
                yield f"Inbound.{name} has something in it that is not text"
    if isinstance(value, Unparsed) and not (type(value.index) is int and value.index >= 0):
        yield "Unparsed.index is not a number from 0"
    for name in ("sent_at", "at"):
        instant = getattr(value, name, None)
        if instant is not None and (not isinstance(instant, dt.datetime) or instant.tzinfo is None):
            yield f"{kind.__name__}.{name} is not an aware instant"


def outbound(rig: Rig, body: str = "We are on it.", id_: str = "0190-delivery-1", **more: Any) -> Outbound:
    """Return a message on its way out."""
    return Outbound(
        **{"id": id_, "recipient": rig.recipient, "account": rig.account, "body": body, "timeout": 5.0} | more
    )


def send(rig: Rig, message: Outbound) -> Delivery:
    """Send, and fail where the adapter raises or gives something that is no `Delivery`."""
    try:
        delivery = rig.adapter.send(message)
    except Exception as error:  # noqa: BLE001 - an adapter answers with a value, whatever happens
        pytest.fail(f"send() raised {type(error).__name__} instead of returning a Delivery: {str(error)[:200]}")
    assert isinstance(delivery, Accepted | Deferred | Rejected), f"send() returned a {type(delivery).__name__}"
    found: Delivery = delivery
    return found


def bodies(taken: Sequence[Taken]) -> list[str]:
    """Return the texts that arrived."""
    return [one.body for one in taken]


def hidden(rig: Rig) -> tuple[str, ...]:
    """Return everything that must not be seen."""
    return tuple(one for one in (*rig.secrets, *rig.hidden) if one)


def showing(rig: Rig, text: str) -> list[str]:
    """Return the beginnings of the secrets that *text* shows, also without a prefix such as `whsec_`."""
    found = []
    for secret in hidden(rig):
        naked = re.sub(r"^[a-z]{2,6}_", "", secret)
        if secret in text or (len(naked) > 5 and naked in text):  # noqa: PLR2004 - shorter ones stand in any text
            found.append(secret[:3] + "...")
    return found


def in_thread(seconds: float, call: Callable[[], Any]) -> Any:
    """Return what *call* returns, or fail where it takes longer than *seconds*."""
    from supportkit.delivery import within

    try:
        return within(seconds, call)
    except TimeoutError:
        pytest.fail(f"it did not end within {seconds:g} s")
