"""Facts from logs: what happened, and what policies are chosen by at each change of it."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest
from tests.unit.replay.city import CITY, HEADER, request
from tests.unit.replay.logs import FORMAT, START, row, write

from supportkit.model.ticket import Priority
from supportkit.replay import CATEGORIES, ReplayError, fold_log, histories
from supportkit.sla import (
    Created,
    Metric,
    OwnerSet,
    PolicyApplied,
    PrioritySet,
    Rules,
    ServiceLevels,
    StateEntered,
    TierEntered,
    evaluate,
)


def minute(count):
    return START + dt.timedelta(minutes=count)


def test_a_log_becomes_facts_ticket_by_ticket(tmp_path):
    path = write(
        tmp_path,
        row("A", 0, "New", "1", "wheels", "", "low", "Phone"),
        row("B", 1, "Work", "2"),
        row("A", 2, "Work", "3", "gears", "kim", "top"),
        row("B", 3, "Done", "2"),
    )
    told = histories(path, FORMAT)
    assert list(told.facts) == ["A", "B"]
    assert told.at == minute(3)
    assert told.report == fold_log(path, FORMAT)
    kinds = [type(fact) for fact in told.facts["A"]]
    assert kinds == [Created, PolicyApplied, TierEntered, OwnerSet, OwnerSet, PrioritySet, StateEntered, PolicyApplied]
    created = told.facts["A"][0]
    assert (created.ticket, created.channel, created.priority, created.occurred_at) == (
        "A", "phone", Priority.LOW, START,
    )  # fmt: skip
    assert {fact.recorded_at for facts in told.facts.values() for fact in facts} == {None}


def applied(told, ticket="A"):
    return [fact for fact in told.facts[ticket] if isinstance(fact, PolicyApplied)]


def test_a_policy_is_chosen_by_what_the_ticket_is_after_all_that_happened_at_once(tmp_path):
    told = histories(
        write(
            tmp_path,
            row("A", 0, "Look", "1", "wheels", "", "low", "Phone"),
            row("A", 5, "Look", "2", "gears", "", "top"),
            row("A", 9, "Done", "2", "gears", "", "top"),
        ),
        FORMAT,
    )
    first, second = applied(told)
    assert (first.occurred_at, second.occurred_at) == (START, minute(5))
    assert first.policy is second.policy is None
    assert dict(first.subject) == {
        "channel": "phone", "priority": Priority.LOW, "tier": 1, "team": "wheels", "tags": ("seen",),
    }  # fmt: skip
    assert dict(second.subject) == dict(first.subject) | {"priority": Priority.URGENT, "tier": 2, "team": "gears"}


def test_custom_fields_are_there_by_their_names(tmp_path):
    told = histories(write(tmp_path, request("A", "05 10:00", "06 10:00", kind="Lamp"), header=HEADER), CITY)
    (only,) = applied(told)
    assert dict(only.subject)["type"] == "Lamp"
    assert only.occurred_at == told.facts["A"][0].occurred_at
    assert told.at == dt.datetime(2026, 1, 6, 15, tzinfo=dt.UTC)


def test_a_custom_field_does_not_hide_what_the_ticket_is(tmp_path):
    format_ = attrs.evolve(CITY, columns=attrs.evolve(CITY.columns, fields=(("channel", "type"), ("kind", "type"))))
    told = histories(write(tmp_path, request("A", "05 10:00"), header=HEADER), format_)
    assert dict(applied(told)[0].subject) | {"kind": "Lamp", "channel": "app"} == dict(applied(told)[0].subject)


def test_time_that_goes_back_breaks_no_clock(tmp_path):
    told = histories(
        write(tmp_path, row("A", 10, "New"), row("A", 5, "Work"), row("A", 30, "Done"), row("A", 20, "Done", "2")),
        FORMAT,
    )
    levels = ServiceLevels.from_dict(
        {"policies": [{"id": "p", "fallback": True, "targets": [{"metric": "RESOLUTION", "target": "15m"}]}]}
    )
    clock = evaluate(told.facts["A"], Rules(levels, categories=CATEGORIES), None, told.at, categories={})
    assert clock[Metric.RESOLUTION].used == dt.timedelta(minutes=20)


def test_refused_rows_are_in_the_report_and_leave_no_facts(tmp_path):
    told = histories(write(tmp_path, row("A", 0, "New"), row("A", 1, "Gone"), row("-", 2, "New")), FORMAT)
    assert told.report.refusals == {"replay.no_ticket": 1, "replay.unknown_value": 1}
    assert list(told.facts) == ["A"]


def test_an_empty_log_has_no_end(tmp_path):
    told = histories(write(tmp_path), FORMAT)
    assert (told.facts, told.at, told.report.rows) == ({}, None, 0)


def test_progress_is_told_every_thousand_rows_and_at_the_end(tmp_path):
    steps = []
    histories(write(tmp_path, *(row(f"T{n}", 0, "New") for n in range(2500))), FORMAT, progress=steps.append)
    assert [step.rows for step in steps] == [1000, 2000, 2500]
    assert steps[-1].bytes_read == steps[-1].size


def test_a_broken_file_is_told(tmp_path):
    with pytest.raises(ReplayError, match="line 2"):
        histories(write(tmp_path, "A,cut"), FORMAT)
