"""Canned replies: found by keyword, words and tag, in the language of the customer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from supportkit.templates.locales import chain
from supportkit.templates.reading import Reply
from supportkit.text import fold_key

_WORDS = re.compile(r"\w+")
_MAX_QUERY = 200
_ENDING = 3
"""Letters by which a word asked for may be longer than the word found: `refunds`, `возврата`."""
_STEM = 4


class Replies:
    """The canned replies of a catalog.

    Args:
        replies: One for each name and locale.
        words: The text of each, by name and locale.
        default_locale: Where chains of fallbacks lead.
    """

    def __init__(self, replies: Iterable[Reply], words: Mapping[tuple[str, str], str], *, default_locale: str) -> None:
        self._default = default_locale
        self._all = tuple(sorted(replies, key=lambda reply: (reply.name, reply.locale)))
        self._terms = {
            (reply.name, reply.locale): tuple(
                (weight, fold_key(text))
                for weight, texts in (
                    (4, reply.keywords),
                    (3, (reply.title, reply.name.replace("_", " "))),
                    (2, reply.tags),
                    (1, (words.get((reply.name, reply.locale), ""),)),
                )
                for text in texts
            )
            for reply in self._all
        }

    def __iter__(self) -> Iterator[Reply]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def search(
        self, words: str = "", *, tags: Iterable[str] = (), locale: str = "en", limit: int = 20
    ) -> tuple[Reply, ...]:
        """Return replies that have all *words* and all *tags*, the best first, each in the best language there is.

        Keywords weigh most, then titles, tags, and the text itself. Case does not matter, endings hardly do, and a word
        may be given by its beginning. Chinese, Japanese and Korean are found anywhere in a text.

        Raises:
            ValueError: *limit* is not between 1 and 500.
        """
        if not 1 <= limit <= 500:  # noqa: PLR2004
            raise ValueError(f"limit must be between 1 and 500, not {limit}")
        asked = _WORDS.findall(fold_key(words[:_MAX_QUERY]))
        wanted = {fold_key(tag) for tag in tags}
        found = []
        for reply in self._in(locale):
            if wanted <= {fold_key(tag) for tag in reply.tags}:
                terms = self._terms[reply.name, reply.locale]
                weights = [max((weight for weight, text in terms if _has(text, word)), default=0) for word in asked]
                if all(weights):
                    found.append((-sum(weights), reply.name, reply))
        return tuple(reply for _weight, _name, reply in sorted(found, key=lambda one: one[:2])[:limit])

    def _in(self, locale: str) -> list[Reply]:
        """Return each reply once, in the first language of the chain that has it, else in any."""
        places = {tag: place for place, tag in enumerate(chain(locale, self._default))}
        best: dict[str, Reply] = {}
        for reply in sorted(self._all, key=lambda one: places.get(one.locale, len(places))):
            best.setdefault(reply.name, reply)
        return list(best.values())


def _has(text: str, word: str) -> bool:
    """Tell whether a text has a word, one that begins with it, or one that differs by its ending."""
    if any(_is_dense(char) for char in word):
        return word in text
    stem = word[: max(_STEM, len(word) - _ENDING)]
    for found in _WORDS.findall(text):
        if found.startswith(word) or (
            len(word) > _STEM and found.startswith(stem) and len(found) <= len(word) + _ENDING
        ):
            return True
    return False


def _is_dense(char: str) -> bool:
    """Tell whether a letter is of a script that puts no blanks between words."""
    return "\u2e80" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" or "\U00020000" <= char <= "\U0003ffff"
