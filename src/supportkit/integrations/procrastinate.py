"""procrastinate: its workers ask for a run each minute, a job does it. Needs the extra `procrastinate`.

No job has a `lock`, which a killed worker would keep, and none is retried. Of a tenant's nudges only one waits.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued

from supportkit.integrations.turns import RUN, SWEEP, DeskFactory, Nudge, Outcomes, Tenants, only_default, work
from supportkit.worker import TurnLimits

QUEUE = "supportkit"


def install(
    app: App,
    make_desk: DeskFactory,
    *,
    tenants: Tenants = only_default,
    cron: str = "* * * * *",
    limits: TurnLimits = TurnLimits(),  # noqa: B008 - a frozen value
) -> Any:
    """Give *app* its tasks, in the queue `supportkit`; return the one that does a run: `task(tenant=...)` by hand.

    *make_desk* makes the desk of a tenant, *tenants* names those whose work is looked for in each period, *cron* says
    when that is (a sixth field holds seconds), *limits* how much one turn does at most.
    """

    @app.task(name=RUN, queue=QUEUE)
    def run_due(tenant: str) -> Outcomes:
        return work(make_desk, tenant, limits)

    @app.periodic(cron=cron, queueing_lock=SWEEP)
    @app.task(name=SWEEP, queue=QUEUE)
    def sweep(timestamp: int) -> None:  # noqa: ARG001 - every periodic task is given its instant
        for tenant in tenants():
            nudge(app).tell(tenant)

    return run_due


def nudge(app: App) -> Nudge:
    """Return the plug-in that asks for a run after each command; *app* is open in this process."""

    def tell(tenant: str) -> None:
        with suppress(AlreadyEnqueued):
            app.configure_task(RUN, queue=QUEUE, queueing_lock=f"{RUN}:{tenant}").defer(tenant=tenant)

    return Nudge(tell)


def nudge_within(app: App, connection: Any, tenant: str) -> None:
    """Ask for a run in the transaction of a psycopg *connection*, which happens after its commit or not at all."""
    # Without a queueing lock: others would wait for this transaction, and a second nudge would break it.
    app.configure_task(RUN, queue=QUEUE, connection=connection).defer(tenant=tenant)
