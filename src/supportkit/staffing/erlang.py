"""Erlang B and C: blocking and waiting with random arrivals, by a recursion that never overflows.

    B_0 = 1, B_k = A B_(k-1) / (k + A B_(k-1))        C = N B / (N - A (1 - B))

Source: A. K. Erlang 1917. Arrivals are Poisson, handling times exponential. Load is in erlangs: arrivals * mean
handling time. Nobody hangs up here; where people do, `erlang_a` is closer to what happens.
"""

from __future__ import annotations

import math

import attrs

from supportkit.measures.checks import count, inner_share, not_negative, positive, share

MAX_AGENTS = 1_000_000
"""More are refused: every step of the recursion is an agent."""


def servers_of(value: object, name: str = "agents") -> int:
    """Return a number of agents, else raise ValueError."""
    if (found := count(value, name)) > MAX_AGENTS:
        raise ValueError(f"{name} must be at most {MAX_AGENTS}, and is {found}")
    return found


def load_of(value: object) -> float:
    """Return a load in erlangs that can be staffed, else raise ValueError."""
    if (found := float(not_negative(value, "the load"))) > MAX_AGENTS:
        raise ValueError(f"the load must be at most {MAX_AGENTS} erlangs, and is {value!r}")
    return found


def erlang_b(servers: int, load: float) -> float:
    """Return the probability that a call is lost when nobody may wait.

    Args:
        servers: Lines or agents.
        load: In erlangs.

    Raises:
        ValueError: Servers that are no whole number of at least 0, or a negative load.
    """
    blocking, erlangs = 1.0, load_of(load)
    for k in range(1, servers_of(servers, "servers") + 1):
        blocking = erlangs * blocking / (k + erlangs * blocking)
    return blocking


def load_for_blocking(servers: int, blocking: float) -> float:
    """Return the load in erlangs with exactly that blocking; times 1 - blocking it is the load carried.

    Raises:
        ValueError: No server, or a blocking outside of 0..1.
    """
    goal = inner_share(blocking, "blocking")
    if servers_of(servers, "servers") == 0:
        raise ValueError("without a server every call is lost, whatever the load")
    low, high = 0.0, 1.0
    while erlang_b(servers, high) < goal:
        low, high = high, 2 * high
    while (middle := (low + high) / 2) not in {low, high}:
        low, high = (middle, high) if erlang_b(servers, middle) < goal else (low, middle)
    return high


def _c_of(agents: int, load: float, blocking: float) -> float:
    if load >= agents:
        return 1.0 if load > 0 else 0.0
    return agents * blocking / (agents - load * (1 - blocking))


def erlang_c(agents: int, load: float) -> float:
    """Return the probability of having to wait; 1 where the load is as much as the agents, 0 without a load.

    Raises:
        ValueError: As in `erlang_b`.
    """
    return _c_of(agents, load_of(load), erlang_b(agents, load))


@attrs.frozen(kw_only=True)
class Queue:
    """A queue with agents, in balance. Made by `queue`.

    Attributes:
        agents: How many work.
        load: In erlangs.
        aht: Mean handling time, in any unit; waits are in the same.
        p_wait: Probability of having to wait.
    """

    agents: int
    load: float
    aht: float
    p_wait: float

    @property
    def is_stable(self) -> bool:
        """Whether the queue ever empties: more agents than load, or no load at all."""
        return self.agents > self.load or self.load == 0

    @property
    def asa(self) -> float:
        """Average speed of answer: mean wait of everybody; infinite in an overloaded queue."""
        return self.p_wait * self.delay_of_delayed if self.is_stable else math.inf

    @property
    def delay_of_delayed(self) -> float:
        """Mean wait of those who wait."""
        if self.load == 0:
            return 0.0
        return self.aht / (self.agents - self.load) if self.is_stable else math.inf

    @property
    def length(self) -> float:
        """Mean number of people waiting."""
        return self.asa * self.load / self.aht if self.load else 0.0

    @property
    def occupancy(self) -> float:
        """Share of their time that agents handle; at most 1."""
        return min(self.load / self.agents, 1.0) if self.agents else (1.0 if self.load else 0.0)

    def p_wait_longer(self, threshold: float) -> float:
        """Return the probability of waiting longer than *threshold*."""
        limit = float(not_negative(threshold, "threshold"))
        if not self.is_stable:
            return 1.0
        return self.p_wait * math.exp(-(self.agents - self.load) * limit / self.aht)

    def service_level(self, threshold: float) -> float:
        """Return the share that is answered within *threshold*."""
        return 1.0 - self.p_wait_longer(threshold)

    def wait_quantile(self, q: float) -> float:
        """Return the wait that a share *q* does not exceed; 0 for all who need not wait.

        Raises:
            ValueError: *q* is not within 0..1.
        """
        place = float(share(q, "q"))
        if not self.is_stable:
            return math.inf
        if place <= 1 - self.p_wait:
            return 0.0
        return self.delay_of_delayed * math.log(self.p_wait / (1 - place)) if place < 1 else math.inf


def queue(agents: int, load: float, aht: float) -> Queue:
    """Return the queue of *agents* under *load* erlangs with a mean handling time *aht*.

    Raises:
        ValueError: As in `erlang_b`, or a handling time that is not above 0.
    """
    time = float(positive(aht, "aht"))
    erlangs = load_of(load)
    return Queue(agents=servers_of(agents), load=erlangs, aht=time, p_wait=erlang_c(agents, erlangs))
