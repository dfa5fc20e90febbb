"""Reading a CSV: what is broken is told with file, line and advice, and nothing takes memory for long."""

from __future__ import annotations

import pytest
from tests.unit.replay.logs import FORMAT, HEADER, row, write

from supportkit.replay import ReplayError
from supportkit.replay.reader import MAX_RECORD, LogReader

GOOD = row("A", 0, "New").encode()
HEAD = HEADER.encode()


def read(path):
    log = LogReader(path, FORMAT)
    try:
        return list(log)
    finally:
        log.close()


def test_cells_come_record_by_record_and_empty_lines_are_left_out(tmp_path):
    path = write(tmp_path, row("A", 0, "New"), "", row("B", 1, "Work"), "")
    assert [(cells[0], cells[2]) for cells in read(path)] == [("A", "New"), ("B", "Work")]


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_text(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD + b"\r\n" + GOOD + b"\r\n")
    assert [cells[0] for cells in read(path)] == ["A"]


def test_a_quoted_cell_may_hold_delimiters_and_line_ends(tmp_path):
    path = write(tmp_path, row('"A, or\nB"', 0, "New"), row("C", 1, "New"))
    log = LogReader(path, FORMAT)
    assert next(iter(log))[0] == "A, or\nB"
    assert log.line == 3
    log.close()


def test_a_file_of_a_header_alone_has_no_rows(tmp_path):
    assert read(write(tmp_path)) == []


def test_the_reader_knows_how_far_it_is(tmp_path):
    path = write(tmp_path, row("A", 0, "New"), row("B", 1, "New"))
    log = LogReader(path, FORMAT)
    seen = [log.bytes_read for _cells in log]
    log.close()
    assert log.size == path.stat().st_size == seen[-1]
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        pytest.param(b"", 0, "the file is empty", id="empty"),
        pytest.param(b"\n\n", 0, "the file is empty", id="only empty lines"),
        pytest.param(HEAD.replace(b"when", b"wann"), 1, "has no column 'when'", id="a column is missing"),
        pytest.param(HEAD.replace(b"team", b"teams"), 1, "did you mean 'teams'?", id="a column is misspelt"),
        pytest.param(HEAD + b",id", 1, "2 columns called 'id'", id="a column is there twice"),
        pytest.param(HEAD.replace(b",", b";"), 1, "has no column 'id'", id="another delimiter"),
        pytest.param(
            HEAD + b"\n" + GOOD + b"\nB,2026", 3, "2 cells where the header has 10: the line is cut off", id="cut off"
        ),
        pytest.param(HEAD + b"\n" + GOOD + b",more", 2, "11 cells where the header has 10: quote", id="too many cells"),
        pytest.param(HEAD + b"\nA,\xff\xfe", 2, "byte 3 of the line is not UTF-8", id="no UTF-8"),
        pytest.param(
            b"\xff\xfe" + HEADER.encode("utf-16-le"), 1, "NUL byte: the file is damaged, or in UTF-16", id="UTF-16"
        ),
        pytest.param(HEAD + b"\nA\0,", 2, "NUL byte", id="NUL"),
        pytest.param(HEAD + b'\n"A' + b"," * 9, 2, "the file ends inside a quoted cell", id="open quotation mark"),
        pytest.param(HEAD + b'\n"A"B' + b"," * 9, 2, "this is no proper CSV", id="text behind a quotation mark"),
        pytest.param(HEAD + b"\n" + b"x" * 200_000, 2, "more than 131072 characters", id="a long cell"),
        pytest.param(HEAD + b"\n" + b"x," * MAX_RECORD, 2, "longer than 1000000 bytes", id="a line without end"),
        pytest.param(
            HEAD + b'\n"' + b"x" * 60 + b"\n" * MAX_RECORD,
            None,
            "is a quotation mark missing?",
            id="a quotation without end",
        ),
    ],
)
def test_a_broken_file_is_told_with_its_line(tmp_path, content, line, said):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(ReplayError) as caught:
        read(path)
    error = caught.value
    assert said in str(error)
    assert error.file == "log.csv"
    assert str(tmp_path) not in str(error)
    assert line is None or error.line == line
    assert error.code == "replay.log"


def test_a_file_that_is_not_there_is_told_without_its_folder(tmp_path):
    with pytest.raises(ReplayError) as caught:
        read(tmp_path / "none.csv")
    assert str(caught.value) == "none.csv: the file cannot be read: No such file or directory"


def test_a_folder_is_no_log(tmp_path):
    with pytest.raises(ReplayError, match="cannot be read"):
        read(tmp_path)
