"""`Vendor`: another organisation that works on tickets, and how it is reached."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import attrs

from supportkit.errors import InvalidEscalation
from supportkit.escalation import reading as read
from supportkit.sla.terms import write_duration

_KEYS = ("name", "channel", "address", "also", "tier", "calendar", "target")


@attrs.frozen(kw_only=True)
class Vendor:
    """Another organisation whose product is involved.

    Attributes:
        name: What events, clocks and people call it.
        channel: The adapter that it is written to by.
        address: Where on that channel.
        also: Further addresses that it writes from; `@acme.example` stands for all of a domain.
        tier: The line that it is.
        calendar: The name of a calendar of the service levels: when it works.
        target: How long it may take, in open time of its calendar. A row of the policy may say more; see EXTERNAL.
    """

    name: str
    channel: str
    address: str = attrs.field(repr=False)
    also: tuple[str, ...] = attrs.field(default=(), repr=False)
    tier: int = 4
    calendar: str | None = None
    target: dt.timedelta | None = None

    @classmethod
    def from_dict(cls, data: Any) -> Vendor:
        """Return what `to_dict` wrote, or what a file describes.

        Raises:
            InvalidEscalation: Something in it is unknown, missing or malformed.
        """
        known = read.table(data, "a vendor", _KEYS)
        for key in ("name", "channel", "address"):
            if key not in known:
                raise InvalidEscalation(f"a vendor needs {key!r}")
        name = read.name(known["name"], "the name of a vendor")
        what = f"vendor {name!r}"
        return cls(
            name=name,
            channel=read.name(known["channel"], f"{what}, channel"),
            address=read.name(known["address"], f"{what}, address"),
            also=read.names(known.get("also", ()), f"{what}, also"),
            tier=read.level(known.get("tier", 4), f"{what}, tier"),
            calendar=read.optional_name(known.get("calendar"), f"{what}, calendar"),
            target=None if known.get("target") is None else read.duration(known["target"], f"{what}, target"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, ready for JSON or TOML."""
        plain: dict[str, Any] = {"name": self.name, "channel": self.channel, "address": self.address}
        if self.also:
            plain["also"] = list(self.also)
        plain["tier"] = self.tier
        if self.calendar is not None:
            plain["calendar"] = self.calendar
        if self.target is not None:
            plain["target"] = write_duration(self.target)
        return plain

    def writes_from(self, channel: str, address: str) -> bool:
        """Tell whether an address of a channel is one of this vendor's, in any case of letters."""
        if channel != self.channel:
            return False
        given = address.casefold()
        for one in (self.address, *self.also):
            own = one.casefold()
            if given == own or (own.startswith("@") and given.endswith(own)):
                return True
        return False


def read_vendors(given: Iterable[Any]) -> tuple[Vendor, ...]:
    """Return vendors of values or of the tables of a file.

    Raises:
        InvalidEscalation: One is malformed, or two have one name.
    """
    found = tuple(one if isinstance(one, Vendor) else Vendor.from_dict(one) for one in read.items(given, "vendors"))
    seen: set[str] = set()
    for vendor in found:
        if vendor.name in seen:
            raise InvalidEscalation(f"two vendors are called {vendor.name!r}")
        seen.add(vendor.name)
    return found
