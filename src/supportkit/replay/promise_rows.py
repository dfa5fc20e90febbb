"""The last row of each case of a log, as far as it tells what was promised and whether that was kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from supportkit.errors import Refused
from supportkit.lifecycle import Refusal
from supportkit.replay.mapping import LogFormat
from supportkit.replay.plain import shown
from supportkit.replay.promised import RecordedPromise
from supportkit.replay.reader import LogReader
from supportkit.replay.rows import BAD_TIME, NO_TICKET, UNKNOWN_VALUE, RowReader, Said, refused
from supportkit.replay.times import time_reader

Refuse = Callable[[int, str, Refusal], None]
"""Takes the line, the case and the reason of a row that cannot be read."""


class PromisedCase(NamedTuple):
    """A case as its last row tells it; `is_late` is what the log says, `None` without a label."""

    name: str
    said: Said
    opened: dt.datetime
    closed: dt.datetime | None
    due: dt.datetime | None
    is_late: bool | None
    kind: str


class _Last(NamedTuple):
    """The last row of a case in the words of the log; what it says is shared by all rows that say the same."""

    line: int
    said: Said | Refusal
    opened: str
    closed: str
    due: str
    label: str
    kind: str


def promised_cases(
    path: Path | str,
    format: LogFormat,  # noqa: A002 - what it is called everywhere
    promise: RecordedPromise,
    refuse: Refuse,
) -> Iterator[PromisedCase]:
    """Yield the cases of a log in the order in which they begin; what cannot be read is handed to *refuse*.

    Raises:
        ReplayError: The file is broken, or lacks a column.
    """
    instant = time_reader(format.times, format.zone)
    for case, last in _last_rows(path, format, promise, refuse).items():
        try:
            yield _case(case, last, promise, instant)
        except Refused as error:
            refuse(last.line, case, error.refusal)


def _last_rows(
    path: Path | str,
    format: LogFormat,  # noqa: A002 - what it is called everywhere
    promise: RecordedPromise,
    refuse: Refuse,
) -> dict[str, _Last]:
    log = LogReader(path, format, also=promise.columns)
    try:
        reader = RowReader(format, log.header)
        opened = log.header.index(format.columns.opened or format.columns.time)
        closed = log.header.index(promise.closed)
        due, label, kind = (
            None if name is None else log.header.index(name) for name in (promise.due, promise.label, promise.kind)
        )
        missing = frozenset(format.missing)
        words: dict[str, str] = {}
        found: dict[str, _Last] = {}

        def cell(place: int | None) -> str:
            text = "" if place is None else cells[place].strip()
            return "" if text in missing else text

        for cells in log:
            case = reader.case(cells)
            if not case:
                refuse(log.line, "", Refusal(NO_TICKET, "the row names no ticket"))
                continue
            said: Said | Refusal
            try:
                said = reader.said(cells)
            except Refused as error:
                said = error.refusal
            label_word, kind_word = (words.setdefault(word, word) for word in (cell(label), cell(kind)))
            found[case] = _Last(log.line, said, cell(opened), cell(closed), cell(due), label_word, kind_word)
        return found
    finally:
        log.close()


def _case(
    name: str, last: _Last, promise: RecordedPromise, instant: Callable[[str], dt.datetime | None]
) -> PromisedCase:
    """Return what a row says.

    Raises:
        Refused: A word or a time in it cannot be read.
    """
    if isinstance(last.said, Refusal):
        raise Refused(last.said)

    def time(text: str, what: str) -> dt.datetime | None:
        found = instant(text) if text else None
        if text and found is None:
            raise refused(BAD_TIME, f"{shown(text)}, when the case was {what}, is no time of this format")
        return found

    opened = time(last.opened, "opened")
    if opened is None:
        raise refused(BAD_TIME, "the row does not say when the case was opened")
    is_late = last.label in promise.late if last.label else None
    if is_late is False and last.label not in promise.on_time:
        raise refused(UNKNOWN_VALUE, f"the label {shown(last.label)} is not in the format")
    return PromisedCase(name, last.said, opened, time(last.closed, "closed"), time(last.due, "due"), is_late, last.kind)
