"""From what callers hand to a verb to clean values: the edge of the desk, where text is cleaned and checked once."""

from __future__ import annotations

import datetime as dt
import math
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypedDict

from supportkit.clock import to_utc
from supportkit.drafting import PLAIN, Options, Ref
from supportkit.errors import LimitExceeded
from supportkit.model.clocks import Metric
from supportkit.model.fields import Fields, FieldValue
from supportkit.model.people import Actor, ActorKind, Customer
from supportkit.model.ticket import Ticket
from supportkit.text import MAX_NAME, check_key, clean

When = dt.datetime | str
_INT64 = 2**63
_LOCALE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,6}")


class How(TypedDict, total=False):
    """What every verb takes besides its own arguments.

    Attributes:
        idempotency_key: The same key with the same arguments gives the first result again and changes nothing.
        expected_version: The ticket must be at this version, else `ConcurrentUpdate` at once.
        at: When it happened in the world; now by default.
    """

    idempotency_key: str | None
    expected_version: int | None
    at: When | None


def as_metric(metric: Metric | str) -> Metric:
    """Return a metric by its name, in any case.

    Raises:
        ValueError: There is none of this name.
    """
    try:
        return Metric(metric.upper())
    except (AttributeError, ValueError):
        known = ", ".join(Metric)
        raise ValueError(f"there is no metric {str(metric)[:40]!r}; there are: {known}") from None


def as_options(how: How) -> Options:
    """Read the common arguments of a verb."""
    if not how:
        return PLAIN
    unknown = sorted(set(how) - How.__annotations__.keys())
    if unknown:
        raise TypeError(f"verbs have no argument {unknown[0]!r}; besides their own: {', '.join(How.__annotations__)}")
    at, key = how.get("at"), how.get("idempotency_key")
    return Options(
        key=None if key is None else check_key(key),
        expected_version=how.get("expected_version"),
        at=None if at is None else to_utc(at, "at"),
    )


def as_ticket(ref: Ref | Ticket) -> Ref:
    """Return the id or number that a caller means; a whole ticket stands for its id.

    Raises:
        TypeError: It is something else.
    """
    if isinstance(ref, Ticket):
        return ref.id
    if isinstance(ref, str):
        return ref
    if isinstance(ref, bool) or not isinstance(ref, int):
        raise TypeError(f"a ticket is named by its id or number, not by a {type(ref).__name__}")
    return ref


def as_customer(customer: str | Customer | None) -> str | None:
    """Return the id that a caller means; a whole customer stands for its id."""
    return customer.id if isinstance(customer, Customer) else customer


def as_actor(actor: Actor | str) -> Actor:
    """Read `kind:id`, with the id cleaned and capped."""
    if not isinstance(actor, Actor):
        actor = Actor.parse(clean(actor, "actor"))
    return Actor(actor.kind, as_name(actor.id, "id of an actor")) if actor.id else actor


def as_author(author: Actor | str | None, customer: str | None, actor: Actor | str | None) -> Actor:
    """Return who wrote a message: who is named, else the customer, else who acts.

    Raises:
        TypeError: Nobody is named; the desk does not guess.
    """
    if author is not None:
        return as_actor(author)
    if customer is not None:
        return Actor(ActorKind.CUSTOMER, customer)
    if actor is not None:
        return as_actor(actor)
    raise TypeError("say who it is from: give customer=, author= or actor=")


def as_name(name: str, what: str) -> str:
    """Return a clean name of 1 to 200 characters.

    Raises:
        ValueError: It is empty.
        LimitExceeded: It is too long.
    """
    cleaned = clean(name, what)
    if not cleaned.strip():
        raise ValueError(f"{what} must not be empty")
    if len(cleaned) > MAX_NAME:
        raise LimitExceeded(f"length of {what}", MAX_NAME, len(cleaned), "characters")
    return cleaned


def as_optional_name(name: str | None, what: str) -> str | None:
    """Return a clean name, or `None`."""
    return None if name is None else as_name(name, what)


def as_names(names: Iterable[str], what: str) -> tuple[str, ...]:
    """Return several clean names."""
    if isinstance(names, str):
        raise TypeError(f"{what}: give several strings, not one")
    return tuple(as_name(name, what) for name in _ordered(names))


def _ordered(names: Iterable[str]) -> Iterable[str]:
    """Return a set in one order: it is part of what an idempotency key stands for, also in another process."""
    return sorted(names) if isinstance(names, AbstractSet) else names


def as_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return clean tags; their number and length are for the rules to judge."""
    if isinstance(tags, str):
        raise TypeError("tags must be several strings, not one")
    return tuple(clean(tag, "tag") for tag in _ordered(tags))


def as_fields(fields: Mapping[str, FieldValue] | None) -> Fields:
    """Return clean custom fields; numbers must survive JSON on every database.

    Raises:
        TypeError: A value is no plain value.
        ValueError: NaN, infinity, or an integer beyond 64 bits.
    """
    cleaned: dict[str, FieldValue] = {}
    for name, value in (fields or {}).items():
        if not (value is None or isinstance(value, str | int | float | bool)):
            kind = type(value).__name__
            raise TypeError(f"custom field {name[:40]!r} must be text, a number, true or false, not {kind}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"custom field {name[:40]!r}: NaN and infinity are refused")
        if isinstance(value, int) and abs(value) >= _INT64:
            raise ValueError(f"custom field {name[:40]!r}: integers have at most 64 bits")
        cleaned[clean(name, "field name")] = clean(value) if isinstance(value, str) else value
    return Fields(cleaned)


def as_words(text: str, name: str, allowed: int) -> str:
    """Return clean text that is not empty.

    Raises:
        ValueError: There is nothing to read in it.
    """
    cleaned = as_text(text, name, allowed)
    if not cleaned.strip():
        raise ValueError(f"{name} must not be empty")
    return cleaned


def as_locale(locale: str) -> str:
    """Return a BCP 47 tag such as `ru` or `zh-Hans`.

    Raises:
        ValueError: It does not look like one.
    """
    if not isinstance(locale, str) or not _LOCALE.fullmatch(locale):
        raise ValueError(f"locale {str(locale)[:40]!r} is no BCP 47 tag such as en, ru or zh-Hans")
    return locale


def as_timezone(name: str) -> str:
    """Return an IANA zone name.

    Raises:
        ValueError: There is no such zone on this machine.
    """
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError(f"time zone {str(name)[:60]!r} is unknown; write an IANA name such as Europe/Berlin") from None
    return name


def as_text(text: str, name: str, allowed: int) -> str:
    """Return clean text of at most *allowed* bytes in UTF-8.

    Raises:
        LimitExceeded: It is larger.
    """
    if isinstance(text, str) and len(text) > allowed // 4:
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > allowed:
            raise LimitExceeded(f"size of {name}", allowed, size, "bytes")
    return clean(text, name)
