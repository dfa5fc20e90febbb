"""What an author gives to the contract: a rig around the adapter, and samples of what the provider delivers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import attrs

from supportkit.channels.inbound import Answer, Arrived, Payload, Polled
from supportkit.channels.port import Accepted, ChannelAdapter, Delivery, Outbound
from supportkit.model.message import Attachment
from supportkit.testing.fakes.wire import Taken


class Adapter(ChannelAdapter, Protocol):
    """An adapter with everything that it may have; each part is called only where it is declared."""

    def receive(self, payload: Payload) -> Any:
        """Return what a delivery says."""
        ...

    def verify(self, payload: Payload) -> Any:
        """Check a signature."""
        ...

    def answer(self, payload: Payload) -> Answer | None:
        """Return the answer to a challenge."""
        ...

    def lookup(self, message_id: str) -> Accepted | None:
        """Return what the provider took."""
        ...

    def poll(self, cursor: str | None) -> Polled:
        """Fetch what came after *cursor*."""
        ...

    def send(self, message: Outbound) -> Delivery:
        """Hand one message to the provider."""
        ...


class Provided(Protocol):
    """The provider as the contract sees it: `fakes.Fake` is one, and so is any object with these methods."""

    def arrived(self) -> Sequence[Taken]:
        """Return every message that was taken, in order."""
        ...

    def fail_next(self, status: int, *, times: int = 1, retry_after: int | None = None) -> None:
        """Let the next requests fail: 429 is throttled, 500 broken, 400 refused, 401 not let in; nothing is taken."""
        ...

    def hang(self, *, seconds: float = 30.0, times: int = 1) -> None:
        """Let the next requests wait for an answer."""
        ...

    def accept_then_drop(self, *, times: int = 1) -> None:
        """Take the next messages and answer nothing."""
        ...

    def garbage(self, *, times: int = 1) -> None:
        """Take the next messages and answer 200 with something that nobody can read."""
        ...


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


@attrs.frozen(kw_only=True)
class Sample:
    """A real delivery of the provider, people and secrets replaced, signed again, and what it says.

    Attributes:
        payload: Its bytes and headers; `received_at` where the signature has a time.
        expect: The values wanted, in order; empty for a delivery that says nothing to us.
        answer: For a challenge: what it is answered with.
        name: What it shows; stands in the name of a failure.
    """

    payload: Payload
    expect: tuple[Arrived, ...] = attrs.field(default=(), converter=_tuple)
    answer: Answer | None = None
    name: str = ""


def _as_is(text: str) -> str:
    return text


@attrs.frozen(kw_only=True)
class Rig:
    """An adapter and its provider, ready for one test.

    Attributes:
        adapter: The adapter, built with the first of *secrets*.
        provider: Where its messages arrive; needed where it sends.
        secrets: For a signed channel: the secret that the samples are signed with, then another well-formed one.
        with_secrets: Builds the adapter with any number of such secrets, none included.
        sign: Signs a delivery as the provider would; given, each text that arrives is verified too.
        signs_body: False where the provider sends a shared token, which proves nothing about the body.
        hidden: Further secrets that nobody may see, such as tokens for sending.
        recipient: An address that the provider knows.
        account: Which of ours sends.
        spelled: How the provider writes a text into a delivery, where that is not as it is: Slack escapes `<&>`.
        attach: Returns an attachment of that many bytes which the adapter can send.
        receipt: Returns a delivery that tells a status of the message with that id of the provider.
        wait: For a channel that polls: lets so many new deliveries, each with one message, wait at the source, and
            returns the external ids of their messages, in order.
        hide: Lets the source count so many deliveries that it does not hand over.
        break_off: Lets the source break in the middle of the next poll.
    """

    adapter: Any
    provider: Provided | None = None
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    with_secrets: Callable[[tuple[str, ...]], Any] | None = None
    sign: Callable[[Payload], Payload] | None = None
    signs_body: bool = True
    hidden: tuple[str, ...] = attrs.field(default=(), repr=False)
    recipient: str = "1001"
    account: str | None = None
    spelled: Callable[[str], str] = _as_is
    attach: Callable[[int], Attachment] | None = None
    receipt: Callable[[str, str], Payload] | None = None
    wait: Callable[[int], Sequence[str]] | None = None
    hide: Callable[[int], None] | None = None
    break_off: Callable[[], None] | None = None
