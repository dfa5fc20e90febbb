"""The regulation: who is responsible, who stands in, and what the linter finds."""

from __future__ import annotations

import pytest

from supportkit import Desk
from supportkit.errors import InvalidEscalation
from supportkit.escalation.regulation import Duties
from supportkit.model.fields import Fields
from supportkit.model.people import TIERS
from supportkit.testing.builders import make_ticket

TABLE = {
    "topics": {
        "billing": {"team": "money", "tier": 2, "person": "kim", "deputy": "lee"},
        "printers": {"team": "devices", "person": "mo"},
    },
    "deputies": {"mo": "pat", "lee": "mo"},
}


def codes(found):
    return [(one.code, one.where) for one in found]


def test_the_field_topic_comes_before_tags_and_the_first_topic_with_a_row_counts():
    table = Duties.from_dict(TABLE)
    assert table.duty_of(make_ticket(tags=("other", "printers"))).team == "devices"
    assert table.duty_of(make_ticket(tags=("printers",), fields=Fields({"topic": "billing"}))).team == "money"
    assert table.duty_of(make_ticket(tags=("other",))) is None


@pytest.mark.parametrize(
    ("away", "acting"),
    [
        ((), "kim"),
        (("kim",), "lee"),
        (("kim", "lee"), "mo"),
        (("kim", "lee", "mo"), "pat"),
        (("kim", "lee", "mo", "pat"), None),
    ],
)
def test_the_chain_of_deputies_ends(away, acting):
    table = Duties.from_dict(TABLE)
    assert table.responsible(make_ticket(tags=("billing",)), away=away).acting == acting


def test_a_circle_of_deputies_ends_too():
    table = Duties.from_dict({"topics": {"a": {"person": "kim"}}, "deputies": {"kim": "lee", "lee": "kim"}})
    assert table.responsible(make_ticket(tags=("a",)), away=("kim", "lee")).acting is None


def test_a_sound_table_has_no_findings():
    assert Duties.from_dict(TABLE).lint(people=("kim", "lee", "mo", "pat"), tiers=TIERS, topics=("billing",)) == []


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"topics": {"a": {"tier": 2}}}, [("R01", "a")]),
        ({"topics": {"a": {"person": "kim"}}}, [("R02", "a")]),
        ({"topics": {"a": {"person": "kim", "deputy": "kim"}}}, [("R03", "a")]),
        ({"deputies": {"a": "b", "b": "c", "c": "a", "d": "a"}}, [("R03", "a")]),
        ({"deputies": {"a": "a"}}, [("R03", "a")]),
        ({"topics": {"a": {"person": "gone", "deputy": "kim"}}}, [("R04", "a")]),
        ({"topics": {"a": {"team": "x", "tier": 9}}}, [("R05", "a")]),
    ],
)
def test_the_linter_finds(table, expected):
    assert codes(Duties.from_dict(table).lint(people=("kim",), tiers=TIERS)) == expected


def test_a_topic_that_is_in_no_row_has_no_owner():
    assert codes(Duties.from_dict(TABLE).lint(topics=("billing", "taxes"))) == [("R01", "taxes")]


def test_it_reads_back_from_its_dict():
    table = Duties.from_dict(TABLE)
    assert Duties.from_dict(table.to_dict()) == table


@pytest.mark.parametrize(
    "broken",
    [
        {"topic": {}},
        {"topics": []},
        {"topics": {"a": {"persom": "kim"}}},
        {"topics": {"a": {"tier": "two"}}},
        {"topics": {"": {}}},
        {"deputies": {"a": 3}},
        "topics",
    ],
)
def test_what_is_malformed_is_refused(broken):
    with pytest.raises(InvalidEscalation):
        Duties.from_dict(broken)


def test_a_ticket_that_nobody_has_goes_to_the_team_of_its_topic():
    with Desk(regulation=TABLE) as desk:
        one = desk.open("invoice", "wrong", author="customer:ann", tags=["billing"])
        other = desk.open("printer", "burns", author="customer:ann")
        assert (one.team, other.team) == ("money", None)
        assert desk.tag(other, "printers", actor="agent:kim").team == "devices"
        assert desk.regulation.responsible(one, away={"kim"}).acting == "lee"


def test_a_ticket_that_somebody_has_stays_with_him():
    with Desk(regulation=TABLE) as desk:
        one = desk.open("invoice", "wrong", author="customer:ann", assignee="lee")
        assert desk.tag(one, "billing", actor="agent:kim").team is None


def test_topics_that_rules_ask_for_are_looked_at():
    rule = {"id": "tax", "when": {"topic": "taxes"}, "levels": [{"actions": [{"tag": "x"}]}]}
    with Desk(regulation=TABLE, escalations={"rules": [rule]}) as desk:
        assert ("R01", "taxes") in codes(desk.regulation.lint())


def test_a_rule_assigns_who_is_responsible():
    rule = {"id": "own", "when": {"priority": "urgent"}, "levels": [{"actions": [{"assign": "responsible"}]}]}
    with Desk(regulation=TABLE, escalations={"rules": [rule]}) as desk:
        one = desk.open("invoice", "wrong", author="customer:ann", tags=["billing"], priority="urgent")
        assert (one.team, one.assignee) == ("money", "kim")
