"""Support lines as data: read from a file and written back."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from supportkit.errors import InvalidEscalation
from supportkit.escalation import reading as read
from supportkit.model.people import Tier

_KEYS = ("level", "name", "external", "teams", "lead", "calendar", "checklist")


def read_tier(data: Any) -> Tier:
    """Return the line that a table of a file describes.

    Raises:
        InvalidEscalation: Something in it is unknown, missing or malformed.
    """
    known = read.table(data, "a support line", _KEYS)
    for key in ("level", "name"):
        if key not in known:
            raise InvalidEscalation(f"a support line needs {key!r}")
    level = read.level(known["level"], "the level of a line")
    what = f"line {level}"
    return Tier(
        level=level,
        name=read.name(known["name"], f"{what}, name"),
        external=read.flag(known.get("external", False), f"{what}, external"),
        teams=read.names(known.get("teams", ()), f"{what}, teams"),
        lead=read.optional_name(known.get("lead"), f"{what}, lead"),
        calendar=read.optional_name(known.get("calendar"), f"{what}, calendar"),
        checklist=tuple(
            read.identifier(one, f"{what}, checklist")
            for one in read.names(known.get("checklist", ()), f"{what}, checklist")
        ),
    )


def read_tiers(given: Iterable[Any]) -> tuple[Tier, ...]:
    """Return lines of values or of the tables of a file, the lowest first.

    Raises:
        InvalidEscalation: One is malformed, or two have one level.
    """
    found = [one if isinstance(one, Tier) else read_tier(one) for one in read.items(given, "tiers")]
    found.sort(key=lambda tier: tier.level)
    for one, other in itertools.pairwise(found):
        if one.level == other.level:
            raise InvalidEscalation(f"two lines have the level {one.level}")
    return tuple(found)


def plain_tier(tier: Tier) -> dict[str, Any]:
    """Return what `read_tier` reads."""
    plain: dict[str, Any] = {"level": tier.level, "name": tier.name}
    if tier.external:
        plain["external"] = True
    for key in ("teams", "lead", "calendar", "checklist"):
        value = getattr(tier, key)
        if value:
            plain[key] = list(value) if isinstance(value, tuple) else value
    return plain
