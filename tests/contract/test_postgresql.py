"""The storage contract on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests import servers

from supportkit.storage.sql import SqlStorage
from supportkit.testing import StorageContract


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with servers.database(servers.POSTGRESQL) as url:
        yield url


class TestPostgresql(StorageContract):
    @pytest.fixture
    def storage(self, url: str) -> Iterator[SqlStorage]:
        storage = servers.emptied(url)
        yield storage
        storage.close()

    @pytest.fixture
    def reopen(self, url: str) -> Callable[[], SqlStorage]:
        return lambda: servers.opened(url)

    @pytest.fixture
    def connect(self, url: str) -> Callable[[], Any]:
        return lambda: servers.driver_connection(url)
