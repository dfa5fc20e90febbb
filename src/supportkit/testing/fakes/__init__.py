"""Providers for tests: real HTTP servers on 127.0.0.1 with faults by script.

    with Fake(Telegram(), log=tmp_path / "taken.log") as fake:
        fake.fail_next(429, retry_after=7)
        adapter = MyTelegram(api=fake.url, token=fake.provider.token)

A fake in a process of its own is `python -m supportkit.testing.fakes telegram --log FILE`.
"""

from __future__ import annotations

from supportkit.testing.fakes.messengers import Meta, Slack, Telegram, Twilio
from supportkit.testing.fakes.plain import Plain, Receiver, idempotent, neither, reconcilable
from supportkit.testing.fakes.server import Fake
from supportkit.testing.fakes.wire import Fault, FaultKind, Provider, Reply, Request, Taken, reply

__all__ = [
    "Fake",
    "Fault",
    "FaultKind",
    "Meta",
    "Plain",
    "Provider",
    "Receiver",
    "Reply",
    "Request",
    "Slack",
    "Taken",
    "Telegram",
    "Twilio",
    "idempotent",
    "neither",
    "reconcilable",
    "reply",
]
