"""`Shelf`: the sources of all texts by locale and key, in layers, compiled when they are first needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from supportkit.errors import InvalidTemplate
from supportkit.templates.locales import chain, same_language
from supportkit.templates.notices import FIELDS, MOMENT_FIELDS, REPLY_FIELDS, Fields, Kind, Notice
from supportkit.templates.reading import Texts
from supportkit.templates.values import nested, suggest

if TYPE_CHECKING:
    from supportkit.templates.compiled import CompiledText

_TRIED_COUNTS = (0, 1, 2, 5, 21)


@attrs.frozen
class Source:
    """One part of one text: where it comes from and which layer it lies in; a higher layer is asked first."""

    text: str
    where: str
    layer: int
    locale: str
    key: str
    part: str


class Shelf:
    """Sources by locale, key and part.

    Args:
        own_values: Values that an app adds to every text but the acknowledgement of unverified addresses.
    """

    def __init__(self, own_values: Mapping[str, Kind]) -> None:
        self._own = own_values
        self._sources: dict[tuple[str, str, str], list[Source]] = {}
        self._compiled: dict[Source, CompiledText] = {}
        self._locales: set[str] = set()
        self._keys: set[str] = set()

    @property
    def locales(self) -> tuple[str, ...]:
        """The locales that have any text."""
        return tuple(sorted(self._locales))

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of notices and replies."""
        return tuple(sorted(self._keys))

    def put(self, texts: Texts, locale: str, where: str, layer: int) -> list[Source]:
        """Add the texts of a layer above what is there, and return their sources."""
        added = []
        for key, parts in texts.parts.items():
            self._locales.add(locale)
            if key != "moments":
                self._keys.add(key)
            for part, text in parts.items():
                source = Source(text, f"{where}: {key}.{part} ({locale})", layer, locale, key, part)
                self._sources.setdefault((locale, key, part), []).insert(0, source)
                added.append(source)
        return added

    def get(self, locale: str, key: str, part: str) -> list[Source]:
        """Return the sources of a part in exactly this locale, the highest layer first."""
        return self._sources.get((locale, key, part), [])

    def first(self, locales: Iterable[str], key: str, *parts: str) -> Iterator[Source]:
        """Yield what can be used, best first: locale by locale, part by part, layer by layer."""
        for locale in locales:
            for part in parts:
                yield from self.get(locale, key, part)

    def check_key(self, key: str) -> None:
        """Hold that there is a notice or a reply of this name.

        Raises:
            ValueError: There is none.
        """
        if key not in self._keys:
            raise ValueError(f"there is no text {key[:64]!r}{suggest(key, self.keys)}")

    def fields(self, key: str) -> Fields:
        """Return what may stand in the texts of a key."""
        found = _BY_KEY.get(key, REPLY_FIELDS)
        if key in _FIXED:
            return found
        return attrs.evolve(found, values={**found.values, **self._own})

    def compiled(self, source: Source) -> CompiledText:
        """Return a source ready to render; it is read once.

        Raises:
            InvalidTemplate: It cannot be used.
        """
        if source not in self._compiled:
            from supportkit.templates.compiled import CompiledText

            names = frozenset(self.fields(source.key).values)
            self._compiled[source] = CompiledText(
                source.text, source.where, names, source.locale, is_html=source.part == "html"
            )
        return self._compiled[source]

    def try_out(self, source: Source) -> None:
        """Read a source and render it with samples: with every value, and with those alone that it always has.

        Raises:
            InvalidTemplate: It cannot be used.
        """
        from liquid.exceptions import LiquidError

        text, fields = self.compiled(source), self.fields(source.key)
        full = [{name: _sample(kind, count) for name, kind in fields.values.items()} for count in _TRIED_COUNTS]
        bare = {name: value if name in fields.needed else None for name, value in full[0].items()}
        for values in (*full, bare):
            try:
                text.render(nested(values))
            except LiquidError as error:
                index = error.token.start_index if error.token is not None else -1
                problem = f"it cannot be rendered: {str(error.message)[:200]}"
                raise text.error(problem, index if index >= 0 else None) from None

    def require_parts(self, locale: str, key: str) -> None:
        """Hold that a language has every part that a text must have; otherwise languages would be mixed.

        Raises:
            InvalidTemplate: A part is missing.
        """
        if key == "moments":
            return
        same = same_language(chain(locale), locale)
        for part in self.fields(key).parts:
            if next(self.first(same, key, part), None) is None:
                raise InvalidTemplate(f"{key} ({locale})", f"it needs the part {part!r} in this language")


_BY_KEY: dict[str, Fields] = {**{notice.value: fields for notice, fields in FIELDS.items()}, "moments": MOMENT_FIELDS}
_FIXED = {Notice.ACKNOWLEDGEMENT_UNVERIFIED.value, "moments"}
SHIPPED_VALUES = frozenset(name for fields in (*_BY_KEY.values(), REPLY_FIELDS) for name in fields.values)
"""The names that no app may declare anew, nor use as the root of one."""


def _sample(kind: Kind, count: int) -> object:
    match kind:
        case Kind.COUNT:
            return count
        case Kind.LINES:
            return ["x", "y"]
        case _:
            return "x"
