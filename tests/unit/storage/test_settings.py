"""The settings of SQLite: set on every connection, read back, reported (`reliability.md` section 5)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import event

from supportkit import Desk
from supportkit.errors import ConfigurationError
from supportkit.storage.port import Finding
from supportkit.storage.sql import SqlStorage
from supportkit.storage.sqlite import wanted_settings

WANTED = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000, "secure_delete": 1}


def read(driver: Any) -> dict[str, Any]:
    return {name: driver.execute(f"PRAGMA {name}").fetchone()[0] for name in WANTED}


def test_readers_and_the_writer_have_every_setting(tmp_path: Path) -> None:
    seen: list[Any] = []
    storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")
    event.listen(storage.engine, "connect", lambda driver, _record: seen.append(driver))
    storage.migrate()
    with storage.begin("acme") as writing:
        writing.reserve_number()
        with storage.begin("acme", write=False) as reading:
            reading.counts()
            assert [read(driver) for driver in seen] == [WANTED, WANTED]
    storage.close()


def test_normal_is_the_opt_in_and_a_warning(tmp_path: Path) -> None:
    with Desk(f"sqlite:///{tmp_path / 'support.db'}", synchronous="normal") as desk:
        found = {finding.code: finding for finding in desk.check()}
    assert found["sqlite.synchronous"].severity == "warning"
    assert "power cut" in found["sqlite.synchronous"].sentence


def test_full_is_the_default_and_fine(tmp_path: Path) -> None:
    with Desk(f"sqlite:///{tmp_path / 'support.db'}") as desk:
        assert {finding.severity for finding in desk.check()} == {"ok"}


def test_a_database_in_memory_says_that_it_ends_with_the_process() -> None:
    with Desk() as desk:
        assert [finding.code for finding in desk.check() if finding.severity != "ok"] == ["sqlite.memory"]


def test_a_setting_that_is_not_taken_is_refused_at_the_start(tmp_path: Path) -> None:
    """As on a file system without shared memory, where WAL is not to be had."""
    storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")
    event.listen(
        storage.engine, "connect", lambda driver, _record: driver.execute("PRAGMA locking_mode=NORMAL"), insert=True
    )
    with pytest.raises(ConfigurationError, match="asked for page_size=1"):
        from supportkit.storage.sqlite import apply_settings

        with storage.engine.connect() as connection:
            apply_settings(connection.connection.driver_connection, {"page_size": ("1", 1)})
    storage.close()


def test_a_setting_that_somebody_changed_is_found_by_the_check(tmp_path: Path) -> None:
    storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")
    storage.migrate()
    with storage.begin("acme") as unit:
        unit._cursor.execute("PRAGMA secure_delete=OFF")
    bad = [finding for finding in storage.check() if finding.severity == "error"]
    assert [finding.code for finding in bad] == ["sqlite.secure_delete"]
    storage.close()


@pytest.mark.parametrize("value", ["off", "FULL", "", "extra"])
def test_no_other_way_to_flush_is_offered(value: str) -> None:
    with pytest.raises(ConfigurationError, match="possible: full, normal"):
        SqlStorage("sqlite://", synchronous=value)


def test_a_database_in_memory_needs_no_journal() -> None:
    assert "journal_mode" not in wanted_settings(memory=True, synchronous="full")
    assert "journal_mode" in wanted_settings(memory=False, synchronous="full")


def test_a_look_for_damage_keeps_no_writer_waiting(tmp_path: Path) -> None:
    storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")
    storage.migrate()
    written: list[int] = []

    def write() -> None:
        with storage.begin("acme") as unit:
            written.append(unit.reserve_number())

    def long_look(_cursor: object) -> list[Finding]:
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(20)
        return [Finding(code="sqlite.integrity", severity="ok", sentence=f"{len(written)} written meanwhile")]

    storage._database = attrs.evolve(storage._database, damage=long_look)
    assert storage.check()[-1].sentence == "1 written meanwhile"
    storage.close()
