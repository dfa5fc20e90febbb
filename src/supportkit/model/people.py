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
        kind = self.kind._value_  # a quarter of the time of `value`
        return f"{kind}:{self.id}" if self.id else kind


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
        opted_out: Nothing is to be sent to it any more.
        failures: Messages in a row that will never arrive there; the second one makes it dead.
    """

    family: str
    value: str = attrs.field(repr=False)
    status: AddressStatus = AddressStatus.CLAIMED
    opted_out: bool = False
    failures: int = 0

    @property
    def is_dead(self) -> bool:
        """Whether two messages in a row could not be delivered to it for good."""
        return self.failures >= DEAD_AFTER


DEAD_AFTER = 2
"""So many failures in a row for good make an address dead."""


@attrs.frozen(kw_only=True)
class MergedPerson:
    """What a customer brought into another one: enough to take the two apart again.

    Attributes:
        customer: The id of the one who was merged.
        own: The addresses that he had.
        before: The addresses that the survivor had before.
        joined: The addresses that the survivor had right after.
        tickets: The tickets that went over.
    """

    customer: str
    own: tuple[Address, ...] = attrs.field(default=(), repr=False)
    before: tuple[Address, ...] = attrs.field(default=(), repr=False)
    joined: tuple[Address, ...] = attrs.field(default=(), repr=False)
    tickets: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class PendingProof:
    """A one-time code that was made for an address and not used yet.

    Attributes:
        code: A keyed hash of it; the code itself is nowhere.
        until: The first instant at which it is worth nothing.
        tries: How often a wrong one was given.
    """

    family: str
    value: str = attrs.field(repr=False)
    code: str = attrs.field(repr=False)
    until: dt.datetime
    tries: int = 0


@attrs.frozen(kw_only=True)
class Customer:
    """A person or company that asks; one person on many channels is one customer.

    Attributes:
        locale: A BCP 47 tag such as `ru` or `zh-Hans`; which language to answer in.
        timezone: An IANA zone name; how times are told to this customer.
        merged_into: The customer who has taken over addresses and tickets; `None` for one who stands alone.
        merged: Whom this customer has taken over, the last one at the end.
        proofs: Codes that wait to be confirmed.
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
    merged_into: str | None = None
    merged: tuple[MergedPerson, ...] = attrs.field(default=(), repr=False)
    proofs: tuple[PendingProof, ...] = attrs.field(default=(), repr=False)

    def address(self, family: str) -> str | None:
        """Return the address to use on *family*: the first verified one, else the first claimed one, else `None`."""
        mine = [address for address in self.addresses if address.family == family]
        mine.sort(key=lambda address: address.status is not AddressStatus.VERIFIED)
        return mine[0].value if mine else None


@attrs.frozen(kw_only=True)
class Tier:
    """A support line. Tiers 4 and 5 are other organisations by default.

    How long it may hold a ticket is the target of the metric TIER, in a row of the policy that names the level.

    Attributes:
        level: 1 for the line that tickets enter first; higher ones know more.
        external: It is another organisation, which is written to (`Vendor`).
        teams: The teams that work in it, the usual one first.
        lead: The agent who is told when something goes wrong in it.
        calendar: The name of a calendar of the service levels: when it works. Time in the line is counted by it.
        checklist: What a hand-over into this line must say (`summary`, `tried`, `asked`), in the order of reading.
    """

    level: int
    name: str
    external: bool = False
    teams: tuple[str, ...] = ()
    lead: str | None = None
    calendar: str | None = None
    checklist: tuple[str, ...] = ()


TIERS = (
    Tier(level=1, name="help desk"),
    Tier(level=2, name="specialists"),
    Tier(level=3, name="experts"),
    Tier(level=4, name="vendor", external=True),
    Tier(level=5, name="vendor's vendor", external=True),
)
