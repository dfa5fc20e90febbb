"""How PostgreSQL and MariaDB mean to find what is due in the outbox: by a range of one index, without sorting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests import servers

from supportkit.clock import to_us
from supportkit.model.change import Change
from supportkit.storage.sql import SqlStorage
from supportkit.testing.builders import TENANT, later, make_outgoing

KINDS = [servers.POSTGRESQL, servers.MARIADB]
INDEX = "ix_supportkit_outbox_due"
COUNT = 3_000


@pytest.fixture(scope="module", params=KINDS)
def storage(request: pytest.FixtureRequest) -> Iterator[SqlStorage]:
    """A storage in which three thousand deliveries wait, a tenth of them due, for two accounts."""
    with servers.database(request.param) as url:
        storage = SqlStorage(url)
        rows = [
            make_outgoing(f"ticket-{number}", account=f"account-{number % 2}", available_at=later(number))
            for number in range(COUNT)
        ]
        with storage.begin(TENANT) as unit:
            unit.save(Change(outbox=tuple(rows)))
        with storage.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            cursor = driver.cursor()
            cursor.execute("ANALYZE" if request.param == servers.POSTGRESQL else "ANALYZE TABLE supportkit_outbox")
            cursor.close()
        yield storage
        storage.close()


def plan(storage: SqlStorage, name: str) -> str:
    """Return what the server says about a statement, as one text."""
    statement = getattr(storage._st, name)
    values = {
        "tenant": TENANT, "channel": "app", "account": "account-0", "now": to_us(later(COUNT / 10)),
    }  # fmt: skip
    with storage.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        cursor.execute(f"EXPLAIN {statement.sql}", statement.bind(values))
        found = "\n".join(" ".join(str(cell) for cell in row) for row in cursor.fetchall())
        cursor.close()
    return found


@pytest.mark.parametrize("name", ["due_outbox", "outbox_backlog", "outbox_next", "next_channel", "next_account"])
def test_the_queue_of_an_account_is_found_by_its_index(storage: SqlStorage, name: str) -> None:
    found = plan(storage, name)
    assert INDEX in found, found
    # Where many are counted PostgreSQL may read the conversations as a whole, to hold them against each other.
    assert not re.search(r"Seq Scan on supportkit_outbox(?! older)", found), found


@pytest.mark.parametrize("name", ["due_outbox", "next_channel", "next_account"])
def test_the_first_one_is_found_without_sorting(storage: SqlStorage, name: str) -> None:
    found = plan(storage, name)
    assert "Sort" not in found, found
    assert "filesort" not in found, found
