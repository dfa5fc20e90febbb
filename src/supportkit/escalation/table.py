"""`Table`: the rules of a desk, found by what has happened; the cost grows with the rules that match, not with all.

A rule is filed under what each level waits for, and within that under the values of one of its filters.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple

import attrs

from supportkit.clock import MICROSECOND
from supportkit.escalation import reading as read
from supportkit.escalation.rules import BREACH, FILTERS, EscalationRule, EscalationRules, Level, On, folded, point_of
from supportkit.escalation.topics import topics_of
from supportkit.model.ticket import Ticket

Key = tuple[Hashable, ...]
_WORD = re.compile(r"[^\W\u2e80-\u9fff\uac00-\ud7a3]+")


class Wait(NamedTuple):
    """A level that waits. *number* counts from 1."""

    rule: EscalationRule
    number: int
    level: Level


class Trigger(NamedTuple):
    """Something that has happened and that rules may wait for.

    Attributes:
        key: What it is, as the table files it.
        instance: Which clock, visit or exchange; a level fires once for each.
        why: In words.
        at: When it happened.
        late: Nobody found it in time.
        text: The words in which keywords are looked for, folded.
        depth: How many escalations led to it.
        line: The line in which the ticket was then, where it is time in a line.
    """

    key: Key
    instance: str
    why: str
    at: dt.datetime
    late: bool = False
    text: str = ""
    depth: int = 0
    line: int | None = None


def _no_segment() -> str | None:
    return None


@attrs.define
class About:
    """A ticket, and what filters ask of it; the segment of its customer is read only when a rule asks for it."""

    ticket: Ticket
    ask_segment: Callable[[], str | None] = _no_segment

    def values(self, dimension: str) -> Iterable[Any]:
        """Return what the ticket has in one dimension."""
        return _VALUES[dimension](self)

    def fits(self, rule: EscalationRule) -> str | None:
        """Return the first filter of a rule that does not hold, `None` where all hold."""
        for dimension, wanted in rule.when.filters:
            if wanted.isdisjoint(self.values(dimension)):
                return dimension
        return None


def _one(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


_VALUES: Mapping[str, Callable[[About], Iterable[Any]]] = {
    "topic": lambda about: topics_of(about.ticket),
    "tag": lambda about: about.ticket.tags,
    "field": lambda about: about.ticket.fields.items(),
    "team": lambda about: _one(about.ticket.team),
    "segment": lambda about: _one(about.ask_segment()),
    "channel": lambda about: (about.ticket.channel,),
    "tier": lambda about: (about.ticket.tier,),
    "priority": lambda about: (about.ticket.priority.name.lower(),),
    "category": lambda about: (about.ticket.category.value,),
}


@attrs.define
class _Drawer:
    """The levels that wait for one thing, by the values of one filter each."""

    by: dict[str, dict[Any, list[Wait]]] = attrs.field(factory=dict)
    rest: list[Wait] = attrs.field(factory=list)

    def put(self, wait: Wait) -> None:
        has = dict(wait.rule.when.filters)
        dimension = next((one for one in FILTERS if one in has), None)
        if dimension is None:
            self.rest.append(wait)
            return
        values = self.by.setdefault(dimension, {})
        for value in has[dimension]:
            values.setdefault(value, []).append(wait)

    def find(self, about: About) -> list[Wait]:
        found = {(one.rule.id, one.number): one for one in self.rest}
        for dimension, values in self.by.items():
            for value in about.values(dimension):
                found.update({(one.rule.id, one.number): one for one in values.get(value, ())})
        return list(found.values())


@attrs.frozen(eq=False)
class Table:
    """The rules of a desk, compiled.

    Attributes:
        escalations: What it was made of.
        order: The place of each rule; what happens at one instant happens in the order of the rules.
        counts_unanswered: Whether any rule waits for unanswered messages, so that they are worth counting.
        reads_messages: Whether any rule waits for keywords.
        stays: After which spans in a line a rule wants to look, by line; under `None` those for every line.
    """

    escalations: EscalationRules
    order: Mapping[str, int]
    counts_unanswered: bool
    reads_messages: bool
    stays: Mapping[int | None, frozenset[dt.timedelta]]
    _drawers: Mapping[Key, _Drawer]

    @classmethod
    def of(cls, escalations: EscalationRules) -> Table:
        """File all rules."""
        drawers: dict[Key, _Drawer] = {}
        for rule in escalations.rules:
            for number, level in enumerate(rule.levels, 1):
                for key in _keys(rule, level):
                    drawers.setdefault(key, _Drawer()).put(Wait(rule, number, level))
        return cls(
            escalations,
            {rule.id: place for place, rule in enumerate(escalations.rules)},
            any(rule.when.on is On.UNANSWERED for rule in escalations.rules),
            any(rule.when.on is On.KEYWORDS for rule in escalations.rules),
            _stays(escalations),
            drawers,
        )

    def waits_for(self, key: Key) -> bool:
        """Tell whether any rule waits for this at all."""
        return key in self._drawers

    def spans(self, tier: int) -> frozenset[dt.timedelta]:
        """Return after which spans in a line some rule wants to look at a ticket."""
        return self.stays.get(None, frozenset()) | self.stays.get(tier, frozenset())

    def rule(self, rule_id: str) -> EscalationRule | None:
        """Return the rule with this id."""
        place = self.order.get(rule_id)
        return None if place is None else self.escalations.rules[place]

    def matching(self, trigger: Trigger, about: About) -> list[Wait]:
        """Return the levels that wait for what has happened on such a ticket, in the order of the rules."""
        if trigger.key[0] == "said":
            keys: list[Key] = [("said", word) for word in sorted(_starts(trigger.text))]
        else:
            keys = [trigger.key]
        found: dict[tuple[str, int], Wait] = {}
        for key in keys:
            drawer = self._drawers.get(key)
            for wait in () if drawer is None else drawer.find(about):
                found[wait.rule.id, wait.number] = wait
        fitting = [wait for wait in found.values() if about.fits(wait.rule) is None and _says(wait.rule, trigger.text)]
        fitting.sort(key=lambda wait: (self.order[wait.rule.id], wait.number))
        return fitting


def _stays(escalations: EscalationRules) -> Mapping[int | None, frozenset[dt.timedelta]]:
    """Return the spans after which a ticket that stays in a line is looked at, by line."""
    found: dict[int | None, set[dt.timedelta]] = {}
    for rule in escalations.rules:
        if rule.when.on is On.TIME_IN_TIER:
            spans = {read.duration(level.at, "at") for level in rule.levels}
            for tier in dict(rule.when.filters).get("tier", (None,)):
                found.setdefault(tier, set()).update(spans)
    return {tier: frozenset(spans) for tier, spans in found.items()}


def _keys(rule: EscalationRule, level: Level) -> list[Key]:
    """Return what a level is filed under."""
    when = rule.when
    match when.on:
        case On.CLOCK:
            point = point_of(level.at, "at")
            return [("breached", when.metric)] if point == BREACH else [("warned", when.metric, point)]
        case On.TIME_IN_TIER:
            return [("stayed", read.duration(level.at, "at") // MICROSECOND)]
        case On.REOPENED | On.UNANSWERED:
            return [(when.on.value, level.at)]
        case On.SIGNAL:
            return [("signal", when.signal)]
        case On.KEYWORDS:
            return [("said", _start(word)) for word in when.keywords]
        case On.MATCH:
            return [("match",)]


def _starts(text: str) -> set[str]:
    """Return what keywords may begin with in a text: its words, and each sign that is a word by itself."""
    return {*_WORD.findall(text), *(sign for sign in set(text) if _stands_alone(sign))}


def _start(keyword: str) -> str:
    """Return what a keyword is filed under."""
    first = _WORD.match(keyword)
    return keyword[0] if first is None else first.group()


def _stands_alone(sign: str) -> bool:
    """Tell whether a sign is no letter of a longer word: also every letter of a script without spaces."""
    return not sign.isalnum() or "\u2e80" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7a3"


def _says(rule: EscalationRule, text: str) -> bool:
    """Tell whether one of the keywords of a rule stands in a text, as whole words where it is written with spaces."""
    return not rule.when.keywords or any(_stands(word, text) for word in rule.when.keywords)


def _stands(word: str, text: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (_joins(text[start - 1 : start], word[0]) or _joins(word[-1], text[end : end + 1])):
            return True
        start = text.find(word, start + 1)
    return False


def _joins(one: str, other: str) -> bool:
    """Tell whether two neighbours are letters of one word."""
    return bool(one and other) and not (_stands_alone(one) or _stands_alone(other))


def spoken(*texts: str) -> str:
    """Return texts as keywords are looked for in them."""
    return folded("\n".join(texts))
