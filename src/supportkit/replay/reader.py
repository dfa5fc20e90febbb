"""`LogReader`: a CSV file, record by record, in constant memory; what is broken is told with its line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from supportkit.replay.errors import ReplayError
from supportkit.replay.mapping import LogFormat
from supportkit.replay.plain import instead, shown

MAX_RECORD = 1_000_000
"""Bytes of one record; a quotation mark that is never closed would otherwise take in the rest of the file."""
_BOM = b"\xef\xbb\xbf"
_QUOTED = 131_072


class LogReader:
    """Reads one file: `header` first, then the records.

    Args:
        path: The file; UTF-8, with or without a byte order mark.
        format: Says which columns there must be.
        also: More columns that there must be.

    Attributes:
        file: Name of the file without its folder, for people.
        size: Bytes in the file.
        bytes_read: How many were read so far.
        line: The last line of the last record.

    Raises:
        ReplayError: The file cannot be opened, or its header lacks a column.
    """

    def __init__(self, path: Path | str, format: LogFormat, *, also: Iterable[str] = ()) -> None:  # noqa: A002 - as everywhere
        path = Path(path)
        self.file = path.name
        self.line = 0
        self.bytes_read = 0
        self._pending = 0
        try:
            self._stream: BinaryIO = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise ReplayError(self.file, 0, f"the file cannot be read: {error.strerror}") from None
        try:
            self._records = csv.reader(self._lines(), delimiter=format.delimiter, strict=True)
            self.header = self._check_header(format, also)
        except BaseException:
            self._stream.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the cells of each record; empty lines are left out.

        Raises:
            ReplayError: A record has too few or too many cells, or cannot be read.
        """
        width, following = len(self.header), self._records.__next__
        while True:
            self._pending = 0
            try:
                cells = following()
            except StopIteration:
                return
            except csv.Error as error:
                self._improper(error)
            if len(cells) == width:
                yield cells
            elif cells:
                few = len(cells) < width
                hint = "the line is cut off, or a quotation mark is missing" if few else "quote cells with a delimiter"
                self._fail(f"{len(cells)} cells where the header has {width}: {hint}")

    def _first(self) -> list[str] | None:
        """Return the first record that is not empty, `None` if there is none."""
        try:
            return next((cells for cells in self._records if cells), None)
        except csv.Error as error:
            self._improper(error)

    def _improper(self, error: csv.Error) -> NoReturn:
        why = str(error)
        if "field limit" in why:
            self._fail(f"a cell has more than {_QUOTED} characters: is a quotation mark missing?")
        if "unexpected end of data" in why:
            self._fail("the file ends inside a quoted cell: it is cut off, or a quotation mark is missing")
        self._fail(f"this is no proper CSV ({why})")

    def _lines(self) -> Iterator[str]:
        """Yield the lines as text, one at a time."""
        readline = self._stream.readline
        while True:
            try:
                raw = readline(MAX_RECORD + 1)
            except OSError as error:
                self._fail(f"the file cannot be read: {error.strerror}")
            if not raw:
                return
            self.line += 1
            size = len(raw)
            self.bytes_read += size
            self._pending += size
            if self._pending > MAX_RECORD:
                self._fail(f"a record is longer than {MAX_RECORD} bytes: a line end or a quotation mark is missing")
            if b"\0" in raw:
                self._fail("the line has a NUL byte: the file is damaged, or in UTF-16; save it as UTF-8")
            if self.line == 1 and raw.startswith(_BOM):
                raw = raw[len(_BOM) :]
            try:
                yield raw.decode()
            except UnicodeDecodeError as error:
                self._fail(f"byte {error.start + 1} of the line is not UTF-8: save the file as UTF-8")

    def _check_header(self, format: LogFormat, also: Iterable[str]) -> tuple[str, ...]:  # noqa: A002 - as everywhere
        cells = self._first()
        if cells is None:
            raise ReplayError(self.file, 0, "the file is empty: the first line must name the columns")
        header = tuple(cell.strip() for cell in cells)
        for column in (*format.columns.all, *also):
            count = header.count(column)
            if count != 1:
                what = f"has {count} columns called" if count else "has no column"
                hint = instead(column, header) if not count else "rename all but one"
                self._fail(f"the header {what} {shown(column)}, which format {format.name!r} needs; {hint}")
        return header

    def _fail(self, problem: str) -> NoReturn:
        raise ReplayError(self.file, self.line, problem) from None
