"""`run_forever` of an `AsyncDesk`: turns of the worker, and pauses until something is due."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging

from supportkit.aio.threads import Threads
from supportkit.desk import Desk
from supportkit.errors import SupportkitError

_log = logging.getLogger("supportkit.aio")
_BATCH = 50
"""Deadlines a call. A call is finished when the worker is stopped, so it is a short one."""
_SHORTEST = dt.timedelta(milliseconds=50)


async def work(threads: Threads, desk: Desk, poll: dt.timedelta) -> None:
    """Do what is due and pause, at most *poll*, until the task is cancelled.

    Raises:
        ValueError: *poll* is not positive.
    """
    if poll <= dt.timedelta(0):
        raise ValueError(f"poll must be positive, not {poll}")
    while True:
        try:
            due = await _turn(threads, desk)
        except SupportkitError as error:
            if not error.retryable:
                raise
            _log.warning("a turn of the worker failed, the next one is in %s: %s", poll, error.code)
            due = None
        pause = poll if due is None else min(max(due - desk.now(), _SHORTEST), poll)
        await asyncio.sleep(pause.total_seconds())


async def _turn(threads: Threads, desk: Desk) -> dt.datetime | None:
    """Do all that is due and return when something is due next; one answer a call, so that deadlines do not wait."""
    while True:
        deadlines = await threads.finish(desk.tick, limit=_BATCH)
        deliveries = await threads.finish(desk.deliver_outbox, 1)
        purged = await threads.finish(desk.purge, limit=_BATCH)
        if not deadlines.more and not deliveries.more and not purged.more:
            return min((due for due in (deadlines.next_due, deliveries.next_due) if due is not None), default=None)
