"""DBOS: its scheduler asks for a run each minute, a workflow does it. Needs the extra `dbos`.

Recovering a run means to look again, so it needs no steps. It holds no deduplication id while it runs: one whose
process is gone for good must not keep others from starting.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from dbos import DBOS, DBOSClient, Debouncer, DebouncerClient

from supportkit.integrations.turns import RUN, SWEEP, DeskFactory, Nudge, Outcomes, Tenants, only_default, work
from supportkit.worker import TurnLimits

QUEUE = "supportkit"


def install(
    make_desk: DeskFactory,
    *,
    tenants: Tenants = only_default,
    cron: str = "* * * * *",
    limits: TurnLimits = TurnLimits(),  # noqa: B008 - a frozen value
    at_once: int = 4,
) -> Callable[[], None]:
    """Register the workflows; call it before `DBOS.launch()`, and what it returns after that.

    *make_desk* makes the desk of a tenant, *tenants* names those whose work is looked for in each period, *cron* says
    when that is (of six fields the first holds seconds), *at_once* how many runs a process has.
    """

    @DBOS.workflow(name=RUN)
    def run_due(tenant: str) -> Outcomes:
        return work(make_desk, tenant, limits)

    @DBOS.workflow(name=SWEEP)
    def sweep(scheduled_at: dt.datetime, context: Any) -> None:
        del scheduled_at, context
        for tenant in DBOS.run_step({"name": "supportkit.tenants"}, lambda: list(tenants())):
            DBOS.enqueue_workflow(QUEUE, run_due, tenant)

    def start() -> None:
        DBOS.register_queue(QUEUE, worker_concurrency=at_once)
        DBOS.apply_schedules([{"schedule_name": SWEEP, "workflow_fn": sweep, "schedule": cron}])

    return start


def nudge(client: DBOSClient | None = None) -> Nudge:
    """Return the plug-in that asks for a run after each command; *client* is for a process without `DBOS.launch()`.

    What is asked for within a moment is one run, a second later at most; one that has begun takes in nothing more.
    """
    asked: Any = Debouncer(RUN, queue=QUEUE, debounce_timeout_sec=1)
    if client is not None:
        asked = DebouncerClient(client, {"workflow_name": RUN, "queue_name": QUEUE}, debounce_timeout_sec=1)
    return Nudge(lambda tenant: asked.debounce(tenant, 0.1, tenant))
