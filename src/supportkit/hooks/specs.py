"""The hooks: their names, arguments and meaning. Synchronous, without I/O.

Registration hooks are called once, when a desk is built. Decision hooks are pure: they see frozen values and answer.
Observation hooks are told what is already committed; whatever they do, it changes nothing about that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import pluggy

from supportkit.model.people import Customer
from supportkit.model.ticket import Priority

if TYPE_CHECKING:
    from supportkit.channels.port import ChannelAdapter
    from supportkit.lifecycle import Refusal
    from supportkit.model.commands import Command, Open, PairCommand
    from supportkit.model.events import Recorded
    from supportkit.model.ticket import Ticket
    from supportkit.routing.choosing import Choice

PROJECT = "supportkit"
ENTRY_POINTS = "supportkit.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plug-in as the implementation of the hook of the same name."""

StorageFactory = Callable[[str], Any]


@attrs.frozen(kw_only=True)
class Classification:
    """What a plug-in makes of a new ticket; `None` leaves a value as it is, tags are added."""

    priority: Priority | None = None
    team: str | None = None
    tags: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Route:
    """Who gets a new ticket, in the words of a plug-in.

    Attributes:
        assignee: The id of an agent; `None`: nobody, it waits in the queue.
    """

    assignee: str | None = None


@hookspec
def supportkit_register_channels(register: Callable[[ChannelAdapter], None]) -> None:
    """Call `register(adapter)` for each channel that the plug-in brings. Called once a desk."""


@hookspec
def supportkit_register_storages(register: Callable[[str, StorageFactory], None]) -> None:
    """Call `register(scheme, factory)` for each URL scheme; `factory(url)` returns a storage. Called once a desk."""


@hookspec
def supportkit_register_catalogs(register: Callable[[str, Mapping[str, Any]], None]) -> None:
    """Call `register(locale, texts)` for each locale with texts for customers. Called once a desk.

    *texts* has the tables `notices`, `moments` and `replies`. What the app writes itself lies above them.
    """


@hookspec
def supportkit_refuse(ticket: Ticket | None, command: Command | PairCommand) -> Refusal | None:
    """Refuse a command before it is carried out by returning a `Refusal`; `None` has no objection.

    A plug-in that raises here counts as a refusal: a broken guard must not open the door. A message that comes in is
    recorded all the same.
    """


@hookspec
def supportkit_classify(command: Open, customer: Customer | None) -> Classification | None:
    """Say what a new ticket is about. The first answer that is not `None` counts; who raises is passed over."""


@hookspec
def supportkit_route(command: Open, choice: Choice) -> Route | None:
    """Say who gets a new ticket; *choice* has who could take it, in order, and why others could not.

    The first answer that is not `None` counts; who raises is passed over.
    """


@hookspec
def supportkit_event_recorded(recorded: Recorded, ticket: Ticket) -> None:
    """See an event after its commit; *ticket* is the state after the whole command.

    Best effort: an exception is isolated and counted, a crash between commit and call skips it. What must not be
    missed reads `desk.follow()` instead.
    """


@hookspec
def supportkit_escalated(hook: str, recorded: Recorded, ticket: Ticket) -> None:
    """Be called by an escalation rule after its commit: *hook* is the name that the rule calls.

    *recorded* is the event `HookDue`, with rule and level. Best effort, as `supportkit_event_recorded`.
    """
