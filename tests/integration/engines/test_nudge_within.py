"""A nudge of procrastinate inside a transaction of the app: it is there with the commit, or never."""

from __future__ import annotations

import psycopg
import pytest
from procrastinate import App, SyncPsycopgConnector
from tests import servers

from supportkit.integrations import procrastinate as integration
from supportkit.integrations.turns import RUN


@pytest.fixture(scope="module")
def place():
    with servers.empty_database(servers.POSTGRESQL) as url:
        plain = url.replace("postgresql+psycopg://", "postgresql://")
        app = App(connector=SyncPsycopgConnector(conninfo=plain))
        with app.open():
            app.schema_manager.apply_schema()
            yield app, plain


def waiting(app):
    return [(job.task_name, job.queue, job.task_kwargs) for job in app.job_manager.list_jobs(status="todo")]


def test_a_nudge_within_a_transaction_shares_its_fate(place):
    app, url = place
    with psycopg.connect(url) as connection:
        integration.nudge_within(app, connection, "north")
        integration.nudge_within(app, connection, "north")  # does not break the transaction
        assert waiting(app) == []
        connection.rollback()
        assert waiting(app) == []
        integration.nudge_within(app, connection, "south")
        integration.nudge(app).tell("south")  # waits for nobody
        assert waiting(app) == [(RUN, integration.QUEUE, {"tenant": "south"})]
        connection.commit()
    assert waiting(app) == [(RUN, integration.QUEUE, {"tenant": "south"})] * 2


def test_of_many_nudges_one_waits(place):
    app, _url = place
    nudge = integration.nudge(app)
    for _ in range(10):
        nudge.tell("west")
        nudge.tell("east")
    assert sorted(kwargs["tenant"] for _name, _queue, kwargs in waiting(app) if kwargs["tenant"] != "south") == [
        "east",
        "west",
    ]
