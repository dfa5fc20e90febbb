"""`Catalog`: the texts of a desk, shipped and own, and the one function that renders them."""

from __future__ import annotations

import datetime as dt
import functools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any, Self

import attrs

from supportkit.errors import InvalidTemplate, SupportkitError, TemplateFailed, UnknownLocale
from supportkit.templates.locales import DEFAULT, chain, known
from supportkit.templates.moments import UTC, zone_of
from supportkit.templates.notices import Fields, Kind, Notice
from supportkit.templates.reading import Reply, Texts, read_kinds, read_texts
from supportkit.templates.rendering import Asked
from supportkit.templates.replies import Replies
from supportkit.templates.shelf import SHIPPED_VALUES, Shelf, Source
from supportkit.templates.values import one_line, suggest

SHIPPED = ("en", "ru", "zh")
BRIEF_KINDS = frozenset({"chat", "messenger", "social", "sms"})
"""Kinds of channels that get the short variant."""
_KEYS = ("default_locale", "values", "texts")


@attrs.frozen(kw_only=True)
class Layer:
    """Texts of one locale from one place, which lie above the shipped ones.

    Attributes:
        locale: A language tag such as `ru` or `zh-Hant`.
        texts: Tables `notices`, `moments` and `replies`, as a TOML file has them.
        source: What to call it in errors: a file, a plug-in.
    """

    locale: str
    texts: Mapping[str, Any]
    source: str = "own texts"


@attrs.frozen(kw_only=True)
class Rendered:
    """A text that is ready to be sent.

    Attributes:
        key: Which one.
        locale: The language that was found for the body.
        subject: One line; empty for short kinds of channels and for texts that have none.
        body: Plain text.
        html: HTML with its values escaped, where the text has such a part; otherwise `None`.
        problems: Why texts that would have come first were passed over, and a zone that does not exist.
    """

    key: str
    locale: str
    subject: str = attrs.field(repr=False)
    body: str = attrs.field(repr=False)
    html: str | None = attrs.field(default=None, repr=False)
    problems: tuple[str, ...] = ()


class Catalog:
    """The texts of a desk: those that ship in en, ru and zh, with layers of an app and of plug-ins above.

    Every own text is read and tried out here, so that nothing is wrong with it when a customer waits. A catalog does
    not change, and threads may share it.

    Args:
        layers: Own texts, the most important last.
        default_locale: Where every chain of fallbacks leads before `en`.
        values: Names and kinds of values that an app adds, such as `{"shop.phone": "line"}`.

    Raises:
        InvalidTemplate: A key, part, placeholder, tag, filter or plural form is wrong; it names the text and the line.
        UnknownLocale: There is no such language.
    """

    def __init__(
        self, layers: Iterable[Layer] = (), *, default_locale: str = DEFAULT, values: Mapping[str, str] | None = None
    ) -> None:
        self.default_locale = known(default_locale)
        self.values = _own_values(values or {})
        self.layers = tuple(layers)
        self._shelf = Shelf(self.values)
        replies: dict[tuple[str, str], Reply] = {}
        for problem in _shelve(self.layers, self._shelf, replies):
            raise problem
        self.replies = Replies(
            tuple(replies.values()),
            {place: self._words(*place) for place in replies},
            default_locale=self.default_locale,
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: str = "own texts") -> Self:
        """Read `{"default_locale": ..., "values": {...}, "texts": {"ru": {...}}}`; every key may be left out.

        Raises:
            InvalidTemplate: A key is unknown, or a text is wrong.
            UnknownLocale: There is no such language.
        """
        for key in data:
            if key not in _KEYS:
                raise InvalidTemplate(source, f"{str(key)[:64]!r} is not a key here{suggest(key, _KEYS)}")
        texts = data.get("texts", {})
        if not isinstance(texts, Mapping):
            raise InvalidTemplate(source, f"texts: a table of locales is needed, not {type(texts).__name__}")
        return cls(
            tuple(Layer(locale=str(locale), texts=table, source=source) for locale, table in texts.items()),
            default_locale=str(data.get("default_locale", DEFAULT)),
            values=data.get("values"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the own texts as `from_dict` reads them, layers of one locale joined."""
        texts: dict[str, Any] = {}
        for layer in self.layers:
            texts[known(layer.locale)] = _joined(texts.get(known(layer.locale), {}), layer.texts)
        return {
            "default_locale": self.default_locale,
            "values": {name: kind.value for name, kind in self.values.items()},
            "texts": texts,
        }

    @property
    def locales(self) -> tuple[str, ...]:
        """The locales that have any text."""
        return self._shelf.locales

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all notices, and `replies.<name>` of all canned replies."""
        return self._shelf.keys

    def fields(self, key: str) -> Fields:
        """Return the values that may stand in a text, which of them are needed, and the parts that it must have.

        Raises:
            ValueError: There is no such key.
        """
        self._shelf.check_key(str(key))
        return self._shelf.fields(str(key))

    def render(
        self,
        key: Notice | str,
        *,
        locale: str,
        values: Mapping[str, Any],
        timezone: str = "UTC",
        now: dt.datetime | None = None,
        channel_kind: str = "email",
    ) -> Rendered:
        """Return a text in the best language there is.

        Nothing about a customer raises: an unknown *locale* leads to the default, an unknown *timezone* to UTC, long
        names are shortened. An own text that fails gives way to the shipped one.

        Args:
            key: A `Notice`, or `replies.<name>`.
            locale: What the customer reads: `zh-Hant-TW` looks for itself, `zh-Hant`, `zh`, then the default.
            values: By their names, such as `{"ticket.reference": "K7Q2", "due": instant}`.
            timezone: The IANA zone in which times are told.
            now: With it, times of today and tomorrow say so, beside the date.
            channel_kind: A family of channels (`email`, `chat`, `messenger`, `social`, `other`), or a kind that own
                texts have a variant `on` for.

        Raises:
            ValueError: An unknown key or value, or a value that the text always needs is absent.
            TypeError: A value is of another type than its kind.
            LimitExceeded: A long value is longer than 64 KB.
            TemplateFailed: No text of this key could be rendered.
        """
        key = str(key)
        self._shelf.check_key(key)
        zone = zone_of(timezone)
        asked = Asked(
            shelf=self._shelf,
            key=key,
            values=values,
            wanted=locale,
            locales=chain(locale, self.default_locale),
            zone=zone or UTC,
            now=now,
        )
        if zone is None:
            asked.problems.append("the time zone is unknown, so UTC is used")
        is_brief = channel_kind in BRIEF_KINDS
        body = asked.best(f"on.{channel_kind}", *(("short",) if is_brief else ()), "body")
        if body is None:
            raise TemplateFailed(key, asked.problems)
        subject = None if is_brief else asked.best("subject", language=body.source.locale)
        html = asked.html(body.source)
        return Rendered(
            key=key,
            locale=body.source.locale,
            subject=one_line(subject.text) if subject else "",
            body=_shaped(body.text),
            html=html.text.strip() if html else None,
            problems=tuple(asked.problems),
        )

    def _words(self, name: str, locale: str) -> str:
        """Return the words of a reply as it is written, for the search."""
        found = (self._shelf.get(locale, f"replies.{name}", part)[:1] for part in ("subject", "body"))
        return " ".join(source.text for sources in found for source in sources)


def lint(layers: Iterable[Layer], values: Mapping[str, str] | None = None) -> tuple[SupportkitError, ...]:
    """Return everything that is wrong with own texts, where making a `Catalog` would raise the first of it."""
    try:
        shelf = Shelf(_own_values(values or {}))
    except InvalidTemplate as problem:
        return (problem,)
    return tuple(_shelve(tuple(layers), shelf, {}))


def _shelve(
    layers: tuple[Layer, ...], shelf: Shelf, replies: dict[tuple[str, str], Reply]
) -> Iterator[InvalidTemplate | UnknownLocale]:
    """Put the shipped texts and those of *layers* on a shelf, note the replies, and yield what is wrong."""
    for locale in SHIPPED:
        shelf.put(shipped(locale), locale, "shipped", 0)
    added: list[Source] = []
    keys: dict[tuple[str, str], None] = {}
    for number, layer in enumerate(layers, 1):
        try:
            locale = known(layer.locale)
            texts = read_texts(layer.texts, f"{layer.source} ({locale})", locale)
        except (InvalidTemplate, UnknownLocale) as problem:
            yield problem
            continue
        added += shelf.put(texts, locale, layer.source, number)
        keys |= dict.fromkeys((locale, key) for key in texts.parts)
        replies |= {(reply.name, reply.locale): reply for reply in texts.replies}
    for check in (
        *(functools.partial(shelf.require_parts, *place) for place in keys),
        *(functools.partial(shelf.try_out, source) for source in added),
    ):
        try:
            check()
        except InvalidTemplate as problem:
            yield problem


def _own_values(values: object) -> dict[str, Kind]:
    """Return the values of an app, which may hide none of the shipped ones.

    Raises:
        InvalidTemplate: One of them would, or they hide each other.
    """
    found = read_kinds(values, "values")
    for name in found:
        root = name.split(".", 1)[0]
        if (
            name in SHIPPED_VALUES
            or root in SHIPPED_VALUES
            or any(have.startswith(f"{name}.") for have in SHIPPED_VALUES)
        ):
            raise InvalidTemplate("values", f"{name!r} is taken by the values of every desk; choose another name")
        if root != name and root in found:
            raise InvalidTemplate("values", f"{root!r} cannot be a value and the first part of {name!r}")
    return found


@functools.cache
def shipped(locale: str) -> Texts:
    """Return the texts that ship in one language; they are read once a process, because they never change."""
    file = resources.files("supportkit.templates") / "texts" / f"{locale}.toml"
    return read_texts(tomllib.loads(file.read_text(encoding="utf-8")), "shipped", locale)


def _joined(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two nested tables as one; where both have something, *above* wins."""
    found = dict(below)
    for key, value in above.items():
        old = found.get(key)
        found[key] = _joined(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return found


def _shaped(text: str) -> str:
    """Return *text* without blanks at line ends and without more than one empty line in a row."""
    lines: list[str] = []
    for line in (line.rstrip() for line in text.strip().split("\n")):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines)
