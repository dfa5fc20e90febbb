"""The linter: each code finds its mistake, and the examples and the built-in policy have none."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import attrs
import pytest
from tests.unit.sla.desk import CATEGORIES, UTC_DAYS, C, policy

from supportkit.businesstime import BusinessCalendar
from supportkit.sla import DEFAULT_POLICY, Row, ServiceLevels, Severity, lint

NOW = dt.datetime(2024, 1, 8, tzinfo=dt.UTC)
ROOT = Path(__file__).resolve().parents[3]


def found(*policies, calendars=None, lifecycle=CATEGORIES, **more):
    return lint(policies, {"days": UTC_DAYS, **(calendars or {})}, lifecycle, now=NOW, **more)


def codes(*policies, **more):
    return [finding.code for finding in found(*policies, **more)]


def wide(rows, **more):
    return policy([{"metric": metric, "target": target, **rest} for metric, target, rest in rows], **more)


def test_a_sound_policy_has_no_findings():
    assert found(policy({"FIRST_RESPONSE": 4, "RESOLUTION": 24})) == []


def test_the_built_in_policy_has_no_findings():
    assert found(DEFAULT_POLICY) == []


@pytest.mark.parametrize("path", sorted((ROOT / "examples/policies").glob("*.toml")), ids=lambda path: path.stem)
def test_no_example_has_an_error(path):
    levels = ServiceLevels.from_toml(path.read_text(encoding="utf-8"))

    assert [item for item in lint(levels, None, CATEGORIES, now=NOW) if item.severity is Severity.ERROR] == []


def test_l01_a_policy_that_is_never_reached():
    first = policy({"RESOLUTION": 1}, id="a", condition={"tags": ["vip", "gold"]})
    second = policy({"RESOLUTION": 1}, id="b", condition={"tags": ["vip"], "channel": "email"})
    last = policy({"RESOLUTION": 1})

    assert [(item.code, item.where, item.severity) for item in found(first, second, last)] == [("L01", "b", "E")]
    assert codes(second, first, last) == []


def test_l02_no_fallback():
    assert codes(policy({"RESOLUTION": 1}, condition={"tags": "vip"})) == ["L02"]


def test_l03_an_empty_condition_without_fallback_and_a_fallback_that_is_not_last():
    bare = policy({"RESOLUTION": 1}, id="a", fallback=False)
    early = policy({"RESOLUTION": 1}, id="b")

    assert codes(bare) == ["L02", "L03"]
    assert "L03" in codes(early, policy({"RESOLUTION": 1}, id="c"))


def test_l04_targets_that_got_past_the_constructor():
    sound = policy({"RESOLUTION": 1})
    row = Row(metric="RESOLUTION", target=dt.timedelta(0))
    object.__setattr__(sound, "rows", (row, row))

    assert [code for code in codes(sound) if code == "L04"] == ["L04"] * 4


def test_l05_unknown_channel_class_and_tier():
    odd = wide(
        [
            ("RESOLUTION", "1h", {}),
            ("RESOLUTION", "1h", {"channel": "pigeon"}),
            ("RESOLUTION", "1h", {"channel_class": "paper"}),
            ("RESOLUTION", "1h", {"tier": 9}),
        ]
    )

    assert codes(odd) == ["L05"] * 3


def test_l06_cells_without_a_target():
    assert codes(wide([("RESOLUTION", "1h", {"priority": "urgent"})])) == ["L06"]


def test_l07_a_higher_priority_takes_longer():
    (finding,) = found(wide([("RESOLUTION", "1h", {}), ("RESOLUTION", "2h", {"priority": "urgent"})]))

    assert (finding.code, finding.sentence) == ("L07", "RESOLUTION takes 2h for urgent, 1h for high")


def test_l08_the_first_response_takes_longer_than_the_resolution():
    assert codes(policy({"FIRST_RESPONSE": 8, "RESOLUTION": 4})) == ["L08"]


def test_l09_updates_before_the_first_response():
    quick = {"FIRST_RESPONSE": 8, "PERIODIC_UPDATE": 4}

    assert codes(policy(quick)) == ["L09"]
    assert codes(policy(quick, metrics={"PERIODIC_UPDATE": {"starts": "first_response"}})) == []


def test_l10_pauses_in_which_no_clock_can_run():
    (finding,) = found(policy({"RESOLUTION": 4}, metrics={"RESOLUTION": {"pauses": ["new", "open"]}}))

    assert (finding.code, finding.severity) == ("L10", Severity.ERROR)


def test_l11_a_vendor_with_more_time_than_the_resolution():
    both = {"EXTERNAL": 24, "RESOLUTION": 24}

    assert codes(policy(both, metrics={"RESOLUTION": {"pauses": ["waiting_customer"]}})) == ["L11"]
    assert codes(policy(both)) == []


def test_l12_tiers_that_add_up_to_more_than_the_resolution():
    tiers = [("TIER", "8h", {}), ("TIER", "8h", {"tier": 1}), ("TIER", "8h", {"tier": 2}), ("RESOLUTION", "12h", {})]

    assert codes(wide(tiers)) == ["L12"]


def test_l13_warnings_at_the_start_and_twice_at_one_point():
    early = policy({"RESOLUTION": 1}, metrics={"RESOLUTION": {"warnings": ["-2h"]}})
    twice = policy({"RESOLUTION": 4}, metrics={"RESOLUTION": {"warnings": ["75%", "-1h"]}})

    assert codes(early) == ["L13"]
    assert codes(twice) == ["L13"]


def test_l14_a_target_beyond_all_that_is_left():
    once = BusinessCalendar(timezone="UTC", overrides={"2024-01-09": [("09:00", "12:00")]})

    assert codes(policy({"RESOLUTION": 4}), calendars={"days": once}) == ["L14"]
    assert codes(policy({"RESOLUTION": 3}), calendars={"days": once}) == []


def test_l15_holidays_that_are_not_known_far_enough():
    known = attrs.evolve(UTC_DAYS, known_until="2024-01-10")

    assert codes(policy({"RESOLUTION": 40}), calendars={"days": known}) == ["L15"]
    assert codes(policy({"RESOLUTION": 8}), calendars={"days": known}) == []


def test_l16_window_edges_at_a_jump_of_the_zone_and_windows_that_overlap():
    night = BusinessCalendar(timezone="Europe/Berlin", hours={"sun": [("02:30", "06:00")]})
    double = BusinessCalendar(timezone="UTC", hours={"mon": [("09:00", "13:00"), ("12:00", "18:00")]})
    touching = BusinessCalendar(timezone="UTC", hours={"mon": [("09:00", "13:00"), ("13:00", "18:00")]})
    findings = found(policy({"RESOLUTION": 4}), calendars={"days": night})

    assert {item.code for item in findings} == {"L16"}
    assert {("2024-03-31" in item.sentence, "2024-10-27" in item.sentence) for item in findings} >= {
        (True, False),
        (False, True),
    }
    assert codes(policy({"RESOLUTION": 4}), calendars={"days": double}) == ["L16"]
    assert codes(policy({"RESOLUTION": 4}), calendars={"days": touching}) == []


def test_l17_a_category_that_no_state_has():
    pausing = policy({"RESOLUTION": 4}, metrics={"RESOLUTION": {"pauses": ["waiting_external"]}})

    assert codes(pausing, lifecycle={"new": C.NEW, "open": C.OPEN}) == ["L17"]


def test_l18_a_close_that_comes_too_late():
    late = policy({"RESOLUTION": 8}, metrics={"RESOLUTION": {"end": "closed"}})

    assert codes(late, auto_close=dt.timedelta(days=3)) == ["L18"]
    assert codes(late, auto_close=dt.timedelta(hours=2)) == codes(late) == []


def test_l19_bots_that_fulfil_responses():
    assert codes(policy({"FIRST_RESPONSE": 8}, metrics={"FIRST_RESPONSE": {"bots_count": True}})) == ["L19"]
