"""What must not stand where everybody reads it: found in a text by rules, not guessed from its meaning."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

import attrs

from supportkit.text import fold_key

MAX_CHARS = 280
"""The longest public answer, where the channel itself has no smaller limit."""

_MAIL = re.compile(r"[^\s@,;:<>()]{1,64}@[^\s@,;:<>()]{1,255}\.[^\W\d_]{2,}")
_PHONE = re.compile(r"\+?[0-9](?:[ ()\-./]{0,3}[0-9]){6,}")
_REFERENCE = re.compile(r"\b[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}\b")
_NUMBER = re.compile(
    r"(?:[#№]|\b(?:no\.|nr\.|number|order|ticket|case|invoice|account|номер\w*|заказ\w*|заявк\w*|обращени\w*|сч[её]т\w*)"
    r"|订单|单号|工单|编号|账号)[\s:：#№]{0,3}[A-Za-z]{0,4}-?[0-9]+|[0-9]{5,}",
    re.IGNORECASE,
)
_MONEY = "USD|EUR|GBP|CNY|RMB|RUB|JPY|CHF|dollars?|euros?|pounds?|roubles?|rubles?|руб\\w*|долл\\w*|евро|юан\\w*"
_AMOUNT = re.compile(
    rf"[0-9][0-9.,\s]{{0,12}}(?:(?:{_MONEY})\b|[元块圆])|\b(?:{_MONEY})\s?[0-9][0-9.,]{{0,12}}", re.IGNORECASE
)
_TOKEN = re.compile(r"\bc\.[0-9a-f-]{30,40}\.[0-9a-f]+\.[a-z2-7]{16}\b", re.IGNORECASE)
_SHORTEST_NAME = 2


@attrs.frozen
class Exposed:
    """Something in a text that must not be public.

    Attributes:
        kind: `address`, `phone`, `number`, `reference`, `amount`, `name` or `link`.
        text: The place itself.
    """

    kind: str
    text: str = attrs.field(repr=False)


def exposed_in(
    text: str, *, handle: str = "", names: Iterable[str] = (), references: Iterable[str] = ()
) -> tuple[Exposed, ...]:
    """Return what in a text must not be public, each kind of thing at each place once.

    Digits of every script and full-width letters count as their plain forms, and invisible characters hide nothing.

    Args:
        text: A short text; its caller has looked at its length.
        handle: The public name of the customer, which may stand there.
        names: What the customer is called elsewhere.
        references: References of tickets, in any spelling.
    """
    plain = _plain(text)
    found: list[Exposed] = []
    rest = plain
    for kind, pattern in (
        ("link", _TOKEN),
        ("address", _MAIL),
        ("reference", _REFERENCE),
        ("amount", _AMOUNT),
        ("phone", _PHONE),
        ("number", _NUMBER),
    ):
        found += [Exposed(kind, match.group().strip()) for match in pattern.finditer(rest)]
        rest = pattern.sub(" ", rest)
    found += [Exposed("amount", one) for one in _signed_amounts(rest)]
    compact = _compact(plain)
    for reference in references:
        if reference and _compact(reference) in compact and all(one.kind != "reference" for one in found):
            found.append(Exposed("reference", reference))
    found += [Exposed("name", one) for one in _names_in(plain, handle, names)]
    return tuple(dict.fromkeys(found))


def _plain(text: str) -> str:
    """Return *text* in its plain form: NFKC, ASCII digits, nothing invisible."""
    return "".join(
        [
            str(unicodedata.decimal(char)) if not char.isascii() and char.isdecimal() else char
            for char in unicodedata.normalize("NFKC", text)
            if unicodedata.category(char) != "Cf"
        ]
    )


def _compact(text: str) -> str:
    return re.sub(r"[\s-]", "", fold_key(text))


def _signed_amounts(text: str) -> Iterator[str]:
    """Yield amounts beside a sign of any currency."""
    for match in re.finditer(r"[^\w\s]", text):
        if unicodedata.category(match.group()) == "Sc":
            near = text[max(0, match.start() - 3) : match.end() + 3]
            if any(char.isdigit() for char in near):
                yield near.strip()


def _names_in(text: str, handle: str, names: Iterable[str]) -> Iterator[str]:
    spoken = set(re.findall(r"\w+", fold_key(text)))
    public = set(re.findall(r"\w+", fold_key(handle)))
    whole = fold_key(text)
    for name in names:
        for word in re.findall(r"[^\W\d_]+", fold_key(name)):
            if len(word) < _SHORTEST_NAME or word in public:
                continue
            is_dense = any("\u2e80" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" for char in word)
            if word in spoken or (is_dense and word in whole):
                yield word
