"""CSV that a spreadsheet reads as what it is: numbers stay numbers, and other people's words are never formulas."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
Cell = str | int | float | None


def safe(value: Cell) -> Cell:
    """Return a cell that no spreadsheet takes for a formula.

    Words that begin like one, also after spaces or in full-width letters, get an apostrophe in front. Numbers are ours
    and stay as they are.
    """
    if not isinstance(value, str):
        return value
    seen = unicodedata.normalize("NFKC", value)
    # Tabs and line ends are stripped too, so the untouched text is looked at as well.
    return f"'{value}" if seen.startswith(_STARTS) or seen.strip().startswith(_STARTS) else value


def sheet(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table as CSV, with the line ends of RFC 4180."""
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(head)
    write.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue()
