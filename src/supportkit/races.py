"""A transaction that lost a race is run again, a few times at most."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

from supportkit.errors import ConcurrentUpdate, LevelsOutdated

__all__ = ["TRIES", "again"]

Result = TypeVar("Result")

TRIES = 5
"""How often a transaction is tried that others get in the way of."""


def again(work: Callable[[], Result], *, tries: int = TRIES) -> Result:
    """Return what *work* returns; where others got in its way do it anew, *tries* times in all.

    *Work* is a whole transaction: what it did before it lost is undone.

    Raises:
        ConcurrentUpdate: The last try lost too.
        LevelsOutdated: The last try met levels that this process has not read.
    """
    for _ in range(tries - 1):
        with contextlib.suppress(ConcurrentUpdate, LevelsOutdated):
            return work()
    return work()
