"""Metrics at their edges: what is a reply, what is mature, what a chart or a rater may say."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from supportkit.businesstime import BusinessCalendar
from supportkit.measures import Cohort, TargetStatus, target_status
from supportkit.metrics import (
    Contact,
    Deadline,
    Ended,
    Lifespan,
    Observation,
    QaItem,
    Resolution,
    TierPath,
    WorkInterval,
    abandonment_rate,
    agreement_table,
    attrition,
    average_handle_time,
    backlog_ages,
    churn_change,
    churn_estimate,
    churn_goal,
    churn_rate,
    churn_saving,
    cohen_kappa,
    containment,
    customer_coverage,
    duration_quantile,
    fleiss_kappa,
    handle_time,
    km_quantile,
    laney_p_chart,
    occupancy,
    p_chart,
    qa_accuracy,
    qa_score,
    raters_disagree,
    raw_agreement,
    reopen_rate,
    resolution_rate,
    runs,
    sample_size,
    sample_size_for_change,
    service_level,
    share_within,
    shrinkage_rate,
    sla_attainment,
    ticket_flow,
    wait_quantile,
    xmr_chart,
)
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import ClosingReason, StateCategory
from supportkit.sla.facts import Created, DeliveryFailed, Messaged, StateEntered

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)  # a Monday
DAY, HOUR, MINUTE = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(minutes=1)
ANY = Cohort(basis="created", now=START)


def created(author=ActorKind.CUSTOMER):
    return Created(occurred_at=START, channel="email", author=author)


def said(hours, author, kind=MessageKind.REPLY, message=""):
    return Messaged(
        occurred_at=START + hours * HOUR,
        seq=int(10 * hours),
        author=author,
        kind=kind,
        channel="email",
        message=message,
    )


def flow(*facts, hours=100, **more):
    return ticket_flow(facts, now=START + hours * HOUR, **more)


# -- what is a reply -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("author", "kind"),
    [
        (ActorKind.BOT, MessageKind.REPLY),
        (ActorKind.SYSTEM, MessageKind.REPLY),
        (ActorKind.EXTERNAL, MessageKind.REPLY),
        (ActorKind.AGENT, MessageKind.AUTO),
        (ActorKind.AGENT, MessageKind.CAMPAIGN),
    ],
)
def test_only_a_person_replies(author, kind):
    found = flow(created(), said(1, author, kind))
    assert (found.first_reply, found.replies) == (None, 0)
    assert found.first_reply_wait == Observation(100 * HOUR, observed=False)


def test_a_call_is_a_reply():
    assert flow(created(), said(1, ActorKind.AGENT, MessageKind.CALL)).first_reply == HOUR


def test_a_message_that_did_not_arrive_is_none():
    failed = DeliveryFailed(occurred_at=START + 2 * HOUR, seq=99, message="m")
    facts = [created(), said(1, ActorKind.AGENT, message="m"), said(5, ActorKind.AGENT, message="n"), failed]
    assert flow(*facts).first_reply == 5 * HOUR


def test_the_first_message_of_an_outbound_ticket_is_no_reply():
    facts = [created(ActorKind.AGENT), said(0, ActorKind.AGENT), said(3, ActorKind.CUSTOMER), said(7, ActorKind.AGENT)]
    found = flow(*facts)
    assert (found.first_reply, found.replies, found.next_replies) == (7 * HOUR, 1, (4 * HOUR,))


def test_a_resolution_ends_a_run_without_a_value():
    resolved = StateEntered(occurred_at=START + 6 * HOUR, seq=70, state="r", category=StateCategory.RESOLVED)
    found = flow(created(), said(1, ActorKind.AGENT), said(5, ActorKind.CUSTOMER), resolved)
    assert (found.next_replies, found.open_next_reply) == ((), None)
    silent = flow(created(), resolved)
    assert silent.first_reply_wait == Observation(6 * HOUR, observed=False)
    assert silent.is_below_two_touches
    assert not silent.is_one_touch


def test_business_time_leaves_the_night_out():
    calendar = BusinessCalendar.weekdays("UTC", start="09:00", end="17:00")
    found = flow(created(), said(26, ActorKind.AGENT), calendar=calendar)
    assert (found.mode, found.first_reply) == ("business", 9 * HOUR)


def test_a_state_must_have_a_category():
    unknown = StateEntered(occurred_at=START + HOUR, state="odd")
    with pytest.raises(ValueError, match="'odd' is not known"):
        flow(created(), unknown)
    assert flow(created(), unknown, categories={"odd": StateCategory.CLOSED}).is_done


# -- rates -----------------------------------------------------------------------------------------------------------


def test_reasons_of_a_resolution():
    def ended(reason, *spells):
        return Ended(created_at=START, resolutions=tuple(Resolution(*spell) for spell in spells), reason=reason)

    solved = (START + DAY,)
    tickets = [
        ended(ClosingReason.SOLVED, solved),
        ended(ClosingReason.SOLVED, (START + DAY, START + 2 * DAY)),
        ended(ClosingReason.SOLVED, (START + 31 * DAY,)),
        ended(ClosingReason.NO_ANSWER, solved),
        ended(ClosingReason.NOT_OURS, solved),
        ended(None),
        ended(ClosingReason.SPAM, solved),
        ended(ClosingReason.MERGED, solved),
        Ended(created_at=START + 60 * DAY, reason=None),
    ]
    found = resolution_rate(tickets, cohort=Cohort(basis="created", now=START + 61 * DAY))
    assert (found.definition, found.numerator, found.denominator) == ("resolution.within_30d/1", 1, 6)
    assert dict(found.cohort.excluded) == {"immature": 1, "merged": 1, "spam": 1}


def test_the_very_end_of_a_window_counts():
    cohort = Cohort(basis="first_resolved", now=START + 7 * DAY)
    at_the_end, too_late = Resolution(START, START + 7 * DAY), Resolution(START, START + 7 * DAY + MINUTE)
    assert reopen_rate([at_the_end], cohort=cohort).numerator == 1
    assert reopen_rate([too_late], cohort=cohort).numerator == 0
    assert reopen_rate([at_the_end], cohort=cohort, window=36 * HOUR).definition == "reopen.36h/1"


def test_done_at_the_due_instant_is_met_and_open_past_due_is_breached():
    cohort = Cohort(basis="deadline", now=START + HOUR)
    rows = [Deadline(due_at=START, done_at=START), Deadline(due_at=START), Deadline(due_at=START + HOUR)]
    found = sla_attainment(rows, clock="FIRST_RESPONSE", cohort=cohort)
    assert (found.definition, found.numerator, found.n) == ("sla.attainment.first_response/1", 1, 2)
    assert found.cohort.left_out("running") == 1


@pytest.mark.parametrize("rate", [reopen_rate, resolution_rate])
def test_a_rate_needs_its_own_date_and_the_instant_of_the_report(rate):
    with pytest.raises(ValueError, match="counts by"):
        rate([], cohort=Cohort(basis="sent", now=START))
    with pytest.raises(ValueError, match="now"):
        rate([], cohort=Cohort(basis="created"))


def test_containment_of_those_born_in_the_first_line():
    paths = [TierPath(tiers=tiers, resolved=True) for tiers in ((1,), (1, 2), (2,), (1, 1))]
    assert containment(paths, cohort=ANY).value == 0.5
    assert containment(paths, cohort=ANY, born_l1=True).value == 2 / 3


@pytest.mark.parametrize(
    ("more", "name", "denominator"),
    [
        ({"count_abandoned": False}, "answered", 950),
        ({}, "answered_plus_abandoned", 1000),
        ({"count_short": False}, "answered_plus_long_abandoned", 980),
        ({"count_flowouts": True}, "with_flowouts", 1010),
    ],
)
def test_four_service_levels_have_four_ids(more, name, denominator):
    found = service_level(850, 950, 50, short=20, flowouts=10, **more)
    assert (found.definition, found.denominator) == (f"service_level.{name}/1", denominator)
    assert found.value == 850 / denominator


def test_counts_of_a_queue_are_part_of_each_other():
    with pytest.raises(ValueError, match="part of"):
        abandonment_rate(10, 11)
    with pytest.raises(ValueError, match="part of"):
        abandonment_rate(10, 5, short=6)
    with pytest.raises(ValueError, match="part of"):
        service_level(5, 4, 0)


def test_time_of_work():
    def work(agent, start, end):
        return WorkInterval(agent, START + start * MINUTE, START + end * MINUTE)

    assert handle_time([work("a", 0, 30), work("a", 20, 40), work("b", 0, 5), work("a", 50, 60)]) == 55 * MINUTE
    assert handle_time([]) is None
    found = average_handle_time([[work("a", 0, 30)], [work("b", 0, 10)], []])
    assert (found.value, found.n, found.warnings) == (20 * MINUTE, 2, ("low_coverage",))
    with pytest.raises(ValueError, match="before"):
        work("a", 5, 4)


def test_shares_of_time_are_parts():
    assert occupancy(dt.timedelta(0), dt.timedelta(0)).value is None
    with pytest.raises(ValueError, match="part of"):
        shrinkage_rate(HOUR, 2 * HOUR)
    with pytest.raises(ValueError, match="duration"):
        occupancy(-HOUR, HOUR)
    assert attrition(0, 0).value is None
    with pytest.raises(ValueError, match="above 0"):
        attrition(1, 0)


def test_a_ticket_resolved_at_the_instant_is_done_and_one_reopened_at_it_is_not():
    done, again = Resolution(START), Resolution(START - DAY, START)
    tickets = [Lifespan(created_at=START - 2 * DAY, resolutions=[spell]) for spell in (done, again)]
    tickets.append(Lifespan(created_at=START))
    assert backlog_ages(tickets, at=START) == (dt.timedelta(0), 2 * DAY)
    assert backlog_ages(tickets, at=START, since_reopening=True) == (dt.timedelta(0),) * 2


# -- waits -----------------------------------------------------------------------------------------------------------


def waits(ended, still=()):
    return [Observation(m * MINUTE, observed=True) for m in ended] + [
        Observation(m * MINUTE, observed=False) for m in still
    ]


def test_open_waits_are_not_missing():
    found = wait_quantile(waits([10, 20, 30, 40], [200, 200]), 0.5, metric="first_reply.calendar", cohort=ANY)
    assert (found.definition, found.value) == ("first_reply.calendar.median/1", 35 * MINUTE)
    assert wait_quantile(waits([5], [60] * 3), 0.5, metric="x", cohort=ANY).value is None
    with pytest.raises(ValueError, match="negative"):
        km_quantile([Observation(-1.0, observed=True)], 0.5)


def test_a_small_sample_has_no_high_quantile():
    found = duration_quantile([HOUR] * 28, 0.9, metric="x", cohort=ANY, resamples=50)
    assert found.warnings == ("indicative", "quantile_sample_too_small")
    assert (found.interval.low, found.interval.high) == (HOUR, HOUR)
    assert duration_quantile([HOUR] * 30, 0.9, metric="x", cohort=ANY).warnings == ()


def test_the_share_within_decides_about_the_median():
    found = share_within(waits([1] * 90 + [5] * 10, [1] * 7 + [3]), 2 * MINUTE, metric="first_reply", cohort=ANY)
    assert (found.numerator, found.denominator, found.cohort.left_out("undetermined")) == (90, 101, 7)
    assert target_status(found, 0.5) is TargetStatus.MET


# -- coverage --------------------------------------------------------------------------------------------------------


def test_the_customer_has_a_clock_of_his_own():
    desk = BusinessCalendar.weekdays("Europe/Moscow", start="09:00", end="18:00")
    morning = dt.datetime(2026, 3, 2, 0, 30, tzinfo=dt.UTC)  # 11:30 on Sakhalin, 03:30 in Moscow
    contacts = [Contact(at=morning, zone="Asia/Sakhalin"), Contact(at=morning + 10 * HOUR, zone="Europe/Moscow")]
    found = customer_coverage([*contacts, Contact(at=morning)], desk.is_open, cohort=Cohort(basis="arrival"))
    assert (found.outside_desk_hours.numerator, found.outside_desk_hours.n) == (2, 3)
    assert (found.local_day_unserved.numerator, found.local_day_unserved.n) == (1, 2)
    assert found.by_local_hour == ((0, 11, 1, 1), (0, 13, 1, 0), (None, None, 1, 1))
    with pytest.raises(ValueError, match="no IANA time zone"):
        customer_coverage([Contact(at=START, zone="UTC+3")], desk.is_open, cohort=Cohort(basis="arrival"))


# -- churn -----------------------------------------------------------------------------------------------------------


def test_churn_fell_by_a_third():
    change = churn_change((500, 5000), (340, 5000))
    assert change.value == pytest.approx(-0.32)
    assert (change.interval.low, change.interval.high) == pytest.approx((0.5959 - 1, 0.7760 - 1), abs=5e-5)
    assert churn_goal(change) is TargetStatus.MET
    assert churn_goal(churn_change((500, 5000), (425, 5000))) is TargetStatus.UNDECIDED
    assert churn_change((0, 10), (1, 10)).value is None
    assert churn_rate(0, 0).value is None


def test_an_assumption_is_a_share():
    with pytest.raises(ValueError, match="leave_share"):
        churn_estimate(100, 0.75, leave_share="13/0")
    with pytest.raises(ValueError, match="leave_share"):
        churn_estimate(100, 0.75, leave_share=2)
    assert churn_estimate(100, 0.75, leave_share="13/25").lost_per_month == 390
    assert churn_saving(100, 1, 1, leave_share=0.5).share is None


# -- charts, raters, samples -----------------------------------------------------------------------------------------


def test_charts_without_data_say_so():
    empty = p_chart([], [])
    assert (empty.center, empty.warnings) == (None, ("no_data", "short_baseline"))
    assert p_chart([1, 0], [5, 0]).lcl[1] is None
    assert laney_p_chart([0, 0], [9, 9]).ucl == (None, None)
    assert xmr_chart([1]) is None
    assert xmr_chart([1, 2]).warnings == ("short_baseline",)
    with pytest.raises(ValueError, match="d2 is one of"):
        xmr_chart([1, 2], d2="3")


def test_every_point_that_extends_a_run_is_told():
    assert runs([1] * 10, 0) == (7, 8, 9)
    assert runs([1] * 7 + [-1] * 8, 0) == (14,)
    with pytest.raises(ValueError, match="at least one point"):
        runs([1], 0, length=0)


def test_raw_agreement_and_kappa_are_shown_together():
    table = agreement_table(
        [("ok", "ok")] * 85 + [("bad", "bad")] * 5 + [("ok", "bad"), ("bad", "ok")] * 5, ["ok", "bad"]
    )
    assert raw_agreement(table) == 0.9
    assert cohen_kappa(table) == pytest.approx(0.44, abs=5e-3)
    assert raters_disagree(table) is True
    assert raters_disagree([[1, 0], [0, 1]]) is None


@pytest.mark.parametrize("table", [[[5, 0], [0, 0]], [[0, 0], [0, 0]]])
def test_kappa_where_chance_agrees_always_is_none(table):
    assert cohen_kappa(table) is None


@pytest.mark.parametrize("table", [[[1]], [[1, 2]], [[1, 2], [3]], [[1, 2], [3, -1]], [[1, 2], [3, 0.5]]])
def test_a_table_is_square_and_of_counts(table):
    with pytest.raises(ValueError, match=r"table|whole number|negative"):
        cohen_kappa(table)


def test_raters_of_fleiss():
    assert fleiss_kappa([]) is None
    assert fleiss_kappa([[3, 0], [3, 0]]) is None
    with pytest.raises(ValueError, match="same number of raters"):
        fleiss_kappa([[3, 0], [1, 1]])
    with pytest.raises(ValueError, match="not on the declared scale"):
        agreement_table([(1, 6)], range(1, 6))


def test_how_many_answers():
    assert [sample_size(0.85, 0.05), sample_size(0.5, 0.05), sample_size(0.5, 0.03)] == [196, 385, 1068]
    assert sample_size(0.5, 0.05, population=1000) == 278
    assert sample_size(0, 0.05) == 0
    for call in (lambda: sample_size(0.5, 0), lambda: sample_size(1.1, 0.1), lambda: sample_size_for_change(0.1, 0)):
        with pytest.raises(ValueError, match=r"must|never"):
            call()


def test_a_scorecard_is_checked():
    with pytest.raises(ValueError, match="between 0 and 1"):
        QaItem(weight=1, score=2)
    with pytest.raises(ValueError, match="'zero' or 'flag'"):
        qa_score([], autofail="none")
    found = qa_accuracy([False, True, False, False], kind="compliance", cohort=ANY)
    assert (found.definition, found.value) == ("qa.accuracy.compliance/1", 0.75)
    assert math.isclose(qa_score([QaItem(weight=2, score=0.5), QaItem(weight=1)]).raw, 50)
