"""A worker process of one engine: `python -m tests.integration.engines.worker celery 4`. No tests in here."""

from __future__ import annotations

import os
import sys
import threading

from tests.integration.engines import shop

BROKER = "SHOP_BROKER"


def celery_app():
    from celery import Celery

    url, prefix = os.environ[BROKER].split(" ")
    app = Celery("shop", broker=url)
    app.conf.broker_transport_options = {"global_keyprefix": prefix}
    app.conf.broker_connection_retry_on_startup = True
    return app


def procrastinate_app(connector):
    from procrastinate import App

    return App(connector=connector(conninfo=os.environ[BROKER]))


def dbos_config(executor):
    return {
        "name": "shop",
        "system_database_url": os.environ[BROKER],
        "executor_id": executor,
        "application_version": "1",
        "log_level": "WARNING",
    }


def celery(at_once):
    from celery.signals import worker_ready

    from supportkit.integrations import celery as integration

    app = celery_app()
    integration.install(app, shop.make_desk, tenants=shop.tenants, every=shop.PERIOD, limits=shop.LIMITS)
    worker_ready.connect(lambda **_: shop.ready(), weak=False)
    schedule = shop.folder() / f"beat-{os.getpid()}"
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
    app.worker_main(["worker", "--beat", f"--schedule={schedule}", f"--concurrency={at_once}", *quiet])


def procrastinate(at_once):
    from procrastinate import PsycopgConnector

    from supportkit.integrations import procrastinate as integration

    app = procrastinate_app(PsycopgConnector)
    integration.install(app, shop.make_desk, tenants=shop.tenants, cron=shop.CRON_SECONDS_LAST, limits=shop.LIMITS)
    shop.ready()
    app.run_worker(concurrency=at_once)


def dbos(at_once):
    from dbos import DBOS

    from supportkit.integrations import dbos as integration

    DBOS(config=dbos_config(f"worker-{os.getpid()}"))
    start = integration.install(
        shop.make_desk, tenants=shop.tenants, cron=shop.CRON_SECONDS_FIRST, limits=shop.LIMITS, at_once=at_once
    )
    DBOS.launch()
    start()
    shop.ready()
    threading.Event().wait()


if __name__ == "__main__":
    {"celery": celery, "procrastinate": procrastinate, "dbos": dbos}[sys.argv[1]](int(sys.argv[2]))
