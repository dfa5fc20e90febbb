"""How many agents a goal needs: the smallest number, found from below, one step of the recursion a candidate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import attrs

from supportkit.measures.checks import not_negative, positive, share
from supportkit.staffing.erlang import MAX_AGENTS, Queue, _c_of, erlang_b, load_of


@attrs.frozen(kw_only=True)
class Goal:
    """What a queue must be; all that is named must hold.

    Attributes:
        service_level: Share answered within *threshold*.
        threshold: In the unit of the handling time.
        asa: Highest mean wait.
        median_wait: Highest median wait.
        p_wait: Highest probability of waiting.
        occupancy: Highest occupancy.
    """

    service_level: float | None = None
    threshold: float | None = None
    asa: float | None = None
    median_wait: float | None = None
    p_wait: float | None = None
    occupancy: float | None = None

    def __attrs_post_init__(self) -> None:
        if (self.service_level is None) != (self.threshold is None):
            raise ValueError("a service level needs a threshold, and a threshold a service level")
        for name in ("service_level", "p_wait", "occupancy"):
            if (value := getattr(self, name)) is not None:
                share(value, name)
        for name in ("threshold", "asa", "median_wait"):
            if (value := getattr(self, name)) is not None:
                not_negative(value, name)
        if all(value is None for value in attrs.astuple(self)):
            raise ValueError("a goal names at least one of service_level, asa, median_wait, p_wait, occupancy")
        if self.service_level == 1 or self.p_wait == 0:
            raise ValueError("no number of agents answers everybody in time for certain; ask for less than 100 %")
        if self.occupancy == 0 or (self.asa is not None and self.asa == 0):
            raise ValueError("no number of agents brings the mean wait or the occupancy to 0")

    def is_reached_by(self, found: Queue) -> bool:
        """Tell whether a queue is good enough."""
        return (
            (self.service_level is None or found.service_level(self.threshold or 0.0) >= self.service_level)
            and (self.asa is None or found.asa <= self.asa)
            and (self.median_wait is None or found.wait_quantile(0.5) <= self.median_wait)
            and (self.p_wait is None or found.p_wait <= self.p_wait)
            and (self.occupancy is None or found.occupancy <= self.occupancy)
        )


def queues(load: float, aht: float) -> Iterator[Queue]:
    """Yield the stable queues of a load, from the fewest agents up."""
    erlangs, time = load_of(load), float(positive(aht, "aht"))
    agents = max(1, math.floor(erlangs) + 1)
    blocking = erlang_b(agents, erlangs)
    while agents <= MAX_AGENTS:
        yield Queue(agents=agents, load=erlangs, aht=time, p_wait=_c_of(agents, erlangs, blocking))
        agents += 1
        blocking = erlangs * blocking / (agents + erlangs * blocking)


def required_agents(load: float, aht: float, goal: Goal) -> Queue:
    """Return the queue with the fewest agents that reaches *goal*; one agent less does not. At least one is needed.

    Raises:
        ValueError: A negative load, a handling time that is not above 0, or more agents than can be reckoned with.
    """
    return _first(queues(load, aht), goal.is_reached_by)


def _first(candidates: Iterator[Queue], reaches: Callable[[Queue], bool]) -> Queue:
    for candidate in candidates:
        if reaches(candidate):
            return candidate
    raise ValueError(f"the goal needs more than {MAX_AGENTS} agents")
