"""Long texts in parts: the same text always gives the same parts, and none cuts what belongs together.

Cuts are made at paragraphs, else sentences, else words, else grapheme clusters (Unicode UAX #29); never inside a
cluster, an address of the web, a token of markup or a placeholder.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import Any

from supportkit.channels.measure import MEASURES, MOST_CHARS, measure
from supportkit.errors import LimitExceeded

MARKER = " ({part}/{parts})"
"""What ends each part but the last; a locale may have its own."""
_LONGEST_TOKEN = 2048
_BEYOND = 2 * _LONGEST_TOKEN
_TOGETHER = re.compile(
    rf"https?://[^\s<>]{{1,{_LONGEST_TOKEN}}}"  # an address
    rf"|\{{\{{[^{{}}\n]{{1,200}}\}}\}}|\{{[^{{}}\s]{{1,100}}\}}"  # a placeholder
    rf"|<[^<>\n]{{1,{_LONGEST_TOKEN}}}>"  # a tag, or a link of Slack
    rf"|\[[^\[\]\n]{{1,500}}\]\([^()\s]{{1,{_LONGEST_TOKEN}}}\)"  # a link of Markdown
    r"|`[^`\n]{1,200}`|\*\*[^*\n]{1,200}\*\*"
)
_PARAGRAPH = re.compile(r"\n[ \t]{0,100}\n\s{0,100}")
_SENTENCE = re.compile(r"[.!?…][\"'»”)]{0,3}\s{1,100}|[。！？]|\n")  # noqa: RUF001 - the marks of Chinese are meant
_WORD = re.compile(r"\s{1,100}")


def split(
    text: str, limit: int | None, *, unit: str = "chars", max_parts: int = 5, marker: str = MARKER
) -> tuple[str, ...]:
    """Return *text* in parts that each fit a channel.

    Each part but the last ends with the marker, which counts towards the limit. Without the markers and joined, the
    parts are the text up to white space at the cuts.

    Args:
        text: What is to be sent.
        limit: Length of one message; `None` for no limit.
        unit: What the limit counts: `chars`, `utf16`, `bytes` or `segments`.
        max_parts: Most parts allowed; 1 never splits.
        marker: Text with `{part}` and `{parts}`.

    Raises:
        LimitExceeded: It needs more parts, or has something in it that cannot be cut and is longer than a part.
    """
    if limit is None or measure(text, unit) <= limit:
        return (text,)
    for digits in range(1, len(str(max_parts)) + 1):
        widest = "9" * digits
        room = marker.replace("{parts}", widest)
        parts = _cut(text, limit, unit, room, min(max_parts, int(widest)))
        if parts is not None:
            total = str(len(parts))
            ended = [f"{part}{_ending(marker, number, total)}" for number, part in enumerate(parts[:-1], 1)]
            return (*ended, parts[-1])
    raise LimitExceeded("parts of one text", max_parts, max_parts + 1, "parts; send it by e-mail or as a file")


def _ending(marker: str, part: int, parts: str) -> str:
    return marker.replace("{part}", str(part)).replace("{parts}", parts)


def _cut(text: str, limit: int, unit: str, room: str, most: int) -> list[str] | None:
    """Return the parts without their markers, `None` where *most* are too few."""
    fits, rest = MEASURES[unit], text
    parts: list[str] = []
    while fits(rest) > limit:
        if len(parts) + 1 >= most:
            return None
        ending = room.replace("{part}", str(len(parts) + 1))
        most_chars = limit * MOST_CHARS[unit] + 1
        window = rest[: most_chars + _BEYOND]  # where a token begins that fits, its end is wanted too
        ends = range(min(len(window), most_chars) + 1)
        reach = bisect_right(ends, limit, key=lambda end: fits(window[:end] + ending)) - 1
        at = _best_cut(window, reach) if reach > 0 else 0
        part = rest[:at].rstrip()
        if not part:
            raise LimitExceeded("length of what cannot be cut", limit, fits(rest), unit)
        parts.append(part)
        rest = rest[at:].lstrip()
    return [*parts, rest] if rest else parts


def _best_cut(text: str, reach: int) -> int:
    """Return where to cut *text*, at most at *reach*: the best kind of place in its second half, else anywhere."""
    held = [match.span() for match in _TOGETHER.finditer(text)]
    for kind in (_PARAGRAPH, _SENTENCE, _WORD):
        free = [at for at in _ends(kind, text, reach) if _is_free(at, held)]
        if free and (free[-1] > reach // 2 or kind is _WORD):
            return free[-1]
    clusters = [match.end() for match in _clusters().finditer(text)]
    free = [at for at in clusters[: bisect_right(clusters, reach)] if _is_free(at, held)]
    return free[-1] if free else 0


def _ends(kind: re.Pattern[str], text: str, reach: int) -> list[int]:
    """Return where text ends before a break of a kind: white space at a break does not count towards a part."""
    found = []
    for match in kind.finditer(text):
        at = match.start() + len(match.group().rstrip())
        if at > reach:
            break
        if at > 0 and text[:at].strip():
            found.append(at)
    return found


def _is_free(at: int, held: list[tuple[int, int]]) -> bool:
    index = bisect_right(held, (at, -1)) - 1
    return index < 0 or not held[index][0] < at < held[index][1]


@lru_cache(maxsize=1)
def _clusters() -> Any:
    import regex

    return regex.compile(r"\X")
