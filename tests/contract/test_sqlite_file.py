"""The storage contract on a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supportkit.storage.sql import SqlStorage
from supportkit.testing import StorageContract


class TestSqliteInAFile(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[SqlStorage]:
        storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")
        storage.migrate()
        yield storage
        storage.close()

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], SqlStorage]:
        return lambda: SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")

    @pytest.fixture
    def connect(self, tmp_path: Path) -> Callable[[], sqlite3.Connection]:
        return lambda: sqlite3.connect(tmp_path / "support.db")
