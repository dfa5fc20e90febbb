"""What the tests with processes share: one database of each kind, a nursery of processes, and what lies outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.crash")

from tests import servers  # noqa: E402 - the line above comes first
from tests.crash.nursery import Nursery, nursery  # noqa: E402
from tests.crash.outside import Outside  # noqa: E402

from supportkit.storage.sql import SqlStorage  # noqa: E402

SQLITE = "sqlite"


@pytest.fixture(scope="module", params=[SQLITE, servers.POSTGRESQL, servers.MARIADB])
def crash_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of a database with tables, for the tests of one module: a file or one on a server."""
    if request.param != SQLITE:
        with servers.database(request.param) as url:
            yield url
        return
    url = f"sqlite:///{tmp_path_factory.mktemp('crash') / 'support.db'}"
    storage = SqlStorage(url)
    storage.migrate()
    storage.close()
    yield url


@pytest.fixture
def crash_storage(crash_url: str) -> Iterator[SqlStorage]:
    """Give a storage on that database."""
    storage = SqlStorage(crash_url)
    yield storage
    storage.close()


@pytest.fixture(scope="module")
def born() -> Iterator[Nursery]:
    """Give a nursery; a process of it that complains fails the module."""
    with nursery() as one:
        yield one


@pytest.fixture
def outside() -> Iterator[Outside]:
    """Give a world of providers that no kill reaches."""
    world = Outside()
    yield world
    world.close()
