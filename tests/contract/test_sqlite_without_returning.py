"""Deadlines where an update cannot return its rows, as on MariaDB: the other way to claim, held on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from supportkit.storage.sql import SqlStorage
from supportkit.storage.statements import Statements
from supportkit.testing.storage.timers import TimerTests


class TestSqliteWithoutReturning(TimerTests):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[SqlStorage]:
        storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")
        storage.engine.dialect.update_returning = False
        storage._st = Statements.compile(storage.engine.dialect)
        assert storage._st.claim_timers is None
        storage.migrate()
        yield storage
        storage.close()
