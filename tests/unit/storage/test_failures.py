"""What the world does to a file: each time a typed error with advice, nothing half written, and work goes on after."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from supportkit import Desk
from supportkit.errors import (
    ConfigurationError,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageUnavailable,
    SupportkitError,
)
from supportkit.storage.sql import SqlStorage

KIM = "agent:kim"
NOBODY = 65534


def sound(desk: Desk) -> bool:
    """Tell whether every row is the fold of its log and the file is undamaged."""
    found = {finding.code: finding.severity for finding in desk.check(deep=True)}
    return found["log.fold"] == found["sqlite.integrity"] == "ok"


def counts(path: Path) -> dict[str, int]:
    """Return the rows of every table, read past the library."""
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    connection.close()
    return found


@contextmanager
def ordinary_user() -> Iterator[Path]:
    """Give a folder, and work as a user whom permissions bind; root would write through all of them."""
    folder = Path(tempfile.mkdtemp(prefix="supportkit-"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def impatient(storage: SqlStorage) -> SqlStorage:
    """Let a storage wait for a lock only a moment."""
    event.listen(storage.engine, "connect", lambda driver, _record: driver.execute("PRAGMA busy_timeout=20"))
    return storage


# -- locked ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_lock_of_somebody_else_is_an_error_that_passes(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "support.db"
    storage = impatient(SqlStorage(f"sqlite:///{path}"))
    storage.migrate()
    desk = Desk(storage)
    ticket = desk.open("printer", actor=KIM)
    before = counts(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(f"BEGIN {mode}")
    with pytest.raises(StorageUnavailable, match="locked") as caught:
        desk.start(ticket.id, actor=KIM)
    assert caught.value.retryable
    assert desk.get(ticket.id) == ticket  # readers never wait for a writer
    other.execute("ROLLBACK")
    other.close()
    assert counts(path) == before
    assert desk.start(ticket.id, actor=KIM).state == "open"
    assert sound(desk)
    storage.close()


def test_turning_a_file_into_a_wal_one_waits_for_who_holds_it_for_a_moment(tmp_path: Path) -> None:
    """SQLite itself would not wait here, whatever its busy time-out says."""
    path = tmp_path / "support.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE orders (id INTEGER)")
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, other.execute, ["COMMIT"])
    release.start()
    with Desk(f"sqlite:///{path}") as desk:
        assert desk.open("printer", actor=KIM).number == 1
    release.join()
    other.close()


# -- read-only -------------------------------------------------------------------------------------------------------


def test_a_read_only_file_is_not_worth_a_retry() -> None:
    with ordinary_user() as folder:
        path = folder / "support.db"
        with Desk(f"sqlite:///{path}") as desk:
            ticket = desk.open("printer", actor=KIM)
        path.chmod(0o444)
        with Desk(f"sqlite:///{path}") as desk:
            assert desk.get(ticket.id) == ticket
            with pytest.raises(StorageFull, match="read-only") as caught:
                desk.start(ticket.id, actor=KIM)
            assert not caught.value.retryable
            for one in folder.iterdir():  # the log beside the file has its permissions
                one.chmod(0o644)
            assert desk.start(ticket.id, actor=KIM).version == 2
            assert sound(desk)


def test_a_read_only_folder_is_called_by_its_name() -> None:
    with ordinary_user() as folder:
        folder.chmod(0o555)
        with pytest.raises(StorageFull, match="folder of the database is read-only"):
            Desk(f"sqlite:///{folder / 'support.db'}")
        folder.chmod(0o755)
        with Desk(f"sqlite:///{folder / 'support.db'}") as desk:
            assert desk.open("printer", actor=KIM).number == 1


def test_a_file_of_somebody_else_cannot_be_opened() -> None:
    with ordinary_user() as folder:
        path = folder / "support.db"
        Desk(f"sqlite:///{path}").close()
        path.chmod(0)
        with pytest.raises(StorageUnavailable, match="cannot be opened"):
            Desk(f"sqlite:///{path}")
        path.chmod(0o644)
        with Desk(f"sqlite:///{path}") as desk:
            assert desk.open("printer", actor=KIM).number == 1


# -- full ------------------------------------------------------------------------------------------------------------


def fill(desk: Desk) -> int:
    """Open tickets until the disk is full; return how many were acknowledged."""
    opened = 0
    while True:
        try:
            desk.open(f"printer {opened}", "smoke " * 500, tags=["a"], actor=KIM, idempotency_key=f"key-{opened}")
        except StorageFull as error:
            full = error
            break
        opened += 1
        assert opened < 5000
    assert not full.retryable
    assert "make room" in str(full)
    return opened


def test_a_full_database_keeps_what_was_acknowledged_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "support.db"
    storage = SqlStorage(f"sqlite:///{path}")
    event.listen(storage.engine, "connect", lambda driver, _record: driver.execute(f"PRAGMA max_page_count={pages}"))
    pages = 120
    storage.migrate()
    desk = Desk(storage)
    opened = fill(desk)
    assert opened > 5
    assert sum(desk.counts().values()) == opened
    assert sound(desk)
    with pytest.raises(StorageFull):
        desk.open("printer", "smoke " * 5000, actor=KIM)
    pages = 10_000
    assert desk.open("printer", "smoke", actor=KIM, idempotency_key=f"key-{opened}").number == opened + 1
    assert sound(desk)
    storage.close()


def test_a_full_disk_keeps_what_was_acknowledged_and_nothing_else(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    try:
        filler = tmp_path / "filler"
        filler.write_bytes(b"x" * 300_000)
        with Desk(f"sqlite:///{tmp_path / 'support.db'}") as desk:
            opened = fill(desk)
            assert sum(desk.counts().values()) == opened
            assert sound(desk)
            filler.unlink()
            assert desk.open("printer", "smoke", actor=KIM).number == opened + 1
            assert sound(desk)
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


LIMITED = """
import sys
from supportkit import Desk
from supportkit.errors import StorageError
desk = Desk(sys.argv[1])
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
opened = 0
try:
    while opened < 5000:
        desk.open(f"printer {opened}", "smoke " * 500, actor="agent:kim")
        opened += 1
except StorageError as error:
    print(opened, type(error).__name__, sum(desk.counts().values()))
"""


def test_a_file_that_may_not_grow_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    assert resource.RLIMIT_FSIZE >= 0
    url = f"sqlite:///{tmp_path / 'support.db'}"
    done = subprocess.run([sys.executable, "-c", LIMITED, url], capture_output=True, text=True, check=True)
    opened, name, seen = done.stdout.split()
    assert name in {"StorageFull", "StorageUnavailable"}
    assert 0 < int(opened) == int(seen)
    with Desk(url) as desk:
        assert sum(desk.counts().values()) == int(opened)
        assert desk.open("printer", actor=KIM).number == int(opened) + 1
        assert sound(desk)


# -- damaged ---------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "support.db"
    path.write_bytes(b"minutes of the meeting\n" * 1000)
    before = path.read_bytes()
    with pytest.raises(StorageCorrupt, match="no database") as caught:
        Desk(f"sqlite:///{path}")
    assert not caught.value.retryable
    assert path.read_bytes() == before


def test_a_damaged_page_is_found_and_does_not_come_out_as_data(tmp_path: Path) -> None:
    path = tmp_path / "support.db"
    with Desk(f"sqlite:///{path}") as desk:
        for number in range(200):
            desk.open(f"printer {number}", "smoke " * 100, actor=KIM)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    damaged = bytearray(path.read_bytes())
    damaged[8192:] = b"\xff" * (len(damaged) - 8192)
    path.write_bytes(damaged)
    with pytest.raises(StorageCorrupt, match="restore it from a backup"), Desk(f"sqlite:///{path}") as desk:
        desk.history(1)


def test_the_check_reports_damage_instead_of_raising(tmp_path: Path) -> None:
    path = tmp_path / "support.db"
    with Desk(f"sqlite:///{path}") as desk:
        for number in range(50):
            desk.open(f"printer {number}", "smoke " * 100, actor=KIM)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute(
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'supportkit_note')"
        " WHERE name = 'ix_supportkit_ticket_tenant_updated_at_number'"
    )
    connection.commit()
    connection.close()
    storage = SqlStorage(f"sqlite:///{path}")
    found = {finding.code: finding for finding in storage.check()}
    assert found["sqlite.integrity"].severity == "error"
    storage.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE supportkit_ticket SET category = 'mood'",
        "UPDATE supportkit_ticket SET data = '{'",
        "UPDATE supportkit_ticket SET created_at = 9223372036854775807",
        "UPDATE supportkit_event SET data = '[]'",
        "UPDATE supportkit_event SET type = 'exploded'",
        "UPDATE supportkit_event SET actor = 'nobody'",
        "UPDATE supportkit_message SET attachments = '7'",
        "UPDATE supportkit_message SET kind = 'song'",
        "UPDATE supportkit_customer SET data = 'null'",
    ],
)
def test_a_row_that_cannot_be_read_says_so_without_showing_it(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "support.db"
    with Desk(f"sqlite:///{path}") as desk:
        customer = desk.customers.add("Ann")
        ticket = desk.open("printer", "smoke", customer=customer.id)
        connection = sqlite3.connect(path)
        connection.execute(damage)
        connection.commit()
        connection.close()
        with pytest.raises(StorageCorrupt):
            desk.get(ticket.id), desk.history(ticket.id), desk.messages(ticket.id), desk.customers.get(customer.id)


# -- places that are none --------------------------------------------------------------------------------------------


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        Desk(f"sqlite:///{tmp_path / 'nowhere' / 'support.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "support.db").mkdir()
    with pytest.raises(StorageUnavailable, match="cannot be opened"):
        Desk(f"sqlite:///{tmp_path / 'support.db'}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:hunter2@db/support",
        "postgresql://ann:hunter2@db:port/support",
        "postgresql://ann:hunt@er2:hunter2@db/support",
        "sqlite://ann:hunter2@db/support",
        "sqlite://support.db",
        "sqlite:///support.db?password=hunter2",
        "sqlite:///file:support.db?mode=ro&uri=true",
        "sqlite+hunter2:///support.db",
        "hunter2",
        "",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Desk(url)
    assert caught.value.__cause__ is None
    if "+" not in url:
        assert "hunter2" not in f"{caught.value} {caught.value!r}"
    assert not Path("support.db").exists()


# -- the unit of work ------------------------------------------------------------------------------------------------


def test_a_unit_for_reading_refuses_to_write(tmp_path: Path) -> None:
    for url in ("sqlite://", f"sqlite:///{tmp_path / 'support.db'}"):
        storage = SqlStorage(url)
        storage.migrate()
        with pytest.raises(StorageError, match="for reading"), storage.begin("acme", write=False) as unit:
            unit.reserve_number()
        with storage.begin("acme") as unit:
            assert unit.reserve_number() == 1
        storage.close()


def test_a_second_unit_inside_a_unit_is_refused_and_the_first_goes_on() -> None:
    storage = SqlStorage("sqlite://")
    storage.migrate()
    with storage.begin("acme") as unit:
        with pytest.raises(ConfigurationError, match="inside a unit of work"), storage.begin("acme"):
            pass
        assert unit.reserve_number() == 1
    storage.close()


def test_a_read_inside_a_write_in_memory_sees_the_write() -> None:
    storage = SqlStorage("sqlite://")
    storage.migrate()
    with storage.begin("acme") as unit:
        unit.set_follower("reports", "p1")
        with storage.begin("acme", write=False) as inner:
            assert inner.follower("reports") == "p1"
        with storage.begin("globex", write=False) as inner:
            assert inner.follower("reports") is None
    storage.close()


def test_migrating_a_memory_database_does_not_end_the_transaction_of_a_thread() -> None:
    storage = SqlStorage("sqlite://")
    storage.migrate()
    inside, done = threading.Event(), threading.Event()

    def migrate() -> None:
        inside.wait(10)
        storage.migrate()
        done.set()

    thread = threading.Thread(target=migrate)
    thread.start()
    with storage.begin("acme") as unit:
        unit.set_follower("reports", "p1")
        inside.set()
        done.wait(0.2)
    thread.join(10)
    with storage.begin("acme", write=False) as unit:
        assert unit.follower("reports") == "p1"
    storage.close()


def test_a_closed_storage_stays_closed() -> None:
    storage = SqlStorage("sqlite://")
    storage.migrate()
    storage.close()
    storage.close()
    for write in (True, False):
        with pytest.raises(StorageError, match="closed"), storage.begin("acme", write=write):
            pass


def test_too_many_readers_at_once_are_told_to_try_again(tmp_path: Path) -> None:
    storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")
    storage.migrate()
    storage.engine.pool._timeout = 0.01  # type: ignore[attr-defined]
    with pytest.raises(StorageUnavailable, match="too many") as caught:
        read_within_reads(storage, 30)
    assert caught.value.retryable
    with storage.begin("acme", write=False) as unit:
        assert unit.counts() == {}
    storage.close()


def read_within_reads(storage: SqlStorage, deep: int) -> None:
    with storage.begin("acme", write=False):
        if deep:
            read_within_reads(storage, deep - 1)


def test_a_late_result_is_noted_on_its_attempt() -> None:
    import datetime as dt

    from supportkit.model.change import Change, OutboxState
    from supportkit.testing import make_outgoing
    from supportkit.testing.builders import later

    storage = SqlStorage("sqlite://")
    storage.migrate()
    with storage.begin("acme") as unit:
        unit.save(Change(outbox=(make_outgoing(),)))
    claims = []
    for at in (0, 60):
        with storage.begin("acme") as unit:
            claims.append(unit.claim_outbox(later(at), lease=dt.timedelta(seconds=60), worker=f"worker-{at}"))
    assert claims[0] is not None
    with storage.begin("acme") as unit:
        unit.settle_outbox(claims[0][0], state=OutboxState.SENT, now=later(70))
        rows = unit._cursor.execute("SELECT fence, worker, result FROM supportkit_attempt ORDER BY fence").fetchall()
    assert rows == [(1, "worker-0", "late_result"), (2, "worker-60", None)]
    storage.close()


def test_errors_of_the_driver_show_neither_path_nor_parameter(tmp_path: Path) -> None:
    storage = SqlStorage(f"sqlite:///{tmp_path / 'secret-name.db'}")
    storage.migrate()
    with pytest.raises(SupportkitError) as caught, storage.begin("acme") as unit:
        unit.run(storage._st.put_follower, {"name": "hunter2", "cursor": None})
    assert "hunter2" not in f"{caught.value} {caught.value!r}"
    assert "secret-name" not in str(caught.value)
    storage.close()
