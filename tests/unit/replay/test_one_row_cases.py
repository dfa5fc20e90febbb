"""Logs with one row a case: the row opens the ticket and ends it, each at its own time; custom fields come along."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest
from tests.unit.replay.city import CITY, HEADER, request
from tests.unit.replay.logs import write

from supportkit import Desk
from supportkit.model.events import ClockEvent, FieldsChanged, StateChanged, TicketOpened
from supportkit.replay import fold_log, replay


@pytest.fixture
def desk():
    with Desk("sqlite://", close_resolved_after=None) as opened:
        yield opened


def local(day, hour, minute=0, second=0):
    return dt.datetime(2026, 1, day, hour + 5, minute, second, tzinfo=dt.UTC)  # New York in winter


def test_a_row_opens_and_closes_its_ticket(desk, tmp_path):
    path = write(tmp_path, request("A", "05 10:00", "06 11:30"), request("B", "05 12:00"), header=HEADER)
    report = replay(desk, path, CITY)
    assert (report.applied, report.refused, report.states) == (2, 0, {"closed": 1, "new": 1})
    first, second = desk.get(1), desk.get(2)
    assert (first.created_at, first.closed_at) == (local(5, 10), local(6, 11, 30))
    assert (second.created_at, second.closed_at) == (local(5, 12), None)
    assert (first.channel, dict(first.fields)) == ("app", {"type": "Lamp"})
    events = [entry.event for entry in desk.history(1)]
    assert [type(event) for event in events if not isinstance(event, ClockEvent)] == [TicketOpened, StateChanged]
    assert replay(desk, path, CITY).counts() == report.counts() == fold_log(path, CITY).counts()


def test_a_case_that_was_closed_before_it_was_opened_is_taken_and_took_no_time(desk, tmp_path):
    path = write(tmp_path, request("A", "05 10:00:50", "05 10:00:00"), header=HEADER)
    report = replay(desk, path, CITY)
    assert report.states == {"closed": 1}
    assert (report.first_resolution.count, report.first_resolution.sum) == (1, 0)
    assert desk.get(1).closed_at == local(5, 10)
    assert desk.check(deep=True)[-1].severity == "ok"
    assert fold_log(path, CITY).counts() == report.counts()


@pytest.mark.parametrize(
    ("row", "code", "said"),
    [
        (request("A", "05 10:00", state="Closed"), "replay.bad_time", "column 'closed' does not say since when"),
        (request("A", "05 10:00", "soon"), "replay.bad_time", "'soon' in column 'closed' is no time"),
        (request("A", "05 10:00", state="Lost"), "replay.unknown_value", "the state 'Lost'"),
    ],
)
def test_a_row_without_a_readable_end_is_refused_with_its_line(desk, tmp_path, row, code, said):
    report = replay(desk, write(tmp_path, request("B", "05 09:00"), row, header=HEADER), CITY)
    assert report.refusals == {code: 1}
    assert report.refused_rows[0].line == 3
    assert said in report.refused_rows[0].sentence
    assert report.tickets == 1


def test_the_end_of_a_case_that_is_open_is_not_asked_for(desk, tmp_path):
    path = write(tmp_path, request("A", "05 10:00", "06 10:00", state="Open"), header=HEADER)
    assert replay(desk, path, CITY).states == {"new": 1}
    assert desk.get(1).closed_at is None


def test_fields_change_with_the_rows_and_what_a_row_leaves_out_stays(desk, tmp_path):
    rows = (
        request("A", "05 10:00", kind="Lamp"),
        request("A", "05 11:00", kind=""),
        request("A", "05 12:00", kind="Road"),
        request("A", "05 13:00", kind="Road"),
    )
    path = write(tmp_path, *rows, header=HEADER)
    report = replay(desk, path, CITY)
    assert (report.applied, report.unchanged) == (2, 2)
    assert dict(desk.get(1).fields) == {"type": "Road"}
    assert [type(entry.event) for entry in desk.history(1)] == [TicketOpened, FieldsChanged]
    assert fold_log(path, CITY).counts() == report.counts()


def test_a_field_beyond_the_limit_of_the_desk_is_refused(desk, tmp_path):
    path = write(tmp_path, request("A", "05 10:00", kind="x" * 70_000), header=HEADER)
    assert replay(desk, path, CITY).refused == 1
    assert desk.find().items == ()


def test_the_opening_may_still_stand_in_a_column_of_its_own(desk, tmp_path):
    format_ = attrs.evolve(CITY, columns=attrs.evolve(CITY.columns, opened="due"))
    replay(desk, write(tmp_path, request("A", "05 10:00", "06 10:00", "04 08:00"), header=HEADER), format_)
    assert (desk.get(1).created_at, desk.get(1).closed_at) == (local(4, 8), local(6, 10))
