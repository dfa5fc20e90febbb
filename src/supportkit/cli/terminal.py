"""What goes to a terminal: other people's words without anything that a terminal would obey."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

_PIPE_WIDTH = 120
# C0 without tab and line feed, DEL and C1; the marks that turn the direction of writing; separators of lines.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def harmless(text: str) -> str:
    """Return *text* without control characters, escape sequences' beginnings and marks of direction."""
    return _OBEYED.sub("", text)


def line(text: str) -> Text:
    """Return somebody's words as one line of a table: no markup in them is read."""
    return Text(" ".join(harmless(text).split()))


def words(text: str, style: str = "") -> Text:
    """Return somebody's words with their line ends."""
    return Text(harmless(text).expandtabs(4), style=style)


def console(*, stderr: bool = False) -> Console:
    """Return where a command prints; wide enough for tables when nobody looks."""
    made = Console(stderr=stderr, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = max(made.width, _PIPE_WIDTH)
    return made


def print_json(plain: Any) -> None:
    """Print plain data as JSON in which a terminal finds nothing to obey either."""
    text = json.dumps(plain, ensure_ascii=False, indent=2)
    text = _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    sys.stdout.write(text + "\n")


def percent(part: int, whole: int) -> str:
    """Return a share with two decimals, rounded half up without a float on the way; `-` of nothing."""
    if not whole:
        return "-"
    hundredths = (2 * 10_000 * part + whole) // (2 * whole)
    return f"{hundredths // 100}.{hundredths % 100:02} %"


def complain(sentence: str) -> None:
    """Say on stderr what went wrong, in one line."""
    sys.stderr.write(f"supportkit: {' '.join(harmless(sentence).split())}\n")
