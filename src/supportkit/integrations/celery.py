"""Celery: beat asks for a run each minute, a task does it. Needs the extra `celery`, and a beat beside the workers.

Tasks are acknowledged when they begin and never retried: what a killed worker held is found by the next run. They
expire after a period, so a queue that nobody emptied for an hour holds nothing to catch up with but the desk's tables.
"""

from __future__ import annotations

from typing import Any

from celery import Celery

from supportkit.integrations.turns import RUN, SWEEP, DeskFactory, Nudge, Outcomes, Tenants, only_default, work
from supportkit.worker import TurnLimits

_PERIOD = 60.0


def install(
    app: Celery,
    make_desk: DeskFactory,
    *,
    tenants: Tenants = only_default,
    every: float = _PERIOD,
    limits: TurnLimits = TurnLimits(),  # noqa: B008 - a frozen value
) -> Any:
    """Give *app* its two tasks and beat its schedule; return the task that does a run, `task(tenant)` by hand.

    Args:
        app: The app of workers and beat; it may be configured later.
        make_desk: Makes the desk of a tenant. With the prefork pool connections must begin in the child: in here.
        tenants: Whose work is looked for in each period.
        every: Seconds between two periods.
        limits: How much one turn does at most.
    """
    once = {"ignore_result": True, "acks_late": False, "max_retries": 0, "shared": False}

    def run_due(tenant: str) -> Outcomes:
        return work(make_desk, tenant, limits)

    def sweep() -> None:
        for tenant in tenants():
            task.apply_async((tenant,), expires=every)

    task = app.task(name=RUN, **once)(run_due)
    app.task(name=SWEEP, **once)(sweep)
    app.add_periodic_task(every, app.signature(SWEEP), name=SWEEP, expires=every)
    return task


def nudge(app: Celery, *, expires: float = _PERIOD) -> Nudge:
    """Return the plug-in that asks *app* for a run after each command. It tries once: a lost one costs one period."""
    return Nudge(lambda tenant: app.send_task(RUN, (tenant,), expires=expires, ignore_result=True, retry=False))
