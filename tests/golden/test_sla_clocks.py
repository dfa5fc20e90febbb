"""The clock cases of the golden file: what other help desks' own tests say about clocks, to the second."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from tests.shared_data import SHARED, shared_file

from supportkit.businesstime import BusinessCalendar
from supportkit.model.people import ActorKind
from supportkit.model.ticket import StateCategory
from supportkit.sla import Created, Messaged, Metric, Policy, StateEntered, Status, Verdict, evaluate

LIVE = {Status.RUNNING, Status.PAUSED, Status.HALTED}
CLOSED = "* closed"


def clock_cases() -> list[dict]:
    path = SHARED / "golden/sla_cases.json"
    if not path.exists():
        return []
    return [case for case in json.loads(path.read_text(encoding="utf-8"))["cases"] if case["kind"] == "clock"]


CASES = clock_cases()


def metrics_of(policy: dict) -> dict[str, Metric]:
    any_contact = policy.get("update_mode") == "any_contact"
    update = Metric.PERIODIC_UPDATE if any_contact else Metric.NEXT_RESPONSE
    return {"first_response": Metric.FIRST_RESPONSE, "update": update, "solution": Metric.RESOLUTION}


def policy_of(given: dict) -> Policy:
    options = {
        Metric.FIRST_RESPONSE: {},
        Metric.NEXT_RESPONSE: {"after_first_response": False},
        Metric.PERIODIC_UPDATE: {"restart_on": "any_contact"},
        Metric.RESOLUTION: {"end": "closed"},
    }
    named = {metric: given[name] for name, metric in metrics_of(given).items() if given[name] is not None}
    return Policy.from_dict(
        {
            "id": "golden",
            "fallback": True,
            "calendar": "case",
            "targets": [{"metric": metric, "target": dt.timedelta(seconds=s)} for metric, s in named.items()],
            "metrics": {metric: {"pauses": ["waiting_customer"], **options[metric]} for metric in named},
        }
    )


def facts_of(events: list[dict]) -> list:
    facts = []
    for number, event in enumerate(events):
        when = {"occurred_at": event["at"], "seq": number}
        match event["type"]:
            case "created":
                facts.append(Created(**when, channel="email", state=event["state"]))
            case "state":
                facts.append(StateEntered(**when, state=event["state"]))
            case "closed":
                facts.append(StateEntered(**when, state=CLOSED))
            case author:
                facts.append(Messaged(**when, author=ActorKind(author), channel="email"))
    return facts


def answers(case: dict) -> dict[str, object]:
    given = case["inputs"]
    policy, paused = given["policy"], given["policy"]["paused_states"]
    states = {event["state"] for event in given["events"] if "state" in event}
    categories = {name: StateCategory.WAITING_CUSTOMER if name in paused else StateCategory.OPEN for name in states} | {
        CLOSED: StateCategory.CLOSED
    }
    calendar = BusinessCalendar.from_dict(case["calendar"])
    clocks = evaluate(
        facts_of(given["events"]), [policy_of(policy)], {"case": calendar}, given["as_of"], categories=categories
    )
    found: dict[str, object] = {}
    for name, metric in metrics_of(policy).items():
        clock = clocks.get(metric)
        if clock is None or (metric is Metric.NEXT_RESPONSE and clock.status not in LIVE):
            found[f"{name}_due"] = None
            continue
        due = clock.due_at or clock.projected_due_at
        if policy.get("tie") == "next_open":
            due = calendar.add(due, dt.timedelta(0), tie="next_open")
        found[f"{name}_due"] = due
        found[f"{name}_elapsed"] = clock.used.total_seconds()
        found[f"{name}_breached"] = clock.verdict is Verdict.BREACHED
        found[f"{name}_met"] = clock.verdict is Verdict.MET if clock.status is Status.STOPPED else None
    last = sorted((event["at"], index, event) for index, event in enumerate(given["events"]) if "state" in event)
    found["state"] = last[-1][2]["state"]
    found["paused"] = found["state"] in paused
    return found


def test_all_clock_cases_are_there():
    shared_file("golden/sla_cases.json")

    assert len(CASES) == 29


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_clock_case_holds_to_the_second(case):
    found = answers(case)

    for name, wanted in case["expected"].items():
        value = dt.datetime.fromisoformat(wanted) if name.endswith("_due") and wanted is not None else wanted
        assert found[name] == value, name
