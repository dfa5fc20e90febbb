"""For the tests of those who write storages, channels and apps: contracts, builders, strategies. Needs `testing`.

A storage proves itself with one class and one fixture:

    from supportkit.testing import StorageContract

    class TestMine(StorageContract):
        @pytest.fixture
        def storage(self, tmp_path):
            ...

A channel does so with `ChannelContract`, a fixture `rig` and samples; `supportkit.testing.fakes` has its provider.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if "pytest" in sys.modules:
    import pytest

    pytest.register_assert_rewrite("supportkit.testing.storage", "supportkit.testing.channels")  # both sides are shown

if TYPE_CHECKING:
    from supportkit.testing.builders import (
        make_customer,
        make_message,
        make_note,
        make_outgoing,
        make_receipt,
        make_ticket,
        make_timer,
        opened,
        sample_events,
        then,
    )
    from supportkit.testing.channels import ChannelContract, Rig, Sample
    from supportkit.testing.storage import StorageContract
    from supportkit.testing.strategies import commands, events, instants, logs, texts, tickets

_HOMES = {
    "builders": (
        "make_customer",
        "make_message",
        "make_note",
        "make_outgoing",
        "make_receipt",
        "make_ticket",
        "make_timer",
        "opened",
        "sample_events",
        "then",
    ),
    "channels": ("ChannelContract", "Rig", "Sample"),
    "storage": ("StorageContract",),
    "strategies": ("commands", "events", "instants", "logs", "texts", "tickets"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ChannelContract",
    "Rig",
    "Sample",
    "StorageContract",
    "commands",
    "events",
    "instants",
    "logs",
    "make_customer",
    "make_message",
    "make_note",
    "make_outgoing",
    "make_receipt",
    "make_ticket",
    "make_timer",
    "opened",
    "sample_events",
    "texts",
    "then",
    "tickets",
]


def __getattr__(name: str) -> object:
    """Import the home of *name* and keep it."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'supportkit.testing' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"supportkit.testing.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name everything that is public."""
    return [*globals(), *__all__]
