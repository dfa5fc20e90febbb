"""The look at a text before Liquid reads it: what is too long, not closed, or no tag, in linear time.

Liquid's own patterns take quadratic time on hostile text, such as many opening braces, so nothing of that kind gets
there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from supportkit.errors import InvalidTemplate
from supportkit.templates.values import suggest

MAX_SOURCE = 16_000
"""Characters of one text."""
MAX_MARKUPS = 400
"""Tags and outputs of one text."""
MAX_MARKUP = 400
"""Characters between the braces of one of them."""
TAGS = (
    *("if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase"),
    *("for", "break", "continue", "endfor", "assign", "comment", "endcomment"),
)
_NAME = re.compile(r"-?\s{0,40}(\w*)")
_WIDE = re.compile(r"\s{41}")


def line_at(source: str, index: int) -> int:
    """Return the line of the character at *index*, from 1."""
    return source.count("\n", 0, index) + 1


def markups(source: str, where: str) -> Iterator[tuple[int, str]]:
    """Yield the place and text of each tag and output.

    Raises:
        InvalidTemplate: One is not closed.
    """
    at = 0
    while True:
        starts = [place for place in (source.find("{{", at), source.find("{%", at)) if place >= 0]
        if not starts:
            return
        start = min(starts)
        end = "}}" if source[start + 1] == "{" else "%}"
        stop = source.find(end, start + 2)
        if stop < 0 or stop - start > MAX_MARKUP:
            opener = source[start : start + 2]
            problem = f"{opener!r} is not closed by {end!r} within {MAX_MARKUP} characters"
            raise InvalidTemplate(where, problem, line_at(source, start))
        yield start, source[start : stop + 2]
        at = stop + 2


def scan(source: str, where: str) -> None:
    """Refuse what need not be read: too long, not closed, unknown tags."""
    if len(source) > MAX_SOURCE:
        raise InvalidTemplate(where, f"a text has at most {MAX_SOURCE} characters, this one {len(source)}")
    for count, (start, markup) in enumerate(markups(source, where), 1):
        if count > MAX_MARKUPS:
            problem = f"a text has at most {MAX_MARKUPS} tags and outputs"
            raise InvalidTemplate(where, problem, line_at(source, start))
        if _WIDE.search(markup):
            raise InvalidTemplate(where, "more than 40 blanks in a row inside braces", line_at(source, start))
        found = _NAME.match(markup, 2)
        name = found[1] if found else ""
        if markup.startswith("{%") and name not in TAGS:
            raise InvalidTemplate(where, f"there is no tag {name[:64]!r}{suggest(name, TAGS)}", line_at(source, start))


def last_open(source: str) -> int:
    """Return where the last block begins that nothing ends; the end of the text if there is none."""
    places = []
    for start, markup in markups(source, ""):
        found = _NAME.match(markup, 2)
        name = found[1] if found and markup.startswith("{%") else ""
        if f"end{name}" in TAGS:
            places.append(start)
        elif name.startswith("end") and places:
            places.pop()
    return places[-1] if places else len(source)
