"""Languages: tags in one spelling, the chain of fallbacks, plural forms. Locale data comes from Babel (CLDR)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from supportkit.errors import UnknownLocale

if TYPE_CHECKING:
    from babel.plural import PluralRule

DEFAULT = "en"
"""The end of every chain; it has every text."""
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?")
# A bare `en` names no country: day before month and a clock of 24 hours are read right by everybody.
_FORMATS = {"en": "en_150"}
# Every category that whole numbers have in some language turns up among these.
_NUMBERS = (*range(201), 1_000, 1_000_000)


def tidy(tag: str) -> str | None:
    """Return a language tag in its usual spelling (`zh-Hant-TW`), or `None` if it is none; never raises."""
    found = _TAG.fullmatch(tag) if isinstance(tag, str) and len(tag) <= 16 else None  # noqa: PLR2004 - the longest has 11
    if found is None:
        return None
    language, script, region = found.groups()
    parts = (language.lower(), script and script.title(), region and region.upper())
    return "-".join(part for part in parts if part)


def known(tag: str) -> str:
    """Return the tag of a catalog in its usual spelling.

    Raises:
        UnknownLocale: It is no tag, or CLDR has no such language.
    """
    from babel import Locale, UnknownLocaleError
    from babel.localedata import locale_identifiers

    found = tidy(tag)
    try:
        # An alias such as `rus` would be found by nobody whose language is `ru`.
        if found is not None and Locale.parse(found, sep="-").language == found.split("-", 1)[0]:
            return found
    except (UnknownLocaleError, ValueError):
        pass
    import difflib

    near = difflib.get_close_matches(str(tag)[:16].replace("-", "_"), locale_identifiers(), n=1)
    meant = f"; did you mean {near[0].replace('_', '-')!r}?" if near else "; write a tag such as ru or zh-Hant"
    raise UnknownLocale(str(tag), meant)


@functools.lru_cache(maxsize=256)
def chain(tag: str, default: str = DEFAULT) -> tuple[str, ...]:
    """Return where to look for texts, in order: `zh-Hant-TW` gives `zh-Hant-TW`, `zh-Hant`, `zh`, then *default*.

    The script that a country writes in is put in, so that `zh-TW` finds `zh-Hant`. A tag that is none gives *default*.
    """
    found = tidy(tag)
    if found is None:
        return tuple(dict.fromkeys((default, DEFAULT)))
    parts = found.split("-")
    steps = ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
    script = script_of(found)
    if script is not None and len(parts) > 1:
        steps.insert(-1, f"{parts[0]}-{script}")
    return tuple(dict.fromkeys((*steps, default, DEFAULT)))


def same_language(locales: Iterable[str], locale: str) -> list[str]:
    """Return those of *locales* that are of the language of *locale*."""
    language = locale.split("-", 1)[0]
    return [tag for tag in locales if tag.split("-", 1)[0] == language]


def script_of(tag: str) -> str | None:
    """Return the script that *tag* is written in, such as `Hant`; `None` where CLDR has only one or no data."""
    from babel import Locale, UnknownLocaleError
    from babel.core import get_global

    try:
        script = Locale.parse(tag, sep="-").script
        if script is None:
            likely = get_global("likely_subtags").get(tag.split("-", 1)[0], "")
            script = next((part for part in str(likely).split("_") if len(part) == 4), None)  # noqa: PLR2004
    except (UnknownLocaleError, ValueError):
        return None
    return script


@functools.lru_cache(maxsize=256)
def format_of(wanted: str, text: str) -> str:
    """Return the Babel identifier by which to write dates in a text.

    It is what the customer *wanted*, where that is the language and script of the *text* that was found, so `en-US`
    reads an English text with American dates; otherwise the locale of the text.
    """
    from babel import Locale, UnknownLocaleError

    mine = tidy(wanted)
    if mine is not None and same_language([mine], text) and script_of(mine) == script_of(text):
        try:
            Locale.parse(mine, sep="-")
        except (UnknownLocaleError, ValueError):
            pass
        else:
            return _FORMATS.get(mine, mine.replace("-", "_"))
    return _FORMATS.get(text, text.replace("-", "_"))


def plural_form(count: int, tag: str) -> str:
    """Return the CLDR category of a whole number: `one`, `few`, `many`, `other` ..."""
    return str(_plurals(tag)(count))


@functools.lru_cache(maxsize=64)
def plural_forms(tag: str) -> tuple[str, ...]:
    """Return the categories that whole numbers have in a language; a `plural` filter must name each of them."""
    found = {plural_form(number, tag) for number in _NUMBERS}
    return tuple(form for form in ("zero", "one", "two", "few", "many", "other") if form in found)


@functools.lru_cache(maxsize=64)
def _plurals(tag: str) -> PluralRule:
    from babel import Locale

    return Locale.parse(tag, sep="-").plural_form
