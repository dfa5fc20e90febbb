"""Instants and durations in words; the only place of the command line where pendulum stands."""

from __future__ import annotations

import datetime as dt

import pendulum
import typer

_PARTS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def zone_of(name: str) -> str:
    """Return the name of a zone that exists.

    Raises:
        typer.BadParameter: It does not.
    """
    try:
        pendulum.timezone(name)
    except (KeyError, ValueError, OSError):
        raise typer.BadParameter(f"there is no zone {name[:60]!r}; write for example Europe/Rome") from None
    return name


def moment(instant: dt.datetime, zone: str) -> str:
    """Return an instant as people in *zone* read it: `Mon 5 Jan 2026 09:00`."""
    return pendulum.instance(instant).in_timezone(zone).format("ddd D MMM YYYY HH:mm")


def age(instant: dt.datetime, now: dt.datetime) -> str:
    """Return how long ago *instant* was, or how far ahead it is."""
    return (
        pendulum.instance(instant)
        .diff_for_humans(pendulum.instance(now))
        .replace("before", "ago")
        .replace("after", "ahead")
    )


def length(seconds: float) -> str:
    """Return a duration with its two largest parts: `4 h 19 min`."""
    rest = round(seconds)
    parts: list[tuple[int, str]] = []
    for size, unit in _PARTS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append((count, unit))
        if len(parts) == 2:  # noqa: PLR2004 - the two largest
            break
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
