"""The integration with Celery, as far as it goes without a broker."""

from __future__ import annotations

import time

from celery import Celery
from celery.beat import Scheduler

from supportkit import Desk
from supportkit.integrations import celery as integration
from supportkit.integrations.turns import RUN, SWEEP


def make_desk(tenant):
    return Desk("sqlite://", tenant=tenant)


def test_beat_asks_for_a_run_each_minute_also_where_the_app_is_configured_later():
    app = Celery("shop", set_as_current=False)
    integration.install(app, make_desk)
    app.config_from_object({"timezone": "Asia/Kolkata"})
    entry = Scheduler(app, lazy=True).get_schedule() or app.conf.beat_schedule
    assert app.conf.timezone == "Asia/Kolkata"
    assert (entry[SWEEP]["task"], entry[SWEEP]["schedule"]) == (SWEEP, 60)
    assert entry[SWEEP]["options"] == {"expires": 60}


def test_the_tasks_are_never_retried_whatever_the_app_says():
    app = Celery("shop", set_as_current=False)
    app.conf.update(task_acks_late=True, task_ignore_result=False)
    integration.install(app, make_desk)
    for name in (RUN, SWEEP):
        task = app.tasks[name]
        assert (task.acks_late, task.max_retries, task.ignore_result) == (False, 0, True)


def test_a_broker_that_is_away_makes_no_verb_fail():
    app = Celery("shop", broker="pyamqp://127.0.0.1:9//", set_as_current=False)  # nobody listens on that port
    app.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0}
    begun = time.monotonic()
    with Desk("sqlite://", plugins=[integration.nudge(app)]) as desk:
        assert desk.open("Printer", "It smokes.", author="customer:bo").number == 1
        assert desk.hooks.failure_count == 1
    assert time.monotonic() - begun < 5
