"""Deferred work, such as e-mail and tickets: a backlog with a promise, not an Erlang queue."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

import attrs

from supportkit.measures.checks import Number, exact, not_negative, number, positive, same_length

MAX_JOBS = 5000
"""More are refused by the bound on capacity, which looks at pairs of instants."""


def backlog_path(start: float, arrivals: Sequence[float], capacity: Sequence[float]) -> tuple[float, ...]:
    """Return the backlog after each period: max(0, before + arrivals - capacity).

    Args:
        start: Backlog before the first period.
        arrivals: New work of each period, in the unit of *start*.
        capacity: Work that can be done in each period.

    Raises:
        ValueError: A negative number, or lists of different length.
    """
    same_length(arrivals, capacity, "arrivals and capacity")
    left = Fraction(not_negative(start, "start"))
    path = []
    for new, done in zip(arrivals, capacity, strict=True):
        change = Fraction(not_negative(new, "arrivals")) - Fraction(not_negative(done, "capacity"))
        left = max(Fraction(0), left + change)
        path.append(float(left))
    return tuple(path)


def agents_to_clear(
    backlog: float, *, target_days: float, daily_inflow: float, productive_hours: float, aht_minutes: float
) -> int:
    """Return how many agents clear a backlog in *target_days* while new work comes in.

    ceil((backlog / days + inflow) / (productive hours * 60 / AHT)).

    Args:
        backlog: Tickets waiting.
        target_days: Working days in which it shall be gone.
        daily_inflow: New tickets a working day.
        productive_hours: Hours a day that an agent really handles tickets, after shrinkage.
        aht_minutes: Mean handling time, in minutes.

    Raises:
        ValueError: A negative number, or no days, hours or handling time.
    """
    numbers = {"target_days": target_days, "productive_hours": productive_hours, "aht_minutes": aht_minutes}
    days, hours, minutes = (exact(positive(value, name), name) for name, value in numbers.items())
    waiting = exact(not_negative(backlog, "backlog"), "backlog")
    inflow = exact(not_negative(daily_inflow, "daily_inflow"), "daily_inflow")
    return math.ceil((waiting / days + inflow) / (hours * 60 / minutes))


@attrs.frozen
class Job:
    """Work with a deadline.

    Attributes:
        release: When it can begin.
        deadline: When it must be done.
        work: How much it is, in agent time.
    """

    release: float
    deadline: float
    work: float

    def __attrs_post_init__(self) -> None:
        number(self.release, "release")
        number(self.deadline, "deadline")
        not_negative(self.work, "work")
        if self.deadline <= self.release:
            raise ValueError(f"a job due at {self.deadline} cannot be released at {self.release}")


def min_capacity_for_deadlines(jobs: Iterable[Job]) -> float | None:
    """Return the smallest constant capacity that keeps every deadline, earliest first; `None` without jobs.

    The demand bound: the largest, over all releases s and deadlines e, of the work released at or after s and due by e,
    divided by e - s. A simulation at this capacity misses nothing, below it something.

    Raises:
        ValueError: More than 5000 jobs.
    """
    work = list(jobs)
    if len(work) > MAX_JOBS:
        raise ValueError(f"at most {MAX_JOBS} jobs can be looked at, not {len(work)}")
    by_deadline = sorted((_frac(job.deadline), _frac(job.release), _frac(job.work)) for job in work)
    best: Fraction | None = None
    for start in sorted({release for _deadline, release, _work in by_deadline}):
        demand = Fraction(0)
        for deadline, release, amount in by_deadline:
            if release >= start:
                demand += amount
                found = demand / (deadline - start)
                best = found if best is None or found > best else best
    return None if best is None else float(best)


def _frac(value: Number) -> Fraction:
    return Fraction(value)
