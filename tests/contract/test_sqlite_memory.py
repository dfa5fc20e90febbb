"""The storage contract on SQLite in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from supportkit.storage.sql import SqlStorage
from supportkit.testing import StorageContract


class TestSqliteInMemory(StorageContract):
    @pytest.fixture
    def storage(self) -> Iterator[SqlStorage]:
        storage = SqlStorage("sqlite://")
        storage.migrate()
        yield storage
        storage.close()
