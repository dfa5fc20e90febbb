"""Who takes part: actors, customers, agents, teams, tiers."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Mapping
from enum import StrEnum

import attrs

from supportkit.errors import InvalidStaff
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


EVERYTHING = "everything"
"""The purpose that stands for all of them: refusing it is "do not contact"."""
PURPOSES = ("notices", "surveys", "announcements", "marketing")
"""What the library itself asks consent for; apps may have purposes of their own."""


@attrs.frozen(kw_only=True)
class Consent:
    """What a customer said about being written to for one purpose.

    Attributes:
        purpose: `everything`, or one of `notices`, `surveys`, `announcements`, `marketing`, or the app's own.
        allowed: Agreed or refused.
        at: When.
        source: How it is known: a form, a call, a law.
    """

    purpose: str
    allowed: bool
    at: dt.datetime
    source: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class Customer:
    """A person or company that asks; one person on many channels is one customer.

    Attributes:
        locale: A BCP 47 tag such as `ru` or `zh-Hans`; which language to answer in.
        timezone: An IANA zone name; how times are told to this customer.
        merged_into: The customer who has taken over addresses and tickets; `None` for one who stands alone.
        merged: Whom this customer has taken over, the last one at the end.
        proofs: Codes that wait to be confirmed.
        consents: What this customer agreed to or refused, one for each purpose.
        erased_at: When everything but the ids was taken out for good.
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
    consents: tuple[Consent, ...] = ()
    erased_at: dt.datetime | None = None

    def consent(self, purpose: str) -> bool | None:
        """Return whether this customer agreed to be written to for a *purpose*; `None` where nobody has asked.

        A refusal of everything comes before any agreement.
        """
        found = {one.purpose: one.allowed for one in self.consents}
        return False if found.get(EVERYTHING) is False else found.get(purpose, found.get(EVERYTHING))

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


# -- who answers -----------------------------------------------------------------------------------------------------

MONDAY, SUNDAY = 1, 7


def _in_order(days: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(days)))


@attrs.frozen(kw_only=True)
class Shift:
    """Hours of every week in which an agent is on duty, on the wall clocks of his own time zone.

    Attributes:
        days: ISO weekdays on which the shift begins, 1 (Monday) to 7 (Sunday).
        begins: The first minute of it.
        ends: The first minute after it. Not later than *begins*: it ends on the next day.

    Raises:
        InvalidStaff: A weekday is none, there is none at all, or a time has a zone of its own.
    """

    days: tuple[int, ...] = attrs.field(converter=_in_order)
    begins: dt.time = attrs.field()
    ends: dt.time = attrs.field()

    @days.validator
    def _of_the_week(self, _attribute: object, value: tuple[int, ...]) -> None:
        if not value or value[0] < MONDAY or value[-1] > SUNDAY:
            raise InvalidStaff("a shift", "days", f"{value} are not weekdays from 1 (Monday) to 7 (Sunday)")

    @begins.validator
    @ends.validator
    def _on_the_wall(self, attribute: attrs.Attribute[dt.time], value: dt.time) -> None:
        if value.tzinfo is not None:
            raise InvalidStaff("a shift", attribute.name, "its times are those of the agent's zone: leave theirs out")

    def covers(self, local: dt.datetime) -> bool:
        """Tell whether a wall-clock time lies in it; at a change of clocks the wall clock counts."""
        today, now = local.isoweekday(), local.time().replace(tzinfo=None)
        if self.begins < self.ends:
            return today in self.days and self.begins <= now < self.ends
        yesterday = today - 1 or SUNDAY
        return (today in self.days and now >= self.begins) or (yesterday in self.days and now < self.ends)


def _sorted_pairs(given: Mapping[str, int] | Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    pairs = given.items() if isinstance(given, Mapping) else given
    return tuple(sorted((name, most) for name, most in pairs))


@attrs.frozen(kw_only=True)
class Agent:
    """Somebody who answers.

    Attributes:
        id: What stands in `agent:<id>` of actors and in `Ticket.assignee`.
        name: As customers see it.
        teams: Ids of the teams that he works in.
        tier: The support line that he works on.
        skills: What he knows, in the app's own words.
        languages: BCP 47 tags of the languages in which he can answer, the best one first.
        locale: The language in which the desk talks to him.
        timezone: The IANA zone in which he lives.
        calendar: Name of the calendar of his working hours; `None`: his shifts, or that of his team.
        shifts: His own hours; they come before any calendar.
        capacity: From channel to how many conversations he holds at once there; channels that are not named are
            unlimited, 0 keeps one away from him.
        active: Whether he is to get anything at all.
        deputy: Id of the agent who stands in for him.

    Raises:
        InvalidStaff: The support line or a capacity cannot be meant, or he is his own deputy.
    """

    id: str
    tenant: str = "default"
    name: str = attrs.field(default="", repr=False)
    teams: tuple[str, ...] = ()
    tier: int = 1
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    locale: str = "en"
    timezone: str = "UTC"
    calendar: str | None = None
    shifts: tuple[Shift, ...] = ()
    capacity: tuple[tuple[str, int], ...] = attrs.field(default=(), converter=_sorted_pairs)
    active: bool = True
    deputy: str | None = None
    version: int = 1

    def __attrs_post_init__(self) -> None:
        """Refuse what nobody can mean; whether teams and deputies exist is for the desk to say."""
        who = f"agent {self.id[:60]!r}"
        if not _is_line(self.tier):
            raise InvalidStaff(who, "tier", f"{self.tier!r} is no support line: lines count from 1")
        for channel, most in self.capacity:
            if isinstance(most, bool) or not isinstance(most, int) or most < 0:
                raise InvalidStaff(who, "capacity", f"{most!r} on {channel[:60]!r} is no number from 0 on")
        if self.deputy == self.id:
            raise InvalidStaff(who, "deputy", "nobody stands in for himself")

    def capacity_on(self, channel: str) -> int | None:
        """Return how many conversations he holds at once on a channel; `None`: as many as come."""
        return dict(self.capacity).get(channel)

    def is_on_shift(self, at: dt.datetime) -> bool | None:
        """Tell whether one of his own shifts covers an instant; `None` where he has none, so a calendar decides."""
        if not self.shifts:
            return None
        local = at.astimezone(zoneinfo.ZoneInfo(self.timezone))
        return any(shift.covers(local) for shift in self.shifts)


@attrs.frozen(kw_only=True)
class Team:
    """People who answer together; who they are follows from `Agent.teams`.

    Attributes:
        id: What stands in `Ticket.team`.
        name: As people call it.
        lead: Id of the agent who leads it; he may lead others too.
        calendar: Name of the calendar of its working hours; `None`: that of the service level.
        tier: The support line that it works on; `None`: several.

    Raises:
        InvalidStaff: The support line cannot be meant.
    """

    id: str
    tenant: str = "default"
    name: str = ""
    lead: str | None = None
    calendar: str | None = None
    tier: int | None = None
    version: int = 1

    def __attrs_post_init__(self) -> None:
        """Refuse what nobody can mean."""
        if self.tier is not None and not _is_line(self.tier):
            raise InvalidStaff(
                f"team {self.id[:60]!r}", "tier", f"{self.tier!r} is no support line: lines count from 1"
            )


def _is_line(tier: object) -> bool:
    return isinstance(tier, int) and not isinstance(tier, bool) and tier >= 1
