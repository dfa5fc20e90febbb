"""Erlang A: a queue whose callers lose patience. Closed form, stable also under heavy overload and for long thresholds.

Arrivals at rate lam, handling at rate mu, patience at rate theta, all per one unit of time. Source: C. Palm 1957;
O. Garnett, A. Mandelbaum, M. Reiman 2002 (Manufacturing & Service Operations Management 4).

Above N agents the weight of j waiting is w_0 = 1, w_(j+1) = w_j lam / (N mu + (j + 1) theta); all states below N weigh
1 / B - 1 relative to state N, with B of Erlang B.
"""

from __future__ import annotations

import math

import attrs

from supportkit.measures.checks import inner_share, not_negative, positive
from supportkit.staffing.erlang import MAX_AGENTS, erlang_b, load_of, servers_of

RESCALE = 1e200
"""Weights above this are brought down, together with every sum that was made of them."""
TAIL = 1e-18
"""A weight this small beside the sum so far adds nothing."""


@attrs.frozen(kw_only=True)
class ImpatientQueue:
    """A queue with abandonment, in balance.

    Attributes:
        p_wait: Probability of having to wait.
        p_abandon: Share of callers who hang up.
        mean_queue: Mean number waiting.
        mean_wait: Mean wait of everybody, of those who hang up as well.
        occupancy: Share of their time that agents handle.
        service_level: Share served within the threshold, of all callers; `None` without a threshold.
    """

    p_wait: float
    p_abandon: float
    mean_queue: float
    mean_wait: float
    occupancy: float
    service_level: float | None


@attrs.define
class _Sums:
    """What is added up over the number waiting; all of it is scaled alike."""

    below: float
    weight: float = 1.0
    waiting: float = 0.0  # sum of w_j
    length: float = 0.0  # sum of j w_j
    in_time: float = 0.0  # sum of w_j P(served within T | j ahead)

    def rescale(self) -> None:
        self.below /= RESCALE
        self.weight /= RESCALE
        self.waiting /= RESCALE
        self.length /= RESCALE
        self.in_time /= RESCALE


class _Patience:
    """P(served within T | j ahead) for j = 0, 1, ...: c / (c + j + 1) * (1 - I_x(c + 1, j + 1)), x = exp(-theta T).

    I_x(a, 1) = x^a, and each step adds term_(m+1) = term_m (1 - x) (a + m - 1) / m. The term is kept as a logarithm,
    because x^a underflows for long T although later terms are large.
    """

    def __init__(self, c: float, theta: float, threshold: float) -> None:
        self.c, self.step = c, 0
        self.log_rest = math.log(-math.expm1(-theta * threshold)) if threshold > 0 else -math.inf
        self.log_term = -theta * threshold * (c + 1)
        self.beta = math.exp(self.log_term)

    def next(self) -> float:
        chance = self.c / (self.c + self.step + 1) * max(1.0 - self.beta, 0.0)
        self.step += 1
        self.log_term += self.log_rest + math.log((self.c + self.step) / self.step)
        self.beta += math.exp(self.log_term)
        return chance


def erlang_a(
    agents: int,
    arrival_rate: float,
    service_rate: float,
    abandon_rate: float,
    *,
    threshold: float | None = None,
) -> ImpatientQueue:
    """Return the queue of *agents* with impatient callers. It is stable under any load.

    Args:
        agents: How many work, at least one.
        arrival_rate: Callers per unit of time.
        service_rate: 1 / mean handling time.
        abandon_rate: 1 / mean patience; must be above 0. For endless patience use Erlang C.
        threshold: Wait within which a served caller counts for the service level.

    Raises:
        ValueError: No agent, or a rate out of range.
    """
    n = servers_of(agents)
    if n == 0:
        raise ValueError("a queue needs at least one agent")
    lam = float(not_negative(arrival_rate, "arrival_rate"))
    mu, theta = float(positive(service_rate, "service_rate")), float(positive(abandon_rate, "abandon_rate"))
    limit = None if threshold is None else float(not_negative(threshold, "threshold"))
    load = load_of(lam / mu)
    if lam == 0:
        level = None if limit is None else 1.0
        return ImpatientQueue(
            p_wait=0.0, p_abandon=0.0, mean_queue=0.0, mean_wait=0.0, occupancy=0.0, service_level=level
        )
    sums = _add_up(n, (lam, mu, theta), limit, erlang_b(n, load))
    total = sums.below + sums.waiting
    mean_queue = sums.length / total
    p_abandon = theta * mean_queue / lam
    return ImpatientQueue(
        p_wait=sums.waiting / total,
        p_abandon=p_abandon,
        mean_queue=mean_queue,
        mean_wait=mean_queue / lam,
        occupancy=load * (1 - p_abandon) / n,
        service_level=None if limit is None else (sums.below + sums.in_time) / total,
    )


def _add_up(n: int, rates: tuple[float, float, float], limit: float | None, blocking: float) -> _Sums:
    lam, mu, theta = rates
    patience = None if limit is None else _Patience(n * mu / theta, theta, limit)
    # A blocking that underflows to 0 means that nobody ever waits: then everything lies below N.
    sums = _Sums(below=1 / blocking - 1 if blocking > 1 / RESCALE else RESCALE)
    waiting = 0
    while True:
        sums.waiting += sums.weight
        sums.length += waiting * sums.weight
        if patience is not None:
            sums.in_time += sums.weight * patience.next()
        ratio = lam / (n * mu + (waiting + 1) * theta)
        # Behind the peak the weights fall faster than a geometric row, whose sums bound what is still to come.
        if waiting and ratio < 1 and (waiting + 1 / (1 - ratio)) * sums.weight / (1 - ratio) <= TAIL * sums.length:
            return sums
        sums.weight *= ratio
        waiting += 1
        if sums.weight > RESCALE:
            sums.rescale()
        if waiting > 100 * MAX_AGENTS:
            raise ValueError("the queue is too long to be reckoned with: the patience is endless beside the overload")


def required_agents_impatient(
    arrival_rate: float, service_rate: float, abandon_rate: float, *, service_level: float, threshold: float
) -> int:
    """Return the smallest number of agents whose service level within *threshold* is *service_level*.

    Raises:
        ValueError: As in `erlang_a`, or a service level outside of 0..1.
    """
    goal = inner_share(service_level, "service_level")

    def reaches(agents: int) -> bool:
        found = erlang_a(agents, arrival_rate, service_rate, abandon_rate, threshold=threshold)
        return found.service_level is not None and found.service_level >= goal

    # The level rises with the agents, so doubling and halving finds the border in few steps.
    high = 1
    while not reaches(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high
