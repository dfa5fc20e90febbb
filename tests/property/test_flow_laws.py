"""Laws of ticket flow over generated tickets: time is whole, parts add up, order and repetition do not matter."""

from __future__ import annotations

import datetime as dt

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from supportkit.businesstime import BusinessCalendar
from supportkit.measures import Cohort, merge_proportions
from supportkit.metrics import (
    Contact,
    Deadline,
    FirstContact,
    Lifespan,
    Resolution,
    TierPath,
    backlog_change,
    customer_coverage,
    first_contact_resolution,
    reopen_rate,
    sla_attainment,
    ticket_flow,
    tier_rates,
)
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import StateCategory
from supportkit.sla.facts import Created, Messaged, StateEntered, TierEntered

START = dt.datetime(2026, 3, 27, tzinfo=dt.UTC)
SETTINGS = settings(max_examples=80, deadline=None)
DAY = dt.timedelta(days=1)
MINUTES = st.integers(0, 6 * 24 * 60)  # over the change of the clocks


def at(minute: int) -> dt.datetime:
    return START + dt.timedelta(minutes=minute)


ACTS = st.one_of(
    st.tuples(st.just("state"), st.sampled_from(StateCategory)),
    st.tuples(st.just("tier"), st.integers(1, 4)),
    st.tuples(
        st.just("message"),
        st.tuples(st.sampled_from(ActorKind), st.sampled_from(MessageKind)),
    ),
)


@st.composite
def tickets(draw):
    born = draw(MINUTES)
    facts = [Created(occurred_at=at(born), channel="email", author=draw(st.sampled_from(ActorKind)))]
    acts = draw(st.lists(st.tuples(st.integers(0, 3000), ACTS), max_size=12))
    for seq, (later, (kind, value)) in enumerate(sorted(acts, key=lambda act: act[0]), start=1):
        when = {"occurred_at": at(born + later), "seq": seq}
        match kind:
            case "state":
                facts.append(StateEntered(**when, state=value.value, category=value))
            case "tier":
                facts.append(TierEntered(**when, tier=value))
            case "message":
                facts.append(Messaged(**when, author=value[0], kind=value[1], channel="email"))
    return facts


@SETTINGS
@given(tickets(), MINUTES, st.data())
def test_time_is_whole_and_the_order_of_facts_does_not_matter(facts, minute, data):
    now = at(minute)
    flow = ticket_flow(facts, now=now)
    if facts[0].occurred_at > now:
        assert flow is None
        return
    twice = data.draw(st.permutations([*facts, *facts[::2]]))
    assert ticket_flow(twice, now=now) == flow
    assert flow.requester_wait + flow.agent_wait + flow.done_time == flow.age == now - flow.created_at
    assert flow.on_hold <= flow.requester_wait
    assert flow.first_reply is None or flow.first_reply <= flow.age
    if flow.full_resolution is not None:
        assert flow.first_resolution <= flow.full_resolution
    assert flow.is_done == (flow.full_resolution is not None)
    assert flow.is_one_touch <= flow.is_below_two_touches
    assert flow.reopens in {len(flow.resolutions), len(flow.resolutions) - 1} or not flow.resolutions
    assert all(wait >= dt.timedelta(0) for wait in flow.next_replies)


@SETTINGS
@given(tickets())
def test_business_time_is_never_more_than_calendar_time(facts):
    now = at(10 * 24 * 60)
    calendar = BusinessCalendar.weekdays("Europe/Berlin", start="09:00", end="18:00")
    business, plain = (ticket_flow(facts, now=now, calendar=which) for which in (calendar, None))
    assert business.requester_wait + business.agent_wait + business.done_time == business.age <= plain.age
    assert business.replies_at == plain.replies_at
    assert ticket_flow(facts, now=now, calendar=BusinessCalendar.always_open("Europe/Berlin")).age == plain.age


@SETTINGS
@given(st.lists(tickets(), max_size=6), MINUTES, MINUTES)
def test_a_backlog_changes_only_by_what_happened(several, first, second):
    since, until = at(min(first, second)), at(max(first, second))
    flows = [ticket_flow(facts, now=at(30 * 24 * 60)) for facts in several]
    spans = [Lifespan(created_at=flow.created_at, resolutions=flow.resolutions) for flow in flows]
    found = backlog_change(spans, since=since, until=until)
    assert found.end == found.start + found.created + found.reopened - found.resolved


@SETTINGS
@given(st.lists(st.tuples(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.booleans()), max_size=15))
def test_support_lines_account_for_every_ticket(paths):
    found = tier_rates([TierPath(tiers=tiers, resolved=done) for tiers, done in paths], cohort=Cohort(basis="resolved"))
    assert sum(rates.resolution.numerator for rates in found.values()) == sum(done for _tiers, done in paths)
    assert all(rates.escalation.numerator <= rates.entered for rates in found.values())


OPTIONAL = st.one_of(st.none(), st.integers(0, 40))


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 30), OPTIONAL, st.booleans()), max_size=15), st.integers(0, 60), OPTIONAL)
def test_attainment_counts_everything_and_never_changes_its_mind(rows, now, later):
    deadlines = [
        Deadline(due_at=at(due), done_at=None if done is None else at(done), excluded=out) for due, done, out in rows
    ]

    def attained(minute, some=deadlines):
        return sla_attainment(some, clock="x", cohort=Cohort(basis="deadline", now=at(minute)))

    first, second = attained(now), attained(now + (later or 0))
    out = first.cohort.left_out("excluded")
    assert first.n + first.cohort.left_out("running") + out == len(deadlines)
    for one in deadlines:
        was, is_now = attained(now, [one]), attained(now + (later or 0), [one])
        assert was.n == 0 or was.numerator == is_now.numerator
    assert second.n >= first.n


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 20), OPTIONAL, st.integers(0, 3)), max_size=15), st.data())
def test_parts_of_windowed_rates_add_up(rows, data):
    cohort = Cohort(basis="first_resolved", now=START + 18 * DAY)
    spells = [
        Resolution(START + day * DAY, None if more is None else START + (day + more) * DAY) for day, more, _n in rows
    ]
    facts = [
        FirstContact(replies_at=(START,) * n, resolved_at=spell.resolved_at, reopened_at=spell.reopened_at)
        for spell, (_day, _more, n) in zip(spells, rows, strict=True)
    ]
    cut = data.draw(st.integers(0, len(rows)))
    for rate, units in ((reopen_rate, spells), (first_contact_resolution, facts)):
        whole = rate(units, cohort=cohort)
        assert merge_proportions(rate(units[:cut], cohort=cohort), rate(units[cut:], cohort=cohort)) == whole
        assert 0 <= whole.numerator <= whole.n <= len(rows)
        assert attrs.evolve(rate(data.draw(st.permutations(units)), cohort=cohort)) == whole
    good = first_contact_resolution(facts, cohort=cohort).numerator
    assert good <= sum(len(one.replies_at) == 1 for one in facts)


@SETTINGS
@given(st.lists(st.tuples(MINUTES, st.sampled_from([None, "Asia/Sakhalin", "America/Lima"])), max_size=20))
def test_the_table_of_coverage_holds_every_contact(rows):
    contacts = [Contact(at=at(minute), zone=zone) for minute, zone in rows]
    desk = BusinessCalendar.weekdays("Europe/Moscow", start="09:00", end="18:00")
    found = customer_coverage(contacts, desk.is_open, cohort=Cohort(basis="arrival"))
    assert sum(n for _day, _hour, n, _closed in found.by_local_hour) == len(rows) == found.outside_desk_hours.n
    assert sum(closed for *_cell, closed in found.by_local_hour) == found.outside_desk_hours.numerator
    unknown = sum(zone is None for _minute, zone in rows)
    assert found.local_day_unserved.cohort.left_out("unknown_zone") == unknown
    assert ("unknown_zone" in found.outside_desk_hours.warnings) is (unknown > 0)
