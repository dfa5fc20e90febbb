"""A power cut, as a model of a disk: what a verb returned is in every image that may be left, and no image is corrupt.

The storage itself runs on the recording disk, so the settings under test are the ones that it sets.
"""

from __future__ import annotations

import functools
import itertools
import random
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy
from tests.crash.days import carry_out, desk_on, order
from tests.crash.outside import Nowhere, lines
from tests.crash.powercut import Operation, RecordingVfs, driver, images
from tests.crash.truth import examine

from supportkit import ManualClock
from supportkit.errors import SchemaOutOfDate, StorageCorrupt, WorkflowError
from supportkit.storage import sqlite
from supportkit.storage.sql import SqlStorage
from supportkit.worker import run_due

START = "2026-01-05T09:00:00+00:00"
_NAMES = itertools.count()


@attrs.frozen
class Note:
    """A verb that returned: how long the log was by then, its key, and what it returned."""

    at: int
    key: str
    ticket: str
    version: int


@attrs.frozen
class Recording:
    """What a desk did to its disk, and when it told that something was done."""

    log: list[Operation]
    notes: list[Note]


def record(folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch, *, verbs: int, synchronous: str) -> Recording:
    """Let a desk work on a new file on a recording disk."""
    luck, vfs = random.Random(seed), RecordingVfs(f"recording-{next(_NAMES)}", [])
    clock, notes, tickets = ManualClock(START), list[Note](), list[str]()
    with monkeypatch.context() as patched:
        engine = functools.partial(sqlalchemy.create_engine, module=driver(vfs.name))
        patched.setattr(sqlite, "create_engine", engine)
        storage = SqlStorage(f"sqlite:///{folder / 'support.db'}", synchronous=synchronous)
        storage.migrate()
        desk = desk_on(storage, clock, lines(Nowhere()))
        whose = desk.customers.add("Ann", addresses={"chat": "@ann"}).id
        for number in range(verbs):
            todo = order(luck, f"key-{number}", whose, tickets)
            try:
                ticket = carry_out(desk, todo)
            except WorkflowError:
                continue
            notes.append(Note(len(vfs.log), todo["key"], ticket.id, ticket.version))
            if todo["verb"] == "open":
                tickets.append(ticket.id)
            if number % 10 == 9:
                clock.advance(minutes=10)
                assert run_due(desk).errors == ()
        storage.close()
    return Recording(vfs.log, notes)


def judge(recording: Recording, luck: random.Random, folder: Path) -> str:
    """Cut the power at a random place after the first note; return `sound`, or what is wrong with the image."""
    cut = luck.randint(recording.notes[0].at, len(recording.log))
    images(recording.log[:cut], luck, folder)
    path = folder / "support.db"
    connection = sqlite3.connect(path)
    try:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            return "corrupt"
    except sqlite3.DatabaseError:
        return "corrupt"
    finally:
        connection.close()
    storage = SqlStorage(f"sqlite:///{path}")
    try:
        with desk_on(storage, ManualClock(START)) as desk:
            with storage.begin(desk.tenant, write=False) as unit:
                for note in recording.notes:
                    if note.at <= cut:
                        receipt = unit.receipt(note.key)
                        if receipt is None or (receipt.ticket, receipt.seq) != (note.ticket, note.version):
                            return "lost"
            examine(desk, storage)
    except SchemaOutOfDate:  # not even the tables are there
        return "lost"
    except StorageCorrupt:
        return "corrupt"
    finally:
        storage.close()
    return "sound"


def series(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recordings: int, cuts: int, *, synchronous: str = "full"
) -> Counter[str]:
    found: Counter[str] = Counter()
    operations = 0
    for seed in range(recordings):
        luck = random.Random(seed)
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        recording = record(folder, seed, monkeypatch, verbs=luck.randint(5, 120), synchronous=synchronous)
        operations += len(recording.log)
        for cut in range(cuts):
            image = folder / f"{cut}"
            image.mkdir()
            found[judge(recording, luck, image)] += 1
    print(f"\n{synchronous}: {recordings} recordings, {operations} operations, images: {dict(found)}")  # noqa: T201
    return found


def test_two_hundred_images_after_a_power_cut_have_all_that_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert series(tmp_path, monkeypatch, 20, 10) == {"sound": 200}


@pytest.mark.stress
@pytest.mark.timeout(1800)
def test_two_hundred_seeds_of_power_cuts_have_all_that_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert series(tmp_path, monkeypatch, 200, 5) == {"sound": 1000}


def test_the_model_loses_what_was_not_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NORMAL a commit is not flushed: nearly every image has lost something, and none is damaged."""
    found = series(tmp_path, monkeypatch, 3, 5, synchronous="normal")
    assert found["lost"] >= 12
    assert found["lost"] + found["sound"] == 15


def test_the_model_damages_what_is_not_written_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a log ahead and without flushes the file itself is torn."""

    def reckless(**_wanted: object) -> dict[str, tuple[str, Any]]:
        return {"journal_mode": ("DELETE", "delete"), "synchronous": ("OFF", 0)}

    monkeypatch.setattr(sqlite, "wanted_settings", reckless)
    luck, found = random.Random(1), Counter[str]()
    recording = record(tmp_path, 1, monkeypatch, verbs=40, synchronous="full")
    for cut in range(10):
        image = tmp_path / f"{cut}"
        image.mkdir()
        found[judge(recording, luck, image)] += 1
    assert found["corrupt"] >= 5, found
