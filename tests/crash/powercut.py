"""A disk that can lose its power: what SQLite writes is recorded, and images of what may be left are made of it.

A model, not a disk: it keeps the order of the writes within a file, and it believes a sync. No tests in here.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import attrs

SECTOR = 512
DROPPED, TORN = 0.5, 0.1


@attrs.frozen
class Operation:
    """What was done to a file: `write`, `truncate`, `sync` or `delete`."""

    path: str
    kind: str
    offset: int = 0
    data: bytes = b""


class RecordingVfs(apsw.VFS):
    """The usual file system, with a log of every change."""

    def __init__(self, name: str, log: list[Operation]) -> None:
        self.log = log
        self.name = name
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: Any) -> apsw.VFSFile:  # noqa: N802 - apsw names it
        return _RecordingFile(self.log, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - apsw names it
        self.log.append(Operation(Path(filename).name, "delete"))
        super().xDelete(filename, syncdir)


class _RecordingFile(apsw.VFSFile):
    def __init__(self, log: list[Operation], name: Any, flags: Any) -> None:
        self._log = log
        path = name if isinstance(name, str) or name is None else name.filename()
        self._path = Path(path).name if path else ""
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw names it
        self._log.append(Operation(self._path, "write", offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - apsw names it
        self._log.append(Operation(self._path, "truncate", newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw names it
        self._log.append(Operation(self._path, "sync"))
        super().xSync(flags)


# -- what may be left ------------------------------------------------------------------------------------------------


def images(log: Sequence[Operation], luck: random.Random, folder: Path) -> None:
    """Write the files that a power cut at the end of *log* may leave behind into *folder*."""
    files: dict[str, bytearray] = {}
    pending: dict[str, list[Operation]] = {}
    for operation in log:
        path = operation.path
        match operation.kind:
            case "sync":
                for one in pending.pop(path, []):
                    _apply(files, one, len(one.data))
            case "delete":
                pending.pop(path, None)
                files.pop(path, None)
            case _:
                pending.setdefault(path, []).append(operation)
    for operations in pending.values():
        for one in operations:
            chance = luck.random()
            if chance < DROPPED:
                continue
            torn = chance < DROPPED + TORN
            _apply(files, one, SECTOR * luck.randint(0, len(one.data) // SECTOR) if torn else len(one.data))
    for name, content in files.items():
        if name and not name.endswith("-shm"):
            (folder / name).write_bytes(content)


def _apply(files: dict[str, bytearray], operation: Operation, length: int) -> None:
    content = files.setdefault(operation.path, bytearray())
    if operation.kind == "truncate":
        del content[operation.offset :]
        return
    if len(content) < operation.offset:
        content.extend(bytes(operation.offset - len(content)))
    content[operation.offset : operation.offset + length] = operation.data[:length]


# -- a driver for SQLAlchemy on it -----------------------------------------------------------------------------------


def driver(vfs: str) -> Any:
    """Return a DB-API module over apsw whose connections use a VFS and raise the errors of `sqlite3`."""

    def connect(path: str, **_arguments: Any) -> _Connection:
        return _Connection(apsw.Connection(path, vfs=vfs))

    names = ("Error", "DatabaseError", "OperationalError", "IntegrityError", "ProgrammingError", "InterfaceError")
    return SimpleNamespace(
        connect=connect,
        paramstyle="qmark",
        sqlite_version=apsw.sqlite_lib_version(),
        sqlite_version_info=tuple(int(part) for part in apsw.sqlite_lib_version().split(".")),
        PARSE_DECLTYPES=0,
        PARSE_COLNAMES=0,
        Binary=bytes,
        **{name: getattr(sqlite3, name) for name in names},
    )


def _translated(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except apsw.Error as error:
        kind = sqlite3.IntegrityError if isinstance(error, apsw.ConstraintError) else sqlite3.OperationalError
        other = kind(str(error))
        other.sqlite_errorname = apsw.mapping_result_codes.get(getattr(error, "result", 1), "SQLITE_ERROR")  # type: ignore[arg-type,assignment]
        raise other from error


class _Connection:
    def __init__(self, real: apsw.Connection) -> None:
        self.real = real
        self.isolation_level: str | None = None
        self.row_factory = self.text_factory = None
        real.set_busy_timeout(5000)

    @property
    def in_transaction(self) -> bool:
        return self.real.in_transaction

    def cursor(self) -> _Cursor:
        return _Cursor(self)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> _Cursor:
        return self.cursor().execute(sql, values)

    def create_function(self, *_arguments: Any, **_named: Any) -> None:
        """Take no function: only SQLAlchemy's regular expressions would be one."""

    def commit(self) -> None:
        if self.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        if self.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        self.real.close()


class _Cursor:
    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._rows: Iterator[Any] = iter(())
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    def execute(self, sql: str, values: Sequence[Any] = ()) -> _Cursor:
        real = self._connection.real
        before = real.total_changes()
        cursor = real.cursor()
        cursor.exec_trace = self._describe
        self._rows = iter(_translated(lambda: list(cursor.execute(sql, tuple(values)))))
        self.rowcount = real.total_changes() - before
        self.lastrowid = real.last_insert_rowid()
        return self

    def _describe(self, cursor: apsw.Cursor, _sql: str, _values: object) -> bool:
        """Note the names of the columns, also where there is no row."""
        names = [column[0] for column in cursor.get_description()]
        self.description = tuple((name, *[None] * 6) for name in names) or None
        return True

    def executemany(self, sql: str, several: Sequence[Sequence[Any]]) -> _Cursor:
        count = 0
        for values in several:
            count += self.execute(sql, values).rowcount
        self.rowcount = count
        return self

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def fetchmany(self, size: int = 1) -> list[Any]:
        return [row for row, _number in zip(self._rows, range(size), strict=False)]

    def close(self) -> None:
        self._rows = iter(())
