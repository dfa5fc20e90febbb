"""From work to people: shrinkage, seats around the clock, team leads."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import attrs

from supportkit.measures.checks import count, exact, not_negative, positive, share

WEEK_HOURS = 168
SPAN = (8, 15)
"""Smallest and largest team of one lead."""


def scheduled_agents(base: float, shrinkage: Iterable[float | str], *, additive: bool = False) -> float:
    """Return how many must be scheduled so that *base* are there: base / (1 - s), never base * (1 + s).

    Args:
        base: Agents needed at work.
        shrinkage: Shares of time that are lost: holidays, illness, training, breaks.
        additive: True where every part is a share of the paid time, so that they add; false where each is a share of
            what the part before leaves, so that they multiply.

    Raises:
        ValueError: A share outside of 0..1, or nothing is left.
    """
    needed = exact(not_negative(base, "base"), "base")
    parts = [exact(value, "a shrinkage") for value in shrinkage]
    for part in parts:
        share(part, "a shrinkage")
    left = Fraction(1)
    for part in parts:
        left = left - part if additive else left * (1 - part)
    if left <= 0:
        raise ValueError("the shrinkage leaves no working time")
    return float(needed / left)


def fte_for_seats(hours_per_week: float, *, seats: float = 1, fte_hours: float = 40, shrinkage: float = 0) -> float:
    """Return the full-time equivalents that keep seats occupied: one around the clock takes 4.2, 6.0 at 30 % shrinkage.

    Args:
        hours_per_week: Hours a week that a seat is occupied, at most 168.
        seats: How many at once.
        fte_hours: Paid hours of a full-time week.
        shrinkage: Share of the paid time that is lost.

    Raises:
        ValueError: A number out of range, or nothing is left.
    """
    hours = exact(not_negative(hours_per_week, "hours_per_week"), "hours_per_week")
    if hours > WEEK_HOURS:
        raise ValueError(f"a week has {WEEK_HOURS} hours, not {hours_per_week}")
    places = exact(not_negative(seats, "seats"), "seats")
    paid = exact(positive(fte_hours, "fte_hours"), "fte_hours")
    lost = exact(share(shrinkage, "shrinkage"), "shrinkage")
    if lost == 1:
        raise ValueError("the shrinkage leaves no working time")
    return float(hours * places / (paid * (1 - lost)))


@attrs.frozen(kw_only=True)
class LeadCount:
    """How many leads a number of agents needs.

    Attributes:
        least: With teams as large as allowed.
        most: With teams as small as allowed.
        feasible: Whether teams of the allowed size can be formed at all.
        warnings: `span_infeasible` where they cannot.
    """

    least: int
    most: int
    feasible: bool
    warnings: tuple[str, ...] = ()


def team_leads(agents: int, *, span: tuple[int, int] = SPAN) -> LeadCount:
    """Return ceil(n / largest) .. floor(n / smallest) leads; too few agents still get one, with a warning.

    Raises:
        ValueError: A negative number of agents, or a span that is none.
    """
    n = count(agents, "agents")
    smallest, largest = (count(value, "span") for value in span)
    if not 1 <= smallest <= largest:
        raise ValueError(f"a span goes from at least 1 to no less, not {span!r}")
    least, most = -(-n // largest), n // smallest
    if least <= most:
        return LeadCount(least=least, most=most, feasible=True)
    return LeadCount(least=least, most=max(least, most), feasible=False, warnings=("span_infeasible",))
