"""Read by mypy only: what others write against the ports and the hooks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import attrs

from supportkit import (
    Accepted,
    Capabilities,
    Classification,
    Customer,
    Deferred,
    Desk,
    Outbound,
    Refusal,
    Rejected,
    Ticket,
    hookimpl,
)
from supportkit.channels.port import ChannelAdapter, Delivery, FindsSends
from supportkit.clock import Clock
from supportkit.ids import IdSource
from supportkit.model.commands import Command, Open, PairCommand
from supportkit.model.events import Recorded


@attrs.frozen
class Frozen:
    name: str = "frozen"
    capabilities: Capabilities = attrs.field(factory=Capabilities)

    def send(self, message: Outbound) -> Accepted | Deferred | Rejected:
        return Rejected("blocked") if not message.recipient else Deferred("throttled", dt.timedelta(seconds=1))

    def lookup(self, message_id: str) -> Accepted | None:
        return Accepted(message_id)


class Plain:
    @property
    def name(self) -> str:
        return "plain"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(inbound=False)

    def send(self, message: Outbound) -> Delivery:
        return Accepted(message.id)


class Silent:
    name = "silent"
    capabilities = Capabilities()

    def send(self, message: Outbound) -> None:
        del message


class Noon:
    def now(self) -> dt.datetime:
        return dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


class Counting:
    def new_id(self, now_us: int) -> str:
        return str(now_us)

    def reference(self) -> str:
        return "A"


class Plugin:
    @hookimpl
    def supportkit_register_channels(self, register: Callable[[ChannelAdapter], None]) -> None:
        register(Plain())

    @hookimpl
    def supportkit_refuse(self, ticket: Ticket | None, command: Command | PairCommand) -> Refusal | None:
        return None if ticket is None else Refusal("x.y", str(command.actor))

    @hookimpl
    def supportkit_classify(self, command: Open, customer: Customer | None) -> Classification | None:
        return Classification(team=command.team) if customer else None

    @hookimpl
    def supportkit_event_recorded(self, recorded: Recorded, ticket: Ticket) -> None:
        del recorded, ticket


adapters: list[ChannelAdapter] = [Frozen(), Plain()]
finder: FindsSends = Frozen()
clock: Clock = Noon()
ids: IdSource = Counting()
wrong: ChannelAdapter = Silent()  # type: ignore[assignment]
not_a_finder: FindsSends = Plain()  # type: ignore[assignment]

desk = Desk(channels=adapters, clock=clock, ids=ids, plugins=[Plugin()])
