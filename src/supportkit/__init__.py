"""A support desk as a library: tickets, promises, channels, surveys and numbers that can be defended.

Names are resolved when they are first used (PEP 562), so `import supportkit` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from supportkit.aio import AsyncDesk
    from supportkit.channels.port import Accepted, Capabilities, Deferred, Outbound, Rejected
    from supportkit.channels.printer import Printer
    from supportkit.clock import ManualClock, SystemClock
    from supportkit.desk import Desk
    from supportkit.engine.notices import Notices
    from supportkit.engine.rules import FOLLOW_UP, REOPEN, AfterClose, Limits, TierPolicy, reopen_within
    from supportkit.errors import (
        ConcurrentUpdate,
        ConfigurationError,
        IdempotencyConflict,
        IllegalTransition,
        Refused,
        StorageUnavailable,
        SupportkitError,
        TicketNotFound,
    )
    from supportkit.hooks.specs import Classification, hookimpl
    from supportkit.lifecycle import Lifecycle, LifecycleSpec, Refusal, State, Transition
    from supportkit.model.message import Message, MessageKind, Note
    from supportkit.model.people import Actor, Address, Customer, Tier
    from supportkit.model.ticket import ClosingReason, LinkKind, Priority, StateCategory, Ticket
    from supportkit.storage.port import TicketQuery

_HOMES = {
    "aio": ("AsyncDesk",),
    "channels.port": ("Accepted", "Capabilities", "Deferred", "Outbound", "Rejected"),
    "channels.printer": ("Printer",),
    "clock": ("ManualClock", "SystemClock"),
    "desk": ("Desk",),
    "engine.notices": ("Notices",),
    "engine.rules": ("FOLLOW_UP", "REOPEN", "AfterClose", "Limits", "TierPolicy", "reopen_within"),
    "errors": (
        "ConcurrentUpdate",
        "ConfigurationError",
        "IdempotencyConflict",
        "IllegalTransition",
        "Refused",
        "StorageUnavailable",
        "SupportkitError",
        "TicketNotFound",
    ),
    "hooks.specs": ("Classification", "hookimpl"),
    "lifecycle": ("Lifecycle", "LifecycleSpec", "Refusal", "State", "Transition"),
    "model.message": ("Message", "MessageKind", "Note"),
    "model.people": ("Actor", "Address", "Customer", "Tier"),
    "model.ticket": ("ClosingReason", "LinkKind", "Priority", "StateCategory", "Ticket"),
    "storage.port": ("TicketQuery",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "FOLLOW_UP",
    "REOPEN",
    "Accepted",
    "Actor",
    "Address",
    "AfterClose",
    "AsyncDesk",
    "Capabilities",
    "Classification",
    "ClosingReason",
    "ConcurrentUpdate",
    "ConfigurationError",
    "Customer",
    "Deferred",
    "Desk",
    "IdempotencyConflict",
    "IllegalTransition",
    "Lifecycle",
    "LifecycleSpec",
    "Limits",
    "LinkKind",
    "ManualClock",
    "Message",
    "MessageKind",
    "Note",
    "Notices",
    "Outbound",
    "Printer",
    "Priority",
    "Refusal",
    "Refused",
    "Rejected",
    "State",
    "StateCategory",
    "StorageUnavailable",
    "SupportkitError",
    "SystemClock",
    "Ticket",
    "TicketNotFound",
    "TicketQuery",
    "Tier",
    "TierPolicy",
    "Transition",
    "hookimpl",
    "reopen_within",
]


def __getattr__(name: str) -> object:
    """Import the home of *name* and keep it."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'supportkit' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"supportkit.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name everything that is public."""
    return [*globals(), *__all__]
