"""The incidents of Volvo IT (BPI 2013), folded without a desk: every number of the specification, exactly."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter

import pytest
from tests.shared_data import shared_file

from supportkit.measures import Cohort, percentile
from supportkit.metrics import (
    Lifespan,
    TierPath,
    backlog_ages,
    backlog_change,
    containment,
    reopen_rate,
    ticket_flow,
    tier_rates,
)
from supportkit.model.ticket import StateCategory
from supportkit.sla.facts import Created, StateEntered, TierEntered

CUSTOMER = {"Wait - User", "Wait - Customer"}
EXTERNAL = {"Wait", "Wait - Implementation", "Wait - Vendor"}
NOW = dt.datetime.fromisoformat("2012-05-23T00:22:12+01:00")
ALL = Cohort(basis="created", now=NOW)
SECOND = dt.timedelta(seconds=1)


def category(row):
    if row["Status"] == "Completed":
        return StateCategory.RESOLVED
    if row["Sub Status"] in CUSTOMER:
        return StateCategory.WAITING_CUSTOMER
    return StateCategory.WAITING_EXTERNAL if row["Sub Status"] in EXTERNAL else StateCategory.OPEN


def facts_of_case(rows):
    facts = []
    for seq, row in enumerate(rows):
        when, tier = dt.datetime.fromisoformat(row["Change Date+Time"]), int(row["ST Level"][1])
        if seq == 0:
            facts.append(Created(occurred_at=when, channel="import", ticket=row["SR Number"], tier=tier))
        facts.append(StateEntered(occurred_at=when, seq=2 * seq + 1, state=row["Status"], category=category(row)))
        facts.append(TierEntered(occurred_at=when, seq=2 * seq + 2, tier=tier))
    return facts


@pytest.fixture(scope="module")
def cases():
    found = {}
    with shared_file("data/bpi2013_dev.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["SR Number"], []).append(row)
    return {number: facts_of_case(rows) for number, rows in found.items()}


@pytest.fixture(scope="module")
def flows(cases):
    return [ticket_flow(facts, now=NOW) for facts in cases.values()]


@pytest.fixture(scope="module")
def paths(flows):
    return [TierPath(tiers=flow.tiers, resolved=flow.is_done) for flow in flows]


def seconds(durations):
    return sum(durations, dt.timedelta(0)) / SECOND


def test_support_lines_of_a_real_log(flows, paths):
    assert len(flows) == 717
    assert Counter(flow.tiers[0] for flow in flows) == {1: 633, 2: 70, 3: 14}
    assert Counter(max(flow.tiers) for flow in flows) == {1: 445, 2: 227, 3: 45}
    moves = Counter(move for flow in flows for move in zip(flow.tiers, flow.tiers[1:], strict=False))
    assert moves == {(1, 2): 249, (1, 3): 12, (2, 3): 21, (2, 1): 136, (3, 2): 17, (3, 1): 4}
    assert sum(flow.level_changes for flow in flows) == 439
    assert sum(flow.level_changes > 0 for flow in flows) == 202
    assert sum(flow.escalations for flow in flows) == 282
    stayed = containment(paths, cohort=ALL)
    assert (stayed.numerator, stayed.denominator) == (445, 717)


def test_escalation_of_a_real_log(flows, paths):
    rates = tier_rates(paths, cohort=ALL)
    assert {tier: (r.escalation.numerator, r.entered) for tier, r in rates.items()} == {
        1: (192, 638),
        2: (20, 250),
        3: (0, 45),
    }
    assert {tier: r.resolution.numerator for tier, r in rates.items()} == {1: 512, 2: 179, 3: 26}
    assert all(flow.is_done for flow in flows)


def test_reopenings_of_a_real_log(flows):
    assert sum(len(flow.resolutions) for flow in flows) == 760
    assert Counter(flow.reopens for flow in flows) == {0: 676, 1: 39, 2: 2}
    cohort = Cohort(basis="first_resolved", now=NOW)
    found = reopen_rate([flow.resolutions[0] for flow in flows], cohort=cohort)
    assert (found.definition, found.numerator, found.n) == ("reopen.7d/1", 32, 717)
    assert found.cohort.left_out("immature") == 0


@pytest.mark.parametrize(
    ("name", "median", "mean_hours", "p90_hours", "total"),
    [
        ("first_resolution", 15_570, 154.283, 428.254, 398_235_240),
        ("full_resolution", 28_947, 175.991, 480.159, 454_268_930),
    ],
)
def test_resolution_times_of_a_real_log(flows, name, median, mean_hours, p90_hours, total):
    times = [getattr(flow, name) for flow in flows]
    assert percentile(times, 0.5) / SECOND == median
    assert seconds(times) == total
    assert seconds(times) / len(times) / 3600 == pytest.approx(mean_hours, abs=5e-4)
    assert percentile(times, 0.9) / SECOND / 3600 == pytest.approx(p90_hours, abs=5e-4)


def test_waits_of_a_real_log(flows):
    assert seconds(flow.requester_wait for flow in flows) == 313_505_302
    assert seconds(flow.on_hold for flow in flows) == 91_486_301
    assert seconds(flow.agent_wait for flow in flows) == 127_085_553
    assert seconds(flow.done_time for flow in flows) == 1_141_476_459
    assert seconds(flow.age for flow in flows) == 1_582_067_314


def test_backlog_of_a_real_log(flows):
    spans = [Lifespan(created_at=flow.created_at, resolutions=flow.resolutions) for flow in flows]
    zone = dt.timezone(dt.timedelta(hours=1))
    april, may = dt.datetime(2012, 4, 1, tzinfo=zone), dt.datetime(2012, 5, 1, tzinfo=zone)
    change = backlog_change(spans, since=april, until=may)
    assert (change.start, change.created, change.reopened, change.resolved, change.end) == (30, 186, 16, 26, 206)
    ages = backlog_ages(spans, at=may)
    assert len(ages) == 206
    assert percentile(ages, 0.5) / SECOND == 556_077


def test_a_log_told_backwards_and_twice_is_the_same_log(cases):
    for facts in list(cases.values())[::20]:
        assert ticket_flow([*reversed(facts), *facts], now=NOW) == ticket_flow(facts, now=NOW)
