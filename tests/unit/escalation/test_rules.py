"""Rules, lines and vendors as data: what is read, what is refused, and that it reads back."""

from __future__ import annotations

import pytest

from supportkit.engine.rules import STRICT_LINES, TierPolicy
from supportkit.errors import InvalidEscalation
from supportkit.escalation.actions import ActionKind, kind_of, read_action
from supportkit.escalation.rules import EscalationRule, EscalationRules
from supportkit.escalation.tiers import plain_tier, read_tiers
from supportkit.escalation.vendors import Vendor, read_vendors
from supportkit.model.people import TIERS

TAG = {"tag": ["x"]}
RULES = [
    {"id": "clock", "when": {"clock": "RESOLUTION", "priority": ["high"]}, "levels": [
        {"at": "-30m", "actions": [{"notify": ["lead", "agent:boss"]}]},
        {"at": "breach", "actions": [{"move": "up", "team": "core"}, {"priority": "urgent"}, {"hook": "pager"}]},
    ]},
    {"id": "stay", "when": {"time_in_tier": True, "tier": [2]}, "levels": [{"at": "4h", "actions": [{"move": 3}]}]},
    {"id": "again", "when": {"reopened": True}, "levels": [{"at": 2, "actions": [{"assign": {"person": "kim"}}]}]},
    {"id": "deaf", "when": {"unanswered": True}, "levels": [{"at": 3, "actions": [{"assign": "responsible"}]}]},
    {"id": "sad", "when": {"signal": "detractor"}, "levels": [{"actions": [{"priority": "up"}]}]},
    {"id": "legal", "when": {"keywords": ["lawyer"]}, "levels": [{"actions": [TAG]}]},
    {"id": "vip", "when": {"field": {"seats": [500], "vip": [True]}, "topic": ["tax"]}, "levels": [{"actions": [TAG]}]},
]  # fmt: skip


def test_rules_read_back_from_their_dict():
    assert EscalationRules.from_dict({"rules": RULES}).to_dict() == {"rules": RULES}


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"id": "a", "levels": [{"actions": [TAG]}]}, "is empty"),
        ({"id": "a b", "when": {"reopened": True}, "levels": [{"at": 1, "actions": [TAG]}]}, "id of a rule"),
        ({"id": "a", "when": {"reopened": True}}, "needs 'levels'"),
        ({"id": "a", "when": {"reopened": True}, "levels": []}, "1 to 20 levels"),
        ({"id": "a", "when": {"reopened": True}, "levels": [{"at": 1, "actions": []}]}, "does nothing"),
        ({"id": "a", "when": {"reopened": 2}, "levels": [{"at": 1, "actions": [TAG]}]}, "reopened = true"),
        ({"id": "a", "when": {"reopened": True}, "levels": [{"at": "often", "actions": [TAG]}]}, "a number"),
        ({"id": "a", "when": {"reopened": True}, "levels": [{"at": 1, "actions": [TAG]}] * 2}, "at one point"),
        ({"id": "a", "when": {"clock": "RESOLUTON"}, "levels": [{"at": "80%", "actions": [TAG]}]}, "'RESOLUTION'"),
        ({"id": "a", "when": {"clock": "RESOLUTION"}, "levels": [{"at": "soon", "actions": [TAG]}]}, "'80%'"),
        ({"id": "a", "when": {"time_in_tier": True}, "levels": [{"at": "0h", "actions": [TAG]}]}, "not positive"),
        ({"id": "a", "when": {"signal": "x", "keywords": ["y"]}, "levels": [{"actions": [TAG]}]}, "one thing"),
        ({"id": "a", "when": {"signal": "x"}, "levels": [{"at": "1h", "actions": [TAG]}]}, "no meaning"),
        ({"id": "a", "when": {"priority": "hot"}, "levels": [{"actions": [TAG]}]}, "priority 'hot' is unknown"),
        ({"id": "a", "when": {"category": "asleep"}, "levels": [{"actions": [TAG]}]}, "no category"),
        ({"id": "a", "when": {"tier": "two"}, "levels": [{"actions": [TAG]}]}, "whole number"),
        ({"id": "a", "when": {"topik": "x"}, "levels": [{"actions": [TAG]}]}, "did you mean 'topic'"),
        ({"id": "a", "when": {"topic": []}, "levels": [{"actions": [TAG]}]}, "no values"),
        ({"id": "a", "when": {"field": "x"}, "levels": [{"actions": [TAG]}]}, "table of custom fields"),
    ],
)
def test_a_rule_that_is_malformed_is_refused_with_a_hint(broken, said):
    with pytest.raises(InvalidEscalation, match=said):
        EscalationRule.from_dict(broken)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({}, "one of the keys"),
        ({"move": "up", "tag": "x"}, "one of the keys"),
        ({"move": "sideways"}, "whole number"),
        ({"notify": "boss"}, "nobody is called"),
        ({"notify": []}, "names nobody"),
        ({"assign": {}}, "needs a team"),
        ({"tag": "x", "team": "y"}, "belongs to 'move'"),
        ({"run": "rm"}, "'run' is not a key"),
    ],
)
def test_an_action_that_is_malformed_is_refused_with_a_hint(broken, said):
    with pytest.raises(InvalidEscalation, match=said):
        read_action(broken, "action")


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ({"move": "up"}, ActionKind.FUNCTIONAL),
        ({"assign": "responsible"}, ActionKind.FUNCTIONAL),
        ({"notify": "lead"}, ActionKind.HIERARCHICAL),
        (TAG, ActionKind.OTHER),
    ],
)
def test_who_can_solve_and_who_must_know_are_two_kinds(action, kind):
    assert kind_of(read_action(action, "action")) is kind


def test_two_rules_of_one_id_are_refused():
    with pytest.raises(InvalidEscalation, match="two rules have the id 'legal'"):
        EscalationRules.from_dict({"rules": [RULES[5], RULES[5]]})


def test_lines_read_back_and_stand_in_order():
    tiers = read_tiers(reversed(TIERS))
    assert tiers == TIERS
    assert read_tiers([plain_tier(one) for one in tiers]) == tiers
    full = {"level": 2, "name": "two", "teams": ["a", "b"], "lead": "kim", "calendar": "x", "checklist": ["tried"]}
    assert plain_tier(read_tiers([full])[0]) == full


@pytest.mark.parametrize(
    "broken",
    [[{"level": 1}], [{"level": 0, "name": "x"}], [{"level": 1, "name": "x", "led": "y"}], [TIERS[0], TIERS[0]]],
)
def test_lines_that_are_malformed_are_refused(broken):
    with pytest.raises(InvalidEscalation):
        read_tiers(broken)


@pytest.mark.parametrize("policy", [TierPolicy(), STRICT_LINES, TierPolicy(skip=False, birth=2)])
def test_a_policy_of_lines_reads_back(policy):
    assert TierPolicy.from_dict(policy.to_dict()) == policy


@pytest.mark.parametrize("broken", [{"skips": True}, {"skip": 1}, {"birth": 0}])
def test_a_policy_of_lines_that_is_malformed_is_refused(broken):
    with pytest.raises(InvalidEscalation):
        TierPolicy.from_dict(broken)


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("help@acme.example", True),
        ("HELP@acme.example", True),
        ("bob@parts.example", True),
        ("x@notparts.example", False),
    ],
)
def test_a_vendor_is_known_by_its_addresses(address, known):
    vendor = Vendor(name="acme", channel="email", address="help@acme.example", also=("@parts.example",))
    assert vendor.writes_from("email", address) is known
    assert not vendor.writes_from("chat", address)


def test_two_vendors_of_one_name_are_refused():
    one = {"name": "acme", "channel": "email", "address": "a@b.example"}
    with pytest.raises(InvalidEscalation, match="two vendors"):
        read_vendors([one, one])
