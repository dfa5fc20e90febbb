"""The three engines as the tests handle them: nudge, wait until no job is left, run by hand. No tests in here.

Each keeps its jobs in a place of its own: Celery on Redis under a random prefix, procrastinate in a new database of
PostgreSQL, DBOS in an SQLite file, which its current release supports like PostgreSQL and which needs no server.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from tests import servers
from tests.integration.engines import shop, worker

from supportkit.integrations import turns


class Celery:
    def __init__(self, redis, app, prefix):
        from supportkit.integrations import celery as integration

        self.redis, self.prefix = redis, prefix
        self.task = integration.install(app, shop.make_desk, tenants=shop.tenants, limits=shop.LIMITS)
        self.nudge = integration.nudge(app, expires=shop.PERIOD)

    def by_hand(self, tenant):
        return self.task(tenant)

    def left(self):
        return self.redis.llen(f"{self.prefix}celery") + self.redis.hlen(f"{self.prefix}unacked")


class Procrastinate:
    def __init__(self, app):
        from supportkit.integrations import procrastinate as integration

        self.app = app
        self.task = integration.install(app, shop.make_desk, tenants=shop.tenants, limits=shop.LIMITS)
        self.nudge = integration.nudge(app)

    def by_hand(self, tenant):
        return self.task(tenant=tenant)

    def left(self):
        return sum(len(list(self.app.job_manager.list_jobs(status=status))) for status in ("todo", "doing"))


class Dbos:
    def __init__(self, client):
        from supportkit.integrations import dbos as integration

        self.client = client
        self.nudge = integration.nudge(client)

    def by_hand(self, tenant):
        return turns.work(shop.make_desk, tenant, shop.LIMITS)

    def left(self):
        return len(self.client.list_workflows(status=["DELAYED", "ENQUEUED", "PENDING"], load_input=False))


@contextmanager
def celery(folder) -> Iterator[Celery]:
    import redis

    os.environ["SHOP_DESK"] = f"sqlite:///{folder}/{{tenant}}.db"
    with servers.redis_keys() as (url, prefix):
        os.environ[worker.BROKER] = f"{url} {prefix}"
        app = worker.celery_app()
        with redis.Redis.from_url(url) as client:
            yield Celery(client, app, prefix)
        app.close()


@contextmanager
def procrastinate(folder) -> Iterator[Procrastinate]:
    from procrastinate import SyncPsycopgConnector

    del folder
    with servers.database(servers.POSTGRESQL) as url:  # desk and engine share it
        os.environ["SHOP_DESK"] = url
        os.environ[worker.BROKER] = url.replace("postgresql+psycopg://", "postgresql://")
        app = worker.procrastinate_app(SyncPsycopgConnector)
        with app.open():
            app.schema_manager.apply_schema()
            yield Procrastinate(app)


@contextmanager
def dbos(folder) -> Iterator[Dbos]:
    from dbos import DBOS, DBOSClient

    os.environ["SHOP_DESK"] = f"sqlite:///{folder}/{{tenant}}.db"
    os.environ[worker.BROKER] = f"sqlite:///{folder}/engine-{secrets.token_hex(4)}.sqlite"
    DBOS.migrate(os.environ[worker.BROKER])  # somebody was at work here before
    client = DBOSClient(system_database_url=os.environ[worker.BROKER])
    try:
        yield Dbos(client)
    finally:
        client.destroy()


ALL = {"celery": celery, "procrastinate": procrastinate, "dbos": dbos}
