"""Importing what anybody may have made: typed errors that name the line, and nothing is kept."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.stories import play, story_desk

from supportkit import ConfigurationError, Desk
from supportkit.archive.lines import from_plain, to_plain
from supportkit.archive.strict import Misfit
from supportkit.errors import DeskNotEmpty, InvalidArchive, StorageError
from supportkit.model.change import Receipt
from supportkit.testing import builders

CANARY = "xylophonecanary"


@pytest.fixture(scope="module")
def exported() -> bytes:
    file = io.BytesIO()
    with story_desk("sqlite://", 1) as desk:
        play(desk, 1, 60)
        desk.export(file)
    return file.getvalue()


def sealed(lines: list[bytes]) -> bytes:
    """Return lines with a last one that fits to them."""
    body = b"".join(lines[1:])
    end = {"end": {"rows": len(lines) - 1, "sha256": hashlib.sha256(body).hexdigest()}}
    return lines[0] + body + json.dumps(end).encode() + b"\n"


def refused(data: bytes) -> InvalidArchive:
    with Desk() as desk:
        with pytest.raises(InvalidArchive) as caught:
            desk.import_(io.BytesIO(data))
        with desk.storage.begin(desk.tenant, write=False) as unit:
            assert unit.is_empty()
        desk.open("usable afterwards", actor="agent:kim")
    return caught.value


def changed(exported: bytes, kind: str, change: Callable[[dict[str, Any]], object]) -> tuple[bytes, int]:
    """Return an export in which the first row of a kind was changed, with a sum that fits, and the line of that row."""
    lines = exported.splitlines(keepends=True)[:-1]
    index = next(number for number, line in enumerate(lines) if line.startswith(f'{{"{kind}":'.encode()))
    plain = json.loads(lines[index])
    change(plain[kind])
    lines[index] = json.dumps(plain, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
    return sealed(lines), index + 1


# -- whole files -----------------------------------------------------------------------------------------------------


def test_a_file_that_was_cut_anywhere_is_noticed(exported: bytes) -> None:
    lines = exported.splitlines(keepends=True)
    for kept in (0, 1, 2, len(lines) // 2, len(lines) - 1):
        error = refused(b"".join(lines[:kept]))
        assert error.line == kept + 1
        assert "cut" in str(error)
    assert refused(exported[:-1]).line == len(lines)
    assert refused(exported[: len(exported) // 2]).line is not None


def test_a_byte_that_was_changed_is_noticed(exported: bytes) -> None:
    at = exported.index(b'"reference":"') + 13
    other = exported[:at] + (b"x" if exported[at : at + 1] != b"x" else b"y") + exported[at + 1 :]
    error = refused(other)
    assert error.line == len(exported.splitlines())
    assert "changed" in str(error)


def test_something_behind_the_last_line_is_refused(exported: bytes) -> None:
    assert refused(exported + b"\n").line == len(exported.splitlines()) + 1


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\n",
        b"[]\n",
        b'{"supportkit":"export"}\n',
        b'{"supportkit":"export","format":2,"schema":"0001","exported_at":"x","rows":1}\n',
        b'{"supportkit":"export","format":1,"schema":"9999","exported_at":"x","rows":1}\n',
        b'{"supportkit":"export","format":1,"schema":"0001","exported_at":"x","rows":1,"more":1}\n',
        b'{"supportkit":"export","format":true,"schema":"0001","exported_at":"x","rows":1}\n',
        b"PK\x03\x04\n",
    ],
)
def test_what_is_no_export_is_refused_at_once(header: bytes) -> None:
    assert refused(header).line == 1


def test_a_desk_that_has_anything_is_not_touched(exported: bytes) -> None:
    with Desk() as desk:
        desk.open("mine", actor="agent:kim")
        with pytest.raises(DeskNotEmpty, match="default"):
            desk.import_(io.BytesIO(exported))
        assert [ticket.subject for ticket in desk.find().items] == ["mine"]


def test_inside_a_transaction_there_is_no_import(exported: bytes) -> None:
    with Desk() as desk, desk.transaction() as inside:
        with pytest.raises(StorageError, match="outside"):
            inside.import_(io.BytesIO(exported))
        with pytest.raises(StorageError, match="outside"):
            inside.export(io.BytesIO())


# -- single lines ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nothing",
        b"null",
        b"[]",
        b"{}",
        b'{"ticket":1}',
        b'{"unknown":{}}',
        b'{"ticket":{},"note":{}}',
        b'{"counter":{"number":NaN}}',
        b'{"counter":{"number":Infinity}}',
        b'{"counter":{"number":-Infinity}}',
        b'{"counter":{"number":1e999}}',
        b'{"counter":{"number":1.0}}',
        b'{"counter":{"number":true}}',
        b'{"counter":{"number":9223372036854775808}}',
        b'{"counter":{"number":' + b"9" * 5000 + b"}}",
        b'{"counter":{"number":1,"number":2}}',
        b'{"counter":{"number":1}} {}',
        b'{"counter":{"number":1,"tenant":"other"}}',
        b'{"counter":' + b"[" * 100_000 + b"}",
        b'{"counter":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b'{"counter":{"number":"\xff"}}',
        b'{"customer":{"id":"x","created_at":0,"version":1,"name":"\\u0000"}}',
        b'{"customer":{"id":"x","created_at":0,"version":1,"name":"\\ud800"}}',
        b'{"customer":{"id":"x","created_at":999999999999999999,"version":1}}',
        b'{"customer":{"id":"x","created_at":-99999999999999999,"version":1}}',
        b'{"customer":{"id":"x","version":1}}',
        b'{"customer":{"id":"x","created_at":0,"tags":"abc"}}',
        b'{"customer":{"id":"x","created_at":0,"fields":{"a":1e999}}}',
        b'{"customer":{"id":"x","created_at":0,"fields":{"a":[]}}}',
        b'{"customer":{"id":"x","created_at":0,"addresses":[{"family":"email","value":"x","status":"sure"}]}}',
        b'{"follower":{"name":"x","seen":0}}',
        b'{"follower":{"name":"x","seen":1}}',
    ],
)
def test_a_hostile_line_is_named(line: bytes, exported: bytes) -> None:
    error = refused(sealed([exported.splitlines(keepends=True)[0], line + b"\n"]))
    assert error.line in {2, None if line.startswith(b'{"follower"') else 2}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("event", lambda row: row.update(type="exploded")),
        ("event", lambda row: row.update(schema=2)),
        ("event", lambda row: row.update(schema=0)),
        ("event", lambda row: row.update(seq=0)),
        ("event", lambda row: row.update(actor="nobody")),
        ("event", lambda row: row.update(actor="agent:" + "x" * 1000)),
        ("event", lambda row: row["data"].update(code="x")),
        ("event", lambda row: row.update(data=[])),
        ("ticket", lambda row: row.update(priority=9)),
        ("ticket", lambda row: row.update(category="exploded")),
        ("ticket", lambda row: row.update(team="x" * 1000)),
        ("ticket", lambda row: row.update(version="1")),
        ("ticket", lambda row: row.update(tags=[1])),
        ("ticket", lambda row: row.update(created_at="2026-01-05")),
        ("delivery", lambda row: row.update(state="exploded")),
        ("delivery", lambda row: row.update(possible_duplicate=1)),
        ("timer", lambda row: row.update(attempts=None)),
        ("key", lambda row: row.update(fingerprint="x" * 1000)),
        ("message", lambda row: row.update(attachments=[{"id": "x"}])),
    ],
)
def test_a_row_that_was_made_up_is_named(
    kind: str, change: Callable[[dict[str, Any]], object], exported: bytes
) -> None:
    data, line = changed(exported, kind, change)
    assert refused(data).line == line


def test_no_error_shows_what_a_line_holds(exported: bytes) -> None:
    for kind, name in (("ticket", "category"), ("event", "actor"), ("delivery", "state"), ("message", "kind")):
        data, _line = changed(exported, kind, lambda row, name=name: row.update({name: CANARY}))
        error = refused(data)
        assert CANARY not in f"{error!r} {error} {error.__cause__!r}"


def test_a_line_beyond_the_cap_is_refused_before_it_is_read(exported: bytes) -> None:
    class Endless(io.RawIOBase):
        """A first line, and then one that never ends."""

        def __init__(self) -> None:
            self.first = io.BytesIO(exported.splitlines(keepends=True)[0])
            self.given = 0

        def readline(self, size: int | None = -1, /) -> bytes:  # type: ignore[override]
            assert size is not None
            assert size > 0
            line = self.first.readline(size)
            if line:
                return line
            self.given += size
            return b"x" * min(size, 2**20) if self.given > 2**28 else b"x" * size

    from supportkit.archive.reading import import_desk

    with Desk() as desk, pytest.raises(InvalidArchive) as caught:
        import_desk(desk._runner, Endless(), max_line=10_000)  # type: ignore[arg-type]
    assert caught.value.line == 2
    assert "10000 bytes" in str(caught.value)


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_there_only_when_it_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "desk.jsonl"
    with story_desk("sqlite://", 2) as desk:
        play(desk, 2, 10)

        def interrupted(done: int, total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            desk.export(target, progress=interrupted)
        assert list(tmp_path.iterdir()) == []
        seen: list[tuple[int, int]] = []
        report = desk.export(str(target), progress=lambda done, of: seen.append((done, of)))
        assert seen[-1] == (report.total, report.total)
    assert [path.name for path in tmp_path.iterdir()] == ["desk.jsonl"]
    assert target.stat().st_mode & 0o077 == 0


def test_files_that_cannot_be_used_are_configuration_errors(tmp_path: Path) -> None:
    with Desk() as desk:
        with pytest.raises(ConfigurationError, match=r"nowhere\.jsonl"):
            desk.import_(tmp_path / "nowhere.jsonl")
        with pytest.raises(ConfigurationError, match="cannot be written"):
            desk.export(tmp_path / "no folder" / "desk.jsonl")


@pytest.mark.stress
def test_memory_stays_flat(tmp_path: Path) -> None:
    """Ten times the rows take about as much memory at their peak, out and in."""

    def peaks(name: str, count: int) -> tuple[int, int]:
        path = tmp_path / f"{name}.jsonl"
        with Desk(f"sqlite:///{tmp_path / name}.db", synchronous="normal") as desk:
            with desk.transaction() as inside:
                for number in range(count):
                    inside.open(f"ticket {number}", "x" * 2_000, actor="agent:kim")
            tracemalloc.start()
            desk.export(path)
            out = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        with Desk(f"sqlite:///{tmp_path / name}-2.db", synchronous="normal") as desk:
            tracemalloc.start()
            desk.import_(path)
            back = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return out, back

    small, large = peaks("small", 500), peaks("large", 5_000)
    assert large[0] < small[0] * 2
    assert large[1] < small[1] * 2


# -- every kind ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", builders.sample_events(), ids=lambda event: type(event).__name__)
def test_every_event_goes_out_and_in(event: Any) -> None:
    recorded = builders._recorded("acme", "ticket-1", 1, event, builders.START)
    plain = json.loads(json.dumps(to_plain(recorded)))
    assert from_plain(plain, "acme") == recorded


@pytest.mark.parametrize("name", ["ticket", "seq", "occurred_at", "recorded_at", "actor", "command", "type", "data"])
def test_an_event_without_one_of_its_keys_is_refused(name: str) -> None:
    recorded = builders._recorded("acme", "ticket-1", 1, builders.sample_events()[0], builders.START)
    plain = to_plain(recorded)
    del plain["event"][name]
    with pytest.raises(Misfit, match=name):
        from_plain(plain, "acme")


def test_a_key_has_no_tenant_in_its_value() -> None:
    receipt = builders.make_receipt()
    assert isinstance(from_plain(to_plain(receipt), "acme"), Receipt)
