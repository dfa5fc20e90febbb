"""What a log says of its promises against the clocks: labels, due times, refusals, and the instant of judging."""

from __future__ import annotations

import copy
import datetime as dt

import attrs
import pytest
from tests.unit.replay.city import CITY, HEADER, request
from tests.unit.replay.logs import FORMAT, row, write

from supportkit.replay import Agreement, Flags, InvalidLogFormat, LogFormat, ReplayError, compare_promises
from supportkit.sla import ServiceLevels

DAY = """
[calendars.hall]
timezone = "America/New_York"
[calendars.hall.hours]
mon = [["09:00", "17:00"]]
tue = [["09:00", "17:00"]]

[[policies]]
id = "lamps"
calendar = "hall"
condition = { type = ["Lamp"] }
targets = [{ metric = "RESOLUTION", target = "8h" }]

[[policies]]
id = "rest"
fallback = true
metrics = { RESOLUTION = { end = "closed" } }
"""
LEVELS = ServiceLevels.from_toml(DAY)


def compared(folder, *rows, levels=None, format_=CITY, **more):
    return compare_promises(write(folder, *rows, header=HEADER), format_, levels, **more)


def test_the_due_time_of_the_log_is_an_absolute_deadline(tmp_path):
    report = compared(
        tmp_path,
        request("A", "05 10:00", "06 10:00", "06 10:00", "ok"),
        request("B", "05 10:00", "06 10:00:01", "06 10:00", "late"),
        request("C", "05 10:00", "06 10:00:01", "06 10:00", "ok"),
        request("D", "05 10:00", "06 09:00", "06 10:00", "late"),
    )
    assert report.due == Flags(closed=Agreement(same=2, of=4), late=2)
    assert report.undue == Flags()
    assert (report.policy, report.dues, report.unlabelled, report.cases) == (None, {}, 0, 4)


def test_a_case_without_a_due_time_is_never_late(tmp_path):
    report = compared(
        tmp_path, request("A", "05 10:00", "30 10:00", "", "ok"), request("B", "05 10:00", "30 10:00", "", "late")
    )
    assert report.undue.closed == report.labelled.closed == Agreement(same=1, of=2)
    assert report.due == Flags()


def test_open_cases_are_judged_at_the_end_of_the_log(tmp_path):
    rows = (
        request("A", "05 10:00", "", "06 10:00", "late"),
        request("B", "05 10:00", "", "08 10:00", "ok"),
        request("C", "05 10:00", "07 10:00", "", "ok"),
    )
    report = compared(tmp_path, *rows)
    assert report.at == dt.datetime(2026, 1, 7, 15, tzinfo=dt.UTC)
    assert report.due.open == Agreement(same=2, of=2)
    later = compared(tmp_path, *rows, at=dt.datetime(2026, 1, 9, tzinfo=dt.UTC))
    assert later.due.open == Agreement(same=1, of=2)


def test_open_cases_are_judged_when_the_log_was_written_if_that_is_later(tmp_path):
    rows = (request("A", "05 10:00", "", "06 10:00", "late"),)
    written = attrs.evolve(CITY, promise=attrs.evolve(CITY.promise, as_of="2026-01-06T11:00:00"))
    assert compared(tmp_path, *rows).due.open == Agreement(same=0, of=1)
    report = compared(tmp_path, *rows, format_=written)
    assert report.at == dt.datetime(2026, 1, 6, 16, tzinfo=dt.UTC)
    assert report.due.open == Agreement(same=1, of=1)
    goes_on = compared(tmp_path, *rows, request("B", "08 10:00"), format_=written)
    assert goes_on.at == dt.datetime(2026, 1, 8, 15, tzinfo=dt.UTC)


def test_what_had_not_happened_by_then_does_not_count(tmp_path):
    rows = (request("A", "05 10:00", "08 10:00", "06 10:00", "late"), request("B", "07 10:00", "", "08 10:00", "ok"))
    report = compared(tmp_path, *rows, at=dt.datetime(2026, 1, 6, 20, tzinfo=dt.UTC))
    assert (report.later, report.due) == (1, Flags(open=Agreement(same=1, of=1)))


def test_a_case_without_a_label_is_counted_apart(tmp_path):
    report = compared(tmp_path, request("A", "05 10:00", "06 10:00", "06 11:00"))
    assert (report.cases, report.unlabelled, report.due.closed) == (1, 1, Agreement())


def test_a_case_that_was_closed_before_it_was_opened_was_in_time(tmp_path):
    report = compared(tmp_path, request("A", "05 10:00:50", "05 10:00", "06 11:00", "ok"), levels=LEVELS)
    assert report.skewed == 1
    assert report.due.closed == report.policy.closed == Agreement(same=1, of=1)


def test_policies_judge_what_they_promise_and_nothing_else(tmp_path):
    report = compared(
        tmp_path,
        request("A", "05 10:00", "06 10:00", "", "ok"),
        request("B", "05 10:00", "06 10:00:01", "", "late"),
        request("C", "05 10:00", "06 10:00:01", "", "ok"),
        request("D", "05 10:00", "20 10:00", "", "late", kind="Road"),
        request("E", "05 10:00", "", "", "ok"),
        levels=LEVELS,
        at=dt.datetime(2026, 1, 21, tzinfo=dt.UTC),
    )
    assert report.policy == Flags(closed=Agreement(same=2, of=3), open=Agreement(same=0, of=1), late=2)


@pytest.mark.parametrize(
    ("due", "same"),
    [("06 09:00", 1), ("06 09:01", 1), ("06 09:01:01", 0), ("06 08:59", 1), ("06 08:58:59", 0), ("05 17:00", 0)],
)
def test_due_times_are_compared_to_the_minute_with_the_first_late_instant(tmp_path, due, same):
    report = compared(tmp_path, request("A", "05 09:00", "05 10:00", due, "ok"), levels=LEVELS)
    assert report.dues == {"Lamp": Agreement(same=same, of=1)}


def test_due_times_do_not_depend_on_when_the_case_was_closed(tmp_path):
    rows = [
        request("A", "05 10:00", "05 11:00", "06 10:00", "ok"),
        request("B", "05 10:00", "20 11:00", "06 10:00", "late"),
        request("C", "05 10:00", "", "06 10:00", "late"),
        request("D", "05 10:00", "05 09:00", "06 10:00", "ok"),
    ]
    report = compared(tmp_path, *rows, levels=LEVELS)
    assert report.all_dues == report.dues["Lamp"] == Agreement(same=4, of=4)


def test_a_policy_that_measures_something_else_judges_nothing(tmp_path):
    answers = ServiceLevels.from_dict(
        {"policies": [{"id": "a", "fallback": True, "targets": [{"metric": "TIME_TO_OWN", "target": "1h"}]}]}
    )
    report = compared(tmp_path, request("A", "05 10:00", "06 10:00", "06 10:00", "ok"), levels=answers)
    assert (report.policy, report.dues) == (Flags(), {})
    assert report.due.closed == Agreement(same=1, of=1)


def test_the_last_row_of_a_case_counts(tmp_path):
    report = compared(
        tmp_path,
        request("A", "05 10:00", "", "06 10:00", "ok"),
        request("B", "05 10:00", "05 11:00", "06 10:00", "ok"),
        request("A", "05 10:00", "07 10:00", "06 10:00", "late"),
    )
    assert (report.cases, report.due.closed) == (2, Agreement(same=2, of=2))


@pytest.mark.parametrize(
    ("bad", "code", "said"),
    [
        (request("A", "05 10:00", "06 10:00", "", "maybe"), "replay.unknown_value", "the label 'maybe'"),
        (request("A", "05 10:00", "06 10:00", "", "OK"), "replay.unknown_value", "the label 'OK'"),
        (request("A", "05 10:00", "06 10:00", "soon", "ok"), "replay.bad_time", "'soon', when the case was due,"),
        (request("A", "05 10:00", "x", "", "ok"), "replay.bad_time", "'x', when the case was closed,"),
        (request("A", "", "06 10:00", "", "ok"), "replay.bad_time", "does not say when the case was opened"),
        (request("A", "05 10:00", state="Odd"), "replay.unknown_value", "the state 'Odd'"),
        (request("", "05 10:00"), "replay.no_ticket", "names no ticket"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line_and_the_rest_is_judged(tmp_path, bad, code, said):
    report = compared(tmp_path, request("B", "05 10:00", "06 10:00", "", "ok"), bad)
    assert report.refusals == {code: 1}
    assert report.refused_rows[0].line == 3
    assert said in report.refused_rows[0].sentence
    assert (report.cases, report.undue.closed) == (1, Agreement(same=1, of=1))


def test_only_the_first_hundred_refused_rows_are_named(tmp_path):
    report = compared(tmp_path, *(request("", "05 10:00") for _ in range(150)))
    assert (report.refusals, len(report.refused_rows)) == ({"replay.no_ticket": 150}, 100)


def test_a_log_without_rows_agrees_with_everything(tmp_path):
    report = compared(tmp_path, levels=LEVELS)
    assert (report.at, report.cases, report.labelled) == (None, 0, Flags())
    assert report.labelled.closed.share is None


def test_a_log_with_labels_and_no_due_times_is_judged_by_policies_only(tmp_path):
    bare = attrs.evolve(CITY, promise=attrs.evolve(CITY.promise, due=None))
    report = compared(tmp_path, request("A", "05 10:00", "06 10:00", "x", "ok"), levels=LEVELS, format_=bare)
    assert (report.due, report.undue, report.labelled, report.dues) == (None, None, None, {})
    assert report.policy.closed == Agreement(same=1, of=1)


def test_conditions_read_channel_priority_team_and_tags(tmp_path):
    plain = copy.deepcopy(FORMAT.to_dict())
    plain["promise"] = {"closed": "born", "label": "person", "on_time": ["ok"], "late": ["late"]}
    log = row("A", 600, "Look", "2", "wheels", "", "top", "By Phone", "late")
    for condition in (
        {"channel": "by_phone"},
        {"team": "wheels"},
        {"tags": ["seen"]},
        {"priority": "urgent"},
        {"tier": 2},
    ):
        short = {"id": "short", "condition": condition, "targets": [{"metric": "RESOLUTION", "target": "1m"}]}
        levels = ServiceLevels.from_dict({"policies": [short]})
        plain["columns"]["opened"] = "when"
        report = compare_promises(
            write(tmp_path, log), LogFormat.from_dict(plain), levels, at=dt.datetime(2026, 1, 6, tzinfo=dt.UTC)
        )
        assert report.policy.open == Agreement(same=1, of=1), condition


def test_progress_is_told_after_each_case(tmp_path):
    told = []
    rows = [request(name, "05 10:00") for name in "ABC"]
    compared(tmp_path, *rows, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_format_without_promises_cannot_be_judged(tmp_path):
    with pytest.raises(InvalidLogFormat, match="does not say what its log promises"):
        compare_promises(write(tmp_path), FORMAT)


def test_a_file_without_the_columns_of_the_promise_is_told(tmp_path):
    with pytest.raises(ReplayError, match="no column 'due'"):
        compare_promises(write(tmp_path, header=HEADER.replace("due", "dew")), CITY)


def test_shares():
    assert Agreement(same=1, of=4).share == 0.25
    assert Agreement(same=1, of=2) + Agreement(same=2, of=3) == Agreement(same=3, of=5)
