"""`JsonlStorage`: the file. One line a transaction, flushed to the disk before it counts."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from supportkit.archive.lines import from_plain
from supportkit.errors import ConfigurationError, StorageCorrupt, StorageError, StorageFull, StorageUnavailable
from supportkit.storage.port import Finding, StorageCapabilities
from supportkit_jsonl.tables import Tables
from supportkit_jsonl.unit import JsonlUnit

_SCHEME = "jsonl:///"
_SECONDS = 60.0


class JsonlStorage:
    """Keeps everything in memory and writes down each transaction.

    Readers look at the tables as they were at their begin and wait for nobody; writers take turns. What arrives by
    channels is not kept: the capabilities declare no `receives`.

    Args:
        url: `jsonl:///support.jsonl`; four slashes for an absolute path.

    Raises:
        ConfigurationError: The URL is none of these.
        StorageUnavailable: Another process has the file.
        StorageCorrupt: A line in the middle cannot be read.
    """

    capabilities = StorageCapabilities(durable=True, shared=False, serial=True)

    def __init__(self, url: str) -> None:
        if not url.startswith(_SCHEME) or len(url) == len(_SCHEME):
            raise ConfigurationError("write for example jsonl:///support.jsonl")
        self._path = Path(url.removeprefix(_SCHEME))
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._tenants: dict[str, Tables] = {}
        self._file: IO[bytes] | None = None
        try:
            self._file = self._path.open("a+b")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise StorageUnavailable("another process has the file: this storage is for one") from None
        except OSError as error:
            raise StorageUnavailable(f"the file cannot be opened: {error.strerror}") from None
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"JsonlStorage({self._path.name!r})"

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            raise StorageError("the storage is closed")
        return self._file

    def _read(self) -> None:
        """Do again what every line did; the last one may be half of one, which was never acknowledged."""
        file = self._opened()
        file.seek(0)
        end = 0
        for number, line in enumerate(file, start=1):
            try:
                if not line.endswith(b"\n"):
                    break
                tenant, steps = json.loads(line)
                tables = self._tenants.setdefault(tenant, Tables())
                for step in steps:
                    _repeat(tables, tenant, step)
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                raise StorageCorrupt(f"line {number} cannot be read: {type(error).__name__}") from None
            end += len(line)
        file.truncate(end)

    def migrate(self) -> None:
        """Do nothing: the file has had one form only."""
        self._opened()

    @contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[JsonlUnit]:
        """Open a unit of work; it is committed when its block ends and rolled back when it raises."""
        self._opened()
        if not write:
            unit = JsonlUnit(tenant, self._tenants.get(tenant, Tables()), write=False)
            try:
                yield unit
            finally:
                unit.end()
            return
        if self._owner == threading.get_ident():
            raise ConfigurationError("this thread is already inside a unit of work")
        if not self._lock.acquire(timeout=_SECONDS):
            raise StorageUnavailable("another thread has been writing for a minute")
        self._owner = threading.get_ident()
        unit = JsonlUnit(tenant, self._tenants.get(tenant, Tables()), write=True)
        try:
            yield unit
            unit.confirm()
            if unit.steps:
                self._commit(tenant, unit)
        finally:
            unit.end()
            self._owner = None
            self._lock.release()

    def _commit(self, tenant: str, unit: JsonlUnit) -> None:
        """Append the line; where the disk refuses it, cut it off again."""
        file = self._opened()
        line = json.dumps([tenant, unit.steps], ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        end = file.seek(0, os.SEEK_END)
        try:
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            file.truncate(end)
            raise StorageFull(f"the file cannot be written: {error.strerror}") from None
        self._tenants[tenant] = unit.tables

    def check(self) -> Sequence[Finding]:
        """Read the file once more and compare."""
        file = self._opened()
        size = os.fstat(file.fileno()).st_size
        return [Finding(code="jsonl.file", severity="ok", sentence=f"{len(self._tenants)} tenants in {size} bytes")]

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _repeat(tables: Tables, tenant: str, step: Any) -> None:
    match step:
        case ["put", plain]:
            tables.put(from_plain(plain, tenant))
        case ["follow", str(name), int(position)]:
            tables.followers[name] = position
        case ["turn", str(channel), str(account), int(turn)]:
            tables.turns[channel, account] = turn
        case ["drop", "ticket" | "delivery" | "key" as what, str(key)]:
            getattr(tables, f"drop_{what}")(key)
        case _:
            raise ValueError("there is no such step")
