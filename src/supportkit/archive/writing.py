"""Writing a desk to a file: one snapshot, line after line."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import attrs

from supportkit.archive.lines import kind_of, to_plain
from supportkit.errors import ConfigurationError
from supportkit.runner import Runner
from supportkit.storage.codec import dumps
from supportkit.storage.schema import SCHEMA_VERSION

FORMAT = 1
EVERY = 1000
Progress = Callable[[int, int], object]


@attrs.frozen(kw_only=True)
class ArchiveReport:
    """What was written or read.

    Attributes:
        rows: How many rows, by kind.
        sha256: The sum over their lines, as the last line has it.
    """

    rows: Mapping[str, int]
    sha256: str

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.rows.values())


def export(runner: Runner, target: str | Path | IO[bytes], *, progress: Progress | None = None) -> ArchiveReport:
    """Write everything that the desk has to *target*: a path, or a file open for writing bytes.

    A path gets its file when it is complete, and never half of one.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    with _opened(target) as file:
        return _write(runner, file, progress or (lambda _done, _total: None))


@contextlib.contextmanager
def _opened(target: str | Path | IO[bytes]) -> Iterator[IO[bytes]]:
    if not isinstance(target, str | Path):
        yield target
        return
    path = Path(target)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("xb") as file:
            os.chmod(part, 0o600)  # noqa: PTH101 - it has every word of every customer
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except FileExistsError:
        raise ConfigurationError(f"{part.name} is there: another export is being written, or one broke off") from None
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigurationError(f"{path.name}: the file cannot be written: {error.strerror}") from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _write(runner: Runner, file: IO[bytes], progress: Progress) -> ArchiveReport:
    digest, rows = hashlib.sha256(), Tally[str]()
    done = 0
    with runner.storage.begin(runner.tenant, write=False) as unit:
        total = unit.count_rows()
        header = {
            "supportkit": "export",
            "format": FORMAT,
            "schema": SCHEMA_VERSION,
            "exported_at": runner.clock.now().isoformat(),
            "rows": total,
        }
        _put(file, header)
        for row in unit.dump():
            digest.update(_put(file, to_plain(row)))
            rows[kind_of(row)] += 1
            done += 1
            if done % EVERY == 0:
                progress(done, max(total, done))
    _put(file, {"end": {"rows": done, "sha256": digest.hexdigest()}})
    progress(done, done)
    return ArchiveReport(rows=dict(rows), sha256=digest.hexdigest())


def _put(file: IO[bytes], plain: Any) -> bytes:
    line = (dumps(plain) + "\n").encode()
    file.write(line)
    return line
