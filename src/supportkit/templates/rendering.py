"""One question to the texts: the best source that can be rendered, with values in the language of that source."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from supportkit.templates.locales import chain, format_of, same_language
from supportkit.templates.moments import words_of
from supportkit.templates.shelf import Shelf, Source
from supportkit.templates.values import one_line, plain_values

_NEUTRAL = "{{ date }}, {{ time }} ({% if city %}{{ city }}, {% endif %}{{ utc }})"
"""For languages without patterns of their own; it has no words of any language."""


@attrs.frozen
class Found:
    """A rendered part and where it comes from."""

    source: Source
    text: str


@attrs.define(kw_only=True)
class Asked:
    """One rendering of one key for one customer.

    Attributes:
        wanted: The locale that the customer reads.
        locales: Where to look, in order.
        problems: Filled while sources are passed over.
    """

    shelf: Shelf
    key: str
    values: Mapping[str, Any]
    wanted: str
    locales: tuple[str, ...]
    zone: ZoneInfo
    now: dt.datetime | None
    problems: list[str] = attrs.field(factory=list)
    _plain: dict[str, dict[str, Any]] = attrs.field(factory=dict)

    def best(self, *parts: str, language: str | None = None) -> Found | None:
        """Return the first of the *parts* that can be rendered: locale by locale, in one *language* if it is given."""
        locales: Iterable[str] = self.locales if language is None else same_language(self.locales, language)
        return self._first(self.shelf.first(locales, self.key, *parts))

    def html(self, body: Source) -> Found | None:
        """Return the HTML that says the same as *body*: of its locale, and not from a layer below it."""
        if body.part != "body":
            return None
        return self._first(
            source for source in self.shelf.get(body.locale, self.key, "html") if source.layer >= body.layer
        )

    def _first(self, sources: Iterable[Source]) -> Found | None:
        from liquid.exceptions import LiquidError

        for source in sources:
            values = self._values(source.locale)
            try:
                text = self.shelf.compiled(source).render(values)
            except LiquidError as error:
                self.problems.append(f"{source.where}: {str(error.message)[:200]}")
                continue
            if text.strip():
                return Found(source, text)
            self.problems.append(f"{source.where}: nothing came of it")
        return None

    def _values(self, locale: str) -> dict[str, Any]:
        if locale not in self._plain:
            fields = self.shelf.fields(self.key)
            self._plain[locale] = plain_values(fields, self.values, self.key, lambda at: self._moment(at, locale))
        return self._plain[locale]

    def _moment(self, at: dt.datetime, locale: str) -> str:
        babel = format_of(self.wanted, locale)
        day, words = words_of(at, self.zone, self.now, babel)
        found = next(self.shelf.first(same_language(chain(locale), locale), "moments", day), None)
        if found is None:
            _day, words = words_of(at, self.zone, None, babel)
            found = Source(_NEUTRAL, "moments", 0, locale, "moments", "neutral")
        return one_line(self.shelf.compiled(found).render({name: word or None for name, word in words.items()}))
