"""Tables of tickets: parts add up to the whole, and the bits that are kept say what the flows say."""

from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise

import pytest

from supportkit.businesstime import BusinessCalendar
from supportkit.measures import Cohort
from supportkit.metrics import FlowTable, Period, TicketEntry, measure, ticket_flow
from supportkit.metrics.definitions import DEFINITIONS, definition_of
from supportkit.metrics.flow import in_business_time
from supportkit.metrics.rates import TierPath, containment, tier_rates
from supportkit.metrics.table import ClockResult
from supportkit.model.people import ActorKind
from supportkit.model.ticket import ClosingReason, StateCategory
from supportkit.sla.facts import Created, Messaged, StateEntered, TierEntered

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
NOW = START + dt.timedelta(days=60)
DAYS = ("mon", "tue", "wed", "thu", "fri")
WEEK = BusinessCalendar.from_dict({"timezone": "Europe/Rome", "hours": {day: [["09:00", "18:00"]] for day in DAYS}})
CATEGORIES = list(StateCategory)


def made(seed: int) -> TicketEntry:
    """Return a ticket whose life is drawn by *seed*."""
    draw = random.Random(seed)
    at = START + dt.timedelta(minutes=draw.randrange(80_000))
    facts: list = [
        Created(
            occurred_at=at,
            seq=1,
            channel=draw.choice(["email", "chat"]),
            ticket=str(seed),
            tier=draw.choice([1, 1, 2]),
            category=StateCategory.NEW,
            author=ActorKind.CUSTOMER,
        )
    ]
    born = at
    for seq in range(2, draw.randrange(3, 14)):
        at += dt.timedelta(minutes=draw.randrange(1, 4000))
        what = draw.randrange(4)
        if what == 0:
            facts.append(StateEntered(occurred_at=at, seq=seq, state="s", category=draw.choice(CATEGORIES)))
        elif what == 1:
            facts.append(TierEntered(occurred_at=at, seq=seq, tier=draw.randrange(1, 4)))
        else:
            author = draw.choice([ActorKind.CUSTOMER, ActorKind.AGENT])
            facts.append(Messaged(occurred_at=at, seq=seq, message=str(seq), author=author, channel="email"))
    flow = ticket_flow(facts, now=NOW)
    assert flow is not None
    due = born + dt.timedelta(days=draw.randrange(1, 50))
    return TicketEntry(
        flow=flow,
        business=in_business_time(flow, WEEK),
        customer=f"c{seed % 7}",
        topics=draw.choice([(), ("parcel",), ("parcel", "invoice")]),
        agent=draw.choice([None, "kim", "lee"]),
        reason=ClosingReason.SOLVED if flow.is_done else None,
        excluded=draw.choice([None, None, None, "spam"]),
        clocks=(ClockResult(clock="resolution", due_at=due, verdict=draw.choice(["met", "breached", "running"])),),
        contact_at=born,
    )


ENTRIES = [made(seed) for seed in range(120)]
PERIOD = Period(since=START + dt.timedelta(days=5), until=NOW - dt.timedelta(days=5), zone="Europe/Rome")


def table(entries) -> FlowTable:
    found = FlowTable(NOW, filter="customers/1", has_business=True)
    for entry in entries:
        found.add(entry)
    return found


def merged(*parts) -> FlowTable:
    found = table([])
    for part in parts:
        found.merge(table(part))
    return found


@pytest.mark.parametrize("period", [Period(), PERIOD], ids=["everything", "some weeks"])
def test_parts_merge_to_the_whole_with_the_same_results(period):
    halves = [[one for one in ENTRIES if int(one.customer[1:]) % 3 == part] for part in range(3)]

    together = measure(merged(*halves), period)

    assert together.results == measure(table(ENTRIES), period).results
    assert together.series == measure(table(ENTRIES), period).series
    assert {(group.dimension, group.name): group for group in together.groups} == {
        (group.dimension, group.name): group for group in measure(table(ENTRIES), period).groups
    }


def test_counts_of_parts_add_up_to_those_of_the_whole():
    by_customer = [[one for one in ENTRIES if one.customer == f"c{number}"] for number in range(7)]
    parts = [measure(table(part), PERIOD) for part in by_customer]
    whole = measure(table(ENTRIES), PERIOD)
    rates = [one for one in whole.results if isinstance(one.numerator, int) and one.denominator is not None]

    assert len(rates) > 10
    for rate in rates:
        found = [part.get(rate.definition) for part in parts]
        assert sum(one.numerator for one in found if one) == rate.numerator, rate.definition
        assert sum(one.denominator for one in found if one) == rate.denominator, rate.definition
        left_out = {reason for one in found if one for reason, _n in one.cohort.excluded}
        assert {reason: sum(one.cohort.left_out(reason) for one in found if one) for reason in left_out} == dict(
            rate.cohort.excluded
        ), rate.definition


def test_tables_of_another_instant_are_never_merged():
    with pytest.raises(ValueError, match="never merged"):
        table([]).merge(FlowTable(START, filter="customers/1", has_business=True))


def test_the_order_of_the_tickets_changes_nothing():
    assert measure(table(ENTRIES[::-1]), PERIOD).results == measure(table(ENTRIES), PERIOD).results


def test_support_lines_are_counted_as_by_their_paths():
    counted = [one for one in ENTRIES if one.excluded is None]
    paths = [TierPath(tiers=one.flow.tiers, resolved=one.flow.is_done) for one in counted]
    cohort = Cohort(basis="created", now=NOW)
    expected = tier_rates(paths, cohort=cohort)
    found = measure(table(ENTRIES))

    for tier, rates in expected.items():
        for one in (rates.escalation, rates.resolution):
            mine = found[one.definition]
            assert (mine.numerator, mine.denominator) == (one.numerator, one.denominator), tier
    for born in (False, True):
        one = containment(paths, cohort=cohort, born_l1=born)
        assert (found[one.definition].numerator, found[one.definition].denominator) == (one.numerator, one.denominator)


def test_the_backlog_of_each_stretch_follows_from_the_one_before():
    points = measure(table(ENTRIES), Period(since=START, until=NOW)).series

    assert len(points) > 5
    for before, after in pairwise(points):
        assert after.backlog == before.backlog + after.created + after.reopened - after.resolved


def test_promises_are_met_breached_or_running():
    found = measure(table(ENTRIES))["sla.attainment.resolution"]
    verdicts = [one.clocks[0].verdict for one in ENTRIES if one.excluded is None]

    assert (found.numerator, found.denominator) == (verdicts.count("met"), len(verdicts) - verdicts.count("running"))
    assert found.cohort.left_out("running") == verdicts.count("running")


def test_a_person_with_few_tickets_is_not_shown_with_numbers():
    few = [made(seed) for seed in range(400, 408)]
    kpis = measure(table(few))

    for group in kpis.by("agent"):
        for result in group.results:
            assert result.value is None
            assert "hidden_small_n" in result.warnings


def test_a_ticket_takes_less_than_300_bytes():
    entries = ENTRIES * 10

    assert table(entries).nbytes / len(entries) < 300


def test_every_result_has_one_definition():
    kpis = measure(table(ENTRIES))
    for result in (*kpis.results, *(result for group in kpis.groups for result in group.results)):
        found = [one for one in DEFINITIONS if one.pattern.fullmatch(result.definition)]
        assert len(found) == 1, (result.definition, found)
        assert not found[0].basis or result.cohort.basis == found[0].basis or found[0].id.endswith(".share")


def test_what_is_not_defined_is_not_found():
    with pytest.raises(KeyError):
        definition_of("satisfaction/1")


def test_the_channels_add_up_to_the_whole():
    kpis = measure(table(ENTRIES), PERIOD)
    for name in ("sla.attainment.resolution", "reopen.7d", "resolution.within_30d", "escalation.any"):
        parts = [group.get(name) for group in kpis.by("channel")]
        assert len(parts) == 2
        assert sum(one.numerator for one in parts if one) == kpis[name].numerator, name
        assert sum(one.denominator for one in parts if one) == kpis[name].denominator, name


def test_a_tag_and_no_tag_are_topics_and_rare_ones_are_one_row():
    names = [group.name for group in measure(table(ENTRIES)).by("topic")]
    assert sorted(names) == ["", "invoice", "parcel"]
    assert [group.name for group in measure(table(ENTRIES), top=1).by("topic")][1:] == ["*"]
    share = measure(table(ENTRIES)).by("topic")[0].get("topic.share")
    assert share is not None
    assert "shares_exceed_100" in share.warnings
