"""Who takes part: actors, customers, agents, teams, tiers."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import attrs

from supportkit.model.fields import NO_FIELDS, Fields


class ActorKind(StrEnum):
    """What kind of somebody acts or writes."""

    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"
    EXTERNAL = "external"


@attrs.frozen
class Actor:
    """Who gave a command: a kind and an id, written `agent:kim`.

    Attributes:
        kind: What kind of somebody it is.
        id: The id of the person or program; empty only for the system itself.
    """

    kind: ActorKind = attrs.field(converter=ActorKind)
    id: str = ""

    @classmethod
    def parse(cls, text: str) -> Actor:
        """Read `kind:id`; `system` may stand alone.

        Raises:
            ValueError: The kind is unknown, or a person has no id.
        """
        kind, _, name = text.partition(":")
        try:
            actor = cls(ActorKind(kind), name)
        except ValueError:
            kinds = ", ".join(ActorKind)
            raise ValueError(f"an actor is written kind:id, such as agent:kim, with a kind of {kinds}") from None
        if not name and actor.kind is not ActorKind.SYSTEM:
            raise ValueError(f"the actor {kind!r} has no id: write {kind}:id")
        return actor

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.id}" if self.id else self.kind.value


SYSTEM = Actor(ActorKind.SYSTEM)


class AddressStatus(StrEnum):
    """Whether an address was proved to belong to the customer, or is only claimed."""

    CLAIMED = "claimed"
    VERIFIED = "verified"


@attrs.frozen(kw_only=True)
class Address:
    """Where a customer can be reached on one family of channels.

    Attributes:
        family: The channel family (`email`, `chat`, `sms` ...).
        value: The address as it was given.
        status: Claimed or verified.
    """

    family: str
    value: str = attrs.field(repr=False)
    status: AddressStatus = AddressStatus.CLAIMED


@attrs.frozen(kw_only=True)
class Customer:
    """A person or company that asks; one person on many channels is one customer.

    Attributes:
        locale: A BCP 47 tag such as `ru` or `zh-Hans`; which language to answer in.
        timezone: An IANA zone name; how times are told to this customer.
    """

    id: str
    tenant: str
    name: str = attrs.field(default="", repr=False)
    addresses: tuple[Address, ...] = attrs.field(default=(), repr=False)
    locale: str = "en"
    timezone: str = "UTC"
    segment: str | None = None
    tags: tuple[str, ...] = attrs.field(default=(), repr=False)
    fields: Fields = attrs.field(default=NO_FIELDS, repr=False)
    created_at: dt.datetime
    version: int = 1

    def address(self, family: str) -> str | None:
        """Return the address to use on *family*: the first verified one, else the first claimed one, else `None`."""
        mine = [address for address in self.addresses if address.family == family]
        mine.sort(key=lambda address: address.status is not AddressStatus.VERIFIED)
        return mine[0].value if mine else None


@attrs.frozen(kw_only=True)
class Tier:
    """A support line. Tiers 4 and 5 are other organisations by default."""

    level: int
    name: str
    external: bool = False


TIERS = (
    Tier(level=1, name="help desk"),
    Tier(level=2, name="specialists"),
    Tier(level=3, name="experts"),
    Tier(level=4, name="vendor", external=True),
    Tier(level=5, name="vendor's vendor", external=True),
)
