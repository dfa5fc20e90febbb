"""Reading a desk from a file that anybody may have made: all of it or nothing."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter as Tally
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from supportkit.archive.lines import from_plain, kind_of
from supportkit.archive.strict import Misfit, check_keys, check_text, check_whole, read_json
from supportkit.archive.writing import EVERY, FORMAT, ArchiveReport, Progress
from supportkit.errors import ConfigurationError, DeskNotEmpty, InvalidArchive
from supportkit.model.stored import Stored
from supportkit.runner import Runner
from supportkit.storage.schema import SCHEMA_VERSION

MAX_LINE = 64 * 1024 * 1024
"""Bytes of one line; a message may have 25 MB."""
_HEADER = ("supportkit", "format", "schema", "exported_at", "rows")


def import_desk(
    runner: Runner, source: str | Path | IO[bytes], *, max_line: int = MAX_LINE, progress: Progress | None = None
) -> ArchiveReport:
    """Bring everything of an export into a tenant that has nothing, in one transaction.

    Raises:
        InvalidArchive: The file is no whole export; nothing of it was kept.
        DeskNotEmpty: The tenant has rows.
        ConfigurationError: The file cannot be read.
    """
    with _opened(source) as file, runner.storage.begin(runner.tenant) as unit:
        reader = _Reader(file, runner.tenant, max_line, progress or (lambda _done, _total: None))
        reader.read_header()  # before anything is asked of the database
        if not unit.is_empty():
            raise DeskNotEmpty(runner.tenant)
        unit.restore(reader.rows())
        report = reader.report()
    runner.reload()
    return report


@contextlib.contextmanager
def _opened(source: str | Path | IO[bytes]) -> Iterator[IO[bytes]]:
    if not isinstance(source, str | Path):
        yield source
        return
    try:
        file = Path(source).open("rb")  # noqa: SIM115 - closed by the block below
    except OSError as error:
        raise ConfigurationError(f"{Path(source).name}: the file cannot be read: {error.strerror}") from None
    with file:
        yield file


class _Reader:
    """Goes through the lines of one file, once."""

    def __init__(self, file: IO[bytes], tenant: str, max_line: int, progress: Progress) -> None:
        self._file = file
        self._tenant = tenant
        self._max_line = max_line
        self._progress = progress
        self._line = 0
        self._total = 0
        self._digest = hashlib.sha256()
        self._kinds: Tally[str] = Tally()
        self._is_whole = False

    def _next(self) -> bytes:
        """Return the next line with its end.

        Raises:
            InvalidArchive: There is none, or it is too long.
        """
        self._line += 1
        line = self._file.readline(self._max_line + 1)
        if len(line) > self._max_line:
            raise InvalidArchive(self._line, f"it has more than {self._max_line} bytes")
        if not line.endswith(b"\n"):
            raise InvalidArchive(self._line, "the file ends here, before its last line: it was cut")
        return line

    def _plain(self, line: bytes) -> Any:
        try:
            return read_json(line.decode())
        except UnicodeDecodeError:
            raise Misfit("it is not UTF-8") from None

    def read_header(self) -> None:
        """Read the first line."""
        try:
            header = self._plain(self._next())
            check_keys(header, _HEADER, _HEADER, "the first line")
            for name in ("supportkit", "schema", "exported_at"):
                check_text(header[name], name)
            for name in ("format", "rows"):
                check_whole(header[name], name)
        except Misfit as error:
            raise InvalidArchive(self._line, f"this is no export of supportkit: {error}") from None
        if header["supportkit"] != "export" or header["format"] != FORMAT:
            raise InvalidArchive(1, f"this release reads exports of format {FORMAT}")
        if header["schema"] > SCHEMA_VERSION:
            raise InvalidArchive(1, f"it was written by a newer release; this one has schema {SCHEMA_VERSION}")
        self._total = header["rows"]

    def rows(self) -> Iterator[tuple[int, Stored]]:
        """Yield each row with the number of its line, up to the last line, which must fit to them."""
        done = 0
        while True:
            line = self._next()
            try:
                plain = self._plain(line)
                if isinstance(plain, dict) and plain.keys() == {"end"}:
                    self._check_end(plain["end"], done)
                    break
                row = from_plain(plain, self._tenant)
            except Misfit as error:
                raise InvalidArchive(self._line, str(error)) from None
            self._digest.update(line)
            self._kinds[kind_of(row)] += 1
            done += 1
            if done % EVERY == 0:
                self._progress(done, max(self._total, done))
            yield self._line, row
        self._progress(done, done)

    def _check_end(self, end: Any, done: int) -> None:
        check_keys(end, ("rows", "sha256"), ("rows", "sha256"), "end")
        if end["rows"] != done:
            raise Misfit(f"it counts other rows than the {done} above")
        if end["sha256"] != self._digest.hexdigest():
            raise Misfit("its sum is not that of the lines above: they were changed")
        if self._file.read(1):
            raise InvalidArchive(self._line + 1, "there is something after the last line")
        self._is_whole = True

    def report(self) -> ArchiveReport:
        """Return what was read.

        Raises:
            InvalidArchive: A storage did not read to the end.
        """
        if not self._is_whole:
            raise InvalidArchive(self._line, "the storage stopped here")
        return ArchiveReport(rows=dict(self._kinds), sha256=self._digest.hexdigest())
