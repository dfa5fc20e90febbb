"""`EscalationRule`: when a ticket needs somebody else, and what is done about it, in several levels.

A rule waits for one kind of thing (`when`), on tickets of its kind (the filters in `when`). Each level says how far
that thing must have gone. Everything is data: a rule from a file can name lines, teams and people, never code.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Self

import attrs

from supportkit.errors import InvalidEscalation, InvalidPolicy
from supportkit.escalation import reading as read
from supportkit.escalation.actions import Action, plain_action, read_action
from supportkit.model.clocks import Metric
from supportkit.model.fields import FieldValue
from supportkit.model.ticket import StateCategory
from supportkit.sla.terms import write_duration
from supportkit.sla.thresholds import read_threshold
from supportkit.text import suggest

MAX_LEVELS = 20
BREACH = "breach"
FILTERS = ("topic", "tag", "field", "team", "segment", "channel", "tier", "priority", "category")
"""What a rule can ask of a ticket; a rule is found by the first of these that it has."""


class On(StrEnum):
    """What a rule waits for."""

    CLOCK = "clock"
    TIME_IN_TIER = "time_in_tier"
    REOPENED = "reopened"
    UNANSWERED = "unanswered"
    SIGNAL = "signal"
    KEYWORDS = "keywords"
    OPENED = "opened"
    RECEIVED = "received"
    ENTERED = "entered"
    IDLE = "idle"
    MATCH = "match"


Filter = tuple[str, frozenset[Any]]


@attrs.frozen(kw_only=True)
class When:
    """What a rule waits for, and on which tickets.

    Attributes:
        on: The kind of thing. With `match` it is that a ticket comes to fit the filters.
        metric: The clock of `clock`.
        signal: The name of `signal`; surveys raise `detractor`.
        entered: The category of states of `entered`, such as `resolved`.
        keywords: The words or phrases of `keywords`, one of which a customer writes.
        filters: What must hold of the ticket: each filter with the values of which one must fit.
    """

    on: On = On.MATCH
    metric: Metric | None = None
    signal: str | None = None
    keywords: tuple[str, ...] = ()
    entered: StateCategory | None = None
    filters: tuple[Filter, ...] = ()


@attrs.frozen(kw_only=True)
class Level:
    """One step of a rule.

    Attributes:
        at: How far the thing has gone: for a clock `80%`, `-30m`, `breach` or `+1h` of open time; for the time in a
            line a span of open time such as `4h`; for `idle` a span such as `2d`; a number of reopenings or of
            unanswered messages; else `None`.
        actions: What is done, in this order.
    """

    at: str | int | None = None
    actions: tuple[Action, ...]


@attrs.frozen(kw_only=True)
class EscalationRule:
    """When a ticket needs somebody else, and what is done about it.

    Attributes:
        id: Its name in events; it stays the same while the rule changes.
        when: What it waits for.
        levels: Its steps; each fires once for a ticket and an instance of what the rule waits for.

    Raises:
        InvalidEscalation: A part is malformed, or the levels do not fit what the rule waits for.
    """

    id: str
    when: When
    levels: tuple[Level, ...]

    def __attrs_post_init__(self) -> None:
        """Refuse levels that this rule could never reach."""
        what = f"rule {read.identifier(self.id, 'the id of a rule')!r}"
        if not 1 <= len(self.levels) <= MAX_LEVELS:
            raise InvalidEscalation(f"{what} has 1 to {MAX_LEVELS} levels, not {len(self.levels)}")
        for number, level in enumerate(self.levels, 1):
            _check_at(self.when.on, level.at, f"{what}, level {number}, at")
            if not level.actions:
                raise InvalidEscalation(f"{what}, level {number} does nothing: give it actions")
        points = [level.at for level in self.levels]
        if len(set(points)) != len(points):
            raise InvalidEscalation(f"{what}: two levels at one point; put their actions together")

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return what `to_dict` wrote, or what a file describes.

        Raises:
            InvalidEscalation: Something in it is unknown, missing or malformed.
        """
        known = read.table(data, "an escalation rule", ("id", "when", "levels"))
        for key in ("id", "levels"):
            if key not in known:
                raise InvalidEscalation(f"an escalation rule needs {key!r}")
        rule_id = read.identifier(known["id"], "the id of a rule")
        return cls(
            id=rule_id,
            when=read_when(known.get("when", {}), f"rule {rule_id!r}, when"),
            levels=tuple(
                _read_level(one, f"rule {rule_id!r}, level {number}")
                for number, one in enumerate(read.items(known["levels"], f"rule {rule_id!r}, levels"), 1)
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, ready for JSON or TOML."""
        return {
            "id": self.id,
            "when": _plain_when(self.when),
            "levels": [
                ({} if level.at is None else {"at": level.at})
                | {"actions": [plain_action(action) for action in level.actions]}
                for level in self.levels
            ],
        }


@attrs.frozen(kw_only=True)
class EscalationRules:
    """All rules of a desk.

    Raises:
        InvalidEscalation: Two rules have one id.
    """

    rules: tuple[EscalationRule, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse ids that stand for two rules."""
        seen: set[str] = set()
        for rule in self.rules:
            if rule.id in seen:
                raise InvalidEscalation(f"two rules have the id {rule.id!r}")
            seen.add(rule.id)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return what `to_dict` wrote, or what a file describes.

        Raises:
            InvalidEscalation: Something in it is unknown, missing or malformed.
        """
        known = read.table(data, "escalations", ("rules",))
        return cls(rules=tuple(EscalationRule.from_dict(one) for one in read.items(known.get("rules", []), "rules")))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, ready for JSON or TOML."""
        return {"rules": [rule.to_dict() for rule in self.rules]}


# -- when ------------------------------------------------------------------------------------------------------------


def folded(text: str) -> str:
    """Return text as keywords compare it: whatever the case, the width and the spaces are."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def read_when(value: Any, what: str) -> When:  # noqa: C901, PLR0911 - one short case a kind
    """Return what a rule waits for, from a table."""
    kinds = [kind for kind in On if kind is not On.MATCH]
    data = read.table(value, what, (*kinds, *FILTERS))
    found = [kind for kind in kinds if kind in data]
    if len(found) > 1:
        raise InvalidEscalation(f"{what} waits for one thing, not for {' and '.join(found)}: write two rules")
    filters = tuple((key, _values(key, data[key], f"{what}, {key}")) for key in FILTERS if key in data)
    if not found:
        if not filters:
            raise InvalidEscalation(f"{what} is empty: a rule for every ticket at once would escalate everything")
        return When(filters=filters)
    on = found[0]
    given, where = data[on], f"{what}, {on}"
    if on in (On.OPENED, On.RECEIVED):
        if given is not True:
            raise InvalidEscalation(f"{where} is written {on} = true")
        return When(on=on, filters=filters)
    if on in (On.TIME_IN_TIER, On.REOPENED, On.UNANSWERED, On.IDLE):
        if given is not True:
            raise InvalidEscalation(f"{where} is written {on} = true; how far it must go is the 'at' of a level")
        return When(on=on, filters=filters)
    if on is On.CLOCK:
        return When(on=on, metric=read.metric(given, where), filters=filters)
    if on is On.ENTERED:
        categories = [category.value for category in StateCategory]
        if given not in categories:
            raise InvalidEscalation(f"{where}: {str(given)[:40]!r} is no category{suggest(given, categories)}")
        return When(on=on, entered=StateCategory(given), filters=filters)
    if on is On.SIGNAL:
        return When(on=on, signal=read.identifier(given, where), filters=filters)
    words = tuple(dict.fromkeys(folded(word) for word in read.names(given, where)))
    if not words:
        raise InvalidEscalation(f"{where} has no words")
    return When(on=on, keywords=words, filters=filters)


def _values(key: str, value: Any, what: str) -> frozenset[Any]:
    if key == "field":
        if not isinstance(value, Mapping) or not value:
            raise InvalidEscalation(f"{what} is a table of custom fields and their values")
        return frozenset((read.name(one, what), wanted) for one, wants in value.items() for wanted in _fields(wants))
    given = read.several(value, what)
    if not given:
        raise InvalidEscalation(f"{what} has no values, so nothing would ever fit")
    if key == "tier":
        return frozenset(read.level(one, what) for one in given)
    if key == "priority":
        return frozenset(read.priority(one, what).name.lower() for one in given)
    if key == "category":
        known = [category.value for category in StateCategory]
        for one in given:
            if one not in known:
                raise InvalidEscalation(f"{what}: {str(one)[:40]!r} is no category{suggest(one, known)}")
    return frozenset(read.name(one, what) for one in given)


def _fields(value: Any) -> Iterable[FieldValue]:
    return value if isinstance(value, list | tuple) else [value]


def _plain_when(when: When) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    match when.on:
        case On.CLOCK:
            plain["clock"] = str(when.metric)
        case On.SIGNAL:
            plain["signal"] = when.signal
        case On.KEYWORDS:
            plain["keywords"] = list(when.keywords)
        case On.ENTERED:
            plain["entered"] = None if when.entered is None else when.entered.value
        case On.TIME_IN_TIER | On.REOPENED | On.UNANSWERED | On.OPENED | On.RECEIVED | On.IDLE:
            plain[when.on.value] = True
        case On.MATCH:
            pass
    for key, wanted in when.filters:
        plain[key] = _plain_fields(wanted) if key == "field" else sorted(wanted)
    return plain


def _plain_fields(wanted: frozenset[Any]) -> dict[str, list[FieldValue]]:
    found: dict[str, list[FieldValue]] = {}
    for name, value in sorted(wanted, key=repr):
        found.setdefault(name, []).append(value)
    return found


# -- levels ----------------------------------------------------------------------------------------------------------


def _read_level(value: Any, what: str) -> Level:
    data = read.table(value, what, ("at", "actions"))
    if "actions" not in data:
        raise InvalidEscalation(f"{what} needs 'actions'")
    actions = tuple(read_action(one, f"{what}, action") for one in read.items(data["actions"], f"{what}, actions"))
    at = data.get("at")
    return Level(at=at.strip() if isinstance(at, str) else at, actions=actions)


def _check_at(on: On, at: object, what: str) -> None:
    if on is On.CLOCK:
        point_of(at, what)
    elif on in (On.TIME_IN_TIER, On.IDLE):
        read.duration(at, what)
    elif on in (On.REOPENED, On.UNANSWERED):
        if isinstance(at, bool) or not isinstance(at, int) or at < 1:
            raise InvalidEscalation(f"{what} is a number from 1 upwards, not {str(at)[:40]!r}")
    elif at is not None:
        raise InvalidEscalation(f"{what} has no meaning for {on.value!r}: leave it out")


def point_of(at: object, what: str) -> str:
    """Return the threshold of a clock as events name it: `80%`, `-1800s`; `breach` is the breach."""
    if at in (BREACH, "100%"):
        return BREACH
    try:
        return read_threshold(at, what).id
    except InvalidPolicy:
        raise InvalidEscalation(f"{what} is '80%', '-30m', 'breach' or '+1h', not {str(at)[:40]!r}") from None


def describe(rule: EscalationRule, level: Level) -> str:  # noqa: C901, PLR0911 - one short case a kind
    """Return in words what a level of a rule waits for."""
    match rule.when.on:
        case On.CLOCK:
            return f"{rule.when.metric} at {level.at}"
        case On.TIME_IN_TIER:
            return f"{write_duration(read.duration(level.at, 'at'))} in one line"
        case On.REOPENED:
            return f"reopened {level.at} times"
        case On.UNANSWERED:
            return f"{level.at} messages of the customer without an answer"
        case On.SIGNAL:
            return f"the signal {rule.when.signal!r}"
        case On.KEYWORDS:
            return "a keyword in a message of the customer"
        case On.OPENED:
            return "a new ticket"
        case On.RECEIVED:
            return "a message of the customer"
        case On.ENTERED:
            return f"a ticket that becomes {rule.when.entered}"
        case On.IDLE:
            return f"{write_duration(read.duration(level.at, 'at'))} in which nobody does anything"
        case On.MATCH:
            return "a ticket of this kind"
