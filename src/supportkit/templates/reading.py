"""Strict reading of texts from plain data, as TOML gives it: every surprise is an `InvalidTemplate`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from supportkit.errors import InvalidTemplate
from supportkit.templates.notices import MOMENTS, PARTS, Kind, Notice
from supportkit.templates.values import suggest
from supportkit.text import clean

MAX_REPLIES = 2_000
MAX_WORDS = 50
MAX_WORD = 100
MAX_TITLE = 200
_TABLES = ("notices", "moments", "replies")
_ABOUT = ("title", "keywords", "tags")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
# Words that Liquid reads as its own.
_TAKEN = frozenset(
    {
        *("and", "or", "not", "contains", "true", "false", "nil", "null", "empty", "blank", "in", "if", "else"),
        *("limit", "offset", "cols", "reversed", "continue", "forloop", "for", "with", "as", "now", "today"),
    }
)
_VALUE = re.compile(r"[a-z][a-z0-9_]{0,63}(\.[a-z][a-z0-9_]{0,63})?")


@attrs.frozen(kw_only=True)
class Reply:
    """What an agent sees of a canned reply before picking it.

    Attributes:
        name: Its key: rendered as `replies.<name>`.
        locale: The language of this text.
        title: One line for lists; the name where none was given.
        keywords: Words by which it is found.
        tags: What it is about, to narrow a search.
    """

    name: str
    locale: str
    title: str
    keywords: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Texts:
    """The texts of one layer in one locale.

    Attributes:
        parts: For each key (`solved`, `replies.refund`, `moments`) the source of each part.
        replies: What is known about each canned reply.
    """

    parts: Mapping[str, Mapping[str, str]]
    replies: tuple[Reply, ...] = ()


def read_texts(data: object, where: str, locale: str) -> Texts:
    """Return the texts of one locale.

    Raises:
        InvalidTemplate: A key is unknown, or something is of another type than it must be.
    """
    tables = _table(data, where, _TABLES)
    parts: dict[str, Mapping[str, str]] = {}
    notices = _table(tables.get("notices", {}), f"{where}: notices", [notice.value for notice in Notice])
    for key, table in notices.items():
        parts[key] = _parts(table, f"{where}: {key}")
    moments = _table(tables.get("moments", {}), f"{where}: moments", MOMENTS)
    if moments:
        parts["moments"] = {name: _text(text, f"{where}: moments.{name}") for name, text in moments.items()}
    replies = []
    for name, table in _replies(tables.get("replies", {}), f"{where}: replies").items():
        place = f"{where}: replies.{name}"
        about = _table(table, place, (*_ABOUT, *PARTS, "on"))
        parts[f"replies.{name}"] = _parts({key: about[key] for key in about if key not in _ABOUT}, place)
        replies.append(_reply(name, about, place, locale))
    return Texts(parts=parts, replies=tuple(replies))


def read_kinds(data: object, where: str) -> dict[str, Kind]:
    """Return the names and kinds of an app's own values.

    Raises:
        InvalidTemplate: A name cannot be one, or a kind is unknown.
    """
    if not isinstance(data, Mapping):
        raise InvalidTemplate(where, f"a table of names and kinds is needed, not {type(data).__name__}")
    kinds = [kind.value for kind in Kind]
    found = {}
    for name, kind in data.items():
        if not isinstance(name, str) or not _VALUE.fullmatch(name):
            raise InvalidTemplate(where, f"{str(name)[:64]!r} is no name of a value; write shop_phone or shop.phone")
        if taken := _TAKEN.intersection(name.split(".")):
            raise InvalidTemplate(where, f"{name!r}: {min(taken)!r} is a word of Liquid; choose another name")
        if kind not in kinds:
            raise InvalidTemplate(where, f"{name}: there is no kind {str(kind)[:64]!r}{suggest(kind, kinds)}")
        found[name] = Kind(kind)
    return found


def _table(data: object, where: str, keys: Iterable[str]) -> Mapping[str, Any]:
    allowed = tuple(keys)
    if not isinstance(data, Mapping):
        raise InvalidTemplate(where, f"a table is needed, not {type(data).__name__}")
    for key in data:
        if key not in allowed:
            raise InvalidTemplate(where, f"{str(key)[:64]!r} is not a key here{suggest(key, allowed)}")
    return data


def _parts(data: object, where: str) -> dict[str, str]:
    table = _table(data, where, (*PARTS, "on"))
    found = {name: _text(text, f"{where}.{name}") for name, text in table.items() if name != "on"}
    variants = table.get("on", {})
    if not isinstance(variants, Mapping):
        raise InvalidTemplate(f"{where}.on", f"a table of channel kinds and texts is needed, not {variants!r:.40}")
    for kind, text in variants.items():
        if not isinstance(kind, str) or not _WORD.fullmatch(kind):
            raise InvalidTemplate(f"{where}.on", f"{str(kind)[:64]!r} is no kind of channel; write sms or chat")
        found[f"on.{kind}"] = _text(text, f"{where}.on.{kind}")
    return found


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise InvalidTemplate(where, f"a text is needed, not {type(value).__name__}")
    if not value.strip():
        raise InvalidTemplate(where, "the text is empty; leave it out to have the shipped one")
    if clean(value) != value:
        raise InvalidTemplate(where, "it has characters that no text can hold")
    return value


def _replies(data: object, where: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise InvalidTemplate(where, f"a table is needed, not {type(data).__name__}")
    if len(data) > MAX_REPLIES:
        raise InvalidTemplate(where, f"at most {MAX_REPLIES} replies are allowed, got {len(data)}")
    for name in data:
        if not isinstance(name, str) or not _WORD.fullmatch(name):
            raise InvalidTemplate(where, f"{str(name)[:64]!r} is no name of a reply; write for example refund_sent")
    return data


def _reply(name: str, about: Mapping[str, Any], where: str, locale: str) -> Reply:
    title = _text(about.get("title", name), f"{where}.title")
    if len(title) > MAX_TITLE or "\n" in title:
        raise InvalidTemplate(f"{where}.title", f"one line of at most {MAX_TITLE} characters is needed")
    return Reply(
        name=name,
        locale=locale,
        title=title,
        keywords=_words(about.get("keywords", ()), f"{where}.keywords"),
        tags=_words(about.get("tags", ()), f"{where}.tags"),
    )


def _words(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise InvalidTemplate(where, f"a list of words is needed, not {type(value).__name__}")
    if len(value) > MAX_WORDS:
        raise InvalidTemplate(where, f"at most {MAX_WORDS} words are allowed, got {len(value)}")
    for word in value:
        if len(_text(word, where)) > MAX_WORD:
            raise InvalidTemplate(where, f"a word has at most {MAX_WORD} characters")
    return tuple(value)
