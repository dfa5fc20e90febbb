"""The table of rules: what matches is found, in the order of the rules, and nothing else is looked at."""

from __future__ import annotations

import datetime as dt

import pytest

from supportkit.escalation.rules import EscalationRules
from supportkit.escalation.table import About, Table, Trigger, spoken
from supportkit.model.clocks import Metric
from supportkit.testing.builders import make_ticket

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
BREACHED = Trigger(("breached", Metric.RESOLUTION), "RESOLUTION/1/1", "breached", NOW)


def table(*whens, at="breach"):
    level = {"actions": [{"tag": "x"}]} | ({"at": at} if at else {})
    rules = [{"id": f"r{number}", "when": when, "levels": [level]} for number, when in enumerate(whens)]
    return Table.of(EscalationRules.from_dict({"rules": rules}))


def found(rules, ticket, trigger=BREACHED):
    return [wait.rule.id for wait in rules.matching(trigger, About(ticket))]


def test_of_a_thousand_rules_only_those_that_may_match_are_looked_at():
    asked = []

    def segment():
        asked.append(1)
        return "gold"

    rules = table(*({"clock": "RESOLUTION", "topic": f"t{number}", "segment": "gold"} for number in range(1000)))
    matching = rules.matching(BREACHED, About(make_ticket(tags=("t7", "t9")), segment))
    assert [wait.rule.id for wait in matching] == ["r7", "r9"]
    assert len(asked) == 2


def test_rules_are_found_in_their_order_whatever_they_are_filed_under():
    rules = table({"clock": "RESOLUTION"}, {"clock": "RESOLUTION", "topic": "a"}, {"clock": "RESOLUTION", "tier": 1})
    assert found(rules, make_ticket(tags=("a",))) == ["r0", "r1", "r2"]


def test_a_rule_with_two_values_that_both_fit_is_found_once():
    rules = table({"clock": "RESOLUTION", "topic": ["a", "b"]})
    assert found(rules, make_ticket(tags=("a", "b"))) == ["r0"]


def test_all_filters_must_hold():
    rules = table({"clock": "RESOLUTION", "topic": "a", "team": "west"})
    assert found(rules, make_ticket(tags=("a",), team="east")) == []
    assert found(rules, make_ticket(tags=("a",), team="west")) == ["r0"]


def test_another_clock_or_point_is_nothing_for_a_rule():
    rules = table({"clock": "RESOLUTION"})
    assert found(rules, make_ticket(), Trigger(("breached", Metric.TIER), "TIER/1/1", "", NOW)) == []
    assert found(rules, make_ticket(), Trigger(("warned", Metric.RESOLUTION, "80%"), "RESOLUTION/1/1", "", NOW)) == []


@pytest.mark.parametrize(
    ("keyword", "said", "stands"),
    [
        ("refund", "No REFUND yet", True),
        ("refund", "refunds", False),
        ("money back", "my money\n back!", True),
        ("c++", "I write c++ code", True),
        ("退款", "我要退款", True),
        ("возврат", "Где Возврат?", True),
        ("ﬁne", "a fine", True),
    ],
)
def test_keywords_stand_as_words(keyword, said, stands):
    rules = table({"keywords": [keyword]}, at=None)
    trigger = Trigger(("said",), "message/1", "", NOW, text=spoken("", said))
    assert found(rules, make_ticket(), trigger) == (["r0"] if stands else [])
