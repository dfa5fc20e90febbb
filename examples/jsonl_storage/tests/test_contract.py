"""The contract of the library, and what is special about a file that only grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import supportkit_jsonl
from supportkit_jsonl import JsonlStorage

from supportkit import ConfigurationError, Desk, StorageUnavailable
from supportkit.errors import StorageCorrupt
from supportkit.testing import StorageContract


class TestJsonl(StorageContract):
    """Everything, with fewer of the repeated cases: each transaction copies its tables."""

    writes = 600
    writers = 4
    examples = 15

    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[JsonlStorage]:
        """Give an empty storage."""
        storage = JsonlStorage(f"jsonl:///{tmp_path}/support.jsonl")
        storage.migrate()
        yield storage
        storage.close()

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], JsonlStorage]:
        """Give a function that opens the file once more."""
        return lambda: JsonlStorage(f"jsonl:///{tmp_path}/support.jsonl")


def test_a_desk_finds_it_by_its_scheme(tmp_path: Path) -> None:
    url = f"jsonl:///{tmp_path}/support.jsonl"
    with Desk(url, plugins=[supportkit_jsonl]) as desk:
        desk.open("Printer", "It smokes.", author="customer:ann")
    with Desk(url, plugins=[supportkit_jsonl]) as desk:
        assert [ticket.subject for ticket in desk.find(text="smokes").items] == ["Printer"]
        assert [finding for finding in desk.check(deep=True) if finding.severity == "error"] == []


def test_a_line_that_was_not_finished_never_happened(tmp_path: Path) -> None:
    path = tmp_path / "support.jsonl"
    with Desk(f"jsonl:///{path}", plugins=[supportkit_jsonl]) as desk:
        desk.open("first", author="customer:ann")
        whole = path.read_bytes()
        desk.open("second", author="customer:ann")
    torn = path.read_bytes()[:-7]
    path.write_bytes(torn)
    with Desk(f"jsonl:///{path}", plugins=[supportkit_jsonl]) as desk:
        assert [ticket.subject for ticket in desk.find().items] == ["first"]
        assert path.read_bytes() == whole
        assert desk.open("third", author="customer:ann").number == 2


def test_a_line_in_the_middle_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "support.jsonl"
    with Desk(f"jsonl:///{path}", plugins=[supportkit_jsonl]) as desk:
        desk.open("first", author="customer:ann")
        desk.open("second", author="customer:ann")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0][:20] + b"\n" + lines[1])
    with pytest.raises(StorageCorrupt, match="line 1"):
        JsonlStorage(f"jsonl:///{path}")


def test_the_file_is_for_one_at_a_time(tmp_path: Path) -> None:
    first = JsonlStorage(f"jsonl:///{tmp_path}/support.jsonl")
    with pytest.raises(StorageUnavailable):
        JsonlStorage(f"jsonl:///{tmp_path}/support.jsonl")
    first.close()
    JsonlStorage(f"jsonl:///{tmp_path}/support.jsonl").close()


@pytest.mark.parametrize("url", ["jsonl:", "jsonl:///", "jsonl://host/support.jsonl"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        JsonlStorage(url)
