"""`Printer`: a channel that writes to a stream. For demos, first steps and logs."""

from __future__ import annotations

import sys
from typing import TextIO

import attrs

from supportkit.channels.port import Accepted, Capabilities, Delivery, Outbound, Policy


@attrs.frozen(kw_only=True)
class Printer:
    """Prints what would go to the customer.

    Attributes:
        name: Which channel it stands for in a desk.
        stream: Where to write; `None` means what `sys.stdout` is at the time of the call.
        capabilities: Declared like any other; tests change it.
    """

    name: str = "app"
    stream: TextIO | None = attrs.field(default=None, repr=False)
    capabilities: Capabilities = attrs.field(
        factory=lambda: Capabilities(family="chat", inbound=False, policy=Policy.AT_LEAST_ONCE)
    )

    def send(self, message: Outbound) -> Delivery:
        """Write one message, every line of its body behind a bar."""
        stream = sys.stdout if self.stream is None else self.stream
        lines = "".join(f"  | {line}\n" for line in message.body.splitlines() or [""])
        stream.write(f"[{self.name}] to {message.recipient}:\n{lines}")
        stream.flush()
        return Accepted(message.id)
