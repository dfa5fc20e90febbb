"""Every golden case of surveys, metrics and staffing, through one thin adapter per function."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from tests.shared_data import SHARED, shared_file

from supportkit import measures as ms
from supportkit import metrics as mt
from supportkit import staffing as sf
from supportkit import surveys as sv
from supportkit.measures.results import Cohort
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import StateCategory
from supportkit.sla.facts import Created, Messaged, StateEntered

FILE = SHARED / "golden" / "kpi_cases.json"
CASES: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["cases"] if FILE.exists() else []
EPOCH = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
ANY = Cohort(basis="instant")
NO_INTERVAL = {"resamples": 0}


def at(minutes: float | None) -> dt.datetime | None:
    return None if minutes is None else EPOCH + dt.timedelta(minutes=minutes)


def lasting(minutes: float) -> dt.timedelta:
    return dt.timedelta(minutes=minutes)


def minutes(value: dt.timedelta | None) -> float | None:
    return None if value is None else value / dt.timedelta(minutes=1)


def period(basis: str, borders: list[float], now: float) -> Cohort:
    return Cohort(basis=basis, start=at(borders[0]), end=at(borders[1]), now=at(now))  # type: ignore[arg-type]


def limits(interval: ms.Interval | None) -> Any:
    return None if interval is None else [interval.low, interval.high]


# -- surveys ---------------------------------------------------------------------------------------------------------


def csi(importance, satisfaction, lo, hi, method):
    return sv.csi(importance, satisfaction, lo=lo, hi=hi, method=method)


def csi_weight_score(importance_mean, importance_total, satisfaction_mean):
    found = sv.weight_score(importance_mean, importance_total, satisfaction_mean)
    return {"weight_factor": found.weight_factor, "weight_score": found.weight_score}


def csi_respondent(weights, answers, lo, hi, min_weight_share):
    return sv.csi_of_respondent(weights, answers, lo=lo, hi=hi, min_weight_share=min_weight_share)


def csi_aggregate_vs_respondent(importance, satisfaction, lo, hi):
    how = {"lo": lo, "hi": hi, "method": "raw", **NO_INTERVAL}
    return {
        "aggregate": sv.csi_aggregate(importance, satisfaction, **how).value,
        "per_respondent": sv.csi_respondents(importance, satisfaction, **how).value,
    }


def csat_top_box(ratings, scale_max, boxes):
    return sv.csat(ratings, scale_max=scale_max, boxes=boxes).value


def csat_mean(ratings):
    return sv.csat_mean(ratings, **NO_INTERVAL).value


def nps(scores):
    return sv.nps(scores).value


def nps_from_counts(promoters, passives, detractors):
    return sv.nps(sv.NpsCounts(promoters, passives, detractors)).value


def nps_variance(promoters, passives, detractors):
    return sv.NpsCounts(promoters, passives, detractors).variance


def nps_standard_error(promoters, passives, detractors):
    return sv.NpsCounts(promoters, passives, detractors).standard_error


def nps_ci_wald(promoters, passives, detractors, confidence):
    counts = sv.NpsCounts(promoters, passives, detractors)
    found = sv.nps_wald(counts, confidence=confidence)
    return [counts.value, found.standard_error, *limits(found.interval)]


def nps_ci_adjusted_wald(promoters, passives, detractors, confidence, pseudo):
    counts = sv.NpsCounts(promoters, passives, detractors)
    found = sv.nps_adjusted_wald(counts, confidence=confidence, pseudo=tuple(pseudo))
    return [found.centre, found.standard_error, *limits(found.interval)]


def nps_difference(a, b):
    found = sv.nps_difference(sv.NpsCounts(*a), sv.NpsCounts(*b))
    return {"diff": found.diff, "se": found.standard_error, "z": found.z, "p_value": found.p_value}


def nps_bootstrap_percentile_exact(promoters, passives, detractors, confidence):
    return limits(sv.nps_bootstrap(sv.NpsCounts(promoters, passives, detractors), confidence=confidence))


def ces(ratings, scale, higher_is_easier):
    found = sv.ces(ratings, scale=tuple(scale), higher_is_easier=higher_is_easier, **NO_INTERVAL)
    return {"mean": found.mean.value, "easy_share": found.easy_share.value, "net": found.net.value}


def ces_v1_to_direction(ratings, scale, higher_is_easier):
    return ces(ratings, scale, higher_is_easier)["mean"]


def acsi(satisfaction, expectancy, ideal, weights):
    return sv.acsi([satisfaction, expectancy, ideal], weights=None if weights == "equal" else weights)


def acsi_aggregate(responses):
    return {
        "respondent_level": sv.acsi_respondents(responses, **NO_INTERVAL).value,
        "item_means": sv.acsi_items(responses, **NO_INTERVAL).value,
    }


def response_rate(invitations, cohort, window, now):
    sent = [sv.Invitation(sent_at=at(when), answered_at=at(answered)) for when, answered in invitations]
    found = sv.response_rate(sent, window=lasting(window), cohort=period("sent", cohort, now))
    immature = found.cohort.left_out("immature")
    return {"sent": found.n, "answered": found.numerator, "immature": immature, "value": found.value}


def post_stratified_rate(strata):
    return sv.post_stratified_rate([sv.Stratum(**one) for one in strata]).value


# -- ticket flow -----------------------------------------------------------------------------------------------------

STATES = {
    "new": StateCategory.NEW,
    "open": StateCategory.OPEN,
    "pending": StateCategory.WAITING_CUSTOMER,
    "hold": StateCategory.WAITING_EXTERNAL,
    "on_hold": StateCategory.WAITING_EXTERNAL,
    "on-hold": StateCategory.WAITING_EXTERNAL,
    "solved": StateCategory.RESOLVED,
    "resolved": StateCategory.RESOLVED,
    "closed": StateCategory.CLOSED,
}


def fact_of(seq, event):
    when, author = at(event["t"]), ActorKind(event["actor"].partition(":")[0])
    match event["kind"]:
        case "created":
            return Created(occurred_at=when, seq=seq, channel="email", author=author)
        case "public":
            return Messaged(occurred_at=when, seq=seq, author=author, kind=MessageKind.REPLY, channel="email")
        case "status":
            return StateEntered(occurred_at=when, seq=seq, state=event["value"])
        case "note":
            return None


def ticket_metrics(now, events):
    facts = [fact for seq, event in enumerate(events) if (fact := fact_of(seq, event)) is not None]
    flow = mt.ticket_flow(reversed(facts), now=at(now), categories=STATES)
    durations = ("first_reply", "open_next_reply", "requester_wait", "agent_wait", "on_hold")
    return {name: minutes(getattr(flow, name)) for name in (*durations, "first_resolution", "full_resolution")} | {
        "next_replies": [minutes(value) for value in flow.next_replies],
        "reopens": flow.reopens,
        "agent_replies": flow.replies,
        "one_touch": flow.is_one_touch,
        "zendesk_one_touch": flow.is_below_two_touches,
    }


def handle_time(worklog):
    return minutes(mt.handle_time(mt.WorkInterval(agent, at(start), at(end)) for agent, start, end in worklog))


def backlog_ages(at, tickets):
    spans = [
        mt.Lifespan(
            created_at=moment(one["created"]),
            resolutions=[mt.Resolution(moment(solved), moment(reopened)) for solved, reopened in one["spans"]],
        )
        for one in tickets
    ]
    return [minutes(age) for age in mt.backlog_ages(spans, at=moment(at))]


moment = at


def sla_attainment(items, period, now):
    deadlines = [mt.Deadline(due_at=at(i["due"]), done_at=at(i["done"]), excluded=i["excluded"]) for i in items]
    found = mt.sla_attainment(deadlines, clock="first_response", cohort=borders("deadline", period, now))
    return {
        "met": found.numerator,
        "breached": found.n - found.numerator,
        "running": found.cohort.left_out("running"),
        "value": found.value,
    }


borders = period


def reopen_rate(tickets, cohort, window, now):
    resolutions = [mt.Resolution(at(solved), at(reopened)) for solved, reopened in tickets]
    found = mt.reopen_rate(resolutions, cohort=period("first_resolved", cohort, now), window=lasting(window))
    immature = found.cohort.left_out("immature")
    return {"n": found.n, "reopened": found.numerator, "immature": immature, "value": found.value}


def first_contact_resolution(tickets, window):
    """Here `replies` is a number or a list of times, and each of the others a time or a truth value."""

    def when(value, solved):
        return at(solved if value is True else None if value is False else value)

    facts = []
    for one in tickets:
        replies, solved = one["replies"], one["solved"]
        times = [solved] * replies if isinstance(replies, int) else replies
        facts.append(
            mt.FirstContact(
                replies_at=tuple(at(0 if time is None else time) for time in times),
                resolved_at=at(solved),
                reopened_at=when(one["reopened"], solved),
                escalated_at=when(one["escalated"], solved),
                repeated_at=when(one["repeat"], solved),
            )
        )
    mature = Cohort(basis="first_resolved", now=EPOCH + dt.timedelta(days=36500))
    found = mt.first_contact_resolution(facts, cohort=mature, window=lasting(window))
    return {"n": found.n, "fcr": found.numerator, "value": found.value}


def tier_rates(paths):
    found = mt.tier_rates([mt.TierPath(**path) for path in paths], cohort=ANY)
    return {
        str(tier): {
            "entered": rates.entered,
            "escalated": rates.escalation.numerator,
            "resolved": rates.resolution.numerator,
            "escalation_rate": rates.escalation.value,
            "resolution_rate": rates.resolution.value,
        }
        for tier, rates in found.items()
    }


def abandonment_rate(offered, abandoned, short, exclude_short):
    return mt.abandonment_rate(offered, abandoned, short=short, exclude_short=exclude_short).value


def service_level_from_counts(answered_in_threshold, answered, abandoned, **more):
    names = {
        "include_abandons": "count_abandoned",
        "include_short": "count_short",
        "include_flowouts": "count_flowouts",
    }
    return mt.service_level(
        answered_in_threshold, answered, abandoned, **{names.get(name, name): value for name, value in more.items()}
    ).value


def hours(value):
    return dt.timedelta(hours=value)


def occupancy(busy_hours, available_hours):
    return mt.occupancy(hours(busy_hours), hours(available_hours)).value


def utilisation(busy_plus_available_hours, paid_hours):
    return mt.utilisation(hours(busy_plus_available_hours), hours(paid_hours)).value


def shrinkage_rate(scheduled_hours, available_hours):
    return mt.shrinkage_rate(hours(scheduled_hours), hours(available_hours)).value


def attrition(left, average_headcount):
    return mt.attrition(left, average_headcount).value


def churn_estimate(tickets_per_day, satisfaction, leave_share_of_unhappy, days):
    found = mt.churn_estimate(tickets_per_day, satisfaction, leave_share=leave_share_of_unhappy, days=days)
    return {name: getattr(found, name) for name in ("unhappy_per_day", "lost_per_day", "lost_per_month")}


def churn_saving(tickets_per_day, before, after, leave_share_of_unhappy, days):
    found = mt.churn_saving(tickets_per_day, before, after, leave_share=leave_share_of_unhappy, days=days)
    return {"saved": found.saved, "share": found.share}


# -- statistics ------------------------------------------------------------------------------------------------------


def percentile(values, q, method):
    assert method.startswith("linear")
    return ms.percentile(values, q)


def km_quantile(times, observed, q):
    return mt.km_quantile([mt.Observation(*pair) for pair in zip(times, observed, strict=True)], q)


def min_n_for_quantile(q, confidence):
    return ms.min_n_for_quantile(q, confidence=confidence)


def display_round(value, digits):
    return float(ms.display_round(value, digits=digits))


def meets_target(successes, n, target, op):
    return ms.meets_target(successes, n, target, op=op)


def wilson_interval(successes, n, confidence):
    return limits(ms.wilson(successes, n, confidence=confidence))


def wilson_exact_edge(successes, n, confidence, side):
    found = ms.wilson(successes, n, confidence=confidence)
    return found.low if side == "lower" else found.high


def wilson_bound(successes, n, confidence, side):
    return ms.wilson_bound(successes, n, side=side, confidence=confidence)


def sample_size_proportion(p, margin, confidence, population=None):
    return mt.sample_size(p, margin, confidence=confidence, population=population)


def cohen_kappa(table, weights=None):
    return mt.cohen_kappa(table, weights=weights)


def fleiss_kappa(counts):
    return mt.fleiss_kappa(counts)


def pabak(table):
    return mt.pabak(table)


def p_chart_limits(defects, sizes):
    found = mt.p_chart(defects, sizes)
    return {"center": found.center, "lcl": list(found.lcl), "ucl": list(found.ucl)}


def p_chart_out(defects, sizes):
    return list(mt.p_chart(defects, sizes).out)


def laney_p_chart(defects, sizes):
    found = mt.laney_p_chart(defects, sizes)
    return {"center": found.center, "sigma_z": found.sigma_z, "lcl": found.lcl[0], "ucl": found.ucl[0]}


def xmr_limits(values, d2):
    found = mt.xmr_chart(values, d2=d2)
    return {name: getattr(found, name) for name in ("mean", "mr_bar", "unpl", "lnpl", "url")}


def run_rule(values, center, length):
    return list(mt.runs(values, center, length=length))


# -- staffing and QA -------------------------------------------------------------------------------------------------


def erlang_b(servers, load):
    return sf.erlang_b(servers, load)


def carried_load_for_blocking(servers, blocking):
    return sf.load_for_blocking(servers, blocking) * (1 - blocking)


def erlang_c(agents, load):
    return sf.erlang_c(agents, load)


def erlang_c_metrics(agents, load, aht, threshold=20):
    queue = sf.queue(agents, load, aht)
    level = queue.service_level(threshold)
    return {"p_wait": queue.p_wait, "service_level": level, "asa": queue.asa, "occupancy": queue.occupancy}


def erlang_c_table_row(agents, load, aht):
    queue = sf.queue(agents, load, aht)
    return {
        "p_wait": queue.p_wait,
        "delay_of_delayed": queue.delay_of_delayed,
        "asa": queue.asa,
        "service_level_20s": queue.service_level(20),
    }


def erlang_c_vs_a_baseline(agents, load, aht):
    queue = sf.queue(agents, load, aht)
    wait = queue.wait_quantile(0.9)
    return {"asa": queue.asa, "p90_wait": wait, "queue": queue.length, "occupancy": queue.occupancy}


def service_level(agents, load, aht, threshold):
    return sf.queue(agents, load, aht).service_level(threshold)


def p_wait_longer(agents, load, aht, threshold):
    return sf.queue(agents, load, aht).p_wait_longer(threshold)


def agents_for_wait_probability(load, max_wait_probability):
    return sf.required_agents(load, 1, sf.Goal(p_wait=max_wait_probability)).agents


def required_agents(load, aht, service_level, threshold):
    return sf.required_agents(load, aht, sf.Goal(service_level=service_level, threshold=threshold)).agents


def required_agents_median_wait(load, aht, median_wait_max):
    found = sf.required_agents(load, aht, sf.Goal(median_wait=median_wait_max))
    return {"agents": found.agents, "median": found.wait_quantile(0.5)}


def erlang_a(agents, arrival_rate, service_rate, abandon_rate, threshold=None):
    found = sf.erlang_a(agents, arrival_rate, service_rate, abandon_rate, threshold=threshold)
    return {
        "p_wait": found.p_wait,
        "p_ab": found.p_abandon,
        "mean_queue": found.mean_queue,
        "mean_wait": found.mean_wait,
        "occupancy": found.occupancy,
        "sl": found.service_level,
    }


def erlang_a_headline(agents, arrival_rate, service_rate, abandon_rate):
    found = sf.erlang_a(agents, arrival_rate, service_rate, abandon_rate)
    return {
        "p_ab": found.p_abandon,
        "mean_wait_s": 60 * found.mean_wait,
        "queue": found.mean_queue,
        "occupancy": found.occupancy,
    }


def required_agents_erlang_a(arrival_rate, service_rate, abandon_rate, service_level, threshold):
    return sf.required_agents_impatient(
        arrival_rate, service_rate, abandon_rate, service_level=service_level, threshold=threshold
    )


def halfin_whitt_beta(delay_probability):
    return sf.halfin_whitt_beta(delay_probability)


def square_root_staffing(load, delay_probability):
    return sf.square_root_staffing(load, delay_probability)


def backlog_path(start, arrivals, capacity):
    return list(sf.backlog_path(start, arrivals, capacity))


def agents_to_clear(backlog, target_days, daily_inflow, productive_hours, aht_min):
    return sf.agents_to_clear(
        backlog,
        target_days=target_days,
        daily_inflow=daily_inflow,
        productive_hours=productive_hours,
        aht_minutes=aht_min,
    )


def min_capacity_for_deadlines(jobs):
    return sf.min_capacity_for_deadlines(sf.Job(*job) for job in jobs)


def scheduled_agents(base, shrinkage, additive):
    return sf.scheduled_agents(base, shrinkage, additive=additive)


def fte_for_seats(hours_per_week, seats, fte_hours, shrinkage):
    return sf.fte_for_seats(hours_per_week, seats=seats, fte_hours=fte_hours, shrinkage=shrinkage)


def team_leads(agents, span):
    found = sf.team_leads(agents, span=tuple(span))
    return {"min": found.least, "max": found.most, "feasible": found.feasible}


def shift_of(zone, start, end):
    return sf.Shift(zone=zone, start=dt.time.fromisoformat(start), end=dt.time.fromisoformat(end))


def shift_seen_from(day, start, end, zone, view):
    seen = shift_of(zone, start, end).seen_from(dt.date.fromisoformat(day), view)
    return [instant.strftime("%Y-%m-%dT%H:%M") for instant in seen]


def coverage_gaps(day, view, shifts):
    found = sf.coverage_gaps(dt.date.fromisoformat(day), view=view, shifts=[shift_of(*one) for one in shifts])
    return [[minutes(start), minutes(end)] for start, end in found]


def qa_score(items, autofail):
    found = mt.qa_score([mt.QaItem(**item) for item in items], autofail=autofail)
    return {"raw": found.raw, "final": found.final, "autofail": found.autofail}


def qa_sections(sections):
    return mt.qa_sections(sections)


erlang_c_edge = erlang_c_metrics


# -- the runner ------------------------------------------------------------------------------------------------------


def same(got: Any, want: Any, tol: dict[str, float]) -> bool:
    """Compare as the file says: numbers within the tolerance, everything else alike, more keys allowed."""
    if want == "Infinity":
        return got == math.inf
    if isinstance(want, dict):
        return all(name in got and same(got[name], value, tol) for name, value in want.items())
    if isinstance(want, list):
        return len(got) == len(want) and all(same(g, w, tol) for g, w in zip(got, want, strict=True))
    if want is None or isinstance(want, bool | str):
        return type(got) is type(want) and got == want
    if got is None or isinstance(got, bool | str):
        return False
    return abs(got - want) <= max(tol["abs"], tol["rel"] * max(abs(got), abs(want)))


def adapter(name: str) -> Callable[..., Any]:
    return globals()[name]


def test_the_cases_are_there() -> None:
    file = shared_file("golden/kpi_cases.json")  # skips, and fails in CI
    assert len(CASES) == json.loads(file.read_text(encoding="utf-8"))["count"] >= 199


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_case_comes_out_as_the_file_says(case: dict[str, Any]) -> None:
    call = adapter(case["function"])
    if isinstance(case["expected"], dict) and "error" in case["expected"]:
        with pytest.raises(ValueError, match=r"\w{3,}"):
            call(**case["input"])
        return
    got = call(**case["input"])
    assert same(got, case["expected"], case["tol"]), got


def test_every_function_of_the_tables_has_an_adapter() -> None:
    text = (
        shared_file("golden/README.md")
        .read_text(encoding="utf-8")
        .split("## Functions: surveys")[1]
        .split("# sla_cases.json")[0]
    )
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    names = {name for row in rows for name in row.replace("`", "").replace(" ", "").split(",")}
    assert len(names) >= 75
    assert sorted(name for name in names if not callable(globals().get(name))) == []


@pytest.mark.parametrize(
    ("got", "want"),
    [(1.1, 1.0), (None, 0), (0, None), (True, 1), ([1.0], [1.0, 2.0]), ({}, {"a": 1}), (1e308, "Infinity")],
)
def test_a_wrong_result_is_found(got: Any, want: Any) -> None:
    assert not same(got, want, {"abs": 1e-9, "rel": 1e-9})


TOP = 48.0**50 / math.factorial(50) * 25
C50 = TOP / (TOP + math.fsum(48.0**k / math.factorial(k) for k in range(50)))
"""P(wait) of 50 agents under 48 erlangs, by the sum of its definition and not by the recursion."""


# -- functions of the tables that no case of the file is about; values by hand or from the text of the definitions -----


@pytest.mark.parametrize(
    ("function", "given", "want"),
    [
        (
            "csi_aggregate_vs_respondent",
            {"importance": [[10, 2], [2, 10]], "satisfaction": [[10, 2], [2, 10]], "lo": 1, "hi": 10},
            {"aggregate": 6.0, "per_respondent": 26 / 3},
        ),
        ("nps_variance", {"promoters": 3, "passives": 2, "detractors": 1}, 5 / 9),
        ("pabak", {"table": [[40, 9], [6, 45]]}, 0.7),
        ("attrition", {"left": 6, "average_headcount": 48}, 0.125),
        (
            "first_contact_resolution",
            {
                "tickets": [
                    {"replies": 1, "solved": 10, "reopened": None, "escalated": False, "repeat": None},
                    {"replies": 2, "solved": 10, "reopened": None, "escalated": False, "repeat": None},
                    {"replies": 1, "solved": 10, "reopened": 12, "escalated": False, "repeat": None},
                    {"replies": 1, "solved": 10, "reopened": 30, "escalated": False, "repeat": None},
                    {"replies": 1, "solved": 10, "reopened": None, "escalated": True, "repeat": None},
                    {"replies": 1, "solved": 10, "reopened": None, "escalated": False, "repeat": 11},
                    {"replies": 1, "solved": None, "reopened": None, "escalated": False, "repeat": None},
                ],
                "window": 7,
            },
            {"n": 6, "fcr": 2, "value": 1 / 3},
        ),
        (
            "erlang_c_vs_a_baseline",
            {"agents": 50, "load": 48, "aht": 60},
            {"asa": C50 * 30, "p90_wait": 30 * math.log(C50 / 0.1), "queue": C50 * 24, "occupancy": 0.96},
        ),
        ("p_wait_longer", {"agents": 1, "load": 0.5, "aht": 10, "threshold": 20}, 0.5 * math.exp(-1)),
        ("qa_sections", {"sections": [[2, [[1, 1.0], [1, 0.5]]], [1, [[1, None]]], [1, [[3, 0.0]]]]}, 50.0),
        (
            "service_level_from_counts",
            {"answered_in_threshold": 850, "answered": 950, "abandoned": 50, "short": 20, "include_short": False},
            850 / 980,
        ),
        (
            "service_level_from_counts",
            {"answered_in_threshold": 850, "answered": 950, "abandoned": 50, "flowouts": 10, "include_flowouts": True},
            850 / 1010,
        ),
    ],
)
def test_functions_without_a_case_keep_their_definition(function: str, given: dict[str, Any], want: Any) -> None:
    assert same(adapter(function)(**given), want, {"abs": 1e-12, "rel": 1e-9})
