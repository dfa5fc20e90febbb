"""A plug-in for supportkit: a Telegram bot as a channel."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from supportkit import hookimpl
from supportkit_telegram_example.adapter import API, Telegram

__all__ = ["Telegram", "from_environment", "supportkit_register_channels"]


def from_environment(environment: Mapping[str, str]) -> Telegram | None:
    """Return the channel that the environment describes, `None` where it names no token.

    An adapter without a secret is built all the same: it refuses every delivery as misconfigured and can send.
    """
    token = environment.get("SUPPORTKIT_TELEGRAM_TOKEN", "")
    if not token:
        return None
    secrets = environment.get("SUPPORTKIT_TELEGRAM_SECRET", "").split()
    return Telegram(token=token, secrets=secrets, api=environment.get("SUPPORTKIT_TELEGRAM_API", API))


@hookimpl
def supportkit_register_channels(register: Callable[[Any], None]) -> None:
    """Bring the channel; the environment is read when a desk is built, not when this is imported."""
    adapter = from_environment(os.environ)
    if adapter is not None:
        register(adapter)
